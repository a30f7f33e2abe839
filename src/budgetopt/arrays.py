"""Names for the kinds of array that the library passes around."""

from __future__ import annotations

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
