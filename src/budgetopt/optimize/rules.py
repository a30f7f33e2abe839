"""Everything exact that a week's spends must keep, as data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from budgetopt.money import Currency
from budgetopt.plan import RULES, Bounds, Row
from budgetopt.words import restored, templates_of

Whole = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Rules:
    """Everything exact that a week's spends must keep.

    Parameters
    ----------
    money
        Currency of all amounts.
    step
        Minor units in one step.
    budget
        Most in total, in minor units.
    bounds
        Least and most by channel.
    least_on
        Minor units; where above 0 a channel is at 0 or at least this.
    lots
        Minor units of each channel's own step.
    rows
        Rows across channels.
    last
        Last applied spend in minor units, or None. A channel that stays at it may be off its step.
    """

    money: Currency
    step: int
    budget: int
    bounds: Bounds
    least_on: Whole
    lots: Whole
    rows: tuple[Row, ...] = ()
    last: Whole | None = None

    def __post_init__(self) -> None:
        size = self.bounds.lower.shape
        arrays = [getattr(self.bounds, name) for name in self.bounds.__dataclass_fields__]
        arrays += [self.least_on, self.lots, *([] if self.last is None else [self.last])]
        named = [self.bounds.lower_rule, self.bounds.upper_rule]
        fit = all(array.shape == size for array in arrays)
        fit = fit and all(np.all((rule >= 0) & (rule < len(RULES))) for rule in named)
        if not fit or self.step < 1 or np.any(self.lots < 1):
            raise ValueError("parts of the rules do not fit each other")
        for array in arrays:
            array.flags.writeable = False

    def to_dict(self) -> dict[str, Any]:
        """Return plain data that `from_dict` takes."""
        whole = {k: getattr(self.bounds, k).tolist() for k in self.bounds.__dataclass_fields__}
        return {
            "currency": self.money.code,
            "step": self.step,
            "budget": self.budget,
            "bounds": whole,
            "least_on": self.least_on.tolist(),
            "lots": self.lots.tolist(),
            "rows": [_row_to_dict(row) for row in self.rows],
            "words": templates_of(row.sentence for row in self.rows),
            "last": None if self.last is None else self.last.tolist(),
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """Return the rules of `to_dict`; KeyError, TypeError or ValueError if they are not."""
        bounds = data["bounds"]
        last, words = data["last"], data["words"]
        return cls(
            money=Currency(data["currency"]),
            step=int(data["step"]),
            budget=int(data["budget"]),
            bounds=Bounds(
                _whole(bounds["lower"]),
                _whole(bounds["upper"]),
                _whole(bounds["lower_rule"]).astype(np.int8),
                _whole(bounds["upper_rule"]).astype(np.int8),
            ),
            least_on=_whole(data["least_on"]),
            lots=_whole(data["lots"]),
            rows=tuple(_row_from_dict(row, words) for row in data["rows"]),
            last=None if last is None else _whole(last),
        )

    def __eq__(self, other: object) -> bool:
        return self.to_dict() == other.to_dict() if isinstance(other, Rules) else NotImplemented

    __hash__ = None  # type: ignore[assignment] # arrays inside, as in the allocation that holds it


_PARTS = ("moved", "on", "moves")


def _row_to_dict(row: Row) -> dict[str, Any]:
    parts = {k: getattr(row, k).tolist() for k in _PARTS if getattr(row, k) is not None}
    if row.outcome is not None:
        parts["outcome"] = row.outcome.tolist()
    return {
        "limit": row.limit,
        "money": row.money.tolist(),
        "room": str(row.room),
        "scale": row.scale,
        "sentence": row.sentence,
        **parts,
    }


def _row_from_dict(data: Mapping[str, Any], words: Mapping[str, Any]) -> Row:
    parts = {k: _whole(data[k]) for k in _PARTS if k in data}
    outcome = np.array(data["outcome"], dtype=np.float64) if "outcome" in data else None
    return Row(
        limit=data["limit"],
        money=_whole(data["money"]),
        room=Fraction(data["room"]),
        scale=int(data["scale"]),
        sentence=restored(data["sentence"], words),
        outcome=outcome,
        **parts,
    )


def _whole(values: Any) -> Whole:
    whole = np.array(values)
    if whole.dtype.kind != "i":
        raise ValueError(f"{values!r} are not whole numbers")
    return whole.astype(np.int64)
