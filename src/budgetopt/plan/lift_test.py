"""What an experiment found that moved the spend of one channel."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from budgetopt.calendar import as_date
from budgetopt.curves import Curve
from budgetopt.errors import InputError, did_you_mean

_FIELDS = ("channel", "incremental", "error", "high", "low", "ended")
_TINY = float(np.finfo(np.float64).tiny)


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
        Its standard error, above 0.
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
    CalendarError
        ``bad-date``.

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
        for name in ("incremental", "error", "high", "low"):
            value = getattr(self, name)
            number = isinstance(value, (int, float, np.number)) and not isinstance(value, bool)
            if not (number and np.isfinite(value)):
                raise _wrong(name, f"is {value!r}", value, "give a finite number")
            object.__setattr__(self, name, float(value))
        if not self.error > 0:
            raise _wrong("error", f"is {self.error:g}", self.error, "give an error above 0")
        if not 0.0 <= self.low < self.high:
            problem = f"is {self.low:g} with high {self.high:g}"
            raise _wrong("low", problem, self.low, "give 0 <= low < high in money per week")
        if self.ended is not None:
            object.__setattr__(self, "ended", as_date(self.ended, "lift_tests.ended"))

    @classmethod
    def from_curve(
        cls, channel: str, curve: Curve, spends: Sequence[float], log_sd: float
    ) -> tuple[Self, ...]:
        """Return an earlier model's curve as tests at some spends.

        Parameters
        ----------
        channel
            Its name.
        curve
            What the model believes.
        spends
            Money per week at which it is to be believed, above 0.
        log_sd
            Relative error of the model, above 0. All spends share it, as one model made them: n of
            them count as one.
        """
        wide = log_sd * np.sqrt(len(spends))
        values = [(float(x), float(curve.value(x))) for x in spends]
        return tuple(cls(channel, y, max(wide * y, _TINY), x) for x, y in values)

    def to_dict(self) -> dict[str, Any]:
        """Return the test as plain data."""
        plain = {name: getattr(self, name) for name in _FIELDS[:-1]}
        return plain | ({} if self.ended is None else {"ended": str(self.ended)})

    @classmethod
    def of(cls, given: Any) -> Self:
        """Return a test from itself or from a mapping of its fields.

        Raises
        ------
        InputError
            ``bad-argument``, or ``unknown-name`` for a misspelt field.
        """
        if isinstance(given, cls):
            return given
        if not isinstance(given, Mapping):
            raise _wrong("entry", f"is {given!r}", given, "give LiftTest(...) or its fields")
        for name in given:
            if name not in _FIELDS:
                raise InputError(
                    "unknown-name",
                    f"{name!r} is no field of a lift test",
                    field=f"lift_tests.{name}",
                    value=str(name),
                    remedy=did_you_mean(str(name), _FIELDS),
                )
        missing = [name for name in _FIELDS[:4] if name not in given]
        if missing:
            raise _wrong(missing[0], "is missing", None, f"give {', '.join(missing)}")
        return cls(**given)


def _wrong(name: str, problem: str, value: Any, remedy: str) -> InputError:
    return InputError(
        "bad-argument",
        f"{name} of a lift test {problem}",
        field=f"lift_tests.{name}",
        value=value,
        remedy=remedy,
    )
