"""What is looked at before a week is decided: freezes, last week's report, and predictions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import bdtr, ndtri

from budgetopt.belief import Belief
from budgetopt.calendar import Week
from budgetopt.figures import show_figure
from budgetopt.history import History
from budgetopt.money import show_amount
from budgetopt.weekly.guardrails import Fired, Guardrails
from budgetopt.words import joined, listed, quoted, say

_LEVEL = 0.8
"""Chance of the bands that outcomes are compared with."""
_OUTCOMES = 20
"""Outcomes below which the share inside says nothing."""
_BY_CHANCE = 0.01
"""Chance of an alarm, on either side, where the bands are right and outcomes independent."""
_WIDEST = 5.0
"""Most that bands are widened, where hardly any outcome lay inside."""
_IMPOSSIBLE = 1e-3
"""Chance that was given to an outcome of no more than nothing, below which it is not believed."""
_FRESH = 4
"""Weeks after which a channel that is not reported any more is no longer waited for."""
_TOTALS = 8
"""Weeks with an outcome after which one total of nothing is not believed."""


@dataclass(frozen=True)
class Watch:
    """What was found, and what follows from it.

    Parameters
    ----------
    fired
        Every guard that fired.
    whole_week
        Whether nothing moves.
    channels
        Channels whose money is held, each with why.
    widened
        Factor on the width of bands.
    frozen
        Those of the channels that the plan freezes, which stay also where the rest is drawn in.
    """

    fired: tuple[Fired, ...] = ()
    whole_week: bool = False
    channels: tuple[tuple[str, str], ...] = ()
    widened: float = 1.0
    frozen: tuple[str, ...] = ()

    @property
    def held(self) -> tuple[str, ...]:
        """Channels that get what they had, where they can."""
        return self.frozen if self.whole_week else tuple(dict(self.channels))


class _Found(NamedTuple):
    fired: Fired
    whole_week: bool = False
    why: str = ""
    widened: float = 1.0


def watch(
    rails: Guardrails, week: Week, past: History, belief: Belief, last: dict[str, Decimal]
) -> Watch:
    """Return what speaks against moving money this week.

    Parameters
    ----------
    rails
        What holds.
    week
        The week decided.
    past
        Whole weeks before it.
    belief
        What was learned from them.
    last
        Last applied money by channel.
    """
    looked = (
        _frozen(rails, week),
        _missing(past, last),
        _impossible(past, belief, last),
        _off(rails, belief),
    )
    found = [one for one in looked if one is not None]
    held = tuple((name, one.why) for one in found for name in one.fired.channels)
    spending = {name for name, money in last.items() if money > 0}
    everything = bool(spending) and spending <= {name for name, _ in held}
    return Watch(
        fired=tuple(one.fired for one in found),
        whole_week=everything or any(one.whole_week for one in found),
        channels=held,
        widened=max([one.widened for one in found], default=1.0),
    )


def _frozen(rails: Guardrails, week: Week) -> _Found | None:
    for first, last in rails.freezes:
        if first <= week.end and week.start <= last:
            said = say(
                "nothing moves, as {first} to {last} is frozen", first=str(first), last=str(last)
            )
            return _Found(Fired("freeze", said), whole_week=True)
    return None


def _missing(past: History, last: dict[str, Decimal]) -> _Found | None:
    """Return the channels with money whose last week was not reported."""
    spend, monday = past.spend[-1], str(past.weeks[-1])
    why = say("held, as last week's report is missing")
    if past.outcome is None:
        if np.isfinite(np.asarray(past.total)[-1]):
            return None
        said = say("nothing moves, as the outcome of the week of {week} is missing", week=monday)
        return _Found(Fired("missing-report", said), whole_week=True, why=why)
    fresh = np.isfinite(past.spend[-1 - _FRESH : -1]).any(axis=0)
    unknown = np.where(np.isfinite(spend), ~np.isfinite(past.outcome[-1]) & (spend > 0), fresh)
    names = [n for n, gone in zip(past.channels, unknown, strict=True) if gone and last.get(n)]
    if not names:
        return None
    held = held_at(names, last)
    said = say("{held}, as the report of the week of {week} is missing", held=held, week=monday)
    figures = (("channels", float(len(names))),)
    return _Found(Fired("missing-report", said, figures, tuple(names)), why=why)


def _impossible(past: History, belief: Belief, last: dict[str, Decimal]) -> _Found | None:
    """Return the channels that brought nothing at all where that was out of the question."""
    monday = str(past.weeks[-1])
    if past.outcome is None:
        total = np.asarray(past.total)
        earlier = total[:-1][np.isfinite(total[:-1])]
        if total[-1] != 0 or earlier.size < _TOTALS or not np.all(earlier > 0):
            return None
        said = say(
            "nothing moves, as the week of {week} reports no outcome at all, "
            "and none of {weeks} weeks before it did",
            week=monday,
            weeks=earlier.size,
        )
        figures = (("weeks", float(earlier.size)),)
        return _Found(Fired("impossible-report", said, figures), whole_week=True)
    rank = _ranks(belief, past.weeks[-1])
    # NaN is not below anything: where nothing was predicted, nothing is impossible.
    odd = (past.outcome[-1] == 0) & (past.spend[-1] > 0) & (rank < _IMPOSSIBLE)
    names = [n for n, out in zip(past.channels, odd, strict=True) if out and last.get(n)]
    if not names:
        return None
    chance = float(np.max(rank[odd]))
    said = say(
        "{held}, as no outcome at all in the week of {week} had a chance of {chance} at most",
        held=held_at(names, last),
        week=monday,
        chance=show_figure(chance, 2),
    )
    why = say("held, as last week's report of nothing is hardly possible")
    return _Found(Fired("impossible-report", said, (("chance", chance),), tuple(names)), why=why)


def _ranks(belief: Belief, week: np.datetime64) -> NDArray[np.float64]:
    """Return where each channel's outcome of a week lay in its prediction, NaN where unknown."""
    at = np.flatnonzero(belief.log.weeks == week)
    if belief.walked is None or not at.size:
        return np.full(len(belief.channels), np.nan)
    return np.asarray(belief.walked.ranks[at[0]])


def _off(rails: Guardrails, belief: Belief) -> _Found | None:
    r"""Return the alarm on calibration.

    The share inside must lie beyond the bounds, and so far from the level that the bands, were they
    right, would let it happen in one week of a hundred: a binomial tail. Bands that held a share
    ``c`` for a level ``l`` are too narrow by the factor
    :math:`\Phi^{-1}(\tfrac12 + l/2)\,/\,\Phi^{-1}(\tfrac12 + c/2)`. Bands that are too wide err to
    the safe side: that is said, and nothing is held for it.
    """
    found = belief.calibration(rails.calibration_weeks, _LEVEL)
    share = found.covered
    if share is None or found.outcomes < _OUTCOMES:
        return None
    said = say(
        "{inside} of {outcomes} outcomes of the last {weeks} weeks lay in their {level} bands",
        inside=found.inside,
        outcomes=found.outcomes,
        weeks=rails.calibration_weeks,
        level=f"{_LEVEL:.0%}",
    )
    figures = (("covered", share), ("outcomes", float(found.outcomes)))
    fewer = bdtr(found.inside, found.outcomes, _LEVEL)
    more = bdtr(found.outcomes - found.inside, found.outcomes, 1.0 - _LEVEL)
    if share < rails.least_covered and fewer < _BY_CHANCE:
        narrow = ndtri(0.5 + 0.5 * share) if share > 0 else 0.0
        factor = float(min(_WIDEST, ndtri(0.5 + 0.5 * _LEVEL) / max(narrow, 1e-9)))
        said = say(
            "{found}, under {least}: ranges are drawn {factor} times as wide, and nothing moves",
            found=said,
            least=f"{rails.least_covered:.0%}",
            factor=f"{factor:.2g}",
        )
        fired = Fired("calibration", said, (*figures, ("widened", factor)))
        return _Found(fired, whole_week=True, widened=factor)
    if share > rails.most_covered and more < _BY_CHANCE:
        said = say(
            "{found}, over {most}: they are too wide, which errs to the safe side",
            found=said,
            most=f"{rails.most_covered:.0%}",
        )
        return _Found(Fired("calibration", said, figures))
    return None


def held_at(names: Sequence[str], last: Mapping[str, Decimal]) -> str:
    """Return which channels stay, and at what."""
    shown = [
        say(
            "{channel} at {money}",
            channel=quoted(name),
            money=show_amount(last.get(name, Decimal(0))),
        )
        for name in names
    ]
    *most, end = shown
    if not most:
        return say("{channel} is held", channel=end)
    return say("{channels} are held", channels=joined([listed(most), end]))
