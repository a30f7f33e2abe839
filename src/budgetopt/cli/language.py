"""Which language a call of the program speaks, and its errors in it.

``--lang`` counts first, then ``BUDGETOPT_LANG``, then the locale.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any

from budgetopt.errors import BudgetoptError

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


def error_text(error: BudgetoptError, language: str) -> str:
    """Return an error in a language.

    What is known in English alone is led by what the code means, and stands behind it.
    """
    from budgetopt.i18n import Message, in_language, say

    if language == "en":
        return str(error)
    problem, remedy = error.problem, error.remedy
    if isinstance(problem, Message):
        said = in_language(problem, language)
        return f"{said}：{in_language(remedy, language)}" if remedy else said
    meaning = _meanings()[error.code]
    if not error.field:
        return in_language(say("error-in-english", meaning=meaning, english=str(error)), language)
    where = say("error-at-field", meaning=meaning, field=error.field, english=str(error))
    return in_language(where, language)


def _meanings() -> dict[str, Any]:
    """Return what every code of an error means."""
    from budgetopt.i18n import say

    return {
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
