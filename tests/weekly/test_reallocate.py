"""The weekly run: dates, limits, reasons, and the same bytes for the same input."""

import datetime as dt
import json
import os
import re
import subprocess
import sys
from dataclasses import replace
from decimal import Decimal

import numpy as np
import pytest

import budgetopt as bo
from budgetopt.belief import Extrapolated
from budgetopt.i18n.messages import show_bound, show_figure
from budgetopt.money import show_amount
from budgetopt.plan import Limit
from budgetopt.policies import NAMES as POLICIES
from budgetopt.policies import policy_named
from budgetopt.weekly import Guardrails

from .helpers import MONDAY, NAMES, Fixed, history, plan


def test_the_default_week_follows_the_last_one():
    assert bo.reallocate(plan(), history()).week.start == MONDAY + dt.timedelta(weeks=12)


def test_a_week_may_be_named_and_only_weeks_before_it_are_seen():
    week = MONDAY + dt.timedelta(weeks=8)
    decision = bo.reallocate(plan(), history(), week=str(week))
    assert decision.week.start == week
    early = history().until(week)
    assert decision == bo.reallocate(plan(), early)
    assert decision.history == early.fingerprint


def test_a_last_week_that_is_not_over_is_left_out_and_noted():
    partial = np.arange(12) == 11
    decision = bo.reallocate(plan(), history(partial=partial))
    under_way = MONDAY + dt.timedelta(weeks=11)
    assert decision.week.start == under_way + dt.timedelta(weeks=1)
    assert f"incomplete weeks left out: {under_way}" in decision.notes
    last = history().spend[10]
    assert [float(m.before) for m in decision.moves] == last.tolist()


def test_weeks_to_come_do_not_push_the_decision_into_the_future():
    partial = np.arange(12) >= 8
    decision = bo.reallocate(plan(), history(partial=partial))
    assert decision.week.start == MONDAY + dt.timedelta(weeks=9)


def test_skipped_weeks_are_noted_and_change_counts_from_the_last_applied_one():
    later = MONDAY + dt.timedelta(weeks=20)
    decision = bo.reallocate(plan(), history(), week=later)
    last = MONDAY + dt.timedelta(weeks=11)
    assert (
        f"the last complete week is that of {last}, and changes are measured from it"
        in decision.notes
    )
    for move in decision.moves:
        assert abs(move.change) <= Decimal("0.3") * move.before


def test_a_week_without_numbers_is_no_applied_week():
    spend = history().spend.copy()
    spend[11] = np.nan
    outcome = history().outcome.copy()
    outcome[11] = np.nan
    decision = bo.reallocate(plan(), history(spend=spend, outcome=outcome))
    assert [float(m.before) for m in decision.moves] == history().spend[10].tolist()


@pytest.mark.parametrize(
    ("week", "remedy"),
    [("2025-06-04", "give 2025-06-02"), ("soon", "write it as 2026-11-20"), (5, "write it as")],
)
def test_a_wrong_week_is_refused(week, remedy):
    with pytest.raises(bo.CalendarError) as error:
        bo.reallocate(plan(), history(), week=week)
    assert remedy in error.value.remedy


def test_a_week_before_the_history_is_refused():
    with pytest.raises(bo.HistoryError, match="no complete week before 2025-03-03"):
        bo.reallocate(plan(), history(), week=MONDAY)


def test_a_history_without_a_whole_week_is_refused():
    with pytest.raises(bo.HistoryError, match="no complete week"):
        bo.reallocate(plan(), history(weeks=1, partial=np.array([True])))


def test_one_week_is_enough():
    decision = bo.reallocate(plan(), history(weeks=1))
    assert decision.allocation.total <= 330


def test_a_channel_without_history_starts_from_zero():
    channels = [*(bo.Channel(n) for n in NAMES), bo.Channel("new")]
    decision = bo.reallocate(plan(channels=channels), history())
    new = decision.moves[3]
    assert new.before is None
    # 30 % of an equal share of 330 over four.
    assert 0 < new.after <= Decimal("24.75")
    assert new.reason.startswith(f"{show_amount(new.after)}, with no earlier week")
    assert any("'new'" in note for note in decision.notes)


def test_a_channel_that_is_not_in_the_plan_is_refused():
    with pytest.raises(bo.HistoryError, match="'kol'"):
        bo.reallocate(plan(channels=[bo.Channel(n) for n in NAMES[:2]]), history())


def test_all_locked_channels_move_nothing_or_to_their_locks():
    last = history().spend[-1].tolist()
    still = [bo.Channel(n, locked=s) for n, s in zip(NAMES, last, strict=True)]
    decision = bo.reallocate(plan(channels=still, budget=1000), history())
    assert not decision.moved
    assert "No changes: no other split" in decision.explain()
    moved = [bo.Channel(n, locked=s + 7) for n, s in zip(NAMES, last, strict=True)]
    decision = bo.reallocate(plan(channels=moved, budget=1000), history())
    assert [m.change for m in decision.moves] == [7, 7, 7]
    assert all(m.reason.endswith("; locked") for m in decision.moves)


def test_holding_moves_nothing():
    decision = bo.reallocate(plan(budget=1000), history(), policy=bo.HoldSteady())
    assert not decision.moved
    assert decision.gain == 0
    assert decision.policy == "hold"
    assert decision.allocation.gap > 0


def test_the_gap_is_what_a_policy_gives_up_by_the_mean():
    best = bo.reallocate(plan(), history(), policy=bo.PosteriorMean())
    other = bo.reallocate(plan(), history(), policy=bo.Proportional())
    assert best.allocation.gap < 1e-5  # spends are whole yuan
    assert other.allocation.bound == pytest.approx(best.allocation.bound, rel=1e-9)
    assert other.allocation.outcome < best.allocation.outcome
    assert other.gain < best.gain


def test_a_total_is_enough_and_its_weakness_is_said():
    decision = bo.reallocate(plan(), history(total=True))
    assert any("one total outcome for 3 channels" in note for note in decision.notes)
    # Nothing settles the doubt that an optimistic policy explores.
    assert decision == bo.reallocate(
        plan(), history(total=True), policy="cautious(posterior-mean, 0.5)"
    )
    assert decision.policy == "cautious(posterior-mean, 0.5)"
    asked = bo.reallocate(plan(), history(total=True), policy="optimistic")
    assert asked.policy == "optimistic(1)"
    assert bo.reallocate(plan(), history()).policy == "optimistic(1)"
    with pytest.raises(bo.InputError, match="one total"):
        bo.reallocate(plan(), history(total=True), policy=bo.Proportional())


def test_each_week_has_random_numbers_of_its_own():
    weeks = [MONDAY + dt.timedelta(weeks=w) for w in (12, 13, 14, 15)]
    free = plan(max_change="none")
    splits = {
        tuple(
            bo.reallocate(free, history(), week=w, policy=bo.Thompson()).allocation.spend.values()
        )
        for w in weeks
    }
    assert len(splits) > 1


def test_seeds_decide_what_is_drawn():
    free = plan(max_change="none")
    splits = [
        bo.reallocate(free, history(), policy=bo.Thompson(), seed=seed).allocation.spend
        for seed in (1, 1, 2, 3)
    ]
    assert splits[0] == splits[1]
    assert splits[0] != splits[2] or splits[0] != splits[3]


@pytest.mark.parametrize("seed", [-1, 1.5, True, "7"])
def test_a_wrong_seed_is_refused(seed):
    with pytest.raises(bo.InputError, match="seed"):
        bo.reallocate(plan(), history(), seed=seed)


def test_a_numpy_seed_is_a_seed():
    assert json.loads(bo.reallocate(plan(), history(), seed=np.int64(7)).to_json())["seed"] == 7


def free(**changes):
    channels = [bo.Channel("百度 Baidu", floor=20), bo.Channel("feed", cap=100), bo.Channel("kol")]
    return plan(channels=channels, max_change="none", **changes)


def test_a_policy_of_ones_own_plugs_in():
    decision = bo.reallocate(free(), history(), policy=Fixed(100, 100, 130), guardrails=None)
    assert [m.after for m in decision.moves] == [100, 100, 130]
    assert decision.policy == decision.allocation.method == "fixed"


def test_a_hair_outside_is_rounded_away():
    policy = Fixed(19.9999, 100.0001, 210)
    decision = bo.reallocate(free(), history(), policy=policy, guardrails=None)
    assert [m.after for m in decision.moves] == [20, 100, 210]


@pytest.mark.parametrize(
    ("spend", "said"),
    [
        ((19, 100, 130), "gave '百度 Baidu' 19, below its floor 20"),
        ((20, 101, 130), "gave 'feed' 101, above its cap 100"),
        ((20, 100, -1), "gave 'kol' -1, below its zero 0"),
        ((100, 100, 131), "spent 331, above the budget 330"),
        ((100, 100), "did not return a finite amount for each of 3 channels"),
    ],
)
def test_a_policy_that_breaks_a_limit_is_withheld(spend, said):
    with pytest.raises(bo.VerificationError) as error:
        bo.reallocate(free(), history(), policy=Fixed(*spend))
    assert said in str(error.value)
    assert error.value.code == "broken-limit"


def test_a_policy_cannot_widen_its_own_limits():
    class Cheat(Fixed):
        def decide(self, view, rng):
            view.upper[:] = 1e9
            return super().decide(view, rng)

    with pytest.raises(ValueError, match="read-only"):
        bo.reallocate(free(), history(), policy=Cheat(1, 2, 3))


@pytest.mark.parametrize("policy", [bo.Thompson, object()])
def test_what_is_no_policy_is_refused(policy):
    with pytest.raises(bo.InputError, match="policy is") as error:
        bo.reallocate(plan(), history(), policy=policy)
    assert error.value.code == "bad-argument"


def test_a_policy_may_be_named_as_on_the_command_line():
    named = bo.reallocate(plan(), history(), policy="thompson(3)", seed=4)
    assert named == bo.reallocate(plan(), history(), policy=bo.Thompson(3), seed=4)
    with pytest.raises(bo.InputError, match="did you mean 'thompson'") as error:
        bo.reallocate(plan(), history(), policy="tompson")
    assert error.value.code == "unknown-name"


def test_the_numbers_of_a_reason_are_those_of_its_move():
    decision = bo.reallocate(plan(), history())
    assert decision.moved
    for move in decision.moves:
        amounts = (abs(move.change), move.before, move.after)
        known = {show_amount(a) for a in amounts}
        known |= {show_figure(v, 4) for v in (move.worth, move.elsewhere, move.low, move.high)}
        said = re.sub(r"\([^)]*%\)", "", move.reason)
        assert set(re.findall(r"\d[\d,]*\.?\d*", said)) <= known
        share = re.search(r"\(([^)]*)%\)", move.reason)
        if share:
            assert float(share[1]) == pytest.approx(100 * move.share, abs=0.051)


def test_an_optimal_move_is_never_against_its_own_reason():
    for seed in range(6):
        free, known = plan(max_change="100%"), history(seed=seed)
        decision = bo.reallocate(free, known, policy=bo.PosteriorMean())
        assert not [m.reason for m in decision.moves if "though" in m.reason]


def test_a_move_against_the_margin_says_so():
    decision = bo.reallocate(free(), history(), policy=Fixed(20, 50, 260))
    assert any("though" in move.reason for move in decision.moves)


def test_worth_is_the_difference_on_the_curve():
    decision = bo.reallocate(plan(), history())
    curve = bo.learn(history(), plan()).mean()
    before = np.array([float(m.before) for m in decision.moves])
    after = np.array([float(m.after) for m in decision.moves])
    worth = [m.worth for m in decision.moves]
    assert worth == pytest.approx(np.abs(curve.value(after) - curve.value(before)))
    assert decision.gain == pytest.approx(float((curve.value(after) - curve.value(before)).sum()))


def test_a_decision_survives_json():
    channels = [*(bo.Channel(n) for n in NAMES), bo.Channel("new")]
    for policy in (None, bo.Thompson(3)):
        decision = bo.reallocate(plan(channels=channels), history(), policy=policy, seed=5)
        again = bo.Decision.from_json(decision.to_json())
        assert again == decision
        assert again.to_json() == decision.to_json()


def test_a_decision_that_was_tampered_with_is_refused():
    data = bo.reallocate(plan(), history()).to_dict()
    data["allocation"]["spend"]["feed"] = "9999.00"
    with pytest.raises(bo.VerificationError):
        bo.Decision.from_dict(data)
    data = bo.reallocate(plan(), history()).to_dict()
    data["moves"][1]["after"] = "1.00"
    with pytest.raises(bo.InputError, match="moves"):
        bo.Decision.from_dict(data)


@pytest.mark.parametrize(
    "change",
    [
        {"schema_version": 2},
        {"week": "soon"},
        {"fired": [1]},
        {"moves": [1]},
        {"allocation": {}},
        {"words": 5},
    ],
)
def test_what_is_no_decision_is_refused(change):
    data = bo.reallocate(plan(), history()).to_dict() | change
    with pytest.raises(bo.InputError) as error:
        bo.Decision.from_dict(data)
    assert error.value.code == "bad-argument"


def test_text_that_is_not_json_is_refused():
    with pytest.raises(bo.InputError, match="not JSON"):
        bo.Decision.from_json("{")


def test_an_infeasible_week_is_refused():
    floors = [bo.Channel(n, floor=120) for n in NAMES]
    with pytest.raises(bo.InfeasibleError):
        bo.reallocate(plan(channels=floors, max_change="none"), history())


def test_money_comes_in_whole_steps_and_sums_exactly():
    decision = bo.reallocate(plan(step=5), history())
    assert all(m.after % 5 == 0 for m in decision.moves)
    assert decision.allocation.total == sum(m.after for m in decision.moves) <= 330


PRINT_DECISION = """
import sys
import budgetopt as bo
plan = bo.Plan.load(sys.argv[1])
past = bo.History.read(sys.argv[2], plan.columns, channels=plan.names)
sys.stdout.buffer.write(bo.reallocate(plan, past, policy=bo.Thompson(), seed=7).to_json().encode())
"""


def test_the_same_bytes_in_another_process_with_another_hash_seed_and_shuffled_rows(tmp_path):
    declared = plan()
    (tmp_path / "plan.json").write_text(declared.to_json(), encoding="utf-8")
    rows = history().to_frame()
    shuffled = rows.sample(frac=1, random_state=4)
    answers = set()
    for number, (frame, seed) in enumerate([(rows, "0"), (rows, "1"), (shuffled, "2")]):
        path = tmp_path / f"{number}.csv"
        frame.to_csv(path, index=False)
        command = [sys.executable, "-c", PRINT_DECISION, str(tmp_path / "plan.json"), str(path)]
        env = os.environ | {"PYTHONHASHSEED": seed}
        answers.add(subprocess.run(command, check=True, capture_output=True, env=env).stdout)
    here = bo.reallocate(declared, history(), policy=bo.Thompson(), seed=7).to_json()
    assert answers == {here.encode()}


def test_the_order_of_channels_decides_nothing_but_order():
    decision = bo.reallocate(plan(), history())
    turned = bo.reallocate(plan(channels=[bo.Channel(n) for n in NAMES[::-1]]), history())
    assert turned.allocation.spend == decision.allocation.spend


def test_decisions_are_values():
    decision = bo.reallocate(plan(), history())
    assert decision == bo.reallocate(plan(), history())
    assert decision != replace(decision, seed=1)


def grouped(at_most, **changes):
    labels = {"百度 Baidu": {"kind": "x"}, "feed": {"kind": "x"}, "kol": {}}
    channels = [bo.Channel(n, labels=labels[n]) for n in NAMES]
    limit = Limit.group("the x group", {"kind": "x"}, at_most=at_most)
    return plan(channels=channels, limits=[limit], step="0.01", **changes)


def share_of_group(decision):
    spend = decision.allocation.spend
    return (spend["百度 Baidu"] + spend["feed"]) / decision.allocation.total


@pytest.mark.parametrize("policy", POLICIES)
def test_every_policy_keeps_limits_across_channels(policy):
    # Last week the group had 65 %.
    decision = bo.reallocate(grouped("60%"), history(), policy=policy_named(policy))
    assert share_of_group(decision) <= Decimal("0.6")


def test_the_nearest_split_that_keeps_a_limit_is_taken_by_hold():
    before = history().spend[-1]
    decision = bo.reallocate(grouped("60%"), history(), policy=bo.HoldSteady())
    after = np.array([float(m.after) for m in decision.moves])
    # The two of the group give way, the third takes some of it, none by a sixth.
    assert np.all(after[:2] < before[:2])
    assert after[2] > before[2]
    assert np.all(np.abs(after - before) < before / 6)


def test_a_policy_of_ones_own_may_not_break_a_limit_across_channels():
    with pytest.raises(bo.VerificationError, match="broke the limit 'the x group'"):
        bo.reallocate(grouped("60%"), history(), policy=Fixed(120, 90, 115))


def test_reasons_count_the_price_of_limits_across_channels():
    decision = bo.reallocate(grouped("60%"), history(), policy=bo.PosteriorMean())
    assert "the x group" in decision.allocation.prices
    assert not [m.reason for m in decision.moves if "though" in m.reason]


@pytest.mark.parametrize("limit", [Limit.roas(3.1), Limit.turnover(20)], ids=lambda x: x.name)
@pytest.mark.parametrize("policy", POLICIES)
def test_every_policy_keeps_limits_on_outcomes_and_moves(policy, limit):
    declared = plan(limits=[limit], step="0.01")
    decision = bo.reallocate(declared, history(), policy=policy_named(policy))
    week = decision.allocation
    if limit.name == "ROAS":
        assert week.outcome >= 3.1 * float(week.total) * (1 - 1e-9)
    else:
        assert sum(abs(m.change) for m in decision.moves) <= 20


def test_the_range_of_what_moves_is_that_of_the_beliefs_draws():
    """Recomputed draw by draw, from the belief that the decision learned."""
    decision = bo.reallocate(plan(), history(), seed=3)
    belief = bo.learn(history(), plan())
    rng = np.random.default_rng(3)
    drawn = belief.draw(rng, 1000)
    # Beyond what was seen all channels share a doubt.
    drawn = Extrapolated(drawn, belief.trusted_range, rng.standard_normal((1000, 1)))
    before, after = (
        np.array([float(getattr(m, end)) for m in decision.moves]) for end in ("before", "after")
    )
    worth = np.sort(np.abs(drawn.value(after) - drawn.value(before)), axis=0)
    for at, move in enumerate(decision.moves):
        assert worth[48, at] <= move.low <= worth[51, at]
        assert worth[948, at] <= move.high <= worth[951, at]
        assert move.low <= move.worth <= move.high


def test_why_nothing_moves_is_said():
    held = bo.reallocate(plan(), history(), policy=bo.HoldSteady())
    more = show_bound(held.allocation.bound - held.allocation.outcome, 3)
    assert "policy hold keeps last week's split; no other" in held.why_nothing_moves()
    assert held.why_nothing_moves().endswith(f" returns more than {more} more.")
    frozen = Guardrails(freezes=[(held.week.start, held.week.end)])
    still = bo.reallocate(plan(), history(), guardrails=frozen)
    assert still.why_nothing_moves() == "No changes: spend is frozen."
    assert bo.reallocate(plan(), history()).why_nothing_moves() == ""


@pytest.mark.parametrize("language", ["en", "zh"])
def test_a_channel_without_any_data_is_marked_as_an_estimate_on_priors(language):
    past = history()
    wider = bo.Plan(
        budget=plan().budget,
        currency="CNY",
        channels=[*(bo.Channel(name) for name in NAMES), bo.Channel("untried", floor=20)],
    )
    decision = bo.reallocate(wider, past)
    held = {move.channel: getattr(move.held, "code", "") for move in decision.moves}
    assert held == dict.fromkeys(NAMES, "") | {"untried": "prior-only-here"}
    words = {"en": "prior only", "zh": "仅按预设值"}[language]
    (row,) = (
        line
        for line in bo.report.decision_table(decision, language=language).splitlines()
        if line.startswith("untried")
    )
    assert words in row
    why = {"en": "rests on the prior alone", "zh": "只能按预设值估计"}[language]
    assert why in bo.i18n.in_language(decision.moves[-1].reason, language)
    assert words in bo.report.page(decision, language=language)
    assert bo.Decision.from_json(decision.to_json()) == decision
    cases = bo.what_if(wider, None, {"less": {"budget": "-5%"}}, history=past)
    assert cases.notes[0].code == "prior-only"
    assert "untried" in str(cases.notes[0])
    assert "prior-only" not in [
        note.code for note in bo.what_if(plan(), None, {}, history=past).notes
    ]
    # Where it gets nothing, nothing is said of it; a curve that was pinned is the user's word.
    none = bo.reallocate(
        bo.Plan(
            budget=wider.budget,
            currency="CNY",
            channels=[*wider.channels[:-1], bo.Channel("untried", locked=0)],
        ),
        past,
    )
    assert none.moves[-1].held == ""


def test_few_weeks_are_noted_and_enough_are_not():
    codes = {
        count: [note.code for note in bo.reallocate(plan(), history(weeks=count)).notes]
        for count in (7, 8)
    }
    assert "few-weeks" in codes[7]
    assert "few-weeks" not in codes[8]
