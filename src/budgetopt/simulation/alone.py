"""Runs whose plan has limits across channels, or counts: each solved as a live week is."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import numpy as np
from numpy.typing import NDArray

from budgetopt.belief.posterior import Posterior
from budgetopt.curves import Curve, Mixture
from budgetopt.curves.base import Floats
from budgetopt.errors import InfeasibleError, SolverError, VerificationError
from budgetopt.market import ByRun, Conditions, Outcome, Scaled
from budgetopt.optimize import Problem, best_for, broken_rows, drawn_in, problem_of, solve
from budgetopt.plan import RULES, Bounds, Channel, MaxChange, Plan, Reserve
from budgetopt.policies import Policy, View, decided
from budgetopt.simulation.job import Job
from budgetopt.simulation.known import Known
from budgetopt.simulation.limits import WeekLimits
from budgetopt.simulation.past import Learner, Past
from budgetopt.simulation.stretch import stretched

_SLACK = 1e-5
"""Share of its own size by which a row may be missed."""


class _Weekly:
    """Makes the problem of one run and week."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        # Rows and weights are the plan's; bounds and budget come by week from `Limits`.
        free = [_freed(channel) for channel in plan.channels]
        self._free = replace(plan, channels=tuple(free), max_change=MaxChange(), reserve=Reserve(),
                             budget=plan.spendable, spend="at-most")  # fmt: skip

    def problem(self, curves: Curve, limits: WeekLimits, run: int, last: Floats | None) -> Problem:
        """Return the problem of a run."""
        plan, money = self._plan, self._plan.money
        units = money.units
        before = None
        if last is not None:
            amounts = money.amounts([money.nearest(max(x, 0.0)) for x in last[run].tolist()])
            before = dict(zip(plan.names, amounts, strict=True))
        budget = int(np.floor(limits.budget[run] * units + 1e-6))
        lower = np.floor(limits.lower[run] * units + 1e-6).astype(np.int64)
        upper = np.floor(np.minimum(limits.upper[run], 1e15 / units) * units + 1e-6)
        problem = problem_of(self._free, Known(plan.names, curves), before)
        floor, cap = (np.full(len(plan.names), RULES.index(r), np.int8) for r in ("floor", "cap"))
        caps = np.minimum(upper.astype(np.int64), problem.bounds.upper)
        bounds = Bounds(lower, np.maximum(caps, lower), floor, cap)
        return replace(problem, budget=budget, bounds=bounds, spend_all=plan.spend == "all")


class Alone:
    """A policy that decides the runs of a batch one by one.

    A run in which no split keeps the limits holds last week's within its bounds by channel.
    """

    def __init__(self, job: Job, policy: Policy, past: Past, learner: Learner, first: int) -> None:
        self._job, self._policy, self._past, self._learner = job, policy, past, learner
        self._first, self._weekly = first, _Weekly(job.plan)
        self._rngs: list[np.random.Generator] = []
        self._fell = np.zeros(1, dtype=bool)

    def decide(self, week: Conditions, limits: WeekLimits, last: Floats | None) -> Floats:
        """Return the money of every run."""
        runs = len(limits.budget)
        if not self._rngs:
            self._rngs = [self._job.rng(self._policy, self._first + at) for at in range(runs)]
        found = [self._run(run, limits, last) for run in range(runs)]
        self._fell = np.array([fell for _, fell in found])
        spend = np.stack([spend for spend, _ in found])
        return limits.checked(self._policy.name, spend, self._job.slack)

    def told(self, outcome: Outcome) -> None:
        """Take in the reports of the week."""
        self._past.add(outcome)

    def fallen(self) -> NDArray[np.bool_]:
        """Return the runs that were not decided by the policy."""
        return self._fell

    def _run(self, run: int, limits: WeekLimits, last: Floats | None) -> tuple[Floats, bool]:
        plan, belief = self._job.plan, _of_run(self._learner.posterior, run)
        spend, outcome = self._past.seen()
        view = View(
            belief=belief,
            lower=limits.lower[run],
            upper=limits.upper[run],
            budget=limits.budget[run],
            last=np.zeros(len(plan.names)) if last is None else last[run],
            spend=spend[run],
            outcome=outcome[run],
            spend_all=plan.spend == "all",
            test=limits.test[run],
        )
        try:
            problem = self._weekly.problem(belief.mean(), limits, run, last)
            best = solve(problem).spend
        except (InfeasibleError, SolverError):
            return view.held(), True

        view = replace(
            view,
            best=lambda curves: best_for(problem, best, curves),
            keep=lambda spend: drawn_in(problem, best, spend),
            weight=problem.weight,
            cost=problem.cost,
        )
        try:
            answer = decided(self._policy, view, self._rngs[run])
        except VerificationError:
            raise
        except (InfeasibleError, SolverError):
            # Not even last week's split could be drawn in, so the best that is known is taken.
            return best, True
        # The budget is judged with the bounds, in the money that was not rounded down.
        if set(broken_rows(problem, answer.spend, slack=_SLACK)) - {problem.rows.names[0]}:
            raise VerificationError(
                "broken-limit",
                f"policy {self._policy.name!r} breaks a limit across channels",
                field="policy",
                value=self._policy.name,
                remedy="mend the policy; fit of its view draws wishes into the limits",
            )
        return answer.spend, bool(answer.fell)


class AloneClairvoyant:
    """The best of each week by its true curves, run by run."""

    def __init__(self, job: Job, runs: int) -> None:
        self._weekly, self._runs = _Weekly(job.plan), runs
        self._fell = np.zeros(runs, dtype=bool)

    def decide(self, week: Conditions, limits: WeekLimits, last: Floats | None) -> Floats:
        """Return the best split of every run; where there is none, last week's."""
        found = []
        for run in range(self._runs):
            try:
                curves = _one_run(week.curve, run, limits.lower.shape)
                problem = self._weekly.problem(curves, limits, run, last)
                found.append(solve(problem).spend)
                self._fell[run] = False
            except InfeasibleError:
                before = limits.lower[run] if last is None else last[run]
                found.append(np.clip(before, limits.lower[run], limits.upper[run]))
                self._fell[run] = True
        return np.maximum(np.stack(found), 0.0)

    def told(self, outcome: Outcome) -> None:
        """Know all."""

    def fallen(self) -> NDArray[np.bool_]:
        """Return the runs without a split that keeps the limits."""
        return self._fell


def _freed(channel: Channel) -> Channel:
    """Return a channel without limits of its own on money, its minimum apart."""
    return replace(channel, floor=Decimal(0), cap=None, locked=None, max_change=None)


def _of_run(posterior: Posterior, run: int) -> Posterior:
    """Return what is believed in one run."""
    size = posterior.lead[1]
    rows = slice(run * size, (run + 1) * size)
    variance = posterior.log_variance
    part = variance[rows] if len(variance) > 1 else variance
    return Posterior(
        posterior.grid, (size,), posterior.chance[rows], posterior.log_mean[rows], part
    )


def _one_run(curve: Curve, run: int, shape: tuple[int, ...]) -> Curve:
    """Return the curves of one run over the channels."""
    size = shape[1]
    if isinstance(curve, Scaled):
        factors = (np.broadcast_to(f, shape)[run] for f in (curve.height, curve.width))
        return stretched(_one_run(curve.curve, run, shape), *factors)
    if isinstance(curve, ByRun):
        places = np.arange(run * size, (run + 1) * size)
        return stretched(curve.shapes.take(places), curve.height[run], np.ones(size))
    if isinstance(curve, Mixture) and np.ndim(curve.weights) == 3:
        return Mixture(curve.cells, np.asarray(curve.weights)[run])
    return curve
