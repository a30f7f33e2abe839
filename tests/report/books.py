"""What the pages of a ledger must say, from its entries and the history, by arithmetic of its own.

`Records` reads the plain data of entries and the rows of the history; money is exact, paces,
reserves and warning lines are those of `tests/lived`, which knows no page.
"""

import datetime as dt
import json
import math
from decimal import Decimal
from fractions import Fraction
from types import SimpleNamespace

import numpy as np

from ..lived.pages import DAY, WEEK, Books


def money_of(values):
    """Return an amount of a history exactly."""
    return Decimal(repr(float(values)))


class WeeklyBooks(Books):
    """Books of weekly rows: the money of a week is spread over its days as planned."""

    def known_days(self, first, last):
        found = {}
        for (start, name), (spend, _) in self.rows.items():
            days = [start + n * DAY for n in range(7)]
            whole = sum(map(self.exact, days))
            shares = {day: Fraction(spend) * self.exact(day) / whole for day in days}
            found |= {(day, name): m for day, m in shares.items() if first <= day <= last}
        return found


class Records:
    """A plan, its ledger and the history by then, as the page of a week sees them."""

    def __init__(self, declared, book, past, week):
        self.plan, self.names, self.week = declared, past.channels, week
        self.entries = book.entries()
        self.days = [day.astype(object) for day in past.weeks.astype("datetime64[D]")]
        count = sum(day <= week for day in self.days)
        self.weeks = self.days[:count]
        self.spend, self.outcome = past.spend[:count], past.outcome[:count]
        self.currency, self.named = declared.currency, declared.outcome
        self.measure = "ROAS" if self.named == "revenue" else "CPA"

    def of_week(self, week, *kinds):
        """Return the entries of a week of some kinds, oldest first."""
        return [e for e in self.entries if e.week == week and e.kind in kinds]

    def newest(self, week):
        """Return the newest revision of a week; None where there is none."""
        return (self.of_week(week, "proposal", "edit") or [None])[-1]

    def decided(self, week):
        """Return the decision of the newest revision as plain data; None where there is none."""
        entry = self.newest(week)
        return None if entry is None else json.loads(entry.data["decision"])

    def split(self, week):
        """Return what was applied in a week, or else its newest revision, by channel."""
        found = [*self.of_week(week, "applied")[-1:], self.newest(week)][:1]
        spend = {} if found[0] is None else found[0].data["spend"]
        return {name: Decimal(spend[name]) for name in self.names if name in spend}

    def spent(self, weeks, name=""):
        """Return money of a channel, or of all, in some weeks."""
        at = [self.weeks.index(week) for week in weeks]
        names = [name] if name else self.names
        cells = (self.spend[row, self.names.index(one)] for row in at for one in names)
        return sum(map(money_of, cells), Decimal(0))

    def came(self, weeks, name=""):
        """Return the outcome of a channel, or of all, in some weeks."""
        at = [self.weeks.index(week) for week in weeks]
        columns = [self.names.index(one) for one in ([name] if name else self.names)]
        return math.fsum(self.outcome[np.ix_(at, columns)].ravel().tolist())

    def returns(self, weeks, name=""):
        """Return what money brings, or what one outcome costs where they are counted."""
        above, below = self.came(weeks, name), float(self.spent(weeks, name))
        if self.measure == "CPA":
            above, below = below, above
        return above / below if below else None

    def rows(self):
        """Return the names of a table's rows as arguments: every channel, and all of them."""
        return (*self.names, "")

    def books(self, week=None, today=None):
        """Return the books of the run of a week; by default those of the page itself."""
        at = self.week + WEEK if week is None else week
        today = min(self.weeks[-1] + WEEK, self.week + WEEK) if today is None else today
        rows = {
            (day, name): (float(self.spend[row, column]), float(self.outcome[row, column]))
            for row, day in enumerate(self.weeks)
            for column, name in enumerate(self.names)
            if day < at
        }
        # The reserve is built from the first week that the ledger knows.
        first = min(e.week for e in self.entries if e.week is not None)
        decided = {e.week for e in self.entries if e.kind == "applied"}
        shop = SimpleNamespace(
            plan=self.plan, daily=False, rows=rows, first=first, taken=self.taken(), answers=[],
            applied={w: self.split(w) for w in decided if w < at}, limits={}, before=None,
        )  # fmt: skip
        return WeeklyBooks(shop, at, today)

    def taken(self):
        """Return what left the contingency: the week it counts for, why, and how much."""
        moves = [e.data["movement"] for e in self.entries if e.kind == "release"]
        return [(dt.date.fromisoformat(m["on"]), m["kind"], Decimal(m["amount"])) for m in moves]

    def known_splits(self):
        """Return what is decided by week, up to the page's own."""
        weeks = {e.week for e in self.entries if e.kind == "proposal" and e.week <= self.week}
        return {week: self.split(week) for week in sorted(weeks)}

    def in_days(self, first, last, of):
        """Return spend or outcome of some days, weeks that lie partly in them by their days."""
        total = 0.0
        for row, start in enumerate(self.weeks):
            days = sum(first <= start + n * DAY <= last for n in range(7))
            total += days / 7 * float(getattr(self, of)[row].sum())
        return total
