"""A plan of three channels and weeks of history for it."""

import datetime as dt

import numpy as np

import budgetopt as bo

NAMES = ("百度 Baidu", "feed", "kol")
MONDAY = dt.date(2025, 3, 3)


def plan(**changes):
    channels = changes.pop("channels", [bo.Channel(n) for n in NAMES])
    return bo.Plan(**{"budget": 330, "currency": "CNY", "channels": channels, "step": 1} | changes)


def history(weeks=12, seed=3, total=False, noise=0.1, **changes):
    rng = np.random.default_rng(seed)
    spend = np.round(rng.uniform(50, 150, (weeks, 3)))
    brought = [900, 500, 300] * -np.expm1(-spend / 120)
    outcome = np.round(brought * rng.lognormal(0, noise, spend.shape))
    starts = np.datetime64(MONDAY) + 7 * np.arange(weeks)
    known = {"total": outcome.sum(axis=1)} if total else {"outcome": outcome}
    return bo.History(NAMES, starts, **{"spend": spend} | known | changes)


def changed(past, **cells):
    """Return a history with the last week's spend or outcome changed: a mapping by channel."""
    arrays = {}
    for field in ("spend", "outcome"):
        arrays[field] = getattr(past, field).copy()
        for name, value in cells.get(field, {}).items():
            arrays[field][-1, NAMES.index(name)] = value
    return bo.History(past.channels, past.weeks, **arrays)


class Fixed:
    """A policy of one's own: any object with a name and the verb."""

    name = "fixed"

    def __init__(self, *spend):
        self.spend = spend

    def decide(self, view, rng):
        return np.array(self.spend, dtype=float)
