"""A year is lived: every Friday on what really came, with all that happens to a team in between."""

import datetime as dt
from collections import Counter
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest

import budgetopt as bo
from budgetopt.belief import Settings
from budgetopt.curves import Exponential, Hill, Log
from budgetopt.market import Market, Noise
from budgetopt.workflow import reject, run_week, state_of, states_of
from budgetopt.workflow.approval import apply, approve, edit, release

from ..helpers import MONDAY, WEEK, ledger

NAMES = ("baidu", "douyin", "kol", "wecom")
BUDGET, SHARE, HELD = 8000, Decimal("0.3"), Decimal("0.05")
BEFORE = 16

# What happens, by the number of the week.
YEAR = {
    "rejected": (7,),
    "edited": (10, 31),
    "skipped": (14,),
    "revised": (18,),
    "overspent": (22, 36),
    "promotion": (27, 28),
    "released": (33,),
    "rival": (41,),
    "frozen": (45,),
    "corrected": (47,),
}
QUARTER = {
    "rejected": (1,),
    "edited": (2, 9),
    "skipped": (3,),
    "revised": (4,),
    "overspent": (5, 8),
    "promotion": (6, 7),
    "released": (9,),
    "rival": (10,),
    "frozen": (11,),
    "corrected": (4,),
}


class Team:
    """The plan, the market, the ledger, and what came of every week."""

    def __init__(self, tmp_path, weeks, happens):
        self.happens, self.weeks = happens, weeks
        self.first = MONDAY + BEFORE * WEEK
        self.plan = self.planned()
        self.book = ledger(tmp_path)
        curves = [Log(9000, 1500), Exponential(8000, 2500), Hill(6000, 3000, 0.8), Log(2500, 700)]
        self.market = Market(channels=NAMES, curves=curves, noise=Noise.lognormal(0.15))
        self.weather = list(self.market.weather(weeks=BEFORE + weeks, runs=1, seed=11))
        self.state = self.market.begin()
        self.spend, self.outcome = [], []
        rng = np.random.default_rng(2)
        for week in range(BEFORE):
            self.live(week, np.round(rng.uniform(1200, 2400, len(NAMES))))
        self.belief = bo.learn(self.past(), self.plan, settings=Settings.fast())
        self.applied, self.exact, self.paid = {}, {}, []

    def planned(self):
        start, last = (self.first + at * WEEK for at in self.happens["promotion"])
        (frozen,) = (self.first + at * WEEK for at in self.happens["frozen"])
        operation = {
            "phases": [
                {
                    "name": "618",
                    "first": str(start),
                    "last": str(last + dt.timedelta(days=6)),
                    "budget": 20000,
                    "kind": "burst",
                    "max_change": 0.6,
                }
            ],
            "freezes": [
                {"name": "launch", "first": str(frozen), "last": str(frozen), "channels": ["kol"]}
            ],
            "approval": {"move_share": 0.25, "approvers": ["ann"]},
            "releases": [{"when": "scenario", "share": 0.5, "scenario": "rival"}],
        }
        return bo.Plan(
            budget=BUDGET,
            currency="CNY",
            channels=[bo.Channel(name, floor=100) for name in NAMES],
            max_change=SHARE,
            reserve=bo.Reserve(contingency="5%"),
            step=1,
            operation=operation,
        )

    def live(self, week, spend):
        self.state, came = self.market.step(self.state, spend, self.weather[week])
        self.spend.append(np.asarray(spend, dtype=float))
        self.outcome.append(np.round(np.ravel(came.outcome)))

    def past(self):
        starts = np.datetime64(MONDAY) + np.arange(len(self.spend)) * np.timedelta64(7, "D")
        return bo.History(NAMES, starts, spend=self.spend, outcome=self.outcome)

    def is_now(self, name, week):
        return week in self.happens[name]

    def friday(self, week, **settings):
        start = self.first + week * WEEK
        self.belief = self.belief.updated(self.past())
        scenarios = ["rival"] if self.is_now("rival", week) else []
        given = {"who": "cron", "today": start, "belief": self.belief, "scenarios": scenarios}
        return run_week(self.plan, self.past(), self.book, **given | settings)

    def week(self, number):
        start = self.first + number * WEEK
        if self.is_now("revised", number):
            self.outcome[-3][1] = round(self.outcome[-3][1] * 1.08)
        if self.is_now("skipped", number):
            self.live(BEFORE + number, self.spend[-1])
            return
        if self.is_now("released", number):
            left = release(self.book, self.plan, 150, who="ann", why="a rival", today=start)
            self.paid.append((start, Decimal(150)))
            assert left.contingency.balance >= 0
        found = self.friday(number)
        head = self.book.head
        again = self.friday(number)
        assert self.book.head == head
        assert again.decision.to_json() == found.decision.to_json()
        self.paid += [
            (one.on, one.amount) for one in found.released if (one.on, one.amount) not in self.paid
        ]
        assert found.balances.contingency.balance == balance(self, start)
        if self.is_now("rejected", number):
            reject(self.book, self.plan, start, who="bob", why="too bold")
            assert self.friday(number).state == "rejected"
            found = self.friday(number, seed=1)
            assert found.state in ("proposed", "approved")
        if self.is_now("edited", number):
            spends = dict(found.decision.allocation.spend)
            other = {"douyin": spends["douyin"] - 20, "wecom": spends["wecom"] + 10}
            made = edit(
                self.book,
                self.plan,
                self.past(),
                start,
                other,
                who="bob",
                why="agreed with the shop",
                belief=self.belief,
            )
            assert made.decision.allocation.spend == spends | other
        if state_of(self.book, start).state != "approved":
            with pytest.raises(bo.InputError, match="not among the approvers"):
                approve(self.book, self.plan, start, who="bob")
            approve(self.book, self.plan, start, who="ann")
        self.really(number, start)

    def really(self, number, start):
        state = state_of(self.book, start)
        spends = {n: Decimal(m) for n, m in state.current.data["spend"].items()}
        self.exact[start] = spends
        if self.is_now("corrected", number):
            apply(self.book, self.plan, start, who="ann")
            spends = {**spends, "kol": spends["kol"] - 1}
            apply(self.book, self.plan, start, who="ann", spends=spends, why="a slip of the pen")
        else:
            with pytest.raises(bo.InputError, match="not among the approvers"):
                apply(self.book, self.plan, start, who="bob")
            apply(self.book, self.plan, start, who="ann")
        self.applied[start] = spends
        delivered = np.array([float(spends[name]) for name in NAMES])
        if self.is_now("overspent", number):
            delivered[0] += 90
            self.paid.append((start, Decimal(90)))
        self.live(BEFORE + number, delivered)


def part_of(minor, days):
    """Return what the first days of a week have of its money, to the minor unit."""
    return (2 * minor * days + 7) // 14


def balance(team, start):
    """Return contingency in the month that a week begins in, counted from nothing but the plan."""
    month = (start.year, start.month)
    built, week = 0, min([start, *team.applied])
    while week <= start:
        minor = int(Fraction(HELD) * team.plan.budget_of(week, week + dt.timedelta(days=6)))
        for day in range(7):
            on = week + dt.timedelta(days=day)
            if (on.year, on.month) == month:
                built += part_of(minor, day + 1) - part_of(minor, day)
        week += WEEK
    taken = sum(money for on, money in team.paid if (on.year, on.month) == month and on <= start)
    return Decimal(built) / 100 - taken


def within_limits(team, start):
    """Hold an applied split against budget, floors, change limits and freezes, by hand."""
    spends, number = team.exact[start], (start - team.first) // WEEK
    promotion = team.is_now("promotion", number)
    earlier = [week for week in team.applied if week < start]
    if earlier:
        last = team.applied[max(earlier)]
        share = Decimal("0.6") if promotion else SHARE
        for name, money in spends.items():
            assert abs(money - last[name]) <= share * last[name]
        if team.is_now("frozen", number):
            assert spends["kol"] == last["kol"]
    minor = team.plan.budget_of(start, start + dt.timedelta(days=6))
    assert minor == (1000000 if promotion else BUDGET * 100)
    released = sum(
        Decimal(entry.data["movement"]["amount"])
        for entry in team.book.entries(kinds=("release",), week=start)
        if entry.data["movement"]["kind"] == "release"
    )
    most = Decimal(minor) / 100 * (1 - HELD) + released
    assert sum(spends.values()) <= most
    assert all(money >= 100 for money in spends.values())


def hold(team, number):
    """Hold every invariant of the ledger after a week."""
    book, start = team.book, team.first + number * WEEK
    verified = book.verify()
    assert verified.problems == ()
    assert verified.head == book.head
    states = {one.week: one for one in states_of(book)}
    assert set(states) == set(team.applied)
    for week, state in states.items():
        # The last week applied is not over yet; what came of those before it is known.
        assert state.state == ("applied" if week == max(team.applied) else "measured")
        assert state == state_of(book, week)
        spent = team.spend[BEFORE + (week - team.first) // WEEK]
        if state.measured is not None:
            assert state.measured.data["spend"] == dict(zip(NAMES, spent, strict=True))
    proposals = book.entries(kinds=("proposal",))
    assert max(Counter((one.week, one.data["fingerprint"]) for one in proposals).values()) == 1
    if start in team.applied:
        within_limits(team, start)


@pytest.mark.parametrize(
    ("weeks", "happens"),
    [(13, QUARTER), pytest.param(52, YEAR, marks=pytest.mark.slow)],
    ids=["quarter", "year"],
)
def test_a_year_is_lived(tmp_path, weeks, happens):
    team = Team(tmp_path, weeks, happens)
    for number in range(weeks):
        team.week(number)
        hold(team, number)
    kinds = Counter(entry.kind for entry in team.book.entries())
    assert kinds["plan"] == 1
    assert kinds["rejection"] == len(happens["rejected"])
    assert kinds["edit"] == len(happens["edited"])
    assert kinds["override"] == len(happens["corrected"])
    assert kinds["applied"] == weeks - len(happens["skipped"]) + len(happens["corrected"])
    overspends = [e for e in team.book.entries(kinds=("note",)) if e.key.startswith("overspend/")]
    assert len(overspends) == len(happens["overspent"])
