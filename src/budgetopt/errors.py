"""The one error tree, split by what the caller can do next.

=====================  ====  ====  ==================================================
class                  exit  HTTP  what the caller can do
=====================  ====  ====  ==================================================
`InputError`              2   400  fix the plan, the file or the argument it names
`InfeasibleError`         3   422  relax one of the limits it names
`SolverError`             4   500  choose another method or allow more time
`LedgerError`             6   503  free, mend or restore the ledger, then run again
=====================  ====  ====  ==================================================

Every error carries a stable ``code`` (a key of `CODES`), the ``field`` it is about, the offending
``value`` and a ``remedy``, and reads ``problem: remedy``; `BudgetoptError.explain` says it in
another language.
"""

from __future__ import annotations

import difflib
import errno
import json
import math
import numbers
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from decimal import Decimal
from functools import partial
from typing import Any, ClassVar

from budgetopt.messages import LANGUAGES, Message, joined, said_in, say
from budgetopt.untrusted import TooLargeError, escaped, twin_key

CODES: dict[str, Message] = {
    "bad-number": say("error-bad-number"),
    "bad-money": say("error-bad-money"),
    "bad-currency": say("error-bad-currency"),
    "bad-date": say("error-bad-date"),
    "bad-curve": say("error-bad-curve"),
    "bad-name": say("error-bad-name"),
    "bad-plan": say("error-bad-plan"),
    "unknown-name": say("error-unknown-name"),
    "bounds-clash": say("error-bounds-clash"),
    "lines-do-not-add-up": say("error-lines-sum"),
    "no-curve": say("error-no-curve"),
    "bad-file": say("error-bad-file"),
    "bad-columns": say("error-bad-columns"),
    "bad-history": say("error-bad-history"),
    "no-data": say("error-no-data"),
    "missing-extra": say("error-missing-extra"),
    "bad-argument": say("error-bad-argument"),
    "floors-above-budget": say("error-floors-above-budget"),
    "cannot-spend-all": say("error-cannot-spend-all"),
    "no-step-in-bounds": say("error-no-step"),
    "limits-clash": say("error-limits-clash"),
    "target-out-of-reach": say("error-target-out-of-reach"),
    "time-limit": say("error-time-limit"),
    "wrong-method": say("error-wrong-method"),
    "broken-limit": say("error-broken-limit"),
    "not-concave": say("error-not-concave"),
    "not-converged": say("error-not-converged"),
    "wrong-state": say("error-wrong-state"),
    "ledger-locked": say("error-ledger-locked"),
    "ledger-schema": say("error-ledger-schema"),
    "ledger-broken": say("error-ledger-broken"),
    "ledger-plans": say("error-ledger-plans"),
    "ledger-conflict": say("error-ledger-conflict"),
    "ledger-clock": say("error-ledger-clock"),
    "ledger-full": say("error-ledger-full"),
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
    """What a command ends with."""
    _HTTP: ClassVar[Mapping[int, int]] = {2: 400, 3: 422, 6: 503}

    @property
    def http_status(self) -> int:
        """What a service answers with: as in the table above, and 409 for ``wrong-state``."""
        return 409 if self.code == "wrong-state" else self._HTTP.get(self.exit_code, 500)

    def __init__(
        self,
        code: str,
        problem: Message | None = None,
        *,
        field: str = "",
        value: Any = None,
        remedy: Message | None = None,
        details: Mapping[str, Any] | None = None,
    ) -> None:
        if code not in CODES:
            raise KeyError(code)
        said = say("field-is", field=field, value=repr(value)) if problem is None else problem
        self.code, self.problem, self.field = code, _shown(said), field
        self.value, self.remedy, self.details = value, remedy or "", dict(details or {})
        super().__init__(f"{self.problem}: {_shown(remedy)}" if remedy else self.problem)

    def __reduce__(self) -> tuple[Callable[..., BudgetoptError], tuple[str, str]]:
        """Survive the trip between processes, keyword arguments included."""
        given = {name: getattr(self, name) for name in ("field", "value", "remedy", "details")}
        return partial(type(self), **given), (self.code, self.problem)

    def explain(self, language: str = "en") -> str:
        """Return what is wrong and what to do about it, in a language.

        A problem that has words in English alone, as those of other libraries have, is led by what
        the code means, and stands behind it.

        Parameters
        ----------
        language
            One of `LANGUAGES`: ``"en"`` for what `str` gives, ``"zh"`` for Chinese.

        Raises
        ------
        InputError
            ``bad-argument`` for another language.

        Examples
        --------
        >>> InputError("bad-argument", field="seed", value=-1).explain("zh")
        'seed 为 -1'
        """
        if checked_language(language) == "en":
            return str(self)
        problem, remedy = self.problem, self.remedy
        if isinstance(problem, Message):
            said = said_in(problem, language)
            return f"{said}：{said_in(remedy, language)}" if remedy else said
        meaning, english = CODES[self.code], str(self)
        if self.field:
            where = say("error-at-field", meaning=meaning, field=self.field, english=english)
            return said_in(where, language)
        return said_in(say("error-in-english", meaning=meaning, english=english), language)

    def to_dict(self, language: str = "en") -> dict[str, Any]:
        """Return the error as plain data for JSON, its sentences in a language, as in `explain`."""
        value = self.value
        # JSON has no NaN and no infinity, and no reader of it likes endless numbers.
        simple = value is None or (isinstance(value, float) and math.isfinite(value))
        simple = simple or (isinstance(value, int) and value.bit_length() < 1024)
        try:
            plain = value if simple else _cut(str(value), _LONGEST_VALUE)
        except ValueError:
            # Python writes no integer of thousands of digits.
            plain = "an endless number"
        details = {name: str(_translated(one, language)) for name, one in self.details.items()}
        return {
            "error": type(self).__name__,
            "code": self.code,
            "message": self.explain(language),
            "field": self.field,
            "value": plain,
            "remedy": said_in(self.remedy, language),
            **({"details": details} if details else {}),
        }


def checked_language(language: str) -> str:
    """Return a language that messages are said in.

    Raises
    ------
    InputError
        ``bad-argument`` for what is not one of `LANGUAGES`.
    """
    if language in LANGUAGES:
        return language
    raise InputError(
        "bad-argument",
        say("field-is", field="language", value=repr(language)),
        field="lang",
        value=language,
        remedy=did_you_mean(str(language), LANGUAGES),
    )


def _translated(data: Any, language: str) -> Any:
    """Return plain data with the messages in it in a language."""
    if isinstance(data, str):
        return said_in(data, language)
    if isinstance(data, dict):
        return {name: _translated(one, language) for name, one in data.items()}
    return [_translated(one, language) for one in data] if isinstance(data, list) else data


_LONGEST, _LONGEST_VALUE = 4000, 400
"""Characters of a message of an error, and of a value, beyond which the middle is left out."""


def _shown(text: str) -> str:
    """Return a clause that may go to a terminal; one that is safe stays the object that it is."""
    return escaped(_cut(text, _LONGEST))


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[: most // 2]} ... {text[-most // 2 :]}"


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
        problem: Message | None = None,
        *,
        field: str = "",
        value: Any = None,
        remedy: Message | None = None,
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

    def to_dict(self, language: str = "en") -> dict[str, Any]:
        """Return the error as plain data for JSON, its sentences in a language."""
        data = {"limits": self.limits, "remedies": self.remedies, "irreducible": self.irreducible}
        return {**super().to_dict(language), **_translated(data, language)}


class SolverError(BudgetoptError):
    """The plan is right, but this method could not answer."""

    exit_code = 4


class VerificationError(SolverError):
    """An answer broke a limit and was withheld."""


class LedgerError(BudgetoptError):
    """The ledger cannot be opened, read or written as it is; nothing in it was changed."""

    exit_code = 6


_SYSTEM = {
    errno.ENOENT: say("no-such-file"),
    errno.EACCES: say("no-permission"),
    errno.EPERM: say("not-permitted"),
    errno.ENOSPC: say("no-space-left"),
    errno.EDQUOT: say("quota-exceeded"),
    errno.EISDIR: say("is-a-folder"),
    errno.ENOTDIR: say("is-no-folder"),
    errno.EROFS: say("read-only-disk"),
    errno.ENAMETOOLONG: say("file-name-too-long"),
    errno.EEXIST: say("file-exists"),
    errno.EIO: say("disk-failed"),
    errno.ELOOP: say("links-circle"),
    errno.EMFILE: say("too-many-open"),
}


def foreign(error: BaseException) -> Message:
    """Return what another package or the system says of a failure.

    It is said in our words where the failure is known by its number or its place, and else quoted.
    """
    if error.args and isinstance(error.args[0], Message):
        return error.args[0]
    if isinstance(error, TooLargeError):
        return say("more-than-read", size=error.strerror)
    if isinstance(error, OSError) and error.errno in _SYSTEM:
        return _SYSTEM[error.errno]
    if isinstance(error, json.JSONDecodeError):
        return say("breaks-off", text=error.msg, line=error.lineno, column=error.colno)
    if isinstance(error, UnicodeDecodeError):
        return say("not-utf-8-at", place=error.start + 1)
    said = (isinstance(error, OSError) and error.strerror) or str(error)
    return say("said-elsewhere", text=" ".join(str(said).split()))


def did_you_mean(name: str, known: Iterable[str]) -> Message:
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
    remedy: Message | None = None,
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


def _range_in_words(least: float, most: float, above: float, below: float) -> Message:
    """Return a range as a phrase, such as "from 0 to 1" or "above 0 and below 1"."""
    if math.isfinite(least) and math.isfinite(most):
        return say("number-from-to", low=f"{least:g}", high=f"{most:g}")
    ends = {"number-at-least": least, "number-above": above, "number-at-most": most,
            "number-below": below}  # fmt: skip
    words = [say(code, end=f"{end:g}") for code, end in ends.items() if math.isfinite(end)]
    return joined(words) if words else say("number-finite")
