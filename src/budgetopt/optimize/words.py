"""An allocation in sentences; every number in them is one of its fields."""

from __future__ import annotations

import math
from decimal import Decimal
from typing import TYPE_CHECKING

from budgetopt.figures import show_figure
from budgetopt.money import show_amount as show
from budgetopt.words import joined, say

if TYPE_CHECKING:
    from budgetopt.optimize.allocation import Allocation
    from budgetopt.plan import Row


def allocation_in_words(week: Allocation) -> list[str]:
    """Return lines on the whole, on each channel, and on what each limit costs."""
    lines: list[str] = [
        say(
            "{total} of {budget} {currency} is spent for an expected outcome of {outcome}, "
            "{how_good} ({method}).",
            total=show(week.total),
            budget=show(week.budget),
            currency=week.currency,
            outcome=show_figure(week.outcome),
            how_good=how_good(week),
            method=week.method,
        )
    ]
    if week.spread is not None:
        lines.append(say("Outcome: {range}.", range=week.spread.summary()))
    lines += held_back(week)
    if week.unspent:
        lines.append(
            say(
                "{money} {currency} stays unspent: {why}.",
                money=show(week.unspent),
                currency=week.currency,
                why=_why_unspent(week),
            )
        )
    limits = dict(week.limits())
    lines += [_channel(week, name, limits.get(name, "")) for name in week.spend]
    lines += _costs_of_rows(week)
    return [*lines, *(say("Note: {note}.", note=note) for note in week.notes)]


def held_back(week: Allocation) -> list[str]:
    """Return how much is held in reserve, in one sentence or none."""
    if not week.held:
        return []
    held = show(week.held)
    return [say("{money} {currency} is held in reserve.", money=held, currency=week.currency)]


def _costs_of_rows(week: Allocation) -> list[str]:
    """Return what a little room under the budget and under each row across channels is worth."""
    unit = round_amount(week.budget)
    lines: list[str] = []
    price = week.prices.get("budget", 0.0)
    if 0 < price < math.inf:
        lines.append(
            say(
                "{unit} {currency} more budget would bring about {more}.",
                unit=show(unit),
                currency=week.currency,
                more=show_figure(price * float(unit)),
            )
        )
    for row in {row.limit: row for row in week.rules.rows}.values():
        price = week.prices.get(row.limit, 0.0)
        if 0 < price < math.inf:
            lines.append(_cost_of_row(row, price, unit))
    return lines


def _cost_of_row(row: Row, price: float, unit: Decimal) -> str:
    what = {"limit": row.limit, "rule": row.sentence, "worth": show_figure(price)}
    if row.counts:
        return say("{limit} ({rule}): one more is worth {worth}.", **what)
    if row.outcome is not None and not row.money.any():
        return say("{limit} ({rule}): asking for one less is worth {worth}.", **what)
    what["worth"] = show_figure(price * float(unit))
    return say("{limit} ({rule}): {unit} more room is worth {worth}.", unit=show(unit), **what)


def how_good(week: Allocation) -> str:
    """Return in words how near the split is proven to be to the best."""
    if week.gap <= 0:
        return say("which no split within the limits exceeds")
    share = f"{100 * week.gap:.2g}"
    return say("and no split within the limits brings more than {share} % more", share=share)


def _why_unspent(week: Allocation) -> str:
    if week.unspent < week.step:
        return say("it is less than one step of {step}", step=show(week.step))
    if len(week.limits()) == len(week.spend):
        return say("every channel is at a limit")
    return say("more money brings nothing, or is held by a limit")


def _channel(week: Allocation, name: str, limit: str) -> str:
    """Return what happens to a channel, why it stops or stays there, and what more would bring."""
    next_unit, unit = week.marginal[name], round_amount(week.budget)
    move, stays = _move(week, name)
    if limit:
        move = say("{move}, at its {limit}", move=move, limit=limit)
    elif stays:
        move = _why_stays(week, move, next_unit)
    if not math.isfinite(next_unit):
        return say(
            "{channel}: {move}; no price is too high for its first money.", channel=name, move=move
        )
    return say(
        "{channel}: {move}; {unit} more would bring {more}.",
        channel=name,
        move=move,
        unit=show(unit),
        more=show_figure(next_unit * float(unit)),
    )


def _move(week: Allocation, name: str) -> tuple[str, bool]:
    """Return what happens to a channel, and whether that is nothing."""
    spend, after = week.spend[name], show(week.spend[name])
    if not week.last:
        return after, False
    before = week.last[name]
    if spend == before:
        return say("stays at {after}", after=after), True
    if not before:
        return say("{before} → {after}", before=show(before), after=after), False
    share, was = f"{(spend - before) / before:+.1%}", show(before)
    return say("{before} → {after} ({share})", before=was, after=after, share=share), False


def _why_stays(week: Allocation, move: str, next_unit: float) -> str:
    """Return why a channel without a limit of its own does not move."""
    tight = set(week.tight_rows())
    holding = [
        row.limit
        for row in week.rules.rows
        if (row.moves is not None or row.moved is not None) and row.limit in tight
    ]
    if holding:
        limits = joined(list(dict.fromkeys(holding)))
        return say("{move}, held by {limits}", move=move, limits=limits)
    if math.isclose(next_unit, week.prices.get("budget", 0.0), rel_tol=0.02):
        return say("{move}, as its money brings what it would bring elsewhere", move=move)
    return move


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
