"""Risk measures over posterior draws, mean, CVaR, quantile or chance, and the spread of a split.

- `Risk` says what is maximised over the draws of the objective.
- `Spread` and `spread` say how far a split's outcome may lie from its mean.

Both are sums over draws: with 200 draws a quantile of 5 % rests on ten of them.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import ArrayLike

from budgetopt.arguments import public
from budgetopt.arrays import Floats
from budgetopt.curves import Curve
from budgetopt.errors import InputError, as_number
from budgetopt.i18n import Message, round_known, say, show_figure

Kind = Literal["mean", "mean-cvar", "quantile", "chance"]


@public
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
            raise _wrong("kind", self.kind, say("remedy-make-risk-mean"))
        as_number(self.weight, "risk.weight", least=0, most=1)
        as_number(self.tail, "risk.tail", above=0, most=1)
        as_number(self.level, "risk.level", above=0, below=1)
        if self.target is not None:
            as_number(self.target, "risk.target")

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
        if drawn.ndim != 1 or not drawn.size:
            raise _wrong("outcomes", drawn.shape, say("remedy-number-draw"))
        if self.concave:
            return float(self.worst(drawn) @ drawn)
        if self.kind == "quantile":
            return float(np.sort(drawn)[self.rank(drawn.size) - 1])
        if self.target is not None:
            return float(np.mean(drawn >= self.target))
        if last is None:
            raise _wrong("last", None, say("remedy-last-week-s"))
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


def _wrong(field: str, value: Any, remedy: Message) -> InputError:
    problem = say("risk-part-is", field=field, value=repr(value))
    return InputError("bad-argument", problem, field=field, value=value, remedy=remedy)


@dataclass(frozen=True)
class Spread:
    """Range of a split's outcome over draws, and the chance that it beats last week's split.

    Where the money of the two differs, last week's proportions are meant, at the same money.

    Parameters
    ----------
    low, median, high
        5, 50 and 95 % quantiles of the outcome.
    mean
        Mean of the draws.
    better
        Share of the draws in which the split brings more than last week's; None where no last
        week was given, or the two are the same split.
    draws
        How many draws.
    """

    low: float
    median: float
    high: float
    mean: float
    better: float | None
    draws: int

    @property
    def width(self) -> float:
        """How far apart the ends are."""
        return self.high - self.low

    def shown(self) -> dict[str, str]:
        """Return median, low and high as texts, to the digits that the range leaves known."""
        ends = {"median": self.median, "low": self.low, "high": self.high}
        return {name: show_figure(round_known(v, self.width)) for name, v in ends.items()}

    def summary(self) -> str:
        """Return the range in a sentence."""
        text = say("outcome-median-range", **self.shown())
        if self.better is None:
            return text
        return say("range-better-than-last", range=text, better=f"{100 * self.better:.0f}")


def spread(
    draws: Curve,
    spend: ArrayLike,
    last: ArrayLike | None = None,
    *,
    weight: ArrayLike = 1.0,
    cost: ArrayLike = 0.0,
) -> Spread:
    """Return the range of a split's outcome over draws of the curves.

    Parameters
    ----------
    draws
        Curves with the draws before the channels, such as ``belief.draw(rng, 1000)``.
    spend, last
        Money by channel, shape ``(channels,)``; `last` may be None.
    weight, cost
        What an outcome counts for and a unit of money costs, by channel, as in `Problem`.

    Notes
    -----
    Quantiles are draws, not values between two of them. Of 1,000 draws a share near one half is
    known to 0.03 (two standard errors).
    """

    def drawn(money: ArrayLike) -> Floats:
        net = np.asarray(weight) * draws.value(money) - np.asarray(cost) * np.asarray(money)
        return np.asarray(np.atleast_1d(net.sum(axis=-1)))

    outcomes = drawn(spend)
    low, median, high = (Risk.quantile(level).value(outcomes) for level in (0.05, 0.5, 0.95))
    # A split is neither better nor worse than itself.
    same = last is None or np.allclose(spend, last, rtol=1e-9, atol=1e-9 * float(np.sum(last)))
    better = None if last is None or same else float(np.mean(outcomes > drawn(last)))
    return Spread(low, median, high, float(outcomes.mean()), better, outcomes.size)
