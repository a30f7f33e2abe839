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
import numbers
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from decimal import Decimal
from functools import partial
from typing import Any, ClassVar

from budgetopt.messages import joined, say
from budgetopt.untrusted import escaped, twin_key

CODES: dict[str, str] = {
    "bad-number": "a number is missing, not finite, negative, or not a number at all",
    "bad-money": "an amount is not exact money of the plan's currency",
    "bad-currency": "the currency is not an ISO 4217 code",
    "bad-date": "a date cannot be read, or a week starts on another day than declared",
    "bad-curve": "a curve parameter is outside its range",
    "bad-name": "a name is empty, duplicated, not text, or has characters that cannot be shown",
    "bad-plan": "the plan file has a wrong, missing or misspelt field",
    "unknown-name": "a name is unknown",
    "bounds-clash": "two limits of one channel contradict each other",
    "lines-do-not-add-up": "the budget lines differ from their total",
    "no-curve": "a channel has neither a curve nor a belief",
    "bad-file": "a file cannot be read or written",
    "bad-columns": "a declared column is not in the file",
    "bad-history": "a history row is missing, duplicated, negative or out of order",
    "no-data": "the history has nothing to learn from",
    "missing-extra": "an optional package is not installed",
    "bad-argument": "an argument is outside its range",
    "floors-above-budget": "the least that must be spent is more than the budget",
    "cannot-spend-all": "the plan says to spend all, but its caps or lots do not allow it",
    "no-step-in-bounds": "no multiple of the money step lies within a channel's bounds",
    "limits-clash": "the limits named cannot all be met",
    "target-out-of-reach": "no split reaches the target; the best possible value is given",
    "time-limit": "the time limit was reached before any split was found",
    "wrong-method": "the requested method cannot solve this plan",
    "broken-limit": "an allocation breaks a limit and was withheld",
    "not-concave": "the requested method needs concave curves",
    "not-converged": "a numerical method stopped short of its accuracy",
    "wrong-state": "this cannot be done in the week's current state",
    "ledger-locked": "another process is writing to the ledger",
    "ledger-schema": "the file or database is not a ledger that this version can read",
    "ledger-broken": "the ledger is damaged, or was changed outside this library",
    "ledger-plans": "the ledger holds several plans, and none was chosen",
    "ledger-conflict": "the ledger already has an entry under the same key",
    "ledger-clock": "the clock is behind the last entry of the ledger",
    "ledger-full": "there is no space left to write the ledger",
}
"""Every code an error can carry, with its meaning; codes are never renamed."""


class BudgetoptError(Exception):
    """Base of everything that budgetopt raises on purpose.

    Parameters
    ----------
    code
        A key of `CODES`.
    problem
        One clause that names field and value; by default it says that the field is this value.
    field
        Dotted name of the field, column or argument.
    value
        The offending value, as given.
    remedy
        What to do about it, an imperative clause.
    details
        What else the code comes with, by name, such as the nearest totals of ``cannot-spend-all``.
    """

    exit_code: ClassVar[int] = 1

    def __init__(
        self,
        code: str,
        problem: str | None = None,
        *,
        field: str = "",
        value: Any = None,
        remedy: str = "",
        details: Mapping[str, Any] | None = None,
    ) -> None:
        if code not in CODES:
            raise KeyError(code)
        problem = _shown(
            say("field-is", field=field, value=repr(value)) if problem is None else problem
        )
        self.code, self.problem, self.field = code, problem, field
        self.value, self.remedy, self.details = value, remedy, dict(details or {})
        super().__init__(f"{problem}: {_shown(remedy)}" if remedy else problem)

    def __reduce__(self) -> tuple[Callable[..., BudgetoptError], tuple[str, str]]:
        """Survive the trip between processes, keyword arguments included."""
        given = {name: getattr(self, name) for name in ("field", "value", "remedy", "details")}
        return partial(type(self), **given), (self.code, self.problem)

    def to_dict(self) -> dict[str, Any]:
        """Return the error as plain data for JSON."""
        value = self.value
        # JSON has no NaN and no infinity, and no reader of it likes endless numbers.
        simple = value is None or (isinstance(value, float) and math.isfinite(value))
        simple = simple or (isinstance(value, int) and value.bit_length() < 1024)
        try:
            plain = value if simple else _cut(str(value))
        except ValueError:
            # Python writes no integer of thousands of digits.
            plain = "an endless number"
        return {
            "error": type(self).__name__,
            "code": self.code,
            "message": str(self),
            "field": self.field,
            "value": plain,
            "remedy": self.remedy,
            **({"details": {k: str(v) for k, v in self.details.items()}} if self.details else {}),
        }


_LONGEST = 4000
"""Characters of a message of an error beyond which its middle is left out."""


def _shown(text: str) -> str:
    """Return a clause that may go to a terminal; one that is safe stays the object that it is."""
    return escaped(_cut(text))


def _cut(text: str) -> str:
    if len(text) <= _LONGEST:
        return text
    return f"{text[: _LONGEST // 2]} ... {text[-_LONGEST // 2 :]}"


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
    """No split keeps every limit of the plan: relax one that is named.

    Parameters
    ----------
    code, problem, field, value, remedy, details
        As in `BudgetoptError`.
    limits
        All limits that clash, as plain data: `kind` (``"floor"``, ``"budget"``, ``"group"``, ...),
        `name` of the channel or limit, `field` of the plan, `amount` in decimal text where the
        limit has one, and `text`. No split keeps all of them; without any one of them there is one.
    remedies
        Ways to make the whole plan feasible, the cheapest in money first, each a list of changes
        that go together, mostly one: `kind`, `name` and `field` of the limit, by how much it has to
        give way (`by`) and what it then says (`to`) in decimal text, `unit`, and `text`. A change
        is the smallest that is enough.
    irreducible
        Whether it is shown that every limit is needed; without it the time ran out, and fewer
        limits may clash.
    """

    exit_code = 3

    def __init__(
        self,
        code: str,
        problem: str | None = None,
        *,
        field: str = "",
        value: Any = None,
        remedy: str = "",
        details: Mapping[str, Any] | None = None,
        limits: Iterable[dict[str, Any]] = (),
        remedies: Iterable[Iterable[dict[str, Any]]] = (),
        irreducible: bool = True,
    ) -> None:
        super().__init__(code, problem, field=field, value=value, remedy=remedy, details=details)
        self.limits = [dict(limit) for limit in limits]
        self.remedies = [[dict(change) for change in way] for way in remedies]
        self.irreducible = irreducible

    def __reduce__(self) -> tuple[Callable[..., BudgetoptError], tuple[str, str]]:
        """Survive the trip between processes."""
        rebuild, given = super().__reduce__()
        data = {"limits": self.limits, "remedies": self.remedies, "irreducible": self.irreducible}
        return partial(rebuild, **data), given

    def to_dict(self) -> dict[str, Any]:
        """Return the error as plain data for JSON."""
        data = {"limits": self.limits, "remedies": self.remedies, "irreducible": self.irreducible}
        return {**super().to_dict(), **data}


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
        return say("nothing-available")
    key = twin_key(str(name))
    twins = [other for other in known if twin_key(other) == key and other != name]
    if twins:
        return say("write-as-twin", twin=ascii(twins[0]), name=ascii(name))
    # A name of thousands of characters is no slip of the keys, and slow to compare.
    close = difflib.get_close_matches(str(name)[:300], known, n=1)
    if close:
        return say("did-you-mean", name=repr(close[0]))
    more = ["..."] * (len(known) > 12)
    return say("choose-one-of", known=(*map(repr, known[:12]), *more))


def as_number(
    given: Any,
    field: str,
    *,
    least: float = -math.inf,
    most: float = math.inf,
    above: float = -math.inf,
    below: float = math.inf,
    remedy: str = "",
) -> float:
    """Return a finite number of a range as a float.

    Parameters
    ----------
    given
        A number of any kind: float, Decimal, Fraction or one of NumPy's.
    field
        What it is, for the error.
    least, most, above, below
        Ends of the range, the first two in it and the others not.
    remedy
        What to do instead; by default it tells the range.

    Raises
    ------
    InputError
        ``bad-argument`` for another number, and for what is none: text, yes or no.

    Examples
    --------
    >>> as_number(Decimal("0.5"), "share", least=0, most=1)
    0.5
    """
    number = math.nan
    if isinstance(given, (numbers.Real, Decimal)) and not isinstance(given, bool):
        # An integer beyond all floats, or a signalling NaN, is refused below.
        with suppress(OverflowError, ValueError):
            number = float(given)
    # Written so that NaN fails.
    if math.isfinite(number) and least <= number <= most and above < number < below:
        return number
    shown = str(given) if isinstance(given, Decimal) else repr(given)
    raise InputError(
        "bad-argument",
        say("field-is", field=field, value=shown),
        field=field,
        value=given,
        remedy=remedy or say("give-a-number", range=_range_in_words(least, most, above, below)),
    )


def _range_in_words(least: float, most: float, above: float, below: float) -> str:
    """Return a range as a phrase, such as "from 0 to 1" or "above 0 and below 1"."""
    if math.isfinite(least) and math.isfinite(most):
        return say("number-from-to", low=f"{least:g}", high=f"{most:g}")
    ends = {"number-at-least": least, "number-above": above, "number-at-most": most,
            "number-below": below}  # fmt: skip
    words = [say(code, end=f"{end:g}") for code, end in ends.items() if math.isfinite(end)]
    return joined(words) if words else say("number-finite")
