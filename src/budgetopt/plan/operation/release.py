"""By which rule contingency is released."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Literal

from budgetopt.errors import PlanError
from budgetopt.plan.channel import check_name
from budgetopt.plan.operation.parts import as_part, one_of
from budgetopt.plan.parts import as_number

_NEEDS = {"scenario": "scenario", "pace": "pace", "mroas": "hurdle"}
"""The one part that each kind of rule goes with."""


@dataclass(frozen=True)
class Release:
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

    when: Literal["scenario", "pace", "mroas"]
    share: Decimal
    scenario: str | None = None
    pace: float | None = None
    hurdle: float | None = None

    def __post_init__(self) -> None:
        one_of(self.when, tuple(_NEEDS), "release.when")
        object.__setattr__(self, "share", as_part(self.share, "release.share", above_zero=True))
        for name in _NEEDS.values():
            given, needed = getattr(self, name) is not None, name == _NEEDS[self.when]
            if given != needed:
                raise PlanError(
                    "bad-plan",
                    f"release.{name} is {'given' if given else 'missing'} with {self.when!r}",
                    field=f"release.{name}",
                    value=getattr(self, name),
                    remedy=f"give {_NEEDS[self.when]} with {self.when!r}, and it alone",
                )
        if self.scenario is not None:
            check_name(self.scenario, "release.scenario", "scenario")
        if self.pace is not None:
            pace = as_part(self.pace, "release.pace", above_zero=True)
            object.__setattr__(self, "pace", float(pace))
        if self.hurdle is not None:
            hurdle = as_number(self.hurdle, "release.hurdle", least=1e-12, most=1e12)
            object.__setattr__(self, "hurdle", hurdle)

    def to_dict(self) -> dict[str, Any]:
        """Return the rule as it is written in a plan file."""
        need = _NEEDS[self.when]
        return {"when": self.when, "share": f"{self.share:f}", need: getattr(self, need)}
