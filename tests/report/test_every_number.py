"""Every number of every page is recomputed; a page that gains one that nobody does fails here."""

import datetime as dt
import math
import re
import types
from collections import Counter
from dataclasses import replace
from decimal import Decimal

import numpy as np
import pytest

import budgetopt as bo
from budgetopt.report import Years
from budgetopt.version import VERSION
from budgetopt.workflow import decision_of

from ..workflow.helpers import FIRST, WEEK
from .books import Records
from .claims import Claims
from .held import (
    Past,
    Span,
    hold_decision_page,
    hold_expected,
    hold_forecasts,
    hold_memo,
    hold_review,
)
from .held_answers import (
    Curves,
    hold_allocation,
    hold_belief,
    hold_frontier,
    hold_schedule,
    hold_what_if,
    hold_years,
)

DAYS = dt.date.fromisoformat
APRIL = "2026-04", DAYS("2026-04-01"), DAYS("2026-04-30"), "2026-03", DAYS("2026-03-01")
SPRING = "2026-Q2", DAYS("2026-04-01"), DAYS("2026-06-30"), "2026-Q1", DAYS("2026-01-01")
WINTER = "2026-Q1", DAYS("2026-01-01"), DAYS("2026-03-31"), "2025-Q4", DAYS("2025-10-01")
REVIEWS = {
    "month": (APRIL, ("2026-05", DAYS("2026-05-01"), DAYS("2026-05-31"))),
    "spring": (SPRING, ("2026-Q3", DAYS("2026-07-01"), DAYS("2026-09-30"))),
    "winter": (WINTER, SPRING[:3]),
}


NAMES = ("search", "feed", "kol")


@pytest.fixture(scope="module")
def known():
    """Channels with a cap, what is known of them, and the curves that they truly have."""
    curves = (bo.Exponential(400, 60), bo.Hill(500, 120, 1), bo.Log(90, 30))
    rng = np.random.default_rng(2)
    spend = np.round(rng.uniform(20, 120, (14, 3)), 2)
    outcome = np.round([400, 500, 90] * (1 - np.exp(-spend / 60)) * rng.lognormal(0, 0.1, (14, 3)))
    starts = np.datetime64("2025-01-06") + 7 * np.arange(14)
    past = bo.History(NAMES, starts, spend, outcome=outcome)
    plan = bo.Plan(budget="200.50", currency="CNY", outcome="revenue",
                   channels=[bo.Channel(n, cap=120) for n in NAMES])  # fmt: skip
    belief = bo.learn(past, plan, settings=bo.Settings.fast())
    true = replace(plan, reserve=bo.Reserve(contingency=20), channels=[
        bo.Channel(n, cap=120, curve=c) for n, c in zip(NAMES, curves, strict=True)])  # fmt: skip
    return plan, belief, true, past


def simulated(plan, **more):
    noise = bo.market.noise_of(plan, (0.2,) * 3)
    old = bo.simulation.Schedule([30.0, 40.0, 20.0], "plan 2024")
    policies = [bo.EqualSplit(), bo.PosteriorMean(), old]
    market = bo.Market.of_plan(plan, noise=noise)
    return bo.simulate(plan, market, policies, weeks=4, runs=40, seed=3, **more)


class Memo:
    """The memo of a week of the eventful ledger."""

    def __init__(self, eventful, known, week):
        self.declared, self.book, past = eventful
        self.week, self.records = week, Records(self.declared, self.book, past, week)

    def page(self, **options):
        return bo.report(self.declared, ledger=self.book, week=self.week, **options)

    def hold(self, claims):
        hold_memo(claims, self.records)


class Review:
    """The review of a period of the eventful ledger."""

    def __init__(self, eventful, known, name):
        self.declared, self.book, past = eventful
        (label, first, last, *before), self.after = REVIEWS[name]
        self.period = {"month" if name == "month" else "quarter": label}
        newest = min(FIRST + 2 * WEEK, last - dt.timedelta(days=last.weekday()))
        self.records = Records(self.declared, self.book, past, newest)
        self.span = Span(self.records, label, first, last, *before)

    def page(self, **options):
        return bo.report(self.declared, ledger=self.book, **self.period, **options)

    def hold(self, claims):
        hold_review(claims, self.records, self.span, self.after)


class Decision:
    """The page of a decision alone."""

    def __init__(self, eventful, known):
        declared, book, self.past = eventful
        self.records = Records(declared, book, self.past, FIRST + 2 * WEEK)
        self.week = self.records.week
        self.decision = decision_of(self.records.newest(self.week).data)

    def page(self, **options):
        return bo.report(self.decision, **options)

    def hold(self, claims):
        raw = self.decision.to_dict()
        hold_decision_page(claims, raw, Past(self.records, self.week))
        belief = bo.learn(self.past, self.records.plan)
        hold_expected(raw, belief)
        hold_forecasts(raw, self.records, belief)


class Split:
    """The page of a split of its own, from a week before it."""

    LAST = types.MappingProxyType({"search": Decimal(80), "feed": Decimal(60), "kol": Decimal(30)})

    def __init__(self, eventful, known):
        self.week = bo.allocate(replace(known[2], reserve=bo.Reserve()), last=self.LAST)

    def page(self, **options):
        return bo.report(self.week, **options)

    def hold(self, claims):
        hold_allocation(claims, self.week, values, slopes, list(self.LAST.values()))


def values(search, feed, kol):
    """Return what the true curves bring, by their formulas."""
    return (400 * (1 - math.exp(-search / 60)), 500 * feed / (120 + feed),
            90 * math.log1p(kol / 30))  # fmt: skip


def slopes(search, feed, kol):
    """Return the slopes of the true curves."""
    return 400 / 60 * math.exp(-search / 60), 500 * 120 / (120 + feed) ** 2, 90 / (30 + kol)


class Frontier:
    """The page of budgets beside each other."""

    def __init__(self, eventful, known):
        plan, self.belief, *_ = known
        self.line = bo.frontier(plan, self.belief, budgets=[50, "120.25", 200, "300.10"])

    def page(self, **options):
        return bo.report(self.line, **options)

    def hold(self, claims):
        hold_frontier(claims, self.line, Curves(self.belief, [120] * 3))


class WhatIf:
    """The page of cases beside each other: less money, and dearer media."""

    CASES = types.MappingProxyType(
        {"20 less": bo.Change(budget="-20%"), "dear": bo.Change(price={"feed": "+30%"})}
    )
    PRICES = 1, 1, np.array([1, 1.3, 1])

    def __init__(self, eventful, known):
        plan, self.belief, *_ = known
        self.found = bo.what_if(plan, self.belief, self.CASES)

    def page(self, **options):
        return bo.report(self.found, **options)

    def hold(self, claims):
        hold_what_if(claims, self.found, Curves(self.belief, [120] * 3), self.PRICES)


class Weeks:
    """The page of weeks planned ahead, of which a channel's money works on; with a phase."""

    PHASE = types.MappingProxyType({
        "name": "burst 7", "kind": "burst", "budget": 240,
        "first": DAYS("2026-12-14"), "last": DAYS("2026-12-20"),
    })  # fmt: skip
    KERNELS = None, bo.Carryover("geometric", share=0.5), None

    def __init__(self, eventful, known):
        plan = self.curved(known)
        self.plan = replace(
            plan, max_change=bo.MaxChange(share=0.4), operation=bo.Operation(phases=[self.PHASE]),
            channels=[replace(c, carryover=k)
                      for c, k in zip(plan.channels, self.KERNELS, strict=True)],
        )  # fmt: skip
        self.found = bo.plan_weeks(self.plan, self.curves, weeks=9, start="2026-12-07",
                                   last=Split.LAST)  # fmt: skip

    def curved(self, known):
        self.curves, self.value, self.drawn = None, values, None
        return known[2]

    def page(self, **options):
        return bo.report(self.found, plan=self.plan, **options)

    def hold(self, claims):
        hold_schedule(claims, self.found, self.plan, self.value, Split.LAST, self.drawn)


class LearnedWeeks(Weeks):
    """The same of a belief, with a range."""

    def curved(self, known):
        plan, belief, *_ = known
        curves = Curves(belief, [120] * 3)
        self.curves, self.drawn = belief, curves.drawn
        self.value = lambda *money: curves.brings(money)
        return plan


class Goals:
    """A plan for registrations, the goal of which is one of several, and what is known of it."""

    CHANGES = types.MappingProxyType({
        "count": {},
        "profit": {"value": 2, "goal": bo.Goal.most_profit()},
        "weights": {
            "goal": bo.Goal.most_outcome({"registrations": 2, "clicks": "0.5"}),
            "channels": [bo.Channel(n, cap=120, rates={"clicks": rate})
                         for n, rate in zip(NAMES, (2, "3.5", 1), strict=True)],
        },
    })  # fmt: skip
    WORTH = types.MappingProxyType(
        {"count": (1.0, 0.0), "profit": (2.0, 1.0), "weights": ((3.0, 3.75, 2.5), 0.0)}
    )

    def __init__(self, eventful, known, goal):
        plan, self.belief, _, self.past = known
        self.plan = replace(plan, outcome="registrations", **self.CHANGES[goal])
        self.curves = Curves(self.belief, [120] * 3, *self.WORTH[goal])
        self.made = self.answer()

    def page(self, **options):
        return bo.report(self.made, **options)


class FrontierTo(Goals):
    """The page of budgets for such a goal."""

    def answer(self):
        return bo.frontier(self.plan, self.belief, budgets=[50, "120.25", 200, "300.10"])

    def hold(self, claims):
        hold_frontier(claims, self.made, self.curves, "registrations")


class WhatIfTo(Goals):
    """The page of cases for such a goal."""

    def answer(self):
        return bo.what_if(self.plan, self.belief, WhatIf.CASES)

    def hold(self, claims):
        hold_what_if(claims, self.made, self.curves, WhatIf.PRICES, "registrations")


class DecisionTo(Goals):
    """The page of a decision for such a goal."""

    def answer(self):
        return bo.reallocate(self.plan, self.past)

    def hold(self, claims):
        hold_decision_page(claims, self.made.to_dict(), None)
        hold_expected(self.made.to_dict(), bo.learn(self.past, self.plan))


class Belief:
    """The page of what is believed."""

    def __init__(self, eventful, known):
        self.plan, self.belief, *_ = known

    def page(self, **options):
        return bo.report(self.belief, plan=self.plan, **options)

    def hold(self, claims):
        hold_belief(claims, self.belief)


class Simulated:
    """The page of simulated years, as usual and with scenarios that the plan answers."""

    RISKS = (
        bo.market.Competitor(name="rival", start=2, end=3, channels=["feed"]),
        bo.market.Outage(start=3, days=0.5, chance=0.4),
    )
    ANSWERS = (bo.simulation.Contingency("rival", release=0.25, pause=["feed"], spare={"kol": 50}),)

    def __init__(self, eventful, known):
        true = known[2]
        struck = simulated(true, scenarios=self.RISKS, contingencies=self.ANSWERS)
        self.years = Years(true, "Curves of the plan.", simulated(true), struck, self.RISKS,
                           self.ANSWERS, target=2000.0)  # fmt: skip

    def page(self, **options):
        return bo.report(self.years, **options)

    def hold(self, claims):
        hold_years(claims, self.years)
        claims.says(
            "rival (from week {} to {}, feed: {}% of the response lost); outage ({} days from week "
            "{}, in {}% of the runs). Against rival, after {} week, {}% of the contingency reserve "
            "is released and feed is paused and kol may get {} a week:",
            *(2, 3, 20, 0.5, 3, 40, 1, 25, 50),
        )  # fmt: skip


PAGES = {
    "memo": (Memo, FIRST + 2 * WEEK),
    "memo of an earlier week": (Memo, FIRST + WEEK),
    **{f"review of a {name}": (Review, name) for name in REVIEWS},
    "memo of a count": (Memo, FIRST + 2 * WEEK),
    "review of a month of a count": (Review, "month"),
    "decision": (Decision,),
    "decision of a count": (Decision,),
    "split": (Split,),
    "frontier": (Frontier,),
    "what-if": (WhatIf,),
    "belief": (Belief,),
    "weeks": (Weeks,),
    "weeks of a belief": (LearnedWeeks,),
    "simulation": (Simulated,),
    **{f"frontier of {goal}": (FrontierTo, goal) for goal in Goals.CHANGES},
    **{f"what-if of {goal}": (WhatIfTo, goal) for goal in Goals.CHANGES},
    **{f"decision of {goal}": (DecisionTo, goal) for goal in Goals.CHANGES},
}


COUNTED = "of a count"
"""The end of names of pages of a ledger whose outcome is a count, which takes a second to make."""


@pytest.fixture(
    scope="module",
    params=[
        pytest.param(name, marks=pytest.mark.slow if name.endswith(COUNTED) else ())
        for name in PAGES
    ],
)
def case(request, known):
    kind, *options = PAGES[request.param]
    ledger = "counted" if request.param.endswith(COUNTED) else "eventful"
    return kind(request.getfixturevalue(ledger), known, *options)


def unclaimed(case, html):
    """Return what nobody claims of a page that is held; what is not as it must be is refused."""
    claims = Claims(html)
    case.hold(claims)
    return claims.left()


def test_every_number_is_recomputed_and_agrees(case):
    assert unclaimed(case, case.page()) == []


SHOWN = re.compile(r"(?<=>)[^<>]*\d[^<>]*(?=<)")
"""Texts of a page with digits in them."""
TICK = re.compile(r'<div class="ticks".*?</div>|<style>.*?</style>|<script>.*?</script>', re.DOTALL)


@pytest.mark.slow
def test_a_number_that_is_another_one_is_found(case):
    html = case.page()
    apart = [found.span() for found in TICK.finditer(html)]
    places = [
        text.start() + found.start()
        for text in SHOWN.finditer(html)
        if not any(low <= text.start() < high for low, high in apart)
        for found in re.finditer(r"\d+", text[0].replace(VERSION, "x" * len(VERSION)))
    ]
    assert len(places) > 50
    for at in places[:: len(places) // 20]:
        other = html[:at] + str((int(html[at]) + 4) % 10) + html[at + 1 :]
        try:
            left = unclaimed(case, other)
        except AssertionError:
            continue
        assert left, html[at - 40 : at + 20]


def test_a_number_that_nobody_recomputes_is_found(eventful, known):
    case = WhatIf(eventful, known)
    html = case.page().replace("</section>", "<p>and 7 more</p></section>", 1)
    assert [text for _, text in unclaimed(case, html)] == ["and 7 more"]


def numbers(texts):
    return Counter(n for text in texts for n in re.findall(r"\d+(?:,\d{3})*(?:\.\d+)?", text))


def test_both_languages_show_the_same_numbers(case):
    english, chinese = (Claims(case.page(language=language)) for language in ("en", "zh"))
    for mine, theirs in zip(english.cells, chinese.cells, strict=True):
        for row, other in zip(mine, theirs, strict=True):
            assert [numbers([cell]) for cell in row] == [numbers([cell]) for cell in other]
    assert numbers(text for _, text in english.texts) == numbers(text for _, text in chinese.texts)
