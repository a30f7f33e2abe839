"""Mean-CVaR of draws with proof: the two engines, and repairs between them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from budgetopt.optimize.problem import Problem
from budgetopt.optimize.risk.columns import columns, near
from budgetopt.optimize.risk.interior import interior
from budgetopt.optimize.risk.measure import Risk
from budgetopt.optimize.risk.scene import Scene
from budgetopt.optimize.solved import Solved

Floats = NDArray[np.float64]


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
