"""From history and plan to belief."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np

from budgetopt.belief.belief import Belief
from budgetopt.belief.log import Log, Observed
from budgetopt.belief.settings import Settings
from budgetopt.curves.base import Floats
from budgetopt.errors import InputError
from budgetopt.plan import Beforehand


class Planned(Protocol):
    """What learning asks of a plan; a property `beforehand` is read where there is one."""

    @property
    def names(self) -> tuple[str, ...]:
        """Channels, in order."""

    @property
    def weekly(self) -> float:
        """Spendable money per week, above 0."""

    @property
    def outcome_unit(self) -> float | None:
        """Size of one event in units of the outcome; None where it is not known."""


def learn(history: Observed, plan: Planned, *, settings: Settings | None = None) -> Belief:
    """Return what the history says about every channel's curve.

    Parameters
    ----------
    history
        Weekly spend and outcome. Weeks that are not over are left out.
    plan
        Channels, weekly money, the size of one event of the outcome, and what is known
        beforehand: priors, kernels, delay, demand, events and lift tests.
    settings
        Grids and priors; the defaults where None.

    Returns
    -------
    Belief
        Over the plan's channels, in its order. A channel without data keeps its prior, which
        says so in `Belief.notes` and has `data_share` 0.

    Raises
    ------
    HistoryError
        ``no-data`` where no channel has anything to learn from; it names them.
    InputError
        ``bad-argument`` where the plan has no channel, or neither it nor the history any money.

    See Also
    --------
    budgetopt.belief.filter : the mathematics where each channel has its own outcome.
    budgetopt.belief.one_total : the mathematics where there is one total.
    """
    names: Sequence[str] = tuple(plan.names)
    # A paused week has no money of its own to speak of: what was usual then stands for it.
    weekly = plan.weekly or _usual_week(history.spend)
    if not names or not (np.isfinite(weekly) and weekly > 0):
        raise InputError(
            "bad-argument",
            f"the plan has {len(names)} channels and weekly money {plan.weekly}",
            field="weekly",
            value=plan.weekly,
            remedy="learn with a plan, or a history, that has channels and money to spend",
        )
    beforehand = getattr(plan, "beforehand", None) or Beforehand()
    log = Log.of(history, names, float(weekly) / len(names), plan.outcome_unit, beforehand)
    return Belief.of(log, settings or Settings(), left_out=int(np.sum(history.partial)))


def _usual_week(spend: Floats) -> float:
    """Return the mean money of a week, 0 without weeks."""
    return float(np.nansum(spend) / len(spend)) if len(spend) else 0.0
