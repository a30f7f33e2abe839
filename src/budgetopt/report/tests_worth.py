"""What tests are worth, as text: the verdict, a line a test, and what knowing would be worth."""

from __future__ import annotations

from budgetopt.experiments import ValueOfTests
from budgetopt.i18n import in_language, say
from budgetopt.optimize import goal_of
from budgetopt.report.text import Table, figures, laid_out, note_lines

_MOST = 10
"""Tests that a page shows."""


def value_table(found: ValueOfTests, language: str = "en") -> str:
    """Return what tests are worth as text.

    Parameters
    ----------
    found
        The tests.
    language
        ``"en"`` or ``"zh"``, with the same numbers.
    """
    plan, goal = found.plan, goal_of(found.plan)
    unit: str = plan.outcome
    if goal == "profit":
        unit = say("unit-of-goal-profit", currency=plan.currency)
    elif goal == "weights":
        unit = say("unit-of-goal-weights")
    able = [one for one in found.tests if not one.problem][:_MOST]
    parts: list[str | Table] = [say("tests-title", weeks=found.weeks, unit=unit), found.verdict()]
    dearest = found.dearest()
    parts += [found.known(), *([dearest] if dearest else [])]
    if able:
        codes = [say("channel"), say("candidate-test"), say("net-worth"), say("test-teaches")]
        codes += [say("test-costs"), say("expected-difference"), say("detectable")]
        columns = (
            [one.channel for one in able],
            [in_language(one.design.name, language) for one in able],
            *(
                figures([getattr(one, name) for one in able], 3)
                for name in ("net", "information", "cost", "effect", "detectable")
            ),
        )
        heads = [in_language(code, language) for code in codes]
        parts += ["", Table(heads, columns, heads[1], drops=(5, 4, 6))]
    notes = [say("tests-meaning"), *found.notes]
    if left := sum(bool(one.problem) for one in found.tests):
        notes.append(say("tests-left-out", count=left))
    return laid_out([*parts, "", *note_lines(notes)], language)
