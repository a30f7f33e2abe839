"""One policy for the live week and for a thousand runs: the same answers, no limit broken."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from budgetopt.belief import Settings
from budgetopt.belief.stream import Stream
from budgetopt.policies import NAMES, View, decided, policy_named

RUNS, CHANNELS, REFERENCE = 6, 5, 1000.0
SMALL = replace(Settings.fast(), points=7)
POLICIES = [policy_named(name) for name in NAMES]
STILL = [p for p in POLICIES if "thompson" not in p.name and "test" not in p.name]


def weeks(runs, seed=0, count=6):
    """Return spends and outcomes of each run, shape ``(weeks, runs, channels)``."""
    rng = np.random.default_rng(seed)
    spend = REFERENCE * rng.lognormal(0, 0.4, (count, runs, CHANNELS))
    brought = 3 * REFERENCE * -np.expm1(-spend / REFERENCE / rng.lognormal(0, 0.7, CHANNELS))
    return spend, brought * rng.lognormal(0, 0.2, spend.shape)


def posterior(spend, outcome):
    stream = Stream(CHANNELS, spend.shape[1], reference=REFERENCE, unit=1.0, settings=SMALL)
    for week in range(len(spend)):
        stream.learn(spend[week], outcome[week])
    return stream.posterior


SPEND, OUTCOME = weeks(RUNS)
BELIEFS = [posterior(SPEND[:, run : run + 1], OUTCOME[:, run : run + 1]) for run in range(RUNS)]
BELIEF = posterior(SPEND, OUTCOME)


def view(belief, spend, outcome, **changes):
    last = spend[-1]
    bounds = {"lower": 0.7 * last, "upper": 1.3 * last, "budget": 1.02 * last.sum(axis=-1)}
    past = (spend.swapaxes(0, 1), outcome.swapaxes(0, 1))
    return replace(View(belief, **bounds, last=last, spend=past[0], outcome=past[1]), **changes)


@pytest.mark.parametrize("policy", STILL, ids=lambda policy: policy.name)
def test_runs_together_are_the_runs_one_by_one(policy):
    together = policy.decide(view(BELIEF, SPEND, OUTCOME), np.random.default_rng(1))
    assert together.shape == (RUNS, CHANNELS)
    for run in range(RUNS):
        past = view(BELIEFS[run], SPEND[:, run : run + 1], OUTCOME[:, run : run + 1])
        alone = policy.decide(past, np.random.default_rng(1))[0]
        np.testing.assert_allclose(together[run], alone, rtol=1e-6)


@pytest.mark.parametrize("policy", POLICIES, ids=lambda policy: policy.name)
@pytest.mark.parametrize("spend_all", [False, True])
def test_no_policy_breaks_a_limit_in_any_run(policy, spend_all):
    week = view(BELIEF, SPEND, OUTCOME, spend_all=spend_all)
    found = decided(policy, week, np.random.default_rng(3))
    assert not found.fell.any()
    assert np.all((week.lower - 1e-9 <= found.spend) & (found.spend <= week.upper + 1e-9))
    total = found.spend.sum(axis=-1)
    assert np.all(total <= week.budget * (1 + 1e-9))
    if spend_all:
        np.testing.assert_allclose(total, week.budget, rtol=1e-9)


@settings(max_examples=15)
@given(st.integers(0, 10_000), st.sampled_from(POLICIES))
def test_no_policy_breaks_random_limits(seed, policy):
    rng = np.random.default_rng(seed)
    lower = REFERENCE * rng.uniform(0, 1, (RUNS, CHANNELS)) * rng.integers(0, 2, (RUNS, CHANNELS))
    upper = lower + REFERENCE * rng.uniform(0, 2, lower.shape) * rng.integers(0, 2, lower.shape)
    budget = lower.sum(axis=-1) + REFERENCE * rng.uniform(0, 4, RUNS)
    week = view(BELIEF, SPEND, OUTCOME, lower=lower, upper=upper, budget=budget)
    got = policy.decide(week, rng)
    assert np.all((lower - 1e-9 <= got) & (got <= upper + 1e-9))
    assert np.all(got.sum(axis=-1) <= budget + 1e-6)


def test_hopeful_and_careful_quantiles_share_the_mean_where_doubt_is_alike():
    week = view(BELIEF, SPEND, OUTCOME)
    rng = np.random.default_rng(0)
    mean = policy_named("posterior-mean").decide(week, rng)
    near = policy_named("upper-quantile(0.55)").decide(week, rng)
    far = policy_named("upper-quantile(0.99)").decide(week, rng)
    assert np.abs(near - mean).sum() < np.abs(far - mean).sum()


def test_each_run_has_coins_of_its_own():
    week = view(BELIEF, SPEND, OUTCOME)
    base = policy_named("posterior-mean").decide(week, np.random.default_rng(0))
    signs = np.sign(
        policy_named("test-budget(posterior-mean, 0.2)").decide(week, np.random.default_rng(0))
        - base
    )
    assert len({row.tobytes() for row in np.round(signs)}) > 1
