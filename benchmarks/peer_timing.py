"""Timing, and the rows and words of the table of `peers`."""

from __future__ import annotations

import os
import platform
import statistics
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, TypeVar

T = TypeVar("T")

PACKAGES = ("numpy", "scipy", "cvxpy", "clarabel", "pulp", "highspy")


@dataclass(frozen=True)
class Row:
    """One line of the table; seconds and gap are None where nothing was measured."""

    case: str
    solver: str
    median: float | None = None
    least: float | None = None
    runs: int = 0
    gap: float | None = None
    note: str = ""

    def line(self) -> str:
        """Return the row in Markdown."""
        seconds = [in_words(self.median), in_words(self.least)]
        gap = "–" if self.gap is None else f"{self.gap:.1e}"
        runs = str(self.runs) if self.runs else "–"
        return f"| {' | '.join([self.case, self.solver, *seconds, runs, gap, self.note])} |"


HEADER = (
    "| case | solver | median | least | runs | gap | remark |\n|---|---|---:|---:|---:|---:|---|"
)


def in_words(taken: float | None) -> str:
    """Return seconds with three digits and a unit, a dash for None."""
    if taken is None:
        return "–"
    return f"{1e3 * taken:.3g} ms" if taken < 1 else f"{taken:.3g} s"


class Clock:
    """Times calls: at least `runs` times, more often where they are quick.

    Parameters
    ----------
    runs
        Least number of timed runs; the first call of what takes under a second is not counted.
    seconds
        Time that further runs may fill.
    """

    def __init__(self, runs: int = 5, seconds: float = 1.0) -> None:
        self.runs, self.seconds = runs, seconds

    def times(self, call: Callable[[], T]) -> tuple[list[float], T]:
        """Return the seconds of each run and the last answer."""
        taken: list[float] = []
        first, answer = _timed(call)
        if first > 1.0:
            taken.append(first)
        wanted = max(self.runs, min(51, int(self.seconds / max(first, 1e-9))))
        while len(taken) < wanted:
            seconds, answer = _timed(call)
            taken.append(seconds)
        return taken, answer

    @staticmethod
    def one(call: Callable[[], object]) -> list[float]:
        """Return the seconds of one run."""
        return [_timed(call)[0]]


def _timed(call: Callable[[], T]) -> tuple[float, T]:
    start = time.perf_counter()
    answer = call()
    return time.perf_counter() - start, answer


def measured(
    clock: Clock,
    case: str,
    solver: str,
    call: Callable[[], T],
    judge: Callable[[T], tuple[float | None, str]] = lambda _: (None, ""),
) -> Row:
    """Return the row of a call; what fails becomes a row that says so."""
    try:
        taken, answer = clock.times(call)
        gap, note = judge(answer)
    except Exception as error:  # noqa: BLE001 -- whatever a peer raises is a result of the table
        return failed(case, solver, error)
    return Row(case, solver, statistics.median(taken), min(taken), len(taken), gap, note)


def failed(case: str, solver: str, error: Exception) -> Row:
    """Return the row of a call that raised."""
    said = " ".join(str(error).split()).replace("|", "/")[:120]
    return Row(case, solver, note=f"failed: {type(error).__name__}: {said}")


def machine() -> str:
    """Return processor, cores, date, load and versions, one line each."""
    return "\n".join(f"- {line}" for line in _facts())


def _facts() -> Iterable[str]:
    yield f"processor: {_processor()}, {os.cpu_count()} cores"
    threads = os.environ.get("OMP_NUM_THREADS", "not set")
    now = datetime.now(UTC)
    yield f"date: {now:%Y-%m-%d %H:%M} UTC; load average at the start: {load()}"
    yield f"threads: OMP_NUM_THREADS={threads}, HiGHS on one"
    yield f"Python {platform.python_version()}, " + ", ".join(_version(p) for p in PACKAGES)


def load() -> str:
    """Return the load average of the last 1, 5 and 15 minutes."""
    return ", ".join(f"{part:.1f}" for part in os.getloadavg())


def _version(package: str) -> str:
    try:
        return f"{package} {version(package)}"
    except PackageNotFoundError:
        return f"{package} not there"


def _processor() -> str:
    info: Any = Path("/proc/cpuinfo")
    if info.exists():
        for line in info.read_text("utf-8").splitlines():
            if line.startswith("model name"):
                return str(line.split(":", 1)[1].strip())
    return platform.processor() or platform.machine()
