"""Learning where one total is all there is: the regression over a log, then the lift tests."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from budgetopt.belief.evidence import log_step, renewed
from budgetopt.belief.grid import Grid
from budgetopt.belief.log import Log
from budgetopt.belief.one_total import learn_total
from budgetopt.belief.posterior import Posterior
from budgetopt.belief.settings import Settings
from budgetopt.curves.base import Floats


class FromTotal(NamedTuple):
    """What one total says.

    Parameters
    ----------
    posterior
        Of the curves.
    data_share
        Share of what is known of each channel that is data, ``(channels,)``.
    alike
        Correlations of the channels' features, ``(channels, channels)``.
    """

    posterior: Posterior
    data_share: Floats
    alike: Floats


def from_total(log: Log, settings: Settings) -> FromTotal:
    """Return what a log with one total says; concave cells only.

    A lift test comes after the regression, whose doubt it is free of.
    """
    grid = Grid(log.reference, settings.total_points, settings.span, settings.hill_shapes)
    learned, alike = learn_total(
        log.weeks, log.spend, np.asarray(log.total), grid=grid, settings=settings
    )
    chance, mean, variance = (np.ascontiguousarray(np.swapaxes(part, 1, 2)) for part in learned[:3])
    for test in log.beforehand.lift_tests:
        at, step = log.channels.index(test.channel), log_step(test, grid)
        told = np.empty_like(chance[at])
        for nuisance in range(len(told)):
            mean[at, nuisance], variance[at, nuisance], told[nuisance] = renewed(
                mean[at, nuisance], variance[at, nuisance], step, test
            )
        chance[at] *= np.exp(told - told.max())
        chance[at] /= chance[at].sum()
    posterior = Posterior(grid, (len(log.channels),), chance, mean, variance)
    return FromTotal(posterior, learned.data_share, alike)
