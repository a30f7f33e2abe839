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

Answers go to stdout in UTF-8, errors to stderr.
"""

from __future__ import annotations

import datetime as dt
import io
import json
import os
import shlex
import shutil
import subprocess
import sys
import traceback
from collections.abc import Callable, Sequence
from enum import StrEnum
from importlib import resources
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any, NoReturn, cast

import typer

from budgetopt import __version__, report
from budgetopt.belief import learn
from budgetopt.calendar import as_date
from budgetopt.curves import Log
from budgetopt.errors import BudgetoptError, InputError
from budgetopt.history import History
from budgetopt.money import show_amount
from budgetopt.optimize import METHODS, TIME_LIMIT, Method, problem_of
from budgetopt.optimize import allocate as allocate_week
from budgetopt.optimize.frontier import frontier as trace_frontier
from budgetopt.plan import Plan
from budgetopt.plan.files import schema as plan_schema
from budgetopt.policies import NAMES, policy_named
from budgetopt.weekly import last_spend
from budgetopt.weekly import reallocate as reallocate_week

NOTHING_MOVES = 5

# Newer typer carries its own copy of click, so that this class has no one address.
UsageError: Any = typer.BadParameter.__mro__[1]

app = typer.Typer(
    name="budgetopt",
    help="Decide how a marketing budget is split, week after week.",
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
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
AsOf = Annotated[
    str | None,
    typer.Option(
        "--as-of", metavar="DATE", help="Day on which weeks not over are left out; default: today."
    ),
]
FormatOption = Annotated[Format, typer.Option("--format", help="How to print the answer.")]
OutPath = Annotated[
    Path | None, typer.Option("--out", metavar="FILE", help="Write the answer here instead.")
]
MethodOption = Annotated[
    str, typer.Option("--method", metavar="NAME", help=f"Engine: {', '.join(METHODS)}.")
]
TimeLimit = Annotated[
    float,
    typer.Option("--time-limit", metavar="SECONDS", min=0.0, help="Best answer by then."),
]
Explain = Annotated[
    bool, typer.Option("--explain", help="With a table, add a sentence on every channel.")
]


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(__version__)
        raise typer.Exit


@app.callback(invoke_without_command=True)
def _options(
    context: typer.Context,
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")] = False,
) -> None:
    """Options of every command; `main` reads ``--debug`` itself."""
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())
        raise typer.Exit(InputError.exit_code)


@app.command()
def demo(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Folder to write into.")],
) -> None:
    """Write a ready plan and history to try the other commands on."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        problem = f"{str(folder)!r} is not a folder and cannot be made, {error.strerror}"
        raise _bad_folder(problem, folder, "name another folder") from None
    plan, history = folder / "plan.toml", folder / "history.csv"
    for path in (plan, history):
        if path.exists():
            problem = f"{str(path)!r} is there already"
            raise _bad_folder(problem, folder, "name an empty folder")
    for path in (plan, history):
        report.write_whole(path, _demo_file(path.name))
    typer.echo(report.sentences(f"Wrote {plan} and {history}. Now try:"))
    # Not wrapped: it is there to be copied.
    typer.echo(_quoted([*_program(), "reallocate", str(plan), "--history", str(history)]))


def _bad_folder(problem: str, folder: Path, remedy: str) -> InputError:
    return InputError("bad-file", problem, field="DIR", value=str(folder), remedy=remedy)


def _demo_file(name: str) -> str:
    """Return a file of the weekly example, from the wheel or from the source tree."""
    packed = resources.files("budgetopt") / "demo" / name
    if packed.is_file():
        return packed.read_text(encoding="utf-8")
    source = Path(__file__).parents[2] / "examples" / "weekly" / name
    return source.read_text(encoding="utf-8")


def _program() -> list[str]:
    """Return how this very program is called from a shell."""
    given = Path(sys.argv[0])
    if given.stem != "budgetopt":
        return [sys.executable, "-m", "budgetopt"]
    found = shutil.which("budgetopt")
    return ["budgetopt"] if found and Path(found) == given else [str(given)]


def _quoted(words: Sequence[str]) -> str:
    return subprocess.list2cmdline(words) if os.name == "nt" else shlex.join(words)


@app.command()
def check(
    plan: PlanPath,
    history: Annotated[
        Path | None, typer.Option("--history", metavar="FILE", help="History file.")
    ] = None,
    as_of: AsOf = None,
) -> None:
    """Check a plan, and a history against it, without deciding anything."""
    declared = Plan.load(plan)
    past = None if history is None else _read(declared, history, as_of)
    last = None if past is None else last_spend(declared, past.complete())
    # Curves so steep that no hurdle caps them: what is checked is what the plan alone says.
    steep = dict.fromkeys(declared.names, Log(1e30, 1.0))
    problem = problem_of(declared, steep if declared.curves is None else None, last)
    least, most = int(problem.bounds.lower.sum()), int(problem.bounds.upper.sum())
    show, count = declared.money.show, len(declared.channels)
    lines = [
        f"Plan: {count} {'channel' if count == 1 else 'channels'}, "
        f"{show_amount(declared.spendable)} {declared.currency} a week to spend, "
        f"{show_amount(declared.held)} in reserve; its limits ask for at least {show(least)} "
        f"and let in at most {show(min(most, problem.target))}."
    ]
    lines += [] if past is None else _said_of(past)
    typer.echo(report.sentences("\n".join(lines)))


def _said_of(past: History) -> list[str]:
    """Return what a history holds, in sentences."""
    kind = "an outcome for each channel" if past.outcome is not None else "one total outcome"
    count = f"{past.weeks.size} {'week' if past.weeks.size == 1 else 'weeks'}"
    span = f", {past.weeks[0]} to {past.weeks[-1]}" if past.weeks.size else ""
    return [f"History: {count}{span}, {kind}.", *(f"Note: {note}." for note in past.notes)]


@app.command()
def reallocate(
    plan: PlanPath,
    history: HistoryPath,
    week: Annotated[
        str | None,
        typer.Option(metavar="DATE", help="First day of the week to decide; default: the next."),
    ] = None,
    policy: Annotated[
        str,
        typer.Option(
            metavar="NAME",
            help=f"One of {', '.join(NAMES)}; also thompson(10), proportional(4).",
        ),
    ] = NAMES[0],
    seed: Annotated[int, typer.Option(metavar="N", help="Seed of the policy.")] = 0,
    as_of: AsOf = None,
    format: FormatOption = Format.table,
    out: OutPath = None,
    explain: Explain = False,
) -> None:
    """Decide one week's split from the history, with a reason for every move."""
    _keep(out, plan, history)
    chosen, declared = policy_named(policy), Plan.load(plan)
    past = _read(declared, history, as_of)
    decision = reallocate_week(declared, past, week=week, policy=chosen, seed=seed)
    texts: dict[Format, Callable[[], str]] = {
        Format.table: lambda: report.decision_table(decision, explain=explain),
        Format.json: decision.to_json,
        Format.csv: lambda: report.decision_csv(decision),
    }
    _answer(texts[format](), out)
    if not decision.moved:
        raise typer.Exit(NOTHING_MOVES)


@app.command()
def allocate(
    plan: PlanPath,
    method: MethodOption = METHODS[0],
    time_limit: TimeLimit = TIME_LIMIT,
    format: FormatOption = Format.table,
    out: OutPath = None,
    explain: Explain = False,
) -> None:
    """Split a week's budget by the curves that the plan's channels carry."""
    _keep(out, plan)
    week = allocate_week(Plan.load(plan), method=cast(Method, method), time_limit=time_limit)
    texts: dict[Format, Callable[[], str]] = {
        Format.table: lambda: report.allocation_table(week, explain=explain),
        Format.json: week.to_json,
        Format.csv: lambda: report.allocation_csv(week),
    }
    _answer(texts[format](), out)


@app.command()
def frontier(
    plan: PlanPath,
    history: Annotated[
        Path | None,
        typer.Option(
            "--history", metavar="FILE", help="Learn the curves from this; default: the plan's own."
        ),
    ] = None,
    as_of: AsOf = None,
    method: MethodOption = METHODS[0],
    time_limit: TimeLimit = TIME_LIMIT,
    format: FormatOption = Format.table,
    out: OutPath = None,
) -> None:
    """Show what less or more budget would bring, and where the last unit earns itself back."""
    _keep(out, plan, *([] if history is None else [history]))
    declared, belief, last = Plan.load(plan), None, None
    if history is not None:
        past = _read(declared, history, as_of).select(declared.names).complete()
        belief, last = learn(past, declared), last_spend(declared, past)
    line = trace_frontier(
        declared, belief, last=last, method=cast(Method, method), time_limit=time_limit
    )
    texts: dict[Format, Callable[[], str]] = {
        Format.table: lambda: report.frontier_table(line),
        Format.json: lambda: json.dumps(line.to_dict(), ensure_ascii=False, allow_nan=False),
        Format.csv: lambda: line.to_frame().to_csv(index=False, lineterminator="\n"),
    }
    _answer(texts[format](), out)


@app.command()
def schema() -> None:
    """Print the JSON Schema of plan files."""
    typer.echo(json.dumps(plan_schema(), indent=2))


def _read(plan: Plan, path: Path, as_of: str | None) -> History:
    return History.read(
        path,
        plan.columns,
        channels=plan.names,
        week_start=plan.week_start,
        as_of=dt.date.today() if as_of is None else as_date(as_of, "--as-of"),
    )


def _keep(out: Path | None, *inputs: Path) -> None:
    """Refuse to write an answer over what it was made from."""
    if out is not None and out.resolve() in [path.resolve() for path in inputs]:
        raise InputError(
            "bad-argument",
            f"--out is {str(out)!r}, which is an input",
            field="out",
            value=str(out),
            remedy="name another file",
        )


def _answer(text: str, out: Path | None) -> None:
    """Print an answer or write it to a file."""
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
    _own_stdout()
    _write_utf8()
    try:
        sys.exit(app(args=given, prog_name="budgetopt", standalone_mode=False) or 0)
    except UsageError as error:
        _complain(_as_input_error(error), given, debug)
    except BudgetoptError as error:
        _complain(error, given, debug)
    except Exception as error:  # noqa: BLE001 - a scheduler's log gets one line, not a traceback
        text = f"unexpected {type(error).__name__}: {error}: run again with --debug and report it"
        _complain(error, given, debug, text)


def _own_stdout() -> None:
    """Keep answers apart from what a solver's compiled code may print: that goes to stderr."""
    out = sys.stdout
    if out is not sys.__stdout__ or not isinstance(out, io.TextIOWrapper) or out.fileno() != 1:
        return
    out.flush()
    own = os.dup(1)
    os.dup2(2, 1)
    sys.stdout = os.fdopen(own, "w", encoding=out.encoding, errors=out.errors)


def _write_utf8() -> None:
    """Let no terminal's or pipe's encoding stand in the way of a channel's name."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            if stream.isatty():
                stream.reconfigure(errors="backslashreplace")
            else:
                stream.reconfigure(encoding="utf-8", errors="backslashreplace")


def _as_input_error(error: Any) -> InputError:
    """Return a wrong use of the command line as an error of ours."""
    command = error.ctx.command_path if error.ctx else "budgetopt"
    problem = " ".join(error.format_message().split()).rstrip(".")
    return InputError(
        "bad-argument",
        problem[:1].lower() + problem[1:],
        field=getattr(getattr(error, "param", None), "name", None) or "",
        remedy=f"see {command} --help",
    )


def _complain(error: Exception, given: Sequence[str], debug: bool, text: str = "") -> NoReturn:
    """Write an error to stderr, as JSON where the answer was asked for in JSON, and exit."""
    text, code = text or str(error), 1
    data = {"error": type(error).__name__, "message": text}
    if isinstance(error, BudgetoptError):
        data, code = error.to_dict(), error.exit_code
    if debug:
        traceback.print_exception(error)
    if "--format=json" in given or ("--format", "json") in pairwise(given):
        typer.echo(json.dumps(data, ensure_ascii=False), err=True)
    else:
        typer.echo(report.sentences(f"budgetopt: {text}"), err=True)
    sys.exit(code)
