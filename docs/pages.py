"""Whatever a reader may paste from a page runs, and what it shows is what comes out.

A page is Markdown. Its blocks run in a folder of their own that holds ``examples`` and ``shop``,
which ``budgetopt demo shop`` writes: ``bash`` in a shell, ``python`` one after the other, ``toml``
as a plan or as part of one. A ``text`` block below a ``bash`` block is its output. Blocks of other
kinds are only shown, and a block without a kind is refused.

``python docs/pages.py`` writes the outputs of all pages anew, ``python docs/pages.py PAGE`` those
of one.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
import textwrap
import tomllib
import warnings
from collections.abc import Iterator
from pathlib import Path

import budgetopt as bo

DOCS = Path(__file__).parent
ROOT = DOCS.parent
BLOCK = re.compile(
    r"(?:^<!-- ([a-z ]+) -->\n)?^( *)```([\w{}-]*)[^\n]*\n(.*?)^\2```$", re.DOTALL | re.MULTILINE
)
LINK = re.compile(r"\]\(([^)\s]+)\)")
SHOWN = ("ini", "cron", "csv", "html", "json")
"""Kinds of blocks that are only shown."""
PART = {"currency": "CNY", "budget": 20000, "channels": [{"name": "feed"}, {"name": "search"}]}
"""The plan that a part of a plan is read in."""


def pages() -> list[Path]:
    """Return the pages whose blocks are run here; tutorials are notebooks, which the build runs."""
    generated = {DOCS / "reference", DOCS / "_build"}
    found = [page for page in sorted(DOCS.rglob("*.md")) if not generated & {*page.parents}]
    return [page for page in found if "kernelspec:" not in page.read_text("utf-8")]


def blocks(text: str, *kinds: str) -> list[tuple[str, str, str]]:
    """Return mark, kind and content of the blocks of some kinds, or of all."""
    found = [(mark, kind, textwrap.dedent(code)) for mark, _, kind, code in BLOCK.findall(text)]
    return [block for block in found if not kinds or block[1] in kinds]


def links(text: str) -> list[str]:
    """Return where a page's links lead within the repository."""
    return [
        link.partition("#")[0] for link in LINK.findall(text) if not link.startswith(("http", "#"))
    ]


@contextlib.contextmanager
def room() -> Iterator[Path]:
    """Give a folder with what pages work on, and the command on its path."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        shutil.copytree(ROOT / "examples", folder / "examples")
        (folder / "shop").mkdir()
        for file in ("plan.toml", "history.csv"):
            shutil.copy(ROOT / "examples" / "weekly" / file, folder / "shop" / file)
        command = folder / "bin" / "budgetopt"
        command.parent.mkdir()
        command.write_text(f"#!{sys.executable}\nfrom budgetopt.cli import main\n\nmain()\n")
        command.chmod(0o755)
        yield folder


def shell(command: str, folder: Path) -> str:
    """Return what a shell block prints; set-up commands count from the program they end in."""
    command = re.sub(r".*&& \.venv/bin/budgetopt", "budgetopt", command)
    path = f"{folder / 'bin'}{os.pathsep}{os.environ['PATH']}"
    run = subprocess.run(
        ["bash", "-euc", command],
        cwd=folder,
        env=os.environ | {"PATH": path, "BUDGETOPT_LANG": "en"},
        check=False,
        capture_output=True,
    )
    said = run.stderr.decode("utf-8")
    if run.returncode or said:
        raise AssertionError(f"exit {run.returncode} of: {command}\n{said}")
    return run.stdout.decode("utf-8")


def run(text: str, folder: Path, name: str) -> str:
    """Run all blocks of a page in the order in which they stand, and return it with its outputs."""
    names = {"__name__": "page", "bo": bo}
    last = ""

    def ran(match: re.Match[str]) -> str:
        nonlocal last
        mark, _, kind, code = match.groups()
        code = textwrap.dedent(code)
        if kind == "bash" and mark != "tests":
            last = shell(code, folder)
        elif kind == "python":
            with contextlib.chdir(folder), warnings.catch_warnings():
                # A machine without a Chinese font draws boxes.
                warnings.filterwarnings("ignore", "no font has|Glyph")
                exec(compile(code, name, "exec"), names)
        elif kind == "toml":
            given = tomllib.loads(code)
            bo.Plan.from_dict(given if "currency" in given else PART | given)
        elif kind == "text":
            return match[0].replace(code, last) if code else match[0]
        elif mark != "tests" and kind not in SHOWN and not kind.startswith("{"):
            raise AssertionError(f"{name}: a block of kind {kind!r} is not run")
        return match[0]

    return BLOCK.sub(ran, text)


def write_anew(*given: str) -> None:
    """Write the outputs of some pages anew, or those of all, and of the README."""
    for page in [Path(one) for one in given] or [ROOT / "README.md", *pages()]:
        with room() as folder, contextlib.redirect_stdout(None):
            made = run(page.read_text("utf-8"), folder, str(page))
        page.write_text(made, encoding="utf-8")


if __name__ == "__main__":
    write_anew(*sys.argv[1:])
