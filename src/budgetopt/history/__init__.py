"""The checked weekly ledger of what was spent and what came back.

From the file inwards:

- `columns`: what the user declares about a file; nothing that matters is guessed.
- `files`: bytes to cells. Encodings, delimiters, title and totals rows, sheets.
- `numbers`, `dates`: cells to amounts and days, refusing whatever can be read in two ways.
- `assemble`: rows to arrays by week and channel. Long and wide layouts, daily rows.
- `record`: the `History`, which checks itself however it was made.
- `delay`: the `Delay` with which outcomes arrive, given or learned from two `snapshots` by the
  `ladder` of their ratios.

A history says what happened, not why: it knows nothing of seasons, or of channels that were not
recorded. It says how old its weeks are, and a `Delay` what share of a week is reported at an age;
amounts are never scaled in it. A week that is not over is marked.
pandas is imported only where a data frame or a parquet file is read or written.
"""

from budgetopt.history.columns import Columns
from budgetopt.history.delay import Delay
from budgetopt.history.record import History

__all__ = ["Columns", "Delay", "History"]
