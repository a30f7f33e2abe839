"""What commands share: options, language, files in and answers out, and the ledger.

From top to bottom: how this program is called, for commands that readers copy; formats and options;
reading a history and writing an answer; changes of what-ifs; money by channel from ``--set`` and
``--spends``; a ledger, who acts on it, and where one of its weeks stands.
"""

from __future__ import annotations

import datetime as dt
import getpass
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

import budgetopt as bo
from budgetopt.errors import InputError
from budgetopt.messages import Message, say
from budgetopt.untrusted import escaped, from_cell


def command(*words: str) -> str:
    """Return a call of this program with some arguments, quoted as the shell wants it."""
    return _quoted([*_program(), *words])


def _program() -> list[str]:
    given = Path(sys.argv[0])
    if given.stem != "budgetopt":
        return [sys.executable, "-m", "budgetopt"]
    found = shutil.which("budgetopt")
    return ["budgetopt"] if found and Path(found) == given else [str(given)]


def _quoted(words: Sequence[str]) -> str:
    return subprocess.list2cmdline(words) if os.name == "nt" else shlex.join(words)


_OWN = {".json": "json", ".csv": "csv", ".tsv": "tsv", ".md": "md", ".xlsx": "xlsx",
        ".parquet": "parquet", ".html": "html", ".htm": "html"}  # fmt: skip
_OTHERS = """
.xlsm .xlsb .xls .xltx .ods .numbers .et .feather .arrow .jsonl .ndjson .toml .yaml
.yml .ini .xml .xhtml .mht .mhtml .pdf .ps .eps .doc .docx .docm .odt .rtf .ppt .pptx
.odp .png .svg .jpg .jpeg .gif .webp .bmp .tif .tiff .db .sqlite .sqlite3 .pkl .pickle .npy .npz .h5
.py .ipynb .js .sql .zip .gz .tgz .tar .bz2 .xz .zst .7z .rar
"""
SUFFIXES: dict[str, str] = {**dict.fromkeys(_OTHERS.split(), ""), **_OWN}
"""Suffixes that promise a format, and which one of ours it is, if any."""
_WRITTEN = {
    "table": (say("plain-text"), ".txt"),
    "json": ("JSON", ".json"),
    "csv": ("CSV", ".csv"),
    "tsv": (say("text-with-tabs"), ".tsv"),
    "md": ("Markdown", ".md"),
    "xlsx": (say("a-workbook"), ".xlsx"),
    "parquet": ("parquet", ".parquet"),
    "html": (say("a-page"), ".html"),
}
"""What each format is called, and the suffix that it usually has."""


def promised(path: Path) -> str | None:
    """Return the format that the name of a file promises: one of ours, or empty; None for none."""
    # Windows leaves out dots and spaces at the end.
    return SUFFIXES.get(Path(path.name.rstrip(" .")).suffix.lower())


METHODS = ("auto", "waterfill", "dual", "branch", "linear", "lots", "integer")
POLICIES = (
    *("optimistic", "posterior-mean", "thompson", "greedy", "upper-quantile", "cautious"),
    *("guarded", "test-budget", "phased", "proportional", "equal", "hold"),
)
"""As `optimize` and `policies` have them, so that help loads no engine; a test compares."""
_ONE_TOTAL = f"cautious({POLICIES[1]}, 0.5)"
POLICY_DEFAULT = f"Default: {POLICIES[0]}, and {_ONE_TOTAL} where the history has one total"


class Format(StrEnum):
    """How an answer is printed, or written to a file, which xlsx and parquet have to be."""

    table = "table"
    json = "json"
    csv = "csv"
    csv_excel = "csv-excel"
    tsv = "tsv"
    md = "md"
    xlsx = "xlsx"
    parquet = "parquet"
    html = "html"


class Form(StrEnum):
    """How an answer that is not a plain table is printed."""

    table = "table"
    json = "json"


class Language(StrEnum):
    """Language of a table."""

    en = "en"
    zh = "zh"


LedgersPlan = Annotated[
    Path | None,
    typer.Argument(metavar="PLAN", help="The plan, to be compared with the ledger's."),
]
PlanPath = Annotated[Path, typer.Argument(metavar="PLAN", help="Plan file, .toml or .json.")]
_HISTORY = typer.Option(
    "--history",
    metavar="FILE",
    help="History file: .csv, .xlsx or .parquet; may be repeated, or a pattern in quotes. Default: "
    "the files that the plan names, in its folder.",
)
HistoryPath = Annotated[list[Path] | None, _HISTORY]
AsOf = Annotated[
    str | None,
    typer.Option(
        "--as-of", metavar="DATE", help="Treat this date as today; incomplete weeks are ignored."
    ),
]
DataThrough = Annotated[
    str | None,
    typer.Option(
        "--data-through",
        metavar="DATE",
        help="Last day that the history covers; default: as its rows show.",
    ),
]
WeekOption = Annotated[
    str | None,
    typer.Option(
        "--week",
        metavar="DATE",
        help="A day of the week, for its phases, freezes and demand; default: a usual week.",
    ),
]
_HOW = "How to print the answer; --json is short for --format=json."
# Eager, so that the format is known when the name of the file is held against it.
FormatOption = Annotated[Format, typer.Option("--format", is_eager=True, help=_HOW)]
FormOption = Annotated[Form, typer.Option("--format", is_eager=True, help=_HOW)]


def check_suffix(path: Path, format: str, option: str, offered: Collection[str] = ()) -> None:
    """Refuse the name of a file that promises another format than is written.

    Parameters
    ----------
    path, option
        The name, and the option that it was given with.
    format
        What is written.
    offered
        Formats that the command can write in its place.

    Raises
    ------
    InputError
        ``bad-argument``.
    """
    other = promised(path)
    if other in (None, format):
        return
    written, usual = _WRITTEN[format]
    remedy = say("remedy-name-usual", usual=usual)
    if other in offered:
        remedy = say("remedy-name-usual-or-format", usual=usual, other=other)
    elif Format.html in offered:
        # A .pdf is wanted for reading: a browser makes one of the page.
        remedy = say("remedy-name-usual-or-page", usual=usual)
    raise InputError(
        "bad-argument",
        say("path-would-hold", option=option, path=repr(str(path)), written=written),
        field=option.lstrip("-"),
        value=str(path),
        remedy=remedy,
    )


def check_printed(format: str, remedy: Message) -> None:
    """Refuse to print what only a file can hold."""
    if format in (Format.xlsx, Format.parquet):
        raise _wrong("format", say("format-not-printed", format=repr(format)), remedy, format)


def _out_in(kinds: type[StrEnum]) -> Callable[..., Path | None]:
    """Return what lets the name of a file choose the format where ``--format`` does not."""

    def named(context: typer.Context, out: Path | None) -> Path | None:
        # Typer before 0.27 gives the text of another parameter, later releases its value.
        given = context.params.get("format", "table")
        format, source = str(given), context.get_parameter_source("format")
        if out is None:
            check_printed(format, say("remedy-name-file-out-answer", format=format))
            return None
        meant = promised(out)
        if meant in [*kinds] and (source is None or source.name == "DEFAULT"):
            format = str(meant)
            context.params["format"] = kinds(format) if isinstance(given, kinds) else format
        offered = [each.value for each in kinds]
        check_suffix(out, "csv" if format == "csv-excel" else format, "--out", offered)
        # Before anything is done that cannot be undone.
        bo.exchange.check_installed(format)
        return out

    return named


def belief_name(param: typer.CallbackParam, path: Path | None) -> Path | None:
    """Return the file that a belief is saved to, which is JSON whatever is printed."""
    if path is not None:
        check_suffix(path, "json", param.opts[0])
    return path


OutPath = Annotated[
    Path | None,
    typer.Option(
        "--out",
        metavar="FILE",
        callback=_out_in(Format),
        help="Write the answer here instead. Unless --format says it, the ending of the name says "
        "how: .txt, .md, .csv, .tsv, .json, .xlsx, .parquet or .html. Programs read .csv, .tsv, "
        ".json and .parquet: their columns have the same English names whatever --lang says.",
    ),
]
PAGES = (".html", ".htm")
"""Suffixes of files that an answer is written to as a page."""


def is_page(out: Path | None) -> bool:
    """Return whether an answer goes to a page."""
    return out is not None and out.suffix.lower() in PAGES


def page_name(path: Path) -> Path:
    """Return the file that a page is written to.

    Raises
    ------
    InputError
        ``bad-argument`` where its name promises another format.
    """
    if not is_page(path):
        raise InputError(
            "bad-argument",
            say("out-html-written", path=repr(str(path))),
            field="out",
            value=str(path),
            remedy=say("remedy-name-html-file"),
        )
    return path


FormPath = Annotated[
    Path | None,
    typer.Option(
        "--out",
        metavar="FILE",
        callback=_out_in(Form),
        help="Write the answer here instead; a name ending in .json makes it JSON.",
    ),
]
MethodOption = Annotated[
    str, typer.Option("--method", metavar="NAME", help=f"Engine: {', '.join(METHODS)}.")
]
TimeLimit = Annotated[
    float | None,
    typer.Option(
        "--time-limit", metavar="SECONDS", min=0.0, help="Return the best answer found by then."
    ),
]
Explain = Annotated[
    bool, typer.Option("--explain", help="Add a sentence about every channel to a table.")
]


VARIABLE = "BUDGETOPT_LANG"
_LOCALE = ("LC_ALL", "LC_MESSAGES", "LANG")
"""Variables of the locale; the first that is set counts."""


def usual_language(variables: Mapping[str, str]) -> str:
    """Return the language where ``--lang`` is not given.

    Examples
    --------
    >>> usual_language({"LANG": "zh_CN.UTF-8"}), usual_language({"BUDGETOPT_LANG": "en"})
    ('zh', 'en')
    """
    if chosen := variables.get(VARIABLE):
        return "zh" if chosen == "zh" else "en"
    locale = next((variables[name] for name in _LOCALE if variables.get(name)), "")
    return "zh" if locale.lower().startswith("zh") else "en"


def language_of(given: Sequence[str]) -> str:
    """Return the language that a call asks for, before it is parsed."""
    for at, word in enumerate(given):
        value = given[at + 1] if word == "--lang" and at + 1 < len(given) else ""
        value = word.removeprefix("--lang=") if word.startswith("--lang=") else value
        if value:
            return "zh" if value == "zh" else "en"
    return usual_language(os.environ)


def _asked_language(context: typer.Context, lang: Language) -> Language:
    """Return the language given, or else that of the environment."""
    source = context.get_parameter_source("lang")
    given = source is not None and source.name != "DEFAULT"
    return lang if given else Language(usual_language(os.environ))


LanguageOption = Annotated[
    Language,
    typer.Option(
        "--lang",
        envvar=VARIABLE,
        show_envvar=False,
        show_default=False,
        callback=_asked_language,
        help="Language of help, tables and errors; default: BUDGETOPT_LANG, or the locale.",
    ),
]
BudgetChange = Annotated[
    str | None,
    typer.Option(
        "--budget", metavar="CHANGE", help="Assume another budget, such as -20%, x0.8 or 20000."
    ),
]
PriceChange = Annotated[
    list[str] | None,
    typer.Option(
        "--price",
        metavar="[CHANNEL=]CHANGE",
        help="Assume dearer or cheaper media, such as feed=+30%; may be repeated.",
    ),
]
CurvesHistory = Annotated[
    list[Path] | None,
    typer.Option(
        "--history",
        metavar="FILE",
        help="History to learn the curves from; default: the curves in the plan, or else the files "
        "that it names.",
    ),
]
BeliefPath = Annotated[
    Path | None,
    typer.Option(
        "--belief",
        metavar="FILE",
        help="Belief saved by budgetopt learn, to continue from.",
    ),
]

CurvesPath = Annotated[
    Path | None,
    typer.Option(
        "--curves",
        metavar="FILE",
        help="Curves of another model: Robyn's .json, PyMC-Marketing's .nc, or a .csv of points, "
        "draws or parameters.",
    ),
]
CurveWeeks = Annotated[
    int,
    typer.Option(
        "--curve-weeks",
        metavar="N",
        min=1,
        help="Weeks that a .csv of points gives totals of, as Meridian's tables do.",
    ),
]


def model_curves(path: Path | None, weeks: int) -> Any:
    """Return the curves of another model's file, None where no file is named."""
    from budgetopt.exchange import read_curves

    return None if path is None else read_curves(path, weeks=weeks)


def today(as_of: str | None) -> dt.date:
    """Return the day that a command counts as today."""
    return dt.date.today() if as_of is None else bo.calendar.as_date(as_of, "--as-of")


def files_of(plan: bo.Plan, path: Path, given: Sequence[Path] | None) -> list[Path]:
    """Return the history files given, else those that a plan names, which lie in its folder."""
    return list(given or bo.history.named_files(path.parent, plan.columns))


def curve_files(
    plan: bo.Plan, path: Path, given: Sequence[Path] | None, other: Path | None
) -> list[Path]:
    """Return the history files that curves are learned from, none where they are had otherwise."""
    return files_of(plan, path, given) if given or (plan.curves is None and other is None) else []


def no_history(plan: bo.Plan, remedy: Message) -> InputError:
    """Return the error of a command without a history, which says what the plan would have read."""
    names = bo.history.source_names(plan.columns.sources)
    if names:
        remedy = say("remedy-history-beside-plan", files=bo.i18n.listed(names))
    problem = say("missing-option-history")
    return InputError("bad-argument", problem, field="history", remedy=remedy)


def read_history(
    plan: bo.Plan, paths: Sequence[Path], as_of: str | None, data_through: str | None = None
) -> bo.History:
    """Return the history of a plan's channels, of one file or several.

    Raises
    ------
    InputError
        ``bad-argument`` where there is no file; else as `History.read`.
    """
    if not paths:
        raise no_history(plan, say("remedy-history"))
    past = bo.History.read(
        paths,
        plan.columns,
        channels=plan.names,
        week_start=plan.week_start,
        as_of=today(as_of),
        data_through=None
        if data_through is None
        else bo.calendar.as_date(data_through, "--data-through"),
    )
    past.check_currency(plan.currency)
    return past


def keep(
    out: Path | None,
    *inputs: Path | Sequence[Path] | None,
    option: str = "--out",
    what: str = "",
) -> None:
    """Refuse to write an answer over what it was made from."""
    each = [[one] if isinstance(one, Path) else one for one in inputs if one]
    if out is not None and out.resolve() in [path.resolve() for paths in each for path in paths]:
        raise InputError(
            "bad-argument",
            say("path-is-other", option=option, path=repr(str(out)), what=what or say("an-input")),
            field=option.lstrip("-"),
            value=str(out),
            remedy=say("remedy-name-another-file"),
        )


def check_place(out: Path | None) -> None:
    """Refuse a file in a missing folder, before anything is done that cannot be undone."""
    if out is not None and not out.resolve().parent.is_dir():
        raise InputError(
            "bad-file",
            say("cannot-written-folder-does", out=repr(str(out))),
            field="out",
            value=str(out),
            remedy=say("remedy-name-file-folder-can"),
        )


def answer(text: str, out: Path | None) -> None:
    """Print an answer or write it to a file, nothing in it that would act on a terminal."""
    text = escaped(text.rstrip("\n")) + "\n"
    if out is None:
        typer.echo(text, nl=False)
    else:
        bo.report.write_whole(out, text)


def respond(
    format: Format,
    out: Path | None,
    language: Language,
    *,
    table: Callable[[], str],
    json: Callable[[], str],
    result: Any,
    plan: bo.Plan | None = None,
) -> None:
    """Print an answer or write it to a file, in any format.

    Parameters
    ----------
    format, out, language
        As the options of the command say.
    table, json
        The answer as text for a terminal, and as JSON; Markdown is the same page as the text.
    result
        What `bo.exchange.book_of` takes, for the other formats.
    plan
        The plan of the result, where its page needs one.
    """
    if format is Format.html:
        content: str | bytes = bo.report.page(result, plan=plan, language=language)
    else:
        content = rendered(format, language, table=table, json=json, result=result)
    if format in (Format.table, Format.json, Format.md):
        answer(str(content), out)
    elif out is not None:
        bo.report.write_whole(out, content)
    else:
        typer.echo(content, nl=False)


def rendered(
    format: Format,
    language: Language,
    *,
    table: Callable[[], str],
    json: Callable[[], str],
    result: Any,
) -> str | bytes:
    """Return an answer in any format; all as in `respond`."""
    if format is Format.table:
        return table()
    if format is Format.json:
        return json()
    if format is Format.md:
        return bo.report.as_markdown(table())
    kind = "csv" if format is Format.csv_excel else format.value
    content = bo.exchange.render(bo.exchange.book_of(result), kind, language)
    mark = "\ufeff" if format is Format.csv_excel else ""
    return mark + content if isinstance(content, str) else content


def change_of(budget: str | None, price: Sequence[str] | None) -> bo.Change:
    """Return the change of ``--budget`` and ``--price`` of a command that takes one case."""
    prices = joined_changes([{"price": dict([priced(text)])} for text in price or ()])
    return bo.Change.from_dict(prices | ({} if budget is None else {"budget": budget}))


def joined_changes(changes: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return changes as one; what is given twice is refused, as nobody can tell which counts."""
    joined: dict[str, Any] = {}
    for change in changes:
        for part, value in change.items():
            before = joined.get(part)
            if before is None:
                joined[part] = value
            elif isinstance(value, list):
                joined[part] = before + value
            elif isinstance(value, dict) and not before.keys() & value.keys():
                joined[part] = before | value
            else:
                given = say("field-given-twice", field=f"--{part}")
                raise InputError("bad-argument", given, field=part, remedy=say("remedy-once"))
    return joined


def priced(text: str) -> tuple[str, str]:
    """Return channel and change of a ``--price``, ``*`` for all channels."""
    return named("price", text) if "=" in text else ("*", text)


def named(option: str, text: str) -> tuple[str, str]:
    """Return channel and value of an option.

    Raises
    ------
    InputError
        ``bad-argument``.
    """
    name, sign, value = text.rpartition("=")
    if sign and name.strip() and value.strip():
        return name.strip(), value.strip()
    raise InputError(
        "bad-argument",
        say("option-is-text", option=option, text=repr(text)),
        field=option,
        value=text,
        remedy=say("remedy-write-channel-value"),
    )


_COLUMNS = ("channel", "spend")


def spends_of(given: Sequence[str] | None, path: Path | None) -> dict[str, str]:
    """Return money by channel as it was written: of a file, and of options, which count first.

    Raises
    ------
    InputError
        ``bad-argument`` for what is not ``channel=amount`` or is given twice.
    HistoryError
        ``bad-file`` or ``bad-columns`` for the file.
    """
    from_file: dict[str, str] = {}
    if path is not None:
        rows = ((name, amount) for name, amount in table_rows(path, _COLUMNS))
        from_file = once(rows, f"{str(path)!r}")
    return from_file | once(map(_pair, given or ()), "--set")


def _pair(text: str) -> tuple[str, str]:
    name, sign, amount = text.rpartition("=")
    if not sign or not name.strip() or not amount.strip():
        raise _wrong(
            "set", say("option-set-is", text=repr(text)), say("remedy-write-channel-amount"), text
        )
    return name.strip(), amount.strip()


def once(pairs: Iterable[tuple[str, str]], where: str) -> dict[str, str]:
    """Return pairs as a table, and refuse a name that is there twice."""
    found: dict[str, str] = {}
    for name, amount in pairs:
        if name in found:
            raise _wrong(
                "spends",
                say("names-twice", where=where, name=repr(name)),
                say("remedy-channel-once"),
                name,
            )
        found[name] = amount
    return found


def table_rows(
    path: Path, columns: Sequence[str], optional: Sequence[str] = ()
) -> Iterator[tuple[str, ...]]:
    """Yield the cells of some columns of a table, row by row, other columns aside.

    Parameters
    ----------
    path
        A file of any kind that a history is read from.
    columns
        Columns that it must have.
    optional
        Columns that it may have, after the others; cells of one that is not there are empty.

    Raises
    ------
    HistoryError
        ``bad-file`` or ``bad-columns``.
    """
    from budgetopt.history import as_text, load_plain  # Help loads no engine.

    table = load_plain(path, columns, optional)
    for row in range(len(table.places)):
        cells = (table.cells.get(name) for name in (*columns, *optional))
        yield tuple("" if each is None else from_cell(as_text(each[row])) for each in cells)


def _wrong(field: str, problem: Message, remedy: Message, value: str) -> InputError:
    return InputError("bad-argument", problem, field=field, value=value, remedy=remedy)


CRITICAL = 7
"""Exit code where all was done and recorded, but a critical alert stands."""

LedgerPath = Annotated[
    str,
    typer.Option(
        "--ledger", metavar="FILE", help="Ledger: a file, or the URL of a PostgreSQL database."
    ),
]
PlanId = Annotated[
    str | None,
    typer.Option(
        "--plan-id",
        metavar="ID",
        help="Whose weeks, in a ledger of many plans; default: the plan's id, or its name.",
    ),
]
WeekDay = Annotated[str, typer.Option("--week", metavar="DATE", help="Any day of the week.")]
Who = Annotated[
    str | None,
    typer.Option("--who", metavar="NAME", help="Who is acting; default: the login name."),
]
Why = Annotated[str, typer.Option("--why", metavar="TEXT", help="The reason.")]
Reason = Annotated[str, typer.Option("--why", metavar="TEXT", help="The reason, in a few words.")]
Revision = Annotated[
    int | None,
    typer.Option(
        "--revision", metavar="N", help="Revision that was reviewed; fails if a newer one exists."
    ),
]
Set = Annotated[
    list[str] | None,
    typer.Option(
        "--set", metavar="CHANNEL=AMOUNT", help="New amount of a channel; may be repeated."
    ),
]
SpendsPath = Annotated[
    Path | None,
    typer.Option("--spends", metavar="FILE", help="Table with the columns channel and spend."),
]


def open_ledger(where: str, plan_id: str | None = None, *, create: bool = False) -> bo.Ledger:
    """Open the ledger of an option; only the weekly run and `year` make a new one."""
    return bo.Ledger.open(where, create=create, plan_id=plan_id)


def shown(where: str) -> str:
    """Return the ledger of an option without a password in it, to be read by others."""
    return re.sub(r"(://[^:/@]*):[^@/]*@", r"\1@", where)


def login(who: str | None) -> str:
    """Return who does this: the name given, or the one of the login.

    Raises
    ------
    InputError
        ``bad-argument`` where there is no login name.
    """
    if who is not None:
        return who
    try:
        return getpass.getuser()
    except (KeyError, OSError, ImportError):
        raise InputError(
            "bad-argument", say("no-login-name"), field="who", remedy=say("remedy-name-who")
        ) from None


def next_command(
    state: bo.workflow.WeekState,
    plan: Path,
    declared: bo.Plan,
    where: str,
    plan_id: str | None = None,
) -> str:
    """Return the command that is next for a week, to be copied; nothing where there is none."""
    verb = bo.report.VERBS.get(state.state)
    if verb is None:
        return ""
    words = [verb, str(plan), "--ledger", shown(where), "--week", str(state.week)]
    words += [] if plan_id is None else ["--plan-id", plan_id]
    approval = declared.operation.approval
    approvers = () if approval is None else approval.approvers
    if verb == "approve":
        words += ["--revision", str(state.revision)]
    if verb == "approve" or approvers:
        words += ["--who", approvers[0] if len(approvers) == 1 else "NAME"]
    return command(*words)


def tell(
    state: bo.workflow.WeekState,
    plan: Path,
    declared: bo.Plan,
    where: str,
    plan_id: str | None = None,
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
    plan_id
        Whose weeks, where that was chosen.
    form, lang
        How it is printed.
    first, last
        Sentences in front, and at the end.
    more
        Facts for JSON beside the state.
    """
    following = next_command(state, plan, declared, where, plan_id)
    if form is Form.json:
        answer(bo.report.state_json(state, following, **more), None)
        return
    lines = [bo.report.capital(sentence, lang) for sentence in first]
    lines += bo.report.state_lines(state, declared, following, lang)
    answer("\n".join([*lines, *(bo.report.capital(sentence, lang) for sentence in last)]), None)


def week_entries(ledger: bo.Ledger, day: str) -> tuple[dt.date, tuple[bo.ledger.Entry, ...]]:
    """Return the first day and the entries of the week of a ledger that a day lies in.

    Raises
    ------
    InputError
        ``bad-argument`` where the ledger has no such week.
    CalendarError
        ``bad-date``.
    """
    given = bo.calendar.as_date(day, "--week")
    for start in (given - dt.timedelta(days=n) for n in range(7)):
        entries = ledger.entries(week=start)
        if entries:
            return start, entries
    raise InputError(
        "bad-argument",
        say("ledger-without-week", given=given),
        field="week",
        value=day,
        remedy=say("remedy-choose-budgetopt-history-lists"),
    )
