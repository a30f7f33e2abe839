"""Tests as plain data, for TOML and JSON: which fields there are, and nothing misspelt."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import fields
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from budgetopt.errors import InputError, did_you_mean
from budgetopt.experiments.observation import Observation
from budgetopt.experiments.pause import PauseRule
from budgetopt.experiments.settings import Settings

if TYPE_CHECKING:
    from budgetopt.experiments.experiment import Experiment

SCHEMA_VERSION = 1
SETTINGS = tuple(f.name for f in fields(Settings))
FIELDS = ("schema_version", "arms", "seed", "log", *SETTINGS)
"""Fields of a test file."""


def to_dict(test: Experiment) -> dict[str, Any]:
    """Return a test as plain data; money is text."""
    data: dict[str, Any] = {"schema_version": SCHEMA_VERSION, "arms": list(test.arms)}
    for name in SETTINGS:
        value = getattr(test.settings, name)
        if isinstance(value, PauseRule):
            value = {f.name: getattr(value, f.name) for f in fields(PauseRule)}
        data[name] = f"{value:f}" if isinstance(value, Decimal) else value
    data["days"] = list(test.settings.days)
    return data | {"seed": test.seed, "log": [row.to_dict() for row in test.log]}


def arguments(data: Any) -> dict[str, Any]:
    """Return the arguments of `Experiment` from plain data.

    Raises
    ------
    InputError
        ``bad-plan``, and whatever the constructors of the parts raise.
    """
    asked = settings(data)
    if "arms" not in data:
        raise InputError(
            "bad-plan", "arms is missing", field="arms", remedy="list the names of the arms"
        )
    for name in ("arms", "log"):
        if not isinstance(data.get(name, []), (list, tuple)):
            _refuse(name, data[name], "give a list")
    known = [f.name for f in fields(Observation)]
    rows = [_row(row, f"log[{at}]", known) for at, row in enumerate(data.get("log", []))]
    return {
        "arms": tuple(data["arms"]),
        "settings": asked,
        "log": tuple(rows),
        "seed": data.get("seed", 0),
    }


def settings(data: Any) -> Settings:
    """Return the settings among the fields of a test, once these are known to be fields.

    Raises
    ------
    InputError
        As `arguments` does.
    """
    data = _table(data, "test", FIELDS)
    version = data.get("schema_version", SCHEMA_VERSION)
    if version != SCHEMA_VERSION:
        _refuse("schema_version", version, f"write {SCHEMA_VERSION}")
    given = {name: data[name] for name in SETTINGS if name in data}
    if "pause" in given:
        given["pause"] = _pause(given["pause"])
    return Settings(**given)


def parsed(text: str) -> Any:
    """Return the data of JSON text.

    Raises
    ------
    InputError
        ``bad-plan`` where it is not JSON.
    """
    try:
        return json.loads(text)
    except (ValueError, TypeError, RecursionError) as error:
        raise InputError(
            "bad-plan",
            f"the test is not JSON ({error})",
            field="test",
            remedy="correct it at the place named",
        ) from None


def _pause(given: Any) -> PauseRule | None:
    """Return a pause rule; ``"none"`` stands for none, since TOML has no word for it."""
    if given is None or given == "none":
        return None
    table = _table(given, "pause", [f.name for f in fields(PauseRule)])
    said: dict[str, Any] = {name: None if v == "none" else v for name, v in table.items()}
    return PauseRule(**said)


def _row(row: Any, where: str, known: Iterable[str]) -> Observation:
    table = _table(row, where, known)
    for name in ("day", "arm", "spend"):
        if name not in table:
            problem = f"{name} of {where} is missing"
            raise InputError("bad-plan", problem, field=f"{where}.{name}", remedy=f"add {name}")
    return Observation(**table)


def _table(given: Any, where: str, known: Iterable[str]) -> Mapping[str, Any]:
    if not isinstance(given, Mapping):
        _refuse(where, given, "give a table of fields")
    for name in given:
        if name not in known:
            raise InputError(
                "bad-plan",
                f"{name!r} is not a field of {where}",
                field=f"{where}.{name}",
                value=str(name),
                remedy=did_you_mean(str(name), known),
            )
    return dict(given)


def _refuse(field: str, value: Any, remedy: str) -> None:
    raise InputError("bad-plan", f"{field} is {value!r}", field=field, value=value, remedy=remedy)
