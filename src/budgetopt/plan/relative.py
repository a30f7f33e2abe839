"""Relative changes, written in one way wherever something changes: ``"+30%"`` or ``"x1.3"``.

A bare 0.8 is 80 % more to one reader and 20 % less to the next, so it is refused wherever both
could be meant. Where only a share can be, as in the share of the response that is lost, it is a
number.
"""

from __future__ import annotations

import math
import re
from decimal import Decimal
from fractions import Fraction
from typing import Any, Self

from budgetopt.errors import InputError
from budgetopt.messages import say
from budgetopt.money import product_of
from budgetopt.untrusted import half_width

_PERCENT = re.compile(r"([+\-][0-9]+(?:\.[0-9]*)?)\s*%")
_FACTOR = re.compile(r"[x*]\s*([0-9]+(?:\.[0-9]*)?|\.[0-9]+)")
PATTERN = r"^\s*([+-][0-9]+(\.[0-9]*)?\s*%|[x×*]\s*[0-9.]+)\s*$"
"""What JSON Schema holds such texts against."""
# Not the caller's context, in which a change may be rounded.
_LONGEST = 40


class Relative(float):
    """A relative change: 0.3 for 30 % more, shown as ``+30%``.

    Examples
    --------
    >>> Relative.of("-20%", "price"), float(Relative.of("x1.3", "price"))
    (Relative('-20%'), 0.3)
    """

    @classmethod
    def of(cls, given: Any, field: str, *, least: float = -1, above: float = -math.inf) -> Self:
        """Return what was given as a relative change.

        Parameters
        ----------
        given
            ``"+30%"`` or ``"-20%"``, a factor such as ``"x1.3"``, or a `Relative`.
        field
            What it is, for the error.
        least, above
            The change is at least, and above these.

        Raises
        ------
        InputError
            ``bad-argument``; for a bare number with both ways in which it can be meant.
        """
        value = given if isinstance(given, cls) else cls._read(given, field)
        if math.isfinite(value) and value >= least and value > above:
            return value
        lowest = f"above {cls(above)}" if above > -math.inf else f"of at least {cls(least)}"
        raise _wrong(field, str(given), say("remedy-change", lowest=lowest))

    @classmethod
    def _read(cls, given: Any, field: str) -> Self:
        text = half_width(given).strip() if isinstance(given, str) else ""
        text = text.replace("×", "x").replace("−", "-")
        if len(text) <= _LONGEST and (match := _PERCENT.fullmatch(text)):
            return cls(Fraction(match[1]) / 100)
        if len(text) <= _LONGEST and (match := _FACTOR.fullmatch(text)):
            return cls(Fraction(match[1]) - 1)
        remedy = say("remedy-write-change-30")
        if isinstance(given, (int, float)) and not isinstance(given, bool) and -1 <= given < 100:
            change, factor = cls(given), cls(Fraction(repr(given)) - 1)
            remedy = say("remedy-change-as-text", change=change)
            if given >= 0:
                remedy = say(
                    "remedy-change-or-factor", change=change, given=f"{given:g}", factor=factor
                )
        raise _wrong(field, given, remedy, say("not-change"))

    def __str__(self) -> str:
        if not math.isfinite(self):
            return super().__repr__()
        percent = f"{product_of(Decimal(repr(float(self))), Decimal(100)):+f}"
        return f"{percent.rstrip('0').rstrip('.') if '.' in percent else percent}%"

    def __repr__(self) -> str:
        return f"Relative('{self}')"

    def __reduce__(self) -> tuple[type[Self], tuple[float]]:
        return type(self), (float(self),)


def _wrong(field: str, value: Any, remedy: str, why: str = "") -> InputError:
    problem = say("plan-field-is", where=field, value=repr(value), more=why)
    return InputError("bad-argument", problem, field=field, value=value, remedy=remedy)
