"""``budgetopt nightly``: one week of every account of a folder."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

import budgetopt as bo
from budgetopt.cli.common import (
    CRITICAL,
    AsOf,
    Language,
    LanguageOption,
    answer,
    today,
)
from budgetopt.cli.decide import PolicyOption, SeedOption
from budgetopt.cli.simulate import ExecutorOption, WorkersOption, workers_of
from budgetopt.errors import InputError
from budgetopt.messages import say

MOST_SHOWN = 10
"""Accounts that failed or are stale, named on the screen; the file has all."""


def nightly(
    portfolio: Annotated[
        Path,
        typer.Argument(
            metavar="PORTFOLIO",
            help="Folder with a subfolder an account, each with plan.toml and history files.",
        ),
    ],
    out: Annotated[
        Path,
        typer.Option("--out", metavar="DIR", help="Folder for accounts.csv and channels.csv."),
    ],
    store: Annotated[
        Path | None,
        typer.Option(
            "--store",
            metavar="DIR",
            help="Folder that keeps what was learned; default: store in the folder of --out.",
        ),
    ] = None,
    workers: WorkersOption = 1,
    executor: ExecutorOption = None,
    accept_failed: Annotated[
        float,
        typer.Option(
            metavar="SHARE",
            min=0.0,
            max=1.0,
            help="Share of accounts that may fail or be stale before the exit code says so.",
        ),
    ] = 0.0,
    week: Annotated[
        str | None,
        typer.Option(
            "--week",
            metavar="DATE",
            help="First day of the week to decide; default: the week after each history.",
        ),
    ] = None,
    shared: Annotated[
        str | None,
        typer.Option(
            "--shared",
            metavar="MONEY|PLAN",
            help="Money per week that all accounts share in place of their own budgets, or a plan "
            "file whose channels are the accounts.",
        ),
    ] = None,
    pool: Annotated[
        bool,
        typer.Option(
            "--pool",
            help="Let the accounts lend each other what they know of channels with less than a "
            "year of weeks.",
        ),
    ] = False,
    policy: PolicyOption = None,
    seed: SeedOption = 0,
    as_of: AsOf = None,
    lang: LanguageOption = Language.en,
) -> None:
    """Decide the next week of every account of a folder; one that fails is a row.

    What was learned is kept, and the next night goes on from there. Killed, it is run again: what
    is done is not done twice, and the files are the same to the byte. Exit code 0 where no more
    accounts failed or were decided by stale data than are accepted, 7 where more were, 2 where all
    failed.
    """
    # Workers of a cluster may stand in another folder.
    accounts = bo.Portfolio.read(portfolio.absolute(), as_of=today(as_of))
    out.mkdir(parents=True, exist_ok=True)
    with workers_of(executor, workers) as hands:
        found = accounts.reallocate(
            week=week,
            policy=policy,
            seed=seed,
            store=(out / "store" if store is None else store).absolute(),
            executor=hands,
            language=lang.value,
            shared=bo.Plan.load(shared) if shared and Path(shared).is_file() else shared,
            pool=pool,
        )
    for name, rows in (("accounts", found.accounts), ("channels", found.channels)):
        book = bo.exchange.book_of(bo.exchange.Sheet.of_rows(name, rows))
        bo.report.write_whole(out / f"{name}.csv", bo.exchange.render(book, "csv", lang))
    failed, count = found.failed, len(found.accounts)
    lines = [say("portfolio-decided", count=count, failed=len(failed), out=str(out))]
    lines += [
        say("portfolio-failed", account=str(row["account"]), why=str(row["message"]))
        for row in (*failed, *found.stale)[:MOST_SHOWN]
    ]
    if found.shares is not None:
        lines.insert(1, _shared(found.shares))
    if found.stale:
        lines.insert(1, say("portfolio-stale", stale=len(found.stale)))
    answer("\n".join(bo.i18n.in_language(line, lang.value) for line in lines), None)
    if len(failed) == count:
        raise typer.Exit(InputError.exit_code)
    if len(failed) + len(found.stale) > accept_failed * count:
        raise typer.Exit(CRITICAL)


def _shared(shares: bo.Allocation) -> bo.i18n.Message:
    return say(
        "portfolio-shared",
        total=bo.money.show_amount(shares.budget),
        currency=shares.currency,
        count=len(shares.spend),
        spent=bo.money.show_amount(shares.total),
        rest=bo.money.show_amount(shares.unspent),
    )
