"""The plan: what may be spent, on what, under which limits."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
from os import PathLike
from typing import Any, Literal, Self

from budgetopt.calendar import start_day_number
from budgetopt.errors import PlanError, did_you_mean
from budgetopt.history import Columns
from budgetopt.money import Currency, as_decimal
from budgetopt.plan.change import DEFAULT_SHARE, MaxChange
from budgetopt.plan.channel import Channel
from budgetopt.plan.lines import BudgetLines
from budgetopt.plan.reserve import Reserve

_UNSAID = MaxChange(DEFAULT_SHARE)


@dataclass(frozen=True)
class Plan:
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
        ``"none"``. By default 30 %.
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

    Raises
    ------
    PlanError, MoneyError, CalendarError
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
    ) -> None:
        put = object.__setattr__
        put(self, "budget", as_decimal(budget, "budget"))
        put(self, "channels", tuple(channels))
        put(self, "currency", Currency(currency).code)
        rule = MaxChange() if max_change in ("none", None) else max_change
        put(self, "max_change", MaxChange.of(rule, "max_change"))
        put(self, "reserve", reserve or Reserve())
        put(self, "step", None if step is None else as_decimal(step, "step"))
        put(self, "spend", spend)
        put(self, "outcome", outcome)
        put(self, "outcome_unit", _unit(outcome_unit))
        put(self, "week_start", week_start)
        put(self, "columns", columns or Columns())
        put(self, "budget_lines", budget_lines)
        put(self, "name", name)
        self._check()

    def _check(self) -> None:
        start_day_number(self.week_start)
        if self.spend not in ("at-most", "all"):
            raise PlanError(
                "bad-plan",
                f"spend is {self.spend!r}",
                field="spend",
                value=self.spend,
                remedy="write 'at-most' or 'all'",
            )
        if not self.channels:
            raise PlanError("bad-plan", "the plan has no channel", field="channels",
                            remedy="declare at least one channel")  # fmt: skip
        seen: set[str] = set()
        for channel in self.channels:
            if channel.name in seen:
                raise PlanError(
                    "bad-name",
                    f"channel {channel.name!r} is declared twice",
                    field="channels",
                    value=channel.name,
                    remedy="give every channel a name of its own",
                )
            seen.add(channel.name)
        # Reading them once finds amounts finer than a minor unit while the plan is being made.
        _ = self.minor_bounds, self.step_minor, self.spendable_minor

    @cached_property
    def money(self) -> Currency:
        """The currency with its minor unit."""
        return Currency(self.currency)

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Channel names in the order declared."""
        return tuple(c.name for c in self.channels)

    @cached_property
    def index(self) -> dict[str, int]:
        """Position of each channel by name."""
        return {name: at for at, name in enumerate(self.names)}

    @cached_property
    def step_minor(self) -> int:
        """The money step in minor units, at least 1."""
        step = 1 if self.step is None else self.money.minor(self.step, "step")
        if step < 1:
            raise PlanError("bad-number", "step is 0", field="step", value=0,
                            remedy="give a step above zero")  # fmt: skip
        return step

    @cached_property
    def spendable_minor(self) -> int:
        """The weekly budget less the reserve, in minor units."""
        budget = self.money.minor(self.budget, "budget")
        held = self.reserve.minor(budget, self.money)
        if held > budget:
            raise PlanError(
                "bounds-clash",
                f"the reserve is {self.money.show(held)}, above the budget "
                f"{self.money.show(budget)}",
                field="reserve.contingency",
                value=str(self.reserve.contingency),
                remedy="lower the reserve or raise the budget",
            )
        return budget - held

    @property
    def spendable(self) -> Decimal:
        """The weekly budget less the reserve."""
        return self.money.amount(self.spendable_minor)

    @property
    def held(self) -> Decimal:
        """The reserve in money."""
        return self.money.amount(self.money.minor(self.budget, "budget") - self.spendable_minor)

    @property
    def weekly(self) -> float:
        """The weekly budget less the reserve, as a float for arithmetic on curves."""
        return self.spendable_minor / self.money.units

    @cached_property
    def minor_bounds(self) -> tuple[tuple[int, int | None, bool], ...]:
        """Least, most (None for no cap) and whether locked, in minor units, by channel."""
        minor = self.money.minor
        bounds: list[tuple[int, int | None, bool]] = []
        for c in self.channels:
            if c.locked is not None:
                locked = minor(c.locked, f"lock of {c.name!r}")
                bounds.append((locked, locked, True))
            else:
                cap = None if c.cap is None else minor(c.cap, f"cap of {c.name!r}")
                bounds.append((minor(c.floor, f"floor of {c.name!r}"), cap, False))
        return tuple(bounds)

    def last_minor(self, last: Mapping[str, Any]) -> list[int]:
        """Return last applied spends in minor units by channel, 0 where a channel is not named.

        Raises
        ------
        PlanError
            ``unknown-name`` for a name that is no channel.
        """
        for name in last:
            if name not in self.index:
                raise PlanError(
                    "unknown-name",
                    f"last applied spend names {name!r}, which is no channel of the plan",
                    field="last",
                    value=name,
                    remedy=did_you_mean(name, self.names),
                )
        given = (as_decimal(last.get(n, 0), f"last spend of {n!r}") for n in self.names)
        return [self.money.nearest(amount) for amount in given]

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


def _unit(given: Any) -> float | None:
    if given is None:
        return None
    unit = float(as_decimal(given, "outcome_unit"))
    if unit == 0:
        raise PlanError("bad-number", "outcome_unit is 0", field="outcome_unit", value=0,
                        remedy="give the size of one event, or leave it out")  # fmt: skip
    return unit
