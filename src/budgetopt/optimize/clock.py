"""The caller's time: without a limit no engine looks at a clock, and its work alone ends it.

So the same input gives the same bytes on any machine, busy or not.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable

from budgetopt.errors import SolverError
from budgetopt.i18n import say

Clock = Callable[[], float | None]
"""Returns the seconds that are left, None where there is no limit."""


def clock(time_limit: float | None = None) -> Clock:
    """Return what says how many seconds are left, from now on."""
    if time_limit is None:
        return lambda: None
    end = time.monotonic() + time_limit
    return lambda: max(0.0, end - time.monotonic())


def counted(looks: int) -> Clock:
    """Return a clock whose time is over when it was looked at so often: work instead of seconds."""
    seen = itertools.count()
    return lambda: 0.0 if next(seen) >= looks else None


def extended(left: Clock, seconds: float) -> Clock:
    """Return a clock that runs for so many seconds from now at least, where there is a limit."""
    now = left()
    return clock(None if now is None else max(now, seconds))


UNLIMITED = clock()
"""The clock of who gave no limit."""


def out_of_time() -> SolverError:
    """Return the error of a search whose time ran out before it had anything."""
    return SolverError(
        "time-limit", say("error-time-limit"), field="time_limit", remedy=say("remedy-more-time")
    )
