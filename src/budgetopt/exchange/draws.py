"""A posterior of another model: its draws of every channel's curve, as a belief has them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike

from budgetopt.arrays import Floats
from budgetopt.curves import Carryover, Curve, Hill, Mixture, Points
from budgetopt.errors import CurveError, InputError
from budgetopt.history import check_names
from budgetopt.messages import Message, say
from budgetopt.notebook import short

MOST_DRAWS = 2**17
"""Draws of one posterior."""
_MOST_WEIGHTS = 2**27
"""Numbers that draws as a mixture may take, 1 GiB."""
_SAMPLES = 4000
_FAR = 1e3
"""A mean that is S-shaped is sampled from a thousandth of the least half to a thousand times the
greatest: log-spaced points so near that lines between them miss it by some 1e-6 of its top."""


@short
@dataclass(frozen=True, eq=False)
class CurveDraws:
    r"""Equally likely draws of the curves of several channels, each draw coherent across them.

    It goes where a belief goes: ``allocate(plan, draws)`` maximises the mean over the draws,
    :math:`\frac1S \sum_s f_{si}(x)`, ``allocate(plan, draws, risk=Risk.cvar(0.05))`` the mean of
    the worst of them, and ``frontier(plan, draws)`` follows the budget.

    Parameters
    ----------
    channels
        Their names, as a plan calls them.
    curves
        Outcome per week over money per week, parameters of shape ``(channels, draws)``; for
        `Points` ``(channels, draws, points)``, with one grid of spend for all draws of a channel.
    carryovers
        How each channel's money works on in later weeks, at the mean of the draws' parameters; None
        where it does not, empty where the file does not say. For a steady week the curves hold
        whatever the carryover; it is what a plan may declare for a channel.

    Raises
    ------
    CurveError
        ``bad-curve`` where the shapes do not go together.
    HistoryError
        ``bad-name``.

    Notes
    -----
    Where draws are S-shaped, the mean is given by points, 4,000 along the logarithm of the spend,
    and a risk over the draws is refused, as it is for beliefs.

    Examples
    --------
    >>> from budgetopt.curves import Log
    >>> two = CurveDraws(("a", "b"), Log([[2.0, 4.0], [1.0, 3.0]], 10.0))
    >>> two.size, two.value([10.0, 0.0])[:, 0].round(4).tolist()
    (2, [1.3863, 2.7726])
    """

    channels: tuple[str, ...]
    curves: Curve
    carryovers: tuple[Carryover | None, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "channels", check_names(self.channels, "channels"))
        shape = np.shape(self.curves.value(np.zeros((1, 1))))
        if len(shape) != 2 or shape[0] != len(self.channels) or shape[1] > MOST_DRAWS:
            raise _unfit(
                say("parameters-shape-names", shape=shape, channels=len(self.channels)),
                say("remedy-channels-draws-most", most_draws=f"{MOST_DRAWS:,}"),
            )
        if self.carryovers and len(self.carryovers) != len(self.channels):
            raise _unfit(
                say("carryovers-are", carryovers=len(self.carryovers)), say("remedy-one-a-channel")
            )
        if isinstance(self.curves, Points):
            grid = np.asarray(self.curves.spend)
            if not np.array_equal(grid, np.broadcast_to(grid[:, :1], grid.shape)):
                raise _unfit(say("draws-channel-several"), say("remedy-grid-channel"))

    @classmethod
    def on_grid(cls, channels: Sequence[str], spend: ArrayLike, outcome: ArrayLike) -> Self:
        """Return draws that are given by points.

        Parameters
        ----------
        channels
            Their names.
        spend
            Money per week, rising: ``(points,)``, or ``(channels, points)``.
        outcome
            Outcome per week, shape ``(draws, channels, points)``.

        Raises
        ------
        CurveError
            ``bad-curve``.
        """
        x, y = np.asarray(spend, dtype=np.float64), np.asarray(outcome, dtype=np.float64)
        if y.ndim != 3 or y.shape[1] != len(channels) or x.shape not in (y.shape[2:], y.shape[1:]):
            raise _unfit(say("draws-shape-grid", shape=y.shape, shape_2=x.shape),
                         say("remedy-draws-channels-points"))  # fmt: skip
        cells = np.moveaxis(y, 0, 1)
        grid = x[..., None, :] if x.ndim == 2 else x
        return cls(tuple(channels), Points(np.broadcast_to(grid, cells.shape).copy(), cells))

    @classmethod
    def of_models(cls, models: Sequence[Mapping[str, Hill]]) -> Self:
        """Return models that are alike likely as draws, such as Robyn's Pareto models.

        Parameters
        ----------
        models
            Hill curves by channel, of a steady week; all of the same channels.

        Raises
        ------
        CurveError
            ``bad-curve`` where channels differ.
        """
        names = tuple(models[0]) if models else ()
        if not names or any(set(model) != set(names) for model in models):
            raise _unfit(say("models-other-channels"), say("remedy-models-run"))
        parts = {
            part: np.array([[getattr(model[name], part) for model in models] for name in names])
            for part in ("top", "half", "shape")
        }
        return cls(names, Hill(**parts))

    @property
    def size(self) -> int:
        """How many draws."""
        return int(np.shape(self.curves.value(np.zeros((1, 1))))[1])

    def value(self, spend: ArrayLike) -> Floats:
        """Return every draw's outcome at a split, shape ``(draws, channels)``."""
        each = np.asarray(spend, dtype=np.float64)[:, None]
        return self.curves.value(each).T

    def mean(self) -> Curve:
        """Return the mean of the draws, one curve over the channels."""
        curves = self.curves
        if isinstance(curves, Points):
            return Points(np.asarray(curves.spend)[:, 0], np.asarray(curves.outcome).mean(axis=1))
        shape = (len(self.channels), self.size)
        mean = Mixture(self._cells(np.arange(self.size)), np.full(shape, 1.0 / self.size))
        if curves.concave:
            return mean
        half = np.asarray(getattr(curves, "half", 1.0))
        grid = np.geomspace(half.min() / _FAR, half.max() * _FAR, _SAMPLES)
        heights = np.stack([mean.value(np.full(shape[0], x)) for x in grid], axis=-1)
        # A sum of many draws may fall in the last bit.
        heights = np.maximum.accumulate(heights, axis=-1)
        return Points(np.broadcast_to(grid, heights.shape).copy(), heights)

    def draw(self, rng: np.random.Generator, draws: int = 1) -> Mixture:
        """Return some of the draws, no one twice, or all where no more are there.

        Weights of the mixture have shape ``(draws, channels, draws)``.

        Raises
        ------
        InputError
            ``bad-argument`` where `draws` is no positive whole number or too many for memory.
        """
        if isinstance(draws, bool) or not isinstance(draws, (int, np.integer)) or draws < 1:
            raise _asked(draws, say("remedy-whole-number-least-1"))
        count = min(int(draws), self.size)
        if count**2 * len(self.channels) > _MOST_WEIGHTS:
            most = int((_MOST_WEIGHTS / len(self.channels)) ** 0.5)
            raise _asked(draws, say("remedy-most", most=most))
        chosen = np.sort(rng.choice(self.size, count, replace=False))
        own = np.broadcast_to(np.eye(count)[:, None, :], (count, len(self.channels), count))
        return Mixture(self._cells(chosen), own.copy())

    def _cells(self, chosen: Any) -> Curve:
        """Return the curves of some draws, every parameter ``(channels, draws)``."""
        tail = np.ndim(self.curves.spend) - 2 if isinstance(self.curves, Points) else 0
        wide = (len(self.channels), self.size)
        parts = {}
        for name, given in self.curves.parameters().items():
            value = np.asarray(given)
            shape = wide + value.shape[value.ndim - tail :]
            parts[name] = np.broadcast_to(value, shape)[:, chosen]
        return type(self.curves)(**parts)


def _unfit(problem: Message, remedy: Message) -> CurveError:
    return CurveError("bad-curve", problem, field="curves", remedy=remedy)


def _asked(draws: Any, remedy: Message) -> InputError:
    return InputError("bad-argument", field="draws", value=draws,
                      remedy=remedy)  # fmt: skip
