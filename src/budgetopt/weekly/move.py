"""What happens to one channel's money, and why in one clause."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from decimal import Decimal
from typing import Any, Self

from budgetopt.figures import show_figure
from budgetopt.money import show_amount as show
from budgetopt.words import restored, say

_ALIKE = 0.005
"""Two figures that differ by a smaller share read as the same."""


@dataclass(frozen=True)
class Move:
    """What happens to one channel's money.

    Parameters
    ----------
    channel
        Name.
    before, after
        Money of the last applied week (None where there was none) and of this one.
    worth
        Expected outcome, in this channel, of the money that moves.
    low, high
        5 and 95 % quantiles of it over draws of what is believed; None where there are none.
    elsewhere
        What as much money brings at this week's margin, the price of the budget.
    limit
        Name of the limit that the money meets; empty where it meets none.
    held
        Why a guard holds the money where it was; empty where none does.
    spare
        Whether the week's budget has money to spare.
    """

    channel: str
    before: Decimal | None
    after: Decimal
    worth: float = 0.0
    elsewhere: float = 0.0
    limit: str = ""
    held: str = ""
    spare: bool = False
    low: float | None = None
    high: float | None = None

    @property
    def change(self) -> Decimal:
        """Money that moves, negative for less; the whole where there was none before."""
        return self.after - (self.before or Decimal(0))

    @property
    def share(self) -> float | None:
        """The change as a share of the money before, None where that was nothing."""
        return float(self.change / self.before) if self.before else None

    @property
    def ranged(self) -> bool:
        """Whether its reason says a range."""
        return None not in (self.low, self.before) and bool(self.change)

    @property
    def reason(self) -> str:
        """What happens, what that money brings, and what stops it: one clause of the fields."""
        said = self._what()
        if self.held:
            return say("{move}; {held}", move=said, held=self.held)
        if self.limit == "lock":
            return say("{move}; locked", move=said)
        if self.before is not None and self.change:
            said = self._because(said)
        return say("{move}; at its {limit}", move=said, limit=self.limit) if self.limit else said

    def _what(self) -> str:
        after = show(self.after)
        if self.before is None:
            return say("{after}, with no week before", after=after)
        if not self.change:
            return say("stays at {after}", after=after)
        before, up = show(self.before), self.change > 0
        if not self.before:
            return say("up from {before} to {after}", before=before, after=after)
        share = f"{self.change / self.before:+.1%}"
        if up:
            return say(
                "up from {before} to {after} ({share})", before=before, after=after, share=share
            )
        return say(
            "down from {before} to {after} ({share})", before=before, after=after, share=share
        )

    def _because(self, move: str) -> str:
        """Say what the money that moves brings here, beside what it brings at the margin."""
        here, there = self.worth, self.elsewhere
        said = {"move": move, "money": show(abs(self.change)), "here": self._here()}
        if not there and self.spare:
            return say(
                "{move}; these {money} bring {here} here, and there is money to spare", **said
            )
        if not there:
            return say("{move}; these {money} bring {here} here", **said)
        if abs(here - there) <= _ALIKE * there:
            return say(
                "{move}; these {money} bring {here} here, about as much as at this week's margin",
                **said,
            )
        said["there"] = show_figure(there, 4)
        # A policy that does not go by the margin may move against it.
        if (self.change > 0) == (here > there):
            return say(
                "{move}, as these {money} bring {here} here and {there} at this week's margin",
                **said,
            )
        return say(
            "{move}, though these {money} bring {here} here and {there} at this week's margin",
            **said,
        )

    def _here(self) -> str:
        worth = show_figure(self.worth, 4)
        if self.low is None or self.high is None:
            return worth
        low, high = show_figure(self.low, 4), show_figure(self.high, 4)
        return say("{worth} ({low} to {high})", worth=worth, low=low, high=high)

    def to_dict(self) -> dict[str, Any]:
        """Return the fields as plain data, and the reason for those who read no further."""
        before = None if self.before is None else str(self.before)
        plain = asdict(self) | {"before": before, "after": str(self.after)}
        return {**plain, "reason": str(self.reason)}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any], words: Mapping[str, Any]) -> Self:
        """Return the move of `to_dict`.

        Parameters
        ----------
        data
            What `to_dict` returned.
        words
            How `limit` and `held` were made, as `templates_of` says.
        """
        return cls(
            data["channel"],
            None if data["before"] is None else Decimal(data["before"]),
            Decimal(data["after"]),
            float(data["worth"]),
            float(data["elsewhere"]),
            restored(data["limit"], words),
            restored(data["held"], words),
            bool(data["spare"]),
            *(None if data[end] is None else float(data[end]) for end in ("low", "high")),
        )
