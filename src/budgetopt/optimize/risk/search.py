"""Quantiles and chances over draws: a local search from several starts, and honest bounds."""

from __future__ import annotations

import time
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from budgetopt.optimize.certificate import lagrangian_bound
from budgetopt.optimize.risk.measure import Risk
from budgetopt.optimize.risk.scene import Scene
from budgetopt.optimize.risk.tails import concave
from budgetopt.optimize.solved import Solved
from budgetopt.optimize.waterfill import Filled, waterfill

Floats = NDArray[np.float64]

_ALONE = 3
"""Splits that are best for single draws to start from, which finds corners that the mean avoids."""
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


def _starts(scene: Scene, risk: Risk, tails: tuple[float, ...], alone: Filled) -> list[Floats]:
    """Return splits to climb from, the best first.

    The best ones for the mean, for some CVaRs and for single draws, and last week's.
    """
    found = [scene.solve(np.full(scene.size, 1.0 / scene.size)).spend]
    for tail in tails:
        if 1 < tail * scene.size < scene.size:
            found.append(concave(scene, Risk.cvar(tail), start=found[0]).spend)
    problem = scene.problem
    others = [problem.last_money] * (problem.last is not None)
    if not problem.limits and not problem.spend_all:
        others += list(alone.spend)
    inside = [
        spend
        for spend in others
        if np.all((spend >= problem.lower) & (spend <= problem.upper))
        and np.all(problem.rows.used(spend, spend, problem.last_money) <= problem.rows.room)
    ]
    worth = [_worth(scene, risk, spend) for spend in inside]
    chosen = [inside[at] for at in np.argsort(-np.array(worth), kind="stable")[:_ALONE]]
    return sorted(found + chosen, key=lambda spend: -_worth(scene, risk, spend))


def _worth(scene: Scene, risk: Risk, spend: Floats) -> float:
    """Return a quantile, or the chance to be above zero, in which ties are broken by the mean."""
    values = scene.value(spend)
    if risk.kind == "quantile":
        return risk.value(values)
    return _reached(values, risk) + 0.5 * float(np.mean(np.tanh(values / (np.std(values) or 1.0))))


def _reached(values: Floats, risk: Risk) -> int:
    """Return how many draws are where a chance wants them, values measured from the target."""
    # What only equals last week's split is not better than it.
    return int(np.sum(values > 0 if risk.target is None else values >= 0))


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
    alone = _alone(scene)
    starts = _starts(scene, risk, (risk.level, 2 * risk.level), alone)
    best, value = _climb(scene, starts[0], keep, end)
    for start in starts[1:]:
        if time.monotonic() > end:
            break
        found, worth = _climb(scene, start, keep, end)
        if worth > value:
            best, value = found, worth
    return best._replace(bound=_quantile_bound(scene, keep, alone), method="search")


def _quantile_bound(scene: Scene, keep: int, alone: Filled) -> float:
    """Return the less of two bounds on the least of the best `keep` draws at any split.

    The same rank among what each draw could bring on its own at best; and, where no draw can be
    negative, the best mean of all draws counted as if all of it were in the kept ones (Markov).
    """
    ranked = float(np.sort(_most(scene, alone))[scene.size - keep])
    if scene.problem.cost.any() or scene.offset.any():
        return ranked
    mean = scene.solve(np.full(scene.size, 1.0 / scene.size)).bound
    return min(ranked, mean * scene.size / keep)


def _alone(scene: Scene) -> Filled:
    """Return the best split of each draw on its own, rows and costs left out."""
    problem = scene.problem
    budget = np.full(scene.size, problem.budget_money)
    return waterfill(scene.weighed, problem.lower, problem.upper, budget)


def _most(scene: Scene, alone: Filled) -> Floats:
    """Return at least what each draw could bring at its own best split."""
    problem = scene.problem
    lower, upper = problem.lower, problem.upper
    budget = np.full(scene.size, problem.budget_money)
    bound = lagrangian_bound(scene.weighed, lower, upper, budget, alone.price)
    return np.asarray(bound - problem.cost @ lower - scene.offset)


def _chance(scene: Scene, risk: Risk, end: float) -> Solved:
    problem = scene.problem
    apart = scene.value(problem.last_money) if risk.target is None else risk.target
    over = replace(scene, offset=scene.offset + apart)
    alone = _alone(over)
    starts = _starts(over, risk, (0.5, 0.2), alone)
    best, count = starts[0], _reached(over.value(starts[0]), risk)
    for start in starts[: 1 + _ALONE]:
        found, reached = _raised(over, risk, start, end)
        if reached > count:
            best, count = found, reached
    # A draw that can do no better than equal is counted as one that can.
    slack = 1e-9 * (1.0 + np.abs(over.offset))
    bound = float(np.mean(_most(over, alone) >= -slack))
    return Solved(best, np.zeros(problem.rows.size), bound, "search")


def _raised(scene: Scene, risk: Risk, start: Floats, end: float) -> tuple[Floats, int]:
    """Return a split at which no stride brings more draws above zero, and how many are."""
    spend, count = start, _reached(scene.value(start), risk)
    stride = max(1, scene.size // 10)
    while stride and count < scene.size and time.monotonic() < end:
        aim = min(count + stride, scene.size)
        trial = _climb(scene, spend, aim, end)[0].spend
        now = _reached(scene.value(trial), risk)
        if now > count:
            spend, count = trial, now
        else:
            stride //= 2
    return spend, count
