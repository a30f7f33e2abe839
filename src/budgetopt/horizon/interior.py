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

from collections.abc import Sequence
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
"""Sum of slacks times prices, as a share of the objective, from which on the gap is asked for."""
_PATIENCE = 2
"""Rounds without a smaller gap, near the end, after which the smallest is the answer."""
_AGAIN = 3
"""Times that a Newton step is mended by what it missed: rows that nearly hold make blocks stiff."""
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

    @property
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
        slope = np.where(self.fed, self.weight * self.curves.slope(self.effective(spend)), 0.0)
        rise = np.matmul(slope.T[:, None, :], self.kernel)[:, 0] - self.cost
        return np.where(self.free, rise, 0.0)

    def bend(self, spend: Floats) -> Floats:
        """Return minus the second derivatives of the objective, ``(channels, weeks, weeks)``."""
        effective = self.effective(spend)
        with np.errstate(divide="ignore", invalid="ignore"):
            bend = self.weight * self.curves.slope(effective) / self.curves.slope_decay(effective)
        bend = np.where(self.fed & np.isfinite(bend), bend, 0.0).T
        block: Floats = np.matmul((self.kernel * bend[:, :, None]).transpose(0, 2, 1), self.kernel)
        return block

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
    own = np.maximum(own_price, 0.0)
    across = np.where(program.exact, price, np.maximum(price, 0.0))
    rise = program.slope(spend)
    left = rise - program.pull(own, across)
    best = np.where(left > 0, program.upper, program.lower)
    rooms = float(across @ program.room) + float(np.sum(own * program.own_room))
    return program.value(spend) + float(np.sum(left * best) - np.sum(rise * spend)) + rooms


class _Point(NamedTuple):
    """Spends; slacks and prices of lower bounds, upper bounds, own rows and rows across.

    Slacks of equations are 1 and stay so.
    """

    spend: Floats
    slack: tuple[Floats, ...]
    price: tuple[Floats, ...]


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
        self.products = _Products.of(program.own)
        # Which products of slack and price are to vanish.
        self.pairs = (free, free, np.ones(self.own_room.shape, np.bool_), self.strict)

    def run(self, near: float) -> tuple[_Point, int]:
        """Return the point with the smallest gap to its bound, and how many rounds it took."""
        point, best, least, since = self._first(), None, np.inf, 0
        for number in range(ROUNDS):
            gap, scale = self._gap(point), self._scale(point)
            if gap <= CLOSE * scale:
                short = self._short(point)
                since = 0 if short < least or gap > near * scale else since + 1
                if short < least:
                    best, least = point, short
                # Where rows nearly hold the rounds lose digits in the end, and the gap grows again.
                if best is not None and (least <= near or since == _PATIENCE):
                    return best, number
            further = self._further(point, gap)
            if further is None:
                break
            point = further
        return point if best is None else best, ROUNDS

    def _further(self, point: _Point, gap: float) -> _Point | None:
        """Return the next point; None where floats know no more."""
        try:
            with np.errstate(all="ignore"):
                newton = _Newton(self, point, self._missed(point))
                # Only how far it may go is asked of the guess.
                products = self._products(point)
                guess = newton.step(products, 0)
                ahead = self._gap(self._moved(point, guess, 1.0))
                # Mehrotra's centre, and his correction by the guess's own products.
                centre = gap / max(sum(int(mask.sum()) for mask in self.pairs), 1)
                centre *= min(1.0, (ahead / gap) ** 3)
                aim = zip(products, guess.slack, guess.price, strict=True)
                step = newton.step([p + s * z - centre for p, s, z in aim])
                found = self._moved(point, step, _BACK)
        except np.linalg.LinAlgError:
            return None
        return found if np.isfinite(self._gap(found)) else None

    def in_money(self, point: _Point) -> tuple[Floats, Floats, Floats]:
        """Return spends, and prices of own rows and rows across, in the program's units."""
        spend = np.where(self.free, point.spend * self.money, self.program.lower)
        own, across = (one * self.worth / self.money for one in point.price[2:])
        return spend, own, across

    def _scale(self, point: _Point) -> float:
        return max(1.0, abs(self.program.value(point.spend * self.money)) / self.worth)

    def _short(self, point: _Point) -> float:
        """Return how far a point lies below its bound, as a share of it."""
        spend, own, across = self.in_money(point)
        bound = bound_of(self.program, spend, own, across)
        return (bound - self.program.value(spend)) / max(abs(bound), 1e-300)

    def _first(self) -> _Point:
        """Return the point that the rounds start from, inside the bounds."""
        own = np.maximum(self.own_room - self.program.own_use(self.start), 0.1)
        across = self.room - self.program.use(self.start)
        across = np.maximum(across, 0.1 * np.maximum(np.abs(self.room), 1.0))
        across = np.where(self.strict, across, 1.0)
        box = (np.where(self.free, 1.0, 0.0),) * 2
        price = (*box, np.ones_like(own), np.where(self.strict, 1.0, 0.0))
        # Slacks are carried on by themselves: differences of spends and bounds would cancel out.
        room = (self.start - self.lower, self.upper - self.start)
        low, high = (np.where(self.free, part, 1.0) for part in room)
        return _Point(self.start, (low, high, own, across), price)

    def _missed(self, point: _Point) -> _Missed:
        program, (low, high, own, across) = self.program, point.price
        rise = program.slope(point.spend * self.money) * (self.money / self.worth)
        slope = np.where(self.free, program.pull(own, across) - rise - low + high, 0.0)
        own_room = program.own_use(point.spend) + point.slack[2] - self.own_room
        slack = np.where(self.strict, point.slack[3], 0.0)
        return _Missed(slope, own_room, program.use(point.spend) + slack - self.room)

    def _products(self, point: _Point) -> list[Floats]:
        """Return slacks times prices, where equations have none."""
        return [s * z * m for s, z, m in zip(point.slack, point.price, self.pairs, strict=True)]

    def _gap(self, point: _Point) -> float:
        return sum(float(product.sum()) for product in self._products(point))

    def _moved(self, point: _Point, step: _Point, back: float) -> _Point:
        """Return the point a step further, slacks and prices each as far as none vanishes."""
        far = min(1.0, back * min(map(_way, point.slack, step.slack, self.pairs)))
        up = min(1.0, back * min(map(_way, point.price, step.price, self.pairs)))
        slack = tuple(s + far * d for s, d in zip(point.slack, step.slack, strict=True))
        price = tuple(z + up * d for z, d in zip(point.price, step.price, strict=True))
        return _Point(point.spend + far * step.spend, slack, price)


def _way(part: Floats, step: Floats, mask: Bools) -> float:
    """Return how many steps some positive numbers can go before one vanishes."""
    falls = mask & (step < 0)
    return float(np.min(part[falls] / -step[falls], initial=np.inf))


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

    def __init__(self, rounds: _Rounds, point: _Point, missed: _Missed) -> None:
        self.rounds, self.point, self.missed = rounds, point, missed
        program, free = rounds.program, rounds.free
        low, high, own = (z / s for z, s in zip(point.price[:3], point.slack[:3], strict=True))
        block = program.bend(point.spend * rounds.money) * (rounds.money**2 / rounds.worth)
        block += rounds.products.weighed(own).reshape(block.shape)
        if not free.all():
            block *= free[:, :, None] & free[:, None, :]
        at = np.arange(free.shape[1])
        block[:, at, at] += np.where(free, low + high, 1.0)
        self.block, self.inverse = block, np.linalg.inv(block)
        strict = rounds.strict
        self.side = np.where(strict, point.slack[3] / np.where(strict, point.price[3], 1.0), 0.0)
        across = (program.across * free).transpose(1, 0, 2)
        carried = np.matmul(across, self.inverse).transpose(1, 0, 2)
        schur = carried.reshape(len(strict), -1) @ program.across.reshape(len(strict), -1).T
        schur[np.diag_indices_from(schur)] += self.side + _STILL * np.diag(schur)
        self.schur = np.linalg.inv(schur)

    def step(self, aim: Sequence[Floats], again: int = _AGAIN) -> _Point:
        """Return the step on which products of slacks and prices fall by an aim."""
        rounds, program, missed = self.rounds, self.rounds.program, self.missed
        low, high, own, across = self.point.price
        s_low, s_high, s_own, _ = self.point.slack
        right = -missed.slope - aim[0] / s_low + aim[1] / s_high
        right -= program.pull_own((own * missed.own - aim[2]) / s_own)
        right = np.where(rounds.free, right, 0.0)
        ask = np.where(rounds.strict, aim[3] / np.where(rounds.strict, across, 1.0), 0.0)
        ask -= missed.across
        move, price = self._solved(right, ask)
        wrong = np.inf
        for _ in range(again):
            left = right - np.matmul(self.block, move[:, :, None])[:, :, 0] - self._back(price)
            asked = ask - program.use(move) + self.side * price
            off = max(float(np.abs(left).max()), float(np.abs(asked).max()))
            if not off < 0.5 * wrong:
                break
            more, price_more = self._solved(left, asked)
            move, price, wrong = move + more, price + price_more, off
        own_slack = -missed.own - program.own_use(move)
        slack = np.where(rounds.strict, -missed.across - program.use(move), 0.0)
        prices = (
            -(aim[0] + low * move) / s_low,
            -(aim[1] - high * move) / s_high,
            -(aim[2] + own * own_slack) / s_own,
            price,
        )
        return _Point(move, (move, -move, own_slack, slack), prices)

    def _solved(self, right: Floats, ask: Floats) -> tuple[Floats, Floats]:
        """Return spends and prices of rows across for some right sides."""
        first = np.matmul(self.inverse, right[:, :, None])[:, :, 0]
        price: Floats = self.schur @ (self.rounds.program.use(first) - ask)
        back = self._back(price)
        return first - np.matmul(self.inverse, back[:, :, None])[:, :, 0], price

    def _back(self, price: Floats) -> Floats:
        """Return what prices of rows across ask of spends that are not fixed."""
        return np.where(self.rounds.free, self.rounds.program.pull_across(price), 0.0)
