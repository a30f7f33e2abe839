"""What people do with a week: approve, reject, edit, apply, measure and release."""

import datetime as dt

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import budgetopt as bo
from budgetopt.i18n import in_language
from budgetopt.weekly.reallocate import belief_for
from budgetopt.workflow import ledger_of, priced, reject, run_week, state_of, states_of
from budgetopt.workflow.approval import apply, approve, edit, release
from budgetopt.workflow.measure import measure
from budgetopt.workflow.snapshot import take_snapshot
from budgetopt.workflow.week_state import NEXT

from .helpers import FIRST, NAMES, WEEK, history, ledger, plan


@pytest.fixture
def book(tmp_path):
    return ledger(tmp_path)


def propose(book, declared=None, **changes):
    declared = plan() if declared is None else declared
    given = {"who": "cron", "today": FIRST} | changes
    return run_week(declared, history(), book, **given)


def refused(code, call, *given, **named):
    with pytest.raises(bo.BudgetoptError) as caught:
        call(*given, **named)
    assert caught.value.code == code
    return caught.value


def test_an_approval_says_who_and_why(book):
    propose(book)
    state = approve(book, plan(), FIRST + dt.timedelta(days=3), who="ann", why="as agreed")
    assert (state.state, state.revision) == ("approved", 1)
    entry = book.latest("approval")
    assert (entry.who, entry.week, entry.revision) == ("ann", FIRST, 1)
    assert entry.data["why"] == ["as agreed"]
    assert "is approved, revision 1" in str(refused("wrong-state", approve, book, plan(), FIRST,
                                                    who="ann"))  # fmt: skip


def test_a_plan_changed_after_the_proposal_makes_nobody_an_approver(book):
    declared = plan({"approval": {"total": 0, "approvers": ["ann"]}})
    week = propose(book, declared).week
    with pytest.raises(bo.InputError, match="not the one that the week was proposed from"):
        approve(book, plan({"approval": {"total": 0, "approvers": ["bob"]}}), week, who="bob")
    assert approve(book, declared, week, who="ann").state == "approved"


def test_nobody_is_called_by_the_name_of_the_rules(book):
    declared = plan()
    week = propose(book, declared).week
    for command in (approve, reject):
        with pytest.raises(bo.InputError, match="who is ' rule'"):
            command(book, declared, week, who=" rule", why="because")


def test_only_approvers_approve_and_anybody_rejects(book):
    declared = plan({"approval": {"total": 0, "approvers": ["ann"]}})
    propose(book, declared)
    error = refused("unknown-name", approve, book, declared, FIRST, who="anne")
    assert "did you mean 'ann'?" in error.remedy
    assert reject(book, declared, FIRST, who="bob", why="no").state == "rejected"


def test_a_revision_that_was_not_looked_at_is_not_approved(book):
    propose(book)
    propose(book, seed=1)
    refused("wrong-state", approve, book, plan(), FIRST, who="ann", revision=1)
    assert approve(book, plan(), FIRST, who="ann", revision=2).state == "approved"


@pytest.mark.parametrize("why", ["", "  ", None])
def test_a_rejection_and_an_edit_need_a_reason(book, why):
    propose(book)
    refused("bad-argument", reject, book, plan(), FIRST, who="ann", why=why)
    refused("bad-argument", edit, book, plan(), history(), FIRST, {}, who="ann", why=why)
    refused("bad-argument", approve, book, plan(), FIRST, who=why)
    error = refused("bad-argument", reject, book, plan(), FIRST, who="ann", why=why)
    assert str(error) == "why is missing: give the reason in a few words, as --why TEXT"


def test_an_approval_can_be_taken_back_until_it_is_applied(book):
    propose(book)
    approve(book, plan(), FIRST, who="ann")
    assert reject(book, plan(), FIRST, who="ann", why="second thoughts").state == "rejected"
    refused("wrong-state", apply, book, plan(), FIRST, who="ann")
    refused("wrong-state", approve, book, plan(), FIRST, who="ann")


def test_a_week_without_a_proposal_has_nothing_to_approve(book):
    error = refused("wrong-state", approve, book, plan(), FIRST, who="ann")
    assert str(error) == (
        "the week of 2026-03-30 has no proposal: it cannot be approved now; possible is: week"
    )


def expected(declared, spends, week=FIRST):
    """Return what a split brings by the curves that the week was decided from."""
    past = history().until(week).complete()
    belief = belief_for(declared, past, week, None)
    return float(belief.mean().value(np.array([float(spends[n]) for n in NAMES])).sum())


def test_an_edit_is_priced_by_the_curves_of_the_proposal(book):
    found = propose(book)
    spends = dict(found.decision.allocation.spend)
    other = {"search": spends["search"] - 60, "kol": spends["kol"] + 40}
    made = edit(book, plan(), history(), FIRST, other, who="bob", why="the shop asks for it")
    assert made.decision.allocation.spend == spends | other
    assert made.instead == found.decision.allocation.outcome == expected(plan(), spends)
    assert made.decision.allocation.outcome == expected(plan(), spends | other)
    assert made.cost == made.instead - made.decision.allocation.outcome
    assert made.cost > 0
    figure = f"{made.cost:.4g}"
    assert made.sentence("revenue") == f"this edit costs {figure} of expected revenue this week"
    assert in_language(made.sentence("revenue"), "zh") == (
        f"本次修改预计使当周 revenue 减少 {figure}"
    )
    assert (made.state.state, made.state.revision) == ("edited", 2)
    assert made.decision.allocation.bound >= made.decision.allocation.objective
    assert made.decision.allocation.spread is not None
    assert book.latest("edit").data["cost"] == made.cost
    run = propose(book)
    assert (run.state, run.revision, run.new) == ("edited", 2, False)
    assert run.decision.to_json() == made.decision.to_json()


def test_an_edit_has_the_curves_of_the_proposal_in_a_phase_with_released_money_too(book):
    last = FIRST + dt.timedelta(days=6)
    phase = {"name": "burst", "first": str(FIRST), "last": str(last), "budget": 3600}
    declared = plan({"phases": [phase | {"kind": "burst"}]}, reserve=bo.Reserve("10%"))
    release(book, declared, 50, who="ann", why="rival", today=FIRST)
    found = propose(book, declared)
    assert found.decision.allocation.budget == 3600 - 360 + 50
    made = edit(book, declared, history(), FIRST, {}, who="bob", why="to see")
    assert made.cost == 0
    assert made.instead == found.decision.allocation.outcome
    assert made.decision.allocation.rules == found.decision.allocation.rules


def test_a_second_edit_is_priced_against_the_proposal_too(book):
    spends = dict(propose(book).decision.allocation.spend)
    worse = {"search": spends["search"] - 60, "kol": spends["kol"] + 40}
    first = edit(book, plan(), history(), FIRST, worse, who="bob", why="more kol")
    half = {"search": spends["search"] - 30, "kol": spends["kol"] + 20}
    second = edit(book, plan(), history(), FIRST, half, who="bob", why="not so much")
    assert (first.proposed, second.proposed) == (None, first.instead)
    against = second.proposed - second.decision.allocation.outcome
    assert against == pytest.approx(first.cost + second.cost)
    assert second.cost < 0 < against
    assert second.sentence("revenue") == (
        f"this edit adds {-second.cost:.4g} to expected revenue this week, "
        f"and is {against:.4g} worse than the proposal"
    )
    assert in_language(second.sentence(), "zh").endswith(f"；比系统方案差 {against:.4g}")
    assert book.latest("edit").data["sentence"] == second.sentence(plan().outcome)
    back = edit(book, plan(), history(), FIRST, spends, who="bob", why="as it was")
    assert back.sentence().endswith(", the same as the proposal")


def test_a_freeze_that_does_not_fit_holds_no_edit_either(book):
    last, end = history().last_spend, FIRST + dt.timedelta(days=6)
    freeze = {"name": "launch", "first": str(FIRST), "last": str(FIRST)}
    # The phase has less than the frozen channels had.
    phase = {"name": "quiet", "first": str(FIRST), "last": str(end), "kind": "steady"}
    budget = round(0.8 * sum(last.values())) + 300
    declared = plan({"freezes": [freeze], "phases": [phase | {"budget": budget}]})
    found = propose(book, declared)
    assert found.decision.moved
    less = found.decision.allocation.spend["search"] - 1
    made = edit(book, declared, history(), FIRST, {"search": less}, who="bob", why="one less")
    assert made.decision.allocation.spend["search"] == less


def test_a_channel_without_history_is_no_other_history(book):
    declared = plan(channels=[*map(bo.Channel, NAMES), bo.Channel("shop")])
    propose(book, declared)
    made = edit(book, declared, history(), FIRST, {"search": 1400}, who="bob", why="less")
    assert made.decision.allocation.spend["search"] == 1400


def test_the_same_split_costs_nothing_and_is_the_same_allocation(book):
    found = propose(book)
    made = edit(book, plan(), history(), FIRST, {}, who="bob", why="to see")
    assert made.cost == 0
    assert made.sentence() == "this edit does not change expected outcome"
    one, other = found.decision.allocation, made.decision.allocation
    assert other.spend == one.spend
    assert other.rules == one.rules
    assert other.outcome == one.outcome
    assert other.spread == one.spread
    assert other.limits() == one.limits()
    assert [m.to_dict() for m in made.decision.moves] == [m.to_dict() for m in found.decision.moves]


def test_pricing_records_nothing(book):
    propose(book)
    head = book.head
    found = priced(state_of(book, FIRST), plan(), history(), {"search": 1500})
    assert found.state is None
    assert book.head == head


BROKEN = {
    "max change": ({}, {"search": 3000}, "above its max change"),
    "budget": ({"max_change": "none"}, {"search": 3000}, "above the budget 3,000"),
    "floor": (
        {"channels": [bo.Channel("search", floor=500), *map(bo.Channel, NAMES[1:])],
         "max_change": "none"},
        {"search": 400},
        "below its floor 500",
    ),
    "cap": (
        {"channels": [bo.Channel("search", cap=900), *map(bo.Channel, NAMES[1:])],
         "max_change": "none"},
        {"search": 901},
        "above its cap 900",
    ),
    "step": ({"step": 10}, {"search": 1501}, "not a multiple of the step 10"),
    "group": (
        {"limits": [bo.Limit.group("social", ["feed", "kol"], at_most=1500)],
         "max_change": "none"},
        {"search": 0, "feed": 1000, "kol": 600},
        "the split breaks 'social': feed, kol: at most 1,500 CNY",
    ),
    "freeze": (
        {"operation": {"freezes": [
            {"name": "launch", "first": str(FIRST), "last": str(FIRST), "channels": ["feed"]}
        ]}},
        {"feed": 700},
        "'launch' keeps it at",
    ),
    "all": (
        {"spend": "all", "max_change": "none"},
        {"search": 100},
        "the split breaks 'spend all'",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", BROKEN)
def test_an_edit_that_breaks_a_limit_is_refused_by_its_name(book, name):
    changes, spends, said = BROKEN[name]
    declared = plan(**changes)
    propose(book, declared)
    head = book.head
    error = refused(
        "broken-limit", edit, book, declared, history(), FIRST, spends, who="b", why="x"
    )
    assert isinstance(error, bo.InputError)
    assert said in str(error)
    assert book.head == head


def test_an_edit_from_other_inputs_is_refused(book):
    propose(book)
    for declared, past in ((plan(budget=3400), history()), (plan(), history(11))):
        error = refused(
            "bad-argument", edit, book, declared, past, FIRST, {}, who="bob", why="other"
        )
        assert "is not the one that the week was proposed from" in str(error)
    learned = bo.learn(history().until(FIRST - WEEK), plan())
    error = refused(
        "bad-argument", edit, book, plan(), history(), FIRST, {}, who="bob", why="x", belief=learned
    )
    assert "the belief is not the one" in str(error)
    refused("unknown-name", edit, book, plan(), history(), FIRST, {"x": 1}, who="bob", why="x")
    refused("bad-money", edit, book, plan(), history(), FIRST, {"kol": -1}, who="bob", why="x")


def test_an_edit_under_the_rules_needs_no_name(book):
    declared = plan({"approval": {"channel": 1700}})
    propose(book, declared)
    made = edit(book, declared, history(), FIRST, {"search": 1000}, who="bob", why="less")
    assert (made.needs, made.state.state) == ((), "approved")
    made = edit(book, declared, history(), FIRST, {"search": 1000}, who="bob", why="again")
    assert made.state.revision == 3


COMMANDS = {
    "run": lambda book, n: propose(book, seed=n),
    "approve": lambda book, n: approve(book, plan(), FIRST, who="ann"),
    "reject": lambda book, n: reject(book, plan(), FIRST, who="ann", why="no"),
    "edit": lambda book, n: edit(
        book, plan(), history(), FIRST, {"search": 1500 + n}, who="bob", why="more"
    ),
    "apply": lambda book, n: apply(book, plan(), FIRST, who="bob"),
    "correct": lambda book, n: apply(
        book, plan(), FIRST, who="bob", spends={"kol": 500 + n}, why="a slip"
    ),
}
KIND_OF = {
    "run": "proposal",
    "approve": "approval",
    "reject": "rejection",
    "edit": "edit",
    "apply": "applied",
    "correct": "applied",
}


@settings(max_examples=12, suppress_health_check=list(HealthCheck))
@given(st.lists(st.tuples(st.sampled_from(sorted(COMMANDS)), st.integers(0, 2)), max_size=9))
def test_commands_go_by_the_table_or_are_refused_and_write_nothing(tmp_path_factory, commands):
    book = ledger(tmp_path_factory.mktemp("walk"))
    for name, number in commands:
        before, head = state_of(book, FIRST), book.head
        kind = KIND_OF[name]
        try:
            COMMANDS[name](book, number)
        except bo.InputError as error:
            code = error.code
        else:
            code = ""
        now = state_of(book, FIRST)
        if code:
            assert code == "wrong-state"
            assert book.head == head
            assert kind not in NEXT[before.state] or name == "apply"
        elif book.head != head:
            assert now.state == NEXT[before.state][kind]
        else:
            assert name == "run"
    assert book.verify().problems == ()
    assert states_of(book) in ((), (state_of(book, FIRST),))


@settings(max_examples=8, suppress_health_check=list(HealthCheck))
@given(st.lists(st.tuples(st.integers(0, 7), st.integers(1, 700)), max_size=8))
def test_no_order_of_releases_overdraws_any_week(tmp_path_factory, releases):
    book, declared, taken = ledger(tmp_path_factory.mktemp("releases")), plan(), 0
    for weeks, amount in releases:
        week = FIRST + weeks * WEEK
        try:
            release(book, declared, amount, who="ann", why="x", today=FIRST, week=week)
        except bo.InputError as error:
            refusal = error.code
        else:
            refusal, taken = "", taken + amount
        assert refusal in ("", "bad-argument")
        for at in {0, weeks, 7}:
            snapshot = take_snapshot(book, FIRST + at * WEEK)
            assert snapshot.free(declared).contingency.balance >= 0
            assert snapshot.balances(declared).contingency.balance >= 0
    moved = take_snapshot(book, FIRST).movements
    assert sum(one.amount for one in moved) == taken


def test_where_a_plan_names_approvers_they_apply_and_release(book):
    declared = plan({"approval": {"total": 0, "approvers": ["ann", "eve"]}})
    propose(book, declared)
    money = {"today": FIRST, "why": "a rival", "week": FIRST + WEEK}
    refused("unknown-name", release, book, declared, 10, who="bob", **money)
    assert release(book, declared, 10, who="ann", **money).contingency.taken == 10
    approve(book, declared, FIRST, who="ann")
    refused("unknown-name", apply, book, declared, FIRST, who="bob")
    # A plan that no run has recorded makes nobody an approver.
    mine = plan({"approval": {"total": 0, "approvers": ["bob"]}})
    for own in (mine, plan()):
        refused("unknown-name", apply, book, own, FIRST, who="bob")
        refused("unknown-name", release, book, own, 10, who="bob", **money)
    assert apply(book, declared, FIRST, who="eve").state == "applied"
    assert [entry.who for entry in book.entries(kinds=("release", "applied"))] == ["ann", "eve"]


OTHERS = {
    "name": {"name": "another shop"},
    "currency": {"currency": "USD"},
    "week_start": {"week_start": "sunday"},
    "channels": {"channels": [bo.Channel("baidu"), bo.Channel("kol 2")]},
}


@pytest.mark.parametrize("field", OTHERS)
def test_a_ledger_is_that_of_one_plan(book, field):
    declared, other = plan(name="shop"), plan(**{"name": "shop"} | OTHERS[field])
    propose(book, declared)
    approve(book, declared, FIRST, who="ann")
    none, start = np.zeros((0, len(other.names))), {"week_start": other.week_start}
    past = bo.History(other.names, history().weeks[:0], none, outcome=none, **start)
    before = book.head
    for call in (
        lambda: run_week(other, past, book, who="cron", today=FIRST + WEEK),
        lambda: approve(book, other, FIRST, who="ann"),
        lambda: reject(book, other, FIRST, who="ann", why="no"),
        lambda: apply(book, other, FIRST, who="ann"),
        lambda: release(book, other, 1, who="ann", why="x", today=FIRST),
        lambda: measure(book, other, past, who="ann"),
    ):
        error = refused("bad-argument", call)
        assert error.field == f"plan.{field}"
        assert "the ledger belongs to another plan" in str(error)
    assert book.head == before


@pytest.mark.parametrize(
    "edit_",
    [
        {"name": "shop", "budget": 5000, "max_change": "10%"},
        {"name": "shop", "channels": [bo.Channel(n, cap=900) for n in (*NAMES, "new")]},
    ],
)
def test_a_plan_that_changes_is_the_same_plan(book, edit_):
    propose(book, plan(name="shop"))
    propose(book, plan(**edit_))
    propose(book, plan(name="shop"))
    assert state_of(book, FIRST).revision == 3


# Two shops that differ in nothing but their history, and in what they are called.
TOLD_APART = ({"id": "a"}, {"id": "b"}), ({"name": "a", "id": "1"}, {"name": "a", "id": "2"})


@pytest.mark.parametrize(("one", "other"), TOLD_APART)
def test_two_shops_in_one_ledger_keep_their_weeks(book, tmp_path, one, other):
    (tmp_path / "alone").mkdir()
    alone = ledger(tmp_path / "alone")
    run_week(plan(**one), history(), book, who="cron", today=FIRST)
    approve(book, plan(**one), FIRST, who="ann")
    apply(book, plan(**one), FIRST, who="ann")
    before = ledger_of(book, plan(**one)).entries()
    made = run_week(plan(**other), history(seed=8), book, who="cron", today=FIRST)
    assert (made.new, made.revision, made.changed) == (True, 1, ())
    first = run_week(plan(**other), history(seed=8), alone, who="cron", today=FIRST)
    assert made.decision == first.decision
    approve(book, plan(**other), FIRST, who="bob")
    assert ledger_of(book, plan(**one)).entries() == before
    assert state_of(ledger_of(book, plan(**one)), FIRST).state == "applied"
    assert state_of(ledger_of(book, plan(**other)), FIRST).state == "approved"
    assert book.plans == tuple(sorted((one["id"], other["id"])))
    assert book.verify().good
    # Whoever does not say whose week is meant gets none.
    for call in (lambda: state_of(book, FIRST), lambda: states_of(book), book.entries,
                 lambda: take_snapshot(book, FIRST), lambda: book.latest("plan")):  # fmt: skip
        assert refused("ledger-plans", call).field == "plan_id"
    for anonymous in (plan(), plan(name="a")):
        assert refused("bad-argument", propose, book, anonymous).field == "plan.id"


NAMED = ({"name": "a"}, {"name": "b"}), ({}, {"name": "b"}), ({"name": "a"}, {}), ({}, {"id": "b"})


@pytest.mark.parametrize(("one", "other"), NAMED)
def test_another_shop_does_not_revise_the_first_ones_week(book, one, other):
    propose(book, plan(**one))
    before = book.entries()
    error = refused("bad-argument", propose, book, plan(**other))
    assert error.field in ("plan.name", "plan.id")
    assert book.entries() == before
    # By an id that is chosen it may come in, beside the first.
    chosen = book.of("b")
    assert run_week(plan(**other), history(), chosen, who="cron", today=FIRST).revision == 1
    assert ledger_of(book, plan(**one)).entries() == before
    assert run_week(plan(**one), history(), book, who="cron", today=FIRST).new is False
    assert refused("bad-argument", ledger_of, chosen, plan(id="c")).field == "plan.id"


def test_another_shop_without_a_name_is_known_by_its_history(book):
    propose(book)
    before = book.entries()
    other = history(seed=8)
    for call in (
        lambda: run_week(plan(), other, book, who="cron", today=FIRST),
        lambda: measure(book, plan(), other, who="cron"),
    ):
        error = refused("bad-argument", call)
        assert error.field == "history"
        assert "12 weeks" in error.problem
    assert book.entries() == before
    # One spend that stands is enough, and so is whoever says that all were restated.
    spend = np.array(other.spend)
    spend[0, 0] = history().spend[0, 0]
    mixed = bo.History(other.channels, other.weeks, spend, outcome=other.outcome)
    assert run_week(plan(), mixed, book, who="cron", today=FIRST).revision == 2
    restated = run_week(plan(), history(seed=9), book.of(""), who="cron", today=FIRST)
    assert restated.revision == 3


def test_two_shops_that_begin_a_ledger_at_once(book, monkeypatch):
    """The second one finds the ledger begun when it comes to write."""
    declared, first = plan(name="b"), []
    transaction = bo.Ledger.transaction

    def late(self, who):
        if not first:
            first.append(1)
            propose(book, plan(name="a"))
        return transaction(self, who)

    monkeypatch.setattr(bo.Ledger, "transaction", late)
    assert refused("bad-argument", propose, book, declared).field == "plan.name"
    assert book.plans == ("a",)


@pytest.mark.parametrize("wrong", ["", " ", "a\nb", 3])
def test_an_id_is_a_name(wrong):
    assert refused("bad-name", plan, id=wrong).field == "id"
    assert "id" not in plan().to_dict()
    assert bo.Plan.from_dict(plan(id="a").to_dict()).id == "a"
