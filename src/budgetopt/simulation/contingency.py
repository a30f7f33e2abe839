"""A simulated week's limits, and what the plan does about them when a scenario happens.

- `Limits`: least and most money by channel and the budget, for all runs at once. The same rules as
  `budgetopt.plan.bounds_of` in money instead of minor units. Where the live week would refuse, a
  simulation has to go on, by a fixed order of precedence: a floor or cap beats the change limit, a
  closed channel beats its floor, and where the money does not even cover what must be spent, first
  the change limit and then the floors give way in proportion;
- `Contingency`: reserve released, channels paused, others opened while a scenario is at work;
  `contingencies_of` reads the tables ``[[contingencies]]`` of a plan file.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, NamedTuple, Self

import numpy as np

from budgetopt.arrays import Bools, Floats
from budgetopt.errors import InputError, PlanError, VerificationError, as_number, did_you_mean
from budgetopt.i18n import Message, say, show_figure
from budgetopt.market import RISKS, Conditions, Weather, known, scenarios_of, whole, wrong
from budgetopt.notebook import short
from budgetopt.plan import Plan


class WeekLimits(NamedTuple):
    """Limits of one week.

    Parameters
    ----------
    lower, upper
        Money, shape ``(runs, channels)``.
    budget
        Money, shape ``(runs,)``.
    test
        Money of the test reserve, shape ``(runs,)``.
    gave_way
        Runs in which limits gave way because the money does not cover them, shape ``(runs,)``.
    """

    lower: Floats
    upper: Floats
    budget: Floats
    test: Floats
    gave_way: Bools

    def of_run(self, run: int) -> WeekLimits:
        """Return the limits of one run, beside no other."""
        some = slice(run, run + 1)
        return WeekLimits(self.lower[some], self.upper[some], self.budget[some], self.test[some],
                          self.gave_way[some])  # fmt: skip

    def checked(self, policy: str, spend: Floats, slack: float) -> Floats:
        """Return a policy's answer, or withhold it.

        Parameters
        ----------
        policy
            Its name, for the message.
        spend
            Money, shape ``(runs, channels)``.
        slack
            Money by which arithmetic may miss a limit.

        Raises
        ------
        VerificationError
            ``broken-limit``.
        """
        over = spend.sum(axis=-1) - self.budget
        worst = max(float(a.max()) for a in (self.lower - spend, spend - self.upper, over))
        # Written so that NaN fails.
        if worst <= slack:
            return np.maximum(spend, 0.0)
        limit = say("the-budget" if over.max() > slack else "own-limit")
        raise VerificationError("broken-limit", say("policy-breaks-limit", policy=repr(policy),
                                limit=limit, worst=show_figure(worst)), field="policy", value=worst,
                                remedy=say("remedy-fix-policy-view-project"))  # fmt: skip


class _Held(NamedTuple):
    """A reserve: a share of the budget, and money."""

    share: float
    money: float

    def of(self, budget: Floats) -> Floats:
        return self.share * budget + self.money


@dataclass(frozen=True, eq=False)
class Limits:
    r"""Limits of a plan that are by channel, and its budget.

    With last week's spend :math:`x` the change limit leaves :math:`[x - r,\ x + r]` with
    :math:`r = \min(share \cdot x,\ money)`; from zero the share is taken of the equal share of the
    budget, or `from_zero` is the room.

    Parameters
    ----------
    floor, cap
        Money, shape ``(channels,)``; infinity for no cap.
    share, money, from_zero
        Parts of the change limit, shape ``(channels,)``; infinity for none, NaN for no `from_zero`.
    budget
        The plan's money a week, reserve included.
    equal
        The equal share of what may be spent.
    held, contingency, test
        What is held back: all of it, and two parts of it.
    frozen
        Channels that stay where they were, within floor and cap, shape ``(channels,)``.
    """

    floor: Floats
    cap: Floats
    share: Floats
    money: Floats
    from_zero: Floats
    budget: float
    equal: float
    held: _Held
    contingency: _Held
    test: _Held
    frozen: Bools

    @classmethod
    def of(cls, plan: Plan, frozen: Collection[str] = ()) -> Self:
        """Return the limits of a plan in a week in which some channels are frozen."""
        units = plan.money.units
        floor, cap, locked = zip(*plan.minor_bounds, strict=True)
        rules = [channel.max_change or plan.max_change for channel in plan.channels]

        def part(name: str, none: float) -> Floats:
            given = [getattr(rule, name) for rule in rules]
            values = np.array([none if v is None else float(v) for v in given])
            return np.where(locked, none, values)

        kinds = ("contingency", "test", "holdout")
        held = {
            kind: _Held(float(h.amount), 0.0) if h.is_share else _Held(0.0, float(h.amount))
            for kind in kinds
            for h in (getattr(plan.reserve, kind),)
        }
        whole = _Held(sum(h.share for h in held.values()), sum(h.money for h in held.values()))
        return cls(
            np.array(floor) / units,
            np.array([np.inf if most is None else most / units for most in cap]),
            part("share", np.inf),
            part("money", np.inf),
            part("from_zero", np.nan),
            float(plan.budget),
            plan.weekly / len(plan.channels),
            whole,
            held["contingency"],
            held["test"],
            np.isin(plan.names, list(frozen)),
        )

    def week(
        self,
        week: Conditions,
        last: Floats | None,
        released: Floats,
        paused: Bools,
        spare: Floats,
    ) -> WeekLimits:
        """Return the limits of a week.

        Parameters
        ----------
        week
            Its conditions, of which the budget and the closed channels count.
        last
            Last applied money, shape ``(runs, channels)``; None where no change limit binds.
        released
            Share of the contingency reserve that is let go, shape ``(runs,)``.
        paused
            Channels that get nothing, shape ``(runs, channels)``.
        spare
            Money that takes the place of a lower cap, likewise.
        """
        budget = self.money_of(week, released)
        shut = paused | (np.asarray(week.open) == 0)
        floor = np.where(shut, 0.0, self.floor)
        cap = np.maximum(np.minimum(np.maximum(self.cap, spare), budget[:, None]), floor)
        cap = np.where(shut, 0.0, cap)
        lower, upper = floor, cap
        if last is not None:
            room = np.where(self.frozen, 0.0, self._room(last))
            lower = np.clip(last - room, floor, cap)
            upper = np.clip(last + room, floor, cap)
        gave_way = lower.sum(axis=-1) > budget * (1 + 1e-9)
        if gave_way.any():
            lower = np.where(gave_way[:, None], _given_way(lower, floor, budget), lower)
            upper = np.maximum(upper, lower)
        for seen in (lower, upper, budget):
            # Policies see them, and answers are checked against them.
            seen.flags.writeable = False
        return WeekLimits(lower, upper, budget, self.test.of(self.budget * week.budget), gave_way)

    def money_of(self, week: Conditions, released: Floats) -> Floats:
        """Return what may be spent in a week, shape ``(runs,)``; parameters as in `week`."""
        whole = self.budget * week.budget
        free = whole - self.held.of(whole) + released * self.contingency.of(whole)
        return np.maximum(free, 0.0)

    def _room(self, last: Floats) -> Floats:
        """Return how far each channel may move."""
        with np.errstate(invalid="ignore"):
            by_share = self.share * np.where(last == 0, self.equal, last)
        by_share = np.where(np.isinf(self.share), np.inf, by_share)
        from_zero = (last == 0) & np.isfinite(self.from_zero)
        return np.minimum(np.where(from_zero, self.from_zero, by_share), self.money)


def _given_way(lower: Floats, floor: Floats, budget: Floats) -> Floats:
    """Return lower bounds that fit the budget: floors as long as they fit, then shares of them."""
    least, most = floor.sum(axis=-1), lower.sum(axis=-1)
    with np.errstate(all="ignore"):
        above = np.clip(np.nan_to_num((budget - least) / (most - least)), 0.0, 1.0)
        share = np.clip(np.nan_to_num(budget / least, posinf=1.0), 0.0, 1.0)
    fits = (least <= budget)[:, None]
    way: Floats = np.where(fits, floor + above[:, None] * (lower - floor), share[:, None] * floor)
    return way


_AT_WORK = 0.1
"""Strength from which a scenario is at work; one that fades is over below it."""


@short
@dataclass(frozen=True)
class Contingency:
    """An answer to a scenario, in the runs and weeks in which it is at work.

    Parameters
    ----------
    scenario
        Name of the scenario.
    release
        Share of the contingency reserve that may be spent then, 0 to 1.
    pause
        Channels that get nothing then.
    spare
        Channels that may get more then, by name the money a week that takes the place of a lower
        cap: a channel with a cap of 0 in the plan is closed until then, and again afterwards. The
        change limit holds for it as for any other.
    after
        Weeks from the first at work until the plan answers, at least 0: what it takes to notice.

    Raises
    ------
    InputError
        ``bad-argument``.
    """

    scenario: str
    release: float = 0.0
    pause: tuple[str, ...] = ()
    after: int = 1
    spare: tuple[tuple[str, float], ...] = ()

    def __post_init__(self) -> None:
        put = object.__setattr__
        put(self, "release", as_number(self.release, "contingency.release", least=0, most=1))
        put(self, "after", whole(self.after, "contingency.after"))
        names = (self.pause,) if isinstance(self.pause, str) else self.pause
        put(self, "pause", tuple(names))
        put(self, "spare", _amounts(self.spare))

    def to_dict(self) -> dict[str, Any]:
        """Return the contingency as it is written in a plan file; what is default is left out."""
        own = {f.name: getattr(self, f.name) for f in fields(self)}
        said = {f.name: own[f.name] for f in fields(self) if own[f.name] != f.default}
        plain = {k: list(v) if isinstance(v, tuple) else v for k, v in said.items()}
        return plain | ({"spare": dict(self.spare)} if self.spare else {})

    def check(self, scenarios: Sequence[str], channels: tuple[str, ...]) -> None:
        """Raise ``unknown-name`` for a scenario or a channel that is not there."""
        known(self.pause, channels, "contingency.pause")
        known(dict(self.spare), channels, "contingency.spare")
        if self.scenario not in scenarios:
            raise InputError(
                "unknown-name",
                say("contingency-answers-scenario-simulated", scenario=repr(self.scenario)),
                field="contingencies",
                value=self.scenario,
                remedy=did_you_mean(self.scenario, scenarios),
            )


def _amounts(given: Any) -> tuple[tuple[str, float], ...]:
    try:
        pairs = dict(given).items()
    except (TypeError, ValueError):
        raise wrong("contingency.spare", given, say("remedy-money-channel")) from None
    return tuple((name, as_number(v, f"contingency.spare.{name}", least=0)) for name, v in pairs)


class ContingencyEffect(NamedTuple):
    """What the contingencies do in a week.

    Parameters
    ----------
    released
        Share of the contingency reserve, shape ``(runs,)``.
    paused
        Channels that get nothing, shape ``(runs, channels)``.
    spare
        Money that takes the place of a lower cap, likewise.
    """

    released: Floats
    paused: Bools
    spare: Floats


def contingency_effect(
    contingencies: Sequence[Contingency], weather: Weather, week: int
) -> ContingencyEffect:
    """Return what the contingencies do in a week of a chunk of runs.

    Where several release or open, the most counts.
    """
    names = weather.market.channels
    released = np.zeros(weather.runs)
    paused = np.zeros((weather.runs, len(names)), dtype=bool)
    spare = np.zeros((weather.runs, len(names)))
    for one in contingencies:
        scenario = next(s for s in weather.scenarios if s.name == one.scenario)
        window = scenario.window(weather.market.start)
        strong = [scenario.strength(at, window) >= _AT_WORK for at in range(1, week + 1)]
        if not strong[-1] or not any(strong[: max(week - one.after, 0)]):
            continue
        happens = weather.happens[one.scenario]
        released = np.maximum(released, np.where(happens, one.release, 0.0))
        paused |= happens[:, None] & np.isin(names, one.pause)
        caps = [dict(one.spare).get(name, 0.0) for name in names]
        spare = np.maximum(spare, np.where(happens[:, None], caps, 0.0))
    return ContingencyEffect(released, paused, spare)


def contingency_from_dict(data: Mapping[str, Any]) -> Contingency:
    """Return the contingency of ``{"scenario": "outage", "release": 1, "pause": ["feed"]}``.

    Raises
    ------
    PlanError
        ``bad-plan`` for a missing or misspelt field.
    InputError
        ``bad-argument`` where a value is out of range.
    """
    allowed = [f.name for f in fields(Contingency)]
    for key in data:
        if key not in allowed:
            problem = say("contingency-no-field", key=repr(key))
            raise _bad(f"contingency.{key}", data[key], did_you_mean(key, allowed), problem)
    if not isinstance(data.get("scenario"), str):
        problem = say("contingency-answers-scenario", value=repr(data.get("scenario")))
        raise _bad(
            "contingency.scenario", data.get("scenario"), say("remedy-name-the-scenario"), problem
        )
    return Contingency(**data)


def contingencies_of(plan: Plan) -> tuple[Contingency, ...]:
    """Return the contingencies of a plan; each answers a scenario of the plan or of `RISKS`.

    Raises
    ------
    PlanError
        ``bad-plan``.
    InputError
        ``bad-argument``; ``unknown-name`` for a scenario or a channel that is not there.
    """
    among = tuple({**RISKS, **scenarios_of(plan)})
    found = tuple(contingency_from_dict(table) for table in plan.contingencies)
    for one in found:
        one.check(among, plan.names)
    return found


def contingency_schema() -> dict[str, Any]:
    """Return the JSON Schema of one contingency in a plan file."""
    share = {"type": "number", "minimum": 0, "maximum": 1, "default": 0}
    names = {"type": "array", "items": {"type": "string"}}
    return {
        "description": "What the plan does while a scenario is at work.",
        "type": "object",
        "properties": {
            "scenario": {"type": "string", "description": "name of the scenario"},
            "release": share | {"description": "share of the contingency reserve let go"},
            "pause": names | {"description": "channels that get nothing"},
            "spare": {
                "type": "object",
                "additionalProperties": {"type": "number", "minimum": 0},
                "description": "money a week in place of a lower cap, by channel",
            },
            "after": {
                "type": "integer",
                "minimum": 0,
                "default": 1,
                "description": "weeks until the plan answers",
            },
        },
        "required": ["scenario"],
        "additionalProperties": False,
    }


def _bad(field: str, value: Any, remedy: Message, problem: Message) -> PlanError:
    return PlanError("bad-plan", problem, field=field, value=value, remedy=remedy)
