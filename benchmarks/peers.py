"""Every figure beside its peers in one run: ``python benchmarks/peers.py`` prints one table.

``--only a,c`` runs some of the parts, ``--quick`` small sizes once each.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tracemalloc
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")  # before NumPy reads it

import numpy as np
import peer_cases
import peer_solvers
import problems
from bench_dual import grouped
from peer_cases import Case
from peer_timing import HEADER, Clock, Row, in_words, load, machine, measured

import budgetopt as bo
from budgetopt.optimize import lagrangian_bound, problem_of, solve
from budgetopt.optimize.certificate import field_of
from budgetopt.optimize.dual import dual
from budgetopt.optimize.risk import risk_averse
from budgetopt.optimize.waterfill import waterfill

Judged = tuple[float | None, str]

KINDS = ("exponential", "hill 1", "hill", "logistic", "power")
SLSQP_MOST = 100
"""Channels above which SLSQP is not run: a call takes most of a minute at 1,000."""
VISIBLE = 1e-9
"""Share of its room by which a limit may be broken before the table says so."""


def judge(case: Case, bound: float) -> Callable[[peer_solvers.Answer], Judged]:
    """Return what tells a peer's gap to the proven bound, and what it breaks."""

    def said(answer: peer_solvers.Answer) -> Judged:
        # A remainder that only a tolerance leaves is off.
        spend = np.where(answer.spend < 1e-6, 0.0, answer.spend)
        over = case.overuse(spend)
        broken = f"; breaks a limit by {over:.0e} of its room" if over > VISIBLE else ""
        return (bound - float(case.value(spend).sum())) / bound, answer.remark + broken

    return said


def reached(case: Case, bound: float) -> Callable[[Any], Judged]:
    """Return what tells the gap of a split that is not yet in whole cents."""
    return lambda found: ((bound - float(case.value(found.spend).sum())) / bound, "before rounding")


def proven(week: bo.Allocation) -> Judged:
    """Return the gap that an allocation proves of itself, rounding to cents included."""
    return week.gap, f"{week.method}, in whole cents"


def best_bound(case: Case) -> float:
    """Return the best proven bound on the outcome."""
    return bo.allocate(case.plan).bound


def concave(clock: Clock, quick: bool) -> Iterator[Row]:
    """(a) Concave curves, floors, caps, one budget."""
    for count in (5, 20) if quick else (5, 20, 100, 1000):
        case = peer_cases.concave(count)
        name = f"(a) Hill 0.6–1, {count:,} channels"
        problem, bound = case.problem, best_bound(case)
        given = problem.curves, problem.lower, problem.upper, problem.budget_money
        own, arrays = "budgetopt allocate", "budgetopt waterfill, arrays"
        yield measured(clock, name, own, partial(bo.allocate, case.plan), proven)
        yield measured(clock, name, arrays, partial(waterfill, *given), reached(case, bound))
        if count <= SLSQP_MOST:
            yield against_slsqp(clock, name, case, bound)
        else:
            yield Row(name, "SciPy SLSQP", note="not run at this size")
        yield against_pulp(clock, name, case, bound, 200)
        straight = peer_cases.concave(count, shape=1.0)
        yield from against_clarabel(clock, f"(a) Hill 1, {count:,} channels", straight)


def groups(clock: Clock, quick: bool) -> Iterator[Row]:
    """(b) The same with 50 overlapping group limits."""
    for count in (20,) if quick else (20, 1000):
        case = peer_cases.concave(count, groups=50)
        name = f"(b) Hill 0.6–1, 50 groups, {count:,} channels"
        bound, problem = best_bound(case), case.problem
        own, linear = "budgetopt allocate", "budgetopt allocate, linear"
        yield measured(clock, name, own, partial(bo.allocate, case.plan), proven)
        arrays = partial(dual, field_of(problem), problem.rows)
        yield measured(clock, name, "budgetopt dual, arrays", arrays, reached(case, bound))
        forced = partial(bo.allocate, case.plan, method="linear")
        yield measured(clock, name, linear, forced, proven)
        engine = partial(solve, problem, "linear")
        said = reached(case, bound)
        yield measured(clock, name, "budgetopt linear, engine", engine, said)
        if count <= SLSQP_MOST:
            yield against_slsqp(clock, name, case, bound)
        else:
            yield Row(name, "SciPy SLSQP", note="not run at this size")
        yield against_pulp(clock, name, case, bound, 200)
        straight = peer_cases.concave(count, shape=1.0, groups=50)
        yield from against_clarabel(clock, f"(b) Hill 1, 50 groups, {count:,} channels", straight)


def against_slsqp(clock: Clock, name: str, case: Case, bound: float) -> Row:
    """Compare with SLSQP from the equal split."""
    said = judge(case, bound)
    return measured(clock, name, "SciPy SLSQP", partial(peer_solvers.slsqp, case), said)


def against_pulp(
    clock: Clock, name: str, case: Case, bound: float, count: int, *, whole: bool = False
) -> Row:
    """Compare with plain PuLP."""
    label = f"PuLP + HiGHS, {count} {'binary segments' if whole else 'segments'}"
    call = partial(peer_solvers.segments, case, count, whole=whole)
    return measured(clock, name, label, call, judge(case, bound))


def against_clarabel(clock: Clock, name: str, case: Case) -> Iterator[Row]:
    """Compare with cvxpy, for which the shape is 1."""
    yield measured(clock, name, "budgetopt allocate", partial(bo.allocate, case.plan), proven)
    said = judge(case, best_bound(case))
    yield measured(clock, name, "cvxpy + Clarabel", partial(peer_solvers.clarabel, case), said)


def s_curves(clock: Clock, quick: bool) -> Iterator[Row]:
    """(c) Hill shape 3, caps of six times the equal share."""
    cases = [peer_cases.s_shaped(10, seed) for seed in range(2 if quick else 10)]
    given = [(case, best_bound(case)) for case in cases]
    name = f"(c) Hill 3, 10 channels, {len(cases)} seeds"
    count = 12 if quick else 60
    pulp = partial(peer_solvers.segments, count=count, whole=True)
    once = Clock(1, 0.0)
    yield over_seeds(clock, name, "budgetopt allocate", lambda c: bo.allocate(c.plan), given)
    yield over_seeds(clock, name, "SciPy SLSQP, equal split", peer_solvers.slsqp, given)
    yield over_seeds(once, name, f"PuLP + HiGHS, {count} binary segments", pulp, given)
    if not quick:
        call = partial(bo.allocate, peer_cases.s_shaped(1000, 7).plan, time_limit=50)
        yield measured(clock, "(c) Hill 3, 1,000 channels", "budgetopt allocate", call, proven)


def over_seeds(
    clock: Clock,
    name: str,
    solver: str,
    call: Callable[[Case], Any],
    given: list[tuple[Case, float]],
) -> Row:
    """Return one row for several seeds: the median of their medians and the worst gap."""
    medians, least, gaps, remarks, runs = [], [], [], [], 0
    for case, bound in given:
        said = proven if "budgetopt" in solver else judge(case, bound)
        row = measured(clock, name, solver, partial(call, case), said)
        if row.median is None:
            return row
        medians.append(row.median)
        least.append(row.least)
        gaps.append(row.gap)
        remarks.append(row.note)
        runs += row.runs
    note = (
        f"slowest seed {in_words(max(medians))}; the gap is the worst of the seeds, "
        f"their average {statistics.mean(gaps):.1e}"
    )
    for remark in sorted(set(remarks)):
        note += f"; {remark} ({remarks.count(remark)} of {len(remarks)})"
    return Row(name, solver, statistics.median(medians), min(least), runs, max(gaps), note)


def million(clock: Clock, quick: bool) -> Iterator[Row]:
    """(d) A million channels as arrays."""
    count = 20_000 if quick else 1_000_000
    for kind in KINDS:
        yield from _filled(clock, kind, count)
    field, rows = grouped(count)

    def said(solved: Any) -> Judged:
        value = float(field.curves.value(solved.spend).sum())
        over = float(np.max((rows.money @ solved.spend - rows.room) / np.abs(rows.room)))
        return (solved.bound - value) / solved.bound, f"rows kept to {max(over, 0):.0e}"

    name = f"(d) hill, 50 groups, {count:,} channels"
    row = measured(clock, name, "budgetopt dual", partial(dual, field, rows), said)
    note = f"{row.note}; {_peak(partial(grouped, count), dual)}"
    yield replace(row, note=note)


def _filled(clock: Clock, kind: str, count: int) -> Iterator[Row]:
    given = problems.arrays(count, kind)
    curves, spend = given[0], waterfill(*given).spend
    name, fill, once = f"(d) {kind}, {count:,} channels", [], []
    # By turns, so that both meet the same load and the same state of memory.
    for _ in range(3 if clock.runs == 1 else 11):
        once += Clock.one(partial(curves.value, spend))
        fill += Clock.one(partial(waterfill, *given))
    filled = waterfill(*given)
    bound = float(lagrangian_bound(*given, filled.price))
    gap = (bound - float(curves.value(filled.spend).sum())) / bound
    ratio = statistics.median(f / o for f, o in zip(fill, once, strict=True))
    peak = _peak(partial(problems.arrays, count, kind), waterfill)
    note = f"{ratio:.1f} times one evaluation (quickest runs: {min(fill) / min(once):.1f}); {peak}"
    for solver, taken, its_gap, its_note in (
        ("one evaluation", once, None, ""),
        ("budgetopt waterfill", fill, gap, note),
    ):
        middle, least = statistics.median(taken), min(taken)
        yield Row(name, solver, middle, least, len(taken), its_gap, its_note)


def _peak(make: Callable[[], Any], call: Callable[..., Any]) -> str:
    """Return the peak of what Python and NumPy hold during a call, and the inputs' part of it."""
    tracemalloc.start()
    given = make()
    held = tracemalloc.get_traced_memory()[0]
    tracemalloc.reset_peak()
    call(*given)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return f"peak {peak / 1e6:.0f} MB, of which inputs {held / 1e6:.0f} MB"


def risk(clock: Clock, quick: bool) -> Iterator[Row]:
    """(e) Posterior draws of curves that were learned."""
    count = 50 if quick else 200
    history, plan = peer_cases.history(20, total=False)
    belief = bo.learn(history, plan)
    drawn, week = belief.draw_concave(np.random.default_rng(0), count), problem_of(plan, belief)
    for label, aim in (
        ("mean", bo.Risk.mean()),
        ("½ mean + ½ CVaR 5 %", bo.Risk.mean_cvar(0.5, 0.05)),
        ("CVaR 5 %", bo.Risk.cvar(0.05)),
    ):
        name = f"(e) 20 channels, {count} draws, {label}"
        bound = risk_averse(week, drawn, aim).bound

        def said(answer: Any, aim: bo.Risk = aim, bound: float = bound) -> Judged:
            spend = np.clip(answer.spend, 0, 300)
            over = max(0.0, float(answer.spend.sum()) / 2000 - 1)
            word = getattr(answer, "remark", "before rounding")
            broken = f"; breaks the budget by {over:.0e}" if over > VISIBLE else ""
            gap = (bound - aim.value(drawn.value(spend).sum(axis=-1))) / bound
            return gap, word + broken

        call = partial(bo.allocate, plan, belief, risk=aim, draws=count)
        yield measured(clock, name, "budgetopt allocate", call, proven)
        engine = partial(risk_averse, week, drawn, aim)
        yield measured(clock, name, "budgetopt engine, drawn before", engine, said)
        watch = Clock(1, 0.0) if quick else clock
        peer = partial(peer_solvers.slsqp_on_draws, drawn, 300, 2000, aim.weight, 0.05)
        yield measured(watch, name, "SciPy SLSQP, drawn before", peer, said)


def off_or_on(clock: Clock, quick: bool) -> Iterator[Row]:
    """(f) Half of the channels are off or get at least so much, under 20 group limits."""
    count, once = (12 if quick else 50), Clock(1, 0.0)
    for shape, words in (
        ((None, "Hill 0.6–1"),) if quick else ((None, "Hill 0.6–1"), (3.0, "Hill 3"))
    ):
        case = peer_cases.off_or_on(shape, count)
        name = f"(f) {words}, 20 groups, {count} channels, half off or at least"
        call = partial(bo.allocate, case.plan, time_limit=50)
        watch = Clock(3, 0.0) if shape else clock
        row = measured(watch, name, "budgetopt allocate", call, proven)
        yield row
        if row.median is None:
            continue
        bound = call().bound
        if shape is None:
            yield against_pulp(once, name, case, bound, 20 if quick else 200)
        else:
            yield against_pulp(once, name, case, bound, 60, whole=True)


def start_and_learn(clock: Clock, quick: bool) -> Iterator[Row]:
    """(g) Import and learning."""
    fresh, first = Clock(1 if quick else 9, 0.0), 0.0
    for statement in ("import numpy", "import budgetopt", "from budgetopt import allocate"):
        call = partial(subprocess.run, [sys.executable, "-c", statement], check=True)
        row = measured(fresh, "(g) import, fresh interpreter", statement, call)
        first = first or row.median or np.nan
        yield replace(row, note=f"{(row.median or np.nan) / first:.2f} times numpy")
    for total in (False, True):
        call = partial(bo.learn, *peer_cases.history(12, total=total))
        kind = "one total outcome" if total else "an outcome per channel"
        name = "(g) learn, 12 channels × 104 weeks"
        yield measured(clock, name, f"budgetopt learn, {kind}", call)


PARTS = {
    "a": concave,
    "b": groups,
    "c": s_curves,
    "d": million,
    "e": risk,
    "f": off_or_on,
    "g": start_and_learn,
}


def rows(parts: str = "abcdefg", *, quick: bool = False) -> Iterator[Row]:
    """Measure some of the parts."""
    clock = Clock(1, 0.0) if quick else Clock()
    for part in parts.replace(",", ""):
        yield from PARTS[part](clock, quick)


def main() -> None:
    """Print the machine and the table."""
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("--only", default="abcdefg", help="parts, such as a,c")
    words.add_argument("--quick", action="store_true", help="small sizes, once each")
    asked = words.parse_args()
    print(machine(), HEADER, sep="\n\n", flush=True)
    for row in rows(asked.only, quick=asked.quick):
        print(row.line(), flush=True)
    print(f"\nLoad average at the end: {load()}")


if __name__ == "__main__":
    main()
