"""Charts as data and geometry: lines with bands, bars, and stacked columns; templates draw them.

A chart holds its numbers and says where they lie, in shares of its area; `page.html` draws the
shapes as SVG that stretches with the page, and every label as text of the page, so that none is
clipped, small on a phone, or without a glyph that the reader's system has. Each has a `table` of
its figures, for those who read rather than look.

They are drawn here and not by a plotting library, which was tried: Altair with vl-convert took
13 s for the first chart and 0.9 s for each one more on a busy machine, adds 88 MB, measures labels
by fonts of its own, and its SVG knows neither dark pages nor phones.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, NamedTuple

from budgetopt.i18n import show_figure
from budgetopt.report.text import Table, figures

WIDTH, HEIGHT = 1000.0, 300.0
"""Units of a drawing, which the page stretches."""
_TICKS = 4
"""Steps of an axis, about."""
_MARGIN = 0.02
"""Room beside the first and the last place of an axis of numbers, as a share of it."""
_CENTRAL = 0.06
"""Share of the axis by which a label may be off the middle and be shown there."""
_BESIDE = " · "
"""What stands in a label before what it says beside its place."""
PALETTE = 8
"""Colours that are told apart; what is beyond is drawn as the last."""


class Series(NamedTuple):
    """Numbers along a chart's axis.

    Parameters
    ----------
    name
        What they are of.
    values
        Numbers; NaN where there is none.
    low, high
        Ends of their range; empty where there is none.
    dots
        Whether every number is a point of its own and not one of a line.
    """

    name: str
    values: Sequence[float]
    low: Sequence[float] = ()
    high: Sequence[float] = ()
    dots: bool = False


class Tick(NamedTuple):
    """A number on an axis, and where it stands in percent from the bottom or the left."""

    at: float
    text: str


class Column(NamedTuple):
    """What stands above one label of the axis: where, how wide, and all its figures."""

    x: float
    width: float
    title: str


@dataclass(frozen=True)
class Axis:
    """Round numbers from the least to the most that is shown.

    Parameters
    ----------
    low, high
        Ends.
    step
        From one round number to the next.
    """

    low: float
    high: float
    step: float

    @classmethod
    def over(cls, values: Sequence[float]) -> Axis:
        """Return the axis of some numbers, zero among them."""
        known = [v for v in values if math.isfinite(v)]
        low, high = min([0.0, *known]), max([0.0, *known])
        if low == high:
            return cls(0.0, 1.0, _step(1.0 / _TICKS))
        step = _step((high - low) / _TICKS)
        return cls(step * math.floor(low / step), step * math.ceil(high / step), step)

    def share(self, value: float) -> float:
        """Return where a number lies between the ends, 0 to 1."""
        return (value - self.low) / (self.high - self.low)

    def y(self, value: float) -> float:
        """Return how far below the top of a drawing a number lies."""
        return HEIGHT * (1 - self.share(value))

    @property
    def ticks(self) -> list[Tick]:
        """Round numbers on the axis."""
        count = round((self.high - self.low) / self.step)
        values = [self.low + self.step * at for at in range(count + 1)]
        return [Tick(100 * self.share(v), show_figure(v, 4)) for v in values]


def _step(size: float) -> float:
    """Return the round number, 1, 2 or 5 times a power of ten, that is at least a size."""
    power = 10.0 ** math.floor(math.log10(size))
    return next(power * n for n in (1, 2, 5, 10) if power * n >= size * (1 - 1e-9))


@dataclass(frozen=True)
class Lines:
    """Lines and points over labels, with bands around them.

    Parameters
    ----------
    title
        What the chart shows.
    axis
        What the labels are.
    labels
        One for each number.
    series
        What is drawn.
    places
        Where the labels stand, as rising numbers; empty where they are evenly spaced.
    """

    title: str
    axis: str
    labels: Sequence[str]
    series: Sequence[Series]
    places: Sequence[float] = ()

    @property
    def scale(self) -> Axis:
        """The axis of the numbers."""
        return Axis.over([v for one in self.series for v in (*one.values, *one.low, *one.high)])

    @property
    def table(self) -> Table:
        """All figures of the chart."""
        heads, columns = [self.axis], [list(self.labels)]
        for one in self.series:
            parts = [one.values, *([one.low, one.high] if one.low else [])]
            texts = figures([v for part in parts for v in part])
            names = [one.name, f"{one.name} ≥", f"{one.name} ≤"]
            for at, name in zip(range(len(parts)), names, strict=False):
                heads.append(name)
                columns.append(texts[at * len(self.labels) : (at + 1) * len(self.labels)])
        return Table(heads, columns)

    @property
    def shapes(self) -> Iterator[Mapping[str, Any]]:
        """Bands first, then lines and points, each with its path and the number of its colour."""
        scale = self.scale
        for at, one in enumerate(self.series):
            if one.low:
                yield {"kind": "band", "colour": at % PALETTE, "path": self._band(scale, one)}
        for at, one in enumerate(self.series):
            path = self._path(scale, one)
            yield {"kind": "dots" if one.dots else "line", "colour": at % PALETTE, "path": path}

    @property
    def columns(self) -> list[Column]:
        """What is shown of each label on hover."""
        table, xs = self.table, [self._x(at) for at in range(len(self.labels))]
        edges = [0.0, *((a + b) / 2 for a, b in pairwise(xs)), WIDTH]
        rows, heads = table.rows, [table.headings[at] for at in table.used()]
        found = []
        for at, (label, *cells) in enumerate(rows):
            said = [f"{h} {c}" for h, c in zip(heads[1:], cells, strict=True) if c]
            width = edges[at + 1] - edges[at]
            found.append(Column(edges[at], width, "\n".join([label, *said])))
        return found

    @property
    def ends(self) -> list[str]:
        """The labels below the chart: first, last, and the middle one where it is in the middle."""
        count, middle = len(self.labels), (len(self.labels) - 1) // 2
        central = abs(self._x(middle) / WIDTH - 0.5) < _CENTRAL
        shown = (0, middle, count - 1) if central else (0, count - 1)
        # What a label says beside its place, such as the phase of a week, has no room there.
        return [self.labels[at].partition(_BESIDE)[0] for at in dict.fromkeys(shown)]

    def _x(self, at: int) -> float:
        count = len(self.labels)
        if not self.places or self.places[-1] <= self.places[0]:
            return WIDTH * (at + 0.5) / count
        share = (self.places[at] - self.places[0]) / (self.places[-1] - self.places[0])
        return WIDTH * (_MARGIN + (1 - 2 * _MARGIN) * share)

    def _path(self, scale: Axis, one: Series) -> str:
        parts, pen = [], "M"
        for at, value in enumerate(one.values):
            if not math.isfinite(value):
                pen = "M"
                continue
            x, y = self._x(at), scale.y(value)
            parts.append(f"M{x:.1f} {y:.1f}h0" if one.dots else f"{pen}{x:.1f} {y:.1f}")
            pen = "L"
        return "".join(parts)

    def _band(self, scale: Axis, one: Series) -> str:
        """Return the outlines of a band, one for each stretch without a gap."""
        parts: list[str] = []
        stretch: list[tuple[float, float, float]] = []
        ends = zip(one.low, one.high, strict=True)
        for at, (low, high) in enumerate([*ends, (math.nan, math.nan)]):
            if math.isfinite(low) and math.isfinite(high):
                stretch.append((self._x(at), scale.y(low), scale.y(high)))
            elif stretch:
                # A single week is a bar of its own, as wide as a third of its column.
                if len(stretch) == 1:
                    (x, bottom, top), half = stretch[0], WIDTH / len(one.low) / 6
                    stretch = [(x - half, bottom, top), (x + half, bottom, top)]
                above = [f"{x:.1f} {top:.1f}" for x, _, top in stretch]
                below = [f"{x:.1f} {bottom:.1f}" for x, bottom, _ in reversed(stretch)]
                parts.append("M" + "L".join([*above, *below]) + "Z")
                stretch = []
        return "".join(parts)


@dataclass(frozen=True)
class Stack:
    """Columns of parts that stand on each other, such as money by channel and week.

    Parameters
    ----------
    title
        What the chart shows.
    axis
        What the labels are.
    labels
        One a column.
    series
        The parts, the lowest first; none below zero.
    """

    title: str
    axis: str
    labels: Sequence[str]
    series: Sequence[Series]

    @property
    def _tops(self) -> list[list[float]]:
        """Where each part of each column ends, counted from the bottom."""
        tops, before = [], [0.0] * len(self.labels)
        for one in self.series:
            known = [max(0.0, v) if math.isfinite(v) else 0.0 for v in one.values]
            before = [a + b for a, b in zip(before, known, strict=True)]
            tops.append(before)
        return tops

    @property
    def scale(self) -> Axis:
        """The axis of the numbers."""
        return Axis.over(self._tops[-1] if self.series else [])

    @property
    def table(self) -> Table:
        """All figures of the chart."""
        return Lines(self.title, self.axis, self.labels, self.series).table

    @property
    def columns(self) -> list[Column]:
        """What is shown of each label on hover."""
        return Lines(self.title, self.axis, self.labels, self.series).columns

    @property
    def ends(self) -> list[str]:
        """The labels that stand below the chart."""
        return Lines(self.title, self.axis, self.labels, self.series).ends

    @property
    def shapes(self) -> Iterator[Mapping[str, Any]]:
        """One path for each part, all its rectangles in it."""
        scale, width = self.scale, WIDTH / max(1, len(self.labels))
        before = [0.0] * len(self.labels)
        for at, tops in enumerate(self._tops):
            parts = []
            for column, (low, high) in enumerate(zip(before, tops, strict=True)):
                if high > low:
                    x, y = width * (column + 0.1), scale.y(high)
                    tall = scale.y(low) - y
                    parts.append(
                        f"M{x:.1f} {y:.1f}h{0.8 * width:.1f}v{tall:.1f}h-{0.8 * width:.1f}Z"
                    )
            before = tops
            yield {"kind": "area", "colour": at % PALETTE, "path": "".join(parts)}


class Mark(NamedTuple):
    """One bar of a row.

    Parameters
    ----------
    kind
        ``"before"``, ``"after"`` or ``"only"``, which decides how it looks.
    value
        Where it ends; it begins at zero.
    text
        The same as it is written.
    low, high
        Ends of its range; NaN where there is none.
    """

    kind: str
    value: float
    text: str
    low: float = math.nan
    high: float = math.nan


@dataclass(frozen=True)
class Bars:
    """Bars beside each other by name: one a name, or before and after.

    Parameters
    ----------
    title
        What the chart shows.
    rows
        Bars by name.
    legend
        What kinds of bars are called, by kind; empty where there is one.
    """

    title: str
    rows: Mapping[str, Sequence[Mark]]
    legend: Mapping[str, str]

    @property
    def scale(self) -> Axis:
        """The axis of the numbers."""
        marks = [mark for row in self.rows.values() for mark in row]
        return Axis.over([v for m in marks for v in (m.value, m.low, m.high)])

    @property
    def drawn(self) -> list[tuple[str, list[Mapping[str, Any]]]]:
        """The rows, each bar with its ends and those of its range in percent."""
        scale = self.scale
        zero = 100 * scale.share(0.0)
        return [
            (name, [_bar(scale, zero, mark) for mark in row]) for name, row in self.rows.items()
        ]


def _bar(scale: Axis, zero: float, mark: Mark) -> Mapping[str, Any]:
    value = 0.0 if math.isnan(mark.value) else mark.value
    end = 100 * scale.share(value)
    ranged = math.isfinite(mark.low) and math.isfinite(mark.high)
    return {
        "kind": mark.kind,
        "text": mark.text,
        "x": f"{min(zero, end):.2f}",
        "width": f"{abs(end - zero):.2f}",
        "low": f"{100 * scale.share(mark.low):.2f}" if ranged else "",
        "high": f"{100 * scale.share(mark.high):.2f}" if ranged else "",
    }
