"""Curves of other models, against what they published."""

import io
import random

import numpy as np
import pandas as pd
import pytest

import budgetopt as bo
from budgetopt.errors import BudgetoptError
from budgetopt.exchange import from_draws, read_curves, read_points, read_robyn

from .shared_data import folder


def test_every_robyn_model_gives_its_published_responses():
    at = folder("robyn_models_2022")
    models = read_robyn(
        at / "pareto_hyperparameters.csv",
        at / "pareto_media.csv",
        at / "dt_simulated_weekly_2022.csv",
        ("2016-11-21", "2018-08-27"),
    )
    rows = pd.read_csv(at / "pareto_media.csv")
    assert len(models) == rows.solID.nunique() == 180
    found = [
        float(models[model][name].curve.value(spend))
        for model, name, spend in zip(rows.solID, rows.rn, rows.mean_spend, strict=True)
    ]
    assert found == pytest.approx(rows.mean_response.to_numpy(), rel=1e-12, abs=0)
    assert models["1_176_9"]["tv_S"].carryover is not None


def test_meridian_roi_and_marginal_roi():
    at = folder("meridian_optimum_2021_2024")
    curves = read_points(at / "response_curves_ci90.csv", weeks=156)
    published = pd.read_csv(at / "roi_mroi_spend.csv").set_index("channel")
    for name, one in curves.items():
        spend = published.spend[name] / 156
        assert float(one.mean.value(spend)) / spend == pytest.approx(published.roi[name], rel=1e-5)
        slope = (one.mean.value(1.01 * spend) - one.mean.value(spend)) / (0.01 * spend)
        assert float(slope) == pytest.approx(published.mroi[name], rel=1e-3)
        assert float(one.low.value(spend)) < float(one.mean.value(spend))
        assert float(one.mean.value(spend)) < float(one.high.value(spend))


def test_draws_are_their_mean_and_are_optimised():
    grid = np.linspace(0, 100, 21)
    rng = np.random.default_rng(5)
    tops, scales = rng.uniform(80, 120, 40), rng.uniform(20, 60, 40)
    draws = tops[:, None] * (1 - np.exp(-grid / scales[:, None]))
    curve = from_draws(grid, draws)
    assert curve.value(grid) == pytest.approx(draws.mean(axis=0), rel=1e-12)
    two = from_draws(grid, np.stack([draws, 2 * draws], axis=1))
    assert two.value(np.array([35.0, 35.0])) == pytest.approx(
        [float(curve.value(35.0)), 2 * float(curve.value(35.0))]
    )
    plan = bo.Plan(
        budget=100,
        currency="EUR",
        channels=[bo.Channel("a", curve=curve), bo.Channel("b", curve=bo.Log(30, 20))],
    )
    best = bo.allocate(plan)
    spend = {name: float(money) for name, money in best.spend.items()}
    sweep = [float(curve.value(x)) + float(bo.Log(30, 20).value(100 - x)) for x in range(101)]
    reached = float(curve.value(spend["a"])) + float(bo.Log(30, 20).value(spend["b"]))
    assert reached >= max(sweep) - 1e-9
    with pytest.raises(BudgetoptError):
        from_draws(grid, draws[:, :5])


TEXT = "channel,spend,mean\na,0,0\na,10,5\na,30,9\nb,0,0\nb,5,2\n"


@pytest.mark.parametrize("name", ["a.csv", "a.tsv", "a.xlsx", "a.parquet"])
def test_a_table_of_any_kind_has_curves(tmp_path, name):
    frame = pd.read_csv(io.StringIO(TEXT))
    write = {"xlsx": frame.to_excel, "parquet": frame.to_parquet}.get(name[2:], frame.to_csv)
    marks = {"sep": "\t"} if name.endswith("tsv") else {}
    write(tmp_path / name, **marks, **({} if name.endswith("parquet") else {"index": False}))
    found = read_curves(tmp_path / name)
    assert {channel: float(curve.value(5.0)) for channel, curve in found.items()} == {
        "a": 2.5,
        "b": 2.0,
    }


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "is empty"),
        ("channel,spend\na,1\n", "'mean' is not in the header"),
        (TEXT.replace("9", "x"), "line 4: 'mean' is 'x'"),
        (TEXT.replace("9", "3"), "falls"),
        (TEXT.replace("a,0,0", "a,0,2"), "is not 0"),
        (TEXT.replace("30", "inf"), "line 4: 'spend' is 'inf'"),
    ],
)
def test_tables_that_are_no_curves(tmp_path, text, said):
    path = tmp_path / "a.csv"
    path.write_text(text)
    with pytest.raises(BudgetoptError) as caught:
        read_points(path)
    assert said in str(caught.value)


def test_spoilt_tables_are_typed_errors(tmp_path):
    rng, path = random.Random(2), tmp_path / "a.csv"
    for _ in range(300):
        spoilt = bytearray(TEXT.encode())
        for _ in range(rng.randrange(1, 4)):
            spoilt[rng.randrange(len(spoilt))] = rng.choice(b'\x00\xff",\n9-ea')
        path.write_bytes(bytes(spoilt))
        try:
            read_points(path)
        except BudgetoptError:
            continue
