"""Draws of a foreign posterior, where a belief goes: allocation, risk and frontier."""

import numpy as np
import pytest

import budgetopt as bo
from budgetopt.errors import BudgetoptError, CurveError, InputError, SolverError
from budgetopt.exchange import CurveDraws, read_draws, read_parameters
from budgetopt.optimize import Risk


def posterior(draws=120, seed=3):
    """Two channels whose good draws go together, so that a tail sees the joint distribution."""
    rng = np.random.default_rng(seed)
    both = rng.normal(size=draws)
    top = np.exp(np.array([4.6 + 0.5 * both, 4.4 - 0.4 * both]) + 0.05 * rng.normal(size=draws))
    scale = rng.uniform(20, 60, size=(2, draws))
    return top, scale


def plan_of(*names, budget=100):
    return bo.Plan(budget=budget, currency="EUR", channels=[bo.Channel(n) for n in names])


def outcomes(top, scale, spend):
    return (top * np.tanh(np.asarray(spend)[:, None] / (2 * scale))).sum(axis=0)


def cvar(values, tail):
    worst = np.sort(values)[: round(values.size * tail)]
    return float(worst.mean())


def test_the_mean_and_the_tail_are_maximised_over_the_draws():
    top, scale = posterior()
    draws = CurveDraws(("a", "b"), bo.Logistic(top, scale))
    plan = plan_of("a", "b")
    splits = [(x, 100 - x) for x in np.linspace(0, 100, 2001)]
    each = [outcomes(top, scale, split) for split in splits]

    best = bo.allocate(plan, draws)
    assert best.outcome == pytest.approx(max(v.mean() for v in each), rel=1e-6)
    spend = [float(money) for money in best.spend.values()]
    assert draws.value(spend).sum(axis=1) == pytest.approx(outcomes(top, scale, spend))
    assert best.spread.draws == 120

    averse = bo.allocate(plan, draws, risk=Risk.cvar(0.1))
    assert averse.objective == pytest.approx(max(cvar(v, 0.1) for v in each), rel=1e-5)
    spend = [float(money) for money in averse.spend.values()]
    assert cvar(outcomes(top, scale, spend), 0.1) == pytest.approx(averse.objective, rel=1e-9)
    assert averse.objective > cvar(
        outcomes(top, scale, [float(m) for m in best.spend.values()]), 0.1
    )


def test_a_frontier_and_another_order_of_channels():
    top, scale = posterior(40)
    draws = CurveDraws(("b", "a"), bo.Logistic(top, scale))
    line = bo.frontier(plan_of("a", "b"), draws, [60, 80, 120])
    for point in line.points:
        spend = [float(point.allocation.spend[name]) for name in ("b", "a")]
        expected = outcomes(top, scale, spend).mean()
        assert point.allocation.outcome == pytest.approx(expected, rel=1e-9)
    averse = bo.allocate(plan_of("a", "b"), draws, risk=Risk.cvar(0.25), draws=40)
    spend = [float(averse.spend[name]) for name in ("b", "a")]
    assert cvar(outcomes(top, scale, spend), 0.25) == pytest.approx(averse.objective, rel=1e-9)


def test_points_on_a_grid_are_draws_too():
    top, scale = posterior(60)
    grid = np.linspace(0, 150, 76)
    heights = top.T[:, :, None] * np.tanh(grid / (2 * scale.T[:, :, None]))
    draws = CurveDraws.on_grid(("b", "a"), grid, heights)
    spend = np.array([31.0, 58.0])
    lines = [[np.interp(x, grid, heights[s, c]) for c, x in enumerate(spend)] for s in range(60)]
    assert draws.value(spend) == pytest.approx(np.array(lines))
    averse = bo.allocate(plan_of("a", "b"), draws, risk=Risk.cvar(0.2))
    assert averse.gap < 1e-5
    found = draws.value([float(averse.spend[name]) for name in ("b", "a")]).sum(axis=1)
    assert cvar(found, 0.2) == pytest.approx(averse.objective, rel=1e-9)


def test_s_shaped_draws_are_averaged_and_refused_for_a_tail():
    rng = np.random.default_rng(8)
    top, half, shape = rng.lognormal(4, 0.3, (2, 50)), rng.uniform(20, 50, (2, 50)), 2.5
    draws = CurveDraws(("a", "b"), bo.Hill(top, half, shape))
    best = bo.allocate(plan_of("a", "b"), draws)

    def mean(spend):
        with np.errstate(divide="ignore"):
            z = (half / np.asarray(spend, dtype=float)[:, None]) ** shape
        return float((top / (1 + z)).mean(axis=1).sum())

    best_of_all = max(mean((x, 100 - x)) for x in np.linspace(0, 100, 1001))
    assert mean([float(m) for m in best.spend.values()]) >= best_of_all * (1 - 1e-5)
    assert best.outcome == pytest.approx(best_of_all, rel=1e-5)
    with pytest.raises(SolverError, match="S-shaped"):
        bo.allocate(plan_of("a", "b"), draws, risk=Risk.cvar(0.1))


def test_a_draw_is_one_of_the_draws():
    top, scale = posterior(30)
    draws = CurveDraws(("a", "b"), bo.Logistic(top, scale))
    some = draws.draw(np.random.default_rng(4), 7).value([40.0, 60.0])
    every = draws.value([40.0, 60.0])
    matches = [int(np.flatnonzero(np.isclose(every, row).all(axis=1))[0]) for row in some]
    assert len(set(matches)) == 7
    assert draws.draw(np.random.default_rng(4), 500).value([40.0, 60.0]) == pytest.approx(every)


@pytest.mark.parametrize("asked", [0, -1, 1.5, True, "many"])
def test_how_many_draws_is_a_whole_number(asked):
    top, scale = posterior(5)
    with pytest.raises(InputError, match="draws is"):
        CurveDraws(("a", "b"), bo.Logistic(top, scale)).draw(np.random.default_rng(1), asked)


def test_too_many_draws_at_once_are_refused():
    many = CurveDraws(("a",), bo.Log(np.ones((1, 20_000)), 10.0))
    with pytest.raises(InputError, match="at most 11585"):
        many.draw(np.random.default_rng(1), 20_000)


@pytest.mark.parametrize(
    ("names", "curves"),
    [
        (("a",), bo.Log(np.ones((2, 3)), 1.0)),
        (("a", "b"), bo.Log(np.ones(2), 1.0)),
        (("a", "a"), bo.Log(np.ones((2, 3)), 1.0)),
        (("a", "b\x1b"), bo.Log(np.ones((2, 3)), 1.0)),
        ((), bo.Log(np.ones((0, 3)), 1.0)),
    ],
)
def test_shapes_and_names_that_do_not_go_together(names, curves):
    with pytest.raises(BudgetoptError):
        CurveDraws(names, curves)


def test_a_table_of_draws_gives_its_points(tmp_path):
    path = tmp_path / "draws.csv"
    rows = [
        f"{name},{draw},{spend},{(draw + 1) * spend / (10 + spend) * (2 if name == 'b' else 1)!r}"
        for name in "ab"
        for draw in range(3)
        for spend in (20, 0, 40)
    ]
    path.write_text("channel,draw,spend,outcome\n" + "\n".join(rows))
    draws = read_draws(path, weeks=2)
    assert (draws.channels, draws.size) == (("a", "b"), 3)
    expected = [[(d + 1) * 20 / 30 / 2, (d + 1) * 40 / 50] for d in range(3)]
    assert draws.value([10.0, 20.0]) == pytest.approx(np.array(expected))
    path.write_text("channel,draw,spend,outcome\n" + "\n".join(rows[:-1]))
    with pytest.raises(CurveError, match="other numbers of points"):
        read_draws(path)


def test_a_table_of_parameters_gives_its_curves(tmp_path):
    path = tmp_path / "parameters.csv"
    path.write_text(
        "channel,kind,draw,top,half,shape\n"
        "tv,hill,2,10,5,1\nsearch,hill,1,3,4,0.5\ntv,hill,1,8,5,1\nsearch,hill,2,4,4,0.5\n"
    )
    draws = read_parameters(path)
    assert draws.channels == ("tv", "search")
    assert draws.value([5.0, 4.0]) == pytest.approx(np.array([[5.0, 2.0], [4.0, 1.5]]))
    path.write_text("channel,kind,top,scale\ntv,log,10,5\nsearch,log,3,4\n")
    assert bo.allocate(plan_of("tv", "search"), read_parameters(path)).gap < 1e-6


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("channel,kind,top,scale\n", "none"),
        ("channel,kind,top,scale\na,lgo,1,1\n", "'lgo'"),
        ("channel,kind,top,scale\na,points,1,1\n", "'points'"),
        ("channel,kind,top,scale\na,log,1,1\nb,power,1,1\n", "one kind a table"),
        ("channel,kind,top\na,log,1\n", "'scale'"),
        ("channel,kind,top,scale\na,log,1,nan\n", "line 2"),
        ("channel,kind,top,scale\na,log,1,-1\n", "scale"),
        ("channel,kind,top,scale\na,log,1,1\na,log,1,1\n", "twice"),
        ("channel,kind,draw,top,scale\na,log,1,1,1\nb,log,2,1,1\n", "twice, or not for all"),
    ],
)
def test_tables_that_are_no_parameters(tmp_path, text, said):
    path = tmp_path / "a.csv"
    path.write_text(text)
    with pytest.raises(BudgetoptError) as caught:
        read_parameters(path)
    assert said in str(caught.value)
