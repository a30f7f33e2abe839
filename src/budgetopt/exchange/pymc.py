r"""PyMC-Marketing: saved InferenceData of its media mix model, as draws of curves.

A channel brings :math:`T\,s(a(x/M))` in a time step in which x is spent: M is the channel's scale
and T the target's, by which the model divides (their maximum, if not declared otherwise); a is the
adstock and s the saturation, or the other way round, with the parameters of a draw. In a steady
week the adstock multiplies by the sum W of its weights, which is 1 where they are normalised, so
that the curve is :math:`T\,s(W x/M)`, or :math:`T\,W\,s(x/M)` where saturation is first.

========================  ==========================================  ======================
saturation                s(x)                                        curve of ours
========================  ==========================================  ======================
logistic                  :math:`\beta\,\tanh(\lambda x/2)`           Logistic
inverse_scaled_logistic   the same with :math:`\ln 3/\lambda`         Logistic
tanh                      :math:`b\,\tanh(x/(b c))`                   Logistic
tanh_baselined            :math:`\beta g x_0/r\,\tanh(x\,artanh(r)/x_0)`  Logistic
michaelis_menten          :math:`\alpha x/(\lambda + x)`              Hill of shape 1
hill                      :math:`\beta x^s/(\kappa^s + x^s)`          Hill
root                      :math:`\beta x^\alpha`                      Power
========================  ==========================================  ======================
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from os import PathLike
from typing import Any, NamedTuple

import numpy as np

from budgetopt.arrays import Floats
from budgetopt.curves import Carryover, Curve, Hill, Logistic, Power
from budgetopt.errors import CurveError
from budgetopt.exchange.draws import CurveDraws
from budgetopt.exchange.files import refused
from budgetopt.exchange.inference import InferenceFile, open_inference
from budgetopt.history import check_names
from budgetopt.messages import say

_WEEK = 7.0
_UNITS = {"days": 1.0, "hours": 24.0, "minutes": 1440.0, "seconds": 86400.0,
          "milliseconds": 864e5, "microseconds": 864e8, "nanoseconds": 864e11}  # fmt: skip
"""How many of a unit of time make a day."""

_Parts = Mapping[str, Floats]
_Saturation = tuple[tuple[str, ...], Callable[[_Parts, Floats, Floats], Curve]]
"""Names of the parameters, and the curve of them for a height and a width."""


def _logistic(p: _Parts, height: Floats, width: Floats) -> Curve:
    return Logistic(height * p["beta"], width / p["lam"])


def _inverse_scaled(p: _Parts, height: Floats, width: Floats) -> Curve:
    return Logistic(height * p["beta"], width * p["lam"] / np.log(3.0))


def _tanh(p: _Parts, height: Floats, width: Floats) -> Curve:
    return Logistic(height * p["b"], width * p["b"] * p["c"] / 2.0)


def _tanh_baselined(p: _Parts, height: Floats, width: Floats) -> Curve:
    if np.any(p["r"] <= 0) or np.any(p["r"] >= 1):
        raise refused("bad-number", "saturation_r", say("r-not-between"), say("remedy-check-file"))
    top = height * p["beta"] * p["gain"] * p["x0"] / p["r"]
    return Logistic(top, width * p["x0"] / np.arctanh(p["r"]) / 2.0)


def _michaelis_menten(p: _Parts, height: Floats, width: Floats) -> Curve:
    return Hill(height * p["alpha"], width * p["lam"], 1.0)


def _hill(p: _Parts, height: Floats, width: Floats) -> Curve:
    return Hill(height * p["beta"], width * p["kappa"], p["slope"])


def _root(p: _Parts, height: Floats, width: Floats) -> Curve:
    return Power(height * p["beta"], width, p["alpha"])


SATURATIONS: dict[str, _Saturation] = {
    "logistic": (("lam", "beta"), _logistic),
    "inverse_scaled_logistic": (("lam", "beta"), _inverse_scaled),
    "tanh": (("b", "c"), _tanh),
    "tanh_baselined": (("x0", "gain", "r", "beta"), _tanh_baselined),
    "michaelis_menten": (("alpha", "lam"), _michaelis_menten),
    "hill": (("slope", "kappa", "beta"), _hill),
    "root": (("alpha", "beta"), _root),
}
"""Saturations by the name under which the model saves them."""

_Adstock = tuple[tuple[str, ...], Callable[[_Parts, int], Carryover | None],
                 Callable[[_Parts, Floats], Floats]]  # fmt: skip
"""Names of the parameters; the carryover; the weights of each lag, not normalised."""


def _geometric(p: _Parts, length: int) -> Carryover | None:
    share = float(p["alpha"])
    return Carryover("geometric", share=share, length=length) if share > 0 else None


def _delayed(p: _Parts, length: int) -> Carryover | None:
    parts = {"share": float(p["alpha"]), "delay": float(p["theta"])}
    return Carryover("delayed", **parts, length=length)


def _weibull_pdf(p: _Parts, length: int) -> Carryover | None:
    parts = {"shape": float(p["k"]), "scale": float(p["lam"])}
    return Carryover("weibull-pdf", **parts, length=length)


def _weibull_cdf(p: _Parts, length: int) -> Carryover | None:
    # The first weight is 1 and each of the lags adds another.
    parts = {"shape": float(p["k"]), "scale": float(p["lam"])}
    return Carryover("weibull-cdf", **parts, length=length + 1)


def _pdf_weights(p: _Parts, lag: Floats) -> Floats:
    z = (lag + 1.0) / p["lam"]
    density = p["k"] / p["lam"] * z ** (p["k"] - 1.0) * np.exp(-(z ** p["k"]))
    low = density.min(axis=-1, keepdims=True)
    return np.asarray((density - low) / (density.max(axis=-1, keepdims=True) - low))


def _cdf_weights(p: _Parts, lag: Floats) -> Floats:
    lost = np.exp(-(((lag + 1.0) / p["lam"]) ** p["k"]))
    return np.cumprod(np.concatenate([np.ones_like(lost[..., :1]), lost], axis=-1), axis=-1)


ADSTOCKS: dict[str, _Adstock] = {
    "geometric": (("alpha",), _geometric, lambda p, lag: p["alpha"] ** lag),
    "delayed": (
        ("alpha", "theta"),
        _delayed,
        lambda p, lag: p["alpha"] ** np.square(lag - p["theta"]),
    ),
    "weibull_pdf": (("lam", "k"), _weibull_pdf, _pdf_weights),
    "weibull_cdf": (("lam", "k"), _weibull_cdf, _cdf_weights),
    "no_adstock": ((), lambda p, length: None, lambda p, lag: np.ones(1)),
}
"""Adstocks by the name under which the model saves them."""


class _Scales(NamedTuple):
    """What the model divides money and outcome by, over the cells of the model."""

    channel: Floats
    target: Floats


@np.errstate(all="ignore")
def read_pymc(path: str | PathLike[str], *, days: float | None = None) -> CurveDraws:
    """Return the curves of a media mix model that PyMC-Marketing saved, one draw each of its draws.

    Parameters
    ----------
    path
        The file that ``mmm.save`` or ``mmm.idata.to_netcdf`` wrote.
    days
        Days of a time step of the model; by default read off its dates, and a week where the file
        has none. Outcome and money of the curves are per week.

    Returns
    -------
    CurveDraws
        Channels as the model names them. A model of several regions or such has a curve for each of
        their channels, named ``region/channel``.

    Raises
    ------
    HistoryError
        ``bad-file``, ``bad-columns``, ``bad-number``, ``bad-argument``, ``missing-extra``.
    CurveError
        ``bad-curve``, which names a saturation or an adstock that has no curve or kernel here, and
        effects on the media that change over time.

    Notes
    -----
    Channel data are taken as money. Source: PyMC-Marketing, ``mmm/transformers.py``,
    ``mmm/components`` and ``mmm/multidimensional.py`` (2026); Jin, Wang, Sun, Chan and Koehler
    (2017).
    """
    file = open_inference(path)
    attrs = file.attrs
    saturation, adstock = (_declared(attrs, name) for name in ("saturation", "adstock"))
    _refuse_what_is_not_read(attrs)
    dims = attrs.get("dims")
    extra = tuple(str(dim) for dim in dims) if isinstance(dims, list) else ()
    axes = (*extra, "channel")
    labels = [_labels(file, dim, attrs) for dim in axes]
    names = check_names(["/".join(cell) for cell in _product(labels)], "channel")
    sizes = tuple(len(each) for each in labels)
    scales = _scales(file, axes, sizes)
    steps = _WEEK / (_days(file) if days is None else _positive(days))
    parts = _parameters(file, saturation, SATURATIONS, "saturation", axes, sizes)
    lagged = _parameters(file, adstock, ADSTOCKS, "adstock", axes, sizes)
    total = _total(adstock, lagged)
    height, width = scales.target[:, None] * steps, scales.channel[:, None] * steps
    if attrs.get("adstock_first", True) is False:
        height = height * total
    else:
        width = width / total
    made = SATURATIONS[saturation["lookup_name"]][1](parts, height, width)
    count = max(value.shape[1] for value in (*parts.values(), *lagged.values()))
    # A kernel is in time steps, and ours in weeks.
    kernels = _kernels(adstock, lagged, len(names)) if steps == 1 else ()
    return CurveDraws(names, _wide(made, (len(names), count)), kernels)


def _declared(attrs: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """Return what a file says of its saturation or adstock, one that is known here."""
    given = attrs.get(name)
    kind = given.get("lookup_name") if isinstance(given, Mapping) else None
    known = SATURATIONS if name == "saturation" else ADSTOCKS
    if not isinstance(given, Mapping) or not isinstance(kind, str):
        raise refused("bad-file", name, say("file-does-not", name=name),
                      say("remedy-model-pymc-marketing"))  # fmt: skip
    if kind not in known:
        raise CurveError("bad-curve", say("pymc-marketing-not", name=name, kind=repr(kind[:60])),
                         field=name, value=kind[:60], remedy=say("remedy-table-points-model",
                         known=[*known]))  # fmt: skip
    return given


def _refuse_what_is_not_read(attrs: Mapping[str, Any]) -> None:
    adstock = attrs["adstock"]
    reasons = {
        "time_varying_media": attrs.get("time_varying_media") not in (None, False),
        "cost_per_unit": attrs.get("cost_per_unit") is not None,
        "link": attrs.get("link", "identity") not in (None, "identity"),
        "adstock.mode": adstock.get("mode", "After") != "After",
    }
    for field, there in reasons.items():
        if there:
            raise CurveError("bad-curve", say("models-not-read", field=field), field=field,
                             remedy=say("remedy-table-points-response"))  # fmt: skip


def _labels(file: InferenceFile, dim: str, attrs: Mapping[str, Any]) -> tuple[str, ...]:
    labels = file.names("posterior", dim)
    declared = attrs.get("channel_columns")
    if labels is None and dim == "channel" and isinstance(declared, list):
        labels = tuple(str(name) for name in declared)
    if not labels:
        raise refused("bad-columns", dim, say("posterior-does-not", dim=dim),
                      say("remedy-save-whole-inferencedata"))  # fmt: skip
    return labels


def _product(labels: list[tuple[str, ...]]) -> list[tuple[str, ...]]:
    cells: list[tuple[str, ...]] = [()]
    for each in labels:
        if len(cells) * len(each) > 2000:
            raise refused("bad-file", "channel", say("model-more-than"),
                          say("remedy-part"))  # fmt: skip
        cells = [(*cell, label) for cell in cells for label in each]
    return cells


def _parameters(
    file: InferenceFile,
    declared: Mapping[str, Any],
    known: Mapping[str, Any],
    prefix: str,
    axes: tuple[str, ...],
    sizes: tuple[int, ...],
) -> dict[str, Floats]:
    """Return the draws of a transformation's parameters, shape ``(cells, draws)``.

    A parameter that is no part of the posterior was fixed, and is in the declaration.
    """
    given = declared.get("prefix")
    prefix = given if isinstance(given, str) else prefix
    there, priors = file.variables("posterior"), declared.get("priors")
    found = {}
    for part in known[declared["lookup_name"]][0]:
        fixed = priors.get(part) if isinstance(priors, Mapping) else None
        if f"{prefix}_{part}" not in there and isinstance(fixed, (int, float)):
            found[part] = np.full((int(np.prod(sizes)), 1), _finite(fixed, part))
            continue
        values = file.draws(f"{prefix}_{part}", axes)
        if any(have not in (1, size) for have, size in zip(values.shape[1:], sizes, strict=True)):
            raise refused("bad-columns", part, say("posterior-other-channels", prefix=prefix,
                          part=part), say("remedy-save-whole-inferencedata"))  # fmt: skip
        wide = np.broadcast_to(values, (values.shape[0], *sizes))
        found[part] = wide.reshape(values.shape[0], -1).T
    if len({values.shape[1] for values in found.values()} - {1}) > 1:
        raise refused("bad-columns", prefix, say("parameters-other-draws", prefix=prefix),
                      say("remedy-save-whole-inferencedata"))  # fmt: skip
    return found


def _scales(file: InferenceFile, axes: tuple[str, ...], sizes: tuple[int, ...]) -> _Scales:
    """Return the scales that the file keeps, or the greatest values of the data it was fitted on.

    Releases until 2025 kept no scales, and divided by the greatest absolute value.
    """
    if "channel_scale" in file.variables("constant_data"):
        found = [
            _positive_all(_over(file.read("constant_data", name), axes, sizes), name)
            for name in ("channel_scale", "target_scale")
        ]
        return _Scales(*found)
    there = file.variables("fit_data")
    names = file.names("posterior", "channel") or ()
    target = next((name for name in ("y", "target") if name in there), None)
    if len(axes) > 1 or target is None or any(name not in there for name in names):
        raise refused(
            "bad-columns", "channel_scale", say("file-does-not-say"), say("remedy-save-whole-model")
        )
    most = [np.abs(file.read("fit_data", name).values).max(initial=0.0) for name in names]
    top = np.abs(file.read("fit_data", target).values).max(initial=0.0)
    return _Scales(
        _positive_all(np.array(most), "channel_scale"),
        _positive_all(np.full(len(names), top), "target_scale"),
    )


def _over(variable: Any, axes: tuple[str, ...], sizes: tuple[int, ...]) -> Floats:
    """Return a constant over the cells of the model; one value counts for all."""
    dims, values = variable
    if values.size == 1:
        return np.full(int(np.prod(sizes)), float(values.ravel()[0]))
    left = [dim for dim in axes if dim in dims]
    if {*dims} - {*axes} or len(left) != len(dims):
        raise refused("bad-columns", "channel_scale", say("scale-axes", dims=[*dims]),
                      say("remedy-save-whole-model"))  # fmt: skip
    values = np.moveaxis(values, [dims.index(dim) for dim in left], range(len(left)))
    shape = [values.shape[left.index(dim)] if dim in left else 1 for dim in axes]
    if any(have not in (1, size) for have, size in zip(shape, sizes, strict=True)):
        raise refused("bad-columns", "channel_scale", say("scale-other-channels"),
                      say("remedy-save-whole-model"))  # fmt: skip
    return np.broadcast_to(values.reshape(shape), sizes).ravel()


def _positive_all(values: Floats, name: str) -> Floats:
    if np.any(values <= 0):
        raise refused("bad-number", name, say("a-value-not-positive", name=name),
                      say("remedy-leave-idle-channels"))  # fmt: skip
    return values


def _days(file: InferenceFile) -> float:
    """Return the days of a time step, read off the dates that the model was fitted on."""
    for group in ("constant_data", "observed_data", "posterior"):
        if "date" not in file.variables(group):
            continue
        unit = file.units(group, "date").split(" ")[0]
        at = file.read(group, "date").values.ravel()
        if unit not in _UNITS or at.size < 2:
            continue
        apart = np.diff(at) / _UNITS[unit]
        if np.ptp(apart) > 1e-6 * apart.max():
            raise refused("bad-argument", "days", say("model-s-time"),
                          say("remedy-say-how-many"))  # fmt: skip
        return _positive(float(apart[0]))
    return _WEEK


def _positive(days: float) -> float:
    if not (isinstance(days, (int, float)) and 0 < days < 1e4):
        raise refused(
            "bad-argument", "days", say("days", days=repr(days)), say("remedy-days-time-step")
        )
    return float(days)


def _finite(value: float, name: str) -> float:
    try:
        number = float(value)
    except OverflowError:
        number = np.inf
    if not np.isfinite(number):
        raise refused("bad-number", name, say("field-is", field=name, value=repr(value)),
                      say("remedy-save-model-again"))  # fmt: skip
    return number


def _length(adstock: Mapping[str, Any]) -> int:
    length = adstock.get("l_max")
    if isinstance(length, bool) or not isinstance(length, int) or not 1 <= length <= 520:
        raise CurveError("bad-curve", say("adstock-s-l", length=str(length)[:20]),
                         field="adstock.l_max", remedy=say("remedy-1-520-time"))  # fmt: skip
    return length


def _total(adstock: Mapping[str, Any], parts: _Parts) -> Floats:
    """Return the sum of the adstock's weights, shape ``(cells, draws)`` or one number."""
    if not parts or adstock.get("normalize", True) is not False:
        return np.ones((1, 1))
    lag = np.arange(_length(adstock), dtype=np.float64)
    weights = ADSTOCKS[adstock["lookup_name"]][2]
    with np.errstate(all="ignore"):
        each = [weights({k: v[at][:, None] for k, v in parts.items()}, lag).sum(axis=-1)
                for at in range(len(next(iter(parts.values()))))]  # fmt: skip
    total = np.array(each)
    if not np.all((total > 0) & np.isfinite(total)):
        raise refused(
            "bad-number", "adstock", say("adstock-no-weights"), say("remedy-check-sampling")
        )
    return total


def _kernels(adstock: Mapping[str, Any], parts: _Parts, cells: int) -> tuple[Carryover | None, ...]:
    """Return each channel's carryover at the mean of its parameters."""
    make = ADSTOCKS[adstock["lookup_name"]][1]
    if not parts:
        return (None,) * cells
    length = _length(adstock)
    means = {name: values.mean(axis=1) for name, values in parts.items()}
    return tuple(make({k: v[at] for k, v in means.items()}, length) for at in range(cells))


def _wide(curve: Curve, shape: tuple[int, int]) -> Curve:
    """Return curves whose every parameter is one of each cell and draw."""
    parts = {k: np.broadcast_to(v, shape).copy() for k, v in curve.parameters().items()}
    return type(curve)(**parts)
