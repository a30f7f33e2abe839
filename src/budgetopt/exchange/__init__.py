"""Files for others and from others: results, templates, upload sheets, curves of other models.

`tables` makes sheets of any result, `formats` writes them as CSV, JSON, Markdown, workbooks and
parquet, and `schemas` says what the JSON of a command holds; `histories` has the layouts of Robyn,
Meridian and PyMC-Marketing, and reads them back.

`template` is the workbook that channel owners fill in; `history` reads it back. `upload_sheet`
is an approved week as daily budgets for an ad platform, by the rules of `PLATFORMS`. Curves of
other models are read without installing them, from simple to subtle: tables of points, draws and
parameters (`read_points`, `read_draws`, `read_parameters`); Robyn's model tables and exported
models (`read_robyn`, `read_robyn_json`); saved InferenceData of PyMC-Marketing and Meridian
(`read_pymc`, `read_meridian`). `attribute` shares out the paths of customers by several rules.
`read_curves` tells by itself which of them a file is. `CurveDraws`
is a posterior as draws, which `allocate`, its risk and `frontier` take as they take a belief. Files
are untrusted: CSV, JSON and HDF5 up to a size; nothing in them is run.
"""

from __future__ import annotations

from budgetopt.exchange.attribution import Attribution, attribute
from budgetopt.exchange.curves import (
    PointCurve,
    from_draws,
    read_curves,
    read_draws,
    read_parameters,
    read_points,
)
from budgetopt.exchange.draws import CurveDraws
from budgetopt.exchange.formats import SUFFIXES, check_installed, render, write
from budgetopt.exchange.histories import LAYOUTS, history_sheet, read_history
from budgetopt.exchange.meridian import read_meridian
from budgetopt.exchange.platforms import PLATFORMS, Platform
from budgetopt.exchange.pymc import read_pymc
from budgetopt.exchange.robyn import RobynCurve, read_robyn, read_robyn_json
from budgetopt.exchange.schemas import RESULTS, identified, result_schema
from budgetopt.exchange.tables import Book, Chart, Sheet, book_of
from budgetopt.exchange.template import template
from budgetopt.exchange.upload import DayRules, Line, UploadSheet, upload_sheet

__all__ = [
    "LAYOUTS",
    "PLATFORMS",
    "RESULTS",
    "SUFFIXES",
    "Attribution",
    "Book",
    "Chart",
    "CurveDraws",
    "DayRules",
    "Line",
    "Platform",
    "PointCurve",
    "RobynCurve",
    "Sheet",
    "UploadSheet",
    "attribute",
    "book_of",
    "check_installed",
    "from_draws",
    "history_sheet",
    "identified",
    "read_curves",
    "read_draws",
    "read_history",
    "read_meridian",
    "read_parameters",
    "read_points",
    "read_pymc",
    "read_robyn",
    "read_robyn_json",
    "render",
    "result_schema",
    "template",
    "upload_sheet",
    "write",
]
