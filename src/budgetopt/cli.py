"""The command line: the Python calls from a shell, with exit codes for schedulers.

====  ========================================================================
exit  meaning
====  ========================================================================
0     done
1     an unexpected error in budgetopt itself; run again with ``--debug``
2     bad input: a file, a plan or an argument is wrong
3     the plan cannot be met: its limits clash
4     the solver could not answer
5     nothing to do: the decision moves no money (it is printed all the same)
====  ========================================================================
"""

from __future__ import annotations

import datetime as dt
import json
import sys
from collections.abc import Callable, Sequence
from enum import StrEnum
from importlib import metadata, resources
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer

from budgetopt import report
from budgetopt.errors import BudgetoptError, InputError
from budgetopt.history import History
from budgetopt.money import show_amount
from budgetopt.optimize import allocate as allocate_week
from budgetopt.plan import Plan, bounds_of
from budgetopt.plan.files import schema as plan_schema
from budgetopt.policies import NAMES, policy_named
from budgetopt.weekly import reallocate as reallocate_week

NOTHING_MOVES = 5

app = typer.Typer(
    name="budgetopt",
    help="Decide how a marketing budget is split, week after week.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    epilog="Exit codes: 0 done, 2 bad input, 3 the plan cannot be met, 4 solver, 5 nothing to do.",
)


class Format(StrEnum):
    """How an answer is printed."""

    table = "table"
    json = "json"
    csv = "csv"


PlanPath = Annotated[Path, typer.Argument(metavar="PLAN", help="Plan file, .toml or .json.")]
HistoryPath = Annotated[
    Path, typer.Option("--history", metavar="FILE", help="History file: .csv, .xlsx or .parquet.")
]
FormatOption = Annotated[Format, typer.Option("--format", help="How to print the answer.")]
OutPath = Annotated[
    Path | None, typer.Option("--out", metavar="FILE", help="Write the answer here instead.")
]
Explain = Annotated[bool, typer.Option("--explain", help="Add a sentence for every channel.")]


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(metadata.version("budgetopt"))
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")] = False,
) -> None:
    """Options of every command; `main` reads ``--debug`` itself."""


@app.command()
def demo(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Folder to write into.")],
) -> None:
    """Write a ready plan and history to try the other commands on."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(
            "bad-file",
            f"{str(folder)!r} is not a folder and cannot be made, {error.strerror}",
            field="DIR",
            value=str(folder),
            remedy="name another folder",
        ) from None
    names = ("plan.toml", "history.csv")
    for name in names:
        if (folder / name).exists():
            raise InputError(
                "bad-file",
                f"{str(folder / name)!r} is there already",
                field="DIR",
                value=str(folder),
                remedy="name an empty folder",
            )
    for name in names:
        report.write_whole(folder / name, _demo_file(name))
    typer.echo(f"Wrote {folder / names[0]} and {folder / names[1]}. Now try:")
    typer.echo(f"budgetopt reallocate {folder / names[0]} --history {folder / names[1]}")


def _demo_file(name: str) -> str:
    """Return a file of the weekly example, from the wheel or from the source tree."""
    packed = resources.files("budgetopt") / "demo" / name
    if packed.is_file():
        return packed.read_text(encoding="utf-8")
    source = Path(__file__).parents[2] / "examples" / "weekly" / name
    return source.read_text(encoding="utf-8")


@app.command()
def check(
    plan: PlanPath,
    history: Annotated[
        Path | None, typer.Option("--history", metavar="FILE", help="History file.")
    ] = None,
) -> None:
    """Check a plan, and a history against it, without deciding anything."""
    declared = Plan.load(plan)
    bounds, money = bounds_of(declared), declared.money
    typer.echo(
        f"Plan: {len(declared.channels)} channels, {show_amount(declared.spendable)} "
        f"{declared.currency} a week to spend, {show_amount(declared.held)} in reserve; at least "
        f"{money.show(int(bounds.lower.sum()))} must be spent, at most "
        f"{money.show(min(int(bounds.upper.sum()), declared.spendable_minor))} can be."
    )
    if history is not None:
        past = _read(declared, history)
        kind = "an outcome per channel" if past.outcome is not None else "one total outcome"
        weeks = past.weeks
        span = f", {weeks[0]} to {weeks[-1]}" if weeks.size else ""
        typer.echo(f"History: {weeks.size} weeks{span}, {kind}.")
        for note in past.notes:
            typer.echo(f"Note: {note}.")


@app.command()
def reallocate(
    plan: PlanPath,
    history: HistoryPath,
    week: Annotated[
        str | None,
        typer.Option(metavar="DATE", help="First day of the week to decide; default: the next."),
    ] = None,
    policy: Annotated[
        str, typer.Option(metavar="NAME", help=f"One of {', '.join(NAMES)}; thompson(10).")
    ] = NAMES[0],
    seed: Annotated[int, typer.Option(metavar="N", help="Seed of the policy.")] = 0,
    format: FormatOption = Format.table,
    out: OutPath = None,
    explain: Explain = False,
) -> None:
    """Decide one week's split from the history, with a reason for every move."""
    declared = Plan.load(plan)
    decision = reallocate_week(
        declared, _read(declared, history), week=week, policy=policy_named(policy), seed=seed
    )
    texts: dict[Format, Callable[[], str]] = {
        Format.table: lambda: report.decision_table(decision),
        Format.json: decision.to_json,
        Format.csv: lambda: report.decision_csv(decision),
    }
    _answer(texts[format](), decision.explain() if explain else "", format, out)
    if not decision.moved:
        raise typer.Exit(NOTHING_MOVES)


@app.command()
def allocate(
    plan: PlanPath,
    format: FormatOption = Format.table,
    out: OutPath = None,
    explain: Explain = False,
) -> None:
    """Split a week's budget by the curves that the plan's channels carry."""
    week = allocate_week(Plan.load(plan))
    texts: dict[Format, Callable[[], str]] = {
        Format.table: lambda: report.allocation_table(week),
        Format.json: week.to_json,
        Format.csv: lambda: report.allocation_csv(week),
    }
    _answer(texts[format](), week.explain() if explain else "", format, out)


@app.command()
def schema() -> None:
    """Print the JSON Schema of plan files."""
    typer.echo(json.dumps(plan_schema(), indent=2))


def _read(plan: Plan, path: Path) -> History:
    return History.read(
        path,
        plan.columns,
        channels=plan.names,
        week_start=plan.week_start,
        as_of=dt.date.today(),
    )


def _answer(text: str, explanation: str, format: Format, out: Path | None) -> None:
    """Print an answer or write it to a file; sentences go with tables only."""
    if explanation and format is Format.table:
        text += "\n\n" + report.sentences(explanation)
    text = text.rstrip("\n") + "\n"
    if out is None:
        typer.echo(text, nl=False)
    else:
        report.write_whole(out, text)


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run the command line and exit with the documented code."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    debug = "--debug" in given
    given = [g for g in given if g != "--debug"]
    try:
        app(args=given)
    except BudgetoptError as error:
        if debug:
            raise
        _complain(error.to_dict(), str(error), given)
        sys.exit(error.exit_code)
    except Exception as error:
        # The last line of defence: a scheduler's log gets one line, not a traceback.
        if debug:
            raise
        text = f"unexpected {type(error).__name__}: {error}: run again with --debug and report it"
        _complain({"error": type(error).__name__, "message": text}, text, given)
        sys.exit(1)
    sys.exit(0)


def _complain(data: dict[str, Any], text: str, given: Sequence[str]) -> None:
    """Write an error to stderr, as JSON where the answer was asked for in JSON."""
    joined = " ".join(given)
    if "--format json" in joined or "--format=json" in joined:
        typer.echo(json.dumps(data, ensure_ascii=False), err=True)
    else:
        typer.echo(report.sentences(f"budgetopt: {text}"), err=True)
