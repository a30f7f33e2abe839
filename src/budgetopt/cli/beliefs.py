"""Beliefs from files and to them, and how an earlier one goes on."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from budgetopt import report
from budgetopt.belief import Belief, Log
from budgetopt.calendar import as_date
from budgetopt.errors import BudgetoptError, HistoryError, InputError
from budgetopt.history import History
from budgetopt.plan import Plan

_NAMED = 6
"""Names shown in one message."""


def load_belief(path: Path) -> Belief:
    """Return the belief of a file.

    Raises
    ------
    InputError
        ``bad-file`` where it cannot be read or is no belief.
    """
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


def refuse_gaps(belief: Belief, plan: Plan, history: History) -> None:
    """Refuse weeks that neither a belief nor the history that goes on from it has.

    Raises
    ------
    HistoryError
        ``bad-history``, unless the plan says that gaps are unknown weeks.
    """
    weeks = np.union1d(belief.log.weeks, history.complete().weeks)
    step = np.timedelta64(7, "D")
    ends = weeks[:-1][np.diff(weeks) != step]
    if ends.size and plan.columns.gaps == "refuse":
        raise HistoryError(
            "bad-history",
            f"belief and history have no week of {ends[0] + step}, after that of {ends[0]}",
            field="history",
            value=str(ends[0] + step),
            remedy="give a history with the weeks between, or declare gaps = 'unknown'",
        )


def history_of(belief: Belief, plan: Plan) -> History:
    """Return the weeks that a belief was learned from, as a history.

    Raises
    ------
    HistoryError
        ``bad-history`` where weeks are missing.
    """
    log = belief.log
    known = log.through[~np.isnat(log.through)]
    return History(
        log.channels,
        log.weeks,
        log.spend,
        log.outcome,
        log.total,
        week_start=plan.week_start,
        data_through=as_date(known.max(), "through") if known.size else None,
    )


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
