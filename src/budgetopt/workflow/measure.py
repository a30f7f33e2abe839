"""What came of the weeks that were applied, from the history, as often as it is revised.

`measure` records it; `overspent_weeks` says which of them somebody has to pay for. `record_year`
records the weeks that were planned ahead, of which the newest plan is the one that counts, and
`year_moved` how far what was applied, and what is decided now, has moved from it.

`scores` reads the weeks that were measured: for each channel and each phase the money applied and
spent, the outcome that the decision expected of it, and the outcome that came. Where other money
was applied than decided, the promise is that of the decision plus the difference at the decision's
marginal return, which is right for small differences, and too much for large ones.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, NamedTuple

from budgetopt.calendar import Week
from budgetopt.history import History
from budgetopt.horizon import Schedule
from budgetopt.i18n import Message, quoted, say
from budgetopt.ledger import Entry, Ledger, Transaction
from budgetopt.money import difference_of, show_amount, total_of
from budgetopt.notebook import brief
from budgetopt.plan import Plan
from budgetopt.workflow.inputs import (
    Difference,
    LatestHistory,
    RecordedHistory,
    plan_record,
    record_history,
)
from budgetopt.workflow.proposal import decision_of
from budgetopt.workflow.reserves import Answered, unsettled
from budgetopt.workflow.snapshot import AppliedWeeks, Snapshot, applied_weeks
from budgetopt.workflow.validation import Spends, as_money, as_text, ledger_of, named
from budgetopt.workflow.week_state import LedgerReader, WeekState, state_of

_LATE = 8
"""Weeks back to which an overspend that is found is paid for."""
WEEKS = 26
"""Weeks of late that are looked at: half a year."""
_REVISIONS = ("proposal", "edit")


class Measured(NamedTuple):
    """What came of an applied week, and where it goes in the ledger.

    Parameters
    ----------
    week, revision
        Which week, and the revision that was applied.
    times
        How often it was measured with this.
    data
        Spend and outcome by channel (or the total alone), and the history that says so.
    """

    week: dt.date
    revision: int
    times: int
    data: dict[str, Any]


def measure(ledger: Ledger, plan: Plan, history: History, *, who: str) -> tuple[WeekState, ...]:
    """Record what came of applied weeks that a history has whole, and what it has revised.

    Parameters
    ----------
    ledger
        Where it is recorded.
    plan
        Its channels.
    history
        Weeks of spend and outcome.
    who
        Who measures.

    Returns
    -------
    tuple of WeekState
        Of the weeks that were measured now.

    Raises
    ------
    HistoryError
        Where the history does not fit the plan.
    LedgerError
        Where the ledger cannot be written.
    """
    known = RecordedHistory.of(history.select(plan.names, plan.currency))
    with ledger_of(ledger, plan).transaction(named(who)) as t:
        before = LatestHistory(t)
        if not plan.id and ledger.plan_id is None:
            known.refuse_unlike(before.known)
        record_history(t, known, before)
        weeks = write_actuals(t, actuals(applied_weeks(t), known, known.since(before.known)))
        return tuple(state_of(t, week) for week in weeks)


def actuals(
    weeks: AppliedWeeks, known: RecordedHistory, difference: Difference
) -> tuple[Measured, ...]:
    """Return what is to be recorded of applied weeks, oldest first.

    A week counts once it is whole and every channel that was applied is reported.

    Parameters
    ----------
    weeks
        Those that were applied.
    known
        The history.
    difference
        What it says that the one recorded before it did not: weeks that were measured before are
        looked at where it is about them.
    """
    return tuple(_actuals(weeks, known, set(_touched(difference))))


def write_actuals(t: Transaction, found: Iterable[Measured]) -> list[dt.date]:
    """Record what `actuals` found, and return the weeks."""
    weeks = []
    for one in found:
        key = f"{one.week}/{one.times}"
        t.add("measured", one.data, week=one.week, revision=one.revision, key=key)
        weeks.append(one.week)
    return weeks


def _actuals(
    weeks: AppliedWeeks, known: RecordedHistory, touched: set[dt.date]
) -> Iterator[Measured]:
    for week, entry in weeks.applied.items():
        before = weeks.measured.get(week, [])
        if before and week not in touched:
            continue
        spent = [name for name, money in entry.data["spend"].items() if float(money)]
        data = _whole(known, week, spent)
        if data is None or (before and _same(data, before[-1].data)):
            continue
        yield Measured(week, entry.revision, len(before) + 1, data)


def _touched(difference: Difference) -> Iterator[dt.date]:
    yield from (*difference.added, *difference.completed)
    yield from (one.week for one in difference.revised)


def _whole(known: RecordedHistory, week: dt.date, spent: Iterable[str]) -> dict[str, Any] | None:
    """Return a week's actuals, or None while they are not whole."""
    row = known.rows.get(str(week))
    if row is None or row[2]:
        return None
    spend = dict(zip(known.channels, row[0], strict=True))
    outcome = {} if known.total else dict(zip(known.channels, row[1], strict=True))
    total = row[1][0] if known.total else None
    missing = [name for name in spent if spend.get(name) is None]
    missing += [name for name in spent if not known.total and outcome.get(name) is None]
    if missing or (known.total and total is None):
        return None
    return {"spend": spend, "outcome": outcome, "total": total, "history": known.fingerprint}


def _same(one: dict[str, Any], other: dict[str, Any]) -> bool:
    return all(one[part] == other[part] for part in ("spend", "outcome", "total"))


class Overspent(NamedTuple):
    """A week, what was applied in it, and what was spent."""

    week: dt.date
    applied: Spends
    spent: dict[str, float]

    def left(self, plan: Plan, before: Iterable[Answered]) -> dict[str, int]:
        """Return what each channel leaves of its plan, below 0 where over, less the answers."""
        planned, spent = (
            dict(zip(plan.names, plan.last_minor(money), strict=True))
            for money in (self.applied, self.spent)
        )
        return unsettled(plan, planned, {n: spent[n] for n in self.spent}, before)


def overspent_weeks(
    plan: Plan, snapshot: Snapshot, found: Iterable[Measured]
) -> Iterator[Overspent]:
    """Yield the weeks of late that spent more than was applied and than was answered before.

    A week that was answered and is revised since is yielded where it leaves more than was known.
    """
    late = {week: snapshot.weeks.measured.get(week) for week in snapshot.recent(_LATE)}
    measured = {week: entries[-1].data for week, entries in late.items() if entries}
    measured |= {one.week: one.data for one in found if one.week < snapshot.week}
    for week in sorted(measured):
        applied = snapshot.spends_of(plan, week)
        there = measured[week]["spend"]
        spent = {n: there[n] for n in plan.names if there.get(n) is not None}
        one = Overspent(week, applied, spent)
        left, answers = one.left(plan, snapshot.answers.get(week, ())), snapshot.answered.get(week)
        owed = answers is not None and answers.uncovered
        if any(rest < 0 or (rest > 0 and owed) for rest in left.values()):
            yield one


def record_year(plan: Plan, schedule: Schedule, ledger: Ledger, *, who: str) -> Entry:
    """Record weeks planned ahead; from then on the weekly run says how far it has moved from them.

    Parameters
    ----------
    plan
        The ledger's plan.
    schedule
        The weeks; weeks that were planned before count no more.
    ledger
        Where to record them.
    who
        Who records.

    Raises
    ------
    InputError
        ``bad-argument`` for another plan than the ledger's; LedgerError as `Ledger.transaction`.
    """
    weeks = {
        str(day): as_text(spend) for day, spend in zip(schedule.weeks, schedule.spend, strict=True)
    }
    with ledger_of(ledger, plan).transaction(named(who)) as transaction:
        if transaction.latest("plan") is None:
            # The first entry says whose the ledger is.
            transaction.add("plan", plan_record(plan))
        return transaction.add("year", {"spend": weeks}, week=schedule.weeks[0])


def year_moved(plan: Plan, snapshot: Snapshot, spend: Mapping[str, Decimal]) -> tuple[Message, ...]:
    """Return how far the weeks until now have moved from those planned; nothing without a plan.

    Weeks that were applied count, and the week that is decided now.

    Parameters
    ----------
    plan
        Its channels.
    snapshot
        The ledger as this week sees it.
    spend
        What is decided for this week.
    """
    planned = snapshot.year
    weeks = {} if planned is None else planned.data["spend"]
    if planned is None or str(snapshot.week) not in weeks:
        return ()
    spent = {
        day: as_money(snapshot.weeks.data[day]["spend"])
        for day in snapshot.applied
        if day < snapshot.week and str(day) in weeks
    }
    spent[snapshot.week] = dict(spend)
    asked, got = (
        {name: total_of(each.get(name, Decimal(0)) for each in every) for name in plan.names}
        for every in ([as_money(weeks[str(day)]) for day in spent], [*spent.values()])
    )
    moved = {name: difference_of(got[name], asked[name]) for name in plan.names}
    said = say(
        "year-moved",
        on=str(planned.at.date()),
        weeks=len(spent),
        planned=show_amount(total_of(asked.values())),
        spent=show_amount(total_of(got.values())),
    )
    most = max(moved, key=lambda name: abs(moved[name]))
    if moved[most]:
        more = show_amount(abs(moved[most]))
        code = "year-moved-up" if moved[most] > 0 else "year-moved-down"
        said = say(code, moved=said, channel=quoted(most), more=more)
    return (said,)


class Score(NamedTuple):
    """What some weeks promised and delivered.

    Parameters
    ----------
    name
        A channel or a phase; empty for all together.
    weeks
        How many.
    applied, spent
        Money that was applied, and that was spent.
    promised, delivered
        Outcome that the decisions expected, and that came; the latter None where the history
        knows one total, of a channel.
    """

    name: str
    weeks: int
    applied: Decimal
    spent: Decimal
    promised: float
    delivered: float | None

    @property
    def ratio(self) -> float | None:
        """What was delivered for each unit promised; None where nothing can be said."""
        known = self.delivered is not None and self.promised > 0
        return self.delivered / self.promised if known and self.delivered is not None else None


@brief
@dataclass(frozen=True)
class Scores:
    """Scores of the weeks of late.

    Parameters
    ----------
    first, last
        First days of the first and the last week.
    channels
        By channel, in the plan's order.
    phases
        By phase, in the order of their days; a week counts for the phase that most of its days lie
        in. Weeks in none are left out.
    total
        All together.
    """

    first: dt.date
    last: dt.date
    channels: tuple[Score, ...]
    phases: tuple[Score, ...]
    total: Score

    def to_dict(self) -> dict[str, Any]:
        """Return plain data for JSON."""
        return {
            "first": str(self.first),
            "last": str(self.last),
            "channels": [_plain(one) for one in self.channels],
            "phases": [_plain(one) for one in self.phases],
            "total": _plain(self.total),
        }


def _plain(score: Score) -> dict[str, Any]:
    money = {"applied": str(score.applied), "spent": str(score.spent)}
    return {**score._asdict(), **money, "ratio": score.ratio}


class _Past(NamedTuple):
    """A measured week."""

    week: dt.date
    applied: dict[str, Decimal]
    spent: dict[str, Decimal]
    promised: dict[str, float]
    delivered: dict[str, float] | None
    total: float


def scores(reader: LedgerReader, plan: Plan, *, weeks: int = WEEKS) -> Scores | None:
    """Return what the measured weeks of late promised and delivered; None where there are none.

    Weeks whose outcomes still arrive, by the plan's delay, are left out: they would look worse
    than they are.

    Parameters
    ----------
    reader
        The ledger.
    plan
        Its channels, phases and delay.
    weeks
        How many weeks are looked at, at most.

    Raises
    ------
    LedgerError
        Where the ledger cannot be read.
    """
    past = list(_measured(reader, plan, weeks))
    if not past:
        return None
    phases = [(p.name, [one for one in past if _phase(plan, one.week) == p.name])
              for p in plan.operation.phases]  # fmt: skip
    return Scores(
        past[0].week,
        past[-1].week,
        tuple(_channel(name, past) for name in plan.names),
        tuple(_together(name, some) for name, some in phases if some),
        _together("", past),
    )


def _measured(reader: LedgerReader, plan: Plan, weeks: int) -> Iterator[_Past]:
    """Yield the measured weeks of late, oldest first, whose outcomes have arrived."""
    done = applied_weeks(reader)
    found = [week for week in done.applied if done.measured.get(week)][-weeks:]
    if not found:
        return
    newest = max(week for week in done.measured)
    late = 0.0 if plan.delay is None else plan.delay.ages[-1]
    for week in found:
        if (newest - week).days / 7 < late:
            continue
        applied, measured = done.applied[week], done.measured[week][-1]
        entries = reader.entries(kinds=_REVISIONS, week=week)
        decided = [entry for entry in entries if entry.revision == applied.revision]
        if decided:
            yield _past(plan, week, decided[-1], applied, measured)


def _past(plan: Plan, week: dt.date, decided: Entry, applied: Entry, measured: Entry) -> _Past:
    allocation, came = decision_of(decided.data).allocation, measured.data
    money = {n: Decimal(m) for n, m in applied.data["spend"].items() if n in plan.index}
    spent = {n: Decimal(repr(m)) for n, m in came["spend"].items() if m is not None}
    outcome = {n: float(v) for n, v in came["outcome"].items() if v is not None}
    total = sum(outcome.values()) if came["total"] is None else float(came["total"])
    promised = {
        name: max(
            0.0,
            expected
            + allocation.marginal[name]
            * float(difference_of(money.get(name, Decimal(0)), allocation.spend[name])),
        )
        for name, expected in allocation.outcomes.items()
    }
    delivered = outcome if came["total"] is None else None
    return _Past(week, money, spent, promised, delivered, total)


def _channel(name: str, past: Iterable[_Past]) -> Score:
    """Return the score of a channel, over the weeks in which it had money or brought something."""
    some = [one for one in past if one.applied.get(name) or one.spent.get(name)]
    known = all(one.delivered is not None for one in some)
    return Score(
        name,
        len(some),
        total_of(one.applied.get(name, Decimal(0)) for one in some),
        total_of(one.spent.get(name, Decimal(0)) for one in some),
        float(sum(one.promised.get(name, 0.0) for one in some)),
        float(sum((one.delivered or {}).get(name, 0.0) for one in some)) if known else None,
    )


def _together(name: str, past: list[_Past]) -> Score:
    """Return the score of all channels over some weeks."""
    return Score(
        name,
        len(past),
        total_of(m for one in past for m in one.applied.values()),
        total_of(m for one in past for n, m in one.spent.items() if n in one.applied),
        float(sum(sum(one.promised.values()) for one in past)),
        float(sum(one.total for one in past)),
    )


def _phase(plan: Plan, start: dt.date) -> str:
    """Return the phase that most days of a week lie in, or nothing."""
    week = Week(start)
    days = [
        ((min(phase.last, week.end) - max(phase.first, week.start)).days + 1, phase.name)
        for phase in plan.operation.phases
    ]
    most, name = max(days, default=(0, ""))
    return name if most > 3 else ""
