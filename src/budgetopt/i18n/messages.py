"""Messages: what is said of them beyond `budgetopt.messages`, where one is made.

Numbers as text (`show_figure`, `show_bound`; exact money has `money.show_amount`), a message in
another language (`in_language`), and messages in files (`messages_of`, `restored`). What a user
wrote, such as the name of a channel or the sentence of a limit of one's own, is plain text and is
never translated.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from decimal import Decimal
from string import Formatter
from typing import Any

from budgetopt.errors import InputError, checked_language
from budgetopt.messages import CATALOGUES, Message, catalogue, said_in, say, shown

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
        step = 10.0 ** (magnitude(bound) - digits + 1)
        near += -step if least else step
    return show_figure(near, digits)


def round_known(value: float, width: float) -> float:
    """Return an expected number to the second digit of how far the ends of its range are apart.

    Its own first digit is kept: a small part of a total that is hardly known is not nothing.

    Examples
    --------
    >>> round_known(51828.8, 8100.0), round_known(8.456, 0.0), round_known(3976.0, 170_000.0)
    (51800.0, 8.456, 4000.0)
    """
    if not (0 < width < math.inf and math.isfinite(value) and value):
        return value
    return round(value, max(1 - magnitude(width), -magnitude(value)))


def magnitude(value: float) -> int:
    """Return the power of ten of a number's first digit.

    Examples
    --------
    >>> magnitude(3976.0), magnitude(-0.02)
    (3, -2)
    """
    return math.floor(math.log10(abs(value)))


_CODES = {
    re.sub(r":[^|{}]*\|([^{}]*)}", r"} \1", english): code
    for texts in (CATALOGUES["en"], catalogue("before"))
    for code, english in texts.items()
}
"""Codes by their English, counts in the plural, for what was recorded before there were codes."""


def in_language(text: str, language: str) -> str:
    """Return a text in a language; what is no `Message` stays as it is.

    Raises
    ------
    InputError
        ``bad-argument`` for a language that is not one of `LANGUAGES`.
    """
    return said_in(text, checked_language(language))


def begun(text: str, language: str) -> str:
    """Return a sentence in a language, with a capital unless a name of the user's begins it.

    Examples
    --------
    >>> begun(say("stays", after="5"), "en"), begun("feed", "en")
    ('Stays at 5', 'feed')
    """
    said, first = in_language(text, language), text
    while isinstance(first, Message):
        literal, name, *_ = next(iter(Formatter().parse(CATALOGUES["en"][first.code])))
        if literal:
            return said[:1].upper() + said[1:]
        first = first.values[name or ""]
    return said


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
            say("kept-does-not-make", text=repr(text)),
            field="words",
            value=text,
            remedy=say("give-what-returned", function="messages_of"),
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
    return template.format_map({name: shown(value, "en") for name, value in values.items()})


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
