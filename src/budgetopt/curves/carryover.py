r"""Carryover: a week's money works in the weeks after it too.

A kernel of weights :math:`w_0, w_1, \dots` that sum to one turns a path of spends into effective
spends, :math:`z_t = \sum_l w_l x_{t-l}`, and a curve takes the effective spend. Since the weights
sum to one, a steady path is its own effective spend: the curve is in money per week, kept up, and
`effective` gives every week of a history its steady-week equivalent.

What a week's decision uses
---------------------------
A decision for one week that will be taken again next week uses the curve as it is, without a
shift: what it splits is a steady week. That is no approximation at the margin. Let money be steady
at ``s``; one more unit in one week brings :math:`w_l f'(s)` in the week ``l`` later, so that over
all weeks it brings :math:`\sum_l w_l f'(s) = f'(s)`, the slope of the curve itself, whatever the
kernel. The response of the first week alone, :math:`f(w_0 x + c) - f(c)` with ``c`` carried in,
has slope :math:`w_0 f'`: channels that act late would lose money that they earn. It tells what a
week will *report*, never where its money should go. Where the theory stops: large moves for one
week only, such as a burst before a festival, are a matter of several weeks, for which
`Carryover.carried_in` gives what earlier weeks bring.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import ArrayLike

from budgetopt.arguments import public
from budgetopt.arrays import Floats
from budgetopt.curves.base import as_floats
from budgetopt.errors import CurveError, InputError, as_number, did_you_mean
from budgetopt.i18n import Message, say
from budgetopt.messages import as_message

Kind = Literal["geometric", "delayed", "weibull-pdf", "weibull-cdf"]

MOST_WEEKS = 520
"""Longest kernel, ten years."""
REMAINDER = 1e-6
"""Share of the effect that a geometric kernel of no declared length may leave out."""
FIRST_WEEKS = 4
"""Weeks whose mean stands for the weeks before a path, where those are taken as steady."""


@public
@dataclass(frozen=True)
class Carryover:
    r"""How a week's effect spreads over the weeks after it: a kernel that sums to one.

    ===============  ============================================================  ===============
    kind             weight of lag l = 0, 1, ..., length - 1, before normalising   parameters
    ===============  ============================================================  ===============
    ``geometric``    :math:`share^l`                                               share
    ``delayed``      :math:`share^{(l - delay)^2}`                                 share, delay
    ``weibull-pdf``  density at l + 1, less the least such density                 shape, scale
    ``weibull-cdf``  :math:`\prod_{j \le l} e^{-(j / scale)^{shape}}`              shape, scale
    ===============  ============================================================  ===============

    Parameters
    ----------
    kind
        Form of the kernel.
    share
        Share of the effect that is carried into the next week: at least 0 and below 1, above 0
        where the kind is delayed.
    delay
        Weeks until the effect peaks, 0 to `length` - 1.
    shape
        Shape of the Weibull distribution, 0.0001 to 20.
    scale
        Its scale in weeks, 0.01 to 1,000.
    length
        Weeks that a week's money works in, its own included, 1 to 520. It may be left out for the
        geometric kernel, which then goes on until a millionth of the effect is left.

    Raises
    ------
    CurveError
        ``bad-curve``.

    Notes
    -----
    `delayed` is from Jin, Wang, Sun, Chan and Koehler (2017), section 2.1; it and `geometric` are
    those of PyMC-Marketing with ``normalize=True``. The Weibull kernels are Robyn's and
    PyMC-Marketing's, divided by their sum; Robyn's scale is a share of the window, of which the
    `scale` here is the quantile in weeks. The least weight of ``weibull-pdf`` is 0 by its
    definition; where all densities are equal, all of the effect is in the first week. A kernel
    that is not normalised changes the unit of the curve's scale and nothing else.

    Examples
    --------
    >>> Carryover("geometric", share=0.5, length=3).weights.round(3).tolist()
    [0.571, 0.286, 0.143]
    """

    kind: Kind
    share: float | None = None
    delay: float | None = None
    shape: float | None = None
    scale: float | None = None
    # A file may hold 8.0 for whole weeks.
    length: int | None = field(default=None, metadata={"schema": {"type": "number"}})

    def __post_init__(self) -> None:
        if not isinstance(self.kind, str) or self.kind not in _KINDS:
            raise _bad("kind", say("carryover-kind-not", kind=repr(self.kind)), self.kind,
                       did_you_mean(str(self.kind), _KINDS))  # fmt: skip
        wanted, _ = _KINDS[self.kind]
        # The length first, which the delay is held against.
        for name in ("length", "share", "delay", "shape", "scale"):
            given = getattr(self, name)
            if name in wanted and (given is not None or (self.kind, name) != _OPEN):
                object.__setattr__(self, name, self._checked(name, given))
            elif given is not None and name not in wanted:
                problem = say("carryover-no-given", kind=self.kind, name=name, given=repr(given))
                raise _bad(name, problem, given, say("remedy-give-needed", needed=[*wanted]))
        if self.length is None:
            self._check_remainder()

    def _checked(self, name: str, given: Any) -> float | int:
        """Return a parameter as a number in its range."""
        least, most = _RANGES[name]
        if name == "delay" and self.length is not None:
            most = self.length - 1
        array = as_floats(given)
        number = float(array) if array.ndim == 0 else math.nan
        good = least <= number <= most
        if name == "share":
            good = good and number < 1 and (number > 0 or self.kind == "geometric")
        if name == "length":
            good = good and number == int(number)
        if not good:
            raise _bad(
                name,
                say("carryover-lacks", name=name, kind=self.kind)
                if given is None
                else say("carryover-part-is", name=name, kind=self.kind, value=repr(given)),
                given,
                _remedy(name, self.kind, least, most),
            )
        return int(number) if name == "length" else number

    def _check_remainder(self) -> None:
        if self.share is not None and self.share**MOST_WEEKS > REMAINDER:
            raise _bad("length", say("share-still-effect", share=self.share), self.share,
                       say("remedy-length-weeks-smaller"))  # fmt: skip

    @cached_property
    def weights(self) -> Floats:
        """Weight of each lag, shape ``(lags,)``, at least 0 and summing to one."""
        _, raw = _KINDS[self.kind]
        found = raw(self, np.arange(self.lags, dtype=np.float64))
        weights: Floats = found / found.sum()
        weights.flags.writeable = False
        return weights

    @property
    def lags(self) -> int:
        """Weeks that a week's money works in, its own included."""
        if self.length is not None:
            return self.length
        share = self.share or 0.0
        return 1 if share == 0 else max(1, math.ceil(math.log(REMAINDER) / math.log(share)))

    def effective(
        self, spend: ArrayLike, before: ArrayLike | None = None, *, steady: bool = False
    ) -> Floats:
        """Return the effective spend of every week, its steady-week equivalent.

        Parameters
        ----------
        spend
            Money per week, shape ``(weeks, ...)``, such as ``(weeks, channels)`` or ``(weeks, runs,
            channels)``. NaN makes every week NaN that it reaches.
        before
            Money of the weeks just before, oldest first, shape ``(weeks_before, ...)`` with the
            same shape after the first axis. By default nothing was spent before.
        steady
            Weeks before all that are given had the mean money of the first four weeks given, or of
            all where those are fewer; by default they had none.

        Returns
        -------
        ndarray
            The shape of `spend`.

        Raises
        ------
        InputError
            ``bad-argument`` where the shapes do not go together.
        """
        return effective_spend(spend, self.weights, before, steady=steady)

    def carried_in(self, before: ArrayLike, weeks: int | None = None) -> Floats:
        """Return the effective spend that earlier weeks bring into the next ones.

        Parameters
        ----------
        before
            Money of the weeks so far, oldest first, shape ``(weeks_before, ...)``; before them
            nothing was spent.
        weeks
            Next weeks, at least 0; by default all that are reached.

        Returns
        -------
        ndarray
            Shape ``(weeks, ...)``; effective spends are linear, so this plus `effective` of the
            next spends alone is their effective spend.
        """
        path = np.asarray(before, dtype=np.float64)
        if weeks is None:
            weeks = self.lags - 1
        weeks = int(as_number(weeks, "weeks", least=0, most=1e6))
        return self.effective(np.zeros((weeks, *path.shape[1:])), path)

    @classmethod
    def of(cls, given: Any, field: str = "carryover") -> Self | None:
        """Return a carryover from a mapping of its parameters, a carryover, or None.

        Raises
        ------
        CurveError
            ``bad-curve``, which names `field` and the parameter.
        """
        if given is None or isinstance(given, cls):
            return given
        if not isinstance(given, Mapping):
            raise _bad(field, say("field-is", field=field, value=repr(given)), given,
                       say("remedy-parts"))  # fmt: skip
        names = list(cls.__dataclass_fields__)
        for name in given:
            if name not in names:
                raise _bad(f"{field}.{name}", say("no-parameter", field=field, name=repr(name)),
                           given[name], did_you_mean(str(name), names))  # fmt: skip
        try:
            return cls(**{"kind": None, **given})
        except CurveError as error:
            problem = say("field-problem", field=field, problem=error.problem)
            remedy = as_message(error.remedy)
            raise _bad(f"{field}.{error.field}", problem, error.value, remedy) from None

    def to_dict(self) -> dict[str, Any]:
        """Return the carryover as it is written in a plan file, which `of` reads."""
        parts = {name: getattr(self, name) for name in self.__dataclass_fields__}
        return {name: part for name, part in parts.items() if part is not None}


def effective_spend(
    spend: ArrayLike, weights: Floats, before: ArrayLike | None = None, *, steady: bool = False
) -> Floats:
    r"""Return :math:`z_t = \sum_l w_l x_{t-l}` along the first axis.

    Parameters
    ----------
    spend, before, steady
        As in `Carryover.effective`.
    weights
        Shape ``(lags,)``, or ``(lags, channels)`` for a kernel of each channel, the last axis of
        `spend`; see `kernels`.

    Raises
    ------
    InputError
        ``bad-argument`` where the shapes do not go together.

    References
    ----------
    Broadbent (1979), "One way TV advertisements work", for geometric weights.
    """
    asked = np.asarray(spend, dtype=np.float64)
    earlier = np.zeros((0, *asked.shape[1:])) if before is None else np.asarray(before, np.float64)
    if not asked.ndim or earlier.shape[1:] != asked.shape[1:] or earlier.ndim != asked.ndim:
        raise InputError("bad-argument", say("spend-shape-weeks-before", shape=str(asked.shape),
                         shape_2=str(earlier.shape)), field="before", value=str(earlier.shape),
                         remedy=say("remedy-weeks-first-axis-same"))  # fmt: skip
    path = np.concatenate([earlier, asked])
    weeks = len(path)
    effective = np.zeros(path.shape)
    for lag in range(min(len(weights), weeks)):
        effective[lag:] += weights[lag] * path[: weeks - lag]
    if steady and weeks:
        # What is left of the kernel beyond the first week given, in each week.
        reached = np.cumsum(weights, axis=0)[np.minimum(np.arange(weeks), len(weights) - 1)]
        left = (1.0 - reached).reshape((weeks,) + (1,) * (path.ndim - reached.ndim)
                                       + reached.shape[1:])  # fmt: skip
        effective += left * path[:FIRST_WEEKS].mean(axis=0)
    return effective[len(earlier) :]


def kernels(carryovers: Sequence[Carryover | None]) -> Floats:
    """Return the weights of many channels side by side, shape ``(lags, channels)``.

    Short kernels are filled with zeros; None is no carryover, all of the effect at once.
    """
    own = [np.ones(1) if c is None else c.weights for c in carryovers]
    together = np.zeros((max((len(w) for w in own), default=1), len(own)))
    for channel, weights in enumerate(own):
        together[: len(weights), channel] = weights
    return together


def _geometric(given: Carryover, lag: Floats) -> Floats:
    return np.asarray((given.share or 0.0) ** lag)


def _delayed(given: Carryover, lag: Floats) -> Floats:
    # Times the greatest power, so that a small share does not make every weight zero.
    away = np.square(lag - (given.delay or 0.0))
    weights: Floats = np.exp(math.log(given.share or 1.0) * (away - away.min()))
    return weights


def _weibull_pdf(given: Carryover, lag: Floats) -> Floats:
    shape, times = float(given.shape or 0.0), (lag + 1.0) / float(given.scale or 1.0)
    log_density = (shape - 1.0) * np.log(times) - np.power(times, shape)
    density = np.exp(log_density - log_density.max())
    over = density - density.min()
    return np.where(lag == 0, 1.0, 0.0) if not over.any() else np.asarray(over)


def _weibull_cdf(given: Carryover, lag: Floats) -> Floats:
    shape, times = float(given.shape or 0.0), lag / float(given.scale or 1.0)
    # Nothing is lost in the first week, whatever the shape.
    lost = np.where(lag > 0, np.power(times, shape), 0.0)
    weights: Floats = np.exp(-np.cumsum(lost))
    return weights


_KINDS: dict[str, tuple[tuple[str, ...], Callable[[Carryover, Floats], Floats]]] = {
    "geometric": (("share", "length"), _geometric),
    "delayed": (("share", "delay", "length"), _delayed),
    "weibull-pdf": (("shape", "scale", "length"), _weibull_pdf),
    "weibull-cdf": (("shape", "scale", "length"), _weibull_cdf),
}
_OPEN = ("geometric", "length")
"""The one parameter that may be left out."""
_RANGES: dict[str, tuple[float, float]] = {
    "share": (0.0, 1.0),
    "delay": (0.0, MOST_WEEKS - 1),
    # Within these no weight overflows, and the greatest is never lost.
    "shape": (1e-4, 20.0),
    "scale": (0.01, 1000.0),
    "length": (1, MOST_WEEKS),
}


def _remedy(name: str, kind: str, least: float, most: float) -> Message:
    if name == "share":
        return say("remedy-from-zero-below" if kind == "geometric" else "remedy-above-zero-below")
    code = "remedy-whole-in-range" if name == "length" else "remedy-number-in-range"
    return say(code, low=f"{least:g}", high=f"{most:g}")


def _bad(field: str, problem: Message, value: Any, remedy: Message) -> CurveError:
    return CurveError("bad-curve", problem, field=field, value=value, remedy=remedy)
