"""Runs over which chance is evenly spread: the same means, from far fewer of them."""

from functools import partial

import numpy as np
import pytest
from scipy import stats

from budgetopt.curves import Exponential, Log
from budgetopt.errors import InputError
from budgetopt.market import Drift, Market, Noise
from budgetopt.simulation import Schedule, simulate

from .helpers import NAMES, plan

CURVES = [Exponential(300, 800), Log(200, 600), Exponential(90, 400), Log(150, 1500)]
SPEND = np.array([900.0, 800.0, 700.0, 600.0])
EXPECTED = 12 * sum(float(f.value(x)) for f, x in zip(CURVES, SPEND, strict=True))
MARKET = Market(NAMES, CURVES, noise=Noise.lognormal(0.3))
ask = partial(simulate, plan(), MARKET, weeks=12, runs=256, balanced=True,
              policies=Schedule(SPEND))  # fmt: skip


def test_fixed_plans_have_means_of_a_fiftieth_of_the_variance():
    def means(balanced):
        return [ask(seed=seed, balanced=balanced).mean().mean for seed in range(40)]

    even, plain = means(True), means(False)
    assert np.var(plain) > 50 * np.var(even)
    half = 4 * np.std(even) / np.sqrt(40)
    assert np.mean(even) == pytest.approx(EXPECTED, abs=half)


@pytest.mark.slow
@pytest.mark.parametrize("noise", [Noise.lognormal(0.3), Noise.negative_binomial(0.1)])
def test_intervals_hold_the_truth_as_often_as_they_say(noise):
    market = Market(NAMES, CURVES, noise=noise)
    hit = 0
    for seed in range(200):
        found = simulate(
            plan(), market, Schedule(SPEND), weeks=12, runs=512, seed=seed, balanced=True
        )
        low, high = found.mean()[1:3]
        hit += low <= EXPECTED <= high
    # 190 of 200 are to be expected, give or take three standard deviations.
    assert 180 <= hit <= 199


def test_no_number_depends_on_chunks_or_on_more_runs():
    whole = ask(runs=4200).record()
    np.testing.assert_array_equal(whole.outcome, ask(runs=4200, chunk=2048).record().outcome)
    np.testing.assert_array_equal(whole.outcome[:300], ask(runs=300).record().outcome)


def test_the_interval_is_that_of_the_means_of_whole_blocks():
    found = ask(runs=300)
    each = found.by_run()
    assert found.mean().mean == pytest.approx(each.mean())
    blocks = (each[:256] - each.mean()).reshape(4, 64).mean(axis=1)
    half = stats.t.ppf(0.975, 3) * np.sqrt(np.square(blocks).sum() / 3) / 2
    assert found.mean().half == pytest.approx(half)
    assert ask(runs=64).mean().half == np.inf


def test_runs_that_are_needed_are_whole_blocks_and_fewer():
    even, plain = ask(runs=1024), ask(runs=1024, balanced=False)
    half = plain.mean().half / 4
    assert even.runs_needed(half) % 64 == 0
    assert even.runs_needed(half) < plain.runs_needed(half) / 5


def test_what_adds_up_by_multiplying_gains_too():
    market = Market(NAMES, CURVES, noise=Noise.both(0.2), drift=Drift(0.03))
    both = [
        [
            simulate(plan(), market, Schedule(SPEND), weeks=12, runs=128, seed=s, balanced=even)
            .mean().mean for s in range(30)
        ]
        for even in (True, False)
    ]  # fmt: skip
    assert np.var(both[1]) > 10 * np.var(both[0])


def test_policies_and_scenarios_meet_it_too():
    found = ask(policies=["equal", "optimistic"], runs=64, weeks=3)
    assert found.difference("optimistic(1)", "equal").mean != 0


def test_evenly_spread_runs_are_not_paired_with_others():
    with pytest.raises(InputError, match="balance") as caught:
        ask().difference(world=ask(balanced=False))
    assert caught.value.code == "bad-argument"
