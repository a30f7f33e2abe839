"""``budgetopt what-if``: each case is the plan edited by hand, and pages say what is assumed."""

import csv
import dataclasses
import io
import json
import tomllib

import pytest

import budgetopt as bo
from budgetopt.cli import main

PLAN = """
budget = 1000
currency = "CNY"
outcome = "orders"
max_change = "50%"

[[channels]]
name = "抖音"
curve = { kind = "log", top = 300, scale = 200 }

[[channels]]
name = "百度"
curve = { kind = "log", top = 100, scale = 100 }

[[channels]]
name = "360"
floor = 50
curve = { kind = "log", top = 40, scale = 50 }
"""


def run(capsys, *words):
    with pytest.raises(SystemExit) as ended:
        main([str(word) for word in words])
    out, err = capsys.readouterr()
    return ended.value.code, out, " ".join(err.split())


@pytest.fixture
def plan(tmp_path):
    path = tmp_path / "plan.toml"
    path.write_text(PLAN, encoding="utf-8")
    return path


def edited(**changes):
    return bo.Plan.from_dict(tomllib.loads(PLAN) | changes)


def by_hand(case):
    """Return the plan of a case, written anew."""
    data = tomllib.loads(PLAN)
    feed, search, other = data["channels"]
    if case == "budget":
        data["budget"] = 800
    elif case == "price":
        feed["curve"] |= {"scale": 260}  # 1.3 times the money for as much
    elif case == "cap":
        feed["cap"] = 300
    elif case == "without":
        other |= {"floor": 0, "cap": 0}
    elif case == "demand":
        for channel in (feed, search, other):
            channel["curve"]["top"] *= 1.4
    return bo.allocate(bo.Plan.from_dict(data))


def test_every_case_is_the_plan_edited_by_hand(plan, capsys):
    words = ["--budget", "-20%", "--price", "抖音=+30%", "--cap", "抖音=300",
             "--without", "360", "--demand", "+40%"]  # fmt: skip
    code, out, _ = run(capsys, "what-if", plan, *words, "--json")
    assert code == 0
    base, *cases = json.loads(out)["cases"]
    assert base["outcome"] == pytest.approx(bo.allocate(bo.Plan.load(plan)).outcome)
    for case, part in zip(cases, ("budget", "price", "cap", "without", "demand"), strict=True):
        week = by_hand(part)
        assert case["outcome"] == pytest.approx(week.outcome, rel=1e-12)
        split = {name: case[f"spend on {name}"] for name in week.spend}
        assert split == {name: float(money) for name, money in week.spend.items()}
        assert case["changed"][0]["code"] == f"change-{part}"


def test_a_count_has_a_cpa_and_no_roas(plan, capsys):
    for lang in ("en", "zh"):
        _, out, _ = run(capsys, "what-if", plan, "--budget", "-20%", "--lang", lang)
        assert "CPA" in out
        assert "ROAS" not in out
        assert "profit" not in out


def test_rows_add_up_and_name_their_case(plan, capsys):
    _, out, _ = run(capsys, "what-if", plan, "--budget", "x0.8", "--without", "360")
    assert "B budget -20%" in out
    lines = [line.split() for line in out.splitlines()]
    start = next(at for at, line in enumerate(lines) if line[:1] == ["channel"])
    *rows, total = ([float(cell.rstrip("*").replace(",", "")) for cell in line[1:]]
                    for line in lines[start + 1 : start + 5])  # fmt: skip
    assert [round(sum(column), 2) for column in zip(*rows, strict=True)] == total
    assert total == [1000.0, 800.0, 1000.0]


def test_all_together_is_one_case_and_csv_has_a_row_each(plan, capsys):
    words = ("--budget", "-20%", "--demand", "-10%")
    _, out, _ = run(capsys, "what-if", plan, *words, "--together", "--format", "csv")
    rows = list(csv.DictReader(io.StringIO(out)))
    assert [row["change"] for row in rows] == ["as planned", "budget -20%, demand -10%"]


def test_cases_of_the_plan_are_taken_where_none_is_asked(plan, capsys):
    cases = '\n[[cases]]\nname = "dear"\nprice = "+30%"\n'
    plan.write_text(PLAN + cases, encoding="utf-8")
    code, out, _ = run(capsys, "what-if", plan)
    assert code == 0
    assert "B dear" in out
    plan.write_text(PLAN + cases.replace("+30%", "0.3"), encoding="utf-8")
    for command in ("what-if", "check"):
        code, _, err = run(capsys, command, plan)
        assert code == 2
        assert "write a change as '+30%'" in err


def test_what_cannot_be_met_says_why_beside_what_can(plan, capsys):
    code, out, _ = run(capsys, "what-if", plan, "--budget", "-99%", "--demand", "+1%")
    assert code == 0
    assert "budget -99%: no split meets the limits" in " ".join(out.split())


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((), "nothing is asked"),
        (("--budget", "0.8"), "change.budget is '0.8'"),
        (("--price", "抖音=1.3"), "change.price.抖音"),
        (("--price", "抖=+30%"), "not a channel"),
        (("--cap", "8000"), "write the channel, = and the value"),
        (("--budget", "-20%", "--budget", "-10%", "--together"), "--budget is given twice"),
        (("--price", "抖音=+1%", "--price", "抖音=+2%", "--together"), "--price is given twice"),
    ],
)
def test_what_is_asked_wrongly_is_refused(plan, capsys, words, said):
    code, _, err = run(capsys, "what-if", plan, *words)
    assert code == 2
    assert said in err


def test_frontier_and_reallocate_state_what_they_assume(plan, capsys, tmp_path):
    _, out, _ = run(capsys, "frontier", plan, "--budget", "-50%", "--price", "抖音=+30%")
    assert "assumed: budget -50%, price of 抖音 +30%" in out
    _, bare, _ = run(capsys, "frontier", plan)
    assert "assumed" not in bare
    # Twice the budget is the end of the range.
    last = [line.split()[0] for line in out.splitlines() if line.split()[0][0].isdigit()][20]
    assert float(last.replace(",", "")) == 1000.0


def test_reallocate_under_a_change_is_that_of_the_edited_plan():
    weeks = ["2025-01-06", "2025-01-13", "2025-01-20", "2025-01-27"]
    spend = [[400, 100, 50], [300, 200, 60], [500, 150, 70], [450, 180, 80]]
    past = bo.History(
        ("抖音", "百度", "360"), weeks, spend, outcome=[[2 * x for x in row] for row in spend]
    )
    mean = bo.PosteriorMean()
    less = bo.reallocate(edited(), past, policy=mean, change=bo.Change(budget="-20%"))
    # What is believed does not depend on the what-if, and so is learned with the plan as it is.
    learned = bo.learn(past, edited())
    hand = bo.reallocate(edited(budget=800), past, policy=mean, belief=learned)
    assert less.allocation.spend == hand.allocation.spend
    assert any("assumed: budget -20%" in note for note in less.notes)
    for policy in (bo.Thompson(), bo.Optimistic(), bo.UpperQuantile(), mean):
        dear = bo.reallocate(edited(), past, policy=policy, change=bo.Change(price="+50%"))
        usual = bo.reallocate(edited(), past, policy=policy)
        assert dear.allocation.outcome < usual.allocation.outcome


def test_a_budget_may_be_an_amount_where_it_cannot_be_a_share(shop, capsys):
    history = ("--history", "history.csv", "--as-of", "2025-11-20")
    budget = int(bo.Plan.load("plan.toml").budget)
    replaced = dataclasses.replace(bo.Plan.load("plan.toml"), budget=budget - 1000)
    for given in (str(budget - 1000), f"{budget - 1000:,}"):
        code, out, _ = run(capsys, "what-if", "plan.toml", *history, "--budget", given, "--json")
        assert code == 0
        case = json.loads(out)["cases"][1]
        assert case["change"] == f"budget {budget - 1000:,} CNY"
        # What may be spent is less by the reserve.
        assert case["budget"] == float(replaced.spendable)
    for given in ("80", "150", "0.8"):
        code, _, err = run(capsys, "what-if", "plan.toml", *history, "--budget", given)
        assert (code, "change.budget" in err) == (2, True)
