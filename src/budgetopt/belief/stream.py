"""Learning in many runs at once: the filter of the live week, with runs before the channels."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from budgetopt.arrays import Floats
from budgetopt.belief.filter.run import FilterState, start, step
from budgetopt.belief.filter.state import PriorModel, WeekData
from budgetopt.belief.inputs import FIRST_WEEKS, own_priors
from budgetopt.belief.posterior import Posterior
from budgetopt.belief.settings import Settings
from budgetopt.belief.siblings import labels_in_common, like_siblings
from budgetopt.plan import ChannelPrior

_MONDAY = np.datetime64("2000-01-03", "D")


class Report(NamedTuple):
    """A week to learn from, as `Stream.learn` takes it."""

    spend: Floats
    outcome: Floats
    demand: float
    eventful: bool
    effective: Floats


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
    priors
        What is believed of each channel beforehand, in order, None where nothing is.
    labels
        Labels of each channel, in order.
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
        priors: Sequence[ChannelPrior | None] = (),
        labels: Sequence[Sequence[tuple[str, str]]] = (),
        dtype: type[np.floating[Any]] = np.float64,
    ) -> None:
        known = settings or Settings.fast()
        self._own = own_priors(priors or [None] * channels, reference)
        self._model = PriorModel(known.grid(reference), known, *self._own.of_model, dtype=dtype)
        self._lead, self._unit, self._roas = (runs, channels), float(unit), roas
        self._seen = np.zeros(self._lead, np.bool_)
        self._common = labels_in_common(labels or [()] * channels)
        self._weeks = 0
        self._early: list[Report] = []
        self._state = self._started()

    @property
    def posterior(self) -> Posterior:
        """The curves believed in now, over ``(runs, channels)``; a view that the next week ends."""
        tables = self._state.tables
        chance, mean = (
            part.astype(np.float64, copy=False) for part in (tables.chance, tables.mean)
        )
        held = Posterior(self._model.grid, self._lead, chance, mean, tables.variance[..., None])
        untested = np.zeros(self._lead[1], np.bool_)
        sd = self._model.settings.amplitude_sd
        return like_siblings(held, self._seen, untested, self._common, self._own, sd)

    def learn(
        self,
        spend: Floats,
        outcome: Floats,
        demand: float = 1.0,
        *,
        eventful: bool = False,
        effective: Floats | None = None,
    ) -> None:
        """Learn from one more week.

        Parameters
        ----------
        spend, outcome
            Money and outcome, shape ``(runs, channels)``; NaN where not reported.
        demand
            The known demand of the week, above 0; 1 for a usual one.
        eventful
            Whether it is a holiday or promotion.
        effective
            Money with what earlier weeks carry into it; None where nothing is carried.
        """
        one = Report(spend, outcome, demand, eventful, spend if effective is None else effective)
        if len(self._early) < FIRST_WEEKS:
            self._early.append(
                Report(spend.copy(), outcome.copy(), *one[2:4], one.effective.copy())
            )
            # The first weeks centre the priors: after 1, 2, 4 and 8 all are learned anew.
            if len(self._early) & (len(self._early) - 1) == 0:
                self._state, self._weeks = self._started(), 0
                for early in self._early:
                    self._learn(early)
                return
        self._learn(one)

    def _learn(self, one: Report) -> None:
        spend, outcome = one.effective, one.outcome
        seen = np.isfinite(spend) & (spend > 0) & np.isfinite(outcome)
        self._seen |= seen
        rows = seen.size
        week = WeekData(
            _MONDAY + np.timedelta64(7 * self._weeks, "D"),
            np.where(seen, spend, 0.0).reshape(rows, 1),
            np.where(seen, outcome, 0.0).ravel(),
            seen.ravel(),
            np.full(rows, self._unit),
            np.full(rows, np.log(one.demand)),
            np.zeros(rows),
            one.eventful,
        )
        self._state, _ = step(self._state, week, self._model)
        self._weeks += 1

    def _started(self) -> FilterState:
        known: PriorModel = self._model
        centre = np.full(self._lead[0], np.log(self._roas * known.grid.reference))
        if self._early:
            money = np.stack([one.spend for one in self._early])
            brought = np.stack([one.outcome / one.demand for one in self._early])
            seen = np.isfinite(money) & (money > 0) & np.isfinite(brought)
            spent = np.sum(money, axis=(0, 2), where=seen)
            earned = np.maximum(np.sum(brought, axis=(0, 2), where=seen), 0.5 * self._unit)
            some = spent > 0
            centre[some] = np.log(earned[some] / spent[some] * known.grid.reference)
        given = np.isfinite(self._own.centre)
        centres = np.where(given, self._own.centre, centre[:, None])
        wide = np.where(given, self._own.sd, known.settings.amplitude_sd)
        return start(known, centres, np.broadcast_to(wide, self._lead))
