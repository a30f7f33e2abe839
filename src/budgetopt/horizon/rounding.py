"""Whole steps near the best weeks: week after week, and where that runs into a wall, all at once.

A week rounded by itself may leave the next no way, where steps are coarse and change limits or
totals bind. Then whole steps of all weeks are looked for together, a mixed-integer program over the
program's own rows. Either way every week is held once more on exact money, as `allocate` holds one.
"""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
from scipy.sparse import csr_array, eye_array, hstack, vstack

from budgetopt.arrays import Bools, Floats, Whole
from budgetopt.curves import Log, stack
from budgetopt.errors import InfeasibleError, VerificationError
from budgetopt.horizon.ahead import SNAP, Steps
from budgetopt.horizon.build import Horizon
from budgetopt.horizon.interior import Program
from budgetopt.money import round_to_step, sum_minor
from budgetopt.optimize import Problem, minimise, rounded, verify

_LOOKS = 5000
"""Looks of HiGHS for whole steps of all weeks."""


def week_by_week(horizon: Horizon, spend: Floats | None) -> Whole | None:
    """Return whole steps near spends, ``(weeks, channels)``; None without a way."""
    left, period = horizon.totals, horizon.period
    found: list[Whole] = []
    if spend is None:
        return None
    for at, near in enumerate(spend.T * horizon.plan.money.units):
        ends = horizon.plan.spend == "all" and period[at] not in period[at + 1 :]
        try:
            problem = horizon.on(at, found[-1] if found else horizon.last, left[period[at]])
            row = _on_steps(problem, near, problem.target if ends else None)
            outcome = problem.curves.value(row / problem.money.units)
            verify(problem.names, row, problem.rules, outcome)
        except (InfeasibleError, VerificationError):
            return None
        left[period[at]] -= sum_minor(row)
        found.append(row)
    minor = np.stack(found)
    units = horizon.plan.money.units
    for limit, during in horizon.over:
        if limit.used(minor[list(during)].sum(axis=0), None, units) > limit.room:
            return None
    return minor


def _on_steps(problem: Problem, near: Floats, total: int | None) -> Whole:
    """Return a week's spends on whole steps, near some, with this total or about theirs."""
    low, high, step = problem.bounds.lower, problem.bounds.upper, problem.step
    if problem.least_on.any() or np.any(problem.lots != step):
        return _on_lots(replace(problem, spend_all=total is not None), np.clip(near, low, high))
    if total is None:
        fixed = sum_minor(low[low == high])
        steps = math.floor((float(near.sum()) - fixed) / step + SNAP)
        most = min(problem.target, sum_minor(high))
        total = max(min(fixed + steps * step, most), sum_minor(low))
    return round_to_step(np.clip(near, low, high), total, step, low, high)


def _on_lots(problem: Problem, near: Floats) -> Whole:
    """Return a week's spends near some where channels have lots, or are off or at least so much.

    What is asked is curves whose slopes are the same at the spends that are wished, and fall.
    """
    money, size = near / problem.money.units, near.size
    equal = max(problem.budget_money / size, 1e-9)
    wish = stack([Log(one + equal, equal) for one in money.tolist()])
    ones = np.ones(size)
    return rounded(replace(problem, curves=wish, weight=ones, cost=0.0 * ones), money)


def whole_together(program: Program, spend: Floats, step: Floats) -> Floats | None:
    r"""Return whole steps of all weeks nearest to spends, None where none are found.

    With steps :math:`s` they are :math:`\min \sum_{it} |n_{it} - x_{it}/s|` over whole :math:`n`
    within the program's rows.

    Parameters
    ----------
    program
        The weeks, in which any money that is not 0 will do as well.
    spend
        Near which, ``(channels, weeks)``.
    step
        Money of a step of each.
    """
    steps = Steps.of(program, spend.shape[1], step)
    wish, size = spend.ravel()[steps.free] / steps.unit, steps.free.size
    one, off = eye_array(size, format="csr"), np.zeros(size)
    apart = csr_array((steps.room.size, size))
    rows = [[steps.table, apart], [one, -one], [-one, -one]]
    ended = minimise(
        np.concatenate([off, off + 1.0]),
        csr_array(vstack([hstack(row) for row in rows])),
        np.concatenate([steps.room, wish, -wish]),
        np.concatenate([steps.lower, off]),
        np.concatenate([steps.upper, off + np.inf]),
        whole=np.repeat([True, False], size),
        equal=np.concatenate([steps.exact, np.zeros(2 * size, np.bool_)]),
        looks=_LOOKS,
    )
    if ended.values is None:
        return None
    found = program.lower.copy()
    found.ravel()[steps.free] = np.rint(ended.values[:size]) * steps.unit
    return found


def whole_lots(program: Program, spend: Floats, own: Bools, lots: Floats) -> Floats:
    """Return spends of some channels on whole lots near theirs, ``(channels, weeks)``.

    Lots go up in the order of their remainders as far as the week's money reaches; beside channels
    without lots, only from half a lot on.
    """
    least, most = np.ceil(program.lower / lots - SNAP), np.floor(program.upper / lots + SNAP)
    down = np.clip(np.floor(spend / lots + SNAP), least, np.maximum(least, most))
    rest = np.where(own, spend / lots - down, 0.0)
    whole = np.where(own, down * lots, program.lower)
    for week in range(spend.shape[1]):
        enough = SNAP if own[:, week].all() else 0.5
        for at in np.argsort(-rest[:, week], kind="stable").tolist():
            up = whole[at, week] + lots[at, week]
            left = spend[:, week].sum() - whole[:, week].sum() + SNAP * lots[at, week]
            if (
                rest[at, week] >= enough
                and lots[at, week] <= left
                and up <= program.upper[at, week]
            ):
                whole[at, week] = up
    return whole
