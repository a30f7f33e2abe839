"""Spoilt files: whatever is done to a plan or a history, only errors of ours come out, and soon.

A long run is `test_many_spoilt_files`, with ``-m slow``.
"""

import json
import random
import tempfile
import time
from collections import Counter
from pathlib import Path

import pytest

import budgetopt as bo
from budgetopt.errors import BudgetoptError
from budgetopt.market import scenarios_of
from budgetopt.simulation import contingencies_of

HERE = Path(__file__).parent
EXAMPLES = HERE.parent / "examples"
NUMBERS = "nan inf -inf -1 0 -0 1e999 1e-999 0x1 1_000 0.1 9007199254740993 1.5.5 1,234.5 1.234,5"
TYPES = "true false null [] {} [1] {a=1} [[]] [{}] {a={}} 1979-05-27 07:32:00 1979-05-27T07:32:00Z"
TEXTS = (
    '"" " " "x" "30%" "x1.3" "+30%" "none" "NaN" "\\u202e" "1/3" "1/0" "2026-02-30" "１２" \'=1+1\''
)
SIGNS = "-- N/A ¥ % ; , | $1"
TOKENS = [token for row in (NUMBERS, TYPES, TEXTS, SIGNS) for token in row.split(" ")]
PARTS = [*"\n\r\0\"'=[]{}.,;#\x1b", "\ufeff", "\u202e", "é", "e\u0301"]


def _one(rng, text):
    """Return a text with one thing wrong."""
    lines, at = text.split("\n"), rng.randrange(len(text) + 1)
    kind = rng.randrange(9)
    line = rng.randrange(len(lines))
    if kind == 0:
        return text[:at] + rng.choice(PARTS) * rng.choice([1, 1, 3, 2000]) + text[at:]
    if kind == 1:
        return text[:at] + text[at + rng.choice([1, 2, 10, 200]) :]
    if kind == 2:
        return "\n".join([*lines[:line], *lines[line + 1 :]])
    if kind == 3:
        return "\n".join([*lines[: line + 1], *lines[line:]])
    if kind == 4:
        other = rng.randrange(len(lines))
        lines[line], lines[other] = lines[other], lines[line]
        return "\n".join(lines)
    if kind == 5:
        return (
            text[:at]
            + chr(rng.choice([rng.randrange(128), rng.randrange(0xD800)]))
            + text[at + 1 :]
        )
    mark = rng.choice(["=", ",", ":"])
    head, found, tail = lines[line].partition(mark)
    if kind == 6 and found:
        cells = lines[line].split(",")
        cells[rng.randrange(len(cells))] = rng.choice(TOKENS)
        lines[line] = ",".join(cells)
    elif found:
        end = "," if tail.rstrip().endswith(",") else ""
        lines[line] = f"{head}{found} {rng.choice(TOKENS)}{end}"
    return "\n".join(lines)


def _plans():
    yield "toml", (HERE / "plan" / "every_field.toml").read_text("utf-8")
    for name in ("weekly", "friday", "what_if"):
        yield "toml", (EXAMPLES / name / "plan.toml").read_text("utf-8")
    whole = bo.Plan.load(HERE / "plan" / "every_field.toml").to_dict()
    yield "json", json.dumps(whole, ensure_ascii=False, indent=1)


def _histories():
    for name in ("weekly", "friday"):
        plan = bo.Plan.load(EXAMPLES / name / "plan.toml")
        lines = (EXAMPLES / name / "history.csv").read_text("utf-8").splitlines()
        yield plan, "\n".join(lines[: 1 + 3 * len(plan.names)]) + "\n"


def _read_plan(path):
    plan = bo.Plan.load(path)
    assert bo.Plan.from_json(plan.to_json()).to_json() == plan.to_json()
    scenarios_of(plan)
    contingencies_of(plan)


def mutations(seed, count):
    """Yield what is read of spoilt files: the file's text, and a call that reads it."""
    rng = random.Random(seed)
    plans, histories = list(_plans()), list(_histories())
    folder = Path(tempfile.mkdtemp())
    for _ in range(count):
        if rng.random() < 0.6:
            suffix, text = rng.choice(plans)
            path = folder / f"plan.{suffix}"
            read = lambda path=path: _read_plan(path)  # noqa: E731
        else:
            plan, text = rng.choice(histories)
            path = folder / rng.choice(
                ["h.csv", "h.txt", "h.xlsx", "h.parquet"] if rng.random() < 0.1 else ["h.csv"]
            )
            read = lambda path=path, plan=plan: bo.History.read(  # noqa: E731
                path, plan.columns, channels=plan.names, week_start=plan.week_start
            ).check_currency(plan.currency)
        for _ in range(rng.choice([1, 1, 1, 2, 4])):
            text = _one(rng, text)
        encoded = text.encode(rng.choice(["utf-8"] * 9 + ["utf-16"]), "surrogatepass")
        path.write_bytes(encoded)
        yield text, read


def outcome(read):
    """Return how reading ended, and after how many seconds of work."""
    began = time.process_time()
    try:
        read()
        came = "read"
    except BudgetoptError as error:
        json.dumps(error.to_dict())
        came = error.code
    return came, time.process_time() - began


def came_of(seed, count):
    """Return how reading of spoilt files ended, and how often."""
    ends = Counter()
    for text, read in mutations(seed, count):
        try:
            end, seconds = outcome(read)
        except Exception as error:
            raise AssertionError(f"{type(error).__name__} of:\n{text}") from error
        assert seconds < 10, text
        ends[end] += 1
    return ends


@pytest.mark.parametrize("seed", range(4))
def test_spoilt_files_end_in_errors_of_ours_and_soon(seed):
    ends = came_of(seed, 60)
    # Not all are refused, and not all for one reason.
    assert ends["read"]
    assert len(ends) > 4


@pytest.mark.slow
def test_many_spoilt_files():
    """Ten thousand more, as many as a minute or two reads."""
    assert came_of(20261129, 10_000)["read"] > 1000
