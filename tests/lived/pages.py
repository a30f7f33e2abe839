"""Every number on a Friday's page, recomputed from the records.

`Books` is what a shop's rows, plan file and applied weeks say: money of days, budgets, reserves,
paces, limits, what is believed and the best split there is. `Page` is the text: each claim takes
its sentence off the page and holds its numbers against the books; a number left over is a failure.
Nothing here calls the code that makes pages. What is believed is learned from the weeks that were
known then; splits, prices and ranges are worked out from its curves.
"""

import datetime as dt
import math
import re
from collections import defaultdict
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from functools import cached_property

import numpy as np

import budgetopt as bo

DAY, WEEK = dt.timedelta(days=1), dt.timedelta(weeks=1)
MONEY = r"-?[\d,]+(?:\.\d+)?"
FIGURE = r"[+-]?[\d,]+(?:\.\d+)?(?:e[+-]?\d+)?"
DATE = r"\d{4}-\d\d-\d\d"
WHO = "\ue100"
NAME = "[\ue000-\ue0ff]"
DRAWS, GRID = 1000, 10


def number(text):
    return Decimal(text.replace(",", ""))


def shown(money):
    text = f"{Decimal(money):,.2f}"
    return text.removesuffix(".00")


def near(text, value, digits=6, of=0.0):
    """Say whether a figure is a value to some digits; a difference of numbers as large as of."""
    value = float(value)
    place = 1 if not value else 10.0 ** (math.floor(math.log10(abs(value))) + 1 - digits)
    return abs(float(number(text)) - value) <= 0.501 * place + 1e-9 * max(abs(value), abs(of))


def dealt(budget, days, at):
    """Return a day's part of a budget in steps of ten, running totals rounded."""
    steps = int(budget) // GRID
    assert not int(budget) % GRID
    return Decimal(
        GRID * ((2 * steps * (at + 1) + days) // (2 * days) - (2 * steps * at + days) // (2 * days))
    )


def month_of(day):
    first = day.replace(day=1)
    return first, (first + 31 * DAY).replace(day=1) - DAY


def same_month(one, other):
    return (one.year, one.month) == (other.year, other.month)


def monday_of(day):
    return day - day.weekday() * DAY


class Drawn:
    """Draws of curves that share a doubt beyond the spends of the weeks that were learned from."""

    def __init__(self, belief, rng, count):
        spent = np.where(belief.log.spend > 0, belief.log.spend, np.nan)
        self.least, self.most = np.nanmin(spent, axis=0), np.nanmax(spent, axis=0)
        self.curves, self.luck = belief.draw(rng, count), rng.standard_normal((count, 1))
        self.mean = belief.mean()

    def unseen(self, spend):
        """Return what of each channel no week saw: beyond the most, and above a straight start."""
        seen = self.mean.value(np.clip(spend, self.least, self.most))
        return self.mean.value(spend) - seen * np.minimum(spend / self.least, 1)

    def value(self, spend):
        near = np.maximum(spend, 1e-9)
        above = np.log(np.maximum(near / self.most, 1))
        below = 0.5 * np.maximum(np.log(np.minimum(near / self.least, 1)), -3)
        return self.curves.value(spend) * np.exp(
            self.luck * 0.2 * (above + below) - (0.2 * (above + below)) ** 2 / 2
        )


class Books:
    """What was known and decided on a Friday.

    Money that left the contingency, who pays for overspends, and the limits that weeks stood at are
    those of the shop, which keeps them by itself.
    """

    def __init__(self, shop, week, today):
        self.plan, self.daily, self.rows = shop.plan, shop.daily, dict(shop.rows)
        self.names, self.first = shop.plan.names, shop.first
        self.applied = {w: s for w, s in shop.applied.items() if w < week}
        self.week, self.today = week, today
        self.taken, self.answers = list(shop.taken), list(shop.answers)
        self.limits, self.before = dict(shop.limits), shop.before

    # Weeks of the history.

    @cached_property
    def weeks(self):
        """Return spend and outcome of the whole weeks, by week."""
        found, days = defaultdict(lambda: np.zeros((2, len(self.names)))), defaultdict(set)
        for (day, name), both in self.rows.items():
            found[monday_of(day)][:, self.names.index(name)] += both
            days[monday_of(day)].add(day)
        whole = 7 if self.daily else 1
        return {w: found[w] for w in sorted(found) if len(days[w]) == whole and w < self.week}

    def history(self, until=None):
        weeks = [week for week in self.weeks if until is None or week <= until]
        table = np.array([self.weeks[week] for week in weeks])
        return bo.History(self.names, np.array(weeks, "datetime64[D]"), table[:, 0], table[:, 1])

    @cached_property
    def belief(self):
        return bo.learn(self.history(), self.plan)

    def brings(self, spend):
        """Return what is expected of money by channel."""
        return self.belief.mean().value(np.array([float(spend[name]) for name in self.names]))

    @cached_property
    def drawn(self):
        return Drawn(self.belief, np.random.default_rng(0), DRAWS)

    def draws(self, spend):
        """Return what draws of what is believed bring, draws before the channels."""
        return self.drawn.value(np.array([float(spend[name]) for name in self.names]))

    def unseen(self, spend):
        """Return what of each channel's outcome no week saw."""
        return self.drawn.unseen(np.array([float(spend[name]) for name in self.names]))

    @cached_property
    def last(self):
        """Return the split that changes count from."""
        if self.applied:
            return self.applied[max(self.applied)]
        spend = list(self.weeks.values())[-1][0]
        return {name: Decimal(money) for name, money in zip(self.names, spend, strict=True)}

    # Budgets and reserves.

    def part(self, day):
        for phase in self.plan.operation.phases:
            if phase.first <= day <= phase.last:
                return dealt(phase.budget, phase.days, (day - phase.first).days)
        return dealt(self.plan.budget, 7, day.weekday())

    def exact(self, day):
        """Return the exact budget of a day, by the plan's file."""
        for phase in self.plan.operation.phases:
            if phase.first <= day <= phase.last:
                return Fraction(phase.budget) / ((phase.last - phase.first).days + 1)
        return Fraction(self.plan.budget) / 7

    def weekly(self, week):
        """Return budget and contingency of a week: phases are dealt out in whole steps of money."""
        budget = sum(self.part(week + n * DAY) for n in range(7))
        held = self.plan.reserve.contingency
        minor = math.ceil(Fraction(held.amount) * (100 * int(budget) if held.is_share else 100))
        return budget, Decimal(minor) / 100

    def spendable(self, week):
        budget, held = self.weekly(week)
        return budget - held

    def released(self, week):
        return sum(money for on, kind, money in self.taken if (on, kind) == (week, "release"))

    def built(self, until, month):
        """Return what has been held back in a month by the weeks up to one, day by day."""
        total, start = Decimal(0), self.first
        while start <= until:
            minor = int(self.weekly(start)[1] * 100)
            for n in range(7):
                if same_month(start + n * DAY, month):
                    total += (2 * minor * (n + 1) + 7) // 14 - (2 * minor * n + 7) // 14
            start += WEEK
        return total / 100

    def gone(self, until):
        return sum(m for on, _, m in self.taken if on <= until and same_month(on, until))

    def free(self, week):
        """Return contingency that may be taken in a week: no later balance falls below zero."""
        later = {on for on, _, _ in self.taken if on > week and same_month(on, week)}
        return min(self.built(on, week) - self.gone(on) for on in {week, *later})

    # Paces.

    def known_days(self, first, last):
        """Return what is known to be spent by day, by channel; weekly rows lie evenly."""
        found = {}
        for (start, name), (spend, _) in self.rows.items():
            for n in range(1 if self.daily else 7):
                if first <= (day := start + n * DAY) <= last:
                    found[day, name] = Fraction(spend) / (1 if self.daily else 7)
        return found

    def planned(self, day, name, decided):
        """Return what is planned for a channel on a day: its share of its week's split."""
        week = monday_of(day)
        split = {n: Fraction(m) for n, m in decided[max(decided)].items()}
        if week in decided:
            split, total = decided[week], None
        elif earlier := [start for start in decided if start < week]:
            split, total = decided[max(earlier)], self.spendable(week)
        else:
            # Nobody is held against a split that was decided later: it lies as it was spent.
            known = self.known_days(week, week + 6 * DAY)
            spent = {n: sum(m for (_, c), m in known.items() if c == n) for n in self.names}
            split = spent if any(spent.values()) else decided[min(decided)]
            total = self.spendable(week)
        money = Fraction(split[name])
        if total is not None:
            money *= Fraction(total) / sum(map(Fraction, split.values()))
        days = [self.exact(week + n * DAY) for n in range(7)]
        return money * self.exact(day) / sum(days)

    def paced(self, first, last, decided):
        """Return planned, spent and projected money by channel, and the projection by day."""
        days = [first + n * DAY for n in range((last - first).days + 1)]
        known, lines, daily = self.known_days(first, min(last, self.today - DAY)), {}, []
        for name in self.names:
            plan = {day: self.planned(day, name, decided) for day in days}
            seen = [day for day in days if (day, name) in known]
            spent, due = sum(known[day, name] for day in seen), sum(plan[day] for day in seen)
            rate, beside = (spent / due, 0) if due else (1, spent / len(seen) if seen else 0)
            each = [known.get((day, name), rate * plan[day] + beside) for day in days]
            lines[name] = sum(plan.values()), spent, sum(each), len(seen)
            daily.append(each)
        return lines, [sum(parts) for parts in zip(*daily, strict=True)], days

    def lined(self, first, last, decided):
        """Return what may be spent in a span, week by week as much as is planned at least."""
        total = Fraction(0)
        day = first
        while day <= last:
            week = monday_of(day)
            split = decided.get(week)
            most = self.spendable(week)
            most = max(most, sum(split.values())) if split else most
            share = self.exact(day) / sum(self.exact(week + n * DAY) for n in range(7))
            total, day = total + Fraction(most) * share, day + DAY
        return total

    # The best split.

    def silent(self):
        """Return channels without spend for three weeks: the first of them, and the usual spend."""
        spend = {week: both[0] for week, both in self.weeks.items()}
        found = {}
        for at, name in enumerate(self.names):
            some = [week for week, money in spend.items() if money[at] > 0]
            none = [week for week in spend if week > some[-1]]
            if len(none) >= 3:
                found[name] = none[0], np.mean([spend[week][at] for week in some])
        return found

    @cached_property
    def bounds(self):
        """Return least and most of each channel in steps, and the limit that each end is of."""
        phases = self.plan.operation.phases
        days = [
            sum(p.first <= self.week + n * DAY <= p.last for n in range(7)) for p in phases
        ] or [0]
        at = max(range(len(days)), key=lambda n: (days[n], n))
        rule = self.plan.max_change
        if phases and days[at] > 7 - sum(days) and phases[at].max_change is not None:
            rule = phases[at].max_change
        silent, found = self.silent(), {}
        for channel in self.plan.channels:
            last = Fraction(self.last[channel.name])
            own = channel.max_change or rule
            way = [last * Fraction(own.share)] if own.share is not None else []
            way += [Fraction(own.money)] if own.money is not None else []
            low, high = last - min(way), last + min(way)
            ends = [(low, "max change"), (high, "max change")]
            if channel.floor > low:
                ends[0] = Fraction(channel.floor), "floor"
            if channel.cap is not None and channel.cap < high:
                ends[1] = Fraction(channel.cap), "cap"
            if channel.locked is not None:
                ends = [(Fraction(channel.locked), "lock")] * 2
            low, high = math.ceil(ends[0][0] / GRID), math.floor(ends[1][0] / GRID)
            said = [ends[0][1], ends[1][1]]
            if channel.name in silent and channel.locked is None:
                little = max(low, 1, math.floor(0.1 * silent[channel.name][1] / GRID))
                if little < high:
                    high, said[1] = little, "cap"
            found[channel.name] = low, high, *said
        return found

    @cached_property
    def best(self):
        """Return the most that each number of steps brings, by trying all splits of it."""
        size = int(self.money) // GRID + 6
        most = np.zeros(1)
        for at, name in enumerate(self.names):
            low, high, *_ = self.bounds[name]
            spends = np.zeros((high - low + 1, len(self.names)))
            spends[:, at] = GRID * np.arange(low, high + 1)
            adds = self.belief.mean().value(spends)[:, at]
            longer = np.full(min(len(most) + high, size), -np.inf)
            for steps, more in zip(range(low, high + 1), adds, strict=True):
                end = min(len(most), len(longer) - steps)
                if end > 0:
                    part = longer[steps : steps + end]
                    np.maximum(part, most[:end] + more, out=part)
            most = longer
        return most

    @property
    def money(self):
        return self.spendable(self.week) + self.released(self.week)

    def most(self):
        """Return the most that the week's money brings."""
        return float(np.max(self.best[: int(self.money) // GRID + 1]))

    def price(self):
        """Return what the last steps of money bring at most and the next at least, a unit."""
        steps = int(self.money) // GRID
        if steps + 5 >= len(self.best):
            return 0.0, 0.0
        before, now, after = (self.best[steps + n] for n in (-5, 0, 5))
        return (after - now) / (5 * GRID), (now - before) / (5 * GRID)

    def same_money(self, total):
        """Return the last split's proportions at another total."""
        last = sum(map(float, self.last.values()))
        return {name: float(self.last[name]) * float(total) / last for name in self.names}


class Answer:
    """Who pays for what a week spent beyond its plan: others of it, contingency, or nobody."""

    def __init__(self, week, over, left, contingency, how):
        self.week, self.over, self.how, self.left = week, over, how, {}
        missing = self.total = sum(over.values())
        for name, money in left.items():
            self.left[name] = min(money, missing)
            missing -= self.left[name]
        self.contingency = min(contingency, missing)
        self.uncovered = missing - self.contingency

    def owed(self):
        """Return what is owed by channel; left-over and contingency pay in the order of names."""
        paid, owed = self.total - self.uncovered, {}
        for name, money in self.over.items():
            owed[name], paid = money - min(money, paid), paid - min(money, paid)
        return {name: money for name, money in owed.items() if money}

    def sentence(self, token):
        over = ", ".join(f"{shown(money)} in {token(name)}" for name, money in self.over.items())
        paid = [
            f"{shown(money)} that {token(name)} leaves unspent"
            for name, money in self.left.items()
            if money
        ]
        paid += [f"{shown(self.contingency)} of contingency"] * bool(self.contingency)
        total = shown(self.total)
        said = {
            "first": f"overspend of {total} in the week of {self.week} ({over})",
            "later": f"{total} still owed for the week of {self.week} ({over})",
            "revised": f"the week of {self.week} was revised: {total} more overspend ({over})",
        }[self.how]
        if not paid and self.how == "later":
            return f"overspend of {total} in the week of {self.week} ({over}) is still not covered"
        if not paid:
            return f"{said} is not covered"
        rest = f"; {shown(self.uncovered)} is not covered" if self.uncovered else ""
        return f"{said} is covered by {', '.join(paid)}{rest}"


class Page:
    """A page whose sentences are claimed one by one."""

    def __init__(self, text, names):
        self.names = names
        # Names are taken out, longest first: their digits are nobody's claim.
        for name in sorted(names, key=len, reverse=True):
            # A name may look like a number: only where a name stands it is one.
            there = rf"(?:(?<=')|(?<=: )|(?<=, )|(?<=in )|^){name}(?=  |[:',.]| has | moves )"
            pattern = there if name.isdigit() else re.escape(name).replace(r"\ ", r"\s+")
            text = re.sub(pattern, self.token(name), text, flags=re.MULTILINE)
        self.lines = text.replace("李雷 Li Lei", WHO).splitlines()

    def token(self, name):
        return chr(0xE000 + self.names.index(name))

    def name(self, token):
        return self.names[ord(token) - 0xE000]

    def take_lines(self, pattern):
        """Return the matches of the lines that match, and take them off the page."""
        found = [re.fullmatch(pattern, line) for line in self.lines]
        self.lines = [line for line, one in zip(self.lines, found, strict=True) if one is None]
        return [one for one in found if one is not None]

    def flatten(self):
        self.text = " ".join(" ".join(self.lines).split())

    def claim(self, pattern):
        """Return the groups of every sentence that matches, and take them off the page."""
        found = [one.groups() for one in re.finditer(pattern, self.text)]
        self.text = re.sub(pattern, "·", self.text)
        return found

    def one(self, pattern):
        (found,) = self.claim(pattern)
        return found

    def unclaimed(self):
        return re.findall(r"[^·]*\d[^·]*", self.text)


def rounded(money):
    return Decimal(float(money)).quantize(Decimal("0.01"), ROUND_HALF_UP)


class Held:
    """One Friday's page held against its books, its sentences in the order of the page."""

    def __init__(self, page, books, run, entries):
        self.page, self.books, self.run = Page(page, books.names), books, run
        self.entries, self.week = entries, books.week
        self.moves = {m["channel"]: m for m in run["decision"]["moves"]}
        self.split = {name: Decimal(move["after"]) for name, move in self.moves.items()}
        self.decided = books.applied | {self.week: self.split}
        self.total = sum(self.split.values())

    def all(self):
        """Hold everything; return the limits that the channels stand at."""
        limits = self.hold_split()
        self.hold_spans()
        self.hold_records()
        self.hold_state()
        self.hold_outcome()
        self.hold_against_last()
        self.hold_reserves()
        self.hold_moves()
        self.hold_alerts(limits)
        assert not self.page.unclaimed()
        return limits

    # Tables.

    def hold_split(self):
        rows = self.page.take_lines(
            rf"({NAME}|total) +({MONEY}) +({MONEY}) +(=|[+-][\d.]+%) +({MONEY})(?: +([\d.]+))?"
            r"(?:  (.+))?"
        )
        assert [self.page.name(row[1]) for row in rows[:-1]] == list(self.split)
        brings, limits = self.books.brings(self.split), {}
        total, figures = rows.pop(), [number(row[5]) for row in rows]
        self.hold_row(total, sum(self.books.last.values()), self.total, brings.sum())
        # The figures of the channels add up to that of all, each within one of its last digit.
        assert sum(figures) == number(total[5])
        for row, name, outcome in zip(rows, self.split, brings, strict=True):
            now = self.split[name]
            limit = self.hold_row(row, self.books.last[name], now, outcome, steps=1)
            low, high, at_low, at_high = self.books.bounds[name]
            wanted = at_high if now == GRID * high else at_low if now == GRID * low else None
            assert (limit and limit.strip()) == wanted, (name, limit, self.books.bounds[name])
            if wanted:
                limits[name] = wanted
        return limits

    def hold_row(self, row, last, now, outcome, steps=0.5):
        """Hold last and next money, the change, and what it brings, in all and for its money."""
        _, before, after, change, figure, ratio, limit = row.groups()
        assert (number(before), number(after)) == (last, now)
        assert change == ("=" if now == last else f"{float((now - last) / last):+.1%}")
        assert self.known(figure, outcome, steps)
        if ratio is not None:
            assert abs(float(ratio) - outcome / float(now)) <= 0.00501
        return limit

    def known(self, figure, value, steps=0.5):
        """Say whether a figure is a value, give or take steps of the range's second digit."""
        low, high = self.ends[0], self.ends[-1]
        place = 10.0 ** (math.floor(math.log10(high - low)) - 1)
        return abs(float(number(figure)) - float(value)) <= 1.002 * steps * place

    @cached_property
    def ends(self):
        """Return the ends of the range of the outcome, and its median between them."""
        drawn = self.books.draws(self.split).sum(axis=-1)
        return np.quantile(drawn, (0.05, 0.5, 0.95), method="inverted_cdf")

    def spans(self):
        today, plan = self.books.today, self.books.plan
        monday = monday_of(today)
        found = {f"week of {monday}": (monday, monday + 6 * DAY)}
        found[f"period {today:%Y-%m}"] = month_of(today)
        phases = plan.operation.phases
        found |= {
            f"phase {p.name}": (p.first, p.last) for p in phases if p.first <= today <= p.last
        }
        if phases:
            found[f"campaign {plan.name}"] = phases[0].first, phases[-1].last
        return found

    def hold_spans(self):
        for name, (first, last) in self.spans().items():
            (row,) = self.page.take_lines(rf"{re.escape(name)}  +(.*)")
            cells = re.split(r"  +", row[1].strip())
            *figures, status = cells
            lines, _, _ = self.books.paced(first, last, self.decided)
            planned, spent, projected, seen = (
                sum(each) for each in zip(*lines.values(), strict=True)
            )
            if name.startswith("week") and monday_of(first) not in self.decided:
                assert status == "no plan"
                wanted = [spent, projected] if seen else [projected]
            elif not seen:
                assert status == "no data yet"
                wanted = [planned, projected]
            else:
                pace = projected / planned
                assert status == (
                    "ahead" if pace > 1.05 else "behind" if pace < 0.95 else "on pace"
                )
                assert abs(float(figures.pop().rstrip("%")) - 100 * pace) <= 0.0501
                wanted = [planned, spent, projected]
            assert len(figures) == len(wanted), row[0]
            for figure, money in zip(figures, wanted, strict=True):
                assert abs(float(number(figure)) - money) <= 0.06, (row[0], figure, float(money))

    def hold_records(self):
        anchors = self.page.take_lines(r"  (\d+):([0-9a-f]{64})")
        head, (anchor,) = self.entries[-1], anchors
        assert anchor.groups() == (str(head.number), head.hash)
        commands = self.page.take_lines(
            rf"  .* -m budgetopt (\w+) plan.toml --ledger a.db --week ({DATE})"
            r"(?: --revision (\d+))? --who NAME"
        )
        for command in commands:
            verb, week, revision = command.groups()
            assert week == str(self.week)
            assert (revision is None) == (verb == "apply")
            assert revision in (None, str(self.run["revision"]))
        self.page.flatten()
        entry, count = self.page.one(r"Recorded as entry (\d+) of (\d+)\.")
        (proposal,) = (
            e for e in self.entries
            if (e.kind, e.week, e.revision) == ("proposal", self.week, self.run["revision"])
        )  # fmt: skip
        assert (int(entry), int(count)) == (proposal.number, head.number)

    # Sentences.

    def hold_state(self):
        state = {"approved": "approved by rule"}.get(self.run["state"], self.run["state"])
        found = self.page.one(rf"Week of ({DATE}): ([a-z ]+), revision (\d+)\.")
        assert found == (str(self.week), state, str(self.run["revision"]))
        rules, wanted = self.books.plan.operation.approval, []
        if rules is not None:
            for name, now in self.split.items():
                moved = abs(now - self.books.last[name])
                if moved > rules.move:
                    move = f"{self.page.token(name)} changes by {shown(moved)}"
                    wanted.append(f"{move}, above {shown(rules.move)}")
            if self.total > rules.total:
                wanted.append(f"the week is {shown(self.total)}, above {shown(rules.total)}")
        critical = sum(alert["severity"] == "critical" for alert in self.run["alerts"])
        wanted += [f"there are {critical} critical alerts"] * (critical > 1)
        wanted += ["there is a critical alert"] * (critical == 1)
        said = [text for (text,) in self.page.claim(r"Next: [^:]*?\(([^:]*)\):")]
        if said or wanted:
            got = [part for text in said for part in text.split("; ") if "no approval" not in part]
            assert got == wanted
        for revision, money in self.page.claim(
            rf"What changed since revision (\d+): the release from the reserve changed from 0 to "
            rf"({MONEY})\."
        ):
            assert int(revision) == self.run["revision"] - 1
            assert number(money) == self.books.released(self.week)

    def hold_outcome(self):
        money, held = self.books.money, self.books.weekly(self.week)[1]
        total, spendable, unspent, back, figure, gap = self.page.one(
            rf"({MONEY}) of ({MONEY}) CNY spent(?:, ({MONEY}) unspent)?, ({MONEY}) held back from "
            rf"this week; expected outcome ({FIGURE}) \(mean\), (?:within ({FIGURE}) % of "
            r"the best possible under the limits|the best possible under the limits)\."
        )
        assert (number(total), number(spendable)) == (self.total, money)
        assert number(unspent or "0") == money - self.total
        assert number(back) == held
        brings = float(self.books.brings(self.split).sum())
        assert self.known(figure, brings)
        # The bound is that of any money, and holds for all splits in steps.
        # The best possible is so to a millionth.
        share = float(gap) * 1.06 / 100 + 1e-9 if gap else 1.001e-6
        assert brings <= self.books.most() * (1 + 1e-9)
        assert self.books.most() <= brings * (1 + share)
        drawn = self.books.draws(self.split).sum(axis=-1)
        middle, low, high, better = self.page.one(
            rf"Outcome: median ({FIGURE}); 90% of simulations fall between ({FIGURE}) and "
            rf"({FIGURE})(?:; better than last week's split of the same money in (\d+)% of them)?\."
        )
        assert all(map(self.known, (low, middle, high), self.ends))
        last = self.books.same_money(float(self.total))
        alike = all(abs(float(self.split[name]) - last[name]) < 0.005 for name in last)
        assert alike == (better is None)
        same = self.books.draws(last).sum(axis=-1)
        assert alike or abs(float(better) - 100 * np.mean(drawn > same)) <= 0.6

    def hold_against_last(self):
        books, last = self.books, sum(self.books.last.values())
        now, then = (float(books.brings(split).sum()) for split in (self.split, books.last))
        same = float(books.brings(books.same_money(float(self.total))).sum())
        before, gain, parts = self.page.one(
            rf"Compared with last week's split of ({MONEY}): ({FIGURE}) expected outcome("
            rf"(?:, {FIGURE} of it from spending {MONEY} (?:more|less) in last "
            rf"week's proportions and {FIGURE} "
            r"from splitting that money differently)?)\."
        )
        assert number(before) == last
        assert near(gain, now - then, 3, now)
        assert bool(parts) == (abs(self.total - last) > last / 1000)
        if parts:
            money, more, way, split = re.fullmatch(
                rf", ({FIGURE}) of it from spending ({MONEY}) (more|less) .* and ({FIGURE}) .*",
                parts,
            ).groups()
            assert (number(more), way) == (
                abs(self.total - last), "more" if self.total > last else "less",
            )  # fmt: skip
            assert near(money, same - then, 3, now)
            assert near(split, now - same, 3, now)
        unseen, was = (books.unseen(split).sum() for split in (self.split, books.last))
        prior, rest = unseen - was, now - then - unseen + was
        much = abs(prior) >= max(0.1 * abs(now - then), 0.001 * now)
        found = self.page.claim(
            rf"Of this ({FIGURE}) rests on priors alone, since no week or lift test was ever at "
            rf"such spends, and ({FIGURE}) on spends that were seen\."
        )
        assert len(found) == much
        for figures in found:
            assert all(near(*pair, 3, now) for pair in zip(figures, (prior, rest), strict=True))

    def hold_reserves(self):
        month, left, built = self.page.one(
            rf"Reserves of (\d{{4}}-\d\d): contingency ({MONEY}) of ({MONEY}), test 0 of 0, "
            r"holdout 0 of 0\."
        )
        end = self.week + 6 * DAY
        there = self.books.built(self.week, self.week)
        assert month == f"{self.week:%Y-%m}", end
        assert number(built) == there
        assert number(left) == there - self.books.gone(self.week)
        released = self.page.claim(rf"Released for this week by {WHO}: ({MONEY}), a rival\.")
        assert sum(number(money) for (money,) in released) == self.books.released(self.week)
        self.hold_answers()

    def hold_answers(self):
        """Hold what is said of overspends, wherever it stands, against the answers of the books."""
        places = r"(?:Taken from the reserve|Critical|Note): "
        for answer in self.books.answers:
            said = re.escape(answer.sentence(self.page.token))
            found = self.page.claim(f"({places}){said}\\.")
            assert found or not answer.contingency
            assert ("Critical: ",) in found or not answer.uncovered or answer.how == "first"

    def hold_moves(self):
        low_price, high_price = self.books.price()
        brings, last = self.books.brings(self.split), self.books.brings(self.books.last)
        ranges = np.abs(self.books.draws(self.split) - self.books.draws(self.books.last))
        silent = self.books.silent()
        for at, name in enumerate(self.split):
            token, before, now = self.page.token(name), self.books.last[name], self.split[name]
            moved = abs(now - before)
            if not moved:
                (money,) = self.page.one(rf"{token}: stays at ({MONEY})")
                assert number(money) == now
            else:
                way, *said, why = self.page.one(
                    rf"{token}: (up|down) from ({MONEY}) to ({MONEY}) \(({FIGURE})%\)"
                    rf"((?:[:;]|, although) (?:extra {MONEY} should return|"
                    rf"cutting {MONEY} loses) {FIGURE} \({FIGURE} to {FIGURE}\)"
                    rf"(?:, with money to spare|, about what as much money earns elsewhere|"
                    rf", while as much money earns {FIGURE} elsewhere)|)"
                )
                assert way == ("up" if now > before else "down")
                assert (number(said[0]), number(said[1])) == (before, now)
                assert said[2] == f"{100 * float((now - before) / before):+.1f}"
                here = abs(float(brings[at] - last[at]))
                prices = low_price * float(moved), high_price * float(moved)
                if why:
                    self.hold_reason(why, moved, here, ranges[:, at], prices, way == "up")
                else:
                    assert name in silent
            for (since,) in self.page.claim(
                rf"nothing has been spent on it since the week of ({DATE})\."
            ):
                assert since in {str(week) for week, _ in silent.values()}

    def hold_reason(self, why, moved, here, ranges, prices, up):
        money, worth, low, high = re.search(
            rf"({MONEY}) (?:should return|loses) ({FIGURE}) "
            rf"\(({FIGURE}) to ({FIGURE})\)",
            why,
        ).groups()
        assert number(money) == moved
        assert near(worth, here, 4)
        for text, chance in ((low, 0.05), (high, 0.95)):
            assert near(text, np.quantile(ranges, chance), 4)
        # Between the price that more money has and that of the money before it.
        least, most = 0.98 * min(prices), 1.02 * max(prices)
        if "to spare" in why:
            assert least == 0
        elif "about what as much" in why:
            assert 0.99 * least <= here <= 1.01 * most
        else:
            margin = float(number(re.search(rf"much money earns ({FIGURE}) elsewhere", why)[1]))
            assert least <= margin <= most, (margin, least, most)
            assert why.startswith(":") == (up == (here > margin))

    # Alerts.

    def hold_alerts(self, limits):
        books, page = self.books, self.page
        partial = books.known_days(monday_of(books.today), books.today - DAY) if books.daily else {}
        for week, days in page.claim(
            rf"Info: the week of ({DATE}) is not over \((\d) of 7 days\) and is left out\."
        ):
            assert week == str(monday_of(books.today))
            assert int(days) == len({day for day, _ in partial})
        self.hold_lines()
        self.hold_off_pace()
        for token, limit, weeks, since in page.claim(
            rf"Warning: ({NAME}) has been at its ([a-z ]+) for (\d+) weeks?, since ({DATE})\."
        ):
            name, there = page.name(token), []
            every = books.limits | {self.week: limits}
            for week in sorted(every, reverse=True):
                if every[week].get(name) != limit:
                    break
                there.append(week)
            assert (int(weeks), since) == (len(there), str(there[-1]))
        whole = np.array(list(books.weeks.values())[-2:])
        for token, ratio, weeks, line, planned in page.claim(
            rf"Warning: ({NAME}) should be paused: ROAS of ({FIGURE}) over (\d) weeks, "
            rf"below ({FIGURE})(?:; this week still gives it ({MONEY}), [^.]*)?\."
        ):
            spend, revenue = whole[:, :, books.names.index(page.name(token))].sum(axis=0)
            assert near(ratio, revenue / spend, 4)
            assert number(planned or "0") == self.split[page.name(token)]
            assert (int(weeks), float(line)) == (2, books.plan.operation.alerts.pause_roas)
        for month, built in [
            (month, built)
            for built, month in page.claim(
                rf"Critical: all ({MONEY}) contingency of (\d{{4}}-\d\d) is used up\."
            )
        ]:
            assert month == f"{self.week:%Y-%m}"
            assert number(built) == books.gone(self.week) == books.built(self.week, self.week)
        self.hold_changes()

    def hold_lines(self):
        spans = self.spans()
        pattern = rf"(\d+)% \(({MONEY})\) of the (.*?) budget of ({MONEY}) without reserve"
        for share, amount, label, budget, day in self.page.claim(
            rf"(?:Warning|Critical): {pattern} will be spent by ({DATE})\."
        ):
            first, last = spans[label]
            self.hold_line(share, amount, budget, first, last)
            _, daily, days = self.books.paced(first, last, self.decided)
            running = np.cumsum([float(money) for money in daily])
            reached = days[int(np.searchsorted(running, float(number(amount)) - 0.02))]
            assert day == str(reached)
        for spent, share, amount, label, budget in self.page.claim(
            rf"(?:Info|Warning|Critical): ({MONEY}) is spent, (\d+)% \(({MONEY})\) or "
            rf"more of the (.*?) budget of ({MONEY}) without reserve\."
        ):
            first, last = spans[label]
            self.hold_line(share, amount, budget, first, last)
            lines, _, _ = self.books.paced(first, last, self.decided)
            money = sum(line[1] for line in lines.values())
            assert abs(float(number(spent)) - money) <= 0.02
            assert number(amount) <= number(spent)

    def hold_line(self, share, amount, budget, first, last):
        whole = float(self.books.lined(first, last, self.decided))
        assert abs(float(number(budget)) - whole) <= 0.06
        assert abs(float(number(amount)) - float(share) / 100 * whole) <= 0.06

    def hold_off_pace(self):
        monday = monday_of(self.books.today)
        lines, _, _ = self.books.paced(monday, monday + 6 * DAY, self.decided)
        for word, beyond in (("ahead of", 1), ("behind", -1)):
            said = self.page.claim(
                rf"(?:Warning|Info): {word} the week's plan: ((?:{NAME} \({MONEY} "
                rf"projected of {MONEY}\)(?:, )?)+)\."
            )
            each = rf"({NAME}) \(({MONEY}) projected of ({MONEY})\)"
            said = [found for (text,) in said for found in re.findall(each, text)]
            wanted = {
                name
                for name, (plan, _, projected, seen) in lines.items()
                if seen and monday in self.decided and beyond * (projected - plan) > 0.05 * plan
            }
            assert {self.page.name(token) for token, _, _ in said} == wanted
            for token, projected, plan in said:
                line = lines[self.page.name(token)]
                assert abs(float(number(projected)) - line[2]) <= 0.02
                assert abs(float(number(plan)) - line[0]) <= 0.02

    def revised(self):
        """Return by how much amounts of weeks changed since the last Friday, as shares."""
        old, new, found = self.books.before.weeks, self.books.weeks, {}
        for week in old:
            share = np.abs(new[week] - old[week]) / np.where(old[week], old[week], np.inf)
            if share.max() > self.books.plan.operation.alerts.revised_share:
                found[week] = share
        return found

    def hold_changes(self):
        """Hold what is said of revised weeks, collapsed responses and channels without delivery."""
        books, page = self.books, self.page
        revised = page.claim(
            rf"Warning: (?:the week of|(\d+) weeks from) ({DATE})(?: onwards)? w\w+ revised"
            rf"(?:, most of all that of ({DATE}))? \(([\d.]+)%\), in ([^.]*)\."
        )
        shares = self.revised() if revised else {}
        for count, first, most, share, channels in revised:
            top = max(shares, key=lambda week: shares[week].max())
            assert (first, int(count or 1)) == (str(min(shares)), len(shares))
            assert (most or first) == str(top)
            assert abs(float(share) - 100 * shares[top].max()) <= 0.0501
            tables = (zip(books.names, each.T, strict=True) for each in shares.values())
            changed = dict.fromkeys(n for table in tables for n, some in table if some.any())
            assert channels.split(", ") == list(map(page.token, changed))
        collapsed = (
            rf"'({NAME})' has returned far less since the week of ({DATE}): an estimated "
            r"(\d+)% of what it returned before\."
        )
        for token, week, share in page.claim(f"(?:Warning|Note): {collapsed}"):
            at = books.names.index(page.name(token))
            week = dt.date.fromisoformat(week)
            assert week in books.weeks
            # Of the beliefs of the last weeks, and of those around its fall, the one that thought
            # most of it, at last week's money.
            money, lived = list(books.weeks.values())[-1][0], list(books.weeks)
            fell = lived.index(week)
            some = sorted({*lived[-5:], *lived[max(fell - 2, 0) : fell + 1]})
            known = [bo.learn(books.history(until), books.plan) for until in some]
            *then, now = (float(one.mean().value(money)[at]) for one in known)
            # The page says a median of the level, and the mean of few outcomes lies above it.
            assert abs(float(share) / 100 - now / max(then)) <= 0.2
        for token, since, money in page.claim(
            rf"(?:Warning|Note): nothing has been spent on '({NAME})' since the week of ({DATE}): "
            rf"only ({MONEY}) is planned for it until it delivers again\."
        ):
            name = page.name(token)
            assert since == str(books.silent()[name][0])
            assert number(money) == self.split[name]
        for (week,) in page.claim(
            rf"Note: changes are measured from the week of ({DATE}), the last one "
            r"applied\."
        ):
            assert week == str(max(books.applied))
