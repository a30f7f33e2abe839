"""From where on something is worth an alert."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from budgetopt.plan.operation.parts import as_count, as_part
from budgetopt.plan.parts import as_number


@dataclass(frozen=True)
class AlertRules:
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

    stale_days: int = 10
    stuck_weeks: int = 4
    revised_share: float = 0.02
    reserve_low: float = 0.2
    pause_cpa: float | None = None
    pause_roas: float | None = None

    def __post_init__(self) -> None:
        as_count(self.stale_days, "alerts.stale_days", 365)
        as_count(self.stuck_weeks, "alerts.stuck_weeks", 520)
        for name in ("revised_share", "reserve_low"):
            share = as_part(getattr(self, name), f"alerts.{name}")
            object.__setattr__(self, name, float(share))
        for name in ("pause_cpa", "pause_roas"):
            given = getattr(self, name)
            if given is not None:
                number = as_number(given, f"alerts.{name}", least=1e-12, most=1e12)
                object.__setattr__(self, name, number)

    def to_dict(self) -> dict[str, Any]:
        """Return the rules as they are written in a plan file."""
        return {name: value for name, value in asdict(self).items() if value is not None}
