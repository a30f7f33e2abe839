"""`History`: weekly arrays that check themselves, however they were made.

It is read from a file or a data frame, cut by weeks and channels, and written as plain data, text
or a frame. Amounts are as reported, never scaled; partial weeks are marked.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import field, fields, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, Self, Unpack

import numpy as np
from numpy.typing import NDArray

from budgetopt.arguments import ABSENT, Given, public, record
from budgetopt.arrays import Floats, plain_numbers
from budgetopt.calendar import Week, as_date
from budgetopt.history.assemble import (
    check_amounts,
    check_controls,
    check_daily,
    check_partial,
    check_through,
    check_weeks,
)
from budgetopt.history.cells import refuse, same_currency
from budgetopt.history.columns import (
    Columns,
    Named,
    Reading,
    ReadingOptions,
    check_columns,
    check_names,
    suggest,
)
from budgetopt.history.files import load
from budgetopt.history.imports import Import
from budgetopt.history.sources import Paths, files_of, read_group
from budgetopt.history.tables import Table, from_frame, from_query
from budgetopt.i18n import messages_of, quoted, restored, say, show_figure
from budgetopt.notebook import Card, Shown
from budgetopt.records import JsonRecord

if TYPE_CHECKING:
    import pandas as pd


@public
@record(eq=False, repr=False)
class History(Shown, JsonRecord):
    """What was spent and what came back, week by week; `read` makes one from a file.

    Parameters
    ----------
    channels
        Names, each once.
    weeks
        First days, ascending and seven days apart, shape ``(weeks,)``; may be empty.
    spend
        Money per week, from zero to 1e50, shape ``(weeks, channels)``; NaN is not reported.
    outcome
        Outcome per week and channel, from zero to 1e50, same shape; NaN is unknown.
    total
        Outcome per week of all channels together, shape ``(weeks,)``, where that is all that is
        known; below zero where more was returned than sold. Exactly one of `outcome` and `total`
        is given.
    partial
        Weeks that are not over, or lack days, shape ``(weeks,)``; by default none. Their amounts
        are what was seen, never scaled.
    week_start
        Day on which weeks start.
    notes
        What was noticed and done while reading; no part of equality.
    data_through
        Last day whose events the amounts hold; None where it is not said, see `through`. A week
        that ends after it is partial.
    currency_sign
        Sign or code of the currency that the amounts of a file carried, in cells or headers; empty
        where none did. No part of equality; `select` holds it against a plan's currency.
    daily
        Money per day of each week, shape ``(weeks, 7, channels)``, where rows are daily; NaN on
        days that are not reported. None where only weeks are known. Pacing reads it; it is no part
        of equality.
    imports
        What was decided in reading each file; no part of equality.
    controls
        What moves the total beside the money, such as a price: numbers by week, shape
        ``(weeks,)``, by name; NaN at most where the total is unknown too.

    Raises
    ------
    HistoryError
        ``bad-name``, ``bad-number``, ``bad-history`` or ``bad-argument``.
    CalendarError
        ``bad-date``.

    Notes
    -----
    Arrays are stored as read-only copies. Two histories are equal when channels, in their order,
    weeks, amounts, partial marks, start day and the day they are known through are.

    Examples
    --------
    >>> week = np.array(["2026-11-16"], dtype="datetime64[D]")
    >>> History(("search",), week, [[100.0]], outcome=[[300.0]]).last_spend
    {'search': 100.0}
    """

    _VERSIONS = (1,)

    channels: tuple[str, ...]
    weeks: NDArray[np.datetime64]
    spend: Floats
    outcome: Floats | None = None
    total: Floats | None = None
    partial: NDArray[np.bool_] = field(default_factory=lambda: np.zeros(0, dtype=bool))
    week_start: str = "monday"
    notes: tuple[str, ...] = ()
    data_through: Given[dt.date | None] = ABSENT
    currency_sign: str = ""
    daily: Floats | None = None
    imports: tuple[Import, ...] = ()
    controls: Mapping[str, Floats] = Named(())

    def __post_init__(self) -> None:
        channels = check_names(self.channels, "channels")
        week_start, weeks = check_weeks(self.weeks, self.week_start)
        if (self.outcome is None) == (self.total is None):
            problem = say("history-either-outcome-channel")
            refuse("bad-argument", problem, "outcome", None, say("remedy-two"))
        checked: dict[str, Any] = {"channels": channels, "weeks": weeks, "week_start": week_start}
        checked["spend"] = check_amounts(self.spend, "spend", weeks, channels)
        if self.outcome is not None:
            checked["outcome"] = check_amounts(self.outcome, "outcome", weeks, channels)
        if self.total is not None:
            checked["total"] = check_amounts(self.total, "total", weeks, None, signed=True)
        checked["controls"] = check_controls(self.controls, weeks, checked.get("total"))
        if self.daily is not None:
            checked["daily"] = check_daily(self.daily, weeks, channels)
        checked["partial"] = check_partial(self.partial, weeks)
        checked["notes"] = tuple(n if isinstance(n, str) else str(n) for n in self.notes)
        checked["data_through"] = check_through(self.data_through, weeks, checked["partial"])
        for name, value in checked.items():
            object.__setattr__(self, name, value)

    @cached_property
    def index(self) -> dict[str, int]:
        """Position of each channel by name."""
        return {name: at for at, name in enumerate(self.channels)}

    @classmethod
    def read(
        cls,
        path: Paths,
        columns: Columns = Columns(),  # noqa: B008 - frozen
        **options: Unpack[ReadingOptions],
    ) -> Self:
        """Read a history from ``.csv``, ``.txt``, ``.tsv``, ``.xlsx`` or ``.parquet`` files.

        Parameters
        ----------
        path
            A file, a pattern such as ``"exports/*.csv"``, or several of either; or the folder of
            the files that `Columns.sources` names, all of which are wanted. What two files both
            say is compared and counts once.
        columns
            What its columns mean.
        **options
            `channels`, `week_start`, `as_of` and `data_through`; see `Reading`.

        Raises
        ------
        HistoryError
            ``bad-file``, ``missing-extra``, ``bad-columns``, ``unknown-name``, ``bad-name``,
            ``bad-number``, ``bad-history`` or ``no-data``.
        CalendarError
            ``bad-date``.
        """
        check_columns(columns)
        reading, files = Reading(**options), files_of(path, columns)
        return cls._of(((load(one, c), c) for one, c in files), reading, len(files) > 1)

    @classmethod
    def from_frame(
        cls,
        frame: Any,
        columns: Columns = Columns(),  # noqa: B008 - frozen
        **options: Unpack[ReadingOptions],
    ) -> Self:
        """Read a history from a data frame; all else as in `read`.

        It may be of pandas, polars, pyarrow or another library that narwhals knows; lazy frames are
        collected.
        """
        check_columns(columns)
        return cls._of([(from_frame(frame, columns), columns)], Reading(**options))

    @classmethod
    def from_sql(
        cls,
        query: Any,
        connection: Any,
        columns: Columns = Columns(),  # noqa: B008 - frozen
        **options: Unpack[ReadingOptions],
    ) -> Self:
        """Read a history from a database by SQLAlchemy (the extra ``sql``); all else as in `read`.

        Parameters
        ----------
        query
            SQL as text, or any statement of SQLAlchemy.
        connection
            A connection, an engine, or a URL; nothing is committed.
        columns, **options
            As in `read`.

        Raises
        ------
        HistoryError
            ``missing-extra``; ``bad-argument`` where the query fails; else as `read`.
        CalendarError
            ``bad-date``.
        """
        return cls._of([(from_query(query, connection, columns), columns)], Reading(**options))

    @classmethod
    def _of(
        cls, tables: Iterable[tuple[Table, Columns]], reading: Reading, several: bool = False
    ) -> Self:
        """Return the history of tables, of the known channels where some are."""
        group = read_group(tables, reading, several)
        entries, made = group.entries, group.weekly
        history = cls(
            entries.channels,
            made.weeks,
            made.spend,
            made.outcome,
            made.total,
            made.partial,
            reading.week_start,
            made.notes,
            made.through,
            entries.currency_sign,
            made.daily,
            group.imports,
            made.controls,
        )
        return history if reading.channels is None else history.select(reading.channels)

    def until(self, week: dt.date | str) -> Self:
        """Return only the weeks that start before a date.

        Their amounts are as they are known now, so that `through` stays what it is.
        """
        before = self.weeks < np.datetime64(as_date(week, "week"), "D")
        if before.all() and self.data_through is not None:
            return self
        return self._rows(before, data_through=self.through)

    def complete(self) -> Self:
        """Return the history without partial weeks.

        Partial weeks at either end are left out. One in between cannot be, since weeks follow one
        another: its amounts become unknown (NaN).
        """
        if not self.partial.any():
            return self
        whole = np.flatnonzero(~self.partial)
        kept = self._rows(slice(whole[0], whole[-1] + 1) if whole.size else slice(0, 0))

        def blank(array: Floats) -> Floats:
            copy = array.copy()
            copy[kept.partial] = np.nan
            return copy

        return replace(
            kept,
            spend=blank(kept.spend),
            outcome=_apply(blank, kept.outcome),
            total=_apply(blank, kept.total),
            partial=np.zeros_like(kept.partial),
        )

    def select(self, channels: Sequence[str], currency: str | None = None) -> Self:
        """Return the history of these channels in this order.

        A channel without history becomes unknown (NaN), which is noted.

        Parameters
        ----------
        channels
            Names.
        currency
            Code of the plan's currency, which a sign in the file must be able to stand for. By
            default, and with ``"XXX"``, it is not looked at.

        Raises
        ------
        HistoryError
            ``bad-money`` for amounts in another currency, since nothing is ever converted.
            ``unknown-name`` for a channel of the history that is not among them: leaving out money
            that was spent is done on purpose, by `Columns.ignore`.
        """
        names = check_names(channels, "channels")
        if currency is not None:
            self.check_currency(currency)
        if names == self.channels:
            return self
        wanted = set(names)
        for name in self.channels:
            if name not in wanted:
                problem = say("channel-history-among-channels", name=repr(name))
                refuse("unknown-name", problem, "channels", name, suggest(name, names))
        # One more column, of NaN, serves every channel that has none.
        take = [self.index.get(name, len(self.channels)) for name in names]

        def widen(array: Floats) -> Floats:
            width = [(0, 0)] * (array.ndim - 1) + [(0, 1)]
            return np.pad(array, width, constant_values=np.nan)[..., take]

        without = [name for name in names if name not in self.index]
        notes = [say("channel-without-history", channel=quoted(n)) for n in without]
        return replace(
            self,
            channels=names,
            spend=widen(self.spend),
            outcome=_apply(widen, self.outcome),
            daily=_apply(widen, self.daily),
            notes=(*self.notes, *notes),
        )

    def check_currency(self, currency: str) -> None:
        """Refuse amounts whose sign or code cannot stand for a plan's currency.

        Raises
        ------
        HistoryError
            ``bad-money``.
        """
        sign = self.currency_sign
        if not sign or currency == "XXX" or same_currency(sign, currency):
            return
        problem = say("amounts-history-plan", sign=repr(sign), currency=currency)
        refuse("bad-money", problem, "currency", sign, say("remedy-convert-amounts-correct-plan"))

    def _rows(self, keep: Any, **changes: Any) -> Self:
        def take(array: Floats) -> Floats:
            return np.asarray(array[keep], dtype=np.float64)

        return replace(
            self,
            weeks=self.weeks[keep],
            spend=take(self.spend),
            outcome=_apply(take, self.outcome),
            total=_apply(take, self.total),
            partial=self.partial[keep],
            daily=_apply(take, self.daily),
            controls=Named((name, take(array)) for name, array in self.controls.items()),
            **changes,
        )

    @property
    def known_outcome(self) -> Floats:
        """The outcome by channel, or the total as a single column."""
        if self.outcome is not None:
            return self.outcome
        return np.asarray(self.total, dtype=np.float64)[:, None]

    @property
    def last_spend(self) -> dict[str, float]:
        """Spends of the last week that is not partial; channels that are NaN are left out."""
        whole = np.flatnonzero(~self.partial)
        if not whole.size:
            return {}
        spends = zip(self.channels, self.spend[whole[-1]].tolist(), strict=True)
        return {name: spend for name, spend in spends if not np.isnan(spend)}

    @property
    def through(self) -> dt.date | None:
        """Last day whose events the amounts hold: `data_through`, or what is safe to assume.

        That is the end of the last week that is not partial; None where there is none.
        """
        return self._assumed_through if self.data_through is None else self.data_through

    @property
    def _assumed_through(self) -> dt.date | None:
        whole = np.flatnonzero(~self.partial)
        return Week(as_date(self.weeks[whole[-1]], "weeks")).end if whole.size else None

    @property
    def ages(self) -> Floats:
        """Weeks from the last day of each week to `through`, shape ``(weeks,)``.

        Days are sevenths. A week that is not over has a negative age; all are NaN where `through`
        is None.
        """
        if self.through is None:
            return np.full(self.weeks.size, np.nan)
        last_days = self.weeks + np.timedelta64(6, "D")
        days: Floats = (np.datetime64(self.through, "D") - last_days) / np.timedelta64(1, "D")
        return days / 7.0

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 of the content, hexadecimal; the order of rows and channels does not matter."""
        order = sorted(range(len(self.channels)), key=lambda at: self.channels[at])
        head = {
            "format": 1,
            "channels": [self.channels[at] for at in order],
            "week_start": self.week_start,
            "total": self.total is not None,
        }
        # Only where it says more than the weeks do, as in the ledgers written before it was kept.
        if self.through != self._assumed_through:
            head["data_through"] = str(self.through)
        controls = sorted(self.controls)
        if controls:
            head["controls"] = controls
        digest = hashlib.sha256(json.dumps(head).encode())
        digest.update(self.weeks.astype("<M8[D]").tobytes())
        digest.update(self.partial.astype("u1").tobytes())
        outcome = self.known_outcome if self.outcome is None else self.outcome[:, order]
        for array in (self.spend[:, order], outcome, *(self.controls[name] for name in controls)):
            # NaN has many bit patterns, and this one of them.
            digest.update(np.where(np.isnan(array), np.nan, array).astype("<f8").tobytes())
        return digest.hexdigest()

    def to_dict(self) -> dict[str, Any]:
        """Return plain data that `from_dict` takes and JSON keeps; what is unknown is None.

        How files were read (`imports`) is not in it.
        """
        data: dict[str, Any] = {
            "schema_version": self._VERSIONS[-1],
            "channels": list(self.channels),
            "week_start": self.week_start,
            "weeks": [str(week) for week in self.weeks],
            "spend": plain_numbers(self.spend),
        }
        for name in ("outcome", "total", "daily"):
            if (array := getattr(self, name)) is not None:
                data[name] = plain_numbers(array)
        return data | {
            "partial": self.partial.tolist(),
            "data_through": None if self.data_through is None else str(self.data_through),
            "controls": {name: plain_numbers(one) for name, one in self.controls.items()},
            "currency_sign": self.currency_sign,
            "notes": list(self.notes),
            "words": messages_of(self.notes),
        }

    @classmethod
    def _of_data(cls, data: Mapping[str, Any]) -> Self:
        shapes = {"spend": (-1, len(data["channels"])), "daily": (-1, 7, len(data["channels"]))}
        shapes["outcome"], shapes["total"] = shapes["spend"], (-1,)
        arrays: dict[str, Any] = {
            name: np.array(data[name], dtype=np.float64).reshape(shape)
            for name, shape in shapes.items()
            if name in data or name == "spend"
        }
        return cls(
            tuple(data["channels"]),
            np.array(data["weeks"], dtype="datetime64[D]"),
            partial=np.array(data["partial"], dtype=bool),
            week_start=data["week_start"],
            notes=tuple(restored(note, data["words"]) for note in data["notes"]),
            data_through=data["data_through"],
            currency_sign=data["currency_sign"],
            controls={
                name: np.array(one, dtype=np.float64) for name, one in data["controls"].items()
            },
            **arrays,
        )

    def to_frame(self) -> pd.DataFrame:
        """Return a long frame with the columns week, channel, spend and outcome.

        Where only a total is known the last column is called ``total`` instead, and repeats the
        week's total in the row of every channel: it is not to be summed. `from_frame` reads the
        frame back, with ``missing="unknown"`` where there are NaN; controls, partial marks and the
        day of `data_through` are not in it.
        """
        import pandas as pd

        width = len(self.channels)
        last = np.broadcast_to(self.known_outcome, self.spend.shape)
        return pd.DataFrame(
            {
                "week": np.repeat(self.weeks.astype("datetime64[s]"), width),
                "channel": list(self.channels) * self.weeks.size,
                "spend": self.spend.ravel(),
                "outcome" if self.total is None else "total": last.ravel(),
            }
        )

    def _card(self) -> Card:
        count = len(self.weeks)
        weeks = say("one-week") if count == 1 else say("count-weeks", count=count)
        by_channel = self.outcome is not None
        kind = say("outcome-by-channel") if by_channel else say("outcome-in-total")
        if not count:
            return Card(say("history-empty", weeks=weeks, kind=kind), (), ())
        ends = {"first": str(self.weeks[0]), "last": str(self.weeks[-1])}
        last = [self.last_spend.get(name, np.nan) for name in self.channels]
        columns = [np.nansum(self.spend, axis=0), np.array(last)]
        heads = [say("channel"), say("spend"), say("last")]
        if self.outcome is not None:
            columns.append(np.nansum(self.outcome, axis=0))
            heads.append(say("outcome"))
        rows = [
            (name, *("" if np.isnan(v) else show_figure(v) for v in row))
            for name, row in zip(self.channels, np.stack(columns, axis=1).tolist(), strict=True)
        ]
        return Card(say("history-checked", weeks=weeks, kind=kind, **ends), heads, rows)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, History):
            return NotImplemented
        return self.channels == other.channels and self.fingerprint == other.fingerprint

    def __hash__(self) -> int:
        return hash(self.fingerprint)

    def __reduce__(self) -> tuple[Any, ...]:
        # Through the constructor, since a pickled array forgets that it is read-only.
        return type(self), tuple(getattr(self, f.name) for f in fields(self))


def _apply(change: Callable[[Floats], Floats], array: Floats | None) -> Floats | None:
    return None if array is None else change(array)
