"""Names for the kinds of array that the library passes around, and their plain form."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
"""Amounts, outcomes, prices: any shape."""
Whole = NDArray[np.int64]
"""Minor units and counts."""
Bools = NDArray[np.bool_]
"""Which entries something holds for."""
Places = NDArray[np.intp]
"""Positions in other arrays."""


def plain_numbers(array: Floats) -> Any:
    """Return nested lists, with None for NaN, which JSON does not know."""
    plain = array.astype(object)
    plain[np.isnan(array)] = None
    return plain.tolist()
