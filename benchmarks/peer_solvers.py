"""The peers: SciPy's SLSQP, cvxpy with Clarabel, plain PuLP with HiGHS, as a careful user has them.

Each takes a `Case` and returns a split with a remark; building the model is part of the call.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from peer_cases import Case
from scipy.optimize import minimize

from budgetopt.curves import Mixture

Floats = NDArray[np.float64]

SHARE = 100.0
"""Money that every peer counts in, so that its tolerances mean what they mean near 1."""
SECONDS = 50
"""Longest that one integer program may take."""


class Answer(NamedTuple):
    """A split, and what the peer says of it."""

    spend: Floats
    remark: str = ""


def slsqp(case: Case) -> Answer:
    """Return the answer of SLSQP from the equal split, tight, with analytic gradients."""
    problem, start = case.problem, case.even_split()
    worth = float(case.value(start).sum())
    table, room = problem.rows.money.toarray(), problem.rows.room / SHARE
    found = minimize(
        lambda x: -case.value(np.maximum(SHARE * x, 0.0)).sum() / worth,
        start / SHARE,
        jac=lambda x: -SHARE * case.slope(np.maximum(SHARE * x, 0.0)) / worth,
        method="SLSQP",
        bounds=list(zip(problem.lower / SHARE, problem.upper / SHARE, strict=True)),
        constraints={"type": "ineq", "fun": lambda x: room - table @ x, "jac": lambda x: -table},
        options={"maxiter": 1000, "ftol": 1e-14},
    )
    said = "success" if found.success else f"says: {found.message}"
    return Answer(SHARE * found.x, said)


def clarabel(case: Case) -> Answer:
    """Return the answer of cvxpy with Clarabel; the shapes must be 1."""
    import cvxpy as cp

    problem, worth = case.problem, float(case.top.mean())
    x = cp.Variable(case.top.size)
    half = case.half / SHARE
    lost = cp.multiply(case.top / worth * half, cp.inv_pos(x + half))
    rules = [
        x >= problem.lower / SHARE,
        x <= problem.upper / SHARE,
        problem.rows.money @ x <= problem.rows.room / SHARE,
    ]
    model = cp.Problem(cp.Minimize(cp.sum(lost)), rules)
    model.solve(solver=cp.CLARABEL)
    alone = model.solver_stats.solve_time
    return Answer(SHARE * x.value, f"{model.status}; Clarabel alone {1e3 * alone:.3g} ms")


def segments(case: Case, count: int, *, whole: bool = False) -> Answer:
    """Return the answer of PuLP with HiGHS on even segments.

    `whole` makes them fill in their order by binary columns, as S-curves need; without it the
    best come first by themselves. Off-or-at-least costs a binary column a channel.
    """
    import pulp

    problem = case.problem
    lower, upper = problem.lower / SHARE, problem.upper / SHARE
    points = lower[:, None] + (upper - lower)[:, None] * np.linspace(0, 1, count + 1)
    gain = np.diff(case.value(SHARE * points.T).T / case.top.mean(), axis=1)
    width = (upper - lower) / count
    model = pulp.LpProblem("budget", pulp.LpMaximize)
    sums = getattr(pulp.LpAffineExpression, "from_list", pulp.LpAffineExpression)
    size = lower.size
    x = [model.add_variable(f"x{i}", lower[i], upper[i]) for i in range(size)]
    part = [
        [model.add_variable(f"s{i}_{k}", 0.0, width[i]) for k in range(count)] for i in range(size)
    ]
    slopes = (gain / width[:, None]).tolist()
    pairs = [(part[i][k], slopes[i][k]) for i in range(size) for k in range(count)]
    model.setObjective(sums(pairs))
    for i in range(size):
        filled = [(x[i], 1.0), *((segment, -1.0) for segment in part[i])]
        model.addConstraint(sums(filled) == float(lower[i]))
        if whole:
            _in_order(model, sums, part[i], float(width[i]), i)
        if case.least_on.size and case.least_on[i] > 0:
            on = model.add_variable(f"o{i}", 0, 1, "Integer")
            model.addConstraint(sums([(x[i], 1.0), (on, -float(upper[i]))]) <= 0)
            model.addConstraint(sums([(x[i], 1.0), (on, -float(case.least_on[i]) / SHARE)]) >= 0)
    table = problem.rows.money
    for row in range(problem.rows.size):
        inside = slice(table.indptr[row], table.indptr[row + 1])
        columns = [x[at] for at in table.indices[inside]]
        total = sums(list(zip(columns, table.data[inside].tolist(), strict=True)))
        model.addConstraint(total <= float(problem.rows.room[row]) / SHARE)
    model.solve(pulp.HiGHS(msg=False, threads=1, timeLimit=SECONDS))
    word = model.solverModel.modelStatusToString(model.solverModel.getModelStatus())
    return Answer(SHARE * np.array([column.varValue for column in x]), f"says: {word}")


def _in_order(model: Any, sums: Any, part: list[Any], width: float, channel: int) -> None:
    """Let a segment be used only where the one before is full."""
    for k in range(len(part) - 1):
        full = model.add_variable(f"f{channel}_{k}", 0, 1, "Integer")
        model.addConstraint(sums([(part[k], 1.0), (full, -width)]) >= 0)
        model.addConstraint(sums([(part[k + 1], 1.0), (full, -width)]) <= 0)


def slsqp_on_draws(draws: Mixture, cap: float, budget: float, weight: float, tail: float) -> Answer:
    r"""Return the answer of SLSQP on draws: mean, or with CVaR by Rockafellar and Uryasev.

    Columns are the spends, the level t and by how much each draw falls short of it.
    """
    count, size = draws.weights.shape[:2]
    even = np.full(size, budget / size)
    worth = float(draws.value(even).sum(axis=-1).mean())

    def outcomes(x: Floats) -> Floats:
        return draws.value(np.maximum(SHARE * x[:size], 0.0)).sum(axis=-1) / worth

    def slopes(x: Floats) -> Floats:
        return SHARE * draws.slope(np.maximum(SHARE * x[:size], 1e-6)) / worth

    extra = 0 if weight == 0 else 1 + count
    first = outcomes(even / SHARE)
    level = float(np.quantile(first, tail))
    start = even / SHARE
    risky = np.zeros(size + extra)
    if extra:
        start = np.concatenate([start, [level], np.maximum(level - first, 0.0)])
        risky[size], risky[size + 1 :] = weight, -weight / (tail * count)

    def gradient(x: Floats) -> Floats:
        money = (1 - weight) * slopes(x).mean(axis=0)
        return -(np.concatenate([money, np.zeros(extra)]) + risky)

    ones = np.concatenate([np.ones(size), np.zeros(extra)])
    rules = [
        {"type": "ineq", "fun": lambda x: budget / SHARE - ones @ x, "jac": lambda x: -ones},
    ]
    if extra:
        fixed = np.hstack([-np.ones((count, 1)), np.eye(count)])
        rules.append(
            {
                "type": "ineq",
                "fun": lambda x: outcomes(x) - x[size] + x[size + 1 :],
                "jac": lambda x: np.hstack([slopes(x), fixed]),
            }
        )
    bounds = (
        [(0.0, cap / SHARE)] * size + [(None, None)] * (extra > 0) + [(0.0, None)] * (extra - 1)
    )
    found = minimize(
        lambda x: -((1 - weight) * outcomes(x).mean() + risky @ x),
        start,
        jac=gradient,
        method="SLSQP",
        bounds=bounds,
        constraints=rules,
        options={"maxiter": 60, "ftol": 1e-12},
    )
    return Answer(SHARE * found.x[:size], "success" if found.success else f"says: {found.message}")
