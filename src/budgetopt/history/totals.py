"""Totals rows, told from other rows by evidence: a label, a missing date, a span, or their amounts.

Platforms write them first or last, with their label in any cell and in any language. A row is left
out, and said, where

1. its date cell is such a label;
2. its date cell is no date, and another cell is a label;
3. it has no date and no channel, and its spend is the sum of the others';
4. it has no channel, and its days hold those of every other row and more;
5. a cell is a label, and its spend is the sum of the other rows of its date (a subtotal).

What has a label, a date and another amount is told apart by the channels of the plan, or refused.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from budgetopt.arrays import Floats
from budgetopt.history.cells import MISSING, Cells

Span = tuple[dt.date, dt.date]
_WORDS = (
    r"(?:grand |sub-?\s?|overall |account )?totals?(?: of [0-9,]+ (?:results?|rows?))?",
    "合计|总计|小计|汇总|合計|総計|小計|總計|累计|总共",
    "gesamt(?:summe|ergebnis)?|zwischensumme|insgesamt|summe",
    "(?:общий )?итог(?:о)?|всего|усього|разом",
    r"total g[eé]n[eé]ral|sous-total|totale(?: complessivo)?|totaa?l|subtotaal|eindtotaal|suma",
    "total geral|razem|toplam|genel toplam|합계|총계|소계|รวม|tổng(?: cộng)?|jumlah|totalt|celkem",
)
_LABEL = re.compile(rf"(?:{'|'.join(_WORDS)})\s*(?:$|[:：(（].*)", re.IGNORECASE | re.DOTALL)


def is_total(cell: Any) -> bool:
    """Say whether a cell is the label of a totals row.

    Examples
    --------
    >>> [is_total(cell) for cell in ("Total: Account", "合计: 2个计划", "Total Energies", 3)]
    [True, True, False, False]
    """
    return isinstance(cell, str) and _LABEL.match(cell.strip()) is not None


def is_empty(cell: Any) -> bool:
    """Say whether a cell holds nothing, or a dash."""
    return (
        cell is None or cell != cell or (isinstance(cell, str) and cell.strip().lower() in MISSING)
    )


def find_totals(
    dates: Cells,
    ends: Cells | None,
    channels: Cells | None,
    labels: NDArray[np.bool_],
    spends_of: Callable[[], Floats],
    span_of: Callable[[Any], Span | None],
) -> NDArray[np.bool_]:
    """Return which rows are totals.

    Parameters
    ----------
    dates, ends, channels
        Cells of the date, of the last day and of the channel; None where the file has none.
    labels
        Whether any cell of a row is a label, shape ``(rows,)``.
    spends_of
        Returns the spend of every row and column, shape ``(rows, columns)``; NaN is no number.
    span_of
        Returns the first and the last day that a cell names, None where it names none.
    """
    first = [span_of(spelling) for spelling in dates.spellings]
    dated = np.array([span is not None for span in first], dtype=bool)[dates.at]
    nameless = np.zeros(len(dates), dtype=bool) if channels is None else channels.each(is_empty)
    suspects = labels | ~dated | nameless
    total = np.zeros(len(dates), dtype=bool)
    if not suspects.any():
        return total
    spends = spends_of()
    rest = np.nansum(spends[~suspects], axis=0)
    for row in np.flatnonzero(suspects & ~dated).tolist():
        empty = is_empty(dates[row]) and (channels is None or nameless[row])
        summed = empty and _equal(spends[row], rest, len(dates))
        total[row] = labels[row] or is_total(dates[row]) or summed
    wide = np.flatnonzero(nameless & dated).tolist()
    if wide:
        last = first if ends is None else [span_of(spelling) for spelling in ends.spellings]
        until = dates.at if ends is None else ends.at
        pairs = set(zip(dates.at[~suspects].tolist(), until[~suspects].tolist(), strict=True))
        others = {days for one, end in pairs if (days := _days(first[one], last[end]))}
        begin = min((days[0] for days in others), default=dt.date.max)
        end_ = max((days[1] for days in others), default=dt.date.max)
        for row in wide:
            own = _days(first[dates.at[row]], last[until[row]])
            # The days of every other row, and more.
            total[row] = own and own not in others and own[0] <= begin and own[1] >= end_
    labelled = np.flatnonzero(labels & dated & ~total)
    order = np.flatnonzero(~suspects)
    order = order[np.argsort(dates.at[order], kind="stable")]
    bounds = np.searchsorted(dates.at[order], dates.at[labelled][:, None] + [0, 1]).tolist()
    for row, (begin, end) in zip(labelled.tolist(), bounds, strict=True):
        of_date = np.nansum(spends[order[begin:end]], axis=0)
        total[row] = (end > begin and _equal(spends[row], of_date, end - begin)) or (
            order.size > 0 and _equal(spends[row], rest, order.size)
        )
    return total


def _equal(given: Floats, summed: Floats, rows: int) -> bool:
    """Whether amounts are sums of so many rows, each rounded to hundredths."""
    known = ~np.isnan(given)
    near = np.abs(given - summed) <= 0.005 * (rows + 1)
    return bool(known.any() and (given[known] > 0).any() and near[known].all())


def _days(first: Span | None, last: Span | None) -> Span | None:
    return None if first is None or last is None else (first[0], last[1])
