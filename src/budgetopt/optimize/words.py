"""An allocation in sentences; every number in them is one of its fields."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from budgetopt.optimize.allocation import Allocation


def allocation_in_words(week: Allocation) -> str:
    """Return one line on the whole, one on each channel, one on the price of the budget."""
    lines = [
        f"{week.total:,} of {week.budget:,} {week.currency} is spent for an expected outcome of "
        f"{week.outcome:,.6g}; no split within the limits brings more than {week.gap:.2g} of it "
        f"on top ({week.method})."
    ]
    if week.held:
        lines.append(f"{week.held:,} {week.currency} is held back as contingency reserve.")
    if week.unspent:
        lines.append(f"{week.unspent:,} {week.currency} stays unspent: {_why_unspent(week)}.")
    limits = dict(week.limits())
    lines += [_channel(week, name, limits.get(name, "")) for name in week.spend]
    price, unit = week.prices.get("budget", 0.0), round_amount(week.budget)
    if price:
        more = f"{price * float(unit):,.6g}"
        lines.append(f"{unit:,} {week.currency} more budget would bring about {more}.")
    lines += [f"Note: {note}." for note in week.notes]
    return "\n".join(lines)


def _why_unspent(week: Allocation) -> str:
    if week.unspent < week.step:
        return f"it is less than one step of {week.step:,}"
    if len(week.limits()) == len(week.spend):
        return "every channel is at a limit"
    return "more money brings nothing, or is held by a limit"


def _channel(week: Allocation, name: str, limit: str) -> str:
    spend, next_unit = week.spend[name], week.marginal[name]
    if week.last:
        before = week.last[name]
        if spend == before:
            move = f"stays at {spend:,}"
        else:
            share = f" ({(spend - before) / before:+.0%})" if before else ""
            move = f"{before:,} → {spend:,}{share}"
    else:
        move = f"{spend:,}"
    stop = f", at its {limit}" if limit else ""
    unit = round_amount(week.budget)
    return f"{name}: {move}{stop}; {unit:,} more would bring {next_unit * float(unit):,.6g}."


def round_amount(budget: Decimal) -> Decimal:
    """Return the power of ten that is about a fiftieth of a budget, to speak of its margin.

    Examples
    --------
    >>> str(round_amount(Decimal(60000))), str(round_amount(Decimal("0.45")))
    ('1000', '0.01')
    """
    if not budget:
        return Decimal(1)
    return Decimal(1).scaleb((budget / 20).adjusted())
