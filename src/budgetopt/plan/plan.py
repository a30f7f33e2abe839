"""The plan: what may be spent, on what, under which limits."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import cached_property
from os import PathLike
from typing import Any, Literal, Self, TypeVar

import numpy as np
from numpy.typing import NDArray

from budgetopt.calendar import Week
from budgetopt.curves import Curve, stack
from budgetopt.errors import PlanError, did_you_mean
from budgetopt.history import Columns, Delay
from budgetopt.money import Currency, as_decimal
from budgetopt.plan.beforehand import Beforehand
from budgetopt.plan.change import DEFAULT_SHARE, MaxChange
from budgetopt.plan.channel import Channel
from budgetopt.plan.checks import as_channels, as_lift_tests, as_unit, check_plan, of_kind
from budgetopt.plan.dates import Event, as_demand, as_events, days_of
from budgetopt.plan.declared import Declared, as_contingencies, as_scenarios
from budgetopt.plan.goal import Goal
from budgetopt.plan.lift_test import LiftTest
from budgetopt.plan.limits import Rule
from budgetopt.plan.lines import BudgetLines
from budgetopt.plan.minor import MinorUnits
from budgetopt.plan.operation import Operation, dated
from budgetopt.plan.reserve import Reserve

_UNSAID = MaxChange(DEFAULT_SHARE)
T = TypeVar("T")


@dataclass(frozen=True)
class Plan(MinorUnits):
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
        Spends are whole multiples of this; by default one minor unit. Locked spends are exempt.
    spend
        ``"at-most"``: money that brings nothing, or that no cap lets in, stays unspent and is
        shown. ``"all"``: a plan whose caps keep money back is refused.
    outcome
        Name of what comes back, for reports, such as ``"revenue"``.
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
    limits
        Rules across channels, made by `Limit` or one's own; their names differ.
    goal
        What is maximised; by default the outcome.
    value
        What one outcome is worth in money, for profit and ROAS: 1 where the outcome is revenue, a
        margin, or the lifetime value of a new customer.
    delay
        How outcomes of a week keep arriving, a `Delay`; None where a week is complete when it is
        over.
    events
        Holidays and promotions, whose weeks may stand out in all channels: a mapping of a name to
        a day, to ``[first, last]`` or to a list of such lists; or days and pairs ``(first, last)``.
        One lasts at most 183 days.
    demand
        The known demand of single weeks: a mapping of a day to its week's index, 0.001 to 50. Weeks
        that are not named are usual ones, 1.
    lift_tests
        What experiments and earlier models found, `LiftTest` or their fields.
    scenarios, contingencies
        What may happen in a simulated year, and what is answered: plain tables, or what has
        ``to_dict``. `market.scenarios_of` and `simulation.contingencies_of` read them.
    operation
        How weeks are run: phases, freezes, approval, pacing, releases, fiscal periods and alerts;
        an `Operation` or its parts.

    Raises
    ------
    PlanError, MoneyError, CalendarError, InputError
        Where a value is out of range or two of them contradict each other.

    Examples
    --------
    >>> plan = Plan(budget=100, currency="CNY", channels=[Channel("a"), Channel("b", cap=30)])
    >>> plan.names, plan.spendable
    (('a', 'b'), Decimal('100.00'))
    """

    budget: Decimal
    channels: tuple[Channel, ...]
    currency: str
    max_change: MaxChange
    reserve: Reserve
    step: Decimal | None
    spend: Literal["at-most", "all"]
    outcome: str
    outcome_unit: float | None
    week_start: str
    columns: Columns
    budget_lines: BudgetLines | None
    name: str
    limits: tuple[Rule, ...]
    goal: Goal
    value: Decimal
    delay: Delay | None
    events: tuple[Event, ...]
    demand: tuple[tuple[dt.date, float], ...]
    lift_tests: tuple[LiftTest, ...]
    scenarios: tuple[Declared, ...]
    contingencies: tuple[Declared, ...]
    operation: Operation

    def __init__(
        self,
        *,
        budget: Any,
        channels: Iterable[Channel],
        currency: str,
        max_change: Any = _UNSAID,
        reserve: Reserve | None = None,
        step: Any = None,
        spend: Literal["at-most", "all"] = "at-most",
        outcome: str = "outcome",
        outcome_unit: float | None = None,
        week_start: str = "monday",
        columns: Columns | None = None,
        budget_lines: BudgetLines | None = None,
        name: str = "",
        limits: Iterable[Rule] = (),
        goal: Goal | None = None,
        value: Any = 1,
        delay: Delay | None = None,
        events: Mapping[str, Any] | Iterable[Any] = (),
        demand: Mapping[Any, float] | tuple[tuple[dt.date, float], ...] | None = None,
        lift_tests: Iterable[LiftTest | Mapping[str, Any]] = (),
        scenarios: Iterable[Any] = (),
        contingencies: Iterable[Any] = (),
        operation: Operation | Mapping[str, Any] | None = None,
    ) -> None:
        put = object.__setattr__
        put(self, "budget", as_decimal(budget, "budget"))
        put(self, "channels", as_channels(channels))
        put(self, "currency", Currency(currency).code)
        put(self, "max_change", MaxChange.of(max_change, "max_change") or MaxChange())
        put(self, "reserve", of_kind(Reserve, reserve, "reserve") or Reserve())
        put(self, "step", None if step is None else as_decimal(step, "step"))
        put(self, "spend", spend)
        put(self, "outcome", outcome)
        put(self, "outcome_unit", as_unit(outcome_unit))
        put(self, "week_start", week_start)
        put(self, "columns", of_kind(Columns, columns, "columns") or Columns())
        put(self, "budget_lines", of_kind(BudgetLines, budget_lines, "budget_lines"))
        put(self, "name", name)
        put(self, "limits", tuple(limits))
        put(self, "goal", of_kind(Goal, goal, "goal") or Goal())
        put(self, "value", as_decimal(value, "value"))
        put(self, "delay", of_kind(Delay, delay, "delay"))
        put(self, "events", as_events(events))
        put(self, "demand", () if demand is None else as_demand(demand))
        put(self, "lift_tests", as_lift_tests(lift_tests))
        put(self, "scenarios", as_scenarios(scenarios))
        put(self, "contingencies", as_contingencies(contingencies))
        put(self, "operation", Operation.of(operation))
        check_plan(self)

    @cached_property
    def labels(self) -> dict[str, NDArray[np.object_]]:
        """The value of each label by channel, None where a channel does not carry it."""
        tables = [dict(c.labels) for c in self.channels]
        keys = dict.fromkeys(key for table in tables for key in table)
        return {k: np.array([table.get(k) for table in tables], dtype=object) for k in keys}

    @cached_property
    def curves(self) -> Curve | None:
        """One curve over the channels, or None where a channel carries none."""
        single = [c.curve for c in self.channels if c.curve is not None]
        return stack(single) if len(single) == len(self.channels) else None

    @cached_property
    def values(self) -> NDArray[np.float64]:
        """What one outcome of each channel is worth in money."""
        return np.array([float(self.value if c.value is None else c.value) for c in self.channels])

    @cached_property
    def beforehand(self) -> Beforehand:
        """All that learning is told beside the weeks."""
        each = self.channels
        return Beforehand(
            tuple((c.name, c.prior) for c in each if c.prior is not None),
            tuple((c.name, c.carryover) for c in each if c.carryover is not None),
            tuple((c.name, c.curve) for c in each if c.pinned and c.curve is not None),
            self.delay,
            self.demand,
            days_of(self.events),
            self.lift_tests,
        )

    def rates(self, outcome: str) -> NDArray[np.float64]:
        """Return how much of a named outcome comes with one unit of each channel's outcome.

        Raises
        ------
        PlanError
            ``unknown-name`` where no channel has a rate of this name.
        """
        if outcome == self.outcome:
            return np.ones(len(self.channels), dtype=np.float64)
        known = {name for c in self.channels for name, _ in c.rates}
        if outcome not in known:
            raise PlanError(
                "unknown-name",
                f"outcome {outcome!r} has no rate in any channel",
                field="rates",
                value=outcome,
                remedy=did_you_mean(outcome, [self.outcome, *sorted(known)]),
            )
        return np.array([float(dict(c.rates).get(outcome, 0)) for c in self.channels])

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
        changes = dated.changes(self, week)
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
        return dated.budget_of(self, first, last)

    def frozen(self, week: Week) -> dict[str, str]:
        """Return the channels that may not move in a week, each with the name of its freeze."""
        return {name: freeze.name for name, freeze in dated.frozen(self, week).items()}

    @classmethod
    def load(cls, path: str | PathLike[str]) -> Self:
        """Return the plan in a ``.toml`` or ``.json`` file; see `budgetopt.plan.files`."""
        from budgetopt.plan.files import load

        return cls.from_dict(load(path))

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
        from budgetopt.plan.files import plain

        return plain(self)

    def to_json(self) -> str:
        """Return the plan as JSON text that `from_json` takes."""
        return json.dumps(self.to_dict(), ensure_ascii=False, indent=2)
