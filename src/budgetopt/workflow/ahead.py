"""Change limits that cannot be kept: the least widening of one week, and the weeks ahead.

Floors, caps, locks and limits across channels are agreed with others; how far a channel may move in
a week is the planner's own guard. After a burst a smaller budget may lie below what all change
limits together allow, and a floor may have been raised beyond one of them; the week has to be
decided all the same. `least_widening` lets a channel whose floor or cap is out of its reach reach
it, and then widens all change limits by one factor, the smallest in thousandths under which a split
is left. A change limit of zero stays: somebody said that nothing moves.

`weeks_ahead` walks through the phases of a plan and says which weeks leave no split, as if each
week were spent to its budget in the shares of the week before, as far as bounds let it. Decided
splits differ: one that stands at floors is harder to follow than this one.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from budgetopt.calendar import Week
from budgetopt.curves import Log
from budgetopt.errors import InfeasibleError
from budgetopt.i18n import Message, listed, quoted, say
from budgetopt.money import Currency, show_amount, show_share, sum_minor
from budgetopt.optimize import believed_in, problem_of
from budgetopt.plan import Bounds, MaxChange, Plan, bounds_of
from budgetopt.weekly import best_split

Widening = Mapping[str, int]
"""Factors of change limits in thousandths, by channel; those that are not named keep theirs."""
_PLAIN = 1000
_MOST = 32 * _PLAIN
"""From 30 % to nearly ten times what a channel had: no change limit to speak of."""
_NAMED = 6
"""Channels that one sentence names."""


def widened(plan: Plan, by: Widening) -> Plan:
    """Return a plan whose change limits are wider."""
    if not by:
        return plan
    channels = tuple(
        replace(c, max_change=_wide(c.max_change or plan.max_change, by[c.name], plan.money))
        if c.name in by
        else c
        for c in plan.channels
    )
    return replace(plan, channels=channels)


def least_widening(plan: Plan, curves: Any, last: Mapping[str, Any]) -> Widening | None:
    """Return the least widening that leaves a split; None where none does.

    Parameters
    ----------
    plan
        The plan of the week.
    curves
        A belief, or curves by channel: some limits read them.
    last
        Money by channel that changes count from.
    """
    own = _own(plan, last)

    def factors(thousandths: int) -> Widening:
        every = {name: max(thousandths, own.get(name, _PLAIN)) for name in plan.names}
        return {name: factor for name, factor in every.items() if factor > _PLAIN}

    def fits(thousandths: int) -> bool:
        # No time for the reason: finding out which limits clash takes longer than that they do.
        try:
            best_split(problem_of(widened(plan, factors(thousandths)), curves, last, lambda: 0.0))
        except InfeasibleError:
            return False
        return True

    if not fits(_MOST):
        return None
    low, high = (0, _PLAIN) if fits(_PLAIN) else (_PLAIN, _MOST)
    while low and high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if fits(middle) else (middle, high)
    return factors(high)


def why_widened(
    plan: Plan, last: Mapping[str, Any], by: Widening, *, ahead: bool = False
) -> Message:
    """Return what does not fit in a week, and how far the change limits give, or would have to.

    Parameters
    ----------
    plan, last
        The plan of the week, and what changes count from.
    by
        The widening.
    ahead
        Whether the week is not decided yet.
    """
    reason = say("no-split-feasible")
    try:
        least, show = sum_minor(bounds_of(plan, last).lower), plan.money.show
    except InfeasibleError:
        pass
    else:
        if least > plan.spendable_minor:
            reason = say(
                "limits-require-more",
                least=show(least),
                missing=show(least - plan.spendable_minor),
                budget=show(plan.spendable_minor),
            )
    rules = {channel.max_change or plan.max_change for channel in plan.channels}
    share, factors = plan.max_change.share, set(by.values())
    if len(by) == len(plan.names) and len(factors) == 1 and rules == {MaxChange(share)} and share:
        wide = _wide(plan.max_change, min(factors), plan.money).share
        assert wide is not None
        return say(_ALIKE[ahead], reason=reason, wide=show_share(wide), share=show_share(share))
    return say(
        _APART[ahead],
        reason=reason,
        channels=listed(map(quoted, by), _NAMED),
        factor=f"{max(factors) / _PLAIN:.3f}",
    )


_ALIKE = (
    "max-change-widened",
    "wider-max-change-would-do",
)
"""Where all channels have one rule: what gives in a week, and what would have to in one ahead."""
_APART = (
    "limits-widened",
    "wider-limits-would-do",
)


def _own(plan: Plan, last: Mapping[str, Any]) -> dict[str, int]:
    """Return the factors that channels need to reach their floor or their cap."""
    found, equal = {}, plan.spendable_minor // len(plan.channels)
    for channel, money, (floor, cap, locked) in zip(
        plan.channels, plan.last_minor(last), plan.minor_bounds, strict=True
    ):
        room = (channel.max_change or plan.max_change).room(money, equal, plan.money)
        short = max(floor - money, 0 if cap is None else money - cap)
        if not locked and room and short > room:
            found[channel.name] = min(-(-short * _PLAIN // room), _MOST)
    return found


def _wide(rule: MaxChange, thousandths: int, money: Currency) -> MaxChange:
    """Return a rule a factor times as wide; what a channel may get from zero stays."""
    share, amount = rule.share, rule.money
    if share is not None:
        share = min(Fraction(share) * thousandths / _PLAIN, Fraction(10))
    if amount is not None:
        amount = money.amount(-(-money.minor(amount, "max_change.money") * thousandths // _PLAIN))
    return MaxChange(share, amount, rule.from_zero)


_AFTER = 2
"""Weeks after the last phase that are looked at too: the first usual ones follow from it."""
_WEEKS_AHEAD = 520
"""Weeks looked at, the ten years of the longest phase."""
_WEEK = dt.timedelta(weeks=1)


@dataclass(frozen=True)
class Ahead:
    """A week ahead.

    Parameters
    ----------
    week
        First day.
    phases
        Names of the phases that it touches.
    budget
        Money that may be spent, the reserve left out.
    least, most
        What the limits of single channels require and allow, from the week before.
    problem
        Why the week leaves no split, and how far change limits would have to give; empty where it
        leaves one.
    """

    week: dt.date
    phases: tuple[str, ...]
    budget: Decimal
    least: Decimal
    most: Decimal
    problem: str = ""

    def sentence(self) -> Message | None:
        """Return what does not fit, None where all does."""
        template = "phase-week-problem"
        said: str = self.problem
        if not said and self.most < self.budget:
            said = say(
                "limits-allow-less", most=show_amount(self.most), budget=show_amount(self.budget)
            )
        if not said:
            return None
        if not self.phases:
            return say("week-problem", week=str(self.week), problem=said)
        phases = listed(map(quoted, self.phases))
        return say(template, week=str(self.week), phases=phases, problem=said)


def weeks_ahead(plan: Plan, first: dt.date, last: Mapping[str, Any] | None) -> Iterator[Ahead]:
    """Yield the weeks from a first one to the second after the last phase; none without phases.

    Parameters
    ----------
    plan
        The plan.
    first
        First day of the first week.
    last
        Money by channel in the week before it; None where nobody knows, and it is split evenly.
    """
    phases = plan.operation.phases
    end = phases[-1].last + _AFTER * _WEEK if phases else first
    before = last
    for week in (first + number * _WEEK for number in range(_WEEKS_AHEAD)):
        if week > end:
            return
        dated, names = plan.on(Week(week)), _touching(plan, week)
        # Curves so steep that no hurdle caps them: what is looked at is what the plan alone says.
        steep = dict.fromkeys(plan.names, Log(1e30, 1.0)) if plan.curves is None else None
        curves = believed_in(plan, Week(week), steep)
        said = ""
        try:
            problem = problem_of(dated, curves, before)
            best_split(problem)
        except InfeasibleError as error:
            by = None if before is None else least_widening(dated, curves, before)
            if not by or before is None:
                money = dated.money.amount(dated.spendable_minor)
                yield Ahead(week, names, money, money, money, error.problem)
                return
            said = why_widened(dated, before, by, ahead=True)
            problem = problem_of(widened(dated, by), curves, before)
        split = _followed(problem.bounds, problem.target, problem.last)
        amount = dated.money.amount
        least, most = sum_minor(problem.bounds.lower), sum_minor(problem.bounds.upper)
        yield Ahead(week, names, amount(dated.spendable_minor), amount(least), amount(most), said)
        before = dict(zip(plan.names, map(amount, split.tolist()), strict=True))


def _touching(plan: Plan, week: dt.date) -> tuple[str, ...]:
    """Return the phases that a week lies in."""
    end = Week(week).end
    return tuple(p.name for p in plan.operation.phases if p.first <= end and week <= p.last)


def _followed(
    bounds: Bounds, target: int, last: NDArray[np.int64] | None, rounds: int = 60
) -> NDArray[np.int64]:
    """Return a split that spends a target in the shares of the last one, as far as bounds let it.

    The factor is found by bisection: what is spent rises with it.
    """
    base = np.ones(len(bounds.lower)) if last is None or not last.any() else last.astype(float)
    base = np.maximum(base, base.max() * 1e-6)
    low, high = 0.0, float(bounds.upper.max() / base.min()) + 1.0
    for _ in range(rounds):
        factor = (low + high) / 2
        spent = np.clip(factor * base, bounds.lower, bounds.upper).sum()
        low, high = (factor, high) if spent <= target else (low, factor)
    split: NDArray[np.int64] = np.clip(low * base, bounds.lower, bounds.upper).astype(np.int64)
    return np.maximum(split, bounds.lower)
