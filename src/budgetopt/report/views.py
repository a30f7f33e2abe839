"""What stands on the pages of splits, decisions, what-ifs, frontiers, simulated years and beliefs.

Each kind has a function of its own, which takes the tables and sentences that a terminal shows and
adds charts and the order in which a planner reads.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal

from budgetopt.belief import Belief
from budgetopt.history import is_of_reading
from budgetopt.i18n import Message, in_language, listed, say
from budgetopt.money import difference_of
from budgetopt.money import show_amount as show
from budgetopt.optimize import (
    GOAL_WORDS,
    Allocation,
    Frontier,
    channels_in_words,
    expected,
    how_good,
    round_amount,
)
from budgetopt.plan import RULES, Plan, unused
from budgetopt.report.belief import belief_record, belief_tables
from budgetopt.report.charts import Bars, Lines, Mark, Series
from budgetopt.report.decision import (
    budgets_table,
    decision_lines,
    moves_of,
    outcome_head,
    range_note,
    range_width,
    split_table,
    target_parts,
    total_row,
    totals,
)
from budgetopt.report.html import Grid, Page, Points, Section, Slider
from budgetopt.report.simulation import (
    STRUCK,
    USUAL,
    Years,
    at_limits,
    case_labels,
    cases_table,
    impossible,
    meanings,
    outcome_texts,
    same_splits,
    splits_table,
    worlds,
    years_heading,
    years_notes,
)
from budgetopt.report.text import Table, amounts, as_known, figures
from budgetopt.simulation import WhatIf
from budgetopt.version import VERSION
from budgetopt.weekly import Decision, Move


def source_line(*parts: str) -> Message:
    """Return what a page was made from and by, nothing of which depends on the moment."""
    return say("page-source", program=f"budgetopt {VERSION}", parts=listed(parts))


def decision_page(decision: Decision, language: str = "en") -> Page:
    """Return the page of one week's decision: what moves, why, and which limits cost what."""
    week = decision.allocation
    title = say(
        "week-title", week=str(decision.week), currency=week.currency, policy=decision.policy
    )
    return Page(
        title,
        say("full-stop", sentence=verdict_of(decision)),
        [
            Section(say("page-caveats"), caveats(decision.notes)),
            *decision_sections(decision, language),
            Section(say("page-files"), of_files(decision.notes)),
        ],
        source_line(say("page-history", fingerprint=decision.history[:12])),
    )


def allocation_page(week: Allocation, language: str = "en") -> Page:
    """Return the page of a split of its own: its money, what more would bring, and its limits."""
    moves, spread = moves_of(week), week.spread
    brings = {"total": show(week.total), "currency": week.currency, "outcome": expected(week)}
    ranged = [] if spread is None else [say("outcome-range", range=spread.summary())]
    return Page(
        say("split-title", currency=week.currency),
        say("verdict-split", **brings, how_good=how_good(week)),
        [
            Section(say("page-caveats"), caveats(week.notes)),
            Section(
                say("page-split"),
                [
                    before_and_after(moves, week.currency),
                    split_table(week, moves, language),
                    totals(week),
                    *ranged,
                ],
            ),
            Section(say("page-channels"), [Points(channels_in_words(week))]),
            Section(say("page-limits"), _limits(week, language)),
        ],
        source_line(say("page-plan", count=len(moves), method=week.method)),
    )


def decision_sections(decision: Decision, language: str) -> list[Section]:
    """Return the split, where targets stand, its moves and what limits cost, a section each."""
    week, targets = decision.allocation, decision.targets
    goals = [Section(say("page-goals"), target_parts(targets, language))] if targets else []
    return [
        Section(
            say("page-split"),
            [
                before_and_after(decision.moves, week.currency),
                split_table(week, decision.moves, language),
                *decision_lines(decision),
            ],
        ),
        *goals,
        Section(say("page-moves"), _moves(decision, language)),
        Section(say("page-limits"), _limits(week, language)),
    ]


def caveats(notes: Iterable[str]) -> list[Points]:
    """Return notes as the points that stand first on a page, but for those on reading files."""
    lines = [say("full-stop", sentence=note) for note in notes if not is_of_reading(note)]
    return [Points(lines, warns=True)] if lines else []


def of_files(notes: Iterable[str]) -> list[Points]:
    """Return the notes on how files were read as the points that stand last on a page."""
    lines = [say("full-stop", sentence=note) for note in notes if is_of_reading(note)]
    return [Points(lines)] if lines else []


def verdict_of(decision: Decision) -> Message:
    """Return a decision in one sentence without its full stop."""
    week = decision.allocation
    moves = [move.change for move in decision.moves]
    up, down = sum(m > 0 for m in moves), sum(m < 0 for m in moves)
    moved = say("moves-counted", up=up, down=down, same=len(moves) - up - down)
    return say(
        "verdict-week",
        week=str(decision.week),
        total=show(week.total),
        currency=week.currency,
        outcome=expected(week),
        moves=moved if up or down else say("nothing-moves"),
    )


def before_and_after(moves: Sequence[Move], currency: str) -> Bars:
    """Return every channel's money of last week and next, as bars; of next week where it is all."""
    texts = amounts([m for move in moves for m in (move.before, move.after)])
    if all(move.before is None for move in moves):
        only = [
            Mark("only", float(m.after), text) for m, text in zip(moves, texts[1::2], strict=True)
        ]
        return Bars(
            say("page-next", currency=currency),
            {m.channel: [o] for m, o in zip(moves, only, strict=True)},
            {},
        )
    rows = {}
    for at, move in enumerate(moves):
        after = Mark("after", float(move.after), texts[2 * at + 1])
        before = Mark("before", float(move.before or 0), texts[2 * at])
        rows[move.channel] = [after] if move.before is None else [before, after]
    legend = {"before": say("last"), "after": say("next")}
    return Bars(say("page-before-after", currency=currency), rows, legend)


def _moves(decision: Decision, language: str) -> list[Table | str]:
    """Return every move with what it is expected to bring and why, the range's meaning below."""
    moves = decision.moves
    signs = [math.copysign(1.0, move.change) if move.change else 0.0 for move in moves]
    effect = [
        sign * move.worth if move.before is not None and sign else math.nan
        for sign, move in zip(signs, moves, strict=True)
    ]
    ends = [_range(move, sign) for sign, move in zip(signs, moves, strict=True)]
    numbers = figures([*effect, *(end for pair in ends for end in pair)], 4)
    count = len(moves)
    texts = [f"+{t}" if t and not t.startswith("-") else t for t in numbers]
    plan = decision.allocation.plan
    named = say("outcome") if plan is None else outcome_head(plan, language)
    heads = (say("channel"), say("change"), say("expected-effect", outcome=named), say("low"))
    words = in_language(say("why"), language)
    table = Table(
        [*(in_language(head, language) for head in (*heads, say("high"))), words],
        [
            [move.channel for move in moves],
            signed([move.change for move in moves]),
            texts[:count],
            texts[count::2],
            texts[count + 1 :: 2],
            [in_language(move.reason, language) for move in moves],
        ],
        words=words,
    )
    why = decision.why_nothing_moves()
    meant = [say("range-meaning")] if any(move.ranged for move in moves) else []
    return [*([why] if why else []), table, *meant]


def _range(move: Move, sign: float) -> tuple[float, float]:
    """Return the ends of what a move is expected to bring, the lower first."""
    if not move.ranged or move.low is None or move.high is None:
        return math.nan, math.nan
    low, high = sorted((sign * move.low, sign * move.high))
    return low, high


def signed(changes: Sequence[Decimal]) -> list[str]:
    """Return changes of money with their sign, ``=`` for none."""
    sizes = amounts([change.copy_abs() for change in changes])
    pairs = zip(changes, sizes, strict=True)
    return [f"{'-' if c < 0 else '+'}{size}" if c else "=" for c, size in pairs]


def _limits(week: Allocation, language: str) -> list[Table | str]:
    """Return what a little room under each limit that holds the outcome back would bring."""
    names = limit_names(week)
    counted = {row.limit for row in week.rules.rows if row.by_one or row.outcome is not None}
    prices = {k: v for k, v in week.prices.items() if 0 < v < math.inf}
    if not prices:
        return [say("page-no-limits")]
    unit = round_amount(week.budget)
    rooms = [1 if name in counted else unit for name in prices]
    worth = [price * float(room) for price, room in zip(prices.values(), rooms, strict=True)]
    plan = week.plan
    outcome = say("outcome") if plan is None else outcome_head(plan, language)
    named = outcome if week.goal == "outcome" else GOAL_WORDS[week.goal]
    heads = (say("limit"), say("room"), say("worth-more", outcome=named))
    order = sorted(range(len(worth)), key=lambda at: -worth[at])
    texts, rules = figures(worth, 4), list(prices)
    table = Table(
        [in_language(head, language) for head in heads],
        [
            [in_language(names.get(rules[at], rules[at]), language) for at in order],
            [show(Decimal(rooms[at])) for at in order],
            [texts[at] for at in order],
        ],
    )
    return [say("page-limits-meaning"), table]


def limit_names(week: Allocation) -> Mapping[str, str]:
    """Return what the limits that prices are recorded by are called."""
    names: dict[str, str] = {"budget": say("the-budget")}
    for channel in week.spend:
        for rule in RULES[1:]:
            names[f"{rule} of {channel}"] = say("limit-of-channel", limit=rule, channel=channel)
    return names | {
        row.limit: say("limit-and-rule", limit=row.limit, rule=row.sentence)
        for row in week.rules.rows
    }


def frontier_page(line: Frontier, language: str = "en") -> Page:
    """Return the page of a frontier: a slider along its budgets, with the split of each."""
    plan, points = line.source.plan, line.points
    sentences, slider = line.sentences(), _slider(line, language)
    return Page(
        say("frontier-title", currency=plan.currency),
        sentences[0] if sentences else say("page-no-answer"),
        [
            Section(say("page-caveats"), caveats(line.notes)),
            Section(say("page-budgets"), [slider, *sentences[1:], *range_note(line)]),
        ],
        source_line(say("page-budgets-count", count=len(points))),
    )


def _slider(line: Frontier, language: str) -> Slider:
    """Return the budgets of a frontier with their outcome and split, the plan's own one chosen."""
    plan, points = line.source.plan, line.points
    money = amounts([p.budget for p in points])
    named, values = outcome_head(plan, language), [p.outcome for p in points]
    spreads = [None if p.allocation is None else p.allocation.spread for p in points]
    if plan.goal.weights:
        # A range is of the plan's own outcome, not of the sum that the goal weighs.
        named, values = in_language(GOAL_WORDS["weights"], language), [p.goal for p in points]
        spreads = [None] * len(points)
    low, high = ([math.nan if s is None else getattr(s, e) for s in spreads] for e in _ENDS)
    series = Series(named, values, *((low, high) if any(spreads) else ()))
    title = in_language(say("page-outcome-by-budget", outcome=named), language)
    budget = in_language(say("budget"), language)
    heads = [in_language(say("channel"), language), *money]
    columns = [
        ["-"] * (len(plan.names) + 1)
        if p.allocation is None
        else amounts([*p.allocation.spend.values(), p.allocation.total])
        for p in points
    ]
    gaps = [
        abs(float(difference_of(p.budget, plan.budget))) if p.feasible else math.inf for p in points
    ]
    return Slider(
        say("budget"),
        say("page-split"),
        Lines(title, budget, money, [series], [float(p.budget) for p in points]),
        budgets_table(line, language),
        Table(heads, [[*plan.names, total_row(language)], *columns], total=True).groups(),
        gaps.index(min(gaps)),
    )


_ENDS = ("low", "high")


def what_if_page(found: WhatIf, language: str = "en") -> Page:
    """Return the page of what-ifs: cases side by side, and the split of each."""
    return Page(
        say("what-if-title", currency=found.plan.currency),
        _verdict_as_planned(found),
        [
            Section(say("page-caveats"), caveats(found.notes)),
            Section(
                say("page-cases"),
                [_outcomes(found, language), cases_table(found, language), *impossible(found)],
            ),
            Section(
                say("page-splits"),
                [
                    *splits_table(found, language).groups(),
                    *at_limits(found),
                    *same_splits(found),
                    *meanings(found),
                ],
            ),
        ],
        source_line(say("page-cases-count", count=len(found.answers))),
    )


def _verdict_as_planned(found: WhatIf) -> Message:
    """Return what the plan as it is brings, or why no split keeps its limits."""
    base = found.answers[0]
    if base.allocation is None:
        return say("case-impossible", case=base.name, why=base.problem)
    figure = as_known([base.outcome], range_width(base.allocation))[0]
    return say(
        "case-brings",
        case=base.name,
        spend=show(base.allocation.total),
        currency=found.plan.currency,
        outcome=say("outcome-figure", figure=figure, outcome=found.plan.outcome),
    )


def _outcomes(found: WhatIf, language: str) -> Bars:
    """Return the outcome of every case with its range, as bars."""
    labels = case_labels(len(found.answers))
    weeks = [answer.allocation for answer in found.answers]
    width = 0.0 if weeks[0] is None else range_width(weeks[0])
    texts = as_known([answer.outcome for answer in found.answers], width)
    rows = {}
    for label, answer, week, text in zip(labels, found.answers, weeks, texts, strict=True):
        spread = None if week is None else week.spread
        ends = (math.nan, math.nan) if spread is None else (spread.low, spread.high)
        name = f"{label} {in_language(answer.name, language)}"
        rows[name] = [Mark("only", answer.outcome, text or "-", *ends)]
    named = outcome_head(found.plan, language)
    return Bars(say("page-outcome-by-case", outcome=named), rows, {})


def years_page(years: Years, language: str = "en") -> Page:
    """Return the page of simulated years: what policies bring, how sure it is, week by week."""
    usual = years.usual
    means = {name: usual.mean("goal", name).mean for name in usual.policies}
    best = max(means, key=lambda name: means[name])
    outcome = outcome_texts(usual)[usual.policies.index(best)]
    verdict = say("verdict-years", policy=best, outcome=outcome, name=years.plan.outcome)
    called = {USUAL: say("page-as-usual"), STRUCK: say("page-with-scenarios")}
    broken = [say("full-stop", sentence=years.interrupted)] if years.interrupted else []
    return Page(
        say("years-title", plan=years.plan.name or "budgetopt"),
        verdict,
        [
            Section(say("page-caveats"), [*broken, *caveats(years_notes(years))]),
            Section(say("page-simulated"), [years_heading(years)]),
            *(
                Section(called[name], [*_world_charts(years, name, language), *parts])
                for name, parts in worlds(years, language).items()
            ),
        ],
        source_line(say("page-runs", runs=f"{usual.runs:,}", seed=usual.seed)),
    )


_BAND = (0.05, 0.95)


def _world_charts(years: Years, name: str, language: str) -> list[Bars | Lines]:
    """Return the outcome of a world by policy, and by policy and week."""
    world, named = years.worlds[name], outcome_head(years.plan, language)
    totals = [world.mean("outcome", policy).mean for policy in world.policies]
    rows = {
        policy: [Mark("only", mean, text, *world.quantiles("outcome", policy, chances=_BAND))]
        for policy, mean, text in zip(world.policies, totals, outcome_texts(world), strict=False)
    }
    series = []
    for policy in world.policies:
        low, high = world.quantiles("outcome", policy, chances=_BAND, weekly=True).tolist()
        means = world.by_week("outcome", policy).mean(axis=0).tolist()
        series.append(Series(policy, means, low, high))
    weeks = [str(number + 1) for number in range(world.weeks)]
    title = in_language(say("page-outcome-by-week", outcome=named), language)
    return [
        Bars(say("page-outcome-by-policy", outcome=named), rows, {}),
        Lines(title, in_language(say("week"), language), weeks, series),
    ]


def belief_page(belief: Belief, plan: Plan | None = None, language: str = "en") -> Page:
    """Return the page of a belief: every channel's curve with its band, and what it was made of."""
    notes = (*belief.notes, *(() if plan is None else unused(plan, "learn", belief)))
    named = say("outcome") if plan is None else outcome_head(plan, language)
    money = say("spend") if plan is None else say("spend-in", currency=plan.currency)
    meaning = say("page-curves-meaning", outcome=named, spend=money)
    tables = [part for pair in belief_tables(belief, plan=plan, language=language).items()
              for part in pair]  # fmt: skip
    return Page(
        say("belief-title"),
        belief.learned_from(),
        [
            Section(say("page-caveats"), [*caveats(notes), *belief_record(belief)]),
            Section(say("page-curves"), [meaning, _curves(belief, named, language)]),
            Section(say("page-known"), tables),
        ],
        source_line(say("page-history", fingerprint=belief.fingerprint[:12])),
    )


def _curves(belief: Belief, outcome: str, language: str) -> Grid:
    """Return the response of every channel along its spend, with the band that a belief has."""
    named, axis, charts = in_language(outcome, language), in_language(say("spend"), language), []
    for row in belief.summary():
        spends = [reading.spend for reading in row.curve]
        mean, low, high = (
            [getattr(reading.response, part) for reading in row.curve]
            for part in ("mean", "low", "high")
        )
        series = [Series(named, mean, low, high)]
        charts.append(Lines(row.channel, axis, figures(spends, 4), series, spends))
    return Grid(charts)
