"""The split that is best where steep curves count for more: it learns by what it earns."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from budgetopt.errors import InputError
from budgetopt.policies.base import Floats, Policy, View
from budgetopt.policies.checks import written
from budgetopt.policies.hold import HOLD

_LEAST = 0.01
"""Share of the equal share of the budget that stands for a spend of nothing: the slope at zero of
some curves has no end."""


@dataclass(frozen=True)
class Optimistic:
    r"""Maximise the expected outcome over the posterior tilted towards steep curves; the default.

    The chance of a curve is multiplied by :math:`f'(x_0)^b`, its marginal return at last week's
    spend to a power, so that the expected marginal return of a channel is multiplied by about
    :math:`e^{b\,\mathrm{Var}(\ln f'(x_0))}`. A channel of which little is known gets the benefit
    of the doubt; if it was not worth it, that shows in the next weeks and the money goes back.
    `PosteriorMean`, power 0, stops learning where it stands still, and the doubt on a channel that
    it has left to itself is never settled.

    Parameters
    ----------
    power
        ``b``, 0 to 10.
    otherwise
        Taken where a week cannot be solved.

    Raises
    ------
    InputError
        ``bad-argument`` for a power out of range.

    Notes
    -----
    Optimism in the face of what is not known (Lai and Robbins 1985; Kaufmann, Cappé and Garivier
    2012 for posterior indices), on the marginal return, which is what moves money. The power is no
    theorem: over 26 and 52 weeks 1 was worth 0.2 to 0.6 points of the best outcome in every market
    of ``benchmarks/regret.py``, 0.5 somewhat less and 2 no more.
    """

    power: float = 1.0
    otherwise: Policy = field(default=HOLD, kw_only=True)

    def __post_init__(self) -> None:
        # Written so that NaN fails.
        number = isinstance(self.power, (int, float, np.number)) and not isinstance(
            self.power, bool
        )
        if not (number and 0.0 <= self.power <= 10.0):
            raise InputError(
                "bad-argument",
                f"power of the optimistic policy is {self.power!r}",
                field="power",
                value=self.power,
                remedy="give a number from 0 to 10",
            )
        object.__setattr__(self, "power", float(self.power))

    @property
    def name(self) -> str:
        """The name with the power."""
        return f"optimistic({written(self.power)})"

    def decide(self, view: View, rng: np.random.Generator) -> Floats:
        """Return the optimum of the tilted mean curves."""
        least = _LEAST * np.asarray(view.budget) / view.lower.shape[-1]
        spend = np.maximum(view.last, np.maximum(least, 1e-300)[..., None])
        return view.optimum(view.belief.tilted(self.power, spend))
