"""Simulated years for a planner: what policies bring, with and without what may happen."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from budgetopt.figures import show_figure
from budgetopt.market import Outage, Scenario
from budgetopt.money import show_amount
from budgetopt.plan import Plan
from budgetopt.report.layout import figures, noted, sentences, table
from budgetopt.simulation import Contingency, Difference, Simulation

if TYPE_CHECKING:
    import pandas as pd

SCHEMA_VERSION = 1
USUAL, STRUCK = "as usual", "with scenarios"
"""How the two worlds are called in tables for programs."""
_DIGITS = 4
_HUGE = 1e8
"""From here on numbers have exponents, so that six columns of them fit."""


@dataclass(frozen=True)
class Years:
    """The same simulated years without scenarios, and with them.

    Parameters
    ----------
    plan
        What was simulated.
    truth
        A sentence on where the true curves come from.
    usual
        Without scenarios.
    struck
        With them; None where none was asked for, or it was broken off before.
    scenarios, contingencies
        What happens in `struck`, and what the plan answers.
    target
        Outcome of all weeks to reach; None where there is none.
    notes
        What a reader should know beside the simulations' own notes.
    """

    plan: Plan
    truth: str
    usual: Simulation
    struck: Simulation | None = None
    scenarios: tuple[Scenario, ...] = ()
    contingencies: tuple[Contingency, ...] = ()
    target: float | None = None
    notes: tuple[str, ...] = ()

    @property
    def worlds(self) -> dict[str, Simulation]:
        """The simulations that there are, by the name of their world."""
        return {USUAL: self.usual} | ({} if self.struck is None else {STRUCK: self.struck})

    @property
    def interrupted(self) -> str:
        """How far it came where it was broken off, else nothing."""
        said = [
            f"interrupted after {world.runs:,} of {world.asked:,} runs"
            + (f" {name}" if self.scenarios else "")
            for name, world in self.worlds.items()
            if world.interrupted
        ]
        if said:
            return said[0]
        if self.scenarios and self.struck is None:
            return f"interrupted after 0 of {self.usual.asked:,} runs {STRUCK}"
        return ""


_COLUMNS = "5 of 100 runs lie below 5%, 5 above 95%; within ± the mean is 95% sure."
"""What the columns of outcomes are."""


def years_table(years: Years) -> str:
    """Return simulated years as text: what policies bring, how sure it is, and what it costs."""
    usual, struck = years.usual, years.struck
    lines = [sentences(years.interrupted.upper())] if years.interrupted else []
    lines += [sentences(_heading(years)), ""]
    lines += _world(years, "As usual:" if years.scenarios else "", usual, said=_COLUMNS)
    if struck is not None:
        lines += ["", *_world(years, _happening(years), struck)]
        lines += ["", *_costs(usual, struck)]
    notes = dict.fromkeys(n for world in years.worlds.values() for n in world.notes)
    return "\n".join([*lines, *noted((*years.notes, *notes))])


def years_json(years: Years) -> str:
    """Return simulated years as JSON: every figure of the table, and what was asked."""
    usual, struck = years.usual, years.struck
    first = usual.policies[0]
    data: dict[str, Any] = {
        "schema": SCHEMA_VERSION,
        "plan": years.plan.name,
        "status": years.interrupted or "complete",
        "truth": years.truth,
        "scenarios": [{"name": s.name} | s.to_dict() for s in years.scenarios],
        "contingencies": [one.to_dict() for one in years.contingencies],
        "target": years.target,
        "notes": list(years.notes),
        "worlds": {name: _plain_world(world, years) for name, world in years.worlds.items()},
        "differences": [
            {"world": name, "policy": policy, "less": first}
            | _plain_difference(world.difference(policy, first))
            for name, world in years.worlds.items()
            for policy in world.policies[1:]
        ],
        "costs": [] if struck is None else [
            {"policy": policy} | _plain_difference(struck.difference(policy, world=usual))
            for policy in usual.policies
        ],
    }  # fmt: skip
    return json.dumps(data, ensure_ascii=False, indent=2, allow_nan=False)


def years_frame(years: Years, by: str) -> pd.DataFrame:
    """Return the tables of all worlds below each other, each with the runs that were done.

    Parameters
    ----------
    years
        What was simulated.
    by
        ``"run"``, ``"week"`` or ``"channel"``, as in `Simulation.to_frame`.
    """
    import pandas as pd

    parts = []
    for name, world in years.worlds.items():
        frame = world.to_frame(by)
        frame.insert(0, "world", name)
        frame.insert(1, "runs", world.runs)
        frame.insert(2, "asked", world.asked)
        parts.append(frame)
    return pd.concat(parts, ignore_index=True)


def _heading(years: Years) -> str:
    usual, plan = years.usual, years.plan
    runs = f"{usual.runs:,} {'run' if usual.runs == 1 else 'runs'}"
    weeks = f"{usual.weeks} {'week' if usual.weeks == 1 else 'weeks'}"
    return (
        f"{runs} of {weeks}, seed {usual.seed}; {show_amount(plan.spendable)} {plan.currency} a "
        f"week to spend, {show_amount(plan.held)} in reserve. {years.truth}"
    )


def _world(years: Years, title: str, world: Simulation, said: str = "") -> list[str]:
    """Return the lines of one world: what each policy brings, and how much more than the first."""
    lines = [sentences(title)] if title else []
    lines += [_outcomes(years, world), *([sentences(said)] if said else [])]
    lines += ["", _chances(years, world)]
    if len(world.policies) > 1:
        first = world.policies[0]
        found = {name: world.difference(name, first) for name in world.policies[1:]}
        head = f"More {years.plan.outcome} than {first} in the same runs (low to high: 95% sure):"
        lines += ["", sentences(head), _differences(found)]
    return lines


def _outcomes(years: Years, world: Simulation) -> str:
    """Return the table of what each policy brings and spends."""
    names = world.policies
    means = [world.mean("outcome", name) for name in names]
    bands = [world.quantiles("outcome", name, chances=(0.05, 0.95)) for name in names]
    three = [m.mean for m in means], [b[0] for b in bands], [b[1] for b in bands]
    shown = _amounts([v for part in three for v in part])
    columns = {years.plan.outcome: shown[: len(names)]}
    columns["±"] = [_half(mean.half) for mean in means]
    columns |= {"5%": shown[len(names) : 2 * len(names)], "95%": shown[2 * len(names) :]}
    columns["spend"] = _amounts([world.mean("spend", name).mean for name in names])
    heading, measure = _return(years.plan)
    columns[heading] = figures([world.mean(measure, name).mean for name in names], 3)
    return table(("policy", *columns), (list(names), *columns.values()))


def _chances(years: Years, world: Simulation) -> str:
    """Return the table of what may happen to each policy, or say that none of it does."""
    names, target = world.policies, years.target
    chances = {"overspend": [world.chance_of_overspend(name).mean for name in names]}
    if not _is_count(years.plan):
        chances["loss"] = [world.chance_of_loss(name).mean for name in names]
    if target is None and not any(map(any, chances.values())):
        return sentences(f"Chance of {' or '.join(chances)}: none in these runs.")
    if target is not None:
        chances["target"] = [world.chance(policy=n, at_least=target).mean for n in names]
    columns = [list(map(_share, each)) for each in chances.values()]
    return table(("chance of", *chances), (list(names), *columns))


def _half(half: float) -> str:
    if not math.isfinite(half):
        return ""
    return show_figure(half, 2) if half < _HUGE else f"{half:.2g}"


def _amounts(values: Sequence[float]) -> list[str]:
    return figures(values, _DIGITS, _HUGE)


def _differences(found: dict[str, Difference]) -> str:
    columns = _ranges(list(found.values()))
    better = [_share(d.share_better) for d in found.values()]
    return table(("policy", "more", "low", "high", "better"), (list(found), *columns, better))


def _costs(usual: Simulation, struck: Simulation) -> list[str]:
    """Return what the scenarios cost each policy, run by run."""
    found = {name: struck.difference(name, world=usual) for name in usual.policies}
    shares = [f"{d.mean / m:+.1%}" if (m := usual.mean("outcome", name).mean) else ""
              for name, d in found.items()]  # fmt: skip
    head = "What the scenarios change, in the same runs (low to high: 95% sure):"
    columns = (*_ranges(list(found.values())), shares)
    return [sentences(head), table(("policy", "change", "low", "high", "share"),
                                   (list(found), *columns))]  # fmt: skip


def _ranges(found: Sequence[Difference]) -> Iterator[list[str]]:
    """Yield the columns of means, lows and highs; a single run has no interval."""
    parts = [[getattr(d, part) for d in found] for part in ("mean", "low", "high")]
    finite = [v if math.isfinite(v) else math.nan for part in parts for v in part]
    texts, count = _amounts(finite), len(found)
    for at in range(3):
        yield texts[at * count : (at + 1) * count]


def _happening(years: Years) -> str:
    """Say what happens, when, and what the plan answers."""
    said = [f"With {'; '.join(map(_in_words, years.scenarios))}"]
    for one in years.contingencies:
        does = []
        if one.release:
            does.append(f"{_share(one.release)} of the contingency reserve is released")
        if one.pause:
            does.append(f"{', '.join(one.pause)} {'is' if len(one.pause) == 1 else 'are'} paused")
        does += [f"{name} may get {show_figure(money)} a week" for name, money in one.spare]
        if does:
            after = f"{one.after} {'week' if one.after == 1 else 'weeks'}"
            said.append(f"Against {one.scenario}, after {after}, {' and '.join(does)}")
    return ". ".join(said) + ":"


def _in_words(scenario: Scenario) -> str:
    dated = not isinstance(scenario.start, int)
    start = f"{scenario.start}" if dated else f"week {scenario.start}"
    when = f"from {start}"
    if isinstance(scenario, Outage):
        days = show_figure(scenario.days)
        when = f"{days} {'day' if scenario.days == 1 else 'days'} from {start}"
    elif scenario.end is not None:
        when += f" to {scenario.end}"
    where = f", {', '.join(scenario.channels)}" if scenario.channels else ""
    often = f", in {_share(scenario.chance)} of the runs" if scenario.chance < 1 else ""
    return f"{scenario.name} ({when}{where}{often})"


def _share(share: float) -> str:
    """Return a share in percent; what is neither never nor always is not rounded to it."""
    if 0 < share < 0.005:
        return "<1%"
    return ">99%" if 0.995 <= share < 1 else f"{share:.0%}"


def _return(plan: Plan) -> tuple[str, str]:
    """Return how a plan's return on money is called, and its measure."""
    if _is_count(plan):
        return "CPA", "cpa"
    # Where an outcome is worth a margin, its worth per money is no ROAS.
    worth_itself = bool((plan.values == 1).all())  # noqa: PD011 # a plan is no data frame
    return ("ROAS" if worth_itself else "value/spend"), "roas"


def _is_count(plan: Plan) -> bool:
    """Whether an outcome is an event whose worth in money nobody said."""
    each = plan.values  # noqa: PD011 # a plan is no data frame
    return plan.outcome_unit == 1 and bool((each == 1).all())


def _plain_world(world: Simulation, years: Years) -> dict[str, Any]:
    data = world.to_dict()
    if years.target is not None:
        for name, plain in data["policies"].items():
            plain["chance_of_target"] = world.chance(policy=name, at_least=years.target).mean
    return data


def _plain_difference(found: Difference) -> dict[str, Any]:
    return {k: v if math.isfinite(v) else None for k, v in found._asdict().items()}
