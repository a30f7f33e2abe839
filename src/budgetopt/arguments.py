"""Arguments of a wrong type are answered by the one typed error, at no cost to right ones.

`public` marks a function or a class of the menu. It checks nothing beforehand: a call that works is
a call that works, also with a stand-in that has only the methods that are used. Only where a call
fails with what is none of our errors (an `AttributeError` from deep inside) are its arguments held
against their annotations, and the first that does not fit is named. If all fit, the failure is ours
and is raised as it is.

Where this stops: an argument that is annotated `Any` fits always, so that what reads it has to
refuse it; and what is accepted although it is no such thing, such as a list for a tuple, stays
accepted. Arithmetic is seen to where a call comes from outside: what a policy of one's own sets
while it is asked is left as it set it.
"""

from __future__ import annotations

import collections.abc as abc
import datetime as dt
import functools
import inspect
import numbers
import sys
import types
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from contextvars import ContextVar
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import (
    TYPE_CHECKING,
    Any,
    Generic,
    Literal,
    TypeVar,
    Union,
    dataclass_transform,
    get_args,
    get_origin,
)

from budgetopt.errors import BudgetoptError, InputError, did_you_mean
from budgetopt.messages import Message, linked, say

T = TypeVar("T", bound=Any)


class Given(Generic[T]):
    """The type of a field that is read: anything to the constructor, a `T` to all others."""

    if TYPE_CHECKING:

        def __get__(self, record: Any, owner: Any = None) -> T: ...
        def __set__(self, record: Any, given: Any) -> None: ...


ABSENT: Any = None
"""The default of a `Given` field that may be left out."""


@dataclass_transform(frozen_default=True, field_specifiers=(field,))
def record(*, eq: bool = True, repr: bool = True) -> Callable[[type[T]], type[T]]:
    """Make a frozen dataclass of a class that has `Given` fields, and reads them itself."""
    return dataclass(frozen=True, eq=eq, repr=repr)


_PLAIN: dict[Any, Any] = {
    float: (numbers.Real, Decimal),
    int: numbers.Integral,
    **{kind: kind for kind in (str, bytes, bool, complex, Decimal, dt.date, dt.datetime, Path)},
}
"""Python's own types, for which nothing stands in, and what is taken for each of them."""


def public(target: T) -> T:
    """Return a function, or a class with its constructor and public methods, that answers so.

    Parameters
    ----------
    target
        A function, or a class, whose methods are wrapped where they stand, and those of classes
        in it.
    """
    if not isinstance(target, type):
        answering: T = _answering(target, vars(sys.modules[target.__module__]))
        return answering
    # Fields are annotated where the class is that declares them.
    names: dict[str, Any] = {}
    members: dict[str, Any] = {}
    for base in reversed(target.__mro__):
        names |= vars(sys.modules[base.__module__])
        if base.__module__.startswith("budgetopt.") and not getattr(base, "_is_protocol", False):
            members |= vars(base)
    for name, member in members.items():
        if name.startswith("_") and name not in ("__init__", "__getitem__"):
            continue
        if isinstance(member, (classmethod, staticmethod)):
            setattr(target, name, type(member)(_answering(member.__func__, names)))
        elif inspect.isfunction(member):
            setattr(target, name, _answering(member, names))
        elif isinstance(member, type):
            public(member)
    return target


_INSIDE: ContextVar[bool] = ContextVar("inside", default=False)
"""Whether a public call is under way, which has seen to the arithmetic of all that it calls."""


def _answering(call: Any, names: dict[str, Any]) -> Any:
    @functools.wraps(call)
    def answered(*args: Any, **kwargs: Any) -> Any:
        try:
            if _INSIDE.get():
                return call(*args, **kwargs)
            outermost = _INSIDE.set(True)
            try:
                with usual_arithmetic():
                    return call(*args, **kwargs)
            finally:
                _INSIDE.reset(outermost)
        except BudgetoptError:
            raise
        except Exception as failure:
            wrong = misfit(call, names, args, kwargs)
            if wrong is None:
                raise
            raise wrong from failure

    return answered


def usual_arithmetic() -> AbstractContextManager[Any]:
    """Return a context in which arithmetic ends no call, whatever the caller has set.

    With ``numpy.seterr(all="raise")`` a chance that rightly underflows to 0 would. Where nothing
    raises nothing is set: before NumPy 2 setting what is usual already disturbs other threads.
    """
    numpy: Any = sys.modules.get("numpy")
    found = {} if numpy is None else numpy.geterr()
    if not found or (found["under"] == "ignore" and "raise" not in found.values()):
        return nullcontext()
    usual: AbstractContextManager[Any] = numpy.errstate(
        divide="warn", over="warn", under="ignore", invalid="warn"
    )
    return usual


def misfit(
    call: Callable[..., Any], names: dict[str, Any], args: tuple[Any, ...], named: dict[str, Any]
) -> InputError | None:
    """Return the error of the first argument that does not fit its annotation; None if all do.

    Parameters
    ----------
    call, names
        What was called, and what the names in its annotations stand for.
    args, named
        What it was called with.
    """
    signature = inspect.signature(call)
    try:
        given = signature.bind(*args, **named).arguments
    except TypeError:
        return _misspelt(call, args, list(signature.parameters), named)
    for name, value in given.items():
        about = signature.parameters[name]
        plain = about.kind in (about.POSITIONAL_OR_KEYWORD, about.KEYWORD_ONLY)
        if plain and about.annotation is not about.empty and value is not about.default:
            hint = _evaluated(about.annotation, names)
            if not fits(value, hint):
                shown = in_short(value)
                remedy = say("remedy-give-needed", needed=_in_words(hint))
                return InputError(
                    "bad-argument",
                    say("field-is", field=name, value=shown),
                    field=name,
                    value=shown,
                    remedy=remedy,
                )
    return None


def _misspelt(
    call: Any, args: tuple[Any, ...], known: list[str], named: dict[str, Any]
) -> InputError | None:
    """Return the error of an unknown keyword; Python says all of one too few or too many."""
    unknown = [name for name in named if name not in known]
    if not unknown:
        return None
    made = call.__name__ == "__init__" and args
    function = type(args[0]).__name__ if made else call.__qualname__
    known = [name for name in known if name not in ("self", "cls")]
    first = unknown[0]
    return InputError(
        "unknown-name",
        say("function-no-parameter", function=function, name=repr(first)),
        field=first,
        value=first,
        remedy=did_you_mean(first, known),
    )


def _evaluated(annotation: Any, names: dict[str, Any]) -> Any:
    """Return an annotation as a type; `Any` for one that only type checkers can read."""
    if not isinstance(annotation, str):
        return annotation
    try:
        return eval(annotation, {}, _Names(names))
    except (NameError, AttributeError, TypeError):
        return Any


class _Names(dict[str, Any]):
    """Names of a module, and those of the menu, which it may import for type checkers alone."""

    def __missing__(self, name: str) -> Any:
        if name in sys.modules["budgetopt"].__all__:
            return getattr(sys.modules["budgetopt"], name)
        raise KeyError(name)


def fits(value: Any, hint: Any) -> bool:
    """Return whether a value is of an annotated type, or can stand in for it.

    Parameters
    ----------
    value
        Anything.
    hint
        An annotation: a class, a protocol, or one with parameters.

    Examples
    --------
    >>> fits(["a"], tuple[str, ...]), fits("a", list[str]), fits(True, float), fits(1, float | None)
    (True, False, False, True)
    """
    origin, parts = get_origin(hint), get_args(hint)
    if hint is Any:
        return True
    if hint is None or hint is type(None):
        return value is None
    if origin in (Union, types.UnionType):
        return _is_numeric(value) if _is_array_like(parts) else any(fits(value, p) for p in parts)
    if origin is Literal:
        return isinstance(value, str) and value in parts
    if origin is not None:
        return _fits_parts(value, origin, parts)
    if not isinstance(hint, type) or hint is object:
        return _is_numeric(value) if _of_numpy(hint) else True
    return _is_plain(value, hint) if hint in _PLAIN else _stands_in(value, hint)


def _is_plain(value: Any, kind: type) -> bool:
    """Return whether a value is of one of Python's own classes, and an ordinary one."""
    if not isinstance(value, _PLAIN[kind]) or (isinstance(value, bool) and kind is not bool):
        return False
    if kind is str:
        # Half a character of the web, which no file can hold.
        return not any("\ud800" <= letter <= "\udfff" for letter in value)
    if kind is dt.date:
        return not isinstance(value, dt.datetime)
    if kind is int:
        return abs(int(value)) < 2**31
    return not (isinstance(value, Decimal) and value.is_nan())


def _stands_in(value: Any, kind: Any) -> bool:
    """Return whether a value is of a class or has all of its public names, as a stand-in has."""
    if not getattr(kind, "_is_protocol", False) and isinstance(value, kind):
        return True
    names = _public_names(kind)
    return bool(names) and not isinstance(value, type) and all(hasattr(value, n) for n in names)


def _public_names(kind: Any) -> list[str]:
    names = {*dir(kind), *getattr(kind, "__annotations__", ())}
    return sorted(name for name in names if not name.startswith("_"))


def _is_array_like(parts: tuple[Any, ...]) -> bool:
    """Return whether a union is `numpy.typing.ArrayLike`, or has it among others."""
    return any(getattr(part, "__module__", "").startswith("numpy._typing") for part in parts)


def _fits_parts(value: Any, origin: Any, parts: tuple[Any, ...]) -> bool:
    """Return whether a value is a collection, a function or an array as annotated."""
    if origin is abc.Callable:
        return callable(value)
    if _of_numpy(origin):
        return _is_numeric(value)
    if not issubclass(origin, abc.Iterable):
        # What a `Given` field takes is read, and refused, by its reader.
        return isinstance(value, origin) if origin is not Given else True
    if issubclass(origin, abc.Mapping):
        if not isinstance(value, abc.Mapping):
            return False
        return all(fits(key, parts[0]) and fits(value[key], parts[1]) for key in value)
    if not isinstance(value, abc.Iterable) or isinstance(value, (str, bytes, abc.Mapping)):
        return False
    if not isinstance(value, abc.Collection):
        # It can be read only once.
        return not issubclass(origin, abc.Collection)
    if origin is tuple and not isinstance(value, (tuple, list)):
        return False
    if origin is tuple and len(parts) > 1 and parts[1] is not Ellipsis:
        return len(value) == len(parts) and all(map(fits, value, parts))
    return all(fits(one, parts[0]) for one in value)


def _of_numpy(origin: Any) -> bool:
    """Return whether it is NumPy's: a class, or from NumPy 2.5 on an alias, which is no class."""
    return str(getattr(origin, "__module__", "")).partition(".")[0] == "numpy"


def _is_numeric(value: Any) -> bool:
    """Return whether NumPy reads a value as numbers or days."""
    import numpy as np

    try:
        return np.asarray(value).dtype.kind in "biufM"
    except (ValueError, TypeError):
        return False


def _in_words(hint: Any) -> str:
    """Return what an annotation takes, for a remedy."""
    origin, parts = get_origin(hint), get_args(hint)
    if hint is None or hint is type(None):
        return "None"
    if origin in (Union, types.UnionType):
        if _is_array_like(parts):
            return say("needed-numbers")
        return linked("either-or", tuple(dict.fromkeys(map(_in_words, parts))))
    if origin is Literal:
        return linked("either-or", tuple(map(repr, parts)))
    if origin is abc.Callable:
        return say("needed-function")
    if _of_numpy(origin):
        return say("needed-array")
    if isinstance(origin, type) and issubclass(origin, abc.Mapping):
        keys = _in_words(parts[0])
        if parts[1] is Any:
            return say("needed-mapping", keys=keys)
        return say("needed-mapping-to", keys=keys, values=_in_words(parts[1]))
    if isinstance(origin, type) and issubclass(origin, abc.Iterable):
        if parts[0] is Any:
            return say("needed-any-list")
        return say("needed-list", items=_in_words(parts[0]))
    if _of_numpy(hint) and not isinstance(hint, type):
        return say("needed-numbers")
    if getattr(hint, "_is_protocol", False):
        return say("needed-attributes", names=tuple(_public_names(hint)[:6]))
    plain = {
        str: say("needed-text"),
        float: say("needed-number"),
        int: say("needed-whole-number"),
        bool: say("needed-yes-no"),
        dt.date: say("needed-date"),
        Any: say("needed-documented"),
    }
    return plain.get(hint) or _instance(hint)


def in_short(value: Any) -> str:
    """Return what a value is, in a few words."""
    if isinstance(value, (str, bytes, bool, int, float, Decimal)) or value is None:
        return repr(value)[:200]
    if isinstance(value, type):
        return say("instance-class", name=value.__name__)
    return _instance(type(value))


def _instance(kind: Any) -> Message:
    name = getattr(kind, "__name__", str(kind))
    return say("instance-an" if name[0] in "AEIOUaeio" else "instance-a", name=name)
