"""The book: the problems of the JSON files, and those whose numbers lie in published data files.

The data are not copied here. Where the folder is absent, their problems are left out.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

from . import checker

HERE = Path(__file__).parent
DATA = HERE.parents[2] / "shared" / "data"


def problems() -> Iterator[dict[str, Any]]:
    """Yield every problem that this machine has the numbers for."""
    for problem in checker.load(HERE / "book.json"):
        if "data" not in problem:
            yield problem
        elif (DATA / problem["data"].split(":")[0]).is_dir():
            yield problem | from_data(problem["data"])


def from_data(where: str) -> dict[str, Any]:
    """Return goal, channels and limits from a folder of published data, and a name in it."""
    folder, _, name = where.partition(":")
    made = {
        "robyn_models_2022": _robyn,
        "meridian_optimum_2021_2024": _meridian,
        "tiered_roi_lp": _tiers,
    }[folder]
    channels, limits = made(DATA / folder, name)
    return {"goal": {"sense": "maximise", "outcomes": 1}, "channels": channels, "limits": limits}


Parts = tuple[list[dict[str, Any]], list[dict[str, Any]]]


def _read(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def _robyn(folder: Path, name: str) -> Parts:
    """Return one fitted model: its mean week's money, no channel above three times its own.

    Adstock ``a[t] = x[t] + theta a[t-1]``, inflexion between the least and the most of the window
    at ``gamma``, Hill by ``alpha``: as the folder's README derives the published responses.
    """
    rows = [row for row in _read(folder / "pareto_media.csv") if row["solID"] == name]
    fits = _read(folder / "pareto_hyperparameters.csv")
    fit = next(row for row in fits if row["solID"] == name)
    weeks = _read(folder / "dt_simulated_weekly_2022.csv")
    channels, money = [], Fraction(0)
    for row in rows:
        channel, carried, last = row["rn"], [], 0.0
        for week in weeks:
            last = float(week[channel]) + float(fit[f"{channel}_thetas"]) * last
            carried.append(last)
        gamma, window = float(fit[f"{channel}_gammas"]), carried[52:145]
        half = (1 - gamma) * min(window) + gamma * max(window)
        curve = {"kind": "hill", "top": Fraction(row["coef"]), "half": Fraction(repr(half)),
                 "shape": Fraction(fit[f"{channel}_alphas"])}  # fmt: skip
        mean = Fraction(round(100 * float(row["mean_spend"])), 100)
        money += mean
        channels.append({"name": channel, "most": 3 * mean, "curve": curve})
    every = {channel["name"]: Fraction(1) for channel in channels}
    return channels, [{"name": "budget", "amounts": every, "at_most": money}]


def _meridian(folder: Path, name: str) -> Parts:
    """Return the published curves, each channel within 30 % of its spend, 219.5 million."""
    bounds = {
        row["channel"]: row
        for row in _read(folder / "published_points.csv")
        if row["spend_level"] == "Non-optimized spend"
    }
    channels = []
    for channel, row in bounds.items():
        points = [p for p in _read(folder / "response_curves.csv") if p["channel"] == channel]
        own = next(
            Fraction(p["spend"]) for p in points if abs(float(p["spend_multiplier"]) - 1) < 1e-6
        )
        low, high = (
            round(100 * own * Fraction(row[end])) for end in ("lower_bound", "upper_bound")
        )
        curve = {"kind": "points", "at": [Fraction(p["spend"]) for p in points],
                 "value": [Fraction(p["mean"]) for p in points]}  # fmt: skip
        ends = {"least": Fraction(low, 100), "most": Fraction(high, 100)}
        channels.append({"name": channel, **ends, "curve": curve})
    every = {channel: Fraction(1) for channel in bounds}
    return channels, [{"name": "budget", "amounts": every, "at_most": Fraction(219_500_000)}]


def _tiers(folder: Path, name: str) -> Parts:
    """Return tiered returns of ten platforms, at most 3 million each, and two rules across them."""
    points: dict[str, tuple[list[Fraction], list[Fraction]]] = {}
    for row in _read(folder / "roi_company1.csv"):
        at, got = points.setdefault(row["Platform"], ([Fraction(0)], [Fraction(0)]))
        end = Fraction(1000) if row["UpperBound"] == "inf" else Fraction(row["UpperBound"])
        got.append(got[-1] + (end - at[-1]) * Fraction(row["ROI"]))
        at.append(end)
    channels = [
        {"name": name, "most": Fraction(3), "curve": {"kind": "points", "at": at, "value": got}}
        for name, (at, got) in points.items()
    ]
    one, two = Fraction(1), Fraction(2)
    social = ("Facebook", "LinkedIn", "Instagram", "Snapchat", "Twitter")
    print_and_tv = {"Print": one, "TV": one, "Facebook": -one, "Email": -one}
    limits = [
        {"name": "budget", "amounts": dict.fromkeys(points, one), "at_most": Fraction(10)},
        {"name": "print and TV", "amounts": print_and_tv, "at_most": Fraction(0)},
        {"name": "social", "amounts": {**dict.fromkeys(social, one), "SEO": -two, "AdWords": -two},
         "at_least": Fraction(0)},
    ]  # fmt: skip
    return channels, limits
