"""Learning: from weekly history to a probability distribution over response curves.

From simple to subtle: `learn` wires the parts; `Settings` are its priors and its resolution;
`Belief` is the answer, with its mean curve, its draws, its predictions and its summary;
`ObservationLog` is all that it was learned from, and `Posterior` the curves. `filter` is the
mathematics where every channel has an outcome of its own; `aggregate` is a regression that says as
little as one total outcome can, on the rows of `regression`, and knows no S-shapes and no channel
that changes, but `shifts` of its baseline; `TotalFit` is how well that fits, and `HeldOut` how well
it predicts.
"""

from __future__ import annotations

from budgetopt.belief.belief import (
    Belief,
    ChannelBelief,
    ChannelSummary,
    LevelChange,
    learn,
)
from budgetopt.belief.explained import Decomposition, HeldOut
from budgetopt.belief.inputs import Treated
from budgetopt.belief.learning import Calibration
from budgetopt.belief.log import ObservationLog, Observed, Planned
from budgetopt.belief.notes import out_of_scale
from budgetopt.belief.posterior import (
    ELASTICITY_SD,
    LEVEL,
    Band,
    Estimate,
    Extrapolated,
    Posterior,
    Reading,
)
from budgetopt.belief.regression import TotalFit
from budgetopt.belief.saved import Restart
from budgetopt.belief.settings import Grid, Settings
from budgetopt.belief.stream import Stream

__all__ = [
    "ELASTICITY_SD",
    "LEVEL",
    "Band",
    "Belief",
    "Calibration",
    "ChannelBelief",
    "ChannelSummary",
    "Decomposition",
    "Estimate",
    "Extrapolated",
    "Grid",
    "HeldOut",
    "LevelChange",
    "ObservationLog",
    "Observed",
    "Planned",
    "Posterior",
    "Reading",
    "Restart",
    "Settings",
    "Stream",
    "TotalFit",
    "Treated",
    "learn",
    "out_of_scale",
]
