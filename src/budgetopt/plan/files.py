"""Plan files: TOML and JSON in, JSON out, and the JSON Schema of both.

`tables` holds the shape of a file (which fields, nested how); ranges are checked where the values
live, in `Channel`, `Plan` and their parts, so that Python callers get the same errors.
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping
from decimal import Decimal
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ValidationError

from budgetopt.curves import Curve, curve_from_dict
from budgetopt.errors import CurveError, PlanError, did_you_mean
from budgetopt.history import Columns, Delay
from budgetopt.plan.channel import Channel
from budgetopt.plan.dates import plain_events
from budgetopt.plan.goal import Goal
from budgetopt.plan.limits import limit_from_dict, limit_to_dict
from budgetopt.plan.lines import BudgetLines
from budgetopt.plan.operation import Operation
from budgetopt.plan.reserve import Reserve
from budgetopt.plan.tables import (
    AlertsFile,
    ApprovalFile,
    CarryoverFile,
    ChangeFile,
    ChannelFile,
    ColumnsFile,
    DelayFile,
    FiscalFile,
    FreezeFile,
    GoalFile,
    LearningFile,
    LiftTestFile,
    LinesFile,
    OperationFile,
    PacingFile,
    PhaseFile,
    PlanFile,
    PriorFile,
    ReleaseFile,
    ReserveFile,
)

if TYPE_CHECKING:
    from budgetopt.plan.plan import Plan


def schema() -> dict[str, Any]:
    """Return the JSON Schema of a plan file."""
    return PlanFile.model_json_schema()


def load(path: str | PathLike[str]) -> dict[str, Any]:
    """Return the plain data of a ``.toml`` or ``.json`` file.

    Raises
    ------
    PlanError
        ``bad-file`` where it cannot be read, ``bad-plan`` where it is not TOML or JSON.
    """
    path = Path(path)
    if path.suffix.lower() not in (".toml", ".json"):
        raise _bad_file(path, "its name ends in neither .toml nor .json", "rename it")
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        reason = error.strerror or str(error)
        raise _bad_file(path, reason, "check the path and its permissions") from None
    except UnicodeDecodeError:
        raise _bad_file(path, "it is not UTF-8 text", "save it as UTF-8") from None
    except ValueError as error:
        raise _bad_file(path, str(error), "check the path") from None
    if path.suffix.lower() == ".json":
        return parse_json(text, str(path))
    try:
        return tomllib.loads(text, parse_float=Decimal)
    except (tomllib.TOMLDecodeError, ArithmeticError) as error:
        raise _not_plain(str(path), "TOML", str(error)) from None


def parse_json(text: str, source: str) -> dict[str, Any]:
    """Return the object in JSON text, decimals kept exact, a field written twice refused.

    Raises
    ------
    PlanError
        ``bad-plan``.
    """
    try:
        data = json.loads(text, parse_float=Decimal, object_pairs_hook=_without_doubles)
    except (ValueError, ArithmeticError, RecursionError) as error:
        raise _not_plain(source, "JSON", str(error)) from None
    if not isinstance(data, dict):
        raise _not_plain(source, "a JSON object", f"it is a {type(data).__name__}")
    return data


def _without_doubles(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    data = dict(pairs)
    if len(data) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"{twice!r} is written twice")
    return data


def _bad_file(path: Path, reason: str, remedy: str) -> PlanError:
    problem = f"plan file {str(path)!r} cannot be read, {reason}"
    return PlanError("bad-file", problem, field="path", value=str(path), remedy=remedy)


def _not_plain(source: str, what: str, reason: str) -> PlanError:
    return PlanError(
        "bad-plan",
        f"{source} is not {what} ({reason})",
        field="plan",
        value=source,
        remedy="correct it at the place named",
    )


def arguments(data: Mapping[str, Any]) -> dict[str, Any]:
    """Return the arguments of `Plan` from plain data shaped like a plan file.

    Raises
    ------
    PlanError
        ``bad-plan`` for the first missing, wrong or misspelt field.
    """
    try:
        given = PlanFile.model_validate(data)
    except ValidationError as error:
        raise _as_plan_error(error) from None
    said = given.model_fields_set
    columns = given.history.model_dump(exclude_unset=True)
    made = {
        "name": given.name,
        "currency": given.currency,
        "budget": given.budget,
        "step": given.step,
        "spend": given.spend,
        "reserve": Reserve(**given.reserve.model_dump(exclude_unset=True)),
        "outcome": given.outcome,
        "outcome_unit": given.outcome_unit,
        "week_start": given.week_start,
        "columns": Columns(**columns),
        "goal": Goal(given.goal.kind, given.goal.target, given.goal.weights),
        "value": given.value,
        "limits": [limit_from_dict(limit) for limit in given.limits],
        "events": given.events,
        "demand": given.demand,
        "lift_tests": [test.model_dump(exclude_unset=True) for test in given.lift_tests],
        "scenarios": given.scenarios,
        "contingencies": given.contingencies,
        "channels": [_channel(c) for c in given.channels],
    }
    if "max_change" in said:
        made["max_change"] = _change(given.max_change)
    if given.delay is not None:
        made["delay"] = Delay.of(given.delay.model_dump(exclude_unset=True))
    if given.operation is not None:
        made["operation"] = given.operation.model_dump(exclude_unset=True)
    if given.budget_lines is not None:
        made["budget_lines"] = BudgetLines(given.budget_lines.total, given.budget_lines.lines)
    return made


def _change(given: Any) -> Any:
    return given.model_dump(exclude_unset=True) if isinstance(given, ChangeFile) else given


def _channel(given: ChannelFile) -> Channel:
    apart = {"curve", "max_change", "learning", "carryover", "prior"}
    fields = {k: getattr(given, k) for k in given.model_fields_set - apart}
    if given.learning is not None:
        fields["learning"] = given.learning.model_dump()
    if given.carryover is not None:
        fields["carryover"] = given.carryover.model_dump(exclude_unset=True)
    if given.prior is not None:
        fields["prior"] = given.prior.model_dump(exclude_unset=True)
    curve = None if given.curve is None else _curve(given.curve, given.name)
    return Channel(curve=curve, max_change=_change(given.max_change), **fields)


def _curve(given: dict[str, Any], channel: str) -> Curve:
    """Return a channel's curve; what is wrong with it is said with the channel's name."""
    try:
        return curve_from_dict(given)
    except CurveError as error:
        raise CurveError(
            error.code,
            f"curve of {channel!r}: {error.problem}",
            field=f"channels.{channel}.curve.{error.field}".removesuffix(".curve"),
            value=error.value,
            remedy=error.remedy,
        ) from None


def _as_plan_error(error: ValidationError) -> PlanError:
    """Return the first thing wrong, misspelt fields before all else, with a suggestion."""
    found = sorted(error.errors(), key=lambda e: e["type"] != "extra_forbidden")
    first = found[0]
    where = ".".join(str(part) for part in first["loc"] if not _is_kind(part)) or "plan"
    more = f" (and {len(found) - 1} more)" if len(found) > 1 else ""
    if first["type"] == "extra_forbidden":
        name = str(first["loc"][-1])
        remedy = did_you_mean(name, _fields_at(first["loc"][:-1]))
        problem = f"{where} is not a field of a plan{more}"
    elif first["type"] == "missing":
        problem, remedy = f"{where} is missing{more}", f"add {where}"
    else:
        problem = f"{where} is {first.get('input')!r}{more}"
        remedy = first["msg"][0].lower() + first["msg"][1:]
    return PlanError("bad-plan", problem, field=where, value=first.get("input"), remedy=remedy)


def _is_kind(part: int | str) -> bool:
    """Whether a part of a place names one of several allowed kinds, which no reader wrote."""
    return part in ("str", "ChangeFile") or str(part).startswith(("dict[", "list["))


def _fields_at(loc: tuple[int | str, ...]) -> list[str]:
    """Return the fields that a plan file may have at a place."""
    rooms: dict[str, type[BaseModel]] = {
        "channels": ChannelFile,
        "reserve": ReserveFile,
        "history": ColumnsFile,
        "budget_lines": LinesFile,
        "max_change": ChangeFile,
        "learning": LearningFile,
        "carryover": CarryoverFile,
        "prior": PriorFile,
        "goal": GoalFile,
        "delay": DelayFile,
        "lift_tests": LiftTestFile,
        "operation": OperationFile,
        "phases": PhaseFile,
        "freezes": FreezeFile,
        "approval": ApprovalFile,
        "pacing": PacingFile,
        "releases": ReleaseFile,
        "fiscal": FiscalFile,
        "alerts": AlertsFile,
        "ChangeFile": ChangeFile,
    }
    model = next((rooms[str(p)] for p in reversed(loc) if str(p) in rooms), PlanFile)
    return list(model.model_fields)


def plain(plan: Plan) -> dict[str, Any]:
    """Return a plan as plain data; amounts are text, so that nothing is lost."""
    data: dict[str, Any] = {
        "schema_version": 1,
        "name": plan.name,
        "currency": plan.currency,
        "budget": f"{plan.budget:f}",
        "spend": plan.spend,
        "max_change": plan.max_change.to_dict(),
        "reserve": plan.reserve.to_dict(),
        "outcome": plan.outcome,
        "week_start": plan.week_start,
        "history": plan.columns.to_dict(),
        "goal": plan.goal.to_dict(),
        "value": f"{plan.value:f}",
        "limits": [limit_to_dict(limit) for limit in plan.limits],
        "events": plain_events(plan.events),
        "demand": {str(day): index for day, index in plan.demand},
        "lift_tests": [test.to_dict() for test in plan.lift_tests],
        "scenarios": [table.to_dict() for table in plan.scenarios],
        "contingencies": [table.to_dict() for table in plan.contingencies],
        "channels": [_plain_channel(c) for c in plan.channels],
    }
    if plan.step is not None:
        data["step"] = f"{plan.step:f}"
    if plan.outcome_unit is not None:
        data["outcome_unit"] = plan.outcome_unit
    if plan.delay is not None:
        data["delay"] = plan.delay.to_dict()
    if plan.operation != Operation():
        data["operation"] = plan.operation.to_dict()
    if plan.budget_lines is not None:
        lines = {k: f"{v:f}" for k, v in plan.budget_lines.lines}
        data["budget_lines"] = {"total": f"{plan.budget_lines.total:f}", "lines": lines}
    return data


def _plain_channel(channel: Channel) -> dict[str, Any]:
    data: dict[str, Any] = {"name": channel.name, "floor": f"{channel.floor:f}"}
    amounts = ("cap", "locked", "off_or_at_least", "lot", "value")
    data |= {k: f"{v:f}" for k in amounts if (v := getattr(channel, k)) is not None}
    if channel.learning is not None:
        data["learning"] = channel.learning.to_dict()
    if channel.carryover is not None:
        data["carryover"] = channel.carryover.to_dict()
    if channel.prior is not None:
        data["prior"] = channel.prior.to_dict()
    if channel.pinned:
        data["pinned"] = True
    if channel.rates:
        data["rates"] = {k: f"{v:f}" for k, v in channel.rates}
    if channel.max_change is not None:
        data["max_change"] = channel.max_change.to_dict()
    if channel.curve is not None:
        data["curve"] = channel.curve.to_dict()
    if channel.labels:
        data["labels"] = dict(channel.labels)
    return data
