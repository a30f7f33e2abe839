r"""How outcomes of a week keep arriving: the share that is reported at each age of the week.

A week's outcome :math:`y` is reported little by little. At age ``a``, in weeks after its last day,
a share :math:`F(a)` of it is there, and from some age on all of it. What is reported, divided
by :math:`F(a)`, is the completed outcome; taken as it is, a young week would look like a fall.

A `SnapshotPair` lays two snapshots of the same weeks side by side by the age of each week;
`chain_ladder` turns it into shares, by link ratios from the oldest week down; `Delay`, given as
shares or learned that way, is the result that the rest of the library uses.

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

References
----------
Kalbfleisch and Lawless 1991, "Regression models for right truncated data with applications to AIDS
incubation times and reporting lags". Lawless 1994, "Adjustments for reporting delays and the
prediction of occurred but not reported events". Mack 1993, "Distribution-free calculation of the
standard error of chain ladder reserve estimates".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from budgetopt.arguments import public
from budgetopt.arrays import Floats
from budgetopt.errors import did_you_mean
from budgetopt.history.cells import refuse
from budgetopt.messages import quoted, say
from budgetopt.notebook import short

if TYPE_CHECKING:
    from budgetopt.history.history import History


TOLERANCE = 0.01
"""Spends that differ by less are the same, and outcomes that fall by less have not fallen:
platforms correct invalid clicks and withdrawn orders for weeks."""


@dataclass(frozen=True)
class SnapshotPair:
    """What two snapshots say of the weeks that were over at the first.

    Parameters
    ----------
    channels
        Names; none where there is one total.
    ages
        Age of each week at the earlier snapshot, rising by one, shape ``(weeks,)``.
    apart
        Weeks between the snapshots, at least 1.
    earlier, later
        Outcomes, never falling, shape ``(weeks, channels)``, or ``(weeks, 1)`` of the total; both
        0 where one is unknown.
    """

    channels: tuple[str, ...]
    ages: Floats
    apart: float
    earlier: Floats
    later: Floats


def pair_snapshots(earlier: History, later: History) -> SnapshotPair:
    """Return two snapshots side by side.

    Raises
    ------
    HistoryError
        ``bad-history`` where they contradict each other, ``no-data`` where they share no week that
        was over at the earlier one.
    """
    apart = _weeks_apart(earlier, later)
    later = _same_channels(earlier, later)
    weeks, rows, other = np.intersect1d(earlier.weeks, later.weeks, return_indices=True)
    over = earlier.ages[rows] >= 0
    if not over.any():
        refuse("no-data", say("snapshots-share-no"), "earlier", None, say("remedy-same-weeks"))
    # The youngest first.
    rows, other, weeks = rows[over][::-1], other[over][::-1], weeks[over][::-1]
    names = () if earlier.outcome is None else earlier.channels
    lacking = (earlier.partial[rows] | later.partial[other])[:, None]
    spend = np.where(lacking, np.nan, earlier.spend[rows])
    _check_spends(spend, later.spend[other], weeks, earlier.channels)
    before, after = earlier.known_outcome[rows], later.known_outcome[other]
    # Weeks that lack days stay in their place, since ages are a week apart.
    unknown = lacking | np.isnan(before) | np.isnan(after)
    before, after = np.where(unknown, 0.0, before), np.where(unknown, 0.0, after)
    for week, _ in np.argwhere(np.minimum(before, after) < 0)[:1]:
        problem = say("total-week-below", weeks=weeks[week])
        refuse("bad-history", problem, "later", float(after[week, 0]), say("remedy-total-unknown"))
    for week, channel in np.argwhere(before > after * (1 + TOLERANCE))[:1]:
        whose = say("of-outcome", channel=quoted(names[channel])) if names else say("outcome")
        problem = say(
            "outcome-shrinks",
            outcome=whose,
            week=weeks[week],
            before=f"{before[week, channel]:g}",
            after=f"{after[week, channel]:g}",
        )
        remedy = say("remedy-which-later")
        refuse("bad-history", problem, "later", float(after[week, channel]), remedy)
    return SnapshotPair(names, earlier.ages[rows], apart, np.minimum(before, after), after)


def _weeks_apart(earlier: History, later: History) -> float:
    first, second = earlier.through, later.through
    if first is None or second is None:
        which = "earlier" if first is None else "later"
        problem = say("snapshot-no-complete", which=which)
        refuse("no-data", problem, which, None, say("remedy-snapshots-over"))
    days = (second - first).days
    if days < 7:
        problem = say("snapshots-known-through", first=first, second=second)
        refuse("bad-history", problem, "later", str(second), say("remedy-both-through"))
    return days / 7.0


def _same_channels(earlier: History, later: History) -> History:
    """Return the later snapshot with its channels in the order of the earlier."""
    if (earlier.outcome is None) != (later.outcome is None):
        problem = say("snapshot-outcomes-channel")
        refuse("bad-history", problem, "later", None, say("remedy-same-columns"))
    for mine, theirs, which in ((earlier, later, "later"), (later, earlier, "earlier")):
        for name in mine.channels:
            if name not in theirs.index:
                problem = say("channel-not-snapshot", name=repr(name), which=which)
                refuse("bad-history", problem, which, name, did_you_mean(name, theirs.channels))
    if earlier.week_start != later.week_start:
        problem = say(
            "weeks-start-snapshot", week_start=earlier.week_start, week_start_2=later.week_start
        )
        refuse("bad-history", problem, "later", later.week_start, say("remedy-same-week-start"))
    return later.select(earlier.channels)


def _check_spends(
    earlier: Floats, later: Floats, weeks: NDArray[np.datetime64], names: tuple[str, ...]
) -> None:
    """Refuse snapshots of different money, which are not snapshots of the same weeks."""
    apart = np.abs(earlier - later) > TOLERANCE * np.maximum(earlier, later)
    for week, channel in np.argwhere(apart)[:1]:
        one, two = earlier[week, channel], later[week, channel]
        problem = say(
            "spend-week-earlier",
            names=repr(names[channel]),
            weeks=weeks[week],
            one=f"{one:g}",
            two=f"{two:g}",
        )
        refuse("bad-history", problem, "later", float(two), say("remedy-same-or-unknown"))


NEGLIGIBLE = 1e-3
"""Share still to arrive below which an age is complete, where no age is given."""
LATE = 0.01
"""Share that arrives after the age given as complete from which it is refused."""
LEAST_FREEDOM = 4
"""Degrees of freedom below which residuals do not tell the dispersion."""
SLOWNESS = np.linspace(-2.4, 2.4, 193)
"""Values of ln theta that are tried: delays from an eleventh to eleven times as slow."""
SPREADS = np.array([0.05, 0.1, 0.2, 0.4, 0.8])
"""Standard deviations of ln theta over channels that are tried, all alike beforehand."""
MOST_LOG_SD = 5.0
"""Largest standard deviation of a log share: a factor of 150 says nothing any more."""
EVENTS = 60
"""Events of old weeks that show that nothing more arrives: with none late among so many, fewer
than one in twenty are, at 95 % (the rule of three)."""


def chain_ladder(
    pair: SnapshotPair, complete_after: float | None, outcome_unit: float | None
) -> tuple[Floats, Floats, Floats]:
    """Return rising ages, shares, and standard deviations of their logarithms, from a pair.

    The last age is complete. Shares are by age and channel, first one that has no name: shape
    ``(ages, 1 + channels)``. See `budgetopt.history.Delay.learned`.

    Raises
    ------
    HistoryError
        ``no-data`` or ``bad-argument``.
    """
    unit = 0.0 if outcome_unit is None else _positive(outcome_unit, "outcome_unit")
    complete = _complete_age(pair, complete_after, unit)
    young = _incomplete_weeks(pair, complete)
    ages, earlier, later = pair.ages[young], pair.earlier[young], pair.later[young]
    ratio = earlier.sum(axis=1) / later.sum(axis=1)
    likelihood = _likelihood(earlier, later, ratio)
    spread = _dispersion(earlier, later, ratio, likelihood, unit) if ages.size else unit
    log_share, variance = _chain(
        ages, ratio, pair.apart, complete, _log_ratio_variance(earlier, later, spread)
    )
    # The first column is a channel that the snapshots do not name; the others are theirs.
    slow, slow_variance = _slowness(likelihood / (spread or 1.0), bool(pair.channels))
    size = _usual_week(pair, complete)
    size = np.append(size.mean(), size)
    log_shares = log_share[:, None] * np.exp(slow)
    uneven = max(spread - unit, 0.0) * np.expm1(-log_shares) / size
    variances = variance[:, None] * np.exp(2 * slow) + log_shares**2 * slow_variance + uneven
    complete_week = np.zeros((1, slow.size))
    shares = np.exp(np.append(log_shares, complete_week, axis=0))
    log_sds = np.append(np.minimum(np.sqrt(variances), MOST_LOG_SD), complete_week, axis=0)
    return np.append(ages, complete), shares, log_sds


def _complete_age(pair: SnapshotPair, given: float | None, unit: float) -> float:
    """Return the age from which a week is complete, as given or as the pair shows."""
    earlier, later = pair.earlier.sum(axis=1), pair.later.sum(axis=1)
    if not later.any():
        problem = say("snapshots-share-no-outcome")
        refuse("no-data", problem, "later", None, say("remedy-weeks-outcomes"))
    if given is not None:
        return _check_complete_after(pair, _positive(given, "complete_after"))
    arriving = np.flatnonzero(later - earlier > NEGLIGIBLE * later)
    first = int(arriving[-1]) + 1 if arriving.size else 0
    if later[first:].sum() <= EVENTS * unit:
        problem = say(
            "oldest-weeks-outcome", first=later.size - first, sum=f"{later[first:].sum():g}"
        )
        refuse("no-data", problem, "complete_after", None, say("remedy-older-or-complete"))
    # A week that is not known shows nothing either.
    return float(pair.ages[first + int(np.argmax(later[first:] > 0))])


def _check_complete_after(pair: SnapshotPair, complete: float) -> float:
    """Return an age given as complete unless the snapshots end before it or contradict it."""
    if complete > pair.ages[-1] + 1 + 1e-9:
        problem = say(
            "oldest-week-snapshots", ages=f"{pair.ages[-1]:.3g}", complete=f"{complete:g}"
        )
        refuse("no-data", problem, "complete_after", complete, say("remedy-older-or-lower"))
    old = pair.ages >= complete - 1e-9
    before, after = pair.earlier[old].sum(), pair.later[old].sum()
    if after - before > LATE * after:
        problem = say(
            "arrived-later-than", before=f"{1 - before / after:.1%}", complete=f"{complete:g}"
        )
        refuse("no-data", problem, "complete_after", complete, say("remedy-raise-complete"))
    return complete


def _incomplete_weeks(pair: SnapshotPair, complete: float) -> slice:
    """Return the weeks whose share is learned: not complete, and something was reported."""
    earlier, later = pair.earlier.sum(axis=1), pair.later.sum(axis=1)
    end = int(np.sum(pair.ages < complete - 1e-9))
    for week in np.flatnonzero(later[:end] <= 0)[:1]:
        problem = say("week-weeks-old", ages=f"{pair.ages[week]:.3g}")
        refuse("no-data", problem, "later", None, say("remedy-other-days"))
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
    informative = (later > 0) & (ratio < 1)[:, None]
    count = int(informative.sum())
    freedom = count - int((ratio < 1).sum()) - max(int(informative.any(axis=0).sum()) - 1, 0)
    if freedom < LEAST_FREEDOM:
        if unit > 0 or not count:
            return unit
        problem = say("outcomes-do-not", count=count)
        refuse("no-data", problem, "outcome_unit", None, say("remedy-outcome-unit"))
    residual = (earlier - expected * later)[informative] ** 2
    binomial = (later * expected * (1 - expected))[informative]
    # Outcomes that keep the delay to the last digit leave no residual to learn from.
    return max(float(np.sum(residual / binomial)) / freedom, unit, 1e-9 * float(later.max()))


def _log_ratio_variance(earlier: Floats, later: Floats, spread: float) -> Floats:
    """Return the variance of the log of each ratio."""
    # Loaded late: reading a plan or a history needs no SciPy.
    from scipy.special import polygamma

    if not spread:
        return np.zeros(len(earlier))
    seen, all_of_it = earlier.sum(axis=1) / spread, later.sum(axis=1) / spread
    variance: Floats = polygamma(1, seen + 0.5) - polygamma(1, all_of_it + 1.0)
    return np.maximum(variance, 0.0)


def _chain(
    ages: Floats, ratio: Floats, apart: float, complete: float, ratio_variance: Floats
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
        variance[at] = ratio_variance[at] + np.interp(later, knots[older], variance[older])
    return log_share[:-1], variance[:-1]


def _slowness(likelihood: Floats, several: bool) -> tuple[Floats, Floats]:
    """Return mean and variance of ln theta, of an unnamed channel first and then of each."""
    from scipy.special import logsumexp

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


def _usual_week(pair: SnapshotPair, complete: float) -> Floats:
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
        problem = say("field-is", field=field, value=repr(given))
        refuse("bad-argument", problem, field, given, say("remedy-number-above-0"))
    return float(given)


Own = tuple[str, tuple[float, ...], tuple[float, ...]]
"""A channel's name, its shares and how well they are known."""

MOST_WEEKS = 520.0
"""Oldest age at which outcomes may still arrive, ten years."""
_ROUNDING = 1e-9


_NUMBERS = {"schema": {"anyOf": [{"type": "array", "items": {"type": "number"}}, {"type": "null"}]}}
"""What a plan file holds for them, as JSON Schema."""


@public
@short
@dataclass(frozen=True)
class Delay:
    r"""The share of a week's outcome that is reported at each age of the week.

    Parameters
    ----------
    shares
        :math:`F` at `ages`, each above 0 and at most 1, never falling, the last one 1. Between two
        ages it is a straight line; from the last age on, the week is complete.
    ages
        Weeks since the last day of the week, rising from at least 0 to at most 520; days are
        sevenths. By default 0, 1, 2 and so on.
    log_sds
        Standard deviation of :math:`\ln F` at `ages`, 0 to 5, by default 0: known exactly.
    channels
        Shares of single channels in place of those above, by name: a list, or a mapping of
        ``shares`` and ``log_sds``. They are for the same `ages`.

    Raises
    ------
    HistoryError
        ``bad-argument``.

    Notes
    -----
    What was reported by age ``a`` has, beyond `log_sd`, the noise of a thinned count: with
    :math:`n` events seen, the variance :math:`1/n` of its logarithm, which is that of any count.
    An error of the shares is common to all weeks of one age.

    Examples
    --------
    >>> delay = Delay([0.6, 0.9, 1.0], channels={"kol": [0.3, 0.8, 1.0]})
    >>> delay.share([0, 0.5, 7]).tolist()
    [0.6, 0.75, 1.0]
    >>> delay.share([[0.0], [1.0]], ["search", "kol"]).tolist()
    [[0.6, 0.3], [0.9, 0.8]]
    """

    shares: tuple[float, ...]
    ages: tuple[float, ...] = field(default=(), metadata=_NUMBERS)
    log_sds: tuple[float, ...] = field(default=(), metadata=_NUMBERS)
    channels: tuple[Own, ...] = ()

    def __init__(
        self,
        shares: Sequence[float],
        ages: Sequence[float] | None = None,
        log_sds: Sequence[float] | None = None,
        channels: Mapping[str, Any] | tuple[Own, ...] = (),
    ) -> None:
        put = object.__setattr__
        common = _shares(shares, None, "delay.shares")
        count = len(common)
        put(self, "shares", common)
        put(self, "ages", _ages(range(count) if ages is None else ages, count))
        put(self, "log_sds", _log_sds(log_sds, count, "delay.log_sds"))
        put(self, "channels", _channels(channels, count))

    def share(self, age: ArrayLike, channels: Sequence[str] | None = None) -> Floats:
        """Return the share of the outcome that is reported.

        Parameters
        ----------
        age
            Weeks since the last day of the week, any shape; with `channels`, the last axis is
            theirs, or of length one.
        channels
            Names; those without shares of their own have the common ones. None for the common
            ones.

        Returns
        -------
        ndarray
            The shape of `age`, its last axis as long as `channels`. NaN where the age is NaN, or
            younger than the youngest age known: what is not known completes nothing.

        Raises
        ------
        HistoryError
            ``bad-argument`` where the last axis does not fit the channels.
        """
        own = {name: shares for name, shares, _ in self.channels}
        return self._at(self.shares, own, age, channels)

    def log_sd(self, age: ArrayLike, channels: Sequence[str] | None = None) -> Floats:
        """Return the standard deviation of the log share; all else as in `share`."""
        own = {name: sds for name, _, sds in self.channels}
        return self._at(self.log_sds, own, age, channels)

    def _at(
        self,
        common: tuple[float, ...],
        own: Mapping[str, tuple[float, ...]],
        age: ArrayLike,
        channels: Sequence[str] | None,
    ) -> Floats:
        """Return values on the lines between the ages, by channel if there are any."""
        weeks = np.asarray(age, dtype=np.float64)
        named = [common] if channels is None else [own.get(name, common) for name in channels]
        rows = np.array(named).reshape(-1, len(common))
        column: Any = 0
        if channels is not None:
            column = np.arange(len(channels))
            try:
                weeks = np.broadcast_to(weeks, (*weeks.shape[:-1], column.size))
            except ValueError:
                problem = say("ages-shape-channels", shape=weeks.shape, size=column.size)
                remedy = say("remedy-last-axis-age")
                refuse("bad-argument", problem, "age", str(weeks.shape), remedy)
        knots = np.array(self.ages)
        right = np.clip(np.searchsorted(knots, weeks, side="right"), 1, max(len(knots) - 1, 1))
        if len(knots) == 1:
            rows, knots = np.repeat(rows, 2, axis=-1), np.array([knots[0], knots[0] + 1.0])
        width = knots[right] - knots[right - 1]
        along = np.clip((weeks - knots[right - 1]) / width, 0.0, 1.0)
        low, high = rows[column, right - 1], rows[column, right]
        found = np.where(along == 1.0, high, low + along * (high - low))
        return np.where(weeks >= knots[0] - _ROUNDING, found, np.nan)

    @classmethod
    def learned(
        cls,
        earlier: History,
        later: History,
        *,
        complete_after: float | None = None,
        outcome_unit: float | None = None,
    ) -> Self:
        """Return the delay that two snapshots of the same weeks show.

        Parameters
        ----------
        earlier, later
            The same channels and weeks as they were known at two days, `History.through`, at least
            a week apart. Spends agree within a hundredth; outcomes have not fallen.
        complete_after
            Age in weeks from which a week is complete. By default the first age after the oldest
            one at which more than a thousandth still arrived. Two snapshots show nothing of what
            arrives after the oldest week that they share, so that such weeks must be old enough.
        outcome_unit
            Size of one event, as in a plan: 1 where the outcome is a count. It bounds from below
            how unevenly outcomes arrive. None where it is not known, which needs several channels.

        Raises
        ------
        HistoryError
            ``bad-history`` where the snapshots contradict each other, ``no-data`` where they show
            too little, ``bad-argument``.

        See Also
        --------
        budgetopt.history.maturity : the mathematics.
        """
        pair = pair_snapshots(earlier, later)
        ages, *found = chain_ladder(pair, complete_after, outcome_unit)
        shares, log_sds = (array.T.tolist() for array in found)
        own = tuple(zip(pair.channels, shares[1:], log_sds[1:], strict=False))
        return cls(shares[0], ages.tolist(), log_sds[0], own)

    @classmethod
    def of(cls, given: Any, field: str = "delay") -> Self | None:
        """Return a delay from a mapping of its parameters, a delay, or None.

        Raises
        ------
        HistoryError
            ``bad-argument``.
        """
        if given is None or isinstance(given, cls):
            return given
        if not isinstance(given, Mapping):
            problem = say("field-is", field=field, value=repr(given))
            refuse("bad-argument", problem, field, given, say("remedy-shares-age"))
        _known(given, ["shares", "ages", "log_sds", "channels"], field)
        return cls(**{"shares": (), **given})

    def to_dict(self) -> dict[str, Any]:
        """Return the delay as it is written in a plan file, which `of` reads."""
        data: dict[str, Any] = {"ages": list(self.ages), **_plain(self.shares, self.log_sds)}
        if self.channels:
            data["channels"] = {name: _plain(*own) for name, *own in self.channels}
        return data


def _plain(shares: Sequence[float], log_sds: Sequence[float]) -> dict[str, list[float]]:
    return {"shares": list(shares)} | ({"log_sds": list(log_sds)} if any(log_sds) else {})


def _numbers(given: Any, field: str) -> Floats:
    """Return a list of numbers as an array; what is not a number is refused."""
    items: list[Any] = [None]
    if isinstance(given, (list, tuple, range, np.ndarray)):
        items = list(given)
    try:
        if any(isinstance(item, (str, bool, np.bool_)) for item in items):
            raise TypeError
        array = np.array([float(item) for item in items])
    except (TypeError, ValueError):
        array = np.array([np.nan])
    if not array.size or not np.isfinite(array).all():
        problem = say("field-is", field=field, value=repr(given))
        refuse("bad-argument", problem, field, str(given), say("remedy-list-numbers"))
    return array


def _shares(given: Any, count: int | None, field: str) -> tuple[float, ...]:
    array = _numbers(given, field)
    for wrong in array[(array <= 0) | (array > 1)][:1]:
        problem = say("field-holds", field=field, name=f"{wrong:g}")
        refuse("bad-argument", problem, field, float(wrong), say("remedy-shares-above-0"))
    for at in np.flatnonzero(np.diff(array) < 0)[:1]:
        problem = say(
            "shares-fall", field=field, array=f"{array[at]:g}", array_2=f"{array[at + 1]:g}"
        )
        remedy = say("remedy-what-reported-stays")
        refuse("bad-argument", problem, field, float(array[at + 1]), remedy)
    if array[-1] != 1:
        problem = say("shares-end", field=field, array=f"{array[-1]:g}")
        refuse("bad-argument", problem, field, float(array[-1]), say("remedy-end-1-age"))
    if count is not None and array.size != count:
        problem = say("shares-ages", field=field, size=array.size, count=count)
        refuse("bad-argument", problem, field, array.size, say("remedy-share-age"))
    return tuple(array.tolist())


def _ages(given: Any, count: int) -> tuple[float, ...]:
    array = _numbers(given, "delay.ages")
    if array.size != count:
        problem = say("delay-ages-ages", size=array.size, count=count)
        refuse("bad-argument", problem, "delay.ages", array.size, say("remedy-age-share"))
    if array[0] < 0 or array[-1] > MOST_WEEKS or np.any(np.diff(array) <= 0):
        problem = say("delay-ages", given=repr(given))
        remedy = say("remedy-rising-ages-weeks", most_weeks=f"{MOST_WEEKS:g}")
        refuse("bad-argument", problem, "delay.ages", str(given), remedy)
    return tuple(array.tolist())


def _log_sds(given: Any, count: int, field: str) -> tuple[float, ...]:
    array = np.zeros(count) if given is None else _numbers(given, field)
    if array.size != count or array.min() < 0 or array.max() > 5:
        problem = say("field-is", field=field, value=repr(given))
        refuse("bad-argument", problem, field, str(given), say("remedy-numbers-0-5", count=count))
    return tuple(array.tolist())


def _channels(given: Any, count: int) -> tuple[Own, ...]:
    """Return the shares of single channels, sorted by name."""
    if isinstance(given, tuple):
        given = {name: {"shares": shares, "log_sds": sds} for name, shares, sds in given}
    if not isinstance(given, Mapping):
        problem = say("delay-channels", given=repr(given))
        remedy = say("remedy-shares-channel-name")
        refuse("bad-argument", problem, "delay.channels", str(given), remedy)
    made = []
    for name, own in given.items():
        field = f"delay.channels.{name}"
        if not isinstance(name, str) or not name.strip():
            problem = say("delay-channels-names", name=repr(name))
            refuse("bad-argument", problem, "delay.channels", str(name), say("remedy-some-name"))
        parts = own if isinstance(own, Mapping) else {"shares": own}
        _known(parts, ["shares", "log_sds"], field)
        shares = _shares(parts.get("shares", ()), count, f"{field}.shares")
        made.append((name, shares, _log_sds(parts.get("log_sds"), count, f"{field}.log_sds")))
    return tuple(sorted(made))


def _known(given: Mapping[str, Any], names: list[str], field: str) -> None:
    for name in given:
        if name not in names:
            problem = say("field-has-no", field=field, unknown=repr(name))
            remedy = did_you_mean(str(name), names)
            refuse("bad-argument", problem, f"{field}.{name}", str(given[name]), remedy)
