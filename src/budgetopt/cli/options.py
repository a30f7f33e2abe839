"""Arguments and options that several commands share."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from budgetopt.optimize import METHODS


class Format(StrEnum):
    """How an answer is printed."""

    table = "table"
    json = "json"
    csv = "csv"


class Form(StrEnum):
    """How an answer that is no plain table is printed."""

    table = "table"
    json = "json"


class Language(StrEnum):
    """What a table is written in."""

    en = "en"
    zh = "zh"


PlanPath = Annotated[Path, typer.Argument(metavar="PLAN", help="Plan file, .toml or .json.")]
HistoryPath = Annotated[
    Path, typer.Option("--history", metavar="FILE", help="History file: .csv, .xlsx or .parquet.")
]
AsOf = Annotated[
    str | None,
    typer.Option(
        "--as-of", metavar="DATE", help="Day on which weeks not over are left out; default: today."
    ),
]
DataThrough = Annotated[
    str | None,
    typer.Option(
        "--data-through",
        metavar="DATE",
        help="Last day whose events are in the history; default: as far as its rows tell.",
    ),
]
FormatOption = Annotated[
    Format,
    typer.Option("--format", help="How to print the answer; --json is short for --format=json."),
]
FormOption = Annotated[
    Form,
    typer.Option("--format", help="How to print the answer; --json is short for --format=json."),
]
OutPath = Annotated[
    Path | None, typer.Option("--out", metavar="FILE", help="Write the answer here instead.")
]
MethodOption = Annotated[
    str, typer.Option("--method", metavar="NAME", help=f"Engine: {', '.join(METHODS)}.")
]
TimeLimit = Annotated[
    float,
    typer.Option("--time-limit", metavar="SECONDS", min=0.0, help="Best answer by then."),
]
Explain = Annotated[
    bool, typer.Option("--explain", help="With a table, add a sentence on every channel.")
]
LanguageOption = Annotated[Language, typer.Option("--lang", help="Language of a table.")]
BeliefPath = Annotated[
    Path | None,
    typer.Option(
        "--belief",
        metavar="FILE",
        help="Belief that learn saved, to go on from.",
    ),
]
