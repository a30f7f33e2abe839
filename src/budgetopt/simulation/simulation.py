"""What came of a simulation, and the questions that may be asked of it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from os import PathLike
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from budgetopt.curves.base import Floats
from budgetopt.errors import InputError, did_you_mean
from budgetopt.market import Funnel
from budgetopt.market.checks import number, wrong
from budgetopt.simulation import statistics
from budgetopt.simulation.measures import MEASURES, measure_named
from budgetopt.simulation.metrics import metrics_table
from budgetopt.simulation.statistics import LEVEL, Difference, Interval, Sample, sample
from budgetopt.simulation.tables import by_channel, by_run, by_week, in_words
from budgetopt.simulation.year import CLAIRVOYANT, Record

if TYPE_CHECKING:
    import pandas as pd

SCHEMA = 1
BANDS = (0.05, 0.25, 0.5, 0.75, 0.95)
"""Quantiles that tables show."""
_CLOSE = 1e-9


@dataclass(frozen=True, eq=False)
class Simulation:
    """Possible years of a plan under some policies; `simulate` makes it.

    Parameters
    ----------
    channels, policies, scenarios
        Names.
    seed
        The replication; simulations of one seed share their weather, run by run.
    asked
        Runs that were asked for.
    budget
        What might be spent, shape ``(runs, weeks)``.
    happens
        Runs in which each scenario happened, by its name, shape ``(runs,)``.
    records
        What each policy did, by its name; the clairvoyant's too, where one played.
    funnel
        Rates from the outcome to the planner's metrics.
    notes
        What a reader should know before trusting it.
    interrupted
        Whether it was broken off from the keyboard.
    together
        Runs over which chance was evenly spread: intervals of means are those of the means of so
        many runs. Intervals of chances take all runs for independent, and so are too wide then.
    """

    channels: tuple[str, ...]
    policies: tuple[str, ...]
    scenarios: tuple[str, ...]
    seed: int
    asked: int
    budget: Floats
    happens: dict[str, NDArray[np.bool_]]
    records: dict[str, Record]
    funnel: Funnel = field(default_factory=Funnel)
    notes: tuple[str, ...] = ()
    interrupted: bool = False
    together: int = 1

    @property
    def runs(self) -> int:
        """Runs that were done."""
        return len(self.budget)

    @property
    def weeks(self) -> int:
        """Weeks of a run."""
        return int(self.budget.shape[1])

    @property
    def has_regret(self) -> bool:
        """Whether a clairvoyant played."""
        return CLAIRVOYANT in self.records

    def record(self, policy: str | None = None) -> Record:
        """Return the books of a policy, by default of the first.

        Raises
        ------
        InputError
            ``unknown-name``.
        """
        name = self.policies[0] if policy is None else policy
        if name not in self.records:
            raise InputError(
                "unknown-name",
                f"policy {name!r} was not simulated",
                field="policy",
                value=name,
                remedy=did_you_mean(name, self.policies),
            )
        return self.records[name]

    def by_week(self, measure: str = "outcome", policy: str | None = None) -> Floats:
        """Return a measure of every run and week, shape ``(runs, weeks)``; ratios of single weeks.

        Raises
        ------
        InputError
            ``unknown-name``; ``bad-argument`` for regret where no clairvoyant played.
        """
        kind = measure_named(measure)
        above = self._sums(kind.above, policy)
        if not kind.below:
            return above
        below = self._sums(kind.below, policy)
        ratio: Floats = np.divide(above, below, out=np.full(above.shape, np.nan), where=below != 0)
        return ratio

    def by_run(self, measure: str = "outcome", policy: str | None = None) -> Floats:
        """Return a measure of every run, shape ``(runs,)``; ratios are of the run's sums."""
        return self._sample(measure, policy).each

    def mean(
        self, measure: str = "outcome", policy: str | None = None, *, level: float = LEVEL
    ) -> Interval:
        """Return the mean of a measure over the runs; that of a ratio is the ratio of means."""
        return statistics.interval(self._sample(measure, policy), level)

    def quantiles(
        self,
        measure: str = "outcome",
        policy: str | None = None,
        *,
        chances: Sequence[float] = BANDS,
        weekly: bool = False,
    ) -> Floats:
        """Return quantiles over the runs, shape ``(chances,)``, or ``(chances, weeks)`` by week."""
        wanted = [number(c, "chances", least=0, most=1) for c in chances]
        values = self.by_week(measure, policy) if weekly else self.by_run(measure, policy)
        return np.quantile(values, wanted, axis=0)

    def chance(
        self,
        measure: str = "outcome",
        policy: str | None = None,
        *,
        at_least: float = -np.inf,
        at_most: float = np.inf,
        level: float = LEVEL,
    ) -> Interval:
        """Return the chance that a run's measure lies within bounds, such as that of a target."""
        if at_least == -np.inf and at_most == np.inf:
            raise wrong("at_least", at_least, "give the target, or at_most")
        values = self.by_run(measure, policy)
        return statistics.chance((values >= at_least) & (values <= at_most), level)

    def chance_of_loss(self, policy: str | None = None, *, level: float = LEVEL) -> Interval:
        """Return the chance that a run's outcome is worth less than its money."""
        return statistics.chance(self.by_run("profit", policy) < 0, level)

    def chance_of_overspend(
        self, policy: str | None = None, *, weekly: bool = False, level: float = LEVEL
    ) -> Interval:
        """Return the chance that a run spends more than its budget; `weekly`, in any week."""
        spend = self.record(policy).spend
        if weekly:
            over = np.any(spend > self.budget * (1 + _CLOSE) + _CLOSE, axis=-1)
        else:
            over = spend.sum(axis=-1) > self.budget.sum(axis=-1) * (1 + _CLOSE) + _CLOSE
        return statistics.chance(over, level)

    def cvar(
        self, measure: str = "outcome", policy: str | None = None, *, share: float = 0.05
    ) -> float:
        """Return the mean of the worst share of the runs."""
        low = measure_named(measure).more_is_better
        return statistics.tail_mean(self.by_run(measure, policy), share, low=low)

    def difference(
        self,
        policy: str | None = None,
        less: str | None = None,
        *,
        world: Simulation | None = None,
        measure: str = "outcome",
        level: float = LEVEL,
    ) -> Difference:
        """Return what a policy brings more than another one, or than in another world.

        Parameters
        ----------
        policy, less
            Names; `less` is by default the same policy, which goes with another world.
        world
            The simulation that `less` is taken from, such as one without a scenario; by default
            this one. It has the same seed, weeks and kind of chance; where one has fewer runs,
            these count.
        measure
            One of `MEASURES`.
        level
            Of the interval.

        Raises
        ------
        InputError
            ``unknown-name``; ``bad-argument`` for a world with another seed or other weeks.
        """
        other = self if world is None else world
        mine, theirs = ((world.seed, world.weeks, world.together > 1) for world in (self, other))
        if mine != theirs:
            problem = f"the other world has seed, weeks and balance {theirs}, this one {mine}"
            raise wrong("world", str(theirs), "simulate both alike", problem)
        if other is self and less is None:
            raise wrong("less", None, "name the policy, or give a world, to compare with")
        name = self.policies[0] if policy is None else policy
        both = min(self.runs, other.runs)
        one, two = self._sample(measure, name, both), other._sample(measure, less or name, both)
        return statistics.difference(one, two, level)

    def runs_needed(
        self,
        half: float,
        measure: str = "outcome",
        policy: str | None = None,
        *,
        less: str | None = None,
        level: float = LEVEL,
    ) -> int:
        """Return how many runs make half the width of an interval so small, as these runs vary."""
        residuals = self._sample(measure, policy).residuals
        if less is not None:
            residuals = residuals - self._sample(measure, less).residuals
        return self.together * statistics.runs_for(residuals, half, level)

    def to_frame(self, by: str = "run") -> pd.DataFrame:
        """Return a table: a row for each policy and ``"run"``, ``"week"`` or ``"channel"``.

        Raises
        ------
        InputError
            ``unknown-name``.
        """
        makers = {"run": by_run, "week": by_week, "channel": by_channel}
        if by not in makers:
            raise InputError(
                "unknown-name",
                f"there is no table by {by!r}",
                field="by",
                value=by,
                remedy=did_you_mean(by, makers),
            )
        return makers[by](self)

    def metrics(self, policy: str | None = None, by: str = "channel") -> pd.DataFrame:
        """Return the planner's metrics by ``"channel"``, ``"week"`` or in all (``"total"``).

        Amounts are means of a run, ratios are of the sums of all runs, NaN where undefined. mROAS
        is known where a clairvoyant played; see `budgetopt.simulation.metrics`.

        Raises
        ------
        InputError
            ``unknown-name``.
        """
        return metrics_table(self, policy, by)

    def to_parquet(self, path: str | PathLike[str], by: str = "run") -> None:
        """Write the table of `to_frame` to a parquet file.

        Raises
        ------
        InputError
            ``missing-extra`` without pyarrow.
        """
        frame = self.to_frame(by)
        try:
            frame.to_parquet(path, index=False)
        except ImportError as error:
            raise InputError(
                "missing-extra",
                "parquet files need pyarrow",
                field="path",
                value=str(path),
                remedy="install budgetopt[parquet]",
            ) from error

    def to_dict(self) -> dict[str, Any]:
        """Return the summary as plain data for JSON."""
        return {
            "schema": SCHEMA,
            "seed": self.seed,
            "runs": self.runs,
            "asked": self.asked,
            "weeks": self.weeks,
            "interrupted": self.interrupted,
            "channels": list(self.channels),
            "scenarios": {name: float(np.mean(self.happens[name])) for name in self.scenarios},
            "policies": {name: self._plain(name) for name in self.policies},
            "notes": list(self.notes),
        }

    def to_json(self) -> str:
        """Return the summary as JSON text."""
        return json.dumps(self.to_dict(), ensure_ascii=False, indent=2, allow_nan=False)

    def summary(self) -> str:
        """Return what came of it in words."""
        return in_words(self)

    @cached_property
    def _samples(self) -> dict[tuple[str, str, int], Sample]:
        return {}

    def _sample(self, measure: str, policy: str | None, runs: int | None = None) -> Sample:
        """Return a measure in the first runs, by default in all."""
        kind = measure_named(measure)
        name = self.policies[0] if policy is None else policy
        key = (measure, name, self.runs if runs is None else runs)
        if key not in self._samples:
            sums = [self._sums(part, name)[:runs].sum(axis=-1) for part in kind[:2] if part]
            self._samples[key] = sample(*sums).by_blocks(self.together)
        return self._samples[key]

    def _sums(self, name: str, policy: str | None) -> Floats:
        record = self.record(policy)
        if name == "profit":
            return record.value - record.spend
        if name == "regret":
            if not self.has_regret:
                raise wrong("measure", name, "simulate with regret=True", "no clairvoyant played")
            return self.records[CLAIRVOYANT].expected - record.expected
        found: Floats = getattr(record, name)
        return found

    def _plain(self, policy: str) -> dict[str, Any]:
        shown = [name for name in MEASURES if name != "regret" or self.has_regret]
        found: dict[str, Any] = {}
        for name in shown:
            mean = self.mean(name, policy)
            spread = self.quantiles(name, policy)
            found[name] = {
                "mean": _finite(mean.mean),
                "low": _finite(mean.low),
                "high": _finite(mean.high),
                "quantiles": {str(c): _finite(q) for c, q in zip(BANDS, spread, strict=True)},
                "cvar": _finite(self.cvar(name, policy)),
            }
        found["chance_of_loss"] = self.chance_of_loss(policy).mean
        found["chance_of_overspend"] = self.chance_of_overspend(policy).mean
        return found


def _finite(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None
