"""Learning where each channel has an outcome of its own: the filter over a log, and its record.

- `walk` runs the filter over the weeks of a log, and goes on from an earlier walk where it can;
  `Walked` is what it knows then, and `posterior_of` and `data_share` are read from it;
- `undeclared`: whether outcomes follow the spend of weeks before, where no carryover was declared;
- jump smoothing: `jumped` is the chance that the level jumped in a week, as it looks one week
  later; `collapses` names the channels whose response fell in the last weeks;
- calibration: `predicted` is next week's outcome, `forecast` that of a week that came since,
  and `calibration` how well the filter's own predictions did.

Where this stops. Smoothing looks one week back and no further. A prediction's band treats counts as
log-normal, which is rough below about five events a week; the record itself is exact for counts.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from scipy.special import ndtr

from budgetopt.arrays import Floats
from budgetopt.belief.evidence import apply_lift_test
from budgetopt.belief.filter.run import FilterState, WeekRecord, start, step
from budgetopt.belief.filter.state import PriorModel
from budgetopt.belief.filter.update import ahead, moments
from budgetopt.belief.inputs import FilterInputs, inputs_of, model_of
from budgetopt.belief.log import ObservationLog
from budgetopt.belief.posterior import Band, Posterior, band
from budgetopt.belief.settings import Settings
from budgetopt.plan import LiftTest


class Walked(NamedTuple):
    """What the filter knows after a log, and what it predicted on the way.

    Parameters
    ----------
    model, inputs, state
        Priors, what was read, and what is known now.
    records
        The record of every week, its parts of shape ``(weeks, channels)``, NaN where unseen.
    trial
        What a coarse filter knows that tries carryovers; None where the settings try some, or
        nobody asked.
    """

    model: PriorModel
    inputs: FilterInputs
    state: FilterState
    records: WeekRecord
    trial: FilterState | None = None

    @property
    def ranks(self) -> Floats:
        """Share of each one-week-ahead prediction that lay below the outcome."""
        return self.records.rank

    @property
    def outliers(self) -> Floats:
        """Chance that each week was one of its own."""
        return self.records.outlier

    @property
    def jumps(self) -> Floats:
        """Chance that the level jumped in each week, as it looks one week later."""
        past = self.records
        return jumped(past.miss, past.moved, past.level, past.noise, self.model.settings)

    @property
    def collapses(self) -> list[Collapse]:
        """The channels that are believed to bring far less than some weeks ago."""
        return collapses(self.records.moved, self.records.level, self.records.outlier)

    def effect_ahead(self) -> tuple[float, float]:
        """Return mean and variance of the log of next week's common effect."""
        if self.state.effect is None:
            return 0.0, 0.0
        mean, variance = moments(ahead(self.state.effect, self.model.settings, 1.0))
        return float(mean[0]), float(variance[0])


def walk(
    log: ObservationLog,
    settings: Settings,
    earlier: Walked | None = None,
    *,
    carryovers: bool = True,
) -> Walked:
    """Return what the filter says of a log, from where an earlier walk stopped if it can.

    Parameters
    ----------
    log
        Weeks with outcomes by channel.
    settings
        Priors and grids.
    earlier
        A walk over the first weeks of the same log. Where its weeks have changed since (revised,
        or grown out of their youth), the walk starts anew; either way the answer is the same.
    carryovers
        Whether carryovers are tried beside, which changes nothing but the trial.
    """
    model, inputs = model_of(log, settings), inputs_of(log, settings)
    tests = _by_week(log)
    if (
        earlier is None
        or not inputs.goes_on(earlier.inputs)
        or max(tests, default=-1) >= len(earlier.inputs.days)
    ):
        first, state = 0, start(model, inputs.centre[None], inputs.sd[None])
        records = np.full((len(WeekRecord._fields), len(inputs.days), len(log.channels)), np.nan)
        _apply_lift_tests(state, tests.get(-1, []), log, model)
    else:
        first, state = len(earlier.inputs.days), earlier.state.copy()
        more = np.full(
            (len(WeekRecord._fields), len(inputs.days) - first, len(log.channels)), np.nan
        )
        records = np.concatenate([np.stack(earlier.records), more], axis=1)
    for at in range(first, len(inputs.days)):
        state, records[:, at] = step(state, inputs.week(at), model, record=True)
        _apply_lift_tests(state, tests.get(at, []), log, model)
    _apply_lift_tests(state, tests.get(len(inputs.days), []), log, model)
    trial = _trial(log, settings, first, earlier) if carryovers else None
    return Walked(model, inputs, state, WeekRecord(*records), trial)


def _trial(
    log: ObservationLog, settings: Settings, first: int, earlier: Walked | None
) -> FilterState | None:
    """Return what the coarse filter knows that tries carryovers, learned from a week on."""
    if settings.carryover != (0.0,):
        return None
    model, inputs = model_of(log, TRIED), inputs_of(log, TRIED)
    if first and earlier is not None and earlier.trial is not None:
        state = earlier.trial.copy()
    else:
        first, state = 0, start(model, inputs.centre[None], inputs.sd[None])
    for at in range(first, len(inputs.days)):
        state, _ = step(state, inputs.week(at), model)
    return state


def _by_week(log: ObservationLog) -> dict[int, list[LiftTest]]:
    """Return the tests by the week that each ended in: -1 before the log, its length after it."""
    tests: dict[int, list[LiftTest]] = {}
    for test in log.priors.lift_tests:
        at = -1
        if test.ended is not None and len(log.weeks):
            day = np.datetime64(test.ended, "D")
            at = int(np.searchsorted(log.weeks, day, "right")) - 1
            if day >= log.weeks[-1] + np.timedelta64(7, "D"):
                at = len(log.weeks)
        tests.setdefault(at, []).append(test)
    return tests


def _apply_lift_tests(
    state: FilterState, tests: list[LiftTest], log: ObservationLog, model: PriorModel
) -> None:
    for test in tests:
        apply_lift_test(state, test, log.index[test.channel], model)


def posterior_of(walked: Walked) -> Posterior:
    """Return the curves that a walk believes in."""
    tables = walked.state.tables
    return Posterior(
        walked.model.grid,
        (walked.model.channels,),
        tables.chance,
        tables.mean,
        tables.variance[..., None],
    )


def data_share(walked: Walked) -> Floats:
    r"""Return how much of what is known of each channel's log response is data, ``(channels,)``.

    :math:`1 - \mathrm{Var}(a \mid y) / \mathrm{Var}(a)` of the response at the reference, from 0,
    all prior or nothing seen, to 1, all data.
    """
    tables = walked.state.tables
    middle = np.einsum("rk,rk->r", tables.cell_chance, tables.cell_mean)
    square = np.einsum("rk,rk->r", tables.cell_chance, np.square(tables.cell_mean))
    spread = tables.within + np.maximum(square - np.square(middle), 0.0)
    share: Floats = np.clip(1.0 - spread / np.square(walked.inputs.sd), 0.0, 1.0)
    share[~walked.inputs.seen.any(axis=0)] = 0.0
    return share


TRIED = Settings(
    points=5,
    hill_shapes=(0.8,),
    steep_shapes=(),
    noise=(0.1, 0.2, 0.4),
    drift=(0.02,),
    carryover=(0.0, 0.3, 0.6, 0.8),
)
"""The coarse filter beside the one that counts on no carryover: a fiftieth of the cells, crossed
with carryovers of none, 0.3, 0.6 and 0.8."""
_NAMED_ODDS = 4.0
"""Log odds from which a carryover is named; among 600 histories without one none had 3.5."""
_IDLE = 3
"""Weeks without spend that brought outcome, from which they are no accident."""


class Carried(NamedTuple):
    """A carryover that was not declared and shows.

    Parameters
    ----------
    channel
        Its name.
    share
        That fits best of those tried.
    log_odds
        Of it against none.
    idle, idle_with
        Weeks without spend, and those of them with an outcome.
    """

    channel: str
    share: float
    log_odds: float
    idle: int
    idle_with: int


def undeclared(log: ObservationLog, state: FilterState, model: PriorModel) -> list[Carried]:
    """Return the channels whose outcomes follow the spend of weeks before as well.

    The chance of each carryover after the weeks is the evidence for it, with curve, noise and drift
    averaged over. It decides nothing, and a note says where it is strong.

    Parameters
    ----------
    log
        What was observed and declared.
    state, model
        Of the coarse filter.

    Notes
    -----
    A season that follows the spend looks alike. Weeks without spend are not looked at by the
    filter, as nothing can come of them without a carryover; that outcomes came in them all the same
    is counted.
    """
    outcome, given = np.asarray(log.outcome), dict(log.priors.carryovers)
    # Only what follows a week with spend can have been carried.
    began = np.maximum.accumulate(np.nan_to_num(log.spend) > 0, axis=0)
    idle = began & (log.spend == 0) & np.isfinite(outcome)
    chance = state.tables.chance.sum(axis=1).reshape(len(log.channels), model.kernels, -1).sum(2)
    odds = np.log(np.maximum(chance, 1e-300))
    odds = odds[:, 1:] - odds[:, :1]
    found = []
    for at, name in enumerate(log.channels):
        best = int(np.argmax(odds[at]))
        weeks = int(idle[:, at].sum())
        brought = int(np.sum(idle[:, at] & (outcome[:, at] > 0)))
        if name in given or (odds[at, best] < _NAMED_ODDS and brought < max(_IDLE, weeks / 2)):
            continue
        share = TRIED.carryover[best + 1]
        found.append(Carried(name, share, float(odds[at, best]), weeks, brought))
    return found


def jumped(miss: Floats, moved: Floats, level: Floats, noise: Floats, settings: Settings) -> Floats:
    r"""Return the chance that the level jumped in each week, ``(weeks, channels)``.

    In its own week a jump may as well be an outlier; the next week tells. With :math:`d_1, d_2` how
    far the outcomes of both weeks lay from what was expected before the first,

    .. math:: d_i = \delta + e_i, \qquad e_i \sim N(0, N_i)

    where :math:`\delta \sim N(0, P)` is what was not known of the level. A jump or a break adds its
    variance to :math:`\delta`, an outlier to one of the :math:`e_i` alone. The chances follow by
    Bayes' rule over the hypotheses of the first week, with the second an outlier or not.

    Parameters
    ----------
    miss
        Log outcome less what was expected of it, NaN where unseen; shape ``(weeks, channels)``.
    moved
        By how much the week moved what is expected, same shape.
    level, noise
        Variances of what was expected and of the week around it, same shape.
    settings
        Chances and sizes of jumps and outliers.

    References
    ----------
    Anderson and Moore (1979), Optimal Filtering, chapter 7: smoothing with a fixed lag.
    """
    chance = np.full(miss.shape, np.nan)
    if not settings.jump_chance and not settings.can_break:
        return np.where(np.isfinite(miss), 0.0, np.nan)
    for channel in range(miss.shape[1]):
        weeks = np.flatnonzero(np.isfinite(miss[:, channel]))
        if weeks.size:
            at = (weeks, channel)
            chance[at] = _of_channel(miss[at], moved[at], level[at], noise[at], settings)
    return chance


def _of_channel(
    miss: Floats, moved: Floats, level: Floats, noise: Floats, settings: Settings
) -> Floats:
    # The last week has no next one yet: a week that says nothing stands for it.
    second = np.append(miss[1:] + moved[:-1], 0.0)
    doubt = np.append(noise[1:], 1e12)
    odd = settings.outlier_sd**2
    usual = 1.0 - settings.jump_chance - settings.outlier_chance
    hypotheses = (
        (usual, 0.0, 0.0),
        (settings.outlier_chance, 0.0, odd),
        (settings.jump_chance, settings.jump_sd**2, 0.0),
        (settings.break_chance if settings.can_break else 0.0, odd, 0.0),
    )
    density = []
    for prior, jump, outlier in hypotheses:
        each = [
            share * prior * _density(miss, second, level + jump, noise + outlier, doubt + more)
            for share, more in (
                (1.0 - settings.outlier_chance, 0.0),
                (settings.outlier_chance, odd),
            )
        ]
        density.append(each[0] + each[1])
    chance: Floats = (density[2] + density[3]) / np.maximum(
        np.add.reduce(density), np.finfo(np.float64).tiny
    )
    return chance


def _density(first: Floats, second: Floats, shared: Floats, one: Floats, two: Floats) -> Floats:
    """Return the joint density of both weeks, up to a factor."""
    a, b = shared + one, shared + two
    determinant = a * b - np.square(shared)
    square = (b * np.square(first) - 2.0 * shared * first * second + a * np.square(second)) / (
        determinant
    )
    dense: Floats = np.exp(-0.5 * square) / np.sqrt(determinant)
    return dense


_COLLAPSE = np.log(0.6)
"""A channel that is believed to bring less than this share of before has collapsed."""
_SURE = -3.0
"""Standard deviations of what was believed, beyond which a fall is no mere learning."""
_ODD = 0.5
"""Chance of an outlier from which a week is taken for odd."""
_WINDOW = 4
"""Weeks over which what is believed may have fallen."""


class Collapse(NamedTuple):
    """A response that fell in the last weeks, as what is believed of it says.

    Parameters
    ----------
    channel
        Its position.
    week
        Position of the first week of the fall.
    share
        What it brings now, as a share of what was believed of it four weeks with spend ago or
        less, 0 to 0.6.
    """

    channel: int
    week: int
    share: float


def collapses(moved: Floats, level: Floats, outlier: Floats) -> list[Collapse]:
    """Return the channels that are believed to bring far less than some weeks ago.

    A fall is a sum of the last moves, from one of four weeks with spend on until now, that is below
    the logarithm of 0.6 and three standard deviations of what was expected before it.

    Parameters
    ----------
    moved
        By how much each week moved the log of what is expected, NaN where unseen; shape ``(weeks,
        channels)``.
    level
        Variance of what was expected before it, same shape.
    outlier
        Chance that the week was one of its own, same shape; a fall that is believed weeks later
        began with these.
    """
    found = []
    for channel in range(moved.shape[1]):
        weeks = np.flatnonzero(np.isfinite(moved[:, channel]))[-_WINDOW:]
        steps = moved[weeks, channel]
        # From each of the weeks on until now.
        fall = np.cumsum(steps[::-1])[::-1]
        sure = fall < _SURE * np.sqrt(level[weeks, channel])
        if np.any(sure & (fall < _COLLAPSE)):
            share = float(np.exp(np.min(fall, where=sure, initial=0.0)))
            at = int(np.argmin(steps))
            while at and outlier[weeks[at - 1], channel] > _ODD:
                at -= 1
            found.append(Collapse(channel, int(weeks[at]), share))
    return found


@dataclass(frozen=True)
class Calibration:
    """How many outcomes lay inside the bands that were predicted for them.

    Parameters
    ----------
    level
        Chance that each band was to hold.
    inside, outcomes
        Outcomes inside, and all that were predicted.
    """

    level: float
    inside: int
    outcomes: int

    @property
    def covered(self) -> float | None:
        """Share inside; None where nothing was predicted."""
        return self.inside / self.outcomes if self.outcomes else None


def calibration(walked: Walked | None, weeks: int, level: float) -> Calibration:
    """Return the record of the last weeks; empty where one total was all.

    For every week it holds the share of its prediction that lay below the outcome; where the belief
    is calibrated those shares are even between 0 and 1.

    References
    ----------
    Dawid (1984), Statistical theory: the prequential approach.
    """
    if walked is None:
        return Calibration(level, 0, 0)
    ranks = walked.ranks[-weeks:] if weeks else walked.ranks[:0]
    known = np.isfinite(ranks)
    inside = known & (np.abs(np.where(known, ranks, 0.0) - 0.5) <= 0.5 * level)
    return Calibration(level, int(inside.sum()), int(known.sum()))


def predicted(walked: Walked, posterior: Posterior, spend: Floats, level: float) -> Band:
    """Return next week's outcome at a spend above 0 for each channel, noise included.

    A week of usual demand, of which no channel's outcome is known yet; see `forecast`.
    """
    money = np.repeat(spend[:, None], walked.model.kernels, axis=1)
    return band(*_ahead(walked, posterior, money, 0.0, 0.0), level)


class Forecast(NamedTuple):
    """A week as it looked before it, held against what came of it; shape ``(channels,)`` each.

    Parameters
    ----------
    expected
        Expected outcome of what was spent, NaN where nothing was spent or reported.
    rank
        Share of the prediction, noise included, that lies below the outcome; NaN likewise.
    """

    expected: Floats
    rank: Floats


def forecast(walked: Walked, posterior: Posterior, log: ObservationLog) -> Forecast:
    r"""Return what was expected of the last week of a log, from what was known before that week.

    The record of a walk is of channels one by one, given what the others brought in the same week;
    here nothing of the week is known but its money, its demand and whether it is an event. The log
    outcome in cell ``k`` is normal around :math:`m_k + \ln g_k(x) - \sigma^2/2 + w` with variance
    :math:`P + d^2 + \sigma^2 + v_w + u/\max(\hat y, u)`.

    Parameters
    ----------
    walked, posterior
        What was known, from the weeks before.
    log
        These weeks and the one that is forecast, whose outcome is used for the ranks alone.
    """
    inputs = inputs_of(log, walked.model.settings)
    seen, outcome, event = inputs.seen[-1], inputs.outcome[-1], walked.inputs.event
    money = np.where(seen, inputs.spend[-1], walked.model.grid.reference).T
    extra = inputs.offset_variance[-1]
    if inputs.eventful[-1]:
        extra = extra + walked.model.settings.event_sd**2
    offset = inputs.offset[-1]
    chance, middle, variance = _ahead(walked, posterior, money, offset, extra)
    with np.errstate(divide="ignore"):
        away = np.log(outcome + 0.5 * event)[:, None] - middle
    rank = np.sum(chance * ndtr(away / np.sqrt(variance)), axis=1)
    effect, doubt = walked.effect_ahead()
    shape = walked.model.grid.log_value(money).reshape(len(money), 1, -1)
    level = posterior.log_mean + 0.5 * posterior.log_variance + shape
    brought = np.einsum("rjk,rjk->r", posterior.chance, np.exp(level))
    expected = brought * np.exp(offset + effect + 0.5 * doubt)
    return Forecast(np.where(seen, expected, np.nan), np.where(seen, rank, np.nan))


def _ahead(
    walked: Walked,
    posterior: Posterior,
    money: Floats,
    offset: Floats | float,
    extra: Floats | float,
) -> tuple[Floats, Floats, Floats]:
    """Return chances, means and variances of next week's log outcomes, ``(channels, parts)``.

    Parameters
    ----------
    walked, posterior
        What is known.
    money
        Effective money by carryover, above 0, shape ``(channels, kernels)``.
    offset, extra
        What is known to shift the log outcome, and a variance beside the others, by channel.
    """
    model, rows = walked.model, walked.model.channels
    shape = model.grid.log_value(money).reshape(rows, 1, -1)
    effect, doubt = walked.effect_ahead()
    noise = np.square(model.noise)
    shift = np.broadcast_to(np.asarray(offset) + effect, rows)[:, None] - 0.5 * noise
    centre = posterior.log_mean + shape + shift[:, :, None]
    expected = np.exp(np.einsum("rjk,rjk->r", posterior.chance, centre)) / walked.inputs.event
    known = np.square(model.drift) + noise + doubt
    variance = posterior.log_variance[..., 0] + known
    beside = np.broadcast_to(np.asarray(extra), rows) + 1.0 / np.maximum(expected, 1.0)
    variance = variance + beside[:, None]
    parts = []
    for what in model.hypotheses:
        spread = np.broadcast_to((variance + what.level + what.week)[..., None], centre.shape)
        each = (what.chance * posterior.chance, centre, spread)
        parts.append(np.stack([part.reshape(rows, -1) for part in each]))
    chance, log_mean, log_variance = np.concatenate(parts, axis=2)
    return chance, log_mean, log_variance
