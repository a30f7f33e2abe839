"""The pause rule: a CTR surely a point under the average, a CPA surely 20 % above target.

Ten clicks say little, and whoever looks at them every day will sooner or later see a bad day. So an
ad is paused when the evidence that it is below the line, rather than on it, is so strong that an ad
on the line would *ever* reach it with the chance `PauseRule.false_pause` at most, looked at daily
and without end.

- `PauseRule`: the line, and the probability that an ad is below it; `Paused` is an ad that is;
- `PauseRule.promise`: how soon a bad ad is paused, and how seldom a good one;
- `log_evidence_below` and `least_expected`: the mathematics.

Where this stops: events that come in clusters speak too loudly, and an ad that was good for long
and then wears out is paused late: begin a new log when the creative changes.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy.special import gammainc, gammaincc, gammaln, xlogy

from budgetopt.arrays import Floats
from budgetopt.errors import InputError, as_number
from budgetopt.i18n import say

AHEAD = 4.0
"""Weight exp(-AHEAD (r - 1)) of ratios above 1: chance ratios of an average lie close to 1."""
MOST_DAYS = 366
"""Days over which a promise is looked for."""


@dataclass(frozen=True)
class PauseRule:
    """When an ad is paused and its money released.

    Parameters
    ----------
    gap
        How far below the average a CTR may lie, in CTR (0.01 is one percentage point); None does
        not look at CTR.
    average
        The average CTR; by default that of the test's other arms, whose uncertainty is then a part
        of the false-pause rate.
    target_cpa
        Money that one conversion may cost; None does not look at CPA.
    over
        Share by which CPA may lie above its target.
    false_pause
        Probability with which an ad that is not below the line is ever paused, at most; where
        both CTR and CPA are looked at, each gets half of it.

    Raises
    ------
    InputError
        ``bad-argument``.

    Notes
    -----
    Against a known average of 2.5 % an ad of 1 % CTR is paused with nine chances in ten after at
    most 10,000 impressions and 100 clicks: by the end of day 1 with 10,000 impressions a day, of
    day 5 with 2,000 (`promise` computes it for other figures). Where the average is that of other
    ads with twice its impressions, it takes until day 4 and day 17. An ad of 1.5 %, on the line,
    was ever paused in 0.5 to 2.5 % of 4,000 simulated ads that were looked at for 60 days, with
    10,000 to 100 impressions a day; the raw rule paused 92 % of them.
    """

    gap: float | None = 0.01
    average: float | None = None
    target_cpa: float | None = None
    over: float = 0.2
    false_pause: float = 0.05

    def __post_init__(self) -> None:
        for name in ("gap", "average", "target_cpa"):
            if getattr(self, name) is not None:
                most = math.inf if name == "target_cpa" else 1.0
                number = as_number(getattr(self, name), f"pause.{name}", above=0, below=most)
                self._set(name, number)
        self._set("over", as_number(self.over, "pause.over", least=0))
        self._set(
            "false_pause", as_number(self.false_pause, "pause.false_pause", above=0, below=0.5)
        )
        if self.average is not None and (self.gap is None or self.average <= self.gap):
            raise InputError(
                "bad-argument",
                say("pause-average-without-ctr", average=f"{self.average:g}"),
                field="pause.average",
                value=self.average,
                remedy=say("remedy-gap-below-average-leave"),
            )

    def _set(self, name: str, value: float) -> None:
        object.__setattr__(self, name, value)

    @property
    def each(self) -> float:
        """False-pause rate of each figure that is looked at."""
        return self.false_pause / ((self.gap is not None) + (self.target_cpa is not None) or 1)

    def probability_low_ctr(self, clicks: Floats, impressions: Floats) -> Floats:
        r"""Return the posterior probability that a CTR is below the line, rather than on it.

        Parameters
        ----------
        clicks, impressions
            Totals up to each day, shape ``(days, arms)``.

        Returns
        -------
        ndarray
            Shape ``(days, arms)``. Where the average is that of the other arms, the line is drawn
            from their lower confidence bound, which holds at all times with half of the false-pause
            rate; the evidence must then outweigh the other half, and is halved here for it.
        """
        if self.gap is None:
            return np.zeros_like(clicks)
        if self.average is not None:
            evidence = log_evidence_below(clicks, impressions * (self.average - self.gap))
            return _probability(evidence)
        rest, shown = (x.sum(axis=-1, keepdims=True) - x for x in (clicks, impressions))
        least = least_expected(rest, self.each / 2) / np.maximum(shown, 1.0)
        line = np.maximum(least - self.gap, 0.0)
        return _probability(log_evidence_below(clicks, impressions * line) - math.log(2))

    def probability_high_cpa(self, conversions: Floats, spend: Floats) -> Floats:
        """Return the posterior probability that a CPA is above the line, rather than on it.

        Parameters
        ----------
        conversions, spend
            Totals up to each day, shape ``(days, arms)``.
        """
        if self.target_cpa is None:
            return np.zeros_like(conversions)
        expected = spend / (self.target_cpa * (1 + self.over))
        return _probability(log_evidence_below(conversions, expected))

    @property
    def certainty(self) -> float:
        """Posterior probability at which an ad is paused."""
        return 1 / (1 + self.each)

    def promise(
        self, ctr: float, impressions_a_day: float, *, average: float, power: float = 0.9
    ) -> Promise:
        """Return by when an ad of a true CTR is paused, against a known average.

        Computed exactly, day by day, for Poisson clicks.

        Parameters
        ----------
        ctr
            True CTR of the ad, above 0 and below the average less the gap.
        impressions_a_day
            Impressions the ad gets every day, above 0.
        average
            The average CTR, taken as known.
        power
            Probability with which it is paused by then, from above 0 to below 1.

        Raises
        ------
        InputError
            ``bad-argument`` for a CTR that the rule does not pause, or not within a year.
        """
        line = average - (self.gap or 0.0)
        if self.gap is None or not 0 < ctr < line:
            raise InputError(
                "bad-argument",
                say("ctr-below-line-pause", ctr=f"{ctr:g}", line=f"{line:g}"),
                field="ctr",
                value=ctr,
                remedy=say("remedy-ctr-above-0-below"),
            )
        as_number(impressions_a_day, "impressions_a_day", above=0, below=1e12)
        as_number(power, "power", above=0, below=1)
        first, alive, paused = 0, np.ones(1), 0.0
        for day in range(1, MOST_DAYS + 1):
            first, alive = _one_more_day(first, alive, ctr * impressions_a_day)
            clicks = first + np.arange(alive.size, dtype=float)
            low = _probability(log_evidence_below(clicks, np.array(line * impressions_a_day * day)))
            paused += float(alive[low >= self.certainty].sum())
            alive = np.where(low >= self.certainty, 0.0, alive)
            if paused >= power:
                shown = day * impressions_a_day
                return Promise(day, shown, ctr * shown, paused)
        raise InputError(
            "bad-argument",
            say(
                "ctr-paused-within-days",
                ctr=f"{ctr:g}",
                most_days=MOST_DAYS,
                impressions_a_day=f"{impressions_a_day:g}",
            ),
            field="impressions_a_day",
            value=impressions_a_day,
            remedy=say("remedy-show-more-often-use"),
        )


@dataclass(frozen=True)
class Promise:
    """By when a bad ad is paused.

    Parameters
    ----------
    days, impressions, clicks
        What it takes at most; clicks as expected by then.
    probability
        That it is paused by then.
    """

    days: int
    impressions: float
    clicks: float
    probability: float


@dataclass(frozen=True)
class Paused:
    """An arm that the pause rule stops.

    Parameters
    ----------
    arm
        Its name.
    day
        ISO text of the day after whose figures the rule fired; it stays paused.
    reason
        ``"ctr"`` or ``"cpa"``.
    probability
        Posterior probability, on that day, of being below the line rather than on it.
    """

    arm: str
    day: str
    reason: str
    probability: float


def log_evidence_below(events: Floats, expected: Floats) -> Floats:
    r"""Return :math:`\ln E(x, \mu)` for the rate being below the one on which mu were expected.

    From even odds and with every ratio r below the line equally likely a priori,

    .. math:: E(x, \mu) = \int_0^1 r^x e^{(1 - r)\mu}\, dr = \frac{{}_1F_1(1; x+2; \mu)}{x + 1},
              \qquad P = \frac{E}{1 + E},

    where x events came, :math:`\mu` would have come on the line, and P is the posterior probability
    of being below it; an ad is paused at :math:`P = 1 / (1 + \alpha)`.

    Parameters
    ----------
    events, expected
        Events that came, and would have come on the line, at least zero, shapes that broadcast.

    Examples
    --------
    No event where five were expected gives (e**5 - 1) / 5:

    >>> round(float(np.exp(log_evidence_below(np.array(0.0), np.array(5.0)))), 4)
    29.4826

    Notes
    -----
    Under any true rate on or above the line E is a nonnegative supermartingale that starts at 1, so
    the chance that it ever reaches :math:`1 / \alpha` is at most :math:`\alpha`: the false-pause
    rate of an ad. That holds for trials of unequal rates and however the money was moved in
    between, since one trial of rate p satisfies :math:`1 - p + pr \le e^{-p(1 - r)}`.

    References
    ----------
    Ville (1939), Etude critique de la notion de collectif, section V. Robbins (1970), Statistical
    methods related to the law of the iterated logarithm.
    """
    x, mu = np.broadcast_arrays(np.asarray(events, float), np.asarray(expected, float))
    safe = np.maximum(mu, 1e-300)
    mass = gammainc(x + 1, safe)
    with np.errstate(divide="ignore"):
        log = safe + np.log(mass) + gammaln(x + 1) - (x + 1) * np.log(safe)
    # Far more events than expected: the series 1/(x+1) + mu/((x+1)(x+2)) + ..., from above.
    few = -np.log(np.maximum(x + 1 - mu, 1.0))
    return np.asarray(np.where((mass > 1e-250) & (mu > 0), log, few))


def least_expected(events: Floats, error: float) -> Floats:
    r"""Return a lower bound on the sum of the rates of all trials, that holds at all times.

    The :math:`\Lambda` at which
    :math:`\int_1^\infty r^x e^{-(r-1)\Lambda}\, c e^{-c(r-1)}\, dr = 1 / \text{error}`, the same
    martingale upwards, with ratios above 1 weighed by :math:`c e^{-c(r-1)}`.

    Parameters
    ----------
    events
        Events so far, at least zero, any shape.
    error
        Probability with which the bound is ever above the true sum, at most.

    Returns
    -------
    ndarray
        Shape of `events`, at least zero and below `events`.
    """
    low, high = np.zeros_like(events, dtype=float), np.asarray(events, float)
    for _ in range(60):
        middle = (low + high) / 2
        m = middle + AHEAD
        log = math.log(AHEAD) + m + np.log(gammaincc(events + 1, m)) + gammaln(events + 1)
        far = log - (events + 1) * np.log(m) >= -math.log(error)
        low, high = np.where(far, middle, low), np.where(far, high, middle)
    return low


def _probability(log_evidence: Floats) -> Floats:
    """Return the posterior probability from even odds."""
    return np.asarray(1 / (1 + np.exp(-np.clip(log_evidence, -700.0, 700.0))))


def _one_more_day(first: int, alive: Floats, mean: float) -> tuple[int, Floats]:
    """Return the least clicks so far, and the probabilities from there, after one more day."""
    # Eight deviations, and what a small mean needs beyond: outside is less than 1e-14.
    far = 8 * math.sqrt(mean) + 20
    least = max(0, int(mean - far))
    day = np.arange(least, int(mean + far) + 1, dtype=float)
    later = np.convolve(alive, np.exp(xlogy(day, mean) - mean - gammaln(day + 1)))
    likely = np.flatnonzero(later > 1e-16)
    if not likely.size:
        return 0, np.zeros(1)
    return first + least + int(likely[0]), later[likely[0] : likely[-1] + 1]
