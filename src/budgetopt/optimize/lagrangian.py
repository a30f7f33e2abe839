"""The Lagrangian of a problem: for any prices of its rows a proven bound, and its spends."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from budgetopt.curves import Curve
from budgetopt.optimize.rows import Rows

if TYPE_CHECKING:
    from budgetopt.optimize.problem import Problem

Floats = NDArray[np.float64]


class Priced(NamedTuple):
    """What every channel does at given prices.

    Parameters
    ----------
    bound
        No split within the limits has a better objective.
    spend
        Money by channel that attains the bound's terms, shape ``(channels,)``.
    """

    bound: float
    spend: Floats


class Field(NamedTuple):
    """The channels of a problem in floats, without its rows.

    Parameters
    ----------
    curves
        Curves over the channels.
    weight, cost
        Objective ``Σ weight f(x) - cost x``, shape ``(channels,)``.
    lower, upper
        Money, shape ``(channels,)``.
    least_on
        Where above 0, the channel is at 0 or between this and `upper`.
    last
        Last applied money, shape ``(channels,)``, zeros where there is none.
    """

    curves: Curve
    weight: Floats
    cost: Floats
    lower: Floats
    upper: Floats
    least_on: Floats
    last: Floats


def field_of(problem: Problem) -> Field:
    """Return the channels of a problem in floats."""
    return Field(
        problem.curves,
        problem.weight,
        problem.cost,
        problem.lower,
        problem.upper,
        problem.least_on / problem.money.units,
        problem.last_money,
    )


def priced(field: Field, rows: Rows, prices: Floats) -> Priced:
    r"""Return an upper bound on the objective of every split, valid for any prices of at least 0.

    .. math::
        \sum_i \max_{x \in D_i} \{ (w_i + P_i^T\pi) f_i(x) - (b_i + A_i^T\pi) x - M_i^T\pi |x - l_i|
        - O_i^T\pi [x>0] - C_i^T\pi [x \ne l_i] \} + \pi^T room

    Each channel's maximum is found on its own, left and right of its last spend, at zero where it
    may be off, and at the last spend itself.

    Parameters
    ----------
    field
        The channels.
    rows
        The rows, budget included.
    prices
        At least 0, shape ``(rows,)``.

    Notes
    -----
    Weak duality (Boyd and Vandenberghe 2004, section 5.1.3). For concave curves and rows without
    counts it is tight at the right prices; S-curves, minimums and counts leave a gap that
    branching closes.
    """
    weight = field.weight + rows.outcome.T @ prices
    cost = field.cost + rows.money.T @ prices
    drag = rows.moved.T @ prices
    on, moves = rows.on.T @ prices, rows.moves.T @ prices
    low = np.maximum(field.lower, field.least_on)
    spend, best = _best(field.curves, weight, cost, drag, low, field.upper, field.last)
    best = best - on * (spend > 0) - moves * (spend != field.last)
    points = []
    if np.any(field.least_on > 0) or np.any(on != 0):
        points.append((np.zeros_like(low), field.lower <= 0))
    if np.any(moves != 0):
        off = (field.last == 0) & (field.lower <= 0)
        inside = (field.last >= low) | off
        points.append((field.last, inside & (field.last <= field.upper)))
    for point, allowed in points:
        worth = weight * field.curves.value(point) - cost * point
        worth = worth - drag * np.abs(point - field.last)
        worth = worth - on * (point > 0) - moves * (point != field.last)
        better = allowed & (worth > best)
        spend, best = np.where(better, point, spend), np.where(better, worth, best)
    return Priced(float(best.sum() + prices @ rows.room), spend)


def _best(
    curves: Curve,
    weight: Floats,
    cost: Floats,
    drag: Floats,
    lower: Floats,
    upper: Floats,
    last: Floats,
) -> tuple[Floats, Floats]:
    """Return where ``weight f(x) - cost x - drag |x - last|`` is greatest, and how much."""
    if not np.any(drag):
        return _conjugate(curves, weight, cost, lower, upper)
    hinge = np.clip(last, lower, upper)
    # Right of the last spend a move up costs its drag, left of it a move down does.
    up, worth_up = _conjugate(curves, weight, cost + drag, hinge, upper)
    down, worth_down = _conjugate(curves, weight, cost - drag, lower, hinge)
    worth_up = worth_up + drag * last
    worth_down = worth_down - drag * last
    # A last spend outside the bounds leaves one side only.
    better = ((worth_up >= worth_down) | (last < lower)) & (last <= upper)
    return np.where(better, up, down), np.where(better, worth_up, worth_down)


def _conjugate(
    curves: Curve, weight: Floats, cost: Floats, lower: Floats, upper: Floats
) -> tuple[Floats, Floats]:
    """Return where ``weight f(x) - cost x`` is greatest in bounds, and how much."""
    with np.errstate(divide="ignore", invalid="ignore"):
        price = np.where(weight > 0, cost / weight, np.inf)
    spend, worth = curves.conjugate(np.where(np.isfinite(price), price, 1.0), lower, upper)
    linear = np.where(cost >= 0, lower, upper)
    flat = weight <= 0
    return (
        np.where(flat, linear, spend),
        np.where(flat, -cost * linear, weight * worth),
    )
