"""What a log and a policy must be, checked with the row that is wrong."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NoReturn

import numpy as np
from numpy.typing import ArrayLike, NDArray

from budgetopt.errors import InputError

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

LEAST_PROPENSITY = 1e-9
"""An action that is taken once in a billion rows does not stand in a log: it is a slip."""
MOST_REWARD = 1e15
"""Above this, sums of squares of weighted rewards lose their digits."""
SUM_TOLERANCE = 1e-6
"""How far the probabilities of a row may be from one, for rounding in files."""


def refuse(code: str, problem: str, field: str, value: Any, remedy: str) -> NoReturn:
    """Raise an input error."""
    raise InputError(code, problem, field=field, value=value, remedy=remedy) from None


def check_number(value: Any, field: str, least: float, most: float, remedy: str) -> None:
    """Refuse what is not a number from `least` to `most`.

    Raises
    ------
    InputError
        ``bad-argument``.
    """
    number = isinstance(value, (int, float, np.integer, np.floating)) and not isinstance(
        value, bool
    )
    if not number or not least <= value <= most:
        refuse("bad-argument", f"{field} is {value!r}", field, value, remedy)


def check_names(names: Iterable[str], field: str) -> tuple[str, ...]:
    """Return names as a tuple, each text and there once.

    Raises
    ------
    InputError
        ``bad-name``.
    """
    if isinstance(names, str):
        refuse("bad-name", f"{field} is one text", field, names, "give a tuple of names")
    checked = tuple(names)
    if not checked:
        refuse("bad-name", f"{field} is empty", field, "", "give at least one name")
    seen: set[str] = set()
    for name in checked:
        if not isinstance(name, str) or not name.strip():
            refuse("bad-name", f"{field} hold {name!r}", field, name, "give text that is not empty")
        if name in seen:
            refuse("bad-name", f"{field} hold {name!r} twice", field, name, "give each name once")
        seen.add(name)
    return checked


def as_floats(values: ArrayLike, field: str) -> Floats:
    """Return a copy of numbers as floats, of any shape; text is refused, even where it is a number.

    Raises
    ------
    InputError
        ``bad-number``.
    """
    remedy = "give an array of numbers"
    try:
        array = np.asarray(values)
        if array.dtype.kind not in "biufO" or any(isinstance(v, str) for v in _objects(array)):
            refuse("bad-number", f"{field} is not numbers", field, None, remedy)
        return np.array(array, dtype=np.float64)
    except (TypeError, ValueError) as error:
        if isinstance(error, InputError):
            raise
        refuse("bad-number", f"{field} is not numbers", field, None, remedy)


def _objects(array: NDArray[Any]) -> Iterable[Any]:
    return array.flat if array.dtype.kind == "O" else ()


def check_column(values: ArrayLike, field: str, *, least: float, most: float, what: str) -> Floats:
    """Return one number a row, each from `least` to `most`.

    Raises
    ------
    InputError
        ``bad-argument`` for a wrong shape, ``bad-number`` for the first row out of range.
    """
    column = as_floats(values, field)
    check_one_a_row(column, field)
    wrong = np.flatnonzero(~((column >= least) & (column <= most)))
    if wrong.size:
        row = int(wrong[0])
        refuse("bad-number", f"{at(row, field)} is {column[row]}", field, float(column[row]), what)
    return column


def check_rewards(values: ArrayLike, field: str) -> Floats:
    """Return the rewards, finite and at most 1e15 in size; as `check_column` otherwise."""
    what = f"give a finite number of at most {MOST_REWARD:g} in size, or leave the row out"
    return check_column(values, field, least=-MOST_REWARD, most=MOST_REWARD, what=what)


def check_propensities(values: ArrayLike, field: str) -> Floats:
    """Return the propensities, from 1e-9 to 1; as `check_column` otherwise."""
    what = f"give the probability of the action that was taken, {LEAST_PROPENSITY:g} to 1"
    return check_column(values, field, least=LEAST_PROPENSITY, most=1.0, what=what)


def check_codes(values: ArrayLike, field: str, names: tuple[str, ...]) -> Ints:
    """Return positions in `names`, one a row.

    Raises
    ------
    InputError
        ``bad-argument`` for a wrong shape, for what is not whole numbers, and for the first row
        that is no position of `names`.
    """
    codes = np.asarray(values)
    if codes.dtype.kind not in "iu" and codes.size:
        remedy = "give positions in the names as whole numbers, or read labels with Log.from_frame"
        refuse("bad-argument", f"{field} is not whole numbers", field, str(codes.dtype), remedy)
    check_one_a_row(codes, field)
    wrong = np.flatnonzero((codes < 0) | (codes >= len(names)))
    if wrong.size:
        row = int(wrong[0])
        remedy = f"give whole numbers from 0 to {len(names) - 1}, or name what is missing"
        refuse("bad-argument", f"{at(row, field)} is {codes[row]}", field, int(codes[row]), remedy)
    return codes.astype(np.int64)


def check_one_a_row(column: NDArray[Any], field: str) -> None:
    """Refuse an array that is not one-dimensional.

    Raises
    ------
    InputError
        ``bad-argument``.
    """
    if column.ndim != 1:
        shape = column.shape
        refuse("bad-argument", f"{field} has shape {shape}", field, str(shape), "give one a row")


def check_probabilities(values: ArrayLike, rows: int, actions: tuple[str, ...]) -> Floats:
    """Return the evaluated policy as probabilities of shape ``(rows, actions)``.

    Parameters
    ----------
    values
        Probabilities by action, shape ``(actions,)`` for all rows or ``(rows, actions)``.
    rows
        Number of rows of the log.
    actions
        Names of its actions.

    Raises
    ------
    InputError
        ``bad-argument`` for a wrong shape or a row that does not sum to one within 1e-6,
        ``bad-number`` for a probability that is not a number from 0 to 1.
    """
    field = "probabilities"
    given = as_floats(values, field)
    if given.shape not in ((len(actions),), (rows, len(actions))):
        remedy = f"give ({len(actions)},) or ({rows}, {len(actions)}), one for each named action"
        refuse("bad-argument", f"{field} has shape {given.shape}", field, str(given.shape), remedy)
    table = np.atleast_2d(given)
    wrong = np.argwhere(~((table >= 0.0) & (table <= 1.0)))
    if wrong.size:
        row, action = wrong[0]
        place = f"{at(int(row), field)}, action {actions[action]!r},"
        value = float(table[row, action])
        refuse("bad-number", f"{place} is {value}", field, value, "give a number from 0 to 1")
    total = table.sum(axis=1)
    off = np.flatnonzero(np.abs(total - 1.0) > SUM_TOLERANCE)
    if off.size:
        row = int(off[0])
        value = float(total[row])
        remedy = "give probabilities of all actions that sum to 1"
        refuse("bad-argument", f"{at(row, field)} sums to {value}", field, value, remedy)
    return np.broadcast_to(table, (rows, len(actions)))


def at(row: int, field: str) -> str:
    """Say where a row stands."""
    return f"row {row} of {field} (the first is 0)"
