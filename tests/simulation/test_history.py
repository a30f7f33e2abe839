"""A simulation that starts where the history ends."""

from dataclasses import dataclass, replace

import numpy as np
import pytest
from scipy import stats

from budgetopt.belief import Settings
from budgetopt.belief.belief import learn
from budgetopt.belief.stream import Stream
from budgetopt.curves import Carryover
from budgetopt.errors import InputError
from budgetopt.history import History
from budgetopt.market import Market, Noise
from budgetopt.plan import ChannelPrior
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


def test_what_the_plan_knows_beforehand_is_learned_with_as_in_the_live_week():
    # From the eighth week on a stream of one run is the live belief.
    weeks = WEEKS[0] + 7 * np.arange(8)
    spend = np.vstack([SPEND, 1.2 * SPEND[:2]])
    past = History(NAMES, weeks, spend, np.vstack([OUTCOME, OUTCOME[:2]]))
    first, *others = plan().channels
    priors = {"roas": 0.02, "roas_sd": 0.1, "saturation": 2000, "noise": 0.5}
    known = {
        "channels": [
            replace(first, prior=ChannelPrior(**priors)),
            replace(others[0], carryover=Carryover("geometric", share=0.5, length=3)),
            *others[1:],
        ],
        "demand": {weeks[2].item(): 2.0, weeks[7].item(): 0.5},
        "events": [weeks[4].item()],
        "outcome_unit": 1.0,
    }
    parts = [known, {}, *({k: v} for k, v in known.items())]
    means = []
    for part in parts:
        made, looks = plan(**({"outcome_unit": 1.0} | part)), Looks()
        simulate(made, market(), looks, weeks=1, runs=2, history=past)
        live = learn(past, made, settings=Settings.fast()).mean().value(900.0)
        np.testing.assert_allclose(looks.mean, [live, live], rtol=1e-4)
        means.append(live)
    # Each of them is heard.
    assert all(not np.allclose(means[1], mean, rtol=1e-3) for mean in (means[0], *means[2:5]))
