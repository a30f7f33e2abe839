"""Fixed choices made into the best split they allow, on the true curves."""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from budgetopt.errors import InfeasibleError, SolverError
from budgetopt.optimize.programs.linear import Clock, climb, grid_around, worth_of
from budgetopt.optimize.programs.options import FREE, OFF, STAY, Options, Scene

Floats = NDArray[np.float64]
Places = NDArray[np.intp]

_KEPT = 1e-9
"""Share of a row's size that a split may break it by."""
_HAIR = 1e-3
"""Minor units from an end of its amounts at which a spend is put on the end."""
_SAMPLES = 64
"""Pieces in which a curve is looked at for where it bends downwards."""


class Split(NamedTuple):
    """A split that keeps everything, and the prices of the rows at its choices.

    Parameters
    ----------
    spend
        Money by channel, shape ``(channels,)``.
    prices
        Price of each row with the choices fixed, shape ``(rows,)``.
    worth
        The objective.
    """

    spend: Floats
    prices: Floats
    worth: float


def snapped(scene: Scene, options: Options, kind: Places, spend: Floats) -> Floats:
    """Return spends as their kinds of option allow them: on lots, between the ends."""
    low, high = scene.ends(options)
    lot = np.maximum(scene.lot, 1)
    whole = np.round(spend * scene.units / lot).astype(np.int64) * lot
    whole = np.clip(whole, options.low, np.maximum(options.low, options.high))
    near = np.where(spend < low + _HAIR / scene.units, low, np.minimum(spend, high))
    near = np.where(near > high - _HAIR / scene.units, high, near)
    free = np.where(scene.lot > 0, whole / scene.units, near)
    return np.select([kind == OFF, kind == STAY], [np.zeros_like(free), scene.field.last], free)


def box_of(scene: Scene, options: Options, kind: Places, spend: Floats) -> tuple[Floats, Floats]:
    """Return the bounds that choices leave: equal but for free amounts off lots."""
    low, high = scene.ends(options)
    fixed = snapped(scene, options, kind, spend)
    loose = (kind == FREE) & (scene.lot == 0)
    lower, upper = np.where(loose, low, fixed), np.where(loose, high, fixed)
    if scene.concave:
        return lower, upper
    return _concave_around(scene, fixed, lower, upper)


def polish(
    scene: Scene,
    options: Options,
    kind: Places,
    start: Floats,
    box: tuple[Floats, Floats],
    left: Clock,
) -> Split | None:
    """Return the best split of fixed choices within bounds, or None where the rows refuse it."""
    flags = scene.flags(options, kind, np.arange(kind.size))
    counted = scene.rows.on @ flags.on + scene.rows.moves @ flags.moves
    rows = replace(scene.plain, room=scene.rows.room - counted)
    field = scene.field._replace(lower=box[0], upper=box[1], least_on=np.zeros_like(start))
    try:
        end = climb(field, rows, grid_around(field, np.clip(start, *box)), left)
    except (InfeasibleError, SolverError):
        return None
    if not _keeps(scene, end.spend):
        return None
    return Split(end.spend, end.prices, worth_of(scene.field, end.spend))


def _concave_around(
    scene: Scene, spend: Floats, lower: Floats, upper: Floats
) -> tuple[Floats, Floats]:
    """Return bounds around a split within which samples of the curves bend downwards only."""
    count = _SAMPLES
    grid = lower + np.linspace(0.0, 1.0, count + 1)[:, None] * (upper - lower)
    rises = np.diff(scene.field.curves.value(grid), axis=0)
    down = rises[1:] <= rises[:-1] * (1.0 + 1e-9)
    width = np.where(upper > lower, (upper - lower) / count, 1.0)
    cell = np.clip(np.floor((spend - lower) / width).astype(np.intp), 0, count - 1)
    low, high = spend.copy(), spend.copy()
    for at in np.flatnonzero(upper > lower).tolist():
        first = last = int(cell[at])
        while first > 0 and down[first - 1, at]:
            first -= 1
        while last < count - 1 and down[last, at]:
            last += 1
        if last > first:
            low[at], high[at] = grid[first, at], grid[last + 1, at]
    return low, high


def _keeps(scene: Scene, spend: Floats) -> bool:
    """Return whether a split keeps all rows, on the true curves."""
    used = scene.rows.used(spend, scene.field.curves.value(spend), scene.field.last)
    size = abs(scene.rows.money) @ spend + np.abs(scene.rows.room)
    return bool(np.all(used <= scene.rows.room + _KEPT * np.maximum(size, 1e-300)))
