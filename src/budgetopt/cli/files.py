"""How commands read their history and give their answer."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import typer

from budgetopt import report
from budgetopt.calendar import as_date
from budgetopt.errors import InputError
from budgetopt.history import History
from budgetopt.plan import Plan


def today(as_of: str | None) -> dt.date:
    """Return the day that a command counts as today."""
    return dt.date.today() if as_of is None else as_date(as_of, "--as-of")


def read_history(
    plan: Plan, path: Path, as_of: str | None, data_through: str | None = None
) -> History:
    """Return the history of a plan's channels."""
    return History.read(
        path,
        plan.columns,
        channels=plan.names,
        week_start=plan.week_start,
        as_of=today(as_of),
        data_through=None if data_through is None else as_date(data_through, "--data-through"),
    )


def keep(
    out: Path | None, *inputs: Path | None, option: str = "--out", what: str = "an input"
) -> None:
    """Refuse to write an answer over what it was made from."""
    if out is not None and out.resolve() in [path.resolve() for path in inputs if path]:
        raise InputError(
            "bad-argument",
            f"{option} is {str(out)!r}, which is {what}",
            field=option.lstrip("-"),
            value=str(out),
            remedy="name another file",
        )


def check_place(out: Path | None) -> None:
    """Refuse a file whose folder is not there, before anything is done that cannot be undone."""
    if out is not None and not out.resolve().parent.is_dir():
        raise InputError(
            "bad-file",
            f"{str(out)!r} cannot be written, its folder is not there",
            field="out",
            value=str(out),
            remedy="name a file in a folder that can be written",
        )


def answer(text: str, out: Path | None) -> None:
    """Print an answer or write it to a file."""
    text = text.rstrip("\n") + "\n"
    if out is None:
        typer.echo(text, nl=False)
    else:
        report.write_whole(out, text)
