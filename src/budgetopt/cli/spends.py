"""Money by channel as it is given on the command line: one option each, or a table."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from budgetopt.errors import InputError

_COLUMNS = ("channel", "spend")


def spends_of(given: Sequence[str] | None, path: Path | None) -> dict[str, str]:
    """Return money by channel as it was written: of a file, and of options, which count first.

    Raises
    ------
    InputError
        ``bad-argument`` for what is no ``channel=amount`` or is given twice; ``bad-file`` or
        ``bad-columns`` for the file.
    """
    from_file = {} if path is None else _once(_rows(path), f"{str(path)!r}")
    return from_file | _once(map(_pair, given or ()), "--set")


def _pair(text: str) -> tuple[str, str]:
    name, sign, amount = text.rpartition("=")
    if not sign or not name.strip() or not amount.strip():
        raise _wrong("set", f"--set is {text!r}", "write it as channel=amount", text)
    return name.strip(), amount.strip()


def _once(pairs: Iterable[tuple[str, str]], where: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for name, amount in pairs:
        if name in found:
            raise _wrong("spends", f"{where} names {name!r} twice", "give every channel once", name)
        found[name] = amount
    return found


def _rows(path: Path) -> Iterator[tuple[str, str]]:
    """Yield channel and spend of every row of a CSV file, other columns aside."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", "") or str(error)
        raise InputError(
            "bad-file",
            f"{str(path)!r} cannot be read, {reason}",
            field="spends",
            value=str(path),
            remedy="give a CSV file in UTF-8",
        ) from None
    rows = csv.DictReader(text.splitlines())
    missing = [name for name in _COLUMNS if name not in (rows.fieldnames or ())]
    if missing:
        raise InputError(
            "bad-columns",
            f"{str(path)!r} has no column {missing[0]!r}",
            field="spends",
            value=missing[0],
            remedy=f"give the columns {' and '.join(_COLUMNS)}",
        )
    for row in rows:
        name, amount = (str(row[column] or "").strip() for column in _COLUMNS)
        yield name, amount


def _wrong(field: str, problem: str, remedy: str, value: str) -> InputError:
    return InputError("bad-argument", problem, field=field, value=value, remedy=remedy)
