"""The relaxation of a node of `branch` where the budget is the only row."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from budgetopt.optimize.branch.envelope import Envelope
from budgetopt.optimize.branch.refill import refill
from budgetopt.optimize.branch.relaxed import Relaxed
from budgetopt.optimize.problem import Problem

Floats = NDArray[np.float64]

_KEPT = 1e-12
"""Share of the budget that rounding may make a split miss."""


def budget_alone(problem: Problem) -> bool:
    """Return whether the budget is the only row, and money costs the same in every channel."""
    return not problem.limits and bool(np.all(problem.cost == problem.cost[:1]))


class BudgetRelaxation:
    """A search for one price.

    Parameters
    ----------
    problem
        One for which `budget_alone` holds.
    """

    def __init__(self, problem: Problem) -> None:
        self.weights, self.cost = problem.weight, float(problem.cost[0])
        self.money, self.spend_all = problem.budget_money, problem.spend_all

    def relax(self, envelope: Envelope, start: Floats | None, floor: float) -> Relaxed | None:
        """Return the best split under envelopes, by one price."""
        price = 1.0 if start is None else float(start[0]) + self.cost
        filled = refill(
            envelope,
            self.weights,
            self.money,
            least=self.cost,
            spend_all=self.spend_all,
            start=price,
        )
        if filled is None:
            return None
        net = filled.price - self.cost
        bound = float(self._worth(envelope, filled.price).sum() + net * self.money)
        prices = [max(net, 0.0), max(-net, 0.0)] if self.spend_all else [net]
        return Relaxed(bound, filled.spend, np.array(prices))

    def settle(self, envelope: Envelope, start: Floats | None, floor: float) -> Relaxed | None:
        """Return the best split on concave branches, by one price."""
        return self.relax(envelope, start, floor)

    def _worth(self, envelope: Envelope, price: float) -> Floats:
        r"""Return :math:`\max_x w f(x) - \lambda x` over each channel's span, by the true curves.

        The maximum of a curve that is first convex and then concave lies at the lowest spend, or
        where its falling slope meets the price, drawn into the rest of the span; no channel can
        take more than all that the lowest spends leave.
        """
        span, curves = envelope.span, envelope.bends.curves
        with np.errstate(divide="ignore", invalid="ignore"):
            rate = np.where(self.weights > 0, price / self.weights, np.inf)
        room = max(0.0, self.money - float(span.lower.sum()))
        most = np.minimum(span.upper, span.lower + room)
        spend = np.clip(curves.spend_at_slope(rate), span.least, most)
        worth = self.weights * envelope.base - price * span.lower
        taken = self.weights * curves.value(spend) - price * spend
        worth = np.where(span.least <= most, np.maximum(worth, taken), worth)
        hulls = envelope.hulls
        if hulls is not None:
            tops = self.weights[hulls.places, None] * hulls.heights - price * hulls.knots
            worth[hulls.places] = tops.max(axis=-1)
        if envelope.sums is not None:
            places = envelope.mixed
            spend = envelope.sums.spend_at_slope(rate[places])
            value = envelope.sums.sampled.value(spend)
            worth[places] = self.weights[places] * value - price * spend
        return worth

    def sharpen(self, envelope: Envelope, found: Relaxed) -> Relaxed | None:
        """Return None: `settle` is sharp."""

    def keeps(self, spend: Floats) -> bool:
        """Return whether a split keeps the budget."""
        total, slack = float(spend.sum()), _KEPT * self.money
        return total <= self.money + slack and (not self.spend_all or total >= self.money - slack)

    def weight(self, relaxed: Relaxed) -> Floats:
        """Return what an outcome counts for."""
        return self.weights
