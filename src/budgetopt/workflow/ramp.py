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

All paths take the curves as they are believed today. From a dated week on, each week has the
money, the change limit and the demand that the plan declares for it, and frozen channels stay; a
path ends no sooner than the last week that is not a usual one.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from fractions import Fraction
from functools import cached_property, partial
from typing import Any, NamedTuple

import numpy as np

from budgetopt.arguments import public
from budgetopt.calendar import Week
from budgetopt.errors import InfeasibleError, InputError, SolverError
from budgetopt.i18n import Message, listed, quoted, say, show_figure
from budgetopt.money import total_of
from budgetopt.notebook import Card, Shown, brief
from budgetopt.optimize import (
    Allocation,
    DatedWeek,
    Known,
    Problem,
    Solved,
    as_week,
    curves_of,
    demand_note,
    fit_spend,
    on_week,
    problem_of,
    settle,
    solve_in_steps,
    split_rows,
)
from budgetopt.plan import Bounds, MaxChange, Plan, unused
from budgetopt.weekly import holding, with_change
from budgetopt.workflow.ahead import least_widening, why_widened, widened

MOST_WEEKS = 52
"""Weeks after which a path that is still on its way is cut off, where nobody says otherwise."""
_ARRIVED = 1e-4
"""Share of the best objective that may be missing where a path is said to have arrived: what is to
fall to zero falls by shares of itself, and for ever."""
_FASTEST = Fraction(10)
"""Largest share of a change limit."""

Spends = dict[str, Decimal]
Step = Callable[[Problem, Solved, Allocation], Solved]
"""How a week is split: its problem, its best split, and the far optimum in; a split out."""


@brief
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
    best
        What the best split of each step's week brings without change limits and freezes.
    """

    name: str
    steps: tuple[Allocation, ...]
    weeks: int
    reached: int | None
    total: float
    lost: float
    stopped: bool
    best: tuple[float, ...] = ()

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


@dataclass(frozen=True, repr=False)
class Ramp(Shown):
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
    notes
        What the path takes of dated weeks, where it gives, and fields of the plan that it cannot
        use.
    """

    far: Allocation
    path: Path
    grow_first: Path
    faster: Path
    notes: tuple[Message, ...] = ()

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

    def _card(self) -> Card:
        return Card(self.sentences()[0], *split_rows(self.far))

    def sentences(self) -> tuple[Message, ...]:
        """Return when it arrives, what is lost on the way, and what faster ways bring."""
        path, far = self.path, show_figure(_brings(self.far))
        if path.reached == 0:
            return (say("ramp-at-optimum", outcome=far),)
        figures = {"weeks": path.weeks, "lost": show_figure(path.lost, 4)}
        found = [_arrival(path, far)]
        template = "ramp-cost"
        found.append(say(template, **figures))
        worth = show_figure(self.worth_of_faster, 4, sign=True)
        found.append(say("ramp-faster-worth", worth=worth))
        if self.worth_of_growing > _ARRIVED * abs(self.path.total):
            worth = show_figure(self.worth_of_growing, 4, sign=True)
            template = "growing-first-worth"
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
            "notes": list(self.notes),
        }


@public
def ramp(
    plan: Plan,
    curves: Any,
    last: Mapping[str, Any],
    weeks: int | None = None,
    *,
    week: Week | dt.date | str | None = None,
    time_limit: float | None = None,
) -> Ramp:
    """Return the weekly path from the last applied spends to the far optimum.

    Parameters
    ----------
    plan
        Budget, channels and limits, as they are declared for all weeks.
    curves
        A belief, a mapping of channel names to curves, or None for the curves of the plan.
    last
        Last applied spend by channel.
    weeks
        Weeks that outcomes are counted over, 1 to 1,000; None until the weekly path arrives or
        stops, at most `MOST_WEEKS`.
    week
        A day of the first week, for the phases, freezes and demand of dated weeks; None for usual
        weeks.
    time_limit
        Seconds that an engine which searches has for each week, as in `allocate`.

    Raises
    ------
    InputError
        ``bad-argument`` for weeks out of range.
    InfeasibleError
        Where a week has no split under its limits: the last spends are too far away from them. In
        dated weeks the change limits give first, as in the weekly run, and a note says how far.
    PlanError, SolverError
        As `allocate` does.
    """
    _check_weeks(weeks)
    first = as_week(plan, week)
    known = Known(plan.names, curves_of(plan, curves))
    course = _Course(plan, known, first, time_limit)
    start = dict(zip(plan.names, plan.money.amounts(plan.last_minor(last)), strict=True))
    main = _walked(course, start, _best, weeks or MOST_WEEKS)
    counted = weeks or max(len(main.steps), 1)
    fast = replace(course, change=_doubled)
    ways = {
        "best each week": main,
        "grow first": _walked(course, start, partial(_growing, time_limit=time_limit), counted),
        "twice the change": _walked(fast, start, _best, counted),
    }
    notes = (*course.notes(counted), *main.notes, *unused(course.usual.plan, "ramp", curves))
    path, growing, faster = (_path(n, way, counted, course, start) for n, way in ways.items())
    return Ramp(course.far(course.special), path, growing, faster, notes)


@dataclass(frozen=True, eq=False)
class _Course:
    """The weeks from the first on, each as the plan declares it.

    Parameters
    ----------
    plan
        As it is declared.
    known
        Curves of a usual week, read once for all weeks.
    first
        The first week; None where all are usual ones.
    time_limit
        As in `ramp`.
    change
        What becomes of every change limit.
    """

    plan: Plan
    known: Known
    first: Week | None
    time_limit: float | None
    change: Callable[[MaxChange], MaxChange] = lambda rule: rule

    @cached_property
    def special(self) -> int:
        """Number of the first week, from 0 on, from which on all weeks are usual ones."""
        if self.first is None:
            return 0
        operation = self.plan.operation
        days = [phase.last for phase in operation.phases]
        days += [freeze.last for freeze in operation.freezes]
        days += [day for day, index in self.plan.demand if index != 1]
        return max([0, *((day - self.first.start).days // 7 + 1 for day in days)])

    @cached_property
    def usual(self) -> DatedWeek:
        """A week beyond all that is dated."""
        return self.week(self.special)

    def week(self, number: int) -> DatedWeek:
        """Return the plan and curves of a week, freezes aside."""
        if self.first is None:
            return on_week(self.plan, self.known, None)
        free = replace(self.plan, operation=replace(self.plan.operation, freezes=()))
        return on_week(free, self.known, self.first.shift(number))

    def far(self, number: int) -> Allocation:
        """Return the best split of a week under all limits but those on change."""
        number = min(number, self.special)
        if number not in self._far:
            dated = self.week(number)
            free = with_change(dated.plan, lambda rule: MaxChange())
            problem = problem_of(free, dated.curves)
            best = solve_in_steps(problem, self.time_limit)
            self._far[number] = settle(free, problem, best)
        return self._far[number]

    @cached_property
    def _far(self) -> dict[int, Allocation]:
        return {}

    def worth(self, number: int, spend: Spends) -> float:
        """Return what a split brings in a week."""
        dated = self.week(number)
        problem = problem_of(with_change(dated.plan, lambda rule: MaxChange()), dated.curves)
        return problem.objective(np.array([float(spend[name]) for name in self.plan.names]))

    def problem(self, number: int, last: Spends) -> tuple[Plan, Problem, tuple[Message, ...]]:
        """Return the plan and problem of a week after another one, and what gives in it."""
        dated, notes = self.week(number), []
        plan = with_change(dated.plan, self.change)
        try:
            problem = problem_of(plan, dated.curves, last)
        except InfeasibleError:
            by = None if self.first is None else least_widening(plan, dated.curves, last)
            if not by or self.first is None:
                raise
            said = why_widened(plan, last, by)
            notes.append(_in_week(self.first.shift(number), said))
            plan = widened(plan, by)
            problem = problem_of(plan, dated.curves, last)
        frozen = () if self.first is None else tuple(self.plan.frozen(self.first.shift(number)))
        try:
            return plan, holding(problem, frozen), tuple(notes)
        except InfeasibleError:
            assert self.first is not None
            said = say("frozen-channels-move", channels=listed(map(quoted, frozen)))
            return plan, problem, (*notes, _in_week(self.first.shift(number), said))

    def notes(self, weeks: int) -> tuple[Message, ...]:
        """Return what is taken of the demand of the weeks counted."""
        if self.first is None:
            return ()
        ahead = (self.first.shift(number) for number in range(weeks))
        return tuple(note for week in ahead for note in demand_note(self.plan, week))


def _in_week(week: Week, said: str) -> Message:
    return say("week-problem", week=str(week.start), problem=said)


def _doubled(rule: MaxChange) -> MaxChange:
    share = None if rule.share is None else min(2 * Fraction(rule.share), _FASTEST)
    money, zero = (None if p is None else total_of((p, p)) for p in (rule.money, rule.from_zero))
    return MaxChange(share, money, zero)


class _Walked(NamedTuple):
    """Steps, whether the last of them, or the start, was not left any more, and what gave."""

    steps: list[Allocation]
    stands: bool
    notes: tuple[Message, ...] = ()


def _walked(course: _Course, start: Spends, step: Step, most: int) -> _Walked:
    """Return the steps until one arrives, or none moves, beyond all that is dated."""
    steps: list[Allocation] = []
    notes: list[Message] = []
    last = start
    if not course.special and _same_split(last, course.far(0)):
        return _Walked(steps, stands=True)
    for number in range(most):
        far = course.far(number)
        plan, problem, gave = course.problem(number, last)
        notes += gave
        best = solve_in_steps(problem, course.time_limit)
        taken = settle(plan, problem, step(problem, best, far))
        usual = number >= course.special
        if usual and dict(taken.spend) == last:
            return _Walked(steps, True, tuple(notes))
        steps.append(taken)
        last = dict(taken.spend)
        if usual and _arrived(taken, far):
            break
    return _Walked(steps, False, tuple(notes))


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
    higher = Bounds(lower, bounds.upper, bounds.lower_rule, bounds.upper_rule)
    raised = replace(problem, bounds=higher)
    try:
        found = solve_in_steps(raised, time_limit)
    except (InfeasibleError, SolverError):
        return best
    return best._replace(spend=found.spend, method=f"{found.method}, growing first")


def _path(name: str, way: _Walked, weeks: int, course: _Course, start: Spends) -> Path:
    """Return the record of some steps, of which the last is kept to the end of the weeks."""
    steps = way.steps
    best = [course.far(number).objective for number in range(weeks)]
    worth = [step.objective for step in steps]
    if not steps:
        at = course.worth(0, start)
        reached = 0 if _near(at, course.far(0)) else None
        worth = [at]
    else:
        beyond = len(steps) > course.special
        reached = len(steps) if beyond and _arrived(steps[-1], course.far(len(steps))) else None
    total = sum(worth + [worth[-1]] * (weeks - len(worth)))
    stopped = way.stands and reached is None
    lost, each = sum(best) - total, tuple(best[: len(steps)])
    return Path(name, tuple(steps), weeks, reached, total, lost, stopped, each)


def _arrived(step: Allocation, far: Allocation) -> bool:
    return _same_split(step.spend, far) or _near(step.objective, far)


def _same_split(spend: Mapping[str, Decimal], far: Allocation) -> bool:
    return dict(spend) == dict(far.spend)


def _near(objective: float, far: Allocation) -> bool:
    return far.objective - objective <= _ARRIVED * abs(far.objective)


def _arrival(path: Path, far: str) -> Message:
    """Return when a path arrives, or where it stands."""
    if path.reached is not None:
        template = "ramp-arrives"
        return say(template, far=far, week=path.reached)
    end = show_figure(_brings(path.steps[-1])) if path.steps else ""
    if path.stopped and not path.steps:
        return say("ramp-no-step", far=far)
    if path.stopped:
        template = "ramp-stops-short"
        return say(template, end=end, week=len(path.steps), far=far)
    template = "ramp-still-moving"
    return say(template, week=path.weeks, end=end, far=far)


def _brings(week: Allocation) -> float:
    """Return what a week brings by the goal; its outcome where the goal is the least money."""
    return week.outcome if week.goal == "least-spend" else week.objective


def _check_weeks(weeks: Any) -> None:
    whole = isinstance(weeks, (int, np.integer)) and not isinstance(weeks, bool)
    if weeks is not None and not (whole and 1 <= weeks <= 1000):
        raise InputError(
            "bad-argument",
            say("ramp-weeks-are", weeks=repr(weeks)),
            field="weeks",
            value=weeks,
            remedy=say("remedy-whole-number-1-1"),
        )
