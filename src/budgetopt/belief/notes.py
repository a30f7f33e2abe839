"""What a reader should know before trusting a belief, in words."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from budgetopt.belief.inputs import Treated
from budgetopt.belief.log import Log
from budgetopt.belief.one_total import usable
from budgetopt.curves.base import Floats
from budgetopt.errors import HistoryError

_NAMED = 12
"""Names shown in one note or message."""
_ALIKE = 0.95
"""Correlation of features from which two channels are named as inseparable."""
_SAID = ("not-reported", "outcome-without-spend", "young", "too-young")
"""Treatments that a note tells of; the others are usual."""


def used_weeks(log: Log) -> NDArray[np.bool_]:
    """Return the weeks that have something to learn from, ``(weeks, channels)``.

    Raises
    ------
    HistoryError
        ``no-data`` where there are none.
    """
    spent = np.nan_to_num(log.spend) > 0
    if log.outcome is not None:
        used = spent & np.isfinite(log.outcome)
        if not used.any():
            raise _no_data(log.channels, "a week with spend and its outcome")
        if log.unit is None and not np.any(log.outcome[used] > 0):
            raise _no_data(log.channels, "a week with an outcome above zero")
        return used
    total = np.asarray(log.total)
    rows = usable(log.spend, total)
    used = rows[:, None] & spent
    if not used.any():
        raise _no_data(log.channels, "a week with a total and every channel's spend reported")
    if not total[rows].mean() > 0:
        raise _no_data(log.channels, "a total outcome above zero")
    return used


def unfinished(weeks: int) -> list[str]:
    """Say that weeks were left out that are not over."""
    return [f"{_weeks(weeks)} left out: not over yet"] if weeks else []


def of_channels(treated: Sequence[Treated]) -> list[str]:
    """Say which weeks were not learned from like the others."""
    told = [one for one in treated if one.code in _SAID]
    notes = []
    for one in told[:_NAMED]:
        what = "spend or outcome not reported, " if one.code == "not-reported" else ""
        found = "" if what else f"{one.code.replace('-', ' ')}, "
        notes.append(f"{_weeks(len(one.weeks))} of {one.channel!r}: {what}{found}{one.treatment}")
    return notes


def of_total(log: Log, used: NDArray[np.bool_], share: Floats, alike: Floats) -> list[str]:
    """Say how little one total tells, and which channels it cannot tell apart."""
    names = log.channels
    mean = float(share[used.any(axis=0)].mean())
    notes = [
        f"one total outcome for {len(names)} channels says how it moved with their spend, "
        f"not which of them moved it: {mean:.0%} of what is believed of a channel is data, the "
        "rest is the prior that a unit of money is worth the same everywhere, and whatever moves "
        "spend and outcome alike is read as effect"
    ]
    given = log.beforehand
    unused = [
        name
        for name, value in (
            ("priors", given.priors),
            ("carryovers", given.carryovers),
            ("delay", given.delay),
            ("demand", given.demand),
            ("events", given.events),
        )
        if value
    ]
    if unused:
        notes.append(f"given beforehand, but not used with one total: {', '.join(unused)}")
    missing = int((~usable(log.spend, np.asarray(log.total))).sum())
    if missing:
        notes.append(f"{_weeks(missing)} left out: a spend or the total not reported")
    return notes + _inseparable(names, alike)


def never_seen(names: Sequence[str], unseen: NDArray[np.bool_]) -> list[str]:
    """Say which channels have no data."""
    missing = [name for name, gone in zip(names, unseen, strict=True) if gone]
    return [f"no data for {_listed(missing)}: the prior is all there is"] if missing else []


def _inseparable(names: Sequence[str], alike: Floats) -> list[str]:
    found = np.argwhere(np.triu(np.abs(alike) > _ALIKE, 1)).tolist()
    pairs = [f"{names[i]!r} with {names[j]!r}" for i, j in found]
    shown = ", ".join(pairs[:_NAMED]) + (", ..." if len(pairs) > _NAMED else "")
    return [f"spends that moved together cannot be told apart: {shown}"] if pairs else []


def _weeks(count: int) -> str:
    return "1 week" if count == 1 else f"{count} weeks"


def _no_data(names: Sequence[str], wanted: str) -> HistoryError:
    return HistoryError(
        "no-data",
        f"the history holds nothing to learn from for {_listed(names)}",
        field="spend",
        value=tuple(names),
        remedy=f"give at least {wanted}",
    )


def _listed(names: Sequence[str]) -> str:
    shown = ", ".join(map(repr, names[:_NAMED]))
    return f"{shown} and {len(names) - _NAMED} more" if len(names) > _NAMED else shown
