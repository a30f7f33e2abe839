"""``init``: a commented plan from the files themselves."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

import budgetopt as bo
from budgetopt.cli.common import (
    AsOf,
    Language,
    LanguageOption,
    answer,
    check_place,
    command,
    keep,
    today,
)
from budgetopt.errors import InputError
from budgetopt.messages import say


def init(
    files: Annotated[list[Path], typer.Argument(metavar="FILE...", help="Exports of any kind.")],
    out: Annotated[Path, typer.Option("--out", metavar="PLAN", help="Plan file to write.")],
    currency: Annotated[
        str | None, typer.Option(metavar="CODE", help="Currency; default: what the files carry.")
    ] = None,
    as_of: AsOf = None,
    lang: LanguageOption = Language.en,
) -> None:
    """Draft a plan from exported files, with what was decided beside each line."""
    keep(out, files)
    check_place(out)
    if out.exists() or out.suffix.lower() != ".toml":
        there = say("there-already") if out.exists() else say("no-such-suffix", suffix=".toml")
        raise InputError(
            "bad-argument",
            say("path-is-other", option="--out", path=repr(str(out)), what=there),
            field="out",
            value=str(out),
            remedy=say("remedy-name-new-toml"),
        )

    drafted, reasons = bo.plan.draft_files(files, currency=currency, as_of=today(as_of))
    bo.report.write_whole(out, drafted.to_toml(reasons, lang.value))
    plan, count = drafted.plan, len(drafted.plan.channels)
    wrote = say(
        "draft-written",
        file=str(out),
        channels=say("one-channel") if count == 1 else say("count-channels", count=count),
        budget=bo.money.show_amount(plan.budget),
        currency=plan.currency,
    )
    words = [word for path in files for word in ("--history", str(path))]
    answer("\n".join(bo.report.said(line, lang) for line in (wrote, say("now-try"))), None)
    typer.echo(command("check", str(out), *words))
    typer.echo(command("reallocate", str(out), *words))
