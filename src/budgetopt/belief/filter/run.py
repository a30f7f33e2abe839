"""The weeks one after another: what was known before each, what it said, what is known after.

From simple to subtle:

- `start` and `step`: the filter; a `FilterState` goes in, and a `FilterState` and the week's record
  come out;
- `weigh`: the chances of cells and nuisances, with the centres of their priors learned from all
  channels;
- `Rival`: two explanations of an odd week kept side by side, that it stands alone or that the level
  broke for good.

Where this stops: one rival a row at a time, for some weeks; the week's hypotheses are otherwise
collapsed to one normal (see the package).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from budgetopt.arrays import Floats
from budgetopt.belief.filter.state import (
    CENTRES,
    Effect,
    Hypothesis,
    PriorModel,
    Tables,
    WeekData,
    beside,
    blocks,
    tiny,
)
from budgetopt.belief.filter.update import (
    Before,
    ahead,
    collapse,
    counts,
    effect_start,
    gaussian,
    rank,
    update_effect,
)
from budgetopt.belief.settings import Settings

_FEW = 25.0
"""Events expected in a week below which counts are learned as counts. At 25 both ways agree."""
_DAYS = 7.0
_ODD = 2.0
"""Standard deviations from what was expected from which a break of the level is looked into."""
_HALF_LOG_TAU = 0.5 * float(np.log(2.0 * np.pi))
Rows = slice | NDArray[np.intp]
"""Some rows of the tables."""


class FilterState(NamedTuple):
    """All that the filter carries from week to week; a rival where another explanation stands."""

    tables: Tables
    effect: Effect | None
    day: np.datetime64 | None
    rival: Rival | None = None

    def copy(self) -> FilterState:
        """Return a state that shares no table with this one."""
        rival = None if self.rival is None else self.rival.copy()
        return FilterState(
            Tables(*(one.copy() for one in self.tables)), self.effect, self.day, rival
        )


class WeekRecord(NamedTuple):
    """What a week says of each row, for the record; each of shape ``(rows,)``, NaN where unseen.

    Parameters
    ----------
    rank
        Share of the prediction made before the week that lies below the outcome, 0 to 1.
    outlier
        Chance, after the week, that it was one of its own.
    miss, moved
        Log outcome less what was expected of it, and by how much it moved what is expected.
    level, noise
        Variances of what was expected, and of the week around it.
    """

    rank: Floats
    outlier: Floats
    miss: Floats
    moved: Floats
    level: Floats
    noise: Floats


class _Expected(NamedTuple):
    """What the week is held against.

    Each cell's log outcome at amplitude 1, ``(rows, cells)``; by row the known shift of it, the
    variance of that, and the events expected.
    """

    shape: Floats
    shift: Floats
    variance: Floats
    events: Floats

    def only(self, rows: NDArray[np.intp]) -> _Expected:
        """Return some rows."""
        return _Expected(*(part[rows] for part in self))


class _RowResults(NamedTuple):
    """Of each row its rank, the chance of an outlier and, where asked for, the log likelihood."""

    rank: Floats
    outlier: Floats
    likely: Floats


class _Own(NamedTuple):
    """What each row says by itself: its miss, and the variances of level and week."""

    miss: Floats
    level: Floats
    noise: Floats


def start(model: PriorModel, centre: Floats, sd: Floats) -> FilterState:
    """Return what is known before anything is seen.

    Parameters
    ----------
    model
        Priors and levels.
    centre, sd
        Prior mean and standard deviation of the log response at the reference, shape ``(runs,
        channels)``.
    """
    runs, rows = centre.shape[0], centre.size
    shape = (rows, model.drift.size, model.cells)
    tables = Tables(
        mean=np.broadcast_to(centre.reshape(-1, 1, 1), shape).astype(model.dtype),
        variance=np.broadcast_to(np.square(sd).reshape(-1, 1), shape[:2]).copy(),
        evidence=np.zeros(shape, model.dtype),
        chance=np.empty(shape, model.dtype),
        cell_chance=np.empty((rows, model.cells)),
        cell_mean=np.empty((rows, model.cells)),
        within=np.empty(rows),
    )
    weigh(tables, model, runs)
    return FilterState(tables, effect_start(model.settings, model.channels, runs), None)


def step(
    state: FilterState, week: WeekData, model: PriorModel, *, record: bool = False
) -> tuple[FilterState, WeekRecord]:
    """Learn from one week; the tables of the state are renewed in place.

    Parameters
    ----------
    state
        What is known after the weeks before.
    week
        What was spent and what came back, a row each.
    model
        Priors and levels.
    record
        Whether the record is wanted; ranks cost as much again.

    Returns
    -------
    state
        What is known now.
    week_record
        For the record; only outliers where it was not asked for.
    """
    tables, runs = state.tables, len(week.seen) // model.channels
    weeks = 0.0 if state.day is None else float((week.day - state.day).astype(int)) / _DAYS
    tables.variance[:] += np.square(model.drift) * weeks
    if state.rival is not None:
        state.rival.variance[:] += np.square(model.drift) * weeks
    effect = None if state.effect is None else ahead(state.effect, model.settings, weeks)
    shape = _log_shape(week, model)
    known = _log_known(tables, shape)
    shift, variance = week.offset.copy(), week.offset_variance.copy()
    own = _own_word(tables, week, shape, known, model, weeks)
    if effect is not None:
        extra = model.settings.event_sd**2 if week.eventful else 0.0
        square = (runs, model.channels)
        rho, spread = own.miss.reshape(square), (own.level + own.noise).reshape(square)
        mean, doubt, effect = update_effect(effect, rho, spread, week.seen.reshape(square), extra)
        shift, variance = shift + mean.ravel(), variance + doubt.ravel()
        own = own._replace(miss=own.miss - mean.ravel(), noise=own.noise + doubt.ravel())
    expected = _Expected(shape, shift, variance, _events(known + shift, week))
    odd = week.seen & (np.square(own.miss) > _ODD**2 * (own.level + own.noise))
    results, rival = _weighed(state, week, expected, model, odd, record=record)
    weigh(tables, model, runs)
    week_record = WeekRecord(results.rank, results.outlier, *np.full((4, len(week.seen)), np.nan))
    if record:
        _write_down(week_record, tables, week, shape, known, own)
    return FilterState(tables, effect, week.day, rival), week_record


def _log_shape(week: WeekData, model: PriorModel) -> Floats:
    """Return the logarithm of each cell's outcome, ``(rows, cells)``."""
    # What a row without spend would have brought is nobody's business; any money will do.
    money = np.where(week.seen[:, None], week.spend, model.grid.reference)
    return model.grid.log_value(money).reshape(len(money), -1)


def _log_known(tables: Tables, shape: Floats) -> Floats:
    """Return the expected log outcome of each row."""
    known: Floats = np.einsum("rk,rk->r", tables.cell_chance, tables.cell_mean + shape)
    return known


def _events(log_outcome: Floats, week: WeekData) -> Floats:
    """Return how many events a log outcome stands for."""
    events: Floats = np.exp(np.clip(log_outcome, -700.0, 700.0)) / week.event
    return events


def _own_word(
    tables: Tables, week: WeekData, shape: Floats, known: Floats, model: PriorModel, weeks: float
) -> _Own:
    """Return each row's log outcome less what was expected of it, and the variances of that."""
    log_outcome = np.log(np.where(week.seen, week.outcome, 0.0) + 0.5 * week.event)
    expected = _events(known + week.offset, week)
    level = np.einsum("rk,rk->r", tables.cell_chance, np.square(tables.cell_mean + shape))
    nuisance = tables.chance.sum(axis=2)
    noise = nuisance @ np.square(model.noise)
    # What is known within the cells was summed up before the level drifted on.
    within = tables.within + nuisance @ np.square(model.drift) * weeks
    level = np.maximum(level - np.square(known), 0.0) + within
    miss = log_outcome - known - week.offset + 0.5 * noise
    return _Own(miss, level, noise + week.offset_variance + 1.0 / np.maximum(expected, 1.0))


def _weighed(
    state: FilterState,
    week: WeekData,
    expected: _Expected,
    model: PriorModel,
    odd: NDArray[np.bool_],
    *,
    record: bool,
) -> tuple[_RowResults, Rival | None]:
    """Learn from a week by what is believed and by its rivals; the likelier ones are believed.

    Parameters
    ----------
    state
        Before the week; its tables are renewed.
    week, expected
        What is observed, and what it is held against.
    model
        Priors and levels.
    odd
        Rows whose level may have broken.
    record
        Whether ranks are wanted.
    """
    tables, old, known = state.tables, state.rival, model.settings
    rows = np.flatnonzero(odd & known.can_break)
    before = rows_of(tables, rows)
    asked = np.zeros(len(week.seen), np.bool_)
    if old is not None:
        asked[old.rows] = True
        theirs = tables_of(old, tables)
    results = _learn(tables, week, expected, model, model.hypotheses, asked, record=record)
    rivals = []
    if old is not None:
        part, held = _only(week, old.rows), expected.only(old.rows)
        held = held._replace(events=_events(_log_known(theirs, held.shape) + held.shift, part))
        every = np.ones(old.rows.size, np.bool_)
        mine = _learn(theirs, part, held, model, model.hypotheses, every, record=record)
        results.rank[old.rows] += old.chance * (mine.rank - results.rank[old.rows])
        rivals.append(old.after(theirs, mine.likely, results.likely[old.rows]))
    if rows.size:
        part, held = _only(week, rows), expected.only(rows)
        # Nothing is known of a broken level before the week: what came back counts its own noise.
        held = held._replace(events=part.outcome / part.event)
        none = np.zeros(rows.size, np.bool_)
        size = (Hypothesis(1.0, known.outlier_sd**2, 0.0),)
        _learn(before, part, held, model, size, none, record=False)
        rivals.append(broken(rows, before, results.outlier[rows], known))
    return results, settled(tables, rivals) if rivals else None


def _only(week: WeekData, rows: NDArray[np.intp]) -> WeekData:
    """Return some rows of a week."""
    return WeekData._make([week.day, *(part[rows] for part in week[1:-1]), week.eventful])


def _learn(
    tables: Tables,
    week: WeekData,
    expected: _Expected,
    model: PriorModel,
    hypotheses: tuple[Hypothesis, ...],
    asked: NDArray[np.bool_],
    *,
    record: bool,
) -> _RowResults:
    """Renew the tables by a week, in place; the likelihood is that of the rows asked for."""
    results = _RowResults(*np.full((3, len(week.seen)), np.nan))
    results.likely[asked] = 0.0
    for few in (False, True):
        for rows in _rows(week.seen & ((expected.events < _FEW) == few), model):
            _learn_rows(
                tables,
                week,
                expected,
                model,
                hypotheses,
                asked,
                results,
                rows,
                few=few,
                record=record,
            )
    return results


def _rows(held: NDArray[np.bool_], model: PriorModel) -> Iterator[Rows]:
    """Yield the rows that are held, some at a time; a slice where they lie side by side."""
    rows = np.flatnonzero(held)
    for at in blocks(rows.size, model.drift.size * model.cells):
        some = rows[at]
        first, end = int(some[0]), int(some[-1]) + 1
        yield slice(first, end) if end - first == some.size else some


def _learn_rows(
    tables: Tables,
    week: WeekData,
    expected: _Expected,
    model: PriorModel,
    hypotheses: tuple[Hypothesis, ...],
    asked: NDArray[np.bool_],
    results: _RowResults,
    at: Rows,
    *,
    few: bool,
    record: bool,
) -> None:
    """Renew some rows of the tables by what came back."""
    shape, shift, variance, events = (part[at] for part in expected)
    noise = np.square(model.noise)
    level = tables.variance[at]
    centre = tables.mean[at] + shape[:, None, :].astype(model.dtype, copy=False)
    centre += beside(shift[:, None] - 0.5 * noise, centre)
    before = Before(centre, level, level + noise + variance[:, None])
    event, outcome = week.event[at], week.outcome[at]
    log_outcome, counting = np.log(outcome + 0.5 * event), 1.0 / np.maximum(events, 1.0)
    chance = tables.chance[at]
    if record:
        args = (outcome / event, event) if few else (log_outcome, counting)
        results.rank[at] = rank(before, chance, hypotheses, *args, few=few)
    if few:
        each = counts(before, outcome / event, event, hypotheses)
    else:
        each = gaussian(before, log_outcome, counting, hypotheses)
    moved, left, density, after = collapse(each, [one.chance for one in hypotheses], chance)
    tables.mean[at] += moved
    tables.variance[at] = left
    tables.evidence[at] += density
    for one, share in zip(hypotheses, after, strict=True):
        if one.week:
            results.outlier[at] = share
    some = np.flatnonzero(asked[at])
    if some.size:
        # As of a count either way, so that the likelihoods of a row can be compared.
        measure = 0.0 if few else _HALF_LOG_TAU + np.log(outcome / event + 0.5)[some]
        whose = np.arange(asked.size)[at][some]
        results.likely[whose] = _log_likelihood(chance[some], density[some]) - measure


def _log_likelihood(chance: Floats, log_density: Floats) -> Floats:
    """Return each row's log density over its cells and nuisances."""
    most = log_density.max(axis=(1, 2))
    dense = np.exp(log_density - most[:, None, None])
    likely: Floats = most + np.log(np.einsum("rjk,rjk->r", chance, dense))
    return likely


def _write_down(
    into: WeekRecord, tables: Tables, week: WeekData, shape: Floats, known: Floats, own: _Own
) -> None:
    moved = _log_known(tables, shape) - known
    parts = {"miss": own.miss, "moved": moved, "level": own.level, "noise": own.noise}
    for name, part in parts.items():
        getattr(into, name)[week.seen] = part[week.seen]


_TRIED = len(CENTRES)


def weigh(tables: Tables, model: PriorModel, runs: int) -> None:
    r"""Renew the chances of the tables, in place, from their evidence.

    What does not vary by channel is weighed on a small grid: the centre of the saturation prior,
    the usual drift and the usual noise, five points each. Averaging over it, rather than fixing the
    likeliest, is the whole of the hierarchical model. With :math:`L_{ijk}` the likelihood of
    channel ``i`` in nuisance ``j`` and cell ``k``, a triple of centres ``t`` explains the channel
    by :math:`E_{it} = \sum_{jk} L_{ijk}\,p(jk \mid t)`, has the chance :math:`q_t \propto p_t
    \prod_i E_{it}`, and the channel's chances are :math:`\sum_t q_t\,L_{ijk}\,p(jk \mid
    t)/E_{it}`.

    Parameters
    ----------
    tables
        With the evidence of every channel of every run.
    model
        The priors.
    runs
        Number of runs; each has centres of its own.

    References
    ----------
    Gelman et al. (2013), Bayesian Data Analysis, 3rd ed., section 5.3.
    """
    cell, nuisance = model.cell_prior, model.nuisance_prior
    rows, width = runs * model.channels, model.drift.size * model.cells
    channel = np.tile(np.arange(model.channels), runs)
    explained = np.empty((rows, nuisance.shape[1], _TRIED), model.dtype)
    for at in blocks(rows, width):
        likely = tables.chance[at]
        # Only differences count; so they never grow.
        tables.evidence[at] -= tables.evidence[at].max((1, 2), keepdims=True)
        np.exp(tables.evidence[at], out=likely)
        by_cell = _times(likely, np.swapaxes(cell, 1, 2), channel[at])
        explained[at] = _rows_of(nuisance, channel[at]) @ by_cell
    share = _shares(explained, runs)
    for at in blocks(rows, width):
        prior = np.swapaxes(_rows_of(nuisance, channel[at]), 1, 2) @ share[at]
        chance = tables.chance[at]
        chance *= _times(prior, cell, channel[at])
        chance /= chance.sum((1, 2), keepdims=True)
        sum_up(tables, at)


def _shares(explained: Floats, runs: int) -> Floats:
    """Return each triple's chance over how well it explains each channel."""
    square = -0.5 * np.square(CENTRES)
    prior = np.add.outer(np.add.outer(square, square).ravel(), square).astype(explained.dtype)
    np.maximum(explained, tiny(explained), out=explained)
    log_chance = np.log(explained)
    log_chance = log_chance.reshape(runs, -1, *prior.shape).sum(axis=1) + prior
    chance = np.exp(log_chance - log_chance.max((1, 2), keepdims=True))
    chance /= chance.sum((1, 2), keepdims=True)
    each = np.repeat(chance, explained.shape[0] // runs, axis=0)
    share: Floats = each / explained
    return share


def _rows_of(prior: Floats, channel: NDArray[np.intp]) -> Floats:
    """Return a prior of each row; all channels share one where it has one only."""
    return prior if prior.shape[0] == 1 else prior[channel]


def _times(table: Floats, prior: Floats, channel: NDArray[np.intp]) -> Floats:
    """Return the product of each row's table and prior; one product where all share the prior."""
    if prior.shape[0] > 1:
        each: Floats = table @ prior[channel]
        return each
    flat: Floats = table.reshape(-1, table.shape[2]) @ prior[0]
    return flat.reshape(*table.shape[:2], -1)


def sum_up(tables: Tables, at: slice) -> None:
    r"""Renew what the next week needs of the chances.

    By row and cell the chance :math:`p_k = \sum_j p_{jk}` and the mean
    :math:`\sum_j p_{jk} m_{jk} / p_k`; by row the variance inside the cells,
    :math:`\sum_{jk} p_{jk} (v_j + (m_{jk} - m_k)^2)`.
    """
    chance, mean = tables.chance[at], tables.mean[at]
    cell = chance.sum(axis=1)
    middle = np.einsum("rjk,rjk->rk", chance, mean) / np.maximum(cell, tiny(cell))
    away = mean - middle[:, None, :]
    between = np.einsum("rjk,rjk,rjk->r", chance, away, away)
    tables.cell_chance[at] = cell
    tables.cell_mean[at] = middle
    tables.within[at] = between + np.einsum("rjk,rj->r", chance, tables.variance[at])


_LEAST = 0.01
"""Chance below which a rival is given up."""
_LONGEST = 8
"""Weeks after which a rival that still was not decided about is given up: both say the same."""


class Rival(NamedTuple):
    r"""The less likely explanation of some rows: that the level broke, or that it did not.

    In the odd week itself nobody can tell. Collapsed to one normal, the two would leave neither the
    old level nor the new one, and a prediction that holds for both; and as each further low week is
    most easily explained as one more outlier, a collapse would never be believed. So a row under
    suspicion has a second table: the same past, with the level broken in the odd week. Each week
    after that weighs both by what they said of it,

    .. math:: \frac{W}{1 - W} \;\leftarrow\; \frac{W}{1 - W}\,
        \frac{p(y_t \mid \text{broken})}{p(y_t \mid \text{odd})},

    and the likelier one is what is believed. A break of a size is to an outlier of that size as
    their chances, so that the first week leaves both as they were before, and two weeks that agree
    decide. With a wider prior a level that few outcomes tell of would have a mean, as of any wide
    lognormal, that is many times its median: a channel that collapsed and gets little money since.

    Parameters
    ----------
    rows
        Whose it is, shape ``(rivals,)``.
    chance
        That it is the right one.
    weeks
        For how many weeks it has been held against what is believed.
    mean, variance, evidence
        As in `Tables`, a row each.

    References
    ----------
    Ackerson and Fu (1970), On state estimation in switching environments: the filter of second
    order, for the rows that need it.
    """

    rows: NDArray[np.intp]
    chance: Floats
    weeks: NDArray[np.intp]
    mean: Floats
    variance: Floats
    evidence: Floats

    def copy(self) -> Rival:
        """Return a rival that shares no array with this one."""
        return Rival._make(part.copy() for part in self)

    def at(self, chosen: NDArray[Any]) -> Rival:
        """Return some of the rivals."""
        return Rival._make(part[chosen] for part in self)

    def after(self, tables: Tables, mine: Floats, theirs: Floats) -> Rival:
        """Return the rivals a week later.

        Parameters
        ----------
        tables
            Of the rivals, renewed by the week.
        mine, theirs
            Log likelihood of its outcomes by the rivals and by what is believed.
        """
        with np.errstate(over="ignore"):
            chance = 1.0 / (1.0 + (1.0 / self.chance - 1.0) * np.exp(theirs - mine))
        return Rival(self.rows, chance, self.weeks + 1, *tables[:3])


def broken(rows: NDArray[np.intp], tables: Tables, outlier: Floats, settings: Settings) -> Rival:
    """Return levels that may have broken in a week, not yet renewed by it.

    Parameters
    ----------
    rows
        Whose level.
    tables
        What was believed of these rows before the week.
    outlier
        Chance, after the week, that it was one of its own. As breaks and outliers are of one size,
        both explain the week equally well.
    settings
        Chances of both.
    """
    odds = outlier * settings.break_chance / settings.outlier_chance
    none = np.zeros(rows.size, np.intp)
    return Rival(rows, odds / (1.0 + odds), none, *tables[:3])


def rows_of(tables: Tables, rows: NDArray[Any]) -> Tables:
    """Return a copy of some rows."""
    return Tables(*(part[rows] for part in tables))


def tables_of(rival: Rival, tables: Tables) -> Tables:
    """Return rivals as tables of their own; the priors are those of the tables they belong to."""
    apart = rival.evidence - tables.evidence[rival.rows]
    apart -= apart.max(axis=(1, 2), keepdims=True)
    chance = tables.chance[rival.rows] * np.exp(apart)
    chance /= np.maximum(chance.sum(axis=(1, 2), keepdims=True), tiny(chance))
    parts = (rival.mean.copy(), rival.variance.copy(), rival.evidence.copy(), chance)
    shape = (chance.shape[0], chance.shape[2])
    whole = Tables(*parts, np.empty(shape), np.empty(shape), np.empty(shape[0]))
    sum_up(whole, slice(None))
    return whole


def settled(tables: Tables, rivals: list[Rival]) -> Rival | None:
    """Return the rivals that are left after a week; a likelier one changes places, in place.

    Parameters
    ----------
    tables
        What is believed, renewed by the week.
    rivals
        All that there are; of two for a row the likelier one is kept.
    """
    every = Rival._make(np.concatenate(part) for part in zip(*rivals, strict=True))
    order = np.lexsort((-every.chance, every.rows))
    every = every.at(order[np.unique(every.rows[order], return_index=True)[1]])
    better = every.chance > 0.5
    at = every.rows[better]
    for mine, theirs in zip(every[3:], tables[:3], strict=True):
        mine[better], theirs[at] = theirs[at], mine[better]
    every.chance[better] = 1.0 - every.chance[better]
    still = (every.chance > _LEAST) & (every.weeks < _LONGEST)
    return every.at(still) if still.any() else None
