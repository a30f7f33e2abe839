"""One week of outcomes: by hand, by direct integration and as a mixture written out."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.integrate import quad, trapezoid
from scipy.special import gammaln, polygamma, psi
from scipy.stats import nbinom, norm, poisson

from budgetopt.belief.filter.state import Hypothesis, gamma_shape
from budgetopt.belief.filter.update import Before, collapse, counts, gaussian

USUAL = (Hypothesis(1.0, 0.0, 0.0),)
THREE = (Hypothesis(0.9, 0.0, 0.0), Hypothesis(0.06, 0.25, 0.0), Hypothesis(0.04, 0.0, 2.25))


def before(centre, level, rest):
    """Return what is expected of one row with one nuisance and these cells."""
    centre = np.atleast_1d(np.asarray(centre, dtype=float))
    return Before(centre[None, None], np.array([[level]]), np.array([[level + rest]]))


def one(value):
    return np.array([float(value)])


def test_a_logarithm_by_hand():
    """Prior N(2, 4), observation 5 with variance 1 + 0.5: precisions add."""
    (told,) = gaussian(before(2.0, 4.0, 1.0), one(5.0), one(0.5), USUAL)
    assert told.variance[0, 0] == pytest.approx(1 / (1 / 4 + 1 / 1.5), rel=1e-15)
    assert told.shift[0, 0, 0] == pytest.approx(3 * 4 / 5.5, rel=1e-15)
    law = norm(2.0, np.sqrt(5.5))
    assert told.log_density[0, 0, 0] - law.logpdf(5.0) == pytest.approx(0.5 * np.log(2 * np.pi))


def test_three_hypotheses_are_the_moments_of_their_mixture():
    """One cell: the density of the level by direct integration, hypothesis by hypothesis."""
    level, rest, seen, counting = 0.3, 0.04, 1.7, 0.02
    told = gaussian(before(0.2, level, rest), one(seen), one(counting), THREE)
    shift, variance, log_density, after = collapse(
        told, [h.chance for h in THREE], np.ones((1, 1, 1))
    )
    a = np.linspace(-12, 12, 200_001)
    parts = []
    for h in THREE:
        prior = norm.pdf(a, 0.2, np.sqrt(level + h.level))
        parts.append(h.chance * prior * norm.pdf(seen, a, np.sqrt(rest + h.week + counting)))
    whole = np.sum(parts, axis=0)
    mass = trapezoid(whole, a)
    mean = trapezoid(whole * a, a) / mass
    assert shift[0, 0, 0] == pytest.approx(mean - 0.2, rel=1e-9)
    assert variance[0, 0] == pytest.approx(trapezoid(whole * (a - mean) ** 2, a) / mass, rel=1e-9)
    np.testing.assert_allclose(after[:, 0], [trapezoid(p, a) / mass for p in parts], rtol=1e-9)
    assert log_density.shape == (1, 1, 1)


def test_evidence_compares_cells_and_hypotheses():
    """Differences between cells are those of the mixtures' densities; a common part is dropped."""
    centres = np.array([-1.0, 0.0, 0.4, 3.0])
    told = gaussian(before(centres, 0.3, 0.04), one(0.5), one(0.02), THREE)
    *_, log_density, _ = collapse(told, [h.chance for h in THREE], np.full((1, 1, 4), 0.25))
    direct = [
        sum(h.chance * norm.pdf(0.5, c, np.sqrt(0.36 + h.level + h.week)) for h in THREE)
        for c in centres
    ]
    np.testing.assert_allclose(
        log_density[0, 0] - log_density[0, 0, 0], np.log(direct) - np.log(direct[0]), rtol=1e-10
    )


def test_one_variance_is_the_average_over_the_cells():
    centres, weight = np.array([-0.5, 0.1, 2.0]), np.array([0.2, 0.5, 0.3])
    apart, mass = [], []
    for centre in centres:
        told = gaussian(before(centre, 0.3, 0.04), one(0.5), one(0.02), THREE)
        apart.append(collapse(told, [h.chance for h in THREE], np.ones((1, 1, 1)))[1][0, 0])
        spread = [0.36 + h.level + h.week for h in THREE]
        mass.append(sum(h.chance * norm.pdf(0.5, centre, np.sqrt(s))
                        for h, s in zip(THREE, spread, strict=True)))  # fmt: skip
    told = gaussian(before(centres, 0.3, 0.04), one(0.5), one(0.02), THREE)
    together = collapse(told, [h.chance for h in THREE], weight[None, None])[1][0, 0]
    assert together == pytest.approx(np.average(apart, weights=weight * np.array(mass)), rel=1e-9)


@pytest.mark.parametrize("seen", [0, 1, 3, 40])
@pytest.mark.parametrize("unit", [1.0, 25.0])
def test_a_count_by_hand(seen, unit):
    """Gamma prior, Poisson count: conjugate, so the negative binomial and digammas, written out.

    The level is all that is uncertain.
    """
    variance = 0.4
    prior = before(np.log(5.0 * unit), variance, 0.0)
    (told,) = counts(prior, one(seen), one(unit), USUAL)
    shape = gamma_shape(np.array([variance]))[0]
    rate = np.exp(psi(shape)) / 5.0
    law = nbinom(shape, rate / (rate + 1))
    assert told.log_density[0, 0, 0] == pytest.approx(law.logpmf(seen), rel=1e-9)
    after = psi(shape + seen) - np.log(rate + 1)
    assert told.shift[0, 0, 0] == pytest.approx(after - np.log(5.0), rel=1e-8, abs=1e-12)
    assert told.variance[0, 0] == pytest.approx(polygamma(1, shape + seen), rel=1e-3)


@pytest.mark.parametrize("mean", [0.5, 3.0, 12.0])
@pytest.mark.parametrize(
    ("variance", "shifted", "told"), [(0.05, 0.03, 4e-4), (0.3, 0.06, 0.015), (1.0, 0.1, 0.07)]
)
def test_counts_agree_with_a_poisson_lognormal(mean, variance, shifted, told):
    """The model proper, by quadrature; the log-gamma that stands in for its normal is close.

    Averaged over the counts that weeks bring: the level's mean is off by at most 3, 6 and 10 % of
    its prior standard deviation, and the prediction loses 0.0004, 0.015 and 0.07 nats.
    """
    centre, spread = np.log(mean) - variance / 2, np.sqrt(variance)
    a = centre + spread * np.linspace(-9, 9, 4001)
    prior = norm.pdf(a, centre, spread)
    prior /= prior.sum()
    chance, off, lost = [], [], []
    for seen in range(200):
        like = np.exp(seen * a - np.exp(a) - gammaln(seen + 1))
        mass = prior @ like
        (found,) = counts(before(centre, variance, 0.0), one(seen), one(1.0), USUAL)
        chance.append(mass)
        off.append(abs(prior @ (like * a) / mass - centre - found.shift[0, 0, 0]) / spread)
        lost.append(np.log(mass) - found.log_density[0, 0, 0])
    assert sum(chance) == pytest.approx(1.0, abs=1e-3)
    assert np.average(off, weights=chance) < shifted
    # A Kullback-Leibler divergence: never below zero.
    assert -1e-9 < np.average(lost, weights=chance) < told


def test_only_the_levels_part_of_a_surprise_moves_it():
    """Noise takes its share: linear Bayes, as for logarithms."""
    (alone,) = counts(before(1.0, 0.5, 0.0), one(9), one(1.0), USUAL)
    (shared,) = counts(before(1.0, 0.2, 0.3), one(9), one(1.0), USUAL)
    assert shared.shift[0, 0, 0] == pytest.approx(0.4 * alone.shift[0, 0, 0], rel=1e-12)
    left = 0.2 - 0.4**2 * (0.5 - alone.variance[0, 0])
    assert shared.variance[0, 0] == pytest.approx(left, rel=1e-12)


def test_counts_and_logarithms_agree_where_both_are_good():
    """At 25 expected events, where one takes over from the other; within half a standard error
    of the count, for counts within two of them."""
    for seen in (16, 25, 36):
        prior = before(np.log(25.0), 0.1, 0.04)
        (few,) = counts(prior, one(seen), one(1.0), USUAL)
        (many,) = gaussian(prior, one(np.log(seen + 0.5)), one(1 / 25), USUAL)
        assert few.shift[0, 0, 0] == pytest.approx(many.shift[0, 0, 0], abs=0.1)
        assert few.variance[0, 0] == pytest.approx(many.variance[0, 0], rel=0.3)


@given(st.floats(-6, 3))
def test_gamma_shape(power):
    variance = 10.0**power
    shape = gamma_shape(np.array([variance]))[0]
    assert polygamma(1, shape) == pytest.approx(variance, rel=4e-3 if variance > 1 else 3e-4)


def test_the_logarithm_with_half_an_event_is_unbiased():
    """Anscombe: the mean of ln(y + 1/2) is ln of the mean, the variance its inverse."""
    for mean, bias, ratio in ((5, 0.02, 0.25), (25, 3e-3, 0.03), (100, 1e-3, 0.01)):
        y = np.arange(20 * mean)
        chance = poisson.pmf(y, mean)
        first = chance @ np.log(y + 0.5)
        assert first == pytest.approx(np.log(mean), abs=bias)
        assert chance @ np.square(np.log(y + 0.5) - first) == pytest.approx(1 / mean, rel=ratio)


def test_negative_binomial_is_the_integral_of_poisson_over_gamma():
    shape = gamma_shape(np.array([0.7]))[0]
    rate = np.exp(psi(shape) - 1.0)

    def weighted(x):
        log_gamma = shape * np.log(rate) + (shape - 1) * np.log(x) - rate * x - gammaln(shape)
        return np.exp(log_gamma + 4 * np.log(x) - x - gammaln(5))

    (told,) = counts(before(1.0, 0.7, 0.0), one(4), one(1.0), USUAL)
    assert np.exp(told.log_density[0, 0, 0]) == pytest.approx(quad(weighted, 0, 200)[0], rel=1e-8)


@pytest.mark.parametrize("seen", [-700.0, -50.0, 50.0, 460.0, 700.0])
def test_the_unthinkable_is_survived(seen):
    """An outcome hundreds of orders away leaves numbers, not NaN."""
    centres = np.linspace(-3, 3, 7)
    told = gaussian(before(centres, 0.3, 0.04), one(seen), one(0.02), THREE)
    weight = np.full((1, 1, 7), 1 / 7)
    for part in collapse(told, [h.chance for h in THREE], weight):
        assert np.isfinite(part).all()


@given(
    st.lists(st.floats(-5, 5), min_size=2, max_size=6),
    st.floats(0.01, 3),
    st.floats(0.001, 2),
    st.floats(-8, 8),
)
def test_a_week_leaves_a_sensible_variance(centres, level, rest, seen):
    """Above zero and never more than everything together, for logarithms and counts alike."""
    prior = before(centres, level, rest)
    weight = np.full((1, 1, len(centres)), 1 / len(centres))
    events = one(round(np.exp(seen)))
    for told in (
        gaussian(prior, one(seen), one(0.0), THREE),
        counts(prior, events, one(1.0), THREE),
    ):
        shift, variance, log_density, after = collapse(told, [h.chance for h in THREE], weight)
        assert np.isfinite(shift).all()
        assert np.isfinite(log_density).all()
        assert variance[0, 0] >= 0
        assert after.sum() == pytest.approx(1.0)
