"""A problem of the book as arrays: a smooth program, and a mixed-integer one over points.

What a careful user of a general solver would write once; the adapters hand it to their solver.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array, vstack

from . import numeric

Floats = NDArray[np.float64]


class Declined(Exception):  # noqa: N818 -- an answer, not an error
    """The solver cannot state the problem."""


@dataclass(frozen=True)
class Model:
    """A problem in floating point; what is maximised is ``weights @ f(x) + costs @ x``."""

    problem: Mapping[str, Any]

    def __post_init__(self) -> None:
        if "test_and_roll" in self.problem["goal"]:
            raise Declined("no sum over channels")

    @cached_property
    def names(self) -> list[str]:
        """Channel names."""
        return [channel["name"] for channel in self.problem["channels"]]

    @cached_property
    def sign(self) -> float:
        """Minus 1 where the problem minimises."""
        return -1.0 if self.problem["goal"]["sense"] == "minimise" else 1.0

    def each(self, part: str, default: float = 0.0) -> Floats:
        """Return a number of every channel."""
        return np.array([_float(c.get(part, default)) for c in self.problem["channels"]])

    @cached_property
    def curves(self) -> list[numeric.Curve]:
        """Curves of the channels."""
        return [channel.get("curve", numeric.NONE) for channel in self.problem["channels"]]

    def goal(self, part: str) -> Floats:
        """Return the weight of ``outcomes`` or ``amounts`` in what is maximised."""
        given = self.problem["goal"].get(part, 0)
        return self.sign * self._spread(
            given if isinstance(given, Mapping) else dict.fromkeys(self.names, given)
        )

    @cached_property
    def rows(self) -> tuple[Floats, Floats, Floats, NDArray[np.bool_]]:
        """Coefficients of amounts and of outcomes, right-hand sides, and which are equations."""
        limits = self.problem["limits"]
        signs = np.array([-1.0 if "at_least" in limit else 1.0 for limit in limits])
        words = ("at_most", "at_least", "equal")
        room = [_float(next(limit[word] for word in words if word in limit)) for limit in limits]
        parts = [
            np.array([self._spread(limit.get(part, {})) for limit in limits]).reshape(
                -1, len(self.names)
            )
            for part in ("amounts", "outcomes")
        ]
        equal = np.array(["equal" in limit for limit in limits], dtype=bool)
        return parts[0] * signs[:, None], parts[1] * signs[:, None], signs * np.array(room), equal

    def _spread(self, given: Mapping[str, Any]) -> Floats:
        return np.array([_float(given.get(name, 0)) for name in self.names])

    @property
    def whole(self) -> bool:
        """Whether some channel has steps, or is off or gets a minimum."""
        return any("step" in c or "off_or_at_least" in c for c in self.problem["channels"])

    @property
    def straight(self) -> bool:
        """Whether every curve is made of straight lines."""
        return all(curve["kind"] in ("linear", "points") for curve in self.curves)

    @property
    def concave(self) -> bool:
        """Whether no curve bends upwards."""
        return not any(map(numeric.bends_up, self.curves))

    @cached_property
    def stacked(self) -> list[tuple[numeric.Curve, NDArray[np.intp]]]:
        """Curves of one kind together, with the places of their channels."""
        return numeric.stacked(self.curves)

    def values(self, spend: Floats) -> Floats:
        """Return the outcome of every channel."""
        found = np.empty(spend.shape)
        for curve, places in self.stacked:
            found[places] = numeric.value(curve, spend[places])
        return found

    def slopes(self, spend: Floats) -> Floats:
        """Return the slope of every channel."""
        found = np.empty(spend.shape)
        for curve, places in self.stacked:
            found[places] = numeric.slope(curve, spend[places])
        return found

    def named(self, spend: Floats) -> dict[str, float]:
        """Return amounts by name."""
        return dict(zip(self.names, spend.tolist(), strict=True))

    def even_split(self) -> Floats:
        """Return the budget in equal parts, moved into the bounds."""
        low, high = self.each("least"), self.each("most")
        amounts, outcomes, room, _ = self.rows
        plain = [k for k in range(room.size) if np.all(amounts[k] > 0) and not outcomes[k].any()]
        each = room[plain[0]] / amounts[plain[0]] / len(self.names) if plain else high / 2
        return np.clip(each, low, high)

    @cached_property
    def scenarios(self) -> tuple[Floats, Floats, float, float]:
        """Chances, factors by scenario and channel, weight and tail of the risk."""
        given, risk = self.problem["scenarios"], self.problem["risk"]
        chances = np.array([_float(s["chance"]) for s in given])
        factors = [[_float(s["factor"].get(n, 1)) for n in self.names] for s in given]
        return chances, np.array(factors), _float(risk["weight"]), _float(risk["tail"])


@dataclass(frozen=True)
class Program:
    """``max gain @ z`` with ``low <= table @ z <= high``, bounds and whole columns."""

    gain: Floats
    table: csr_array
    low: Floats
    high: Floats
    lower: Floats
    upper: Floats
    whole: NDArray[np.bool_]
    read: csr_array
    """Amounts are ``read @ z``."""


def over_points(model: Model, segments: int, grid: list[Floats] | None = None) -> Program:
    """Return the mixed-integer program over points of every curve, straight lines between them.

    A channel is a mean of its points; where its curve bends upwards the two in use are neighbours
    by binary columns, and a step or a minimum makes the weights of points whole. With a `grid` of
    points nothing is whole: the program is over the curves' upper hulls. Its rows are one for each
    channel (and the neighbours' ones), the limits in their order, then the scenarios.
    """
    channels = model.problem["channels"]
    relaxed = grid is not None
    points = grid or [
        _points(c, curve, segments) for c, curve in zip(channels, model.curves, strict=True)
    ]
    heights = [numeric.value(curve, x) for curve, x in zip(model.curves, points, strict=True)]
    apart = [
        not relaxed and "step" not in c and numeric.bends_up(curve)
        for c, curve in zip(channels, model.curves, strict=True)
    ]
    sizes = [x.size + (x.size - 1) * ups for x, ups in zip(points, apart, strict=True)]
    start = np.cumsum([0, *sizes]).tolist()
    chances, factors, weight, tail = (
        model.scenarios if "scenarios" in model.problem else (np.zeros(0),) * 4
    )
    total = start[-1] + (1 + chances.size if chances.size else 0)
    whole, lower, upper = np.zeros(total, dtype=bool), np.zeros(total), np.full(total, np.inf)
    found: tuple[list[Any], ...] = ([], [], [])
    low, high = [], []

    def rule(columns: Any, numbers: Any, least: float, most: float) -> None:
        for part, given in zip(
            found, (np.full(len(columns), len(low)), columns, numbers), strict=True
        ):
            part.append(np.broadcast_to(given, len(columns)))
        low.append(least)
        high.append(most)

    for at, x in enumerate(points):
        own = np.arange(start[at], start[at] + x.size)
        rule(own, 1.0, 1, 1)
        whole[own] |= not relaxed and "step" in channels[at]
        whole[own[0]] |= not relaxed and "off_or_at_least" in channels[at]
        if apart[at]:
            pairs = own[-1] + 1 + np.arange(x.size - 1)
            whole[pairs], upper[pairs] = True, 1
            rule(pairs, 1.0, 1, 1)
            for k, column in enumerate(own):
                beside = pairs[max(k - 1, 0) : k + 1]
                rule([column, *beside], [1.0, *(-1.0 for _ in beside)], -np.inf, 0)
    channel = np.repeat(np.arange(len(points)), [x.size for x in points])
    column = np.concatenate(
        [first + np.arange(x.size) for first, x in zip(start, points, strict=False)]
    )
    read, worth = (
        csr_array((np.concatenate(part), (channel, column)), shape=(len(points), total))
        for part in (points, heights)
    )
    amounts, outcomes, room, equal = model.rows
    weights = model.goal("outcomes")
    gain = read.T @ model.goal("amounts")
    table = csr_array(
        (np.concatenate(found[2]), tuple(map(np.concatenate, found[:2]))),
        shape=(len(low), total),
    )
    blocks = [table, csr_array(csr_array(amounts) @ read + csr_array(outcomes) @ worth)]
    if not chances.size:
        gain = gain + worth.T @ weights
    else:
        # Level t and shortfalls u: maximise w (t - p u / tail), t - u at most the outcome.
        gain = gain + (1 - weight) * (worth.T @ (chances @ factors * weights))
        gain[start[-1]], lower[start[-1]] = weight, -np.inf
        gain[start[-1] + 1 :] = -weight * chances / tail
        short = csr_array(
            np.hstack(
                [
                    np.zeros((chances.size, start[-1])),
                    np.ones((chances.size, 1)),
                    -np.eye(chances.size),
                ]
            )
        )
        blocks.append(csr_array(short - csr_array(factors * weights) @ worth))
    low = np.concatenate([low, np.where(equal, room, -np.inf), np.full(chances.size, -np.inf)])
    high = np.concatenate([high, room, np.zeros(chances.size)])
    return Program(gain, csr_array(vstack(blocks)), low, high, lower, upper, whole, read)


def _points(channel: Mapping[str, Any], curve: numeric.Curve, segments: int) -> Floats:
    """Return the amounts at which a channel is tabulated."""
    low, high = _float(channel.get("least", 0)), _float(channel["most"])
    if "step" in channel:
        step = _float(channel["step"])
        return step * np.arange(np.ceil(low / step - 1e-9), np.floor(high / step + 1e-9) + 1)
    minimum = _float(channel.get("off_or_at_least", 0))
    off = [0.0] if minimum and low <= 0 else []
    low = max(low, minimum)
    if curve["kind"] == "linear":
        return np.array([*off, low, high])
    if curve["kind"] == "points":
        return np.array([*off, low, *(x for x in map(float, curve["at"]) if low < x < high), high])
    return np.array([*off, *np.linspace(low, high, segments + 1)])


def _float(given: Any) -> float:
    return numeric.number({"it": given}, "it")
