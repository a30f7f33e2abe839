r"""Rare jumps of the baseline's level: which weeks, by how much, and how surely.

.. math:: y = Z\gamma + F\beta + \sum_{t \in J} \delta_t H_t + \sum_{t \in O} \epsilon_t 1_t + e,
    \qquad \delta_t \sim N(0, q^2)

with the step :math:`H_t` that is 1 from week ``t`` on. A week begins a new level with the chance
`_CHANCE`, and is odd, alone, with `ODD_CHANCE`: a rival without which one promotion would be two
jumps. Baseline, effects and all jumps are integrated out, the scale of the trend, the persistence
of errors and their size are weighed by their evidence, since a slow trend and persistent errors
are the other ways in which a level moves. One more column ``d`` of variance ``v`` changes the log
evidence of a point by

.. math:: \tfrac12 \frac{h^2}{I + 1/v} - \tfrac12 \log(1 + vI), \qquad I = d^TC^{-1}d, \quad
    h = d^TC^{-1}r

which is had for every week at once, and what is known of the other weeks once it is in follows by
a change of rank one (Sherman and Morrison 1950). Columns are taken in one at a time, the likeliest
first, while more likely than not; then each jump is taken out and found again beside the others,
which is the chance of every week given them: one pass of a sampler, with its conditional chances
in place of draws (George and McCulloch 1993).

What is left is the column of each likely week, with its chance times :math:`q^2` as variance: a
jump that is sure is free, and one that a launch of a channel explains as well widens what is known
of both.

Where this stops. Which set of weeks is likeliest is searched for greedily; a jump within `_EDGE`
weeks of either end is no jump but odd weeks.

References
----------
George and McCulloch (1993), Variable selection via Gibbs sampling, JASA 88. Chen and Liu (1993),
Joint estimation of model parameters and outlier effects in time series, JASA 88, for the rivals.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import logsumexp

from budgetopt.arrays import Floats
from budgetopt.belief.regression import (
    NOISE,
    ODD_CHANCE,
    ODD_SD,
    TREND,
    Baseline,
    Design,
    Rows,
    Scales,
)

_SIZE = 0.2
"""How far a level jumps, one sd in mean outcomes."""
_CHANCE = 0.005
"""Chance that a week begins a new level: one in four years."""
_SERIAL = np.array([0.0, 0.35, 0.7])
"""Persistences of errors that are weighed."""
_EDGE, _NEAR = 8, 2
"""Weeks that a level lasts at least, and how far apart two weeks may be one jump."""
_SLIGHT, _HARDLY = 0.2, 0.02
"""Chances of a jump, and of one week for it, below which they are left out."""
_LIKELY = 0.5
"""Chance of a jump above which it is reported."""
_MOST = 40
"""Columns that are taken in at most."""
_COARSER = 3
"""Of the sizes of errors every third is tried here: half as much again as the one before."""


class Shift(NamedTuple):
    """A jump of the level: the weeks in which it may have been, and the chance of each.

    Parameters
    ----------
    weeks
        First days of the weeks, rising.
    chance
        Of each, together at most 1.
    """

    weeks: NDArray[np.datetime64]
    chance: Floats


def jumped(base: Baseline, weeks: NDArray[np.datetime64], shifts: Sequence[Shift]) -> Baseline:
    """Return a baseline of some weeks with the columns of jumps, in their order."""
    if not shifts:
        return base
    starts = np.concatenate([one.weeks for one in shifts])
    sd = _SIZE * np.sqrt(np.concatenate([one.chance for one in shifts]))
    # The level's own column holds the demand, which multiplies jumps as well.
    return base.beside(base.columns[:, [0]] * (weeks[:, None] >= starts), sd)


def likely_shifts(
    shifts: Sequence[Shift], coefficients: Floats
) -> tuple[tuple[dt.date, float, float], ...]:
    """Return likeliest week, size and chance of the jumps that are more likely than not.

    Parameters
    ----------
    shifts
        The jumps.
    coefficients
        Of their columns.
    """
    ends = np.cumsum([one.weeks.size for one in shifts])[:-1]
    each = zip(shifts, np.split(coefficients, ends), strict=True)
    return tuple(
        (one.weeks[one.chance.argmax()].astype("datetime64[D]").item(), float(moved.sum()), chance)
        for one, moved in each
        if (chance := float(one.chance.sum())) > _LIKELY
    )


class Evidence(NamedTuple):
    """What is known of every candidate beside some columns, at every point of the grid.

    Parameters
    ----------
    information, score
        ``I`` and ``h`` of `shifts`, shape ``(points, noises, candidates)``.
    log_evidence
        Of the points, ``(points, noises)``.
    """

    information: Floats
    score: Floats
    log_evidence: Floats


class Candidates:
    """Steps and odd weeks that may be columns beside a design, and their evidence.

    Parameters
    ----------
    design
        Columns and priors.
    rows
        Weights of the weeks, and which follow each other.
    scales
        Of media and season; those of trend and noise are weighed.
    """

    def __init__(self, design: Design, rows: Rows, scales: Scales) -> None:
        weeks = len(design.outcome)
        self.steps = max(weeks - 2 * _EDGE + 1, 0)
        level = design.base.columns[:, [0]]
        steps = level * np.tri(weeks)[:, _EDGE : _EDGE + self.steps]
        self.columns = np.hstack([steps, np.eye(weeks)])
        kinds = (self.steps, weeks)
        self.variance = np.repeat([_SIZE**2, ODD_SD**2], kinds)
        chance = np.repeat([_CHANCE, ODD_CHANCE], kinds)
        self.log_odds = np.log(chance) - np.log1p(-chance)
        self._points = [_Point(design, rows, scales._replace(trend=trend), serial, self.columns)
                        for trend in TREND for serial in _SERIAL]  # fmt: skip
        parts = zip(*((p.information, p.score, p.log_evidence) for p in self._points), strict=True)
        self.alone = Evidence(*map(np.stack, parts))

    def beside(self, chosen: Iterable[int]) -> Evidence:
        """Return what is known with some candidates as columns."""
        known, taken = self.alone, list[tuple[int, Floats]]()
        for at in chosen:
            known, taken = self.taken_in(known, taken, at)
        return known

    def taken_in(
        self, known: Evidence, taken: list[tuple[int, Floats]], at: int
    ) -> tuple[Evidence, list[tuple[int, Floats]]]:
        """Return what is known with one more column, and the columns with their products.

        With :math:`k = D^TC^{-1}d` of the new column, :math:`C^{-1}` loses
        :math:`C^{-1}dd^TC^{-1}/(I + 1/v)`.
        """
        product = np.stack([point.products(at) for point in self._points])
        for other, along in taken:
            share = along[..., at] / (along[..., other] + 1.0 / self.variance[other])
            product -= share[..., None] * along
        spread = (product[..., at] + 1.0 / self.variance[at])[..., None]
        gain = self.gains(known)[..., at]
        after = Evidence(
            np.maximum(known.information - np.square(product) / spread, 0.0),
            known.score - product * (known.score[..., [at]] / spread),
            known.log_evidence + gain,
        )
        return after, [*taken, (at, product)]

    def gains(self, known: Evidence) -> Floats:
        """Return what each candidate adds to the log evidence, ``(points, noises, candidates)``."""
        spread = known.information + 1.0 / self.variance
        gain: Floats = 0.5 * (
            np.square(known.score) / spread - np.log1p(self.variance * known.information)
        )
        return gain

    def odds(self, known: Evidence, chosen: Iterable[int]) -> Floats:
        """Return log odds of each candidate that is not chosen, over all points, ``(candidates,)``.

        A level lasts a few weeks, so that none begins near another's first.
        """
        odds = logsumexp(known.log_evidence[..., None] + self.gains(known), axis=(0, 1))
        odds += self.log_odds - logsumexp(known.log_evidence)
        for at in chosen:
            if at < self.steps:
                odds[max(at - _EDGE + 1, 0) : min(at + _EDGE, self.steps)] = -np.inf
            else:
                odds[at] = -np.inf
        found: Floats = odds
        return found


class _Point:
    """Evidence at one scale of the trend and one persistence, for every size of the errors."""

    def __init__(
        self, design: Design, rows: Rows, scales: Scales, serial: float, tried: Floats
    ) -> None:
        mean, variance = design.moments(scales)
        columns, weeks = design.columns, len(design.outcome)
        rows = rows._replace(serial=serial)
        miss = design.outcome - columns @ mean
        freed = rows.freed(np.column_stack([columns * np.sqrt(variance), miss, tried]))
        count = columns.shape[1]
        miss, self._tried = freed[:, count], freed[:, count + 1 :]
        left, root, _ = np.linalg.svd(freed[:, :count], full_matrices=False)
        power = np.square(root)
        self._noise = np.square(NOISE[::_COARSER])[:, None]
        self._share = power / (power + self._noise)
        self._along, along = left.T @ self._tried, left.T @ miss
        whole = np.einsum("tc,tc->c", self._tried, self._tried)
        self.information = (whole - self._share @ np.square(self._along)) / self._noise
        self.score = (miss @ self._tried - (self._share * along) @ self._along) / self._noise
        square = (miss @ miss - self._share @ np.square(along)) / self._noise[:, 0]
        width = np.log(power + self._noise).sum(axis=1)
        width += (weeks - power.size) * np.log(self._noise[:, 0])
        freedom = rows.next_to.sum() * np.log1p(-(serial**2))
        self.log_evidence = -0.5 * (square + width + freedom)

    def products(self, at: int) -> Floats:
        """Return the products of one candidate with all of them, ``(noises, candidates)``."""
        along = (self._share * self._along[:, at]) @ self._along
        product: Floats = (self._tried[:, at] @ self._tried - along) / self._noise
        return product


def shifts_of(
    weeks: NDArray[np.datetime64], design: Design, scales: Scales, weight: Floats | None = None
) -> tuple[Shift, ...]:
    """Return the jumps of the level that are not unlikely, in order of time.

    Parameters
    ----------
    weeks
        Their first days, ``(weeks,)``.
    design
        Columns and priors, without jumps.
    scales
        Of media and season.
    weight
        Of the weeks, where it is known which are odd, ``(weeks,)``: a month of promotions is odd
        weeks, but one week after the other is less likely so than that two levels begin.
    """
    rows = Rows.plain(weeks)
    tried = Candidates(design, rows if weight is None else rows._replace(weight=weight), scales)
    if not tried.steps:
        return ()
    known, taken, chosen = tried.alone, list[tuple[int, Floats]](), list[int]()
    while len(chosen) < _MOST:
        log_odds = tried.odds(known, chosen)
        near = _summed(log_odds[: tried.steps])
        jump, odd = int(np.argmax(near)), tried.steps + int(np.argmax(log_odds[tried.steps :]))
        if max(near[jump], log_odds[odd]) <= 0.0:
            break
        least = max(jump - _NEAR, 0)
        week = least + int(np.argmax(log_odds[least : min(jump + _NEAR + 1, tried.steps)]))
        chosen.append(odd if log_odds[odd] > near[jump] else week)
        known, taken = tried.taken_in(known, taken, chosen[-1])
    found = []
    for at in sorted(one for one in chosen if one < tried.steps):
        rest = [one for one in chosen if one != at]
        found.append((at, tried.odds(tried.beside(rest), rest)[: tried.steps]))
    log_odds = tried.odds(known, chosen)[: tried.steps]
    found.append((int(np.argmax(_summed(log_odds))), log_odds))
    likely = [s for s in (_shift(weeks, *one) for one in found) if s.chance.sum() > _SLIGHT]
    return tuple(sorted(likely, key=lambda one: one.weeks[0]))


def _summed(log_odds: Floats) -> Floats:
    """Return log odds of a jump within `_NEAR` weeks of each."""
    wide = np.pad(log_odds, _NEAR, constant_values=-np.inf)
    windows = np.lib.stride_tricks.sliding_window_view(wide, 2 * _NEAR + 1)
    summed: Floats = logsumexp(windows, axis=1)
    return summed


def _shift(weeks: NDArray[np.datetime64], middle: int, log_odds: Floats) -> Shift:
    """Return the jump around a candidate, from the odds of every week."""
    at = np.arange(max(middle - 2 * _NEAR, 0), min(middle + 2 * _NEAR + 1, log_odds.size))
    near = log_odds[at]
    chance = np.exp(near - np.logaddexp(0.0, logsumexp(near)))
    kept = chance > _HARDLY
    return Shift(weeks[at[kept] + _EDGE], chance[kept])
