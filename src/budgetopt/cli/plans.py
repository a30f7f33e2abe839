"""Commands on a plan: ``demo``, ``schema``, ``init``, ``check``, and then ``allocate`` to ``year``.

``check`` needs no curves; ``allocate`` and ``frontier`` use those that the plan's channels carry,
or those of another model's file, and ``frontier`` and ``year`` can learn them from a history
instead. ``init`` drafts a plan from the files of a history.
"""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import replace
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, cast

import typer

import budgetopt as bo
from budgetopt.cli.common import (
    METHODS,
    AsOf,
    BeliefPath,
    BudgetChange,
    CurvesHistory,
    CurvesPath,
    CurveWeeks,
    DataThrough,
    Explain,
    Form,
    Format,
    FormatOption,
    FormOption,
    HistoryPath,
    Language,
    LanguageOption,
    MethodOption,
    OutPath,
    PlanId,
    PlanPath,
    PriceChange,
    TimeLimit,
    WeekOption,
    Who,
    answer,
    change_of,
    check_place,
    command,
    curve_files,
    files_of,
    keep,
    login,
    model_curves,
    open_ledger,
    promised,
    read_history,
    respond,
    today,
)
from budgetopt.cli.decide import load_belief, past_of
from budgetopt.errors import InputError, foreign
from budgetopt.messages import Message, say


def demo(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Folder to write into.")],
    lang: LanguageOption = Language.en,
) -> None:
    """Write an example plan and history to try the other commands on."""
    if promised(folder) is not None and not folder.exists():
        problem = say("name-file", folder=repr(str(folder)))
        raise _bad_folder(problem, folder, say("remedy-name-folder"))
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        problem = say("not-folder-cannot", folder=repr(str(folder)), strerror=foreign(error))
        raise _bad_folder(problem, folder, say("remedy-name-another-folder")) from None
    plan, history = folder / "plan.toml", folder / "history.csv"
    for path in (plan, history):
        if path.exists():
            problem = say("already-exists", path=repr(str(path)))
            raise _bad_folder(problem, folder, say("remedy-name-empty-folder"))
    for path in (plan, history):
        bo.report.write_whole(path, _demo_file(path.name))
    wrote = say("demo-written", plan=str(plan), history=str(history))
    typer.echo(bo.report.said(wrote, lang))
    # Not wrapped: it is there to be copied.
    typer.echo(command("reallocate", str(plan), "--history", str(history)))


def _bad_folder(problem: Message, folder: Path, remedy: Message) -> InputError:
    return InputError("bad-file", problem, field="DIR", value=str(folder), remedy=remedy)


def _demo_file(name: str) -> str:
    """Return a file of the weekly example, from the wheel or from the source tree."""
    from importlib import resources

    packed = resources.files("budgetopt") / "demo" / name
    if packed.is_file():
        return packed.read_text(encoding="utf-8")
    source = Path(__file__).parents[3] / "examples" / "weekly" / name
    return source.read_text(encoding="utf-8")


def schema(
    name: Annotated[
        str,
        typer.Argument(
            metavar="[NAME]",
            help="plan; a command whose JSON is described, such as reallocate or error; or "
            "results, all of these.",
        ),
    ] = "plan",
) -> None:
    """Print the JSON Schema of plan files, or of what a command writes as JSON."""
    found = whole_schema() if name == "plan" else bo.exchange.result_schema(name)
    typer.echo(json.dumps(found, indent=2))


def whole_schema() -> dict[str, Any]:
    """Return the schema of a plan with that of the tables which rooms above the plan read."""
    whole = bo.plan.schema()
    tables = {
        "scenarios": bo.market.scenario_schema(),
        "contingencies": bo.simulation.contingency_schema(),
        "cases": bo.market.case_schema(),
    }
    for name, table in tables.items():
        whole["properties"][name]["items"] = table
    return bo.exchange.identified("plan", whole)


def init(
    files: Annotated[list[Path], typer.Argument(metavar="FILE...", help="Exports of any kind.")],
    out: Annotated[Path, typer.Option("--out", metavar="PLAN", help="Plan file to write.")],
    currency: Annotated[
        str | None, typer.Option(metavar="CODE", help="Currency; default: what the files carry.")
    ] = None,
    as_of: AsOf = None,
    lang: LanguageOption = Language.en,
) -> None:
    """Draft a plan from exported files, with what was decided beside each line."""
    keep(out, files)
    check_place(out)
    if out.exists() or out.suffix.lower() != ".toml":
        there = say("there-already") if out.exists() else say("no-such-suffix", suffix=".toml")
        raise InputError(
            "bad-argument",
            say("path-is-other", option="--out", path=repr(str(out)), what=there),
            field="out",
            value=str(out),
            remedy=say("remedy-name-new-toml"),
        )

    drafted, reasons = bo.plan.draft_files(files, currency=currency, as_of=today(as_of))
    bo.report.write_whole(out, drafted.to_toml(reasons, lang.value))
    plan, count = drafted.plan, len(drafted.plan.channels)
    wrote = say(
        "draft-written",
        file=str(out),
        channels=say("one-channel") if count == 1 else say("count-channels", count=count),
        budget=bo.money.show_amount(plan.budget),
        currency=plan.currency,
    )
    words = [word for path in files for word in ("--history", str(path))]
    answer("\n".join(bo.report.said(line, lang) for line in (wrote, say("now-try"))), None)
    typer.echo(command("check", str(out), *words))
    typer.echo(command("reallocate", str(out), *words))


def check(
    plan: PlanPath,
    history: HistoryPath = None,
    as_of: AsOf = None,
    data_through: DataThrough = None,
    report: Annotated[
        bool, typer.Option("--report", help="Add what was decided in reading each history file.")
    ] = False,
    format: FormOption = Form.table,
    lang: LanguageOption = Language.en,
) -> None:
    """Check a plan and, if given, a history against it, without deciding anything."""
    from budgetopt.i18n import messages_of

    declared = bo.Plan.load(plan)
    files = files_of(declared, plan, history)
    if report and not files:
        raise InputError(
            "bad-argument", say("report-history-files-none"), field="report",
            remedy=say("remedy-history")
        )  # fmt: skip
    # The plan keeps these tables unread: what is wrong in one is found here, not on Friday.
    bo.market.scenarios_of(declared)
    bo.simulation.contingencies_of(declared)
    bo.market.cases_of(declared)
    past = read_history(declared, files, as_of, data_through) if files else None
    last = None if past is None else bo.weekly.last_spend(declared, past.complete())
    # Curves so steep that no hurdle caps them: what is checked is what the plan alone says.
    steep = dict.fromkeys(declared.names, bo.Log(1e30, 1.0))
    problem = bo.optimize.problem_of(declared, steep if declared.curves is None else None, last)
    # Where no split keeps the limits, what channels say by themselves; the clash is named below.
    together = bo.optimize.total_range(problem)
    own = bo.money.sum_minor(problem.bounds.lower), bo.money.sum_minor(problem.bounds.upper)
    least, most = together or own
    show, amount, count = declared.money.show, bo.money.show_amount, len(declared.channels)
    lines = [
        say(
            "plan-checked" if together else "plan-checked-apart",
            channels=say("one-channel") if count == 1 else say("count-channels", count=count),
            spendable=amount(declared.spendable),
            currency=declared.currency,
            held=amount(declared.held),
            least=show(least),
            most=show(min(most, problem.target)),
        )
    ]
    lines += [] if past is None else [_said_of(past)]
    lines += _said_of_targets(declared, past)
    notes = [] if past is None else _notes_of(past)
    begins = bo.workflow.next_week(declared, today(as_of))
    ahead = [
        say("week-ahead-problem", problem=said)
        for week in bo.workflow.weeks_ahead(declared, _after(past, begins), last)
        if week.week >= begins and (said := week.sentence())
    ]
    imports = () if past is None else past.imports
    if format is Form.json:
        every = [*lines, *notes, *ahead, *bo.plan.unused(declared, "check")]
        read = [one.to_dict() for one in imports]
        whole = {"said": list(map(str, every)), "words": messages_of(every), "files": read}
        answer(json.dumps(whole, ensure_ascii=False, allow_nan=False), None)
        return
    texts = [bo.report.said(line, lang) for line in lines]
    texts += [bo.report.import_report(imports, lang)] if report else []
    texts += bo.report.noted(notes, lang)
    texts += [bo.report.said(line, lang) for line in ahead]
    texts += bo.report.noted(bo.plan.unused(declared, "check"), lang)
    answer("\n".join(texts), None)


def _after(past: bo.History | None, begins: dt.date) -> dt.date:
    """Return the week after the last whole one, which `last_spend` is of; it may be under way."""
    whole = () if past is None else past.complete().weeks[-1:]
    return min(
        [begins, *(bo.calendar.as_date(week, "week") + dt.timedelta(weeks=1) for week in whole)]
    )


def _notes_of(past: bo.History) -> list[str]:
    """Return what a reader should know of a history."""
    few = bo.weekly.few_weeks_note(past.complete())
    return [*bo.belief.out_of_scale(past, past.channels), *past.notes, *few]


def _said_of(past: bo.History) -> bo.i18n.Message:
    """Return what a history holds, in a sentence."""
    kind = say("outcome-by-channel") if past.outcome is not None else say("outcome-in-total")
    size = past.weeks.size
    count = say("one-week") if size == 1 else say("count-weeks", count=size)
    if not size:
        return say("history-empty", weeks=count, kind=kind)
    ends = {"first": str(past.weeks[0]), "last": str(past.weeks[-1])}
    return say("history-checked", weeks=count, kind=kind, **ends)


def _said_of_targets(plan: bo.Plan, past: bo.History | None) -> list[bo.i18n.Message]:
    """Return each dated target in a sentence, with where it stands by a history."""
    found = []
    for target in plan.targets:
        goal = target.sentence(plan.outcome)
        so_far = None if past is None else bo.weekly.measured_so_far(plan, target, past)
        found.append(
            say("target-declared", goal=goal)
            if so_far is None
            else say("target-so-far", goal=goal, value=so_far)
        )
    return found


def allocate(
    plan: PlanPath,
    curves: CurvesPath = None,
    curve_weeks: CurveWeeks = 1,
    week: WeekOption = None,
    method: MethodOption = METHODS[0],
    time_limit: TimeLimit = None,
    format: FormatOption = Format.table,
    out: OutPath = None,
    explain: Explain = False,
    lang: LanguageOption = Language.en,
) -> None:
    """Split one week's budget using the curves in the plan, or those of another model."""
    keep(out, plan, curves)
    split = bo.allocate(
        bo.Plan.load(plan),
        model_curves(curves, curve_weeks),
        week=week,
        method=cast(bo.optimize.Method, method),
        time_limit=time_limit,
    )
    respond(
        format,
        out,
        lang,
        table=lambda: bo.report.allocation_table(split, explain=explain, language=lang),
        json=split.to_json,
        result=split,
    )


def frontier(
    plan: PlanPath,
    history: CurvesHistory = None,
    curves: CurvesPath = None,
    curve_weeks: CurveWeeks = 1,
    as_of: AsOf = None,
    data_through: DataThrough = None,
    week: WeekOption = None,
    budget: BudgetChange = None,
    price: PriceChange = None,
    method: MethodOption = METHODS[0],
    time_limit: TimeLimit = None,
    format: FormatOption = Format.table,
    out: OutPath = None,
    lang: LanguageOption = Language.en,
) -> None:
    """Show what smaller and larger budgets would return, and where the last unit breaks even."""
    declared, last = bo.Plan.load(plan), None
    files = curve_files(declared, plan, history, curves)
    keep(out, plan, files, curves)
    belief: Any = model_curves(curves, curve_weeks)
    if files:
        past = read_history(declared, files, as_of, data_through)
        past = past.select(declared.names, declared.currency).complete()
        # With curves of another model a history says what was spent last.
        belief = bo.learn(past, declared) if belief is None else belief
        last = bo.weekly.last_spend(declared, past)
    # The change is of the week that is looked at, whose budget may be a phase's.
    dated = bo.optimize.on_week(declared, belief, week, last)
    change = change_of(budget, price)
    line = bo.frontier(
        *change.of(dated.plan, dated.curves),
        last=last,
        method=cast(bo.optimize.Method, method),
        time_limit=time_limit,
        progress=True,
    )
    said = (*change.notes(declared.currency), *dated.notes, *line.notes)
    line = replace(line, notes=said)
    respond(
        format,
        out,
        lang,
        table=lambda: bo.report.frontier_table(line, lang),
        json=lambda: json.dumps(line.to_dict(), ensure_ascii=False, allow_nan=False),
        result=line,
    )


class By(StrEnum):
    """What one line of the answer is."""

    week = "week"
    month = "month"


class Timing(StrEnum):
    """Over which weeks money may be moved."""

    week = "week"
    month = "month"
    quarter = "quarter"
    all = "all"


def year(
    plan: PlanPath,
    history: CurvesHistory = None,
    belief: BeliefPath = None,
    weeks: Annotated[
        int, typer.Option("--weeks", metavar="N", help="How many weeks to plan.")
    ] = 52,
    start: Annotated[
        str | None,
        typer.Option("--start", metavar="DATE", help="Day of the first week; default: the next."),
    ] = None,
    timing: Annotated[
        Timing, typer.Option("--timing", help="Over which weeks money may be moved.")
    ] = Timing.week,
    vary: Annotated[
        str | None,
        typer.Option(
            "--vary",
            metavar="PERCENT",
            help="Most by which a channel's weeks go up and down to learn from it, where the "
            "formula says that it pays; in simulated markets it did not. Default: none.",
        ),
    ] = None,
    by: Annotated[By, typer.Option("--by", help="What one line of the table is.")] = By.month,
    ledger: Annotated[
        str | None,
        typer.Option(
            "--ledger",
            metavar="FILE",
            help="Ledger to record the weeks in: the weekly run says how far it moved from them.",
        ),
    ] = None,
    plan_id: PlanId = None,
    who: Who = None,
    as_of: AsOf = None,
    data_through: DataThrough = None,
    format: FormatOption = Format.table,
    out: OutPath = None,
    lang: LanguageOption = Language.en,
) -> None:
    """Plan many weeks at once, with what each week's money does in later weeks.

    Every week keeps the plan's limits, and from week to week the change limits. A year that cannot
    be kept is refused now, with the first week that cannot be kept.
    """
    declared = bo.Plan.load(plan)
    files = curve_files(declared, plan, history, belief)
    keep(out, plan, files, belief)
    curves = None if belief is None else load_belief(belief)
    past = past_of(declared, files, curves, as_of, data_through)
    found = bo.plan_weeks(
        declared, curves, weeks, history=past, start=start, timing=timing.value, vary=vary
    )
    if ledger is not None:
        with open_ledger(ledger, plan_id, create=True) as kept:
            bo.workflow.record_year(declared, found, kept, who=login(who))
    respond(
        format,
        out,
        lang,
        table=lambda: bo.report.year_table(declared, found, by, lang),
        json=lambda: bo.report.as_json(found.to_dict()),
        result=found,
        plan=declared,
    )
