"""Why each channel's money moves or stays, from the numbers of the decision."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

import numpy as np

from budgetopt.figures import show_figure
from budgetopt.money import show_amount as show
from budgetopt.optimize import Allocation, Problem
from budgetopt.policies.base import Floats
from budgetopt.weekly.decision import Move

_ALIKE = 0.005
"""Two figures that differ by a smaller share read as the same."""


def moves_of(
    allocation: Allocation,
    last: Mapping[str, Decimal],
    problem: Problem,
    prices: Floats,
    held: Mapping[str, str] | None = None,
) -> tuple[Move, ...]:
    """Return one move a channel, with its reason.

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
    """
    held = held or {}
    names = list(allocation.spend)
    before = np.array([float(last.get(n, 0)) for n in names])
    after = np.array([float(allocation.spend[n]) for n in names])
    worth = np.abs(problem.curves.value(after) - problem.curves.value(before))
    elsewhere = _outcome_price(problem, prices) * np.abs(after - before)
    limits, spare = dict(allocation.limits()), not prices[0]
    moves = []
    for at, name in enumerate(names):
        was, now = last.get(name), allocation.spend[name]
        here, there = float(worth[at]), float(elsewhere[at])
        if name in held and now == was:
            reason = f"{_what(was, now)}; {held[name]}"
        else:
            reason = _reason(was, now, here, there, limits.get(name, ""), spare)
        moves.append(Move(name, was, now, reason, here, there))
    return tuple(moves)


def _outcome_price(problem: Problem, prices: Floats) -> Floats:
    """Return what a unit of money costs at the margin, in outcome of each channel.

    It is what the unit uses of all rows at their prices, shape ``(channels,)``.
    """
    if problem.plain:
        return np.full(len(problem.names), prices[0])
    money = problem.cost + problem.rows.money.T @ prices
    outcome = problem.weight + np.maximum(problem.rows.outcome.T @ prices, 0.0)
    return np.asarray(np.maximum(money, 0.0) / np.where(outcome > 0, outcome, np.inf))


def _reason(
    before: Decimal | None,
    after: Decimal,
    worth: float,
    elsewhere: float,
    limit: str,
    spare: bool,
) -> str:
    """Return one clause: what happens, what that money brings, and the limit it meets."""
    said = _what(before, after)
    if limit == "lock":
        return f"{said}; locked"
    if before is not None and after != before:
        said += _because(after - before, worth, elsewhere, spare)
    return f"{said}; at its {limit}" if limit else said


def _what(before: Decimal | None, after: Decimal) -> str:
    if before is None:
        return f"{show(after)}, with no week before"
    if after == before:
        return f"stays at {show(after)}"
    share = f" ({(after - before) / before:+.1%})" if before else ""
    return f"{'up' if after > before else 'down'} from {show(before)} to {show(after)}{share}"


def _because(change: Decimal, worth: float, elsewhere: float, spare: bool) -> str:
    """Return what the money that moves brings here, beside what it brings at the margin."""
    money, here = show(abs(change)), show_figure(worth, 4)
    if not elsewhere:
        rest = ", and there is money to spare" if spare else ""
        return f"; these {money} bring {here} here{rest}"
    there = show_figure(elsewhere, 4)
    if abs(worth - elsewhere) <= _ALIKE * elsewhere:
        return f"; these {money} bring {here} here, about as much as at this week's margin"
    # A policy that does not go by the margin may move against it.
    link = "as" if (change > 0) == (worth > elsewhere) else "though"
    return f", {link} these {money} bring {here} here and {there} at this week's margin"
