"""``budgetopt demo``: a ready plan and history."""

from __future__ import annotations

from importlib import resources
from pathlib import Path
from typing import Annotated

import typer

from budgetopt import report
from budgetopt.cli.shell import command
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
    typer.echo(command("reallocate", str(plan), "--history", str(history)))


def _bad_folder(problem: str, folder: Path, remedy: str) -> InputError:
    return InputError("bad-file", problem, field="DIR", value=str(folder), remedy=remedy)


def _demo_file(name: str) -> str:
    """Return a file of the weekly example, from the wheel or from the source tree."""
    packed = resources.files("budgetopt") / "demo" / name
    if packed.is_file():
        return packed.read_text(encoding="utf-8")
    source = Path(__file__).parents[3] / "examples" / "weekly" / name
    return source.read_text(encoding="utf-8")
