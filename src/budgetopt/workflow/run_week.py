"""The weekly run: read, measure, pace, decide, and record it all at once.

`run_week` is the whole of it and `WeekRun` what it returns. Everything is worked out before
anything is written: `WeekRunner` builds a `RunDraft` from a snapshot of the ledger, and `decide`
the decision in it, with releases by rule and with what earlier weeks overspent. The ledger is then
locked, and where nobody has written to it meanwhile all entries go in together; otherwise
everything is worked out anew from what is there now. So two runs at once end in one proposal, and
one that is killed leaves nothing.
"""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import cached_property
from itertools import chain
from typing import Any

import numpy as np

from budgetopt.arguments import public
from budgetopt.belief import Belief
from budgetopt.calendar import Fiscal, Week, as_date
from budgetopt.errors import BudgetoptError, InfeasibleError, InputError, LedgerError, SolverError
from budgetopt.history import History
from budgetopt.i18n import Message, messages_of, restored, say
from budgetopt.ledger import Ledger, Transaction
from budgetopt.money import difference_of, total_of
from budgetopt.optimize import allocate, believed_in
from budgetopt.plan import Goal, Plan
from budgetopt.policies import Policy, as_policy, default_policy
from budgetopt.version import VERSION
from budgetopt.weekly import GUARDRAILS, Decision, Guardrails, last_spend
from budgetopt.workflow.alerts import Alert, alerts, news, undecided, wider
from budgetopt.workflow.approval import (
    approve_by_rule,
    critical,
    name_needed,
    write_answer,
    write_due,
)
from budgetopt.workflow.inputs import (
    Difference,
    Inputs,
    LatestHistory,
    RecordedHistory,
    belief_fingerprint,
    plan_fingerprint,
    plan_record,
    policy_record,
    record_history,
    recorded,
    what_changed,
)
from budgetopt.workflow.measure import (
    Measured,
    Overspent,
    actuals,
    overspent_weeks,
    write_actuals,
    year_moved,
)
from budgetopt.workflow.pacing import LOOK_BACK, Pace, pace
from budgetopt.workflow.proposal import (
    BudgetAdjustment,
    WeekRequest,
    decide_nearest,
    decision_of,
    decision_text,
    plan_of_week,
)
from budgetopt.workflow.reserves import (
    Answered,
    Due,
    Movement,
    answer_overspend,
    answer_owed,
    parts_of,
    releases_due,
)
from budgetopt.workflow.snapshot import Snapshot, take_snapshot
from budgetopt.workflow.validation import as_text, ledger_of, named, next_week, plan_key, week_of
from budgetopt.workflow.week_run import WeekRun
from budgetopt.workflow.week_state import LedgerReader, WeekState, state_of

LOG = logging.getLogger("budgetopt.workflow")
_ATTEMPTS = 100
"""Times that a run is worked out anew because somebody else wrote meanwhile."""


@public
def run_week(
    plan: Plan,
    history: History,
    ledger: Ledger,
    *,
    who: str,
    today: dt.date | str,
    week: dt.date | str | None = None,
    policy: Policy | str | None = None,
    seed: int = 0,
    belief: Belief | None = None,
    guardrails: Guardrails | None = GUARDRAILS,
    scenarios: Iterable[str] = (),
) -> WeekRun:
    """Propose a week, and record what was known, measured, released and alerted with it.

    The same week with the same plan, history, policy, settings, seed, applied spends and released
    reserve is proposed once: another run returns what is recorded. Anything else that is proposed
    for the week is a new revision, which says what changed and takes the place of the older ones.
    A week that is applied or over is not proposed again: its record is returned, with a note. Where
    a week cannot be decided, all but the proposal is recorded, with a critical alert, before the
    error is raised.

    Parameters
    ----------
    plan
        Budget, channels, limits and how weeks are run.
    history
        Weeks of spend and outcome.
    ledger
        What happened so far; everything new goes into it, in one transaction.
    who
        Person or program that runs this.
    today
        The day of the run.
    week
        A day of the week to decide; by default of the next that has not begun before `today`.
    policy, seed, belief, guardrails
        As in `reallocate`. A policy of one's own is known by its name: give it another one where
        its settings change.
    scenarios
        Names of the scenarios that are happening, for rules that release the reserve. What was
        declared for the week before stays declared for it.

    Returns
    -------
    WeekRun
        The decision, and where it stands.

    Raises
    ------
    InputError
        ``bad-argument`` where the history knows days after `today`, or the ledger is that of
        another plan; ``wrong-state`` for a week that was over on it and never proposed.
    BudgetoptError
        What `reallocate` raises; `LedgerError` where the ledger cannot be read or written.
    """
    day = as_date(today, "today")
    start = next_week(plan, day) if week is None else week_of(plan, week)
    _refuse_to_come(history, day)
    chosen = as_policy(default_policy(history) if policy is None else policy)
    number = int(seed) if isinstance(seed, np.integer) else seed
    known = history.select(plan.names, plan.currency)
    happening = sorted(set(scenarios), key=str)
    if isinstance(scenarios, str) or not all(isinstance(one, str) for one in happening):
        said = say("field-is", field="scenarios", value=repr(scenarios))
        how = say("remedy-list-of-names")
        raise InputError("bad-argument", said, field="scenarios", value=str(scenarios), remedy=how)
    runner = WeekRunner(
        WeekRequest(plan, known, start, chosen, guardrails, number, belief),
        day,
        tuple(happening),
        RecordedHistory.of(known),
        bool(plan.id) or ledger.plan_id is not None,
    )
    name = named(who)
    for _ in range(_ATTEMPTS):
        mine = ledger_of(ledger, plan)
        snapshot = take_snapshot(mine, start)
        draft = runner.build_draft(mine, snapshot)
        if not draft.has_changes:
            # What was read is of one moment only if nobody wrote between the reader.
            if mine.head == snapshot.head:
                LOG.info("week of %s: nothing new", start)
                return draft.result()
            continue
        with mine.transaction(name) as t:
            # Another plan may have begun the ledger meanwhile.
            if t.head != snapshot.head or plan_key(t, plan, ledger.plan_id) != mine.plan_id:
                continue
            written = _write(t, runner, draft)
        LOG.info("week of %s: recorded by %s", start, name)
        # What is known is recorded by now, whether or not the week can be decided.
        return written.result()
    raise LedgerError(
        "ledger-locked",
        say("ledger-written-meanwhile", count=_ATTEMPTS),
        field="ledger",
        remedy=say("remedy-try-later"),
    )


def _refuse_to_come(history: History, today: dt.date) -> None:
    if history.through is not None and history.through > today:
        raise InputError(
            "bad-argument",
            say("history-known-through-after", through=history.through, today=today),
            field="today",
            value=str(today),
            remedy=say("remedy-day-run-history-known"),
        )


def _write(t: Transaction, runner: WeekRunner, draft: RunDraft) -> RunDraft:
    """Record all of a draft, and return it with its run as it stands then."""
    plan, start = runner.request.plan, runner.request.week
    written = t.latest("plan")
    if written is None or draft.plan_is_new:
        written = t.add("plan", plan_record(plan))
    history = record_history(t, runner.known, draft.before)
    write_actuals(t, draft.actuals)
    for answered in draft.answers:
        write_answer(t, answered, start)
    for due in draft.dues:
        write_due(t, due, start)
    run = draft.run
    if run is not None and draft.proposal is not None:
        data = {**draft.proposal, "plan_entry": written.number, "history_entry": history}
        revision = run.revision
        t.add("proposal", data, week=start, revision=revision, key=f"{start}/{revision}")
        approve_by_rule(t, run.needs, state_of(t, start))
    for alert in draft.news:
        t.add("alert", alert.to_dict(), week=start, key=alert.key)
    if run is None:
        return draft
    state = state_of(t, start)
    assert state.current is not None
    run = replace(run, state=state.state, entry=state.current.number, head=t.head)
    return replace(draft, run=run)


_STUCK = 104
"""Weeks beyond those of the rule in which the first at a limit is looked for."""


@dataclass(frozen=True)
class RunDraft:
    """What a weekly run would record.

    Parameters
    ----------
    run
        What it returns; the entry and the head are filled in when it is written. None where the
        week cannot be decided.
    error
        Why it cannot be decided: raised once all else is recorded.
    news
        Alerts that were not raised before.
    plan_is_new, history_is_new
        Whether they are not those that were recorded last.
    before
        The history recorded last.
    actuals
        What came of applied weeks.
    dues
        Releases by rule.
    answers
        Who pays for weeks that overspent.
    proposal
        The proposal's data, the entries that it refers to left out; None where there is one.
    """

    run: WeekRun | None
    error: BudgetoptError | None = None
    news: tuple[Alert, ...] = ()
    plan_is_new: bool = False
    history_is_new: bool = False
    before: LatestHistory | None = None
    actuals: tuple[Measured, ...] = ()
    dues: tuple[Due, ...] = ()
    answers: tuple[Answered, ...] = ()
    proposal: Mapping[str, Any] | None = None

    @property
    def has_changes(self) -> bool:
        """Whether there is anything to write."""
        new = self.plan_is_new or self.history_is_new or self.proposal is not None
        return new or bool(self.actuals or self.news)

    def result(self) -> WeekRun:
        """Return what the run returns, or raise why the week cannot be decided."""
        if self.error is not None:
            raise self.error
        assert self.run is not None
        return self.run


@dataclass(frozen=True)
class WeekRunner:
    """A weekly run: the request, and the day on which it is answered.

    Parameters
    ----------
    request
        What the week is decided from.
    today
        The day of the run.
    scenarios
        Names of the scenarios that are declared now.
    known
        The history in the form that the ledger keeps.
    identified
        Whether the plan has an id, or one was chosen; else its history has to say that it is the
        ledger's.
    """

    request: WeekRequest
    today: dt.date
    scenarios: tuple[str, ...]
    known: RecordedHistory
    identified: bool = True

    def build_draft(self, reader: LedgerReader, snapshot: Snapshot) -> RunDraft:
        """Work out all that this run would write to a ledger, without writing it.

        Parameters
        ----------
        reader
            The ledger.
        snapshot
            What was read of it.

        Raises
        ------
        InputError
            ``wrong-state`` where the week is over, and was never proposed.
        """
        ended = Week(self.request.week).end < self.today
        if ended and snapshot.state.current is None:
            raise self._too_late()
        written, before = reader.latest("plan"), LatestHistory(reader)
        plan_is_new = written is None or written.data["fingerprint"] != self._plan
        history_is_new = before.lacks(self.known)
        if history_is_new and not self.identified:
            self.known.refuse_unlike(before.known)
        difference = self.known.since(before.known) if history_is_new else Difference()
        found = actuals(snapshot.weeks, self.known, difference)
        inputs, standing = self._inputs(snapshot), snapshot.state.proposal
        same = standing is not None and standing.data["fingerprint"] == inputs.fingerprint
        if same or snapshot.state.over or ended:
            draft = RunDraft(self._recorded(snapshot, same=same))
        else:
            changed = self._changed(reader, snapshot, inputs)
            try:
                draft = self._proposed(snapshot, inputs, changed, found)
            except (InfeasibleError, SolverError) as error:
                draft = RunDraft(None, error)
        raised = self._alerts(snapshot, draft, difference)
        draft = _alarmed(draft, sum(one.severity == "critical" for one in raised))
        run = draft.run
        fresh = tuple(one for one in raised if one.key not in snapshot.alerts)
        if run is not None:
            measured = tuple(one.week for one in found)
            forgotten = snapshot.not_recorded(self.today)
            run = replace(run, measured=measured, alerts=raised, news=fresh, not_recorded=forgotten)
        return replace(
            draft,
            run=run,
            news=fresh,
            plan_is_new=plan_is_new,
            history_is_new=history_is_new,
            before=before,
            actuals=found,
        )

    def _recorded(self, snapshot: Snapshot, *, same: bool) -> WeekRun:
        """Return the run of a week that is proposed from the same inputs, or applied."""
        state = snapshot.state
        assert state.current is not None
        data = state.current.data
        decision, words = decision_of(data), data["words"]
        notes = [restored(note, words) for note in data.get("notes", [])]
        end = Week(self.request.week).end
        if not same and not state.over and end < self.today:
            notes.append(say("week-ended", day=str(end)))
        elif not same:
            number = str(state.revision)
            template = "already-decided"
            notes.append(say(template, state=say(state.state), number=number))
        elif state.state == "rejected":
            notes.append(say("unchanged-since-rejection"))
        return WeekRun(
            decision=decision,
            state=state.state,
            revision=state.revision,
            entry=state.current.number,
            head=snapshot.head,
            new=False,
            changed=tuple(restored(one, words) for one in data.get("changed", [])),
            needs=tuple(restored(one, words) for one in data["needs"]),
            pace=self._pace(snapshot, decision.allocation.spend),
            balances=snapshot.balances(self.request.plan),
            released=snapshot.released_for_week,
            notes=tuple(notes),
            widened=_widened(state),
        )

    def _proposed(
        self,
        snapshot: Snapshot,
        inputs: Inputs,
        changed: tuple[str, ...],
        found: tuple[Measured, ...],
    ) -> RunDraft:
        """Return the draft of a new revision."""
        plan, week = self.request.plan, self.request.week
        paced = any(day >= self._paced_from for day in snapshot.applied)
        by_pace = paced and any(r.when == "pace" for r in plan.operation.releases)
        decided = decide(
            self.request,
            snapshot,
            found,
            self.today,
            pace_now=self._pace(snapshot) if by_pace else None,
            scenarios=inputs.scenarios,
        )
        decision, moved = self.request.with_targets(decided.decision), decided.movements(week)
        decided = replace(decided, decision=decision)
        needs, notes = name_needed(plan, decision), (*snapshot.base_notes, *decided.notes)
        notes = (*notes, *year_moved(plan, snapshot, decision.allocation.spend))
        run = WeekRun(
            decision=decision,
            state="proposed",
            revision=snapshot.state.revision + 1,
            entry=0,
            head=snapshot.head,
            new=True,
            changed=changed,
            needs=needs,
            pace=self._pace(snapshot, decision.allocation.spend),
            balances=snapshot.balances(plan, moved),
            released=(*snapshot.released_for_week, *moved),
            notes=notes,
            widened=decided.widened,
        )
        proposal = {
            **decided.to_dict(),
            "inputs": inputs.to_dict(),
            "fingerprint": inputs.fingerprint,
            "held": as_text(parts_of(plan, week)),
            "changed": list(changed),
            "needs": list(needs),
            "notes": list(notes),
            "widened": decided.widened,
            "words": messages_of((*changed, *needs, *notes, decided.widened)),
        }
        return RunDraft(run, dues=decided.dues, answers=decided.answers, proposal=proposal)

    def _alerts(
        self, snapshot: Snapshot, draft: RunDraft, difference: Difference
    ) -> tuple[Alert, ...]:
        """Return what a person should know today, the worst first."""
        run, plan, week = draft.run, self.request.plan, self.request.week
        answered = {one.week for one in draft.answers}
        unpaid = (*(o for o in snapshot.unpaid if o.week not in answered), *draft.answers)
        limits = snapshot.limits(plan.operation.alerts.stuck_weeks + _STUCK)
        if run is not None:
            standing = run.decision.allocation.limits()
            limits[week] = {name: rule.code for name, rule in standing}
        # Before a week that is applied has begun nobody has planned what is spent.
        spending = None
        if any(self._paced_from <= day < self.today for day in snapshot.applied):
            spending = self._pace(snapshot) if run is None else run.pace
        found = [
            alerts(
                plan,
                self.today,
                history=self.request.history,
                difference=difference,
                limits=limits,
                spend=None if run is None else run.decision.allocation.spend,
                fired=() if run is None else run.decision.fired,
                targets=() if run is None else run.decision.targets,
                balances=snapshot.balances(plan) if run is None else run.balances,
                pace=spending,
            ),
            *(alerts(plan, self.today, answered=answered) for answered in unpaid),
            self._revised(snapshot),
            () if run is None else wider(week, run.widened),
            () if draft.error is None else self._undecided(snapshot, draft.error),
        ]
        return news(chain.from_iterable(found))

    def _revised(self, snapshot: Snapshot) -> tuple[Alert, ...]:
        """Return what was raised of the changes that the history now known has brought.

        They stand while it is the newest, though a run after the first finds no difference.
        """
        about = f"history-revised:{self.known.fingerprint[:16]}"
        entries = (entry for key, entry in snapshot.alerts.items() if key.startswith(about))
        return tuple(Alert.from_dict(entry.data) for entry in entries)

    def _undecided(self, snapshot: Snapshot, error: BudgetoptError) -> tuple[Alert, ...]:
        """Return what is raised for a week that cannot be decided; for a target, how far it is."""
        plan = self.request.plan
        best = self._best(snapshot) if error.code == "target-out-of-reach" else None
        return alerts(plan, self.today, best=best) or tuple(undecided(self.request.week, error))

    def _best(self, snapshot: Snapshot) -> float | None:
        """Return the best outcome that can be had in the week; None where other limits clash."""
        request, last = self.request, snapshot.last_of(self.request.plan)
        free = replace(plan_of_week(request.plan, request.week, snapshot.adjustment), goal=Goal())
        past = request.history.until(request.week).complete()
        spent = last_spend(request.plan, past) if last is None else last
        try:
            expected = believed_in(request.plan, Week(request.week), request.learned)
            return allocate(free, expected, last=spent, draws=1).outcome
        except (InfeasibleError, SolverError):
            return None

    def _pace(self, snapshot: Snapshot, spend: Mapping[str, Decimal] | None = None) -> Pace:
        """Return the pace of today, with this week's split among what is planned."""
        plan, since, week = self.request.plan, self._paced_from, self.request.week
        planned: dict[dt.date, Mapping[str, Any]] = {**snapshot.planned_since(plan, since)}
        if spend is not None and week not in snapshot.applied:
            planned[week] = {n: m for n, m in spend.items() if n in plan.index}
        return pace(plan, planned, self.known.spent(since), self.today)

    @property
    def _paced_from(self) -> dt.date:
        """First day of the weeks that count for pacing."""
        return self.today - LOOK_BACK

    def _too_late(self) -> InputError:
        week = Week(self.request.week)
        return InputError(
            "wrong-state",
            say("week-over", week=str(week.start), end=str(week.end), today=str(self.today)),
            field="week",
            value=str(week.start),
            remedy=say("remedy-week-not-over"),
        )

    @cached_property
    def _plan(self) -> str:
        return plan_fingerprint(self.request.plan)

    def _inputs(self, snapshot: Snapshot) -> Inputs:
        request, last = self.request, snapshot.last
        standing = snapshot.state.proposal
        declared = () if standing is None else standing.data["inputs"]["scenarios"]
        return Inputs(
            week=str(request.week),
            plan=self._plan,
            history=self.known.fingerprint,
            belief=belief_fingerprint(request.belief),
            policy=policy_record(request.policy),
            guardrails=None if request.guardrails is None else request.guardrails.to_dict(),
            seed=request.seed,
            last={} if last is None else as_text(last[1]),
            released=str(snapshot.released(by_hand=True)),
            # What was declared for a week stays so: a run without it takes no approval away.
            scenarios=tuple(sorted({*self.scenarios, *declared})),
            version=VERSION,
        )

    def _changed(self, reader: LedgerReader, snapshot: Snapshot, inputs: Inputs) -> tuple[str, ...]:
        """Return what changed since the last proposal of this week; nothing where there is none."""
        if snapshot.state.proposal is None:
            return ()
        data = snapshot.state.proposal.data
        old = Inputs.from_dict(data["inputs"])
        plan = new = self.request.plan.to_dict() if old.plan != inputs.plan else {}
        if plan:
            plan = reader.entries(kinds=("plan",), after=data["plan_entry"] - 1)[0].data["plan"]
        difference = Difference()
        if old.history != inputs.history:
            difference = self.known.since(recorded(reader, data["history_entry"]))
        return what_changed(old, inputs, (plan, new), difference)


def _alarmed(draft: RunDraft, count: int) -> RunDraft:
    """Return a draft that critical alerts keep from being approved by rule."""
    why, run, proposal = critical(count), draft.run, draft.proposal
    if not why or run is None or proposal is None:
        return draft
    run = replace(run, needs=(*run.needs, *why))
    data = {**proposal, "critical": count, "needs": list(run.needs)}
    data["words"] = {**proposal["words"], **messages_of(why)}
    return replace(draft, run=run, proposal=data)


def _widened(state: WeekState) -> str:
    """Return why the proposal of a week widened its change limits; empty where it did not."""
    data = {} if state.proposal is None else state.proposal.data
    return restored(data.get("widened", ""), data.get("words", {}))


_SHORT = Fiscal("month")
"""A short period where that of the week alone is looked at."""


@dataclass(frozen=True)
class Decided:
    """A decision, and what moved money for it.

    Parameters
    ----------
    decision
        The split.
    adjustment
        What its money is beside the plan.
    dues
        Releases by rule.
    answers
        Who pays for weeks that overspent.
    notes
        What a reader should know of it.
    widened
        Why change limits are wider than declared; empty where they are not.
    """

    decision: Decision
    adjustment: BudgetAdjustment
    dues: tuple[Due, ...] = ()
    answers: tuple[Answered, ...] = ()
    notes: tuple[str, ...] = ()
    widened: str = ""

    def to_dict(self) -> dict[str, Any]:
        """Return what is recorded of the split and its money."""
        week = self.decision.allocation
        return {
            "decision": decision_text(self.decision),
            "spend": as_text(week.spend),
            "budget": str(week.budget),
            "limits": {name: rule.code for name, rule in week.limits()},
            "terms": self.adjustment.to_dict(),
        }

    def movements(self, week: dt.date) -> tuple[Movement, ...]:
        """Return what leaves the reserves for a week."""
        due = (one.movement(week) for one in self.dues)
        return (*_moved(self.answers, week), *due)


def decide(
    request: WeekRequest,
    snapshot: Snapshot,
    found: Iterable[Measured],
    today: dt.date,
    *,
    pace_now: Pace | None,
    scenarios: tuple[str, ...],
) -> Decided:
    """Decide a week after what a ledger says.

    Parameters
    ----------
    request
        What it is decided from.
    seen
        The ledger.
    found
        Applied weeks that are measured now.
    today
        The day of the run.
    pace_now
        Spend against plan, for rules that release by it.
    scenarios
        Names of the scenarios that are happening.
    """
    plan, adjustment = request.plan, snapshot.adjustment
    last = snapshot.last_of(plan)
    kinds = {rule.when for rule in plan.operation.releases}
    over = tuple(overspent_weeks(plan, snapshot, found))
    # Who pays from the next week, and what the next unit brings, is read off a first decision.
    ahead = "mroas" in kinds or (
        (over or snapshot.owed) and plan.operation.pacing.overspend != "reserve"
    )
    looked = decide_nearest(request, adjustment, last) if ahead else None
    first = None if looked is None else looked.decision
    answers = _answered(request.plan, snapshot, over, today, first)
    moved = _moved(answers, request.week)
    dues = releases_due(
        plan,
        snapshot.free(plan, moved),
        pace_now,
        None if first is None else _mroas(plan, first),
        scenarios,
        released=snapshot.rules_used,
    )
    released = total_of((adjustment.released, *(due.amount for due in dues)))
    after = _charged(replace(adjustment, released=released), answers, first)
    less, said = replace(after, taken=adjustment.taken, caps=adjustment.caps), _said(answers)
    if less != after:
        try:
            return Decided(request.decide(after, last), after, dues, answers, said)
        except InfeasibleError:
            # Earlier weeks are paid for by what a week has to spare, not by its limits.
            answers = tuple(one.without("next-week") for one in answers)
            off = say("overspend-not-recoverable")
            said = (*_said(answers), off)
    done = (
        looked if looked is not None and less == adjustment else decide_nearest(request, less, last)
    )
    return Decided(done.decision, done.adjustment, dues, answers, said, done.widened)


def _said(answers: Iterable[Answered]) -> tuple[Message, ...]:
    """Return who pays what, in sentences.

    What other channels leave of the same week moves no money, and is kept in the ledger alone; of
    what nobody pays there is an alert.
    """
    paid = (one for one in answers if one.total != one.uncovered)
    return tuple(one.sentence() for one in paid if one.paid("left-over") != one.total)


def _moved(answers: Iterable[Answered], week: dt.date) -> tuple[Movement, ...]:
    """Return what answers take from the reserve."""
    found = (one.movement(one.counts_on(week)) for one in answers)
    return tuple(one for one in found if one is not None)


def _answered(
    plan: Plan,
    snapshot: Snapshot,
    over: Iterable[Overspent],
    today: dt.date,
    first: Decision | None,
) -> tuple[Answered, ...]:
    """Return who pays for weeks that overspent, one after another: first what is still owed."""
    answers: list[Answered] = []
    there = {} if first is None else dict(first.allocation.spend)
    low = [] if first is None else first.allocation.money_bounds()[0]
    least = dict(zip(there, low, strict=True))
    marginal = None if first is None else _mroas(plan, first, all_=True)

    def balance(week: dt.date) -> Decimal:
        return snapshot.free(plan, _moved(answers, snapshot.week), on=week).contingency.balance

    def add(answered: Answered) -> None:
        answers.append(answered)
        # What pays for one week does not pay for another one.
        for source in answered.sources:
            if source.payer == "next-week":
                there[source.channel] = difference_of(there[source.channel], source.amount)

    late = {one.week: one for one in over}

    def before(week: dt.date) -> tuple[Answered, ...]:
        return (*snapshot.answers.get(week, ()), *(one for one in answers if one.week == week))

    for owed in snapshot.owed:
        revised = late.get(owed.week)
        add(
            answer_owed(
                plan, owed, balance=balance(snapshot.week), marginal=marginal, next_week=there,
                least=least, left=revised and revised.left(plan, before(owed.week)),
            )
        )  # fmt: skip
    for week, applied, spent in late.values():
        paced = pace(plan, {week: applied}, {Week(week): spent}, today, week=week, fiscal=_SHORT)
        answered = answer_overspend(
            plan, paced.week, balance=balance(week), marginal=marginal, next_week=there,
            least=least, before=before(week),
        )  # fmt: skip
        if answered.over:
            add(answered)
    return tuple(answers)


def _charged(
    adjustment: BudgetAdjustment, answers: Iterable[Answered], first: Decision | None
) -> BudgetAdjustment:
    """Return the adjustment with overspends taken off the week; whoever pays is capped."""
    taken, caps = adjustment.taken, dict(adjustment.caps)
    for answered in answers:
        taken = total_of((taken, answered.paid("next-week")))
        for source in answered.sources:
            if source.payer == "next-week" and first is not None:
                money = caps.get(source.channel, first.allocation.spend[source.channel])
                caps[source.channel] = difference_of(money, source.amount)
    return BudgetAdjustment(adjustment.released, taken, tuple(sorted(caps.items())))


def _mroas(plan: Plan, decision: Decision, *, all_: bool = False) -> dict[str, float]:
    """Return the value of the next unit of money, by channel that may get more, or by all."""
    week = decision.allocation
    _, most = week.money_bounds()
    return {
        name: float(value) * week.marginal[name]
        for name, value, top in zip(plan.names, plan.values, most, strict=True)
        if all_ or week.spend[name] < top
    }
