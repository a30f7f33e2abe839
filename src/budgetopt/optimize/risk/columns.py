"""Mean and CVaR over draws of any concave curves, by a linear program over priced columns."""

from __future__ import annotations

import time
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linprog

from budgetopt.optimize.lagrangian import field_of, priced
from budgetopt.optimize.risk.measure import Risk
from budgetopt.optimize.risk.scene import Scene
from budgetopt.optimize.solved import Solved

Floats = NDArray[np.float64]

_ROUNDS = 40
_GOOD = 1e-7
"""Relative gap at which no more time is spent."""


class _Master(NamedTuple):
    """Answer of the linear program: a split, weights of the draws, and prices of the rows."""

    spend: Floats
    shares: Floats
    prices: Floats


def columns(
    scene: Scene, risk: Risk, found: Solved, starts: list[Floats], end: float = np.inf
) -> Solved:
    r"""Improve a split of a mean-CVaR problem until its gap is closed.

    Each channel mixes spends that were tried, :math:`x_i = \sum_k \alpha_{ik} X_{ik}`; by
    concavity a draw brings at least :math:`\sum_{ik} \alpha_{ik} f_{si}(X_{ik})`. The linear
    program over the mixtures and the shortfalls of Rockafellar and Uryasev gives a split, weights
    of the draws and prices of the rows; the best spends at these weights are the next columns and
    prove a bound. Curves of straight pieces end after finitely many rounds, at kinks.

    Parameters
    ----------
    scene
        Problem and draws, concave.
    risk
        Mean-CVaR.
    found
        The best split so far.
    starts
        Splits whose spends are the first columns.
    end
        When to stop, on the clock of `time.monotonic`.

    Notes
    -----
    Source: Dantzig and Wolfe (1960), channel by channel; Rockafellar and Uryasev (2000).
    """
    problem = scene.problem
    high = np.minimum(problem.upper, problem.lower + _room(scene))
    tried = [problem.lower, high, *starts]
    best = risk.value(scene.value(found.spend))
    for _ in range(_ROUNDS):
        if found.bound - best <= near(scene, found) or time.monotonic() > end:
            break
        master = _master(scene, risk, np.array(tried))
        if master is None:
            break
        mixed = field_of(problem)._replace(
            curves=scene.mixed(master.shares), weight=np.ones_like(problem.weight)
        )
        bound, spend = priced(mixed, problem.rows, master.prices)
        bound -= float(master.shares @ scene.offset)
        tried += [spend, master.spend]
        if bound < found.bound:
            found = found._replace(bound=bound, prices=master.prices)
        worth = risk.value(scene.value(master.spend))
        if worth > best:
            best, found = worth, found._replace(spend=master.spend)
    return found._replace(method="columns")


def near(scene: Scene, found: Solved) -> float:
    """Return the gap at which no more time is spent, in units of the measure.

    Relative to the bound; draws that are measured from an offset also to their own size, since
    their excess may be nothing.
    """
    size = scene.unit(found.spend) if scene.offset.any() else 0.0
    return _GOOD * max(abs(found.bound), size)


def _room(scene: Scene) -> float:
    return max(scene.problem.budget_money - float(scene.problem.lower.sum()), 0.0)


def _master(scene: Scene, risk: Risk, tried: Floats) -> _Master | None:
    """Return the best mixture of spends that were tried, or None where there is none."""
    problem, rows = scene.problem, scene.problem.rows
    size, (count, n) = scene.size, tried.shape
    values = np.array([scene.weighed.value(spend) for spend in tried])
    values -= problem.cost * tried[:, None, :]
    unit = float(np.abs(values).sum(axis=2).mean()) or 1.0
    values, offset = values / unit, scene.offset / unit
    money = max(problem.budget_money, 1e-300)
    # Columns: the mixtures, spend by spend; then the level t; then the shortfalls.
    gains = values.transpose(1, 0, 2).reshape(size, -1)
    goal = np.concatenate(
        [
            -(1.0 - risk.weight) * gains.mean(axis=0),
            [-risk.weight],
            np.full(size, risk.weight / (size * risk.tail)),
        ]
    )
    below = np.hstack([-gains, np.ones((size, 1)), -np.eye(size)])
    used = np.stack([rows.money * x + rows.moved * np.abs(x - problem.last_money) for x in tried])
    limits = np.concatenate([part.toarray() for part in used], axis=1) / money
    limits = np.hstack([limits, np.zeros((rows.size, 1 + size))])
    sums = np.hstack([np.tile(np.eye(n), count), np.zeros((n, 1 + size))])
    answer = linprog(
        goal,
        A_ub=np.vstack([below, limits]),
        b_ub=np.concatenate([-offset, rows.room / money]),
        A_eq=sums,
        b_eq=np.ones(n),
        bounds=[(0, None)] * (n * count) + [(None, None)] + [(0, None)] * size,
        method="highs",
    )
    if answer.x is None:
        return None
    shares = (1.0 - risk.weight) / size - answer.ineqlin.marginals[:size]
    mix = answer.x[: n * count].reshape(count, n)
    prices = np.maximum(-answer.ineqlin.marginals[size:], 0.0) * unit / money
    return _Master(np.clip((mix * tried).sum(axis=0), problem.lower, problem.upper), shares, prices)
