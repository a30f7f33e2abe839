"""Saved InferenceData of PyMC-Marketing, against its formulas computed apart."""

import json
import sys

import h5py
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import weibull_min

import budgetopt as bo
from budgetopt.errors import BudgetoptError, CurveError, HistoryError
from budgetopt.exchange import read_pymc
from budgetopt.optimize import Risk

from .netcdf import save

CHANNELS = ["tv", "社交", "search"]
CHANNEL_SCALE = np.array([900.0, 400.0, 2500.0])
TARGET_SCALE = 8000.0
RNG = np.random.default_rng(12)
SHAPE = (2, 20, 3)
ALL = ("chain", "draw", "channel")


def between(low, high, shape=SHAPE):
    return RNG.uniform(low, high, shape)


# The saturations as PyMC-Marketing states them, of money over the channel's scale.
SATURATIONS = {
    "logistic": (
        {"lam": between(1, 5), "beta": between(0.1, 0.5)},
        lambda x, lam, beta: beta * (1 - np.exp(-lam * x)) / (1 + np.exp(-lam * x)),
    ),
    "inverse_scaled_logistic": (
        {"lam": between(0.2, 1), "beta": between(0.1, 0.5)},
        lambda x, lam, beta: (
            beta * (1 - np.exp(-np.log(3) / lam * x)) / (1 + np.exp(-np.log(3) / lam * x))
        ),
    ),
    "tanh": (
        {"b": between(0.1, 0.5), "c": between(0.5, 2)},
        lambda x, b, c: b * np.tanh(x / (b * c)),
    ),
    "tanh_baselined": (
        {"x0": between(0.2, 1), "gain": between(0.2, 1), "r": between(0.2, 0.9),
         "beta": between(0.5, 1)},
        lambda x, x0, gain, r, beta: beta * gain * x0 * np.tanh(x * np.arctanh(r) / x0) / r,
    ),
    "michaelis_menten": (
        {"alpha": between(0.1, 0.5), "lam": between(0.2, 1)},
        lambda x, alpha, lam: alpha * x / (lam + x),
    ),
    "hill": (
        {"slope": between(0.5, 2.5), "kappa": between(0.2, 1), "beta": between(0.1, 0.5)},
        lambda x, slope, kappa, beta: beta * (1 - kappa**slope / (kappa**slope + x**slope)),
    ),
    "root": (
        {"alpha": between(0.2, 0.8), "beta": between(0.1, 0.5)},
        lambda x, alpha, beta: beta * x**alpha,
    ),
}  # fmt: skip
ADSTOCKS = {
    "geometric": {"alpha": between(0.1, 0.7)},
    "delayed": {"alpha": between(0.2, 0.7), "theta": between(0, 3)},
    "weibull_pdf": {"lam": between(1, 4), "k": between(1.2, 3)},
    "weibull_cdf": {"lam": between(1, 4), "k": between(0.8, 3)},
    "no_adstock": {},
}


def weights(kind, length, **p):
    """Return the weights of an adstock of one draw, as PyMC-Marketing computes them."""
    lag = np.arange(length)
    if kind == "geometric":
        return p["alpha"] ** lag
    if kind == "delayed":
        return p["alpha"] ** ((lag - p["theta"]) ** 2)
    if kind == "weibull_pdf":
        density = weibull_min.pdf(lag + 1, p["k"], scale=p["lam"])
        return (density - density.min()) / np.ptp(density)
    if kind == "weibull_cdf":
        lost = 1 - weibull_min.cdf(lag + 1, p["k"], scale=p["lam"])
        return np.cumprod(np.concatenate([[1.0], lost]))
    return np.ones(1)


def layout(saturation="logistic", adstock="geometric", normalize=True, **attrs):
    """Return groups and attributes of a saved model."""
    posterior = {"chain": (("chain",), np.arange(2)), "channel": (("channel",), CHANNELS)}
    for prefix, parts in (
        ("saturation", SATURATIONS[saturation][0]),
        ("adstock", ADSTOCKS[adstock]),
    ):
        posterior |= {f"{prefix}_{name}": (ALL, values) for name, values in parts.items()}
    posterior |= {f"intercept_{at}": (("chain", "draw"), np.ones(SHAPE[:2])) for at in range(12)}
    days = np.arange(30) * 7
    constant = {
        "channel": (("channel",), CHANNELS),
        "date": (("date",), days),
        "channel_data": (("date", "channel"), RNG.random((30, 3))),
        "channel_scale": (("channel",), CHANNEL_SCALE),
        "target_scale": ((), np.float64(TARGET_SCALE)),
    }
    declared = {
        "saturation": {"lookup_name": saturation, "prefix": "saturation", "priors": {}},
        "adstock": {"lookup_name": adstock, "prefix": "adstock", "priors": {}, "l_max": 8,
                    "normalize": normalize, "mode": "After"},
        "adstock_first": True,
        "dims": [],
        "channel_columns": CHANNELS,
        "time_varying_media": False,
        "model_config": {},
    } | attrs  # fmt: skip
    groups = {"posterior": posterior, "constant_data": constant}
    return groups, {k: v if isinstance(v, str) else json.dumps(v) for k, v in declared.items()}


def saved(tmp_path, *args, change=None, **attrs):
    groups, told = layout(*args, **attrs)
    if change:
        change(groups, told)
    path = save(tmp_path / "model.nc", groups, told)
    with h5py.File(path, "a") as file:
        if "date" in file.get("constant_data", ()):
            file["constant_data/date"].attrs["units"] = "days since 2024-01-01 00:00:00"
    return path


SPENDS = np.array([[0.0, 0.0, 0.0], [500.0, 120.0, 900.0], [4000.0, 2500.0, 9000.0]])


def formula(saturation, spend, times=1.0):
    """Return what each draw brings by the stated formula, shape ``(draws, channels)``."""
    parts, function = SATURATIONS[saturation]
    flat = {name: values.reshape(-1, 3) for name, values in parts.items()}
    return TARGET_SCALE * function(times * spend / CHANNEL_SCALE, **flat)


@pytest.mark.parametrize("saturation", list(SATURATIONS))
def test_every_saturation_gives_the_curves_of_its_draws(tmp_path, saturation):
    draws = read_pymc(saved(tmp_path, saturation))
    assert draws.channels == tuple(CHANNELS)
    assert draws.size == 40
    for spend in SPENDS:
        assert draws.value(spend) == pytest.approx(formula(saturation, spend), rel=1e-12, abs=1e-9)


@pytest.mark.parametrize("adstock", list(ADSTOCKS))
def test_every_adstock_gives_its_kernel_and_what_a_steady_week_has(tmp_path, adstock):
    parts = {name: values.reshape(-1, 3) for name, values in ADSTOCKS[adstock].items()}
    total = np.array(
        [
            [weights(adstock, 8, **{k: v[s, c] for k, v in parts.items()}).sum() for c in range(3)]
            for s in range(40)
        ]
    )
    spend = SPENDS[1]
    normal = read_pymc(saved(tmp_path, "logistic", adstock))
    assert normal.value(spend) == pytest.approx(formula("logistic", spend), rel=1e-12)
    raw = read_pymc(saved(tmp_path, "logistic", adstock, normalize=False))
    assert raw.value(spend) == pytest.approx(formula("logistic", spend, total), rel=1e-9)
    first = read_pymc(saved(tmp_path, "logistic", adstock, normalize=False, adstock_first=False))
    assert first.value(spend) == pytest.approx(total * formula("logistic", spend), rel=1e-9)
    for at, carryover in enumerate(normal.carryovers):
        mean = {name: values[:, at].mean() for name, values in parts.items()}
        kernel = weights(adstock, 8, **mean)
        if carryover is None:
            assert adstock == "no_adstock"
        else:
            assert carryover.weights == pytest.approx(kernel / kernel.sum(), abs=1e-12)


def test_the_tail_of_the_draws_is_maximised(tmp_path):
    draws = read_pymc(saved(tmp_path, "michaelis_menten"))
    plan = bo.Plan(budget=3000, currency="EUR", channels=[bo.Channel(n) for n in CHANNELS])
    best = bo.allocate(plan, draws, risk=Risk.cvar(0.1))

    def cvar(spend):
        values = formula("michaelis_menten", np.asarray(spend)).sum(axis=1)
        return np.sort(values)[:4].mean()

    assert cvar([float(money) for money in best.spend.values()]) == pytest.approx(best.objective)
    rng = np.random.default_rng(5)
    tried = rng.dirichlet(np.ones(3), 3000) * 3000
    assert max(map(cvar, tried)) <= best.objective * (1 + 1e-9)
    assert best.objective <= best.bound * (1 + 1e-9)
    line = bo.frontier(plan, draws, [2000, 3000], risk=Risk.cvar(0.1))
    assert line.points[1].allocation.objective == pytest.approx(best.objective, rel=1e-6)


def test_a_parameter_that_all_channels_share_and_one_that_was_fixed(tmp_path):
    shared = between(1, 5, SHAPE[:2])

    def change(groups, told):
        groups["posterior"]["saturation_lam"] = (("chain", "draw"), shared)
        del groups["posterior"]["saturation_beta"]
        told["saturation"] = json.dumps({"lookup_name": "logistic", "priors": {"beta": 0.3}})

    draws = read_pymc(saved(tmp_path, change=change))
    x = SPENDS[1] / CHANNEL_SCALE
    expected = TARGET_SCALE * 0.3 * np.tanh(shared.reshape(-1, 1) * x / 2)
    assert draws.value(SPENDS[1]) == pytest.approx(expected)


def test_a_daily_model_is_told_in_weeks(tmp_path):
    def change(groups, told):
        groups["constant_data"]["date"] = (("date",), np.arange(30))

    draws = read_pymc(saved(tmp_path, change=change))
    assert draws.value(SPENDS[1]) == pytest.approx(7 * formula("logistic", SPENDS[1] / 7))
    assert draws.carryovers == ()

    def months(groups, told):
        groups["constant_data"]["date"] = (("date",), np.cumsum([31, 28] * 15))

    with pytest.raises(HistoryError, match="differ in length"):
        read_pymc(saved(tmp_path, change=months))
    yearly = read_pymc(saved(tmp_path, change=months), days=14)
    assert yearly.value(SPENDS[1]) == pytest.approx(formula("logistic", 2 * SPENDS[1]) / 2)


def test_a_model_of_regions_has_a_curve_for_each(tmp_path):
    shape = (2, 20, 2, 3)
    lam, beta = between(1, 5, shape), between(0.1, 0.5, shape)
    scale, target = between(100, 900, (2, 3)), np.array([5000.0, 9000.0])

    def change(groups, told):
        axes = ("chain", "draw", "geo", "channel")
        posterior, constant = groups["posterior"], groups["constant_data"]
        posterior["geo"] = constant["geo"] = (("geo",), ["north", "south"])
        posterior |= {"saturation_lam": (axes, lam), "saturation_beta": (axes, beta)}
        constant["channel_scale"] = (("geo", "channel"), scale)
        constant["target_scale"] = (("geo",), target)
        told["dims"] = json.dumps(["geo"])

    draws = read_pymc(saved(tmp_path, change=change))
    assert draws.channels[:4] == ("north/tv", "north/社交", "north/search", "south/tv")
    spend = np.linspace(50, 400, 6)
    x = (spend.reshape(2, 3) / scale) * lam.reshape(-1, 2, 3)
    expected = target[:, None] * beta.reshape(-1, 2, 3) * np.tanh(x / 2)
    assert draws.value(spend) == pytest.approx(expected.reshape(-1, 6))


def test_older_files_keep_the_data_and_not_the_scales(tmp_path):
    data = between(10, 100, (30, 3))
    sales = between(1000, 5000, 30)

    def change(groups, told):
        del groups["constant_data"]
        plain = ["tv", "social", "search"]
        groups["posterior"]["channel"] = (("channel",), plain)
        groups["fit_data"] = {name: (("index",), data[:, at]) for at, name in enumerate(plain)}
        groups["fit_data"]["y"] = (("index",), sales)

    draws = read_pymc(saved(tmp_path, change=change))
    flat = {k: v.reshape(-1, 3) for k, v in SATURATIONS["logistic"][0].items()}
    x = SPENDS[1] / data.max(axis=0)
    expected = sales.max() * flat["beta"] * np.tanh(flat["lam"] * x / 2)
    assert draws.value(SPENDS[1]) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("name", "told", "field"),
    [
        ("saturation", {"lookup_name": "hill_sigmoid"}, "saturation"),
        ("saturation", {"lookup_name": "no_saturation"}, "saturation"),
        ("adstock", {"lookup_name": "binomial", "l_max": 8}, "adstock"),
        ("adstock", {"lookup_name": "geometric", "l_max": 8, "mode": "Before"}, "adstock.mode"),
        ("adstock", {"lookup_name": "geometric", "l_max": 0}, "adstock.l_max"),
        ("adstock", {"lookup_name": "geometric", "l_max": "x"}, "adstock.l_max"),
        ("time_varying_media", True, "time_varying_media"),
        ("cost_per_unit", {"columns": []}, "cost_per_unit"),
    ],
)
def test_what_no_curve_here_expresses_is_named(tmp_path, name, told, field):
    def change(groups, attrs):
        attrs[name] = json.dumps(told)

    with pytest.raises(CurveError) as caught:
        read_pymc(saved(tmp_path, change=change))
    assert caught.value.field == field


def drop(group, *names):
    def change(groups, told):
        for name in names:
            del groups[group][name]

    return change


def put(group, name, dims, values):
    def change(groups, told):
        groups[group][name] = (dims, values)

    return change


@pytest.mark.parametrize(
    "change",
    [
        drop("posterior", "saturation_lam"),
        drop("constant_data", "channel_scale"),
        put("posterior", "saturation_lam", ALL, np.full(SHAPE, np.nan)),
        put("posterior", "saturation_lam", ALL, np.full(SHAPE, -1.0)),
        put("posterior", "saturation_lam", ("draw", "chain", "channel"), np.ones((2, 20, 3))),
        put("posterior", "saturation_lam", ("chain", "draw", "x"), np.ones((2, 20, 4))),
        put("posterior", "channel", ("channel",), ["tv", "tv", "search"]),
        put("posterior", "channel", ("channel",), ["tv", "a\x1b[2J", "search"]),
        put("constant_data", "channel_scale", ("channel",), np.zeros(3)),
        put("constant_data", "target_scale", ("date",), np.ones(30)),
        put("posterior", "adstock_alpha", ALL, np.full(SHAPE, 1.5)),
    ],
)
def test_spoilt_variables_are_typed_errors(tmp_path, change):
    def wrong(groups, told):
        change(groups, told)
        told["channel_columns"] = "null"

    with pytest.raises(BudgetoptError):
        read_pymc(saved(tmp_path, change=wrong))


def test_lying_shapes_are_refused_before_they_take_memory(tmp_path):
    path = saved(tmp_path)
    with h5py.File(path, "a") as file:
        del file["posterior/saturation_lam"]
        file["posterior"].create_dataset("saturation_lam", (10**6, 10**6, 3), "f8", chunks=True)
    with pytest.raises(HistoryError, match="larger than what is read"):
        read_pymc(path)


def test_a_chunk_that_unpacks_to_more_than_it_says_is_refused(tmp_path):
    import zlib

    path = saved(tmp_path)
    with h5py.File(path, "a") as file:
        del file["posterior/saturation_lam"]
        data = file["posterior"].create_dataset(
            "saturation_lam", SHAPE, "f8", chunks=SHAPE, compression="gzip"
        )
        data.id.write_direct_chunk((0, 0, 0), zlib.compress(bytes(50 * 2**20)))
        for at, dim in enumerate(ALL):
            data.dims[at].attach_scale(file["posterior"][dim])
    with pytest.raises(HistoryError, match="too large"):
        read_pymc(path)


def test_links_to_other_files_lead_nowhere(tmp_path):
    path, other = saved(tmp_path), tmp_path / "other.nc"
    groups, told = layout()
    save(other, groups, told)
    with h5py.File(path, "a") as file:
        del file["posterior/saturation_lam"]
        file["posterior/saturation_lam"] = h5py.ExternalLink(str(other), "posterior/saturation_lam")
    with pytest.raises(HistoryError):
        read_pymc(path)


@pytest.mark.parametrize("data", [b"", b"\x80\x04K\x01.", b"CDF\x01", b"\x89HDF\r\n\x1a\n" * 9])
def test_files_that_are_no_netcdf(tmp_path, data):
    path = tmp_path / "model.nc"
    path.write_bytes(data)
    with pytest.raises(HistoryError) as caught:
        read_pymc(path)
    assert caught.value.code == "bad-file"


def test_a_large_sparse_file_is_refused(tmp_path):
    path = saved(tmp_path)
    with path.open("r+b") as file:
        file.truncate(2**31)
    with pytest.raises(HistoryError, match="512 MiB"):
        read_pymc(path)


@given(data=st.data())
@settings(max_examples=100)
def test_a_file_with_spoilt_bytes_is_a_typed_error(tmp_path_factory, data):
    folder = tmp_path_factory.getbasetemp() / "fuzz-pymc"
    folder.mkdir(exist_ok=True)
    whole = folder / "whole.nc"
    if not whole.exists():
        whole.write_bytes(saved(folder).read_bytes())
    spoilt = bytearray(whole.read_bytes())
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(spoilt) - 1))
        spoilt[at] = data.draw(st.integers(0, 255))
    if data.draw(st.booleans()):
        del spoilt[data.draw(st.integers(0, len(spoilt))) :]
    path = folder / "spoilt.nc"
    path.write_bytes(spoilt)
    try:
        read_pymc(path)
    except BudgetoptError:
        return


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_a_file_that_arviz_wrote(tmp_path):
    az = pytest.importorskip("arviz")
    groups, told = layout()
    made = az.from_dict(
        posterior={k: v for k, (d, v) in groups["posterior"].items() if "draw" in d},
        constant_data={k: groups["constant_data"][k][1] for k in ("channel_data", "channel_scale")},
        coords={
            "channel": CHANNELS,
            "date": np.datetime64("2024-01-01") + 7 * np.arange(30).astype("m8[D]"),
        },
        dims={
            **{k: list(d[2:]) for k, (d, _) in groups["posterior"].items() if "draw" in d},
            "channel_data": ["date", "channel"],
            "channel_scale": ["channel"],
        },
    )
    made.constant_data["target_scale"] = np.float64(TARGET_SCALE)
    made.attrs.update(told)
    path = tmp_path / "arviz.nc"
    made.to_netcdf(str(path))
    draws = read_pymc(path)
    for spend in SPENDS:
        assert draws.value(spend) == pytest.approx(formula("logistic", spend), rel=1e-12, abs=1e-9)
    assert draws.carryovers[0].length == 8


def test_what_is_not_installed_is_named(tmp_path, monkeypatch):
    path = saved(tmp_path)
    monkeypatch.setitem(sys.modules, "pyfive", None)
    with pytest.raises(HistoryError, match=r"pip install 'budgetopt\[models\]'"):
        read_pymc(path)


def test_an_attribute_that_says_it_is_longer_than_the_file_is_refused(tmp_path):
    path = saved(tmp_path)
    with h5py.File(path, "a") as file:
        data = file["posterior/saturation_lam"]
        data.attrs.create("many", np.array(["x", "y"], dtype=object), dtype=h5py.string_dtype())
    whole = bytearray(path.read_bytes())
    # The attribute's dataspace: one axis of two, which becomes four thousand million.
    at = whole.index(b"many\x00")
    where = whole.index((2).to_bytes(8, "little"), at)
    whole[where : where + 8] = (2**32).to_bytes(8, "little")
    path.write_bytes(whole)
    with pytest.raises(HistoryError, match="damaged or too large"):
        read_pymc(path)


@pytest.mark.parametrize(
    ("made", "said", "chinese"),
    [
        ({"data": ["x", "y"], "dtype": h5py.string_dtype()}, "holds no numbers", "不是数值"),
        ({"shape": (2**26,), "dtype": "f8"}, "is larger than", "超过可读取的大小"),
        ({"data": np.ones((2, 9)), "compression": "lzf"}, "is packed in a way", "压缩方式无法读取"),
    ],
)
def test_what_of_a_file_is_not_read_is_said(tmp_path, made, said, chinese):
    path = saved(tmp_path)
    with h5py.File(path, "a") as file:
        del file["posterior/saturation_lam"]
        file["posterior"].create_dataset("saturation_lam", **made)
    with pytest.raises(HistoryError, match=f"saturation_lam of model.nc {said}") as caught:
        read_pymc(path)
    assert caught.value.field == "saturation_lam"
    assert chinese in caught.value.to_dict("zh")["message"]
