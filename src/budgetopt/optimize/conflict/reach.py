"""Which splits a set of limits leaves: the limits by name, and the exact test of a split.

`limits_of` lists every limit of a problem that could be left out or moved; `system_of` keeps some
of them; `keeps` tests a split exactly; `arithmetic` finds the plain clashes without a solver.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from budgetopt.curves import Curve
from budgetopt.plan import Row
from budgetopt.plan.bounds import LOCKED

if TYPE_CHECKING:
    from budgetopt.optimize.problem import Problem

Floats = NDArray[np.float64]
Whole = NDArray[np.int64]

NEAR = 1e-9
"""A row with an outcome may miss its room by this share of its terms: it is checked in floats."""


class Part(NamedTuple):
    """One limit of a problem.

    Parameters
    ----------
    kind
        Where it stands: a row, a bound of a channel, a lock (both bounds), a least amount for
        being on, a channel's own lot.
    at
        Position of the row or of the channel.
    """

    kind: Literal["row", "lower", "upper", "lock", "minimum", "lot"]
    at: int


@dataclass(frozen=True, eq=False)
class System:
    """The splits that some of a problem's limits leave.

    Parameters
    ----------
    units
        Minor units in a unit of money.
    far
        Minor units beyond all need.
    lower, upper
        Minor units, shape ``(channels,)``; `upper` is `far` where nothing bounds it.
    grid
        Spends are multiples of this, minor units.
    stay
        A last applied spend off the grid, which a channel may keep; -1 where there is none.
    least_on
        Minor units; where above 0 the channel is at 0 or at this at least.
    rows
        Exact rows.
    last
        Last applied spend in minor units, zeros where there is none.
    curves
        Curves over the channels.
    """

    units: int
    far: int
    lower: Whole
    upper: Whole
    grid: Whole
    stay: Whole
    least_on: Whole
    rows: tuple[Row, ...]
    last: Whole
    curves: Curve


def limits_of(problem: Problem) -> tuple[Part, ...]:
    """Return every limit of a problem, those least worth naming last.

    A search for a clash prefers the first ones: the budget, then bounds, large floors before small
    ones, then rows, targets last of all.
    """
    rows = problem.all_rows
    bounds, whole = problem.bounds, problem.budget // problem.step * problem.step
    lock = (bounds.lower_rule == LOCKED) & (bounds.lower == bounds.upper)
    low = (bounds.lower > 0) & ~lock
    high = ~lock & ((bounds.upper_rule > 0) | (bounds.upper < whole))
    plain = [Part("row", at) for at, row in enumerate(rows) if row.outcome is None]
    targets = [Part("row", at) for at, row in enumerate(rows) if row.outcome is not None]
    own = [part for part in plain if rows[part.at] not in problem.limits]
    parts = [*own]
    for at in np.argsort(-bounds.lower, kind="stable").tolist():
        parts += [Part("lock", at)] * bool(lock[at]) + [Part("lower", at)] * bool(low[at])
    parts += [Part("upper", int(at)) for at in np.flatnonzero(high)]
    parts += [Part("minimum", int(at)) for at in np.flatnonzero(problem.least_on > 0)]
    parts += [Part("lot", int(at)) for at in np.flatnonzero(problem.lots != problem.step)]
    return (*parts, *(part for part in plain if part not in own), *targets)


def system_of(
    problem: Problem, kept: Collection[Part], moved: Mapping[Part, Fraction] | None = None
) -> System:
    """Return the splits that the kept limits leave, some of them moved out by an amount.

    Parameters
    ----------
    problem
        The problem.
    kept
        Limits that hold.
    moved
        By how much a limit gives way: minor units for bounds and minimums, the row's own unit
        for rows; for a ratio (a row with outcome and no room) the factor by which an outcome
        counts for more, less 1.
    """
    given, moved = problem.bounds, moved or {}
    chosen = {kind: _flags(problem, kept, kind) for kind in ("lower", "upper", "lock", "minimum")}
    far = _ceiling(problem)
    lower = np.where(chosen["lower"] | chosen["lock"], given.lower, 0)
    upper = np.where(chosen["upper"] | chosen["lock"], given.upper, far)
    least_on = np.where(chosen["minimum"], problem.least_on, 0)
    for part, by in moved.items():
        if part.kind in ("lower", "lock"):
            lower[part.at] = max(0, lower[part.at] - int(by))
        if part.kind in ("upper", "lock"):
            upper[part.at] += int(by)
        if part.kind == "minimum":
            least_on[part.at] = max(0, least_on[part.at] - int(by))
    rows = tuple(
        _moved(row, moved.get(Part("row", at), Fraction(0)))
        for at, row in enumerate(problem.all_rows)
        if Part("row", at) in kept
    )
    grid = _grid(problem, kept)
    last = np.zeros_like(lower) if problem.last is None else problem.last
    return System(
        units=problem.money.units,
        far=far,
        lower=lower,
        upper=upper,
        grid=grid,
        stay=np.where(last % grid != 0, last, -1),
        least_on=least_on,
        rows=rows,
        last=last,
        curves=problem.curves,
    )


def _moved(row: Row, by: Fraction) -> Row:
    """Return a row with more room; where outcome meets money, each outcome counts more instead."""
    if row.outcome is not None and row.room == 0:
        return replace(row, outcome=row.outcome * float(1 + by))
    return replace(row, room=row.room + by)


def _flags(problem: Problem, kept: Collection[Part], kind: str) -> NDArray[np.bool_]:
    flags = np.zeros(len(problem.names), dtype=bool)
    flags[[part.at for part in kept if part.kind == kind]] = True
    return flags


def _grid(problem: Problem, kept: Collection[Part]) -> Whole:
    """Return the steps of the channels; a fixed spend off the steps makes its channel's finer."""
    lots = _flags(problem, kept, "lot")
    grid = np.where(lots, problem.lots, np.gcd(problem.lots, problem.step))
    fixed = problem.bounds.lower == problem.bounds.upper
    exact: Whole = np.where(fixed, np.gcd(grid, problem.bounds.lower), grid)
    return exact


def _ceiling(problem: Problem) -> int:
    """Return more money than any set of the limits needs in a channel."""
    bounds = problem.bounds
    sums = int(bounds.lower.sum()) + int(problem.least_on.sum()) + int(problem.lots.sum())
    most = max(problem.budget, sums, int(problem.last_money.max(initial=0) * problem.money.units))
    for row in problem.all_rows:
        used = np.abs(row.money[row.money < 0])
        if used.size and row.room < 0:
            needed = -row.room * row.scale * problem.money.units / int(used.min())
            most = max(most, math.ceil(needed))
    # An outcome, unlike money, may need far more than all else.
    times = 10 if all(row.outcome is None for row in problem.all_rows) else 1000
    return min(times * most, 2**53, 2**61 // len(problem.names))


def keeps(system: System, spend: Whole) -> bool:
    """Return whether a split in minor units keeps every limit of a system, exactly."""
    if np.any((spend < system.lower) | (spend > system.upper)):
        return False
    if np.any((spend % system.grid != 0) & (spend != system.stay)):
        return False
    if np.any((spend > 0) & (spend < system.least_on)):
        return False
    return all(_row_kept(system, row, spend) for row in system.rows)


def _row_kept(system: System, row: Row, spend: Whole) -> bool:
    used = row.used(spend, system.last, system.units)
    if row.outcome is None:
        return used <= row.room
    terms = row.outcome * system.curves.value(spend / system.units)
    size = abs(float(row.room)) + float(np.abs(terms).sum())
    return float(used - row.room) - float(terms.sum()) <= NEAR * size


def arithmetic(system: System) -> bool:
    """Return whether plain arithmetic alone shows that no split keeps a system's limits.

    Every row is looked at on its own, between the bounds and under the budget (a row whose
    coefficients are all one): its left side is made as small as these allow, in whole numbers,
    and compared with its room (Brearley, Mitra and Williams 1975, section 3).
    """
    lower, upper = drawn_in(system)
    if np.any(lower > upper):
        return True
    totals = [row for row in system.rows if is_total(row)]
    rooms = [math.floor(row.room * system.units) for row in totals]
    budget = min(rooms, default=None)
    rest = None if budget is None else budget - int(lower.sum())
    if rest is not None and rest < 0:
        return True
    for row in system.rows:
        split = _least_use(system, row, lower, upper, rest)
        if split is not None and row.used(split, system.last, system.units) > row.room:
            return True
    return False


def drawn_in(system: System) -> tuple[Whole, Whole]:
    """Return the least and most that each channel can get, on its steps or where it was.

    A floor is lifted to the least for being on.
    """
    lower = -(-system.lower // system.grid) * system.grid
    least = -(-system.least_on // system.grid) * system.grid
    lower = np.where(lower > 0, np.maximum(lower, least), lower)
    upper = system.upper // system.grid * system.grid
    upper = np.where((upper < least) & (upper >= 0), 0, upper)
    # Where the last spend is off the steps, staying there is one more choice.
    inside = (system.stay >= system.lower) & (system.stay <= system.upper)
    stays = (system.stay > 0) & inside & (system.stay >= system.least_on)
    lower = np.where(stays, np.minimum(lower, system.stay), lower)
    return lower, np.where(stays, np.maximum(upper, system.stay), upper)


def least_when_on(system: System) -> Whole:
    """Return the least spend above zero that each channel can have, in minor units."""
    first = np.where(system.stay > 0, np.minimum(system.stay, system.grid), system.grid)
    return np.maximum(first, system.least_on)


def is_total(row: Row, sign: int = 1) -> bool:
    """Return whether a row bounds the sum of all spends, from below where the sign is -1."""
    plain = row.moved is None and row.outcome is None and not row.counts
    return plain and bool(np.all(row.money == sign * row.scale))


def _least_use(
    system: System, row: Row, lower: Whole, upper: Whole, rest: int | None
) -> Whole | None:
    """Return a split that uses a row least between bounds and budget; None where that is hard."""
    if row.outcome is not None:
        return None
    if row.moved is not None or row.moves is not None:
        if row.money.any() or row.on is not None:
            return None
        return np.clip(system.last, lower, upper)
    if row.on is not None:
        least = np.maximum(least_when_on(system), lower)
        most = np.where((row.on < 0) & (upper > 0), np.minimum(least, upper), lower)
        gain, uniform = most - lower, np.ptp(row.on[row.on < 0]) == 0 if np.any(row.on < 0) else 1
        if rest is None or not uniform:
            return most
        order = np.argsort(gain, kind="stable")
    else:
        most = np.where(row.money < 0, upper, lower)
        gain = most - lower
        if rest is None:
            return most
        order = np.argsort(row.money, kind="stable")
    # The cheapest to switch on, or the most useful money, first; the last one in part.
    before = np.cumsum(gain[order]) - gain[order]
    taken = np.clip(rest - before, 0, gain[order])
    if row.on is not None:
        taken = np.where(taken < gain[order], 0, taken)
    split = lower.copy()
    split[order] += taken
    return split
