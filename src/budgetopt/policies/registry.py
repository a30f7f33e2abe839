"""Policies by name, ``"thompson(10)"``, and as plain data for files and ledgers.

A new policy is one class in its chapter and one line in `_KINDS`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import Field, fields
from typing import Any

from budgetopt.errors import InputError, did_you_mean
from budgetopt.history import History
from budgetopt.i18n import Message, say
from budgetopt.policies.base import Policy, checked_policy
from budgetopt.policies.baselines import EqualSplit, Greedy, HoldSteady, Proportional
from budgetopt.policies.bayesian import (
    MEAN,
    ExplorationBudget,
    Optimistic,
    Phased,
    PosteriorMean,
    Thompson,
    UpperQuantile,
)
from budgetopt.policies.conservative import Cautious, Guarded

_KINDS: dict[str, Any] = {
    "optimistic": Optimistic,
    "posterior-mean": PosteriorMean,
    "thompson": Thompson,
    "greedy": Greedy,
    "upper-quantile": UpperQuantile,
    "cautious": Cautious,
    "guarded": Guarded,
    "test-budget": ExplorationBudget,
    "phased": Phased,
    "proportional": Proportional,
    "equal": EqualSplit,
    "hold": HoldSteady,
}
NAMES = tuple(_KINDS)
"""Names that `policy_named` takes, the default first; settings follow in brackets, as in
``thompson(10)``."""
DEFAULT: Policy = Optimistic()
"""What decides a week by default where channels have outcomes of their own."""
DEFAULT_OF_TOTAL: Policy = Cautious(MEAN, 0.5)
"""What does where one total outcome is all there is. On twelve designs of ten markets
(`benchmarks/one_total.py`) half a standard deviation took losing weeks from a quarter to a tenth,
for an eighth of the gain."""

SCHEMA_VERSION = 1
_WRITTEN = {"fallback": "otherwise"}
"""Keys of plain data that have another name: ledgers and files since version 1 hold them."""


def default_policy(history: History) -> Policy:
    """Return what decides a week by default, given the history it is decided from.

    `DEFAULT` tries channels of which little is known, and the next weeks settle the doubt. One
    total outcome settles hardly any of it, however long one waits: there `DEFAULT_OF_TOTAL` goes
    towards the split of the posterior mean only as far as the gain is half a standard deviation
    above nothing, and stays where no part of the way is.
    """
    return DEFAULT_OF_TOTAL if history.outcome is None else DEFAULT


def policy_named(name: str) -> Policy:
    """Return the policy of a name such as ``hold``, ``thompson(10)`` or ``greedy(0.05)``.

    Settings stand in brackets in the order of the policy's parameters; a policy among them is a
    name itself, as in ``cautious(thompson(10), 0.5)``. What is left out has its default. The name
    of every policy, ``policy.name``, gives it back, apart from its fallback.

    Raises
    ------
    InputError
        ``unknown-name``, or ``bad-argument`` for a number out of range.

    Examples
    --------
    >>> policy_named("test-budget(posterior-mean, 0.1)").share
    0.1
    """
    match = re.fullmatch(r"([a-z-]+)\s*(?:\((.*)\))?", name.strip().lower())
    base, inside = match.groups() if match else (name.partition("(")[0], None)
    kind = _KINDS.get(base) if match else None
    given = [] if inside is None else _parts(inside)
    settings = [] if kind is None else _settings(kind)
    if kind is None or len(given) > len(settings):
        raise _unknown(name, base)
    try:
        values = [_READ[str(f.type)](text) for f, text in zip(settings, given, strict=False)]
    except InputError:
        raise  # Of a policy inside.
    except ValueError:
        raise _unknown(name, base) from None
    policy: Policy = kind(*values)
    return policy


_READ: dict[str, Any] = {"int": int, "float": float, "Policy": policy_named}


def as_policy(given: Any) -> Policy:
    """Return a policy from itself, or from its name as `policy_named` reads it.

    Raises
    ------
    InputError
        ``unknown-name``, or ``bad-argument`` for what is neither.
    """
    return checked_policy(policy_named(given) if isinstance(given, str) else given)


def policy_to_dict(policy: Policy) -> dict[str, Any]:
    """Return a policy of this package as plain data that `policy_from_dict` takes.

    Raises
    ------
    InputError
        ``bad-argument`` for a policy of one's own, which only its maker can write down.
    """
    return {"schema_version": SCHEMA_VERSION, **_plain(policy)}


def policy_from_dict(data: Mapping[str, Any]) -> Policy:
    """Return the policy of `policy_to_dict`.

    Raises
    ------
    InputError
        ``bad-argument`` for data of another version, or a setting that is missing, misspelt or out
        of range; ``unknown-name`` for a policy that is not known.
    """
    version = data.get("schema_version") if isinstance(data, Mapping) else None
    if version != SCHEMA_VERSION:
        raise _not_data(
            say("parts-have-version", version=repr(version)),
            say("remedy-data-version", schema_version=SCHEMA_VERSION),
        )
    return _read({key: value for key, value in data.items() if key != "schema_version"})


def _plain(policy: Policy) -> dict[str, Any]:
    names = [name for name, kind in _KINDS.items() if type(policy) is kind]
    if not names:
        raise InputError("bad-argument", say("policy-built-policy", name=repr(policy.name)),
                         field="policy", value=policy.name,
                         remedy=say("remedy-store-settings-yourself-rebuild"))  # fmt: skip
    plain: dict[str, Any] = {"kind": names[0]}
    for f in _settings(type(policy), fallback=True):
        value = getattr(policy, f.name)
        plain[_WRITTEN.get(f.name, f.name)] = _plain(value) if f.type == "Policy" else value
    return plain


def _read(data: Any) -> Policy:
    if not isinstance(data, Mapping) or not isinstance(data.get("kind"), str):
        raise _not_data(say("parts-are", data=repr(data)), say("remedy-mapping-kind-policy"))
    name = data["kind"]
    if name not in _KINDS:
        raise _unknown(name, name)
    settings = {_WRITTEN.get(f.name, f.name): f for f in _settings(_KINDS[name], fallback=True)}
    odd = sorted(set(settings) ^ (set(data) - {"kind"}))
    if odd:
        raise _not_data(
            say("missing-unknown-field", name=repr(name), odd=repr(odd[0])),
            say("remedy-give-needed", needed=[*settings]),
        )
    values = {
        f.name: _read(data[key]) if f.type == "Policy" else data[key] for key, f in settings.items()
    }
    policy: Policy = _KINDS[name](**values)
    return policy


def _settings(kind: Any, *, fallback: bool = False) -> list[Field[Any]]:
    """Return the parameters of a policy, its name apart."""
    return [f for f in fields(kind) if f.name != "name" and (fallback or not f.kw_only)]


def _parts(text: str) -> list[str]:
    """Return what stands between the commas that are in no inner brackets."""
    parts, depth = [""], 0
    for letter in text:
        depth += (letter == "(") - (letter == ")")
        if letter == "," and depth == 0:
            parts.append("")
        else:
            parts[-1] += letter
    return [part.strip() for part in parts]


def _unknown(name: str, base: str) -> InputError:
    return InputError("unknown-name", say("unknown-policy", name=repr(name)), field="policy",
                      value=name, remedy=did_you_mean(base, NAMES))  # fmt: skip


def _not_data(problem: Message, remedy: Message) -> InputError:
    return InputError(
        "bad-argument", say("data-policy", problem=problem), field="policy", remedy=remedy
    )
