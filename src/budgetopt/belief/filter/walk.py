"""The weeks one after another: what was known before each, what it said, what is known after."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from budgetopt.belief.filter.observe import Before, collapse, counts, gaussian
from budgetopt.belief.filter.predict import rank
from budgetopt.belief.filter.tables import Model, State, Tables, Week, beside, blocks
from budgetopt.belief.filter.week_effect import ahead, effect_start, hear
from budgetopt.belief.filter.weigh import weigh
from budgetopt.curves.base import Floats

_FEW = 25.0
"""Events expected in a week below which counts are learned as counts. At 25 both ways agree."""
_DAYS = 7.0
Rows = slice | NDArray[np.intp]
"""Some rows of the tables."""


class Heard(NamedTuple):
    """What a week told of each row, for the record; each of shape ``(rows,)``, NaN where unseen.

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


class _Own(NamedTuple):
    """What each row says by itself: its miss, and the variances of level and week."""

    miss: Floats
    level: Floats
    noise: Floats


def start(model: Model, centre: Floats, sd: Floats) -> State:
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
    return State(tables, effect_start(model.settings, model.channels, runs), None)


def step(state: State, week: Week, model: Model, *, record: bool = False) -> tuple[State, Heard]:
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
    heard
        For the record; only outliers where it was not asked for.
    """
    tables, runs = state.tables, len(week.seen) // model.channels
    weeks = 0.0 if state.day is None else float((week.day - state.day).astype(int)) / _DAYS
    tables.variance[:] += np.square(model.drift) * weeks
    effect = None if state.effect is None else ahead(state.effect, model.settings, weeks)
    shape = _log_shape(week, model)
    known = np.einsum("rk,rk->r", tables.cell_chance, tables.cell_mean + shape)
    shift, variance = week.offset.copy(), week.offset_variance.copy()
    own = _own_word(tables, week, shape, known, model, weeks)
    if effect is not None:
        extra = model.settings.event_sd**2 if week.eventful else 0.0
        square = (runs, model.channels)
        rho, spread = own.miss.reshape(square), (own.level + own.noise).reshape(square)
        mean, doubt, effect = hear(effect, rho, spread, week.seen.reshape(square), extra)
        shift, variance = shift + mean.ravel(), variance + doubt.ravel()
        own = own._replace(miss=own.miss - mean.ravel(), noise=own.noise + doubt.ravel())
    heard = Heard(*np.full((len(Heard._fields), len(week.seen)), np.nan))
    events = np.exp(np.clip(known + shift, -700.0, 700.0)) / week.event
    expected = _Expected(shape, shift, variance, events)
    for few in (False, True):
        for rows in _rows(week.seen & ((events < _FEW) == few), model):
            _learn(tables, week, expected, heard, model, rows, few=few, record=record)
    weigh(tables, model, runs)
    if record:
        _write_down(heard, tables, week, shape, known, own)
    return State(tables, effect, week.day), heard


def _write_down(
    heard: Heard, tables: Tables, week: Week, shape: Floats, known: Floats, own: _Own
) -> None:
    now = np.einsum("rk,rk->r", tables.cell_chance, tables.cell_mean + shape)
    told = (own.miss, now - known, own.level, own.noise)
    for into, part in zip((heard.miss, heard.moved, heard.level, heard.noise), told, strict=True):
        into[week.seen] = part[week.seen]


def _log_shape(week: Week, model: Model) -> Floats:
    """Return the logarithm of each cell's outcome, ``(rows, cells)``."""
    # What a row without spend would have brought is nobody's business; any money will do.
    money = np.where(week.seen[:, None], week.spend, model.grid.reference)
    return model.grid.log_value(money).reshape(len(money), -1)


def _own_word(
    tables: Tables, week: Week, shape: Floats, known: Floats, model: Model, weeks: float
) -> _Own:
    """Return each row's log outcome less what was expected of it, and the variances of that."""
    log_outcome = np.log(np.where(week.seen, week.outcome, 0.0) + 0.5 * week.event)
    expected = np.exp(np.clip(known + week.offset, -700.0, 700.0)) / week.event
    level = np.einsum("rk,rk->r", tables.cell_chance, np.square(tables.cell_mean + shape))
    nuisance = tables.chance.sum(axis=2)
    noise = nuisance @ np.square(model.noise)
    # What is known within the cells was summed up before the level drifted on.
    within = tables.within + nuisance @ np.square(model.drift) * weeks
    level = np.maximum(level - np.square(known), 0.0) + within
    miss = log_outcome - known - week.offset + 0.5 * noise
    return _Own(miss, level, noise + week.offset_variance + 1.0 / np.maximum(expected, 1.0))


def _rows(held: NDArray[np.bool_], model: Model) -> Iterator[Rows]:
    """Yield the rows that are held, some at a time; a slice where they lie side by side."""
    rows = np.flatnonzero(held)
    for at in blocks(rows.size, model.drift.size * model.cells):
        some = rows[at]
        first, end = int(some[0]), int(some[-1]) + 1
        yield slice(first, end) if end - first == some.size else some


def _learn(
    tables: Tables,
    week: Week,
    expected: _Expected,
    heard: Heard,
    model: Model,
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
    hypotheses = model.hypotheses
    if record:
        args = (outcome / event, event) if few else (log_outcome, counting)
        heard.rank[at] = rank(before, chance, hypotheses, *args, few=few)
    if few:
        told = counts(before, outcome / event, event, hypotheses)
    else:
        told = gaussian(before, log_outcome, counting, hypotheses)
    moved, left, density, after = collapse(told, [one.chance for one in hypotheses], chance)
    tables.mean[at] += moved
    tables.variance[at] = left
    tables.evidence[at] += density
    for one, share in zip(hypotheses, after, strict=True):
        if one.week:
            heard.outlier[at] = share
