"""Which declarations clash, and the least changes that make a plan feasible.

The search for the set only ever asks whether some declarations can be kept together
(`find_split`), so that it is the same for every kind. With S-shaped curves what is said of a target
is "at most": it comes from their concave envelopes.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import replace
from fractions import Fraction

import numpy as np

from budgetopt.arrays import Whole
from budgetopt.errors import InfeasibleError
from budgetopt.optimize.infeasibility import sentences
from budgetopt.optimize.infeasibility.declarations import (
    Clash,
    Declaration,
    Declarations,
    LimitChange,
    Reach,
    System,
)
from budgetopt.optimize.infeasibility.feasibility import (
    WORK,
    Cut,
    Effort,
    Feasibility,
    arithmetic,
    find_split,
    least_gives,
    most_of,
)
from budgetopt.optimize.problem import UNLIMITED, Clock, Problem

DIGITS = 4
"""A target and what is no money are said with so many digits, on the side that can be kept."""
SHARE = Fraction(1, 10_000)
"""A share is changed by hundredths of a percent."""
LEAST = 1e-6
"""What gives way by less does not; it is the accuracy of a program."""


def explain_infeasible(
    problem: Problem, left: Clock = UNLIMITED, *, known: bool = False
) -> InfeasibleError | None:
    """Return the error that says why a problem has no solution.

    Parameters
    ----------
    problem
        The problem.
    left
        The caller's time; its work is limited as well (`Effort`). Where that is not enough, the
        error says so.
    known
        Whether it is known already that there is no solution.

    Returns
    -------
    InfeasibleError or None
        With the code that fits what clashes; None where no clash is shown.
    """
    clash = find_clash(problem, left, known=known)
    return None if clash is None else sentences.error(problem, clash)


def find_clash(problem: Problem, left: Clock = UNLIMITED, *, known: bool = False) -> Clash | None:
    """Return an irreducible set of declarations that clash; None where no clash is shown.

    Notes
    -----
    The set is found by halving (Junker 2004, "QuickXplain"), which asks about ``k log(n/k)``
    subsets for a clash of k among n declarations where a deletion filter asks about n (Chinneck
    2008, "Feasibility and Infeasibility in Optimization", chapter 6); a deletion filter then goes
    over what is left. Targets are left out first, so that a clash without one is named before one
    with it.
    """
    search = _Search(problem, left)
    parts = search.minimal(known)
    if parts is None:
        return None
    # A set of thousands may take all the work; the changes have some of their own.
    search.effort.work = max(search.effort.work, WORK // 4)
    target = next((part for part in parts if search.declared.is_target(part)), None)
    # Where envelopes show no clash, they have nothing to say of the best either.
    target = target if search.shown else None
    reach, change = (None, None) if target is None else search.reach(target)
    single = [] if change is None else [change]
    single += search.single_changes([part for part in parts if part != target])
    ways = tuple((change,) for change in single)
    return Clash(parts, ways or search.together(), reach, search.irreducible)


class _Search:
    """Questions about subsets of a problem's declarations, within an effort."""

    def __init__(self, problem: Problem, left: Clock) -> None:
        self.problem, self.declared = problem, Declarations(problem)
        self.effort = Effort(left=left)
        self.cuts: list[Cut] = []
        self.irreducible, self.shown = False, True
        self.answers: dict[frozenset[Declaration], Feasibility] = {}

    @property
    def late(self) -> bool:
        """Whether what it may take is used up."""
        return self.effort.over

    def answer(self, kept: Collection[Declaration]) -> Feasibility:
        """Return whether some declarations can be kept together, each asked once."""
        key = frozenset(kept)
        if key not in self.answers:
            self.answers[key] = find_split(self._system(kept), self.cuts, self.effort)
        return self.answers[key]

    def _system(self, kept: Collection[Declaration]) -> System:
        # Counted too: among thousands of channels there are thousands of systems of thousands.
        self.effort.work -= len(kept) // 16
        return self.declared.system(kept)

    def clash(self, kept: Collection[Declaration]) -> bool:
        """Return whether some declarations are shown to clash."""
        return self.answer(kept).none

    def _after(
        self, moved: dict[Declaration, Fraction], grids: dict[Declaration, int] | None = None
    ) -> Whole | None:
        """Return a split of the whole plan after changes."""
        system = self.declared.system(self.declared.all, moved, grids=grids)
        return find_split(system, self.cuts, self.effort).spend

    def minimal(self, known: bool) -> tuple[Declaration, ...] | None:
        """Return the smallest set; None where all declarations are not shown to clash."""
        every = self.declared.all

        def plain(kept: Collection[Declaration]) -> bool:
            return arithmetic(self._system(kept))

        parts: tuple[Declaration, ...] = every
        if plain(every):
            # What arithmetic cannot show without a limit, a program perhaps can.
            parts = self._halved(every, plain)
        elif not self.clash(every):
            if not known or self.answer(every).spend is not None:
                return None
            self.answers[frozenset(every)], self.shown = Feasibility(None, True), False
        parts = self._halved(parts, self.clash)
        for part in parts:
            rest = [one for one in parts if one != part]
            if not self.late and self.clash(rest):
                parts = tuple(rest)
        found = set(parts)
        # No set is asked about: its order, and with it a split, would change from run to run.
        parts = tuple(part for part in every if part in found)
        others = ([one for one in parts if one != part] for part in parts)
        self.irreducible = not self.late and all(self.answer(o).spend is not None for o in others)
        return parts

    def _halved(
        self,
        parts: tuple[Declaration, ...],
        clash: Callable[[Collection[Declaration]], bool],
    ) -> tuple[Declaration, ...]:
        """Return a minimal subset that clashes, the first ones rather than the last."""

        def search(
            given: tuple[Declaration, ...], fresh: bool, rest: tuple[Declaration, ...]
        ) -> tuple[Declaration, ...]:
            if self.late:
                return rest
            if fresh and clash(given):
                return ()
            if len(rest) == 1:
                return rest
            first, second = rest[: len(rest) // 2], rest[len(rest) // 2 :]
            late = search((*given, *first), bool(first), second)
            early = search((*given, *late), bool(late), first)
            return (*early, *late)

        return search((), False, parts) if parts else ()

    def single_changes(self, parts: Sequence[Declaration]) -> list[LimitChange]:
        """Return the least change of each part that is enough alone, the cheapest first."""
        found: list[tuple[int, float, int, LimitChange]] = []
        for part in parts:
            change = None if self.late else self._least(part)
            if change is not None:
                money = self.in_money(part)
                cost = float(change.by) * (1.0 if money is None else float(money))
                order = -part.at if part.kind == "row" else -(10**6)
                found.append((money is None, cost, order, change))
        return [change for *_, change in sorted(found, key=lambda one: one[:3])]

    def in_money(self, part: Declaration) -> Fraction | None:
        """Return what one unit of a declaration is in money, None where it is no money."""
        if part.kind in ("step", "lot"):
            return None
        if part.kind != "row":
            return Fraction(1, self.problem.money.units)
        row = self.declared.rows[part.at]
        return Fraction(1) if row.unit == "money" and row.base is None else None

    def _least(self, part: Declaration) -> LimitChange | None:
        """Return the least change of one declaration that makes the whole plan feasible.

        Without the declaration a split shows how much is enough, and an elastic program what is
        too little; between them the change is halved.
        """
        if part.kind in ("step", "lot"):
            return self._finer(part)
        if self.declared.is_target(part):
            return self.reach(part)[1]
        if self.declared.is_fixed(part):
            return None
        every = self.declared.all
        split = self.answer([one for one in every if one != part]).spend
        if split is None:
            return None
        give = None
        if part.kind != "row" or self.declared.rows[part.at].base is None:
            system = self.declared.system(every, elastic=[part])
            give = least_gives(system, {part: 1.0}, self.cuts, self.effort)
        most = float(self.needed(part, split))
        unit = self._unit(part, max(give[0] if give else 0.0, most / 1000))
        low = max(0, math.ceil(give[0] / float(unit) - 1e-4) - 1) if give else 0
        high, middle = math.ceil(self.needed(part, split) / unit), low + 1
        while high - low > 1:
            if self.late:
                return None
            found = self._after({part: middle * unit})
            if found is None:
                low = middle
            else:
                high, split = min(middle, math.ceil(self.needed(part, found) / unit)), found
            middle = (low + high) // 2
        return self._change(part, high * unit, split)

    def needed(self, part: Declaration, split: Whole) -> Fraction:
        """Return by how much a declaration must be loosened to let a split be, if positive."""
        if part.kind != "row":
            at, *bounds = self.declared.bounds(part)
            if part.kind == "mroas":
                return Fraction(int(np.max(split[at] - bounds[1])))
            low, high, least = (int(each[0]) for each in bounds)
            spend = int(split[part.at])
            short = least - spend if spend > 0 else 0
            return Fraction(max(low - spend, spend - high, short))
        row, units = self.declared.rows[part.at], self.problem.money.units
        last = np.zeros_like(split) if self.problem.last is None else self.problem.last
        over = row.used(split, last, units) - row.room
        if row.base is not None:
            of = replace(row, money=row.base, room=Fraction(0)).used(split, last, units)
            return over / of if of > 0 else Fraction(0)
        if row.outcome is not None:
            over -= Fraction(float(row.outcome @ self.problem.curves.value(split / units)))
        return over

    def _unit(self, part: Declaration, least: float) -> Fraction:
        """Return the smallest change that is worth saying."""
        step, minor = Fraction(self.problem.step), Fraction(1)
        if part.kind != "row":
            # What is locked is off the steps where the lock is.
            return minor if part.kind == "lock" else step
        row = self.declared.rows[part.at]
        if row.base is not None:
            return SHARE
        if row.counts:
            return Fraction(1)
        if row.kind in ("budget", "spend-all"):
            # With all to be spent the least change is the one that a total just meets.
            return Fraction(1, self.problem.money.units)
        if self.in_money(part) is not None:
            return step / self.problem.money.units
        return Fraction(10) ** (math.floor(math.log10(max(least, 1e-300))) + 1 - DIGITS)

    def _change(self, part: Declaration, by: Fraction, split: Whole) -> LimitChange:
        """Return a change with what the declaration says after it, where a split is let be."""
        if part.kind == "row":
            row = self.declared.rows[part.at]
            stated = row.stated
            return LimitChange(part, by, stated - by if row.least else stated + by)
        low, high, least = (int(each[0]) for each in self.declared.bounds(part)[1:])
        if part.kind == "lock":
            return LimitChange(part, by, Fraction(int(split[part.at])))
        if part.kind in ("floor", "off-or-at-least"):
            return LimitChange(part, by, max(Fraction(0), low + least - by))
        return LimitChange(part, by, high + by)

    def _finer(self, part: Declaration) -> LimitChange | None:
        """Return the coarsest finer step that makes the whole plan feasible."""
        problem = self.problem
        now = self.declared.grid(part)
        finest = 1 if part.kind == "step" else math.gcd(now, problem.step)
        # The divisors of what a step is of the finest one are few; of large ones the round few.
        parts = {1, 2, 3, 4, 5, 6, 8, 9, *(by * 10**n for by in (1, 2, 5) for n in range(19))}
        divisors = {now // part for part in parts if now % part == 0} | {finest}
        for grid in sorted(divisors - {now}, reverse=True):
            if grid % finest or self.late:
                continue
            if self._after({}, {part: grid}) is not None:
                return LimitChange(part, Fraction(now - grid), Fraction(grid))
        return None

    def together(self) -> tuple[tuple[LimitChange, ...], ...]:
        """Return changes of several declarations that are enough together, cheap in money."""
        parts = [
            part
            for part in self.declared.all
            if part.kind not in ("step", "lot") and not (part.kind == "row" and self._fixed(part))
        ]
        system = self.declared.system(self.declared.all, elastic=parts)
        costs = {part: self._cost(part) for part in parts}
        for whole in (False, True):
            give = least_gives(system, costs, self.cuts, self.effort, whole=whole) or []
            moved = dict[Declaration, Fraction]()
            for given, amount in zip(system.gives, give, strict=False):
                if amount > LEAST:
                    unit = self._unit(given.declaration, amount)
                    moved[given.declaration] = math.ceil(amount / float(unit) - 1e-4) * unit
            split = self._after(moved) if moved else None
            if split is not None:
                return (tuple(self._needed_changes(parts, split)),)
        return ()

    def _needed_changes(self, parts: Sequence[Declaration], split: Whole) -> Iterator[LimitChange]:
        """Yield the changes that let a split be."""
        for part in parts:
            by = self.needed(part, split)
            if by > 0:
                unit = self._unit(part, float(by)) if part.kind == "row" else Fraction(1)
                unit = unit if self.in_money(part) is None else unit / self.problem.step
                yield self._change(part, math.ceil(by / unit) * unit, split)

    def _fixed(self, part: Declaration) -> bool:
        """Return whether more room is not what loosens a row."""
        row = self.declared.rows[part.at]
        return row.base is not None or row.ratio or self.declared.is_fixed(part)

    def _cost(self, part: Declaration) -> float:
        """Return what a unit costs; what is no money costs the budget to lift whole."""
        money = self.in_money(part)
        if money is not None:
            return float(money)
        room = abs(float(self.declared.rows[part.at].room))
        return (1.0 + self.problem.budget_money) / max(room, 1e-6)

    def reach(self, part: Declaration) -> tuple[Reach | None, LimitChange | None]:
        """Return how far a target gets within the other declarations, and the target moved there.

        An outcome is maximised; a ratio of outcome to money by Dinkelbach's method (1967), whose
        every step maximises ``P f(x) - w A x``. Where the other declarations include a target that
        clashes by itself, targets are left out.
        """
        others = [one for one in self.declared.all if one != part]
        if self.clash(others):
            others = [one for one in others if not self.declared.is_target(one)]
        system = self.declared.system(others)
        best, weight, row = None, 1.0, self.declared.rows[part.at]
        share = np.zeros(row.money.size) if row.outcome is None else row.outcome
        for _ in range(20 if row.ratio else 1):
            best = most_of(system, row, weight, self.cuts, self.effort)
            if best is None:
                return None, None
            money = best.spend / system.units
            gained = roof = float(share @ system.curves.value(money))
            spent = float(row.money_floats @ money)
            if not system.curves.concave:
                roof = float(share @ system.curves.envelope(money))
            if not row.ratio or spent <= 0:
                break
            before, weight = weight, roof / spent
            if abs(weight - before) <= 1e-8 * abs(weight):
                break
        if best is None or (row.ratio and spent <= 0):
            return None, None
        if not row.ratio:
            proven = best.value if system.curves.concave else best.bound
            figures = (best.value, gained - spent)
        else:
            stated = float(row.bound if row.bound is not None else 1)
            part_of = [stated * each if row.kind != "cpa" else -stated / max(each, 1e-300)
                       for each in (weight, gained / spent)]  # fmt: skip
            proven, figures = abs(part_of[0]), (part_of[0], part_of[1])
        return Reach(proven, best.spend), self._moved_target(part, figures)

    def _moved_target(self, part: Declaration, figures: tuple[float, ...]) -> LimitChange | None:
        """Return the target moved to a figure, rounded to the side that can be kept."""
        row = self.declared.rows[part.at]
        stated = row.bound if row.bound is not None else (Fraction(1) if row.ratio else -row.room)
        for target in (each for value in figures for each in _rounded_down(value)):
            if (row.ratio and target == 0) or self.late:
                continue
            by = abs(target) - stated if row.kind == "cpa" else stated - target
            if row.ratio and row.bound is None:
                by = 1 / target - 1
            if self._after({part: by}) is not None:
                return LimitChange(part, by, abs(target))
        return None


def _rounded_down(value: float) -> Iterator[Fraction]:
    """Yield a number rounded down to a few digits, and then a little less and less."""
    if value == 0 or not math.isfinite(value):
        return
    unit = Fraction(10) ** (math.floor(math.log10(abs(value))) + 1 - DIGITS)
    # A number that only rounding error keeps below a figure counts as it; a split decides.
    whole = math.floor(Fraction(value) / unit + Fraction(1, 10**6))
    for less in (0, 1, 2, 5, 20):
        yield (whole - less) * unit
