"""A plan's amounts in minor units, exactly, each worked out once."""

from __future__ import annotations

import math
from collections.abc import Mapping
from decimal import Decimal
from fractions import Fraction
from functools import cached_property
from typing import Any

from budgetopt.errors import PlanError, did_you_mean
from budgetopt.money import MOST, Currency, as_decimal
from budgetopt.plan.channel import Channel
from budgetopt.plan.reserve import Reserve


class MinorUnits:
    """What a plan's fields are in minor units; `Plan` is made on it."""

    budget: Decimal
    channels: tuple[Channel, ...]
    currency: str
    reserve: Reserve
    step: Decimal | None

    @cached_property
    def money(self) -> Currency:
        """The currency with its minor unit."""
        return Currency(self.currency)

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Channel names in the order declared."""
        return tuple(c.name for c in self.channels)

    @cached_property
    def index(self) -> dict[str, int]:
        """Position of each channel by name."""
        return {name: at for at, name in enumerate(self.names)}

    @cached_property
    def step_minor(self) -> int:
        """The money step in minor units, at least 1."""
        step = 1 if self.step is None else self.money.minor(self.step, "step")
        if step < 1:
            raise PlanError("bad-number", "step is 0", field="step", value=0,
                            remedy="give a step above zero")  # fmt: skip
        return step

    @cached_property
    def minimums_minor(self) -> tuple[int, ...]:
        """What each channel gets at least when it is on, in minor units; 0 for no such rule."""
        minor, units = self.money.minor, self.money.units
        for c in self.channels:
            if c.off_or_at_least is not None:
                minor(c.off_or_at_least, f"off_or_at_least of {c.name!r}")
        return tuple(math.ceil((c.least_on or 0) * units) for c in self.channels)

    @cached_property
    def lots_minor(self) -> tuple[int, ...]:
        """Each channel's own step in minor units."""
        minor = self.money.minor
        return tuple(
            self.step_minor if c.lot is None else minor(c.lot, f"lot of {c.name!r}")
            for c in self.channels
        )

    @cached_property
    def spendable_minor(self) -> int:
        """The weekly budget less the reserve, in minor units."""
        budget = self.money.minor(self.budget, "budget")
        held = self.reserve.minor(budget, self.money)
        if held > budget:
            raise PlanError(
                "bounds-clash",
                f"the reserve is {self.money.show(held)}, above the budget "
                f"{self.money.show(budget)}",
                field="reserve",
                value=self.money.show(held),
                remedy="lower the reserve or raise the budget",
            )
        return budget - held

    @property
    def spendable(self) -> Decimal:
        """The weekly budget less the reserve."""
        return self.money.amount(self.spendable_minor)

    @property
    def held(self) -> Decimal:
        """The reserve of all kinds in money."""
        return self.money.amount(self.money.minor(self.budget, "budget") - self.spendable_minor)

    @property
    def weekly(self) -> float:
        """The weekly budget less the reserve, as a float for arithmetic on curves."""
        return self.spendable_minor / self.money.units

    @cached_property
    def minor_bounds(self) -> tuple[tuple[int, int | None, bool], ...]:
        """Least, most (None for no cap) and whether locked, in minor units, by channel."""
        minor = self.money.minor
        bounds: list[tuple[int, int | None, bool]] = []
        for c in self.channels:
            if c.locked is not None:
                locked = minor(c.locked, f"lock of {c.name!r}")
                bounds.append((locked, locked, True))
            else:
                cap = None if c.cap is None else minor(c.cap, f"cap of {c.name!r}")
                bounds.append((minor(c.floor, f"floor of {c.name!r}"), cap, False))
        return tuple(bounds)

    def last_minor(self, last: Mapping[str, Any]) -> list[int]:
        """Return last applied spends in minor units by channel, 0 where a channel is not named.

        Raises
        ------
        PlanError
            ``unknown-name`` for a name that is no channel.
        MoneyError
            ``bad-money``.
        """
        for name in last:
            if name not in self.index:
                raise PlanError(
                    "unknown-name",
                    f"last applied spend names {name!r}, which is no channel of the plan",
                    field="last",
                    value=name,
                    remedy=did_you_mean(str(name), self.names),
                )
        return [self._measured(last.get(n, 0), f"last spend of {n!r}") for n in self.names]

    def _measured(self, given: Any, field: str) -> int:
        """Return a measured amount in minor units, rounded half to even, never too large."""
        amount = min(as_decimal(given, field), self.money.amount(MOST))
        # Held against the limit first, rounded next: both exactly.
        minor = round(Fraction(amount) * self.money.units)
        return minor if minor < MOST else self.money.minor(given, field)
