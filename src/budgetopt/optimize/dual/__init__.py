"""The dual engine: concave curves and any rows that do not count.

`dual`, in `search`, minimises the dual function by Newton's method: it finds the prices of the rows
and the spends behind them. `responses` says what every channel spends at given prices.
"""

from __future__ import annotations

from budgetopt.optimize.dual.search import dual

__all__ = ["dual"]
