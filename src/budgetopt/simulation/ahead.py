"""Weeks ahead in a simulation: the first week of the best plan of several, as a live week takes it.

Where no plan ahead is found in a run, its week is decided by itself, and counted.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from budgetopt.arrays import Bools, Floats
from budgetopt.curves import Curve
from budgetopt.optimize import fit_spend, in_demand
from budgetopt.simulation.contingency import WeekLimits
from budgetopt.simulation.job import Job


class Ahead:
    """What a decider takes for the best split: of the week, or of the plan of weeks it begins.

    Parameters
    ----------
    job
        Says how many weeks the plan looks ahead.
    """

    def __init__(self, job: Job) -> None:
        self._job = job
        self.alone: Bools = np.zeros(1, dtype=bool)

    def best(
        self,
        number: int,
        curves: Curve,
        limits: WeekLimits,
        before: Floats,
        weekly: Callable[[Curve], Floats],
        demand: float = 1.0,
    ) -> Floats:
        """Return the best splits of some runs, ``(runs, channels)``.

        Parameters
        ----------
        number
            The week, from 1 on.
        curves
            Of a week of some demand, over the channels or ``(runs, channels)``.
        limits
            Of the week.
        before
            Money of the weeks so far, ``(runs, weeks, channels)``.
        weekly
            Returns the best splits of the week alone.
        demand
            Demand that the curves are of.
        """
        ahead = self._job.ahead_of(number)
        if ahead is None:
            return weekly(curves)
        lower, upper, budget, _, _ = limits
        usual = in_demand(curves, 1.0 / demand, lower.shape[1])
        found = ahead.best_weeks(usual, lower, upper, budget, before)
        spend_all = self._job.plan.spend == "all"
        first = fit_spend(found.spend[:, :, 0], lower, upper, budget, all_=spend_all)
        self.alone = ~found.found
        return first if found.found.all() else np.where(self.alone[:, None], weekly(curves), first)
