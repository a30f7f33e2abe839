"""Risk over draws: by hand, by identities, by a linear program and by brute force."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import linprog

from budgetopt import Channel, Hill, Plan
from budgetopt.belief.settings import Grid
from budgetopt.curves import Log, Mixture, Points
from budgetopt.errors import InputError, SolverError
from budgetopt.optimize.build import problem_of
from budgetopt.optimize.problem import Solved
from budgetopt.optimize.risk import Risk, risk_averse, search
from budgetopt.optimize.risk.draws import DrawProblem
from budgetopt.optimize.risk.measure import spread
from budgetopt.optimize.risk.tails import allowed, columns, concave
from budgetopt.optimize.waterfill import waterfill
from budgetopt.plan import Goal, Limit

GRID = Grid(100.0, 9, 8.0, (1.0, 0.7))
outcomes = st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=40).map(np.array)
tails = st.floats(0.01, 1.0)


def problem(channels=5, spend="at-most", goal=None, limits=(), last=None, **bounds):
    plan = Plan(
        budget=100 * channels,
        currency="CNY",
        channels=[
            Channel(f"c{n}", curve=Log(1, 1), labels={"side": str(n % 2)}, **bounds)
            for n in range(channels)
        ],
        spend=spend,
        goal=goal,
        limits=limits,
        max_change="none",
    )
    return problem_of(plan, last=last)


def random_draws(channels=5, draws=40, seed=1, sd=0.5):
    rng = np.random.default_rng(seed)
    weights = np.zeros((draws, channels, GRID.size))
    cell = rng.integers(0, GRID.size, (draws, channels, 1))
    amount = np.exp(4 + rng.normal(0, 0.4, channels) + rng.normal(0, sd, (draws, channels)))
    np.put_along_axis(weights, cell, amount[..., None], axis=-1)
    return Mixture(GRID.cells, weights)


def random_split(rng, lower, upper, budget):
    """Return a split that spends the budget within the bounds."""
    spend = lower + rng.dirichlet(np.full(lower.size, 0.5)) * (budget - lower.sum())
    for _ in range(50):
        spend = np.minimum(spend, upper)
        room = upper - spend
        spend = spend + room * (budget - spend.sum()) / room.sum()
    return np.minimum(spend, upper)


def gap(solved, sample, risk):
    return (solved.bound - risk.value(sample.value(solved.spend))) / abs(solved.bound)


def test_measures_by_hand():
    drawn = [4.0, 1.0, 3.0, 2.0]
    assert Risk.mean().value(drawn) == 2.5
    assert Risk.cvar(0.25).value(drawn) == 1.0
    assert Risk.cvar(0.5).value(drawn) == 1.5
    # The worst 3/8: all of the worst quarter, and half of the next.
    assert Risk.cvar(0.375).value(drawn) == pytest.approx((1.0 * 2 + 2.0) / 3)
    assert Risk.mean_cvar(0.5, 0.5).value(drawn) == 2.0
    assert [Risk.quantile(p).value(drawn) for p in (0.01, 0.25, 0.26, 0.5, 0.99)] == [1, 1, 2, 2, 4]
    assert Risk.chance(3).value(drawn) == 0.5
    assert Risk.chance().value(drawn, last=[4.0, 0.0, 0.0, 3.0]) == 0.5


@given(outcomes, tails, tails)
def test_cvar_is_at_most_the_mean_and_rises_with_the_tail(drawn, one, other):
    slack = 1e-9 * (1 + np.abs(drawn).max())
    less, more = sorted((one, other))
    assert Risk.cvar(less).value(drawn) <= Risk.cvar(more).value(drawn) + slack
    assert Risk.cvar(more).value(drawn) <= drawn.mean() + slack
    assert Risk.cvar(less).value(drawn) >= drawn.min() - slack


@given(outcomes, tails)
def test_cvar_is_the_best_level_of_rockafellar_and_uryasev(drawn, tail):
    levels = drawn[:, None]
    best = np.max(drawn - np.maximum(drawn - levels, 0).mean(axis=0) / tail)
    assert Risk.cvar(tail).value(drawn) == pytest.approx(best, abs=1e-6, rel=1e-9)


@given(outcomes, tails, st.floats(0, 1), st.floats(0.1, 10), st.floats(-100, 100))
def test_mean_cvar_is_coherent(drawn, tail, weight, factor, shift):
    risk, slack = Risk.mean_cvar(weight, tail), 1e-9 * (1 + 20 * np.abs(drawn).max())
    value = risk.value(drawn)
    assert risk.value(factor * drawn + shift) == pytest.approx(factor * value + shift, abs=slack)
    other = drawn[::-1]
    assert risk.value(drawn + other) >= value + risk.value(other) - slack
    assert risk.value(drawn + 1.0) >= value


@given(outcomes, st.floats(0.01, 0.99), tails)
def test_a_quantile_lies_above_the_cvar_of_its_tail(drawn, level, tail):
    value = Risk.quantile(level).value(drawn)
    assert np.mean(drawn <= value) >= level - 1e-9
    assert np.mean(drawn >= value) >= 1 - level - 1e-9
    assert Risk.cvar(level).value(drawn) <= value + 1e-9 * (1 + np.abs(drawn).max())


@given(outcomes, tails, st.floats(0.01, 1))
def test_weights_of_a_bound_are_made_to_be_allowed(noise, tail, weight):
    risk = Risk.mean_cvar(weight, tail)
    shares = allowed(np.abs(noise), noise.size, risk)
    assert shares.sum() == pytest.approx(1)
    assert np.all(shares >= (1 - weight) / noise.size - 1e-12)
    assert np.all(shares <= (1 - weight) / noise.size + weight / (noise.size * tail) + 1e-12)


@pytest.mark.parametrize(
    "make",
    [
        lambda: Risk.mean_cvar(1.01),
        lambda: Risk.mean_cvar(-0.01),
        lambda: Risk.cvar(0),
        lambda: Risk.cvar(1.01),
        lambda: Risk.cvar(np.nan),
        lambda: Risk.quantile(0),
        lambda: Risk.quantile(1),
        lambda: Risk.quantile("half"),
        lambda: Risk.chance(np.inf),
        lambda: Risk("median"),
    ],
)
def test_numbers_out_of_range_are_named(make):
    with pytest.raises(InputError, match=r"risk.\w+ is|kind of the risk is") as caught:
        make()
    assert caught.value.code == "bad-argument"


def test_a_chance_without_target_needs_last_week():
    with pytest.raises(InputError, match="last"):
        Risk.chance().value([1.0])


@pytest.mark.parametrize("risk", [Risk.mean(), Risk.mean_cvar(0), Risk.cvar(1)])
def test_no_weight_or_a_whole_tail_is_the_mean(risk):
    week, draws = problem(cap=250), random_draws()
    mean = Mixture(GRID.cells, np.asarray(draws.weights).mean(axis=0))
    best = waterfill(mean, week.lower, week.upper, 500.0)
    solved = risk_averse(week, draws, risk)
    assert solved.spend == pytest.approx(best.spend)
    assert solved.method == "waterfill"


@pytest.mark.parametrize("risk", [Risk.mean_cvar(0.3), Risk.cvar(), Risk.quantile(0.4)])
def test_one_draw_and_equal_draws_carry_no_risk(risk):
    week, one = problem(cap=250), random_draws(draws=1)
    best = waterfill(one.take(slice(None)), week.lower, week.upper, [500.0])
    for count in (1, 7):
        draws = Mixture(GRID.cells, np.repeat(np.asarray(one.weights), count, axis=0))
        solved = risk_averse(week, draws, risk)
        assert solved.spend == pytest.approx(best.spend[0], rel=1e-4, abs=1e-3)
        assert DrawProblem.of(week, draws).value(solved.spend)[0] == pytest.approx(
            one.value(best.spend[0]).sum(), rel=1e-9
        )


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("spend", ["at-most", "all"])
@pytest.mark.parametrize(
    "risk", [Risk.mean_cvar(0.5, 0.1), Risk.cvar(0.2), Risk.cvar(0.01), Risk.mean_cvar(0.1, 0.9)]
)
def test_mean_cvar_is_proven(seed, spend, risk):
    week, draws = problem(cap=220, floor=3, spend=spend), random_draws(seed=seed)
    sample = DrawProblem.of(week, draws)
    solved = risk_averse(week, draws, risk)
    assert -1e-12 < gap(solved, sample, risk) < 1e-9
    assert solved.spend.sum() <= 500 * (1 + 1e-12)
    assert np.all(solved.spend >= week.lower - 1e-9)
    assert np.all(solved.spend <= week.upper + 1e-9)
    rng = np.random.default_rng(seed)
    for _ in range(200):
        other = random_split(rng, week.lower, week.upper, 500.0)
        assert risk.value(sample.value(other)) <= solved.bound * (1 + 1e-9)


def test_a_safe_channel_gets_more_from_those_who_fear_risk():
    weights = np.zeros((2, 2, 1))
    weights[:, 0, 0], weights[:, 1, 0] = 1.0, [0.1, 2.1]
    draws, week = Mixture(Log([1.0], [10.0]), weights), problem(2)
    brave, careful = (risk_averse(week, draws, r).spend for r in (Risk.mean(), Risk.cvar(0.5)))
    assert brave[1] > brave[0]
    assert careful[0] > careful[1]
    # The second draw is never in the tail: the first alone counts, slopes 1 to 0.1.
    assert (10 + careful[0]) / (10 + careful[1]) == pytest.approx(10, rel=1e-6)


def test_prices_are_slopes_of_the_measure():
    draws, risk = random_draws(), Risk.mean_cvar(0.5, 0.1)
    week = problem(cap=250)
    solved = risk_averse(week, draws, risk)
    more = risk_averse(replace(week, budget=week.budget + 100), draws, risk)
    less = risk_averse(replace(week, budget=week.budget - 100), draws, risk)
    sample = DrawProblem.of(week, draws)
    high, low = (risk.value(sample.value(s.spend)) for s in (more, less))
    assert solved.prices[0] == pytest.approx((high - low) / 2, rel=1e-4)


@pytest.mark.parametrize(
    "rule",
    [
        {"limits": [Limit.group("even", {"side": "0"}, at_most=200)]},
        {"limits": [Limit.group("odd", {"side": "1"}, at_least="55%")], "spend": "all"},
        {"limits": [Limit.turnover(120)], "last": {f"c{n}": 100 for n in range(5)}},
        {"goal": Goal.most_profit()},
    ],
)
def test_rows_are_kept_and_proven(rule):
    week, draws, risk = problem(cap=250, **rule), random_draws(), Risk.mean_cvar(0.5, 0.1)
    solved = risk_averse(week, draws, risk)
    used = week.rows.used(solved.spend, np.zeros(5), week.last_money)
    assert np.all(used <= week.rows.room + 1e-6)
    assert -1e-12 < gap(solved, DrawProblem.of(week, draws), risk) < 1e-7


@pytest.mark.parametrize("factor", [1e-8, 1.0, 1e8])
def test_the_split_is_free_of_the_units_of_the_outcome(factor):
    draws, risk, week = random_draws(), Risk.mean_cvar(0.5, 0.1), problem(cap=250)
    scaled = Mixture(GRID.cells, factor * np.asarray(draws.weights))
    solved = risk_averse(week, scaled, risk)
    assert solved.spend == pytest.approx(risk_averse(week, draws, risk).spend, rel=1e-5, abs=1e-3)
    assert gap(solved, DrawProblem.of(week, scaled), risk) < 1e-9


def random_points(channels, draws, seed, kinds=4):
    """Return curves of straight pieces: every draw weighs the same few kinked cells."""
    rng = np.random.default_rng(seed)
    spend = np.cumsum(rng.uniform(10, 60, (kinds, 4)), axis=1)
    slopes = -np.sort(-rng.uniform(0.1, 3, (kinds, 4)), axis=1)
    outcome = np.cumsum(slopes * np.diff(spend, axis=1, prepend=0), axis=1)
    return Mixture(Points(spend, outcome), rng.gamma(0.4, 1, (draws, channels, kinds)))


def by_linear_program(draws, upper, budget, weight, tail):
    """Rockafellar and Uryasev's program, a variable for each straight piece of each channel."""
    knots = np.unique(np.asarray(draws.cells.spend))
    width = np.diff(knots)
    size, channels = np.asarray(draws.weights).shape[:2]
    heights = np.stack([draws.value(np.full(channels, knot)) for knot in knots], axis=-1)
    slopes = (np.diff(heights, axis=-1) / width).reshape(size, -1)
    pieces = slopes.shape[1]
    goal = np.concatenate(
        [-(1 - weight) * slopes.mean(axis=0), [-weight], np.full(size, weight / (size * tail))]
    )
    below = np.hstack([-slopes, np.ones((size, 1)), -np.eye(size)])
    total = np.concatenate([np.ones(pieces), np.zeros(1 + size)])
    each = np.hstack(
        [np.kron(np.eye(channels), np.ones(width.size)), np.zeros((channels, 1 + size))]
    )
    answer = linprog(
        goal,
        A_ub=np.vstack([below, total, each]),
        b_ub=np.concatenate([np.zeros(size), [budget], np.full(channels, upper)]),
        bounds=[(0, w) for w in np.tile(width, channels)] + [(None, None)] + [(0, None)] * size,
    )
    return -answer.fun


@pytest.mark.parametrize(("weight", "tail", "seed"), [(1.0, 0.2, 0), (0.4, 0.1, 1)])
def test_straight_pieces_agree_with_a_linear_program(weight, tail, seed):
    draws, week = random_points(3, 12, seed), problem(3, cap=150)
    risk = Risk.mean_cvar(weight, tail)
    solved = risk_averse(week, draws, risk)
    value = risk.value(DrawProblem.of(week, draws).value(solved.spend))
    best = by_linear_program(draws, 150.0, 300.0, weight, tail)
    assert value == pytest.approx(best, rel=1e-6)
    assert solved.bound == pytest.approx(best, rel=1e-6)


def test_columns_alone_close_the_gap_of_smooth_curves():
    week, draws, risk = problem(cap=250), random_draws(), Risk.cvar(0.1)
    sample = DrawProblem.of(week, draws)
    mean = sample.solve(np.full(sample.size, 1 / sample.size))
    solved = columns(sample, risk, mean, [mean.spend])
    assert solved.method == "columns"
    assert gap(solved, sample, risk) < 1e-6
    best = risk_averse(week, draws, risk)
    assert risk.value(sample.value(solved.spend)) <= best.bound
    assert solved.prices[0] == pytest.approx(best.prices[0], rel=1e-2)


def test_time_that_is_up_still_gives_a_verified_bound():
    draws, week = random_points(3, 12, 0), problem(3, cap=150)
    risk = Risk.cvar(0.2)
    solved = risk_averse(week, draws, risk, time_limit=0.0)
    value = risk.value(DrawProblem.of(week, draws).value(solved.spend))
    best = by_linear_program(draws, 150.0, 300.0, 1.0, 0.2)
    assert value <= best * (1 + 1e-9)
    assert solved.bound >= best * (1 - 1e-9)


@pytest.mark.parametrize("kind", ["quantile", "chance"])
def test_a_search_for_a_risk_ends_by_its_work(kind, monkeypatch):
    week, draws = problem(8, cap=150), random_draws(8, 60)
    even = float(np.quantile(draws.value(np.full(8, week.budget_money / 8)).sum(axis=-1), 0.6))
    risk = Risk.quantile(0.2) if kind == "quantile" else Risk.chance(even)
    turns, climb = [], search._best

    def counts(*given):
        turns.append(given)
        return climb(*given)

    monkeypatch.setattr(search, "_best", counts)
    whole = risk_averse(week, draws, risk)
    most, values = len(turns), DrawProblem.of(week, draws)
    monkeypatch.setattr(search, "_WORK", 0.0)
    short = [risk_averse(week, draws, risk) for _ in "ab"]
    assert len(turns) - most < 2 * most
    assert short[0].spend.tolist() == short[1].spend.tolist()
    worth = [risk.value(values.value(one.spend)) for one in (short[0], whole)]
    assert worth[0] <= worth[1] <= whole.bound
    assert short[0].bound == whole.bound


def grid_of_two_channels(sample, budget, steps):
    first = np.linspace(0, budget, steps)
    return sample.draws.value(np.stack([first, budget - first], axis=1)[:, None, :]).sum(axis=-1)


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize(
    "risk", [Risk.quantile(0.1), Risk.quantile(0.5), Risk.quantile(0.9), Risk.cvar(0.1)]
)
def test_two_channels_against_brute_force(seed, risk):
    week, draws = problem(2), random_draws(2, 25, seed)
    sample = DrawProblem.of(week, draws)
    solved = risk_averse(week, draws, risk)
    value = risk.value(sample.value(solved.spend))
    grid = grid_of_two_channels(sample, 200.0, 2001)
    best = max(risk.value(row) for row in grid)
    assert solved.bound >= max(best, value) * (1 - 1e-9)
    assert value >= best * (1 - (1e-6 if risk.concave else 0.01))


@pytest.mark.parametrize("seed", range(6))
def test_chances_of_two_channels_against_brute_force(seed):
    week, draws = problem(2), random_draws(2, 25, seed)
    sample = DrawProblem.of(week, draws)
    grid = grid_of_two_channels(sample, 200.0, 2001)
    mean = risk_averse(week, draws, Risk.mean()).spend
    risk = Risk.chance(float(np.quantile(sample.value(mean), 0.4)))
    solved = risk_averse(week, draws, risk)
    value = risk.value(sample.value(solved.spend))
    best = max(risk.value(row) for row in grid)
    assert value >= best - 0.08
    assert value >= risk.value(sample.value(mean))
    assert solved.bound >= best
    assert np.all(solved.prices == 0)


def test_beating_last_week_is_at_least_as_likely_as_with_the_mean():
    draws = random_draws()
    week = problem(cap=250, last={f"c{n}": 100 for n in range(5)})
    sample = DrawProblem.of(week, draws)
    last, risk = sample.value(week.last_money), Risk.chance()
    mean = risk_averse(week, draws, Risk.mean()).spend
    solved = risk_averse(week, draws, risk)
    value = risk.value(sample.value(solved.spend), last)
    assert value >= risk.value(sample.value(mean), last)
    assert value <= solved.bound <= 1


def test_what_cannot_be_kept_is_refused_and_the_mean_is_not():
    draws = random_draws()
    steep = Mixture(Hill([1.0], [50.0], [3.0]), np.ones((4, 5, 1)))
    with pytest.raises(SolverError, match="S-shaped") as caught:
        risk_averse(problem(), steep, Risk.cvar())
    assert caught.value.code == "not-concave"
    with pytest.raises(SolverError, match="off or at least") as caught:
        risk_averse(problem(off_or_at_least=20), draws, Risk.cvar())
    assert caught.value.code == "wrong-method"
    with pytest.raises(SolverError, match="lots"):
        risk_averse(problem(lot=10), draws, Risk.quantile(0.5))
    with pytest.raises(InputError, match="shape"):
        risk_averse(problem(4), draws, Risk.mean())


def test_the_same_input_gives_the_same_bytes():
    week, draws = problem(cap=250), random_draws()
    for risk in (Risk.cvar(), Risk.quantile(0.3)):
        one, two = (risk_averse(week, draws, risk) for _ in range(2))
        assert one.spend.tobytes() == two.spend.tobytes()


def test_concave_measures_of_offset_draws():
    week, draws = problem(cap=250), random_draws(draws=10)
    sample = DrawProblem.of(week, draws)
    away = np.linspace(0, 200, 10)
    offset = DrawProblem(week, draws, away)
    risk = Risk.cvar(0.1)
    solved: Solved = concave(offset, risk)
    value = float(np.min(sample.value(solved.spend) - away))
    assert solved.bound == pytest.approx(value, rel=1e-8)


def test_spread_by_hand():
    # Two channels, Log(1, 1) times the weight of the draw.
    weights = np.arange(1, 101, dtype=float)[:, None, None] * np.ones((1, 2, 1))
    draws = Mixture(Log([1.0], [1.0]), weights)
    unit = 2 * np.log(2)
    found = spread(draws, [1.0, 1.0], [1.0, 0.0])
    assert (found.low, found.median, found.high) == pytest.approx((5 * unit, 50 * unit, 95 * unit))
    assert found.mean == pytest.approx(50.5 * unit)
    assert (found.better, found.draws) == (1.0, 100)
    assert spread(draws, [1.0, 1.0], [1.0, 1.0]).better is None
    assert spread(draws, [1.0, 1.0]).better is None
    assert "90% of simulations" in found.summary()
    assert "100% of them" in found.summary()
    net = spread(draws, [1.0, 1.0], weight=2.0, cost=1.0)
    assert net.median == pytest.approx(100 * unit - 2)
