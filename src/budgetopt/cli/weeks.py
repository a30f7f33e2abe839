"""The weekly commands on a ledger: ``week`` decides and records, the others read.

``pace`` compares spend with plan, ``ramp`` shows the steps to the optimum, ``history``, ``show``
and ``diff`` print what was recorded, and ``ledger verify`` checks that it was not changed. Then
what people do to a recorded week, ``approve``, ``reject``, ``edit``, ``apply`` and ``release``:
each records one act with a name and a reason, and prints where the week stands.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any

import typer

import budgetopt as bo
from budgetopt.cli.common import (
    CRITICAL,
    AsOf,
    DataThrough,
    Form,
    Format,
    FormatOption,
    FormOption,
    FormPath,
    HistoryPath,
    Language,
    LanguageOption,
    LedgerPath,
    LedgersPlan,
    OutPath,
    PlanId,
    PlanPath,
    Reason,
    Revision,
    Set,
    SpendsPath,
    WeekDay,
    Who,
    Why,
    answer,
    check_place,
    files_of,
    keep,
    login,
    next_command,
    open_ledger,
    page_name,
    read_history,
    respond,
    shown,
    spends_of,
    tell,
    today,
    week_entries,
)
from budgetopt.cli.decide import NOTHING_MOVES, PolicyOption, SeedOption
from budgetopt.errors import InputError, LedgerError
from budgetopt.messages import say


def week(
    plan: PlanPath,
    ledger: LedgerPath,
    history: HistoryPath = None,
    week: Annotated[
        str | None,
        typer.Option(metavar="DATE", help="Any day of the week to decide; default: next week."),
    ] = None,
    policy: PolicyOption = None,
    seed: SeedOption = 0,
    who: Who = None,
    as_of: AsOf = None,
    data_through: DataThrough = None,
    scenario: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="A scenario that is happening now; may be repeated."),
    ] = None,
    plan_id: PlanId = None,
    format: FormatOption = Format.table,
    out: OutPath = None,
    explain: Annotated[
        bool, typer.Option("--explain", help="Also print the notes about plan, history and belief.")
    ] = False,
    lang: LanguageOption = Language.en,
) -> None:
    """Run the whole week: load, check, learn, decide, explain and record, on one page."""
    declared, name = bo.Plan.load(plan), login(who)
    files = files_of(declared, plan, history)
    keep(out, plan, files, Path(ledger))
    check_place(out)
    day = today(as_of)
    happening = [_known(one, declared) for one in scenario or ()]
    past = read_history(declared, files, str(day), data_through)
    with open_ledger(ledger, plan_id, create=True) as found:
        run = bo.run_week(
            declared,
            past,
            found,
            who=name,
            today=day,
            week=week,
            policy=policy,
            seed=seed,
            scenarios=happening,
        )
        found = bo.workflow.ledger_of(found, declared)
        state = bo.workflow.state_of(found, run.week)
        wanted = declared.targets or explain or format is Format.json
        scored = bo.workflow.scores(found, declared) if wanted else None
        forgotten = [bo.workflow.state_of(found, day) for day in run.not_recorded]
    following = next_command(state, plan, declared, ledger, plan_id)
    record = {each.week: next_command(each, plan, declared, ledger, plan_id) for each in forgotten}
    respond(
        format,
        out,
        lang,
        table=lambda: bo.report.week_page(
            run, state, declared, following, record, scored=scored, explain=explain, language=lang
        ),
        json=lambda: bo.report.week_json(run, following, scored),
        result=run.decision,
    )
    if bo.workflow.worst(run.alerts) == "critical":
        raise typer.Exit(CRITICAL)
    if not run.decision.moved:
        raise typer.Exit(NOTHING_MOVES)


def _known(name: str, plan: bo.Plan) -> str:
    """Return the name of a scenario that a release or a table of the plan, or a preset has."""
    released = {rule.scenario for rule in plan.operation.releases}
    return name if name in released else bo.market.scenario_named(name, plan).name


def pace(
    plan: PlanPath,
    ledger: LedgerPath,
    history: HistoryPath = None,
    as_of: AsOf = None,
    data_through: DataThrough = None,
    plan_id: PlanId = None,
    format: FormatOption = Format.table,
    out: OutPath = None,
    lang: LanguageOption = Language.en,
) -> None:
    """Compare spend with plan: for the week, the fiscal period, the phase and the campaign."""
    declared = bo.Plan.load(plan)
    files = files_of(declared, plan, history)
    keep(out, plan, files)
    day = today(as_of)
    past = read_history(declared, files, str(day), data_through)
    with open_ledger(ledger, plan_id) as found:
        found = bo.workflow.ledger_of(found, declared)
        snapshot = bo.workflow.take_snapshot(found, bo.workflow.week_of(declared, day))
        planned = snapshot.planned_since(declared, day - bo.workflow.LOOK_BACK)
        balances = snapshot.balances(declared)
    if not planned:
        raise InputError(
            "no-data",
            say("ledger-week-compare-spend"),
            field="ledger",
            remedy=say("remedy-run-budgetopt-week-first"),
        )
    spent = bo.workflow.actual_of(past.select(declared.names, declared.currency))
    paced = bo.workflow.pace(declared, planned, spent, day)
    respond(
        format,
        out,
        lang,
        table=lambda: bo.report.pace_table(paced, balances, lang),
        json=lambda: bo.report.as_json(paced.to_dict() | {"balances": balances.to_dict()}),
        result=paced,
    )


def ramp(
    plan: PlanPath,
    history: HistoryPath = None,
    ledger: Annotated[
        str | None,
        typer.Option(metavar="FILE", help="Start from the split that this ledger applied last."),
    ] = None,
    week: Annotated[
        str | None,
        typer.Option(metavar="DATE", help="A day of the first week; default: the next week."),
    ] = None,
    weeks: Annotated[
        int | None,
        typer.Option(metavar="N", help="Number of weeks; default: until the optimum is reached."),
    ] = None,
    plan_id: PlanId = None,
    as_of: AsOf = None,
    data_through: DataThrough = None,
    format: FormatOption = Format.table,
    out: OutPath = None,
    lang: LanguageOption = Language.en,
) -> None:
    """Show the steps to the optimum, week by week, and what larger steps would return."""
    declared = bo.Plan.load(plan)
    files = files_of(declared, plan, history)
    keep(out, plan, files)
    day = today(as_of)
    past = read_history(declared, files, str(day), data_through)
    past = past.select(declared.names, declared.currency).complete()
    start = (
        bo.workflow.next_week(declared, day)
        if week is None
        else bo.workflow.week_of(declared, week)
    )
    last = _applied(ledger, plan_id, declared, start) or bo.weekly.last_spend(declared, past)
    found = bo.ramp(declared, bo.learn(past, declared), last, weeks, week=start)
    respond(
        format,
        out,
        lang,
        table=lambda: bo.report.ramp_table(found, last, lang),
        json=lambda: bo.report.as_json(found.to_dict()),
        result=found,
    )


def _applied(
    where: str | None, plan_id: str | None, plan: bo.Plan, before: dt.date
) -> dict[str, Decimal]:
    """Return the spends applied last by a ledger; none without a ledger, or such a week in it."""
    if where is None:
        return {}
    with open_ledger(where, plan_id) as ledger:
        found = bo.workflow.take_snapshot(bo.workflow.ledger_of(ledger, plan), before).last
    return {} if found is None else found[1]


def _of_plan(ledger: bo.Ledger, plan: Path | None) -> bo.Ledger:
    """Return a ledger as a plan sees it, where one is given."""
    return ledger if plan is None else bo.workflow.ledger_of(ledger, bo.Plan.load(plan))


def _recorded(
    where: str, plan_id: str | None, plan: Path | None, week: str
) -> tuple[bo.workflow.WeekState, tuple[bo.ledger.Entry, ...]]:
    """Return where a week of a ledger stands, and its entries."""
    with open_ledger(where, plan_id) as ledger:
        ledger = _of_plan(ledger, plan)
        start, entries = week_entries(ledger, week)
    return bo.workflow.fold(start, entries), entries


def history(
    ledger: LedgerPath,
    plan: LedgersPlan = None,
    plan_id: PlanId = None,
    format: FormatOption = Format.table,
    out: OutPath = None,
    lang: LanguageOption = Language.en,
) -> None:
    """List the weeks of a ledger: planned, applied and actual spend, and the outcome."""
    with open_ledger(ledger, plan_id) as found:
        found = _of_plan(found, plan)
        states, head = bo.workflow.states_of(found), found.head
    rows, sums = bo.report.history_rows(states), ("planned", "applied", "actual", "outcome")
    respond(
        format,
        out,
        lang,
        table=lambda: bo.report.history_table(states, head, lang),
        json=lambda: bo.report.history_json(states, head),
        result=bo.exchange.Sheet.of_rows("weeks", rows, sums),
    )


def report(
    plan: PlanPath,
    ledger: LedgerPath,
    out: Annotated[
        Path,
        typer.Option("--out", metavar="FILE", callback=page_name, help="HTML file to write."),
    ],
    week: Annotated[
        str | None,
        typer.Option(metavar="DATE", help="A day of the memo's week; default: the newest."),
    ] = None,
    month: Annotated[
        str | None,
        typer.Option(metavar="MONTH", help="Review a month instead, such as 2026-11."),
    ] = None,
    quarter: Annotated[
        str | None,
        typer.Option(metavar="QUARTER", help="Review a quarter instead, such as 2026-Q4."),
    ] = None,
    plan_id: PlanId = None,
    lang: LanguageOption = Language.en,
) -> None:
    """Write the memo of a week, or the review of a period, as one HTML page from the ledger."""
    keep(out, plan, Path(ledger))
    declared = bo.Plan.load(plan)
    with open_ledger(ledger, plan_id) as found:
        bo.report.page(
            declared,
            ledger=found,
            week=week,
            month=month,
            quarter=quarter,
            out=out,
            language=lang,
            files=(str(plan), shown(ledger)),
        )


def show(
    ledger: LedgerPath,
    week: WeekDay,
    plan: LedgersPlan = None,
    revision: Annotated[
        int | None, typer.Option(metavar="N", help="Revision to show; default: the newest.")
    ] = None,
    plan_id: PlanId = None,
    format: FormatOption = Format.table,
    out: OutPath = None,
    lang: LanguageOption = Language.en,
) -> None:
    """Show one week of a ledger: who did what and when, and the split of a revision.

    As CSV it is the split alone, in the form that edit and apply read with --spends: once the week
    is applied, the applied split next to approved and actual spend; with --revision, the split of
    that revision.
    """
    state, entries = _recorded(ledger, plan_id, plan, week)
    chosen = bo.report.revision_of(entries, revision)
    kept = [e for e in entries if revision in (None, e.revision)]
    done = state.over and revision is None
    split: Any = (
        bo.exchange.Sheet.of_rows(
            "split", bo.report.applied_rows(state), ("approved", "spend", "actual")
        )
        if done
        else bo.workflow.decision_of(chosen.data)
    )
    respond(
        format,
        out,
        lang,
        table=lambda: bo.report.show_table(state, entries, chosen, lang),
        json=lambda: bo.report.entries_json(kept),
        result=split,
    )


def diff(
    ledger: LedgerPath,
    week: WeekDay,
    plan: LedgersPlan = None,
    from_: Annotated[
        int | None,
        typer.Option("--from", metavar="N", help="First revision; default: the one before --to."),
    ] = None,
    to: Annotated[
        int | None, typer.Option("--to", metavar="N", help="Second revision; default: the newest.")
    ] = None,
    plan_id: PlanId = None,
    format: FormatOption = Format.table,
    out: OutPath = None,
    lang: LanguageOption = Language.en,
) -> None:
    """Compare proposed, edited, applied and actual spend, or two revisions."""
    (state, entries), notes = _recorded(ledger, plan_id, plan, week), tuple[str, ...]()
    splits = bo.report.stages(state) if from_ is None and to is None else {}
    # Before anything is edited or applied, what differs is between revisions.
    if not splits or (len(splits) == 1 and state.revision > 1):
        splits, notes = _revisions(entries, from_, to)
    names = dict.fromkeys(name for split in splits.values() for name in split)
    rows = [
        {"channel": name} | {stage: split.get(name) for stage, split in splits.items()}
        for name in names
    ]
    respond(
        format,
        out,
        lang,
        table=lambda: bo.report.diff_table(splits, notes, lang),
        json=lambda: bo.report.diff_json(splits, notes),
        result=bo.exchange.Sheet.of_rows("split", rows, splits),
    )


def _revisions(
    entries: Sequence[bo.ledger.Entry], first: int | None, last: int | None
) -> tuple[dict[str, bo.report.Spends], tuple[str, ...]]:
    """Return the splits of two revisions by number, and why those after the first were made."""
    later = bo.report.revision_of(entries, last)
    earlier = bo.report.revision_of(entries, later.revision - 1 if first is None else first)
    if earlier.revision > later.revision:
        raise InputError(
            "bad-argument",
            say("revisions-out-of-order", revision=earlier.revision, revision_2=later.revision),
            field="from",
            value=earlier.revision,
            remedy=say(
                "remedy-give-from-revision-to", revision=later.revision, revision_2=earlier.revision
            ),
        )
    splits = {str(each.revision): bo.workflow.spend_of(each) for each in (earlier, later)}
    numbers = range(earlier.revision + 1, later.revision + 1)
    made = (bo.report.revision_of(entries, number) for number in numbers)
    return splits, tuple(reason for each in made for reason in bo.report.reasons_of(each))


def verify(
    ledger: LedgerPath,
    anchor: Annotated[
        str | None,
        typer.Option(metavar="N:HASH", help="An anchor noted earlier, which must still be there."),
    ] = None,
    format: FormOption = Form.table,
    out: FormPath = None,
    lang: LanguageOption = Language.en,
) -> None:
    """Check every entry of a ledger against its hash and the entry before; exit code 6 if wrong."""
    noted = None if anchor is None else _anchor(anchor)
    with open_ledger(ledger) as opened:
        found = opened.verify(noted)
    answer(
        bo.report.verified_json(found)
        if format is Form.json
        else bo.report.verified_table(found, lang),
        out,
    )
    if not found.good:
        raise typer.Exit(LedgerError.exit_code)


def _anchor(text: str) -> tuple[int, str]:
    number, _, digest = text.partition(":")
    if not number.isdecimal() or not digest:
        raise InputError(
            "bad-argument",
            say("option-anchor-is", text=repr(text)),
            field="anchor",
            value=text,
            remedy=say("remedy-number-hash-entry"),
        )
    return int(number), digest


def approve(
    plan: PlanPath,
    ledger: LedgerPath,
    week: WeekDay,
    who: Who = None,
    why: Why = "",
    revision: Revision = None,
    plan_id: PlanId = None,
    format: FormOption = Form.table,
    lang: LanguageOption = Language.en,
) -> None:
    """Approve the proposed split of a week, by name."""
    _decide(bo.approve, plan, ledger, plan_id, week, who, why, revision, format, lang)


def reject(
    plan: PlanPath,
    ledger: LedgerPath,
    week: WeekDay,
    why: Reason,
    who: Who = None,
    revision: Revision = None,
    plan_id: PlanId = None,
    format: FormOption = Form.table,
    lang: LanguageOption = Language.en,
) -> None:
    """Reject the proposed split of a week, with a reason."""
    _decide(bo.reject, plan, ledger, plan_id, week, who, why, revision, format, lang)


def _decide(
    act: Callable[..., bo.workflow.WeekState],
    plan: Path,
    ledger: str,
    plan_id: str | None,
    week: str,
    who: str | None,
    why: str,
    revision: int | None,
    form: Form,
    lang: Language,
) -> None:
    """Record what somebody decides about a revision of a week, and print where it stands."""
    declared = bo.Plan.load(plan)
    with open_ledger(ledger, plan_id) as found:
        state = act(found, declared, week, who=login(who), why=why, revision=revision)
    tell(state, plan, declared, ledger, plan_id, form=form, lang=lang)


def apply(
    plan: PlanPath,
    ledger: LedgerPath,
    week: WeekDay,
    set: Set = None,
    spends: SpendsPath = None,
    who: Who = None,
    why: Why = "",
    plan_id: PlanId = None,
    format: FormOption = Form.table,
    lang: LanguageOption = Language.en,
) -> None:
    """Record an approved week as live, with any amounts that differ from the approved ones."""
    declared = bo.Plan.load(plan)
    others = spends_of(set, spends) or None
    with open_ledger(ledger, plan_id) as found:
        state = bo.apply(found, declared, week, who=login(who), spends=others, why=why)
    assert state.applied is not None
    broken = bo.report.restored_of(state.applied, "broken")
    last = [say("full-stop", sentence=sentence) for sentence in broken]
    tell(state, plan, declared, ledger, plan_id, form=format, lang=lang, last=last, broken=broken)


def edit(
    plan: PlanPath,
    ledger: LedgerPath,
    week: WeekDay,
    why: Reason,
    history: HistoryPath = None,
    set: Set = None,
    spends: SpendsPath = None,
    who: Who = None,
    plan_id: PlanId = None,
    format: FormOption = Form.table,
    lang: LanguageOption = Language.en,
) -> None:
    """Change the proposed split of a week; it is checked against every limit, and priced."""
    declared, others = bo.Plan.load(plan), spends_of(set, spends)
    if not others:
        raise InputError(
            "bad-argument",
            say("channel-gets-new-amount"),
            field="set",
            remedy=say("remedy-set-channel-amount-spends"),
        )
    with open_ledger(ledger, plan_id) as found:
        start = bo.workflow.week_of(declared, week)
        files = files_of(declared, plan, history)
        past = read_history(declared, files, *_as_proposed(found, start))
        made = bo.edit(found, declared, past, week, others, who=login(who), why=why)
    assert made.state is not None
    price = say("full-stop", sentence=made.sentence(declared.outcome))
    facts: dict[str, Any] = {"cost": made.cost, "instead": made.instead}
    tell(
        made.state, plan, declared, ledger, plan_id, form=format, lang=lang, first=(price,), **facts
    )


def _as_proposed(ledger: bo.Ledger, week: dt.date) -> tuple[str | None, str | None]:
    """Return the day that the history was read on when the week was proposed, and its last day.

    Read on the day of the edit, the same file may have one more week that is over.
    """
    proposal = bo.workflow.state_of(ledger, week).proposal
    if proposal is None:
        return None, None
    through = dt.date.fromisoformat(
        bo.workflow.recorded(ledger, proposal.data["history_entry"]).through
    )
    return str(through + dt.timedelta(days=1)), str(through)


def release(
    plan: PlanPath,
    ledger: LedgerPath,
    amount: Annotated[
        str, typer.Option(metavar="AMOUNT", help="Amount to release, at most the balance.")
    ],
    why: Reason,
    week: Annotated[
        str | None,
        typer.Option(
            metavar="DATE", help="Any day of the week that may spend it; default: next week."
        ),
    ] = None,
    who: Who = None,
    as_of: Annotated[
        str | None, typer.Option(metavar="DATE", help="Day of the release; default: today.")
    ] = None,
    plan_id: PlanId = None,
    format: FormOption = Form.table,
    lang: LanguageOption = Language.en,
) -> None:
    """Release contingency reserve for one week, with a reason; run budgetopt week afterwards."""
    declared = bo.Plan.load(plan)
    day = today(as_of)
    with open_ledger(ledger, plan_id) as found:
        left = bo.release(found, declared, amount, who=login(who), why=why, today=day, week=week)
    if format is Form.json:
        answer(bo.report.as_json(left.to_dict()), None)
    else:
        answer("\n".join(bo.report.released_lines(left, lang)), None)
