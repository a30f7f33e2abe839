"""What is asked of a test, and what it may spend."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cached_property
from typing import Any

from budgetopt.errors import InputError, did_you_mean
from budgetopt.experiments.averages import Averages
from budgetopt.experiments.checks import check_between
from budgetopt.experiments.counts import Counts
from budgetopt.experiments.evidence import evidence_of_averages, evidence_of_counts
from budgetopt.experiments.pause import PauseRule
from budgetopt.experiments.posterior import Floats, Posterior
from budgetopt.experiments.rates import Rates
from budgetopt.money import Currency


@dataclass(frozen=True)
class Metric:
    """What a test compares: events over trials, more being better.

    Parameters
    ----------
    events, trials
        Fields of an observation.
    family
        Class of the posterior.
    spread
        Standard deviation of one trial as a multiple of its mean, where the family needs it: an
        order differs from the next about as much as it is worth, and with 3 % of clicks buying,
        a click's revenue spreads sqrt(2 / 0.03), about 8 times its mean.
    """

    events: str
    trials: str
    family: type[Rates] | type[Counts] | type[Averages]
    spread: float = 1.0

    def posterior(self, events: Floats, trials: Floats, expected: float | None) -> Posterior:
        """Return what daily totals, shape ``(..., days, arms)``, say of the arms."""
        return self.family.of(events, trials, expected, self.spread)

    def evidence(
        self, events: Floats, trials: Floats, ratio: float, expected: float | None
    ) -> Floats:
        """Return the log evidence of pairs of arms from daily totals ``(..., days, arms)``."""
        if self.family is not Averages:
            return evidence_of_counts(events, trials, ratio)
        assert expected is not None  # Settings ask for it.
        return evidence_of_averages(events, trials, ratio, expected=expected, spread=self.spread)


METRICS: dict[str, Metric] = {
    "ctr": Metric("clicks", "impressions", Rates),
    "cvr": Metric("conversions", "clicks", Rates),
    "cpa": Metric("conversions", "spend", Counts),
    "revenue-per-click": Metric("revenue", "clicks", Averages, spread=8.0),
    "revenue-per-conversion": Metric("revenue", "conversions", Averages),
}
"""The metrics by name. For ``cpa`` the value is conversions per money, 1 / CPA."""


@dataclass(frozen=True)
class Settings:
    """What is asked of a test; everything has a default.

    Parameters
    ----------
    metric
        A key of `METRICS`.
    expected
        What the metric is expected to be: a rate below 1, a CPA, or a revenue. The prior weighs
        half an event (or one click or conversion) and is centred here. Needed for ``cpa`` and
        revenue, which have no scale of their own.
    currency
        ISO 4217 code.
    daily_budget
        Money of the whole test for one day, where `Experiment.next_day` is given none.
    cell
        Money that every arm gets before anything is decided.
    days
        Fewest days an arm runs, and most days its cell takes: a cell gets at least its last part
        of the money on each day until it is complete.
    leader_share
        Share of the money beyond the minimum cells that goes to the arm that leads, above 0 up to
        1; the rest goes to its challengers. 1 is plain Thompson sampling, under which a test with
        a clear favourite starves the others and may never be settled.
    error_rate
        Probability with which the stop rule is ever wrong, at most.
    region
        Share by which another arm may be better without that being of any interest (the region of
        practical equivalence).
    pause
        The pause rule; None pauses nothing.

    Raises
    ------
    InputError
        ``bad-argument``, or ``unknown-name`` for the metric.
    MoneyError
        ``bad-money`` or ``bad-currency``.
    """

    metric: str = "ctr"
    expected: float | None = None
    currency: str = "CNY"
    daily_budget: Decimal | None = None
    cell: Decimal = Decimal(1000)
    days: tuple[int, int] = (3, 5)
    leader_share: float = 0.75
    error_rate: float = 0.05
    region: float = 0.1
    pause: PauseRule | None = field(default_factory=PauseRule)

    def __post_init__(self) -> None:
        if self.metric not in METRICS:
            raise InputError(
                "unknown-name",
                f"metric {self.metric!r} is not known",
                field="metric",
                value=self.metric,
                remedy=did_you_mean(self.metric, METRICS),
            )
        self._set("expected", self._checked_expected())
        self._set("days", _checked_days(self.days))
        share = check_between(self.leader_share, "leader_share", 0.0, 1.0 + 1e-12)
        self._set("leader_share", min(share, 1.0))
        self._set("error_rate", check_between(self.error_rate, "error_rate", 0.0, 0.5))
        self._set("region", check_between(self.region, "region", 0.0, math.inf))
        self._set("cell", self.money.amount(self.money.minor(self.cell, "cell")))
        if self.daily_budget is not None:
            minor = self.money.minor(self.daily_budget, "daily_budget")
            self._set("daily_budget", self.money.amount(minor))
        if self.pause is not None and not isinstance(self.pause, PauseRule):
            raise InputError(
                "bad-argument",
                f"pause is {self.pause!r}",
                field="pause",
                value=str(self.pause),
                remedy="give a PauseRule, or None",
            )

    def _set(self, name: str, value: Any) -> None:
        object.__setattr__(self, name, value)

    def _checked_expected(self) -> float | None:
        rate = METRICS[self.metric].family is Rates
        if self.expected is not None:
            return check_between(self.expected, "expected", 0.0, 1.0 if rate else math.inf)
        if rate:
            return None
        raise InputError(
            "bad-argument",
            f"expected is missing, and metric {self.metric!r} has no scale without it",
            field="expected",
            remedy="give what is expected, such as a CPA or the revenue of an order, in money",
        )

    @cached_property
    def money(self) -> Currency:
        """The currency."""
        return Currency(self.currency)

    @property
    def fields(self) -> tuple[str, ...]:
        """Fields that every observation must have, in the order of `observation.FIELDS`."""
        of = METRICS[self.metric]
        needed = {of.events, of.trials, "spend"}
        if self.pause is not None and self.pause.gap is not None:
            needed |= {"impressions", "clicks"}
        if self.pause is not None and self.pause.target_cpa is not None:
            needed |= {"conversions"}
        order = ("impressions", "clicks", "conversions", "revenue", "spend")
        return tuple(name for name in order if name in needed)


def _checked_days(days: Any) -> tuple[int, int]:
    try:
        least, most = days
        whole = all(type(d) is int for d in (least, most)) and 1 <= least <= most <= 366
    except (TypeError, ValueError):
        whole = False
    if not whole:
        raise InputError(
            "bad-argument",
            f"days is {days!r}",
            field="days",
            value=str(days),
            remedy="give fewest and most days of a cell, such as [3, 5]",
        )
    return least, most
