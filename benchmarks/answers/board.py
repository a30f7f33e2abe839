"""The board: every solver on every problem, judged by the exact checker.

PYTHONPATH=. OMP_NUM_THREADS=1 python -m benchmarks.answers.board            # a table
PYTHONPATH=. OMP_NUM_THREADS=1 python -m benchmarks.answers.board --json -   # everything
PYTHONPATH=. python -m benchmarks.answers.board --family s-shaped --size 1000 --seed 7
"""

from __future__ import annotations

import argparse
import json
import math
import os
import statistics
import sys
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from typing import Any

from . import adapters, book, checker, families

RIGHT = 1e-6
"""Share by which an answer may fall short where amounts are not whole."""
KEPT = 1e-8
"""Share of its size by which a rule may be broken without being called broken; any is told."""
QUICK = 0.3
"""Seconds; what takes less is run three times, and the median counts."""


@dataclass(frozen=True)
class Entry:
    """One solver on one problem.

    Parameters
    ----------
    outcome
        ``right``, ``short``, ``broken``, ``no answer``, ``declined``, ``failed`` or ``absent``.
    short
        Share by which the answer falls short of the proven best.
    broken
        The worst broken rule and by what share of its size, however little.
    proven
        Share between the bound that the solver claims and the best; None where it claims none.
    seconds
        Processor time, building the model included.
    says
        The solver's own words.
    """

    problem: str
    solver: str
    outcome: str
    says: str = ""
    short: float | None = None
    broken: dict[str, float] = field(default_factory=dict)
    proven: float | None = None
    seconds: float | None = None

    @property
    def cell(self) -> str:
        """The entry in a few characters."""
        if self.seconds is None:
            return {"declined": "–", "absent": "not installed"}.get(self.outcome, self.outcome)
        took = f"{1e3 * self.seconds:.3g} ms"
        if self.outcome == "right":
            return f"right, {took}"
        if self.outcome == "broken":
            return f"**breaks a rule by {max(self.broken.values()):.0e}**, {took}"
        if self.outcome == "short":
            return f"**{self.short:.1e} short**, {took}"
        return f"**{self.outcome}**, {took}"


def run(problem: Mapping[str, Any], name: str) -> Entry:
    """Return what a solver makes of a problem."""
    solver, taken = adapters.SOLVERS[name], []
    try:
        for _ in range(3):
            start = time.process_time()
            claim = solver(problem)
            taken.append(time.process_time() - start)
            if taken[0] > QUICK:
                break
    except adapters.Declined as declined:
        return Entry(problem["name"], name, "declined", str(declined))
    except ModuleNotFoundError as missing:
        return Entry(problem["name"], name, "absent", str(missing))
    except Exception as error:  # noqa: BLE001 -- whatever a solver raises is its answer
        says = " ".join(f"{type(error).__name__}: {error}".split())[:200]
        return Entry(problem["name"], name, "failed", says, seconds=0.0)
    return judged(problem, name, claim, statistics.median(taken))


def judged(problem: Mapping[str, Any], name: str, claim: adapters.Claim, seconds: float) -> Entry:
    """Return the checker's word on a claim."""
    best = problem["answer"]["value"]
    if claim.split is None or best is None:
        outcome = "right" if claim.split is None and best is None else "no answer"
        if claim.split is not None and best is None:
            outcome = "broken"
            given = {c: checker.exact(x) for c, x in claim.split.items()}
            kept = {rule.rule: rule.share for rule in checker.broken(problem, given)}
            return Entry(problem["name"], name, outcome, claim.says, broken=kept, seconds=seconds)
        return Entry(problem["name"], name, outcome, claim.says, seconds=seconds)
    if any(not math.isfinite(float(amount)) for amount in claim.split.values()):
        return Entry(problem["name"], name, "no answer", claim.says, seconds=seconds)
    verdict = checker.judge(problem, claim.split)
    kept = {rule.rule: rule.share for rule in verdict.broken}
    whole = all("step" in channel for channel in problem["channels"])
    right = verdict.short <= (1e-9 if whole else RIGHT)
    outcome = "right" if right else "short"
    if max(kept.values(), default=0.0) > KEPT:
        outcome = "broken"
    proven = None
    if claim.bound is not None and math.isfinite(claim.bound):
        known = float(checker.exact(best))
        proven = abs(claim.bound - known) / (abs(known) or 1)
    return Entry(problem["name"], name, outcome, claim.says, verdict.short, kept, proven, seconds)


def entries(problems: Iterable[Mapping[str, Any]], solvers: Iterable[str]) -> Iterator[Entry]:
    """Yield every solver on every problem, after one run of each that only loads its packages."""
    problems, chosen = [*problems], [*solvers]
    for name in chosen:
        run(problems[0], name)
    for problem in problems:
        for name in chosen:
            yield run(problem, name)


def table(found: list[Entry]) -> str:
    """Return the board in Markdown: a problem a line, a solver a column, sums below."""
    solvers = [*dict.fromkeys(entry.solver for entry in found)]
    lines = [f"| problem | {' | '.join(solvers)} |", "|---|" + "---|" * len(solvers)]
    for problem in dict.fromkeys(entry.problem for entry in found):
        cells = [e.cell for e in found if e.problem == problem]
        lines.append(f"| {problem} | {' | '.join(cells)} |")
    sums = []
    for solver in solvers:
        own = [entry for entry in found if entry.solver == solver]
        asked = [e for e in own if e.outcome not in ("declined", "absent")]
        right = sum(e.outcome == "right" for e in asked)
        sums.append(f"{right} of {len(asked)} asked, {sum(e.seconds or 0 for e in asked):.2g} s")
    return "\n".join([*lines, f"| **right** | {' | '.join(sums)} |"])


def sayings(found: list[Entry]) -> str:
    """Return what solvers say of themselves where they are not right."""
    wrong = [e for e in found if e.outcome not in ("right", "declined", "absent")]
    lines = ["| problem | solver | judged | what it says |", "|---|---|---|---|"]
    for entry in wrong:
        says = entry.says.replace("|", "/")
        lines.append(f"| {entry.problem} | {entry.solver} | {entry.cell} | {says} |")
    return "\n".join(lines)


@contextmanager
def redirected() -> Iterator[None]:
    """Send to the error output what solvers print on the standard one, native code included."""
    sys.stdout.flush()
    kept = os.dup(1)
    os.dup2(2, 1)
    try:
        yield
    finally:
        sys.stdout.flush()
        os.dup2(kept, 1)
        os.close(kept)


def main() -> None:
    """Print the board."""
    words = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    words.add_argument("--solver", action="append", choices=[*adapters.SOLVERS])
    words.add_argument("--problem", action="append", help="names; by default the whole book")
    words.add_argument("--family", choices=[*families.FAMILIES])
    words.add_argument("--size", type=int, default=20)
    words.add_argument("--seed", type=int, default=7)
    words.add_argument("--json", help="a file for everything, - for the standard output")
    asked = words.parse_args()
    problems = [*book.problems()]
    if asked.family:
        problems = [families.FAMILIES[asked.family](asked.size, asked.seed)]
    elif asked.problem:
        problems = [problem for problem in problems if problem["name"] in asked.problem]
    with redirected():
        found = [*entries(problems, asked.solver or adapters.SOLVERS)]
    data = json.dumps([asdict(entry) for entry in found], ensure_ascii=False, indent=1)
    if asked.json == "-":
        print(data)
        return
    if asked.json:
        with open(asked.json, "w", encoding="utf-8") as file:
            file.write(data + "\n")
    print(table(found), sayings(found), sep="\n\n")


if __name__ == "__main__":
    main()
