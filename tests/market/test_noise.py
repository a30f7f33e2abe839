"""Noise: its mean and variance, exact Poisson quantiles, and the coupling to the weather."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import special, stats

from budgetopt.errors import InputError
from budgetopt.market import Noise
from budgetopt.market.random import SMALL, Stream, poisson_quantile

MEANS = [0.0, 1e-9, 0.3, 1, 3.999, SMALL, 4.001, 7, 12.5, 40, 333.3, 1e4]


@pytest.mark.parametrize("mean", MEANS)
def test_poisson_quantiles_are_scipys(mean):
    normal = np.random.default_rng(1).standard_normal(20_000)
    low = stats.poisson.ppf(special.ndtr(normal), mean)
    # Where the distribution function has no digits left, the upper tail is asked instead.
    high = stats.poisson.isf(special.ndtr(-normal), mean)
    wanted = np.where(normal <= 0, low, high) if mean else np.zeros(normal.size)
    np.testing.assert_array_equal(poisson_quantile(normal, np.full(normal.size, mean)), wanted)


@pytest.mark.parametrize("mean", [0.01, 1.5, 4.5, 9, 20, 80, 1e3, 1e5])
def test_poisson_quantiles_far_in_the_tails(mean):
    normal = np.linspace(-6.5, 6.5, 4001)
    found = poisson_quantile(normal, np.full(normal.size, mean))

    def reached(events):
        below = special.pdtr(events, mean) >= special.ndtr(normal)
        return np.where(normal <= 0, below, special.pdtrc(events, mean) <= special.ndtr(-normal))

    assert np.all(reached(found))
    assert not np.any(reached(found - 1) & (found > 0))


def test_poisson_quantiles_by_hand():
    # With a mean of ln 2 there is no event with chance one half, at most one with 0.85.
    found = poisson_quantile(special.ndtri(np.array([0.49, 0.51, 0.84, 0.86])), np.log(2))
    assert found.tolist() == [0, 1, 1, 2]


def test_poisson_quantile_survives_absurd_normals():
    found = poisson_quantile(np.array([-40.0, 40.0, -40.0, 40.0]), np.array([3.0, 3.0, 1e3, 1e3]))
    assert np.all(np.isfinite(found))
    assert found[0] == 0
    assert 3 < found[1] < 60
    assert found[2] < 1e3 < found[3] < 1400


@given(st.floats(-7, 7), st.floats(0, 500), st.floats(0, 100))
def test_poisson_quantile_never_falls_with_the_mean(normal, mean, more):
    low, high = poisson_quantile(np.array(normal), np.array([mean, mean + more]))
    assert low <= high


NOISES = {
    "none": (Noise.none(), 0.0, 0.0),
    "lognormal": (Noise.lognormal(0.3), 0.0, np.expm1(0.09)),
    "poisson": (Noise.poisson(), 1.0, 0.0),
    "poisson of orders": (Noise.poisson(unit=50.0), 50.0, 0.0),
    "both": (Noise.both(0.2), 1.0, np.expm1(0.04)),
    "negative binomial": (Noise.negative_binomial(0.25), 1.0, 0.25),
}


@pytest.mark.parametrize("name", NOISES)
@pytest.mark.parametrize("expected", [3.0, 200.0])
def test_mean_and_variance_are_the_closed_forms(name, expected):
    noise, linear, square = NOISES[name]
    runs, channels = 6400, 25
    outcome = noise.outcome(
        np.full((runs, channels), expected),
        noise.multiplier(Stream(3, "noise", 0, runs), channels),
        noise.luck(Stream(3, "luck", 0, runs), channels),
    )
    variance = linear * expected + square * expected**2
    size = outcome.size
    assert outcome.mean() == pytest.approx(expected, abs=5 * np.sqrt(variance / size) + 1e-12)
    kurtosis = stats.kurtosis(outcome, axis=None) + 3 if variance else 0
    assert outcome.var() == pytest.approx(variance, rel=5 * np.sqrt(kurtosis / size) + 1e-12)


def test_a_negative_binomial_has_its_distribution():
    noise, runs = Noise.negative_binomial(0.5), 64_000
    luck = noise.luck(Stream(5, "luck", 0, runs), 1)
    outcome = noise.outcome(
        np.full((runs, 1), 4.0), noise.multiplier(Stream(5, "noise", 0, runs), 1), luck
    )
    counted = np.bincount(outcome[:, 0].astype(int), minlength=12)[:12]
    wanted = runs * stats.nbinom.pmf(np.arange(12), 2, 2 / 6)
    assert np.all(np.abs(counted - wanted) < 5 * np.sqrt(wanted))


def test_noise_by_channel():
    noise = Noise(sd=(0.0, 0.5))
    drawn = noise.multiplier(Stream(1, "noise", 0, 500), 2)
    assert np.all(drawn[:, 0] == 1)
    assert np.log(drawn[:, 1]).std() == pytest.approx(0.5, rel=0.15)
    mixed = Noise(dispersion=(0.0, 0.5), counted=True).multiplier(Stream(1, "noise", 0, 500), 2)
    assert np.all(mixed[:, 0] == 1)
    assert mixed[:, 1].var() == pytest.approx(0.5, rel=0.3)


@pytest.mark.parametrize(
    ("settings", "field"),
    [
        ({"sd": -0.1}, "noise.sd"),
        ({"sd": float("nan")}, "noise.sd"),
        ({"sd": "0.2"}, "noise.sd"),
        ({"sd": True}, "noise.sd"),
        ({"sd": (0.1, -1)}, "noise.sd[1]"),
        ({"dispersion": -1}, "noise.dispersion"),
        ({"unit": 0}, "noise.unit"),
        ({"sd": 0.1, "dispersion": 0.1}, "noise.dispersion"),
    ],
)
def test_wrong_noise_is_refused(settings, field):
    with pytest.raises(InputError) as caught:
        Noise(**settings)
    assert (caught.value.code, caught.value.field) == ("bad-argument", field)
