"""The belief: a probability distribution over every channel's curve, given the history."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from functools import cached_property
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import ArrayLike

from budgetopt.belief import notes as say
from budgetopt.belief.bands import Band
from budgetopt.belief.by_channel import Walked, data_share, posterior_of, walk
from budgetopt.belief.foresight import Calibration, calibration, predicted
from budgetopt.belief.from_total import from_total
from budgetopt.belief.grid import Grid
from budgetopt.belief.inputs import Treated, treated
from budgetopt.belief.log import Log, Observed
from budgetopt.belief.posterior import LEVEL, Posterior, wrong
from budgetopt.belief.settings import Settings
from budgetopt.belief.summary import ChannelSummary, summarised
from budgetopt.curves import Curve, Mixture, Stack
from budgetopt.curves.base import Floats
from budgetopt.errors import BudgetoptError

SCHEMA = 2
"""Version of the plain form; raised when a reader of the old form would be misled."""


@dataclass(frozen=True, eq=False)
class Belief:
    """What is believed of every channel's curve, and all that it was learned from.

    Made by `learn` or `Belief.of`, not by hand. Two beliefs are equal when they were learned from
    the same log with the same settings.

    Parameters
    ----------
    log
        The observations, and what was known beforehand.
    settings
        Priors and grids.
    posterior
        The curves; its rows are the channels, in the plan's order.
    data_share
        Share of the information about each channel that is data and not prior, 0 to 1.
    spend_range
        Least and greatest money in a week with any, shape ``(channels, 2)``, NaN where none.
    usual_spend
        Mean money of the weeks with any, NaN where none.
    notes
        What a reader should know before trusting it.
    walked
        The filter's state and record, where each channel has an outcome of its own; None where
        one total was all.
    """

    log: Log
    settings: Settings
    posterior: Posterior
    data_share: Floats
    spend_range: Floats
    usual_spend: Floats
    notes: tuple[str, ...] = ()
    walked: Walked | None = None

    @classmethod
    def of(
        cls, log: Log, settings: Settings, *, left_out: int = 0, earlier: Walked | None = None
    ) -> Self:
        """Return what a log says.

        Parameters
        ----------
        log
            The observations.
        settings
            Priors and grids.
        left_out
            Weeks that were left out as they are not over, for the notes.
        earlier
            Where learning may go on from.

        Raises
        ------
        HistoryError
            ``no-data`` where no channel has anything to learn from.
        """
        used = say.used_weeks(log)
        if log.outcome is not None:
            walked = walk(log, settings, earlier)
            posterior, share = posterior_of(walked), data_share(walked)
            told = say.of_channels(treated(log))
        else:
            walked = None
            posterior, share, alike = from_total(log, settings)
            told = say.of_total(log, used, share, alike)
        low, high, usual = _ranges(log.spend, used)
        unseen = np.asarray(~used.any(axis=0))
        notes = (*say.unfinished(left_out), *told, *say.never_seen(log.channels, unseen))
        ranges = np.stack([low, high], axis=-1)
        return cls(log, settings, posterior, share, ranges, usual, notes, walked)

    def updated(self, history: Observed) -> Self:
        """Return the belief after more weeks, or after weeks that were revised.

        The same as learning from all weeks at once, to the bit; where only new weeks come, only
        these are computed.

        Parameters
        ----------
        history
            The new weeks, or the whole history with them; its whole weeks replace those the
            belief has already. Channels that the belief does not have are left out.
        """
        log = self.log.extended(history)
        left_out = int(np.sum(history.partial))
        return type(self).of(log, self.settings, left_out=left_out, earlier=self.walked)

    @property
    def channels(self) -> tuple[str, ...]:
        """Names, in the plan's order."""
        return self.log.channels

    @property
    def source(self) -> Literal["channel", "total"]:
        """Whether each channel had an outcome of its own, or one total was all."""
        return "total" if self.walked is None else "channel"

    @property
    def grid(self) -> Grid:
        """The cells."""
        return self.posterior.grid

    @property
    def reference(self) -> float:
        """The equal share of the weekly money, at which amplitudes are held."""
        return self.log.reference

    @property
    def fingerprint(self) -> str:
        """Name of the history it was learned from."""
        return self.log.fingerprint

    @cached_property
    def treated(self) -> tuple[Treated, ...]:
        """Weeks that were not learned from like all others, by channel, with what was done."""
        return treated(self.log) if self.walked is not None else ()

    def mean(self) -> Curve:
        """Return the expected curve of each channel in a usual week.

        A `Mixture` with weights of shape ``(channels, cells)``; where channels are pinned, a
        `Stack` of it and their curves.
        """
        return self._pinned(self.posterior.mean())

    def draw(self, rng: np.random.Generator, draws: int = 1) -> Curve:
        """Return draws of the curves, over ``(draws, channels)``; see `Posterior.draw`."""
        return self._pinned(self.posterior.draw(rng, draws))

    def draw_concave(self, rng: np.random.Generator, draws: int = 1) -> Curve:
        """Return draws given that no channel is S-shaped; see `Posterior.concave`."""
        return self._pinned(self.posterior.concave().draw(rng, draws))

    def average(self, rng: np.random.Generator, draws: int) -> Curve:
        """Return the average of draws as one curve for each channel."""
        return self._pinned(self.posterior.average(rng, draws))

    def quantile(self, chance: float, spend: ArrayLike | None = None) -> Curve:
        """Return the expected curves scaled to a quantile; see `Posterior.quantile`."""
        return self._pinned(self.posterior.quantile(chance, spend))

    def gain(self, before: ArrayLike, after: ArrayLike) -> tuple[Floats, Floats]:
        """Return mean and variance of what each channel brings more at another spend.

        A pinned curve is not in doubt; see `Posterior.gain`.
        """
        mean, variance = self.posterior.gain(before, after)
        pinned = dict(self.log.beforehand.pinned)
        if pinned:
            held = np.array([name in pinned for name in self.channels])
            curve = self.mean()
            mean = np.where(held, curve.value(after) - curve.value(before), mean)
            variance = np.where(held, 0.0, variance)
        return mean, variance

    def tilted(self, power: float, spend: ArrayLike) -> Curve:
        """Return the expected curves where steep ones count for more; see `Posterior.tilted`."""
        return self._pinned(self.posterior.tilted(power, spend))

    def response(self, spend: ArrayLike, level: float = LEVEL) -> Band:
        """Return the outcome of a usual week at a spend above 0 for each channel, with a band."""
        return self.posterior.response(spend, level)

    def marginal(self, spend: ArrayLike, level: float = LEVEL) -> Band:
        """Return the outcome of the next unit of money (mROAS) at a spend, with a band."""
        return self.posterior.marginal(spend, level)

    def predict(self, spend: ArrayLike, level: float = LEVEL) -> Band:
        """Return next week's outcome at a spend above 0 for each channel, noise included.

        Raises
        ------
        InputError
            ``bad-argument`` where one total was all, which predicts no channel's outcome.
        """
        if self.walked is None:
            raise wrong("source", "is one total", "learn from outcomes by channel to predict them")
        return predicted(self.walked, np.broadcast_to(spend, (len(self.channels),)), level)

    @property
    def week_effect(self) -> tuple[float, float]:
        """Mean and standard deviation of the logarithm of next week's common effect."""
        if self.walked is None:
            return 0.0, 0.0
        from_now = self.walked.effect_ahead()
        return float(from_now[0]), float(np.sqrt(from_now[1]))

    def calibration(self, weeks: int = 8, level: float = LEVEL) -> Calibration:
        """Return how many of the last weeks' outcomes lay inside their predictions' bands."""
        return calibration(self.walked, weeks, level)

    def beyond(self, spend: Mapping[str, Any]) -> tuple[str, ...]:
        """Return the channels whose spend leaves what was ever seen, above or below."""
        out = []
        for at, name in enumerate(self.channels):
            given = float(spend.get(name, 0.0))
            low, high = self.spend_range[at]
            if given > 0 and not low <= given <= high:
                out.append(name)
        return tuple(out)

    def summary(self, level: float = LEVEL) -> tuple[ChannelSummary, ...]:
        """Return one row a channel: curve, response, ROAS and mROAS with bands, and the rest."""
        return summarised(self, level)

    def to_dict(self) -> dict[str, Any]:
        """Return log and settings as plain data for JSON; the rest follows from them."""
        known = {f.name: getattr(Settings, f.name) for f in fields(Settings)}
        chosen = {k: v for k, v in asdict(self.settings).items() if v != known[k]}
        return {"schema": SCHEMA, "settings": chosen, "log": self.log.to_dict()}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """Return the belief of `to_dict`, learned again from its log.

        Raises
        ------
        InputError
            ``bad-argument`` for another schema, or a missing, misspelt or wrong field.
        """
        if not isinstance(data, Mapping) or data.get("schema") != SCHEMA:
            found = data.get("schema") if isinstance(data, Mapping) else data
            raise wrong("schema", f"is {found!r}", f"give a belief of schema {SCHEMA}")
        if set(data) != {"schema", "settings", "log"}:
            odd = sorted({"schema", "settings", "log"} ^ set(data))
            raise wrong("fields", f"lacks or adds {odd}", "give exactly schema, settings and log")
        try:
            settings, log = Settings(**data["settings"]), Log.from_dict(data["log"])
        except BudgetoptError:
            raise
        except (TypeError, ValueError, KeyError, AttributeError) as error:
            raise wrong("fields", f"cannot be read ({error})", "learn it again") from error
        return cls.of(log, settings)

    def _pinned(self, mixture: Mixture) -> Curve:
        pinned = dict(self.log.beforehand.pinned)
        if not pinned:
            return mixture
        parts: list[tuple[Any, Curve]] = []
        free = [at for at, name in enumerate(self.channels) if name not in pinned]
        if free:
            parts.append((np.array(free), mixture.take(free)))
        for at, name in enumerate(self.channels):
            if name in pinned:
                curve = pinned[name]
                parts.append((np.array([at]), type(curve).join([curve])))
        return Stack(tuple(parts))

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Belief):
            return NotImplemented
        return self.to_dict() == other.to_dict()

    def __hash__(self) -> int:
        return hash((self.channels, self.settings, self.log.spend.tobytes()))


def _ranges(spend: Floats, used: Any) -> tuple[Floats, Floats, Floats]:
    """Return least, greatest and mean spend of the weeks used, NaN where there were none."""
    some = used.any(axis=0)
    low = np.min(spend, axis=0, where=used, initial=np.inf)
    high = np.max(spend, axis=0, where=used, initial=-np.inf)
    mean = np.sum(spend, axis=0, where=used) / np.maximum(used.sum(axis=0), 1)
    return tuple(np.where(some, v, np.nan) for v in (low, high, mean))  # type: ignore[return-value]
