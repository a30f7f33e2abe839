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

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray
from scipy.linalg.lapack import dpotrf, dpotri
from scipy.sparse import csr_array

from budgetopt.arrays import Bools, Floats, Places
from budgetopt.curves import Curve

ROUNDS = 60
"""Most rounds; ten to thirty are usual."""
NEAR = 1e-9
"""Gap to the bound, as a share of it, at which a plan is solved."""
CLOSE = 1e-6
"""Sum of slacks times prices, as a share of the first objective, at which the gap is asked for."""
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
_EASY = 1e-2
"""Sum of slacks times prices, as `CLOSE` counts it, above which steps are not mended."""
_EXACT = 1e-10
"""What a Newton step may miss, as a share of the largest right side, without being mended."""
_BACK = 0.995
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
"""Weeks from which blocks are inverted one by one, by Cholesky's factors, and steps corrected."""
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

    def effective(self, spend: Floats) -> Floats:
        """Return the effective spends of a plan, ``(lasting, channels)``."""
        own = _weeks_first(_each(spend, self.kernel.swapaxes(1, 2)))
        effective: Floats = np.maximum(own + self.carried, 0.0)
        return effective

    def value(self, spend: Floats) -> Floats:
        """Return what is maximised, at money of shape ``(channels, weeks)``."""
        brought = self._weighed(self.curves.value(self.effective(spend)))
        paid = np.sum(self.cost * spend, axis=(-2, -1))
        return np.asarray(np.sum(brought, axis=(0, -1)) - paid)

    def slope(self, spend: Floats) -> Floats:
        """Return what the next unit of each spend brings over all weeks; 0 where it is fixed."""
        return self.rise(self._steep(self.curves.slope(self.effective(spend))))

    def slope_and_fall(self, spend: Floats) -> tuple[Floats, Floats]:
        """Return slopes by effective spend where money that is not fixed works, and their falls.

        Falls are minus the second derivatives; `rise` and `bend` make of both what spends bring.
        """
        slope, decay = self.curves.slope_and_decay(self.effective(spend))
        steep = self._steep(slope)
        with np.errstate(divide="ignore", invalid="ignore"):
            fall = steep / decay
        return steep, np.where(np.isfinite(fall), fall, 0.0)

    def _steep(self, slope: Floats) -> Floats:
        with np.errstate(invalid="ignore"):
            return np.where(self.fed, self._weighed(slope), 0.0)

    def _weighed(self, each: Floats) -> Floats:
        """Return what each week's figures count for, ``(lasting, [runs,] channels)``."""
        lasting, channels = self.weight.shape
        return each * self.weight.reshape(lasting, *(1,) * (each.ndim - 2), channels)

    def rise(self, steep: Floats) -> Floats:
        """Return `slope` of slopes by effective spend."""
        rise = _each(_weeks_last(steep), self.kernel) - self.cost
        return np.where(self.free, rise, 0.0)

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
    own_price, price
        Prices of the rows of channels and across channels.
    bound
        No plan within the rows has a better objective.
    rounds
        Rounds taken; where they are the most, only the bound can be relied on.
    """

    spend: Floats
    own_price: Floats
    price: Floats
    bound: Floats
    rounds: int


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
    many = program
    if program.lower.ndim == 2:
        by_run = ("lower", "upper", "own_room", "room")
        parts = {name: getattr(program, name)[None] for name in by_run}
        many = replace(program, carried=program.carried[:, None], **parts)
    rounds = _Rounds(many)
    point, count = rounds.run(near, most)
    found = rounds.in_money(point)
    if many is not program:
        found = tuple(part[0] for part in found)
    return Solution(*found, bound_of(program, *found), count)


def bound_of(program: Program, spend: Floats, own_price: Floats, price: Floats) -> Floats:
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
    own, across = np.maximum(own_price, 0.0), _no_less(program, price)
    left = program.slope(spend)
    over = _above(program, spend, left, left - program.pull(own, across), own, across)
    return program.value(spend) + over


def _no_less(program: Program, price: Floats) -> Floats:
    """Return prices of rows across channels, at least 0 where these are inequalities."""
    return np.where(program.exact, price, np.maximum(price, 0.0))


def _above(
    program: Program, spend: Floats, rise: Floats, left: Floats, own: Floats, across: Floats
) -> Floats:
    """Return by how much a plan's bound lies above its value.

    `rise` is what spends bring, `left` what of it prices of rows, at least 0, leave.
    """
    best = np.where(left > 0, program.upper, program.lower)
    rooms = np.sum(across * program.room, axis=-1) + np.sum(own * program.own_room, axis=(-2, -1))
    return np.asarray(np.sum(left * best - rise * spend, axis=(-2, -1)) + rooms)


class _Point(NamedTuple):
    """Spends, and the slacks and prices of all limits, one after the other, by run.

    In each stand lower bounds, upper bounds, rows of channels and rows across (`_Rounds.parts`).
    Slacks of equations are 1 and stay so.
    """

    spend: Floats
    slack: Floats
    price: Floats

    def instead(self, other: _Point, where: Bools) -> _Point:
        """Return the point with another one in some runs."""
        if where.all():
            return other
        parts = zip(self, other, strict=True)
        return _Point(*(np.where(_wide(where, b), b, a) for a, b in parts))


class _Missed(NamedTuple):
    """By how much slopes miss their prices, and rows with their slacks their rooms."""

    slope: Floats
    own: Floats
    across: Floats


class _Here(NamedTuple):
    """A point with what its spends bring.

    Parameters
    ----------
    point
        The point.
    rise, fall
        What the next unit of spends brings, and how slopes fall, in the program's units.
    missed
        What the point misses.
    gap
        Sum of slacks times prices, by run.
    off
        The most that is missed, by run.
    """

    point: _Point
    rise: Floats
    fall: Floats
    missed: _Missed
    gap: Floats
    off: Floats

    def instead(self, other: _Here, where: Bools) -> _Here:
        """Return the other point in some runs."""
        if where.all():
            return other
        fall = np.where(where[:, None], other.fall, self.fall)
        parts = (self.rise, *self.missed, self.gap, self.off)
        others = (other.rise, *other.missed, other.gap, other.off)
        rise, slope, own, across, gap, off = (
            np.where(_wide(where, b), b, a) for a, b in zip(parts, others, strict=True)
        )
        point = self.point.instead(other.point, where)
        return _Here(point, rise, fall, _Missed(slope, own, across), gap, off)


def _wide(one: NDArray[Any], like: Floats) -> NDArray[Any]:
    """Return a number of each run beside an array by run."""
    return one.reshape(-1, *(1,) * (like.ndim - 1))


class _Rounds:
    """The rounds of programs of many runs, in units that make spends and slopes about 1."""

    def __init__(self, program: Program) -> None:
        free = program.free
        middle = np.where(free, 0.5 * (program.lower + program.upper), program.lower)
        many = np.maximum(free.sum(axis=(1, 2)), 1)
        rise = np.abs(np.where(free, program.slope(middle), 0.0)).sum(axis=(1, 2)) / many
        money = np.where(free, program.upper, 0.0).sum(axis=(1, 2)) / many
        self.money = np.where(money > 0, money, 1.0)
        self.worth = np.where(rise * self.money > 0, rise * self.money, 1.0)
        self.program, self.free, self.strict = program, free, ~program.exact
        self.all_free, self.all_strict = bool(free.all()), bool(self.strict.all())
        wide = self.money[:, None, None]
        self.unit = (self.money / self.worth)[:, None, None]
        self.lower, self.upper = program.lower / wide, program.upper / wide
        self.own_room, self.room = program.own_room / wide, program.room / self.money[:, None]
        self.start = middle / wide
        self.scale = np.maximum(1.0, np.abs(program.value(middle)) / self.worth)
        self.rows, self.coupling = _Own(program.own), _Coupling.of(program.across)
        own = self.own_room[0].size
        self.ends = np.cumsum([free[0].size, free[0].size, own]).tolist()
        # Which products of slack and price are to vanish.
        runs = len(free)
        ones = np.ones((runs, own)), np.broadcast_to(self.strict, self.room.shape)
        self.pairs = _flat(free, free, *ones)
        self.count = np.maximum(self.pairs.sum(axis=1), 1.0)
        # With few weeks a round costs no more than the corrections that would save it.
        self.corrections = _CORRECTIONS if free.shape[2] >= _LARGE else 0

    def run(self, near: float, most: int) -> tuple[_Point, int]:
        """Return the points with the smallest gap to their bounds, and how many rounds it took."""
        here, size = self._at(self._first()), None
        # Rows that nearly hold make steps miss digits that only a small gap asks for.
        self.again = _AGAIN if near < CLOSE else 0
        best, runs = here.point, len(self.free)
        least, since, done = np.full(runs, np.inf), np.zeros(runs), np.zeros(runs, np.bool_)
        with np.errstate(all="ignore"):
            for number in range(most):
                asked = ~done & (here.gap <= max(CLOSE, 100 * near) * self.scale)
                if asked.any():
                    size = self._value(here) if size is None else size
                    short = self._over(here) / size
                    better = asked & (short < least)
                    still = asked & ~better & (here.gap <= near * self.scale)
                    since = np.where(still, since + 1, np.where(asked, 0, since))
                    best = best.instead(here.point, better)
                    least = np.where(better, short, least)
                    # Where rows nearly hold the rounds lose digits in the end, and the gap grows.
                    done |= asked & np.isfinite(least) & ((least <= near) | (since == _PATIENCE))
                if done.all():
                    return best, number
                try:
                    further = self._further(here, self._step(here))
                except np.linalg.LinAlgError:
                    break
                done |= ~np.isfinite(further.gap)
                if done.all():
                    break
                here = here.instead(further, ~done)
        return here.point.instead(best, np.isfinite(least)), most

    def parts(self, flat: Floats) -> tuple[Floats, Floats, Floats, Floats]:
        """Return the parts of lower bounds, upper bounds, rows of channels and rows across."""
        low, high, own = self.ends
        shape = self.free.shape
        return (
            flat[:, :low].reshape(shape),
            flat[:, low:high].reshape(shape),
            flat[:, high:own].reshape(self.own_room.shape),
            flat[:, own:],
        )

    def _at(self, point: _Point) -> _Here:
        """Return a point with what its spends bring."""
        steep, fall = self.program.slope_and_fall(point.spend * self.money[:, None, None])
        rise = self.program.rise(steep)
        missed = self._missed(point, rise * self.unit)
        off = np.maximum(_most(missed.slope), _most(missed.across))
        if missed.own.size:
            off = np.maximum(off, _most(missed.own))
        return _Here(point, rise, fall, missed, self._gap(point), off)

    def _step(self, here: _Here) -> _Point:
        """Return the step to the next point."""
        newton, (point, _, _, _, gap, _) = _Newton(self, here), here
        # Only how far it may go is asked of the guess.
        products = self._products(point)
        guess = newton.step(products, 0)
        ahead = self._gap(_moved(point, guess, np.minimum(1.0, self._way(point, guess))))
        # Mehrotra's centre, and his correction by the guess's own products.
        centre = (gap / self.count * np.minimum(1.0, (ahead / gap) ** 3))[:, None]
        aim = products + self.pairs * (guess.slack * guess.price - centre)
        again = self.again if np.any(gap <= _EASY * self.scale) else 0
        step = newton.step(aim, again)
        for _ in range(self.corrections):
            far = np.minimum(1.0, self._way(point, step))
            # Where products a little further on lie far from the centre they are drawn in.
            ahead = np.minimum(1.0, far + _FURTHER)[:, None]
            product = (point.slack + ahead * step.slack) * (point.price + ahead * step.price)
            drawn = np.clip(product, _NEARER * centre, centre / _NEARER) - product
            aim = aim - self.pairs * np.maximum(drawn, -centre / _NEARER)
            other = newton.step(aim, again)
            longer = np.minimum(1.0, self._way(point, other)) >= far + _GAIN
            if not longer.any():
                break
            step = step.instead(other, longer)
        return step

    def _further(self, here: _Here, step: _Point) -> _Here:
        """Return the next point, as far as no slack and no price vanishes.

        Both go the same way: where prices go another one they may run in circles. So they may where
        slopes change so much on the way that more is missed at its end; then half of it is gone.
        """
        way = np.minimum(1.0, _BACK * self._way(here.point, step))
        further = self._at(_moved(here.point, step, way))
        for _ in range(_HALVINGS):
            worse = further.off > _WORSE * np.maximum(here.off, _FEW)
            if not worse.any():
                break
            way = np.where(worse, 0.5 * way, way)
            further = self._at(_moved(here.point, step, way))
        return further

    def in_money(self, point: _Point) -> tuple[Floats, Floats, Floats]:
        """Return spends, and prices of own rows and rows across, in the program's units."""
        spend = np.where(self.free, point.spend * self.money[:, None, None], self.program.lower)
        unit = self.worth / self.money
        own, across = self.parts(point.price)[2:]
        return spend, own * unit[:, None, None], across * unit[:, None]

    def _value(self, here: _Here) -> Floats:
        return np.maximum(np.abs(self.program.value(self.in_money(here.point)[0])), 1e-300)

    def _over(self, here: _Here) -> Floats:
        """Return by how much bounds of points lie above their values."""
        spend, own, across = self.in_money(here.point)
        own, across = np.maximum(own, 0.0), _no_less(self.program, across)
        left = here.rise - self.rows.pull(own) - self.coupling.pull(across)
        return _above(self.program, spend, here.rise, left, own, across)

    def _first(self) -> _Point:
        """Return the point that the rounds start from, inside the bounds."""
        own = np.maximum(self.own_room - self.rows.use(self.start), 0.1)
        across = self.room - self.coupling.use(self.start)
        across = np.maximum(across, 0.1 * np.maximum(np.abs(self.room), 1.0))
        # Slacks are carried on by themselves: differences of spends and bounds would cancel out.
        slack = _flat(self.start - self.lower, self.upper - self.start, own, across)
        slack = np.where(self.pairs > 0, slack, 1.0)
        return _Point(self.start, slack, self.pairs / slack)

    def _missed(self, point: _Point, rise: Floats) -> _Missed:
        """Return what is missed at a point where spends bring so much more."""
        low, high, own, across = self.parts(point.price)
        _, _, own_slack, slack = self.parts(point.slack)
        slope = self.rows.pull(own) + self.coupling.pull(across) - rise - low + high
        own_room = self.rows.use(point.spend) + own_slack - self.own_room
        slack = slack if self.all_strict else np.where(self.strict, slack, 0.0)
        return _Missed(
            self.open(slope), own_room, self.coupling.use(point.spend) + slack - self.room
        )

    def open(self, each: Floats) -> Floats:
        """Return numbers of spends, 0 where these are fixed."""
        return each if self.all_free else np.where(self.free, each, 0.0)

    def _products(self, point: _Point) -> Floats:
        """Return slacks times prices, where equations have none."""
        return point.slack * point.price * self.pairs

    def _gap(self, point: _Point) -> Floats:
        return np.asarray(self._products(point).sum(axis=1))

    def _way(self, point: _Point, step: _Point) -> Floats:
        """Return how many steps can be gone before a slack or a price vanishes."""
        # Equations give 0 over 0, which `fmax` passes over.
        fastest = np.fmax(-step.slack / point.slack, -step.price / point.price) * self.pairs
        return np.asarray(1.0 / np.fmax.reduce(fastest, axis=1, initial=0.0))


def _moved(point: _Point, step: _Point, way: Floats) -> _Point:
    """Return a point some of a step further."""
    return _Point(*(a + _wide(way, b) * b for a, b in zip(point, step, strict=True)))


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


class _Coupling(NamedTuple):
    """Rows across channels, as sums over weeks of a few patterns of channels.

    The total of every week is one pattern, and so is a limit that stands in every week.

    Parameters
    ----------
    patterns
        Shape ``(patterns, channels)``.
    table
        Of each pattern in each week, ``(rows, patterns * weeks)``.
    entry, factor
        Places in the table's second axis, row by row, and what stands there.
    first
        The first entry of each row.
    """

    patterns: Floats
    table: Floats
    entry: Places
    factor: Floats
    first: Places

    @classmethod
    def of(cls, across: Floats) -> Self:
        """Return rows, ``(rows, channels, weeks)``, by patterns."""
        rows, channels, weeks = across.shape
        some = np.any(across != 0, axis=1)
        # A row without money has an entry too, of factor 0.
        some[~some.any(axis=1), 0] = True
        row, week = np.nonzero(some)
        each = across[row, :, week]
        lead = each[np.arange(row.size), np.argmax(each != 0, axis=1)]
        kinds = each / np.where(lead != 0, lead, 1.0)[:, None]
        number: dict[bytes, int] = {}
        kind = [number.setdefault(one.tobytes(), len(number)) for one in kinds]
        patterns = np.frombuffer(b"".join(number)).reshape(-1, channels)
        entry = np.array(kind) * weeks + week
        table = np.zeros((rows, len(patterns) * weeks))
        table[row, entry] = lead
        return cls(patterns, table, entry, lead, np.flatnonzero(np.diff(row, prepend=-1)))

    def use(self, spend: Floats) -> Floats:
        """Return the left sides of the rows, ``(runs, rows)``."""
        used: Floats = np.matmul(self.patterns, spend).reshape(len(spend), -1) @ self.table.T
        return used

    def pull(self, price: Floats) -> Floats:
        """Return what prices of the rows ask of each spend, ``(runs, channels, weeks)``."""
        each = (price @ self.table).reshape(len(price), len(self.patterns), -1)
        return np.asarray(np.matmul(self.patterns.T, each))

    def schur(self, inverse: Floats) -> Floats:
        r"""Return :math:`\sum_i C_i M_i^{-1} C_i^T` of inverses, shaped as the blocks."""
        runs, channels, weeks, _ = inverse.shape
        pairs = (self.patterns[:, None] * self.patterns).reshape(-1, channels)
        between = np.matmul(pairs, inverse.reshape(runs, channels, -1))
        kind, week = np.divmod(self.entry, weeks)
        place = (
            (kind[:, None] * len(self.patterns) + kind) * weeks**2 + week[:, None] * weeks + week
        )
        found = between.reshape(runs, -1)[:, place] * (self.factor[:, None] * self.factor)
        if self.first.size < self.entry.size:
            found = np.add.reduceat(np.add.reduceat(found, self.first, 1), self.first, 2)
        return np.asarray(found)


def _inverted(blocks: Floats) -> Floats:
    """Return the inverses of symmetric blocks with positive eigenvalues, one behind the other."""
    size = blocks.shape[-1]
    if size < _LARGE:
        return np.asarray(np.linalg.inv(blocks))
    found = np.empty(blocks.shape)
    pairs = zip(blocks.reshape(-1, size, size), found.reshape(-1, size, size), strict=True)
    for block, into in pairs:
        factor, failed = dpotrf(block.T)
        # Half of the inverse; of an inverse from elsewhere half is kept, too.
        into[...] = np.triu(np.linalg.inv(block)).T if failed else dpotri(factor)[0].T
    found += found.swapaxes(-1, -2)
    at = np.arange(size)
    found[..., at, at] *= 0.5
    return found


class _Newton:
    r"""The Newton system at a point, solved by blocks of channels and rows across them.

    With :math:`M = -F'' + L^T \tfrac{z}{s} L + \tfrac{z}{s}` of the box, a step keeps
    :math:`M\,dx + C^T d\pi = b` and :math:`C\,dx - \tfrac{s}{\pi} d\pi = q`.
    """

    def __init__(self, rounds: _Rounds, here: _Here) -> None:
        program, free = rounds.program, rounds.free
        point = here.point
        self.rounds, self.point, self.missed = rounds, point, here.missed
        self.price, self.slack = rounds.parts(point.price), rounds.parts(point.slack)
        low, high, own = (z / s for z, s in zip(self.price[:3], self.slack[:3], strict=True))
        block = program.bend(here.fall * (rounds.unit[:, :, 0] * rounds.money[:, None]))
        rounds.rows.add(block, own)
        if not rounds.all_free:
            block *= free[..., :, None] & free[..., None, :]
        at = np.arange(free.shape[-1])
        block[..., at, at] += low + high if rounds.all_free else np.where(free, low + high, 1.0)
        self.block, self.inverse = block, _inverted(block)
        if not rounds.all_free:
            self.inverse[..., at, at] *= free
        self.side = self.slack[3] / self.price[3]
        if not rounds.all_strict:
            self.side = np.where(rounds.strict, self.side, 0.0)
        schur = rounds.coupling.schur(self.inverse)
        at = np.arange(schur.shape[-1])
        schur[:, at, at] += self.side + _STILL * schur[:, at, at]
        self.schur = np.asarray(np.linalg.inv(schur), np.float64)

    def step(self, aim: Floats, again: int) -> _Point:
        """Return the step on which products of slacks and prices fall by an aim."""
        rounds, missed = self.rounds, self.missed
        (_, _, own, across), (s_low, s_high, s_own, _) = self.price, self.slack
        low_aim, high_aim, own_aim, aims = rounds.parts(aim)
        right = -missed.slope - low_aim / s_low + high_aim / s_high
        right = rounds.open(right - rounds.rows.pull((own * missed.own - own_aim) / s_own))
        ask = aims / across - missed.across
        if not rounds.all_strict:
            ask = np.where(rounds.strict, ask, -missed.across)
        move, price = self._solved(right, ask)
        wrong = _EXACT * np.maximum(_most(right), _most(ask))
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
        own_slack = -missed.own - rounds.rows.use(move)
        slack = -missed.across - rounds.coupling.use(move)
        slack = slack if rounds.all_strict else np.where(rounds.strict, slack, 0.0)
        slacks, end = _flat(move, -move, own_slack, slack), rounds.ends[-1]
        prices = -(aim + self.point.price * slacks) / self.point.slack
        prices[:, end:] = price
        return _Point(move, slacks, prices)

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
    return np.asarray(np.abs(each).reshape(len(each), -1).max(axis=1))
