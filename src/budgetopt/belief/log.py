"""The observation log: all that a belief was learned from, and nothing that was concluded."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Protocol, Self

import numpy as np
from numpy.typing import NDArray

from budgetopt.arrays import Floats, plain_numbers
from budgetopt.belief.posterior import wrong
from budgetopt.calendar import DAYS, as_date
from budgetopt.errors import InputError
from budgetopt.history import History
from budgetopt.messages import say
from budgetopt.notebook import brief
from budgetopt.plan import Priors

_NOBODY = Priors()


class Planned(Protocol):
    """What learning asks of a plan; a property `priors` is read where there is one."""

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
    def controls(self) -> Mapping[str, Floats]:
        """What moves the total beside the money, shape ``(weeks,)`` each."""

    @property
    def partial(self) -> NDArray[np.bool_]:
        """Whether a week is not over yet."""

    @property
    def through(self) -> dt.date | None:
        """Last day whose events the amounts hold."""

    @property
    def fingerprint(self) -> str:
        """Name of exactly these numbers."""

    def complete(self) -> Observed:
        """Return the history without partial weeks."""

    def select(self, channels: Sequence[str]) -> Observed:
        """Return the history of these channels in this order, NaN where missing."""


@brief
@dataclass(frozen=True, eq=False)
class ObservationLog:
    """Weeks of spend and outcome with what was known beforehand.

    Parameters
    ----------
    channels
        Names, in the plan's order.
    reference
        Money per week at which amplitudes are held: the equal share.
    unit
        Size of one event in units of the outcome; None where it is not known.
    weeks
        First days, rising, shape ``(weeks,)``.
    spend
        Money, shape ``(weeks, channels)``; NaN where not reported.
    outcome, total
        Outcome by channel, same shape, or of all, shape ``(weeks,)``; one of them is None.
    through
        Last day whose events each week's amounts hold, NaT where it is not known, shape
        ``(weeks,)``. A week that is not reported again does not grow up.
    fingerprint
        Of the history that has these weeks.
    priors
        Priors, kernels, dates and tests.
    controls
        What moves the total beside the money, by name, shape ``(weeks,)`` each.
    """

    channels: tuple[str, ...]
    reference: float
    unit: float | None
    weeks: NDArray[np.datetime64]
    spend: Floats
    outcome: Floats | None
    total: Floats | None
    through: NDArray[np.datetime64]
    fingerprint: str = ""
    priors: Priors = field(default=_NOBODY)
    controls: Mapping[str, Floats] = field(default_factory=dict)

    def __post_init__(self) -> None:
        weeks = np.asarray(self.weeks).astype("datetime64[D]")
        order = np.argsort(weeks, kind="stable")
        through = np.asarray(self.through).astype("datetime64[D]")
        arrays = {"weeks": weeks, "spend": self.spend, "outcome": self.outcome}
        arrays |= {"total": self.total, "through": through}
        for name, given in arrays.items():
            if given is None:
                continue
            kind = None if name in ("weeks", "through") else np.float64
            array = np.array(given, dtype=kind)
            if len(array) != weeks.size:
                raise wrong(
                    name,
                    say("part-has-weeks", array=len(array)),
                    say("remedy-give-one-for", size=weeks.size),
                )
            array = array[order]
            array.setflags(write=False)
            object.__setattr__(self, name, array)
        sorted_ = {name: np.asarray(one, np.float64)[order] for name, one in self.controls.items()}
        object.__setattr__(self, "controls", sorted_)
        if (self.outcome is None) == (self.total is None):
            raise wrong("outcome", say("given-twice-not"), say("remedy-outcome-total"))
        for name, shape in (
            ("spend", (weeks.size, len(self.channels))),
            ("outcome", (weeks.size, len(self.channels))),
            ("total", (weeks.size,)),
        ):
            array = getattr(self, name)
            if array is not None and array.shape != shape:
                raise wrong(
                    name, say("part-has-shape", shape=array.shape), say("remedy-shape", shape=shape)
                )
        self._check_values()

    def _check_values(self) -> None:
        """Refuse what no history can hold; a saved file may hold anything."""
        if len(set(self.channels)) != len(self.channels):
            raise wrong("channels", say("holds-name-twice"), say("remedy-name-channel-once"))
        for name in ("reference", "unit"):
            value = getattr(self, name)
            if value is not None and not (np.isfinite(value) and value > 0):
                raise wrong(
                    name, say("part-is-value", level=repr(value)), say("remedy-number-above-0")
                )
        if np.any(np.diff(self.weeks) <= np.timedelta64(0, "D")):
            raise wrong("weeks", say("holds-week-twice"), say("remedy-week-once"))
        for name in ("spend", "outcome", "total"):
            array = getattr(self, name)
            if array is None:
                continue
            # More may be returned than sold.
            bad = np.isinf(array) | ((array < 0) & (name != "total"))
            if bad.any():
                week = self.weeks[int(np.argwhere(bad)[0, 0])]
                found = say("part-negative-infinite", week=week)
                raise wrong(name, found, say("remedy-numbers-least-0"))
        for name, array in self.controls.items():
            if self.total is None or not np.isfinite(array[np.isfinite(self.total)]).all():
                raise wrong(f"controls.{name}", say("lacks-week-total"), say("remedy-all-them"))

    @cached_property
    def index(self) -> dict[str, int]:
        """Position of each channel by name."""
        return {name: at for at, name in enumerate(self.channels)}

    @classmethod
    def of(
        cls,
        history: Observed,
        channels: Sequence[str],
        reference: float,
        unit: float | None,
        priors: Priors,
    ) -> Self:
        """Return a history's whole weeks, for some channels, as a log."""
        ready = history.complete().select(channels)
        return cls(
            tuple(channels),
            float(reference),
            unit,
            ready.weeks,
            ready.spend,
            ready.outcome,
            ready.total,
            np.full(len(ready.weeks), history.through, dtype="datetime64[D]"),
            history.fingerprint,
            priors.only(channels),
            dict(ready.controls),
        )

    def extended(self, history: Observed) -> Self:
        """Return the log with a history's whole weeks, which replace those it has already.

        Raises
        ------
        InputError
            ``bad-argument`` where one has outcomes by channel and the other one total.
        """
        new = type(self).of(history, self.channels, self.reference, self.unit, self.priors)
        if (new.outcome is None) != (self.outcome is None):
            raise wrong("history", say("another-kind-outcome"), say("remedy-learn-anew"))
        if set(new.controls) != set(self.controls):
            raise wrong("controls", say("history-others-than"), say("remedy-learn-anew-from-log"))
        old = ~np.isin(self.weeks, new.weeks)

        def joined(mine: Floats | None, theirs: Floats | None) -> Any:
            return None if mine is None or theirs is None else np.concatenate([mine[old], theirs])

        return replace(
            new,
            fingerprint=self._whole_name(history, old) if old.any() else history.fingerprint,
            weeks=np.concatenate([self.weeks[old], new.weeks]),
            spend=joined(self.spend, new.spend),
            outcome=joined(self.outcome, new.outcome),
            total=joined(self.total, new.total),
            through=np.concatenate([self.through[old], new.through]),
            controls={name: joined(one, new.controls[name]) for name, one in self.controls.items()},
        )

    def _whole_name(self, history: Observed, old: NDArray[np.bool_]) -> str:
        """Return the name of all weeks: of one history, or of two that cannot be one.

        So it is where a control is unknown in weeks between them.
        """
        try:
            return self._name_with(history, old)
        except InputError:
            both = f"{self.fingerprint} {history.fingerprint}"
            return hashlib.sha256(both.encode()).hexdigest()

    def _name_with(self, history: Observed, old: NDArray[np.bool_]) -> str:
        """Return the fingerprint of the history that has some weeks of the log, and others.

        Weeks between them are unknown in it, as in one that was read with gaps.
        """
        rest = history.select(self.channels)
        weeks = np.concatenate([self.weeks[old], rest.weeks])
        place = (weeks - weeks.min()) // np.timedelta64(7, "D")
        every = weeks.min() + np.arange(place.max() + 1) * np.timedelta64(7, "D")

        def joined(mine: Any, theirs: Any) -> Any:
            if mine is None:
                return None
            both = np.concatenate([mine[old], theirs])
            whole = np.full((every.size, *both.shape[1:]), np.nan if both.dtype.kind == "f" else 0)
            whole[place] = both
            return whole.astype(both.dtype)

        days = [day for day in (history.through, *self.through[old].tolist()) if day is not None]
        whole = History(
            self.channels,
            every,
            joined(self.spend, rest.spend),
            joined(self.outcome, rest.outcome),
            joined(self.total, rest.total),
            joined(np.zeros(old.size, dtype=bool), rest.partial),
            DAYS[as_date(weeks[0], "weeks").weekday()],
            data_through=max(days, default=None),
            controls={
                name: joined(one, rest.controls[name]) for name, one in self.controls.items()
            },
        )
        return whole.fingerprint

    def holds_the_same(self, other: Self) -> bool:
        """Return whether another log of the same channels and priors has the same weeks."""
        if self.fingerprint != other.fingerprint or len(self.weeks) != len(other.weeks):
            return False
        names = ("weeks", "through", "spend", "outcome", "total")
        pairs = [(getattr(self, name), getattr(other, name)) for name in names]
        pairs += [(one, other.controls.get(name)) for name, one in self.controls.items()]
        return all(a is b or np.array_equal(a, b, equal_nan=True) for a, b in pairs)

    def to_dict(self) -> dict[str, Any]:
        """Return the log as plain data for JSON; numbers keep every digit."""
        controls = {name: plain_numbers(array) for name, array in self.controls.items()}
        return {
            "channels": list(self.channels),
            "reference": self.reference,
            "unit": self.unit,
            "weeks": [str(week) for week in self.weeks],
            "spend": plain_numbers(self.spend),
            "outcome": None if self.outcome is None else plain_numbers(self.outcome),
            "total": None if self.total is None else plain_numbers(self.total),
            "through": [None if np.isnat(day) else str(day) for day in self.through],
            "fingerprint": self.fingerprint,
            "beforehand": self.priors.to_dict(),
            **({"controls": controls} if controls else {}),
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """Return what `to_dict` wrote."""
        count = len(data["channels"])

        def array(name: str, shape: tuple[int, ...]) -> Floats | None:
            given = data[name]
            return None if given is None else np.array(given, dtype=np.float64).reshape(shape)

        spend = array("spend", (-1, count))
        if spend is None:
            raise wrong("spend", say("part-is-missing"), say("remedy-log-saved"))
        through = [as_date(day, "through") if day else None for day in data["through"]]
        return cls(
            tuple(map(str, data["channels"])),
            float(data["reference"]),
            None if data["unit"] is None else float(data["unit"]),
            np.array(data["weeks"], dtype="datetime64[D]"),
            spend,
            array("outcome", (-1, count)),
            array("total", (-1,)),
            np.array(through, dtype="datetime64[D]"),
            str(data["fingerprint"]),
            Priors.from_dict(data["beforehand"]),
            {
                name: np.array(given, dtype=np.float64)
                for name, given in data.get("controls", {}).items()
            },
        )
