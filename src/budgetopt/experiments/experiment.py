"""The test itself: arms, settings, a seed, and the log of what was seen. All else follows."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from decimal import Decimal
from functools import cached_property
from typing import Any, Self

import numpy as np

from budgetopt.errors import HistoryError, InputError, did_you_mean
from budgetopt.experiments import plain
from budgetopt.experiments.best import expected_loss, probability_best, value_remaining
from budgetopt.experiments.next_day import Minor, NextDay, minimums, split, thompson_shares
from budgetopt.experiments.observation import FIELDS, Observation, as_arm
from budgetopt.experiments.pause import Paused
from budgetopt.experiments.posterior import Floats, Posterior
from budgetopt.experiments.settings import METRICS, Metric, Settings
from budgetopt.experiments.stop import settle
from budgetopt.experiments.verdict import KEEP_GOING, NO_DIFFERENCE, WINNER, ArmSummary, Verdict
from budgetopt.money import show_amount

_TAIL = np.array([0.025])


@dataclass(frozen=True)
class Experiment:
    """A test of creatives or audiences before money is scaled.

    Parameters
    ----------
    arms
        Names, two or more, each once; kept in alphabetical order.
    settings
        What is asked of the test, and what it may spend.
    log
        Daily rows, one a day and arm at most, kept in the order of days and arms; a day on which
        an arm did not run needs none.
    seed
        Seed of `generator`, at least zero.

    Raises
    ------
    InputError
        ``bad-argument`` for fewer than two arms, a bad seed or rows of another kind,
        ``unknown-name`` for an arm of the log that is not in the test.
    HistoryError
        ``bad-name`` for arms, ``bad-history`` for two rows of one day and arm, ``bad-number`` for a
        row that lacks what the metric or the pause rule needs, or contradicts itself.

    Notes
    -----
    An arm that was never shown is known by the prior alone, and a test without a row keeps going
    with equal shares.

    Examples
    --------
    >>> test = Experiment(("blue", "red"), Settings(metric="ctr", daily_budget=Decimal(400)))
    >>> test.next_day().spend
    {'blue': Decimal('200.00'), 'red': Decimal('200.00')}
    """

    arms: tuple[str, ...]
    settings: Settings = field(default_factory=Settings)
    log: tuple[Observation, ...] = ()
    seed: int = 0

    def __post_init__(self) -> None:
        object.__setattr__(self, "arms", _checked_arms(self.arms))
        for row in self.log:
            if not isinstance(row, Observation):
                raise InputError(
                    "bad-argument",
                    f"log holds a {type(row).__name__}",
                    field="log",
                    value=str(row),
                    remedy="give Observations, or make the test by from_dict",
                )
        rows = sorted(self.log, key=lambda row: (row.day, row.arm))
        object.__setattr__(self, "log", tuple(rows))
        if type(self.seed) is not int or self.seed < 0:
            raise InputError(
                "bad-argument",
                f"seed is {self.seed!r}",
                field="seed",
                value=self.seed,
                remedy="give a whole number of zero or more",
            )
        for before, row in zip([None, *rows], rows, strict=False):
            self._check_row(row)
            if before is not None and (before.day, before.arm) == (row.day, row.arm):
                raise HistoryError(
                    "bad-history",
                    f"arm {row.arm!r} has two rows on {row.day}",
                    field="log",
                    value=row.arm,
                    remedy="remove the one pasted twice, or add them up",
                )

    def _check_row(self, row: Observation) -> None:
        if row.arm not in self.arms:
            raise InputError(
                "unknown-name",
                f"arm {row.arm!r} of {row.day} is not in the test",
                field="arm",
                value=row.arm,
                remedy=did_you_mean(row.arm, self.arms),
            )
        for name in self.settings.fields:
            if getattr(row, name) is None:
                remedy = f"give it, as {self.settings.metric!r} or the pause rule needs it"
                row.refuse(name, "missing", remedy)
        of = self._metric
        if self.settings.metric == "cvr":
            row.check_part(of.events, of.trials)
        if of.events == "revenue" and row.revenue and not getattr(row, of.trials):
            row.refuse("revenue", f"without {of.trials}", f"book it on a day with {of.trials}")

    def observe(self, rows: Iterable[Observation]) -> Self:
        """Return the test with more rows in its log."""
        return replace(self, log=(*self.log, *rows))

    @property
    def _metric(self) -> Metric:
        return METRICS[self.settings.metric]

    @cached_property
    def days(self) -> tuple[dt.date, ...]:
        """Days of the log, ascending."""
        return tuple(sorted({row.day for row in self.log}))

    def daily(self, name: str) -> Floats:
        """Return one field by day and arm, shape ``(days, arms)``; zero where nothing was seen.

        Raises
        ------
        InputError
            ``unknown-name`` for a field that no observation has.
        """
        if name not in FIELDS:
            raise InputError(
                "unknown-name",
                f"field {name!r} is not measured",
                field="name",
                value=name,
                remedy=did_you_mean(name, FIELDS),
            )
        table = np.zeros((len(self.days), len(self.arms)))
        day = {day: at for at, day in enumerate(self.days)}
        arm = {arm: at for at, arm in enumerate(self.arms)}
        for row in self.log:
            table[day[row.day], arm[row.arm]] = getattr(row, name) or 0.0
        return table

    @cached_property
    def posterior(self) -> Posterior:
        """What is known of the arms' true values, in the order of `arms`."""
        of, expected = self._metric, self.settings.expected
        return of.posterior(self.daily(of.events), self.daily(of.trials), expected)

    @cached_property
    def paused(self) -> tuple[Paused, ...]:
        """Arms that the pause rule stopped, with the first day on which it did."""
        rule, found = self.settings.pause, []
        if rule is None or not self.days:
            return ()
        summed = {name: self.daily(name).cumsum(axis=0) for name in FIELDS}
        chances = {
            "ctr": rule.probability_low_ctr(summed["clicks"], summed["impressions"]),
            "cpa": rule.probability_high_cpa(summed["conversions"], summed["spend"]),
        }
        for at, arm in enumerate(self.arms):
            hits = [
                (int(np.argmax(chance[:, at] >= rule.certainty)), reason)
                for reason, chance in chances.items()
                if np.any(chance[:, at] >= rule.certainty)
            ]
            if hits:
                day, reason = min(hits)
                chance = float(chances[reason][day, at])
                found.append(Paused(arm, self.days[day].isoformat(), reason, chance))
        return tuple(found)

    @cached_property
    def _minimums(self) -> Minor:
        spend = self.daily("spend")
        return minimums(self.settings, spend.sum(axis=0), (spend > 0).sum(axis=0))

    @cached_property
    def _probability(self) -> Floats:
        return probability_best(self.posterior)

    def verdict(self) -> Verdict:
        """Return what the test says so far: a winner, no difference that matters, or keep going."""
        return self._verdict

    @cached_property
    def _verdict(self) -> Verdict:
        of, posterior, settings = self._metric, self.posterior, self.settings
        events, trials = self.daily(of.events).sum(axis=0), self.daily(of.trials).sum(axis=0)
        columns = {
            "value": posterior.mean,
            "low": posterior.value(posterior.quantile(_TAIL))[0],
            "high": posterior.value(posterior.upper(_TAIL))[0],
            "probability": self._probability,
            "expected_loss": expected_loss(posterior),
            "events": events,
            "trials": trials,
            "spend": self.daily("spend").sum(axis=0),
        }
        arms = [
            ArmSummary(
                arm,
                complete=not self._minimums[at],
                **{name: float(column[at]) for name, column in columns.items()},
            )
            for at, arm in enumerate(self.arms)
        ]
        stopped = {paused.arm for paused in self.paused}
        waiting = [arm.arm for arm in arms if not arm.complete and arm.arm not in stopped]
        decision, leader, beaten = self._decided(bool(waiting), trials)
        return Verdict(
            decision=decision,
            leader=None if leader is None else self.arms[leader],
            arms=tuple(arms),
            beaten=tuple(arm for arm, worse in zip(self.arms, beaten, strict=True) if worse),
            value_remaining=None if leader is None else value_remaining(posterior, leader),
            waiting=tuple(waiting),
            paused=self.paused,
            metric=settings.metric,
            error_rate=settings.error_rate,
            region=settings.region,
            days=len(self.days),
        )

    def _decided(self, waiting: bool, trials: Floats) -> tuple[str, int | None, list[bool]]:
        """Return the decision, the position of the arm it is about, and which arms that beats."""
        if not trials.any():
            return KEEP_GOING, None, [False] * len(self.arms)
        settings, of = self.settings, self._metric
        events, daily = self.daily(of.events), self.daily(of.trials)
        settled = settle(
            lambda ratio: of.evidence(events, daily, ratio, settings.expected),
            settings.error_rate,
            settings.region,
        )
        mean = np.where(trials > 0, self.posterior.mean, -np.inf)
        enough = settled.good_enough & (not waiting)
        leader = int(np.argmax(np.where(enough, mean, -np.inf) if enough.any() else mean))
        beaten = settled.better[leader].tolist()
        if not enough[leader]:
            return KEEP_GOING, leader, beaten
        return (WINNER if settled.winner[leader] else NO_DIFFERENCE), leader, beaten

    def next_day(self, budget: Any = None, *, rng: np.random.Generator | None = None) -> NextDay:
        """Return what every arm gets on the next day.

        Parameters
        ----------
        budget
            Money of the whole test for that day; by default that of the settings.
        rng
            Gives all beyond the minimum cells to one arm, drawn with the probability of its share,
            such as `generator`; by default nothing is drawn, and each arm gets its share.

        Raises
        ------
        MoneyError
            ``bad-money``.
        InputError
            ``bad-argument`` where no budget is known.
        InfeasibleError
            ``floors-above-budget`` where the minimum cells need more than the budget.
        """
        money = self.settings.money
        given = self.settings.daily_budget if budget is None else budget
        if given is None:
            raise InputError(
                "bad-argument",
                "the day has no budget",
                field="daily_budget",
                remedy="give one, or set daily_budget",
            )
        whole, least = money.minor(given, "budget"), self._minimums
        chance = self._probability
        share = thompson_shares(chance, self.settings.leader_share)
        minor = split(whole, least, share, money, rng)
        spend = dict(zip(self.arms, money.amounts(minor.tolist()), strict=True))
        stopped = [paused.arm for paused in self.paused]
        released = {arm: spend[arm] for arm in stopped}
        return NextDay(
            day=self.days[-1] + dt.timedelta(days=1) if self.days else None,
            budget=money.amount(whole),
            spend=spend | dict.fromkeys(stopped, money.amount(0)),
            released=released,
            probability=dict(zip(self.arms, np.round(chance, 9).tolist(), strict=True)),
            minimum=dict(zip(self.arms, money.amounts(least.tolist()), strict=True)),
            notes=self._notes(released),
        )

    def _notes(self, released: dict[str, Decimal]) -> tuple[str, ...]:
        notes = [
            f"{p.arm} is paused since {p.day} for its {p.reason.upper()}; "
            f"{show_amount(released[p.arm])} {self.settings.currency} go back to the plan"
            for p in self.paused
        ]
        verdict = self.verdict()
        if verdict.stop:
            notes.append(f"the test is over ({verdict.decision}): take {verdict.leader}")
        return tuple(notes)

    def generator(self) -> np.random.Generator:
        """Return the random generator of the next day, the same after saving and loading."""
        return np.random.default_rng([self.seed, len(self.days)])

    def to_dict(self) -> dict[str, Any]:
        """Return plain data, shaped like a test file; money is text, so that nothing is lost."""
        return plain.to_dict(self)

    @classmethod
    def from_dict(cls, data: Any) -> Self:
        """Return the test that plain data describes.

        Raises
        ------
        InputError
            ``bad-plan`` for a missing or misspelt field, and whatever the constructors raise.
        """
        return cls(**plain.arguments(data))

    def to_json(self) -> str:
        """Return JSON text."""
        return json.dumps(self.to_dict(), ensure_ascii=False, allow_nan=False)

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Return the test that JSON text describes; raises as `from_dict` does."""
        return cls.from_dict(plain.parsed(text))


def _checked_arms(given: Any) -> tuple[str, ...]:
    names = (given,) if isinstance(given, str) else tuple(given)
    arms = [as_arm(name) for name in names]
    twice = [name for name in arms if arms.count(name) > 1]
    if twice:
        raise HistoryError(
            "bad-name",
            f"arm {twice[0]!r} is declared twice",
            field="arms",
            value=twice[0],
            remedy="give every arm a name of its own",
        )
    if len(arms) < 2:
        raise InputError(
            "bad-argument",
            f"the test has {len(arms)} arm{'' if len(arms) == 1 else 's'}",
            field="arms",
            value=len(arms),
            remedy="give two or more to compare",
        )
    return tuple(sorted(arms))
