"""What a plan is for: most outcome, most profit, or least spend for a target."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Literal, Self

from budgetopt.errors import PlanError
from budgetopt.money import as_decimal


@dataclass(frozen=True)
class Goal:
    r"""What is maximised: :math:`\sum_i w_i f_i(x_i) - b \sum_i x_i`.

    Parameters
    ----------
    kind
        ``"outcome"`` (w = 1, b = 0, or w from `weights`), ``"profit"`` (w = value of an outcome,
        b = 1) or ``"least-spend"`` (w = 0, b = 1, the outcome at least `target`).
    target
        Outcome to reach, for ``"least-spend"``.
    weights
        Weight of each named outcome among the channels' `rates`; the plan's own outcome is named
        by the plan's `outcome`. Empty for the plan's own alone.

    Raises
    ------
    PlanError
        ``bad-plan`` for a kind that is not known or a target that is missing.
    """

    kind: Literal["outcome", "profit", "least-spend"] = "outcome"
    target: Decimal | None = None
    weights: tuple[tuple[str, Decimal], ...] = ()

    def __init__(
        self,
        kind: Literal["outcome", "profit", "least-spend"] = "outcome",
        target: Any = None,
        weights: Mapping[str, Any] | tuple[tuple[str, Any], ...] = (),
    ) -> None:
        if kind not in ("outcome", "profit", "least-spend"):
            raise PlanError(
                "bad-plan",
                f"goal is {kind!r}",
                field="goal.kind",
                value=kind,
                remedy="write 'outcome', 'profit' or 'least-spend'",
            )
        if (kind == "least-spend") != (target is not None):
            raise PlanError(
                "bad-plan",
                f"goal {kind!r} {'lacks a' if target is None else 'takes no'} target",
                field="goal.target",
                value=target,
                remedy="a target goes with 'least-spend', and with it alone",
            )
        put = object.__setattr__
        put(self, "kind", kind)
        put(self, "target", None if target is None else as_decimal(target, "goal.target"))
        pairs = sorted((k, as_decimal(v, f"goal.weights.{k}")) for k, v in dict(weights).items())
        put(self, "weights", tuple(pairs))

    def to_dict(self) -> dict[str, Any]:
        """Return the goal as it is written in a plan file."""
        data: dict[str, Any] = {"kind": self.kind}
        if self.target is not None:
            data["target"] = f"{self.target:f}"
        if self.weights:
            data["weights"] = {k: f"{v:f}" for k, v in self.weights}
        return data

    @classmethod
    def most_outcome(cls, weights: Mapping[str, Any] | None = None) -> Self:
        """Most outcome for the budget; several outcomes count by their weights."""
        return cls("outcome", weights=weights or {})

    @classmethod
    def most_profit(cls) -> Self:
        """Most value of the outcome less the money spent."""
        return cls("profit")

    @classmethod
    def least_spend(cls, target: Any) -> Self:
        """Least money for a target outcome."""
        return cls("least-spend", target)
