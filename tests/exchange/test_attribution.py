"""Paths shared out by rules: by hand, by other ways of counting, and as evidence beside a total."""

from __future__ import annotations

import datetime as dt
import itertools

import numpy as np
import pandas as pd
import polars
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import budgetopt as bo
from budgetopt.cli import main
from budgetopt.errors import HistoryError, InputError
from budgetopt.exchange import attribute

PATHS = pd.DataFrame(
    {
        "path": ["a > b", "b", "a > c > d", "c > b > a > b", "d"],
        "conversions": [40, 60, 20, 10, 30],
        "lost": [400, 300, 150, 90, 20],
        "value": [4000.0, 3000.0, 2500.0, 900.0, 100.0],
        "week": ["2026-01-05", "2026-01-05", "2026-01-12", "2026-01-12", "2026-01-12"],
    }
)


def of(rule, found):
    return dict(zip(found.channels, found.total()[found.rules.index(rule)].tolist(), strict=True))


def test_rules_by_hand():
    found = attribute(PATHS)
    assert of("last", found) == {"a": 0, "b": 110, "c": 0, "d": 50}
    assert of("first", found) == {"a": 60, "b": 60, "c": 10, "d": 30}
    assert of("linear", found) == pytest.approx(
        {"a": 20 + 20 / 3 + 2.5, "b": 20 + 60 + 5, "c": 20 / 3 + 2.5, "d": 20 / 3 + 30}
    )
    # 40, 20 and 40 % of three; of four touches the two in the middle have a tenth each.
    assert of("position", found) == pytest.approx(
        {"a": 20 + 8 + 1, "b": 20 + 60 + 1 + 4, "c": 4 + 4, "d": 8 + 30}
    )
    assert of("shapley", found) == pytest.approx(
        {"a": 20 + 20 / 3 + 10 / 3, "b": 20 + 60 + 10 / 3, "c": 20 / 3 + 10 / 3, "d": 20 / 3 + 30}
    )


def random_paths(draw_seed, several=30, channels=5):
    rng = np.random.default_rng(draw_seed)
    names = list("vwxyz")[:channels]
    paths = [" > ".join(rng.choice(names, rng.integers(1, 6))) for _ in range(several)]
    return pd.DataFrame(
        {
            "path": paths,
            "conversions": rng.integers(0, 9, several),
            "lost": rng.integers(0, 30, several),
        }
    )


def shapley_by_orders(frame):
    """Average what a channel adds over all orders in which channels come."""
    parts = [
        (frozenset(path.split(" > ")), n)
        for path, n in zip(frame.path, frame.conversions, strict=True)
    ]
    names = sorted(frozenset().union(*(part for part, _ in parts)))
    found = dict.fromkeys(names, 0.0)
    orders = list(itertools.permutations(names))
    for order in orders:
        there = frozenset()
        for name in order:
            more = there | {name}
            found[name] += sum(n for part, n in parts if part <= more and not part <= there)
            there = more
    return {name: value / len(orders) for name, value in found.items()}


def conversion_rate(frame, without=None):
    """Return the chance of a conversion by the linear system, one channel leading nowhere."""
    names = sorted({name for path in frame.path for name in path.split(" > ")})
    states = ["start", *names, "won", "lost"]
    count = np.zeros((len(states), len(states)))
    for path, won, lost in zip(frame.path, frame.conversions, frame.lost, strict=True):
        touched = ["start", *path.split(" > ")]
        for one, other in itertools.pairwise(touched):
            count[states.index(one), states.index(other)] += won + lost
        count[states.index(touched[-1]), -2] += won
        count[states.index(touched[-1]), -1] += lost
    if without is not None:
        count[states.index(without)] = 0
        count[states.index(without), -1] = 1
    inner = count[:-2]
    share = inner / inner.sum(axis=1, keepdims=True)
    some = np.eye(len(inner)) - share[:, :-2]
    return np.linalg.solve(some, share[:, -2])[0]


@pytest.mark.parametrize("seed", range(8))
def test_markov_by_taking_each_channel_out(seed):
    """The closed form of the removal effects is what is lost where a channel leads nowhere."""
    frame = random_paths(seed)
    found = of("markov", attribute(frame, lost="lost"))
    whole = conversion_rate(frame)
    effect = {name: 1 - conversion_rate(frame, name) / whole for name in found}
    total = sum(effect.values())
    expected = {n: frame.conversions.sum() * one / total for n, one in effect.items()}
    assert found == pytest.approx(expected)


@pytest.mark.parametrize("seed", range(4))
def test_shapley_by_all_orders(seed):
    frame = random_paths(seed)
    assert of("shapley", attribute(frame)) == pytest.approx(shapley_by_orders(frame))


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10**6), st.integers(1, 40), st.integers(1, 5))
def test_every_rule_shares_out_the_whole(seed, several, channels):
    frame = random_paths(seed, several, channels)
    frame.loc[0, "conversions"] = 3
    found = attribute(frame, lost="lost")
    np.testing.assert_allclose(found.total().sum(axis=1), frame.conversions.sum())
    assert found.shares.min() >= -1e-9
    assert 0 <= found.moved() <= 1
    other = attribute(frame.iloc[::-1], lost="lost")
    np.testing.assert_allclose(other.shares, found.shares, atol=1e-9)


def test_a_repeat_of_a_channel_changes_no_removal_effect():
    twice = PATHS.assign(path=PATHS.path.str.replace("b", "b > b"))
    once, again = (of("markov", attribute(frame, lost="lost")) for frame in (PATHS, twice))
    assert again == pytest.approx(once)


def test_values_are_shared_out_in_place_of_conversions_and_weeks_by_themselves():
    found = attribute(PATHS, value="value", lost="lost", week="week")
    assert found.weeks == (dt.date(2026, 1, 5), dt.date(2026, 1, 12))
    np.testing.assert_allclose(found.shares.sum(axis=2), [[7000] * 6, [3500] * 6])
    alone = attribute(PATHS[:2], value="value", lost="lost")
    seen = [found.channels.index(name) for name in alone.channels]
    np.testing.assert_allclose(found.shares[0][:, seen], alone.shares[0])
    assert found.outcomes("last").tolist() == [[0, 7000, 0, 0], [0, 900, 0, 2600]]
    frame = found.to_frame()
    assert frame.outcome.sum() == pytest.approx(6 * 10_500)
    assert found.to_dict()["conversions"] == 160


def test_a_rules_weeks_are_a_history():
    found = attribute(PATHS, week="week")
    days = np.array(found.weeks, dtype="datetime64[D]")
    spend = np.full((2, 4), 100.0)
    history = bo.History(found.channels, days, spend, outcome=found.outcomes("shapley"))
    assert history.outcome.sum() == pytest.approx(160)


def test_evidence_is_the_mean_of_the_rules_with_an_error_that_rules_share():
    found = attribute(PATHS)
    ((test),) = found.evidence({"b": 1000}, weeks=2)
    by_rule = found.total()[:, 1] / 2
    assert (test.channel, test.low, test.high) == ("b", 0, 1000)
    assert test.incremental == pytest.approx(by_rule.mean())
    assert test.error == pytest.approx(np.hypot(by_rule.std(), by_rule.mean() / 2))


def test_evidence_counts_in_a_plan_with_one_total_and_a_lift_test_outweighs_it():
    rng = np.random.default_rng(1)
    spend = 1000 * rng.lognormal(0, 0.3, (60, 2))
    total = 5000 + spend @ [1.0, 1.0] + 300 * rng.normal(size=60)
    history = bo.History(("a", "b"), np.datetime64("2025-01-06") + 7 * np.arange(60), spend,
                         total=total)  # fmt: skip
    paths = attribute(pd.DataFrame({"path": ["a", "b"], "conversions": [60 * 3000, 60 * 300]}))
    told = paths.evidence({"a": 1000, "b": 1000}, weeks=60, error=0.2)
    sure = bo.LiftTest("a", incremental=500, error=50, high=1000)

    def brought(*tests):
        plan = bo.Plan(budget=2000, currency="CNY", lift_tests=tests,
                       channels=[bo.Channel("a"), bo.Channel("b")])  # fmt: skip
        belief = bo.learn(history, plan, settings=bo.Settings.fast())
        return belief.response([1000, 1000]).mean

    before, after, corrected = brought(), brought(*told), brought(*told, sure)
    assert before[0] < after[0] < 3000
    assert before[1] > after[1] > 300
    assert abs(after[0] - 3000) < 0.5 * abs(before[0] - 3000)
    assert abs(corrected[0] - 500) < 0.25 * abs(after[0] - 500)


@pytest.mark.parametrize(
    ("change", "column", "code"),
    [
        ({"conversions": [40, 60, -1, 10, 30]}, "conversions", "bad-number"),
        ({"conversions": ["40", "x", "1", "1", "1"]}, "conversions", "bad-number"),
        ({"conversions": [40, 60, 1e300, 10, 30]}, "conversions", "bad-number"),
        ({"conversions": [0, 0, 0, 0, 0]}, "conversions", "bad-number"),
        ({"path": ["a > ", "b", "a", "b", "d"]}, "path", "bad-name"),
        ({"path": ["a", float("nan"), "a", "b", "d"]}, "path", "bad-name"),
    ],
)
def test_what_cannot_be_shared_out_is_refused(change, column, code):
    with pytest.raises(HistoryError) as error:
        attribute(PATHS.assign(**change))
    assert error.value.code == code
    assert error.value.field == column
    assert error.value.remedy


@pytest.mark.parametrize("name", ["a.csv", "gbk.csv", "utf16.tsv", "a.xlsx", "a.parquet", "polars"])
def test_paths_are_read_from_whatever_a_history_is_read_from(tmp_path, name):
    frame = pd.DataFrame(
        {
            "日期": ["2026-11-02", "2026年11月9日", "2026/11/9"],
            "路径": ["抖音 > 百度", "百度", "抖音 > 微信 > 百度"],
            "转化数": ["1,200", "40", "60"],
        }
    )
    path = tmp_path / name
    if name == "polars":
        path = polars.DataFrame(frame.to_dict("list"))
    elif name.endswith(".xlsx"):
        frame.to_excel(path, index=False)
    elif name.endswith(".parquet"):
        frame.to_parquet(path)
    else:
        encoding = {"gbk.csv": "gbk", "utf16.tsv": "utf-16"}.get(name, "utf-8")
        text = frame.to_csv(index=False, sep="\t" if name.endswith("tsv") else ",")
        path.write_bytes(f"导出报表\n\n{text}".encode(encoding))
    found = attribute(path, path="路径", conversions="转化数", week="日期")
    assert found.channels == ("微信", "抖音", "百度")
    assert found.weeks == (dt.date(2026, 11, 2), dt.date(2026, 11, 9))
    assert found.outcomes("first").tolist() == [[0, 1200, 0], [0, 60, 40]]


def test_wrong_names_and_weeks_are_refused():
    with pytest.raises(HistoryError, match="'conversion' is not in the header"):
        attribute(PATHS, conversions="conversion")
    found = attribute(PATHS)
    for call in (
        lambda: found.outcomes("lastt"),
        lambda: found.evidence({"e": 1}, weeks=1),
        lambda: found.evidence({"a": 1}),
        lambda: found.evidence({"a": 1}, weeks=0),
        lambda: found.evidence({"a": 0}, weeks=1),
    ):
        with pytest.raises(InputError) as error:
            call()
        assert error.value.remedy


def test_the_command_prints_what_python_says(tmp_path, capsys):
    file = tmp_path / "paths.csv"
    PATHS.to_csv(file, index=False)
    with pytest.raises(SystemExit, match="0"):
        main(["attribute", str(file), "--lost", "lost"])
    page = capsys.readouterr().out
    found = attribute(file, lost="lost")
    for name, values in zip(found.channels, found.total().T, strict=True):
        line = next(line for line in page.splitlines() if line.startswith(f"{name} "))
        assert [float(cell) for cell in line.split()[1:]] == np.round(values, 1).tolist()
    assert f"{found.moved():.0%}" in page
    assert len(repr(found).splitlines()) <= 10
