"""Messages: a code and values, said in English or in another language.

From simple to subtle: numbers as text (`show_figure`, `show_bound`; exact money has
`money.show_amount`), one message (`say`), what other languages say of it (`in_language`), names and
lists inside messages (`quoted`, `listed`, `joined`), and messages in files (`messages_of`,
`restored`). What a user
wrote, such as the name of a channel or the sentence of a limit of one's own, is plain text and is
never translated.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from functools import reduce
from pathlib import Path
from string import Formatter
from typing import Any, Self

from budgetopt.errors import InputError, did_you_mean

_TINY, _HUGE = 1e-4, 1e15
"""Outside these a number is easier to read with an exponent."""


def show_figure(value: float, digits: int = 6, *, sign: bool = False) -> str:
    """Return a number to some significant digits, with thousands separators.

    Parameters
    ----------
    value
        Any number.
    digits
        Significant digits, at least 1.
    sign
        Whether a plus is written in front of what is not negative.

    Examples
    --------
    >>> show_figure(338423.9), show_figure(6.19341e11), show_figure(2.5, sign=True)
    ('338,424', '619,341,000,000', '+2.5')
    """
    plus = "+" if sign else ""
    if not math.isfinite(value) or (value and not _TINY <= abs(value) < _HUGE):
        return f"{value:{plus}.{digits}g}"
    short = Decimal(f"{value + 0.0:.{digits - 1}e}")
    text = f"{short:{plus},f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def show_bound(bound: float, digits: int = 2, *, least: bool = False) -> str:
    """Return what nothing exceeds, rounded up to some digits; what nothing falls short of, down.

    Examples
    --------
    >>> show_bound(0.0102), show_bound(0.01), show_bound(996.2), show_bound(1.59, least=True)
    ('0.011', '0.01', '1,000', '1.5')
    """
    near = float(f"{bound:.{digits - 1}e}")
    away = near - bound if least else bound - near
    # A part in a billion is rounding of the number itself.
    if 1e-9 * abs(bound) < away < math.inf:
        step = 10.0 ** (math.floor(math.log10(abs(bound))) - digits + 1)
        near += -step if least else step
    return show_figure(near, digits)


def round_known(value: float, width: float) -> float:
    """Return an expected number to the second digit of how far the ends of its range are apart.

    Examples
    --------
    >>> round_known(51828.8, 8100.0), round_known(8.456, 0.0)
    (51800.0, 8.456)
    """
    if not (0 < width < math.inf and math.isfinite(value)):
        return value
    return round(value, 1 - math.floor(math.log10(width)))


def _catalogue(name: str) -> dict[str, str]:
    """Return the texts of a file by code; its tables are those of the rooms."""
    tables = json.loads(Path(__file__).with_name(f"{name}.json").read_text("utf-8"))
    return {code: text for table in tables.values() for code, text in table.items()}


LANGUAGES = ("en", "zh")
"""Languages that messages are said in; English is what their text is."""
CATALOGUES = {language: _catalogue(language) for language in LANGUAGES}
_CODES = {
    re.sub(r":[^|{}]*\|([^{}]*)}", r"} \1", english): code
    for texts in (CATALOGUES["en"], _catalogue("before"))
    for code, english in texts.items()
}
"""Codes by their English, counts in the plural, for what was recorded before there were codes."""
_BETWEEN = {"en": ", ", "zh": "、"}


class Message(str):
    """English text that remembers its code and its values.

    It is used like any text, so that notes stay readable in JSON; what decides reads the code.

    Parameters
    ----------
    code
        What is said, a key of every catalogue.
    values
        Text that is ready to be read: formatted numbers, names, other messages, or tuples of
        these, which are listed.
    """

    __slots__ = ("code", "values")
    code: str
    values: dict[str, Any]

    def __new__(cls, code: str, values: Mapping[str, Any]) -> Self:
        """Return the message, as text in English."""
        made = super().__new__(cls, _filled(code, values, "en"))
        made.code, made.values = code, dict(values)
        return made

    def __reduce__(self) -> tuple[type[Self], tuple[str, dict[str, Any]]]:
        return type(self), (self.code, self.values)

    def to_dict(self) -> dict[str, Any]:
        """Return code and values as plain data, nested messages likewise."""
        return {"code": self.code, "values": {k: _plain(v) for k, v in self.values.items()}}


def say(code: str, /, **values: Any) -> Message:
    """Return a message from its code and the values that its text names.

    Examples
    --------
    >>> said = say("week-frozen", first="2026-11-09", last="today")
    >>> said, said.code
    ('no changes: frozen from 2026-11-09 to today', 'week-frozen')
    """
    return Message(code, values)


def in_language(text: str, language: str) -> str:
    """Return a text in a language; what is no `Message` stays as it is.

    Raises
    ------
    InputError
        ``bad-argument`` for a language that is not one of `LANGUAGES`.
    """
    if language not in LANGUAGES:
        raise InputError(
            "bad-argument",
            f"language is {language!r}",
            field="lang",
            value=language,
            remedy=did_you_mean(str(language), LANGUAGES),
        )
    if language == "en" or not isinstance(text, Message):
        return str(text)
    return _filled(text.code, text.values, language)


class _Text(str):
    """Text of a value; in a text `{count:week|weeks}` is the count and the noun that it takes."""

    __slots__ = ()

    def __format__(self, spec: str) -> str:
        one, many, plural = spec.partition("|")
        return f"{self!s} {one if self == '1' else plural}" if many else format(str(self), spec)


def _filled(code: str, values: Mapping[str, Any], language: str) -> str:
    shown = {name: _Text(_shown(value, language)) for name, value in values.items()}
    return CATALOGUES[language][code].format_map(shown)


def _shown(value: Any, language: str) -> str:
    if isinstance(value, (tuple, list)):
        return _BETWEEN[language].join(_shown(each, language) for each in value)
    return in_language(value, language) if isinstance(value, str) else str(value)


def quoted(name: str) -> Message:
    """Return a name in quotation marks.

    Examples
    --------
    >>> quoted("feed")
    "'feed'"
    """
    return say("quoted-name", name=name)


def listed(texts: Iterable[str], most: int | None = None) -> Message:
    """Return texts one after another, at most so many of them, and how many more there are.

    Examples
    --------
    >>> listed("abc"), listed("abc", 2)
    ('a, b, c', 'a, b and 1 more')
    """
    every = tuple(texts)
    if most is None or len(every) <= most:
        return say("plain-list", listed=every)
    return say("list-and-more", listed=every[:most], more=len(every) - most)


def joined(texts: Sequence[str]) -> str:
    """Return one text or more with "and" between them.

    Examples
    --------
    >>> joined(["a", "b", "c"])
    'a and b and c'
    """
    return reduce(lambda one, other: say("both", one=one, other=other), texts)


def messages_of(texts: Iterable[str]) -> dict[str, Any]:
    """Return codes and values of the messages among some texts, by their English, for JSON."""
    return {str(text): text.to_dict() for text in texts if isinstance(text, Message)}


def restored(text: str, made: Mapping[str, Any]) -> str:
    """Return a text as the message that `messages_of` kept, or as it is.

    A message that is worded otherwise today is said in today's words. What was recorded by English
    templates, before there were codes, is read by them; plain text stays what has no code today.

    Raises
    ------
    InputError
        ``bad-argument`` where the text does not hold the values kept, so that no language ever says
        other numbers than another.
    """
    try:
        kept = made.get(text)
        if kept is None or not _known(kept):
            return text
        message = _restored(kept)
        holds = message == text or (isinstance(message, Message) and _holds(text, message))
    except (AttributeError, IndexError, KeyError, TypeError, ValueError):
        holds = False
    if not holds:
        raise InputError(
            "bad-argument",
            f"what was kept of {text!r} does not make it",
            field="words",
            value=text,
            remedy="give what messages_of returned",
        )
    assert isinstance(message, str)
    return message


def code_of(text: str) -> str:
    """Return the code of a text without values, which itself is one in older records.

    Examples
    --------
    >>> code_of("max change"), code_of("max-change")
    ('max-change', 'max-change')
    """
    return _CODES.get(text, text)


def _plain(value: Any) -> Any:
    if isinstance(value, Message):
        return value.to_dict()
    if isinstance(value, (tuple, list)):
        return [_plain(each) for each in value]
    return str(value)


def _known(kept: Any) -> bool:
    """Return whether every code in what was kept has a text today that its values fill."""
    if isinstance(kept, list):
        return all(map(_known, kept))
    if not isinstance(kept, Mapping):
        return True
    if "code" in kept and not _fills(kept["code"], kept["values"]):
        return False
    return all(map(_known, kept["values"].values()))


def _fills(code: str, values: Mapping[str, Any]) -> bool:
    """Return whether a code has a text today that values fill."""
    text = CATALOGUES["en"].get(code)
    return text is not None and {n for _, n, *_ in Formatter().parse(text) if n} <= values.keys()


def _restored(kept: Any) -> Any:
    """Return a message from its data, plain text where it has no code today."""
    if isinstance(kept, list):
        return tuple(map(_restored, kept))
    if not isinstance(kept, Mapping):
        return kept
    values = {name: _restored(value) for name, value in kept["values"].items()}
    if "code" in kept:
        return Message(kept["code"], values)
    template = kept["template"]
    if (code := _CODES.get(template)) and _fills(code, values):
        return Message(code, values)
    return template.format_map({name: _shown(value, "en") for name, value in values.items()})


def _holds(text: str, value: Any) -> bool:
    """Return whether every value of a message stands in a text."""
    if isinstance(value, Message):
        return all(_holds(text, each) for each in value.values.values())
    if isinstance(value, (tuple, list)):
        return all(_holds(text, each) for each in value)
    return str(value) in text or repr(value) in text


def missing_extra(
    what: Message, package: str, extra: str, field: str, error: type[InputError] = InputError
) -> InputError:
    """Return the error that a package of an extra is not installed, and how to install it.

    Parameters
    ----------
    what
        What needs it.
    package
        The package, as its makers write it.
    extra
        The extra of ours that it comes with.
    field
        The argument that asked for it.
    error
        Class of the error.
    """
    return error(
        "missing-extra",
        say("extra-missing", what=what, package=package),
        field=field,
        value=package.lower(),
        remedy=say("extra-install", extra=extra),
    )
