"""The curves believed in: mean, draws, averages of draws, quantiles and bands."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import brentq
from scipy.stats import chisquare, ks_2samp, kstest, norm

from budgetopt.belief import Grid, Posterior, Settings
from budgetopt.belief.belief import learn
from budgetopt.belief.posterior import band
from budgetopt.errors import InputError, SolverError

from .helpers import Past, Plan, simulated

PLAN, PAST, _ = simulated(np.random.default_rng(1), weeks=6, channels=3)
QUICK = Settings(points=7, noise=(0.1, 0.3), drift=(0.01, 0.05), carryover=(0.0, 0.4))
OWN = learn(PAST, Plan((*PLAN.names, "new"), 4000.0), settings=QUICK).posterior
TOTAL = learn(
    Past(PAST.channels, PAST.spend, None, 5e3 + PAST.outcome.sum(axis=1)),
    Plan((*PLAN.names, "new"), 4000.0),
    settings=Settings(total_points=5, sweeps=3),
).posterior
BOTH = pytest.mark.parametrize("posterior", [OWN, TOTAL], ids=["channel", "total"])


def handmade(lead=(2, 2), nuisances=3, times=2, seed=0, spread=0.5):
    rng = np.random.default_rng(seed)
    grid = Grid(100.0, 4, 5.0, (0.7,), (2.0,), 3.0, 0.2)
    shape = (int(np.prod(lead)), nuisances, times * grid.size)
    chance = rng.dirichlet(np.ones(shape[1] * shape[2]), shape[0]).reshape(shape)
    variance = rng.uniform(0.01, spread, (shape[0], nuisances, 1))
    return Posterior(grid, lead, chance, rng.normal(1, 0.5, shape), variance)


def cell_shapes(grid, spend):
    return grid.cells.value(np.full(grid.size, spend))


def test_mean_and_variance_of_draws_by_hand():
    """Sums over components: chance times the moments of a log-normal times the cell's shape."""
    posterior = handmade(spread=0.2)
    drawn = posterior.draw(np.random.default_rng(1), 60_000)
    for x in (30.0, 100.0, 260.0):
        shape = np.tile(cell_shapes(posterior.grid, x), 2)
        m, v = posterior.log_mean, np.broadcast_to(posterior.log_variance, posterior.chance.shape)
        first = np.sum(posterior.chance * np.exp(m + v / 2) * shape, axis=(1, 2))
        second = np.sum(posterior.chance * np.exp(2 * m + 2 * v) * shape**2, axis=(1, 2))
        value = drawn.value(np.full((2, 2), x)).reshape(60_000, 4)
        error = value.std(axis=0) / np.sqrt(60_000)
        assert np.all(np.abs(value.mean(axis=0) - first) < 4 * error)
        np.testing.assert_allclose(value.var(axis=0), second - first**2, rtol=0.08)
        found = posterior.mean().value(np.full((2, 2), x)).ravel()
        np.testing.assert_allclose(found, first, rtol=1e-12)


@BOTH
def test_mean_of_draws_is_the_mean(posterior):
    drawn = posterior.draw(np.random.default_rng(2), 40_000)
    for x in (200.0, 1000.0, 4000.0):
        value = drawn.value(np.full(4, x))
        error = value.std(axis=0) / np.sqrt(len(value))
        # Four standard errors; the tails are those of log-normals with sd about 1.
        assert np.all(
            np.abs(value.mean(axis=0) - posterior.mean().value(np.full(4, x))) < 4 * error
        )


@BOTH
def test_every_draw_is_one_coherent_curve(posterior):
    weights = posterior.draw(np.random.default_rng(3), 50).weights
    assert weights.shape == (50, 4, posterior.grid.size)
    assert np.all((weights > 0).sum(axis=-1) == 1)


def test_cells_are_drawn_by_their_chances():
    posterior = handmade()
    weights = posterior.draw(np.random.default_rng(4), 20_000).weights
    drawn = (weights > 0).sum(axis=0).reshape(4, -1)
    expected = 20_000 * posterior.by_cell().reshape(4, -1)
    for row in range(4):
        assert chisquare(drawn[row], expected[row]).pvalue > 1e-3


def test_amplitudes_of_a_cell_have_the_distribution_of_their_components():
    """Kolmogorov and Smirnov against the mixture of normals of one cell."""
    posterior = handmade()
    weights = posterior.draw(np.random.default_rng(5), 60_000).weights[:, 0, 1]
    size = posterior.grid.size
    cell = int(np.argmax(posterior.by_cell()[0, 1]))
    picked = np.log(weights[weights[:, cell] > 0, cell])
    at = [cell, cell + size]
    chance = posterior.chance[1][:, at].ravel()
    mean = posterior.log_mean[1][:, at].ravel()
    sd = np.sqrt(np.repeat(posterior.log_variance[1, :, 0], 2))

    def law(a):
        return norm.cdf((np.asarray(a)[..., None] - mean) / sd) @ chance / chance.sum()

    assert picked.size > 2000
    assert kstest(picked, law).pvalue > 1e-3


def test_average_is_the_average_of_draws_of_the_same_seed():
    """To rounding, since the sums run in another order."""
    for draws in (1, 7):
        drawn = OWN.draw(np.random.default_rng(6), draws).weights.mean(axis=0)
        averaged = OWN.average(np.random.default_rng(6), draws).weights
        np.testing.assert_allclose(averaged, drawn, rtol=1e-12)


def test_average_of_many_has_the_distribution_of_averages_of_draws():
    """Other seeds, 5 draws each: the same law, by a two-sample test."""
    x = np.full((2, 2), 150.0)
    posterior = handmade()
    one = [posterior.average(np.random.default_rng(s), 5).value(x)[1, 0] for s in range(400)]
    other = posterior.draw(np.random.default_rng(9), 2000).value(x)[:, 1, 0].reshape(400, 5)
    assert ks_2samp(one, other.mean(axis=1)).pvalue > 1e-3


def test_draws_of_a_row_do_not_depend_on_the_runs_beside_it():
    posterior = handmade()
    alone = Posterior(
        posterior.grid, (2,), posterior.chance[:2], posterior.log_mean[:2],
        posterior.log_variance[:2],
    )  # fmt: skip
    together = posterior.draw(np.random.default_rng(1), 4000).value(np.full((2, 2), 100.0))[:, 0]
    apart = alone.draw(np.random.default_rng(2), 4000).value(np.full(2, 100.0))
    for channel in range(2):
        assert ks_2samp(together[:, channel], apart[:, channel]).pvalue > 1e-3


@BOTH
@pytest.mark.parametrize("level", [0.5, 0.8, 0.95])
def test_bands_hold_their_share_of_draws(posterior, level):
    x = posterior.grid.reference * np.array([0.5, 1.0, 2.0, 3.0])
    drawn = posterior.draw(np.random.default_rng(4), 4000)
    for values, held in (
        (drawn.value(x), posterior.response(x, level)),
        (drawn.slope(x), posterior.marginal(x, level)),
    ):
        inside = np.mean((values >= held.low) & (values <= held.high), axis=0)
        below = np.mean(values < held.low, axis=0)
        # Four binomial standard deviations of 4,000 draws are at most 0.032.
        assert np.all(np.abs(inside - level) < 0.032)
        assert np.all(np.abs(below - (1 - level) / 2) < 0.032)


PARTS = st.tuples(st.floats(0.01, 1), st.floats(-20, 20), st.floats(1e-3, 3))


@settings(max_examples=100)
@given(st.lists(PARTS, min_size=1, max_size=6), st.sampled_from([1e-6, 0.5, 0.8, 0.999]))
def test_ends_of_bands_are_where_scipy_finds_them(parts, level):
    chance, middle, sd = np.array(parts).T
    chance /= chance.sum()
    held = band(chance[None], middle[None], np.square(sd)[None], level)
    for end, share in ((held.low, 0.5 - 0.5 * level), (held.high, 0.5 + 0.5 * level)):

        def missing(at, share=share):
            return chance @ norm.cdf((at - middle) / sd) - share

        # Between parts that lie far apart any point is the quantile, to rounding.
        at = np.log(end[0])
        assert missing(at) == pytest.approx(0, abs=1e-12) or at == pytest.approx(
            brentq(missing, -50, 50, xtol=1e-13), abs=1e-11
        )


@BOTH
@pytest.mark.parametrize("chance", [0.1, 0.5, 0.9])
def test_quantile_curves_pass_through_the_quantile(posterior, chance):
    x = np.array([500.0, 1000.0, 2000.0, 800.0])
    curve = posterior.quantile(chance, x)
    drawn = posterior.draw(np.random.default_rng(5), 4000).value(x)
    below = np.mean(drawn <= curve.value(x), axis=0)
    assert np.all(np.abs(below - chance) < 0.032)
    # The mean curve's shape, scaled.
    ratio = curve.value(np.full(4, 321.0)) / posterior.mean().value(np.full(4, 321.0))
    at_x = curve.value(x) / posterior.mean().value(x)
    np.testing.assert_allclose(ratio, at_x, rtol=1e-9)


@pytest.mark.parametrize("chance", [0.0, 1.0, -0.1, np.nan])
def test_no_quantile_outside_of_chances(chance):
    with pytest.raises(InputError, match="chance"):
        OWN.quantile(chance)


@pytest.mark.parametrize("level", [0.0, 1.0, np.nan])
def test_no_band_of_everything_or_nothing(level):
    with pytest.raises(InputError, match="level"):
        OWN.response(100.0, level)


@pytest.mark.parametrize("spend", [0.0, -1.0, np.nan, [1.0, 0.0, 1.0, 1.0]])
def test_bands_need_money(spend):
    with pytest.raises(InputError, match="above 0"):
        OWN.marginal(spend)


@pytest.mark.parametrize("draws", [0, -1, 1.5, True])
def test_wrong_number_of_draws(draws):
    for how in (OWN.draw, OWN.average):
        with pytest.raises(InputError, match="draws"):
            how(np.random.default_rng(0), draws)


@given(st.integers(0, 2**32 - 1), st.floats(1.0, 1e4), st.floats(0.05, 0.99))
@settings(max_examples=30)
def test_bands_are_in_order(seed, spend, level):
    posterior = handmade(seed=seed)
    for read in (posterior.response, posterior.marginal):
        held, wider = read(spend, level), read(spend, 0.5 + level / 2)
        assert np.all((wider.low > 0) & (wider.low <= held.low))
        assert np.all((held.low <= held.high) & (held.high <= wider.high))
        assert np.all(np.isfinite(wider.high))


@given(st.integers(0, 2**32 - 1))
@settings(max_examples=30)
def test_the_mean_curve_is_a_curve(seed):
    """Zero at zero and never falling; concave where there is no S-shaped cell."""
    curve = handmade(seed=seed).mean()
    x = np.geomspace(0.01, 1e5, 60)[:, None, None] * np.ones((2, 2))
    assert np.all(curve.value(np.zeros((2, 2))) == 0)
    assert np.all(np.diff(curve.value(x), axis=0) >= 0)
    assert np.all(curve.slope(x) >= 0)


def test_a_small_chance_of_s_shapes_is_left_out_and_a_large_one_refused():
    plan, past, _ = simulated(np.random.default_rng(1), weeks=40, channels=3)
    belief = learn(past, plan)
    kept = belief.posterior.concave()
    assert np.all(kept.by_cell() @ kept.grid.steep == 0)
    np.testing.assert_allclose(kept.chance.sum(axis=(1, 2)), 1, rtol=1e-12)
    assert belief.draw_concave(np.random.default_rng(2), 50).concave
    steep = learn(past.rows(slice(0, 1)), plan, settings=Settings(steep_share=0.9))
    with pytest.raises(SolverError, match="S-shaped") as caught:
        steep.draw_concave(np.random.default_rng(2), 50)
    assert caught.value.code == "not-concave"
