"""Batches of runs, joined to one simulation."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from budgetopt.market.streams import BLOCK
from budgetopt.simulation.job import Job
from budgetopt.simulation.simulation import Simulation
from budgetopt.simulation.year import Batch, Record


def joined(
    job: Job, batches: Sequence[Batch], *, asked: int, interrupted: bool = False
) -> Simulation:
    """Return the simulation of batches of runs, which are joined in their order."""
    names = [player.name for player in job.policies]
    records = {name: _stacked([b.records[name] for b in batches]) for name in batches[0].records}
    runs = sum(len(batch.budget) for batch in batches)
    happens = {
        name: np.concatenate([batch.happens[name] for batch in batches])
        for name in batches[0].happens
    }
    notes = [*job.notes(), *_events(names, records)]
    if interrupted:
        notes.append(f"interrupted after {runs:,} of {asked:,} runs")
    elif runs < asked:
        notes.append(f"precise enough after {runs:,} of {asked:,} runs")
    return Simulation(
        job.plan.names,
        tuple(names),
        tuple(happens),
        job.seed,
        asked,
        np.concatenate([batch.budget for batch in batches]),
        happens,
        records,
        job.market.funnel,
        tuple(notes),
        interrupted,
        BLOCK if job.balanced else 1,
    )


def _stacked(records: Sequence[Record]) -> Record:
    """Return one record of several batches; sums over the runs are added up in order."""
    parts: dict[str, Any] = {}
    for name in Record._fields:
        each = [getattr(record, name) for record in records]
        if name.startswith("week_"):
            parts[name] = sum(each[1:], start=each[0])
        elif name == "detail":
            parts[name] = tuple(np.concatenate(kind) for kind in zip(*each, strict=True))
        else:
            parts[name] = np.concatenate(each)
    return Record(**parts)


def _events(names: Sequence[str], records: dict[str, Record]) -> list[str]:
    """Say how often a week went otherwise than decided."""
    said = []
    for name in names:
        fell, gave = (int(marks.sum()) for marks in (records[name].fell, records[name].gave_way))
        if fell:
            said.append(f"{name} could not solve {fell:,} weeks of runs, and another policy did")
        if gave:
            said.append(f"{name}: in {gave:,} weeks of runs limits gave way to a smaller budget")
    return said
