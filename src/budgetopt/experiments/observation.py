"""One dated row of a test: what an arm was shown, what came of it, what it cost."""

from __future__ import annotations

import datetime as dt
import math
import numbers
from dataclasses import dataclass
from typing import Any, NoReturn

from budgetopt.calendar import as_date
from budgetopt.errors import HistoryError
from budgetopt.figures import show_figure

FIELDS = ("impressions", "clicks", "conversions", "revenue", "spend")
"""What can be measured of an arm on a day."""
WHOLE = ("impressions", "clicks")
"""Those that are whole numbers; platforms split a conversion over several ads."""
_MOST = 2**53


@dataclass(frozen=True)
class Observation:
    """What one arm did on one day.

    Parameters
    ----------
    day
        The day, or ISO text.
    arm
        Name of the creative or audience.
    spend
        Money it cost, as measured, at least zero.
    impressions, clicks
        Whole numbers, at least zero, clicks not above impressions; None where not measured.
    conversions, revenue
        At least zero, fractions allowed; None where not measured. Conversions may exceed clicks,
        since platforms count those who only saw the ad.

    Raises
    ------
    HistoryError
        ``bad-number``, or ``bad-name`` for an empty arm.
    CalendarError
        ``bad-date``.

    Examples
    --------
    >>> Observation("2026-11-16", "red", 180.5, impressions=9_000, clicks=210).clicks
    210
    """

    day: dt.date
    arm: str
    spend: float
    impressions: int | None = None
    clicks: int | None = None
    conversions: float | None = None
    revenue: float | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "day", as_date(self.day, "day"))
        object.__setattr__(self, "arm", as_arm(self.arm))
        for name in FIELDS:
            given = getattr(self, name)
            if given is not None or name == "spend":
                object.__setattr__(self, name, self._number(name, given))
        if self.impressions is not None and self.clicks is not None:
            self.check_part("clicks", "impressions")

    def _number(self, name: str, given: Any) -> int | float:
        number = isinstance(given, numbers.Real) or type(given).__name__ == "Decimal"
        if not number or type(given).__name__ in ("bool", "bool_"):
            self.refuse(name, "not a number" if given is not None else "missing", "give a number")
        value = float(given)
        if not math.isfinite(value):
            self.refuse(name, "not finite", "give what was measured, or leave the row out")
        if value < 0:
            self.refuse(name, "negative", "give zero or more")
        if value >= _MOST:
            self.refuse(name, "more than can be counted exactly", "check the unit")
        if name not in WHOLE:
            return value + 0.0
        if value != int(value):
            self.refuse(name, "not a whole number", "give the count as measured")
        return int(value)

    def check_part(self, part: str, whole: str) -> None:
        """Refuse a count above the count it is a part of.

        Raises
        ------
        HistoryError
            ``bad-number``.
        """
        most = getattr(self, whole)
        if getattr(self, part) > most:
            problem = f"above its {whole} {show_figure(most, 15)}"
            self.refuse(part, problem, "check whether the two columns are swapped")

    def refuse(self, name: str, problem: str, remedy: str) -> NoReturn:
        """Raise the error of one field of this row."""
        value = getattr(self, name)
        shown = value if isinstance(value, str) or value is None else str(value)
        raise HistoryError(
            "bad-number",
            f"{name} of {self.arm!r} on {self.day} is {shown}, {problem}",
            field=name,
            value=value,
            remedy=remedy,
        )

    def to_dict(self) -> dict[str, Any]:
        """Return the row as plain data; what was not measured is left out."""
        measured = {name: getattr(self, name) for name in FIELDS}
        given = {name: value for name, value in measured.items() if value is not None}
        return {"day": self.day.isoformat(), "arm": self.arm, **given}


def as_arm(name: Any) -> str:
    """Return the name of an arm without spaces around it.

    Raises
    ------
    HistoryError
        ``bad-name`` where it is empty or no text.
    """
    if isinstance(name, str) and name.strip():
        return name.strip()
    raise HistoryError(
        "bad-name", f"arm is {name!r}", field="arm", value=name, remedy="give every arm a name"
    )
