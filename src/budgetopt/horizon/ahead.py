"""Weeks ahead that cannot be kept, told now: the first one, what clashes, and the least change.

Whether weeks can be kept together is a linear program over their rows alone; the first week that
cannot be is found by halving.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from scipy.sparse import csr_array, vstack

from budgetopt.errors import InfeasibleError
from budgetopt.horizon.build import Horizon, program_of
from budgetopt.horizon.interior import Program
from budgetopt.i18n import say
from budgetopt.optimize import minimise
from budgetopt.plan import FREE

_MOST = 1000
"""Percent of the last spend up to which a wider change limit is looked for."""
_FINE = 1e-4
"""Share of a week's money up to which the steps kept free make no difference."""
SPARE = 4
"""Steps kept free, so that whole steps find room within weeks that are kept by a hair."""


def refuse_ahead(horizon: Horizon, program: Program) -> None:
    """Raise where weeks cannot be kept together, with the first one that cannot.

    Parameters
    ----------
    horizon, program
        The weeks, and their program.

    Raises
    ------
    InfeasibleError
        ``limits-clash``; its ``details`` hold the ``week``, what is ``needed`` and what is
        ``there``, in money, and ``max_change``, the least share that would be enough that week.
    """
    count = len(horizon.weeks)
    if _least(program, count, None) is not None:
        return
    good, bad = 0, count
    while bad - good > 1:
        middle = (good + bad) // 2
        good, bad = (good, middle) if _least(program, middle, None) is None else (middle, bad)
    raise _refusal(horizon, program, bad)


def _least(program: Program, weeks: int, without: int | None) -> float | None:
    """Return the least total of the last of the first weeks, None where they cannot be kept.

    Without a row across channels, where one is given.
    """
    table, room, exact = _rows(program, weeks)
    kept = np.arange(len(room)) != (-1 if without is None else without)
    size = program.lower.shape[0]
    cost = np.zeros((size, weeks))
    cost[:, -1] = 1.0
    scale = max(float(program.upper.max()), 1e-300)
    ended = minimise(
        cost.ravel(),
        table[kept],
        room[kept] / scale,
        program.lower[:, :weeks].ravel() / scale,
        program.upper[:, :weeks].ravel() / scale,
        equal=exact[kept],
    )
    return None if ended.values is None else scale * float(cost.ravel() @ ended.values)


def _rows(program: Program, weeks: int) -> tuple[csr_array, Any, Any]:
    """Return the rows that the first weeks must keep whatever follows, over their spends."""
    channels = len(program.own)
    inside = np.any(program.own != 0, axis=2) & ~np.any(program.own[:, :, weeks:] != 0, axis=2)
    at, row = np.nonzero(inside)
    own = np.zeros((at.size, channels, weeks))
    own[np.arange(at.size), at] = program.own[at, row, :weeks]
    across, later = program.across[:, :, :weeks], program.across[:, :, weeks:]
    # What money of later weeks may yet make hold says nothing of the first weeks.
    across = np.where(np.any(later < 0, axis=(1, 2))[:, None, None], 0.0, across)
    used = np.any(across != 0, axis=(1, 2))
    # A total that goes on may leave the rest of its money to later weeks.
    exact = program.exact & ~np.any(later != 0, axis=(1, 2))
    # Rows without money stay as rows that hold, so that their numbers are those of the program.
    room = np.where(used, program.room, np.maximum(program.room, 0.0))
    parts = [csr_array(part.reshape(len(part), channels * weeks)) for part in (across, own)]
    room = np.concatenate([room, program.own_room[at, row]])
    return vstack(parts).tocsr(), room, np.concatenate([exact & used, np.zeros(at.size, np.bool_)])


def _refusal(horizon: Horizon, program: Program, weeks: int) -> InfeasibleError:
    """Return the error of the first week that cannot be kept."""
    plan, one, period = horizon.plan, horizon.weeks[weeks - 1], horizon.period[weeks - 1]
    # What nobody capped may be spent up to the budget, which is left out here.
    upper = program.upper.copy()
    upper[horizon.alone(weeks - 1).bounds.upper_rule == FREE, weeks - 1] = program.upper.max()
    needed = _least(replace(program, upper=upper), weeks, period)
    there = horizon.totals[period]
    details: dict[str, Any] = {"week": one.week.start, "there": plan.money.amount(there)}
    if needed is None or needed * plan.money.units <= there:
        problem = say("week-out-of-reach", week=str(one.week.start))
    else:
        minor = int(np.ceil(needed * plan.money.units - 1e-6))
        details["needed"] = plan.money.amount(minor)
        money = {"needed": plan.money.show(minor), "there": plan.money.show(there)}
        problem = say("week-needs-more", week=str(one.week.start), **money)
    share = _widened(horizon, weeks)
    remedy = say("remedy-week-limit")
    if share is not None:
        details["max_change"] = share
        remedy = say("remedy-week-change", share=f"{share:.0%}")
    return InfeasibleError(
        "limits-clash",
        problem,
        field="max_change" if share is not None else "limits",
        value=str(one.week.start),
        remedy=remedy,
        details=details,
    )


def _widened(horizon: Horizon, weeks: int) -> float | None:
    """Return the least share, in whole percent, by which channels must be let move that week.

    With room for whole steps where these are coarse, and any share leaves it.
    """

    def fits(percent: int, spare: int) -> bool:
        one = horizon.weeks[weeks - 1]
        wider = tuple(
            rule if rule.share is None else replace(rule, share=max(rule.share, percent / 100))
            for rule in one.change
        )
        changed = list(horizon.weeks)
        changed[weeks - 1] = one._replace(change=wider)
        program = program_of(replace(horizon, weeks=tuple(changed)), spare)
        return _least(program, weeks, None) is not None

    if all(rule.share is None for rule in horizon.weeks[weeks - 1].change):
        return None
    # Fine steps find their way without.
    coarse = SPARE * horizon.plan.step_minor > _FINE * horizon.totals[horizon.period[weeks - 1]]
    spare = next((one for one in ((SPARE, 0) if coarse else (0,)) if fits(_MOST, one)), None)
    if spare is None:
        return None
    low, high = 0, _MOST
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if fits(middle, spare) else (middle, high)
    return high / 100
