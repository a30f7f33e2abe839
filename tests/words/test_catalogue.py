"""Every template in the source has its Chinese, with the same placeholders."""

import ast
import re
from collections import Counter
from functools import cache
from pathlib import Path
from string import Formatter

import pytest

import budgetopt
from budgetopt.words import in_language, say
from budgetopt.words.zh import ROOMS, ZH

ROOT = Path(budgetopt.__file__).parent
SOURCES = {
    path.relative_to(ROOT).as_posix(): ast.parse(path.read_text("utf-8"))
    for path in sorted(ROOT.rglob("*.py"))
    if not path.name.startswith("zh")
}
KEPT = {"ROAS", "CPA", "JSON"}
"""Words that Chinese pages write in Latin letters."""
WIDE = "\u2e80-\u9fff\uff00-\uffef"


@cache
def texts(tree):
    """Return all strings of a module that are no docstrings and no parts of f-strings."""
    inside = {
        id(part) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr)
        for part in ast.walk(node)
    }  # fmt: skip
    bare = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    return {
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
        if id(node) not in inside | bare
    }


def templates():
    """Yield each template that is written where it is said, with its file."""
    for file, tree in SOURCES.items():
        yield from ((call.value, file) for call in said(tree) if isinstance(call, ast.Constant))


def pieces():
    """Yield each text with placeholders of the files that say templates by a name."""
    for file, tree in SOURCES.items():
        named = [call for call in said(tree) if not isinstance(call, ast.Constant)]
        if named and file != "words/sentence.py":
            yield from ((text, file) for text in texts(tree) if fields(text))


def said(tree):
    """Return what stands in the place of the template in every call of `say`."""
    return [
        node.args[0]
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
        if node.func.id == "say" and node.args
    ]


def fields(template):
    """Return the placeholders of a template, with how often each is there."""
    try:
        return Counter(name for _, name, _, _ in Formatter().parse(template) if name is not None)
    except ValueError:
        return Counter()


TEMPLATES = dict(templates())
PIECES = dict(pieces())


def test_there_are_templates_of_every_kind():
    assert len(TEMPLATES) > 150
    assert {"weekly", "optimize", "plan", "belief", "history", "report"} <= {
        file.split("/")[0] for file in TEMPLATES.values()
    }


@pytest.mark.parametrize("template", TEMPLATES)
def test_every_template_has_its_chinese(template):
    assert template in ZH, f"{TEMPLATES[template]} says {template!r}, which has no Chinese"


@pytest.mark.parametrize("piece", sorted(PIECES))
def test_what_is_said_by_a_name_is_in_a_template_with_chinese(piece):
    assert any(piece in template for template in ZH), f"{PIECES[piece]} says {piece!r}"


@pytest.mark.parametrize("template", ZH)
def test_every_template_is_said_somewhere(template):
    # As it is, or as a text and another one of the same file.
    written = list(map(texts, SOURCES.values()))
    assert any(
        template in here
        or any(template.startswith(text) and template[len(text) :] in here for text in here if text)
        for here in written
    )


@pytest.mark.parametrize("template", ZH)
def test_chinese_has_the_same_placeholders(template):
    assert fields(ZH[template]) == fields(template)


def test_no_template_means_two_things():
    for template, said in ZH.items():
        assert {room[template] for room in ROOMS if template in room} == {said}


@pytest.mark.parametrize("template", ZH)
def test_chinese_is_written_as_chinese(template):
    plain = re.sub(r"\{[^}]*\}", " ", ZH[template])
    assert set(re.findall("[A-Za-z]+", plain)) <= KEPT
    # Numbers are values; the few that a template holds are the same in both languages.
    digits = [
        Counter(re.findall(r"\d+", text)) for text in (plain, re.sub(r"\{[^}]*\}", "", template))
    ]
    assert digits[0] == digits[1]
    # Punctuation is full-width, and stands against what it closes.
    assert not re.search(r"[,;:!?()]", plain)
    assert not re.search(rf"[，。；：、（）] | [，。；：、（）]|[{WIDE}] [{WIDE}]", ZH[template])
    assert ZH[template].endswith("。") == template.endswith(".")


def test_a_template_that_nobody_fills_stays_whole():
    for template in ZH:
        values = {name: f"<{name}>" for name in fields(template)}
        said = say(template, **values)
        assert all(value in in_language(said, "zh") for value in values.values())
