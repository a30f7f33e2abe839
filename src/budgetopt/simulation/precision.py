"""When there are runs enough."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from budgetopt.curves.base import Floats
from budgetopt.errors import InputError, did_you_mean
from budgetopt.market.checks import number, whole
from budgetopt.simulation.measures import measure_named
from budgetopt.simulation.statistics import Sample, checked_level, half_width, sample

if TYPE_CHECKING:
    from budgetopt.simulation.job import Job
    from budgetopt.simulation.year import Batch

_SUMS = ("outcome", "expected", "spend", "value", "profit")


@dataclass(frozen=True)
class Precision:
    """Runs are enough when the interval of a mean is narrow enough.

    Parameters
    ----------
    half
        Half the width of the interval, above 0, in units of the measure.
    measure
        One of `MEASURES`, save regret.
    policy
        Whose mean; None for the first policy's.
    less
        The policy that it is compared with, run by run; None for the mean itself.
    least
        Runs that are done in any case, at least 2.
    level
        Level of the interval.

    Raises
    ------
    InputError
        ``bad-argument``, ``unknown-name``.

    Notes
    -----
    Looking again and again makes the interval at the stop hold the truth a little less often than
    its level says; some hundreds of runs at least keep that within a percentage point or two.
    """

    half: float
    measure: str = "outcome"
    policy: str | None = None
    less: str | None = None
    least: int = 200
    level: float = 0.95

    def __post_init__(self) -> None:
        number(self.half, "precision.half", above=0)
        whole(self.least, "precision.least", least=2)
        checked_level(self.level)
        found = measure_named(self.measure)
        if found.above not in _SUMS:
            raise InputError(
                "bad-argument",
                f"precision of {self.measure!r} is not watched while runs go on",
                field="precision.measure",
                value=self.measure,
                remedy=f"give one of {', '.join(_SUMS)}, roas or cpa",
            )

    def check(self, names: Sequence[str]) -> None:
        """Raise ``unknown-name`` for a policy that does not play."""
        for name in (self.policy, self.less):
            if name is not None and name not in names:
                raise InputError(
                    "unknown-name",
                    f"precision names the policy {name!r}, which does not play",
                    field="precision",
                    value=name,
                    remedy=did_you_mean(name, names),
                )

    def reached(self, job: Job, batches: Sequence[Batch]) -> bool:
        """Return whether the runs of these batches are enough."""
        if sum(len(batch.budget) for batch in batches) < self.least:
            return False
        first = self.policy or job.policies[0].name
        residuals = self._sample(first, batches).residuals
        if self.less is not None:
            residuals = residuals - self._sample(self.less, batches).residuals
        return half_width(residuals, self.level) <= self.half

    def _sample(self, policy: str, batches: Sequence[Batch]) -> Sample:
        def sums(name: str) -> Floats:
            parts = []
            for batch in batches:
                record = batch.records[policy]
                if name == "profit":
                    parts.append((record.value - record.spend).sum(axis=-1))
                else:
                    parts.append(getattr(record, name).sum(axis=-1))
            return np.concatenate(parts)

        measure = measure_named(self.measure)
        return sample(sums(measure.above), sums(measure.below) if measure.below else None)
