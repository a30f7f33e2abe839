"""Dated targets, and what past weeks promised and delivered, as tables and sentences."""

from __future__ import annotations

import math
from collections.abc import Sequence

from budgetopt.i18n import Message, in_language, say
from budgetopt.report.text import Table, adding_up, amounts, figures
from budgetopt.weekly import TargetState, TargetStatus
from budgetopt.workflow import Scores

_GOALS = (say("goal"), say("wanted"), say("so-far"), say("forecast"), say("status"))
_STATES: dict[TargetState, Message] = {
    "on-track": say("on-track"),
    "behind": say("behind"),
    "out-of-reach": say("out-of-reach"),
    "reached": say("reached"),
    "missed": say("missed"),
    "unknown": say("not-measurable"),
}


def target_parts(targets: Sequence[TargetStatus], language: str = "en") -> list[str | Table]:
    """Return where dated targets stand and where they are heading: a table, and what it means."""
    heads = [in_language(heading, language) for heading in _GOALS]
    names = [say("goal-by", goal=one.name, by=one.by) for one in targets]
    columns = (
        [in_language(name, language) for name in names],
        [in_language(one.goal(), language) for one in targets],
        [one.measured() for one in targets],
        [in_language(_forecast(one), language) for one in targets],
        [in_language(_state_of(one), language) for one in targets],
    )
    parts: list[str | Table] = [Table(heads, columns, words=heads[-1])]
    if any(one.chance is not None and one.known < 1 for one in targets):
        parts.append(say("forecast-meaning"))
    return parts


def _forecast(one: TargetStatus) -> str:
    """Return the forecast with its range, nothing where all days are known."""
    if one.forecast is None or one.known == 1:
        return ""
    ends = {"low": one.shown(one.low), "high": one.shown(one.high)}
    return say("worth-range", worth=one.shown(one.forecast), **ends)


def _state_of(one: TargetStatus) -> Message:
    """Return the state, with the chance where the target may still be reached or missed."""
    state = _STATES[one.state]
    if one.chance is None or one.state not in ("on-track", "behind"):
        return state
    return say("state-and-chance", state=state, chance=f"{one.chance:.0%}")


_SCORE_HEADS = (
    say("channel"),
    say("week-count"),
    say("applied"),
    say("spent"),
    say("promised"),
    say("delivered"),
    say("delivered-share"),
)


def _summed(values: Sequence[float], scored: Scores) -> list[str]:
    """Return numbers of channels, phases and all together, where channels add up to the whole."""
    count = len(scored.channels)
    *channels, whole = adding_up([*values[:count], values[-1]], 0.0, 2)
    return [*channels, *figures(values[count:-1], 2), whole]


def score_parts(scored: Scores, language: str = "en") -> list[str | Table]:
    """Return what past weeks promised and delivered, by channel and by phase.

    Parameters
    ----------
    scored
        The scores.
    language
        ``"en"`` or ``"zh"``, with the same numbers.
    """
    title = say("scores-of", first=str(scored.first), last=str(scored.last))
    phases = [say("phase-span", label=one.name) for one in scored.phases]
    rows = [*scored.channels, *scored.phases, scored.total]
    names = [*(one.name for one in scored.channels), *phases, say("total")]
    money = amounts([*(one.applied for one in rows), *(one.spent for one in rows)])
    brought = [math.nan if one.delivered is None else one.delivered for one in rows]
    both = [(one.promised, found) for one, found in zip(rows, brought, strict=True)]
    outcomes = [text for side in zip(*both, strict=True) for text in _summed(side, scored)]
    columns = (
        [in_language(name, language) for name in names],
        [str(one.weeks) for one in rows],
        money[: len(rows)],
        money[len(rows) :],
        outcomes[: len(rows)],
        outcomes[len(rows) :],
        ["" if one.ratio is None else f"{one.ratio:.0%}" for one in rows],
    )
    heads = [in_language(heading, language) for heading in _SCORE_HEADS]
    return [title, Table(heads, columns, total=True)]
