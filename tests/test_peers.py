"""The comparison with peers runs, and what it says of us and of them is consistent."""

import numpy as np
import peer_cases
import peers
import pytest
from answers import adapters, programs
from peer_timing import Clock, Row, measured

from budgetopt.optimize import problem_of

OPTIONAL = "failed: ModuleNotFoundError: No module named 'cvxpy'"


@pytest.mark.slow
@pytest.mark.parametrize("part", peers.PARTS)
def test_every_part_is_measured(part):
    for row in peers.rows(part, quick=True):
        if row.note == OPTIONAL:
            continue
        assert row.median > 0, row
        assert row.least <= row.median
        # No answer may beat a proven bound, and ours are at it.
        assert row.gap is None or row.gap > -1e-7, row
        if row.solver.startswith("budgetopt") and row.gap is not None:
            # Of 20 channels' 2,000 one cent may be lost.
            assert row.gap <= (6e-6 if "whole cents" in row.note else 1e-6), row


def test_what_fails_is_said_and_not_measured():
    row = measured(Clock(1, 0.0), "case", "peer", lambda: 1 / 0)
    assert row.median is None
    assert row.line() == (
        "| case | peer | – | – | – | – | failed: ZeroDivisionError: division by zero |"
    )


def test_a_row_says_its_units():
    row = Row("case", "peer", median=1.5, least=0.0123, runs=5, gap=2e-6, note="success")
    assert row.line() == "| case | peer | 1.5 s | 12.3 ms | 5 | 2.0e-06 | success |"


def test_a_broken_limit_is_said():
    plan = peer_cases.concave(5)
    model = programs.Model(peer_cases.stated(plan, 1.0))
    claim = adapters.Claim(model.named(model.even_split() * 1.5), "success")
    gap, note = peers.judge(plan, bound=1.0)(claim)
    assert gap < 0
    assert note.startswith("success; breaks a limit by 5e-01 of its size")


@pytest.mark.parametrize("groups", [0, 50])
def test_peers_and_we_solve_the_same_problem(groups):
    plan = peer_cases.concave(5, groups=groups)
    problem = peer_cases.stated(plan, peers.best_bound(plan))
    claim = adapters.scipy(problem)
    spend = np.array([claim.split[name] for name in plan.names])
    worth = programs.Model(problem).values(spend).sum()
    assert worth == pytest.approx(peers.best_bound(plan), rel=1e-9)
    assert problem_of(plan).objective(spend) == pytest.approx(worth, rel=1e-12)
