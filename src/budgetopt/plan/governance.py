"""How weeks are run, as one table of the plan declares it: `Operation` and its parts.

`Phase` and `Freeze` are dated days: with a budget of their own, or on which nothing may move.
`Approval` says above which amounts a proposal needs a name, `Pacing` when spending is off its pace
and what pays for overspending, `Release` by which rule contingency is released, `AlertRules` from
where on something is worth an alert. The small parsers that they share come first.

A part is checked by itself; whether its channels and scenarios exist is checked by the plan.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Mapping
from dataclasses import fields
from decimal import Decimal
from itertools import pairwise
from typing import Any, Literal, Self, TypeVar, get_args

from budgetopt.arguments import Given, public
from budgetopt.calendar import Fiscal, Week, as_date
from budgetopt.errors import CalendarError, InputError, PlanError, as_number, did_you_mean
from budgetopt.i18n import say
from budgetopt.money import Number
from budgetopt.notebook import short
from budgetopt.plan.amounts import MaxChange, as_share
from budgetopt.plan.channel import check_name
from budgetopt.plan.declare import (
    SHARE,
    Declared,
    declaration,
    declared,
    exact,
    part_of,
    plain_fields,
)

T = TypeVar("T")

MOST_DAYS = 3_660
"""Ten years: a slip in a year's digits is found out."""


def as_span(first: Any, last: Any, what: str) -> tuple[dt.date, dt.date]:
    """Return a first and a last day in order, at most ten years apart.

    Raises
    ------
    CalendarError
        ``bad-date``.
    """
    start, end = as_date(first, f"{what}.first"), as_date(last, f"{what}.last")
    if end < start:
        raise CalendarError("bad-date", say("last-before-begins", what=what, end=end, start=start),
                            field=f"{what}.last", value=str(end),
                            remedy=say("remedy-write-first-day-first"))  # fmt: skip
    if (end - start).days >= MOST_DAYS:
        raise CalendarError("bad-date", say("last-more-than", what=what, end=end, start=start),
                            field=f"{what}.last", value=str(end),
                            remedy=say("remedy-write-last-day"))  # fmt: skip
    return start, end


def one_of(given: Any, known: tuple[str, ...], field: str) -> None:
    """Refuse a word that is not one of those known.

    Raises
    ------
    PlanError
        ``bad-plan``.
    """
    if given not in known:
        raise PlanError(
            "bad-plan", field=field, value=given, remedy=did_you_mean(str(given), known)
        )


def as_part(given: Any, field: str, most: int = 1, *, above_zero: bool = False) -> Number:
    """Return a share from a number or a text with a percent sign, exact.

    Raises
    ------
    PlanError, MoneyError
        ``bad-number`` above `most`, or at zero with `above_zero`; ``bad-money`` for no number.
    """
    share = as_share(given, field, most)
    if above_zero and share == 0:
        raise PlanError("bad-number", say("field-is", field=field, value=given), field=field,
                        value=given, remedy=say("remedy-positive-share"))  # fmt: skip
    return share


def as_count(given: Any, field: str, most: int) -> int:
    """Return a whole number from 1 to `most`.

    Raises
    ------
    InputError
        ``bad-argument``.
    """
    if isinstance(given, bool) or not isinstance(given, int) or not 1 <= given <= most:
        raise InputError("bad-argument", field=field, value=given,
                         remedy=say("remedy-whole-number-1", most=f"{most:,}"))  # fmt: skip
    return given


def as_names(given: Any, field: str) -> tuple[str, ...]:
    """Return different, not blank names as a tuple.

    Raises
    ------
    PlanError
        ``bad-plan`` for one text or for no list, ``bad-name`` for a name that is blank or doubled.
    """
    if isinstance(given, (str, bytes, Mapping)) or not isinstance(given, Iterable):
        raise PlanError("bad-plan", field=field, value=given,
                        remedy=say("remedy-list-of-names"))  # fmt: skip
    names = tuple(given)
    for at, name in enumerate(names):
        if isinstance(name, str) and name.strip():
            check_name(name, field, "listed")
        if not isinstance(name, str) or not name.strip() or name in names[:at]:
            raise PlanError(
                "bad-name",
                say("holds-blank-text-twice", field=field, name=repr(name)),
                field=field,
                value=str(name),
                remedy=say("remedy-name-once"),
            )
    return names


PhaseKind = Literal["preparation", "warm-up", "burst", "steady", "wind-down"]


FreezeKind = Literal["frozen", "learning"]


def _name(what: str, place: str = "") -> Callable[[Any, Any], str]:
    """Return a reader of a name."""

    def read(given: Any, _: Any) -> str:
        check_name(given, place or f"{what}.name", what)
        return str(given)

    return read


def _word(known: Any, place: str) -> Callable[[Any, Any], Any]:
    """Return a reader of one of some words."""

    def read(given: Any, _: Any) -> Any:
        one_of(given, get_args(known), place)
        return given

    return read


def _positive(place: str) -> Callable[[Any, Any], float]:
    """Return a reader of a number above zero."""
    return lambda given, _: as_number(given, place, least=1e-12, most=1e12)


@public
@declaration()
class Phase(Declared):
    """Dated days with a budget of their own.

    Parameters
    ----------
    name
        Its name.
    first, last
        Its first and its last day, which may lie within weeks; at most ten years.
    budget
        Money for the whole phase, reserve included, at least 0. It takes the place of the plan's
        weekly budget on these days, and is spread evenly over them, exactly.
    kind
        ``"preparation"``, ``"warm-up"``, ``"burst"``, ``"steady"`` or ``"wind-down"``, for those
        who read the plan; it changes no number.
    max_change
        How far any channel may move in weeks of the phase, in place of the plan's own rule;
        None to use the plan's. Channels with a rule of their own keep it.

    Raises
    ------
    PlanError, MoneyError, CalendarError
        ``bad-name``, ``bad-plan``, ``bad-money``, ``bad-number``, ``bad-date``.

    Examples
    --------
    >>> phase = Phase("11.11", dt.date(2026, 11, 1), dt.date(2026, 11, 11), Decimal(1100), "burst")
    >>> phase.days
    11
    """

    name: str = declared(_name("phase"))
    first: Given[dt.date] = declared(lambda given, _: as_date(given, "phase.first"))
    last: Given[dt.date] = declared(lambda given, phase: as_span(phase.first, given, "phase")[1])
    budget: Given[Decimal] = declared(exact("phase.budget"))
    kind: PhaseKind = declared(_word(PhaseKind, "phase.kind"), default="steady")
    max_change: Given[MaxChange | None] = declared(
        lambda given, _: MaxChange.of(given, "phase.max_change"), default=None
    )

    @property
    def days(self) -> int:
        """How many days it has."""
        return (self.last - self.first).days + 1


@public
@short
@declaration()
class Freeze(Declared):
    """Days on which channels may not move; a week that one of them lies in is frozen whole.

    Parameters
    ----------
    name
        Its name.
    first, last
        Its first and its last day; at most ten years.
    channels
        Which channels; empty for all.
    why
        ``"frozen"``, or ``"learning"`` while a platform learns.

    Raises
    ------
    PlanError, CalendarError
        ``bad-name``, ``bad-plan``, ``bad-date``.

    Examples
    --------
    >>> freeze = Freeze("11.11", dt.date(2026, 11, 9), dt.date(2026, 11, 11))
    >>> freeze.touches(Week(dt.date(2026, 11, 9))), freeze.touches(Week(dt.date(2026, 11, 16)))
    (True, False)
    """

    name: str = declared(_name("freeze"))
    first: Given[dt.date] = declared(lambda given, _: as_date(given, "freeze.first"))
    last: Given[dt.date] = declared(lambda given, freeze: as_span(freeze.first, given, "freeze")[1])
    channels: Given[tuple[str, ...]] = declared(
        lambda given, _: as_names(given, "freeze.channels"), default=(), always=True
    )
    why: FreezeKind = declared(_word(FreezeKind, "freeze.why"), default="frozen")

    def touches(self, week: Week) -> bool:
        """Say whether one of its days lies in a week."""
        return self.first <= week.end and week.start <= self.last


_AMOUNTS = ("move", "channel", "total")
"""The parts that are money."""


@public
@short
@declaration()
class Approval(Declared):
    """A proposal that goes above one of these needs a name; else it is approved by this rule.

    Parameters
    ----------
    move
        Money that a channel's spend moves, up or down; None for no such rule.
    move_share
        The move as a share of what the channel had last, 0 to 10.
    channel
        Money of one channel.
    total
        Money of the week.
    approvers
        Who may approve, each once; empty for anybody with a name.

    Raises
    ------
    PlanError, MoneyError
        ``bad-money``, ``bad-number``, ``bad-name``; ``bad-plan`` where none of the four amounts is
        given: nobody would ever be asked, which is not what naming approvers means.

    Examples
    --------
    >>> Approval(move="20000.50", move_share="20%").to_dict()
    {'move': '20000.50', 'move_share': '0.20'}
    """

    move: Given[Decimal | None] = declared(exact("approval.move"), default=None)
    move_share: Given[Number | None] = declared(
        lambda given, _: as_part(given, "approval.move_share", 10), default=None
    )
    channel: Given[Decimal | None] = declared(exact("approval.channel"), default=None)
    total: Given[Decimal | None] = declared(exact("approval.total"), default=None)
    approvers: Given[tuple[str, ...]] = declared(
        lambda given, _: as_names(given, "approval.approvers"), default=()
    )

    def check_fields(self) -> None:
        """Refuse a rule by which nobody would ever be asked."""
        if self.move_share is None and not self.amounts:
            raise PlanError("bad-plan", say("approval-gives-amount-above"), field="approval",
                            remedy=say("remedy-move-move-share-channel"))  # fmt: skip

    @property
    def amounts(self) -> dict[str, Decimal]:
        """The parts that are money and given, by name."""
        return {k: v for k in _AMOUNTS if (v := getattr(self, k)) is not None}


Overspend = Literal["reserve", "weakest", "stop"]


@declaration()
class Pacing(Declared):
    """Warning lines, the band around the plan, and the answer to overspending.

    Parameters
    ----------
    lines
        Shares of the budget without reserve at which spending is warned of, rising, above 0, at
        most 10; numbers or text with a percent sign. Money released from the reserve counts in the
        week that it is released for.
    band
        Share of the plan by which spending may be off without a word, 0 to 1.
    overspend
        What pays for money spent beyond the plan: the ``"reserve"``, the ``"weakest"`` channels,
        or none, ``"stop"``.

    Raises
    ------
    PlanError, MoneyError
        ``bad-plan``, ``bad-number``, ``bad-money``.

    Examples
    --------
    >>> Pacing(lines=("80%", 1)).lines
    (0.8, 1.0)
    """

    lines: Given[tuple[float, ...]] = declared(
        lambda given, _: _lines(given),
        default=(0.8, 0.9, 1.0),
        always=True,
        schema={"type": "array", "items": SHARE},
    )
    band: Given[float] = declared(
        lambda given, _: float(as_part(given, "pacing.band")), default=0.05, schema=SHARE
    )
    overspend: Overspend = declared(_word(Overspend, "pacing.overspend"), default="reserve")


def _lines(given: Any) -> tuple[float, ...]:
    """Return rising shares of the budget."""
    if isinstance(given, (str, bytes)) or not isinstance(given, Iterable):
        raise _no_lines(given)
    shares = [as_part(one, "pacing.lines", 10, above_zero=True) for one in given]
    if any(later <= line for line, later in pairwise(shares)):
        raise _no_lines(tuple(map(str, shares)))
    return tuple(map(float, shares))


def _no_lines(given: Any) -> PlanError:
    return PlanError(
        "bad-plan", field="pacing.lines", value=given, remedy=say("remedy-rising-shares-budget-0")
    )


ReleaseKind = Literal["scenario", "pace", "mroas"]
_NEEDS = {"scenario": "scenario", "pace": "pace", "mroas": "hurdle"}
"""The one part that each kind of rule goes with."""


@public
@declaration()
class Release(Declared):
    """A share of the contingency's balance is released when something happens.

    Parameters
    ----------
    when
        ``"scenario"``: the scenario named `scenario` is declared. ``"pace"``: the projected outcome
        or spend lies below the plan by the share `pace` or more. ``"mroas"``: the next unit of
        money brings `hurdle` or more.
    share
        Share of the balance that is released, above 0, at most 1.
    scenario
        Its name; one of the plan's scenarios, where the plan declares any.
    pace
        Share of the plan, above 0, at most 1.
    hurdle
        Value per unit of money, above 0.

    Raises
    ------
    PlanError, MoneyError, InputError
        ``bad-plan`` where the part that the rule needs is missing, or another one is given;
        ``bad-number``, ``bad-money``, ``bad-name``, ``bad-argument``.

    Examples
    --------
    >>> Release("mroas", "50%", hurdle=2).to_dict()
    {'when': 'mroas', 'share': '0.50', 'hurdle': 2.0}
    """

    when: ReleaseKind = declared(_word(ReleaseKind, "release.when"))
    share: Given[Number] = declared(
        lambda given, _: as_part(given, "release.share", above_zero=True)
    )
    scenario: str | None = declared(_name("scenario", "release.scenario"), default=None)
    pace: Given[float | None] = declared(
        lambda given, _: float(as_part(given, "release.pace", above_zero=True)),
        default=None,
        schema=SHARE,
    )
    hurdle: Given[float | None] = declared(_positive("release.hurdle"), default=None)

    def check_fields(self) -> None:
        """Refuse a rule without the part that it needs, and one with another's."""
        for name in _NEEDS.values():
            given, needed = getattr(self, name) is not None, name == _NEEDS[self.when]
            if given != needed:
                raise PlanError("bad-plan",
                                say("release-part-given" if given else "release-part-missing",
                                name=name, when=repr(self.when)), field=f"release.{name}",
                                value=getattr(self, name), remedy=say("remedy-alone",
                                needs=_NEEDS[self.when], when=repr(self.when)))  # fmt: skip


@declaration()
class AlertRules(Declared):
    """Lines beyond which an alert is raised.

    Parameters
    ----------
    stale_days
        Days after the last whole week at which data count as stale, 1 to 365.
    stuck_weeks
        Weeks on end that a channel may be at one limit, 1 to 520.
    revised_share
        Share by which a week of the history may be revised without a word, 0 to 1.
    reserve_low
        Share of its budget below which the reserve is nearly gone, 0 to 1.
    pause_cpa
        Money per outcome above which a channel should pause, above 0; None for no such rule.
    pause_roas
        Value per unit of money below which a channel should pause, above 0; None for no such rule.

    Raises
    ------
    PlanError, MoneyError, InputError
        ``bad-number``, ``bad-money``, ``bad-argument``.

    Examples
    --------
    >>> AlertRules(reserve_low="10%").reserve_low
    0.1
    """

    stale_days: int = declared(
        lambda given, _: as_count(given, "alerts.stale_days", 365), default=10
    )
    stuck_weeks: int = declared(
        lambda given, _: as_count(given, "alerts.stuck_weeks", 520), default=4
    )
    revised_share: Given[float] = declared(
        lambda given, _: float(as_part(given, "alerts.revised_share")), default=0.02, schema=SHARE
    )
    reserve_low: Given[float] = declared(
        lambda given, _: float(as_part(given, "alerts.reserve_low")), default=0.2, schema=SHARE
    )
    pause_cpa: Given[float | None] = declared(_positive("alerts.pause_cpa"), default=None)
    pause_roas: Given[float | None] = declared(_positive("alerts.pause_roas"), default=None)


def _part(kind: type[T], own: str) -> Callable[[Any, Any], T]:
    return lambda given, _: part_of(kind, given, own, f"operation.{own}")


@public
@short
@declaration()
class Operation(Declared):
    """How weeks are run; every part may be left out, and each may be given by its fields.

    Parameters
    ----------
    phases
        Dated days with budgets of their own; kept in the order of their days. They do not overlap,
        and their names differ.
    freezes
        Days on which channels may not move.
    approval
        When a proposal needs a name; None where every proposal does.
    pacing
        Warning lines, the band, and the answer to overspending.
    releases
        Rules by which contingency is released.
    fiscal
        The periods that budgets and reserves are counted over.
    alerts
        From where on something is worth an alert.

    Raises
    ------
    PlanError, MoneyError, CalendarError, InputError
        ``bad-plan`` for phases that overlap, ``bad-name`` for two of one name, ``unknown-name`` for
        a misspelt field, and what the parts refuse.

    Examples
    --------
    >>> phase = {"name": "11.11", "first": "2026-11-01", "last": "2026-11-11", "budget": 1100}
    >>> Operation(phases=[phase]).phases[0].days
    11
    """

    phases: Given[tuple[Phase, ...]] = declared(
        lambda given, _: tuple(
            sorted(_several(Phase, given, "phase", "operation.phases"), key=lambda one: one.first)
        ),
        default=(),
    )
    freezes: Given[tuple[Freeze, ...]] = declared(
        lambda given, _: _several(Freeze, given, "freeze", "operation.freezes"), default=()
    )
    approval: Given[Approval | None] = declared(_part(Approval, "approval"), default=None)
    pacing: Given[Pacing] = declared(_part(Pacing, "pacing"), default=Pacing())
    releases: Given[tuple[Release, ...]] = declared(
        lambda given, _: _several(Release, given, "release", "operation.releases"), default=()
    )
    fiscal: Given[Fiscal] = declared(_part(Fiscal, "fiscal"), default=Fiscal())
    alerts: Given[AlertRules] = declared(_part(AlertRules, "alerts"), default=AlertRules())

    def check_fields(self) -> None:
        """Refuse phases that share a name or a day."""
        _refuse_overlaps(self.phases)

    @classmethod
    def of(cls, given: Any, place: str = "operation") -> Self:
        """Return an operation from itself, from a mapping of its parts, or the default from None.

        Raises
        ------
        InputError
            ``bad-argument``, ``unknown-name``, and what the parts refuse.
        """
        return cls() if given is None else part_of(cls, given, "operation", place)

    def to_dict(self) -> dict[str, Any]:
        """Return the parts as they are written in a plan file, without those at their default."""
        plain = type(self)()
        mine = {one.name for one in fields(self) if vars(self)[one.name] != vars(plain)[one.name]}
        return plain_fields(self, mine)


def _several(kind: type[T], given: Any, own: str, place: str) -> tuple[T, ...]:
    """Return parts as a tuple, each from itself or from its fields."""
    alone = isinstance(given, (kind, Mapping)) or not isinstance(given, Iterable)
    parts = (given,) if alone else tuple(given)
    return tuple(part_of(kind, part, own, f"{place}.{at}") for at, part in enumerate(parts))


def _refuse_overlaps(phases: tuple[Phase, ...]) -> None:
    """Refuse two phases, in the order of their days, that share a name or a day."""
    names: set[str] = set()
    for at, phase in enumerate(phases):
        if phase.name in names:
            raise PlanError("bad-name", say("phase-declared-twice", name=repr(phase.name)),
                            field="operation.phases", value=phase.name,
                            remedy=say("remedy-phase-name"))  # fmt: skip
        names.add(phase.name)
        before = phases[at - 1] if at else None
        if before is not None and phase.first <= before.last:
            raise PlanError("bad-plan", say("phase-begins-ends", name=repr(phase.name),
                            first=phase.first, name_2=repr(before.name), last=before.last),
                            field="operation.phases", value=phase.name,
                            remedy=say("remedy-let-phases-follow-day"))  # fmt: skip
