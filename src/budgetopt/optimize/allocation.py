"""One week's money per channel, verified, with what it brings and why.

- `Allocation` is the record: it cannot be constructed where a declared limit is broken, and goes
  to and from JSON whole.
- The functions after it put a record into sentences; every number in them is one of its fields.

What an allocation expects is as good as the curves that it was given: `gap` says how far the split
can be from the best for those curves, and nothing of how far the curves are from the market.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING, Any, Self, TypeVar

import numpy as np

from budgetopt.arguments import public
from budgetopt.errors import InputError
from budgetopt.i18n import (
    Message,
    in_language,
    joined,
    listed,
    messages_of,
    restored,
    round_known,
    say,
    show_bound,
    show_figure,
)
from budgetopt.money import Currency, difference_of, product_of, ratio_of, total_of
from budgetopt.money import show_amount as show
from budgetopt.notebook import Card, Shown
from budgetopt.optimize.check import Split
from budgetopt.optimize.problem import Rules, verify
from budgetopt.optimize.risk.measure import Spread
from budgetopt.plan import RULES, Bounds, Plan, limits_only
from budgetopt.records import JsonRecord

if TYPE_CHECKING:
    import pandas as pd

    from budgetopt.plan import Row


SCHEMA_VERSION = 3
_WITHOUT_PLAN = 2
"""Schema of records that carry no plan, as every version before the present one wrote them."""
T = TypeVar("T")
V = TypeVar("V")

GOAL_WORDS = {
    "outcome": say("outcome"),
    "weights": say("weighted-outcome"),
    "profit": say("profit"),
    "least-spend": say("plot-saved"),
}
"""What a goal counts, and so what the prices of limits are in."""


@public
@dataclass(frozen=True, repr=False)
class Allocation(Shown, JsonRecord):
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
    plan
        What was declared, against which the spends are checked once more; None in records of the
        version before, which are checked by the rules they carry alone.
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
        What one unit of the objective is worth in money; None where that is not known, or where
        channels differ in it.
    spread
        Range of the outcome over draws from the belief, and the chance that the split beats last
        week's proportions at the same money; None where the curves came without uncertainty.
    goal
        What the objective is: ``"outcome"``, ``"weights"`` (several outcomes by their weights),
        ``"profit"`` or ``"least-spend"``.
    kinds
        Expected outcome by name, where the goal weighs several; empty otherwise.
    worth
        Expected value of what the goal sums up; the objective where no risk was given, and by
        default.
    timed_out
        Whether the time limit ran out before the best split was proven. This is then the best one
        found, the first note says so, and so does the first line of every text.

    Raises
    ------
    VerificationError
        ``broken-limit``.
    """

    _VERSIONS = (_WITHOUT_PLAN, SCHEMA_VERSION)

    currency: str
    spend: dict[str, Decimal]
    held: Decimal
    rules: Rules
    plan: Plan | None = field(repr=False, compare=False)
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
    value: float | None = 1.0
    spread: Spread | None = None
    timed_out: bool = False
    goal: str = "outcome"
    kinds: dict[str, float] = field(default_factory=dict)
    worth: float = math.nan

    def __post_init__(self) -> None:
        if math.isnan(self.worth):
            object.__setattr__(self, "worth", self.objective)
        self._check_record()
        spend = Currency(self.currency).minors(self.spend, "spend")
        outcome = np.array(list(self.outcomes.values()))
        verify(tuple(self.spend), spend, self.rules, outcome)
        if self.plan is not None:
            for error in Split(self.plan, self.spend, self.last, self.outcomes).violations():
                raise error
        for name in ("spend", "outcomes", "marginal", "prices", "last", "kinds"):
            object.__setattr__(self, name, Frozen(getattr(self, name)))

    def _check_record(self) -> None:
        """Refuse a record whose parts do not fit each other."""
        names = list(self.spend)
        for field_, table in (("outcomes", self.outcomes), ("marginal", self.marginal)):
            if list(table) != names:
                raise _unfit(field_, say("names-other-channels"))
        if self.last and list(self.last) != names:
            raise _unfit("last", say("names-other-channels"))
        for field_, numbers in (
            ("outcome", [self.outcome, self.objective, *self.outcomes.values()]),
            ("kinds", [self.worth, *self.kinds.values()]),
            ("value", [] if self.value is None else [self.value]),
            ("bound", [self.bound]),
        ):
            if not all(math.isfinite(number) for number in numbers):
                raise _unfit(field_, say("part-not-finite"))
        if self.rules.money.code != self.currency:
            raise _unfit(
                "rules",
                say("part-other-currency", value=self.rules.money.code, currency=self.currency),
            )
        if self.rules.bounds.lower.size != len(names):
            raise _unfit("rules", say("another-number-channels"))

    def __hash__(self) -> int:
        return hash((self.currency, tuple(self.spend.items()), self.outcome, self.bound))

    @property
    def gap(self) -> float:
        """Most that is lost against the best split, as a share of the bound."""
        short = max(0.0, self.bound - self.objective)
        return short / abs(self.bound) if self.bound else short

    @property
    def proven(self) -> bool:
        """Whether no split within the limits, steps included, can be better by over a millionth.

        What is left open beyond that is the `gap`, whether it comes from whole steps or not.
        """
        return self.bound - self.objective <= 1e-6 * abs(self.bound)

    @property
    def extrapolated(self) -> bool:
        """Whether a channel's spend leaves what weeks and tests have seen; a note names it."""
        return self._noted("extrapolated") is not None

    @property
    def on_priors(self) -> str:
        """Share of the outcome that rests on priors alone, as its note says; empty without one."""
        note = self._noted("on-priors")
        return "" if note is None else str(note.values["share"])

    def _noted(self, code: str) -> Message | None:
        said = (note for note in self.notes if isinstance(note, Message))
        return next((note for note in said if note.code == code), None)

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
        return total_of(self.spend.values())

    @property
    def unspent(self) -> Decimal:
        """Money of the budget that is left."""
        return difference_of(self.budget, self.total)

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
        """The price of every binding limit in money, NaN where an outcome's worth is not known."""
        value = math.nan if self.value is None else self.value
        return {name: price * value for name, price in self.prices.items()}

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

    def _card(self) -> Card:
        return Card(_headline(self), *split_rows(self))

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

    def limits(self) -> list[tuple[str, Message]]:
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
            if isinstance(limit := RULES[rule], Message):
                found.append((name, limit))
        return found

    def to_dict(self) -> dict[str, Any]:
        """Return plain data that `from_dict` takes and JSON keeps."""
        apart = ("rules", "spread", "plan")
        plain = {f.name: getattr(self, f.name) for f in fields(self) if f.name not in apart}
        plain["spread"] = None if self.spread is None else asdict(self.spread)
        derived = {
            "budget": self.budget,
            "gap": self.gap,
            "proven": self.proven,
            "unspent": self.unspent,
            "binding": list(self.binding),
        }
        declared = {} if self.plan is None else {"plan": limits_only(self.plan)}
        return {
            "schema_version": SCHEMA_VERSION if declared else _WITHOUT_PLAN,
            **_plain(plain | derived),
            "rules": self.rules.to_dict(),
            **declared,
            "words": messages_of(self.notes),
        }

    @classmethod
    def _of_data(cls, data: Mapping[str, Any]) -> Self:
        carries_plan = data["schema_version"] == SCHEMA_VERSION
        words = data["words"]
        return cls(
            currency=data["currency"],
            spend=_table(data["spend"], Decimal),
            held=Decimal(data["held"]),
            rules=Rules.from_dict(data["rules"]),
            plan=Plan.from_dict(data["plan"]) if carries_plan else None,
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
            value=_known(data["value"]),
            spread=None if data["spread"] is None else Spread(**data["spread"]),
            timed_out=bool(data.get("timed_out", False)),
            # Older records are of the outcome alone, or do not say.
            goal=data.get("goal", "outcome"),
            kinds=_table(data.get("kinds", {}), float),
            worth=float(data.get("worth", data["objective"])),
        )


class Frozen(dict[str, V]):
    """A dict that cannot be changed, so that what was verified stays so."""

    def _refuse(self, *_: Any, **__: Any) -> Any:
        raise TypeError("an allocation cannot be changed")

    __setitem__ = __delitem__ = clear = pop = popitem = setdefault = update = __ior__ = _refuse

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (dict(self),)


def _unfit(field_: str, problem: Message) -> InputError:
    return InputError(
        "bad-argument",
        say("allocation-part-wrong", field=field_, problem=problem),
        field=field_,
        remedy=say("give-what-returned", function="Allocation.to_dict"),
    )


def _known(value: Any) -> float | None:
    """Return a number of a record, None for what older records wrote as NaN."""
    return None if value is None or math.isnan(float(value)) else float(value)


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


def allocation_in_words(week: Allocation) -> list[str]:
    """Return lines on the whole, on each channel, and on what each limit costs."""
    notes = [say("note-line", note=note) for note in week.notes]
    lines: list[str] = [
        *notes[: week.timed_out],
        _headline(week),
    ]
    if week.spread is not None:
        lines.append(say("outcome-range", range=week.spread.summary()))
    lines += held_back(week)
    if week.unspent:
        lines.append(
            say(
                "unspent-because",
                money=show(week.unspent),
                currency=week.currency,
                why=_why_unspent(week),
            )
        )
    lines += [*channels_in_words(week), *_costs_of_rows(week)]
    return [*lines, *notes[week.timed_out :]]


def channels_in_words(week: Allocation) -> list[str]:
    """Return a sentence a channel: its money, what stops it there, and what more would bring."""
    limits = dict(week.limits())
    return [_channel(week, name, limits.get(name, "")) for name in week.spend]


def _headline(week: Allocation) -> Message:
    """Return what is spent, what is expected of it, and how good that is."""
    return say(
        "allocation-headline",
        total=show(week.total),
        budget=show(week.budget),
        currency=week.currency,
        outcome=expected(week),
        how_good=how_good(week),
        method=week.method,
    )


def split_rows(week: Allocation) -> tuple[Sequence[str], Sequence[Sequence[str]]]:
    """Return heads and rows of a split in short: last and next money, outcome and limit."""
    limits, width = dict(week.limits()), 0.0 if week.spread is None else week.spread.width
    rows = [
        (
            name,
            show(week.last[name]) if name in week.last else "",
            show(money),
            show_figure(round_known(week.outcomes[name], width), 5),
            limits.get(name, ""),
        )
        for name, money in week.spend.items()
    ]
    return (say("channel"), say("last"), say("next"), say("outcome"), say("limit")), rows


def held_back(week: Allocation) -> list[str]:
    """Return how much is held in reserve, in one sentence or none."""
    if not week.held:
        return []
    held = show(week.held)
    return [say("held-in-reserve", money=held, currency=week.currency)]


def _costs_of_rows(week: Allocation) -> list[str]:
    """Return what a little room under the budget and under each row across channels is worth."""
    unit = round_amount(week.budget)
    lines: list[str] = []
    price = week.prices.get("budget", 0.0)
    if 0 < price < math.inf:
        lines.append(
            say(
                "budget-worth",
                unit=show(unit),
                currency=week.currency,
                more=_of_goal(week, price * float(unit)),
            )
        )
    for row in {row.limit: row for row in week.rules.rows}.values():
        price = week.prices.get(row.limit, 0.0)
        if 0 < price < math.inf:
            lines.append(_cost_of_row(week, row, price, unit))
    return lines


def _of_goal(week: Allocation, worth: float) -> str:
    """Return a figure in what the goal counts, as prices are; named where that is no outcome."""
    figure = show_figure(worth)
    if week.goal == "outcome":
        return figure
    return say("outcome-figure", figure=figure, outcome=GOAL_WORDS[week.goal])


def _cost_of_row(week: Allocation, row: Row, price: float, unit: Decimal) -> str:
    what = {"limit": row.limit, "rule": row.sentence, "worth": _of_goal(week, price)}
    if row.by_one:
        return say("limit-worth-count", **what)
    if row.outcome is not None and not row.money.any():
        return say("limit-worth-minimum", **what)
    what["worth"] = _of_goal(week, price * float(unit))
    return say("limit-worth-room", unit=show(unit), **what)


def expected(week: Allocation) -> str:
    """Return what is expected of a split in the words of its goal, to the digits known."""
    width = 0.0 if week.spread is None else week.spread.width
    return expected_by(week.goal, week.outcome, week.worth, week.kinds, width)


def expected_by(
    goal: str, brings: float, worth: float, kinds: Mapping[str, float], width: float
) -> str:
    """Return an expected outcome, what the goal counts it for, and its kinds, in words."""
    outcome = show_figure(round_known(brings, width))
    if goal == "weights":
        each = [
            say("outcome-figure", figure=show_figure(figure), outcome=name)
            for name, figure in kinds.items()
        ]
        return say("weighted-outcomes", outcomes=listed(each), worth=show_figure(worth))
    if goal == "profit":
        return say(
            "outcome-and-profit", outcome=outcome, profit=show_figure(round_known(worth, width))
        )
    return outcome


def how_good(week: Allocation) -> str:
    """Return in words how near the split is proven to be to the best."""
    least, share = week.goal == "least-spend", show_bound(100 * week.gap)
    if week.proven:
        return say("optimal-money" if least else "optimal-outcome")
    return say("gap-money" if least else "gap-outcome", share=share)


def _why_unspent(week: Allocation) -> str:
    if week.unspent < week.step:
        return say("unspent-step", step=show(week.step))
    if len(week.limits()) == len(week.spend):
        return say("all-channels-at-limit")
    return say("unspent-no-gain")


def _channel(week: Allocation, name: str, limit: str) -> str:
    """Return what happens to a channel, why it stops or stays there, and what more would bring."""
    next_unit, unit = week.marginal[name], round_amount(week.budget)
    move, stays = _move(week, name)
    if limit:
        move = say("move-at-limit", move=move, limit=limit)
    elif stays:
        move = _why_stays(week, move, next_unit)
    if not math.isfinite(next_unit):
        return say("channel-unbounded-marginal", channel=name, move=move, step=show(week.step))
    return say(
        "channel-marginal",
        channel=name,
        move=move,
        unit=show(unit),
        more=show_figure(next_unit * float(unit), 4),
    )


def _move(week: Allocation, name: str) -> tuple[str, bool]:
    """Return what happens to a channel, and whether that is nothing."""
    spend, after = week.spend[name], show(week.spend[name])
    if not week.last:
        return after, False
    before = week.last[name]
    if spend == before:
        return say("stays", after=after), True
    if not before:
        return say("move", before=show(before), after=after), False
    share, was = f"{ratio_of(difference_of(spend, before), before):+.1%}", show(before)
    return say("move-share", before=was, after=after, share=share), False


def _why_stays(week: Allocation, move: str, next_unit: float) -> str:
    """Return why a channel without a limit of its own does not move."""
    tight = set(week.tight_rows())
    holding = [
        row.limit
        for row in week.rules.rows
        if (row.moves is not None or row.moved is not None) and row.limit in tight
    ]
    if holding:
        limits = joined(list(dict.fromkeys(holding)))
        return say("move-held-by", move=move, limits=limits)
    if math.isclose(next_unit, week.prices.get("budget", 0.0), rel_tol=0.02):
        return say("move-balanced", move=move)
    return move


def round_amount(budget: Decimal) -> Decimal:
    """Return the power of ten that is about a fiftieth of a budget, to speak of its margin.

    Examples
    --------
    >>> str(round_amount(Decimal(60000))), str(round_amount(Decimal("0.45")))
    ('1000', '0.01')
    """
    if not budget:
        return Decimal(1)
    # A twentieth is five hundredths.
    tens = product_of(budget, Decimal(5)).adjusted() - 2
    return Decimal(10**tens) if tens >= 0 else Decimal((0, (1,), tens))
