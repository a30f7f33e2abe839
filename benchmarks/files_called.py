"""How many files and functions of budgetopt a call passes through: what its reader has to read.

    python benchmarks/files_called.py           # the table
    python benchmarks/files_called.py --files   # and the files of each call

Every call is made once before, so that imports and caches of the process are not counted.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable
from contextlib import redirect_stdout, suppress
from io import StringIO
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

import budgetopt as bo
from budgetopt.cli import main as command_line

PACKAGE = Path(bo.__file__).parent
EXAMPLES = Path(__file__).parent.parent / "examples"
AIMS = {"allocate": 14, "reallocate": 40, "week": 70}
"""Files that each call may pass through at most."""


def allocate() -> None:
    """Split a budget between two channels."""
    channels = [bo.Channel("a", curve=bo.Log(3, 10)), bo.Channel("b", curve=bo.Log(1, 10))]
    plan = bo.Plan(budget=100, currency="CNY", channels=channels)
    called.clear()
    bo.allocate(plan)


def reallocate() -> None:
    """Decide the next week of the weekly example."""
    plan = bo.Plan.load(EXAMPLES / "weekly" / "plan.toml")
    history = bo.History.read(
        EXAMPLES / "weekly" / "history.csv", plan.columns, channels=plan.names
    )
    called.clear()
    bo.reallocate(plan, history)


def week() -> None:
    """Run the command of the Friday example with a ledger of its own."""
    folder = EXAMPLES / "friday"
    with tempfile.TemporaryDirectory() as scratch, redirect_stdout(StringIO()):
        given = ["week", folder / "plan.toml", "--history", folder / "history.csv"]
        given += ["--ledger", Path(scratch) / "friday.db", "--as-of", "2025-10-31"]
        called.clear()
        with suppress(SystemExit):
            command_line([str(word) for word in given])


called: set[CodeType] = set()
"""Functions of the package that were called, since it was last cleared."""


def _note(frame: FrameType, event: str, _: Any) -> None:
    if event == "call":
        called.add(frame.f_code)


def count(call: Callable[[], None]) -> tuple[list[str], int]:
    """Return the files of the package that a call passes through, and the number of functions."""
    call()
    sys.setprofile(_note)
    try:
        call()
    finally:
        sys.setprofile(None)
    ours = [code for code in called if Path(code.co_filename).is_relative_to(PACKAGE)]
    files = {str(Path(code.co_filename).relative_to(PACKAGE)) for code in ours}
    return sorted(files), len(ours)


def main() -> None:
    """Print the table."""
    print(f"{'call':<12}{'files':>7}{'at most':>9}{'functions':>11}")
    for call in (allocate, reallocate, week):
        files, functions = count(call)
        print(f"{call.__name__:<12}{len(files):>7}{AIMS[call.__name__]:>9}{functions:>11}")
        if "--files" in sys.argv:
            print("".join(f"    {name}\n" for name in files), end="")


if __name__ == "__main__":
    main()
