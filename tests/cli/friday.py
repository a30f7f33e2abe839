"""A small plan, weeks of history and a ledger, for the commands of the weekly rhythm."""

import contextlib
import datetime as dt
import io
import shutil
from types import SimpleNamespace

import numpy as np

from budgetopt.ledger import Ledger

from .helpers import run

MONDAY = dt.date(2025, 8, 11)
WEEK = "2025-11-03"
"""The week that is decided on `TODAY`, a Friday."""
TODAY = "2025-10-31"
NAMES = ("百度 Baidu", "feed", "kol")
PLAN = """
name = "shop"
currency = "CNY"
budget = 3300
step = 10
outcome = "revenue"
max_change = "30%"

[reserve]
contingency = 300

[operation.approval]
total = 0
approvers = ["李雷 Li Lei"]

[[operation.releases]]
when = "scenario"
scenario = "rival"
share = "50%"

[[channels]]
name = "百度 Baidu"
floor = 800

[[channels]]
name = "feed"
cap = 2000

[[channels]]
name = "kol"
"""
FILES = ("plan.toml", "--history", "history.csv", "--ledger", "friday.db")
ON = ("plan.toml", "--ledger", "friday.db", "--week", WEEK)
LEDGER = ("--ledger", "friday.db")


def history(weeks=12, change=0.0):
    """Return rows of all weeks up to `TODAY`, the last of which is not over."""
    rng = np.random.default_rng(3)
    lines = ["week,channel,spend,outcome"]
    for number in range(weeks):
        for name, most in zip(NAMES, (9000, 5000, 3000), strict=True):
            spend = round(rng.uniform(800, 1100), -1)
            outcome = round(most * -np.expm1(-spend / 1200) * rng.lognormal(0, 0.1) + change)
            if number == 11 == weeks - 1:
                spend, outcome = 4 * spend / 7, 4 * outcome // 7
            lines.append(f"{MONDAY + dt.timedelta(weeks=number)},{name},{spend:.0f},{outcome}")
    return "\n".join(lines) + "\n"


def write(folder, plan=PLAN, **changes):
    (folder / "plan.toml").write_text(plan, encoding="utf-8")
    (folder / "history.csv").write_text(history(**changes), encoding="utf-8")


def lived(folder, *steps):
    """Take the steps in a folder, without a word, for tests to copy it."""
    unheard = SimpleNamespace(readouterr=lambda: SimpleNamespace(out="", err=""))
    with (
        contextlib.chdir(folder),
        contextlib.redirect_stdout(io.StringIO()),
        contextlib.redirect_stderr(io.StringIO()),
    ):
        for step in steps:
            assert step(unheard)[0] == 0
    return folder


def copied(folder, to):
    shutil.copytree(folder, to, dirs_exist_ok=True)
    return to


def week(capsys, *more, as_of=TODAY):
    return run(capsys, "week", *FILES, "--as-of", as_of, "--who", "cron", *more)


def approve(capsys, *more):
    return run(capsys, "approve", *ON, "--who", "李雷 Li Lei", *more)


def edit(capsys, *sets, why="a reason", more=()):
    given = [word for one in sets for word in ("--set", one)]
    return run(capsys, "edit", *FILES, "--week", WEEK, "--who", "ann", "--why", why, *given, *more)


def apply(capsys, *more):
    return run(capsys, "apply", *ON, "--who", "李雷 Li Lei", *more)


def edit_json(capsys, *sets):
    return edit(capsys, *sets, why="a reason", more=("--json",))


def entries(*kinds):
    return Ledger.open("friday.db", create=False).entries(kinds=kinds or None)


def squeezed(text):
    return " ".join(text.split())
