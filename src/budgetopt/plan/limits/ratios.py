"""Targets as limits: floors on ROAS and outcome, ceilings on CPA and frequency, mROAS hurdles."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from budgetopt.arrays import Whole
from budgetopt.curves import Curve
from budgetopt.errors import PlanError
from budgetopt.i18n import say
from budgetopt.money import Number, as_exact, show_number
from budgetopt.plan.limits.base import (
    PlanFacts,
    Row,
    coefficients,
    frozen_where,
    members,
    multiple,
    said,
)


@dataclass(frozen=True)
class RoasFloor:
    r"""Value per money of a group, from totals: :math:`\sum v_i f_i(x_i) \ge R \sum x_i`.

    Parameters
    ----------
    at_least
        Ratio, above 0.
    where
        The group: labels, or channel names; by default the whole plan.
    name
        Name of the limit.
    """

    of_value: ClassVar[bool] = True
    """Whether it asks what an outcome is worth."""

    at_least: Any
    where: Any = None
    name: str = "ROAS"

    def __post_init__(self) -> None:
        object.__setattr__(self, "at_least", _positive(self.at_least, self.name, "at_least"))
        object.__setattr__(self, "where", frozen_where(self.where, self.name))

    def rows(self, plan: PlanFacts, last: Whole | None) -> tuple[Row, ...]:
        """Return ``R Σ x - Σ v f <= 0`` over the group."""
        ratio = Fraction(self.at_least)
        chosen = members(plan, self.where, self.name)
        least, group = show_number(self.at_least), said(self.where)
        text = say("roas-at-least", group=group, least=least)
        return (
            Row(
                self.name,
                multiple(ratio.numerator, chosen),
                Fraction(0),
                ratio.denominator,
                outcome=chosen * plan.values,
                sentence=text,
                kind="roas",
                least=True,
                bound=ratio,
            ),
        )


@dataclass(frozen=True)
class CpaCeiling:
    r"""Money per outcome of a group, from totals: :math:`\sum x_i \le C \sum f_i(x_i)`.

    Parameters
    ----------
    at_most
        Money per outcome, above 0.
    where
        The group: labels, or channel names; by default the whole plan.
    name
        Name of the limit.
    """

    at_most: Any
    where: Any = None
    name: str = "CPA"

    def __post_init__(self) -> None:
        object.__setattr__(self, "at_most", _positive(self.at_most, self.name, "at_most"))
        object.__setattr__(self, "where", frozen_where(self.where, self.name))

    def rows(self, plan: PlanFacts, last: Whole | None) -> tuple[Row, ...]:
        """Return ``Σ x - C Σ f <= 0`` over the group."""
        chosen = members(plan, self.where, self.name)
        most, group = show_number(self.at_most), said(self.where)
        text = say("cpa-at-most", group=group, most=most)
        outcome = chosen.astype(np.float64) * float(self.at_most)
        return (
            Row(
                self.name,
                chosen,
                Fraction(0),
                outcome=outcome,
                sentence=text,
                kind="cpa",
                bound=Fraction(self.at_most),
            ),
        )


@dataclass(frozen=True)
class OutcomeFloor:
    r"""Least outcome of a group: :math:`\sum r_i f_i(x_i) \ge T`.

    Parameters
    ----------
    at_least
        Outcome a week, above 0.
    where
        The group: labels, or channel names; by default the whole plan.
    of
        Which outcome: empty for the plan's own, or a name among the channels' `rates`.
    name
        Name of the limit.
    """

    at_least: Any
    where: Any = None
    of: str = ""
    name: str = "outcome"

    def __post_init__(self) -> None:
        object.__setattr__(self, "at_least", _positive(self.at_least, self.name, "at_least"))
        object.__setattr__(self, "where", frozen_where(self.where, self.name))

    def rows(self, plan: PlanFacts, last: Whole | None) -> tuple[Row, ...]:
        """Return ``-Σ r f <= -T`` over the group."""
        chosen = members(plan, self.where, self.name)
        rates = plan.rates(self.of) if self.of else np.ones(chosen.size)
        what = self.of or plan.outcome
        least, group = show_number(self.at_least), said(self.where)
        text = say("outcome-at-least", outcome=what, group=group, least=least)
        room = -Fraction(self.at_least)
        return (
            Row(
                self.name,
                0 * chosen,
                room,
                outcome=chosen * rates,
                sentence=text,
                kind="outcome",
                least=True,
                unit=what,
            ),
        )


@dataclass(frozen=True)
class MroasFloor:
    r"""Least value of the last unit of money in each channel: :math:`v_i f_i'(x_i) \ge h`.

    Parameters
    ----------
    at_least
        Hurdle, above 0; 1 where the last unit of money must earn itself back.
    where
        The group: labels, or channel names; by default every channel.
    name
        Name of the limit.

    Notes
    -----
    It caps every channel at the spend where its slope falls to the hurdle, and is no row. It is
    meant for concave curves; an S-curve meets the hurdle on its falling branch.
    """

    of_value: ClassVar[bool] = True

    at_least: Any
    where: Any = None
    name: str = "mROAS"

    def __post_init__(self) -> None:
        object.__setattr__(self, "at_least", _positive(self.at_least, self.name, "at_least"))
        object.__setattr__(self, "where", frozen_where(self.where, self.name))

    def rows(self, plan: PlanFacts, last: Whole | None) -> tuple[Row, ...]:
        """Return none."""
        members(plan, self.where, self.name)
        return ()

    def caps(self, plan: PlanFacts, curves: Curve) -> NDArray[np.float64]:
        """Return the most money by channel, infinite outside the group."""
        chosen = members(plan, self.where, self.name)
        with np.errstate(divide="ignore"):
            slope = float(self.at_least) / plan.values
        return np.where(chosen > 0, curves.spend_at_slope(slope), np.inf)


@dataclass(frozen=True)
class FrequencyCap:
    r"""Contacts with each person a week, on average: :math:`\sum_i 1000\,x_i/C_i \le F R`.

    Money x buys :math:`1000\,x/C` contacts at the price C of a thousand. Spread over the R people
    that the group reaches together they are at most F each.

    Parameters
    ----------
    at_most
        Contacts a week with each person, above 0.
    reach
        People that the group reaches in a week, each counted once, above 0.
    cpm
        Money for a thousand contacts, above 0: one price for all of the group, or by channel.
    where
        The group: labels, or channel names. By default the channels of `cpm`, or the whole plan.
    name
        Name of the limit.

    Raises
    ------
    PlanError
        ``bad-number`` for a number that is not above 0; ``bad-plan`` for prices by channel beside
        a group.

    Notes
    -----
    It is an average: some people are met more often. Where reach and prices change from week to
    week, give those of the week that is split.

    Examples
    --------
    Three contacts with each of 200,000 people, at 25 for a thousand, cost 15,000:

    >>> FrequencyCap(3, reach=200_000, cpm=25, where=["feed"]).at_most
    Decimal('3')
    """

    at_most: Any
    reach: Any
    cpm: Any
    where: Any = None
    name: str = "frequency"

    def __post_init__(self) -> None:
        put = object.__setattr__
        put(self, "at_most", _positive(self.at_most, self.name, "at_most"))
        put(self, "reach", _positive(self.reach, self.name, "reach"))
        if isinstance(self.cpm, Mapping):
            if self.where is not None:
                raise PlanError(
                    "bad-plan",
                    say("frequency-priced-twice", limit=repr(self.name)),
                    field=f"limits.{self.name}.where",
                    value=str(self.where),
                    remedy=say("remedy-frequency-price"),
                )
            put(
                self,
                "cpm",
                {k: _positive(price, self.name, f"cpm.{k}") for k, price in self.cpm.items()},
            )
            return
        put(self, "cpm", _positive(self.cpm, self.name, "cpm"))
        put(self, "where", frozen_where(self.where, self.name))

    def rows(self, plan: PlanFacts, last: Whole | None) -> tuple[Row, ...]:
        """Return ``Σ 1000 x / (C R) <= F`` over the group, in contacts with each person."""
        by_channel = isinstance(self.cpm, Mapping)
        where = tuple(self.cpm) if by_channel else self.where
        chosen = members(plan, where, self.name)
        priced = {
            name: Fraction(1000) / Fraction(self.cpm[name] if by_channel else self.cpm)
            for name, inside in zip(plan.names, chosen.tolist(), strict=True)
            if inside
        }
        reach = Fraction(self.reach)
        whole, scale = coefficients(plan, {name: each / reach for name, each in priced.items()})
        shown = {"most": show_number(self.at_most), "reach": show_number(self.reach)}
        return (
            Row(
                self.name,
                whole,
                Fraction(self.at_most),
                scale,
                sentence=say("frequency-at-most", group=said(where), **shown),
                kind="frequency",
                unit=say("contacts-a-person"),
            ),
        )


def _positive(given: Any, limit: str, part: str) -> Number:
    field = f"limits.{limit}.{part}"
    value = as_exact(given, field)
    if value == 0:
        raise PlanError(
            "bad-number", field=field, value=given, remedy=say("remedy-number-above-zero")
        )
    return value
