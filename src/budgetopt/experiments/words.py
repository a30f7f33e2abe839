"""Tests as text for a terminal."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from rich.cells import cell_len

from budgetopt.experiments.next_day import NextDay
from budgetopt.experiments.verdict import NO_DIFFERENCE, WINNER, ArmSummary, Verdict
from budgetopt.figures import show_figure
from budgetopt.money import show_amount

TITLES = {
    "ctr": "CTR",
    "cvr": "CVR",
    "cpa": "CPA",
    "revenue-per-click": "revenue per click",
    "revenue-per-conversion": "revenue per conversion",
}
_GAP = "  "


def next_text(day: NextDay) -> str:
    """Return the next day's money as text: one line an arm, totals, and the notes.

    Examples
    --------
    >>> from budgetopt.experiments import Experiment
    >>> print(next_text(Experiment(("blue", "red")).next_day(1000)))
    First day of the test, 1,000 to spend
    arm   next  best  minimum
    blue   500   50%      200
    red    500   50%      200
    1,000 of 1,000 spent.
    """
    title = "First day of the test" if day.day is None else f"Test on {day.day}"
    rows = [
        (arm, show_amount(money), f"{day.probability[arm]:.0%}", show_amount(day.minimum[arm]))
        for arm, money in day.spend.items()
    ]
    back = day.back_to_plan
    spent = f"{show_amount(day.budget - back)} of {show_amount(day.budget)} spent"
    released = f", {show_amount(back)} back to the plan" if day.released else ""
    return "\n".join(
        [
            f"{title}, {show_amount(day.budget)} to spend",
            *_table(("arm", "next", "best", "minimum"), rows),
            f"{spent}{released}.",
            *(f"Note: {note}." for note in day.notes),
        ]
    )


def verdict_text(verdict: Verdict) -> str:
    """Return a verdict as text: one line an arm, then the decision and why in sentences."""
    days = f"{verdict.days} {'day' if verdict.days == 1 else 'days'}"
    headings = ("arm", TITLES[verdict.metric], "95% interval", "best", "loss", "spend", "")
    stopped = {p.arm: f"paused {p.day}" for p in verdict.paused}
    rows = [
        (
            arm.arm,
            *_values(arm, verdict.metric),
            f"{arm.probability:.1%}",
            _loss(arm, verdict),
            show_amount(_cents(arm.spend)),
            stopped.get(arm.arm, "beaten" if arm.arm in verdict.beaten else ""),
        )
        for arm in verdict.arms
    ]
    head = f"Test after {days}, by {TITLES[verdict.metric]}: {verdict.decision}"
    return "\n".join([head, *_table(headings, rows), *sentences(verdict)])


def sentences(verdict: Verdict) -> list[str]:
    """Return what a verdict says, in sentences."""
    error, region = f"{verdict.error_rate:.3g}", f"{verdict.region:.3g}"
    sure = f"wrong in at most {_percent(error)} of tests, however often one looks"
    if verdict.decision == WINNER:
        said = [f"{verdict.leader} is better than every other arm ({sure})."]
    elif verdict.decision == NO_DIFFERENCE:
        said = [
            f"Take {verdict.leader}: every other arm is worse or within {_percent(region)} of it "
            f"({sure})."
        ]
    elif verdict.leader is None:
        said = ["Nothing was seen yet: keep going."]
    else:
        said = [f"Keep going: {verdict.leader} leads, which is not sure yet."]
    if verdict.value_remaining is not None:
        left = verdict.value_remaining
        said.append(
            f"Another arm may still be up to {left:.1%} better than {verdict.leader} (95% sure)."
            if left
            else f"{verdict.leader} is the best arm with a probability of 95% or more."
        )
    if verdict.waiting:
        said.append(f"Minimum cells not complete: {', '.join(verdict.waiting)}.")
    said += [
        f"{p.arm} is paused since {p.day}: its {p.reason.upper()} is beyond the line with a "
        f"probability of {_chance(p.probability)}."
        for p in verdict.paused
    ]
    return said


def _values(arm: ArmSummary, metric: str) -> tuple[str, str]:
    """Return the value and its interval; CPA is one over conversions per money."""
    value, ends = arm.value, (arm.low, arm.high)
    if metric == "cpa":
        value, ends = 1 / value, (1 / arm.high, 1 / arm.low)
    show = _rate if metric in ("ctr", "cvr") else _figure
    return show(value), f"{show(ends[0])} to {show(ends[1])}"


def _rate(value: float) -> str:
    return f"{show_figure(100 * value, 3)}%"


def _figure(value: float) -> str:
    return show_figure(value, 4)


def _percent(share: str) -> str:
    return f"{100 * float(share):g}%"


def _chance(share: float) -> str:
    return "over 99.9%" if share > 0.999 else f"{share:.1%}"


def _loss(arm: ArmSummary, verdict: Verdict) -> str:
    """Return the expected loss as a share of what the leader brings."""
    if verdict.leader is None or verdict[verdict.leader].value <= 0:
        return "-"
    return f"{arm.expected_loss / verdict[verdict.leader].value:.1%}"


def _cents(spend: float) -> Decimal:
    return Decimal(repr(round(spend, 2)))


def _table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """Return lines: names to the left, numbers to the right, remarks in an untitled last column."""
    table = [headings, *rows]
    widths = [max(cell_len(row[at]) for row in table) for at in range(len(headings))]
    lines = []
    for row in table:
        cells = []
        for at, (text, width) in enumerate(zip(row, widths, strict=True)):
            space = " " * (width - cell_len(text))
            cells.append(text + space if at == 0 or not headings[at] else space + text)
        lines.append(_GAP.join(cells).rstrip())
    return lines
