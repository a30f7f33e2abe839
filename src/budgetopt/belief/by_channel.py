"""Learning where each channel has an outcome of its own: the filter over a log."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from budgetopt.belief.evidence import hear_test
from budgetopt.belief.filter import Heard, Model, State, start, step
from budgetopt.belief.filter.tables import Tables
from budgetopt.belief.filter.week_effect import ahead, moments
from budgetopt.belief.inputs import Inputs, inputs_of, model_of
from budgetopt.belief.log import Log
from budgetopt.belief.lookback import jumped
from budgetopt.belief.posterior import Posterior
from budgetopt.belief.settings import Settings
from budgetopt.curves.base import Floats
from budgetopt.plan import LiftTest


class Walked(NamedTuple):
    """What the filter knows after a log, and what it predicted on the way.

    Parameters
    ----------
    model, inputs, state
        Priors, what was read, and what is known now.
    heard
        The record of every week, its parts of shape ``(weeks, channels)``, NaN where unseen.
    """

    model: Model
    inputs: Inputs
    state: State
    heard: Heard

    @property
    def ranks(self) -> Floats:
        """Share of each one-week-ahead prediction that lay below the outcome."""
        return self.heard.rank

    @property
    def outliers(self) -> Floats:
        """Chance that each week was one of its own."""
        return self.heard.outlier

    @property
    def jumps(self) -> Floats:
        """Chance that the level jumped in each week, as it looks one week later."""
        told = self.heard
        return jumped(told.miss, told.moved, told.level, told.noise, self.model.settings)

    def effect_ahead(self) -> tuple[float, float]:
        """Return mean and variance of the log of next week's common effect."""
        if self.state.effect is None:
            return 0.0, 0.0
        mean, variance = moments(ahead(self.state.effect, self.model.settings, 1.0))
        return float(mean[0]), float(variance[0])


def walk(log: Log, settings: Settings, earlier: Walked | None = None) -> Walked:
    """Return what the filter says of a log, from where an earlier walk stopped if it can.

    Parameters
    ----------
    log
        Weeks with outcomes by channel.
    settings
        Priors and grids.
    earlier
        A walk over the first weeks of the same log. Where its weeks have changed since (revised,
        or grown out of their youth), the walk starts anew; either way the answer is the same.
    """
    model, inputs = model_of(log, settings), inputs_of(log, settings)
    tests = _by_week(log)
    if (
        earlier is None
        or not inputs.goes_on(earlier.inputs)
        or max(tests, default=-1) >= len(earlier.inputs.days)
    ):
        first, state = 0, start(model, inputs.centre[None], inputs.sd[None])
        heard = np.full((len(Heard._fields), len(inputs.days), len(log.channels)), np.nan)
        _hear_tests(state, tests.get(-1, []), log, model)
    else:
        first, state = len(earlier.inputs.days), _copied(earlier.state)
        more = np.full((len(Heard._fields), len(inputs.days) - first, len(log.channels)), np.nan)
        heard = np.concatenate([np.stack(earlier.heard), more], axis=1)
    for at in range(first, len(inputs.days)):
        state, heard[:, at] = step(state, inputs.week(at), model, record=True)
        _hear_tests(state, tests.get(at, []), log, model)
    _hear_tests(state, tests.get(len(inputs.days), []), log, model)
    return Walked(model, inputs, state, Heard(*heard))


def posterior_of(walked: Walked) -> Posterior:
    """Return the curves that a walk believes in."""
    tables = walked.state.tables
    return Posterior(
        walked.model.grid,
        (walked.model.channels,),
        tables.chance,
        tables.mean,
        tables.variance[..., None],
    )


def data_share(walked: Walked) -> Floats:
    """Return one less the posterior over the prior variance of the log response, ``(channels,)``.

    It is of the response at the reference, 0 where nothing was seen.
    """
    tables = walked.state.tables
    middle = np.einsum("rk,rk->r", tables.cell_chance, tables.cell_mean)
    square = np.einsum("rk,rk->r", tables.cell_chance, np.square(tables.cell_mean))
    spread = tables.within + np.maximum(square - np.square(middle), 0.0)
    share: Floats = np.clip(1.0 - spread / np.square(walked.inputs.sd), 0.0, 1.0)
    share[~walked.inputs.seen.any(axis=0)] = 0.0
    return share


def _by_week(log: Log) -> dict[int, list[LiftTest]]:
    """Return the tests by the week that each ended in: -1 before the log, its length after it."""
    tests: dict[int, list[LiftTest]] = {}
    for test in log.beforehand.lift_tests:
        at = -1
        if test.ended is not None and len(log.weeks):
            day = np.datetime64(test.ended, "D")
            at = int(np.searchsorted(log.weeks, day, "right")) - 1
            if day >= log.weeks[-1] + np.timedelta64(7, "D"):
                at = len(log.weeks)
        tests.setdefault(at, []).append(test)
    return tests


def _hear_tests(state: State, tests: list[LiftTest], log: Log, model: Model) -> None:
    for test in tests:
        hear_test(state, test, log.channels.index(test.channel), model)


def _copied(state: State) -> State:
    return State(Tables(*(table.copy() for table in state.tables)), state.effect, state.day)
