"""Two snapshots of the same weeks, laid side by side by the age of each week."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np
from numpy.typing import NDArray

from budgetopt.errors import HistoryError, did_you_mean

if TYPE_CHECKING:
    from budgetopt.history.record import History

Floats = NDArray[np.float64]

SAME = 0.01
"""Spends that differ by less are the same, and outcomes that fall by less have not fallen:
platforms correct invalid clicks and withdrawn orders for weeks."""


@dataclass(frozen=True)
class Pair:
    """What two snapshots say of the weeks that were over at the first.

    Parameters
    ----------
    channels
        Names; none where there is one total.
    ages
        Age of each week at the earlier snapshot, rising by one, shape ``(weeks,)``.
    apart
        Weeks between the snapshots, at least 1.
    earlier, later
        Outcomes, never falling, shape ``(weeks, channels)``, or ``(weeks, 1)`` of the total; both
        0 where one is unknown.
    """

    channels: tuple[str, ...]
    ages: Floats
    apart: float
    earlier: Floats
    later: Floats


def pair_of(earlier: History, later: History) -> Pair:
    """Return two snapshots side by side.

    Raises
    ------
    HistoryError
        ``bad-history`` where they contradict each other, ``no-data`` where they share no week that
        was over at the earlier one.
    """
    apart = _weeks_apart(earlier, later)
    later = _same_channels(earlier, later)
    weeks, rows, other = np.intersect1d(earlier.weeks, later.weeks, return_indices=True)
    over = earlier.ages[rows] >= 0
    if not over.any():
        _refuse("no-data", "the snapshots share no week that was over at the earlier one",
                "earlier", None, "give snapshots of the same weeks")  # fmt: skip
    # The youngest first.
    rows, other, weeks = rows[over][::-1], other[over][::-1], weeks[over][::-1]
    names = () if earlier.outcome is None else earlier.channels
    lacking = (earlier.partial[rows] | later.partial[other])[:, None]
    spend = np.where(lacking, np.nan, earlier.spend[rows])
    _check_spends(spend, later.spend[other], weeks, earlier.channels)
    before, after = _outcomes(earlier)[rows], _outcomes(later)[other]
    # Weeks that lack days stay in their place, since ages are a week apart.
    unknown = lacking | np.isnan(before) | np.isnan(after)
    before, after = np.where(unknown, 0.0, before), np.where(unknown, 0.0, after)
    for week, channel in np.argwhere(before > after * (1 + SAME))[:1]:
        whose = f" of {names[channel]!r}" if names else ""
        _refuse(
            "bad-history",
            f"outcome{whose} in the week of {weeks[week]} falls from "
            f"{before[week, channel]:g} to {after[week, channel]:g}",
            "later",
            float(after[week, channel]),
            "check which snapshot is the later one, or make that outcome unknown (NaN)",
        )
    return Pair(names, earlier.ages[rows], apart, np.minimum(before, after), after)


def _outcomes(history: History) -> Floats:
    if history.outcome is not None:
        return history.outcome
    return np.asarray(history.total, dtype=np.float64)[:, None]


def _weeks_apart(earlier: History, later: History) -> float:
    first, second = earlier.through, later.through
    if first is None or second is None:
        which = "earlier" if first is None else "later"
        _refuse("no-data", f"the {which} snapshot has no whole week", which, None,
                "give snapshots with weeks that are over")  # fmt: skip
    days = (second - first).days
    if days < 7:
        _refuse(
            "bad-history",
            f"the snapshots are known through {first} and {second}, less than a week apart",
            "later",
            str(second),
            "give data_through of both, the later one at least a week after the earlier",
        )
    return days / 7.0


def _same_channels(earlier: History, later: History) -> History:
    """Return the later snapshot with its channels in the order of the earlier."""
    if (earlier.outcome is None) != (later.outcome is None):
        _refuse("bad-history", "one snapshot has outcomes by channel and the other one total",
                "later", None, "read both with the same columns")  # fmt: skip
    for mine, theirs, which in ((earlier, later, "later"), (later, earlier, "earlier")):
        for name in mine.channels:
            if name not in theirs.channels:
                _refuse("bad-history", f"channel {name!r} is not in the {which} snapshot",
                        which, name, did_you_mean(name, theirs.channels))  # fmt: skip
    if earlier.week_start != later.week_start:
        _refuse("bad-history", f"weeks start on {earlier.week_start} in one snapshot and on "
                f"{later.week_start} in the other", "later", later.week_start,
                "read both with the same week_start")  # fmt: skip
    return later.select(earlier.channels)


def _check_spends(
    earlier: Floats, later: Floats, weeks: NDArray[np.datetime64], names: tuple[str, ...]
) -> None:
    """Refuse snapshots of different money, which are not snapshots of the same weeks."""
    apart = np.abs(earlier - later) > SAME * np.maximum(earlier, later)
    for week, channel in np.argwhere(apart)[:1]:
        one, two = earlier[week, channel], later[week, channel]
        _refuse(
            "bad-history",
            f"spend of {names[channel]!r} in the week of {weeks[week]} is {one:g} in the earlier "
            f"snapshot and {two:g} in the later",
            "later",
            float(two),
            "give snapshots of the same weeks, or make a spend that was corrected unknown (NaN)",
        )


def _refuse(code: str, problem: str, field: str, value: Any, remedy: str) -> NoReturn:
    raise HistoryError(code, problem, field=field, value=value, remedy=remedy)
