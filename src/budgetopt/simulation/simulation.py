r"""What came of a simulation, and the questions that may be asked of it.

- `Simulation`: totals by run, week and channel; means, quantiles, chances, tails and paired
  differences, each with its interval; tables, plain data, and `Simulation.summary` in words;
- `metrics_table`: the planner's metrics out of the totals. Amounts are added up over runs first and
  divided next, so that every ratio is one of totals. mROAS is what all spends together would bring
  more, per unit of money, if each rose by the same small share: with money x and slope
  :math:`f'(x)` it is :math:`\sum x f'(x)\,/\sum x` times what an outcome brings in. It asks the
  true curves, so it is known where a clairvoyant played; with carryover it is that of a steady
  week.

Where this stops: intervals tell the error of simulating a finite number of runs, not that of the
market's description.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from functools import cached_property
from os import PathLike
from typing import TYPE_CHECKING, Any, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from budgetopt.arguments import public
from budgetopt.arrays import Floats, plain_numbers
from budgetopt.errors import InputError, as_number, did_you_mean, foreign
from budgetopt.i18n import (
    Message,
    in_language,
    messages_of,
    missing_extra,
    quoted,
    restored,
    say,
    show_figure,
)
from budgetopt.market import Funnel, wrong
from budgetopt.notebook import Card, Shown
from budgetopt.records import JsonRecord
from budgetopt.simulation import statistics
from budgetopt.simulation.statistics import (
    LEVEL,
    MEASURES,
    Difference,
    Interval,
    Sample,
    measure_named,
    sample,
)
from budgetopt.simulation.year import CLAIRVOYANT, Record, same_money

if TYPE_CHECKING:
    import pandas as pd

SCHEMA = 1
BANDS = (0.05, 0.25, 0.5, 0.75, 0.95)
"""Quantiles that tables show."""
_CLOSE = 1e-9
_SAME_MONEY = 1e-3
"""Share up to which two policies spend the same."""


class OnTarget(NamedTuple):
    """What a goal of least money asks for: the target reached, and at what cost.

    Parameters
    ----------
    missed
        Share of all weeks whose outcome is below the target.
    short
        By how much, on average of these weeks; 0 where there are none.
    spend
        Money of a week that reaches it, on average; NaN where none does.
    """

    missed: float
    short: float
    spend: float


_CHOSEN = ("fell", "gave_way", "alone")
"""Fields of a `Record` that say yes or no."""


def _plain_record(record: Record) -> dict[str, Any]:
    """Return what a policy did as plain data, None for what is unknown."""
    plain: dict[str, Any] = {"detail": [plain_numbers(each) for each in record.detail]}
    for name in Record._fields[:-1]:
        each = getattr(record, name)
        plain[name] = each.tolist() if name in _CHOSEN else plain_numbers(each)
    return plain


def _record_of(data: Mapping[str, Any]) -> Record:
    """Return the record of `_plain_record`."""
    kinds = {name: bool if name in _CHOSEN else float for name in Record._fields[:-1]}
    detail = tuple(np.array(each, dtype=float) for each in data["detail"])
    arrays: list[Any] = [np.array(data[name], dtype=kind) for name, kind in kinds.items()]
    return Record._make([*arrays, detail])


@public
@dataclass(frozen=True, eq=False, repr=False)
class Simulation(Shown, JsonRecord):
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
    goal
        What the plan is for, as `Allocation.goal` calls it.
    same_money
        The first policy's proportions at the money of each other one, in the same weather; see
        `parts`.
    target
        Outcome of a week that a goal of least money asks for; None for other goals.
    """

    _VERSIONS = (SCHEMA,)
    _MADE_BY = "to_dict(whole=True)"

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
    goal: str = "outcome"
    same_money: dict[str, Record] = field(default_factory=dict)
    target: float | None = None

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
        if name in self.same_money:
            return self.same_money[name]
        if name not in self.records:
            raise InputError(
                "unknown-name",
                say("policy-not-simulated", name=repr(name)),
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
            ``unknown-name``; ``bad-argument`` for regret where no clairvoyant was simulated.
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
        wanted = [as_number(c, "chances", least=0, most=1) for c in chances]
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
            raise wrong("at_least", at_least, say("remedy-target-most"))
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
            problem = say("other-world-seed", theirs=theirs, mine=mine)
            raise wrong("world", str(theirs), say("remedy-simulate-both-same"), problem)
        if other is self and less is None:
            raise wrong("less", None, say("remedy-name-policy-world"))
        name = self.policies[0] if policy is None else policy
        both = min(self.runs, other.runs)
        one, two = self._sample(measure, name, both), other._sample(measure, less or name, both)
        return statistics.difference(one, two, level)

    def parts(
        self, policy: str, *, measure: str = "goal", level: float = LEVEL
    ) -> tuple[Difference, Difference] | None:
        """Return what a policy brings more than the first one, in two parts.

        Returns
        -------
        tuple of Difference, or None
            What its money brings more in the first one's proportions, and what its split brings
            more than these at the same money; the two add up. None where their money is the same.

        Raises
        ------
        InputError
            ``unknown-name``.
        """
        first = self.policies[0]
        spends = [float(self.record(name).spend.sum()) for name in (first, policy)]
        if policy == first or abs(spends[1] - spends[0]) <= _SAME_MONEY * max(spends):
            return None
        same = same_money(first, policy)
        return (
            self.difference(same, first, measure=measure, level=level),
            self.difference(policy, same, measure=measure, level=level),
        )

    def on_target(self, policy: str | None = None) -> OnTarget:
        """Return what a policy's weeks cost that reach the target, and how often they miss it.

        Raises
        ------
        InputError
            ``unknown-name``; ``bad-argument`` where the goal has no target of a week.
        """
        if self.target is None:
            problem = say("plan-s-goal")
            raise wrong("target", None, say("remedy-simulate-plan-whose"), problem)
        record = self.record(policy)
        short = np.maximum(self.target - record.outcome, 0.0)
        met = short == 0
        return OnTarget(
            float(np.mean(~met)),
            float(short[~met].mean()) if not met.all() else 0.0,
            float(record.spend[met].mean()) if met.any() else np.nan,
        )

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
            raise InputError("unknown-name", say("no-table-by", by=repr(by)), field="by", value=by,
                             remedy=did_you_mean(by, makers))  # fmt: skip
        return makers[by](self)

    def metrics(self, policy: str | None = None, by: str = "channel") -> pd.DataFrame:
        """Return the planner's metrics by ``"channel"``, ``"week"`` or in all (``"total"``).

        Amounts are means of a run, ratios are of the sums of all runs, NaN where undefined. mROAS
        is known where a clairvoyant played; see `budgetopt.simulation.simulation`.

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
            raise missing_extra(say("parquet-files"), "pyarrow", "parquet", "path") from error
        except OSError as error:
            raise InputError("bad-file", say("path-unwritable", path=repr(str(path)),
                             error=foreign(error)), field="path", value=str(path),
                             remedy=say("remedy-check-path-permissions")) from error  # fmt: skip

    def to_dict(self, *, whole: bool = False) -> dict[str, Any]:
        """Return the summary as plain data for JSON.

        Parameters
        ----------
        whole
            Whether to return all that it is, each run and week of it, which `from_dict` takes.
        """
        if whole:
            return self._whole()
        return {
            "schema": SCHEMA,
            "seed": self.seed,
            "runs": self.runs,
            "asked": self.asked,
            "weeks": self.weeks,
            "interrupted": self.interrupted,
            "channels": list(self.channels),
            "goal": self.goal,
            "target": self.target,
            "scenarios": {name: float(np.mean(self.happens[name])) for name in self.scenarios},
            "policies": {name: self._plain(name) for name in self.policies},
            "notes": list(self.notes),
        }

    def to_json(self, *, whole: bool = False) -> str:
        """Return `to_dict` as JSON text, that of all runs on one line."""
        data, indent = self.to_dict(whole=whole), None if whole else 2
        return json.dumps(data, ensure_ascii=False, indent=indent, allow_nan=False)

    def _whole(self) -> dict[str, Any]:
        apart = ("budget", "happens", "records", "same_money", "funnel", "notes")
        plain = {f.name: getattr(self, f.name) for f in fields(self) if f.name not in apart}
        return {
            "schema_version": SCHEMA,
            **{k: list(v) if isinstance(v, tuple) else v for k, v in plain.items()},
            "budget": plain_numbers(self.budget),
            "happens": {name: each.tolist() for name, each in self.happens.items()},
            "records": {name: _plain_record(each) for name, each in self.records.items()},
            "same_money": {name: _plain_record(each) for name, each in self.same_money.items()},
            "funnel": asdict(self.funnel),
            "notes": list(self.notes),
            "words": messages_of(self.notes),
        }

    @classmethod
    def _of_data(cls, data: Mapping[str, Any]) -> Self:
        rates: dict[str, Any] = {
            name: tuple(rate) if isinstance(rate, list) else rate
            for name, rate in data["funnel"].items()
        }
        target = data["target"]
        return cls(
            channels=tuple(data["channels"]),
            policies=tuple(data["policies"]),
            scenarios=tuple(data["scenarios"]),
            seed=int(data["seed"]),
            asked=int(data["asked"]),
            budget=np.array(data["budget"], dtype=float),
            happens={name: np.array(each, dtype=bool) for name, each in data["happens"].items()},
            records={name: _record_of(each) for name, each in data["records"].items()},
            funnel=Funnel(**rates),
            notes=tuple(restored(note, data["words"]) for note in data["notes"]),
            interrupted=bool(data["interrupted"]),
            together=int(data["together"]),
            goal=data["goal"],
            same_money={name: _record_of(each) for name, each in data["same_money"].items()},
            target=None if target is None else float(target),
        )

    def summary(self, language: str = "en") -> str:
        """Return what came of it in words, in ``"en"`` or ``"zh"``."""
        return "\n".join(in_language(line, language) for line in in_words(self))

    def _card(self) -> Card:
        rows = []
        for name in self.policies:
            mean = self.mean("outcome", name)
            ends = self.quantiles("outcome", name, chances=(0.05, 0.95)).tolist()
            spend = self.mean("spend", name).mean
            rows.append((name, show_figure(mean.mean, 5), show_figure(mean.half, 2),
                         *(show_figure(v, 5) for v in (*ends, spend))))  # fmt: skip
        heads = (say("policy"), say("outcome"), "±", "5%", "95%", say("spend"))
        return Card(in_words(self)[0], heads, rows)

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
                raise wrong(
                    "measure", name, say("remedy-simulate-regret-true"), say("no-clairvoyant")
                )
            return self.records[CLAIRVOYANT].expected_goal - record.expected_goal
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
        if self.target is not None:
            on = self.on_target(policy)._asdict()
            found["on_target"] = {name: _finite(value) for name, value in on.items()}
        found["chance_of_loss"] = self.chance_of_loss(policy).mean
        found["chance_of_overspend"] = self.chance_of_overspend(policy).mean
        return found


def _finite(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None


_AXES: dict[str, int | tuple[int, int]] = {"channel": 0, "week": 1, "total": (0, 1)}
"""Over what the totals by week and channel are added up."""
AMOUNTS = ("spend", "impressions", "clicks", "conversions", "orders", "new_customers", "revenue",
           "gross")  # fmt: skip


def metrics_table(simulation: Simulation, policy: str | None, by: str) -> pd.DataFrame:
    """Return one row for each channel, or week, or one in all; see `Simulation.metrics`."""
    import pandas as pd

    if by not in _AXES:
        raise InputError("unknown-name", say("no-metrics-by", by=repr(by)), field="by", value=by,
                         remedy=did_you_mean(by, _AXES))  # fmt: skip
    record, funnel = simulation.record(policy), simulation.funnel
    spend, bought = record.week_spend, record.week_bought
    # Nothing is bought for nothing, whatever its price.
    price = np.divide(spend, bought, out=np.ones_like(spend), where=bought > 0)
    totals = funnel.totals(spend, record.week_outcome, price).sum(axis=_AXES[by])
    lift = record.week_lift.sum(axis=_AXES[by])
    slope = np.divide(lift, totals.spend, out=np.full(np.shape(lift), np.nan),
                      where=np.asarray(totals.spend) > 0)  # fmt: skip
    names = {
        "channel": list(simulation.channels),
        "week": list(range(1, simulation.weeks + 1)),
        "total": ["total"],
    }
    columns = {name: getattr(totals, name) / simulation.runs for name in AMOUNTS}
    columns |= funnel.metrics(totals, slope)
    flat = {name: np.atleast_1d(values) for name, values in columns.items()}
    return pd.DataFrame({by: names[by], **flat})


def by_run(simulation: Simulation) -> pd.DataFrame:
    """Return one row for each policy and run, with every measure and the scenarios."""
    import pandas as pd

    shown = _shown(simulation)
    parts = []
    for policy in simulation.policies:
        columns = {"policy": policy, "run": np.arange(simulation.runs)}
        columns |= {name: simulation.by_run(name, policy) for name in shown}
        columns |= {f"happens: {name}": runs for name, runs in simulation.happens.items()}
        parts.append(pd.DataFrame(columns))
    return pd.concat(parts, ignore_index=True)


def by_week(simulation: Simulation) -> pd.DataFrame:
    """Return one row for each policy and week: means, and quantiles of the outcome."""
    import pandas as pd

    parts = []
    for policy in simulation.policies:
        columns = {"policy": policy, "week": np.arange(1, simulation.weeks + 1)}
        for name in _shown(simulation):
            kind = MEASURES[name]
            above = simulation.by_week(kind.above, policy).mean(axis=0)
            below = simulation.by_week(kind.below, policy).mean(axis=0) if kind.below else 1.0
            with np.errstate(divide="ignore", invalid="ignore"):
                columns[name] = np.where(np.asarray(below) == 0, np.nan, above / below)
        for chance in (0.05, 0.5, 0.95):
            band = simulation.quantiles("outcome", policy, chances=[chance], weekly=True)[0]
            columns[f"outcome {chance:.0%}"] = band
        parts.append(pd.DataFrame(columns))
    return pd.concat(parts, ignore_index=True)


def by_channel(simulation: Simulation) -> pd.DataFrame:
    """Return one row for each policy and channel: totals of a run, their mean and a band."""
    import pandas as pd

    parts = []
    for policy in simulation.policies:
        record = simulation.record(policy)
        columns: dict[str, Any] = {"policy": policy, "channel": list(simulation.channels)}
        for name, amounts in (("outcome", record.channel_outcome), ("spend", record.channel_spend)):
            low, high = np.quantile(amounts, [0.05, 0.95], axis=0)
            columns |= {name: amounts.mean(axis=0), f"{name} 5%": low, f"{name} 95%": high}
        parts.append(pd.DataFrame(columns))
    return pd.concat(parts, ignore_index=True)


def in_words(simulation: Simulation) -> list[Message]:
    """Return a few sentences: means with intervals, bad runs, and who is better by how much."""
    runs, weeks = simulation.runs, simulation.weeks
    head = say(
        "simulation-in-short",
        runs=say("one-run") if runs == 1 else say("count-runs", count=f"{runs:,}"),
        weeks=say("one-week") if weeks == 1 else say("count-weeks", count=weeks),
        channels=len(simulation.channels),
        seed=simulation.seed,
    )
    lines = [say("simulation-interrupted", head=head) if simulation.interrupted else head]
    for name, happened in simulation.happens.items():
        share = f"{np.mean(happened):.0%}"
        lines.append(say("scenario-share", name=quoted(name), share=share))
    lines += [_policy_in_words(simulation, policy) for policy in simulation.policies]
    lines += [_against_first(simulation, other) for other in simulation.policies[1:]]
    return [*lines, *(say("note-line", note=note) for note in simulation.notes)]


_GOALS = {
    "outcome": say("outcome"),
    "weights": say("weighted-outcome"),
    "profit": say("profit"),
}
"""What a policy brings more than another, by the plan's goal; the least money has its own words."""


def _against_first(simulation: Simulation, other: str) -> Message:
    """Return what a policy brings more than the first, in two parts where their money differs."""
    first = simulation.policies[0]
    gap = simulation.difference(other, first, measure="goal")
    if simulation.goal == "least-spend":
        return _against_on_target(simulation, other, gap)
    said = say(
        "policy-returns-more",
        policy=other,
        first=first,
        gap=show_figure(gap.mean),
        what=_GOALS[simulation.goal],
        share=f"{gap.share_better:.0%}",
        **_ends(gap.low, gap.high, gap.level),
    )
    parts = simulation.parts(other)
    if parts is None:
        return said
    spends = [simulation.mean("spend", name).mean for name in (first, other)]
    more = spends[1] - spends[0]
    money, split = (show_figure(part.mean) for part in parts)
    values = {"money": money, "split": split, "change": show_figure(abs(more)), "first": first}
    due = say("due-to-more-money" if more > 0 else "due-to-less-money", **values)
    return say("two-sentences", one=said, other=due)


def _ends(low: float, high: float, level: float) -> dict[str, str]:
    """Return the ends of an interval as text."""
    return {"low": show_figure(low), "high": show_figure(high), "level": f"{level:.0%}"}


def _against_on_target(simulation: Simulation, other: str, gap: Difference) -> Message:
    """Return what a policy takes less than the first, and how often both miss the target."""
    first = simulation.policies[0]
    mine, theirs = (simulation.on_target(name) for name in (other, first))
    return say(
        "policy-takes-money",
        policy=other,
        first=first,
        # The goal is minus the money.
        gap=show_figure(-gap.mean, sign=True),
        target=show_figure(simulation.target or 0.0),
        missed=f"{mine.missed:.0%}",
        short=show_figure(mine.short),
        first_missed=f"{theirs.missed:.0%}",
        first_short=show_figure(theirs.short),
        **_ends(-gap.high, -gap.low, gap.level),
    )


def _policy_in_words(simulation: Simulation, policy: str) -> Message:
    mean = simulation.mean("outcome", policy)
    low, high = simulation.quantiles("outcome", policy, chances=(0.05, 0.95))
    values = {
        "policy": policy,
        "mean": show_figure(mean.mean),
        "half": show_figure(mean.half, 2),
        "low": show_figure(low),
        "high": show_figure(high),
        "worst": show_figure(simulation.cvar("outcome", policy)),
        "spend": show_figure(simulation.mean("spend", policy).mean),
        "chance": f"{simulation.chance_of_overspend(policy).mean:.0%}",
    }
    if not simulation.has_regret:
        return say("policy-outcome", **values)
    regret = show_figure(simulation.mean("regret", policy).mean)
    return say("policy-outcome-regret", **values, regret=regret)


def _shown(simulation: Simulation) -> list[str]:
    return [name for name in MEASURES if name != "regret" or simulation.has_regret]
