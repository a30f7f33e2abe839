"""Replay: what a policy would have earned, from the log of another one.

From the log to the answer:

- `log`: the `Log` of actions, rewards and the probabilities with which they were taken.
- `support`: whether the log can speak of the policy at all: effective sample size and lost actions.
- `evaluate`: wires the two and an estimator to a `PolicyValue`, or to `Unsupported` without a
  number.

Estimators, from plain to subtle: `Rejection` keeps the rows where both policies agree and needs a
uniform log; `InversePropensity` weights every row and is unbiased; `SelfNormalised` divides by the
weights, with less variance and a bias of order one over the rows; `DoublyRobust` adds a reward
model. Any object with the two verbs of `Estimator` is one.

All of them need logged propensities that are right, and rewards that depend on the row's own action
and context only. None sees an action that the log never took, or a world that has changed since.
"""

from budgetopt.replay.base import Estimator
from budgetopt.replay.doubly_robust import DoublyRobust
from budgetopt.replay.evaluate import LEAST_ERROR_ROWS, Clipped, PolicyValue, Unsupported, evaluate
from budgetopt.replay.inverse_propensity import InversePropensity
from budgetopt.replay.log import Log
from budgetopt.replay.rejection import Rejection
from budgetopt.replay.reward_model import CellMeans, RewardModel
from budgetopt.replay.self_normalised import SelfNormalised
from budgetopt.replay.support import LEAST_EFFECTIVE, Support

__all__ = [
    "LEAST_EFFECTIVE",
    "LEAST_ERROR_ROWS",
    "CellMeans",
    "Clipped",
    "DoublyRobust",
    "Estimator",
    "InversePropensity",
    "Log",
    "PolicyValue",
    "Rejection",
    "RewardModel",
    "SelfNormalised",
    "Support",
    "Unsupported",
    "evaluate",
]
