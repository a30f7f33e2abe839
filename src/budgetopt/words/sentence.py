"""One sentence, its template and its values."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Self

from budgetopt.errors import InputError, did_you_mean
from budgetopt.words.zh import ZH

LANGUAGES = ("en", "zh")
"""Languages that sentences are said in; English is what their text is."""
_CATALOGUES: dict[str, Mapping[str, str]] = {"zh": ZH}
_BETWEEN = {"en": ", ", "zh": "、"}


class Sentence(str):
    """English text made from a template and values.

    Parameters
    ----------
    template
        English, with the names of values in braces, as `str.format` reads them.
    values
        Text that is ready to be read: formatted numbers, names, other sentences, or tuples of
        these, which are listed.
    """

    __slots__ = ("template", "values")
    template: str
    values: dict[str, Any]

    def __new__(cls, template: str, values: Mapping[str, Any]) -> Self:
        """Return the sentence, as text in English."""
        made = super().__new__(cls, _filled(template, values, "en"))
        made.template, made.values = template, dict(values)
        return made

    def __reduce__(self) -> tuple[type[Self], tuple[str, dict[str, Any]]]:
        return type(self), (self.template, self.values)

    def to_dict(self) -> dict[str, Any]:
        """Return template and values as plain data, nested sentences likewise."""
        return {"template": self.template, "values": {k: _plain(v) for k, v in self.values.items()}}


def say(template: str, /, **values: Any) -> Sentence:
    """Return a sentence from an English template.

    Examples
    --------
    >>> said = say("nothing moves, as {first} to {last} is frozen", first="2026-11-09", last="today")
    >>> said, said.template
    ('nothing moves, as 2026-11-09 to today is frozen', 'nothing moves, as {first} to {last} is frozen')
    """  # noqa: E501
    return Sentence(template, values)


def in_language(text: str, language: str) -> str:
    """Return a text in a language; what is no `Sentence`, or not translated, stays English.

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
    if language == "en" or not isinstance(text, Sentence):
        return str(text)
    template = _CATALOGUES[language].get(text.template)
    return str(text) if template is None else _filled(template, text.values, language)


def templates_of(texts: Iterable[str]) -> dict[str, Any]:
    """Return how the sentences among some texts were made, by their English text, for JSON."""
    return {str(text): text.to_dict() for text in texts if isinstance(text, Sentence)}


def restored(text: str, made: Mapping[str, Any]) -> str:
    """Return a text as the sentence that `templates_of` kept, or as it is.

    Raises
    ------
    InputError
        ``bad-argument`` where what was kept does not make the text, so that no language ever says
        other numbers than another.
    """
    try:
        found = made.get(text)
        said = text if found is None else _sentence(found)
    except (AttributeError, IndexError, KeyError, TypeError, ValueError):
        said = None
    if not isinstance(said, str) or said != text:
        raise InputError(
            "bad-argument",
            f"the template kept for {text!r} does not make it",
            field="words",
            value=text,
            remedy="give what templates_of returned",
        )
    return said


def _filled(template: str, values: Mapping[str, Any], language: str) -> str:
    return template.format_map({name: _shown(value, language) for name, value in values.items()})


def _shown(value: Any, language: str) -> str:
    if isinstance(value, (tuple, list)):
        return _BETWEEN[language].join(_shown(each, language) for each in value)
    return in_language(value, language) if isinstance(value, str) else str(value)


def _plain(value: Any) -> Any:
    if isinstance(value, Sentence):
        return value.to_dict()
    if isinstance(value, (tuple, list)):
        return [_plain(each) for each in value]
    return str(value)


def _sentence(data: Any) -> Any:
    if isinstance(data, Mapping):
        values = {name: _sentence(value) for name, value in data["values"].items()}
        return Sentence(data["template"], values)
    return tuple(map(_sentence, data)) if isinstance(data, list) else data
