"""The one error tree, split by what the caller can do next.

=====================  ====  ==================================================
class                  exit  what the caller can do
=====================  ====  ==================================================
`InputError`              2  fix the plan, the file or the argument it names
`InfeasibleError`         3  relax one of the limits it names
`SolverError`             4  choose another method or allow more time
`LedgerError`             6  free, mend or restore the ledger, then run again
=====================  ====  ==================================================

Every error carries a stable ``code`` (a key of `CODES`), the ``field`` it is about, the offending
``value`` and a ``remedy``, and reads ``problem: remedy``.
"""

from __future__ import annotations

import difflib
import math
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any, ClassVar

CODES: dict[str, str] = {
    "bad-number": "a number is missing, not finite, negative, or not a number at all",
    "bad-money": "an amount is not exact money of the plan's currency",
    "bad-currency": "the currency is not an ISO 4217 code",
    "bad-date": "a date cannot be read, or a week starts on another day than declared",
    "bad-curve": "a curve parameter is outside its range",
    "bad-name": "a name is empty, doubled, or not text",
    "bad-plan": "the plan file has a wrong, missing or misspelt field",
    "unknown-name": "a name stands for nothing in the plan",
    "bounds-clash": "two limits of one channel contradict each other",
    "lines-do-not-add-up": "the budget lines differ from their total",
    "no-curve": "a channel has neither a curve nor a belief",
    "bad-file": "a file cannot be read, or not written",
    "bad-columns": "a declared column is not in the file",
    "bad-history": "a history row is missing, doubled, negative or out of order",
    "no-data": "the history holds nothing to learn from",
    "missing-extra": "an optional package is not installed",
    "bad-argument": "an argument is outside its range",
    "floors-above-budget": "the least that must be spent is more than the budget",
    "cannot-spend-all": "the plan says spend all, and its caps do not allow it",
    "no-step-in-bounds": "no multiple of the money step lies within a channel's bounds",
    "limits-clash": "no split keeps all of the limits that are named",
    "target-out-of-reach": "no split reaches the target; the best that can be had is named",
    "time-limit": "the time ran out before any split was found",
    "wrong-method": "the method asked for cannot solve this plan",
    "broken-limit": "an allocation breaks a limit and was withheld",
    "not-concave": "the method asked for needs concave curves",
    "not-converged": "a numerical method stopped short of its accuracy",
    "wrong-state": "a week is in a state in which this cannot be done",
    "ledger-locked": "another process is writing to the ledger",
    "ledger-schema": "the file or database is no ledger that this version can read",
    "ledger-broken": "the ledger is damaged, or was changed by other means than this library",
    "ledger-conflict": "the ledger has another entry under the same key",
    "ledger-clock": "the clock is behind the last entry of the ledger",
    "ledger-full": "the ledger cannot be written for want of space",
}
"""Every code an error can carry, with its meaning; codes are never renamed."""


class BudgetoptError(Exception):
    """Base of everything that budgetopt raises on purpose.

    Parameters
    ----------
    code
        A key of `CODES`.
    problem
        One clause that names field and value.
    field
        Dotted name of the field, column or argument.
    value
        The offending value, as given.
    remedy
        What to do about it, an imperative clause.
    """

    exit_code: ClassVar[int] = 1

    def __init__(
        self, code: str, problem: str, *, field: str = "", value: Any = None, remedy: str = ""
    ) -> None:
        if code not in CODES:
            raise KeyError(code)
        self.code, self.problem, self.field = code, problem, field
        self.value, self.remedy = value, remedy
        super().__init__(f"{problem}: {remedy}" if remedy else problem)

    def __reduce__(self) -> tuple[Callable[..., BudgetoptError], tuple[str, str]]:
        """Survive the trip between processes, keyword arguments included."""
        rebuild = partial(type(self), field=self.field, value=self.value, remedy=self.remedy)
        return rebuild, (self.code, self.problem)

    def to_dict(self) -> dict[str, Any]:
        """Return the error as plain data for JSON."""
        value = self.value
        simple = isinstance(value, (str, int, type(None)))
        # JSON has no NaN and no infinity.
        simple = simple or (isinstance(value, float) and math.isfinite(value))
        plain = value if simple else str(value)
        return {
            "error": type(self).__name__,
            "code": self.code,
            "message": str(self),
            "field": self.field,
            "value": plain,
            "remedy": self.remedy,
        }


class InputError(BudgetoptError, ValueError):
    """Something that was given is wrong: fix it and call again."""

    exit_code = 2


class MoneyError(InputError):
    """An amount or a currency is wrong."""


class CalendarError(InputError):
    """A date or a week is wrong."""


class CurveError(InputError):
    """A curve is wrong."""


class PlanError(InputError):
    """A plan contradicts itself or cannot be read."""


class HistoryError(InputError):
    """A history is wrong or cannot be read."""


class InfeasibleError(BudgetoptError):
    """No split keeps every limit of the plan: relax one that is named."""

    exit_code = 3


class SolverError(BudgetoptError):
    """The plan is right, but this method could not answer."""

    exit_code = 4


class VerificationError(SolverError):
    """An answer broke a limit and was withheld."""


class LedgerError(BudgetoptError):
    """The ledger cannot be opened, read or written as it is; nothing in it was changed."""

    exit_code = 6


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Return a remedy that names the closest known name, or lists what is known.

    Examples
    --------
    >>> did_you_mean("douyn", ["douyin", "baidu"])
    "did you mean 'douyin'?"
    """
    known = list(known)
    if not known:
        return "there is nothing to choose from"
    close = difflib.get_close_matches(str(name), known, n=1)
    if close:
        return f"did you mean {close[0]!r}?"
    shown = ", ".join(repr(k) for k in known[:12])
    return f"choose one of {shown}{', ...' if len(known) > 12 else ''}"
