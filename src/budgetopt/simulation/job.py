"""What a simulation is to do, the same for every batch of runs; it travels to workers.

`Schedule` is a fixed plan of spends, the open loop. `Job` holds market, players, plan, weeks and
settings, and what they say of a dated week's limits.
"""

from __future__ import annotations

import datetime as dt
import zlib
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from budgetopt.arrays import Floats
from budgetopt.belief import Settings, Stream
from budgetopt.calendar import Week
from budgetopt.curves import Curve, Log, kernels
from budgetopt.errors import SolverError
from budgetopt.horizon import LookAhead
from budgetopt.i18n import say
from budgetopt.market import BLOCK, Conditions, Market, Scenario, wrong
from budgetopt.notebook import short
from budgetopt.optimize import (
    objective_of,
    problem_of,
    runs_on_steps,
)
from budgetopt.plan import Plan, unused
from budgetopt.policies import EqualSplit, HoldSteady, Policy
from budgetopt.simulation.contingency import (
    Contingency,
    Limits,
    WeekLimits,
)


@short
@dataclass(frozen=True, eq=False)
class Schedule:
    """A fixed plan of spends, carried out whatever comes back.

    Nothing is learned, and no limit of the plan is looked at: the orders are the plan. A budget
    that a scenario cuts or raises scales them, and a closed channel takes no money.

    Parameters
    ----------
    spend
        Money, at least 0, shape ``(channels,)`` for every week or ``(weeks, channels)``.
    name
        How it is called in results.

    Raises
    ------
    InputError
        ``bad-argument``.
    """

    spend: Floats
    name: str = "schedule"

    def __init__(self, spend: Any, name: str = "schedule") -> None:
        given = np.array(spend, dtype=np.float64)
        # Written so that NaN fails.
        if given.ndim not in (1, 2) or not np.all((given >= 0) & (given < np.inf)):
            remedy = say("remedy-finite-money-least-0")
            raise wrong("spend", str(given.shape), remedy, say("schedule-not-valid"))
        given.flags.writeable = False
        object.__setattr__(self, "spend", given)
        object.__setattr__(self, "name", name)

    def ordered(self, week: Conditions) -> Floats:
        """Return the money of a week, shape ``(channels,)``, or by run where the budget is cut."""
        spend = self.spend if self.spend.ndim == 1 else self.spend[week.number - 1]
        return spend if np.all(week.budget == 1.0) else spend * week.budget[:, None]

    def check(self, weeks: int, channels: int) -> None:
        """Raise ``bad-argument`` where it is for other weeks or channels."""
        shape = self.spend.shape
        if shape[-1] != channels or (len(shape) == 2 and shape[0] < weeks):
            raise wrong(
                "spend",
                str(shape),
                say("remedy-channels-least-weeks", channels=channels, weeks=weeks),
                say("schedule-has-shape", name=repr(self.name), shape=shape),
            )


BATCH = 4 * BLOCK
"""Runs that are decided side by side. Which runs share a batch never depends on chunks or workers,
so neither does any number; with half as many, calls of NumPy cost a fifth more."""
_OPEN = 32 * BLOCK
"""The same where all plans are fixed, and the market is all that is computed."""
_AHEAD = BLOCK
"""The same where weeks ahead are planned: all go on until the last run is solved, and what a round
reads stays near the processor; four blocks take seven tenths more."""
_PER_RUN_BATCH = 16
"""The same where runs are solved one by one, so that workers get equal parts of few runs."""

_ANY_WEEK = Week(dt.date(2001, 1, 1))
"""Stands for every week where the market has no dates."""

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
    past_weeks
        First days of the common past.
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
    past_weeks: tuple[dt.date, ...] = ()

    @property
    def per_run(self) -> bool:
        """Whether the plan has what only one run at a time is solved for."""
        plan = self.plan
        return bool(plan.limits or any(plan.minimums_minor) or plan.goal.kind != "outcome"
                    or plan.goal.weights)  # fmt: skip

    @cached_property
    def counts(self) -> tuple[Floats, Floats]:
        """What an outcome counts for by the plan's goal, and what money costs, by channel."""
        return objective_of(self.plan)

    def week(self, number: int) -> Week | None:
        """Return a simulated week by its number, from 1 on; None where the market has no dates."""
        start = self.market.start
        return None if start is None else Week(start).shift(number - 1)

    def plan_of(self, number: int) -> Plan:
        """Return the plan as it is in a week."""
        week = self.week(number)
        return self.plan if week is None else self.plan.on(week)

    def limits_of(self, number: int) -> Limits:
        """Return a week's limits by channel."""
        week = self.week(number)
        frozen = () if week is None else tuple(self.plan.frozen(week))
        plan = self.plan_of(number)
        key = (plan.budget, plan.max_change, plan.reserve, frozen)
        if key not in self._limits:
            self._limits[key] = Limits.of(plan, frozen)
        return self._limits[key]

    @cached_property
    def _limits(self) -> dict[Any, Limits]:
        return {}

    def ahead_of(self, number: int) -> LookAhead | None:
        """Return the weeks from one on that a decision looks ahead; None where it does not.

        Raises
        ------
        SolverError
            ``wrong-method`` where the plan has what many weeks of many runs cannot be solved for.
        """
        weeks = self.plan.horizon or 1
        if weeks == 1:
            return None
        week = self.week(number)
        key = 0 if week is None else number
        if key not in self._ahead:
            if self.settings.steep_shapes:
                raise SolverError("wrong-method", say("curves-ahead"), remedy=say(
                    "remedy-horizon-of-one"), field="settings.steep_shapes")  # fmt: skip
            plan, first = (self._undated(), _ANY_WEEK) if week is None else (self.plan, week)
            self._ahead[key] = LookAhead.of(plan, [first.shift(at) for at in range(weeks)])
        return self._ahead[key]

    @cached_property
    def _ahead(self) -> dict[int, LookAhead]:
        return {}

    def demand_of(self, number: int) -> float:
        """Return the demand that the plan declares of a week."""
        week = self.week(number)
        return 1.0 if week is None else self.plan.demand_of(week)

    @cached_property
    def dated(self) -> tuple[tuple[float, bool], ...]:
        """Declared demand of each week from the first of the past on, and if it is eventful."""
        ahead = (self.week(number) for number in range(1, self.weeks + 1))
        weeks = (*(Week(day) for day in self.past_weeks), *ahead)
        plan = self.plan
        return tuple(
            (1.0, False) if w is None else (plan.demand_of(w), bool(plan.events_of(w)))
            for w in weeks
        )

    @cached_property
    def carried(self) -> Floats:
        """Weights of the plan's declared carryover, shape ``(lags, channels)``."""
        return kernels([channel.carryover for channel in self.plan.channels])

    @cached_property
    def step(self) -> int:
        """Minor units in the step of all channels, where it is coarse enough to matter, else 0.

        A step in every channel is then above a hundredth of the money.
        """
        lots = self.plan.lots_minor
        coarse = sum(lots) > 0.01 * self.plan.spendable_minor
        return lots[0] if coarse and len(set(lots)) == 1 else 0

    def on_steps(self, spend: Floats, limits: WeekLimits, curves: Curve | None = None) -> Floats:
        """Return the splits of all runs on whole steps, as a live week would take them.

        With curves they are the best of these, else the nearest.
        """
        if not self.step:
            return spend
        names = self.plan.names
        rank = np.argsort(sorted(range(len(names)), key=names.__getitem__))
        units = self.plan.money.units
        ends = (limits.lower, limits.upper, limits.budget)
        return runs_on_steps(spend, ends, self.step, units, rank, curves)

    @property
    def slack(self) -> float:
        """Money by which arithmetic may miss a limit: a minor unit and a millionth."""
        return 1.0 / self.plan.money.units + 1e-6 * float(self.plan.budget)

    @property
    def batch(self) -> int:
        """Runs that are decided side by side."""
        if all(isinstance(player, Schedule) for player in self.policies) and not self.regret:
            return _OPEN
        together = BATCH if (self.plan.horizon or 1) == 1 else _AHEAD
        return _PER_RUN_BATCH if self.per_run else together

    def rng(self, policy: Player, at: int) -> np.random.Generator:
        """Return the random numbers of a policy in a batch, or in a run that is decided alone.

        They depend on the seed, the policy's name and the number, and on nothing else.
        """
        key = (zlib.crc32(b"policy"), zlib.crc32(policy.name.encode()), int(self.per_run), at)
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
        channels = self.plan.channels
        priors, labels = [c.prior for c in channels], [c.labels for c in channels]
        return Stream(size, runs, reference=reference, unit=unit, settings=settings,
                      priors=priors, labels=labels, dtype=single)  # fmt: skip

    def share(self) -> Floats:
        """Return the part of an outcome that the first report tells, as the plan declares it."""
        delay, names = self.plan.delay, self.plan.names
        return np.ones(1) if delay is None else delay.share(np.zeros(len(names)), names)

    def notes(self) -> tuple[str, ...]:
        """Say what is simplified."""
        plan, market, said = self.plan, self.market, []
        blind = (Schedule, HoldSteady, EqualSplit)
        looks = any(not isinstance(policy, blind) for policy in self.policies)
        if looks and getattr(market.curves, "source", "") == "total":
            said.append(say("years-learned-from-one-total"))
        if not self.step or self.per_run:
            said.append(say("years-not-rounded"))
        if any(lot > plan.step_minor for lot in plan.lots_minor) and (
            not self.step or self.per_run
        ):
            said.append(say("years-lots-not-kept"))
        if self.per_run:
            said.append(say("years-run-by-run"))
        if market.delay and plan.delay is None:
            said.append(say("years-delay-undeclared"))
        if market.carryover is not None and (plan.horizon or 1) == 1:
            said.append(say("years-carryover-settled"))
        said += unused(plan if market.start is None else self._undated(), "simulate")
        if any(self.demand_of(number) != self.market.demand.index_of(number)
               for number in range(1, self.weeks + 1)):  # fmt: skip
            said.append(say("years-other-demand"))
        if self.regret and (plan.horizon or 1) == 1:
            said.append(say("years-clairvoyant"))
        return tuple(said)

    def _undated(self) -> Plan:
        """Return the plan without what dated weeks take of it."""
        operation = replace(self.plan.operation, phases=(), freezes=())
        return replace(self.plan, operation=operation, demand=())

    def refuse_infeasible(self) -> None:
        """Refuse a plan that no week can keep, before any scenario, or that cannot look ahead here.

        Raises
        ------
        InfeasibleError
        SolverError
            ``wrong-method``.
        """
        if all(isinstance(policy, Schedule) for policy in self.policies):
            return
        for number in range(1, self.weeks + 1):
            self.ahead_of(number)
        if not self.per_run:
            curves = dict.fromkeys(self.plan.names, Log(1.0, 1.0))
            problem_of(self.plan, curves)
