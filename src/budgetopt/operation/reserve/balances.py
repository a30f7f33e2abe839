"""What the three reserves hold, and when contingency is released.

Every week holds back its part of each kind, as the plan says. Within a fiscal period these parts
add up, counted by dated days; what is left of them when the period ends is not carried over.

- *Contingency* is lowered by releases and by overspends that it answers.
- *Test* money is spent to learn, by the policy that tests.
- *Holdout* is never touched: there is no `Movement` that names it, so that no sequence of calls can
  lower it.

Money is only ever released by a rule of the plan (`releases_due`) or by a person who says why
(`release_by_hand`); neither gives more than there is.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from math import isfinite
from typing import Any

from budgetopt.calendar import Week, as_date, by_period, periods
from budgetopt.errors import MoneyError
from budgetopt.figures import show_figure
from budgetopt.money import show_amount as show
from budgetopt.operation.pacing import Pace
from budgetopt.operation.reserve.accounts import Account, Balances, Movement, wrong
from budgetopt.plan import Plan
from budgetopt.plan.operation import Release
from budgetopt.plan.reserve import KINDS
from budgetopt.words import Sentence, say

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
    sentence: Sentence
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
        raise wrong("weeks", "is empty", "give the first day of at least one week")
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
        template = "{amount} of {balance} contingency is released, as {why}"
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
            raise wrong(name, "is missing", "a release by hand needs a name and a reason")
    there = balances.contingency.balance
    money = _released(plan, amount, there)
    if as_date(on, "on") not in balances.period:
        raise wrong("on", f"is {on}", f"the balance is that of {balances.period.label}")
    return Movement(on, "release", money, who.strip(), why.strip())


def _released(plan: Plan, amount: Any, there: Decimal) -> Decimal:
    """Return money that may be released of what there is."""
    left = f"at most {show(there)}" if there else "but no contingency is left"
    plain = f"give a plain amount above 0, {left}"
    try:
        money = plan.money.amount(plan.money.minor(amount, "amount"))
    except MoneyError as error:
        code, problem = error.code, error.problem
        raise MoneyError(code, problem, field="amount", value=amount, remedy=plain) from None
    if not money:
        raise wrong("amount", "is 0", plain)
    if money > there:
        remedy = f"give {left}" if there else "wait for the next fiscal period"
        raise wrong("amount", f"is {show(money)}, above the contingency {show(there)}", remedy)
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


def _declared(rule: Release, pace: Any, mroas: Any, scenarios: Collection[str]) -> Sentence | None:
    if rule.scenario not in scenarios:
        return None
    return say("the scenario {scenario} is declared", scenario=rule.scenario)


def _behind(
    rule: Release, pace: Pace | float | None, mroas: Any, scenarios: Any
) -> Sentence | None:
    """Return that the projection is below the plan by the share of a rule, held exactly."""
    if pace is None:
        return None
    # A setting stands for the shortest decimal that prints it.
    hurdle = Fraction(repr(rule.pace))
    if not isinstance(pace, Pace):
        if not isfinite(pace) or Fraction(repr(float(pace))) < hurdle:
            return None
        return say("the projection is {share} below the plan", share=f"{pace:.1%}")
    total = pace.period.total
    planned, projection = Fraction(total.planned), Fraction(total.projection)
    if planned <= 0 or planned - projection < hurdle * planned:
        return None
    template = "the projection {projection} is {share} below the planned {planned}"
    share = f"{float((planned - projection) / planned):.1%}"
    money = {"projection": show(total.projection), "planned": show(total.planned)}
    return say(template, share=share, **money)


def _worthwhile(
    rule: Release, pace: Any, mroas: Mapping[str, float], scenarios: Any
) -> Sentence | None:
    known = {name: value for name, value in mroas.items() if isfinite(value)}
    best = max(known, key=lambda name: known[name], default=None)
    if best is None or rule.hurdle is None or known[best] < rule.hurdle:
        return None
    template = "the next unit of money brings {mroas} in {channel}, at least {hurdle}"
    shown = {"mroas": show_figure(known[best], 4), "hurdle": show_figure(rule.hurdle, 4)}
    return say(template, channel=best, **shown)


_WHY: dict[str, Callable[..., Sentence | None]] = {
    "scenario": _declared,
    "pace": _behind,
    "mroas": _worthwhile,
}
"""Why a rule of each kind releases, or None where it does not."""


def _overdrawn(plan: Plan, kind: str, one: Movement, taken: int, there: int) -> MoneyError:
    show_minor = plan.money.show
    return MoneyError(
        "bad-money",
        f"{show_minor(taken)} of {kind} was taken by {one.on}, of {show_minor(there)} that had "
        "been held back by then",
        field=f"movements.{kind}",
        value=str(one.amount),
        remedy="take no more than the balance",
    )
