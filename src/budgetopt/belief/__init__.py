"""Learning: from weekly history to a probability distribution over response curves.

From simple to subtle: `learn` wires the parts; `Settings` are its priors and its resolution;
`Belief` is the answer, with its mean curve, its draws, its predictions and its summary; `Log` is
all that it was learned from, and `Posterior` the curves. `filter` is the mathematics where every
channel has an outcome of its own; `one_total` is a regression that says as little as one total
outcome can, and knows no drift, jumps or S-shapes.
"""

from __future__ import annotations

from budgetopt.belief.bands import Band, Estimate, Reading
from budgetopt.belief.belief import Belief
from budgetopt.belief.foresight import Calibration
from budgetopt.belief.grid import Grid
from budgetopt.belief.inputs import Treated
from budgetopt.belief.learn import Planned, learn
from budgetopt.belief.log import Log, Observed
from budgetopt.belief.posterior import Posterior
from budgetopt.belief.settings import Settings
from budgetopt.belief.summary import Change, ChannelSummary

__all__ = [
    "Band",
    "Belief",
    "Calibration",
    "Change",
    "ChannelSummary",
    "Estimate",
    "Grid",
    "Log",
    "Observed",
    "Planned",
    "Posterior",
    "Reading",
    "Settings",
    "Treated",
    "learn",
]
