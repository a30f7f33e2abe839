"""How far a move goes: cautious and guarded policies, by hand and as properties."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import norm

from budgetopt.errors import InputError
from budgetopt.optimize import in_proportion
from budgetopt.policies import Cautious, Guarded, HoldSteady, PosteriorMean, conservative
from budgetopt.policies.base import along, best_part, last_part

from .helpers import Coin, Fixed, decide, view

START = np.array([20.0, 30.0, 50.0])


def gain(spend, start=START):
    """Mean and standard deviation of the gain, channel by channel and then summed."""
    mean, variance = Coin().gain(start, spend)
    return mean.sum(), np.sqrt(variance.sum())


def test_the_best_part_of_a_parabola_is_its_peak():
    for peak in (0.0, 0.03, 0.41, 0.77, 1.0, 1.4):
        found = best_part(lambda t, peak=peak: t * (2 * peak - t), np.zeros(()))
        assert abs(found - min(peak, 1.0)) <= 1 / 128


def test_nothing_is_best_where_nothing_is_gained():
    assert best_part(lambda t: -t, np.zeros(())) == 0
    assert best_part(lambda t: 0 * t, np.zeros(())) == 0


def test_the_last_part_is_where_the_condition_ends():
    assert last_part(lambda t: t <= 0.3, np.zeros(())) == pytest.approx(0.3, abs=2e-6)
    assert last_part(lambda t: t <= 0.3, np.zeros(())) <= 0.3
    both = last_part(lambda t: t <= np.array([2.0, 0.5]), np.zeros(2))
    assert both.tolist() == pytest.approx([1.0, 0.5], abs=2e-6)


def test_ends_of_the_way_are_exact():
    end = np.array([0.1, 0.7, 1e9])
    assert along(START, end, np.ones(())).tolist() == end.tolist()
    assert along(START, end, np.zeros(())).tolist() == START.tolist()


def test_cautious_takes_the_part_that_is_worth_most():
    end = decide(PosteriorMean())
    for k in (0.1, 0.3, 1.0):
        tried = [along(START, end, np.asarray(t)) for t in np.linspace(0, 1, 2001)]
        worth = [mean - k * sd for mean, sd in map(gain, tried)]
        got = decide(Cautious(PosteriorMean(), k))
        mean, sd = gain(got)
        # To 1/128 of the way, near a peak: a square of it.
        assert mean - k * sd >= max(worth) - 1e-3 * max(1.0, max(worth))


def test_more_caution_moves_less_and_enough_of_it_nothing():
    moved = [np.abs(decide(Cautious(k=k)) - START).sum() for k in (1e-6, 0.5, 1.0, 20.0)]
    assert moved == sorted(moved, reverse=True)
    assert moved[0] > 0
    assert moved[-1] == 0


def test_a_move_that_loses_on_average_is_not_made():
    assert decide(Cautious(Fixed(0, 30, 50), 1e-6)).tolist() == START.tolist()


def test_cautious_starts_from_last_week_drawn_into_the_limits():
    upper = np.array([100.0, 10.0, 100.0])
    assert decide(Cautious(HoldSteady(), 5.0), upper=upper).tolist() == [20, 10, 50]


def test_cautious_counts_what_the_goal_counts():
    # Outcomes in money, less their cost: spending less pays where a unit brings less than it costs.
    less = Fixed(20, 20, 50)
    worth = decide(Cautious(less, 0.1), cost=np.full(3, 50.0))
    assert worth.tolist() == [20, 20, 50]
    assert decide(Cautious(less, 0.1)).tolist() == START.tolist()


def test_a_safe_move_is_let_through_to_the_last_digit():
    end = decide(PosteriorMean())
    mean, sd = gain(end)
    kept = conservative(view(), end, 0.05, 0.8)
    assert mean - norm.ppf(0.8) * sd > kept.allowed
    np.testing.assert_array_equal(kept.spend, end)
    assert kept.part == 1
    assert kept.low == pytest.approx(mean - norm.ppf(0.8) * sd)
    np.testing.assert_array_equal(decide(Guarded()), end)


def test_a_move_that_may_lose_too_much_stops_where_it_would():
    wish = np.array([100.0, 0.0, 20.0])
    outcome = Coin().mean().value(START).sum()
    kept = conservative(view(), wish, 0.05, 0.8)
    assert kept.allowed == pytest.approx(-0.05 * outcome)
    mean, sd = gain(kept.spend)
    assert mean - norm.ppf(0.8) * sd == pytest.approx(-0.05 * outcome, rel=1e-3)
    assert 0 < kept.part < 1
    begin = START * wish.sum() / START.sum()
    np.testing.assert_allclose(kept.spend, begin + kept.part * (wish - begin))
    assert kept.spend.sum() == pytest.approx(wish.sum())
    np.testing.assert_array_equal(decide(Guarded(Fixed(*wish))), kept.spend)


def test_wider_doubt_and_more_confidence_let_less_through():
    wish = np.array([100.0, 0.0, 20.0])
    parts = [
        float(conservative(view(), wish, 0.05, confidence, widened).part)
        for confidence, widened in ((0.6, 1.0), (0.8, 1.0), (0.8, 2.0), (0.99, 2.0))
    ]
    assert parts == sorted(parts, reverse=True)
    assert len(set(parts)) == 4


def test_more_money_everywhere_can_lose_nothing():
    # The gain is in great doubt, but no curve falls.
    belief = Coin(np.array([[1.0, 900.0]] * 3))
    low, wish = view(belief=belief, last=np.array([1.0, 1.0, 1.0])), np.full(3, 40.0)
    mean, variance = belief.gain(low.last, wish)
    assert mean.sum() < norm.ppf(0.9999) * np.sqrt(variance.sum())
    kept = conservative(low, wish, 0.001, 0.9999)
    assert kept.part == 1
    assert kept.low == 0
    assert conservative(view(last=np.zeros(3)), np.full(3, 40.0), 0.001, 0.999).part == 1


def test_without_more_money_the_way_begins_at_last_week():
    wish = np.array([95.0, 0.0, 5.0])
    kept = conservative(view(), wish, 0.05, 0.8)
    assert 0 < kept.part < 1
    np.testing.assert_allclose(kept.spend, START + kept.part * (wish - START))


def test_what_a_unit_costs_is_lost_for_certain():
    low = view(last=np.array([1.0, 1.0, 1.0]), cost=100.0)
    kept = conservative(low, np.array([40.0, 40.0, 40.0]), 0.05, 0.9)
    assert kept.low < -117 * 100 + 3 * 300
    assert kept.part < 0.01


def test_where_limits_draw_a_point_off_its_way_into_danger_nothing_moves():
    wish = np.array([100.0, 0.0, 20.0])
    kept = conservative(view(projection=lambda spend: np.array([100.0, 0.0, 0.0])), wish, 0.05, 0.8)
    # Even last week's split is drawn there: it is where the week starts.
    assert kept.spend.tolist() == [100, 0, 0]
    calls = []

    def jumps(spend):
        calls.append(spend)
        return spend if len(calls) == 1 else np.array([100.0, 0.0, 0.0])

    assert conservative(view(projection=jumps), wish, 0.05, 0.8).spend.tolist() == START.tolist()


spends = st.lists(st.floats(0, 40), min_size=3, max_size=3).map(np.array)


@settings(max_examples=60)
@given(spends, spends, st.floats(0.001, 0.5), st.floats(0.55, 0.99))
def test_no_guarded_week_loses_more_than_it_may(last, wish, loss, confidence):
    week = view(last=last)
    kept = conservative(week, wish, loss, confidence)
    mean, variance = Coin().gain(last, kept.spend)
    down = kept.spend < last
    z = norm.ppf(confidence)
    sides = [
        mean.sum() - z * np.sqrt(variance.sum()),
        mean[down].sum() - z * np.sqrt(variance[down].sum()),
    ]
    assert max(sides) >= -loss * Coin().mean().value(last).sum() - 1e-9
    begin = last
    if wish.sum() > last.sum():
        begin = in_proportion(last, week.lower, week.upper, np.asarray(wish.sum()))
    between = (kept.spend - begin) * (wish - kept.spend)
    assert np.all(between >= -1e-9)


@pytest.mark.parametrize("k", [0, -1, 101, np.nan, True, "1"])
def test_caution_out_of_range_is_refused(k):
    with pytest.raises(InputError, match="above 0, at most 100"):
        Cautious(k=k)


@pytest.mark.parametrize(("loss", "confidence"), [(0, 0.8), (1.1, 0.8), (0.05, 0), (0.05, 1)])
def test_guards_out_of_range_are_refused(loss, confidence):
    with pytest.raises(InputError) as error:
        Guarded(most_loss=loss, confidence=confidence)
    assert error.value.code == "bad-argument"


def test_numbers_at_the_edge_are_taken():
    assert Cautious(k=100).k == 100
    assert Guarded(most_loss=1, confidence=0.999).most_loss == 1
