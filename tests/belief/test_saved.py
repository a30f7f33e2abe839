"""A belief that is saved with what it learned goes on from there, to the bit."""

import json

import numpy as np
import pytest

from budgetopt.belief import Belief, Settings, learn, learning, saved
from budgetopt.belief import belief as room

from .helpers import Past, Plan

PLAN = Plan(("a", "b", "c"), 3000.0, 1.0)
RNG = np.random.default_rng(4)
SPEND = RNG.uniform(500, 1500, (12, 3))
OUTCOME = np.round(900 * -np.expm1(-SPEND / 800) * RNG.lognormal(0, 0.2, SPEND.shape))
# A channel that collapses has a rival state.
OUTCOME[6:, 2] = np.round(OUTCOME[6:, 2] * 0.05)
SETTINGS = [Settings.fast(), Settings(carryover=(0.0, 0.5)), Settings()]


def past(weeks):
    return Past(PLAN.names, SPEND[:weeks], OUTCOME[:weeks])


def written(belief):
    return json.loads(json.dumps(belief.to_dict(learned=True), allow_nan=False))


def assert_same(one, other):
    for name in ("chance", "log_mean", "log_variance"):
        np.testing.assert_array_equal(getattr(one.posterior, name), getattr(other.posterior, name))
    np.testing.assert_array_equal(one.data_share, other.data_share)
    assert one.notes == other.notes
    np.testing.assert_array_equal(one.walked.ranks, other.walked.ranks)
    assert one.walked.effect_ahead() == other.walked.effect_ahead()


@pytest.fixture
def steps(monkeypatch):
    """Return the weeks that the filter is taken through."""
    taken, step = [], learning.step

    def counted(state, week, model, **how):
        taken.append(week.day)
        return step(state, week, model, **how)

    monkeypatch.setattr(learning, "step", counted)
    return taken


@pytest.mark.parametrize("settings", SETTINGS)
@pytest.mark.parametrize("weeks", [1, 8])
def test_it_goes_on_without_learning_again(settings, weeks, steps):
    belief = learn(past(weeks), PLAN, settings=settings)
    data = written(belief)
    steps.clear()
    loaded = Belief.from_dict(data)
    assert not steps
    assert_same(loaded, belief)
    more = loaded.updated(past(12))
    taken = steps.copy()
    steps.clear()
    assert written(more) == written(belief.updated(past(12)))
    assert taken == steps
    assert_same(more, learn(past(12), PLAN, settings=settings))


def changed_week(data):
    data["log"]["outcome"][0][0] += 1.0


def changed_settings(data):
    data["settings"]["outlier_chance"] = 0.01


def changed_state(data):
    state = data["learned"]["state"]
    data["learned"]["state"] = ("B" if state[900] == "A" else "A").join((state[:900], state[901:]))


@pytest.mark.parametrize("change", [changed_week, changed_settings, changed_state])
def test_what_was_learned_from_something_else_is_learned_again(change, steps):
    data = written(learn(past(5), PLAN, settings=Settings.fast()))
    change(data)
    steps.clear()
    loaded = Belief.from_dict(data)
    assert len(set(steps)) == 5
    del data["learned"]
    assert_same(loaded, Belief.from_dict(data))


def test_another_version_learns_again(monkeypatch, steps):
    belief = learn(past(5), PLAN, settings=Settings.fast())
    data = written(belief)
    monkeypatch.setattr(saved, "VERSION", "0.0.0")
    steps.clear()
    assert_same(Belief.from_dict(data), belief)
    assert len(set(steps)) == 5


def test_a_total_is_learned_again():
    total = Past(PLAN.names, SPEND, total=OUTCOME.sum(axis=1))
    belief = learn(total, PLAN)
    data = belief.to_dict(learned=True)
    assert "learned" not in data
    np.testing.assert_array_equal(
        Belief.from_dict(data).posterior.log_mean, belief.posterior.log_mean
    )


def test_a_broken_state_is_refused():
    data = learn(past(3), PLAN, settings=Settings.fast()).to_dict(learned=True)
    data["learned"] = 3
    with pytest.raises(room.InputError, match="cannot be read"):
        Belief.from_dict(data)
