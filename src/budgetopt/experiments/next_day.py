r"""The next day's test money: minimum cells first, the rest by Thompson shares.

.. math:: x_i = m_i + Q_i\,(B - \textstyle\sum_j m_j), \qquad
          Q_i = P_i \Bigl(\beta + (1 - \beta) \sum_{j \ne i} \frac{P_j}{1 - P_j}\Bigr)

:math:`P_i` is the probability of being best, the expected share of Thompson sampling (Thompson
1933), and :math:`Q_i` that of top-two Thompson sampling (Russo 2020, section 4.3), in which a share
:math:`1-\beta` goes to the best of the others; :math:`\beta = 1` gives :math:`P_i`. Nothing is
drawn; a single draw gives the whole rest to one arm, chosen with probability :math:`Q_i`.
:math:`m_i` is the cell's money divided by its most days, on every day until the cell is complete.
What an arm that is paused would have got is not given to the others but released, so that it can go
back to the plan.

Of 500 simulated tests of CTR 2.5, 2.5 and 3 %, 10,000 impressions a day, 99 % found the winner
within 30 days with :math:`\beta = 0.75` (half of them within 12) and 18 % with :math:`\beta = 1`.
"""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import numpy as np
from numpy.typing import NDArray

from budgetopt.errors import InfeasibleError
from budgetopt.experiments.posterior import Floats
from budgetopt.experiments.settings import Settings
from budgetopt.money import Currency, round_to_step, show_amount

Minor = NDArray[np.int64]


@dataclass(frozen=True)
class NextDay:
    """What every arm gets on the next day.

    Parameters
    ----------
    day
        The day after the last one of the log; None for the first day of a test.
    budget
        Money of the whole test for that day.
    spend
        Money by arm, exact; paused arms get none.
    released
        Money of paused arms, which goes back to the plan. Spend and released sum to the budget.
    probability
        Probability of being the best, by arm.
    minimum
        Least money of the day, by arm, from its cell.
    notes
        What a reader should know.
    """

    day: dt.date | None
    budget: Decimal
    spend: dict[str, Decimal]
    released: dict[str, Decimal]
    probability: dict[str, float]
    minimum: dict[str, Decimal]
    notes: tuple[str, ...] = ()

    @property
    def back_to_plan(self) -> Decimal:
        """All money that is released."""
        return sum(self.released.values(), Decimal(0))

    def to_dict(self) -> dict[str, Any]:
        """Return plain data; money is text, so that nothing is lost."""

        def text(amounts: dict[str, Decimal]) -> dict[str, str]:
            return {name: f"{amount:f}" for name, amount in amounts.items()}

        return {
            "day": None if self.day is None else self.day.isoformat(),
            "budget": f"{self.budget:f}",
            "spend": text(self.spend),
            "released": text(self.released),
            "probability": dict(self.probability),
            "minimum": text(self.minimum),
            "notes": list(self.notes),
        }

    def to_json(self) -> str:
        """Return JSON text."""
        return json.dumps(self.to_dict(), ensure_ascii=False, allow_nan=False)


def minimums(settings: Settings, spent: Floats, days: NDArray[np.int64]) -> Minor:
    """Return the least money of the next day by arm, in minor units.

    Parameters
    ----------
    settings
        Cell and days.
    spent
        Money so far, shape ``(arms,)``.
    days
        Days with money so far, same shape.
    """
    cell = settings.money.minor(settings.cell, "cell")
    part = -(-cell // settings.days[1])
    due = cell - np.array([settings.money.nearest(s) for s in spent], dtype=np.int64)
    young = days < settings.days[0]
    # A cell that got its money early still runs its fewest days.
    least: Minor = np.where(young, part, np.clip(due, 0, part)).astype(np.int64)
    return least


def thompson_shares(probability: Floats, leader_share: float) -> Floats:
    r"""Return the shares :math:`Q_i` of top-two Thompson sampling, shape ``(arms,)``.

    Parameters
    ----------
    probability
        Probabilities of being best, summing to 1, shape ``(arms,)``.
    leader_share
        :math:`\beta`, from 0 to 1.
    """
    arms = probability.size
    apart = 1.0 - np.eye(arms)
    others = apart @ probability  # Not 1 - P, which loses the small ones.
    safe = np.where(others > 0, others, 1.0)
    # Where all others are beyond reach, they are challengers in equal parts.
    challenger = np.where(others[:, None] > 0, probability / safe[:, None], 1 / (arms - 1)) * apart
    shares = leader_share * probability + (1 - leader_share) * (probability @ challenger)
    return np.asarray(shares / shares.sum())


def split(
    budget: int, least: Minor, share: Floats, money: Currency, rng: np.random.Generator | None
) -> Minor:
    """Return money by arm in minor units, summing to the budget.

    Parameters
    ----------
    budget
        Money of the day in minor units.
    least
        Least money by arm in minor units, shape ``(arms,)``.
    share
        Shares of what is beyond, summing to 1, same shape.
    money
        The currency.
    rng
        Gives all that is beyond to one arm, chosen with the probability of its share; by default
        nothing is drawn.

    Raises
    ------
    InfeasibleError
        ``floors-above-budget`` where the minimum cells need more than the budget.
    """
    needed = int(least.sum())
    if needed > budget:
        raise InfeasibleError(
            "floors-above-budget",
            f"the minimum cells need {money.show(needed)} for the day, above its budget "
            f"{money.show(budget)} by {money.show(needed - budget)}",
            field="daily_budget",
            value=show_amount(money.amount(budget)),
            remedy="give the day more money, make cells smaller or longer, or test fewer arms",
        )
    # Machines differ in the last digits, which must not decide about a cent.
    share = np.round(share, 9)
    if rng is not None:
        chosen = int(np.searchsorted(np.cumsum(share), rng.random() * share.sum(), side="right"))
        share = np.eye(share.size)[chosen]
    wish = least + share / share.sum() * (budget - needed)
    return round_to_step(wish, budget, 1, least, np.full_like(least, budget))
