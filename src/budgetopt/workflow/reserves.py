r"""Reserves: what the three of them hold, when contingency is released, and who pays overspends.

Every week holds back its part of each kind, as the plan says. Within a fiscal period these parts
add up, counted by dated days (`balances`); what is left when the period ends is not carried over.

- *Contingency* is lowered by releases and by overspends that it pays for.
- *Test* money is spent to learn, by the policy that tests.
- *Holdout* is never touched: no `Movement` names it, so that no sequence of calls can lower it.

Money is released by a rule of the plan (`releases_due`) or by a person who says why
(`release_by_hand`); neither gives more than there is.

`answer_overspend` says what pays for money spent beyond the plan of a week, to the last minor unit.
By the rule chosen it is paid for, in this order, by

- ``"reserve"``: what other channels leave of their own plan, then contingency, while it lasts;
- ``"weakest"``: what other channels leave, then the channels whose next unit of money brings least,
  from what they still have to spend this week and, where that is not enough, from next week's;
- ``"stop"``: the channel itself: it gets no more this week than is left of its plan, nothing where
  it is used up, and what is spent beyond it is taken off its next week; what that does not pay is
  held against what other channels leave.

Nobody is taken below a floor, a minimum, or a lock; what cannot be paid for is said, and is paid
by what later weeks have (`answer_owed`): contingency, or money of the weeks decided then.

The books follow a week that is revised: what it spent beyond what was answered before is answered
by itself, and what it turns out to leave pays for what is still owed. What was paid stays paid.

Cutting the weakest first loses least as long as each unit counts its marginal return :math:`m_j`:
the least of :math:`\sum_j m_j t_j` with :math:`\sum_j t_j` given and :math:`0 \le t_j \le r_j`
fills the smallest :math:`m_j` first, by exchange. Marginal returns rise as money goes, so that for
a large overspend the next decision, which knows the curves, does better: an answer says who pays,
and is no split of a week.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from decimal import Decimal
from fractions import Fraction
from math import inf, isfinite, isnan
from typing import Any, Literal, NamedTuple, Self, get_args

from budgetopt.arguments import Given, record
from budgetopt.calendar import Period, Week, as_date, by_period, periods
from budgetopt.errors import MoneyError, did_you_mean
from budgetopt.i18n import Message, say, show_figure
from budgetopt.messages import as_message
from budgetopt.money import as_decimal, difference_of, total_of
from budgetopt.money import show_amount as show
from budgetopt.notebook import short
from budgetopt.plan import KINDS, Overspend, Plan, Release
from budgetopt.workflow.pacing import Pace, Paced
from budgetopt.workflow.validation import wrong_argument

MoveKind = Literal["release", "overspend", "test"]
_KINDS: tuple[MoveKind, ...] = get_args(MoveKind)


@record()
class Movement:
    """Money that left a reserve.

    Parameters
    ----------
    on
        Day that it counts on.
    kind
        ``"release"`` and ``"overspend"`` are taken from contingency, ``"test"`` is spent from the
        test reserve. Nothing is taken from the holdout.
    amount
        Money, above 0.
    who, why
        Who took it, and the reason.

    Raises
    ------
    InputError, MoneyError, CalendarError
        ``bad-argument``, ``bad-money``, ``bad-date``.
    """

    on: Given[dt.date]
    kind: MoveKind
    amount: Given[Decimal]
    who: str = ""
    why: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "on", as_date(self.on, "on"))
        object.__setattr__(self, "amount", as_decimal(self.amount, "amount"))
        if self.kind not in _KINDS:
            raise wrong_argument(
                "kind",
                say("part-is-value", level=repr(self.kind)),
                did_you_mean(str(self.kind), _KINDS),
            )
        if not self.amount:
            raise wrong_argument("amount", say("part-is-zero"), say("remedy-what-leaves-reserve"))

    @property
    def reserve(self) -> str:
        """The kind of reserve that it leaves."""
        return "test" if self.kind == "test" else "contingency"

    def to_dict(self) -> dict[str, str]:
        """Return the movement as plain data for JSON."""
        return {**asdict(self), "on": str(self.on), "amount": str(self.amount)}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """Return the movement of `to_dict`."""
        return cls(**data)


@dataclass(frozen=True)
class Account:
    """One kind of reserve within a fiscal period.

    Parameters
    ----------
    built
        Money that its weeks have held back.
    taken
        Money that left it.
    """

    built: Decimal
    taken: Decimal = Decimal(0)

    @property
    def balance(self) -> Decimal:
        """Money that is left."""
        return difference_of(self.built, self.taken)


@dataclass(frozen=True)
class Balances:
    """What the reserves hold in a fiscal period.

    Parameters
    ----------
    currency
        ISO 4217 code.
    period
        The fiscal period.
    contingency, test, holdout
        The accounts.
    """

    currency: str
    period: Period
    contingency: Account
    test: Account
    holdout: Account

    def sentence(self) -> Message:
        """Return all three in one sentence."""
        template = "reserve-balances"
        return say(
            template,
            period=self.period.label,
            left=show(self.contingency.balance),
            built=show(self.contingency.built),
            test_left=show(self.test.balance),
            test=show(self.test.built),
            holdout=show(self.holdout.balance),
        )

    def to_dict(self) -> dict[str, Any]:
        """Return the balances as plain data for JSON, money as text."""
        period = {k: str(v) for k, v in asdict(self.period).items()}
        accounts = {
            kind: {name: str(getattr(account, name)) for name in ("built", "taken", "balance")}
            for kind, account in ((kind, getattr(self, kind)) for kind in KINDS)
        }
        return {"currency": self.currency, "period": period, **accounts}


_DAY = dt.timedelta(days=1)


@dataclass(frozen=True)
class Due:
    """A release that a rule of the plan asks for.

    Parameters
    ----------
    rule
        The rule.
    amount
        Money, above 0 and at most the balance.
    balance
        Contingency before it.
    sentence
        What is released and why.
    key
        When the rule releases, and the fiscal period: it releases once in a period.
    """

    rule: Release
    amount: Decimal
    balance: Decimal
    sentence: Message
    key: str

    def movement(self, on: dt.date, who: str = "rule") -> Movement:
        """Return the release as a movement."""
        return Movement(on, "release", self.amount, who, self.sentence)

    def to_dict(self) -> dict[str, Any]:
        """Return the release as plain data for JSON."""
        money = {"amount": str(self.amount), "balance": str(self.balance)}
        words = {"sentence": str(self.sentence), "said": self.sentence.to_dict()}
        return {"rule": self.rule.to_dict(), **money, **words, "key": self.key}


def parts_of(plan: Plan, week: dt.date) -> dict[str, Decimal]:
    """Return what a week holds back by kind, for the ledger to keep."""
    dated = plan.on(Week(week))
    budget = dated.money.minor(dated.budget, "budget")
    parts = dated.reserve.parts(budget, dated.money)
    return {kind: dated.money.amount(minor) for kind, minor in parts.items()}


def balances(
    plan: Plan,
    weeks: Iterable[dt.date] | Mapping[dt.date, Mapping[str, Any]],
    movements: Iterable[Movement] = (),
    *,
    on: dt.date | None = None,
) -> Balances:
    r"""Return what the reserves hold in a fiscal period.

    :math:`B = \sum_w h_w(P) - \sum_m a_m`: the part :math:`h_w(P)` of the money that week ``w``
    holds back which falls on days of the period ``P``, less the movements dated in it.

    Parameters
    ----------
    plan
        Reserve, phases and fiscal periods.
    weeks
        First days of the weeks lived so far, the one that is being decided included; or what each
        of them held back by kind, as `parts_of` gives it, where the plan was another one then.
    movements
        What left the reserves.
    on
        Day whose period is asked for; by default the last day of the last week.

    Raises
    ------
    InputError
        ``bad-argument`` where there is no week, or where more was taken than had been built up by
        then.
    """
    held = {as_date(w, "week"): _parts(plan, weeks, w) for w in weeks}
    if not held:
        raise wrong_argument("weeks", say("part-is-empty"), say("remedy-first-day-least"))
    day = max(held) + 6 * _DAY if on is None else as_date(on, "on")
    fiscal = plan.operation.fiscal
    period = periods(day, day, fiscal, plan.week_start)[0]
    moved = [m for m in movements if m.on in period]

    def built(kind: str, until: dt.date) -> int:
        weekly = {week: parts[kind] for week, parts in held.items() if week <= until}
        return by_period(weekly, fiscal).get(period, 0)

    def account(kind: str) -> Account:
        taken = 0
        for one in sorted((m for m in moved if m.reserve == kind), key=lambda m: m.on):
            taken += plan.money.minor(one.amount, f"{one.kind} of {one.on}")
            there = built(kind, one.on)
            if taken > there:
                raise _overdrawn(plan, kind, one, taken, there)
        return Account(*map(plan.money.amount, (built(kind, period.last), taken)))

    return Balances(plan.currency, period, *map(account, KINDS))


def releases_due(
    plan: Plan,
    balances: Balances,
    pace: Pace | float | None = None,
    mroas: Mapping[str, float] | None = None,
    scenarios: Collection[str] = (),
    *,
    released: Collection[str] = (),
) -> tuple[Due, ...]:
    """Return the releases of contingency that rules of the plan ask for now.

    Each takes its share of what those before it leave, rounded down to the minor unit.

    Parameters
    ----------
    plan
        The rules, in the order in which they are asked.
    balances
        What there is.
    pace
        Spend against plan, of which the fiscal period counts; or the share by which a projection,
        such as that of the outcome, lies below its plan.
    mroas
        Value that the next unit of money brings, by channel that may get more. What is not finite
        says nothing.
    scenarios
        Names of those that are declared.
    released
        Keys of what was released before; a rule releases once in a period.
    """
    left, found = plan.money.minor(balances.contingency.balance, "balance"), []
    rules = plan.operation.releases
    for at, rule in enumerate(rules):
        key = f"release:{_named(rules, at)}:{balances.period.label}"
        why = _WHY[rule.when](rule, pace, mroas or {}, scenarios)
        minor = int(Fraction(rule.share) * left)
        if why is None or not minor or key in released:
            continue
        amount, balance = plan.money.amount(minor), plan.money.amount(left)
        template = "contingency-released"
        said = say(template, amount=show(amount), balance=show(balance), why=why)
        found.append(Due(rule, amount, balance, said, key))
        left -= minor
    return tuple(found)


def release_by_hand(
    plan: Plan, balances: Balances, amount: Any, who: str, why: str, on: dt.date
) -> Movement:
    """Return a release that a person decides.

    Parameters
    ----------
    plan
        For the currency.
    balances
        What there is, of the period that `on` lies in.
    amount
        Money, above 0, at most the contingency's balance.
    who, why
        Name and reason; neither may be blank.
    on
        Day that it counts on.

    Raises
    ------
    InputError
        ``bad-argument``.
    MoneyError
        ``bad-money``.
    """
    for name, text in (("who", who), ("why", why)):
        if not isinstance(text, str) or not text.strip():
            raise wrong_argument(name, say("part-is-missing"), say("remedy-release-hand-needs"))
    there = balances.contingency.balance
    money = _released(plan, amount, there)
    if as_date(on, "on") not in balances.period:
        raise wrong_argument(
            "on", say("part-is-value", level=on), say("balance-is-of", label=balances.period.label)
        )
    return Movement(on, "release", money, who.strip(), why.strip())


def _released(plan: Plan, amount: Any, there: Decimal) -> Decimal:
    """Return money that may be released of what there is."""
    left = say("left-at-most", left=show(there)) if there else say("left-nothing")
    plain = say("remedy-plain-amount", left=left)
    try:
        money = plan.money.amount(plan.money.minor(amount, "amount"))
    except MoneyError as error:
        code, problem = error.code, as_message(error.problem)
        raise MoneyError(code, problem, field="amount", value=amount, remedy=plain) from None
    if not money:
        raise wrong_argument("amount", say("part-is-zero"), plain)
    if money > there:
        remedy = say("remedy-give-needed", needed=left) if there else say("remedy-wait-next-fiscal")
        raise wrong_argument(
            "amount", say("above-contingency", money=show(money), there=show(there)), remedy
        )
    return money


def _named(rules: Sequence[Release], at: int) -> str:
    """Return what tells a rule from others wherever it stands: when it releases, not how much."""
    rule = rules[at]
    when = rule.when, rule.scenario, rule.pace, rule.hurdle
    same = sum((one.when, one.scenario, one.pace, one.hurdle) == when for one in rules[:at])
    # Names may be anything, and a ledger's keys not.
    return f"{rule.when}:{hashlib.sha256(repr(when).encode()).hexdigest()[:16]}:{same + 1}"


def _parts(plan: Plan, weeks: Any, week: dt.date) -> dict[str, int]:
    known = weeks[week] if isinstance(weeks, Mapping) else parts_of(plan, as_date(week, "week"))
    return {kind: plan.money.minor(known.get(kind, 0), f"{kind} of {week}") for kind in KINDS}


def _declared(rule: Release, pace: Any, mroas: Any, scenarios: Collection[str]) -> Message | None:
    if rule.scenario not in scenarios:
        return None
    return say("scenario-declared", scenario=rule.scenario)


def _behind(rule: Release, pace: Pace | float | None, mroas: Any, scenarios: Any) -> Message | None:
    """Return that the projection is below the plan by the share of a rule, held exactly."""
    if pace is None:
        return None
    # A setting stands for the shortest decimal that prints it.
    hurdle = Fraction(repr(rule.pace))
    if not isinstance(pace, Pace):
        if not isfinite(pace) or Fraction(repr(float(pace))) < hurdle:
            return None
        return say("projection-below-plan", share=f"{pace:.1%}")
    total = pace.period.total
    planned, projection = Fraction(total.planned), Fraction(total.projection)
    if planned <= 0 or planned - projection < hurdle * planned:
        return None
    template = "money-projection-below-plan"
    share = f"{float((planned - projection) / planned):.1%}"
    money = {"projection": show(total.projection), "planned": show(total.planned)}
    return say(template, share=share, **money)


def _worthwhile(
    rule: Release, pace: Any, mroas: Mapping[str, float], scenarios: Any
) -> Message | None:
    known = {name: value for name, value in mroas.items() if isfinite(value)}
    best = max(known, key=lambda name: known[name], default=None)
    if best is None or rule.hurdle is None or known[best] < rule.hurdle:
        return None
    template = "mroas-above-hurdle"
    shown = {"mroas": show_figure(known[best], 4), "hurdle": show_figure(rule.hurdle, 4)}
    return say(template, channel=best, **shown)


_WHY: dict[str, Callable[..., Message | None]] = {
    "scenario": _declared,
    "pace": _behind,
    "mroas": _worthwhile,
}
"""Why a rule of each kind releases, or None where it does not."""


def _overdrawn(plan: Plan, kind: str, one: Movement, taken: int, there: int) -> MoneyError:
    show_minor = plan.money.show
    return MoneyError(
        "bad-money",
        say(
            "taken-had-been", taken=show_minor(taken), kind=kind, on=one.on, there=show_minor(there)
        ),
        field=f"movements.{kind}",
        value=str(one.amount),
        remedy=say("remedy-take-no-more"),
    )


Payer = Literal["left-over", "reserve", "this-week", "next-week"]
_RULES: tuple[Overspend, ...] = ("reserve", "weakest", "stop")


@dataclass(frozen=True)
class Source:
    """Where some of the money comes from.

    Parameters
    ----------
    payer
        ``"left-over"``: a channel's plan that will not be spent. ``"reserve"``: contingency.
        ``"this-week"``: money that a channel still had to spend. ``"next-week"``: money of its next
        week.
    channel
        Name; empty for contingency.
    amount
        Money, above 0.
    """

    payer: Payer
    channel: str
    amount: Decimal


@short
@dataclass(frozen=True)
class Answered:
    """Who pays for an overspend.

    Parameters
    ----------
    week
        First day of the week.
    rule
        ``"reserve"``, ``"weakest"`` or ``"stop"``.
    over
        Money beyond the plan, by channel that is.
    sources
        Who pays, in order.
    uncovered
        What nobody pays for.
    later
        Whether it answers what nobody paid for before.
    revised
        Whether it answers what a revision of the week added to what was answered before.

    Raises
    ------
    InputError
        ``bad-argument`` where the sources and what is uncovered are not what is over.
    """

    week: dt.date
    rule: Overspend
    over: tuple[tuple[str, Decimal], ...]
    sources: tuple[Source, ...]
    uncovered: Decimal
    later: bool = False
    revised: bool = False

    def __post_init__(self) -> None:
        if self.total != total_of((self.uncovered, *(s.amount for s in self.sources))):
            raise wrong_argument("sources", say("do-not-add"), say("remedy-name-source-once"))

    @property
    def total(self) -> Decimal:
        """All that is over."""
        return total_of(money for _, money in self.over)

    @property
    def owed(self) -> dict[str, Decimal]:
        """What nobody pays for, by channel that is over: less what it pays itself, in order."""
        left = dict(self.over)
        for source in self.sources:
            if source.payer in _OWN and source.channel in left:
                # What it pays beyond its own overspend is for the other channels.
                money = left[source.channel]
                left[source.channel] = difference_of(money, min(money, source.amount))
        others = difference_of(total_of(left.values()), self.uncovered)
        for name, money in left.items():
            paid = min(money, others)
            left[name], others = difference_of(money, paid), difference_of(others, paid)
        return {name: money for name, money in left.items() if money}

    def paid(self, payer: Payer) -> Decimal:
        """Return what one kind of source pays."""
        return total_of(s.amount for s in self.sources if s.payer == payer)

    def carried(self) -> Answered:
        """Return what nobody pays for as it stands in a later week, before anybody pays."""
        return replace(self, over=tuple(self.owed.items()), sources=(), later=True, revised=False)

    def joined(self, other: Answered) -> Answered:
        """Return what nobody pays for by this answer and another one on the same week."""
        both = (self.owed, other.owed)
        names = dict.fromkeys(name for owed in both for name in owed)
        over = {name: total_of(owed.get(name, Decimal(0)) for owed in both) for name in names}
        uncovered = total_of((self.uncovered, other.uncovered))
        return replace(self.carried(), over=tuple(over.items()), uncovered=uncovered)

    def without(self, payer: Payer) -> Answered:
        """Return the answer where one kind of source cannot pay."""
        kept = tuple(s for s in self.sources if s.payer != payer)
        return replace(self, sources=kept, uncovered=total_of((self.uncovered, self.paid(payer))))

    def counts_on(self, decided: dt.date) -> dt.date:
        """Return the week whose money pays: that which is over, or later the one decided then."""
        return decided if self.later else self.week

    def movement(self, on: dt.date, who: str = "rule") -> Movement | None:
        """Return what leaves contingency as a movement; None where nothing does."""
        taken = self.paid("reserve")
        return Movement(on, "overspend", taken, who, self.sentence()) if taken else None

    def sentence(self) -> Message:
        """Return who pays what in one sentence."""
        over = tuple(
            say("amount-in-channel", amount=show(money), channel=name) for name, money in self.over
        )
        if not over:
            return say("no-overspend")
        paid = tuple(
            say(_PAYERS[s.payer], amount=show(s.amount), channel=s.channel) for s in self.sources
        )
        values = {"total": show(self.total), "over": over, "paid": paid, "week": str(self.week)}
        whole, none, part = _LATER if self.later else _REVISED if self.revised else _FIRST
        if not self.uncovered:
            return say(whole, **values)
        values["uncovered"] = show(self.uncovered)
        return say(part if paid else none, **values)

    def to_dict(self) -> dict[str, Any]:
        """Return plain data for JSON, money as text."""
        sources = [
            {"payer": s.payer, "channel": s.channel, "amount": str(s.amount)} for s in self.sources
        ]
        return {
            "week": str(self.week),
            "rule": self.rule,
            "over": {name: str(money) for name, money in self.over},
            "sources": sources,
            "uncovered": str(self.uncovered),
            "later": self.later,
            "revised": self.revised,
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """Return the answer of `to_dict`."""
        return cls(
            dt.date.fromisoformat(data["week"]),
            data["rule"],
            tuple((name, Decimal(money)) for name, money in data["over"].items()),
            tuple(Source(s["payer"], s["channel"], Decimal(s["amount"])) for s in data["sources"]),
            Decimal(data["uncovered"]),
            data.get("later", False),
            data.get("revised", False),
        )


_FIRST = (
    "overspend-paid",
    "overspend-unpaid",
    "overspend-partly-paid",
)
"""What is said where all is paid for, nothing, and a part."""
_LATER = (
    "owed-paid",
    "overspend-still-unpaid",
    "owed-partly-paid",
)
_REVISED = (
    "revised-overspend-paid",
    "revised-overspend-unpaid",
    "revised-overspend-partly-paid",
)
_OWN: tuple[Payer, ...] = ("this-week", "next-week")
_PAYERS: dict[Payer, str] = {
    "left-over": "paid-by-underspend",
    "reserve": "paid-by-contingency",
    "this-week": "paid-this-week",
    "next-week": "paid-next-week",
}


def answer_overspend(
    plan: Plan,
    week: Paced,
    rule: Overspend | None = None,
    *,
    balance: Any = 0,
    marginal: Mapping[str, float] | None = None,
    next_week: Mapping[str, Any] | None = None,
    least: Mapping[str, Any] | None = None,
    before: Iterable[Answered] = (),
) -> Answered:
    """Return who pays for what a week spends, or is projected to spend, beyond its plan.

    While days are left only channels that are ahead of the band count as over; when the week is
    over every unit does.

    Parameters
    ----------
    plan
        Floors, minimums and locks, and the rule of ``plan.operation.pacing``.
    week
        Plan, actual and projection of the week, `Pace.week`.
    rule
        ``"reserve"``, ``"weakest"`` or ``"stop"``, in place of the plan's.
    balance
        Contingency that there is.
    marginal
        What the next unit of money brings, by channel, for ``"weakest"``; in units that compare,
        such as value for money. Channels that are not named, or not known (NaN), pay last.
    next_week
        Money of the next week by channel; nothing is taken from it where it is not given.
    least
        What channels must have of it, by their change limits too.
    before
        What was answered of the week before it was revised: only what is new is over, or left.

    Raises
    ------
    InputError
        ``bad-argument`` for another rule, or where ``"weakest"`` has no marginal returns.
    """
    rule = plan.operation.pacing.overspend if rule is None else rule
    if rule not in _RULES:
        raise wrong_argument(
            "rule", say("part-is-value", level=repr(rule)), did_you_mean(str(rule), _RULES)
        )
    if rule == "weakest" and marginal is None:
        raise wrong_argument("marginal", say("part-is-missing"), say("remedy-what-next-unit"))
    earlier = tuple(before)
    minor = plan.money.minor
    planned, spent = (
        {line.channel: minor(getattr(line, part), part) for line in week.lines}
        for part in ("planned", "projection")
    )
    left = unsettled(plan, planned, spent, earlier)
    counts = {line.channel: line.status == "ahead" or not line.days_left for line in week.lines}
    over = {name: -rest for name, rest in left.items() if rest < 0 and counts[name]}
    purse = _Purse(plan, week, plan.last_minor(next_week or {}), plan.last_minor(least or {}))
    offered = tuple(_Offer("left-over", name, rest) for name, rest in left.items() if rest > 0)
    if rule == "reserve":
        offers = (*offered, _Offer("reserve", "", minor(balance, "balance")))
    elif rule == "weakest":
        offers = (*offered, *_weakest(purse, marginal or {}))
    else:
        offers = (*_own(purse, over), *offered)
    answered = _answered(plan, week.first, rule, over, offers)
    return replace(answered, revised=bool(earlier))


def unsettled(
    plan: Plan, planned: Mapping[str, int], spent: Mapping[str, int], before: Iterable[Answered]
) -> dict[str, int]:
    """Return what each channel leaves of its plan, below 0 where it is over, less what is answered.

    What a channel was over by an earlier answer is asked of nobody again, and what it left of its
    plan to others is left no more. All is in minor units.

    Parameters
    ----------
    plan
        Its channels.
    planned, spent
        Of one week, by channel.
    before
        What was answered of the week.
    """
    rest = {name: planned.get(name, 0) - spent[name] for name in plan.names if name in spent}
    for answered in before:
        for name, money in () if answered.later else answered.over:
            if name in rest:
                rest[name] += plan.money.minor(money, "over")
        for source in answered.sources:
            if source.payer == "left-over" and source.channel in rest:
                rest[source.channel] -= plan.money.minor(source.amount, "sources")
    return rest


def answer_owed(
    plan: Plan,
    before: Answered,
    rule: Overspend | None = None,
    *,
    balance: Any = 0,
    marginal: Mapping[str, float] | None = None,
    next_week: Mapping[str, Any] | None = None,
    least: Mapping[str, Any] | None = None,
    left: Mapping[str, int] | None = None,
) -> Answered:
    """Return who pays, in a later week, for what nobody paid for before.

    Parameters are those of `answer_overspend`: what other channels left of the week is gone, and
    contingency, or the money of the week decided now, is left. Where the week was revised since,
    `left` is what `unsettled` says that it leaves now, which pays first.
    """
    rule = plan.operation.pacing.overspend if rule is None else rule
    there = plan.last_minor({n: m for n, m in (next_week or {}).items() if n in plan.index})
    purse = _Purse(plan, None, there, plan.last_minor(least or {}))
    over = {name: plan.money.minor(money, "owed") for name, money in before.owed.items()}
    offers: Iterable[_Offer]
    if rule == "reserve":
        offers = [_Offer("reserve", "", plan.money.minor(balance, "balance"))]
    elif rule == "weakest":
        offers = _following(purse, marginal or {})
    else:
        own = ((name, minor) for name, minor in over.items() if name in plan.index)
        offers = [
            _Offer("next-week", n, min(purse.next_week(plan.index[n]), minor)) for n, minor in own
        ]
    freed = [_Offer("left-over", name, rest) for name, rest in (left or {}).items() if rest > 0]
    return replace(_answered(plan, before.week, rule, over, (*freed, *offers)), later=True)


def _answered(
    plan: Plan,
    week: dt.date,
    rule: Overspend,
    over: Mapping[str, int],
    offers: Iterable[_Offer],
) -> Answered:
    """Return who pays, each as much as it offers while anything is missing."""
    missing, sources = sum(over.values()), []
    for payer, channel, most in offers:
        taken = min(most, missing)
        if taken > 0:
            sources.append(Source(payer, channel, plan.money.amount(taken)))
            missing -= taken
    amounts = tuple((name, plan.money.amount(minor)) for name, minor in over.items())
    return Answered(week, rule, amounts, tuple(sources), plan.money.amount(missing))


class _Offer(NamedTuple):
    """Most that one payer can pay, in minor units."""

    payer: Payer
    channel: str
    most: int


class _Purse(NamedTuple):
    """What channels have in a week and the next, in minor units; the week is None once over."""

    plan: Plan
    week: Paced | None
    following: list[int]
    needed: list[int]

    def this_week(self, at: int) -> int:
        """Return what a channel still spends by the projection, down to the least of its week."""
        assert self.week is not None
        minor, line = self.plan.money.minor, self.week.lines[at]
        to_come, all_ = minor(line.to_come, "to_come"), minor(line.projection, "projection")
        return min(to_come, max(all_ - self.least(at, all_), 0))

    def next_week(self, at: int) -> int:
        """Return what can be taken off a channel's next week."""
        there = self.following[at]
        return max(there - max(self.least(at, there), self.needed[at]), 0)

    def least(self, at: int, money: int) -> int:
        """Return what a channel keeps: its floor, its minimum where it is on, all if locked."""
        floor, _, locked = self.plan.minor_bounds[at]
        return money if locked else max(floor, self.plan.minimums_minor[at])


def _weakest(purse: _Purse, marginal: Mapping[str, float]) -> Iterator[_Offer]:
    """Yield what channels can give, the least marginal return first, this week before the next."""
    for at in _by_worth(purse.plan, marginal):
        yield _Offer("this-week", purse.plan.names[at], purse.this_week(at))
    yield from _following(purse, marginal)


def _following(purse: _Purse, marginal: Mapping[str, float]) -> Iterator[_Offer]:
    """Yield what channels can give of the next week, the least marginal return first."""
    for at in _by_worth(purse.plan, marginal):
        yield _Offer("next-week", purse.plan.names[at], purse.next_week(at))


def _by_worth(plan: Plan, marginal: Mapping[str, float]) -> list[int]:
    known = [marginal.get(name, inf) for name in plan.names]
    worth = [inf if isnan(value) else value for value in known]
    return sorted(range(len(worth)), key=lambda at: worth[at])


def _own(purse: _Purse, over: Mapping[str, int]) -> Iterator[_Offer]:
    """Yield what each channel that is over can give of its own, up to what it is over."""
    for name, minor in over.items():
        at = purse.plan.index[name]
        now = min(purse.this_week(at), minor)
        yield _Offer("this-week", name, now)
        yield _Offer("next-week", name, min(purse.next_week(at), minor - now))
