"""The review of a month or a quarter: what came of the money, what was done, and what is next.

A period counts the complete weeks that begin in it, so that every figure is a sum of whole weeks of
the ledger; it is held against the weeks of the period before, each by its weekly mean, since one
may have a week more. In the order of reading: the verdict, the data, goals, money and outcome by
channel, highlights and problems, what was done, and the next period's plan.
"""

from __future__ import annotations

import datetime as dt
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from budgetopt.calendar import Fiscal, Period, as_date, periods
from budgetopt.errors import CalendarError, InputError
from budgetopt.i18n import Message, in_language, say, show_figure
from budgetopt.money import ratio_of, total_of
from budgetopt.money import show_amount as show
from budgetopt.plan import Plan, return_words
from budgetopt.report.decision import outcome_head, target_parts, total_row
from budgetopt.report.html import Page, Part, Points, Section
from budgetopt.report.ledger import KINDS_SAID, clauses, reasons_of, restored_of
from budgetopt.report.memo import (
    ledger_source,
    percent,
    plan_actual_table,
    reserve_parts,
    trend_charts,
)
from budgetopt.report.record import DATA_ALERTS, LedgerRecord, Totals
from budgetopt.report.text import Table, amounts, figures
from budgetopt.report.views import caveats
from budgetopt.report.week import alert_lines
from budgetopt.workflow import Alert, decision_of, news

_NAMED = 3
"""Channels that are named as rising or falling most."""
_DONE = ("edit", "rejection", "override", "release", "approval", "applied", "note")
"""Kinds of entries that say what people and rules did."""


@dataclass(frozen=True)
class Span:
    """A period with its complete weeks, and the period before it."""

    period: Period
    weeks: tuple[dt.date, ...]
    now: Totals
    before_label: str
    before: Totals | None

    @classmethod
    def of(cls, record: LedgerRecord, period: Period, before: Period) -> Span:
        """Return a period's weeks; the one before counts where it has any."""
        weeks, earlier = (
            tuple(week for week in record.weeks if week in each) for each in (period, before)
        )
        then = record.totals(earlier) if earlier else None
        return cls(period, weeks, record.totals(weeks), before.label, then)

    def mean(self, totals: Totals | None, channel: str, measure: str) -> float:
        """Return spend or outcome a week, of a channel or of all; NaN where it is not known."""
        if totals is None or not totals.weeks:
            return math.nan
        if measure == "spend":
            money = totals.spend.get(channel) if channel else totals.money
            return math.nan if money is None else float(money) / totals.weeks
        outcome = totals.outcome.get(channel, math.nan) if channel else totals.total
        return outcome / totals.weeks

    def change(self, channel: str, measure: str) -> float:
        """Return the change a week against the period before, as a share."""
        now, then = (self.mean(each, channel, measure) for each in (self.now, self.before))
        return now / then - 1 if then > 0 else math.nan


def period_named(plan: Plan, kind: str, given: str) -> tuple[Period, Period, Period]:
    """Return the month or quarter that a label or a day names, the ones before and after it.

    Parameters
    ----------
    plan
        Its fiscal year says when quarters begin, and whether its months are of whole weeks.
    kind
        ``"month"`` or ``"quarter"``.
    given
        ``"2026-11"``, ``"2026-Q4"``, or a day of it.

    Raises
    ------
    InputError
        ``bad-argument``.
    """
    fiscal = plan.operation.fiscal
    own = "4-4-5" if kind == "month" and fiscal.period == "4-4-5" else kind
    counted = Fiscal(own, fiscal.first_month)  # type: ignore[arg-type] # one of its kinds
    try:
        # A label has its year in it; a fiscal year may begin a year before the one it is called by.
        year = int(re.findall(r"\d{4}", given)[0])
        first, last = dt.date(year - 2, 1, 1), dt.date(year + 1, 12, 31)
        every = periods(first, last, counted, plan.week_start)
        labels = [one.label for one in every]
        if given.upper() in labels:
            at = labels.index(given.upper())
        else:
            day = as_date(given, kind)
            at = next(n for n, one in enumerate(every) if day in one)
    except (CalendarError, ValueError, IndexError):
        example = "2026-Q4" if kind == "quarter" else "2026-11"
        raise InputError(
            "bad-argument", field=kind, value=given, remedy=say("remedy-day", example=example)
        ) from None
    return every[at - 1], every[at], every[at + 1]


def review(
    record: LedgerRecord, named: tuple[Period, Period, Period], language: str = "en"
) -> Page:
    """Return the review of a period.

    Parameters
    ----------
    record
        The ledger up to the last day of the period.
    named
        The periods of `period_named`.
    language
        ``"en"`` or ``"zh"``.

    Raises
    ------
    InputError
        ``no-data`` where no complete week begins in the period.
    """
    before, period, after = named
    span = Span.of(record, period, before)
    if not span.weeks:
        raise InputError(
            "no-data",
            say("ledger-complete-week-begins", label=period.label),
            field="ledger",
            value=period.label,
            remedy=say("remedy-name-period-budgetopt-history"),
        )
    weeks = [week for week in record.states if week in period]
    alerts = news(record.alerts(weeks))
    # What was only for information, such as a week that was not over yet, is over by now.
    told = [alert for alert in alerts if alert.severity != "info"]
    data = [alert.sentence for alert in told if alert.code in DATA_ALERTS]
    rising, falling = _most_changed(record, span)
    return Page(
        say("review-title", plan=record.plan.name or "budgetopt", period=period.label),
        _verdict(record.plan, span),
        [
            Section(say("page-caveats"), [*caveats(data), _counted(span)]),
            Section(say("page-goals"), _goals(record, weeks, language)),
            Section(say("memo-plan-actual"), _money(record, span, language)),
            Section(say("review-channels"), _channels(record, span, language)),
            Section(say("review-highlights"), [Points(rising)] if rising else []),
            Section(say("review-problems"), _problems(told, falling)),
            Section(say("review-done"), _done(record, weeks, language)),
            Section(say("memo-reserves"), reserve_parts(record, told, language)),
            Section(say("review-next", period=after.label), _next(record, after, language)),
        ],
        ledger_source(record),
    )


def _verdict(plan: Plan, span: Span) -> Message:
    """Return what was spent and came of it, and how that compares, in one sentence."""
    words = return_words(plan)
    known = {
        "period": span.period.label,
        "spent": show(span.now.money),
        "currency": plan.currency,
        "outcome": figures([span.now.total])[0],
        "name": plan.outcome,
        "words": words.average,
        "returned": show_figure(span.now.returned(plan), 3),
    }
    changes = [percent_of(span.change("", measure)) for measure in ("spend", "outcome")]
    if not all(changes):
        return say("review-verdict", **known)
    return say(
        "review-verdict-change",
        **known,
        before=span.before_label,
        spend_change=changes[0],
        outcome_change=changes[1],
    )


def percent_of(share: float) -> str:
    """Return a change in percent, empty where it is not known."""
    return percent(1 + share, 1.0)


def _counted(span: Span) -> Message:
    """Return which weeks count for the period."""
    ends = {"first": str(span.weeks[0]), "last": str(span.weeks[-1])}
    return say("review-weeks", count=len(span.weeks), period=span.period.label, **ends)


def _goals(record: LedgerRecord, weeks: Sequence[dt.date], language: str) -> list[Part]:
    """Return where dated targets stood with the last decision of the period."""
    decided = [state for week in weeks if (state := record.states[week]).current is not None]
    if not decided or decided[-1].current is None:
        return []
    targets = decision_of(decided[-1].current.data).targets
    return list(target_parts(targets, language)) if targets else []


def _money(record: LedgerRecord, span: Span, language: str) -> list[Part]:
    """Return plan against actual of the weeks that the ledger planned, and what they promised."""
    plan, period = record.plan, span.period
    budget = plan.money.amount(plan.budget_of(period.first, period.last))
    values = {"period": period.label, "budget": show(budget), "currency": plan.currency}
    parts: list[Part] = [say("review-budget", **values)]
    weeks = [week for week in span.weeks if record.planned(week)]
    if not weeks:
        return [*parts, say("review-no-planned-weeks", weeks=len(span.weeks))]
    if len(weeks) < len(span.weeks):
        parts.append(say("review-planned-weeks", count=len(weeks), weeks=len(span.weeks)))
    planned: dict[str, Decimal] = {}
    for week in weeks:
        for name, money in record.planned(week).items():
            planned[name] = total_of((planned.get(name, Decimal(0)), money))
    now = record.totals(weeks)
    parts.append(plan_actual_table(record, planned, now, language))
    expected = [e.outcome for week in weeks if (e := record.expected(week)) is not None]
    if len(expected) == len(weeks) and (promised := math.fsum(expected)) > 0:
        share = f"{now.total / promised:.0%}"
        promise = {"promised": show_figure(promised, 5), "actual": figures([now.total])[0]}
        parts.append(say("review-promised", **promise, share=share))
    return parts


def _channels(record: LedgerRecord, span: Span, language: str) -> list[Part]:
    """Return spend, outcome and return by channel, with weekly changes; a quarter by month."""
    plan, names = record.plan, (*record.channels, "")
    now, words = span.now, return_words(plan)
    then = span.before
    outcomes = [now.outcome.get(n, math.nan) if n else now.total for n in names]
    returned = [now.returned(plan, n) for n in names]
    earlier = [math.nan if then is None else then.returned(plan, n) for n in names]
    texts = figures([*returned, *earlier], 3)
    spends = [now.spend.get(n) if n else now.money for n in names]
    heads = (
        *(say("channel"), say("spend"), say("change-on-before"), outcome_head(plan, language)),
        *(say("change-on-before"), words.average, say("review-before", what=words.average)),
    )
    columns = [
        [*record.channels, total_row(language)],
        amounts(spends),
        [percent_of(span.change(n, "spend")) for n in names],
        figures(outcomes),
        [percent_of(span.change(n, "outcome")) for n in names],
        texts[: len(names)],
        texts[len(names) :],
    ]
    table = Table([in_language(head, language) for head in heads], columns, total=True)
    months = [_months(record, span, language)] if span.period.days > 35 else []
    said = [say("review-compared", before=span.before_label)] if then is not None else []
    return [*said, table, *months, *trend_charts(record, language)]


def _months(record: LedgerRecord, span: Span, language: str) -> Table:
    """Return spend, outcome and return of every month of a longer period."""
    plan, fiscal = record.plan, record.plan.operation.fiscal
    found = periods(
        span.period.first, span.period.last, Fiscal("month", fiscal.first_month), plan.week_start
    )
    each = [record.totals([week for week in span.weeks if week in month]) for month in found]
    rows = [*each, span.now]
    heads = (say("review-month"), say("spend"), outcome_head(plan, language))
    return Table(
        [in_language(head, language) for head in (*heads, return_words(plan).average)],
        [
            [*(month.label for month in found), total_row(language)],
            # A month of which no week is over yet has no figures, which is not 0.
            amounts([row.money if row.weeks else None for row in rows]),
            figures([row.total if row.weeks else math.nan for row in rows]),
            figures([row.returned(plan) for row in rows], 3),
        ],
        total=True,
    )


def _most_changed(record: LedgerRecord, span: Span) -> tuple[list[Message], list[Message]]:
    """Return the channels whose outcome a week rose and fell most against the period before."""
    gaps = {
        name: span.mean(span.now, name, "outcome") - span.mean(span.before, name, "outcome")
        for name in record.channels
    }
    known = {name: gap for name, gap in gaps.items() if math.isfinite(gap)}
    order = sorted(known, key=lambda name: -known[name])
    rising = [_moved(span, name, known[name]) for name in order[:_NAMED] if known[name] > 0]
    falling = [_moved(span, name, known[name]) for name in order[-_NAMED:][::-1] if known[name] < 0]
    return rising, falling


def _moved(span: Span, name: str, gap: float) -> Message:
    """Return how a channel's outcome a week changed, and its money beside it."""
    code = "review-rose" if gap > 0 else "review-fell"
    return say(
        code,
        channel=name,
        by=show_figure(abs(gap), 3),
        spend=percent_of(span.change(name, "spend")) or say("none"),
    )


def _problems(alerts: Sequence[Alert], falling: Sequence[str]) -> list[Part]:
    """Return the warnings of the period, each once, the worst first, and what fell most."""
    others = [alert for alert in alerts if alert.code not in DATA_ALERTS]
    lines = [*alert_lines(others), *falling]
    return [Points(lines)] if lines else [say("review-no-problems")]


def _done(record: LedgerRecord, weeks: Sequence[dt.date], language: str) -> list[Part]:
    """Return what people and rules did in the period, and why."""
    wanted = set(weeks)
    done = [e for e in record.entries if e.week in wanted and e.kind in _DONE]
    if not done:
        return [say("review-nothing-done")]
    reasons = [(*reasons_of(entry), *restored_of(entry, "needs")) for entry in done]
    why = [in_language(clauses(each), language) for each in reasons]
    heads = (say("week"), say("kind"), say("who"), say("why"))
    titles = [in_language(head, language) for head in heads]
    columns = [
        [str(entry.week) for entry in done],
        [in_language(KINDS_SAID[entry.kind], language) for entry in done],
        [entry.who for entry in done],
        why,
    ]
    return [Table(titles, columns, words=titles[1:])]


def _next(record: LedgerRecord, after: Period, language: str) -> list[Part]:
    """Return the money, phases and latest split with which the next period begins."""
    plan = record.plan
    budget = plan.money.amount(plan.budget_of(after.first, after.last))
    known = {"period": after.label, "budget": show(budget), "currency": plan.currency}
    parts: list[Part] = [say("review-budget", **known)]
    phases = [p for p in plan.operation.phases if p.first <= after.last and p.last >= after.first]
    parts += [
        say("review-phase", phase=phase.name, first=str(phase.first), last=str(phase.last),
            budget=show(phase.budget), currency=plan.currency)
        for phase in phases
    ]  # fmt: skip
    split = record.planned(record.week)
    whole = total_of(split.values())
    if not whole:
        return parts
    heads = (say("channel"), say("spend"), say("share"))
    columns = [
        [*split, total_row(language)],
        amounts([*split.values(), whole]),
        [f"{ratio_of(money, whole):.1%}" for money in (*split.values(), whole)],
    ]
    table = Table([in_language(head, language) for head in heads], columns, total=True)
    return [*parts, say("review-latest", week=str(record.week)), table]
