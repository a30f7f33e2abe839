"""An amount over days, exactly: running totals are rounded, and days are their differences."""

from __future__ import annotations

from itertools import pairwise

from budgetopt.errors import CalendarError


def first_days(minor: int, days: int, count: int) -> int:
    r"""Return what the first days get of an amount that is spread evenly.

    :math:`S_k = \lfloor m k / d + \tfrac12 \rfloor`, so that :math:`S_0 = 0`, :math:`S_d = m`, and
    no running total is further than half a minor unit from its exact share. What days ``a`` to
    ``b`` get is the difference of two such totals, and so adds up whichever way days are grouped.

    Parameters
    ----------
    minor
        The amount in minor units; may be negative.
    days
        Days that it is spread over, at least 1.
    count
        How many of them, 0 to `days`.

    Raises
    ------
    CalendarError
        ``bad-date`` for a number of days out of range.

    Examples
    --------
    >>> [first_days(100, 7, count) for count in range(8)]
    [0, 14, 29, 43, 57, 71, 86, 100]
    """
    if not (days >= 1 and 0 <= count <= days):
        raise CalendarError(
            "bad-date",
            f"an amount is asked for {count} of {days} days",
            field="days",
            value=days,
            remedy="spread it over at least 1 day, and ask for 0 to all of them",
        )
    return (2 * minor * count + days) // (2 * days)


def spread(minor: int, days: int) -> list[int]:
    """Return an amount spread evenly over days, which sum to it exactly.

    Parameters
    ----------
    minor
        The amount in minor units.
    days
        How many days, at least 1.

    Returns
    -------
    list of int
        Minor units by day, each within one of the exact share; see `first_days`.

    Raises
    ------
    CalendarError
        ``bad-date`` for less than one day.

    Examples
    --------
    >>> spread(100, 7), spread(2, 3)
    ([14, 15, 14, 14, 14, 15, 14], [1, 0, 1])
    """
    totals = [first_days(minor, days, count) for count in range(max(days, 0) + 1)]
    return [after - before for before, after in pairwise(totals)]
