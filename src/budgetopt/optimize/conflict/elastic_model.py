"""The mixed-integer program of a system of limits, with cuts that stand for its curves."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse import coo_array

from budgetopt.curves import Curve
from budgetopt.optimize.conflict.reach import System, drawn_in, least_when_on

Floats = NDArray[np.float64]
Whole = NDArray[np.int64]

SECONDS = 2.0
"""Time for one program; one that takes longer leaves the question open."""
ENOUGH = 1e-6
"""Outcomes of a program agree with the curves to this share; its own accuracy is a tenth of it."""
INSIDE = 1e-3
"""Share of the outcome that a split keeps from the edge of a target, where it can."""


@dataclass
class Program:
    """A mixed-integer program under construction: columns, then rows as triplets."""

    low: list[Floats] = field(default_factory=list)
    high: list[Floats] = field(default_factory=list)
    whole: list[Floats] = field(default_factory=list)
    entries: list[tuple[Whole, Whole, Floats]] = field(default_factory=list)
    rooms: list[Floats] = field(default_factory=list)
    width: int = 0
    height: int = 0

    def columns(self, low: Floats, high: Floats, whole: bool = False) -> Whole:
        """Add columns and return their positions."""
        size = low.size
        self.low.append(low)
        self.high.append(high)
        self.whole.append(np.full(size, float(whole)))
        self.width += size
        return np.arange(self.width - size, self.width)

    def rows(self, room: Floats, *terms: tuple[Whole, Floats]) -> None:
        """Add one row for each room: the sum over the terms, one column each, is at most it."""
        at = np.arange(self.height, self.height + room.size)
        self.entries += [(at, columns, values) for columns, values in terms]
        self.rooms.append(room)
        self.height += room.size

    def row(self, room: float, *terms: tuple[Whole, Floats]) -> None:
        """Add one row over many columns, scaled to a largest coefficient of one."""
        size = max((float(np.abs(v).max(initial=0)) for _, v in terms), default=0.0) or 1.0
        for columns, values in terms:
            used = np.flatnonzero(values)
            at = np.full(used.size, self.height)
            self.entries.append((at, columns[used], values[used] / size))
        self.rooms.append(np.array([room / size]))
        self.height += 1

    def solve(self, cost: Floats, gap: float) -> tuple[Floats | None, bool]:
        """Return the solution, or None and whether there is none."""
        rules = None
        if self.height:
            at, columns, values = (np.concatenate(p) for p in zip(*self.entries, strict=True))
            table = coo_array((values, (at, columns)), shape=(self.height, self.width)).tocsr()
            rules = LinearConstraint(table, -np.inf, np.concatenate(self.rooms))
        found = milp(
            cost,
            integrality=np.concatenate(self.whole),
            bounds=Bounds(np.concatenate(self.low), np.concatenate(self.high)),
            constraints=rules,
            options={"time_limit": SECONDS, "mip_rel_gap": gap},
        )
        return found.x, found.status == 2


@dataclass
class Model:
    """The program of a system around a centre, with the columns that engines read."""

    program: Program
    spend: Whole
    outcome: Whole
    top: Floats
    margin: Whole
    gives: dict[int, Whole]
    reach: Floats
    centre: Whole
    grid: Whole
    units: int

    def minor(self, found: Floats) -> Floats:
        """Return the spends of a solution in minor units."""
        spend: Floats = self.centre + self.grid * found[self.spend]
        return spend

    def cut(self, curves: Curve, at: Floats, lower: Floats, upper: Floats) -> None:
        """Add the tangents of the concave envelopes at spends in money.

        ``f(x) <= max f(y) - p y, y in bounds, + p x`` holds for any price p and any curve.
        """
        wide = np.maximum(1e-6 * np.maximum(at, 1e-3 * upper), 1e-300)
        left, right = np.maximum(at - wide, lower), np.minimum(at + wide, upper)
        rise = curves.envelope(right) - curves.envelope(left)
        run = np.maximum(right - left, 1e-300)
        price = np.where(right > left, np.maximum(rise, 0.0) / run, 0.0)
        _, most = curves.conjugate(price, lower, upper)
        steep = -price * self.grid / self.units
        some = self.top > 0
        size = np.where(some, np.maximum(self.top, np.abs(steep)), 1.0)
        room = most + price * self.centre / self.units
        self.program.rows(
            (room / size)[some],
            (self.outcome[some], (self.top / size)[some]),
            (self.spend[some], (steep / size)[some]),
        )


def near_envelope(model: Model, system: System, found: Floats) -> bool:
    """Return whether the outcomes of a solution lie on the concave envelopes, nearly."""
    money = np.maximum(model.minor(found), 0.0) / system.units
    value = system.curves.envelope(money)
    return bool(np.all(model.top * found[model.outcome] <= value + ENOUGH * model.top))


def cut_at(model: Model, system: System, spend: Floats) -> None:
    """Add the tangents at spends in minor units."""
    units, zero = system.units, np.zeros(spend.size)
    model.cut(system.curves, np.maximum(spend, 0.0) / units, zero, model.reach / units)


def model_of(
    system: System,
    centre: Whole | None = None,
    window: int = 0,
    gives: Mapping[tuple[str, int], float] | None = None,
) -> Model:
    """Return the program of a system; integer around a centre, continuous without one.

    Parameters
    ----------
    system
        The limits.
    centre, window
        Whole steps within the window around this split, in minor units.
    gives
        Limits that may give way, as ``(kind, position)``.
    """
    gives = gives or {}
    program, size = Program(), system.lower.size
    free = 0.0 if gives else 1.0
    grid = system.grid.astype(np.float64)
    zero = np.zeros(size, dtype=np.int64) if centre is None else centre
    lower, upper = (system.lower, system.upper) if gives or centre is None else drawn_in(system)
    loose = [at for kind, at in gives if kind in ("lower", "lock")]
    high = [at for kind, at in gives if kind in ("upper", "lock")]
    low = (_without(lower, loose, 0) - zero) / grid
    top = (_without(upper, high, 2**53) - zero) / grid
    if centre is not None:
        # Where the centre lies outside its bounds the window reaches to them.
        near = np.clip(0.0, low, top)
        low, top = np.maximum(low, near - window), np.minimum(top, near + window)
    spend = _spend_columns(program, system, low, top, centre)
    reach = system.upper.astype(np.float64)
    reach[high] = np.maximum(reach[high], system.far)
    tops = _tops(system, reach)
    outcome = program.columns(np.zeros(size), np.where(tops > 0, 1.0, 0.0))
    margin = program.columns(np.zeros(2), np.full(2, free))
    most = (_most_give(system, kind, at) for kind, at in gives)
    give = {n: program.columns(np.zeros(1), np.full(1, m)) for n, m in enumerate(most)}
    model = Model(
        program, spend, outcome, tops, margin, give, reach, zero, system.grid, system.units
    )
    places = {key: give[n] for n, key in enumerate(gives)}
    _add_bounds(model, system, places)
    _add_rows(model, system, places, _add_moves(model, system), _add_on(model, system, places))
    _first_cuts(model, system)
    return model


def _most_give(system: System, kind: str, at: int) -> float:
    """Return how far a limit can give way: no floor and no least amount falls below zero."""
    least = {"lower": system.lower, "minimum": system.least_on}.get(kind)
    return np.inf if least is None else float(least[at])


def _spend_columns(
    program: Program, system: System, low: Floats, top: Floats, centre: Whole | None
) -> Whole:
    """Add the columns of spends in steps: whole, or where the channel was, around a centre."""
    if centre is None:
        return program.columns(low, top)
    grid = system.grid.astype(np.float64)
    odd = (centre % system.grid) / grid
    spend = program.columns(low, top)
    # A window may reach to no whole step; then only staying is left.
    steps = program.columns(np.ceil(low + odd - 1e-9), np.floor(top + odd + 1e-9), whole=True)
    goal = (system.stay - centre) / grid
    may = (system.stay >= 0) & (goal >= low - 1e-9) & (goal <= top + 1e-9)
    stay = program.columns(0 * low, np.where(may, 1.0, 0.0), whole=True)
    one, part = np.ones(low.size), np.where(may, (system.stay % system.grid) / grid, 0.0)
    for sign in (1.0, -1.0):
        terms = ((spend, sign * one), (steps, -sign * one), (stay, -sign * part))
        program.rows(-sign * odd, *terms)
    at = np.flatnonzero(may)
    span = (top - low + 1.0)[at]
    for sign in (1.0, -1.0):
        room = sign * goal[at] + span
        program.rows(room, (spend[at], sign * one[at]), (stay[at], span))
    return spend


def _without(bound: Whole, at: list[int], value: int) -> Whole:
    free = bound.copy()
    free[at] = value
    return free


def _tops(system: System, reach: Floats) -> Floats:
    """Return the most outcome of each channel that some row asks for, 0 for the others."""
    asked = np.zeros(system.lower.size, dtype=bool)
    for row in system.rows:
        if row.outcome is not None:
            asked |= row.outcome != 0
    if not asked.any():
        return np.zeros(system.lower.size)
    return np.where(asked, system.curves.value(reach / system.units), 0.0)


def _first_cuts(model: Model, system: System) -> None:
    """Cut at a few spends from the least to the most."""
    if not model.top.any():
        return
    for share in (0.0, 1e-3, 1e-2, 0.1, 0.3, 1.0):
        cut_at(model, system, share * model.reach)


def _add_bounds(model: Model, system: System, gives: Mapping[tuple[str, int], Whole]) -> None:
    """Add the rows of bounds that may give way, in minor units."""
    for (kind, at), give in gives.items():
        if kind not in ("lower", "upper", "lock"):
            continue
        column, grid, free = model.spend[[at]], float(system.grid[at]), -np.ones(1)
        if kind in ("lower", "lock"):
            room = float(model.centre[at] - system.lower[at])
            model.program.row(room, (column, np.array([-grid])), (give, free))
        if kind in ("upper", "lock"):
            room = float(system.upper[at] - model.centre[at])
            model.program.row(room, (column, np.array([grid])), (give, free))


def _add_on(
    model: Model, system: System, gives: Mapping[tuple[str, int], Whole]
) -> tuple[Whole, Whole]:
    """Add a binary for each channel that counts as on or has a least amount for it.

    Returns
    -------
    tuple of ndarray
        The channels and their columns.
    """
    counted = np.zeros(system.lower.size, dtype=bool)
    for row in system.rows:
        if row.on is not None:
            counted |= row.on != 0
    at = np.flatnonzero(counted | (system.least_on > 0))
    on = model.program.columns(np.zeros(at.size), np.ones(at.size), whole=True)
    grid, centre = system.grid[at].astype(np.float64), model.centre[at].astype(np.float64)
    first = least_when_on(system)[at] * counted[at]
    least = np.maximum(system.least_on[at], first).astype(np.float64)
    most = model.reach[at]
    one = np.ones(at.size)
    model.program.rows(-centre / grid, (model.spend[at], one), (on, -most / grid))
    elastic = [gives.get(("minimum", int(i))) for i in at]
    for n, give in enumerate(elastic):
        terms = [(model.spend[at[[n]]], -grid[[n]]), (on[[n]], least[[n]])]
        if give is not None:
            terms.append((give, -np.ones(1)))
        model.program.row(float(centre[n]), *terms)
    return at, on


def _add_moves(model: Model, system: System) -> tuple[Whole, Whole, Whole, Whole, Whole]:
    """Add columns up and down for each channel whose moves matter, and binaries that count them.

    Returns
    -------
    tuple of ndarray
        The channels, their columns up and down in steps, and their binaries up and down.
    """
    seen = np.zeros(system.lower.size, dtype=bool)
    counted = seen.copy()
    for row in system.rows:
        if row.moved is not None:
            seen |= row.moved != 0
        if row.moves is not None:
            counted |= row.moves != 0
    at = np.flatnonzero(seen | counted)
    grid = system.grid[at].astype(np.float64)
    one, far = np.ones(at.size), np.maximum(model.reach, system.last)[at] / grid
    program = model.program
    up = program.columns(0 * one, far)
    down = program.columns(0 * one, far)
    start = (system.last - model.centre)[at] / grid
    for sign in (1.0, -1.0):
        terms = ((model.spend[at], sign * one), (up, -sign * one), (down, sign * one))
        program.rows(sign * start, *terms)
    most = one * np.where(counted[at], 1.0, 0.0)
    ups, downs = (program.columns(0 * one, most, whole=True) for _ in range(2))
    some = np.flatnonzero(counted[at])
    least = np.ones(some.size) / grid[some]
    for move, count in ((up, ups), (down, downs)):
        program.rows(0 * least, (move[some], 1 + 0 * least), (count[some], -far[some]))
        program.rows(0 * least, (move[some], -1 + 0 * least), (count[some], least))
    program.rows(1 + 0 * least, (ups[some], 1 + 0 * least), (downs[some], 1 + 0 * least))
    return at, up, down, ups, downs


def _add_rows(
    model: Model,
    system: System,
    gives: Mapping[tuple[str, int], Whole],
    moves: tuple[Whole, Whole, Whole, Whole, Whole],
    on: tuple[Whole, Whole],
) -> None:
    """Add the rows, each with a margin of a step in every channel but for the totals."""
    at, up, down, ups, downs = moves
    grid = system.grid.astype(np.float64)
    for number, row in enumerate(system.rows):
        per = float(row.scale * system.units)
        money = row.money / per * grid
        used = Fraction(int(row.money.astype(object) @ model.centre.astype(object)))
        room = float(row.room - used / (row.scale * system.units))
        terms = [(model.spend, money)]
        slack = np.abs(money)
        if row.moved is not None:
            drag = row.moved[at] / per * grid[at]
            terms += [(up, drag), (down, drag)]
            slack = slack + row.moved / per * grid
        if row.moves is not None:
            terms += [(ups, row.moves[at].astype(float)), (downs, row.moves[at].astype(float))]
        if row.on is not None:
            terms.append((on[1], row.on[on[0]].astype(float)))
        if row.outcome is not None:
            terms.append((model.outcome, -row.outcome * model.top))
        give = gives.get(("row", number))
        if give is not None:
            terms.append((give, -np.ones(1)))
        elif row.outcome is not None:
            inside = INSIDE * float(np.abs(row.outcome) @ model.top)
            terms.append((model.margin[1:], np.array([inside])))
        elif not row.counts and np.ptp(row.money) > 0:
            terms.append((model.margin[:1], np.array([float(slack.sum())])))
        model.program.row(room, *terms)
