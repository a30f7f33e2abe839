r"""Where the plan's dated targets stand, and where they are heading.

`target_statuses` measures each target on the weeks that are known, and forecasts the weeks to come
from the belief: the split decided stays, scaled to the money and the demand of every later week.

Each draw of the curves gives one future, whose weeks vary as the last ones did around the mean
curves:

.. math::
    Y = \sum_t d_t \sum_i f_i(x_{it}) \, e^{s z_t - s^2/2}, \qquad z_t \sim N(0, 1)

so that the range covers what is not known of the curves and what differs from week to week. It does
not cover a change of the market, nor changes of the split that later weeks decide.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal, NamedTuple, Self

import numpy as np

from budgetopt.arrays import Floats
from budgetopt.calendar import Week, as_date
from budgetopt.curves import Curve
from budgetopt.history import History
from budgetopt.i18n import Message, restored, round_known, say, show_figure
from budgetopt.optimize import Allocation, draws_of
from budgetopt.plan import Plan, Ratio, Target, ratio_of_target

TargetState = Literal["on-track", "behind", "out-of-reach", "reached", "missed", "unknown"]

DRAWS = 1000
"""Draws of the future that a range is read from."""
_ENDS = (0.1, 0.5, 0.9)
"""Quantiles: the ends of the range of 80 %, and the middle."""
_LATE = 13
"""Weeks from which it is read how much weeks vary around the curves."""
_LIKELY, _HARDLY = 0.5, 0.1
"""Chances from which on a target is on track, and below which it is out of reach."""
Known = dict[dt.date, tuple[Floats, Floats]]
"""Spend and outcome by channel of the weeks that are known, by their first day."""


@dataclass(frozen=True)
class TargetStatus:
    """Where a target stands, and where it is heading.

    Parameters
    ----------
    name
        What is measured.
    wanted
        The value in words.
    first, by
        The first and the last day that count.
    needed
        The value to reach, where it is a change that of the days before times the change; None
        where it is not known.
    at_most
        Whether less is better.
    so_far
        The metric on the days that are known; None before any are.
    known
        Share of the days that are known, 0 to 1.
    forecast, low, high
        Median and range of 80 % of the metric over all days; None where it cannot be measured.
    chance
        Share of the futures that reach it.
    share
        Whether the metric is a share, to be shown in percent.
    """

    name: str
    wanted: str
    first: str
    by: str
    needed: float | None
    at_most: bool
    so_far: float | None
    known: float
    forecast: float | None
    low: float | None
    high: float | None
    chance: float | None
    share: bool = False

    @property
    def state(self) -> TargetState:
        """Where it is heading; once all days are known, whether it is reached."""
        if self.chance is None:
            return "unknown"
        if self.known == 1.0:
            return "reached" if self.chance else "missed"
        if self.chance < _HARDLY:
            return "out-of-reach"
        return "on-track" if self.chance >= _LIKELY else "behind"

    def shown(self, value: float | None) -> str:
        """Return a forecast of the metric, to the digits that its range leaves known."""
        if value is None:
            return ""
        width = 0.0 if self.low is None or self.high is None else self.high - self.low
        return _shown(round_known(value, width), share=self.share)

    def measured(self) -> str:
        """Return the metric on the days that are known; nothing before any are."""
        return "" if self.so_far is None else _shown(self.so_far, share=self.share)

    def goal(self) -> str:
        """Return the value in words, with the number that a change comes to."""
        change = isinstance(self.wanted, Message) and "change" in self.wanted.values
        if self.needed is None or not change:
            return self.wanted
        needed = _shown(self.needed, share=self.share)
        return say("number-as-wanted", value=needed, wanted=self.wanted)

    def sentence(self) -> Message:
        """Return the target in words."""
        return say(
            "target-sentence", metric=self.name, wanted=self.wanted, first=self.first, by=self.by
        )

    def to_dict(self) -> dict[str, Any]:
        """Return plain data that `from_dict` takes, and the state."""
        return asdict(self) | {"name": str(self.name), "wanted": str(self.wanted),
                               "state": self.state}  # fmt: skip

    @classmethod
    def from_dict(cls, data: Mapping[str, Any], words: Mapping[str, Any]) -> Self:
        """Return the status of `to_dict`; `words` says how its texts were made."""
        kept = {name: value for name, value in data.items() if name != "state"}
        texts = {name: restored(data[name], words) for name in ("name", "wanted")}
        return cls(**kept | texts)


def _shown(value: float, *, share: bool) -> str:
    return f"{show_figure(100 * value, 3)}%" if share else show_figure(value, 4)


def target_statuses(
    plan: Plan, history: History, belief: Any, allocation: Allocation, week: Week, seed: int
) -> tuple[TargetStatus, ...]:
    """Return where each target of a plan stands, by the weeks before one that is decided.

    Parameters
    ----------
    plan
        As it is declared, for all weeks.
    history
        The weeks known, of the plan's channels; only whole ones before the one decided are used.
    belief
        What was learned from them.
    allocation
        The split decided.
    week
        Its week.
    seed
        Seed of the draws.
    """
    if not plan.targets:
        return ()
    known = _known_weeks(plan, history.until(week.start).complete())
    drawn: Any = draws_of(plan, belief, DRAWS, seed)
    mean = belief.mean()
    if belief.channels != plan.names:
        place = {name: at for at, name in enumerate(belief.channels)}
        mean = mean.take([place[name] for name in plan.names])
    split = np.array([float(money) for money in allocation.spend.values()])
    share = split / max(float(allocation.budget), 1e-9)
    ahead = _Ahead(plan, drawn, week.start, split, share, _noise(plan, known, mean), seed)
    return tuple(_status(plan, target, known, ahead) for target in plan.targets)


def measured_so_far(plan: Plan, target: Target, history: History) -> str | None:
    """Return a target's metric on the days that a history knows, as text; None before any."""
    known = _known_weeks(plan, history.complete())
    days = _days_by_week(target.start, target.by, plan.week_start)
    past = [(share, *known[start]) for start, share in days if start in known]
    value = _metric(ratio_of_target(plan, target), past) if past else None
    if value is None:
        return None
    return _shown(float(value), share=_is_share(target))


def _is_share(target: Target) -> bool:
    return target.metric == "conversion-rate"


class _Ahead(NamedTuple):
    """The weeks to come: curves drawn, this week's split, and its shares of the week's money."""

    plan: Plan
    drawn: Curve
    decided: dt.date
    split: Floats
    share: Floats
    noise: float
    seed: int

    def week(self, start: dt.date) -> tuple[Floats, Floats]:
        """Return spend by channel and draws of the outcome, ``(draws, channels)``, of a week."""
        week, money = Week(start), self.split
        if start != self.decided:
            money = self.share * self.plan.on(week).weekly
        rng = np.random.default_rng([self.seed, start.toordinal()])
        varied = np.exp(self.noise * rng.standard_normal((DRAWS, 1)) - 0.5 * self.noise**2)
        # Where every curve is pinned there is one draw, without an axis of its own.
        return money, self.plan.demand_of(week) * np.atleast_2d(self.drawn.value(money)) * varied


def _known_weeks(plan: Plan, history: History) -> Known:
    """Return spend and outcome of every week that is known, completed where outcomes are late.

    The outcome is by channel, or one number where that is all that is known. A channel that was
    never reported spent nothing.
    """
    never = np.isnan(history.spend).all(axis=0)
    spend = np.where(never, 0.0, history.spend)
    if history.outcome is None:
        assert history.total is not None
        outcome, names = history.total[:, None], None
    else:
        outcome, names = np.where(never, 0.0, history.outcome), history.channels
    if plan.delay is not None:
        outcome = outcome / plan.delay.share(history.ages[:, None], names)
    whole = np.isfinite(spend).all(axis=1) & np.isfinite(outcome).all(axis=1)
    return {
        as_date(history.weeks[at], "week"): (spend[at], outcome[at])
        for at in np.flatnonzero(whole).tolist()
    }


def _noise(plan: Plan, known: Known, mean: Curve) -> float:
    """Return how much the last weeks varied around the mean curves, of the log of their sums."""
    apart = []
    for start in sorted(known)[-_LATE:]:
        spend, outcome = known[start]
        expected = plan.demand_of(Week(start)) * float(mean.value(spend).sum())
        found = float(outcome.sum())
        if expected > 0 and found > 0:
            apart.append(np.log(found / expected))
    return float(np.std(apart, ddof=1)) if len(apart) > 1 else 0.0


def _status(plan: Plan, target: Target, known: Known, ahead: _Ahead) -> TargetStatus:
    """Return where one target stands."""
    ratio = ratio_of_target(plan, target)
    days = _days_by_week(target.start, target.by, plan.week_start)
    past = [(share, *known[start]) for start, share in days if start in known]
    needed = _needed(target, ratio, known, plan.week_start)
    so_far = _metric(ratio, past) if past else None
    made: dict[str, Any] = {
        "name": target.name(plan.outcome),
        "wanted": target.wanted(),
        "first": str(target.start),
        "by": str(target.by),
        "needed": needed,
        "at_most": target.at_most,
        "so_far": None if so_far is None else float(so_far),
        "known": sum(share for share, *_ in past) / sum(share for _, share in days),
        "share": _is_share(target),
    }
    rest = [(share, *ahead.week(start)) for start, share in days if start not in known]
    every = _metric(ratio, [*past, *rest])
    if needed is None or every is None or not np.isfinite(every).all():
        return TargetStatus(**made, forecast=None, low=None, high=None, chance=None)
    low, middle, high = map(float, np.quantile(every, _ENDS))
    reached = np.mean(every <= needed if target.at_most else every >= needed)
    return TargetStatus(**made, forecast=middle, low=low, high=high, chance=float(reached))


def _needed(target: Target, ratio: Ratio, known: Known, week_start: str) -> float | None:
    """Return the value to reach, of a change that of as many days right before, changed."""
    if target.change is None:
        return float(target.value)
    last = target.start - dt.timedelta(days=1)
    days = _days_by_week(last - dt.timedelta(days=target.days - 1), last, week_start)
    if any(start not in known for start, _ in days):
        return None
    before = _metric(ratio, [(share, *known[start]) for start, share in days])
    return None if before is None else float(before) * (1 + float(target.change))


def _days_by_week(first: dt.date, last: dt.date, week_start: str) -> list[tuple[dt.date, float]]:
    """Return the weeks that some days lie in, each with the share of its days that do."""
    week, found = Week.of(first, week_start), []
    while week.start <= last:
        days = (min(last, week.end) - max(first, week.start)).days + 1
        found.append((week.start, days / 7))
        week = week.shift(1)
    return found


def _metric(ratio: Ratio, weeks: Iterable[tuple[float, Floats, Floats]]) -> Any:
    """Return a metric over weeks: a number, or one for each draw.

    None where one total of all channels does not say it, since they count differently.
    """
    above, below = np.float64(0.0), np.float64(0.0)
    for share, spend, outcome in weeks:
        sides = [_weighed(weight, spend, outcome) for weight in ratio if weight is not None]
        if any(side is None for side in sides):
            return None
        above = above + share * sides[0]
        below = below + share * sides[-1]
    if ratio.below is None:
        return above
    return np.where(below > 0, above / np.where(below > 0, below, 1.0), np.inf)


def _weighed(weight: Floats | str, spend: Floats, outcome: Floats) -> Any:
    if isinstance(weight, str):
        return float(spend.sum())
    if outcome.shape[-1] == weight.size:
        return outcome @ weight
    return weight[0] * outcome[..., 0] if (weight == weight[0]).all() else None
