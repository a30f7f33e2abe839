"""An allocation in sentences; every number in them is one of its fields."""

from __future__ import annotations

import math
from decimal import Decimal
from typing import TYPE_CHECKING

from budgetopt.figures import show_figure
from budgetopt.money import show_amount as show

if TYPE_CHECKING:
    from budgetopt.optimize.allocation import Allocation


def allocation_in_words(week: Allocation) -> str:
    """Return lines on the whole, on each channel, and on what each limit costs."""
    lines = [
        f"{show(week.total)} of {show(week.budget)} {week.currency} is spent for an expected "
        f"outcome of {show_figure(week.outcome)}, {how_good(week)} ({week.method})."
    ]
    if week.spread is not None:
        lines.append(f"Outcome: {week.spread.summary()}.")
    if week.held:
        lines.append(f"{show(week.held)} {week.currency} is held in reserve.")
    if week.unspent:
        lines.append(f"{show(week.unspent)} {week.currency} stays unspent: {_why_unspent(week)}.")
    limits = dict(week.limits())
    lines += [_channel(week, name, limits.get(name, "")) for name in week.spend]
    lines += _costs_of_rows(week)
    lines += [f"Note: {note}." for note in week.notes]
    return "\n".join(lines)


def _costs_of_rows(week: Allocation) -> list[str]:
    """Return what a little room under the budget and under each row across channels is worth."""
    unit = round_amount(week.budget)
    lines = []
    price = week.prices.get("budget", 0.0)
    if 0 < price < math.inf:
        more = show_figure(price * float(unit))
        lines.append(f"{show(unit)} {week.currency} more budget would bring about {more}.")
    for row in {row.limit: row for row in week.rules.rows}.values():
        price = week.prices.get(row.limit, 0.0)
        if not 0 < price < math.inf:
            continue
        if row.counts:
            room, worth = "one more", price
        elif row.outcome is not None and not row.money.any():
            room, worth = "asking for one less", price
        else:
            room, worth = f"{show(unit)} more room", price * float(unit)
        lines.append(f"{row.limit} ({row.sentence}): {room} is worth {show_figure(worth)}.")
    return lines


def how_good(week: Allocation) -> str:
    """Return in words how near the split is proven to be to the best."""
    if week.gap <= 0:
        return "which no split within the limits exceeds"
    return f"and no split within the limits brings more than {100 * week.gap:.2g} % more"


def _why_unspent(week: Allocation) -> str:
    if week.unspent < week.step:
        return f"it is less than one step of {show(week.step)}"
    if len(week.limits()) == len(week.spend):
        return "every channel is at a limit"
    return "more money brings nothing, or is held by a limit"


def _channel(week: Allocation, name: str, limit: str) -> str:
    """Return what happens to a channel, why it stops or stays there, and what more would bring."""
    spend, next_unit = week.spend[name], week.marginal[name]
    unit = round_amount(week.budget)
    move, why = show(spend), f", at its {limit}" if limit else ""
    if week.last:
        before = week.last[name]
        share = f" ({(spend - before) / before:+.1%})" if before else ""
        move = f"{show(before)} → {show(spend)}{share}"
        if spend == before:
            move = f"stays at {show(spend)}"
            why = why or _why_stays(week, next_unit)
    if not math.isfinite(next_unit):
        return f"{name}: {move}{why}; no price is too high for its first money."
    more = show_figure(next_unit * float(unit))
    return f"{name}: {move}{why}; {show(unit)} more would bring {more}."


def _why_stays(week: Allocation, next_unit: float) -> str:
    """Return why a channel without a limit of its own does not move."""
    tight = set(week.tight_rows())
    holding = [
        row.limit
        for row in week.rules.rows
        if (row.moves is not None or row.moved is not None) and row.limit in tight
    ]
    if holding:
        return f", held by {' and '.join(dict.fromkeys(holding))}"
    if math.isclose(next_unit, week.prices.get("budget", 0.0), rel_tol=0.02):
        return ", as its money brings what it would bring elsewhere"
    return ""


def round_amount(budget: Decimal) -> Decimal:
    """Return the power of ten that is about a fiftieth of a budget, to speak of its margin.

    Examples
    --------
    >>> str(round_amount(Decimal(60000))), str(round_amount(Decimal("0.45")))
    ('1000', '0.01')
    """
    if not budget:
        return Decimal(1)
    return Decimal(f"{Decimal(1).scaleb((budget / 20).adjusted()):f}")
