"""One total: controls and negative weeks enter the regression, and survive every way round."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as few
from hypothesis import strategies as st

import budgetopt as bo
from budgetopt.belief import ObservationLog, Settings
from budgetopt.belief.inputs import control_columns
from budgetopt.curves import Hill
from budgetopt.exchange import history_sheet, read_history
from budgetopt.workflow.inputs import RecordedHistory

QUICK = Settings(total_points=5, total_carryover=(0.0,), sweeps=3)
NAMES, WEEKS, MONEY = ("a", "b"), 104, 1000.0
USED = np.ones(WEEKS, bool)
CURVE = Hill(500.0, MONEY, 1.0)
PLAN = bo.Plan(
    budget=2000,
    currency="CNY",
    channels=[bo.Channel(name) for name in NAMES],
    columns=bo.Columns(
        layout="wide", spend={"a": "A", "b": "B"}, outcome="sales", controls=["price", "promo"]
    ),
)


@cache
def market(seed=0):
    """Return a history whose money is moved against a price, and what the channels bring."""
    rng = np.random.default_rng(seed)
    price = np.exp(0.1 * rng.standard_normal(WEEKS))
    promo = (rng.random(WEEKS) < 0.15).astype(float)
    spend = MONEY * rng.lognormal(0, 0.3, (WEEKS, 2)) * (price**-3 * (1 + 0.8 * promo))[:, None]
    brought = CURVE.value(spend).sum(axis=1)
    total = 1200 * price**-2 + 500 * promo + brought + rng.normal(0, 25, WEEKS)
    history = bo.History(
        NAMES,
        np.datetime64("2024-01-01") + 7 * np.arange(WEEKS),
        spend,
        total=total,
        controls={"price": price, "promo": promo},
    )
    return history, brought


@cache
def learned():
    return bo.learn(market()[0], PLAN, settings=QUICK)


def media(belief):
    return belief.mean().value(belief.log.spend).sum(axis=1).mean()


def test_what_controls_explain_is_no_effect_of_the_money():
    history, brought = market()
    known = media(learned())
    silent = media(
        bo.learn(replace(history, controls={}), replace(PLAN, columns=bo.Columns()), settings=QUICK)
    )
    assert known == pytest.approx(brought.mean(), rel=0.3)
    assert silent > 2 * brought.mean()


@given(scale=st.floats(-6, 6), shift=st.floats(-5, 5), sign=st.sampled_from([-1, 1]))
@few(max_examples=20)
def test_units_of_controls_do_not_matter(scale, shift, sign):
    history, _ = market()
    moved = {name: sign * 10.0**scale * (c + shift) for name, c in history.controls.items()}
    columns = [
        control_columns(ObservationLog.of(past, NAMES, 1.0, None, PLAN.priors), USED)
        for past in (history, replace(history, controls=moved))
    ]
    np.testing.assert_allclose(columns[1], sign * columns[0], atol=1e-6)
    np.testing.assert_allclose(columns[0].mean(axis=0), 0, atol=1e-12)
    np.testing.assert_allclose(columns[0].std(axis=0), 1)


def test_a_control_that_never_varies_tells_nothing():
    history, _ = market()
    still = replace(history, controls={"price": np.full(WEEKS, 3.3), "promo": np.zeros(WEEKS)})
    plain = bo.learn(
        replace(history, controls={}), replace(PLAN, columns=bo.Columns()), settings=QUICK
    )
    assert media(bo.learn(still, PLAN, settings=QUICK)) == pytest.approx(media(plain), rel=1e-9)


def test_weeks_of_returns_are_data():
    """The same series moved down below zero: the money still brings about as much."""
    history, brought = market()
    total = history.total - np.quantile(history.total, 0.05)
    low = replace(history, total=total)
    assert (low.total < 0).sum() == 6
    belief = bo.learn(low, PLAN, settings=QUICK)
    assert media(belief) == pytest.approx(brought.mean(), rel=0.35)
    assert ObservationLog.from_dict(belief.log.to_dict()).total.min() == total.min()
    with pytest.raises(bo.HistoryError, match="negative"):
        bo.History(NAMES, low.weeks, -low.spend, total=low.total)


def file_of(folder, name="total.csv", rows=None):
    rows = rows or ["2025-01-06,10,20,-5,1.5,0", "2025-01-13,11,21,60,-2.5,1"]
    path = folder / name
    path.write_text("week,A,B,sales,price,promo\n" + "\n".join(rows) + "\n")
    return path


def test_a_file_gives_controls_and_negative_totals(tmp_path):
    past = bo.History.read(file_of(tmp_path), PLAN.columns)
    assert past.total.tolist() == [-5, 60]
    assert {name: c.tolist() for name, c in past.controls.items()} == {
        "price": [1.5, -2.5], "promo": [0, 1]
    }  # fmt: skip
    assert past == bo.History.read(file_of(tmp_path), PLAN.columns)
    dearer = replace(past, controls={**past.controls, "price": [1.5, 9]})
    assert dearer != past
    assert past.until("2025-01-13").controls["price"].tolist() == [1.5]


def test_days_give_the_mean_and_two_files_agree(tmp_path):
    daily = replace(PLAN.columns, rows="daily")
    days = [f"2025-01-{6 + day:02d},1,2,10,{day},0" for day in range(7)]
    past = bo.History.read(file_of(tmp_path, rows=days), daily)
    assert past.controls["price"].tolist() == [3.0]
    assert past.total.tolist() == [70]
    first = file_of(tmp_path, "one.csv", ["2025-01-06,10,20,5,1.5,0"])
    second = file_of(tmp_path, "two.csv", ["2025-01-06,10,20,5,1.5,0", "2025-01-13,11,21,6,2.5,1"])
    both = bo.History.read([first, second], PLAN.columns)
    assert both.controls["price"].tolist() == [1.5, 2.5]
    other = file_of(tmp_path, "three.csv", ["2025-01-06,10,20,5,1.6,0"])
    with pytest.raises(bo.HistoryError, match=r"price 1\.5 and 1\.6"):
        bo.History.read([first, other], PLAN.columns)


@pytest.mark.parametrize(
    ("changed", "match"),
    [
        ({"layout": "long", "spend": "A"}, "outcomes are by channel"),
        ({"outcome": {"a": "x", "b": "y"}}, "outcomes are by channel"),
        ({"controls": ["sales"]}, "two roles"),
        ({"controls": "price"}, "not a list"),
    ],
)
def test_columns_refuse_controls_that_nothing_would_use(changed, match):
    known = PLAN.columns.to_dict() | changed
    with pytest.raises(bo.HistoryError, match=match):
        bo.Columns.from_dict(known)


def test_a_history_refuses_what_it_cannot_use():
    history, _ = market()
    gone = {"price": np.where(np.arange(WEEKS) == 3, np.nan, 1.0)}
    with pytest.raises(bo.HistoryError, match="2024-01-22") as caught:
        replace(history, controls=gone)
    assert caught.value.field == "controls.price"
    unknown = np.where(np.arange(WEEKS) == 3, np.nan, history.total)
    assert replace(history, controls=gone, total=unknown).controls
    with pytest.raises(bo.HistoryError, match="by channel"):
        replace(history, total=None, outcome=history.spend)
    with pytest.raises(bo.InputError, match="'promo'"):
        bo.learn(replace(history, controls={"price": history.controls["price"]}), PLAN)


def test_records_files_and_beliefs_keep_them(tmp_path):
    history, _ = market()
    for layout in ("long", "wide", "pymc"):
        path = tmp_path / f"{layout}.csv"
        history_sheet(history, layout).to_frame().to_csv(path, index=False)
        again = read_history(path)
        assert again == history
        assert again.controls.keys() == history.controls.keys()
    belief = learned()
    log = ObservationLog.from_dict(json.loads(json.dumps(belief.log.to_dict())))
    assert log.holds_the_same(belief.log)
    other = replace(log, controls={**log.controls, "price": log.controls["promo"]})
    assert not log.holds_the_same(other)
    first = bo.learn(history.until("2025-06-02"), PLAN, settings=QUICK)
    assert first.updated(history) == belief
    with pytest.raises(bo.InputError, match="controls"):
        first.updated(replace(history, controls={}))


def test_a_ledger_keeps_them_and_says_which_weeks_were_revised():
    history, _ = market()
    known = RecordedHistory.of(history)
    assert (
        RecordedHistory().after(json.loads(json.dumps(known.entry(RecordedHistory(), 0)))) == known
    )
    price = history.controls["price"].copy()
    price[5] *= 2
    later = RecordedHistory.of(replace(history, controls={**history.controls, "price": price}))
    week = history.weeks[5].astype("datetime64[D]").item()
    assert [one.week for one in later.since(known).revised] == [week]
    assert list(later.entry(known, 7)["rows"]) == [str(week)]
