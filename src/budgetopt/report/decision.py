"""Decisions, allocations and frontiers as tables for a terminal, Chinese names included.

Each table is headings, one line a channel or budget, and sentences on what it brings. Below them
dated targets, and what past weeks promised and delivered.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from rich.cells import cell_len

from budgetopt.i18n import Message, in_language, listed, say
from budgetopt.money import show_amount as show
from budgetopt.money import total_of
from budgetopt.optimize import Allocation, Frontier, Spread, expected, how_good
from budgetopt.plan import Plan, return_words
from budgetopt.report.text import (
    LaidOut,
    Table,
    adding_up,
    amounts,
    as_known,
    figures,
    laid_out,
    note_lines,
)
from budgetopt.weekly import Decision, Move, TargetState, TargetStatus
from budgetopt.workflow import Scores

_HEADINGS = (
    say("channel"),
    say("last"),
    say("next"),
    say("change"),
    say("outcome"),
    say("limit"),
)
_UNNAMED = "outcome"
"""What a plan calls its outcome where it gives it no name."""
_HEAD = 14
"""Cells that the head of a column of numbers may have."""
_FREEZES = ("held-frozen", "held-learning")
"""What is said of a channel that a freeze of the plan holds."""
_TARGET_HEADS = (say("goal"), say("wanted"), say("so-far"), say("forecast"), say("status"))
_STATES: dict[TargetState, Message] = {
    "on-track": say("on-track"),
    "behind": say("behind"),
    "out-of-reach": say("out-of-reach"),
    "reached": say("reached"),
    "missed": say("missed"),
    "unknown": say("not-measurable"),
}
_SCORE_HEADS = (
    say("channel"),
    say("week-count"),
    say("applied"),
    say("spent"),
    say("promised"),
    say("delivered"),
    say("delivered-share"),
)


def decision_table(decision: Decision, *, explain: bool = False, language: str = "en") -> str:
    """Return a decision as text: a heading, one line a channel, what it brings, and the notes.

    Parameters
    ----------
    decision
        The decision.
    explain
        Whether sentences, with the reason of every move, take the place of the last lines.
    language
        ``"en"`` or ``"zh"``, with the same numbers.
    """
    week = decision.allocation
    title = say(
        "week-title", week=str(decision.week), currency=week.currency, policy=decision.policy
    )
    head: list[str | Table] = [title, split_table(week, decision.moves, language)]
    if explain:
        return laid_out([*head, "", decision.explain(language)], language)
    goals = ["", *target_parts(decision.targets, language), ""] if decision.targets else []
    parts = [*head, *decision_lines(decision), *goals, *note_lines(decision.notes)]
    return laid_out(parts, language)


def decision_lines(decision: Decision) -> list[str]:
    """Return in sentences what a decision brings, beside last week too, or why nothing moves."""
    week = decision.allocation
    lines: list[str] = [totals(week)]
    if week.spread is not None:
        lines.append(say("outcome-range", range=week.spread.summary()))
    if decision.gain is not None:
        lines += filter(None, [decision.against_last(), decision.on_priors()])
    if not decision.moved:
        lines.append(decision.why_nothing_moves())
    if decision.beyond is not None:
        lines.append(decision.beyond.sentence())
    return lines


def allocation_table(week: Allocation, *, explain: bool = False, language: str = "en") -> str:
    """Return an allocation as text: one line a channel, what it brings, and the notes.

    Parameters
    ----------
    week
        The allocation.
    explain
        Whether sentences, with one on every channel, take the place of the last lines.
    language
        ``"en"`` or ``"zh"``, with the same numbers.
    """
    body = split_table(week, moves_of(week), language)
    if explain:
        return laid_out([body, "", week.explain(language)], language)
    notes, first = note_lines(week.notes), week.timed_out
    return laid_out([*notes[:first], body, totals(week), *notes[first:]], language)


def moves_of(week: Allocation) -> list[Move]:
    """Return where the money of each channel goes, from last week's split where that is known."""
    return [Move(name, week.last.get(name), spend) for name, spend in week.spend.items()]


def frontier_table(line: Frontier, language: str = "en") -> str:
    """Return a frontier as text: one line a budget, then its summary.

    Parameters
    ----------
    line
        The frontier; budgets without an answer have dashes, and the summary says why.
    language
        ``"en"`` or ``"zh"``, with the same numbers.
    """
    table = budgets_table(line, language)
    rows = [tuple(table.headings), *table.rows]
    widths = [max(map(cell_len, column)) for column in zip(*rows, strict=True)]
    # Budgets are numbers themselves, and stand to the right too.
    lines = [
        "  ".join(
            " " * (width - cell_len(cell)) + cell for cell, width in zip(row, widths, strict=True)
        )
        for row in rows
    ]
    said = [*line.sentences(), *range_note(line), *note_lines(line.notes)]
    below = laid_out(said, language)
    return LaidOut("\n".join([*lines, below]), (table, *below.parts), language)


def range_note(line: Frontier) -> list[Message]:
    """Return what a range means, where there are some."""
    spreads = [p.allocation.spread for p in line.points if p.allocation is not None]
    return [say("range-meaning")] if any(spread is not None for spread in spreads) else []


def budgets_table(line: Frontier, language: str = "en") -> Table:
    """Return one row a budget: what is spent of it, what that brings, and channels at a limit."""
    plan, points = line.source.plan, line.points
    spent = [None if p.allocation is None else p.allocation.total for p in points]
    limits = [0 if p.allocation is None else len(p.allocation.limits()) for p in points]
    brings = _weighed(line) if plan.goal.weights else _returns(line, language)
    heads = (say("budget"), say("spent"), *brings, say("at-limit"))
    columns = (
        amounts([p.budget for p in points]),
        amounts(spent),
        *brings.values(),
        [str(count) for count in limits],
    )
    cells = [[cell or "-" for cell in column] for column in columns]
    return Table([in_language(heading, language) for heading in heads], cells)


def _returns(line: Frontier, language: str) -> dict[str, list[str]]:
    """Return the outcome with its range, and what money brings or what one costs, by heading."""
    words = return_words(line.source.plan)
    each = [line.returns(point) for point in line.points]
    spreads = [None if p.allocation is None else p.allocation.spread for p in line.points]
    width = max((spread.width for spread in spreads if spread is not None), default=0.0)
    found = {
        outcome_head(line.source.plan, language): as_known([p.outcome for p in line.points], width)
    }
    if width:
        found[say("range-of-90")] = ranges(spreads, width)
    return found | {
        words.average: figures([average for average, _ in each], 3),
        words.marginal: figures([marginal for _, marginal in each], 3),
    }


def ranges(spreads: Sequence[Spread | None], width: float) -> list[str]:
    """Return the ends of ranges, to the digits that a range of some width leaves known."""
    return [
        "" if spread is None else "–".join(as_known([spread.low, spread.high], width))
        for spread in spreads
    ]


def _weighed(line: Frontier) -> dict[str, list[str]]:
    """Return the outcomes that the goal weighs, and what they sum up to, by heading."""
    weeks = [p.allocation for p in line.points]
    kinds = {
        name: figures([math.nan if week is None else week.kinds[name] for week in weeks])
        for name, _ in line.source.plan.goal.weights
    }
    return kinds | {say("by-weights"): figures([p.goal for p in line.points])}


def total_row(language: str = "en") -> str:
    """Return the name of the row that sums up a table."""
    return in_language(say("total"), language)


def split_table(week: Allocation, moves: Sequence[Move], language: str = "en") -> Table:
    """Return one row a channel: last and next money, the change, the outcome and the limit."""
    limits, count = dict(week.limits()), len(moves)
    before, after = [m.before for m in moves], [m.after for m in moves]
    known = [money for money in before if money is not None]
    whole = Move(total_row(language), total_of(known) if known else None, week.total)
    # In one precision, so that last and next money can be set off against each other.
    money = amounts([*before, whole.before, *after, whole.after])
    outcomes = [*(week.outcomes[m.channel] for m in moves), week.outcome]
    returns = returns_of(week, [m.channel for m in moves])
    plan, heads = week.plan, [in_language(heading, language) for heading in _HEADINGS]
    if plan is not None:
        heads[4] = outcome_head(plan, language)
    heads.insert(5, "" if plan is None else in_language(return_words(plan).average, language))
    columns = (
        money[: count + 1],
        money[count + 1 :],
        [in_language(_change(m) if known else "", language) for m in (*moves, whole)],
        adding_up(outcomes, range_width(week)),
        figures(returns, 3),
        [*(in_language(_limit(m, limits), language) for m in moves), ""],
    )
    every = ([*(m.channel for m in moves), whole.channel], *columns)
    # Amounts of many digits leave no room for what follows from two of them.
    return Table(heads, every, words=heads[-1], drops=(5, 3, 4), total=True)


def outcome_head(plan: Plan, language: str = "en") -> str:
    """Return the outcome's name as the head of a column; "outcome" where it has none that fits."""
    named = plan.outcome != _UNNAMED and cell_len(plan.outcome) <= _HEAD
    return plan.outcome if named else in_language(say("outcome"), language)


def returns_of(week: Allocation, names: Sequence[str]) -> list[float]:
    """Return ROAS, CPA or what a unit of money brings, by channel and for all of them last.

    NaN where there is no such number, and where a record does not say what its outcome is.
    """
    plan = week.plan
    if plan is None:
        return [math.nan] * (len(names) + 1)
    worth = dict(zip(plan.names, plan.values.tolist(), strict=True))
    values = [week.outcomes[name] * worth[name] for name in names]
    spends = [float(week.spend[name]) for name in names]
    pairs = [*zip(spends, values, strict=True), (float(week.total), sum(values))]
    return brought(plan, pairs)


def brought(plan: Plan, pairs: Sequence[tuple[float, float]]) -> list[float]:
    """Return ROAS, CPA or what a unit of money brings for pairs of money and value, or NaN."""
    inverse = return_words(plan).inverse
    above_below = [(spend, value) if inverse else (value, spend) for spend, value in pairs]
    return [above / below if below else math.nan for above, below in above_below]


def range_width(week: Allocation) -> float:
    """Return how far apart the ends of the outcome's range are, 0 where it has none."""
    return 0.0 if week.spread is None else week.spread.width


def _limit(move: Move, limits: Mapping[str, str]) -> str:
    """Return the limit that a move meets, or that its channel has no data.

    What a freeze holds is no lock of the plan.
    """
    code, limit = getattr(move.held, "code", ""), limits.get(move.channel, "")
    if code == "prior-only-here":
        return say("priors-only") if not limit else listed([limit, say("priors-only")])
    return say("frozen") if code in _FREEZES else limit


def _change(move: Move) -> str:
    if move.before is None:
        return say("new") if move.after else ""
    if not move.change:
        return "="
    return f"{move.share:+.1%}" if move.share is not None else say("from-zero")


def totals(week: Allocation) -> str:
    """Return what is spent, unspent and in reserve, and what is expected of it, in a sentence."""
    parts = spent(week)
    parts += [say("in-reserve", money=show(week.held))] if week.held else []
    return say("total-line", parts=listed(parts), outcome=expected(week), how_good=how_good(week))


def spent(week: Allocation) -> list[Message]:
    """Return what is spent of the budget and what stays unspent, in clauses."""
    total, budget = show(week.total), show(week.budget)
    parts = [say("spent-of-budget", total=total, budget=budget, currency=week.currency)]
    return parts + ([say("money-unspent", money=show(week.unspent))] if week.unspent else [])


def target_parts(targets: Sequence[TargetStatus], language: str = "en") -> list[str | Table]:
    """Return where dated targets stand and where they are heading: a table, and what it means."""
    heads = [in_language(heading, language) for heading in _TARGET_HEADS]
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
