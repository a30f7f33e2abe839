"""From a problem and its draws to the split that a risk measure likes best."""

from __future__ import annotations

import time
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from budgetopt.curves import Mixture
from budgetopt.optimize.problem import Problem
from budgetopt.optimize.risk.columns import columns, near
from budgetopt.optimize.risk.interior import interior
from budgetopt.optimize.risk.measure import Risk
from budgetopt.optimize.risk.scene import Scene, refuse_what_is_not_concave
from budgetopt.optimize.solved import Solved

Floats = NDArray[np.float64]


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
    from budgetopt.optimize.risk.search import search

    return search(scene, risk, end)


def _mean(scene: Scene, time_limit: float | None) -> Solved:
    from budgetopt.optimize.engines import solve

    shares = np.full(scene.size, 1.0 / scene.size)
    mean = Mixture(scene.draws.cells, np.tensordot(shares, scene.draws.weights, 1))
    return solve(replace(scene.problem, curves=mean), time_limit=time_limit)


def concave(scene: Scene, risk: Risk, end: float = np.inf, start: Floats | None = None) -> Solved:
    """Return the best split for a mean-CVaR of draws, offsets included.

    Parameters
    ----------
    scene
        Problem and draws, concave.
    risk
        Mean-CVaR that is not neutral.
    end
        When to stop, on the clock of `time.monotonic`.
    start
        A split to start from, by default the best for the mean.
    """
    mean = scene.solve(np.full(scene.size, 1.0 / scene.size))
    inner = interior(scene, risk, mean.spend if start is None else start)
    shares = allowed(inner.shares, scene.size, risk)
    solved = scene.solve(shares)
    tried = [solved.spend, mean.spend, *_repaired(scene.problem, inner.spend)]
    if start is not None:
        tried.append(start)
    worth = [risk.value(scene.value(spend)) for spend in tried]
    best = int(np.argmax(worth))
    bound = min(solved.bound, mean.bound)
    found = Solved(tried[best], solved.prices, bound, "interior")
    if bound - worth[best] <= near(scene, found):
        return found
    return columns(scene, risk, found, [*tried, inner.spend], end)


def allowed(shares: Floats, size: int, risk: Risk) -> Floats:
    """Return the nearest weights of draws that the measure allows, for a bound that holds."""
    base, most = (1.0 - risk.weight) / size, risk.weight / (size * risk.tail)
    tail = np.clip(shares - base, 0.0, most)
    missing = risk.weight - tail.sum()
    room = most - tail if missing > 0 else tail
    tail = tail + room * (missing / room.sum() if room.sum() > 0 else 0.0)
    return np.asarray(base + np.clip(tail, 0.0, most))


def _repaired(problem: Problem, spend: Floats) -> list[Floats]:
    """Return a split that misses budget and bounds by little as one that keeps them.

    Empty where there are rows, whose repair is the business of their own engine.
    """
    if problem.limits:
        return []
    low, high = problem.lower, problem.upper
    spend = np.clip(spend, low, high)
    over = spend.sum() - problem.budget_money
    # What is over is taken back by channel in proportion to what it may give.
    room = spend - low if over > 0 else high - spend
    if over > 0 or problem.spend_all:
        spend = spend - over * room / room.sum() if room.sum() > 0 else spend
    return [np.asarray(np.clip(spend, low, high))]
