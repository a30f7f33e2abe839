"""What the filter learned, as text beside the log that it was learned from.

`learned_text` writes the state of a walk, and `learned_of` reads it, so that a saved belief goes on
where it stopped instead of learning all its weeks again. Its fingerprint is that of the log, the
settings, the version and the state itself: with another one the state is not used, and the belief
is learned again, which gives the same answer.

Where this stops: a belief from one total has no state to go on from, and is learned again.
"""

from __future__ import annotations

import base64
import hashlib
import io
import json
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import numpy as np

from budgetopt.belief.filter.run import FilterState, Rival, WeekRecord
from budgetopt.belief.filter.state import Effect, Tables
from budgetopt.belief.inputs import inputs_of, model_of
from budgetopt.belief.learning import Walked
from budgetopt.belief.log import ObservationLog
from budgetopt.belief.settings import Settings
from budgetopt.version import VERSION

_PARTS: dict[str, Any] = {"tables": Tables, "effect": Effect, "rival": Rival}


def learned_text(walked: Walked, log: ObservationLog, settings: Settings) -> dict[str, str]:
    """Return the state of a walk over a log, for JSON, with its fingerprint."""
    arrays = {f"records.{name}": part for name, part in walked.records._asdict().items()}
    arrays |= _arrays(walked.state, "state")
    if walked.trial is not None:
        arrays |= _arrays(walked.trial, "trial")
    held = io.BytesIO()
    np.savez(held, **arrays)
    state = base64.b64encode(held.getvalue()).decode("ascii")
    return {"state": state, "fingerprint": _fingerprint(state, log, settings)}


def learned_of(
    data: Mapping[str, Any] | None, log: ObservationLog, settings: Settings
) -> Walked | None:
    """Return the walk that was written for a log; None where it is of another log or version."""
    if data is None or log.outcome is None:
        return None
    state = data["state"]
    if data["fingerprint"] != _fingerprint(state, log, settings):
        return None
    with np.load(io.BytesIO(base64.b64decode(state)), allow_pickle=False) as arrays:
        return Walked(
            model_of(log, settings),
            inputs_of(log, settings),
            _state(arrays, "state"),
            WeekRecord(*(arrays[f"records.{name}"] for name in WeekRecord._fields)),
            _state(arrays, "trial") if "trial.day" in arrays else None,
        )


def _fingerprint(state: str, log: ObservationLog, settings: Settings) -> str:
    about = json.dumps([VERSION, log.to_dict(), asdict(settings)], sort_keys=True)
    return hashlib.sha256(f"{about}\n{state}".encode()).hexdigest()


def _arrays(state: FilterState, name: str) -> dict[str, Any]:
    """Return every array of a state by its name."""
    day = np.datetime64("NaT", "D") if state.day is None else state.day
    arrays = {f"{name}.day": np.asarray(day, dtype="datetime64[D]")}
    for part in _PARTS:
        held = getattr(state, part)
        if held is not None:
            arrays |= {f"{name}.{part}.{field}": one for field, one in held._asdict().items()}
    return arrays


def _state(arrays: Mapping[str, Any], name: str) -> FilterState:
    """Return the state that `_arrays` took apart."""
    parts: dict[str, Any] = {}
    for part, kind in _PARTS.items():
        there = f"{name}.{part}.{kind._fields[0]}" in arrays
        fields = (arrays[f"{name}.{part}.{field}"] for field in kind._fields)
        parts[part] = kind(*fields) if there else None
    day = arrays[f"{name}.day"][()]
    return FilterState(day=None if np.isnat(day) else day, **parts)
