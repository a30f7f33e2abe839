"""The way from one split to another, and how far to go on it."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from budgetopt.policies.base import Floats

Verdict = NDArray[np.bool_]

_EVEN = 8
"""Even parts of the way that are tried first."""
_HALVINGS = 4
"""Halvings of the distance after that: the best part is found to 1/128 of the way."""
_ROUNDS = 20
"""Halvings of the way to the last part that is let through: a millionth."""


def along(start: Floats, end: Floats, part: Floats) -> Floats:
    """Return splits part of the way from one to another, the ends to the last digit.

    Parameters
    ----------
    start, end
        Money, shape ``(channels,)`` or ``(runs, channels)``.
    part
        From 0 to 1, shape ``()`` or ``(runs,)``.
    """
    share = np.asarray(part)[..., None]
    return np.asarray(np.where(share == 1.0, end, start + share * (end - start)))


def best_part(worth: Callable[[Floats], Floats], start: Floats) -> Floats:
    """Return the part of the way that is worth most, 0 where none is worth more than nothing.

    Parameters
    ----------
    worth
        What a part of the way is worth, 0 at no part; shapes ``()`` or ``(runs,)``. It rises to
        one peak, as the difference of a concave and a convex function does.
    start
        Any array of the answer's shape.
    """
    part, best = np.zeros(start.shape), np.zeros(start.shape)
    width = 1.0 / _EVEN
    tried = [np.full(start.shape, (at + 1) * width) for at in range(_EVEN)]
    for turn in range(_HALVINGS + 1):
        for one in tried:
            value = worth(one)
            better = value > best
            part, best = np.where(better, one, part), np.where(better, value, best)
        step = width / 2.0 ** (turn + 1)
        tried = [np.clip(part + side, 0.0, 1.0) for side in (-step, step)]
    return part


def last_part(passes: Callable[[Floats], Verdict], start: Floats) -> Floats:
    """Return how far to go so that a condition that holds at no part still holds.

    Parameters
    ----------
    passes
        Whether a part of the way keeps the condition; shapes ``()`` or ``(runs,)``.
    start
        Any array of the answer's shape.
    """
    far = np.ones(start.shape)
    whole = passes(far)
    if np.all(whole):
        return far
    near = np.zeros(start.shape)
    for _ in range(_ROUNDS):
        middle = 0.5 * (near + far)
        good = passes(middle)
        near, far = np.where(good, middle, near), np.where(good, far, middle)
    return np.where(whole, 1.0, near)
