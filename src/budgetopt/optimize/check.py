"""The exact check that stands between an answer and its reader."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from budgetopt.errors import VerificationError
from budgetopt.optimize.rules import Rules
from budgetopt.plan import RULES

Whole = NDArray[np.int64]
Floats = NDArray[np.float64]

_FLOAT = Fraction(1, 10**9)
"""Share by which a row that holds outcomes, which are floats, may miss its room."""


def verify(names: Sequence[str], spend: Whole, rules: Rules, outcome: Floats | None = None) -> None:
    """Raise unless whole-number spends keep every rule.

    Parameters
    ----------
    names
        Channel names.
    spend
        Minor units, shape ``(channels,)``.
    rules
        What is to be kept.
    outcome
        Expected outcome of each channel at its spend; needed where a row holds outcomes.

    Raises
    ------
    VerificationError
        ``broken-limit``, with the first limit that is broken.
    """
    for error in broken(names, spend, rules, outcome):
        raise error


def broken(
    names: Sequence[str], spend: Whole, rules: Rules, outcome: Floats | None = None
) -> Iterator[VerificationError]:
    """Yield an error for every rule that whole-number spends break.

    Parameters are those of `verify`, which raises the first.
    """
    yield from _broken_channels(names, spend, rules)
    show = rules.money.show
    total = int(spend.sum())
    if total > rules.budget:
        yield _broken("the total", show(total), f"above the budget {show(rules.budget)}")
    for row in rules.rows:
        used = row.used(spend, rules.last, rules.money.units)
        room = row.room
        if row.outcome is not None and outcome is not None:
            gained = row.outcome * outcome
            used -= Fraction(float(gained.sum()))
            room += _FLOAT * Fraction(float(np.abs(gained).sum()))
        if used > room:
            yield _broken("the split", f"{float(used - room):g} over", f"against {row.sentence}")


def _broken_channels(
    names: Sequence[str], spend: Whole, rules: Rules
) -> Iterator[VerificationError]:
    """Hold bounds, minimums and steps, channel by channel."""
    show, bounds = rules.money.show, rules.bounds
    off = spend == 0
    for which, which_rule, limit, bad in (
        ("below", bounds.lower_rule, bounds.lower, spend < bounds.lower),
        ("above", bounds.upper_rule, bounds.upper, spend > bounds.upper),
    ):
        for at in np.flatnonzero(bad).tolist():
            rule = RULES[which_rule[at]] or ("zero" if which == "below" else "budget")
            yield _of_channel(names[at], show(spend[at]), f"{which} its {rule} {show(limit[at])}")
    small = (spend < rules.least_on) & ~off
    for at in np.flatnonzero(small).tolist():
        least = show(rules.least_on[at])
        yield _of_channel(names[at], show(spend[at]), f"neither off nor at least {least}")
    stays = np.zeros(spend.size, dtype=bool) if rules.last is None else spend == rules.last
    odd = (spend % rules.lots != 0) & (bounds.lower != bounds.upper) & ~stays
    for at in np.flatnonzero(odd).tolist():
        step = show(rules.lots[at])
        yield _of_channel(names[at], show(spend[at]), f"no multiple of the step {step}")


def _of_channel(name: str, amount: str, problem: str) -> VerificationError:
    return _broken(f"spend of {name!r}", amount, problem, field=name)


def _broken(what: str, amount: str, problem: str, field: str = "") -> VerificationError:
    return VerificationError(
        "broken-limit",
        f"{what} is {amount}, {problem}",
        field=field or what,
        value=amount,
        remedy="withhold this split; if budgetopt made it, report it",
    )
