"""What a simulation answers: intervals, chances, tails, differences, tables."""

import json
from functools import partial

import numpy as np
import pytest
from scipy import stats

from budgetopt.errors import BudgetoptError
from budgetopt.market import Competitor, Noise
from budgetopt.simulation import MEASURES, Schedule, simulate
from budgetopt.simulation import statistics as st

from .helpers import NAMES, START, market, plan

ask = partial(simulate, plan(value=40), market(), weeks=4, last=START)
FOUND = ask(["posterior-mean", "equal"], runs=120, seed=2, regret=True)


def test_sums_and_ratios_are_those_of_the_books():
    record = FOUND.record("equal")
    np.testing.assert_array_equal(FOUND.by_run("outcome", "equal"), record.outcome.sum(axis=1))
    np.testing.assert_allclose(record.value, 40 * record.outcome)
    profit = FOUND.by_run("profit", "equal")
    np.testing.assert_allclose(profit, 40 * record.outcome.sum(1) - record.spend.sum(1))
    ratio = 40 * record.outcome.sum() / record.spend.sum()
    assert FOUND.mean("roas", "equal").mean == pytest.approx(ratio)
    assert FOUND.mean("cpa", "equal").mean == pytest.approx(40 / ratio)
    np.testing.assert_allclose(record.channel_spend.sum(1), record.spend.sum(1))
    np.testing.assert_allclose(record.week_outcome.sum(1), record.outcome.sum(0))


def test_the_interval_of_a_mean_is_students():
    values = FOUND.by_run("outcome")
    low, high = stats.ttest_1samp(values, 0).confidence_interval(0.95)
    found = FOUND.mean("outcome")
    assert found.mean == pytest.approx(values.mean())
    assert (found.low, found.high) == pytest.approx((low, high))


def test_the_paired_interval_is_that_of_the_differences():
    one, other = (FOUND.by_run("outcome", name) for name in FOUND.policies)
    low, high = stats.ttest_rel(one, other).confidence_interval(0.95)
    found = FOUND.difference("posterior-mean", "equal")
    assert (found.low, found.high) == pytest.approx((low, high))
    assert found.share_better == np.mean(one > other)
    back = FOUND.difference("equal", "posterior-mean")
    assert back.mean == -found.mean


def test_paired_intervals_are_at_most_half_as_wide():
    for measure in ("outcome", "expected", "profit", "roas"):
        found = FOUND.difference("posterior-mean", "equal", measure=measure)
        assert found.half <= 0.5 * found.unpaired_half
    calm = ask("hold", runs=120, seed=2)
    hit = ask("hold", runs=120, seed=2, scenarios=Competitor(size=0.3))
    between = hit.difference(world=calm)
    assert between.high < 0
    assert between.half <= 0.5 * between.unpaired_half


def test_intervals_hold_the_truth_as_often_as_they_say():
    # A fixed plan in a known market: the true mean is the sum of the curves.
    rng = np.random.default_rng(5)
    covered, ratios = 0, 0
    for _ in range(600):
        above, below = rng.lognormal(0, 0.4, 60), rng.gamma(9.0, 1.0, 60)
        one = st.interval(st.sample(above))
        covered += one.low <= np.exp(0.08) <= one.high
        two = st.interval(st.sample(above * below, below))
        ratios += two.low <= np.exp(0.08) <= two.high
    assert 0.92 <= covered / 600 <= 0.98
    assert 0.91 <= ratios / 600 <= 0.98


@pytest.mark.slow
def test_intervals_of_simulations_cover_the_mean_over_seeds():
    world = market(curves=market().curves, noise=Noise.lognormal(0.3))
    fixed = Schedule([900.0, 900.0, 800.0, 900.0])
    many = simulate(plan(), world, fixed, weeks=3, runs=60_000, seed=99).mean()
    covered = sum(
        found.low <= many.mean <= found.high
        for seed in range(300)
        for found in (simulate(plan(), world, fixed, weeks=3, runs=100, seed=seed).mean(),)
    )
    assert 0.9 <= covered / 300 <= 0.985


def test_a_clairvoyant_is_not_beaten_beyond_noise():
    for policy in FOUND.policies:
        regret = FOUND.mean("regret", policy)
        assert regret.low > 0
        assert np.mean(FOUND.by_run("regret", policy) >= 0) > 0.9


def test_chances_are_shares_of_the_runs_with_wilsons_interval():
    values = FOUND.by_run("outcome", "equal")
    target = float(np.median(values))
    found = FOUND.chance("outcome", "equal", at_least=target)
    count = int(np.sum(values >= target))
    expected = stats.binomtest(count, 120).proportion_ci(0.95, method="wilson")
    assert found.mean == count / 120
    assert (found.low, found.high) == pytest.approx((expected.low, expected.high))
    loss = FOUND.chance_of_loss("equal").mean
    assert loss == np.mean(FOUND.by_run("profit", "equal") < 0)
    assert FOUND.chance_of_overspend("equal").mean == 0.0


def test_cvar_by_hand():
    assert st.tail_mean(np.array([4.0, 1.0, 3.0, 2.0]), 0.5, low=True) == 1.5
    # Three eighths of four values: one whole and half of the next.
    assert st.tail_mean(np.array([4.0, 1.0, 3.0, 2.0]), 0.375, low=True) == pytest.approx(2 / 1.5)
    assert st.tail_mean(np.array([4.0, 1.0, 3.0, 2.0]), 0.25, low=False) == 4.0
    assert FOUND.cvar("outcome", share=1.0) == pytest.approx(FOUND.mean().mean)
    assert FOUND.cvar("outcome") < FOUND.quantiles("outcome", chances=[0.05])[0]
    assert FOUND.cvar("cpa") > FOUND.quantiles("cpa", chances=[0.95])[0]


def test_runs_needed_are_those_that_make_the_interval_so_narrow():
    half = FOUND.mean("outcome").half
    assert FOUND.runs_needed(half) == pytest.approx(120, rel=0.05)
    assert FOUND.runs_needed(half / 2) == pytest.approx(480, rel=0.05)
    paired = FOUND.runs_needed(half, less="equal")
    assert paired < 0.25 * FOUND.runs_needed(half)


def test_bands_by_week_widen_with_the_chance():
    bands = FOUND.quantiles("outcome", weekly=True)
    assert bands.shape == (5, 4)
    assert np.all(np.diff(bands, axis=0) >= 0)


def test_tables_have_a_row_for_each_policy_and_thing():
    runs, weeks, channels = (FOUND.to_frame(by) for by in ("run", "week", "channel"))
    assert (len(runs), len(weeks), len(channels)) == (240, 8, 8)
    assert set(MEASURES) <= set(runs.columns)
    equal = runs[runs["policy"] == "equal"]
    np.testing.assert_array_equal(equal["outcome"], FOUND.by_run("outcome", "equal"))
    assert list(channels["channel"][:4]) == list(NAMES)
    total = weeks[weeks["policy"] == "equal"]["outcome"].sum()
    assert total == pytest.approx(FOUND.mean("outcome", "equal").mean)


def test_parquet_comes_back_as_it_was(tmp_path):
    pd = pytest.importorskip("pandas")
    pytest.importorskip("pyarrow")
    FOUND.to_parquet(tmp_path / "runs.parquet")
    pd.testing.assert_frame_equal(pd.read_parquet(tmp_path / "runs.parquet"), FOUND.to_frame())


def test_json_and_words_say_the_same_figures():
    plain = json.loads(FOUND.to_json())
    assert plain["runs"] == 120
    assert plain["policies"]["equal"]["outcome"]["mean"] == FOUND.mean("outcome", "equal").mean
    said = FOUND.summary()
    assert "120 runs of 4 weeks" in said
    assert "equal returns" in said
    assert "short of a clairvoyant" in said


def test_one_run_has_no_interval_and_still_a_summary():
    one = ask("hold", runs=1)
    assert one.mean().half == np.inf
    assert json.loads(one.to_json())["policies"]["hold"]["outcome"]["low"] is None
    assert "1 run of 4 weeks" in one.summary()


@pytest.mark.parametrize(
    ("question", "code"),
    [
        (lambda: FOUND.mean("outcom"), "unknown-name"),
        (lambda: FOUND.mean("outcome", "equl"), "unknown-name"),
        (lambda: FOUND.mean(level=1.0), "bad-argument"),
        (lambda: FOUND.chance("outcome"), "bad-argument"),
        (lambda: FOUND.cvar(share=0.0), "bad-argument"),
        (lambda: FOUND.quantiles(chances=[1.5]), "bad-argument"),
        (lambda: FOUND.difference("equal"), "bad-argument"),
        (lambda: FOUND.difference("equal", world=ask("equal", runs=2)), "bad-argument"),
        (lambda: FOUND.to_frame("month"), "unknown-name"),
        (lambda: FOUND.runs_needed(0.0), "bad-argument"),
        (lambda: ask("hold", runs=2).mean("regret"), "bad-argument"),
        (lambda: ask("hold", runs=1).runs_needed(1.0), "bad-argument"),
    ],
)
def test_bad_questions_are_refused_with_a_code(question, code):
    with pytest.raises(BudgetoptError) as caught:
        question()
    assert caught.value.code == code
