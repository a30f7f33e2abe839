r"""The planner's metrics of a simulation, out of its totals.

Amounts are added up over runs first and divided next, so that every ratio is one of totals. mROAS
is what all spends together would bring more, per unit of money, if each rose by the same small
share: with money x and slope :math:`f'(x)` it is :math:`\sum x f'(x)\,/\sum x` times what an
outcome brings in. It asks the true curves, so it is known where a clairvoyant played; with
carryover it is that of a steady week.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from budgetopt.errors import InputError, did_you_mean

if TYPE_CHECKING:
    import pandas as pd

    from budgetopt.simulation.simulation import Simulation

_AXES: dict[str, int | tuple[int, int]] = {"channel": 0, "week": 1, "total": (0, 1)}
"""Over what the totals by week and channel are added up."""
AMOUNTS = ("spend", "impressions", "clicks", "conversions", "orders", "new_customers", "revenue",
           "gross")  # fmt: skip


def metrics_table(simulation: Simulation, policy: str | None, by: str) -> pd.DataFrame:
    """Return one row for each channel, or week, or one in all; see `Simulation.metrics`."""
    import pandas as pd

    if by not in _AXES:
        raise InputError(
            "unknown-name",
            f"there are no metrics by {by!r}",
            field="by",
            value=by,
            remedy=did_you_mean(by, _AXES),
        )
    record, funnel = simulation.record(policy), simulation.funnel
    spend, bought = record.week_spend, record.week_bought
    # Nothing is bought for nothing, whatever its price.
    price = np.divide(spend, bought, out=np.ones_like(spend), where=bought > 0)
    totals = funnel.totals(spend, record.week_outcome, price).sum(axis=_AXES[by])
    lift = record.week_lift.sum(axis=_AXES[by])
    slope = np.divide(lift, totals.spend, out=np.full(np.shape(lift), np.nan),
                      where=np.asarray(totals.spend) > 0)  # fmt: skip
    names = {
        "channel": list(simulation.channels),
        "week": list(range(1, simulation.weeks + 1)),
        "total": ["total"],
    }
    columns = {name: getattr(totals, name) / simulation.runs for name in AMOUNTS}
    columns |= funnel.metrics(totals, slope)
    flat = {name: np.atleast_1d(values) for name, values in columns.items()}
    return pd.DataFrame({by: names[by], **flat})
