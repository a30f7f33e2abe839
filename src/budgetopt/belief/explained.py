"""What one total's model says of its weeks: the parts of each, and the last quarter held out.

`decompose` is how each week's total came about, by what the model expects; `held_out` predicts the
last quarter from the weeks before it, learned from them alone.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from scipy.special import stdtrit

from budgetopt.belief.aggregate import completed, regressed, usable
from budgetopt.belief.inputs import event_columns
from budgetopt.belief.log import ObservationLog
from budgetopt.belief.posterior import wrong
from budgetopt.belief.regression import freedom_of
from budgetopt.belief.settings import Settings
from budgetopt.i18n import say
from budgetopt.notebook import short

if TYPE_CHECKING:
    import pandas as pd


class Part(NamedTuple):
    """One part of every week's total.

    Parameters
    ----------
    kind
        ``"baseline"``, ``"season"``, ``"event"``, ``"control"``, ``"channel"`` or ``"left-over"``.
    name
        Of the event, control or channel; else empty.
    outcome
        What it brought by week.
    """

    kind: str
    name: str
    outcome: tuple[float, ...]


@short
@dataclass(frozen=True)
class Decomposition:
    r"""How the totals of weeks came about: parts that add up to what was reported.

    Parameters
    ----------
    weeks
        First days of the weeks that are learned from.
    parts
        First the baseline (level and trend), then season, events and controls, which are above or
        below it, the channels, and at last what the model leaves over.
    actual
        What was reported, completed where outcomes arrive late.

    Notes
    -----
    Each part is its posterior mean in the model's weeks, :math:`x_{jt}\hat\gamma_j`; what a
    channel brings is as little known as its band of ROAS says, and the baseline with it.
    """

    weeks: tuple[dt.date, ...]
    parts: tuple[Part, ...]
    actual: tuple[float, ...]

    def to_frame(self) -> pd.DataFrame:
        """Return one row a week and part: week, kind, name and outcome."""
        import pandas as pd

        days, count = np.array(self.weeks, dtype="datetime64[D]"), len(self.weeks)
        return pd.DataFrame(
            {
                "week": np.tile(days, len(self.parts)),
                "kind": np.repeat([part.kind for part in self.parts], count),
                "name": np.repeat([part.name for part in self.parts], count),
                "outcome": np.concatenate([part.outcome for part in self.parts]),
            }
        )


def decompose(log: ObservationLog, settings: Settings) -> Decomposition:
    """Return the parts of the weeks that one total is learned from."""
    total = completed(log)
    used = usable(log.spend, total)
    found = regressed(log, settings.total_grid(log.reference), settings, used)
    model, base, features = found.at(used)
    first, groups = base.shape[1], found.fit.groups
    apart = found.size * base * model.coefficients[:first]
    effect = found.size * (groups.part * model.coefficients[first:][groups.of])
    events, controls = event_columns(log)[0], tuple(log.controls)
    jumps = sum(one.weeks.size for one in found.fit.shifts)
    usual = first - len(events) - len(controls) - jumps
    level = ~found.base.season
    level[usual : first - jumps] = False
    each = [
        ("baseline", "", apart[:, level].sum(axis=1)),
        ("season", "", apart[:, found.base.season].sum(axis=1)),
        *(("event", name, apart[:, usual + at]) for at, name in enumerate(events)),
        *(("control", n, apart[:, usual + len(events) + at]) for at, n in enumerate(controls)),
    ]
    brought = {name: part[used] for name, part in found.pinned.items()}
    seen = np.array(log.channels, dtype=object)[found.seen].tolist()
    brought |= dict(zip(seen, (features * effect).T, strict=True))
    each += [("channel", name, brought[name]) for name in log.channels if name in brought]
    left = total[used] - sum(part for _, _, part in each)
    parts = [Part(kind, name, tuple(x.tolist())) for kind, name, x in each]
    days = log.weeks[used].astype("datetime64[D]").tolist()
    over = Part("left-over", "", tuple(left.tolist()))
    return Decomposition(tuple(days), (*parts, over), tuple(total[used].tolist()))


@short
@dataclass(frozen=True)
class HeldOut:
    """The last weeks, predicted from those before them, with their spends, events and controls.

    Parameters
    ----------
    weeks
        First days.
    forecast, low, high
        What was expected, and the ends of the band.
    actual
        What was reported, completed where outcomes arrive late.
    level
        Chance inside the band.
    """

    weeks: tuple[dt.date, ...]
    forecast: tuple[float, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]
    actual: tuple[float, ...]
    level: float

    @property
    def inside(self) -> int:
        """How many of the weeks lie in their band."""
        ends = zip(self.low, self.actual, self.high, strict=True)
        return sum(low <= actual <= high for low, actual, high in ends)

    @property
    def error(self) -> float:
        """Mean distance of forecast and actual, as a share of the mean actual."""
        actual = np.array(self.actual)
        return float(np.mean(np.abs(actual - self.forecast)) / abs(actual.mean()))

    def to_frame(self) -> pd.DataFrame:
        """Return one row a week: week, forecast, low, high and actual."""
        import pandas as pd

        columns = ("forecast", "low", "high", "actual")
        days = np.array(self.weeks, dtype="datetime64[D]")
        return pd.DataFrame({"week": days} | {name: getattr(self, name) for name in columns})


HELD_OUT = 13
"""Weeks that are held out: a quarter. Twice as many must be left to learn from."""


def held_out(log: ObservationLog, settings: Settings, level: float) -> HeldOut | None:
    r"""Return the last quarter predicted from the weeks before it; None where that cannot be.

    A prediction is Student's law around :math:`x^T\hat\gamma` with the scale
    :math:`\sqrt{Var(x^T\gamma) + \sigma^2}` and the degrees of freedom of the errors. It cannot be
    made from fewer than 26 weeks, nor where a channel has no money before the quarter but in it.

    Raises
    ------
    InputError
        ``bad-argument`` for a level that is not between 0 and 1.
    """
    if not 0.0 < level < 1.0:
        raise wrong("level", say("part-is-value", level=repr(level)), say("remedy-share-between-0"))
    total = completed(log)
    good = usable(log.spend, total)
    if good.sum() < 3 * HELD_OUT:
        return None
    test = good & (np.cumsum(good[::-1])[::-1] <= HELD_OUT)
    used = good & ~test
    news = (np.nansum(log.spend[used], axis=0) == 0) & (np.nansum(log.spend[test], axis=0) > 0)
    if news.any() or not total[used].mean() > 0:
        return None
    found = regressed(log, settings.total_grid(log.reference), settings, used)
    model, base, features = found.at(test)
    columns = np.hstack([base, found.fit.groups.mixed(features)])
    middle = found.size * (columns @ model.coefficients)
    middle += sum(brought[test] for brought in found.pinned.values())
    scale = found.size * np.sqrt(model.fit_variance(columns) + found.fit.weighed.overall.noise)
    far = stdtrit(freedom_of(found.fit.rows.told), 0.5 + 0.5 * level) * scale
    days = log.weeks[test].astype("datetime64[D]").tolist()
    sides = (middle, middle - far, middle + far, total[test])
    forecast, low, high, actual = (tuple(side.tolist()) for side in sides)
    return HeldOut(tuple(days), forecast, low, high, actual, level)
