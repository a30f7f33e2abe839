"""Records that are declared once: each field with its type, its default, and how it is read.

A field is `declared` by the function that turns what a user gives into its exact form, and
annotated `Given[T]`: the constructor takes anything, and the attribute is a `T`. From that one line
come the constructor, `to_dict`, the table in plan files and its JSON Schema
(`budgetopt.plan.files`). `part_of` reads a record from a mapping of its fields.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Collection, Mapping
from dataclasses import MISSING, dataclass, field, fields
from decimal import Decimal
from fractions import Fraction
from typing import Any, TypeVar, dataclass_transform

from budgetopt.arguments import in_short
from budgetopt.errors import BudgetoptError, InputError, PlanError, did_you_mean
from budgetopt.i18n import say
from budgetopt.messages import as_message
from budgetopt.money import as_decimal, number_text

T = TypeVar("T")

_NUMBER = r"^\s*\+?[0-9０-９.．]+([eE][+-]?[0-9]+)?\s*[%％]?\s*$"
_AMOUNT = {"anyOf": [{"type": "number", "minimum": 0}, {"type": "string", "pattern": _NUMBER}]}
AMOUNT: dict[str, Any] = {**_AMOUNT, "description": "money, or plain decimal text"}
SHARE: dict[str, Any] = {**_AMOUNT, "description": "a share: 0.3 or '30%'"}
"""What a plan file holds for money and for shares, as JSON Schema."""


def exact(place: str) -> Callable[[Any, Any], Decimal]:
    """Return a reader of exact amounts; errors name the place, with the record filled in."""
    return lambda given, record: as_decimal(given, place.format(record))


def declared(
    read: Callable[[Any, Any], Any] | None = None,
    *,
    default: Any = MISSING,
    kw_only: Any = MISSING,
    plain: Callable[[Any], Any] | None = None,
    always: bool = False,
    schema: Mapping[str, Any] | None = None,
    called: str = "",
) -> Any:
    """Return a field of a record.

    Parameters
    ----------
    read
        Takes what is given and the record, of which the fields above are read already, and returns
        the value; None where it is exact as it is. A default of None is kept without asking.
    default, kw_only
        As in `dataclasses.field`.
    plain
        Writes the value as plain data, where `plain_of` would not.
    always
        Whether it is written though it is empty.
    schema
        JSON Schema of it in a plan file, where the type does not say it.
    called
        What a plan file calls it; by default as here.
    """
    how = {"read": read, "plain": plain, "always": always, "schema": schema, "called": called}
    return field(default=default, kw_only=kw_only, metadata=how)


@dataclass_transform(frozen_default=True, field_specifiers=(declared, field))
def declaration(*, kw_only: bool = False) -> Callable[[type[T]], type[T]]:
    """Make a frozen dataclass of a class with declared fields."""
    return dataclass(frozen=True, kw_only=kw_only)


class Declared:
    """A record that reads its declared fields in their order, and then checks itself."""

    def __post_init__(self) -> None:
        for one in fields(self):  # type: ignore[arg-type]
            given, read = getattr(self, one.name), one.metadata.get("read")
            if read is not None and not (given is None and one.default is None):
                try:
                    object.__setattr__(self, one.name, read(given, self))
                except BudgetoptError:
                    raise
                except (TypeError, ValueError, AttributeError, ArithmeticError) as failure:
                    raise _unreadable(self, one.name, given) from failure
        self.check_fields()

    def check_fields(self) -> None:
        """Refuse fields that contradict each other."""

    def to_dict(self) -> dict[str, Any]:
        """Return the record as it is written in a plan file, without what is empty."""
        return plain_fields(self)


def _unreadable(record: Declared, name: str, given: Any) -> PlanError:
    """Return the error of a field whose reader does not know what to make of what is given."""
    kind, shown = type(record).__name__, in_short(given)
    return PlanError(
        "bad-plan",
        say("of-is", name=name, name_2=kind, value=shown),
        field=name,
        value=shown,
        remedy=say("remedy-documentation-says", name=name, kind=kind),
    )


def plain_fields(record: Any, only: Collection[str] | None = None) -> dict[str, Any]:
    """Return the fields of a record, or some of them, as plain data without what is empty."""
    data: dict[str, Any] = {}
    for one in fields(record):
        value = getattr(record, one.name)
        empty = value is None or value is False or value == ()
        if (only is None or one.name in only) and (not empty or one.metadata.get("always")):
            write = one.metadata.get("plain") or plain_of
            data[one.metadata.get("called") or one.name] = write(value)
    return data


def plain_of(value: Any) -> Any:
    """Return a value of a field as plain data: exact numbers and days as text, tuples as lists."""
    if isinstance(value, (Decimal, Fraction)):
        return number_text(value)
    if isinstance(value, dt.date):
        return str(value)
    if isinstance(value, tuple):
        return [plain_of(one) for one in value]
    return value.to_dict() if hasattr(value, "to_dict") else value


def plain_pairs(pairs: tuple[tuple[Any, Any], ...]) -> dict[str, Any]:
    """Return pairs of a name and a value as a table."""
    return {plain_of(name): plain_of(value) for name, value in pairs}


def part_of(kind: type[T], given: Any, own: str, field: str) -> T:
    """Return a part from itself, or from a mapping of its fields.

    Parameters
    ----------
    kind
        A dataclass that checks itself.
    given
        The part or the mapping.
    own
        What the part calls itself in its errors.
    field
        Where it stands: errors begin with it, and their field has it in the place of `own`.

    Raises
    ------
    InputError
        ``bad-argument`` for what is not a mapping or lacks a field, ``unknown-name`` for a misspelt
        field, and what the part itself refuses.
    """
    if isinstance(given, kind):
        return given
    known: dict[str, bool] = {
        f.name: f.default is MISSING and f.default_factory is MISSING
        for f in fields(kind)  # type: ignore[arg-type]
    }
    needed = [name for name, must in known.items() if must]
    if not isinstance(given, Mapping):
        wanted = "its-needed-fields" if needed else "its-known-fields"
        problem = say("field-is", field=field, value=repr(given))
        remedy = say(
            "remedy-give-or-its-fields",
            name=kind.__name__,
            wanted=say(wanted, fields=needed or list(known)),
        )
        raise InputError("bad-argument", problem, field=field, value=str(given), remedy=remedy)
    for name in given:
        if name not in known:
            problem = say("field-has-no-field", field=field, name=repr(name))
            raise InputError("unknown-name", problem, field=f"{field}.{name}", value=str(name),
                             remedy=did_you_mean(str(name), known))  # fmt: skip
    for name in needed:
        if name not in given:
            where = f"{field}.{name}"
            raise InputError("bad-argument", say("where-is-missing", where=where), field=where,
                             remedy=say("remedy-give-needed", needed=tuple(needed)))  # fmt: skip
    if field == own:
        return kind(**given)
    try:
        return kind(**given)
    except InputError as error:
        raise type(error)(
            error.code,
            say("field-problem", field=field, problem=error.problem),
            field=error.field.replace(own, field, 1),
            value=error.value,
            remedy=as_message(error.remedy),
        ) from None
