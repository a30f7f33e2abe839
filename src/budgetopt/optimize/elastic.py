"""Whether a split keeps a system's limits, by linear and integer programs on the true curves.

`find_split` answers with a split, exact and on whole steps, with the proof that there is none, or
with neither. `least_give` says by how much limits must give way, `most_of` how far a row gets.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse import coo_array

from budgetopt.curves import Curve
from budgetopt.optimize.reach import System, arithmetic, drawn_in, keeps, least_when_on
from budgetopt.plan import Row

Floats = NDArray[np.float64]
Whole = NDArray[np.int64]

ROUNDS = 60
"""Rounds of cuts: each brings the envelope nearer where the program wants to go."""
WINDOWS = (3, 100_000)
"""Whole steps are looked for this far from the continuous split, first near, then far."""
SECONDS = 2.0
"""Time for one program; one that takes longer leaves the question open."""
ENOUGH = 1e-8
"""Bound and value of the best that can be had agree to this share."""


class Answer(NamedTuple):
    """What is known of a system.

    Parameters
    ----------
    spend
        A split that keeps every limit, in minor units; None where none was found.
    none
        Whether it is proven that there is none.
    """

    spend: Whole | None
    none: bool


class Best(NamedTuple):
    """How far a row gets: a split in minor units, what it reaches, and an upper bound."""

    spend: Floats
    value: float
    bound: float


@dataclass
class _Program:
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
class _Model:
    """The program of a system around a centre, with the columns that engines read."""

    program: _Program
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
        size = np.maximum(self.top, np.abs(steep))
        room = most + price * self.centre / self.units
        some = self.top > 0
        self.program.rows(
            (room / size)[some],
            (self.outcome[some], (self.top / size)[some]),
            (self.spend[some], (steep / size)[some]),
        )


def find_split(system: System) -> Answer:
    """Return a split that keeps a system's limits, on whole steps, or that there is none.

    Parameters
    ----------
    system
        The limits.

    Notes
    -----
    Bounds and single rows are compared in whole numbers first. A linear program with binaries for
    what is on or moves, and cuts for curves (Kelley 1960), then finds a continuous split; it is
    rounded, and where that breaks a limit an integer program looks for whole steps around it. A
    split is tested exactly. That there is none is shown by the program within its tolerance (1e-7
    of a step); with S-shaped curves, by their concave envelopes. Where a channel has more than
    100,000 steps, whole steps are looked for within 100,000 of the continuous split.
    """
    if arithmetic(system):
        return Answer(None, True)
    lower, _ = drawn_in(system)
    if keeps(system, lower):
        return Answer(lower, False)
    start, none = _search(system, None, 0)
    if start is None or keeps(system, start):
        return Answer(start, none)
    for window in WINDOWS:
        near, none = _search(system, start, window)
        if near is not None and keeps(system, near):
            return Answer(near, False)
    return Answer(None, none)


def _search(system: System, centre: Whole | None, window: int) -> tuple[Whole | None, bool]:
    """Return a split on steps, near a centre if given, or None and whether there is none."""
    model = _model_of(system, centre, window)
    program = model.program
    cost = np.zeros(program.width)
    cost[model.margin] = -1.0
    for _ in range(ROUNDS):
        found, none = program.solve(cost, gap=0.5)
        if found is None:
            return None, none
        spend = model.minor(found)
        rounded = _on_steps(system, spend)
        if not model.top.any() or keeps(system, rounded):
            return rounded, False
        if _near_envelope(model, system, found):
            return rounded, False
        _cut_at(model, system, spend)
    return None, False


def _near_envelope(model: _Model, system: System, found: Floats) -> bool:
    """Return whether the outcomes of a solution lie on the concave envelopes, nearly."""
    money = np.maximum(model.minor(found), 0.0) / system.units
    value = system.curves.envelope(money)
    return bool(np.all(model.top * found[model.outcome] <= value + ENOUGH * model.top))


def _cut_at(model: _Model, system: System, spend: Floats) -> None:
    """Add the tangents at spends in minor units."""
    units, zero = system.units, np.zeros(spend.size)
    model.cut(system.curves, np.maximum(spend, 0.0) / units, zero, model.reach / units)


def _on_steps(system: System, spend: Floats) -> Whole:
    """Return spends on each channel's steps, the nearest that keep the total where they can."""
    lower, upper = drawn_in(system)
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


def _model_of(
    system: System,
    centre: Whole | None = None,
    window: int = 0,
    gives: Mapping[tuple[str, int], float] | None = None,
) -> _Model:
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
    program, size = _Program(), system.lower.size
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
    reach[high] = 10.0 * reach.max()
    tops = _tops(system, reach)
    outcome = program.columns(np.zeros(size), np.where(tops > 0, 1.0, 0.0))
    margin = program.columns(np.zeros(1), np.ones(1) if not gives else np.zeros(1))
    give = {n: program.columns(np.zeros(1), np.full(1, np.inf)) for n in range(len(gives))}
    model = _Model(
        program, spend, outcome, tops, margin, give, reach, zero, system.grid, system.units
    )
    places = {key: give[n] for n, key in enumerate(gives)}
    _add_bounds(model, system, places)
    _add_rows(model, system, places, _add_moves(model, system), _add_on(model, system, places))
    _first_cuts(model, system)
    return model


def _spend_columns(
    program: _Program, system: System, low: Floats, top: Floats, centre: Whole | None
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


def _first_cuts(model: _Model, system: System) -> None:
    """Cut at a few spends from the least to the most."""
    if not model.top.any():
        return
    for share in (0.0, 1e-3, 1e-2, 0.1, 0.3, 1.0):
        _cut_at(model, system, share * model.reach)


def _add_bounds(model: _Model, system: System, gives: Mapping[tuple[str, int], Whole]) -> None:
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
    model: _Model, system: System, gives: Mapping[tuple[str, int], Whole]
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
    most = system.upper[at].astype(np.float64)
    one = np.ones(at.size)
    model.program.rows(-centre / grid, (model.spend[at], one), (on, -most / grid))
    elastic = [gives.get(("minimum", int(i))) for i in at]
    for n, give in enumerate(elastic):
        terms = [(model.spend[at[[n]]], -grid[[n]]), (on[[n]], least[[n]])]
        if give is not None:
            terms.append((give, -np.ones(1)))
        model.program.row(float(centre[n]), *terms)
    return at, on


def _add_moves(model: _Model, system: System) -> tuple[Whole, Whole, Whole, Whole, Whole]:
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
    one, far = np.ones(at.size), np.maximum(system.upper, system.last)[at] / grid
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
    model: _Model,
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
        elif not row.counts and np.ptp(row.money) > 0:
            terms.append((model.margin, np.array([float(slack.sum())])))
        model.program.row(room, *terms)


def least_give(system: System, costs: Mapping[tuple[str, int], float]) -> list[float] | None:
    """Return by how much limits of a system must give way together, at the least cost.

    Parameters
    ----------
    system
        All limits; rows are numbered in it.
    costs
        Cost of one unit, by ``(kind, position)``: minor units for bounds, a row's own unit.

    Returns
    -------
    list of float or None
        In the order of the costs, continuous, a lower bound on what whole steps need; None where
        these limits alone do not help.
    """
    model = _model_of(system, gives=costs)
    cost = np.zeros(model.program.width)
    for n, price in enumerate(costs.values()):
        cost[model.gives[n]] = price
    found = None
    for _ in range(ROUNDS):
        found, _ = model.program.solve(cost, gap=1e-9)
        if found is None:
            return None
        if not model.top.any():
            break
        if _near_envelope(model, system, found):
            break
        _cut_at(model, system, model.minor(found))
    return None if found is None else [float(found[c][0]) for c in model.gives.values()]


def most_of(system: System, row: Row, weight: float = 1.0, *, roof: bool = False) -> Best | None:
    r"""Return the split that keeps a system's limits with the greatest :math:`P f(x) - w A x`.

    Parameters
    ----------
    system
        The other limits.
    row
        Has the outcome ``P`` and money ``A`` that are meant.
    weight
        ``w``.
    roof
        Whether the concave envelopes stand for the curves.

    Returns
    -------
    Best or None
        The bound holds for the true curves, S-shaped ones too; None where nothing was found.
    """
    # Without effect, since outcomes are at least 0, but it brings them in.
    asking = Row(row.limit, 0 * row.money, Fraction(0), outcome=row.outcome)
    model = _model_of(replace(system, rows=(*system.rows, asking)))
    cost = np.zeros(model.program.width)
    money = weight * row.money / (row.scale * system.units)
    share = np.zeros(money.size) if row.outcome is None else row.outcome
    cost[model.spend] = money * system.grid
    cost[model.outcome] = -share * model.top
    value_of = system.curves.envelope if roof else system.curves.value
    best = None
    for _ in range(ROUNDS):
        found, _ = model.program.solve(cost, gap=1e-9)
        if found is None:
            return best
        spend = np.maximum(model.minor(found), 0.0)
        bound = -float(cost @ found)
        value = float(share @ value_of(spend / system.units) - money @ spend)
        if best is None or value > best.value:
            best = Best(spend, value, bound)
        best = best._replace(bound=min(bound, best.bound))
        if best.bound - best.value <= ENOUGH * max(abs(best.bound), abs(value)):
            break
        _cut_at(model, system, spend)
    return best
