"""Names of any script work; what would act on a terminal or hide in a name is refused."""

import json
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

import budgetopt as bo
from budgetopt.errors import BudgetoptError, InputError, did_you_mean
from budgetopt.experiments.settings import as_arm
from budgetopt.untrusted import escaped, is_safe, twin_key

GOOD = [
    "tv",
    "小红书",
    "a b/c",
    "=sum",
    "👩\u200d👩\u200d👧",
    "❤\ufe0f",
    "حملة",
    "קמפיין",
    "é",
    "n" * 300,
    "\U0001f3f4\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f",
    "می\u200cخواهم",
]
BAD = [
    "a\x1b[2Jb",
    "a\x9b2Jb",
    "a\nb",
    "a\tb",
    "a\rb",
    "a\u2028b",
    "a\u2029b",
    "a\u202eb",
    "a\u2066b",
    "a\u200eb",
    "a\x7fb",
    "a\x85b",
    "a\x00b",
    "a\U000e0041b",
    "a\ud800b",
]
TWINS = [
    ("café", "cafe\u0301"),
    ("tv", "t\u200bv"),
    ("tv", "tv\ufeff"),
    ("tv", "t\u00adv"),
    ("tv", "tv "),
    ("한", "\u1112\u1161\u11ab"),
    ("❤", "❤\ufe0f"),
    ("tv", "tv\u2060"),
]
HEAD = "week,channel,spend,outcome\n"


def csv_of(path, *names):
    quoted = ['"' + name.replace('"', '""') + '"' for name in names]
    path.write_bytes((HEAD + "".join(f"2026-11-16,{n},10,20\n" for n in quoted)).encode("utf-8"))
    return path


def plan_of(*names):
    return bo.Plan(budget=100, currency="CNY", channels=[bo.Channel(name) for name in names])


@pytest.mark.parametrize("name", GOOD)
def test_names_of_any_script_and_emoji_work(tmp_path, name):
    plan = plan_of(name, "other")
    past = bo.History.read(csv_of(tmp_path / "h.csv", name, "other"), channels=plan.names)
    assert past.channels == (name, "other")
    assert escaped(name) == name
    assert bo.Plan.from_json(plan.to_json()) == plan


@pytest.mark.parametrize("name", BAD)
def test_what_would_act_on_a_terminal_is_refused_and_shown_escaped(tmp_path, name):
    asks = [
        lambda: bo.Channel(name),
        lambda: bo.Channel("a", labels={"platform": name}),
        lambda: bo.Channel("a", labels={name: "x"}),
        lambda: bo.Plan(budget=1, currency="CNY", channels=[bo.Channel("a")], name=name),
        lambda: bo.Plan(budget=1, currency="CNY", channels=[bo.Channel("a")], outcome=name),
        lambda: bo.Plan(budget=1, currency="CNY", channels=[bo.Channel("a")],
                        limits=[bo.Limit.group(name, ["a"], at_most=1)]),
        lambda: bo.Plan(budget=1, currency="CNY", channels=[bo.Channel("a")],
                        scenarios=[{"kind": "overspend", "name": name}]),
        lambda: bo.Plan(budget=1, currency="CNY", channels=[bo.Channel("a")],
                        operation={"approval": {"total": 1, "approvers": [name]}}),
        lambda: bo.Plan(budget=1, currency="CNY", channels=[bo.Channel("a")],
                        events={name: "2026-11-16"}),
        lambda: as_arm(name),
    ]  # fmt: skip
    if "\ud800" not in name:
        asks.append(lambda: bo.History.read(csv_of(tmp_path / "h.csv", name)))
    for ask in asks:
        with pytest.raises(InputError) as caught:
            ask()
        assert caught.value.code in ("bad-name", "bad-file")
        assert str(caught.value).isprintable()
        assert escaped(json.dumps(caught.value.to_dict(), ensure_ascii=False)).isprintable()


@pytest.mark.parametrize(("one", "other"), TWINS)
def test_twins_are_refused(tmp_path, one, other):
    asks = [
        lambda: plan_of(one, other),
        lambda: bo.History.read(csv_of(tmp_path / "h.csv", one)).select([other]),
        lambda: bo.History.read(csv_of(tmp_path / "h.csv", one), channels=[other]),
    ]
    if other.strip() != one:  # Spaces around the names of a file are left out.
        asks.append(lambda: bo.History.read(csv_of(tmp_path / "h.csv", one, other)))
    for ask in asks:
        with pytest.raises(InputError) as caught:
            ask()
        assert caught.value.code in ("bad-name", "unknown-name")
        assert ascii(other) in str(caught.value)


def test_a_name_of_which_nothing_is_seen_is_blank():
    for name in ("\u200b", " \u2060 ", "\u3164"):
        with pytest.raises(InputError, match="blank or not text"):
            bo.Channel(name)


def test_a_look_alike_is_suggested_in_letters_that_differ():
    assert did_you_mean("cafe\u0301", ["café"]) == (
        "write it as 'caf\\xe9', which looks the same as 'cafe\\u0301'"
    )


@given(st.text())
def test_escaped_text_is_safe_line_by_line_and_the_same_data_in_json(text):
    shown = escaped(text)
    assert all(map(is_safe, shown.split("\n")))
    assert escaped(shown) == shown
    whole = text.encode("utf-8", "replace").decode()
    assert json.loads(escaped(json.dumps(whole, ensure_ascii=False))) == whole


@given(st.text())
def test_twins_have_one_key_however_they_are_composed(text):
    for form in ("NFC", "NFD"):
        assert twin_key(unicodedata.normalize(form, text)) == twin_key(text)
    assert twin_key(twin_key(text)) == twin_key(text)


def test_an_endless_value_does_not_make_an_endless_message():
    with pytest.raises(BudgetoptError) as caught:
        bo.Plan(budget="9" * 1_000_000, currency="CNY", channels=[bo.Channel("a")])
    assert len(str(caught.value)) < 10_000
    assert len(json.dumps(caught.value.to_dict())) < 20_000
