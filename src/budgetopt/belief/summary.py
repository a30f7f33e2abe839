"""What a belief tells of each channel, as facts."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from budgetopt.belief.bands import Band, Estimate, Reading
from budgetopt.belief.by_channel import Walked
from budgetopt.curves.base import Floats

if TYPE_CHECKING:
    from budgetopt.belief.belief import Belief

_STEPS = (0.25, 0.5, 0.75, 1.0, 1.25, 1.5, 2.0)
"""Spends of the curve's table, in usual spends."""
_SEEN = 0.5
"""Chance from which a change is told."""


@dataclass(frozen=True)
class Change:
    """The last change of a channel's response that the weeks show.

    Parameters
    ----------
    week
        First day of the week in which it was seen.
    chance
        That the level jumped then, and the week was not merely odd.
    """

    week: dt.date
    chance: float


@dataclass(frozen=True)
class ChannelSummary:
    """What is believed of one channel.

    Parameters
    ----------
    channel
        Its name.
    data_share
        Share of the information that is data and not prior, 0 to 1.
    spend_low, spend_high
        Least and greatest money in a week with any; None where there was none.
    at_reference
        What the equal share of the budget would bring.
    at_usual
        What its own mean spend in weeks with any brings; None where there was none.
    curve
        Readings at a quarter of the usual spend to twice of it (of the equal share where it has
        none).
    saturation
        Money per week at which half of the most is reached.
    s_shaped
        Chance that the curve first bends up.
    drift, noise
        Weekly standard deviations of the log response, and of the log outcome around it; None
        where one total was all.
    change
        The last change seen, None where none was.
    """

    channel: str
    data_share: float
    spend_low: float | None
    spend_high: float | None
    at_reference: Reading
    at_usual: Reading | None
    curve: tuple[Reading, ...]
    saturation: Estimate
    s_shaped: float
    drift: Estimate | None
    noise: Estimate | None
    change: Change | None


def summarised(belief: Belief, level: float) -> tuple[ChannelSummary, ...]:
    """Return one row a channel."""
    channels = belief.channels
    ran = np.isfinite(belief.usual_spend)
    usual = np.where(ran, belief.usual_spend, belief.reference)
    at_reference = _readings(belief, np.full(len(channels), belief.reference), level)
    at_usual = _readings(belief, usual, level)
    steps = [_readings(belief, step * usual, level) for step in _STEPS]
    saturation, steep = _saturation(belief, level)
    drift, noise, change = _dynamics(belief.walked, level, len(channels))
    return tuple(
        ChannelSummary(
            channel=name,
            data_share=float(belief.data_share[i]),
            spend_low=float(belief.spend_range[i, 0]) if ran[i] else None,
            spend_high=float(belief.spend_range[i, 1]) if ran[i] else None,
            at_reference=at_reference[i],
            at_usual=at_usual[i] if ran[i] else None,
            curve=tuple(step[i] for step in steps),
            saturation=saturation[i],
            s_shaped=float(steep[i]),
            drift=drift[i],
            noise=noise[i],
            change=change[i],
        )
        for i, name in enumerate(channels)
    )


def _readings(belief: Belief, spend: Floats, level: float) -> list[Reading]:
    response, marginal = belief.response(spend, level), belief.marginal(spend, level)
    roas: Band = response.scaled(1.0 / spend)
    return [
        Reading(float(x), response.row(i), roas.row(i), marginal.row(i))
        for i, x in enumerate(spend)
    ]


def _saturation(belief: Belief, level: float) -> tuple[list[Estimate], Floats]:
    grid, chance = belief.grid, belief.posterior.by_cell()
    points, place = np.unique(grid.log_half, return_inverse=True)
    held = [
        _discrete(
            points,
            np.bincount(place, row, points.size).astype(np.float64),
            level,
            belief.reference,
        )
        for row in chance
    ]
    return held, chance @ grid.steep


def _dynamics(
    walked: Walked | None, level: float, channels: int
) -> tuple[list[Estimate | None], list[Estimate | None], list[Change | None]]:
    if walked is None:
        return [None] * channels, [None] * channels, [None] * channels
    model, chance = walked.model, walked.state.tables.chance.sum(axis=2)
    drifts, noises = model.settings.drift, model.settings.noise
    table = chance.reshape(channels, len(drifts), len(noises))
    drift: list[Estimate | None] = [
        _discrete(np.log(np.maximum(drifts, 1e-9)), row, level, 1.0) for row in table.sum(axis=2)
    ]
    noise: list[Estimate | None] = [
        _discrete(np.log(noises), row, level, 1.0) for row in table.sum(axis=1)
    ]
    jumps = np.nan_to_num(walked.jumps)
    return drift, noise, [_last_change(walked, jumps[:, at]) for at in range(channels)]


def _last_change(walked: Walked, jump: Floats) -> Change | None:
    seen = np.flatnonzero(jump > _SEEN)
    if not seen.size:
        return None
    week = walked.inputs.days[seen[-1]].astype("datetime64[D]").item()
    return Change(week, float(jump[seen[-1]]))


def _discrete(log_points: Floats, chance: Floats, level: float, unit: float) -> Estimate:
    """Return mean and quantiles of a chance over points that are even in the logarithm.

    Each point stands for the stretch half-way to its neighbours.
    """
    if len(log_points) == 1:
        return Estimate(*[float(unit * np.exp(log_points[0]))] * 3)
    middle = 0.5 * (log_points[1:] + log_points[:-1])
    edges = np.concatenate(
        [[2 * log_points[0] - middle[0]], middle, [2 * log_points[-1] - middle[-1]]]
    )
    below = np.concatenate([[0.0], np.cumsum(chance)])
    ends = np.interp([0.5 - 0.5 * level, 0.5 + 0.5 * level], below / below[-1], edges)
    mean = float(chance @ np.exp(log_points) / chance.sum())
    return Estimate(unit * mean, float(unit * np.exp(ends[0])), float(unit * np.exp(ends[1])))
