"""Backtest: every past week decided again, with only what was known before it.

- `backtest` is the call; `known_before` is what a history said on the morning of a week;
- `Backtest` is the answer: its `PastWeek` rows, a `ChannelRecord` of one-week-ahead forecasts for
  each channel and for all together, the calibration of the bands, and a `PolicyRecord` for each
  policy: how far its advice lay from what was done, and what it would have been worth.

A decision of a week is made from the rows before it and from the money that was spent in it, which
somebody had set beforehand: no other row can change it. Each week starts from what was really done
in the week before, so that the gains are of single steps and add up no further.

What this cannot say. Nobody saw what the advice would have brought. The gain is read off the curves
that *all* weeks teach, later ones too, at the money that was spent; it is a posterior given those
weeks, and as good as the model. Where most of the money would have gone to spends that no week ever
tried, these curves are the prior's and the gain is None. What a plan declares counts as known from
the beginning, save lift tests that ended later.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from budgetopt.arguments import public
from budgetopt.arrays import Floats
from budgetopt.belief import LEVEL, Belief, Calibration, Estimate, Settings, learn
from budgetopt.belief.learning import forecast
from budgetopt.calendar import Week, as_date
from budgetopt.errors import BudgetoptError, HistoryError, InputError
from budgetopt.history import Delay, History
from budgetopt.i18n import Message, in_language, listed, quoted, say
from budgetopt.notebook import Card, Shown, brief
from budgetopt.optimize import objective_of, whole_weeks
from budgetopt.plan import Plan, Reserve, as_count, unused
from budgetopt.policies import HoldSteady, Policy, as_policy, default_policy
from budgetopt.weekly.reallocate import belief_for, reallocate

if TYPE_CHECKING:
    import pandas as pd

LEVELS = (0.5, 0.8, 0.95)
"""Bands whose calibration is told."""
_FIRST = 8
"""Weeks before the first one that is decided: they centre the priors."""
_DRAWS = 500
"""Curves drawn for the gain's range."""
_MOST_UNTRIED = 0.5
"""Share of the moved money beyond all spends ever tried from which the gain is not known."""
_NAMED = 6
SCHEMA = 1
"""Version of the plain form."""


@brief
@dataclass(frozen=True, eq=False)
class PastWeek:
    """One past week: what was done, what was expected of it, and what policies advised.

    Parameters
    ----------
    start
        First day.
    spend
        What was spent, shape ``(channels,)``; 0 where nothing ever was.
    outcome, expected, rank
        What came of it, what was expected of it one week ahead, and the share of that prediction
        that lies below the outcome, shape ``(channels,)``; NaN where there was no spend, or one
        total is all.
    usual
        What the channel's return per unit in the week before would have brought: a forecast
        without any model.
    advised
        By policy what it would have spent, shape ``(channels,)``.
    failed
        By policy the code of the error in its place.
    """

    start: dt.date
    spend: Floats
    outcome: Floats
    expected: Floats
    rank: Floats
    usual: Floats
    advised: dict[str, Floats]
    failed: dict[str, str]


@dataclass(frozen=True)
class ChannelRecord:
    """How well one channel was forecast one week ahead; all together where `channel` is empty.

    Parameters
    ----------
    channel
        Its name.
    weeks
        Weeks that were forecast.
    outcome, expected
        What came in them, and what was expected, in all.
    error, usual_error
        Mean absolute error of a week over the mean outcome, of the forecast and of last week's
        return on the same money.
    inside
        Share of the outcomes inside the band of the backtest's level.
    """

    channel: str
    weeks: int
    outcome: float
    expected: float
    error: float
    usual_error: float
    inside: float


@dataclass(frozen=True)
class PolicyRecord:
    """What a policy's advice was, against what was done.

    Parameters
    ----------
    policy
        Its name.
    weeks
        Weeks it decided.
    failed
        Codes of errors with the weeks that had them.
    moved
        Share of the money that it would have placed otherwise, on average.
    spent
        Money that it would have spent, over what was spent.
    untried
        Share of that otherwise placed money that would have gone beyond the spends of all weeks.
    gain
        What its splits would have brought more, at the money that was spent, as a share of what the
        splits that were made brought by the same curves; None where that cannot be known.
    """

    policy: str
    weeks: int
    failed: tuple[tuple[str, int], ...]
    moved: float
    spent: float
    untried: float
    gain: Estimate | None


@public
@dataclass(frozen=True, eq=False, repr=False)
class Backtest(Shown):
    """Past weeks decided again, with the record of forecasts, bands and advice.

    Parameters
    ----------
    channels
        Names, in the plan's order.
    weeks
        The weeks that were decided, in order.
    policies
        What each policy's advice was; the first is the one that is asked about.
    records
        Forecasts by channel, and of all together at the end; none with one total outcome.
    calibration
        Outcomes inside bands of 50, 80 and 95 %.
    level
        Chance inside the bands of `records` and the ranges of gains.
    source
        ``"channel"`` or ``"total"``: which outcomes the history has.
    currency
        Code.
    notes
        What a reader should know.
    """

    channels: tuple[str, ...]
    weeks: tuple[PastWeek, ...]
    policies: tuple[PolicyRecord, ...]
    records: tuple[ChannelRecord, ...]
    calibration: tuple[Calibration, ...]
    level: float
    source: str
    currency: str
    notes: tuple[str, ...] = ()

    def to_frame(self) -> pd.DataFrame:
        """Return one row a week and channel; advice in one column a policy."""
        import pandas as pd

        count = len(self.channels)
        columns: dict[str, Any] = {
            "week": np.repeat([np.datetime64(w.start, "s") for w in self.weeks], count),
            "channel": list(self.channels) * len(self.weeks),
        }
        for name in ("spend", "outcome", "expected", "usual", "rank"):
            columns[name] = np.concatenate([getattr(week, name) for week in self.weeks])
        for one in self.policies:
            none = np.full(count, np.nan)
            advised = [week.advised.get(one.policy, none) for week in self.weeks]
            columns[f"advised by {one.policy}"] = np.concatenate(advised)
        return pd.DataFrame(columns)

    def to_dict(self) -> dict[str, Any]:
        """Return it as plain data for JSON, None for what is not known."""
        return {
            "schema_version": SCHEMA,
            "channels": list(self.channels),
            "currency": self.currency,
            "source": self.source,
            "level": self.level,
            "policies": [
                _plain(asdict(one) | {"failed": dict(one.failed)}) for one in self.policies
            ],
            "records": [_plain(asdict(one)) for one in self.records],
            "calibration": [
                {"level": one.level, "inside": one.inside, "outcomes": one.outcomes}
                for one in self.calibration
            ],
            "weeks": [self._week(week) for week in self.weeks],
            "notes": [in_language(note, "en") for note in self.notes],
        }

    def _week(self, week: PastWeek) -> dict[str, Any]:
        def by_channel(values: Floats) -> Any:
            return _plain(dict(zip(self.channels, values.tolist(), strict=True)))

        figures = ("spend", "outcome", "expected", "usual", "rank")
        return {
            "week": str(week.start),
            **{name: by_channel(getattr(week, name)) for name in figures},
            "advised": {name: by_channel(spend) for name, spend in week.advised.items()},
            "failed": dict(week.failed),
        }

    def _card(self) -> Card:
        first, last = str(self.weeks[0].start), str(self.weeks[-1].start)
        rows = [
            (one.policy, str(one.weeks), f"{one.moved:.1%}", shown_gain(one.gain))
            for one in self.policies
        ]
        heads = (say("policy"), say("week-count"), say("placed-otherwise"), say("gain"))
        title = say("backtest-title", weeks=len(self.weeks), first=first, last=last)
        return Card(title, heads, rows)


def shown_gain(gain: Estimate | None) -> str:
    """Return a gain with its range as text; a question mark where it cannot be known."""
    if gain is None:
        return "?"
    return f"{gain.mean:+z.1%} ({gain.low:+z.1%} ... {gain.high:+z.1%})"


def _plain(value: Any) -> Any:
    """Return a table with None for NaN, which JSON does not know."""
    if isinstance(value, dict):
        return {name: _plain(part) for name, part in value.items()}
    return None if isinstance(value, float) and not np.isfinite(value) else value


@public
def backtest(
    plan: Plan,
    history: History,
    *,
    policies: Sequence[Policy | str] | None = None,
    weeks: int | None = None,
    seed: int = 0,
    settings: Settings | None = None,
    level: float = LEVEL,
) -> Backtest:
    r"""Decide every past week again, with only what was known before it.

    In week ``t`` the policy splits the money :math:`B_t` that was spent, from the weeks before as
    they were reported then. With its advice :math:`a_{it}`, scaled to :math:`B_t`, what was done
    :math:`d_{it}`, the demand :math:`q_t` that the plan declares, and what the goal counts an
    outcome of a channel for, :math:`w_i`, its gain is

    .. math::
        G = \sum_t q_t \sum_i w_i (f_i(a_{it}) - f_i(d_{it}))
            \Big/ \sum_t q_t \sum_i w_i f_i(d_{it})

    over draws of the curves :math:`f_i` that all weeks teach. One draw holds in all weeks, so that
    the range does not shrink with their number alone. At the same money profits differ by the value
    of the outcomes alone; a goal of least spend counts every outcome alike.

    Parameters
    ----------
    plan
        Channels and limits, as they are today; each week's budget is what was spent in it, without
        reserve or phases.
    history
        The past; weeks that are not over are left out.
    policies
        How to decide, or names, the first being the one that is asked about; by default that of
        `reallocate`, and `HoldSteady` beside it.
    weeks
        How many of the last weeks to decide again; by default all that have eight before them.
    seed
        Seed of the policies' random numbers and of the range's draws.
    settings
        Grids and priors of `learn`.
    level
        Chance inside bands and ranges, between 0 and 1.

    Raises
    ------
    HistoryError
        ``no-data`` where no week could be decided; else as `learn`.
    InputError
        ``bad-argument``.

    Notes
    -----
    A week that a policy cannot decide within the plan's limits is counted under the error's code,
    and weeks whose spends are not all reported are left out. With a declared delay of outcomes, a
    week is known as far as the delay says that it was reported by then; the delay itself counts as
    known.

    References
    ----------
    Dawid (1984), Statistical theory: the prequential approach. Tashman (2000), Out-of-sample tests
    of forecasting accuracy: rolling origins.
    """
    if not 0.0 < level < 1.0:
        remedy = say("remedy-share-between-0")
        raise InputError(
            "bad-argument", say("level", level=repr(level)), field="level", remedy=remedy
        )
    asked = (default_policy(history), HoldSteady()) if policies is None else tuple(policies)
    chosen = {policy.name: policy for policy in map(as_policy, asked)}
    if not chosen:
        raise InputError(
            "bad-argument", say("no-policies"), field="policies", remedy=say("remedy-name-least")
        )
    past = whole_weeks(history.select(plan.names, plan.currency), dt.date.max)
    count = past.weeks.size - _FIRST if weeks is None else as_count(weeks, "weeks", 5200)
    first = max(past.weeks.size - count, _FIRST)
    if first >= past.weeks.size:
        raise HistoryError(
            "no-data",
            say("history-complete-weeks", size=past.weeks.size),
            field="history",
            value=int(past.weeks.size),
            remedy=say("remedy-least-next-decided-first", first=_FIRST + 1, first_2=_FIRST),
        )
    learned = learn(past, plan, settings=settings)
    then = _Then(plan, past, learned.settings)
    decided = [w for at in range(first, past.weeks.size) if (w := then.week(at, chosen, seed))]
    gone = past.weeks.size - first - len(decided)
    if not any(week.advised for week in decided):
        codes = sorted({code for week in decided for code in week.failed.values()})
        raise HistoryError(
            "no-data",
            say("no-week-could", listed=listed(codes) or say("spends-not-reported")),
            field="history",
            value=tuple(codes),
            remedy=say("remedy-check-plan-s"),
        )
    records = tuple(_records(past.channels, decided, level)) if learned.walked else ()
    judged = tuple(_judged(name, plan, decided, learned, (seed, level)) for name in chosen)
    notes = (*_notes(judged, learned, gone, level), *unused(plan, "backtest", learned))
    return Backtest(
        channels=past.channels,
        weeks=tuple(decided),
        policies=judged,
        records=records,
        calibration=tuple(_calibrations(decided)) if learned.walked else (),
        level=level,
        source=learned.source,
        currency=plan.currency,
        notes=notes,
    )


def known_before(history: History, week: dt.date, delay: Delay | None = None) -> History:
    r"""Return what a history said on the first morning of a week.

    Without a delay these are the weeks before it. With one, an outcome that is reported as ``y``
    now, at an age where the share :math:`F(a)` of a week's outcome is there, was
    :math:`y\,F(a')/F(a)` at its age :math:`a'` then, on average. A week that was younger than the
    youngest age known had at most what it had at that age; learning leaves it out.

    Parameters
    ----------
    history
        As it is known today.
    week
        First day of a week.
    delay
        How outcomes keep arriving; None where every week is complete at once.
    """
    kept, yesterday = history.until(week), week - dt.timedelta(days=1)
    if delay is None:
        return replace(kept, data_through=yesterday)
    now = kept.ages[:, None]
    then = replace(kept, data_through=yesterday).ages[:, None]
    names = None if kept.outcome is None else kept.channels
    youngest = delay.ages[0]
    share = delay.share(np.maximum(then, youngest), names)
    share = share / delay.share(np.maximum(now, youngest), names)
    if kept.outcome is None:
        return replace(kept, total=np.asarray(kept.total) * share[:, 0], data_through=yesterday)
    return replace(kept, outcome=kept.outcome * share, data_through=yesterday)


class _Then:
    """The weeks one after another, with a belief that never saw a later one.

    Where outcomes arrive late, what is known of the weeks that were complete is carried on, and the
    young ones are learned from anew every week.
    """

    def __init__(self, plan: Plan, past: History, settings: Settings) -> None:
        self._plan, self._past, self._settings = plan, past, settings
        self._complete: Belief | None = None

    def week(self, at: int, policies: dict[str, Policy], seed: int) -> PastWeek | None:
        """Return one week decided again; None where what was spent in it is not known."""
        past = self._past
        start = as_date(past.weeks[at], "week")
        spend = past.spend[at]
        before = np.isfinite(past.spend[:at]).any(axis=0)
        if np.any(np.isnan(spend) & before) or not np.nansum(spend) > 0:
            return None
        tests = tuple(t for t in self._plan.lift_tests if t.ended is None or t.ended < start)
        plan = replace(self._plan, lift_tests=tests)
        advised: dict[str, Floats] = {}
        failed: dict[str, str] = {}
        nothing = np.full(len(past.channels), np.nan)
        ahead = _Ahead(nothing, nothing)
        try:
            known = known_before(past, start, plan.delay)
            belief = self._learned(plan, known, start)
            ahead = self._ahead(belief, at)
        except BudgetoptError as error:
            failed = dict.fromkeys(policies, error.code)
        for name, policy in policies.items() if not failed else ():
            try:
                budget = plan.money.amount(plan.money.nearest(float(np.nansum(spend))))
                decision = reallocate(
                    _with_budget(plan, budget), known, week=start, policy=policy, seed=seed,
                    belief=belief,
                )  # fmt: skip
                split = decision.allocation.spend
                advised[name] = np.array([float(split[c]) for c in past.channels])
            except BudgetoptError as error:
                failed[name] = error.code
        outcome = nothing if past.outcome is None else past.outcome[at]
        usual = _usual(past, at)
        return PastWeek(start, np.nan_to_num(spend), outcome, *ahead, usual, advised, failed)

    def _learned(self, plan: Plan, known: History, start: dt.date) -> Belief:
        """Return what the weeks that were known then say."""
        delay = plan.delay
        old = known
        if delay is not None:
            young = known.weeks[known.ages < delay.ages[-1]]
            old = known.until(as_date(young[0], "week")) if young.size else known
        if old.weeks.size < _FIRST:
            return learn(known, plan, settings=self._settings)
        if self._complete is None:
            self._complete = learn(old, plan, settings=self._settings)
        else:
            self._complete = belief_for(plan, old, start, self._complete)
        return self._complete if delay is None else self._complete.updated(known)

    def _ahead(self, belief: Belief, at: int) -> _Ahead:
        """Return what was expected of a week's spends, and where the outcomes lay in that."""
        past = self._past
        if belief.walked is None:
            return _Ahead(*np.full((2, len(past.channels)), np.nan))
        now = past.until(Week(as_date(past.weeks[at], "week")).shift(1).start)
        return _Ahead(*forecast(belief.walked, belief.posterior, belief.log.extended(now)))


class _Ahead(NamedTuple):
    """What was expected of a week, and the ranks of its outcomes, as `PastWeek` has them."""

    expected: Floats
    rank: Floats


def _with_budget(plan: Plan, budget: Any) -> Plan:
    """Return the plan of a week that had so much money, whatever is budgeted today."""
    operation = replace(plan.operation, phases=(), releases=())
    return replace(plan, budget=budget, reserve=Reserve(), operation=operation, targets=())


def _usual(past: History, at: int) -> Floats:
    """Return what each channel's last known return per unit would bring, NaN where none is."""
    usual = np.full(len(past.channels), np.nan)
    if past.outcome is None:
        return usual
    spend, outcome = past.spend[:at], past.outcome[:at]
    for channel in np.flatnonzero(np.nan_to_num(past.spend[at]) > 0):
        known = (spend[:, channel] > 0) & np.isfinite(outcome[:, channel])
        if known.any():
            last = np.flatnonzero(known)[-1]
            roas = outcome[last, channel] / spend[last, channel]
            usual[channel] = roas * past.spend[at, channel]
    return usual


def _records(
    channels: Sequence[str], weeks: Sequence[PastWeek], level: float
) -> Iterator[ChannelRecord]:
    """Yield the record of each channel, then that of all together."""
    outcome, expected, usual, rank = (
        np.stack([getattr(week, name) for week in weeks])
        for name in ("outcome", "expected", "usual", "rank")
    )
    known = np.isfinite(expected)
    inside = np.abs(rank - 0.5) <= 0.5 * level

    def record(name: str, parts: Sequence[Floats], within: float) -> ChannelRecord:
        came, said, naive = parts
        both = np.isfinite(naive)
        error, usual_error = _error(came, said), _error(came[both], naive[both])
        sums = float(came.sum()), float(said.sum())
        return ChannelRecord(name, came.size, *sums, error, usual_error, within)

    for at, name in enumerate(channels):
        some = known[:, at]
        if some.any():
            parts = [each[some, at] for each in (outcome, expected, usual)]
            yield record(name, parts, float(inside[some, at].mean()))
    # A week without a usual return of some channel has none of the whole.
    together = [np.where(known, each, 0.0).sum(axis=1) for each in (outcome, expected, usual)]
    some = known.any(axis=1)
    if some.any():
        within = float(inside[known].mean())
        yield record("", [each[some] for each in together], within)


def _error(came: Floats, said: Floats) -> float:
    """Return the mean absolute error over the mean outcome, NaN where nothing came."""
    return float(np.abs(came - said).sum() / came.sum()) if came.sum() > 0 else float("nan")


def _calibrations(weeks: Sequence[PastWeek]) -> Iterator[Calibration]:
    """Yield how many outcomes lay inside the bands that were held against them."""
    ranks = np.concatenate([week.rank for week in weeks])
    ranks = ranks[np.isfinite(ranks)]
    for level in LEVELS:
        inside = int(np.sum(np.abs(ranks - 0.5) <= 0.5 * level))
        yield Calibration(level, inside, int(ranks.size))


def _judged(
    name: str, plan: Plan, weeks: Sequence[PastWeek], learned: Belief, asked: tuple[int, float]
) -> PolicyRecord:
    """Return what a policy's advice was worth by the curves that all weeks teach."""
    decided = [week for week in weeks if name in week.advised]
    codes = [week.failed[name] for week in weeks if name in week.failed]
    failed = tuple((code, codes.count(code)) for code in sorted(set(codes)))
    if not decided:
        return PolicyRecord(name, 0, failed, np.nan, np.nan, np.nan, None)
    done = np.stack([week.spend for week in decided])
    given = np.stack([week.advised[name] for week in decided])
    money, total = done.sum(axis=1), given.sum(axis=1)
    same = given * (money / np.where(total > 0, total, 1.0))[:, None]
    apart = 0.5 * np.abs(same - done)
    low, high = learned.spend_range.T
    tried = (same <= high) & ((same >= low) | (same == 0))
    untried = float(np.sum(apart, where=~tried) / max(apart.sum(), 1e-300))
    seed, level = asked
    known = untried <= _MOST_UNTRIED
    demand = [plan.demand_of(Week(week.start)) for week in decided]
    weight, _ = objective_of(plan)
    counts = np.array(demand)[:, None] * (weight if weight.any() else 1.0 + weight)
    gain = _gain(learned, same, done, counts, seed, level) if known else None
    moved = float(np.mean(apart.sum(axis=1) / money))
    return PolicyRecord(
        name, len(decided), failed, moved, float(total.sum() / money.sum()), untried, gain
    )


def _gain(
    learned: Belief, advised: Floats, done: Floats, counts: Floats, seed: int, level: float
) -> Estimate:
    """Return the mean gain over draws of the curves, by what outcomes count for, and its range."""
    curves = learned.draw(np.random.default_rng([seed, 1]), _DRAWS)
    more, base = np.zeros(_DRAWS), np.zeros(_DRAWS)
    for there, here, each in zip(advised, done, counts, strict=True):
        brought = curves.value(here) @ each
        more += curves.value(there) @ each - brought
        base += brought
    ends = 0.5 - 0.5 * level, 0.5 + 0.5 * level
    share = more / base
    return Estimate(float(share.mean()), *map(float, np.quantile(share, ends)))


def _notes(
    judged: Sequence[PolicyRecord], learned: Belief, gone: int, level: float
) -> tuple[Message, ...]:
    """Say what the figures do not tell by themselves."""
    said: list[Message] = [say("backtest-gain-means")]
    for one in judged:
        name, gain = quoted(one.policy), one.gain
        if one.failed:
            codes = [say("backtest-code", code=code, weeks=n) for code, n in one.failed]
            said.append(say("backtest-failed", policy=name, codes=listed(codes, _NAMED)))
        if gain is None and one.weeks:
            share = f"{one.untried:.0%}"
            said.append(say("backtest-untried", policy=name, share=share))
        elif gain is not None and gain.low <= 0 <= gain.high:
            said.append(say("backtest-no-difference", policy=name, level=f"{level:.0%}"))
    if learned.walked is None:
        said.append(say("backtest-one-total"))
    if gone:
        said.append(say("backtest-weeks-left-out", weeks=gone))
    return tuple(said)
