"""Guardrails: what holds whatever the policy is, and what stops an answer that breaks a limit.

`Guardrails` are the settings; an `Intervention` records a guard that stepped in, or an alarm.
`watch` looks, before a week is decided, at freezes, last week's report, calibration and responses
that fell, and says what stays where it was. `holding` and `probing` narrow the week's problem
accordingly; `checked_spend` withholds a policy's answer that breaks a limit, and `best_split` falls
back on last week's split.

At the end, what the change limits keep from a week whose curves are S-shaped. Under concave curves
every weekly step climbs towards the best split, whose price of the limit says what more room is
worth; on S-shaped ones a split may be the best within a week's reach and far from the best, and no
small step pays. So there, and there alone, the week is solved once more without change limits.

The guards see what is reported. A report that is wrong but possible passes; calibration says
nothing below twenty outcomes.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from decimal import Decimal
from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray
from scipy.special import bdtr, chdtri, ndtri

from budgetopt.arrays import Floats
from budgetopt.belief import Belief
from budgetopt.calendar import Week, as_date
from budgetopt.errors import (
    CalendarError,
    InfeasibleError,
    InputError,
    SolverError,
    VerificationError,
    did_you_mean,
)
from budgetopt.history import History
from budgetopt.i18n import (
    Message,
    joined,
    listed,
    messages_of,
    quoted,
    restored,
    say,
    show_bound,
    show_figure,
)
from budgetopt.money import show_amount
from budgetopt.notebook import short
from budgetopt.optimize import (
    Problem,
    Solved,
    fit_spend,
    problem_of,
    refuse_infeasible,
    solve,
    solve_in_steps,
    violated_limits,
)
from budgetopt.plan import CAP, LOCKED, RULES, Bounds, MaxChange, Plan
from budgetopt.policies import check_chance, check_count, check_share, not_amounts

MOST_WEEKS = 1_000
"""Some twenty years."""
_WHAT = "guardrails"

Freeze = tuple[dt.date, dt.date]
"""First and last day on which nothing moves."""


@dataclass(frozen=True)
class Guardrails:
    """What no policy may do; the limits of the plan hold besides, inside every optimisation.

    Parameters
    ----------
    most_loss
        Share of the expected outcome of last week's split that the new split may lose at most,
        above 0, at most 1.
    confidence
        Chance at which it loses no more, above 0 and below 1.
    calibration_weeks
        Weeks whose outcomes are compared with the bands that were predicted for them, 1 to 1,000.
    least_covered, most_covered
        Shares of these outcomes in their 80 % bands between which predictions are believed.
    freezes
        Pairs of a first and a last day; in a week that one of these days lies in nothing moves.

    Raises
    ------
    InputError
        ``bad-argument`` for a number out of range.
    CalendarError
        ``bad-date`` for what is not a pair of dates, or ends before it begins.

    Examples
    --------
    >>> Guardrails(freezes=[("2026-11-09", "2026-11-11")]).freezes
    ((datetime.date(2026, 11, 9), datetime.date(2026, 11, 11)),)
    """

    most_loss: float = 0.05
    confidence: float = 0.8
    calibration_weeks: int = 8
    least_covered: float = 0.65
    most_covered: float = 0.95
    freezes: tuple[Freeze, ...] = ()

    def __post_init__(self) -> None:
        check_share(self.most_loss, "most_loss", _WHAT)
        check_chance(self.confidence, "confidence", _WHAT)
        check_count(self.calibration_weeks, "calibration_weeks", _WHAT, MOST_WEEKS)
        check_share(self.most_covered, "most_covered", _WHAT)
        check_chance(self.least_covered, "least_covered", _WHAT)
        if self.least_covered >= self.most_covered:
            raise InputError(
                "bad-argument",
                say(
                    "least-above-most", what=_WHAT, least=self.least_covered, most=self.most_covered
                ),
                field="least_covered",
                value=self.least_covered,
                remedy=say("remedy-smaller-share"),
            )
        object.__setattr__(self, "freezes", tuple(map(_freeze, self.freezes)))

    def to_dict(self) -> dict[str, Any]:
        """Return the settings as plain data for JSON."""
        freezes = [[str(day) for day in pair] for pair in self.freezes]
        return {**asdict(self), "freezes": freezes}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """Return the settings of `to_dict`; those that are left out have their default.

        Raises
        ------
        InputError
            ``bad-argument`` for a setting that is misspelt or out of range.
        """
        known = [f.name for f in fields(cls)]
        for name in data:
            if name not in known:
                raise InputError(
                    "bad-argument",
                    say("no-such-setting", what=_WHAT, name=repr(name)),
                    field="guardrails",
                    value=name,
                    remedy=did_you_mean(name, known),
                )
        return cls(**data)


@dataclass(frozen=True)
class Intervention:
    """A guard that stepped in, or an alarm.

    Parameters
    ----------
    guard
        ``"freeze"``, ``"missing-report"``, ``"impossible-report"``, ``"calibration"``,
        ``"most-loss"``, ``"limits"`` where what is held does not fit them, ``"otherwise"`` where a
        policy could not solve the week; and the alarms ``"collapse"`` of a response that fell and
        ``"not-delivered"`` of a channel on which nothing was spent for weeks.
    sentence
        What was found and what was done about it, without a full stop.
    figures
        Its numbers by name.
    channels
        Whose money is held, or whom an alarm is about; empty where it is all channels or none.
    """

    guard: str
    sentence: str
    figures: tuple[tuple[str, float], ...] = ()
    channels: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Return the record as plain data for JSON."""
        plain = asdict(self)
        return {
            **plain,
            "figures": dict(self.figures),
            "channels": list(self.channels),
            "words": messages_of([self.sentence]),
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """Return the record of `to_dict`."""
        figures = tuple((name, float(number)) for name, number in data["figures"].items())
        sentence = restored(data["sentence"], data["words"])
        return cls(data["guard"], sentence, figures, tuple(data["channels"]))


def _freeze(given: Any) -> Freeze:
    pair = tuple(given) if isinstance(given, Iterable) and not isinstance(given, str) else ()
    if len(pair) != 2:
        raise _no_freeze(given, say("remedy-first-last-day"))
    first, last = (as_date(day, "freezes") for day in pair)
    if last < first:
        raise _no_freeze(f"{first} to {last}", say("remedy-earlier-day-first"))
    return first, last


def _no_freeze(given: Any, remedy: Message) -> CalendarError:
    return CalendarError(
        "bad-date",
        say("freezes-holds-not", given=repr(given)),
        field="freezes",
        value=str(given),
        remedy=remedy,
    )


_LEVEL = 0.8
"""Chance of the bands that outcomes are compared with."""
_OUTCOMES = 20
"""Outcomes below which the share inside says nothing."""
_BY_CHANCE = 0.01
"""Chance of an alarm, on either side, where the bands are right and outcomes independent."""
_WIDEST = 5.0
"""Most that bands are widened, where hardly any outcome lay inside."""
_IMPOSSIBLE = 1e-3
"""Chance that was given to an outcome of no more than nothing, below which it is not believed."""
_FRESH = 4
"""Weeks after which a channel that is not reported any more is no longer waited for."""
_TOTALS = 8
"""Weeks with an outcome after which nothing at all may be out of the question."""
_SILENT = 3
"""Weeks without any spend after which a channel that used to spend is probed."""


@short
@dataclass(frozen=True)
class Watch:
    """What the guards found before a week is decided, and what stays where it was.

    Parameters
    ----------
    fired
        Every guard that fired.
    whole_week
        Whether nothing moves.
    channels
        Channels whose money is held, each with why.
    widened
        Factor on the width of bands.
    frozen
        Those of the channels that the plan freezes, which stay also where the rest is projected.
    silent
        Channels on which nothing was spent of late though there was before, each with the first
        week of it; they are probed at little money.
    """

    fired: tuple[Intervention, ...] = ()
    whole_week: bool = False
    channels: tuple[tuple[str, str], ...] = ()
    widened: float = 1.0
    frozen: tuple[str, ...] = ()
    silent: tuple[tuple[str, str], ...] = ()

    @property
    def held(self) -> tuple[str, ...]:
        """Channels that get what they had, where they can."""
        return self.frozen if self.whole_week else tuple(dict(self.channels))


class _Finding(NamedTuple):
    fired: Intervention
    whole_week: bool = False
    why: str = ""
    widened: float = 1.0


def watch(
    rails: Guardrails, week: Week, past: History, belief: Belief, last: dict[str, Decimal]
) -> Watch:
    """Return what speaks against moving money this week.

    Parameters
    ----------
    rails
        What holds.
    week
        The week decided.
    past
        Whole weeks before it.
    belief
        What was learned from them.
    last
        Last applied money by channel.
    """
    looked = (
        _frozen(rails, week),
        _missing(past, last),
        _impossible(past, belief, last),
        _off(rails, belief),
        *_collapsed(belief),
    )
    found = [one for one in looked if one is not None]
    held = tuple((name, one.why) for one in found if one.why for name in one.fired.channels)
    spending = {name for name, money in last.items() if money > 0}
    everything = bool(spending) and spending <= {name for name, _ in held}
    return Watch(
        fired=tuple(one.fired for one in found),
        whole_week=everything or any(one.whole_week for one in found),
        channels=held,
        widened=max([one.widened for one in found], default=1.0),
        silent=tuple(_silent(past, last)),
    )


def _frozen(rails: Guardrails, week: Week) -> _Finding | None:
    for first, last in rails.freezes:
        if first <= week.end and week.start <= last:
            said = say("week-frozen", first=str(first), last=str(last))
            return _Finding(Intervention("freeze", said), whole_week=True)
    return None


def _missing(past: History, last: dict[str, Decimal]) -> _Finding | None:
    """Return the channels with money whose last week was not reported."""
    spend, monday = past.spend[-1], str(past.weeks[-1])
    why = say("held-report-missing")
    if past.outcome is None:
        if np.isfinite(np.asarray(past.total)[-1]):
            return None
        said = say("outcome-missing", week=monday)
        return _Finding(Intervention("missing-report", said), whole_week=True, why=why)
    fresh = np.isfinite(past.spend[-1 - _FRESH : -1]).any(axis=0)
    unknown = np.where(np.isfinite(spend), ~np.isfinite(past.outcome[-1]) & (spend > 0), fresh)
    names = [n for n, gone in zip(past.channels, unknown, strict=True) if gone and last.get(n)]
    if not names:
        return None
    held = held_at(names, last)
    said = say("channel-report-missing", held=held, week=monday)
    figures = (("channels", float(len(names))),)
    return _Finding(Intervention("missing-report", said, figures, tuple(names)), why=why)


def _impossible(past: History, belief: Belief, last: dict[str, Decimal]) -> _Finding | None:
    """Return the channels that brought nothing at all where that was out of the question."""
    monday = str(past.weeks[-1])
    if past.outcome is None:
        total = np.asarray(past.total)
        earlier = total[:-1][np.isfinite(total[:-1])]
        if total[-1] != 0 or earlier.size < _TOTALS or not np.all(earlier > 0):
            return None
        said = say("no-outcome-reported", week=monday, weeks=earlier.size)
        figures = (("weeks", float(earlier.size)),)
        return _Finding(Intervention("impossible-report", said, figures), whole_week=True)
    rank = _chance_of_nothing(belief, past.weeks[-1])
    # NaN is not below anything: where nothing was predicted, nothing is impossible.
    odd = (past.outcome[-1] == 0) & (past.spend[-1] > 0) & (rank < _IMPOSSIBLE)
    names = [n for n, out in zip(past.channels, odd, strict=True) if out and last.get(n)]
    if not names:
        return None
    chance = float(np.max(rank[odd]))
    said = say(
        "report-impossible", held=held_at(names, last), week=monday, chance=show_bound(chance)
    )
    why = say("held-report-impossible")
    return _Finding(
        Intervention("impossible-report", said, (("chance", chance),), tuple(names)), why=why
    )


def _chance_of_nothing(belief: Belief, week: np.datetime64) -> NDArray[np.float64]:
    r"""Return the chance that each channel brings nothing in a week, NaN where it is not known.

    It is the share of its prediction below the outcome. Where the size of an event is a mere
    stand-in, that says nothing of how few events there may be; but the weeks before do: the mean
    square :math:`s^2` of their misses, of logarithms, is at least :math:`1/\lambda` with
    :math:`\lambda` events a week, so that nothing at all has a chance of :math:`e^{-1/s^2}` at
    most. For :math:`s^2` stands its upper bound at 95 % confidence, from `_TOTALS` weeks on.
    """
    at = np.flatnonzero(belief.log.weeks == week)
    walked = belief.walked
    if walked is None or not at.size:
        return np.full(len(belief.channels), np.nan)
    chance = np.array(walked.ranks[at[0]])
    before = walked.inputs.seen[: at[0]] & (walked.inputs.outcome[: at[0]] > 0)
    weeks = before.sum(axis=0)
    squares = np.sum(np.square(walked.records.miss[: at[0]]), axis=0, where=before)
    few = np.exp(-chdtri(np.maximum(weeks, 1), 0.95) / np.maximum(squares, 1e-12))
    few = np.where(weeks >= _TOTALS, few, np.nan)
    return np.where(walked.inputs.event_known, chance, np.maximum(chance, few))


def _collapsed(belief: Belief) -> Iterator[_Finding]:
    """Yield the channels whose response fell in the last weeks; the split counts on the fall."""
    walked = belief.walked
    for one in walked.collapses if walked is not None else ():
        name = belief.channels[one.channel]
        said = say(
            "response-collapsed",
            channel=quoted(name),
            week=str(belief.log.weeks[one.week]),
            share=f"{one.share:.0%}",
        )
        yield _Finding(Intervention("collapse", said, (("share", one.share),), (name,)))


def _silent(past: History, last: Mapping[str, Decimal]) -> Iterator[tuple[str, str]]:
    """Yield channels without any spend in the last weeks, with the first of these weeks."""
    if len(past.weeks) < _SILENT:
        return
    for at, name in enumerate(past.channels):
        spend = past.spend[:, at]
        spent = np.flatnonzero(spend != 0)  # Unreported is not nothing.
        first = int(spent[-1]) + 1 if spent.size else 0
        before = bool(last.get(name)) or bool(np.any(spend > 0))
        if before and len(spend) - first >= _SILENT:
            yield name, str(past.weeks[first])


def _off(rails: Guardrails, belief: Belief) -> _Finding | None:
    r"""Return the alarm on calibration.

    The share inside must lie beyond the bounds, and so far from the level that the bands, were they
    right, would let it happen in one week of a hundred: a binomial tail. Bands that held a share
    ``c`` for a level ``l`` are too narrow by the factor
    :math:`\Phi^{-1}(\tfrac12 + l/2)\,/\,\Phi^{-1}(\tfrac12 + c/2)`. Bands that are too wide err to
    the safe side: that is said, and nothing is held for it.
    """
    found = belief.calibration(rails.calibration_weeks, _LEVEL)
    share = found.covered
    if share is None or found.outcomes < _OUTCOMES:
        return None
    said = say(
        "band-coverage",
        inside=found.inside,
        outcomes=found.outcomes,
        weeks=rails.calibration_weeks,
        level=f"{_LEVEL:.0%}",
    )
    figures = (("covered", share), ("outcomes", float(found.outcomes)))
    fewer = bdtr(found.inside, found.outcomes, _LEVEL)
    more = bdtr(found.outcomes - found.inside, found.outcomes, 1.0 - _LEVEL)
    if share < rails.least_covered and fewer < _BY_CHANCE:
        narrow = ndtri(0.5 + 0.5 * share) if share > 0 else 0.0
        factor = float(min(_WIDEST, ndtri(0.5 + 0.5 * _LEVEL) / max(narrow, 1e-9)))
        said = say(
            "bands-too-narrow",
            found=said,
            least=f"{rails.least_covered:.0%}",
            factor=f"{factor:.2g}",
        )
        fired = Intervention("calibration", said, (*figures, ("widened", factor)))
        return _Finding(fired, whole_week=True, widened=factor)
    if share > rails.most_covered and more < _BY_CHANCE:
        said = say("bands-too-wide", found=said, most=f"{rails.most_covered:.0%}")
        return _Finding(Intervention("calibration", said, figures))
    return None


def held_at(names: Sequence[str], last: Mapping[str, Decimal]) -> str:
    """Return which channels stay, and at what."""
    shown = [
        say("channel-at", channel=quoted(name), money=show_amount(last.get(name, Decimal(0))))
        for name in names
    ]
    *most, end = shown
    if not most:
        return say("channel-held", channel=end)
    return say("channels-held", channels=joined([listed(most), end]))


_EXACT = 1e-9
"""Share of the budget by which floating-point arithmetic may miss a bound."""
_PROBE = 0.1
"""Share of its usual money at which a channel is probed that spent nothing of late."""


def checked_spend(problem: Problem, policy: str, answer: Any) -> Floats:
    """Return a policy's answer, or withhold it.

    Half a minor unit is let pass: rounding to exact money takes it away.

    Parameters
    ----------
    problem
        The week's bounds and budget.
    policy
        Name of the policy, for the message.
    answer
        Money by channel, shape ``(channels,)``.

    Raises
    ------
    VerificationError
        ``broken-limit``, with the first limit that is broken.
    """
    try:
        spend = np.asarray(answer, dtype=np.float64)
    except (TypeError, ValueError):
        spend = np.full(0, np.nan)
    if spend.shape != (len(problem.names),) or not np.isfinite(spend).all():
        raise not_amounts(policy, answer, len(problem.names))
    slack = 0.5 / problem.money.units + _EXACT * problem.budget / problem.money.units
    bounds = problem.bounds
    for way, least, limit, rules in (
        ("below", problem.lower - spend, problem.lower, bounds.lower_rule),
        ("above", spend - problem.upper, problem.upper, bounds.upper_rule),
    ):
        if np.any(least > slack):
            at = int(np.argmax(least))
            rule = RULES[rules[at]] or ("zero" if way == "below" else "the budget")
            problem_said = say(
                "gave-below" if way == "below" else "gave-above",
                channel=quoted(problem.names[at]),
                spend=show_figure(spend[at]),
                rule=rule,
                limit=show_figure(limit[at], 15),
            )
            raise _withheld(policy, problem_said, float(spend[at]))
    total, budget = float(spend.sum()), problem.budget / problem.money.units
    if total > budget + slack:
        rest = say("above-budget", budget=show_figure(budget, 15))
        raise _withheld(policy, say("policy-spent", total=show_figure(total, 15), rest=rest), total)
    broken = violated_limits(problem, spend)
    if broken:
        raise _withheld(policy, say("broke-limit", broken=repr(broken[0])), broken[0])
    return spend


def holding(problem: Problem, channels: Iterable[str]) -> Problem:
    """Return a problem in which some channels get what they got last week, within their bounds.

    Raises
    ------
    InfeasibleError
        ``floors-above-budget`` or ``cannot-spend-all``.
    """
    held = np.isin(problem.names, list(channels))
    if not held.any() or problem.last is None:
        return problem
    bounds = problem.bounds
    stay = np.clip(problem.last, bounds.lower, bounds.upper)
    # Where a bound moves it all the same, that bound says why.
    rule = np.where(problem.last < stay, bounds.lower_rule, bounds.upper_rule)
    rule = np.where(problem.last == stay, LOCKED, rule)
    narrow = Bounds(
        np.where(held, stay, bounds.lower),
        np.where(held, stay, bounds.upper),
        np.where(held, rule, bounds.lower_rule).astype(np.int8),
        np.where(held, rule, bounds.upper_rule).astype(np.int8),
    )
    tighter = replace(problem, bounds=narrow)
    refuse_infeasible(tighter)
    return tighter


def probing(problem: Problem, usual: Mapping[str, float]) -> Problem:
    """Return a problem in which some channels get little money, as far as the limits let them.

    That is a tenth of their usual week, or the least that the limits require. Where the limits
    leave no such split, the problem stays as it is.

    Parameters
    ----------
    problem
        The week.
    usual
        Usual money of the channels that are probed.
    """
    bounds = problem.bounds
    upper, rule = bounds.upper.copy(), bounds.upper_rule.copy()
    for name, money in usual.items():
        at = problem.index[name]
        lot = int(problem.lots[at])
        little = int(_PROBE * money * problem.money.units) // lot * lot
        least = max(int(bounds.lower[at]), int(problem.least_on[at]), lot)
        if max(least, little) < upper[at]:
            upper[at], rule[at] = max(least, little), CAP
    tighter = replace(problem, bounds=replace(bounds, upper=upper, upper_rule=rule))
    try:
        refuse_infeasible(tighter)
    except InfeasibleError:
        return problem
    return tighter


def best_split(problem: Problem) -> tuple[Solved, SolverError | None]:
    """Return the best split on whole steps; or last week's, and why there is no better one.

    The bound of last week's is rough: what all channels bring at their upper bounds.
    """
    try:
        return solve_in_steps(problem), None
    except SolverError as error:
        every = (problem.lower, problem.upper, problem.budget_money)
        held = fit_spend(problem.last_money, *map(np.asarray, every), all_=problem.spend_all)
        most = np.minimum(problem.upper, problem.budget_money)
        bound = problem.weight @ problem.curves.value(most) - problem.cost @ problem.lower
        return Solved(held, np.zeros(problem.rows.size), float(bound), "hold"), error


def _withheld(policy: str, problem: Message, value: float | str) -> VerificationError:
    return VerificationError(
        "broken-limit",
        say("policy-did-wrong", policy=repr(policy), problem=problem),
        field="policy",
        value=value,
        remedy=say("remedy-fix-policy-view-project"),
    )


NOTABLE = 0.02
"""Share by which the best split must exceed the best within the change limits to be spoken of."""
_CLIMBS = 0.1
"""Share of what is missing that a step must bring where steps are said to lead there."""
_COMMAND, _LIMIT = "'budgetopt ramp'", "'max_change'"


class Beyond(NamedTuple):
    """A better split that the change limits keep out of reach.

    Parameters
    ----------
    more
        What it brings by the goal more than the best split within the change limits.
    share
        The same as a share of what that split brings.
    climbs
        Whether the step after this week's brings a notable part of it, so that steps lead there.
    goal
        What is maximised, as `Allocation.goal` calls it.
    """

    more: float
    share: float
    climbs: bool
    goal: str = "outcome"

    def sentence(self) -> Message:
        """Return what it is worth, and what shows the way."""
        said = {"more": show_figure(self.more, 4), "share": f"{100 * self.share:.2g}"}
        worth = say("worth-outcome", **said)
        if self.goal != "outcome":
            worth = say("worth-by-goal", **said)
        if self.climbs:
            return say("beyond-limits", worth=worth, command=_COMMAND)
        return say("beyond-limits-s-shaped", worth=worth, command=_COMMAND, limit=_LIMIT)

    def to_dict(self) -> dict[str, Any]:
        """Return the fields, and the sentence for those who read no further."""
        return {**self._asdict(), "sentence": str(self.sentence())}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any] | None) -> Beyond | None:
        """Return what `to_dict` returned, None for nothing."""
        if data is None:
            return None
        return cls(float(data["more"]), float(data["share"]), bool(data["climbs"]), data["goal"])


def beyond_change(
    plan: Plan,
    belief: Any,
    last: Mapping[str, Decimal],
    problem: Problem,
    best: Solved,
    held: tuple[str, ...],
    goal: str,
) -> Beyond | None:
    """Return the better split that change limits keep out of reach, None where none is notable.

    Parameters
    ----------
    plan, belief, last
        The week's plan, what is believed, and the last applied money.
    problem, best
        The week under its change limits, and its best split.
    held
        Channels that stay where they are, whatever the change limits.
    goal
        What is maximised, as `Allocation.goal` calls it.
    """
    if problem.curves.concave or not last:
        return None

    def reached(plan: Plan, last: Mapping[str, Decimal]) -> float:
        found = solve(holding(problem_of(plan, belief, last), held))
        return problem.objective(found.spend)

    here = problem.objective(best.spend)
    try:
        more = reached(with_change(plan, lambda rule: MaxChange()), last) - here
        if more < NOTABLE * abs(here) or more <= 0:
            return None
        minor = np.rint(best.spend * plan.money.units).astype(np.int64)
        week = dict(zip(plan.names, plan.money.amounts(minor.tolist()), strict=True))
        step = reached(plan, week) - here
    except (InfeasibleError, SolverError):
        return None
    share = more / abs(here) if here else 1.0
    return Beyond(more, share, step >= _CLIMBS * more, goal)


def with_change(plan: Plan, change: Callable[[MaxChange], MaxChange]) -> Plan:
    """Return a plan with other change limits, of its own and of its channels."""
    channels = tuple(
        c if c.max_change is None else replace(c, max_change=change(c.max_change))
        for c in plan.channels
    )
    return replace(plan, channels=channels, max_change=change(plan.max_change))
