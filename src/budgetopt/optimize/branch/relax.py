"""What a node of `branch` is worth: relaxations over concave envelopes, and how a node is split.

- `split` and `Branches`: where a node is split, and the concave branches around its point.
- `refill`: one budget over concave envelopes, a lean sibling of `waterfill` that takes chords as
  they are, says between which two spends each channel is undecided, and starts from the price of a
  similar problem.
- `polished`: from a split good to the root of its gap to one good to the last digit.
- `BudgetRelaxation` is the relaxation where the budget is the only row, `RowsRelaxation` the one
  under any rows that do not count channels.

All bounds are right for any prices. The polish is exact only on concave branches; elsewhere a node
is split further.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple, Protocol

import numpy as np

from budgetopt.arrays import Floats
from budgetopt.errors import BudgetoptError
from budgetopt.optimize.branch.columns import TreeProgram
from budgetopt.optimize.branch.envelope import Bends, Envelope, Span
from budgetopt.optimize.dual.search import dual
from budgetopt.optimize.problem import Problem, Rows
from budgetopt.optimize.waterfill import Field, field_of, priced


class Relaxed(NamedTuple):
    """A relaxation solved.

    Parameters
    ----------
    bound
        No split in the node has a better objective; from the true curves.
    spend
        Best split under the envelopes, within the rows, shape ``(channels,)``.
    prices
        Price of each row, shape ``(rows,)``.
    """

    bound: float
    spend: Floats
    prices: Floats


class Relaxation(Protocol):
    """What a tree asks: the best under envelopes with a bound, and the best on concave branches."""

    @property
    def work(self) -> int:
        """Microseconds of a usual processor that its answers took so far, counted and not timed."""

    def relax(self, envelope: Envelope, start: Floats | None, floor: float) -> Relaxed | None:
        """Return the best split under envelopes; None where no split keeps the rows.

        Parameters
        ----------
        envelope
            The envelopes of a node.
        start
            Prices of a similar problem, or None.
        floor
            Objective of the best split so far: a bound below it need not be the best bound.
        """

    def settle(self, envelope: Envelope, start: Floats | None, floor: float) -> Relaxed | None:
        """Return the best split where every curve is concave on its span.

        None where no split keeps the rows, or none is better than the floor.
        """

    def sharpen(self, envelope: Envelope, found: Relaxed) -> Relaxed | None:
        """Return the best split on concave branches near one; None if it is not sharper."""

    def keeps(self, spend: Floats) -> bool:
        """Return whether a split within the bounds keeps the rows, by the true curves."""

    def weight(self, relaxed: Relaxed) -> Floats:
        """Return what an outcome counts for at a node's prices, shape ``(channels,)``."""


Ends = tuple[float, float, float]

_ASIDE = 1e-3
"""Share of a chord that a split keeps away from its ends, so that both halves shrink."""
_NARROW = 1e-14
"""Share of a spend below which a chord is too short to be split."""
_SHORT = 1e-12
"""Share of the objective by which a channel must lie under its envelope to be looked at."""
_KEPT = 1e-12
"""Share of its amount by which rounding may make a spend miss an end of its span."""


def split(envelope: Envelope, spend: Floats, weight: Floats) -> list[tuple[int, Ends]]:
    """Return a channel and its two halves; nothing where every envelope meets its curve.

    Parameters
    ----------
    envelope, spend
        The node's envelopes and its best split under them.
    weight
        What an outcome counts for there, shape ``(channels,)``.
    """
    lower, least, upper = envelope.span
    short = _short(envelope, spend, weight)
    hole = short == np.inf
    if np.any(hole):
        at = int(np.argmax(np.where(hole, weight * (envelope.value(spend) - envelope.base), -1)))
        low = float(lower[at])
        return [(at, (low, low, low)), (at, (float(least[at]),) * 2 + (float(upper[at]),))]
    at = int(np.argmax(short))
    low, high = envelope.line(at, float(spend[at]))
    if not short[at] > 0 or high - low <= _NARROW * high:
        return []
    aside = _ASIDE * (high - low)
    point = min(max(float(spend[at]), low + aside), high - aside)
    below, above = float(lower[at]), float(upper[at])
    if point < least[at]:
        point = float(least[at])
    return [(at, (below, float(least[at]), point)), (at, (point, point, above))]


def _short(envelope: Envelope, spend: Floats, weight: Floats) -> Floats:
    """Return how far each channel lies under its envelope, in the objective."""
    short = envelope.short(spend)
    return np.where(np.isinf(short), np.inf, weight * np.where(np.isinf(short), 0.0, short))


class Branches:
    """The concave branches of the curves in the spans of the root.

    Parameters
    ----------
    bends
        The curves and where they bend.
    span
        What the channels may spend.
    """

    def __init__(self, bends: Bends, span: Span) -> None:
        self.bends, self.span = bends, span
        self.start = np.minimum(np.maximum(span.least, bends.inflection), span.upper)
        self.free = (bends.inflection <= span.lower) & (span.least <= span.lower)
        self.seen: set[bytes] = set()

    def holds(self, spend: Floats) -> bool:
        """Return whether spends are in the spans."""
        lower, least, upper = self.span
        slack = _KEPT * np.maximum(spend, upper)
        inside = (spend >= least - slack) & (spend <= upper + slack)
        return bool(np.all(inside | (np.abs(spend - lower) <= slack)))

    def at(self, spend: Floats) -> Envelope:
        """Return the concave problem of the branches that a split lies on."""
        low, high = self._fixed(spend)
        return Envelope.on_concave(self.bends, Span(low, low, high))

    def around(self, envelope: Envelope, spend: Floats, weight: Floats) -> Iterator[Envelope]:
        """Yield concave problems near a node's point that were not tried before.

        A channel beyond its inflection keeps to its falling slope, one below stays where it is;
        those under a chord are tried at the nearer end of it, all at the lower, and all at the
        upper end.
        """
        low, high = self._fixed(spend)
        short = _short(envelope, spend, weight)
        inside = np.flatnonzero(short > _SHORT * float(weight @ envelope.value(spend)))
        if not inside.size:
            yield from self._new(low, high)
            return
        lines = np.array([envelope.line(at, float(spend[at])) for at in inside.tolist()])
        nearest = np.argmin(np.abs(lines - spend[inside, None]), axis=-1)
        for side in (nearest, 0 * nearest, 0 * nearest + 1):
            moved = spend.copy()
            moved[inside] = lines[np.arange(side.size), side]
            yield from self._new(*self._fixed(moved))

    def _fixed(self, spend: Floats) -> tuple[Floats, Floats]:
        on = self.free | (spend >= self.start)
        low, high = np.where(on, self.start, spend), np.where(on, self.span.upper, spend)
        for at in self.bends.points:
            low[at], high[at] = self._run(at, float(spend[at]))
        if self.bends.sums is not None:
            places = self.bends.sums.places
            low[places], high[places] = self.bends.sums.stretch(spend, self.span)
        return low, high

    def _run(self, at: int, spend: float) -> tuple[float, float]:
        """Return the ends of the concave run of points on which a spend lies."""
        least, upper = float(self.span.least[at]), float(self.span.upper[at])
        if spend < least:
            return spend, spend
        low, high = self.bends.run(at, spend)
        return min(max(low, least), upper), min(high, upper)

    def _new(self, low: Floats, high: Floats) -> Iterator[Envelope]:
        key = low.tobytes() + high.tobytes()
        if key not in self.seen:
            self.seen.add(key)
            yield Envelope.on_concave(self.bends, Span(low, low, high))


_ROUNDS = 120
"""Bisection of the logarithm of the price alone needs some 60."""
_CLOSE = 1e-7
"""Share of what the lower ends leave that the sum may miss before the last steps, whose own error
is its square."""
_EXACT = 1e-15
"""Share of the budget that rounding alone makes the sum miss."""


class Refilled(NamedTuple):
    """A split over envelopes.

    Parameters
    ----------
    spend
        Money by channel, shape ``(channels,)``; at most one is inside a straight line.
    price
        Objective that one more unit of money brings, its own cost not counted.
    """

    spend: Floats
    price: float


class _Offer:
    """What the channels take at a price of money."""

    def __init__(self, envelope: Envelope, weight: Floats) -> None:
        self.envelope, self.weight = envelope, weight
        self.counts = weight > 0
        with np.errstate(invalid="ignore"):
            chord = np.where(self.counts, weight * envelope.chord, 0.0)
        lined = envelope.touch > envelope.span.lower
        self.chord = np.where(lined, chord, np.inf)
        self.slopes = None
        if envelope.hulls is not None:
            self.slopes = weight[envelope.hulls.places, None] * envelope.hulls.slopes

    def at(self, price: float) -> tuple[Floats, Floats]:
        """Return the least and the most that is best at a price, by channel."""
        envelope, lower = self.envelope, self.envelope.span.lower
        with np.errstate(divide="ignore", invalid="ignore"):
            rate = np.where(self.counts, price / self.weight, np.inf)
        taken = envelope.falling(rate)
        more = np.where((self.chord >= price) & (self.chord > 0), taken, lower)
        less = np.where(self.chord > price, taken, lower)
        if envelope.hulls is not None and self.slopes is not None:
            places, steep = envelope.hulls.places, self.slopes
            more[places] = envelope.hulls.at_slope((steep >= price) & (steep > 0))
            less[places] = envelope.hulls.at_slope(steep > price)
        if envelope.sums is not None:
            places = envelope.mixed
            less[places], more[places] = envelope.sums.least_and_most(rate[places])
        return less, more

    def jumps(self, least: float) -> Floats:
        """Return the prices at which the sum jumps, rising."""
        prices = self.chord[np.isfinite(self.chord)]
        if self.slopes is not None:
            prices = np.append(prices, self.slopes.ravel())
        if self.envelope.sums is not None:
            lines = self.envelope.sums.price
            on = np.isfinite(lines)
            worth = np.where(on, lines, 0.0) * self.weight[self.envelope.mixed]
            prices = np.append(prices, worth[on])
        return np.unique(prices[(prices > 0) & (prices >= least)])

    def highest(self, floor: float) -> float:
        """Return the price above which nothing is taken beyond the lower ends, if finite."""
        span = self.envelope.span
        smooth = ~np.isfinite(self.chord) & (span.upper > span.lower)
        slopes = (self.weight * self.envelope.bends.curves.slope(span.lower))[smooth]
        return float(max([floor, *self.jumps(floor)[-1:], *slopes[np.isfinite(slopes)]]))

    def gives(self, spend: Floats) -> Floats:
        """Return what each takes more at a log price lower by one; 0 on lines and at ends."""
        envelope = self.envelope
        free = (spend > envelope.touch) & (spend < envelope.span.upper)
        decay = np.where(free, envelope.slope_decay(spend), 0.0)
        return np.where(np.isfinite(decay), decay, 0.0)


def refill(
    envelope: Envelope,
    weight: Floats,
    money: float,
    *,
    least: float = 0.0,
    spend_all: bool = False,
    start: float = 1.0,
) -> Refilled | None:
    r"""Maximise :math:`\sum_i w_i \hat f_i(x_i) - b \sum_i x_i` over one budget.

    Parameters
    ----------
    envelope
        The envelopes :math:`\hat f` on their spans.
    weight
        ``w``, at least 0, shape ``(channels,)``.
    money
        The budget.
    least
        What a unit of money costs, ``b``: the price below which no money is spent.
    spend_all
        Whether all of the budget is to be spent, at any price.
    start
        A price to start from.

    Returns
    -------
    Refilled or None
        None where the spans do not meet the budget.

    Notes
    -----
    As in `waterfill`: one price :math:`\lambda \ge b` at which the spends
    :math:`\arg\max w_i \hat f_i(x) - \lambda x` add up to the budget (Everett 1963; Patriksson
    2008, section 2). At the price of a chord the sum jumps, and the budget lies inside the jump.
    """
    span = envelope.span
    low, high = float(span.lower.sum()), float(span.upper.sum())
    slack = 1e-12 * money
    if low > money + slack or (spend_all and high < money - slack):
        return None
    with np.errstate(all="ignore"):
        offer = _Offer(envelope, weight)
        floor = 0.0 if spend_all else least
        _, more = offer.at(floor)
        if more.sum() <= money:
            return Refilled(_share(more, span.upper, money) if spend_all else more, floor)
        if low >= money:
            return Refilled(span.lower, offer.highest(floor))
        return _search(offer, money, floor, start)


def _search(offer: _Offer, money: float, floor: float, start: float) -> Refilled:
    """Bisect the prices at which the sum jumps, then search between two of them."""
    jumps = offer.jumps(floor)
    cheap, dear = floor, np.inf
    first, last = 0, jumps.size
    probe = int(np.searchsorted(jumps, start * (1.0 - 1e-12)))
    while first < last:
        probe = min(max(probe, first), last - 1)
        price = float(jumps[probe])
        less, more = offer.at(price)
        if more.sum() < money:
            last, dear = probe, price
        elif less.sum() > money:
            first, cheap = probe + 1, price
        else:
            return Refilled(_share(less, more, money), price)
        probe = (first + last) // 2
    return _between(offer, money, (cheap, dear), start)


def _between(offer: _Offer, money: float, ends: tuple[float, float], start: float) -> Refilled:
    """Solve for the log price by safeguarded Newton steps where the sum does not jump."""
    cheap, dear = np.log(ends[0]), np.log(ends[1])
    log_price = np.log(start)
    if not cheap < log_price < dear:
        log_price = 0.5 * (cheap + dear)
    if not np.isfinite(log_price):
        log_price = cheap + 1e-3 if np.isfinite(cheap) else dear - 1e-3
        log_price = log_price if np.isfinite(log_price) else 0.0
    stride = 1.0
    close = max(_CLOSE * (money - offer.envelope.span.lower.sum()), _EXACT * money)
    for turn in range(_ROUNDS):
        spend = offer.at(np.exp(log_price))[0]
        miss = spend.sum() - money
        gives = offer.gives(spend)
        step = miss / gives.sum()
        if abs(miss) <= close and np.isfinite(step):
            spend, price = _meet(offer, spend, gives, money), np.exp(log_price + step)
            return Refilled(spend, float(price))
        cheap, dear = (log_price, dear) if miss > 0 else (cheap, log_price)
        if dear - cheap <= 4e-16 * max(1.0, abs(log_price)):
            break
        ahead, middle = log_price + step, 0.5 * (cheap + dear)
        if not np.isfinite(middle):
            middle, stride = log_price + np.copysign(stride, miss), 2.0 * stride
        log_price = ahead if cheap < ahead < dear and turn < _ROUNDS // 2 else middle
    few, many = (offer.at(np.exp(end)) for end in (dear, cheap))
    return Refilled(_share(few[0], many[1], money), float(np.exp(log_price)))


def _meet(offer: _Offer, spend: Floats, gives: Floats, money: float) -> Floats:
    """Return spends that meet the money where they already nearly do."""
    span, touch = offer.envelope.span, offer.envelope.touch
    whole = gives.sum()
    for _ in range(4):
        miss = money - spend.sum()
        if abs(miss) <= _EXACT * money:
            break
        moved = np.clip(spend + gives * (miss / whole), touch, span.upper)
        spend = np.where(gives > 0, moved, spend)
    return spend


def _share(less: Floats, more: Floats, money: float) -> Floats:
    """Return spends between two splits that meet the money, one channel after another."""
    room = money - less.sum()
    gap = more - less
    before = np.concatenate([[0.0], np.cumsum(gap)[:-1]])
    shared: Floats = less + np.clip(room - before, 0.0, gap)
    return shared


_POLISHES = 12
"""From nearby Newton's method needs some four rounds, or finds nothing."""
_PRICED = 1e-9
"""Share of the greatest price, in rows' own terms, from which on a row counts as binding."""
_NEXT_TO, _CORNER, _TIGHT = 1e-6, 1e-4, 1e-9
"""Shares: how near slopes are looked at, what they may differ by, and what a full row has left."""
_MET = 1e-13
"""Share of a row that may be left or overused."""


def polished(envelope: Envelope, field: Field, rows: Rows, found: Relaxed) -> Relaxed | None:
    r"""Solve for the prices at which the rows that bind are used up exactly.

    Every channel takes what its slope asks for at prices :math:`\pi`, so that the binding rows are
    as many equations in as many prices, :math:`g(x(\pi)) = room`; their derivative is
    :math:`-G D G^T` with G what a unit of money uses and D what a channel gives.

    Parameters
    ----------
    envelope
        Concave branches.
    field, rows
        The channels and their rows.
    found
        A split and prices nearby.

    Returns
    -------
    Relaxed or None
        Its bound is that of `found`. None where the rows are not met, as on straight pieces.

    Notes
    -----
    Newton's method on the conditions of optimality with the binding rows held fixed (Nocedal and
    Wright 2006, section 18.1). Rows that do not bind at `found` are not looked at: the caller
    holds the split against them.
    """
    size = np.maximum(np.abs(rows.room), abs(rows.money) @ found.spend + rows.moved @ found.spend)
    binds = np.flatnonzero(found.prices * size > _PRICED * np.max(found.prices * size, initial=0))
    if not binds.size:
        return None
    money, moved, outcome = (
        part[binds].toarray() for part in (rows.money, rows.moved, rows.outcome)
    )
    side = np.sign(found.spend - field.last)
    still = (moved.sum(axis=0) > 0) & (np.abs(found.spend - field.last) <= 1e-6 * found.spend)
    used, prices = money + moved * side, found.prices[binds]
    lower, upper = envelope.span.lower, envelope.span.upper
    for _ in range(_POLISHES):
        rate = (field.cost + prices @ used) / (field.weight + prices @ outcome)
        spend = np.clip(envelope.spend_at_slope(np.maximum(rate, 0.0)), lower, upper)
        spend = np.where(still, field.last, np.where(rate < 0, upper, spend))
        value = envelope.value(spend)
        miss = money @ spend + moved @ np.abs(spend - field.last) - outcome @ value
        miss = miss - rows.room[binds]
        if np.max(np.abs(miss) / np.maximum(size[binds], 1e-300)) <= _MET:
            every = np.zeros(rows.size)
            every[binds] = prices
            return Relaxed(found.bound, spend, every)
        free = (spend > lower) & (spend < upper) & ~still
        gives = np.where(free, envelope.slope_decay(spend), 0.0)
        gives = gives / (rate * (field.weight + prices @ outcome))
        gives = np.where(np.isfinite(gives), gives, 0.0)
        effect = used - outcome * np.where(free, rate, 0.0)
        if not np.all(np.isfinite(effect)) or not np.all(np.isfinite(miss)):
            return None
        step, *_ = np.linalg.lstsq((effect * gives) @ effect.T, miss, rcond=1e-14)
        prices = np.maximum(prices + step, 0.5 * prices)
    return None


def stationary(problem: Problem, spend: Floats, prices: Floats) -> Floats:
    r"""Return prices at which a split is stationary, where those given are not.

    At a best split each channel that is free to move has
    :math:`w_i f_i' - b_i = \sum_r \pi_r g_{ri}` over the rows that are used up, :math:`g` being
    what its next unit uses of them. A node may hold a channel where a row would, or on the convex
    side of its bend: its prices are then right for a bound, but not what room is worth.

    Notes
    -----
    The conditions of Karush, Kuhn and Tucker by least squares (Lawson and Hanson 1974, chapter 23).
    Channels at a bound, at a corner of their curve, or at their last spend where moves count say
    nothing, and are left out.
    """
    rows, last = problem.rows, problem.last_money
    free = spend > np.maximum(problem.lower, problem.least_on / problem.money.units)
    free &= spend < problem.upper
    free &= (np.abs(spend - last) > _NEXT_TO * spend) | (rows.moved.sum(axis=0) == 0)
    # Slopes at zero, which may have no end, are those of channels at a bound.
    slope, below, above = (
        np.where(free, problem.curves.slope(spend * near), 0.0)
        for near in (1.0, 1.0 - _NEXT_TO, 1.0 + _NEXT_TO)
    )
    free &= np.abs(below - above) <= _CORNER * slope
    used = rows.money.toarray() + rows.moved.toarray() * np.sign(spend - last)
    used = (used - rows.outcome.toarray() * slope)[:, free].T
    gains = (problem.weight * slope - problem.cost)[free]
    now = float(np.linalg.norm(used @ prices - gains))
    if now <= _CORNER * np.linalg.norm(gains):
        return prices
    left = np.abs(rows.used(spend, problem.curves.value(spend), last) - rows.room)
    tight = left <= _TIGHT * np.maximum(np.abs(rows.room), abs(rows.money) @ spend)
    if not np.any(tight):
        return prices  # SciPy's nnls crashes the process on no columns
    from scipy.optimize import nnls  # loads as long as the rest, and few splits need it

    found = np.zeros_like(prices)
    found[tight], miss = nnls(used[:, tight], gains)
    return found if miss < 0.1 * now else prices


def budget_alone(problem: Problem) -> bool:
    """Return whether the budget is the only row, and money costs the same in every channel."""
    return not problem.limits and bool(np.all(problem.cost == problem.cost[:1]))


_REFILL = 800
"""Work of a search for one price, besides one for each channel."""


class BudgetRelaxation:
    """A search for one price.

    Parameters
    ----------
    problem
        One for which `budget_alone` holds.
    """

    def __init__(self, problem: Problem) -> None:
        self.weights, self.cost = problem.weight, float(problem.cost[0])
        self.money, self.spend_all = problem.budget_money, problem.spend_all
        self.work = 0

    def relax(self, envelope: Envelope, start: Floats | None, floor: float) -> Relaxed | None:
        """Return the best split under envelopes, by one price."""
        self.work += _REFILL + self.weights.size
        price = 1.0 if start is None else float(start[0]) + self.cost
        filled = refill(
            envelope,
            self.weights,
            self.money,
            least=self.cost,
            spend_all=self.spend_all,
            start=price,
        )
        if filled is None:
            return None
        net = filled.price - self.cost
        bound = float(self._worth(envelope, filled.price).sum() + net * self.money)
        prices = [max(net, 0.0), max(-net, 0.0)] if self.spend_all else [net]
        return Relaxed(bound, filled.spend, np.array(prices))

    def settle(self, envelope: Envelope, start: Floats | None, floor: float) -> Relaxed | None:
        """Return the best split on concave branches, by one price."""
        return self.relax(envelope, start, floor)

    def _worth(self, envelope: Envelope, price: float) -> Floats:
        r"""Return :math:`\max_x w f(x) - \lambda x` over each channel's span, by the true curves.

        The maximum of a curve that is first convex and then concave lies at the lowest spend, or
        where its falling slope meets the price, drawn into the rest of the span; no channel can
        take more than all that the lowest spends leave.
        """
        span, curves = envelope.span, envelope.bends.curves
        with np.errstate(divide="ignore", invalid="ignore"):
            rate = np.where(self.weights > 0, price / self.weights, np.inf)
        room = max(0.0, self.money - float(span.lower.sum()))
        most = np.minimum(span.upper, span.lower + room)
        spend = np.clip(curves.spend_at_slope(rate), span.least, most)
        worth = self.weights * envelope.base - price * span.lower
        taken = self.weights * curves.value(spend) - price * spend
        worth = np.where(span.least <= most, np.maximum(worth, taken), worth)
        hulls = envelope.hulls
        if hulls is not None:
            tops = self.weights[hulls.places, None] * hulls.heights - price * hulls.knots
            worth[hulls.places] = tops.max(axis=-1)
        if envelope.sums is not None:
            places = envelope.mixed
            spend = envelope.sums.spend_at_slope(rate[places])
            value = envelope.sums.sampled.value(spend)
            worth[places] = self.weights[places] * value - price * spend
        return worth

    def sharpen(self, envelope: Envelope, found: Relaxed) -> Relaxed | None:
        """Return None: `settle` is sharp."""

    def keeps(self, spend: Floats) -> bool:
        """Return whether a split keeps the budget."""
        total, slack = float(spend.sum()), _KEPT * self.money
        return total <= self.money + slack and (not self.spend_all or total >= self.money - slack)

    def weight(self, relaxed: Relaxed) -> Floats:
        """Return what an outcome counts for."""
        return self.weights


_SEARCH, _SEARCH_EACH = 15_000, 40
"""Work of a search for the prices of rows, and for each channel, in microseconds."""
_MANY = 100
"""From so many channels on a search for prices is quicker although channels are tied on lines."""
_ROW_ROUNDS = 60
"""Rounds of new columns in a node; near the optimum each divides what is missing by four."""
_SHARE = 0.05
"""A node is solved to this share of its distance from the best split."""
_AT_END = 1e-9
"""Share of its spend by which the search for prices may leave a channel short of its line's end."""
_LEAST = 1e-12
"""Below this share of the bound rounding hides what columns bring."""
_ROWS_KEPT = 1e-10
"""Share of a row's size by which rounding may break it."""
_FREE = 1e-11
"""What rows may be broken by, in their sizes, for a node to count as keeping them."""
_NEARLY = 1e-6
"""What they may be broken by, at a high price, for a node to be tried without."""


class RowsRelaxation:
    r"""The best prices of the rows, or columns that the Lagrangian asks for until none is missing.

    Parameters
    ----------
    problem
        One whose rows do not count.
    gap
        Relative gap that the tree is to reach.

    Notes
    -----
    Where there are many channels without straight pieces, and on concave branches, a search for the
    prices of the rows (`dual`) comes first: it takes as many steps however many channels there are.
    The bound is the Lagrangian's at the prices found (`priced`), from the true curves, and holds in
    any round. In a row that sees outcomes, such as a floor on ROAS, mixtures
    stand for the curve, which makes the row easier to keep; splits are held against the true row.
    """

    def __init__(self, problem: Problem, gap: float) -> None:
        self.problem, self.gap = problem, gap
        self.field, self.rows = field_of(problem), problem.rows
        self.columns = TreeProgram(self.field, self.rows)
        self._work = 0

    @property
    def work(self) -> int:
        """Microseconds of a usual processor that its programs and searches took so far."""
        return self.columns.work + self._work

    def relax(self, envelope: Envelope, start: Floats | None, floor: float) -> Relaxed | None:
        """Return the best mixture in a node, its prices and the bound."""
        many = envelope.touch.size >= _MANY
        found = self._by_prices(envelope, start) if many else None
        return found or self._node(envelope, start, floor, share=_SHARE)

    def _by_prices(self, envelope: Envelope, start: Floats | None) -> Relaxed | None:
        """Return the best split under envelopes by a search for the prices of the rows.

        None on straight pieces, where columns are exact; and where it does not converge, or finds
        that no split keeps the rows, on which columns have the last word.
        """
        if envelope.hulls is not None or envelope.sums is not None:
            return None
        lower, least, upper = envelope.span
        self._work += _SEARCH + _SEARCH_EACH * lower.size
        try:
            field = self.field._replace(curves=envelope, lower=lower, upper=upper)
            found = dual(field, self.rows, start=start)
        except BudgetoptError:
            return None
        spend = found.spend
        for end in (lower, least, envelope.touch):
            spend = np.where(np.abs(spend - end) <= _AT_END * end, end, spend)
        bound = priced(self._within(envelope.span), self.rows, found.prices).bound
        return Relaxed(bound, spend, found.prices)

    def _node(
        self, envelope: Envelope, start: Floats | None, floor: float, *, share: float
    ) -> Relaxed | None:
        span = envelope.span
        self._seed(envelope)
        self.columns.keep(span)
        field = self._within(span)
        relaxed, broken = self._generate(field, floor, start, share)
        if broken <= _FREE or relaxed.bound <= floor:
            return relaxed
        try:
            self.columns.breaking(1)
            relaxed, broken = self._generate(field, floor, relaxed.prices, share)
            if broken > _NEARLY:
                return None if self._impossible(field, relaxed.prices) else relaxed
            self.columns.breaking(2)
            kept, _ = self._generate(field, floor, relaxed.prices, share)
            return kept if np.isfinite(kept.bound) else relaxed
        finally:
            self.columns.breaking(0)

    def settle(self, envelope: Envelope, start: Floats | None, floor: float) -> Relaxed | None:
        """Return the best split on concave branches, None where it is no better than the floor."""
        found = self._by_prices(envelope, start) or self._node(envelope, start, floor, share=0.0)
        return None if found is None or found.bound <= floor else found

    def sharpen(self, envelope: Envelope, found: Relaxed) -> Relaxed | None:
        """Return the best split on concave branches by Newton's method on the prices.

        Columns leave an error of the root of the gap in spends and prices. On straight pieces they
        are exact, and there this ends without an answer.
        """
        with np.errstate(all="ignore"):
            sharp = polished(envelope, self.field, self.rows, found)
        return sharp if sharp is not None and np.all(np.isfinite(sharp.spend)) else None

    def keeps(self, spend: Floats) -> bool:
        """Return whether a split keeps every row by the true curves."""
        return bool(np.all(self._used(spend) <= self.rows.room + _ROWS_KEPT * self.columns.size))

    def weight(self, relaxed: Relaxed) -> Floats:
        """Return what outcomes count for: in the objective, in priced and in broken rows."""
        if not self.rows.outcome.nnz:
            return self.field.weight
        broken = self._used(relaxed.spend) > self.rows.room
        size = self.columns.worth / self.columns.size
        prices = relaxed.prices + np.where(broken, size, 0.0)
        return np.asarray(self.field.weight + self.rows.outcome.T @ prices)

    def _used(self, spend: Floats) -> Floats:
        return self.rows.used(spend, self.field.curves.value(spend), self.field.last)

    def _generate(
        self, field: Field, floor: float, start: Floats | None, share: float
    ) -> tuple[Relaxed, float]:
        """Solve and add what the prices ask for, until the bound is near enough."""
        every = np.arange(field.lower.size)
        bound, prices = np.inf, np.zeros(self.rows.size)
        spend, broken = field.lower, np.inf
        if start is not None:
            self.columns.add(every, priced(field, self.rows, start).spend, wanted=False)
        for _ in range(_ROW_ROUNDS):
            mixed = self.columns.solve()
            if mixed is None:
                break
            spend, broken = mixed.spend, mixed.broken
            asked = priced(field, self.rows, mixed.prices)
            if asked.bound < bound:
                bound, prices = asked.bound, mixed.prices
            if bound <= floor:
                break
            met = mixed.broken <= _FREE
            near = max(0.1 * self.gap, _LEAST) * abs(bound)
            if np.isfinite(floor):
                near = max(near, share * (mixed.value - floor))
            if met and bound - mixed.value <= near:
                break
            if not self.columns.add(every, asked.spend):
                break
        return Relaxed(bound, spend, prices), broken

    def _seed(self, envelope: Envelope) -> None:
        """Add the ends of the spans and of the chords."""
        every = np.arange(envelope.touch.size)
        for spend in (*envelope.span, envelope.touch):
            self.columns.add(every, spend, wanted=False)

    def _within(self, span: Span) -> Field:
        least = np.where(span.least > span.lower, span.least, 0.0)
        return self.field._replace(lower=span.lower, upper=span.upper, least_on=least)

    def _impossible(self, field: Field, prices: Floats) -> bool:
        """Return whether prices prove that no split keeps the rows.

        With no objective the bound would be zero at least.
        """
        zero = np.zeros_like(field.weight)
        bare = priced(field._replace(weight=zero, cost=zero), self.rows, prices).bound
        return bool(bare < -_ROWS_KEPT * float(prices @ self.columns.size))
