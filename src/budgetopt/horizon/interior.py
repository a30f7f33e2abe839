r"""Many weeks at once: a concave program of adstocked spends, by a primal-dual interior point.

Maximise :math:`\sum_{ti} w_t f_i(z_{ti}) - c_t x_{ti}` with :math:`z_i = K_i x_i + k_i`, what a
channel's money of all weeks works in each of them, under

- bounds on each spend,
- rows of one channel over its weeks, :math:`L_i x_i \le l_i`, such as change limits,
- rows across channels, :math:`C x \le d` or :math:`C x = d`, such as the totals of weeks.

Only the last couple channels. In every round the Newton system is solved by the blocks of the
channels, weeks by weeks, inverted in a batch, and by a Schur complement as large as the rows across
channels (Mehrotra 1992, "On the implementation of a primal-dual interior point method"; Wright
1997, "Primal-Dual Interior-Point Methods", chapter 10); where there are many weeks steps are
corrected towards the centre (Gondzio 1996, "Multiple centrality corrections in a primal-dual method
for linear programming"). The bound is made afterwards, of the true
curves and the multipliers alone (`bound_of`), so that it holds whatever the rounds did.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from budgetopt.arrays import Bools, Floats, Places
from budgetopt.curves import Curve

ROUNDS = 60
"""Most rounds; ten to thirty are usual."""
NEAR = 5e-9
"""Gap to the bound, as a share of it, at which a plan is solved."""
_ASKED = 100
"""How many times that gap the sum of slacks times prices is at most, as a share of the first
objective, where the gap is asked for."""
_PATIENCE = 2
"""Rounds without a smaller gap, near the end, after which the smallest is the answer."""
_AGAIN = 3
"""Times that a Newton step is mended by what it missed: rows that nearly hold make blocks stiff."""
_WORSE = 2.0
"""How many times more may be missed after a step."""
_FEW = 1e-6
"""What may always be missed."""
_HALVINGS = 4
"""Most halvings of a step after which more is."""
_EASY = 1e-5
"""Sum of slacks times prices, as a share of the first objective, above which steps are not mended.
"""
_COARSE = 1e-7
"""Gap from which on steps are not mended."""
_EXACT = 1e-10
"""What a Newton step may miss, as a share of the largest right side, without being mended."""
_BACK = 0.9995
"""Share of the way to the nearest limit that a step goes."""
_CORRECTIONS = 2
"""Most corrections of a step towards the centre."""
_FURTHER = 0.3
"""Share of a step by which a corrected one is to go further."""
_NEARER = 0.1
"""Share of the centre's product, and the other way round, that products are drawn in to."""
_GAIN = 0.006
"""By how much more of a step may be gone where it was worth while."""
_LARGE = 24
"""Weeks from which rows are held by their entries, and steps corrected."""
_BEGIN = (0.02, 0.5)
"""Least and most share of the way between its bounds that a spend begins at."""
_ROOMY = 0.1
"""Least slack of a row at the beginning, as a share of its room or of a spend of usual size."""
_CENTRE = 0.1
"""Product of slack and price at the beginning, where spends and slopes are about 1."""
_BESIDE = 0.5
"""Share of an effective spend within which a tangent is taken beside it."""
_STILL = 1e-9
"""Share added to the Schur complement's diagonal, for rows that depend on each other."""


@dataclass(frozen=True, eq=False)
class Program:
    r"""What is to be solved, in money as floats.

    Many runs may be solved side by side, whose numbers then have their axis as marked: they share
    weights, costs, kernels and rows, and differ in the rest.

    Parameters
    ----------
    curves
        Concave curves over the channels, or ``(runs, channels)``.
    weight
        What an outcome of each week counts for, shape ``(lasting, channels)``: the weeks of the
        plan and those after it in which its money still works.
    cost
        What a unit of money of each week costs, ``(channels, weeks)``.
    kernel
        Effective spend of each lasting week from money of each week, ``(channels, lasting,
        weeks)``.
    carried
        Effective spend that earlier money brings, ``(lasting, [runs,] channels)``.
    lower, upper
        Bounds, ``([runs,] channels, weeks)``.
    own, own_room
        Rows of each channel, ``(channels, rows, weeks)``, and the most they may be, ``([runs,]
        channels, rows)``.
    across, room
        Rows across channels, ``(rows, channels, weeks)``, and the most they may be, ``([runs,]
        rows)``.
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
        """Weeks in which spends that are not fixed work, shape of effective spends.

        In others nothing may be spent, where a slope may be infinite.
        """
        works = (self.kernel > 0) & self.free[..., None, :]
        return _weeks_first(np.any(works, axis=-1))

    @cached_property
    def all_fed(self) -> bool:
        """Whether spends that are not fixed work in every week."""
        return bool(self.fed.all())

    def effective(self, spend: Floats) -> Floats:
        """Return the effective spends of a plan, ``(lasting, channels)``."""
        own = _weeks_first(_each(spend, self.kernel.swapaxes(1, 2)))
        effective: Floats = np.maximum(own + self.carried, 0.0)
        return effective

    def value(self, spend: Floats) -> Floats:
        """Return what is maximised, at money of shape ``(channels, weeks)``."""
        brought = self.weighed(self.curves.value(self.effective(spend)))
        paid = np.sum(self.cost * spend, axis=(-2, -1))
        return np.asarray(np.sum(brought, axis=(0, -1)) - paid)

    def steep(self, effective: Floats) -> Floats:
        """Return slopes by effective spend where money that is not fixed works, else 0."""
        return self._where_fed(self.curves.slope(effective))

    def steep_and_fall(self, effective: Floats) -> tuple[Floats, Floats]:
        """Return `steep`, and minus the second derivatives there."""
        slope, decay = self.curves.slope_and_decay(effective)
        steep = self._where_fed(slope)
        fall = steep / decay
        return steep, fall if np.isfinite(fall.sum()) else np.where(np.isfinite(fall), fall, 0.0)

    def _where_fed(self, slope: Floats) -> Floats:
        weighed = self.weighed(slope)
        return weighed if self.all_fed else np.where(self.fed, weighed, 0.0)

    def weighed(self, each: Floats) -> Floats:
        """Return what each week's figures count for, ``(lasting, [runs,] channels)``."""
        lasting, channels = self.weight.shape
        return each * self.weight.reshape(lasting, *(1,) * (each.ndim - 2), channels)

    def rise(self, steep: Floats) -> Floats:
        """Return what the next unit of each spend brings over all weeks, of `steep`."""
        return _each(_weeks_last(steep), self.kernel) - self.cost

    def bend(self, fall: Floats) -> Floats:
        """Return minus the second derivatives by spends, ``(channels, weeks, weeks)``."""
        falls = _weeks_last(fall)[..., None, :]
        return np.ascontiguousarray(np.matmul(self.kernel.swapaxes(1, 2) * falls, self.kernel))

    def own_use(self, spend: Floats) -> Floats:
        """Return the left sides of the rows of channels."""
        return _each(spend, self.own.swapaxes(1, 2))

    def use(self, spend: Floats) -> Floats:
        """Return the left sides of the rows across channels."""
        flat = self.across.reshape(len(self.across), -1)
        used: Floats = spend.reshape(*spend.shape[:-2], -1) @ flat.T
        return used

    def pull(self, own: Floats, across: Floats) -> Floats:
        """Return what prices of rows ask of each spend."""
        pull: Floats = across @ self.across.reshape(len(self.across), -1)
        return self.pull_own(own) + pull.reshape(*pull.shape[:-1], *self.across.shape[1:])

    def pull_own(self, price: Floats) -> Floats:
        """Return what prices of the rows of channels ask of each spend."""
        return _each(price, self.own)


def _weeks_first(each: NDArray[Any]) -> NDArray[Any]:
    """Return an array with its last axis, the weeks, as the first."""
    return each.transpose(each.ndim - 1, *range(each.ndim - 1))


def _weeks_last(each: Floats) -> Floats:
    """Return an array with its first axis, the weeks, as the last."""
    return each.transpose(*range(1, each.ndim), 0)


def _each(given: Floats, table: Floats) -> Floats:
    """Return numbers of each channel times its own table.

    Parameters
    ----------
    given
        Shape ``([runs,] channels, numbers)``.
    table
        Shape ``(channels, numbers, others)``.
    """
    if given.ndim == 2:
        return np.asarray(np.matmul(given[:, None], table)[:, 0])
    # All runs of a channel in one product.
    return np.asarray(np.matmul(given.swapaxes(0, 1), table).swapaxes(0, 1))


class Solution(NamedTuple):
    """A plan of weeks, prices of its rows, and what no plan exceeds.

    Parameters
    ----------
    spend
        Money, ``(channels, weeks)``; it keeps the rows nearly.
    tangent, own_price, price
        Effective spends at which curves have their tangents, prices of the rows of channels and
        prices across channels, of which `bound_of` makes the bound.
    bound
        No plan within the rows has a better objective.
    rounds
        Rounds taken; where they are the most, only the bound can be relied on.
    """

    spend: Floats
    tangent: Floats
    own_price: Floats
    price: Floats
    bound: Floats
    rounds: int

    def instead(self, other: Solution, where: Bools) -> Solution:
        """Return the solution with another one in some runs."""
        if where.all():
            return other
        ours, others = ((s.spend, s.own_price, s.price, s.bound) for s in (self, other))
        spend, own_price, price, bound = _instead(ours, others, where)
        tangent = np.where(where[:, None], other.tangent, self.tangent)
        return Solution(spend, tangent, own_price, price, bound, self.rounds)


def solve(program: Program, near: float = NEAR, most: int = ROUNDS) -> Solution:
    """Return the best plan of weeks and its bound.

    Parameters
    ----------
    program
        Some plan must lie inside all inequalities. Equal bounds fix a spend.
    near
        Gap to the bound, as a share of it, at which it is solved.
    most
        Most rounds.
    """
    if program.lower.ndim == 3:
        return _Rounds(program).run(near, most)
    by_run = ("lower", "upper", "own_room", "room")
    parts = {name: getattr(program, name)[None] for name in by_run}
    many = replace(program, carried=program.carried[:, None], **parts)
    spend, tangent, own_price, price, bound, rounds = _Rounds(many).run(near, most)
    return Solution(spend[0], tangent[:, 0], own_price[0], price[0], bound[0], rounds)


def bound_of(program: Program, tangent: Floats, own_price: Floats, price: Floats) -> Floats:
    r"""Return what no plan within the rows exceeds.

    Every concave curve lies below its tangent at any effective spend :math:`y`, and with prices
    :math:`\pi, \zeta \ge 0` of rows across and of channels (any sign for equations)

    .. math:: F(x) \le \sum_{ti} \bigl(w f(y) + \lambda (k - y)\bigr)_{ti} + \pi d + \zeta l
        + \sum_{ti} \max_{lo \le x \le hi} (K^T \lambda - c - C^T \pi - L^T \zeta)_{ti}\, x_{ti}
        \quad\text{with } \lambda = w f'(y).

    No money need bring these effective spends: each curve has its own.

    Parameters
    ----------
    program
        The program.
    tangent
        Any effective spends where no slope is infinite, ``(lasting, channels)``; where nothing may
        be spent that is not fixed, those that are.
    own_price, price
        Any prices; those of inequalities are taken as at least 0.

    References
    ----------
    Everett (1963), for the prices; Boyd and Vandenberghe (2004), sections 3.1.3 and 5.1.6, for the
    tangents of sums.
    """
    own = np.maximum(own_price, 0.0)
    across = np.where(program.exact, price, np.maximum(price, 0.0))
    steep = program.steep(tangent)
    lines = program.weighed(program.curves.value(tangent)) + steep * (program.carried - tangent)
    left = program.rise(steep) - program.pull(own, across)
    best = np.where(left > 0, program.upper, program.lower)
    rooms = np.sum(across * program.room, axis=-1) + np.sum(own * program.own_room, axis=(-2, -1))
    return np.asarray(lines.sum(axis=(0, -1)) + np.sum(left * best, axis=(-2, -1)) + rooms)


class _Point(NamedTuple):
    """Spends, and the slacks and prices of all limits, one after the other, by run.

    In each stand lower bounds, upper bounds, rows of channels and rows across (`_Rounds.parts`).
    Slacks of equations are 1 and stay so.
    """

    spend: Floats
    slack: Floats
    price: Floats

    def moved(self, step: _Point, way: Floats) -> _Point:
        """Return a point some of a step further."""
        return _Point(
            self.spend + way[:, None, None] * step.spend,
            self.slack + way[:, None] * step.slack,
            self.price + way[:, None] * step.price,
        )


class _Here(NamedTuple):
    """A point with what its spends bring.

    Parameters
    ----------
    point
        The point.
    effective, steep, fall
        Effective spends, slopes by them, and how these fall, in the program's units, by run first.
    slope
        By how much what spends bring misses what prices ask.
    rows
        By how much limits with their slacks miss their rooms, as slacks stand.
    gap
        Sum of slacks times prices, by run.
    off
        The most that is missed, by run.
    """

    point: _Point
    effective: Floats
    steep: Floats
    fall: Floats
    slope: Floats
    rows: Floats
    gap: Floats
    off: Floats

    def instead(self, other: _Here, where: Bools) -> _Here:
        """Return the other point in some runs."""
        if where.all():
            return other
        point = _Point(*_instead(self.point, other.point, where))
        return _Here(point, *_instead(self[1:], other[1:], where))

    def tangent(self, before: _Here) -> Floats:
        r"""Return effective spends whose slopes are what the step to here took them for.

        Prices go with the slopes of the linear model, :math:`\lambda = g - F''\,dz`; by what the
        slopes here differ from that a bound would lie too high. Where a slope is right is next to
        the effective spend, by Newton's method.
        """
        model = before.steep - before.fall * (self.effective - before.effective)
        there = self.effective + (self.steep - model) / self.fall
        near = np.abs(there - self.effective) <= _BESIDE * self.effective
        return np.where(near, there, self.effective)


def _instead(ours: Iterable[Floats], others: Iterable[Floats], where: Bools) -> Iterator[Floats]:
    """Return arrays by run with those of others in some runs."""
    for our, other in zip(ours, others, strict=True):
        yield np.where(where.reshape(-1, *(1,) * (other.ndim - 1)), other, our)


class _Rounds:
    """The rounds of programs of many runs, in units that make spends and slopes about 1."""

    def __init__(self, program: Program) -> None:
        free = program.free
        self.program, self.free, self.strict = program, free, ~program.exact
        self.rows, self.coupling = _Own(program.own), _Coupling(program.across)
        # Whether all limits have a slack and a price that vanish together.
        self.plain = bool(free.all() and self.strict.all())
        start = program.lower + self._share() * (program.upper - program.lower)
        many = np.maximum(free.sum(axis=(1, 2)), 1)
        effective = program.effective(start)
        steep = program.steep(effective)
        rise = np.abs(np.where(free, program.rise(steep), 0.0)).sum(axis=(1, 2)) / many
        money = np.where(free, start, 0.0).sum(axis=(1, 2)) / many
        self.money = np.where(money > 0, money, 1.0)
        self.worth = np.where(rise * self.money > 0, rise * self.money, 1.0)
        self.unit = (self.money / self.worth)[:, None, None]
        self.scale = np.maximum(1.0, np.abs(program.value(start)) / self.worth)
        wide = self.money[:, None, None]
        own_room, room = program.own_room / wide, program.room / self.money[:, None]
        self.shapes = free.shape, free.shape, own_room.shape
        size = free[0].size
        self.ends = [size, 2 * size, 2 * size + own_room[0].size]
        # Which products of slack and price are to vanish.
        ones = np.ones(own_room.shape), np.broadcast_to(self.strict, room.shape)
        self.pairs = _flat(free, free, *ones)
        self.count = np.maximum(self.pairs.sum(axis=1), 1.0)
        # Equations have a slack of 1.
        self.rooms = _flat(own_room, room + program.exact)
        self.first = self._first(start / wide, program.lower / wide, program.upper / wide)
        # With few weeks a round costs no more than the corrections that would save it.
        self.corrections = _CORRECTIONS if free.shape[2] >= _LARGE else 0

    def _share(self) -> Floats:
        """Return how far spends begin between their bounds: all alike as rows across have room."""
        program, free = self.program, self.free
        span = np.where(free, program.upper - program.lower, 0.0)
        reach = self.coupling.use(span)
        spare = program.room - self.coupling.use(program.lower)
        with np.errstate(all="ignore"):
            share = np.where(reach > 0, np.clip(spare / reach, *_BEGIN), _BEGIN[1])
        return np.where(free, self.coupling.least(share, _BEGIN[1]), 0.0)

    def _first(self, start: Floats, lower: Floats, upper: Floats) -> _Point:
        """Return the point that the rounds start from, inside the bounds."""
        slack = self.rooms - self.use(start)
        slack = np.maximum(slack, _ROOMY * np.maximum(np.abs(self.rooms), 1.0))
        # Slacks are carried on by themselves: differences of spends and bounds would cancel out.
        slack = _flat(start - lower, upper - start, slack)
        slack = np.where(self.pairs > 0, slack, 1.0)
        return _Point(start, slack, _CENTRE * self.pairs / slack)

    def run(self, near: float, most: int) -> Solution:
        """Return the points with the smallest gap to their bounds."""
        with np.errstate(all="ignore"):
            return self._run(near, most)

    def _run(self, near: float, most: int) -> Solution:
        before = here = self._at(self.first)
        # Rows that nearly hold make steps miss digits that only a small gap asks for.
        self.again = _AGAIN if near < _COARSE else 0
        runs, best = len(self.free), None
        least, since, done = np.full(runs, np.inf), np.zeros(runs), np.zeros(runs, np.bool_)
        for number in range(most):
            asked = ~done & (here.gap <= _ASKED * near * self.scale)
            if asked.any():
                found = self._solution(here, before, most)
                value = self.program.value(found.spend)
                short = (found.bound - value) / np.maximum(np.abs(value), 1e-300)
                better = asked & (short < least)
                still = asked & ~better & (here.gap <= near * self.scale)
                since = np.where(still, since + 1, np.where(asked, 0, since))
                best = found if best is None else best.instead(found, better)
                least = np.where(better, short, least)
                # Where rows nearly hold the rounds lose digits in the end, and the gap grows.
                done |= asked & np.isfinite(least) & ((least <= near) | (since == _PATIENCE))
            if done.all() and best is not None:
                return best._replace(rounds=number)
            try:
                further = self._further(here, self._step(here))
            except np.linalg.LinAlgError:
                break
            done |= ~np.isfinite(further.gap)
            if done.all():
                break
            before, here = before.instead(here, ~done), here.instead(further, ~done)
        last = self._solution(here, before, most)
        return last if best is None else last.instead(best, np.isfinite(least))

    def _solution(self, here: _Here, before: _Here, rounds: int) -> Solution:
        """Return a point and the bound of its prices, in the program's units."""
        point, program = here.point, self.program
        spend = point.spend * self.money[:, None, None]
        spend = spend if self.plain else np.where(self.free, spend, program.lower)
        unit = self.worth / self.money
        own, across = self.parts(point.price)[2:]
        own, across = own * unit[:, None, None], across * unit[:, None]
        tangent = here.tangent(before).swapaxes(0, 1)
        bound = bound_of(program, tangent, own, across)
        return Solution(spend, tangent, own, across, bound, rounds)

    def parts(self, flat: Floats) -> tuple[Floats, Floats, Floats, Floats]:
        """Return the parts of lower bounds, upper bounds, rows of channels and rows across."""
        low, high, own = self.ends
        bounds, _, rows = self.shapes
        return (
            flat[:, :low].reshape(bounds),
            flat[:, low:high].reshape(bounds),
            flat[:, high:own].reshape(rows),
            flat[:, own:],
        )

    def use(self, spend: Floats) -> Floats:
        """Return the left sides of all rows, as slacks stand."""
        return _flat(self.rows.use(spend), self.coupling.use(spend))

    def open(self, each: Floats) -> Floats:
        """Return numbers of spends, 0 where these are fixed."""
        return each if self.plain else np.where(self.free, each, 0.0)

    def _at(self, point: _Point) -> _Here:
        """Return a point with what its spends bring."""
        effective = self.program.effective(point.spend * self.money[:, None, None])
        steep, fall = self.program.steep_and_fall(effective)
        low, high, own, across = self.parts(point.price)
        slope = high - low + self.rows.pull(own) + self.coupling.pull(across)
        slope = self.open(slope - self.program.rise(steep) * self.unit)
        rows = self.use(point.spend) + point.slack[:, self.ends[1] :] - self.rooms
        effective, steep, fall = (each.swapaxes(0, 1) for each in (effective, steep, fall))
        off = np.maximum(_most(slope), _most(rows))
        return _Here(point, effective, steep, fall, slope, rows, self._gap(point), off)

    def _step(self, here: _Here) -> _Point:
        """Return the step to the next point."""
        newton, point, gap = _Newton(self, here), here.point, here.gap
        products = self._products(point)
        # Only how far it may go is asked of the guess.
        guess = newton.step(products, 0)
        ahead = self._gap(point.moved(guess, np.minimum(1.0, self._way(point, guess))))
        # Mehrotra's centre, and his correction by the guess's own products.
        centre = (gap / self.count * np.minimum(1.0, (ahead / gap) ** 3))[:, None]
        aim = products + self.paired(guess.slack * guess.price - centre)
        again = self.again if np.any(gap <= _EASY * self.scale) else 0
        step = newton.step(aim, again)
        for _ in range(self.corrections):
            far = np.minimum(1.0, self._way(point, step))
            # Where products a little further on lie far from the centre they are drawn in.
            ahead = np.minimum(1.0, far + _FURTHER)[:, None]
            product = (point.slack + ahead * step.slack) * (point.price + ahead * step.price)
            drawn = np.clip(product, _NEARER * centre, centre / _NEARER) - product
            aim = aim - self.paired(np.maximum(drawn, -centre / _NEARER))
            other = newton.step(aim, again)
            longer = np.minimum(1.0, self._way(point, other)) >= far + _GAIN
            if not longer.any():
                break
            step = other if longer.all() else _Point(*_instead(step, other, longer))
        return step

    def _further(self, here: _Here, step: _Point) -> _Here:
        """Return the next point, as far as no slack and no price vanishes.

        Both go the same way: where prices go another one they may run in circles. So they may where
        slopes change so much on the way that more is missed at its end; then half of it is gone.
        """
        way = np.minimum(1.0, _BACK * self._way(here.point, step))
        further = self._at(here.point.moved(step, way))
        for _ in range(_HALVINGS):
            worse = further.off > _WORSE * np.maximum(here.off, _FEW)
            if not worse.any():
                break
            way = np.where(worse, 0.5 * way, way)
            further = self._at(here.point.moved(step, way))
        return further

    def paired(self, each: Floats) -> Floats:
        """Return numbers of limits, 0 where slack and price need not vanish together."""
        return each if self.plain else each * self.pairs

    def _products(self, point: _Point) -> Floats:
        """Return slacks times prices, where equations have none."""
        return self.paired(point.slack * point.price)

    def _gap(self, point: _Point) -> Floats:
        return np.asarray(self._products(point).sum(axis=1))

    def _way(self, point: _Point, step: _Point) -> Floats:
        """Return how many steps can be gone before a slack or a price vanishes."""
        # Equations give 0 over 0, which `fmin` passes over.
        slowest = self.paired(np.fmin(step.slack / point.slack, step.price / point.price))
        return np.asarray(1.0 / np.abs(np.fmin.reduce(slowest, axis=1, initial=0.0)))


def _flat(*parts: Floats | Bools) -> Floats:
    return np.concatenate([part.reshape(len(part), -1) for part in parts], axis=1, dtype=np.float64)


class _Entries(NamedTuple):
    """Rows of channels as sparse tables: each holds few of its channel's weeks.

    Parameters
    ----------
    rows, columns
        All rows over all spends, and all spends over rows.
    pairs
        Products of two entries of one row, places in the blocks over rows.
    place
        The places, of all blocks in one row.
    """

    rows: csr_array
    columns: csr_array
    pairs: csr_array
    place: Places

    @classmethod
    def of(cls, own: Floats) -> Self:
        """Return rows, ``(channels, rows, weeks)``, as sparse tables."""
        channels, rows, weeks = own.shape
        channel, row, week = np.nonzero(own)
        row, spend, entry = channel * rows + row, channel * weeks + week, own[channel, row, week]
        count = np.bincount(row, minlength=channels * rows)
        begin = np.cumsum(count) - count
        one = np.repeat(np.arange(row.size), count[row])
        turn = np.arange(one.size) - np.repeat(np.cumsum(count[row]) - count[row], count[row])
        other = begin[row[one]] + turn
        place = spend[one] * weeks + week[other]
        order = np.argsort(place, kind="stable")
        places, number = np.unique(place[order], return_inverse=True)
        product = (entry[one] * entry[other])[order]
        pairs = _sparse(number, row[one][order], product, (places.size, channels * rows))
        table = _sparse(row, spend, entry, (channels * rows, channels * weeks))
        by = np.argsort(spend, kind="stable")
        columns = _sparse(spend[by], row[by], entry[by], (channels * weeks, channels * rows))
        return cls(table, columns, pairs, places)


class _Own:
    """Rows of channels, ``(channels, rows, weeks)``; many weeks by their entries."""

    def __init__(self, own: Floats) -> None:
        self.own = own
        self.entries = _Entries.of(own) if own.shape[2] >= _LARGE else None

    def use(self, spend: Floats) -> Floats:
        """Return the left sides of the rows, ``(runs, channels, rows)``."""
        if self.entries is None:
            return _each(spend, self.own.swapaxes(1, 2))
        return _over(self.entries.rows, spend).reshape(len(spend), *self.own.shape[:2])

    def pull(self, price: Floats) -> Floats:
        """Return what prices of the rows ask of each spend, ``(runs, channels, weeks)``."""
        if self.entries is None:
            return _each(price, self.own)
        return _over(self.entries.columns, price).reshape(len(price), *self.own.shape[::2])

    def add(self, blocks: Floats, weight: Floats) -> None:
        """Add to blocks the sum over rows of a weight times the row's products of entries."""
        if self.entries is None:
            blocks += np.matmul(self.own.swapaxes(1, 2) * weight[..., None, :], self.own)
            return
        flat = blocks.reshape(len(blocks), -1)
        # What is added to a copy would be lost.
        assert np.may_share_memory(flat, blocks)
        flat[:, self.entries.place] += _over(self.entries.pairs, weight)


def _sparse(row: Places, column: Places, entry: Floats, shape: tuple[int, int]) -> csr_array:
    """Return a sparse table of entries in the order of its rows."""
    begin = np.concatenate([[0], np.cumsum(np.bincount(row, minlength=shape[0]))])
    return csr_array((entry, column, begin), shape=shape)


def _over(table: csr_array, given: Floats) -> Floats:
    """Return a table times what each run gives, ``(runs, rows)``."""
    if len(given) == 1:
        return np.asarray(table @ given.ravel())[None]
    return np.ascontiguousarray((table @ given.reshape(len(given), -1).T).T)


class _Coupling:
    """Rows across channels, as sums over weeks of a few patterns of channels.

    The total of every week is one pattern, and so is a limit that stands in every week.

    Parameters
    ----------
    across
        Shape ``(rows, channels, weeks)``.
    """

    def __init__(self, across: Floats) -> None:
        rows, channels, weeks = across.shape
        some = np.any(across != 0, axis=1)
        # A row without money has an entry too, of factor 0.
        some[~some.any(axis=1), 0] = True
        row, week = np.nonzero(some)
        each = across[row, :, week]
        lead = each[np.arange(row.size), np.argmax(each != 0, axis=1)]
        kinds = each / np.where(lead != 0, lead, 1.0)[:, None]
        number: dict[bytes, int] = {}
        kind = np.array([number.setdefault(one.tobytes(), len(number)) for one in kinds])
        count = len(number)
        self.patterns = np.frombuffer(b"".join(number)).reshape(-1, channels)
        # Of each pattern in each week.
        self.table = np.zeros((rows, count * weeks))
        self.table[row, kind * weeks + week] = lead
        # The first entry of each row, and where products of two entries stand in `schur`.
        self.first = np.flatnonzero(np.diff(row, prepend=-1))
        self.place = (kind[:, None] * count + kind) * weeks**2 + week[:, None] * weeks + week
        self.factor = lead[:, None] * lead
        self.pairs = (self.patterns[:, None] * self.patterns).reshape(-1, channels)
        self.adds = (self.table > 0) & np.all(across >= 0, axis=(1, 2))[:, None]

    def use(self, spend: Floats) -> Floats:
        """Return the left sides of the rows, ``(runs, rows)``."""
        used: Floats = np.matmul(self.patterns, spend).reshape(len(spend), -1) @ self.table.T
        return used

    def pull(self, price: Floats) -> Floats:
        """Return what prices of the rows ask of each spend, ``(runs, channels, weeks)``."""
        each = (price @ self.table).reshape(len(price), len(self.patterns), -1)
        return np.asarray(np.matmul(self.patterns.T, each))

    def least(self, share: Floats, most: float) -> Floats:
        """Return the least number of the rows of sums that hold each spend, at most so much."""
        each = np.where(self.adds, share[:, :, None], most).min(axis=1, initial=most)
        each = each.reshape(len(share), len(self.patterns), 1, -1)
        held = np.where(self.patterns[:, :, None] > 0, each, most)
        return np.asarray(held.min(axis=1, initial=most))

    def schur(self, inverse: Floats) -> Floats:
        r"""Return :math:`\sum_i C_i M_i^{-1} C_i^T` of inverses, shaped as the blocks."""
        runs, channels = inverse.shape[:2]
        between = np.matmul(self.pairs, inverse.reshape(runs, channels, -1))
        found = between.reshape(runs, -1)[:, self.place] * self.factor
        if self.first.size < len(self.place):
            found = np.add.reduceat(np.add.reduceat(found, self.first, 1), self.first, 2)
        return np.asarray(found)


class _Newton:
    r"""The Newton system at a point, solved by blocks of channels and rows across them.

    With :math:`M = -F'' + L^T \tfrac{z}{s} L + \tfrac{z}{s}` of the box, a step keeps
    :math:`M\,dx + C^T d\pi = b` and :math:`C\,dx - \tfrac{s}{\pi} d\pi = q`.
    """

    def __init__(self, rounds: _Rounds, here: _Here) -> None:
        self.rounds, self.here = rounds, here
        point, free, bounds = here.point, rounds.free, rounds.ends[1]
        self.inner = inner = rounds.ends[2]
        self.slack, self.price = point.slack[:, :inner], point.price[:, inner:]
        low, high, own, _ = rounds.parts(point.price / point.slack)
        fall = here.fall.swapaxes(0, 1) * (rounds.unit[:, :, 0] * rounds.money[:, None])
        block = rounds.program.bend(fall)
        rounds.rows.add(block, own)
        at = np.arange(free.shape[-1])
        if rounds.plain:
            block[..., at, at] += low + high
        else:
            block *= free[..., :, None] & free[..., None, :]
            block[..., at, at] += np.where(free, low + high, 1.0)
        # LAPACK's Cholesky factors are quicker on one core, and wake all others for each block.
        self.block, self.inverse = block, np.asarray(np.linalg.inv(block), np.float64)
        self.side = point.slack[:, inner:] / self.price
        if not rounds.plain:
            self.inverse[..., at, at] *= free
            self.side = np.where(rounds.strict, self.side, 0.0)
        schur = rounds.coupling.schur(self.inverse)
        at = np.arange(schur.shape[-1])
        schur[:, at, at] += self.side + _STILL * schur[:, at, at]
        self.schur = np.asarray(np.linalg.inv(schur), np.float64)
        # What rows of channels miss, as prices ask for it, and what rows across miss.
        self.lost = point.price[:, bounds:inner] * here.rows[:, : inner - bounds]
        self.missed = here.rows[:, inner - bounds :]

    def step(self, aim: Floats, again: int) -> _Point:
        """Return the step on which products of slacks and prices fall by an aim."""
        rounds, here, inner = self.rounds, self.here, self.inner
        push = aim[:, :inner].copy()
        push[:, inner - self.lost.shape[1] :] -= self.lost
        push /= self.slack
        low, high, own, _ = rounds.parts(push)
        right = rounds.open(high - low + rounds.rows.pull(own) - here.slope)
        ask = aim[:, inner:] / self.price - self.missed
        if not rounds.plain:
            ask = np.where(rounds.strict, ask, -self.missed)
        move, price = self._solved(right, ask)
        wrong = _EXACT * np.maximum(_most(right), _most(ask)) if again else _most(ask)
        for turn in range(again):
            left = rounds.open(right - self._times(self.block, move) - rounds.coupling.pull(price))
            asked = ask - rounds.coupling.use(move) + self.side * price
            off = np.maximum(_most(left), _most(asked))
            worse = off > wrong if turn == 0 else off < 0.5 * wrong
            if not worse.any():
                break
            more, price_more = self._solved(left, asked)
            move = move + np.where(worse[:, None, None], more, 0.0)
            price = price + np.where(worse[:, None], price_more, 0.0)
            wrong = off
        slack = rounds.paired(_flat(move, -move, -here.rows - rounds.use(move)))
        prices = -(aim + here.point.price * slack) / here.point.slack
        prices[:, inner:] = price
        return _Point(move, slack, prices)

    def _solved(self, right: Floats, ask: Floats) -> tuple[Floats, Floats]:
        """Return spends and prices of rows across for some right sides."""
        coupling = self.rounds.coupling
        first = self._times(self.inverse, right)
        price = self._times(self.schur, coupling.use(first) - ask)
        return first - self._times(self.inverse, coupling.pull(price)), price

    @staticmethod
    def _times(matrix: Floats, given: Floats) -> Floats:
        return np.asarray(np.matmul(matrix, given[..., None])[..., 0])


def _most(each: Floats) -> Floats:
    """Return the largest number of each run, whatever its sign."""
    return np.asarray(np.abs(each).reshape(len(each), -1).max(axis=1, initial=0.0))
