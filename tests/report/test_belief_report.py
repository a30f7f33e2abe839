"""A belief as tables, JSON and CSV: what the summary says, in 80 columns, nothing lost."""

import csv
import io
import json
import re
from dataclasses import replace

import numpy as np
import pytest
from rich.cells import cell_len

import budgetopt as bo
from budgetopt import report
from budgetopt.belief import LevelChange, Settings
from budgetopt.exchange import book_of, render
from budgetopt.report import belief as belief_report

NAMES = {
    "Chinese": ["百度 Baidu", "微信朋友圈 WeChat Moments", "抖音", "小红书" * 20],
    "long": ["x" * 300, "a " * 150, "b"],
    "odd": ["=SUM(A1)", "[red]x[/red]", "a/b", 'quote " comma , line', "😀 smile"],
    "one": ["only"],
}


def csv_of(belief):
    return render(book_of(belief), "csv")


def history(names, *, scale=100.0, brings=1.0, total=False, never=0, weeks=12):
    rng = np.random.default_rng(4)
    spend = scale * rng.uniform(0.5, 1.5, (weeks, len(names)))
    outcome = 3 * brings * -np.expm1(-spend / scale) * rng.lognormal(0, 0.1, spend.shape)
    spend[:, len(names) - never :] = np.nan
    outcome[:, len(names) - never :] = np.nan
    starts = np.datetime64("2025-01-06") + 7 * np.arange(weeks)
    if total:
        return bo.History(tuple(names), starts, spend, total=np.nansum(outcome, axis=1))
    return bo.History(tuple(names), starts, spend, outcome=outcome)


def learned(names, **kind):
    budget = round(kind.get("scale", 100.0) * len(names), 2)
    plan = bo.Plan(budget=budget, currency="CNY", channels=[bo.Channel(n) for n in names])
    return bo.learn(history(names, **kind), plan, settings=Settings.fast())


THREE = ["百度", "b", "never"]
OWN = learned(THREE, never=1)
TOTAL = learned(THREE[:2], total=True)


@pytest.mark.parametrize("kind", NAMES)
@pytest.mark.parametrize(
    ("scale", "brings"), [(100.0, 300.0), (1e-1, 1e9), (1e9, 1e-6), (1e6, 1e12)]
)
def test_no_line_is_wider_than_the_terminal(kind, scale, brings):
    text = report.belief_table(learned(NAMES[kind], scale=scale, brings=brings))
    assert max(map(cell_len, text.splitlines())) <= report.WIDTH
    assert not any(line != line.rstrip() for line in text.splitlines())
    squeezed = re.sub(r"\s", "", text)
    for name in NAMES[kind]:
        if len(name) < 12:
            assert squeezed.count(re.sub(r"\s", "", name)) >= 3


def rows_of(text, heading):
    """Return the cells of the table under a heading, by channel."""
    lines = text.splitlines()
    start = next(at for at, line in enumerate(lines) if heading in line and "channel" in line)
    rows = {}
    for line in lines[start + 1 :]:
        if not line or line.split()[0] not in THREE:
            break
        name, *cells = line.split()
        rows[name] = cells
    return rows


def test_the_tables_say_what_the_summary_says():
    text, (row, *_) = report.belief_table(OWN), OWN.summary()
    at = row.at_usual
    spend, outcome, low, high, roas, *_ = rows_of(text, "per unit")["百度"]
    assert float(spend) == pytest.approx(at.spend, rel=1e-3)
    for said, meant in ((outcome, "mean"), (low, "low"), (high, "high")):
        # Three digits: half of the last of them is up to a two-hundredth.
        assert float(said) == pytest.approx(getattr(at.response, meant), rel=5e-3)
    assert float(roas) == pytest.approx(at.roas.mean, rel=2e-2)
    mroas, least, most, half, *_, steep = rows_of(text, "S-shape")["百度"]
    assert float(mroas) == pytest.approx(at.mroas.mean, rel=2e-2)
    assert (float(least), float(most)) == pytest.approx((at.mroas.low, at.mroas.high), abs=6e-3)
    assert float(half) == pytest.approx(row.saturation.mean, rel=1e-2)
    assert steep == f"{row.s_shaped:.0%}"
    told = rows_of(text, "drift")["百度"]
    assert told[0] == f"{row.data_share:.0%}"
    assert float(told[1]) == pytest.approx(row.spend_low, rel=1e-3)
    assert float(told[2]) == pytest.approx(row.spend_high, rel=1e-3)
    assert told[3:] == [f"{row.drift.mean:.1%}", f"{row.noise.mean:.1%}"]


def test_a_channel_without_data_is_shown_at_the_equal_share():
    text = report.belief_table(OWN)
    assert "an equal share, 100, where there was none" in " ".join(text.split())
    assert rows_of(text, "per unit")["never"][0] == "100.0"
    assert rows_of(text, "drift")["never"][0] == "0%"
    assert len(rows_of(text, "drift")["never"]) == 3
    assert "Note: no data for 'never': estimates rest on the prior alone." in text
    row = list(csv.DictReader(io.StringIO(csv_of(OWN))))[2]
    assert (row["spend_low"], row["spend_high"], row["spend"]) == ("", "", "100.0")


def test_the_record_of_predictions_is_told():
    held = OWN.calibration()
    assert (held.outcomes, held.level) == (16, 0.8)
    told = f"Of 16 outcomes of the last 8 weeks, {held.inside} ({held.covered:.0%}) were in"
    assert told in " ".join(report.belief_table(OWN).split())
    assert "predicted a week before" not in report.belief_table(TOTAL)


def test_one_total_has_neither_drift_nor_noise():
    text = report.belief_table(TOTAL)
    assert "drift" not in text
    assert "one total outcome" in text
    assert "Note: with one total outcome for 2 channels" in text
    rows = list(csv.DictReader(io.StringIO(csv_of(TOTAL))))
    assert {row["drift"] for row in rows} == {row["noise_high"] for row in rows} == {""}
    assert json.loads(report.belief_json(TOTAL))["channels"][0]["drift"] is None


def test_a_change_is_told_with_its_week_and_chance(monkeypatch):
    rows = OWN.summary()
    changed = (
        replace(rows[0], change=LevelChange(np.datetime64("2025-03-03").item(), 0.93)),
        *rows[1:],
    )
    monkeypatch.setattr(bo.Belief, "summary", lambda *_: changed)
    text = report.belief_table(OWN)
    assert rows_of(text, "last change")["百度"][-2:] == ["2025-03-03", "93%"]
    assert "the last jump of the response with its probability" in " ".join(text.split())
    assert belief_report.belief_facts(OWN)["channels"][0]["change"] == {
        "week": "2025-03-03",
        "chance": 0.93,
    }
    row = next(csv.DictReader(io.StringIO(csv_of(OWN))))
    assert (row["change_week"], row["change_chance"]) == ("2025-03-03", "0.93")


def test_no_jump_is_not_spoken_of():
    assert all(row.change is None for row in OWN.summary())
    assert "jump" not in report.belief_table(OWN)


def test_another_level_has_other_ranges_and_says_so():
    text = report.belief_table(OWN, 0.975)
    assert "the 97.5% range from low to high" in " ".join(text.split())
    facts = report.belief_facts(OWN, 0.975)
    assert facts["level"] == facts["calibration"]["level"] == 0.975
    narrow = report.belief_facts(OWN)["channels"][0]["at_usual"]["response"]
    wide = facts["channels"][0]["at_usual"]["response"]
    assert wide["low"] < narrow["low"] < narrow["high"] < wide["high"]
    assert wide["mean"] == narrow["mean"]


@pytest.mark.parametrize("belief", [OWN, TOTAL], ids=["channel", "total"])
def test_json_and_csv_hold_every_digit(belief):
    facts, summary = json.loads(report.belief_json(belief)), belief.summary()
    assert (facts["weeks"], facts["first"], facts["last"]) == (12, "2025-01-06", "2025-03-24")
    assert facts["through"] == "2025-03-30"
    assert (facts["history"], facts["notes"]) == (belief.fingerprint, list(belief.notes))
    assert (facts["week_effect"]["mean"], facts["week_effect"]["sd"]) == belief.week_effect
    rows = list(csv.DictReader(io.StringIO(csv_of(belief))))
    assert [row["channel"] for row in rows] == [row.channel for row in summary]
    for told, row, one in zip(facts["channels"], rows, summary, strict=True):
        at = one.at_usual or one.at_reference
        assert told["at_reference"]["roas"]["low"] == one.at_reference.roas.low
        assert [reading["spend"] for reading in told["curve"]] == [r.spend for r in one.curve]
        assert float(row["response"]) == at.response.mean
        assert float(row["mroas_high"]) == at.mroas.high
        assert float(row["saturation_low"]) == told["saturation"]["low"] == one.saturation.low
        assert float(row["data_share"]) == told["data_share"] == one.data_share


def test_weeks_that_were_treated_are_facts():
    past = history(["a", "b", "c"])
    outcome = past.outcome.copy()
    outcome[3, 1] = np.nan
    plan = bo.Plan(budget=300, currency="CNY", channels=[bo.Channel(n) for n in past.channels])
    gap = bo.History(past.channels, past.weeks, past.spend, outcome=outcome)
    belief = bo.learn(gap, plan, settings=Settings.fast())
    (treated,) = report.belief_facts(belief)["treated"]
    assert (treated["channel"], treated["code"]) == ("b", "not-reported")
    assert treated["weeks"] == ["2025-01-27"]


def test_one_week_is_one_week():
    text = report.belief_table(learned(["a", "b"], weeks=1))
    assert text.startswith("Learned from 1 week, 2025-01-06 to 2025-01-06")
    assert "outcomes of the last week, " in " ".join(text.split())


def test_the_fit_of_one_total_is_told_and_a_fact():
    fit = json.loads(report.belief_json(TOTAL))["fit"]
    assert fit["explained"] == TOTAL.fit.explained
    assert fit["odd"] == [{"week": str(week), "miss": miss} for week, miss in TOTAL.fit.odd]
    low, high = TOTAL.fit.media_range(0.8)
    assert (fit["media_low"], fit["media_high"]) == (low, high)
    assert low < fit["media"] < high
    assert (fit["baseline_low"], fit["baseline"]) == (1 - high, 1 - TOTAL.fit.media)
    for language in ("en", "zh"):
        text = report.belief_table(TOTAL, language=language)
        fitted = TOTAL.fit.explained, TOTAL.fit.media, TOTAL.fit.noise
        for share in (*fitted, low, high, 1 - low, 1 - high):
            assert f"{share:.0%}" in text
    assert report.belief_facts(OWN)["fit"] is None
