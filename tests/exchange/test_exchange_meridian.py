"""Saved InferenceData of Meridian, against its formulas computed apart."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import budgetopt as bo
from budgetopt.errors import BudgetoptError, CalendarError, CurveError, HistoryError
from budgetopt.exchange import read_meridian
from budgetopt.optimize import Risk

from .netcdf import save
from .shared_data import folder

CHANNELS = ["video", "search"]
REGIONS = ["north", "south", "east"]
RNG = np.random.default_rng(21)
SHAPE = (2, 15)
MEDIA = ("chain", "draw", "media_channel")


def layout(regions=REGIONS, **changes):
    """Return the groups of a saved model of two channels."""
    rng = np.random.default_rng(21)
    size = len(regions) if regions else 1
    posterior = {
        "media_channel": (("media_channel",), CHANNELS),
        "geo": (("geo",), regions or ["national_geo"]),
        "alpha_m": (MEDIA, rng.uniform(0.1, 0.8, (*SHAPE, 2)).astype("f4")),
        "ec_m": (MEDIA, rng.uniform(0.5, 2.0, (*SHAPE, 2)).astype("f4")),
        "slope_m": (MEDIA, np.ones((*SHAPE, 2), "f4")),
        "beta_gm": (
            ("chain", "draw", "geo", "media_channel"),
            rng.uniform(0.1, 1.0, (*SHAPE, size, 2)).astype("f4"),
        ),
        "sigma": (("chain", "draw", "geo"), np.ones((*SHAPE, size), "f4")),
    }
    return {"posterior": posterior | changes}


def model_data(regions=REGIONS, steps=26):
    """Return the data of a model, a row a region and week."""
    rows, rng = [], np.random.default_rng(22)
    for at, region in enumerate(regions or [""]):
        for step in range(steps):
            media = rng.uniform(0, 5000, 2) * (rng.random(2) < 0.8) * (at + 1)
            rows.append(
                {
                    "time": str(np.datetime64("2024-01-01") + np.timedelta64(7 * step, "D")),
                    "geo": region,
                    "population": 1000.0 * (at + 1),
                    "kpi": rng.uniform(100, 900) * (at + 1),
                    "revenue_per_kpi": rng.uniform(2, 4),
                    **{f"{c}_impression": x for c, x in zip(CHANNELS, media, strict=True)},
                    **{f"{c}_spend": x * 0.02 for c, x in zip(CHANNELS, media, strict=True)},
                }
            )
    return pd.DataFrame(rows)


def reported(groups, data, channel, draw, multiple, *, lags, decay, before, regions=REGIONS):
    """Return what Meridian's response curve says at a multiple, step by step."""
    chain, sample = divmod(draw, SHAPE[1])
    at = CHANNELS.index(channel)
    alpha, ec, slope, beta = (
        groups["posterior"][name][1][chain, sample, ..., at].astype(float)
        for name in ("alpha_m", "ec_m", "slope_m", "beta_gm")
    )
    by_region = [data[data.geo == region] for region in regions or [""]]
    people = [rows.population.iloc[0] if regions else 1.0 for rows in by_region]
    pairs = list(zip(by_region, people, strict=True))
    per_head = [rows[f"{channel}_impression"] / p for rows, p in pairs]
    median = np.median([x for rows in per_head for x in rows if x > 0])
    spread = np.std([k for rows, p in pairs for k in rows.kpi / p])
    steps = len(per_head[0])
    window = min(lags + 1, steps)
    raw = [
        alpha**lag if decay == "geometric" else (1 - lag / window) ** (1 / alpha - 1)
        for lag in range(window)
    ]
    weights = [w / sum(raw) for w in raw]

    def hill(z):
        return z**slope / (z**slope + ec**slope)

    total = 0.0
    for g, rows in enumerate(by_region):
        x = [multiple * value / median for value in per_head[g]]
        for t in range(steps):
            reach = [(w, x[t - lag]) for lag, w in enumerate(weights) if t >= lag]
            effect = (
                sum(w * hill(z) for w, z in reach) if before else hill(sum(w * z for w, z in reach))
            )
            worth = rows.revenue_per_kpi.iloc[t] * people[g] * spread
            total += worth * beta[g] * effect
    return total


def files(tmp_path, groups, data):
    data.to_csv(tmp_path / "data.csv", index=False)
    return save(tmp_path / "model.nc", groups), tmp_path / "data.csv"


@pytest.mark.parametrize(
    ("decay", "before", "slope"),
    [("geometric", False, 1.0), ("binomial", False, 1.0), ("geometric", True, 1.7)],
)
def test_the_curves_are_those_that_meridian_reports(tmp_path, decay, before, slope):
    groups, data = layout(), model_data()
    groups["posterior"]["slope_m"] = (MEDIA, np.full((*SHAPE, 2), slope))
    shuffled = data.sample(frac=1, random_state=3)
    draws = read_meridian(
        *files(tmp_path, groups, shuffled),
        geo="geo",
        max_lag=4,
        decay=decay,
        hill_before_adstock=before,
    )
    assert (draws.channels, draws.size) == (tuple(CHANNELS), 30)
    weekly = np.array([data[f"{c}_spend"].sum() / 26 for c in CHANNELS])
    for multiple in (1.0, 0.12, 2.43):
        found = draws.value(multiple * weekly)
        for draw in (0, 17, 29):
            for at, channel in enumerate(CHANNELS):
                expected = reported(groups, data, channel, draw, multiple,
                                    lags=4, decay=decay, before=before) / 26  # fmt: skip
                # At the money of the past it is a point of the curve, elsewhere between two.
                rel = 1e-9 if multiple == 1.0 else 2e-4
                assert found[draw, at] == pytest.approx(expected, rel=rel)


def test_a_national_model_and_its_tail(tmp_path):
    groups, data = layout(None), model_data(None)
    draws = read_meridian(*files(tmp_path, groups, data.drop(columns=["geo", "population"])))
    weekly = [data[f"{c}_spend"].sum() / 26 for c in CHANNELS]
    for at, channel in enumerate(CHANNELS):
        expected = reported(groups, data, channel, 7, 1.0, lags=8, decay="geometric",
                            before=False, regions=None) / 26  # fmt: skip
        assert draws.value(weekly)[7, at] == pytest.approx(expected, rel=1e-9)
    plan = bo.Plan(
        budget=round(sum(weekly)), currency="USD", channels=[bo.Channel(n) for n in CHANNELS]
    )
    best = bo.allocate(plan, draws, risk=Risk.cvar(0.2))

    def cvar(spend):
        return np.sort(draws.value(spend).sum(axis=1))[:6].mean()

    total = float(plan.budget)
    assert cvar([float(m) for m in best.spend.values()]) == pytest.approx(best.objective)
    tried = [cvar([x, total - x]) for x in np.linspace(0, total, 400)]
    assert best.objective >= max(tried) * (1 - 1e-6)


def test_few_draws_are_taken_evenly_and_kpi_may_be_the_outcome(tmp_path):
    both = files(tmp_path, layout(None), model_data(None).drop(columns="revenue_per_kpi"))
    every = read_meridian(*both, value=None)
    some = read_meridian(*both, value=None, draws=3)
    spend = [100.0, 80.0]
    assert some.value(spend) == pytest.approx(every.value(spend)[[0, 14, 29]])
    with pytest.raises(HistoryError, match="revenue_per_kpi"):
        read_meridian(*both)


def test_the_national_data_of_meridian_are_read_as_they_are(tmp_path):
    table = folder("meridian_national") / "national_media.csv"
    names = [f"Channel{at}" for at in range(4)]
    wide = (*SHAPE, 4)
    groups = layout(
        None,
        media_channel=(("media_channel",), names),
        alpha_m=(MEDIA, RNG.uniform(0.1, 0.6, wide)),
        ec_m=(MEDIA, RNG.uniform(0.5, 2, wide)),
        slope_m=(MEDIA, np.ones(wide)),
        beta_gm=(("chain", "draw", "geo", "media_channel"), RNG.uniform(0.1, 1, (*SHAPE, 1, 4))),
    )
    path = save(tmp_path / "model.nc", groups)
    draws = read_meridian(path, table, kpi="conversions", value="revenue_per_conversion")
    data = pd.read_csv(table)
    spend = [data[f"{name}_spend"].mean() for name in names]
    best = bo.allocate(
        bo.Plan(budget=round(sum(spend)), currency="USD", channels=[bo.Channel(n) for n in names]),
        draws,
    )
    assert best.outcome >= draws.value(spend).sum(axis=1).mean()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"alpha_rf": (("chain", "draw"), np.ones(SHAPE))}, "reach and frequency"),
        ({"ec_m": (MEDIA, np.zeros((*SHAPE, 2)))}, "ec_m is not between"),
        ({"alpha_m": (MEDIA, np.full((*SHAPE, 2), 1.2))}, "alpha_m is not between"),
        ({"slope_m": (("chain", "draw"), np.ones(SHAPE))}, "has the shape"),
        ({"beta_gm": (MEDIA, np.ones((*SHAPE, 2)))}, "has the shape"),
    ],
)
def test_models_that_are_not_read(tmp_path, change, said):
    with pytest.raises(BudgetoptError, match=said):
        read_meridian(*files(tmp_path, layout(**change), model_data()), geo="geo")


def test_channels_of_reach_may_be_left_out(tmp_path):
    groups = layout(None, alpha_rf=(("chain", "draw"), np.ones(SHAPE)))
    both = files(tmp_path, groups, model_data(None))
    assert read_meridian(*both, media_only=True).channels == tuple(CHANNELS)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda d: d.drop(columns="kpi"),
        lambda d: d.drop(index=3),
        lambda d: pd.concat([d, d[:1]]),
        lambda d: d.assign(geo=d.geo.replace("east", "west")),
        lambda d: d.assign(population=0.0),
        lambda d: d.assign(video_spend=0.0),
        lambda d: d.assign(video_impression=0.0),
        lambda d: d.assign(video_impression=-1.0),
        lambda d: d.assign(time="never"),
        lambda d: d.assign(kpi=d.kpi.astype(object).where(d.index != 5, "x")),
        lambda d: d[d.time == "2024-01-01"],
    ],
)
def test_data_that_are_not_the_models(tmp_path, spoil):
    with pytest.raises((HistoryError, CalendarError)):
        read_meridian(*files(tmp_path, layout(), spoil(model_data())), geo="geo")


@pytest.mark.parametrize(
    "options",
    [{"decay": "weibull"}, {"max_lag": -1}, {"max_lag": 1.5}, {"draws": 0}, {"upto": 0}],
)
def test_arguments_out_of_range(tmp_path, options):
    with pytest.raises((CurveError, HistoryError)):
        read_meridian(*files(tmp_path, layout(), model_data()), geo="geo", **options)


@given(data=st.data())
@settings(max_examples=40)
def test_spoilt_bytes_are_typed_errors(tmp_path_factory, data):
    at = tmp_path_factory.getbasetemp() / "fuzz-meridian"
    if not at.exists():
        at.mkdir()
        files(at, layout(None), model_data(None))
    which = data.draw(st.sampled_from(["model.nc", "data.csv"]))
    spoilt = bytearray((at / which).read_bytes())
    for _ in range(data.draw(st.integers(1, 4))):
        spoilt[data.draw(st.integers(0, len(spoilt) - 1))] = data.draw(st.integers(0, 255))
    both = {name: at / name for name in ("model.nc", "data.csv")} | {which: at / "spoilt"}
    both[which].write_bytes(spoilt)
    try:
        read_meridian(both["model.nc"], both["data.csv"], draws=3)
    except BudgetoptError:
        return


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_a_file_that_arviz_wrote(tmp_path):
    az = pytest.importorskip("arviz")
    groups, data = layout(), model_data()
    drawn = {k: v for k, (d, v) in groups["posterior"].items() if "draw" in d}
    az.from_dict(
        posterior=drawn,
        coords={"media_channel": CHANNELS, "geo": REGIONS},
        dims={k: list(groups["posterior"][k][0][2:]) for k in drawn},
    ).to_netcdf(str(tmp_path / "arviz.nc"))
    path, table = files(tmp_path, groups, data)
    ours = read_meridian(path, table, geo="geo").value([300.0, 200.0])
    assert read_meridian(tmp_path / "arviz.nc", table, geo="geo").value([300.0, 200.0]) == (
        pytest.approx(ours, rel=1e-12)
    )
