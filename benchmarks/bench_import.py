"""What ``import budgetopt`` costs beside ``import numpy``, each in fresh interpreters."""

from __future__ import annotations

import statistics
import subprocess
import sys
import time


def _seconds(statement: str) -> float:
    start = time.perf_counter()
    subprocess.run([sys.executable, "-c", statement], check=True)
    return time.perf_counter() - start


def bench_import(benchmark) -> None:
    benchmark.pedantic(_seconds, ("import budgetopt",), rounds=7, iterations=1)
    if benchmark.stats is not None:
        numpy = statistics.median(_seconds("import numpy") for _ in range(7))
        benchmark.extra_info["times import numpy"] = round(benchmark.stats["median"] / numpy, 2)
