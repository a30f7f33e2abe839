"""``budgetopt demo``: a ready plan and history."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Sequence
from importlib import resources
from pathlib import Path
from typing import Annotated

import typer

from budgetopt import report
from budgetopt.errors import InputError


def demo(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Folder to write into.")],
) -> None:
    """Write a ready plan and history to try the other commands on."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        problem = f"{str(folder)!r} is not a folder and cannot be made, {error.strerror}"
        raise _bad_folder(problem, folder, "name another folder") from None
    plan, history = folder / "plan.toml", folder / "history.csv"
    for path in (plan, history):
        if path.exists():
            problem = f"{str(path)!r} is there already"
            raise _bad_folder(problem, folder, "name an empty folder")
    for path in (plan, history):
        report.write_whole(path, _demo_file(path.name))
    typer.echo(report.sentences(f"Wrote {plan} and {history}. Now try:"))
    # Not wrapped: it is there to be copied.
    typer.echo(_quoted([*_program(), "reallocate", str(plan), "--history", str(history)]))


def _bad_folder(problem: str, folder: Path, remedy: str) -> InputError:
    return InputError("bad-file", problem, field="DIR", value=str(folder), remedy=remedy)


def _demo_file(name: str) -> str:
    """Return a file of the weekly example, from the wheel or from the source tree."""
    packed = resources.files("budgetopt") / "demo" / name
    if packed.is_file():
        return packed.read_text(encoding="utf-8")
    source = Path(__file__).parents[3] / "examples" / "weekly" / name
    return source.read_text(encoding="utf-8")


def _program() -> list[str]:
    """Return how this very program is called from a shell."""
    given = Path(sys.argv[0])
    if given.stem != "budgetopt":
        return [sys.executable, "-m", "budgetopt"]
    found = shutil.which("budgetopt")
    return ["budgetopt"] if found and Path(found) == given else [str(given)]


def _quoted(words: Sequence[str]) -> str:
    return subprocess.list2cmdline(words) if os.name == "nt" else shlex.join(words)
