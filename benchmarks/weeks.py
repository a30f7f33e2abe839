"""Many weeks at once, beside cvxpy with Clarabel and casadi with IPOPT on the same problems.

    python benchmarks/weeks.py            # needs the extra bench

Hill curves of shape 1, geometric carryover with what earlier money brings and 13 weeks after the
end, a total for each week, a cap of two channels over every four weeks, and at most 30 % more or
less than the week before. Times are processor time of the solver alone, medians; models are built
before. `broken` is the most that a row is missed by, in money, and `short` how far the objective
lies below our bound, as a share of it; below zero it was bought by broken rows.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from budgetopt.curves import Hill
from budgetopt.horizon.branch import search
from budgetopt.horizon.interior import Program, solve

SIZES = ((12, 13), (30, 52), (100, 52))
SEEDS = 10
TAIL = 13


def program(channels: int, weeks: int, seed: int) -> Program:
    """Return a random program of many weeks."""
    rng = np.random.default_rng(seed)
    lasting = weeks + TAIL
    share = rng.uniform(0.0, 0.7, channels)[:, None, None]
    lag = np.arange(lasting)[:, None] - np.arange(weeks)
    kernel = np.where(lag >= 0, (1 - share) * share ** np.maximum(lag, 0), 0.0)
    last = np.exp(rng.normal(9.0, 0.3, channels))
    total = last.sum() * np.exp(rng.normal(0.0, 0.1, weeks))
    own = np.zeros((channels, 2 * (weeks - 1), weeks))
    for at in range(1, weeks):
        own[:, at - 1, at - 1], own[:, at - 1, at] = -1.3, 1.0
        own[:, weeks - 2 + at, at - 1], own[:, weeks - 2 + at, at] = 0.7, -1.0
    lower, upper = np.zeros((channels, weeks)), np.full((channels, weeks), total.max())
    lower[:, 0], upper[:, 0] = 0.7 * last, 1.3 * last
    months = -(-weeks // 4)
    across = np.zeros((weeks + months, channels, weeks))
    across[np.arange(weeks), :, np.arange(weeks)] = 1.0
    room = list(total)
    for month in range(months):
        held = slice(4 * month, 4 * month + 4)
        across[weeks + month, :2, held] = 1.0
        room.append(1.2 * last[:2].sum() / last.sum() * total[held].sum())
    return Program(
        curves=Hill(np.exp(rng.normal(6, 0.5, channels)), np.exp(rng.normal(9, 0.4, channels)), 1),
        weight=np.ones((lasting, channels)),
        cost=np.zeros((channels, weeks)),
        kernel=kernel,
        carried=(last[:, None] * share[:, 0] ** (np.arange(lasting) + 1)).T,
        lower=lower,
        upper=upper,
        own=own,
        own_room=np.zeros((channels, 2 * (weeks - 1))),
        across=across,
        room=np.array(room),
        exact=np.zeros(weeks + months, np.bool_),
    )


def flights(
    channels: int, weeks: int, seed: int, *, change: bool = True
) -> tuple[Program, NDArray[np.float64]]:
    """Return such a program with S-curves, and what a channel that is on gets at least.

    Three in five channels are S-shaped, three in ten are off or at least so much. Without change
    limits a channel may be on in some weeks and off in others.
    """
    given, rng = program(channels, weeks, seed), np.random.default_rng(1000 + seed)
    shape = np.where(rng.random(channels) < 0.6, rng.uniform(1.2, 3.0, channels), 1.0)
    half = given.curves.half * rng.uniform(0.5, 2.0, channels)
    given = replace(given, curves=Hill(given.curves.top, half, shape))
    mean, last = given.room[:weeks].mean() / channels, given.lower[:, 0] / 0.7
    least = np.where(rng.random(channels) < 0.3, rng.uniform(0.4, 1.2, channels) * mean, 0.0)
    least = np.minimum(least, last) if change else least
    if not change:
        none, most = np.zeros((channels, 1, weeks)), np.full_like(given.upper, 4.0 * mean)
        given = replace(given, own=none, own_room=np.ones((channels, 1)),
                        lower=0.0 * given.lower, upper=most)  # fmt: skip
    return given, np.repeat(least[:, None], weeks, axis=1)


def broken(given: Program, spend: NDArray[np.float64]) -> float:
    """Return the most that a row is missed by, in money."""
    rows = (given.use(spend) - given.room, given.own_use(spend) - given.own_room,
            given.lower - spend, spend - given.upper)  # fmt: skip
    return max(float(row.max()) for row in rows)


Calls = tuple[Callable[[], object], Callable[[], NDArray[np.float64]]]
"""What solves a program, and what gives its spends."""


def clarabel(given: Program) -> Calls:
    """Return what solves the program by cvxpy with Clarabel, and what then reads the answer."""
    import cvxpy as cp

    channels, weeks = given.lower.shape
    money, curves = float(given.upper.mean()), given.curves
    spend = cp.Variable((channels, weeks))
    half, worth = curves.half / money, float(np.mean(curves.top))
    works = cp.vstack([given.kernel[at] @ spend[at] for at in range(channels)])
    lost = cp.multiply(curves.top / worth * half, cp.sum(cp.inv_pos(
        works + (given.carried / money).T + half[:, None]), axis=1))  # fmt: skip
    rules = [spend >= given.lower / money, spend <= given.upper / money]
    rules += [cp.sum(cp.multiply(row, spend)) <= room / money
              for row, room in zip(given.across, given.room, strict=True)]  # fmt: skip
    rules += [given.own[at] @ spend[at] <= given.own_room[at] / money for at in range(channels)]
    problem = cp.Problem(cp.Minimize(cp.sum(lost)), rules)
    data, chain, _ = problem.get_problem_data(cp.CLARABEL)

    def read() -> NDArray[np.float64]:
        problem.solve(solver=cp.CLARABEL)
        return np.asarray(spend.value) * money

    return lambda: chain.solve_via_data(problem, data, solver_opts={}), read


def ipopt(given: Program) -> Calls:
    """Return what solves the program by casadi with IPOPT, and what then reads the answer."""
    import casadi as ca

    channels, weeks = given.lower.shape
    money, curves = float(given.upper.mean()), given.curves
    x = ca.SX.sym("x", channels * weeks)
    spend = ca.reshape(x, weeks, channels)
    half, worth = curves.half / money, float(np.mean(curves.top))
    lost, rows, rooms = 0, [], []
    for at in range(channels):
        works = ca.DM(given.kernel[at]) @ spend[:, at] + ca.DM(given.carried[:, at] / money)
        lost += curves.top[at] / worth * half[at] * ca.sum1(1 / (works + half[at]))
        rows.append(ca.DM(given.own[at]) @ spend[:, at])
        rooms += (given.own_room[at] / money).tolist()
    flat = given.across.reshape(len(given.room), -1)
    rows.append(ca.sparsify(ca.DM(flat)) @ x)
    rooms += (given.room / money).tolist()
    solver = ca.nlpsol(
        "s",
        "ipopt",
        {"x": x, "f": lost, "g": ca.vertcat(*rows)},
        {"print_time": False, "ipopt": {"print_level": 0, "tol": 1e-9, "sb": "yes"}},
    )
    found: list[object] = []
    low, high = (bound.ravel() / money for bound in (given.lower, given.upper))

    def run() -> None:
        found[:] = [solver(x0=0.5 * (low + high), lbx=low, ubx=high, lbg=-np.inf, ubg=rooms)]

    def read() -> NDArray[np.float64]:
        return np.asarray(found[0]["x"]).reshape(channels, weeks) * money

    return run, read


def ours(given: Program) -> Calls:
    """Return what solves the program by budgetopt, and what then reads the answer."""
    return lambda: solve(given), lambda: solve(given).spend


def searched() -> None:
    """Print what the search for S-curves and flights leaves, and what it takes."""
    print("| 12 × 26, S-curves, off or at least | processor time, most | gap, median and most |")
    print("|---|---|---|")
    for change in (True, False):
        seconds, gaps = [], []
        for seed in range(SEEDS):
            given, least = flights(12, 26, seed, change=change)
            begun = time.process_time()
            found = search(given, least)
            seconds.append(time.process_time() - begun)
            gaps.append((found.bound - given.value(found.spend)) / found.bound)
        print(
            f"| {'±30 % a week' if change else 'free from week to week'} | {max(seconds):.1f} s | "
            f"{statistics.median(gaps):.2%}, {max(gaps):.2%} |"
        )


def main() -> None:
    """Print the tables."""
    searched()
    print("| channels × weeks | solver | processor time | broken | short | programs |")
    print("|---|---|---|---|---|---|")
    for channels, weeks in SIZES:
        programs = [program(channels, weeks, seed) for seed in range(SEEDS)]
        bounds = [solve(one).bound for one in programs]
        solvers = {"budgetopt": ours, "cvxpy, Clarabel": clarabel, "casadi, IPOPT": ipopt}
        for name, make in solvers.items():
            few = programs if channels < 100 or name == "budgetopt" else programs[:2]
            seconds, worst, short = [], 0.0, []
            for one, bound in zip(few, bounds, strict=False):
                run, read = make(one)
                run()
                begun = time.process_time()
                run()
                seconds.append(time.process_time() - begun)
                spend = read()
                worst = max(worst, broken(one, spend))
                short.append((bound - one.value(np.maximum(spend, 0.0))) / bound)
            print(
                f"| {channels} × {weeks} | {name} | {1000 * statistics.median(seconds):.1f} ms | "
                f"{worst:.1e} | {min(short):.1e} to {max(short):.1e} | {len(few)} |"
            )


if __name__ == "__main__":
    main()
