"""From history and plan to belief: chooses the learner, and writes down what it could not see."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from budgetopt.belief.belief import Belief
from budgetopt.belief.grid import Grid
from budgetopt.belief.one_total import learn_total, usable
from budgetopt.belief.per_channel import Learned, learn_channels
from budgetopt.belief.settings import Settings
from budgetopt.curves.base import Floats
from budgetopt.errors import HistoryError, InputError

_NAMED = 12
"""Names shown in one note or message."""
_ALIKE = 0.95
"""Correlation of features from which two channels are named as inseparable."""


class Planned(Protocol):
    """What learning asks of a plan."""

    @property
    def names(self) -> tuple[str, ...]:
        """Channels, in order."""

    @property
    def weekly(self) -> float:
        """Spendable money per week, above 0."""

    @property
    def outcome_unit(self) -> float | None:
        """Size of one event in units of the outcome; None where it is not known."""


class Observed(Protocol):
    """What learning asks of a history."""

    @property
    def weeks(self) -> NDArray[np.datetime64]:
        """First days, shape ``(weeks,)``."""

    @property
    def spend(self) -> Floats:
        """Money, shape ``(weeks, channels)``, NaN where not reported."""

    @property
    def outcome(self) -> Floats | None:
        """Outcome by channel, shape ``(weeks, channels)``, or None."""

    @property
    def total(self) -> Floats | None:
        """One outcome for all, shape ``(weeks,)``, or None."""

    @property
    def partial(self) -> NDArray[np.bool_]:
        """Whether a week is not over yet."""

    @property
    def fingerprint(self) -> str:
        """Name of exactly these numbers."""

    def complete(self) -> Observed:
        """Return the history without partial weeks."""

    def select(self, channels: Sequence[str]) -> Observed:
        """Return the history of these channels in this order, NaN where missing."""


def learn(history: Observed, plan: Planned, *, settings: Settings | None = None) -> Belief:
    """Return what the history says about every channel's curve.

    Parameters
    ----------
    history
        Weekly spend and outcome. Weeks that are not over are left out.
    plan
        Channels, weekly money and the size of one event of the outcome.
    settings
        Grids and priors; the defaults where None.

    Returns
    -------
    Belief
        Over the plan's channels, in its order. A channel without data keeps its prior, which
        says so in `Belief.notes` and has `data_share` 0.

    Raises
    ------
    HistoryError
        ``no-data`` where no channel has anything to learn from; it names them.
    InputError
        ``bad-argument`` where the plan has no channel, or neither it nor the history any money.

    See Also
    --------
    budgetopt.belief.per_channel : the mathematics where each channel has its own outcome.
    budgetopt.belief.one_total : the mathematics where there is one total.
    """
    settings = settings or Settings()
    names = tuple(plan.names)
    # A paused week has no money of its own to speak of: what was usual then stands for it.
    weekly = plan.weekly or _usual_week(history.spend)
    if not names or not (np.isfinite(weekly) and weekly > 0):
        raise InputError(
            "bad-argument",
            f"the plan has {len(names)} channels and weekly money {plan.weekly}",
            field="weekly",
            value=plan.weekly,
            remedy="learn with a plan, or a history, that has channels and money to spend",
        )
    own = history.outcome is not None
    grid = Grid(
        reference=float(weekly) / len(names),
        points=settings.points if own else settings.total_points,
        span=settings.span,
        hill_shapes=settings.hill_shapes,
    )
    ready = history.complete().select(names)
    answer = _from_channels if own else _from_total
    learned, used, notes = answer(ready, plan, grid, settings)
    low, high, usual = _ranges(np.asarray(ready.spend, dtype=np.float64), used)
    return Belief(
        channels=names,
        source="channel" if own else "total",
        grid=grid,
        chance=learned.chance,
        log_mean=learned.log_mean,
        log_variance=learned.log_variance,
        data_share=learned.data_share,
        spend_range=np.stack([low, high], axis=-1),
        usual_spend=usual,
        notes=(*_unfinished(history), *notes, *_never_seen(names, np.isnan(usual))),
        fingerprint=history.fingerprint,
    )


def _usual_week(spend: Floats) -> float:
    """Return the mean money of a week, 0 without weeks."""
    return float(np.nansum(spend) / len(spend)) if len(spend) else 0.0


def _from_channels(
    history: Observed, plan: Planned, grid: Grid, settings: Settings
) -> tuple[Learned, NDArray[np.bool_], list[str]]:
    """Return what outcomes by channel say, the weeks used by channel, and notes."""
    spend = np.asarray(history.spend, dtype=np.float64)
    outcome = np.asarray(history.outcome, dtype=np.float64)
    used = np.isfinite(spend) & (spend > 0) & np.isfinite(outcome)
    if not used.any():
        raise _no_data(plan.names, "a week with spend and its outcome")
    unit = plan.outcome_unit
    if unit is None and not np.any(outcome[used] > 0):
        raise _no_data(plan.names, "a week with an outcome above zero")
    notes: list[str] = []
    unreported = (np.isnan(spend) | (np.isnan(outcome) & (spend > 0))).sum(axis=0)
    unreported = np.where(used.any(axis=0), unreported, 0)
    for name, weeks in zip(plan.names, unreported.tolist(), strict=True):
        if weeks and len(notes) < _NAMED:
            notes.append(f"{_weeks(weeks)} of {name!r} left out: spend or outcome not reported")
    return learn_channels(spend, outcome, unit, grid=grid, settings=settings), used, notes


def _from_total(
    history: Observed, plan: Planned, grid: Grid, settings: Settings
) -> tuple[Learned, NDArray[np.bool_], list[str]]:
    """Return what one total says, the weeks used by channel, and notes."""
    weeks = np.asarray(history.weeks)
    order = np.argsort(weeks, kind="stable")
    spend = np.asarray(history.spend, dtype=np.float64)
    total = np.asarray(history.total, dtype=np.float64)
    rows = usable(spend, total)
    used = rows[:, None] & (np.nan_to_num(spend) > 0)
    if not used.any():
        raise _no_data(plan.names, "a week with a total and every channel's spend reported")
    if not total[rows].mean() > 0:
        raise _no_data(plan.names, "a total outcome above zero")
    learned, alike = learn_total(
        weeks[order], spend[order], total[order], grid=grid, settings=settings
    )
    mean = float(learned.data_share[used.any(axis=0)].mean())
    notes = [
        f"one total outcome for {len(plan.names)} channels says how it moved with their spend, "
        f"not which of them moved it: {mean:.0%} of what is believed of a channel is data, the "
        "rest is the prior that a unit of money is worth the same everywhere, and whatever moves "
        "spend and outcome alike is read as effect"
    ]
    if not rows.all():
        notes.append(f"{_weeks(int((~rows).sum()))} left out: a spend or the total not reported")
    return learned, used, notes + _inseparable(plan.names, alike)


def _ranges(spend: Floats, used: NDArray[np.bool_]) -> tuple[Floats, Floats, Floats]:
    """Return least, greatest and mean spend of the weeks used, NaN where there were none."""
    some = used.any(axis=0)
    low = np.min(spend, axis=0, where=used, initial=np.inf)
    high = np.max(spend, axis=0, where=used, initial=-np.inf)
    mean = np.sum(spend, axis=0, where=used) / np.maximum(used.sum(axis=0), 1)
    return tuple(np.where(some, v, np.nan) for v in (low, high, mean))  # type: ignore[return-value]


def _unfinished(history: Observed) -> list[str]:
    weeks = int(np.sum(history.partial))
    return [f"{_weeks(weeks)} left out: not over yet"] if weeks else []


def _weeks(count: int) -> str:
    return "1 week" if count == 1 else f"{count} weeks"


def _never_seen(names: Sequence[str], unseen: NDArray[np.bool_]) -> list[str]:
    missing = [name for name, gone in zip(names, unseen, strict=True) if gone]
    return [f"no data for {_listed(missing)}: the prior is all there is"] if missing else []


def _inseparable(names: Sequence[str], alike: Floats) -> list[str]:
    found = np.argwhere(np.triu(np.abs(alike) > _ALIKE, 1)).tolist()
    pairs = [f"{names[i]!r} with {names[j]!r}" for i, j in found]
    shown = ", ".join(pairs[:_NAMED]) + (", ..." if len(pairs) > _NAMED else "")
    return [f"spends that moved together cannot be told apart: {shown}"] if pairs else []


def _no_data(names: Sequence[str], wanted: str) -> HistoryError:
    return HistoryError(
        "no-data",
        f"the history holds nothing to learn from for {_listed(names)}",
        field="spend",
        value=tuple(names),
        remedy=f"give at least {wanted}",
    )


def _listed(names: Sequence[str]) -> str:
    shown = ", ".join(map(repr, names[:_NAMED]))
    return f"{shown} and {len(names) - _NAMED} more" if len(names) > _NAMED else shown
