"""Results as files: JSON and CSV text, written whole or not at all."""

from __future__ import annotations

import csv
import io
import os
import tempfile
from collections.abc import Iterable, Sequence
from decimal import Decimal
from pathlib import Path

from budgetopt.errors import InputError
from budgetopt.optimize import Allocation
from budgetopt.weekly import Decision

_HEADER = ("channel", "last", "spend", "least", "most", "outcome", "marginal", "limit")


def allocation_csv(week: Allocation) -> str:
    """Return one row a channel: last, spend, bounds, outcome, marginal and limit."""
    return _csv(_HEADER, _rows(week))


def decision_csv(decision: Decision) -> str:
    """Return one row a channel as `allocation_csv`, with the week in front and the reason last."""
    rows = _rows(decision.allocation)
    start = decision.week.start.isoformat()
    reasons = [move.reason for move in decision.moves]
    return _csv(
        ("week", *_HEADER, "reason"),
        ((start, *row, reason) for row, reason in zip(rows, reasons, strict=True)),
    )


def _rows(week: Allocation) -> list[tuple[str, ...]]:
    limits, last = dict(week.limits()), week.last
    least, most = week.money_bounds()
    return [
        (
            name,
            f"{last[name]:f}" if name in last else "",
            f"{spend:f}",
            f"{least[at]:f}",
            f"{most[at]:f}",
            repr(week.outcomes[name]),
            repr(week.marginal[name]),
            limits.get(name, ""),
        )
        for at, (name, spend) in enumerate(week.spend.items())
    ]


def _csv(header: Sequence[str], rows: Iterable[Sequence[str | Decimal]]) -> str:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    return out.getvalue()


def write_whole(path: Path, text: str) -> None:
    """Write a text file under another name and move it into place, so that it is whole or absent.

    Raises
    ------
    InputError
        ``bad-file`` where the folder is missing or cannot be written.
    """
    try:
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        try:
            with os.fdopen(handle, "w", encoding="utf-8", newline="") as out:
                out.write(text)
            # mkstemp makes files for the owner alone; a report is for whoever reads the folder.
            Path(temporary).chmod(0o644)
            Path(temporary).replace(path)
        except OSError:
            Path(temporary).unlink(missing_ok=True)
            raise
    except OSError as error:
        raise InputError(
            "bad-file",
            f"{str(path)!r} cannot be written, {error.strerror or error}",
            field="out",
            value=str(path),
            remedy="name a file in a folder that can be written",
        ) from None
