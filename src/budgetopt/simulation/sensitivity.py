"""Which input moves the optimum's outcome most."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from scipy.stats import qmc

from budgetopt.curves.base import Floats
from budgetopt.figures import show_figure
from budgetopt.market.checks import known, number, whole, wrong
from budgetopt.optimize import curves_of
from budgetopt.plan import Plan
from budgetopt.simulation.what_if import AS_PLANNED, Change, answer_under, what_if

if TYPE_CHECKING:
    import pandas as pd


class Swing(NamedTuple):
    """What one input does, moved by the same share down and up.

    Parameters
    ----------
    name
        The input, such as ``"budget"`` or ``"price of douyin"``.
    low, high
        Outcome with the input moved down and up; NaN where no split keeps the limits.
    """

    name: str
    low: float
    high: float

    @property
    def size(self) -> float:
        """How far apart they are."""
        return abs(self.high - self.low)


@dataclass(frozen=True)
class Tornado:
    """Inputs in the order of what they move, the largest first.

    Parameters
    ----------
    outcome
        Of the plan as it is.
    by
        The share by which each input is moved.
    swings
        One for each input.
    """

    outcome: float
    by: float
    swings: tuple[Swing, ...]

    def to_frame(self) -> pd.DataFrame:
        """Return one row for each input."""
        import pandas as pd

        rows = [(s.name, s.low, s.high, s.low - self.outcome, s.high - self.outcome, s.size)
                for s in self.swings]  # fmt: skip
        columns = ["input", "outcome low", "outcome high", "change low", "change high", "swing"]
        return pd.DataFrame(rows, columns=columns)

    def summary(self) -> str:
        """Return a sentence for each of the first inputs."""
        lines = [f"As planned: {show_figure(self.outcome)}."]
        for swing in self.swings[:5]:
            ends = " to ".join(show_figure(end) for end in (swing.low, swing.high))
            lines.append(f"{swing.name} {self.by:.0%} down or up: {ends}.")
        return "\n".join(lines)


def sensitivity(
    plan: Plan,
    curves: Any = None,
    *,
    by: float = 0.1,
    inputs: Sequence[str] | None = None,
    last: Mapping[str, Any] | None = None,
) -> Tornado:
    """Move one input at a time down and up by a share, and solve the plan anew.

    Parameters
    ----------
    plan, curves, last
        As in `what_if`.
    by
        The share, above 0 and below 1.
    inputs
        Which: ``"budget"``, ``"price"`` and ``"rate"`` of all channels, ``"price of x"``, ``"rate
        of x"`` or ``"cap of x"``; by default the budget and all that are of single channels.

    Raises
    ------
    InputError
        ``bad-argument``; ``unknown-name`` for an input that is not there.
    """
    by, names = _share(by), _inputs(plan, inputs)
    changes = {
        f"{name} {side:+d}": change_of(plan, {name: side * by})
        for name in names
        for side in (-1, 1)
    }
    found = what_if(plan, curves, changes, last=last)
    swings = [
        Swing(name, *(found[f"{name} {side:+d}"].outcome for side in (-1, 1))) for name in names
    ]
    ordered = sorted(swings, key=lambda s: -s.size if math.isfinite(s.size) else -math.inf)
    return Tornado(found[AS_PLANNED].outcome, by, tuple(ordered))


class Index(NamedTuple):
    """Shares of the outcome's variance.

    Parameters
    ----------
    name
        The input.
    first
        Due to this input alone.
    total
        Due to it alone and together with others.
    """

    name: str
    first: float
    total: float


def sobol(
    plan: Plan,
    curves: Any = None,
    *,
    by: float = 0.1,
    inputs: Sequence[str] | None = None,
    draws: int = 128,
    seed: int = 0,
    last: Mapping[str, Any] | None = None,
) -> tuple[Index, ...]:
    """Move all inputs together, evenly within a share down and up, and split the variance.

    Parameters
    ----------
    plan, curves, by, inputs, last
        As in `sensitivity`.
    draws
        A power of 2, at least 8; the plan is solved ``draws (inputs + 2)`` times.
    seed
        Of the scrambled Sobol points.

    Returns
    -------
    tuple of Index
        The largest total first.

    Raises
    ------
    InputError
        ``bad-argument``, ``unknown-name``.
    InfeasibleError
        Where no split keeps the limits in some draw: take a smaller share.
    """
    by, names = _share(by), _inputs(plan, inputs)
    base = curves_of(plan, curves)

    def outcome(shares: Floats) -> float:
        moved = change_of(plan, dict(zip(names, shares.tolist(), strict=True)))
        return answer_under(moved, plan, base, last=last).outcome

    first, total = sobol_indices(outcome, len(names), by, draws, seed)
    found = [Index(*row) for row in zip(names, first.tolist(), total.tolist(), strict=True)]
    return tuple(sorted(found, key=lambda index: -index.total))


def sobol_indices(
    outcome: Callable[[Floats], float], inputs: int, by: float, draws: int, seed: int
) -> tuple[Floats, Floats]:
    r"""Return first-order and total indices of a function of inputs spread evenly on ±by.

    With two sets of points A and B, and :math:`AB_i`, A with column i of B, the first index is
    :math:`\overline{f(B)\,(f(AB_i) - f(A))}/V` (Saltelli et al. 2010, "Variance based sensitivity
    analysis of model output", table 2b), the total one
    :math:`\overline{(f(A) - f(AB_i))^2}/2V` (Jansen 1999).

    Parameters
    ----------
    outcome
        Takes shares, shape ``(inputs,)``.
    inputs, by, draws, seed
        As in `sobol`.
    """
    draws = whole(draws, "draws", least=8)
    if draws & (draws - 1):
        raise wrong("draws", draws, "give a power of 2, such as 128")
    points = qmc.Sobol(2 * inputs, scramble=True, seed=np.random.default_rng(seed)).random(draws)
    a, b = by * (2.0 * points[:, :inputs] - 1.0), by * (2.0 * points[:, inputs:] - 1.0)

    def of(rows: Floats) -> Floats:
        return np.array([outcome(row) for row in rows])

    at_a, at_b = of(a), of(b)
    both = np.concatenate([at_a, at_b])
    middle, variance = both.mean(), both.var()
    first, total = np.zeros((2, inputs))
    for at in range(inputs):
        mixed = a.copy()
        mixed[:, at] = b[:, at]
        found = of(mixed)
        if variance > 0:
            first[at] = np.mean((at_b - middle) * (found - at_a)) / variance
            total[at] = np.mean(np.square(at_a - found)) / (2 * variance)
    return first, total


def change_of(plan: Plan, shares: Mapping[str, float]) -> Change:
    """Return the change that moves inputs by shares of what they are."""
    caps: dict[str, Any] = {}
    price: dict[str, float] = {}
    rate: dict[str, float] = {}
    for name, share in shares.items():
        kind, _, channel = name.partition(" of ")
        if kind == "cap":
            cap = plan.channels[plan.index[channel]].cap
            money = float(cap or 0) * (1 + share)
            caps[channel] = plan.money.amount(plan.money.nearest(money))
        elif kind in ("price", "rate"):
            (price if kind == "price" else rate)[channel or "*"] = share
    return Change(shares.get("budget", 0.0), caps, price, rate)


def _inputs(plan: Plan, inputs: Sequence[str] | None) -> list[str]:
    capped = [c.name for c in plan.channels if c.cap is not None and c.locked is None]
    of_channels = [f"{kind} of {name}" for kind in ("price", "rate") for name in plan.names]
    usual = ["budget", *of_channels, *(f"cap of {name}" for name in capped)]
    if inputs is None:
        return usual
    known(inputs, (*usual, "price", "rate"), "inputs")
    if not inputs:
        raise wrong("inputs", (), "name one at least", "no input is named")
    return list(inputs)


def _share(by: float) -> float:
    by = number(by, "by", above=0, most=1)
    if by == 1.0:
        raise wrong("by", by, "give a share below 1")
    return by
