"""What a plan file or an option says is heard, or refused in words, and what is kept is said."""

import json

import numpy as np
import pytest

from . import friday as at
from .helpers import run

PLAN = """
currency = "CNY"
budget = 100
outcome = "revenue"
{more}

[[channels]]
name = "a"
curve = {{ kind = "log", top = {top}, scale = 10.0 }}
{first}

[[channels]]
name = "b"
curve = {{ kind = "log", top = 9.0, scale = 10.0 }}
{second}
{limits}
"""
GROUP = '[[limits]]\nkind = "group"\nname = "brand"\nwhere = ["a"]\nat_most = 0.4'
RULE = '[[limits]]\nkind = "linear"\nname = "rule"\ncoefficients = {{ a = 1, b = -2 }}\n{bound}'


def plan_of(folder, *, more="", top=30.0, first="", second="", limits=""):
    words = PLAN.format(more=more, top=top, first=first, second=second, limits=limits)
    (folder / "own.toml").write_text(words, encoding="utf-8")
    return "own.toml"


def told(capsys, *command):
    """Return code and words of a command, on one line."""
    code, out, err = run(capsys, *command)
    return code, at.squeezed(out + err)


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        (
            {"limits": GROUP},
            "is 0.4, which may be a share or an amount of money: write '40%' for a share",
        ),
        ({"first": "off_or_at_least = 20\nfloor = 10"}, "so it cannot be off"),
        (
            {"first": "off_or_at_least = 20\ncap = 10"},
            "'a' is off or at least 20, above its cap 10",
        ),
    ],
)
@pytest.mark.parametrize("command", ["check", "allocate"])
def test_what_can_mean_two_things_or_none_is_refused(folder, capsys, command, fields, said):
    code, words = told(capsys, command, plan_of(folder, **fields))
    assert code == 2
    assert said in words


def test_the_informal_name_of_a_currency_leads_to_its_code(folder, capsys):
    name = plan_of(folder)
    (folder / name).write_text((folder / name).read_text().replace("CNY", "RMB"))
    code, words = told(capsys, "check", name)
    assert code == 2
    assert "'CNY'" in words
    assert "RUB" not in words


@pytest.mark.parametrize(("option", "given"), [("--budget", "0.3"), ("--price", "a=0.3")])
def test_a_bare_number_is_no_change_of_a_case(folder, capsys, option, given):
    code, words = told(capsys, "what-if", plan_of(folder), option, given)
    assert code == 2
    assert "'+30%'" in words
    assert "a factor as 'x1.3'" in words


@pytest.mark.parametrize(
    ("bound", "kept"),
    [
        ("at_most = 10", lambda used: used <= 10),
        ("at_least = 60", lambda used: used >= 60),
        ("equal = -20", lambda used: used == -20),
        ("equal = 60", lambda used: used == 60),
    ],
)
def test_a_linear_rule_of_a_plan_file_is_kept_on_every_side(folder, capsys, bound, kept):
    free, ruled = (
        json.loads(run(capsys, "allocate", plan_of(folder, limits=limits), "--json")[1])["spend"]
        for limits in ("", RULE.format(bound=bound))
    )
    used = [float(each["a"]) - 2 * float(each["b"]) for each in (free, ruled)]
    assert not kept(used[0])
    assert kept(round(used[1], 2))


def test_a_lock_off_its_lot_stays_and_the_others_move_in_lots(folder, capsys):
    name = plan_of(folder, first="lot = 10\nlocked = 33.33", second="lot = 10")
    code, out, _ = run(capsys, "allocate", name, "--json")
    assert code == 0
    assert json.loads(out)["spend"] == {"a": "33.33", "b": "60.00"}


def test_a_curve_in_samples_may_be_s_shaped(folder, capsys):
    name = plan_of(folder)
    sampled = 'curve = { kind = "points", spend = [0, 40, 60, 100], outcome = [0, 2, 90, 95] }'
    words = (
        (folder / name)
        .read_text()
        .replace('curve = { kind = "log", top = 30.0, scale = 10.0 }', sampled)
    )
    (folder / name).write_text(words)
    code, out, _ = run(capsys, "allocate", name, "--json")
    assert code == 0
    found = json.loads(out)
    # All that is steep is worth having, and what is left goes where it brings more.
    assert found["spend"] == {"a": "60.00", "b": "40.00"}
    assert found["bound"] == pytest.approx(90 + 9 * np.log1p(4), rel=1e-6)


def test_a_clash_is_data_on_the_command_line_too(folder, capsys):
    name = plan_of(folder, first="floor = 60", second="floor = 50")
    code, _, err = run(capsys, "allocate", name, "--json")
    assert code == 3
    found = json.loads(err)
    named = {(each["name"], each["kind"]) for each in found["limits"]}
    assert named == {("a", "floor"), ("b", "floor"), ("budget", "budget")}
    ways = [[(each["name"], each["to"]) for each in way] for way in found["remedies"]]
    assert [("budget", "110")] in ways


@pytest.mark.parametrize(
    ("top", "said"),
    [(3.0, "mROAS is below 1 everywhere"), (30000.0, "mROAS is at least 1 everywhere")],
)
def test_a_hurdle_beyond_the_budgets_is_said(folder, capsys, top, said):
    code, words = told(capsys, "frontier", plan_of(folder, top=top))
    assert code == 0
    assert said in words


def test_a_carryover_that_nobody_declared_is_noted(folder, capsys):
    rng = np.random.default_rng(4)
    lines = ["week,channel,spend,outcome"]
    effective = np.zeros(3)
    for week in np.arange("2023-01-02", "2024-12-02", 7, dtype="datetime64[D]"):
        # Two weeks on, two weeks off.
        on = (np.arange(len(lines), len(lines) + 3) // 6 + np.array([0, 0, 0])) % 2
        spend = 1000.0 * on * rng.lognormal(0, 0.2, 3) + 1
        effective = 0.7 * effective + 0.3 * spend
        outcome = 5000 * effective / (effective + 1000) * rng.lognormal(0, 0.1, 3)
        rows = zip(at.NAMES, spend, outcome, strict=True)
        lines += [f"{week},{name},{money:.2f},{value:.2f}" for name, money, value in rows]
    (folder / "long.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    given = ("--history", "long.csv", "--as-of", "2024-12-02", "--settings", "fast")
    code, words = told(capsys, "learn", "plan.toml", *given)
    assert code == 0
    assert "earlier spend seems to keep working" in words


def test_another_shops_plan_is_kept_out_of_a_ledger(folder, capsys):
    assert run(capsys, "week", *at.FILES, "--as-of", at.TODAY, "--who", "cron")[0] == 0
    names = dict(zip(at.NAMES, ("x", "y", "z"), strict=True))
    for file, new in (("plan.toml", "other.toml"), ("history.csv", "other.csv")):
        words = (folder / file).read_text(encoding="utf-8")
        for old, name in names.items():
            words = words.replace(old, name)
        (folder / new).write_text(words, encoding="utf-8")
    code, words = told(capsys, "week", "other.toml", "--history", "other.csv", *at.LEDGER,
                       "--as-of", at.TODAY, "--who", "cron")  # fmt: skip
    assert code == 2
    assert "the ledger belongs to another plan" in words


def test_check_counts_limits_across_channels_in_the_money_that_they_allow(folder, capsys):
    limits = "\n".join(GROUP.replace("0.4", most).replace('"a"', f'"{name}"').replace("brand", name)
                       for name, most in (("a", "30"), ("b", "40")))  # fmt: skip
    assert (
        "require at least 0 and allow at most 70."
        in told(capsys, "check", plan_of(folder, limits=limits))[1]
    )


def test_check_promises_no_range_of_money_where_no_split_keeps_the_limits(folder, capsys):
    least = GROUP.replace("0.4", "40").replace("brand", "more").replace("at_most", "at_least")
    both = plan_of(folder, limits="\n".join([GROUP.replace("0.4", "30"), least]))
    words = told(capsys, "check", both)[1]
    assert "no split was found that keeps all limits" in words
    assert "its limits require" not in words
