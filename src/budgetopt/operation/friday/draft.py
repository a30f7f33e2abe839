"""What a weekly run would record, worked out before anything is written."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import cached_property
from itertools import chain
from typing import Any

from budgetopt.calendar import Week
from budgetopt.errors import BudgetoptError, InfeasibleError, InputError, SolverError
from budgetopt.operation.alerts import Alert, alerts, news, undecided
from budgetopt.operation.approve import name_needed
from budgetopt.operation.checks import as_text
from budgetopt.operation.friday.decide import decide
from budgetopt.operation.friday.week_run import WeekRun
from budgetopt.operation.measure import Measured, actuals
from budgetopt.operation.pacing import LOOK_BACK, Pace, actual_of, pace
from budgetopt.operation.propose import Asked, decision_of, plan_of_week
from budgetopt.operation.reading import Reads
from budgetopt.operation.record import (
    Inputs,
    belief_fingerprint,
    plan_fingerprint,
    policy_record,
    what_changed,
)
from budgetopt.operation.record.histories import Difference, Known, Latest, recorded
from budgetopt.operation.reserve import Answered, Due, parts_of
from budgetopt.operation.seen import Seen
from budgetopt.optimize import allocate
from budgetopt.plan import Goal
from budgetopt.version import VERSION
from budgetopt.weekly import last_spend
from budgetopt.words import restored, say, templates_of

_STUCK = 104
"""Weeks beyond those of the rule in which the first at a limit is looked for."""


@dataclass(frozen=True)
class Draft:
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
    before: Latest | None = None
    actuals: tuple[Measured, ...] = ()
    dues: tuple[Due, ...] = ()
    answers: tuple[Answered, ...] = ()
    proposal: Mapping[str, Any] | None = None

    @property
    def anything(self) -> bool:
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
class Friday:
    """A weekly run: what is asked for, and on which day.

    Parameters
    ----------
    asked
        What the week is decided from.
    today
        The day of the run.
    scenarios
        Names of the scenarios that are declared now.
    known
        The history in the form that the ledger keeps.
    """

    asked: Asked
    today: dt.date
    scenarios: tuple[str, ...]
    known: Known

    def drafted(self, reads: Reads, seen: Seen) -> Draft:
        """Return what the run would record after what was seen in a ledger.

        Raises
        ------
        InputError
            ``wrong-state`` where the week is over, and was never proposed.
        """
        ended = Week(self.asked.week).end < self.today
        if ended and seen.state.current is None:
            raise self._too_late()
        written, before = reads.latest("plan"), Latest(reads)
        plan_is_new = written is None or written.data["fingerprint"] != self._plan
        history_is_new = before.fingerprint != self.known.fingerprint
        difference = self.known.since(before.known) if history_is_new else Difference()
        found = actuals(seen.lived, self.known, difference)
        inputs, standing = self._inputs(seen), seen.state.proposal
        same = standing is not None and standing.data["fingerprint"] == inputs.fingerprint
        if same or seen.state.over or ended:
            draft = Draft(self._recorded(seen, same=same))
        else:
            changed = self._changed(reads, seen, inputs)
            try:
                draft = self._proposed(seen, inputs, changed, found)
            except (InfeasibleError, SolverError) as error:
                draft = Draft(None, error)
        raised, run = self._alerts(seen, draft, difference), draft.run
        fresh = tuple(one for one in raised if one.key not in seen.alerts)
        if run is not None:
            measured = tuple(one.week for one in found)
            run = replace(run, measured=measured, alerts=raised, news=fresh)
        return replace(
            draft,
            run=run,
            news=fresh,
            plan_is_new=plan_is_new,
            history_is_new=history_is_new,
            before=before,
            actuals=found,
        )

    def _recorded(self, seen: Seen, *, same: bool) -> WeekRun:
        """Return the run of a week that is proposed from the same inputs, or applied."""
        state = seen.state
        assert state.current is not None
        data = state.current.data
        decision, words = decision_of(data), data["words"]
        notes = [restored(note, words) for note in data.get("notes", [])]
        end = Week(self.asked.week).end
        if not same and not state.over and end < self.today:
            notes.append(
                say("the week ended on {day}, so that nothing new is proposed", day=str(end))
            )
        elif not same:
            number = str(state.revision)
            template = "the week is {state}, revision {number}, so that nothing new is proposed"
            notes.append(say(template, state=say(state.state), number=number))
        elif state.state == "rejected":
            notes.append(say("nothing changed since it was rejected: edit it, or change the plan"))
        return WeekRun(
            decision=decision,
            state=state.state,
            revision=state.revision,
            entry=state.current.number,
            head=seen.head,
            new=False,
            changed=tuple(restored(one, words) for one in data.get("changed", [])),
            needs=tuple(restored(one, words) for one in data["needs"]),
            pace=self._pace(seen, decision.allocation.spend),
            balances=seen.balances(self.asked.plan),
            released=seen.released_for_week,
            notes=tuple(notes),
        )

    def _proposed(
        self,
        seen: Seen,
        inputs: Inputs,
        changed: tuple[str, ...],
        found: tuple[Measured, ...],
    ) -> Draft:
        """Return the draft of a new revision."""
        plan, week = self.asked.plan, self.asked.week
        paced = any(day >= self._paced_from for day in seen.applied)
        by_pace = paced and any(r.when == "pace" for r in plan.operation.releases)
        decided = decide(
            self.asked,
            seen,
            found,
            self.today,
            pace_now=self._pace(seen) if by_pace else None,
            scenarios=inputs.scenarios,
        )
        decision, moved = decided.decision, decided.movements(week)
        needs, notes = name_needed(plan, decision), (*_notes(seen), *decided.notes)
        run = WeekRun(
            decision=decision,
            state="proposed",
            revision=seen.state.revision + 1,
            entry=0,
            head=seen.head,
            new=True,
            changed=changed,
            needs=needs,
            pace=self._pace(seen, decision.allocation.spend),
            balances=seen.balances(plan, moved),
            released=(*seen.released_for_week, *moved),
            notes=notes,
        )
        proposal = {
            **decided.to_dict(),
            "inputs": inputs.to_dict(),
            "fingerprint": inputs.fingerprint,
            "held": as_text(parts_of(plan, week)),
            "changed": list(changed),
            "needs": list(needs),
            "notes": list(notes),
            "words": templates_of((*changed, *needs, *notes)),
        }
        return Draft(run, dues=decided.dues, answers=decided.answers, proposal=proposal)

    def _alerts(self, seen: Seen, draft: Draft, difference: Difference) -> tuple[Alert, ...]:
        """Return what a person should know today, the worst first."""
        run, plan, week = draft.run, self.asked.plan, self.asked.week
        limits = seen.limits(plan.operation.alerts.stuck_weeks + _STUCK)
        if run is not None:
            limits[week] = dict(run.decision.allocation.limits())
        # Before a week that is applied has begun nobody has planned what is spent.
        begun, spending = any(self._paced_from <= day < self.today for day in seen.applied), None
        if begun:
            spending = self._pace(seen) if run is None else run.pace
        found = [
            alerts(
                plan,
                self.today,
                history=self.asked.history,
                difference=difference,
                limits=limits,
                fired=() if run is None else run.decision.fired,
                balances=seen.balances(plan) if run is None else run.balances,
                pace=spending,
            ),
            *(alerts(plan, self.today, answered=answered) for answered in draft.answers),
            () if draft.error is None else self._undecided(seen, draft.error),
        ]
        return news(chain.from_iterable(found))

    def _undecided(self, seen: Seen, error: BudgetoptError) -> tuple[Alert, ...]:
        """Return what is raised for a week that cannot be decided; for a target, how far it is."""
        plan = self.asked.plan
        best = self._best(seen) if error.code == "target-out-of-reach" else None
        return alerts(plan, self.today, best=best) or tuple(undecided(self.asked.week, error))

    def _best(self, seen: Seen) -> float | None:
        """Return the best outcome that can be had in the week; None where other limits clash."""
        asked, last = self.asked, seen.last_of(self.asked.plan)
        free = replace(plan_of_week(asked.plan, asked.week, seen.terms), goal=Goal())
        past = asked.history.until(asked.week).complete()
        spent = last_spend(asked.plan, past) if last is None else last
        try:
            return allocate(free, asked.learned, last=spent, draws=1).outcome
        except (InfeasibleError, SolverError):
            return None

    def _pace(self, seen: Seen, spend: Mapping[str, Decimal] | None = None) -> Pace:
        """Return the pace of today, with this week's split among what is planned."""
        plan, since = self.asked.plan, self._paced_from
        planned: dict[dt.date, Mapping[str, Any]] = {**seen.spends_since(plan, since)}
        if spend is not None:
            names = plan.index
            planned.setdefault(self.asked.week, {n: m for n, m in spend.items() if n in names})
        return pace(plan, planned, actual_of(self.asked.history, since), self.today)

    @property
    def _paced_from(self) -> dt.date:
        """First day of the weeks that count for pacing."""
        return self.today - LOOK_BACK

    def _too_late(self) -> InputError:
        week = Week(self.asked.week)
        return InputError(
            "wrong-state",
            f"the week of {week.start} ended on {week.end}, before {self.today}",
            field="week",
            value=str(week.start),
            remedy="name a week that is not over",
        )

    @cached_property
    def _plan(self) -> str:
        return plan_fingerprint(self.asked.plan)

    def _inputs(self, seen: Seen) -> Inputs:
        asked, last = self.asked, seen.last
        standing = seen.state.proposal
        declared = () if standing is None else standing.data["inputs"]["scenarios"]
        return Inputs(
            week=str(asked.week),
            plan=self._plan,
            history=self.known.fingerprint,
            belief=belief_fingerprint(asked.belief),
            policy=policy_record(asked.policy),
            guardrails=None if asked.guardrails is None else asked.guardrails.to_dict(),
            seed=asked.seed,
            last={} if last is None else as_text(last[1]),
            released=str(seen.released(by_hand=True)),
            # What was declared for a week stays so: a run without it takes no approval away.
            scenarios=tuple(sorted({*self.scenarios, *declared})),
            version=VERSION,
        )

    def _changed(self, reads: Reads, seen: Seen, inputs: Inputs) -> tuple[str, ...]:
        """Return what changed since the last proposal of this week; nothing where there is none."""
        if seen.state.proposal is None:
            return ()
        data = seen.state.proposal.data
        old = Inputs.from_dict(data["inputs"])
        plan = new = self.asked.plan.to_dict() if old.plan != inputs.plan else {}
        if plan:
            plan = reads.entries(kinds=("plan",), after=data["plan_entry"] - 1)[0].data["plan"]
        difference = Difference()
        if old.history != inputs.history:
            difference = self.known.since(recorded(reads, data["history_entry"]))
        return what_changed(old, inputs, (plan, new), difference)


def _notes(seen: Seen) -> tuple[str, ...]:
    """Return from which week changes count, where it is not the one before."""
    if not seen.applied:
        return (say("the ledger has no applied week, so changes count from the history"),)
    if seen.last is None:
        return (say("no week before this one was applied, so changes count from the history"),)
    if seen.week - seen.last[0] == dt.timedelta(weeks=1):
        return ()
    week = str(seen.last[0])
    return (say("changes count from the week of {week}, the last that was applied", week=week),)
