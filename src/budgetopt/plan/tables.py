"""Tables of a plan file that rooms above the plan read: scenarios, their answers, what-ifs.

The plan keeps them as plain, frozen data: it knows that they have names, and not what they mean.
`as_scenarios`, `as_contingencies` and `as_cases` take mappings or objects with ``to_dict``; a
`RawTable` is what each becomes. What the fields of a table may be is checked by the room that reads
them.
"""

from __future__ import annotations

import datetime as dt
import math
import numbers
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from budgetopt.errors import PlanError
from budgetopt.i18n import Message, say
from budgetopt.plan.channel import check_name, kind_said


@dataclass(frozen=True, eq=False)
class RawTable(Mapping[str, Any]):
    """A table of a plan file: texts, numbers, truths, days as texts, tuples, tables in it.

    Parameters
    ----------
    pairs
        Its fields in the order in which they were written.
    """

    pairs: tuple[tuple[str, Any], ...]

    def __getitem__(self, key: str) -> Any:
        return dict(self.pairs)[key]

    def __iter__(self) -> Iterator[str]:
        return (key for key, _ in self.pairs)

    def __len__(self) -> int:
        return len(self.pairs)

    def __hash__(self) -> int:
        return hash(frozenset(self.pairs))

    def to_dict(self) -> dict[str, Any]:
        """Return it as plain data for JSON."""
        return {key: _listed(value) for key, value in self.pairs}


def as_scenarios(given: Any) -> tuple[RawTable, ...]:
    """Return tables of scenarios, each with a name, or else a kind that names it.

    Raises
    ------
    PlanError
        ``bad-plan``, ``bad-name``.
    """
    return _named(given, "scenario", "name", "kind")


def as_cases(given: Any) -> tuple[RawTable, ...]:
    """Return tables of what-ifs, each with a name.

    Raises
    ------
    PlanError
        ``bad-plan``, ``bad-name``.
    """
    return _named(given, "case", "name")


def _named(given: Any, what: str, *keys: str) -> tuple[RawTable, ...]:
    """Return tables of which each has a name of its own, in the first of some fields."""
    tables = _tables(given, f"{what}s")
    names = [_text(table, f"{what}s.{at}", *keys) for at, table in enumerate(tables)]
    for at, name in enumerate(names):
        check_name(name, f"{what}s.{at}", what)
        if name in names[:at]:
            said = kind_said(what)
            problem = say("name-declared-twice", what=said, name=repr(name))
            remedy = say("remedy-own-name", what=said)
            raise PlanError("bad-name", problem, field=f"{what}s.{at}", value=name, remedy=remedy)
    return tables


def as_contingencies(given: Any) -> tuple[RawTable, ...]:
    """Return tables of contingencies, each with the name of the scenario that it answers.

    Raises
    ------
    PlanError
        ``bad-plan``.
    """
    tables = _tables(given, "contingencies")
    for at, table in enumerate(tables):
        _text(table, f"contingencies.{at}", "scenario")
    return tables


def _tables(given: Any, field: str) -> tuple[RawTable, ...]:
    alone = isinstance(given, Mapping) or not isinstance(given, Iterable)
    return tuple(
        _table(one, f"{field}.{at}") for at, one in enumerate((given,) if alone else given)
    )


def _table(given: Any, field: str) -> RawTable:
    plain = given.to_dict() if hasattr(given, "to_dict") else given
    if not isinstance(plain, Mapping) or not all(isinstance(key, str) for key in plain):
        raise _bad(field, given, say("remedy-write-table-fields"))
    return RawTable(tuple((key, _plain(v, f"{field}.{key}")) for key, v in plain.items()))


def _text(table: RawTable, field: str, *keys: str) -> str:
    """Return the first of some fields that is there, which has to be a text."""
    key = next((key for key in keys if key in table), None)
    if key is None:
        raise PlanError(
            "bad-plan",
            say("field-has-no-keys", field=field, keys=keys[0]),
            field=f"{field}.{keys[0]}",
            remedy=say("remedy-add", keys=" or ".join(keys)),
        )
    text = table[key]
    if isinstance(text, str) and text.strip():
        return text
    raise _bad(f"{field}.{key}", text, say("remedy-a-text"))


def _plain(value: Any, field: str) -> Any:
    """Return a value as frozen plain data that JSON can hold."""
    if value is None or isinstance(value, (str, bool)):
        return value
    if isinstance(value, dt.date):
        return value.isoformat()
    if isinstance(value, Mapping):
        return _table(value, field)
    if isinstance(value, (list, tuple)):
        return tuple(_plain(v, f"{field}.{at}") for at, v in enumerate(value))
    if isinstance(value, numbers.Integral):
        return int(value)
    if isinstance(value, (numbers.Real, Decimal)) and math.isfinite(value):
        return float(value)
    raise _bad(field, value, say("remedy-finite-number-text"))


def _listed(value: Any) -> Any:
    if isinstance(value, RawTable):
        return value.to_dict()
    return [_listed(v) for v in value] if isinstance(value, tuple) else value


def _bad(field: str, value: Any, remedy: Message) -> PlanError:
    return PlanError("bad-plan", field=field, value=value, remedy=remedy)
