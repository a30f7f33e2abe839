r"""Weekly spends varied on purpose: which weeks go up and which down, and how far it pays.

A channel that gets ``m`` every week says little of its slope there. In phased spend it gets
:math:`m + d\,s_t` with signs :math:`s_t = \pm 1`:

- `signs` are rows of a Hadamard matrix: over a block each channel is as often up as down, so that
  its money stays, and no two channels move together, so that their effects are told apart (Plackett
  and Burman 1946; Box, Hunter and Hunter 2005, chapter 6);
- `balanced` keeps the money of each week as well;
- `best_swing` is how far: what the slopes are worth to know against what moving costs.

**How far.** Near the best split the outcome of a channel is a parabola, :math:`-f'' = D`, and a
block of ``n`` weeks costs :math:`nDd^2/2`. If the slope is known up to :math:`\tau` and a week's
outcome up to :math:`s`, the block takes off the slope's variance

.. math:: v(d) = \tau^2 - \Bigl(\frac1{\tau^2} + \frac{nd^2}{s^2}\Bigr)^{-1}
               = \frac{\tau^4 d^2}{\tau^2 d^2 + s^2/n}

and moving the money by :math:`\Delta f'/D` to where it belongs is worth :math:`v/(2D)` in each of
``H`` later weeks. What is left, :math:`Hv/(2D) - nDd^2/2`, is largest at

.. math:: d^2 = \frac sn \Bigl(\frac{\sqrt H}{D} - \frac s{\tau^2}\Bigr)_+

so that nothing moves where :math:`\tau^2\sqrt H \le sD`: what is known well enough, what is too
noisy and what bends too much is left alone. This is the trade of Little (1966), who set the spread
of promotion rates in test markets by it for a parabola whose slope drifts, and one step of the
knowledge gradient of Frazier, Powell and Dayanik (2009), taken for a whole block.

Where this stops: spends change anyway while a split is on its way to the best one, and teach; the
formula counts only what is asked on purpose, and the worth of that is then overstated. Measured in
``benchmarks/phased.py`` phased spend earned between -0.03 and 0.00 points of the best outcome where
channels report, with drift or without history, and -0.1 where one total is all: no gain anywhere.

References
----------
Little (1966), A model of adaptive control of promotional spending, Operations Research 14(6).
Frazier, Powell and Dayanik (2009), The knowledge-gradient policy for correlated normal beliefs,
INFORMS Journal on Computing 21(4). Plackett and Burman (1946), The design of optimum multifactorial
experiments, Biometrika 33(4). Box, Hunter and Hunter (2005), Statistics for experimenters.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, NamedTuple, Protocol, Self

import numpy as np
from numpy.typing import ArrayLike

from budgetopt.arrays import Floats
from budgetopt.belief import Belief
from budgetopt.curves import Curve
from budgetopt.horizon.interior import Program
from budgetopt.i18n import Message, quoted, say, show_figure
from budgetopt.notebook import short

USED = 26
"""Weeks in which what is learned is used, as `value_of_tests` takes it."""
MOST_SWING = 0.5
"""Most that a channel may be varied, as a share of its money."""
_NEAR = 0.2
"""Share of a spend to each side over which the doubt about its slope is read."""
_RECENT = 53
"""Weeks whose outcomes tell how far a week's is off."""
_NORMAL = 0.6744897501960817
"""Median of the absolute value of a standard normal number."""


def block(channels: int) -> int:
    """Return the weeks after which the signs of so many channels repeat, a power of two.

    Examples
    --------
    >>> block(3), block(4), block(12)
    (4, 8, 16)
    """
    return 1 << int(channels).bit_length()


def signs(channels: int, week: ArrayLike) -> Floats:
    r"""Return which channels go up, 1, and which down, -1, in weeks, ``(..., channels)``.

    They are a row of Sylvester's Hadamard matrix without its first column. Weeks go through the
    rows by the golden section, so that no channel stays up for half of the block, where a season
    would be taken for its effect.

    Examples
    --------
    >>> signs(3, range(4)).sum(axis=0).tolist()
    [0.0, 0.0, 0.0]
    """
    from scipy.linalg import hadamard

    rows = block(channels)
    stride = int(0.618 * rows) | 1
    row = hadamard(rows)[stride * np.asarray(week) % rows, 1 : channels + 1]
    return np.asarray(row, dtype=np.float64)


def balanced(swing: Floats, sign: Floats) -> Floats:
    r"""Return how far each channel moves in a week whose total stays.

    Of all moves that add up to nothing it is the nearest to :math:`d_i s_i`, where a channel's
    distance counts in its own swings, :math:`d_i s_i - d_i^2 \sum_j d_j s_j / \sum_j d_j^2`. It is
    linear in the signs, so that whatever is balanced over weeks stays so.

    Parameters
    ----------
    swing
        Money ``d`` of each channel, at least 0, channels last.
    sign
        Of `signs`.
    """
    moved, square = swing * sign, np.square(swing)
    whole = np.maximum(square.sum(axis=-1, keepdims=True), 1e-300)
    return np.asarray(moved - moved.sum(axis=-1, keepdims=True) * (square / whole))


@short
class SlopeDoubt(NamedTuple):
    r"""What there is to learn of slopes at a split, all of one shape, channels last.

    Parameters
    ----------
    variance
        Of the slope, :math:`\tau^2`.
    error
        Standard deviation ``s`` of a week's outcome beside the expected one.
    bend
        ``D``, minus the second derivative of the expected curve.
    """

    variance: Floats
    error: Floats
    bend: Floats

    def best_swing(self, weeks: int, used: float = USED) -> Floats:
        """Return the money ``d`` by which a block of weeks goes up and down; 0 where none pays."""
        with np.errstate(divide="ignore", invalid="ignore"):
            square = (
                self.error
                / weeks
                * (np.sqrt(used) / self.bend - self.error / np.maximum(self.variance, 1e-300))
            )
        pays = np.isfinite(square) & (self.bend > 0) & (square > 0)
        return np.sqrt(np.where(pays, square, 0.0))

    def taken(self, squares: Floats) -> Floats:
        """Return what is taken off the variance by moves whose squares add up to so much."""
        precise = self.variance * squares
        below = np.maximum(precise + np.square(self.error), 1e-300)
        return np.asarray(self.variance * precise / below)


class _Gains(Protocol):
    """What is asked of a belief."""

    def mean(self) -> Curve: ...

    def gain(self, before: ArrayLike, after: ArrayLike) -> tuple[Floats, Floats]: ...


def slope_doubt(belief: _Gains, spend: Floats, error: Floats, reported: bool) -> SlopeDoubt:
    r"""Return what there is to learn of slopes at a split.

    Where channels report, any week tells the level ``f(m)``, moved or not, and what it tells of the
    slope is no merit of moving: then the variance is what is left once the level is known,
    :math:`\mathrm{Var}\,b - \mathrm{Cov}(a, b)^2/\mathrm{Var}\,a` of the rise ``b`` around and the
    response ``a`` at the spend, all from variances of differences.

    Parameters
    ----------
    belief
        Of the curves.
    spend
        Money, of the belief's shape.
    error
        Standard deviation of a week's outcome, of a shape that broadcasts to it.
    reported
        Whether channels report, or one total is all.
    """
    curve, none = belief.mean(), np.zeros_like(spend)
    low, high = (1.0 - _NEAR) * spend, (1.0 + _NEAR) * spend
    if reported:
        before = np.stack([low, none, none, none, low, spend])
        after = np.stack([high, spend, high, low, spend, high])
        rise, level, top, foot, lower, upper = belief.gain(before, after)[1]
        both = 0.5 * (top - upper - foot + lower)
        rise = np.maximum(rise - np.square(both) / np.maximum(level, 1e-300), 0.0)
    else:
        rise = belief.gain(low, high)[1]
    with np.errstate(divide="ignore", invalid="ignore"):
        slope, decay = curve.slope_and_decay(spend)
        bend = np.where(spend > 0, slope / decay, 0.0)
        variance = np.where(spend > 0, rise / np.square(high - low), 0.0)
    return SlopeDoubt(variance, np.broadcast_to(error, spend.shape), np.nan_to_num(bend))


def report_error(
    curve: Curve, spend: Floats, outcome: Floats | None, total: Floats | None, at: Floats
) -> Floats:
    r"""Return the standard deviation of a week's outcome at a split, NaN where no two weeks tell.

    It is read off how far neighbouring weeks differ from what the curves expect of them, which no
    slow change of levels touches: with :math:`r_t = \ln(y_t/f(x_t))` of all channels, or
    :math:`y_t - \sum f(x_t)` of a total, :math:`\mathrm{median}|r_t - r_{t-1}| / (0.6745\sqrt2)`.

    Parameters
    ----------
    curve
        Expected curves.
    spend, outcome, total
        Past weeks: ``([runs,] weeks, channels)``, and totals ``([runs,] weeks)`` where they are
        all.
    at
        The split.
    """
    money = np.moveaxis(np.nan_to_num(spend[..., -_RECENT:, :]), -2, 0)
    if len(money) < 2 or (outcome is None and total is None):
        return np.full(at.shape, np.nan)
    expected = curve.value(money)
    with np.errstate(divide="ignore", invalid="ignore"):
        if outcome is not None:
            off = np.log(np.moveaxis(outcome[..., -_RECENT:, :], -2, 0) / expected)
        elif total is not None:
            week = np.moveaxis(total[..., -_RECENT:], -1, 0)
            off = np.asarray(week - expected.sum(axis=-1))[..., None]
        apart = np.abs(np.diff(off, axis=0))
        usual = np.where(np.isfinite(apart), apart, np.nan)
        known = np.asarray(np.isfinite(usual).any(axis=(0, -1)))
        middle = np.nanmedian(np.where(known[..., None], usual, 0.0), axis=(0, -1))
    size = np.where(known, middle / (_NORMAL * np.sqrt(2.0)), np.nan)[..., None]
    return np.asarray(size * (curve.value(at) if outcome is not None else np.ones(at.shape)))


def varied(program: Program, spend: Floats, share: Floats) -> Program:
    r"""Return the program whose best weeks are these, varied by the signs of the weeks.

    A unit of money of week ``t`` is priced :math:`F_t'(x + \delta) - F_t'(x)` higher. Then the
    prices of the limits that make ``x`` the best of the program make :math:`x + \delta` the best of
    the new one where it keeps the limits as exactly; where it does not, the best is the nearest
    to it that does, by what outcomes lose.

    Parameters
    ----------
    program
        The weeks.
    spend
        Its best weeks, ``(channels, weeks)``.
    share
        By which each channel goes up and down, ``(channels,)``.
    """
    channels, count = spend.shape
    sign = signs(channels, np.arange(count))
    # Of a part of a block: as much up as down all the same.
    sign -= sign.mean(axis=0)
    moved = balanced(np.where(program.free, share[:, None] * spend, 0.0).T, sign).T
    there, here = (
        program.rise(program.steep(program.effective(np.maximum(each, 0.0))))
        for each in (spend + moved, spend)
    )
    with np.errstate(invalid="ignore"):
        priced = there - here
    return replace(program, cost=program.cost + np.where(np.isfinite(priced), priced, 0.0))


@dataclass(frozen=True)
class Variation:
    r"""By how much weeks vary on purpose, what that costs and what it teaches.

    Parameters
    ----------
    channels
        Names.
    share
        Usual size of a channel's moves, as a share of its money: the root of their mean square.
    before, after
        Standard deviation of the return of the next unit of money, now and after the weeks, as
        shares of the expected one, by channel.
    cost
        What the goal loses over the weeks.
    worth
        What better splits are expected to bring in the 26 weeks after them, by `SlopeDoubt`.
    """

    channels: tuple[str, ...]
    share: tuple[float, ...]
    before: tuple[float, ...]
    after: tuple[float, ...]
    cost: float
    worth: float

    def to_dict(self) -> dict[str, Any]:
        """Return plain data for JSON."""
        columns = {name: getattr(self, name) for name in ("share", "before", "after")}
        by_channel = {
            name: dict(zip(self.channels, values, strict=True)) for name, values in columns.items()
        }
        return {**by_channel, "cost": self.cost, "worth": self.worth}

    def said(self) -> Message:
        """Return in a sentence how far weeks vary, what it costs and what it teaches."""
        most = int(np.argmax(np.subtract(self.before, self.after)))
        return say(
            "year-varied",
            share=f"{max(self.share):.1%}",
            cost=show_figure(self.cost, 3),
            worth=show_figure(self.worth, 3),
            channel=quoted(self.channels[most]),
            before=f"{self.before[most]:.1%}",
            after=f"{self.after[most]:.1%}",
        )


@dataclass(frozen=True, eq=False)
class ChannelSlopes:
    """What there is to learn of the slopes of channels at their usual spends.

    Parameters
    ----------
    channels
        Names.
    usual
        Money per week.
    slope
        Expected return of the next unit there.
    doubt
        What there is to learn.
    """

    channels: tuple[str, ...]
    usual: Floats
    slope: Floats
    doubt: SlopeDoubt

    @classmethod
    def of(cls, belief: Belief, names: tuple[str, ...], usual: Floats) -> Self:
        """Return what a belief does not know of some of its channels."""
        log, place = belief.log, [belief.log.index[name] for name in names]
        at = np.zeros(len(log.channels))
        at[place] = usual
        curve = belief.mean()
        error = report_error(curve, log.spend, log.outcome, log.total, at)
        doubt = slope_doubt(belief, at, error, log.outcome is not None)
        ours = SlopeDoubt(*(each[place] for each in doubt))
        return cls(names, usual, np.nan_to_num(curve.slope(at)[place]), ours)

    def share(self, weeks: int, most: float) -> Floats:
        """Return the share of its money by which each channel goes up and down."""
        swing = self.doubt.best_swing(weeks)
        return np.minimum(swing / np.maximum(self.usual, 1e-300), most)

    def variation(self, moved: Floats, cost: float, weight: Floats) -> Variation:
        """Return what moves ``(channels, weeks)`` teach, where an outcome counts by weights."""
        squares = np.square(moved).sum(axis=1)
        taken = np.where(np.isfinite(self.doubt.error), self.doubt.taken(squares), 0.0)
        with np.errstate(divide="ignore", invalid="ignore"):
            worth = np.where(taken > 0, USED * taken / (2.0 * self.doubt.bend), 0.0)
            root = np.sqrt([self.doubt.variance, self.doubt.variance - taken]) / self.slope
            share = np.sqrt(squares / moved.shape[1]) / self.usual
        before, after, share = (np.nan_to_num(one).tolist() for one in (*root, share))
        return Variation(
            self.channels, tuple(share), tuple(before), tuple(after), cost, float(weight @ worth)
        )
