"""Weeks and years whose plans integer programs solve, after a run of the user's own HiGHS."""

import json
from functools import cache

import pytest

import budgetopt as bo
from budgetopt.market import Market, Noise
from budgetopt.plan import Limit
from budgetopt.policies import PosteriorMean

from ..optimize.guests import apart, foreign
from .helpers import NAMES, history, plan


def decided(*threads):
    """Return a decided week and a simulated month as text, after runs with so many threads."""
    for count in threads:
        assert foreign(count) == ("kOptimal", -10.0)
    counted = plan(limits=[Limit.few_moves(2)])
    decision = bo.reallocate(counted, history(), policy=PosteriorMean())
    market = Market(NAMES, [bo.Log(300, 80)] * 3, noise=Noise.both(0.2))
    last = dict.fromkeys(NAMES, 110)
    years = bo.simulate(counted, market, "posterior-mean", weeks=3, runs=2, last=last, seed=5)
    return decision.to_json() + json.dumps(years.record("posterior-mean").spend.tolist())


@cache
def alone():
    return apart(decided)


@pytest.mark.parametrize("threads", [0, 1, 4])
def test_weeks_and_years_are_the_same_bytes_after_it(threads):
    assert apart(decided, threads) == alone()
