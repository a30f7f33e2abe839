"""The weeks of a batch of runs: every policy meets the same weather, decides, and sees reports."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from budgetopt.curves import Curve, Mixture
from budgetopt.curves.base import Floats
from budgetopt.market import Conditions, Outcome
from budgetopt.optimize.runs import best_of_runs
from budgetopt.policies import Policy, View, decided
from budgetopt.simulation.alone import Alone, AloneClairvoyant
from budgetopt.simulation.contingency import Answer, answer
from budgetopt.simulation.job import Job, Player
from budgetopt.simulation.limits import WeekLimits
from budgetopt.simulation.past import Learner, Past
from budgetopt.simulation.schedule import Schedule

CLAIRVOYANT = "clairvoyant"


class Record(NamedTuple):
    """What one policy did in a batch of runs.

    Parameters
    ----------
    outcome, expected, spend, value
        Outcome that came, that was to be expected, delivered money, and the outcome's worth in
        money, shape ``(runs, weeks)``.
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
    detail
        Outcome and spend of each run, week and channel; empty unless asked for.
    """

    outcome: Floats
    expected: Floats
    spend: Floats
    value: Floats
    channel_outcome: Floats
    channel_spend: Floats
    week_outcome: Floats
    week_spend: Floats
    week_bought: Floats
    week_lift: Floats
    fell: NDArray[np.bool_]
    gave_way: NDArray[np.bool_]
    detail: tuple[Floats, ...] = ()


class Batch(NamedTuple):
    """A batch of runs: budgets, ``(runs, weeks)``, scenarios that happen, and records."""

    first: int
    budget: Floats
    happens: dict[str, NDArray[np.bool_]]
    records: dict[str, Record]


class Decider(Protocol):
    """What gives the money of a week."""

    def decide(self, week: Conditions, limits: WeekLimits, last: Floats | None) -> Floats:
        """Return ordered money that broadcasts to ``(runs, channels)``."""

    def told(self, outcome: Outcome) -> None:
        """Take in the reports of the week."""

    def fallen(self) -> NDArray[np.bool_]:
        """Return the runs in which another policy was taken this week."""


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
    seats = [_Seat(job, player.name, _decider(job, player, first, runs), runs)
             for player in job.policies]  # fmt: skip
    if job.regret:
        seats.append(_Seat(job, CLAIRVOYANT, _clairvoyant(job, runs, weather.truth), runs))
    budget = np.empty((runs, job.weeks))
    for week in weather:
        answered = answer(job.contingencies, weather, week.number)
        for seat in seats:
            seat.play(week, answered)
        budget[:, week.number - 1] = job.limits.money_of(week, answered.released)
    return Batch(first, budget, weather.happens, {seat.name: seat.record() for seat in seats})


@dataclass
class _Seat:
    """One policy at the table: its market state, its last week, its books."""

    job: Job
    name: str
    decider: Decider | Schedule
    runs: int
    last: Floats | None = field(init=False)

    def __post_init__(self) -> None:
        job, runs = self.job, self.runs
        size = len(job.plan.channels)
        self.last = None if job.last is None else np.broadcast_to(job.last, (runs, size))
        known = np.nan_to_num(job.spent)
        self._state = job.market.begin(known if len(known) else None)
        self._sums = np.zeros((4, job.weeks, runs))
        self._channels, self._alike = np.zeros((2, runs, size)), np.zeros((2, size))
        self._weeks = np.zeros((4, job.weeks, size))
        self._marks = np.zeros((2, job.weeks, runs), dtype=bool)
        self._detail = np.zeros((2, runs, job.weeks, size)) if job.detail else None

    def play(self, week: Conditions, answered: Answer) -> None:
        """Decide, spend, see, and write down one week."""
        if isinstance(self.decider, Schedule):
            spend = self.decider.ordered(week)
        else:
            limits = self.job.limits.week(week, self.last, *answered)
            spend = self.decider.decide(week, limits, self.last)
            self._marks[0, week.number - 1] = self.decider.fallen()
            self._marks[1, week.number - 1] = limits.gave_way
        self._state, out = self.job.market.step(self._state, spend, week)
        if not isinstance(self.decider, Schedule):
            self.decider.told(out)
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


def _decider(job: Job, player: Player, first: int, runs: int) -> Decider | Schedule:
    if isinstance(player, Schedule):
        return player
    past = Past(job.spent, job.brought, runs, job.weeks, delayed=bool(job.market.delay))
    learner = Learner(lambda: job.stream(runs), past, job.share())
    if job.alone:
        return Alone(job, player, past, learner, first)
    return _Together(job, player, past, learner, job.rng(player, first // job.batch))


def _clairvoyant(job: Job, runs: int, truth: Curve) -> Decider:
    # Curves of many runs are solved at once where they are concave, or share their cells.
    together = truth.concave or isinstance(truth, Mixture)
    if job.alone or not together:
        return AloneClairvoyant(job, runs)
    return _Clairvoyant(job.plan.spend == "all")


class _Clairvoyant:
    """The best of each week by its true curves, within the same limits."""

    def __init__(self, spend_all: bool) -> None:
        self._spend_all = spend_all

    def decide(self, week: Conditions, limits: WeekLimits, last: Floats | None) -> Floats:
        bounds = (limits.lower, limits.upper, limits.budget)
        return best_of_runs(week.curve, *bounds, spend_all=self._spend_all).spend

    def told(self, outcome: Outcome) -> None:
        """Know all."""

    def fallen(self) -> NDArray[np.bool_]:
        return np.zeros(1, dtype=bool)


class _Together:
    """A policy that decides all runs of a batch at once."""

    def __init__(
        self, job: Job, policy: Policy, past: Past, learner: Learner, rng: np.random.Generator
    ) -> None:
        self._policy, self._past, self._learner, self._rng = policy, past, learner, rng
        self._spend_all, self._slack = job.plan.spend == "all", job.slack
        self._fell = np.zeros(1, dtype=bool)

    def decide(self, week: Conditions, limits: WeekLimits, last: Floats | None) -> Floats:
        lower, upper, budget, test, _ = limits

        def best(curves: Curve) -> Floats:
            return best_of_runs(curves, lower, upper, budget, spend_all=self._spend_all).spend

        spend, outcome = self._past.seen()
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
        return limits.checked(self._policy.name, found.spend, self._slack)

    def told(self, outcome: Outcome) -> None:
        self._past.add(outcome)

    def fallen(self) -> NDArray[np.bool_]:
        return self._fell
