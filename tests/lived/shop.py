"""A shop that lives an example on the command line, week by week.

Money is simulated: what is applied is spent on the days as the plan budgets them, and brings what
the curves of the example's own script say.
"""

import csv
import datetime as dt
import json
import math
import random
import shutil
import subprocess
import sys
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import pytest

import budgetopt as bo
from budgetopt.cli import main
from budgetopt.ledger import Ledger
from budgetopt.workflow import state_of

from .pages import DAY, WEEK, Answer, Books, Held

EXAMPLES = Path(__file__).parents[2] / "examples"
WHO = "李雷 Li Lei"


def script(name):
    """Return what the script of an example knows of its market."""
    source = {"__name__": "made"}
    exec((EXAMPLES / name / "make_history.py").read_text("utf-8"), source)
    return source


class Shop:
    """An example in a folder of its own, its history as it comes about, and its commands."""

    def __init__(self, name, folder, capsys, first, events=()):
        shutil.copytree(EXAMPLES / name, folder, dirs_exist_ok=True)
        self.folder, self.capsys, self.first, self.events = folder, capsys, first, dict(events)
        self.plan = bo.Plan.load(folder / "plan.toml")
        self.daily = self.plan.columns.rows == "daily"
        self.market, self.random = script(name), random.Random(7)
        self.head, *lines = (folder / "history.csv").read_text("utf-8").splitlines()
        self.rows = {}
        for day, channel, spend, revenue in csv.reader(lines):
            self.rows[dt.date.fromisoformat(day), channel] = float(spend), float(revenue)
        self.known = max(day for day, _ in self.rows)
        self.applied, self.pages, self.limits = {}, [], {}
        self.taken, self.answers, self.answered, self.owed = [], [], {}, {}
        self.before, self.overspent = None, self.events.get("overspent", 0)

    def now(self, event, week):
        return self.events.get(event) == (week - self.first) // WEEK

    def since(self, event, week):
        return event in self.events and (week - self.first) // WEEK >= self.events[event]

    # What comes about.

    def budget(self, day):
        """Return the exact budget of a day, by the plan's file."""
        for phase in self.plan.operation.phases:
            if phase.first <= day <= phase.last:
                return Fraction(phase.budget) / ((phase.last - phase.first).days + 1)
        return Fraction(self.plan.budget) / 7

    def split(self, week):
        """Return what is really spent in a week: as applied last, and what happens to it."""
        last = [start for start in self.applied if start <= week]
        if last:
            spends = {n: float(m) for n, m in self.applied[max(last)].items()}
        else:
            spends = {n: self.usual(week, n) for n in self.plan.names}
        if self.since("nothing", week):
            spends[self.plan.names[2]] = 0.0
        if self.now("overspent", week):
            spends[self.plan.names[0]] += 6000
        return spends

    def usual(self, week, channel):
        """Return the money of the last seven days that are known."""
        days = sorted(day for day, name in self.rows if name == channel and day < week)
        days = days[-7:] if self.daily else days[-1:]
        return round(sum(self.rows[day, channel][0] for day in days))

    def live(self, until):
        """Write what is spent and brought up to a day."""
        week = self.known if self.daily else self.known + WEEK
        week -= week.weekday() * DAY
        while week <= until:
            spends = self.split(week)
            days = [week + n * DAY for n in range(7)] if self.daily else [week]
            weights = [float(self.budget(day)) for day in days]
            for channel, money in spends.items():
                done = 0
                for day, share in zip(days, self.running(weights), strict=True):
                    part, done = round(money * share) - done, round(money * share)
                    if self.known < day <= until and (self.daily or week + 6 * DAY <= until):
                        revenue = self.brings(channel, part, day, len(days))
                        self.rows[day, channel] = float(part), revenue
            week += WEEK
        self.known = max(day for day, _ in self.rows)
        for event in ("revised", "corrected"):
            if event in self.events and until >= self.first + (self.events[event] + 1) * WEEK:
                self.revise(event)
        lines = [f"{d},{n},{s:.0f},{r:.0f}" for (d, n), (s, r) in sorted(self.rows.items())]
        text = "\n".join([self.head, *lines]) + "\n"
        (self.folder / "history.csv").write_text(text, encoding="utf-8")

    def running(self, weights):
        return [sum(weights[: n + 1]) / sum(weights) for n in range(len(weights))]

    def brings(self, channel, spend, day, parts):
        _, most, scale, *_ = self.market["CHANNELS"][channel]
        mean = most / parts * -math.expm1(-parts * spend / scale) * self.market["demand"](day)
        if channel == self.plan.names[1] and self.since("collapsed", day):
            mean *= 0.1
        return max(0, round(self.random.gauss(mean, math.sqrt(mean)))) * 120.0

    def revise(self, event):
        """Let orders of the first week arrive late, or more turn out to be spent, once."""
        del self.events[event]
        week = self.first + WEEK * self.overspent * (event == "corrected")
        for (day, name), (spend, revenue) in list(self.rows.items()):
            if week <= day < week + WEEK and event == "revised":
                self.rows[day, name] = spend, revenue * 1.2 // 120 * 120
        if event == "corrected":
            spend, revenue = self.rows[week, self.plan.names[0]]
            self.rows[week, self.plan.names[0]] = spend + 300, revenue

    # What is typed, and read.

    @property
    def text(self):
        """Return all pages on one line."""
        return " ".join(" ".join(page.split()) for _, page in self.pages)

    def run(self, *words):
        """Return exit code and output of a command, in this process or in one of its own."""
        if self.capsys is None:
            command = [sys.executable, "-m", "budgetopt", *map(str, words)]
            done = subprocess.run(command, cwd=self.folder, capture_output=True, encoding="utf-8")
            assert done.stderr == ""
            return done.returncode, done.stdout
        with pytest.raises(SystemExit) as done:
            main([str(word) for word in words])
        said = self.capsys.readouterr()
        assert said.err == ""
        return done.value.code, said.out

    def friday(self, week):
        """Live one Friday: history, page, approval, what is applied."""
        today = week - 3 * DAY
        self.live(today - DAY)
        files = ("plan.toml", "--history", "history.csv", "--ledger", "a.db", "--as-of", today)
        on = ("plan.toml", "--ledger", "a.db", "--week", week)
        if self.now("skipped", week):
            return
        code, page = self.run("week", *files)
        self.answer(week, today)
        again = self.run("week", *files)
        assert again[1].splitlines() == page.splitlines()
        assert again[0] == code
        if self.now("released", week):
            self.run("release", *on, "--amount", 500, "--why", "a rival", "--who", WHO)
            self.taken.append((week, "release", Decimal(500)))
            code, page = self.run("week", *files)
            self.answer(week, today)
        run = json.loads(self.run("week", *files, "--json")[1])
        self.pages.append((week, page))
        critical = any(alert["severity"] == "critical" for alert in run["alerts"])
        assert code == (7 if critical else 0 if run["decision"]["moves"] else 5)
        books = Books(self, week, today)
        with Ledger.open("a.db") as ledger:
            entries = ledger.entries()
        self.limits[week] = Held(page, books, run, entries).all()
        moved = [e.data["movement"] for e in entries if e.kind == "release"]
        assert sum(Decimal(m["amount"]) for m in moved) == sum(m for _, _, m in self.taken)
        self.before, self.answers = books, []
        if run["state"] != "approved":
            assert self.run("approve", *on, "--who", WHO)[0] == 0
        else:
            assert not critical
        assert self.run("apply", *on, "--who", WHO)[0] == 0
        with Ledger.open("a.db") as ledger:
            assert ledger.verify().good
            applied = state_of(ledger, week).applied.data["spend"]
        self.applied[week] = {name: Decimal(money) for name, money in applied.items()}

    # The books.

    def answer(self, week, today):
        """Keep who pays for what earlier weeks spent beyond their plan, as a run must answer it."""
        books = Books(self, week, today)

        def add(over_week, over, left, on, how):
            answer = Answer(over_week, over, left, books.free(on), how)
            if answer.contingency:
                books.taken.append((on, "overspend", answer.contingency))
            self.answers.append(answer)
            self.taken = books.taken
            return answer

        for start, over in self.owed.items():
            self.owed[start] = add(start, over, {}, week, "later").owed()
        for start, split in books.applied.items():
            if start not in books.weeks:
                continue
            spent = dict(zip(books.names, map(Decimal, books.weeks[start][0]), strict=True))
            known = self.answered.get(start, split)
            over = {n: spent[n] - known[n] for n in split if spent[n] > known[n]}
            left = {n: known[n] - spent[n] for n in split if spent[n] < known[n]}
            if not over:
                continue
            how = "revised" if start in self.answered else "first"
            answer = add(start, over, left, start, how)
            self.answered[start] = spent
            owed = self.owed.setdefault(start, {})
            for name, money in answer.owed().items():
                owed[name] = owed.get(name, 0) + money
        self.owed = {start: over for start, over in self.owed.items() if over}
