"""Above which amounts a proposal needs a name."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from budgetopt.errors import PlanError
from budgetopt.money import as_decimal
from budgetopt.plan.operation.parts import as_names, as_part

_AMOUNTS = ("move", "channel", "total")
"""The parts that are money."""


@dataclass(frozen=True)
class Approval:
    """A proposal that goes above one of these needs a name; else it is approved by this rule.

    Parameters
    ----------
    move
        Money that a channel's spend moves, up or down; None for no such rule.
    move_share
        The move as a share of what the channel had last, 0 to 10.
    channel
        Money of one channel.
    total
        Money of the week.
    approvers
        Who may approve, each once; empty for anybody with a name.

    Raises
    ------
    PlanError, MoneyError
        ``bad-money``, ``bad-number``, ``bad-name``; ``bad-plan`` where none of the four amounts is
        given: nobody would ever be asked, which is not what naming approvers means.

    Examples
    --------
    >>> Approval(move="20000.50", move_share="20%").to_dict()
    {'move': '20000.50', 'move_share': '0.20'}
    """

    move: Decimal | None = None
    move_share: Decimal | None = None
    channel: Decimal | None = None
    total: Decimal | None = None
    approvers: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        put = object.__setattr__
        for name in _AMOUNTS:
            given = getattr(self, name)
            put(self, name, None if given is None else as_decimal(given, f"approval.{name}"))
        if self.move_share is not None:
            put(self, "move_share", as_part(self.move_share, "approval.move_share", 10))
        put(self, "approvers", as_names(self.approvers, "approval.approvers"))
        if self.move_share is None and not self.amounts:
            raise PlanError(
                "bad-plan",
                "approval names no amount above which somebody is asked",
                field="approval",
                remedy="give move, move_share, channel or total, such as total = 0 to ask for "
                "every week's money; or leave approval out to ask every time",
            )

    @property
    def amounts(self) -> dict[str, Decimal]:
        """The parts that are money and given, by name."""
        return {k: v for k in _AMOUNTS if (v := getattr(self, k)) is not None}

    def to_dict(self) -> dict[str, Any]:
        """Return the rule as it is written in a plan file."""
        parts = ("move", "move_share", "channel", "total")
        data: dict[str, Any] = {k: f"{v:f}" for k in parts if (v := getattr(self, k)) is not None}
        return data | ({"approvers": list(self.approvers)} if self.approvers else {})
