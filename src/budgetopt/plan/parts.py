"""How small parts of a plan are made and checked: a mapping's fields, and numbers in a range."""

from __future__ import annotations

import math
import numbers
from collections.abc import Mapping
from dataclasses import MISSING, fields
from decimal import Decimal
from typing import Any, TypeVar

from budgetopt.errors import InputError, did_you_mean

T = TypeVar("T")


def as_number(given: Any, field: str, *, least: float, most: float, remedy: str = "") -> float:
    """Return a number from `least` to `most`, both finite, as a float.

    Raises
    ------
    InputError
        ``bad-argument`` for another number, and for what is none: text, yes or no. Its remedy
        tells the range, unless one is given.

    Examples
    --------
    >>> as_number(Decimal("0.5"), "share", least=0, most=1)
    0.5
    """
    number = math.nan
    if isinstance(given, (numbers.Real, Decimal)) and not isinstance(given, bool):
        try:
            number = float(given)
        except (OverflowError, ValueError):
            # An integer beyond all floats, or a signalling NaN: refused below.
            number = math.nan
    # Written so that NaN fails.
    if least <= number <= most:
        return number
    raise InputError(
        "bad-argument",
        f"{field} is {given!r}",
        field=field,
        value=given,
        remedy=remedy or f"give a number from {least:g} to {most:g}",
    )


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
        Where it stands, which takes the place of `own` in errors.

    Raises
    ------
    InputError
        ``bad-argument`` for what is no mapping or lacks a field, ``unknown-name`` for a misspelt
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
        wanted = f" with {', '.join(needed)}" if needed else f", such as {', '.join(known)}"
        raise InputError("bad-argument", f"{field} is {given!r}", field=field, value=str(given),
                         remedy=f"give {kind.__name__}(...) or its fields{wanted}")  # fmt: skip
    for name in given:
        if name not in known:
            raise InputError("unknown-name", f"{field} has no field {name!r}",
                             field=f"{field}.{name}", value=str(name),
                             remedy=did_you_mean(str(name), known))  # fmt: skip
    for name in needed:
        if name not in given:
            where = f"{field}.{name}"
            raise InputError("bad-argument", f"{where} is missing", field=where,
                             remedy=f"give {', '.join(needed)}")  # fmt: skip
    try:
        return kind(**given)
    except InputError as error:
        raise type(error)(
            error.code,
            error.problem.replace(own, field, 1),
            field=error.field.replace(own, field, 1),
            value=error.value,
            remedy=error.remedy,
        ) from None
