"""All that says how weeks are run, in one table of the plan."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Self, TypeVar

from budgetopt.calendar import Fiscal
from budgetopt.errors import PlanError
from budgetopt.plan.operation.alerts import AlertRules
from budgetopt.plan.operation.approval import Approval
from budgetopt.plan.operation.freeze import Freeze
from budgetopt.plan.operation.pacing import Pacing
from budgetopt.plan.operation.phase import Phase
from budgetopt.plan.operation.release import Release
from budgetopt.plan.parts import part_of

T = TypeVar("T")


@dataclass(frozen=True)
class Operation:
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

    phases: tuple[Phase, ...] = ()
    freezes: tuple[Freeze, ...] = ()
    approval: Approval | None = None
    pacing: Pacing = field(default_factory=Pacing)
    releases: tuple[Release, ...] = ()
    fiscal: Fiscal = field(default_factory=Fiscal)
    alerts: AlertRules = field(default_factory=AlertRules)

    def __post_init__(self) -> None:
        put = object.__setattr__
        phases = _several(Phase, self.phases, "phase", "operation.phases")
        put(self, "phases", tuple(sorted(phases, key=lambda phase: phase.first)))
        put(self, "freezes", _several(Freeze, self.freezes, "freeze", "operation.freezes"))
        put(self, "releases", _several(Release, self.releases, "release", "operation.releases"))
        if self.approval is not None:
            put(
                self, "approval", part_of(Approval, self.approval, "approval", "operation.approval")
            )
        put(self, "pacing", part_of(Pacing, self.pacing, "pacing", "operation.pacing"))
        put(self, "fiscal", part_of(Fiscal, self.fiscal, "fiscal", "operation.fiscal"))
        put(self, "alerts", part_of(AlertRules, self.alerts, "alerts", "operation.alerts"))
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
        data: dict[str, Any] = {}
        plain = type(self)()
        for part in fields(self):
            mine = getattr(self, part.name)
            if mine != getattr(plain, part.name):
                several = isinstance(mine, tuple)
                data[part.name] = [one.to_dict() for one in mine] if several else mine.to_dict()
        return data


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
            raise PlanError(
                "bad-name",
                f"phase {phase.name!r} is declared twice",
                field="operation.phases",
                value=phase.name,
                remedy="give every phase a name of its own",
            )
        names.add(phase.name)
        before = phases[at - 1] if at else None
        if before is not None and phase.first <= before.last:
            raise PlanError(
                "bad-plan",
                f"phase {phase.name!r} begins on {phase.first}, and {before.name!r} ends on "
                f"{before.last}",
                field="operation.phases",
                value=phase.name,
                remedy="let phases follow each other: a day has one budget",
            )
