"""What a belief tells of each channel."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

import numpy as np
import pytest

from budgetopt.belief import Settings
from budgetopt.belief.belief import learn

from .helpers import Past, Plan, names, simulated

PLAN, PAST, _ = simulated(np.random.default_rng(1), weeks=12, channels=3)
QUICK = Settings(points=7, noise=(0.1, 0.2, 0.4), drift=(0.01, 0.05))
OWN = learn(PAST, Plan((*PLAN.names, "new"), 4000.0), settings=QUICK)
TOTAL = learn(
    Past(PAST.channels, PAST.spend, None, 5e3 + PAST.outcome.sum(axis=1)),
    Plan((*PLAN.names, "new"), 4000.0),
    settings=Settings(total_points=5, sweeps=3),
)


def test_summary_agrees_with_the_bands():
    rows = OWN.summary()
    assert [row.channel for row in rows] == list(OWN.channels)
    row, at = rows[0], OWN.usual_spend[0]
    assert row.spend_low == PAST.spend[:, 0].min()
    assert row.at_usual.spend == at == pytest.approx(PAST.spend[:, 0].mean())
    mean, x = OWN.mean(), np.full(4, at)
    assert row.at_usual.response.mean == pytest.approx(mean.value(x)[0], rel=1e-12)
    assert row.at_usual.roas.mean == pytest.approx(mean.value(x)[0] / at, rel=1e-12)
    assert row.at_usual.mroas.mean == pytest.approx(mean.slope(x)[0], rel=1e-12)
    assert row.at_reference.spend == OWN.reference == 1000.0
    assert row.at_reference.response.low < row.at_reference.response.high
    assert row.data_share == OWN.data_share[0]


@pytest.mark.parametrize("belief", [OWN, TOTAL], ids=["channel", "total"])
def test_the_curve_rises_and_its_bands_hold_its_mean(belief):
    for row in belief.summary():
        spends = [reading.spend for reading in row.curve]
        means = [reading.response.mean for reading in row.curve]
        assert np.all(np.diff(spends) > 0)
        assert np.all(np.diff(means) > 0)
        for reading in row.curve:
            for one in (reading.response, reading.roas, reading.mroas):
                assert 0 < one.low < one.high
            assert reading.roas.mean == pytest.approx(reading.response.mean / reading.spend)
        assert 0 <= row.data_share <= 1
        assert 0 <= row.s_shaped <= 1
        assert row.saturation.low < row.saturation.high


def test_a_wider_level_has_wider_bands():
    narrow, wide = (OWN.summary(level)[0] for level in (0.5, 0.95))
    for name in ("saturation", "drift", "noise"):
        one, other = getattr(narrow, name), getattr(wide, name)
        assert other.low < one.low < one.high < other.high
    assert wide.at_usual.response.high > narrow.at_usual.response.high


def test_a_channel_without_weeks():
    row = OWN.summary()[3]
    assert row.at_usual is row.spend_low is row.spend_high is row.change is None
    assert row.data_share == 0
    assert row.curve[3].spend == OWN.reference


def test_one_total_says_nothing_of_drift_and_noise():
    for row in TOTAL.summary():
        assert row.drift is row.noise is row.change is None
        assert row.s_shaped == 0


def test_noise_and_drift_are_found():
    """Three quiet channels, three noisy ones; then three that drift a tenth a week."""
    rng = np.random.default_rng(2)
    spend = 1000 * rng.lognormal(0, 0.4, (120, 6))
    noise = np.array([0.08, 0.08, 0.08, 0.4, 0.4, 0.4])
    outcome = 3000 * (spend / 1000) ** 0.7 * rng.lognormal(0, noise, spend.shape)
    rows = learn(Past(names(6), spend, outcome), Plan(names(6), 6000.0)).summary()
    for row, sd in zip(rows, noise, strict=True):
        # The levels tried are a factor of 1.6 apart.
        assert row.noise.mean == pytest.approx(sd, rel=0.35)
    walk = np.cumsum(rng.normal(0, [0.1, 0.1, 0.1, 0.003, 0.003, 0.003], (120, 6)), axis=0)
    quiet = 3000 * (spend / 1000) ** 0.7 * np.exp(walk) * rng.lognormal(0, 0.08, spend.shape)
    rows = learn(Past(names(6), spend, quiet), Plan(names(6), 6000.0)).summary()
    assert min(row.drift.mean for row in rows[:3]) > 3 * max(row.drift.mean for row in rows[3:])


def test_the_last_change_is_dated():
    """One channel falls by a quarter for good in the week of 29 August."""
    rng = np.random.default_rng(3)
    spend = 1000 * rng.lognormal(0, 0.2, (40, 4))
    outcome = 3000 * (spend / 1000) ** 0.7 * rng.lognormal(0, 0.05, spend.shape)
    outcome[34:, 1] *= 0.75
    rows = learn(Past(names(4), spend, outcome), Plan(names(4), 4000.0)).summary()
    assert [row.change is not None for row in rows] == [False, True, False, False]
    assert rows[1].change.week == dt.date(2022, 8, 29)
    assert 0.5 < rows[1].change.chance <= 1
    at = rows[1].at_usual
    assert at.response.mean == pytest.approx(2250 * (at.spend / 1000) ** 0.7, rel=0.1)


def test_the_last_of_several_changes_is_told():
    miss = np.zeros((12, 4))
    # Falls that stay: what is expected moves half of the way, and the next week misses the rest.
    miss[2, 0], miss[3, 0], miss[7, 0], miss[8, 0] = -1.2, -0.6, 1.2, 0.6
    # One that passes.
    miss[5, 1] = -1.2
    moved = 0.5 * miss * np.array([0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0])[:, None]
    flat = np.full((12, 4), 0.01)
    heard = OWN.walked.records._replace(miss=miss, moved=moved, level=flat, noise=flat)
    told = replace(OWN, walked=OWN.walked._replace(records=heard)).summary()
    assert told[0].change.week == dt.date(2022, 2, 21)
    assert told[0].change.chance > 0.9
    assert told[1].change is None
