"""The belief: a probability distribution over every channel's curve, given the history.

From simple to subtle:

- `learn` goes from a history and a plan to a `Belief`;
- `Belief` holds the log, the settings and the posterior: its mean curve, draws, bands,
  predictions, and its plain form;
- ``belief["search"]`` is a `ChannelBelief`: one channel's curve and its band at any spends;
- `ChannelSummary` is what it says of one channel, one row of `Belief.summary`.

Where this stops: a belief is no causal proof. What moves spend and outcome alike, and is not
declared in the plan, is read as effect; `Belief.notes` says what a reader should know first.
"""

from __future__ import annotations

import datetime as dt
import json
import logging
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal, Self

import numpy as np
from numpy.typing import ArrayLike

from budgetopt.arguments import public
from budgetopt.arrays import Floats
from budgetopt.belief import notes as notes_of
from budgetopt.belief.aggregate import from_total
from budgetopt.belief.explained import Decomposition, HeldOut, decompose, held_out
from budgetopt.belief.inputs import Treated, model_of, own_of, treated
from budgetopt.belief.learning import (
    TRIED,
    Calibration,
    Walked,
    calibration,
    data_share,
    posterior_of,
    predicted,
    undeclared,
    walk,
)
from budgetopt.belief.log import ObservationLog, Observed, Planned
from budgetopt.belief.posterior import LEVEL, Band, Estimate, Posterior, Reading, wrong
from budgetopt.belief.regression import TotalFit
from budgetopt.belief.saved import Learned, Restart, goes_on, learned_of, learned_text
from budgetopt.belief.settings import Grid, Settings
from budgetopt.belief.siblings import labels_in_common, like_siblings
from budgetopt.curves import Curve, Mixture, Stack
from budgetopt.errors import BudgetoptError, InputError, did_you_mean
from budgetopt.i18n import Message, round_known, say, show_figure
from budgetopt.notebook import Card, Shown, brief
from budgetopt.plan import Priors
from budgetopt.records import misfit_of, parsed

if TYPE_CHECKING:
    import pandas as pd


LOG = logging.getLogger("budgetopt.belief")
_USUAL = Settings()


@public
def learn(
    history: Observed,
    plan: Planned,
    *,
    settings: Settings | None = None,
    earlier: Learned | Restart | None = None,
    carryovers: bool = True,
) -> Belief:
    """Return what the history says about every channel's curve.

    Parameters
    ----------
    history
        Weekly spend and outcome. Weeks that are not over are left out.
    plan
        Channels, weekly money, the size of one event of the outcome, and its
        `priors`: those of channels, kernels, delay, demand, events and lift tests.
    settings
        Grids and priors; the defaults where None.
    earlier
        What was learned from the first of these weeks, a belief or a `Restart`: only the rest is
        computed. Where it is of other weeks, another plan or other settings it is not used, and
        the answer is the same to the bit either way.
    carryovers
        Whether to look for carryovers that were not declared, a third of the time, for a note;
        nothing else depends on it.

    Returns
    -------
    Belief
        Over the plan's channels, in its order. A channel without data is believed to be like its
        siblings (`budgetopt.belief.siblings`), is named in `Belief.notes` and has `data_share` 0.

    Raises
    ------
    HistoryError
        ``no-data`` where no channel has anything to learn from; it names them.
    InputError
        ``bad-argument`` where the plan has no channel, neither it nor the history any money, or
        the history lacks a control that the plan declares.

    See Also
    --------
    budgetopt.belief.filter : the mathematics where each channel has its own outcome.
    budgetopt.belief.aggregate : the mathematics where there is one total.
    """
    names: Sequence[str] = tuple(plan.names)
    # Stand-ins for plans and histories have none.
    currency, check = getattr(plan, "currency", None), getattr(history, "check_currency", None)
    if currency and check:
        check(currency)
    columns = getattr(plan, "columns", None)
    lacking = sorted(set(columns.controls) - set(history.controls)) if columns else []
    if lacking:
        raise InputError(
            "bad-argument",
            say("history-no-control", lacking=repr(lacking[0])),
            field="history.controls",
            value=tuple(lacking),
            remedy=say("remedy-read-history-plan"),
        )
    # A paused week has no money of its own to speak of: what was usual then stands for it.
    weekly = plan.weekly or _usual_week(history.spend)
    if not names or not (np.isfinite(weekly) and weekly > 0):
        raise InputError(
            "bad-argument",
            say("plan-channels-weekly-money", count=len(names), weekly=plan.weekly),
            field="weekly",
            value=plan.weekly,
            remedy=say("remedy-learn-plan-history-channels"),
        )
    priors = getattr(plan, "priors", None) or Priors()
    log = ObservationLog.of(history, names, float(weekly) / len(names), plan.outcome_unit, priors)
    chosen = settings or _USUAL
    start = goes_on(earlier, log, chosen)
    began = time.perf_counter()
    found = Belief.of(log, chosen, left_out=int(np.sum(history.partial)), earlier=start,
                     carryovers=carryovers)  # fmt: skip
    shape = (len(log.weeks), len(log.channels), time.perf_counter() - began)
    LOG.debug("learned %d weeks of %d channels in %.3f s", *shape)
    return found


def _usual_week(spend: Floats) -> float:
    """Return the mean money of a week, 0 without weeks."""
    return float(np.nansum(spend) / len(spend)) if len(spend) else 0.0


SCHEMA = 2
"""Version of the plain form; raised when a reader of the old form would be misled."""


@public
@dataclass(frozen=True, eq=False, repr=False)
class Belief(Shown):
    """What is believed of every channel's curve, and all that it was learned from.

    Made by `learn` or `Belief.of`, not by hand. Two beliefs are equal when they were learned from
    the same log with the same settings.

    Parameters
    ----------
    log
        The observations, and what was known before any of them.
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
    fit
        How well the model of one total fits its weeks; None where channels have outcomes.
    """

    log: ObservationLog
    settings: Settings
    posterior: Posterior
    data_share: Floats
    spend_range: Floats
    usual_spend: Floats
    notes: tuple[str, ...] = ()
    walked: Walked | None = None
    fit: TotalFit | None = None

    @classmethod
    def of(
        cls,
        log: ObservationLog,
        settings: Settings,
        *,
        left_out: int = 0,
        earlier: Walked | None = None,
        carryovers: bool = True,
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
        carryovers
            As in `learn`.

        Raises
        ------
        HistoryError
            ``no-data`` where no channel has anything to learn from.
        """
        used = notes_of.used_weeks(log)
        if log.outcome is not None:
            walked, fit = walk(log, settings, earlier, carryovers=carryovers), None
            seen, own = walked.inputs.seen.any(axis=0), own_of(log)
            posterior, share = posterior_of(walked), data_share(walked)
            about = notes_of.of_channels(treated(log))
            if walked.trial is not None:
                about += notes_of.of_carried(undeclared(log, walked.trial, model_of(log, TRIED)))
        else:
            walked = None
            pinned = np.isin(log.channels, [name for name, _ in log.priors.pinned])
            seen, own = used.any(axis=0) & ~pinned, own_of(log)
            posterior, share, alike, fit = from_total(log, settings)
            about = notes_of.of_total(log, used, share, alike, fit)
        if not seen.all():
            tested = np.isin(log.channels, [test.channel for test in log.priors.lift_tests])
            labels = dict(log.priors.labels)
            common = labels_in_common([labels.get(name, ()) for name in log.channels])
            posterior = like_siblings(
                posterior, np.reshape(seen, (1, -1)), tested, common, own, settings.amplitude_sd
            )
        low, high, usual = _ranges(log.spend, used)
        unseen = np.asarray(~used.any(axis=0))
        scale = notes_of.out_of_scale(log, log.channels)
        about = [*scale, *notes_of.unfinished(left_out), *about]
        notes = (*about, *notes_of.never_seen(log.channels, unseen))
        ranges = np.stack([low, high], axis=-1)
        return cls(log, settings, posterior, share, ranges, usual, notes, walked, fit)

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
        left_out = int(np.sum(history.partial))
        named = self.log.fingerprint == history.fingerprint
        aged = not np.all(self.log.through == np.datetime64(history.through, "D"))
        if named and not left_out and not aged and np.array_equal(self.log.weeks, history.weeks):
            return self
        log = self.log.extended(history)
        if not left_out and log.holds_the_same(self.log):
            return self
        return type(self).of(log, self.settings, left_out=left_out, earlier=self.walked)

    @property
    def channels(self) -> tuple[str, ...]:
        """Names, in the plan's order."""
        return self.log.channels

    def __getitem__(self, channel: str) -> ChannelBelief:
        """Return one channel's curve, with its band, at any spends.

        Raises
        ------
        InputError
            ``unknown-name``.
        """
        if channel not in self.log.index:
            raise InputError(
                "unknown-name",
                say("belief-without-channel", channel=repr(channel)),
                field="channel",
                value=str(channel),
                remedy=did_you_mean(str(channel), self.channels),
            )
        return ChannelBelief(self, channel)

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
        pinned = dict(self.log.priors.pinned)
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
            raise wrong("source", say("part-is-total"), say("remedy-held-out-predicts"))
        money = self.posterior.spends(spend)
        return predicted(self.walked, self.posterior, money, level)

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

    def forecasts(self) -> pd.DataFrame:
        """Return one row a week and channel: what was expected one week ahead, and what came.

        Columns ``week``, ``channel``, ``forecast`` (the middle of what the weeks before said of
        the spend of this one), ``actual``, and ``rank``, the share of the prediction that lay below
        the outcome: of calibrated predictions half of the ranks lie between 0.25 and 0.75.

        Raises
        ------
        InputError
            ``bad-argument`` where one total was all, which predicts no channel's outcome.
        """
        import pandas as pd

        if self.walked is None:
            raise wrong("source", say("part-is-total"), say("remedy-held-out-predicts"))
        inputs, past = self.walked.inputs, self.walked.records
        half = 0.5 * inputs.event
        forecast = np.maximum((inputs.outcome + half) * np.exp(-past.miss) - half, 0.0)
        seen = np.isfinite(past.rank)
        week, channel = np.nonzero(seen)
        return pd.DataFrame(
            {
                "week": inputs.days[week].astype("datetime64[s]"),
                "channel": np.array(self.channels, dtype=object)[channel],
                "forecast": forecast[seen],
                "actual": inputs.outcome[seen],
                "rank": past.rank[seen],
            }
        )

    def held_out(self, level: float = LEVEL) -> HeldOut | None:
        """Return the last quarter predicted from the weeks before it, learned from them alone.

        None where channels have outcomes of their own, of which `forecasts` tells, and where the
        weeks before the quarter are too few or lack a channel of it.
        """
        return None if self.fit is None else held_out(self.log, self.settings, level)

    def decomposition(self) -> Decomposition | None:
        """Return the parts of each week's total; None where channels have outcomes of their own."""
        return None if self.fit is None else decompose(self.log, self.settings)

    @cached_property
    def trusted_range(self) -> Floats:
        """Least and greatest spend that weeks or lift tests speak of, shape ``(channels, 2)``.

        It is NaN where a channel had none, and where a pinned curve is trusted at any spend.
        """
        trusted = self.spend_range.copy()
        for test in self.log.priors.lift_tests:
            if test.channel in self.log.index:
                ends = trusted[self.log.index[test.channel]]
                ends[1] = np.fmax(ends[1], test.high)
                ends[0] = np.fmin(ends[0], test.low or test.high)
        pinned = dict(self.log.priors.pinned)
        trusted[[name in pinned for name in self.channels]] = np.nan
        return trusted

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

    def to_frame(self, level: float = LEVEL) -> pd.DataFrame:
        """Return one row a channel, as `ChannelSummary.flat`; what is not known is None or NaN."""
        import pandas as pd

        return pd.DataFrame([row.flat() for row in self.summary(level)])

    def learned_from(self) -> Message:
        """Return which weeks it was learned from, in a sentence."""
        weeks = self.log.weeks
        count = say("one-week") if len(weeks) == 1 else say("count-weeks", count=len(weeks))
        kind = say("outcome-in-total") if self.source == "total" else say("outcome-by-channel")
        first, last = str(weeks[0]), str(weeks[-1])
        return say("belief-learned-from", weeks=count, kind=kind, first=first, last=last)

    def _card(self) -> Card:
        spends = np.where(np.isfinite(self.usual_spend), self.usual_spend, self.reference)
        rows = []
        for name, spend in zip(self.channels, spends.tolist(), strict=True):
            one = self[name].band(spend)
            ends = [float(end) for end in (one.mean, one.low, one.high)]
            shown = [show_figure(round_known(end, ends[2] - ends[1]), 4) for end in ends]
            rows.append((name, show_figure(spend, 4), *shown))
        heads = (say("channel"), say("usual-spend"), say("outcome"), say("low"), say("high"))
        return Card(self.learned_from(), heads, rows)

    def to_dict(self, *, learned: bool = False) -> dict[str, Any]:
        """Return log and settings as plain data for JSON; the rest follows from them.

        Parameters
        ----------
        learned
            Whether to add what was learned, some 80 kB a channel, so that `from_dict` need not
            learn again; a belief from one total is learned again all the same.
        """
        known = {f.name: getattr(Settings, f.name) for f in fields(Settings)}
        chosen = {k: v for k, v in asdict(self.settings).items() if v != known[k]}
        data = {"schema": SCHEMA, "settings": chosen, "log": self.log.to_dict()}
        if learned and self.walked is not None:
            data["learned"] = learned_text(self.walked, self.log, self.settings)
        return data

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """Return the belief of `to_dict`, to the bit.

        It is learned again from its log where what was learned is not there, or is of another log,
        other settings or another version of the library.

        Raises
        ------
        InputError
            ``bad-argument`` for another schema, or a missing, misspelt or wrong field.
        """
        if not isinstance(data, Mapping) or data.get("schema") != SCHEMA:
            found = data.get("schema") if isinstance(data, Mapping) else data
            raise wrong(
                "schema",
                say("part-is-value", level=repr(found)),
                say("remedy-belief-schema", schema=SCHEMA),
            )
        if set(data) - {"learned"} != {"schema", "settings", "log"}:
            odd = sorted({"schema", "settings", "log"} ^ (set(data) - {"learned"}))
            raise wrong(
                "fields",
                say("missing-unknown-fields", odd=[*map(repr, odd)]),
                say("remedy-exactly-schema-settings"),
            )
        try:
            settings, log = Settings(**data["settings"]), ObservationLog.from_dict(data["log"])
            earlier = learned_of(data.get("learned"), log, settings)
        except BudgetoptError:
            raise
        except (TypeError, ValueError, KeyError, AttributeError) as error:
            raise wrong(
                "fields", say("cannot-read", error=misfit_of(error)), say("remedy-learn-again")
            ) from error
        return cls.of(log, settings, earlier=earlier)

    def to_json(self, *, learned: bool = False) -> str:
        """Return `to_dict` as JSON text."""
        return json.dumps(self.to_dict(learned=learned), ensure_ascii=False, allow_nan=False)

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Return the belief of `to_json`; see `from_dict`."""
        return cls.from_dict(parsed(text, "Belief"))

    def _pinned(self, mixture: Mixture) -> Curve:
        pinned = dict(self.log.priors.pinned)
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


_TOGETHER = 256
"""Spends that a band is worked out for at once: each asks all cells of the channel."""


@public
@dataclass(frozen=True, eq=False, repr=False)
class ChannelBelief(Shown):
    """What is believed of one channel's curve in a usual week; ``belief["search"]`` gives it.

    Parameters
    ----------
    belief
        The whole of it.
    channel
        Name.

    Notes
    -----
    A pinned curve is not in doubt: its band is the curve.
    """

    belief: Belief
    channel: str

    def response(self, spends: ArrayLike) -> Floats:
        """Return the expected outcome at spends of at least 0, of their shape."""
        return self._curve.value(_spends(spends))

    def marginal(self, spends: ArrayLike) -> Floats:
        """Return the expected outcome of the next unit of money (mROAS) at spends, of their shape.

        At 0 it is infinite where a cell has an infinite slope there.
        """
        return self._curve.slope(_spends(spends))

    def band(self, spends: ArrayLike, level: float = LEVEL) -> Band:
        """Return the outcome at spends of at least 0 with its quantiles, each of their shape.

        Parameters
        ----------
        spends
            Money per week, any shape.
        level
            Chance inside the band at each spend on its own: the ends are no curves of their own.
        """
        money = _spends(spends)
        mean = self.response(money)
        if self.channel in dict(self.belief.log.priors.pinned):
            return Band(mean, mean, mean, level)
        flat, ends = money.ravel(), np.zeros((2, money.size))
        some = np.flatnonzero(flat)
        posterior, row = self.belief.posterior, self.belief.log.index[self.channel]
        for at in np.split(some, range(_TOGETHER, some.size, _TOGETHER)) if some.size else ():
            held = posterior.repeated(row, at.size).response(flat[at], level)
            ends[:, at] = held.low, held.high
        low, high = ends.reshape(2, *money.shape)
        return Band(mean, low, high, level)

    @cached_property
    def _curve(self) -> Curve:
        pinned = dict(self.belief.log.priors.pinned)
        if self.channel in pinned:
            return pinned[self.channel]
        row = self.belief.log.index[self.channel]
        mean = self.belief.posterior.mean()
        return Mixture(mean.cells, np.asarray(mean.weights)[row])

    def to_frame(self, level: float = LEVEL) -> pd.DataFrame:
        """Return the curve from 0 to twice the usual spend: response with its band, and mROAS."""
        import pandas as pd

        spends = self._usual * np.array([0.0, *_STEPS])
        held = self.band(spends, level)
        return pd.DataFrame(
            {"spend": spends, "response": held.mean, "response_low": held.low,
             "response_high": held.high, "mroas": self.marginal(spends)}
        )  # fmt: skip

    @property
    def _usual(self) -> float:
        usual = float(self.belief.usual_spend[self.belief.log.index[self.channel]])
        return usual if np.isfinite(usual) else self.belief.reference

    def _card(self) -> Card:
        rows = [[show_figure(v, 4) for v in row] for row in self.to_frame().to_numpy().tolist()]
        heads = (say("spend"), say("outcome"), say("low"), say("high"), say("mroas"))
        return Card(say("belief-of-channel", channel=self.channel), heads, rows)


def _spends(given: ArrayLike) -> Floats:
    """Return spends as an array, or refuse what is not money of at least 0."""
    money = np.asarray(given, dtype=np.float64)
    if not np.all(np.isfinite(money) & (money >= 0)):
        raise wrong("spends", say("part-below-zero"), say("remedy-money-least-0"))
    return money


def _ranges(spend: Floats, used: Any) -> tuple[Floats, Floats, Floats]:
    """Return least, greatest and mean spend of the weeks used, NaN where there were none."""
    some = used.any(axis=0)
    low = np.min(spend, axis=0, where=used, initial=np.inf)
    high = np.max(spend, axis=0, where=used, initial=-np.inf)
    mean = np.sum(spend, axis=0, where=used) / np.maximum(used.sum(axis=0), 1)
    return tuple(np.where(some, v, np.nan) for v in (low, high, mean))  # type: ignore[return-value]


@dataclass(frozen=True)
class LevelChange:
    """The last change of a channel's response that the weeks show.

    Parameters
    ----------
    week
        First day of the week in which it was seen.
    chance
        That the level jumped then, and the week was not merely odd.
    """

    week: dt.date
    chance: float


@brief
@dataclass(frozen=True)
class ChannelSummary:
    """What is believed of one channel.

    Parameters
    ----------
    channel
        Its name.
    data_share
        Share of the information that is data and not prior, 0 to 1.
    spend_low, spend_high
        Least and greatest money in a week with any; None where there was none.
    at_reference
        What the equal share of the budget would bring.
    at_usual
        What its own mean spend in weeks with any brings; None where there was none.
    curve
        Readings at a quarter of the usual spend to twice of it (of the equal share where it has
        none).
    saturation
        Money per week at which half of the most is reached.
    s_shaped
        Chance that the curve first bends up.
    drift, noise
        Weekly standard deviations of the log response, and of the log outcome around it; None
        where one total was all.
    change
        The last change seen, None where none was.
    """

    channel: str
    data_share: float
    spend_low: float | None
    spend_high: float | None
    at_reference: Reading
    at_usual: Reading | None
    curve: tuple[Reading, ...]
    saturation: Estimate
    s_shaped: float
    drift: Estimate | None
    noise: Estimate | None
    change: LevelChange | None

    def flat(self) -> dict[str, Any]:
        """Return the row with a column for each figure; what is not known is None.

        Response, ROAS and mROAS are those at ``spend``: the usual one, or the equal share where
        there was no spend and ``spend_low`` and ``spend_high`` are None.
        """
        at = self.at_reference if self.at_usual is None else self.at_usual
        estimates = {
            "response": at.response,
            "roas": at.roas,
            "mroas": at.mroas,
            "saturation": self.saturation,
            "drift": self.drift,
            "noise": self.noise,
        }
        flat: dict[str, Any] = {
            "channel": self.channel,
            "data_share": self.data_share,
            "spend_low": self.spend_low,
            "spend_high": self.spend_high,
            "spend": at.spend,
        }
        for name, estimate in estimates.items():
            for part in ("mean", "low", "high"):
                key = name if part == "mean" else f"{name}_{part}"
                flat[key] = None if estimate is None else getattr(estimate, part)
        return flat | {
            "s_shaped": self.s_shaped,
            "change_week": None if self.change is None else str(self.change.week),
            "change_chance": None if self.change is None else self.change.chance,
        }


_STEPS = (0.25, 0.5, 0.75, 1.0, 1.25, 1.5, 2.0)
"""Spends of the curve's table, in usual spends."""
_SEEN = 0.5
"""Chance from which a change is reported."""


def summarised(belief: Belief, level: float) -> tuple[ChannelSummary, ...]:
    """Return one row a channel."""
    channels = belief.channels
    ran = np.isfinite(belief.usual_spend)
    usual = np.where(ran, belief.usual_spend, belief.reference)
    at_reference = _readings(belief, np.full(len(channels), belief.reference), level)
    at_usual = _readings(belief, usual, level)
    steps = [_readings(belief, step * usual, level) for step in _STEPS]
    saturation, steep = _saturation(belief, level)
    drift, noise, change = _dynamics(belief.walked, level, len(channels))
    return tuple(
        ChannelSummary(
            channel=name,
            data_share=float(belief.data_share[i]),
            spend_low=float(belief.spend_range[i, 0]) if ran[i] else None,
            spend_high=float(belief.spend_range[i, 1]) if ran[i] else None,
            at_reference=at_reference[i],
            at_usual=at_usual[i] if ran[i] else None,
            curve=tuple(step[i] for step in steps),
            saturation=saturation[i],
            s_shaped=float(steep[i]),
            drift=drift[i],
            noise=noise[i],
            change=change[i],
        )
        for i, name in enumerate(channels)
    )


def _readings(belief: Belief, spend: Floats, level: float) -> list[Reading]:
    response, marginal = belief.response(spend, level), belief.marginal(spend, level)
    roas: Band = response.scaled(1.0 / spend)
    return [
        Reading(float(x), response.row(i), roas.row(i), marginal.row(i))
        for i, x in enumerate(spend)
    ]


def _saturation(belief: Belief, level: float) -> tuple[list[Estimate], Floats]:
    grid, chance = belief.grid, belief.posterior.by_cell()
    points, place = np.unique(grid.log_half, return_inverse=True)
    held = [
        _discrete(
            points,
            np.bincount(place, row, points.size).astype(np.float64),
            level,
            belief.reference,
        )
        for row in chance
    ]
    return held, chance @ grid.steep


def _dynamics(
    walked: Walked | None, level: float, channels: int
) -> tuple[list[Estimate | None], list[Estimate | None], list[LevelChange | None]]:
    if walked is None:
        return [None] * channels, [None] * channels, [None] * channels
    model, chance = walked.model, walked.state.tables.chance.sum(axis=2)
    drifts, noises = model.settings.drift, model.settings.noise
    table = chance.reshape(channels, len(drifts), len(noises))
    drift: list[Estimate | None] = [
        _discrete(np.log(np.maximum(drifts, 1e-9)), row, level, 1.0) for row in table.sum(axis=2)
    ]
    noise: list[Estimate | None] = [
        _discrete(np.log(noises), row, level, 1.0) for row in table.sum(axis=1)
    ]
    jumps = np.nan_to_num(walked.jumps)
    return drift, noise, [_last_change(walked, jumps[:, at]) for at in range(channels)]


def _last_change(walked: Walked, jump: Floats) -> LevelChange | None:
    # Until a new level is believed the week after its first one stands out too: one change.
    seen = jump > _SEEN
    first = np.flatnonzero(seen & ~np.append(False, seen[:-1]))
    if not first.size:
        return None
    week = walked.inputs.days[first[-1]].astype("datetime64[D]").item()
    return LevelChange(week, float(jump[first[-1]]))


def _discrete(log_points: Floats, chance: Floats, level: float, unit: float) -> Estimate:
    """Return mean and quantiles of a chance over points that are even in the logarithm.

    Each point stands for the stretch half-way to its neighbours.
    """
    if len(log_points) == 1:
        return Estimate(*[float(unit * np.exp(log_points[0]))] * 3)
    middle = 0.5 * (log_points[1:] + log_points[:-1])
    edges = np.concatenate(
        [[2 * log_points[0] - middle[0]], middle, [2 * log_points[-1] - middle[-1]]]
    )
    below = np.concatenate([[0.0], np.cumsum(chance)])
    ends = np.interp([0.5 - 0.5 * level, 0.5 + 0.5 * level], below / below[-1], edges)
    mean = float(chance @ np.exp(log_points) / chance.sum())
    return Estimate(unit * mean, float(unit * np.exp(ends[0])), float(unit * np.exp(ends[1])))
