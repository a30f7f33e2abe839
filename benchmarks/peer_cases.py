"""The seeded plans of `peers`: Hill curves around a spend of 100 money a week and channel.

`stated` says one in the form of the answer book, which is what the peers are given.
"""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

import budgetopt as bo

Floats = NDArray[np.float64]


def stated(plan: bo.Plan, best: float) -> dict[str, Any]:
    """Return a plan of this file in the form of the answer book, with the proven best."""
    channels, limits = [], []
    for channel in plan.channels:
        curve = {part: float(getattr(channel.curve, part)) for part in ("top", "half", "shape")}
        line = {
            "name": channel.name,
            "least": Fraction(channel.floor),
            "most": Fraction(channel.cap),
        }
        if channel.off_or_at_least is not None:
            line["off_or_at_least"] = Fraction(channel.off_or_at_least)
        channels.append({**line, "curve": {"kind": "hill", **curve}})
    every = dict.fromkeys(plan.names, 1)
    limits.append({"name": "budget", "amounts": every, "at_most": Fraction(plan.budget)})
    for group in plan.limits:
        word = "at_most" if group.at_least is None else "at_least"
        room = Fraction(getattr(group, word))
        limits.append({"name": group.name, "amounts": dict.fromkeys(group.where, 1), word: room})
    goal = {"sense": "maximise", "outcomes": 1}
    answer = {"value": Fraction(best)}
    return {"name": "", "goal": goal, "channels": channels, "limits": limits, "answer": answer}


def _hills(count: int, seed: int, shape: float | None) -> tuple[Floats, Floats, Floats]:
    rng = np.random.default_rng(seed)
    top, half = rng.lognormal(5, 0.6, count), rng.lognormal(4.6, 0.7, count)
    mixed = rng.uniform(0.6, 1.0, count)
    return top, half, mixed if shape is None else np.full(count, shape)


def _channels(hills: tuple[Floats, ...], lower: Floats, upper: Floats) -> list[bo.Channel]:
    rows = zip(*hills, lower, upper, strict=True)
    return [
        bo.Channel(f"channel {at}", floor=low, cap=high, curve=bo.Hill(top, half, shape))
        for at, (top, half, shape, low, high) in enumerate(
            tuple(float(number) for number in row) for row in rows
        )
    ]


def _bounds(count: int, seed: int) -> tuple[Floats, Floats]:
    rng = np.random.default_rng(seed + 1000)
    return rng.uniform(0, 20, count).round(2), rng.uniform(150, 400, count).round(2)


def concave(count: int, shape: float | None = None, groups: int = 0, seed: int = 7) -> bo.Plan:
    """Return shapes of 0.6 to 1 (or one shape) with floors, caps, a budget and group limits."""
    hills, (lower, upper) = _hills(count, seed, shape), _bounds(count, seed)
    rng = np.random.default_rng(seed + 2000)
    spread = (upper - lower) * rng.random(count)
    inside = lower + spread * (100.0 * count - lower.sum()) / spread.sum()
    inside = np.clip(inside, lower, upper)
    limits = _groups(rng, inside, groups)
    channels = _channels(hills, lower, upper)
    return bo.Plan(budget=100 * count, currency="CNY", channels=channels, limits=limits)


def _groups(rng: np.random.Generator, inside: Floats, groups: int) -> list[bo.plan.Rule]:
    """Return caps and floors of overlapping groups that one split keeps, every channel in five."""
    members = max(3, 5 * inside.size // max(groups, 1))
    limits = []
    for number in range(groups):
        chosen = np.sort(rng.choice(inside.size, members, replace=False))
        used, name = float(inside[chosen].sum()), f"group {number}"
        where = [f"channel {at}" for at in chosen]
        if rng.random() < 0.4:
            floor = math.floor(100 * used * rng.uniform(0.8, 1.0)) / 100
            limits.append(bo.Limit.group(name, where, at_least=floor))
        else:
            cap = math.ceil(100 * used * rng.uniform(1.0, 1.3)) / 100
            limits.append(bo.Limit.group(name, where, at_most=cap))
    return limits


def s_shaped(count: int, seed: int) -> bo.Plan:
    """Return Hill curves of shape 3 with caps of six times the equal share."""
    hills = _hills(count, seed, 3.0)
    channels = _channels(hills, np.zeros(count), np.full(count, 600.0))
    return bo.Plan(budget=100 * count, currency="CNY", channels=channels)


def off_or_on(shape: float | None, count: int = 50, groups: int = 20, seed: int = 7) -> bo.Plan:
    """Return channels of which every other is off or gets at least 60 to 150, under groups."""
    hills, (lower, upper) = _hills(count, seed, shape), _bounds(count, seed)
    rng = np.random.default_rng(seed + 3000)
    some = np.arange(count) % 2 == 0
    least = np.where(some, rng.uniform(60, 150, count).round(2), 0.0)
    lower = np.where(some, 0.0, lower)
    on = some & (rng.random(count) < 0.5)
    inside = np.where(on, least, lower)
    spread = (upper - inside) * rng.random(count) * (on | ~some)
    inside = inside + spread * min(1.0, (100.0 * count - inside.sum()) / spread.sum())
    limits = _groups(rng, inside, groups)
    channels = [
        bo.Channel(c.name, floor=c.floor, cap=c.cap, curve=c.curve, off_or_at_least=minimum or None)
        for c, minimum in zip(_channels(hills, lower, upper), least.tolist(), strict=True)
    ]
    return bo.Plan(budget=100 * count, currency="CNY", channels=channels, limits=limits)


def history(count: int, *, total: bool, weeks: int = 104) -> tuple[bo.History, bo.Plan]:
    """Return weeks of channels with an outcome each, or with one total, and a plan for them."""
    rng = np.random.default_rng(5)
    spend = rng.lognormal(4.6, 0.4, (weeks, count))
    scale = rng.lognormal(4.6, 0.5, count)
    outcome = 300 * -np.expm1(-spend / scale) * rng.lognormal(0, 0.2, spend.shape)
    names = tuple(f"channel {number}" for number in range(count))
    record = bo.History(
        channels=names,
        weeks=np.datetime64("2024-01-01") + 7 * np.arange(weeks),
        spend=spend,
        outcome=None if total else outcome,
        total=2000 + outcome.sum(axis=1) if total else None,
        partial=np.zeros(weeks, dtype=bool),
    )
    channels = [bo.Channel(name, cap=300) for name in names]
    return record, bo.Plan(budget=100 * count, currency="CNY", channels=channels, max_change="none")
