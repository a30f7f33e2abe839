"""Every code that is said has its English and its Chinese, with the same placeholders."""

import ast
import functools
import json
import re
from collections import Counter
from pathlib import Path
from string import Formatter

import pytest

import budgetopt
from budgetopt.i18n import in_language, say
from budgetopt.i18n.messages import CATALOGUES

ROOT = Path(budgetopt.__file__).parent
EN, ZH = CATALOGUES["en"], CATALOGUES["zh"]
BEFORE = json.loads((ROOT / "i18n" / "before.json").read_text("utf-8"))["before"]
KEPT = {"ROAS", "CPA", "JSON", "HTML", "InferenceData", "parquet", "as", "of", "verify", "pip"}
KEPT |= {"install", "budgetopt", "off", "or", "at", "least", "most", "max", "change"}
KEPT |= {"CSV", "UTF", "NaN", "True", "False", "Python", "Robyn", "Meridian", "PyMC", "Marketing",
         "PostgreSQL", "SQLAlchemy", "HiGHS", "netCDF", "psycopg", "pickle", "toml", "json",
         "csv", "xlsx", "wal"}  # fmt: skip
"""Words that Chinese pages write in Latin letters: measures, formats, and names that are typed."""
NAMES = """S TOML None Observations PauseRule amount channel columns cpa ctr equal history hold html
mean move pandas platform polars posterior prior pyarrow roas rows spends start step thompson total
value week Carryover Points absent answer branch curves cvar daily days decide decimal design
dispersion draws end exact false file freezes gaps inflection integer last ledger level log missing
month name outcome partial pinned plan prefix quantile quarter r regret release schema sd settings
target theta true upto weeks x id layout wide"""
"""Fields, policies, commands, formats and packages, as they are typed."""
TYPED = re.compile(
    r"\w[\w.]*\([^)]*\)|\w+=\(\)|'?--[a-z-]+'?|\w+ = (?:'[^']*'|[\w.]+)|'[^']*'"
    r"|\[\[.*?\]\]|\[[-\d., ]+\]|[A-Za-z]\w*(?:[._]\w+)+|\d{1,3}(?:,\d{3})+"
    r"|(?:\{\w+\})?\([\w{}., ]+\)|\w+(?:,[-\w%]+)+|\w+://\S+"
)
"""What is typed as it stands in any language: options, fields, calls, values and figures."""
WIDE = "\u2e80-\u9fff\uff00-\uffef"


@functools.cache
def sources():
    """Return every node of each file, once a test asks: every worker imports this module."""
    return {
        path.relative_to(ROOT).as_posix(): list(ast.walk(ast.parse(path.read_text("utf-8"))))
        for path in sorted(ROOT.rglob("*.py"))
    }


@functools.cache
def codes_said():
    """Return the file of each code that is written where it is said."""
    return {
        node.args[0].value: file
        for file, nodes in sources().items()
        for node in nodes
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.args
        if node.func.id == "say" and isinstance(node.args[0], ast.Constant)
    }


def fields(text):
    """Return the placeholders of a text, with how often each is there."""
    return Counter(name for _, name, _, _ in Formatter().parse(text) if name is not None)


def test_there_are_codes_of_every_room():
    assert len(codes_said()) > 150
    assert {"weekly", "optimize", "plan", "belief", "history", "report"} <= {
        file.split("/")[0] for file in codes_said().values()
    }


def test_every_code_that_is_said_has_its_english():
    assert {code: file for code, file in codes_said().items() if code not in EN} == {}


def test_every_language_has_every_code():
    assert EN.keys() == ZH.keys()


def test_no_english_stands_for_two_codes():
    # Records from before there were codes are read by it.
    assert max(Counter(EN.values()).values()) == 1


def test_what_was_recorded_before_there_were_codes_is_said_by_them_today():
    assert BEFORE.keys() <= EN.keys()
    assert max(Counter(BEFORE.values()).values()) == 1
    assert not set(BEFORE.values()) & set(EN.values())
    assert all(fields(EN[code]).keys() <= fields(text).keys() for code, text in BEFORE.items())


def test_a_code_is_a_name():
    assert [code for code in EN if not re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+){0,5}", code)] == []


def test_every_code_is_said_somewhere():
    written = {
        node.value
        for nodes in sources().values()
        for node in nodes
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    assert written >= EN.keys()


def test_chinese_has_the_same_placeholders():
    assert [code for code in EN if fields(ZH[code]) != fields(EN[code])] == []


def test_chinese_is_written_as_chinese():
    wrong = {code: list(unlike_chinese(ZH[code], EN[code])) for code in ZH}
    assert {code: found for code, found in wrong.items() if found} == {}


def unlike_chinese(text, english):
    """Yield what of a text a Chinese reader would stumble over."""
    for typed in sorted(TYPED.findall(english), key=len, reverse=True):
        if typed in text:
            text, english = text.replace(typed, "◆"), english.replace(typed, "◆")
    plain = re.sub(r"\{[^}]*\}", " ", text)
    yield from sorted(set(re.findall("[A-Za-z]+", plain)) - KEPT - {*NAMES.split()})
    # Numbers are values; the few that a text holds are the same in both languages.
    digits = [Counter(re.findall(r"\d+", re.sub(r"\{[^}]*\}", " ", t))) for t in (text, english)]
    if digits[0] != digits[1]:
        yield "other numbers"
    # Punctuation is full-width, and stands against what it closes.
    yield from re.findall(r"[,;:!?()]", plain)
    yield from re.findall(rf"[，。；：、（）] | [，。；：、（）]|[{WIDE}] [{WIDE}]", text)
    if text.endswith("。") != english.endswith("."):
        yield "no full stop, or one too many"


@pytest.mark.parametrize("language", ["en", "zh"])
def test_every_language_says_every_value(language):
    for code, text in EN.items():
        values = {name: f"<{name}>" for name in fields(text)}
        message = in_language(say(code, **values), language)
        assert all(value in message for value in values.values())


TEXTS = {"sentence", "problem", "remedy"}
"""Attributes that hold text for readers."""
READING = {"startswith", "endswith", "replace", "removeprefix", "removesuffix", "find", "index",
           "split", "partition", "count"}  # fmt: skip


def is_text(node):
    """Return whether an expression is text for readers: of a message, or of an error."""
    if isinstance(node, ast.Attribute):
        return node.attr in TEXTS
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
        named = [each.id for each in node.args if isinstance(each, ast.Name)]
        return node.func.id in ("str", "repr") and named[:1] in (["error"], ["exc"], ["caught"])
    return False


def reads_text(node):
    """Return whether a piece of code decides by text for readers."""
    if isinstance(node, ast.Compare):
        return any(map(is_text, (node.left, *node.comparators)))
    if isinstance(node, ast.Subscript):
        return is_text(node.slice)
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
        looks = isinstance(node.func.value, ast.Name) and node.func.value.id == "re"
        return (node.func.attr in READING and is_text(node.func.value)) or (
            looks and any(map(is_text, node.args))
        )
    return isinstance(node, ast.MatchValue) and is_text(node.value)


def test_nothing_decides_by_english():
    # A subject of `match` is read by its cases.
    deciding = [
        (file, ast.unparse(node))
        for file, nodes in sources().items()
        for node in nodes
        if reads_text(node) or (isinstance(node, ast.Match) and is_text(node.subject))
    ]
    assert deciding == []


@pytest.mark.parametrize(
    "source",
    ["row.sentence == 'x'", "'x' in str(error)", "error.problem.replace('a', 'b')",
     "TABLE[one.sentence]", "re.match('x', error.problem)", "error.problem.startswith(f'{x}')"],
)  # fmt: skip
def test_what_decides_by_english_is_found(source):
    assert any(map(reads_text, ast.walk(ast.parse(source))))


@pytest.mark.parametrize("name", ["en", "zh", "before"])
def test_no_code_is_twice_in_a_catalogue(name):
    codes = []

    def seen(pairs):
        codes.extend(key for key, value in pairs if isinstance(value, str))
        return dict(pairs)

    json.loads((ROOT / "i18n" / f"{name}.json").read_text("utf-8"), object_pairs_hook=seen)
    assert len(codes) == len(set(codes))


ENGLISH = re.compile(r"\b[a-z]+ [a-z]+ [a-z]{2,}")
HANDED = {"Option", "Argument", "Typer", "_group", "text", "warn", "execute", "info", "debug"}
HANDED |= {"ValueError", "TypeError", "AttributeError"}
"""What may be given English: help, which has a table of its own, schemas, logs, and SQL."""
PLAIN = {
    "an endless number": "a value in JSON",
    "off or at least": "the name of a rule, as `Apart` and the others have theirs",
    " with the money of ": "the name of a record, as policies have theirs",
    "it has more than ": "what `foreign` says by a code",
    ", the most that is read": "likewise",
    " is now budgetopt.": "a warning to who writes code, as the next",
    " is now called fallback": "likewise",
    "change of the ": "the description of a schema",
}
"""Text of several words that no message is made of, and why."""


def english(node, inside=False):
    """Yield the text of several words that functions work with, beside that of `HANDED`."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Call) and ast.unparse(child.func).split(".")[-1] in HANDED:
            continue
        if isinstance(child, ast.Expr) and isinstance(child.value, ast.Constant):
            continue
        if isinstance(child, ast.Dict):
            parts = zip(child.keys, child.values, strict=True)
            shown = [v for k, v in parts if getattr(k, "value", None) != "description"]
            yield from english(ast.Tuple(shown), inside)
            continue
        text = getattr(child, "value", None) if isinstance(child, ast.Constant) else None
        if inside and isinstance(text, str) and ENGLISH.search(text) and text not in PLAIN:
            yield text
        if not isinstance(child, ast.arguments):
            yield from english(child, inside or isinstance(child, ast.FunctionDef))


def test_no_function_says_anything_in_english_alone():
    # What is said of an error is a `Message` by its type; this finds notes and parts of messages.
    files = {file: list(english(nodes[0])) for file, nodes in sources().items()}
    assert {file: texts for file, texts in files.items() if texts} == {}


@pytest.mark.parametrize(
    "source",
    [
        "def f(): return 'as much as this'",
        "def f(x): return say('a', b=f'{x} and no more than that')",
        "def f(x): raise InputError('bad', problem='it is not there')",
    ],
)
def test_english_is_found(source):
    assert list(english(ast.parse(source)))
