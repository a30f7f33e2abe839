r"""The grid filter: every channel's curve, week after week, with nothing to converge.

In cell ``k`` the curve is :math:`A\,g_k(x)` with :math:`g_k(reference) = 1`, and
:math:`a = \ln A` walks from week to week:

.. math::

    a_t &= a_{t-1} + d\,\varepsilon_t \\
    \eta_t &= a_t + \ln g_k(x_t) + w_t + o_t + \sigma(\zeta_t - \sigma/2) \\
    y_t &\sim \text{counts with mean } e^{\eta_t}

with unit normals :math:`\varepsilon, \zeta`; drift ``d`` and noise :math:`\sigma` are crossed with
the cells as further axes of one table; ``w`` is the week effect that all channels share, ``o`` a
known offset (the share of a young week that has been reported, a given demand index). Given cell,
drift and noise all this is a scalar Kalman filter (Kalman 1960; West and Harrison 1997, chapter
2), so posterior and evidence are in closed form and the whole table is one array program over
runs, channels, nuisances and cells.

From simple to subtle:

- `state`: what is known, as arrays, and the priors;
- `update`: one week of outcomes, as logarithms (`gaussian`) or as counts (`counts`), under the
  three hypotheses "as usual", "the level jumped" and "this week is an outlier"; the week effect
  that all channels share; and the ranks of the outcomes in their predictions;
- `run`: the weeks one after another; the centres of the priors, learned from all channels together
  (`weigh`); and a level that broke for good, held against an outlier for some weeks (`Rival`).

Where this stops. The three hypotheses are collapsed to one normal after each week (the first
generalised pseudo-Bayes filter of Ackerson and Fu 1970), with one variance for all cells of the
same drift and noise. The week effect enters each channel by its mean and variance given the
*other* channels, so that no channel hears itself, and what that leaves in common between channels
is dropped. Without jumps, outliers and week effect nothing is approximate but counts.
"""

from __future__ import annotations

from budgetopt.belief.filter.run import FilterState, WeekRecord, start, step
from budgetopt.belief.filter.state import PriorModel, Tables, WeekData

__all__ = ["FilterState", "PriorModel", "Tables", "WeekData", "WeekRecord", "start", "step"]
