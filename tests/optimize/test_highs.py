"""HiGHS as a guest: whatever ran before, and wherever, the same bytes, and not one byte printed."""

import itertools
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from scipy.sparse import csr_array

from budgetopt.errors import SolverError
from budgetopt.optimize import highs

from . import guests
from .guests import ENGINES, apart, in_order

HERE = Path(__file__).parent
KINDS = range(5)
FOREIGN = ("foreign0", "foreign1", "foreign4")


@pytest.fixture(scope="module")
def alone():
    """Return what an engine answers to a plan where nothing ran before it."""
    known = {}

    def ask(seed, engine):
        if (seed, engine) not in known:
            known[seed, engine] = apart(guests.answer, seed, engine)
        return known[seed, engine]

    return ask


@pytest.fixture
def elsewhere(tmp_path):
    """Return a function that runs tasks in a context of another process."""

    def ask(context, tasks, before=()):
        file = tmp_path / "answers.json"
        given = {"TASKS": json.dumps([context, tasks, before]), "ANSWERS": str(file)}
        words = [sys.executable, "-W", "ignore", HERE / "guests.py"]
        run = subprocess.run(
            words, env={**os.environ, **given}, capture_output=True, timeout=300, check=False
        )
        assert (run.returncode, run.stderr) == (0, b"")
        return json.loads(file.read_text("utf-8")), run.stdout

    return ask


@pytest.mark.parametrize(("before", "kind"), [*zip([*ENGINES, *FOREIGN], itertools.cycle(KINDS))])
def test_every_engine_answers_the_same_after_every_other(before, kind, alone):
    """All orders of them, over all kinds, are among the slow tests."""
    for engine in ENGINES:
        found = apart(in_order, kind, [before, engine])
        assert found[engine] == alone(kind, engine)


@pytest.mark.parametrize("threads", [1, 4])
def test_the_users_own_highs_runs_as_before(threads):
    def own():
        before = guests.foreign(threads)
        for kind, engine in itertools.product(KINDS, ENGINES):
            guests.answer(kind, engine)
        return before, guests.foreign(threads)

    before, after = apart(own)
    assert before == after == ("kOptimal", -10.0)


@pytest.mark.parametrize(
    "context",
    ["forked", "here", *(pytest.param(c, marks=pytest.mark.slow) for c in ("spawned", "threaded"))],
)
def test_every_context_answers_the_same(context, alone, elsewhere):
    if context == "forked" and not hasattr(os, "fork"):
        pytest.skip("needs processes that fork")
    tasks = [(kind, ENGINES) for kind in KINDS[2:]]
    # Each of these leaves threads or a scheduler behind, or would.
    before = [(0, ["foreign4", "linear"]), (3, ["integer", "foreign0"])]
    found, _ = elsewhere(context, tasks, before)
    assert found == [{e: alone(kind, e) for e in ENGINES} for kind in KINDS[2:]]


@pytest.mark.slow
def test_all_orders_and_contexts_over_two_hundred_plans(alone, elsewhere):
    # All orders of what runs HiGHS and of the two that do not, and `lots`, which may, among them.
    orders = itertools.permutations([*(e for e in ENGINES if e != "lots"), "foreign4"])
    tasks = [
        (at % 200, [*order[: at % 7], "lots", *order[at % 7 :]]) for at, order in enumerate(orders)
    ]
    for seed, order in tasks:
        found = apart(in_order, seed, order)
        assert all(text == alone(seed, e) for e, text in found.items()), (seed, order)
    # In a child of a process that ran HiGHS with threads, the user's own next run hangs; ours not.
    tasks = [(seed, [e for e in order if e in ENGINES]) for seed, order in tasks[:200]]
    for context in ("forked", "spawned", "threaded"):
        found, _ = elsewhere(context, tasks, [(0, ["foreign4"])])
        for (seed, _), texts in zip(tasks, found, strict=True):
            assert all(text == alone(seed, e) for e, text in texts.items()), (context, seed)


def test_no_engine_prints_in_python(elsewhere):
    found, printed = elsewhere("here", [(kind, ENGINES) for kind in KINDS])
    for engine in ENGINES:
        assert any('"schema_version"' in texts[engine] for texts in found), engine
    assert printed == b""


def command_line(*words):
    words = [sys.executable, "-m", "budgetopt", *map(str, words)]
    return subprocess.run(words, capture_output=True, timeout=120, check=False)


def test_no_engine_prints_on_the_command_line(tmp_path):
    plan, _ = guests.plan_of(3)
    (tmp_path / "plan.json").write_text(plan.to_json(), "utf-8")
    run = command_line("allocate", tmp_path / "plan.json", "--method", "integer", "--json")
    assert (run.returncode, run.stderr) == (0, b"")
    assert json.loads(run.stdout)["method"] == "integer"


def test_an_error_of_a_plan_that_programs_explain_is_json(tmp_path):
    plan, _ = guests.plan_of(3)
    floors = {"kind": "group", "name": "most", "where": {"g": "g0"}, "at_least": "600"}
    data = json.loads(plan.to_json())
    data["limits"].append(floors)
    (tmp_path / "plan.json").write_text(json.dumps(data), "utf-8")
    run = command_line("allocate", tmp_path / "plan.json", "--json")
    assert (run.returncode, run.stdout) == (3, b"")
    assert json.loads(run.stderr)["code"] == "limits-clash"


def knapsack(whole, **options):
    uses, size = csr_array(np.array([[2.0, 3, 1, 4]])), np.ones(4)
    given = np.array([-5.0, -4, -3, -7]), uses, np.array([5.0]), 0 * size, size
    return highs.minimise(*given, whole=size > 0 if whole else None, **options)


def test_a_program_is_solved_with_its_prices():
    assert knapsack(whole=True).values @ np.array([5, 4, 3, 7]) == 10
    relaxed = knapsack(whole=False)
    assert relaxed.values == pytest.approx([1, 0, 1, 0.5])
    assert relaxed.prices == pytest.approx([-1.75])


def test_every_run_asks_for_one_thread(monkeypatch):
    asked, run = [], highs.run

    def watched(made):
        asked.append(made.getOptionValue("threads")[1])
        return run(made)

    monkeypatch.setattr(highs, "run", watched)
    for kind, engine in ((1, "linear"), (2, "branch"), (3, "integer")):
        asked.clear()
        guests.answer(kind, engine)
        assert {*asked} == {1}


def test_what_highs_refuses_raises():
    with pytest.raises(SolverError, match="option no_such_option"):
        highs.model(no_such_option=1)
    with pytest.raises(SolverError, match="option threads"):
        highs.model(threads=-1)


def test_a_run_that_fails_is_not_read_as_an_answer(monkeypatch):
    class Broken:
        def run(self):
            raise MemoryError

        def getModelStatus(self):  # noqa: N802 # highspy's name
            raise AssertionError("asked for the status of an earlier run")

    assert highs.run(Broken()) == highs.FAILED
    monkeypatch.setattr(highs, "run", lambda _: highs.FAILED)
    assert knapsack(whole=True).values is None
