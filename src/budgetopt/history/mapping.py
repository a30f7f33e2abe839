"""Campaigns to channels by declared rules, and rows left out by declared filters.

Rules are tried in order, and the first that fits decides. A name that no rule fits stays as it is,
so that a channel may be called like its campaign; what then is no channel of the plan is refused
with its amount and share, or left out where that is declared.
"""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, NoReturn, Self

import numpy as np
from numpy.typing import NDArray

from budgetopt.errors import did_you_mean
from budgetopt.history.cells import Cells, refuse
from budgetopt.messages import Message, say

MOST_PATTERN = 200
"""Characters of a regular expression."""
_DOUBLED = re.compile(r"[+*}]\s*\)\s*[+*{]")
"""A repeated group whose end is repeated: matching it may take for ever."""


@dataclass(frozen=True)
class MapRule:
    """One rule from campaigns to a channel; all the tests that it has must hold.

    Parameters
    ----------
    channel
        Name of the channel.
    exact
        Names, one of which is the whole cell.
    prefix, contains
        What the cell begins with, or holds; upper and lower case count as the same.
    regex
        A regular expression found in the cell, at most 200 characters.
    file
        Name of the file, or a pattern such as ``"baidu*.csv"``.
    column
        Column that is tested; by default the column of the channel.

    Raises
    ------
    HistoryError
        ``bad-argument`` or ``unknown-name``, with the field as ``map.<field>``.
    """

    channel: str
    exact: str | tuple[str, ...] = ()
    prefix: str = ""
    contains: str = ""
    regex: str = ""
    file: str = ""
    column: str = ""

    def __post_init__(self) -> None:
        exact = (self.exact,) if isinstance(self.exact, str) else tuple(self.exact)
        object.__setattr__(self, "exact", exact)
        for field in fields(self):
            value = getattr(self, field.name)
            if field.name != "exact" and not isinstance(value, str):
                _refuse(field.name, value, say("not-text"), say("remedy-text"))
        if not self.channel.strip():
            _refuse("channel", self.channel, say("value-empty"), say("remedy-name-channel"))
        if not (exact or self.prefix or self.contains or self.regex or self.file):
            _refuse(
                "channel", self.channel, say("mapped-without-test"), say("remedy-exact-prefix-file")
            )
        try:
            re.compile(self.regex)
            bad = len(self.regex) > MOST_PATTERN or bool(_DOUBLED.search(self.regex))
        except re.error:
            bad = True
        if bad:
            _refuse("regex", self.regex, say("not-plain-regular"), say("remedy-shorter-pattern"))

    @classmethod
    def of(cls, given: Any) -> Self:
        """Return a rule from itself or from its fields."""
        if isinstance(given, cls):
            return given
        known = [f.name for f in fields(cls)]
        for key in given:
            if key not in known:
                _refuse(str(key), key, say("not-known-field"), did_you_mean(str(key), known))
        if "channel" not in given:
            _refuse("channel", None, say("value-missing"), say("remedy-name-channel"))
        return cls(**given)

    def to_dict(self) -> dict[str, Any]:
        """Return the fields that are given."""
        data = {f.name: getattr(self, f.name) for f in fields(self) if getattr(self, f.name)}
        return data | ({"exact": list(self.exact)} if self.exact else {})

    def of_file(self, name: str) -> bool:
        """Whether the rule is for a file of this name."""
        return not self.file or fnmatch.fnmatchcase(name, self.file)

    def fits(self, cell: str) -> bool:
        """Whether a cell passes all tests."""
        folded = cell.casefold()
        return (
            (not self.exact or cell in self.exact)
            and folded.startswith(self.prefix.casefold())
            and self.contains.casefold() in folded
            and (not self.regex or re.search(self.regex, cell) is not None)
        )


def _refuse(field: str, value: Any, problem: Message, remedy: Message) -> NoReturn:
    problem = say("map-rule", field=field, value=repr(value), problem=problem)
    refuse("bad-argument", problem, f"map.{field}", value, remedy)


def mapped(
    rules: Sequence[MapRule], names: Cells, columns: Mapping[str, Cells], campaign: str
) -> Cells:
    """Return the channel of every row, its own name where no rule fits.

    Parameters
    ----------
    rules
        Those of the file, in the order in which they are tried.
    names
        What stands in the campaign column.
    columns
        The cells of every column that a rule tests, as text.
    campaign
        Name of the campaign column.
    """
    tested = {**columns, campaign: names}
    # Rows that are alike in every tested column are judged once.
    alike = names.at
    for cells in columns.values():
        _, alike = np.unique(alike * len(cells.spellings) + cells.at, return_inverse=True)
    _, first, at = np.unique(alike, return_index=True, return_inverse=True)

    def channel(row: int) -> str:
        fit = (r.channel for r in rules if r.fits(tested[r.column or campaign][row]))
        return next(fit, names[row])

    return Cells(first, at).map(channel)


def kept(where: Mapping[str, Iterable[str]], cells: Mapping[str, Cells]) -> NDArray[np.bool_]:
    """Return which rows the filters let through; upper and lower case count as the same."""
    keep = np.ones(len(next(iter(cells.values()))), dtype=bool)
    for column, values in where.items():
        folded = cells[column].map(lambda cell: as_text(cell).casefold())
        keep &= folded.each({value.strip().casefold() for value in values}.__contains__)
    return keep


def as_text(cell: Any) -> str:
    """Return a cell as the text that rules and filters are held against."""
    return "" if cell is None else str(cell).strip()
