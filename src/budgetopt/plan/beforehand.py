"""What is known of the channels before their history is read: priors, tests, kernels, dates."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Self, TypeVar

from budgetopt.calendar import as_date
from budgetopt.curves import Carryover, Curve, curve_from_dict
from budgetopt.history import Delay
from budgetopt.plan.dates import as_demand
from budgetopt.plan.lift_test import LiftTest
from budgetopt.plan.prior import ChannelPrior

T = TypeVar("T")


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
        Pairs of a day and the known demand of its week; weeks that are not named have 1.
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
        """Return what concerns some channels; what concerns all of them stays."""
        kept = set(channels)

        def some(pairs: tuple[tuple[str, T], ...]) -> tuple[tuple[str, T], ...]:
            return tuple(pair for pair in pairs if pair[0] in kept)

        tests = tuple(test for test in self.lift_tests if test.channel in kept)
        return replace(
            self,
            priors=some(self.priors),
            carryovers=some(self.carryovers),
            pinned=some(self.pinned),
            lift_tests=tests,
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
        """Return what `to_dict` wrote.

        Raises
        ------
        InputError
            Where a part is out of its range, as where the part is made.
        """
        return cls(
            tuple((name, ChannelPrior(**prior)) for name, prior in data["priors"].items()),
            tuple((name, Carryover(**kernel)) for name, kernel in data["carryovers"].items()),
            tuple((name, curve_from_dict(curve)) for name, curve in data["pinned"].items()),
            Delay.of(data["delay"]),
            as_demand(data["demand"]),
            tuple(as_date(day, "events") for day in data["events"]),
            tuple(LiftTest.of(test) for test in data["lift_tests"]),
        )
