"""The same bytes whatever a caller has set for numbers, warnings or print: in one process each."""

import hashlib
import subprocess
import sys

import pytest

SETTINGS = {
    "floating-point errors": "np.seterr(all='raise')",
    "digits of decimals": "getcontext().prec = 6; getcontext().rounding = 'ROUND_DOWN'",
    "exact decimals": "from decimal import Inexact; getcontext().traps[Inexact] = True",
    "warnings": "import warnings; warnings.simplefilter('error')",
    "print": "np.set_printoptions(precision=2); pd.set_option('display.precision', 1)",
    "recursion": "import sys; sys.setrecursionlimit(200)",
    "seeds": "np.random.seed(1); import random; random.seed(1)",
}
ANSWERS = """
import numpy as np, pandas as pd, hashlib
from decimal import getcontext
{setting}
import budgetopt as bo

rng = np.random.default_rng(1)
days = np.datetime64("2025-01-06") + 7 * np.arange(60)
spend = rng.lognormal(6.5, 0.5, (60, 3)).round(2)
outcome = np.array([30.0, 20, 25]) * np.sqrt(spend) * rng.lognormal(0, 0.2, (60, 3))
names = ("a", "b", "c")
plan = bo.Plan(budget=2500, currency="CNY", outcome="revenue", max_change="30%",
               channels=[bo.Channel(name) for name in names], step=10,
               limits=[bo.Limit.group("two", ["a", "b"], at_most="80%")])
past = bo.History(names, days, spend, outcome=outcome)
total = bo.History(names, days, spend, total=outcome.sum(axis=1))
fast = bo.Settings.fast()
for history in (past, total):
    belief = bo.learn(history, plan, settings=fast)
    decision = bo.reallocate(plan, history, belief=belief)
    line = bo.frontier(plan, belief, last=history.last_spend)
    channel = belief["a"].to_frame().to_csv()
    for text in (belief.to_json(), decision.to_json(), decision.explain(), str(line), channel):
        print(hashlib.sha256(text.encode()).hexdigest())
weeks = bo.plan_weeks(plan, belief, weeks=4, last=past.last_spend, start="2026-03-02")
world = bo.market.believed_market(plan, belief)
years = bo.simulate(plan, world, ["hold", "optimistic"], weeks=3, runs=8, last=past.last_spend)
bent = [bo.Channel("s", curve=bo.Hill(100, 300, 3)), bo.Channel("c", curve=bo.Log(30, 100), lot=30)]
split = bo.allocate(bo.Plan(budget=500, currency="CNY", channels=bent))
for text in (str(weeks), years.summary(), split.to_json()):
    print(hashlib.sha256(text.encode()).hexdigest())
"""


def answers(setting):
    code = ANSWERS.format(setting=setting)
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr[-2000:]
    return run.stdout


@pytest.fixture(scope="module")
def usual():
    return answers("")


@pytest.mark.parametrize("setting", SETTINGS)
def test_a_callers_settings_change_no_byte(usual, setting):
    assert len(usual.split()[0]) == len(hashlib.sha256().hexdigest())
    assert answers(SETTINGS[setting]) == usual
