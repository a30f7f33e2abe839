r"""Robyn's models: Hill curves of carried-over spend, from its tables and its exported JSON.

`read_robyn` reads the tables of all Pareto models, `read_robyn_json` one exported model. A response
is :math:`c\,z^\alpha/(z^\alpha+k^\alpha)` of the carried-over spend z of a time step, in units of
the dependent variable; the inflexion point follows from the data that the models were fitted on,
:math:`k = (1-\gamma)\min z + \gamma\max z` over the window. `RobynCurve.steady` is the same in
money per week, kept up, which is what a plan's channel takes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from budgetopt.arrays import Bools, Floats
from budgetopt.curves import Carryover, Hill
from budgetopt.errors import CurveError
from budgetopt.exchange.files import (
    dates,
    numbers,
    read_json,
    refused,
    texts,
)
from budgetopt.history import Style, Table, check_names, load_plain, rough
from budgetopt.messages import say

_DAYS = 7
_AGREE = 0.02
"""Relative difference of a model's own mean response from ours that rounding explains: older
exports hold four decimals of every parameter."""


@dataclass(frozen=True)
class RobynCurve:
    r"""One channel of one Robyn model: a Hill curve of carried-over spend.

    Parameters
    ----------
    curve
        :math:`c\,z^\alpha/(z^\alpha+k^\alpha)` of the carried-over spend z of a time step.
    carryover
        The kernel, normalised; None where nothing is carried.
    total
        Sum of Robyn's own weights, which are not normalised: in a steady week ``z = total x``.
    days
        Days of a time step: 7 where the model is weekly.
    """

    curve: Hill
    carryover: Carryover | None = None
    total: float = 1.0
    days: float = _DAYS

    @property
    def steady(self) -> Hill:
        """The curve of money per week, kept up: outcome per week."""
        steps = _DAYS / self.days
        half = np.asarray(self.curve.half) * steps / self.total
        return Hill(np.asarray(self.curve.top) * steps, half, self.curve.shape)


@np.errstate(all="ignore")
def read_robyn(
    hyperparameters: str | PathLike[str],
    media: str | PathLike[str],
    data: str | PathLike[str],
    window: tuple[str, str],
    *,
    date: str = "DATE",
) -> dict[str, dict[str, RobynCurve]]:
    r"""Return the curves of Robyn's weekly models with geometric carryover, by model and channel.

    Carried over is :math:`z_t = x_t + \theta z_{t-1}`.

    Parameters
    ----------
    hyperparameters
        ``pareto_hyperparameters.csv``.
    media
        Rows of ``pareto_aggregated.csv``: ``solID``, ``rn`` and ``coef``.
    data
        The weekly input.
    window
        First and last week that the models were fitted on.
    date
        Column of the date in `data`.

    Raises
    ------
    HistoryError
        ``bad-file``, ``bad-columns``, ``bad-number``, ``bad-date`` or ``bad-argument``.
    CurveError
        ``bad-curve`` for parameters out of range.

    References
    ----------
    .. [1] Meta, Robyn, ``R/transformation.R``, ``saturation_hill``.
    """
    fits = load_plain(hyperparameters, ("solID",))
    place = {model: at for at, model in enumerate(texts(fits, "solID"))}
    rows, weeks = load_plain(media, ("solID", "rn", "coef")), load_plain(data, (date,))
    inside = _window(dates(weeks, date), window)
    names = {*texts(rows, "rn")} & {*weeks.cells}
    spends = {name: numbers(weeks, name) for name in names}
    parts = {
        name: [_column(fits, f"{name}_{part}") for part in ("alphas", "gammas", "thetas")]
        for name in names
    }
    carried: dict[tuple[str, float], Floats] = {}
    made: dict[str, dict[str, RobynCurve]] = {}
    of_row = texts(rows, "solID"), texts(rows, "rn"), numbers(rows, "coef").tolist()
    for model, name, coef in zip(*of_row, strict=True):
        if model not in place or name not in names:
            raise refused("bad-columns", "rn", say("table-only", model=repr(model),
                          name=repr(name)), say("remedy-tables-run"))  # fmt: skip
        alpha, gamma, theta = (
            _number(float(column[place[model]]), f"{name}, {model}") for column in parts[name]
        )
        if (name, theta) not in carried:
            carried[name, theta] = _geometric(spends[name], theta)[inside]
        curve = Hill(coef, _inflexion(carried[name, theta], gamma, name), alpha)
        kept = Carryover("geometric", theta) if theta > 0 else None
        made.setdefault(model, {})[name] = RobynCurve(curve, kept, 1.0 / (1.0 - theta))
    return made


@np.errstate(all="ignore")
def read_robyn_json(
    path: str | PathLike[str], data: str | PathLike[str] | None = None
) -> dict[str, RobynCurve]:
    """Return the curves of a model that Robyn exported, ``RobynModel-1_100_3.json``, by channel.

    Channels are those whose money the model was fitted on. Where the file says what a channel
    brings at its mean spend, our curve must say the same.

    Parameters
    ----------
    path
        The file that ``robyn_write`` wrote.
    data
        The input that the model was fitted on, a CSV file; by default the data within `path`, which
        releases of Robyn from 2024 on keep there.

    Raises
    ------
    HistoryError
        ``bad-file`` for what is not an exported model; ``bad-columns``, ``bad-number``,
        ``bad-date``; ``bad-argument`` where data are needed.
    CurveError
        ``bad-curve`` for parameters out of range, and for a carryover that is not known.

    References
    ----------
    .. [1] Meta, Robyn, ``R/json.R``, ``R/transformation.R``.
    """
    whole = read_json(path, say("remedy-export-model-again"))
    inputs, model = (_part(whole, name, path) for name in ("InputCollect", "ExportedModel"))
    values = {name: _one(value) for name, value in _part(model, "hyper_values", path).items()}
    rows = {str(_one(row.get("variable"))): row for row in _rows(model.get("summary"))}
    table = load_plain(_data(whole, path) if data is None else data, ())
    date = _text(inputs, "date_var", path)
    if date not in table.cells:
        raise refused("bad-columns", "date_var", say("data-no-column", date=repr(date)),
                      say("remedy-data-model-fitted"))  # fmt: skip
    ends = _text(inputs, "window_start", path), _text(inputs, "window_end", path)
    inside = _window(dates(table, date), ends)
    days = _number(_one(inputs.get("dayInterval", _DAYS)), "dayInterval")
    kind = _text(inputs, "adstock", path)
    spends = [str(name) for name in _list(inputs.get("paid_media_spends"))]
    made = {}
    for name in check_names(spends, "paid_media_spends"):
        if name not in rows or f"{name}_alphas" not in values or name not in table.cells:
            raise refused("bad-columns", name, say("model-not-fitted", name=repr(name)),
                          say("remedy-curve-table-points"))  # fmt: skip
        found = _channel(name, kind, values, numbers(table, name), inside)
        coef = _number(_one(rows[name].get("coef")), f"{name}.coef")
        curve = Hill(coef, found.half, found.alpha)
        _hold(curve, rows[name], name, float((found.carried - found.spend).mean()))
        made[name] = RobynCurve(curve, found.carryover, found.total, days)
    return made


@dataclass(frozen=True)
class _Fitted:
    """One channel's parameters and its data within the window."""

    half: float
    alpha: float
    carryover: Carryover | None
    total: float
    spend: Floats
    carried: Floats


def _channel(
    name: str, kind: str, values: Mapping[str, Any], spend: Floats, inside: Bools
) -> _Fitted:
    """Return what a channel's hyperparameters and its data say."""

    def value(part: str) -> float:
        return _number(values.get(f"{name}_{part}"), f"{name}_{part}")

    if kind not in _WEIGHTS:
        raise CurveError("bad-curve", say("robyn-s-adstock", kind=repr(kind)), field="adstock",
                         value=kind, remedy=say("known-are", weights=[*_WEIGHTS]))  # fmt: skip
    carryover, raw = _WEIGHTS[kind](value, spend.size)
    geometric = kind == "geometric"
    z = _geometric(spend, value("thetas")) if geometric else np.convolve(spend, raw)[: spend.size]
    half = _inflexion(z[inside], value("gammas"), name)
    return _Fitted(half, value("alphas"), carryover, float(raw.sum()), spend[inside], z[inside])


def _thetas(value: Callable[[str], float], steps: int) -> tuple[Carryover | None, Floats]:
    theta = value("thetas")
    kept = Carryover("geometric", theta) if theta > 0 else None
    return kept, np.array([1.0 / (1.0 - theta)])


def _weibull(shape_of: str) -> Callable[[Callable[[str], float], int], Any]:
    """Return Robyn's weights of a Weibull carryover, whose scale is a share of the data."""

    def weights(value: Callable[[str], float], steps: int) -> tuple[Carryover | None, Floats]:
        shape, share = value("shapes"), value("scales")
        if shape == 0 or share == 0:
            return None, np.ones(1)
        if not 0 <= share <= 1:
            raise refused("bad-number", "scales", say("scale-is", share=f"{share:g}"),
                          say("remedy-export-model-again"))  # fmt: skip
        scale = float(np.round(1 + share * (steps - 1)))
        carryover = Carryover(shape_of, shape=shape, scale=scale, length=steps)  # type: ignore[arg-type]
        kernel = carryover.weights
        # Robyn's weights begin with 1, or have 1 for their greatest.
        return carryover, kernel / (kernel[0] if shape_of == "weibull-cdf" else kernel.max())

    return weights


_WEIGHTS: dict[str, Callable[[Callable[[str], float], int], tuple[Carryover | None, Floats]]] = {
    "geometric": _thetas,
    "weibull_cdf": _weibull("weibull-cdf"),
    "weibull_pdf": _weibull("weibull-pdf"),
}


def _hold(curve: Hill, row: Mapping[str, Any], name: str, carried: float) -> None:
    """Refuse a curve that does not give the response which the file says of it.

    Until 2022 Robyn gave the response to the mean spend alone, later to that and what is carried
    over on average.
    """
    given = [_one(row.get(part)) for part in ("mean_spend", "mean_response")]
    if any(not isinstance(value, (int, float)) for value in given):
        return
    spend, response = (_number(value, name) for value in given)
    ours = [float(curve.value(max(x, 0.0))) for x in (spend, spend + carried)]
    if all(abs(value - response) > _AGREE * max(abs(response), 1e-9) for value in ours):
        raise refused("bad-number", name, say("file-says-brings", name=repr(name),
                      response=f"{response:g}", spend=f"{spend:g}", ours=f"{ours[1]:g}"),
                      say("remedy-data-model-fitted-curve"))  # fmt: skip


def _inflexion(z: Floats, gamma: float, name: str) -> float:
    half = float((1 - gamma) * z.min() + gamma * z.max())
    if half <= 0:
        raise refused("bad-number", name, say("spent-nothing-within", name=repr(name)),
                      say("remedy-leave-out"))  # fmt: skip
    return half


def _geometric(spend: Floats, theta: float) -> Floats:
    if not 0 <= theta < 1:
        raise refused(
            "bad-number", "thetas", say("theta-is", theta=f"{theta:g}"), say("remedy-below-1")
        )
    z, last = np.empty_like(spend), 0.0
    for week, money in enumerate(spend.tolist()):
        z[week] = last = money + theta * last
    return z


def _window(days: Any, window: tuple[str, str]) -> Bools:
    try:
        first, last = (np.datetime64(end, "D") for end in window)
    except ValueError:
        raise refused(
            "bad-date", "window", say("no-dates", window=window), say("remedy-write-2026-11")
        ) from None
    inside: Bools = (days >= first) & (days <= last)
    if not inside.any():
        raise refused("bad-argument", "window", say("no-week-lies", window=window),
                      say("remedy-weeks-data"))  # fmt: skip
    return inside


def _column(fits: Table, name: str) -> Floats:
    if name not in fits.cells:
        raise refused(
            "bad-columns", name, say("column-not", name=repr(name)), say("remedy-whole-table")
        )
    return rough(fits.cells[name], Style(delimiter=fits.delimiter))


def _data(whole: Any, path: str | PathLike[str]) -> pd.DataFrame:
    """Return the data that are kept in the file, as text."""
    extras = whole.get("Extras")
    rows = _rows(extras.get("raw_data") if isinstance(extras, Mapping) else None)
    if not rows:
        raise refused("bad-argument", "data", say("holds-no-data", name=Path(path).name),
                      say("remedy-data-model-fitted"))  # fmt: skip
    return pd.DataFrame(
        {str(name): [str(row.get(name, "")) for row in rows] for name in rows[0]}, dtype=object
    )


def _part(whole: Any, name: str, path: str | PathLike[str]) -> Mapping[str, Any]:
    part = whole.get(name) if isinstance(whole, Mapping) else None
    if not isinstance(part, Mapping):
        raise refused("bad-file", "path", say("field-has-no-keys", field=Path(path).name,
                      keys=name), say("remedy-model-robyn-write"))  # fmt: skip
    return part


def _rows(given: Any) -> list[Mapping[str, Any]]:
    return [row for row in _list(given) if isinstance(row, Mapping)]


def _list(given: Any) -> list[Any]:
    return given if isinstance(given, list) else []


def _one(value: Any) -> Any:
    """Return what R writes as a list of one."""
    return value[0] if isinstance(value, list) and len(value) == 1 else value


def _text(part: Mapping[str, Any], name: str, path: str | PathLike[str]) -> str:
    value = _one(part.get(name))
    if not isinstance(value, str):
        raise refused("bad-file", name, say("does-not-say", name=Path(path).name, name_2=name),
                      say("remedy-model-robyn-write"))  # fmt: skip
    return value


def _number(value: Any, name: str) -> float:
    plain = isinstance(value, (int, float)) and not isinstance(value, bool)
    try:
        number = float(value) if plain else np.nan
    except OverflowError:
        number = np.nan
    if not np.isfinite(number):
        raise refused("bad-number", name, say("not-finite-number", name=name,
                      value=repr(str(value)[:60])), say("remedy-export-model-again"))  # fmt: skip
    return number
