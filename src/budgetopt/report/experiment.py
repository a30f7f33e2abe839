"""Tests as text: the next day's money, what tests and pilots say, and what they are worth."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from decimal import Decimal

from budgetopt.experiments import (
    DECISIONS,
    TITLES,
    ArmSummary,
    NextDay,
    PilotVerdict,
    ValueOfTests,
    Verdict,
    pilot_sentences,
)
from budgetopt.experiments import sentences as said
from budgetopt.i18n import in_language, say
from budgetopt.money import difference_of, show_amount
from budgetopt.optimize import goal_of
from budgetopt.report.text import Table, amounts, figures, laid_out, note_lines

_CALLED = {
    "users": say("pilot-kind-users"),
    "regions": say("pilot-kind-regions"),
    "pilot": say("pilot-arm-pilot"),
    "control": say("pilot-arm-control"),
    "go": say("pilot-decision-go"),
    "stop": say("pilot-decision-stop"),
    "go on": say("pilot-decision-go-on"),
    "undecided": say("pilot-decision-undecided"),
}
_MOST_TESTS = 10
"""Tests that a page shows."""


def next_table(day: NextDay, language: str = "en") -> str:
    """Return the next day's money as text: one line an arm, totals, and the notes."""
    money = show_amount(day.budget)
    title = say("test-first-day", budget=money)
    if day.day is not None:
        title = say("test-day", day=str(day.day), budget=money)
    spend = show_amount(difference_of(day.budget, day.back_to_plan))
    spent = say("test-spent", spend=spend, budget=money)
    if day.released:
        back = show_amount(day.back_to_plan)
        spent = say("test-spent-and-back", spend=spend, budget=money, back=back)
    columns = (
        list(day.spend),
        amounts(list(day.spend.values())),
        [f"{day.probability[arm]:.0%}" for arm in day.spend],
        amounts([day.minimum[arm] for arm in day.spend]),
    )
    heads = (say("arm"), say("next-day"), say("chance-of-best"), say("minimum"))
    table = Table([in_language(head, language) for head in heads], columns)
    return laid_out([title, table, spent, *note_lines(day.notes)], language)


def verdict_table(verdict: Verdict, language: str = "en") -> str:
    """Return a verdict as text: one line an arm, then the decision and why in sentences."""
    title = TITLES[verdict.metric]
    state = dict.fromkeys(verdict.beaten, say("arm-beaten"))
    state |= {paused.arm: say("arm-paused", day=str(paused.day)) for paused in verdict.paused}
    columns = (
        [arm.arm for arm in verdict.arms],
        *_ranges(verdict),
        [f"{arm.probability:.1%}" for arm in verdict.arms],
        [_loss(arm, verdict) for arm in verdict.arms],
        amounts([Decimal(f"{arm.spend:.2f}") for arm in verdict.arms]),
        [in_language(state.get(arm.arm, ""), language) for arm in verdict.arms],
    )
    named = (say("low"), say("high"), say("chance-of-best"), say("loss"), say("spend"))
    every = (say("arm"), title, *named, say("state"))
    heads = [in_language(head, language) for head in every]
    head = say(
        "test-heading",
        days=say("one-day") if verdict.days == 1 else say("count-days", count=verdict.days),
        metric=title,
        decision=DECISIONS[verdict.decision],
    )
    table = Table(heads, columns, heads[-1])
    return laid_out([head, table, *said(verdict)], language)


def pilot_table(verdict: PilotVerdict, language: str = "en") -> str:
    """Return what a pilot says as text: both groups, sentences, and the lift test for the plan."""
    title = say(
        "pilot-title",
        channel=verdict.channel,
        share=f"{100 * verdict.share:g}%",
        kind=_CALLED[verdict.kind],
        weeks=say("pilot-weeks-of", weeks=verdict.weeks, planned=verdict.planned_weeks),
        decision=_CALLED[verdict.decision],
    )
    parts: list[str | Table] = [title]
    if verdict.incremental is not None:
        money = [verdict.spend_high or 0.0, verdict.spend_low or 0.0]
        outcome = [verdict.outcome_high or 0.0, verdict.outcome_low or 0.0]
        columns = (
            [in_language(_CALLED[arm], language) for arm in ("pilot", "control")],
            [f"{100 * share:g}%" for share in (verdict.share, verdict.control)],
            amounts([Decimal(f"{each:.2f}") for each in money]),
            figures(outcome, 4),
        )
        heads = (say("arm"), say("share"), say("pilot-spend"), say("pilot-outcome"))
        parts.append(Table([in_language(head, language) for head in heads], columns))
    parts += pilot_sentences(verdict)
    text = laid_out(parts, language)
    test = verdict.lift_test
    if test is None:
        return text
    lines = [in_language(say("pilot-for-plan"), language), "[[lift_tests]]"]
    for name, value in test.to_dict().items():
        # JSON's texts and numbers are TOML's too; a day stands bare.
        written = value if name == "ended" else json.dumps(value, ensure_ascii=False)
        lines.append(f"{name} = {written}")
    return "\n".join([text, *lines])


def _ranges(verdict: Verdict) -> Iterator[list[str]]:
    """Yield the columns of values, lows and highs; CPA is one over conversions per money."""
    parts = [[getattr(arm, part) for arm in verdict.arms] for part in ("value", "low", "high")]
    digits, unit = 4, ""
    if verdict.metric == "cpa":
        value, low, high = ([1 / v if v else math.inf for v in part] for part in parts)
        parts = [value, high, low]
    if verdict.metric in ("ctr", "cvr"):
        parts, digits, unit = [[100 * v for v in part] for part in parts], 3, "%"
    texts, count = figures([v for part in parts for v in part], digits), len(verdict.arms)
    for at in range(3):
        yield [f"{text}{unit}" for text in texts[at * count : (at + 1) * count]]


def _loss(arm: ArmSummary, verdict: Verdict) -> str:
    """Return the expected loss as a share of what the leader brings."""
    if verdict.leader is None or verdict[verdict.leader].value <= 0:
        return "-"
    return f"{arm.expected_loss / verdict[verdict.leader].value:.1%}"


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
    able = [one for one in found.tests if not one.problem][:_MOST_TESTS]
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
