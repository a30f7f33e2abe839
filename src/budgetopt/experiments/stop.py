r"""The stop rule: a winner, no difference that matters, or keep going.

With K arms, error rate :math:`\alpha`, region :math:`\delta` and the evidence :math:`E_{ij}` of
`evidence`, say of every ordered pair

- i is *not worse*, :math:`v_i > v_j / (1+\delta)`, once
  :math:`E_{ij}(1/(1+\delta)) \ge K(K-1)/\alpha`,
- i is *better*, :math:`v_i > v_j`, once it is not worse and :math:`E_{ij}(1) \ge K(K-1)/\alpha`.

An arm that is better than every other is the **winner**. Where one arm is better than, or equal
within the region to (neither is worse), every other, and there is no winner, there is **no
difference** that matters: take it.

**What is bounded.** With probability at least :math:`1-\alpha` no such sentence about any pair is
*ever* wrong, however often one looks, whenever one stops, and however the shares were moved on the
way; so no wrong winner, and no difference overlooked that is greater than the region. *Proof.* For
a pair with :math:`v_i \le v_j/(1+\delta)` both sentences need the first evidence, with
:math:`v_j/(1+\delta) < v_i \le v_j` only the second sentence is wrong, and needs the second: one
event a pair either way, of probability :math:`\alpha / (K(K-1))` at most by `evidence`; there are
K(K-1) pairs. Sources: Robbins (1970); Kaufmann and Koolen (2021); Garivier and Kaufmann (2016) for
the shape of the rule.

The probability of being best is shown beside it, but does not stop a test: on equal arms it passes
0.95 sooner or later, in half of the tests of two equal ads within 30 days. The theory stops where
an ad wears out while another does not, since the question then has two answers.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from budgetopt.experiments.posterior import Floats

MEASURED = """
2,000 tests each, looked at daily for 30 days, shares moved daily, error rate of 5 % asked for:

per cent of tests            wrong  winner  no difference  median day
two equal ads                0.5    0.5   57.2    28
three equal ads              0.7    0.0    0.1     -
two of three equal           0.7    0.5    9.2     -
just beyond the region       0.0   86.0    0.0    17
one of three better          0.2   98.2    0.0    13
1 % against 2.5 %            0.0  100.0    0.0     1
equal CPA of 50              1.1    1.1    0.0     -
CPA of 50 against 33         0.0  100.0    0.0     4
equal orders of 120          0.1    0.1    0.0     -
orders of 120 against 170    0.0  100.0    0.0    11

Ads with 10,000 impressions a day in all, CPA with 3,000 CNY, orders 90 (exponential in size).
Bounds are kept with room to spare: a rule that may be looked at for ever pays for it in 30 days.
"""
"""What simulated tests gave; a slow test holds it."""


@dataclass(frozen=True, eq=False)
class Settled:
    """What the evidence settles.

    Parameters
    ----------
    better
        Whether arm i is better than arm j, shape ``(..., arms, arms)``.
    equal
        Whether they are equal within the region, same shape.
    """

    better: NDArray[np.bool_]
    equal: NDArray[np.bool_]

    @property
    def winner(self) -> NDArray[np.bool_]:
        """Whether an arm is better than every other, shape ``(..., arms)``; at most one is."""
        return np.asarray(np.all(self.better | self._itself, axis=-1))

    @property
    def good_enough(self) -> NDArray[np.bool_]:
        """Whether an arm is better than, or equal to, every other, shape ``(..., arms)``."""
        return np.asarray(np.all(self.better | self.equal | self._itself, axis=-1))

    @property
    def _itself(self) -> NDArray[np.bool_]:
        return np.eye(self.better.shape[-1], dtype=bool)


def settle(evidence: Callable[[float], Floats], error_rate: float, region: float) -> Settled:
    """Return what can be said of every pair of arms with the stated error rate.

    Parameters
    ----------
    evidence
        Returns for a ratio the log evidence of pairs, shape ``(..., arms, arms)``.
    error_rate
        Probability of ever being wrong, at most, above 0 and below 1.
    region
        Share by which another arm may be better without being of any interest, above 0.
    """
    near, above = evidence(1.0 / (1.0 + region)), evidence(1.0)
    arms = near.shape[-1]
    needed = math.log(arms * (arms - 1) / error_rate)
    not_worse = near >= needed
    return Settled(
        better=not_worse & (above >= needed),
        equal=not_worse & np.swapaxes(not_worse, -1, -2),
    )
