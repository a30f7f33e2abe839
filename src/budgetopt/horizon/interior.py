r"""Many weeks at once: a concave program of adstocked spends, by a primal-dual interior point.

Maximise :math:`\sum_{ti} w_t f_i(z_{ti}) - c_t x_{ti}` with :math:`z_i = K_i x_i + k_i`, what a
channel's money of all weeks works in each of them, under

- bounds on each spend,
- rows of one channel over its weeks, :math:`L_i x_i \le l_i`, such as change limits,
- rows across channels, :math:`C x \le d` or :math:`C x = d`, such as the totals of weeks.

Only the last couple channels. In every round the Newton system is solved by the blocks of the
channels, weeks by weeks, inverted in a batch, and by a Schur complement as large as the rows across
channels (Mehrotra 1992, "On the implementation of a primal-dual interior point method"; Wright
1997, "Primal-Dual Interior-Point Methods", chapter 10). The bound is made afterwards, of the true
curves and the multipliers alone (`bound_of`), so that it holds whatever the rounds did.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple, Self

import numpy as np

from budgetopt.arrays import Bools, Floats, Places
from budgetopt.curves import Curve

ROUNDS = 60
"""Most rounds; ten to thirty are usual."""
NEAR = 1e-9
"""Gap to the bound, as a share of it, at which a plan is solved."""
CLOSE = 1e-5
"""Sum of slacks times prices, as a share of the first objective, at which the gap is asked for."""
_PATIENCE = 2
"""Rounds without a smaller gap, near the end, after which the smallest is the answer."""
_AGAIN = 3
"""Times that a Newton step is mended by what it missed: rows that nearly hold make blocks stiff."""
_EXACT = 1e-10
"""What a Newton step may miss, as a share of the largest right side, without being mended."""
_BACK = 0.995
"""Share of the way to the nearest limit that a step goes."""
_STILL = 1e-9
"""Share added to the Schur complement's diagonal, for rows that depend on each other."""


@dataclass(frozen=True, eq=False)
class Program:
    r"""What is to be solved, in money as floats.

    Parameters
    ----------
    curves
        Concave curves over the channels.
    weight
        What an outcome of each week counts for, shape ``(lasting, channels)``: the weeks of the
        plan and those after it in which its money still works.
    cost
        What a unit of money of each week costs, ``(channels, weeks)``.
    kernel
        Effective spend of each lasting week from money of each week, ``(channels, lasting,
        weeks)``.
    carried
        Effective spend that earlier money brings, ``(lasting, channels)``.
    lower, upper
        Bounds, ``(channels, weeks)``.
    own, own_room
        Rows of each channel, ``(channels, rows, weeks)``, and the most they may be, ``(channels,
        rows)``.
    across, room
        Rows across channels, ``(rows, channels, weeks)``, and the most they may be, ``(rows,)``.
    exact
        Which of them are equations, ``(rows,)``.
    """

    curves: Curve
    weight: Floats
    cost: Floats
    kernel: Floats
    carried: Floats
    lower: Floats
    upper: Floats
    own: Floats
    own_room: Floats
    across: Floats
    room: Floats
    exact: Bools

    @cached_property
    def free(self) -> Bools:
        """Spends that are not fixed by equal bounds."""
        return np.asarray(self.upper > self.lower)

    @cached_property
    def fed(self) -> Bools:
        """Weeks in which spends that are not fixed work, ``(lasting, channels)``.

        In others nothing may be spent, where a slope may be infinite.
        """
        fed: Bools = np.any((self.kernel > 0) & self.free[:, None], axis=2).T
        return fed

    def effective(self, spend: Floats) -> Floats:
        """Return the effective spends of a plan, ``(lasting, channels)``."""
        own = np.matmul(self.kernel, spend[:, :, None])[:, :, 0]
        effective: Floats = np.maximum(own.T + self.carried, 0.0)
        return effective

    def value(self, spend: Floats) -> float:
        """Return what is maximised, at money of shape ``(channels, weeks)``."""
        brought = np.sum(self.weight * self.curves.value(self.effective(spend)))
        return float(brought - np.sum(self.cost * spend))

    def slope(self, spend: Floats) -> Floats:
        """Return what the next unit of each spend brings over all weeks; 0 where it is fixed."""
        return self._rise(self._steep(self.effective(spend)))

    def slope_and_bend(self, spend: Floats) -> tuple[Floats, Floats]:
        """Return `slope`, and minus the second derivatives, ``(channels, weeks, weeks)``."""
        effective = self.effective(spend)
        steep = self._steep(effective)
        with np.errstate(divide="ignore", invalid="ignore"):
            bend = steep / self.curves.slope_decay(effective)
        bend = np.where(np.isfinite(bend), bend, 0.0).T
        block: Floats = np.matmul((self.kernel * bend[:, :, None]).transpose(0, 2, 1), self.kernel)
        return self._rise(steep), block

    def _steep(self, effective: Floats) -> Floats:
        """Return slopes by effective spend where money that is not fixed works, else 0."""
        return np.where(self.fed, self.weight * self.curves.slope(effective), 0.0)

    def _rise(self, steep: Floats) -> Floats:
        rise = np.matmul(steep.T[:, None, :], self.kernel)[:, 0] - self.cost
        return np.where(self.free, rise, 0.0)

    def own_use(self, spend: Floats) -> Floats:
        """Return the left sides of the rows of channels."""
        used: Floats = np.matmul(self.own, spend[:, :, None])[:, :, 0]
        return used

    def use(self, spend: Floats) -> Floats:
        """Return the left sides of the rows across channels."""
        used: Floats = self.across.reshape(len(self.room), -1) @ spend.ravel()
        return used

    def pull(self, own: Floats, across: Floats) -> Floats:
        """Return what prices of rows ask of each spend."""
        return self.pull_own(own) + self.pull_across(across)

    def pull_own(self, price: Floats) -> Floats:
        """Return what prices of the rows of channels ask of each spend."""
        pull: Floats = np.matmul(price[:, None, :], self.own)[:, 0]
        return pull

    def pull_across(self, price: Floats) -> Floats:
        """Return what prices of rows across channels ask of each spend."""
        pull: Floats = price @ self.across.reshape(len(self.room), -1)
        return pull.reshape(self.lower.shape)


class Solution(NamedTuple):
    """A plan of weeks, prices of its rows, and what no plan exceeds.

    Parameters
    ----------
    spend
        Money, ``(channels, weeks)``; it keeps the rows nearly.
    own_price, price
        Prices of the rows of channels and across channels.
    bound
        No plan within the rows has a better objective.
    rounds
        Rounds taken; where they are `ROUNDS`, only the bound can be relied on.
    """

    spend: Floats
    own_price: Floats
    price: Floats
    bound: float
    rounds: int


def solve(program: Program, near: float = NEAR) -> Solution:
    """Return the best plan of weeks and its bound.

    Parameters
    ----------
    program
        Some plan must lie inside all inequalities. Equal bounds fix a spend.
    near
        Gap to the bound, as a share of it, at which it is solved.
    """
    rounds = _Rounds(program)
    point, count = rounds.run(near)
    spend, own_price, price = rounds.in_money(point)
    return Solution(spend, own_price, price, bound_of(program, spend, own_price, price), count)


def bound_of(program: Program, spend: Floats, own_price: Floats, price: Floats) -> float:
    r"""Return what no plan within the rows exceeds.

    A concave objective lies below its tangent at any plan, :math:`F(x) \le F(y) + g (x - y)`, and
    with prices :math:`\pi, \zeta \ge 0` of rows across and of channels (any sign for equations)

    .. math:: g x \le \pi d + \zeta l + \sum_{ti} \max_{lo \le x \le hi}
        (g - C^T \pi - L^T \zeta)_{ti}\, x_{ti}.

    Parameters
    ----------
    program
        The program.
    spend
        Any plan within the bounds where no slope is infinite, ``(channels, weeks)``.
    own_price, price
        Any prices; those of inequalities are taken as at least 0.

    References
    ----------
    Everett (1963), for the prices; Boyd and Vandenberghe (2004), section 3.1.3, for the tangent.
    """
    return program.value(spend) + _above(program, spend, own_price, price)


def _above(program: Program, spend: Floats, own_price: Floats, price: Floats) -> float:
    """Return by how much a plan's bound lies above its value."""
    own = np.maximum(own_price, 0.0)
    across = np.where(program.exact, price, np.maximum(price, 0.0))
    rise = program.slope(spend)
    left = rise - program.pull(own, across)
    best = np.where(left > 0, program.upper, program.lower)
    rooms = float(across @ program.room) + float(np.sum(own * program.own_room))
    return float(np.sum(left * best) - np.sum(rise * spend)) + rooms


class _Point(NamedTuple):
    """Spends, and the slacks and prices of all limits, one after the other.

    In each stand lower bounds, upper bounds, rows of channels and rows across (`_Rounds.parts`).
    Slacks of equations are 1 and stay so.
    """

    spend: Floats
    slack: Floats
    price: Floats


class _Missed(NamedTuple):
    """By how much slopes miss their prices, and rows with their slacks their rooms."""

    slope: Floats
    own: Floats
    across: Floats


class _Rounds:
    """The rounds of one program, in units that make spends and slopes about 1."""

    def __init__(self, program: Program) -> None:
        free = program.free
        middle = np.where(free, 0.5 * (program.lower + program.upper), program.lower)
        rise = np.abs(program.slope(middle)[free])
        self.money = float(program.upper[free].mean()) if free.any() else 1.0
        self.worth = (float(rise.mean()) * self.money if free.any() else 0.0) or 1.0
        self.program, self.free, self.strict = program, free, ~program.exact
        self.lower, self.upper = program.lower / self.money, program.upper / self.money
        self.own_room, self.room = program.own_room / self.money, program.room / self.money
        self.start = middle / self.money
        self.scale = max(1.0, abs(program.value(middle)) / self.worth)
        self.products = _Products.of(program.own)
        self.ends = np.cumsum([free.size, free.size, self.own_room.size]).tolist()
        # Which products of slack and price are to vanish.
        self.pairs = _flat(free, free, np.ones(self.own_room.shape), self.strict)
        self.count = max(float(self.pairs.sum()), 1.0)

    def run(self, near: float) -> tuple[_Point, int]:
        """Return the point with the smallest gap to its bound, and how many rounds it took."""
        point, best, least, since = self._first(), None, np.inf, 0
        with np.errstate(all="ignore"):
            for number in range(ROUNDS):
                gap = self._gap(point)
                if gap <= CLOSE * self.scale:
                    short = self._short(point)
                    since = 0 if short < least or gap > near * self.scale else since + 1
                    if short < least:
                        best, least = point, short
                    # Where rows nearly hold the rounds lose digits in the end, and the gap grows.
                    if best is not None and (least <= near or since == _PATIENCE):
                        return best, number
                try:
                    further = self._further(point, gap)
                except np.linalg.LinAlgError:
                    break
                if not np.isfinite(self._gap(further)):
                    break
                point = further
        return point if best is None else best, ROUNDS

    def parts(self, flat: Floats) -> tuple[Floats, Floats, Floats, Floats]:
        """Return the parts of lower bounds, upper bounds, rows of channels and rows across."""
        low, high, own = self.ends
        shape = self.free.shape
        return (
            flat[:low].reshape(shape),
            flat[low:high].reshape(shape),
            flat[high:own].reshape(self.own_room.shape),
            flat[own:],
        )

    def _further(self, point: _Point, gap: float) -> _Point:
        """Return the next point."""
        newton = _Newton(self, point)
        # Only how far it may go is asked of the guess.
        products = self._products(point)
        guess = newton.step(products, 0)
        ahead = self._gap(self._moved(point, guess, 1.0))
        # Mehrotra's centre, and his correction by the guess's own products.
        centre = gap / self.count * min(1.0, (ahead / gap) ** 3)
        aim = products + self.pairs * (guess.slack * guess.price - centre)
        return self._moved(point, newton.step(aim), _BACK)

    def in_money(self, point: _Point) -> tuple[Floats, Floats, Floats]:
        """Return spends, and prices of own rows and rows across, in the program's units."""
        spend = np.where(self.free, point.spend * self.money, self.program.lower)
        own, across = (one * self.worth / self.money for one in self.parts(point.price)[2:])
        return spend, own, across

    def _short(self, point: _Point) -> float:
        """Return how far a point lies below its bound, as a share of it."""
        spend, own, across = self.in_money(point)
        short = _above(self.program, spend, own, across)
        return short / max(abs(self.program.value(spend) + short), 1e-300)

    def _first(self) -> _Point:
        """Return the point that the rounds start from, inside the bounds."""
        own = np.maximum(self.own_room - self.program.own_use(self.start), 0.1)
        across = self.room - self.program.use(self.start)
        across = np.maximum(across, 0.1 * np.maximum(np.abs(self.room), 1.0))
        # Slacks are carried on by themselves: differences of spends and bounds would cancel out.
        slack = _flat(self.start - self.lower, self.upper - self.start, own, across)
        return _Point(self.start, np.where(self.pairs > 0, slack, 1.0), self.pairs.copy())

    def missed(self, point: _Point, rise: Floats) -> _Missed:
        """Return what is missed at a point where spends bring so much more."""
        program, (low, high, own, across) = self.program, self.parts(point.price)
        _, _, own_slack, slack = self.parts(point.slack)
        slope = np.where(self.free, program.pull(own, across) - rise - low + high, 0.0)
        own_room = program.own_use(point.spend) + own_slack - self.own_room
        slack = np.where(self.strict, slack, 0.0)
        return _Missed(slope, own_room, program.use(point.spend) + slack - self.room)

    def _products(self, point: _Point) -> Floats:
        """Return slacks times prices, where equations have none."""
        return point.slack * point.price * self.pairs

    def _gap(self, point: _Point) -> float:
        return float(self._products(point).sum())

    def _moved(self, point: _Point, step: _Point, back: float) -> _Point:
        """Return the point a step further, slacks and prices each as far as none vanishes."""
        far = min(1.0, back * self._way(point.slack, step.slack))
        up = min(1.0, back * self._way(point.price, step.price))
        return _Point(
            point.spend + far * step.spend,
            point.slack + far * step.slack,
            point.price + up * step.price,
        )

    def _way(self, part: Floats, step: Floats) -> float:
        """Return how many steps some positive numbers can go before one vanishes."""
        # Equations give 0 over 0, which `fmax` passes over.
        fastest = float(np.fmax.reduce(-step * self.pairs / part, initial=0.0))
        return 1.0 / fastest if fastest else np.inf


def _flat(*parts: Floats | Bools) -> Floats:
    return np.concatenate([part.ravel() for part in parts]).astype(np.float64)


class _Products(NamedTuple):
    """Products of two entries of one row: their row, their place in the blocks, and what they are.

    A row of a channel holds few of its weeks, so that these are far fewer than the blocks' entries.
    """

    row: Places
    place: Places
    product: Floats
    size: int

    @classmethod
    def of(cls, own: Floats) -> Self:
        """Return the products of rows, ``(channels, rows, weeks)``."""
        channels, rows, weeks = own.shape
        channel, row, week = np.nonzero(own)
        row, entry = channel * rows + row, own[channel, row, week]
        count = np.bincount(row, minlength=channels * rows)
        first = np.repeat(np.arange(row.size), count[row])
        begin = np.cumsum(count) - count
        turn = np.arange(first.size) - np.repeat(np.cumsum(count[row]) - count[row], count[row])
        second = begin[row[first]] + turn
        place = (channel[first] * weeks + week[first]) * weeks + week[second]
        return cls(row[first], place, entry[first] * entry[second], channels * weeks * weeks)

    def weighed(self, weight: Floats) -> Floats:
        """Return the sum over rows of a weight times the row's products, by place."""
        each = self.product * weight.ravel()[self.row]
        total: Floats = np.bincount(self.place, each, minlength=self.size).astype(np.float64)
        return total


class _Newton:
    r"""The Newton system at a point, solved by blocks of channels and rows across them.

    With :math:`M = -F'' + L^T \tfrac{z}{s} L + \tfrac{z}{s}` of the box, a step keeps
    :math:`M\,dx + C^T d\pi = b` and :math:`C\,dx - \tfrac{s}{\pi} d\pi = q`.
    """

    def __init__(self, rounds: _Rounds, point: _Point) -> None:
        program, free, unit = rounds.program, rounds.free, rounds.money / rounds.worth
        rise, block = program.slope_and_bend(point.spend * rounds.money)
        self.rounds, self.point = rounds, point
        self.missed = rounds.missed(point, rise * unit)
        self.price, self.slack = rounds.parts(point.price), rounds.parts(point.slack)
        low, high, own = (z / s for z, s in zip(self.price[:3], self.slack[:3], strict=True))
        block *= unit * rounds.money
        block += rounds.products.weighed(own).reshape(block.shape)
        if not free.all():
            block *= free[:, :, None] & free[:, None, :]
        at = np.arange(free.shape[1])
        block[:, at, at] += np.where(free, low + high, 1.0)
        self.block, self.inverse = block, np.linalg.inv(block)
        strict = rounds.strict
        self.side = np.where(strict, self.slack[3] / np.where(strict, self.price[3], 1.0), 0.0)
        across = (program.across * free).transpose(1, 0, 2)
        carried = np.matmul(across, self.inverse).transpose(1, 0, 2)
        schur = carried.reshape(len(strict), -1) @ program.across.reshape(len(strict), -1).T
        schur[np.diag_indices_from(schur)] += self.side + _STILL * np.diag(schur)
        self.schur = np.linalg.inv(schur)

    def step(self, aim: Floats, again: int = _AGAIN) -> _Point:
        """Return the step on which products of slacks and prices fall by an aim."""
        rounds, program, missed = self.rounds, self.rounds.program, self.missed
        (_, _, own, across), (s_low, s_high, s_own, _) = self.price, self.slack
        low_aim, high_aim, own_aim, aims = rounds.parts(aim)
        right = -missed.slope - low_aim / s_low + high_aim / s_high
        right -= program.pull_own((own * missed.own - own_aim) / s_own)
        right = np.where(rounds.free, right, 0.0)
        ask = np.where(rounds.strict, aims / np.where(rounds.strict, across, 1.0), 0.0)
        ask -= missed.across
        move, price = self._solved(right, ask)
        wrong = _EXACT * max(float(np.abs(right).max()), float(np.abs(ask).max()))
        for turn in range(again):
            left = right - np.matmul(self.block, move[:, :, None])[:, :, 0] - self._back(price)
            asked = ask - program.use(move) + self.side * price
            off = max(float(np.abs(left).max()), float(np.abs(asked).max()))
            if off <= wrong if turn == 0 else not off < 0.5 * wrong:
                break
            more, price_more = self._solved(left, asked)
            move, price, wrong = move + more, price + price_more, off
        own_slack = -missed.own - program.own_use(move)
        slack = np.where(rounds.strict, -missed.across - program.use(move), 0.0)
        slacks, end = _flat(move, -move, own_slack, slack), rounds.ends[-1]
        prices = -(aim + self.point.price * slacks) / self.point.slack
        prices[end:] = price
        return _Point(move, slacks, prices)

    def _solved(self, right: Floats, ask: Floats) -> tuple[Floats, Floats]:
        """Return spends and prices of rows across for some right sides."""
        first = np.matmul(self.inverse, right[:, :, None])[:, :, 0]
        price: Floats = self.schur @ (self.rounds.program.use(first) - ask)
        back = self._back(price)
        return first - np.matmul(self.inverse, back[:, :, None])[:, :, 0], price

    def _back(self, price: Floats) -> Floats:
        """Return what prices of rows across ask of spends that are not fixed."""
        return np.where(self.rounds.free, self.rounds.program.pull_across(price), 0.0)
