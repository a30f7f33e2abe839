"""Run the command line: errors become words and exit codes, and answers reach any terminal."""

from __future__ import annotations

import io
import json
import os
import sys
import traceback
from collections.abc import Sequence
from typing import Any, NoReturn

import typer

from budgetopt import report
from budgetopt.cli.menu import app
from budgetopt.errors import BudgetoptError, InputError

# Newer typer carries its own copy of click, so that this class has no one address.
UsageError: Any = typer.BadParameter.__mro__[1]

_JSON = "--format=json"


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run the command line and exit with the documented code."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    debug = "--debug" in given
    given = _spelt_out([g for g in given if g != "--debug"])
    _own_stdout()
    _write_utf8()
    try:
        sys.exit(app(args=given, prog_name="budgetopt", standalone_mode=False) or 0)
    except UsageError as error:
        _complain(_as_input_error(error), given, debug)
    except BudgetoptError as error:
        _complain(error, given, debug)
    except Exception as error:  # noqa: BLE001 - a scheduler's log gets one line, not a traceback
        text = f"unexpected {type(error).__name__}: {error}: run again with --debug and report it"
        _complain(error, given, debug, text)


def _spelt_out(given: Sequence[str]) -> list[str]:
    """Return arguments with one spelling of JSON for all of them."""
    joined: list[str] = []
    for word in given:
        if word == "json" and joined and joined[-1] == "--format":
            joined[-1] = _JSON
        else:
            joined.append(_JSON if word == "--json" else word)
    return joined


def _own_stdout() -> None:
    """Keep answers apart from what a solver's compiled code may print: that goes to stderr."""
    out = sys.stdout
    if out is not sys.__stdout__ or not isinstance(out, io.TextIOWrapper) or out.fileno() != 1:
        return
    out.flush()
    own = os.dup(1)
    os.dup2(2, 1)
    sys.stdout = os.fdopen(own, "w", encoding=out.encoding, errors=out.errors)


def _write_utf8() -> None:
    """Let no terminal's or pipe's encoding stand in the way of a channel's name."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            if stream.isatty():
                stream.reconfigure(errors="backslashreplace")
            else:
                stream.reconfigure(encoding="utf-8", errors="backslashreplace")


def _as_input_error(error: Any) -> InputError:
    """Return a wrong use of the command line as an error of ours."""
    command = error.ctx.command_path if error.ctx else "budgetopt"
    problem = " ".join(error.format_message().split()).rstrip(".")
    return InputError(
        "bad-argument",
        problem[:1].lower() + problem[1:],
        field=getattr(getattr(error, "param", None), "name", None) or "",
        remedy=f"see {command} --help",
    )


def _complain(error: Exception, given: Sequence[str], debug: bool, text: str = "") -> NoReturn:
    """Write an error to stderr, as JSON where the answer was asked for in JSON, and exit."""
    text, code = text or str(error), 1
    data = {"error": type(error).__name__, "message": text}
    if isinstance(error, BudgetoptError):
        data, code = error.to_dict(), error.exit_code
    if debug:
        traceback.print_exception(error)
    if _JSON in given:
        typer.echo(json.dumps(data, ensure_ascii=False), err=True)
    else:
        typer.echo(report.sentences(f"budgetopt: {text}"), err=True)
    sys.exit(code)
