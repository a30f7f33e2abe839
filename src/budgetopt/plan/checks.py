"""What a plan is checked for while it is being made."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from budgetopt.calendar import start_day_number
from budgetopt.errors import PlanError, did_you_mean
from budgetopt.money import as_decimal
from budgetopt.plan.channel import Channel
from budgetopt.plan.dates import check_demand
from budgetopt.plan.lift_test import LiftTest
from budgetopt.plan.operation.dated import check_reserve

if TYPE_CHECKING:
    from budgetopt.plan.plan import Plan

T = TypeVar("T")


def check_plan(plan: Plan) -> None:
    """Refuse a plan that contradicts itself.

    Raises
    ------
    PlanError, MoneyError, CalendarError
        With the first contradiction found.
    """
    start_day_number(plan.week_start)
    if plan.spend not in ("at-most", "all"):
        raise PlanError(
            "bad-plan",
            f"spend is {plan.spend!r}",
            field="spend",
            value=plan.spend,
            remedy="write 'at-most' or 'all'",
        )
    if not plan.channels:
        raise PlanError(
            "bad-plan",
            "the plan has no channel",
            field="channels",
            remedy="declare at least one channel",
        )
    _refuse_doubled("channel", [channel.name for channel in plan.channels])
    _check_columns(plan)
    _check_delay(plan)
    _check_lift_tests(plan)
    check_demand(plan)
    # Reading them once finds amounts finer than a minor unit while the plan is being made.
    _ = plan.minor_bounds, plan.step_minor, plan.spendable_minor
    _ = plan.minimums_minor, plan.lots_minor
    plan.max_change.check(plan.money, "max_change")
    for channel in plan.channels:
        if channel.max_change is not None:
            channel.max_change.check(plan.money, f"max_change of {channel.name!r}")
    _check_operation(plan)
    _check_limits(plan)


def _refuse_doubled(what: str, names: list[str]) -> None:
    seen: set[str] = set()
    for name in names:
        if name in seen:
            raise PlanError(
                "bad-name",
                f"{what} {name!r} is declared twice",
                field=f"{what}s",
                value=name,
                remedy=f"give every {what} a name of its own",
            )
        seen.add(name)


def _check_columns(plan: Plan) -> None:
    """Refuse a column declared for a channel that the plan does not have."""
    for part in ("spends", "outcomes"):
        for name in getattr(plan.columns, part):
            _refuse_unknown(plan, name, f"history.{part[:-1]}")


def _check_delay(plan: Plan) -> None:
    """Refuse shares of a channel that the plan does not have."""
    for name, *_ in () if plan.delay is None else plan.delay.channels:
        _refuse_unknown(plan, name, "delay.channels")


def _check_lift_tests(plan: Plan) -> None:
    """Refuse a test of no channel of the plan, and one that is told twice and so counts twice."""
    seen: set[LiftTest] = set()
    for at, test in enumerate(plan.lift_tests):
        _refuse_unknown(plan, test.channel, f"lift_tests.{at}.channel")
        if test in seen:
            raise PlanError(
                "bad-plan",
                f"lift_tests.{at} of {test.channel!r} is told twice",
                field=f"lift_tests.{at}",
                value=test.channel,
                remedy="leave one out, or say on which day each test ended",
            )
        seen.add(test)


def _check_operation(plan: Plan) -> None:
    """Refuse names that stand for nothing, amounts finer than a minor unit, and a big reserve."""
    operation, minor = plan.operation, plan.money.minor
    for at, freeze in enumerate(operation.freezes):
        for name in freeze.channels:
            _refuse_unknown(plan, name, f"operation.freezes.{at}.channels")
    _check_releases(plan)
    for phase in operation.phases:
        minor(phase.budget, f"operation.phases budget of {phase.name!r}")
        if phase.max_change is not None:
            phase.max_change.check(plan.money, f"max_change of phase {phase.name!r}")
    if operation.approval is not None:
        for part, amount in operation.approval.amounts.items():
            minor(amount, f"operation.approval.{part}")
    check_reserve(plan)


def _check_releases(plan: Plan) -> None:
    """Refuse a release for a scenario that is not among those declared, where any are."""
    known = tuple(str(table.get("name", table.get("kind"))) for table in plan.scenarios)
    for at, release in enumerate(plan.operation.releases):
        if known and release.scenario is not None and release.scenario not in known:
            raise PlanError(
                "unknown-name",
                f"operation.releases.{at}.scenario names {release.scenario!r}, which is no "
                "scenario of the plan",
                field=f"operation.releases.{at}.scenario",
                value=release.scenario,
                remedy=did_you_mean(release.scenario, known),
            )


def _refuse_unknown(plan: Plan, name: str, field: str) -> None:
    if name not in plan.index:
        raise PlanError(
            "unknown-name",
            f"{field} names {name!r}, which is no channel of the plan",
            field=field,
            value=name,
            remedy=did_you_mean(name, plan.names),
        )


def _check_limits(plan: Plan) -> None:
    """Refuse what is no limit, two of one name, and names that stand for nothing."""
    for limit in plan.limits:
        if not (isinstance(getattr(limit, "name", None), str) and hasattr(limit, "rows")):
            raise PlanError(
                "bad-plan",
                f"limit {limit!r} has no name or no rows",
                field="limits",
                value=repr(limit),
                remedy="make it by bo.Limit, or give it a name and a method rows",
            )
    _refuse_doubled("limit", [limit.name for limit in plan.limits])
    nothing = np.zeros(len(plan.channels), dtype=np.int64)
    for limit in plan.limits:
        limit.rows(plan, nothing)


def as_channels(given: Any) -> tuple[Channel, ...]:
    """Return channels as a tuple, or say which is none."""
    channels = tuple(given) if isinstance(given, Iterable) else (given,)
    for at, channel in enumerate(channels):
        of_kind(Channel, channel, f"channels[{at}]", needed=True)
    return channels


def as_lift_tests(given: Any) -> tuple[LiftTest, ...]:
    """Return lift tests as a tuple, each from itself or from its fields, or say which is none."""
    alone = isinstance(given, (LiftTest, Mapping)) or not isinstance(given, Iterable)
    tests = (given,) if alone else tuple(given)
    return tuple(LiftTest.of(test, f"lift_tests.{at}") for at, test in enumerate(tests))


def of_kind(kind: type[T], given: Any, field: str, *, needed: bool = False) -> T | None:
    """Return what was given where it is of a kind (or left out), or say what is wanted."""
    if isinstance(given, kind) or (given is None and not needed):
        return given
    raise PlanError(
        "bad-plan",
        f"{field} is {given!r}",
        field=field,
        value=str(given),
        remedy=f"give a {kind.__name__}",
    )


def as_unit(given: Any) -> float | None:
    """Return the size of one event, or say what is wrong with it."""
    if given is None:
        return None
    unit = float(as_decimal(given, "outcome_unit"))
    if unit == 0 or math.isinf(unit):
        raise PlanError("bad-number", f"outcome_unit is {given}", field="outcome_unit", value=given,
                        remedy="give the size of one event, or leave it out")  # fmt: skip
    return unit
