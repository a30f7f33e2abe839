"""Only as much of another policy's move as is likely to pay."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from budgetopt.policies.base import Floats, Policy, View
from budgetopt.policies.checks import check_share, checked_policy, written
from budgetopt.policies.hold import HOLD
from budgetopt.policies.posterior_mean import MEAN
from budgetopt.policies.segment import along, best_part

MOST = 100.0
"""More standard deviations than this let nothing move that is in doubt at all."""


@dataclass(frozen=True)
class Cautious:
    r"""Go towards another policy's split as long as the gain is sure enough.

    On the way :math:`x(t) = x_0 + t\,(y - x_0)` from last week's split drawn into the limits to the
    other policy's split ``y``, it takes the ``t`` that maximises :math:`E[G(t)] - k\,sd[G(t)]`,
    where ``G`` is the gain over :math:`x_0` under the belief; nothing moves where that is nowhere
    above zero.

    Parameters
    ----------
    policy
        Whose split it goes towards.
    k
        Standard deviations that the gain must exceed, above 0, at most 100.
    otherwise
        What is done in a week that cannot be solved.

    Raises
    ------
    InputError
        ``bad-argument`` for what is no policy, or a number out of range.

    Notes
    -----
    The moments of the gain are exact (`Posterior.gain`), the best part is found to 1/128 of the
    way. Where channels are all equally in doubt it moves little and learns little.
    """

    policy: Policy = MEAN
    k: float = 1.0
    otherwise: Policy = field(default=HOLD, kw_only=True)

    def __post_init__(self) -> None:
        checked_policy(self.policy)
        check_share(self.k, "k", "cautious policy", most=MOST)

    @property
    def name(self) -> str:
        """The name with the other policy and the standard deviations."""
        return f"cautious({self.policy.name}, {written(self.k)})"

    def decide(self, view: View, rng: np.random.Generator) -> Floats:
        """Return the split part of the way to the other policy's."""
        start, end = view.held(), np.asarray(self.policy.decide(view, rng))

        def worth(part: Floats) -> Floats:
            mean, variance = view.gain(start, along(start, end, part))
            return np.asarray(mean.sum(axis=-1) - self.k * np.sqrt(variance.sum(axis=-1)))

        return view.kept(along(start, end, best_part(worth, start[..., 0])))
