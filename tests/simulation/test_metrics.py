"""The planner's metrics of a simulation, by hand and by another way."""

import numpy as np
import pytest

from budgetopt.curves import Log, Power
from budgetopt.errors import InputError
from budgetopt.market import Funnel, Market, Noise, Overspend, PlatformPolicy, Prices, Prior
from budgetopt.plan import Channel, Plan
from budgetopt.simulation import Schedule, simulate

FUNNEL = Funnel(cpm=(20.0, 40.0), ctr=(0.02, 0.01), order_rate=0.5, aov=200.0, margin=0.4,
                new_share=0.25, retention=0.2)  # fmt: skip
PLAN = Plan(budget=2000, currency="CNY", channels=[Channel("a"), Channel("b")])
KNOWN = Market(
    PLAN.names,
    # 1,000 money brings 40 conversions at a price of 1, and none.
    [Log(40 / np.log(2), 1000.0), Log(0.0, 1000.0)],
    prices=Prices(index=(1.0, 1.25)),
    funnel=FUNNEL,
)


def table(market, policy, by="channel", **settings):
    given = {"weeks": 2, "runs": 3, "seed": 1} | settings
    return simulate(PLAN, market, policy, **given).metrics(by=by).set_index(by)


def test_metrics_of_a_market_without_chance_by_hand():
    found = table(KNOWN, Schedule([1000.0, 0.0]))
    # Week 1: 50,000 impressions at a CPM of 20, 40 conversions; week 2: 40,000 at 25.
    second = 40 / np.log(2) * np.log(1.8)
    conversions = 40 + second
    a = found.loc["a"]
    assert (a["spend"], a["impressions"], a["clicks"]) == pytest.approx((2000, 90_000, 1800))
    wanted = {
        "CPM": 2000 / 90,
        "CTR": 0.02,
        "CPC": 2000 / 1800,
        "CVR": conversions / 1800,
        "CPA": 2000 / conversions,
        "CAC": 2000 / (conversions * 0.5 * 0.25),
        "AOV": 200,
        "ROAS": conversions * 100 / 2000,
        "ROI": (conversions * 40 - 2000) / 2000,
        "LTV": 100,
        "retention": 0.2,
    }
    assert {name: a[name] for name in wanted} == pytest.approx(wanted)
    assert found.loc["b", list(wanted)[:9]].isna().all()
    assert found["mROAS"].isna().all()


def test_weeks_and_the_whole_are_ratios_of_totals_too():
    weeks = table(KNOWN, Schedule([1000.0, 400.0]), by="week")
    # Week 1: 50,000 + 10,000 impressions.
    assert weeks["CPM"].tolist() == pytest.approx([1400 / 60, 1.25 * 1400 / 60])
    whole = table(KNOWN, Schedule([1000.0, 400.0]), by="total").loc["total"]
    assert whole["spend"] == 2800
    assert whole["CPM"] == pytest.approx(2800 / (60 + 48))
    assert whole["CTR"] == pytest.approx((1000 + 100 + 800 + 80) / 108_000)
    assert whole["conversions"] == pytest.approx(weeks["conversions"].sum())


def test_impressions_are_bought_at_the_price_of_every_run_and_week():
    market = Market(
        PLAN.names,
        Prior(2, 1000.0),
        noise=Noise.both(0.2),
        prices=Prices(sd=0.3),
        funnel=FUNNEL,
    )
    risks = (PlatformPolicy(channels=("b",), start=2), Overspend(start=2, chance=0.5))
    spend = np.array([700.0, 900.0])
    found = table(market, Schedule(spend), scenarios=risks, weeks=3, runs=70)
    state, totals = market.begin(), []
    for week in market.weather(3, 70, 1, scenarios=risks):
        state, out = market.step(state, spend, week)
        totals.append(FUNNEL.totals(out.spend, out.outcome, week.price))
    sums = (totals[0] + totals[1] + totals[2]).sum(axis=0)
    for name, ratio in FUNNEL.metrics(sums).items():
        np.testing.assert_allclose(found[name], ratio, err_msg=name)
    np.testing.assert_allclose(found["impressions"] * 70, sums.impressions)


def test_mroas_is_what_a_little_more_everywhere_brings():
    market = Market(PLAN.names, Prior(2, 1000.0), prices=Prices(sd=0.3), funnel=FUNNEL)
    settings = {"weeks": 3, "runs": 70, "scenarios": Overspend(start=2)}
    spend = np.array([700.0, 900.0])
    less, more = (table(market, Schedule(spend * k), **settings) for k in (0.999, 1.001))
    gain = (more["revenue"] - less["revenue"]) / (more["spend"] - less["spend"])
    known = table(market, Schedule(spend), regret=True, **settings)
    np.testing.assert_allclose(known["mROAS"], gain, rtol=1e-5)
    # The same share more everywhere, so that the whole's is weighted by the money.
    whole = table(market, Schedule(spend), by="total", regret=True, **settings)
    average = (known["mROAS"] * known["spend"]).sum() / known["spend"].sum()
    assert whole.loc["total", "mROAS"] == pytest.approx(average)


def test_a_slope_without_bounds_at_nothing_counts_for_nothing():
    curves = [Log(50.0, 500.0), Power(10.0, 100.0, 0.5)]
    market = Market(PLAN.names, curves, funnel=Funnel(outcome="revenue"))
    found = table(market, Schedule([1000.0, 0.0]), regret=True)
    assert found.loc["a", "mROAS"] == pytest.approx(50 / 1500)
    assert np.isnan(found.loc["b", "mROAS"])


def test_metrics_by_something_else_are_refused():
    with pytest.raises(InputError, match="did you mean 'channel'"):
        table(KNOWN, "hold", by="chanel")
