"""Creative and audience tests on data that was not made here."""

from pathlib import Path

import pandas as pd
import pytest

from budgetopt.errors import HistoryError
from budgetopt.experiments import Experiment, Observation, PauseRule, Settings
from budgetopt.experiments.files import read_log

DATA = Path(__file__).parents[2].parent / "shared" / "data"
FACEBOOK = DATA / "facebook_ads_one_campaign" / "KAG_conversion_data_1178.csv"
GOOGLE = DATA / "google_ads_daily_clean" / "google_ads_nov2024.csv"
pytestmark = pytest.mark.skipif(not DATA.is_dir(), reason=f"no data sets at {DATA}")


def segments():
    """Return one row for each of the eight audiences (age x gender) of the campaign."""
    ads = pd.read_csv(FACEBOOK)
    ads["arm"] = ads["age"] + " " + ads["gender"]
    sums = ads.groupby("arm")[["Impressions", "Clicks", "Spent", "Total_Conversion"]].sum()
    return [
        Observation("2017-08-30", arm, spend, int(shown), int(clicks), float(conversions))
        for arm, shown, clicks, spend, conversions in sums.itertuples()
    ]


def audiences(metric, expected, **settings):
    rows = segments()
    asked = Settings(metric, expected, currency="USD", days=(1, 1), **settings)
    return Experiment(tuple(row.arm for row in rows), asked, tuple(rows))


def test_audiences_by_ctr():
    test = audiences("ctr", 0.0002, pause=None)
    verdict = test.verdict()
    rates = {row.arm: row.clicks / row.impressions for row in test.log}
    assert len(test.arms) == 8
    # Older women click most, which 38,000 clicks show beyond doubt.
    assert max(rates, key=rates.get) == verdict.leader == "45-49 F"
    for arm in verdict.arms:
        assert arm.value == pytest.approx(rates[arm.arm], rel=0.01)
        assert arm.low < rates[arm.arm] < arm.high
    assert sum(arm.probability for arm in verdict.arms) == pytest.approx(1)
    assert set(verdict.beaten) >= {"30-34 M", "35-39 M"}


def test_audiences_by_cpa_and_their_pauses():
    rule = PauseRule(gap=None, target_cpa=25)
    test = audiences("cpa", 25, pause=rule)
    verdict = test.verdict()
    costs = {row.arm: row.spend / row.conversions for row in test.log}
    assert min(costs, key=costs.get) == verdict.leader
    stopped = {paused.arm for paused in test.paused}
    # Paused is only who is beyond the line, 30 a conversion, and by more than chance.
    assert stopped
    assert stopped <= {arm for arm, cost in costs.items() if cost > 30}
    day = test.next_day(1000)
    assert sum(day.spend.values()) + day.back_to_plan == 1000
    assert set(day.released) == stopped
    assert Experiment.from_json(test.to_json()).next_day(1000) == day


def test_a_rate_of_a_hundredth_of_a_percent_is_never_a_point_under_the_average():
    assert audiences("ctr", 0.0002).paused == ()


def test_single_ads_with_hardly_a_count():
    ads = pd.read_csv(FACEBOOK).head(40)
    rows = [
        Observation("2017-08-30", str(ad), spend, int(shown), int(clicks), float(sold))
        for ad, shown, clicks, spend, sold in ads[
            ["ad_id", "Impressions", "Clicks", "Spent", "Approved_Conversion"]
        ].itertuples(index=False)
    ]
    asked = Settings("cpa", 60, currency="USD", cell=0, days=(1, 1), pause=None)
    verdict = Experiment(tuple(row.arm for row in rows), asked, tuple(rows)).verdict()
    assert verdict.decision == "keep going"
    assert verdict.beaten == ()
    assert max(arm.probability for arm in verdict.arms) < 0.9
    # An ad without spend and with conversions is of the prior's kind, not infinitely good.
    assert all(0 < arm.value < 10 for arm in verdict.arms)


def test_conversions_above_clicks_are_named():
    row = Observation("2017-08-30", "a", 1.59, 29_945, 1, 2.0)
    with pytest.raises(HistoryError, match="above its clicks"):
        Experiment(("a", "b"), Settings("cvr", pause=None), (row,))


def test_devices_day_by_day_after_names_are_cleaned(tmp_path):
    columns = {"day": "Ad_Date", "arm": "Device", "impressions": "Impressions",
               "clicks": "Clicks", "spend": "Cost", "date_format": "%d-%m-%Y"}  # fmt: skip
    with pytest.raises(HistoryError, match=r"spend of .* missing"):
        # The first ad without a cost is refused with its line.
        read_log(GOOGLE, Settings(currency="USD"), columns)
    ads = pd.read_csv(GOOGLE, encoding="utf-8-sig")
    ads["Device"] = ads["Device"].str.lower()
    ads["Cost"] = pd.to_numeric(ads["Cost"].astype(str).str.strip("$"), errors="coerce")
    whole = ads.dropna(subset=["Clicks", "Impressions", "Cost"])
    daily = whole.groupby(["Ad_Date", "Device"])[["Clicks", "Impressions", "Cost"]].sum()
    daily.astype({"Clicks": int, "Impressions": int}).to_csv(tmp_path / "daily.csv")
    rows = read_log(tmp_path / "daily.csv", Settings(currency="USD"), columns)
    test = Experiment(("desktop", "mobile", "tablet"), Settings(currency="USD"), rows)
    assert len(test.days) == 30
    assert sum(row.clicks for row in rows) == whole["Clicks"].sum()
    verdict = test.verdict()
    rates = {arm.arm: arm.events / arm.trials for arm in verdict.arms}
    assert max(rates, key=rates.get) == verdict.leader
    # Some 3 % each: devices do not differ by a tenth, and thirty days show it.
    assert verdict.decision == "no difference"
    assert test.paused == ()
