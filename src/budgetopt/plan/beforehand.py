"""What is known of the channels before their history is read: priors, tests, kernels, dates."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Self, TypeVar

import numpy as np

from budgetopt.calendar import as_date
from budgetopt.curves import Carryover, Curve, curve_from_dict
from budgetopt.errors import InputError, did_you_mean
from budgetopt.history import Delay
from budgetopt.plan.lift_test import LiftTest

T = TypeVar("T")

_RANGES = {
    "roas": (1e-300, 1e300),
    "roas_sd": (0.01, 5.0),
    "saturation": (1e-300, 1e300),
    "saturation_sd": (0.05, 5.0),
    "noise": (1e-3, 5.0),
}


@dataclass(frozen=True)
class ChannelPrior:
    """What is believed of one channel before its history is read; None leaves it to the others.

    Parameters
    ----------
    roas
        Outcome per unit of money at the equal share of the budget, the median.
    roas_sd
        Standard deviation of its logarithm, 0.01 to 5.
    saturation
        Money per week at which half of the most is reached, the median.
    saturation_sd
        Standard deviation of its logarithm, 0.05 to 5.
    noise
        Weekly noise, standard deviation of the log outcome, 0.001 to 5.

    Raises
    ------
    InputError
        ``bad-argument``.
    """

    roas: float | None = None
    roas_sd: float = 0.5
    saturation: float | None = None
    saturation_sd: float = 0.5
    noise: float | None = None

    def __post_init__(self) -> None:
        for name, (low, high) in _RANGES.items():
            value = getattr(self, name)
            if value is None and name in ("roas", "saturation", "noise"):
                continue
            number = isinstance(value, (int, float, np.number)) and not isinstance(value, bool)
            # Written so that NaN fails.
            if not (number and low <= value <= high):
                raise InputError(
                    "bad-argument",
                    f"{name} of a channel's prior is {value!r}",
                    field=f"prior.{name}",
                    value=value,
                    remedy="give a number above 0" if low < 1e-9 else f"give {low:g} to {high:g}",
                )
            object.__setattr__(self, name, float(value))

    @classmethod
    def of(cls, given: Any, field: str = "prior") -> Self | None:
        """Return a prior from itself, a mapping of its fields, or None."""
        if given is None or isinstance(given, cls):
            return given
        if not isinstance(given, Mapping):
            raise InputError(
                "bad-argument",
                f"{field} is {given!r}",
                field=field,
                value=str(given),
                remedy="give ChannelPrior(...) or its fields, such as { roas = 3, noise = 0.3 }",
            )
        for name in given:
            if name not in _RANGES:
                raise InputError(
                    "unknown-name",
                    f"{name!r} is no field of {field}",
                    field=f"{field}.{name}",
                    value=str(name),
                    remedy=did_you_mean(str(name), tuple(_RANGES)),
                )
        return cls(**given)

    def to_dict(self) -> dict[str, float]:
        """Return what is given as plain data."""
        held = {name: getattr(self, name) for name in _RANGES}
        return {k: v for k, v in held.items() if v is not None}


@dataclass(frozen=True)
class Beforehand:
    """All that learning is told beside the weeks; a plan gathers it from its fields.

    Parameters
    ----------
    priors, carryovers, pinned
        Pairs of a channel and its prior, its kernel, or the curve it is taken to have.
    delay
        How outcomes keep arriving; None where every week is complete.
    demand
        Pairs of a day and the known demand of its week, 1 for a usual one.
    events
        Days of holidays and promotions, whose weeks may stand out in all channels.
    lift_tests
        What experiments and earlier models say.
    """

    priors: tuple[tuple[str, ChannelPrior], ...] = ()
    carryovers: tuple[tuple[str, Carryover], ...] = ()
    pinned: tuple[tuple[str, Curve], ...] = ()
    delay: Delay | None = None
    demand: tuple[tuple[dt.date, float], ...] = ()
    events: tuple[dt.date, ...] = ()
    lift_tests: tuple[LiftTest, ...] = ()

    def only(self, channels: Iterable[str]) -> Self:
        """Return what concerns some channels."""
        kept = set(channels)

        def some(pairs: tuple[tuple[str, T], ...]) -> tuple[tuple[str, T], ...]:
            return tuple(pair for pair in pairs if pair[0] in kept)

        tests = tuple(test for test in self.lift_tests if test.channel in kept)
        return type(self)(
            some(self.priors),
            some(self.carryovers),
            some(self.pinned),
            self.delay,
            self.demand,
            self.events,
            tests,
        )

    def to_dict(self) -> dict[str, Any]:
        """Return it as plain data for JSON."""
        return {
            "priors": {name: prior.to_dict() for name, prior in self.priors},
            "carryovers": {name: kernel.to_dict() for name, kernel in self.carryovers},
            "pinned": {name: curve.to_dict() for name, curve in self.pinned},
            "delay": None if self.delay is None else self.delay.to_dict(),
            "demand": {str(day): index for day, index in self.demand},
            "events": [str(day) for day in self.events],
            "lift_tests": [test.to_dict() for test in self.lift_tests],
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """Return what `to_dict` wrote."""
        priors = ((name, ChannelPrior(**prior)) for name, prior in data["priors"].items())
        kernels = ((name, Carryover.of(kernel)) for name, kernel in data["carryovers"].items())
        return cls(
            tuple(priors),
            tuple((name, kernel) for name, kernel in kernels if kernel is not None),
            tuple((name, curve_from_dict(curve)) for name, curve in data["pinned"].items()),
            Delay.of(data["delay"]),
            tuple((as_date(d, "demand"), float(index)) for d, index in data["demand"].items()),
            tuple(as_date(day, "events") for day in data["events"]),
            tuple(LiftTest.of(test) for test in data["lift_tests"]),
        )
