"""What holds whatever the policy is: the settings, and the record of what stepped in."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, Self

from budgetopt.calendar import as_date
from budgetopt.errors import CalendarError, InputError, did_you_mean
from budgetopt.policies.checks import check_chance, check_count, check_share
from budgetopt.words import restored, templates_of

MOST_WEEKS = 1_000
"""Some twenty years."""
_WHAT = "guardrails"

Freeze = tuple[dt.date, dt.date]
"""First and last day on which nothing moves."""


@dataclass(frozen=True)
class Guardrails:
    """What no policy may do; the limits of the plan hold besides, inside every optimisation.

    Parameters
    ----------
    most_loss
        Share of the expected outcome of last week's split that the new split may lose at most,
        above 0, at most 1.
    confidence
        Chance at which it loses no more, above 0 and below 1.
    calibration_weeks
        Weeks whose outcomes are compared with the bands that were predicted for them, 1 to 1,000.
    least_covered, most_covered
        Shares of these outcomes in their 80 % bands between which predictions are believed.
    freezes
        Pairs of a first and a last day; in a week that one of these days lies in nothing moves.

    Raises
    ------
    InputError
        ``bad-argument`` for a number out of range.
    CalendarError
        ``bad-date`` for what is no pair of dates, or ends before it begins.

    Examples
    --------
    >>> Guardrails(freezes=[("2026-11-09", "2026-11-11")]).freezes
    ((datetime.date(2026, 11, 9), datetime.date(2026, 11, 11)),)
    """

    most_loss: float = 0.05
    confidence: float = 0.8
    calibration_weeks: int = 8
    least_covered: float = 0.65
    most_covered: float = 0.95
    freezes: tuple[Freeze, ...] = ()

    def __post_init__(self) -> None:
        check_share(self.most_loss, "most_loss", _WHAT)
        check_chance(self.confidence, "confidence", _WHAT)
        check_count(self.calibration_weeks, "calibration_weeks", _WHAT, MOST_WEEKS)
        check_share(self.most_covered, "most_covered", _WHAT)
        check_chance(self.least_covered, "least_covered", _WHAT)
        if self.least_covered >= self.most_covered:
            raise InputError(
                "bad-argument",
                f"least_covered of the {_WHAT} is {self.least_covered}, not below most_covered "
                f"{self.most_covered}",
                field="least_covered",
                value=self.least_covered,
                remedy="give a smaller share",
            )
        object.__setattr__(self, "freezes", tuple(map(_freeze, self.freezes)))

    def to_dict(self) -> dict[str, Any]:
        """Return the settings as plain data for JSON."""
        freezes = [[str(day) for day in pair] for pair in self.freezes]
        return {**asdict(self), "freezes": freezes}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """Return the settings of `to_dict`; those that are left out have their default.

        Raises
        ------
        InputError
            ``bad-argument`` for a setting that is misspelt or out of range.
        """
        known = [f.name for f in fields(cls)]
        for name in data:
            if name not in known:
                raise InputError(
                    "bad-argument",
                    f"the {_WHAT} have no setting {name!r}",
                    field="guardrails",
                    value=name,
                    remedy=did_you_mean(name, known),
                )
        return cls(**data)


@dataclass(frozen=True)
class Fired:
    """A guard that stepped in, or an alarm.

    Parameters
    ----------
    guard
        ``"freeze"``, ``"missing-report"``, ``"impossible-report"``, ``"calibration"``,
        ``"most-loss"``, ``"limits"`` where what is held does not fit them, or ``"otherwise"``
        where a policy could not solve the week.
    sentence
        What was found and what was done about it, without a full stop.
    figures
        Its numbers by name.
    channels
        Whose money is held; empty where it is all channels or none.
    """

    guard: str
    sentence: str
    figures: tuple[tuple[str, float], ...] = ()
    channels: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Return the record as plain data for JSON."""
        plain = asdict(self)
        return {
            **plain,
            "figures": dict(self.figures),
            "channels": list(self.channels),
            "words": templates_of([self.sentence]),
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """Return the record of `to_dict`."""
        figures = tuple((name, float(number)) for name, number in data["figures"].items())
        sentence = restored(data["sentence"], data["words"])
        return cls(data["guard"], sentence, figures, tuple(data["channels"]))


def _freeze(given: Any) -> Freeze:
    pair = tuple(given) if isinstance(given, Iterable) and not isinstance(given, str) else ()
    if len(pair) != 2:
        raise _no_freeze(given, "give the first and the last day, such as two dates")
    first, last = (as_date(day, "freezes") for day in pair)
    if last < first:
        raise _no_freeze(f"{first} to {last}", "give the earlier day first")
    return first, last


def _no_freeze(given: Any, remedy: str) -> CalendarError:
    return CalendarError(
        "bad-date",
        f"freezes holds {given!r}, not a first and a last day",
        field="freezes",
        value=str(given),
        remedy=remedy,
    )
