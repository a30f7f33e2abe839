"""Alerts: what a person should know of a week, found in plain records and raised once.

An `Alert` has a code, a severity, its figures, and a key by which it is news only once; `news`,
`worst`, `to_json` and `to_log` hand alerts on. Then the detectors, each a pure function of what it
is given: of the data (stale, incomplete, not over, revised), of the decision (stuck, calibration,
collapse, targets, limits widened), of channels that should pause, and of money (reserve, pace,
overspend). `alerts` runs those for which something is given.

A detector reports what the records show; it does not know why.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import logging
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from fractions import Fraction
from itertools import chain
from math import isfinite
from typing import Any, Literal, Self, get_args

import numpy as np

from budgetopt.calendar import Week, as_date
from budgetopt.errors import BudgetoptError, InfeasibleError, InputError, did_you_mean, foreign
from budgetopt.history import Delay, History
from budgetopt.i18n import Message, messages_of, restored, say, show_figure
from budgetopt.ledger import LONGEST
from budgetopt.money import show_amount as show
from budgetopt.notebook import short
from budgetopt.plan import RULES, AlertRules, Plan
from budgetopt.weekly import Intervention, TargetStatus
from budgetopt.workflow.inputs import Difference, Revised
from budgetopt.workflow.pacing import Line, Pace, Paced
from budgetopt.workflow.reserves import Answered, Balances

Severity = Literal["info", "warning", "critical"]
SEVERITIES: tuple[Severity, ...] = get_args(Severity)
"""From the mildest to the worst."""

CODES: dict[str, str] = {
    "data-stale": "the last whole week ended long ago, or there is none",
    "data-incomplete": "a week has missing days or a missing channel report",
    "week-not-over": "the last week of the history is not over yet",
    "history-revised": "complete weeks were revised or are gone",
    "stuck": "a channel stays at the same limit week after week",
    "calibration": "outcomes fall outside their predicted ranges",
    "collapse": "a channel returns far less than before",
    "not-delivered": "nothing has been spent on a channel for weeks",
    "target-out-of-reach": "no split reaches the plan's target",
    "dated-target": "a dated target is out of reach, or was missed",
    "cannot-decide": "no split of a week can be decided",
    "limits-widened": "no split meets all limits of a week, so change limits are widened",
    "pause": "a channel's cost per outcome is too high, or its ROAS too low",
    "reserve-low": "contingency is nearly or wholly used up",
    "budget-line": "a warning line of a budget is reached",
    "overspend": "channels are projected to overspend",
    "underspend": "channels are projected to underspend",
    "uncovered": "overspend that nothing covers",
}
"""Every code an alert can carry, with its meaning; codes are never renamed."""


@short
@dataclass(frozen=True)
class Alert:
    """Something that a person should know.

    Parameters
    ----------
    code
        A key of `CODES`.
    severity
        ``"info"``, ``"warning"`` or ``"critical"``.
    sentence
        What was found, without a full stop; its numbers are those of `figures`.
    figures
        Numbers by name, all finite.
    channels
        Names that it is about; empty where it is about all.
    key
        Code, subject and week or episode: what has a key that is known is not news. Names of
        channels are part of it and may be anything: what a ledger does not take as a key stands as
        its SHA-256.

    Raises
    ------
    InputError
        ``bad-argument``.
    """

    code: str
    severity: Severity
    sentence: str
    figures: tuple[tuple[str, float], ...] = ()
    channels: tuple[str, ...] = ()
    key: str = ""

    def __post_init__(self) -> None:
        for field, known in (("code", CODES), ("severity", SEVERITIES)):
            given = getattr(self, field)
            if given not in known:
                raise _wrong(
                    field, say("part-is-value", level=repr(given)), did_you_mean(str(given), known)
                )
        if not self.key.startswith(self.code):
            raise _wrong(
                "key", say("part-is-value", level=repr(self.key)), say("remedy-begin-code")
            )
        object.__setattr__(self, "key", _kept(self.code, self.key))
        if not all(isfinite(number) for _, number in self.figures):
            raise _wrong("figures", say("parts-not-finite"), say("remedy-leave-out-what"))

    def to_dict(self) -> dict[str, Any]:
        """Return plain data that `from_dict` takes and JSON keeps."""
        return {
            "code": self.code,
            "severity": self.severity,
            "sentence": str(self.sentence),
            "figures": dict(self.figures),
            "channels": list(self.channels),
            "key": self.key,
            "words": messages_of([self.sentence]),
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """Return the alert of `to_dict`.

        Raises
        ------
        InputError
            ``bad-argument`` where the data are no alert.
        """
        try:
            return cls(
                data["code"],
                data["severity"],
                restored(data["sentence"], data.get("words", {})),
                tuple((name, float(number)) for name, number in data["figures"].items()),
                tuple(data["channels"]),
                data["key"],
            )
        except (KeyError, TypeError, AttributeError) as error:
            remedy = say("remedy-what-alert-dict")
            raise _wrong("data", say("not-alert", error=foreign(error)), remedy) from None


def news(alerts: Iterable[Alert], known: Iterable[str] = ()) -> tuple[Alert, ...]:
    """Return alerts whose keys are not known yet, each key once, the worst first."""
    seen, found = set(known), []
    for alert in sorted(alerts, key=lambda a: (-SEVERITIES.index(a.severity), a.code, a.key)):
        if alert.key not in seen:
            seen.add(alert.key)
            found.append(alert)
    return tuple(found)


def worst(alerts: Iterable[Alert]) -> Severity | None:
    """Return the worst severity, for an exit code; None where there is no alert."""
    return max((a.severity for a in alerts), key=SEVERITIES.index, default=None)


def to_json(alerts: Iterable[Alert]) -> str:
    """Return alerts as JSON text."""
    plain = [alert.to_dict() for alert in alerts]
    return json.dumps(plain, ensure_ascii=False, indent=2, allow_nan=False)


def from_json(text: str) -> tuple[Alert, ...]:
    """Return the alerts of `to_json`.

    Raises
    ------
    InputError
        ``bad-argument``.
    """
    try:
        data = json.loads(text)
    except ValueError as error:
        raise _wrong(
            "text", say("part-not-json", error=foreign(error)), say("remedy-what-json-returned")
        ) from None
    if not isinstance(data, list):
        raise _wrong("text", say("not-list"), say("remedy-what-json-returned"))
    return tuple(Alert.from_dict(one) for one in data)


def to_log(alerts: Iterable[Alert], logger: logging.Logger | None = None) -> None:
    """Write alerts to a log, by default that of ``budgetopt.workflow``, at their severity."""
    log = logging.getLogger("budgetopt.workflow") if logger is None else logger
    for alert in alerts:
        level = getattr(logging, alert.severity.upper())
        log.log(level, "%s: %s", alert.code, alert.sentence, extra={"alert": alert.to_dict()})


def _kept(code: str, key: str) -> str:
    """Return a key as a ledger takes it: one line, without spaces around it, not too long."""
    raw = key.encode("utf-8", "backslashreplace")
    if key.isprintable() and key == key.strip() and len(raw) <= LONGEST:
        return key
    return f"{code}:{hashlib.sha256(raw).hexdigest()}"


def _wrong(field: str, problem: Message, remedy: Message) -> InputError:
    return InputError(
        "bad-argument",
        say("alert-part-wrong", field=field, problem=problem),
        field=field,
        remedy=remedy,
    )


_FRESH = 4
"""Weeks after which a channel that is not reported any more is no longer waited for."""
_CRITICAL = 2
"""Times the days at which data count as stale, from which on nothing should be decided by them."""


def stale(rules: AlertRules, history: History, today: dt.date | str) -> Iterator[Alert]:
    """Yield that the last whole week ended `AlertRules.stale_days` ago or longer."""
    whole = np.flatnonzero(~history.partial)
    if not whole.size:
        said = say("history-has-no-whole-week")
        yield Alert("data-stale", "critical", said, key="data-stale:none")
        return
    end = Week(as_date(history.weeks[whole[-1]], "week")).end
    days = (as_date(today, "today") - end).days
    if days < rules.stale_days:
        return
    said = say("data-stale", end=end, days=days)
    severity: Severity = "critical" if days >= _CRITICAL * rules.stale_days else "warning"
    # The worse one is news again.
    yield Alert("data-stale", severity, said, (("days", days),), key=f"data-stale:{end}:{severity}")


def incomplete(history: History) -> Iterator[Alert]:
    """Yield the weeks of late that lack days, and channels whose last report is missing."""
    through = history.through
    for at in range(max(history.weeks.size - _FRESH, 0), history.weeks.size):
        week = Week(as_date(history.weeks[at], "week"))
        if history.partial[at] and through is not None and week.end <= through:
            said = say("week-lacks-days", week=week.start)
            yield Alert("data-incomplete", "warning", said, key=f"data-incomplete:{week.start}")
    whole = np.flatnonzero(~history.partial)
    if not whole.size:
        return
    last = int(whole[-1])
    known = np.isfinite(history.spend)
    if history.outcome is not None:
        known &= np.isfinite(history.outcome)
    waited = known[max(last - _FRESH, 0) : last].any(axis=0) & ~known[last]
    names = tuple(n for n, gone in zip(history.channels, waited, strict=True) if gone)
    start = as_date(history.weeks[last], "week")
    if names:
        template = "report-missing"
        said = say(template, week=start, channels=names)
        key = f"data-incomplete:{start}:{','.join(names)}"
        count = (("channels", float(len(names))),)
        yield Alert("data-incomplete", "warning", said, count, names, key)


def not_over(history: History) -> Iterator[Alert]:
    """Yield that the last week is still running: it is left out until it is over."""
    if not (history.partial.size and history.partial[-1]):
        return
    week, through = Week(as_date(history.weeks[-1], "week")), history.through
    if through is not None and week.end <= through:
        return
    days = 0 if through is None else max((through - week.start).days + 1, 0)
    figures: tuple[tuple[str, float], ...] = (("days", float(days)),)
    template = "week-not-over-days"
    said = say(template, week=week.start, days=days)
    if not days:
        # It has a row, and nobody says through which day.
        said, figures = say("week-not-over", week=week.start), ()
    yield Alert("week-not-over", "info", said, figures, key=f"week-not-over:{week.start}")


def revised(
    rules: AlertRules, history: History, difference: Difference, delay: Delay | None = None
) -> Iterator[Alert]:
    """Yield which whole weeks changed by more than a share, and which are gone.

    With a delay, weeks whose outcomes were still arriving when they were last seen, up to a week
    ago, are expected to change, and pass.
    """
    changed = [
        one
        for one in difference.revised
        if one.share > rules.revised_share and not _arriving(one, history, delay)
    ]
    name = history.fingerprint[:16]
    if changed:
        yield _changed(changed, f"history-revised:{name}")
    if difference.gone:
        first, gone = difference.gone[0], len(difference.gone)
        said = say("week-gone", first=first)
        if gone > 1:
            template = "weeks-gone"
            said = say(template, count=gone, first=first)
        count = (("weeks", float(gone)),)
        yield Alert("history-revised", "critical", said, count, key=f"history-revised:{name}:gone")


def _changed(changed: list[Revised], key: str) -> Alert:
    names = tuple(dict.fromkeys(name for one in changed for name in one.channels))
    most = max(changed, key=lambda one: one.share)
    figures: tuple[tuple[str, float], ...] = (("weeks", float(len(changed))),)
    share: str = say("from-nothing")
    if isfinite(most.share):
        figures, share = (*figures, ("share", most.share)), f"{most.share:.1%}"
    values = {"week": most.week, "share": share, "channels": names or say("the-total")}
    said = say("week-revised", **values)
    if len(changed) > 1:
        template = "weeks-revised"
        said = say(template, count=len(changed), first=changed[0].week, **values)
    return Alert("history-revised", "warning", said, figures, names, key)


def _arriving(one: Revised, history: History, delay: Delay | None) -> bool:
    """Return whether a week's outcomes may have been arriving still a week ago."""
    if delay is None or history.through is None:
        return False
    return (history.through - Week(one.week).end).days / 7 - 1 < delay.ages[-1]


STAYS = 2
"""Whole weeks on end that a channel is beyond a pause rule before it fires."""
Figures = tuple[tuple[str, float], ...]
_CODES = {rule.code for rule in RULES if isinstance(rule, Message)}
_WANTED = frozenset({"lock"})
"""Limits at which a channel is meant to stand."""


def alerts(
    plan: Plan,
    today: dt.date | str,
    *,
    history: History | None = None,
    difference: Difference | None = None,
    limits: Mapping[dt.date, Mapping[str, str]] | None = None,
    spend: Mapping[str, Decimal] | None = None,
    fired: Iterable[Intervention] = (),
    best: float | None = None,
    targets: Iterable[TargetStatus] = (),
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
    spend
        Money by channel of the week's decision.
    fired
        What the guards of the week's decision found.
    best
        The best outcome that can be had, where the plan's target is out of reach.
    targets
        Where the plan's dated targets stand with the week's decision.
    balances, pace, answered
        Of reserves, spending, and an overspend.
    known
        Keys that were raised before.
    """
    rules, found = plan.operation.alerts, list[Iterator[Alert]]()
    if history is not None:
        found += [stale(rules, history, today), incomplete(history)]
        found += [not_over(history), pause(plan, history, spend)]
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
    told = tuple(fired)
    found += [calibration(told, week), failing(told), target(plan, best, week)]
    found.append(dated_targets(targets))
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
        template = "stuck-at-limit"
        # A name that a user gave is no code.
        shown = say(limit) if limit in _CODES else limit
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


def calibration(fired: Iterable[Intervention], week: dt.date) -> Iterator[Alert]:
    """Yield the guard's alarm on calibration; bands that are too wide err to the safe side."""
    for one in fired:
        if one.guard == "calibration":
            severity: Severity = "critical" if "widened" in dict(one.figures) else "info"
            key = f"calibration:{severity}:{week}"
            yield Alert("calibration", severity, one.sentence, one.figures, one.channels, key)


def failing(fired: Iterable[Intervention]) -> Iterator[Alert]:
    """Yield channels that collapsed or deliver nothing, once for the week that it began in."""
    for one in fired:
        if one.guard in ("collapse", "not-delivered"):
            since = one.sentence.values["week"] if isinstance(one.sentence, Message) else ""
            key = f"{one.guard}:{','.join(one.channels)}:{since}"
            yield Alert(one.guard, "warning", one.sentence, one.figures, one.channels, key)


def target(plan: Plan, best: float | None, week: dt.date) -> Iterator[Alert]:
    """Yield that the plan's target is above the best outcome that can be had."""
    wanted = plan.goal.target
    if wanted is None or best is None or best >= Fraction(wanted):
        return
    short = float(wanted) - best
    template = "target-out-of-reach"
    values = {"target": show(wanted), "best": show_figure(best), "short": show_figure(short)}
    figures = (("target", float(wanted)), ("best", best), ("short", short))
    key = f"target-out-of-reach:{week}"
    yield Alert("target-out-of-reach", "critical", say(template, **values), figures, (), key)


def dated_targets(targets: Iterable[TargetStatus]) -> Iterator[Alert]:
    """Yield targets that the better end of their range of 80 % does not reach, or were missed.

    Each is news once, and once more when its days are over.
    """
    for one in targets:
        if one.state not in ("out-of-reach", "missed"):
            continue
        assert one.forecast is not None
        assert one.needed is not None
        figures: Figures = (("needed", one.needed), ("forecast", one.forecast))
        values = {"goal": one.sentence(), "forecast": one.shown(one.forecast)}
        if one.state == "missed":
            said = say("dated-target-missed", **values)
        else:
            ends = {"low": one.shown(one.low), "high": one.shown(one.high)}
            said = say("dated-target-out-of-reach", **values, **ends)
            figures += (("low", one.low or 0.0), ("high", one.high or 0.0))
        key = f"dated-target:{one.name}:{one.wanted}:{one.first}:{one.by}:{one.state}"
        yield Alert("dated-target", "warning", said, figures, (), key)


def undecided(week: dt.date, error: BudgetoptError) -> Iterator[Alert]:
    """Yield that a week cannot be decided, in the words of the error.

    An error of another code, or on other limits or amounts, is news.
    """
    words = "; ".join(part for part in (error.problem, error.remedy) if part)
    said = say("week-undecidable", week=str(week), words=words)
    parts = [str(week), error.code, error.field]
    if isinstance(error, InfeasibleError) and error.limits:
        parts += [str(one.get(k)) for one in error.limits for k in ("kind", "name", "amount")]
    else:
        parts.append(str(error.value))
    key = ":".join(("cannot-decide", *parts))
    yield Alert("cannot-decide", "critical", said, (), (), key)


def wider(week: dt.date, why: str) -> Iterator[Alert]:
    """Yield that change limits are widened in a week, since no split meets all limits.

    Other channels, or another width, are news.
    """
    if not why:
        return
    parts = [why]
    if isinstance(why, Message):
        wide = (why.values.get(part) for part in ("channels", "factor", "wide"))
        parts = [why.code, *(str(part) for part in wide if part is not None)]
    key = ":".join(("limits-widened", str(week), *parts))
    yield Alert("limits-widened", "critical", why, (), (), key)


def pause(
    plan: Plan, history: History, planned: Mapping[str, Decimal] | None = None
) -> Iterator[Alert]:
    """Yield channels beyond a pause rule in each of the last `STAYS` whole weeks.

    Cost per outcome and ROAS are held against their rules without a division, so that a channel
    which spends and brings nothing is beyond both; the figures are those of the weeks' sums, and
    are left out where they are not defined. With a delay of the plan outcomes count as they will
    be when all have arrived. A rule moves no money: where the week's decision gives the channel
    some, that is said.
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
            found = _paused(history.channels[at], rule, money, brought, week, late=late)
            if given := (planned or {}).get(history.channels[at]):
                said = say("pause-not-planned", alert=found.sentence, money=show(given))
                found = replace(found, sentence=said)
            yield found


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
        template = "pause-no-outcome"
        said = say(template, channel=name, spend=show_figure(money), weeks=STAYS)
    else:
        shown = {"ratio": show_figure(ratio or 0.0, 4), "line": show_figure(line, 4)}
        said = say(_PAUSE[which], channel=name, weeks=STAYS, **shown)
    if brought and late:
        said = say("including-late-outcomes", alert=said)
    if ratio is not None:
        figures = (*figures, ("ratio", ratio))
    return Alert("pause", "warning", said, figures, (name,), f"pause:{name}:{week}")


_PAUSE = {
    "CPA": "pause-cpa",
    "ROAS": ("pause-roas"),
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
    template = "contingency-low"
    if not left:
        template = "contingency-used-up"
    key = f"reserve-low:{balances.period.label}:{severity}"
    yield Alert("reserve-low", severity, say(template, **values), figures, (), key)


def off_pace(pace: Pace) -> Iterator[Alert]:
    """Yield channels off the week's pace, and budget lines that are reached or will be early."""
    kinds: tuple[tuple[str, str, Severity, str], ...] = (
        ("overspend", "ahead", "warning", "ahead-of-week-plan"),
        ("underspend", "behind", "info", "behind-week-plan"),
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
    template = "projected-of-planned"
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
            "share": f"{100 * line.share:.6g}%",
            "amount": show(line.amount),
            "budget": show(span.spendable),
            "label": span.called,
        }
        said = say("budget-line-ahead", **values, day=line.day)
        if line.reached:
            template = "budget-line-reached"
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
    revised = ":revised" * answered.revised
    key = f"uncovered:{answered.week}:{answered.uncovered}{revised}"
    yield Alert("uncovered", "critical", answered.sentence(), figures, names, key)
