r"""Seeded random problems of any size whose answer is known before anyone solves them.

A price of the budget (and of groups) is chosen first, and amounts; then curves are made such that
at these prices no channel could do better than its amount. By Everett's theorem (1963) the amounts
are then optimal among all that use as much, and the prices are the proof, which `checker` checks.
Problems made so have no duality gap, which those of the book may have.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np

from . import checker
from .prove import written

WITHIN = Fraction(1, 10**11)
"""Tops are decimals of 17 digits, so slopes meet the price to that."""


def _problem(
    name: str, channels: list[dict[str, Any]], amounts: list[Fraction], price: Fraction
) -> dict[str, Any]:
    names = [channel["name"] for channel in channels]
    split = dict(zip(names, amounts, strict=True))
    problem = {
        "name": name,
        "title": "Seeded",
        "source": {"text": "Made for this book, planted by its prices"},
        "goal": {"sense": "maximise", "outcomes": 1},
        "channels": channels,
        "limits": [{"name": "budget", "amounts": dict.fromkeys(names, 1), "at_most": sum(amounts)}],
        "answer": {"split": split, "within": WITHIN, "published": None},
        "proof": {"prices": {"budget": written(price)}},
    }
    problem["answer"]["value"] = checker.reached(problem, split).low
    return problem


def _cents(number: float) -> Fraction:
    return Fraction(round(100 * number), 100)


def _decimal(number: float) -> Fraction:
    return Fraction(repr(float(number)))


def concave(size: int, seed: int) -> dict[str, Any]:
    """Return Hill, exponential and logarithmic curves; one in five at its cap, one at its floor."""
    rng = np.random.default_rng(seed)
    price = _decimal(round(rng.uniform(0.5, 2), 3))
    channels, amounts = [], []
    for k in range(size):
        x, scale = _cents(rng.lognormal(4.6, 0.6)), _decimal(round(rng.lognormal(4.6, 0.6), 2))
        kind = ("hill", "exponential", "log")[k % 3]
        curve = {"kind": kind, "top": Fraction(1), "half" if kind == "hill" else "scale": scale}
        if kind == "hill":
            curve["shape"] = _decimal(round(rng.uniform(0.6, 1), 3))
        steep = float(price) / float(checker.slope(curve, x).low)
        least, most = Fraction(0), 4 * x
        if k % 5 == 3:
            least, steep = x, steep * rng.uniform(0.3, 0.9)
        elif k % 5 == 4:
            most, steep = x, steep * rng.uniform(1.1, 3)
        curve["top"] = _decimal(steep)
        channels.append({"name": f"channel {k}", "least": least, "most": most, "curve": curve})
        amounts.append(x)
    return _problem(f"concave {size}, seed {seed}", channels, amounts, price)


def s_shaped(size: int, seed: int) -> dict[str, Any]:
    """Return Hill curves of shape 2 to 4, a third of them not worth switching on.

    A channel is worth it beyond the point where the line from zero touches its curve,
    ``half (shape - 1)**(1/shape)``.
    """
    rng = np.random.default_rng(seed)
    price = _decimal(round(rng.uniform(0.5, 2), 3))
    channels, amounts = [], []
    for k in range(size):
        half, shape = round(rng.lognormal(4.6, 0.5), 2), round(rng.uniform(2, 4), 2)
        touch = half * (shape - 1) ** (1 / shape)
        x = _cents(touch * rng.uniform(1.05, 1.8))
        curve = {
            "kind": "hill",
            "top": Fraction(1),
            "half": _decimal(half),
            "shape": _decimal(shape),
        }
        top = float(price) / float(checker.slope(curve, x).low)
        if k % 3 == 2:
            steepest = float(checker.value(curve, _cents(touch)).low) / touch
            top, x = float(price) / steepest * rng.uniform(0.5, 0.95), Fraction(0)
        curve["top"] = _decimal(top)
        channels.append({"name": f"channel {k}", "most": _cents(6 * half), "curve": curve})
        amounts.append(x)
    return _problem(f"s-shaped {size}, seed {seed}", channels, amounts, price)


def minimum(size: int, seed: int) -> dict[str, Any]:
    """Return concave curves that are off or get at least so much: at it, above it, or off."""
    rng = np.random.default_rng(seed)
    price = _decimal(round(rng.uniform(0.5, 2), 3))
    channels, amounts = [], []
    for k in range(size):
        half, least = round(rng.lognormal(4.6, 0.5), 2), _cents(rng.uniform(40, 120))
        x = least * _decimal(round(rng.uniform(1.2, 3), 2)) if k % 3 == 0 else least
        x = _cents(float(x))
        curve = {"kind": "hill", "top": Fraction(1), "half": _decimal(half), "shape": Fraction(1)}
        steep, mean = float(checker.slope(curve, x).low), float(checker.value(curve, x).low / x)
        top = float(price) / steep
        if k % 3 == 1:  # worth its minimum, and not a cent more
            top = float(price) / (mean + rng.uniform(0.1, 0.9) * (steep - mean))
        elif k % 3 == 2:
            top, x = float(price) / mean * rng.uniform(0.5, 0.95), Fraction(0)
        curve["top"] = _decimal(top)
        channels.append({"name": f"channel {k}", "most": _cents(1000.0),
                         "off_or_at_least": least, "curve": curve})  # fmt: skip
        amounts.append(x)
    return _problem(f"min-or-zero {size}, seed {seed}", channels, amounts, price)


def whole(size: int, seed: int) -> dict[str, Any]:
    """Return lots whose gains fall past the price after the planted number of them."""
    rng = np.random.default_rng(seed)
    price = _decimal(round(rng.uniform(0.5, 2), 3))
    channels, amounts = [], []
    for k in range(size):
        lot, lots, most = Fraction(int(rng.choice([5, 10, 25, 50]))), int(rng.integers(0, 6)), 8
        gains = (
            np.sort(rng.uniform(1.05, 2, lots))[::-1],
            np.sort(rng.uniform(0.2, 0.95, most - lots))[::-1],
        )
        each = [_decimal(round(g, 4)) * price * lot for g in np.concatenate(gains)]
        heights = [sum(each[:n], Fraction(0)) for n in range(most + 1)]
        curve = {"kind": "points", "at": [n * lot for n in range(most + 1)], "value": heights}
        channels.append({"name": f"channel {k}", "most": most * lot, "step": lot, "curve": curve})
        amounts.append(lots * lot)
    return _problem(f"whole {size}, seed {seed}", channels, amounts, price)


FAMILIES: dict[str, Callable[[int, int], dict[str, Any]]] = {
    "concave": concave,
    "s-shaped": s_shaped,
    "min-or-zero": minimum,
    "whole": whole,
}
