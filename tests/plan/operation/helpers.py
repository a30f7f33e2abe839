"""A plan of two channels with an operation."""

import datetime as dt

import budgetopt as bo
from budgetopt.calendar import Week

day = dt.date.fromisoformat


def week(start):
    return Week(day(start))


def phase(name="burst", first="2026-11-02", last="2026-11-11", budget=1000, **more):
    return {"name": name, "first": first, "last": last, "budget": budget} | more


def plan(*phases, freezes=(), **changes):
    """Return a plan of 700 a week; a week with nothing special has 100 a day."""
    channels = changes.pop("channels", [bo.Channel("a"), bo.Channel("b")])
    operation = {"phases": list(phases), "freezes": list(freezes)}
    fields = {"budget": 700, "currency": "CNY", "channels": channels, "operation": operation}
    return bo.Plan(**fields | changes)
