"""Random numbers that depend on seed, run and purpose, and on nothing else.

Runs are drawn in blocks of `BLOCK`, each block and purpose from a generator of its own, always the
whole block. A chunk of runs is cut out of its blocks, so run 700 meets the same numbers alone, in a
chunk of seven or of a thousand, on any worker and in any order.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable
from functools import cached_property, lru_cache, partial

import numpy as np
from numpy.typing import NDArray
from scipy import special

from budgetopt.curves.base import Floats

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
