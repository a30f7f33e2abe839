"""One price of the budget: what spends are best at it, and how far an answer can be from the best.

`waterfill` solves concave curves under one budget and bounds, for all runs at once. The upper
bounds are weak duality, from the true curves:

- `lagrangian_bound` needs one price, of the budget, and serves many runs at once.
- `priced` needs a price of every row, and returns the spends that are best at those prices too.
- `best_worth` bounds each channel alone within any bounds, for searches on whole steps.

Every bound holds for any prices that are not negative, however they were found; good prices make it
tight. Curves that are not concave count by their concave envelope: the bound stays right, and is
reached only where no channel sits between the ends of a chord.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from budgetopt.arrays import Floats
from budgetopt.curves import Curve, Mixture, Sampled
from budgetopt.errors import SolverError
from budgetopt.messages import say
from budgetopt.notebook import short
from budgetopt.optimize.problem import Problem, Rows

Blocks = list[Floats]

_ROUNDS = 200
"""Far above need: a bisection of the logarithm of the price ends sooner than this."""
_NEWTON_ROUNDS = 40
"""Newton's method needs some five rounds; past these only bisection is trusted."""
_PROGRESS = 0.5
"""Share of a miss two rounds ago that Newton's method must have left behind to be trusted."""
_SMALL = 1e-3
"""Longest step of the log price that is still taken for nothing but the last correction."""
_LEAP = 64.0
"""A Newton step of the log price beyond this comes from channels that are as good as at a bound."""
_CLOSE = 1e-7
"""Share of the room above the lower bounds that the sum may miss before the last step, whose own
error is its square."""
_CLOSE_MANY = 1e-4
"""The same with more than a block of channels: the square, 1e-8 in a spend, costs 1e-16 of the
outcome, since the optimum is flat, and a reading of a million channels is saved."""
_EXACT = 1e-15
"""Share of the budget that rounding alone makes the sum miss."""
_ULP = 4e-16
"""Relative width at which a bracket of the log price cannot shrink, so that the sum jumps there."""
_BLOCK = 16_384
"""Channels read at a time, so that what is computed on the way stays in the processor's cache."""
_SAMPLE = 16
"""With more than a block of channels every 16th is solved first, for a good start on all."""
_CHEAPER = 0.01
"""What the log price of such a start is lowered by, above its sampling error."""


@short
class Filled(NamedTuple):
    """Spends and the price of the budget.

    Parameters
    ----------
    spend
        Money by channel, shape ``(channels,)`` or ``(runs, channels)``.
    price
        Outcome per unit of money that one more unit of budget brings, shape ``()`` or ``(runs,)``;
        0 where money is left over.
    """

    spend: Floats
    price: Floats


def waterfill(
    curves: Curve, lower: ArrayLike, upper: ArrayLike, budget: ArrayLike, price: ArrayLike = 0.0
) -> Filled:
    r"""Maximise :math:`\sum_i f_i(x_i)` over :math:`\sum_i x_i \le B,\ l \le x \le u`.

    At the optimum there is a price :math:`\lambda` at which every channel strictly between its
    bounds has slope :math:`\lambda`, so that
    :math:`x_i(\lambda) = \mathrm{clip}(f_i'^{-1}(\lambda), l_i, u_i)` and one equation is left,
    :math:`\sum_i x_i(\lambda) = B`. It is solved by Newton's method on :math:`\ln\lambda`, kept
    inside a bracket. Where the sum jumps (straight pieces of equal slope) the channels at the jump
    share what is left in proportion to their jumps.

    Parameters
    ----------
    curves
        Concave curves over the channels, parameters ``(channels,)`` or ``(runs, channels)``.
    lower, upper
        Money, shape ``(channels,)`` or ``(runs, channels)``; the lower bounds must fit the budget.
    budget
        Money, shape ``()`` or ``(runs,)``.
    price
        Where to start the search, if known from a similar problem; shape of `budget`.

    Returns
    -------
    Filled
        Money that brings nothing at all is left unspent.

    Raises
    ------
    SolverError
        ``not-converged``: not seen for concave curves.

    Notes
    -----
    Source: Everett (1963); Patriksson (2008), "A survey on the continuous nonlinear resource
    allocation problem", section 2. Free of units: scaling money or outcome scales the answer.
    """
    low, money = np.asarray(lower, dtype=np.float64), np.asarray(budget, dtype=np.float64)
    high = np.asarray(upper, dtype=np.float64)
    room = np.asarray(money - low.sum(axis=-1))
    # Twice the room is never reached, and lets one channel that takes all of it have a slope.
    reach = np.minimum(high, low + 2.0 * np.maximum(room, 0.0)[..., None])
    curves = quick(curves, low, reach, money)
    with np.errstate(all="ignore"):
        pool = _Pool(curves, low, reach)
        start = np.log(np.asarray(price, dtype=np.float64))
        start = np.where(np.isfinite(start), start, _first_guess(curves, low, reach, money))
        filled = _search(pool, money, room, start)
        if np.all(room > 0):
            return filled
        # Where the lower bounds take all, the next unit would go where the slope is steepest.
        steepest = np.max(np.where(high > low, curves.slope(low), 0.0), axis=-1, initial=0.0)
        return Filled(filled.spend, np.where(room > 0, filled.price, steepest))


def quick(curves: Curve, lower: Floats, upper: Floats, budget: Floats) -> Curve:
    """Return curves that are read fast between bounds: mixtures by way of a table.

    Parameters
    ----------
    curves
        Any.
    lower, upper, budget
        As in `waterfill`; where these have runs and the curves have none, every run gets its own.
    """
    if not isinstance(curves, Mixture):
        return curves
    shape = np.broadcast_shapes(lower.shape, upper.shape, (*budget.shape, 1))
    weights = np.asarray(curves.weights)
    wide = np.broadcast_shapes(shape, weights.shape[:-1])
    if wide != weights.shape[:-1]:
        weights = np.broadcast_to(weights, (*wide, weights.shape[-1]))
        curves = Mixture(curves.cells, weights)
    return curves.sampled(lower, upper) or curves


class _Pool:
    """The channels as a function of one price, read block by block.

    Parameters
    ----------
    curves, lower, upper
        As in `waterfill`.
    """

    def __init__(self, curves: Curve, lower: Floats, upper: Floats) -> None:
        size = max(lower.shape[-1], upper.shape[-1])
        cuts = [slice(at, at + _BLOCK) for at in range(0, size, _BLOCK)]
        whole = len(cuts) == 1
        self.blocks = [
            (curves if whole else curves.take(cut), lower[..., cut], upper[..., cut])
            for cut in cuts
        ]
        self._runs = None
        if whole and isinstance(curves, Sampled) and len(curves.shape) == 2:
            self._runs = _Runs(curves, lower, upper)

    def take(self, price: Floats) -> Blocks:
        """Return what each channel takes at a price, within its bounds."""
        if self._runs is not None and price.ndim:
            return [self._runs.take(price)]
        return [_taken(curve, price[..., None], low, high) for curve, low, high in self.blocks]

    def gives(self, spends: Blocks) -> Blocks:
        """Return what each channel would take more at a log price lower by one, 0 at a bound."""
        if self._runs is not None and spends[0].ndim > 1:
            return [self._runs.gives(spends[0])]
        return [
            _given(curve, x, low, high)
            for (curve, low, high), x in zip(self.blocks, spends, strict=True)
        ]

    def share_out(self, spends: Blocks, money: Floats, gives: Blocks) -> Blocks:
        """Return spends with so much money more, each channel in proportion to what it gives."""
        whole = _total(gives)
        rate = np.where(whole > 0, money / whole, 0.0)[..., None]
        return [
            np.clip(x + give * rate, low, high)
            for (_, low, high), x, give in zip(self.blocks, spends, gives, strict=True)
        ]


class _Runs:
    """Many runs whose curves are read from one table, each read again at a new price only.

    A search ends later in some runs than in others, whose price stays where it met the budget.
    What a run gets is the same to the last bit either way.

    Parameters
    ----------
    curves, lower, upper
        With a row each for every run.
    """

    def __init__(self, curves: Sampled, lower: Floats, upper: Floats) -> None:
        self._curves = self._asked = curves
        self._bounds = tuple(np.broadcast_to(end, curves.shape) for end in (lower, upper))
        self._number = np.arange(len(curves.rows)).reshape(curves.shape)
        self._price = np.full(curves.shape[0], np.nan)
        self._spend: Floats = np.empty(curves.shape)
        self._given: Floats = np.empty(curves.shape)
        self._moved: NDArray[np.intp] | slice = slice(None)

    def take(self, price: Floats) -> Floats:
        """Return what each channel takes at the prices of the runs, within its bounds."""
        moved = np.flatnonzero(price != self._price)
        # To ask for nearly all of them one by one costs more than it saves.
        few = 2 * moved.size <= price.size
        self._moved = some = moved if few else slice(None)
        self._asked = self._curves.pick(self._number[moved]) if few else self._curves
        self._price, self._spend = price, self._spend.copy()
        low, high = (end[some] for end in self._bounds)
        self._spend[some] = _taken(self._asked, price[some, None], low, high)
        return self._spend

    def gives(self, spend: Floats) -> Floats:
        """Return what the channels would take more, at what they took last."""
        some = self._moved
        x, (low, high) = spend[some], (end[some] for end in self._bounds)
        self._given = self._given.copy()
        self._given[some] = _given(self._asked, x, low, high)
        return self._given


def _taken(curve: Curve, price: Floats, low: Floats, high: Floats) -> Floats:
    """Return what channels take at a price, within their bounds."""
    return np.clip(curve.spend_at_slope(price), low, high)


def _given(curve: Curve, spend: Floats, low: Floats, high: Floats) -> Floats:
    """Return what channels would take more at a log price lower by one, 0 at a bound."""
    return np.where((spend > low) & (spend < high), curve.slope_decay(spend), 0.0)


def _total(blocks: Blocks) -> Floats:
    return np.asarray(sum(block.sum(axis=-1) for block in blocks))


def _whole(blocks: Blocks) -> Floats:
    return blocks[0] if len(blocks) == 1 else np.concatenate(blocks, axis=-1)


def _first_guess(curves: Curve, lower: Floats, upper: Floats, budget: Floats) -> Floats:
    """Return the log price that the slopes at an even filling ask for, to first order."""
    if lower.ndim == 1 and lower.size > _BLOCK:
        every = slice(None, None, _SAMPLE)
        share = (budget - lower.sum()) / (upper.sum() - lower.sum())
        low, high = lower[every], upper[every]
        part = low.sum() + share * (high.sum() - low.sum())
        # A little too cheap, so that the first sum of all is above the budget.
        return np.log(waterfill(curves.take(every), low, high, part).price) - _CHEAPER
    width = upper - lower
    share = (budget - lower.sum(axis=-1)) / width.sum(axis=-1)
    spend = lower + width * share[..., None]
    slope, decay = curves.slope(spend), curves.slope_decay(spend)
    weight = np.where((slope > 0) & np.isfinite(slope) & (width > 0), decay, 0.0)
    weight = np.where(np.isfinite(weight) & (weight > 0), weight, 0.0)
    logs = np.where(weight > 0, np.log(slope), 0.0)
    guess = (weight * logs).sum(axis=-1) / weight.sum(axis=-1)
    steepest = np.log(np.max(np.where(np.isfinite(slope), slope, 0.0), axis=-1))
    guess = np.where(np.isfinite(guess), guess, steepest)
    return np.where(np.isfinite(guess), guess, 0.0)


def _search(pool: _Pool, budget: Floats, room: Floats, start: Floats) -> Filled:
    """Return spends that sum to the budget and their price, by Newton steps on the log price."""
    log_price = np.broadcast_to(start, np.shape(budget)).astype(np.float64)
    cheap, dear = np.full_like(log_price, -np.inf), np.full_like(log_price, np.inf)
    scarce, most = None, []
    stride = 1.0
    earlier = [np.full_like(log_price, np.inf)] * 2
    for turn in range(_ROUNDS):
        spends = pool.take(np.exp(log_price))
        miss = _total(spends) - budget
        if scarce is None:
            # Above the budget at any price is above it at price zero, which need not be tried.
            most = [] if np.all(miss > 0) else pool.take(np.zeros_like(log_price))
            scarce = _total(most) > budget if most else np.ones(log_price.shape, dtype=bool)
            if not np.any(scarce):
                return Filled(_whole(most), np.zeros_like(log_price))
        cheap, dear = np.where(miss > 0, log_price, cheap), np.where(miss > 0, dear, log_price)
        gives = pool.gives(spends)
        step = miss / _total(gives)
        # Near enough for one last step, which must be a small one; or as near as rounding allows.
        close = _CLOSE if len(pool.blocks) == 1 else _CLOSE_MANY
        met = (np.abs(miss) <= close * room) & (np.abs(step) <= _SMALL)
        met |= np.abs(miss) <= _EXACT * budget
        jump = dear - cheap <= _ULP * np.maximum(1.0, np.abs(log_price))
        if np.all(met | jump | ~scarce):
            break
        # Steps that go to and fro over a bend of the sum are broken by halving the bracket.
        slow = np.isfinite(cheap + dear) & (np.abs(miss) > _PROGRESS * earlier[0])
        earlier = [earlier[1], np.abs(miss)]
        outward = log_price + np.where(miss > 0, stride, -stride)
        stride *= 2.0
        near = (np.abs(step) <= _LEAP) & ~slow & (turn < _NEWTON_ROUNDS)
        ahead = _stepped(np.where(near, log_price + step, np.nan), cheap, dear, outward)
        log_price = np.where(met | jump, log_price, ahead)
    else:
        raise _not_converged()
    spend = _meet(pool, budget, spends, gives, met)
    if np.any(jump & ~met):
        bare, full = _whole(pool.take(np.exp(dear))), _whole(pool.take(np.exp(cheap)))
        spend = np.where(met[..., None], spend, _part_way(bare, full, budget))
    if most:
        spend = np.where(scarce[..., None], spend, _whole(most))
    price = np.exp(log_price + np.where(met & (np.abs(step) <= _SMALL), step, 0.0))
    return Filled(spend, np.where(scarce, price, 0.0))


def _stepped(ahead: Floats, cheap: Floats, dear: Floats, outward: Floats) -> Floats:
    """Return a step if it stays in the bracket, or its middle, or a step outward without one."""
    middle = 0.5 * (cheap + dear)
    inside = (ahead > cheap) & (ahead < dear)
    return np.where(inside, ahead, np.where(np.isfinite(middle), middle, outward))


def _meet(
    pool: _Pool, budget: Floats, spends: Blocks, gives: Blocks, met: NDArray[np.bool_]
) -> Floats:
    """Return spends that meet the budget where they already nearly do."""
    for _ in range(3):
        miss = np.where(met, budget - _total(spends), 0.0)
        # Where it is met nothing moves, so that no run depends on what others miss.
        miss = np.where(np.abs(miss) <= _EXACT * budget, 0.0, miss)
        if not np.any(miss):
            break
        spends = pool.share_out(spends, miss, gives)
    return _whole(spends)


def _part_way(bare: Floats, full: Floats, budget: Floats) -> Floats:
    """Return the point on the way from one filling to the other that meets the budget."""
    low, high = bare.sum(axis=-1), full.sum(axis=-1)
    share = np.where(high > low, (budget - low) / (high - low), 0.0)
    met: Floats = bare + (full - bare) * np.clip(share, 0.0, 1.0)[..., None]
    return met


def _not_converged() -> SolverError:
    return SolverError(
        "not-converged",
        say("search-price-did", rounds=_ROUNDS),
        field="method",
        remedy=say("remedy-report-plan-concave"),
    )


def lagrangian_bound(
    curves: Curve, lower: ArrayLike, upper: ArrayLike, budget: ArrayLike, price: ArrayLike
) -> NDArray[np.float64]:
    r"""Return an upper bound on every split's outcome, valid for any price.

    :math:`\sum_i \max_{l_i \le x \le u_i} (f_i(x) - \lambda x) + \lambda B`, where the maximum of a
    concave :math:`f_i` lies at its spend at slope :math:`\lambda`, clipped to the bounds.

    Parameters
    ----------
    curves
        Concave curves over the channels; points that fall short of concave count by their
        concave envelope.
    lower, upper
        Money, shape ``(channels,)`` or ``(runs, channels)``.
    budget, price
        Money and outcome per unit of money, shape ``()`` or ``(runs,)``.

    Returns
    -------
    ndarray
        Shape of `price`.

    Notes
    -----
    Weak duality (Boyd and Vandenberghe 2004, section 5.1.3): it needs no trust in how the price
    was found. It is tight at the optimal price.
    """
    rate, money = np.asarray(price, dtype=np.float64), np.asarray(budget, dtype=np.float64)
    low = np.asarray(lower, dtype=np.float64)
    room = np.maximum(money - low.sum(axis=-1), 0.0)[..., None]
    high = np.minimum(upper, low + room)
    spend = quick(curves, low, high, money).spend_at_slope(rate[..., None])
    spend = np.clip(spend, low, high)
    left = money - spend.sum(axis=-1)
    # No money left is worth nothing, even at the infinite price of an infinite slope.
    worth = np.multiply(rate, left, where=left != 0, out=np.zeros(np.shape(left)))
    return np.asarray(curves.envelope(spend).sum(axis=-1) + worth)


class Priced(NamedTuple):
    """What every channel does at given prices.

    Parameters
    ----------
    bound
        No split within the limits has a better objective.
    spend
        Money by channel that attains the bound's terms, shape ``(channels,)``.
    """

    bound: float
    spend: Floats


class Field(NamedTuple):
    """The channels of a problem in floats, without its rows.

    Parameters
    ----------
    curves
        Curves over the channels.
    weight, cost
        Objective ``Σ weight f(x) - cost x``, shape ``(channels,)``.
    lower, upper
        Money, shape ``(channels,)``.
    least_on
        Where above 0, the channel is at 0 or between this and `upper`.
    last
        Last applied money, shape ``(channels,)``, zeros where there is none.
    """

    curves: Curve
    weight: Floats
    cost: Floats
    lower: Floats
    upper: Floats
    least_on: Floats
    last: Floats


def field_of(problem: Problem) -> Field:
    """Return the channels of a problem in floats."""
    return Field(
        problem.curves,
        problem.weight,
        problem.cost,
        problem.lower,
        problem.upper,
        problem.least_on / problem.money.units,
        problem.last_money,
    )


def priced(field: Field, rows: Rows, prices: Floats) -> Priced:
    r"""Return an upper bound on the objective of every split, valid for any prices of at least 0.

    .. math::
        \sum_i \max_{x \in D_i} \{ (w_i + P_i^T\pi) f_i(x) - (b_i + A_i^T\pi) x - M_i^T\pi |x - l_i|
        - O_i^T\pi [x>0] - C_i^T\pi [x \ne l_i] \} + \pi^T room

    Each channel's maximum is found on its own, left and right of its last spend, at zero where it
    may be off, and at the last spend itself.

    Parameters
    ----------
    field
        The channels.
    rows
        The rows, budget included.
    prices
        At least 0, shape ``(rows,)``.

    Notes
    -----
    Weak duality (Boyd and Vandenberghe 2004, section 5.1.3). For concave curves and rows without
    counts it is tight at the right prices; S-curves, minimums and counts leave a gap that
    branching closes.
    """
    weight = field.weight + rows.outcome.T @ prices
    cost = field.cost + rows.money.T @ prices
    drag = rows.moved.T @ prices
    on, moves = rows.on.T @ prices, rows.moves.T @ prices
    low = np.maximum(field.lower, field.least_on)
    spend, best = _best(field.curves, weight, cost, drag, low, field.upper, field.last)
    best = best - on * (spend > 0) - moves * (spend != field.last)
    points = []
    if np.any(field.least_on > 0) or np.any(on != 0):
        points.append((np.zeros_like(low), field.lower <= 0))
    if np.any(moves != 0):
        off = (field.last == 0) & (field.lower <= 0)
        inside = (field.last >= low) | off
        points.append((field.last, inside & (field.last <= field.upper)))
    for point, allowed in points:
        worth = weight * field.curves.value(point) - cost * point
        worth = worth - drag * np.abs(point - field.last)
        worth = worth - on * (point > 0) - moves * (point != field.last)
        better = allowed & (worth > best)
        spend, best = np.where(better, point, spend), np.where(better, worth, best)
    return Priced(float(best.sum() + prices @ rows.room), spend)


def best_worth(problem: Problem, prices: Floats, lower: Floats, upper: Floats) -> Floats:
    r"""Return what no spend between two ends is worth more than at prices of the rows, by channel.

    A channel's part of the bound of `priced`, from above: where a row that counts has a price below
    zero, the count is given for nothing.

    Parameters
    ----------
    problem
        The channels and rows.
    prices
        At least 0, shape ``(rows,)``.
    lower, upper
        Money, shape ``(channels,)``.
    """
    rows, last = problem.rows, problem.last_money
    weight = problem.weight + rows.outcome.T @ prices
    cost, drag = problem.cost + rows.money.T @ prices, rows.moved.T @ prices
    worth = _best(problem.curves, weight, cost, drag, lower, upper, last)[1]
    counted = np.minimum(rows.on.T @ prices, 0.0) + np.minimum(rows.moves.T @ prices, 0.0)
    most: Floats = worth - counted
    return most


def _best(
    curves: Curve,
    weight: Floats,
    cost: Floats,
    drag: Floats,
    lower: Floats,
    upper: Floats,
    last: Floats,
) -> tuple[Floats, Floats]:
    """Return where ``weight f(x) - cost x - drag |x - last|`` is greatest, and how much."""
    if not np.any(drag):
        return _conjugate(curves, weight, cost, lower, upper)
    hinge = np.clip(last, lower, upper)
    # Right of the last spend a move up costs its drag, left of it a move down does.
    up, worth_up = _conjugate(curves, weight, cost + drag, hinge, upper)
    down, worth_down = _conjugate(curves, weight, cost - drag, lower, hinge)
    worth_up = worth_up + drag * last
    worth_down = worth_down - drag * last
    # A last spend outside the bounds leaves one side only.
    better = ((worth_up >= worth_down) | (last < lower)) & (last <= upper)
    return np.where(better, up, down), np.where(better, worth_up, worth_down)


def _conjugate(
    curves: Curve, weight: Floats, cost: Floats, lower: Floats, upper: Floats
) -> tuple[Floats, Floats]:
    """Return where ``weight f(x) - cost x`` is greatest in bounds, and how much."""
    with np.errstate(divide="ignore", invalid="ignore"):
        price = np.where(weight > 0, cost / weight, np.inf)
    spend, worth = curves.conjugate(np.where(np.isfinite(price), price, 1.0), lower, upper)
    linear = np.where(cost >= 0, lower, upper)
    flat = weight <= 0
    return (
        np.where(flat, linear, spend),
        np.where(flat, -cost * linear, weight * worth),
    )
