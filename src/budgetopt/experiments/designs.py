r"""Candidate tests of a channel's money: who gets other money, how much, for how long.

A `Design` changes a channel's spend from its usual ``x`` to ``x (1 + change)``, and is read in two
ways.

- What the channel *reports*: its outcome at each level of spend, with the noise of its weeks.
- What it *causes*: the difference that the change makes to the whole outcome, with an error that
  depends on the kind. With ``s`` the standard deviation of a week's whole outcome ``Y``, ``n``
  weeks and the share ``g`` that is changed:

===============  ===============================================================================
kind             error of the difference
===============  ===============================================================================
``everywhere``   :math:`s\sqrt{1/n}`, against the weeks before, which are taken as known
``switchback``   :math:`s\sqrt{4/n}`, every other week (Bojinov, Simchi-Levi and Zhao 2023)
``regions``      :math:`s'\sqrt{(1/g + 1/(1-g))/n}` (Vaver and Koehler 2011); ``s'`` is ``s``
                 without what all regions share
``users``        :math:`\sqrt{Y u\,(1/g + 1/(1-g))/n}`, the luck of single events of size ``u``
===============  ===============================================================================

Where this stops: effects that work on after the test are not counted, regions of one size and
without spill-over are assumed, and their noise is independent.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

from budgetopt.errors import InputError, as_number, did_you_mean
from budgetopt.i18n import Message, say

KINDS = ("everywhere", "regions", "switchback", "users")
"""Who gets other money: everybody, a share of regions or users, or everybody every other week."""


@dataclass(frozen=True)
class Design:
    """A candidate test.

    Parameters
    ----------
    kind
        One of `KINDS`.
    change
        Of the spend, as a share: -1 is off, 0.5 half as much again; from -1 to 10, and not 0.
    weeks
        That it lasts, 1 to 52; an even number for a switchback.
    share
        Of regions or users, by outcome, whose spend is changed, above 0 and below 1; None for the
        other kinds.

    Raises
    ------
    InputError
        ``unknown-name``, ``bad-argument``.
    """

    kind: str
    change: float
    weeks: int
    share: float | None = None

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise InputError(
                "unknown-name",
                say("no-test", kind=repr(self.kind)),
                field="design.kind",
                value=str(self.kind),
                remedy=did_you_mean(str(self.kind), KINDS),
            )
        change = as_number(self.change, "design.change", least=-1, most=10)
        weeks = as_number(self.weeks, "design.weeks", least=1, most=52)
        if change == 0.0:
            raise _wrong("change", self.change, say("part-is-zero"), say("remedy-share-1-0"))
        if weeks != int(weeks) or (self.kind == "switchback" and weeks % 2):
            remedy = (
                say("remedy-even-number")
                if self.kind == "switchback"
                else say("remedy-whole-weeks")
            )
            raise _wrong("weeks", self.weeks, say("part-is-value", level=repr(self.weeks)), remedy)
        if (self.kind in ("regions", "users")) != (self.share is not None):
            told = say("remedy-give-share" if self.share is None else "remedy-leave-share-out")
            raise _wrong("share", self.share, say("does-not-suit", kind=self.kind), told)
        if self.share is not None:
            share = as_number(self.share, "design.share", above=0, below=1)
            object.__setattr__(self, "share", share)
        object.__setattr__(self, "change", change)
        object.__setattr__(self, "weeks", int(weeks))

    @classmethod
    def of(cls, given: Any) -> Self:
        """Return a design from itself, or from text such as ``"regions,-100%,4,20%"``.

        Raises
        ------
        InputError
            ``bad-argument``, and those of the class.
        """
        if isinstance(given, cls):
            return given
        parts = [part.strip() for part in given.split(",")] if isinstance(given, str) else []
        try:
            kind, change, weeks, *share = parts
            if len(share) > 1:
                raise ValueError
            known = [_number(change), float(weeks), *map(_number, share)]
        except ValueError:
            raise InputError(
                "bad-argument",
                say("test-cannot-read", given=repr(given)),
                field="design",
                value=str(given),
                remedy=say("remedy-kind-change-weeks"),
            ) from None
        return cls(kind, known[0], known[1], *known[2:])  # type: ignore[arg-type] # checked there

    @property
    def treated(self) -> float:
        """Share of a usual week's money that is changed."""
        return {"everywhere": 1.0, "switchback": 0.5}.get(self.kind) or float(self.share or 0.0)

    @property
    def name(self) -> Message:
        """What it is called."""
        change, weeks = f"{self.change:+.0%}", self.weeks
        if self.kind == "everywhere":
            return say("test-everywhere", change=change, weeks=weeks)
        if self.kind == "switchback":
            return say("test-switchback", change=change, weeks=weeks)
        share = f"{self.share:.0%}"
        if self.kind == "regions":
            return say("test-regions", change=change, weeks=weeks, share=share)
        return say("test-users", change=change, weeks=weeks, share=share)

    def to_dict(self) -> dict[str, Any]:
        """Return the fields."""
        return {
            "kind": self.kind,
            "change": self.change,
            "weeks": self.weeks,
            "share": self.share,
        }


def _number(text: str) -> float:
    return float(text[:-1]) / 100 if text.endswith("%") else float(text)


def _wrong(name: str, value: Any, problem: Message, remedy: Message) -> InputError:
    return InputError(
        "bad-argument",
        say("design-part-wrong", name=name, problem=problem),
        field=f"design.{name}",
        value=value,
        remedy=remedy,
    )


DESIGNS: Sequence[Design] = (
    Design("everywhere", -1.0, 2),
    Design("everywhere", 0.5, 4),
    Design("regions", -1.0, 4, 0.2),
    Design("regions", 1.0, 4, 0.2),
    Design("switchback", 0.5, 8),
    Design("users", -1.0, 4, 0.1),
)
"""Tests that are looked at by default: go dark, heavy up, regions off and up, switchback, users."""
