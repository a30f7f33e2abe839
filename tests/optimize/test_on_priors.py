"""What of an outcome rests on priors alone: by hand, as parts that add up, and where it is said."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import budgetopt as bo
from budgetopt.curves import Exponential, stack
from budgetopt.optimize import on_priors

NAMES = ("seen", "off", "new", "pinned")
CURVES = stack([Exponential(100 * (at + 1), 50) for at in range(4)])
MONDAY = np.datetime64("2025-01-06")
MONEY = st.lists(st.floats(0, 1e4), min_size=4, max_size=4).map(np.array)


class Told:
    """Four channels: seen at 40 to 80, seen at nothing but 0 to 30, never seen, and pinned."""

    channels = NAMES
    trusted_range = np.array([[40.0, 80.0], [0.0, 30.0], [np.nan] * 2, [np.nan] * 2])

    class log:  # noqa: N801 - as a belief has it
        class priors:  # noqa: N801
            pinned = (("pinned", None),)


def value(at, spend):
    return 100 * (at + 1) * -np.expm1(-spend / 50)


def test_each_part_by_hand():
    part = on_priors(Told(), CURVES, [100.0, 20.0, 70.0, 500.0])
    assert part == pytest.approx([value(0, 100) - value(0, 80), 0.0, value(2, 70), 0.0])
    # Below the least spend seen, all above the straight line from nothing.
    part = on_priors(Told(), CURVES, [10.0, 31.0, 0.0, 0.0])
    line = value(0, 40) / 4
    assert part == pytest.approx([value(0, 10) - line, value(1, 31) - value(1, 30), 0.0, 0.0])
    assert not on_priors(CURVES, CURVES, [1e4] * 4).any()


@given(MONEY, MONEY)
def test_what_is_left_is_the_least_that_the_seen_allows(one, other):
    """Without its part each curve rises, never more slowly than a curve through the seen can."""
    parts = on_priors(Told(), CURVES, one)
    left = CURVES.value(one) - parts
    assert np.all(parts >= -1e-9)
    more = np.maximum(one, other)
    assert np.all(CURVES.value(more) - on_priors(Told(), CURVES, more) >= left - 1e-9)
    # Any concave curve that is the same where it was seen: one that stops rising beyond it.
    stops = np.minimum(one, [80.0, 30.0, 0.0, np.inf])
    assert np.all(CURVES.value(stops) >= left - 1e-9)
    np.testing.assert_allclose(
        on_priors(Told(), CURVES, np.stack([one, other])),
        [on_priors(Told(), CURVES, each) for each in (one, other)],
    )


def market(weeks, spends, channels=("a", "b"), budget=200, **given):
    """Return plan and history of two channels with concave truths, spends by week."""
    rng = np.random.default_rng(5)
    spend = np.broadcast_to(spends, (weeks, 2)) if np.ndim(spends) else spends * np.ones((weeks, 2))
    spend = np.round(spend * rng.uniform(0.5, 1.5, (weeks, 2)))
    truth = 900 * -np.expm1(-spend / np.array([60.0, 160.0]))
    outcome = np.round(truth * rng.lognormal(0, 0.1, spend.shape))
    plan = bo.Plan(
        budget=budget, currency="CNY", channels=[bo.Channel(n) for n in channels],
        max_change="40%", **given,
    )  # fmt: skip
    return plan, bo.History(("a", "b"), MONDAY + 7 * np.arange(weeks), spend, outcome=outcome)


def test_with_a_long_history_at_spends_seen_next_to_nothing_rests_on_priors():
    plan, past = market(52, 100)
    decision = bo.reallocate(plan, past)
    assert decision.moved
    assert decision.gains.prior == 0.0
    assert decision.on_priors() == ""
    assert "rests on priors" not in decision.explain()


def test_a_new_channels_gain_is_all_prior():
    plan, past = market(30, 100)
    channels = [*plan.channels, bo.Channel("c")]
    plan = bo.Plan.from_dict(plan.to_dict() | {"channels": [each.to_dict() for each in channels]})
    last = dict.fromkeys(("a", "b"), 100) | {"c": 0}
    decision = bo.reallocate(plan, past, last=last)
    brought = bo.learn(past, plan).mean()
    after = np.array([float(money) for money in decision.allocation.spend.values()])
    assert after[2] > 0
    before = np.array([100.0, 100.0, 0.0])
    parts = brought.value(after) - brought.value(before)
    # The others stay where they were seen.
    assert decision.gains.prior == pytest.approx(parts[2])
    assert decision.gain == pytest.approx(parts.sum())
    said = decision.on_priors()
    for page in (bo.report.decision_table(decision), decision.explain()):
        assert " ".join(said.split()) in " ".join(page.split())
    assert "仅依据预设值" in bo.report.decision_table(decision, language="zh").replace("\n", "")
    again = bo.Decision.from_json(decision.to_json())
    assert again.gains.prior == decision.gains.prior
    assert again.on_priors() == said


def test_more_money_than_was_ever_spent_rests_on_priors_by_its_goal():
    plan, past = market(20, 100, budget=1000, value=3, goal=bo.Goal.most_profit())
    decision = bo.reallocate(plan, past, policy="posterior-mean")
    belief = bo.learn(past, plan)
    moves = decision.moves
    after, before = (
        np.array([float(getattr(move, end)) for move in moves]) for end in ("after", "before")
    )
    most = belief.trusted_range[:, 1]
    curve = belief.mean()
    beyond = curve.value(np.maximum(after, most)) - curve.value(most)
    assert np.all(before <= most)
    assert decision.gains.prior == pytest.approx(3 * beyond.sum())


def test_it_is_said_wherever_an_outcome_is_promised():
    plan, past = market(20, 100)
    belief = bo.learn(past, plan)
    week = bo.allocate(bo.Plan.from_dict(plan.to_dict() | {"budget": 2000}), belief)
    spend = np.array([float(money) for money in week.spend.values()])
    share = on_priors(belief, belief.mean(), spend).sum() / week.outcome
    assert week.on_priors == f"{share:.0%}"
    assert any("rests on priors alone" in note for note in week.notes)
    assert bo.allocate(plan, belief).on_priors == ""
    line = bo.frontier(plan, belief, [200, 2000])
    assert f"was ever at: 2,000 ({share:.0%})." in line.summary()
    found = bo.what_if(plan, belief, {"more": {"budget": "x10"}})
    assert any(note.endswith(f"more ({share:.0%})") for note in found.notes)
