"""The fields of a plan, and what follows from them alone.

`PlanFields` declares every field of `Plan` once, with its exact type and how it is read, and works
out, each once: names and labels of the channels, all money in minor units (integers, rounded
inwards), the curves, what outcomes are worth, and what is known before a history is read. `Plan`
adds the checks between fields. Modules that read a plan while it is being made take these fields.
Then whether what comes back is money, and the words for what money brings; and at the end which
fields each command uses, and which it names because it cannot use them. A field belongs to a
matter, and a command says what it does with each matter: so a field that is new to the plan is
decided on for every command at once, or a test fails.
"""

from __future__ import annotations

import datetime as dt
import math
import re
import warnings
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import MISSING, fields
from decimal import Decimal
from functools import cache, cached_property
from typing import Any, Literal, NamedTuple, TypeVar, get_args

import numpy as np
from numpy.typing import NDArray

from budgetopt.arguments import Given, in_short
from budgetopt.arrays import Floats
from budgetopt.curves import Curve, stack
from budgetopt.errors import InputError, PlanError, did_you_mean
from budgetopt.history import Columns, Delay
from budgetopt.i18n import Message, of_name, quoted, say
from budgetopt.money import Currency, as_decimal
from budgetopt.plan.amounts import DEFAULT_SHARE, BudgetLines, Goal, MaxChange, Reserve
from budgetopt.plan.channel import Channel
from budgetopt.plan.declare import (
    AMOUNT,
    Declared,
    declaration,
    declared,
    exact,
    plain_pairs,
)
from budgetopt.plan.governance import Operation, as_count
from budgetopt.plan.limits import limit_from_dict, limit_to_dict
from budgetopt.plan.limits.base import Rule
from budgetopt.plan.priors import (
    EVENTS,
    Event,
    LiftTest,
    Priors,
    as_demand,
    as_events,
    plain_events,
)
from budgetopt.plan.tables import RawTable, as_cases, as_contingencies, as_scenarios
from budgetopt.plan.targets import Target, as_targets, check_targets

T = TypeVar("T")
Period = Literal["month", "quarter"]
"""Periods over which limits of a plan may be kept."""
MOST_IDLE = 520
"""Weeks after which a channel is parked at the latest: ten years."""


@declaration(kw_only=True)
class PlanFields(Declared):
    """What may be spent in a week, on what, under which limits; `Plan` documents the fields."""

    currency: str = declared(lambda given, _: Currency(given).code)
    budget: Given[Decimal] = declared(lambda given, plan: plan.money.exact(given, "budget"))
    channels: Given[tuple[Channel, ...]] = declared(lambda given, _: as_channels(given))
    max_change: Given[MaxChange] = declared(
        lambda given, _: MaxChange.of(given, "max_change") or MaxChange(),
        default=MaxChange(DEFAULT_SHARE),
    )
    reserve: Given[Reserve] = declared(
        lambda given, _: of_kind(Reserve, given, "reserve") or Reserve(), default=Reserve()
    )
    step: Given[Decimal | None] = declared(exact("step"), default=None)
    spend: Literal["at-most", "all"] = "at-most"
    outcome: str = "outcome"
    outcome_unit: Given[float | None] = declared(
        lambda given, _: as_unit(given), default=None, schema=AMOUNT
    )
    week_start: str = "monday"
    columns: Given[Columns] = declared(
        lambda given, _: as_columns(given), default=Columns(), called="history"
    )
    budget_lines: Given[BudgetLines | None] = declared(
        lambda given, _: of_kind(BudgetLines, given, "budget_lines"), default=None
    )
    name: str = ""
    id: str | None = None
    limits: Given[tuple[Rule, ...]] = declared(
        lambda given, _: as_limits(given),
        default=(),
        plain=lambda limits: [limit_to_dict(limit) for limit in limits],
        always=True,
    )
    goal: Given[Goal] = declared(
        lambda given, _: of_kind(Goal, given, "goal") or Goal(), default=Goal()
    )
    value: Given[Decimal | None] = declared(exact("value"), default=None)
    delay: Given[Delay | None] = declared(lambda given, _: as_delay(given), default=None)
    events: Given[tuple[Event, ...]] = declared(
        lambda given, _: as_events(given),
        default=(),
        plain=plain_events,
        always=True,
        schema=EVENTS,
    )
    demand: Given[tuple[tuple[dt.date, float], ...]] = declared(
        lambda given, _: as_demand(() if given is None else given),
        default=(),
        plain=plain_pairs,
        always=True,
    )
    lift_tests: Given[tuple[LiftTest, ...]] = declared(
        lambda given, _: as_lift_tests(given), default=(), always=True
    )
    scenarios: Given[tuple[RawTable, ...]] = declared(
        lambda given, _: as_scenarios(given), default=(), always=True
    )
    contingencies: Given[tuple[RawTable, ...]] = declared(
        lambda given, _: as_contingencies(given), default=(), always=True
    )
    # Written only where there are some: the fingerprint of a plan of the version before stays.
    cases: Given[tuple[RawTable, ...]] = declared(lambda given, _: as_cases(given), default=())
    targets: Given[tuple[Target, ...]] = declared(lambda given, _: as_targets(given), default=())
    horizon: Given[int | None] = declared(
        lambda given, _: as_count(given, "horizon", 104), default=None
    )
    limits_over: Given[tuple[tuple[Period, tuple[Rule, ...]], ...]] = declared(
        lambda given, _: as_limits_over(given),
        default=(),
        plain=lambda pairs: {name: [limit_to_dict(one) for one in held] for name, held in pairs},
    )
    park_after: Given[int | None] = declared(
        lambda given, _: None if given is None else as_count(given, "park_after", MOST_IDLE),
        default=None,
    )
    operation: Given[Operation] = declared(
        lambda given, _: Operation.of(given), default=Operation()
    )

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
            raise PlanError("bad-number", say("step-is-zero"), field="step", value=0,
                            remedy=say("remedy-step-above-zero"))  # fmt: skip
        return step

    @cached_property
    def minimums_minor(self) -> tuple[int, ...]:
        """What each channel gets at least when it is on, in minor units; 0 for no such rule."""
        minor = self.money.minor
        return tuple(
            minor(
                c.least_on or 0,
                of_name("off_or_at_least", c.name),
                "up",
            )
            for c in self.channels
        )

    @cached_property
    def lots_minor(self) -> tuple[int, ...]:
        """Each channel's own step in minor units."""
        minor = self.money.minor
        return tuple(
            self.step_minor if c.lot is None else minor(c.lot, of_name("lot", c.name))
            for c in self.channels
        )

    @cached_property
    def spendable_minor(self) -> int:
        """The weekly budget less the reserve, in minor units."""
        budget = self.money.minor(self.budget, "budget")
        held = self.reserve.minor(budget, self.money)
        if held > budget:
            raise PlanError(
                "bounds-clash",
                say(
                    "reserve-above-budget",
                    held=self.money.show(held),
                    budget=self.money.show(budget),
                ),
                field="reserve",
                value=self.money.show(held),
                remedy=say("remedy-lower-reserve"),
            )
        return budget - held

    @property
    def spendable(self) -> Decimal:
        """The weekly budget less the reserve."""
        return self.money.amount(self.spendable_minor)

    @property
    def held(self) -> Decimal:
        """The reserve of all kinds in money."""
        return self.money.amount(self.money.minor(self.budget, "budget") - self.spendable_minor)

    @property
    def weekly(self) -> float:
        """The weekly budget less the reserve, as a float for arithmetic on curves."""
        return self.spendable_minor / self.money.units

    @cached_property
    def minor_bounds(self) -> tuple[tuple[int, int | None, bool], ...]:
        """Least, most (None for no cap) and whether locked, in minor units, by channel.

        Floors and caps that are finer than the minor unit are rounded inwards.
        """
        minor = self.money.minor
        bounds: list[tuple[int, int | None, bool]] = []
        for c in self.channels:
            if c.locked is not None:
                locked = minor(c.locked, of_name("lock", c.name))
                bounds.append((locked, locked, True))
            else:
                floor = minor(c.floor, of_name("floor", c.name), "up")
                cap = None if c.cap is None else minor(c.cap, of_name("cap", c.name), "down")
                if cap is not None and cap < floor:
                    raise PlanError("bounds-clash", say("no-amount-between", currency=self.currency,
                                    floor=str(c.floor), channel=quoted(c.name), cap=str(c.cap)),
                                    field=f"channels.{c.name}.cap", value=c.cap,
                                    remedy=say("remedy-cap-or-floor"))  # fmt: skip
                bounds.append((floor, cap, False))
        return tuple(bounds)

    def require_channels(self, names: Iterable[str], field: str, where: str = "") -> None:
        """Refuse unknown channel names.

        Parameters
        ----------
        names
            What is to be a channel each.
        field
            Where they were given, for the error.
        where
            The same in words; by default `field`.

        Raises
        ------
        PlanError
            ``unknown-name``.
        """
        for name in names:
            if name not in self.index:
                raise PlanError("unknown-name", say("unknown-channel-in", name=repr(name),
                                value=where or field), field=field, value=name,
                                remedy=did_you_mean(str(name), self.names))  # fmt: skip

    def last_minor(self, last: Mapping[str, Any]) -> list[int]:
        """Return last applied spends in minor units by channel, 0 where a channel is not named.

        A pandas Series by channel is read as a mapping is.

        Raises
        ------
        PlanError
            ``unknown-name`` for an unknown channel name.
        InputError
            ``bad-argument`` for what names no channels.
        MoneyError
            ``bad-money``.
        """
        if not isinstance(last, Mapping):
            if not hasattr(last, "items"):
                shown = in_short(last)
                raise InputError("bad-argument", say("field-is", field="last", value=shown),
                                 field="last", value=shown,
                                 remedy=say("remedy-last-by-channel"))  # fmt: skip
            last = dict(last.items())
        self.require_channels(last, "last", say("last-spends"))
        # Measured amounts may be finer than the minor unit.
        minor = self.money.minor
        return [minor(last.get(n, 0), f"last.{n}", "nearest") for n in self.names]

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
    def values(self) -> Floats:
        """What one outcome of each channel is worth in money, 1 where nobody said."""
        each = 1.0 if self.value is None else float(self.value)
        return np.array([each if c.value is None else float(c.value) for c in self.channels])

    @cached_property
    def priors(self) -> Priors:
        """All that learning is told beside the weeks."""
        each = self.channels
        return Priors(
            tuple((c.name, c.prior) for c in each if c.prior is not None),
            tuple((c.name, c.carryover) for c in each if c.carryover is not None),
            tuple((c.name, c.curve) for c in each if c.pinned and c.curve is not None),
            self.delay,
            self.demand,
            self.events,
            self.lift_tests,
            tuple((c.name, c.labels) for c in each if c.labels),
        )

    @property
    def beforehand(self) -> Priors:
        """Return `priors`; deprecated, the name of earlier releases."""
        warnings.warn("Plan.beforehand is now Plan.priors", DeprecationWarning, stacklevel=2)
        return self.priors

    def rates(self, outcome: str) -> Floats:
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
                say("outcome-rate-any-channel", outcome=repr(outcome)),
                field="rates",
                value=outcome,
                remedy=did_you_mean(outcome, [self.outcome, *sorted(known)]),
            )
        return np.array([float(dict(c.rates).get(outcome, 0)) for c in self.channels])


def as_channels(given: Any) -> tuple[Channel, ...]:
    """Return channels as a tuple, or say which is none."""
    alone = isinstance(given, Mapping) or not isinstance(given, Iterable)
    channels = (
        of_kind(Channel, channel, f"channels[{at}]", needed=True)
        for at, channel in enumerate((given,) if alone else given)
    )
    return tuple(channel for channel in channels if channel is not None)


def as_limits(given: Any) -> tuple[Rule, ...]:
    """Return limits as a tuple, those of a plan file made of their tables."""
    return tuple(limit_from_dict(one) if isinstance(one, Mapping) else one for one in given)


def as_limits_over(given: Any) -> tuple[tuple[Period, tuple[Rule, ...]], ...]:
    """Return limits by the length of the periods that keep them, from a mapping or pairs."""
    pairs = dict(given)
    for period in pairs:
        if period not in get_args(Period):
            raise PlanError("bad-plan", say("field-is", field="limits_over", value=repr(period)),
                            field="limits_over", value=str(period),
                            remedy=say("choose-one-of", known=get_args(Period)))  # fmt: skip
    return tuple((period, as_limits(held)) for period, held in pairs.items())


def as_columns(given: Any) -> Columns:
    """Return the columns of a history from themselves, from their fields, or the usual ones."""
    if isinstance(given, Mapping):
        return Columns.from_dict(given)
    return of_kind(Columns, given, "columns") or Columns()


def as_delay(given: Any) -> Delay | None:
    """Return a delay from itself or from its fields, or say that it is none."""
    return Delay.of(given) if isinstance(given, Mapping) else of_kind(Delay, given, "delay")


def as_lift_tests(given: Any) -> tuple[LiftTest, ...]:
    """Return lift tests as a tuple, each from itself or from its fields, or say which is none."""
    alone = isinstance(given, (LiftTest, Mapping)) or not isinstance(given, Iterable)
    tests = (given,) if alone else tuple(given)
    return tuple(LiftTest.of(test, f"lift_tests.{at}") for at, test in enumerate(tests))


def of_kind(kind: type[T], given: Any, field: str, *, needed: bool = False) -> T | None:
    """Return what was given, or is made of its fields; None where it is left out."""
    if isinstance(given, Mapping):
        known = {one.name: one.default is MISSING for one in fields(kind)}  # type: ignore[arg-type]
        if set(given) <= set(known) and all(name in given for name, must in known.items() if must):
            return kind(**given)
    elif isinstance(given, kind) or (given is None and not needed):
        return given
    raise PlanError(
        "bad-plan", field=field, value=given, remedy=say("remedy-give-a", name=kind.__name__)
    )


def as_unit(given: Any) -> float | None:
    """Return the size of one event, or say what is wrong with it."""
    if given is None:
        return None
    unit = float(as_decimal(given, "outcome_unit"))
    if unit == 0 or math.isinf(unit):
        problem = say("field-is", field="outcome_unit", value=given)
        raise PlanError("bad-number", problem, field="outcome_unit", value=given,
                        remedy=say("remedy-size-event-leave-out"))  # fmt: skip
    return unit


Kind = Literal["money", "count", "unknown"]

_MONEY = frozenset(
    ("revenue", "gmv", "turnover", "income", "proceeds", "takings", "value", "margin", "profit")
)
_MONEY_ZH = ("收入", "营收", "销售额", "成交额", "金额", "流水", "营业额", "毛利", "利润")
_EVENTS = frozenset(
    ("conversion", "lead", "order", "signup", "registration", "install", "download", "purchase",
     "customer", "visit", "subscription", "subscriber", "member", "click", "booking", "enquiry")
)  # fmt: skip
_EVENTS_ZH = ("转化", "线索", "留资", "订单", "注册", "安装", "激活", "下载", "新客", "点击")


class ReturnWords(NamedTuple):
    """How pages call what money brings.

    Parameters
    ----------
    average, marginal
        Of all money, and of the next unit.
    inverse
        Whether it is money for each outcome, a cost, in place of what each unit of money brings.
    """

    average: Message
    marginal: Message
    inverse: bool = False


def kind_of(plan: PlanFields) -> Kind:
    """Return whether the outcome is worth money, is a count of unknown worth, or is not known.

    An outcome is money where the plan says so. The first of these that applies decides:

    1. every channel has a `value`, its own or the plan's: money, outcome times value,
    2. the history multiplies two columns (``["conversions", "value_each"]``): money,
    3. `outcome`, or its column in the history, is called after money (revenue, GMV, 销售额): money,
    4. `outcome_unit` is 1, or the name is that of events (conversions, leads, 转化): a count,
    5. `outcome_unit` is another number, the size of an order: money,
    6. otherwise it is not known.

    ROAS, mROAS, profit and loss are said of money only. A count without a value has a CPA and a
    marginal CPA; of an outcome that is not known to be either, pages say what one unit of money
    brings.
    """
    return "money" if is_valued(plan) else nature_of(plan)


def is_valued(plan: PlanFields) -> bool:
    """Return whether every channel says what one outcome is worth."""
    return plan.value is not None or all(c.value is not None for c in plan.channels)


def return_words(plan: PlanFields, *, valued: bool = True) -> ReturnWords:
    """Return how pages call what money brings.

    Parameters
    ----------
    plan
        The plan.
    valued
        Whether it is the worth of the outcome that is spoken of; otherwise the outcome itself.
    """
    nature = nature_of(plan)
    if (valued and is_valued(plan)) or nature == "money":
        # Where an outcome is money and worth a part of it, a margin, that part is no ROAS.
        itself = not valued or nature == "count" or bool((plan.values == 1).all())
        if itself:
            return ReturnWords(say("roas"), say("mroas"))
        return ReturnWords(say("value-per-spend"), say("marginal-value-per-spend"))
    if nature == "count":
        return ReturnWords(say("cpa"), say("marginal-cpa"), inverse=True)
    return ReturnWords(say("per-unit", unit=plan.currency), say("next-unit", unit=plan.currency))


def check_worth(plan: PlanFields) -> None:
    """Refuse what asks for money from a count whose worth is not said, and targets likewise.

    Raises
    ------
    PlanError
        ``bad-plan``.
    """
    check_targets(plan, is_money=nature_of(plan) == "money")
    if kind_of(plan) != "count":
        return
    asked = _asked_for_money(plan)
    if asked is None:
        return
    raise PlanError("bad-plan", say("needs-value-money-outcome", asked=asked,
                    outcome=repr(plan.outcome)), field=asked, value=plan.outcome,
                    remedy=say("remedy-value-outcome-worth-plan"))  # fmt: skip


def _asked_for_money(plan: PlanFields) -> str | None:
    """Return the first setting that needs the outcome's worth."""
    if plan.goal.kind == "profit":
        return "goal"
    for limit in plan.limits:
        if getattr(limit, "of_value", False):
            return f"limits.{limit.name}"
    if any(release.hurdle is not None for release in plan.operation.releases):
        return "operation.releases"
    for at, target in enumerate(plan.targets):
        if target.metric == "roas":
            return f"targets.{at}"
    if plan.operation.alerts.pause_roas is not None:
        return "operation.alerts.pause_roas"
    return None


def nature_of(plan: PlanFields) -> Kind:
    """Return what the outcome is before any value is set on it."""
    columns = _columns(plan)
    if columns and all(isinstance(column, tuple) for column in columns):
        return "money"
    names = (plan.outcome, *(column for column in columns if isinstance(column, str)))
    if any(_called(name, _MONEY, _MONEY_ZH) for name in names):
        return "money"
    if plan.outcome_unit == 1 or any(_called(name, _EVENTS, _EVENTS_ZH) for name in names):
        return "count"
    return "unknown" if plan.outcome_unit is None else "money"


def _columns(plan: PlanFields) -> tuple[Any, ...]:
    given = plan.columns.outcome
    return tuple(given.values()) if isinstance(given, Mapping) else (given,)


def _called(name: str, words: frozenset[str], parts: tuple[str, ...]) -> bool:
    """Return whether a name has one of some words, in one number or many, or a Chinese part."""
    plain = name.lower().replace("sign-up", "signup").replace("sign up", "signup")
    each = re.findall(r"[a-z]+", plain)
    return any(w in words or w.removesuffix("s") in words for w in each) or any(
        part in name for part in parts
    )


MATTERS: dict[str, str] = {
    "split": "budget channels currency max_change reserve step spend outcome outcome_unit limits "
    "goal value channels.name channels.floor channels.cap channels.locked channels.max_change "
    "channels.labels channels.off_or_at_least channels.lot channels.value channels.rates "
    "channels.learning",
    "files": "week_start columns budget_lines name id",
    "horizon": "horizon",
    "periods": "limits_over",
    "curve": "channels.curve",
    "pinned": "channels.pinned",
    "prior": "channels.prior",
    "lift tests": "lift_tests",
    "carryover": "channels.carryover",
    "delay": "delay",
    "demand": "demand",
    "events": "events",
    "phases": "operation.phases",
    "freezes": "operation.freezes",
    "rules": "operation.pacing operation.releases",
    "ledger": "operation.approval operation.fiscal operation.alerts",
    "years": "scenarios contingencies",
    "cases": "cases",
    "targets": "targets",
    "parking": "park_after channels.awake",
}
"""Fields by matter, those of channels and of the operation with their table's name."""

USED = "used"
BESIDE = "beside"
"""The matter is none of what the command answers."""
LEARNED = "learned"
"""Used by a belief that was learned with it; else named."""
OWN = "own"
"""Used where nothing is learned; else named."""

_NO_WEEK = say("unused-no-week")
"""Where a week is given, the plan of that week has no dated field left."""
_NO_DATE = say("unused-no-date")
_BY_RULE = say("unused-by-rule")
_NOT_LEARNED = say("unused-curves-given")
_OTHERWISE = say("unused-learned-otherwise")
_SETTLED = say("unused-settled-curves")
_ONLY_PINNED = say("unused-only-pinned")
_NO_CURVES = say("unused-money-only")
_HOLDS = say("unused-freeze-gives-way")
_LEARNED_ANEW = say("unused-learned-anew")
_WEEKS_ALONE = say("unused-weeks-alone")
_USUAL = say("unused-event-weeks")
_NOT_PARKED = say("unused-parking")
_ONE_WEEK = say("unused-one-week")
_PERIODS = say("unused-periods")
_WEEKS_GIVEN = say("unused-weeks-given")
_PAST_MONEY = say("unused-past-money")

_WEEK = {
    "split": USED,
    "files": USED,
    "curve": OWN,
    **dict.fromkeys(("pinned", "prior", "lift tests", "carryover", "delay"), LEARNED),
    **dict.fromkeys(("demand", "events", "phases", "freezes"), _NO_WEEK),
    "horizon": _ONE_WEEK,
    "periods": _PERIODS,
    **dict.fromkeys(("rules", "ledger", "years", "cases", "targets"), BESIDE),
    "parking": _NOT_PARKED,
}
_DECISION = {
    **dict.fromkeys(MATTERS, USED),
    "curve": OWN,
    "periods": _PERIODS,
    **dict.fromkeys(("years", "cases"), BESIDE),
}
_CHECK = {
    **dict.fromkeys(("split", "files", "phases", "rules", "ledger", "years", "cases"), USED),
    "targets": USED,
    "horizon": _ONE_WEEK,
    "periods": _PERIODS,
    **dict.fromkeys(("prior", "lift tests", "carryover", "demand", "events"), _NO_CURVES),
    **dict.fromkeys(("curve", "pinned", "delay"), USED),
    "freezes": _HOLDS,
    "parking": BESIDE,
}
_YEARS = {
    **dict.fromkeys(MATTERS, USED),
    "pinned": _LEARNED_ANEW,
    "periods": _PERIODS,
    "lift tests": _WEEKS_ALONE,
    "events": _USUAL,
    **dict.fromkeys(("phases", "freezes", "demand"), _NO_DATE),
    "rules": _BY_RULE,
    **dict.fromkeys(("ledger", "cases", "targets"), BESIDE),
    "parking": _NOT_PARKED,
}
_LEARN = {
    **dict.fromkeys(MATTERS, BESIDE),
    **dict.fromkeys(("files", "pinned", "prior", "lift tests", "carryover", "delay"), USED),
    **dict.fromkeys(("demand", "events"), USED),
    "curve": OWN,
}
COMMANDS: dict[str, dict[str, str]] = {
    "learn": _LEARN,
    "check": _CHECK,
    "allocate": _WEEK,
    "frontier": _WEEK,
    "what-if": _WEEK | {"cases": USED},
    "ramp": _WEEK,
    "sensitivity": _WEEK,
    "sobol": _WEEK,
    "reallocate": _DECISION | dict.fromkeys(("rules", "ledger"), BESIDE),
    "backtest": _DECISION
    | dict.fromkeys(("rules", "ledger", "targets"), BESIDE)
    | {"phases": _PAST_MONEY},
    "tests": _WEEK,
    "week": _DECISION,
    "year": _WEEK
    | dict.fromkeys(("carryover", "demand", "events", "phases", "freezes", "periods"), USED),
    "simulate": _YEARS,
}
"""What each command does with each matter: one of the words above, or why it cannot use it."""

_KNOWN = {
    "prior": "channels",
    "pinned": "pinned",
    "lift tests": "lift_tests",
    "carryover": "carryovers",
    "delay": "delay",
}
"""What `Priors` calls a matter."""


def unused(plan: PlanFields, command: str, belief: Any = None) -> tuple[Message, ...]:
    """Return which declared fields a command cannot use, one sentence for each reason.

    Parameters
    ----------
    plan
        As it is declared; the plan of a dated week has no dated fields left to be named.
    command
        One of `COMMANDS`.
    belief
        What was learned; None, or curves by channel, where nothing was.

    Examples
    --------
    >>> from budgetopt import Plan
    >>> plan = Plan(budget=9, currency="CNY", channels=[Channel("a")], demand={"2026-11-09": 2})
    >>> [str(note) for note in unused(plan, "allocate")]
    ['plan fields not used here: demand (no week is given)']
    """
    reasons: dict[str, list[str]] = {}
    for matter, status in COMMANDS[command].items():
        why = _why(plan, matter, status, belief)
        if why:
            named = [field for field in MATTERS[matter].split() if _declared(plan, field)]
            reasons.setdefault(why, []).extend(named)
    return tuple(
        say("plan-fields-unused", fields=tuple(named), why=why)
        for why, named in reasons.items()
        if named
    )


def _why(plan: PlanFields, matter: str, status: str, belief: Any) -> str:
    """Return why a matter cannot be used; nothing where it is."""
    learned = hasattr(belief, "mean")
    if status == OWN:
        # What is pinned is believed, and no curve of a channel beside it is lost.
        free = any(c.curve is not None and not c.pinned for c in plan.channels)
        return _ONLY_PINNED if learned and free else ""
    if status == LEARNED and not learned:
        return {"carryover": _SETTLED, "delay": "", "pinned": ""}.get(matter, _NOT_LEARNED)
    if status == LEARNED:
        known = getattr(getattr(belief, "log", None), "priors", None)
        with_it = known is None or getattr(known, name := _KNOWN[matter]) == getattr(
            plan.priors.only(plan.names), name
        )
        return "" if with_it else _OTHERWISE
    return "" if status in (USED, BESIDE) else status


def all_fields() -> Iterator[str]:
    """Yield every field that a plan can declare, those of its parts with their table's name."""
    parts = {"channels": Channel, "operation": Operation}
    for one in fields(PlanFields):
        if one.name != "operation":
            yield one.name
        for part in fields(parts[one.name]) if one.name in parts else ():
            yield f"{one.name}.{part.name}"


@cache
def _plain() -> PlanFields:
    """Return a plan that declares nothing."""
    return PlanFields(budget=1, currency="CNY", channels=[Channel("a")])


def _declared(plan: PlanFields, field: str) -> bool:
    """Say whether a plan declares a field other than by default."""
    table, _, name = field.rpartition(".")
    if table == "channels":
        usual = getattr(_plain().channels[0], name)
        return any(getattr(channel, name) != usual for channel in plan.channels)
    mine, usual = (getattr(p, table) if table else p for p in (plan, _plain()))
    return bool(getattr(mine, name) != getattr(usual, name))
