"""What a plan declares, one limit at a time, and the splits that some of it leaves.

`Declarations` lists what could be left out or loosened: the budget, the step, each channel's floor,
cap, lock, change limit, minimum and lot, and each limit across channels. `Declarations.system`
keeps some of them, `keeps` tests a split against a system in whole numbers.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from budgetopt.arrays import Floats, Whole
from budgetopt.curves import Curve
from budgetopt.money import sum_minor
from budgetopt.optimize.problem import Problem
from budgetopt.plan import CAP, CHANGE, FAR, FLOOR, FREE, LOCKED, MARGIN, Reserve, Row, Source

NEAR = 1e-9
"""A row with an outcome may miss its room by this share of its terms: it is checked in floats."""


class Declaration(NamedTuple):
    """One limit that a plan declares.

    Parameters
    ----------
    kind
        ``"row"``, ``"step"``, ``"lot"``, or the kind of a `Source`.
    at
        Position of the row or of the channel; of the source for ``"mroas"``; 0 for the step.
    """

    kind: str
    at: int


class Give(NamedTuple):
    """A declaration that may give way in a program, and what it asks for meanwhile.

    Parameters
    ----------
    declaration
        The declaration.
    at, low, high, least
        Channels with their bounds and least amounts in minor units; empty for rows.
    row
        Position among the system's rows, -1 for what is no row.
    most
        How far it can give way.
    """

    declaration: Declaration
    at: Whole
    low: Whole
    high: Whole
    least: Whole
    row: int
    most: float


@dataclass(frozen=True, eq=False)
class System:
    """The splits that some declarations leave, in minor units.

    Parameters
    ----------
    units
        Minor units in a unit of money.
    far
        More than any channel needs.
    lower, upper, grid
        Bounds and steps by channel.
    stay
        A last applied spend off the grid, which a channel may keep; -1 where there is none.
    least_on
        Where above 0 the channel is at 0 or at this at least.
    last
        Last applied spend, zeros where there is none.
    rows
        Exact rows.
    curves
        Curves over the channels, in money.
    gives
        Declarations that may give way; `keeps` does not read them.
    """

    units: int
    far: int
    lower: Whole
    upper: Whole
    grid: Whole
    stay: Whole
    least_on: Whole
    last: Whole
    rows: tuple[Row, ...]
    curves: Curve
    gives: tuple[Give, ...] = ()

    @property
    def ends(self) -> tuple[Whole, Whole]:
        """Least and most of each channel on its grid or at its last spend."""
        lower = -(-self.lower // self.grid) * self.grid
        least = -(-self.least_on // self.grid) * self.grid
        lower = np.where(lower > 0, np.maximum(lower, least), lower)
        upper = self.upper // self.grid * self.grid
        upper = np.where((upper < least) & (upper >= 0), 0, upper)
        stays = (self.stay > 0) & (self.stay >= np.maximum(self.lower, self.least_on))
        stays &= self.stay <= self.upper
        lower = np.where(stays, np.minimum(lower, self.stay), lower)
        return lower, np.where(stays, np.maximum(upper, self.stay), upper)

    def keeps(self, spend: Whole) -> bool:
        """Return whether a split keeps everything, exactly."""
        if np.any((spend < self.lower) | (spend > self.upper)):
            return False
        if np.any((spend % self.grid != 0) & (spend != self.stay)):
            return False
        if np.any((spend > 0) & (spend < self.least_on)):
            return False
        return all(self._row_kept(row, spend) for row in self.rows)

    def _row_kept(self, row: Row, spend: Whole) -> bool:
        used = row.used(spend, self.last, self.units)
        if row.outcome is None:
            return used <= row.room
        terms = row.outcome * self.curves.value(spend / self.units)
        size = abs(float(row.room)) + float(np.abs(terms).sum())
        return float(used - row.room) - float(terms.sum()) <= NEAR * size


class Declarations:
    """All that a problem's plan declares, in the order in which it is best named.

    Parameters
    ----------
    problem
        The problem. Where its bounds are no longer those of the plan, because a week's run has
        replaced them, the bounds it has are what is declared.
    """

    def __init__(self, problem: Problem) -> None:
        self.problem, self.rows = problem, problem.all_rows
        money, given = problem.money, problem.declared
        self.sources: tuple[Source, ...] = _bound_sources(problem)
        if given is not None and given.bounds is problem.bounds:
            self.sources = given.sources
        self.budget, self.reserve = problem.budget, Reserve()
        if given is not None:
            held = given.reserve.minor(given.budget, money)
            if given.budget - held == problem.budget:
                self.budget, self.reserve = given.budget, given.reserve
        self.far = _far(problem, self.sources)
        # As `Bounds.on_lots` has it: others stay off their step only where no step is left.
        self.stays = (problem.lots > problem.step) | any(row.counts for row in self.rows)
        self.all = tuple(self._listed())

    def _listed(self) -> Iterator[Declaration]:
        """Yield the plan's own rows, large bounds before small ones, rows, and targets last."""
        problem = self.problem
        target = [row.outcome is not None for row in self.rows]
        own = [row.kind in ("budget", "spend-all") for row in self.rows]
        yield from (Declaration("row", at) for at, first in enumerate(own) if first)
        for kinds in (("floor", "lock", "max-change"), ("cap",), ("off-or-at-least",)):
            asked = [
                (-int(source.lower[at]), int(at), source.kind)
                for source in self.sources
                if source.kind in kinds
                for at in np.flatnonzero((source.lower > 0) | (source.upper < FAR))
            ]
            yield from (Declaration(kind, at) for _, at, kind in sorted(asked))
        for at, source in enumerate(self.sources):
            if source.kind == "mroas" and np.any(source.upper < FAR):
                yield Declaration("mroas", at)
        yield from (Declaration("lot", at) for at in np.flatnonzero(self._lotted).tolist())
        if problem.step > 1 and not self._lotted.all():
            yield Declaration("step", 0)
        for late in (False, True):
            rest = (at for at, is_target in enumerate(target) if is_target == late and not own[at])
            yield from (Declaration("row", at) for at in rest)

    @property
    def _lotted(self) -> NDArray[np.bool_]:
        lotted: NDArray[np.bool_] = self.problem.lots != self.problem.step
        return lotted

    def budget_leaving(self, spendable: int) -> int | None:
        """Return the budget to declare so that just so much may be spent; None if there is none."""
        return self.reserve.budget_leaving(spendable, self.problem.money)

    def is_fixed(self, declaration: Declaration) -> bool:
        """Return whether a declaration is a budget of which nothing is ever left."""
        budget = declaration.kind == "row" and self.rows[declaration.at].kind == "budget"
        return budget and self.budget_leaving(self.problem.budget + 1) is None

    def is_target(self, declaration: Declaration) -> bool:
        """Return whether a declaration asks for an outcome."""
        return declaration.kind == "row" and self.rows[declaration.at].outcome is not None

    def kind(self, declaration: Declaration) -> str:
        """Return the kind of a declaration, of rows that of the rules that they come from."""
        if declaration.kind == "row":
            return self.rows[declaration.at].kind or "limit"
        return declaration.kind

    def name(self, declaration: Declaration) -> str:
        """Return the name of the limit or of the channel that a declaration is of."""
        if declaration.kind == "row":
            return self.rows[declaration.at].limit
        if declaration.kind == "mroas":
            return self.source(declaration).name
        return "step" if declaration.kind == "step" else self.problem.names[declaration.at]

    def grid(self, declaration: Declaration) -> int:
        """Return a step or a lot in minor units."""
        step = declaration.kind == "step"
        return self.problem.step if step else int(self.problem.lots[declaration.at])

    def source(self, declaration: Declaration) -> Source:
        """Return where a declaration of bounds stands."""
        if declaration.kind == "mroas":
            return self.sources[declaration.at]
        return next(one for one in self.sources if one.kind == declaration.kind)

    def system(
        self,
        kept: Collection[Declaration],
        moved: Mapping[Declaration, Fraction] | None = None,
        elastic: Collection[Declaration] = (),
        grids: Mapping[Declaration, int] | None = None,
    ) -> System:
        """Return the splits that some declarations leave.

        Parameters
        ----------
        kept
            Declarations that hold.
        moved
            By how much some of them are loosened: minor units for what is by channel, and for rows
            as `Row.loosened` takes it.
        elastic
            Some of them that may give way as far as a program lets them.
        grids
            Other steps and lots than the declared ones, in minor units.
        """
        problem, moved, size = self.problem, moved or {}, len(self.problem.names)
        lower, upper = np.zeros(size, dtype=np.int64), np.full(size, self.far)
        least_on = np.zeros(size, dtype=np.int64)
        last = np.zeros(size, dtype=np.int64) if problem.last is None else problem.last
        gives, loose = list[Give](), {*moved, *elastic}
        places: dict[str, list[int]] = {"row": []}
        for kind, at in kept:
            places.setdefault(kind, []).append(at)
        kinds = {source.kind: source for source in self.sources if source.kind != "mroas"}
        for kind, source in kinds.items():
            own = [at for at in places.get(kind, ()) if not loose or (kind, at) not in loose]
            into = least_on if kind == "off-or-at-least" else lower
            into[own] = np.maximum(into[own], source.lower[own])
            upper[own] = np.minimum(upper[own], source.upper[own])
        caps = [Declaration("mroas", at) for at in places.get("mroas", ())]
        for declaration in (*caps, *(one for one in kept if one in loose and one.kind in kinds)):
            place, low, high, least = self.bounds(declaration, int(moved.get(declaration, 0)))
            if declaration in elastic:
                gives.append(_give(declaration, place, low, high, least))
                continue
            lower[place] = np.maximum(lower[place], low)
            upper[place] = np.minimum(upper[place], high)
            least_on[place] = np.maximum(least_on[place], least)
        none = np.zeros(0, dtype=np.int64)
        for number, at in enumerate(places["row"]):
            if Declaration("row", at) in elastic:
                gives.append(Give(Declaration("row", at), none, none, none, none, number, np.inf))
        # Of changes that cost the same a program takes some, by this order.
        order = {declaration: number for number, declaration in enumerate(kept if gives else ())}
        gives.sort(key=lambda give: order[give.declaration])
        grid = np.where(lower == upper, 1, self._steps(kept, grids or {}))
        # What is locked elsewhere may be locked off the steps.
        grid[[at for kind, at in loose if kind == "lock"]] = 1
        only = (lower <= last) & (last <= upper) & (-(-lower // grid) * grid > upper)
        stay = np.where((last % grid != 0) & (self.stays | only), last, -1)
        return System(
            problem.money.units, self.far, lower, upper, grid, stay, least_on, last,
            self._rows(places["row"], moved), problem.curves, tuple(gives),
        )  # fmt: skip

    def _steps(self, kept: Collection[Declaration], grids: Mapping[Declaration, int]) -> Whole:
        """Return the step of each channel, its own lot where that is kept."""
        step, least = Declaration("step", 0), self.problem.step
        grid = np.full(len(self.problem.names), 1)
        if step in kept or least == 1:
            grid[:] = grids.get(step, least)
        for lot in (one for one in kept if one.kind == "lot"):
            grid[lot.at] = grids.get(lot, self.grid(lot))
        return grid

    def _rows(
        self, numbers: Collection[int], moved: Mapping[Declaration, Fraction]
    ) -> tuple[Row, ...]:
        """Return some of the rows, loosened by what they are moved."""
        pairs = (
            (self.rows[at], moved.get(Declaration("row", at)) if moved else None) for at in numbers
        )
        return tuple(row.loosened(by) if by else row for row, by in pairs)

    def bounds(self, declaration: Declaration, by: int = 0) -> tuple[Whole, Whole, Whole, Whole]:
        """Return the channels of a declaration with their bounds and least amounts when on."""
        source = self.source(declaration)
        at = np.array([declaration.at])
        if declaration.kind == "mroas":
            at = np.flatnonzero(source.upper < FAR)
        low, high = np.maximum(source.lower[at] - by, 0), np.minimum(source.upper[at], self.far)
        high = np.where(source.upper[at] < FAR, high + by, high)
        if declaration.kind == "off-or-at-least":
            return at, 0 * low, high, low
        return at, low, high, 0 * low


class LimitChange(NamedTuple):
    """How far one declaration gives way: minor units by channel, for rows as `Row.loosened`.

    `to` is what it then says: minor units by channel, and for rows in their own unit.
    """

    declaration: Declaration
    by: Fraction
    to: Fraction


class Reach(NamedTuple):
    """How far a target gets within the other limits, and at which spends in minor units.

    `proven` is the best that can be had, a bound where curves are S-shaped.
    """

    proven: float
    spend: Floats


@dataclass(frozen=True)
class Clash:
    """Declarations that no split keeps together.

    Parameters
    ----------
    parts
        Without any one of them the others can be kept.
    ways
        Changes to choose from, each enough for the whole plan and each of one declaration, or of
        several that go together; the cheapest in money first, then what is no money.
    reach
        Where a target is among the parts, the best that can be had.
    irreducible
        Whether every question was answered in time.
    """

    parts: tuple[Declaration, ...]
    ways: tuple[tuple[LimitChange, ...], ...]
    reach: Reach | None = None
    irreducible: bool = True


def _give(declaration: Declaration, at: Whole, low: Whole, high: Whole, least: Whole) -> Give:
    falls = declaration.kind in ("floor", "off-or-at-least")
    most = float(np.max(low + least)) if falls else np.inf
    return Give(declaration, at, low, high, least, -1, most)


def _bound_sources(problem: Problem) -> tuple[Source, ...]:
    """Return what the bounds of a problem say, by the rules that set them."""
    bounds, whole = problem.bounds, problem.budget // problem.step * problem.step
    lock = (bounds.lower_rule == LOCKED) & (bounds.lower == bounds.upper)

    def source(kind: str, low: NDArray[np.bool_], high: NDArray[np.bool_]) -> Source:
        lower = np.where(low & (bounds.lower > 0), bounds.lower, 0)
        return Source(kind, kind, lower, np.where(high, bounds.upper, FAR))

    low, high = bounds.lower_rule, bounds.upper_rule
    free = (high == FREE) & (bounds.upper < whole)
    return (
        source("floor", np.isin(low, (FREE, FLOOR, CAP)), np.zeros_like(lock)),
        source("cap", np.zeros_like(lock), free | np.isin(high, (FLOOR, CAP))),
        source("lock", lock | (low == LOCKED), lock | (high == LOCKED)),
        source("max-change", low == CHANGE, high == CHANGE),
        source("mroas", np.zeros_like(lock), high == MARGIN),
        Source("off-or-at-least", "", problem.least_on, np.full(lock.size, FAR)),
    )


def _far(problem: Problem, sources: tuple[Source, ...]) -> int:
    """Return more money than any set of declarations needs in a channel."""
    most = max(problem.budget, int(problem.last_money.max(initial=0) * problem.money.units))
    for source in sources:
        most = max(most, sum_minor(source.lower))
    most += sum_minor(problem.lots)
    for row in problem.all_rows:
        used = [-value for value in row.money.tolist() if value < 0]
        if used and row.room < 0:
            most = max(most, math.ceil(-row.room * row.scale * problem.money.units / min(used)))
    # An outcome, unlike money, may need far more than all else.
    times = 10 if all(row.outcome is None for row in problem.all_rows) else 1000
    return min(times * most, 2**53)
