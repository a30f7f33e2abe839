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
import problems
from answers import adapters, checker
from answers.programs import Model
from bench_dual import grouped
from numpy.typing import NDArray
from peer_timing import HEADER, Clock, Row, in_words, load, machine, measured
from scipy.optimize import minimize

import budgetopt as bo
from budgetopt.curves import Mixture
from budgetopt.optimize import lagrangian_bound, problem_of, solve
from budgetopt.optimize.dual import dual
from budgetopt.optimize.risk import risk_averse
from budgetopt.optimize.waterfill import field_of, waterfill

Floats = NDArray[np.float64]
Judged = tuple[float | None, str]

KINDS = ("exponential", "hill 1", "hill", "logistic", "power")
SLSQP_MOST = 100
"""Channels above which SLSQP is not run: a call takes most of a minute at 1,000."""
VISIBLE = 1e-9
"""Share of its size by which a limit may be broken before the table says so."""
SHARE = 100.0
"""Money that SLSQP counts in, so that its tolerances mean what they mean near 1."""
SECONDS = 50
"""Longest that one integer program may take."""


def judge(plan: bo.Plan, bound: float) -> Callable[[adapters.Claim], Judged]:
    """Return what tells a peer's gap to the proven bound, and what it breaks."""
    problem = peer_cases.stated(plan, bound)

    def said(claim: adapters.Claim) -> Judged:
        if claim.split is None:
            return None, claim.says
        verdict = checker.judge(problem, claim.split)
        over = max((rule.share for rule in verdict.broken), default=0.0)
        broken = f"; breaks a limit by {over:.0e} of its size" if over > VISIBLE else ""
        return verdict.short, claim.says + broken

    return said


def reached(plan: bo.Plan, bound: float) -> Callable[[Any], Judged]:
    """Return what tells the gap of a split that is not yet in whole cents."""
    model = Model(peer_cases.stated(plan, bound))
    return lambda found: (
        (bound - float(model.values(found.spend).sum())) / bound,
        "before rounding",
    )


def proven(week: bo.Allocation) -> Judged:
    """Return the gap that an allocation proves of itself, rounding to cents included."""
    return week.gap, f"{week.method}, in whole cents"


def best_bound(plan: bo.Plan) -> float:
    """Return the best proven bound on the outcome."""
    return bo.allocate(plan).bound


def concave(clock: Clock, quick: bool) -> Iterator[Row]:
    """(a) Concave curves, floors, caps, one budget."""
    for count in (5, 20) if quick else (5, 20, 100, 1000):
        case = peer_cases.concave(count)
        name = f"(a) Hill 0.6–1, {count:,} channels"
        problem, bound = problem_of(case), best_bound(case)
        given = problem.curves, problem.lower, problem.upper, problem.budget_money
        own, arrays = "budgetopt allocate", "budgetopt waterfill, arrays"
        yield measured(clock, name, own, partial(bo.allocate, case), proven)
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
        bound, problem = best_bound(case), problem_of(case)
        own, linear = "budgetopt allocate", "budgetopt allocate, linear"
        yield measured(clock, name, own, partial(bo.allocate, case), proven)
        arrays = partial(dual, field_of(problem), problem.rows)
        yield measured(clock, name, "budgetopt dual, arrays", arrays, reached(case, bound))
        forced = partial(bo.allocate, case, method="linear")
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


def against_slsqp(clock: Clock, name: str, case: bo.Plan, bound: float) -> Row:
    """Compare with SLSQP from the equal split."""
    call = partial(adapters.scipy, peer_cases.stated(case, bound))
    return measured(clock, name, "SciPy SLSQP", call, judge(case, bound))


def against_pulp(
    clock: Clock, name: str, case: bo.Plan, bound: float, count: int, *, whole: bool = False
) -> Row:
    """Compare with plain PuLP."""
    label = f"PuLP + HiGHS, {count} {'binary segments' if whole else 'segments'}"
    call = partial(adapters.pulp, peer_cases.stated(case, bound), count, SECONDS)
    return measured(clock, name, label, call, judge(case, bound))


def against_clarabel(clock: Clock, name: str, case: bo.Plan) -> Iterator[Row]:
    """Compare with cvxpy, for which the shape is 1."""
    yield measured(clock, name, "budgetopt allocate", partial(bo.allocate, case), proven)
    bound = best_bound(case)
    call = partial(adapters.cvxpy, peer_cases.stated(case, bound))
    yield measured(clock, name, "cvxpy + Clarabel", call, judge(case, bound))


def s_curves(clock: Clock, quick: bool) -> Iterator[Row]:
    """(c) Hill shape 3, caps of six times the equal share."""
    cases = [peer_cases.s_shaped(10, seed) for seed in range(2 if quick else 10)]
    given = [(case, best_bound(case)) for case in cases]
    name = f"(c) Hill 3, 10 channels, {len(cases)} seeds"
    count = 12 if quick else 60

    def slsqp(case: bo.Plan) -> adapters.Claim:
        return adapters.scipy(peer_cases.stated(case, 0.0))

    def pulp(case: bo.Plan) -> adapters.Claim:
        return adapters.pulp(peer_cases.stated(case, 0.0), count, SECONDS)

    once = Clock(1, 0.0)
    yield over_seeds(clock, name, "budgetopt allocate", bo.allocate, given)
    yield over_seeds(clock, name, "SciPy SLSQP, equal split", slsqp, given)
    yield over_seeds(once, name, f"PuLP + HiGHS, {count} binary segments", pulp, given)
    if not quick:
        call = partial(bo.allocate, peer_cases.s_shaped(1000, 7), time_limit=50)
        yield measured(clock, "(c) Hill 3, 1,000 channels", "budgetopt allocate", call, proven)


def over_seeds(
    clock: Clock,
    name: str,
    solver: str,
    call: Callable[[bo.Plan], Any],
    given: list[tuple[bo.Plan, float]],
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
            ours = not isinstance(answer, adapters.Claim)
            given = answer.spend if ours else answer.split["spend"]
            spend = np.clip(given, 0, 300)
            over = max(0.0, float(given.sum()) / 2000 - 1)
            word = "before rounding" if ours else answer.says
            broken = f"; breaks the budget by {over:.0e}" if over > VISIBLE else ""
            gap = (bound - aim.value(drawn.value(spend).sum(axis=-1))) / bound
            return gap, word + broken

        call = partial(bo.allocate, plan, belief, risk=aim, draws=count)
        yield measured(clock, name, "budgetopt allocate", call, proven)
        engine = partial(risk_averse, week, drawn, aim)
        yield measured(clock, name, "budgetopt engine, drawn before", engine, said)
        watch = Clock(1, 0.0) if quick else clock
        peer = partial(slsqp_on_draws, drawn, 300, 2000, aim.weight, 0.05)
        yield measured(watch, name, "SciPy SLSQP, drawn before", peer, said)


def slsqp_on_draws(
    draws: Mixture, cap: float, budget: float, weight: float, tail: float
) -> adapters.Claim:
    r"""Return the answer of SLSQP on draws: mean, or with CVaR by Rockafellar and Uryasev.

    Columns are the spends, the level t and by how much each draw falls short of it.
    """
    count, size = draws.weights.shape[:2]
    even = np.full(size, budget / size)
    worth = float(draws.value(even).sum(axis=-1).mean())

    def outcomes(x: Floats) -> Floats:
        return draws.value(np.maximum(SHARE * x[:size], 0.0)).sum(axis=-1) / worth

    def slopes(x: Floats) -> Floats:
        return SHARE * draws.slope(np.maximum(SHARE * x[:size], 1e-6)) / worth

    extra = 0 if weight == 0 else 1 + count
    first = outcomes(even / SHARE)
    level = float(np.quantile(first, tail))
    start = even / SHARE
    risky = np.zeros(size + extra)
    if extra:
        start = np.concatenate([start, [level], np.maximum(level - first, 0.0)])
        risky[size], risky[size + 1 :] = weight, -weight / (tail * count)

    def gradient(x: Floats) -> Floats:
        money = (1 - weight) * slopes(x).mean(axis=0)
        return -(np.concatenate([money, np.zeros(extra)]) + risky)

    ones = np.concatenate([np.ones(size), np.zeros(extra)])
    rules = [
        {"type": "ineq", "fun": lambda x: budget / SHARE - ones @ x, "jac": lambda x: -ones},
    ]
    if extra:
        fixed = np.hstack([-np.ones((count, 1)), np.eye(count)])
        rules.append(
            {
                "type": "ineq",
                "fun": lambda x: outcomes(x) - x[size] + x[size + 1 :],
                "jac": lambda x: np.hstack([slopes(x), fixed]),
            }
        )
    bounds = (
        [(0.0, cap / SHARE)] * size + [(None, None)] * (extra > 0) + [(0.0, None)] * (extra - 1)
    )
    found = minimize(
        lambda x: -((1 - weight) * outcomes(x).mean() + risky @ x),
        start,
        jac=gradient,
        method="SLSQP",
        bounds=bounds,
        constraints=rules,
        options={"maxiter": 60, "ftol": 1e-12},
    )
    return adapters.Claim({"spend": SHARE * found.x[:size]}, f"SLSQP: {found.message}")


def off_or_on(clock: Clock, quick: bool) -> Iterator[Row]:
    """(f) Half of the channels are off or get at least so much, under 20 group limits."""
    count, once = (12 if quick else 50), Clock(1, 0.0)
    for shape, words in (
        ((None, "Hill 0.6–1"),) if quick else ((None, "Hill 0.6–1"), (3.0, "Hill 3"))
    ):
        case = peer_cases.off_or_on(shape, count)
        name = f"(f) {words}, 20 groups, {count} channels, half off or at least"
        call = partial(bo.allocate, case, time_limit=50)
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
