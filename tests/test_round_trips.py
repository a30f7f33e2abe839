"""What goes to JSON comes back to the same text, byte for byte, for every record that is kept."""

from dataclasses import replace
from pathlib import Path

import pytest

import budgetopt as bo
from budgetopt.i18n import in_language

EXAMPLES = Path(__file__).parents[1] / "examples"
PLAN = bo.Plan.load(EXAMPLES / "weekly" / "plan.toml")
HISTORY = bo.History.read(EXAMPLES / "weekly" / "history.csv", PLAN.columns, channels=PLAN.names)

CURVED = bo.Plan(
    budget=200, currency="CNY", outcome="revenue",
    channels=[bo.Channel("a", curve=bo.Log(300, 100)),
              bo.Channel("b", curve=bo.Hill(500, 40, 1), cap=90)],
)  # fmt: skip
SEASONAL = replace(PLAN, demand={"2025-11-24": 1.4})


@pytest.fixture(scope="module")
def records(tmp_path_factory):
    belief, decision = bo.learn(HISTORY, PLAN), bo.reallocate(PLAN, HISTORY)
    last = HISTORY.last_spend
    book = bo.Ledger.open(tmp_path_factory.mktemp("week") / "week.db")
    return {
        "plan": PLAN,
        "history": HISTORY,
        "belief": belief,
        "decision": decision,
        "allocation": decision.allocation,
        # The last is more than all caps let in.
        "frontier": bo.frontier(PLAN, belief, budgets=[15_000, 20_000, 300_000], last=last),
        "frontier of curves": bo.frontier(CURVED, budgets=[50, 100, 200]),
        "frontier of a week": bo.frontier(SEASONAL, belief, budgets=[15_000], week="2025-11-24"),
        "simulation": bo.simulate(
            CURVED,
            bo.Market.of_plan(CURVED),
            ["hold", "equal"],
            weeks=3,
            runs=4,
            regret=True,
            scenarios=[bo.market.Outage(start=2, days=0.5, chance=0.5)],
            last={"a": 100, "b": 80},
        ),
        "run": bo.run_week(PLAN, HISTORY, book, who="cron", today="2025-11-21"),
        "experiment": bo.experiments.read(EXAMPLES / "creatives" / "test.toml"),
    }


WHOLE = ("frontier", "frontier of curves", "frontier of a week", "simulation")
"""What has a summary too, which is not read."""
KINDS = ("plan", "history", "belief", "decision", "allocation", "experiment", "run", *WHOLE)


def written(kind, record):
    return record.to_json(whole=True) if kind in WHOLE else record.to_json()


@pytest.mark.parametrize("kind", KINDS)
def test_a_record_comes_back_from_its_json_byte_for_byte(records, kind):
    record = records[kind]
    text = written(kind, record)
    again = type(record).from_json(text)
    assert written(kind, again) == text
    # Simulations are not compared by their arrays.
    assert again == record or kind == "simulation"
    assert repr(again) == repr(record)


def test_a_frontier_answers_what_it_did_once_it_has_come_back(records):
    for kind in ("frontier", "frontier of curves"):
        line = records[kind]
        again = bo.Frontier.from_json(line.to_json(whole=True))
        assert again.budget_at(1.0) == line.budget_at(1.0)
        assert again.summary() == line.summary()
        assert bo.report(again, language="zh") == bo.report(line, language="zh")


def test_simulated_years_answer_what_they_did_once_they_have_come_back(records):
    years = records["simulation"]
    again = bo.Simulation.from_json(years.to_json(whole=True))
    assert again.to_json() == years.to_json()
    assert again.summary("zh") == years.summary("zh")
    assert again.to_frame("channel").equals(years.to_frame("channel"))
    assert again.difference("equal", "hold") == years.difference("equal", "hold")


def test_a_run_says_in_chinese_what_it_did_once_it_has_come_back(records):
    run = records["run"]
    again = bo.WeekRun.from_json(run.to_json())
    for mine, other in zip((*again.notes, *again.needs), (*run.notes, *run.needs), strict=True):
        assert in_language(mine, "zh") == in_language(other, "zh")
    assert again.pace.to_dict() == run.pace.to_dict()


@pytest.mark.parametrize("kind", WHOLE)
def test_a_summary_is_refused_with_what_to_give_in_its_place(records, kind):
    record = records[kind]
    with pytest.raises(bo.InputError, match=r"to_dict\(whole=True\)"):
        type(record).from_json(record.to_json())


def test_curves_of_ones_own_class_are_refused_where_they_would_be_written():
    given = {"a": bo.Log(200, 100), "b": bo.Points([0, 10, 50], [0, 20, 40])}
    line = bo.frontier(CURVED, given, budgets=[50, 100])
    assert bo.Frontier.from_json(line.to_json(whole=True)) == line
    other = replace(line, source=line.source._replace(curves=object()))
    with pytest.raises(bo.InputError) as caught:
        other.to_json(whole=True)
    assert caught.value.code == "bad-argument"


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("text", ["null", "[1]", '"x"', "{}", "{", "3"])
def test_another_text_is_refused_in_words(records, kind, text):
    with pytest.raises(bo.InputError) as caught:
        type(records[kind]).from_json(text)
    assert "object" not in str(caught.value) or "JSON" in str(caught.value)
    assert "NoneType" not in str(caught.value)
    assert "subscriptable" not in str(caught.value)
