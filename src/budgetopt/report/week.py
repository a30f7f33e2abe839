"""A week's decision on one page, and what stands on it: pace, reserves, and the way to an optimum.

In this order: spend against plan with its warning lines, reserves, the steps of a ramp, and the
page of `week_page`: what must be done, the split and why, pace, reserves and alerts. Nothing on it
depends on the moment of printing: a rerun with the same inputs prints the same page.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal

from budgetopt.i18n import Message, in_language, listed, say, show_figure
from budgetopt.ledger import Entry
from budgetopt.money import difference_of, ratio_of, total_of
from budgetopt.money import show_amount as show
from budgetopt.optimize import Spread, demand_note, expected, how_good
from budgetopt.plan import KINDS, Plan
from budgetopt.report.decision import score_parts, spent, split_table, target_parts
from budgetopt.report.ledger import anchor, as_json, clauses, restored_of, state_lines
from budgetopt.report.text import Table, amounts, capital, figures, laid_out, noted, said
from budgetopt.weekly import Decision
from budgetopt.workflow import (
    RULE,
    Alert,
    Balances,
    Line,
    Movement,
    Pace,
    Paced,
    Path,
    Ramp,
    Scores,
    Severity,
    Warned,
    WeekRun,
    WeekState,
    latest_split,
)

_SPANS = {
    "week": "week-span",
    "period": "period-span",
    "phase": "phase-span",
    "campaign": "campaign-span",
}
_STATUS = {
    "ahead": say("ahead"),
    "on": say("on-pace"),
    "behind": say("behind"),
    "unseen": say("no-data-yet"),
    "not-begun": say("not-begun"),
    "unplanned": say("no-plan"),
}
_HEADINGS = (
    say("planned"),
    say("spent"),
    say("projected"),
    say("pace"),
    say("day-left"),
    say("status"),
)


def pace_table(pace: Pace, balances: Balances | None = None, language: str = "en") -> str:
    """Return a pace as text: the spans, the channels of the week, warning lines and reserves.

    Parameters
    ----------
    pace
        The pace.
    balances
        What the reserves hold; None to leave them out.
    language
        ``"en"`` or ``"zh"``, with the same numbers.
    """
    title = say("pace-title", day=str(pace.today), currency=pace.currency)
    lines = [
        said(title, language),
        str(spans_table(pace, language)),
        "",
        said(say("span-by-channel", span=span_name(pace.week)), language),
        str(
            lines_table(
                say("channel"), [one.channel for one in pace.week.lines], pace.week.lines, language
            )
        ),
    ]
    warned = list(pace_warnings(pace.spans))
    lines += [""] * bool(warned) + [said(one, language) for one in warned]
    if balances is not None and has_reserves(balances):
        lines += ["", said(reserves(balances), language)]
    return "\n".join(lines)


def spans_table(pace: Pace, language: str = "en", *, daily: bool = True) -> Table:
    """Return the totals of every span, one a line.

    Parameters
    ----------
    pace
        The pace.
    language
        ``"en"`` or ``"zh"``, with the same numbers.
    daily
        Whether the money a day that ends at the plan is shown.
    """
    names = [in_language(span_name(span), language) for span in pace.spans]
    lines = [span.total for span in pace.spans]
    return lines_table(say("span"), names, lines, language, daily=daily)


def span_name(span: Paced) -> Message:
    """Return the name of a span."""
    return say(_SPANS[span.kind], label=span.label)


def has_reserves(balances: Balances) -> bool:
    """Return whether any reserve has held money in the period."""
    return any(getattr(balances, kind).built for kind in KINDS)


def reserves(balances: Balances) -> Message:
    """Return what the three reserves hold in a sentence."""
    accounts = {kind: getattr(balances, kind) for kind in KINDS}
    left = {kind: show(account.balance) for kind, account in accounts.items()}
    built = {f"{kind}_built": show(account.built) for kind, account in accounts.items()}
    return say("reserves-line", period=balances.period.label, **left, **built)


def pace_warnings(spans: Iterable[Paced]) -> Iterable[Message]:
    """Yield the highest warning line of every span that is reached, or will be before its day."""
    for span in spans:
        found = [line for line in span.warned if line.reached or line.early]
        if found:
            yield _warning(span, found[-1])


def _warning(span: Paced, line: Warned) -> Message:
    values = {
        "span": span_name(span),
        "share": f"{100 * line.share:.4g}%",
        "amount": show(line.amount),
        "budget": show(span.spendable),
        "day": str(line.day),
    }
    if line.planned_day is None:
        return say("budget-line-not-planned", **values)
    values["planned"] = str(line.planned_day)
    return say("budget-line-day", **values)


def lines_table(
    first: str, names: Sequence[str], lines: Sequence[Line], language: str, *, daily: bool = True
) -> Table:
    """Return plan, actual, projection and pace, one row a line."""
    headings = [in_language(heading, language) for heading in (first, *_HEADINGS)]
    money: tuple[list[Decimal | None], ...] = (
        [None if line.status == "unplanned" else line.planned for line in lines],
        [line.actual if _is_seen(line) else None for line in lines],
        [line.projection for line in lines],
    )
    columns = (
        list(names),
        *map(amounts, money),
        ["" if line.pace is None else f"{line.pace:.1%}" for line in lines],
        amounts([line.catch_up if daily else None for line in lines]),
        [in_language(_STATUS[line.status], language) for line in lines],
    )
    return Table(headings, columns, words=headings[-1])


def _is_seen(line: Line) -> bool:
    """Return whether it is known what was spent; before a span begins that is nothing."""
    if line.status == "unplanned":
        return bool(line.days_seen or line.actual)
    return line.status != "unseen"


def released_lines(left: Balances, language: str = "en") -> list[str]:
    """Return what the reserves hold after a release, and what is next."""
    following = say("next-run-with-release")
    return [said(line, language) for line in (reserves(left), following)]


_SHOWN = 8
"""Steps that are shown one by one; of a longer way the last ones are left out."""
_STEPS = (say("week"), say("moved"), say("outcome"), say("share-of-optimum"), say("at-limit"))
_SPLITS = (say("channel"), say("last"), say("next"), say("optimum"), say("change"))


def ramp_table(ramp: Ramp, last: dict[str, Decimal], language: str = "en") -> str:
    """Return a ramp as text: the steps of the weekly path, every channel's way, and sentences.

    Parameters
    ----------
    ramp
        The ramp.
    last
        Spends that it starts from, by channel.
    language
        ``"en"`` or ``"zh"``, with the same numbers.
    """
    title = say("ramp-title", currency=ramp.far.currency)
    lines = [said(title, language), _splits(ramp, last, language)]
    if ramp.path.steps:
        lines += ["", _steps(ramp.path, last, language)]
        more = len(ramp.path.steps) - _SHOWN
        if more > 0:
            lines.append(said(say("ramp-weeks-more", weeks=more), language))
    lines.append("")
    lines += [capital(say("full-stop", sentence=one), language) for one in ramp.sentences()]
    return "\n".join([*lines, *noted(ramp.notes, language)])


def _splits(ramp: Ramp, last: dict[str, Decimal], language: str) -> str:
    """Return where every channel stands, goes next, and ends."""
    far, steps = ramp.far.spend, ramp.path.steps
    after = steps[0].spend if steps else last
    headings = [in_language(heading, language) for heading in _SPLITS]
    table = Table(
        headings,
        (
            list(far),
            amounts([last.get(name, Decimal(0)) for name in far]),
            amounts([after[name] for name in far]),
            amounts(list(far.values())),
            [_change(last.get(name, Decimal(0)), far[name]) for name in far],
        ),
    )
    return str(table)


def _change(before: Decimal, after: Decimal) -> str:
    if before == after:
        return "="
    return f"{ratio_of(difference_of(after, before), before):+.1%}" if before else ""


def _steps(path: Path, last: dict[str, Decimal], language: str) -> str:
    """Return one line a week: what moves, what it brings, and how much of the optimum that is."""
    steps, before, moved = path.steps[:_SHOWN], last, []
    for step in steps:
        gaps = [difference_of(m, before.get(n, Decimal(0))) for n, m in step.spend.items()]
        ups, downs = ([g.copy_abs() for g in gaps if (g > 0) == up] for up in (True, False))
        moved.append(max(total_of(ups), total_of(downs)))
        before = dict(step.spend)
    headings = [in_language(heading, language) for heading in _STEPS]
    table = Table(
        headings,
        (
            [str(number) for number in range(1, len(steps) + 1)],
            amounts(moved),
            figures([step.outcome for step in steps]),
            [
                f"{show_figure(100 * step.objective / best, 4)}%" if best > 0 else ""
                for step, best in zip(steps, path.best, strict=False)
            ],
            [str(len(step.limits())) for step in steps],
        ),
    )
    return str(table)


_SEVERITY: dict[Severity, Message] = {
    "critical": say("severity-critical"),
    "warning": say("severity-warning"),
    "info": say("severity-info"),
}


def week_page(
    run: WeekRun,
    state: WeekState,
    plan: Plan,
    command: str,
    record: Mapping[dt.date, str] | None = None,
    *,
    scored: Scores | None = None,
    explain: bool = False,
    language: str = "en",
) -> str:
    """Return a week's run on one page.

    Parameters
    ----------
    run
        What the run found.
    state
        The state of the week after it.
    plan
        The plan.
    command
        The command that is next; empty for none.
    record
        The command for each earlier week that is approved, but not recorded as applied.
    scored
        How past weeks did; None to leave it out.
    explain
        Whether the notes on plan, history and belief are added.
    language
        ``"en"`` or ``"zh"``, with the same numbers.
    """
    decision = run.decision
    # What an alert says, or what left the reserve, is no note as well.
    told = {*(alert.sentence for alert in run.alerts), *(one.why for one in run.released)}
    parts = (
        list(_forgotten(run, record or {}, language)),
        _wrapped(_gives(run), language),
        [*state_lines(state, plan, command, language), *_wrapped(_origin(run, state), language)],
        [str(_split(decision, language)), *_wrapped(_outcome(decision), language)],
        [laid_out(target_parts(decision.targets, language), language)] if decision.targets else [],
        [] if scored is None else [laid_out(score_parts(scored, language), language)],
        [
            str(spans_table(run.pace, language, daily=False)),
            *_wrapped(reserve_lines(run.balances, run.released, run.alerts), language),
        ],
        _wrapped(alert_lines(run.alerts), language),
        _wrapped(_why(decision, explain=explain), language),
        noted([n for n in _notes(run, plan, explain=explain) if n not in told], language),
        [said(_recorded(run), language), anchor(run.head)],
    )
    return "\n\n".join("\n".join(part) for part in parts if part)


def week_json(run: WeekRun, command: str, scored: Scores | None = None) -> str:
    """Return a week's run as JSON, with how past weeks did, and the command that is next."""
    past = {} if scored is None else {"scores": scored.to_dict()}
    return as_json(run.to_dict() | past | {"next": command or None})


def _forgotten(run: WeekRun, record: Mapping[dt.date, str], language: str) -> Iterator[str]:
    """Yield which earlier weeks nobody recorded as applied, with the command, which is not wrapped.

    Changes count from what was applied last, so that this split may count from the wrong week.
    """
    for week in run.not_recorded:
        yield said(say("approved-not-applied", week=str(week)), language)
        if week in record:
            yield f"  {record[week]}"


def _gives(run: WeekRun) -> Iterator[Message]:
    """Yield which limits give, before anything else: the split is not what the plan declares."""
    if run.widened:
        yield say("outside-change-limits", why=run.widened)


def _origin(run: WeekRun, state: WeekState) -> Iterator[Message]:
    """Yield who edited, what changed since the revision before, and what was applied otherwise."""
    if state.current is not None and state.current.kind == "edit":
        yield edited_line(state.current)
    if run.changed:
        yield say(
            "changed-since-revision", revision=str(run.revision - 1), changed=clauses(run.changed)
        )
    others = [
        say("channel-money", channel=name, money=show(money))
        for name, money in latest_split(state).items()
        if state.over and money != run.decision.allocation.spend.get(name)
    ]
    if others:
        yield say("applied-differently", channels=listed(others))


def edited_line(edit: Entry) -> Message:
    """Return who changed the split, why, and at what price."""
    return say(
        "edit-line",
        who=edit.who,
        why=clauses(restored_of(edit, "why")),
        price=clauses(restored_of(edit, "sentence")),
    )


def _split(decision: Decision, language: str) -> Table:
    return split_table(decision.allocation, decision.moves, language)


def _outcome(decision: Decision) -> Iterator[str]:
    """Yield what is expected of the split, its range, and what last week's would bring.

    What the week adds to the reserve is not its balance, which releases make less; and the mean
    of the outcome is not its median, so each is called by its name.
    """
    week = decision.allocation
    parts = spent(week)
    parts += [say("held-back", money=show(week.held))] if week.held else []
    yield say(
        "total-line-mean", parts=listed(parts), outcome=expected(week), how_good=how_good(week)
    )
    if week.spread is not None:
        yield say("outcome-range", range=_range(week.spread))
    if decision.gain is not None:
        yield from filter(None, [decision.against_last(), decision.on_priors()])
    if decision.beyond is not None:
        yield decision.beyond.sentence()


def _range(spread: Spread) -> Message:
    """Return the range of the outcome, and how often it is better than last week's for as much."""
    drawn = say("median-range", **spread.shown())
    if spread.better is None:
        return drawn
    better = f"{100 * spread.better:.0f}"
    return say("range-better-than-last",
               range=drawn, better=better)  # fmt: skip


def reserve_lines(
    balances: Balances, released: Iterable[Movement], alerts: Iterable[Alert]
) -> Iterator[Message]:
    """Yield what the reserves hold, and what left them for a week, save what an alert says."""
    if has_reserves(balances):
        yield reserves(balances)
    raised = {alert.sentence for alert in alerts}
    for one in released:
        if one.why in raised:
            continue
        values = {"amount": show(one.amount), "who": one.who, "why": one.why}
        if one.kind == "overspend":
            yield say("taken-from-reserve", **values)
        elif one.who == RULE:
            yield say("released-by-rule", **values)
        else:
            yield say("released-by-hand", **values)


def alert_lines(alerts: Iterable[Alert]) -> Iterator[Message]:
    """Yield every alert, the worst first as given, and what to do where money is not covered."""
    for alert in alerts:
        severity = _SEVERITY[alert.severity]
        yield say("alert-line", severity=severity, alert=alert.sentence)
        if alert.code == "uncovered":
            yield say("uncovered-next")


def _why(decision: Decision, *, explain: bool) -> Iterator[str]:
    """Yield every move's sentence, or why nothing moved."""
    if not decision.moved:
        yield decision.why_nothing_moves()
    for move in decision.moves:
        if decision.moved or explain:
            yield say("channel-reason", channel=move.channel, reason=move.reason)


def _notes(run: WeekRun, plan: Plan, *, explain: bool) -> Iterator[str]:
    """Yield what is to be known beside: of the run, what stepped in, and the demand of the week.

    All that is to be known of the split follows if asked.
    """
    decision = run.decision
    yield from run.notes
    if explain:
        yield from decision.notes
    else:
        yield from (one.sentence for one in decision.fired)
        demand = demand_note(plan, decision.week)
        yield from (note for note in decision.notes if note in demand)


def _wrapped(lines: Iterable[str], language: str) -> list[str]:
    return [said(line, language) for line in lines]


def _recorded(run: WeekRun) -> Message:
    values = {"entry": str(run.entry), "count": str(run.head[0])}
    template = "entry-recorded"
    return say(template, **values)
