"""Response curves that other models published as tables, as curves of ours.

From simple to subtle: `read_points` reads a table of points per channel, as Meridian reports it,
with its bounds; `read_draws` a table of points per channel and draw; `read_parameters` a table of
the parameters of curves, per draw where it has them; `from_draws` takes arrays; `read_curves` reads
one file of any model, whose kind its name and its columns tell. Money and outcome are per week, or
divided by the weeks that a table's totals are of.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from os import PathLike
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from budgetopt.arrays import Floats
from budgetopt.curves import KINDS, Curve, Mixture, Points
from budgetopt.errors import CurveError, did_you_mean
from budgetopt.exchange.draws import CurveDraws
from budgetopt.exchange.files import numbers, refused, texts
from budgetopt.exchange.inference import open_inference
from budgetopt.exchange.pymc import read_pymc
from budgetopt.exchange.robyn import read_robyn_json
from budgetopt.history import TABLES, Table, as_text, load_plain
from budgetopt.messages import Message, say
from budgetopt.notebook import short

_NEARLY = 1e-6
"""Share of the top by which a published curve may fall from rounding."""


@short
@dataclass(frozen=True)
class PointCurve:
    """One channel's published curve.

    Parameters
    ----------
    mean
        The curve.
    low, high
        Its published bounds, None where the table has none.
    """

    mean: Points
    low: Points | None = None
    high: Points | None = None


def read_points(
    path: str | PathLike[str],
    *,
    weeks: int = 1,
    channel: str = "channel",
    spend: str = "spend",
    outcome: str = "mean",
    low: str = "ci_lo",
    high: str = "ci_hi",
) -> dict[str, PointCurve]:
    """Return the curves of a table of points, one row a channel and spend.

    Parameters
    ----------
    path
        A table, of any kind of file that a history is read from.
    weeks
        Weeks that the table's totals are of; the curves are per week.
    channel, spend, outcome, low, high
        Names of the columns; those of the bounds may be missing.

    Raises
    ------
    HistoryError
        ``bad-file``, ``bad-columns`` or ``bad-number``.
    CurveError
        ``bad-curve`` for points that are no curve.
    """
    if weeks < 1:
        raise refused("bad-argument", "weeks", say("weeks-is", weeks=weeks), say("remedy-least-1"))
    table = load_plain(path, (channel, spend, outcome), (low, high))
    bounds = [name if name in table.cells else None for name in (low, high)]
    channels = np.array(texts(table, channel))
    made = {}
    for name in dict.fromkeys(channels.tolist()):
        rows = table.take(channels == name)
        mean, lower, upper = (
            None if column is None else _points(rows, spend, column, weeks)
            for column in (outcome, *bounds)
        )
        assert mean is not None
        made[name] = PointCurve(mean, lower, upper)
    return made


def _points(rows: Table, spend: str, outcome: str, weeks: int) -> Points:
    """Return one curve of a table, per week."""
    x = numbers(rows, spend) / weeks
    order = np.argsort(x, kind="stable")
    return Points(x[order], _rising(numbers(rows, outcome)[order] / weeks))


def from_draws(spend: Sequence[float] | Floats, outcome: Floats) -> Mixture:
    """Return the mean of a posterior's draws as a curve; its cells are the draws.

    Parameters
    ----------
    spend
        The grid, rising, shape ``(points,)``.
    outcome
        Outcome of each draw on the grid, shape ``(draws, points)`` of one channel or
        ``(draws, channels, points)``.

    Raises
    ------
    CurveError
        ``bad-curve``.
    """
    grid, values = np.asarray(spend, dtype=np.float64), np.asarray(outcome, dtype=np.float64)
    if values.ndim not in (2, 3) or values.shape[-1] != grid.size:
        raise CurveError("bad-curve", say("draws-shape-grid", shape=values.shape,
                         shape_2=grid.shape), field="outcome", value=str(values.shape),
                         remedy=say("remedy-draws-points-draws"))  # fmt: skip
    cells = np.moveaxis(values, 0, -2)
    whole = Points(np.broadcast_to(grid, cells.shape).copy(), cells)
    draws = values.shape[0]
    return Mixture(whole, np.full(cells.shape[:-1], 1.0 / draws))


def read_draws(
    path: str | PathLike[str],
    *,
    weeks: int = 1,
    channel: str = "channel",
    draw: str = "draw",
    spend: str = "spend",
    outcome: str = "outcome",
) -> CurveDraws:
    """Return a posterior that is given by points, one row a channel, draw and spend.

    Parameters
    ----------
    path
        A table, of any kind of file that a history is read from. Every
        draw of a channel has the same spends.
    weeks
        Weeks that the table's totals are of; the curves are per week.
    channel, draw, spend, outcome
        Names of the columns.

    Raises
    ------
    HistoryError
        ``bad-file``, ``bad-columns``, ``bad-number`` or ``bad-name``.
    CurveError
        ``bad-curve`` for points that are no curve, and where draws or points are missing.
    """
    if weeks < 1:
        raise refused("bad-argument", "weeks", say("weeks-is", weeks=weeks), say("remedy-least-1"))
    table = load_plain(path, (channel, draw, spend, outcome))
    x, y = numbers(table, spend) / weeks, numbers(table, outcome) / weeks
    (draw_of, draws), (channel_of, names) = (_numbered(table, name) for name in (draw, channel))
    order = np.lexsort((x, channel_of, draw_of))
    points, left = divmod(x.size, max(len(draws) * len(names), 1))
    shape = (len(draws), len(names), points)
    full = (np.bincount(draw_of * len(names) + channel_of) == points) if not left else [False]
    if not x.size or not np.all(full) or len(full) < len(draws) * len(names):
        raise _no_curve(path, say("draws-other-numbers"), say("remedy-all-points"))
    grid = x[order].reshape(shape)
    if not np.array_equal(grid, np.broadcast_to(grid[:1], shape)):
        raise _no_curve(path, say("draws-other-spends"), say("remedy-draw-same-spends"))
    heights = y[order].reshape(shape)
    return CurveDraws.on_grid(names, grid[0], _rising(heights))


def read_parameters(
    path: str | PathLike[str], *, channel: str = "channel", kind: str = "kind", draw: str = "draw"
) -> CurveDraws:
    """Return the curves of a table of parameters, one row a channel, or a channel and draw.

    Parameters
    ----------
    path
        A table, of any kind of file that a history is read from. Parameters have the names and the
        units that a plan file gives them: for a ``hill`` curve ``top`` in outcome per week,
        ``half`` in money per week and ``shape``.
    channel, kind, draw
        Names of the columns. All rows have one kind; without `draw` there is one draw.

    Raises
    ------
    HistoryError
        ``bad-file``, ``bad-columns``, ``bad-number`` or ``bad-name``.
    CurveError
        ``bad-curve`` for kinds that are not known or differ, for parameters out of range and where
        draws are missing.
    """
    table = load_plain(path, (channel, kind), (draw,))
    kinds = list(dict.fromkeys(texts(table, kind)))
    known = [name for name in KINDS if name != Points.kind]
    if len(kinds) != 1 or kinds[0] not in known:
        shown = ", ".join(repr(str(name)[:40]) for name in kinds[:4]) or "none"
        raise _no_curve(path, say("curves-kind", shown=shown), did_you_mean(
            str(kinds[0]) if kinds else "", known) if len(kinds) < 2 else say("remedy-kind-table")
        )  # fmt: skip
    made = KINDS[kinds[0]]
    names = [name for name in made.__dataclass_fields__ if name != "kind"]  # type: ignore[attr-defined]
    for name in names:
        if name not in table.cells:
            raise refused("bad-columns", name, say("curve-needs-column", kinds=kinds[0],
                          name=repr(name)), say("remedy-give-needed", needed=[*names]))  # fmt: skip
    channel_of, channels = _numbered(table, channel)
    one: tuple[NDArray[np.intp], tuple[str, ...]] = np.zeros_like(channel_of), ("",)
    draw_of, draws = _numbered(table, draw) if draw in table.cells else one
    shape = (len(channels), len(draws))
    place = channel_of * len(draws) + draw_of
    if not np.array_equal(np.sort(place), np.arange(shape[0] * shape[1])):
        raise _no_curve(path, say("draw-twice-not"), say("remedy-each-once"))
    order = np.argsort(place)
    parts = {name: numbers(table, name)[order].reshape(shape) for name in names}
    return CurveDraws(channels, made(**parts))


def _numbered(table: Table, name: str) -> tuple[NDArray[np.intp], tuple[str, ...]]:
    """Return a number for the label in every row, and the labels in the order of their numbers."""
    labels = table.cells[name].map(as_text)
    return labels.at, tuple(labels.spellings)


def _no_curve(path: str | PathLike[str], problem: Message, remedy: Message) -> CurveError:
    text = say("label-value", label=Path(path).name, value=problem)
    return CurveError("bad-curve", text, field="path", value=str(path), remedy=remedy)


def _rising(values: Floats) -> Floats:
    """Return values without the falls that rounding leaves; a real fall is refused by `Points`."""
    top = np.maximum.accumulate(values, axis=-1)
    return top if np.all(top - values <= _NEARLY * np.abs(values).max(initial=0.0)) else values


def read_curves(path: str | PathLike[str], *, weeks: int = 1) -> CurveDraws | Mapping[str, Curve]:
    """Return the curves of a file, as `allocate` and `frontier` take them.

    ==========  ==========================================  =====================
    file        with                                        read by
    ==========  ==========================================  =====================
    ``.json``   a model that Robyn exported                 `read_robyn_json`
    ``.nc``     InferenceData of PyMC-Marketing             `read_pymc`
    table       a column ``kind``                           `read_parameters`
    table       columns ``draw`` and ``outcome``            `read_draws`
    table       columns ``spend`` and ``mean``              `read_points`
    ==========  ==========================================  =====================

    Parameters
    ----------
    path
        The file.
    weeks
        Weeks that the totals of a table of points are of.

    Raises
    ------
    HistoryError
        ``bad-file`` for another suffix, and for InferenceData of Meridian, which need its data
        (`read_meridian`); else as those functions.
    CurveError
        As those functions.
    """
    name, kind = Path(path).name, Path(path).suffix.lower()
    if kind == ".json":
        return {channel: one.steady for channel, one in read_robyn_json(path).items()}
    if kind == ".nc":
        if "alpha_m" in open_inference(path).variables("posterior"):
            raise refused("bad-file", "curves", say("model-meridian-whose", name=name),
                          say("remedy-read-python-read"))  # fmt: skip
        return read_pymc(path)
    if kind not in TABLES:
        raise refused("bad-file", "curves", say("no-file-curves", name=name),
                      say("remedy-give-one-of", kinds=[*TABLES, ".json", ".nc"]))  # fmt: skip
    columns = load_plain(path, ("channel",)).cells
    if "kind" in columns:
        return read_parameters(path)
    if "draw" in columns:
        return read_draws(path, weeks=weeks)
    return {channel: one.mean for channel, one in read_points(path, weeks=weeks).items()}
