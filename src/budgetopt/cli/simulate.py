"""``budgetopt simulate`` and ``what-if``: possible years of a plan, and one week under changes.

First `simulate`: its arguments checked, its files, its worker processes and how it stops. Then
`what_if` and its cases.
"""

from __future__ import annotations

import datetime as dt
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

import budgetopt as bo
from budgetopt.cli.common import (
    POLICIES,
    AsOf,
    BeliefPath,
    CurvesHistory,
    CurvesPath,
    CurveWeeks,
    DataThrough,
    Format,
    FormatOption,
    Language,
    LanguageOption,
    OutPath,
    PlanPath,
    WeekOption,
    check_place,
    check_printed,
    curve_files,
    is_page,
    joined_changes,
    keep,
    model_curves,
    named,
    priced,
    promised,
    read_history,
    respond,
)
from budgetopt.cli.decide import load_belief, past_of
from budgetopt.errors import InputError, foreign
from budgetopt.messages import Message, said_in, say
from budgetopt.workers import executor_at

if TYPE_CHECKING:
    from concurrent.futures import Executor, ProcessPoolExecutor

INTERRUPTED = 130
"""Exit code after Ctrl-C, as shells have it: 128 and the number of the signal."""
TERMINATED = 143
"""Exit code after SIGTERM, likewise."""
_POLICIES = ("hold", POLICIES[0])
"""No policy is shown without a plain one beside it."""
_FROM_NOTHING = ("equal", POLICIES[0])
"""The same where there is no last week to hold."""
_NOISE = 0.2
"""Noise of curves that a plan carries: about that of a week's revenue of a channel."""
_FILES = ("summary.json", "weeks.csv", "channels.csv", "runs.parquet")
WorkersOption = Annotated[int, typer.Option(metavar="N", min=1, help="Number of processes.")]
ExecutorOption = Annotated[
    str | None,
    typer.Option(
        metavar="ADDRESS",
        help="Cluster that does the work: dask://HOST:PORT, ray://HOST:PORT or ray://auto; "
        "dask://local and ray://local start one of --workers processes here.",
    ),
]
_DROPS = 1.0
"""Seconds that a pool is given to drop what was cancelled."""


def simulate(
    plan: PlanPath,
    history: Annotated[
        list[Path] | None,
        typer.Option(
            "--history",
            metavar="FILE",
            help="History to draw possible curves from; default: the curves in the plan, or else "
            "the files that it names.",
        ),
    ] = None,
    scenario: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME",
            help="A scenario of the plan or a standard risk; several happen in the same year, "
            "which is compared with the same year without them.",
        ),
    ] = None,
    policy: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME",
            help=f"One of {', '.join(POLICIES)}; the others are compared with the first. "
            f"Default: {' and '.join(_POLICIES)}; without a history equal in place of hold.",
        ),
    ] = None,
    weeks: Annotated[int, typer.Option(metavar="N", help="Weeks to simulate.")] = 52,
    runs: Annotated[int, typer.Option(metavar="N", help="Number of possible years.")] = 1000,
    seed: Annotated[int, typer.Option(metavar="N", help="Random seed.")] = 0,
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
            metavar="N",
            help="Outcome to reach over all weeks; default: the target in the plan's goal.",
        ),
    ] = None,
    noise: Annotated[
        float,
        typer.Option(
            metavar="SD", help="Standard deviation of a week's log outcome, for curves in the plan."
        ),
    ] = _NOISE,
    workers: WorkersOption = 1,
    executor: ExecutorOption = None,
    as_of: AsOf = None,
    data_through: DataThrough = None,
    format: FormatOption = Format.table,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            metavar="DIR",
            help=f"New or empty folder; also writes {', '.join(_FILES)}. A name ending in .html "
            "writes a page instead.",
        ),
    ] = None,
    lang: LanguageOption = Language.en,
) -> None:
    """Simulate possible years of a plan, with and without scenarios."""
    declared = bo.Plan.load(plan)
    goal = _target(declared, target, weeks)
    check_printed(format, say("remedy-choose-another-out"))
    files = curve_files(declared, plan, history, None)
    _check_folder(out, plan, files)
    happening = tuple(
        bo.market.scenario_named(name, declared) for name in dict.fromkeys(scenario or ())
    )
    past = read_history(declared, files, as_of, data_through) if files else None
    policies = _policies(policy, past)
    first = _first_day(declared, past, start)
    _refuse_undated(happening, first)
    declared, market, truth, notes = _market(declared, past, noise, first)
    # What is wrong with a scenario is said before the year without it is played.
    market.weather(weeks, 1, seed, scenarios=happening)
    names = [one.name for one in happening]
    answers = tuple(
        one for one in bo.simulation.contingencies_of(declared) if one.scenario in names
    )
    asked: dict[str, Any] = {"weeks": weeks, "runs": runs, "seed": seed, "history": past}

    def play(scenarios: tuple[bo.market.Scenario, ...], pool: Executor | None) -> bo.Simulation:
        met = answers if scenarios else ()
        return bo.simulate(declared, market, policies, **asked, scenarios=scenarios,
                              contingencies=met, executor=pool, progress=True)  # fmt: skip

    stopped = Stopped()
    try:
        with _terminated(stopped), workers_of(executor, workers) as pool:
            usual, struck = _both(play, happening, pool)
    except KeyboardInterrupt:
        typer.echo(f"budgetopt: {said_in(say('interrupted-before-any'), lang.value)}", err=True)
        raise typer.Exit(stopped.code) from None
    years = bo.report.Years(declared, truth, usual, struck, happening, answers, goal, notes)
    try:
        if is_page(out):
            bo.report.page(years, out=out, language=lang)
        else:
            _write(years, out)
    finally:
        # What took long to find is told even where a file cannot be written.
        respond(
            format,
            None,
            lang,
            table=lambda: bo.report.years_table(years, lang),
            json=lambda: bo.report.years_json(years),
            result=years,
        )
    if years.interrupted:
        raise typer.Exit(stopped.code)


def _both(
    play: Callable[[tuple[bo.market.Scenario, ...], Executor | None], bo.Simulation],
    happening: tuple[bo.market.Scenario, ...],
    pool: Executor | None,
) -> tuple[bo.Simulation, bo.Simulation | None]:
    """Return the years without and with scenarios, as far as they came."""
    usual = play((), pool)
    if not happening or usual.interrupted:
        return usual, None
    try:
        return usual, play(happening, pool)
    except KeyboardInterrupt:
        return usual, None


def _market(
    plan: bo.Plan, past: bo.History | None, noise: float, first: dt.date | None
) -> tuple[bo.Plan, bo.Market, str, tuple[str, ...]]:
    """Return the plan as it is simulated, its market, and what to say of them."""
    from budgetopt.i18n import say

    if past is not None:
        belief = bo.learn(past, plan)
        market = bo.market.believed_market(plan, belief, start=first)
        count = belief.log.weeks.size
        truth = say("truth-from-history", count=count)
        if plan.delay is None or market.delay:
            return plan, market, truth, ()
        # A delay that no report has would be made good twice.
        return replace(plan, delay=None), market, truth, (say("reports-complete"),)
    if plan.curves is None:
        raise InputError(
            "bad-argument",
            say("plan-s-channels-curves"),
            field="history",
            remedy=say("remedy-history-learn"),
        )
    own = tuple(
        noise if c.prior is None or c.prior.noise is None else c.prior.noise for c in plan.channels
    )
    market = bo.Market.of_plan(plan, noise=bo.market.noise_of(plan, own), start=first)
    truth = say("truth-from-plan")
    return replace(plan, delay=None), market, truth, ()


def _policies(given: list[str] | None, past: bo.History | None) -> list[bo.policies.Policy]:
    """Return what plays; there is no holding of what nobody knows."""
    names = given or (_FROM_NOTHING if past is None else _POLICIES)
    policies = [bo.policies.policy_named(name) for name in names]
    if past is None and any(policy.name == "hold" for policy in policies):
        raise InputError(
            "bad-argument",
            say("policy-hold-without-history"),
            field="policy",
            value="hold",
            remedy=say("remedy-history-compare-equal"),
        )
    return policies


def _refuse_undated(happening: tuple[bo.market.Scenario, ...], first: dt.date | None) -> None:
    """Refuse scenarios that are dated by days where week 1 has no date."""
    for one in happening:
        if first is None and isinstance(one.start, dt.date):
            raise InputError(
                "bad-argument",
                say("scenario-dated-week-1", name=repr(one.name), start=one.start),
                field="start",
                value=str(one.start),
                remedy=say("remedy-start-history"),
            )


def _first_day(plan: bo.Plan, past: bo.History | None, start: str | None) -> dt.date | None:
    """Return the first day of week 1, or None where nobody said."""
    if start is not None:
        day = bo.calendar.as_date(start, "--start")
        begins = bo.Week.of(day, plan.week_start).start
        if day != begins:
            raise InputError(
                "bad-argument",
                say("start-first-day-week", day=day),
                field="start",
                value=str(day),
                remedy=say("remedy-week-later-change-week", begins=begins),
            )
        return day
    weeks = [] if past is None else past.complete().weeks.tolist()
    return bo.Week(weeks[-1]).shift(1).start if weeks else None


def _target(plan: bo.Plan, given: str | None, weeks: int) -> float | None:
    """Return the outcome that all weeks are to reach, or None where there is none."""
    if given is not None:
        return float(bo.money.as_decimal(given, "target"))
    return None if plan.goal.target is None else weeks * float(plan.goal.target)


def _check_folder(out: Path | None, *inputs: Path | list[Path] | None) -> None:
    """Refuse a folder that cannot be made, or where a file would be lost, before all else."""
    if out is None:
        return
    if is_page(out):
        keep(out, *inputs)
        check_place(out)
        return
    if promised(out) is not None:
        reason = say("file-extension", suffix=out.suffix)
        raise _bad_folder(out, reason, say("not-folder"), say("remedy-name-folder"))
    for name in _FILES:
        keep(out / name, *inputs)
        if (out / name).exists():
            # What was simulated before may be all that is left of hours.
            reason = say("holds-already", name=repr(name))
            raise _bad_folder(out, reason, say("cannot-written"), say("remedy-name-empty-folder"))
    there = next(path for path in (out.absolute(), *out.absolute().parents) if path.exists())
    if not there.is_dir() or not os.access(there, os.W_OK):
        raise _bad_folder(out, say("not-writable-folder", there=repr(str(there))))


def _bad_folder(
    out: Path,
    reason: str,
    what: Message | None = None,
    remedy: Message | None = None,
) -> InputError:
    what, remedy = what or say("cannot-be-made"), remedy or say("remedy-writable-folder")
    problem = say("out-folder-wrong", out=repr(str(out)), what=what, reason=reason)
    return InputError("bad-file", problem, field="out", value=str(out), remedy=remedy)


def _write(years: bo.report.Years, out: Path | None) -> None:
    """Write the files, each whole or not at all."""
    if out is None:
        return
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise _bad_folder(out, foreign(error)) from None
    summary, weeks, channels, runs = (out / name for name in _FILES)
    bo.report.write_whole(summary, bo.report.years_json(years) + "\n")
    for path, by in ((weeks, "week"), (channels, "channel")):
        bo.exchange.write(bo.report.years_frame(years, by), path)
    try:
        bo.exchange.write(bo.report.years_frame(years, "run"), runs)
    except InputError as error:
        # Without the extra there is no such table.
        if error.code != "missing-extra":
            raise


def workers_of(address: str | None, workers: int) -> AbstractContextManager[Executor | None]:
    """Return the executor at an address, or processes of this machine where there is none."""
    return _processes(workers) if address is None else executor_at(address, workers)


@contextmanager
def _processes(workers: int) -> Iterator[Executor | None]:
    """Yield processes for the runs; one needs none."""
    if workers == 1:
        yield None
        return
    import multiprocessing
    from concurrent.futures import ProcessPoolExecutor

    before = set(multiprocessing.active_children())
    pool = ProcessPoolExecutor(
        workers, mp_context=multiprocessing.get_context("spawn"), initializer=_begin_worker
    )
    try:
        yield pool
    finally:
        # Interrupted or not: what is finished is here already, and nobody waits for the rest.
        _end_workers(pool, before)


def _begin_worker() -> None:
    """Let a worker leave the keyboard to its parent, and end with it, however that ends."""
    from multiprocessing import parent_process

    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    parent = parent_process()
    if parent is not None:
        threading.Thread(target=_end_with, args=(parent,), daemon=True).start()


def _end_with(parent: Any) -> None:
    parent.join()
    os._exit(1)


def _end_workers(pool: ProcessPoolExecutor, before: set[Any]) -> None:
    """End the workers, in the middle of a chunk where they are."""
    from multiprocessing import active_children

    answers: Any = pool._result_queue
    pool.shutdown(wait=False, cancel_futures=True)
    # Up to Python 3.11.7 the pool's thread fails where workers end before it has dropped what was
    # cancelled; it does so when it comes round to it.
    until = time.monotonic() + _DROPS
    while getattr(pool, "_cancel_pending_futures", False) and time.monotonic() < until:
        time.sleep(0.005)
    children = [child for child in active_children() if child not in before]
    for child in children:
        child.terminate()
    for child in children:
        child.join()
    # Who was ended in the middle of an answer leaves a part of it in the pipe; the pool's thread,
    # which Python waits for at the exit, sees no end of it while somebody may still write.
    answers._writer.close()


@dataclass
class Stopped:
    """How a simulation was stopped before its end."""

    code: int = INTERRUPTED


@contextmanager
def _terminated(stopped: Stopped) -> Iterator[None]:
    """Take SIGTERM as Ctrl-C is taken: what is finished is kept, and no process is left behind."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def end(*_: Any) -> None:
        stopped.code = TERMINATED
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, end)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def what_if(
    plan: PlanPath,
    history: CurvesHistory = None,
    belief: BeliefPath = None,
    curves: CurvesPath = None,
    curve_weeks: CurveWeeks = 1,
    budget: Annotated[
        list[str] | None,
        typer.Option(
            "--budget", metavar="CHANGE", help="Another budget, such as -20%, x0.8 or 20000."
        ),
    ] = None,
    price: Annotated[
        list[str] | None,
        typer.Option(
            "--price",
            metavar="[CHANNEL=]CHANGE",
            help="Higher or lower media prices, such as a=+30%.",
        ),
    ] = None,
    cap: Annotated[
        list[str] | None,
        typer.Option("--cap", metavar="CHANNEL=AMOUNT", help="Another cap of a channel."),
    ] = None,
    without: Annotated[
        list[str] | None,
        typer.Option("--without", metavar="CHANNEL", help="A channel that gets nothing."),
    ] = None,
    demand: Annotated[
        list[str] | None,
        typer.Option("--demand", metavar="CHANGE", help="More or less demand, such as +40%."),
    ] = None,
    together: Annotated[
        bool, typer.Option("--together", help="Put all changes in one case.")
    ] = False,
    as_of: AsOf = None,
    data_through: DataThrough = None,
    week: WeekOption = None,
    format: FormatOption = Format.table,
    out: OutPath = None,
    lang: LanguageOption = Language.en,
) -> None:
    """Show one week as planned and under changes: outcome, range, return and the new split.

    Each change is its own case; without any, the cases in the plan are used.
    """
    declared = bo.Plan.load(plan)
    files = curve_files(declared, plan, history, belief or curves)
    keep(out, plan, files, belief, curves)
    changes: list[dict[str, Any]] = [
        *({"budget": change} for change in budget or ()),
        *({"price": dict([priced(text)])} for text in price or ()),
        *({"cap": dict([named("cap", text)])} for text in cap or ()),
        *({"without": [name]} for name in without or ()),
        *({"demand": change} for change in demand or ()),
    ]
    cases = _cases(declared, [joined_changes(changes)] if together and changes else changes)
    if belief is not None and curves is not None:
        raise InputError(
            "bad-argument",
            say("belief-curves-both-given"),
            field="curves",
            value=str(curves),
            remedy=say("remedy-give-one-of-them"),
        )
    learned = None if belief is None else load_belief(belief)
    past = past_of(declared, files, learned, as_of, data_through)
    known = model_curves(curves, curve_weeks) if learned is None else learned
    found = bo.what_if(declared, known, cases, history=past, week=week, progress=True)
    respond(
        format,
        out,
        lang,
        table=lambda: bo.report.what_if_table(found, lang),
        json=lambda: bo.report.what_if_json(found),
        result=found,
    )


def _cases(plan: bo.Plan, changes: Sequence[Mapping[str, Any]]) -> dict[str, bo.Change]:
    """Return cases by what they change; those of the plan where none is given."""
    found: dict[str, bo.Change] = {} if changes else bo.market.cases_of(plan)
    for parts in changes:
        change = bo.Change.from_dict(parts)
        name = change.name(plan.currency)
        if name:
            found[name] = change
    if not found:
        raise InputError(
            "bad-argument",
            say("nothing-is-asked"),
            field="budget",
            remedy=say("remedy-budget-price-cap-without"),
        )
    return found
