r"""The way to a far optimum: a step a week under the change limits, and what a faster way brings.

Let :math:`C` be what all limits but those on change allow, :math:`f` the concave objective, and
:math:`B(x)` what the change limits let a week reach from :math:`x`. The weekly run takes the best
split of each week, :math:`x_{t+1} \in \arg\max_{C \cap B(x_t)} f`. What theory says of that path:

- *It rises, and ends in the optimum.* With :math:`x^*` the best of :math:`C`, the split
  :math:`x_t + \theta (x^* - x_t)` lies in :math:`C`, by convexity, and in :math:`B(x_t)` for some
  :math:`\theta > 0` as long as every channel may move. By concavity it brings at least
  :math:`\theta` of what is missing, so that :math:`f^* - f(x_{t+1}) \le (1-\theta)(f^* - f(x_t))`:
  a week in which nothing moves is an optimum. A channel at zero moves because change limits leave
  it `from_zero`; with a share of zero, or a step of money larger than the room, it cannot, and the
  path stops short, which is said.
- *It need not be the quickest, nor bring the most on the way.* Limits that are shares of the last
  spend let a channel grow the faster the larger it is. A channel that is to be large, but whose
  next unit brings a little less today, is passed over by the best week and starts later. Hence
  `grow_first`: every channel that the optimum gives more takes its step first, the others share
  what is left at their best. Neither wins always; both are shown.
- *S-curves end it.* Where the objective is not concave, a best week may be a local optimum that no
  single step improves. `grow_first` walks through such valleys.

All paths take the curves as they are believed today, and one plan for all weeks.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from budgetopt.curves import Curve
from budgetopt.errors import InfeasibleError, InputError, SolverError
from budgetopt.figures import show_figure
from budgetopt.optimize import (
    TIME_LIMIT,
    Allocation,
    Problem,
    Solved,
    curves_of,
    problem_of,
    settle,
    solve,
)
from budgetopt.plan import Bounds, MaxChange, Plan
from budgetopt.policies.fit import fit_spend
from budgetopt.words import Sentence, say

MOST_WEEKS = 52
"""Weeks after which a path that is still on its way is cut off, where nobody says otherwise."""
_ARRIVED = 1e-4
"""Share of the best objective that may be missing where a path is said to have arrived: what is to
fall to zero falls by shares of itself, and for ever."""
_FASTEST = Decimal(10)
"""Largest share of a change limit."""

Spends = dict[str, Decimal]
Step = Callable[[Problem, Solved, Allocation], Solved]
"""How a week is split: its problem, its best split, and the far optimum in; a split out."""


@dataclass(frozen=True)
class Path:
    """One way from the last spends towards the far optimum.

    Parameters
    ----------
    name
        ``"best each week"``, ``"grow first"`` or ``"twice the change"``.
    steps
        A verified week each, until the optimum is reached, nothing moves any more, or the weeks are
        over.
    weeks
        Weeks that are counted, at least as many as steps; the last step is kept for the rest.
    reached
        Steps after which the optimum is reached, 0 where the last spends are it already; None where
        it is not reached within the weeks.
    total
        Objective of all `weeks` together.
    lost
        What being at the far optimum from the first week would bring more, in all.
    stopped
        Whether it stands still short of the optimum.
    """

    name: str
    steps: tuple[Allocation, ...]
    weeks: int
    reached: int | None
    total: float
    lost: float
    stopped: bool

    def to_dict(self) -> dict[str, Any]:
        """Return plain data: money as text, and the limits that each step stands at."""
        steps = [
            {
                "spend": {name: str(money) for name, money in step.spend.items()},
                "outcome": step.outcome,
                "objective": step.objective,
                "limits": dict(step.limits()),
            }
            for step in self.steps
        ]
        names = ("name", "weeks", "reached", "total", "lost", "stopped")
        return {**{name: getattr(self, name) for name in names}, "steps": steps}


@dataclass(frozen=True)
class Ramp:
    """The far optimum, the weekly path to it, and faster ones.

    Parameters
    ----------
    far
        The best split under all limits but those on change.
    path
        What the weekly run does: the best split of each week.
    grow_first
        The path on which channels that are to grow take their step first.
    faster
        The best of each week under twice the change limits.
    """

    far: Allocation
    path: Path
    grow_first: Path
    faster: Path

    @property
    def worth_of_faster(self) -> float:
        """What twice the change limits bring more over the weeks counted."""
        return self.faster.total - self.path.total

    @property
    def worth_of_none(self) -> float:
        """What no change limit at all brings more over the weeks counted."""
        return self.path.lost

    @property
    def worth_of_growing(self) -> float:
        """What growing first brings more, below zero where it brings less."""
        return self.grow_first.total - self.path.total

    def sentences(self) -> tuple[Sentence, ...]:
        """Return when it arrives, what is lost on the way, and what faster ways bring."""
        path, far = self.path, show_figure(self.far.outcome)
        if path.reached == 0:
            return (say("the last spends are at the optimum of {outcome} already", outcome=far),)
        figures = {"weeks": path.weeks, "lost": show_figure(path.lost, 4)}
        found = [_arrival(path, far)]
        template = (
            "over {weeks} weeks the way costs {lost} against being there at once, "
            "which is what no change limit would bring"
        )
        found.append(say(template, **figures))
        worth = show_figure(self.worth_of_faster, 4, sign=True)
        found.append(say("twice the change limits would bring {worth} over the way", worth=worth))
        if self.worth_of_growing > _ARRIVED * abs(self.path.total):
            worth = show_figure(self.worth_of_growing, 4, sign=True)
            template = "letting what is to grow take its steps first would bring {worth}"
            found.append(say(template, worth=worth))
        return tuple(found)

    def to_dict(self) -> dict[str, Any]:
        """Return plain data for JSON."""
        far = {name: str(money) for name, money in self.far.spend.items()}
        return {
            "far": {"spend": far, "outcome": self.far.outcome, "objective": self.far.objective},
            "path": self.path.to_dict(),
            "grow_first": self.grow_first.to_dict(),
            "faster": self.faster.to_dict(),
            "worth_of_faster": self.worth_of_faster,
            "worth_of_none": self.worth_of_none,
            "worth_of_growing": self.worth_of_growing,
        }


def ramp(
    plan: Plan,
    curves: Any,
    last: Mapping[str, Any],
    weeks: int | None = None,
    *,
    time_limit: float | None = TIME_LIMIT,
) -> Ramp:
    """Return the weekly path from the last applied spends to the far optimum.

    Parameters
    ----------
    plan
        Budget, channels and limits, the same in every week; see `Plan.on` for a dated one.
    curves
        A belief, a mapping of channel names to curves, or None for the curves of the plan.
    last
        Last applied spend by channel.
    weeks
        Weeks that outcomes are counted over, 1 to 1,000; None until the weekly path arrives or
        stops, at most `MOST_WEEKS`.
    time_limit
        Seconds that an engine which searches has for each week.

    Raises
    ------
    InputError
        ``bad-argument`` for weeks out of range.
    InfeasibleError
        Where a week has no split under its limits: the last spends are too far away from them.
    PlanError, SolverError
        As `allocate` does.
    """
    _check_weeks(weeks)
    known = _Expected(plan.names, curves_of(plan, curves))
    free = with_change(plan, lambda rule: MaxChange())
    distant = problem_of(free, known)
    far = settle(free, distant, solve(distant, time_limit=time_limit))
    start = dict(zip(plan.names, plan.money.amounts(plan.last_minor(last)), strict=True))

    def walked(under: Plan, step: Step, most: int) -> _Walked:
        return _walked(under, known, start, far, step, most, time_limit)

    main = walked(plan, _best, weeks or MOST_WEEKS)
    counted = weeks or max(len(main.steps), 1)
    ways = {
        "best each week": main,
        "grow first": walked(plan, partial(_growing, time_limit=time_limit), counted),
        "twice the change": walked(with_change(plan, _doubled), _best, counted),
    }
    at = float(distant.objective(np.array([float(start[name]) for name in plan.names])))
    return Ramp(far, *(_path(name, way, counted, far, at) for name, way in ways.items()))


def with_change(plan: Plan, change: Callable[[MaxChange], MaxChange]) -> Plan:
    """Return a plan with other change limits, of its own and of its channels."""
    channels = tuple(
        c if c.max_change is None else replace(c, max_change=change(c.max_change))
        for c in plan.channels
    )
    return replace(plan, channels=channels, max_change=change(plan.max_change))


def _doubled(rule: MaxChange) -> MaxChange:
    share = None if rule.share is None else min(2 * rule.share, _FASTEST)
    money, zero = (None if part is None else 2 * part for part in (rule.money, rule.from_zero))
    return MaxChange(share, money, zero)


@dataclass(frozen=True)
class _Expected:
    """Curves that are read once for all weeks, as the optimizer asks a belief for them."""

    channels: tuple[str, ...]
    curves: Curve

    def mean(self) -> Curve:
        return self.curves


class _Walked(NamedTuple):
    """Steps, and whether the last of them, or the start, was not left any more."""

    steps: list[Allocation]
    stands: bool


def _walked(
    plan: Plan,
    known: _Expected,
    start: Spends,
    far: Allocation,
    step: Step,
    most: int,
    time_limit: float | None,
) -> _Walked:
    """Return the steps until one arrives, or none moves."""
    steps: list[Allocation] = []
    last = start
    if _same_split(last, far):
        return _Walked(steps, stands=True)
    for _ in range(most):
        problem = problem_of(plan, known, last)
        best = solve(problem, time_limit=time_limit)
        taken = settle(plan, problem, step(problem, best, far))
        if dict(taken.spend) == last:
            return _Walked(steps, stands=True)
        steps.append(taken)
        last = dict(taken.spend)
        if _arrived(taken, far):
            break
    return _Walked(steps, stands=False)


def _best(problem: Problem, best: Solved, far: Allocation) -> Solved:
    return best


def _growing(problem: Problem, best: Solved, far: Allocation, time_limit: float | None) -> Solved:
    """Return the best split in which channels that are to grow take as much of a step as fits.

    Their lower bounds are raised to where the step leads; where the budget does not hold all
    steps, each takes the same part of its own. Where limits across channels do not let them, the
    week's best split is taken.
    """
    bounds, money = problem.bounds, problem.money
    last = np.clip(problem.last_money, problem.lower, problem.upper)
    wish = np.array([float(far.spend[name]) for name in problem.names])
    # What shrinks makes room and is left to the optimum; what grows shares the room.
    least = np.minimum(last, np.clip(wish, problem.lower, problem.upper))
    if least.sum() > problem.budget_money:
        return best
    aim = fit_spend(wish, least, problem.upper, np.asarray(problem.budget_money), all_=False)
    whole = np.floor(np.round(aim * money.units, 3)).astype(np.int64) // problem.lots * problem.lots
    lower = np.where(wish > last, np.maximum(bounds.lower, whole), bounds.lower)
    raised = Bounds(lower, bounds.upper, bounds.lower_rule, bounds.upper_rule)
    try:
        found = solve(replace(problem, bounds=raised), time_limit=time_limit)
    except (InfeasibleError, SolverError):
        return best
    return best._replace(spend=found.spend, method=f"{found.method}, growing first")


def _path(name: str, way: _Walked, weeks: int, far: Allocation, at: float) -> Path:
    """Return the record of some steps, of which the last is kept to the end of the weeks."""
    steps = way.steps
    worth = [step.objective for step in steps]
    worth += [worth[-1] if worth else at] * (weeks - len(steps))
    total = sum(worth)
    if not steps:
        reached = 0 if _near(at, far) else None
    else:
        reached = len(steps) if _arrived(steps[-1], far) else None
    stopped = way.stands and reached is None
    return Path(name, tuple(steps), weeks, reached, total, weeks * far.objective - total, stopped)


def _arrived(step: Allocation, far: Allocation) -> bool:
    return _same_split(step.spend, far) or _near(step.objective, far)


def _same_split(spend: Mapping[str, Decimal], far: Allocation) -> bool:
    return dict(spend) == dict(far.spend)


def _near(objective: float, far: Allocation) -> bool:
    return far.objective - objective <= _ARRIVED * abs(far.objective)


def _arrival(path: Path, far: str) -> Sentence:
    """Return when a path arrives, or where it stands."""
    if path.reached is not None:
        template = "under the change limits the optimum of {far} is reached in week {week}"
        return say(template, far=far, week=path.reached)
    end = show_figure(path.steps[-1].outcome) if path.steps else ""
    if path.stopped and not path.steps:
        return say("no step is left under the change limits, short of the {far} there is", far=far)
    if path.stopped:
        template = "under the change limits the way ends at {end} in week {week}, short of {far}"
        return say(template, end=end, week=len(path.steps), far=far)
    template = "after {week} weeks under the change limits the way is at {end} of {far}"
    return say(template, week=path.weeks, end=end, far=far)


def _check_weeks(weeks: Any) -> None:
    whole = isinstance(weeks, (int, np.integer)) and not isinstance(weeks, bool)
    if weeks is not None and not (whole and 1 <= weeks <= 1000):
        raise InputError(
            "bad-argument",
            f"weeks of the ramp is {weeks!r}",
            field="weeks",
            value=weeks,
            remedy="give a whole number from 1 to 1,000, or None",
        )
