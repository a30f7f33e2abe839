"""What a mix of points says by channel, and the points that a next mix should have besides."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from budgetopt.optimize.programs.choose import Mix, Points, total
from budgetopt.optimize.programs.menu import worth_and_uses
from budgetopt.optimize.programs.options import FREE, Options, Reply, Scene

Floats = NDArray[np.float64]

_BETWEEN = np.array([0.0, 0.15, 0.35, 0.6, 0.85, 1.0, 1.3])[:, None]
"""Parts of the way from a mix to the replies to its prices that are points of the next menu."""


def masses(points: Points, mix: Mix, size: int) -> Floats:
    """Return the part that each kind of option has in each channel's mix, ``(3, channels)``."""
    mass = np.zeros((3, size))
    np.add.at(mass, (points.kind, points.channel), mix.share)
    return mass


def free_amounts(points: Points, mix: Mix, size: int) -> Floats:
    """Return the mean of each channel's free amounts in its mix; their mean where it has none."""
    share = np.where(points.kind == FREE, mix.share[: points.kind.size] + 1e-12, 0.0)
    weight = total(points.channel, share, size)
    spend = total(points.channel, share * points.spend, size)
    return np.divide(spend, weight, out=np.zeros(size), where=weight > 0)


def amounts_of(points: Points, size: int) -> Floats:
    """Return free amounts by channel, shape ``(most, channels)``, zeros where there are fewer."""
    free = points.kind == FREE
    channel, spend = points.channel[free], points.spend[free]
    counts = np.bincount(channel, minlength=size)
    first = np.cumsum(counts) - counts
    table = np.zeros((max(1, int(counts.max(initial=0))), size))
    row = np.arange(spend.size) - first[channel]
    table[row, channel] = spend
    return table


def renewed(points: Points, mix: Mix, reply: Reply, size: int) -> Floats:
    """Return all amounts with the replies, and some between the replies and the mixed ones."""
    spend = free_amounts(points, mix, size)
    wished = np.where(reply.kind == FREE, reply.spend, spend)
    between = spend + _BETWEEN * (wished - spend)
    return np.vstack([amounts_of(points, size), np.maximum(between, 0.0)])


def excess(scene: Scene, options: Options, points: Points, mix: Mix, reply: Reply) -> float:
    """Return by how much replies are worth more than the mixed points, at the same prices."""
    menu = scene.flags(options, points.kind, points.channel)._replace(spend=points.spend)
    worth, uses = worth_and_uses(scene.field, scene.rows, menu)
    return float(reply.worth.sum() - mix.share @ (worth - uses.T @ mix.prices))
