"""Robyn's exported model JSON against its own tables and formulas."""

import copy
import json
from contextlib import suppress

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import weibull_min

import budgetopt as bo
from budgetopt.errors import BudgetoptError, CurveError
from budgetopt.exchange import CurveDraws, read_robyn, read_robyn_json

from .shared_data import folder

WINDOW = ("2016-11-21", "2018-08-27")


def exported(adstock="geometric", **changes):
    """Return a model as ``robyn_write`` writes it, of 40 weeks and two channels."""
    rng = np.random.default_rng(2)
    spend = rng.uniform(10, 100, (40, 2)) * (rng.random((40, 2)) < 0.7)
    days = np.datetime64("2024-01-01") + 7 * np.arange(40).astype("m8[D]")
    shapes = {"tv_shapes": [1.3], "tv_scales": [0.1], "web_shapes": [0.8], "web_scales": [0.04]}
    thetas = {"tv_thetas": [0.3], "web_thetas": [0]}
    values = {"tv_alphas": [1.4], "tv_gammas": [0.4], "web_alphas": [0.7], "web_gammas": [0.6]}
    return {
        "InputCollect": {
            "date_var": ["DATE"],
            "dayInterval": [7],
            "window_start": [str(days[5])],
            "window_end": [str(days[35])],
            "adstock": [adstock],
            "paid_media_spends": ["tv", "web"],
        },
        "ExportedModel": {
            "select_model": ["1_2_3"],
            "summary": [
                {"variable": "(Intercept)", "coef": 5.5},
                {"variable": "tv", "coef": 400.0},
                {"variable": "web", "coef": 250.0},
            ],
            "hyper_values": values | (thetas if adstock == "geometric" else shapes),
        },
        "Extras": {
            "raw_data": [
                {"DATE": str(day), "tv": float(a), "web": float(b)}
                for day, (a, b) in zip(days, spend, strict=True)
            ]
        },
    } | changes


def written(tmp_path, whole):
    path = tmp_path / "RobynModel-1_2_3.json"
    path.write_text(json.dumps(whole))
    return path


def raw_weights(adstock, name, steps):
    """Return Robyn's weights as its transformation computes them, by the distribution."""
    if adstock == "geometric":
        return {"tv": 0.3, "web": 0.0}[name] ** np.arange(steps, dtype=float)
    shape, share = {"tv": (1.3, 0.1), "web": (0.8, 0.04)}[name]
    scale = np.round(np.quantile(np.arange(1, steps + 1), share))
    if adstock == "weibull_cdf":
        lost = weibull_min.sf(np.arange(1, steps), shape, scale=scale)
        return np.cumprod(np.concatenate([[1.0], lost]))
    density = weibull_min.pdf(np.arange(1, steps + 1), shape, scale=scale)
    return (density - density.min()) / np.ptp(density)


@pytest.mark.parametrize("adstock", ["geometric", "weibull_cdf", "weibull_pdf"])
def test_an_exported_model_gives_the_response_of_its_formula(tmp_path, adstock):
    whole = exported(adstock)
    found = read_robyn_json(written(tmp_path, whole))
    for name, coef, alpha, gamma in (("tv", 400, 1.4, 0.4), ("web", 250, 0.7, 0.6)):
        spend = np.array([row[name] for row in whole["Extras"]["raw_data"]])
        weights = raw_weights(adstock, name, 40)
        z = np.array([weights[: t + 1] @ spend[t::-1][: t + 1] for t in range(40)])
        inside = z[5:36]
        half = (1 - gamma) * inside.min() + gamma * inside.max()
        at = np.array([3.0, 40.0, 300.0])
        response = coef * at**alpha / (at**alpha + half**alpha)
        assert found[name].curve.value(at) == pytest.approx(response, rel=1e-12)
        steady = at * weights.sum()
        kept_up = coef * steady**alpha / (steady**alpha + half**alpha)
        rel = 1e-5 if adstock == "geometric" else 1e-12
        assert found[name].steady.value(at) == pytest.approx(kept_up, rel=rel)
        if found[name].carryover is not None:
            lags = found[name].carryover.lags
            assert found[name].carryover.weights == pytest.approx(
                weights[:lags] / weights[:lags].sum(), abs=1e-12
            )


def test_a_daily_model_is_told_in_weeks(tmp_path):
    whole = exported()
    whole["InputCollect"]["dayInterval"] = [1]
    daily = read_robyn_json(written(tmp_path, whole))["tv"]
    assert float(daily.steady.value(70.0)) == pytest.approx(
        7 * float(daily.curve.value(10.0 / 0.7)), rel=1e-12
    )


def test_the_mean_response_in_the_file_must_be_ours(tmp_path):
    whole = exported()
    curve = read_robyn_json(written(tmp_path, whole))["tv"].curve
    row = whole["ExportedModel"]["summary"][1]
    row |= {"mean_spend": 44.0, "mean_response": round(float(curve.value(44.0)), 4)}
    read_robyn_json(written(tmp_path, whole))
    row["mean_response"] *= 3
    with pytest.raises(BudgetoptError, match="the file says that 'tv' brings"):
        read_robyn_json(written(tmp_path, whole))


def test_the_data_may_stand_beside_the_file(tmp_path):
    whole = exported()
    rows = pd.DataFrame(whole.pop("Extras")["raw_data"])
    rows.to_csv(tmp_path / "data.csv", index=False)
    path = written(tmp_path, whole)
    with pytest.raises(BudgetoptError, match="holds no data"):
        read_robyn_json(path)
    beside = read_robyn_json(path, tmp_path / "data.csv")
    within = read_robyn_json(written(tmp_path, exported()))
    assert beside == within


def exact(path):
    """Return a file's numbers to the last digit; pandas before 3 may lose it."""
    table = pd.read_csv(path, dtype=str, keep_default_na=False)
    for name in table.columns.drop("solID", errors="ignore"):
        with suppress(ValueError):
            table[name] = table[name].astype(float)
    return table


def test_every_model_of_2022_as_json_gives_its_published_response(tmp_path):
    at = folder("robyn_models_2022")
    fits = exact(at / "pareto_hyperparameters.csv").set_index("solID")
    media = exact(at / "pareto_media.csv")
    data = exact(at / "dt_simulated_weekly_2022.csv")
    models = read_robyn(
        at / "pareto_hyperparameters.csv",
        at / "pareto_media.csv",
        at / "dt_simulated_weekly_2022.csv",
        WINDOW,
    )
    for model in list(fits.index[:180:30]):
        rows = media[media.solID == model]
        names = [n for n in fits.columns if n.endswith(("_alphas", "_gammas", "_thetas"))]
        whole = {
            "InputCollect": {
                "date_var": ["DATE"],
                "dayInterval": [7],
                "window_start": [WINDOW[0]],
                "window_end": [WINDOW[1]],
                "adstock": ["geometric"],
                "paid_media_spends": list(rows.rn),
            },
            "ExportedModel": {
                "summary": [
                    {"variable": r.rn, "coef": r.coef, "mean_response": r.mean_response,
                     "mean_spend": r.mean_spend}
                    for r in rows.itertuples()
                ],
                "hyper_values": {n: [float(fits.loc[model, n])] for n in names},
            },
            "Extras": {"raw_data": data.to_dict("records")},
        }  # fmt: skip
        found = read_robyn_json(written(tmp_path, whole))
        assert found == models[model]
        responses = [float(found[r.rn].curve.value(r.mean_spend)) for r in rows.itertuples()]
        assert responses == pytest.approx(rows.mean_response.to_numpy(), rel=1e-12, abs=0)


def test_the_pareto_models_are_draws_to_allocate_on():
    at = folder("robyn_models_2022")
    models = read_robyn(
        at / "pareto_hyperparameters.csv",
        at / "pareto_media.csv",
        at / "dt_simulated_weekly_2022.csv",
        WINDOW,
    )
    steady = [{name: one.steady for name, one in model.items()} for model in models.values()]
    draws = CurveDraws.of_models(steady)
    assert draws.size == 180
    plan = bo.Plan(
        budget=400_000, currency="USD", channels=[bo.Channel(name) for name in draws.channels]
    )
    best = bo.allocate(plan, draws)
    spend = [float(money) for money in best.spend.values()]
    assert draws.value(spend).sum(axis=1).mean() == pytest.approx(best.outcome, rel=1e-5)
    rng = np.random.default_rng(1)
    for _ in range(200):
        other = rng.dirichlet(np.ones(5)) * 400_000
        assert draws.value(other).sum(axis=1).mean() <= best.bound * (1 + 1e-5)


def test_a_carryover_that_is_not_known_is_named(tmp_path):
    with pytest.raises(CurveError, match="'weibull_3'") as caught:
        read_robyn_json(written(tmp_path, exported("weibull_3")))
    assert caught.value.field == "adstock"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "null",
        "[" * 200_000,
        '{"InputCollect": {}, "ExportedModel": {"hyper_values": {}}}',
        '{"InputCollect": NaN, "ExportedModel": {}}',
        '{"InputCollect": {"a": ' + "9" * 5000 + "}}",
        "\x80",
    ],
)
def test_hostile_json(tmp_path, text):
    path = tmp_path / "a.json"
    path.write_bytes(text.encode("latin-1"))
    with pytest.raises(BudgetoptError):
        read_robyn_json(path)


_JUNK = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**400), 10**400)
    | st.floats()
    | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=5,
)


@given(data=st.data())
@settings(max_examples=100)
def test_a_spoilt_model_is_a_typed_error(tmp_path_factory, data):
    whole = exported(data.draw(st.sampled_from(["geometric", "weibull_cdf", "weibull_pdf"])))
    for _ in range(data.draw(st.integers(1, 3))):
        part = whole
        while isinstance(part, (dict, list)) and part:
            keys = list(part) if isinstance(part, dict) else list(range(len(part)))
            key = data.draw(st.sampled_from(keys))
            if not isinstance(part[key], (dict, list)) or data.draw(st.booleans()):
                part[key] = copy.deepcopy(data.draw(_JUNK))
                break
            part = part[key]
    path = tmp_path_factory.mktemp("fuzz") / "a.json"
    path.write_text(json.dumps(whole).encode("utf-8", "replace").decode())
    try:
        read_robyn_json(path)
    except BudgetoptError:
        return
