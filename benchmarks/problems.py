"""Seeded problems that the benchmarks share."""

from __future__ import annotations

import numpy as np

from budgetopt import Channel, Exponential, Hill, Log, Logistic, Plan, Power
from budgetopt.curves import Curve

KINDS = ("hill", "exponential", "mixed")


def curves(count: int, kind: str, seed: int = 7) -> list[Curve]:
    """Return concave curves around a spend of 100 a week."""
    rng = np.random.default_rng(seed)
    made: list[Curve] = []
    for number in range(count):
        top, scale = rng.lognormal(5, 0.6), rng.lognormal(4.6, 0.7)
        shape = rng.uniform(0.6, 1.0)
        members = (
            Hill(top, scale, shape),
            Exponential(top, scale),
            Log(top, scale),
            Power(top, scale, 0.6),
            Logistic(top, scale),
        )
        made.append(members[{"hill": 0, "exponential": 1}.get(kind, number % 5)])
    return made


def plan(count: int, kind: str, seed: int = 7) -> Plan:
    """Return a plan with floors, caps and 100 money a channel."""
    rng = np.random.default_rng(seed)
    channels = [
        Channel(
            f"channel {number}",
            floor=round(float(rng.uniform(0, 20)), 2),
            cap=round(float(rng.uniform(150, 400)), 2),
            curve=curve,
        )
        for number, curve in enumerate(curves(count, kind, seed))
    ]
    return Plan(budget=100 * count, currency="CNY", channels=channels)


def arrays(count: int, kind: str, seed: int = 7) -> tuple[Curve, np.ndarray, np.ndarray, float]:
    """Return curves over an array of channels with bounds and a budget, without objects."""
    rng = np.random.default_rng(seed)
    top, scale = rng.lognormal(5, 0.6, count), rng.lognormal(4.6, 0.7, count)
    shape = rng.uniform(0.6, 1.0, count)
    made: dict[str, Curve] = {
        "exponential": Exponential(top, scale),
        "hill 1": Hill(top, scale, np.ones(count)),
        "hill": Hill(top, scale, shape),
        "logistic": Logistic(top, scale),
        "power": Power(top, scale, shape - 0.1),
    }
    return made[kind], rng.uniform(0, 20, count), rng.uniform(150, 400, count), 100.0 * count
