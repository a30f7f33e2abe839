"""The checked weekly record of what was spent and what came back.

From the file inwards:

- `columns`: what the user declares about a file, and what every reading is asked beside it; nothing
  that matters is guessed.
- `tables`: raw tables, and frames and queries as such; `texts`: encodings, delimiters, title lines.
- `files`: workbooks and parquet as well, chosen by the suffix.
- `cells`, `dates`: cells to amounts and days, refusing whatever can be read in two ways.
- `layouts`, `totals`: the columns of each platform by name, and totals rows by evidence.
- `mapping`: campaigns to channels by declared rules.
- `entries`: rows to one amount of one channel on one date. Long and wide layouts.
- `assemble`: entries to arrays by week and channel. Daily rows, gaps, repeats.
- `imports`: what was decided in reading a file, each with its reason.
- `sources`: several files as one history.
- `template`: what makes a workbook a template that channel owners filled in.
- `recognise`: the columns of a file that nobody declared, each with its reason.
- `history`: the `History`, which checks itself however it was made.
- `maturity`: the `Delay` with which outcomes arrive, given or learned from two snapshots.

A history says what happened, not why: it knows nothing of seasons, or of channels that were not
recorded. It says how old its weeks are, and a `Delay` what share of a week is reported at an age;
amounts are never scaled in it. A week that is not over is marked.
pandas is imported only where a data frame or a parquet file is read or written.
"""

from __future__ import annotations

from budgetopt.history.assemble import MOST_AMOUNT
from budgetopt.history.cells import Cells, Column, Style, read_amounts, rough
from budgetopt.history.columns import Columns, Reading, check_names
from budgetopt.history.dates import read_days
from budgetopt.history.files import READERS as TABLES
from budgetopt.history.files import load, load_plain
from budgetopt.history.history import History
from budgetopt.history.imports import Import, is_of_reading
from budgetopt.history.layouts import CONVERSIONS, plain_name
from budgetopt.history.mapping import MapRule, as_text
from budgetopt.history.maturity import Delay
from budgetopt.history.recognise import recognise, together
from budgetopt.history.sources import named_files, source_names
from budgetopt.history.tables import Table, check_header, column_letter
from budgetopt.history.template import WORDS as TEMPLATE_WORDS

__all__ = [
    "CONVERSIONS",
    "MOST_AMOUNT",
    "TABLES",
    "TEMPLATE_WORDS",
    "Cells",
    "Column",
    "Columns",
    "Delay",
    "History",
    "Import",
    "MapRule",
    "Reading",
    "Style",
    "Table",
    "as_text",
    "check_header",
    "check_names",
    "column_letter",
    "is_of_reading",
    "load",
    "load_plain",
    "named_files",
    "plain_name",
    "read_amounts",
    "read_days",
    "recognise",
    "rough",
    "source_names",
    "together",
]
