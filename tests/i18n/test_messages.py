"""Messages: text in English that can be said again in another language."""

import json
import math
import pickle
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from budgetopt.errors import InputError
from budgetopt.i18n import (
    in_language,
    joined,
    listed,
    messages_of,
    quoted,
    restored,
    say,
    show_bound,
)

FROZEN = "week-frozen"
RECORDED = Path(__file__).parent / "templates.json"
"""Words of an entry as the version before codes recorded them; the second is worded so no more."""


def test_a_message_is_its_english_text():
    said = say(FROZEN, first="2026-11-09", last="2026-11-11")
    assert said == "no changes: frozen from 2026-11-09 to 2026-11-11"
    assert in_language(said, "en") == said


def test_another_language_says_the_same_values():
    said = say(FROZEN, first="2026-11-09", last="2026-11-11")
    assert in_language(said, "zh") == "预算不调整：2026-11-09 至 2026-11-11 冻结"


def test_nested_messages_and_lists_are_said_in_the_language_too():
    inner = say(FROZEN, first="a", last="b")
    outer = say("clauses", one=inner, other=("x", "y"))
    assert outer == "no changes: frozen from a to b; x, y"
    again = restored(str(outer), json.loads(json.dumps(messages_of([outer, "plain"]))))
    assert again == outer
    assert in_language(again.values["one"], "zh") == "预算不调整：a 至 b 冻结"


def test_plain_text_stays_as_it_is():
    assert in_language("plain text", "zh") == "plain text"
    assert restored("plain text", {}) == "plain text"


def test_a_message_that_is_worded_otherwise_today_keeps_code_and_values():
    kept = {"Frozen: a to b.": {"code": FROZEN, "values": {"first": "a", "last": "b"}}}
    again = restored("Frozen: a to b.", kept)
    assert (again.code, again.values) == (FROZEN, {"first": "a", "last": "b"})
    assert again == "no changes: frozen from a to b"


@pytest.mark.parametrize(
    "made",
    [
        {"code": "of-another-version", "values": {"first": "a", "last": "b"}},
        {"code": FROZEN, "values": {"first": "a"}},
        {"code": "clauses", "values": {"one": {"code": "unknown", "values": {}}, "other": "a"}},
        {"template": "worded {first} to {last}", "values": {"first": "a", "last": "b"}},
    ],
)
def test_what_has_no_text_today_stays_the_english_that_was_recorded(made):
    again = restored("worded a to b", {"worded a to b": made})
    assert type(again) is str
    assert again == "worded a to b"


def test_a_record_from_before_there_were_codes_is_read_by_its_english():
    made = json.loads(RECORDED.read_text("utf-8"))
    for text in made["texts"]:
        again = restored(text, made["words"])
        assert again == text or again.code == "held-while-frozen"
    said, old = (restored(text, made["words"]) for text in made["texts"][:2])
    assert (said.code, said.values["held"].code) == ("held-while-frozen", "channels-held")
    assert said.endswith("are held: frozen from 2026-11-09 to 2026-11-15 ('11.11')")
    assert in_language(said, "zh") == (
        "feed（30,000）、search（12,000）维持不变：2026-11-09 至 2026-11-15 冻结（“11.11”）"
    )
    assert type(old) is str


@pytest.mark.parametrize(
    "kept",
    [
        5,
        {"a to b": 5},
        {"a to b": {"template": "{first} to {last}"}},
        {"a to b": {"template": "{first} to {last}", "values": {"first": "a"}}},
        {"a to b": {"template": "{first} to {last}", "values": {"first": "a", "last": "c"}}},
        {"a to b": {"template": "{first} to {last", "values": {"first": "a", "last": "b"}}},
        {"a to b": {"code": FROZEN}},
        {"a to b": {"code": FROZEN, "values": {"first": "a", "last": "c"}}},
        {"a to b": ["a to b"]},
    ],
)
def test_what_does_not_make_its_text_is_refused(kept):
    with pytest.raises(InputError, match="does not make it") as caught:
        restored("a to b", kept)
    assert caught.value.field == "words"


def test_names_are_quoted_and_lists_end_as_each_language_does():
    names = [quoted(name) for name in ("a'b", "微信", "c")]
    assert listed(names) == "\"a'b\", '微信', 'c'"
    assert in_language(listed(names), "zh") == "“a'b”、“微信”、“c”"
    assert listed(names, 2) == "\"a'b\", '微信' and 1 more"
    assert in_language(listed(names, 2), "zh") == "“a'b”、“微信”及另外 1 个"
    assert listed(names, 3) == listed(names)
    assert joined(names[:1]) is names[0]
    assert joined(["a", "b", "c"]) == "a and b and c"


def test_messages_survive_pickling():
    said = say(FROZEN, first="a", last="b")
    again = pickle.loads(pickle.dumps(said))
    assert again == said
    assert again.to_dict() == said.to_dict()


def test_an_unknown_language_is_refused():
    with pytest.raises(InputError, match="did you mean 'zh'") as caught:
        in_language("x", "zhh")
    assert caught.value.code == "bad-argument"


def test_one_of_a_kind_is_in_the_singular():
    counted = {"critical": 0, "info": 2}
    assert "1 warning," in say("alerts-counted", warning=1, **counted)
    assert "0 warnings," in say("alerts-counted", warning=0, **counted)
    assert say("count-weeks", count=1) == "1 week"
    assert say("ledger-problems", count="1,001", problems="1") == "1,001 entries, with 1 problem:"
    assert in_language(say("count-weeks", count=1), "zh") == "1 周"


def test_a_count_recorded_before_there_were_codes_is_in_the_singular_today():
    kept = {"template": "{channel} has been at its {limit} for {weeks} weeks, since {first}",
            "values": {"channel": "a", "limit": "cap", "weeks": "1", "first": "b"}}  # fmt: skip
    text = "a has been at its cap for 1 weeks, since b"
    assert restored(text, {text: kept}).code == "stuck-at-limit"


@given(st.floats(1e-12, 1e12), st.integers(1, 6))
def test_a_bound_is_never_said_tighter_than_it_is(bound, digits):
    """In exact decimals: the number said is the nearest of its digits on the loose side."""
    most, least = (
        float(show_bound(bound, digits, least=least).replace(",", "")) for least in (False, True)
    )
    assert least * (1 - 1e-8) <= bound <= most * (1 + 1e-8)
    assert most - least <= 1.001 * 10.0 ** (math.floor(math.log10(bound)) - digits + 1)
    assert float(f"{bound:.{digits - 1}e}") in (pytest.approx(most), pytest.approx(least))
