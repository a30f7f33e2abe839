"""The list of commands, and how they are run: exit codes, errors as one line, encodings."""

from __future__ import annotations

import inspect
import io
import json
import os
import re
import sys
import traceback
from collections.abc import Callable, Iterable, Sequence
from typing import Annotated, Any, NoReturn

import typer
from typer.core import TyperCommand, TyperGroup

import budgetopt as bo
from budgetopt.cli.common import language_of
from budgetopt.cli.decide import backtest, learn, reallocate
from budgetopt.cli.exchange import attribute, export, template, upload
from budgetopt.cli.experiment import next_day, pilot, tests, verdict
from budgetopt.cli.nightly import nightly
from budgetopt.cli.plans import allocate, check, demo, frontier, init, schema, year
from budgetopt.cli.simulate import simulate, what_if
from budgetopt.cli.weeks import (
    apply,
    approve,
    diff,
    edit,
    history,
    pace,
    ramp,
    reject,
    release,
    report,
    show,
    verify,
    week,
)
from budgetopt.errors import BudgetoptError, InputError
from budgetopt.messages import Message, listed, quoted, said_in, say
from budgetopt.untrusted import escaped
from budgetopt.version import VERSION

COMMANDS = (
    demo,
    init,
    template,
    check,
    learn,
    reallocate,
    backtest,
    tests,
    allocate,
    what_if,
    frontier,
    simulate,
    year,
    nightly,
    schema,
    export,
    attribute,
)
RHYTHM = (
    *(week, approve, reject, edit, apply, upload, release, pace, ramp, report, history, show),
    diff,
)
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


class Command(TyperCommand):
    """A command that refuses an option given twice where only the last value would count.

    Its parameters are read from its function once they are wanted: to call one command, or to list
    all of them, the others' are not.
    """

    def __init__(
        self, function: Callable[..., None], panel: str | None = None, name: str | None = None
    ) -> None:
        name = name or function.__name__.replace("_", "-")
        super().__init__(name, help=inspect.getdoc(function), rich_help_panel=panel)
        self._function = function
        del self.params, self.callback

    def __getattr__(self, name: str) -> Any:
        """Read ``params`` and ``callback`` from the function, the first time."""
        if name not in ("params", "callback"):
            raise AttributeError(name)
        alone = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
        alone.command()(self._function)
        made = typer.main.get_command(alone)
        self.params, self.callback = made.params, made.callback
        return getattr(self, name)

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Return what is left of the arguments, as the parser does."""
        # Parsed once more beforehand: only the parser's order of options holds every mention.
        _, _, order = self.make_parser(ctx).parse_args(args=list(args))
        for param in order:
            plain = param.param_type_name == "option" and not getattr(param, "is_flag", False)
            if plain and not param.multiple and order.count(param) > 1:
                option = max(param.opts, key=len)
                raise InputError(
                    "bad-argument",
                    say("given-times-takes-value", option=option, param=order.count(param)),
                    field=param.name or "",
                    value=option,
                    remedy=say("remedy-once"),
                )
        rest: list[str] = super().parse_args(ctx, args)
        return rest


class Root(TyperGroup):
    """The list of commands, drawn in typer's frames.

    What typer's own page loads for Markdown and tracebacks would take longer than all the rest.
    """

    titles = ("Options", "Commands")

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """Print the options, and a frame of commands for each panel."""
        from rich.console import Console
        from rich.padding import Padding
        from rich.panel import Panel
        from rich.table import Table
        from rich.text import Text

        options, commands = self.titles
        panels: dict[str, list[tuple[str, str]]] = {options: [], commands: []}
        each: Any
        for each in self.get_params(ctx):
            panels[options].append((" ".join(sorted(each.opts, key=len, reverse=True)), each.help))
        for each in self.commands.values():
            panels.setdefault(each.rich_help_panel or commands, []).append((each.name, each.help))
        width = max(len(name) for rows in panels.values() for name, _ in rows)
        console = Console()
        console.print(Padding(Text(self.get_usage(ctx), "bold"), 1))
        console.print(Padding(Text(self.help or ""), (0, 1, 1, 1)))
        for title, rows in panels.items():
            table = Table.grid(padding=(0, 2, 0, 0), expand=True)
            table.add_column(style="bold cyan", no_wrap=True, width=width)
            table.add_column(ratio=1)
            for name, text in rows:
                table.add_row(Text(name), Text(text.partition("\n\n")[0].replace("\n", " ")))
            console.print(
                Panel(table, title=title, title_align="left", border_style="dim", padding=(0, 1))
            )
        console.print(Padding(Text(self.epilog or ""), 1))


def command_line() -> Any:
    """Return the whole command line, made anew."""
    app = typer.Typer(
        name="budgetopt",
        cls=Root,
        help="Decide how a marketing budget is split, week after week.",
        add_completion=False,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
        epilog="Exit codes: 0 done, 2 bad input, 3 the plan cannot be met, 4 solver failed, 5 "
        "nothing to do, 6 ledger error, 7 done with a critical alert, 130 interrupted, 143 "
        "terminated.",
    )
    app.callback(invoke_without_command=True)(_options)
    root: Any = typer.main.get_command(app)
    tried = (Command(next_day, name="next"), Command(verdict), Command(pilot))
    for command in (
        *(Command(function) for function in COMMANDS),
        _group("experiment", "Test creatives, audiences and channels before scaling spend.", tried),
        *(Command(function, _PANEL) for function in RHYTHM),
        _group("ledger", "Check a ledger.", [Command(verify)], _PANEL),
    ):
        root.commands[command.name] = command
    return root


def _group(name: str, text: str, commands: Iterable[Command], panel: str | None = None) -> Any:
    """Return a command whose next word is one of some commands."""
    named: Any = {command.name: command for command in commands}
    return TyperGroup(name=name, help=text, commands=named, rich_help_panel=panel)


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
        sys.exit(_run(given) or 0)
    except UsageError as error:
        _complain(_as_input_error(error), given, debug)
    except BudgetoptError as error:
        _complain(error, given, debug)
    except Exception as error:  # noqa: BLE001 - a scheduler's log gets one line, not a traceback
        _complain(error, given, debug)


def _run(given: Sequence[str]) -> Any:
    """Run the command of some arguments, with its help in the language that they ask for."""
    root = command_line()
    called = {"args": list(given), "prog_name": "budgetopt", "standalone_mode": False}
    if language_of(given) == "en":
        return root(**called)
    from budgetopt.cli.help_zh import help_in_chinese

    with help_in_chinese(root):
        return root(**called)


def _spelt_out(given: Sequence[str]) -> list[str]:
    """Return arguments with one spelling of JSON for all of them."""
    joined: list[str] = []
    for word in given:
        if word == "json" and joined and joined[-1] == "--format":
            joined.pop()
            word = _JSON
        word = _JSON if word == "--json" else word
        if word != _JSON or _JSON not in joined:
            joined.append(word)
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
    return InputError(
        "bad-argument",
        _problem_of(error),
        field=getattr(getattr(error, "param", None), "name", None) or "",
        remedy=say("remedy-see-help", command=command),
    )


def _problem_of(error: Any) -> Message:
    """Return what is wrong with the words of a call."""
    param, text = getattr(error, "param", None), " ".join(error.format_message().split())
    match type(error).__name__:
        case "NoSuchOption":
            problem = say("no-such-option", option=error.option_name)
            near = ", ".join(sorted(error.possibilities or ()))
            return say("no-such-option-near", problem=problem, near=near) if near else problem
        case "MissingParameter" if param is not None:
            argument = param.param_type_name == "argument"
            code = "argument-not-given" if argument else "option-not-given"
            return say(code, name=_called(param))
        case "BadOptionUsage":
            code = "option-takes-no-value" if "not take" in text else "option-without-value"
            return say(code, option=repr(error.option_name))
        case "BadParameter" if param is not None:
            return say("value-not-taken", name=_called(param), reason=_reason_of(error.message))
        case "UsageError" if (found := _NO_COMMAND.search(text)) is not None:
            return say("no-such-command", name=found[1])
        case "UsageError" if (found := _EXTRA.search(text)) is not None:
            return say("unexpected-arguments", words=found[1])
        case "BadArgumentUsage":
            return say("argument-of-many")
        case "UsageError" if text.startswith("Missing command"):
            return say("command-missing")
    return say("said-elsewhere", text=text[:1].lower() + text[1:].rstrip("."))


def _called(param: Any) -> str:
    """Return what a parameter is called on the command line, in quotes."""
    if param.param_type_name == "argument":
        return repr(param.metavar or param.name.upper())
    return " / ".join(map(repr, param.opts))


def _reason_of(text: str) -> str:
    """Return why a value is not taken, by the forms of click, of typer and of pydantic."""
    text = " ".join(text.removeprefix("Value error, ").split()).rstrip(".")
    if found := _CHOICE.fullmatch(text):
        choices = [quoted(name) for name in re.findall("'(.*?)'", found[2])]
        return say("reason-choice", value=quoted(found[1]), choices=listed(choices))
    for pattern, code in _REASONS:
        if found := pattern.search(text):
            return say(code, **found.groupdict())
    return text


_CHOICE = re.compile("'(.*)' is not one of ((?:'[^']*'(?:, )?)+)")
_REASONS = (
    (re.compile("valid int"), "reason-integer"),
    (re.compile("valid (?:float|number)"), "reason-number"),
    (re.compile("finite number"), "reason-number"),
    (re.compile("valid boolean"), "reason-boolean"),
    (re.compile(r"greater than or equal to (?P<least>\S+)"), "reason-least"),
    (re.compile(r"less than or equal to (?P<most>\S+)"), "reason-most"),
    (re.compile(r"not in the range (?P<range>.+)"), "reason-range"),
)
"""Forms of what is said of a value, whose places are those of our own text."""
# click keeps these words in its sentence alone.
_NO_COMMAND = re.compile(r"^No such command (.+?)\.?$")
_EXTRA = re.compile(r"extra argument\S* \((.*)\)$")


def _complain(error: Exception, given: Sequence[str], debug: bool) -> NoReturn:
    """Write an error to stderr, as JSON where the answer was asked for in JSON, and exit."""
    language, code, name = language_of(given), 1, type(error).__name__
    remedy = say("remedy-debug")
    problem = say("unexpected-error", name=name, error=str(error))
    text = said_in(say("field-problem", field=problem, problem=remedy), language)
    data = {"error": name, "code": "unexpected", "message": text, "field": None, "value": None,
            "remedy": remedy}  # fmt: skip
    if isinstance(error, BudgetoptError):
        data, code = error.to_dict(), error.exit_code
        text = error.explain(language)
    if debug:
        traceback.print_exception(error)
    if _JSON in given:
        typer.echo(escaped(json.dumps(data, ensure_ascii=False)), err=True)
    else:
        typer.echo(escaped(bo.report.sentences(f"budgetopt: {text}", language)), err=True)
    sys.exit(code)
