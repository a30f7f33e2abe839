"""Policies by name, and as plain data."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import Field, fields
from typing import Any

from budgetopt.errors import InputError, did_you_mean
from budgetopt.policies.base import Policy
from budgetopt.policies.cautious import Cautious
from budgetopt.policies.equal import EqualSplit
from budgetopt.policies.greedy import Greedy
from budgetopt.policies.guarded import Guarded
from budgetopt.policies.hold import HoldSteady
from budgetopt.policies.optimistic import Optimistic
from budgetopt.policies.posterior_mean import PosteriorMean
from budgetopt.policies.proportional import Proportional
from budgetopt.policies.test_budget import TestBudget
from budgetopt.policies.thompson import Thompson
from budgetopt.policies.upper_quantile import UpperQuantile

_KINDS: dict[str, Any] = {
    "optimistic": Optimistic,
    "posterior-mean": PosteriorMean,
    "thompson": Thompson,
    "greedy": Greedy,
    "upper-quantile": UpperQuantile,
    "cautious": Cautious,
    "guarded": Guarded,
    "test-budget": TestBudget,
    "proportional": Proportional,
    "equal": EqualSplit,
    "hold": HoldSteady,
}
NAMES = tuple(_KINDS)
"""Names that `policy_named` takes, the default first; settings follow in brackets, as in
``thompson(10)``."""
DEFAULT: Policy = Optimistic()
"""What decides a week where nobody says otherwise."""

SCHEMA_VERSION = 1


def policy_named(name: str) -> Policy:
    """Return the policy of a name such as ``hold``, ``thompson(10)`` or ``greedy(0.05)``.

    Settings stand in brackets in the order of the policy's parameters; a policy among them is a
    name itself, as in ``cautious(thompson(10), 0.5)``. What is left out has its default. The name
    of every policy, ``policy.name``, gives it back, apart from what it does otherwise.

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
        raise _not_data(f"have version {version!r}", f"give data of version {SCHEMA_VERSION}")
    return _read({key: value for key, value in data.items() if key != "schema_version"})


def _plain(policy: Policy) -> dict[str, Any]:
    names = [name for name, kind in _KINDS.items() if type(policy) is kind]
    if not names:
        raise InputError(
            "bad-argument",
            f"policy {policy.name!r} is none of this package's",
            field="policy",
            value=policy.name,
            remedy="write down its settings yourself, and make it again from them",
        )
    plain: dict[str, Any] = {"kind": names[0]}
    for f in _settings(type(policy), otherwise=True):
        value = getattr(policy, f.name)
        plain[f.name] = _plain(value) if f.type == "Policy" else value
    return plain


def _read(data: Any) -> Policy:
    if not isinstance(data, Mapping) or not isinstance(data.get("kind"), str):
        raise _not_data(f"are {data!r}", "give a mapping with the kind of policy")
    name = data["kind"]
    if name not in _KINDS:
        raise _unknown(name, name)
    settings = {f.name: f for f in _settings(_KINDS[name], otherwise=True)}
    odd = sorted(set(settings) ^ (set(data) - {"kind"}))
    if odd:
        raise _not_data(f"of {name!r} lack or add {odd[0]!r}", f"give {', '.join(settings)}")
    values = {key: data[key] for key in settings}
    for key, f in settings.items():
        if f.type == "Policy":
            values[key] = _read(values[key])
    policy: Policy = _KINDS[name](**values)
    return policy


def _settings(kind: Any, *, otherwise: bool = False) -> list[Field[Any]]:
    """Return the parameters of a policy, its name apart."""
    return [f for f in fields(kind) if f.name != "name" and (otherwise or not f.kw_only)]


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
    return InputError(
        "unknown-name",
        f"policy {name!r} is not known",
        field="policy",
        value=name,
        remedy=did_you_mean(base, NAMES),
    )


def _not_data(problem: str, remedy: str) -> InputError:
    return InputError(
        "bad-argument", f"the data of the policy {problem}", field="policy", remedy=remedy
    )
