r"""Priors that like accounts lend each other: what a channel brings elsewhere.

Accounts that are alike are exchangeable (Gelman et al. 2013, section 5.2): a channel here is like
that of one of the others, nobody can say of which, as channels inside a plan are
(`belief.siblings`). Of :math:`\theta`, the logarithm of its ROAS at the equal share of the budget,
or of its saturation point in equal shares, the ``k`` other accounts that have the channel believe
:math:`m_a` with variance :math:`v_a`. The average of their beliefs has the moments

.. math:: m = \frac{1}{k} \sum_a m_a, \qquad v = \frac{1}{k} \sum_a v_a
    + \frac{1}{k} \sum_a (m_a - m)^2,

one step of the EM algorithm from every account's own prior towards the distribution from which all
are drawn (Laird 1978; Robbins 1956), so that accounts with few weeks, which still believe their
prior, widen it. A few accounts cannot say how alike they are, so that the spread of a channel of
which nothing is known, ``s``, counts as one more:

.. math:: \theta \sim N\Bigl(m, \frac{s^2 + k v}{1 + k}\Bigr).

That is an ordinary `ChannelPrior`, as a plan declares it; the account's own weeks move it like any
other. What a plan declares itself stays. A channel with a year of weeks is lent nothing, and one
with any weeks only where the spread of ROAS is at most half of ``s``: that is known best, and says
whether the accounts are alike in the channel. Siblings are the channels of the same name; where no
other account has it, those that share the most labels, at least one.

A channel without a week here starts from the average of what its siblings are expected to bring,
as a new one does inside a plan, so that at the equal share its own expectation is never above the
best known one's.

Where this stops: an account whose channels have one total outcome lends nothing. Siblings count
alike, however much is known of each. Away from the equal share the expected curve of a new channel
follows its own mix of saturation points.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from budgetopt.arrays import Floats
from budgetopt.belief import Belief, Settings
from budgetopt.plan import ChannelPrior, Plan, kind_of

LEARNED = 52
"""Weeks from which on a channel is learned from its own account alone."""
_ALIKE = 0.5
"""Accounts are alike in a channel whose ROAS spreads by no more than this share of the usual."""
_LEAST_SD, _MOST = 0.05, 1e90
"""Ends of what a prior may say."""

Priors = Mapping[str, ChannelPrior]


class ChannelLesson(NamedTuple):
    """What an account's weeks say of one channel.

    Parameters
    ----------
    account, name, labels
        Whose it is.
    weeks
        Weeks that were learned from.
    roas, saturation
        Logarithm of the outcome per money at the equal share, and of the saturation point in
        equal shares, each the mean and variance of what is believed.
    brings
        Expected outcome per money at the equal share.
    declared
        Whether its own plan says what it brings, so that it needs no others.
    """

    account: str
    name: str
    labels: frozenset[tuple[str, str]]
    weeks: int
    roas: tuple[float, float]
    saturation: tuple[float, float]
    brings: float
    declared: bool


class Lesson(NamedTuple):
    """What one account can lend, and what it may borrow.

    Parameters
    ----------
    account
        Its key.
    like
        What accounts that are alike have in common: what they were declared as, the currency, and
        what comes back.
    share
        Money per week that is the equal share of its budget.
    channels
        What is known of its channels.
    """

    account: str
    like: tuple[str, str, str]
    share: float
    channels: tuple[ChannelLesson, ...]


def lesson_of(account: str, like: str | None, plan: Plan, belief: Belief) -> Lesson:
    """Return what an account has learned from its own weeks."""
    measure = "" if kind_of(plan) == "money" else plan.outcome
    alike = (like or "", plan.currency, measure)
    if belief.walked is None:
        return Lesson(account, alike, belief.reference, ())
    inputs, posterior, grid = belief.walked.inputs, belief.posterior, belief.grid
    chance, level = posterior.chance, posterior.log_mean
    spread = np.broadcast_to(posterior.log_variance, chance.shape)

    def moments(values: Floats, within: Floats | float) -> tuple[Floats, Floats]:
        middle = np.sum(chance * values, axis=(1, 2))
        square = np.sum(chance * (np.square(values) + within), axis=(1, 2))
        return middle, np.maximum(square - np.square(middle), 1e-12)

    half = np.tile(grid.log_half, chance.shape[2] // grid.size)
    roas, saturation = moments(level, spread), moments(np.broadcast_to(half, chance.shape), 0.0)
    brings = np.sum(chance * np.exp(level + 0.5 * spread), axis=(1, 2)) / belief.reference
    weeks = inputs.seen.sum(axis=0).tolist()
    channels = tuple(
        ChannelLesson(
            account,
            channel.name,
            frozenset(channel.labels),
            weeks[at],
            (float(roas[0][at] - np.log(belief.reference)), float(roas[1][at])),
            (float(saturation[0][at]), float(saturation[1][at])),
            float(brings[at]),
            channel.prior is not None and channel.prior.roas is not None,
        )
        for at, channel in enumerate(plan.channels)
        if channel.curve is None
    )
    return Lesson(account, alike, belief.reference, channels)


def lent(lessons: Iterable[Lesson]) -> dict[str, Priors]:
    """Return the priors of every account's channels that others lend it.

    The order in which lessons come decides nothing.
    """
    alike: dict[tuple[str, str, str], list[Lesson]] = defaultdict(list)
    for lesson in sorted(lessons, key=lambda each: each.account):
        alike[lesson.like].append(lesson)
    return {
        lesson.account: priors
        for group in alike.values()
        for lesson, priors in zip(group, _lent_within(group), strict=True)
        if priors
    }


def _lent_within(group: Sequence[Lesson]) -> list[Priors]:
    every = [known for lesson in group for known in lesson.channels if known.weeks]
    named: dict[str, list[ChannelLesson]] = defaultdict(list)
    for known in every:
        named[known.name].append(known)
    found: list[Priors] = []
    for lesson in group:
        priors: dict[str, ChannelPrior] = {}
        for mine in lesson.channels:
            if mine.weeks < LEARNED and not mine.declared:
                prior = _prior(mine, _siblings(mine, named, every), lesson.share)
                priors |= {} if prior is None else {mine.name: prior}
        found.append(priors)
    return found


def _siblings(
    mine: ChannelLesson, named: Mapping[str, list[ChannelLesson]], every: Sequence[ChannelLesson]
) -> list[ChannelLesson]:
    """Return the channels of other accounts that one is believed to be like."""
    same = [known for known in named.get(mine.name, ()) if known.account != mine.account]
    if same or not mine.labels:
        return same
    others = [known for known in every if known.account != mine.account]
    common = [len(known.labels & mine.labels) for known in others]
    most = max(common, default=0)
    return [known for known, n in zip(others, common, strict=True) if n == most and most > 0]


def _prior(
    mine: ChannelLesson, siblings: Sequence[ChannelLesson], share: float
) -> ChannelPrior | None:
    """Return what siblings say of a channel; None where that is less than its own prior does."""
    usual = Settings()
    if not siblings:
        return None
    middle, sd = _pool([known.roas for known in siblings], usual.amplitude_sd)
    if mine.weeks and sd > _ALIKE * usual.amplitude_sd:
        return None
    if not mine.weeks:
        # Centred so that its expectation, and not its median, is the average of its siblings'.
        middle = float(np.log(np.mean([known.brings for known in siblings]))) - 0.5 * sd**2
    if not abs(middle) <= np.log(_MOST):
        return None
    prior = ChannelPrior(roas=float(np.exp(middle)), roas_sd=sd)
    half = _pool([known.saturation for known in siblings], usual.saturation_sd)
    if half[1] >= usual.saturation_sd or not abs(half[0]) <= np.log(_MOST):
        return prior
    return replace(prior, saturation=float(np.exp(half[0])) * share, saturation_sd=half[1])


def _pool(known: Sequence[tuple[float, float]], sd: float) -> tuple[float, float]:
    """Return centre and spread of a channel like those known.

    Parameters
    ----------
    known
        Means and variances of what is believed of each, at least one.
    sd
        Spread of a channel of which nothing is known.
    """
    middle, variance = np.array(known).T
    among = float(np.mean(variance)) + float(np.var(middle))
    return float(np.mean(middle)), float(np.sqrt((sd**2 + among * len(known)) / (1 + len(known))))


def with_lent(plan: Plan, priors: Priors) -> Plan:
    """Return a plan whose channels are told what others lend, where it says nothing itself."""
    if not priors:
        return plan
    channels = []
    for channel in plan.channels:
        prior = priors.get(channel.name)
        if prior is not None:
            own = {} if channel.prior is None else channel.prior.to_dict()
            channel = replace(channel, prior=ChannelPrior(**{**prior.to_dict(), **own}))
        channels.append(channel)
    return replace(plan, channels=tuple(channels))
