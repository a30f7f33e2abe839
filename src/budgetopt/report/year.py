"""Many weeks planned at once, as text and as a page: money and outcome by period and channel."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence

import numpy as np
from rich.cells import cell_len

from budgetopt.arrays import Whole
from budgetopt.calendar import Week
from budgetopt.horizon import Schedule
from budgetopt.i18n import Message, in_language, say, show_figure
from budgetopt.money import sum_minor
from budgetopt.optimize import GOAL_WORDS, expected_by
from budgetopt.plan import Phase, Plan
from budgetopt.report.decision import outcome_head, total_row
from budgetopt.report.html import Page, Section
from budgetopt.report.memo import spend_stack
from budgetopt.report.text import WIDTH, Table, adding_up, amounts, as_known, laid_out, note_lines
from budgetopt.report.views import caveats, source_line

_AMOUNT = 12
"""Columns that an amount may take, with the gap before it."""


def year_table(plan: Plan, found: Schedule, by: str = "month", language: str = "en") -> str:
    """Return a plan of weeks as text: one line a period, its outcome, and money by channel.

    Parameters
    ----------
    plan
        The plan.
    found
        The weeks.
    by
        ``"week"`` for a line a week, ``"month"`` for the weeks together of which most days lie
        in a month, as limits over a month count them.
    language
        ``"en"`` or ``"zh"``, with the same numbers.
    """
    parts: list[str | Table] = [_title(found), *_sentences(found)]
    for table in _tables(plan, found, by, language):
        parts += ["", table]
    return laid_out([*parts, *note_lines(found.notes)], language)


def year_page(found: Schedule, plan: Plan, language: str = "en") -> Page:
    """Return the page of a plan of weeks: money by week with its phases, and the tables by month.

    Parameters
    ----------
    found, plan, language
        As in `year_table`.
    """
    labels = [
        " · ".join([str(day), *(p.name for p in plan.operation.phases if _overlaps(p, day))])
        for day in found.weeks
    ]
    first, *more = _sentences(found)
    chart = spend_stack(found.channels, found.spend, labels, plan.currency, language)
    return Page(
        _title(found),
        first,
        [
            Section(say("page-caveats"), caveats(found.notes)),
            Section(say("page-split"), [*more, chart, *_tables(plan, found, "month", language)]),
        ],
        source_line(say("page-plan-weeks", count=len(found.channels))),
    )


def _overlaps(phase: Phase, first: dt.date) -> bool:
    return bool(phase.first <= Week(first).end and first <= phase.last)


def _title(found: Schedule) -> Message:
    first, currency = str(found.weeks[0]), found.currency.code
    return say("year-title", weeks=len(found.weeks), first=first, currency=currency)


def _tables(plan: Plan, found: Schedule, by: str, language: str) -> Iterator[Table]:
    """Yield money and outcome by period, and money by channel, as many tables as are needed."""
    middle = dt.timedelta(days=3)
    labels = [f"{day + middle:%Y-%m}" if by == "month" else str(day) for day in found.weeks]
    periods = list(dict.fromkeys(labels))
    place = np.array([periods.index(label) for label in labels])
    head = in_language(say(by), language)
    rows = [*periods, total_row(language)]
    outcomes = [float(found.outcomes[place == at].sum()) for at in range(len(periods))]
    texts = adding_up([*outcomes, sum(outcomes)], _width(found))
    heads = [head, in_language(say("spend"), language), outcome_head(plan, language)]
    yield Table(heads, (rows, _money(found, found.channels, place), texts), total=True)
    for shown in _side_by_side(found.channels):
        columns = [_money(found, [name], place) for name in shown]
        yield Table([head, *shown], (rows, *columns), total=True)


def _side_by_side(channels: Sequence[str]) -> list[list[str]]:
    """Return channels in groups whose columns fit beside a date."""
    groups: list[list[str]] = []
    left = 0
    for name in channels:
        wide = max(cell_len(name) + 2, _AMOUNT)
        if not groups or wide > left:
            groups, left = [*groups, []], WIDTH - _AMOUNT
        groups[-1].append(name)
        left -= wide
    return groups


def _width(found: Schedule) -> float:
    """Return how far apart the ends of the outcome's range are, 0 where it has none."""
    return 0.0 if found.spread is None else found.spread.width


def _sentences(found: Schedule) -> list[str]:
    """Return what the weeks bring, against last week's mix, and how good they are."""
    spread, after = found.spread, float(found.after.sum())
    numbers = as_known([after, found.mix or 0.0], _width(found))
    good = say("gap-outcome", share=found.gap_in_percent)
    good = say("optimal-outcome") if found.proven else good
    outcome = expected_by(found.goal, found.outcome, found.objective, found.kinds, _width(found))
    lines: list[str] = [say("year-outcome", outcome=outcome, good=good)]
    if after:
        lines.append(say("year-after", after=numbers[0]))
    if spread is not None:
        lines.append(say("outcome-range", range=say("outcome-median-range", **spread.shown())))
    if found.goal != "outcome" and found.mix_objective is not None:
        gain = show_figure(found.objective - found.mix_objective, 3, sign=True)
        mix = show_figure(found.mix_objective)
        lines.append(say("year-mix-by-goal", mix=mix, gain=gain, what=GOAL_WORDS[found.goal]))
    elif found.mix:
        lines.append(
            say("year-mix", share=f"{found.outcome / found.mix - 1:+z.1%}", mix=numbers[1])
        )
    return lines


def _money(found: Schedule, channels: Sequence[str], place: Whole) -> list[str]:
    """Return the money of some channels in each period, and in all."""
    columns = [found.channels.index(name) for name in channels]
    totals = [sum_minor(found.minor[place == at][:, columns]) for at in range(int(place.max()) + 1)]
    return amounts(found.currency.amounts([*totals, sum(totals)]))
