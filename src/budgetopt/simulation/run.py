"""`simulate`: batches of runs, here or on workers, joined in order."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import BrokenExecutor, Executor, Future
from dataclasses import dataclass
from typing import Any

import numpy as np

from budgetopt.belief.settings import Settings
from budgetopt.curves.base import Floats
from budgetopt.errors import InputError, did_you_mean
from budgetopt.history import History
from budgetopt.market import Market, Scenario
from budgetopt.market.checks import whole, wrong
from budgetopt.plan import Plan
from budgetopt.policies import DEFAULT, checked_policy, policy_named
from budgetopt.simulation.contingency import Contingency
from budgetopt.simulation.job import Job, Player
from budgetopt.simulation.joined import joined
from budgetopt.simulation.precision import Precision
from budgetopt.simulation.schedule import Schedule
from budgetopt.simulation.simulation import Simulation
from budgetopt.simulation.year import CLAIRVOYANT, Batch, play

_WAITING = 64
"""Chunks that are handed out and not yet joined, so that memory stays bounded."""

Progress = Callable[[int, int], object]


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
    progress: Progress | None = None,
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
        Any `concurrent.futures.Executor`; None for this process. A chunk whose worker died is done
        again.
    progress
        Called with the runs that are done, and all, after every batch, or chunk of a worker.
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
        plans above all, then take fewer runs; see `budgetopt.market.streams.Balanced`. Such runs
        are not paired with others.
    chunk
        Runs that a worker is given at a time, rounded up to whole batches: of 256 runs, of 2,048
        where all plans are fixed, of 16 where runs are solved one by one. No result depends on it.

    Returns
    -------
    Simulation
        The same to the bit for any chunk, executor, and order of the policies. Interrupted from
        the keyboard it holds the chunks that were finished, and says so.

    Raises
    ------
    InputError
        ``bad-argument``, ``unknown-name``, ``bad-name``.
    InfeasibleError
        Where the plan has no split even before any scenario.
    VerificationError
        ``broken-limit`` where a policy's answer breaks a limit.

    Notes
    -----
    Policies learn by channel from reported outcomes only, and are renewed every week under floors,
    caps, locks, change limits, reserve and budget; see `budgetopt.simulation.limits` for what gives
    way where these contradict each other. Spends are not rounded, and no guardrail of the live week
    stands behind a policy. A plan with limits across channels, minimums or another goal than its
    outcome is solved run by run.

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
    job = Job(
        plan,
        market,
        _players(policies),
        (scenarios,) if isinstance(scenarios, Scenario) else tuple(scenarios),
        tuple(contingencies),
        whole(weeks, "weeks", least=1),
        whole(seed, "seed"),
        *_past(plan, history, last),
        settings or Settings.fast(),
        regret,
        detail,
        balanced,
    )
    runs, chunk = whole(runs, "runs", least=1), whole(chunk, "chunk", least=1)
    _check(job, precision)
    batches: list[Batch] = []
    stopped, interrupted = False, False
    try:
        for part in _chunks(job, runs, chunk, executor):
            for batch in part:
                batches.append(batch)
                stopped = precision is not None and precision.reached(job, batches)
                if stopped:
                    break
            if progress is not None:
                progress(batches[-1].first + len(batches[-1].budget), runs)
            if stopped:
                break
    except KeyboardInterrupt:
        if not batches:
            raise
        interrupted = True
    return joined(job, batches, asked=runs, interrupted=interrupted)


def _chunks(
    job: Job, runs: int, chunk: int, executor: Executor | None
) -> Iterator[tuple[Batch, ...]]:
    """Yield the chunks in order, wherever they are done."""
    size = -(-chunk // job.batch) * job.batch
    spans = [(first, min(size, runs - first)) for first in range(0, runs, size)]
    if executor is None:
        for span in spans:
            yield from ((batch,) for batch in _batches(job, *span))
        return
    waiting: deque[_Handed] = deque()
    try:
        for span in spans:
            waiting.append(_Handed(job, span, executor))
            if len(waiting) >= _WAITING:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        for one in waiting:
            one.cancel()


@dataclass
class _Handed:
    """A chunk that was handed to a worker; if the worker dies, it is done again."""

    job: Job
    span: tuple[int, int]
    executor: Executor

    def __post_init__(self) -> None:
        self._future = self._submit()

    def result(self) -> tuple[Batch, ...]:
        for _ in range(2):
            if self._future is None:
                break
            try:
                return self._future.result()
            except BrokenExecutor:
                self._future = self._submit()
        # The executor is gone for good; the numbers are the same here.
        return _chunk(self.job, *self.span)

    def cancel(self) -> None:
        if self._future is not None:
            self._future.cancel()

    def _submit(self) -> Future[tuple[Batch, ...]] | None:
        try:
            return self.executor.submit(_chunk, self.job, *self.span)
        except BrokenExecutor:
            return None


def _chunk(job: Job, first: int, runs: int) -> tuple[Batch, ...]:
    """Return the batches of a chunk; what a worker does."""
    return tuple(_batches(job, first, runs))


def _batches(job: Job, first: int, runs: int) -> Iterator[Batch]:
    for start in range(first, first + runs, job.batch):
        yield play(job, start, min(job.batch, first + runs - start))


def _players(given: Any) -> tuple[Player, ...]:
    several = isinstance(given, Iterable) and not isinstance(given, str)
    found: list[Player] = []
    for one in given if several else (given,):
        if isinstance(one, Schedule):
            found.append(one)
        else:
            found.append(checked_policy(policy_named(one) if isinstance(one, str) else one))
    names = [player.name for player in found]
    doubled = [name for name in names if names.count(name) > 1 or name == CLAIRVOYANT]
    if doubled:
        raise InputError(
            "bad-name",
            f"two policies are called {doubled[0]!r}",
            field="policies",
            value=doubled[0],
            remedy="give each policy a name of its own, and none 'clairvoyant'",
        )
    if not found:
        raise wrong("policies", (), "give at least one", "no policy is given")
    return tuple(found)


def _past(
    plan: Plan, history: History | None, last: Mapping[str, Any] | None
) -> tuple[Floats | None, Floats, Floats]:
    """Return last week's money, and the spends and outcomes of the common past."""
    size = len(plan.names)
    nothing = np.zeros((0, size))
    given = None
    if last is not None:
        given = np.array(plan.last_minor(last)) / plan.money.units
    if history is None:
        return given, nothing, nothing
    past = history.select(plan.names).complete()
    if past.outcome is None:
        raise wrong(
            "history",
            "total",
            "give outcomes by channel, or simulate without a history",
            "the history has one total, and simulated policies learn by channel",
        )
    if given is None and len(past.weeks):
        known = np.where(np.isfinite(past.spend), past.spend, -1.0)
        given = np.zeros(size)
        for week in known:
            given = np.where(week >= 0, week, given)
    return given, past.spend, past.outcome


def _check(job: Job, precision: Precision | None) -> None:
    """Refuse what does not go together."""
    plan, market = job.plan, job.market
    for name in market.channels:
        if name not in plan.index:
            raise InputError(
                "unknown-name",
                f"the market has the channel {name!r}, which the plan has not",
                field="market.channels",
                value=name,
                remedy=did_you_mean(name, plan.names),
            )
    if market.channels != plan.names:
        raise wrong("market.channels", market.channels, f"give {plan.names} in this order")
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
