"""What is believed of one channel before its history is read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

from budgetopt.errors import InputError
from budgetopt.plan.parts import as_number, part_of

_USUAL_SD = 0.5
"""A factor of 1.6 either way."""
_MOST_SD = 5.0
"""A factor of 150 either way: more says nothing."""
_LEAST_SD = {"roas": 0.01, "saturation": 0.05}
_LEAST, _MOST = 1e-100, 1e100
"""Within these no product or square of medians overflows."""


@dataclass(frozen=True)
class ChannelPrior:
    """What is believed of one channel before its history is read; None leaves it to the others.

    Parameters
    ----------
    roas
        Outcome per unit of money at the equal share of the budget, the median, 1e-100 to 1e100.
    roas_sd
        Standard deviation of its logarithm, 0.01 to 5. It goes with `roas`.
    saturation
        Money per week at which half of the most is reached, the median, 1e-100 to 1e100.
    saturation_sd
        Standard deviation of its logarithm, 0.05 to 5. It goes with `saturation`.
    noise
        Weekly noise, standard deviation of the log outcome, 0.001 to 5.

    Raises
    ------
    InputError
        ``bad-argument``.

    Examples
    --------
    >>> ChannelPrior(roas=3, noise=0.3).to_dict()
    {'roas': 3.0, 'roas_sd': 0.5, 'noise': 0.3}
    """

    roas: float | None = None
    roas_sd: float = _USUAL_SD
    saturation: float | None = None
    saturation_sd: float = _USUAL_SD
    noise: float | None = None

    def __post_init__(self) -> None:
        put = object.__setattr__
        for median, least in _LEAST_SD.items():
            middle, spread = getattr(self, median), f"{median}_sd"
            sd = as_number(getattr(self, spread), f"prior.{spread}", least=least, most=_MOST_SD)
            put(self, spread, sd)
            if middle is not None:
                put(self, median, as_number(middle, f"prior.{median}", least=_LEAST, most=_MOST))
            elif sd != _USUAL_SD:
                raise InputError(
                    "bad-argument",
                    f"prior.{spread} is {sd:g}, of no {median}",
                    field=f"prior.{spread}",
                    value=sd,
                    remedy=f"give {median} too, or leave {spread} out",
                )
        if self.noise is not None:
            put(self, "noise", as_number(self.noise, "prior.noise", least=1e-3, most=5.0))

    @classmethod
    def of(cls, given: Any, field: str = "prior") -> Self | None:
        """Return a prior from itself, a mapping of its fields, or None.

        Raises
        ------
        InputError
            ``bad-argument``, or ``unknown-name`` for a misspelt field; they name `field`.
        """
        return None if given is None else part_of(cls, given, "prior", field)

    def to_dict(self) -> dict[str, float]:
        """Return what is given as plain data, which `of` reads."""
        said: dict[str, float] = {}
        if self.roas is not None:
            said |= {"roas": self.roas, "roas_sd": self.roas_sd}
        if self.saturation is not None:
            said |= {"saturation": self.saturation, "saturation_sd": self.saturation_sd}
        return said if self.noise is None else said | {"noise": self.noise}
