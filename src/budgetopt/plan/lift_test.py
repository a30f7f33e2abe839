"""What an experiment found that moved the spend of one channel."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

from budgetopt.calendar import as_date
from budgetopt.curves import Curve
from budgetopt.errors import InputError
from budgetopt.plan.channel import check_name, one_curve
from budgetopt.plan.parts import as_number, part_of

_LEAST, _MOST = 1e-100, 1e100
"""Within these no product or square overflows."""
_NUMBERS = {
    "incremental": (-_MOST, "give the extra outcome per week, a finite number"),
    "error": (_LEAST, "give the standard error of the extra outcome, above 0"),
    "high": (0.0, "give money per week, at least 0"),
    "low": (0.0, "give money per week, at least 0"),
}
"""The least that each may be, and what to do where it is not."""


@dataclass(frozen=True)
class LiftTest:
    """The extra outcome per week that more spend on one channel brought, with its error.

    Parameters
    ----------
    channel
        Its name.
    incremental
        Outcome per week that the higher spend brought over the lower one; may be negative.
    error
        Its standard error, in the same unit, above 0.
    high
        Money per week of the higher arm.
    low
        Money per week of the lower arm, at least 0 and below `high`; 0 for a holdout.
    ended
        Last day of the test; None for one before the history, or for a model of it.

    Raises
    ------
    InputError
        ``bad-argument``.
    PlanError
        ``bad-name`` where the channel's name is blank or not text.
    CalendarError
        ``bad-date``.

    Notes
    -----
    All numbers lie between -1e100 and 1e100; the error is at least 1e-100.

    Examples
    --------
    >>> LiftTest("search", incremental=120, error=30, high=20_000, low=10_000).low
    10000.0
    """

    channel: str
    incremental: float
    error: float
    high: float
    low: float = 0.0
    ended: dt.date | None = None

    def __post_init__(self) -> None:
        check_name(self.channel, "lift_tests.channel", "channel")
        for name, (least, remedy) in _NUMBERS.items():
            field = f"lift_tests.{name}"
            number = as_number(getattr(self, name), field, least=least, most=_MOST, remedy=remedy)
            object.__setattr__(self, name, number)
        if not self.low < self.high:
            raise InputError(
                "bad-argument",
                f"lift_tests.low is {self.low:g}, not below high, {self.high:g}",
                field="lift_tests.low",
                value=self.low,
                remedy="give the money per week of the lower arm, and of the higher one",
            )
        if self.ended is not None:
            object.__setattr__(self, "ended", as_date(self.ended, "lift_tests.ended"))

    @classmethod
    def from_curve(
        cls, channel: str, curve: Curve, spends: Sequence[float], log_sd: float
    ) -> tuple[Self, ...]:
        r"""Return an earlier model's curve as tests at some spends.

        Each of ``n`` spends has the error :math:`\sqrt{n} \cdot log\_sd \cdot f(x)`, so that all
        together say no more of the curve's height than one test with the relative error `log_sd`.

        Parameters
        ----------
        channel
            Its name.
        curve
            What the model believes, a single curve.
        spends
            Money per week at which it is to be believed, above 0, where the curve brings
            something.
        log_sd
            Relative error of the model, 0.001 to 5. All spends share it, as one model made them.

        Raises
        ------
        InputError
            ``bad-argument``; where the curve brings nothing at a spend too, since a relative error
            of nothing would be certainty.
        CurveError
            ``bad-curve`` where it is not one curve.

        Examples
        --------
        >>> from budgetopt.curves import Hill
        >>> tests = LiftTest.from_curve("kol", Hill(80, 1000, 1), [1000, 1000, 1000, 1000], 0.125)
        >>> [(test.incremental, test.error) for test in tests]
        [(40.0, 10.0), (40.0, 10.0), (40.0, 10.0), (40.0, 10.0)]
        """
        curve = one_curve(curve, channel)
        relative = as_number(log_sd, "log_sd", least=1e-3, most=5.0) * math.sqrt(len(spends))
        tests = []
        for at, given in enumerate(spends):
            spend = as_number(given, f"spends[{at}]", least=_LEAST, most=_MOST)
            outcome = float(curve.value(spend))
            if not outcome * relative >= _LEAST:
                raise InputError(
                    "bad-argument",
                    f"the curve of {channel!r} brings {outcome:g} at spends[{at}], {spend:g}",
                    field=f"spends[{at}]",
                    value=spend,
                    remedy="give spends at which it brings something",
                )
            tests.append(cls(channel, outcome, relative * outcome, spend))
        return tuple(tests)

    @classmethod
    def of(cls, given: Any, field: str = "lift_tests") -> Self:
        """Return a test from itself or from a mapping of its fields.

        Raises
        ------
        InputError
            ``bad-argument``, or ``unknown-name`` for a misspelt field; they name `field`.
        """
        return part_of(cls, given, "lift_tests", field)

    def to_dict(self) -> dict[str, Any]:
        """Return the test as plain data, which `of` reads."""
        plain: dict[str, Any] = {"channel": self.channel, "incremental": self.incremental}
        plain |= {"error": self.error, "high": self.high, "low": self.low}
        return plain | ({} if self.ended is None else {"ended": str(self.ended)})
