"""One week's money per channel, verified, with what it brings and why."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, fields
from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING, Any, Self, TypeVar

import numpy as np

from budgetopt.errors import InputError
from budgetopt.money import Currency
from budgetopt.optimize.check import verify
from budgetopt.optimize.risk.spread import Spread
from budgetopt.optimize.rules import Rules
from budgetopt.optimize.words import allocation_in_words
from budgetopt.plan import RULES, Bounds
from budgetopt.words import in_language, restored, templates_of

if TYPE_CHECKING:
    import pandas as pd

SCHEMA_VERSION = 2
T = TypeVar("T")
V = TypeVar("V")


@dataclass(frozen=True)
class Allocation:
    """One week's money per channel; one that breaks a limit cannot be constructed.

    Parameters
    ----------
    currency
        ISO 4217 code.
    spend
        Exact money by channel.
    held
        Reserve that is kept out of the budget.
    rules
        Budget, bounds, steps and rows that the spends keep, exact.
    outcome
        Expected outcome of the split, from the true curves at the exact money.
    outcomes
        The same by channel.
    objective
        What the goal maximises, at the exact money: the outcome, a profit, or minus the spend.
    bound
        No split within the limits has a better objective than this.
    method
        Engine that solved it, such as ``"waterfill"``.
    marginal
        Outcome per unit of money that the next unit brings, by channel; infinite for a curve of
        infinite slope at zero.
    prices
        Price of each binding limit under its name: outcome that one more unit of money of room
        under this limit brings.
    last
        Last applied spend by channel, empty where none was given.
    notes
        What a reader should know.
    steps_worth
        What one step in every channel is worth to the objective at the margin.
    value
        What one unit of the objective is worth in money; NaN where channels differ in it.
    spread
        Range of the outcome over draws from the belief, and the chance that the split beats last
        week's; None where the curves came without uncertainty.

    Raises
    ------
    VerificationError
        ``broken-limit``.
    """

    currency: str
    spend: dict[str, Decimal]
    held: Decimal
    rules: Rules
    outcome: float
    outcomes: dict[str, float]
    objective: float
    bound: float
    method: str
    marginal: dict[str, float]
    prices: dict[str, float]
    last: dict[str, Decimal] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    steps_worth: float = 0.0
    value: float = 1.0
    spread: Spread | None = None

    def __post_init__(self) -> None:
        self._check_record()
        spend = Currency(self.currency).minors(self.spend, "spend")
        outcome = np.array(list(self.outcomes.values()))
        verify(tuple(self.spend), spend, self.rules, outcome)
        for name in ("spend", "outcomes", "marginal", "prices", "last"):
            object.__setattr__(self, name, Frozen(getattr(self, name)))

    def _check_record(self) -> None:
        """Refuse a record whose parts do not fit each other."""
        names = list(self.spend)
        for field_, table in (("outcomes", self.outcomes), ("marginal", self.marginal)):
            if list(table) != names:
                raise _unfit(field_, "names other channels than spend")
        if self.last and list(self.last) != names:
            raise _unfit("last", "names other channels than spend")
        for field_, numbers in (
            ("outcome", [self.outcome, self.objective, *self.outcomes.values()]),
            ("bound", [self.bound]),
        ):
            if not all(math.isfinite(number) for number in numbers):
                raise _unfit(field_, "is not finite")
        if self.rules.money.code != self.currency:
            raise _unfit("rules", f"are in {self.rules.money.code}, not {self.currency}")
        if self.rules.bounds.lower.size != len(names):
            raise _unfit("rules", "are of another number of channels")

    def __hash__(self) -> int:
        return hash((self.currency, tuple(self.spend.items()), self.outcome, self.bound))

    @property
    def gap(self) -> float:
        """Most that is lost against the best split, as a share of the bound."""
        short = max(0.0, self.bound - self.objective)
        return short / abs(self.bound) if self.bound else short

    @property
    def proven(self) -> bool:
        """Whether no split within the limits can be better by more than a millionth or a step.

        Rounding to whole steps may cost what one step brings at the margin in each channel; beyond
        that only a millionth of the bound is allowed.
        """
        return self.bound - self.objective <= 1e-6 * abs(self.bound) + self.steps_worth

    @property
    def budget(self) -> Decimal:
        """Most that may be spent: the weekly budget less the reserve."""
        return self.rules.money.amount(self.rules.budget)

    @property
    def step(self) -> Decimal:
        """Spends are multiples of this, or of their channel's own lot; locked ones excepted."""
        return self.rules.money.amount(self.rules.step)

    @property
    def bounds(self) -> Bounds:
        """Least and most by channel in minor units, with the limits that set them."""
        return self.rules.bounds

    @property
    def total(self) -> Decimal:
        """Money spent."""
        return sum(self.spend.values(), Decimal(0))

    @property
    def unspent(self) -> Decimal:
        """Money of the budget that is left."""
        return self.budget - self.total

    def worth_of(self, room: Any) -> dict[str, float]:
        """Return what so much more room under each binding limit would bring, by name.

        Parameters
        ----------
        room
            Money (or, for a limit that counts or asks for outcome, channels or outcome). The
            prices hold at the margin: much more room is worth less than this.

        Returns
        -------
        dict
            In units of the objective; `prices_in_money` has the same for one unit in money.
        """
        return {name: price * float(room) for name, price in self.prices.items()}

    @property
    def prices_in_money(self) -> dict[str, float]:
        """The price of every binding limit in money, where every outcome is worth the same."""
        return {name: price * self.value for name, price in self.prices.items()}

    @property
    def binding(self) -> tuple[str, ...]:
        """Names of the limits that hold the outcome back."""
        return tuple(self.prices)

    def explain(self, language: str = "en") -> str:
        """Return the split in sentences: what moves, why, and what stops it.

        Parameters
        ----------
        language
            ``"en"`` or ``"zh"``, with the same numbers.
        """
        return "\n".join(in_language(line, language) for line in allocation_in_words(self))

    def to_frame(self) -> pd.DataFrame:
        """Return one row a channel: last, spend, bounds, outcome, marginal and limit."""
        import pandas as pd

        units = Currency(self.currency).units
        limits = dict(self.limits())
        return pd.DataFrame(
            {
                "channel": list(self.spend),
                "last": [float(self.last[n]) if self.last else math.nan for n in self.spend],
                "spend": [float(v) for v in self.spend.values()],
                "least": self.bounds.lower / units,
                "most": self.bounds.upper / units,
                "outcome": [self.outcomes[n] for n in self.spend],
                "marginal": [self.marginal[n] for n in self.spend],
                "limit": [limits.get(n, "") for n in self.spend],
            }
        )

    def tight_rows(self) -> list[str]:
        """Return the names of the rows across channels that have less than a step of room left."""
        money, rules = self.rules.money, self.rules
        spend = money.minors(self.spend, "spend")
        found = []
        for row in rules.rows:
            if row.outcome is not None:
                tight = self.prices.get(row.limit, 0.0) > 0
            else:
                left = row.room - row.used(spend, rules.last, money.units)
                tight = left < (1 if row.counts else Fraction(2 * rules.step, money.units))
            if tight:
                found.append(row.limit)
        return found

    def money_bounds(self) -> tuple[list[Decimal], list[Decimal]]:
        """Return the least and the most money of each channel."""
        amount = Currency(self.currency).amount
        return [amount(m) for m in self.bounds.lower], [amount(m) for m in self.bounds.upper]

    def limits(self) -> list[tuple[str, str]]:
        """Return for each channel that stands at a limit its name and the limit's."""
        minor = Currency(self.currency).minor
        found = []
        for at, (name, amount) in enumerate(self.spend.items()):
            spent = minor(amount, name)
            rule = 0
            if spent == self.bounds.upper[at]:
                rule = self.bounds.upper_rule[at]
            if not rule and spent == self.bounds.lower[at]:
                rule = self.bounds.lower_rule[at]
            if rule:
                found.append((name, RULES[rule]))
        return found

    def to_dict(self) -> dict[str, Any]:
        """Return plain data that `from_dict` takes and JSON keeps."""
        apart = ("rules", "spread")
        plain = {f.name: getattr(self, f.name) for f in fields(self) if f.name not in apart}
        plain["spread"] = None if self.spread is None else asdict(self.spread)
        derived = {
            "budget": self.budget,
            "gap": self.gap,
            "proven": self.proven,
            "unspent": self.unspent,
            "binding": list(self.binding),
        }
        rules = self.rules.to_dict()
        return {
            "schema_version": SCHEMA_VERSION,
            **_plain(plain | derived),
            "rules": rules,
            "words": templates_of(self.notes),
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """Return the allocation of `to_dict`, verified again.

        Raises
        ------
        InputError
            ``bad-argument`` where the data are not an allocation of this version.
        VerificationError
            ``broken-limit`` where the spends were changed so that a limit breaks.
        """
        try:
            if data["schema_version"] != SCHEMA_VERSION:
                raise KeyError("schema_version")
            words = data["words"]
            return cls(
                currency=data["currency"],
                spend=_table(data["spend"], Decimal),
                held=Decimal(data["held"]),
                rules=Rules.from_dict(data["rules"]),
                outcome=float(data["outcome"]),
                outcomes=_table(data["outcomes"], float),
                objective=float(data["objective"]),
                bound=float(data["bound"]),
                method=data["method"],
                marginal=_table(data["marginal"], float),
                prices=_table(data["prices"], float),
                last=_table(data["last"], Decimal),
                notes=tuple(restored(note, words) for note in data["notes"]),
                steps_worth=float(data["steps_worth"]),
                value=float(data["value"]),
                spread=None if data["spread"] is None else Spread(**data["spread"]),
            )
        except (
            InputError,
            KeyError,
            TypeError,
            ValueError,
            ArithmeticError,
            AttributeError,
        ) as error:
            if isinstance(error, InputError) and error.code == "bad-argument":
                raise
            raise InputError(
                "bad-argument",
                f"these data are not an allocation of version {SCHEMA_VERSION} ({error})",
                field="data",
                remedy="give what Allocation.to_dict returned",
            ) from None

    def to_json(self) -> str:
        """Return the allocation as JSON text."""
        return json.dumps(self.to_dict(), ensure_ascii=False, allow_nan=False)


class Frozen(dict[str, V]):
    """A dict that cannot be changed, so that what was verified stays so."""

    def _refuse(self, *_: Any, **__: Any) -> Any:
        raise TypeError("an allocation cannot be changed")

    __setitem__ = __delitem__ = clear = pop = popitem = setdefault = update = __ior__ = _refuse

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (dict(self),)


def _unfit(field_: str, problem: str) -> InputError:
    return InputError(
        "bad-argument",
        f"{field_} of the allocation {problem}",
        field=field_,
        remedy="give what Allocation.to_dict returned",
    )


def _table(table: Mapping[str, Any], kind: Callable[[Any], T]) -> dict[str, T]:
    return {name: kind(value) for name, value in table.items()}


def _plain(value: Any) -> Any:
    """Return nested values with money as text and infinities as the text that float() reads."""
    if isinstance(value, dict):
        return {k: _plain(v) for k, v in value.items()}
    if isinstance(value, tuple):
        return [_plain(v) for v in value]
    if isinstance(value, Decimal) or (isinstance(value, float) and not math.isfinite(value)):
        return str(value)
    return value
