"""Weeks ahead that cannot be kept, told now: the first one, what clashes, and the least change.

Whether weeks can be kept together is a linear program over their rows alone, in whole steps a
mixed-integer one; the first week that cannot be is found by halving.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
from scipy.sparse import csr_array, vstack

from budgetopt.arrays import Bools, Floats, Places
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
SNAP = 1e-3
"""Steps by which a total may miss a whole one and still be taken for it."""


_LOOKS = 2000
"""Looks of HiGHS after which it is not known whether whole steps keep some weeks."""


class Steps(NamedTuple):
    """Rows over whole numbers of steps of the spends that are not fixed.

    Parameters
    ----------
    table, room, exact
        The rows, and which of them are equations, in whole steps.
    lower, upper
        Bounds of the numbers.
    free
        Places of the spends, among all of them.
    unit
        Money of one step of each.
    """

    table: csr_array
    room: Floats
    exact: Bools
    lower: Floats
    upper: Floats
    free: Places
    unit: Floats

    @classmethod
    def of(cls, program: Program, weeks: int, step: Floats, without: int | None = None) -> Steps:
        """Return the rows of the first weeks; of an equation's money what is no step is left.

        Parameters
        ----------
        program
            All weeks.
        weeks
            How many of them.
        step
            Money of a step of each spend, ``(channels, weeks)``.
        without
            A row across channels that is left out.
        """
        table, room, exact = kept_rows(program, weeks, without)
        lower, upper = (end[:, :weeks].ravel() for end in (program.lower, program.upper))
        fixed = lower == upper
        free, unit = np.flatnonzero(~fixed), step[:, :weeks].ravel()[~fixed]
        room = room - table @ np.where(fixed, lower, 0.0)
        table = csr_array(table[:, free] * unit)
        # Rows count in steps, so that a total is a number of them.
        size = np.ravel(abs(table).max(axis=1).todense())
        size = np.where(size > 0, size, 1.0)
        table, room = csr_array(table / size[:, None]), room / size
        return cls(
            table,
            np.where(exact, np.floor(room + SNAP), room),
            exact,
            np.ceil(lower[free] / unit - SNAP),
            np.floor(upper[free] / unit + SNAP),
            free,
            unit,
        )


def refuse_ahead(horizon: Horizon, program: Program, *, whole: bool = False) -> None:
    """Raise where weeks cannot be kept together, with the first one that cannot.

    Where steps are coarse that week, and what would be enough, are those of whole steps: by a
    remedy for any money a year would be refused once more.

    Parameters
    ----------
    horizon, program
        The weeks, and their program.
    whole
        Whether weeks that any money would keep are refused where no whole steps do.

    Raises
    ------
    InfeasibleError
        ``limits-clash``; its ``details`` hold the ``week``, what is ``needed`` and what is
        ``there``, in money, and ``max_change``, the least share that would be enough that week.
    """
    count, step = len(horizon.weeks), horizon.steps
    if _least(program, count, step if whole else None) is not None:
        return
    # Fine steps find their way without.
    coarse = SPARE * step.max() * horizon.plan.money.units > _FINE * min(horizon.totals)
    asked = step if whole or coarse else None
    good, bad = 0, count
    while bad - good > 1:
        middle = (good + bad) // 2
        good, bad = (good, middle) if _least(program, middle, asked) is None else (middle, bad)
    raise _refusal(horizon, program, bad, asked)


def _least(
    program: Program, weeks: int, step: Floats | None, without: int | None = None
) -> float | None:
    """Return the least total of the last of the first weeks, None where they cannot be kept.

    Without a row across channels, where one is given; 0 where it is not known.
    """
    cost = np.zeros((len(program.lower), weeks))
    cost[:, -1] = 1.0
    if step is not None:
        steps = Steps.of(program, weeks, step, without)
        each = cost.ravel()[steps.free] * steps.unit
        ended = minimise(
            each,
            steps.table,
            steps.room,
            steps.lower,
            steps.upper,
            whole=np.ones(each.size, np.bool_),
            equal=steps.exact,
            looks=_LOOKS,
        )
        if ended.values is None:
            return None if ended.status == "kInfeasible" else 0.0
        spend = program.lower[:, :weeks].ravel()
        spend[steps.free] = ended.values * steps.unit
        return float(cost.ravel() @ spend)
    table, room, exact = kept_rows(program, weeks, without)
    scale = max(float(program.upper.max()), 1e-300)
    ended = minimise(
        cost.ravel(),
        table,
        room / scale,
        program.lower[:, :weeks].ravel() / scale,
        program.upper[:, :weeks].ravel() / scale,
        equal=exact,
    )
    return None if ended.values is None else scale * float(cost.ravel() @ ended.values)


def kept_rows(
    program: Program, weeks: int, without: int | None = None
) -> tuple[csr_array, Floats, Bools]:
    """Return the rows that the first weeks must keep whatever follows, over their spends.

    Their rooms, and which of them are equations; without a row across channels, where one is given.
    """
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
    exact = np.concatenate([exact & used, np.zeros(at.size, np.bool_)])
    kept = np.arange(len(room)) != (-1 if without is None else without)
    return vstack(parts).tocsr()[kept], room[kept], exact[kept]


def _refusal(
    horizon: Horizon, program: Program, weeks: int, step: Floats | None
) -> InfeasibleError:
    """Return the error of the first week that cannot be kept."""
    plan, one, period = horizon.plan, horizon.weeks[weeks - 1], horizon.period[weeks - 1]
    # What nobody capped may be spent up to the budget, which is left out here.
    upper = program.upper.copy()
    upper[horizon.alone(weeks - 1).bounds.upper_rule == FREE, weeks - 1] = program.upper.max()
    needed = _least(replace(program, upper=upper), weeks, step, period)
    there = horizon.totals[period]
    details: dict[str, Any] = {"week": one.week.start, "there": plan.money.amount(there)}
    if needed is None or needed * plan.money.units <= there:
        problem = say("week-out-of-reach", week=str(one.week.start))
    else:
        minor = int(np.ceil(needed * plan.money.units - 1e-6))
        details["needed"] = plan.money.amount(minor)
        money = {"needed": plan.money.show(minor), "there": plan.money.show(there)}
        problem = say("week-needs-more", week=str(one.week.start), **money)
    share = _widened(horizon, weeks, step)
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


def _widened(horizon: Horizon, weeks: int, step: Floats | None) -> float | None:
    """Return the least share, in whole percent, by which channels must be let move that week.

    None where no change limit of the week is a share, or none is enough.
    """
    rules = horizon.weeks[weeks - 1].change

    def fits(percent: int) -> bool:
        wider = tuple(
            rule if rule.share is None else replace(rule, share=max(rule.share, percent / 100))
            for rule in rules
        )
        changed = list(horizon.weeks)
        changed[weeks - 1] = changed[weeks - 1]._replace(change=wider)
        program = program_of(replace(horizon, weeks=tuple(changed)))
        return _least(program, weeks, step) is not None

    if all(rule.share is None for rule in rules) or not fits(_MOST):
        return None
    low, high = 0, _MOST
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if fits(middle) else (middle, high)
    return high / 100
