r"""How outcomes of a week keep arriving: the share that is reported at each age of the week.

A week's outcome :math:`y` is reported little by little. At age ``a``, in weeks after its last day,
a share :math:`F(a)` of it is there, and from some age on all of it. What was seen, divided by
:math:`F(a)`, is the completed outcome; reading it as it is would be reading youth as a fall.

`Delay` is given as shares, or learned from two snapshots (`budgetopt.history.ladder`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NoReturn, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from budgetopt.errors import HistoryError, did_you_mean
from budgetopt.history.snapshots import pair_of

if TYPE_CHECKING:
    from budgetopt.history.record import History

Floats = NDArray[np.float64]
Own = tuple[str, tuple[float, ...], tuple[float, ...]]
"""A channel's name, its shares and how well they are known."""

MOST_WEEKS = 520.0
"""Oldest age at which outcomes may still arrive, ten years."""
_ROUNDING = 1e-9


@dataclass(frozen=True)
class Delay:
    r"""The share of a week's outcome that is reported at each age of the week.

    Parameters
    ----------
    shares
        :math:`F` at `ages`, each above 0 and at most 1, never falling, the last one 1. Between two
        ages it is a straight line; from the last age on, the week is complete.
    ages
        Weeks since the last day of the week, rising from at least 0 to at most 520; days are
        sevenths. By default 0, 1, 2 and so on.
    log_sds
        Standard deviation of :math:`\ln F` at `ages`, 0 to 5, by default 0: known exactly.
    channels
        Shares of single channels in place of those above, by name: a list, or a mapping of
        ``shares`` and ``log_sds``. They are for the same `ages`.

    Raises
    ------
    HistoryError
        ``bad-argument``.

    Notes
    -----
    What was reported by age ``a`` has, beyond `log_sd`, the noise of a thinned count: with
    :math:`n` events seen, the variance :math:`1/n` of its logarithm, which is that of any count.
    An error of the shares is common to all weeks of one age.

    Examples
    --------
    >>> delay = Delay([0.6, 0.9, 1.0], channels={"kol": [0.3, 0.8, 1.0]})
    >>> delay.share([0, 0.5, 7]).tolist()
    [0.6, 0.75, 1.0]
    >>> delay.share([[0.0], [1.0]], ["search", "kol"]).tolist()
    [[0.6, 0.3], [0.9, 0.8]]
    """

    shares: tuple[float, ...]
    ages: tuple[float, ...] = ()
    log_sds: tuple[float, ...] = ()
    channels: tuple[Own, ...] = ()

    def __init__(
        self,
        shares: Sequence[float],
        ages: Sequence[float] | None = None,
        log_sds: Sequence[float] | None = None,
        channels: Mapping[str, Any] | tuple[Own, ...] = (),
    ) -> None:
        put = object.__setattr__
        common = _shares(shares, None, "delay.shares")
        count = len(common)
        put(self, "shares", common)
        put(self, "ages", _ages(range(count) if ages is None else ages, count))
        put(self, "log_sds", _log_sds(log_sds, count, "delay.log_sds"))
        put(self, "channels", _channels(channels, count))

    def share(self, age: ArrayLike, channels: Sequence[str] | None = None) -> Floats:
        """Return the share of the outcome that is reported.

        Parameters
        ----------
        age
            Weeks since the last day of the week, any shape; with `channels`, the last axis is
            theirs, or of length one.
        channels
            Names; those without shares of their own have the common ones. None for the common
            ones.

        Returns
        -------
        ndarray
            The shape of `age`, its last axis as long as `channels`. NaN where the age is NaN, or
            younger than the youngest age known: what is not known completes nothing.

        Raises
        ------
        HistoryError
            ``bad-argument`` where the last axis does not fit the channels.
        """
        own = {name: shares for name, shares, _ in self.channels}
        return self._at(self.shares, own, age, channels)

    def log_sd(self, age: ArrayLike, channels: Sequence[str] | None = None) -> Floats:
        """Return the standard deviation of the log share; all else as in `share`."""
        own = {name: sds for name, _, sds in self.channels}
        return self._at(self.log_sds, own, age, channels)

    def _at(
        self,
        common: tuple[float, ...],
        own: Mapping[str, tuple[float, ...]],
        age: ArrayLike,
        channels: Sequence[str] | None,
    ) -> Floats:
        """Return values on the lines between the ages, by channel if there are any."""
        weeks = np.asarray(age, dtype=np.float64)
        named = [common] if channels is None else [own.get(name, common) for name in channels]
        rows = np.array(named).reshape(-1, len(common))
        column: Any = 0
        if channels is not None:
            column = np.arange(len(channels))
            try:
                weeks = np.broadcast_to(weeks, (*weeks.shape[:-1], column.size))
            except ValueError:
                _refuse(
                    f"ages have shape {weeks.shape} for {column.size} channels",
                    "age",
                    str(weeks.shape),
                    "give a last axis of one, or of one age for each channel",
                )
        knots = np.array(self.ages)
        right = np.clip(np.searchsorted(knots, weeks, side="right"), 1, max(len(knots) - 1, 1))
        if len(knots) == 1:
            rows, knots = np.repeat(rows, 2, axis=-1), np.array([knots[0], knots[0] + 1.0])
        width = knots[right] - knots[right - 1]
        along = np.clip((weeks - knots[right - 1]) / width, 0.0, 1.0)
        low, high = rows[column, right - 1], rows[column, right]
        found = np.where(along == 1.0, high, low + along * (high - low))
        return np.where(weeks >= knots[0] - _ROUNDING, found, np.nan)

    @classmethod
    def learned(
        cls,
        earlier: History,
        later: History,
        *,
        complete_after: float | None = None,
        outcome_unit: float | None = None,
    ) -> Self:
        """Return the delay that two snapshots of the same weeks show.

        Parameters
        ----------
        earlier, later
            The same channels and weeks as they were known at two days, `History.through`, at least
            a week apart. Spends agree within a hundredth; outcomes have not fallen.
        complete_after
            Age in weeks from which a week is complete. By default the first age after the oldest
            one at which more than a thousandth still arrived. Two snapshots show nothing of what
            arrives after the oldest week that they share, so that such weeks must be old enough.
        outcome_unit
            Size of one event, as in a plan: 1 where the outcome is a count. It bounds from below
            how unevenly outcomes arrive. None where it is not known, which needs several channels.

        Raises
        ------
        HistoryError
            ``bad-history`` where the snapshots contradict each other, ``no-data`` where they show
            too little, ``bad-argument``.

        See Also
        --------
        budgetopt.history.ladder : the mathematics.
        """
        # SciPy takes three times as long to load as all the rest of this room.
        from budgetopt.history.ladder import climb

        pair = pair_of(earlier, later)
        found = climb(pair, complete_after, outcome_unit)
        shares, log_sds = found.shares.T.tolist(), found.log_sds.T.tolist()
        own = tuple(zip(pair.channels, shares[1:], log_sds[1:], strict=False))
        return cls(shares[0], found.ages.tolist(), log_sds[0], own)

    @classmethod
    def of(cls, given: Any, field: str = "delay") -> Self | None:
        """Return a delay from a mapping of its parameters, a delay, or None.

        Raises
        ------
        HistoryError
            ``bad-argument``.
        """
        if given is None or isinstance(given, cls):
            return given
        if not isinstance(given, Mapping):
            _refuse(f"{field} is {given!r}", field, given, "give its shares by age")
        _known(given, ["shares", "ages", "log_sds", "channels"], field)
        return cls(**{"shares": (), **given})

    def to_dict(self) -> dict[str, Any]:
        """Return the delay as it is written in a plan file, which `of` reads."""
        data: dict[str, Any] = {"ages": list(self.ages), **_plain(self.shares, self.log_sds)}
        if self.channels:
            data["channels"] = {name: _plain(*own) for name, *own in self.channels}
        return data


def _plain(shares: Sequence[float], log_sds: Sequence[float]) -> dict[str, list[float]]:
    return {"shares": list(shares)} | ({"log_sds": list(log_sds)} if any(log_sds) else {})


def _numbers(given: Any, field: str) -> Floats:
    """Return a list of numbers as an array; what is no number is refused."""
    items: list[Any] = [None]
    if isinstance(given, (list, tuple, range, np.ndarray)):
        items = list(given)
    try:
        if any(isinstance(item, (str, bool, np.bool_)) for item in items):
            raise TypeError
        array = np.array([float(item) for item in items])
    except (TypeError, ValueError):
        array = np.array([np.nan])
    if not array.size or not np.isfinite(array).all():
        _refuse(f"{field} is {given!r}", field, str(given), "give a list of numbers")
    return array


def _shares(given: Any, count: int | None, field: str) -> tuple[float, ...]:
    array = _numbers(given, field)
    for wrong in array[(array <= 0) | (array > 1)][:1]:
        _refuse(f"{field} holds {wrong:g}", field, float(wrong),
                "give shares above 0 and at most 1")  # fmt: skip
    for at in np.flatnonzero(np.diff(array) < 0)[:1]:
        _refuse(f"{field} falls from {array[at]:g} to {array[at + 1]:g}", field,
                float(array[at + 1]), "what is reported stays reported")  # fmt: skip
    if array[-1] != 1:
        _refuse(f"{field} ends with {array[-1]:g}", field, float(array[-1]),
                "end with 1, at the age from which a week is complete")  # fmt: skip
    if count is not None and array.size != count:
        _refuse(f"{field} has {array.size} shares for {count} ages", field, array.size,
                "give one share for each age")  # fmt: skip
    return tuple(array.tolist())


def _ages(given: Any, count: int) -> tuple[float, ...]:
    array = _numbers(given, "delay.ages")
    if array.size != count:
        _refuse(f"delay.ages has {array.size} ages for {count} shares", "delay.ages", array.size,
                "give one age for each share")  # fmt: skip
    if array[0] < 0 or array[-1] > MOST_WEEKS or np.any(np.diff(array) <= 0):
        _refuse(f"delay.ages is {given!r}", "delay.ages", str(given),
                f"give rising ages in weeks, from 0 to {MOST_WEEKS:g}")  # fmt: skip
    return tuple(array.tolist())


def _log_sds(given: Any, count: int, field: str) -> tuple[float, ...]:
    array = np.zeros(count) if given is None else _numbers(given, field)
    if array.size != count or array.min() < 0 or array.max() > 5:
        _refuse(f"{field} is {given!r}", field, str(given),
                f"give {count} numbers from 0 to 5, one for each age")  # fmt: skip
    return tuple(array.tolist())


def _channels(given: Any, count: int) -> tuple[Own, ...]:
    """Return the shares of single channels, sorted by name."""
    if isinstance(given, tuple):
        given = {name: {"shares": shares, "log_sds": sds} for name, shares, sds in given}
    if not isinstance(given, Mapping):
        _refuse(f"delay.channels is {given!r}", "delay.channels", str(given),
                "give shares by channel name")  # fmt: skip
    made = []
    for name, own in given.items():
        field = f"delay.channels.{name}"
        if not isinstance(name, str) or not name.strip():
            _refuse(f"delay.channels names {name!r}", "delay.channels", str(name), "give a name")
        parts = own if isinstance(own, Mapping) else {"shares": own}
        _known(parts, ["shares", "log_sds"], field)
        shares = _shares(parts.get("shares", ()), count, f"{field}.shares")
        made.append((name, shares, _log_sds(parts.get("log_sds"), count, f"{field}.log_sds")))
    return tuple(sorted(made))


def _known(given: Mapping[str, Any], names: list[str], field: str) -> None:
    for name in given:
        if name not in names:
            _refuse(f"{field} has no part {name!r}", f"{field}.{name}", str(given[name]),
                    did_you_mean(str(name), names))  # fmt: skip


def _refuse(problem: str, field: str, value: Any, remedy: str) -> NoReturn:
    raise HistoryError("bad-argument", problem, field=field, value=value, remedy=remedy)
