"""The command line, with right and wrong input: answers, errors, exit codes, files."""

import csv
import datetime as dt
import io
import json
import os
import shlex
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from rich.cells import cell_len

import budgetopt as bo
from budgetopt.cli import common
from budgetopt.cli.run import Command
from budgetopt.optimize import METHODS
from budgetopt.policies import DEFAULT, NAMES, policy_named

from .helpers import change, run

CURVES = """
currency = "CNY"
budget = 100
[[channels]]
name = "百度"
curve = { kind = "log", top = 3.0, scale = 10.0 }
[[channels]]
name = "b"
curve = { kind = "log", top = 1.0, scale = 10.0 }
"""


WEEK = ("reallocate", "plan.toml", "--history", "history.csv")


def test_a_week_is_decided(shop, capsys):
    code, out, err = run(capsys, *WEEK)
    assert (code, err) == (0, "")
    assert out.startswith(f"Week of 2025-11-17 (2025-W47), CNY, policy {DEFAULT.name}\n")
    assert "18,750 of 18,750 CNY spent, 1,250 in reserve" in out
    assert max(map(cell_len, out.splitlines())) <= 80


def test_the_answer_is_that_of_the_python_calls(shop, capsys):
    plan = bo.Plan.load("plan.toml")
    past = bo.History.read("history.csv", plan.columns, channels=plan.names)
    decision = bo.reallocate(plan, past, policy=bo.Thompson(3), seed=7)
    code, out, _ = run(capsys, *WEEK, "--policy", "thompson(3)", "--seed", 7, "--format", "json")
    assert code == 0
    # The day on which a history is read is part of its notes only where a week is not over.
    assert bo.Decision.from_json(out) == decision


def test_csv_has_one_row_a_channel(shop, capsys):
    code, out, _ = run(capsys, *WEEK, "--format", "csv")
    rows = list(csv.DictReader(io.StringIO(out)))
    assert code == 0
    assert [r["channel"] for r in rows] == list(bo.Plan.load("plan.toml").names)
    assert sum(float(r["spend"]) for r in rows) == 18750
    assert {r["week"] for r in rows} == {"2025-11-17"}


def test_every_channel_is_explained_once(shop, capsys):
    _, out, _ = run(capsys, *WEEK, "--explain")
    for name in bo.Plan.load("plan.toml").names:
        assert out.count(f"\n{name}: ") == 1
    assert " ".join(out.split()).count("1,250 CNY is held in reserve") == 1


@pytest.mark.parametrize("kind", ["table", "json", "csv"])
def test_out_writes_the_same_answer_to_a_file(shop, capsys, kind):
    _, printed, _ = run(capsys, *WEEK, "--format", kind)
    code, out, err = run(capsys, *WEEK, "--format", kind, "--out", "next week.txt")
    assert (code, out, err) == (0, "", "")
    assert (shop / "next week.txt").read_text(encoding="utf-8") == printed
    assert sorted(p.name for p in shop.iterdir()) == ["history.csv", "next week.txt", "plan.toml"]


@pytest.mark.parametrize(("day", "said"), [("2025-11-25", None), ("2025-11-26", "10 days ago")])
def test_a_day_that_the_data_do_not_reach_leads_the_notes(shop, capsys, day, said):
    decided = json.loads(run(capsys, *WEEK, "--as-of", day, "--json")[1])
    assert decided["week"] == "2025-11-17"
    first = decided["notes"][0]
    assert (first == f"the last complete week ended on 2025-11-16, {said}") == (said is not None)


@pytest.mark.parametrize(
    "target", ["missing/x.csv", ".", "/dev/null", "plan.toml", "./history.csv"]
)
def test_out_that_cannot_be_written_changes_nothing(shop, capsys, target):
    before = {p.name: p.read_bytes() for p in shop.iterdir()}
    code, out, err = run(capsys, *WEEK, "--out", target)
    assert (code, out) == (2, "")
    assert err.startswith("budgetopt: ")
    assert {p.name: p.read_bytes() for p in shop.iterdir()} == before


def test_holding_has_nothing_to_do_and_says_so(shop, capsys):
    code, out, err = run(capsys, *WEEK, "--policy", "hold", "--out", "hold.txt")
    assert (code, out, err) == (5, "", "")
    assert "No changes: policy hold" in (shop / "hold.txt").read_text(encoding="utf-8")


def test_a_week_under_way_is_left_out_and_noted(shop, capsys):
    code, out, _ = run(capsys, *WEEK, "--as-of", "2025-11-14")
    assert code == 0
    assert "Week of 2025-11-17" in out
    assert "incomplete weeks left out: 2025-11-10" in " ".join(out.split())


def test_weeks_between_are_noted(shop, capsys):
    code, out, _ = run(capsys, *WEEK, "--week", "2025-12-01")
    assert code == 0
    assert "the last complete week is that of 2025-11-10" in " ".join(out.split())


WRONG = [
    (("reallocate", "nope.toml", "--history", "history.csv"), "'nope.toml' cannot be read"),
    (("reallocate", "plan.toml", "--history", "nope.csv"), "nope.csv"),
    (("reallocate", "history.csv", "--history", "history.csv"), "neither .toml nor .json"),
    (("reallocate", "plan.toml", "--history", "plan.toml"), "plan.toml"),
    ((*WEEK, "--week", "2025-11-19"), "give 2025-11-17"),
    ((*WEEK, "--week", "yesterday"), "not a date"),
    ((*WEEK, "--week", "2020-01-06"), "no complete week before 2020-01-06"),
    ((*WEEK, "--as-of", "soon"), "--as-of is 'soon', not a date"),
    ((*WEEK, "--as-of", "2001-01-01"), "no complete week"),
    ((*WEEK, "--policy", "tompson"), "did you mean 'thompson'?"),
    ((*WEEK, "--policy", "thompson(0)"), "from 1 to 10,000"),
    ((*WEEK, "--seed", "-1"), "seed is -1"),
    ((*WEEK, "--seed", "x"), "'--seed'"),
    ((*WEEK, "--format", "yaml"), "'--format'"),
    ((*WEEK, "--nope"), "--nope"),
    (("reallocate", "plan.toml"), "missing option '--history'"),
    (("reallocate",), "missing argument"),
    (("frobnicate",), "no such command 'frobnicate'"),
    (("allocate", "plan.toml"), "has no curve"),
    (("demo", "."), "already exists"),
    (("demo", "plan.toml"), "not a folder"),
]


@pytest.mark.parametrize(("arguments", "said"), WRONG)
def test_wrong_input_is_one_paragraph(shop, capsys, arguments, said):
    code, out, err = run(capsys, *arguments)
    assert (code, out) == (2, "")
    assert err.startswith("budgetopt: ")
    assert said in " ".join(err.split())
    assert "Traceback" not in err
    assert max(map(cell_len, err.splitlines())) <= 80


@pytest.mark.parametrize(
    ("arguments", "said"), [(given, said) for given, said in WRONG if "--format" not in given]
)
def test_wrong_input_is_json_where_json_was_asked_for(shop, capsys, arguments, said):
    _, out, err = run(capsys, *arguments, "--format", "json")
    assert out == ""
    error = json.loads(err)
    assert set(error) == {"error", "code", "message", "field", "value", "remedy"}
    assert issubclass(getattr(bo, error["error"]), bo.InputError)


def limit(kind, rest):
    return f'[[limits]]\nkind = "{kind}"\nname = "x"\n{rest}\n\n# Search'


BROKEN = [
    ("plan.toml", "budget = 20000 ", 'budget = "20,000" ', 2, "not a plain number"),
    ("plan.toml", "budget = 20000 ", "budget = -1 ", 2, "negative"),
    ("plan.toml", "budget = 20000 ", "budget = true ", 2, "yes or no"),
    ("plan.toml", "budget = 20000 ", "budgte = 20000 ", 2, "did you mean 'budget'?"),
    ("plan.toml", 'name = "360"', 'name = "361"', 2, "did you mean '361'?"),
    ("plan.toml", "total = 110000", "total = 100000", 2, "10,000"),
    ("plan.toml", 'currency = "CNY"', 'currency = "RMB"', 2, "did you mean 'CNY'?"),
    ("plan.toml", "floor = 500", "floor = 2500", 2, "below its floor"),
    ("plan.toml", "floor = 500", "floor = 500\noff_or_at_least = 900", 2, "off_or_at_least"),
    ("plan.toml", "cap = 1500", "cap = 1500\noff_or_at_least = 1501", 2, "above its cap"),
    ("plan.toml", "# Search", limit("group", "at_most = 0.4"), 2, "write '40%' for a share"),
    ("plan.toml", "# Search", limit("linear", 'coefficients = { 360 = 1 }\nat_most = "1e400"'), 2,
     "too large or too small"),
    ("plan.toml", "budget = 20000 ", "budget = 3000 ", 3, "above the budget"),
    ("plan.toml", "budget = 20000 ", 'spend = "all"\nbudget = 90000 ', 3, "must be spent"),
    ("plan.toml", "cap = 8000", "cap = 1000", 3, "(3,451 to 6,409), cap of"),
    ("history.csv", "2025-05-26,360,890,1080", "2025-05-26,360,890,nan", 2, "line 3"),
    ("history.csv", "2025-05-26,360,890,1080", "2025-05-26,360,-890,1080", 2, "line 3"),
    ("history.csv", "2025-05-26,360,890,1080", "2025-05-26,361,890,1080", 2, "'360'"),
    ("history.csv", "2025-05-26,360", "2025-05-27,360", 2, "2025-05-27"),
    ("history.csv", "spend,", "cost,", 2, "spend"),
    ("history.csv", "2025-05-26,360,890,1080", "2025-05-26,360,$890,1080", 2, "'$'"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "old", "new", "code", "said"), BROKEN)
def test_a_broken_file_is_found_out(shop, capsys, name, old, new, code, said):
    change(shop, name, old, new)
    got, out, err = run(capsys, *WEEK)
    assert (got, out) == (code, "")
    assert said in " ".join(err.split())
    checked = run(capsys, "check", "plan.toml", "--history", "history.csv")
    assert checked == (code, "", err)


def test_a_solver_that_cannot_answer_exits_with_4(shop, capsys, monkeypatch):
    def fails(*_, **__):
        raise bo.SolverError("not-converged", "it did not end", remedy="report it")

    monkeypatch.setattr("budgetopt.reallocate", fails)
    assert run(capsys, *WEEK) == (4, "", "budgetopt: it did not end: report it\n")


def test_what_nobody_foresaw_is_one_line_and_exits_with_1(shop, capsys, monkeypatch):
    def fails(*_, **__):
        raise RuntimeError("boom")

    monkeypatch.setattr("budgetopt.reallocate", fails)
    code, _, err = run(capsys, *WEEK)
    assert code == 1
    assert "unexpected RuntimeError: boom" in err
    assert "Traceback" not in err
    code, _, err = run(capsys, *WEEK, "--format=json")
    assert (code, json.loads(err)["error"]) == (1, "RuntimeError")
    code, _, err = run(capsys, "--debug", *WEEK)
    assert (code, "Traceback" in err) == (1, True)


def test_debug_shows_the_traceback_and_keeps_the_code(shop, capsys):
    for arguments in (("--debug", "check", "nope.toml"), ("check", "nope.toml", "--debug")):
        code, out, err = run(capsys, *arguments)
        assert (code, out) == (2, "")
        assert err.startswith("Traceback")
        assert err.rstrip().endswith("permissions")


def test_check_says_what_plan_and_history_hold(shop, capsys):
    code, out, err = run(capsys, "check", "plan.toml", "--history", "history.csv")
    assert (code, err) == (0, "")
    assert "Plan: 12 channels, 18,750 CNY a week to spend, 1,250 in reserve" in out
    assert "History: 25 weeks, 2025-05-26 to 2025-11-10" in " ".join(out.split())
    assert max(map(cell_len, out.splitlines())) <= 80
    assert "at least 3,300" in " ".join(run(capsys, "check", "plan.toml")[1].split())


def test_check_does_not_take_a_hurdle_for_a_cap_where_no_curve_is_known(shop, capsys):
    hurdle = '[[limits]]\nkind = "mroas"\nat_least = 1\n\n# Search'
    change(shop, "plan.toml", "# Search", hurdle)
    assert run(capsys, "check", "plan.toml")[0] == 0


@pytest.mark.parametrize("kind", ["table", "json", "csv"])
def test_a_plan_with_curves_is_allocated(shop, capsys, kind):
    (shop / "curves.toml").write_text(CURVES, encoding="utf-8")
    code, out, err = run(capsys, "allocate", "curves.toml", "--format", kind)
    assert (code, err) == (0, "")
    spends = {"百度": "80.00", "b": "20.00"}
    if kind == "table":
        assert "100 of 100 CNY spent" in out
        assert "no last applied week was given, so change limits do not apply" in " ".join(
            out.split()
        )
        _, explained, _ = run(capsys, "allocate", "curves.toml", "--explain")
        assert "百度: 80" in explained
    if kind == "json":
        assert json.loads(out)["spend"] == spends
    if kind == "csv":
        assert {r["channel"]: r["spend"] for r in csv.DictReader(io.StringIO(out))} == spends


def test_limits_against_a_last_week_that_nobody_gave_are_named(shop, capsys):
    limits = """
[[limits]]
kind = "turnover"
at_most = 10

[[limits]]
kind = "few-moves"
at_most = 1
"""
    (shop / "curves.toml").write_text(CURVES + limits, encoding="utf-8")
    _, out, err = run(capsys, "allocate", "curves.toml")
    assert err == ""
    note = "no last applied week was given, so these limits do not apply: turnover, few moves"
    assert note in " ".join(out.split())


@pytest.mark.parametrize("method", ["auto", "waterfill", "dual", "branch", "linear", "integer"])
def test_any_engine_gives_the_same_split(shop, capsys, method):
    (shop / "curves.toml").write_text(CURVES, encoding="utf-8")
    code, out, err = run(
        capsys,
        "allocate",
        "curves.toml",
        "--method",
        method,
        "--time-limit",
        20,
        "--format",
        "json",
    )
    assert (code, err) == (0, "")
    spend = json.loads(out)["spend"]
    assert abs(float(spend["百度"]) - 80) < 0.02
    assert abs(float(spend["b"]) - 20) < 0.02


def test_a_method_that_cannot_solve_the_plan_says_which_can(shop, capsys):
    text = CURVES.replace("top = 3.0, scale = 10.0", "top = 3.0, half = 10.0, shape = 3.0")
    (shop / "curves.toml").write_text(text.replace('"log", top = 3', '"hill", top = 3'))
    code, _, err = run(capsys, "allocate", "curves.toml", "--method", "waterfill")
    assert code == 4
    assert "branch" in " ".join(err.split())
    assert run(capsys, "allocate", "curves.toml")[0] == 0


def test_limits_that_clash_are_named_and_exit_with_3(shop, capsys):
    limit = '[[limits]]\nkind = "group"\nname = "search"\nwhere = { kind = "search" }\nat_most = 10'
    change(shop, "plan.toml", "# Search", limit + "\n\n# Search")
    code, _, err = run(capsys, *WEEK)
    said = " ".join(err.split())
    assert code == 3
    assert "search" in said
    assert "loosen" in said


@pytest.mark.parametrize("kind", ["table", "json", "csv"])
def test_the_frontier_shows_what_other_budgets_bring(shop, capsys, kind):
    (shop / "curves.toml").write_text(CURVES, encoding="utf-8")
    code, out, err = run(capsys, "frontier", "curves.toml", "--format", kind)
    assert (code, err) == (0, "")
    if kind == "json":
        assert len(json.loads(out)["points"]) == 21
    elif kind == "csv":
        assert len(list(csv.DictReader(io.StringIO(out)))) == 21
    else:
        assert max(map(cell_len, out.splitlines())) <= 80
        assert "mROAS" not in out  # nothing says that the outcome is money
        assert "next CNY" in out


def test_the_frontier_of_a_history_counts_changes_from_its_last_week(shop, capsys):
    code, out, err = run(
        capsys, "frontier", "plan.toml", "--history", "history.csv", "--format", "json"
    )
    assert (code, err) == (0, "")
    points = json.loads(out)["points"]
    outcomes = [point["outcome"] for point in points if point["outcome"] is not None]
    assert outcomes == sorted(outcomes)
    assert len(outcomes) > 10


def test_the_schema_is_json(capsys):
    code, out, _ = run(capsys, "schema")
    assert code == 0
    assert {"currency", "budget", "channels"} <= set(json.loads(out)["properties"])


def modules_after(*arguments):
    """Return what a call of the program has loaded when it ends."""
    program = (
        "import sys, atexit; from budgetopt.cli import main\n"
        "atexit.register(lambda: print(*sys.modules, file=sys.stderr))\n"
        f"main({list(arguments)})"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    return set(done.stderr.split())


@pytest.mark.parametrize("arguments", [["--version"], ["--help"], ["week", "--help"]])
def test_help_loads_no_engine(arguments):
    loaded = modules_after(*arguments)
    assert "budgetopt.cli.run" in loaded
    assert not {"numpy", "scipy", "pandas", "pulp", "highspy"} & loaded
    assert not {"budgetopt.plan", "budgetopt.i18n", "budgetopt.report"} & loaded
    if arguments[0] != "week":
        assert not {"rich.markdown", "rich.traceback", "pygments"} & loaded
        assert ("rich" in loaded) == (arguments == ["--help"])


def test_the_list_of_commands_reads_no_command(capsys, monkeypatch):
    """Reading the parameters of 30 commands takes longer than all else that help does."""
    read = []
    hints = Command.__getattr__
    monkeypatch.setattr(Command, "__getattr__", lambda *a: read.append(a[1]) or hints(*a))
    assert run(capsys, "--help")[0] == 0
    assert read == []
    assert run(capsys, "check", "--help")[0] == 0
    assert read.count("params") == 1


def test_commands_load_what_they_use(shop):
    plan = str(shop / "plan.toml")
    for arguments in (
        ["check", plan],
        ["reallocate", plan, "--history", str(shop / "history.csv")],
    ):
        loaded = modules_after(*arguments)
        assert "budgetopt.weekly" in loaded
        assert not {"pandas", "pulp", "scipy.stats", "scipy.optimize", "pyarrow"} & loaded


def test_help_names_what_the_engines_have():
    assert common.METHODS == METHODS
    assert common.POLICIES == NAMES
    assert policy_named(common.POLICIES[0]) == DEFAULT


def test_version_and_help(capsys):
    assert run(capsys, "--version") == (0, bo.__version__ + "\n", "")
    for flag in ("--help", "-h"):
        code, out, _ = run(capsys, flag)
        assert code == 0
        assert "Exit codes: 0 done, 2 bad input" in out
    code, out, err = run(capsys)
    assert (code, err) == (2, "")
    assert "reallocate" in out


def test_the_demo_is_the_example_and_its_command_works_as_printed(tmp_path):
    def shell(words, **more):
        return subprocess.run(
            words, cwd=tmp_path, check=False, capture_output=True, encoding="utf-8", **more
        )

    made = shell([sys.executable, "-m", "budgetopt", "demo", "my shop's folder"])
    assert (made.returncode, made.stderr) == (0, "")
    folder = tmp_path / "my shop's folder"
    example = Path(__file__).parents[2] / "examples" / "weekly"
    for name in ("plan.toml", "history.csv"):
        assert (folder / name).read_bytes() == (example / name).read_bytes()
    command = made.stdout.splitlines()[-1]
    assert shlex.split(command)[-1] == "my shop's folder/history.csv"
    decided = shell(command, shell=True)
    assert (decided.returncode, decided.stderr) == (0, "")
    assert "18,750 of 18,750 CNY spent" in decided.stdout


def test_the_printed_command_names_the_program_that_runs(tmp_path, capsys, monkeypatch):
    script = tmp_path / "bin dir" / "budgetopt"
    script.parent.mkdir()
    script.touch(mode=0o755)
    monkeypatch.setattr(sys, "argv", [str(script)])
    monkeypatch.setenv("PATH", "")
    assert run(capsys, "demo", tmp_path / "a")[1].splitlines()[-1].startswith(f"'{script}' reall")
    monkeypatch.setenv("PATH", str(script.parent))
    assert run(capsys, "demo", tmp_path / "b")[1].splitlines()[-1].startswith("budgetopt reall")


def test_names_survive_a_pipe_that_is_not_utf8(tmp_path):
    (tmp_path / "plan.toml").write_text(CURVES, encoding="utf-8")
    run = subprocess.run(
        [sys.executable, "-m", "budgetopt", "allocate", "plan.toml"],
        cwd=tmp_path,
        check=True,
        capture_output=True,
        env=os.environ | {"PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"},
    )
    assert "百度" in run.stdout.decode("utf-8")


def test_a_reader_that_stops_reading_gets_no_traceback(tmp_path):
    command = f"{shlex.quote(sys.executable)} -m budgetopt schema | head -n 1"
    run = subprocess.run(command, shell=True, check=True, capture_output=True, text=True)
    assert run.stdout == "{\n"
    assert "Traceback" not in run.stderr


def test_what_a_solver_prints_by_itself_does_not_get_into_the_answer(tmp_path):
    program = (
        "import os; from budgetopt import plan; from budgetopt.cli import main\n"
        "real = plan.schema\n"
        "plan.schema = lambda: (os.write(1, b'noise'), real())[1]\n"
        "main(['schema'])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True)
    assert json.loads(done.stdout)["title"] == "PlanFile"
    assert done.stderr == b"noise"


def test_the_package_declares_the_command():
    declared = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text())
    assert declared["project"]["scripts"] == {"budgetopt": "budgetopt.cli:main"}


def test_a_history_of_days_shorter_than_a_week_is_refused(shop, capsys):
    (shop / "few.toml").write_text(
        'currency = "CNY"\nbudget = 10\n[history]\nrows = "daily"\n[[channels]]\nname = "a"\n'
    )
    monday = dt.date(2025, 3, 3)
    days = [f"{monday + dt.timedelta(days=n)},a,1,2" for n in range(3)]
    (shop / "few.csv").write_text("\n".join(["week,channel,spend,outcome", *days]) + "\n")
    code, _, err = run(capsys, "reallocate", "few.toml", "--history", "few.csv")
    assert code == 2
    assert "no complete week" in err
