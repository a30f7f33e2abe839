"""One week's decision: the split, and for every channel why its money moves or stays."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from decimal import Decimal
from typing import Any, Self

from budgetopt.calendar import Week
from budgetopt.errors import InputError
from budgetopt.figures import show_figure
from budgetopt.money import show_amount as show
from budgetopt.optimize import Allocation, how_good
from budgetopt.weekly.guardrails import Fired

SCHEMA_VERSION = 2


@dataclass(frozen=True)
class Move:
    """What happens to one channel's money.

    Parameters
    ----------
    channel
        Name.
    before, after
        Money of the last applied week (None where there was none) and of this one.
    reason
        Why, in one clause; its numbers are those of the other fields.
    worth
        Expected outcome, in this channel, of the money that moves.
    elsewhere
        What as much money brings at this week's margin, the price of the budget.
    """

    channel: str
    before: Decimal | None
    after: Decimal
    reason: str
    worth: float = 0.0
    elsewhere: float = 0.0

    @property
    def change(self) -> Decimal:
        """Money that moves, negative for less; the whole where there was none before."""
        return self.after - (self.before or Decimal(0))

    @property
    def share(self) -> float | None:
        """The change as a share of the money before, None where that was nothing."""
        return float(self.change / self.before) if self.before else None


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
        if {m.channel: m.after for m in self.moves} != self.allocation.spend:
            raise InputError(
                "bad-argument",
                "the moves of the decision differ from the spends of its allocation",
                field="moves",
                remedy="give one move a channel, with its money",
            )

    @property
    def moved(self) -> bool:
        """Whether any channel's money changes."""
        return any(move.change for move in self.moves)

    @property
    def before(self) -> Decimal:
        """Money of the last applied week, all channels together."""
        return sum((move.before or Decimal(0) for move in self.moves), Decimal(0))

    def explain(self) -> str:
        """Return the decision in sentences."""
        week, total = self.allocation, self.allocation.total
        instead = "" if self.decided_by == self.policy else f" in place of {self.policy}"
        lines = [
            f"Week of {self.week}: {show(total)} of {show(week.budget)} {week.currency} "
            f"by policy {self.decided_by}{instead}."
        ]
        if week.unspent:
            lines.append(f"{show(week.unspent)} {week.currency} stays unspent.")
        if week.held:
            lines.append(f"{show(week.held)} {week.currency} is held in reserve.")
        lines.append(f"Expected outcome {show_figure(week.outcome)}, {how_good(week)}.")
        if self.gain is not None:
            lines.append(self.against_last())
        if not self.moved:
            lines.append("Nothing moves.")
        lines += [f"{move.channel}: {move.reason}." for move in self.moves]
        lines += [f"Note: {note}." for note in self.notes]
        return "\n".join(lines)

    def against_last(self) -> str:
        """Return the gain in one sentence; empty where there is none."""
        if self.gain is None:
            return ""
        gain, before = show_figure(self.gain, sign=True), show(self.before)
        return f"Against last week's split of {before}: {gain} expected outcome."

    def to_dict(self) -> dict[str, Any]:
        """Return plain data that `from_dict` takes and JSON keeps."""
        moves = [
            {
                **asdict(m),
                "before": None if m.before is None else str(m.before),
                "after": str(m.after),
            }
            for m in self.moves
        ]
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
            "moves": moves,
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
            moves = tuple(
                Move(
                    m["channel"],
                    None if m["before"] is None else Decimal(m["before"]),
                    Decimal(m["after"]),
                    m["reason"],
                    float(m["worth"]),
                    float(m["elsewhere"]),
                )
                for m in data["moves"]
            )
            return cls(
                week=Week(dt.date.fromisoformat(data["week"])),
                allocation=Allocation.from_dict(data["allocation"]),
                moves=moves,
                policy=data["policy"],
                seed=int(data["seed"]),
                gain=data["gain"],
                history=data["history"],
                notes=tuple(data["notes"]),
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
