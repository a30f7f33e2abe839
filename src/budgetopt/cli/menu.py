"""Which commands there are."""

from __future__ import annotations

from typing import Annotated

import typer

from budgetopt.cli.allocate import allocate
from budgetopt.cli.apply import apply
from budgetopt.cli.approve import approve
from budgetopt.cli.check import check
from budgetopt.cli.demo import demo
from budgetopt.cli.diff import diff
from budgetopt.cli.edit import edit
from budgetopt.cli.experiment import next_day, verdict
from budgetopt.cli.frontier import frontier
from budgetopt.cli.history import history
from budgetopt.cli.learn import learn
from budgetopt.cli.pace import pace
from budgetopt.cli.ramp import ramp
from budgetopt.cli.reallocate import reallocate
from budgetopt.cli.reject import reject
from budgetopt.cli.release import release
from budgetopt.cli.schema import schema
from budgetopt.cli.show import show
from budgetopt.cli.simulate import simulate
from budgetopt.cli.verify import verify
from budgetopt.cli.week import week
from budgetopt.errors import InputError
from budgetopt.version import VERSION

COMMANDS = (demo, check, learn, reallocate, allocate, frontier, simulate, schema)
RHYTHM = (week, approve, reject, edit, apply, release, pace, ramp, history, show, diff)
"""Commands on a plan, and those of the weekly rhythm on a ledger; in the order of ``--help``."""

_PANEL = "Every week, on a ledger"


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(VERSION)
        raise typer.Exit


def _options(
    context: typer.Context,
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")] = False,
) -> None:
    """Options of every command; `main` reads ``--debug`` itself."""
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())
        raise typer.Exit(InputError.exit_code)


app = typer.Typer(
    name="budgetopt",
    help="Decide how a marketing budget is split, week after week.",
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Exit codes: 0 done, 2 bad input, 3 the plan cannot be met, 4 solver, 5 nothing to do, "
    "6 the ledger, 7 done with a critical alert, 130 interrupted.",
)
app.callback(invoke_without_command=True)(_options)
for command in COMMANDS:
    app.command()(command)
for weekly in RHYTHM:
    app.command(rich_help_panel=_PANEL)(weekly)

experiment = typer.Typer(help="Test creatives and audiences before money is scaled.")
experiment.command("next")(next_day)
experiment.command()(verdict)
app.add_typer(experiment, name="experiment")

ledger = typer.Typer(help="Look after a ledger.")
ledger.command()(verify)
app.add_typer(ledger, name="ledger", rich_help_panel=_PANEL)
