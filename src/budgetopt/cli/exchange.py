"""Files to and from others: ``template``, ``upload``, ``export``, and ``attribute`` for paths."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

import budgetopt as bo
from budgetopt.cli.common import (
    AsOf,
    DataThrough,
    Format,
    FormatOption,
    HistoryPath,
    Language,
    LanguageOption,
    LedgerPath,
    OutPath,
    PlanId,
    PlanPath,
    WeekDay,
    answer,
    check_place,
    check_suffix,
    command,
    files_of,
    keep,
    named,
    once,
    open_ledger,
    promised,
    read_history,
    respond,
    table_rows,
    today,
)
from budgetopt.errors import InputError
from budgetopt.messages import say


def template(
    plan: PlanPath,
    out: Annotated[Path, typer.Argument(metavar="OUT", help="Workbook to write, .xlsx.")],
    weeks: Annotated[int, typer.Option(metavar="N", help="Number of weeks.")] = 8,
    week: Annotated[
        str | None,
        typer.Option(metavar="DATE", help="A day of the last week; default: the last one over."),
    ] = None,
    as_of: AsOf = None,
    lang: LanguageOption = Language.en,
) -> None:
    """Write the workbook that channel owners fill in; --history reads it back."""
    check_place(out)
    if out.exists() or out.suffix.lower() != ".xlsx":
        there = say("there-already") if out.exists() else say("no-such-suffix", suffix=".xlsx")
        raise InputError(
            "bad-argument",
            say("path-is-other", option=say("the-workbook"), path=repr(str(out)), what=there),
            field="out",
            value=str(out),
            remedy=say("remedy-name-new-xlsx"),
        )
    declared = bo.Plan.load(plan)
    made = bo.exchange.template(
        declared, weeks=weeks, week=week, today=today(as_of), language=lang.value
    )
    bo.report.write_whole(out, made)
    answer(bo.report.sentences(say("template-written", file=str(out)), lang.value), None)
    typer.echo(command("check", str(plan), "--history", str(out)))


class LayoutName(StrEnum):
    """Layouts of a history, as `bo.exchange.LAYOUTS` has them, so that help loads no pandas."""

    long = "long"
    wide = "wide"
    robyn = "robyn"
    meridian = "meridian"
    meridian_long = "meridian-long"
    pymc = "pymc"


def export(
    plan: PlanPath,
    out: Annotated[
        Path,
        typer.Option(
            "--out", metavar="FILE", help="File to write: .csv, .tsv, .xlsx, .parquet or .json."
        ),
    ],
    history: HistoryPath = None,
    layout: Annotated[
        LayoutName, typer.Option("--layout", help="Columns as this tool reads them.")
    ] = LayoutName.long,
    as_of: AsOf = None,
    data_through: DataThrough = None,
    lang: LanguageOption = Language.en,
) -> None:
    """Write the history of a plan's channels as other models read it."""
    declared = bo.Plan.load(plan)
    files = files_of(declared, plan, history)
    keep(out, plan, files)
    past = read_history(declared, files, as_of, data_through)
    bo.exchange.write(bo.exchange.history_sheet(past, layout.value), out, language=lang)


def attribute(
    paths: Annotated[
        Path,
        typer.Argument(metavar="PATHS", help="Table with one row a path and how it ended."),
    ],
    path: Annotated[
        str, typer.Option(metavar="COLUMN", help="Column of the channels met, first to last.")
    ] = "path",
    conversions: Annotated[
        str, typer.Option(metavar="COLUMN", help="Column of the number of conversions.")
    ] = "conversions",
    value: Annotated[
        str | None,
        typer.Option(metavar="COLUMN", help="Column of their value, shared out in their place."),
    ] = None,
    lost: Annotated[
        str | None,
        typer.Option(metavar="COLUMN", help="Column of how often the path ended in none."),
    ] = None,
    week: Annotated[
        str | None,
        typer.Option(metavar="COLUMN", help="Column of a date; each is shared out by itself."),
    ] = None,
    separator: Annotated[
        str, typer.Option(metavar="TEXT", help="What stands between two channels of a path.")
    ] = ">",
    format: FormatOption = Format.table,
    out: OutPath = None,
    lang: LanguageOption = Language.en,
) -> None:
    """Share out conversions among the channels on their paths, by six rules side by side."""
    keep(out, paths)
    found = bo.exchange.attribute(
        paths,
        path=path,
        conversions=conversions,
        value=value,
        lost=lost,
        week=week,
        separator=separator,
    )
    respond(
        format,
        out,
        lang,
        table=lambda: found.table(lang),
        json=lambda: bo.report.as_json(found.to_dict()),
        result=found.to_frame(),
    )


class SheetFormat(StrEnum):
    """How an upload sheet is written."""

    table = "table"
    json = "json"
    csv = "csv"
    xlsx = "xlsx"


PLATFORMS = ("google", "meta", "tiktok", "ocean-engine", "baidu", "tencent")
"""As `exchange` has them, so that help loads no engine; a test compares."""


def upload(
    plan: PlanPath,
    ledger: LedgerPath,
    week: WeekDay,
    platform: Annotated[str, typer.Option(metavar="NAME", help=f"One of {', '.join(PLATFORMS)}.")],
    channel: Annotated[
        list[str] | None,
        typer.Option(
            "--channel",
            metavar="NAME",
            help="Channel that runs on it; may be repeated. Default: as labelled in the plan.",
        ),
    ] = None,
    campaigns: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Table with the columns channel, campaign and, if they differ, share.",
        ),
    ] = None,
    history: Annotated[
        list[Path] | None,
        typer.Option(
            "--history", metavar="FILE", help="History with what this week has spent so far."
        ),
    ] = None,
    spent: Annotated[
        list[str] | None,
        typer.Option(
            "--spent",
            metavar="CHANNEL=AMOUNT",
            help="The same by channel, in place of a history; may be repeated.",
        ),
    ] = None,
    as_of: AsOf = None,
    day: Annotated[
        str | None,
        typer.Option(metavar="DATE", help="Day that a CSV sheet is for; default: the first."),
    ] = None,
    minimum: Annotated[
        str | None, typer.Option(metavar="AMOUNT", help="Least daily budget of a campaign.")
    ] = None,
    step: Annotated[
        str | None, typer.Option(metavar="AMOUNT", help="Step of a daily budget.")
    ] = None,
    change: Annotated[
        str | None, typer.Option(metavar="AMOUNT", help="Least change of a daily budget.")
    ] = None,
    plan_id: PlanId = None,
    format: Annotated[
        SheetFormat | None,
        typer.Option("--format", help="How to write it; default: as the name of the file says."),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option("--out", metavar="FILE", help="File to write: .csv, .xlsx or .json."),
    ] = None,
    lang: LanguageOption = Language.en,
) -> None:
    """Write an approved week as daily budgets, in the sheet that an ad platform reads in bulk."""
    keep(out, plan, campaigns, history, Path(ledger))
    check_place(out)
    chosen = _format(format, out)
    declared, day_one = bo.Plan.load(plan), today(as_of)
    paid: bo.History | dict[str, str] = once((named("spent", t) for t in spent or ()), "--spent")
    if history:
        if spent:
            raise InputError(
                "bad-argument",
                say("history-spent-both-say"),
                field="spent",
                remedy=say("remedy-give-one-of-them"),
            )
        paid = read_history(declared, history, str(day_one))
    with open_ledger(ledger, plan_id) as found:
        sheet = bo.upload_sheet(
            declared,
            found,
            week,
            platform,
            channels=channel,
            campaigns=None if campaigns is None else _campaigns(campaigns),
            spent=paid if spent or history else None,
            today=day_one,
            minimum=minimum,
            step=step,
            change=change,
        )
    sheet.rows(day)
    if chosen is SheetFormat.xlsx:
        assert out is not None
        bo.report.write_whole(out, sheet.to_xlsx(lang.value))
    elif chosen is SheetFormat.csv and out is not None:
        bo.report.write_whole(out, sheet.to_csv(day))
    elif chosen is SheetFormat.csv:
        answer(sheet.to_csv(day).removeprefix("\ufeff").replace("\r\n", "\n"), None)
    elif chosen is SheetFormat.json:
        answer(sheet.to_json(), out)
    if chosen is SheetFormat.table or (out is not None and chosen is not SheetFormat.json):
        answer(_page(sheet, lang.value), out if chosen is SheetFormat.table else None)


def _format(given: SheetFormat | None, out: Path | None) -> SheetFormat:
    """Return the format that is asked for, or that the name of the file promises."""
    meant = None if out is None else promised(out)
    chosen = given or (
        SheetFormat(meant) if meant and meant in [*SheetFormat] else SheetFormat.table
    )
    if out is not None:
        check_suffix(out, chosen.value, "--out", [each.value for each in SheetFormat])
    elif chosen is SheetFormat.xlsx:
        raise InputError(
            "bad-argument",
            say("workbook-not-printed"),
            field="out",
            remedy=say("remedy-name-file-out"),
        )
    return chosen


def _campaigns(path: Path) -> dict[str, dict[str, str]]:
    """Return campaigns and their shares by channel, as a file gives them."""
    found: dict[str, dict[str, str]] = {}
    for channel, campaign, share in table_rows(path, ("channel", "campaign"), ("share",)):
        there = found.setdefault(channel, {})
        if campaign in there:
            raise InputError(
                "bad-name",
                say("names-campaign-twice", path=repr(str(path)), campaign=repr(campaign)),
                field="campaigns",
                value=campaign,
                remedy=say("remedy-campaign-once"),
            )
        there[campaign] = share or "1"
    return found


def _page(sheet: bo.exchange.UploadSheet, language: str) -> str:
    """Return the budgets as text, one column for every stretch of days, with what is to know."""
    from budgetopt.i18n import in_language, listed, say

    stretches = sheet.stretches
    dates = [str(a) if a == b else f"{a} - {b:%m-%d}" for a, b in stretches]
    at = [sheet.days.index(first) for first, _ in stretches]
    paused = in_language(say("upload-paused"), language)

    def cells(daily: Sequence[Decimal]) -> list[str]:
        return [f"{money:,f}" if money else paused for money in daily]

    totals = [f"{bo.money.total_of(line.daily[each] for line in sheet.lines):,f}" for each in at]
    parts = [line.channel != line.campaign for line in sheet.lines]
    table = bo.report.Table(
        [
            *(in_language(say(word), language) for word in ("upload-campaign", "channel")),
            *dates,
            in_language(say("total"), language),
        ],
        [
            [*(line.campaign for line in sheet.lines), in_language(say("total"), language)],
            [*(line.channel if any(parts) else "" for line in sheet.lines), ""],
            *([*cells([line.daily[n] for line in sheet.lines]), total]
              for n, total in zip(at, totals, strict=True)),
            [*(f"{line.total:,f}" for line in sheet.lines), f"{sheet.total:,f}"],
        ],
        words=in_language(say("channel"), language),
        total=True,
    )  # fmt: skip
    show = bo.money.show_amount
    head = say(
        "upload-head",
        platform=sheet.platform.name,
        week=str(sheet.week),
        state=say(sheet.state),
        revision=sheet.revision,
        approved=show(bo.money.total_of(sheet.approved.values())),
        currency=sheet.currency,
        spent=show(bo.money.total_of(sheet.spent.values())),
        left=show(sheet.total),
        days=listed([f"{sheet.days[0]} - {sheet.days[-1]:%m-%d}"]),
    )
    notes = list(sheet.notes)
    if len(stretches) > 1:
        notes.append(say("upload-uploads", days=listed(str(first) for first, _ in stretches)))
    lines = [bo.report.said(say("full-stop", sentence=head), language), str(table)]
    return "\n".join([*lines, *bo.report.noted(notes, language)])
