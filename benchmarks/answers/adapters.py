"""The solvers of the board, an adapter each: a problem in, a `Claim` out.

To take part, write a function from a problem (plain data, as the README of this folder says) to a
`Claim`, raise `Declined` where the solver cannot state the problem, and add it to `SOLVERS`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import Any, NamedTuple

import numpy as np

from . import numeric
from .checker import exact
from .programs import Declined, Model, over_points

Problem = Mapping[str, Any]

SEGMENTS = 100
"""Straight lines for a curve that a program over points cannot state."""


class Claim(NamedTuple):
    """What a solver answers.

    Parameters
    ----------
    split
        Amount by channel, None where it says that no split is possible.
    says
        Its own word for how sure it is.
    bound
        What it proves that no split exceeds (or undercuts), None where it proves nothing.
    """

    split: Mapping[str, Any] | None
    says: str
    bound: float | None = None


# budgetopt


class _Rule:
    """A limit of the book as a limit of one's own."""

    def __init__(self, name: str, rows: list[tuple[Any, ...]]) -> None:
        self.name, self._rows = name, rows

    def rows(self, plan: Any, last: Any) -> tuple[Any, ...]:
        from budgetopt.plan import Row
        from budgetopt.plan.limits import integers

        return tuple(
            Row(self.name, integers(money), room, scale, outcome=outcome)
            for money, room, scale, outcome in self._rows
        )


class _Scenarios:
    """Curves under equally likely scenarios, as the optimizer asks a belief for them."""

    def __init__(self, channels: tuple[str, ...], cells: Any, factors: Any) -> None:
        self.channels, self._cells, self._factors = channels, cells, factors

    def draw(self, rng: Any, count: int) -> Any:
        from budgetopt.curves import Mixture

        return Mixture(self._cells, self._factors[:, :, None])

    def mean(self) -> Any:
        from budgetopt.curves import Mixture

        return Mixture(self._cells, self._factors.mean(axis=0)[:, None])


def plan_of(problem: Problem) -> tuple[Any, dict[str, Fraction]]:
    """Return a plan whose cents are fine beside every amount, and money by unit of each channel.

    Where amounts cost, money is counted in what they cost: the goal is then a profit.
    """
    import budgetopt as bo

    channels, given = problem["channels"], problem["goal"]
    sign = -1 if given["sense"] == "minimise" else 1
    cost = given.get("amounts", 0)
    costs = {
        c["name"]: -sign * exact(cost[c["name"]] if isinstance(cost, Mapping) else cost)
        for c in channels
    }
    paid = any(costs.values())
    if paid and min(costs.values()) <= 0:
        raise Declined("amounts that earn")
    largest = max(exact(c["most"]) * (costs[c["name"]] if paid else 1) for c in channels)
    fine = Fraction(10) ** (8 - math.floor(math.log10(largest)))
    unit = {c["name"]: fine * (costs[c["name"]] if paid else 1) for c in channels}
    height = fine if paid and given.get("outcomes") else Fraction(1)
    lines = [
        bo.Channel(
            c["name"],
            floor=_cents(exact(c.get("least", 0)) * unit[c["name"]], up=True),
            cap=_cents(exact(c["most"]) * unit[c["name"]]),
            off_or_at_least=_cents(exact(c["off_or_at_least"]) * unit[c["name"]], up=True)
            if "off_or_at_least" in c
            else None,
            lot=_cents(exact(c["step"]) * unit[c["name"]]) if "step" in c else None,
            curve=curve_of(c, float(unit[c["name"]]), float(height)),
        )
        for c in channels
    ]
    budget = sum(line.cap for line in lines)
    rules, goal = [], bo.Goal("profit") if paid else bo.Goal()
    for limit in problem["limits"]:
        amounts, outcomes = limit.get("amounts", {}), limit.get("outcomes", {})
        every = len(amounts) == len(channels) and len({*amounts.values()}) == 1
        if "at_most" in limit and every and not outcomes and len({*unit.values()}) == 1:
            budget = min(
                budget, _cents(exact(limit["at_most"]) / exact(next(iter(amounts.values()))) * fine)
            )
        elif paid and not given.get("outcomes") and not amounts and {*outcomes.values()} == {1}:
            goal = bo.Goal("least-spend", target=_decimal(exact(limit["at_least"])))
        else:
            rules.append(_rule(limit, [c["name"] for c in channels], unit, height))
    plan = bo.Plan(budget=budget, currency="USD", channels=lines, limits=rules, goal=goal,
                   value=1 if paid else None, max_change="none")  # fmt: skip
    return plan, unit


def curve_of(channel: Mapping[str, Any], unit: float, height: float = 1.0) -> Any:
    """Return a channel's curve over money."""
    from budgetopt import curves

    curve, most = channel.get("curve", numeric.NONE), float(exact(channel["most"]))
    kind = curve["kind"]
    if kind == "linear":
        return curves.Points([0, most * unit], [0, height * most * numeric.number(curve, "slope")])
    if kind == "points":
        # A fall is never worth while: where what comes back falls, the highest so far bounds it.
        at, got = (np.array([float(exact(v)) for v in curve[part]]) for part in ("at", "value"))
        return curves.Points(unit * at, height * np.maximum.accumulate(got))
    made = {
        "exponential": curves.Exponential,
        "log": curves.Log,
        "power": curves.Power,
        "hill": curves.Hill,
    }
    rest = [numeric.number(curve, part) for part in ("shape", "exponent") if part in curve]
    scale = numeric.number(curve, "half" if kind == "hill" else "scale")
    return made[kind](height * numeric.number(curve, "top"), unit * scale, *rest)


def _rule(
    limit: Mapping[str, Any], names: list[str], unit: Mapping[str, Fraction], height: Fraction
) -> _Rule:
    word = next(word for word in ("at_most", "at_least", "equal") if word in limit)
    amounts = [exact(limit.get("amounts", {}).get(n, 0)) / unit[n] for n in names]
    outcomes = np.array([float(exact(limit.get("outcomes", {}).get(n, 0)) / height) for n in names])
    scale = math.lcm(*(a.denominator for a in amounts))
    rows = []
    for sign in {"at_most": (1,), "at_least": (-1,), "equal": (1, -1)}[word]:
        earned = -sign * outcomes
        if np.any(earned < 0):
            raise Declined("a limit that outcomes use up")
        money = [sign * int(a * scale) for a in amounts]
        rows.append((money, sign * exact(limit[word]), scale, earned if earned.any() else None))
    return _Rule(limit["name"], rows)


def _cents(money: Fraction, *, up: bool = False) -> Any:
    return _decimal(Fraction(math.ceil(100 * money) if up else math.floor(100 * money), 100))


def _decimal(number: Fraction) -> Any:
    from decimal import Decimal

    return Decimal(number.numerator) / Decimal(number.denominator)


def budgetopt(problem: Problem) -> Claim:
    """The library of this repository, as its users call it."""
    import budgetopt as bo

    if "test_and_roll" in problem["goal"]:
        found = bo.experiments.two_cell_sizes(*_asked(problem))
        return Claim(_sized(problem, found.one, found.other), "two_cell_sizes")
    plan, unit = plan_of(problem)
    asked: dict[str, Any] = {}
    if "scenarios" in problem:
        chances, factors, weight, tail = Model(problem).scenarios
        if np.ptp(chances) > 0:
            raise Declined("scenarios of different chances")
        cells = [channel.curve for channel in plan.channels]
        apart = {kind: [c for c in cells if type(c) is kind] for kind in {type(c) for c in cells}}
        if len(apart) > 1:
            raise Declined("scenarios of curves of several kinds")
        asked = {
            "curves": _Scenarios(plan.names, _columns(cells), factors),
            "risk": bo.Risk.mean_cvar(weight, tail) if weight < 1 else bo.Risk.cvar(tail),
            "draws": len(chances),
        }
    try:
        week = bo.allocate(plan, **asked)
    except bo.InfeasibleError as error:
        return Claim(None, f"{type(error).__name__}: {error.code}")
    split = {name: Fraction(money) / unit[name] for name, money in week.spend.items()}
    sign = -1 if problem["goal"]["sense"] == "minimise" else 1
    fine = next(iter(unit.values())) / (-sign * _first_cost(problem)) if _first_cost(problem) else 1
    return Claim(
        split, f"{week.method}, gap {week.gap:.1e}", sign * float(week.bound) / float(fine)
    )


def _first_cost(problem: Problem) -> Fraction:
    cost = problem["goal"].get("amounts", 0)
    return exact(cost[problem["channels"][0]["name"]] if isinstance(cost, Mapping) else cost)


def _columns(cells: list[Any]) -> Any:
    """Return one curve whose parameters have the channels first and one cell each."""
    from dataclasses import fields

    kind = type(cells[0])
    parts = ([np.asarray(getattr(cell, f.name))[None] for cell in cells] for f in fields(kind))
    return kind(*(np.array(part) for part in parts))


def _asked(problem: Problem) -> tuple[Any, ...]:
    """Return population, noise, standard deviations and means of a test before the roll."""
    asked = problem["goal"]["test_and_roll"]
    parts = (asked["variance"], asked["prior_sd"], asked["prior_mean"])
    noise, sd, mean = (tuple(float(exact(x)) for x in part) for part in parts)
    return float(asked["population"]), tuple(math.sqrt(x) for x in noise), sd, mean


def _sized(problem: Problem, *sizes: float) -> dict[str, float]:
    return dict(zip((c["name"] for c in problem["channels"]), map(float, sizes), strict=True))


# Peers


def scipy(problem: Problem) -> Claim:
    """SciPy: HiGHS by `milp` where all is straight or whole, else SLSQP from the even split."""
    from scipy.optimize import Bounds, LinearConstraint, milp

    if "test_and_roll" in problem["goal"]:
        return _nelder_mead(problem)
    model = Model(problem)
    if not model.straight and not model.whole:
        return _slsqp(model)
    program = over_points(model, SEGMENTS)
    found = milp(
        -program.gain,
        integrality=program.whole,
        bounds=Bounds(program.lower, program.upper),
        constraints=LinearConstraint(program.table, program.low, program.high),
        options={"mip_rel_gap": 1e-9, "time_limit": 20},
    )
    says = f"milp: {found.message.split('.')[0]}"
    return Claim(None if found.x is None else model.named(program.read @ found.x), says)


def _slsqp(model: Model) -> Claim:
    from scipy.optimize import minimize

    size, low, high = len(model.names), model.each("least"), model.each("most")
    unit = np.maximum(high, 1e-9) / 10
    weights, costs = model.goal("outcomes"), model.goal("amounts")
    amounts, outcomes, room, equal = model.rows
    start = model.even_split()
    worth = abs(weights @ model.values(start) + costs @ start) or 1.0
    extra, risky = 0, np.zeros(0)
    if "scenarios" in model.problem:
        chances, factors, weight, tail = model.scenarios
        weights = weights * (chances @ factors)
        extra, risky = 1 + chances.size, np.concatenate([[weight], -weight * chances / tail])
        weights = weights * (1 - weight)

    def spend(z: Any) -> Any:
        return np.clip(z[:size] * unit, low, high)

    def gradient(z: Any) -> Any:
        x = spend(z)
        return -np.concatenate([unit * (weights * model.slopes(x) + costs) / worth, risky])

    def objective(z: Any) -> float:
        x = spend(z)
        return -((weights @ model.values(x) + costs @ x) / worth + risky @ z[size:])

    rules = []
    for kind, chosen in (("ineq", ~equal), ("eq", equal)):
        if chosen.any():
            a, o, b = amounts[chosen], outcomes[chosen], room[chosen]
            scale = np.maximum(np.abs(b), np.abs(a * unit).max(axis=1))
            blank = np.zeros((b.size, extra))
            rules.append({
                "type": kind,
                "fun": lambda z, a=a, o=o, b=b, s=scale: (
                    b - a @ (z[:size] * unit) - o @ model.values(spend(z))) / s,
                "jac": lambda z, a=a, o=o, s=scale, e=blank: np.hstack(
                    [-(a + o * model.slopes(spend(z))) * unit / s[:, None], e]),
            })  # fmt: skip
    z = start / unit
    if extra:
        earned = factors * model.goal("outcomes") / worth
        fixed = np.hstack([-np.ones((extra - 1, 1)), np.eye(extra - 1)])
        rules.append({
            "type": "ineq",
            "fun": lambda z: earned @ model.values(spend(z)) + fixed @ z[size:],
            "jac": lambda z: np.hstack([earned * model.slopes(spend(z)) * unit, fixed]),
        })  # fmt: skip
        first = earned @ model.values(start)
        level = float(np.quantile(first, tail))
        z = np.concatenate([z, [level], np.maximum(level - first, 0)])
    bounds = [*zip(low / unit, high / unit, strict=True)]
    bounds += [(None, None)] * (extra > 0) + [(0, None)] * (extra - 1)
    found = minimize(objective, z, jac=gradient, method="SLSQP", bounds=bounds, constraints=rules,
                     options={"maxiter": 1000, "ftol": 1e-14})  # fmt: skip
    return Claim(model.named(found.x[:size] * unit), f"SLSQP: {found.message}")


def _nelder_mead(problem: Problem) -> Claim:
    """Size a test as the paper's own code does: over logarithms, from a twentieth each."""
    from scipy.optimize import minimize
    from scipy.stats import norm

    population, noise, sd, mean = (np.array(part) for part in _asked(problem))

    def missed(logs: Any) -> float:
        cells = np.exp(logs)
        v = np.sqrt(np.sum(sd**4 / (sd**2 + noise**2 / cells)))
        z = (mean[0] - mean[1]) / v
        rolled = mean[1] + (mean[0] - mean[1]) * norm.cdf(z) + v * norm.pdf(z)
        return -float(mean @ cells + (population - cells.sum()) * rolled)

    found = minimize(missed, np.log([population / 20] * 2), method="Nelder-Mead")
    return Claim(_sized(problem, *np.exp(found.x)), f"Nelder-Mead: {found.message}")


def pulp(problem: Problem, segments: int = SEGMENTS, seconds: float = 20) -> Claim:
    """PuLP with HiGHS, curves as even segments."""
    import pulp as lp

    model = Model(problem)
    program = over_points(model, segments)
    kinds = np.where(program.whole, "Integer", "Continuous").tolist()
    task = lp.LpProblem("budget", lp.LpMaximize)
    bounds = [
        [None if np.isinf(end) else end for end in part.tolist()]
        for part in (program.lower, program.upper)
    ]
    z = [
        task.add_variable(f"z{k}", *rest) for k, rest in enumerate(zip(*bounds, kinds, strict=True))
    ]
    sums = getattr(lp.LpAffineExpression, "from_list", lp.LpAffineExpression)
    task.setObjective(sums(list(zip(z, program.gain.tolist(), strict=True))))
    ends, columns, numbers = (
        part.tolist() for part in (program.table.indptr, program.table.indices, program.table.data)
    )
    for row, (low, high) in enumerate(
        zip(program.low.tolist(), program.high.tolist(), strict=True)
    ):
        inside = slice(ends[row], ends[row + 1])
        left = sums([(z[k], a) for k, a in zip(columns[inside], numbers[inside], strict=True)])
        if low == high:
            task.addConstraint(left == high)
        else:
            task.addConstraint(left <= high)
    task.solve(lp.HiGHS(msg=False, threads=1, timeLimit=seconds))
    solver = task.solverModel
    says = f"HiGHS: {solver.modelStatusToString(solver.getModelStatus())}"
    if any(column.varValue is None for column in z) or "Infeasible" in says:
        return Claim(None, says)
    return Claim(model.named(program.read @ np.array([column.varValue for column in z])), says)


def cvxpy(problem: Problem) -> Claim:
    """The modelling language with Clarabel, or HiGHS where columns are whole."""
    import cvxpy as cp

    model = Model(problem)
    if not model.concave or (model.whole and not model.straight):
        raise Declined("no convex program")
    low, high, channels = model.each("least"), model.each("most"), problem["channels"]
    unit = np.maximum(high, 1e-9) / 10
    shares = cp.Variable(len(channels))
    x = cp.multiply(shares, unit)
    got = [(places, _concave(cp, curve, x[places])) for curve, places in model.stacked]
    rules = [shares <= high / unit, shares >= low / unit]
    for k, channel in enumerate(channels):
        if "step" in channel:
            rules.append(x[k] == float(exact(channel["step"])) * cp.Variable(integer=True))
        if "off_or_at_least" in channel:
            on = cp.Variable(boolean=True)
            rules += [x[k] <= high[k] * on, x[k] >= float(exact(channel["off_or_at_least"])) * on]

    def total(weights: Any) -> Any:
        return sum(
            weights[..., places] @ part for places, part in got if weights[..., places].any()
        )

    amounts, outcomes, room, equal = model.rows
    for chosen in (equal, ~equal):
        if chosen.any():
            left = amounts[chosen] @ x + total(outcomes[chosen])
            rules.append(left == room[chosen] if chosen is equal else left <= room[chosen])
    weights, aim = model.goal("outcomes"), model.goal("amounts") @ x
    if "scenarios" in problem:
        chances, factors, weight, tail = model.scenarios
        level, under = cp.Variable(), cp.Variable(chances.size, nonneg=True)
        rules.append(level - under <= total(factors * weights))
        aim += (1 - weight) * total(chances @ factors * weights)
        aim += weight * (level - chances @ under / tail)
    else:
        aim += total(weights)
    task = cp.Problem(cp.Maximize(aim), rules)
    # One thread: a HiGHS of another number in the same process makes the next one fail.
    alone = {"solver": cp.HIGHS, "highs_options": {"threads": 1}}
    task.solve(**(alone if model.whole else {"solver": cp.CLARABEL}))
    if shares.value is None:
        return Claim(None, f"cvxpy: {task.status}")
    return Claim(model.named(shares.value * unit), f"cvxpy: {task.status}")


def _concave(cp: Any, curve: numeric.Curve, x: Any) -> Any:
    """Return curves of one kind as an expression."""
    kind = curve["kind"]
    if kind == "linear":
        return cp.multiply(numeric.number(curve, "slope"), x)
    if kind == "points":
        at, got = (np.array([float(exact(v)) for v in curve[part]]) for part in ("at", "value"))
        steep = np.diff(got) / np.diff(at)
        lines = (s * (x - a) + g for s, a, g in zip(steep, at, got, strict=False))
        return cp.minimum(*lines, np.full(1, got[-1]))
    top = numeric.number(curve, "top")
    z = cp.multiply(x, 1 / numeric.number(curve, "half" if kind == "hill" else "scale"))
    if kind == "exponential":
        return cp.multiply(top, 1 - cp.exp(-z))
    if kind == "log":
        return cp.multiply(top, cp.log1p(z))
    if kind == "power":
        exponents = numeric.number(curve, "exponent")
        return cp.multiply(top, cp.hstack([cp.power(z[k], p) for k, p in enumerate(exponents)]))
    if np.any(numeric.number(curve, "shape") != 1):
        raise Declined("a Hill curve of a shape below 1 has no atom")
    return cp.multiply(top, 1 - cp.inv_pos(z + 1))


def robyn(problem: Problem) -> Claim:
    """Robyn's allocator as it documents itself, on nlopt: AUGLAG with SLSQP from the first split.

    `robyn_allocator` of facebookexperimental/Robyn: bounds by channel, one budget that is spent
    whole, ``xtol_rel`` 1e-10, 100,000 evaluations; it knows no other limit.
    """
    import nlopt

    model = Model(problem)
    amounts, outcomes, room, _ = model.rows
    plain = room.size == 1 and not outcomes.any() and np.all(amounts == amounts[0, 0])
    if not plain or model.whole or "scenarios" in problem or model.goal("amounts").any():
        raise Declined("only bounds and one budget")

    def response(x: Any, gradient: Any) -> float:
        if gradient.size:
            gradient[:] = -model.slopes(x)
        return -float(model.values(x).sum())

    def budget(x: Any, gradient: Any) -> float:
        if gradient.size:
            gradient[:] = amounts[0]
        return float(amounts[0] @ x - room[0])

    task = nlopt.opt(nlopt.LD_AUGLAG, room.size * len(model.names))
    inner = nlopt.opt(nlopt.LD_SLSQP, len(model.names))
    for part in (task, inner):
        part.set_xtol_rel(1e-10)
    task.set_local_optimizer(inner)
    task.set_min_objective(response)
    task.set_lower_bounds(model.each("least"))
    task.set_upper_bounds(model.each("most"))
    task.add_equality_constraint(budget, 1e-8)
    task.set_maxeval(100_000)
    task.set_maxtime(20)
    found = task.optimize(model.even_split())
    return Claim(model.named(found), f"nlopt: code {task.last_optimize_result()}")


SOLVERS: dict[str, Callable[[Problem], Claim]] = {
    "budgetopt": budgetopt,
    "SciPy": scipy,
    "cvxpy": cvxpy,
    "PuLP": pulp,
    "Robyn's allocator": robyn,
}
