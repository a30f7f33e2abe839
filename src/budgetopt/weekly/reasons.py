"""Why each channel's money moves or stays, from the numbers of the decision."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

import numpy as np

from budgetopt.curves import Curve
from budgetopt.optimize import Allocation, Problem
from budgetopt.policies.base import Floats
from budgetopt.weekly.move import Move

ENDS = (0.05, 0.95)
"""Quantiles between which the range of an outcome lies, as in `Spread`."""


def moves_of(
    allocation: Allocation,
    last: Mapping[str, Decimal],
    problem: Problem,
    prices: Floats,
    held: Mapping[str, str] | None = None,
    drawn: Curve | None = None,
) -> tuple[Move, ...]:
    """Return one move a channel, with what its reason is made of.

    Parameters
    ----------
    allocation
        The split.
    last
        Last applied money by channel; a channel without is new.
    problem
        The week, with the expected curves over the allocation's channels.
    prices
        Prices of the problem's rows at its best split, the budget first.
    held
        Why a guard holds the channels that it holds, by name.
    drawn
        Curves drawn from the belief, draws before the channels, for the range of what moves bring.
    """
    held = held or {}
    names = list(allocation.spend)
    before = np.array([float(last.get(n, 0)) for n in names])
    after = np.array([float(allocation.spend[n]) for n in names])
    worth = np.abs(problem.curves.value(after) - problem.curves.value(before))
    low, high = _range(drawn, before, after)
    # Where nothing may be spent the price can be infinite, and says nothing of money that moves.
    price = _outcome_price(problem, np.where(np.isfinite(prices), prices, 0.0))
    elsewhere = price * np.abs(after - before)
    limits, spare = dict(allocation.limits()), not prices[0]
    moves = []
    for at, name in enumerate(names):
        was, now = last.get(name), allocation.spend[name]
        here, there = float(worth[at]), float(elsewhere[at])
        why = held.get(name, "") if now == was else ""
        limit, ends = limits.get(name, ""), (low[at], high[at])
        moves.append(Move(name, was, now, here, there, limit, why, spare, *ends))
    return tuple(moves)


def _range(drawn: Curve | None, before: Floats, after: Floats) -> list[list[float | None]]:
    """Return quantiles of what the money that moves brings, None where nothing is known."""
    if drawn is None:
        return [[None] * len(before)] * 2
    worth = np.abs(drawn.value(after) - drawn.value(before))
    ends: list[list[float | None]] = np.quantile(worth, ENDS, axis=0).tolist()
    return ends


def _outcome_price(problem: Problem, prices: Floats) -> Floats:
    """Return what a unit of money costs at the margin, in outcome of each channel.

    It is what the unit uses of all rows at their prices, shape ``(channels,)``.
    """
    if problem.plain:
        return np.full(len(problem.names), prices[0])
    money = problem.cost + problem.rows.money.T @ prices
    outcome = problem.weight + np.maximum(problem.rows.outcome.T @ prices, 0.0)
    return np.asarray(np.maximum(money, 0.0) / np.where(outcome > 0, outcome, np.inf))
