"""Records that go to JSON text and come back to the same text, byte for byte."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping
from dataclasses import MISSING, fields, is_dataclass
from decimal import Decimal
from types import NoneType
from typing import Any, ClassVar, Literal, Self, TypeVar, get_args, get_origin, get_type_hints

from budgetopt.errors import InputError
from budgetopt.messages import say

T = TypeVar("T")


class JsonRecord:
    """A record with `to_dict`, and `_of_data`, which makes one of the same plain data."""

    _VERSIONS: ClassVar[tuple[int, ...]]
    """Schema versions that are read, the newest last."""
    _MADE_BY: ClassVar[str] = "to_dict"
    """What is called for the plain data that are read."""

    def to_dict(self) -> dict[str, Any]:
        """Return plain data that `from_dict` takes and JSON keeps."""
        raise NotImplementedError

    @classmethod
    def _of_data(cls, data: Mapping[str, Any]) -> Self:
        raise NotImplementedError

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """Return the record of `to_dict`, checked again.

        Raises
        ------
        InputError
            ``bad-argument`` where the data are none of a version that is read.
        """
        try:
            if data["schema_version"] not in cls._VERSIONS:
                raise KeyError("schema_version")
            return cls._of_data(data)
        except (
            InputError,
            KeyError,
            TypeError,
            ValueError,
            ArithmeticError,
            AttributeError,
        ) as error:
            if isinstance(error, InputError) and error.code == "bad-argument":
                raise
            raise InputError(
                "bad-argument",
                say("record-misfit", record=cls.__name__, version=cls._VERSIONS[-1],
                    why=misfit_of(error)),
                field="data",
                remedy=say("give-what-returned", function=f"{cls.__name__}.{cls._MADE_BY}"),
            ) from None  # fmt: skip

    def to_json(self) -> str:
        """Return JSON text that `from_json` takes."""
        return json.dumps(self.to_dict(), ensure_ascii=False, indent=2, allow_nan=False)

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Return the record of `to_json`; see `from_dict`."""
        return cls.from_dict(parsed(text, cls.__name__))


def parsed(text: str, record: str) -> dict[str, Any]:
    """Return the object in JSON text.

    Raises
    ------
    InputError
        ``bad-argument`` for another text.
    """
    try:
        data = json.loads(text)
    except (ValueError, TypeError, RecursionError) as error:
        why = say("text-not-json", error=error)
    else:
        if isinstance(data, dict):
            return data
        why = say("text-no-object")
    remedy = say("give-what-returned", function=f"{record}.to_json")
    raise InputError("bad-argument", why, field="text", remedy=remedy) from None


def misfit_of(error: Exception) -> str:
    """Return what is wrong with plain data, from how reading it failed, in words of ours."""
    if isinstance(error, InputError):
        return error.problem
    if isinstance(error, KeyError):
        return say("record-lacks", field=str(error.args[0]))
    return say("record-other-kind")


def of_plain(kind: type[T], data: Mapping[str, Any]) -> T:
    """Return a dataclass from plain data of its fields, by their annotations.

    Money is text and days are ISO 8601 there; what the data have beside the fields is left out.

    Raises
    ------
    KeyError, TypeError, ValueError, ArithmeticError
        Where a field is absent, or of another kind.
    """
    hints, found = get_type_hints(kind), {}
    for one in fields(kind):  # type: ignore[arg-type] # a dataclass is what it is for
        if one.name in data:
            found[one.name] = _read(hints[one.name], data[one.name])
        elif one.default is MISSING and one.default_factory is MISSING:
            raise KeyError(one.name)
    return kind(**found)


def _read(hint: Any, value: Any) -> Any:
    """Return a plain value as what an annotation asks for."""
    origin, inner = get_origin(hint), get_args(hint)
    if origin is Literal and value in inner:
        return value
    if NoneType in inner:
        return None if value is None else _read(inner[0], value)
    if origin is tuple and isinstance(value, list):
        return tuple(_read(inner[0], each) for each in value)
    if isinstance(hint, type) and is_dataclass(hint) and isinstance(value, Mapping):
        return of_plain(hint, value)
    if hint in (Decimal, dt.date) and isinstance(value, str):
        return Decimal(value) if hint is Decimal else dt.date.fromisoformat(value)
    if hint is float and isinstance(value, int | float) and not isinstance(value, bool):
        return float(value)
    if isinstance(hint, type) and hint in (int, str, bool) and type(value) is hint:
        return value
    raise TypeError(hint)
