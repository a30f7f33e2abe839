"""Ranges of the settings of a test, checked once and said in one way."""

from __future__ import annotations

import math
import numbers
from decimal import Decimal
from typing import Any

from budgetopt.errors import InputError


def check_between(value: Any, field: str, above: float, below: float) -> float:
    """Return a number strictly between two others.

    Raises
    ------
    InputError
        ``bad-argument``.
    """
    number = isinstance(value, (numbers.Real, Decimal)) and not isinstance(value, bool)
    if number and math.isfinite(value) and above < value < below:
        return float(value)
    least = f"above {max(above, 0.0):g}" if above >= 0 else "of at least 0"
    room = "" if math.isinf(below) else f" and below {below:g}"
    raise InputError(
        "bad-argument",
        f"{field} is {value!r}" if not isinstance(value, Decimal) else f"{field} is {value}",
        field=field,
        value=value if not isinstance(value, Decimal) else str(value),
        remedy=f"give a number {least}{room}",
    )
