"""One week's decision: the split, and for every channel why its money moves or stays."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Self

from budgetopt.calendar import Week
from budgetopt.errors import InputError
from budgetopt.figures import show_figure
from budgetopt.money import show_amount as show
from budgetopt.optimize import Allocation, held_back, how_good
from budgetopt.weekly.guardrails import Fired
from budgetopt.weekly.move import Move
from budgetopt.words import in_language, restored, say, templates_of

SCHEMA_VERSION = 3
_AS_GOOD = 1e-3
"""Gap up to which a split is as good as the best."""
_GUARDS = {
    "freeze": say("money is frozen"),
    "missing-report": say("last week's report is missing"),
    "impossible-report": say("last week's report is hardly possible"),
    "calibration": say("the last predictions were off"),
    "most-loss": say("another split might lose too much"),
    "limits": say("what is held leaves no room within the limits"),
    "otherwise": say("the policy could not solve the week"),
}
"""Why nothing moves, by the guard that stepped in."""


@dataclass(frozen=True)
class Decision:
    """An allocation for a dated week, with its reasons and where it came from.

    Parameters
    ----------
    week
        The week decided.
    allocation
        The verified split.
    moves
        One `Move` a channel, in the plan's order.
    policy
        Name of the policy that was asked.
    seed
        Seed of the policy's random numbers.
    gain
        Expected outcome above that of last week's split under the same curves; None where the
        history has no last week.
    history
        Fingerprint of the history that was used.
    notes
        What a reader should know of plan, history and belief, and the sentences of `fired`.
    decided_by
        Name of the policy whose split it is: another one where a guard held the week, or where
        the policy could not solve it. By default `policy`.
    fired
        Every guard that stepped in, with its numbers.

    Raises
    ------
    InputError
        ``bad-argument`` where the moves do not say what the allocation does.
    """

    week: Week
    allocation: Allocation
    moves: tuple[Move, ...]
    policy: str
    seed: int
    gain: float | None
    history: str
    notes: tuple[str, ...] = ()
    decided_by: str = ""
    fired: tuple[Fired, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "decided_by", self.decided_by or self.policy)
        spend = {m.channel: m.after for m in self.moves}
        limits = [(m.channel, m.limit) for m in self.moves if m.limit]
        if spend != self.allocation.spend or limits != self.allocation.limits():
            raise InputError(
                "bad-argument",
                "the moves of the decision differ from the spends and limits of its allocation",
                field="moves",
                remedy="give one move a channel, with its money and the limit that it meets",
            )

    @property
    def moved(self) -> bool:
        """Whether any channel's money changes."""
        return any(move.change for move in self.moves)

    @property
    def before(self) -> Decimal:
        """Money of the last applied week, all channels together."""
        return sum((move.before or Decimal(0) for move in self.moves), Decimal(0))

    def explain(self, language: str = "en") -> str:
        """Return the decision in sentences.

        Parameters
        ----------
        language
            ``"en"`` or ``"zh"``, with the same numbers.
        """
        return "\n".join(in_language(line, language) for line in self._lines())

    def _lines(self) -> list[str]:
        week = self.allocation
        lines = [self._heading()]
        if week.unspent:
            money = show(week.unspent)
            lines.append(
                say("{money} {currency} stays unspent.", money=money, currency=week.currency)
            )
        lines += held_back(week)
        outcome, good = show_figure(week.outcome), how_good(week)
        lines.append(say("Expected outcome {outcome}, {how_good}.", outcome=outcome, how_good=good))
        if self.gain is not None:
            lines.append(self.against_last())
        if not self.moved:
            lines.append(self.why_nothing_moves())
        if any(move.ranged for move in self.moves):
            lines.append(say("A range (low to high) holds 90 of 100 draws from what is believed."))
        for move in self.moves:
            lines.append(say("{channel}: {reason}.", channel=move.channel, reason=move.reason))
        return [*lines, *(say("Note: {note}.", note=note) for note in self.notes)]

    def _heading(self) -> str:
        what = {
            "week": str(self.week),
            "total": show(self.allocation.total),
            "budget": show(self.allocation.budget),
            "currency": self.allocation.currency,
            "policy": self.decided_by,
        }
        if self.decided_by == self.policy:
            return say("Week of {week}: {total} of {budget} {currency} by policy {policy}.", **what)
        return say(
            "Week of {week}: {total} of {budget} {currency} by policy {policy} "
            "in place of {asked}.",
            asked=self.policy,
            **what,
        )

    def why_nothing_moves(self) -> str:
        """Return in one sentence why no money moves; empty where some does."""
        if self.moved:
            return ""
        guards = [one.guard for one in self.fired if one.guard in _GUARDS]
        if guards:
            why = tuple(_GUARDS[guard] for guard in dict.fromkeys(guards))
            return say("Nothing moves, because {why}.", why=why)
        if not any(move.before for move in self.moves):
            return say("Nothing moves, because nothing was spent and nothing is to be spent.")
        more = show_figure(max(0.0, self.allocation.bound - self.allocation.objective), 3)
        if self.allocation.gap > _AS_GOOD:
            return say(
                "Nothing moves, because policy {policy} keeps last week's split; no other within "
                "the limits brings more than {more} more.",
                policy=self.decided_by,
                more=more,
            )
        return say(
            "Nothing moves, because no other split within the limits brings more than {more} more.",
            more=more,
        )

    def against_last(self) -> str:
        """Return the gain in one sentence; empty where there is none."""
        if self.gain is None:
            return ""
        return say(
            "Against last week's split of {before}: {gain} expected outcome.",
            before=show(self.before),
            gain=show_figure(self.gain, sign=True),
        )

    def to_dict(self) -> dict[str, Any]:
        """Return plain data that `from_dict` takes and JSON keeps."""
        parts = (part for m in self.moves for part in (m.limit, m.held))
        return {
            "schema_version": SCHEMA_VERSION,
            "week": self.week.start.isoformat(),
            "iso_week": self.week.iso,
            "policy": self.policy,
            "decided_by": self.decided_by,
            "seed": self.seed,
            "gain": self.gain,
            "history": self.history,
            "notes": list(self.notes),
            "fired": [one.to_dict() for one in self.fired],
            "moves": [move.to_dict() for move in self.moves],
            "words": templates_of([*self.notes, *parts]),
            "allocation": self.allocation.to_dict(),
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """Return the decision of `to_dict`; its allocation is verified again.

        Raises
        ------
        InputError
            ``bad-argument`` where the data are not a decision of this version.
        """
        try:
            if data["schema_version"] != SCHEMA_VERSION:
                raise KeyError("schema_version")
            words = data["words"]
            return cls(
                week=Week(dt.date.fromisoformat(data["week"])),
                allocation=Allocation.from_dict(data["allocation"]),
                moves=tuple(Move.from_dict(move, words) for move in data["moves"]),
                policy=data["policy"],
                seed=int(data["seed"]),
                gain=data["gain"],
                history=data["history"],
                notes=tuple(restored(note, words) for note in data["notes"]),
                decided_by=data["decided_by"],
                fired=tuple(Fired.from_dict(one) for one in data["fired"]),
            )
        except InputError:
            raise  # The allocation's own, which says more.
        except (KeyError, TypeError, ValueError, ArithmeticError) as error:
            raise InputError(
                "bad-argument",
                f"these data are not a decision of version {SCHEMA_VERSION} ({error})",
                field="data",
                remedy="give what Decision.to_dict returned",
            ) from None

    def to_json(self) -> str:
        """Return the decision as JSON text."""
        return json.dumps(self.to_dict(), ensure_ascii=False, indent=2, allow_nan=False)

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Return the decision of `to_json`; see `from_dict`."""
        try:
            data = json.loads(text)
        except ValueError as error:
            raise InputError(
                "bad-argument",
                f"the text is not JSON ({error})",
                field="text",
                remedy="give what Decision.to_json returned",
            ) from None
        return cls.from_dict(data)
