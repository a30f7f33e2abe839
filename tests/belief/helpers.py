"""A plan and a history with nothing but what learning asks for."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np

from budgetopt.errors import BudgetoptError
from budgetopt.history import History
from budgetopt.plan.priors import Priors


@dataclass(frozen=True)
class Plan:
    names: tuple
    weekly: float
    outcome_unit: float | None = None
    priors: Priors = field(default_factory=Priors)


@dataclass(frozen=True)
class Past:
    channels: tuple
    spend: np.ndarray
    outcome: np.ndarray | None = None
    total: np.ndarray | None = None
    weeks: np.ndarray | None = None
    partial: np.ndarray | None = None
    through: object = None
    controls: dict = field(default_factory=dict)

    def __post_init__(self):
        n = len(self.spend)
        if self.weeks is None:
            start = np.datetime64("2022-01-03")
            object.__setattr__(self, "weeks", start + 7 * np.arange(n))
        if self.partial is None:
            object.__setattr__(self, "partial", np.zeros(n, dtype=bool))

    @property
    def fingerprint(self):
        """The name of the history with these weeks; of what is no history, any."""
        past = self.rows(np.argsort(self.weeks))
        known = {"outcome": past.outcome, "total": past.total, "controls": past.controls}
        try:
            return History(past.channels, past.weeks, past.spend, partial=past.partial,
                           data_through=past.through, **known).fingerprint  # fmt: skip
        except BudgetoptError:
            return "abc"

    def rows(self, at):
        def some(values):
            return None if values is None else values[at]

        return replace(
            self,
            spend=self.spend[at],
            outcome=some(self.outcome),
            total=some(self.total),
            weeks=self.weeks[at],
            partial=self.partial[at],
            controls={name: values[at] for name, values in self.controls.items()},
        )

    def complete(self):
        return self.rows(~self.partial)

    def select(self, channels):
        def columns(values):
            if values is None:
                return None
            held = {c: values[:, i] for i, c in enumerate(self.channels)}
            gone = np.full(len(values), np.nan)
            return np.stack([held.get(c, gone) for c in channels], axis=1)

        return replace(
            self,
            channels=tuple(channels),
            spend=columns(self.spend),
            outcome=columns(self.outcome),
        )


def names(count):
    return tuple(f"c{i}" for i in range(count))


def simulated(rng, weeks=40, channels=3, noise=0.2, unit=None, reference=1000.0):
    """Return plan, history and the true curves' values at the reference."""
    half = reference * np.exp(rng.normal(0, 0.8, channels))
    shape = rng.choice([0.6, 0.8, 1.0], channels)
    at_reference = 3.0 * reference * np.exp(rng.normal(0, 0.7, channels))
    spend = reference * np.exp(rng.normal(0, 0.5, channels) + rng.normal(0, 0.4, (weeks, channels)))

    def curve(x):
        ratio = 1 + (half / reference) ** shape
        return at_reference * ratio / (1 + (half / x) ** shape)

    outcome = curve(spend) * np.exp(rng.normal(-(noise**2) / 2, noise, (weeks, channels)))
    if unit:
        outcome = unit * rng.poisson(outcome / unit)
    plan = Plan(names(channels), reference * channels, unit)
    return plan, Past(plan.names, spend, outcome), curve
