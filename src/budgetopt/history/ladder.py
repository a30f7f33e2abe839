r"""Reporting delays from two snapshots: link ratios, climbed from the oldest week down.

What a pair shows
-----------------
A week of age ``a`` at the earlier snapshot had :math:`y_1` reported, and :math:`y_2` at age
``a + n`` at the later one, so that :math:`r(a) = F(a)/F(a + n)` is all that the pair says of it
(the reverse hazard of right-truncated delays: Lawless 1994). Ages are a week apart, so
:math:`F` follows at those ages, the oldest first, where it is taken to be 1:

.. math:: F(a) = r(a) F(a + n), \qquad \hat r(a) = \sum_i y_{1i} \Big/ \sum_i y_{2i},

the chain-ladder estimate over channels ``i`` (Mack 1993), the maximum of the binomial likelihood.
:math:`F` is a straight line between ages. Nothing is said of what arrives after the oldest ages:
that is why they must show that nothing more does, or `complete_after` be given.

How unevenly outcomes arrive
----------------------------
:math:`y_1` given :math:`y_2` has variance :math:`\phi y_2 r (1 - r)`, with the dispersion
:math:`\phi` in units of the outcome: 1 for independent events counted, the worth of one event for
revenue, more where events come in clumps. It is the squared residuals over what the binomial
expects of them, corrected for the parameters.

Channels
--------
Channel ``i`` has :math:`F_i = F^{\theta_i}`, slower than all together where :math:`\theta_i > 1`
(proportional reverse hazards: Kalbfleisch and Lawless 1991), so that one number carries what all
ages say of it. :math:`\ln \theta_i` is normal around 0 with a spread that is learned from all
channels: with little data a channel has the common delay. All on one grid, exactly.

What the standard deviations hold
---------------------------------
The error of the ratios (trigamma, the posterior of a log share under Jeffreys' prior), of
:math:`\theta_i`, and the unevenness beyond that of counts in a week of usual size. One pair tells
the shares of one week at each age, so a change of delays between weeks is seen only as unevenness.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NoReturn

import numpy as np
from numpy.typing import NDArray
from scipy.special import logsumexp, polygamma

from budgetopt.errors import HistoryError
from budgetopt.history.snapshots import Pair

Floats = NDArray[np.float64]

NEGLIGIBLE = 1e-3
"""Share still to arrive below which an age is complete, where no age is given."""
LATE = 0.01
"""Share that arrives after the age given as complete from which it is refused."""
FREEDOM = 4
"""Degrees of freedom below which residuals do not tell the dispersion."""
SLOWNESS = np.linspace(-2.4, 2.4, 193)
"""Values of ln theta that are tried: delays from an eleventh to eleven times as slow."""
SPREADS = np.array([0.05, 0.1, 0.2, 0.4, 0.8])
"""Standard deviations of ln theta over channels that are tried, all alike beforehand."""
MOST_DOUBT = 5.0
"""Largest standard deviation of a log share: a factor of 150 says nothing any more."""
EVENTS = 60
"""Events of old weeks that show that nothing more arrives: with none late among so many, fewer
than one in twenty are, at 95 % (the rule of three)."""


@dataclass(frozen=True)
class Climbed:
    """Shares at rising ages, the last one complete.

    Parameters
    ----------
    ages
        Shape ``(ages,)``.
    shares, log_sds
        Shape ``(ages, 1 + channels)``: of a channel that is not named, and of each that is.
    """

    ages: Floats
    shares: Floats
    log_sds: Floats


def climb(pair: Pair, complete_after: float | None, outcome_unit: float | None) -> Climbed:
    """Return the shares that a pair of snapshots shows; see `budgetopt.history.Delay.learned`.

    Raises
    ------
    HistoryError
        ``no-data`` or ``bad-argument``.
    """
    unit = 0.0 if outcome_unit is None else _positive(outcome_unit, "outcome_unit")
    complete = _complete_age(pair, complete_after, unit)
    young = _young(pair, complete)
    ages, earlier, later = pair.ages[young], pair.earlier[young], pair.later[young]
    ratio = earlier.sum(axis=1) / later.sum(axis=1)
    likelihood = _likelihood(earlier, later, ratio)
    spread = _dispersion(earlier, later, ratio, likelihood, unit) if ages.size else unit
    log_share, variance = _down(ages, ratio, pair.apart, complete, _doubt(earlier, later, spread))
    # The first column is a channel that the snapshots do not name; the others are theirs.
    slow, slow_variance = _slowness(likelihood / (spread or 1.0), bool(pair.channels))
    size = _usual_week(pair, complete)
    size = np.append(size.mean(), size)
    log_shares = log_share[:, None] * np.exp(slow)
    uneven = max(spread - unit, 0.0) * np.expm1(-log_shares) / size
    variances = variance[:, None] * np.exp(2 * slow) + log_shares**2 * slow_variance + uneven
    complete_week = np.zeros((1, slow.size))
    shares = np.exp(np.append(log_shares, complete_week, axis=0))
    log_sds = np.append(np.minimum(np.sqrt(variances), MOST_DOUBT), complete_week, axis=0)
    return Climbed(np.append(ages, complete), shares, log_sds)


def _complete_age(pair: Pair, given: float | None, unit: float) -> float:
    """Return the age from which a week is complete, as given or as the pair shows."""
    earlier, later = pair.earlier.sum(axis=1), pair.later.sum(axis=1)
    if not later.any():
        _refuse("no-data", "the snapshots share no outcome", "later", None,
                "give snapshots of weeks with outcomes")  # fmt: skip
    if given is not None:
        return _held_against(pair, _positive(given, "complete_after"))
    arriving = np.flatnonzero(later - earlier > NEGLIGIBLE * later)
    first = int(arriving[-1]) + 1 if arriving.size else 0
    if later[first:].sum() <= EVENTS * unit:
        _refuse(
            "no-data",
            f"the {later.size - first} oldest weeks with an outcome of {later[first:].sum():g} do "
            "not show that nothing more arrives",
            "complete_after",
            None,
            "give snapshots with older weeks, or complete_after",
        )
    # A week that is not known shows nothing either.
    return float(pair.ages[first + int(np.argmax(later[first:] > 0))])


def _held_against(pair: Pair, complete: float) -> float:
    """Return an age given as complete unless the snapshots end before it or contradict it."""
    if complete > pair.ages[-1] + 1 + 1e-9:
        _refuse(
            "no-data",
            f"the oldest week that the snapshots share is {pair.ages[-1]:.3g} weeks old, "
            f"and weeks are complete after {complete:g}",
            "complete_after",
            complete,
            "give snapshots with older weeks, or a lower complete_after",
        )
    old = pair.ages >= complete - 1e-9
    before, after = pair.earlier[old].sum(), pair.later[old].sum()
    if after - before > LATE * after:
        _refuse("no-data", f"{1 - before / after:.1%} arrived later than {complete:g} weeks after "
                "a week", "complete_after", complete, "raise complete_after")  # fmt: skip
    return complete


def _young(pair: Pair, complete: float) -> slice:
    """Return the weeks whose share is learned: not complete, and something was reported."""
    earlier, later = pair.earlier.sum(axis=1), pair.later.sum(axis=1)
    end = int(np.sum(pair.ages < complete - 1e-9))
    for week in np.flatnonzero(later[:end] <= 0)[:1]:
        _refuse(
            "no-data",
            f"the week that is {pair.ages[week]:.3g} weeks old has no outcome that both "
            "snapshots know",
            "later",
            None,
            "give snapshots of other days",
        )
    nothing = np.flatnonzero(earlier[:end] <= 0)
    return slice(int(nothing[-1]) + 1 if nothing.size else 0, end)


def _likelihood(earlier: Floats, later: Floats, ratio: Floats) -> Floats:
    """Return the log likelihood of each channel's slowness, shape ``(channels, slowness)``."""
    log_ratios = np.log(ratio)[:, None] * np.exp(SLOWNESS)
    # Where nothing arrived in any channel, the age says nothing.
    missing = np.where(log_ratios < 0, -np.expm1(log_ratios), 1.0)
    found: Floats = earlier.T @ log_ratios + (later - earlier).T @ np.log(missing)
    return found


def _dispersion(
    earlier: Floats, later: Floats, ratio: Floats, likelihood: Floats, unit: float
) -> float:
    """Return phi: squared residuals over those of a binomial, at least one event's worth."""
    theta = np.exp(SLOWNESS[np.argmax(likelihood, axis=1)])
    expected = ratio[:, None] ** theta
    told = (later > 0) & (ratio < 1)[:, None]
    count = int(told.sum())
    freedom = count - int((ratio < 1).sum()) - max(int(told.any(axis=0).sum()) - 1, 0)
    if freedom < FREEDOM:
        if unit > 0 or not count:
            return unit
        _refuse(
            "no-data",
            f"{count} outcomes do not tell how unevenly outcomes arrive",
            "outcome_unit",
            None,
            "give outcome_unit, 1 where outcomes are counts, or snapshots of more channels",
        )
    residual = (earlier - expected * later)[told] ** 2
    binomial = (later * expected * (1 - expected))[told]
    # Outcomes that keep the delay to the last digit leave no residual to learn from.
    return max(float(np.sum(residual / binomial)) / freedom, unit, 1e-9 * float(later.max()))


def _doubt(earlier: Floats, later: Floats, spread: float) -> Floats:
    """Return the variance of the log of each ratio."""
    if not spread:
        return np.zeros(len(earlier))
    seen, all_of_it = earlier.sum(axis=1) / spread, later.sum(axis=1) / spread
    variance: Floats = polygamma(1, seen + 0.5) - polygamma(1, all_of_it + 1.0)
    return np.maximum(variance, 0.0)


def _down(
    ages: Floats, ratio: Floats, apart: float, complete: float, doubt: Floats
) -> tuple[Floats, Floats]:
    """Return the log share at each age and its variance, from the complete week down."""
    knots = np.append(ages, complete)
    log_share, variance = np.zeros(knots.size), np.zeros(knots.size)
    for at in reversed(range(ages.size)):
        older = slice(at + 1, None)
        later = ages[at] + apart
        reached = np.interp(later, knots[older], np.exp(log_share[older]))
        found = np.log(ratio[at] * reached)
        # What is reported stays reported, whatever the noise says.
        log_share[at] = min(found, log_share[at + 1])
        variance[at] = doubt[at] + np.interp(later, knots[older], variance[older])
    return log_share[:-1], variance[:-1]


def _slowness(likelihood: Floats, several: bool) -> tuple[Floats, Floats]:
    """Return mean and variance of ln theta, of an unnamed channel first and then of each."""
    prior = -0.5 * (SLOWNESS / SPREADS[:, None]) ** 2
    prior -= logsumexp(prior, axis=1, keepdims=True)
    joint = likelihood[:, None, :] + prior
    evidence = logsumexp(joint, axis=2)
    weight = np.exp(evidence.sum(axis=0) - logsumexp(evidence.sum(axis=0)))
    chance = np.einsum("cts,t->cs", np.exp(joint - evidence[..., None]), weight)
    mean = chance @ SLOWNESS
    variance = np.maximum(chance @ SLOWNESS**2 - mean**2, 0.0)
    if len(likelihood) == 1:
        # The common delay is its own.
        mean, variance = np.zeros(1), np.zeros(1)
    unnamed = float(weight @ SPREADS**2) if several else 0.0
    return np.append(0.0, mean), np.append(unnamed, variance)


def _usual_week(pair: Pair, complete: float) -> Floats:
    """Return each channel's mean outcome of the weeks known best, shape ``(channels,)``."""
    old = pair.ages >= complete - 1e-9
    later = pair.later[old] if old.any() else pair.later
    known = later > 0
    every = later[known].mean() if known.any() else 1.0
    sums, counts = later.sum(axis=0), known.sum(axis=0)
    return np.where(counts > 0, sums / np.maximum(counts, 1), every)


def _positive(given: Any, field: str) -> float:
    plain = isinstance(given, (int, float, np.integer, np.floating)) and not isinstance(given, bool)
    if not plain or not 0 < given < np.inf:
        _refuse("bad-argument", f"{field} is {given!r}", field, given, "give a number above 0")
    return float(given)


def _refuse(code: str, problem: str, field: str, value: Any, remedy: str) -> NoReturn:
    raise HistoryError(code, problem, field=field, value=value, remedy=remedy)
