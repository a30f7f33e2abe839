"""A backtest as text: what was advised, how well forecasts did, and what cannot be known."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from budgetopt.i18n import in_language, listed, say
from budgetopt.report.text import Table, figures, laid_out, note_lines
from budgetopt.weekly import Backtest, ChannelRecord, shown_gain


def backtest_table(found: Backtest, language: str = "en") -> str:
    """Return a backtest as text: a line a policy, and a line a channel.

    Parameters
    ----------
    found
        The backtest.
    language
        ``"en"`` or ``"zh"``, with the same numbers.
    """
    first, last = str(found.weeks[0].start), str(found.weeks[-1].start)
    parts: list[str | Table] = [
        say("backtest-title", weeks=len(found.weeks), first=first, last=last),
        "",
        _policies(found, language),
    ]
    notes = list(found.notes)
    if found.records:
        parts += ["", _bands(found), "", _channels(found, language)]
        notes.append(say("backtest-heads"))
    return laid_out([*parts, "", *note_lines(notes)], language)


def _policies(found: Backtest, language: str) -> Table:
    heads = ("policy", "week-count", "placed-otherwise", "of-spent", "gain")
    rows = found.policies
    columns = [
        [one.policy for one in rows],
        [str(one.weeks) for one in rows],
        [_share(one.moved) for one in rows],
        [_share(one.spent) for one in rows],
        [shown_gain(one.gain) for one in rows],
    ]
    return Table(_heads(heads, language), columns)


def _bands(found: Backtest) -> str:
    """Say how many outcomes lay inside the bands that were held against them."""
    known = found.calibration
    return say(
        "backtest-bands",
        outcomes=f"{known[0].outcomes:,}",
        shares=listed([_share(one.covered) for one in known]),
        levels=listed([f"{one.level:.0%}" for one in known]),
    )


def _channels(found: Backtest, language: str) -> Table:
    heads = ("channel", "week-count", "outcome", "off", "error", "last-week-error")
    rows = found.records
    names = [one.channel or in_language(say("all-together"), language) for one in rows]
    columns = [
        names,
        [str(one.weeks) for one in rows],
        figures([one.outcome for one in rows]),
        [_off(one) for one in rows],
        [_share(one.error) for one in rows],
        [_share(one.usual_error) for one in rows],
        [_share(one.inside) for one in rows],
    ]
    inside = in_language(say("inside-band", level=f"{found.level:.0%}"), language)
    return Table([*_heads(heads, language), inside], columns, drops=(1, 5), total=True)


def _off(one: ChannelRecord) -> str:
    return f"{one.expected / one.outcome - 1:+z.1%}" if one.outcome else ""


def _share(value: float | None) -> str:
    return "" if value is None or not np.isfinite(value) else f"{value:.1%}"


def _heads(codes: Sequence[str], language: str) -> list[str]:
    return [in_language(_HEADS[code], language) for code in codes]


_HEADS = {
    "policy": say("policy"),
    "week-count": say("week-count"),
    "placed-otherwise": say("placed-otherwise"),
    "of-spent": say("of-spent"),
    "gain": say("gain"),
    "channel": say("channel"),
    "outcome": say("outcome"),
    "off": say("off"),
    "error": say("error"),
    "last-week-error": say("last-week-error"),
}
