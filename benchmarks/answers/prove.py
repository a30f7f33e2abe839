"""Finds the answers and proofs of the book; nothing here is trusted, `checker` checks it.

`prove` cuts the problem's box until every part is bounded: each part's linear program over the
upper hulls of its curves gives prices, and the checker says exactly what they bound. SciPy's HiGHS
is the only solver; the library that the book also judges has no part in it.

    python -m benchmarks.answers.prove benchmarks/answers/book.json   # where "proof" is null
"""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linprog

from . import checker, numeric
from .checker import Box, exact
from .programs import Model, over_points

Floats = NDArray[np.float64]
Problem = Mapping[str, Any]

ROUNDS = 16
"""Each lays the grid closer around the last solution, four times as fine."""
MOST = 20_000
"""Parts that one proof may have."""


@dataclass(frozen=True)
class Part:
    """The linear program of a box over hulls, solved."""

    amounts: dict[str, float]
    lifted: dict[str, float]
    prices: dict[str, float]
    chances: list[float] | None
    feasible: bool


def grid(channel: Mapping[str, Any], low: float, high: float, near: float, width: float) -> Floats:
    """Return amounts of a channel in a range: all steps, or some, closer where it was last."""
    minimum = float(channel.get("off_or_at_least", 0))
    found = [np.zeros(1)] if minimum and low <= 0 else []
    low = max(low, minimum)
    if "step" in channel:
        step = float(channel["step"])
        found.append(step * np.arange(np.ceil(low / step - 1e-9), np.floor(high / step + 1e-9) + 1))
    elif low <= high:
        corners = np.array([float(x) for x in channel.get("curve", {}).get("at", ())])
        found += [np.linspace(low, high, 65), corners[(corners > low) & (corners < high)]]
        found.append(np.clip(np.linspace(near - width, near + width, 41), low, high))
    return np.unique(np.concatenate(found)) if found else np.zeros(0)


def solve(problem: Problem, box: Box, near: Mapping[str, float], width: float) -> Part | None:
    """Solve a box over hulls; without a split the prices are those of the least breach."""
    model, points = Model(problem), []
    for channel in problem["channels"]:
        name = channel["name"]
        low, high = float(box.low[name]), float(box.high[name])
        points.append(grid(channel, low, high, near.get(name, low), width * (high - low)))
        if not points[-1].size:
            return None
    program, first = over_points(model, 0, points), len(points)
    size_of = np.maximum(abs(program.table).max(axis=1).toarray().ravel(), 1e-300)
    table, room = program.table.toarray() / size_of[:, None], program.high / size_of
    equal = program.low == program.high
    worth = np.abs(program.gain).max() or 1.0

    def priced(gain: Floats, table: Floats, more: int) -> tuple[Any, Floats]:
        bounds = [
            *zip(program.lower, [None] * program.lower.size, strict=True),
            *[(0, None)] * more,
        ]
        found = linprog(
            -gain,
            A_ub=table[~equal],
            b_ub=room[~equal],
            A_eq=table[equal],
            b_eq=room[equal],
            bounds=[(None if low == -np.inf else low, high) for low, high in bounds],
            method="highs-ds",
            options={"primal_feasibility_tolerance": 1e-10, "dual_feasibility_tolerance": 1e-10},
        )
        prices = np.zeros(room.size)
        if found.x is not None:
            prices[~equal], prices[equal] = -found.ineqlin.marginals, -found.eqlin.marginals
        return found, prices

    found, prices = priced(program.gain / worth, table, 0)
    feasible = found.status != 2
    if not feasible:
        slack = np.hstack([-np.eye(room.size), np.eye(room.size)[:, equal]])
        slack[:first] = 0
        cost = np.concatenate([np.zeros(table.shape[1]), -np.ones(slack.shape[1])])
        found, prices = priced(cost, np.hstack([table, slack]), slack.shape[1])
    prices *= (worth if feasible else 1.0) / size_of
    z = found.x[: table.shape[1]]
    heights = [numeric.value(curve, x) for curve, x in zip(model.curves, points, strict=True)]
    ends = np.cumsum([0, *(x.size for x in points)])
    lifted = [float(z[ends[k] : ends[k + 1]] @ y) for k, y in enumerate(heights)]
    keys = [row.name for row in checker.rows(problem)]
    chances = None
    if "scenarios" in problem and feasible:
        chances = (prices[first + len(keys) :] / max(model.scenarios[2], 1e-300)).tolist()
    return Part(
        model.named(program.read @ z),
        dict(zip(model.names, lifted, strict=True)),
        dict(zip(keys, prices[first:].tolist(), strict=False)),
        chances,
        feasible,
    )


def closer(problem: Problem, box: Box) -> Iterator[Part | None]:
    """Solve a box with its grid laid ever closer around the solution."""
    part = solve(problem, box, {}, 1.0)
    yield part
    smooth = any(
        "step" not in c and c.get("curve", {}).get("kind", "linear") not in ("linear", "points")
        for c in problem["channels"]
    )
    width = 0.05
    for _ in range(ROUNDS if smooth else 0):
        if part is None or not part.feasible:
            return
        part = solve(problem, box, part.amounts, width)
        width /= 4
        yield part


def prove(problem: Problem) -> dict[str, Any]:
    """Return the proof of a problem's answer as a tree."""
    answer = problem["answer"]
    best = None
    if answer["value"] is not None:
        sign = -1 if problem["goal"]["sense"] == "minimise" else 1
        value, within = exact(answer["value"]), exact(answer.get("within", 0))
        best = sign * value + abs(value) * within
    count = 0

    def below(box: Box, depth: int) -> dict[str, Any]:
        nonlocal count
        count += 1
        if count > MOST or depth > 60:
            raise RuntimeError(f"{problem['name']} is not proven in {count} parts")
        for turn, part in enumerate(closer(problem, box)):
            if part is None:
                return {"prices": {}, **_even(problem)}
            lowest = math.inf
            for leaf in leaves(problem, part):
                try:
                    bound = checker.proven(problem, leaf, box)
                except ValueError:
                    continue
                if bound is None or (best is not None and bound <= best):
                    return leaf
                lowest = min(lowest, float(bound))
            far = 10.0 ** (-min(turn, 4)) * abs(float(best or 0))
            if best is not None and lowest > float(best) + far:
                break
        name, at = cut(problem, box, part)
        low, high = box.cut(name, at)
        return {
            "split": name,
            "at": written(at),
            "below": below(low, depth + 1),
            "above": below(high, depth + 1),
        }

    return below(checker.whole(problem), 0)


def _even(problem: Problem) -> dict[str, Any]:
    if "scenarios" not in problem:
        return {}
    return {"weights": [written(exact(s["chance"])) for s in problem["scenarios"]]}


def leaves(problem: Problem, part: Part) -> Iterator[dict[str, Any]]:
    """Yield a leaf with its prices as simple fractions, then as decimals."""
    equal = {row.name for row in checker.rows(problem) if row.equal}
    for digits in (10**3, 10**6, None):

        def rounded(number: float, digits: int | None = digits) -> Fraction:
            near = Fraction(repr(number))
            return near if digits is None else near.limit_denominator(digits)

        prices = {}
        for name, price in part.prices.items():
            price = price if name in equal else max(price, 0.0)
            if rounded(price):
                prices[name] = written(rounded(price))
        if not part.feasible:
            yield {"impossible": prices}
            continue
        leaf: dict[str, Any] = {"prices": prices}
        if part.chances is not None:
            tail = exact(problem["risk"]["tail"])
            most = [exact(s["chance"]) / tail for s in problem["scenarios"]]
            q = [
                min(max(rounded(c), Fraction(0)), m)
                for c, m in zip(part.chances, most, strict=True)
            ]
            for at in sorted(range(len(q)), key=lambda k: -q[k] * (most[k] - q[k])):
                q[at] = min(max(q[at] + 1 - sum(q), Fraction(0)), most[at])
            leaf["weights"] = [written(chance) for chance in q]
        yield leaf


def cut(problem: Problem, box: Box, part: Part) -> tuple[str, Fraction]:
    """Return the channel whose hull lies highest above what it does there, and where to cut it."""
    worst, found = -1.0, None
    _, weights = checker.goal(problem)
    for channel in problem["channels"]:
        name, x = channel["name"], part.amounts[channel["name"]]
        low, high = box.low[name], box.high[name]
        if low >= high:
            continue
        at = min(max(Fraction(repr(x)), low), high)
        minimum = exact(channel.get("off_or_at_least", 0))
        curve = channel.get("curve", {"kind": "linear", "slope": 0})
        gap = (part.lifted[name] - float(checker.value(curve, at).low)) * abs(float(weights[name]))
        size = float(high - low)
        if minimum and low <= 0 and 1e-9 * size < x < float(minimum) * (1 - 1e-9):
            gap, at = max(gap, 1e-6) + x / float(minimum), minimum / 2
        elif "step" in channel:
            step = exact(channel["step"])
            steps = Fraction(repr(x)) / step
            off = abs(float(steps - round(steps)))
            gap, at = (
                max(gap, off) if off > 1e-7 else gap,
                (steps.__floor__() + Fraction(1, 2)) * step,
            )
            if not low < at < high:
                at = (low + high) / 2
        elif gap > 0:
            inside = max(size / 20, 0)
            at = Fraction(repr(min(max(x, float(low) + inside), float(high) - inside)))
        if gap > worst and low < at < high:
            worst, found = gap, (name, at)
    if found is None:
        raise RuntimeError(f"nothing is left to cut in {problem['name']}")
    return found


def written(number: Fraction) -> Any:
    """Return a fraction as JSON has it: an integer, a decimal where that is exact, or text."""
    if number.denominator == 1:
        return number.numerator
    if Fraction(repr(float(number))) == number:
        return float(number)
    return f"{number.numerator}/{number.denominator}"


def plain(data: Any) -> Any:
    """Return a problem with its fractions as JSON has them."""
    if isinstance(data, Fraction):
        return written(data)
    if isinstance(data, dict):
        return {key: plain(part) for key, part in data.items()}
    return [plain(part) for part in data] if isinstance(data, list) else data


def text(problems: list[dict[str, Any]]) -> str:
    """Return problems as the book has them: a key a line."""
    parts = []
    for problem in problems:
        lines = [
            f"  {json.dumps(k)}: {json.dumps(plain(v), ensure_ascii=False)}"
            for k, v in problem.items()
        ]
        parts.append(" {\n" + ",\n".join(lines) + "\n }")
    return "[\n" + ",\n".join(parts) + "\n]\n"


def main() -> None:
    """Prove what has no proof in the files that are named."""
    for name in sys.argv[1:]:
        path = Path(name)
        problems = checker.load(path)
        for problem in problems:
            if problem["proof"] is None:
                problem["proof"] = prove(problem)
        path.write_text(text(problems), "utf-8")


if __name__ == "__main__":
    main()
