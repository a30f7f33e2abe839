"""Everything a reader may paste from the README runs, and what it shows is what comes out.

``python tests/test_readme.py`` writes the outputs of the README and of the pages of ``docs`` anew.
``docs/test_pages.py``, which ``.ci/run`` calls, tests the pages.
"""

import importlib.util
import os
import subprocess
import sys
import tomllib
import types
from pathlib import Path

import pytest

import budgetopt as bo

ROOT = Path(__file__).parents[1]
README = ROOT / "README.md"
_SPEC = importlib.util.spec_from_file_location("pages", ROOT / "docs" / "pages.py")
pages = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(pages)


def marked(mark):
    text = README.read_text("utf-8")
    return next(code for name, kind, code in pages.blocks(text, "bash") if name == mark)


def test_what_the_readme_shows_is_what_comes_out(capsys):
    text = README.read_text("utf-8")
    with pages.room() as folder:
        assert pages.run(text, folder, "README.md") == text
    assert "抖音 Douyin" in capsys.readouterr().out


def test_a_wrong_output_is_found_and_written_anew():
    page = "```bash\necho right\n```\n\n```text\nwrong\n```\n"
    with pages.room() as folder:
        assert pages.run(page, folder, "page") == page.replace("wrong", "right")
        with pytest.raises(AssertionError, match="a block of kind ''"):
            pages.run("```\nx = 1\n```\n", folder, "page")
        with pytest.raises(bo.PlanError):
            pages.run("```toml\nbugdet = 3\n```\n", folder, "page")
        with pytest.raises(AssertionError, match="exit 3"):
            pages.run("```bash\nexit 3\n```\n", folder, "page")


def test_links_of_the_readme_lead_somewhere():
    text = README.read_text("utf-8")
    links = pages.links(text)
    assert len(links) > 15
    assert [link for link in links if not (ROOT / link).exists()] == []


def test_the_plan_file_calls_its_defaults_rightly():
    page = (ROOT / "docs" / "howto" / "plan.md").read_text("utf-8")
    written = bo.Plan.from_dict(tomllib.loads(pages.blocks(page, "toml")[0][2]))
    bare = bo.Plan(budget=1, currency="CNY", channels=[bo.Channel("a")])
    assert written.max_change == bare.max_change
    assert written.columns == bare.columns
    assert (written.spend, written.week_start) == (bare.spend, bare.week_start)


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
    decided = (ROOT / "docs" / "howto" / "decide.md").read_text("utf-8")
    assert run.stdout.decode("utf-8") == pages.blocks(decided, "text")[0][2]


if __name__ == "__main__":
    pages.write_anew()


class Installed:
    """An environment of the canary's, in which tests fail beside one version of one dependency."""

    def __init__(self, broken):
        self.broken, self.found = broken, {"numpy": "2.9", "pulp": "4.1", "rich": "13.8"}

    def versions(self):
        return dict(self.found)

    def install(self, *what):
        self.found.update(one.split("==") for one in what if "==" in one)

    def refused(self, what):
        self.install(what)
        return ""

    def passes(self, arguments):
        return self.found.get(self.broken[0]) != self.broken[1]


def test_the_canary_says_in_one_line_which_dependency_broke_it():
    canary = types.ModuleType("canary")
    canary.__file__ = str(ROOT / ".ci" / "canary")
    exec(Path(canary.__file__).read_text("utf-8"), vars(canary))
    known = {"numpy": "2.8", "pulp": "3.3", "rich": "13.8"}
    for broken, said in (
        (("pulp", "4.1"), "pulp 4.1 (passes with 3.3)"),
        (("numpy", "2.9"), "numpy 2.9 (passes with 2.8)"),
        # What is as it was broke nothing.
        (("rich", "13.8"), None),
    ):
        found = Installed(broken)
        assert canary.culprit(found, known, {"numpy"}, []) == said
        assert found.versions() == Installed(broken).versions()
