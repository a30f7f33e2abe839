"""How far an answer can be from the best: upper bounds by weak duality, from the true curves.

- `lagrangian_bound` needs one price, of the budget, and serves many runs at once.
- `priced` needs a price of every row, and returns the spends that are best at those prices too.
- `best_worth` bounds each channel alone within any bounds, for searches on whole steps.

Every bound holds for any prices that are not negative, however they were found; good prices make it
tight. Curves that are not concave count by their concave envelope: the bound stays right, and is
reached only where no channel sits between the ends of a chord.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from budgetopt.arrays import Floats
from budgetopt.curves import Curve
from budgetopt.optimize.problem import Problem, Rows
from budgetopt.optimize.waterfill import quick


def lagrangian_bound(
    curves: Curve, lower: ArrayLike, upper: ArrayLike, budget: ArrayLike, price: ArrayLike
) -> NDArray[np.float64]:
    r"""Return an upper bound on every split's outcome, valid for any price.

    :math:`\sum_i \max_{l_i \le x \le u_i} (f_i(x) - \lambda x) + \lambda B`, where the maximum of a
    concave :math:`f_i` lies at its spend at slope :math:`\lambda`, clipped to the bounds.

    Parameters
    ----------
    curves
        Concave curves over the channels; points that fall short of concave count by their
        concave envelope.
    lower, upper
        Money, shape ``(channels,)`` or ``(runs, channels)``.
    budget, price
        Money and outcome per unit of money, shape ``()`` or ``(runs,)``.

    Returns
    -------
    ndarray
        Shape of `price`.

    Notes
    -----
    Weak duality (Boyd and Vandenberghe 2004, section 5.1.3): it needs no trust in how the price
    was found. It is tight at the optimal price.
    """
    rate, money = np.asarray(price, dtype=np.float64), np.asarray(budget, dtype=np.float64)
    low = np.asarray(lower, dtype=np.float64)
    room = np.maximum(money - low.sum(axis=-1), 0.0)[..., None]
    high = np.minimum(upper, low + room)
    spend = quick(curves, low, high, money).spend_at_slope(rate[..., None])
    spend = np.clip(spend, low, high)
    left = money - spend.sum(axis=-1)
    # No money left is worth nothing, even at the infinite price of an infinite slope.
    worth = np.multiply(rate, left, where=left != 0, out=np.zeros(np.shape(left)))
    return np.asarray(curves.envelope(spend).sum(axis=-1) + worth)


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


def best_worth(problem: Problem, prices: Floats, lower: Floats, upper: Floats) -> Floats:
    r"""Return what no spend between two ends is worth more than at prices of the rows, by channel.

    A channel's part of the bound of `priced`, from above: where a row that counts has a price below
    zero, the count is given for nothing.

    Parameters
    ----------
    problem
        The channels and rows.
    prices
        At least 0, shape ``(rows,)``.
    lower, upper
        Money, shape ``(channels,)``.
    """
    rows, last = problem.rows, problem.last_money
    weight = problem.weight + rows.outcome.T @ prices
    cost, drag = problem.cost + rows.money.T @ prices, rows.moved.T @ prices
    worth = _best(problem.curves, weight, cost, drag, lower, upper, last)[1]
    counted = np.minimum(rows.on.T @ prices, 0.0) + np.minimum(rows.moves.T @ prices, 0.0)
    most: Floats = worth - counted
    return most


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
