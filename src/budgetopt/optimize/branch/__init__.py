"""The branch engine: S-curves and off-or-at-least, by branch and bound on concave envelopes.

`branch` is the call, in `search`; `envelope` is the least concave function above a curve on a span;
`relax` bounds a node from above, makes splits that keep every limit, and says how a node is split;
`columns` are the linear programs that it solves where limits go across channels.
"""

from __future__ import annotations

from budgetopt.optimize.branch.search import branch, explore

__all__ = ["branch", "explore"]
