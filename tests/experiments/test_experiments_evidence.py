"""The evidence of pairs: by hand, against brute force, and as a martingale that is kept small."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import optimize, stats

from budgetopt.experiments import evidence
from budgetopt.experiments.evidence import LEADS, evidence_of_averages, evidence_of_counts
from budgetopt.experiments.stopping import settle

numbers = st.integers(0, 400)


def test_by_hand_one_day_of_two_arms(monkeypatch):
    # Lead of double: of 3 conversions at equal money 2/3 are arm 1's in place of 1/2.
    monkeypatch.setattr(evidence, "LEADS", np.array([np.log(2.0)]))
    found = evidence_of_counts(np.array([[3.0, 0.0]]), np.array([[10.0, 10.0]]))
    assert np.exp(found[0, 1]) == pytest.approx((4 / 3) ** 3)
    assert np.exp(found[1, 0]) == pytest.approx((2 / 3) ** 3)


def test_for_counts_it_is_the_binomial_likelihood_ratio_given_the_days_total():
    x, e, ratio = np.array([[7.0, 4.0], [5, 9]]), np.array([[90.0, 70.0], [60, 110]]), 0.8
    ratios = []
    for lead in LEADS:
        p = [ratio * np.exp(lead * on) * e[:, 0] / (ratio * np.exp(lead * on) * e[:, 0] + e[:, 1])
             for on in (1, 0)]  # fmt: skip
        likelihood = [stats.binom.pmf(x[:, 0], x.sum(axis=1), q).prod() for q in p]
        ratios.append(likelihood[0] / likelihood[1])
    assert np.exp(evidence_of_counts(x, e, ratio)[0, 1]) == pytest.approx(np.mean(ratios))


@given(st.floats(0.001, 0.5), st.floats(0.5, 1.0), st.integers(1, 60), st.integers(1, 60))
def test_a_days_expected_factor_is_never_above_one(rate, ratio, shown_i, shown_j):
    # Exactly, over all outcomes of two binomials on the edge of the other hypothesis.
    x = np.stack(np.meshgrid(np.arange(shown_i + 1), np.arange(shown_j + 1), indexing="ij"), -1)
    chance = stats.binom.pmf(x[..., 0], shown_i, ratio * rate)
    chance = chance * stats.binom.pmf(x[..., 1], shown_j, rate)
    shown = np.broadcast_to(np.array([shown_i, shown_j], float), x.shape)
    found = evidence_of_counts(x[..., None, :].astype(float), shown[..., None, :], ratio)
    assert (chance * np.exp(found[..., 0, 1])).sum() <= 1 + 1e-12


def test_a_day_that_is_good_for_all_favours_none():
    # Twice the rate on day 2, when arm 1 has most of the money: totals alone would favour it.
    shown = np.array([[10_000.0, 10_000.0], [18_000, 2_000]])
    clicks = shown * np.array([[0.02], [0.04]])
    found = evidence_of_counts(clicks, shown)
    assert np.all(found <= 0)
    totals = evidence_of_counts(*(x.sum(axis=0, keepdims=True) for x in (clicks, shown)))
    assert totals[0, 1] > np.log(1000)


@given(st.lists(st.tuples(numbers, numbers), min_size=1, max_size=4), st.floats(0.5, 1.0))
def test_more_room_gives_more_evidence_and_order_does_not_matter(days, ratio):
    x = np.array(days, float)
    e = np.full_like(x, 5_000.0)
    found = evidence_of_counts(x, e)
    assert found[::-1, ::-1] == pytest.approx(evidence_of_counts(x[:, ::-1], e))
    assert found == pytest.approx(evidence_of_counts(x[::-1], e))
    assert not (found[0, 1] > 0 and found[1, 0] > 0)
    # For small rates the smaller hypothesis is easier to leave.
    assert evidence_of_counts(x, e, ratio)[0, 1] >= found[0, 1] - 0.5 * x.sum() * (1 - ratio)


def test_nothing_seen_says_nothing():
    none, empty = np.zeros((3, 2)), np.zeros((0, 2))
    assert np.all(evidence_of_counts(none, none) == 0)
    assert np.all(evidence_of_counts(empty, empty) == 0)
    for table in (none, empty):
        assert np.all(evidence_of_averages(table, table, expected=1.0, spread=1.0) == 0)
    # An arm that never ran on the same day as another cannot be compared with it.
    apart = np.array([[5.0, 0.0], [0.0, 90.0]])
    assert evidence_of_counts(apart, 100 * np.sign(apart))[1, 0] == 0
    assert evidence_of_averages(apart, apart, expected=1.0, spread=1.0)[1, 0] == 0


@pytest.mark.parametrize(("ratio", "seed"), [(1.0, 0), (0.9, 3)])
def test_averages_against_brute_force(ratio, seed):
    rng = np.random.default_rng(seed)
    w = rng.integers(20, 60, (5, 2)).astype(float)
    x = rng.normal([110, 100], 12, (5, 2))
    found = evidence_of_averages(w * x, w, ratio, expected=100.0, spread=1.0)[0, 1]
    delta, h = x[:, 0] - ratio * x[:, 1], 1 / (1 / w[:, 0] + ratio**2 / w[:, 1])

    def log_density(mean, log_sd):
        return stats.norm.logpdf(delta, mean, np.exp(log_sd) / np.sqrt(h)).sum()

    null = optimize.minimize(
        lambda p: -log_density(-np.exp(p[0]), p[1]), [0.0, 4.5], method="Nelder-Mead",
        options={"xatol": 1e-10, "fatol": 1e-12, "maxiter": 5000},
    )  # fmt: skip

    # By the trapezoid rule, which is exact to all digits for smooth tails.
    means, log_sds = np.linspace(-400, 400, 1601)[:, None], np.linspace(2, 9, 701)
    sds = np.exp(log_sds)
    like = stats.norm.logpdf(delta[:, None, None], means, sds / np.sqrt(h)[:, None, None])
    # Precision ~ Gamma(1, rate 100^2), which 2 / sd^3 turns to sd; mean ~ N(0, (lead sd)^2).
    prior = np.mean([stats.norm.pdf(means, 0, lead * sds) for lead in (0.1, 0.3, 1.0)], axis=0)
    prior = prior * 1e4 * np.exp(-1e4 / sds**2) * 2 / sds**3 * sds
    marginal = (np.exp(like.sum(axis=0) + null.fun) * prior).sum() * 0.5 * 0.01
    assert found == pytest.approx(np.log(marginal), abs=2e-4)


def test_days_that_differ_in_nothing_give_no_evidence():
    one = np.full((3, 2), 50.0)
    assert evidence_of_averages(100 * one, one, expected=100.0, spread=1.0)[0, 1] == -np.inf


def test_units_of_money_do_not_matter():
    rng = np.random.default_rng(2)
    w = np.full((6, 3), 40.0)
    x = w * rng.normal(100, 10, (6, 3))
    small = evidence_of_averages(x, w, 0.9, expected=100.0, spread=1.0)
    large = evidence_of_averages(x * 1e6, w, 0.9, expected=1e8, spread=1.0)
    assert large == pytest.approx(small, abs=1e-9)


def pairs(**said):
    """Return the evidence of two arms by ratio; 6 is enough for an error rate of 1 %."""
    one, two = np.zeros((2, 2)), np.zeros((2, 2))
    one[0, 1], two[0, 1], two[1, 0] = said["above"], said["near"], said["back"]
    return lambda ratio: one if ratio == 1.0 else two


@pytest.mark.parametrize(
    ("said", "winner", "enough"),
    [
        ({"above": 6, "near": 6, "back": 0}, [True, False], [True, False]),
        ({"above": 5, "near": 6, "back": 0}, [False, False], [False, False]),
        ({"above": 6, "near": 5, "back": 0}, [False, False], [False, False]),
        ({"above": 0, "near": 6, "back": 6}, [False, False], [True, True]),
        ({"above": 0, "near": 6, "back": 5}, [False, False], [False, False]),
    ],
)
def test_what_is_settled(said, winner, enough):
    assert np.log(2 / 0.01) == pytest.approx(5.3, abs=0.01)
    settled = settle(pairs(**said), 0.01, 0.1)
    assert settled.winner.tolist() == winner
    assert settled.good_enough.tolist() == enough
