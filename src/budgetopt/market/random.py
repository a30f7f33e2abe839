r"""Random numbers that depend on seed, run and purpose, and on nothing else.

- `Stream` draws runs in blocks of `BLOCK`, each block and purpose from a generator of its own,
  always the whole block. A chunk of runs is cut out of its blocks, so run 700 meets the same
  numbers alone, in a chunk of seven or of a thousand, on any worker and in any order;
- `Balanced` spreads each block evenly over its chances by Sobol' points;
- `poisson_quantile` makes counts of normals for whole arrays.

Where this stops: with `Balanced` only whole blocks are independent, so intervals are taken over
blocks; normals are cut at :math:`\pm 8`, where :math:`\Phi` leaves floating point.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable
from functools import cached_property, lru_cache, partial

import numpy as np
from numpy.typing import NDArray
from scipy import special

from budgetopt.arrays import Floats

BLOCK = 64
"""Runs of a block: making a generator (15 µs) is then a small part of drawing from it, and a chunk
that cuts a block draws at most 63 runs in vain."""
PURPOSES = (
    "truth",
    "noise",
    "luck",
    "drift",
    "shock",
    "demand",
    "prices",
    "delivery",
    "tracking",
    "scenario",
)
"""What numbers are drawn for; the position is part of the key, so new ones go to the end."""


def generators(
    seed: int, purpose: str, first_run: int, runs: int, *, name: str = ""
) -> list[np.random.Generator]:
    """Return the generator of each block that a chunk of runs touches, in order.

    Parameters
    ----------
    seed
        The replication, at least 0.
    purpose
        One of `PURPOSES`.
    first_run, runs
        The chunk.
    name
        Tells streams of one purpose apart, such as those of scenarios.
    """
    key = (PURPOSES.index(purpose), zlib.crc32(name.encode()) if name else 0)
    blocks = range(first_run // BLOCK, -(-(first_run + runs) // BLOCK))
    return [
        np.random.Generator(np.random.SFC64(np.random.SeedSequence(seed, spawn_key=(*key, block))))
        for block in blocks
    ]


class Stream:
    """The numbers of one purpose for a chunk of runs, taken in order.

    Parameters
    ----------
    seed, purpose, first_run, runs, name
        As in `generators`.

    Attributes
    ----------
    runs
        How many runs are in the chunk.

    Notes
    -----
    SFC64 (Doty-Humphrey, PractRand) seeded by NumPy's `SeedSequence`, whose spawn keys give
    streams that are independent for all practical purposes.

    Examples
    --------
    >>> whole, part = Stream(7, "noise", 0, 100), Stream(7, "noise", 90, 10)
    >>> bool(np.array_equal(whole.normals(3)[90:], part.normals(3)))
    True
    """

    def __init__(
        self, seed: int, purpose: str, first_run: int, runs: int, *, name: str = ""
    ) -> None:
        self.runs = runs
        self._key = partial(generators, seed, purpose, first_run, runs, name=name)
        skipped = first_run % BLOCK
        self._rows = slice(skipped, skipped + runs)

    @cached_property
    def _generators(self) -> list[np.random.Generator]:
        # Made when first drawn from: most purposes of a market are not used.
        return self._key()

    def normals(self, width: int) -> Floats:
        """Return standard normals, shape ``(runs, width)``."""
        return self._drawn(width, lambda source, out: source.standard_normal(out=out))

    def uniforms(self, width: int) -> Floats:
        """Return numbers evenly spread on [0, 1), shape ``(runs, width)``."""
        return self._drawn(width, lambda source, out: source.random(out=out))

    def gammas(self, shape: Floats) -> Floats:
        """Return gamma numbers of scale 1 and a shape by column, shape ``(runs, width)``."""
        return self._drawn(
            len(shape), lambda source, out: source.standard_gamma(shape, size=out.shape, out=out)
        )

    def _drawn(self, width: int, draw: Callable[[np.random.Generator, Floats], object]) -> Floats:
        out = np.empty((len(self._generators) * BLOCK, width))
        for at, source in enumerate(self._generators):
            draw(source, out[at * BLOCK : (at + 1) * BLOCK])
        return out[self._rows]


class Balanced(Stream):
    r"""The same from Sobol' points: numbers that are evenly spread over the runs of every block.

    Each taking of a width is a set of the block's `BLOCK` = :math:`2^6` points of as many
    dimensions: leading binary digits are those of Sobol', shifted at random, further ones are
    random, and the order of the runs is random. So every number is uniform and independent of all
    others in its run, every column has one number in each 64th, and blocks are independent.

    What is a sum over columns and weeks of smooth functions then has a mean whose variance falls
    like :math:`1/64^2` of that of independent runs; what comes of columns or weeks together gains
    less, down to nothing, and what is drawn from elsewhere, such as true curves, gains nothing.

    Notes
    -----
    Sobol' (1967); the random digital shift, L'Ecuyer and Lemieux (2002), "Recent advances in
    randomized quasi-Monte Carlo methods"; one random order for each set, Owen (1998), "Latin
    supercube sampling for very high-dimensional simulations".

    Examples
    --------
    >>> column = Balanced(7, "noise", 0, BLOCK).uniforms(3)[:, 1]
    >>> np.array_equal(np.sort(np.floor(column * BLOCK)), np.arange(BLOCK))
    True
    """

    def normals(self, width: int) -> Floats:
        """Return standard normals, shape ``(runs, width)``."""
        drawn: Floats = special.ndtri(self.uniforms(width))
        return drawn

    def uniforms(self, width: int) -> Floats:
        """Return numbers evenly spread on (0, 1), shape ``(runs, width)``."""
        return self._drawn(width, _spread)

    def gammas(self, shape: Floats) -> Floats:
        """Return gamma numbers of scale 1 and a shape by column, shape ``(runs, width)``."""
        drawn: Floats = special.gammaincinv(shape, self.uniforms(len(shape)))
        return drawn


def _spread(source: np.random.Generator, out: Floats) -> None:
    """Fill a block with its points."""
    places = _points(out.shape[1]) ^ source.integers(BLOCK, size=out.shape[1])
    source.random(out=out)
    out += source.permutation(places)
    out /= BLOCK
    # Quantiles of 0 and of 1 are infinite.
    np.clip(out, 2.0**-54, 1.0 - 2.0**-53, out=out)


@lru_cache(maxsize=64)
def _points(width: int) -> NDArray[np.int64]:
    """Return the first `BLOCK` points of Sobol' by their leading digits, ``(BLOCK, width)``."""
    # Loaded late, as it takes longer than the rest of the room.
    from scipy.stats import qmc

    points = qmc.Sobol(width, scramble=False).random_base2(BLOCK.bit_length() - 1)
    return np.asarray(np.floor(points * BLOCK), dtype=np.int64)


SMALL = 4.0
"""Mean from which the expansion is taken."""
_ERROR = 0.015
"""The expansion is off by less than this times ``(1+|z|**5) mean**-1.5``: over ``|z| <= 7`` the
factor was measured to be at most 0.0129 at a mean of 4, and 0.0091 at 10,000."""
_FARTHEST = 8.0
"""Normals are cut here."""


def poisson_quantile(normal: Floats, mean: Floats) -> Floats:
    r"""Return the least n at which the Poisson distribution function reaches :math:`\Phi(z)`.

    From a mean of `SMALL` on, the expansion

    .. math:: Q = \lambda + \sqrt\lambda z + \frac{2+z^2}{6} - \frac{2z+z^3}{72\sqrt\lambda}
        + \frac{3z^4+7z^2-16}{810\lambda}

    has the quantile as its whole part, unless it comes so near a whole number that its error, of
    order :math:`\lambda^{-3/2}`, might matter: there the distribution function decides. For smaller
    means, and where the tail is too far for the expansion, the distribution function is summed
    until it passes :math:`\Phi(z)`. Both ways end at the exact quantile.

    Parameters
    ----------
    normal
        Standard normals z, any shape with an axis.
    mean
        Means :math:`\lambda`, at least 0, of a shape that goes with `normal`.

    Returns
    -------
    ndarray
        Whole numbers as floats; nondecreasing in both arguments.

    Notes
    -----
    Normals are cut at :math:`\pm 8`, where :math:`\Phi` leaves floating point, and beyond a mean of
    1e8 the last event is lost in rounding.

    References
    ----------
    Giles (2016), Algorithm 955: approximation of the inverse Poisson cumulative distribution
    function, section 2.2.

    Examples
    --------
    >>> poisson_quantile(np.array([-1.0, 0.0, 1.0]), np.array([2.0, 2.0, 100.0]))
    array([  1.,   2., 110.])
    """
    z, mean = np.broadcast_arrays(np.clip(normal, -_FARTHEST, _FARTHEST), mean)
    small = mean < SMALL
    events, error = _expansion(z, np.maximum(mean, SMALL))
    # The expansion itself is rounded too.
    error += 1e-15 * mean
    summed = small | (error >= 0.5)
    nearest = np.rint(events)
    decided = (np.abs(events - nearest) <= error) & ~summed
    np.floor(events, out=events)
    if decided.any():
        upper = nearest[decided]
        events[decided] = upper - _reached(z[decided], mean[decided], upper - 1.0)
    if summed.any():
        events[summed] = _by_sum(z[summed], mean[summed])
    return events


def _expansion(z: Floats, mean: Floats) -> tuple[Floats, Floats]:
    """Return Giles's Q and a bound on its error."""
    root = np.sqrt(mean)
    narrow = 1.0 / root
    square = np.square(z)
    series = root * z
    series += mean
    third = square + 2.0
    series += third * (1.0 / 6.0)
    third *= z
    third *= narrow
    third *= 1.0 / 72.0
    series -= third
    fourth = 3.0 * square
    fourth += 7.0
    fourth *= square
    fourth -= 16.0
    narrow_square = np.square(narrow)
    fourth *= narrow_square
    fourth *= 1.0 / 810.0
    series += fourth
    error = np.square(square, out=square)
    error *= np.abs(z)
    error += 1.0
    error *= narrow_square
    error *= narrow
    error *= _ERROR
    return series, error


def _reached(z: Floats, mean: Floats, events: Floats) -> NDArray[np.bool_]:
    """Say where the distribution function at some events has reached the uniform number."""
    # Each tail is compared in itself, where it keeps its digits.
    below = special.pdtr(events, mean) >= special.ndtr(z)
    above = special.pdtrc(events, mean) <= special.ndtr(-z)
    return np.where(z <= 0, below, above)


def _by_sum(z: Floats, mean: Floats) -> Floats:
    """Return the quantile by adding up probabilities from zero events on."""
    found, count = np.zeros((2, z.size))
    goal: Floats = special.ndtr(z)
    chance: Floats = np.exp(-mean)
    total = chance.copy()
    # Twelve standard deviations are beyond every normal that is let in.
    most = int(np.max(mean + 12.0 * np.sqrt(mean))) + 30
    at: NDArray[np.intp] = np.arange(z.size)
    for events in range(1, most):
        below = total < goal
        left = np.count_nonzero(below)
        if left < 0.5 * below.size:
            # Those that are done are written down and left out.
            found[at] = count
            if not left:
                return found
            at = at[below]
            count, goal, mean, chance, total = (
                v[below] for v in (count, goal, mean, chance, total)
            )
            below = below[below]
        count += below
        chance *= mean
        chance /= events
        total += chance
    found[at] = count
    return found
