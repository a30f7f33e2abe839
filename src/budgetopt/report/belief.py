"""What is believed of every channel: tables a planner can read, and facts as JSON and CSV."""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from budgetopt.belief import Belief, ChannelSummary, Estimate, Reading
from budgetopt.figures import show_figure
from budgetopt.report.layout import figures, noted, sentences, table

SCHEMA_VERSION = 1
LEVEL = 0.8
"""Chance inside the ranges."""
_HUGE = 1e8
"""From here on numbers have exponents, so that seven columns of them fit."""
_WEEKS = 8
"""Last weeks whose predictions are looked at."""


def belief_table(belief: Belief, level: float = LEVEL) -> str:
    """Return a belief as text: three tables with one line a channel, its record, and the notes.

    The tables are the outcome and ROAS at the usual spend; what the next unit of money brings
    there and where the curve saturates; and what all this was learned from.

    Parameters
    ----------
    belief
        The belief.
    level
        Chance inside the ranges, between 0 and 1.
    """
    rows = belief.summary(level)
    names = [row.channel for row in rows]
    readings = [_reading(row) for row in rows]
    parts = [
        sentences(_learned_from(belief)),
        "",
        sentences(_at_usual(belief, rows, level)),
        _table(
            names,
            {"spend": _few([r.spend for r in readings])}
            | _ranged("outcome", [r.response for r in readings], 4)
            | _ranged("ROAS", [r.roas for r in readings], 3),
        ),
        "",
        sentences(
            "What the next unit of money brings there, the money a week at which half of the "
            "most is reached, and the chance that the curve is S-shaped:"
        ),
        _table(
            names,
            _ranged("mROAS", [r.mroas for r in readings], 3)
            | _ranged("half at", [row.saturation for row in rows], 3)
            | {"S-shape": [f"{row.s_shaped:.0%}" for row in rows]},
        ),
        "",
        sentences(_told(belief, rows)),
        _table(names, _evidence(rows), words="last change"),
        *_record(belief, level),
        *noted(belief.notes),
    ]
    return "\n".join(parts)


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
        "channels": [_plain(row) for row in belief.summary(level)],
        "treated": [
            one._asdict() | {"weeks": [str(week) for week in one.weeks]} for one in belief.treated
        ],
        "notes": list(belief.notes),
    }


def belief_json(belief: Belief, level: float = LEVEL) -> str:
    """Return `belief_facts` as JSON text."""
    return json.dumps(belief_facts(belief, level), ensure_ascii=False, indent=2, allow_nan=False)


def belief_csv(belief: Belief, level: float = LEVEL) -> str:
    """Return one row a channel; what is not known is empty.

    Response, ROAS and mROAS are those at ``spend``: the usual one, or the equal share where the
    channel never spent and ``spend_low`` and ``spend_high`` are empty.
    """
    rows = [_flat(row) for row in belief.summary(level)]
    out = io.StringIO()
    writer = csv.DictWriter(out, rows[0], lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue()


def _reading(row: ChannelSummary) -> Reading:
    """Return what the usual spend brings, or the equal share where there was no spend."""
    return row.at_reference if row.at_usual is None else row.at_usual


def _learned_from(belief: Belief) -> str:
    weeks = belief.log.weeks
    kind = "one total outcome" if belief.source == "total" else "an outcome for each channel"
    count = f"{len(weeks)} {'week' if len(weeks) == 1 else 'weeks'}"
    return f"Learned from {count}, {weeks[0]} to {weeks[-1]}, {kind}."


def _at_usual(belief: Belief, rows: Sequence[ChannelSummary], level: float) -> str:
    usual = "the mean of the weeks with any"
    if any(row.at_usual is None for row in rows):
        usual += f"; the equal share, {show_figure(belief.reference, 4)}, where there was none"
    return (
        f"What a week at the usual spend ({usual}) brings: the mean, and low and high with a "
        f"chance of {_exactly(level)} between them:"
    )


def _told(belief: Belief, rows: Sequence[ChannelSummary]) -> str:
    text = "The share of this that is data and not prior, the least and the most spend seen"
    if belief.source == "channel":
        text += ", how far the response drifts and the outcome scatters in a week"
    if any(row.change for row in rows):
        text += ", and the last jump of the response with its chance"
    return f"{text}:"


def _evidence(rows: Sequence[ChannelSummary]) -> dict[str, list[str]]:
    least, most = ([_number(s) for s in ends] for ends in zip(*map(_seen, rows), strict=True))
    spends = _few([*least, *most])
    return {
        "data": [f"{row.data_share:.0%}" for row in rows],
        "least": spends[: len(rows)],
        "most": spends[len(rows) :],
        "drift": [_percent(row.drift) for row in rows],
        "noise": [_percent(row.noise) for row in rows],
        "last change": [
            "" if row.change is None else f"{row.change.week} {row.change.chance:.0%}"
            for row in rows
        ],
    }


def _seen(row: ChannelSummary) -> tuple[float | None, float | None]:
    return row.spend_low, row.spend_high


def _record(belief: Belief, level: float) -> list[str]:
    """Say how well the last weeks were predicted, where anything was."""
    held = belief.calibration(_WEEKS, level)
    if held.covered is None:
        return []
    weeks = min(_WEEKS, len(belief.log.weeks))
    last = "the last week" if weeks == 1 else f"the last {weeks} weeks"
    return [
        sentences(
            f"Of {held.outcomes} outcomes of {last}, {held.inside} "
            f"({held.covered:.0%}) lay in the {_exactly(level)} range predicted a week before."
        )
    ]


def _table(names: Sequence[str], columns: Mapping[str, Sequence[str]], words: str = "") -> str:
    # A range's ends are keyed by what they are of, and all are headed alike.
    headings = [heading.split("|")[-1] for heading in columns]
    return table(["channel", *headings], [names, *columns.values()], words)


def _ranged(heading: str, values: Sequence[Estimate], digits: int) -> dict[str, list[str]]:
    """Return three columns with the same digits after the point: mean, low and high."""
    count = len(values)
    parts = ([getattr(v, part) for v in values] for part in ("mean", "low", "high"))
    texts = figures([value for part in parts for value in part], digits, _HUGE)
    keys = (heading, f"{heading}|low", f"{heading}|high")
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


def _flat(row: ChannelSummary) -> dict[str, Any]:
    """Return a channel as one row; None is written as an empty field."""
    at = _reading(row)
    estimates = {
        "response": at.response,
        "roas": at.roas,
        "mroas": at.mroas,
        "saturation": row.saturation,
        "drift": row.drift,
        "noise": row.noise,
    }
    flat: dict[str, Any] = {
        "channel": row.channel,
        "data_share": row.data_share,
        "spend_low": row.spend_low,
        "spend_high": row.spend_high,
        "spend": at.spend,
    }
    for name, estimate in estimates.items():
        for part in ("mean", "low", "high"):
            key = name if part == "mean" else f"{name}_{part}"
            flat[key] = None if estimate is None else getattr(estimate, part)
    return flat | {
        "s_shaped": row.s_shaped,
        "change_week": None if row.change is None else str(row.change.week),
        "change_chance": None if row.change is None else row.change.chance,
    }
