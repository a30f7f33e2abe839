"""When spending is said to be off its pace, and what overspending is answered by."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Literal, get_args

from budgetopt.errors import PlanError
from budgetopt.plan.operation.parts import as_part, one_of

Overspend = Literal["reserve", "weakest", "stop"]


@dataclass(frozen=True)
class Pacing:
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

    lines: tuple[float, ...] = (0.8, 0.9, 1.0)
    band: float = 0.05
    overspend: Overspend = "reserve"

    def __post_init__(self) -> None:
        put = object.__setattr__
        given = self.lines
        if isinstance(given, (str, bytes)) or not isinstance(given, Iterable):
            raise _no_lines(given)
        shares = [as_part(one, "pacing.lines", 10, above_zero=True) for one in given]
        if any(later <= line for line, later in pairwise(shares)):
            raise _no_lines(tuple(map(str, shares)))
        put(self, "lines", tuple(map(float, shares)))
        put(self, "band", float(as_part(self.band, "pacing.band")))
        one_of(self.overspend, get_args(Overspend), "pacing.overspend")

    def to_dict(self) -> dict[str, Any]:
        """Return the settings as they are written in a plan file."""
        return {"lines": list(self.lines), "band": self.band, "overspend": self.overspend}


def _no_lines(given: Any) -> PlanError:
    return PlanError(
        "bad-plan",
        f"pacing.lines is {given!r}",
        field="pacing.lines",
        value=str(given),
        remedy="give rising shares of the budget, such as [0.8, 0.9, 1.0]",
    )
