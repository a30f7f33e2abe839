"""Many plans in one call: every account learned and decided, a status row for each.

`Portfolio` holds the accounts, `Portfolio.reallocate` decides them here or on any executor, and
`PortfolioRun` is what came of it as frames. A `Store` keeps what was learned and decided.
"""

from __future__ import annotations

from budgetopt.portfolio.portfolio import Account, Portfolio, PortfolioRun
from budgetopt.portfolio.store import Folder, Store

__all__ = ["Account", "Folder", "Portfolio", "PortfolioRun", "Store"]
