"""A week's problem in array form, the one thing that every engine solves and every check reads.

- `Problem` holds objective, bounds and rows in exact minor units; `Rows` are the same rows in
  floating point, as engines read them, and `Solved` is what every engine answers with.
- `Rules` are what of a problem must be kept exactly. They are stored with an allocation, so that it
  can be checked again without its plan.
- `verify` raises where spends in minor units violate a rule, `keeps` says whether they do not, and
  `violations` yields every one.
- `clock` is the caller's time. Without a limit no engine looks at a clock, and its work alone ends
  it: so the same input gives the same bytes on any machine, busy or not.

A limit that was put into rows wrongly passes here, and fails in `check`, which reads the plan
itself. Rows that hold outcomes, which are floats, may be missed by a share of 1e-9. Money that
carries over from week to week couples weeks; a problem is one week.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from budgetopt.arrays import Floats, Whole
from budgetopt.curves import Curve
from budgetopt.errors import SolverError, VerificationError
from budgetopt.i18n import Message, messages_of, restored, say
from budgetopt.money import Currency, sum_minor
from budgetopt.notebook import brief, short
from budgetopt.optimize.check import broken_limit
from budgetopt.plan import RULES, Bounds, Reserve, Row, Source, integers


class DeclaredBounds(NamedTuple):
    """What a plan declares by channel, and the bounds that come of it together.

    Its reserve is what the budget in minor units is declared with.
    """

    sources: tuple[Source, ...]
    bounds: Bounds
    budget: int
    reserve: Reserve


@brief
@dataclass(frozen=True, eq=False)
class Problem:
    r"""Maximise :math:`\sum_i w_i f_i(x_i) - b_i x_i` within bounds and rows.

    Amounts are whole numbers of minor units, so that checks are exact; the properties give the
    engines the same in money as floats.

    Parameters
    ----------
    names
        Channel names.
    money
        Currency of all amounts.
    step
        Minor units in one step of money.
    budget
        Most that may be spent, in minor units; exactly that with `spend_all`.
    spend_all
        Whether leaving money is refused.
    bounds
        Bounds by channel in minor units, drawn in to whole steps.
    curves
        Curves over the channels, in units of money.
    weight, cost
        What an outcome counts for, and what a unit of money costs, by channel.
    least_on
        Minor units; where above 0 the channel is at 0 or between this and its upper bound.
    lots
        Minor units of each channel's own step.
    limits
        Exact rows besides the budget.
    last
        Last applied spend in minor units, or None.
    declared
        What the bounds come from, so that what cannot be kept is explained in the plan's own terms.
    """

    names: tuple[str, ...]
    money: Currency
    step: int
    budget: int
    spend_all: bool
    bounds: Bounds
    curves: Curve
    weight: Floats
    cost: Floats
    least_on: Whole
    lots: Whole
    limits: tuple[Row, ...]
    last: Whole | None
    declared: DeclaredBounds | None = None

    @cached_property
    def index(self) -> dict[str, int]:
        """Position of each channel by name."""
        return {name: at for at, name in enumerate(self.names)}

    @property
    def lower(self) -> Floats:
        """Least money by channel."""
        return self.bounds.lower / self.money.units

    @property
    def upper(self) -> Floats:
        """Most money by channel."""
        return self.bounds.upper / self.money.units

    @property
    def budget_money(self) -> float:
        """The budget in money."""
        return self.budget / self.money.units

    @property
    def last_money(self) -> Floats:
        """Last applied money by channel, zeros where there is none."""
        return np.zeros(len(self.names)) if self.last is None else self.last / self.money.units

    @property
    def even(self) -> bool:
        """Whether a budget in equal steps is all there is besides bounds."""
        if self.limits or self.least_on.any():
            return False
        if np.all(self.lots == self.step):
            return True
        last, free = self.last, self.bounds.lower != self.bounds.upper
        lots = self.lots[free]
        if np.any(lots[1:] != lots[:-1]):
            return False
        # A channel with a lot of its own may stay off it.
        return last is None or not np.any(last[free] % lots)

    @property
    def common_lot(self) -> int:
        """The lot of an `even` problem, in minor units."""
        return int(self.lots[np.argmax(self.bounds.lower != self.bounds.upper)])

    @property
    def target(self) -> int:
        """The largest total in minor units that steps and locked spends let the budget reach."""
        locked = sum_minor(self.bounds.lower[self.bounds.lower == self.bounds.upper])
        return locked + (self.budget - locked) // self.step * self.step

    @cached_property
    def all_rows(self) -> tuple[Row, ...]:
        """All exact rows: the budget first, then that it is all to be spent, then the limits."""
        ones = np.ones(len(self.names), dtype=np.int64)
        room = Fraction(self.budget, self.money.units)
        rows = [Row("budget", ones, room, sentence=say("the-budget"), kind="budget", unit="money")]
        if self.spend_all:
            text = say("all-budget-spent")
            rows.append(
                Row(
                    "spend all",
                    -ones,
                    -room,
                    sentence=text,
                    kind="spend-all",
                    least=True,
                    unit="money",
                )
            )
        return (*rows, *self.limits)

    @cached_property
    def rows(self) -> Rows:
        """All rows in floats; row 0 is the budget."""
        return Rows.of(self.all_rows, len(self.names))

    @property
    def rules(self) -> Rules:
        """Everything exact that the spends must keep."""
        return Rules(
            self.money,
            self.step,
            self.budget,
            self.bounds,
            self.least_on,
            self.lots,
            self.all_rows[1:],
            self.last,
        )

    @property
    def plain(self) -> bool:
        """Whether budget and bounds are all there is, and every outcome counts the same."""
        return self.even and bool(np.all(self.weight == 1.0)) and not self.cost.any()

    def objective(self, spend: Floats) -> float:
        """Return what is maximised, at spends in money."""
        return float(self.weight @ self.curves.value(spend) - self.cost @ spend)


@dataclass(frozen=True, eq=False)
class Rows:
    r"""Inequalities :math:`A x + M |x - l| - P f(x) + O [x > 0] + C [x \ne l] \le room`.

    Parameters
    ----------
    names
        Name of the limit that each row comes from.
    money, moved, outcome, on, moves
        Sparse coefficients ``A``, ``M >= 0``, ``P >= 0``, ``O``, ``C``, shape ``(rows, channels)``.
    room
        Shape ``(rows,)``.
    """

    names: tuple[str, ...]
    money: csr_array
    moved: csr_array
    outcome: csr_array
    on: csr_array
    moves: csr_array
    room: Floats

    @classmethod
    def of(cls, rows: Sequence[Row], size: int) -> Self:
        """Return rows in floating point over so many channels."""
        none = csr_array((len(rows), size))

        def part(field: str) -> csr_array:
            if all(getattr(row, field) is None for row in rows):
                return none
            scaled = field in ("money", "moved")
            table = np.zeros((len(rows), size))
            for at, row in enumerate(rows):
                if getattr(row, field) is not None:
                    table[at] = getattr(row, f"{field}_floats" if scaled else field)
            return csr_array(table)

        return cls(
            names=tuple(row.limit for row in rows),
            money=part("money"),
            moved=part("moved"),
            outcome=part("outcome"),
            on=part("on"),
            moves=part("moves"),
            room=np.array([float(row.room) for row in rows]),
        )

    @property
    def size(self) -> int:
        """Number of rows."""
        return len(self.names)

    @property
    def counts(self) -> bool:
        """Whether any row counts channels."""
        return bool(self.on.nnz or self.moves.nnz)

    def used(self, spend: Floats, value: Floats, last: Floats) -> Floats:
        """Return the left sides at spends and the curves' values there, shape ``(rows,)``."""
        change = spend - last
        used: Floats = self.money @ spend + self.moved @ np.abs(change) - self.outcome @ value
        if self.counts:
            used = used + self.on @ (spend > 0) + self.moves @ (change != 0)
        return used


@short
class Solved(NamedTuple):
    """A continuous split, the prices of the rows, and a proven bound.

    Parameters
    ----------
    spend
        Money by channel, within bounds and rows up to rounding error, shape ``(channels,)``.
    prices
        Price of each row of the problem, at least 0, shape ``(rows,)``.
    bound
        No split within the limits has a better objective; from the true curves.
    method
        Engine that made it.
    timed_out
        Whether the time ran out before the bound was reached: the best split found by then.
    """

    spend: NDArray[np.float64]
    prices: NDArray[np.float64]
    bound: float
    method: str
    timed_out: bool = False


@brief
@dataclass(frozen=True, eq=False)
class Rules:
    """Everything exact that a week's spends must keep.

    Parameters
    ----------
    money
        Currency of all amounts.
    step
        Minor units in one step.
    budget
        Most in total, in minor units.
    bounds
        Least and most by channel.
    least_on
        Minor units; where above 0 a channel is at 0 or at least this.
    lots
        Minor units of each channel's own step.
    rows
        Rows across channels.
    last
        Last applied spend in minor units, or None. A channel that stays at it may be off its step.
    """

    money: Currency
    step: int
    budget: int
    bounds: Bounds
    least_on: Whole
    lots: Whole
    rows: tuple[Row, ...] = ()
    last: Whole | None = None

    def __post_init__(self) -> None:
        size = self.bounds.lower.shape
        arrays = [getattr(self.bounds, name) for name in self.bounds.__dataclass_fields__]
        arrays += [self.least_on, self.lots, *([] if self.last is None else [self.last])]
        named = [self.bounds.lower_rule, self.bounds.upper_rule]
        fit = all(array.shape == size for array in arrays)
        fit = fit and all(np.all((rule >= 0) & (rule < len(RULES))) for rule in named)
        if not fit or self.step < 1 or np.any(self.lots < 1):
            raise ValueError("parts of the rules do not fit each other")
        for array in arrays:
            array.flags.writeable = False

    def to_dict(self) -> dict[str, Any]:
        """Return plain data that `from_dict` takes."""
        whole = {k: getattr(self.bounds, k).tolist() for k in self.bounds.__dataclass_fields__}
        return {
            "currency": self.money.code,
            "step": self.step,
            "budget": self.budget,
            "bounds": whole,
            "least_on": self.least_on.tolist(),
            "lots": self.lots.tolist(),
            "rows": [_row_to_dict(row) for row in self.rows],
            "words": messages_of(row.sentence for row in self.rows),
            "last": None if self.last is None else self.last.tolist(),
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """Return the rules of `to_dict`; KeyError, TypeError or ValueError if they are not."""
        bounds = data["bounds"]
        last, words = data["last"], data["words"]
        return cls(
            money=Currency(data["currency"]),
            step=int(data["step"]),
            budget=int(data["budget"]),
            bounds=Bounds(
                _whole(bounds["lower"]),
                _whole(bounds["upper"]),
                _whole(bounds["lower_rule"]).astype(np.int8),
                _whole(bounds["upper_rule"]).astype(np.int8),
            ),
            least_on=_whole(data["least_on"]),
            lots=_whole(data["lots"]),
            rows=tuple(_row_from_dict(row, words) for row in data["rows"]),
            last=None if last is None else _whole(last),
        )

    def __eq__(self, other: object) -> bool:
        return self.to_dict() == other.to_dict() if isinstance(other, Rules) else NotImplemented

    __hash__ = None  # type: ignore[assignment] # arrays inside, as in the allocation that holds it


_SHARE = Fraction(1, 10**9)
"""Share by which a row that holds outcomes, which are floats, may miss its room."""


def verify(names: Sequence[str], spend: Whole, rules: Rules, outcome: Floats | None = None) -> None:
    """Raise unless whole-number spends keep every rule.

    Parameters
    ----------
    names
        Channel names.
    spend
        Minor units, shape ``(channels,)``.
    rules
        What is to be kept.
    outcome
        Expected outcome of each channel at its spend; needed where a row holds outcomes.

    Raises
    ------
    VerificationError
        ``broken-limit``, with the first limit that is broken.
    """
    for _, error in violations(names, spend, rules, outcome):
        raise error


def keeps(problem: Problem, spend: Whole) -> bool:
    """Return whether exact spends keep every rule; floats cannot tell a row that is just full."""
    try:
        outcome = problem.curves.value(spend / problem.money.units)
        verify(problem.names, spend, problem.rules, outcome)
    except VerificationError:
        return False
    return True


def violations(
    names: Sequence[str], spend: Whole, rules: Rules, outcome: Floats | None = None
) -> Iterator[tuple[Row | None, VerificationError]]:
    """Yield every row that whole-number spends violate, None for other rules, with its error.

    Parameters are those of `verify`, which raises the first.
    """
    yield from ((None, error) for error in _channel_violations(names, spend, rules))
    show = rules.money.show
    total = sum_minor(spend)
    if total > rules.budget:
        above = say("above-budget", budget=show(rules.budget))
        yield None, broken_limit(say("the-total"), show(total), above)
    for row in rules.rows:
        used = row.used(spend, rules.last, rules.money.units)
        room = row.room
        if row.outcome is not None and outcome is not None:
            gained = row.outcome * outcome
            used -= Fraction(float(gained.sum()))
            room += _SHARE * Fraction(float(np.abs(gained).sum()))
        if used > room:
            over = f"{float(used - room):g} over"
            yield (
                row,
                broken_limit(say("the-split"), over, say("against-rule", sentence=row.sentence)),
            )


def _channel_violations(
    names: Sequence[str], spend: Whole, rules: Rules
) -> Iterator[VerificationError]:
    """Yield what violates bounds, minimums and steps, channel by channel."""
    show, bounds = rules.money.show, rules.bounds
    off = spend == 0
    for which, which_rule, limit, bad in (
        ("below-its-limit", bounds.lower_rule, bounds.lower, spend < bounds.lower),
        ("above-its-limit", bounds.upper_rule, bounds.upper, spend > bounds.upper),
    ):
        for at in np.flatnonzero(bad).tolist():
            rule = RULES[which_rule[at]] or say("zero" if limit is bounds.lower else "budget")
            problem = say(which, rule=rule, amount=show(limit[at]))
            yield _of_channel(names[at], show(spend[at]), problem)
    small = (spend < rules.least_on) & ~off
    for at in np.flatnonzero(small).tolist():
        problem = say("neither-off-nor-at-least", least=show(rules.least_on[at]))
        yield _of_channel(names[at], show(spend[at]), problem)
    stays = np.zeros(spend.size, dtype=bool) if rules.last is None else spend == rules.last
    odd = (spend % rules.lots != 0) & (bounds.lower != bounds.upper) & ~stays
    for at in np.flatnonzero(odd).tolist():
        problem = say("no-multiple-of-step", step=show(rules.lots[at]))
        yield _of_channel(names[at], show(spend[at]), problem)


def _of_channel(name: str, amount: str, problem: Message) -> VerificationError:
    return broken_limit(say("spend-of", name=name), amount, problem, field=name)


_PARTS = ("moved", "on", "moves")


def _row_to_dict(row: Row) -> dict[str, Any]:
    parts = {k: getattr(row, k).tolist() for k in _PARTS if getattr(row, k) is not None}
    if row.outcome is not None:
        parts["outcome"] = row.outcome.tolist()
    return {
        "limit": row.limit,
        "money": row.money.tolist(),
        "room": str(row.room),
        "scale": row.scale,
        "sentence": row.sentence,
        "kind": row.kind,
        "unit": row.unit,
        **parts,
    }


def _row_from_dict(data: Mapping[str, Any], words: Mapping[str, Any]) -> Row:
    parts: dict[str, Any] = {k: _integers(data[k]) for k in _PARTS if k in data}
    outcome = np.array(data["outcome"], dtype=np.float64) if "outcome" in data else None
    return Row(
        limit=data["limit"],
        money=_integers(data["money"]),
        room=Fraction(data["room"]),
        scale=int(data["scale"]),
        sentence=restored(data["sentence"], words),
        kind=data.get("kind", ""),
        unit=data.get("unit", ""),
        outcome=outcome,
        **parts,
    )


def _whole(values: Any) -> Whole:
    whole = _integers(values)
    if whole.dtype != np.int64:
        raise ValueError(f"{values!r} are too large")
    return whole


def _integers(values: Any) -> NDArray[Any]:
    """Return whole numbers of any size, or refuse what are none."""
    if not all(type(value) is int for value in values):
        raise ValueError(f"{values!r} are not whole numbers")
    return integers(values)


Clock = Callable[[], float | None]
"""Returns the seconds that are left, None where there is no limit."""


def clock(time_limit: float | None = None) -> Clock:
    """Return what says how many seconds are left, from now on."""
    if time_limit is None:
        return lambda: None
    end = time.monotonic() + time_limit
    return lambda: max(0.0, end - time.monotonic())


def counted(looks: int) -> Clock:
    """Return a clock whose time is over when it was looked at so often: work instead of seconds."""
    seen = itertools.count()
    return lambda: 0.0 if next(seen) >= looks else None


def extended(left: Clock, seconds: float) -> Clock:
    """Return a clock that runs for so many seconds from now at least, where there is a limit."""
    now = left()
    return clock(None if now is None else max(now, seconds))


UNLIMITED = clock()
"""The clock of who gave no limit."""


def out_of_time() -> SolverError:
    """Return the error of a search whose time ran out before it had anything."""
    return SolverError(
        "time-limit", say("error-time-limit"), field="time_limit", remedy=say("remedy-more-time")
    )
