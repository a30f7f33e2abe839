"""Learning: from weekly history to a probability distribution over response curves.

From simple to subtle: `learn` wires the parts; `Settings` are its priors; `Belief` is the answer,
with its mean curve, its draws and its summary. `per_channel` is exact where every channel has an
outcome of its own; `one_total` is a regression that says as little as one total outcome can.
Neither knows drift, jumps or a week effect that channels share.
"""

from __future__ import annotations

from budgetopt.belief.bands import Band, ChannelSummary, Estimate, Reading
from budgetopt.belief.belief import Belief
from budgetopt.belief.grid import Grid
from budgetopt.belief.learn import Observed, Planned, learn
from budgetopt.belief.settings import Settings

__all__ = [
    "Band",
    "Belief",
    "ChannelSummary",
    "Estimate",
    "Grid",
    "Observed",
    "Planned",
    "Reading",
    "Settings",
    "learn",
]
