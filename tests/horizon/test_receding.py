"""Weeks ahead of many runs at once: each is what it is alone, and what a plan of weeks gives."""

import datetime as dt
from dataclasses import replace

import numpy as np
import pytest

import budgetopt as bo
from budgetopt.curves import Mixture
from budgetopt.errors import SolverError
from budgetopt.horizon import LookAhead, plan_weeks
from budgetopt.horizon.interior import Program, bound_of, solve

WEEK = bo.Week(dt.date(2026, 12, 7))
NAMES = ("a", "b", "c", "d")


def plan_of(**fields):
    shares = (0.0, 0.3, 0.5, 0.7)
    channels = [
        bo.Channel(name, carryover=bo.Carryover("geometric", share=share) if share else None)
        for name, share in zip(NAMES, shares, strict=True)
    ]
    fields = {"budget": 8000, "currency": "CNY", "max_change": "30%", "channels": channels} | fields
    return bo.Plan(**fields)


def shops(runs, seed=0):
    """Return tops, halves, and last spends of some runs."""
    rng = np.random.default_rng(seed)
    top = np.exp(rng.normal(6, 0.5, (runs, 4)))
    half = np.exp(rng.normal(8, 0.4, (runs, 4)))
    return top, half, np.round(rng.dirichlet(np.full(4, 20.0), runs) * 8000, 2)


def best(ahead, curves, last, budget=8000.0):
    runs, past = len(last), np.repeat(last[:, None], 40, axis=1)
    return ahead.best_weeks(curves, 0.7 * last, 1.3 * last, np.full(runs, budget), past)


def test_the_weeks_of_every_run_are_those_of_a_plan_of_weeks():
    plan, (top, half, last) = plan_of(), shops(6)
    found = best(
        LookAhead.of(plan, [WEEK.shift(at) for at in range(8)]), bo.Hill(top, half, 1), last
    )
    assert found.found.all()
    for run in range(6):
        curves = {n: bo.Hill(float(top[run, at]), float(half[run, at]), 1) for at, n in
                  enumerate(NAMES)}  # fmt: skip
        before = {name: [float(last[run, at])] * 40 for at, name in enumerate(NAMES)}
        weeks = plan_weeks(plan, curves, 8, start=WEEK.start, before=before)
        alone = found.spend[run]
        assert alone.sum(axis=0) == pytest.approx([8000.0] * 8, rel=1e-4)
        # The optimum is flat: money may differ by far more than what it brings.
        assert alone[:, 0] == pytest.approx(weeks.minor[0] / 100, rel=0.02)


def test_runs_beside_each_other_change_nothing():
    ahead = LookAhead.of(plan_of(), [WEEK.shift(at) for at in range(6)])
    top, half, last = shops(9)
    together = best(ahead, bo.Hill(top, half, 1), last)
    for run in (0, 4, 8):
        some = slice(run, run + 1)
        alone = best(ahead, bo.Hill(top[some], half[some], 1), last[some])
        assert together.spend[run] == pytest.approx(alone.spend[0], rel=1e-6)


def test_learned_curves_are_read_from_tables():
    ahead = LookAhead.of(plan_of(), [WEEK.shift(at) for at in range(6)])
    rng, (_, _, last) = np.random.default_rng(2), shops(5)
    cells = bo.Hill(1.0, np.exp(np.linspace(6, 10, 7)), 0.8)
    weights = rng.dirichlet(np.ones(7), (5, 4)) * 900
    tabled = best(ahead, Mixture(cells, weights), last)
    # Cells with a channel axis have no table.
    own = Mixture(bo.Hill(1.0, np.tile(cells.half, (4, 1)), 0.8), weights)
    assert own.sampled(1.0, 2.0) is None
    assert tabled.spend == pytest.approx(best(ahead, own, last).spend, rel=1e-6)


def test_a_run_whose_weeks_cannot_be_kept_is_told_and_spoils_no_other():
    plan = plan_of(channels=[bo.Channel(name, floor=1000) for name in NAMES])
    ahead = LookAhead.of(plan, [WEEK.shift(at) for at in range(4)])
    top, half, last = shops(3)
    last[:] = 2000.0
    last[1, 0] = 100.0  # 1.3 of it are far below the floor of the weeks after.
    found = best(ahead, bo.Hill(top, half, 1), last)
    assert found.found.tolist() == [True, False, True]


def test_a_closed_channel_may_come_back():
    ahead = LookAhead.of(plan_of(), [WEEK.shift(at) for at in range(4)])
    top, half, last = shops(2)
    last[0, 2] = 0.0
    found = best(ahead, bo.Hill(top, half, 1), last)
    assert found.found.all()
    assert found.spend[0, 2, 0] == 0
    # 30 % of the equal share.
    assert 0 < found.spend[0, 2, 1] <= 0.3 * 2000 * (1 + 1e-4)


def test_what_a_batch_cannot_solve_is_refused():
    weeks = [WEEK.shift(at) for at in range(4)]
    with pytest.raises(SolverError) as caught:
        LookAhead.of(plan_of(channels=[bo.Channel("a", off_or_at_least=500)]), weeks)
    assert (caught.value.code, caught.value.field) == ("wrong-method", "channels.off_or_at_least")
    with pytest.raises(SolverError):
        LookAhead.of(plan_of(limits=[bo.Limit.few_moves(2)]), weeks)
    top, half, last = shops(2)
    with pytest.raises(SolverError) as caught:
        best(LookAhead.of(plan_of(), weeks), bo.Hill(top, half, 2.0), last)
    assert caught.value.field == "curves"


def random_program(channels, weeks, seed):
    """Return a program with equations, fixed spends and rows that skip weeks."""
    rng = np.random.default_rng(seed)
    lasting = weeks + 3
    lag = np.arange(lasting)[:, None] - np.arange(weeks)
    share = rng.uniform(0.1, 0.6, channels)[:, None, None]
    kernel = np.where((lag >= 0) & (lag < 4), share ** np.maximum(lag, 0), 0.0)
    own = np.zeros((channels, 2, weeks))
    own[:, 0, [0, weeks - 1]] = -1.5, 1.0
    own[0, 1] = 1.0
    across = np.zeros((weeks + 2, channels, weeks))
    across[np.arange(weeks), :, np.arange(weeks)] = 1.0
    across[weeks, :2] = rng.uniform(0.5, 1.0)
    across[weeks + 1, 1, 1], across[weeks + 1, 0, 1] = 1.0, -0.8
    exact = np.arange(weeks + 2) < weeks // 2
    lower, upper = np.zeros((channels, weeks)), np.full((channels, weeks), 40.0)
    lower[2, 1] = upper[2, 1] = 7.0
    room = np.concatenate([rng.uniform(50, 60, weeks), [30.0 * weeks, 10.0]])
    return Program(
        curves=bo.Hill(rng.uniform(50, 90, channels), rng.uniform(10, 40, channels), 0.9),
        weight=np.ones((lasting, channels)),
        cost=np.zeros((channels, weeks)),
        kernel=kernel,
        carried=np.full((lasting, channels), 0.5),
        lower=lower,
        upper=upper,
        own=own,
        own_room=np.full((channels, 2), 60.0),
        across=across,
        room=room,
        exact=exact,
    )


@pytest.mark.parametrize("weeks", [5, 30])
def test_the_interior_point_of_a_batch_is_that_of_each_run(weeks):
    one, other = (random_program(4, weeks, seed) for seed in (1, 1))
    other = replace(other, room=other.room * 1.05, carried=2 * other.carried)
    by_run = ("lower", "upper", "own_room", "room")
    both = {name: np.stack([getattr(one, name), getattr(other, name)]) for name in by_run}
    carried = np.stack([one.carried, other.carried], axis=1)
    batch = solve(replace(one, carried=carried, **both))
    for run, program in enumerate((one, other)):
        alone = solve(program)
        assert batch.spend[run] == pytest.approx(alone.spend, rel=1e-4, abs=1e-3)
        short = alone.bound - program.value(alone.spend)
        assert abs(short) <= 1e-8 * alone.bound
        assert batch.bound[run] == pytest.approx(alone.bound, rel=1e-8)
        over = program.use(alone.spend) - program.room
        assert np.where(program.exact, np.abs(over), over).max() <= 1e-6
        assert alone.bound == bound_of(program, *alone[1:4])


def test_steps_that_would_run_in_circles_are_halved():
    # Prices and spends went between two change limits for ever; the best lies between them.
    plan = bo.Plan(
        budget=10_000,
        currency="CNY",
        channels=[
            bo.Channel("a", curve=bo.Log(1000, 500), value=1),
            bo.Channel("b", curve=bo.Log(900, 400), value=1),
        ],
        goal=bo.Goal.most_profit(),
        value=1,
    )
    found = plan_weeks(plan, weeks=2, start=WEEK.start)
    assert found.minor.tolist() == [[50_000, 50_000]] * 2
