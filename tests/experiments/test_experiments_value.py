"""What tests are worth: closed forms, bounds, and the same answer by solving everything anew."""

import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import ndtri

import budgetopt as bo
from budgetopt import experiments
from budgetopt.curves import Mixture
from budgetopt.experiments import DESIGNS, Design, value_of_tests
from budgetopt.experiments.value import _first, _log_likely, _Reading, gain, garbling
from budgetopt.optimize import best_of_runs

NAMES = ("search", "feed", "video")
HALF = np.array([300.0, 500.0, 900.0])
TOP = np.array([900.0, 1500.0, 2000.0])


def history(weeks=16, seed=3):
    rng = np.random.default_rng(seed)
    spend = np.array([300.0, 400.0, 300.0]) * np.exp(0.2 * rng.standard_normal((weeks, 3)))
    outcome = TOP * spend / (HALF + spend) * np.exp(0.15 * rng.standard_normal((weeks, 3)))
    days = np.datetime64("2026-06-01") + 7 * np.arange(weeks)
    return bo.History(NAMES, days, np.round(spend), outcome=np.round(outcome))


def plan(**changes):
    channels = changes.pop("channels", [bo.Channel(name) for name in NAMES])
    told = {"budget": 1000, "currency": "CNY", "outcome_unit": 1, "max_change": "30%"}
    return bo.Plan(channels=channels, **{**told, **changes})


PLAN = plan()
BELIEF = bo.learn(history(), PLAN, settings=bo.Settings.fast())
FOUND = value_of_tests(PLAN, BELIEF)


def learned(payoff, reading, results):
    luck = np.random.default_rng(5).standard_normal((1, results))
    return gain(garbling(_log_likely([reading], luck)) @ payoff, payoff)


@pytest.mark.parametrize("error", [0.3, 1.0, 3.0])
def test_a_normal_choice_against_nothing_is_worth_its_closed_form(error):
    """Take m ~ N(0, 4) or nothing, after m + N(0, s^2): v / sqrt(2 pi), v = 4 / sqrt(4 + s^2)."""
    rng = np.random.default_rng(1)
    # Both the draws and the first of them, of which results come, are spread evenly.
    first, rest = (2.0 * ndtri((np.arange(n) + 0.5) / n) for n in (400, 3600))
    truth = np.concatenate([rng.permutation(first), rest])
    payoff = np.stack([np.zeros(truth.size), truth], axis=1)
    exact = 4.0 / np.sqrt(4.0 + error**2) / np.sqrt(2 * np.pi)
    assert learned(payoff, _Reading(truth, error), 400) == pytest.approx(exact, rel=0.05)
    assert gain(payoff, payoff) == pytest.approx(2.0 / np.sqrt(2 * np.pi), rel=0.01)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 3), st.floats(-4, 4))
def test_a_result_is_worth_no_less_than_nothing_and_no_more_than_knowing(seed, readings, log):
    rng = np.random.default_rng(seed)
    payoff = rng.standard_normal((80, 5)).cumsum(axis=1)
    read = [_Reading(payoff @ rng.standard_normal(5), float(np.exp(log))) for _ in range(readings)]
    heavy = garbling(_log_likely(read, rng.standard_normal((3, 80))))
    assert heavy.sum(axis=1) == pytest.approx(1.0)
    worth = gain(heavy @ payoff, payoff)
    # Columns meet their sums in the limit of all rounds.
    slack = float(np.abs(heavy.sum(axis=0) - 1.0).max() * np.ptp(payoff))
    assert -1e-12 <= worth <= gain(payoff, payoff) + slack


def test_without_noise_a_result_is_the_truth_and_with_much_it_is_nothing():
    rng = np.random.default_rng(2)
    payoff = rng.standard_normal((200, 4))
    known = gain(payoff, payoff)
    assert learned(payoff, _Reading(payoff[:, 0], 1e-9), 200) == pytest.approx(known)
    assert learned(payoff, _Reading(payoff[:, 0], 1e6), 200) == pytest.approx(0.0, abs=0.02 * known)


def test_every_test_is_worth_no_more_than_knowing_its_channel():
    for one in FOUND.tests:
        assert one.gain <= FOUND.of_channel[one.channel] * 1.02
        assert one.net == pytest.approx(one.gain * 26 - one.cost)
    assert [one.net for one in FOUND.tests] == sorted((t.net for t in FOUND.tests), reverse=True)
    assert len(FOUND.tests) == len(NAMES) * len(DESIGNS)


def test_the_cost_is_what_the_plan_brings_less_with_the_channel_switched_off():
    """By the optimizer for one week, whose spends are whole cents."""
    usual = bo.allocate(replace(PLAN, max_change=None), BELIEF).outcome
    for at, name in enumerate(NAMES):
        channels = [replace(c, locked=0) if c.name == name else c for c in PLAN.channels]
        off = bo.allocate(plan(channels=channels), BELIEF).outcome
        found = value_of_tests(PLAN, BELIEF, channels=[name], designs=["everywhere,-100%,2"])
        assert found.tests[0].cost == pytest.approx(2 * (usual - off), rel=1e-4), at
    assert FOUND.worth == pytest.approx(usual, rel=1e-6)


def test_knowing_one_channel_is_worth_what_solving_every_truth_anew_says():
    """Nothing of the table: each truth of one channel, the others as expected, solved together."""
    rng = np.random.default_rng(0)
    drawn = BELIEF.draw(rng, 1024)
    doubt = BELIEF.settings.doubt
    caused = np.exp(doubt * rng.standard_normal((1024, 3)) - doubt**2 / 2)
    mean = np.asarray(BELIEF.mean().weights)
    for at, name in enumerate(NAMES):
        weights = np.repeat(mean[None], 1024, axis=0)
        weights[:, at] = np.asarray(_first(drawn, caused, 1024).weights)[:, at]
        expected = mean.copy()
        expected[at] = weights[:, at].mean(axis=0)
        free = (np.zeros(3), np.full(3, 1000.0))
        cells = BELIEF.mean().cells
        best = best_of_runs(Mixture(cells, weights), *free, np.full(1024, 1000.0)).outcome.mean()
        now = float(best_of_runs(Mixture(cells, expected), *free, 1000.0).outcome)
        assert FOUND.of_channel[name] == pytest.approx(best - now, rel=0.02)


def test_limits_that_bind_nothing_change_nothing_though_each_week_needs_a_solver():
    slack = plan(limits=[bo.Limit.group("slack", where=NAMES[:2], at_most="95%")])
    asked = {"channels": ["feed"], "designs": ["regions,-50%,4,20%", "everywhere,50%,4"]}
    plain, other = (value_of_tests(p, BELIEF, **asked) for p in (PLAN, slack))
    for one, same in zip(plain.tests, other.tests, strict=True):
        assert one.design == same.design
        assert same.gain == pytest.approx(one.gain, rel=0.05)
        assert same.cost == pytest.approx(one.cost, rel=0.01, abs=0.01)


def test_what_the_plan_does_not_allow_is_said_and_comes_last():
    channels = [
        bo.Channel("search", floor=100),
        bo.Channel("feed", locked=400),
        bo.Channel("video"),
    ]
    found = value_of_tests(plan(channels=channels), BELIEF, designs=["everywhere,-100%,2"])
    why = {one.channel: str(one.problem) for one in found.tests}
    assert why == {
        "search": "the floor leaves it no less than 100",
        "feed": "the lock leaves it no less than 400",
        "video": "",
    }
    assert found.tests[0].channel == "video"
    assert found.of_channel["feed"] == 0.0
    assert {(one.limit, one.channel) for one in found.limits} >= {("lock", "feed")}
    assert found.limits == tuple(sorted(found.limits, key=lambda one: -one.more))


def test_reports_taken_at_their_word_leave_little_to_switch_off():
    """Without doubt a channel's own weeks say more than two weeks without it."""
    found = value_of_tests(PLAN, BELIEF, doubt=0, designs=["everywhere,-100%,2"])
    assert found.best is None
    assert all(one.gain < 0.05 * max(found.of_channel.values()) for one in found.tests)
    assert str(found.verdict()).startswith("Not worth testing")
    doubted = value_of_tests(PLAN, BELIEF, doubt=0.5, designs=["everywhere,-100%,2"])
    assert doubted.perfect > 1.5 * found.perfect


def test_a_test_whose_result_is_used_longer_is_worth_more():
    short, long = (value_of_tests(PLAN, BELIEF, channels=["feed"], weeks=w) for w in (10, 20))
    gains = {one.design: one for one in short.tests}
    for one in long.tests:
        assert one.information == pytest.approx(2 * gains[one.design].information)
        assert one.cost == pytest.approx(gains[one.design].cost)


def test_same_seed_same_bytes_and_plain_data():
    again = value_of_tests(PLAN, BELIEF)
    assert json.dumps(again.to_dict()) == json.dumps(FOUND.to_dict())
    assert list(FOUND.to_frame()["net"]) == [one.net for one in FOUND.tests]
    assert str(FOUND.verdict()) in repr(FOUND)


def test_one_total_outcome_has_its_doubt_already():
    past = history(30)
    total = bo.History(NAMES, past.weeks, past.spend, total=past.outcome.sum(axis=1))
    belief = bo.learn(total, PLAN)
    found = value_of_tests(PLAN, belief, designs=["regions,-100%,8,30%"])
    assert found.best is not None
    assert not any("what channels report" in note for note in found.notes)


@pytest.mark.parametrize(
    ("asked", "field"),
    [
        ({"weeks": 0}, "weeks"),
        ({"doubt": 3.0}, "doubt"),
        ({"channels": ["nobody"]}, "channels"),
        ({"designs": ["region,-100%,4,20%"]}, "design.kind"),
        ({"designs": ["regions,-100%,4"]}, "design.share"),
        ({"designs": ["switchback,50%,3"]}, "design.weeks"),
        ({"designs": ["everywhere,0,3"]}, "design.change"),
        ({"designs": ["everywhere"]}, "design"),
    ],
)
def test_what_cannot_be_meant_is_refused(asked, field):
    with pytest.raises(bo.BudgetoptError) as refused:
        value_of_tests(PLAN, BELIEF, **asked)
    assert refused.value.field == field


def test_the_least_spend_has_no_worth_to_gain():
    least = plan(goal=bo.Goal("least-spend", target=500))
    with pytest.raises(bo.InputError, match="least spend"):
        value_of_tests(least, BELIEF)


def test_a_design_is_read_back_from_its_text():
    assert Design.of("users, -50%, 6, 0.1") == Design("users", -0.5, 6, 0.1)
    assert str(Design("regions", 1.0, 4, 0.2).name) == "+100% in 20% of regions, 4 weeks"


def test_two_cells_have_the_published_sizes():
    """Feit and Berman (2019): the website, and the catalogue with its 0.80 for a catalogue."""
    site = experiments.two_cell_sizes(100_000, np.sqrt(0.68 * 0.32), 0.03, 0.68)
    assert round(site.one) == round(site.other) == 2284
    book = experiments.two_cell_sizes(100_000, (87.69, 179.36), (20.97, 13.48), (19.39, 29.26))
    assert book.one == pytest.approx(588, abs=1)
    assert book.other == pytest.approx(1884, abs=1)


def test_the_search_for_two_cells_finds_the_closed_form():
    even = experiments.two_cell_sizes(5000, 2.0, 0.5)
    searched = experiments.two_cell_sizes(5000, 2.0, 0.5, (0.0, 1e-9))
    assert searched.one == pytest.approx(even.one, rel=1e-3)
    assert searched.gain == pytest.approx(even.gain, rel=1e-6)


def test_two_cells_gain_what_simulated_tests_gain():
    rng = np.random.default_rng(8)
    n, s, sd, mean = 2000, (3.0, 1.0), (0.6, 0.3), np.array([0.1, 0.0])
    sizes = experiments.two_cell_sizes(n, s, sd, tuple(mean))
    cells = np.array([sizes.one, sizes.other])
    truth = mean + sd * rng.standard_normal((400_000, 2))
    seen = truth + np.array(s) / np.sqrt(cells) * rng.standard_normal(truth.shape)
    trust = np.square(sd) / (np.square(sd) + np.square(s) / cells)
    after = mean + trust * (seen - mean)
    rolled = np.take_along_axis(truth, after.argmax(axis=1)[:, None], axis=1)[:, 0]
    brought = truth @ cells + (n - cells.sum()) * rolled - n * truth[:, 0]
    assert brought.mean() == pytest.approx(sizes.gain, abs=4 * brought.std() / np.sqrt(400_000))
