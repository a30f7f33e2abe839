"""Amounts that a plan is declared with, exact: shares, change limits, reserves, lines, goals.

From simple to composed: `as_share` and `as_money_or_share` read one value; `MaxChange` is how far a
spend may move from week to week, `Reserve` what a week's split leaves alone, in three kinds that
are never mixed, `BudgetLines` the budget by module, checked to add up, and `Goal` what is
maximised.

A bare number between 0 and 1 is a share where nothing else can be meant, and is refused where it
could be money as well.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Any, Literal, Self

from budgetopt.arguments import Given, public
from budgetopt.errors import InputError, MoneyError, PlanError, did_you_mean
from budgetopt.i18n import Message, say
from budgetopt.money import (
    MOST,
    Currency,
    Number,
    as_decimal,
    as_exact,
    difference_of,
    number_text,
    product_of,
    show_amount,
    show_share,
    total_of,
)
from budgetopt.notebook import short
from budgetopt.plan.declare import (
    AMOUNT,
    Declared,
    declaration,
    declared,
    exact,
    plain_pairs,
)
from budgetopt.untrusted import half_width

DEFAULT_SHARE = Decimal("0.30")
"""A week's change of a channel where the plan says nothing (Sprinklr moves 10 % of the pool a
change, 20 % an edit is widely repeated for Meta, TikTok allows 50 %)."""


def as_share(value: Any, field: str, most: int = 1) -> Number:
    """Return an exact share from a number (``0.3``, ``Fraction(1, 3)``) or text (``"30%"``).

    Raises
    ------
    PlanError
        ``bad-number`` above `most`, which is how 30 for 30 % is found out.
    MoneyError
        ``bad-money`` for what is not a number, negative or not finite.
    """
    if isinstance(value, str) and half_width(value.strip()).endswith("%"):
        share = shifted(as_exact(value.strip()[:-1], field), -2)
    else:
        share = as_exact(value, field)
    if share > most:
        raise PlanError("bad-number", say("field-is-value", field=field, value=value,
                        most=most * 100), field=field, value=value,
                        remedy=say("remedy-write-30-0-30"))  # fmt: skip
    return share


def as_money_or_share(given: Any, field: str) -> tuple[Number, bool]:
    """Return an amount of money or a share, and whether it is the share.

    Text with a percent sign is a share, everything else money. A bare number between 0 and 1 is
    refused, since it is a share as often as it is money; where nothing but a share can be meant,
    as in `max_change`, `as_share` takes it for one.

    Raises
    ------
    PlanError, MoneyError
        ``bad-number``, ``bad-money``.
    """
    if isinstance(given, str) and half_width(given.strip()).endswith("%"):
        return as_share(given, field), True
    amount = as_exact(given, field)
    if 0 < amount < 1:
        raise PlanError("bad-number", say("may-share-amount-money", field=field, given=given),
                        field=field, value=given, remedy=say("remedy-write-share-amount-1",
                        amount=show_share(amount)))  # fmt: skip
    return amount, False


def money_or_share_text(amount: Number, is_share: bool) -> str:
    """Return an amount of money or a share as text that `as_money_or_share` reads."""
    return f"{number_text(shifted(amount, 2))}%" if is_share else number_text(amount)


def shifted(number: Number, places: int) -> Number:
    """Return a finite number times a power of ten, exact."""
    if isinstance(number, Fraction):
        return number * Fraction(10) ** places
    sign, digits, exponent = number.as_tuple()
    return Decimal((sign, digits, int(exponent) + places))


@public
@declaration()
class MaxChange(Declared):
    """How far a spend may move against the last applied week; every rule given must hold.

    Parameters
    ----------
    share
        Largest move as a share of the last applied spend, 0 to 10; None for no such rule.
    money
        Largest move in money; None for no such rule.
    from_zero
        What a channel whose last spend was zero may get, only beside `share`: a share of zero
        would keep it at zero for ever. None for `share` times the equal share of the budget.

    Raises
    ------
    PlanError
        ``bad-number``; ``bad-plan`` for `from_zero` without `share`.
    MoneyError
        ``bad-money``.

    Examples
    --------
    >>> MaxChange(share=0.3).room(100_00, 500_00, Currency("CNY"))
    3000
    """

    share: Given[Number | None] = declared(default=None)
    money: Given[Decimal | None] = declared(default=None)
    from_zero: Given[Decimal | None] = declared(default=None)

    def check_fields(self) -> None:
        """Make the parts exact, and refuse those that are wrong."""
        for name, part in _parts(vars(self), "max_change").items():
            object.__setattr__(self, name, part)

    @classmethod
    def of(cls, given: Any, field: str) -> Self | None:
        """Return a rule from a share, ``"none"``, a mapping of the parameters, a rule, or None."""
        if given is None or isinstance(given, cls):
            return given
        if isinstance(given, Mapping):
            return cls(**_parts(given, field))
        if isinstance(given, str) and given == "none":
            return cls()
        return cls(as_share(given, field, 10))

    def check(self, currency: Currency, field: str) -> None:
        """Raise ``bad-money`` for an amount that is too large to count."""
        for name in ("money", "from_zero"):
            amount = getattr(self, name)
            if amount is not None:
                currency.minor(amount, _part_of(field, name), "down")

    def room(self, last: int, equal_share: int, currency: Currency) -> int | None:
        """Return the largest move in minor units, or None where no rule is given.

        Parameters
        ----------
        last
            Last applied spend, in minor units.
        equal_share
            Weekly budget divided by the number of channels, in minor units.
        currency
            Currency of the amounts.
        """
        rooms = []
        if self.share is not None:
            if last == 0 and self.from_zero is not None:
                rooms.append(currency.minor(self.from_zero, "max_change.from_zero", "down"))
            else:
                rooms.append(int(Fraction(self.share) * (last or equal_share)))
        if self.money is not None:
            rooms.append(currency.minor(self.money, "max_change.money", "down"))
        return min(rooms, default=None)

    def __str__(self) -> str:
        parts = [] if self.share is None else [f"{show_share(self.share)} %"]
        parts += [] if self.money is None else [show_amount(self.money)]
        return " and ".join(parts) or "no limit"


def _parts(given: Mapping[str, Any], field: str) -> dict[str, Any]:
    """Return the exact parts of a rule, or say which one is wrong."""
    unknown = [name for name in given if name not in ("share", "money", "from_zero")]
    if unknown:
        raise PlanError(
            "bad-plan",
            say("field-has-no", field=field, unknown=repr(unknown[0])),
            field=field,
            value=unknown[0],
            remedy=did_you_mean(str(unknown[0]), ["share", "money", "from_zero"]),
        )
    parts: dict[str, Any] = {
        name: None if part is None else as_decimal(part, _part_of(field, name))
        for name, part in given.items()
        if name != "share"
    }
    share = given.get("share")
    parts["share"] = None if share is None else as_share(share, _part_of(field, "share"), 10)
    if parts["share"] is None and parts.get("from_zero") is not None:
        raise PlanError(
            "bad-plan",
            say("part-without-share", field=_part_of(field, "from_zero"), given=given["from_zero"]),
            field=_part_of(field, "from_zero"),
            value=given["from_zero"],
            remedy=say("remedy-share-too-without-money"),
        )
    return parts


def _part_of(field: str, part: str) -> str:
    """Return ``max_change.share of 'a'`` for the share of ``max_change of 'a'``."""
    name, *owner = field.split(" ", 1)
    return " ".join([f"{name}.{part}", *owner])


KINDS = ("contingency", "test", "holdout")
"""The kinds of reserve, as the fields of `Reserve` are called."""


@dataclass(frozen=True)
class Held:
    """An amount that is held back, in money or as a share of the budget.

    Parameters
    ----------
    amount
        Money, or the share.
    is_share
        Which of the two.
    """

    amount: Number = Decimal(0)
    is_share: bool = False

    def minor(self, budget: int, currency: Currency, field: str) -> int:
        """Return the money held back from a budget, in minor units, rounded up."""
        if self.is_share:
            return math.ceil(Fraction(self.amount) * budget)
        return currency.minor(self.amount, field, "up")

    def __str__(self) -> str:
        return money_or_share_text(self.amount, self.is_share)


def _held(kind: str) -> Callable[[Any, Any], Held]:
    def read(given: Any, _: Any) -> Held:
        if isinstance(given, Held):
            return given
        amount, is_share = as_money_or_share(given, f"reserve.{kind}")
        # A share of nothing is nothing, so that it comes back from a file as it was.
        return Held(amount, is_share=is_share and amount > 0)

    return read


@public
@declaration()
class Reserve(Declared):
    """Money of the weekly budget that the week's split leaves alone.

    Each part is money, or text with a percent sign for a share of the budget (``"5%"``). A number
    between 0 and 1 is refused, since it is a share as often as it is money.

    Parameters
    ----------
    contingency
        Unspent until it is released.
    test
        Spent to learn, by a policy of its own.
    holdout
        What the population that sees no ads would have cost.

    Raises
    ------
    PlanError
        ``bad-number``.

    Examples
    --------
    >>> Reserve("5%", test=750).minor(100_000_00, Currency("CNY"))
    575000
    """

    contingency: Given[Held] = declared(_held("contingency"), default=Held(), schema=AMOUNT)
    test: Given[Held] = declared(_held("test"), default=Held(), schema=AMOUNT)
    holdout: Given[Held] = declared(_held("holdout"), default=Held(), schema=AMOUNT)

    def parts(self, budget: int, currency: Currency) -> dict[str, int]:
        """Return the money of each kind held back from a budget, in minor units."""
        return {
            kind: getattr(self, kind).minor(budget, currency, f"reserve.{kind}") for kind in KINDS
        }

    def minor(self, budget: int, currency: Currency) -> int:
        """Return all money held back from a budget, in minor units."""
        return sum(self.parts(budget, currency).values())

    def budget_leaving(self, spendable: int, currency: Currency) -> int | None:
        """Return a budget of which just so much is left, in minor units; None where there is none.

        Examples
        --------
        >>> Reserve("5%").budget_leaving(95_000_00, Currency("CNY"))
        10000000
        """
        held = [getattr(self, kind) for kind in KINDS]
        kept = 1 - sum(Fraction(each.amount) for each in held if each.is_share)
        if kept <= 0:
            return None
        # One more in the budget leaves at most one more, so that no amount left is passed over.
        fixed = self.minor(0, currency)
        low, high = spendable - 1, math.ceil((spendable + fixed + len(KINDS)) / kept)
        while high - low > 1:
            middle = (low + high) // 2
            less = middle - self.minor(middle, currency) < spendable
            low, high = (middle, high) if less else (low, middle)
        return high

    def to_dict(self) -> dict[str, str]:
        """Return the parts as they are written in a plan file."""
        return {kind: str(held) for kind in KINDS if (held := getattr(self, kind)).amount}


@public
@short
@declaration()
class BudgetLines(Declared):
    """The lines of a module budget, which must add up to their total.

    Parameters
    ----------
    total
        What the lines must sum to, exactly.
    lines
        Money by line.

    Raises
    ------
    PlanError
        ``lines-do-not-add-up``, with the difference; ``bad-plan`` where there is no line.
    MoneyError
        ``bad-money``.

    Examples
    --------
    >>> BudgetLines(100, {"content": 40, "media": 60}).total
    Decimal('100')
    """

    total: Given[Decimal] = declared(lambda given, _: _amount(given, "budget_lines.total"))
    lines: Given[tuple[tuple[str, Decimal], ...]] = declared(
        lambda given, _: tuple(
            (name, _amount(each, f"budget_lines.lines.{name}")) for name, each in _named(given)
        ),
        plain=plain_pairs,
    )

    def check_fields(self) -> None:
        """Refuse lines that do not add up to the total."""
        added = total_of(amount for _, amount in self.lines)
        if added != self.total:
            apart = difference_of(added, self.total)
            raise PlanError("lines-do-not-add-up",
                            say("lines-add-up-above" if apart > 0 else "lines-add-up-below",
                            added=show_amount(added), apart=show_amount(apart.copy_abs()),
                            total=show_amount(self.total)), field="budget_lines", value=str(apart),
                            remedy=say("remedy-line-or-total"))  # fmt: skip


def _named(lines: Any) -> list[tuple[str, Any]]:
    """Return the lines as pairs, from a mapping or from pairs."""
    try:
        named = [(str(name), amount) for name, amount in dict(lines).items()]
    except (TypeError, ValueError):
        named = []
    if not named:
        raise PlanError("bad-plan", field="budget_lines.lines", value=lines,
                        remedy=say("remedy-line-name-amount"))  # fmt: skip
    return named


def _amount(given: Any, field: str) -> Decimal:
    """Return an amount that can be added up exactly: below 2**53, at most 20 digits after it."""
    amount = as_decimal(given, field)
    if amount >= MOST or int(amount.as_tuple().exponent) < -20:
        raise MoneyError("bad-money", say("more-can-added-up", field=field, given=given),
                         field=field, value=given, remedy=say("remedy-stay-below-most-20",
                         most=f"{MOST:,}"))  # fmt: skip
    return amount


@public
@short
@declaration()
class Goal(Declared):
    r"""What is maximised: :math:`\sum_i w_i f_i(x_i) - b \sum_i x_i`.

    Parameters
    ----------
    kind
        ``"outcome"`` (w = 1, b = 0, or w from `weights`), ``"profit"`` (w = value of an outcome,
        b = 1) or ``"least-spend"`` (w = 0, b = 1, the outcome at least `target`).
    target
        Outcome to reach, for ``"least-spend"``.
    weights
        Weight of each named outcome among the channels' `rates`; the plan's own outcome is named
        by the plan's `outcome`. Empty for the plan's own alone.

    Raises
    ------
    PlanError
        ``bad-plan`` for a kind that is not known or a target that is missing.
    """

    kind: Literal["outcome", "profit", "least-spend"] = "outcome"
    target: Given[Decimal | None] = declared(exact("goal.target"), default=None)
    weights: Given[tuple[tuple[str, Decimal], ...]] = declared(
        lambda given, _: tuple(
            sorted((k, as_decimal(v, f"goal.weights.{k}")) for k, v in dict(given).items())
        ),
        default=(),
        plain=plain_pairs,
    )

    def check_fields(self) -> None:
        """Refuse a kind that is not known, and a target that is missing or has no use."""
        kind, target = self.kind, self.target
        if kind not in ("outcome", "profit", "least-spend"):
            raise PlanError("bad-plan", say("field-is", field="goal", value=repr(kind)),
                            field="goal.kind", value=kind,
                            remedy=say("remedy-write-outcome-profit-least"))  # fmt: skip
        if (kind == "least-spend") != (target is not None):
            raise PlanError("bad-plan",
                            say("goal-needs-target" if target is None else "goal-takes-no-target",
                            kind=repr(kind)), field="goal.target", value=target,
                            remedy=say("remedy-target-goes-least"))  # fmt: skip

    @classmethod
    def most_outcome(cls, weights: Mapping[str, Any] | None = None) -> Self:
        """Most outcome for the budget; several outcomes count by their weights."""
        return cls("outcome", weights=weights or {})

    @classmethod
    def most_profit(cls) -> Self:
        """Most value of the outcome less the money spent."""
        return cls("profit")

    @classmethod
    def least_spend(cls, target: Any) -> Self:
        """Least money for a target outcome."""
        return cls("least-spend", target)


_PERCENT = re.compile(r"([+\-][0-9]+(?:\.[0-9]*)?)\s*%")
_FACTOR = re.compile(r"[x*]\s*([0-9]+(?:\.[0-9]*)?|\.[0-9]+)")
PATTERN = r"^\s*([+-][0-9]+(\.[0-9]*)?\s*%|[x×*]\s*[0-9.]+)\s*$"
"""What JSON Schema holds such texts against."""
# Not the caller's context, in which a change may be rounded.
_LONGEST = 40


class Relative(float):
    """A relative change: 0.3 for 30 % more, shown as ``+30%``.

    Examples
    --------
    >>> Relative.of("-20%", "price"), float(Relative.of("x1.3", "price"))
    (Relative('-20%'), 0.3)
    """

    @classmethod
    def of(cls, given: Any, field: str, *, least: float = -1, above: float = -math.inf) -> Self:
        """Return what was given as a relative change.

        Parameters
        ----------
        given
            ``"+30%"`` or ``"-20%"``, a factor such as ``"x1.3"``, or a `Relative`.
        field
            What it is, for the error.
        least, above
            The change is at least, and above these.

        Raises
        ------
        InputError
            ``bad-argument``; for a bare number with both ways in which it can be meant.
        """
        value = given if isinstance(given, cls) else cls._read(given, field)
        if math.isfinite(value) and value >= least and value > above:
            return value
        code = "remedy-change-above" if above > -math.inf else "remedy-change-at-least"
        raise _wrong(field, str(given), say(code, least=str(cls(max(above, least)))))

    @classmethod
    def _read(cls, given: Any, field: str) -> Self:
        text = half_width(given).strip() if isinstance(given, str) else ""
        text = text.replace("×", "x").replace("−", "-")
        if len(text) <= _LONGEST and (match := _PERCENT.fullmatch(text)):
            return cls(Fraction(match[1]) / 100)
        if len(text) <= _LONGEST and (match := _FACTOR.fullmatch(text)):
            return cls(Fraction(match[1]) - 1)
        remedy = say("remedy-write-change-30")
        if isinstance(given, (int, float)) and not isinstance(given, bool) and -1 <= given < 100:
            change, factor = cls(given), cls(Fraction(repr(given)) - 1)
            remedy = say("remedy-change-as-text", change=change)
            if given >= 0:
                remedy = say(
                    "remedy-change-or-factor", change=change, given=f"{given:g}", factor=factor
                )
        raise _wrong(field, given, remedy, say("not-change"))

    def __str__(self) -> str:
        if not math.isfinite(self):
            return super().__repr__()
        percent = f"{product_of(Decimal(repr(float(self))), Decimal(100)):+f}"
        return f"{percent.rstrip('0').rstrip('.') if '.' in percent else percent}%"

    def __repr__(self) -> str:
        return f"Relative('{self}')"

    def __reduce__(self) -> tuple[type[Self], tuple[float]]:
        return type(self), (float(self),)


def _wrong(field: str, value: Any, remedy: Message, why: str = "") -> InputError:
    problem = say("plan-field-is", where=field, value=repr(value), more=why)
    return InputError("bad-argument", problem, field=field, value=value, remedy=remedy)
