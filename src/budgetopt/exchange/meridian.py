r"""Meridian: saved InferenceData with the data of the model, as draws of response curves.

The file holds parameters, and the model's scales follow from its data. A draw's curve of a channel
is the response curve that Meridian reports: the media of all weeks, in their own pattern, times m
bring

.. math::
    R(m) = \sum_{g,t} p_g\,\sigma\,v_{gt}\,\beta_g\,
        h\Bigl(m \sum_{l=0}^{L} w_l\,x_{g,t-l}\Bigr), \qquad
    h(z) = \frac{z^s}{z^s + e^s}

with population p, outcome v of a unit of the KPI, media x over their population and over the median
of what is above zero so, the standard deviation :math:`\sigma` of the KPI over population, and
weights of lags that sum to one. Where Hill comes before adstock, the sums change places. The curve
is :math:`R(m)` per week over m times the money per week.
"""

from __future__ import annotations

from os import PathLike
from typing import Any, Literal, NamedTuple

import numpy as np

from budgetopt.arrays import Floats
from budgetopt.errors import CurveError, did_you_mean
from budgetopt.exchange.draws import CurveDraws
from budgetopt.exchange.files import dates, numbers, refused, texts
from budgetopt.exchange.inference import InferenceFile, open_inference
from budgetopt.history import check_names, load_plain
from budgetopt.messages import say

_POINTS = 151
"""Points of a curve, denser near zero: lines between them miss a Hill curve by some 1e-4 of it."""
_WEEK = 7.0

Decay = Literal["geometric", "binomial"]


class _Data(NamedTuple):
    """The model's data, a row a region and a column a time step."""

    media: dict[str, Floats]
    spend: dict[str, Floats]
    kpi: Floats
    value: Floats
    population: Floats
    weeks: float


@np.errstate(all="ignore")
def read_meridian(
    path: str | PathLike[str],
    data: str | PathLike[str],
    *,
    kpi: str = "kpi",
    value: str | None = "revenue_per_kpi",
    media: str = "{}_impression",
    spend: str = "{}_spend",
    time: str = "time",
    geo: str | None = None,
    population: str = "population",
    max_lag: int = 8,
    decay: Decay = "geometric",
    hill_before_adstock: bool = False,
    upto: float = 3.0,
    draws: int = 500,
    media_only: bool = False,
) -> CurveDraws:
    """Return the response curves of a model that Meridian fitted, one for each of its draws.

    Parameters
    ----------
    path
        The file that ``mmm.inference_data.to_netcdf`` wrote; pickles are not read.
    data
        The data that the model was fitted on, a CSV file with a row a time step, and region.
    kpi, value, time, geo, population
        Columns of `data`. `value` is what one unit of the KPI is worth; None makes the KPI itself
        the outcome. `geo` is None for a national model, which has no population.
    media, spend
        Columns of a channel, whose name stands where ``{}`` is.
    max_lag, decay, hill_before_adstock
        As the model's specification has them; the file does not say.
    upto
        Up to how many times its money of the past a channel's curve goes, beyond which it is level.
    draws
        Most draws that are taken, evenly from all.
    media_only
        Whether channels of reach and frequency, which are not read, are left out. Else a model with
        such is refused.

    Returns
    -------
    CurveDraws
        Outcome and money per week, by points.

    Raises
    ------
    HistoryError
        ``bad-file``, ``bad-columns``, ``bad-number``, ``bad-date``, ``bad-argument``,
        ``missing-extra``.
    CurveError
        ``bad-curve`` for parameters out of range and a decay that is not known.

    Notes
    -----
    Source: Meridian 2.1, ``analysis/analyzer.py`` (``response_curves``), ``model/adstock_hill.py``
    and ``model/transformers.py``; Jin, Wang, Sun, Chan and Koehler (2017).
    """
    if decay not in ("geometric", "binomial"):
        raise CurveError(
            "bad-curve",
            say("decay-meridian-not", decay=repr(decay)),
            field="decay",
            value=decay,
            remedy=did_you_mean(str(decay), ["geometric", "binomial"]),
        )
    _checked(max_lag, "max_lag", 0, 520)
    _checked(draws, "draws", 1, 10_000)
    if not 0 < upto <= 100:
        raise refused(
            "bad-argument", "upto", say("upto", upto=repr(upto)), say("remedy-number-above-0")
        )
    file = open_inference(path)
    if "alpha_rf" in file.variables("posterior") and not media_only:
        raise refused(
            "bad-columns", "alpha_rf", say("model-channels-reach"), say("remedy-say-media-only")
        )
    names = check_names(file.names("posterior", "media_channel") or (), "media_channel")
    regions = file.names("posterior", "geo") if geo is not None else None
    columns = {"kpi": kpi, "value": value, "time": time, "geo": geo, "population": population}
    given = _data(data, names, regions, columns, media, spend)
    parameters = _parameters(file, names, given.kpi.shape[0], draws)
    multiples = np.unique(np.append(upto * np.linspace(0.0, 1.0, _POINTS) ** 2, min(1.0, upto)))
    outcome = np.empty((len(parameters["ec_m"]), len(names), multiples.size))
    for at, name in enumerate(names):
        scaled = _scaled(given, name)
        for draw in range(len(outcome)):
            one = {part: values[draw, ..., at] for part, values in parameters.items()}
            weights = _weights(float(one["alpha_m"]), max_lag, decay, given.kpi.shape[1])
            outcome[draw, at] = _response(given, scaled, one, weights, multiples,
                                          before=hill_before_adstock)  # fmt: skip
    money = np.array([multiples * given.spend[name].sum() / given.weeks for name in names])
    # Adding up may leave a fall in the last bit.
    rising = np.maximum.accumulate(outcome / given.weeks, axis=-1)
    return CurveDraws.on_grid(names, money, rising)


def _checked(value: Any, name: str, least: int, most: int) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        raise refused("bad-argument", name, say("field-is", field=name, value=repr(value)),
                      say("remedy-whole-number", least=least, most=f"{most:,}"))  # fmt: skip


def _parameters(
    file: InferenceFile, names: tuple[str, ...], regions: int, draws: int
) -> dict[str, Floats]:
    """Return draws of the parameters, ``(draws, channels)``; beta is by region before that."""
    found = {
        name: file.draws(name, ("media_channel",)) for name in ("alpha_m", "ec_m", "slope_m")
    } | {"beta_gm": file.draws("beta_gm", ("geo", "media_channel"))}
    count = len(found["ec_m"])
    for name, values in found.items():
        wanted = (count, regions, len(names)) if name == "beta_gm" else (count, len(names))
        if values.shape != wanted:
            raise refused("bad-columns", name, say("posterior-shape-not", name=name,
                          shape=values.shape, wanted=wanted), say("remedy-data-model"))  # fmt: skip
    limits = {"alpha_m": (0.0, 1.0), "ec_m": (1e-12, 1e12), "slope_m": (1e-6, 1e3),
              "beta_gm": (0.0, 1e30)}  # fmt: skip
    for name, (least, most) in limits.items():
        if np.any(found[name] < least) or np.any(found[name] > most):
            raise CurveError(
                "bad-curve",
                say("not-between", name=name, least=f"{least:g}", most=f"{most:g}"),
                field=name,
                remedy=say("remedy-check-model-s"),
            )
    chosen = np.unique(np.linspace(0, count - 1, min(draws, count)).astype(np.intp))
    return {name: values[chosen] for name, values in found.items()}


def _data(
    path: str | PathLike[str],
    names: tuple[str, ...],
    regions: tuple[str, ...] | None,
    columns: dict[str, str | None],
    media: str,
    spend: str,
) -> _Data:
    """Return the data of the model, regions in its order and time steps in theirs."""
    of_media = {name: media.replace("{}", name) for name in names}
    of_spend = {name: spend.replace("{}", name) for name in names}
    kpi, value, time, geo, population = (
        columns[k] for k in ("kpi", "value", "time", "geo", "population")
    )
    assert kpi is not None
    assert time is not None
    wanted = [kpi, time, *of_media.values(), *of_spend.values()]
    wanted += [] if value is None else [value]
    wanted += [] if geo is None else [geo, str(population)]
    table = load_plain(path, wanted)
    days = dates(table, time)
    steps = np.unique(days)
    rows = texts(table, geo) if geo is not None else [""] * days.size
    known = {name: at for at, name in enumerate(regions or sorted(set(rows)))}
    if any(row not in known for row in rows) or len(known) * steps.size != len(rows):
        raise refused(
            "bad-columns", str(geo or time), say("data-not-row"), say("remedy-data-model")
        )
    place = np.array([known[row] for row in rows]) * steps.size + np.searchsorted(steps, days)
    if np.unique(place).size < place.size or steps.size < 2:
        raise refused("bad-date", time, say("time-step-twice"),
                      say("remedy-each-once"))  # fmt: skip
    order = np.argsort(place)

    def read(column: str, *, least: float = 0.0) -> Floats:
        values = numbers(table, column)[order].reshape(len(known), steps.size)
        if np.any(values < least):
            raise refused("bad-number", column, say("column-below-least", column=repr(column),
                          least=f"{least:g}"), say("remedy-data-model"))  # fmt: skip
        return values

    apart = np.diff(steps).astype(np.float64)
    if np.ptp(apart) > 0:
        raise refused("bad-date", time, say("time-steps-differ"), say("remedy-days-weeks"))
    return _Data(
        media={name: read(column) for name, column in of_media.items()},
        spend={name: read(column) for name, column in of_spend.items()},
        kpi=read(kpi, least=-np.inf),
        value=np.ones((len(known), steps.size)) if value is None else read(value),
        population=np.ones(len(known)) if geo is None else read(str(population))[:, 0],
        weeks=steps.size * float(apart[0]) / _WEEK,
    )


def _scaled(data: _Data, name: str) -> Floats:
    """Return a channel's media as the model scales them."""
    if np.any(data.population <= 0) or data.spend[name].sum() <= 0:
        raise refused("bad-number", name, say("cost-nothing-region", name=repr(name)),
                      say("remedy-data-model"))  # fmt: skip
    each = data.media[name] / data.population[:, None]
    above = each[each > 0]
    if not above.size:
        raise refused(
            "bad-number", name, say("no-media", name=repr(name)), say("remedy-data-model")
        )
    return np.asarray(each / np.median(above))


def _weights(alpha: float, max_lag: int, decay: Decay, steps: int) -> Floats:
    """Return the weights of the lags, that sum to one."""
    lag = np.arange(min(max_lag + 1, steps), dtype=np.float64)
    if decay == "geometric":
        weights = alpha**lag
    elif alpha == 0:
        weights = np.where(lag == 0, 1.0, 0.0)
    else:
        weights = (1.0 - lag / lag.size) ** (1.0 / alpha - 1.0)
    return np.asarray(weights / weights.sum())


def _lagged(values: Floats, weights: Floats) -> Floats:
    """Return the weighted sums over lags along the last axis."""
    total = np.zeros_like(values)
    for lag, weight in enumerate(weights.tolist()):
        total[:, lag:] += weight * values[:, : values.shape[1] - lag]
    return total


def _response(
    data: _Data,
    media: Floats,
    one: dict[str, Floats],
    weights: Floats,
    multiples: Floats,
    *,
    before: bool,
) -> Floats:
    """Return what multiples of all media bring in all, of one draw and channel."""
    deviation = float(np.std(data.kpi / data.population[:, None]))
    worth = data.value * (data.population * deviation * one["beta_gm"])[:, None]
    if before:
        # Each step's media count where their effect arrives.
        worth, effective = _lagged(worth[:, ::-1], weights)[:, ::-1], media
    else:
        effective = _lagged(media, weights)
    slope = float(one["slope_m"])
    with np.errstate(divide="ignore", over="ignore", under="ignore"):
        power = (multiples[1:, None] ** slope) * ((effective / one["ec_m"]) ** slope).ravel()
        share = 1.0 / (1.0 + 1.0 / power)
    return np.append(0.0, share @ worth.ravel())
