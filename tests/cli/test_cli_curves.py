"""Curves of another model on the command line."""

import json

import numpy as np
import pytest

from budgetopt.exchange import read_curves

from ..exchange import test_exchange_meridian as meridian
from ..exchange import test_exchange_pymc as pymc
from ..exchange import test_exchange_robyn as robyn
from ..exchange.netcdf import save
from .helpers import run


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def plan_of(names, budget):
    channels = "\n".join(f'[[channels]]\nname = "{name}"' for name in names)
    text = f'budget = {budget}\ncurrency = "EUR"\nweek_start = "monday"\n{channels}\n'
    with open("plan.toml", "w", encoding="utf-8") as file:
        file.write(text)


def split_of(capsys, *options):
    code, out, err = run(capsys, "allocate", "plan.toml", *options, "--json")
    assert (code, err) == (0, "")
    told = json.loads(out)
    return {name: float(money) for name, money in told["spend"].items()}, told


def test_draws_of_pymc_marketing(here, capsys):
    path = pymc.saved(here, "michaelis_menten")
    plan_of(pymc.CHANNELS, 3000)
    spend, told = split_of(capsys, "--curves", path)
    draws = read_curves(path)
    mean = draws.value(list(spend.values())).sum(axis=1).mean()
    assert told["outcome"] == pytest.approx(mean)
    assert told["spread"]["draws"] == 40


def test_a_model_of_robyn_and_a_dearer_channel(here, capsys):
    path = robyn.written(here, robyn.exported())
    plan_of(["tv", "web"], 90)
    spend, told = split_of(capsys, "--curves", path)
    curves = read_curves(path)
    assert told["outcome"] == pytest.approx(
        sum(float(curves[n].value(x)) for n, x in spend.items())
    )
    code, out, _ = run(
        capsys, "frontier", "plan.toml", "--curves", path, "--price", "tv=+20%", "--json"
    )
    assert code == 0
    assert json.loads(out)["points"]


def test_a_frontier_of_draws_with_dearer_media(here, capsys):
    path = pymc.saved(here)
    plan_of(pymc.CHANNELS, 3000)
    code, out, err = run(
        capsys, "frontier", "plan.toml", "--curves", path, "--price", "tv=+20%", "--json"
    )
    assert code == 0, err
    assert json.loads(out)["points"]


def test_tables_of_points_draws_and_parameters(here, capsys):
    plan_of(["a", "b"], 10)
    rows = [(c, x, 10 * x / (20 + x)) for c in "ab" for x in (0, 20, 40, 80)]
    with open("points.csv", "w") as file:
        file.write("channel,spend,mean\n" + "\n".join(f"{c},{x},{y}" for c, x, y in rows))
    assert sum(split_of(capsys, "--curves", "points.csv", "--curve-weeks", "4")[0].values()) == 10
    with open("draws.csv", "w") as file:
        lines = [f"{c},{d},{x},{y * (d + 1)}" for c, x, y in rows for d in range(3)]
        file.write("channel,draw,spend,outcome\n" + "\n".join(lines))
    assert split_of(capsys, "--curves", "draws.csv", "--curve-weeks", 4)[1]["spread"]["draws"] == 3
    with open("parameters.csv", "w") as file:
        file.write("channel,kind,top,scale\na,log,5,10\nb,log,5,10\n")
    assert split_of(capsys, "--curves", "parameters.csv")[0] == {"a": 5, "b": 5}


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("model.rds", "x", "no file of curves"),
        ("model.json", "{}", "has no InputCollect"),
        ("model.nc", "x", "not a netCDF 4 file"),
        ("model.csv", "name,spend\n", "'channel' is not in the header"),
        ("model.csv", "channel,kind,top,scale\nother,log,1,1\n", "'other'"),
        ("missing.csv", None, "is not there"),
    ],
)
def test_files_that_are_no_curves(here, capsys, name, text, said):
    plan_of(["a"], 10)
    if text is not None:
        (here / name).write_text(text)
    code, out, err = run(capsys, "allocate", "plan.toml", "--curves", name)
    assert (code, out) == (2, "")
    assert said in " ".join(err.split())


def test_a_model_of_meridian_needs_its_data(here, capsys):
    save(here / "model.nc", meridian.layout())
    plan_of(meridian.CHANNELS, 10)
    code, _, err = run(capsys, "allocate", "plan.toml", "--curves", "model.nc")
    assert code == 2
    assert "Meridian" in err


def test_a_history_beside_curves_says_what_was_spent(here, capsys):
    with open("history.csv", "w") as file:
        days = np.datetime64("2026-01-05") + 7 * np.arange(6).astype("m8[D]")
        rows = [f"{day},{c},{40 if c == 'a' else 60},9" for day in days for c in "ab"]
        file.write("week,channel,spend,outcome\n" + "\n".join(rows))
    plan_of(["a", "b"], 100)
    with open("parameters.csv", "w") as file:
        file.write("channel,kind,top,scale\na,log,50,10\nb,log,5,10\n")
    code, out, err = run(
        capsys, "frontier", "plan.toml", "--history", "history.csv", "--curves", "parameters.csv",
        "--as-of", "2026-02-20", "--json",
    )  # fmt: skip
    assert code == 0, err
    assert json.loads(out)["points"]


def test_one_week_under_changes(here, capsys):
    path = pymc.saved(here)
    plan_of(pymc.CHANNELS, 3000)
    asked = ("what-if", "plan.toml", "--curves", path, "--budget=-20%", "--price", "tv=+20%")
    code, out, err = run(capsys, *asked, "--json")
    assert code == 0, err
    assert "-20" in out
    code, _, err = run(capsys, *asked, "--belief", "belief.json")
    assert code == 2
    assert "--belief and --curves" in err
