"""The weekly memo: what a planner reads on Friday, and a manager forwards on Monday.

In the order of reading: the verdict in one sentence; what to know of the data; where the week
stands; plan against actual, week on week and four weeks, of the last whole week; the split, every
move with its reason, and what limits cost; reserves and alerts. All of it is read from the ledger.
"""

from __future__ import annotations

import math
import shlex
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import NamedTuple

from budgetopt.i18n import Message, in_language, say
from budgetopt.money import difference_of, total_of
from budgetopt.plan import KINDS, return_words
from budgetopt.report.charts import PALETTE, Lines, Series, Stack
from budgetopt.report.decision import outcome_head, score_parts, total_row
from budgetopt.report.html import Page, Part, Points, Section
from budgetopt.report.ledger import (
    STATES,
    VERBS,
    next_step,
    reason_lines,
    reasons_of,
    state_sentence,
)
from budgetopt.report.record import DATA_ALERTS, LedgerRecord, Totals
from budgetopt.report.text import Table, amounts, as_known, figures
from budgetopt.report.views import (
    caveats,
    decision_sections,
    of_files,
    signed,
    source_line,
    verdict_of,
)
from budgetopt.report.week import alert_lines, reserve_lines, spans_table
from budgetopt.workflow import Alert, decision_of, news

_SHOWN = 26
"""Weeks on the charts: half a year."""
_FEW = 4
"""Weeks that a week is held against."""


PLACES = ("PLAN", "LEDGER")
"""What stands in a command for a plan and a ledger whose files are not known."""


def week_memo(record: LedgerRecord, language: str = "en", files: Sequence[str] = PLACES) -> Page:
    """Return the memo of the last week that a record counts.

    Parameters
    ----------
    record
        What the ledger holds.
    language
        ``"en"`` or ``"zh"``.
    files
        Names of the plan's file and of the ledger, for the command that is next.
    """
    state = record.state
    assert state.current is not None
    decision, scored = decision_of(state.current.data), record.scored
    alerts = news(record.alerts([record.week]))
    data = [alert for alert in alerts if alert.code in DATA_ALERTS]
    others = [alert for alert in alerts if alert.code not in DATA_ALERTS]
    known = [*(alert.sentence for alert in data), *decision.notes]
    return Page(
        say("memo-title", plan=record.plan.name or "budgetopt", week=str(decision.week)),
        _verdict(record, verdict_of(decision), alerts),
        [
            Section(say("page-caveats"), caveats(known)),
            Section(say("memo-stands"), _stands(record, files)),
            Section(say("memo-plan-actual"), _plan_and_actual(record, language)),
            Section(say("memo-week-on-week"), _week_on_week(record, language)),
            *decision_sections(decision, language),
            Section(say("memo-scores"), [] if scored is None else score_parts(scored, language)),
            Section(say("memo-reserves"), reserve_parts(record, alerts, language)),
            Section(say("memo-alerts"), _alerts(others)),
            Section(say("page-files"), of_files(known)),
        ],
        ledger_source(record),
    )


def ledger_source(record: LedgerRecord) -> Message:
    """Return which ledger, up to which entry, a page was made from."""
    number, digest = record.head
    return source_line(
        say("page-ledger", count=f"{number:,}", head=f"{number}:{digest}"),
        say("page-history", fingerprint=record.known.fingerprint[:12]),
    )


def _verdict(record: LedgerRecord, verdict: Message, alerts: Sequence[Alert]) -> Message:
    """Return what is decided, where it stands, and how many alerts there are, in one sentence."""
    number = dict.fromkeys(("critical", "warning", "info"), 0)
    for alert in alerts:
        number[alert.severity] += 1
    raised = say("alerts-counted", **number) if alerts else say("alerts-none")
    state = record.state
    stands = say("memo-state", state=STATES[state.state], revision=str(state.revision))
    return say("memo-verdict", verdict=verdict, stands=stands, alerts=raised)


def _stands(record: LedgerRecord, files: Sequence[str]) -> list[Part]:
    """Return where the week stands, what is next, and all that people and rules said."""
    state = record.state
    # Alerts and what left the reserves have sections of their own.
    apart = {one.why for one in record.snapshot.released_for_week}
    kept = [e for e in record.of_week() if e.kind not in ("alert", "release")]
    said = list(reason_lines([e for e in kept if apart.isdisjoint(reasons_of(e))]))
    verb = VERBS.get(state.state)
    words = ["budgetopt", verb or "", files[0], "--ledger", files[1], "--week", str(state.week)]
    revision = ["--revision", str(state.revision)] if verb == "approve" else []
    command = [shlex.join([*words, *revision, "--who", "NAME"])] if verb else []
    forgotten = [
        say("approved-not-applied", week=str(week))
        for week in record.snapshot.not_recorded(record.today)
    ]
    following = [*forgotten, state_sentence(state), next_step(state, record.plan), *command]
    return [*following, *([Points(said)] if said else [])]


def _alerts(alerts: Sequence[Alert]) -> list[Part]:
    """Return what was raised beside the data, the worst first."""
    lines = list(alert_lines(alerts))
    return [Points(lines)] if lines else [say("full-stop", sentence=say("alerts-no-others"))]


def _plan_and_actual(record: LedgerRecord, language: str) -> list[Part]:
    """Return plan against actual of the last whole week, and what was expected of it."""
    if not record.weeks:
        return [say("memo-no-history")]
    week = record.weeks[-1]
    now, planned = record.totals([week]), record.planned(week)
    parts: list[Part] = [say("memo-last-whole", week=str(week))]
    parts.append(plan_actual_table(record, planned, now, language))
    expected = record.expected(week)
    if expected is not None:
        width = expected.high - expected.low
        texts = as_known([expected.outcome, expected.low, expected.high], width)
        values = {"outcome": texts[0], "actual": figures([now.total])[0]}
        if math.isnan(width):
            parts.append(say("memo-expected", **values))
        else:
            inside = expected.low <= now.total <= expected.high
            place = say("inside-range") if inside else say("outside-range")
            ends = {"low": texts[1], "high": texts[2]}
            parts.append(say("memo-expected-range", **values, **ends, place=place))
    of_weeks = [] if record.known.days else [say("memo-pace-weeks")]
    return [*parts, say("memo-pace"), *of_weeks, spans_table(record.pace(), language, daily=False)]


def plan_actual_table(
    record: LedgerRecord, planned: dict[str, Decimal], now: Totals, language: str
) -> Table:
    """Return money as planned and as spent, and what came of it, one row a channel.

    Parameters
    ----------
    record
        The ledger.
    planned
        Money as planned by channel; empty where nothing was.
    now
        What was spent.
    language
        ``"en"`` or ``"zh"``.
    """
    plan, names = record.plan, record.channels
    asked: list[Decimal | None] = [planned.get(n) for n in names]
    spent: list[Decimal | None] = [now.spend.get(n) for n in names]
    money = amounts([*asked, total_of(planned.values()) if planned else None, *spent, now.money])
    pairs = [*zip(asked, spent, strict=True)]
    gaps = [None if a is None or s is None else difference_of(s, a) for a, s in pairs]
    whole = difference_of(now.money, total_of(planned.values())) if planned else None
    count = len(names) + 1
    words = return_words(plan)
    heads = (
        *(say("channel"), say("planned"), say("actual"), say("difference")),
        *(outcome_head(plan, language), words.average),
    )
    return Table(
        [in_language(head, language) for head in heads],
        [
            [*names, total_row(language)],
            money[:count],
            money[count:],
            _signed([*gaps, whole]),
            figures([*(now.outcome.get(n, math.nan) for n in names), now.total]),
            figures([*(now.returned(plan, n) for n in names), now.returned(plan)], 3),
        ],
        total=True,
    )


def _signed(changes: Sequence[Decimal | None]) -> list[str]:
    """Return changes of money, empty where one is not known."""
    shown = iter(signed([c for c in changes if c is not None]))
    return ["" if change is None else next(shown) for change in changes]


class Compared(NamedTuple):
    """Some weeks and those that they are held against."""

    now: Totals
    before: Totals | None

    def change(self, channel: str, measure: str) -> str:
        """Return how spend, outcome or return changed, in percent; empty where it cannot be said.

        Parameters
        ----------
        channel
            Name; empty for all.
        measure
            ``"spend"`` or ``"outcome"``.
        """
        if self.before is None:
            return ""
        now, then = (_measured(each, channel, measure) for each in (self.now, self.before))
        return percent(now, then)


def percent(now: float, then: float) -> str:
    """Return a change in percent, empty where there is nothing to compare with."""
    if not (math.isfinite(now) and math.isfinite(then)) or then <= 0:
        return ""
    return f"{now / then - 1:+z.1%}"


def _measured(totals: Totals, channel: str, measure: str) -> float:
    if measure == "spend":
        return float(totals.spend.get(channel, math.nan) if channel else totals.money)
    mean = totals.outcome.get(channel, math.nan) if channel else totals.total
    return mean / totals.weeks


def _week_on_week(record: LedgerRecord, language: str) -> list[Part]:
    """Return the last whole week beside the one before, and four weeks beside the four before."""
    if len(record.weeks) < 2:
        return [say("memo-no-history")] if not record.weeks else []
    weeks = record.weeks
    spans = [weeks[-1:], weeks[-2:-1], weeks[-_FEW:], weeks[-2 * _FEW : -_FEW]]
    now, last, few, before = (record.totals(span) if span else None for span in spans)
    assert now is not None
    assert few is not None
    one = Compared(now, last)
    # Four weeks are held against as many; fewer would be a comparison of sums of unlike length.
    four = Compared(few, before if before is not None and before.weeks == few.weeks else None)
    parts: list[Part] = [say("memo-compared", week=str(weeks[-1]), count=few.weeks)]
    parts.append(compared_table(record, one, four, language))
    return [*parts, *trend_charts(record, language)]


def compared_table(record: LedgerRecord, one: Compared, four: Compared, language: str) -> Table:
    """Return spend, outcome and return of a week and of four, with their changes."""
    plan, names = record.plan, (*record.channels, "")
    words, named = return_words(plan), outcome_head(plan, language)
    heads: list[str] = [say("channel")]
    columns: list[list[str]] = [[*record.channels, total_row(language)]]
    for compared, label in ((one, say("memo-one-week")), (four, say("memo-four-weeks"))):
        now = compared.now
        spends = [now.spend.get(n) if n else now.money for n in names]
        outcomes = [now.outcome.get(n, math.nan) if n else now.total for n in names]
        for title, texts in (
            (say("spend"), amounts(spends)),
            (say("change-on-before"), [compared.change(n, "spend") for n in names]),
            (named, figures(outcomes)),
            (say("change-on-before"), [compared.change(n, "outcome") for n in names]),
            (words.average, figures([now.returned(plan, n) for n in names], 3)),
        ):
            heads.append(say("memo-head", what=title, span=label))
            columns.append(texts)
    return Table([in_language(head, language) for head in heads], columns, total=True)


def trend_charts(record: LedgerRecord, language: str) -> list[Part]:
    """Return the outcome of the last half year beside what was expected, and money by channel."""
    weeks = record.weeks[-_SHOWN:]
    each = [record.totals([week]) for week in weeks]
    named = outcome_head(record.plan, language)
    actual = Series(in_language(say("actual"), language), [t.total for t in each])
    expected = [record.expected(week) for week in weeks]
    series = [actual]
    if any(expected):
        ends = [(e.outcome, e.low, e.high) if e else (math.nan,) * 3 for e in expected]
        means, low, high = (list(part) for part in zip(*ends, strict=True))
        name = in_language(say("expected"), language)
        series.append(Series(name, means, low, high, dots=True))
    labels = [str(week) for week in weeks]
    axis = in_language(say("week"), language)
    title = say("memo-outcome-chart", outcome=named)
    return [
        Lines(in_language(title, language), axis, labels, series),
        spend_stack(
            record.channels, [t.spend for t in each], labels, record.plan.currency, language
        ),
    ]


def spend_stack(
    channels: Sequence[str],
    each: Sequence[Mapping[str, Decimal]],
    labels: Sequence[str],
    currency: str,
    language: str,
) -> Stack:
    """Return money by channel and week, the smallest channels together where there are many."""
    sums = {n: math.fsum(float(week.get(n, 0)) for week in each) for n in channels}
    largest = sorted(sums, key=lambda name: -sums[name])
    own = largest if len(largest) <= PALETTE else largest[: PALETTE - 1]
    series = [
        Series(name, [float(week.get(name, 0)) for week in each])
        for name in channels
        if name in own
    ]
    rest = [name for name in channels if name not in own]
    if rest:
        name = in_language(say("other-channels", count=len(rest)), language)
        others = [math.fsum(float(week.get(n, 0)) for n in rest) for week in each]
        series.append(Series(name, others))
    title = in_language(say("memo-spend-chart", currency=currency), language)
    return Stack(title, in_language(say("week"), language), labels, series)


def reserve_parts(record: LedgerRecord, alerts: Sequence[Alert], language: str) -> list[Part]:
    """Return what the reserves hold in the week's fiscal period, and what left them for it."""
    balances = record.snapshot.balances(record.plan)
    accounts = [getattr(balances, kind) for kind in KINDS]
    columns = [
        [in_language(_RESERVES[kind], language) for kind in KINDS],
        amounts([account.built for account in accounts]),
        amounts([account.taken for account in accounts]),
        amounts([account.balance for account in accounts]),
    ]
    heads = (say("reserve"), say("reserve-built"), say("reserve-taken"), say("reserve-left"))
    table = Table([in_language(head, language) for head in heads], columns)
    lines = list(reserve_lines(balances, record.snapshot.released_for_week, alerts))
    return [*lines, table] if lines else [say("memo-no-reserves", period=balances.period.label)]


_RESERVES = {
    "contingency": say("reserve-contingency"),
    "test": say("reserve-test"),
    "holdout": say("reserve-holdout"),
}
