"""Whether a log can speak of a policy: effective sample size, lost actions, right propensities."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from budgetopt.figures import show_figure
from budgetopt.replay.checks import Floats
from budgetopt.replay.log import Log

LEAST_EFFECTIVE = 100.0
"""Effective rows below which no number is given, unless told otherwise."""
FAR_FROM_ONE = 4.0
"""Standard errors by which the mean weight may miss one: by chance, once in 16,000 logs."""
ROUNDING = 0.01
"""How far it may miss one at least, for propensities written with few digits."""
_SLACK = 1.0 + 1e-9
"""So that rounding never leaves a thin log without a thin action."""
_SHOWN = 12


@dataclass(frozen=True)
class Support:
    r"""What stands behind an evaluation.

    Parameters
    ----------
    rows
        Rows of the log.
    effective
        Effective sample size :math:`(\sum w)^2 / \sum w^2`: as many rows of the policy itself
        would tell about as much. 0 to `rows`, by the weights before clipping.
    least
        Effective rows asked for.
    mean_weight, mean_weight_error
        Mean of the weights with its standard error. Right propensities give 1 within the error.
    never_logged
        Actions, with their context where there are several, that the policy takes and the log
        never took there.
    thin
        Those for which :math:`(\sum_c w)(\sum w) / \sum_c w^2`, sums over the rows of this action
        and over all, is below `least`: their weights are too uneven for the part of the value that
        they carry. Heaviest first. Where none is thin, the effective sample size is at least
        `least`.

    Notes
    -----
    Source: Kong (1992); Kong, Liu and Wong (1994); Owen (2013), section 9.3. The
    effective sample size knows the weights only; `budgetopt.replay.evaluate` looks at the rewards.
    """

    rows: int
    effective: float
    least: float
    mean_weight: float
    mean_weight_error: float
    never_logged: tuple[str, ...]
    thin: tuple[str, ...]

    @classmethod
    def of(cls, log: Log, probabilities: Floats, weights: Floats, least: float) -> Support:
        """Return the support that weights ``(rows,)`` and a policy ``(rows, actions)`` have."""
        size = len(log.context_names) * len(log.names)
        logged = np.bincount(log.cells, minlength=size)
        total = np.bincount(log.cells, weights, size)
        squares = np.bincount(log.cells, weights**2, size)
        wanted = _wanted(log, probabilities, size)
        thin = wanted & ((total == 0) | (total * total.sum() < least * _SLACK * squares))
        heaviest = np.argsort(-squares, kind="stable")
        return cls(
            rows=log.rows,
            effective=effective_rows(weights),
            least=float(least),
            mean_weight=float(weights.mean()),
            mean_weight_error=float(weights.std(ddof=1) / np.sqrt(log.rows)),
            never_logged=tuple(map(log.cell_name, np.flatnonzero(wanted & (logged == 0)).tolist())),
            thin=tuple(log.cell_name(c) for c in heaviest.tolist() if thin[c]),
        )

    @property
    def lacks(self) -> tuple[str, ...]:
        """Why no number can be given, in words; empty where one can."""
        effective, least = show_figure(self.effective, 4), show_figure(self.least, 4)
        reasons = []
        if self.never_logged:
            reasons.append(f"never logged: {_listed(self.never_logged)}")
        if self.effective < self.least:
            reasons.append(
                f"effective sample {effective} of {self.rows:,} rows, {least} needed; "
                f"support is thin for {_listed(self.thin)}"
            )
        off = abs(self.mean_weight - 1.0)
        if off > max(FAR_FROM_ONE * self.mean_weight_error, ROUNDING):
            reasons.append(
                f"weights average {show_figure(self.mean_weight, 3)}, error "
                f"{show_figure(self.mean_weight_error, 2)}, where right propensities give 1"
            )
        return tuple(reasons)


def effective_rows(weights: Floats) -> float:
    r"""Return the effective sample size :math:`(\sum w)^2 / \sum w^2` of weights; 0 without any."""
    squares = float(np.sum(weights**2))
    return float(np.sum(weights)) ** 2 / squares if squares else 0.0


def _wanted(
    log: Log, probabilities: Floats, size: int
) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """Return which pairs of context and action the policy may take in the rows of the log."""
    cells = log.contexts[:, None] * len(log.names) + np.arange(len(log.names))
    return np.bincount(cells[probabilities > 0], minlength=size) > 0


def _listed(names: tuple[str, ...]) -> str:
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(names[:_SHOWN]) + more
