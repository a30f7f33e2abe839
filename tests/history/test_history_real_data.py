import csv
import datetime as dt
from collections import defaultdict

import numpy as np
import pytest

from budgetopt.errors import CalendarError, HistoryError
from budgetopt.history import Columns, History

GOOGLE = {
    "week": "Ad_Date",
    "channel": "Device",
    "spend": "Cost",
    "outcome": "Sale_Amount",
    "date_format": "%d-%m-%Y",
    "rows": "daily",
}


def test_robyn_weekly(data):
    names = ["tv", "ooh", "print", "facebook", "search"]
    columns = Columns(
        layout="wide", week="DATE", spend={n: f"{n}_S" for n in names}, outcome="revenue"
    )
    for file in (
        "robyn_weekly/dt_simulated_weekly.csv",
        "robyn_models_2022/dt_simulated_weekly_2022.csv",
    ):
        history = History.read(data(file), columns, channels=names)
        assert history.channels == tuple(names)
        assert history.spend.shape == (208, 5)
        assert history.weeks[[0, -1]].astype(str).tolist() == ["2015-11-23", "2019-11-11"]
        assert history.notes == ()
    history = History.read(data("robyn_weekly/dt_simulated_weekly.csv"), columns, channels=names)
    assert (history.spend == 0).sum(axis=0).tolist() == [116, 123, 121, 107, 32]


def test_robyn_events_of_the_word_na_survive(data):
    # A loader that turns "na" into a missing value would see 206 weeks without an event.
    path = data("robyn_weekly/dt_simulated_weekly.csv")
    columns = Columns(
        week="DATE", channel="events", spend="tv_S", outcome="revenue", missing="zero"
    )
    assert History.read(path, columns).channels == ("event1", "event2", "na")


def test_meridian_revenue_is_a_product(data):
    for file, count, revenue in (
        ("national_media.csv", 4, 1_140_591_726),
        ("national_all_channels.csv", 5, 1_318_718_006),
    ):
        columns = Columns(
            layout="wide",
            week="time",
            spend={f"channel {n}": f"Channel{n}_spend" for n in range(count)},
            outcome=("conversions", "revenue_per_conversion"),
        )
        history = History.read(data(f"meridian_national/{file}"), columns)
        assert history.weeks.size == 156
        assert history.outcome is None
        assert round(history.total.sum()) == revenue
    spent = [40_501_713, 31_320_298, 12_079_349, 87_860_358, 47_730_683]
    assert np.round(history.spend.sum(axis=0)).tolist() == spent
    assert (history.spend[:, 2] == 0).sum() == 4


def test_pymc_weeks_that_start_on_different_days(data):
    columns = {"layout": "wide", "spend": {"x1": "x1", "x2": "x2"}, "outcome": "y"}
    example = History.read(data("pymc_mmm/mmm_example.csv"), Columns(week="date_week", **columns))
    assert example.weeks.size == 179
    assert (example.spend[:, 1] == 0).sum() == 147
    path = data("pymc_mmm/mmm_roas_data.csv")
    with pytest.raises(CalendarError, match="declare week_start = 'saturday'"):
        History.read(path, Columns(week="date", **columns))
    roas = History.read(path, Columns(week="date", **columns), week_start="saturday")
    assert roas.weeks.size == 131


def test_an_ad_level_report_is_added_up_only_where_declared(data):
    path = data("pymc_mmm/ad_report_schema.csv")
    columns = {
        "week": "date_day",
        "channel": "platform",
        "outcome": "conversions_value",
        "rows": "daily",
    }
    with pytest.raises(HistoryError, match="repeats"):
        History.read(path, Columns(**columns))
    with pytest.raises(HistoryError, match="'TikTok Ads' has no row on 2025-07-12"):
        History.read(path, Columns(**columns, repeats="sum"))
    history = History.read(path, Columns(**columns, repeats="sum", missing="zero"))
    assert history.channels == ("Facebook Ads", "Google Ads", "TikTok Ads")
    assert history.spend.tolist() == [[1188.0, 587.05, 472.1]]
    assert history.partial.tolist() == [True]


def test_google_daily_devices_are_spelled_in_nine_ways(data):
    path = data("google_ads_daily_clean/google_ads_nov2024.csv")
    with pytest.raises(
        HistoryError, match="line 4: 6 names are no channels of the plan, 355,487 of spend"
    ) as caught:
        History.read(path, Columns(**GOOGLE), channels=["desktop", "mobile", "tablet"])
    assert caught.value.code == "unknown-name"
    assert "did you mean 'desktop'?" in caught.value.remedy
    history = History.read(path, Columns(**GOOGLE, missing="zero", repeats="sum"))
    assert len(history.channels) == 9
    assert any("'DESKTOP', 'Desktop', 'desktop'" in note for note in history.notes)


def test_google_daily_rows_add_up(data):
    path = data("google_ads_daily_clean/google_ads_nov2024.csv")
    columns = Columns(**GOOGLE, missing="zero", repeats="sum")
    history = History.read(path, columns, as_of=dt.date(2024, 12, 1))
    assert history.spend.sum() == pytest.approx(538_371.83, abs=1e-6)
    assert history.outcome.sum() == 3_688_173
    assert history.weeks.astype(str).tolist()[0] == "2024-10-28"
    assert history.partial.tolist() == [True, False, False, False, True]
    assert "empty cells of 'Cost' treated as zero: 97" in history.notes
    with pytest.raises(HistoryError, match="'Cost' is missing"):
        History.read(path, Columns(**GOOGLE, repeats="sum"))


def test_google_daily_against_a_second_count(data):
    path = data("google_ads_daily_clean/google_ads_nov2024.csv")
    history = History.read(path, Columns(**GOOGLE, missing="zero", repeats="sum"))
    expected = defaultdict(float)
    with path.open(encoding="utf-8-sig", newline="") as file:
        for row in csv.DictReader(file):
            day = dt.datetime.strptime(row["Ad_Date"], "%d-%m-%Y").date()
            week = day - dt.timedelta(days=day.weekday())
            expected[week, row["Device"]] += float(row["Cost"] or 0)
    for w, week in enumerate(history.weeks.tolist()):
        for c, name in enumerate(history.channels):
            assert history.spend[w, c] == pytest.approx(expected[week, name])
