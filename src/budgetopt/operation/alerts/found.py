"""What a person should know of a week, found in plain records and raised once.

`alerts` wires the finders: those of the data are in `data_alerts`, the others here. Each is a pure
function of what it is given; where something is not given it is not looked for.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterable, Iterator, Mapping
from decimal import Decimal
from fractions import Fraction
from itertools import chain

import numpy as np

from budgetopt.calendar import Week, as_date
from budgetopt.errors import BudgetoptError
from budgetopt.figures import show_figure
from budgetopt.history import History
from budgetopt.money import show_amount as show
from budgetopt.operation.alerts.alert import (
    Alert,
    Severity,
    news,
)
from budgetopt.operation.alerts.of_data import incomplete, not_over, revised, stale
from budgetopt.operation.pacing import Line, Pace, Paced
from budgetopt.operation.record import Difference
from budgetopt.operation.reserve import Answered, Balances
from budgetopt.plan import RULES, Plan
from budgetopt.plan.operation import AlertRules
from budgetopt.weekly import Fired
from budgetopt.words import say

STAYS = 2
"""Whole weeks on end that a channel is beyond a pause rule before it fires."""
Figures = tuple[tuple[str, float], ...]
_WANTED = frozenset({"lock"})
"""Limits at which a channel is meant to stand."""


def alerts(
    plan: Plan,
    today: dt.date,
    *,
    history: History | None = None,
    difference: Difference | None = None,
    limits: Mapping[dt.date, Mapping[str, str]] | None = None,
    fired: Iterable[Fired] = (),
    best: float | None = None,
    balances: Balances | None = None,
    pace: Pace | None = None,
    answered: Answered | None = None,
    known: Collection[str] = (),
) -> tuple[Alert, ...]:
    """Return what is news, each key once, the worst first.

    Parameters
    ----------
    plan
        Its rules are ``plan.operation.alerts``.
    today
        The day on which this is asked.
    history
        Weeks known, for stale and incomplete data, weeks not over, and the pause rules.
    difference
        What the history says that the one recorded before it did not.
    limits
        The limit that each channel stands at, by the first day of the weeks decided.
    fired
        What the guards of the week's decision found.
    best
        The best outcome that can be had, where the plan's target is out of reach.
    balances, pace, answered
        Of reserves, spending, and an overspend.
    known
        Keys that were raised before.
    """
    rules, found = plan.operation.alerts, list[Iterator[Alert]]()
    if history is not None:
        found += [stale(rules, history, as_date(today, "today")), incomplete(history)]
        found += [not_over(history), pause(plan, history)]
        if difference is not None:
            found.append(revised(rules, history, difference, plan.delay))
    if limits is not None:
        found.append(stuck(rules, limits))
    if balances is not None:
        found.append(reserve_low(rules, balances))
    if pace is not None:
        found.append(off_pace(pace))
    if answered is not None:
        found.append(uncovered(answered))
    week = Week.of(as_date(today, "today"), plan.week_start).start
    found += [calibration(fired, week), target(plan, best, week)]
    return news(chain.from_iterable(found), known)


def stuck(rules: AlertRules, limits: Mapping[dt.date, Mapping[str, str]]) -> Iterator[Alert]:
    """Yield channels that stood at one limit in each of the last `stuck_weeks` weeks decided.

    Locked channels stand where they are meant to.
    """
    weeks = sorted(limits, reverse=True)
    for name, limit in limits[weeks[0]].items() if weeks else ():
        there = _on_end(weeks, limits, name)
        if limit in _WANTED or len(there) < rules.stuck_weeks:
            continue
        template = "{channel} has been at its {limit} for {weeks} weeks, since {first}"
        # A name that a user gave is no template.
        shown = say(limit) if limit in RULES else limit
        values = {"channel": name, "limit": shown, "weeks": len(there), "first": there[-1]}
        figures = (("weeks", float(len(there))),)
        key = f"stuck:{name}:{limit}:{there[-1]}"
        yield Alert("stuck", "warning", say(template, **values), figures, (name,), key)


def _on_end(
    weeks: list[dt.date], limits: Mapping[dt.date, Mapping[str, str]], name: str
) -> list[dt.date]:
    """Return the latest weeks in which a channel stood at the limit of the last one."""
    found = []
    for week in weeks:
        if limits[week].get(name) != limits[weeks[0]][name]:
            break
        found.append(week)
    return found


def calibration(fired: Iterable[Fired], week: dt.date) -> Iterator[Alert]:
    """Yield the guard's alarm on calibration; bands that are too wide err to the safe side."""
    for one in fired:
        if one.guard == "calibration":
            severity: Severity = "critical" if "widened" in dict(one.figures) else "info"
            key = f"calibration:{severity}:{week}"
            yield Alert("calibration", severity, one.sentence, one.figures, one.channels, key)


def target(plan: Plan, best: float | None, week: dt.date) -> Iterator[Alert]:
    """Yield that the plan's target is above the best outcome that can be had."""
    wanted = plan.goal.target
    if wanted is None or best is None or best >= wanted:
        return
    short = float(wanted) - best
    template = "the target {target} is out of reach: {best} at best, {short} short"
    values = {"target": show(wanted), "best": show_figure(best), "short": show_figure(short)}
    figures = (("target", float(wanted)), ("best", best), ("short", short))
    key = f"target-out-of-reach:{week}"
    yield Alert("target-out-of-reach", "critical", say(template, **values), figures, (), key)


def undecided(week: dt.date, error: BudgetoptError) -> Iterator[Alert]:
    """Yield that a week cannot be decided, in the words of the error; other words are news."""
    words = "; ".join(part for part in (error.problem, error.remedy) if part)
    said = say("the week of {week} cannot be decided: {words}", week=str(week), words=words)
    yield Alert("cannot-decide", "critical", said, (), (), f"cannot-decide:{week}:{words}")


def pause(plan: Plan, history: History) -> Iterator[Alert]:
    """Yield channels beyond a pause rule in each of the last `STAYS` whole weeks.

    Cost per outcome and ROAS are held against their rules without a division, so that a channel
    which spends and brings nothing is beyond both; the figures are those of the weeks' sums, and
    are left out where they are not defined. With a delay of the plan outcomes count as they will
    be when all have arrived.
    """
    rules, whole = plan.operation.alerts, np.flatnonzero(~history.partial)[-STAYS:]
    if history.outcome is None or whole.size < STAYS:
        return
    spend, outcome = history.spend[whole], history.outcome[whole]
    late = False
    if plan.delay is not None:
        share = plan.delay.share(history.ages[whole, None], history.channels)
        outcome, late = outcome / share, bool(np.any(share < 1))
    worth = dict(zip(plan.names, plan.values.tolist(), strict=True))
    week = as_date(history.weeks[whole[-1]], "week")
    value = outcome * np.array([worth.get(name, np.nan) for name in history.channels])
    paused = []
    if rules.pause_cpa is not None:
        paused.append(("CPA", rules.pause_cpa, spend > rules.pause_cpa * outcome))
    if rules.pause_roas is not None:
        paused.append(("ROAS", rules.pause_roas, value < rules.pause_roas * spend))
    for which, line, beyond in paused:
        # NaN is beyond nothing: what is not known pauses nobody.
        for at in np.flatnonzero((beyond & (spend > 0)).all(axis=0)).tolist():
            money, brought = float(spend[:, at].sum()), float(outcome[:, at].sum())
            ratio = float(value[:, at].sum()) / money if which == "ROAS" else None
            if which == "CPA" and brought:
                ratio = money / brought
            rule = which, line, ratio
            yield _paused(history.channels[at], rule, money, brought, week, late=late)


def _paused(
    name: str,
    rule: tuple[str, float, float | None],
    money: float,
    brought: float,
    week: dt.date,
    *,
    late: bool,
) -> Alert:
    """Return the alert of one channel, by the rule's name, its line, and the ratio held to it."""
    which, line, ratio = rule
    figures: Figures = (("spend", money), ("outcome", brought), ("line", line))
    if not brought:
        template = "{channel} should pause: {spend} in {weeks} weeks brought nothing"
        said = say(template, channel=name, spend=show_figure(money), weeks=STAYS)
    else:
        shown = {"ratio": show_figure(ratio or 0.0, 4), "line": show_figure(line, 4)}
        said = say(_PAUSE[which], channel=name, weeks=STAYS, **shown)
    if brought and late:
        said = say("{alert}, with what is still to arrive", alert=said)
    if ratio is not None:
        figures = (*figures, ("ratio", ratio))
    return Alert("pause", "warning", said, figures, (name,), f"pause:{name}:{week}")


_PAUSE = {
    "CPA": "{channel} should pause: an outcome cost {ratio} over {weeks} weeks, above {line}",
    "ROAS": (
        "{channel} should pause: a unit of money brought {ratio} over {weeks} weeks, below {line}"
    ),
}


def reserve_low(rules: AlertRules, balances: Balances) -> Iterator[Alert]:
    """Yield that contingency is below a share of what was built up, or used up."""
    built, left = balances.contingency.built, balances.contingency.balance
    # A setting stands for the shortest decimal that prints it.
    if not built or Fraction(left) >= Fraction(repr(rules.reserve_low)) * Fraction(built):
        return
    values = {"left": show(left), "built": show(built), "period": balances.period.label}
    figures = (("left", float(left)), ("built", float(built)))
    severity: Severity = "warning" if left else "critical"
    template = "{left} of {built} contingency is left in {period}"
    if not left:
        template = "all {built} contingency of {period} is used up"
    key = f"reserve-low:{balances.period.label}:{severity}"
    yield Alert("reserve-low", severity, say(template, **values), figures, (), key)


def off_pace(pace: Pace) -> Iterator[Alert]:
    """Yield channels off the week's pace, and budget lines that are reached or will be early."""
    kinds: tuple[tuple[str, str, Severity, str], ...] = (
        ("overspend", "ahead", "warning", "ahead of the week's plan: {channels}"),
        ("underspend", "behind", "info", "behind the week's plan: {channels}"),
    )
    for code, status, severity, template in kinds:
        lines = [line for line in pace.week.lines if line.status == status]
        if lines:
            said = say(template, channels=tuple(map(_projected, lines)))
            names = tuple(line.channel for line in lines)
            figures = tuple((line.channel, float(line.projection)) for line in lines)
            key = f"{code}:{pace.week.label}:{','.join(names)}"
            yield Alert(code, severity, said, figures, names, key)
    seen = set()
    for span in pace.spans:
        # A campaign of one phase is that phase.
        if span.kind != "week" and (span.first, span.last) not in seen:
            seen.add((span.first, span.last))
            yield from _budget_lines(span)


def _projected(line: Line) -> str:
    template = "{channel} ({projection} projected of {planned})"
    values = {"projection": show(line.projection), "planned": show(line.planned)}
    return say(template, channel=line.channel, **values)


def _budget_lines(span: Paced) -> Iterator[Alert]:
    """Yield the highest line reached in a span, and the whole budget if it will be before its end.

    A line reached on its day by the plan is no more than worth knowing; before it, a warning; money
    beyond the whole budget is critical.
    """
    spent = span.total.actual
    highest = max((line.share for line in span.warned if line.reached), default=None)
    for line in span.warned:
        whole = line.share >= 1
        early = whole and line.day is not None and line.day < span.last
        if line.share != highest and (line.reached or not early):
            continue
        values = {
            "share": f"{float(100 * Decimal(repr(line.share))):g}%",
            "amount": show(line.amount),
            "budget": show(span.spendable),
            "label": span.called,
        }
        said = say(
            "{share} ({amount}) of the budget of {budget} without reserve of the {label} will be "
            "spent by {day}",
            **values,
            day=line.day,
        )
        if line.reached:
            template = (
                "{spent} is spent, {share} ({amount}) or more of the budget of {budget} without "
                "reserve of the {label}"
            )
            said = say(template, **values, spent=show(spent))
        severity: Severity = "warning" if line.early else "info"
        if whole and spent > span.spendable:
            severity = "critical"
        figures = (("share", line.share), ("amount", float(line.amount)), ("spent", float(spent)))
        when = severity if line.reached else "ahead"
        key = f"budget-line:{span.kind}:{span.label}:{line.share:g}:{when}"
        yield Alert("budget-line", severity, said, figures, (), key)


def uncovered(answered: Answered) -> Iterator[Alert]:
    """Yield that part of an overspend is paid by nobody."""
    if not answered.uncovered:
        return
    figures = (("uncovered", float(answered.uncovered)), ("total", float(answered.total)))
    names = tuple(name for name, _ in answered.over)
    key = f"uncovered:{answered.week}:{answered.uncovered}"
    yield Alert("uncovered", "critical", answered.sentence(), figures, names, key)
