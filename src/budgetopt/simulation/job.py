"""What a simulation is to do, the same for every batch of runs; it travels to workers."""

from __future__ import annotations

import zlib
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from budgetopt.belief.settings import Settings
from budgetopt.belief.stream import Stream
from budgetopt.curves import Log
from budgetopt.curves.base import Floats
from budgetopt.market import Market, Scenario
from budgetopt.market.streams import BLOCK
from budgetopt.optimize.problem import problem_of
from budgetopt.plan import Beforehand, Plan
from budgetopt.policies import Policy
from budgetopt.simulation.contingency import Contingency
from budgetopt.simulation.limits import Limits
from budgetopt.simulation.schedule import Schedule

BATCH = 4 * BLOCK
"""Runs that are decided side by side. Which runs share a batch never depends on chunks or workers,
so neither does any number; with half as many, calls of NumPy cost a fifth more."""
_OPEN = 32 * BLOCK
"""The same where all plans are fixed, and the market is all that is computed."""
_ALONE = 16
"""The same where runs are solved one by one, so that workers get equal parts of few runs."""

Player = Policy | Schedule
"""What decides in a simulation."""


@dataclass(frozen=True, eq=False)
class Job:
    """What is simulated.

    Parameters
    ----------
    plan, market, policies, scenarios, contingencies, weeks, seed
        As in `simulate`.
    last
        Last applied money, shape ``(channels,)``; None where no change limit binds in week 1.
    spent, brought
        The common past, shape ``(weeks, channels)``.
    settings
        How finely policies learn.
    regret
        Whether a clairvoyant plays too.
    detail
        Whether every channel of every run and week is kept.
    balanced
        Whether chance is evenly spread over every block of runs.
    """

    plan: Plan
    market: Market
    policies: tuple[Player, ...]
    scenarios: tuple[Scenario, ...]
    contingencies: tuple[Contingency, ...]
    weeks: int
    seed: int
    last: Floats | None
    spent: Floats
    brought: Floats
    settings: Settings
    regret: bool
    detail: bool
    balanced: bool = False

    @property
    def alone(self) -> bool:
        """Whether the plan has what only one run at a time is solved for."""
        plan = self.plan
        return bool(plan.limits or any(plan.minimums_minor) or plan.goal.kind != "outcome"
                    or plan.goal.weights)  # fmt: skip

    @cached_property
    def limits(self) -> Limits:
        """The plan's limits by channel."""
        return Limits.of(self.plan)

    @property
    def slack(self) -> float:
        """Money by which arithmetic may miss a limit: a minor unit and a millionth."""
        return 1.0 / self.plan.money.units + 1e-6 * float(self.plan.budget)

    @property
    def batch(self) -> int:
        """Runs that are decided side by side."""
        if all(isinstance(player, Schedule) for player in self.policies) and not self.regret:
            return _OPEN
        return _ALONE if self.alone else BATCH

    def rng(self, policy: Player, at: int) -> np.random.Generator:
        """Return the random numbers of a policy in a batch, or in a run that is decided alone.

        They depend on the seed, the policy's name and the number, and on nothing else.
        """
        key = (zlib.crc32(b"policy"), zlib.crc32(policy.name.encode()), int(self.alone), at)
        return np.random.Generator(
            np.random.SFC64(np.random.SeedSequence(self.seed, spawn_key=key))
        )

    def stream(self, runs: int) -> Stream:
        """Return a learner that has seen nothing."""
        size = len(self.plan.channels)
        unit = 1.0 if self.plan.outcome_unit is None else self.plan.outcome_unit
        reference = max(self.plan.weekly, 1e-9) / size
        settings = self.settings
        # Doubles take half as long again; in a year they moved no outcome by two millionths.
        single = np.float32
        return Stream(size, runs, reference=reference, unit=unit, settings=settings, dtype=single)

    def share(self) -> Floats:
        """Return the part of an outcome that the first report tells, as the plan declares it."""
        delay, names = self.plan.delay, self.plan.names
        return np.ones(1) if delay is None else delay.share(np.zeros(len(names)), names)

    def notes(self) -> tuple[str, ...]:
        """Say what is simplified."""
        plan, market, said = self.plan, self.market, []
        said.append("spends are not rounded to the money step")
        if any(lot > plan.step_minor for lot in plan.lots_minor):
            said.append("channels' own lots are not kept")
        if self.alone:
            said.append("the plan's goal or limits across channels need every run solved alone")
        if market.delay and plan.delay is None:
            said.append("reports come late, but the plan declares no delay: policies learn from "
                        "first reports as if they were complete")  # fmt: skip
        if market.carryover is not None:
            said.append("policies and the clairvoyant take the carryover as settled at once")
        known = replace(plan.beforehand, delay=None, carryovers=())
        if known != Beforehand():
            said.append("simulated policies learn from weeks alone: priors, pinned curves, lift "
                        "tests, demand and events of the plan are left out")  # fmt: skip
        if plan.operation.phases or plan.operation.freezes:
            said.append("every simulated week has the plan's weekly budget and change limit: "
                        "phases and freezes of its operation are left out")  # fmt: skip
        if self.regret:
            said.append("the clairvoyant takes every week's best; with a change limit it looks no "
                        "week ahead")  # fmt: skip
        return tuple(said)

    def refuse_infeasible(self) -> None:
        """Refuse a plan that no week can keep, before any scenario.

        Raises
        ------
        InfeasibleError
        """
        if any(not isinstance(policy, Schedule) for policy in self.policies) and not self.alone:
            curves = dict.fromkeys(self.plan.names, Log(1.0, 1.0))
            problem_of(self.plan, curves)
