"""Learning in many runs at once: the filter of the live week, with runs before the channels."""

from __future__ import annotations

from typing import Any

import numpy as np

from budgetopt.belief.filter import Model, State, Week, start, step
from budgetopt.belief.inputs import FIRST_WEEKS
from budgetopt.belief.posterior import Posterior
from budgetopt.belief.settings import Settings
from budgetopt.curves.base import Floats

_MONDAY = np.datetime64("2000-01-03", "D")


class Stream:
    """What many runs have learned so far; each sees its own weeks only.

    The live belief is a stream of one run: from the eighth week on the same weeks give the same
    posterior.

    Parameters
    ----------
    channels
        Number of channels.
    runs
        Number of runs.
    reference
        Money per week at which amplitudes are held: the equal share.
    unit
        Size of one event in units of the outcome.
    settings
        Priors and grids, by default the fast ones.
    roas
        Outcome per unit of money that centres the priors while nothing has been seen.
    dtype
        Precision of the tables: `numpy.float32` takes half the time and memory, and moves the
        expected curves by some millionths of themselves.

    Notes
    -----
    A thousand runs of 12 channels at the fast resolution hold 36 MB and take 122 MB at the peak,
    both in proportion, so thousands of runs are learned in chunks.
    """

    def __init__(
        self,
        channels: int,
        runs: int,
        *,
        reference: float,
        unit: float,
        settings: Settings | None = None,
        roas: float = 1.0,
        dtype: type[np.floating[Any]] = np.float64,
    ) -> None:
        known = settings or Settings.fast()
        nothing = np.full(channels, np.nan)
        self._model = Model(known.grid(reference), known, nothing, nothing, nothing, dtype=dtype)
        self._lead, self._unit, self._roas = (runs, channels), float(unit), roas
        self._weeks = 0
        self._early: list[tuple[Floats, Floats]] = []
        self._state = self._started()

    @property
    def posterior(self) -> Posterior:
        """The curves believed in now, over ``(runs, channels)``; a view that the next week ends."""
        tables = self._state.tables
        chance, mean = (
            part.astype(np.float64, copy=False) for part in (tables.chance, tables.mean)
        )
        return Posterior(self._model.grid, self._lead, chance, mean, tables.variance[..., None])

    def learn(self, spend: Floats, outcome: Floats) -> None:
        """Learn from one more week.

        Parameters
        ----------
        spend, outcome
            Money and outcome, shape ``(runs, channels)``; NaN where not reported.
        """
        if len(self._early) < FIRST_WEEKS:
            self._early.append((spend.copy(), outcome.copy()))
            # The first weeks centre the priors: after 1, 2, 4 and 8 all are learned anew.
            if len(self._early) & (len(self._early) - 1) == 0:
                self._state, self._weeks = self._started(), 0
                for one in self._early:
                    self._learn(*one)
                return
        self._learn(spend, outcome)

    def _learn(self, spend: Floats, outcome: Floats) -> None:
        seen = np.isfinite(spend) & (spend > 0) & np.isfinite(outcome)
        rows = seen.size
        week = Week(
            _MONDAY + np.timedelta64(7 * self._weeks, "D"),
            np.where(seen, spend, 0.0).reshape(rows, 1),
            np.where(seen, outcome, 0.0).ravel(),
            seen.ravel(),
            np.full(rows, self._unit),
            np.zeros(rows),
            np.zeros(rows),
        )
        self._state, _ = step(self._state, week, self._model)
        self._weeks += 1

    def _started(self) -> State:
        known: Model = self._model
        centre = np.full(self._lead[0], np.log(self._roas * known.grid.reference))
        if self._early:
            money, brought = (np.stack(part) for part in zip(*self._early, strict=True))
            seen = np.isfinite(money) & (money > 0) & np.isfinite(brought)
            spent = np.sum(money, axis=(0, 2), where=seen)
            earned = np.maximum(np.sum(brought, axis=(0, 2), where=seen), 0.5 * self._unit)
            some = spent > 0
            centre[some] = np.log(earned[some] / spent[some] * known.grid.reference)
        wide = np.full(self._lead, known.settings.amplitude_sd)
        return start(known, np.broadcast_to(centre[:, None], self._lead), wide)
