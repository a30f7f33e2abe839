"""Channels that differ in their top alone can be put in order, which spares near ties."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from budgetopt.curves import Hill, Stack
from budgetopt.optimize.branch.envelope import Span
from budgetopt.optimize.problem import Problem

Places = NDArray[np.intp]


@dataclass(frozen=True, eq=False)
class Order:
    r"""Which channels a best split gives at least as much as others.

    Two channels with the same bounds and :math:`w_i f_i = \alpha\, w_j f_j`, :math:`\alpha \ge 1`,
    may swap spends under a budget, and the swap that gives more to the first loses nothing:
    :math:`(\alpha - 1) (w_j f_j(a) - w_j f_j(b)) \ge 0` for :math:`a \ge b`. So what is searched
    can be cut down to splits in that order.

    Parameters
    ----------
    groups
        Positions of channels in order, the first gets most.
    place
        Group of each channel, -1 for none, shape ``(channels,)``.
    """

    groups: tuple[Places, ...]
    place: Places

    @classmethod
    def of(cls, problem: Problem, span: Span) -> Self:
        """Return the orders among a problem's S-curves under a budget alone."""
        curves, size = problem.curves, len(problem.names)
        parts = curves.parts if isinstance(curves, Stack) else ((np.arange(size), curves),)
        groups: list[Places] = []
        for places, part in parts:
            if not isinstance(part, Hill) or part.concave:
                continue
            given = [np.broadcast_to(v, places.shape) for v in (part.half, part.shape)]
            key = np.stack([*given, *(ends[places] for ends in span)], axis=-1)
            _, kind = np.unique(key, axis=0, return_inverse=True)
            worth = problem.weight[places] * np.broadcast_to(part.top, places.shape)
            order = np.lexsort((places, -worth, kind.ravel()))
            cuts = np.flatnonzero(np.diff(kind.ravel()[order])) + 1
            groups += [places[some] for some in np.split(order, cuts) if some.size > 1]
        place = np.full(size, -1, dtype=np.intp)
        for number, group in enumerate(groups):
            place[group] = number
        return cls(tuple(groups), place)

    @classmethod
    def none(cls, size: int) -> Self:
        """Return no order."""
        return cls((), np.full(size, -1, dtype=np.intp))

    def follow(self, span: Span, at: int) -> tuple[Span, Places]:
        """Return spans after one channel's was cut, and the channels whose spans changed with it.

        Those behind it get no more than it may at most, those before it no less than it must.
        """
        number = int(self.place[at])
        if number < 0:
            return span, np.array([at])
        group = self.groups[number]
        rank = int(np.flatnonzero(group == at)[0])
        ahead, behind = group[:rank], group[rank + 1 :]
        lower, least, upper = (ends.copy() for ends in span)
        behind = behind[upper[behind] > upper[at]]
        upper[behind] = upper[at]
        off = behind[upper[behind] < least[behind]]
        upper[off] = least[off] = lower[off]
        ahead = ahead[lower[ahead] < lower[at]]
        lower[ahead] = lower[at]
        least[ahead] = np.maximum(least[ahead], lower[at])
        ends = Span(lower, least, np.maximum(upper, least))
        return ends, np.concatenate([[at], behind, ahead])
