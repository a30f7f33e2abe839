"""One Friday on one page: what must be done, the split and why, pace, reserves and alerts.

Nothing on it is of the moment it is printed: a rerun with the same inputs prints the same page.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from decimal import Decimal

from budgetopt.figures import show_figure
from budgetopt.ledger import Entry
from budgetopt.money import show_amount as show
from budgetopt.operation.alerts import Severity
from budgetopt.operation.checks import RULE
from budgetopt.operation.friday import WeekRun
from budgetopt.operation.state import WeekState
from budgetopt.optimize import how_good
from budgetopt.optimize.risk import Spread
from budgetopt.plan import Plan
from budgetopt.report.layout import noted, said
from budgetopt.report.operation.ledger import anchor, as_json, restored_of, standing
from budgetopt.report.operation.pace import holds_any, reserves, spans_table
from budgetopt.report.operation.state import clauses, state_lines
from budgetopt.report.table import spent, split_table
from budgetopt.weekly import Decision
from budgetopt.words import Sentence, listed, say

_ALIKE = Decimal("0.01")
"""Share by which the money of two weeks may differ, and their splits be compared."""
_SEVERITY: dict[Severity, Sentence] = {
    "critical": say("Critical"),
    "warning": say("Warning"),
    "info": say("For information"),
}


def week_page(
    run: WeekRun,
    state: WeekState,
    plan: Plan,
    command: str,
    *,
    explain: bool = False,
    language: str = "en",
) -> str:
    """Return a week's run on one page.

    Parameters
    ----------
    run
        What the run found.
    state
        The state of the week after it.
    plan
        The plan.
    command
        The command that is next; empty for none.
    explain
        Whether the notes on plan, history and belief are added.
    language
        ``"en"`` or ``"zh"``, with the same numbers.
    """
    decision = run.decision
    parts = (
        [*state_lines(state, plan, command, language), *_told(_origin(run, state), language)],
        [_split(decision, language), *_told(_outcome(decision), language)],
        [spans_table(run.pace, language, daily=False), *_told(_money(run), language)],
        _told(_alerts(run), language),
        _told(_why(decision, explain=explain), language),
        noted(list(_notes(run, explain=explain)), language),
        [said(_recorded(run), language), anchor(run.head)],
    )
    return "\n\n".join("\n".join(part) for part in parts if part)


def week_json(run: WeekRun, command: str) -> str:
    """Return a week's run as JSON, with the command that is next."""
    return as_json(run.to_dict() | {"next": command or None})


def _origin(run: WeekRun, state: WeekState) -> Iterator[Sentence]:
    """Yield who edited, what changed since the revision before, and what was applied otherwise."""
    if state.current is not None and state.current.kind == "edit":
        yield _edited(state.current)
    if run.changed:
        yield say(
            "What changed since revision {revision}: {changed}.",
            revision=str(run.revision - 1),
            changed=clauses(run.changed),
        )
    others = [
        say("{channel} {money}", channel=name, money=show(money))
        for name, money in standing(state).items()
        if state.over and money != run.decision.allocation.spend.get(name)
    ]
    if others:
        yield say("Applied otherwise: {channels}.", channels=listed(others))


def _edited(edit: Entry) -> Sentence:
    """Return who changed the split, why, and at what price."""
    return say(
        "Edited by {who}: {why}; {price}.",
        who=edit.who,
        why=clauses(restored_of(edit, "why")),
        price=clauses(restored_of(edit, "sentence")),
    )


def _split(decision: Decision, language: str) -> str:
    return split_table(decision.allocation, decision.moves, language)


def _outcome(decision: Decision) -> Iterator[str]:
    """Yield what is expected of the split, its range, and what last week's would bring.

    What the week adds to the reserve is not its balance, which releases make less; and the mean
    of the outcome is not its median, so each is called by its name.
    """
    week = decision.allocation
    parts = spent(week)
    parts += [say("{money} held back from this week", money=show(week.held))] if week.held else []
    yield say(
        "{parts}; expected outcome {outcome} (mean), {how_good}.",
        parts=listed(parts),
        outcome=show_figure(week.outcome),
        how_good=how_good(week),
    )
    if week.spread is not None:
        yield say("Outcome: {range}.", range=_range(decision, week.spread))
    if decision.gain is not None:
        yield _against_last(decision)


def _range(decision: Decision, spread: Spread) -> Sentence:
    """Return the range of the outcome, and how often it is better than last week's for as much."""
    drawn = say(
        "median {median}, {low} to {high} in 90 of 100 draws",
        median=show_figure(spread.median),
        low=show_figure(spread.low),
        high=show_figure(spread.high),
    )
    if spread.better is None or _other_budget(decision):
        return drawn
    better = f"{100 * spread.better:.0f}"
    return say("{range}; better than last week's split in {better} of 100",
               range=drawn, better=better)  # fmt: skip


def _against_last(decision: Decision) -> str:
    if decision.gain is None or not _other_budget(decision):
        return decision.against_last()
    return say(
        "Against last week's split of {before}, for another budget: {gain} expected outcome.",
        before=show(decision.before),
        gain=show_figure(decision.gain, sign=True),
    )


def _other_budget(decision: Decision) -> bool:
    """Return whether the week has other money than the last one, so that more money brings more."""
    return abs(decision.allocation.budget - decision.before) > _ALIKE * decision.before


def _money(run: WeekRun) -> Iterator[Sentence]:
    """Yield what the reserves hold, and what left them for this week."""
    if holds_any(run.balances):
        yield reserves(run.balances)
    for one in run.released:
        values = {"amount": show(one.amount), "who": one.who, "why": one.why}
        if one.kind == "overspend":
            yield say("Taken from the reserve: {why}.", **values)
        elif one.who == RULE:
            yield say("Released for this week by rule: {why}.", **values)
        else:
            yield say("Released for this week by {who}: {amount}, {why}.", **values)


def _alerts(run: WeekRun) -> Iterator[Sentence]:
    """Yield every alert, the worst first."""
    for alert in run.alerts:
        severity = _SEVERITY[alert.severity]
        yield say("{severity}: {alert}.", severity=severity, alert=alert.sentence)


def _why(decision: Decision, *, explain: bool) -> Iterator[str]:
    """Yield every move's sentence, or why nothing moved."""
    if not decision.moved:
        yield decision.why_nothing_moves()
    for move in decision.moves:
        if decision.moved or explain:
            yield say("{channel}: {reason}.", channel=move.channel, reason=move.reason)


def _notes(run: WeekRun, *, explain: bool) -> Iterator[str]:
    """Yield what is to be known beside: of the run, and what stepped in; of the split if asked."""
    yield from run.notes
    if explain:
        yield from run.decision.notes
    else:
        yield from (one.sentence for one in run.decision.fired)


def _told(lines: Iterable[str], language: str) -> list[str]:
    return [said(line, language) for line in lines]


def _recorded(run: WeekRun) -> Sentence:
    values = {"entry": str(run.entry), "count": str(run.head[0])}
    template = "Recorded as entry {entry} of {count}. The ledger's anchor, to be kept elsewhere:"
    return say(template, **values)
