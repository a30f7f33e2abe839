"""The belief: a probability distribution over every channel's curve, given the history."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Literal, Self, cast

import numpy as np
from numpy.typing import ArrayLike

from budgetopt.belief.bands import Band, ChannelSummary, Reading, band
from budgetopt.belief.grid import Grid
from budgetopt.curves import Mixture
from budgetopt.curves.base import Floats
from budgetopt.errors import InputError

SCHEMA = 1
"""Version of the plain form; raised when a reader of the old form would be misled."""

_TABLES = ("chance", "log_mean", "log_variance")
_ARRAYS = (*_TABLES, "data_share", "spend_range", "usual_spend")


@dataclass(frozen=True, eq=False)
class Belief:
    r"""Chances of cells, and in each a log-normal response at the reference.

    In cell ``k`` the curve is :math:`A\,g_k(x)` with :math:`g_k(reference) = 1` and
    :math:`\ln A \sim N(m_k, v_k)`. Channels are independent given the history.

    Parameters
    ----------
    channels
        Names, in the plan's order.
    source
        ``"channel"`` where each channel had an outcome of its own, ``"total"`` where one total
        outcome was all.
    grid
        The cells; its reference is the equal share of the weekly money.
    chance, log_mean, log_variance
        Shape ``(channels, cells, nuisance)``; the chances of a channel sum to one. The nuisance
        axis holds what does not change the curve: the noise level, or the carryover.
    data_share
        Share of the information about each channel that is data and not prior, 0 to 1.
    spend_range
        Least and greatest money in a week with any, shape ``(channels, 2)``, NaN where none.
    usual_spend
        Mean money of the weeks with any, NaN where none.
    notes
        What a reader should know before trusting it.
    fingerprint
        Of the history it was learned from.

    Raises
    ------
    InputError
        ``bad-argument`` where shapes disagree, chances do not sum to one or a number is not
        finite.
    """

    channels: tuple[str, ...]
    source: Literal["channel", "total"]
    grid: Grid
    chance: Floats
    log_mean: Floats
    log_variance: Floats
    data_share: Floats
    spend_range: Floats
    usual_spend: Floats
    notes: tuple[str, ...] = ()
    fingerprint: str = ""

    def __post_init__(self) -> None:
        size = len(self.channels)
        for name in _ARRAYS:
            array = np.array(getattr(self, name), dtype=np.float64)
            array.setflags(write=False)
            object.__setattr__(self, name, array)
        wanted = {"data_share": (size,), "spend_range": (size, 2), "usual_spend": (size,)}
        wanted |= dict.fromkeys(_TABLES, (size, self.grid.size, *self.chance.shape[2:3]))
        for name, shape in wanted.items():
            array = getattr(self, name)
            if array.shape != shape:
                raise _wrong(name, f"has shape {array.shape}", f"give shape {shape}")
            if not np.isfinite(array).all() and name in (*_TABLES, "data_share"):
                raise _wrong(name, "holds a number that is not finite", "learn it again")
        if size and (self.chance.min() < 0 or np.abs(self.chance.sum((1, 2)) - 1).max() > 1e-9):
            raise _wrong("chance", "does not sum to one", "learn it again")
        if size and self.log_variance.min() < 0:
            raise _wrong("log_variance", "is negative", "learn it again")
        if self.source not in ("channel", "total"):
            raise _wrong("source", f"is {self.source!r}", "give 'channel' or 'total'")

    @property
    def reference(self) -> float:
        """The equal share of the weekly money, at which amplitudes are held."""
        return self.grid.reference

    def mean(self) -> Mixture:
        r"""Return the expected curve, weights of shape ``(channels, cells)``; concave.

        The weight of a cell is :math:`\sum_n w_n e^{m_n + v_n/2}`, what it adds to the expected
        response at the reference.
        """
        amplitude = np.exp(self.log_mean + 0.5 * self.log_variance)
        return Mixture(self.grid.cells, np.sum(self.chance * amplitude, axis=-1))

    def draw(self, rng: np.random.Generator, draws: int = 1) -> Mixture:
        """Return draws of the curves, weights of shape ``(draws, channels, cells)``.

        Every draw is one coherent curve for each channel: one cell, one amplitude.

        Parameters
        ----------
        rng
            Source of randomness; two arrays of ``(draws, channels)`` are taken from it.
        draws
            How many, at least 1.

        Raises
        ------
        InputError
            ``bad-argument`` where `draws` is not a positive whole number.
        """
        if isinstance(draws, bool) or not isinstance(draws, (int, np.integer)) or draws < 1:
            raise _wrong("draws", f"is {draws!r}", "give a whole number of at least 1")
        size, flat = len(self.channels), (len(self.channels), -1)
        place, height = rng.random((draws, size)), rng.standard_normal((draws, size))
        rising = np.cumsum(self.chance.reshape(flat), axis=-1)
        picked = np.stack(
            [np.searchsorted(r, p * r[-1], "right") for r, p in zip(rising, place.T, strict=True)],
            axis=-1,
        )
        log_mean = np.take_along_axis(self.log_mean.reshape(flat), picked.T, axis=1).T
        log_sd = np.sqrt(np.take_along_axis(self.log_variance.reshape(flat), picked.T, axis=1).T)
        weights = np.zeros((draws, size, self.grid.size))
        cell = (picked // self.chance.shape[-1])[..., None]
        np.put_along_axis(weights, cell, np.exp(log_mean + log_sd * height)[..., None], axis=-1)
        return Mixture(self.grid.cells, weights)

    def response(self, spend: ArrayLike) -> Band:
        """Return the outcome per week at a spend above 0 for each channel, with 5 and 95 %."""
        return self._band(self.grid.log_value(self._spend(spend)))

    def marginal(self, spend: ArrayLike) -> Band:
        """Return the outcome of the next unit of money (mROAS) at a spend, with 5 and 95 %."""
        return self._band(self.grid.log_slope(self._spend(spend)))

    def summary(self) -> tuple[ChannelSummary, ...]:
        """Return one row a channel: response, ROAS and mROAS, with 90 % intervals."""
        at_reference = self._readings(np.full(len(self.channels), self.reference))
        ran = np.isfinite(self.usual_spend)
        at_usual = self._readings(np.where(ran, self.usual_spend, self.reference))
        return tuple(
            ChannelSummary(
                channel=name,
                data_share=float(self.data_share[i]),
                spend_low=float(self.spend_range[i, 0]) if ran[i] else None,
                spend_high=float(self.spend_range[i, 1]) if ran[i] else None,
                at_reference=at_reference[i],
                at_usual=at_usual[i] if ran[i] else None,
            )
            for i, name in enumerate(self.channels)
        )

    def _readings(self, spend: Floats) -> list[Reading]:
        response, marginal = self.response(spend), self.marginal(spend)
        roas = response.scaled(1.0 / spend)
        return [
            Reading(float(x), response.row(i), roas.row(i), marginal.row(i))
            for i, x in enumerate(spend)
        ]

    def _spend(self, spend: ArrayLike) -> Floats:
        given = np.asarray(spend, dtype=np.float64)
        if not np.all(np.isfinite(given) & (given > 0)):
            raise _wrong("spend", "is not above 0 everywhere", "give money above 0")
        return np.broadcast_to(given, (len(self.channels),))

    def _band(self, log_shape: Floats) -> Band:
        flat = (len(self.channels), -1)
        log_mean = (self.log_mean + log_shape[..., None]).reshape(flat)
        return band(self.chance.reshape(flat), log_mean, self.log_variance.reshape(flat))

    def to_dict(self) -> dict[str, Any]:
        """Return the belief as plain data for JSON; numbers keep every digit."""
        plain = {name: _plain(getattr(self, name)) for name in _ARRAYS}
        grid = {f.name: getattr(self.grid, f.name) for f in fields(self.grid)}
        return {
            "schema": SCHEMA,
            "channels": list(self.channels),
            "source": self.source,
            "grid": grid | {"hill_shapes": list(self.grid.hill_shapes)},
            **plain,
            "notes": list(self.notes),
            "fingerprint": self.fingerprint,
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """Return the belief of `to_dict`.

        Raises
        ------
        InputError
            ``bad-argument`` for another schema, or a missing, misspelt or wrong field.
        """
        if not isinstance(data, Mapping) or data.get("schema") != SCHEMA:
            found = data.get("schema") if isinstance(data, Mapping) else data
            raise _wrong("schema", f"is {found!r}", f"give a belief of schema {SCHEMA}")
        known = [f.name for f in fields(cls)]
        if set(data) != {"schema", *known}:
            odd = sorted({"schema", *known} ^ set(data))
            raise _wrong("fields", f"lacks or adds {odd}", f"give exactly {', '.join(known)}")
        try:
            grid = Grid(**data["grid"] | {"hill_shapes": tuple(data["grid"]["hill_shapes"])})
            given = {name: _array(data[name]) for name in _ARRAYS}
            names, notes = tuple(map(str, data["channels"])), tuple(map(str, data["notes"]))
        except (TypeError, ValueError, KeyError) as error:
            raise _wrong("fields", f"cannot be read ({error})", "learn it again") from error
        source = cast("Literal['channel', 'total']", data["source"])
        return cls(names, source, grid, **given, notes=notes, fingerprint=str(data["fingerprint"]))

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Belief):
            return NotImplemented
        plain = [f.name for f in fields(self) if f.name not in _ARRAYS]
        return all(getattr(self, n) == getattr(other, n) for n in plain) and all(
            np.array_equal(getattr(self, n), getattr(other, n), equal_nan=True) for n in _ARRAYS
        )

    def __hash__(self) -> int:
        return hash((self.channels, self.source, self.grid, self.chance.tobytes()))


def _plain(array: Floats) -> Any:
    """Return nested lists, with None for NaN, which JSON does not know."""
    plain = array.astype(object)
    plain[np.isnan(array)] = None
    return plain.tolist()


def _array(values: Any) -> Floats:
    """Return nested lists as an array, None as NaN."""
    return np.array(values, dtype=np.float64)


def _wrong(field: str, problem: str, remedy: str) -> InputError:
    return InputError(
        "bad-argument", f"{field} of the belief {problem}", field=field, remedy=remedy
    )
