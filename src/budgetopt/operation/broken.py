"""Which limits of its week a split breaks, each by its name."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from budgetopt.errors import InputError
from budgetopt.optimize import Rules
from budgetopt.optimize.check import broken


def breaks(
    names: Sequence[str],
    minor: NDArray[np.int64],
    rules: Rules,
    outcome: NDArray[np.float64] | None = None,
) -> Iterator[InputError]:
    """Yield an error for every limit that a split breaks, by the name of the limit.

    Parameters
    ----------
    names
        Channels.
    minor
        The split in minor units.
    rules
        What it is held against.
    outcome
        Expected outcome of each channel; needed where a row holds outcomes.
    """
    for error in broken(names, minor, rules, outcome):
        # What is said of a row across channels ends with the row's own sentence.
        rows = (r for r in rules.rows if error.problem.endswith(r.sentence))
        row = next(rows, None)
        said = f"the split breaks {row.limit!r}: {row.sentence}" if row else error.problem
        yield broken_limit(said, row.limit if row else error.field, error.value)


def broken_limit(problem: str, field: str, value: Any) -> InputError:
    """Return the error on a limit that a split breaks."""
    return InputError(
        "broken-limit",
        problem,
        field=field,
        value=value,
        remedy="stay within that limit, or change the plan and run the week again",
    )
