"""What is maximised over draws: mean, CVaR, a quantile or a chance."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from budgetopt.errors import InputError

Floats = NDArray[np.float64]
Kind = Literal["mean", "mean-cvar", "quantile", "chance"]


@dataclass(frozen=True)
class Risk:
    r"""What is maximised over the draws :math:`Y_1 \dots Y_S` of the objective.

    Made by `mean`, `mean_cvar`, `cvar`, `quantile` and `chance`, not by hand.

    Parameters
    ----------
    kind
        Which of them.
    weight
        Weight of the CVaR beside the mean, 0 to 1.
    tail
        Share of the worst draws that the CVaR averages, above 0, at most 1.
    level
        Level of the quantile, above 0, below 1.
    target
        What the objective has to reach; None for more than last week's split brings.

    Raises
    ------
    InputError
        ``bad-argument`` for a number out of its range.

    Examples
    --------
    >>> draws = [4.0, 1.0, 3.0, 2.0]
    >>> [risk.value(draws) for risk in (Risk.mean(), Risk.cvar(0.5), Risk.quantile(0.5))]
    [2.5, 1.5, 2.0]
    >>> Risk.chance(2.5).value(draws)
    0.5
    """

    kind: Kind
    weight: float = 0.0
    tail: float = 1.0
    level: float = 0.5
    target: float | None = None

    def __post_init__(self) -> None:
        if self.kind not in ("mean", "mean-cvar", "quantile", "chance"):
            raise _wrong("kind", self.kind, "make it by Risk.mean, mean_cvar, cvar, quantile, ...")
        _hold("weight", self.weight, lambda v: 0 <= v <= 1, "between 0 and 1")
        _hold("tail", self.tail, lambda v: 0 < v <= 1, "above 0 and at most 1")
        _hold("level", self.level, lambda v: 0 < v < 1, "above 0 and below 1")
        if self.target is not None:
            _hold("target", self.target, math.isfinite, "that is finite")

    @classmethod
    def mean(cls) -> Self:
        """Return the mean of the draws: no aversion to risk."""
        return cls("mean")

    @classmethod
    def mean_cvar(cls, weight: float, tail: float = 0.05) -> Self:
        r"""Return the mean less a part of how far the bad draws lie below it.

        .. math::
            E[Y] - w\,(E[Y] - CVaR_\tau(Y)) = (1-w)\,E[Y] + w\,CVaR_\tau(Y), \qquad
            CVaR_\tau(Y) = \max_t \{ t - E[(t-Y)_+]/\tau \}

        CVaR is the mean of the worst share :math:`\tau` of the draws; a draw that lies across
        the border counts in part.

        Parameters
        ----------
        weight
            Symbol w, 0 to 1. The form :math:`E[Y] + \lambda CVaR(Y)` has the same optimum at
            :math:`w = \lambda/(1+\lambda)`. Above 1 good draws would count against a split, and
            the problem would not be concave.
        tail
            Symbol :math:`\tau`, above 0, at most 1.

        Notes
        -----
        Source: Rockafellar and Uryasev (2000), theorem 1, for gains instead of losses; for draws
        with the same value, Rockafellar and Uryasev (2002), proposition 8.
        """
        return cls("mean-cvar", weight=weight, tail=tail)

    @classmethod
    def cvar(cls, tail: float = 0.05) -> Self:
        """Return the mean of the worst share of the draws; see `mean_cvar`."""
        return cls("mean-cvar", weight=1.0, tail=tail)

    @classmethod
    def quantile(cls, level: float) -> Self:
        r"""Return the value that the draws reach with probability ``1 - level`` or more.

        The smallest draw with at least ``ceil(level S)`` draws at or below it. Not concave.
        """
        return cls("quantile", level=level)

    @classmethod
    def chance(cls, target: float | None = None) -> Self:
        """Return the share of draws of at least a target; with None, above last week's split.

        Not concave.
        """
        return cls("chance", target=target)

    @property
    def concave(self) -> bool:
        """Whether it is concave in the split where the curves are."""
        return self.kind in ("mean", "mean-cvar")

    @property
    def neutral(self) -> bool:
        """Whether it is the mean, written as whatever."""
        return self.kind == "mean" or (self.concave and (self.weight == 0 or self.tail == 1))

    def value(self, outcomes: ArrayLike, last: ArrayLike | None = None) -> float:
        """Return the measure of equally likely draws.

        Parameters
        ----------
        outcomes
            Objective of a split by draw, shape ``(draws,)``.
        last
            The same for last week's split, for a chance without target.
        """
        drawn = np.asarray(outcomes, dtype=np.float64)
        if self.concave:
            return float(self.worst(drawn) @ drawn)
        if self.kind == "quantile":
            return float(np.sort(drawn)[self.rank(drawn.size) - 1])
        if self.target is not None:
            return float(np.mean(drawn >= self.target))
        if last is None:
            raise _wrong("last", None, "give last week's split, or a target")
        return float(np.mean(drawn > np.asarray(last)))

    def rank(self, size: int) -> int:
        """Return which of so many draws, counted from the worst as 1, is the quantile."""
        # A level such as 0.07 times 100 is a little above 7 in floating point.
        return max(1, math.ceil(self.level * size * (1.0 - 1e-12)))

    def worst(self, outcomes: Floats) -> Floats:
        r"""Return the weights :math:`q \in Q` under which the draws have the least mean.

        :math:`Q = \{(1-w)/S + w p : 0 \le p \le 1/(S\tau), \sum p = 1\}`, so that the measure is
        :math:`\min_{q \in Q} q^T Y`; concave measures only.
        """
        size = outcomes.size
        if self.neutral:
            return np.full(size, 1.0 / size)
        most = 1.0 / (size * self.tail)
        tail = np.empty(size)
        # Filled from the worst draw on, until the weights sum to one.
        tail[np.argsort(outcomes, kind="stable")] = np.clip(1.0 - most * np.arange(size), 0, most)
        return (1.0 - self.weight) / size + self.weight * tail


def _hold(field: str, value: Any, good: Any, wanted: str) -> None:
    try:
        fine = not isinstance(value, (bool, str)) and bool(good(float(value)))
    except (TypeError, ValueError):
        fine = False
    if not fine:
        raise _wrong(field, value, f"give a number {wanted}")


def _wrong(field: str, value: Any, remedy: str) -> InputError:
    problem = f"{field} of the risk is {value!r}"
    return InputError("bad-argument", problem, field=field, value=value, remedy=remedy)
