"""Tests of creatives as text: the next day's money, and what a test says so far."""

from __future__ import annotations

import math
from collections.abc import Iterator
from decimal import Decimal

from budgetopt.experiments import ArmSummary, NextDay, Verdict
from budgetopt.experiments.words import TITLES
from budgetopt.experiments.words import sentences as said
from budgetopt.money import show_amount
from budgetopt.report.layout import amounts, figures, noted, sentences, table


def next_table(day: NextDay) -> str:
    """Return the next day's money as text: one line an arm, totals, and the notes."""
    title = "First day of the test" if day.day is None else f"Test on {day.day}"
    spent = f"{show_amount(day.budget - day.back_to_plan)} of {show_amount(day.budget)} spent"
    released = f", {show_amount(day.back_to_plan)} back to the plan" if day.released else ""
    columns = (
        list(day.spend),
        amounts(list(day.spend.values())),
        [f"{day.probability[arm]:.0%}" for arm in day.spend],
        amounts([day.minimum[arm] for arm in day.spend]),
    )
    return "\n".join(
        [
            sentences(f"{title}, {show_amount(day.budget)} to spend"),
            table(("arm", "next", "best", "minimum"), columns),
            sentences(f"{spent}{released}."),
            *noted(day.notes),
        ]
    )


def verdict_table(verdict: Verdict) -> str:
    """Return a verdict as text: one line an arm, then the decision and why in sentences."""
    days = f"{verdict.days} {'day' if verdict.days == 1 else 'days'}"
    title = TITLES[verdict.metric]
    state = dict.fromkeys(verdict.beaten, "beaten") | {
        paused.arm: f"paused {paused.day}" for paused in verdict.paused
    }
    columns = (
        [arm.arm for arm in verdict.arms],
        *_ranges(verdict),
        [f"{arm.probability:.1%}" for arm in verdict.arms],
        [_loss(arm, verdict) for arm in verdict.arms],
        amounts([Decimal(f"{arm.spend:.2f}") for arm in verdict.arms]),
        [state.get(arm.arm, "") for arm in verdict.arms],
    )
    headings = ("arm", title, "low", "high", "best", "loss", "spend", "state")
    head = f"Test after {days}, by {title} (low to high: 95% sure): {verdict.decision}"
    return "\n".join(
        [sentences(head), table(headings, columns, "state"), *map(sentences, said(verdict))]
    )


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
