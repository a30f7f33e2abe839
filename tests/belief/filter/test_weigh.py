"""Chances of cells and nuisances: every sum written out."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from scipy.stats import norm

from budgetopt.belief import Grid, Settings
from budgetopt.belief.filter import PriorModel, start
from budgetopt.belief.filter.run import weigh

SMALL = Settings(points=3, hill_shapes=(), steep_shapes=(), noise=(0.1, 0.3), drift=(0.01, 0.05))
POINTS = np.linspace(-2, 2, 5)


def model_of(chosen, channels, *, half=None, half_sd=None, noise=None):
    nan = np.full(channels, np.nan)
    own = [nan if part is None else np.array(part) for part in (half, half_sd, noise)]
    grid = Grid(100.0, chosen.points, chosen.span, chosen.hill_shapes, chosen.steep_shapes)
    return PriorModel(grid, chosen, *own)


def weighed(model, evidence, runs=1):
    rows = runs * model.channels
    state = start(model, np.zeros((runs, model.channels)), np.ones((runs, model.channels)))
    state.tables.evidence[:] = evidence.reshape(rows, -1, model.cells)
    weigh(state.tables, model, runs)
    return state.tables


def shares(values, middle, sd):
    dense = norm.pdf(np.log(values), middle, sd)
    return dense / dense.sum()


def by_hand(chosen, evidence, own_noise=None, own_half=None):
    """Return chances by looping over triples of centres, channels, drifts, noises and cells."""
    channels = len(evidence)
    log_half = np.linspace(-np.log(chosen.span), np.log(chosen.span), chosen.points)
    answer, total = np.zeros_like(evidence), 0.0
    for c, u, v in itertools.product(POINTS, POINTS, POINTS):
        drift = shares(chosen.drift, np.log(chosen.usual_drift) + 0.7 * u, 0.7)
        each = []
        for i in range(channels):
            usual = np.log(chosen.usual_noise) + 0.7 * v
            if own_noise is not None and np.isfinite(own_noise[i]):
                usual = own_noise[i]
            noise = shares(chosen.noise, usual, 0.5)
            centre, sd = np.log(chosen.saturation) + chosen.centre_sd * c, chosen.saturation_sd
            if own_half is not None and np.isfinite(own_half[i]):
                centre, sd = own_half[i], 0.4
            cell = norm.pdf(log_half, centre, sd)
            prior = np.einsum("d,s,k->dsk", drift, noise, cell / cell.sum())
            each.append(np.exp(evidence[i]) * prior.reshape(evidence[i].shape))
        explained = np.array([one.sum() for one in each])
        chance = norm.pdf([c, u, v]).prod() * explained.prod()
        total += chance
        answer += chance * np.array(each) / explained[:, None, None]
    return answer / total


@pytest.mark.parametrize("channels", [1, 3])
def test_chances_by_hand(channels):
    evidence = np.random.default_rng(0).normal(0, 3, (channels, 4, 3))
    found = weighed(model_of(SMALL, channels), evidence).chance
    np.testing.assert_allclose(found, by_hand(SMALL, evidence), rtol=1e-10)


def test_a_channels_own_prior_stands_in_for_the_shared_one():
    evidence = np.random.default_rng(1).normal(0, 2, (3, 4, 3))
    noise, half = [np.nan, np.log(0.3), np.nan], [np.nan, np.nan, 0.7]
    model = model_of(SMALL, 3, half=half, half_sd=[np.nan, np.nan, 0.4], noise=noise)
    found = weighed(model, evidence).chance
    np.testing.assert_allclose(found, by_hand(SMALL, evidence, noise, half), rtol=1e-10)


def test_no_evidence_leaves_the_prior():
    tables = weighed(model_of(SMALL, 2), np.zeros((2, 4, 3)))
    np.testing.assert_allclose(tables.chance, by_hand(SMALL, np.zeros((2, 4, 3))), rtol=1e-12)
    np.testing.assert_allclose(tables.chance.sum(axis=(1, 2)), 1.0)


def test_channels_learn_from_each_other():
    """Two noisy channels make a third that said nothing look noisier."""
    evidence = np.zeros((3, 2, 2, 3))
    evidence[:2, :, 1] = 5.0
    chance = weighed(model_of(SMALL, 3), evidence).chance.reshape(3, 2, 2, 3)
    alone = weighed(model_of(SMALL, 1), np.zeros((1, 4, 3))).chance.reshape(2, 2, 3)
    assert chance[2, :, 1].sum() > alone[:, 1].sum() + 0.05


def test_runs_do_not_see_each_other():
    evidence = np.random.default_rng(2).normal(0, 3, (2, 3, 4, 3))
    model = model_of(SMALL, 3)
    together = weighed(model, evidence, runs=2).chance
    for run in range(2):
        alone = weighed(model, evidence[run]).chance
        np.testing.assert_allclose(together[3 * run : 3 * run + 3], alone, rtol=1e-12)


def test_only_differences_of_evidence_count():
    evidence = np.random.default_rng(3).normal(0, 3, (2, 4, 3))
    model = model_of(SMALL, 2)
    raised = evidence + np.array([800.0, -5000.0])[:, None, None]
    np.testing.assert_allclose(
        weighed(model, raised).chance, weighed(model, evidence).chance, rtol=1e-9
    )


def test_sums_for_the_next_week():
    rng = np.random.default_rng(4)
    model = model_of(SMALL, 2)
    state = start(model, np.zeros((1, 2)), np.ones((1, 2)))
    tables = state.tables
    tables.evidence[:] = rng.normal(0, 2, tables.evidence.shape)
    tables.mean[:] = rng.normal(0, 1, tables.mean.shape)
    tables.variance[:] = rng.uniform(0.1, 1, tables.variance.shape)
    weigh(tables, model, 1)
    chance = tables.chance
    np.testing.assert_allclose(tables.cell_chance, chance.sum(axis=1))
    middle = (chance * tables.mean).sum(axis=1) / chance.sum(axis=1)
    np.testing.assert_allclose(tables.cell_mean, middle, rtol=1e-12)
    away = np.square(tables.mean - middle[:, None]) + tables.variance[..., None]
    np.testing.assert_allclose(tables.within, (chance * away).sum(axis=(1, 2)), rtol=1e-10)
