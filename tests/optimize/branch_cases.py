"""Problems for the branch engine, and their best split on a grid by other means."""

from __future__ import annotations

from fractions import Fraction

import numpy as np

from budgetopt.curves import Hill, Log, Points, Power
from budgetopt.curves.base import stack
from budgetopt.money import Currency
from budgetopt.optimize import Problem
from budgetopt.plan import Bounds, Row


def problem(curves, lower, upper, budget, *, units=1, **more):
    """Return a problem in floats of money; one unit of money has a hundred minor units."""
    size = len(lower)
    minor = Currency("CNY")

    def whole(money):
        return np.round(np.asarray(money, dtype=float) * minor.units * units).astype(np.int64)

    no_rule = np.zeros(size, dtype=np.int8)
    last = more.get("last")
    return Problem(
        names=tuple(f"channel {at}" for at in range(size)),
        money=minor,
        step=1,
        budget=int(whole(budget)),
        spend_all=more.get("spend_all", False),
        bounds=Bounds(whole(lower), whole(upper), no_rule, no_rule),
        curves=curves,
        weight=np.asarray(more.get("weight", np.ones(size)), dtype=float),
        cost=np.asarray(more.get("cost", np.zeros(size)), dtype=float),
        least_on=whole(more.get("least_on", np.zeros(size))),
        lots=np.ones(size, dtype=np.int64),
        limits=tuple(more.get("limits", ())),
        last=None if last is None else whole(last),
    )


def s_curves(count, seed, *, units=1.0, worth=1.0, shape=3.0):
    """Return channels of one shape around a spend of 100 each, caps six times that."""
    rng = np.random.default_rng(seed)
    top, half = rng.lognormal(5, 0.6, count), rng.lognormal(4.6, 0.7, count)
    curves = Hill(worth * top, units * half, np.full(count, shape))
    upper = np.full(count, 600.0 * units)
    return problem(curves, np.zeros(count), upper, 100.0 * count * units)


def random_curve(rng, typical):
    """Return an S-curve, points in any shape, a concave curve or one without effect."""
    kind = rng.integers(0, 6)
    top, scale = np.exp(rng.normal()), typical * np.exp(rng.normal())
    if kind <= 2:
        return Hill(top, scale, rng.uniform(1.01, 6))
    if kind == 3:
        steps = int(rng.integers(1, 7))
        spend = np.concatenate([[0.0], np.cumsum(rng.uniform(0.1, 1, steps)) * scale])
        rises = rng.exponential(1, steps) * (rng.random(steps) < 0.8)
        return Points(spend, np.concatenate([[0.0], np.cumsum(rises) * top]))
    if kind == 4:
        return Log(top, scale) if rng.random() < 0.5 else Power(top, scale, 0.5)
    return Hill(0.0 if rng.random() < 0.3 else top, scale, rng.uniform(0.4, 1))


def random_problem(seed, *, most=6, **more):
    """Return whole-money bounds, minimums, weights and costs over curves of all kinds."""
    rng = np.random.default_rng(seed)
    size, budget = int(rng.integers(1, most + 1)), float(rng.integers(1, 120))
    share = budget / size
    curves = stack([random_curve(rng, share) for _ in range(size)])
    lower = np.where(rng.random(size) < 0.3, np.floor(rng.uniform(0, 0.9 * share, size)), 0)
    room = np.floor(rng.uniform(0, 3 * share, size))
    upper = np.where(rng.random(size) < 0.5, lower + room, budget)
    least_on = np.where(rng.random(size) < 0.4, np.floor(rng.uniform(0, 1.5 * share, size)), 0)
    weight = rng.uniform(0.5, 2, size) if rng.random() < 0.3 else np.ones(size)
    cost = np.full(size, rng.uniform(0, 0.1) if rng.random() < 0.2 else 0.0)
    given = {
        "least_on": least_on,
        "weight": weight,
        "cost": cost,
        "spend_all": bool(rng.random() < 0.3),
    }
    return problem(curves, lower, upper, budget, **(given | more))


def random_rows(rng, size, budget):
    """Return rows of every kind that does not count: groups, shares, turnover, ROAS."""
    rows = []
    for at in range(int(rng.integers(1, 4))):
        group, kind = (rng.random(size) < 0.6).astype(np.int64), rng.integers(0, 6)
        none, some = 0 * group, int(budget * rng.uniform(0.2, 0.8))
        made = {
            0: lambda g=group, s=some: (g, s, {}),
            1: lambda g=group, s=some: (-g, -s // 2, {}),
            2: lambda n=none, s=some: (n, s, {"moved": n + 1}),
            3: lambda n=none: (n + 1, 0, {"outcome": rng.uniform(0.5, 4) * budget / size + n}),
            4: lambda g=group, s=some: (2 * g - 1, s // 3, {}),
            5: lambda g=group, s=some: (g * rng.integers(1, 4, size), s, {}),
        }[int(kind)]
        money, room, parts = made()
        rows.append(Row(f"row {at}", money, Fraction(room), **parts))
    return rows


def allowed(problem, at, spend):
    """Return which spends one channel may take."""
    on = problem.least_on[at] / problem.money.units
    good = (spend >= max(problem.lower[at], on)) & (spend <= problem.upper[at])
    return good | ((spend == 0) & (problem.lower[at] <= 0))


def gain(problem, at, spend):
    """Return what one channel adds to the objective."""
    value = problem.curves.take([at]).value(spend[:, None])[:, 0]
    return problem.weight[at] * value - problem.cost[at] * spend


def best_on_grid(problem, step=1.0):
    """Return the best objective with every spend a multiple of a step, by dynamic programming."""
    cells = round(problem.budget_money / step)
    grid, best = np.arange(cells + 1) * step, np.full(cells + 1, -np.inf)
    best[0] = 0.0
    for at in range(len(problem.names)):
        brings = np.where(allowed(problem, at, grid), gain(problem, at, grid), -np.inf)
        spread = [np.max(best[: b + 1][::-1] + brings[: b + 1]) for b in range(cells + 1)]
        best = np.array(spread)
    return best[-1] if problem.spend_all else best.max()


def best_of_many(problem, sizes=(400, 150, 40, 18)):
    """Return the best objective on a full grid of up to four channels that keeps all rows."""
    size, budget, last = len(problem.names), problem.budget_money, problem.last_money
    axes = []
    for at in range(size):
        on = max(problem.lower[at], problem.least_on[at] / problem.money.units)
        axis = np.linspace(on, max(on, min(problem.upper[at], budget)), sizes[size - 1])
        axis = np.unique([*axis, 0.0, last[at]])
        axes.append(axis[allowed(problem, at, axis)])
    if not all(axis.size for axis in axes):
        return -np.inf
    # Each curve is asked at its own spends, not once more at every split.
    padded = np.stack([np.resize(axis, max(a.size for a in axes)) for axis in axes], axis=-1)
    values = [v[: a.size] for v, a in zip(problem.curves.value(padded).T, axes, strict=True)]
    spends, value = (
        np.stack([a.ravel() for a in np.meshgrid(*each, indexing="ij")], axis=-1)
        for each in (axes, values)
    )
    rows = problem.rows
    used = rows.money @ spends.T + rows.moved @ np.abs(spends - last).T - rows.outcome @ value.T
    kept = np.all(used <= rows.room[:, None] + 1e-9, axis=0)
    objective = value @ problem.weight - spends @ problem.cost
    return np.max(objective[kept], initial=-np.inf)


def assert_kept(problem, spend):
    """Hold bounds, minimums and rows."""
    slack = 1e-9 * max(1.0, problem.budget_money)
    on = problem.least_on / problem.money.units
    off = (spend <= slack) & (problem.lower <= 0)
    assert np.all((spend >= np.maximum(problem.lower, on) - slack) | off)
    assert np.all(spend <= problem.upper + slack)
    rows = problem.rows
    used = rows.used(spend, problem.curves.value(spend), problem.last_money)
    # Rows on outcomes are in outcomes.
    scale = np.maximum(np.abs(rows.room), abs(rows.outcome) @ problem.curves.value(spend))
    assert np.all(used <= rows.room + 1e-9 * np.maximum(scale, problem.budget_money))
