"""Curves of the book in floating point, for solvers; `checker` has them exactly."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Curve = Mapping[str, Any]

NONE: Curve = {"kind": "linear", "slope": 0}


def number(curve: Curve, name: str) -> Any:
    """Return a parameter as a float, or as it is where it is an array over channels."""
    given = curve[name]
    if isinstance(given, np.ndarray):
        return given
    if isinstance(given, str):
        top, _, bottom = given.partition("/")
        return float(top) / float(bottom or 1)
    return float(given)


def value(curve: Curve, spend: Floats) -> Floats:
    """Return what a curve gives."""
    kind = curve["kind"]
    if kind == "linear":
        return number(curve, "slope") * spend
    if kind == "points":
        return np.interp(spend, *(np.array(curve[part], dtype=float) for part in ("at", "value")))
    top, z = number(curve, "top"), spend / number(curve, "half" if kind == "hill" else "scale")
    if kind == "exponential":
        return -top * np.expm1(-z)
    if kind == "log":
        return top * np.log1p(z)
    if kind == "power":
        return top * z ** number(curve, "exponent")
    power = z ** number(curve, "shape")
    return top * power / (1 + power)


def slope(curve: Curve, spend: Floats) -> Floats:
    """Return the derivative; where it is infinite, that of a hair more."""
    kind = curve["kind"]
    if kind == "linear":
        return number(curve, "slope") + 0 * spend
    if kind == "points":
        at, height = (np.array(curve[part], dtype=float) for part in ("at", "value"))
        place = np.searchsorted(at, spend, side="right") - 1
        steep = np.append(np.diff(height) / np.diff(at), 0.0)
        return steep[np.clip(place, 0, steep.size - 1)]
    top, scale = number(curve, "top"), number(curve, "half" if kind == "hill" else "scale")
    z = np.maximum(spend / scale, 1e-12)
    if kind == "exponential":
        return top / scale * np.exp(-z)
    if kind == "log":
        return top / scale / (1 + z)
    if kind == "power":
        exponent = number(curve, "exponent")
        return top * exponent / scale * z ** (exponent - 1)
    shape = number(curve, "shape")
    power = z**shape
    return top * shape * power / z / scale / (1 + power) ** 2


def stacked(curves: list[Curve]) -> list[tuple[Curve, NDArray[np.intp]]]:
    """Return curves of one kind together, each with the places of its channels."""
    kinds: dict[Any, list[int]] = {}
    for at, curve in enumerate(curves):
        kinds.setdefault((curve["kind"], at if curve["kind"] == "points" else -1), []).append(at)
    found = []
    for (kind, single), places in kinds.items():
        first = curves[places[0]]
        if single < 0:
            parts = [name for name in first if name != "kind"]
            first = {n: np.array([number(curves[at], n) for at in places]) for n in parts}
        found.append((first | {"kind": kind}, np.array(places)))
    return found


def bends_up(curve: Curve) -> bool:
    """Return whether a curve is not concave."""
    if curve["kind"] == "points":
        at, height = (np.array(curve[part], dtype=float) for part in ("at", "value"))
        steep = np.diff(height) / np.diff(at)
        return bool(np.any(np.diff(steep) > 1e-6 * np.abs(steep).max()))
    return curve["kind"] == "hill" and number(curve, "shape") > 1
