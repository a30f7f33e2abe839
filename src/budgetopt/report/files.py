"""Results as files: JSON and CSV text, written whole or not at all."""

from __future__ import annotations

import csv
import io
import os
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from pathlib import Path

from budgetopt.errors import InputError
from budgetopt.optimize import Allocation
from budgetopt.weekly import Decision

_HEADER = ("channel", "last", "spend", "least", "most", "outcome", "marginal", "limit")


def allocation_csv(week: Allocation) -> str:
    """Return one row a channel: last, spend, bounds, outcome, marginal and limit."""
    return _csv(_HEADER, _rows(week, week.last))


def decision_csv(decision: Decision) -> str:
    """Return one row a channel as `allocation_csv`, with the week in front and the reason last.

    The last spend of a channel that no week reported is empty.
    """
    start = decision.week.start.isoformat()
    known = {m.channel: m.before for m in decision.moves if m.before is not None}
    rows = zip(_rows(decision.allocation, known), decision.moves, strict=True)
    return _csv(("week", *_HEADER, "reason"), ((start, *row, m.reason) for row, m in rows))


def _rows(week: Allocation, last: Mapping[str, Decimal]) -> list[tuple[str, ...]]:
    limits = dict(week.limits())
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


def write_whole(path: Path, content: str | bytes) -> None:
    """Write a file under another name and move it into place, so that it is whole or absent.

    Text is written in UTF-8.

    Raises
    ------
    InputError
        ``bad-file`` where the folder is missing or cannot be written, or the name stands for
        something that is not a plain file.
    """
    # A link is kept, and what it points to is replaced.
    target = path.resolve()
    try:
        if target.exists() and not target.is_file():
            raise OSError("it is not a plain file")
        _replace(target, content if isinstance(content, bytes) else content.encode("utf-8"))
    except (OSError, UnicodeEncodeError) as error:
        raise InputError(
            "bad-file",
            f"{str(path)!r} cannot be written, {getattr(error, 'strerror', '') or error}",
            field="out",
            value=str(path),
            remedy="name a file in a folder that can be written",
        ) from None


def _replace(target: Path, content: bytes) -> None:
    handle, name = tempfile.mkstemp(dir=target.parent, prefix=".budgetopt-")
    temporary = Path(name)
    try:
        with os.fdopen(handle, "wb") as out:
            out.write(content)
        # mkstemp makes files for the owner alone; a report is for whoever reads the folder.
        temporary.chmod(0o644)
        temporary.replace(target)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
