"""``budgetopt ledger verify``: whether a ledger is what was recorded."""

from __future__ import annotations

from typing import Annotated

import typer

from budgetopt.cli.files import answer
from budgetopt.cli.on_ledger import LedgerPath, open_ledger
from budgetopt.cli.options import Form, FormOption, Language, LanguageOption, OutPath
from budgetopt.errors import InputError, LedgerError
from budgetopt.report.operation.ledger import verified_json, verified_table


def verify(
    ledger: LedgerPath,
    anchor: Annotated[
        str | None,
        typer.Option(metavar="N:HASH", help="A head noted before, which must still be there."),
    ] = None,
    format: FormOption = Form.table,
    out: OutPath = None,
    lang: LanguageOption = Language.en,
) -> None:
    """Hold every entry of a ledger against its hash and the one before it; exit code 6 if wrong."""
    noted = None if anchor is None else _anchor(anchor)
    with open_ledger(ledger) as opened:
        found = opened.verify(noted)
    answer(verified_json(found) if format is Form.json else verified_table(found, lang), out)
    if not found.good:
        raise typer.Exit(LedgerError.exit_code)


def _anchor(text: str) -> tuple[int, str]:
    number, _, digest = text.partition(":")
    if not number.isdecimal() or not digest:
        raise InputError(
            "bad-argument",
            f"--anchor is {text!r}",
            field="anchor",
            value=text,
            remedy="give number and hash of an entry with a colon between them",
        )
    return int(number), digest
