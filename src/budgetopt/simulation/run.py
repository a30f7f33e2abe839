"""`simulate`: batches of runs, here or on workers, joined in order to one simulation.

The answer depends on seed and runs alone, not on the workers: batches are joined in the order of
their runs, and where a simulation is interrupted, as far as all before them are done.
"""

from __future__ import annotations

import datetime as dt
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Executor
from typing import Any

import numpy as np

from budgetopt.arguments import public
from budgetopt.arrays import Floats
from budgetopt.belief import Settings
from budgetopt.errors import InputError, did_you_mean
from budgetopt.history import History
from budgetopt.i18n import say
from budgetopt.market import BLOCK, Market, Scenario, whole, wrong
from budgetopt.notebook import Progress, progress_bar
from budgetopt.optimize import goal_of
from budgetopt.plan import Plan
from budgetopt.policies import DEFAULT, as_policy
from budgetopt.simulation.contingency import Contingency
from budgetopt.simulation.job import Job, Player, Schedule
from budgetopt.simulation.simulation import Simulation
from budgetopt.simulation.statistics import Precision
from budgetopt.simulation.year import CLAIRVOYANT, Batch, Record, play
from budgetopt.workers import Handed

_WAITING = 64
"""Chunks that are handed out and not yet joined, so that memory stays bounded."""


_Work = Handed[tuple[Batch, ...]]


@public
def simulate(
    plan: Plan,
    market: Market,
    policies: Any = DEFAULT,
    *,
    scenarios: Scenario | Iterable[Scenario] = (),
    weeks: int = 52,
    runs: int = 1000,
    seed: int = 0,
    executor: Executor | None = None,
    progress: Progress | bool | None = None,
    history: History | None = None,
    last: Mapping[str, Any] | None = None,
    contingencies: Iterable[Contingency] = (),
    settings: Settings | None = None,
    precision: Precision | None = None,
    regret: bool = False,
    detail: bool = False,
    balanced: bool = False,
    chunk: int = 1,
) -> Simulation:
    """Simulate possible years of a plan under policies that learn as they go.

    Parameters
    ----------
    plan
        Budget, channels and limits.
    market
        What is true; its channels are the plan's, in the same order.
    policies
        One or several: policies, their names, or a `Schedule`; their names differ.
    scenarios
        What happens, all of them in one world; `Simulation.difference` sets two worlds side by
        side.
    weeks, runs
        How many, at least 1.
    seed
        At least 0. Run r meets the same weather whatever else is asked for.
    executor
        Any `concurrent.futures.Executor`, also of Dask or Ray; None for this process. A chunk that
        comes back with anything but one of our errors is done again, at last in this process.
    progress
        Called with the runs that are done, and all, after every batch, or chunk of a worker; True
        for a bar on a terminal or in a notebook.
    history
        The past that all runs share, with an outcome for each channel.
    last
        Last applied spend by channel, by default the history's. Without either no change limit
        binds in week 1.
    contingencies
        What the plan answers to scenarios.
    settings
        How finely policies learn, by default `Settings.fast`.
    precision
        When to stop before all runs are done; looked at after every batch of runs, in order.
    regret
        Whether a clairvoyant with the same limits plays too.
    detail
        Whether to keep every channel of every run and week, 16 bytes each.
    balanced
        Whether chance is evenly spread over every 64 runs, from Sobol' points: means, of fixed
        plans above all, then take fewer runs; see `budgetopt.market.random.Balanced`. Such runs
        are not paired with others.
    chunk
        Runs that a worker is given at a time, rounded up to whole batches: of 256 runs, of 2,048
        where all plans are fixed, of 64 where weeks ahead are planned, of 16 where runs are solved
        one by one. No result depends on it.

    Returns
    -------
    Simulation
        The same to the bit for any chunk, executor, and order of the policies. Interrupted from
        the keyboard it holds the runs that were done, up to the first that was not, and says so.

    Raises
    ------
    InputError
        ``bad-argument``, ``unknown-name``, ``bad-name``.
    InfeasibleError
        Where the plan has no split even before any scenario.
    SolverError
        ``wrong-method`` where the plan has a `horizon`, and what weeks ahead cannot be planned with
        in many runs: curves that may be S-shaped, channels that are off or at least so much, limits
        that hold one week at a time.
    VerificationError
        ``broken-limit`` where a policy's answer breaks a limit.

    Notes
    -----
    Policies learn by channel from reported outcomes only, with the plan's priors, carryover, demand
    and events, and are renewed every week under floors, caps, locks, change limits, reserve and
    budget. Where the market has dates, weeks have the plan's phases, freezes and demand. What of
    the plan is not used is in the notes. See `budgetopt.simulation.contingency` for what gives
    way where these contradict each other. Spends are not rounded, and no guardrail of the live week
    stands behind a policy. A plan with limits across channels, minimums or another goal than its
    outcome is solved run by run. Where the plan has a `horizon`, what policies and the clairvoyant
    take for the best split is the first week of the best plan of so many, as in a live week; where
    none is found the week is decided by itself, and a note counts these.

    Examples
    --------
    >>> from budgetopt.market import Market, Noise, Prior
    >>> from budgetopt.plan import Channel
    >>> plan = Plan(budget=2000, currency="CNY", channels=[Channel("a"), Channel("b")])
    >>> world = Market(plan.names, Prior(2, 1000.0), noise=Noise.both(0.2))
    >>> found = simulate(plan, world, ["posterior-mean", "equal"], weeks=8, runs=64, seed=1)
    >>> found.runs, found.difference("posterior-mean", "equal").share_better > 0.5
    (64, True)
    """
    past = _past(plan, history, last)
    job = Job(
        plan,
        market,
        _players(policies),
        (scenarios,) if isinstance(scenarios, Scenario) else tuple(scenarios),
        tuple(contingencies),
        whole(weeks, "weeks", least=1),
        whole(seed, "seed"),
        *past[:3],
        settings or Settings.fast(),
        regret,
        detail,
        balanced,
        past[3],
    )
    runs, chunk = whole(runs, "runs", least=1), whole(chunk, "chunk", least=1)
    _check(job, precision)
    batches: list[Batch] = []
    waiting: deque[_Work] = deque()
    stopped, interrupted = False, False
    try:
        with progress_bar(progress, "simulate") as told:
            for part in _chunks(job, runs, chunk, executor, waiting):
                for batch in part:
                    batches.append(batch)
                    stopped = precision is not None and precision.reached(job, batches)
                    if stopped:
                        break
                told(batches[-1].first + len(batches[-1].budget), runs)
                if stopped:
                    break
    except KeyboardInterrupt:
        while waiting and waiting[0].done:
            batches += waiting.popleft().result()
        if not batches:
            raise
        interrupted = True
    finally:
        for one in waiting:
            one.cancel()
    # Runs of a number meet the same weather in every world, and so are the first without a gap.
    left_out = sum(one.args[2] for one in waiting if one.done) if interrupted else 0
    return joined(job, batches, asked=runs, interrupted=interrupted, left_out=left_out)


def _chunks(
    job: Job,
    runs: int,
    chunk: int,
    executor: Executor | None,
    waiting: deque[_Work],
) -> Iterator[tuple[Batch, ...]]:
    """Yield the chunks in order, wherever they are done; those handed out wait in their order."""
    size = -(-chunk // job.batch) * job.batch
    spans = [(first, min(size, runs - first)) for first in range(0, runs, size)]
    if executor is None:
        for span in spans:
            yield from ((batch,) for batch in _batches(job, *span))
        return
    for span in spans:
        waiting.append(Handed(executor, _chunk, job, *span))
        if len(waiting) >= _WAITING:
            yield _first(waiting)
    while waiting:
        yield _first(waiting)


def _first(waiting: deque[_Work]) -> tuple[Batch, ...]:
    """Return the first chunk that waits, which waits no more once it is there."""
    found = waiting[0].result()
    waiting.popleft()
    return found


def _chunk(job: Job, first: int, runs: int) -> tuple[Batch, ...]:
    """Return the batches of a chunk; what a worker does."""
    return tuple(_batches(job, first, runs))


def _batches(job: Job, first: int, runs: int) -> Iterator[Batch]:
    for start in range(first, first + runs, job.batch):
        yield play(job, start, min(job.batch, first + runs - start))


def _players(given: Any) -> tuple[Player, ...]:
    several = isinstance(given, Iterable) and not isinstance(given, str)
    found: list[Player] = [
        one if isinstance(one, Schedule) else as_policy(one)
        for one in (given if several else (given,))
    ]
    names = [player.name for player in found]
    doubled = [name for name in names if names.count(name) > 1 or name == CLAIRVOYANT]
    if doubled:
        raise InputError("bad-name", say("two-policies-named", doubled=repr(doubled[0])),
                         field="policies", value=doubled[0],
                         remedy=say("remedy-policy-name-none-clairvoyant"))  # fmt: skip
    if not found:
        raise wrong("policies", (), say("remedy-least"), say("no-policy-named"))
    return tuple(found)


def _past(
    plan: Plan, history: History | None, last: Mapping[str, Any] | None
) -> tuple[Floats | None, Floats, Floats, tuple[dt.date, ...]]:
    """Return last week's money, and spends, outcomes and first days of the common past."""
    size = len(plan.names)
    nothing = np.zeros((0, size))
    given = None
    if last is not None:
        given = np.array(plan.last_minor(last)) / plan.money.units
    if history is None:
        return given, nothing, nothing, ()
    past = history.select(plan.names, plan.currency).complete()
    if past.outcome is None:
        raise wrong(
            "history", "total", say("remedy-outcomes-channel-simulate"), say("simulated-by-channel")
        )
    if given is None and len(past.weeks):
        known = np.where(np.isfinite(past.spend), past.spend, -1.0)
        given = np.zeros(size)
        for week in known:
            given = np.where(week >= 0, week, given)
    return given, past.spend, past.outcome, tuple(past.weeks.tolist())


def _check(job: Job, precision: Precision | None) -> None:
    """Refuse what does not go together."""
    plan, market = job.plan, job.market
    for name in market.channels:
        if name not in plan.index:
            raise InputError("unknown-name", say("market-s-channel-plan", name=repr(name)),
                             field="market.channels", value=name,
                             remedy=did_you_mean(name, plan.names))  # fmt: skip
    if market.channels != plan.names:
        raise wrong("market.channels", market.channels, say("remedy-order", names=plan.names))
    happening = [scenario.name for scenario in job.scenarios if isinstance(scenario, Scenario)]
    for one in job.contingencies:
        one.check(happening, plan.names)
    for player in job.policies:
        if isinstance(player, Schedule):
            player.check(job.weeks, len(plan.names))
    market.weather(job.weeks, 1, job.seed, scenarios=job.scenarios)
    if precision is not None:
        precision.check([player.name for player in job.policies])
    job.refuse_infeasible()


def joined(
    job: Job,
    batches: Sequence[Batch],
    *,
    asked: int,
    interrupted: bool = False,
    left_out: int = 0,
) -> Simulation:
    """Return the simulation of batches of runs, which are joined in their order.

    Parameters
    ----------
    job, batches
        What was simulated, and what came of it.
    asked
        Runs that were asked for.
    interrupted
        Whether it was broken off from the keyboard.
    left_out
        Runs that were done by then, after others that were not.
    """
    names = [player.name for player in job.policies]
    records, followed = (
        {name: _stacked([getattr(b, kind)[name] for b in batches]) for name in each}
        for kind, each in (
            ("records", batches[0].records),
            ("same_money", batches[0].same_money),
        )
    )
    runs = sum(len(batch.budget) for batch in batches)
    happens = {
        name: np.concatenate([batch.happens[name] for batch in batches])
        for name in batches[0].happens
    }
    notes = [*job.notes(), *_events(names, records)]
    if interrupted:
        said = say("interrupted-runs", runs=f"{runs:,}", asked=f"{asked:,}")
        if left_out:
            said = say("interrupted-left-out", interrupted=said, count=f"{left_out:,}")
        notes.append(said)
    elif runs < asked:
        notes.append(say("precise-enough", runs=f"{runs:,}", asked=f"{asked:,}"))
    return Simulation(
        job.plan.names,
        tuple(names),
        tuple(happens),
        job.seed,
        asked,
        np.concatenate([batch.budget for batch in batches]),
        happens,
        records,
        job.market.funnel,
        tuple(notes),
        interrupted,
        BLOCK if job.balanced else 1,
        goal_of(job.plan),
        followed,
        None if job.plan.goal.target is None else float(job.plan.goal.target),
    )


def _stacked(records: Sequence[Record]) -> Record:
    """Return one record of several batches; sums over the runs are added up in order."""
    parts: dict[str, Any] = {}
    for name in Record._fields:
        each = [getattr(record, name) for record in records]
        if name.startswith("week_"):
            parts[name] = sum(each[1:], start=each[0])
        elif name == "detail":
            parts[name] = tuple(np.concatenate(kind) for kind in zip(*each, strict=True))
        else:
            parts[name] = np.concatenate(each)
    return Record(**parts)


def _events(names: Sequence[str], records: dict[str, Record]) -> list[str]:
    """Say how often a week went otherwise than decided."""
    said: list[str] = []
    for name in names:
        record = records[name]
        fell, gave, alone = (int(m.sum()) for m in (record.fell, record.gave_way, record.alone))
        if fell:
            said.append(say("policy-fell-back", policy=name, count=f"{fell:,}"))
        if gave:
            said.append(say("policy-limits-gave-way", policy=name, count=f"{gave:,}"))
        if alone:
            said.append(say("policy-week-alone", policy=name, count=f"{alone:,}"))
    return said
