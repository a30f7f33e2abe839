"""One budget over concave envelopes: a search for one price that knows where the sum jumps.

A lean sibling of `waterfill` for the nodes of `branch`: it takes chords as they are, says between
which two spends each channel is undecided, and starts from the price of a similar problem.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from budgetopt.optimize.branch.envelope import Envelope

Floats = NDArray[np.float64]

_ROUNDS = 120
"""Bisection of the logarithm of the price alone needs some 60."""
_CLOSE = 1e-7
"""Share of what the lower ends leave that the sum may miss before the last steps, whose own error
is its square."""
_EXACT = 1e-15
"""Share of the budget that rounding alone makes the sum miss."""


class Refilled(NamedTuple):
    """A split over envelopes.

    Parameters
    ----------
    spend
        Money by channel, shape ``(channels,)``; at most one is inside a straight line.
    price
        Objective that one more unit of money brings, its own cost not counted.
    """

    spend: Floats
    price: float


class _Offer:
    """What the channels take at a price of money."""

    def __init__(self, envelope: Envelope, weight: Floats) -> None:
        self.envelope, self.weight = envelope, weight
        self.counts = weight > 0
        with np.errstate(invalid="ignore"):
            chord = np.where(self.counts, weight * envelope.chord, 0.0)
        lined = envelope.touch > envelope.span.lower
        self.chord = np.where(lined, chord, np.inf)
        self.slopes = None
        if envelope.hulls is not None:
            self.slopes = weight[envelope.hulls.places, None] * envelope.hulls.slopes

    def at(self, price: float) -> tuple[Floats, Floats]:
        """Return the least and the most that is best at a price, by channel."""
        envelope, lower = self.envelope, self.envelope.span.lower
        with np.errstate(divide="ignore", invalid="ignore"):
            rate = np.where(self.counts, price / self.weight, np.inf)
        taken = envelope.falling(rate)
        more = np.where((self.chord >= price) & (self.chord > 0), taken, lower)
        less = np.where(self.chord > price, taken, lower)
        if envelope.hulls is not None and self.slopes is not None:
            places, steep = envelope.hulls.places, self.slopes
            more[places] = envelope.hulls.at_slope((steep >= price) & (steep > 0))
            less[places] = envelope.hulls.at_slope(steep > price)
        if envelope.sums is not None:
            places = envelope.mixed
            less[places], more[places] = envelope.sums.least_and_most(rate[places])
        return less, more

    def jumps(self, least: float) -> Floats:
        """Return the prices at which the sum jumps, rising."""
        prices = self.chord[np.isfinite(self.chord)]
        if self.slopes is not None:
            prices = np.append(prices, self.slopes.ravel())
        if self.envelope.sums is not None:
            lines = self.envelope.sums.price
            on = np.isfinite(lines)
            worth = np.where(on, lines, 0.0) * self.weight[self.envelope.mixed]
            prices = np.append(prices, worth[on])
        return np.unique(prices[(prices > 0) & (prices >= least)])

    def highest(self, floor: float) -> float:
        """Return the price above which nothing is taken beyond the lower ends, if finite."""
        span = self.envelope.span
        smooth = ~np.isfinite(self.chord) & (span.upper > span.lower)
        slopes = (self.weight * self.envelope.bends.curves.slope(span.lower))[smooth]
        return float(max([floor, *self.jumps(floor)[-1:], *slopes[np.isfinite(slopes)]]))

    def gives(self, spend: Floats) -> Floats:
        """Return what each takes more at a log price lower by one; 0 on lines and at ends."""
        envelope = self.envelope
        free = (spend > envelope.touch) & (spend < envelope.span.upper)
        decay = np.where(free, envelope.slope_decay(spend), 0.0)
        return np.where(np.isfinite(decay), decay, 0.0)


def refill(
    envelope: Envelope,
    weight: Floats,
    money: float,
    *,
    least: float = 0.0,
    spend_all: bool = False,
    start: float = 1.0,
) -> Refilled | None:
    r"""Maximise :math:`\sum_i w_i \hat f_i(x_i) - b \sum_i x_i` over one budget.

    Parameters
    ----------
    envelope
        The envelopes :math:`\hat f` on their spans.
    weight
        ``w``, at least 0, shape ``(channels,)``.
    money
        The budget.
    least
        What a unit of money costs, ``b``: the price below which no money is spent.
    spend_all
        Whether all of the budget is to be spent, at any price.
    start
        A price to start from.

    Returns
    -------
    Refilled or None
        None where the spans do not meet the budget.
    """
    span = envelope.span
    low, high = float(span.lower.sum()), float(span.upper.sum())
    slack = 1e-12 * money
    if low > money + slack or (spend_all and high < money - slack):
        return None
    with np.errstate(all="ignore"):
        offer = _Offer(envelope, weight)
        floor = 0.0 if spend_all else least
        _, more = offer.at(floor)
        if more.sum() <= money:
            return Refilled(_share(more, span.upper, money) if spend_all else more, floor)
        if low >= money:
            return Refilled(span.lower, offer.highest(floor))
        return _search(offer, money, floor, start)


def _search(offer: _Offer, money: float, floor: float, start: float) -> Refilled:
    """Bisect the prices at which the sum jumps, then search between two of them."""
    jumps = offer.jumps(floor)
    cheap, dear = floor, np.inf
    first, last = 0, jumps.size
    probe = int(np.searchsorted(jumps, start * (1.0 - 1e-12)))
    while first < last:
        probe = min(max(probe, first), last - 1)
        price = float(jumps[probe])
        less, more = offer.at(price)
        if more.sum() < money:
            last, dear = probe, price
        elif less.sum() > money:
            first, cheap = probe + 1, price
        else:
            return Refilled(_share(less, more, money), price)
        probe = (first + last) // 2
    return _between(offer, money, (cheap, dear), start)


def _between(offer: _Offer, money: float, ends: tuple[float, float], start: float) -> Refilled:
    """Solve for the log price by safeguarded Newton steps where the sum does not jump."""
    cheap, dear = np.log(ends[0]), np.log(ends[1])
    log_price = np.log(start)
    if not cheap < log_price < dear:
        log_price = 0.5 * (cheap + dear)
    if not np.isfinite(log_price):
        log_price = cheap + 1e-3 if np.isfinite(cheap) else dear - 1e-3
        log_price = log_price if np.isfinite(log_price) else 0.0
    stride = 1.0
    close = max(_CLOSE * (money - offer.envelope.span.lower.sum()), _EXACT * money)
    for turn in range(_ROUNDS):
        spend = offer.at(np.exp(log_price))[0]
        miss = spend.sum() - money
        gives = offer.gives(spend)
        step = miss / gives.sum()
        if abs(miss) <= close and np.isfinite(step):
            spend, price = _meet(offer, spend, gives, money), np.exp(log_price + step)
            return Refilled(spend, float(price))
        cheap, dear = (log_price, dear) if miss > 0 else (cheap, log_price)
        if dear - cheap <= 4e-16 * max(1.0, abs(log_price)):
            break
        ahead, middle = log_price + step, 0.5 * (cheap + dear)
        if not np.isfinite(middle):
            middle, stride = log_price + np.copysign(stride, miss), 2.0 * stride
        log_price = ahead if cheap < ahead < dear and turn < _ROUNDS // 2 else middle
    few, many = (offer.at(np.exp(end)) for end in (dear, cheap))
    return Refilled(_share(few[0], many[1], money), float(np.exp(log_price)))


def _meet(offer: _Offer, spend: Floats, gives: Floats, money: float) -> Floats:
    """Return spends that meet the money where they already nearly do."""
    span, touch = offer.envelope.span, offer.envelope.touch
    whole = gives.sum()
    for _ in range(4):
        miss = money - spend.sum()
        if abs(miss) <= _EXACT * money:
            break
        moved = np.clip(spend + gives * (miss / whole), touch, span.upper)
        spend = np.where(gives > 0, moved, spend)
    return spend


def _share(less: Floats, more: Floats, money: float) -> Floats:
    """Return spends between two splits that meet the money, one channel after another."""
    room = money - less.sum()
    gap = more - less
    before = np.concatenate([[0.0], np.cumsum(gap)[:-1]])
    shared: Floats = less + np.clip(room - before, 0.0, gap)
    return shared
