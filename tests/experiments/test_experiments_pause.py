"""The pause rule: what it promises, and how often it pauses an ad that did not deserve it."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import integrate, stats

from budgetopt.errors import InputError
from budgetopt.experiments import PauseRule
from budgetopt.experiments.pause import least_expected, log_evidence_below

KNOWN = PauseRule(average=0.025)


def ever_paused(rule, ctr, shown, *, days, ads, seed, others=None):
    """Return the day on which each of many ads is paused, infinite where it never is."""
    rng = np.random.default_rng(seed)
    clicks = rng.binomial(shown, ctr, (days, ads)).cumsum(axis=0).astype(float)
    total = np.broadcast_to(shown * np.arange(1.0, days + 1)[:, None], clicks.shape)
    if others is None:
        low = rule.probability_low_ctr(clicks, total)
    else:
        rest = rng.binomial(2 * shown, others, (days, ads)).cumsum(axis=0).astype(float)
        both = np.stack([clicks, rest], axis=-1), np.stack([total, 2 * total], axis=-1)
        low = rule.probability_low_ctr(*both)[..., 0]
    hit = low >= rule.certainty
    return np.where(hit.any(axis=0), hit.argmax(axis=0) + 1.0, np.inf)


@given(st.integers(0, 300), st.floats(0.01, 300.0))
def test_the_evidence_is_its_integral(events, expected):
    # Scaled by its largest value, at r = min(x / mu, 1).
    top = min(events / expected, 1.0)
    most = (events * np.log(top) if events else 0.0) - (top - 1) * expected

    def integrand(r):
        return np.exp((events * np.log(r) if events else 0.0) - (r - 1) * expected - most)

    area, _ = integrate.quad(integrand, 0, 1, points=[max(min(top, 0.999), 1e-9)], limit=300)
    found = log_evidence_below(np.array(float(events)), np.array(expected))
    if events < 3 * expected + 50:
        assert found == pytest.approx(most + np.log(area), abs=1e-6)
    assert found <= max(most + np.log(area), 0.0) + 1e-6


def test_the_evidence_is_a_martingale_on_the_line_and_falls_above_it():
    x = np.arange(200.0)
    for rate, most in ((1.0, 1.0), (1.3, 1.0), (2.0, 1.0)):
        mean = (stats.poisson.pmf(x, rate * 20) * np.exp(log_evidence_below(x, 20.0))).sum()
        assert mean == pytest.approx(1.0, abs=1e-9) if rate == 1 else mean < most


def test_ten_clicks_pause_nothing():
    # 1 % against 2.5 %, as in practice: 10 clicks of 1,000 impressions.
    low = KNOWN.probability_low_ctr(np.array([[10.0]]), np.array([[1000.0]]))
    assert 0.5 < low[0, 0] < KNOWN.certainty
    many = KNOWN.probability_low_ctr(np.array([[100.0]]), np.array([[10_000.0]]))
    assert many[0, 0] > KNOWN.certainty


@pytest.mark.parametrize(
    ("shown", "days", "clicks"), [(10_000, 1, 100), (2_000, 5, 100), (300, 29, 87)]
)
def test_the_promise_is_kept(shown, days, clicks):
    promise = KNOWN.promise(0.01, shown, average=0.025)
    assert (promise.days, promise.clicks) == (days, pytest.approx(clicks))
    assert promise.impressions == days * shown
    paused = ever_paused(KNOWN, 0.01, shown, days=days, ads=2000, seed=1)
    kept = np.mean(paused <= promise.days)
    assert kept >= 0.9 - 0.02
    # Binomial clicks vary a little less than the Poisson ones that it is computed for.
    assert kept == pytest.approx(promise.probability, abs=0.025)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("shown", "written"), [(100, 1.9), (300, 2.5), (2_000, 1.0), (10_000, 0.5)]
)
def test_an_ad_on_the_line_is_paused_no_more_often_than_stated(shown, written):
    paused = ever_paused(KNOWN, 0.015, shown, days=60, ads=4000, seed=2)
    rate = np.mean(np.isfinite(paused))
    assert rate <= KNOWN.false_pause
    assert 100 * rate == pytest.approx(written, abs=1.0)


def test_an_ad_on_the_line_is_seldom_paused_where_the_raw_rule_nearly_always_does():
    paused = ever_paused(KNOWN, 0.015, 300, days=30, ads=1000, seed=3)
    assert np.mean(np.isfinite(paused)) <= KNOWN.false_pause
    rng = np.random.default_rng(3)
    clicks = rng.binomial(300, 0.015, (30, 1000)).cumsum(axis=0)
    shown = 300 * np.arange(1, 31)[:, None]
    assert np.mean((clicks / shown < 0.015).any(axis=0)) > 0.8


def test_against_the_average_of_the_other_ads():
    rule = PauseRule()
    one = ever_paused(rule, 0.01, 10_000, days=8, ads=500, seed=4, others=0.025)
    assert np.quantile(one, 0.9) <= 4
    two = ever_paused(rule, 0.01, 2_000, days=20, ads=500, seed=5, others=0.025)
    assert np.quantile(two, 0.9) <= 17
    line = ever_paused(rule, 0.015, 2_000, days=60, ads=1000, seed=6, others=0.025)
    assert np.mean(np.isfinite(line)) <= rule.false_pause


def test_the_bound_of_an_average_holds_at_all_times_and_comes_near():
    rng = np.random.default_rng(7)
    # Rates that differ from trial to trial, as the others' do.
    rates = rng.uniform(0.0, 0.05, (60, 500))
    events = rng.binomial(2_000, rates).cumsum(axis=0).astype(float)
    truth = (2_000 * rates).cumsum(axis=0)
    bound = least_expected(events, 0.05)
    assert np.mean((bound > truth).any(axis=0)) <= 0.05
    assert np.all(bound[-1] > 0.9 * truth[-1])
    assert least_expected(np.zeros(3), 0.05) == pytest.approx(0.0, abs=1e-12)


def test_cpa_beyond_its_target():
    rule = PauseRule(gap=None, target_cpa=50)
    # 20 % above 50 is 60: 6,000 CNY would have brought 100 conversions.
    low = rule.probability_high_cpa(np.array([[60.0, 100.0, 120.0]]), np.full((1, 3), 6000.0))
    expected = log_evidence_below(np.array(60.0), np.array(100.0))
    assert low[0, 0] == pytest.approx(1 / (1 + np.exp(-expected)))
    assert (low[0] >= rule.certainty).tolist() == [True, False, False]
    assert np.all(rule.probability_low_ctr(low, low) == 0)
    rng = np.random.default_rng(8)
    conversions = rng.poisson(500 / 60, (60, 2000)).cumsum(axis=0).astype(float)
    spend = np.broadcast_to(500.0 * np.arange(1, 61)[:, None], conversions.shape)
    hit = rule.probability_high_cpa(conversions, spend) >= rule.certainty
    assert np.mean(hit.any(axis=0)) <= 0.05


def test_two_figures_share_the_rate():
    both = PauseRule(target_cpa=50)
    assert both.each == 0.025
    assert both.certainty == pytest.approx(1 / 1.025)
    assert PauseRule(gap=None).each == 0.05


def test_nothing_lies_a_point_under_an_average_of_less():
    low = PauseRule().probability_low_ctr(np.array([[0.0, 90.0]]), np.array([[1e6, 10_000.0]]))
    assert low[0, 0] < 0.5


@pytest.mark.parametrize(
    ("settings", "field"),
    [
        ({"gap": 0}, "pause.gap"),
        ({"gap": 1}, "pause.gap"),
        ({"gap": float("nan")}, "pause.gap"),
        ({"average": 0.01}, "pause.average"),
        ({"average": 0.5, "gap": None}, "pause.average"),
        ({"target_cpa": -1}, "pause.target_cpa"),
        ({"over": -0.1}, "pause.over"),
        ({"false_pause": 0.5}, "pause.false_pause"),
        ({"false_pause": True}, "pause.false_pause"),
    ],
)
def test_settings_out_of_range(settings, field):
    with pytest.raises(InputError) as error:
        PauseRule(**settings)
    assert error.value.code == "bad-argument"
    assert error.value.field == field
    assert error.value.remedy


def test_promises_that_cannot_be_given():
    with pytest.raises(InputError, match=r"not below the line 0\.015"):
        KNOWN.promise(0.016, 1000, average=0.025)
    with pytest.raises(InputError, match="not paused within 366 days"):
        KNOWN.promise(0.0149, 1000, average=0.025)
    with pytest.raises(InputError, match="impressions_a_day"):
        KNOWN.promise(0.01, 0, average=0.025)
    assert KNOWN.promise(0.01, 1_000_000, average=0.025).days == 1


def test_the_edges_of_settings_are_taken():
    assert PauseRule(over=0, false_pause=0.499, gap=0.999).over == 0
    assert PauseRule(average=0.0101).average == 0.0101
