"""From a plan and dated weeks to the arrays of one program over all of them.

A week alone is what `problem_of` makes of it: bounds, rows and money. Here the weeks are put side
by side, with what couples them: carryover, change limits from week to week, freezes, and money
whose timing is free within a month, a quarter or the whole plan.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, NamedTuple

import numpy as np

from budgetopt.arrays import Bools, Floats, Whole
from budgetopt.calendar import Week
from budgetopt.curves import Curve, effective_spend, kernels
from budgetopt.errors import SolverError
from budgetopt.horizon.interior import Program
from budgetopt.messages import say
from budgetopt.optimize import DatedWeek, Known, Problem, objective_of, on_week, problem_of
from budgetopt.plan import MaxChange, Plan, Row, Rule

Timing = Literal["week", "month", "quarter", "all"]
"""Over which weeks the money may be moved."""
Over = Mapping[Timing, Sequence[Any]]
"""Limits that the sums of periods keep, by the length of the periods."""


class Dated(NamedTuple):
    """One week of a plan by itself, how far channels may move from the week before, and its money.

    The problem may take any part of its period's money.
    """

    week: Week
    problem: Problem
    change: tuple[MaxChange, ...]
    frozen: Bools
    money: int


@dataclass(frozen=True, eq=False)
class Horizon:
    """A plan over dated weeks.

    Parameters
    ----------
    plan, curve
        The plan, and one curve over its channels.
    weeks
        Each by itself.
    last
        Spend of the week before the first, in minor units, or None.
    before
        Money of earlier weeks, oldest first, ``(weeks before, channels)``.
    period
        Number of the period that each week's money belongs to.
    rate
        Interest by week.
    over
        Rows that the sums of some weeks keep, with the weeks.
    """

    plan: Plan
    curve: Curve
    weeks: tuple[Dated, ...]
    last: Whole | None
    before: Floats
    period: tuple[int, ...]
    rate: float
    over: tuple[tuple[Row, tuple[int, ...]], ...] = ()

    @classmethod
    def of(
        cls,
        plan: Plan,
        curve: Curve,
        weeks: Sequence[Week],
        known: Whole,
        last: Whole | None,
        before: Floats,
        timing: Timing,
        rate: float,
        over: Over,
    ) -> Horizon:
        """Return a plan over weeks; parameters as in `plan_weeks`.

        `weeks` begins with those whose money is `known`, in minor units.

        Raises
        ------
        SolverError
            ``wrong-method`` where a week has what only one week at a time can keep.
        InfeasibleError
            Where a week cannot be kept by itself.
        """
        rows, weeks = _over(plan, weeks, known, over), weeks[len(known) :]
        labels = [_label(week, timing) for week in weeks]
        order = {label: at for at, label in enumerate(dict.fromkeys(labels))}
        period = tuple(order[one] for one in labels)
        known_curve = Known(plan.names, curve)
        plans = [on_week(plan, known_curve, week) for week in weeks]
        money = _sums(period, [one.plan.spendable_minor for one in plans])
        dated = tuple(
            _dated(plan, one, week, money[at])
            for one, week, at in zip(plans, weeks, period, strict=True)
        )
        for one in dated:
            _refuse(plan, one)
        return cls(plan, curve, dated, last, before, period, rate, rows)

    @property
    def totals(self) -> list[int]:
        """Money of each period in minor units."""
        return _sums(self.period, [one.money for one in self.weeks])

    @property
    def least_on(self) -> Floats:
        """Money that each channel gets at least where it is on, ``(channels, weeks)``."""
        least = np.stack([one.problem.least_on for one in self.weeks], axis=1)
        return np.asarray(least / self.plan.money.units)

    @property
    def steps(self) -> Floats:
        """Money of the steps that spends are whole numbers of, ``(channels, weeks)``."""
        steps = np.stack([one.problem.lots for one in self.weeks], axis=1)
        return np.asarray(steps / self.plan.money.units)

    def demand(self, lasting: int) -> Floats:
        """Return the demand of so many weeks from the first on, those after the plan included."""
        first = self.weeks[0].week
        return np.array([self.plan.demand_of(first.shift(at)) for at in range(lasting)])

    def alone(self, at: int) -> Problem:
        """Return a week that may take all of its period's money; the first after the last spend."""
        return self.weeks[at].problem if at else self.on(0, self.last, self.totals[0])

    def on(self, at: int, last: Whole | None, left: int) -> Problem:
        """Return a week's problem after a week's spends, with so much of its period left."""
        known = Known(self.plan.names, self.curve)
        amounts = None if last is None else self.plan.money.amounts(last.tolist())
        spent = None if amounts is None else dict(zip(self.plan.names, amounts, strict=True))
        dated = on_week(self.plan, known, self.weeks[at].week, spent)
        return _problem(dated, spent, left)


def _sums(period: Sequence[int], each: Sequence[int]) -> list[int]:
    """Return the sums of periods, whose numbers weeks have."""
    total = [0] * (max(period) + 1)
    for at, one in zip(period, each, strict=True):
        total[at] += one
    return total


def _problem(dated: DatedWeek, spent: Mapping[str, Any] | None, money: int) -> Problem:
    """Return a week that may take any part of so much money, where that is not its own."""
    own = money == dated.plan.spendable_minor
    return problem_of(dated.plan, dated.curves, spent, money=None if own else money)


def _dated(plan: Plan, dated: DatedWeek, week: Week, money: int) -> Dated:
    """Return a week by itself that may take so much money."""
    frozen = np.isin(plan.names, list(plan.frozen(week)))
    change = tuple(
        channel.max_change or dated.plan.max_change if channel.locked is None else MaxChange()
        for channel in dated.plan.channels
    )
    return Dated(week, _problem(dated, None, money), change, frozen, dated.plan.spendable_minor)


def _label(week: Week, timing: Timing) -> tuple[int, ...]:
    """Return the period of a week: the month, or the quarter, that most of its days lie in."""
    middle = week.start + dt.timedelta(days=3)
    return {
        "week": (week.start.toordinal(),),
        "month": (middle.year, middle.month),
        "quarter": (middle.year, (middle.month - 1) // 3),
        "all": (),
    }[timing]


def _over(
    plan: Plan, weeks: Sequence[Week], known: Whole, over: Over
) -> tuple[tuple[Row, tuple[int, ...]], ...]:
    """Return the rows of limits over periods, each with the weeks of one period.

    What the known weeks before used up of a period is taken off its room.
    """
    found: list[tuple[Row, tuple[int, ...]]] = []
    # Limits on what moves have rows only after a last week.
    zero = np.zeros(len(plan.names), dtype=np.int64)
    for timing, limits in over.items():
        labels = [_label(week, timing) for week in weeks]
        begun, ahead = labels[: len(known)], labels[len(known) :]
        for row in (row for limit in limits for row in _money_rows(limit, plan, zero)):
            for label in dict.fromkeys(ahead):
                # All weeks are those of the schedule, whatever was before them.
                inside = [timing != "all" and one == label for one in begun]
                spent = known[np.array(inside, dtype=np.bool_)].sum(axis=0)
                left = replace(row, room=row.room - row.used(spent, None, plan.money.units))
                found.append((left, tuple(at for at, one in enumerate(ahead) if one == label)))
    return tuple(found)


def _money_rows(limit: Rule, plan: Plan, last: Whole) -> tuple[Row, ...]:
    """Return the rows of a limit; one that is not of money alone is refused."""
    rows = tuple(limit.rows(plan, last))
    if not rows:
        raise _refused(limit.name)
    for row in rows:
        _refuse_row(row)
    return rows


def _refuse_row(row: Row) -> None:
    if not row.of_money:
        raise _refused(row.limit)


def _refused(limit: str) -> SolverError:
    problem = say("many-weeks-once", limit=repr(limit))
    return SolverError("wrong-method", problem, field="limits", value=limit,
                       remedy=say("remedy-leave-out-plan"))  # fmt: skip


def _refuse(plan: Plan, one: Dated) -> None:
    """Refuse what a program of many weeks cannot hold."""
    problem, zero = one.problem, np.zeros(len(plan.names), dtype=np.int64)
    # Limits on what moves have rows only after a last week.
    limits = [row for rule in plan.limits for row in rule.rows(plan, zero)]
    for row in (*limits, *problem.limits):
        _refuse_row(row)


def program_of(horizon: Horizon, spare: int = 0) -> Program:
    """Return the program of a plan over weeks, in money.

    Parameters
    ----------
    horizon
        The plan over weeks.
    spare
        Steps by which what a week may move, and what it may take, is narrowed, so that whole steps
        find room.
    """
    plan, weeks = horizon.plan, horizon.weeks
    size, count, units = len(plan.names), len(weeks), plan.money.units
    lags = kernels([channel.carryover for channel in plan.channels])
    lasting = count + len(lags) - 1
    lag = np.arange(lasting)[:, None] - np.arange(count)
    inside = (lag >= 0) & (lag < len(lags))
    kernel = np.where(inside[:, :, None], lags[np.clip(lag, 0, len(lags) - 1)], 0.0)
    worth = (1.0 + horizon.rate) ** -np.arange(lasting)
    weight, cost = objective_of(plan)
    bounds = [horizon.alone(at).bounds for at in range(count)]
    own, own_room = _changes(horizon, spare)
    across, room, exact = _across(horizon, spare)
    return Program(
        curves=horizon.curve,
        weight=(horizon.demand(lasting) * worth)[:, None] * weight,
        cost=cost[:, None] * worth[:count],
        kernel=np.ascontiguousarray(kernel.transpose(2, 0, 1)),
        carried=effective_spend(np.zeros((lasting, size)), lags, horizon.before),
        lower=np.stack([one.lower for one in bounds], axis=1) / units,
        upper=np.stack([one.upper for one in bounds], axis=1) / units,
        own=own,
        own_room=own_room,
        across=across,
        room=room,
        exact=exact,
    )


def _changes(horizon: Horizon, spare: int) -> tuple[Floats, Floats]:
    r"""Return change limits as rows, :math:`x_t - (1 + s) x_{t-1} \le 0` and downwards alike.

    A channel at zero may start again with a share of the equal share of the budget, which is no
    row; so the program never stops a channel to start it again.
    """
    plan, weeks = horizon.plan, horizon.weeks
    count, units = len(weeks), plan.money.units
    rows: list[list[tuple[Floats, float]]] = [[] for _ in plan.names]
    for at in range(1, count):
        one = weeks[at]
        for channel, rule in enumerate(one.change):
            if one.frozen[channel]:
                continue
            for share, money in ((rule.share, 0), (0, rule.money)):
                if share is None or money is None:
                    continue
                up, down = np.zeros(count), np.zeros(count)
                up[at - 1], up[at] = -(1.0 + float(share)), 1.0
                down[at - 1], down[at] = 1.0 - float(share), -1.0
                moves = float(money) - spare * plan.step_minor / units
                rows[channel] += [(up, moves), (down, moves)]
    most = max(map(len, rows))
    own, room = np.zeros((len(rows), most, count)), np.ones((len(rows), most))
    for channel, found in enumerate(rows):
        for at, (row, most_) in enumerate(found):
            own[channel, at], room[channel, at] = row, most_
    return own, room


def _across(horizon: Horizon, spare: int) -> tuple[Floats, Floats, Bools]:
    """Return totals of periods, limits of each week, freezes and limits over periods, as rows."""
    plan, weeks = horizon.plan, horizon.weeks
    shape, units = (len(plan.names), len(weeks)), plan.money.units
    rows: list[tuple[Floats, float, bool]] = []
    for period, total in enumerate(horizon.totals):
        row = np.zeros(shape)
        row[:, [at for at, one in enumerate(horizon.period) if one == period]] = 1.0
        rows.append((row, total / units, plan.spend == "all"))
    narrow = spare * plan.step_minor / units
    for at, one in enumerate(weeks):
        for limit in one.problem.limits:
            row = np.zeros(shape)
            row[:, at] = limit.money_floats
            rows.append((row, float(limit.room) - narrow * float(np.abs(row).sum()), False))
        for channel in np.flatnonzero(one.frozen) if at else ():
            row = np.zeros(shape)
            row[channel, at - 1 : at + 1] = 1.0, -1.0
            rows.append((row, 0.0, True))
    for limit, during in horizon.over:
        row = np.zeros(shape)
        row[:, list(during)] = limit.money_floats[:, None]
        rows.append((row, float(limit.room) - narrow * float(np.abs(row).sum()), False))
    table, room, exact = zip(*rows, strict=True)
    return np.stack(table), np.array(room), np.array(exact)
