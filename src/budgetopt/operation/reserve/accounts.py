"""What the reserves hold, and what left them, as records."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from decimal import Decimal
from typing import Any, Literal, Self, get_args

from budgetopt.calendar import Period, as_date
from budgetopt.errors import InputError, did_you_mean
from budgetopt.money import as_decimal, difference_of
from budgetopt.money import show_amount as show
from budgetopt.plan.reserve import KINDS
from budgetopt.words import Sentence, say

MoveKind = Literal["release", "overspend", "test"]
_KINDS: tuple[MoveKind, ...] = get_args(MoveKind)


@dataclass(frozen=True)
class Movement:
    """Money that left a reserve.

    Parameters
    ----------
    on
        Day that it counts on.
    kind
        ``"release"`` and ``"overspend"`` are taken from contingency, ``"test"`` is spent from the
        test reserve. Nothing is taken from the holdout.
    amount
        Money, above 0.
    who, why
        Who took it, and the reason.

    Raises
    ------
    InputError, MoneyError, CalendarError
        ``bad-argument``, ``bad-money``, ``bad-date``.
    """

    on: dt.date
    kind: MoveKind
    amount: Decimal
    who: str = ""
    why: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "on", as_date(self.on, "on"))
        object.__setattr__(self, "amount", as_decimal(self.amount, "amount"))
        if self.kind not in _KINDS:
            raise wrong("kind", f"is {self.kind!r}", did_you_mean(str(self.kind), _KINDS))
        if not self.amount:
            raise wrong("amount", "is 0", "give what leaves the reserve")

    @property
    def reserve(self) -> str:
        """The kind of reserve that it leaves."""
        return "test" if self.kind == "test" else "contingency"

    def to_dict(self) -> dict[str, str]:
        """Return the movement as plain data for JSON."""
        return {**asdict(self), "on": str(self.on), "amount": str(self.amount)}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """Return the movement of `to_dict`."""
        return cls(**data)


@dataclass(frozen=True)
class Account:
    """One kind of reserve within a fiscal period.

    Parameters
    ----------
    built
        Money that its weeks have held back.
    taken
        Money that left it.
    """

    built: Decimal
    taken: Decimal = Decimal(0)

    @property
    def balance(self) -> Decimal:
        """Money that is left."""
        return difference_of(self.built, self.taken)


@dataclass(frozen=True)
class Balances:
    """What the reserves hold in a fiscal period.

    Parameters
    ----------
    currency
        ISO 4217 code.
    period
        The fiscal period.
    contingency, test, holdout
        The accounts.
    """

    currency: str
    period: Period
    contingency: Account
    test: Account
    holdout: Account

    def sentence(self) -> Sentence:
        """Return all three in one sentence."""
        template = (
            "reserves of {period}: contingency {left} of {built}, test {test_left} of {test}, "
            "holdout {holdout} untouched"
        )
        return say(
            template,
            period=self.period.label,
            left=show(self.contingency.balance),
            built=show(self.contingency.built),
            test_left=show(self.test.balance),
            test=show(self.test.built),
            holdout=show(self.holdout.balance),
        )

    def to_dict(self) -> dict[str, Any]:
        """Return the balances as plain data for JSON, money as text."""
        period = {k: str(v) for k, v in asdict(self.period).items()}
        accounts = {
            kind: {name: str(getattr(account, name)) for name in ("built", "taken", "balance")}
            for kind, account in ((kind, getattr(self, kind)) for kind in KINDS)
        }
        return {"currency": self.currency, "period": period, **accounts}


def wrong(field: str, problem: str, remedy: str) -> InputError:
    """Return the error on an argument."""
    return InputError("bad-argument", f"{field} {problem}", field=field, remedy=remedy)
