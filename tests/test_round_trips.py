"""What goes to JSON comes back to the same text, byte for byte, for every record that is kept."""

from pathlib import Path

import pytest

import budgetopt as bo

EXAMPLES = Path(__file__).parents[1] / "examples"
PLAN = bo.Plan.load(EXAMPLES / "weekly" / "plan.toml")
HISTORY = bo.History.read(EXAMPLES / "weekly" / "history.csv", PLAN.columns, channels=PLAN.names)


@pytest.fixture(scope="module")
def records():
    decision = bo.reallocate(PLAN, HISTORY)
    return {
        "plan": PLAN,
        "history": HISTORY,
        "belief": bo.learn(HISTORY, PLAN),
        "decision": decision,
        "allocation": decision.allocation,
        "experiment": bo.experiments.read(EXAMPLES / "creatives" / "test.toml"),
    }


KINDS = ("plan", "history", "belief", "decision", "allocation", "experiment")


@pytest.mark.parametrize("kind", KINDS)
def test_a_record_comes_back_from_its_json_byte_for_byte(records, kind):
    record = records[kind]
    text = record.to_json()
    again = type(record).from_json(text)
    assert again.to_json() == text
    assert again == record


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("text", ["null", "[1]", '"x"', "{}", "{", "3"])
def test_another_text_is_refused_in_words(records, kind, text):
    with pytest.raises(bo.InputError) as caught:
        type(records[kind]).from_json(text)
    assert "object" not in str(caught.value) or "JSON" in str(caught.value)
    assert "NoneType" not in str(caught.value)
    assert "subscriptable" not in str(caught.value)
