"""From history and plan to belief: sizes, refusals, and whatever may be in a history."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from budgetopt.belief import Restart, Settings
from budgetopt.belief.belief import learn
from budgetopt.errors import HistoryError, InputError

from .helpers import Past, Plan, names, simulated

QUICK = Settings(points=5, noise=(0.1, 0.3), drift=(0.01, 0.05))


@pytest.mark.parametrize(
    ("spend", "outcome"),
    [
        (np.zeros((5, 2)), np.ones((5, 2))),
        (np.full((5, 2), np.nan), np.ones((5, 2))),
        (np.ones((5, 2)), np.full((5, 2), np.nan)),
        (np.ones((0, 2)), np.ones((0, 2))),
    ],
    ids=["no spend", "no report", "no outcome", "no week"],
)
def test_nothing_to_learn_from(spend, outcome):
    with pytest.raises(HistoryError, match="'c0', 'c1'") as caught:
        learn(Past(names(2), spend, outcome), Plan(names(2), 10.0))
    assert caught.value.code == "no-data"


def test_all_outcomes_zero_need_a_unit():
    nothing = Past(names(2), np.full((30, 2), 50.0), np.zeros((30, 2)))
    with pytest.raises(HistoryError, match="outcome above zero") as caught:
        learn(nothing, Plan(names(2), 100.0))
    assert caught.value.code == "no-data"
    assert np.all(learn(nothing, Plan(names(2), 100.0, 1.0), settings=QUICK).mean().value(50) > 0)


def test_a_paused_week_is_learned_at_the_usual_money_of_its_history():
    past = Past(("a",), np.full((4, 1), 50.0), np.full((4, 1), 9.0))
    assert learn(past, Plan(("a",), 0.0), settings=QUICK).reference == 50.0
    with pytest.raises(InputError):
        learn(Past(("a",), np.zeros((4, 1)), np.zeros((4, 1))), Plan(("a",), 0.0))


@pytest.mark.parametrize("weekly", [-1.0, np.nan, np.inf])
def test_plan_without_money(weekly):
    with pytest.raises(InputError) as caught:
        learn(Past(("a",), np.ones((1, 1)), np.ones((1, 1))), Plan(("a",), weekly))
    assert caught.value.code == "bad-argument"


def test_plan_without_channels():
    with pytest.raises(InputError, match="0 channels"):
        learn(Past((), np.ones((1, 0)), np.ones((1, 0))), Plan((), 1.0))


def test_partial_weeks_are_left_out_and_said():
    plan, past, _ = simulated(np.random.default_rng(8), weeks=20)
    whole = replace(past, partial=np.arange(20) == 19)
    belief = learn(whole, plan, settings=QUICK)
    assert "1 week left out: not over yet" in belief.notes
    over = learn(past.rows(slice(19)), plan, settings=QUICK)
    # The history is another one, what is learned is not.
    assert belief.log.fingerprint == whole.fingerprint != over.log.fingerprint
    assert replace(belief, log=over.log, notes=over.notes) == over


@pytest.mark.parametrize(
    ("weeks", "channels"),
    [
        (1, 1),
        (1, 100),
        (2000, 1),
        pytest.param(10_000, 1, marks=pytest.mark.slow),
        pytest.param(3, 1000, marks=pytest.mark.slow),
        pytest.param(104, 1000, marks=pytest.mark.slow),
    ],
)
def test_sizes(weeks, channels):
    plan, past, curve = simulated(np.random.default_rng(9), weeks=weeks, channels=channels)
    belief = learn(past, plan, settings=Settings.fast() if weeks > 1000 or channels > 100 else None)
    weights = belief.mean().weights
    assert weights.shape == (channels, belief.grid.size)
    assert np.isfinite(weights).all()
    if weeks >= 100:
        ratio = belief.response(1000.0).mean / curve(np.full(channels, 1000.0))
        assert np.all((ratio > 0.5) & (ratio < 2))


@pytest.mark.parametrize("factor", [1e-30, 1e30])
@pytest.mark.parametrize("what", ["spend", "outcome"])
@pytest.mark.parametrize("unit", [None, 1.0])
def test_one_absurd_week_is_survived(what, factor, unit):
    """Thirty orders of magnitude off: an outlier, which moves no channel by more than a third."""
    plan, past, _ = simulated(np.random.default_rng(10), weeks=30, noise=0.1)
    values = getattr(past, what).copy()
    values[20, 1] *= factor
    plan = replace(plan, outcome_unit=unit)
    before = learn(past, plan, settings=QUICK).response(1000.0).mean
    belief = learn(replace(past, **{what: values}), plan, settings=QUICK)
    after = belief.response(1000.0).mean
    assert np.isfinite(after).all()
    np.testing.assert_allclose(after[[0, 2]], before[[0, 2]], rtol=0.1)
    if what == "outcome":
        np.testing.assert_allclose(after[1], before[1], rtol=0.33)
        assert belief.walked.outliers[20, 1] > 0.99


@given(
    seed=st.integers(0, 2**32 - 1),
    weeks=st.integers(1, 12),
    scale=st.floats(-6, 6),
    unit=st.sampled_from([None, 1.0, 50.0]),
    carried=st.booleans(),
)
@settings(max_examples=40)
def test_mean_curve_is_a_curve(seed, weeks, scale, unit, carried):
    """Nondecreasing, zero at zero and finite, whatever the history; concave without S-shapes."""
    rng = np.random.default_rng(seed)
    spend = 10.0**scale * rng.lognormal(0, 2, (weeks, 3)) * (rng.random((weeks, 3)) < 0.7)
    outcome = rng.lognormal(0, 3, (weeks, 3)) * (rng.random((weeks, 3)) < 0.7)
    gone = rng.random((weeks, 3)) < 0.1
    spend[gone], outcome[rng.random((weeks, 3)) < 0.1] = np.nan, np.nan
    spend[0], outcome[0] = 10.0**scale, 1.0
    chosen = replace(QUICK, carryover=(0.0, 0.5) if carried else (0.0,))
    if seed % 2:
        chosen = replace(chosen, steep_shapes=())
    belief = learn(
        Past(names(3), spend, outcome), Plan(names(3), 3 * 10.0**scale, unit), settings=chosen
    )
    curve = belief.mean()
    x = 10.0**scale * np.geomspace(1e-4, 1e4, 40)[:, None] * np.ones(3)
    value, slope = curve.value(x), curve.slope(x)
    assert np.all(curve.value(np.zeros(3)) == 0.0)
    assert np.isfinite(value).all()
    assert np.isfinite(slope).all()
    assert np.all(np.diff(value, axis=0) >= 0)
    if seed % 2:
        assert curve.concave
        assert np.all(np.diff(slope, axis=0) <= 0)
    assert np.all((belief.data_share >= 0) & (belief.data_share <= 1))
    ranks = belief.walked.ranks[np.isfinite(belief.walked.ranks)]
    assert np.all((ranks >= 0) & (ranks <= 1))
    held = belief.response(10.0**scale)
    assert np.all((held.low > 0) & (held.low <= held.high))


@given(st.integers(0, 2**32 - 1), st.floats(-1, 1))
@settings(max_examples=25)
def test_a_better_last_week_is_never_read_as_worse(seed, change):
    """Of one channel alone, without outliers: more outcome, more response."""
    rng = np.random.default_rng(seed)
    spend, outcome = 100 * rng.lognormal(0, 0.5, (8, 1)), 300 * rng.lognormal(0, 0.3, (8, 1))
    better = outcome.copy()
    better[7] *= np.exp(abs(change))
    chosen = replace(QUICK, outlier_chance=0.0, jump_chance=0.0, noise=(0.3,), steep_shapes=())
    at = float(spend[7, 0])
    low, high = (
        learn(Past(("a",), spend, y), Plan(("a",), 100.0, 1e-3), settings=chosen).response(at).mean
        for y in (outcome, better)
    )
    assert high >= low * (1 - 1e-3)


def test_names_of_any_kind():
    odd = ("a b", "a_b", "抖音/新客", "🎯", "=x", "n" * 300)
    past = Past(odd, np.ones((3, 6)), np.ones((3, 6)))
    assert learn(past, Plan(odd, 6.0), settings=QUICK).channels == odd


def test_carryovers_are_looked_for_only_where_asked():
    rng = np.random.default_rng(4)
    spend = np.where(rng.random((60, 3)) < 0.5, 0.0, rng.uniform(200, 1500, (60, 3)))
    held = spend.copy()
    for week in range(1, 60):
        held[week] += 0.7 * held[week - 1]
    past = Past(names(3), spend, np.round(9 * np.sqrt(held) * rng.lognormal(0, 0.05, (60, 3))))
    plan = Plan(names(3), 2000.0)
    asked, quick = (learn(past, plan, carryovers=each) for each in (True, False))
    assert quick == asked
    for mine, theirs in zip(quick.walked.state.tables, asked.walked.state.tables, strict=True):
        np.testing.assert_array_equal(mine, theirs)
    assert set(quick.notes) < set(asked.notes)
    # Who asks later is told, though nothing was kept of it.
    assert learn(past, plan, earlier=quick).notes == asked.notes
    kept = Restart.from_bytes(Restart.to_bytes(quick))
    assert learn(past, plan, earlier=kept).notes == asked.notes
    assert learn(past, plan, earlier=asked, carryovers=False).notes == quick.notes
