"""A plan of three channels, weeks of history for it, and a ledger whose clock is set by hand."""

import datetime as dt

import numpy as np

import budgetopt as bo
from budgetopt.ledger import Ledger
from budgetopt.workflow import run_week

NAMES = ("search", "feed", "kol")
MONDAY = dt.date(2026, 1, 5)
WEEK = dt.timedelta(weeks=1)
FIRST = MONDAY + 12 * WEEK
"""The week after those of `history`."""


class Clock:
    """A clock that goes a second forward whenever it is read."""

    def __init__(self):
        self.now = dt.datetime(2026, 1, 2, 15, tzinfo=dt.UTC)

    def __call__(self):
        self.now += dt.timedelta(seconds=1)
        return self.now


def plan(operation=None, **changes):
    settings = {
        "budget": 3300,
        "currency": "CNY",
        "channels": [bo.Channel(name) for name in NAMES],
        "step": 1,
        "reserve": bo.Reserve(contingency=300),
        "operation": operation,
    }
    return bo.Plan(**settings | changes)


def curves(spend):
    return [9000, 5000, 3000] * -np.expm1(-np.asarray(spend) / 1200)


def history(weeks=12, seed=3, first=MONDAY, **changes):
    rng = np.random.default_rng(seed)
    spend = np.round(rng.uniform(600, 1300, (weeks, 3)))
    outcome = np.round(curves(spend) * rng.lognormal(0, 0.1, spend.shape))
    starts = np.datetime64(first) + 7 * np.arange(weeks)
    return bo.History(NAMES, starts, **{"spend": spend, "outcome": outcome} | changes)


def after(past, spend, outcome=None, **changes):
    """Return a history with one more week."""
    spend = np.array([[float(spend[name]) for name in NAMES]])
    outcome = np.round(curves(spend)) if outcome is None else np.atleast_2d(outcome)
    return bo.History(
        NAMES,
        np.append(past.weeks, past.weeks[-1] + np.timedelta64(7, "D")),
        spend=np.vstack([past.spend, spend]),
        outcome=np.vstack([past.outcome, outcome]),
        **changes,
    )


def revised(past, week, factor, name="feed"):
    """Return a history in which what a channel brought in one week is another figure."""
    outcome = past.outcome.copy()
    at = int(np.flatnonzero(past.weeks == np.datetime64(week))[0])
    outcome[at, NAMES.index(name)] = round(outcome[at, NAMES.index(name)] * factor)
    return bo.History(past.channels, past.weeks, spend=past.spend, outcome=outcome)


def ledger(tmp_path, clock=None):
    return Ledger.open(tmp_path / "budget.ledger", clock=clock or Clock())


def run(book, declared=None, past=None, *, today=FIRST, **settings):
    past = history() if past is None else past
    declared = plan() if declared is None else declared
    return run_week(declared, past, book, who="cron", today=today, **settings)
