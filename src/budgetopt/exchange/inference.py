"""Saved InferenceData: the netCDF 4 file of a posterior, its variables with their dimensions.

The file is HDF5 of unknown origin. It is read by a reader in plain Python, pyfive, since damaged
files bring the usual C library down, and from memory, so that links to other files lead nowhere.
Shapes are held against limits and the file before anything of their size is made, and chunks are
unpacked up to the size that they declare. Whatever the reader raises is one typed error.
"""

from __future__ import annotations

import io
import json
import math
import warnings
import zlib
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from os import PathLike
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import numpy as np

from budgetopt.arrays import Floats
from budgetopt.errors import HistoryError, foreign
from budgetopt.exchange.draws import MOST_DRAWS
from budgetopt.exchange.files import refused
from budgetopt.i18n import missing_extra, say
from budgetopt.untrusted import MEBIBYTE, read_bounded

MOST_BYTES = 512 * MEBIBYTE
MOST_VALUES = 2**25
"""Numbers of one variable, 256 MiB."""
_MOST_NAMES = 1000
_MOST_TEXT = MEBIBYTE
_MOST_ATTRIBUTES = 64 * MEBIBYTE
_HDF5 = b"\x89HDF\r\n\x1a\n"
_GZIP = 1
_FILTERS = (_GZIP, 2, 3)
"""Filters of HDF5 that are undone: gzip, shuffle and Fletcher's checksum."""

_T = TypeVar("_T")


class Variable(NamedTuple):
    """Values and the names of their axes."""

    dims: tuple[str, ...]
    values: Floats


@dataclass(frozen=True, eq=False)
class InferenceFile:
    """A saved InferenceData.

    Parameters
    ----------
    name
        Name of the file, for messages.
    root
        The opened file.
    size
        Its bytes.
    """

    name: str
    root: Any
    size: int

    @cached_property
    def attrs(self) -> dict[str, Any]:
        """Attributes of the file, JSON where they hold it."""
        return {str(k): _plain(v) for k, v in self._guarded(lambda: dict(self.root.attrs)).items()}

    def variables(self, group: str) -> tuple[str, ...]:
        """Return the names in a group, none where there is no such group."""

        def names() -> tuple[str, ...]:
            return tuple(map(str, self.root[group])) if group in self.root else ()

        return self._guarded(names)

    def read(self, group: str, name: str) -> Variable:
        """Return a variable of finite numbers.

        Raises
        ------
        HistoryError
            ``bad-columns`` where it is not there, ``bad-file`` where it cannot be read or is too
            large, ``bad-number`` where a value is not finite.
        """
        if name not in self.variables(group):
            raise refused("bad-columns", name, say("file-has-no", name=self.name, group=group,
                          name_2=name), say("remedy-save-whole-inferencedata"))  # fmt: skip

        def values() -> Variable:
            data = self._checked(self.root[group][name], MOST_VALUES, name)
            if np.dtype(data.dtype).kind not in "iuf":
                raise refused("bad-number", name, say("inference-no-numbers", name=self.name,
                              variable=name), say("remedy-check-model-s"))  # fmt: skip
            array = np.asarray(data[()], dtype=np.float64).reshape(data.shape)
            return Variable(self._dims(data), array)

        variable = self._guarded(values)
        if not np.isfinite(variable.values).all():
            raise refused("bad-number", name, say("not-finite", group=group, name=name,
                          name_2=self.name), say("remedy-check-model-s"))  # fmt: skip
        return variable

    def names(self, group: str, dim: str) -> tuple[str, ...] | None:
        """Return the labels along a dimension, None where they are not in the file."""
        if dim not in self.variables(group):
            return None

        def labels() -> tuple[str, ...]:
            data = self._checked(self.root[group][dim], _MOST_NAMES, dim)
            found: list[str] = []
            for at in range(data.shape[0]):
                # One by one, since many may point at one long text.
                label = np.asarray(data[at : at + 1]).ravel()[0]
                found.append(label.decode() if isinstance(label, bytes) else str(label))
                if sum(map(len, found)) > _MOST_TEXT:
                    raise self._too_large(dim)
            return tuple(found)

        return self._guarded(labels)

    def units(self, group: str, name: str) -> str:
        """Return the unit that a variable declares, such as ``days since 2024-01-01``."""

        def unit() -> str:
            return str(_text(dict(self.root[group][name].attrs).get("units", "")))

        return self._guarded(unit)

    def draws(self, name: str, order: tuple[str, ...]) -> Floats:
        """Return a variable of the posterior, shape ``(draws, *order)``, chain after chain.

        An axis that it does not have is of length 1.

        Raises
        ------
        HistoryError
            As `read`; ``bad-columns`` where it has other axes.
        """
        dims, values = self.read("posterior", name)
        known = ("chain", "draw", *order)
        if dims[:2] != known[:2] or len(set(dims)) < len(dims) or not {*dims} <= {*known}:
            raise refused("bad-columns", name, say("posterior-axes", name=name, dims=[*dims]),
                          say("remedy-axes", known=[*known]))  # fmt: skip
        count = values.shape[0] * values.shape[1]
        if not 1 <= count <= MOST_DRAWS or 0 in values.shape:
            raise refused("bad-file", name, say("posterior-draws", name=name, count=f"{count:,}"),
                          say("remedy-1-thinned-if", most_draws=f"{MOST_DRAWS:,}"))  # fmt: skip
        left = [dim for dim in known if dim in dims]
        values = np.moveaxis(values, [dims.index(dim) for dim in left], range(len(left)))
        sizes = [values.shape[left.index(dim)] if dim in left else 1 for dim in order]
        return values.reshape(count, *sizes)

    def _too_large(self, variable: str) -> HistoryError:
        problem = say("inference-too-large", name=self.name, variable=variable)
        return refused("bad-file", variable, problem, say("remedy-thin-inference"))

    def _checked(self, data: Any, most: int, variable: str) -> Any:
        """Return a dataset that is no larger than allowed, and whose chunks are what they say."""
        shape, kind = tuple(data.shape), np.dtype(data.dtype)
        count = math.prod(shape)
        if count > most:
            raise self._too_large(variable)
        if data.chunks is None:
            return data
        chunk = math.prod(data.chunks) * kind.itemsize
        if chunk > 8 * MOST_VALUES:
            raise self._too_large(variable)
        filters = [one["filter_id"] for one in data.id.filter_pipeline or ()]
        if any(one not in _FILTERS for one in filters) or filters.count(_GZIP) > 1:
            raise refused("bad-file", variable, say("inference-packed", name=self.name,
                          variable=variable), say("remedy-inference-gzip"))  # fmt: skip
        for at in range(data.id.get_num_chunks() if _GZIP in filters else 0):
            info = data.id.get_chunk_info(at)
            _, packed = data.id.read_direct_chunk(info.chunk_offset)
            unpacked = zlib.decompressobj().decompress(packed, chunk + 64)
            if len(unpacked) > chunk + 8:
                raise _DamagedError
        return data

    def _dims(self, data: Any) -> tuple[str, ...]:
        """Return the names of a dataset's axes."""
        if not data.shape:
            return ()
        scales = dict(data.attrs).get("DIMENSION_LIST")
        if scales is None:
            return (str(data.name).rsplit("/", 1)[-1],)
        found = [self.root[np.asarray(scale).ravel()[0]].name for scale in scales]
        if len(found) != len(data.shape):
            raise _DamagedError
        return tuple(str(name).rsplit("/", 1)[-1] for name in found)

    def _guarded(self, read: Callable[[], _T]) -> _T:
        return _guarded(read, self.name)


class _DamagedError(Exception):
    """The file is not what it says, which `_guarded` tells with its name."""


def _guarded(read: Callable[[], _T], name: str) -> _T:
    """Return what a reading returns, or refuse the file that it fails on."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return read()
    except HistoryError:
        raise
    except Exception:  # noqa: BLE001 # a damaged file makes the reader raise anything
        raise refused("bad-file", "path", say("cannot-read-damaged", name=repr(name)),
                      say("remedy-save-inferencedata-again")) from None  # fmt: skip


def _bound_attributes() -> None:
    """Make the reader hold the counts that attributes declare against the bytes there are.

    It makes an array of as many objects as four bytes of a file say, 32 GiB where they lie, and
    copies a text as often as it is pointed at. So the reader itself is changed, once.
    """
    from pyfive.dataobjects import DataObjects  # type: ignore[import-untyped]

    value, text = DataObjects._attr_value, DataObjects._vlen_size_and_data
    if hasattr(value, "is_bounded"):
        return

    def bounded_value(self: Any, kind: Any, buffer: Any, count: int, offset: int) -> Any:
        if count > len(buffer or b""):
            raise _DamagedError
        return value(self, kind, buffer, count, offset)

    def bounded_text(self: Any, buffer: Any, offset: int) -> Any:
        size, data = text(self, buffer, offset)
        self.bytes_read = getattr(self, "bytes_read", 0) + len(data or b"")
        if self.bytes_read > _MOST_ATTRIBUTES:
            raise _DamagedError
        return size, data

    bounded_value.is_bounded = True  # type: ignore[attr-defined]
    DataObjects._vlen_size_and_data, DataObjects._attr_value = bounded_text, bounded_value


def open_inference(path: str | PathLike[str]) -> InferenceFile:
    """Return the file that ``InferenceData.to_netcdf`` wrote.

    Raises
    ------
    HistoryError
        ``bad-file`` for what is no such file, ``missing-extra`` where pyfive is not installed.
    """
    name = Path(path).name
    try:
        data = read_bounded(Path(path), MOST_BYTES)
    except OSError as error:
        reason = foreign(error)
        raise refused("bad-file", "path", say("path-unreadable", path=repr(str(path)),
                      reason=reason), say("remedy-check-path-permissions")) from None  # fmt: skip
    if not data.startswith(_HDF5):
        # A pickle would run what it holds.
        raise refused("bad-file", "path", say("not-netcdf-4", name=repr(name)),
                      say("remedy-save-inferencedata-netcdf"))  # fmt: skip
    try:
        import pyfive  # type: ignore[import-untyped]
    except ImportError:
        raise missing_extra(
            say("reading-inference"), "pyfive", "models", "path", HistoryError
        ) from None
    _guarded(_bound_attributes, name)
    root = _guarded(lambda: pyfive.File(io.BytesIO(data)), name)
    file = InferenceFile(name, root, len(data))
    if not file.variables("posterior"):
        raise refused("bad-file", "path", say("no-posterior", name=repr(name)),
                      say("remedy-save-inferencedata-after"))  # fmt: skip
    return file


def _text(value: Any) -> Any:
    """Return an attribute's value as plain text or number."""
    if isinstance(value, np.ndarray) and value.size == 1:
        value = value.ravel()[0]
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    return value.item() if isinstance(value, np.generic) else value


def _plain(value: Any) -> Any:
    """Return an attribute, parsed where it is JSON."""
    value = _text(value)
    if isinstance(value, str) and len(value) <= _MOST_TEXT:
        with suppress(ValueError, RecursionError):
            return json.loads(value)
    return value
