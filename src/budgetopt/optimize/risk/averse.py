"""From a problem and its draws to the split that a risk measure likes best."""

from __future__ import annotations

import time
from dataclasses import replace

import numpy as np

from budgetopt.curves import Mixture
from budgetopt.optimize.engines import solve
from budgetopt.optimize.problem import Problem
from budgetopt.optimize.risk.measure import Risk
from budgetopt.optimize.risk.scene import Scene, refuse_what_is_not_concave
from budgetopt.optimize.risk.search import search
from budgetopt.optimize.risk.tails import concave
from budgetopt.optimize.solved import Solved


def risk_averse(
    problem: Problem, draws: Mixture, risk: Risk, *, time_limit: float | None = None
) -> Solved:
    r"""Return the split that maximises a risk measure over draws of the curves.

    Mean and CVaR are a maximum over splits of a minimum over weights of the draws,

    .. math::
        \max_x \min_{q \in Q} \sum_s q_s F_s(x) \le \max_x \sum_s q_s F_s(x)
        \quad \text{for every } q \in Q,

    and the right side is a problem without risk on the mixture of the draws, which `waterfill` or
    `dual` solve with proof. An interior point method finds the split and the q together; where
    curves have kinks a linear program over columns closes what is left.

    Parameters
    ----------
    problem
        Budget, bounds and rows; its own curves are not used.
    draws
        Curves with weights of shape ``(draws, channels, cells)``, in the problem's channel order.
    risk
        What is maximised.
    time_limit
        Seconds after which the best split so far is returned with its gap.

    Returns
    -------
    Solved
        Its bound is of the measure. Mean and mean-CVaR are proven to a relative gap of 1e-6 and
        better; for quantile and chance the split is a local optimum and the bound is what can be
        proven cheaply, so that the gap stays open. Prices are of the measure; for a quantile of
        the draws kept above it, for a chance zero.

    Raises
    ------
    InputError
        ``bad-argument`` where draws and channels do not match.
    SolverError
        ``not-concave`` for S-shaped draws and ``wrong-method`` for limits that risk cannot keep
        (counts, outcomes, lots, off-or-at-least); the mean of the draws takes them all.

    Notes
    -----
    Sources: Rockafellar and Uryasev (2000), "Optimization of conditional value-at-risk"; Artzner,
    Delbaen, Eber and Heath (1999) for the minimum over q.
    """
    end = np.inf if time_limit is None else time.monotonic() + time_limit
    scene = Scene.of(problem, draws)
    if risk.neutral:
        return _mean(scene, time_limit)
    refuse_what_is_not_concave(scene)
    if risk.concave:
        return concave(scene, risk, end)
    return search(scene, risk, end)


def _mean(scene: Scene, time_limit: float | None) -> Solved:
    shares = np.full(scene.size, 1.0 / scene.size)
    mean = Mixture(scene.draws.cells, np.tensordot(shares, scene.draws.weights, 1))
    return solve(replace(scene.problem, curves=mean), time_limit=time_limit)
