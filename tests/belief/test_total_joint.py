"""One total told of several channels at once: splits of a channel, and lift tests of another."""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

import numpy as np
import pytest
from scipy.special import softmax

from budgetopt.belief import Settings, regression
from budgetopt.belief import aggregate as total
from budgetopt.belief.aggregate import groups_of
from budgetopt.belief.belief import learn
from budgetopt.belief.evidence import log_step
from budgetopt.plan import LiftTest, Priors

from .helpers import Past, Plan

COARSE = replace(Settings.fast(), doubt=0.0, sweeps=8)
PARTS = np.array([0.4, 0.3, 0.2, 0.1])


def market(seed, channels=3, weeks=104):
    rng = np.random.default_rng(seed)
    spend = 1000 * rng.lognormal(0, 0.5, (weeks, channels)) * rng.uniform(0.5, 2, channels)
    brought = spend / (spend + 1000 * rng.lognormal(0, 0.4, channels))
    total = 1e4 * (0.6 + 0.4 * (brought / brought.mean(axis=0)).mean(axis=1))
    return spend, total + 500 * rng.standard_normal(weeks)


def learned(spend, total, settings=None):
    names = tuple(f"c{at}" for at in range(spend.shape[1]))
    plan = Plan(names, float(spend.mean(axis=0).sum()))
    return learn(Past(names, spend, None, total), plan, settings=settings)


@pytest.mark.parametrize("seed", range(3))
def test_splitting_channels_moves_what_all_of_them_bring_by_at_most_a_hundredth(seed):
    spend, total = market(seed)
    parts = (spend[:, :, None] * PARTS).reshape(len(spend), -1).round(2)
    whole, split = learned(spend, total), learned(parts, total)
    before = whole.mean().value(spend.mean(axis=0))
    after = split.mean().value(parts.mean(axis=0)).reshape(3, 4)
    assert split.fit.media == pytest.approx(whole.fit.media, rel=0.01)
    # A channel is known by its curve too: the grid of its parts lies elsewhere beside their money.
    np.testing.assert_allclose(after.sum(axis=1), before, rtol=0.03)
    np.testing.assert_allclose(after / after.sum(axis=1, keepdims=True), [PARTS] * 3, rtol=0.05)
    # That a part is worth as much as the whole is prior, not data.
    assert np.all(split.data_share < np.repeat(whole.data_share, 4))


def test_parts_are_worth_as_much_as_their_group_give_or_take():
    """Relative worths of sd r whose average by money is known, by simulation."""
    spend = np.outer(np.arange(1.0, 9.0), [*PARTS, 5.0])
    spend[:, 4] = spend[::-1, 4]
    groups = groups_of(spend, np.zeros(5, bool))
    assert groups.of.tolist() == [0, 0, 0, 0, 1]
    np.testing.assert_allclose(groups.part, [*PARTS, 1.0])
    worth = np.random.default_rng(0).normal(1, regression.usual_spread(), (200_000, 4))
    away = (worth - (worth @ PARTS)[:, None]).std(axis=0)
    np.testing.assert_allclose(np.sqrt(np.expm1(groups.apart()[:4])), away, rtol=0.01)
    assert groups.apart()[4] == 0.0


@pytest.mark.parametrize(("away", "alone"), [(0.005, False), (0.02, True)])
def test_money_that_leaves_the_proportion_is_a_channel_of_its_own(away, alone):
    rng = np.random.default_rng(0)
    first = rng.lognormal(0, 0.5, 400)
    second = 3 * (first + away * first.std() * rng.standard_normal(400))
    groups = groups_of(np.stack([first, second], axis=1), np.zeros(2, bool))
    assert groups.of.max() + 1 == (2 if alone else 1)
    single = np.array([False, True])
    assert groups_of(np.stack([first, first], axis=1), single).of.tolist() == [0, 1]


class Pair(NamedTuple):
    """What is known of two channels: by the learner, and exactly, as draws of their effects."""

    mean: np.ndarray
    sd: np.ndarray
    media: tuple[float, float]
    draws: np.ndarray


def pair(seed, test=None):
    """Return what is learned of two channels whose money moves together, 0.98 in the logarithm."""
    rng = np.random.default_rng(seed)
    common, own = rng.standard_normal((104, 1)), rng.standard_normal((104, 2))
    spend = 1000 * np.exp(0.5 * (np.sqrt(0.98) * common + np.sqrt(0.02) * own))
    brought = spend / (spend + 1000 * rng.lognormal(0, 0.4, 2))
    share = 0.15 * rng.lognormal(0, 0.4, 2)
    total_ = 1 - share.sum() + brought / brought.mean(axis=0) @ share
    history = Past(("a", "b"), spend, None, 1e4 * (total_ + 0.05 * rng.standard_normal(104)))
    priors = Priors(lift_tests=() if test is None else (test,))
    belief = learn(history, Plan(history.channels, 2e3, priors=priors), settings=COARSE)
    log = belief.log
    found = total.regressed(
        log, COARSE.total_grid(log.reference), COARSE, total.usable(log.spend, log.total)
    )
    known, level = belief.posterior, np.log(found.fit.tried.level / found.size)[:, None]
    first = np.exp(known.log_mean + level + known.log_variance / 2)
    mean = (known.chance * first).sum(axis=(1, 2))
    square = (known.chance * first**2 * np.exp(known.log_variance)).sum(axis=(1, 2))
    media = belief.fit.media_range(0.8)
    return Pair(mean, np.sqrt(square - mean**2), media, exact(found, test))


def exact(found, test):
    """Return draws of both effects, every pair of cells and scale of the media enumerated.

    Of the learner it takes rows, features of single cells, season, trend and noise. Effects are
    drawn from their normal and kept where both are above zero, which is exact, as the chance of
    that beforehand is the same everywhere.
    """
    fit, rng = found.fit, np.random.default_rng(0)
    base, scales = fit.design.base, fit.weighed.overall
    features = np.concatenate([part for _, part, _ in fit.tried.blocks()], axis=1)
    columns = fit.rows.freed(base.columns)
    spread = (columns * base.variance(scales.season, scales.trend)) @ columns.T
    root = np.linalg.cholesky(spread + scales.noise * np.eye(len(columns)))
    outcome = fit.rows.freed(fit.design.outcome[:, None])[:, 0] - columns @ base.mean
    outcome = np.linalg.solve(root, outcome)
    first, second = np.moveaxis(fit.rows.freed(features), 1, 0)
    first, second = np.linalg.solve(root, first), np.linalg.solve(root, second)
    cells = first.shape[1]
    power = np.empty((cells, cells, 2, 2))
    power[..., 0, 0] = np.square(first).sum(axis=0)[:, None]
    power[..., 1, 1] = np.square(second).sum(axis=0)
    power[..., 0, 1] = power[..., 1, 0] = first.T @ second
    pull = np.empty((cells, cells, 2))
    pull[..., 0], pull[..., 1] = (first.T @ outcome)[:, None], second.T @ outcome
    if test is not None:
        step = np.repeat(np.exp(log_step(test, fit.tried.grid)), fit.tried.carryovers)
        brings = step / fit.tried.levels[0] * found.size / test.error
        power[..., 0, 0] += np.square(brings)[:, None]
        pull[..., 0] += (brings * test.incremental / test.error)[:, None]
    log_cells = fit.tried.log_prior[0][:, None] + fit.tried.log_prior[1]
    log_weight, means, covariances = [], [], []
    for media, chance in zip(*regression.media_scales(COARSE.effect_share), strict=True):
        mean, sd = regression.usual_effects(media * fit.design.share)
        precision = power + np.diag(sd**-2.0)
        covariance = np.linalg.inv(precision)
        middle = np.einsum("klij,klj->kli", covariance, pull + mean / sd**2)
        like = np.einsum("kli,kli->kl", middle, pull + mean / sd**2) - np.sum((mean / sd) ** 2)
        like -= np.linalg.slogdet(precision)[1] + 2 * np.log(sd).sum()
        log_weight.append(np.log(chance) + log_cells + 0.5 * like)
        means.append(middle.reshape(-1, 2))
        covariances.append(covariance.reshape(-1, 2, 2))
    chosen = rng.choice(len(means) * cells**2, 100_000, p=softmax(np.ravel(log_weight)))
    turn = np.linalg.cholesky(np.concatenate(covariances)[chosen])
    drawn = np.concatenate(means)[chosen]
    drawn = drawn + np.einsum("nij,nj->ni", turn, rng.standard_normal(drawn.shape))
    return drawn[(drawn > 0).all(axis=1)]


@pytest.mark.parametrize("seed", range(3))
def test_a_lift_test_of_one_channel_moves_the_one_that_moves_with_it(seed):
    """Half of what is believed of the first is found: what is left is brought by the second."""
    before = pair(seed)
    found = 0.5 * before.mean[0] * 1e4
    after = pair(seed, LiftTest("a", found * 0.5, found * 0.1, 1000.0))
    shift, expected = (
        after.mean[1] - before.mean[1],
        (after.draws.mean(axis=0) - before.draws.mean(axis=0))[1],
    )
    assert abs(expected) > 0.01
    assert shift == pytest.approx(expected, abs=0.01)
    np.testing.assert_allclose(after.mean, after.draws.mean(axis=0), rtol=0.08)


def test_bands_of_two_channels_that_move_together_are_those_of_the_exact_posterior():
    """The correlation is 0.98: single effects, and their sum, of which more is known."""
    shares, inside = [], []
    for seed in range(6):
        known = pair(seed)
        low, high = known.media
        together = known.draws.sum(axis=1)
        shares.append(known.sd / known.draws.std(axis=0))
        inside.append(np.mean((low < together) & (together < high)))
    assert np.mean(shares) == pytest.approx(1, abs=0.1)
    assert np.mean(inside) == pytest.approx(0.8, abs=0.05)
    assert np.all(np.abs(np.array(shares) - 1) < 0.2)
    assert np.all(np.abs(np.array(inside) - 0.8) < 0.12)


def test_two_tests_of_one_channel_are_as_one_of_both():
    one = regression.LiftEvidence(np.array([4.0]), np.array([2.0]))
    both = regression.LiftEvidence(np.array([8.0]), np.array([4.0]))
    mean, variance = one.after(*one.after(np.array([0.3]), np.array([0.5])))
    np.testing.assert_allclose(both.after(np.array([0.3]), np.array([0.5])), (mean, variance))
    apart = one.log_evidence(np.array([0.3]), np.array([0.5]))
    apart = apart + one.log_evidence(*one.after(np.array([0.3]), np.array([0.5])))
    np.testing.assert_allclose(both.log_evidence(np.array([0.3]), np.array([0.5])), apart)
