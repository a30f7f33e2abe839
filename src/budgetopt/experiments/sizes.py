r"""How large a test is worth, and how small an effect it sees.

- `two_cell_sizes`: users of a test of two treatments before the better one gets all that are left;
- `minimum_detectable_effect`: what a test of some error finds with a given chance;
- `geo_test_budget`: money that a test in a share of the regions has to move.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy.special import ndtr, ndtri

from budgetopt.arrays import Floats
from budgetopt.errors import as_number


class CellSizes(NamedTuple):
    """Users in each cell of a test, and what the test brings.

    Parameters
    ----------
    one, other
        Users, not rounded.
    gain
        Expected outcome of all users, test included, over giving everybody the treatment that is
        expected to be the better one.
    """

    one: float
    other: float
    gain: float


def two_cell_sizes(
    population: float,
    noise: float | tuple[float, float],
    prior_sd: float | tuple[float, float],
    prior_mean: float | tuple[float, float] = 0.0,
) -> CellSizes:
    r"""Return how many users test each of two treatments before the better one gets the rest.

    Responses are :math:`N(m_j, s_j^2)` with :math:`m_j \sim N(\mu_j, \sigma_j^2)`. With
    :math:`n_j` users in each cell the posterior means differ by :math:`N(e, v^2)`, where
    :math:`e = \mu_1 - \mu_2` and :math:`v^2 = \sum_j \sigma_j^4/(\sigma_j^2 + s_j^2/n_j)`, so that

    .. math::

        \text{outcome} = n_1\mu_1 + n_2\mu_2
          + (N - n_1 - n_2)\,[\mu_2 + e\,\Phi(e/v) + v\,\varphi(e/v)],

    which is maximised; in closed form where both treatments are alike,

    .. math:: n = \sqrt{\frac N4 \frac{s^2}{\sigma^2} + \left(\frac34 \frac{s^2}{\sigma^2}\right)^2}
                  - \frac34 \frac{s^2}{\sigma^2}.

    Parameters
    ----------
    population
        Users that there are, those of the test included, above 4.
    noise
        Standard deviation of one user's response, one for both treatments or a pair.
    prior_sd
        How far mean responses differ from treatment to treatment, one or a pair.
    prior_mean
        What is expected of them, one or a pair.

    Raises
    ------
    InputError
        ``bad-argument``.

    References
    ----------
    Feit and Berman (2019), Test & Roll: profit-maximizing A/B tests, Marketing Science 38(6),
    equations 8 and 10.

    Examples
    --------
    Their website test, 100,000 visitors of whom 68 % click:

    >>> round(two_cell_sizes(100_000, (0.68 * 0.32) ** 0.5, 0.03).one)
    2284
    """
    n = as_number(population, "population", above=4)
    s, sd, mean = (
        np.broadcast_to(np.asarray(given, dtype=np.float64), (2,))
        for given in (noise, prior_sd, prior_mean)
    )
    for name, pair in (("noise", s), ("prior_sd", sd)):
        for each in pair.tolist():
            as_number(each, name, above=0)
    for each in mean.tolist():
        as_number(each, "prior_mean")
    apart, least = float(mean[0] - mean[1]), float(mean.min())

    def gain(cells: Floats) -> float:
        v = float(np.sqrt(np.sum(sd**4 / (sd**2 + s**2 / cells))))
        z = apart / v
        rolled = mean[1] + apart * ndtr(z) + v * np.exp(-0.5 * z * z) / np.sqrt(2.0 * np.pi)
        return float((mean - least) @ cells + (n - cells.sum()) * (rolled - least)) - n * abs(apart)

    if s[0] == s[1] and sd[0] == sd[1] and apart == 0.0:
        ratio = float(np.square(s[0] / sd[0]))
        # The root of the closed form, written so that nothing is subtracted from its like.
        cell = n / 4 * ratio / (np.sqrt(n / 4 * ratio + (0.75 * ratio) ** 2) + 0.75 * ratio)
        return CellSizes(float(cell), float(cell), gain(np.array([cell, cell])))
    # Both cells together stay below the population: shares of it by two logistic steps.
    unit = n * float(np.max(sd))

    def cells_at(at: Floats) -> Floats:
        total, split = 1.0 / (1.0 + np.exp(-np.clip(at, -40.0, 40.0)))
        return np.asarray(np.maximum(n * total * np.array([split, 1.0 - split]), 1e-9))

    def missed(at: Floats) -> float:
        return -gain(cells_at(at)) / unit

    from scipy.optimize import minimize

    close = {"xatol": 1e-9, "fatol": 1e-15, "maxiter": 4000, "maxfev": 4000}
    starts = np.array([[-3.0, 0.0], [-6.0, 1.0], [-6.0, -1.0]])
    tried = [minimize(missed, at, method="Nelder-Mead", options=close) for at in starts]  # type: ignore[call-overload] # its stubs
    found = min(tried, key=lambda each: float(each.fun))
    one, other = cells_at(found.x)
    return CellSizes(float(one), float(other), gain(np.array([one, other])))


def minimum_detectable_effect(error: float, power: float = 0.8, level: float = 0.9) -> float:
    r"""Return the effect that a test finds with a given chance: :math:`(z_{(1+c)/2} + z_p)\,s`.

    Parameters
    ----------
    error
        Standard error ``s`` of what the test reads, above 0.
    power
        Chance ``p`` of finding it, between 0 and 1.
    level
        Chance ``c`` inside the two-sided interval that must leave out no effect.

    References
    ----------
    Bloom (1995), Minimum detectable effects, Evaluation Review 19(5).

    Examples
    --------
    >>> round(minimum_detectable_effect(1.0), 3)
    2.486
    """
    s = as_number(error, "error", above=0)
    chance, inside = (as_number(x, name, above=0, below=1)
                      for x, name in ((power, "power"), (level, "level")))  # fmt: skip
    return float((ndtri(0.5 + 0.5 * inside) + ndtri(chance)) * s)


def difference_error(noise: float, share: float, weeks: float) -> float:
    r"""Return the error of a difference between regions: :math:`s\sqrt{(1/g + 1/(1-g))/n}`.

    Parameters
    ----------
    noise
        Standard deviation of a week's whole outcome, of which every region has its own part.
    share
        Share ``g`` of the regions, by outcome, that are treated, between 0 and 1.
    weeks
        Weeks ``n`` that the test lasts.
    """
    return float(noise * np.sqrt((1.0 / share + 1.0 / (1.0 - share)) / weeks))


def geo_test_budget(noise: float, share: float, weeks: float, error: float) -> float:
    r"""Return the money that a geo test must move to read a return of money to within an error.

    Treated regions get :math:`\Delta` a week more or less, counted as if it were everywhere. The
    return is read with the error :math:`s\sqrt{(1/g + 1/(1-g))/n}\,/\,\Delta`; solved for
    :math:`\Delta`, of which a share ``g`` is moved in ``n`` weeks.

    Parameters
    ----------
    noise
        Standard deviation ``s`` of a week's whole outcome, above 0.
    share
        Share ``g`` of the regions that are treated, between 0 and 1.
    weeks
        Weeks ``n``, above 0.
    error
        Wanted standard error of the outcome of a unit of money, above 0.

    References
    ----------
    Vaver and Koehler (2011), Measuring ad effectiveness using geo experiments, Google.

    Examples
    --------
    Weeks that stand 100 apart, a fifth of the regions, four weeks, a return to within 0.5:

    >>> geo_test_budget(100, 0.2, 4, 0.5)
    200.0
    """
    s, n = as_number(noise, "noise", above=0), as_number(weeks, "weeks", above=0)
    g, wanted = as_number(share, "share", above=0, below=1), as_number(error, "error", above=0)
    return n * g * difference_error(s, g, n) / wanted
