"""What each policy decides, by hand arithmetic and against the optimum."""

from dataclasses import replace

import numpy as np
import pytest

from budgetopt.curves import Exponential, stack
from budgetopt.curves.mixture import Mixture
from budgetopt.errors import InputError
from budgetopt.optimize import waterfill
from budgetopt.policies import (
    NAMES,
    HoldSteady,
    Policy,
    PosteriorMean,
    Proportional,
    Thompson,
    View,
    policy_named,
)

TOPS = np.array([[100.0, 300.0], [200.0, 100.0], [300.0, 200.0]])
"""Response tops of three channels in two cells of their posterior."""


class Coin:
    """A belief of two cells with equal chances, each channel on its own."""

    cells = stack([Exponential(1.0, 20.0), Exponential(1.0, 60.0)])

    def mean(self):
        return Mixture(self.cells, TOPS / 2)

    def draw(self, rng, draws=1):
        first = rng.random((draws, 3)) < 0.5
        return Mixture(self.cells, TOPS * np.stack([first, ~first], axis=-1))


def view(**changes):
    past = View(
        belief=Coin(),
        lower=np.zeros(3),
        upper=np.full(3, 100.0),
        budget=np.asarray(120.0),
        last=np.array([20.0, 30.0, 50.0]),
        spend=np.array([[10.0, 20.0, 30.0], [30.0, 20.0, 0.0]]),
        outcome=np.array([[40.0, 20.0, 90.0], [20.0, 60.0, 0.0]]),
    )
    return replace(past, **changes)


def decide(policy, seed=0, **changes):
    return policy.decide(view(**changes), np.random.default_rng(seed))


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


@pytest.mark.parametrize("policy", [HoldSteady(), Proportional(), PosteriorMean(), Thompson(3)])
def test_no_policy_leaves_its_limits(policy):
    lower, upper = np.array([0.0, 25.0, 0.0]), np.array([12.0, 100.0, 60.0])
    got = decide(policy, lower=lower, upper=upper)
    assert np.all((lower <= got) & (got <= upper))
    assert got.sum() <= 120 + 1e-9


def test_a_batch_is_decided_run_by_run():
    low, budget = np.zeros((2, 3)), np.array([120.0, 60.0])
    high = np.array([[100.0, 100.0, 100.0], [10.0, 80.0, 80.0]])
    last = np.array([[20.0, 30.0, 50.0], [50.0, 5.0, 20.0]])
    spend, outcome = (np.stack([a, a[::-1]]) for a in (view().spend, view().outcome))
    names = ("lower", "upper", "budget", "last", "spend", "outcome")
    batch = dict(zip(names, (low, high, budget, last, spend, outcome), strict=True))
    for policy in (HoldSteady(), Proportional(1), PosteriorMean()):
        together = decide(policy, **batch)
        for run in range(2):
            alone = decide(policy, **{name: array[run] for name, array in batch.items()})
            np.testing.assert_allclose(together[run], alone, rtol=1e-9, atol=1e-9)


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


@pytest.mark.parametrize(
    ("name", "policy"),
    [
        ("hold", HoldSteady()),
        ("posterior-mean", PosteriorMean()),
        ("proportional", Proportional()),
        (" Thompson ", Thompson()),
        ("thompson(10)", Thompson(10)),
        ("proportional(4)", Proportional(4)),
    ],
)
def test_policies_have_names(name, policy):
    assert policy_named(name) == policy
    assert policy_named(policy.name) == policy
    assert isinstance(policy, Policy)


def test_every_name_on_the_menu_is_known():
    assert {type(policy_named(name)).__name__ for name in NAMES} == {
        "HoldSteady",
        "PosteriorMean",
        "Proportional",
        "Thompson",
    }


@pytest.mark.parametrize(
    ("name", "remedy"),
    [
        ("tompson", "did you mean 'thompson'?"),
        ("hold(3)", "did you mean 'hold'?"),
        ("thompson(x)", "did you mean 'thompson'?"),
        ("", "choose one of"),
    ],
)
def test_an_unknown_name_is_answered_with_the_nearest(name, remedy):
    with pytest.raises(InputError) as error:
        policy_named(name)
    assert error.value.code == "unknown-name"
    assert remedy in error.value.remedy


@pytest.mark.parametrize("name", ["thompson(0)", "proportional(0)"])
def test_a_name_with_a_number_out_of_range_is_refused(name):
    with pytest.raises(InputError) as error:
        policy_named(name)
    assert error.value.code == "bad-argument"


def test_a_view_draws_wishes_into_its_limits():
    wish = np.array([200.0, 10.0, 10.0])
    # 100 of 200, and the rest fits.
    assert view().fit(wish).tolist() == [100, 10, 10]
    halved = view(keep=lambda spend: spend / 2)
    assert halved.fit(wish).tolist() == [50, 5, 5]
    assert decide(HoldSteady(), keep=lambda spend: spend / 2).tolist() == [10, 15, 25]


def test_a_view_knows_the_best_split():
    mean = Coin().mean()
    np.testing.assert_array_equal(view().optimum(mean), decide(PosteriorMean()))
    assert decide(PosteriorMean(), best=lambda curves: np.ones(3)).tolist() == [1, 1, 1]
