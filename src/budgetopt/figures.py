"""Measured numbers as text for readers; exact money has `money.show_amount`."""

from __future__ import annotations

import math
from decimal import Decimal

_TINY, _HUGE = 1e-4, 1e15
"""Outside these a number is easier to read with an exponent."""


def show_figure(value: float, digits: int = 6, *, sign: bool = False) -> str:
    """Return a number to some significant digits, with thousands separators.

    Parameters
    ----------
    value
        Any number.
    digits
        Significant digits, at least 1.
    sign
        Whether a plus is written in front of what is not negative.

    Examples
    --------
    >>> show_figure(338423.9), show_figure(6.19341e11), show_figure(2.5, sign=True)
    ('338,424', '619,341,000,000', '+2.5')
    """
    plus = "+" if sign else ""
    if not math.isfinite(value) or (value and not _TINY <= abs(value) < _HUGE):
        return f"{value:{plus}.{digits}g}"
    short = Decimal(f"{value + 0.0:.{digits - 1}e}").normalize()
    return f"{short:{plus},f}"
