r"""Curves stretched in outcome and in money, :math:`h\,f(x/w)`, as curves of their own family.

`Scaled` says the same of any curve. The optimizer knows more about families: where an S-curve
bends, and that cells are shared.
"""

from __future__ import annotations

from dataclasses import fields, is_dataclass, replace
from typing import Any

import numpy as np

from budgetopt.curves import Curve, Mixture, Points, Stack
from budgetopt.curves.base import Floats
from budgetopt.market import Scaled

_OUTCOME = ("top", "outcome")
_MONEY = ("scale", "half", "spend")


def stretched(curve: Curve, height: Floats, width: Floats) -> Curve:
    """Return curves over the channels times a height, of money over a width.

    Parameters
    ----------
    curve
        Curves over the channels.
    height, width
        At least 0, and above 0, shape ``(channels,)``.
    """
    if isinstance(curve, Scaled):
        return stretched(curve.curve, height * curve.height, width * curve.width)
    if isinstance(curve, Stack):
        parts = [(at, stretched(part, height[at], width[at])) for at, part in curve.parts]
        return Stack(tuple(parts))
    if isinstance(curve, Mixture):
        return _mixture(curve, height, width)
    own: set[str] = {f.name for f in fields(curve)} if is_dataclass(curve) else set()
    outcome, money = (own.intersection(names) for names in (_OUTCOME, _MONEY))
    if len(outcome) != 1 or len(money) != 1:
        return Scaled(curve, height, width)
    tall, wide = (a[:, None] if isinstance(curve, Points) else a for a in (height, width))
    name, other = outcome.pop(), money.pop()
    changed: dict[str, Any] = {
        name: np.asarray(getattr(curve, name)) * tall,
        other: np.asarray(getattr(curve, other)) * wide,
    }
    return replace(curve, **changed)  # type: ignore[type-var] # a dataclass, as was asked


def _mixture(curve: Mixture, height: Floats, width: Floats) -> Curve:
    """Return a mixture of cells that are stretched to each width there is."""
    size, weights = height.size, np.asarray(curve.weights)
    count = weights.shape[-1]
    single = np.ndim(curve.cells.value(np.zeros(count))) == 1
    if weights.ndim > 2 or not single:
        return Scaled(curve, height, width)
    tall = np.broadcast_to(weights, (size, count)) * height[:, None]
    widths, which = np.unique(width, return_inverse=True)
    if widths.size == 1:
        return Mixture(stretched(curve.cells, np.ones(count), np.full(count, widths[0])), tall)
    parts, spread = [], np.zeros((size, widths.size, count))
    spread[np.arange(size), which] = tall
    for at, one in enumerate(widths):
        cells = stretched(curve.cells, np.ones(count), np.full(count, one))
        inner = cells.parts if isinstance(cells, Stack) else ((np.arange(count), cells),)
        parts += [(places + at * count, part) for places, part in inner]
    return Mixture(Stack(tuple(parts)), spread.reshape(size, -1))
