"""From a split that is good to the root of its gap to one that is good to the last digit."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from budgetopt.optimize.branch.envelope import Envelope
from budgetopt.optimize.branch.relaxed import Relaxed
from budgetopt.optimize.lagrangian import Field
from budgetopt.optimize.rows import Rows

Floats = NDArray[np.float64]

_ROUNDS = 12
"""From nearby Newton's method needs some four rounds, or finds nothing."""
_PRICED = 1e-9
"""Share of the greatest price, in rows' own terms, from which on a row counts as binding."""
_MET = 1e-13
"""Share of a row that may be left or overused."""


def sharpened(envelope: Envelope, field: Field, rows: Rows, found: Relaxed) -> Relaxed | None:
    r"""Solve for the prices at which the rows that bind are used up exactly.

    Every channel takes what its slope asks for at prices :math:`\pi`, so that the binding rows are
    as many equations in as many prices, :math:`g(x(\pi)) = room`; their derivative is
    :math:`-G D G^T` with G what a unit of money uses and D what a channel gives.

    Parameters
    ----------
    envelope
        Concave branches.
    field, rows
        The channels and their rows.
    found
        A split and prices nearby.

    Returns
    -------
    Relaxed or None
        Its bound is that of `found`. None where the rows are not met, as on straight pieces.
    """
    size = np.maximum(np.abs(rows.room), abs(rows.money) @ found.spend + rows.moved @ found.spend)
    binds = np.flatnonzero(found.prices * size > _PRICED * np.max(found.prices * size, initial=0))
    if not binds.size:
        return None
    money, moved, outcome = (
        part[binds].toarray() for part in (rows.money, rows.moved, rows.outcome)
    )
    side = np.sign(found.spend - field.last)
    still = (moved.sum(axis=0) > 0) & (np.abs(found.spend - field.last) <= 1e-6 * found.spend)
    used, prices = money + moved * side, found.prices[binds]
    lower, upper = envelope.span.lower, envelope.span.upper
    for _ in range(_ROUNDS):
        rate = (field.cost + prices @ used) / (field.weight + prices @ outcome)
        spend = np.clip(envelope.spend_at_slope(np.maximum(rate, 0.0)), lower, upper)
        spend = np.where(still, field.last, np.where(rate < 0, upper, spend))
        value = envelope.value(spend)
        miss = money @ spend + moved @ np.abs(spend - field.last) - outcome @ value
        miss = miss - rows.room[binds]
        if np.max(np.abs(miss) / np.maximum(size[binds], 1e-300)) <= _MET:
            every = np.zeros(rows.size)
            every[binds] = prices
            return Relaxed(found.bound, spend, every)
        free = (spend > lower) & (spend < upper) & ~still
        gives = np.where(free, envelope.slope_decay(spend), 0.0)
        gives = gives / (rate * (field.weight + prices @ outcome))
        gives = np.where(np.isfinite(gives), gives, 0.0)
        effect = used - outcome * np.where(free, rate, 0.0)
        if not np.all(np.isfinite(effect)) or not np.all(np.isfinite(miss)):
            return None
        step, *_ = np.linalg.lstsq((effect * gives) @ effect.T, miss, rcond=1e-14)
        prices = np.maximum(prices + step, 0.5 * prices)
    return None
