"""True curves: drawn, cut, joined, stretched; each against curves evaluated one by one."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from budgetopt.curves import Exponential, Hill, Log, Mixture, Points, Power, Scaled, Stack
from budgetopt.curves.base import stack
from budgetopt.errors import InputError
from budgetopt.market import ByRun, Market, Prior
from budgetopt.market.random import BLOCK
from budgetopt.market.truth import draw_truth, one_cell
from budgetopt.optimize.waterfill import waterfill

ONE_BY_ONE = [[Exponential(1, 50), Hill(1, 80, 0.7)], [Power(1, 30, 0.5), Exponential(1, 20)]]
HEIGHT = np.array([[2.0, 0.0], [3.0, 5.0]])


def by_run():
    return ByRun(stack([c for row in ONE_BY_ONE for c in row]), HEIGHT)


@pytest.mark.parametrize("method", ["value", "slope", "envelope"])
def test_every_run_and_channel_has_its_own_curve(method):
    spend = np.array([[10.0, 20.0], [30.0, 40.0]])
    wanted = [
        [HEIGHT[r, c] * getattr(ONE_BY_ONE[r][c], method)(spend[r, c]) for c in range(2)]
        for r in range(2)
    ]
    found = getattr(by_run(), method)(spend)
    np.testing.assert_allclose(found, wanted, rtol=1e-15)
    # A row of spends is that of every run; more axes go in front.
    row = getattr(by_run(), method)(spend[0])
    np.testing.assert_array_equal(row[0], found[0])
    np.testing.assert_array_equal(getattr(by_run(), method)(np.stack([spend, spend]))[1], found)


def test_inverse_and_decay_of_every_run():
    curves = by_run()
    spend = np.array([[10.0, 0.0], [30.0, 40.0]])
    np.testing.assert_allclose(curves.spend_at_slope(curves.slope(spend)), spend, rtol=1e-9)
    step = 1e-4
    some = HEIGHT > 0
    slope, ahead = curves.slope(spend)[some], curves.slope(spend + step)[some]
    np.testing.assert_allclose(
        step / np.log(slope / ahead), curves.slope_decay(spend)[some], rtol=1e-3
    )


def test_columns_and_runs_can_be_taken():
    curves, spend = by_run(), np.array([[10.0, 20.0], [30.0, 40.0]])
    value = curves.value(spend)
    np.testing.assert_array_equal(curves.take([1]).value(spend[:, [1]]), value[:, [1]])
    np.testing.assert_array_equal(curves.take(slice(0, 1)).value(spend[:, :1]), value[:, :1])
    np.testing.assert_array_equal(curves.runs(slice(1, 2)).value(spend[1:]), value[1:])
    assert curves.to_dict()["height"] == HEIGHT.tolist()


@given(height=st.floats(0.1, 10), width=st.floats(0.1, 10), spend=st.floats(0.1, 500))
def test_stretched_curves(height, width, spend):
    plain = stack([Exponential(100, 50), Hill(80, 60, 0.7)])
    curves = Scaled(plain, height, np.array([width, 1.0]))
    at = np.array([spend, spend])
    x = at / np.array([width, 1.0])
    np.testing.assert_allclose(curves.value(at), height * plain.value(x), rtol=1e-12)
    np.testing.assert_allclose(curves.spend_at_slope(curves.slope(at)), at, rtol=1e-6)
    near = curves.value(at * (1 + 1e-6)) - curves.value(at * (1 - 1e-6))
    np.testing.assert_allclose(curves.slope(at), near / (2e-6 * at), rtol=1e-3, atol=1e-9)


def test_a_curve_without_height_is_flat():
    curves = Scaled(Power([1.0, 1.0], [1.0, 1.0], [0.5, 0.5]), np.array([0.0, 1.0]), 1.0)
    assert curves.slope([0.0, 4.0]).tolist() == [0.0, 0.25]
    assert curves.spend_at_slope(0.25).tolist() == [0.0, 4.0]
    filled = waterfill(curves, np.zeros(2), np.full(2, 9.0), 5.0)
    np.testing.assert_allclose(filled.spend, [0, 5], atol=1e-9)


def test_a_stretched_curve_of_runs_goes_through_the_optimizer():
    prior = Prior(channels=4, equal_share=100)
    truth = draw_truth(prior, 4, 7, 0, 30)
    market = Market(channels=tuple("abcd"), curves=prior)
    week = next(iter(market.weather(1, 30, 7)))
    filled = waterfill(week.curve, np.zeros(4), np.full(4, 250.0), np.full(30, 400.0))
    np.testing.assert_allclose(filled.spend.sum(axis=1), 400, rtol=1e-9)
    # No pair of channels can trade money for a gain: the slopes of the free ones are equal.
    slope = truth.slope(filled.spend)
    free = (filled.spend > 1e-6) & (filled.spend < 250 - 1e-6)
    spread = np.where(free, slope, -np.inf).max(axis=1) / np.where(free, slope, np.inf).min(axis=1)
    assert np.nanmax(spread) < 1 + 1e-6


class TestPrior:
    def test_at_the_saturation_point_every_family_brings_half_the_slope(self):
        for kind in ("exponential", "hill", "power"):
            prior = Prior(
                channels=3,
                equal_share=200,
                saturation=1.5,
                saturation_sd=0,
                slope_sd=0,
                kinds=(kind,),
            )
            drawn = prior.draw(np.random.default_rng(1), 5)
            np.testing.assert_allclose(drawn.value(300.0), 0.03 * 300 / 2, rtol=1e-12)
            assert drawn.concave

    def test_spread_of_saturation_and_slope(self):
        prior = Prior(channels=4, equal_share=100, kinds=("exponential",))
        drawn = prior.draw(np.random.default_rng(2), 20_000)
        half = drawn.shapes.scale * np.log(2)
        slope = drawn.height.ravel() / half
        for values, centre, sd in ((half, 100, 0.7), (slope, 0.03, 0.5)):
            logs = np.log(values)
            assert logs.mean() == pytest.approx(np.log(centre), abs=5 * sd / np.sqrt(logs.size))
            assert logs.std() == pytest.approx(sd, rel=5 / np.sqrt(2 * logs.size))
        assert abs(np.corrcoef(np.log(half), np.log(slope))[0, 1]) < 5 / np.sqrt(half.size)

    def test_families_are_mixed_evenly(self):
        drawn = Prior(channels=10, equal_share=1).draw(np.random.default_rng(3), 2000)
        counts = {type(curve).__name__: at.size for at, curve in drawn.shapes.parts}
        assert set(counts) == {"Exponential", "Hill"}
        assert counts["Hill"] == pytest.approx(10_000, abs=5 * np.sqrt(20_000 / 4))
        hill = next(c for _, c in drawn.shapes.parts if isinstance(c, Hill))
        assert 0.6 <= hill.shape.min() < 0.62
        assert 0.98 < hill.shape.max() <= 1.0

    @pytest.mark.parametrize(
        ("settings", "field"),
        [
            ({"channels": 0}, "prior.channels"),
            ({"equal_share": 0}, "prior.equal_share"),
            ({"slope": -1}, "prior.slope"),
            ({"saturation_sd": float("inf")}, "prior.saturation_sd"),
            ({"kinds": ()}, "prior.kinds"),
            ({"kinds": "hil"}, "prior.kinds"),
            ({"hill_shape": (1.0, 0.6)}, "prior.hill_shape"),
            ({"hill_shape": 0.6}, "prior.hill_shape"),
            ({"power": (0.5, 1.0)}, "prior.power[1]"),
        ],
    )
    def test_wrong_priors_are_refused(self, settings, field):
        with pytest.raises(InputError) as caught:
            Prior(**{"channels": 3, "equal_share": 100} | settings)
        assert (caught.value.code, caught.value.field) == ("bad-argument", field)

    def test_a_misspelt_family_gets_a_suggestion(self):
        with pytest.raises(InputError, match="did you mean 'hill'"):
            Prior(channels=3, equal_share=100, kinds=("hil",))


class Drawn:
    """Draws whatever it is told to, of the right shape."""

    def __init__(self, make):
        self.draw = make


def exponentials(rng, draws):
    return Exponential(rng.lognormal(5, 1, (draws, 2)), 50.0)


def stacks(rng, draws):
    hill = Hill(rng.lognormal(5, 1, (draws, 1)), 40.0, 0.8)
    return Stack((([1], hill), ([0], Log(rng.lognormal(5, 1, (draws, 1)), 30.0))))


CELLS = Stack((([0, 2], Exponential([1.0, 2.0], [40.0, 90.0])), ([1], Hill([1.5], [60.0], [0.7]))))


def one_cell_mixtures(rng, draws):
    weights = np.zeros((draws, 2, 3))
    cell = rng.integers(0, 3, (draws, 2, 1))
    np.put_along_axis(weights, cell, rng.lognormal(1, 1, cell.shape), axis=-1)
    return Mixture(CELLS, weights)


def mixtures(rng, draws):
    return Mixture(CELLS, rng.lognormal(1, 1, (draws, 2, 3)))


@pytest.mark.parametrize("make", [exponentials, stacks, one_cell_mixtures, mixtures])
def test_drawn_curves_are_the_same_in_every_chunk(make):
    market = Market(channels=("a", "b"), curves=Drawn(make))
    spend = np.array([30.0, 70.0])
    whole = market.weather(1, 150, 7).truth.value(spend)
    assert whole.shape == (150, 2)
    assert len(np.unique(whole)) == 300
    for chunk in (1, 7, 100):
        parts = [
            market.weather(1, min(chunk, 150 - at), 7, first_run=at).truth.value(spend)
            for at in range(0, 150, chunk)
        ]
        np.testing.assert_array_equal(np.concatenate(parts), whole)


def test_draws_are_the_sources_own():
    rng = np.random.default_rng(3)
    drawn = one_cell_mixtures(rng, BLOCK)
    quick = one_cell(drawn)
    assert isinstance(quick, ByRun)
    for method in ("value", "slope"):
        found = getattr(quick, method)([30.0, 70.0])
        np.testing.assert_array_equal(found, getattr(drawn, method)([30.0, 70.0]))
    many = Mixture(CELLS, np.ones((4, 2, 3)))
    assert one_cell(many) is many
    apart = Mixture(Exponential(np.ones((2, 3)), np.ones((2, 3))), np.eye(3)[[[0, 1], [2, 2]]])
    assert one_cell(apart) is apart


@pytest.mark.parametrize(
    "make",
    [
        lambda rng, draws: Exponential(np.ones((draws - 1, 2)), 1.0),
        lambda rng, draws: Mixture(CELLS, np.ones((draws, 3, 3))),
        lambda rng, draws: Prior(channels=3, equal_share=1).draw(rng, draws),
        lambda rng, draws: Points([0.0, 1.0], [0.0, 1.0]),
    ],
)
def test_draws_of_another_shape_are_refused(make):
    market = Market(channels=("a", "b"), curves=Drawn(make))
    with pytest.raises(InputError) as caught:
        market.weather(1, 5, 7).truth  # noqa: B018 # the look is what is tested
    assert (caught.value.code, caught.value.field) == ("bad-argument", "curves")
