"""Scenarios: their arithmetic by hand, chance, dates, tables of a plan file."""

import datetime as dt
import json
import re
import tomllib
from dataclasses import FrozenInstanceError, replace
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from budgetopt.curves import Exponential, Log
from budgetopt.curves.base import stack
from budgetopt.errors import CalendarError, InputError, PlanError
from budgetopt.i18n import in_language
from budgetopt.market import (
    KINDS,
    RISKS,
    BudgetChange,
    ChannelClosed,
    Competitor,
    CreativeFatigue,
    Factors,
    Market,
    NegativePublicity,
    NewChannel,
    Outage,
    Overspend,
    PlatformPolicy,
    Promotion,
    WeakEffect,
    festival,
    scenario_from_dict,
    scenario_schema,
)

NAMES = ("search", "feed", "shop")
CURVES = stack([Exponential(300, 80), Exponential(100, 30), Log(90, 40)])
SPEND = np.array([50.0, 60.0, 70.0])


def market(start=None):
    return Market(channels=NAMES, curves=CURVES, start=start)


@pytest.mark.parametrize(
    ("scenario", "english", "chinese"),
    [
        (PlatformPolicy(), ["price +30%", "reach -20%"], ["价格 +30%", "覆盖人群 -20%"]),
        (
            NegativePublicity(recovery=1),
            ["40% of the response lost", "half recovered in 1 week"],
            ["效果损失 40%", "每 1 周恢复一半"],
        ),
        (
            CreativeFatigue(size=0.1),
            ["10% of the response lost each week", "at least 50% of it left"],
            ["效果每周损失 10%", "至少保留 50%"],
        ),
        (Outage(days=3), [], []),
        (Factors(tracking="-5%"), ["reported share -5%"], ["回传比例 -5%"]),
    ],
)
def test_what_a_scenario_assumes_is_said_in_both_languages(scenario, english, chinese):
    said = scenario.assumptions()
    assert said == english
    assert [in_language(clause, "zh") for clause in said] == chinese


def weather(*scenarios, weeks=8, runs=1, start=None, seed=7):
    return list(market(start).weather(weeks, runs, seed, scenarios=scenarios))


def factors(name, *scenarios, column=0, **settings):
    """Return one factor of a channel, week by week."""
    found = [getattr(week, name) for week in weather(*scenarios, **settings)]
    return [float(v) if np.ndim(v) == 0 else float(v.ravel()[column]) for v in found]


def test_budget_change():
    found = factors("budget", BudgetChange(size="-20%", start=3, end=4), weeks=5)
    assert found == [1, 1, 0.8, 0.8, 1]


def test_competitor_fades_by_half_in_its_recovery_time():
    rival = Competitor(start=2, end=3, size=0.2, recovery=2)
    left = [0.5**0.5, 0.5, 0.5**1.5]
    wanted = [1, 0.8, 0.8, *(1 - 0.2 * share for share in left)]
    assert factors("response", rival, weeks=6) == pytest.approx(wanted)
    at_once = factors("response", replace(rival, recovery=0), weeks=4)
    assert at_once == pytest.approx([1, 0.8, 0.8, 1])


def test_platform_policy_moves_price_and_reach():
    rule = PlatformPolicy(start=2, channels=["feed"], price="+30%", reach="-20%")
    assert factors("price", rule, column=1, weeks=3) == pytest.approx([1, 1.3, 1.3])
    assert factors("reach", rule, column=1, weeks=3) == pytest.approx([1, 0.8, 0.8])
    assert factors("price", rule, column=0, weeks=2) == [1, 1]
    one = market()
    _, outcome = one.step(one.begin(), SPEND, weather(rule)[1])
    # Fewer people at the old rate each: r f(x/(p r)).
    wanted = [300 * -np.expm1(-50 / 80), 0.8 * 100 * -np.expm1(-60 / (1.3 * 0.8 * 30))]
    np.testing.assert_allclose(outcome.outcome[..., :2].ravel(), wanted, rtol=1e-12)


def test_reach_leaves_the_first_unit_as_it_was_and_lowers_the_top():
    week = weather(PlatformPolicy(price="x1", reach="-20%"))[0]
    np.testing.assert_allclose(week.curve.slope([0.0, 0, 0]), CURVES.slope([0.0, 0, 0]), rtol=1e-12)
    assert week.curve.value(np.full(3, 1e6))[0] == pytest.approx(240)


def test_negative_publicity_recovers():
    found = factors("response", NegativePublicity(start=2, end=2, size=0.4, recovery=1), weeks=4)
    assert found == pytest.approx([1, 0.6, 0.8, 0.9])


def test_overspend_delivers_more_than_was_ordered():
    week = weather(Overspend(size=0.15, channels="shop"))[0]
    one = market()
    _, outcome = one.step(one.begin(), SPEND, week)
    np.testing.assert_allclose(outcome.spend.ravel(), [50, 60, 70 * 1.15])
    assert outcome.outcome.ravel()[2] == pytest.approx(90 * np.log1p(70 * 1.15 / 40))


def test_an_outage_spends_and_earns_nothing_for_its_days():
    wanted = [1, 5 / 7, 1]
    assert factors("response", Outage(start=2, days=2), weeks=3) == pytest.approx(wanted)
    # Ten days take one week and three days more; hours are parts of a day.
    assert factors("response", Outage(days=10), weeks=3) == pytest.approx([0, 4 / 7, 1])
    assert factors("response", Outage(days=0.5), weeks=1) == pytest.approx([13 / 14])
    one = market()
    _, outcome = one.step(one.begin(), SPEND, weather(Outage(days=7))[0])
    np.testing.assert_array_equal(outcome.spend, SPEND)
    assert not outcome.outcome.any()


def test_a_closed_channel_takes_no_money():
    closed = ChannelClosed(channels=["feed"], start=2, end=3)
    assert factors("open", closed, column=1, weeks=4) == [1, 0, 0, 1]
    week, one = weather(closed)[1], market()
    _, outcome = one.step(one.begin(), SPEND, week)
    assert outcome.spend.tolist() == [50, 0, 70]
    assert outcome.outcome[1] == 0
    assert week.curve.slope([0.0, 0.0, 0.0])[1] == 0


def test_a_new_channel_opens_at_its_start():
    opens = NewChannel(channels=["shop"], start=3)
    assert factors("open", opens, column=2, weeks=4) == [0, 0, 1, 1]
    assert factors("open", replace(opens, chance=0.0), column=2, weeks=4) == [0, 0, 0, 0]


def test_a_promotion_raises_demand_and_prices_on_its_days():
    # 618 of 2026: Monday 1 June to Thursday 18 June is two weeks and four days.
    days = festival("618", 2026)
    start = dt.date(2026, 5, 25)
    wanted = [1, 1.8, 1.8, 1 + 0.8 * 4 / 7, 1]
    assert factors("response", days, start=start, weeks=5) == pytest.approx(wanted)
    assert factors("price", days, start=start, weeks=5)[3] == pytest.approx(1 + 0.3 * 4 / 7)
    eleven = festival("double-11", 2026)
    assert (eleven.start, eleven.end) == (dt.date(2026, 11, 1), dt.date(2026, 11, 11))


def test_a_dated_scenario_may_have_begun_before_the_first_week():
    running = Promotion(start="2026-05-01", end="2026-06-02", demand="+100%")
    assert factors("response", running, start=dt.date(2026, 6, 1), weeks=2) == pytest.approx(
        [1 + 2 / 7, 1]
    )


def test_creatives_tire_week_by_week_until_renewed():
    tired = CreativeFatigue(start=2, end=5, size=0.3, least=0.5)
    wanted = [1, 1, 0.7, 0.5, 0.5, 1]
    assert factors("response", tired, weeks=6) == pytest.approx(wanted)


def test_a_weak_effect_lasts():
    assert factors("response", WeakEffect(size=0.25), weeks=3) == [0.75] * 3


def test_factors_say_anything_else():
    said = Factors(
        start=2,
        end=2,
        demand="x0.5",
        price="x2",
        reach="-10%",
        delivery="+10%",
        tracking="x0.2",
        budget="-30%",
    )
    week = weather(said)[1]
    found = [week.response, week.price, week.reach, week.delivery, week.tracking, week.budget[0]]
    assert found == pytest.approx([0.5, 2, 0.9, 1.1, 0.2, 0.7])
    one = market()
    _, outcome = one.step(one.begin(), SPEND, week)
    np.testing.assert_allclose(outcome.reported, 0.2 * outcome.outcome)


def test_several_at_once_multiply_in_any_order():
    happening = [
        Competitor(size=0.2),
        NegativePublicity(size=0.4, channels=["feed", "shop"]),
        Promotion(demand="+50%", price="+20%"),
        PlatformPolicy(price="+30%", reach="+0%"),
        BudgetChange(size="-20%"),
        Factors(budget="x0.5"),
    ]
    week, other = weather(*happening)[0], weather(*happening[::-1])[0]
    np.testing.assert_allclose(week.response, [1.2, 0.72, 0.72])
    assert week.price == pytest.approx(1.56)
    assert week.budget.tolist() == pytest.approx([0.4])
    for name in ("response", "price", "reach", "budget", "open"):
        np.testing.assert_array_equal(getattr(week, name), getattr(other, name))


class TestChance:
    def test_a_scenario_strikes_its_share_of_the_runs(self):
        runs = 6400
        maybe = [Competitor(chance=0.3), NewChannel(channels=["shop"], start=2, chance=0.5)]
        sky = market().weather(2, runs, 7, scenarios=maybe)
        struck, opened = sky.happens["competitor"], sky.happens["new-channel"]
        assert struck.mean() == pytest.approx(0.3, abs=5 * np.sqrt(0.21 / runs))
        assert np.mean(struck & opened) == pytest.approx(0.15, abs=5 * np.sqrt(0.13 / runs))
        for week in sky:
            np.testing.assert_array_equal(week.response[:, 0], np.where(struck, 0.8, 1.0))
            there = opened & (week.number >= 2)
            np.testing.assert_array_equal(np.broadcast_to(week.open, (runs, 3))[:, 2], there)

    def test_the_budget_of_each_run(self):
        sky = market().weather(1, 100, 7, scenarios=[BudgetChange(size="-50%", chance=0.5)])
        week = next(iter(sky))
        np.testing.assert_array_equal(week.budget, np.where(sky.happens["budget"], 0.5, 1.0))

    def test_a_higher_chance_adds_runs_and_drops_none(self):
        less, more = (
            market().weather(1, 500, 7, scenarios=[Competitor(chance=c)]).happens["competitor"]
            for c in (0.3, 0.6)
        )
        assert np.all(more[less])
        assert more.sum() > less.sum()

    @pytest.mark.parametrize(("chance", "share"), [(0, 0), (1, 1)])
    def test_never_and_always(self, chance, share):
        sky = market().weather(1, 500, 7, scenarios=[Competitor(chance=chance)])
        assert sky.happens["competitor"].mean() == share


class TestErrors:
    @pytest.mark.parametrize(
        ("make", "code", "words"),
        [
            (
                lambda: Competitor(size=1.01),
                "bad-argument",
                "size of scenario 'competitor' is 1.01",
            ),
            (lambda: Competitor(size=-0.01), "bad-argument", "from 0 to 1"),
            (lambda: Competitor(chance=1.01), "bad-argument", "chance of scenario"),
            (lambda: Competitor(chance=-0.01), "bad-argument", "chance of scenario"),
            (lambda: Competitor(chance=float("nan")), "bad-argument", "chance of scenario"),
            (lambda: Competitor(size="0.2"), "bad-argument", "size of scenario"),
            (lambda: Competitor(size=True), "bad-argument", "size of scenario"),
            (lambda: Competitor(recovery=-1), "bad-argument", "recovery of scenario"),
            (lambda: Competitor(start=0), "bad-argument", "count weeks from 1"),
            (lambda: Competitor(start=True), "bad-date", "not a date"),
            (lambda: Competitor(start=2.5), "bad-date", "not a date"),
            (lambda: Competitor(start="june"), "bad-date", "2026-11-20"),
            (lambda: Competitor(start=5, end=4), "bad-date", "before its start 5"),
            (
                lambda: Competitor(start="2026-06-02", end="2026-06-01"),
                "bad-date",
                "before its start",
            ),
            (lambda: Competitor(start=1, end="2026-06-01"), "bad-argument", "both as weeks"),
            (lambda: Competitor(name=" "), "bad-name", "give it a text"),
            (lambda: Competitor(name=5), "bad-name", "give it a text"),
            (lambda: Competitor(channels=5), "bad-argument", "give names"),
            (lambda: BudgetChange(size="-101%"), "bad-argument", "at least -100%"),
            (lambda: BudgetChange(channels=["feed"]), "bad-argument", "whole plan's"),
            (lambda: Factors(channels=["feed"], budget="x0.5"), "bad-argument", "whole plan's"),
            (lambda: PlatformPolicy(price="-100%"), "bad-argument", "above -100%"),
            (lambda: PlatformPolicy(reach="-100%"), "bad-argument", "above -100%"),
            (lambda: Outage(days=0), "bad-argument", "above 0"),
            (lambda: Outage(days=2, end=3), "bad-argument", "days, not an end"),
            (lambda: ChannelClosed(), "bad-argument", "name the channels"),
            (lambda: NewChannel(), "bad-argument", "name the channels"),
            (lambda: festival("816", 2026), "unknown-name", "choose one of '618'"),
            (lambda: festival("618", 1999), "bad-argument", "at least 2009"),
        ],
    )
    def test_wrong_scenarios_are_refused(self, make, code, words):
        with pytest.raises(InputError, match=words) as caught:
            make()
        assert caught.value.code == code

    def test_just_inside_passes(self):
        Competitor(size=1, chance=0, start=5, end=5)
        BudgetChange(size="-100%")
        PlatformPolicy(price="-99.9%", reach="x0.001")

    def test_a_misspelt_channel(self):
        with pytest.raises(InputError, match="did you mean 'feed'") as caught:
            weather(Competitor(channels=["fead"]))
        assert caught.value.code == "unknown-name"

    @pytest.mark.parametrize(
        ("scenario", "start"),
        [
            (Competitor(start=9), None),
            (Competitor(start="2026-03-02"), dt.date(2026, 1, 5)),
            (Competitor(start="2025-12-01", end="2026-01-04"), dt.date(2026, 1, 5)),
        ],
    )
    def test_a_time_that_is_not_simulated(self, scenario, start):
        with pytest.raises(CalendarError, match="of 8 weeks") as caught:
            weather(scenario, start=start)
        assert caught.value.code == "bad-date"

    def test_just_inside_the_simulated_time(self):
        weather(Competitor(start=8))
        weather(Competitor(start="2026-03-01"), start=dt.date(2026, 1, 5))
        weather(Competitor(start="2025-12-01", end="2026-01-05"), start=dt.date(2026, 1, 5))

    def test_dates_without_a_start_of_the_market(self):
        with pytest.raises(CalendarError, match="the first week has no date"):
            weather(festival("618", 2026))

    def test_tables_must_be_made_scenarios_first(self):
        with pytest.raises(InputError, match="scenario_from_dict"):
            weather({"kind": "competitor"})
        one = market().weather(1, 1, 7, scenarios=Competitor())
        assert one.scenarios == (Competitor(),)

    def test_two_of_one_name(self):
        with pytest.raises(InputError, match="two scenarios are named 'competitor'"):
            weather(Competitor(start=1, end=1), Competitor(start=3, end=3))


class TestFiles:
    @pytest.mark.parametrize("kind", KINDS)
    def test_every_kind_comes_back_from_its_table(self, kind):
        named = {"channels": ["feed"]} if kind in ("channel-closed", "new-channel") else {}
        first = scenario_from_dict({"kind": kind, "start": 2, "chance": 0.5, **named})
        assert first.kind == first.name == kind
        assert scenario_from_dict(json.loads(json.dumps(first.to_dict()))) == first
        dated = replace(first, name="x", start="2026-06-01")
        assert dated.start == dt.date(2026, 6, 1)
        assert scenario_from_dict(json.loads(json.dumps(dated.to_dict()))) == dated

    def test_only_what_is_said_is_written(self):
        rival = Competitor(start=5, end=8, channels=["feed"], size=0.3)
        assert rival.to_dict() == {
            "kind": "competitor",
            "start": 5,
            "end": 8,
            "channels": ["feed"],
            "size": 0.3,
        }

    def test_a_table_of_a_plan_file(self):
        text = """
        [[scenarios]]
        name = "the rival's week"
        kind = "competitor"
        start = 2026-06-01
        end = 2026-06-14
        size = 0.3
        chance = 0.5
        channels = ["feed"]
        """
        table = tomllib.loads(text, parse_float=Decimal)["scenarios"][0]
        found = scenario_from_dict(table)
        assert found == Competitor(
            name="the rival's week",
            start="2026-06-01",
            end="2026-06-14",
            size=0.3,
            chance=0.5,
            channels=["feed"],
        )
        assert isinstance(found.size, float)

    @pytest.mark.parametrize(
        ("table", "words"),
        [
            ({"kind": "competitr"}, "did you mean 'competitor'"),
            ({"kind": "competitor", "sise": 0.2}, "did you mean 'size'"),
            ({"kind": "outage", "size": 0.2}, "outage scenario has no field 'size'"),
            ({"size": 0.2}, "a scenario has no kind"),
            ({"kind": ["competitor"]}, "kind of a scenario is"),
            (["competitor"], "write a table"),
        ],
    )
    def test_wrong_tables_are_refused(self, table, words):
        with pytest.raises(PlanError, match=words) as caught:
            scenario_from_dict(table)
        assert caught.value.code == "bad-plan"

    def test_the_schema_has_every_kind_and_field(self):
        schema = scenario_schema()
        assert json.loads(json.dumps(schema)) == schema
        by_kind = {one["title"]: one for one in schema["oneOf"]}
        assert set(by_kind) == set(KINDS)
        rival = by_kind["competitor"]["properties"]
        assert set(rival) == {
            "kind",
            "name",
            "start",
            "end",
            "channels",
            "chance",
            "size",
            "recovery",
        }
        assert (rival["size"]["minimum"], rival["size"]["maximum"]) == (0, 1)
        price = by_kind["platform-policy"]["properties"]["price"]
        assert (price["type"], price["default"]) == ("string", "+30%")
        assert all(re.search(price["pattern"], text) for text in ("+30%", "-2.5 %", "x1.3", "×2"))
        assert not any(re.search(price["pattern"], text) for text in ("30%", "1.3", "up"))
        assert all(not one["additionalProperties"] for one in by_kind.values())


class TestPresets:
    def test_the_six_risks(self):
        assert list(RISKS) == [
            "competition",
            "platform policy",
            "negative publicity",
            "overspend",
            "technical failure",
            "weak effect",
        ]
        assert all(name == risk.name for name, risk in RISKS.items())

    def test_each_risk_costs_outcome_or_money(self):
        one = market()

        def year(*scenarios):
            state, spent, won = one.begin(), 0.0, 0.0
            for week in one.weather(12, 1, 7, scenarios=scenarios):
                state, outcome = one.step(state, SPEND, week)
                spent, won = spent + outcome.spend.sum(), won + outcome.outcome.sum()
            return spent, won

        spent, won = year()
        for name, risk in RISKS.items():
            costs, brings = year(risk)
            assert costs > spent if name == "overspend" else costs == spent
            assert brings > won if name == "overspend" else brings < won
        costs, brings = year(*RISKS.values())
        assert costs > spent
        assert brings < won

    def test_they_are_frozen(self):
        with pytest.raises(FrozenInstanceError):
            RISKS["overspend"].size = 0.3
        with pytest.raises(TypeError):
            RISKS["more"] = Outage()


@given(
    start=st.integers(1, 60),
    length=st.integers(0, 30),
    size=st.floats(0, 1),
    recovery=st.floats(0, 10),
    week=st.integers(1, 100),
)
def test_a_competitor_takes_between_nothing_and_its_size(start, length, size, recovery, week):
    rival = Competitor(start=start, end=start + length, size=size, recovery=recovery)
    window = rival.window(None)
    demand = rival.effect_in(week, window).demand
    assert 1 - size - 1e-12 <= demand <= 1
    if start <= week <= start + length:
        assert demand == pytest.approx(1 - size)
    if week < start:
        assert demand == 1
    after = rival.effect_in(week + 1, window).demand
    if week > start + length:
        assert after >= demand


@given(
    first=st.dates(dt.date(2026, 1, 1), dt.date(2026, 12, 1)),
    days=st.integers(0, 80),
    origin=st.dates(dt.date(2026, 1, 1), dt.date(2026, 12, 31)),
)
def test_the_days_of_a_dated_scenario_are_all_counted_once(first, days, origin):
    festival_ = Promotion(start=first, end=first + dt.timedelta(days=days))
    window = festival_.window(origin)
    counted = sum(7 * festival_.strength(week, window) for week in range(-60, 80))
    assert counted == pytest.approx(days + 1)
