"""What is said to people: a code and values, said in English or in another language.

`say` makes a message; `said_in` says it in a language, and `quoted`, `listed` and `joined` put
names and lists into it. Errors say messages too, so this lies below them; the room `i18n` adds what
is checked, and what files keep of messages.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache, reduce
from pathlib import Path
from string import Formatter
from typing import Any, Self

_FOLDER = Path(__file__).with_name("i18n")


def catalogue(name: str) -> dict[str, str]:
    """Return the texts of a file by code; its tables are those of the rooms."""
    tables = json.loads((_FOLDER / f"{name}.json").read_text("utf-8"))
    return {code: text for table in tables.values() for code, text in table.items()}


LANGUAGES = ("en", "zh")
"""Languages that messages are said in; English is what their text is."""
CATALOGUES = {language: catalogue(language) for language in LANGUAGES}
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


def said_in(text: str, language: str) -> str:
    """Return a text in one of `LANGUAGES`; what is no `Message` stays as it is."""
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
    given = {name: _Text(shown(value, language)) for name, value in values.items()}
    text = CATALOGUES[language][code]
    if language != "zh":
        return text.format_map(given)
    parts = (p for literal, name, *_ in Formatter().parse(text)
             for p in (literal, "" if name is None else given[name]) if p)  # fmt: skip
    return reduce(_beside, parts, "")


def _beside(one: str, other: str) -> str:
    """Return two texts as one, with a space where Chinese meets Latin letters or figures."""
    between = one[-1:], other[0]
    apart = any(map(_LATIN.match, between)) and any(map(_CHINESE.match, between))
    return f"{one}{' ' * apart}{other}"


_LATIN, _CHINESE = re.compile("[A-Za-z0-9]"), re.compile("[\u3400-\u9fff]")


def shown(value: Any, language: str) -> str:
    """Return a value of a message as text in a language."""
    if isinstance(value, (tuple, list)):
        return _BETWEEN[language].join(shown(each, language) for each in value)
    return said_in(value, language) if isinstance(value, str) else str(value)


def quoted(name: str) -> Message:
    """Return a name in quotation marks.

    Examples
    --------
    >>> quoted("feed")
    "'feed'"
    """
    return say("quoted-name", name=name)


@lru_cache(maxsize=4096)
def of_name(field: str, name: str) -> Message:
    """Return a field as that of something with a name.

    Examples
    --------
    >>> of_name("floor", "feed")
    "floor of 'feed'"
    """
    return say("field-of-name", field=field, name=repr(name))


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


def joined(texts: Sequence[str]) -> Message:
    """Return one text or more with "and" between them.

    Examples
    --------
    >>> joined(["a", "b", "c"])
    'a and b and c'
    """
    return linked("both", texts)


def linked(code: str, texts: Sequence[str]) -> Message:
    """Return one text or more, each with the one before it as `one` and `other` of a message.

    Examples
    --------
    >>> linked("either-or", ["a", "b", "c"])
    'a or b or c'
    """
    first, *others = texts
    return reduce(lambda one, other: say(code, one=one, other=other), others, as_message(first))


def as_message(text: str) -> Message:
    """Return a text as a message; what is none, such as a name, is the same in any language."""
    return text if isinstance(text, Message) else listed([text])


def _plain(value: Any) -> Any:
    if isinstance(value, Message):
        return value.to_dict()
    if isinstance(value, (tuple, list)):
        return [_plain(each) for each in value]
    return str(value)
