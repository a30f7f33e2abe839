"""Throw random plans, as users write them, at `allocate` and hold every answer against their words.

    python benchmarks/fuzz_declared.py --plans 100000 --workers 2 [--seed 0] [--most 30]

Every plan is made and checked by `tests/optimize/declared.py`, in Fractions of the written numbers.
Some run under a hostile decimal context of the caller. Nothing may be printed on file descriptors
1 and 2, no error may be untyped, and no call may overrun its time limit by more than a second.
"""

from __future__ import annotations

import argparse
import collections
import decimal
import importlib
import json
import multiprocessing
import os
import random
import sys
import tempfile
import time
import traceback
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

TIME_LIMIT = 2.0
OVER = 1.0
SHORT = 1e-3
CONTEXTS = (
    None,
    None,
    decimal.Context(prec=6),
    decimal.Context(prec=3, rounding=decimal.ROUND_DOWN),
    decimal.Context(prec=4, rounding=decimal.ROUND_UP, traps=[decimal.Inexact]),
    decimal.Context(prec=28, traps=[decimal.FloatOperation, decimal.Rounded]),
)


def judge(seed: int, most: int, time_limit: float | None = TIME_LIMIT) -> tuple[str, str]:
    """Return a verdict on one seed's plan, and what is to be said of it."""
    declared = importlib.import_module("tests.optimize.declared")
    import budgetopt as bo

    rng = random.Random(seed)
    draft = declared.random_draft(rng, most=most)
    if draft.planted is not None and (wrong := declared.violations(draft, draft.planted)):
        return "bad draft", str(wrong)
    context = rng.choice(CONTEXTS)
    method = rng.choice(["auto"] * 6 + ["dual", "branch", "linear", "integer"])
    start, cpu, answer, error = time.perf_counter(), time.process_time(), None, None
    try:
        with decimal.localcontext(context):
            plan = declared.plan_of(draft)
            answer = bo.allocate(plan, last=draft.last, method=method, time_limit=time_limit)
    except bo.BudgetoptError as refused:
        error = refused
    except Exception as broken:  # noqa: BLE001 - whatever is untyped is the finding
        return "untyped", "".join(traceback.format_exception(broken)[-3:])
    took = time.perf_counter() - start
    if time_limit is not None and took > time_limit + OVER:
        busy = time.process_time() - cpu
        return (
            "late",
            f"{took:.1f} s, {busy:.1f} of a processor, {method}: {error or answer.method}",
        )
    if answer is None:
        return refusal(draft, error)
    return hold(declared, draft, answer, rng)


def refusal(draft, error) -> tuple[str, str]:
    """Judge a refusal: a planted plan has a split, and only a solver's limits may hide it."""
    code = getattr(error, "code", "?")
    if code == "wrong-method":
        return "ok: wrong method", ""
    if draft.planted is not None:
        kind = "gave up" if type(error).__name__ == "SolverError" else "wrongly refused"
        return f"{kind}: {code}", str(error)
    return f"ok: {type(error).__name__} {code}", str(error)


def hold(declared, draft, answer, rng) -> tuple[str, str]:
    """Hold an answer against every limit, its bound, and what a local search finds."""
    from fractions import Fraction

    spend = [int(Fraction(answer.spend[c["name"]]) * draft.units) for c in draft.channels]
    if wrong := declared.violations(draft, spend):
        return "broken", str(wrong)
    got, size = declared.objective(draft, spend)
    if abs(answer.objective - got) > 1e-8 * max(size, 1e-300):
        return "wrong objective", f"{answer.objective} for {got}"
    best, found = declared.improved(draft, spend, rng)
    if draft.planted is not None:
        planted = declared.objective(draft, draft.planted)[0]
        best, found = (best, found) if found >= planted else (draft.planted, planted)
    if max(found, got) > answer.bound + 1e-8 * size:
        return "wrong bound", f"{answer.bound} below {max(found, got)} ({answer.method})"
    short = (found - got) / max(abs(found), 1e-9 * size, 1e-300)
    if short > SHORT:
        first = answer.explain().splitlines()[0]
        text = f"{short:.4f} short, gap {answer.gap:.4g}, {answer.method}: {first}"
        # What is far from the best must lead with how far it may be.
        led = not answer.proven and ("%" in first or answer.timed_out)
        return ("ok: short and said" if led else "short in silence"), text
    return "ok: proven" if answer.proven else "ok: with a gap", f"{answer.gap:.2g}"


def work(job: tuple[int, int, int]) -> list[tuple[int, str, str]]:
    """Judge a range of seeds with both descriptors watched."""
    first, last, most = job
    found = []
    with tempfile.TemporaryFile() as silent:
        kept = [os.dup(1), os.dup(2)]
        os.dup2(silent.fileno(), 1)
        os.dup2(silent.fileno(), 2)
        try:
            size = 0
            for seed in range(first, last):
                found.append((seed, *judge(seed, most)))
                now = os.fstat(silent.fileno()).st_size
                if now > size:
                    found.append((seed, "printed", f"{now - size} bytes"))
                    size = now
        finally:
            os.dup2(kept[0], 1)
            os.dup2(kept[1], 2)
            for descriptor in kept:
                os.close(descriptor)
    return found


def main() -> int:
    """Run the fuzz and print its tally; exit 1 where anything is wrong."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--plans", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--most", type=int, default=30, help="channels at most")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--show", type=int, default=3, help="examples of each fault")
    args = parser.parse_args()
    ends = range(args.seed, args.seed + args.plans, 50)
    jobs = [(a, min(a + 50, args.seed + args.plans), args.most) for a in ends]
    tally: collections.Counter[str] = collections.Counter()
    shown: collections.Counter[str] = collections.Counter()
    with multiprocessing.get_context("spawn").Pool(args.workers) as pool:
        for results in pool.imap_unordered(work, jobs):
            for seed, verdict, text in results:
                tally[verdict] += 1
                if not verdict.startswith("ok") and shown[verdict] < args.show:
                    shown[verdict] += 1
                    print(f"{seed}: {verdict}: {text}", flush=True)
    print(json.dumps(dict(sorted(tally.items())), indent=2, ensure_ascii=False))
    return int(any(not verdict.startswith("ok") for verdict in tally))


if __name__ == "__main__":
    sys.exit(main())
