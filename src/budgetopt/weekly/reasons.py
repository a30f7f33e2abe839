"""Why each channel's money moves or stays, from the numbers of the decision."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

import numpy as np

from budgetopt.curves import Curve
from budgetopt.figures import show_figure
from budgetopt.money import show_amount as show
from budgetopt.optimize import Allocation
from budgetopt.weekly.decision import Move

_ALIKE = 0.005
"""Two figures that differ by a smaller share read as the same."""


def moves_of(
    allocation: Allocation, last: Mapping[str, Decimal], curves: Curve
) -> tuple[Move, ...]:
    """Return one move a channel, with its reason.

    Parameters
    ----------
    allocation
        The split.
    last
        Last applied money by channel; a channel without is new.
    curves
        Expected curves over the allocation's channels.
    """
    names = list(allocation.spend)
    before = np.array([float(last.get(n, 0)) for n in names])
    after = np.array([float(allocation.spend[n]) for n in names])
    worth = np.abs(curves.value(after) - curves.value(before))
    elsewhere = allocation.prices.get("budget", 0.0) * np.abs(after - before)
    limits = dict(allocation.limits())
    moves = []
    for at, name in enumerate(names):
        was, now = last.get(name), allocation.spend[name]
        here, there = float(worth[at]), float(elsewhere[at])
        reason = _reason(was, now, here, there, limits.get(name, ""))
        moves.append(Move(name, was, now, reason, here, there))
    return tuple(moves)


def _reason(
    before: Decimal | None, after: Decimal, worth: float, elsewhere: float, limit: str
) -> str:
    """Return one clause: what happens, what that money brings, and the limit it meets."""
    said = _what(before, after)
    if limit == "lock":
        return f"{said}; locked"
    if before is not None and after != before:
        said += _because(after - before, worth, elsewhere)
    return f"{said}; at its {limit}" if limit else said


def _what(before: Decimal | None, after: Decimal) -> str:
    if before is None:
        return f"{show(after)}, with no week before"
    if after == before:
        return f"stays at {show(after)}"
    share = f" ({(after - before) / before:+.1%})" if before else ""
    return f"{'up' if after > before else 'down'} from {show(before)} to {show(after)}{share}"


def _because(change: Decimal, worth: float, elsewhere: float) -> str:
    """Return what the money that moves brings here, beside what it brings at the margin."""
    money, here = show(abs(change)), show_figure(worth, 4)
    if not elsewhere:
        return f"; these {money} bring {here} here, and there is money to spare"
    there = show_figure(elsewhere, 4)
    if abs(worth - elsewhere) <= _ALIKE * elsewhere:
        return f"; these {money} bring {here} here, about as much as at this week's margin"
    # A policy that does not go by the margin may move against it.
    link = "as" if (change > 0) == (worth > elsewhere) else "though"
    return f", {link} these {money} bring {here} here and {there} at this week's margin"
