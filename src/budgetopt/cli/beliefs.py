"""Beliefs from files and to them, and how an earlier one goes on."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from budgetopt import report
from budgetopt.belief import Belief, Log, Settings
from budgetopt.errors import BudgetoptError, HistoryError, InputError
from budgetopt.history import History
from budgetopt.plan import Plan

_NAMED = 6
"""Names shown in one message."""


def load_belief(path: Path, plan: Plan) -> Belief:
    """Return the belief of a file, for a plan's channels.

    Raises
    ------
    InputError
        ``bad-file`` where it cannot be read or is no belief, ``bad-argument`` where it is of
        other channels.
    """
    belief = _read(path)
    if belief.channels != plan.names:
        missing = [name for name in plan.names if name not in belief.channels]
        more = [name for name in belief.channels if name not in plan.names]
        parts = [f"lacks {_listed(missing)}"] if missing else []
        parts += [f"has {_listed(more)} besides"] if more else []
        found = " and ".join(parts) or "has them in another order"
        raise InputError(
            "bad-argument",
            f"belief file {str(path)!r} is not of the plan's channels, it {found}",
            field="belief",
            value=str(path),
            remedy="name the belief of this plan, or learn it anew",
        )
    return belief


def _read(path: Path) -> Belief:
    data = _data(path)
    try:
        return Belief.from_dict(data)
    except InputError as error:
        raise _bad_file(path, "is no belief", error.problem, "learn it anew") from None


def _data(path: Path) -> Any:
    """Return the plain data of a JSON file."""
    try:
        return json.loads(path.read_text(encoding="utf-8-sig"), parse_constant=_no_number)
    except OSError as error:
        reason, remedy = error.strerror or str(error), "check the path and its permissions"
        raise _bad_file(path, "cannot be read", reason, remedy) from None
    except (ValueError, RecursionError) as error:
        raise _bad_file(
            path, "is no belief", f"it is not JSON ({error})", "learn it anew"
        ) from None


def _no_number(text: str) -> Any:
    raise ValueError(f"{text} is not JSON")


def _bad_file(path: Path, what: str, reason: str, remedy: str) -> InputError:
    problem = f"belief file {str(path)!r} {what}, {reason}"
    return InputError("bad-file", problem, field="belief", value=str(path), remedy=remedy)


def go_on(belief: Belief, plan: Plan, history: History) -> Belief:
    """Return a belief with the weeks of a history too, as `Belief.updated` but without gaps.

    Raises
    ------
    HistoryError
        ``bad-history`` where weeks between the two are missing.
    """
    log = belief.log.extended(history)
    step, apart = np.timedelta64(7, "D"), np.diff(log.weeks)
    if np.any(apart != step) and plan.columns.gaps == "refuse":
        before = log.weeks[np.flatnonzero(apart != step)[0]]
        raise HistoryError(
            "bad-history",
            f"belief and history have no week of {before + step}, after that of {before}",
            field="history",
            value=str(before + step),
            remedy="give a history with the weeks between, or declare gaps = 'unknown'",
        )
    return belief.updated(history)


def as_told(belief: Belief, plan: Plan, settings: Settings | None = None) -> Belief:
    """Return a belief under what the plan says now of priors, tests, dates and money.

    So that going on from a file is learning from all of its weeks with this plan.
    """
    log = replace(
        belief.log,
        # A paused week has no money of its own to speak of.
        reference=plan.weekly / len(plan.names) or belief.reference,
        unit=plan.outcome_unit,
        beforehand=plan.beforehand.only(plan.names),
    )
    settings = settings or belief.settings
    if settings == belief.settings and log.to_dict() == belief.log.to_dict():
        return belief
    return Belief.of(log, settings)


def save_belief(belief: Belief, path: Path, option: str) -> None:
    """Write a belief, unless an older one in its place knows more.

    Raises
    ------
    InputError
        ``bad-argument`` where weeks or channels would be lost, ``bad-file`` where the file cannot
        be written.
    """
    lost = _lost(path, belief)
    if lost:
        raise InputError(
            "bad-argument",
            f"{option} {str(path)!r} is there already and knows {lost}, which would be lost",
            field=option.lstrip("-"),
            value=str(path),
            remedy=f"go on from it with --belief {path}, or name another file",
        )
    text = json.dumps(belief.to_dict(), ensure_ascii=False, allow_nan=False)
    report.write_whole(path, text + "\n")


def _lost(path: Path, belief: Belief) -> str:
    """Say what a file knows that a belief does not; nothing where it is no belief."""
    try:
        log = Log.from_dict(_data(path)["log"])
    except (BudgetoptError, TypeError, ValueError, KeyError, AttributeError):
        return ""
    channels = [name for name in log.channels if name not in belief.channels]
    weeks = log.weeks[~np.isin(log.weeks, belief.log.weeks)]
    if channels:
        return f"other channels, {_listed(channels)}"
    return f"other weeks, {_listed([str(week) for week in weeks])}" if weeks.size else ""


def _listed(names: list[str]) -> str:
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return ", ".join(map(repr, names[:_NAMED])) + more
