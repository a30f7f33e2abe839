"""Carryover: kernels against published formulas and plain loops, and what one week is worth."""

import json
import pickle
from decimal import Decimal
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from budgetopt.curves import Carryover, Hill, effective_spend, kernels
from budgetopt.curves.carryover import FIRST_WEEKS, MOST_WEEKS, REMAINDER
from budgetopt.errors import CurveError, InputError

ROBYN = Path(__file__).parents[3] / "shared" / "data" / "robyn_models_2022"
KERNELS = [
    Carryover("geometric", share=0.6),
    Carryover("geometric", share=0.6, length=4),
    Carryover("geometric", share=0),
    Carryover("delayed", share=0.4, delay=2, length=8),
    Carryover("delayed", share=0.7, delay=1.5, length=13),
    Carryover("weibull-pdf", shape=2.2, scale=3, length=10),
    Carryover("weibull-pdf", shape=0.5, scale=3, length=10),
    Carryover("weibull-cdf", shape=0.5, scale=2, length=10),
    Carryover("weibull-cdf", shape=2, scale=4, length=10),
]
anything = st.sampled_from(KERNELS)


def by_loop(spend, weights, before):
    """Return effective spends week by week and lag by lag, as written in the papers."""
    path = np.concatenate([before, spend])
    found = np.zeros_like(spend)
    for week in range(len(spend)):
        for lag, weight in enumerate(weights):
            earlier = len(before) + week - lag
            if earlier >= 0:
                found[week] += weight * path[earlier]
    return found


# Kernels


def test_kernels_by_hand():
    assert Carryover("geometric", share=0.5, length=3).weights == pytest.approx(
        [4 / 7, 2 / 7, 1 / 7]
    )
    delayed = Carryover("delayed", share=0.5, delay=1, length=3).weights
    assert delayed == pytest.approx([0.25, 0.5, 0.25])
    survived = np.exp([0, -0.5, -0.5 - 1])
    cdf = Carryover("weibull-cdf", shape=1, scale=2, length=3).weights
    assert cdf == pytest.approx(survived / survived.sum())
    # Exponential density at 1, 2, 3 less its least.
    over = np.exp([-0.5, -1, -1.5]) - np.exp(-1.5)
    pdf = Carryover("weibull-pdf", shape=1, scale=2, length=3).weights
    assert pdf == pytest.approx(over / over.sum())


def test_kernels_follow_the_formulas_of_pymc_marketing_and_robyn():
    lag = np.arange(12)
    raw = 0.7 ** (lag - 3.0) ** 2
    assert Carryover("delayed", share=0.7, delay=3, length=12).weights == pytest.approx(
        raw / raw.sum(), rel=1e-12
    )
    for shape, scale in [(0.3, 2), (1, 1), (2, 5), (9, 6)]:
        law = stats.weibull_min(shape, scale=scale)
        density = law.pdf(lag + 1)
        pdf = (density - density.min()) / (density.max() - density.min())
        left = np.cumprod(np.concatenate([[1], law.sf(lag[1:])]))
        for kind, raw in (("weibull-pdf", pdf), ("weibull-cdf", left)):
            made = Carryover(kind, shape=shape, scale=scale, length=12).weights
            assert made == pytest.approx(raw / raw.sum(), rel=1e-9, abs=1e-12)


@given(anything)
def test_every_kernel_sums_to_one_and_is_never_negative(carryover):
    assert carryover.weights.sum() == pytest.approx(1, abs=1e-12)
    assert carryover.weights.min() >= 0
    assert carryover.weights.shape == (carryover.lags,)
    with pytest.raises(ValueError, match="read-only"):
        carryover.weights[0] = 1


@given(
    st.floats(1e-4, 20),
    st.floats(0.01, 1000),
    st.integers(1, MOST_WEEKS),
    st.sampled_from(["weibull-pdf", "weibull-cdf"]),
)
def test_no_weibull_in_range_overflows(shape, scale, length, kind):
    weights = Carryover(kind, shape=shape, scale=scale, length=length).weights
    assert np.isfinite(weights).all()
    assert weights.sum() == pytest.approx(1, abs=1e-12)


def test_a_geometric_kernel_without_a_length_leaves_out_a_millionth():
    for share in (0.013, 0.3, 0.8, 0.97):
        carryover = Carryover("geometric", share=share)
        assert share**carryover.lags <= REMAINDER < share ** (carryover.lags - 1)
        # The recursion z = (1 - share) x + share z never ends.
        spend = np.random.default_rng(1).uniform(0, 100, (2 * carryover.lags, 3))
        last = np.zeros(3)
        for week, spends in enumerate(spend):
            last = (1 - share) * spends + share * last
            assert carryover.effective(spend[: week + 1])[-1] == pytest.approx(
                last, abs=100 * 2 * REMAINDER
            )
    assert Carryover("geometric", share=0).lags == 1


# Paths


@given(anything, st.integers(0, 20), st.integers(0, 20), st.integers(0, 2), st.integers(0, 99))
def test_effective_spend_is_the_sum_over_lags(carryover, weeks, earlier, axes, seed):
    rng = np.random.default_rng(seed)
    shape = (3, 2)[:axes]
    spend, before = rng.uniform(0, 9, (weeks, *shape)), rng.uniform(0, 9, (earlier, *shape))
    expected = by_loop(spend, carryover.weights, before)
    assert carryover.effective(spend, before) == pytest.approx(expected, rel=1e-12, abs=1e-12)
    assert carryover.effective(spend, before).shape == spend.shape
    nothing = by_loop(spend, carryover.weights, before[:0])
    assert carryover.effective(spend) == pytest.approx(nothing, rel=1e-12, abs=1e-12)


@given(anything, st.integers(1, 30), st.integers(0, 30))
def test_a_steady_path_is_its_own_effective_spend(carryover, weeks, earlier):
    spend = np.broadcast_to([[5.0, 0.0, 7e6]], (weeks, 3))
    assert carryover.effective(spend, steady=True) == pytest.approx(spend, rel=1e-12)
    before = np.broadcast_to(spend[:1], (earlier, 3))
    assert carryover.effective(spend, before, steady=True) == pytest.approx(spend, rel=1e-12)
    long = np.broadcast_to(spend[:1], (carryover.lags, 3))
    assert carryover.effective(spend, long) == pytest.approx(spend, rel=1e-12)


@given(anything, st.integers(0, 99))
def test_steady_before_is_the_mean_of_the_first_weeks(carryover, seed):
    spend = np.random.default_rng(seed).uniform(0, 9, (9, 2))
    for weeks in (9, 2):
        path = spend[:weeks]
        past = np.broadcast_to(path[:FIRST_WEEKS].mean(axis=0), (carryover.lags, 2))
        assert carryover.effective(path, steady=True) == pytest.approx(
            carryover.effective(path, past), rel=1e-12
        )
        split = carryover.effective(path[1:], path[:1], steady=True)
        assert split == pytest.approx(carryover.effective(path, steady=True)[1:], rel=1e-12)


@given(anything, st.integers(1, 12), st.integers(0, 99))
def test_what_is_carried_in_adds_to_the_weeks_own(carryover, weeks, seed):
    rng = np.random.default_rng(seed)
    before, spend = rng.uniform(0, 9, (15, 4)), rng.uniform(0, 9, (weeks, 4))
    carried = carryover.carried_in(before, weeks)
    assert carried + carryover.effective(spend) == pytest.approx(
        carryover.effective(spend, before), rel=1e-12
    )
    everything = carryover.carried_in(before)
    assert everything.shape == (carryover.lags - 1, 4)
    # No money is lost: what a long enough path brought in all is what was spent.
    brought = carryover.effective(before).sum(axis=0) + everything.sum(axis=0)
    assert brought == pytest.approx(before.sum(axis=0), rel=1e-12)


def test_a_kernel_of_each_channel_is_each_channel_alone():
    rng = np.random.default_rng(4)
    own = [None, *KERNELS]
    weights = kernels(own)
    assert weights.shape == (max(k.lags for k in KERNELS), len(own))
    spend, before = rng.uniform(0, 9, (7, 5, len(own))), rng.uniform(0, 9, (6, 5, len(own)))
    for steady in (False, True):
        found = effective_spend(spend, weights, before, steady=steady)
        for at, carryover in enumerate(own):
            alone = (carryover or Carryover("geometric", share=0)).effective(
                spend[..., at], before[..., at], steady=steady
            )
            assert found[..., at] == pytest.approx(alone, rel=1e-12)
    assert kernels([]).shape == (1, 0)
    assert effective_spend(np.zeros((3, 0)), kernels([])).shape == (3, 0)


def test_an_unknown_week_is_unknown_wherever_it_reaches():
    spend = np.ones((6, 2))
    spend[2, 0] = np.nan
    found = Carryover("geometric", share=0.5, length=3).effective(spend)
    assert np.isnan(found[:, 0]).tolist() == [False, False, True, True, True, False]
    assert not np.isnan(found[:, 1]).any()


@pytest.mark.parametrize("before", [np.zeros((2, 3)), np.zeros(2), np.zeros((2, 2, 2)), 1.0])
def test_shapes_that_do_not_go_together(before):
    with pytest.raises(InputError) as caught:
        KERNELS[0].effective(np.zeros((4, 2)), before)
    assert (caught.value.code, caught.value.field) == ("bad-argument", "before")
    with pytest.raises(InputError, match="first axis"):
        KERNELS[0].effective(3.0)


# What one week is worth


@given(anything, st.floats(1, 300), st.sampled_from([0.7, 1.0, 2.5]))
def test_one_more_unit_in_a_steady_week_brings_the_slope_of_the_curve(carryover, money, shape):
    curve, step = Hill(1000, 100, shape), money * 1e-4
    path = np.full(3 * carryover.lags, money)

    def brought(extra):
        more = path.copy()
        more[carryover.lags] += extra
        return curve.value(carryover.effective(more, steady=False)[carryover.lags :]).sum()

    gained = (brought(step) - brought(-step)) / (2 * step)
    assert gained == pytest.approx(float(curve.slope(money)), rel=1e-5, abs=1e-9)


# Real models


def test_the_adstock_of_the_published_models_but_for_its_scale():
    if not ROBYN.exists():
        pytest.skip(f"{ROBYN} is not there: put the shared data folder beside the repository")
    weeks = pd.read_csv(ROBYN / "dt_simulated_weekly_2022.csv")
    fits = pd.read_csv(ROBYN / "pareto_hyperparameters.csv")
    channels = ["tv_S", "ooh_S", "print_S", "search_S", "facebook_S"]
    spend = weeks[channels].to_numpy(dtype=float)
    length = len(spend)
    theta = fits[[f"{name}_thetas" for name in channels]].to_numpy()
    carried = np.zeros((len(fits), *spend.shape))
    for week in range(length):
        last = carried[:, week - 1] if week else 0.0
        carried[:, week] = spend[week] + theta * last
    for model in range(0, len(fits), 9):
        own = [Carryover("geometric", share=t, length=length) for t in theta[model]]
        found = effective_spend(spend, kernels(own))
        scale = (1 - theta[model] ** length) / (1 - theta[model])
        assert found * scale == pytest.approx(carried[model], rel=1e-11, abs=1e-6)


# Records


@pytest.mark.parametrize("carryover", KERNELS)
def test_plain_data_there_and_back(carryover):
    data = json.loads(json.dumps(carryover.to_dict(), allow_nan=False))
    assert Carryover.of(data) == carryover
    assert hash(Carryover.of(data)) == hash(carryover)
    assert pickle.loads(pickle.dumps(carryover)) == carryover
    assert Carryover.of(carryover) is carryover
    assert Carryover.of(None) is None


def test_numbers_of_any_kind_serve():
    one = Carryover("delayed", share=Decimal("0.5"), delay=np.int32(1), length=np.float64(4))
    assert one == Carryover("delayed", share=0.5, delay=1, length=4)
    assert type(one.length) is int


GOOD = {"share": 0.5, "delay": 1, "shape": 1.5, "scale": 2, "length": 9}


@pytest.mark.parametrize(
    ("kind", "name", "inside", "outside"),
    [
        ("geometric", "share", [0, 1 - 1e-9], [-1e-9, 1, np.nan]),
        ("geometric", "length", [1, MOST_WEEKS, None], [0, MOST_WEEKS + 1, 2.5, np.nan]),
        ("delayed", "share", [1e-300, 1 - 1e-9], [0, 1, np.inf, None]),
        ("delayed", "delay", [0, 0.5, 8], [-1e-9, 8.5, None]),
        ("delayed", "length", [2, MOST_WEEKS], [0, None]),
        ("weibull-pdf", "shape", [1e-4, 20], [0, 21, None]),
        ("weibull-pdf", "scale", [0.01, 1000], [0, 1001, None]),
        ("weibull-cdf", "length", [1], [None, np.inf]),
    ],
)
def test_both_sides_of_every_boundary(kind, name, inside, outside):
    wanted = {
        "geometric": ("share", "length"),
        "delayed": ("share", "delay", "length"),
    }.get(kind, ("shape", "scale", "length"))
    good = {part: GOOD[part] for part in wanted}
    for value in inside:
        assert Carryover(kind, **good | {name: value}).weights.sum() == pytest.approx(1)
    for value in [*outside, True, "1", [1.0], "0.5"]:
        with pytest.raises(CurveError, match=name) as caught:
            Carryover(kind, **good | {name: value})
        assert (caught.value.code, caught.value.field) == ("bad-curve", name)
        assert caught.value.remedy


def test_a_share_that_works_for_decades_needs_a_length():
    with pytest.raises(CurveError, match="after ten years: give a length"):
        Carryover("geometric", share=0.99)
    assert Carryover("geometric", share=0.99, length=52).lags == 52


@pytest.mark.parametrize(
    ("given_", "field", "said"),
    [
        ("geometric", "carryover", "give its parts"),
        ({}, "carryover.kind", "None is not known"),
        ({"kind": "geometrc"}, "carryover.kind", "did you mean 'geometric'"),
        ({"kind": ["geometric"]}, "carryover.kind", "is not known"),
        ({"kind": "geometric", "shar": 1}, "carryover.shar", "did you mean 'share'"),
        ({"kind": "geometric", "share": 2}, "carryover.share", "below 1"),
        ({"kind": "weibull-pdf", "delay": 2}, "carryover.length", "is missing"),
        ({"kind": "geometric", "share": 0.1, "delay": 2}, "carryover.delay", "has no delay"),
    ],
)
def test_plain_data_that_is_refused(given_, field, said):
    with pytest.raises(CurveError, match=said) as caught:
        Carryover.of(given_)
    assert (caught.value.code, caught.value.field) == ("bad-curve", field)
