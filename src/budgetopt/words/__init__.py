"""Sentences that remember how they were made, so that they can be said in another language.

A `Sentence` is its English text, and is used like any text. Beside it it keeps the template and the
values, by which `in_language` says the same with the same numbers. Templates are their own keys, as
in GNU gettext; a test holds that every one in the source has its translation.
"""

from __future__ import annotations

from budgetopt.words.lists import joined, listed, quoted
from budgetopt.words.sentence import LANGUAGES, Sentence, in_language, restored, say, templates_of

__all__ = [
    "LANGUAGES",
    "Sentence",
    "in_language",
    "joined",
    "listed",
    "quoted",
    "restored",
    "say",
    "templates_of",
]
