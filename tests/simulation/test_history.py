"""A simulation that starts where the history ends."""

from dataclasses import dataclass

import numpy as np
import pytest
from scipy import stats

from budgetopt.belief import Settings, learn
from budgetopt.belief.stream import Stream
from budgetopt.errors import InputError
from budgetopt.history import History
from budgetopt.market import Market, Noise
from budgetopt.simulation import simulate

from .helpers import NAMES, market, plan

WEEKS = np.datetime64("2025-01-06", "D") + 7 * np.arange(6)
RNG = np.random.default_rng(8)
SPEND = RNG.uniform(500, 1200, (6, 4))
OUTCOME = 40 * (1 - np.exp(-SPEND / 900)) * RNG.lognormal(0, 0.2, (6, 4))
PAST = History(NAMES, WEEKS, SPEND, OUTCOME)


@dataclass
class Looks:
    """Keeps what it is shown in the first week."""

    name: str = "looks"
    view: object = None

    def decide(self, view, rng):
        if self.view is None:
            self.view, self.mean = view, view.belief.mean().value(900.0)
        return view.held()


def test_all_runs_share_the_history_and_its_last_week():
    looks = Looks()
    simulate(plan(), market(), looks, weeks=2, runs=3, history=PAST)
    for run in range(3):
        np.testing.assert_array_equal(looks.view.spend[run], SPEND)
        np.testing.assert_array_equal(looks.view.outcome[run], OUTCOME)
        np.testing.assert_array_equal(looks.view.last[run], SPEND[-1])
    assert np.all(looks.view.upper[:, 0] <= 1.3 * SPEND[-1, 0] + 1e-9)


def test_what_is_learned_from_it_is_what_a_stream_learns():
    looks = Looks()
    simulate(plan(), market(), looks, weeks=1, runs=2, history=PAST)
    stream = Stream(4, 1, reference=1000.0, unit=1.0, settings=Settings.fast())
    for spend, outcome in zip(SPEND, OUTCOME, strict=True):
        stream.learn(spend[None], outcome[None])
    expected = stream.posterior.mean().value(900.0)[0]
    # Simulated policies learn in single precision.
    np.testing.assert_allclose(looks.mean, [expected, expected], rtol=1e-5)


def test_a_week_that_was_not_reported_leaves_the_last_that_was():
    spend, outcome = SPEND.copy(), OUTCOME.copy()
    spend[-1, 0] = outcome[-1, 0] = np.nan
    looks = Looks()
    simulate(
        plan(), market(), looks, weeks=1, runs=1, history=History(NAMES, WEEKS, spend, outcome)
    )
    np.testing.assert_array_equal(looks.view.last[0], [SPEND[-2, 0], *SPEND[-1, 1:]])


def test_a_history_of_one_total_is_refused():
    total = History(NAMES, WEEKS, SPEND, total=OUTCOME.sum(axis=1))
    with pytest.raises(InputError, match="one total"):
        simulate(plan(), market(), "hold", weeks=1, runs=1, history=total)


def test_truth_drawn_from_the_live_belief_even_of_s_curves_has_a_clairvoyant():
    belief = learn(PAST, plan())
    world = Market(NAMES, belief, noise=Noise.lognormal(0.2))
    found = simulate(plan(), world, ["posterior-mean", "hold"], weeks=2, runs=40, seed=1,
                     history=PAST, regret=True)  # fmt: skip
    assert found.mean("regret").low > 0
    # Curves are drawn from the belief, so what it expects is what comes, on average.
    held = found.by_week("expected", "hold")[:, 0]
    assert stats.ttest_1samp(held, belief.mean().value(SPEND[-1]).sum()).pvalue > 1e-3
