"""Why each channel's money moves or stays, from the numbers of the decision."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

import numpy as np

from budgetopt.curves import Curve
from budgetopt.money import show_amount as show
from budgetopt.optimize import Allocation, round_amount
from budgetopt.weekly.decision import Move


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
    unit = round_amount(allocation.budget)
    before = np.array([float(last.get(n, 0)) for n in allocation.spend])
    extra = curves.value(before + float(unit)) - curves.value(before)
    price = allocation.prices.get("budget", 0.0) * float(unit)
    limits = dict(allocation.limits())
    moves = []
    for at, (name, after) in enumerate(allocation.spend.items()):
        was = last.get(name)
        reason = _what(was, after)
        if was is not None and after != was:
            # A policy that does not go by the margin may move against it.
            link = "as" if (after > was) == (extra[at] > price) else "though"
            than = "more" if extra[at] > price else "less"
            reason += (
                f", {link} {show(unit)} more would bring {extra[at]:,.4g} there, {than} than the "
                f"{price:,.4g} they bring at this week's margin"
            )
        if name in limits:
            reason += f"; at its {limits[name]}"
        moves.append(Move(name, was, after, reason))
    return tuple(moves)


def _what(before: Decimal | None, after: Decimal) -> str:
    if before is None:
        return f"{show(after)}, with no week before"
    if after == before:
        return f"stays at {show(after)}"
    share = f" ({(after - before) / before:+.1%})" if before else ""
    return f"{'up' if after > before else 'down'} from {show(before)} to {show(after)}{share}"
