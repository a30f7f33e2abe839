"""What each policy decides, by hand arithmetic and against the optimum."""

import numpy as np
import pytest

from budgetopt.curves.mixture import Mixture
from budgetopt.errors import InputError
from budgetopt.optimize.waterfill import waterfill
from budgetopt.policies import (
    EqualSplit,
    Greedy,
    HoldSteady,
    Optimistic,
    PosteriorMean,
    Proportional,
    Thompson,
    UpperQuantile,
)

from .helpers import TOPS, Coin, decide, view


def test_hold_repeats_the_last_week():
    assert decide(HoldSteady()).tolist() == [20, 30, 50]


def test_hold_gives_way_to_limits():
    # 100 wished, 80 allowed: a fifth of everything above the floors.
    assert decide(HoldSteady(), budget=np.asarray(80.0)).tolist() == [16, 24, 40]
    assert decide(HoldSteady(), lower=np.array([25.0, 0, 0])).tolist() == [25, 30, 50]


def test_hold_stretches_where_all_is_to_be_spent():
    # 20 more over 80 + 70 + 50 of room.
    assert decide(HoldSteady(), spend_all=True).tolist() == pytest.approx([28, 37, 55])


def test_proportional_takes_ratios_of_totals_not_averages_of_ratios():
    # 60/40, 80/40 and 90/30: 1.5 to 2 to 3. The average of ratios of the first is (4 + 2/3)/2.
    wide = np.full(3, 1000.0)
    got = decide(Proportional(), upper=wide, budget=np.asarray(65.0))
    assert got.tolist() == pytest.approx([15, 20, 30])


def test_proportional_looks_back_no_further_than_its_weeks():
    # Last week alone: 2/3 and 3, and a channel without spend gets the ratio of all, 80/50.
    got = decide(Proportional(weeks=1), budget=np.asarray(79.0))
    assert got.tolist() == pytest.approx([10, 45, 24])


def test_proportional_leaves_out_what_was_not_reported():
    outcome = np.array([[40.0, 20.0, 90.0], [np.nan, 60.0, 0.0]])
    got = decide(Proportional(), outcome=outcome, budget=np.asarray(90.0))
    assert got.tolist() == pytest.approx([40, 20, 30])


def test_proportional_shares_evenly_where_nothing_came_back():
    got = decide(Proportional(), outcome=np.zeros((2, 3)), budget=np.asarray(90.0))
    assert got.tolist() == pytest.approx([30, 30, 30])


def test_proportional_shares_evenly_where_nothing_was_spent():
    got = decide(Proportional(), spend=np.zeros((2, 3)), budget=np.asarray(90.0))
    assert got.tolist() == pytest.approx([30, 30, 30])


def test_proportional_needs_outcomes_by_channel():
    with pytest.raises(InputError, match="one total") as error:
        decide(Proportional(), outcome=None)
    assert error.value.code == "bad-argument"


def test_posterior_mean_is_the_optimum_of_the_mean_curves():
    best = waterfill(Coin().mean(), np.zeros(3), np.full(3, 100.0), 120.0).spend
    np.testing.assert_array_equal(decide(PosteriorMean()), best)


def test_thompson_repeats_itself_with_a_seed_and_not_without():
    splits = {tuple(decide(Thompson(), seed)) for seed in (1, 1, 2, 3, 4, 5)}
    assert tuple(decide(Thompson(), 1)) in splits
    assert 1 < len(splits) < 6


def test_thompson_takes_the_optimum_of_its_draw():
    drawn = Coin().draw(np.random.default_rng(3))
    curve = Mixture(drawn.cells, drawn.weights[0])
    best = waterfill(curve, np.zeros(3), np.full(3, 100.0), 120.0).spend
    np.testing.assert_array_equal(decide(Thompson(), 3), best)


def test_thompson_with_many_draws_is_the_posterior_mean():
    mean = decide(PosteriorMean())
    far, near = (
        np.mean([np.abs(decide(Thompson(draws), seed) - mean).sum() for seed in range(20)])
        for draws in (1, 1000)
    )
    assert near < 2.0
    assert far > 10 * near


@pytest.mark.parametrize("draws", [0, -1, 10_001, 1.5, True, "3", None])
def test_draws_out_of_range_are_refused(draws):
    with pytest.raises(InputError, match="whole number from 1 to 10,000"):
        Thompson(draws)


@pytest.mark.parametrize("weeks", [0, 1_001, 2.0])
def test_weeks_out_of_range_are_refused(weeks):
    with pytest.raises(InputError, match="whole number from 1 to 1,000"):
        Proportional(weeks)


@pytest.mark.parametrize("number", [1, 10_000])
def test_numbers_at_the_edge_are_taken(number):
    assert Thompson(number).draws == number


def test_a_view_draws_wishes_into_its_limits():
    wish = np.array([200.0, 10.0, 10.0])
    # 100 of 200, and the rest fits.
    assert view().project(wish).tolist() == [100, 10, 10]
    halved = view(projection=lambda spend: spend / 2)
    assert halved.project(wish).tolist() == [50, 5, 5]
    assert decide(HoldSteady(), projection=lambda spend: spend / 2).tolist() == [10, 15, 25]


def test_a_view_knows_the_best_split():
    mean = Coin().mean()
    np.testing.assert_array_equal(view().optimum(mean), decide(PosteriorMean()))
    assert decide(PosteriorMean(), best=lambda curves: np.ones(3)).tolist() == [1, 1, 1]


def test_equal_shares_spend_the_budget():
    assert decide(EqualSplit()).tolist() == pytest.approx([40, 40, 40])


def test_equal_shares_give_way_to_bounds():
    # One is capped at 10 and one floored at 70: the third gets what is left of 120.
    lower, upper = np.array([0.0, 70.0, 0.0]), np.array([10.0, 100.0, 100.0])
    assert decide(EqualSplit(), lower=lower, upper=upper).tolist() == pytest.approx([10, 70, 40])


def test_equal_shares_stop_at_all_caps():
    assert decide(EqualSplit(), upper=np.full(3, 30.0)).tolist() == [30, 30, 30]


def test_proportional_may_go_part_of_the_way():
    whole = decide(Proportional())
    last = view().last
    got = decide(Proportional(step=0.25))
    np.testing.assert_allclose(got, last + 0.25 * (whole - last))
    assert Proportional(4, 0.25).name == "proportional(4, 0.25)"


def test_the_upper_quantile_is_read_at_last_weeks_spend():
    last = np.array([20.0, 30.0, 0.0])
    # Tops 100 and 300 of the first at 20; a channel without spend is read at the share of 40.
    at = np.array([20.0, 30.0, 40.0])
    high = (TOPS * -np.expm1(-at[:, None] / [20.0, 60.0])).max(axis=1)
    curve = Coin().mean()
    scaled = Mixture(curve.cells, curve.weights * (high / curve.value(at))[:, None])
    best = waterfill(scaled, np.zeros(3), np.full(3, 100.0), 120.0).spend
    np.testing.assert_allclose(decide(UpperQuantile(0.8), last=last), best, rtol=1e-12)
    assert not np.allclose(best, decide(PosteriorMean()))


def test_a_greedy_step_moves_its_share_from_the_lowest_to_the_highest_slope():
    spend = np.array([20.0, 50.0, 50.0])
    slope = Coin().mean().slope(spend)
    assert np.argsort(slope).tolist() == [1, 2, 0]
    got = decide(Greedy(0.05), last=spend)
    assert got.tolist() == pytest.approx([26, 44, 50])


def test_greedy_spends_what_is_unspent_before_it_takes_from_a_channel():
    spend = np.array([20.0, 47.0, 50.0])
    # 6 of 120 move; 3 of them are unspent, the rest comes from the lowest slope.
    got = decide(Greedy(0.05), last=spend)
    assert got.tolist() == pytest.approx([26, 44, 50])


def test_greedy_never_lets_slopes_cross():
    best = decide(PosteriorMean())
    for step in (0.05, 0.3, 1.0):
        for last in ([20.0, 50.0, 50.0], [0.0, 0.0, 100.0], [60.0, 0.0, 60.0]):
            start, curve = np.array(last), Coin().mean()
            got = decide(Greedy(step), last=start)
            assert np.all((got - best) * (start - best) >= -1e-9)
            assert got.sum() == pytest.approx(
                120 if sum(last) == 120 else min(120, 100 + 120 * step)
            )
            up, down = got > start + 1e-9, got < start - 1e-9
            if up.any() and down.any():
                assert curve.slope(got)[up].min() >= curve.slope(got)[down].max() - 1e-9
    np.testing.assert_allclose(decide(Greedy(1.0)), best, rtol=1e-9)


def test_greedy_stops_at_bounds_and_goes_on_with_the_next_channel():
    spend, upper = np.array([20.0, 50.0, 50.0]), np.array([22.0, 100.0, 100.0])
    got = decide(Greedy(0.05), last=spend, upper=upper)
    # Only 2 of the 6 fit into the first; the third takes as much as the best split gives it.
    best = decide(PosteriorMean(), upper=upper)
    assert got[0] == 22
    assert got[2] == pytest.approx(min(54.0, best[2]))
    assert got.sum() == pytest.approx(120)


def test_greedy_goes_by_the_goal():
    spend = np.array([20.0, 50.0, 50.0])
    best = np.array([10.0, 62.0, 48.0])
    goal = {"weight": np.array([1.0, 4.0, 0.1]), "best": lambda curves: best}
    # The second is worth most by the goal and takes 6; the third least, but has only 2 to give.
    assert decide(Greedy(0.05), last=spend, **goal).tolist() == pytest.approx([16, 56, 48])


@pytest.mark.parametrize("number", [0, -0.1, 1.1, np.nan, True, "1", None])
def test_steps_out_of_range_are_refused(number):
    for make in (Greedy, lambda step: Proportional(8, step)):
        with pytest.raises(InputError, match="above 0, at most 1"):
            make(number)


@pytest.mark.parametrize("number", [0, 1, -1, np.nan, True, "x"])
def test_chances_out_of_range_are_refused(number):
    with pytest.raises(InputError, match="between 0 and 1"):
        UpperQuantile(number)


def test_steps_at_the_edge_are_taken():
    assert Greedy(1).name == "greedy(1)"
    assert Greedy(1e-6).step == 1e-6


def test_optimism_takes_the_optimum_of_the_tilted_curves():
    last = np.array([20.0, 30.0, 50.0])
    steep = TOPS * Coin.cells.slope(last[:, None])
    weights = TOPS * steep / steep.sum(axis=1, keepdims=True)
    best = waterfill(Mixture(Coin.cells, weights), np.zeros(3), np.full(3, 100.0), 120.0).spend
    np.testing.assert_allclose(decide(Optimistic()), best, rtol=1e-12)
    np.testing.assert_array_equal(decide(Optimistic(0)), decide(PosteriorMean()))


def test_optimism_reads_a_channel_that_comes_back_where_it_will_be():
    """By hand: the slope at what the expected curves give it, and elsewhere at last week's."""
    last, bounds = np.array([20.0, 0.0, 50.0]), (np.zeros(3), np.full(3, 100.0), 120.0)
    at = np.where(last > 0, last, waterfill(Coin().mean(), *bounds).spend)
    assert at[1] > 1.0
    steep = TOPS * Coin.cells.slope(at[:, None])
    weights = TOPS * steep / steep.sum(axis=1, keepdims=True)
    best = waterfill(Mixture(Coin.cells, weights), *bounds).spend
    np.testing.assert_allclose(decide(Optimistic(), last=last), best, rtol=1e-12)
    # One that never had money is new, and read near nothing as before.
    new = view(last=last).spend * [1.0, 0.0, 1.0]
    steep[1] = TOPS[1] * Coin.cells.slope(np.array([0.4]))
    weights = TOPS * steep / steep.sum(axis=1, keepdims=True)
    best = waterfill(Mixture(Coin.cells, weights), *bounds).spend
    np.testing.assert_allclose(decide(Optimistic(), last=last, spend=new), best, rtol=1e-12)
    stuck = decide(Optimistic(), last=last, upper=np.array([100.0, 0.0, 100.0]))
    assert stuck[1] == 0.0


@pytest.mark.parametrize("power", [-0.1, 10.1, np.nan, True, "1"])
def test_powers_out_of_range_are_refused(power):
    with pytest.raises(InputError, match="from 0 to 10"):
        Optimistic(power)
