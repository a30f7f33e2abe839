"""The log that a policy left behind: what it did, how likely that was, and what came back."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from budgetopt.errors import did_you_mean
from budgetopt.replay.checks import (
    Floats,
    Ints,
    at,
    check_codes,
    check_names,
    check_propensities,
    check_rewards,
    refuse,
)

if TYPE_CHECKING:
    import pandas as pd


def _no_contexts() -> Ints:
    return np.zeros(0, dtype=np.int64)


@dataclass(frozen=True, eq=False)
class Log:
    """Rows of a logged bandit; `from_frame` makes one from a data frame.

    Parameters
    ----------
    actions
        Action taken, as a position in `names`, shape ``(rows,)``; at least two rows.
    rewards
        What came back, at most 1e15 in size, shape ``(rows,)``: clicks, conversions, revenue.
    propensities
        Probability with which the logging policy took the action in its context, 1e-9 to 1,
        shape ``(rows,)``.
    names
        Names of all actions, those that the log never took included.
    contexts
        What propensities and rewards depend on besides the action, such as the position of an ad,
        as a position in `context_names`, shape ``(rows,)``; by default one context. It must have
        few values: every action that is evaluated in a context must have been logged there.
    context_names
        Names of the contexts; by default their numbers.

    Raises
    ------
    InputError
        ``no-data`` for fewer than two rows, ``bad-argument``, ``bad-number``, ``bad-name``.

    Notes
    -----
    Arrays are stored as read-only copies. Rows count as independent given the past; several rows
    of one person or display make standard errors too small.

    Examples
    --------
    >>> log = Log([0, 1, 0], [1.0, 0.0, 1.0], [0.5, 0.5, 0.5], names=("red", "blue"))
    >>> log.rows, log.cell_name(1)
    (3, 'blue')
    """

    actions: Ints
    rewards: Floats
    propensities: Floats
    names: tuple[str, ...]
    contexts: Ints = field(default_factory=_no_contexts)
    context_names: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        names = check_names(self.names, "names")
        actions = check_codes(self.actions, "actions", names)
        contexts, context_names = self._checked_contexts(actions.size)
        checked: dict[str, Any] = {
            "actions": actions,
            "rewards": check_rewards(self.rewards, "rewards"),
            "propensities": check_propensities(self.propensities, "propensities"),
            "contexts": contexts,
        }
        for name, column in checked.items():
            if column.size != actions.size:
                problem = f"{name} has {column.size} rows and actions {actions.size}"
                refuse("bad-argument", problem, name, column.size, "give one of each a row")
            column.flags.writeable = False
        if actions.size < 2:
            remedy = "give at least two rows, without which no error can be told"
            refuse("no-data", f"the log has {actions.size} rows", "actions", actions.size, remedy)
        for name, value in {**checked, "names": names, "context_names": context_names}.items():
            object.__setattr__(self, name, value)

    def _checked_contexts(self, rows: int) -> tuple[Ints, tuple[str, ...]]:
        given = np.asarray(self.contexts)
        if not given.size and not self.context_names:
            return np.zeros(rows, dtype=np.int64), ("all",)
        numbered = range(int(given.max(initial=0)) + 1) if given.dtype.kind in "iu" else range(1)
        names = check_names(self.context_names or map(str, numbered), "context_names")
        return check_codes(given, "contexts", names), names

    @classmethod
    def from_frame(
        cls,
        frame: pd.DataFrame,
        *,
        action: str,
        reward: str,
        propensity: str,
        context: str | None = None,
        names: Iterable[Any] | None = None,
    ) -> Self:
        """Read a log from declared columns of a data frame.

        Parameters
        ----------
        frame
            One row for each action taken.
        action, reward, propensity, context
            Names of the columns; without `context` there is one context.
        names
            Labels of all actions in the order wanted. By default those of the column, sorted,
            which leaves out the actions that were never taken.

        Raises
        ------
        InputError
            ``bad-columns`` for a column that is not there, ``bad-name`` for a missing label,
            ``unknown-name`` for a label that is not among the names, ``bad-number`` for a reward
            or propensity; each with column and row. ``no-data`` for fewer than two rows.

        Examples
        --------
        >>> import pandas as pd
        >>> rows = {"ad": [7, 3], "click": [0, 1], "chance": [0.2, 0.8]}
        >>> log = Log.from_frame(pd.DataFrame(rows), action="ad", reward="click",
        ...                      propensity="chance")
        >>> log.names, log.actions.tolist()
        (('3', '7'), [1, 0])
        """
        if not hasattr(frame, "columns"):
            kind = type(frame).__name__
            refuse("bad-argument", f"frame is a {kind}", "frame", kind, "give a pandas DataFrame")
        rewards = check_rewards(_numbers(_column(frame, reward)), reward)
        propensities = check_propensities(_numbers(_column(frame, propensity)), propensity)
        actions, known = _codes(_column(frame, action), action, names)
        if context is None:
            return cls(actions, rewards, propensities, known)
        contexts, context_names = _codes(_column(frame, context), context, None)
        return cls(actions, rewards, propensities, known, contexts, context_names)

    @property
    def rows(self) -> int:
        """Number of rows."""
        return self.actions.size

    @property
    def cells(self) -> Ints:
        """The pair of context and action of each row as one number, shape ``(rows,)``."""
        return self.contexts * len(self.names) + self.actions

    def cell_name(self, cell: int) -> str:
        """Return how a pair of context and action is called."""
        context, action = divmod(cell, len(self.names))
        where = f" in context {self.context_names[context]}" if len(self.context_names) > 1 else ""
        return f"{self.names[action]}{where}"


def _column(frame: pd.DataFrame, name: str) -> pd.Series[Any]:
    there = [str(column) for column in frame.columns]
    if there.count(name) != 1:
        twice = name in there
        remedy = "rename one of them" if twice else did_you_mean(name, there)
        problem = f"column {name!r} is {'twice' if twice else 'not'} in the frame"
        refuse("bad-columns", problem, name, name, remedy)
    return frame.iloc[:, there.index(name)]


def _numbers(column: pd.Series[Any]) -> Any:
    """Return the cells of a column, its missing numbers as NaN."""
    if getattr(column.dtype, "kind", "O") in "biuf":
        return column.to_numpy(dtype=np.float64, na_value=np.nan)
    return column.to_numpy(dtype=object)


def _codes(
    column: pd.Series[Any], field: str, declared: Iterable[Any] | None
) -> tuple[Ints, tuple[str, ...]]:
    """Return labels as positions in their names."""
    import pandas as pd

    codes, labels = pd.factorize(column, sort=True)
    missing = np.flatnonzero(codes < 0)
    if missing.size:
        row = int(missing[0])
        refuse("bad-name", f"{at(row, field)} is missing", field, None, "leave the row out")
    found = [str(label) for label in labels]
    if declared is None:
        # A frame without rows is refused for that, not for having no names.
        return codes.astype(np.int64), tuple(found) or ("none",)
    names = check_names(map(str, declared), "names")
    position = {name: code for code, name in enumerate(names)}
    for number, name in enumerate(found):
        if name not in position:
            row = int(np.flatnonzero(codes == number)[0])
            problem = f"{at(row, field)} is {name!r}, which is not among the names"
            refuse("unknown-name", problem, field, name, did_you_mean(name, names))
    lookup = np.array([position[name] for name in found], dtype=np.int64)
    return lookup[codes], names
