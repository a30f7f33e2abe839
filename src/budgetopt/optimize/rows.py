"""The rows of a problem in floating point, as the engines read them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from budgetopt.plan import Row

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Rows:
    r"""Inequalities :math:`A x + M |x - l| - P f(x) + O [x > 0] + C [x \ne l] \le room`.

    Parameters
    ----------
    names
        Name of the limit that each row comes from.
    money, moved, outcome, on, moves
        Sparse coefficients ``A``, ``M >= 0``, ``P >= 0``, ``O``, ``C``, shape ``(rows, channels)``.
    room
        Shape ``(rows,)``.
    """

    names: tuple[str, ...]
    money: csr_array
    moved: csr_array
    outcome: csr_array
    on: csr_array
    moves: csr_array
    room: Floats

    @classmethod
    def of(cls, rows: Sequence[Row], size: int) -> Self:
        """Return rows in floating point over so many channels."""

        def part(field: str) -> csr_array:
            if all(getattr(row, field) is None for row in rows):
                return csr_array((len(rows), size))
            table = np.zeros((len(rows), size))
            for at, row in enumerate(rows):
                given = getattr(row, field)
                if given is not None:
                    scaled = field in ("money", "moved")
                    table[at] = given / row.scale if scaled else given
            return csr_array(table)

        return cls(
            names=tuple(row.limit for row in rows),
            money=part("money"),
            moved=part("moved"),
            outcome=part("outcome"),
            on=part("on"),
            moves=part("moves"),
            room=np.array([float(row.room) for row in rows]),
        )

    @property
    def size(self) -> int:
        """Number of rows."""
        return len(self.names)

    @property
    def counts(self) -> bool:
        """Whether any row counts channels."""
        return bool(self.on.nnz or self.moves.nnz)

    def used(self, spend: Floats, value: Floats, last: Floats) -> Floats:
        """Return the left sides at spends and the curves' values there, shape ``(rows,)``."""
        change = spend - last
        used: Floats = self.money @ spend + self.moved @ np.abs(change) - self.outcome @ value
        if self.counts:
            used = used + self.on @ (spend > 0) + self.moves @ (change != 0)
        return used
