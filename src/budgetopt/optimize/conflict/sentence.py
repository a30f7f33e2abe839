"""Infeasible means a sentence: which limits clash, and the least change that lets a split be found.

`explain_infeasible` is the error that a caller raises; `find_clash` is the same as a record. The
search for the clash only ever asks whether some limits can be kept together
(see `elastic`), so that it is the same for every kind of limit. With S-shaped
curves what is said of a target is "at most": it comes from their concave envelopes.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from budgetopt.errors import InfeasibleError
from budgetopt.optimize.conflict.elastic import find_split
from budgetopt.optimize.conflict.least_change import (
    Change,
    Reach,
    best_reach,
    is_target,
    least_change,
)
from budgetopt.optimize.conflict.reach import Part, System, arithmetic, limits_of, system_of
from budgetopt.optimize.problem import Problem
from budgetopt.plan import RULES
from budgetopt.plan.bounds import CHANGE, MARGIN

SHOWN = 8
"""So many limits are named in a sentence; the error's value names them all."""


@dataclass(frozen=True)
class Clash:
    """A minimal set of limits that no split keeps together.

    Parameters
    ----------
    parts, names
        The limits, and what they are called; without any one of them the others can be kept.
    ways
        Changes to choose from, each enough for the whole plan and each of one limit or of several
        that go together: the cheapest in money first, then what is no money; empty where none was
        found.
    reach
        Where a target is among the limits, the best that can be had.
    """

    parts: tuple[Part, ...]
    names: tuple[str, ...]
    ways: tuple[tuple[Change, ...], ...]
    reach: Reach | None = None


def explain_infeasible(problem: Problem, *, quick: bool = False) -> InfeasibleError | None:
    """Return the error that says why a problem has no solution; None where it has one.

    Parameters
    ----------
    problem
        The problem.
    quick
        Return None, too, where plain arithmetic shows no clash: no solver is called then.

    Returns
    -------
    InfeasibleError or None
        ``limits-clash``, or ``target-out-of-reach`` where a target on the outcome is part of it.
    """
    clash = find_clash(problem, quick=quick)
    if clash is None:
        return None
    code, text = _sentence(problem, clash)
    reach = clash.reach
    ways = [] if reach is None or reach.change is None else [reach.change.text]
    ways += [_listed([change.text for change in way], ", and ") for way in clash.ways]
    return InfeasibleError(
        code,
        text,
        field=_field(problem, clash),
        value="; ".join(clash.names),
        remedy=", or ".join(ways) or "leave one of them out",
    )


def _sentence(problem: Problem, clash: Clash) -> tuple[str, str]:
    """Return the code of a clash and the clause that names its limits."""
    if clash.reach is not None:
        named = list(zip(clash.parts, clash.names, strict=True))
        first = next(name for part, name in named if is_target(problem, part))
        others = [name for name in clash.names if name != first]
        beside = f"; it clashes with {_listed(others, '; ')}" if others else ""
        return "target-out-of-reach", f"{first}: {clash.reach.text}{beside}"
    steps = "" if problem.step == 1 else f" in steps of {problem.money.show(problem.step)}"
    all_of = "all of: " if len(clash.names) > 1 else ""
    return "limits-clash", f"no split{steps} keeps {all_of}{_listed(clash.names, '; ')}"


def _listed(texts: Sequence[str], between: str) -> str:
    """Return texts in a row, the first ones where there are many."""
    more = len(texts) - SHOWN
    return between.join(texts) if more < 2 else f"{between.join(texts[:SHOWN])} and {more} more"


def find_clash(problem: Problem, *, quick: bool = False) -> Clash | None:
    """Return a minimal set of clashing limits with the cheapest change; None where none clash.

    Parameters
    ----------
    problem
        The problem.
    quick
        Look further only where plain arithmetic already shows a clash.

    Notes
    -----
    The set is found by halving (Junker 2004, QuickXplain), which asks about
    ``k log(n/k)`` subsets for a clash of k among n limits where a deletion filter asks about n
    (Chinneck 2008, chapter 6). Targets and bounds are left out first, so that a clash without a
    target is named before one with it. A question that the solver leaves open counts as feasible,
    so what is named does clash, but might then hold a limit too many.
    """
    everything = limits_of(problem)
    whole = system_of(problem, set(everything))
    plain = arithmetic(whole)
    if (quick and not plain) or not (plain or find_split(whole).none):
        return None
    none = _asker(problem, arithmetic if plain else _solver())
    parts = _minimal(everything, none)
    if plain:
        # What arithmetic cannot show without a limit, a solver perhaps can.
        parts = _minimal(parts, _asker(problem, _solver()))
    ordered = tuple(sorted(parts, key=everything.index))
    target = next((part for part in ordered if is_target(problem, part)), None)
    reach = None if target is None else best_reach(problem, target)
    # Where the target can be moved, other limits together are no better advice.
    together = reach is None or reach.change is None
    return Clash(
        ordered,
        tuple(name_of(problem, part) for part in ordered),
        least_change(problem, ordered, together=together),
        reach,
    )


def _solver() -> Callable[[System], bool]:
    """Return the question whether a system has no split, which learns where curves bend."""
    cuts: list[NDArray[np.float64]] = []

    def shows(system: System) -> bool:
        return find_split(system, cuts).none

    return shows


def _asker(problem: Problem, shows: Callable[[System], bool]) -> Callable[[Collection[Part]], bool]:
    """Return the question whether some limits clash, each asked once."""
    known: dict[frozenset[Part], bool] = {}

    def clash(kept: Collection[Part]) -> bool:
        key = frozenset(kept)
        if key not in known:
            known[key] = shows(system_of(problem, key))
        return known[key]

    return clash


def _minimal(parts: Sequence[Part], clash: Callable[[Collection[Part]], bool]) -> tuple[Part, ...]:
    """Return a minimal subset that clashes, the first ones rather than the last (Junker 2004)."""

    def search(given: tuple[Part, ...], fresh: bool, rest: tuple[Part, ...]) -> tuple[Part, ...]:
        if fresh and clash(given):
            return ()
        if len(rest) == 1:
            return rest
        first, second = rest[: len(rest) // 2], rest[len(rest) // 2 :]
        late = search((*given, *first), bool(first), second)
        early = search((*given, *late), bool(late), first)
        return (*early, *late)

    return () if clash(()) else search((), False, tuple(parts))


def name_of(problem: Problem, part: Part) -> str:
    """Return what a limit is called, with its amount."""
    show, bounds = problem.money.show, problem.bounds
    if part.kind == "row":
        row = problem.all_rows[part.at]
        if part.at == 0:
            return f"the budget {show(problem.budget)}"
        return f"{row.limit} ({row.sentence})" if row in problem.limits else row.sentence
    name = repr(problem.names[part.at])
    if part.kind == "minimum":
        return f"{name} off or at least {show(problem.least_on[part.at])}"
    if part.kind == "lot":
        return f"lot of {name} {show(problem.lots[part.at])}"
    low = part.kind != "upper"
    rule = (bounds.lower_rule if low else bounds.upper_rule)[part.at]
    amount = show((bounds.lower if low else bounds.upper)[part.at])
    if rule in (CHANGE, MARGIN):
        return f"{RULES[rule]} of {name} (at {'least' if low else 'most'} {amount})"
    return f"{RULES[rule] or ('least' if low else 'most')} of {name} {amount}"


def _field(problem: Problem, clash: Clash) -> str:
    """Return the dotted name of the limit to change first."""
    part = clash.ways[0][0].part if clash.ways else clash.parts[0]
    if clash.reach is not None:
        part = next(p for p in clash.parts if is_target(problem, p))
    if part.kind == "row":
        row = problem.all_rows[part.at]
        own = "goal.target" if row.limit == "target" else f"limits.{row.limit}"
        return own if row in problem.limits else "spend" if part.at else "budget"
    where = {"lock": "locked", "minimum": "off_or_at_least", "lot": "lot"}
    rules = problem.bounds.lower_rule if part.kind == "lower" else problem.bounds.upper_rule
    rule = {CHANGE: "max_change", MARGIN: "mROAS"}.get(int(rules[part.at]), "")
    side = {"lower": "floor", "upper": "cap"}.get(part.kind, "")
    return f"channels.{problem.names[part.at]}.{where.get(part.kind) or rule or side}"
