r"""Whether the level of a channel jumped in a week, as it looks one week later.

In its own week a jump may as well be an outlier; the next week tells. With :math:`d_1, d_2` how far
the outcomes of both weeks lay from what was expected before the first,

.. math:: d_i = \delta + e_i, \qquad e_i \sim N(0, N_i)

where :math:`\delta \sim N(0, P)` is what was not known of the level. A jump adds its variance to
:math:`\delta`, an outlier to one of the :math:`e_i` alone. The chances follow by Bayes' rule over
the three hypotheses of the first week, with the second an outlier or not (smoothing with a fixed
lag of one week; Anderson and Moore 1979, chapter 7).
"""

from __future__ import annotations

import numpy as np

from budgetopt.belief.settings import Settings
from budgetopt.curves.base import Floats


def jumped(miss: Floats, moved: Floats, level: Floats, noise: Floats, settings: Settings) -> Floats:
    """Return the chance that the level jumped in each week, ``(weeks, channels)``.

    Parameters
    ----------
    miss
        Log outcome less what was expected of it, NaN where unseen; shape ``(weeks, channels)``.
    moved
        By how much the week moved what is expected, same shape.
    level, noise
        Variances of what was expected and of the week around it, same shape.
    settings
        Chances and sizes of jumps and outliers.
    """
    chance = np.full(miss.shape, np.nan)
    if not settings.jump_chance:
        return np.where(np.isfinite(miss), 0.0, np.nan)
    for channel in range(miss.shape[1]):
        weeks = np.flatnonzero(np.isfinite(miss[:, channel]))
        if weeks.size:
            at = (weeks, channel)
            chance[at] = _of_channel(miss[at], moved[at], level[at], noise[at], settings)
    return chance


def _of_channel(
    miss: Floats, moved: Floats, level: Floats, noise: Floats, settings: Settings
) -> Floats:
    # The last week has no next one yet: a week that says nothing stands for it.
    second = np.append(miss[1:] + moved[:-1], 0.0)
    doubt = np.append(noise[1:], 1e12)
    odd = settings.outlier_sd**2
    usual = 1.0 - settings.jump_chance - settings.outlier_chance
    whats = (
        (usual, 0.0, 0.0),
        (settings.outlier_chance, 0.0, odd),
        (settings.jump_chance, settings.jump_sd**2, 0.0),
    )
    told = []
    for prior, jump, outlier in whats:
        each = [
            share * prior * _density(miss, second, level + jump, noise + outlier, doubt + more)
            for share, more in (
                (1.0 - settings.outlier_chance, 0.0),
                (settings.outlier_chance, odd),
            )
        ]
        told.append(each[0] + each[1])
    chance: Floats = told[2] / np.maximum(np.add.reduce(told), np.finfo(np.float64).tiny)
    return chance


def _density(first: Floats, second: Floats, shared: Floats, one: Floats, two: Floats) -> Floats:
    """Return the joint density of both weeks, up to a factor."""
    a, b = shared + one, shared + two
    determinant = a * b - np.square(shared)
    square = (b * np.square(first) - 2.0 * shared * first * second + a * np.square(second)) / (
        determinant
    )
    dense: Floats = np.exp(-0.5 * square) / np.sqrt(determinant)
    return dense
