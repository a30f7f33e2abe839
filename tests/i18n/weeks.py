"""Weeks that between them say nearly everything a decision or an allocation can say."""

import datetime as dt
import tempfile
from pathlib import Path
from unittest.mock import patch

import numpy as np
import pandas as pd

import budgetopt as bo
from budgetopt.belief import Calibration
from budgetopt.errors import SolverError
from budgetopt.plan import Limit
from budgetopt.weekly import Guardrails

NAMES = ("百度 Baidu", "feed", "kol")
MONDAY = dt.date(2025, 3, 3)
WEEK = MONDAY + dt.timedelta(weeks=12)
MEAN = bo.PosteriorMean()


def plan(**changes):
    channels = changes.pop("channels", [bo.Channel(n) for n in NAMES])
    return bo.Plan(**{"budget": 330, "currency": "CNY", "channels": channels, "step": 1} | changes)


def history(weeks=12, seed=3, total=False, noise=0.1, gone=(), zero=(), **changes):
    """Return weeks of three channels; of some the last outcome is missing, or nothing."""
    rng = np.random.default_rng(seed)
    spend = np.round(rng.uniform(50, 150, (weeks, 3)))
    brought = [900, 500, 300] * -np.expm1(-spend / 120)
    outcome = np.round(brought * rng.lognormal(0, noise, spend.shape))
    outcome[-1, [NAMES.index(name) for name in gone]] = np.nan
    outcome[-1, [NAMES.index(name) for name in zero]] = 0.0
    starts = np.datetime64(MONDAY) + 7 * np.arange(weeks)
    known = {"total": outcome.sum(axis=1)} if total else {"outcome": outcome}
    return bo.History(NAMES, starts, **{"spend": spend} | known | changes)


class Fixed:
    """A policy of one's own, which may be stuck."""

    name = "fixed"

    def __init__(self, *spend):
        self.spend = spend

    def decide(self, view, rng):
        if not self.spend:
            raise SolverError("not-converged", "the search did not end", field="method")
        return np.array(self.spend, dtype=float)


def locked(shift):
    last = history().spend[-1].tolist()
    return [bo.Channel(n, locked=s + shift) for n, s in zip(NAMES, last, strict=True)]


def named(*new):
    return [bo.Channel(n) for n in (*NAMES, *new)]


def totals(at, value):
    past = history(total=True)
    total = past.total.copy()
    total[at] = value
    return bo.History(NAMES, past.weeks, past.spend, total=total)


def together():
    """Spends that moved together, and one that is not reported in two weeks."""
    past = history(total=True)
    spend = past.spend.copy()
    spend[:, 1] = 2 * spend[:, 0]
    spend[2:4, 2] = np.nan
    return bo.History(NAMES, past.weeks, spend, total=past.total)


def holed(**changes):
    """Weeks that are not reported, that brought without spend, and that are young."""
    past = history()
    spend, outcome = past.spend.copy(), past.outcome.copy()
    outcome[3, 0] = outcome[4:7, 1] = np.nan
    spend[6, 2] = 0.0
    return bo.History(NAMES, past.weeks, spend, outcome=outcome, **changes)


def daily(first=0, last=0, **columns):
    """Return a file of daily rows that needs nearly every note."""
    rng = np.random.default_rng(0)
    rows = []
    for day in range(first, 84 - last):
        for name in (*NAMES, "old", "Feed"):
            if (day, name) == (30, "kol"):
                continue
            spend, outcome = np.round(rng.uniform(5, 15, 2), 2)
            cell = "" if (day, name) in {(20, "feed"), (21, "feed")} else f"¥{spend}"
            rows.append((MONDAY + dt.timedelta(day), name, cell, outcome))
            rows += rows[-1:] * ((day, name) == (40, "kol"))
    rows += [("Total", "", "1", "1")]
    frame = pd.DataFrame(rows, columns=["week", "channel", "spend", "outcome"], dtype=object)
    declared = {
        "rows": "daily",
        "missing": "zero",
        "repeats": "sum",
        "ignore": ("old", "older", "Feed"),
    }
    as_of = MONDAY + dt.timedelta(80)
    return bo.History.from_frame(
        frame, bo.Columns(**declared | columns), channels=NAMES, as_of=as_of
    )


def gapped():
    """Return weekly rows of a file with a preamble, a gap, and names that look alike."""
    rows = [
        f"{MONDAY + dt.timedelta(7 * week)},{name},{50 + 3 * week + 7 * at},{100 + week - at}"
        for week in range(12)
        for at, name in enumerate(("feed", "Feed", "kol"))
        if week not in (4, 5)
    ]
    text = "made by hand\nfor a test\nweek,channel,spend,outcome\n" + "\n".join(rows)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "history.csv"
        path.write_text(text, encoding="utf-8")
        return bo.History.read(path, bo.Columns(gaps="unknown"), data_through=dt.date(2025, 5, 23))


def off(inside, outcomes):
    """Decide where so many outcomes lay inside their bands."""
    with patch.object(bo.Belief, "calibration", lambda *_: Calibration(0.8, inside, outcomes)):
        return bo.reallocate(plan(), history(), policy=MEAN)


def unsolved():
    def stuck(problem, *args):
        raise SolverError("time-limit", "the time ran out", field="time_limit")

    with patch("budgetopt.weekly.guardrails.solve_in_steps", stuck):
        return bo.reallocate(plan(), history(), policy=MEAN)


UNTIL = WEEK + dt.timedelta(20)


def frozen(*channels, why="frozen", capped=None, budget=330):
    """Return a plan that freezes channels for three weeks, and may cap one of them."""
    one = {"name": "audit", "first": WEEK, "last": UNTIL, "channels": channels, "why": why}
    every = [bo.Channel(n, cap=capped if n == "feed" else None) for n in NAMES]
    return plan(operation={"freezes": one}, channels=every, budget=budget)


def phase(budget, **more):
    """Return a plan with a phase of its own budget in the week decided."""
    end = WEEK + dt.timedelta(6)
    one = {"name": "burst", "first": WEEK, "last": end, "budget": budget} | more
    return plan(operation={"phases": one}, spend="all")


def week_of(declared=None, past=None, **options):
    return lambda: bo.reallocate(
        plan() if declared is None else declared, history() if past is None else past, **options
    )


FREE = {"max_change": "none", "step": "0.01"}
LIMITS = (
    Limit.turnover(60),
    Limit.group("feeds", ["feed", "kol"], at_most="60%"),
    Limit.group("search", ["百度 Baidu"], at_least=50),
    Limit.roas(2.9),
)
DECISIONS = {
    "usual": week_of(),
    "usual, other weeks": week_of(past=history(seed=8), policy=MEAN),
    "free": week_of(plan(**FREE), policy=MEAN, guardrails=None),
    "free, other weeks": week_of(plan(**FREE), history(seed=5, noise=0.3), policy=MEAN),
    "against the margin": week_of(plan(**FREE), policy=Fixed(20, 50, 260), guardrails=None),
    "money to spare": week_of(plan(budget=5000), policy=MEAN),
    "with a reserve": week_of(plan(budget=400, reserve=bo.Reserve(contingency="10%")), policy=MEAN),
    "cents": week_of(plan(budget="330.55", step="0.01", max_change="15%"), policy=MEAN),
    "yen": week_of(plan(budget=33000, currency="JPY", max_change="500%"), guardrails=None),
    "new channel": week_of(plan(channels=named("new")), policy=MEAN),
    "many new channels": week_of(plan(channels=named(*"abcdefghijklmno"))),
    "locked where they were": week_of(plan(channels=locked(0), budget=1000)),
    "locked elsewhere": week_of(plan(channels=locked(7), budget=1000)),
    "below the least": week_of(
        plan(channels=[bo.Channel(NAMES[0]), bo.Channel("feed", locked=20), bo.Channel("kol")])
    ),
    "floors and caps": week_of(
        plan(
            channels=[
                bo.Channel(NAMES[0], cap=90),
                bo.Channel("feed", floor=120),
                bo.Channel("kol"),
            ],
            **FREE,
        ),
        policy=MEAN,
    ),
    "limits across channels": week_of(plan(limits=LIMITS, **FREE), policy=MEAN),
    "frozen": week_of(guardrails=Guardrails(freezes=((WEEK, WEEK + dt.timedelta(2)),))),
    "a channel frozen": week_of(frozen("feed"), policy=MEAN),
    "a platform learns": week_of(frozen("feed", "kol", why="learning"), policy=MEAN),
    "everything frozen": week_of(frozen()),
    "frozen above a cap": week_of(frozen("feed", "kol", capped=60), policy=MEAN),
    "frozen above the budget": week_of(frozen("百度 Baidu", "feed", budget=250), policy=MEAN),
    "a phase": week_of(phase(600, max_change="none"), policy=MEAN),
    "applied otherwise": week_of(last={"百度 Baidu": 120, "feed": 71, "kol": 100}, policy=MEAN),
    "one report missing": week_of(past=history(gone=["feed"]), policy=MEAN),
    "two reports missing": week_of(past=history(gone=["百度 Baidu", "feed"]), policy=MEAN),
    "all reports missing": week_of(past=history(gone=NAMES)),
    "missing, and does not fit": week_of(
        plan(budget=280), history(gone=["百度 Baidu", "feed"]), policy=MEAN
    ),
    "nothing reported": week_of(past=history(zero=["feed"]), policy=MEAN),
    "total missing": week_of(past=totals(-1, np.nan)),
    "total of nothing": week_of(past=totals(-1, 0)),
    "one total": week_of(past=history(total=True)),
    "one total, moved together": week_of(plan(events=[MONDAY], budget=400), together()),
    "predictions too narrow": lambda: off(50, 100),
    "predictions too wide": lambda: off(24, 24),
    "might lose too much": week_of(
        plan(**FREE),
        policy=Fixed(20, 100, 210),
        guardrails=Guardrails(most_loss=0.03, confidence=0.9),
    ),
    "stuck": week_of(policy=Fixed()),
    "no answer": week_of(policy=Fixed(1, np.nan, 2), past=history(gone=["feed"])),
    "unsolved": unsolved,
    "equal": week_of(plan(**FREE), policy=bo.EqualSplit(), guardrails=None),
    "hold": week_of(plan(budget=1000), policy=bo.HoldSteady()),
    "weeks between": week_of(week=WEEK + dt.timedelta(14)),
    "young weeks": week_of(
        plan(delay=bo.Delay((0.4, 0.8, 1.0))), holed(data_through=WEEK - dt.timedelta(1))
    ),
    "daily rows": lambda: bo.reallocate(plan(budget=250), daily(first=2), policy=MEAN),
    "daily rows, unknown": lambda: bo.reallocate(
        plan(budget=250), daily(last=3, missing="unknown"), policy=MEAN
    ),
    "a file with gaps": lambda: bo.reallocate(
        plan(budget=250, channels=[bo.Channel(n) for n in ("feed", "Feed", "kol")]),
        gapped(),
        policy=MEAN,
    ),
}


def curved(**changes):
    """Return a plan whose channels have curves."""
    channels = [
        bo.Channel("百度 Baidu", curve=bo.Log(60, 30), floor=20),
        bo.Channel("feed", curve=bo.Hill(90, 300, 0.9), cap=60),
        bo.Channel("kol", curve=bo.Exponential(60, 200), labels={"kind": "people"}),
        bo.Channel("tv", curve=bo.Power(5, 10, 0.5), labels={"kind": "people", "far": "yes"}),
    ]
    return bo.Plan(**{"budget": 300, "currency": "CNY", "channels": channels, "step": 1} | changes)


LAST = {"百度 Baidu": 80, "feed": 40, "kol": 0, "tv": 60}
ROWS = {
    "group": Limit.group("people", {"kind": "people"}, at_most="10%"),
    "group of a group": Limit.group("far", {"far": "yes"}, at_most="12.5%", of={"kind": "people"}),
    "group in money": Limit.group("two", ["kol", "tv"], at_most="30.50"),
    "group at least": Limit.group("two", ["kol", "tv"], at_least="40%"),
    "two labels": Limit.group("both", {"kind": "people", "far": "yes"}, at_most=10),
    "turnover": Limit.turnover(30),
    "few moves": Limit.few_moves(2),
    "apart": Limit.apart(["feed", "kol"]),
    "at least on": Limit.at_least_on(4),
    "linear": Limit.linear("carbon", {"kol": 2, "tv": "0.5"}, 40, unit="kg"),
    "linear, no unit": Limit.linear("fees", {"kol": 1, "tv": 1}, 40),
    "roas": Limit.roas("1.5"),
    "cpa": Limit.cpa("1.1", ["kol", "tv"]),
    "outcome": Limit.outcome(30, ["kol", "tv"]),
    "mroas": Limit.mroas("0.35"),
    "frequency": Limit.frequency("1.5", 1_000, 20, ["kol", "tv"]),
}


def split_of(last=None, **changes):
    return lambda: bo.allocate(curved(**changes), last=last)


ALLOCATIONS = {
    "usual": split_of(),
    "against last week": split_of(LAST),
    "within a change": split_of(LAST, max_change="10%"),
    "a reserve": split_of(LAST, reserve=bo.Reserve(contingency="10%", test=5)),
    "less than a step": lambda: bo.allocate(
        bo.Plan(budget=105, currency="CNY", channels=[bo.Channel("a", curve=bo.Log(1, 9))], step=10)
    ),
    "all at a limit": lambda: bo.allocate(
        bo.Plan(budget=105, currency="CNY", channels=[bo.Channel("a", curve=bo.Log(1, 9), cap=50)])
    ),
    "nothing more to gain": lambda: bo.allocate(
        bo.Plan(
            budget=105,
            currency="CNY",
            channels=[bo.Channel("a", curve=bo.Points([0, 50], [0, 10]))],
        )
    ),
    "stays as it is": lambda: bo.allocate(
        bo.Plan(
            budget=100,
            currency="CNY",
            channels=[bo.Channel(n, curve=bo.Log(3, 10)) for n in "ab"],
            max_change="none",
        ),
        last={"a": 50, "b": 50},
    ),
    **{name: split_of(LAST, max_change="none", limits=[row]) for name, row in ROWS.items()},
}
