"""The simulated year: policies that decide, spend and read reports, week by week.

From simple to subtle:

- `Past` and `Learner`: what a policy may know in a run, the reports of the weeks that are over, and
  a belief that learns from nothing else;
- `play`: the weeks of one batch of runs. Every policy meets the same weather; its `_PolicyState`
  is its market, its last week and its records;
- the deciders: `_Batched` solves all runs at once; `PerRun` solves each run as a live week is
  solved, for plans whose limits couple channels; the clairvoyants know the true curves, and regret
  is measured against them.

Where the plan has a `horizon`, what a policy takes for the best split is the first week of the best
plan ahead (`Ahead`). Where this stops: `Job.notes` lists what of the plan a simulation leaves out.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from budgetopt.arrays import Bools, Floats
from budgetopt.belief import Posterior, Stream
from budgetopt.curves import Curve, Mixture, Scaled, stretched
from budgetopt.errors import InfeasibleError, SolverError, VerificationError
from budgetopt.i18n import say
from budgetopt.market import ByRun, Conditions, Outcome
from budgetopt.notebook import brief
from budgetopt.optimize import (
    Known,
    Problem,
    StretchedBelief,
    best_for,
    best_of_runs,
    fit_spend,
    goal_of,
    in_demand,
    problem_of,
    project_onto_limits,
    solve,
    violated_limits,
)
from budgetopt.plan import CAP, FLOOR, Bounds, Channel, MaxChange, Plan, Reserve
from budgetopt.policies import BeliefView, Policy, View, decided
from budgetopt.simulation.contingency import (
    ContingencyEffect,
    WeekLimits,
    contingency_effect,
)
from budgetopt.simulation.job import Job, Player, Schedule

_SLACK = 1e-5
"""Share of its own size by which a row may be missed."""
CLAIRVOYANT = "clairvoyant"
_ALIKE = 1e-9
"""Share up to which two weeks' money is the same."""


class Past:
    """Weeks that are over, as the reports tell them now; later weeks are not in it.

    Parameters
    ----------
    spend, outcome
        Weeks before the first that is simulated, the same for all runs, shape ``(weeks,
        channels)``.
    runs, weeks
        How many are simulated.
    delayed
        Whether reports are revised, so that first reports must be kept beside them.
    """

    def __init__(
        self, spend: Floats, outcome: Floats, runs: int, weeks: int, *, delayed: bool
    ) -> None:
        self.weeks = self._before = len(spend)
        shape = (runs, len(spend) + weeks, spend.shape[1])
        self._spend, self._outcome = np.full((2, *shape), np.nan)
        self._spend[:, : self.weeks], self._outcome[:, : self.weeks] = spend, outcome
        self._first = self._outcome.copy() if delayed else self._outcome

    def add(self, week: Outcome) -> None:
        """Add a week, and what reports say anew of those before."""
        at = self.weeks
        self._spend[:, at], self._first[:, at] = week.spend, week.reported
        newest = week.revised[: at - self._before + 1]
        for age, reported in enumerate(newest):
            self._outcome[:, at - age] = reported
        self.weeks += 1

    def first(self, week: int) -> tuple[Floats, Floats, bool]:
        """Return spend and first report of a week, and whether it was simulated."""
        return self._spend[:, week], self._first[:, week], week >= self._before

    def carried(self, week: int, weights: Floats) -> Floats:
        """Return the effective money of a week, by weights of shape ``(lags, channels)``.

        Weeks before the past and unreported ones drop out of the average, as in the live belief.
        """
        back = self._spend[:, max(week - len(weights) + 1, 0) : week + 1][:, ::-1]
        known = np.isfinite(back)
        shares = weights[: back.shape[1]] * known
        total = shares.sum(axis=1)
        summed = np.sum(shares * np.where(known, back, 0.0), axis=1)
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.where(total > 0, summed / total, np.nan)

    def seen(self) -> tuple[Floats, Floats]:
        """Return spend and outcome of all weeks, ``(runs, weeks, channels)``, not to be written."""
        outcome = self._outcome[:, : self.weeks]
        # What is revised later must not change in the hands of whoever keeps it.
        return _sealed(self._spend[:, : self.weeks]), _sealed(
            outcome.copy() if self._first is not self._outcome else outcome
        )


def _sealed(array: Floats) -> Floats:
    seen = array.view()
    seen.flags.writeable = False
    return seen


class Learner:
    """A belief that learns when it is asked, so that whoever never asks pays nothing.

    Parameters
    ----------
    begin
        Makes a stream that has seen nothing.
    past
        What there is to learn from.
    share
        Part of a week's outcome that its first report tells, as the plan declares it; it
        broadcasts against the channels.
    weights
        Declared carryover by lag, shape ``(lags, channels)``.
    dated
        Known demand of each week from the first of the past on, and whether it is eventful.
    """

    def __init__(
        self,
        begin: Callable[[], Stream],
        past: Past,
        share: Floats,
        weights: Floats,
        dated: Sequence[tuple[float, bool]],
    ) -> None:
        self._begin, self._past, self._share = begin, past, share
        self._weights, self._dated = weights, dated
        self._stream: Stream | None = None
        self._learned = 0
        self._now: Posterior | None = None

    @property
    def posterior(self) -> Posterior:
        """What is believed after all weeks that are over, over ``(runs, channels)``."""
        if self._stream is None:
            self._stream = self._begin()
        while self._learned < self._past.weeks:
            spend, reported, simulated = self._past.first(self._learned)
            demand, eventful = self._dated[self._learned]
            effective = None
            if len(self._weights) > 1:
                effective = self._past.carried(self._learned, self._weights)
            full = reported / self._share if simulated else reported
            self._stream.learn(spend, full, demand, eventful=eventful, effective=effective)
            self._learned, self._now = self._learned + 1, None
        if self._now is None:
            self._now = self._stream.posterior
        return self._now

    def mean(self) -> Mixture:
        """Return the expected curves."""
        return self.posterior.mean()

    def draw(self, rng: np.random.Generator, draws: int = 1) -> Mixture:
        """Return posterior draws."""
        return self.posterior.draw(rng, draws)

    def average(self, rng: np.random.Generator, draws: int) -> Mixture:
        """Return the average of posterior draws."""
        return self.posterior.average(rng, draws)

    def quantile(self, chance: float, spend: ArrayLike | None = None) -> Mixture:
        """Return the expected curves scaled to a quantile of the response."""
        return self.posterior.quantile(chance, spend)

    def tilted(self, power: float, spend: ArrayLike) -> Mixture:
        """Return the expected curves where steep ones count for more."""
        return self.posterior.tilted(power, spend)

    def gain(self, before: ArrayLike, after: ArrayLike) -> tuple[Floats, Floats]:
        """Return mean and variance of what each channel brings more at another spend."""
        return self.posterior.gain(before, after)


@brief
class Record(NamedTuple):
    """What one policy did in a batch of runs.

    Parameters
    ----------
    outcome, expected, spend, value
        Outcome that came, that was to be expected, delivered money, and the outcome's worth in
        money, shape ``(runs, weeks)``.
    goal, expected_goal
        What the plan's goal sums up, of what came and of what was to be expected, likewise.
    channel_outcome, channel_spend
        Of the whole time, shape ``(runs, channels)``.
    week_outcome, week_spend
        Summed over the runs, shape ``(weeks, channels)``.
    week_bought
        Money over its price, likewise: the media that came of it.
    week_lift
        Money times what the next unit of it would have brought, likewise; NaN where no clairvoyant
        plays.
    fell
        Runs and weeks in which another policy was taken, shape ``(runs, weeks)``.
    gave_way
        Runs and weeks in which limits gave way, as the money did not cover them.
    alone
        Runs and weeks that were decided by themselves, as no plan of the weeks ahead was found.
    detail
        Outcome and spend of each run, week and channel; empty unless asked for.
    """

    outcome: Floats
    expected: Floats
    spend: Floats
    value: Floats
    goal: Floats
    expected_goal: Floats
    channel_outcome: Floats
    channel_spend: Floats
    week_outcome: Floats
    week_spend: Floats
    week_bought: Floats
    week_lift: Floats
    fell: NDArray[np.bool_]
    gave_way: NDArray[np.bool_]
    alone: NDArray[np.bool_]
    detail: tuple[Floats, ...] = ()


class Batch(NamedTuple):
    """A batch of runs: budgets, ``(runs, weeks)``, scenarios that happen, and records.

    `same_money` has the first policy's proportions at the money of each other one, by the name
    that the function of that name gives.
    """

    first: int
    budget: Floats
    happens: dict[str, NDArray[np.bool_]]
    records: dict[str, Record]
    same_money: dict[str, Record]


def same_money(first: str, other: str) -> str:
    """Return the name of the record of one policy's proportions at another's money."""
    return f"{first} with the money of {other}"


class Decider(Protocol):
    """What gives the money of a week."""

    def decide(self, week: Conditions, limits: WeekLimits, last: Floats | None) -> Floats:
        """Return ordered money that broadcasts to ``(runs, channels)``."""

    def observe(self, outcome: Outcome) -> None:
        """Take in the reports of the week."""

    def fell_back(self) -> NDArray[np.bool_]:
        """Return the runs in which another policy was taken this week."""

    def decided_alone(self) -> NDArray[np.bool_]:
        """Return the runs in which the plan looks ahead and no plan of its weeks was found."""


def play(job: Job, first: int, runs: int) -> Batch:
    """Return what all policies do in a batch of runs.

    Parameters
    ----------
    job
        What is simulated.
    first, runs
        The batch.
    """
    weather = job.market.weather(
        job.weeks,
        runs,
        job.seed,
        first_run=first,
        scenarios=job.scenarios,
        balanced=job.balanced,
    )
    states = [_PolicyState(job, player.name, _decider(job, player, first, runs), runs)
             for player in job.policies]  # fmt: skip
    follow = [_Follower(job, states[0], state) for state in states[1:]]
    if job.regret:
        states.append(_PolicyState(job, CLAIRVOYANT, _clairvoyant(job, runs, weather.truth), runs))
    budget = np.empty((runs, job.weeks))
    for week in weather:
        effect = contingency_effect(job.contingencies, weather, week.number)
        for state in states:
            state.play(week, effect)
        for one in follow:
            one.play(week)
        limits = job.limits_of(week.number)
        budget[:, week.number - 1] = limits.money_of(week, effect.released)
    records = {state.name: state.record() for state in states}
    followed = {one.name: one.record() for one in follow}
    return Batch(first, budget, weather.happens, records, followed)


class _Books:
    """What is written down of the weeks of one policy in a batch of runs."""

    def __init__(self, job: Job, runs: int, *, detail: bool) -> None:
        self.job, self.runs = job, runs
        size = len(job.plan.channels)
        known = np.nan_to_num(job.spent)
        self.state = job.market.begin(known if len(known) else None)
        self._sums = np.zeros((6, job.weeks, runs))
        self._channels, self._alike = np.zeros((2, runs, size)), np.zeros((2, size))
        self._weeks = np.zeros((4, job.weeks, size))
        self._marks = np.zeros((3, job.weeks, runs), dtype=bool)
        self._detail = np.zeros((2, runs, job.weeks, size)) if detail else None

    def _over_runs(self, amounts: Floats) -> Floats:
        """Return amounts by channel, summed over the runs."""
        # What is the same in all runs need not be added up run by run.
        if amounts.ndim == 2 and len(amounts) == self.runs:
            summed: Floats = amounts.sum(axis=0)
            return summed
        return self.runs * amounts.reshape(-1)

    def _write(self, at: int, out: Outcome) -> None:
        """Write a week into the books."""
        values = self.job.plan.values
        for kind, amounts in enumerate((out.outcome, out.spend)):
            # What is the same in all runs need not be added up run by run.
            if amounts.ndim < 2 or len(amounts) < self.runs:
                self._alike[kind] += amounts.reshape(-1)
                self._weeks[kind, at] = self.runs * amounts
            else:
                self._channels[kind] += amounts
                self._weeks[kind, at] = amounts.sum(axis=0)
            if self._detail is not None:
                self._detail[kind, :, at] = amounts
        sums = (out.outcome, out.expected, out.spend)
        for kind, amounts in enumerate(sums):
            self._sums[kind, at] = np.einsum("...c->...", amounts)
        self._sums[4:, at] = self._sums[:2, at]
        if goal_of(self.job.plan) != "outcome":
            weight, cost = self.job.counts
            paid = np.einsum("...c,c->...", out.spend, cost)
            for kind, amounts in ((4, out.outcome), (5, out.expected)):
                self._sums[kind, at] = np.einsum("...c,c->...", amounts, weight) - paid
        self._sums[3, at] = (
            self._sums[0, at] * values[0]
            if np.all(values == values[0])
            else np.einsum("...c,c->...", out.outcome, values)
        )

    def record(self) -> Record:
        """Return the books."""
        detail = () if self._detail is None else tuple(self._detail)
        channels = self._channels + self._alike[:, None]
        sums, marks = self._sums.swapaxes(1, 2), self._marks.swapaxes(1, 2)
        books = (*sums, *channels, *self._weeks, *marks, detail)
        return Record._make(books)


class _PolicyState(_Books):
    """One policy in a batch of runs: its market state, its last week, its books."""

    def __init__(self, job: Job, name: str, decider: Decider | Schedule, runs: int) -> None:
        super().__init__(job, runs, detail=job.detail)
        size = len(job.plan.channels)
        self.name, self.decider = name, decider
        self.last = None if job.last is None else np.broadcast_to(job.last, (runs, size))
        self.ordered: Floats = np.zeros(size)
        self.out: Outcome

    def play(self, week: Conditions, effect: ContingencyEffect) -> None:
        """Decide, spend, see, and write down one week."""
        if isinstance(self.decider, Schedule):
            spend = self.decider.ordered(week)
        else:
            limits = self.job.limits_of(week.number).week(week, self.last, *effect)
            spend = self.decider.decide(week, limits, self.last)
            self._marks[0, week.number - 1] = self.decider.fell_back()
            self._marks[1, week.number - 1] = limits.gave_way
            self._marks[2, week.number - 1] = self.decider.decided_alone()
        self.state, out = self.job.market.step(self.state, spend, week)
        self.ordered, self.out = spend, out
        if not isinstance(self.decider, Schedule):
            self.decider.observe(out)
            self.last = np.broadcast_to(out.spend, (self.runs, len(self.job.plan.channels)))
        self._write(week.number - 1, out)
        self._weeks[2:, week.number - 1] = self._media(week, spend, out)

    def _media(self, week: Conditions, ordered: Floats, out: Outcome) -> tuple[Floats, Floats]:
        """Return a week's money over its price, and times what more of it would bring."""
        spent = self._weeks[1, week.number - 1]
        if isinstance(week.price, float):
            bought = spent / week.price
        else:
            bought = self._over_runs(out.spend / week.price)
        if not self.job.regret:
            return bought, np.full(spent.shape, np.nan)
        with np.errstate(invalid="ignore"):
            lift = np.where(ordered > 0, ordered * week.curve.slope(ordered), 0.0)
        return bought, self._over_runs(lift)


class _Follower(_Books):
    """The first policy's proportions at the money of another: what the money alone brings."""

    def __init__(self, job: Job, first: _PolicyState, other: _PolicyState) -> None:
        super().__init__(job, first.runs, detail=False)
        self.name = same_money(first.name, other.name)
        self._first, self._other, self._alike_so_far = first, other, True

    def play(self, week: Conditions) -> None:
        """Spend the other's total in the first one's proportions, and write the week down."""
        mine, theirs = (np.atleast_2d(s.ordered) for s in (self._first, self._other))
        have, want = (money.sum(axis=-1, keepdims=True) for money in (mine, theirs))
        factor = np.divide(want, have, out=np.ones_like(want + have), where=have > 0)
        self._alike_so_far &= bool(np.all(np.abs(factor - 1.0) < _ALIKE))
        if self._alike_so_far:
            # The same money in the same weather is the same week.
            self.state, out = self._first.state, self._first.out
        else:
            self.state, out = self.job.market.step(self.state, mine * factor, week)
        self._write(week.number - 1, out)


def _decider(job: Job, player: Player, first: int, runs: int) -> Decider | Schedule:
    if isinstance(player, Schedule):
        return player
    past = Past(job.spent, job.brought, runs, job.weeks, delayed=bool(job.market.delay))
    learner = Learner(lambda: job.stream(runs), past, job.share(), job.carried, job.dated)
    if job.per_run:
        return PerRun(job, player, past, learner, first)
    return _Batched(job, player, past, learner, job.rng(player, first // job.batch))


def _clairvoyant(job: Job, runs: int, truth: Curve) -> Decider:
    # Curves of many runs are solved at once where they are concave, or share their cells.
    together = truth.concave or isinstance(truth, Mixture)
    if job.per_run or not together:
        return PerRunClairvoyant(job, runs)
    past = Past(job.spent, job.brought, runs, job.weeks, delayed=bool(job.market.delay))
    return _Clairvoyant(job, past)


class _Batched:
    """A policy that decides all runs of a batch at once."""

    def __init__(
        self, job: Job, policy: Policy, past: Past, learner: Learner, rng: np.random.Generator
    ) -> None:
        self._policy, self._past, self._learner, self._rng = policy, past, learner, rng
        self._job, self._ahead = job, Ahead(job)
        self._spend_all, self._slack = job.plan.spend == "all", job.slack
        self._fell = np.zeros(1, dtype=bool)

    def decide(self, week: Conditions, limits: WeekLimits, last: Floats | None) -> Floats:
        lower, upper, budget, test, _ = limits
        spend, outcome = self._past.seen()

        def weekly(curves: Curve) -> Floats:
            return best_of_runs(curves, lower, upper, budget, spend_all=self._spend_all).spend

        def best(curves: Curve) -> Floats:
            found = self._ahead.best(week.number, curves, limits, spend, weekly)
            return self._job.on_steps(found, limits, curves)

        view = View(
            belief=self._learner,
            lower=lower,
            upper=upper,
            budget=budget,
            last=np.zeros(lower.shape) if last is None else last,
            spend=spend,
            outcome=outcome,
            spend_all=self._spend_all,
            best=best,
            test=test,
        )
        found = decided(self._policy, view, self._rng)
        self._fell = found.fell
        spend = self._job.on_steps(found.spend, limits)
        return limits.checked(self._policy.name, spend, self._slack)

    def observe(self, outcome: Outcome) -> None:
        self._past.add(outcome)

    def fell_back(self) -> NDArray[np.bool_]:
        return self._fell

    def decided_alone(self) -> NDArray[np.bool_]:
        return self._ahead.alone


class PerRun:
    """A policy that decides the runs of a batch one by one.

    A run in which no split keeps the limits holds last week's within its bounds by channel.
    """

    def __init__(self, job: Job, policy: Policy, past: Past, learner: Learner, first: int) -> None:
        self._job, self._policy, self._past, self._learner = job, policy, past, learner
        self._first, self._weekly = first, _Weekly(job.plan)
        self._index = 1.0
        self._rngs: list[np.random.Generator] = []
        self._fell = self._alone = np.zeros(1, dtype=bool)

    def decide(self, week: Conditions, limits: WeekLimits, last: Floats | None) -> Floats:
        """Return the money of every run."""
        runs = len(limits.budget)
        if not self._rngs:
            self._rngs = [self._job.rng(self._policy, self._first + at) for at in range(runs)]
        self._weekly = self._weekly.of(self._job.plan_of(week.number))
        self._index = self._job.demand_of(week.number)
        aheads = [Ahead(self._job) for _ in range(runs)]
        found = [self._run(week, run, limits, last, aheads[run]) for run in range(runs)]
        self._fell = np.array([fell for _, fell in found])
        self._alone = np.array([ahead.alone[0] for ahead in aheads])
        spend = np.stack([spend for spend, _ in found])
        return limits.checked(self._policy.name, spend, self._job.slack)

    def observe(self, outcome: Outcome) -> None:
        """Take in the reports of the week."""
        self._past.add(outcome)

    def fell_back(self) -> NDArray[np.bool_]:
        """Return the runs that were not decided by the policy."""
        return self._fell

    def decided_alone(self) -> NDArray[np.bool_]:
        """Return the runs in which no plan ahead was found."""
        return self._alone

    def _run(
        self, week: Conditions, run: int, limits: WeekLimits, last: Floats | None, ahead: Ahead
    ) -> tuple[Floats, bool]:
        plan, size = self._job.plan, len(self._job.plan.names)
        belief: BeliefView = _of_run(self._learner.posterior, run)
        if self._index != 1.0:
            belief = StretchedBelief.in_demand(belief, self._index, size)
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

        own = limits.of_run(run)

        def optimum(curves: Curve) -> Floats:
            found = ahead.best(week.number, curves, own, spend[run : run + 1],
                               lambda curves: best_for(problem, best, curves)[None],
                               self._index)[0]  # fmt: skip
            # A plan ahead keeps limits across channels but for what its rounds leave.
            return found if self._job.ahead_of(week.number) is None else view.project(found)

        view = replace(
            view,
            best=optimum,
            projection=lambda spend: project_onto_limits(problem, best, spend),
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
        self._refuse_broken(problem, answer.spend)
        return answer.spend, bool(answer.fell)

    def _refuse_broken(self, problem: Problem, spend: Floats) -> None:
        """Refuse an answer that breaks a limit across channels."""
        # The budget is judged with the bounds, in the money that was not rounded down.
        if set(violated_limits(problem, spend, slack=_SLACK)) - {problem.rows.names[0]}:
            raise VerificationError("broken-limit", say("policy-breaks-limit-across",
                                    name=repr(self._policy.name)), field="policy",
                                    value=self._policy.name,
                                    remedy=say("remedy-fix-policy-view-project"))  # fmt: skip


class _Clairvoyant:
    """The best of each week by its true curves, within the same limits."""

    def __init__(self, job: Job, past: Past) -> None:
        self._job, self._past, self._ahead = job, past, Ahead(job)
        self._spend_all = job.plan.spend == "all"

    def decide(self, week: Conditions, limits: WeekLimits, last: Floats | None) -> Floats:
        def weekly(curves: Curve) -> Floats:
            bounds = (limits.lower, limits.upper, limits.budget)
            return best_of_runs(curves, *bounds, spend_all=self._spend_all).spend

        spent, demand = self._past.seen()[0], self._job.demand_of(week.number)
        best = self._ahead.best(week.number, week.curve, limits, spent, weekly, demand)
        return self._job.on_steps(best, limits, week.curve)

    def observe(self, outcome: Outcome) -> None:
        self._past.add(outcome)

    def fell_back(self) -> NDArray[np.bool_]:
        return np.zeros(1, dtype=bool)

    def decided_alone(self) -> NDArray[np.bool_]:
        return self._ahead.alone


class PerRunClairvoyant:
    """The best of each week by its true curves, run by run."""

    def __init__(self, job: Job, runs: int) -> None:
        self._job, self._weekly, self._runs = job, _Weekly(job.plan), runs
        self._fell = np.zeros(runs, dtype=bool)

    def decide(self, week: Conditions, limits: WeekLimits, last: Floats | None) -> Floats:
        """Return the best split of every run; where there is none, last week's."""
        found = []
        self._weekly = self._weekly.of(self._job.plan_of(week.number))
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

    def observe(self, outcome: Outcome) -> None:
        """Know all."""

    def fell_back(self) -> NDArray[np.bool_]:
        """Return the runs without a split that keeps the limits."""
        return self._fell

    def decided_alone(self) -> NDArray[np.bool_]:
        """Return none: what it takes is told of the policies."""
        return np.zeros(1, dtype=bool)


class _Weekly:
    """Makes the problem of one run and week."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        # Rows and weights are the plan's; bounds and budget come by week from `Limits`.
        free = [_freed(channel) for channel in plan.channels]
        self._free = replace(plan, channels=tuple(free), max_change=MaxChange(), reserve=Reserve(),
                             budget=plan.spendable, spend="at-most")  # fmt: skip

    def of(self, plan: Plan) -> _Weekly:
        """Return what makes the problems of a week of this plan."""
        return self if plan is self._plan else _Weekly(plan)

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
        floor, cap = (np.full(len(plan.names), rule, np.int8) for rule in (FLOOR, CAP))
        caps = np.minimum(upper.astype(np.int64), problem.bounds.upper)
        bounds = Bounds(lower, np.maximum(caps, lower), floor, cap)
        return replace(problem, budget=budget, bounds=bounds, spend_all=plan.spend == "all")


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


class Ahead:
    """What a decider takes for the best split: of the week, or of the plan of weeks it begins.

    Parameters
    ----------
    job
        Says how many weeks the plan looks ahead.
    """

    def __init__(self, job: Job) -> None:
        self._job = job
        self.alone: Bools = np.zeros(1, dtype=bool)

    def best(
        self,
        number: int,
        curves: Curve,
        limits: WeekLimits,
        before: Floats,
        weekly: Callable[[Curve], Floats],
        demand: float = 1.0,
    ) -> Floats:
        """Return the best splits of some runs, ``(runs, channels)``.

        Parameters
        ----------
        number
            The week, from 1 on.
        curves
            Of a week of some demand, over the channels or ``(runs, channels)``.
        limits
            Of the week.
        before
            Money of the weeks so far, ``(runs, weeks, channels)``.
        weekly
            Returns the best splits of the week alone.
        demand
            Demand that the curves are of.
        """
        ahead = self._job.ahead_of(number)
        if ahead is None:
            return weekly(curves)
        lower, upper, budget, _, _ = limits
        usual = in_demand(curves, 1.0 / demand, lower.shape[1])
        found = ahead.best_weeks(usual, lower, upper, budget, before)
        spend_all = self._job.plan.spend == "all"
        first = fit_spend(found.spend[:, :, 0], lower, upper, budget, all_=spend_all)
        self.alone = ~found.found
        return first if found.found.all() else np.where(self.alone[:, None], weekly(curves), first)
