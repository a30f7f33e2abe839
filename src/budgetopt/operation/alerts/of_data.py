"""What is wrong with the data: stale, incomplete, not over, revised."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from math import isfinite

import numpy as np

from budgetopt.calendar import Week, as_date
from budgetopt.history import Delay, History
from budgetopt.operation.alerts.alert import Alert, Severity
from budgetopt.operation.record.histories import Difference, Revised
from budgetopt.plan.operation import AlertRules
from budgetopt.words import say

_FRESH = 4
"""Weeks after which a channel that is not reported any more is no longer waited for."""
_CRITICAL = 2
"""Times the days at which data count as stale, from which on nothing should be decided by them."""


def stale(rules: AlertRules, history: History, today: dt.date) -> Iterator[Alert]:
    """Yield that the last whole week ended `AlertRules.stale_days` ago or longer."""
    whole = np.flatnonzero(~history.partial)
    if not whole.size:
        said = say("the history has no whole week")
        yield Alert("data-stale", "critical", said, key="data-stale:none")
        return
    end = Week(as_date(history.weeks[whole[-1]], "week")).end
    days = (today - end).days
    if days < rules.stale_days:
        return
    said = say("the last whole week ended on {end}, {days} days ago", end=end, days=days)
    severity: Severity = "critical" if days >= _CRITICAL * rules.stale_days else "warning"
    # The worse one is news again.
    yield Alert("data-stale", severity, said, (("days", days),), key=f"data-stale:{end}:{severity}")


def incomplete(history: History) -> Iterator[Alert]:
    """Yield the weeks of late that lack days, and channels whose last report is missing."""
    through = history.through
    for at in range(max(history.weeks.size - _FRESH, 0), history.weeks.size):
        week = Week(as_date(history.weeks[at], "week"))
        if history.partial[at] and through is not None and week.end <= through:
            said = say("the week of {week} is over, but lacks days", week=week.start)
            yield Alert("data-incomplete", "warning", said, key=f"data-incomplete:{week.start}")
    whole = np.flatnonzero(~history.partial)
    if not whole.size:
        return
    last = int(whole[-1])
    known = np.isfinite(history.spend)
    if history.outcome is not None:
        known &= np.isfinite(history.outcome)
    waited = known[max(last - _FRESH, 0) : last].any(axis=0) & ~known[last]
    names = tuple(n for n, gone in zip(history.channels, waited, strict=True) if gone)
    start = as_date(history.weeks[last], "week")
    if names:
        template = "the week of {week} has no report of {channels}"
        said = say(template, week=start, channels=names)
        key = f"data-incomplete:{start}:{','.join(names)}"
        count = (("channels", float(len(names))),)
        yield Alert("data-incomplete", "warning", said, count, names, key)


def not_over(history: History) -> Iterator[Alert]:
    """Yield that the last week is still running: it is left out until it is over."""
    if not (history.partial.size and history.partial[-1]):
        return
    week, through = Week(as_date(history.weeks[-1], "week")), history.through
    if through is not None and week.end <= through:
        return
    days = 0 if through is None else max((through - week.start).days + 1, 0)
    figures: tuple[tuple[str, float], ...] = (("days", float(days)),)
    template = "the week of {week} is not over, {days} of its 7 days are there; it is left out"
    said = say(template, week=week.start, days=days)
    if not days:
        # It has a row, and nobody says through which day.
        said, figures = say("the week of {week} is not over; it is left out", week=week.start), ()
    yield Alert("week-not-over", "info", said, figures, key=f"week-not-over:{week.start}")


def revised(
    rules: AlertRules, history: History, difference: Difference, delay: Delay | None = None
) -> Iterator[Alert]:
    """Yield which whole weeks changed by more than a share, and which are gone.

    With a delay, weeks whose outcomes were still arriving when they were last seen, up to a week
    ago, are expected to change, and pass.
    """
    changed = [
        one
        for one in difference.revised
        if one.share > rules.revised_share and not _arriving(one, history, delay)
    ]
    name = history.fingerprint[:16]
    if changed:
        yield _changed(changed, f"history-revised:{name}")
    if difference.gone:
        first, gone = difference.gone[0], len(difference.gone)
        said = say("the week of {first} is not in the history any more", first=first)
        if gone > 1:
            template = "{count} weeks from {first} on are not in the history any more"
            said = say(template, count=gone, first=first)
        count = (("weeks", float(gone)),)
        yield Alert("history-revised", "critical", said, count, key=f"history-revised:{name}:gone")


def _changed(changed: list[Revised], key: str) -> Alert:
    names = tuple(dict.fromkeys(name for one in changed for name in one.channels))
    most = max(changed, key=lambda one: one.share)
    figures: tuple[tuple[str, float], ...] = (("weeks", float(len(changed))),)
    share: str = say("from nothing")
    if isfinite(most.share):
        figures, share = (*figures, ("share", most.share)), f"{most.share:.1%}"
    values = {"week": most.week, "share": share, "channels": names or say("the total")}
    said = say("the week of {week} was revised ({share}), in {channels}", **values)
    if len(changed) > 1:
        template = (
            "{count} weeks from {first} on were revised, most that of {week} ({share}), "
            "in {channels}"
        )
        said = say(template, count=len(changed), first=changed[0].week, **values)
    return Alert("history-revised", "warning", said, figures, names, key)


def _arriving(one: Revised, history: History, delay: Delay | None) -> bool:
    """Return whether a week's outcomes may have been arriving still a week ago."""
    if delay is None or history.through is None:
        return False
    return (history.through - Week(one.week).end).days / 7 - 1 < delay.ages[-1]
