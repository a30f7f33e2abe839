"""Learning from one total: attribution, decisions and bands on markets with a known truth.

    OMP_NUM_THREADS=1 python benchmarks/one_total.py                 # every design, 10 seeds
    OMP_NUM_THREADS=1 python benchmarks/one_total.py --seeds 3 --designs clean,noisy
    OMP_NUM_THREADS=1 python benchmarks/one_total.py --declared      # and what can be declared, is

Each design is a market of 4 to 15 channels with spends by channel and one total a week: saturating
curves, geometric carryover, a baseline with season and trend, noise, and what makes it hard. Media
bring 10 to 65 % of the total over 52 to 156 weeks; sizes go round with the seed, so that every
design has all of them. The columns:

- **error**: median over channels of the error of what the observed spends bring in steady weeks, as
  a share of the truth; **media**: the same of all channels together, believed over true;
- **free**, **30 %**: what a week decided from the mean week by the default policy (`--policy` for
  another) gains by the true curves, as a share of what the best split gains, without limits and
  within 30 % of each channel; gains are summed in shares of the media's outcome. **lose**:
  decisions that lose;
- **80**, **90**: share of bands of ROAS and marginal ROAS at the usual spend that hold the truth;
- **s**: seconds of `learn`.

Special rows: `promotions` (three weeks of +60 to 120 % while spends rise by half), `no effect`
(media bring nothing: **media** is then their believed share of the total), `split` (six channels
against the same split into 24: **media** is the ratio of the totals), `level shift` (the baseline
rises or falls by a fifth of the total in one week, and stays there).
"""

from __future__ import annotations

import argparse
import time
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np

import budgetopt as bo
from budgetopt.arrays import Floats
from budgetopt.curves import Curve, Hill

FIRST = np.datetime64("2023-01-02")
SHARES = (0.3, 0.1, 0.65, 0.2, 0.4)
"""Media's share of the total, by seed."""
SIZES = ((6, 104), (10, 156), (4, 78), (15, 130), (8, 104))
"""Channels and weeks, by seed; they move on against the shares every five seeds."""


@dataclass(frozen=True)
class Design:
    """What makes a market hard."""

    weeks: int | None = None
    noise: float = 0.05
    persistence: float = 0.0
    season: float = 0.08
    follows: float = 0.0
    bend: float = 0.0
    holidays: bool = False
    promotions: bool = False
    price: bool = False
    varied: float = 0.4
    flights: bool = False
    steep: bool = False
    effect: bool = True
    split: int = 1
    jump: float = 0.0


DESIGNS = {
    "clean": Design(noise=0.03),
    "short": Design(weeks=52),
    "holidays": Design(holidays=True),
    "bending trend": Design(bend=0.35),
    "follows season": Design(season=0.2, follows=1.5),
    "always on": Design(varied=0.1),
    "flighted": Design(flights=True),
    "price": Design(price=True),
    "noisy": Design(noise=0.15),
    "autocorrelated": Design(noise=0.06, persistence=0.7),
    "one S-shape": Design(steep=True),
    "all of it": Design(noise=0.08, persistence=0.4, season=0.15, follows=0.7, bend=0.25,
                        holidays=True, price=True, steep=True),
}  # fmt: skip
SPECIAL = {
    "promotions": Design(promotions=True),
    "no effect": Design(effect=False),
    "split": Design(split=4),
    "level shift": Design(jump=0.2),
}


class Case(NamedTuple):
    """A market with its history; what can be declared of it; and its true curves.

    `brought` is what each channel brings in each week, ``(weeks, channels)``, before a split, and
    `carry` the share of its money that goes on to the next week.
    """

    history: bo.History
    spend: Floats
    curve: Hill
    events: dict[str, list[list[str]]]
    controls: dict[str, Floats]
    total: Floats
    brought: Floats
    carry: Floats


def case_of(design: Design, seed: int) -> Case:
    """Return one market of a design."""
    rng = np.random.default_rng([17, seed])
    channels, weeks = SIZES[(seed + seed // len(SIZES)) % len(SIZES)]
    share, weeks = SHARES[seed % len(SHARES)], design.weeks or weeks
    turn = 2 * np.pi * np.arange(weeks) * 7 / 365.25
    wave = design.season * (np.sin(turn + rng.uniform(0, 6)) + 0.4 * np.sin(2 * turn))
    size = 2000.0 * rng.lognormal(0, 0.8, channels)
    spend = size * _spends(rng, design, weeks, channels) * np.exp(design.follows * wave)[:, None]
    marked, events = _events(design, weeks, rng)
    spend = spend * (1 + 0.5 * (marked > 0))[:, None]
    mean = spend.mean(axis=0)
    shape = rng.choice([0.7, 0.85, 1.0], channels)
    if design.steep:
        shape[0] = 2.5
    half = mean * rng.lognormal(0.2, 0.6, channels)
    carry = rng.uniform(0.0, 0.6, channels)
    curve = Hill(np.ones(channels), half, shape)
    brought = carried(spend, carry, curve)
    # Money is worth about as much in every channel, a factor of two apart as a rule.
    worth = mean * rng.lognormal(0, 0.6, channels) / brought.mean(axis=0)
    base, total = 1.0 - share, 1e5
    scale = share * total / (worth * brought.mean(axis=0)).sum() if design.effect else 0.0
    effect = scale * worth * brought
    trend = np.linspace(-0.1, 0.1, weeks) + design.bend * np.sin(np.linspace(0, 1.5 * np.pi, weeks))
    price = 0.06 * _persistent(rng, weeks, 0.6) * design.price
    level = base * (1 + wave + trend) * np.exp(-1.5 * price) if design.effect else 1 + wave + trend
    noise = design.noise * _persistent(rng, weeks, design.persistence)
    if design.jump:
        own = np.random.default_rng([18, seed])
        jump = own.choice([-1, 1]) * design.jump
        level = level + jump * (np.arange(weeks) >= own.integers(10, weeks - 10))
    outcome = np.maximum(total * (level + marked + noise) + effect.sum(axis=1), 0.0)
    names = tuple(f"c{at}" for at in range(channels))
    curve = Hill(scale * worth, half, shape)
    if design.split > 1:
        parts = rng.dirichlet(np.full(design.split, 4.0), channels) * np.ones((weeks, 1, 1))
        spend = (spend[:, :, None] * parts).reshape(weeks, -1)
        names = tuple(f"{name}{at}" for name in names for at in range(design.split))
    days = FIRST + 7 * np.arange(weeks)
    history = bo.History(names, days, spend.round(2), total=outcome.round(2))
    controls = {"price": np.exp(price)} if design.price else {}
    return Case(history, spend, curve, events, controls, outcome, effect, carry)


def _persistent(rng: np.random.Generator, weeks: int, share: float) -> Floats:
    """Return an autoregressive series with standard deviation 1."""
    series = rng.standard_normal(weeks)
    for at in range(1, weeks):
        series[at] = share * series[at - 1] + np.sqrt(1 - share**2) * series[at]
    return series


def _spends(rng: np.random.Generator, design: Design, weeks: int, channels: int) -> Floats:
    """Return spends around 1: persistent, and a part that all channels share."""
    common = _persistent(rng, weeks, 0.7)
    own = np.stack([_persistent(rng, weeks, 0.5) for _ in range(channels)], axis=1)
    spends: Floats = np.exp(design.varied * (0.4 * common[:, None] + 0.9 * own))
    if design.flights:
        period = rng.integers(4, 9, channels)
        on = (np.arange(weeks)[:, None] + rng.integers(0, 9, channels)) % period < period / 2
        spends = spends * on
    return spends


def _events(
    design: Design, weeks: int, rng: np.random.Generator
) -> tuple[Floats, dict[str, list[list[str]]]]:
    """Return what events add to each week's outcome, in mean totals, and how they are declared."""
    added = np.zeros(weeks)
    events: dict[str, list[list[str]]] = {}
    if design.holidays:
        for name, first in (("spring", 6), ("summer", 24), ("autumn", 44)):
            lift = rng.uniform(0.25, 0.6)
            for at in range(first, weeks, 52):
                added[at] = lift * rng.lognormal(0, 0.15)
                day = FIRST + 7 * at
                events.setdefault(name, []).append([str(day + 1), str(day + 5)])
    if design.promotions:
        added[rng.choice(weeks, 3, replace=False)] = rng.uniform(0.6, 1.2, 3)
    return added, events


def carried(spend: Floats, carry: Floats, curve: Curve) -> Floats:
    """Return outcomes of spends of which a share goes on to the next week; a steady week stays."""
    money = spend[0].copy()
    brought = np.empty_like(spend)
    for at, week in enumerate(spend):
        money = carry * money + (1 - carry) * week
        brought[at] = curve.value(money)
    return brought


class Score(NamedTuple):
    """What one learned market is like beside the truth."""

    error: Floats
    media: float
    free: tuple[float, float]
    near: tuple[float, float]
    held: Floats
    seconds: float


def plan_of(case: Case, near: bool, curve: Curve | None = None, declared: bool = False) -> bo.Plan:
    """Return a plan of the mean week: without limits, or within 30 % of each channel."""
    mean = case.spend.mean(axis=0)
    channels = []
    for at, (name, money) in enumerate(zip(case.history.channels, mean.tolist(), strict=True)):
        limits = {"floor": round(0.7 * money, 2), "cap": round(1.3 * money, 2)} if near else {}
        own = None if curve is None else curve.take(at)
        channels.append(bo.Channel(name, curve=own, **limits))
    events = case.events if declared else {}
    budget = round(float(mean.sum()), 2)
    return bo.Plan(
        budget=budget, currency="CNY", channels=channels, events=events, max_change="none"
    )


def score(case: Case, declared: bool, policy: str | None) -> Score:
    """Learn from a market and compare."""
    began = time.perf_counter()
    history = replace(case.history, controls=case.controls) if declared else case.history
    belief = bo.learn(history, plan_of(case, False, declared=declared))
    seconds = time.perf_counter() - began
    true = np.asarray(case.curve.value(case.spend)).sum(axis=0)
    told = np.asarray(belief.mean().value(case.spend)).sum(axis=0)
    mean = case.spend.mean(axis=0)
    now = float(case.curve.value(mean).sum())
    last = dict(zip(history.channels, mean.round(2).tolist(), strict=True))
    gains = []
    for near in (False, True):
        decided = bo.reallocate(
            plan_of(case, near, declared=declared),
            history,
            policy=policy,
            belief=belief,
            last=last,
            guardrails=None,
        ).allocation
        proven = bo.allocate(plan_of(case, near, case.curve))
        chosen, best = (np.array(list(a.spend.values()), dtype=float) for a in (decided, proven))
        gains.append(tuple(float(case.curve.value(s).sum()) / now - 1 for s in (chosen, best)))
    usual = belief.usual_spend
    truths = case.curve.value(usual), case.curve.slope(usual)
    held = [
        (band.low <= truth) & (truth <= band.high)
        for level in (0.8, 0.9)
        for band, truth in zip(
            (belief.response(usual, level), belief.marginal(usual, level)), truths, strict=True
        )
    ]
    error = np.abs(told - true) / true
    return Score(error, told.sum() / true.sum(), gains[0], gains[1], np.array(held), seconds)


HEAD = ("design", "error", "media", "free", "lose", "30 %", "lose", "80 roas", "mroas",
        "90 roas", "mroas", "s")  # fmt: skip


def row_of(name: str, scores: list[Score]) -> list[Any]:
    """Return the figures of some markets."""

    def decided(pairs: list[tuple[float, float]]) -> tuple[str, str]:
        gain, best = np.array(pairs).T
        return f"{gain.mean() / best.mean():.0%}", f"{np.mean(gain < -1e-6):.0%}"

    held = np.concatenate([one.held for one in scores], axis=1).mean(axis=1)
    return [
        name,
        f"{np.median(np.concatenate([one.error for one in scores])):.0%}",
        f"{np.mean([one.media for one in scores]):.2f}",
        *decided([one.free for one in scores]),
        *decided([one.near for one in scores]),
        *(f"{held[at]:.0%}" for at in (0, 1, 2, 3)),
        f"{np.median([one.seconds for one in scores]):.2f}",
    ]


def media_share(case: Case) -> float:
    """Return the believed share of media in a market's total."""
    belief = bo.learn(case.history, plan_of(case, False))
    return float(np.asarray(belief.mean().value(case.spend)).sum() / case.total.sum())


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--designs", default=",".join([*DESIGNS, *SPECIAL]))
    parser.add_argument("--declared", action="store_true")
    parser.add_argument("--policy")
    given = parser.parse_args()
    print("| " + " | ".join(HEAD) + " |\n|" + "---|" * len(HEAD))
    ordinary: list[Score] = []
    for name in given.designs.split(","):
        design = (DESIGNS | SPECIAL)[name]
        cases = [case_of(design, seed) for seed in range(given.seeds)]
        if name == "no effect":
            cells = [name, "", f"{np.mean([media_share(case) for case in cases]):.3f}"]
        elif name == "split":
            whole = [media_share(case_of(replace(design, split=1), s)) for s in range(len(cases))]
            ratio = np.array([media_share(case) for case in cases]) / whole
            cells = [name, "", f"{ratio.min():.2f}–{ratio.max():.2f}"]
        else:
            scores = [score(case, given.declared, given.policy) for case in cases]
            cells = row_of(name, scores)
            ordinary += scores if name in DESIGNS else []
        print("| " + " | ".join(cells + [""] * (len(HEAD) - len(cells))) + " |", flush=True)
    if ordinary:
        print("| " + " | ".join(row_of("**all**", ordinary)) + " |")
        for share in sorted(SHARES):
            mine = [s.media for at, s in enumerate(ordinary) if
                    SHARES[at % given.seeds % len(SHARES)] == share]  # fmt: skip
            if mine:
                print(f"true share {share:.0%}: media {np.mean(mine):.2f} of the truth")


if __name__ == "__main__":
    main()
