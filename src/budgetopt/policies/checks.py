"""Checks that policies share, and numbers as names write them."""

from __future__ import annotations

from typing import Any

import numpy as np

from budgetopt.errors import InputError
from budgetopt.policies.base import Policy


def check_count(count: Any, field: str, what: str, most: int) -> None:
    """Refuse what is not a whole number from 1 to the most.

    Raises
    ------
    InputError
        ``bad-argument``.
    """
    whole = isinstance(count, (int, np.integer)) and not isinstance(count, bool)
    if not whole or not 1 <= count <= most:
        raise _wrong(count, field, what, f"give a whole number from 1 to {most:,}")


def check_share(
    share: Any, field: str, what: str, *, above: float = 0.0, most: float = 1.0
) -> None:
    """Refuse what is not a number above the one and at most the other.

    Raises
    ------
    InputError
        ``bad-argument``.
    """
    number = isinstance(share, (int, float, np.number)) and not isinstance(share, bool)
    # Written so that NaN fails.
    if not (number and above < share <= most):
        raise _wrong(share, field, what, f"give a number above {above:g}, at most {most:g}")


def check_chance(chance: Any, field: str, what: str) -> None:
    """Refuse what is not a number between 0 and 1.

    Raises
    ------
    InputError
        ``bad-argument``.
    """
    number = isinstance(chance, (int, float, np.number)) and not isinstance(chance, bool)
    if not (number and 0.0 < chance < 1.0):
        raise _wrong(chance, field, what, "give a number between 0 and 1")


def checked_policy(policy: Any, field: str = "policy") -> Policy:
    """Return a policy, or say what is needed of one.

    Raises
    ------
    InputError
        ``bad-argument`` for a class, a name or anything else without a name and `decide`.
    """
    if isinstance(policy, type) or not isinstance(policy, Policy):
        raise InputError(
            "bad-argument",
            f"{field} is {policy!r}",
            field=field,
            value=str(policy),
            remedy="give an object with a name and the method decide, such as Thompson()",
        )
    return policy


def written(number: float) -> str:
    """Return a number as a name writes it: every digit that tells it apart, and no more.

    Examples
    --------
    >>> written(1.0), written(0.05), written(8)
    ('1', '0.05', '8')
    """
    return str(int(number)) if float(number).is_integer() else repr(float(number))


def _wrong(value: Any, field: str, what: str, remedy: str) -> InputError:
    return InputError(
        "bad-argument",
        f"{field} of the {what} is {value!r}",
        field=field,
        value=value,
        remedy=remedy,
    )
