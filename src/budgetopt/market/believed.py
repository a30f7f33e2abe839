"""A market as it is believed to be: true curves drawn from a belief, noise and drift as learned."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from budgetopt.belief import Belief
from budgetopt.market.dynamics import Drift
from budgetopt.market.market import Market
from budgetopt.market.noise import Noise
from budgetopt.plan import Plan


def believed_market(plan: Plan, belief: Belief, **settings: Any) -> Market:
    """Return the market of a plan as a belief has it.

    Each run draws one true curve for each channel, so that what is not known differs between runs
    as far as it is in doubt. Noise and drift are those that were learned, on average; outcomes are
    counted where the plan says what one event is; reports come as late as the plan declares for
    all channels.

    Parameters
    ----------
    plan
        Gives names, carryover, size of an event and delay.
    belief
        What was learned of its channels.
    settings
        Parameters of `Market`, in place of what is learned.

    Raises
    ------
    InputError
        ``bad-argument`` where the belief is of other channels.

    Notes
    -----
    Seasons, demand that all channels share, and delays of single channels are left out, and what
    is learned is taken to hold in the weeks to come. Drift is one number for all channels.
    """
    rows = belief.summary()
    usual = belief.settings.usual_noise
    noise = tuple(usual if row.noise is None else row.noise.mean for row in rows)
    drift = float(np.mean([0.0 if row.drift is None else row.drift.mean for row in rows]))
    known: dict[str, Any] = {
        "noise": noise_of(plan, noise),
        "drift": Drift(drift),
        "delay": _delay(plan),
    }
    return Market.of_plan(plan, belief, **known | settings)


def noise_of(plan: Plan, sd: float | tuple[float, ...]) -> Noise:
    """Return lognormal noise, counted where the plan says what one event is."""
    if plan.outcome_unit is None:
        return Noise.lognormal(sd)
    return Noise.both(sd, unit=plan.outcome_unit)


def _delay(plan: Plan) -> tuple[float, ...]:
    """Return the shares reported by the end of a week, of the next, and so on."""
    if plan.delay is None or plan.delay.channels:
        return ()
    ages = np.arange(math.ceil(plan.delay.ages[-1]) + 1)
    shares = plan.delay.share(ages)
    # Nothing is known of reports that are younger than the youngest age.
    return tuple(np.nan_to_num(shares).tolist())
