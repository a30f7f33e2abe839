"""The plan: what may be spent, on what, under which limits.

`PlanFields` declares the fields and reads what a user writes into their exact form; `check_plan`
then refuses a plan that contradicts itself: one field after another, then names that one part uses
of another, and the limits last. What a dated week changes is in `schedule`, and how plans are
written to files in `files`. Whether a week can be solved at all is
known once last week's spends are: that is not checked here.

`bounds_of` then makes one `Bounds` of floors, caps, locks and change limits, exact, each with the
name of the limit that sets it, and refuses those that a week cannot keep together;
`Bounds.on_lots` moves them to whole lots. `sources_of` gives the same declarations apart, one
`Source` a kind, for explanations of limits that clash.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping
from dataclasses import replace
from os import PathLike
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from budgetopt.arguments import public
from budgetopt.calendar import Week, start_day_number
from budgetopt.errors import PlanError, did_you_mean
from budgetopt.history import History
from budgetopt.i18n import of_name, say
from budgetopt.money import show_amount
from budgetopt.notebook import Card, Shown
from budgetopt.plan import schedule
from budgetopt.plan.channel import check_name, kind_said
from budgetopt.plan.fields import PlanFields, check_worth
from budgetopt.plan.priors import LiftTest, check_demand
from budgetopt.untrusted import is_safe, twin_key

if TYPE_CHECKING:
    import pandas as pd


from dataclasses import dataclass
from typing import NamedTuple

from numpy.typing import NDArray

from budgetopt.arrays import Whole
from budgetopt.errors import InfeasibleError
from budgetopt.i18n import quoted
from budgetopt.money import Currency
from budgetopt.notebook import brief


@public
class Plan(Shown, PlanFields):
    """What may be spent in a week, on what, under which limits.

    Parameters
    ----------
    budget
        Money per week, at least 0, reserve included.
    channels
        At least one `Channel`, with different names.
    currency
        ISO 4217 code.
    max_change
        How far any channel may move against the last applied week: a share, a `MaxChange`, or
        ``"none"`` (or None) for no limit. By default 30 %.
    reserve
        Money of the budget that is held back.
    step
        Spends are whole multiples of this; by default one minor unit. Locked spends are exempt,
        and where moves are counted (`Limit.few_moves`) a channel may stay at its last spend.
    spend
        ``"at-most"``: money that brings nothing, or that no cap allows, stays unspent and is
        shown. ``"all"``: a plan whose caps keep money back is refused.
    outcome
        Name of what comes back, for reports, such as ``"revenue"``; a name of money or of events
        says which it is, see `budgetopt.plan.kind_of`.
    outcome_unit
        Size of one event in units of the outcome: 1 where it is a count, the average order value
        where it is revenue. None where it is not known.
    week_start
        Day on which weeks start.
    columns
        How a history file maps to weeks, channels, spend and outcome.
    budget_lines
        The wider budget by module, checked to add up; it does not limit the week.
    name
        Title for reports.
    id
        Identity of the plan in ledgers, by which one database keeps many plans apart; by default
        its name. It is fixed by the first week that is recorded.
    limits
        Rules across channels, made by `Limit` or one's own; their names differ.
    goal
        What is maximised; by default the outcome.
    value
        What one outcome is worth in money, for profit and ROAS: 1 where the outcome is revenue, a
        margin, or the lifetime value of a new customer. None where it is not said: see
        `budgetopt.plan.kind_of` for when an outcome counts as money all the same.
    delay
        How outcomes of a week keep arriving, a `Delay`; None where a week is complete when it is
        over.
    events
        Holidays and promotions, whose weeks may stand out in all channels: a mapping of a name to
        a day, to ``[first, last]`` or to a list of such lists; or days and pairs ``(first, last)``.
        One lasts at most 183 days.
    demand
        The known demand of single weeks: a mapping of a day to its week's index, 0.001 to 50, by
        which all outcomes of that week are multiplied. Weeks that are not named are usual ones, 1.
    lift_tests
        What experiments and earlier models found, `LiftTest` or their fields.
    scenarios, contingencies
        What may happen in a simulated year, and what is answered: plain tables, or what has
        ``to_dict``. `market.scenarios_of` and `simulation.contingencies_of` read them.
    cases
        What-ifs, a table with a name and the parts of a `market.Change` each; `market.cases_of`
        reads them.
    targets
        Goals with dates, `Target` or their fields. They limit no split: pages say where they stand
        and where they are heading.
    horizon
        How many weeks the weekly decision looks ahead, 1 to 104: a week is then the first step of
        the best plan of so many weeks, so that change limits are spent where they will be needed,
        and money that works on in later weeks counts. None for each week by itself.
    limits_over
        Limits that the sums of the weeks of each month or quarter keep, such as a channel's monthly
        cap: ``{"month": [Limit.group("tv a month", ["tv"], at_most=40_000)]}``; groups and linear
        rules on money. `plan_weeks` keeps them, and so does the plan of weeks that a `horizon`
        looks ahead; weekly decisions by themselves do not, and say so.
    park_after
        Whole weeks without spend, 1 to 520, after which a channel that had money before is parked:
        weekly decisions lock it at 0, and say so, unless it has a floor or is declared ``awake``.
        By default none is.
    operation
        How weeks are run: phases, freezes, approval, pacing, releases, fiscal periods and alerts;
        an `Operation` or its parts.

    Raises
    ------
    PlanError, MoneyError, CalendarError, InputError
        Where a value is out of range or two of them contradict each other.

    Examples
    --------
    >>> from budgetopt.plan import Channel
    >>> plan = Plan(budget=100, currency="CNY", channels=[Channel("a"), Channel("b", cap=30)])
    >>> plan.names, plan.spendable
    (('a', 'b'), Decimal('100.00'))
    """

    def check_fields(self) -> None:
        """Refuse a plan that contradicts itself."""
        check_plan(self)

    def on(self, week: Week) -> Self:
        """Return the plan as it is for one week; itself where no phase touches the week.

        The budget is what the week's days have, the phases' days by their phases and the others by
        the weekly budget. The change limit is that of the phase which most of the week's days lie
        in, if it has one. A reserve given as shares follows the budget; one in money stays, and a
        week without a budget holds back nothing. Phases are left out of what is returned, as they
        are in its budget; budget lines stay.

        Raises
        ------
        PlanError
            ``bounds-clash`` where the reserve is above the week's budget.
        """
        changes = schedule.changes(self, week)
        return replace(self, **changes) if changes else self

    def budget_of(self, first: dt.date, last: dt.date) -> int:
        """Return what is budgeted for dated days, reserve included, in minor units.

        A phase's budget is spread evenly over its days; a day in no phase has its seventh of the
        weekly budget. Both are exact: sums over days that follow each other add up, those of a
        phase to its budget, and those of a week in no phase to the weekly budget. Days get whole
        steps where the budget that they share is made of them.

        Raises
        ------
        CalendarError
            ``bad-date`` for a range that ends before it begins.
        """
        return schedule.budget_of(self, first, last)

    def frozen(self, week: Week) -> dict[str, str]:
        """Return the channels that may not move in a week, each with the name of its freeze."""
        return {name: freeze.name for name, freeze in schedule.frozen(self, week).items()}

    def demand_of(self, week: Week) -> float:
        """Return the declared demand of a week, 1 where it is a usual one."""
        return next((index for day, index in self.demand if week.start <= day <= week.end), 1.0)

    def events_of(self, week: Week) -> tuple[str, ...]:
        """Return the names of the events of which days lie in a week."""
        held = (n for n, first, last in self.events if first <= week.end and week.start <= last)
        return tuple(dict.fromkeys(held))

    @classmethod
    def load(cls, path: str | PathLike[str]) -> Self:
        """Return the plan in a ``.toml`` or ``.json`` file; see `budgetopt.plan.files`."""
        from budgetopt.plan.files import load

        return cls.from_dict(load(path))

    @classmethod
    def draft(cls, history: History, *, currency: str | None = None) -> Self:
        """Return a first plan for a history: its channels, and the budget of a usual week.

        A channel without spend in the last eight weeks is locked at 0. The reasons are those of
        `budgetopt.plan.draft`, which ``budgetopt init`` writes beside each line.

        Parameters
        ----------
        history
            What was spent and what came back.
        currency
            Code of the currency; by default what the history's files carry, or ``"XXX"``.
        """
        from budgetopt.plan.draft import draft

        made = draft(history, currency=currency).plan
        names = ("currency", "budget", "channels", "outcome", "week_start", "columns")
        return cls(**{name: getattr(made, name) for name in names})

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """Return the plan of plain data shaped like a plan file.

        Raises
        ------
        PlanError
            ``bad-plan`` for a missing, wrong or misspelt field.
        """
        from budgetopt.plan.files import arguments

        return cls(**arguments(data))

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Return the plan of JSON text shaped like a plan file."""
        from budgetopt.plan.files import parse_json

        return cls.from_dict(parse_json(text, "plan"))

    def to_dict(self) -> dict[str, Any]:
        """Return the plan as plain data that `from_dict` takes."""
        data = {"schema_version": 1, **super().to_dict()}
        return data if data["operation"] else {k: v for k, v in data.items() if k != "operation"}

    def to_json(self) -> str:
        """Return the plan as JSON text that `from_json` takes."""
        return json.dumps(self.to_dict(), ensure_ascii=False, indent=2)

    def to_frame(self) -> pd.DataFrame:
        """Return one row a channel: floor, cap, lock, lot, change limit, value and labels."""
        import pandas as pd

        def number(money: Any) -> float:
            return np.nan if money is None else float(money)

        rows = []
        for channel, value in zip(self.channels, self.values.tolist(), strict=True):
            rule = channel.max_change or self.max_change
            row = {"channel": channel.name, "floor": float(channel.floor)}
            row |= {name: number(getattr(channel, name)) for name in ("cap", "locked", "lot")}
            row["off_or_at_least"] = number(channel.least_on)
            row |= {"max_change": number(rule.share), "max_change_money": number(rule.money)}
            rows.append(row | {"value": value} | dict(channel.labels))
        return pd.DataFrame(rows)

    def _card(self) -> Card:
        title = say(
            "plan-in-short",
            name=self.name and say("named-prefix", name=self.name),
            channels=len(self.channels),
            spendable=show_amount(self.spendable),
            budget=show_amount(self.budget),
            currency=self.currency,
            outcome=self.outcome,
            limits=len(self.limits),
        )
        parts = ("floor", "cap", "locked")
        rows = [
            (c.name, *("" if (m := getattr(c, part)) is None else show_amount(m) for part in parts))
            for c in self.channels
        ]
        return Card(title, (say("channel"), say("floor"), say("cap"), say("lock")), rows)


def check_plan(plan: Plan) -> None:
    """Refuse a plan that contradicts itself.

    Raises
    ------
    PlanError, MoneyError, CalendarError
        With the first contradiction found.
    """
    start_day_number(plan.week_start)
    if plan.spend not in ("at-most", "all"):
        raise PlanError(
            "bad-plan", field="spend", value=plan.spend, remedy=say("remedy-write-most-all")
        )
    if not plan.channels:
        raise PlanError("bad-plan", say("plan-without-channel"), field="channels",
                        remedy=say("remedy-declare-least-channel"))  # fmt: skip
    for field, text in (("name", plan.name), ("outcome", plan.outcome)):
        if isinstance(text, str) and not is_safe(text):
            check_name(text, field, field)
    if plan.id is not None:
        check_name(plan.id, "id", "plan")
    _refuse_doubled("channel", [channel.name for channel in plan.channels])
    _check_columns(plan)
    _check_delay(plan)
    _check_lift_tests(plan)
    check_demand(plan.demand, plan.week_start)
    # Reading them once finds amounts finer than a minor unit while the plan is being made.
    _ = plan.minor_bounds, plan.step_minor, plan.spendable_minor
    _ = plan.minimums_minor, plan.lots_minor
    plan.max_change.check(plan.money, "max_change")
    for channel in plan.channels:
        if channel.max_change is not None:
            channel.max_change.check(plan.money, of_name("max_change", channel.name))
    _check_operation(plan)
    _check_limits(plan)
    check_worth(plan)


def _refuse_doubled(what: str, names: list[str]) -> None:
    by_key: dict[str, str] = {}
    said = kind_said(what)
    for name in names:
        key = twin_key(name)
        if key in by_key:
            raise PlanError(
                "bad-name",
                say("name-declared-twice", what=said, name=repr(name))
                if name == by_key[key]
                else say("name-looks-same", what=said, name=ascii(name), other=ascii(by_key[key])),
                field=f"{what}s",
                value=name,
                remedy=say("remedy-own-name", what=said),
            )
        by_key[key] = name


def _check_columns(plan: Plan) -> None:
    """Refuse a column declared for a channel that the plan does not have."""
    for part in ("spends", "outcomes"):
        plan.require_channels(getattr(plan.columns, part), f"history.{part[:-1]}")


def _check_delay(plan: Plan) -> None:
    """Refuse shares of a channel that the plan does not have."""
    shares = () if plan.delay is None else plan.delay.channels
    plan.require_channels((name for name, *_ in shares), "delay.channels")


def _check_lift_tests(plan: Plan) -> None:
    """Refuse a test of no channel of the plan, and one that is given twice and so counts twice."""
    seen: set[LiftTest] = set()
    for at, test in enumerate(plan.lift_tests):
        plan.require_channels([test.channel], f"lift_tests.{at}.channel")
        if test in seen:
            raise PlanError(
                "bad-plan",
                say("lift-tests-given-twice", at=at, channel=repr(test.channel)),
                field=f"lift_tests.{at}",
                value=test.channel,
                remedy=say("remedy-remove-day-test-ended"),
            )
        seen.add(test)


def _check_operation(plan: Plan) -> None:
    """Refuse unknown names, amounts finer than a minor unit, and a big reserve."""
    operation, minor = plan.operation, plan.money.minor
    for at, freeze in enumerate(operation.freezes):
        plan.require_channels(freeze.channels, f"operation.freezes.{at}.channels")
    _check_releases(plan)
    for phase in operation.phases:
        minor(phase.budget, f"operation.phases.{phase.name}.budget")
        if phase.max_change is not None:
            phase.max_change.check(plan.money, f"operation.phases.{phase.name}.max_change")
    if operation.approval is not None:
        for part, amount in operation.approval.amounts.items():
            minor(amount, f"operation.approval.{part}", "down")
    schedule.check_reserve(plan)


def _check_releases(plan: Plan) -> None:
    """Refuse a release for a scenario that is not among those declared, where any are."""
    known = tuple(str(table.get("name", table.get("kind"))) for table in plan.scenarios)
    for at, release in enumerate(plan.operation.releases):
        if known and release.scenario is not None and release.scenario not in known:
            raise PlanError("unknown-name", say("unknown-scenario-operation-releases",
                            scenario=repr(release.scenario), at=at),
                            field=f"operation.releases.{at}.scenario", value=release.scenario,
                            remedy=did_you_mean(release.scenario, known))  # fmt: skip


def _check_limits(plan: Plan) -> None:
    """Refuse what is not a limit, two of one name, unknown names, and periods not of money."""
    over = [limit for _, limits in plan.limits_over for limit in limits]
    for limit in (*plan.limits, *over):
        if not (isinstance(getattr(limit, "name", None), str) and hasattr(limit, "rows")):
            raise PlanError("bad-plan", say("limit-name-rows", limit=repr(limit)), field="limits",
                            value=repr(limit), remedy=say("remedy-make-bo-limit-name"))  # fmt: skip
        check_name(limit.name, "limits.name", "limit")
    _refuse_doubled("limit", [limit.name for limit in (*plan.limits, *over)])
    nothing = np.zeros(len(plan.channels), dtype=np.int64)
    for limit in plan.limits:
        limit.rows(plan, nothing)
    for limit in over:
        rows = limit.rows(plan, nothing)
        if not rows or not all(row.of_money for row in rows):
            raise PlanError("bad-plan", say("limit-over-not-money", limit=repr(limit.name)),
                            field="limits_over", value=limit.name,
                            remedy=say("remedy-limit-over-money"))  # fmt: skip


FREE, FLOOR, CAP, LOCKED, CHANGE, MARGIN = range(6)
RULES = ("", say("floor"), say("cap"), say("lock"), say("max-change"), say("mroas-floor"))
"""Names of the limits that can set a bound, by number; 0 is no limit but zero or the budget."""


FAR = 2**62
"""Minor units where nothing is declared."""


@brief
class Source(NamedTuple):
    """What one kind of declaration asks of the channels.

    Parameters
    ----------
    kind
        ``"floor"``, ``"cap"``, ``"lock"``, ``"max-change"``, ``"off-or-at-least"`` or ``"mroas"``.
    name
        What it is called; for ``"mroas"`` the name of the limit.
    lower, upper
        Whole units by channel, 0 and `FAR` where it asks nothing. Of ``"off-or-at-least"`` the
        lower one is what a channel that is on gets at least.
    """

    kind: str
    name: str
    lower: Whole
    upper: Whole


@brief
@dataclass(frozen=True, eq=False)
class Bounds:
    """Least and most money by channel in minor units, and which limit says so.

    Parameters
    ----------
    lower, upper
        Whole units, shape ``(channels,)``.
    lower_rule, upper_rule
        Positions in `RULES`, shape ``(channels,)``.
    """

    lower: Whole
    upper: Whole
    lower_rule: NDArray[np.int8]
    upper_rule: NDArray[np.int8]

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Bounds):
            return NotImplemented
        return all(
            np.array_equal(getattr(self, f), getattr(other, f)) for f in self.__dataclass_fields__
        )

    def __hash__(self) -> int:
        return hash((self.lower.tobytes(), self.upper.tobytes()))

    def on_lots(
        self,
        lots: Whole,
        names: tuple[str, ...],
        money: Currency,
        last: Whole | None = None,
        stay: NDArray[np.bool_] | bool = False,
    ) -> Bounds:
        """Return the bounds on whole lots; locked channels (equal bounds) stay as they are.

        Parameters
        ----------
        lots
            Each channel's step in minor units, shape ``(channels,)``.
        names, money
            For the error.
        last
            Last applied spend in minor units; where no whole lot lies within a channel's bounds,
            it may stay at this.
        stay
            Which channels may stay at their last spend, off their lot, in any case; their bounds
            go on to hold it.

        Raises
        ------
        InfeasibleError
            ``no-step-in-bounds``.
        """
        if np.all(lots == 1):
            return self
        locked = self.lower == self.upper
        lower = np.where(locked, self.lower, -(-self.lower // lots) * lots)
        upper = np.where(locked, self.upper, self.upper // lots * lots)
        if last is not None:
            within = (self.lower <= last) & (last <= self.upper)
            only = within & (lower > upper)
            lower, upper = np.where(only, last, lower), np.where(only, last, upper)
            also = within & stay & ~locked
            lower = np.where(also, np.minimum(lower, last), lower)
            upper = np.where(also, np.maximum(upper, last), upper)
        if np.any(lower > upper):
            at = int(np.argmax(lower > upper))
            raise InfeasibleError("no-step-in-bounds", say("no-step-between",
                                  step=money.show(int(lots[at])), low=money.show(self.lower[at]),
                                  high=money.show(self.upper[at]), channel=quoted(names[at])),
                                  field=f"channels.{names[at]}", value=money.show(int(lots[at])),
                                  remedy=say("remedy-finer-step"))  # fmt: skip
        return Bounds(lower, upper, self.lower_rule, self.upper_rule)


def bounds_of(plan: Plan, last: Mapping[str, Any] | None = None) -> Bounds:
    """Return a week's bounds from a plan's floors, caps, locks and change limits.

    Parameters
    ----------
    plan
        The plan.
    last
        Last applied spend by channel; None where there is none, and then no change limit binds.
        A channel that is not named starts from zero.

    Raises
    ------
    InfeasibleError
        ``bounds-clash`` where a floor or cap cannot be reached under the change limit.
    """
    least, most, locked = zip(*plan.minor_bounds, strict=True)
    budget = plan.spendable_minor
    lower = np.array(least, dtype=np.int64)
    upper = np.array([budget if cap is None else cap for cap in most], dtype=np.int64)
    fixed = np.array(locked)
    lower_rule = np.where(fixed, LOCKED, np.where(lower > 0, FLOOR, FREE)).astype(np.int8)
    capped = np.array([cap is not None for cap in most])
    upper_rule = np.where(fixed, LOCKED, np.where(capped, CAP, FREE)).astype(np.int8)
    # What must be spent above the whole budget is found by its sum, not here.
    upper = np.where(capped, upper, np.maximum(upper, lower))
    if last is None:
        return Bounds(lower, upper, lower_rule, upper_rule)
    down, up = _reach(plan, plan.last_minor(last), fixed)
    upper = np.where(capped | fixed, upper, np.maximum(upper, down))
    _refuse_out_of_reach(plan, lower, upper, down, up)
    lower_rule = np.where(down > lower, CHANGE, lower_rule).astype(np.int8)
    upper_rule = np.where(up < upper, CHANGE, upper_rule).astype(np.int8)
    return Bounds(np.maximum(lower, down), np.minimum(upper, up), lower_rule, upper_rule)


def sources_of(plan: Plan, last: Mapping[str, Any] | None = None) -> tuple[Source, ...]:
    """Return what a plan declares by channel, each kind apart; parameters as in `bounds_of`."""
    least, most, locked = zip(*plan.minor_bounds, strict=True)
    fixed, none = np.array(locked), np.zeros(len(locked), dtype=np.int64)
    lower = np.array(least, dtype=np.int64)
    upper = np.array([FAR if cap is None else cap for cap in most], dtype=np.int64)
    minimum = np.array(plan.minimums_minor, dtype=np.int64)
    found = [
        Source("floor", "floor", np.where(fixed, 0, lower), none + FAR),
        Source("cap", "cap", none, np.where(fixed, FAR, upper)),
        Source("lock", "lock", np.where(fixed, lower, 0), np.where(fixed, upper, FAR)),
        Source("off-or-at-least", "off or at least", minimum, none + FAR),
    ]
    if last is not None:
        down, up = _reach(plan, plan.last_minor(last), fixed)
        found.append(Source("max-change", "max change", down, np.minimum(up, FAR)))
    return tuple(found)


def _reach(plan: Plan, last: list[int], fixed: NDArray[np.bool_]) -> tuple[Whole, Whole]:
    """Return the least and most that each channel can move to from its last spend."""
    equal = plan.spendable_minor // len(plan.channels)
    far = np.iinfo(np.int64).max
    down, up = np.zeros(len(last), dtype=np.int64), np.full(len(last), far)
    for at, channel in enumerate(plan.channels):
        rule = channel.max_change or plan.max_change
        room = None if fixed[at] else rule.room(last[at], equal, plan.money)
        if room is not None:
            down[at], up[at] = max(0, last[at] - room), last[at] + room
    return down, up


def _refuse_out_of_reach(plan: Plan, lower: Whole, upper: Whole, down: Whole, up: Whole) -> None:
    """Refuse a floor above what a change can reach, and a cap below it, naming both limits."""
    show = plan.money.show
    for which, bound, reach, bad in (
        ("floor", lower, up, lower > up),
        ("cap", upper, down, upper < down),
    ):
        if np.any(bad):
            at = int(np.argmax(bad))
            channel = plan.channels[at]
            rule = channel.max_change or plan.max_change
            raise InfeasibleError(
                "bounds-clash",
                say(
                    "floor-out-of-reach" if which == "floor" else "cap-out-of-reach",
                    channel=quoted(channel.name),
                    bound=show(bound[at]),
                    rule=str(rule),
                    reach=show(reach[at]),
                ),
                field=f"channels.{channel.name}.{which}",
                value=show(bound[at]),
                remedy=say("remedy-widen-change", channel=quoted(channel.name), which=which),
            )
