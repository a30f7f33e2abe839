"""Goals with dates: a metric, its value, and the days over which it is measured.

A `Target` limits no split: pages say where it stands and where it is heading. What the data of a
plan cannot measure is refused while the plan is being made (`check_targets`).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any, Literal, NamedTuple, Protocol, get_args

import numpy as np

from budgetopt.arguments import Given, public
from budgetopt.arrays import Floats
from budgetopt.calendar import as_date
from budgetopt.errors import CalendarError, PlanError
from budgetopt.i18n import Message, say
from budgetopt.messages import as_message
from budgetopt.money import as_decimal, number_text, show_number
from budgetopt.notebook import short
from budgetopt.plan.amounts import Relative, as_share, shifted
from budgetopt.plan.channel import check_name
from budgetopt.plan.declare import Declared, declaration, declared, part_of
from budgetopt.plan.governance import MOST_DAYS, one_of
from budgetopt.untrusted import half_width

Metric = Literal["outcome", "cpa", "roas", "conversion-rate"]
_USUAL = dt.timedelta(days=27)
"""From the first to the last of the four weeks over which a ratio is measured."""
_VALUE = {
    "anyOf": [{"type": "number", "exclusiveMinimum": 0}, {"type": "string"}],
    "description": "a number, a share such as '3.5%', or a change such as '+30%' or 'x1.3'",
}


@public
@declaration()
class Target(Declared):
    """What a metric is to come to by a day.

    Parameters
    ----------
    metric
        ``"outcome"``, the sum over the days; ``"cpa"``, money for each outcome, at most `value`;
        ``"roas"``, value for each unit of money; or ``"conversion-rate"``, how much of the outcome
        named by `of` comes with one unit of the plan's own. All but the CPA are to be at least
        `value`.
    value
        A number above 0, a share such as ``"3.5%"`` for a conversion rate, or a change such as
        ``"+30%"`` or ``"x1.3"`` against as many days right before `first`.
    by
        The last day that counts.
    first
        The first day that counts: at most ten years earlier; by default 27 days before `by`, four
        weeks. A target of an outcome has to say it. Weeks that lie partly in between count by
        their days.
    of
        Which outcome: empty for the plan's own, or a name among the channels' `rates`.

    Raises
    ------
    PlanError, MoneyError, CalendarError, InputError
        ``bad-plan``, ``bad-number``, ``bad-money``, ``bad-date``, ``bad-argument``.

    Examples
    --------
    >>> target = Target("cpa", 50, "2026-12-31")
    >>> target.days, str(target.sentence("conversions"))
    (28, 'CPA, at most 50, from 2026-12-04 to 2026-12-31')
    >>> str(Target("outcome", "+30%", "2026-11-30", "2026-11-01").sentence("registrations"))
    'registrations, up 30%, from 2026-11-01 to 2026-11-30'
    """

    metric: Metric = declared(lambda given, _: _metric(given))
    value: Given[Decimal | Relative] = declared(
        lambda given, target: _value(given, target.metric),
        plain=lambda value: str(value) if isinstance(value, Relative) else number_text(value),
        schema=_VALUE,
    )
    by: Given[dt.date] = declared(lambda given, _: as_date(given, "target.by"))
    first: Given[dt.date | None] = declared(
        lambda given, target: _first(given, target.by), default=None
    )
    of: str = ""

    def check_fields(self) -> None:
        """Refuse a sum over days that nobody names, and a rate of an outcome to itself."""
        if self.metric == "outcome" and self.first is None:
            raise PlanError("bad-plan", say("target-first-missing-outcome"), field="target.first",
                            remedy=say("remedy-first-day-counts"))  # fmt: skip
        if self.metric == "conversion-rate" and not self.of:
            raise PlanError("bad-plan", say("target-missing-conversion-rate"), field="target.of",
                            remedy=say("remedy-name-outcome-channels-rates"))  # fmt: skip
        if self.metric == "roas" and self.of:
            raise PlanError("bad-plan", say("target-given-roas-plan"), field="target.of",
                            value=self.of, remedy=say("remedy-leave-out"))  # fmt: skip
        if self.of:
            check_name(self.of, "target.of", "outcome")

    @property
    def start(self) -> dt.date:
        """The first day that counts."""
        return self.by - _USUAL if self.first is None else self.first

    @property
    def days(self) -> int:
        """How many days count."""
        return (self.by - self.start).days + 1

    @property
    def at_most(self) -> bool:
        """Whether less is better."""
        return self.metric == "cpa"

    @property
    def change(self) -> Relative | None:
        """The change against the days before, None where the value is a number."""
        return self.value if isinstance(self.value, Relative) else None

    def name(self, outcome: str) -> str:
        """Return what is measured, where the plan's own outcome is called so."""
        what = self.of or outcome
        if self.metric == "outcome":
            return what
        if self.metric == "conversion-rate":
            return say("target-rate", outcome=what)
        plain = say("cpa") if self.metric == "cpa" else say("roas")
        return say("target-of", metric=plain, outcome=what) if self.of else plain

    def wanted(self) -> Message:
        """Return the value in words."""
        if self.change is not None:
            shown = str(self.change).lstrip("+-")
            return say("target-up" if self.change >= 0 else "target-down", change=shown)
        assert isinstance(self.value, Decimal)
        shown = show_number(self.value)
        if self.metric == "conversion-rate":
            shown = f"{show_number(shifted(self.value, 2))}%"
        return say("target-at-most" if self.at_most else "target-at-least", value=shown)

    def sentence(self, outcome: str) -> Message:
        """Return the target in words."""
        return say(
            "target-sentence",
            metric=self.name(outcome),
            wanted=self.wanted(),
            first=str(self.start),
            by=str(self.by),
        )


def _metric(given: Any) -> Any:
    one_of(given, get_args(Metric), "target.metric")
    return given


def _first(given: Any, by: dt.date) -> dt.date:
    """Return a first day, at most ten years before the last."""
    first = as_date(given, "target.first")
    if not 0 <= (by - first).days < MOST_DAYS:
        raise CalendarError("bad-date", say("target-first-target", first=first, by=by),
                            field="target.first", value=str(first),
                            remedy=say("remedy-first-day-before-last"))  # fmt: skip
    return first


def _value(given: Any, metric: str) -> Decimal | Relative:
    """Return a number above 0, exact, or a change."""
    text = half_width(given).strip() if isinstance(given, str) else ""
    if isinstance(given, Relative) or text[:1] in ("+", "-", "−", "x", "×", "*"):
        return Relative.of(given, "target.value", above=-1)
    if metric == "conversion-rate":
        value = as_decimal(as_share(given, "target.value"), "target.value")
    elif text.endswith("%"):
        raise PlanError("bad-plan", say("target-value-says-neither", given=repr(given)),
                        field="target.value", value=given, remedy=say("remedy-write-change-number",
                        text=text))  # fmt: skip
    else:
        value = as_decimal(given, "target.value")
    if not value:
        raise PlanError("bad-number", say("target-value-0"), field="target.value", value=given,
                        remedy=say("remedy-value-above-0"))  # fmt: skip
    return value


class Measurable(Protocol):
    """The part of a plan that says what can be measured."""

    @property
    def outcome(self) -> str:
        """Name of the outcome."""

    @property
    def targets(self) -> tuple[Target, ...]:
        """The targets."""

    @property
    def values(self) -> Floats:
        """What one outcome of each channel is worth."""

    def rates(self, outcome: str) -> Floats:
        """Return how much of a named outcome comes with one unit of each channel's own."""


def check_targets(plan: Measurable, *, is_money: bool) -> None:
    """Refuse a target that the plan's data cannot measure, and one that is declared twice.

    Parameters
    ----------
    plan
        The plan.
    is_money
        Whether the history's outcome itself is money.

    Raises
    ------
    PlanError
        ``bad-plan`` with the reason, ``unknown-name`` for an outcome without rates.
    """
    for at, target in enumerate(plan.targets):
        field = f"targets.{at}"
        if target in plan.targets[:at]:
            raise PlanError("bad-plan", say("field-given-twice", field=field), field=field,
                            value=target.metric, remedy=say("remedy-remove"))  # fmt: skip
        if target.metric == "cpa" and is_money and not target.of:
            raise PlanError(
                "bad-plan",
                say("cpa-needs-count-outcome", field=field, outcome=repr(plan.outcome)),
                field=f"{field}.metric",
                value=target.metric,
                remedy=say("remedy-target-roas-name-count"),
            )
        if target.of:
            try:
                plan.rates(target.of)
            except PlanError as error:
                raise PlanError(
                    error.code,
                    say("of-problem", field=field, problem=error.problem),
                    field=f"{field}.of",
                    value=target.of,
                    remedy=as_message(error.remedy),
                ) from None


@short
class Ratio(NamedTuple):
    """How a metric is made: what is added up above the line, and below it.

    Parameters
    ----------
    above, below
        Weight of each channel's outcome, shape ``(channels,)``, or ``"spend"`` for the money spent;
        None where nothing is divided by.
    """

    above: Floats | Literal["spend"]
    below: Floats | Literal["spend"] | None


def ratio_of_target(plan: Measurable, target: Target) -> Ratio:
    """Return how a target's metric is made of what the channels spend and bring."""
    own: Floats = np.ones(len(plan.values))
    rates = plan.rates(target.of) if target.of else own
    if target.metric == "outcome":
        return Ratio(rates, None)
    if target.metric == "cpa":
        return Ratio("spend", rates)
    if target.metric == "roas":
        return Ratio(plan.values, "spend")
    return Ratio(rates, own)


def as_targets(given: Any) -> tuple[Target, ...]:
    """Return targets as a tuple, each from itself or from its fields."""
    alone = isinstance(given, (Target, Mapping)) or not isinstance(given, Iterable)
    parts = (given,) if alone else tuple(given)
    return tuple(part_of(Target, one, "target", f"targets.{at}") for at, one in enumerate(parts))
