"""A receding horizon in the closed loop, beside the plan made once with the same information.

    python benchmarks/receding.py [runs]

Twelve channels with carryover, 26 weeks with 1.4 times the usual money and 1.5 times the usual
demand in two of them, and at most 30 % more or less than the week before. True curves are drawn for
each run from what 40 weeks of history teach, and stay what they are. Outcomes are expected ones
over the 26 weeks; times are processor time.

The plan made once is the best there is by what is counted: it knows that nothing counts after the
last week, which the weeks ahead do not, and so its outcome by known curves is one that no money
within the limits exceeds.

- Known curves: every week decided anew by the best 13 weeks ahead, beside the best plan of all 26
  weeks made once, and beside the week alone;
- learned curves: the posterior mean, learning week by week, in the same three ways; the plan made
  once knows what was learned before the first week. Last its share of the best by known curves.
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
import budgetopt.simulation
from budgetopt.belief import Belief, Settings
from budgetopt.curves import Curve
from budgetopt.history import History
from budgetopt.horizon import LookAhead
from budgetopt.market import Drift, Market, Noise, believed_market

CHANNELS, WEEKS, PAST, AHEAD = 12, 26, 40, 13
START = dt.date(2026, 12, 7)
_BATCH = 64
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
    """Return the best plan by the outcomes of all weeks, ``(runs, channels, weeks)``."""
    weeks = [bo.Week(START).shift(at) for at in range(WEEKS)]
    ahead = LookAhead.of(given.plan, weeks)
    # What is spent works after the last week, too, but that is not counted.
    counted = {name: getattr(ahead.program, name)[:WEEKS] for name in ("weight", "carried")}
    kernel = np.ascontiguousarray(ahead.program.kernel[:, :WEEKS])
    ahead = replace(ahead, program=replace(ahead.program, kernel=kernel, **counted))
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


def closed(given: Shop, runs: int, horizon: int, *, known: bool) -> tuple[float, float, list[str]]:
    """Return what the closed loop brings on average, its processor time, and notes.

    Known curves are those of the clairvoyant, beside a plan that costs no time.
    """
    plan = replace(given.plan, horizon=horizon)
    player = bo.simulation.Schedule(given.history.spend[-1]) if known else bo.PosteriorMean()
    begun = time.process_time()
    found = bo.simulate(plan, given.market, player, weeks=WEEKS, runs=runs, seed=7,
                        history=given.history, regret=known)  # fmt: skip
    seconds = time.process_time() - begun
    record = found.records["clairvoyant" if known else player.name]
    return float(record.expected.sum(axis=1).mean()), seconds, [str(note) for note in found.notes]


def main() -> None:
    """Print the table."""
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    given, best = shop(), 0.0
    print(f"| {runs:,} runs x {WEEKS} weeks x {CHANNELS} channels | outcome | share | of the best "
          "| time |")  # fmt: skip
    print("|---|---|---|---|---|")
    for known in (True, False):
        word = "known curves" if known else "learned curves"
        begun = time.process_time()
        once = earned(given, runs, known=known)
        best = best or once
        print(f"| {word}, plan of {WEEKS} weeks made once | {once:,.1f} | 100 % | "
              f"{once / best:.2%} | {time.process_time() - begun:.1f} s |", flush=True)  # fmt: skip
        for horizon in (AHEAD, 1):
            mine, seconds, notes = closed(given, runs, horizon, known=known)
            print(f"| {word}, every week, {horizon} ahead | {mine:,.1f} | {mine / once:.2%} | "
                  f"{mine / best:.2%} | {seconds:.1f} s |", flush=True)  # fmt: skip
            print("\n".join(f"note: {note}" for note in notes), flush=True)


if __name__ == "__main__":
    main()
