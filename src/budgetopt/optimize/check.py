"""The exact check that stands between an answer and its reader."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from budgetopt.errors import VerificationError
from budgetopt.money import Currency
from budgetopt.plan import RULES, Bounds


def verify(
    names: Sequence[str],
    spend: NDArray[np.int64],
    bounds: Bounds,
    *,
    budget: int,
    step: int,
    money: Currency,
) -> None:
    """Raise unless whole-number spends keep every bound, the step and the budget.

    Raises
    ------
    VerificationError
        ``broken-limit``, with the first limit that is broken.
    """
    show = money.show
    for which, rules, bad in (
        ("below", bounds.lower_rule, spend < bounds.lower),
        ("above", bounds.upper_rule, spend > bounds.upper),
    ):
        if np.any(bad):
            at = int(np.argmax(bad))
            limit = (bounds.lower if which == "below" else bounds.upper)[at]
            rule = RULES[rules[at]] or ("zero" if which == "below" else "budget")
            raise _broken(names[at], show(spend[at]), f"{which} its {rule} {show(limit)}")
    off = (spend % step != 0) & (bounds.lower != bounds.upper)
    if np.any(off):
        at = int(np.argmax(off))
        raise _broken(names[at], show(spend[at]), f"no multiple of the step {show(step)}")
    total = int(spend.sum())
    if total > budget:
        raise _broken("the total", show(total), f"above the budget {show(budget)}")


def _broken(name: str, amount: str, problem: str) -> VerificationError:
    return VerificationError(
        "broken-limit",
        f"spend of {name!r} is {amount}, {problem}",
        field=name,
        value=amount,
        remedy="withhold this split; if budgetopt made it, report it",
    )
