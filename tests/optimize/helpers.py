"""Random concave problems, and their optimum found by other means than the library's."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from budgetopt.curves import Exponential, Hill, Log, Logistic, Points, Power
from budgetopt.curves.base import stack

KINDS = ("exponential", "hill", "hill-1", "log", "power", "logistic", "points")


@dataclass(frozen=True)
class Case:
    """Curves beside what the reference needs to know of them: kind and parameters by channel."""

    curves: Any
    kinds: tuple[str, ...]
    parameters: tuple[tuple, ...]
    lower: np.ndarray
    upper: np.ndarray
    budget: float

    def value(self, spend):
        return np.array(
            [VALUE[k](x, *p) for k, p, x in zip(self.kinds, self.parameters, spend, strict=True)]
        )


def points_value(x, knots, heights):
    return np.interp(x, knots, heights)


VALUE = {
    "exponential": lambda x, top, scale: top * (1 - np.exp(-x / scale)),
    "hill": lambda x, top, half, s: top * x**s / (half**s + x**s),
    "hill-1": lambda x, top, half, s: top * x / (half + x),
    "log": lambda x, top, scale: top * np.log1p(x / scale),
    "power": lambda x, top, scale, p: top * (x / scale) ** p,
    "logistic": lambda x, top, scale: top * np.tanh(x / scale / 2),
    "points": points_value,
}
SLOPE = {
    "exponential": lambda x, top, scale: top / scale * np.exp(-x / scale),
    "hill": lambda x, top, half, s: (
        top * s * half**s * x ** (s - 1) / (half**s + x**s) ** 2 if x > 0 else top * np.inf
    ),
    "hill-1": lambda x, top, half, s: top * half / (half + x) ** 2,
    "log": lambda x, top, scale: top / (scale + x),
    "power": lambda x, top, scale, p: (
        top * p / scale * (x / scale) ** (p - 1) if x > 0 else top * np.inf
    ),
    "logistic": lambda x, top, scale: top / (2 * scale) / np.cosh(min(x / scale / 2, 350)) ** 2,
}
MAKE = {
    "exponential": Exponential,
    "hill": Hill,
    "hill-1": Hill,
    "log": Log,
    "power": Power,
    "logistic": Logistic,
    "points": Points,
}


def random_parameters(rng, kind, typical, worth):
    """Return a curve's parameters near a typical spend and a typical outcome."""
    top, scale = worth * np.exp(rng.normal(0, 1)), typical * np.exp(rng.normal(0, 1))
    if kind == "hill":
        return top, scale, rng.uniform(0.2, 0.99)
    if kind == "hill-1":
        return top, scale, 1.0
    if kind == "power":
        return top, scale, rng.uniform(0.1, 0.9)
    if kind == "points":
        steps = np.sort(rng.uniform(0.1, 1, rng.integers(1, 7)))
        knots = np.concatenate([[0.0], np.cumsum(scale * steps)])
        slopes = np.sort(rng.uniform(0.05, 1, steps.size))[::-1] * top / scale
        return knots, np.concatenate([[0.0], np.cumsum(slopes * np.diff(knots))])
    return top, scale


def random_case(seed, channels, kinds=KINDS, bounds=True):
    """Return a feasible problem whose budget is scarce or not, in random units."""
    rng = np.random.default_rng([seed, channels, len(kinds)])
    budget = 10.0 ** rng.uniform(0, 7)
    worth, typical = 10.0 ** rng.uniform(-3, 7), budget / channels
    chosen = tuple(str(kind) for kind in rng.choice(kinds, channels))
    parameters = tuple(random_parameters(rng, kind, typical, worth) for kind in chosen)
    lower, upper = np.zeros(channels), np.full(channels, budget)
    if bounds:
        floored, capped = rng.random((2, channels)) < 0.3
        lower = np.where(floored, typical * rng.uniform(0, 0.9, channels), 0.0)
        upper = np.where(capped, lower + typical * rng.uniform(0, 2, channels), budget)
        locked = rng.random(channels) < 0.1
        upper = np.where(locked, lower, upper)
    curves = stack([MAKE[k](*p) for k, p in zip(chosen, parameters, strict=True)])
    return Case(curves, chosen, parameters, lower, np.maximum(lower, upper), budget)


def dual_bound(case, price):
    """Return an upper bound of the outcome at any price, each channel's best by bisection."""
    total, room = price * case.budget, max(0.0, case.budget - case.lower.sum())
    # No channel can take more than all the room that the lower bounds leave.
    most = np.minimum(case.upper, case.lower + room)
    for kind, parameters, low, high in zip(
        case.kinds, case.parameters, case.lower, most, strict=True
    ):
        if kind == "points":
            knots = np.array([low, high, *(k for k in parameters[0] if low < k < high)])
            best = np.max(VALUE[kind](knots, *parameters) - price * knots)
        else:
            x = best_spend(SLOPE[kind], parameters, price, low, high)
            best = VALUE[kind](x, *parameters) - price * x
        total += best
    return total


def best_spend(slope, parameters, price, low, high):
    """Return the spend within bounds at which a falling slope meets a price, by bisection."""
    if slope(high, *parameters) >= price:
        return high
    if slope(low, *parameters) <= price:
        return low
    for _ in range(2000):
        middle = 0.5 * (low + high)
        if middle in (low, high):
            break
        low, high = (middle, high) if slope(middle, *parameters) > price else (low, middle)
    return low
