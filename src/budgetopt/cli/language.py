"""Which language a call of the program speaks.

``--lang`` counts first, then ``BUDGETOPT_LANG``, then the locale.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence

VARIABLE = "BUDGETOPT_LANG"
_LOCALE = ("LC_ALL", "LC_MESSAGES", "LANG")
"""Variables of the locale; the first that is set counts."""


def usual_language(variables: Mapping[str, str]) -> str:
    """Return the language where ``--lang`` is not given.

    Examples
    --------
    >>> usual_language({"LANG": "zh_CN.UTF-8"}), usual_language({"BUDGETOPT_LANG": "en"})
    ('zh', 'en')
    """
    if chosen := variables.get(VARIABLE):
        return "zh" if chosen == "zh" else "en"
    locale = next((variables[name] for name in _LOCALE if variables.get(name)), "")
    return "zh" if locale.lower().startswith("zh") else "en"


def language_of(given: Sequence[str]) -> str:
    """Return the language that a call asks for, before it is parsed."""
    for at, word in enumerate(given):
        value = given[at + 1] if word == "--lang" and at + 1 < len(given) else ""
        value = word.removeprefix("--lang=") if word.startswith("--lang=") else value
        if value:
            return "zh" if value == "zh" else "en"
    return usual_language(os.environ)
