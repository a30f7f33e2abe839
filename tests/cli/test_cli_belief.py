"""``budgetopt reallocate --belief``: a week decided from where an earlier belief stopped."""

import json
from pathlib import Path

import pytest

import budgetopt as bo
from budgetopt.belief import Settings
from budgetopt.policies import NAMES, policy_named

from .helpers import change, cut, over, plan_and_history, run, saved

ON = ("reallocate", "plan.toml", "--history", "new.csv", "--belief", "old.json")


@pytest.fixture
def begun(shop, capsys):
    """A belief of all weeks up to one, and a history that goes on from there."""
    cut(shop, "old.csv", first="2025-07-07", last="2025-10-06")
    cut(shop, "new.csv", first="2025-10-06")
    plan, old = plan_and_history("old.csv")
    belief = bo.learn(old, plan, settings=Settings.fast())
    (shop / "old.json").write_text(json.dumps(belief.to_dict()), encoding="utf-8")
    return shop


def test_the_answer_is_that_of_the_python_call(begun, capsys):
    plan, new = plan_and_history("new.csv")
    decision = bo.reallocate(plan, new, belief=saved("old.json"))
    code, out, err = run(capsys, *ON, "--json")
    assert (code, err) == (0, "")
    assert bo.Decision.from_json(out) == decision


@pytest.mark.parametrize("policy", NAMES)
def test_every_policy_decides(begun, capsys, policy):
    plan, new = plan_and_history("new.csv")
    code, out, err = run(capsys, *ON, "--policy", policy, "--seed", 3, "--json")
    named = policy_named(policy)
    decision = bo.reallocate(plan, new, belief=saved("old.json"), policy=named, seed=3)
    assert (code, err) == (0 if decision.moved else 5, "")
    assert bo.Decision.from_json(out) == decision
    assert sum(decision.allocation.spend.values()) <= plan.spendable


def test_what_was_believed_is_saved_and_goes_on(begun, capsys):
    before = (begun / "old.json").read_bytes()
    first = run(capsys, *ON, "--save-belief", "next.json", "--json")
    assert (first[0], first[2]) == (0, "")
    assert (begun / "old.json").read_bytes() == before
    _, new = plan_and_history("new.csv")
    assert saved("next.json") == saved("old.json").updated(new)
    # From the belief alone: it knows the weeks.
    code, out, err = run(capsys, "reallocate", "plan.toml", "--belief", "next.json", "--json")
    assert (code, err) == (0, "")
    spends = [json.loads(text)["allocation"]["spend"] for text in (first[1], out)]
    assert spends[0] == spends[1]


def test_a_belief_may_be_replaced_by_what_it_became(begun, capsys):
    on = (*ON, "--save-belief", "old.json")
    first = run(capsys, *on)
    assert (first[0], saved("old.json").log.weeks.size) == (0, 19)
    assert run(capsys, *on) == first


def test_a_first_week_may_save_its_belief(shop, capsys):
    cut(shop, "new.csv", first="2025-10-06")
    week = ("reallocate", "plan.toml", "--history", "new.csv", "--save-belief", "b.json")
    assert run(capsys, *week)[0] == 0
    plan, past = plan_and_history("new.csv")
    assert saved("b.json") == bo.learn(past, plan)


def test_the_past_of_an_earlier_week_is_what_is_saved(shop, capsys):
    cut(shop, "new.csv", first="2025-09-01")
    week = ("reallocate", "plan.toml", "--history", "new.csv", "--week", "2025-10-06")
    assert run(capsys, *week, "--save-belief", "b.json")[0] == 0
    assert str(saved("b.json").log.weeks[-1]) == "2025-09-29"


WRONG = [
    (("--belief", "nope.json"), "belief file 'nope.json' cannot be read"),
    (("--belief", "plan.toml"), "is not a belief, it is not JSON"),
    (
        ("--history", "history.csv", "--week", "2025-09-29"),
        "the belief already includes the week of 2025-10-06",
    ),
    (("--history", "late.csv"), "has the week of 2025-10-13, after that of 2025-10-06"),
    (("--save-belief", "plan.toml"), "JSON is written: name a .json file"),
    (("--save-belief", "missing/b.json"), "No such file"),
    (("--save-belief", "x.txt", "--out", "x.txt"), "--save-belief is 'x.txt', which is --out"),
    (
        ("--format", "table", "--out", "old.json"),
        "plain text is written: name a .txt file, or give --format json",
    ),
    (("--format", "json", "--out", "old.json"), "--out is 'old.json', which is an input"),
    (("--save-believe", "b.json"), "no such option: --save-believe"),
    (("--policy", "thompson(1"), "policy 'thompson(1' is not known"),
    (("--policy", "cautious(tompson)"), "did you mean 'thompson'?"),
    (("--data-through", "soon"), "--data-through is 'soon', not a date"),
]


@pytest.mark.parametrize(("options", "said"), WRONG)
def test_wrong_input_changes_nothing(begun, capsys, options, said):
    cut(begun, "late.csv", first="2025-10-20")
    before = {p.name: p.read_bytes() for p in begun.iterdir()}
    code, out, err = run(capsys, *over(ON, options))
    assert (code, out) == (2, "")
    assert said in " ".join(err.split())
    assert "Traceback" not in err
    assert {p.name: p.read_bytes() for p in begun.iterdir()} == before


def test_neither_history_nor_belief_is_refused(shop, capsys):
    code, _, err = run(capsys, "reallocate", "plan.toml")
    assert code == 2
    assert "missing option '--history': give it, or --belief" in err


def test_a_belief_of_other_channels_is_refused(begun, capsys):
    change(begun, "plan.toml", 'name = "360"', 'name = "361"')
    text = Path("new.csv").read_text(encoding="utf-8").replace(",360,", ",361,")
    Path("new.csv").write_text(text, encoding="utf-8")
    code, _, err = run(capsys, *ON, "--json")
    error = json.loads(err)
    assert (code, error["code"], error["field"]) == (2, "unknown-name", "belief")
    assert "the belief names '360'" in error["message"]


def test_a_belief_that_knows_more_is_not_written_over(begun, capsys):
    cut(begun, "late.csv", first="2025-10-20")
    late = ("reallocate", "plan.toml", "--history", "late.csv", "--save-belief", "old.json")
    before = (begun / "old.json").read_bytes()
    code, out, err = run(capsys, *late)
    assert (code, out) == (2, "")
    assert "contains other weeks, '2025-07-07'" in " ".join(err.split())
    assert (begun / "old.json").read_bytes() == before
