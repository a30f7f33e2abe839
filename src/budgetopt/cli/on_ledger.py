"""What commands that read or write a ledger share: their options, and opening it."""

from __future__ import annotations

import datetime as dt
import getpass
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from budgetopt.calendar import as_date
from budgetopt.cli.files import answer
from budgetopt.cli.options import Form, Language
from budgetopt.cli.shell import command
from budgetopt.errors import InputError
from budgetopt.ledger import Entry, Ledger
from budgetopt.operation.state import WeekState
from budgetopt.plan import Plan
from budgetopt.report.layout import capital
from budgetopt.report.operation.state import VERBS, state_json, state_lines

CRITICAL = 7
"""Exit code where all was done and recorded, but a critical alert stands."""

LedgerPath = Annotated[
    str,
    typer.Option(
        "--ledger", metavar="FILE", help="Ledger: a file, or the URL of a PostgreSQL database."
    ),
]
WeekDay = Annotated[str, typer.Option("--week", metavar="DATE", help="A day of the week.")]
Who = Annotated[
    str | None,
    typer.Option("--who", metavar="NAME", help="Who does this; default: the login name."),
]
Why = Annotated[str, typer.Option("--why", metavar="TEXT", help="The reason.")]
Reason = Annotated[str, typer.Option("--why", metavar="TEXT", help="The reason, in a few words.")]
Revision = Annotated[
    int | None,
    typer.Option(
        "--revision", metavar="N", help="The revision looked at: no newer one is meant unseen."
    ),
]
Set = Annotated[
    list[str] | None,
    typer.Option(
        "--set", metavar="CHANNEL=AMOUNT", help="A channel's money for the week; may be repeated."
    ),
]
SpendsPath = Annotated[
    Path | None,
    typer.Option("--spends", metavar="FILE", help="Table with the columns channel and spend."),
]


def open_ledger(where: str, *, create: bool = False) -> Ledger:
    """Open the ledger of an option; only the weekly run makes a new one."""
    return Ledger.open(where, create=create)


def shown(where: str) -> str:
    """Return the ledger of an option without a password in it, to be read by others."""
    return re.sub(r"(://[^:/@]*):[^@/]*@", r"\1@", where)


def login(who: str | None) -> str:
    """Return who does this: the name given, or the one of the login.

    Raises
    ------
    InputError
        ``bad-argument`` where the system knows no name.
    """
    if who is not None:
        return who
    try:
        return getpass.getuser()
    except (KeyError, OSError, ImportError):
        raise InputError(
            "bad-argument",
            "nobody is logged in by a name",
            field="who",
            remedy="give it by --who",
        ) from None


def next_command(state: WeekState, plan: Path, declared: Plan, where: str) -> str:
    """Return the command that is next for a week, to be copied; nothing where there is none."""
    verb = VERBS.get(state.state)
    if verb is None:
        return ""
    words = [verb, str(plan), "--ledger", shown(where), "--week", str(state.week)]
    if verb == "approve":
        approval = declared.operation.approval
        approvers = () if approval is None else approval.approvers
        words += ["--revision", str(state.revision)]
        words += ["--who", approvers[0] if len(approvers) == 1 else "NAME"]
    return command(*words)


def tell(
    state: WeekState,
    plan: Path,
    declared: Plan,
    where: str,
    *,
    form: Form,
    lang: Language,
    first: Sequence[str] = (),
    last: Sequence[str] = (),
    **more: Any,
) -> None:
    """Print where a week stands after a command, and what is next.

    Parameters
    ----------
    state
        The state of the week.
    plan, declared
        The plan's file, and the plan.
    where
        The ledger.
    form, lang
        How it is printed.
    first, last
        Sentences in front, and at the end.
    more
        Facts for JSON beside the state.
    """
    following = next_command(state, plan, declared, where)
    if form is Form.json:
        answer(state_json(state, following, **more), None)
        return
    lines = [capital(sentence, lang) for sentence in first]
    lines += state_lines(state, declared, following, lang)
    answer("\n".join([*lines, *(capital(sentence, lang) for sentence in last)]), None)


def week_entries(ledger: Ledger, day: str) -> tuple[dt.date, tuple[Entry, ...]]:
    """Return the first day and the entries of the week of a ledger that a day lies in.

    Raises
    ------
    InputError
        ``bad-argument`` where the ledger has no such week.
    CalendarError
        ``bad-date``.
    """
    given = as_date(day, "--week")
    for start in (given - dt.timedelta(days=n) for n in range(7)):
        entries = ledger.entries(week=start)
        if entries:
            return start, entries
    raise InputError(
        "bad-argument",
        f"the ledger knows no week of {given}",
        field="week",
        value=day,
        remedy="choose one that budgetopt history lists",
    )
