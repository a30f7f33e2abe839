"""A result as columns: the one form that every file format is written from.

`Sheet` is columns under names, `Book` the sheets of one result with its page in words, and
`book_of` makes one of any result. A sheet has the columns of the result's `to_frame`; what is money
is exact again, since the currency says how many digits an amount has.
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from fractions import Fraction
from functools import singledispatch
from typing import TYPE_CHECKING, Any, NamedTuple, Self

from budgetopt.belief import Belief
from budgetopt.errors import InputError
from budgetopt.experiments import ValueOfTests
from budgetopt.horizon import Schedule
from budgetopt.i18n import say
from budgetopt.money import Currency, total_of
from budgetopt.notebook import short
from budgetopt.optimize import Allocation, Frontier
from budgetopt.report import (
    Years,
    allocation_table,
    backtest_table,
    belief_table,
    decision_table,
    frontier_table,
    said,
    value_table,
    what_if_table,
    years_frame,
    years_table,
)
from budgetopt.simulation import Simulation, WhatIf
from budgetopt.weekly import Backtest, Decision
from budgetopt.workflow import Pace, Ramp

if TYPE_CHECKING:
    import pandas as pd


class Chart(NamedTuple):
    """How a sheet is drawn.

    Parameters
    ----------
    kind
        ``"column"`` for values beside each other, ``"line"`` for a curve through points.
    across
        Column of the categories, or of the values along the axis.
    up
        Columns that are drawn.
    """

    kind: str
    across: str
    up: tuple[str, ...]


@short
@dataclass(frozen=True)
class Sheet:
    """Columns of one length under names.

    Parameters
    ----------
    name
        What the sheet is called.
    columns
        Values by column: `Decimal` for money, numbers, dates, text, and None for what is unknown.
    sums
        Columns whose values add up to something.
    shares
        Columns that are read as percentages.
    chart
        How it is drawn where a format can.
    plain
        Whether names and texts are those that programs read, whatever the language.
    """

    name: str
    columns: Mapping[str, Sequence[Any]]
    sums: frozenset[str] = frozenset()
    shares: frozenset[str] = frozenset()
    chart: Chart | None = None
    plain: bool = False

    @classmethod
    def of_frame(
        cls,
        name: str,
        frame: pd.DataFrame,
        currency: str | None = None,
        money: Iterable[str] = (),
    ) -> Self:
        """Return a data frame as a sheet.

        Parameters
        ----------
        name
            What the sheet is called.
        frame
            Any frame; NaN, None and NaT are unknown.
        currency
            Code of the currency of its money.
        money
            Columns that hold money, exact to the digits of the currency.
        """
        exact = frozenset() if currency is None else frozenset(money)
        unit = Currency(currency) if exact and currency else None
        columns = {
            str(column): [
                _value(cell, unit if column in exact else None)
                for cell in frame.iloc[:, at].tolist()
            ]
            for at, column in enumerate(frame.columns)
        }
        return cls(name, columns)

    @classmethod
    def of_rows(
        cls, name: str, rows: Sequence[Mapping[str, Any]], sums: Iterable[str] = ()
    ) -> Self:
        """Return plain data, one mapping a row and all with the same keys, as a sheet."""
        heads = rows[0] if rows else ()
        return cls(name, {head: [row[head] for row in rows] for head in heads}, frozenset(sums))

    @property
    def rows(self) -> list[tuple[Any, ...]]:
        """The values row by row."""
        return list(zip(*self.columns.values(), strict=True))

    def total(self, column: str) -> Any:
        """Return the sum of a column, exact for money; None where nothing is known."""
        known = [value for value in self.columns[column] if value is not None]
        if not known:
            return None
        exact = all(isinstance(value, Decimal) for value in known)
        return total_of(known) if exact else math.fsum(map(float, known))

    def to_frame(self) -> pd.DataFrame:
        """Return the sheet as a data frame: money as floats, dates as dates."""
        import pandas as pd

        columns = {}
        for name, values in self.columns.items():
            plain = [float(v) if isinstance(v, Decimal) else v for v in values]
            if any(isinstance(value, dt.date) for value in values):
                columns[name] = pd.Series(pd.to_datetime(plain))
            else:
                unknown = all(value is None for value in values)
                columns[name] = pd.Series(plain, dtype="float64" if unknown else None)
        return pd.DataFrame(columns)


def _value(cell: Any, money: Currency | None) -> Any:
    """Return a cell of a frame as a plain value; money to its minor unit."""
    # Only NaN and NaT differ from themselves.
    if cell is None or cell != cell:
        return None
    if isinstance(cell, dt.datetime):
        return cell.date()
    return cell if money is None else money.amount(round(Fraction(cell) * money.units))


@short
@dataclass(frozen=True)
class Book:
    """A result as sheets, the first of which is the one of formats that hold only one.

    Parameters
    ----------
    kind
        What the result is.
    sheets
        The sheets.
    page
        Language to the result as text for a terminal.
    """

    kind: str
    sheets: tuple[Sheet, ...]
    page: Callable[[str], str] | None = None


@singledispatch
def book_of(result: Any) -> Book:
    """Return a result as sheets.

    Parameters
    ----------
    result
        An `Allocation`, `Decision`, `Frontier`, `Belief`, `Simulation` or `History`, the answers of
        `what_if`, simulated years, a data frame, or a `Sheet`; a `Book` stays what it is.

    Raises
    ------
    InputError
        ``bad-argument`` for anything else.
    """
    if hasattr(result, "iloc") and hasattr(result, "columns"):
        return Book("table", (Sheet.of_frame("table", result),))
    raise InputError("bad-argument", say("no-result-can", name=type(result).__name__),
                     field="result", value=type(result).__name__,
                     remedy=say("remedy-allocation-decision-frontier"))  # fmt: skip


@book_of.register
def _book(result: Book) -> Book:
    return result


@book_of.register
def _sheet(result: Sheet) -> Book:
    return Book("table", (result,))


@book_of.register
def _allocation(result: Allocation) -> Book:
    def page(language: str) -> str:
        return allocation_table(result, language=language)

    return Book("allocation", (_split(result), _money(result)), page)


@book_of.register
def _decision(result: Decision) -> Book:
    moves, split = result.moves, _split(result.allocation)
    columns = {"week": [result.week.start] * len(moves), **split.columns}
    columns |= {"last": [m.before for m in moves], "reason": [m.reason for m in moves]}

    def page(language: str) -> str:
        return decision_table(result, language=language)

    sheets = (replace(split, columns=columns), _money(result.allocation))
    return Book("decision", sheets, page)


def _split(week: Allocation) -> Sheet:
    """Return one row a channel; sums of money and outcome, and before beside after."""
    money = ("last", "spend", "least", "most")
    split = Sheet.of_frame("split", week.to_frame(), week.currency, money)
    # A frame keeps the words of a limit, and not their translations.
    limits = dict(week.limits())
    return replace(
        split,
        columns={**split.columns, "limit": [limits.get(name, "") for name in week.spend]},
        sums=frozenset({"last", "spend", "outcome"}),
        chart=Chart("column", "channel", ("last", "spend")),
    )


def _money(week: Allocation) -> Sheet:
    """Return where the budget goes, to be added up to the whole."""
    parts = {
        say("spent"): week.total,
        say("part-unspent"): week.unspent,
        say("part-reserve"): week.held,
    }
    rows = [{"part": part, "amount": amount} for part, amount in parts.items()]
    return Sheet.of_rows("money", rows, ("amount",))


@book_of.register
def _frontier(result: Frontier) -> Book:
    plan = result.source.plan
    money = ["budget", "spend", *(f"spend of {name}" for name in plan.names)]
    line = Sheet.of_frame("frontier", result.to_frame(), plan.currency, money)
    line = replace(line, shares=frozenset({"gap"}), chart=Chart("line", "spend", ("outcome",)))
    return Book("frontier", (line,), lambda language: frontier_table(result, language))


@book_of.register
def _what_if(result: WhatIf) -> Book:
    plan, names = result.plan, result.plan.names
    money = ["budget", "spend", *(f"spend on {name}" for name in names)]
    cases = Sheet.of_frame("cases", result.to_frame(), plan.currency, money)
    named = [answer.name for answer in result.answers]
    cases = replace(cases, columns={**cases.columns, "change": named})
    columns: dict[str, Sequence[Any]] = {"channel": names}
    for answer in result.answers:
        week = answer.allocation
        columns[answer.name] = [None if week is None else week.spend[name] for name in names]
    up = tuple(columns)[1:]
    splits = Sheet("splits", columns, frozenset(up), chart=Chart("column", "channel", up))
    page: Callable[[str], str] = lambda language: what_if_table(result, language)  # noqa: E731
    return Book("what-if", (cases, splits), page)


@book_of.register
def _belief(result: Belief) -> Book:
    sheet = Sheet.of_frame("belief", result.to_frame())
    sheet = replace(sheet, shares=frozenset({"data_share", "change_chance"}))
    parts = result.decomposition()
    more = () if parts is None else (Sheet.of_frame("decomposition", parts.to_frame()),)
    return Book("belief", (sheet, *more), lambda language: belief_table(result, language=language))


_BY = ("week", "channel", "run")


@book_of.register
def _simulation(result: Simulation) -> Book:
    sheets = tuple(Sheet.of_frame(f"{by}s", result.to_frame(by)) for by in _BY)
    return Book("simulation", sheets, lambda _: said(result.summary()))


@book_of.register
def _years(result: Years) -> Book:
    sheets = tuple(Sheet.of_frame(f"{by}s", years_frame(result, by)) for by in _BY)
    return Book("simulation", sheets, lambda language: years_table(result, language))


@book_of.register
def _pace(result: Pace) -> Book:
    rows = [
        {"span": span.called, **vars(line), "channel": line.channel or say("total")}
        for span in result.spans
        for line in (*span.lines, span.total)
    ]
    return Book("pace", (Sheet.of_rows("pace", rows),))


@book_of.register
def _ramp(result: Ramp) -> Book:
    steps = [step.spend for step in result.path.steps] or [result.far.spend]
    rows = [
        {"step": number, "channel": name, "spend": money}
        for number, split in enumerate(steps, start=1)
        for name, money in split.items()
    ]
    return Book("ramp", (Sheet.of_rows("ramp", rows),))


@book_of.register
def _backtest(result: Backtest) -> Book:
    advised = [f"advised by {one.policy}" for one in result.policies]
    weeks = Sheet.of_frame("weeks", result.to_frame(), result.currency, ["spend", *advised])
    whole = result.to_dict()
    sheets = [
        Sheet.of_rows(name, whole[name]) for name in ("records", "calibration") if whole[name]
    ]
    policies = []
    for one in whole["policies"]:
        gain, failed = one.pop("gain") or {}, one.pop("failed")
        ends = {f"gain_{end}": gain.get(end) for end in ("mean", "low", "high")}
        policies.append(one | ends | {"failed": sum(failed.values())})
    sheets = [weeks, Sheet.of_rows("policies", policies), *sheets]
    return Book("backtest", tuple(sheets), lambda language: backtest_table(result, language))


@book_of.register
def _tests(result: ValueOfTests) -> Book:
    limits = Sheet.of_rows("limits", result.to_dict()["limits"])
    sheets = [Sheet.of_frame("tests", result.to_frame()), *([limits] if result.limits else [])]
    return Book("tests", tuple(sheets), lambda language: value_table(result, language))


@book_of.register
def _schedule(result: Schedule) -> Book:
    weeks = Sheet.of_frame("weeks", result.to_frame(), result.currency.code, ("spend",))
    return Book("schedule", (replace(weeks, sums=frozenset({"spend", "outcome"})),))
