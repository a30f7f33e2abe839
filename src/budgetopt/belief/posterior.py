r"""The posterior of the curves: cells with their chances, and in each a log-normal response.

In cell ``k`` the curve is :math:`e^{a} g_k(x)` with :math:`g_k(reference) = 1` and
:math:`a \sim N(m_k, v_k)`; the cell has chance :math:`p_k`. Everything asked of the curves is an
expectation over this mixture of log-normals:

- `Posterior.mean`, `gain`, `tilted` and the moments are in closed form;
- `Posterior.response`, `marginal` and `quantile` are quantiles of the mixture, by Newton's
  method in `band`;
- `Posterior.draw` and `average` are exact draws.

Where this stops: channels are independent given the data, so a band of a sum of channels is not
the sum of their bands. Beyond the spends that were seen, see `Extrapolated`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import ndtr, ndtri

from budgetopt.arrays import Floats
from budgetopt.belief.settings import Grid
from budgetopt.curves import Curve, Mixture, Picked
from budgetopt.errors import InputError, SolverError
from budgetopt.i18n import Message, say
from budgetopt.notebook import brief, short

LEVEL = 0.8
"""Share of the chance that a band holds unless another is asked for."""
_LIKELY = 0.5
"""Chance from which an S-shape may not be left out where only concave curves will do."""


@brief
@dataclass(frozen=True, eq=False)
class Posterior:
    r"""What is believed of many curves at once.

    In cell ``k`` a curve is :math:`A\,g_k(x)` with :math:`g_k(reference) = 1` and
    :math:`\ln A \sim N(m_{jk}, v_{jk})`, where ``j`` runs over what does not change the curve:
    drift and noise, or the pieces of a distribution. Channels are independent given the past.

    Parameters
    ----------
    grid
        The cells.
    lead
        ``(channels,)``, or ``(runs, channels)``; a row is one channel of one run, runs slowest.
    chance, mean
        Shape ``(rows, nuisances, kernels · cells)``; carryovers run slower than cells. The chances
        of a row sum to one.
    variance
        Of a shape that broadcasts to it.
    """

    grid: Grid
    lead: tuple[int, ...]
    chance: Floats
    log_mean: Floats
    log_variance: Floats

    def mean(self) -> Mixture:
        r"""Return the expected curves, weights of shape ``(*lead, cells)``.

        The weight of a cell is :math:`\sum_j p_{jk}\,e^{m_{jk} + v_{jk}/2}`, what it adds to the
        expected response at the reference.
        """
        return self._mean

    def gain(self, before: ArrayLike, after: ArrayLike) -> tuple[Floats, Floats]:
        r"""Return mean and variance of what each channel's curve brings more at another spend.

        With :math:`d_k = g_k(after) - g_k(before)` the mean is
        :math:`\sum_{jk} p_{jk}\,e^{m_{jk} + v_{jk}/2}\,d_k` and the variance
        :math:`\sum_{jk} p_{jk}\,e^{2m_{jk} + 2v_{jk}}\,d_k^2` less the mean squared: the first two
        moments of a mixture of log-normals, exact. Channels are independent, so both add up.

        Parameters
        ----------
        before, after
            Money, at least 0, shapes that broadcast to ``lead``, or to it behind axes of their
            own.

        Returns
        -------
        tuple of ndarray
            Shape ``lead``, behind those axes. The noise of single weeks is no part of it.
        """
        value = self.grid.cells.value
        step = value(self._money(after)[..., None]) - value(self._money(before)[..., None])
        first, second = (each.reshape(*self.lead, -1) for each in self._moments)
        mean = np.einsum("...k,...k->...", step, first)
        square = np.einsum("...k,...k->...", np.square(step), second)
        # Where there is no doubt rounding may leave less than nothing.
        return mean, np.maximum(square - np.square(mean), 0.0)

    def draw(self, rng: np.random.Generator, draws: int = 1) -> Picked:
        """Return draws of the curves, weights of shape ``(draws, *lead, cells)``.

        Every draw is one coherent curve for each channel: one cell, one amplitude.

        Parameters
        ----------
        rng
            Source of randomness; two arrays of ``(draws, *lead)`` are taken from it.
        draws
            How many, at least 1.

        Raises
        ------
        InputError
            ``bad-argument`` where `draws` is not a positive whole number.
        """
        cell, amplitude = self._drawn(rng, draws)
        lead = (draws, *self.lead)
        return Picked(self.grid.cells, cell.reshape(lead), amplitude.reshape(lead))

    def concave(self) -> Posterior:
        """Return the posterior given that no channel is S-shaped; risk over draws needs it.

        Raises
        ------
        SolverError
            ``not-concave`` where a channel is more likely S-shaped than not.
        """
        steep = np.tile(self.grid.steep, self.chance.shape[2] // self.grid.size)
        share = (self.chance @ steep).sum(axis=1)
        if np.any(share >= _LIKELY):
            raise SolverError(
                "not-concave",
                say("channel-s-shaped-chance", share=f"{share.max():.0%}"),
                field="draws",
                value=float(share.max()),
                remedy=say("remedy-allocate-mean-learn-steep"),
            )
        chance = self.chance * (1.0 - steep)
        chance /= chance.sum(axis=(1, 2), keepdims=True)
        return replace(self, chance=chance)

    def average(self, rng: np.random.Generator, draws: int) -> Mixture:
        """Return the average of draws, weights of shape ``(*lead, cells)``; as `draw` otherwise."""
        cell, amplitude = self._drawn(rng, draws)
        place = cell + self.grid.size * np.arange(cell.shape[1])
        summed = np.bincount(place.ravel(), amplitude.ravel(), self.grid.size * cell.shape[1])
        return Mixture(self.grid.cells, (summed / draws).reshape(*self.lead, -1))

    def quantile(self, chance: float, spend: ArrayLike | None = None) -> Mixture:
        r"""Return the expected curves scaled to a quantile of the response at a spend.

        Each curve is :math:`f(x)\,q_p/f(x_0)` with the expected curve ``f`` and the quantile
        :math:`q_p` of the response at the spend :math:`x_0`, so that it stays as concave as the
        expected one; the quantiles at every spend together are no curve of any cell.

        Parameters
        ----------
        chance
            Of a response below it, above 0 and below 1.
        spend
            Where the quantile is taken, above 0, by default the reference; ``lead`` or a number.
        """
        if not 0.0 < chance < 1.0:
            raise wrong(
                "chance", say("part-is-value", level=repr(chance)), say("remedy-number-between-0")
            )
        at = self.spends(self.grid.reference if spend is None else spend)
        level = abs(2.0 * chance - 1.0)
        held = self._band(self.grid.log_value(at), max(level, 1e-6))
        wanted = held.high if chance > 0.5 else held.low
        mixture = self.mean()
        return Mixture(mixture.cells, np.asarray(mixture.weights) * (wanted / held.mean)[..., None])

    def tilted(self, power: float, spend: ArrayLike) -> Mixture:
        r"""Return the expected curves where steep ones count for more.

        The chance of a curve is multiplied by the power ``b`` of its marginal return at a spend:
        :math:`q(f) \propto p(f)\,f'(x_0)^b`. In a cell the amplitude stays log-normal with its mean
        moved by :math:`b\,v`, so all is in closed form. To first order the expected marginal return
        is multiplied by :math:`e^{b\,\mathrm{Var}(\ln f'(x_0))}`: what is least known gets most of
        the benefit of the doubt. Power 0 is `mean`.

        Parameters
        ----------
        power
            From -10 to 10; above 0 is optimistic, below 0 cautious.
        spend
            Where the marginal return is taken, above 0; ``lead`` or a number.
        """
        if not -10.0 <= power <= 10.0:
            raise wrong(
                "power", say("part-is-value", level=repr(power)), say("remedy-number-10-10")
            )
        steep = self.grid.log_slope(self.spends(spend)).reshape(len(self.chance), 1, -1)
        times = self.chance.shape[2] // self.grid.size
        variance = self._as_full(self.log_variance)
        heavy = power * (self.log_mean + np.tile(steep, times) + 0.5 * power * variance)
        heavy -= heavy.max(axis=(1, 2), keepdims=True)
        chance = self.chance * np.exp(heavy)
        chance /= chance.sum(axis=(1, 2), keepdims=True)
        weight = chance * np.exp(self.log_mean + (0.5 + power) * variance)
        return self._mixture(weight.sum(axis=1), self.lead)

    def response(self, spend: ArrayLike, level: float = LEVEL) -> Band:
        r"""Return the outcome of a usual week at a spend above 0 for each channel, with a band.

        The response is :math:`e^a g_k(x)`, a mixture of log-normals over the cells.
        """
        return self._band(self.grid.log_value(self.spends(spend)), level)

    def marginal(self, spend: ArrayLike, level: float = LEVEL) -> Band:
        r"""Return the outcome of the next unit of money (mROAS) at a spend, with a band.

        It is :math:`e^a g_k'(x)`, a mixture of log-normals over the cells.
        """
        return self._band(self.grid.log_slope(self.spends(spend)), level)

    def repeated(self, row: int, times: int) -> Posterior:
        """Return one row so many times, so that it may be asked at as many spends at once."""
        one = (self._as_full(part)[row] for part in (self.chance, self.log_mean, self.log_variance))
        chance, mean, variance = (np.broadcast_to(part, (times, *part.shape)) for part in one)
        return Posterior(self.grid, (times,), chance, mean, variance)

    def by_cell(self) -> Floats:
        """Return the chance of each cell, shape ``(*lead, cells)``."""
        return self._folded(self.chance.sum(axis=1)).reshape(*self.lead, -1)

    @cached_property
    def _mean(self) -> Mixture:
        weights = self._moment(1).reshape(*self.lead, -1)
        # Everybody who asks gets the same one.
        weights.flags.writeable = False
        return Mixture(self.grid.cells, weights)

    @cached_property
    def _moments(self) -> tuple[Floats, Floats]:
        return np.asarray(self._mean.weights), self._moment(2)

    def _moment(self, power: int) -> Floats:
        r"""Return what each cell adds to the moment of the amplitude, ``(rows, cells)``.

        It is :math:`\sum_j p_{jk}\,e^{n m_{jk} + n^2 v_{jk}/2}` for the moment ``n``, the cells of
        all carryovers added up.
        """
        # The variance is the same for all cells or for all nuisances as a rule; exp of the small.
        weight = np.exp(power * self.log_mean)
        weight *= self.chance
        spread = np.exp(0.5 * power**2 * self.log_variance)
        return self._folded(np.einsum("rjk,rjk->rk", weight, self._as_full(spread)))

    def _band(self, log_shape: Floats, level: float) -> Band:
        if not 0.0 < level < 1.0:
            raise wrong(
                "level", say("part-is-value", level=repr(level)), say("remedy-share-between-0")
            )
        rows = len(self.chance)
        times = self.chance.shape[2] // self.grid.size
        shape = np.tile(log_shape.reshape(rows, -1), times)
        held = band(
            self.chance.reshape(rows, -1),
            (self.log_mean + shape[:, None, :]).reshape(rows, -1),
            self._as_full(self.log_variance).reshape(rows, -1),
            level,
        )
        mean, low, high = (part.reshape(self.lead) for part in (held.mean, held.low, held.high))
        return Band(mean, low, high, level)

    def _drawn(self, rng: np.random.Generator, draws: int) -> tuple[Any, Floats]:
        """Return cells and amplitudes, each of shape ``(draws, rows)``."""
        if isinstance(draws, bool) or not isinstance(draws, (int, np.integer)) or draws < 1:
            raise wrong(
                "draws", say("part-is-value", level=repr(draws)), say("remedy-whole-number-least")
            )
        rows, width = len(self.chance), self.chance.shape[1] * self.chance.shape[2]
        place, height = rng.random((draws, rows)), rng.standard_normal((draws, rows))
        rising = np.cumsum(self.chance.reshape(rows, -1), axis=1)
        rising /= rising[:, -1:]
        # Row r holds the numbers from r to r + 1, so that one search serves all rows, row by row:
        # the table of many rows is larger than a processor's cache.
        rising += np.arange(rows)[:, None]
        asked = (place + np.arange(rows)).T.ravel()
        found = np.searchsorted(rising.ravel(), asked, "right").reshape(rows, draws)
        at = np.ascontiguousarray(found.T) - width * np.arange(rows)
        at = np.clip(at, 0, width - 1)
        row = np.arange(rows)
        nuisance, cell = np.divmod(at, self.chance.shape[2])
        variance = np.broadcast_to(self.log_variance, self.chance.shape)[row, nuisance, cell]
        amplitude = np.exp(self.log_mean[row, nuisance, cell] + np.sqrt(variance) * height)
        return cell % self.grid.size, amplitude

    def spends(self, spend: ArrayLike) -> Floats:
        """Return one amount above 0 for each row."""
        given = np.asarray(spend, dtype=np.float64)
        if not np.all(np.isfinite(given) & (given > 0)):
            raise wrong("spend", say("part-not-above-zero"), say("remedy-money-above-0"))
        if given.ndim > len(self.lead):
            raise wrong(
                "spend", say("part-has-axes", ndim=given.ndim), say("remedy-amount-channel")
            )
        return np.broadcast_to(self._money(given), self.lead)

    def _money(self, spend: ArrayLike) -> Floats:
        """Return money for each row, or one for all, behind axes of its own if it has any."""
        given = np.asarray(spend, dtype=np.float64)
        width = self.lead[-1] if self.lead else 1
        if given.ndim and given.shape[-1] not in (1, width):
            raise wrong(
                "spend",
                say("part-has-amounts", shape=given.shape[-1]),
                say("remedy-width-or-one", width=width),
            )
        return given

    def _as_full(self, values: Floats) -> Floats:
        return np.broadcast_to(values, self.chance.shape)

    def _folded(self, weights: Floats) -> Floats:
        """Return weights of cells, those of all carryovers added up."""
        folded: Floats = weights.reshape(*weights.shape[:-1], -1, self.grid.size).sum(axis=-2)
        return folded

    def _mixture(self, weights: Floats, lead: tuple[int, ...]) -> Mixture:
        return Mixture(self.grid.cells, self._folded(weights).reshape(*lead, -1))


def wrong(field: str, problem: Message, remedy: Message) -> InputError:
    """Return the error for a wrong part of a belief or question to it."""
    return InputError(
        "bad-argument",
        say("belief-part-wrong", field=field, problem=problem),
        field=field,
        remedy=remedy,
    )


@dataclass(frozen=True)
class Estimate:
    """A mean with the ends of its band."""

    mean: float
    low: float
    high: float


@dataclass(frozen=True)
class Reading:
    """What a spend brings: outcome per week, outcome per unit of money, and of the next unit.

    Parameters
    ----------
    spend
        Money per week.
    response, roas, mroas
        Outcome per week, outcome over spend, and slope there.
    """

    spend: float
    response: Estimate
    roas: Estimate
    mroas: Estimate


@short
@dataclass(frozen=True, eq=False)
class Band:
    """A quantity with its mean and the ends of its band, one value a channel.

    Parameters
    ----------
    mean, low, high
        Expectation and the quantiles that leave equal chances outside, each of shape
        ``(channels,)`` or ``(runs, channels)``.
    level
        Chance inside: 0.8 from the 10 % to the 90 % quantile.
    """

    mean: Floats
    low: Floats
    high: Floats
    level: float

    def scaled(self, factor: Floats) -> Band:
        """Return the band of the quantity times a positive number for each channel."""
        return Band(self.mean * factor, self.low * factor, self.high * factor, self.level)

    def row(self, channel: int) -> Estimate:
        """Return one channel's values."""
        return Estimate(*(float(v[channel]) for v in (self.mean, self.low, self.high)))


_CLOSE = 1e-12
"""Step in the logarithm of a quantile from which it is not looked for further."""
_STEPS = 100
"""As many steps as are taken at most; five as a rule."""
_NEGLIGIBLE = 1e-9
"""Chance of a component that moves no quantile by more than its share."""


def band(chance: Floats, log_mean: Floats, log_variance: Floats, level: float) -> Band:
    r"""Return mean and quantiles of mixtures of log-normals.

    The mean is :math:`\sum_k w_k\,e^{m_k + s_k^2/2}`; the quantile q at the chance p solves
    :math:`\sum_k w_k \Phi((\ln q - m_k)/s_k) = p`, by Newton's method within a bracket, which is
    halved where the method leaves it or is slow (Press et al., Numerical Recipes, 3rd ed., 9.4).

    Parameters
    ----------
    chance, log_mean, log_variance
        Weights that sum to one, means and variances of the logarithms, shape ``(channels,
        components)``.
    level
        Chance inside the band, between 0 and 1.
    """
    mean = np.sum(chance * np.exp(log_mean + 0.5 * log_variance), axis=-1)
    # Most cells and noise levels are out of the question for every channel.
    likely = np.max(chance, axis=0) > _NEGLIGIBLE
    chance, log_mean, sd = (v[:, likely] for v in (chance, log_mean, np.sqrt(log_variance)))
    ends = np.array([0.5 - 0.5 * level, 0.5 + 0.5 * level])[:, None]
    low = np.broadcast_to(np.min(log_mean - 8.0 * sd, axis=-1), (2, len(mean)))
    high = np.broadcast_to(np.max(log_mean + 8.0 * sd, axis=-1), (2, len(mean)))
    # Begins where the normal of the same mean and variance has its quantile.
    centre = np.sum(chance * log_mean, axis=-1)
    spread = np.sum(chance * (np.square(log_mean - centre[:, None]) + np.square(sd)), axis=-1)
    at = np.clip(centre + ndtri(ends) * np.sqrt(spread), low, high)
    step, density = high - low, chance / (sd * np.sqrt(2.0 * np.pi))
    for _ in range(_STEPS):
        z = (at[..., None] - log_mean) / sd
        missing = ends - np.sum(chance * ndtr(z), axis=-1)
        low, high = np.where(missing > 0, at, low), np.where(missing > 0, high, at)
        slope = np.sum(density * np.exp(-0.5 * np.square(z)), axis=-1)
        # A slope of nothing leads nowhere, as does one whose step leaves the bracket.
        newton = missing / np.maximum(slope, 1e-99)
        good = (low <= at + newton) & (at + newton <= high) & (np.abs(newton) <= 0.5 * np.abs(step))
        # What has arrived stays: rounding would throw it off again.
        arrived = np.abs(step) < _CLOSE
        step = np.where(arrived, 0.0, np.where(good, newton, 0.5 * (low + high) - at))
        at = at + step
        if np.all(np.abs(step) < _CLOSE):
            break
    quantile = np.exp(at)
    return Band(mean, quantile[0], quantile[1], level)


ELASTICITY_SD = 0.2
"""Standard deviation by which the elasticity of all curves may be off beyond what was seen."""
_FAR_BELOW = -3.0


@dataclass(frozen=True, eq=False)
class Extrapolated:
    r"""Draws of curves beyond the spends that were seen; nothing optimises over them.

    Draws of single channels are independent given the weeks, so that their errors average out in a
    total. Beyond the seen they do not: how fast returns fall out there is alike in all channels,
    and no week said how. So the elasticity of all curves beyond what each was seen at is off by the
    same :math:`\tau\varepsilon` in a draw, :math:`\varepsilon \sim N(0, 1)`:

    .. math:: f(x)\,e^{\tau\varepsilon\,d(x) - \tau^2 d(x)^2/2}, \qquad
        d(x) = \begin{cases} \ln(x/\text{most}) & x > \text{most} \\
        \tfrac12 \ln(x/\text{least}) & x < \text{least} \\ 0 & \text{else} \end{cases}

    The mean stays, and so does all that lies within what was seen; bands widen with the distance.
    Below the least spend the curve is held by zero, and the doubt grows half as fast, down to a
    twentieth of it. With 0.2 ranges at half to three times the usual budget hold what they say; see
    ``benchmarks/beyond_seen.py``.

    Parameters
    ----------
    curves
        Draws before the channels.
    seen
        Least and greatest spend by channel, NaN where there was none, shape ``(channels, 2)``.
    luck
        Standard normal numbers, one a draw, shape ``(draws, 1)``.
    """

    curves: Curve
    seen: Floats
    luck: Floats

    def value(self, spend: ArrayLike) -> Floats:
        """Return the outcomes at spends of at least 0, shape ``(..., draws, channels)``."""
        value = self.curves.value(spend)
        with np.errstate(divide="ignore", invalid="ignore"):
            away = np.log(np.asarray(spend, dtype=np.float64)[..., None] / self.seen)
        below = 0.5 * np.maximum(np.minimum(away[..., 0], 0.0), _FAR_BELOW)
        off = ELASTICITY_SD * np.nan_to_num(np.maximum(away[..., 1], 0.0) + below)
        # Within what was seen the draws stay what they are, to the last bit.
        if not off.any():
            return value
        return np.asarray(value * np.exp(self.luck * off - 0.5 * np.square(off)))
