"""The least that limits must give way for a plan to become feasible, and how far a target gets."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from budgetopt.optimize.conflict.elastic import Best, find_split, least_give, most_of
from budgetopt.optimize.conflict.reach import Part, limits_of, system_of
from budgetopt.optimize.problem import Problem
from budgetopt.plan import RULES, Row
from budgetopt.plan.bounds import CHANGE, MARGIN

Floats = NDArray[np.float64]

DOUBLINGS = 30
"""A change is doubled this often before it is given up."""
MANY = 24
"""So many limits of a clash are tried one by one; beyond, the first ones speak for the others."""
_LEAST = 1e-6
"""What gives way by less does not; it is the accuracy of a program."""
DIGITS = 4
"""A target and what is no money are said with so many digits, on the side that can be kept."""


@dataclass(frozen=True)
class Change:
    """How far one limit gives way.

    Parameters
    ----------
    part
        The limit.
    by
        As `reach.system_of` takes it: minor units for bounds and least
        amounts, a row's own unit for rows, the factor on the outcome less 1 for ratios.
    text
        The same as an imperative clause.
    """

    part: Part
    by: Fraction
    text: str


def _split_with(problem: Problem, moved: dict[Part, Fraction]) -> NDArray[np.int64] | None:
    return find_split(system_of(problem, set(limits_of(problem)), moved)).spend


def is_target(problem: Problem, part: Part) -> bool:
    """Return whether a limit asks for an outcome."""
    return part.kind == "row" and problem.all_rows[part.at].outcome is not None


def least_change(
    problem: Problem, parts: Sequence[Part], *, together: bool = True
) -> tuple[tuple[Change, ...], ...]:
    """Return the cheapest changes that make a whole problem feasible.

    Parameters
    ----------
    problem
        The problem.
    parts
        The limits that clash. Each is tried alone; where none is enough, all limits of the
        problem may give way together.
    together
        Whether they may.

    Returns
    -------
    tuple of tuple of Change
        Ways to choose from: the cheapest in money, then the least of what is no money (counts,
        units of one's own). Each is one change, or several that go together.
    """
    alone = [p for p in parts if p.kind != "lot" and not is_target(problem, p)]
    ways = [_cheapest(problem, [p for p in alone if _in_money(problem, p)][:MANY])]
    ways.append(_cheapest(problem, [p for p in alone if not _in_money(problem, p)][:MANY]))
    found = tuple((way,) for way in ways if way is not None)
    if found or not together:
        return found
    several = _together(problem)
    return (several,) if several else ()


def _cheapest(problem: Problem, parts: Sequence[Part]) -> Change | None:
    """Return the least change of one of some limits that makes a whole problem feasible."""
    system = system_of(problem, set(limits_of(problem)))
    least: list[tuple[float, int, Part]] = []
    for part in parts:
        give = least_give(system, {(part.kind, part.at): 1.0})
        if give is not None:
            least.append((give[0] / _per_money(problem, part), _order(part), part))
    best: tuple[float, Change] | None = None
    for cost, _, part in sorted(least):
        # What the others need at least, without whole steps, is more already.
        if best is not None and cost >= best[0] * (1 - 1e-9):
            break
        by = _whole_give(problem, part, cost * _per_money(problem, part))
        price = np.inf if by is None else float(by) / _per_money(problem, part)
        if by is not None and (best is None or price < best[0]):
            best = (price, Change(part, by, _said(problem, part, by)))
    return None if best is None else best[1]


def _in_money(problem: Problem, part: Part) -> bool:
    """Return whether a limit gives way in money."""
    if part.kind != "row":
        return True
    row = problem.all_rows[part.at]
    if row.counts or row.outcome is not None:
        return False
    if "% of" in row.sentence:
        return True
    used = row.money if row.moved is None else np.abs(row.money) + row.moved
    return bool(np.all(np.isin(np.abs(used), (0, row.scale))))


def _per_money(problem: Problem, part: Part) -> float:
    """Return how much of a limit's unit is one unit of money."""
    return 1.0 if part.kind == "row" else float(problem.money.units)


def _order(part: Part) -> int:
    """Among equal changes the budget comes last, and what says to spend it before it."""
    return -part.at if part.kind == "row" else -(10**6)


def _unit(problem: Problem, part: Part, least: float) -> Fraction:
    """Return the smallest change that is worth saying."""
    step = Fraction(problem.step)
    if part.kind == "lock":
        return Fraction(math.gcd(problem.step, int(problem.bounds.lower[part.at])))
    if part.kind != "row":
        return step
    if problem.all_rows[part.at].counts:
        return Fraction(1)
    if _in_money(problem, part):
        return step / problem.money.units
    return Fraction(10) ** (math.floor(math.log10(max(least, 1e-300))) + 1 - DIGITS)


def _whole_give(problem: Problem, part: Part, least: float) -> Fraction | None:
    """Return the least change in whole units that lets a split on steps be found."""
    unit = _unit(problem, part, least)

    def enough(count: int) -> bool:
        return count > 0 and _split_with(problem, {part: count * unit}) is not None

    first = max(1, math.ceil(least / float(unit) - 1e-4))
    low, high = first - 1, first
    for doubling in range(DOUBLINGS):
        if enough(high):
            break
        low, high = high, first + 2**doubling
    else:
        return None
    if low == first - 1 and enough(low):
        return low * unit
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if enough(middle) else (middle, high)
    return high * unit


def _together(problem: Problem) -> tuple[Change, ...]:
    """Return changes of several limits that together make a problem feasible, cheap in money."""
    parts = [p for p in limits_of(problem) if p.kind != "lot"]
    system = system_of(problem, set(limits_of(problem)))
    costs: dict[tuple[str, int], float] = {(p.kind, p.at): _cost(problem, p) for p in parts}
    for whole in (False, True):
        give = least_give(system, costs, whole=whole) or []
        moved = {}
        for part, amount in zip(parts, give, strict=False):
            if amount > _LEAST:
                unit = _unit(problem, part, amount)
                moved[part] = max(1, math.ceil(amount / float(unit) - 1e-4)) * unit
        if moved and _split_with(problem, moved) is not None:
            return tuple(Change(p, by, _said(problem, p, by)) for p, by in moved.items())
    return ()


def _cost(problem: Problem, part: Part) -> float:
    """Return what a unit of a limit costs; what is no money costs the budget to lift whole."""
    if _in_money(problem, part):
        return 1.0 / _per_money(problem, part)
    row = problem.all_rows[part.at]
    return (1.0 + problem.budget_money) / max(abs(float(row.room)), 1e-6)


def _said(problem: Problem, part: Part, by: Fraction) -> str:
    """Return a change as an imperative clause."""
    if part.kind == "row":
        return _row_said(problem, part, by)
    show, bounds, name = problem.money.show, problem.bounds, problem.names[part.at]
    much = int(by)
    if part.kind == "minimum":
        left = max(0, int(problem.least_on[part.at]) - much)
        return f"lower off_or_at_least of {name!r} by {show(much)}, to {show(left)}"
    if part.kind == "lock":
        lock = int(bounds.lower[part.at])
        split = _split_with(problem, {part: by})
        down = split is not None and split[part.at] < lock
        to = max(0, lock - much) if down else lock + much
        word = "lower" if down else "raise"
        return f"{word} the lock of {name!r} by {show(abs(to - lock))}, to {show(to)}"
    low = part.kind == "lower"
    rule = (bounds.lower_rule if low else bounds.upper_rule)[part.at]
    if rule == CHANGE:
        return f"let {name!r} {'fall' if low else 'rise'} by {show(much)} more"
    if rule == MARGIN:
        return f"let {name!r} get {show(much)} more than its mROAS floor leaves"
    to = int(bounds.lower[part.at]) - much if low else int(bounds.upper[part.at]) + much
    what = RULES[rule] or ("least" if low else "most")
    return f"{'lower' if low else 'raise'} the {what} of {name!r} by {show(much)}, to {show(to)}"


def _row_said(problem: Problem, part: Part, by: Fraction) -> str:
    row, money = problem.all_rows[part.at], problem.money
    in_money = f"{money.show(int(by * money.units))} {money.code}"
    if row not in problem.limits:
        if part.at == 0:
            to = money.show(problem.budget + int(by * money.units))
            return f"raise the budget by {in_money}, to {to}"
        return f"leave {in_money} of the budget unspent (spend = 'at-most')"
    if row.outcome is not None:
        return f"loosen {row.limit!r} by {_figure(by)}"
    if row.counts:
        return f"loosen {row.limit!r} by {int(by)} channel{'' if by == 1 else 's'}"
    if not _in_money(problem, part):
        return f"loosen {row.limit!r} by {_figure(by)} in its unit ({row.sentence})"
    return f"loosen {row.limit!r} by {in_money}"


def _figure(number: Fraction | float) -> str:
    """Return a number that has few digits without an exponent."""
    text = f"{float(number):,.12f}" if abs(float(number)) < 1e9 else f"{float(number):,.0f}"
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return text if text not in ("0", "-0") else f"{float(number):.{DIGITS}g}"


@dataclass(frozen=True)
class Reach:
    """How far a target gets within the other limits.

    Parameters
    ----------
    text
        The best that can be had, in words.
    change
        The target moved to where a split can keep it; None where none was found.
    """

    text: str
    change: Change | None


def best_reach(problem: Problem, part: Part) -> Reach | None:
    """Return how far a target gets within the other limits of a problem.

    Parameters
    ----------
    problem
        The problem.
    part
        A row with an outcome.

    Notes
    -----
    An outcome is maximised; a ratio of outcome to money by Dinkelbach's method (1967), whose
    every step maximises ``P f(x) - w A x``. Where the other limits include a target that clashes
    by itself, the targets are left out.
    """
    others = set(limits_of(problem)) - {part}
    row = problem.all_rows[part.at]
    if find_split(system_of(problem, others)).none:
        others = {p for p in others if not is_target(problem, p)}
    system, roof = system_of(problem, others), not problem.curves.concave
    if row.room != 0 or not row.money.any():
        best = most_of(system, row, 1.0, roof=roof)
        figure = None if best is None else best.bound if roof else best.value
        return (
            None if best is None or figure is None else _amount_reach(problem, part, best, figure)
        )
    found = _ratio(problem, others, row, roof)
    return None if found is None else _ratio_reach(problem, part, *found)


def _ratio(
    problem: Problem, others: Collection[Part], row: Row, roof: bool
) -> tuple[Best, float] | None:
    """Return where ``P f(x) / A x`` is greatest, and that ratio (Dinkelbach 1967)."""
    system, weight = system_of(problem, others), 1.0
    value = problem.curves.envelope if roof else problem.curves.value
    share = np.zeros(row.money.size) if row.outcome is None else row.outcome
    best, cuts = None, list[Floats]()
    for _ in range(20):
        found = most_of(system, row, weight, roof=roof, cuts=cuts)
        if found is None:
            return None
        money = found.spend / problem.money.units
        spent = float(row.money @ money) / row.scale
        if spent <= 0:
            return None
        before, weight, best = weight, float(share @ value(money)) / spent, found
        if abs(weight - before) <= 1e-8 * abs(weight):
            break
    return None if best is None else (best, weight)


def _amount_reach(problem: Problem, part: Part, best: Best, figure: float) -> Reach:
    """Return the words for a row with room: the outcome of a group, as a rule."""
    row = problem.all_rows[part.at]
    asked = -row.room
    change = None
    gained, spent = _totals(problem, row, best.spend)
    for target in _rounded_down(best.value, gained - spent):
        by = asked - target
        if _split_with(problem, {part: by}) is not None:
            change = Change(part, by, f"ask for {_figure(target)} at most in {row.limit!r}")
            break
    return Reach(_best_said(problem, figure, best), change)


def _totals(problem: Problem, row: Row, spend: Floats) -> tuple[float, float]:
    """Return the outcome and the money of a row at spends in minor units, by the true curves."""
    money = spend / problem.money.units
    share = np.zeros(money.size) if row.outcome is None else row.outcome
    return float(share @ problem.curves.value(money)), float(row.money @ money) / row.scale


def _ratio_reach(problem: Problem, part: Part, best: Best, share: float) -> Reach:
    """Return the words for a ratio, as ROAS or as CPA."""
    row = problem.all_rows[part.at]
    falling = row.sentence.startswith("CPA")
    outcome = np.zeros(1) if row.outcome is None else row.outcome
    asked = float(outcome.max()) if falling else int(row.money.max()) / row.scale
    reached = asked / share if falling and share > 0 else asked * share
    change = None
    gained, spent = _totals(problem, row, best.spend)
    found = -asked * spent / max(gained, 1e-300) if falling else asked * gained / spent
    for target in _rounded_down(-reached if falling else reached, found):
        if target == 0:
            continue
        by = Fraction(abs(target)) / Fraction(asked) - 1 if falling else None
        by = Fraction(asked) / Fraction(target) - 1 if by is None else by
        if _split_with(problem, {part: by}) is not None:
            word = "at least" if falling else "at most"
            change = Change(part, by, f"ask for {_figure(abs(target))} {word} in {row.limit!r}")
            break
    return Reach(_best_said(problem, reached, best, falling), change)


def _rounded_down(*values: float) -> Iterator[Fraction]:
    """Yield numbers rounded down to a few digits, each then a little less and less."""
    for value in values:
        if value != 0 and math.isfinite(value):
            yield from _less_and_less(value)


def _less_and_less(value: float) -> Iterator[Fraction]:
    unit = Fraction(10) ** (math.floor(math.log10(abs(value))) + 1 - DIGITS)
    # A number that only rounding error keeps below a figure counts as it; a split decides.
    whole = math.floor(Fraction(value) / unit + Fraction(1, 10**6))
    for less in (0, 1, 2, 5, 20):
        yield (whole - less) * unit


def _best_said(problem: Problem, figure: float, best: Best, falling: bool = False) -> str:
    """Return the best that can be had and the largest spends there."""
    limit = ""
    if not problem.curves.concave:
        limit = "at least " if falling else "at most "
    order = np.argsort(-best.spend, kind="stable")
    spent = [at for at in order.tolist() if best.spend[at] >= 0.5]
    money = problem.money
    step = problem.step
    shown = [
        f"{problem.names[at]} {money.show(round(float(best.spend[at]) / step) * step)}"
        for at in spent[:4]
    ]
    where = ", ".join(shown) + (", ..." if len(spent) > 4 else "") if shown else "nothing spent"
    told = "; S-shaped curves count with their concave envelopes" if limit else ""
    return f"the best within the other limits is {limit}{figure:,.{DIGITS + 1}g}, at {where}{told}"
