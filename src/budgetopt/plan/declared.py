"""Tables of a plan file that rooms above the plan read: scenarios, and what answers them.

The plan keeps them as plain, frozen data: it knows that they have names, and not what they mean.
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


@dataclass(frozen=True, eq=False)
class Declared(Mapping[str, Any]):
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


def as_scenarios(given: Any) -> tuple[Declared, ...]:
    """Return tables of scenarios, each with a name, or else a kind that names it.

    Raises
    ------
    PlanError
        ``bad-plan``, ``bad-name``.
    """
    tables = _tables(given, "scenarios")
    names = [_text(table, f"scenarios.{at}", "name", "kind") for at, table in enumerate(tables)]
    for at, name in enumerate(names):
        if name in names[:at]:
            raise PlanError(
                "bad-name",
                f"scenario {name!r} is declared twice",
                field=f"scenarios.{at}",
                value=name,
                remedy="give every scenario a name of its own",
            )
    return tables


def as_contingencies(given: Any) -> tuple[Declared, ...]:
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


def _tables(given: Any, field: str) -> tuple[Declared, ...]:
    alone = isinstance(given, Mapping) or not isinstance(given, Iterable)
    return tuple(
        _table(one, f"{field}.{at}") for at, one in enumerate((given,) if alone else given)
    )


def _table(given: Any, field: str) -> Declared:
    plain = given.to_dict() if hasattr(given, "to_dict") else given
    if not isinstance(plain, Mapping) or not all(isinstance(key, str) for key in plain):
        raise _bad(field, given, "write a table of fields")
    return Declared(tuple((key, _plain(v, f"{field}.{key}")) for key, v in plain.items()))


def _text(table: Declared, field: str, *keys: str) -> str:
    """Return the first of some fields that is there, which has to be a text."""
    key = next((key for key in keys if key in table), None)
    if key is None:
        raise PlanError(
            "bad-plan",
            f"{field} has no {keys[0]}",
            field=f"{field}.{keys[0]}",
            remedy=f"add its {' or '.join(keys)}",
        )
    text = table[key]
    if isinstance(text, str) and text.strip():
        return text
    raise _bad(f"{field}.{key}", text, "give a text")


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
    raise _bad(field, value, "give a finite number, a text, true or false, a day, list or table")


def _listed(value: Any) -> Any:
    if isinstance(value, Declared):
        return value.to_dict()
    return [_listed(v) for v in value] if isinstance(value, tuple) else value


def _bad(field: str, value: Any, remedy: str) -> PlanError:
    return PlanError("bad-plan", f"{field} is {value!r}", field=field, value=value, remedy=remedy)
