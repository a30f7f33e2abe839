"""Phases and freezes of the plan in the weekly run, and changes that count from spends applied."""

import datetime as dt
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import budgetopt as bo
from budgetopt.errors import InfeasibleError, PlanError
from budgetopt.plan import Limit, Reserve
from budgetopt.policies import EqualSplit, PosteriorMean, Thompson
from budgetopt.weekly import Decision, Guardrails, last_spend

from .helpers import MONDAY, NAMES, Fixed, changed, history, plan

WEEK = MONDAY + dt.timedelta(weeks=12)
MEAN = PosteriorMean()
LAST = {n: Decimal(int(x)) for n, x in zip(NAMES, history().spend[-1], strict=True)}
"""143, 71 and 113: 327 in all."""


def phase(budget, name="burst", weeks=1, **more):
    last = WEEK + dt.timedelta(days=7 * weeks - 1)
    return {"name": name, "first": WEEK, "last": last, "budget": budget} | more


def freeze(*channels, name="audit", days=0, **more):
    last = WEEK + dt.timedelta(days=days)
    return {"name": name, "first": WEEK, "last": last, "channels": channels} | more


def run(made, past=None, **given):
    return bo.reallocate(made, past or history(), **{"policy": MEAN} | given)


def guards(decision):
    return [one.guard for one in decision.fired]


# Phases


def test_a_week_of_a_phase_spends_its_budget_under_its_change_limit():
    usual = run(plan(spend="all"))
    decision = run(plan(spend="all", operation={"phases": phase(600, max_change="none")}))
    assert (usual.allocation.total, decision.allocation.total) == (330, 600)
    assert "'burst': its budget is 600, against 330 in a usual week" in " ".join(decision.notes)
    assert not any("burst" in note for note in usual.notes)
    # The same as a plan that always has this budget, but for what learning starts from.
    always = run(
        plan(spend="all", budget=600, max_change="none"), belief=bo.learn(history(), plan())
    )
    assert dict(decision.allocation.spend) == dict(always.allocation.spend)


def test_the_plan_s_change_limit_holds_where_the_phase_has_none():
    decision = run(plan(operation={"phases": phase(600)}))
    assert all(m.after <= m.before * Decimal("1.3") for m in decision.moves)
    assert decision.allocation.total < 600


def test_a_phase_with_too_little_for_the_change_limit_is_refused():
    with pytest.raises(InfeasibleError, match="above the budget of 100") as caught:
        run(plan(operation={"phases": phase(100)}))
    assert caught.value.code == "floors-above-budget"
    decision = run(plan(operation={"phases": phase(100, max_change="none")}))
    assert 0 < decision.allocation.total <= 100


def test_the_reserve_of_a_phase_is_that_of_its_budget():
    made = plan(
        reserve=Reserve("10%"), spend="all", operation={"phases": phase(600, max_change="none")}
    )
    assert run(made).allocation.total == 540


def test_a_reserve_above_the_week_is_refused():
    made = plan(
        reserve=Reserve(200),
        operation={"phases": {**phase(0), "last": WEEK + dt.timedelta(days=3)}},
    )
    with pytest.raises(PlanError, match=f"the week of {WEEK}"):
        run(made)


# Freezes


@pytest.mark.parametrize("rails", [None, Guardrails()])
@pytest.mark.parametrize("policy", [MEAN, EqualSplit(), Thompson()])
def test_a_frozen_channel_stays_whatever_guardrails_and_policy_are(rails, policy):
    made = plan(operation={"freezes": freeze("feed", days=20)})
    decision = run(made, policy=policy, guardrails=rails)
    assert decision.allocation.spend["feed"] == LAST["feed"]
    assert decision.moved
    assert "freeze" in guards(decision)
    fired = next(one for one in decision.fired if one.guard == "freeze")
    assert fired.channels == ("feed",)
    until = WEEK + dt.timedelta(days=20)
    assert fired.sentence == f"'feed' at 71 is held: frozen from {WEEK} to {until} ('audit')"
    assert fired.sentence in decision.notes
    assert decision.moves[1].reason == f"stays at 71; held: frozen until {until} ('audit')"
    assert Decision.from_json(decision.to_json()) == decision


def test_a_learning_period_says_so():
    made = plan(operation={"freezes": freeze("feed", "kol", name="new shop", why="learning")})
    decision = run(made)
    assert decision.fired[0].sentence == (
        f"'feed' at 71 and 'kol' at 113 are held: learning phase from {WEEK} to {WEEK} ('new shop')"
    )
    assert decision.moves[2].reason.endswith(f"held: learning phase until {WEEK}")


def test_where_all_channels_are_frozen_nothing_moves():
    decision = run(plan(operation={"freezes": freeze()}), guardrails=None)
    assert dict(decision.allocation.spend) == LAST
    assert not decision.moved
    assert decision.decided_by == "hold"
    assert decision.fired[0].sentence.startswith("no changes: frozen from")
    assert {m.reason.split("; ")[1] for m in decision.moves} == {
        f"held: frozen until {WEEK} ('audit')"
    }


def test_the_week_before_and_after_a_freeze_are_free():
    made = plan(operation={"freezes": freeze("feed")})
    for weeks in (11, 13):
        assert run(made, week=MONDAY + dt.timedelta(weeks=weeks)).fired == ()


def test_a_lock_goes_before_a_freeze():
    channels = [bo.Channel(n, locked=50 if n == "feed" else None) for n in NAMES]
    decision = run(plan(channels=channels, operation={"freezes": freeze("feed")}))
    assert decision.fired == ()
    assert decision.allocation.spend["feed"] == 50


def test_a_lock_that_moves_a_channel_is_not_nothing():
    """Where all others are frozen."""
    for locked, moves in ((50, True), (71, False)):
        channels = [bo.Channel(n, locked=locked if n == "feed" else None) for n in NAMES]
        made = plan(channels=channels, operation={"freezes": freeze(why="learning")})
        (fired,) = run(made).fired
        assert fired.sentence.startswith("no changes") is not moves


@pytest.mark.parametrize(("limit", "bound"), [("cap", 60), ("floor", 80)])
def test_a_frozen_channel_that_a_bound_moves_is_named_with_the_bound(limit, bound):
    channels = [bo.Channel(n, **({limit: bound} if n == "feed" else {})) for n in NAMES]
    decision = run(plan(channels=channels, operation={"freezes": freeze("feed")}))
    assert decision.allocation.spend["feed"] == bound
    assert guards(decision) == ["freeze", "limits"]
    assert decision.fired[0].sentence == f"frozen from {WEEK} to {WEEK} ('audit')"
    said = f"'feed' cannot stay frozen at 71, as its {limit} is {bound}"
    assert decision.fired[1].sentence == said
    assert decision.moves[1].reason.endswith(f"at {limit}")


def test_frozen_channels_that_do_not_fit_a_phase_are_named_and_all_is_drawn_in():
    # Both need 214 and the third at least 79.1; the phase has 280.
    operation = {"phases": phase(280), "freezes": freeze(NAMES[0], "feed")}
    decision = run(plan(operation=operation))
    assert guards(decision) == ["freeze", "limits"]
    assert decision.fired[1].sentence == (
        f"'{NAMES[0]}' and 'feed' cannot stay frozen within this week's limits and budget, so last "
        "week's whole split is projected onto them"
    ).replace("' and '", "', '")
    assert decision.fired[0].sentence == f"frozen from {WEEK} to {WEEK} ('audit')"
    assert decision.decided_by == "hold"
    assert decision.allocation.total <= 280
    assert not [m.reason for m in decision.moves if "frozen" in m.reason]


def test_a_phase_with_more_money_to_be_spent_than_a_freeze_lets_in_moves_what_is_frozen():
    operation = {"phases": phase(400), "freezes": freeze()}
    decision = run(plan(operation=operation, spend="all"))
    assert guards(decision) == ["freeze", "limits"]
    assert decision.allocation.total == 400
    # Where money may stay, it does, and nothing moves.
    decision = run(plan(operation=operation))
    assert guards(decision) == ["freeze"]
    assert dict(decision.allocation.spend) == LAST


def test_what_is_frozen_stays_where_only_missing_reports_do_not_fit():
    past = changed(history(), outcome={NAMES[0]: np.nan})
    # 143 and 71 held need 214 of 280, and the third has at least 79.1; without the first there is
    # room for all.
    operation = {"phases": phase(280), "freezes": freeze("feed")}
    decision = run(plan(operation=operation), past)
    assert guards(decision) == ["missing-report", "freeze", "limits"]
    assert "are held do not fit" in decision.fired[2].sentence
    assert decision.allocation.spend["feed"] == 71
    assert decision.decided_by == "hold"
    assert decision.moves[1].reason.endswith(f"held: frozen until {WEEK} ('audit')")


def test_a_policy_that_moves_a_frozen_channel_is_withheld():
    with pytest.raises(bo.errors.VerificationError, match="'feed' 72, above its lock 71"):
        run(plan(operation={"freezes": freeze("feed")}), policy=Fixed(120, 72, 110))


# Spends applied last


def test_changes_count_from_what_was_applied():
    given = {NAMES[0]: "100.50", "feed": 90, "kol": 110.25}
    decision = run(plan(), last=given)
    for move in decision.moves:
        assert move.before == Decimal(str(given[move.channel]))
        assert abs(move.change) <= move.before * Decimal("0.3")
    noted = [
        note
        for note in decision.notes
        if "changes are measured from the spend last applied" in note
    ]
    assert len(noted) == 1
    assert f"'{NAMES[0]}' (100.50, reported 143), 'feed' (90, reported 71)" in noted[0]


def test_what_was_applied_as_reported_changes_nothing_and_says_nothing():
    made = plan()
    assert last_spend(made, history()) == LAST
    assert run(made, last=LAST) == run(made)


def test_a_skipped_week_counts_from_what_was_applied_and_says_so_once():
    past = history(weeks=10)
    decision = run(plan(), past, week=WEEK, last=dict.fromkeys(NAMES, 100))
    text = " ".join(decision.notes)
    last = past.weeks[-1]
    assert f"the last complete week is that of {last}" in decision.notes
    assert "and changes are measured from it" not in text
    assert "changes are measured from the spend last applied" in text
    without = run(plan(), past, week=WEEK)
    assert (
        f"the last complete week is that of {last}, and changes are measured from it"
        in without.notes
    )


def test_a_frozen_channel_stays_at_what_was_applied():
    decision = run(
        plan(operation={"freezes": freeze("feed")}), last={NAMES[0]: 120, "feed": 95, "kol": 110}
    )
    assert decision.allocation.spend["feed"] == 95
    assert "'feed' at 95 is held" in decision.fired[0].sentence


def test_a_channel_that_is_not_named_is_new():
    decision = run(plan(max_change={"share": 0.3, "from_zero": 20}), last={"feed": 95, "kol": 110})
    assert decision.moves[0].before is None
    assert decision.allocation.spend[NAMES[0]] <= 20


def test_a_name_that_is_no_channel_is_refused():
    with pytest.raises(PlanError, match="did you mean 'feed'") as caught:
        run(plan(), last={"fed": 1})
    assert (caught.value.code, caught.value.field) == ("unknown-name", "last")
    with pytest.raises(bo.MoneyError, match="negative"):
        run(plan(), last={"feed": -1})


# All together

parts = st.lists(st.sampled_from(NAMES), unique=True, max_size=3)


@settings(max_examples=40, suppress_health_check=list(HealthCheck))
@given(
    budget=st.integers(0, 900),
    held=st.none() | parts,
    missing=parts,
    applied=st.none() | st.lists(st.integers(0, 200), min_size=3, max_size=3),
    spend=st.sampled_from(["all", "at-most"]),
    capped=st.booleans(),
    rails=st.sampled_from([None, Guardrails()]),
)
def test_any_phase_and_freeze_keeps_its_budget_and_holds_or_says_why_not(
    budget, held, missing, applied, spend, capped, rails
):
    operation = {"phases": phase(budget, max_change="80%")}
    operation |= {} if held is None else {"freezes": freeze(*held)}
    limits = [Limit.turnover(60)] if capped else []
    made = plan(operation=operation, spend=spend, limits=limits)
    past = changed(history(), outcome=dict.fromkeys(missing, np.nan))
    last = None if applied is None else dict(zip(NAMES, applied, strict=True))
    try:
        decision = run(made, past, last=last, guardrails=rails)
    except InfeasibleError:
        return
    assert decision.allocation.total <= budget
    if spend == "all":
        assert decision.allocation.total == budget
    before = LAST if last is None else last
    frozen = NAMES if held == [] else held or ()
    moved = {n for n in frozen if decision.allocation.spend[n] != before[n]}
    if moved:
        excused = {n for one in decision.fired if one.guard == "limits" for n in one.channels}
        assert moved <= excused
    for one in decision.fired:
        if one.guard == "freeze" and moved & set(one.channels):
            assert "no changes" not in one.sentence
            assert "held" not in one.sentence


@pytest.mark.parametrize("spend", ["all", "at-most"])
@pytest.mark.parametrize("before", [None, 0])
def test_a_week_of_preparation_without_money_is_a_week_of_nothing(spend, before):
    made = plan(spend=spend, operation={"phases": phase(0, max_change="none")})
    last = None if before is None else dict.fromkeys(NAMES, before)
    decision = run(made, last=last)
    assert decision.allocation.total == 0
    assert all(np.isfinite([m.worth, m.elsewhere]).all() for m in decision.moves)
    assert Decision.from_json(decision.to_json()) == decision


# The demand of the week


def test_demand_of_the_decided_week_is_in_its_outcome_and_targets():
    high = {"demand": {WEEK + dt.timedelta(days=3): 1.6}}
    usual, week = run(plan()), run(plan(**high))
    # The goal is the outcome, and every channel's is 1.6 times as much: the same split brings it.
    assert week.allocation.spend == usual.allocation.spend
    assert week.allocation.outcome == pytest.approx(1.6 * usual.allocation.outcome, rel=1e-9)
    for part in ("low", "median", "high"):
        found, other = (getattr(w.allocation.spread, part) for w in (week, usual))
        assert found == pytest.approx(1.6 * other, rel=1e-9)
    assert week.gain == pytest.approx(1.6 * usual.gain, rel=1e-9)
    assert any("demand in the week of 2025-05-26 is x1.6" in n for n in week.notes)
    # A week of another demand has nothing of it.
    later = WEEK + dt.timedelta(weeks=1)
    assert run(plan(demand={later: 1.6})).allocation == usual.allocation


def test_a_roas_target_lets_more_money_out_in_a_week_of_demand():
    made = {"budget": 900, "limits": [Limit.roas(3)], "outcome": "revenue", "max_change": "none"}
    usual, week = run(plan(**made)), run(plan(**made, demand={WEEK: 1.6}))
    assert week.allocation.total > usual.allocation.total
    assert week.allocation.outcome >= 3 * float(week.allocation.total) * (1 - 1e-9)


@pytest.mark.parametrize("policy", [MEAN, Thompson(), EqualSplit()])
def test_every_policy_decides_in_demand(policy):
    week = run(plan(demand={WEEK: 0.4}, goal=bo.Goal.most_profit(), value=1), policy=policy)
    assert Decision.from_json(week.to_json()) == week
