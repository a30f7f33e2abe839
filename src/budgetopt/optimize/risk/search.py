"""Quantiles and chances over draws: a local search from several starts, and honest bounds."""

from __future__ import annotations

import time

import numpy as np
from numpy.typing import NDArray

from budgetopt.optimize.certificate import lagrangian_bound
from budgetopt.optimize.risk.averse import concave
from budgetopt.optimize.risk.measure import Risk
from budgetopt.optimize.risk.scene import Scene
from budgetopt.optimize.solved import Solved
from budgetopt.optimize.waterfill import waterfill

Floats = NDArray[np.float64]

_TURNS = 12
"""Turns of one ascent; it ends by itself when the kept draws stay the same, mostly after 3 to 8."""


def search(scene: Scene, risk: Risk, end: float = np.inf) -> Solved:
    r"""Return a split that no exchange of kept draws improves, for a quantile or a chance.

    The quantile of rank j is at least v where S - j + 1 draws are. So it is the maximum over sets
    K of so many draws of :math:`\max_x \min_{s \in K} F_s(x)`, and for one K this is concave. The
    search solves it, takes for K the best draws at the new split, and so climbs until K stays. A
    chance is the greatest number of draws whose least excess over the target is not negative: it
    is raised draw by draw, with strides that double and halve.

    Parameters
    ----------
    scene
        Problem and draws, concave.
    risk
        Quantile or chance.
    end
        When to stop, on the clock of `time.monotonic`.

    Notes
    -----
    Maximising a quantile is NP-hard in general (Benati and Rizzi 2007), so the split is not
    proven to be the best; its bound is.
    """
    if risk.kind == "quantile":
        return _quantile(scene, risk, end)
    return _chance(scene, risk, end)


def _starts(scene: Scene, tails: tuple[float, ...]) -> list[Floats]:
    """Return the best splits for the mean and for some CVaRs, and last week's where it may be."""
    found = [scene.solve(np.full(scene.size, 1.0 / scene.size)).spend]
    for tail in tails:
        if tail * scene.size > 1:
            found.append(concave(scene, Risk.cvar(tail), start=found[0]).spend)
    problem = scene.problem
    last = problem.last_money
    inside = np.all((last >= problem.lower) & (last <= problem.upper))
    if problem.last is not None and inside and np.all(_used(scene, last) <= problem.rows.room):
        found.append(last)
    return found


def _used(scene: Scene, spend: Floats) -> Floats:
    return scene.problem.rows.used(spend, np.zeros_like(spend), scene.problem.last_money)


def _climb(scene: Scene, spend: Floats, keep: int, end: float) -> tuple[Solved, float]:
    """Return a split at which the least of the best `keep` draws cannot be raised, and the least.

    The first answer is at least as good as `spend`, and each turn as good as the turn before.
    """
    values = scene.value(spend)
    found, least = Solved(spend, np.zeros(scene.problem.rows.size), np.inf, "search"), -np.inf
    chosen = _best(values, keep)
    for _ in range(_TURNS):
        # A tail of one draw is the worst case.
        kept = scene.kept(chosen)
        if keep > 1:
            solved = concave(kept, Risk.cvar(1.0 / keep), start=found.spend)
        else:
            solved = kept.solve(np.ones(1))
        values = scene.value(solved.spend)
        after = _best(values, keep)
        worth = float(values[after].min())
        if worth > least:
            found, least = solved, worth
        if np.array_equal(after, chosen) or time.monotonic() > end:
            break
        chosen = after
    return found, least


def _best(values: Floats, keep: int) -> NDArray[np.bool_]:
    chosen = np.zeros(values.size, dtype=bool)
    chosen[np.argsort(-values, kind="stable")[:keep]] = True
    return chosen


def _quantile(scene: Scene, risk: Risk, end: float) -> Solved:
    keep = scene.size - risk.rank(scene.size) + 1
    best, value = None, -np.inf
    for start in _starts(scene, (risk.level, min(1.0, 2 * risk.level))):
        found, worth = _climb(scene, start, keep, end)
        if best is None or worth > value:
            best, value = found, worth
        if time.monotonic() > end:
            break
    assert best is not None
    return best._replace(bound=_quantile_bound(scene, keep), method="search")


def _quantile_bound(scene: Scene, keep: int) -> float:
    """Return the less of two bounds on the least of the best `keep` draws at any split.

    The same rank among what each draw could bring on its own at best; and, where no draw can be
    negative, the best mean of all draws counted as if all of it were in the kept ones (Markov).
    """
    alone = np.sort(_alone(scene))[scene.size - keep]
    if scene.problem.cost.any() or scene.offset.any():
        return float(alone)
    mean = scene.solve(np.full(scene.size, 1.0 / scene.size)).bound
    return float(min(alone, mean * scene.size / keep))


def _alone(scene: Scene) -> Floats:
    """Return at least what each draw could bring at its own best split, rows left out."""
    problem = scene.problem
    lower, upper = problem.lower, problem.upper
    budget = np.full(scene.size, problem.budget_money)
    price = waterfill(scene.weighed, lower, upper, budget).price
    alone = lagrangian_bound(scene.weighed, lower, upper, budget, price)
    return np.asarray(alone - problem.cost @ lower - scene.offset)


def _chance(scene: Scene, risk: Risk, end: float) -> Solved:
    problem = scene.problem
    apart = scene.value(problem.last_money) if risk.target is None else risk.target
    over = Scene(problem, scene.draws, scene.offset + apart)

    def reached(values: Floats) -> int:
        # What only equals last week's split is not better than it.
        return int(np.sum(values > 0 if risk.target is None else values >= 0))

    starts = _starts(over, (0.5, 0.2))
    counts = [reached(over.value(start)) for start in starts]
    first = int(np.argmax(counts))
    found = Solved(starts[first], np.zeros(problem.rows.size), np.inf, "search")
    count, stride = counts[first], max(1, scene.size // 10)
    while stride and count < scene.size and time.monotonic() < end:
        aim = min(count + stride, scene.size)
        trial, _ = _climb(over, found.spend, aim, end)
        now = reached(over.value(trial.spend))
        if now > count:
            found, count = trial, now
        else:
            stride //= 2
    # A draw that can do no better than equal is counted as one that can.
    slack = 1e-9 * (1.0 + np.abs(over.offset))
    bound = float(np.mean(_alone(over) >= -slack))
    return found._replace(bound=bound, prices=np.zeros(problem.rows.size), method="search")
