"""Whether a split keeps a system, by linear and integer programs with cuts for curves.

`find_split` answers with a split, exact and on whole steps, with the proof that there is none, or
with neither. `least_gives` says how far declarations must give way, `most_of` how far a target
gets, `total_range` how much money limits leave.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any, NamedTuple

import numpy as np
from scipy.sparse import coo_array

from budgetopt.arrays import Floats, Whole
from budgetopt.money import sum_minor
from budgetopt.optimize import highs
from budgetopt.optimize.infeasibility.declarations import Declaration, Declarations, System
from budgetopt.optimize.problem import UNLIMITED, Clock, Problem
from budgetopt.optimize.programs.lp import largest_entries
from budgetopt.plan import Row

ROUNDS = 60
"""Rounds of cuts: each brings the envelope nearer where the program wants to go."""
WINDOWS = (3, 100_000)
"""Whole steps are looked for this far from the continuous split, first near, then far."""
FEW = 1000
"""With no more steps than this in any channel the first window is left out."""
SWITCHED = 4
"""Channels that are switched on, one at a time, where whole steps are not near the first split."""
SMALL = 300
"""Columns up to which a program is solved without presolve."""
NODES, LOOKS = 500, 10_000
"""Nodes and looks of one program's search; one that needs more leaves the question open."""
WORK = 200_000
"""Work of all programs of an explanation together: one is some 4 microseconds of a processor."""
PROGRAM, ITERATION = 1000, 30
"""Work of a program, besides one for each entry, and of each iteration of the simplex method."""
ENOUGH = 1e-6
"""Outcomes of a program agree with the curves to this share; its own accuracy is a tenth of it."""
INSIDE = 1e-3
"""Share of the outcome that a split keeps from the edge of a target, where it can."""
NOTHING = 1e-9
"""A bound that falls by less than this share of the outcome has arrived."""
_CUT_SHORT = ("kTimeLimit", "kSolutionLimit", "kIterationLimit", "kInterrupt")
"""How a program ends that was given less than it needs."""
_EXACT: dict[str, Any] = {"primal_feasibility_tolerance": 1e-9, "small_matrix_value": 1e-12}
"""Rows have largest entry 1; entries that small would be dropped."""
KEPT = 40
"""So many of the cuts of earlier searches are used again."""


@dataclass
class Effort:
    """What the programs of one explanation may still take.

    It is counted in work, so that the same plan gives the same words on any machine; the caller's
    own time limit ends it as well.

    Parameters
    ----------
    work
        In units of `WORK`.
    left
        The caller's time.
    """

    work: int = WORK
    left: Clock = UNLIMITED

    @property
    def over(self) -> bool:
        """Whether nothing more may be asked."""
        return self.work <= 0 or self.left() == 0

    @property
    def options(self) -> dict[str, Any]:
        """The limits of the next program, as HiGHS takes them."""
        left = self.left()
        return {"mip_max_nodes": NODES} | ({} if left is None else {"time_limit": left})


class Feasibility(NamedTuple):
    """A split that keeps a system in minor units, or whether it is proven that there is none."""

    spend: Whole | None
    none: bool


class RowOptimum(NamedTuple):
    """How far a row gets: a split in minor units, what it reaches, and an upper bound."""

    spend: Floats
    value: float
    bound: float


class Cut(NamedTuple):
    """Tangents ``f(x) <= most + price x`` in money, for spends up to a reach in minor units."""

    reach: Floats
    price: Floats
    most: Floats


class FeasibilityProgram:
    """The program of a system: columns, then rows as triplets.

    Parameters
    ----------
    system
        What is to be kept.
    cuts
        Cuts of the same curves, made before; those made here are added.
    centre, window
        Whole steps within the window around a split in minor units; continuous without one.
    """

    def __init__(
        self, system: System, cuts: list[Cut], centre: Whole | None = None, window: int = 0
    ) -> None:
        self.system, self.cuts = system, cuts
        self.low: list[Floats] = []
        self.high: list[Floats] = []
        self.whole: list[Floats] = []
        self.entries: list[tuple[Whole, Whole, Floats]] = []
        self.rooms: list[Floats] = []
        self.width = self.height = 0
        size = system.lower.size
        self.unit = system.grid.astype(np.float64)
        if centre is None:
            # HiGHS drops entries below 1e-12 of a row's largest, and steps of two channels may be
            # that unlike: half way to the most that a column may be, none is.
            self.unit = np.sqrt(self.unit * np.maximum(self.unit, system.upper))
        self.centre = np.zeros(size, dtype=np.int64) if centre is None else centre
        lower, upper = (system.lower, system.upper) if system.gives else system.ends
        low, high = (lower - self.centre) / self.unit, (upper - self.centre) / self.unit
        if centre is not None:
            near = np.clip(0.0, low, high)
            low, high = np.maximum(low, near - window), np.minimum(high, near + window)
        self.reach = system.upper.astype(np.float64)
        self.top = self._tops()
        self.ends = low, high
        self.spend = self._add_spend(low, high, centre is not None)
        self.outcome = self.columns(np.zeros(size), (self.top > 0) * 1.0)
        self.margin = self.columns(np.zeros(2), np.full(2, 0.0 if system.gives else 1.0))
        most = np.array([give.most for give in system.gives])
        self.give = self.columns(np.zeros(most.size), most)
        self._add_bounds()
        self._add_rows(self._add_moves(), self._add_on())
        if self.top.any():
            valid = [cut for cut in cuts if np.all(self.reach <= cut.reach)]
            for cut in valid[-KEPT:]:
                self._add_cut(cut)
            for share in () if valid else (0.0, 1e-3, 1e-2, 0.1, 0.3, 1.0):
                self.cut(share * self.reach)

    def columns(self, low: Any, high: Any, whole: bool = False) -> Whole:
        """Add columns and return their positions."""
        self.low.append(low)
        self.high.append(high)
        self.whole.append(np.full(low.size, float(whole)))
        self.width += low.size
        return np.arange(self.width - low.size, self.width)

    def rows(self, room: Any, *terms: tuple[Whole, Any]) -> None:
        """Add one row for each room: the sum over the terms, one column each, is at most it."""
        at = np.arange(self.height, self.height + room.size)
        self.entries += [(at, columns, values + 0 * room) for columns, values in terms]
        self.rooms.append(room)
        self.height += room.size

    def row(self, room: float, *terms: tuple[Whole, Any]) -> None:
        """Add one row over many columns."""
        for columns, values in terms:
            used = np.flatnonzero(values)
            self.entries.append((np.full(used.size, self.height), columns[used], values[used]))
        self.rooms.append(np.array([room]))
        self.height += 1

    def solve(self, cost: Floats, gap: float, effort: Effort) -> tuple[Floats | None, bool]:
        """Return the cheapest solution, or None and whether there is none."""
        low, high = np.concatenate(self.low), np.concatenate(self.high)
        if np.any(low > high):
            return None, True
        if effort.over:
            return None, False
        at, columns, values = (np.concatenate(p) for p in zip(*self.entries, strict=True))
        table = coo_array((values, (at, columns)), shape=(self.height, self.width)).tocsr()
        size = largest_entries(table)
        size[size == 0] = 1.0
        table.data = table.data / np.repeat(size, np.diff(table.indptr))
        room, whole = np.concatenate(self.rooms) / size, np.concatenate(self.whole) > 0
        options = {**effort.options, "mip_rel_gap": gap, "looks": LOOKS, **_EXACT}
        # That there is none is not believed of the presolve alone; small programs need none.
        for presolve in ("choose", "off") if cost.size > SMALL else ("off",):
            options["presolve"] = presolve
            ended = highs.minimise(cost, table, room, low, high, whole=whole, **options)
            effort.work -= PROGRAM + table.nnz + ITERATION * ended.iterations
            if ended.values is not None or ended.status in _CUT_SHORT:
                break
        return ended.values, ended.status == "kInfeasible"

    def minor(self, found: Floats) -> Floats:
        """Return the spends of a solution in minor units."""
        spend: Floats = self.centre + self.unit * found[self.spend]
        return spend

    def cut(self, spend: Floats) -> None:
        """Add the tangents of the concave envelopes at spends in minor units.

        ``f(x) <= max f(y) - p y, y in bounds, + p x`` holds for any price p and any curve.
        """
        curves, units = self.system.curves, self.system.units
        at, upper = np.maximum(spend, 0.0) / units, self.reach / units
        wide = np.maximum(1e-6 * np.maximum(at, 1e-3 * upper), 1e-300)
        left, right = np.maximum(at - wide, 0.0), np.minimum(at + wide, upper)
        rise = np.maximum(curves.envelope(right) - curves.envelope(left), 0.0)
        price = np.where(right > left, rise / np.maximum(right - left, 1e-300), 0.0)
        _, most = curves.conjugate(price, np.zeros(at.size), upper)
        self.cuts.append(Cut(self.reach, price, most))
        self._add_cut(self.cuts[-1])

    def _add_cut(self, cut: Cut) -> None:
        units, some = self.system.units, self.top > 0
        room, steep = cut.most + cut.price * self.centre / units, -cut.price * self.unit / units
        self.rows(
            room[some],
            (self.outcome[some], self.top[some]),
            (self.spend[some], steep[some]),
        )

    def exact(self, found: Floats) -> bool:
        """Return whether the outcomes of a solution lie on the concave envelopes, nearly."""
        if not self.top.any():
            return True
        money = np.maximum(self.minor(found), 0.0) / self.system.units
        value = self.system.curves.envelope(money)
        return bool(np.all(self.top * found[self.outcome] <= value + ENOUGH * self.top))

    def _tops(self) -> Floats:
        """Return the most outcome of each channel that some row asks for, 0 for the others."""
        asked = np.zeros(self.centre.size, dtype=bool)
        for row in self.system.rows:
            if row.outcome is not None:
                asked |= row.outcome != 0
        if not asked.any():
            return np.zeros(asked.size)
        return np.where(asked, self.system.curves.value(self.reach / self.system.units), 0.0)

    def _add_spend(self, low: Floats, high: Floats, whole: bool) -> Whole:
        """Add the columns of spends in steps: whole ones, or where the channel was."""
        if not whole:
            return self.columns(low, high)
        grid, centre, stay = self.unit, self.centre, self.system.stay
        odd, one = (centre % self.system.grid) / grid, np.ones(low.size)
        spend = self.columns(low, high)
        goal = (stay - centre) / grid
        may = (stay >= 0) & (goal >= low - 1e-9) & (goal <= high + 1e-9)
        steps = self.columns(np.ceil(low + odd - 1e-9), np.floor(high + odd + 1e-9), whole=True)
        stays = self.columns(0 * low, may * 1.0, whole=True)
        part = np.where(may, (stay % self.system.grid) / grid, 0.0)
        # Whole steps that the window does not reach leave only staying, whose own may lie outside.
        first, last, own = self.low[-2], self.high[-2], np.round(goal + odd - part)
        self.low[-2] = np.where(may, np.minimum(first, own), np.minimum(first, last))
        self.high[-2] = np.where(may, np.maximum(last, own), last)
        bad = (first > last) & ~may
        self.low[-3], self.high[-3] = np.where(bad, 1.0, low), np.where(bad, 0.0, high)
        for sign in (1.0, -1.0):
            self.rows(-sign * odd, (spend, sign * one), (steps, -sign * one), (stays, -sign * part))
        at = np.flatnonzero(may)
        span = (high - low + 1.0)[at]
        for sign in (1.0, -1.0):
            self.rows(sign * goal[at] + span, (spend[at], sign * one[at]), (stays[at], span))
        return spend

    def _add_bounds(self) -> None:
        """Add the rows of bounds that may give way."""
        for give, column in zip(self.system.gives, self.give, strict=True):
            at, grid, column = give.at, self.unit[give.at], np.full(give.at.size, column)
            self.rows((self.centre[at] - give.low) * 1.0, (self.spend[at], -grid), (column, -1.0))
            self.rows((give.high - self.centre[at]) * 1.0, (self.spend[at], grid), (column, -1.0))

    def _add_on(self) -> tuple[Whole, Whole]:
        """Add a binary for each channel that counts as on or has a least amount for it."""
        system = self.system
        counted = np.zeros(self.centre.size, dtype=bool)
        for row in system.rows:
            if row.on is not None:
                counted |= row.on != 0
        asked, least_on = counted | (system.least_on > 0), system.least_on.copy()
        for give in system.gives:
            asked[give.at[give.least > 0]] = True
        at = np.flatnonzero(asked)
        on = self.columns(np.zeros(at.size), np.ones(at.size), whole=True)
        first = np.where(system.stay > 0, np.minimum(system.stay, system.grid), system.grid)
        least = np.maximum(least_on, first * counted)[at].astype(np.float64)
        grid, centre, spend = self.unit[at], self.centre[at].astype(np.float64), self.spend[at]
        # As with moves, no more than what the window leaves.
        most = np.maximum(self.ends[1][at] + centre / grid, 0.0)
        self.rows(-centre / grid, (spend, 1.0), (on, -most))
        self.rows(centre, (spend, -grid), (on, least))
        for give, column in zip(system.gives, self.give, strict=True):
            for channel, amount in zip(give.at, give.least.astype(np.float64), strict=True):
                place = np.flatnonzero(at == channel) if amount else at[:0]
                more, room = np.full(place.size, column), centre[place]
                self.rows(room, (spend[place], -grid[place]), (on[place], amount), (more, -1.0))
        return at, on

    def _add_moves(self) -> tuple[Whole, Whole, Whole, Whole]:
        """Add columns up and down and a binary for each channel whose moves matter."""
        system = self.system
        asked = np.zeros(self.centre.size, dtype=bool)
        for row in system.rows:
            for part in (row.moved, row.moves):
                if part is not None:
                    asked |= part != 0
        at = np.flatnonzero(asked)
        start = (system.last - self.centre)[at] / self.unit[at]
        low, high = (end[at] for end in self.ends)
        # No more than what the window leaves: of a wide reach a thousandth of a millionth, which a
        # program does not see, is many steps, and a channel would move without being counted.
        far = np.maximum(np.maximum(high - start, start - low), 0.0)
        up, down = self.columns(0 * far, far), self.columns(0 * far, far)
        moves = self.columns(0 * far, 1 + 0 * far, whole=True)
        for sign in (1.0, -1.0):
            self.rows(sign * start, (self.spend[at], sign), (up, -sign), (down, sign))
        for move in (up, down):
            self.rows(0 * far, (move, 1.0), (moves, -far))
        return at, up, down, moves

    def _add_rows(self, moves: tuple[Whole, ...], on: tuple[Whole, Whole]) -> None:
        """Add the rows, each with a margin of a step in every channel but for the totals."""
        at, up, down, moved = moves
        gives = {give.row: n for n, give in enumerate(self.system.gives)}
        for number, row in enumerate(self.system.rows):
            per = row.scale * self.system.units
            money = row.money_floats / self.system.units * self.unit
            used = sum(
                (a * b for a, b in zip(row.money.tolist(), self.centre.tolist(), strict=True)),
                Fraction(0),
            )
            terms, slack = [(self.spend, money)], np.abs(money) / self.unit * self.system.grid
            if row.moved is not None:
                drag = row.moved_floats / self.system.units * self.unit
                terms += [(up, drag[at]), (down, drag[at])]
                slack = slack + drag / self.unit * self.system.grid
            if row.moves is not None:
                terms.append((moved, row.moves[at].astype(np.float64)))
            if row.on is not None:
                terms.append((on[1], row.on[on[0]].astype(np.float64)))
            if row.outcome is not None:
                terms.append((self.outcome, -row.outcome * self.top))
            if number in gives:
                terms.append((self.give[[gives[number]]], -np.ones(1)))
            elif row.outcome is not None:
                inside = INSIDE * float(np.abs(row.outcome) @ self.top)
                terms.append((self.margin[1:], np.array([inside])))
            elif not row.counts and np.ptp(money / self.unit) > 0:
                terms.append((self.margin[:1], np.array([float(slack.sum())])))
            self.row(float(row.room - Fraction(used) / per), *terms)


def find_split(
    system: System,
    cuts: list[Cut] | None = None,
    effort: Effort | None = None,
    near: Whole | None = None,
) -> Feasibility:
    """Return a split that keeps a system, on whole steps, or that there is none.

    Parameters
    ----------
    system
        What is to be kept.
    cuts
        Cuts of the same curves, made before; those of this search are added.
    effort
        What the programs may still take; by default as much as an explanation.
    near
        Minor units around which whole steps are looked for first; by default any split will do.

    Notes
    -----
    Bounds and single rows are compared in whole numbers first. A program with binaries for what is
    on or moves, and cuts for curves (Kelley 1960), then finds a continuous split; it is rounded,
    and where that breaks a limit an integer program looks for whole steps around it. A split is
    tested exactly. That there is none is shown by the program within its tolerance; with S-shaped
    curves, by their concave envelopes. Where a channel has more than 100,000 steps, whole steps are
    looked for within 100,000 of the continuous split: where the rows have small coefficients, one
    is that near if there is any (Cook, Gerards, Schrijver and Tardos 1986).
    """
    if arithmetic(system):
        return Feasibility(None, True)
    cuts, effort = [] if cuts is None else cuts, Effort() if effort is None else effort
    lower, upper = system.ends
    if near is not None:
        found = _around(system, near, cuts, effort)
        # Where the widest window leaves no step out, that none is near means that there is none.
        if found.spend is not None or (found.none and _most_steps(system) <= WINDOWS[-1]):
            return found
    for guess in (lower, _filled(system, lower, upper)):
        if system.keeps(guess):
            return Feasibility(guess, False)
    start, none = _search(system, None, 0, cuts, effort)
    if start is None and not none and near is None and _most_steps(system) <= WINDOWS[-1]:
        # The cuts did not settle it for money of any size; whole steps may be easier.
        return _around(system, lower, cuts, effort)
    if start is None or system.keeps(start):
        return Feasibility(start, none)
    found = _around(system, start, cuts, effort)
    if found.spend is None and not found.none:
        return _switched_on(system, start, cuts, effort)
    return found


def _switched_on(system: System, start: Whole, cuts: list[Cut], effort: Effort) -> Feasibility:
    """Return a split around one with a channel on that is off in the first; or neither."""
    off = np.flatnonzero((start == 0) & (system.least_on > 0) & (system.upper >= system.least_on))
    for at in off[:SWITCHED].tolist():
        lower = system.lower.copy()
        lower[at] = system.least_on[at]
        forced = replace(system, lower=lower)
        other, _ = _search(forced, None, 0, cuts, effort)
        if other is None:
            continue
        found = Feasibility(other, False) if forced.keeps(other) else _around(
            forced, other, cuts, effort
        )  # fmt: skip
        if found.spend is not None:
            return found
    return Feasibility(None, False)


def _around(system: System, start: Whole, cuts: list[Cut], effort: Effort) -> Feasibility:
    """Return a split on whole steps around another one; or that no split is that near."""
    none, few = False, int(_most_steps(system) <= FEW)
    for window in WINDOWS[few:]:
        found, none = _search(system, start, window, cuts, effort)
        if found is not None and system.keeps(found):
            return Feasibility(found, False)
    return Feasibility(None, none and _holds_every_state(system, start))


def _holds_every_state(system: System, start: Whole) -> bool:
    """Return whether the widest window lets each channel be off and on, and stay and move.

    That whole steps are near a continuous split is so among splits of the same states: a channel
    that is switched on by what the window does not reach may lead far away.
    """
    if _most_steps(system) <= WINDOWS[-1]:
        return True
    reach = system.grid * WINDOWS[-1]
    switched, moved = system.least_on > 0, np.zeros(start.size, np.bool_)
    for row in system.rows:
        switched = switched if row.on is None else switched | (row.on != 0)
        moved = moved if row.moves is None else moved | (row.moves != 0)
    near = (start <= reach) & (system.least_on <= start + reach)
    stays = np.abs(start - system.last) <= reach
    return bool(np.all(near | ~switched | (system.lower > 0)) and np.all(stays | ~moved))


def _most_steps(system: System) -> int:
    """Return how many steps the channel with the most of them has between its bounds."""
    lower, upper = system.ends
    return int(np.max((upper - lower) // system.grid))


def _filled(system: System, lower: Whole, upper: Whole) -> Whole:
    """Return the least spends, filled up channel by channel to the total that is asked for."""
    totals = [math.floor(row.room * system.units) for row in system.rows if _total(row, 1)]
    asked = [math.ceil(-row.room * system.units) for row in system.rows if _total(row, -1)]
    rest = max(0, (max(asked) if asked else min(totals, default=0)) - sum_minor(lower))
    gain = upper - lower
    # In floats, since sums may not fit 64 bits: below 2**53, and so below `rest`, they are exact.
    before = np.cumsum(gain, dtype=np.float64) - gain
    taken = np.clip(rest - before, 0, gain).astype(np.int64)
    filled: Whole = lower + taken
    on_grid = filled // system.grid * system.grid
    return np.where(taken < gain, np.maximum(on_grid, lower), filled)


def _search(
    system: System, centre: Whole | None, window: int, cuts: list[Cut], effort: Effort
) -> tuple[Whole | None, bool]:
    """Return a split on steps, near a centre if given, or None and whether there is none."""
    model = FeasibilityProgram(system, cuts, centre, window)
    cost = np.zeros(model.width)
    cost[model.margin] = -1.0
    for _ in range(ROUNDS):
        found, none = model.solve(cost, 0.5, effort)
        if found is None:
            return None, none
        spend = model.minor(found)
        rounded = _on_steps(system, spend)
        if not model.top.any() or system.keeps(rounded) or model.exact(found):
            return rounded, False
        model.cut(spend)
    return None, False


def _on_steps(system: System, spend: Floats) -> Whole:
    """Return spends on each channel's steps, the nearest that keep the total where they can."""
    lower, upper = system.ends
    exact = spend / system.grid
    down = np.floor(exact + 1e-6)
    rest = exact - down
    spare = int(np.floor(float(np.sum(rest * system.grid)) + 1e-3))
    rounded: Whole = down.astype(np.int64) * system.grid
    stays = np.abs(spend - system.stay) <= 1e-6 * system.grid
    rest[stays] = 0.0
    for at in np.argsort(-rest, kind="stable"):
        if rest[at] > 1e-6 and spare >= system.grid[at] and spend[at] > 0:
            rounded[at] += system.grid[at]
            spare -= int(system.grid[at])
    rounded = np.where(stays, system.stay, rounded)
    return np.clip(rounded, np.where(rounded > 0, lower, system.lower), upper)


def _total(row: Row, sign: int) -> bool:
    """Return whether a row bounds the sum of all spends, from below where the sign is -1."""
    plain = row.moved is None and row.outcome is None and not row.counts
    return plain and bool(np.all(row.money == sign * row.scale))


def arithmetic(system: System) -> bool:
    """Return whether plain arithmetic alone shows that no split keeps a system.

    Each row of money is looked at on its own: its left side is made as small as the bounds allow,
    in whole numbers (Brearley, Mitra and Williams 1975, section 3). A sum that is fixed must be
    a multiple of what all its parts are multiples of; of two channels every solution is known.
    """
    lower, upper = system.ends
    if np.any(lower > upper):
        return True
    sums: dict[tuple[int, ...], list[Fraction | None]] = {}
    for row in system.rows:
        if row.outcome is None and row.moved is None and not row.counts:
            least = np.where(row.money > 0, lower, upper)
            if row.used(least, system.last, system.units) > row.room:
                return True
            money = row.money.tolist()
            size = math.gcd(*money) * (1 if next(filter(None, money), 1) > 0 else -1)
            if size:
                room = row.room * row.scale * system.units / size
                ends = sums.setdefault(tuple(part // size for part in money), [None, None])
                near = ends[size > 0]
                ends[size > 0] = room if near is None else (max, min)[size > 0](near, room)
    return any(
        asked is not None and most is not None and _missed(system, money, asked, most)
        for money, (asked, most) in sums.items()
    )


def _missed(system: System, money: tuple[int, ...], asked: Fraction, most: Fraction) -> bool:
    """Return whether a weighed sum of spends, in whole weights, never lies between two bounds."""
    lower, upper = system.ends
    still = np.where(lower < upper, 0, lower).tolist()
    fixed = sum(k * x for k, x in zip(money, still, strict=True))
    first, last = math.ceil(asked) - fixed, math.floor(most) - fixed
    free = [at for at in np.flatnonzero(lower < upper).tolist() if money[at]]
    steps = [money[at] * int(system.grid[at]) for at in free]
    stays = [money[at] * int(system.stay[at]) for at in free if system.stay[at] > 0]
    if not (common := math.gcd(*steps, *stays)):
        return not first <= 0 <= last
    if last // common * common < first:
        return True
    if len(free) != 2 or stays or first < last:
        return False
    (a, b), c = (step // common for step in steps), first // common
    (low, high), other = ((int(lower[at] // system.grid[at]), int(upper[at] // system.grid[at]))
                          for at in free)  # fmt: skip
    ends = sorted(Fraction(c - b * y, a) for y in other)
    low, high = max(low, math.ceil(ends[0])), min(high, math.floor(ends[1]))
    # a x + b y = c has one x in every |b| that follow each other.
    nearest: int = low + (c * pow(a, -1, abs(b)) - low) % abs(b)
    return nearest > high


def least_gives(
    system: System,
    cost: Mapping[Declaration, float],
    cuts: list[Cut],
    effort: Effort,
    *,
    whole: bool = False,
) -> list[float] | None:
    """Return how far the elastic declarations of a system must give way, at the least cost.

    With `whole` on whole steps near the continuous split; otherwise a lower bound on that. None
    where they alone do not help, or the time ran out.
    """
    model, found = FeasibilityProgram(system, cuts), None
    for turn in range(1 + whole):
        price = np.zeros(model.width)
        price[model.give] = [cost[give.declaration] for give in system.gives]
        for _ in range(ROUNDS):
            found, _ = model.solve(price, 1e-9, effort)
            if found is None or model.exact(found):
                break
            model.cut(model.minor(found))
        if found is None:
            return None
        if whole and not turn:
            lot, spend = system.grid, model.minor(found)
            near = np.maximum(np.round(spend / lot).astype(np.int64), 0) * lot
            model = FeasibilityProgram(system, cuts, near, 100)
    return None if found is None else found[model.give].tolist()


def most_of(
    system: System, row: Row, weight: float, cuts: list[Cut], effort: Effort
) -> RowOptimum | None:
    r"""Return the split of a system with the greatest :math:`P f(x) - w A x`, and a bound on it.

    The concave envelopes stand for the curves, so that the bound holds for S-shaped ones too.
    """
    # Without effect, since outcomes are at least 0, but it brings them in.
    asking = Row(row.limit, 0 * row.money, Fraction(0), outcome=row.outcome)
    model = FeasibilityProgram(replace(system, rows=(*system.rows, asking)), cuts)
    share = np.zeros(row.money.size) if row.outcome is None else row.outcome
    money = weight * row.money_floats / system.units
    cost = np.zeros(model.width)
    cost[model.spend], cost[model.outcome] = money * model.unit, -share * model.top
    value_of = system.curves.value if system.curves.concave else system.curves.envelope
    best, bound = None, np.inf
    for _ in range(ROUNDS):
        found, _ = model.solve(cost, 1e-9, effort)
        if found is None:
            # What is cut short is not the best that can be had.
            return None
        spend = np.maximum(model.minor(found), 0.0)
        last, bound = bound, -float(cost @ found)
        value = float(share @ value_of(spend / system.units) - money @ spend)
        if best is None or value > best.value:
            best = RowOptimum(spend, value, bound)
        best = best._replace(bound=min(bound, best.bound))
        if min(best.bound - best.value, last - bound) <= NOTHING * float(share @ model.top):
            break
        model.cut(spend)
    return best


def total_range(problem: Problem) -> tuple[int, int] | None:
    """Return the least and the most money in minor units that all but targets leave.

    That all money be spent is left out too, for it says the total itself. None where no split keeps
    the others, or that is not known in time.
    """
    everything, effort = Declarations(problem), Effort()
    kept = [one for one in everything.all
            if not everything.is_target(one) and everything.kind(one) != "spend-all"]  # fmt: skip
    model, ends = FeasibilityProgram(everything.system(kept), []), []
    for sign in (1.0, -1.0):
        cost = np.zeros(model.width)
        cost[model.spend] = sign
        found, _ = model.solve(cost, 1e-9, effort)
        if found is None:
            return None
        ends.append(round(float(model.minor(found).sum())))
    return ends[0], ends[1]


def impossible(problem: Problem) -> bool:
    """Return whether plain arithmetic alone shows that no split keeps a problem."""
    everything = Declarations(problem)
    return arithmetic(everything.system(everything.all))


def split_of(problem: Problem, near: Floats, left: Clock = UNLIMITED) -> Feasibility:
    """Return a split that keeps all that a problem declares, as `find_split` does, near money."""
    everything = Declarations(problem)
    system = everything.system(everything.all)
    minor = np.clip(np.rint(near * problem.money.units).astype(np.int64), *system.ends)
    return find_split(system, effort=Effort(left=left), near=minor)
