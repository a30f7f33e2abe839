"""The dual engine: concave curves and any rows that do not count.

`dual` finds the prices of the rows and the spends behind them; `newton` minimises the dual
function, `responses` says what every channel takes at given prices.
"""

from __future__ import annotations

from budgetopt.optimize.dual.search import dual

__all__ = ["dual"]
