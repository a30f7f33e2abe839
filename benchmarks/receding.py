"""A receding horizon in the closed loop, beside the plan made once with the same information.

    python benchmarks/receding.py [runs]

Twelve channels with carryover, 26 weeks with 1.4 times the usual money and 1.5 times the usual
demand in two of them, and at most 30 % more or less than the week before. True curves are drawn for
each run from what 40 weeks of history teach. Outcomes are expected ones over the 26 weeks; times
are processor time.

- Known curves: every week decided anew by the best 13 weeks ahead, beside the best plan of all 26
  weeks made once, and beside the week alone;
- learned curves: the posterior mean, learning week by week, in the same three ways.
"""

from __future__ import annotations

import datetime as dt
import sys
import time
from dataclasses import replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

import budgetopt as bo
from budgetopt.belief import Belief, Settings
from budgetopt.curves import Curve
from budgetopt.history import History
from budgetopt.horizon import LookAhead
from budgetopt.market import Drift, Market, Noise, believed_market
from budgetopt.simulation import Simulation

CHANNELS, WEEKS, PAST, AHEAD = 12, 26, 40, 13
START = dt.date(2026, 12, 7)
_BATCH = 256
"""Runs that are planned side by side."""


class Shop(NamedTuple):
    """A plan, its past, what was learned of it, and the market that is believed in."""

    plan: bo.Plan
    history: History
    belief: Belief
    market: Market


def shop(seed: int = 0) -> Shop:
    """Return a plan with its past."""
    rng = np.random.default_rng(seed)
    names = tuple(f"c{at:02d}" for at in range(CHANNELS))
    channels = [
        bo.Channel(name, carryover=bo.Carryover("geometric", share=float(rng.uniform(0.05, 0.7))))
        for name in names
    ]
    first = START + dt.timedelta(weeks=11)
    burst = bo.Phase("burst", first, first + dt.timedelta(days=13), 2 * 84_000)
    plan = bo.Plan(budget=60_000, currency="CNY", channels=channels, max_change="30%",
                   operation=bo.Operation(phases=[burst]),
                   demand={START + dt.timedelta(weeks=at): 1.5 for at in (11, 12)})  # fmt: skip
    truth = bo.Hill(np.exp(rng.normal(6, 0.4, CHANNELS)), np.exp(rng.normal(9, 0.4, CHANNELS)), 1.0)
    past = Market.of_plan(plan, truth, noise=Noise.lognormal(0.2))
    spend = 5_000 * np.exp(rng.normal(0, 0.4, (PAST, CHANNELS)))
    spend[-1] = 5_000
    spend = np.round(spend, 2)
    state, outcomes = past.begin(), []
    for week, money in zip(past.weather(PAST, 1, seed), spend, strict=True):
        state, out = past.step(state, money, week)
        outcomes.append(np.broadcast_to(out.outcome, (1, CHANNELS))[0])
    days = np.array([START - dt.timedelta(weeks=PAST - at) for at in range(PAST)], "datetime64[D]")
    history = History(names, days, spend, np.round(outcomes, 2))
    belief = bo.learn(history, plan, settings=Settings.fast())
    market = believed_market(plan, belief, start=START, drift=Drift())
    return Shop(plan, history, belief, market)


def made_once(given: Shop, curves: Curve, runs: int) -> NDArray[np.float64]:
    """Return the best plan of all weeks, ``(runs, channels, weeks)``."""
    weeks = [bo.Week(START).shift(at) for at in range(WEEKS)]
    ahead = LookAhead.of(given.plan, weeks)
    last = given.history.spend[-1]
    lower, upper = (np.repeat(share * last[None], runs, axis=0) for share in (0.7, 1.3))
    past = np.repeat(given.history.spend[None], runs, axis=0)
    found = ahead.best_weeks(curves, lower, upper, np.full(runs, 60_000.0), past)
    assert found.found.all()
    return found.spend


def earned(given: Shop, runs: int, *, known: bool) -> float:
    """Return what plans made once bring by the true curves, on average over the runs."""
    total = 0.0
    for first in range(0, runs, _BATCH):
        some = min(_BATCH, runs - first)
        weather = given.market.weather(WEEKS, some, 7, first_run=first)
        curves = weather.truth if known else given.belief.mean()
        spend = made_once(given, curves, some)
        state = given.market.begin(given.history.spend)
        for week in weather:
            state, out = given.market.step(state, spend[:, :, week.number - 1], week)
            total += float(np.sum(out.expected))
    return total / runs


def closed(given: Shop, runs: int, horizon: int) -> Simulation:
    """Return the closed loop with a horizon, of learned curves and of known ones."""
    return bo.simulate(replace(given.plan, horizon=horizon), given.market, ["posterior-mean"],
                       weeks=WEEKS, runs=runs, seed=7, history=given.history,
                       regret=True)  # fmt: skip


def expected(found: Simulation, name: str) -> float:
    """Return what a policy's years bring on average."""
    return float(found.records[name].expected.sum(axis=1).mean())


def main() -> None:
    """Print the table."""
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    given = shop()
    print(
        f"| {runs:,} runs x {WEEKS} weeks x {CHANNELS} channels | known curves | learned curves |"
    )
    print("|---|---|---|")
    once = [earned(given, runs, known=known) for known in (True, False)]
    print(f"| plan of {WEEKS} weeks made once | {once[0]:,.1f} | {once[1]:,.1f} |")
    for weeks in (AHEAD, 1):
        begun = time.process_time()
        found = closed(given, runs, weeks)
        seconds = time.process_time() - begun
        mine = [expected(found, name) for name in ("clairvoyant", "posterior-mean")]
        shares = [one / plan for one, plan in zip(mine, once, strict=True)]
        print(f"| every week, {weeks} ahead | {mine[0]:,.1f} ({shares[0]:.2%}) | "
              f"{mine[1]:,.1f} ({shares[1]:.2%}) |")  # fmt: skip
        print(f"| of both, processor time | {seconds:.1f} s | |")
        print("\n".join(f"note: {note}" for note in found.notes))


if __name__ == "__main__":
    main()
