"""A first plan from the files themselves, with everything it decided beside each line.

Only what the history shows is written: the currency, the usual spend of a week as the budget, and
the channels. Floors and caps are suggestions, in comments; a channel that has been idle is locked
at 0, so that an ended campaign does not come back to life.
"""

from __future__ import annotations

import datetime as dt
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from glob import escape
from pathlib import Path
from typing import Any

import numpy as np

from budgetopt.history import CONVERSIONS, Columns, History, plain_name, recognise, together
from budgetopt.i18n import in_language, listed, say, show_figure
from budgetopt.money import DIGITS, Currency, currencies_of
from budgetopt.notebook import short
from budgetopt.plan.channel import Channel
from budgetopt.plan.fields import PlanFields

USUAL_WEEKS = 8
"""Whole weeks whose median is the usual spend, and after which without spend a channel is idle."""


@short
@dataclass(frozen=True)
class Draft:
    """A drafted plan and the reasons of its fields.

    Parameters
    ----------
    plan
        What the plan declares.
    reasons
        What was decided of a field of the plan.
    of_channels
        What the history says of each channel, by name.
    """

    plan: PlanFields
    reasons: Mapping[str, str]
    of_channels: Mapping[str, tuple[str, ...]]

    def to_toml(self, files: Mapping[str, Mapping[str, str]], language: str = "en") -> str:
        """Return the plan as commented TOML.

        Parameters
        ----------
        files
            What was decided of the fields of each file, by its name.
        language
            Language of the comments.
        """
        plan, columns = self.plan, self.plan.columns.to_dict()
        lines = [f"# {in_language(say('draft-title'), language)}"]
        lines += self._line("currency", plan.currency, language)
        lines += self._line("budget", plan.budget, language)
        if plan.step is not None:
            lines += self._line("step", plan.step, language)
        lines += self._line("outcome", plan.outcome, language)
        lines += self._line("week_start", plan.week_start, language)
        rules, sources = columns.pop("map", []), columns.pop("sources", [])
        lines += ["", "[history]"]
        (common,) = files.values() if len(files) == 1 else ({},)
        if "file" in common:
            lines.append(f"# {in_language(common['file'], language)}")
        lines += _table(columns, common, language)
        for source in sources:
            reasons = next((r for f, r in files.items() if escape(f) == source["file"]), {})
            lines += ["", "[[history.sources]]", *_table(_first("file", source), reasons, language)]
        for rule in rules:
            said = in_language(say("draft-map"), language)
            lines += ["", f"[[map]]  # {said}", *_table(_first("channel", rule), {}, language)]
        for channel in plan.channels:
            lines += ["", "[[channels]]", f"name = {_value(channel.name)}"]
            if channel.locked is not None:
                lines.append("locked = 0")
            lines += [f"# {in_language(said, language)}" for said in self.of_channels[channel.name]]
        return "\n".join(lines) + "\n"

    def _line(self, name: str, value: Any, language: str) -> list[str]:
        said = self.reasons.get(name)
        plain = f"{name} = {value if name in ('budget', 'step') else _value(value)}"
        return [plain + (f"  # {in_language(said, language)}" if said else "")]


def draft(
    history: History,
    *,
    columns: Columns | None = None,
    currency: str | None = None,
    week_start: str | None = None,
) -> Draft:
    """Return the draft of a plan for a history.

    Parameters
    ----------
    history
        What was spent and what came back.
    columns
        How its files were read.
    currency
        Code of the currency; by default what the files carry, ``"XXX"`` where they carry none.
    week_start
        Day on which weeks start; by default that of the history.
    """
    past = history.complete()
    reasons: dict[str, str] = {}
    code = _currency(history, currency, reasons)
    totals = np.nansum(past.spend, axis=1)[-USUAL_WEEKS:]
    usual = float(np.median(totals)) if totals.size else 0.0
    reasons["budget"] = say("draft-budget", weeks=totals.size)
    if totals.size and usual < 0.75 * totals[-1]:
        # Further than channels may move in a week: no split of it could be kept.
        reasons["budget"] = say("draft-budget-last", median=show_figure(usual), weeks=totals.size)
        usual = float(totals[-1])
    money = Currency(code)
    step = _step(usual)
    rounded = round(usual / step) * step if step else round(usual, min(money.digits, 2))
    budget = money.exact(rounded, "budget")
    columns = columns or Columns()
    names, alike = _outcome_named(columns)
    if not alike:
        reasons["outcome"] = say("draft-outcomes-differ")
    channels, said = [], {}
    for at, name in enumerate(past.channels):
        spend = past.spend[:, at]
        recent = spend[-USUAL_WEEKS:]
        idle = spend.size > USUAL_WEEKS and not np.nansum(recent) > 0
        channels.append(Channel(name, locked=0) if idle else Channel(name))
        said[name] = _said(spend, recent, past, idle)
    plan = PlanFields(
        budget=budget,
        currency=code,
        channels=tuple(channels),
        outcome=names,
        step=None if step is None else max(1, step // 10),
        week_start=week_start or history.week_start,
        columns=columns,
    )
    return Draft(plan, reasons, said)


def draft_files(
    paths: Sequence[str | Path], *, currency: str | None = None, as_of: dt.date | str | None = None
) -> tuple[Draft, dict[str, dict[str, str]]]:
    """Return the draft of a plan from files nobody declared, and the reasons of each file.

    Raises
    ------
    HistoryError, CalendarError
        As `History.read`, and where a file's columns are not known by their names.
    """
    found = [recognise(path) for path in paths]
    columns = together(found)
    starts = [one.week_start for one in found if one.columns.rows == "weekly"]
    start = starts[0] if starts else "monday"
    history = History.read([one.path for one in found], columns, week_start=start, as_of=as_of)
    platform = next((one.platform for one in found if not one.platform.isascii()), "")
    sign, assumed = history.currency_sign, ""
    # Accounts of these platforms are in yuan, and 元 or ¥ in another file is that of them.
    if currency is None and platform and (not sign or "CNY" in currencies_of(sign)):
        currency, assumed = "CNY", platform
    made = draft(history, columns=columns, currency=currency, week_start=start)
    if assumed:
        said = say("draft-platform-currency", platform=assumed)
        made = replace(made, reasons={**made.reasons, "currency": said})
    return made, {one.path.name: one.reasons for one in found}


def _step(usual: float) -> int | None:
    """Return what a usual week is rounded to: three digits of it, as budgets are written."""
    return 10 ** (math.floor(math.log10(usual)) - 2) if usual >= 100 else None


def _outcome_named(columns: Columns) -> tuple[str, bool]:
    """Return what a plan calls the outcome of its files, and whether all call it so."""
    every: dict[str, None] = {}
    for one in columns.sources or (columns,):
        every |= dict.fromkeys(one.outcome_columns)
    names = list(every)
    if len(names) == 1:
        return names[0], True
    if all(plain_name(name) in CONVERSIONS for name in names):
        return ("conversions" if all(map(str.isascii, names)) else "转化"), False
    return "outcome", False


def _currency(history: History, given: str | None, reasons: dict[str, str]) -> str:
    if given is not None:
        return given
    sign = history.currency_sign
    codes = (sign,) if sign in DIGITS else currencies_of(sign) if sign else ()
    if len(codes) == 1:
        reasons["currency"] = say("draft-currency", sign=sign)
        return codes[0]
    several = say("draft-several-currencies", sign=sign, codes=listed(codes))
    reasons["currency"] = several if codes else say("draft-no-currency")
    return "XXX"


def _said(spend: Any, recent: Any, past: History, idle: bool) -> tuple[str, ...]:
    """Return what the history says of one channel, with floor and cap suggested."""
    if idle:
        spent = np.flatnonzero(np.nan_to_num(spend) > 0)
        last = str(past.weeks[spent[-1]]) if spent.size else "-"
        return (say("draft-idle", weeks=USUAL_WEEKS, last=last),)
    known = recent[~np.isnan(recent)]
    if not known.size:
        return (say("draft-unknown"),)
    least, most = float(known.min()), float(known.max())
    return (
        say(
            "draft-usual",
            weeks=known.size,
            usual=show_figure(float(np.median(known))),
            least=show_figure(least),
            most=show_figure(most),
        ),
        say("draft-suggested", floor=f"floor = {0.5 * least:.0f}", cap=f"cap = {1.5 * most:.0f}"),
    )


def _first(name: str, table: Mapping[str, Any]) -> dict[str, Any]:
    return {name: table[name], **table}


def _table(table: Mapping[str, Any], reasons: Mapping[str, str], language: str) -> list[str]:
    """Return the lines of a table, each with its reason."""
    lines = []
    for name, value in table.items():
        said = reasons.get(name)
        end = f"  # {in_language(said, language)}" if said else ""
        lines.append(f"{name} = {_value(value)}{end}")
    return lines


def _value(value: Any) -> str:
    """Return a value as TOML: JSON, but for tables."""
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{_value(k)} = {_value(v)}" for k, v in value.items()) + " }"
    if isinstance(value, list):
        return "[" + ", ".join(map(_value, value)) + "]"
    return json.dumps(value, ensure_ascii=False)
