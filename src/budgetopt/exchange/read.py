"""Curves of another model from one file, whose kind its name and its columns tell."""

from __future__ import annotations

from collections.abc import Mapping
from os import PathLike
from pathlib import Path

from budgetopt.curves import Curve
from budgetopt.exchange.curves import read_draws, read_parameters, read_points
from budgetopt.exchange.draws import CurveDraws
from budgetopt.exchange.files import refused
from budgetopt.exchange.inference import open_inference
from budgetopt.exchange.pymc import read_pymc
from budgetopt.exchange.robyn import read_robyn_json
from budgetopt.history import TABLES, load_plain
from budgetopt.messages import say

_KINDS = (*TABLES, ".json", ".nc")


def read_curves(path: str | PathLike[str], *, weeks: int = 1) -> CurveDraws | Mapping[str, Curve]:
    """Return the curves of a file, as `allocate` and `frontier` take them.

    ==========  ==========================================  =====================
    file        with                                        read by
    ==========  ==========================================  =====================
    ``.json``   a model that Robyn exported                 `read_robyn_json`
    ``.nc``     InferenceData of PyMC-Marketing             `read_pymc`
    table       a column ``kind``                           `read_parameters`
    table       columns ``draw`` and ``outcome``            `read_draws`
    table       columns ``spend`` and ``mean``              `read_points`
    ==========  ==========================================  =====================

    Parameters
    ----------
    path
        The file.
    weeks
        Weeks that the totals of a table of points are of.

    Raises
    ------
    HistoryError
        ``bad-file`` for another suffix, and for InferenceData of Meridian, which need its data
        (`read_meridian`); else as those functions.
    CurveError
        As those functions.
    """
    name, kind = Path(path).name, Path(path).suffix.lower()
    if kind == ".json":
        return {channel: one.steady for channel, one in read_robyn_json(path).items()}
    if kind == ".nc":
        if "alpha_m" in open_inference(path).variables("posterior"):
            raise refused("bad-file", "curves", say("model-meridian-whose", name=name),
                          say("remedy-read-python-read"))  # fmt: skip
        return read_pymc(path)
    if kind not in TABLES:
        raise refused("bad-file", "curves", say("no-file-curves", name=name),
                      say("remedy-give-one-of", kinds=[*_KINDS]))  # fmt: skip
    columns = load_plain(path, ("channel",)).cells
    if "kind" in columns:
        return read_parameters(path)
    if "draw" in columns:
        return read_draws(path, weeks=weeks)
    return {channel: one.mean for channel, one in read_points(path, weeks=weeks).items()}
