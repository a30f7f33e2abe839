"""Every metric of a planner's report, by hand."""

import numpy as np
import pytest

import budgetopt as bo
from budgetopt.errors import InputError
from budgetopt.market import Funnel, Market, Noise, Prior
from budgetopt.simulation.simulation import AMOUNTS

RATES = {"order_rate": 0.5, "aov": 200.0, "margin": 0.4, "new_share": 0.25, "retention": 0.2}
FUNNEL = Funnel(cpm=20.0, ctr=0.02, **RATES)


def test_metrics_by_hand():
    totals = FUNNEL.totals(np.array([1000.0]), np.array([40.0]), 1.25)
    # 1,000 money at a CPM of 25 is 40,000 impressions and 800 clicks; 40 conversions, 20 orders.
    assert totals.impressions == pytest.approx(40_000)
    assert (totals.clicks, totals.orders, totals.revenue) == (800, 20, 4000)
    found = FUNNEL.metrics(totals, slope=np.array([0.01]))
    wanted = {
        "CPM": 25,
        "CTR": 0.02,
        "CPC": 1.25,
        "CVR": 0.05,
        "CPA": 25,
        "CAC": 200,
        "AOV": 200,
        "ROAS": 4,
        "ROI": 0.6,
        "LTV": 100,
        "retention": 0.2,
        "mROAS": 1,
    }
    assert {name: float(value[0]) for name, value in found.items()} == pytest.approx(wanted)


def test_a_plan_of_revenue_has_a_market_of_revenue():
    channels = [bo.Channel("a", curve=bo.Log(5, 10)), bo.Channel("b", curve=bo.Log(3, 10))]
    for outcome, known in (("revenue", {"ROAS", "mROAS"}), ("conversions", {"CPA"})):
        plan = bo.Plan(budget=100, currency="CNY", channels=channels, outcome=outcome)
        year = bo.simulate(plan, Market.of_plan(plan), "equal", weeks=2, runs=2, regret=True)
        row = year.metrics(by="total").iloc[0].drop(["total", *AMOUNTS])
        assert set(row.dropna().index) == known


@pytest.mark.parametrize(
    ("step", "outcome"), [("conversions", 40), ("orders", 20), ("revenue", 4000)]
)
def test_whatever_the_curves_measure_the_funnel_is_the_same(step, outcome):
    funnel = Funnel(outcome=step, **RATES)
    totals = funnel.totals(np.array([1000.0]), np.array([float(outcome)]))
    assert (totals.conversions, totals.orders, totals.revenue) == (40, 20, 4000)
    assert funnel.revenue_each * outcome == pytest.approx(4000)


def test_what_nobody_declared_is_not_known():
    """Revenue is known by itself; nothing is made up of clicks, orders or customers."""
    money = Funnel(outcome="revenue")
    found = money.metrics(money.totals(np.array([1000.0]), np.array([4000.0])), np.array([2.0]))
    assert (found.pop("ROAS")[0], found.pop("mROAS")[0]) == (4, 2)
    assert all(np.isnan(value).all() for value in found.values())
    counted = Funnel()
    found = counted.metrics(counted.totals(np.array([1000.0]), np.array([40.0])), np.array([0.1]))
    assert found.pop("CPA")[0] == 25
    assert all(np.isnan(value).all() for value in found.values())


def test_ratios_come_from_totals_and_zero_is_undefined():
    funnel = Funnel(cpm=(10.0, 40.0), ctr=(0.1, 0.0))
    totals = funnel.totals(np.array([100.0, 400.0]), np.array([10.0, 0.0]))
    each = funnel.metrics(totals)
    assert each["CPA"][0] == 10
    assert np.isnan(each["CPA"][1])
    assert np.isnan(each["CPC"][1])
    whole = funnel.metrics(totals.sum(axis=-1))
    assert whole["CPA"] == 50
    assert whole["CTR"] == 0.05
    nothing = funnel.metrics(funnel.totals(np.zeros(2), np.zeros(2)))
    assert all(np.isnan(nothing[name]).all() for name in ("CPM", "CTR", "ROAS", "ROI", "CVR"))


def test_totals_add_up_over_runs_and_weeks():
    market = Market(
        channels=("a", "b"),
        curves=Prior(channels=2, equal_share=100),
        noise=Noise.poisson(),
        funnel=FUNNEL,
    )
    state, weeks = market.begin(), []
    for week in market.weather(3, 5, 7):
        state, out = market.step(state, [90.0, 110.0], week)
        weeks.append(market.funnel.totals(out.spend, out.outcome, week.price))
    assert weeks[0].revenue.shape == (5, 2)
    total = (weeks[0] + weeks[1] + weeks[2]).sum(axis=-1)
    assert total.spend.tolist() == [600] * 5
    wanted = sum(week.revenue.sum(axis=1) for week in weeks)
    np.testing.assert_allclose(total.revenue, wanted)


def test_lifetime_value_is_the_sum_of_its_periods():
    funnel = Funnel(aov=200, margin=0.4, retention=0.3, discount=0.1)
    periods = np.arange(200)
    assert funnel.lifetime_value == pytest.approx(80 * np.sum((0.3 / 1.1) ** periods))


@pytest.mark.parametrize(
    ("settings", "field"),
    [
        ({"outcome": "order"}, "funnel.outcome"),
        ({"cpm": 0}, "funnel.cpm"),
        ({"cpm": (1.0, -1.0)}, "funnel.cpm[1]"),
        ({"ctr": 2.5}, "funnel.ctr"),
        ({"aov": 0}, "funnel.aov"),
        ({"margin": 1.01}, "funnel.margin"),
        ({"new_share": -0.1}, "funnel.new_share"),
        ({"retention": 1.0}, "funnel.retention"),
        ({"discount": -0.1}, "funnel.discount"),
        ({"order_rate": 0}, "funnel.order_rate"),
    ],
)
def test_wrong_rates_are_refused(settings, field):
    with pytest.raises(InputError) as caught:
        Funnel(**settings)
    assert (caught.value.code, caught.value.field) == ("bad-argument", field)
