"""What every scenario is: something that happens to a market, when, where, and how likely."""

from __future__ import annotations

import datetime as dt
import math
import numbers
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from typing import Any, ClassVar, NamedTuple

import numpy as np

from budgetopt.calendar import as_date
from budgetopt.errors import CalendarError, InputError, as_number
from budgetopt.i18n import Message, say
from budgetopt.market.dynamics import Factor, known, wrong
from budgetopt.notebook import short
from budgetopt.plan import Relative
from budgetopt.untrusted import is_safe

COMMON = ("name", "start", "end", "channels", "chance")
"""Fields that every kind of scenario has."""


class Effect(NamedTuple):
    """Factors of one week on the channels of a scenario; 1 leaves a thing as it is.

    Parameters
    ----------
    demand
        Of the response: what the same exposure brings.
    price
        Of the price of a thousand impressions.
    reach
        Of the people that can be reached: ``r f(x/r)``, where the first unit brings as much as
        before and saturation comes sooner.
    delivery
        Of the share of the ordered money that is spent.
    tracking
        Of the share of the outcome that is reported.
    budget
        Of the plan's weekly budget.
    open
        Share of the week in which the channel takes money.
    """

    demand: Factor = 1.0
    price: Factor = 1.0
    reach: Factor = 1.0
    delivery: Factor = 1.0
    tracking: Factor = 1.0
    budget: Factor = 1.0
    open: Factor = 1.0


NOTHING = Effect()


def setting(
    default: float,
    about: str,
    shown: str,
    *,
    least: float = -math.inf,
    most: float = math.inf,
    above: float = -math.inf,
) -> Any:
    """Return a number field of a scenario, with its range for the check and for the schema.

    `shown` is the code of the clause that says its value, as ``{percent}`` or ``{weeks}``; empty
    where it is said elsewhere.
    """
    rule = {"least": least, "most": most, "above": above}
    return field(default=default, metadata={"about": about, "range": rule, "shown": shown})


def relative(default: str, what: str, *, least: float = -1, above: float = -math.inf) -> Any:
    """Return a field that is a relative change, ``"+30%"`` or ``"x1.3"``, of what a code names."""
    about = {"about": f"change of the {say(what)}", "relative": say(what)}
    rule = {"least": least, "above": above}
    return field(default=Relative.of(default, say(what)), metadata=about | {"range": rule})


@short
@dataclass(frozen=True, kw_only=True)
class Scenario(ABC):
    """Something that happens to a market.

    Parameters
    ----------
    name
        How it is called in results; by default its kind. It is also the key of its luck: a
        scenario of the same name strikes in the same runs, whatever others stand beside it.
    start, end
        First and last week, both included: numbers from 1 on, the first simulated week, or
        dates, of which the share of each week's days counts. An end of None never comes.
    channels
        Whom it concerns; empty for all.
    chance
        Chance in a run that it happens at all, 0 to 1.

    Raises
    ------
    InputError
        ``bad-argument``, ``bad-name``.
    CalendarError
        ``bad-date``.
    """

    kind: ClassVar[str]
    name: str = ""
    start: int | dt.date = 1
    end: int | dt.date | None = None
    channels: tuple[str, ...] = ()
    chance: float = 1.0

    def __post_init__(self) -> None:
        put = object.__setattr__
        text = isinstance(self.name, str) and is_safe(self.name)
        if not text or (self.name and not self.name.strip()):
            raise InputError("bad-name", say("remedy-name-scenario", name=repr(self.name)),
                             field="scenario.name", value=self.name,
                             remedy=say("remedy-text-without-control-characters"))  # fmt: skip
        put(self, "name", self.name or self.kind)
        put(self, "start", self._moment(self.start, "start"))
        if self.end is not None:
            put(self, "end", self._moment(self.end, "end"))
            self._check_order()
        put(self, "channels", self._names(self.channels))
        put(self, "chance", as_number(self.chance, self.label("chance"), least=0, most=1))
        for own in self.settings():
            rule, label = own.metadata["range"], self.label(own.name)
            given = getattr(self, own.name)
            read = Relative.of if "relative" in own.metadata else as_number
            put(self, own.name, read(given, label, **rule))

    @classmethod
    def settings(cls) -> tuple[Any, ...]:
        """Return the fields that are this kind's own."""
        return tuple(f for f in fields(cls) if "range" in f.metadata)

    def assumptions(self) -> list[Message]:
        """Return what is assumed of its size, defaults included, in clauses."""
        by_size = sorted(self.settings(), key=lambda own: own.name == "recovery")
        # A change of nothing, and a loss that does not recover, assume nothing.
        values = [(own.metadata, v) for own in by_size if (v := getattr(self, own.name))]
        return [_assumed(about, v) for about, v in values if about.get("shown", True)]

    def label(self, name: str) -> str:
        """Return how a field is called in an error."""
        return f"{name} of scenario {self.name or self.kind!r}"

    @abstractmethod
    def effect(self, strength: float) -> Effect:
        """Return the factors at a strength from 0, nothing, to 1, in full."""

    def effect_in(self, week: int, window: tuple[float, float]) -> Effect:
        """Return the factors of a week where the scenario happens."""
        return self.effect(self.strength(week, window))

    def effect_without(self, week: int, window: tuple[float, float]) -> Effect:
        """Return the factors of a week in the runs in which it does not happen."""
        return NOTHING

    def strength(self, week: int, window: tuple[float, float]) -> float:
        """Return the share of a week's days that lie in the window, 0 to 1."""
        begin, end = window
        return max(min(end, 7.0 * week) - max(begin, 7.0 * (week - 1)), 0.0) / 7.0

    def window(self, origin: dt.date | None) -> tuple[float, float]:
        """Return begin and end in days from the begin of week 1.

        Parameters
        ----------
        origin
            First day of week 1, needed where the scenario is dated by days.

        Raises
        ------
        CalendarError
            ``bad-date`` where there is none.
        """
        return self._day(self.start, origin), self._last_day(origin)

    def check(self, names: tuple[str, ...], weeks: int, origin: dt.date | None) -> None:
        """Refuse channels that are not there, and a time that is not simulated.

        Raises
        ------
        InputError
            ``unknown-name``.
        CalendarError
            ``bad-date``.
        """
        known(self.channels, names, self.label("channels"))
        begin, end = self.window(origin)
        if begin >= 7 * weeks or end <= 0:
            side = "scenario-after" if begin >= 7 * weeks else "scenario-before"
            raise CalendarError("bad-date", say(side, name=repr(self.name), weeks=weeks),
                                field=self.label("start"), value=str(self.start),
                                remedy=say("remedy-move-leave-out"))  # fmt: skip

    def to_dict(self) -> dict[str, Any]:
        """Return the scenario as it is written in a plan file; what is default is left out."""
        plain: dict[str, Any] = {"kind": self.kind}
        for own in fields(self):
            value = getattr(self, own.name)
            if value == own.default or (own.name == "name" and value == self.kind):
                continue
            if isinstance(value, dt.date):
                value = value.isoformat()
            value = str(value) if isinstance(value, Relative) else value
            plain[own.name] = list(value) if isinstance(value, tuple) else value
        return plain

    def _moment(self, value: Any, name: str) -> int | dt.date:
        if isinstance(value, numbers.Integral) and not isinstance(value, (bool, np.bool_)):
            if int(value) >= 1:
                return int(value)
            raise wrong(self.label(name), value, say("remedy-count-weeks-1"))
        return as_date(value, self.label(name))

    def _check_order(self) -> None:
        both = (self.start, self.end)
        if len({isinstance(v, int) for v in both}) > 1:
            raise wrong(self.label("end"), str(self.end), say("remedy-start-end-both"))
        if self.end < self.start:  # type: ignore[operator] # both are of one kind here
            raise CalendarError("bad-date", say("end-before-start", label=self.label("end"),
                                end=self.end, start=self.start), field=self.label("end"),
                                value=str(self.end), remedy=say("remedy-later-end"))  # fmt: skip

    def _names(self, given: Any) -> tuple[str, ...]:
        names = (given,) if isinstance(given, str) else given
        if not isinstance(names, Iterable) or not all(isinstance(n, str) for n in names):
            raise wrong(self.label("channels"), given, say("remedy-names-channels"))
        return tuple(names)

    def _day(self, moment: int | dt.date, origin: dt.date | None) -> float:
        if isinstance(moment, int):
            return 7.0 * (moment - 1)
        if origin is None:
            raise CalendarError("bad-date", say("scenario-dated-first-week", name=repr(self.name),
                                moment=moment), field=self.label("start"), value=str(moment),
                                remedy=say("remedy-market-start-number-weeks"))  # fmt: skip
        return float((moment - origin).days)

    def _last_day(self, origin: dt.date | None) -> float:
        if self.end is None:
            return math.inf
        return self._day(self.end, origin) + (7.0 if isinstance(self.end, int) else 1.0)


def _assumed(about: Mapping[str, Any], value: float) -> Message:
    """Return a setting's value in a clause."""
    if "relative" in about:
        return say("assumed-change", what=about["relative"], change=str(value))
    weeks = say("one-week") if value == 1 else say("count-weeks", count=f"{value:g}")
    return say(about["shown"], percent=f"{100 * value:.4g}%", weeks=weeks)


@dataclass(frozen=True, kw_only=True)
class Recovering(Scenario):
    """A scenario that fades after its end, by half in so many weeks.

    Parameters
    ----------
    recovery
        Weeks in which half of what is left goes, at least 0; 0 for at once.
    """

    recovery: float = setting(
        0.0,
        "weeks in which half of what is left goes",
        "assumed-half-recovered",
        least=0,
    )

    def strength(self, week: int, window: tuple[float, float]) -> float:
        """Return the share of the week in the window, and what is left of it afterwards."""
        share = super().strength(week, window)
        after = (7.0 * week - window[1]) / 7.0
        if after <= 0 or not self.recovery:
            return share
        left: float = 0.5 ** (after / self.recovery)
        return share + (1.0 - share) * left
