"""Simulated years and what-ifs for a planner, as text, JSON and CSV.

First what policies bring, with and without what may happen; then base and cases of a what-if side
by side, and the new split of each.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from budgetopt.i18n import Message, in_language, joined, listed, quoted, say, show_figure
from budgetopt.market import Outage, Relative, Scenario
from budgetopt.messages import linked
from budgetopt.money import show_amount
from budgetopt.notebook import brief
from budgetopt.plan import Plan, kind_of, return_words
from budgetopt.report.decision import outcome_head, range_width, ranges, total_row
from budgetopt.report.ledger import as_json, clauses
from budgetopt.report.text import Table, amounts, as_known, figures, laid_out, note_lines
from budgetopt.simulation import Contingency, Difference, Simulation, WhatIf

if TYPE_CHECKING:
    import pandas as pd

SCHEMA_VERSION = 1
USUAL, STRUCK = "as usual", "with scenarios"
"""How the two worlds are called in tables for programs."""
_DIGITS = 4
_HUGE = 1e8
"""From here on numbers have exponents, so that six columns of them fit."""
_MORE = {
    "outcome": "more-outcome-than",
    "weights": "more-weighted-than",
    "profit": "more-profit-than",
    # The goal is minus the money, so that more of it is less money.
    "least-spend": "less-money-than",
}
"""What stands over the differences, by the goal."""
_OF_MONEY = ("value", "profit", "roas", "chance_of_loss")
"""Measures that say nothing of a count whose worth is not known."""
_MARK = "*"
"""What stands behind an amount at a limit."""
_NAMED = 3
"""Channels at a limit that one sentence names."""


@brief
@dataclass(frozen=True)
class Years:
    """The same simulated years without scenarios, and with them.

    Parameters
    ----------
    plan
        What was simulated.
    truth
        A sentence on where the true curves come from.
    usual
        Without scenarios.
    struck
        With them; None where none was asked for, or it was broken off before.
    scenarios, contingencies
        What happens in `struck`, and what the plan answers.
    target
        Outcome of all weeks to reach; None where there is none.
    notes
        What a reader should know beside the simulations' own notes.
    """

    plan: Plan
    truth: str
    usual: Simulation
    struck: Simulation | None = None
    scenarios: tuple[Scenario, ...] = ()
    contingencies: tuple[Contingency, ...] = ()
    target: float | None = None
    notes: tuple[str, ...] = ()

    @property
    def worlds(self) -> dict[str, Simulation]:
        """The simulations that there are, by the name of their world."""
        return {USUAL: self.usual} | ({} if self.struck is None else {STRUCK: self.struck})

    @property
    def interrupted(self) -> str:
        """How far it came where it was broken off, else nothing."""
        for name, world in self.worlds.items():
            if world.interrupted:
                return _broken_off(world.runs, world.asked, name if self.scenarios else "")
        if self.scenarios and self.struck is None:
            return _broken_off(0, self.usual.asked, STRUCK)
        return ""


def _broken_off(runs: int, asked: int, world: str) -> Message:
    counts = {"runs": f"{runs:,}", "asked": f"{asked:,}"}
    if not world:
        return say("interrupted-runs", **counts)
    return say("interrupted-usual" if world == USUAL else "interrupted-struck", **counts)


def years_table(years: Years, language: str = "en") -> str:
    """Return simulated years as text: what policies bring, how sure it is, and what it costs.

    Parameters
    ----------
    years
        What was simulated.
    language
        ``"en"`` or ``"zh"``, with the same numbers.
    """
    lines: list[str | Table] = []
    if years.interrupted:
        lines.append(in_language(years.interrupted, language).upper())
    lines += [years_heading(years), ""]
    for name, parts in worlds(years, language).items():
        lines += parts if name == USUAL else ["", *parts]
    return laid_out([*lines, *note_lines(years_notes(years))], language)


def years_notes(years: Years) -> list[str]:
    """Return what a reader should know of simulated years, each note once."""
    notes = dict.fromkeys(n for world in years.worlds.values() for n in world.notes)
    return [*years.notes, *notes]


def worlds(years: Years, language: str = "en") -> dict[str, list[str | Table]]:
    """Return the sentences and tables of each world, by its name."""
    usual, struck = years.usual, years.struck
    title = say("years-as-usual") if years.scenarios else ""
    found = {USUAL: _world(years, title, usual, language, columns=say("years-columns"))}
    if struck is not None:
        parts = _world(years, _happening(years), struck, language)
        found[STRUCK] = [*parts, "", *_costs(usual, struck, language)]
    return found


def years_json(years: Years) -> str:
    """Return simulated years as JSON: every figure of the table, and what was asked."""
    usual, struck = years.usual, years.struck
    first = usual.policies[0]
    data: dict[str, Any] = {
        "schema": SCHEMA_VERSION,
        "plan": years.plan.name,
        "status": years.interrupted or "complete",
        "truth": years.truth,
        "scenarios": [_assumed(s) for s in years.scenarios],
        "contingencies": [one.to_dict() for one in years.contingencies],
        "target": years.target,
        "notes": list(years.notes),
        "worlds": {name: _plain_world(world, years) for name, world in years.worlds.items()},
        "differences": [
            {"world": name, "policy": policy, "less": first}
            | _plain_difference(world.difference(policy, first, measure="goal"))
            | _plain_parts(world, policy)
            for name, world in years.worlds.items()
            for policy in world.policies[1:]
        ],
        "costs": [] if struck is None else [
            {"policy": policy} | _plain_difference(struck.difference(policy, world=usual))
            for policy in usual.policies
        ],
    }  # fmt: skip
    return json.dumps(data, ensure_ascii=False, indent=2, allow_nan=False)


def years_frame(years: Years, by: str) -> pd.DataFrame:
    """Return the tables of all worlds below each other, each with the runs that were done.

    Parameters
    ----------
    years
        What was simulated.
    by
        ``"run"``, ``"week"`` or ``"channel"``, as in `Simulation.to_frame`.
    """
    import pandas as pd

    parts = []
    for name, world in years.worlds.items():
        frame = world.to_frame(by)
        frame.insert(0, "world", name)
        frame.insert(1, "runs", world.runs)
        frame.insert(2, "asked", world.asked)
        parts.append(frame)
    every = pd.concat(parts, ignore_index=True)
    return every.drop(columns=_unsaid(years.plan), errors="ignore")


def years_heading(years: Years) -> Message:
    """Return what was simulated in a sentence."""
    usual, plan = years.usual, years.plan
    return say(
        "years-heading",
        runs=say("one-run") if usual.runs == 1 else say("count-runs", count=f"{usual.runs:,}"),
        weeks=say("one-week") if usual.weeks == 1 else say("count-weeks", count=usual.weeks),
        seed=usual.seed,
        spendable=show_amount(plan.spendable),
        currency=plan.currency,
        held=show_amount(plan.held),
        truth=years.truth,
    )


def _world(
    years: Years, title: str, world: Simulation, language: str, columns: str = ""
) -> list[str | Table]:
    """Return the lines of one world: what each policy brings, and how much more than the first."""
    lines: list[str | Table] = [title] if title else []
    lines.append(_outcomes(years, world, language))
    lines += [columns] if columns else []
    lines += ["", _chances(years, world, language)]
    if world.target is not None:
        lines += ["", *_on_target(world, language)]
    if len(world.policies) > 1:
        first, goal = world.policies[0], world.goal
        found = {name: world.difference(name, first, measure="goal") for name in world.policies[1:]}
        head = say(_MORE[goal], outcome=years.plan.outcome, policy=first)
        heading = say("less") if goal == "least-spend" else say("more")
        lines += ["", head, _differences(found, heading, language)]
        lines += [] if goal == "least-spend" else _parts(world, language)
    return lines


def _rows(
    names: Sequence[str], columns: Mapping[str, Sequence[str]], language: str, first: str = ""
) -> Table:
    """Return a table of policies."""
    heads = (first or say("policy"), *columns)
    headings = [in_language(head, language).strip() for head in heads]
    return Table(headings, (list(names), *columns.values()))


def _on_target(world: Simulation, language: str) -> list[str | Table]:
    """Return what weeks cost that reach the target, and how often policies miss it."""
    names = world.policies
    found = [world.on_target(name) for name in names]
    columns: dict[str, list[str]] = {
        say("spend"): _amounts([one.spend for one in found]),
        say("missed"): [_share(one.missed) for one in found],
        say("short-by"): _amounts([one.short if one.missed else math.nan for one in found]),
    }
    head = say("years-on-target", target=show_figure(world.target or 0.0))
    return [head, _rows(names, columns, language)]


def _parts(world: Simulation, language: str) -> list[str | Table]:
    """Return how much of each difference is due to other money, and how much to the split."""
    first = world.policies[0]
    found = {name: parts for name in world.policies[1:] if (parts := world.parts(name)) is not None}
    if not found:
        return []
    head = say("years-parts", policy=first)
    spends = [world.mean("spend", name).mean - world.mean("spend", first).mean for name in found]
    by_money, by_split = zip(*found.values(), strict=True)
    columns: dict[str, list[str]] = {
        say("money"): _amounts(spends),
        say("by-money"): _known([part.mean for part in by_money], _widest(by_money)),
        "± ": [_half(_width(part)) for part in by_money],
        say("by-split"): _known([part.mean for part in by_split], _widest(by_split)),
        "±": [_half(_width(part)) for part in by_split],
    }
    return ["", head, _rows(list(found), columns, language)]


def _width(part: Difference) -> float:
    """Return half the width of a difference's interval."""
    return 0.5 * (part.high - part.low)


def _widest(parts: Sequence[Difference]) -> float:
    """Return the greatest width of an interval, 0 where a single run has none."""
    widths = [2 * _width(part) for part in parts]
    return max(filter(math.isfinite, widths), default=0.0)


def outcome_texts(world: Simulation) -> list[str]:
    """Return the outcome of each policy as it is written: first all means, then 5 %, then 95 %."""
    means = [world.mean("outcome", name) for name in world.policies]
    bands = [world.quantiles("outcome", name, chances=(0.05, 0.95)) for name in world.policies]
    three = [m.mean for m in means], [b[0] for b in bands], [b[1] for b in bands]
    half = max((mean.half for mean in means if math.isfinite(mean.half)), default=0.0)
    return _known([v for part in three for v in part], 2 * half)


def _outcomes(years: Years, world: Simulation, language: str) -> Table:
    """Return the table of what each policy brings and spends."""
    names, shown = world.policies, outcome_texts(world)
    means = [world.mean("outcome", name) for name in names]
    columns = {years.plan.outcome: shown[: len(names)]}
    if world.goal in ("weights", "profit"):
        goal = say("by-weights") if world.goal == "weights" else say("profit")
        columns |= {goal: _amounts([world.mean("goal", name).mean for name in names])}
    columns["±"] = [_half(mean.half) for mean in means]
    columns |= {"5%": shown[len(names) : 2 * len(names)], "95%": shown[2 * len(names) :]}
    columns[say("spend")] = _amounts([world.mean("spend", name).mean for name in names])
    heading, measure = _return(years.plan)
    columns[heading] = figures([world.mean(measure, name).mean for name in names], 3)
    return _rows(names, columns, language)


def _chances(years: Years, world: Simulation, language: str) -> str | Table:
    """Return the table of what may happen to each policy, or say that none of it does."""
    names, target = world.policies, years.target
    chances = {say("overspend"): [world.chance_of_overspend(name).mean for name in names]}
    if kind_of(years.plan) == "money":
        chances[say("loss")] = [world.chance_of_loss(name).mean for name in names]
    if target is None and not any(map(any, chances.values())):
        return say("chances-none", what=linked("either-or", tuple(chances)))
    if target is not None:
        chances[say("target")] = [world.chance(policy=n, at_least=target).mean for n in names]
    columns: dict[str, list[str]] = {h: list(map(_share, each)) for h, each in chances.items()}
    return _rows(names, columns, language, say("chance-of"))


def _half(half: float) -> str:
    if not math.isfinite(half):
        return ""
    return show_figure(half, 2) if half < _HUGE else f"{half:.2g}"


def _known(values: Sequence[float], width: float) -> list[str]:
    """Return numbers to the digits that the width of an interval leaves known."""
    largest = max((abs(v) for v in values if math.isfinite(v)), default=0.0)
    return as_known(values, width, _DIGITS) if largest < _HUGE else _amounts(values)


def _amounts(values: Sequence[float]) -> list[str]:
    return figures(values, _DIGITS, _HUGE)


def _differences(found: dict[str, Difference], heading: str, language: str) -> Table:
    better = [_share(d.share_better) for d in found.values()]
    heads = (heading, say("low"), say("high"))
    columns = dict(zip(heads, _ranges(list(found.values())), strict=True)) | {say("better"): better}
    return _rows(list(found), columns, language)


def _costs(usual: Simulation, struck: Simulation, language: str) -> list[str | Table]:
    """Return what the scenarios cost each policy, run by run."""
    found = {name: struck.difference(name, world=usual) for name in usual.policies}
    shares = [f"{d.mean / m:+.1%}" if (m := usual.mean("outcome", name).mean) else ""
              for name, d in found.items()]  # fmt: skip
    heads: tuple[str, ...] = (say("change"), say("low"), say("high"))
    columns = dict(zip(heads, _ranges(list(found.values())), strict=True)) | {say("share"): shares}
    return [say("years-costs"), _rows(list(found), columns, language)]


def _ranges(found: Sequence[Difference]) -> Iterator[list[str]]:
    """Yield the columns of means, lows and highs; a single run has no interval."""
    parts = [[getattr(d, part) for d in found] for part in ("mean", "low", "high")]
    finite = [v if math.isfinite(v) else math.nan for part in parts for v in part]
    texts, count = _known(finite, _widest(found)), len(found)
    for at in range(3):
        yield texts[at * count : (at + 1) * count]


def _happening(years: Years) -> Message:
    """Say what happens, when, and what the plan answers."""
    answers = []
    for one in years.contingencies:
        does: list[str] = []
        if one.release:
            does.append(say("contingency-share-released", share=_share(one.release)))
        if len(one.pause) == 1:
            does.append(say("channel-paused", channel=one.pause[0]))
        elif one.pause:
            does.append(say("channels-paused", channels=one.pause))
        does += [
            say("channel-may-get", channel=name, money=show_figure(money))
            for name, money in one.spare
        ]
        if does:
            after = say("one-week") if one.after == 1 else say("count-weeks", count=one.after)
            what = {"scenario": one.scenario, "after": after, "does": joined(does)}
            answers.append(say("contingency-answers", **what))
    happens = clauses(tuple(map(_in_words, years.scenarios)))
    if not answers:
        return say("years-with", happens=happens)
    return say("years-with-answers", happens=happens, answers=clauses(answers))


def _assumed(scenario: Scenario) -> dict[str, Any]:
    """Return a scenario as data, with the settings that nobody gave."""
    own = {f.name: getattr(scenario, f.name) for f in scenario.settings()}
    sizes = {k: str(v) if isinstance(v, Relative) else v for k, v in own.items()}
    return {"name": scenario.name} | scenario.to_dict() | sizes


def _in_words(scenario: Scenario) -> Message:
    dated = not isinstance(scenario.start, int)
    start = str(scenario.start) if dated else say("week-number", number=scenario.start)
    when = say("from-time", start=start)
    if isinstance(scenario, Outage):
        days = show_figure(scenario.days)
        when = say(
            "days-from-time" if scenario.days != 1 else "day-from-time", days=days, start=start
        )
    elif scenario.end is not None:
        when = say("from-time-to", start=start, end=str(scenario.end))
    where = say("in-channels", channels=scenario.channels) if scenario.channels else ""
    # The size last: defaults are assumptions too, and a name does not say them.
    assumed = scenario.assumptions()
    size = say("scenario-size", assumed=tuple(assumed)) if assumed else ""
    often = ""
    if scenario.chance < 1:
        often = say("in-share-of-runs", share=_share(scenario.chance))
    parts = {"when": when, "where": where, "often": often, "size": size}
    return say("scenario-happens", name=scenario.name, **parts)


def _share(share: float) -> str:
    """Return a share in percent; what is neither never nor always is not rounded to it."""
    if 0 < share < 0.005:
        return "<1%"
    return ">99%" if 0.995 <= share < 1 else f"{share:.0%}"


def _return(plan: Plan) -> tuple[str, str]:
    """Return how a plan's return on money is called, and its measure."""
    words = return_words(plan)
    return words.average, "cpa" if words.inverse else "roas"


def _unsaid(plan: Plan) -> list[str]:
    """Return the measures that are not said of a plan's outcome."""
    return list(_OF_MONEY) if kind_of(plan) == "count" else []


def _plain_world(world: Simulation, years: Years) -> dict[str, Any]:
    data = world.to_dict()
    for plain in data["policies"].values():
        for name in _unsaid(years.plan):
            plain.pop(name, None)
    if years.target is not None:
        for name, plain in data["policies"].items():
            plain["chance_of_target"] = world.chance(policy=name, at_least=years.target).mean
    return data


def _plain_parts(world: Simulation, policy: str) -> dict[str, Any]:
    """Return the two parts of a difference, None where the money is the same."""
    parts = world.parts(policy)
    each = (None, None) if parts is None else tuple(map(_plain_difference, parts))
    return dict(zip(("by_money", "by_split"), each, strict=True))


def _plain_difference(found: Difference) -> dict[str, Any]:
    return {k: v if math.isfinite(v) else None for k, v in found._asdict().items()}


def what_if_table(found: WhatIf, language: str = "en") -> str:
    """Return what-ifs as text: one line a case, one a channel, and what a reader should know.

    Parameters
    ----------
    found
        The answers.
    language
        ``"en"`` or ``"zh"``, with the same numbers.
    """
    title = say("what-if-title", currency=found.plan.currency)
    parts: list[str | Table] = [title, cases_table(found, language), *impossible(found)]
    for table in splits_table(found, language).groups():
        parts += ["", table]
    below = [*at_limits(found), *same_splits(found), *meanings(found)]
    return laid_out([*parts, "", *below, *note_lines(found.notes)], language)


def impossible(found: WhatIf) -> list[str]:
    """Return in a sentence a case why it has no answer, for those that have none."""
    return [
        say("case-impossible", case=answer.name, why=answer.problem)
        for answer in found.answers
        if answer.problem
    ]


def meanings(found: WhatIf) -> list[str]:
    """Return in sentences what the figures of what-ifs mean."""
    meaning = say("what-if-meaning-by-goal") if found.by_worth else say("what-if-meaning")
    ranged = bool(_case_ranges(found)[0]) and not found.plan.goal.weights
    return [meaning, *([say("range-meaning")] if ranged else [])]


def at_limits(found: WhatIf) -> list[str]:
    """Return in a sentence what the mark of amounts means, naming the limits that are met."""
    weeks = [answer.allocation for answer in found.answers if answer.allocation is not None]
    met = {str(limit): limit for week in weeks for _, limit in week.limits()}
    return [say("marked-at-limit", limits=listed(met.values()))] if met else []


def same_splits(found: WhatIf) -> list[str]:
    """Return in a sentence a case that its split is the one planned, and what holds it there."""
    base, said = found.answers[0].allocation, list[str]()
    labels = case_labels(len(found.answers))
    for label, answer in zip(labels[1:], found.answers[1:], strict=True):
        week = answer.allocation
        if base is None or week is None or week.spend != base.spend:
            continue
        held: dict[Message, list[str]] = {}
        for name, limit in week.limits():
            held.setdefault(limit, []).append(quoted(name))
        stops = [
            say("channels-at-limit", channels=listed(names, _NAMED), limit=limit)
            for limit, names in held.items()
        ]
        same = {"case": label, "base": labels[0]}
        said.append(
            say("same-split-held", **same, stops=listed(stops))
            if stops
            else say("same-split", **same)
        )
    return said


def what_if_json(found: WhatIf) -> str:
    """Return what-ifs as JSON."""
    return as_json(found.to_dict())


def case_labels(count: int) -> list[str]:
    """Return short names of cases for the heads of columns: A, B, and so on, then A1.

    Examples
    --------
    >>> case_labels(3)
    ['A', 'B', 'C']
    """
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
    return [f"{letters[at % 26]}{at // 26 or ''}" for at in range(count)]


def cases_table(found: WhatIf, language: str = "en") -> Table:
    """Return one row a case: spend, outcome with its range, the change, and the return.

    Where the goal weighs several outcomes, each of them and their sum by weights.
    """
    base, before = found.answers[0], found.worth(found.answers[0])
    outcomes, width = [answer.outcome for answer in found.answers], _case_width(found)
    shares = [
        found.worth(a) / before - 1 if before > 0 and a is not base else math.nan
        for a in found.answers
    ]
    brings: dict[str, list[str]] = {
        outcome_head(found.plan, language): as_known(outcomes, width),
        say("range-of-90"): _case_ranges(found),
    }
    returns: dict[str, list[str]] = {}
    if found.plan.goal.weights:
        each = [found.kinds(answer) for answer in found.answers]
        brings = {name: figures([kinds[name] for kinds in each]) for name in each[0]}
    else:
        average = return_words(found.plan).average
        returns[average] = figures([found.returns(a)[average] for a in found.answers], 3)
    change = say("change-by-goal" if found.by_worth else "change")
    heads = [say("case"), say("spend"), *brings, change, *returns]
    labels = case_labels(len(found.answers))
    named = [in_language(answer.name, language) for answer in found.answers]
    columns = (
        [f"{label} {name}" for label, name in zip(labels, named, strict=True)],
        amounts([None if a.allocation is None else a.allocation.total for a in found.answers]),
        *brings.values(),
        ["" if math.isnan(share) else f"{share:+z.1%}" for share in shares],
        *returns.values(),
    )
    return Table([in_language(head, language) for head in heads], columns)


def _case_width(found: WhatIf) -> float:
    """Return how far apart the ends of the plan's range are, 0 where it has none."""
    week = found.answers[0].allocation
    return 0.0 if week is None else range_width(week)


def _case_ranges(found: WhatIf) -> list[str]:
    weeks = [answer.allocation for answer in found.answers]
    return ranges([None if week is None else week.spread for week in weeks], _case_width(found))


def splits_table(found: WhatIf, language: str = "en") -> Table:
    """Return one row a channel: the money that it gets in each case, marked where at a limit."""
    labels = case_labels(len(found.answers))
    names, weeks = found.plan.names, [answer.allocation for answer in found.answers]
    columns: list[list[Decimal | None]] = [
        [None] * (len(names) + 1) if w is None else [*(w.spend[n] for n in names), w.total]
        for w in weeks
    ]
    heads, rows = [in_language(say("channel"), language), *labels], [*names, ""]
    rows[-1] = total_row(language)
    held = [set() if w is None else {name for name, _ in w.limits()} for w in weeks]
    texts = [
        [f"{cell or '-'}{_MARK * (name in met)}" for name, cell in zip(rows, cells, strict=True)]
        for cells, met in zip(map(amounts, columns), held, strict=True)
    ]
    return Table(heads, (rows, *texts), total=True)
