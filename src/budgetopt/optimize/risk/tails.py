"""Mean and CVaR over draws of concave curves, with proof.

- `interior`: a primal-dual interior point method, for smooth curves.
- `columns`: a linear program over priced columns, for any concave curves.
- `concave` runs the one that fits, repairs what it returns until every row holds, and bounds it by
  the dual form of the CVaR (Rockafellar and Uryasev 2000).

S-shaped draws are refused beforehand: over them neither is a bound.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy.sparse import csr_array

from budgetopt.arrays import Floats
from budgetopt.optimize import highs
from budgetopt.optimize.problem import UNLIMITED, Clock, Problem, Solved
from budgetopt.optimize.risk.draws import DrawProblem
from budgetopt.optimize.risk.measure import Risk
from budgetopt.optimize.waterfill import field_of, priced

_ROUNDS = 60
"""Some 15 to 25 are needed; past these rounding error or a kink has the word."""
_DONE = 1e-11
"""Complementarity, as a share of the objective, at which the shares of the draws are exact."""
_FIRST = 0.1
"""Product of each multiplier and its slack at the start, the objective being about 1."""
_STEP = 0.99
"""Share of the way to the nearest bound that a step may take."""


class Interior(NamedTuple):
    """Where the method ended.

    Parameters
    ----------
    spend
        Money by channel, within its bounds; rows hold up to the method's accuracy.
    shares
        Weights of the draws, which prove a bound, shape ``(draws,)``.
    rounds
        Newton steps taken.
    """

    spend: Floats
    shares: Floats
    rounds: int


def interior(sample: DrawProblem, risk: Risk, start: Floats) -> Interior:
    r"""Maximise ``(1-w) mean F(x) + w CVaR F(x)`` within the problem's bounds and rows.

    With :math:`c = w/(S\tau)` and the auxiliary level t and shortfalls u of Rockafellar and
    Uryasev,

    .. math::
        \max_{x, t, u} (1-w) \tfrac1S \sum_s F_s(x) + w t - c \sum_s u_s, \qquad
        u_s \ge 0,\ u_s \ge t - F_s(x),\ A x + M |x - l| \le room,\ lo \le x \le hi.

    Newton's method on the perturbed optimality conditions; the multipliers p of the shortfalls
    are the weights of the draws in the tail, and shortfalls and slacks are eliminated, so that
    each step solves one linear system with a row for each channel.

    Parameters
    ----------
    sample
        Problem and draws, concave.
    risk
        Mean-CVaR with a weight above 0 and a tail below 1.
    start
        A split within the bounds.

    Notes
    -----
    Source: Boyd and Vandenberghe (2004), section 11.7; Rockafellar and Uryasev (2000). The answer
    needs no trust: `shares` give a bound whatever they are.
    """
    steps = _Steps(sample, risk, start)
    for count in range(_ROUNDS):
        if steps.done or not steps.advance():
            return Interior(steps.spend, steps.shares, count)
    return Interior(steps.spend, steps.shares, _ROUNDS)


class _Frame:
    """The problem in shares of each channel's room, moves as columns of their own.

    The point holds a share of its room by channel, money moved by channel where a row sees it,
    and last the level t.
    """

    def __init__(self, sample: DrawProblem, start: Floats) -> None:
        problem = sample.problem
        self.low = problem.lower
        room = max(problem.budget_money - self.low.sum(), 0.0)
        self.width = np.minimum(problem.upper, self.low + room) - self.low
        self.free = self.width > 0
        self.unit = sample.unit(start)
        self.channels = self.low.size
        self.equal, self.rows, self.room = self._rows(sample)

    def _rows(self, sample: DrawProblem) -> tuple[int, Floats, Floats]:
        """Return how many rows are equalities, and all rows, equalities first."""
        problem, rows, n = sample.problem, sample.problem.rows, self.channels
        moved = rows.moved.toarray() * np.maximum(self.width, 0.0)
        table = np.hstack([rows.money.toarray() * self.width, moved, np.zeros((rows.size, 1))])
        still = np.where(self.free, 0.0, np.abs(self.low - problem.last_money))
        room = rows.room - rows.money @ self.low - rows.moved @ still
        equal = 0
        if problem.spend_all:
            # Row 1 is the budget row with its sign turned.
            equal, table, room = 1, np.delete(table, 1, axis=0), np.delete(room, 1)
        sees = np.flatnonzero(moved.any(axis=0) & self.free)
        hinge = np.zeros((2 * sees.size, table.shape[1]))
        at = np.arange(sees.size)
        away = (problem.last_money[sees] - self.low[sees]) / self.width[sees]
        for sign, part in ((1.0, at), (-1.0, at + sees.size)):
            hinge[part, sees], hinge[part, n + sees] = sign, -1.0
        table, room = np.vstack([table, hinge]), np.concatenate([room, away, -away])
        scale = np.maximum(np.abs(table).max(axis=1, initial=0.0), 1e-300)
        keep = np.abs(table).max(axis=1, initial=0.0) > 0
        return equal if keep[:1].all() else 0, (table / scale[:, None])[keep], (room / scale)[keep]

    def spend(self, point: Floats) -> Floats:
        spend: Floats = self.low + self.width * point[: self.channels]
        return spend

    def slope(self, slopes: Floats) -> Floats:
        """Return slopes in shares of the room and units of the objective."""
        scaled: Floats = np.where(self.free, slopes, 0.0) * (self.width / self.unit)
        return scaled


class _Step(NamedTuple):
    """By how much each part of `_Steps` moves."""

    point: Floats
    tail: Floats
    short: Floats
    slack: Floats
    at_low: Floats
    at_high: Floats
    price: Floats
    gap: Floats
    equal_price: Floats


_POSITIVE = ("short", "slack", "at_low", "at_high", "price", "gap")
"""Parts that stay above zero, beside the point and the weights of the tail."""


class _Steps:
    """The point, its multipliers and slacks, and one Newton step.

    The parts are those of `_Step`: the `point` of `_Frame`; by draw the weight in the `tail`, the
    `short`fall and the `slack` of its row; multipliers of the point's bounds `at_low` and
    `at_high`; `price` and `gap` of the rows, and the price of the row that is an equality.
    """

    def __init__(self, sample: DrawProblem, risk: Risk, start: Floats) -> None:
        frame = self.frame = _Frame(sample, start)
        self.sample, self.weight = sample, risk.weight
        self.most = risk.weight / (sample.size * risk.tail)
        n = frame.channels
        width = np.where(frame.free, frame.width, 1.0)
        inside = np.clip((start - frame.low) / width, 0.02, 0.98)
        apart = np.abs(start - sample.problem.last_money) / width + 0.05
        self.point = np.concatenate([np.where(frame.free, inside, 0.0), apart, [0.0]])
        self.upper = np.concatenate([np.ones(n), np.full(n + 1, np.inf)])
        moves = frame.free & frame.rows[:, n : 2 * n].any(axis=0)
        self.active = np.concatenate([frame.free, moves, [False]])
        self._start_draws(sample.value(frame.spend(self.point)) / frame.unit, risk.tail)
        with np.errstate(divide="ignore"):
            self.at_low = np.where(self.active, _FIRST / self.point, 0.0)
            self.at_high = np.where(self.active, _FIRST / (self.upper - self.point), 0.0)
        rows = frame.rows[frame.equal :]
        self.gap = np.maximum(frame.room[frame.equal :] - rows @ self.point, 0.01)
        self.price = _FIRST / self.gap
        self.equal_price = np.zeros(frame.equal)
        self._look()

    def _start_draws(self, values: Floats, tail: float) -> None:
        """Put the level near its place, and shortfalls and slacks above zero."""
        self.point[-1] = np.quantile(values, min(tail, 0.5))
        away = self.point[-1] - values
        sure = 0.1 * float(np.std(values)) + 1e-6
        self.short, self.slack = np.maximum(away, 0.0) + sure, np.maximum(-away, 0.0) + sure
        self.tail = np.full(values.size, self.weight / values.size)

    @property
    def spend(self) -> Floats:
        return self.frame.spend(self.point)

    @property
    def shares(self) -> Floats:
        return (1.0 - self.weight) / self.sample.size + self.tail

    @property
    def slacks(self) -> float:
        """Sum of the products of multipliers and slacks: the gap that is left."""
        high = np.where(np.isfinite(self.upper), self.upper - self.point, 0.0)
        return float(
            self.tail @ self.slack
            + (self.most - self.tail) @ self.short
            + self.at_low @ self.point
            + self.at_high @ high
            + self.price @ self.gap
        )

    @property
    def done(self) -> bool:
        return self.slacks < _DONE and bool(np.max(np.abs(self.miss), initial=0.0) < 1e-9)

    def _look(self) -> None:
        """Read the curves at the point."""
        sample, frame = self.sample, self.frame
        spend = self.spend
        values = sample.value(spend) / frame.unit
        slopes = frame.slope(sample.slope(spend))
        zero = np.zeros_like(slopes)
        self.slopes = np.hstack([slopes, zero, -np.ones((sample.size, 1))])
        mixed = sample.mixed(self.shares)
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            bend = mixed.slope(spend) / mixed.slope_decay(spend) * frame.width**2 / frame.unit
        # Straight pieces have no curvature to step by.
        self.bend = np.where(np.isfinite(bend) & frame.free, bend, 0.0)
        # By how much each shortfall's row is missed.
        self.miss = self.short + values - self.point[-1] - self.slack
        self.push = self.slopes.T @ self.shares
        self.push[-1] = self.weight - self.tail.sum()

    def advance(self) -> bool:
        """Take one step; whether there was a way on."""
        count = 2 * self.tail.size + 2 * int(self.active.sum()) + self.gap.size
        with np.errstate(all="ignore"):
            step = self._direction(0.1 * self.slacks / count)
        if step is None or not all(np.isfinite(part).all() for part in step):
            return False
        capped = self.active & np.isfinite(self.upper)
        pairs = [
            (self.point[self.active], step.point[self.active]),
            ((self.upper - self.point)[capped], -step.point[capped]),
            (self.tail, step.tail),
            (self.most - self.tail, -step.tail),
            *((getattr(self, name), getattr(step, name)) for name in _POSITIVE),
        ]
        size = min(1.0, _STEP * min(_reach(value, move) for value, move in pairs))
        for name in step._fields:
            setattr(self, name, getattr(self, name) + size * getattr(step, name))
        self._look()
        return size > 1e-10

    def _direction(self, target: float) -> _Step | None:
        """Return Newton's step of every part towards complementarity `target`.

        Eliminated are first the shortfalls and slacks of the draws, whose multipliers move by
        ``lead (aim - slopes point)``, then the multipliers of bounds and rows.
        """
        rest = self.most - self.tail
        lead = 1.0 / (self.slack / self.tail + self.short / rest)
        aim = target / self.tail - self.slack - target / rest + self.short - self.miss
        low, low_firm = self._bound(target, self.at_low, self.point)
        high, high_firm = self._bound(target, self.at_high, self.upper - self.point)
        equal, rows = self.frame.rows[: self.frame.equal], self.frame.rows[self.frame.equal :]
        gap = self.frame.room[self.frame.equal :] - rows @ self.point - self.gap
        firm = self.price / self.gap
        price = target / self.gap - self.price - firm * gap
        right = self.push + self.at_low - self.at_high - rows.T @ (self.price + price)
        right += self.slopes.T @ (lead * aim) + low - high - equal.T @ self.equal_price
        free = np.append(self.active[:-1], [True])
        stiff = np.where(free, low_firm + high_firm, 1.0)
        stiff[: self.bend.size] += self.bend
        matrix = np.diag(stiff) + (self.slopes.T * lead) @ self.slopes + (rows.T * firm) @ rows
        matrix = np.block([[matrix, equal.T], [equal, np.zeros((len(equal), len(equal)))]])
        missing = self.frame.room[: self.frame.equal] - equal @ self.point
        try:
            move = np.linalg.solve(matrix, np.append(np.where(free, right, 0.0), missing))
        except np.linalg.LinAlgError:
            return None
        point, equal_price = move[: free.size], move[free.size :]
        tail = lead * (aim - self.slopes @ point)
        return _Step(
            point=point,
            tail=tail,
            short=(target + self.short * tail) / rest - self.short,
            slack=(target - self.slack * tail) / self.tail - self.slack,
            at_low=low - low_firm * point,
            at_high=high + high_firm * point,
            price=price + firm * (rows @ point),
            gap=gap - rows @ point,
            equal_price=equal_price,
        )

    def _bound(self, target: float, price: Floats, room: Floats) -> tuple[Floats, Floats]:
        """Return how a bound's multiplier moves by itself, and how much against the point."""
        inner = self.active
        return np.where(inner, target / room - price, 0.0), np.where(inner, price / room, 0.0)


def _reach(value: Floats, move: Floats) -> float:
    """Return how far a step may go until the first value is zero."""
    falls = move < 0
    return float(np.min(-value[falls] / move[falls], initial=np.inf)) if falls.any() else np.inf


_COLUMN_ROUNDS = 40
_GOOD = 1e-7
"""Relative gap at which no more time is spent."""


class _Master(NamedTuple):
    """Solution of the linear program: a split, weights of the draws, and prices of the rows."""

    spend: Floats
    shares: Floats
    prices: Floats


def columns(
    sample: DrawProblem, risk: Risk, found: Solved, starts: list[Floats], left: Clock = UNLIMITED
) -> Solved:
    r"""Improve a split of a mean-CVaR problem until its gap is closed.

    Each channel mixes spends that were tried, :math:`x_i = \sum_k \alpha_{ik} X_{ik}`; by
    concavity a draw brings at least :math:`\sum_{ik} \alpha_{ik} f_{si}(X_{ik})`. The linear
    program over the mixtures and the shortfalls of Rockafellar and Uryasev gives a split, weights
    of the draws and prices of the rows; the best spends at these weights are the next columns and
    prove a bound. Curves of straight pieces end after finitely many rounds, at kinks.

    Parameters
    ----------
    sample
        Problem and draws, concave.
    risk
        Mean-CVaR.
    found
        The best split so far.
    starts
        Splits whose spends are the first columns.
    left
        The caller's time, at whose end the best so far is returned.

    Notes
    -----
    Source: Dantzig and Wolfe (1960), channel by channel; Rockafellar and Uryasev (2000).
    """
    problem = sample.problem
    high = np.minimum(problem.upper, problem.lower + _room(sample))
    tried = [problem.lower, high, *starts]
    best = risk.value(sample.value(found.spend))
    for _ in range(_COLUMN_ROUNDS):
        if found.bound - best <= near(sample, found) or left() == 0:
            break
        master = _master(sample, risk, np.array(tried))
        if master is None:
            break
        mixed = field_of(problem)._replace(
            curves=sample.mixed(master.shares), weight=np.ones_like(problem.weight)
        )
        bound, spend = priced(mixed, problem.rows, master.prices)
        bound -= float(master.shares @ sample.offset)
        tried += [spend, master.spend]
        if bound < found.bound:
            found = found._replace(bound=bound, prices=master.prices)
        worth = risk.value(sample.value(master.spend))
        if worth > best:
            best, found = worth, found._replace(spend=master.spend)
    return found._replace(method="columns")


def near(sample: DrawProblem, found: Solved) -> float:
    """Return the gap at which no more time is spent, in units of the measure.

    Relative to the bound; draws that are measured from an offset also to their own size, since
    their excess may be nothing.
    """
    size = sample.unit(found.spend) if sample.offset.any() else 0.0
    return _GOOD * max(abs(found.bound), size)


def _room(sample: DrawProblem) -> float:
    return max(sample.problem.budget_money - float(sample.problem.lower.sum()), 0.0)


def _master(sample: DrawProblem, risk: Risk, tried: Floats) -> _Master | None:
    """Return the best mixture of spends that were tried, or None where there is none."""
    problem, rows = sample.problem, sample.problem.rows
    size, (count, n) = sample.size, tried.shape
    values = np.array([sample.weighed.value(spend) for spend in tried])
    values -= problem.cost * tried[:, None, :]
    unit = float(np.abs(values).sum(axis=2).mean()) or 1.0
    values, offset = values / unit, sample.offset / unit
    money = max(problem.budget_money, 1e-300)
    # Columns: the mixtures, spend by spend; then the level t; then the shortfalls.
    gains = values.transpose(1, 0, 2).reshape(size, -1)
    goal = np.concatenate(
        [
            -(1.0 - risk.weight) * gains.mean(axis=0),
            [-risk.weight],
            np.full(size, risk.weight / (size * risk.tail)),
        ]
    )
    below = np.hstack([-gains, np.ones((size, 1)), -np.eye(size)])
    used = np.stack([rows.money * x + rows.moved * np.abs(x - problem.last_money) for x in tried])
    limits = np.concatenate([part.toarray() for part in used], axis=1) / money
    limits = np.hstack([limits, np.zeros((rows.size, 1 + size))])
    sums = np.hstack([np.tile(np.eye(n), count), np.zeros((n, 1 + size))])
    below, limits = np.vstack([below, limits]), np.concatenate([-offset, rows.room / money])
    columns = n * count + 1 + size
    lower = np.where(np.arange(columns) == n * count, -np.inf, 0.0)
    answer = highs.minimise(
        goal,
        csr_array(np.vstack([below, sums])),
        np.concatenate([limits, np.ones(n)]),
        lower,
        np.full(columns, np.inf),
        equal=np.arange(limits.size + n) >= limits.size,
    )
    if answer.values is None:
        return None
    shares = (1.0 - risk.weight) / size - answer.prices[:size]
    mix = answer.values[: n * count].reshape(count, n)
    prices = np.maximum(-answer.prices[size : limits.size], 0.0) * unit / money
    return _Master(np.clip((mix * tried).sum(axis=0), problem.lower, problem.upper), shares, prices)


def concave(
    sample: DrawProblem, risk: Risk, left: Clock = UNLIMITED, start: Floats | None = None
) -> Solved:
    """Return the best split for a mean-CVaR of draws, offsets included.

    Parameters
    ----------
    sample
        Problem and draws, concave.
    risk
        Mean-CVaR that is not neutral.
    left
        The caller's time, at whose end the best so far is returned.
    start
        A split to start from, by default the best for the mean.
    """
    mean = sample.solve(np.full(sample.size, 1.0 / sample.size))
    inner = interior(sample, risk, mean.spend if start is None else start)
    shares = allowed(inner.shares, sample.size, risk)
    solved = sample.solve(shares)
    tried = [solved.spend, mean.spend, *_repaired(sample.problem, inner.spend)]
    if start is not None:
        tried.append(start)
    worth = [risk.value(sample.value(spend)) for spend in tried]
    best = int(np.argmax(worth))
    bound = min(solved.bound, mean.bound)
    found = Solved(tried[best], solved.prices, bound, "interior")
    if bound - worth[best] <= near(sample, found):
        return found
    return columns(sample, risk, found, [*tried, inner.spend], left)


def allowed(shares: Floats, size: int, risk: Risk) -> Floats:
    r"""Return weights of draws that the measure allows, near given ones, for a bound that holds.

    With weight w on the CVaR of a tail of share t over S draws they are

    .. math::
        q_s = \frac{1 - w}{S} + u_s, \qquad 0 \le u_s \le \frac{w}{S t}, \qquad \sum_s u_s = w.

    Parameters
    ----------
    shares
        Weights that may miss this by a little, shape ``(draws,)``.
    size
        Number of draws S.
    risk
        Mean-CVaR.

    References
    ----------
    Rockafellar and Uryasev (2000), "Optimization of conditional value-at-risk", in its dual form.
    """
    base, most = (1.0 - risk.weight) / size, risk.weight / (size * risk.tail)
    tail = np.clip(shares - base, 0.0, most)
    missing = risk.weight - tail.sum()
    room = most - tail if missing > 0 else tail
    tail = tail + room * (missing / room.sum() if room.sum() > 0 else 0.0)
    return np.asarray(base + np.clip(tail, 0.0, most))


def _repaired(problem: Problem, spend: Floats) -> list[Floats]:
    """Return a split that misses budget and bounds by little as one that keeps them.

    Empty where there are rows, whose repair is the business of their own engine.
    """
    if problem.limits:
        return []
    low, high = problem.lower, problem.upper
    spend = np.clip(spend, low, high)
    over = spend.sum() - problem.budget_money
    # What is over is taken back by channel in proportion to what it may give.
    room = spend - low if over > 0 else high - spend
    if over > 0 or problem.spend_all:
        spend = spend - over * room / room.sum() if room.sum() > 0 else spend
    return [np.asarray(np.clip(spend, low, high))]
