"""The belief itself: draws, bands, plain form, settings, and the mixture it hands on."""

from __future__ import annotations

import json
from dataclasses import FrozenInstanceError, fields, replace

import numpy as np
import pytest
from scipy.stats import kstest, norm

from budgetopt.belief import Belief, Settings, learn
from budgetopt.errors import InputError

from .helpers import Past, Plan, simulated

PLAN, PAST, _ = simulated(np.random.default_rng(1), weeks=6, channels=3)
OWN = learn(PAST, Plan((*PLAN.names, "new"), 4000.0))
TOTAL = learn(
    Past(PAST.channels, PAST.spend, None, 5e3 + PAST.outcome.sum(axis=1)),
    Plan((*PLAN.names, "new"), 4000.0),
)
BOTH = pytest.mark.parametrize("belief", [OWN, TOTAL], ids=["channel", "total"])


@BOTH
def test_mean_of_draws_is_the_mean(belief):
    drawn = belief.draw(np.random.default_rng(2), 40_000)
    for x in (200.0, 1000.0, 4000.0):
        value = drawn.value(np.full(4, x))
        error = value.std(axis=0) / np.sqrt(len(value))
        # Four standard errors; the tails are those of log-normals with sd about 1.
        assert np.all(np.abs(value.mean(axis=0) - belief.mean().value(np.full(4, x))) < 4 * error)


@BOTH
def test_every_draw_is_one_coherent_curve(belief):
    weights = belief.draw(np.random.default_rng(3), 50).weights
    assert weights.shape == (50, 4, belief.grid.size)
    assert np.all((weights > 0).sum(axis=-1) == 1)


@BOTH
def test_draws_have_the_distribution_of_the_bands(belief):
    x = belief.grid.reference * np.array([0.5, 1.0, 2.0, 3.0])
    drawn = belief.draw(np.random.default_rng(4), 4000)
    for values, held in (
        (drawn.value(x), belief.response(x)),
        (drawn.slope(x), belief.marginal(x)),
    ):
        inside = np.mean((values >= held.low) & (values <= held.high), axis=0)
        # 0.9 ± 4 binomial standard deviations of 4,000 draws.
        assert np.all(np.abs(inside - 0.9) < 0.02)


def test_amplitudes_within_a_cell_are_log_normal():
    belief = learn(PAST, PLAN, settings=Settings(noise=(0.3,), points=3, hill_shapes=(1.0,)))
    weights = belief.draw(np.random.default_rng(5), 6000).weights[:, 0]
    cell = int(np.argmax(belief.chance[0, :, 0]))
    picked = np.log(weights[weights[:, cell] > 0, cell])
    law = norm(belief.log_mean[0, cell, 0], np.sqrt(belief.log_variance[0, cell, 0]))
    assert kstest(picked, law.cdf).pvalue > 1e-3


def test_same_seed_same_draw():
    one, two = (OWN.draw(np.random.default_rng(6), 3) for _ in range(2))
    assert one == two
    assert one != OWN.draw(np.random.default_rng(7), 3)


@pytest.mark.parametrize("draws", [0, -1, 1.5, True])
def test_wrong_number_of_draws(draws):
    with pytest.raises(InputError, match="draws"):
        OWN.draw(np.random.default_rng(0), draws)


@BOTH
def test_plain_form_is_exact(belief):
    back = Belief.from_dict(json.loads(json.dumps(belief.to_dict(), allow_nan=False)))
    assert back == belief
    assert hash(back) == hash(belief)
    assert back != replace(belief, notes=("other",))


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"schema": 2}, "schema"),
        ({"extra": 1}, "fields"),
        ({"chance": [[["x"]]]}, "fields"),
        ({"chance": [[[1.0]]]}, "chance"),
        ({"source": "guess"}, "source"),
        ({"grid": {"points": 3}}, "fields"),
        ({"data_share": [None] * 4}, "data_share"),
    ],
)
def test_wrong_plain_form(change, field):
    with pytest.raises(InputError) as caught:
        Belief.from_dict(OWN.to_dict() | change)
    assert caught.value.field == field


def test_belief_cannot_be_changed():
    with pytest.raises(FrozenInstanceError):
        OWN.channels = ()
    with pytest.raises(ValueError, match="read-only"):
        OWN.chance[0] = 0


def test_summary_agrees_with_the_bands():
    rows = OWN.summary()
    assert [row.channel for row in rows] == list(OWN.channels)
    row, at = rows[0], OWN.usual_spend[0]
    assert row.spend_low == PAST.spend[:, 0].min()
    assert row.at_usual.spend == at == pytest.approx(PAST.spend[:, 0].mean())
    mean = OWN.mean()
    x = np.full(4, at)
    assert row.at_usual.response.mean == pytest.approx(mean.value(x)[0], rel=1e-12)
    assert row.at_usual.roas.mean == pytest.approx(mean.value(x)[0] / at, rel=1e-12)
    assert row.at_usual.mroas.mean == pytest.approx(mean.slope(x)[0], rel=1e-12)
    assert row.at_reference.spend == OWN.reference == 1000.0
    assert row.at_reference.response.low < row.at_reference.response.high


@pytest.mark.parametrize("spend", [0.0, -1.0, np.nan, [1.0, 0.0, 1.0, 1.0]])
def test_bands_need_money(spend):
    with pytest.raises(InputError, match="above 0"):
        OWN.marginal(spend)


@pytest.mark.parametrize("lead", [(), (3,)])
def test_mixture_of_two_families(lead):
    """Value, slope, its inverse and a column agree for one week and for runs."""
    curve = OWN.mean() if not lead else OWN.draw(np.random.default_rng(8), 3)
    x = np.geomspace(50, 5000, 4) * np.ones((*lead, 4))
    slope = curve.slope(x)
    np.testing.assert_allclose(curve.spend_at_slope(slope), x, rtol=1e-9)
    step = 1e-5 * x
    np.testing.assert_allclose(
        (curve.value(x + step) - curve.value(x - step)) / 2 / step, slope, 1e-5
    )
    decay = -2 * step / np.log(curve.slope(x + step) / curve.slope(x - step))
    np.testing.assert_allclose(curve.slope_decay(x), decay, 1e-4)
    one = curve.take([2, 0])
    np.testing.assert_array_equal(one.value(x[..., [2, 0]]), curve.value(x)[..., [2, 0]])
    assert np.all(curve.spend_at_slope(np.full(4, 1e12)) < 1e-6)


def test_grid_brings_one_at_the_reference_and_half_at_its_point():
    grid = OWN.grid
    np.testing.assert_allclose(grid.cells.value(np.full(grid.size, 1000.0)), 1.0, rtol=1e-13)
    half = grid.reference * np.exp(grid.log_half)
    top = grid.cells.value(np.full(grid.size, 1e300))
    np.testing.assert_allclose(grid.cells.value(half), top / 2, rtol=1e-12)


NEAR = {
    "points": ((3, 200), (2, 201, 3.5, True, "3")),
    "span": ((2, 1e4), (1.9, 10_001, np.nan)),
    "hill_shapes": (((0.1,), (1.0, 0.5)), ((), (0.09,), (1.1,), (1.0, 1.0), 1.0)),
    "saturation": ((1e-3, 1e3), (0, 1001)),
    "saturation_sd": ((0.05, 5), (0.04, 5.1)),
    "centre_sd": ((0, 5), (-0.1, 5.1)),
    "amplitude_sd": ((0.05, 5), (0.04, 5.1)),
    "noise": (((0.001,), (0.1, 5.0)), ((), (0.0,), (5.1,))),
    "usual_noise": ((0.001, 5), (0, 5.1)),
    "total_points": ((3, 200), (2, 201)),
    "effect_share": ((0.01, 2), (0, 2.1)),
    "doubt": ((0, 2), (-0.1, 2.1)),
    "carryover": (((0.0,), (0.95,)), ((-0.1,), (0.96,), ())),
    "sweeps": ((1, 50), (0, 51)),
}


def test_every_setting_is_checked():
    assert set(NEAR) == {f.name for f in fields(Settings)}


@pytest.mark.parametrize(("name", "value"), [(n, v) for n, (good, _) in NEAR.items() for v in good])
def test_settings_just_inside(name, value):
    assert getattr(Settings(**{name: value}), name) == value


@pytest.mark.parametrize(("name", "value"), [(n, v) for n, (_, bad) in NEAR.items() for v in bad])
def test_settings_just_outside(name, value):
    with pytest.raises(InputError, match=name) as caught:
        Settings(**{name: value})
    assert caught.value.field == name


def test_names_of_any_kind():
    odd = ("a b", "a_b", "抖音/新客", "🎯", "=x", "n" * 300)
    past = Past(odd, np.ones((3, 6)), np.ones((3, 6)))
    assert learn(past, Plan(odd, 6.0)).channels == odd
