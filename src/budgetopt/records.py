"""Records that go to JSON text and come back to the same text, byte for byte."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, ClassVar, Self

from budgetopt.errors import InputError
from budgetopt.messages import say


class JsonRecord:
    """A record with `to_dict`, and `_of_data`, which makes one of the same plain data."""

    _VERSIONS: ClassVar[tuple[int, ...]]
    """Schema versions that are read, the newest last."""

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
                remedy=say("give-what-returned", function=f"{cls.__name__}.to_dict"),
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
