"""Ranges of a market's settings, each with an error that names field, value and remedy."""

from __future__ import annotations

import math
import numbers
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from budgetopt.errors import InputError, did_you_mean


def wrong(field: str, value: Any, remedy: str, problem: str = "") -> InputError:
    """Return a ``bad-argument`` error about a field."""
    said = problem or f"{field} is {value!r}"
    return InputError("bad-argument", said, field=field, value=value, remedy=remedy)


def number(
    value: Any,
    field: str,
    *,
    least: float = -math.inf,
    most: float = math.inf,
    above: float = -math.inf,
) -> float:
    """Return a finite number in a range as a float.

    Raises
    ------
    InputError
        ``bad-argument``.
    """
    good = isinstance(value, numbers.Real) or hasattr(value, "as_integer_ratio")
    if good and not isinstance(value, (bool, np.bool_)):
        given = float(value)
        if math.isfinite(given) and least <= given <= most and given > above:
            return given
    rules = [f"above {above:g}"] if above > -math.inf else []
    rules += [f"at least {least:g}"] if least > -math.inf else []
    rules += [f"at most {most:g}"] if most < math.inf else []
    raise wrong(field, value, f"give a number {' and '.join(rules) or 'that is finite'}")


def numbers_of(values: Any, field: str, *, least: float) -> tuple[float, ...]:
    """Return a row of numbers as a tuple of floats."""
    if isinstance(values, (str, Mapping)) or not isinstance(values, (Iterable, np.ndarray)):
        raise wrong(field, values, "give a list of numbers")
    return tuple(number(v, f"{field}[{at}]", least=least) for at, v in enumerate(values))


def by_channel(value: Any, field: str, *, least: float) -> float | tuple[float, ...]:
    """Return one number for all channels, or a tuple of one for each."""
    if isinstance(value, (list, tuple, np.ndarray)) and np.ndim(value):
        return numbers_of(value, field, least=least)
    return number(value, field, least=least)


def whole(value: Any, field: str, *, least: int = 0) -> int:
    """Return a whole number as an int."""
    if isinstance(value, numbers.Integral) and not isinstance(value, bool) and int(value) >= least:
        return int(value)
    raise wrong(field, value, f"give a whole number of at least {least}")


def known(names: Iterable[str], all_names: tuple[str, ...], field: str) -> None:
    """Raise ``unknown-name`` for the first name that is not a channel."""
    for name in names:
        if name not in all_names:
            raise InputError(
                "unknown-name",
                f"{field} names {name!r}, which is not a channel",
                field=field,
                value=name,
                remedy=did_you_mean(name, all_names),
            )
