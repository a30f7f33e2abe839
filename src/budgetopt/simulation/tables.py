"""A simulation as tables and in words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from budgetopt.figures import show_figure
from budgetopt.simulation.measures import MEASURES

if TYPE_CHECKING:
    import pandas as pd

    from budgetopt.simulation.simulation import Simulation


def by_run(simulation: Simulation) -> pd.DataFrame:
    """Return one row for each policy and run, with every measure and the scenarios."""
    import pandas as pd

    shown = _shown(simulation)
    parts = []
    for policy in simulation.policies:
        columns = {"policy": policy, "run": np.arange(simulation.runs)}
        columns |= {name: simulation.by_run(name, policy) for name in shown}
        columns |= {f"happens: {name}": runs for name, runs in simulation.happens.items()}
        parts.append(pd.DataFrame(columns))
    return pd.concat(parts, ignore_index=True)


def by_week(simulation: Simulation) -> pd.DataFrame:
    """Return one row for each policy and week: means, and quantiles of the outcome."""
    import pandas as pd

    parts = []
    for policy in simulation.policies:
        columns = {"policy": policy, "week": np.arange(1, simulation.weeks + 1)}
        for name in _shown(simulation):
            kind = MEASURES[name]
            above = simulation.by_week(kind.above, policy).mean(axis=0)
            below = simulation.by_week(kind.below, policy).mean(axis=0) if kind.below else 1.0
            with np.errstate(divide="ignore", invalid="ignore"):
                columns[name] = np.where(np.asarray(below) == 0, np.nan, above / below)
        for chance in (0.05, 0.5, 0.95):
            band = simulation.quantiles("outcome", policy, chances=[chance], weekly=True)[0]
            columns[f"outcome {chance:.0%}"] = band
        parts.append(pd.DataFrame(columns))
    return pd.concat(parts, ignore_index=True)


def by_channel(simulation: Simulation) -> pd.DataFrame:
    """Return one row for each policy and channel: totals of a run, their mean and a band."""
    import pandas as pd

    parts = []
    for policy in simulation.policies:
        record = simulation.record(policy)
        columns: dict[str, Any] = {"policy": policy, "channel": list(simulation.channels)}
        for name, amounts in (("outcome", record.channel_outcome), ("spend", record.channel_spend)):
            low, high = np.quantile(amounts, [0.05, 0.95], axis=0)
            columns |= {name: amounts.mean(axis=0), f"{name} 5%": low, f"{name} 95%": high}
        parts.append(pd.DataFrame(columns))
    return pd.concat(parts, ignore_index=True)


def in_words(simulation: Simulation) -> str:
    """Return a few sentences: means with intervals, bad runs, and who is better by how much."""
    head = (
        f"{simulation.runs:,} runs of {simulation.weeks} weeks, {len(simulation.channels)} "
        f"channels, seed {simulation.seed}."
    )
    lines = [head]
    if simulation.interrupted:
        lines = [f"INTERRUPTED: {head}"]
    for name, runs in simulation.happens.items():
        lines.append(f"Scenario {name!r} happened in {np.mean(runs):.0%} of the runs.")
    for policy in simulation.policies:
        lines.append(_policy_in_words(simulation, policy))
    first = simulation.policies[0]
    for other in simulation.policies[1:]:
        gap = simulation.difference(other, first)
        lines.append(
            f"{other} brings {show_figure(gap.mean)} more outcome than {first} "
            f"({show_figure(gap.low)} to {show_figure(gap.high)} at {gap.level:.0%}, paired), "
            f"and more of it in {gap.share_better:.0%} of the runs."
        )
    lines += [f"Note: {note}." for note in simulation.notes]
    return "\n".join(lines)


def _policy_in_words(simulation: Simulation, policy: str) -> str:
    mean = simulation.mean("outcome", policy)
    low, high = simulation.quantiles("outcome", policy, chances=(0.05, 0.95))
    said = (
        f"{policy}: outcome {show_figure(mean.mean)} ± {show_figure(mean.half, 2)}, nine runs in "
        f"ten between {show_figure(low)} and {show_figure(high)}, the worst twentieth "
        f"{show_figure(simulation.cvar('outcome', policy))} on average; spend "
        f"{show_figure(simulation.mean('spend', policy).mean)}; chance of overspend "
        f"{simulation.chance_of_overspend(policy).mean:.0%}"
    )
    if simulation.has_regret:
        said += f"; {show_figure(simulation.mean('regret', policy).mean)} short of a clairvoyant"
    return said + "."


def _shown(simulation: Simulation) -> list[str]:
    return [name for name in MEASURES if name != "regret" or simulation.has_regret]
