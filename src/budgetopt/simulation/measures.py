"""What a run is measured by, each a sum over the run's weeks or a ratio of two sums."""

from __future__ import annotations

from typing import NamedTuple

from budgetopt.errors import InputError, did_you_mean


class Measure(NamedTuple):
    """A measure of a run.

    Parameters
    ----------
    above, below
        Names of the sums; without `below` it is a sum.
    more_is_better
        Which tail is the bad one.
    """

    above: str
    below: str = ""
    more_is_better: bool = True


MEASURES: dict[str, Measure] = {
    "outcome": Measure("outcome"),
    "expected": Measure("expected"),
    "spend": Measure("spend", more_is_better=False),
    "value": Measure("value"),
    "profit": Measure("profit"),
    "regret": Measure("regret", more_is_better=False),
    "roas": Measure("value", "spend"),
    "cpa": Measure("spend", "outcome", more_is_better=False),
}
"""Measures by name: outcome that came, expected outcome, money, the outcome's worth in money, worth
less money, what a clairvoyant gets more, worth per money, money per outcome."""


def measure_named(name: str) -> Measure:
    """Return a measure.

    Raises
    ------
    InputError
        ``unknown-name``.
    """
    if name not in MEASURES:
        raise InputError(
            "unknown-name",
            f"measure {name!r} is not known",
            field="measure",
            value=name,
            remedy=did_you_mean(name, MEASURES),
        )
    return MEASURES[name]
