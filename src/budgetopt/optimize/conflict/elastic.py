"""Whether a split keeps a system's limits, by linear and integer programs on the true curves.

`find_split` answers with a split, exact and on whole steps, with the proof that there is none, or
with neither. `least_give` says by how much limits must give way, `most_of` how far a row gets.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from fractions import Fraction
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from budgetopt.optimize.conflict.elastic_model import cut_at, model_of, near_envelope
from budgetopt.optimize.conflict.reach import System, arithmetic, drawn_in, is_total, keeps
from budgetopt.plan import Row

Floats = NDArray[np.float64]
Whole = NDArray[np.int64]

ROUNDS = 60
"""Rounds of cuts: each brings the envelope nearer where the program wants to go."""
WINDOWS = (3, 100_000)
"""Whole steps are looked for this far from the continuous split, first near, then far."""
NOTHING = 1e-9
"""A bound that falls by less than this share of the outcome has arrived."""


KEPT = 12
"""So many of the cuts of earlier searches are used again."""
STEPS = 100
"""Limits that give way together are looked for on whole steps this far around."""

Costs = Mapping[tuple[str, int], float]


class Answer(NamedTuple):
    """What is known of a system.

    Parameters
    ----------
    spend
        A split that keeps every limit, in minor units; None where none was found.
    none
        Whether it is proven that there is none.
    """

    spend: Whole | None
    none: bool


class Best(NamedTuple):
    """How far a row gets: a split in minor units, what it reaches, and an upper bound."""

    spend: Floats
    value: float
    bound: float


def find_split(system: System, cuts: list[Floats] | None = None) -> Answer:
    """Return a split that keeps a system's limits, on whole steps, or that there is none.

    Parameters
    ----------
    system
        The limits.
    cuts
        Spends where the same curves were cut before, a start for this search, which adds its own.

    Notes
    -----
    Bounds and single rows are compared in whole numbers first. A linear program with binaries for
    what is on or moves, and cuts for curves (Kelley 1960), then finds a continuous split; it is
    rounded, and where that breaks a limit an integer program looks for whole steps around it. A
    split is tested exactly. That there is none is shown by the program within its tolerance (1e-7
    of a step); with S-shaped curves, by their concave envelopes. Where a channel has more than
    100,000 steps, whole steps are looked for within 100,000 of the continuous split.
    """
    if arithmetic(system):
        return Answer(None, True)
    lower, upper = drawn_in(system)
    for guess in (lower, _filled(system, lower, upper)):
        if keeps(system, guess):
            return Answer(guess, False)
    cuts = [] if cuts is None else cuts
    del cuts[:-KEPT]
    start, none = _search(system, None, 0, cuts)
    if start is None or keeps(system, start):
        return Answer(start, none)
    for window in WINDOWS:
        near, none = _search(system, start, window, cuts)
        if near is not None and keeps(system, near):
            return Answer(near, False)
    return Answer(None, none)


def _filled(system: System, lower: Whole, upper: Whole) -> Whole:
    """Return the least spends, filled up channel by channel to the total that is asked for."""
    totals = [math.floor(row.room * system.units) for row in system.rows if is_total(row)]
    asked = [math.ceil(-row.room * system.units) for row in system.rows if is_total(row, sign=-1)]
    rest = max(0, (max(asked) if asked else min(totals, default=0)) - int(lower.sum()))
    gain = upper - lower
    taken = np.clip(rest - (np.cumsum(gain) - gain), 0, gain)
    filled: Whole = lower + taken
    on_grid = filled // system.grid * system.grid
    return np.where(taken < gain, np.maximum(on_grid, lower), filled)


def _search(
    system: System, centre: Whole | None, window: int, cuts: list[Floats]
) -> tuple[Whole | None, bool]:
    """Return a split on steps, near a centre if given, or None and whether there is none.

    Spends where curves were cut are remembered in `cuts`.
    """
    model = model_of(system, centre, window)
    program = model.program
    for point in cuts:
        cut_at(model, system, point)
    cost = np.zeros(program.width)
    cost[model.margin] = -1.0
    for _ in range(ROUNDS):
        found, none = program.solve(cost, gap=0.5)
        if found is None:
            return None, none
        spend = model.minor(found)
        rounded = _on_steps(system, spend)
        if not model.top.any() or keeps(system, rounded):
            return rounded, False
        if near_envelope(model, system, found):
            return rounded, False
        cuts.append(spend)
        cut_at(model, system, spend)
    return None, False


def _on_steps(system: System, spend: Floats) -> Whole:
    """Return spends on each channel's steps, the nearest that keep the total where they can."""
    lower, upper = drawn_in(system)
    exact = spend / system.grid
    down = np.floor(exact + 1e-6)
    rest = exact - down
    spare = int(np.floor(float(np.sum(rest * system.grid)) + 1e-3))
    rounded: Whole = down.astype(np.int64) * system.grid
    stays = np.abs(spend - system.stay) <= 1e-6 * system.grid
    rest[stays] = 0.0
    for at in np.argsort(-rest, kind="stable"):
        if rest[at] > 1e-6 and spare >= system.grid[at] and spend[at] > 0:
            rounded[at] += system.grid[at]
            spare -= int(system.grid[at])
    rounded = np.where(stays, system.stay, rounded)
    return np.clip(rounded, np.where(rounded > 0, lower, system.lower), upper)


def least_give(system: System, costs: Costs, *, whole: bool = False) -> list[float] | None:
    """Return by how much limits of a system must give way together, at the least cost.

    Parameters
    ----------
    system
        All limits; rows are numbered in it.
    costs
        Cost of one unit, by ``(kind, position)``: minor units for bounds, a row's own unit.
    whole
        Whether on whole steps, within 100 of the continuous split.

    Returns
    -------
    list of float or None
        In the order of the costs; the continuous ones are a lower bound on what whole steps need.
        None where these limits alone do not help.
    """
    found, spend = _give(system, costs, None)
    if found is None or not whole:
        return found
    lot = system.grid
    return _give(system, costs, np.maximum(np.round(spend / lot).astype(np.int64), 0) * lot)[0]


def _give(system: System, costs: Costs, centre: Whole | None) -> tuple[list[float] | None, Floats]:
    """Return how far limits give way, and the spends in minor units."""
    model = model_of(system, centre, STEPS, gives=costs)
    cost = np.zeros(model.program.width)
    for n, price in enumerate(costs.values()):
        cost[model.gives[n]] = price
    for _ in range(ROUNDS):
        found, _ = model.program.solve(cost, gap=1e-9)
        if found is None:
            break
        spend = model.minor(found)
        if not model.top.any() or near_envelope(model, system, found):
            return [float(found[c][0]) for c in model.gives.values()], spend
        cut_at(model, system, spend)
    return None, np.zeros(0)


def most_of(
    system: System,
    row: Row,
    weight: float = 1.0,
    *,
    roof: bool = False,
    cuts: list[Floats] | None = None,
) -> Best | None:
    r"""Return the split that keeps a system's limits with the greatest :math:`P f(x) - w A x`.

    Parameters
    ----------
    system
        The other limits.
    row
        Has the outcome ``P`` and money ``A`` that are meant.
    weight
        ``w``.
    roof
        Whether the concave envelopes stand for the curves.
    cuts
        Spends where curves were cut already; those of this search are added.

    Returns
    -------
    Best or None
        The bound holds for the true curves, S-shaped ones too; None where nothing was found.
    """
    # Without effect, since outcomes are at least 0, but it brings them in.
    asking = Row(row.limit, 0 * row.money, Fraction(0), outcome=row.outcome)
    model = model_of(replace(system, rows=(*system.rows, asking)))
    cuts = [] if cuts is None else cuts
    for point in cuts:
        cut_at(model, system, point)
    cost = np.zeros(model.program.width)
    money = weight * row.money / (row.scale * system.units)
    share = np.zeros(money.size) if row.outcome is None else row.outcome
    cost[model.spend] = money * system.grid
    cost[model.outcome] = -share * model.top
    value_of = system.curves.envelope if roof else system.curves.value
    best, bound = None, np.inf
    for _ in range(ROUNDS):
        found, _ = model.program.solve(cost, gap=1e-9)
        if found is None:
            return best
        spend = np.maximum(model.minor(found), 0.0)
        last, bound = bound, -float(cost @ found)
        value = float(share @ value_of(spend / system.units) - money @ spend)
        if best is None or value > best.value:
            best = Best(spend, value, bound)
        best = best._replace(bound=min(bound, best.bound))
        if min(best.bound - best.value, last - bound) <= NOTHING * float(share @ model.top):
            break
        cuts.append(spend)
        cut_at(model, system, spend)
    return best
