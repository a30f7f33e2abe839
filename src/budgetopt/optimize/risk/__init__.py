"""Allocation on posterior draws: what a team fears, put into numbers.

`Risk` says what is maximised over the draws; `risk_averse` maximises it: mean and CVaR are concave
and solved with proof in `tails`, quantiles and chances are not, and a local search, in `search`,
answers with the bound that can be had. `spread` says how far the outcome of a finished split may
lie from its mean.
"""

from __future__ import annotations

from budgetopt.optimize.risk.measure import Risk, Spread, spread
from budgetopt.optimize.risk.search import risk_averse

__all__ = ["Risk", "Spread", "risk_averse", "spread"]
