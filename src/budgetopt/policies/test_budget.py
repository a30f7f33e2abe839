"""Money moved to learn, where the next unit's return is least known."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from budgetopt.policies.base import Floats, Policy, View
from budgetopt.policies.checks import check_share, checked_policy, written
from budgetopt.policies.hold import HOLD
from budgetopt.policies.posterior_mean import MEAN


@dataclass(frozen=True)
class TestBudget:
    r"""Change another policy's split up and down in balanced pairs, to learn slopes.

    Channels are paired in the order of the doubt about their mROAS, :math:`sd[f(x + h) - f(x -
    h)]/(2h)` with ``h`` as far as bounds and test money allow. In each pair one channel gets what
    the other gives, which way a coin decides, until the test money is used up.

    Parameters
    ----------
    policy
        Whose split is changed.
    share
        Share of the budget that is moved, above 0, at most 1; the plan's test reserve takes its
        place where there is one.
    otherwise
        What is done in a week that cannot be solved.

    Raises
    ------
    InputError
        ``bad-argument`` for what is no policy, or a share out of range.

    Notes
    -----
    A fair coin makes the first order vanish: with a step of :math:`m_p` in the pair ``p`` of the
    channels ``a`` and ``b`` the expected loss is
    :math:`-\tfrac12 \sum_p m_p^2\,(f_a'' + f_b'') + O(m^4)`, wherever the split is; half of the
    money costs a quarter. The sum of the spends stays, so a test never costs budget. Channels that
    are at a bound, or move with room to one side only, are left alone.
    """

    __test__ = False  # It is no test of pytest's.

    policy: Policy = MEAN
    share: float = 0.05
    otherwise: Policy = field(default=HOLD, kw_only=True)

    def __post_init__(self) -> None:
        checked_policy(self.policy)
        check_share(self.share, "share", "test-budget policy")

    @property
    def name(self) -> str:
        """The name with the other policy and the share."""
        return f"test-budget({self.policy.name}, {written(self.share)})"

    def decide(self, view: View, rng: np.random.Generator) -> Floats:
        """Return the other policy's split with the tests in it, within all limits."""
        spend = np.asarray(self.policy.decide(view, rng))
        reserve, money = np.asarray(view.test), self.share * np.asarray(view.budget)
        money = np.where(reserve > 0, reserve, money)[..., None]
        room = np.maximum(np.minimum(spend - view.lower, view.upper - spend), 0.0)
        order = np.argsort(-_doubt(view, spend, np.minimum(room, money)), axis=-1, kind="stable")
        pairs = order.shape[-1] // 2
        one, other = order[..., : 2 * pairs : 2], order[..., 1 : 2 * pairs : 2]
        most = np.minimum(*(np.take_along_axis(room, at, axis=-1) for at in (one, other)))
        size = np.clip(money - (np.cumsum(most, axis=-1) - most), 0.0, most)
        step = np.where(rng.random(size.shape) < 0.5, size, -size)
        moved = np.zeros_like(spend)
        np.put_along_axis(moved, one, step, axis=-1)
        np.put_along_axis(moved, other, -step, axis=-1)
        return view.kept(np.clip(spend + moved, view.lower, view.upper))


def _doubt(view: View, spend: Floats, swing: Floats) -> Floats:
    """Return the standard deviation of the return of a unit of money, below 0 without a swing."""
    _, variance = view.gain(spend - swing, spend + swing)
    return np.where(swing > 0, np.sqrt(variance) / np.maximum(2.0 * swing, 1e-300), -1.0)
