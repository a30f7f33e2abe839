"""``budgetopt learn``, ``reallocate`` and ``backtest``: the belief, a decision, and the past again.

First how a belief is read from a file, continued and saved: it never replaces one that knows more.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Sequence
from dataclasses import replace
from enum import StrEnum
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any

import typer

import budgetopt as bo
from budgetopt.cli.common import (
    POLICIES,
    POLICY_DEFAULT,
    AsOf,
    BeliefPath,
    BudgetChange,
    DataThrough,
    Explain,
    Format,
    FormatOption,
    HistoryPath,
    Language,
    LanguageOption,
    OutPath,
    PlanPath,
    PriceChange,
    answer,
    belief_name,
    change_of,
    check_printed,
    files_of,
    is_page,
    keep,
    no_history,
    read_history,
    rendered,
    respond,
    today,
)
from budgetopt.errors import BudgetoptError, HistoryError, InputError, foreign
from budgetopt.messages import Message, say
from budgetopt.untrusted import MEBIBYTE, read_bounded

_MOST_BYTES = 256 * MEBIBYTE
"""Size of a belief that is read: one of two thousand channels, with what was learned."""
_NAMED = 6
"""Names shown in one message."""


def load_belief(path: Path) -> bo.Belief:
    """Return the belief of a file.

    Raises
    ------
    InputError
        ``bad-file`` where it cannot be read or is not a belief.
    """
    data = _data(path)
    try:
        return bo.Belief.from_dict(data)
    except InputError as error:
        raise _bad_file(path, say("not-belief"), error.problem, say("remedy-learn-again")) from None


def _data(path: Path) -> Any:
    """Return the plain data of a JSON file."""
    try:
        return json.loads(
            read_bounded(path, _MOST_BYTES).decode("utf-8-sig"), parse_constant=_no_number
        )
    except OSError as error:
        reason, remedy = foreign(error), say("remedy-check-path-permissions")
        raise _bad_file(path, say("file-unreadable"), reason, remedy) from None
    except (ValueError, RecursionError) as error:
        raise _bad_file(
            path,
            say("not-belief"),
            say("not-json", error=foreign(error)),
            say("remedy-learn-again"),
        ) from None


def _no_number(text: str) -> Any:
    raise ValueError(say("no-json-number", text=text))


def _bad_file(path: Path, what: str, reason: str, remedy: Message) -> InputError:
    problem = say("belief-file", path=repr(str(path)), what=what, reason=reason)
    return InputError("bad-file", problem, field="belief", value=str(path), remedy=remedy)


def refuse_gaps(belief: bo.Belief, plan: bo.Plan, history: bo.History) -> None:
    """Refuse weeks that neither a belief nor the history that goes on from it has.

    Raises
    ------
    HistoryError
        ``bad-history``, unless the plan says that gaps are unknown weeks.
    """
    weeks = sorted({*belief.log.weeks.tolist(), *history.complete().weeks.tolist()})
    step = dt.timedelta(weeks=1)
    ends = [week for week, following in pairwise(weeks) if following - week != step]
    if ends and plan.columns.gaps == "refuse":
        raise HistoryError(
            "bad-history",
            say("neither-belief-history-week", ends=ends[0] + step, ends_2=ends[0]),
            field="history",
            value=str(ends[0] + step),
            remedy=say("remedy-history-weeks-between-declare"),
        )


def history_of(belief: bo.Belief, plan: bo.Plan) -> bo.History:
    """Return the weeks that a belief was learned from, as a history.

    Raises
    ------
    HistoryError
        ``bad-history`` where weeks are missing.
    """
    log = belief.log
    return bo.History(
        log.channels,
        log.weeks,
        log.spend,
        log.outcome,
        log.total,
        week_start=plan.week_start,
        data_through=max((day for day in log.through.tolist() if day is not None), default=None),
        controls=log.controls,
    )


def past_of(
    plan: bo.Plan,
    paths: Sequence[Path],
    belief: bo.Belief | None,
    as_of: str | None,
    data_through: str | None,
) -> bo.History | None:
    """Return the history of files, else the weeks that a belief was learned from, if any."""
    if paths:
        return read_history(plan, paths, as_of, data_through)
    return None if belief is None else history_of(belief, plan)


def write_belief(belief: bo.Belief, path: Path, option: str) -> None:
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
            say("already-exists-contains", option=option, path=repr(str(path)), lost=lost),
            field=option.lstrip("-"),
            value=str(path),
            remedy=say("remedy-continue-belief-name", path=path),
        )
    text = json.dumps(belief.to_dict(learned=True), ensure_ascii=False, allow_nan=False)
    bo.report.write_whole(path, text + "\n")


def _lost(path: Path, belief: bo.Belief) -> str:
    """Return what a saved belief knows that this one does not; empty where it is not a belief."""
    try:
        log = bo.belief.ObservationLog.from_dict(_data(path)["log"])
    except (BudgetoptError, TypeError, ValueError, KeyError, AttributeError):
        return ""
    channels = [name for name in log.channels if name not in belief.channels]
    weeks = sorted({*log.weeks.tolist()} - {*belief.log.weeks.tolist()})
    if channels:
        return f"other channels, {_listed(channels)}"
    return f"other weeks, {_listed([str(week) for week in weeks])}" if weeks else ""


def _listed(names: list[str]) -> str:
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return ", ".join(map(repr, names[:_NAMED])) + more


class Resolution(StrEnum):
    """Resolution of the learner's grids."""

    full = "full"
    fast = "fast"


def _belief_or_page(param: typer.CallbackParam, path: Path) -> Path | None:
    return path if is_page(path) else belief_name(param, path)


def learn(
    plan: PlanPath,
    history: HistoryPath = None,
    as_of: AsOf = None,
    data_through: DataThrough = None,
    settings: Annotated[
        Resolution | None,
        typer.Option(help="Resolution of the learner; default: full, or as in --belief."),
    ] = None,
    belief: BeliefPath = None,
    out: Annotated[
        Path,
        typer.Option(
            "--out",
            metavar="FILE",
            callback=_belief_or_page,
            help="File to save the belief in; with a name ending in .html, the page of it instead.",
        ),
    ] = Path("belief.json"),
    format: FormatOption = Format.table,
    lang: LanguageOption = Language.en,
) -> None:
    """Learn every channel's response curve from the history, print it, and save the belief."""
    declared = bo.Plan.load(plan)
    files = files_of(declared, plan, history)
    keep(out, plan, files)
    check_printed(format, say("remedy-choose-another-since"))
    grids = {Resolution.full: bo.Settings, Resolution.fast: bo.Settings.fast}
    chosen = None if settings is None else grids[settings]()
    past = read_history(declared, files, as_of, data_through)
    if belief is None:
        learned = bo.learn(past, declared, settings=chosen)
    else:
        earlier = load_belief(belief)
        refuse_gaps(earlier, declared, past)
        if chosen is not None and chosen != earlier.settings:
            earlier = bo.Belief.of(earlier.log, chosen)
        learned = bo.weekly.belief_for(declared, past, dt.date.max, earlier)
    text = rendered(
        format,
        lang,
        table=lambda: bo.report.belief_table(learned, plan=declared, language=lang),
        json=lambda: bo.report.belief_json(learned, plan=declared),
        result=bo.exchange.Sheet.of_rows("belief", bo.report.belief_rows(learned, plan=declared)),
    )
    if is_page(out):
        bo.report.page(learned, plan=declared, out=out, language=lang)
    else:
        write_belief(learned, out, "--out")
    answer(str(text), None)


NOTHING_MOVES = 5
"""Exit code where the decision moves no money."""

PolicyOption = Annotated[
    str | None,
    typer.Option(
        "--policy",
        metavar="NAME",
        help=f"One of {', '.join(POLICIES)}; with settings in brackets, such as thompson(10) or "
        f"cautious(thompson(10), 0.5). {POLICY_DEFAULT}.",
    ),
]
LearnerOption = Annotated[Resolution, typer.Option("--settings", help="Resolution of the learner.")]
SeedOption = Annotated[int, typer.Option("--seed", metavar="N", help="Random seed of the policy.")]


def reallocate(
    plan: PlanPath,
    history: Annotated[
        list[Path] | None,
        typer.Option(
            "--history",
            metavar="FILE",
            help="History file; default: the weeks of --belief, or else the files that the plan "
            "names.",
        ),
    ] = None,
    week: Annotated[
        str | None,
        typer.Option(metavar="DATE", help="First day of the week to decide; default: next week."),
    ] = None,
    policy: PolicyOption = None,
    seed: SeedOption = 0,
    budget: BudgetChange = None,
    price: PriceChange = None,
    as_of: AsOf = None,
    data_through: DataThrough = None,
    belief: BeliefPath = None,
    save_belief: Annotated[
        Path | None,
        typer.Option(
            "--save-belief",
            metavar="FILE",
            callback=belief_name,
            help="File to save the updated belief in.",
        ),
    ] = None,
    format: FormatOption = Format.table,
    out: OutPath = None,
    explain: Explain = False,
    lang: LanguageOption = Language.en,
) -> None:
    """Decide one week's split from the history, with a reason for every move."""
    declared = bo.Plan.load(plan)
    files = files_of(declared, plan, history) if history or belief is None else []
    keep(out, plan, files, belief)
    keep(save_belief, plan, files, option="--save-belief")
    keep(save_belief, out, option="--save-belief", what=say("the-out-option"))
    earlier = None if belief is None else load_belief(belief)
    past = _past(declared, earlier, files, as_of, data_through)
    change = change_of(budget, price)
    decision = bo.reallocate(
        declared, past, week=week, policy=policy, seed=seed, belief=earlier, change=change
    )
    if as_of is not None and files:
        # Who says which day it is means the week after it, and decides an earlier one by old data.
        old = bo.workflow.stale(declared.operation.alerts, past, today(as_of))
        told = (alert.sentence for alert in old)
        decision = replace(decision, notes=(*told, *decision.notes))
    if save_belief is not None:
        start = decision.week.start
        learned = bo.weekly.belief_for(declared, past.until(start), start, earlier)
        write_belief(learned, save_belief, "--save-belief")
    respond(
        format,
        out,
        lang,
        table=lambda: bo.report.decision_table(decision, explain=explain, language=lang),
        json=decision.to_json,
        result=decision,
    )
    if not decision.moved:
        raise typer.Exit(NOTHING_MOVES)


def backtest(
    plan: PlanPath,
    history: HistoryPath = None,
    weeks: Annotated[
        int | None,
        typer.Option(
            "--weeks",
            metavar="N",
            help="How many of the last weeks to decide again; default: all from the ninth.",
        ),
    ] = None,
    policy: Annotated[
        list[str] | None,
        typer.Option(
            "--policy",
            metavar="NAME",
            help=f"One of {', '.join(POLICIES)}; may be repeated. {POLICY_DEFAULT}, and hold.",
        ),
    ] = None,
    seed: SeedOption = 0,
    settings: LearnerOption = Resolution.full,
    as_of: AsOf = None,
    data_through: DataThrough = None,
    format: FormatOption = Format.table,
    out: OutPath = None,
    lang: LanguageOption = Language.en,
) -> None:
    """Decide every past week again, with only what was known before it.

    Shows how well outcomes were forecast a week ahead, how far the advice lies from what was done,
    and what it would have been worth, with its range, or that this cannot be known.
    """
    declared = bo.Plan.load(plan)
    files = files_of(declared, plan, history)
    keep(out, plan, files)
    found = bo.backtest(
        declared,
        read_history(declared, files, as_of, data_through),
        policies=policy,
        weeks=weeks,
        seed=seed,
        settings=bo.Settings.fast() if settings is Resolution.fast else None,
    )
    respond(
        format,
        out,
        lang,
        table=lambda: bo.report.backtest_table(found, lang),
        json=lambda: bo.report.as_json(found.to_dict()),
        result=found,
    )


def _past(
    plan: bo.Plan,
    belief: bo.Belief | None,
    files: Sequence[Path],
    as_of: str | None,
    data_through: str | None,
) -> bo.History:
    """Return the weeks of files, or those that a belief was learned from."""
    past = past_of(plan, files, belief, as_of, data_through)
    if past is None:
        raise no_history(plan, say("remedy-belief"))
    if files and belief is not None:
        refuse_gaps(belief, plan, past)
    return past
