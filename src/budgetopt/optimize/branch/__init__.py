"""The branch engine: S-curves and off-or-at-least, by branch and bound on concave envelopes.

`branch` is the call; `envelope` is the least concave function above a curve on a span, `branches`
and `order` say how spans are split, `relax_budget` and `relax_rows` bound a node from above,
`refill` and `sharpen` make splits that keep every limit.
"""

from __future__ import annotations

from budgetopt.optimize.branch.search import branch, explore

__all__ = ["branch", "explore"]
