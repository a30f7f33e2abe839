"""``budgetopt simulate``: possible years of a plan, before they happen."""

from __future__ import annotations

import datetime as dt
import multiprocessing
import os
import signal
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import Progress

from budgetopt import report
from budgetopt.belief import learn
from budgetopt.calendar import Week, as_date
from budgetopt.cli.files import answer, keep, read_history
from budgetopt.cli.options import (
    AsOf,
    DataThrough,
    Format,
    FormatOption,
    PlanPath,
)
from budgetopt.errors import InputError
from budgetopt.history import History
from budgetopt.market import Market, Scenario, believed_market, noise_of, scenario_named
from budgetopt.money import as_decimal
from budgetopt.plan import Plan
from budgetopt.policies import DEFAULT, NAMES, Policy, policy_named
from budgetopt.report import Years
from budgetopt.simulation import Simulation, contingencies_of
from budgetopt.simulation import simulate as simulate_years

INTERRUPTED = 130
"""Exit code after Ctrl-C, as shells have it: 128 and the number of the signal."""
_POLICIES = ("hold", DEFAULT.name)
"""No policy is shown without a plain one beside it."""
_FROM_NOTHING = ("equal", DEFAULT.name)
"""The same where there is no last week to hold."""
_NOISE = 0.2
"""Noise of curves that a plan carries: about that of a week's revenue of a channel."""
_FILES = ("summary.json", "weeks.csv", "channels.csv", "runs.parquet")

Told = Callable[[str], Callable[[int, int], object]]


def simulate(
    plan: PlanPath,
    history: Annotated[
        Path | None,
        typer.Option(
            "--history",
            metavar="FILE",
            help="Draw true curves from what this says; default: the plan's own curves.",
        ),
    ] = None,
    scenario: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME",
            help="What happens, of the plan's scenarios or the usual risks; several happen in the "
            "same year, which is set beside the same year without them.",
        ),
    ] = None,
    policy: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME",
            help=f"One of {', '.join(NAMES)}; the others are compared with the first. "
            f"Default: {' and '.join(_POLICIES)}; without a history equal in place of hold.",
        ),
    ] = None,
    weeks: Annotated[int, typer.Option(metavar="N", help="Weeks of a run.")] = 52,
    runs: Annotated[int, typer.Option(metavar="N", help="How many possible years.")] = 1000,
    seed: Annotated[int, typer.Option(metavar="N", help="Seed of all chance.")] = 0,
    start: Annotated[
        str | None,
        typer.Option(
            metavar="DATE",
            help="First day of week 1, for dated scenarios; default: the day after the history.",
        ),
    ] = None,
    target: Annotated[
        str | None,
        typer.Option(
            metavar="N", help="Outcome of all weeks to reach; default: as in the plan's goal."
        ),
    ] = None,
    noise: Annotated[
        float,
        typer.Option(metavar="SD", help="Of a week's log outcome, for the plan's own curves."),
    ] = _NOISE,
    workers: Annotated[
        int, typer.Option(metavar="N", min=1, help="Processes that share the runs.")
    ] = 1,
    as_of: AsOf = None,
    data_through: DataThrough = None,
    format: FormatOption = Format.table,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out", metavar="DIR", help=f"New or empty folder for {', '.join(_FILES)} too."
        ),
    ] = None,
) -> None:
    """Simulate possible years of a plan, with and without what may happen."""
    declared = Plan.load(plan)
    goal = _target(declared, target, weeks)
    _check_folder(out, plan, history)
    happening = tuple(scenario_named(name, declared) for name in dict.fromkeys(scenario or ()))
    past = None if history is None else read_history(declared, history, as_of, data_through)
    policies = _policies(policy, past)
    first = _first_day(declared, past, start)
    _refuse_undated(happening, first)
    declared, market, truth, notes = _market(declared, past, noise, first)
    # What is wrong with a scenario is said before the year without it is played.
    market.weather(weeks, 1, seed, scenarios=happening)
    names = [one.name for one in happening]
    answers = tuple(one for one in contingencies_of(declared) if one.scenario in names)
    asked: dict[str, Any] = {"weeks": weeks, "runs": runs, "seed": seed, "history": past}

    def play(scenarios: tuple[Scenario, ...], told: Any, pool: Executor | None) -> Simulation:
        met = answers if scenarios else ()
        return simulate_years(declared, market, policies, **asked, scenarios=scenarios,
                              contingencies=met, executor=pool, progress=told)  # fmt: skip

    try:
        with _pool(workers) as pool, _progress() as told:
            usual, struck = _both(play, happening, told, pool)
    except KeyboardInterrupt:
        typer.echo("budgetopt: interrupted before any run was finished", err=True)
        raise typer.Exit(INTERRUPTED) from None
    years = Years(declared, truth, usual, struck, happening, answers, goal, notes)
    texts: dict[Format, Callable[[], str]] = {
        Format.table: lambda: report.years_table(years),
        Format.json: lambda: report.years_json(years),
        Format.csv: lambda: _csv(years, "week"),
    }
    try:
        _write(years, out)
    finally:
        # What took long to find is told even where a file cannot be written.
        answer(texts[format](), None)
    if years.interrupted:
        raise typer.Exit(INTERRUPTED)


def _both(
    play: Callable[[tuple[Scenario, ...], Any, Executor | None], Simulation],
    happening: tuple[Scenario, ...],
    told: Told,
    pool: Executor | None,
) -> tuple[Simulation, Simulation | None]:
    """Return the years without and with scenarios, as far as they came."""
    usual = play((), told("as usual"), pool)
    if not happening or usual.interrupted:
        return usual, None
    try:
        return usual, play(happening, told("with scenarios"), pool)
    except KeyboardInterrupt:
        return usual, None


def _market(
    plan: Plan, past: History | None, noise: float, first: dt.date | None
) -> tuple[Plan, Market, str, tuple[str, ...]]:
    """Return the plan as it is simulated, its market, and what to say of them."""
    if past is not None:
        belief = learn(past, plan)
        market = believed_market(plan, belief, start=first)
        count = belief.log.weeks.size
        truth = f"Every run draws its true curves from what {count} weeks of history say."
        if plan.delay is None or market.delay:
            return plan, market, truth, ()
        # A delay that no report has would be made good twice.
        note = "reports are taken as complete: delays of single channels are not simulated"
        return replace(plan, delay=None), market, truth, (note,)
    if plan.curves is None:
        raise InputError(
            "bad-argument",
            "the plan's channels carry no curves",
            field="history",
            remedy="give --history to learn them from",
        )
    own = tuple(
        noise if c.prior is None or c.prior.noise is None else c.prior.noise for c in plan.channels
    )
    market = Market.of_plan(plan, noise=noise_of(plan, own), start=first)
    truth = "True curves are those that the plan carries, the same in every run."
    return replace(plan, delay=None), market, truth, ()


def _policies(given: list[str] | None, past: History | None) -> list[Policy]:
    """Return what plays; there is no holding of what nobody knows."""
    names = given or (_FROM_NOTHING if past is None else _POLICIES)
    policies = [policy_named(name) for name in names]
    if past is None and any(policy.name == "hold" for policy in policies):
        raise InputError(
            "bad-argument",
            "--policy is 'hold', and without a history there is no last week to hold",
            field="policy",
            value="hold",
            remedy="give --history, or compare with equal",
        )
    return policies


def _refuse_undated(happening: tuple[Scenario, ...], first: dt.date | None) -> None:
    """Refuse scenarios that are dated by days where week 1 has no date."""
    for one in happening:
        if first is None and isinstance(one.start, dt.date):
            raise InputError(
                "bad-argument",
                f"scenario {one.name!r} is dated {one.start}, and week 1 has no date",
                field="start",
                value=str(one.start),
                remedy="give --start or --history",
            )


def _first_day(plan: Plan, past: History | None, start: str | None) -> dt.date | None:
    """Return the first day of week 1, or None where nobody said."""
    if start is not None:
        day = as_date(start, "--start")
        begins = Week.of(day, plan.week_start).start
        if day != begins:
            raise InputError(
                "bad-argument",
                f"--start is {day}, which is no first day of a week",
                field="start",
                value=str(day),
                remedy=f"give {begins} or a week later, or change week_start of the plan",
            )
        return day
    weeks = [] if past is None else past.complete().weeks.tolist()
    return Week(weeks[-1]).shift(1).start if weeks else None


def _target(plan: Plan, given: str | None, weeks: int) -> float | None:
    """Return the outcome that all weeks are to reach, or None where there is none."""
    if given is not None:
        return float(as_decimal(given, "target"))
    return None if plan.goal.target is None else weeks * float(plan.goal.target)


def _check_folder(out: Path | None, *inputs: Path | None) -> None:
    """Refuse a folder that cannot be made, or where a file would be lost, before all else."""
    if out is None:
        return
    for name in _FILES:
        keep(out / name, *inputs)
        if (out / name).exists():
            # What was simulated before may be all that is left of hours.
            reason = f"it holds {name!r} already"
            raise _bad_folder(out, reason, "cannot be written", "name an empty folder")
    there = next(path for path in (out.absolute(), *out.absolute().parents) if path.exists())
    if not there.is_dir() or not os.access(there, os.W_OK):
        raise _bad_folder(out, f"{str(there)!r} is no folder that can be written")


def _bad_folder(
    out: Path,
    reason: str,
    what: str = "cannot be made",
    remedy: str = "name a folder that can be written",
) -> InputError:
    problem = f"--out {str(out)!r} {what}, {reason}"
    return InputError("bad-file", problem, field="out", value=str(out), remedy=remedy)


def _write(years: Years, out: Path | None) -> None:
    """Write the files, each whole or not at all."""
    if out is None:
        return
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise _bad_folder(out, error.strerror or str(error)) from None
    summary, weeks, channels, runs = (out / name for name in _FILES)
    report.write_whole(summary, report.years_json(years) + "\n")
    report.write_whole(weeks, _csv(years, "week"))
    report.write_whole(channels, _csv(years, "channel"))
    try:
        table = report.years_frame(years, "run").to_parquet(index=False)
    except ImportError:
        pass  # Without the extra there is no such table.
    else:
        report.write_whole(runs, table)


def _csv(years: Years, by: str) -> str:
    return report.years_frame(years, by).to_csv(index=False, lineterminator="\n")


@contextmanager
def _pool(workers: int) -> Iterator[Executor | None]:
    """Yield processes for the runs; one needs none."""
    if workers == 1:
        yield None
        return
    # Only this process hears the keyboard: what workers have begun is finished and kept.
    with ProcessPoolExecutor(
        workers,
        mp_context=multiprocessing.get_context("spawn"),
        initializer=signal.signal,
        initargs=(signal.SIGINT, signal.SIG_IGN),
    ) as pool:
        yield pool


@contextmanager
def _progress() -> Iterator[Told]:
    """Yield what makes a progress bar for each world; on a terminal only."""
    console = Console(stderr=True)
    with Progress(console=console, transient=True, disable=not console.is_terminal) as bars:

        def told(name: str) -> Callable[[int, int], None]:
            bar = bars.add_task(name, total=None)
            return lambda done, runs: bars.update(bar, completed=done, total=runs)

        yield told
