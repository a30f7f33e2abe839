"""What the parts of an operation are made and checked by."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

from budgetopt.calendar import as_date
from budgetopt.errors import CalendarError, InputError, PlanError, did_you_mean
from budgetopt.plan.change import as_share

MOST_DAYS = 3_660
"""Ten years: a slip in a year's digits is found out."""


def as_span(first: Any, last: Any, what: str) -> tuple[dt.date, dt.date]:
    """Return a first and a last day in order, at most ten years apart.

    Raises
    ------
    CalendarError
        ``bad-date``.
    """
    start, end = as_date(first, f"{what}.first"), as_date(last, f"{what}.last")
    if end < start:
        raise CalendarError(
            "bad-date",
            f"{what}.last is {end}, before it begins on {start}",
            field=f"{what}.last",
            value=str(end),
            remedy="write the first day first",
        )
    if (end - start).days >= MOST_DAYS:
        raise CalendarError(
            "bad-date",
            f"{what}.last is {end}, more than ten years after {start}",
            field=f"{what}.last",
            value=str(end),
            remedy="write a last day that is nearer",
        )
    return start, end


def one_of(given: Any, known: tuple[str, ...], field: str) -> None:
    """Refuse a word that is not one of those known.

    Raises
    ------
    PlanError
        ``bad-plan``.
    """
    if given not in known:
        raise PlanError(
            "bad-plan",
            f"{field} is {given!r}",
            field=field,
            value=str(given),
            remedy=did_you_mean(str(given), known),
        )


def as_part(given: Any, field: str, most: float = 1.0, *, above_zero: bool = False) -> Decimal:
    """Return a share from a number or a text with a percent sign, exact.

    Raises
    ------
    PlanError, MoneyError
        ``bad-number`` above `most`, or at zero with `above_zero`; ``bad-money`` for no number.
    """
    share = as_share(given, field, Decimal(str(most)))
    if above_zero and share == 0:
        raise PlanError("bad-number", f"{field} is {given}", field=field, value=given,
                        remedy="give a share above 0")  # fmt: skip
    return share


def as_count(given: Any, field: str, most: int) -> int:
    """Return a whole number from 1 to `most`.

    Raises
    ------
    InputError
        ``bad-argument``.
    """
    if isinstance(given, bool) or not isinstance(given, int) or not 1 <= given <= most:
        raise InputError(
            "bad-argument",
            f"{field} is {given!r}",
            field=field,
            value=given,
            remedy=f"give a whole number from 1 to {most:,}",
        )
    return given


def as_names(given: Any, field: str) -> tuple[str, ...]:
    """Return different, not blank names as a tuple.

    Raises
    ------
    PlanError
        ``bad-plan`` for one text or for no list, ``bad-name`` for a name that is blank or doubled.
    """
    if isinstance(given, (str, bytes, Mapping)) or not isinstance(given, Iterable):
        raise PlanError("bad-plan", f"{field} is {given!r}", field=field, value=str(given),
                        remedy="give a list of names")  # fmt: skip
    names = tuple(given)
    for at, name in enumerate(names):
        if not isinstance(name, str) or not name.strip() or name in names[:at]:
            raise PlanError(
                "bad-name",
                f"{field} holds {name!r}, which is blank, not text, or there twice",
                field=field,
                value=str(name),
                remedy="give every name once",
            )
    return names
