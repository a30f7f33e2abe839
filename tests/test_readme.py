"""Everything a reader may paste from the README runs, and what it shows is what comes out.

``python tests/test_readme.py`` writes the outputs and the error tables anew.
"""

import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import budgetopt as bo
from budgetopt import errors

ROOT = Path(__file__).parents[1]
README = ROOT / "README.md"
BLOCK = re.compile(r"(?:<!-- ([a-z ]+) -->\n)?```(\w+)\n(.*?)```", re.DOTALL)
TABLE = r"(<!-- {} -->\n\|[^\n]*\n\|[-|]+\n)((?:\|[^\n]*\n)*)"
REMEDIES = {
    "InputError": "fix the plan, the file or the argument that it names",
    "InfeasibleError": "relax one of the limits that it names",
    "SolverError": "choose another method or allow more time",
    "LedgerError": "free, mend or restore the ledger, then run again",
}


def blocks(*kinds):
    return [(mark, code) for mark, kind, code in BLOCK.findall(README.read_text("utf-8"))
            if kind in kinds]  # fmt: skip


def marked(mark):
    return next(code for name, code in blocks("bash") if name == mark)


def error_rows():
    rows = [f"| `{name}` | {getattr(errors, name).exit_code} | {what} |"
            for name, what in REMEDIES.items()]  # fmt: skip
    return "\n".join(rows) + "\n"


def code_rows():
    return "".join(f"| `{code}` | {meaning} |\n" for code, meaning in errors.CODES.items())


@pytest.fixture
def copy(tmp_path):
    return make_copy(tmp_path)


def make_copy(folder):
    """Return a copy of what the README works on, with the command on its path."""
    shutil.copytree(ROOT / "examples", folder / "examples")
    command = folder / "bin" / "budgetopt"
    command.parent.mkdir()
    command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m budgetopt "$@"\n')
    command.chmod(0o755)
    return folder


def shell(command, folder):
    """Return what a shell block prints; set-up commands count from the program they end in."""
    command = re.sub(r".*&& \.venv/bin/budgetopt", "budgetopt", command)
    env = os.environ | {"PATH": f"{folder / 'bin'}{os.pathsep}{os.environ['PATH']}"}
    run = subprocess.run(
        ["bash", "-euc", command], cwd=folder, env=env, check=True, capture_output=True
    )
    assert run.stderr == b""
    return run.stdout.decode("utf-8")


def shown():
    """Return pairs of a shell block and the output shown below it."""
    found = blocks("bash", "text")
    kinds = [kind for _, kind, _ in BLOCK.findall(README.read_text("utf-8"))
             if kind in ("bash", "text")]  # fmt: skip
    pairs, command = [], ""
    for kind, (mark, code) in zip(kinds, found, strict=True):
        if kind == "text":
            pairs.append((command, code))
        elif mark != "tests":
            command = code
    return pairs


def test_every_output_is_what_the_command_above_it_prints(copy):
    pairs = shown()
    assert len(pairs) == 7
    for command, output in pairs:
        assert shell(command, copy) == output


def test_every_shell_block_is_covered():
    commands = [code for mark, code in blocks("bash") if mark != "tests"]
    assert commands == [command for command, _ in shown()]
    assert len(re.findall(r"^```", README.read_text("utf-8"), re.MULTILINE)) == 2 * len(
        blocks("bash", "text", "python", "toml")
    )


def test_the_python_blocks_run_one_after_the_other(copy, monkeypatch, capsys):
    monkeypatch.chdir(copy)
    room = {"__name__": "readme"}
    for _, code in blocks("python"):
        exec(compile(code, "README.md", "exec"), room)
    assert "抖音 Douyin" in capsys.readouterr().out


def test_the_plan_files_are_plans():
    plans = [bo.Plan.from_dict(tomllib.loads(code)) for _, code in blocks("toml")]
    assert [len(plan.channels) for plan in plans] == [2, 2, 3, 2, 2]


def test_defaults_are_called_defaults_rightly():
    _, _, with_all, *_ = (bo.Plan.from_dict(tomllib.loads(code)) for _, code in blocks("toml"))
    bare = bo.Plan(budget=1, currency="CNY", channels=[bo.Channel("a")])
    assert with_all.max_change == bare.max_change
    assert with_all.columns == bare.columns
    assert (with_all.spend, with_all.week_start) == (bare.spend, bare.week_start)


def test_the_error_table_is_that_of_the_package():
    text = README.read_text("utf-8")
    assert re.search(TABLE.format("errors"), text)[2] == error_rows()
    assert re.search(TABLE.format("codes"), text)[2] == code_rows()
    leaves = {c for c in vars(errors).values() if isinstance(c, type)}
    direct = {c.__name__ for c in leaves if c.__bases__[0] is bo.BudgetoptError}
    assert direct == set(REMEDIES)


def test_the_exit_codes_are_those_of_the_command_line():
    from budgetopt import cli

    said = re.findall(r"^\| (\d+) \| (.*?) \|$", README.read_text("utf-8"), re.MULTILINE)
    table = re.findall(r"^(\d+) +(.*)$", cli.__doc__, re.MULTILINE)
    assert [code for code, _ in said] == [code for code, _ in table] == [*"01234567", "130", "143"]
    for (_, in_readme), (_, in_code) in zip(said, table, strict=True):
        assert in_readme.replace("`", "").startswith(in_code.replace("``", ""))


def test_the_set_up_commands_are_one_line_each_and_ci_reads_them():
    for mark in ("main job", "tests"):
        assert marked(mark).startswith("python3 -m venv .venv && .venv/bin/pip install -q ")
        assert marked(mark).count("\n") == 1
    script = (ROOT / ".ci" / "run").read_text()
    start, end = script.index("command_after()"), script.index("\nstep()")
    for mark in ("main job", "tests"):
        assert f"command_after '{mark}'" in script
        read = subprocess.run(
            ["bash", "-euc", f"{script[start:end]}\ncommand_after '{mark}'"],
            cwd=ROOT,
            check=True,
            capture_output=True,
        )
        assert read.stdout.decode("utf-8") == marked(mark)
    missing = subprocess.run(
        ["bash", "-euc", f"{script[start:end]}\ncommand_after 'other job'"],
        cwd=ROOT,
        check=False,
        capture_output=True,
    )
    assert missing.returncode != 0


@pytest.mark.slow
def test_the_main_job_works_on_a_fresh_clone(tmp_path):
    if not (ROOT / ".git").exists():
        pytest.skip("not a git repository")
    subprocess.run(["git", "clone", "-q", str(ROOT), "clone"], cwd=tmp_path, check=True)
    # The version that is being tested, whatever python3 is on the path.
    python = tmp_path / "bin" / "python3"
    python.parent.mkdir()
    python.write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n')
    python.chmod(0o755)
    env = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    env["PATH"] = f"{python.parent}{os.pathsep}{env['PATH']}"
    run = subprocess.run(
        ["bash", "-euc", marked("main job")],
        cwd=tmp_path / "clone",
        env=env,
        check=True,
        capture_output=True,
    )
    assert run.stdout.decode("utf-8") == shown()[0][1]


def write_anew():
    import tempfile

    text = README.read_text("utf-8")
    for name, rows in (("errors", error_rows()), ("codes", code_rows())):
        text = re.sub(TABLE.format(name), lambda m, rows=rows: m[1] + rows, text)
    README.write_text(text, encoding="utf-8")
    with tempfile.TemporaryDirectory() as folder:
        made = make_copy(Path(folder))
        outputs = iter([shell(command, made) for command, _ in shown()])
    text = re.sub(
        r"```text\n.*?```", lambda _: f"```text\n{next(outputs)}```", text, flags=re.DOTALL
    )
    README.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    write_anew()
