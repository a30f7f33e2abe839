"""What channels share: against the joint normal distribution, written out as matrices."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import multivariate_normal, norm

from budgetopt.belief import Settings
from budgetopt.belief.filter.state import Effect
from budgetopt.belief.filter.update import ahead, effect_start, kinds_of, moments, update_effect

ONE = Settings(week_effect=(0.3,), week_persistence=(0.6,))


def only(effect, kind):
    """Return the effect with one kind alone."""
    return Effect(*(part[:, [kind]] for part in effect))


def test_a_usual_week_has_factor_one_on_average():
    effect = effect_start(Settings(), 4, 1)
    np.testing.assert_allclose(np.exp(effect.mean + effect.variance / 2), 1.0, rtol=1e-15)
    for _ in range(3):
        effect = ahead(effect, Settings(), 1.0)
    np.testing.assert_allclose(np.exp(effect.mean + effect.variance / 2), 1.0, rtol=1e-15)


def test_weeks_ahead_are_steps_of_an_autoregression():
    size, persistence = kinds_of(ONE)
    start = Effect(np.array([[0.0, 0.4]]), np.array([[0.0, 0.01]]), np.zeros((1, 2)))
    once = ahead(start, ONE, 1.0)
    usual = -0.5 * 0.3**2
    assert once.mean[0, 1] == pytest.approx(usual + 0.6 * (0.4 - usual))
    assert once.variance[0, 1] == pytest.approx(0.36 * 0.01 + 0.09 * (1 - 0.36))
    thrice = ahead(ahead(once, ONE, 1.0), ONE, 1.0)
    for one, other in zip(thrice, ahead(start, ONE, 3.0), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-13)
    far = ahead(start, ONE, 200.0)
    np.testing.assert_allclose(far.mean[0], -0.5 * size**2, atol=1e-15)
    np.testing.assert_allclose(far.variance[0], size**2, rtol=1e-12)
    assert persistence.tolist() == [0.0, 0.6]


def test_fewer_than_three_channels_have_no_common_effect():
    assert effect_start(Settings(), 2, 1) is None
    assert effect_start(Settings(week_effect=()), 5, 1) is None
    assert effect_start(Settings(), 3, 2).mean.shape == (2, len(kinds_of(Settings())[0]))


@pytest.mark.parametrize("extra", [0.0, 0.25])
def test_each_channel_hears_the_others_only(extra):
    """The conditional normal given the others' words, by inverting their covariance.

    The words lie near each other, so that none counts for less.
    """
    effect = only(ahead(effect_start(ONE, 4, 1), ONE, 1.0), 1)
    rho, variance = np.array([[0.30, 0.36, 0.25, 9.0]]), np.array([[0.04, 0.09, 0.02, 0.01]])
    seen = np.array([[True, True, True, False]])
    mean, left, after = update_effect(effect, rho, variance, seen, extra)
    prior_mean, prior = effect.mean[0, 0], effect.variance[0, 0]
    for channel in range(4):
        others = [i for i in range(3) if i != channel]
        cov = (prior + extra) + np.diag(variance[0, others])
        gain = (prior + extra) * np.linalg.solve(cov, np.ones(len(others)))
        expected = prior_mean + gain @ (rho[0, others] - prior_mean)
        assert mean[0, channel] == pytest.approx(expected, rel=1e-12)
        assert left[0, channel] == pytest.approx((prior + extra) * (1 - gain.sum()), rel=1e-10)
    # What is carried on is the effect without the event, given all three.
    cov = (prior + extra) + np.diag(variance[0, :3])
    gain = prior * np.linalg.solve(cov, np.ones(3))
    assert after.mean[0, 0] == pytest.approx(prior_mean + gain @ (rho[0, :3] - prior_mean))
    assert after.variance[0, 0] == pytest.approx(prior - prior * gain.sum())


def test_kinds_are_weighed_by_how_likely_they_make_the_words():
    """Up to what no kind changes: differences of joint log densities."""
    settings = Settings(week_effect=(0.1, 0.4), week_persistence=(0.5,))
    effect = effect_start(settings, 3, 1)
    rho, variance = np.array([[0.2, 0.25, 0.22]]), np.array([[0.04, 0.09, 0.02]])
    *_, after = update_effect(effect, rho, variance, np.ones((1, 3), dtype=bool), 0.0)
    direct = [
        multivariate_normal(np.full(3, m), v + np.diag(variance[0])).logpdf(rho[0])
        for m, v in zip(effect.mean[0], effect.variance[0], strict=True)
    ]
    np.testing.assert_allclose(np.diff(after.weight[0]), np.diff(direct), rtol=1e-10)


def test_mean_and_variance_over_kinds():
    effect = Effect(np.array([[0.0, 1.0]]), np.array([[0.5, 0.1]]), np.log([[3.0, 1.0]]))
    mean, variance = moments(effect)
    assert mean[0] == pytest.approx(0.25)
    assert variance[0] == pytest.approx(0.75 * 0.5 + 0.25 * 0.1 + 0.75 * 0.25)


def test_what_others_say_weighs_the_kinds_for_each_channel():
    """In a week when all others rise, the kinds that can rise count for more at once."""
    settings = Settings(week_effect=(0.05, 0.4), week_persistence=(0.0,))
    effect = effect_start(settings, 4, 1)
    rho, variance = np.array([[0.0, 0.5, 0.5, 0.5]]), np.full((1, 4), 0.01)
    mean, left, _ = update_effect(effect, rho, variance, np.ones((1, 4), dtype=bool), 0.0)
    told = [
        norm.pdf(0.5, m, np.sqrt(v + 0.01 / 3))
        for m, v in zip(effect.mean[0], effect.variance[0], strict=True)
    ]
    chance = np.array(told) / np.sum(told)
    post = 1 / (1 / np.maximum(effect.variance[0], 1e-300) + 300)
    each = post * (effect.mean[0] / np.maximum(effect.variance[0], 1e-300) + 0.5 * 300)
    assert mean[0, 0] == pytest.approx(chance @ each, rel=1e-9)
    second = chance @ (post + each**2)
    assert left[0, 0] == pytest.approx(second - (chance @ each) ** 2, rel=1e-6)


def test_an_outage_of_one_is_no_season_of_all():
    effect = effect_start(ONE, 5, 1)
    rho = np.array([[0.0, 0.01, -0.01, 0.0, -5.0]])
    *_, after = update_effect(effect, rho, np.full((1, 5), 0.04), np.ones((1, 5), dtype=bool), 0.0)
    mean, _ = moments(after)
    # With full weight it would be read as a fall of 1/5 of 5.
    assert abs(mean[0]) < 0.1


def test_nothing_seen_changes_nothing():
    effect = effect_start(Settings(), 3, 2)
    nobody = np.zeros((2, 3), dtype=bool)
    mean, variance, after = update_effect(effect, np.zeros((2, 3)), np.ones((2, 3)), nobody, 0.0)
    for one, other in zip(after, effect, strict=True):
        np.testing.assert_array_equal(one, other)
    first, second = moments(effect)
    np.testing.assert_allclose(mean, first[:, None] * np.ones(3))
    np.testing.assert_allclose(variance, second[:, None] * np.ones(3))
