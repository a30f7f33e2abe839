"""Posteriors and what follows from them, against closed forms and independent integrals."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import integrate, stats
from scipy.special import betaln

from budgetopt.experiments.posteriors import Averages, Counts, Rates
from budgetopt.experiments.stopping import expected_loss, probability_best, value_remaining


def rates(successes, trials, prior=(1.0, 1.0)):
    s, n = np.array(successes, float), np.array(trials, float)
    return Rates(s, n - s, prior)


def b_beats_a(a, b):
    """Return P(B > A) of two whole-numbered Beta posteriors: Miller (2015), equation 6."""
    (a1, b1), (a2, b2) = a, b
    i = np.arange(a2)
    terms = betaln(a1 + i, b1 + b2) - np.log(b2 + i) - betaln(1 + i, b2) - betaln(a1, b1)
    return float(np.exp(terms).sum())


@pytest.mark.parametrize(
    ("successes", "trials"),
    [((10, 12), (400, 390)), ((0, 3), (50, 60)), ((250, 300), (10_000, 10_000)), ((1, 1), (1, 9))],
)
def test_two_rates_against_the_closed_form(successes, trials):
    found = probability_best(rates(successes, trials))
    parameters = [(s + 1, n - s + 1) for s, n in zip(successes, trials, strict=True)]
    assert found[1] == pytest.approx(b_beats_a(*parameters), abs=1e-10)


def test_by_hand_an_arm_with_one_success_beside_one_without():
    # Beta(2, 1) beside Beta(1, 2): P = int 2x (1 - (1-x)^2) dx = 5/6.
    posterior = rates((1, 0), (1, 1))
    assert probability_best(posterior) == pytest.approx([5 / 6, 1 / 6], abs=1e-12)
    # E[max] - 1/3 = 0.7 - 2/3 for the first: E[max] = int 1 - x^2 (2x - x^2) dx = 1 - 1/2 + 1/5.
    assert expected_loss(posterior) == pytest.approx([0.7 - 2 / 3, 0.7 - 1 / 3], abs=1e-11)


def test_two_counts_against_the_f_distribution():
    posterior = Counts(np.array([12.0, 20.0]), np.array([700.0, 900.0]), (0.5, 25.0))
    ratio = (12.5 / 725) / (20.5 / 925)
    expected = stats.f.cdf(1 / ratio, 2 * 12.5, 2 * 20.5)
    assert probability_best(posterior)[1] == pytest.approx(expected, abs=1e-10)


def test_averages_against_a_double_integral():
    rng = np.random.default_rng(3)
    weight = np.array([[40.0, 60.0], [50, 45], [55, 50]])
    posterior = Averages.of(weight * rng.normal(100, 12, (3, 2)), weight, 100.0, 1.0)
    degrees = 2 * posterior.prior[2] + 3
    one, two = (stats.t(degrees, posterior.mean[k], posterior._scale[k]) for k in (0, 1))
    expected, _ = integrate.quad(
        lambda x: one.pdf(x) * two.cdf(x), -400, 600, points=[100], limit=400
    )
    assert probability_best(posterior)[0] == pytest.approx(expected, abs=1e-8)


def test_the_posterior_of_averages_is_that_of_the_textbook():
    # Two days of one order each, 8 and 12; prior of mean 10 and weight 1, shape 1, rate 100.
    posterior = Averages.of(np.array([[8.0], [12.0]]), np.ones((2, 1)), 10.0, 1.0)
    mean, weight, shape, rate = posterior._posterior
    # rate: 100 + half of the squares 4 + 4 around 10, and nothing for being at the prior's mean.
    assert (mean[0], weight[0], shape[0], rate[0]) == (10.0, 3.0, 2.0, 104.0)
    assert posterior.quantile(np.array([0.5]))[0, 0] == pytest.approx(10.0)


@pytest.mark.parametrize("kind", ["rates", "counts", "averages"])
def test_all_figures_against_draws(kind):
    rng = np.random.default_rng(5)
    if kind == "rates":
        posterior = rates((20, 25, 31, 2), (1000, 1000, 1100, 90), (0.5, 19.5))
        draws = rng.beta(*posterior._parameters, (400_000, 4))
    elif kind == "counts":
        posterior = Counts(np.array([5.0, 9, 0]), np.array([300.0, 350, 20]), (0.5, 20.0))
        shape, rate = posterior._parameters
        draws = rng.gamma(shape, 1 / rate, (400_000, 3))
    else:
        w = rng.integers(40, 60, (8, 3)).astype(float)
        posterior = Averages.of(w * rng.normal(100, 15, (8, 3)), w, 100.0, 1.0)
        draws = posterior.mean + posterior._scale * rng.standard_t(posterior._degrees, (400_000, 3))
    arms, most = draws.shape[1], draws.max(axis=1)
    best = (draws.argmax(axis=1)[:, None] == np.arange(arms)).mean(axis=0)
    assert probability_best(posterior) == pytest.approx(best, abs=0.004)
    loss = (most[:, None] - draws).mean(axis=0)
    assert expected_loss(posterior) == pytest.approx(loss, rel=0.01)
    lead = int(posterior.mean.argmax())
    left = np.quantile((most - draws[:, lead]) / draws[:, lead], 0.95)
    assert value_remaining(posterior, lead) == pytest.approx(left, rel=0.01)


@given(st.lists(st.tuples(st.integers(0, 500), st.integers(0, 50_000)), min_size=2, max_size=8))
def test_probabilities_sum_to_one_and_follow_the_arms(counts):
    s, f = np.array(counts, float).T
    posterior, order = Rates(s, f, (0.5, 19.5)), np.arange(s.size)[::-1]
    found = probability_best(posterior)
    turned = Rates(s[order], f[order], (0.5, 19.5))
    assert found.sum() == pytest.approx(1, abs=1e-12)
    assert probability_best(turned)[order] == pytest.approx(found, abs=1e-9)
    # E[max] is the same whichever arm is chosen.
    assert np.ptp(expected_loss(posterior) + posterior.mean) == pytest.approx(0, abs=1e-9)
    assert np.all(expected_loss(posterior) >= 0)


@pytest.mark.parametrize("rate", [1e-6, 1e-3, 0.4])
def test_the_loss_of_arms_far_apart_is_their_distance(rate):
    n = 1e9
    posterior = Rates(np.array([rate * n, 0.97 * n]), np.array([(1 - rate) * n, 0.03 * n]))
    loss = expected_loss(posterior)
    assert loss[0] == pytest.approx(0.97 - rate, rel=1e-8)
    assert loss[1] == pytest.approx(0.0, abs=1e-12)
    money = Counts(np.array([40.0, 9e6]), np.array([4e7, 3e6]), (0.5, 1.0))
    assert expected_loss(money)[0] == pytest.approx(np.ptp(money.mean), rel=1e-9)


def test_arms_alike_share_equally_and_an_arm_known_to_a_hair_is_seen():
    assert probability_best(rates((5, 5, 5), (90, 90, 90))) == pytest.approx(1 / 3, abs=1e-12)
    posterior = rates((0, 25_000_000), (0, 1_000_000_000))
    # Of a rate that may be anything, 97.5 % lies above 2.5 %.
    assert probability_best(posterior)[0] == pytest.approx(0.975, abs=1e-6)


def test_nothing_remains_where_an_arm_is_surely_best():
    assert value_remaining(rates((10, 900), (10_000, 10_000)), 1) == 0.0
    left = value_remaining(rates((10, 900), (10_000, 10_000)), 0)
    assert left == pytest.approx(900 / 10, rel=1.0)


def test_nothing_can_be_said_beside_an_arm_that_may_be_worth_nothing():
    posterior = Averages.of(np.array([[0.0, 9.0]]), np.ones((1, 2)), 5.0, 8.0)
    assert value_remaining(posterior, 0) is None


def test_a_prior_is_centred_on_what_is_expected():
    none = np.zeros((0, 2))
    assert Rates.of(none, none, 0.025, 1.0).mean == pytest.approx(0.025)
    assert Rates.of(none, none, None, 1.0).mean == pytest.approx(0.5)
    assert 1 / Counts.of(none, none, 50.0, 1.0).mean == pytest.approx(50.0)
    assert Averages.of(none, none, 120.0, 8.0).mean == pytest.approx(120.0)
