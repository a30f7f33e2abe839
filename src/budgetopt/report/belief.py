"""What is believed of every channel: tables a planner can read, and facts as JSON and CSV."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from budgetopt.belief import Belief, ChannelSummary, Estimate, HeldOut, Reading, TotalFit
from budgetopt.i18n import Message, in_language, listed, say, show_figure
from budgetopt.plan import Plan, ReturnWords, is_valued, return_words, unused
from budgetopt.report.decision import outcome_head
from budgetopt.report.text import Table, as_known, figures, laid_out, note_lines

SCHEMA_VERSION = 1
LEVEL = 0.8
"""Chance inside the ranges."""
_HUGE = 1e8
"""From here on numbers have exponents, so that seven columns of them fit."""
_WEEKS = 8
"""Last weeks whose predictions are looked at."""


def belief_table(
    belief: Belief, level: float = LEVEL, plan: Plan | None = None, language: str = "en"
) -> str:
    """Return a belief as text: three tables with one line a channel, its record, and the notes.

    The tables are the outcome at the usual spend and what a unit of money brings there; what the
    next one brings and where the curve saturates; and what all this was learned from.

    Parameters
    ----------
    belief
        The belief.
    level
        Chance inside the ranges, between 0 and 1.
    plan
        Says what the outcome is and is worth, so whether ROAS or CPA is spoken of; None where
        that is not known.
    language
        ``"en"`` or ``"zh"``, with the same numbers.
    """
    tables = iter(belief_tables(belief, level, plan, language).items())
    parts = [part for title, table in tables for part in ("", title, table)]
    notes = (*belief.notes, *(() if plan is None else unused(plan, "learn", belief)))
    every = (belief.learned_from(), *parts, *belief_record(belief, level), *note_lines(notes))
    return laid_out(every, language)


def belief_tables(
    belief: Belief, level: float = LEVEL, plan: Plan | None = None, language: str = "en"
) -> dict[str, Table]:
    """Return the three tables of `belief_table` by the sentences that stand over them."""
    rows = belief.summary(level)
    words, worth = _returns(plan, rows)
    names = [row.channel for row in rows]
    outcome = say("outcome") if plan is None else outcome_head(plan, language)
    readings = [_reading(row) for row in rows]
    marginal = say("belief-marginal-costs") if words.inverse else say("belief-marginal-returns")
    return {
        _at_usual(belief, rows, level): _table(
            names,
            {say("spend"): _few([r.spend for r in readings])}
            | _ranged(outcome, [r.response for r in readings], 4)
            | _ranged(words.average, _worth([r.roas for r in readings], worth, words), 3),
            language,
        ),
        marginal: _table(
            names,
            _ranged(words.marginal, _worth([r.mroas for r in readings], worth, words), 3)
            | _ranged(say("half-at"), [row.saturation for row in rows], 3)
            | {say("s-shape"): [f"{row.s_shaped:.0%}" for row in rows]},
            language,
        ),
        _evidence_columns(belief, rows): _table(
            names, _evidence(rows), language, words=say("last-change")
        ),
    }


def belief_facts(belief: Belief, level: float = LEVEL) -> dict[str, Any]:
    """Return what `belief_table` tells as plain data, with curves and treated weeks as well."""
    weeks, calibration = belief.log.weeks, belief.calibration(_WEEKS, level)
    known = belief.log.through[~np.isnat(belief.log.through)]
    mean, sd = belief.week_effect
    return {
        "schema_version": SCHEMA_VERSION,
        "source": belief.source,
        "weeks": len(weeks),
        "first": str(weeks[0]),
        "last": str(weeks[-1]),
        "through": str(known.max()) if known.size else None,
        "history": belief.fingerprint,
        "level": level,
        "reference": belief.reference,
        "calibration": {"weeks": _WEEKS, **asdict(calibration)},
        "week_effect": {"mean": mean, "sd": sd},
        "fit": None if belief.fit is None else _fit_facts(belief.fit, level),
        "held_out": _held_out_facts(belief.held_out(level)),
        "channels": [_plain(row) for row in belief.summary(level)],
        "treated": [
            one._asdict() | {"weeks": [str(week) for week in one.weeks]} for one in belief.treated
        ],
        "notes": list(belief.notes),
    }


def _fit_facts(fit: TotalFit, level: float) -> dict[str, Any]:
    """Return how well one total's model fits as plain data, with what is the baseline's."""
    odd = [{"week": str(week), "miss": miss} for week, miss in fit.odd]
    low, high = fit.media_range(level)
    facts = asdict(fit) | {"odd": odd, "media_low": low, "media_high": high}
    facts["carryover"] = dict(fit.carryover)
    facts["shifts"] = [{"week": str(w), "size": x, "chance": p} for w, x, p in fit.shifts]
    del facts["shares"]
    baseline = {"baseline": 1.0 - fit.media, "baseline_low": 1.0 - high, "baseline_high": 1.0 - low}
    return facts | baseline


def _held_out_facts(held: HeldOut | None) -> dict[str, Any] | None:
    """Return how the last quarter was predicted as plain data."""
    if held is None:
        return None
    weeks = [str(week) for week in held.weeks]
    return asdict(held) | {"weeks": weeks, "inside": held.inside, "error": held.error}


def belief_json(belief: Belief, level: float = LEVEL, *, plan: Plan | None = None) -> str:
    """Return `belief_facts` as JSON text; of a plan whose outcome is a count, CPA for ROAS."""
    facts = belief_facts(belief, level)
    if plan is not None and return_words(plan).inverse:
        facts["channels"] = [_as_costs(row) for row in facts["channels"]]
    return json.dumps(facts, ensure_ascii=False, indent=2, allow_nan=False)


_COSTS = {"roas": "cpa", "mroas": "marginal_cpa"}
"""What the return of a count is called, by that of money."""


def _as_costs(row: Any) -> Any:
    """Return plain data of a channel with what an outcome costs in place of what money brings.

    The low end of a cost is the high one of the return.
    """
    if not isinstance(row, dict):
        return row
    found = {}
    for name, value in row.items():
        if name in _COSTS and isinstance(value, dict):
            ends = {"mean": "mean", "low": "high", "high": "low"}
            found[_COSTS[name]] = {end: _inverse(value[other]) for end, other in ends.items()}
        else:
            found[name] = _as_costs(value)
    return found


def _inverse(value: float | None) -> float | None:
    return 1 / value if value else None


def _flat_costs(row: dict[str, Any]) -> dict[str, Any]:
    """Return the same of a flat row."""
    found = {}
    for name, value in row.items():
        base, _, end = name.partition("_")
        if base not in _COSTS:
            found[name] = value
            continue
        turned = {"": base, "low": f"{base}_high", "high": f"{base}_low"}[end]
        found["_".join(filter(None, (_COSTS[base], end)))] = _inverse(row[turned])
    return found


def belief_rows(
    belief: Belief, level: float = LEVEL, *, plan: Plan | None = None
) -> list[dict[str, Any]]:
    """Return one row a channel as plain data; what is not known is None.

    Response, ROAS and mROAS (for a count, CPA and marginal CPA) are those at ``spend``: the usual
    one, or the equal share where the channel never spent and ``spend_low`` and ``spend_high`` are
    None.
    """
    rows = [row.flat() for row in belief.summary(level)]
    counted = plan is not None and return_words(plan).inverse
    return [_flat_costs(row) for row in rows] if counted else rows


def _returns(
    plan: Plan | None, rows: Sequence[ChannelSummary]
) -> tuple[ReturnWords, Sequence[float]]:
    """Return how the return on money is called, and what an outcome of each channel counts for."""
    alike = [1.0] * len(rows)
    if plan is None:
        return ReturnWords(say("per-unit", unit="unit"), say("next-unit", unit="unit")), alike
    words = return_words(plan, valued=False)
    if words.average == "ROAS" or not is_valued(plan):
        return words, alike
    value = dict(zip(plan.names, plan.values.tolist(), strict=True))
    return return_words(plan), [value.get(row.channel, math.nan) for row in rows]


def _worth(found: Sequence[Estimate], worth: Sequence[float], words: ReturnWords) -> list[Estimate]:
    """Return what money brings at its worth, or turned into the cost of one outcome.

    The cost at the mean is money over the mean outcome, as every ratio is one of totals.
    """
    if not words.inverse:
        return [
            Estimate(w * one.mean, w * one.low, w * one.high)
            for one, w in zip(found, worth, strict=True)
        ]

    def cost(brought: float) -> float:
        return 1 / brought if brought > 0 else math.nan

    return [Estimate(cost(one.mean), cost(one.high), cost(one.low)) for one in found]


def _reading(row: ChannelSummary) -> Reading:
    """Return what the usual spend brings, or the equal share where there was no spend."""
    return row.at_reference if row.at_usual is None else row.at_usual


def _at_usual(belief: Belief, rows: Sequence[ChannelSummary], level: float) -> Message:
    usual = say("usual-is-mean")
    if any(row.at_usual is None for row in rows):
        usual = say("usual-is-mean-or-share", share=show_figure(belief.reference, 4))
    return say("belief-at-usual", usual=usual, level=_exactly(level))


def _evidence_columns(belief: Belief, rows: Sequence[ChannelSummary]) -> Message:
    moves = say("evidence-moves") if belief.source == "channel" else ""
    jump = say("evidence-jump") if any(row.change for row in rows) else ""
    return say("evidence-columns", moves=moves, jump=jump)


def _evidence(rows: Sequence[ChannelSummary]) -> dict[str, list[str]]:
    least, most = ([_number(s) for s in ends] for ends in zip(*map(_seen, rows), strict=True))
    spends = _few([*least, *most])
    return {
        say("data-share"): [f"{row.data_share:.0%}" for row in rows],
        say("least"): spends[: len(rows)],
        say("most"): spends[len(rows) :],
        say("drift"): [_percent(row.drift) for row in rows],
        say("noise"): [_percent(row.noise) for row in rows],
        say("last-change"): [
            "" if row.change is None else f"{row.change.week} {row.change.chance:.0%}"
            for row in rows
        ],
    }


def _seen(row: ChannelSummary) -> tuple[float | None, float | None]:
    return row.spend_low, row.spend_high


def belief_record(belief: Belief, level: float = LEVEL) -> list[Message]:
    """Return in a sentence how well the weeks were predicted, or how one total's model fits."""
    if belief.fit is not None:
        fit = belief.fit
        shares = {name: f"{getattr(fit, name):.0%}" for name in ("explained", "media", "noise")}
        low, high = fit.media_range(level)
        ends = {"low": low, "high": high, "baseline": 1.0 - fit.media}
        ends |= {"least": 1.0 - high, "most": 1.0 - low}
        shares |= {name: f"{end:.0%}" for name, end in ends.items()}
        said = [say("total-fit", **shares, serial=f"{fit.serial:.2f}", level=_exactly(level))]
        if fit.carryover:
            each = [say("total-carried", channel=n, share=f"{x:.2f}") for n, x in fit.carryover]
            usual = float(np.mean(belief.settings.total_carryover))
            said.append(say("total-carryover", channels=listed(each), usual=f"{usual:.2f}"))
        quarter = belief.held_out(level)
        if quarter is not None:
            counts = {"weeks": len(quarter.weeks), "inside": quarter.inside}
            error, stated = f"{quarter.error:.0%}", _exactly(level)
            said.append(say("total-held-out", **counts, error=error, level=stated))
        return said
    held = belief.calibration(_WEEKS, level)
    if held.covered is None:
        return []
    weeks = min(_WEEKS, len(belief.log.weeks))
    return [
        say(
            "belief-record",
            outcomes=held.outcomes,
            last=say("last-week") if weeks == 1 else say("last-weeks", count=weeks),
            inside=held.inside,
            share=f"{held.covered:.0%}",
            level=_exactly(level),
        )
    ]


def _table(
    names: Sequence[str],
    columns: Mapping[Any, Sequence[str]],
    language: str,
    words: str = "",
) -> Table:
    # A range's ends are keyed by what they are of, and all are headed alike.
    heads = [head if isinstance(head, str) else head[-1] for head in columns]
    headings = [in_language(head, language) for head in (say("channel"), *heads)]
    return Table(headings, [names, *columns.values()], in_language(words, language))


def _ranged(heading: str, values: Sequence[Estimate], digits: int) -> dict[Any, list[str]]:
    """Return three columns with the same digits after the point: mean, low and high.

    Of the narrowest range two digits are shown, which is all that is known, and no more than
    `digits` of the largest number.
    """
    count = len(values)
    parts = ([getattr(v, part) for v in values] for part in ("mean", "low", "high"))
    every = [value for part in parts for value in part]
    widths = [v.high - v.low for v in values if 0 < v.high - v.low < math.inf]
    usual = 1e-3 <= max(map(abs, filter(math.isfinite, every)), default=0.0) < _HUGE
    width = min(widths) if usual and widths else 0.0
    texts = as_known(every, width, digits) if width else figures(every, digits, _HUGE)
    keys = (heading, (heading, say("low")), (heading, say("high")))
    return {key: texts[at * count : (at + 1) * count] for at, key in enumerate(keys)}


def _few(values: Sequence[float]) -> list[str]:
    return figures(values, 4, _HUGE)


def _number(value: float | None) -> float:
    return math.nan if value is None else value


def _exactly(chance: float) -> str:
    return f"{show_figure(100 * chance, 3)}%"


def _percent(estimate: Estimate | None) -> str:
    return "" if estimate is None else f"{estimate.mean:.1%}"


def _plain(row: ChannelSummary) -> dict[str, Any]:
    data = asdict(row)
    if row.change is not None:
        data["change"] = {"week": str(row.change.week), "chance": row.change.chance}
    return data
