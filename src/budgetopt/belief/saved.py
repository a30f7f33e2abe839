"""What the filter learned, as text or bytes beside the log that it was learned from.

`learned_text` writes the state of a walk, and `learned_of` reads it, so that a saved belief goes on
where it stopped instead of learning all its weeks again. Its fingerprint is that of the log, the
settings, the version and the state itself: with another one the state is not used, and the belief
is learned again, which gives the same answer. `Restart` is the state alone, as bytes: what `learn`
takes to go on from where nobody asks for the belief of then.

Where this stops: a belief from one total has no state to go on from, and is learned again.
"""

from __future__ import annotations

import base64
import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import fields
from typing import Any, NamedTuple, Protocol, Self

import numpy as np

from budgetopt.belief.filter.run import FilterState, Rival, WeekRecord
from budgetopt.belief.filter.state import Effect, Tables
from budgetopt.belief.inputs import FilterInputs, inputs_of, model_of
from budgetopt.belief.learning import Walked
from budgetopt.belief.log import ObservationLog
from budgetopt.belief.settings import Settings
from budgetopt.version import VERSION

_PARTS: dict[str, Any] = {"tables": Tables, "effect": Effect, "rival": Rival}
_ALIGNED = 64
"""Bytes that every array begins at a multiple of."""


class Learned(Protocol):
    """A belief, as far as learning goes on from it."""

    @property
    def log(self) -> ObservationLog:
        """The observations."""

    @property
    def settings(self) -> Settings:
        """Priors and grids."""

    @property
    def walked(self) -> Walked | None:
        """State and record of the filter; None where one total was all."""


class Restart(NamedTuple):
    """Where learning may go on from: what the filter knew, without the curves.

    Parameters
    ----------
    known
        What does not change from week to week, as text: version, settings, channels and priors.
    inputs
        What the filter has read.
    state, trial
        What it knew then, and what the one knew that tries carryovers.
    records
        What it wrote down.
    """

    known: str
    inputs: FilterInputs
    state: FilterState
    trial: FilterState | None
    records: WeekRecord

    @classmethod
    def to_bytes(cls, learned: Learned) -> bytes:
        """Return a belief as bytes, some 80 kB a channel; none where there is no state to keep."""
        walked = learned.walked
        if walked is None:
            return b""
        about = _known(learned.log, learned.settings).encode()
        inputs = {f"inputs.{name}": array for name, array in vars(walked.inputs).items()}
        state = _packed(_all_arrays(walked) | inputs)
        return b"\n".join([_digest(about, state), about, state])

    @classmethod
    def from_bytes(cls, data: bytes) -> Self | None:
        """Return what `to_bytes` wrote; None where it is damaged."""
        digest, *rest = data.split(b"\n", 2)
        if len(rest) < 2 or _digest(*rest) != digest:
            return None
        about, state = rest
        arrays = _unpacked(state)
        inputs = FilterInputs(*(arrays[f"inputs.{f.name}"] for f in fields(FilterInputs)))
        return cls(about.decode(), inputs, _state(arrays, "state"), *_trial_and_records(arrays))


def _digest(about: bytes, state: bytes) -> bytes:
    digest = hashlib.sha256(about)
    digest.update(state)
    return digest.hexdigest().encode()


def goes_on(
    earlier: Learned | Restart | None, log: ObservationLog, settings: Settings
) -> Walked | None:
    """Return the walk that learning from a log may go on from; None where it has to begin anew.

    Weeks are compared by the walk itself; this is what the walk takes for granted.
    """
    known = _known(log, settings)
    if isinstance(earlier, Restart):
        if earlier.known != known:
            return None
        model = model_of(log, settings)
        return Walked(model, earlier.inputs, earlier.state, earlier.records, earlier.trial)
    if earlier is None or _known(earlier.log, earlier.settings) != known:
        return None
    return earlier.walked


def _known(log: ObservationLog, settings: Settings) -> str:
    """Return what does not change from week to week, on one line."""
    fixed = [log.channels, log.reference, log.unit, log.priors.to_dict()]
    return json.dumps([VERSION, vars(settings), *fixed], sort_keys=True)


def learned_text(walked: Walked, log: ObservationLog, settings: Settings) -> dict[str, str]:
    """Return the state of a walk over a log, for JSON, with its fingerprint."""
    state = base64.b64encode(_packed(_all_arrays(walked))).decode("ascii")
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
    return _walked(base64.b64decode(state), log, settings)


def _about(log: ObservationLog, settings: Settings) -> bytes:
    about = [VERSION, log.to_dict(), vars(settings)]
    return json.dumps(about, sort_keys=True).encode()


def _fingerprint(state: str, log: ObservationLog, settings: Settings) -> str:
    # Which form the state is packed in belongs to it: another one is learned again.
    return hashlib.sha256(b"packed\n%s\n%s" % (_about(log, settings), state.encode())).hexdigest()


def _walked(state: bytes, log: ObservationLog, settings: Settings) -> Walked:
    arrays = _unpacked(state)
    trial, records = _trial_and_records(arrays)
    kept = _state(arrays, "state")
    return Walked(model_of(log, settings), inputs_of(log, settings), kept, records, trial)


def _trial_and_records(arrays: Mapping[str, Any]) -> tuple[FilterState | None, WeekRecord]:
    trial = _state(arrays, "trial") if "trial.day" in arrays else None
    return trial, WeekRecord(*(arrays[f"records.{name}"] for name in WeekRecord._fields))


def _all_arrays(walked: Walked) -> dict[str, Any]:
    """Return every array of a walk by its name."""
    arrays = {f"records.{name}": part for name, part in walked.records._asdict().items()}
    arrays |= _arrays(walked.state, "state")
    if walked.trial is not None:
        arrays |= _arrays(walked.trial, "trial")
    return arrays


def _packed(arrays: Mapping[str, Any]) -> bytes:
    """Return arrays as bytes: names, types and shapes in a line of JSON, and then their numbers."""
    index, parts = [], list[Any]()
    for name, array in arrays.items():
        held = np.ascontiguousarray(array)
        index.append([name, held.dtype.str, np.shape(array)])
        parts += [held.reshape(-1).view(np.uint8), b"\0" * (-held.nbytes % _ALIGNED)]
    head = json.dumps(index).encode()
    return b"".join([head, b" " * (-(len(head) + 1) % _ALIGNED), b"\n", *parts])


def _unpacked(data: bytes) -> dict[str, Any]:
    """Return the arrays of `_packed`, which nobody can write to."""
    begin = data.index(b"\n") + 1
    body = np.frombuffer(data, dtype=np.uint8, offset=begin)
    arrays, at = {}, 0
    for name, kind, shape in json.loads(data[:begin]):
        size = math.prod(shape) * np.dtype(kind).itemsize
        arrays[name] = body[at : at + size].copy().view(kind).reshape(shape)
        at += size + -size % _ALIGNED
    return arrays


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
