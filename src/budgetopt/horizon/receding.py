"""The first week of the best plan of several weeks, for many runs at once.

A receding horizon decides every week anew: the best plan of so many weeks ahead is worked out, its
first week is taken, and the next week's plan starts from what came. `LookAhead` is that for the
weeks that begin with a dated one; its runs share the plan, and differ in curves, in the first
week's limits and in what was spent before. All go through the interior point of `interior` side by
side, whose batch of one a plan of weeks is.

Where this stops: curves that are not concave, channels that are off or at least so much, and limits
that count channels or read outcomes are not solved in a batch, and are refused. Nothing is rounded.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import ClassVar, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from budgetopt.arrays import Bools, Floats
from budgetopt.calendar import Week
from budgetopt.curves import Curve, Log, Mixture, Panels, as_spend, effective_spend, kernels
from budgetopt.errors import SolverError
from budgetopt.horizon.build import Horizon, program_of
from budgetopt.horizon.interior import Program, solve
from budgetopt.messages import say
from budgetopt.plan import Plan

NEAR = 1e-5
"""Gap, as a share of the objective, to which a plan ahead is solved: far below what a week's noise
hides, and two thirds of the rounds of a plan that is printed."""
_PROVEN = 1e-4
"""Gap up to which a plan ahead is taken."""
_KEPT = 1e-4
"""Share of the money by which its rows may be missed."""
_ROUNDS = 30
"""Most rounds: runs whose weeks cannot be kept end in none."""
_FADED = 1e-3
"""Share of a week's money below which it works in a later week unseen by the weeks ahead."""
_LOWEST = 1e-6
"""Share of the most that may be spent from which curves are read; below, they go straight to 0."""


class BestWeeks(NamedTuple):
    """Money of all weeks, ``(runs, channels, weeks)``, and in which runs a plan was found.

    Rows hold but for a millionth of the money.
    """

    spend: Floats
    found: Bools


@dataclass(frozen=True, eq=False)
class LookAhead:
    """Weeks ahead that runs share.

    Parameters
    ----------
    program
        The weeks without what is a run's own.
    lags
        Weights of carryover by lag, ``(lags, channels)``.
    from_zero
        Money that a channel at zero in the first week may start with in the second; infinite where
        no share of a change limit says so.
    """

    program: Program
    lags: Floats
    from_zero: Floats

    @classmethod
    def of(cls, plan: Plan, weeks: Sequence[Week]) -> LookAhead:
        """Return the weeks of a plan.

        Raises
        ------
        SolverError
            ``wrong-method`` for channels that are off or at least so much, and for limits that
            hold one week at a time.
        InfeasibleError
            Where a week cannot be kept by itself.
        """
        size = len(plan.names)
        if any(plan.minimums_minor):
            raise _refused("least-spend-ahead", "channels.off_or_at_least")
        nothing = np.zeros((0, size))
        any_curve = Log(np.ones(size), np.ones(size))
        horizon = Horizon.of(plan, any_curve, weeks, nothing.astype(np.int64), None, nothing,
                             "week", 0.0, {})  # fmt: skip
        from_zero = np.full(size, np.inf)
        if len(weeks) > 1:
            second = horizon.weeks[1]
            for at, rule in enumerate(second.change):
                if rule.from_zero is not None:
                    from_zero[at] = float(rule.from_zero)
                elif rule.share is not None:
                    from_zero[at] = float(rule.share) * (second.money // size) / plan.money.units
        lags = kernels([channel.carryover for channel in plan.channels])
        program = program_of(horizon)
        works = np.flatnonzero(program.kernel.max(axis=(0, 2)) > _FADED)
        lasting = max(int(works[-1]) + 1, len(weeks))
        seen = replace(
            program,
            weight=program.weight[:lasting],
            kernel=np.ascontiguousarray(program.kernel[:, :lasting]),
            carried=program.carried[:lasting],
        )
        return cls(seen, lags, from_zero)

    def best_weeks(
        self, curves: Curve, lower: Floats, upper: Floats, budget: Floats, before: Floats
    ) -> BestWeeks:
        """Return the best plan of every run.

        Parameters
        ----------
        curves
            Expected outcome of a week of usual demand, over the channels or ``(runs, channels)``.
        lower, upper
            Limits of the first week, ``(runs, channels)``.
        budget
            Its money, ``(runs,)``.
        before
            Money of the weeks before, oldest first, ``(runs, weeks, channels)``.

        Raises
        ------
        SolverError
            ``wrong-method`` for curves that are not concave.
        """
        program = self._by_run(curves, lower, upper, budget, before)
        with np.errstate(all="ignore"):
            solved = solve(program, NEAR, _ROUNDS)
            short = solved.bound - program.value(solved.spend)
            proven = short <= _PROVEN * np.abs(solved.bound)
            over = program.use(solved.spend) - program.room
            over = np.where(program.exact, np.abs(over), over).max(axis=1, initial=0.0)
            own = program.own_use(solved.spend) - program.own_room
            over = np.maximum(over, own.max(axis=(1, 2), initial=0.0))
        found = proven & (over <= _KEPT * np.maximum(budget, budget.max()))
        return BestWeeks(np.clip(solved.spend, program.lower, program.upper), found)

    def _by_run(
        self, curves: Curve, lower: Floats, upper: Floats, budget: Floats, before: Floats
    ) -> Program:
        """Return the program of all runs."""
        shared, runs = self.program, len(budget)
        low, high, own_room, room = (
            np.repeat(one[None], runs, axis=0)
            for one in (shared.lower, shared.upper, shared.own_room, shared.room)
        )
        low[:, :, 0], high[:, :, 0] = lower, upper
        room[:, 0] = budget
        # A channel that is closed now may come back, as it may after a week without money.
        starts = (shared.own[:, :, 0] < 0) & (shared.own[:, :, 1:2].sum(axis=2) > 0)
        closed = (upper <= 0.0)[:, :, None] & starts
        limited = closed & np.isfinite(self.from_zero)[:, None]
        own_room = np.where(limited, self.from_zero[:, None], own_room)
        path = np.nan_to_num(before[:, max(before.shape[1] - len(self.lags) + 1, 0) :])
        nothing = np.zeros((len(shared.weight), runs, lower.shape[1]))
        carried = effective_spend(nothing, self.lags, path.transpose(1, 0, 2))
        most = max(float(high.max()), float(carried.max()))
        return replace(shared, curves=_read_often(curves, most, nothing.shape[1:]), lower=low,
                       upper=high, own_room=own_room, room=room, carried=carried)  # fmt: skip


def _read_often(curves: Curve, most: float, shape: tuple[int, ...]) -> Curve:
    """Return curves that are read quickly at many spends of every run."""
    if not (curves.cells.concave if isinstance(curves, Mixture) else curves.concave):
        raise _refused("curves-ahead", "curves")
    if not isinstance(curves, Mixture):
        return _ByWeek(curves)
    weights = np.asarray(curves.weights)
    wide = np.broadcast_to(weights, (*shape, weights.shape[-1]))
    sampled = Mixture(curves.cells, wide).sampled(_LOWEST * most, most)
    return _ByWeek(curves) if sampled is None else Panels.of(sampled)


@dataclass(frozen=True, eq=False)
class _ByWeek(Curve):
    """Curves over runs and channels, read at the spends of one week after another."""

    curves: Curve
    kind: ClassVar[str] = "by-week"

    def value(self, spend: ArrayLike) -> Floats:
        """Return the outcomes."""
        return np.stack([self.curves.value(week) for week in as_spend(spend)])

    def slope(self, spend: ArrayLike) -> Floats:
        """Return the slopes."""
        return np.stack([self.curves.slope(week) for week in as_spend(spend)])

    def slope_decay(self, spend: ArrayLike) -> Floats:
        """Return the slopes' decays."""
        return np.stack([self.curves.slope_decay(week) for week in as_spend(spend)])

    def spend_at_slope(self, slope: ArrayLike) -> Floats:
        """Return spends at slopes, week by week."""
        return np.stack([self.curves.spend_at_slope(week) for week in as_spend(slope)])

    @property
    def concave(self) -> bool:
        """As the curves."""
        return self.curves.concave


def _refused(problem: str, field: str) -> SolverError:
    return SolverError("wrong-method", say(problem), field=field,
                       remedy=say("remedy-horizon-of-one"))  # fmt: skip
