"""Sentences: text in English that can be said again in another language."""

import json
import pickle

import pytest

from budgetopt.errors import InputError
from budgetopt.words import in_language, restored, say, templates_of

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


def test_sentences_survive_pickling():
    said = say(FROZEN, first="a", last="b")
    again = pickle.loads(pickle.dumps(said))
    assert again == said
    assert again.to_dict() == said.to_dict()


def test_an_unknown_language_is_refused():
    with pytest.raises(InputError, match="did you mean 'zh'") as caught:
        in_language("x", "zhh")
    assert caught.value.code == "bad-argument"
