"""How these tests call the command line."""

import functools
import itertools
import json
from pathlib import Path

import jsonschema
import pytest

import budgetopt as bo
from budgetopt.cli import main


def run(capsys, *arguments):
    """Return exit code, stdout and stderr; JSON of a result must be as its schema says."""
    words = [str(a) for a in arguments]
    with pytest.raises(SystemExit) as exit_:
        main(words)
    said = capsys.readouterr()
    code = exit_.value.code
    if {"--json", "--format=json"} & {*words} or ("--format", "json") in itertools.pairwise(words):
        check_schema("-".join(words[:2]) if not code else "error", said.err if code else said.out)
    return code, said.out, said.err


@functools.cache
def validator(name):
    schema = bo.exchange.result_schema(name)
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema)


def check_schema(name, text):
    """Refuse JSON that is not as the schema of its command says."""
    known = bo.exchange.RESULTS
    command = "what-if" if name.startswith("what-if") else name.split("-")[0]
    # A ledger's weeks and a history of spends go by one name.
    others = {"show": "entry", "history": "weeks of a ledger"}
    name = name if name in known and name != "history" else others.get(command, command)
    if name in known and text.lstrip()[:1] in ("{", "["):
        data = json.loads(text.splitlines()[-1] if name == "error" else text)
        for one in data if name == "entry" else [data]:
            validator(name).validate(one)


def over(arguments, options):
    """Return arguments with options that take the place of those of the same name."""
    kept, skip = [], False
    for word in arguments:
        if not skip and word not in options[::2]:
            kept.append(word)
        skip = not skip and word.startswith("--") and word in options[::2]
    return (*kept, *options)


def change(shop, name, old, new):
    """Replace a text that a file must hold."""
    text = (shop / name).read_text(encoding="utf-8")
    assert old in text
    (shop / name).write_text(text.replace(old, new, 1), encoding="utf-8")


def plan_and_history(name="history.csv"):
    plan = bo.Plan.load("plan.toml")
    return plan, bo.History.read(name, plan.columns, channels=plan.names)


def saved(name="belief.json"):
    return bo.Belief.from_dict(json.loads(Path(name).read_text(encoding="utf-8")))


def cut(shop, name, first="0000", last="9999"):
    """Write the weeks from a first to a last one into a file of their own."""
    head, *rows = (shop / "history.csv").read_text(encoding="utf-8").splitlines()
    kept = [row for row in rows if first <= row[:10] <= last]
    (shop / name).write_text("\n".join([head, *kept]) + "\n", encoding="utf-8")
