"""Sentences: text in English that can be said again in another language."""

import json
import pickle

import pytest

from budgetopt.errors import InputError
from budgetopt.words import in_language, joined, listed, quoted, restored, say, templates_of

FROZEN = "nothing moves, as {first} to {last} is frozen"


def test_a_sentence_is_its_english_text():
    said = say(FROZEN, first="2026-11-09", last="2026-11-11")
    assert said == "nothing moves, as 2026-11-09 to 2026-11-11 is frozen"
    assert in_language(said, "en") == said


def test_another_language_says_the_same_values():
    said = say(FROZEN, first="2026-11-09", last="2026-11-11")
    assert in_language(said, "zh") == "2026-11-09 至 2026-11-11 为冻结期，预算不调整"


def test_nested_sentences_and_lists_are_said_in_the_language_too():
    inner = say(FROZEN, first="a", last="b")
    outer = say("{what}; {names}", what=inner, names=("x", "y"))
    assert outer == "nothing moves, as a to b is frozen; x, y"
    again = restored(str(outer), json.loads(json.dumps(templates_of([outer, "plain"]))))
    assert again == outer
    assert in_language(again.values["what"], "zh") == "a 至 b 为冻结期，预算不调整"


def test_what_has_no_template_or_translation_stays_english():
    assert in_language("plain text", "zh") == "plain text"
    assert in_language(say("never translated {x}", x=1), "zh") == "never translated 1"
    assert restored("plain text", {}) == "plain text"


@pytest.mark.parametrize(
    "kept",
    [
        5,
        {"a to b": 5},
        {"a to b": {"template": "{first} to {last}"}},
        {"a to b": {"template": "{first} to {last}", "values": {"first": "a"}}},
        {"a to b": {"template": "{first} to {last}", "values": {"first": "a", "last": "c"}}},
        {"a to b": {"template": "{first} to {last", "values": {"first": "a", "last": "b"}}},
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


def test_sentences_survive_pickling():
    said = say(FROZEN, first="a", last="b")
    again = pickle.loads(pickle.dumps(said))
    assert again == said
    assert again.to_dict() == said.to_dict()


def test_an_unknown_language_is_refused():
    with pytest.raises(InputError, match="did you mean 'zh'") as caught:
        in_language("x", "zhh")
    assert caught.value.code == "bad-argument"
