"""What a reader should know before trusting a belief, in words."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from budgetopt.arrays import Floats
from budgetopt.belief.aggregate import usable
from budgetopt.belief.inputs import Treated
from budgetopt.belief.learning import Carried
from budgetopt.belief.log import ObservationLog, Observed
from budgetopt.belief.regression import TotalFit
from budgetopt.errors import HistoryError
from budgetopt.i18n import listed, quoted, say, show_figure

_NAMED = 12
"""Names shown in one note or message."""
_MOST_ODDS = 1e6
"""Odds that are told at most: nobody asks for more."""
_ALIKE = 0.95
"""Correlation of features from which two channels are named as inseparable."""
_NO_EFFECT = 0.5
"""Chance of no effect from which it is said."""
_CARRIED, _LITTLE = 1.4, 0.05
"""From how many times what is believed without the weeks of most spend, and from how much more as
a share of the total, these weeks are said to carry the estimate."""
_OFF, _TELLS = 8.0, 4
"""How many times the second largest cell of its column one is said to be out of scale, and of how
many cells at least."""
_SAID = {
    "not-reported": say("spend-or-outcome-not-reported"),
    "outcome-without-spend": say("outcome-without-spend"),
    "young": say("immature-data"),
    "too-young": say("data-too-young"),
}
"""What was found, for the treatments that a note tells of; the others are usual."""


def used_weeks(log: ObservationLog) -> NDArray[np.bool_]:
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
            raise _no_data(log.channels, say("a-week-with-spend"))
        if log.unit is None and not np.any(log.outcome[used] > 0):
            raise _no_data(log.channels, say("a-week-with-outcome"))
        return used
    total = np.asarray(log.total)
    rows = usable(log.spend, total)
    used = rows[:, None] & spent
    if not used.any():
        raise _no_data(log.channels, say("a-week-with-total"))
    if not total[rows].mean() > 0:
        raise _no_data(log.channels, say("a-total-outcome"))
    return used


def unfinished(weeks: int) -> list[str]:
    """Say that weeks were left out that are not over."""
    return [say("weeks-left-out-running", weeks=_weeks(weeks))] if weeks else []


def of_channels(treated: Sequence[Treated]) -> list[str]:
    """Say which weeks were not learned from like the others."""
    told = [one for one in treated if one.code in _SAID]
    return [
        say(
            "weeks-found",
            weeks=_weeks(len(one.weeks)),
            channel=quoted(one.channel),
            found=_SAID[one.code],
            treatment=one.treatment,
        )
        for one in told[:_NAMED]
    ]


def of_carried(found: Sequence[Carried]) -> list[str]:
    """Say which outcomes follow the spend of weeks before, though no carryover was declared."""
    return [
        say("carryover-not-declared", channel=quoted(one.channel), why=tuple(_why_carried(one)))
        for one in found[:_NAMED]
    ]


def _why_carried(one: Carried) -> Iterator[str]:
    if one.log_odds > 0:
        odds = min(float(np.exp(min(one.log_odds, 50.0))), _MOST_ODDS)
        template = "carryover-odds"
        yield say(template, share=f"{one.share:g}", odds=show_figure(odds, 2))
    if one.idle_with:
        template = "outcome-in-idle-weeks"
        yield say(template, some=one.idle_with, weeks=one.idle)


def of_total(
    log: ObservationLog, used: NDArray[np.bool_], share: Floats, alike: Floats, fit: TotalFit
) -> list[str]:
    """Say how little one total tells, which weeks do not fit, and what it cannot tell apart."""
    names = log.channels
    mean = float(share[used.any(axis=0)].mean())
    notes: list[str] = [say("one-total-caveat", channels=len(names), share=f"{mean:.0%}")]
    if fit.no_effect > _NO_EFFECT:
        notes.append(say("no-effect-seen", chance=f"{fit.no_effect:.0%}"))
    if fit.media > max(_CARRIED * fit.without_peaks, fit.without_peaks + _LITTLE):
        without, media = f"{fit.without_peaks:.0%}", f"{fit.media:.0%}"
        notes.append(say("peaks-carry-the-estimate", without=without, media=media))
    if fit.odd:
        notes.append(say("odd-weeks", weeks=tuple(_odd_weeks(fit))))
    if fit.shifts:
        moved = (
            say("level-shift", week=str(w), size=f"{size:+.0%}", chance=f"{min(chance, 0.99):.0%}")
            for w, size, chance in fit.shifts[:_NAMED]
        )
        notes.append(say("level-shifts", weeks=tuple(moved)))
    missing = int((~usable(log.spend, np.asarray(log.total))).sum())
    if missing:
        notes.append(say("weeks-left-out-unreported", weeks=_weeks(missing)))
    return notes + _inseparable(names, alike)


def _odd_weeks(fit: TotalFit) -> Iterator[str]:
    """Say by how much each of the worst weeks is off, in order of time."""
    worst = sorted(fit.odd, key=lambda one: -abs(one[1]))[:_NAMED]
    for week, miss in sorted(worst):
        yield say("odd-week", week=str(week), miss=f"{miss:+.0%}")
    if len(fit.odd) > _NAMED:
        yield "..."


def out_of_scale(history: Observed | ObservationLog, names: Sequence[str]) -> list[str]:
    """Say which cells are many times the next largest of their column, as a slipped point makes it.

    Normal and heavy-tailed weeks are hardly ever: eight times the second largest of 52 lognormal
    weeks of a spread of 1 is one column in 400.
    """
    total = None if history.total is None else np.asarray(history.total)[:, None]
    tables = {"cell-spend": history.spend, "of-outcome": history.outcome, "cell-total": total}
    said: list[str] = []
    for code, table in tables.items():
        if table is None or len(table) < _TELLS:
            continue
        amounts = np.nan_to_num(table)
        second, most = np.sort(amounts, axis=0)[-2:]
        told = ((amounts > 0).sum(axis=0) >= _TELLS) & (most >= _OFF * second)
        for at in np.flatnonzero(told).tolist():
            column = {} if code == "cell-total" else {"channel": quoted(names[at])}
            given = {"value": show_figure(most[at]), "times": show_figure(most[at] / second[at], 2)}
            week = str(history.weeks[np.argmax(amounts[:, at])])
            said.append(say("cell-out-of-scale", week=week, place=say(code, **column), **given))
    return said[:_NAMED]


def never_seen(names: Sequence[str], unseen: NDArray[np.bool_]) -> list[str]:
    """Say which channels have no data."""
    missing = [name for name, gone in zip(names, unseen, strict=True) if gone]
    if not missing:
        return []
    return [say("prior-only", channels=_listed(missing))]


def _inseparable(names: Sequence[str], alike: Floats) -> list[str]:
    found = np.argwhere(np.triu(np.abs(alike) > _ALIKE, 1)).tolist()
    pairs: list[str] = [say("pair", one=quoted(names[i]), other=quoted(names[j])) for i, j in found]
    if not pairs:
        return []
    shown = listed([*pairs[:_NAMED], *(["..."] if len(pairs) > _NAMED else [])])
    return [say("collinear-spends", pairs=shown)]


def _weeks(count: int) -> str:
    return say("one-week") if count == 1 else say("count-weeks", count=count)


def _no_data(names: Sequence[str], wanted: str) -> HistoryError:
    return HistoryError(
        "no-data",
        say("history-nothing-learn", names=_listed(names)),
        field="spend",
        value=tuple(names),
        remedy=say("remedy-give-at-least", wanted=wanted),
    )


def _listed(names: Sequence[str]) -> str:
    return listed(map(quoted, names), _NAMED)
