"""Plan files: TOML and JSON in, JSON out, and the JSON Schema of both.

First the tables of a file as models: which fields, nested how; ranges are checked where the values
live, in `Channel`, `Plan` and their parts, so that Python callers get the same errors. Then
`load` and `parse_json`, which bound size, depth and digits before a parser sees them; `arguments`,
which makes the arguments of `Plan` and names the first wrong field; and `plain` and `limits_only`,
which write all of a plan, or what limits a week.

A limit of a class of one's own cannot be written to a file.
"""

from __future__ import annotations

import datetime as dt
import json
import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import MISSING, fields, is_dataclass, replace
from decimal import Decimal
from fractions import Fraction
from functools import cache, partial
from os import PathLike
from pathlib import Path
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    StrictBool,
    StrictInt,
    ValidationError,
    WithJsonSchema,
    create_model,
)
from pydantic_core import ErrorDetails

from budgetopt.arguments import Given, in_short
from budgetopt.curves import Curve
from budgetopt.errors import PlanError, did_you_mean, foreign
from budgetopt.messages import Message, say
from budgetopt.plan.amounts import MaxChange
from budgetopt.plan.declare import AMOUNT, SHARE, plain_fields, plain_of
from budgetopt.plan.fields import PlanFields, kind_of
from budgetopt.plan.limits import KINDS, limit_schema, limit_to_dict
from budgetopt.plan.limits.base import Rule
from budgetopt.plan.tables import RawTable
from budgetopt.untrusted import MEBIBYTE, read_bounded

_ANY_TABLE = dict[str, Any]
_DAY = {"type": "string", "format": "date"}
_FILE_TYPES: dict[Any, Any] = {
    bool: StrictBool,
    int: StrictInt,
    float: Annotated[Any, WithJsonSchema({"type": "number"})],
    Decimal: Annotated[Any, WithJsonSchema(AMOUNT)],
    Fraction: Annotated[Any, WithJsonSchema(SHARE)],
    dt.date: Annotated[Any, WithJsonSchema(_DAY)],
    Curve: _ANY_TABLE,
    Rule: Annotated[_ANY_TABLE, WithJsonSchema(limit_schema())],
    RawTable: _ANY_TABLE,
}
"""What a plan file holds for a type. Ranges are checked where the values live."""


@cache
def table_of(kind: type, name: str = "") -> type[BaseModel]:
    """Return the table of a plan file for a record: which fields, nested how."""
    hints = get_type_hints(kind)
    made: dict[str, Any] = {"schema_version": (Literal[1], 1)} if kind is PlanFields else {}
    for one in fields(kind):
        how = one.metadata
        held = how.get("schema")
        hint = Annotated[Any, WithJsonSchema(held)] if held else _in_file(hints[one.name])
        write = how.get("plain") or plain_of
        default = ... if one.default is MISSING else write(one.default)
        if is_dataclass(one.default):
            # The default of a table is that of its fields.
            default = Field(default_factory=partial(write, one.default))
        made[how.get("called") or one.name] = (hint, default)
    config = ConfigDict(extra="forbid", arbitrary_types_allowed=True)
    table: type[BaseModel] = create_model(name or f"{kind.__name__}File", __config__=config, **made)
    table.__doc__ = (kind.__doc__ or "").partition("\n")[0]
    return table


def _in_file(hint: Any) -> Any:
    """Return what a plan file holds for the type of a field."""
    if hint in _FILE_TYPES:
        return _FILE_TYPES[hint]
    origin, parts = get_origin(hint), get_args(hint)
    if origin is Given:
        return _in_file(parts[0])
    if origin in (Union, UnionType):
        # Exact numbers that may be fractions are shares.
        held = [_in_file(part) for part in parts if part is not Decimal or Fraction not in parts]
        # What takes anything takes null as well.
        loose = any(get_args(one)[:1] == (Any,) for one in held)
        return Union[tuple(one for one in held if not (loose and one is NoneType))]  # noqa: UP007
    if origin is tuple:
        pair = get_args(parts[0]) if parts[-1] is Ellipsis else ()
        if len(pair) == 2:
            return dict[str, _in_file(pair[1])]  # type: ignore[misc]
        if pair:
            return dict[str, dict[str, _in_file(pair[1])]]  # type: ignore[misc]
        return list[_in_file(parts[0])]  # type: ignore[misc]
    if origin is Mapping:
        return dict[str, _in_file(parts[1])]  # type: ignore[misc]
    if hint is MaxChange:
        return table_of(hint) | _FILE_TYPES[Fraction]
    return table_of(hint) if isinstance(hint, type) and is_dataclass(hint) else hint


MOST_BYTES = 16 * MEBIBYTE
"""Size of a plan file: one of ten thousand channels with curves and labels is a third of it."""
MOST_DEPTH = 16
"""Tables and lists within one another."""
MOST_DIGITS = 400
"""Digits of a number, as many as a float written out has."""
_TOML_TEXT = re.compile(
    r'"""(?:[^\\]|\\.)*?(?:"""|\Z)'
    r"|'''.*?(?:'''|\Z)"
    r'|"(?:[^"\\\n]|\\.)*+"?'
    r"|'[^'\n]*+'?|#[^\n]*+",
    re.DOTALL,
)
"""Texts and comments of TOML, in which anything may stand."""
# All begin where a word does, so that no text takes longer than its length.
_ENDLESS = re.compile(rf"(?<![0-9a-fA-F_])[0-9a-fA-F_]{{{MOST_DIGITS + 1}}}")
_DOTTED = re.compile(rf"(?<![\w-])(?:[\w-]++\s*+\.\s*+){{{MOST_DEPTH}}}")
_BRACKET = re.compile(r"[\[\]{}]")


def _plan_table() -> type[BaseModel]:
    return table_of(PlanFields, "PlanFile")


def schema() -> dict[str, Any]:
    """Return the JSON Schema of a plan file."""
    whole = _plan_table().model_json_schema()
    whole["properties"]["channels"]["minItems"] = 1
    whole["properties"]["map"] = whole["$defs"]["ColumnsFile"]["properties"]["map"]
    return whole


def load(path: str | PathLike[str], what: str = "") -> dict[str, Any]:
    """Return the plain data of a ``.toml`` or ``.json`` file.

    Parameters
    ----------
    path
        The file.
    what
        What errors call it; by default a plan file.

    Raises
    ------
    PlanError
        ``bad-file`` where it cannot be read, ``bad-plan`` where it is not TOML or JSON.
    """
    path = Path(path)
    if path.suffix.lower() not in (".toml", ".json"):
        raise _bad_file(what, path, say("name-ends-neither"), say("remedy-rename-file"))
    try:
        text = read_bounded(path, MOST_BYTES).decode("utf-8-sig")
    except OSError as error:
        reason = foreign(error)
        raise _bad_file(what, path, reason, say("remedy-check-path-permissions")) from None
    except UnicodeDecodeError:
        raise _bad_file(what, path, say("text-not-utf-8"), say("remedy-save-utf-8")) from None
    except ValueError as error:
        raise _bad_file(what, path, foreign(error), say("remedy-check-path")) from None
    if path.suffix.lower() == ".json":
        return parse_json(text, str(path))
    try:
        _refuse_depths(text)
        data = tomllib.loads(text, parse_float=Decimal)
    except (ValueError, ArithmeticError, RecursionError) as error:
        raise _not_plain(str(path), "TOML", foreign(error)) from None
    return _shallow(data, str(path))


def _refuse_depths(text: str) -> None:
    """Refuse TOML that its parser takes minutes or too much stack for, before it is parsed.

    Raises
    ------
    ValueError
        For keys of many parts, deep brackets and endless numbers.
    """
    bare = _TOML_TEXT.sub("s", text)
    if _ENDLESS.search(bare):
        raise ValueError(say("number-digits-most", most=MOST_DIGITS))
    if _DOTTED.search(bare):
        raise ValueError(say("key-parts-most", most=MOST_DEPTH))
    depth = 0
    for mark in _BRACKET.findall(bare):
        depth = depth + 1 if mark in "[{" else max(depth - 1, 0)
        if depth > MOST_DEPTH:
            raise ValueError(say("nested-deeper-than", most_depth=MOST_DEPTH))


def _shallow(data: dict[str, Any], source: str) -> dict[str, Any]:
    """Return data unless it is nested deeper than anything in a plan.

    Raises
    ------
    PlanError
        ``bad-plan``.
    """
    level: list[Any] = [data]
    for _ in range(MOST_DEPTH):
        held = (each.values() if isinstance(each, dict) else each for each in level)
        level = [each for one in held for each in one if isinstance(each, (dict, list))]
    if level:
        raise _not_plain(source, say("a-plan"), say("nested-deeper-than", most_depth=MOST_DEPTH))
    return data


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
        raise _not_plain(source, "JSON", foreign(error)) from None
    if not isinstance(data, dict):
        raise _not_plain(
            source, say("json-object"), say("it-is", what=json.dumps(data, default=str)[:40])
        )
    return _shallow(data, source)


def _without_doubles(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    data = dict(pairs)
    if len(data) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(say("written-twice", name=repr(twice)))
    return data


def _bad_file(what: str, path: Path, reason: str, remedy: Message) -> PlanError:
    problem = say(
        "what-unreadable", what=what or say("plan-file"), path=repr(str(path)), reason=reason
    )
    return PlanError("bad-file", problem, field="path", value=str(path), remedy=remedy)


def _not_plain(source: str, what: str, reason: str) -> PlanError:
    return PlanError(
        "bad-plan",
        say("source-is-not", source=source, what=what, reason=reason),
        field="plan",
        value=source,
        remedy=say("remedy-correct-place-named"),
    )


def arguments(data: Mapping[str, Any]) -> dict[str, Any]:
    """Return the arguments of `Plan` from plain data shaped like a plan file.

    Raises
    ------
    PlanError
        ``bad-plan`` for the first missing, wrong or misspelt field.
    """
    if isinstance(data, Mapping) and "map" in data and isinstance(data.get("history", {}), Mapping):
        # Rules stand beside the history for readers, and within it for us.
        rest = {name: value for name, value in data.items() if name != "map"}
        data = rest | {"history": {**data.get("history", {}), "map": data["map"]}}
    try:
        table = _plan_table().model_validate(data)
    except ValidationError as error:
        raise _as_plan_error(error) from None
    given = table.model_dump(exclude_unset=True)
    renamed = {one.metadata.get("called") or one.name: one.name for one in fields(PlanFields)}
    return {renamed[name]: value for name, value in given.items() if name in renamed}


def _as_plan_error(error: ValidationError) -> PlanError:
    """Return the first thing wrong, misspelt fields before all else, with a suggestion."""
    found = sorted(error.errors(), key=lambda e: e["type"] != "extra_forbidden")
    first = found[0]
    where = ".".join(str(part) for part in first["loc"] if not _is_kind(part)) or "plan"
    more = say("and-more-errors", more=len(found) - 1) if len(found) > 1 else ""
    given = first.get("input")
    if first["type"] == "extra_forbidden":
        name = str(first["loc"][-1])
        remedy = did_you_mean(name, _fields_at(first["loc"][:-1]))
        problem = say("not-field-plan", where=where, more=more)
    elif first["type"] == "missing":
        problem, remedy = (
            say("plan-field-missing", where=where, more=more),
            say("remedy-add-name", name=where),
        )
        # Pydantic gives the table that lacks the field, which may be the whole plan.
        given = None
    else:
        problem = say("plan-field-is", where=where, value=in_short(given), more=more)
        remedy = _needed(first)
    return PlanError("bad-plan", problem, field=where, value=given, remedy=remedy)


def _needed(error: ErrorDetails) -> Message:
    """Return what to write instead of what is of a wrong type."""
    kind = error["type"]
    if kind == "literal_error":
        known = tuple(re.split(", | or ", error["ctx"]["expected"]))
        return say("choose-one-of", known=known)
    remedies = {
        "string_type": say("remedy-a-text"),
        "list_type": say("remedy-list"),
        "int_type": say("remedy-needs-whole"),
        "bool_type": say("remedy-needs-yes-no"),
        "model_type": say("remedy-table-fields"),
        "dict_type": say("remedy-table-fields"),
    }
    return remedies[kind]


def _is_kind(part: int | str) -> bool:
    """Whether a part of a place names one of several allowed kinds, which no reader wrote."""
    return part in ("str", "MaxChangeFile") or str(part).startswith(("dict[", "list["))


def _fields_at(loc: tuple[int | str, ...]) -> list[str]:
    """Return the fields that a plan file may have at a place."""
    table = _plan_table()
    for part in loc:
        if part in table.model_fields:
            table = next(_tables_in(table.model_fields[str(part)].annotation), table)
    return list(table.model_fields)


def _tables_in(hint: Any) -> Iterator[type[BaseModel]]:
    if isinstance(hint, type) and issubclass(hint, BaseModel):
        yield hint
    for part in get_args(hint):
        yield from _tables_in(part)


def limits_only(plan: PlanFields) -> dict[str, Any]:
    """Return the part of a plan that limits a week's spends, as plain data.

    Limits of a class of one's own, which no file can hold, are left out.
    """
    own = ("currency", "budget", "step", "spend", "max_change", "reserve", "outcome", "goal",
           "value")  # fmt: skip
    of_channel = ("name", "floor", "cap", "locked", "max_change", "labels", "off_or_at_least",
                  "learning", "lot", "value", "rates")  # fmt: skip
    # What makes the outcome money, such as the columns of the history, is left out.
    if plan.value is None and kind_of(plan) == "money":
        plan = replace(plan, value=1)
    data = plain_fields(plan, own)
    data["limits"] = [limit_to_dict(limit) for limit in plan.limits if type(limit) in _HELD]
    data["channels"] = [plain_fields(channel, of_channel) for channel in plan.channels]
    return data


_HELD = frozenset(KINDS.values())
"""The classes of limits that a plan file holds."""
