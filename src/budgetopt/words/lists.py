"""Names and lists inside sentences, which every language writes in its own way."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import reduce

from budgetopt.words.sentence import Sentence, say


def quoted(name: str) -> Sentence:
    """Return a name in quotation marks.

    Examples
    --------
    >>> quoted("feed")
    "'feed'"
    """
    return say("{name!r}", name=name)


def listed(texts: Iterable[str], most: int | None = None) -> Sentence:
    """Return texts one after another, at most so many of them, and how many more there are.

    Examples
    --------
    >>> listed("abc"), listed("abc", 2)
    ('a, b, c', 'a, b and 1 more')
    """
    every = tuple(texts)
    if most is None or len(every) <= most:
        return say("{listed}", listed=every)
    return say("{listed} and {more} more", listed=every[:most], more=len(every) - most)


def joined(texts: Sequence[str]) -> str:
    """Return one text or more with "and" between them.

    Examples
    --------
    >>> joined(["a", "b", "c"])
    'a and b and c'
    """
    return reduce(lambda one, other: say("{one} and {other}", one=one, other=other), texts)
