"""Policies that optimize over what is believed, from simple to subtle.

- `PosteriorMean` takes the split that brings most on average;
- `Optimistic` counts steep curves for more: it learns by what it earns;
- `Thompson` takes the optimum of curves drawn from the posterior;
- `UpperQuantile` takes that of curves at an upper quantile;
- `ExplorationBudget` moves a share of another policy's money in balanced pairs, where the next
  unit's return is least known;
- `Phased` varies another policy's money by a balanced design, as far as what that teaches is worth.

Where these stop: each decides one week at a time, and none but `Phased` plans what it will learn.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from budgetopt.arguments import public
from budgetopt.arrays import Floats
from budgetopt.errors import InputError
from budgetopt.horizon import MOST_SWING, USED, balanced, block, report_error, signs, slope_doubt
from budgetopt.i18n import say
from budgetopt.policies.base import (
    Policy,
    View,
    accepts_otherwise,
    check_chance,
    check_count,
    check_share,
    checked_policy,
    written,
)
from budgetopt.policies.baselines import HOLD

_LEAST = 0.01
"""Share of the equal share of the budget below which a spend counts as nothing, and that stands for
nothing: the slope at zero of some curves has no end."""
MOST_DRAWS = 10_000
"""More draws than this differ from the posterior mean by less than money is rounded."""
MOST_USED = 520
"""Most weeks in which what phased spend teaches is used: ten years."""


@public
@accepts_otherwise
@dataclass(frozen=True)
class PosteriorMean:
    """Maximise the expected outcome over the posterior."""

    name: str = "posterior-mean"
    fallback: Policy = field(default=HOLD, kw_only=True)

    def decide(self, view: View, rng: np.random.Generator) -> Floats:
        """Return the optimum of the posterior mean curves."""
        return view.optimum(view.belief.mean())


MEAN = PosteriorMean()
"""What policies that change another one change by default."""


@public
@accepts_otherwise
@dataclass(frozen=True)
class Optimistic:
    r"""Maximise the expected outcome over the posterior tilted towards steep curves; the default.

    The chance of a curve is multiplied by :math:`f'(x_0)^b`, its marginal return at last week's
    spend, or where a channel that had some before had none at what the expected curves give it, to
    a power, so that the expected marginal return of a channel is multiplied by about
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
    fallback: Policy = field(default=HOLD, kw_only=True)

    def __post_init__(self) -> None:
        # Written so that NaN fails.
        number = isinstance(self.power, (int, float, np.number)) and not isinstance(
            self.power, bool
        )
        if not (number and 0.0 <= self.power <= 10.0):
            raise InputError(
                "bad-argument",
                say("power-optimistic-policy", power=repr(self.power)),
                field="power",
                value=self.power,
                remedy=say("remedy-number-0-10"),
            )
        object.__setattr__(self, "power", float(self.power))

    @property
    def name(self) -> str:
        """The name with the power."""
        return f"optimistic({written(self.power)})"

    def decide(self, view: View, rng: np.random.Generator) -> Floats:
        """Return the optimum of the tilted mean curves."""
        least = np.maximum(_LEAST * np.asarray(view.budget) / view.lower.shape[-1], 1e-300)
        at = view.last
        idle = (at < least[..., None]) & (view.upper > view.lower)
        back = idle & np.any(np.nan_to_num(view.spend) > 0, axis=-2)
        if np.any(back):
            # The slope near nothing says little of a channel that comes back to a usual spend.
            at = np.where(back, view.optimum(view.belief.mean()), at)
        return view.optimum(view.belief.tilted(self.power, np.maximum(at, least[..., None])))


@public
@accepts_otherwise
@dataclass(frozen=True)
class Thompson:
    r"""Maximise the average of posterior draws.

    Parameters
    ----------
    draws
        Number of draws averaged, 1 to 10,000. One is Thompson sampling, where every split is chosen
        with the probability that it is the best; many approach the posterior mean.
    fallback
        What is done in a week that cannot be solved.

    Raises
    ------
    InputError
        ``bad-argument`` for draws out of range.

    Notes
    -----
    Source: Thompson (1933); Russo, Van Roy, Kazerouni, Osband and Wen (2018). The draw is one
    coherent curve per channel, not a perturbed spend.
    """

    draws: int = 1
    fallback: Policy = field(default=HOLD, kw_only=True)

    def __post_init__(self) -> None:
        check_count(self.draws, "draws", "thompson", MOST_DRAWS)

    @property
    def name(self) -> str:
        """The name with the number of draws."""
        return f"thompson({self.draws})"

    def decide(self, view: View, rng: np.random.Generator) -> Floats:
        """Return the optimum of the average of posterior draws."""
        return view.optimum(view.belief.average(rng, self.draws))


@public
@accepts_otherwise
@dataclass(frozen=True)
class UpperQuantile:
    r"""Maximise the outcome of curves that are as good as they may well be.

    Every expected curve is scaled so that at last week's spend it brings the quantile of its
    response there; a channel without spend is read at the equal share of the budget.

    Parameters
    ----------
    chance
        Of a response below the quantile, above 0 and below 1. Above a half doubt is worth money,
        below it doubt costs money.
    fallback
        What is done in a week that cannot be solved.

    Raises
    ------
    InputError
        ``bad-argument`` for a chance out of range.

    Notes
    -----
    Source: the Bayesian upper confidence bound of Kaufmann, Cappé and Garivier (2012), "On
    Bayesian upper confidence bounds for bandit problems", at a quantile that stays. Their regret
    bound is for separate arms and does not carry over to a shared budget.
    """

    chance: float = 0.8
    fallback: Policy = field(default=HOLD, kw_only=True)

    def __post_init__(self) -> None:
        check_chance(self.chance, "chance", "upper-quantile")

    @property
    def name(self) -> str:
        """The name with the chance."""
        return f"upper-quantile({written(self.chance)})"

    def decide(self, view: View, rng: np.random.Generator) -> Floats:
        """Return the optimum of the curves at the quantile."""
        at = np.where(view.last > 0, view.last, view.equal_share())
        return view.optimum(view.belief.quantile(self.chance, np.where(at > 0, at, 1.0)))


@public
@accepts_otherwise
@dataclass(frozen=True)
class ExplorationBudget:
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
    fallback
        What is done in a week that cannot be solved.

    Raises
    ------
    InputError
        ``bad-argument`` for what is not a policy, or a share out of range.

    Notes
    -----
    A fair coin makes the first order vanish: with a step of :math:`m_p` in the pair ``p`` of the
    channels ``a`` and ``b`` the expected loss is
    :math:`-\tfrac12 \sum_p m_p^2\,(f_a'' + f_b'') + O(m^4)`, wherever the split is; half of the
    money costs a quarter. The sum of the spends stays, so a test never costs budget. Channels that
    are at a bound, or move with room to one side only, are left alone.
    """

    policy: Policy = MEAN
    share: float = 0.05
    fallback: Policy = field(default=HOLD, kw_only=True)

    def __post_init__(self) -> None:
        checked_policy(self.policy)
        check_share(self.share, "share", "test-budget")

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
        return view.project_across(np.clip(spend + moved, view.lower, view.upper))


def _doubt(view: View, spend: Floats, swing: Floats) -> Floats:
    """Return the standard deviation of the return of a unit of money, below 0 without a swing."""
    _, variance = view.gain(spend - swing, spend + swing)
    return np.where(swing > 0, np.sqrt(variance) / np.maximum(2.0 * swing, 1e-300), -1.0)


@public
@dataclass(frozen=True)
class Phased:
    r"""Vary another policy's split up and down by a balanced design, where that pays.

    Each week some channels go up and the others down by the signs of the week; over a block all are
    as often up as down and no two move together. A channel moves by the swing at which what its
    slope is worth to know exceeds most what moving costs; see `budgetopt.horizon.phasing` for the
    formula. Nothing moves where little is in doubt, or where a week's outcome says too little.

    Parameters
    ----------
    policy
        Whose split is varied.
    most
        Most that a channel moves, as a share of its money, above 0, at most 0.5.
    weeks
        In which what is learned is used, 1 to 520.
    fallback
        What is done in a week that cannot be solved.

    Raises
    ------
    InputError
        ``bad-argument`` for what is not a policy, and for numbers out of range.

    Notes
    -----
    The total of a week stays, and so do its bounds. Within change limits a channel goes no further
    than it may come back: with 30 % a week by 13 %.

    It is not the default. It earned between -0.03 and 0.00 points of the best outcome where
    channels report; where one total is all, varied by 10 % at most, -0.1 points, with 5 to 6.5 % of
    the weeks 2 % below holding steady (``benchmarks/README.md``, "Phased spend").
    """

    policy: Policy = Optimistic()
    most: float = 0.1
    weeks: int = USED
    fallback: Policy = field(default=HOLD, kw_only=True)

    def __post_init__(self) -> None:
        checked_policy(self.policy)
        check_share(self.most, "most", "phased", most=MOST_SWING)
        check_count(self.weeks, "weeks", "phased", MOST_USED)

    @property
    def name(self) -> str:
        """The name with the other policy and the settings."""
        return f"phased({self.policy.name}, {written(self.most)}, {self.weeks})"

    def decide(self, view: View, rng: np.random.Generator) -> Floats:
        """Return the other policy's split with this week's moves in it, within all limits."""
        spend = np.asarray(self.policy.decide(view, rng))
        week, size = view.spend.shape[-2], spend.shape[-1]
        curve, reported = view.belief.mean(), view.outcome is not None
        error = report_error(curve, view.spend, view.outcome, view.total, spend)
        doubt = slope_doubt(view.belief, spend, error, reported)
        room = _room_to_vary(view, spend)
        most = np.minimum(self.most * spend, room)
        swing = np.minimum(doubt.best_swing(block(size), self.weeks), most)
        moved = balanced(swing, signs(size, week))
        # Where one has to move by more than its room for the week's total, all move less.
        asked = np.maximum(np.abs(moved), 1e-300)
        part = np.minimum(np.min(room / asked, axis=-1, keepdims=True), 1.0)
        return view.project_across(np.clip(spend + part * moved, view.lower, view.upper))


def _room_to_vary(view: View, spend: Floats) -> Floats:
    """Return how far channels may go to both sides, and back in one week."""
    room = np.minimum(spend - view.lower, view.upper - spend)
    # From m(1 - a) to m(1 + a) is a rise by upper/last where (1 + a)/(1 - a) is that.
    rise = view.upper / np.maximum(view.last, 1e-300)
    back = np.where(view.last > 0, spend * (rise - 1.0) / (rise + 1.0), spend)
    return np.asarray(np.maximum(np.minimum(room, back), 0.0))
