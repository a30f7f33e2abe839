"""What if and sensitivity: closed forms, tables, typed errors."""

import re
from dataclasses import replace

import numpy as np
import pytest

from budgetopt.curves import Exponential, Log
from budgetopt.errors import BudgetoptError, InfeasibleError
from budgetopt.i18n import show_figure
from budgetopt.optimize.allocate import allocate
from budgetopt.plan import Channel, Goal, Limit, Plan
from budgetopt.report import what_if_table
from budgetopt.simulation import Change, sobol
from budgetopt.simulation.what_if import sensitivity, sobol_indices, what_if

LOGS = {"a": Log(3, 10), "b": Log(1, 10)}
PLAN = Plan(budget=100, currency="CNY", channels=[Channel("a"), Channel("b")], value=50)


def test_each_answer_is_allocate_of_the_changed_plan():
    found = what_if(
        PLAN,
        LOGS,
        {
            "cut": Change(budget="-20%"),
            "capped": {"cap": {"a": 50}},
            "dear": Change(price="x1.25"),
            "weak a": Change(rate={"a": "-50%"}),
            "no b": Change(without="b"),
        },
    )
    # By hand: 3/(10 + a) = 1/(10 + b) and a + b = B give a = (3 B + 20)/4.
    assert dict(found["as planned"].split) == {"a": 80.0, "b": 20.0}
    assert dict(found["cut"].split) == {"a": 65.0, "b": 15.0}
    assert dict(found["capped"].split) == {"a": 50.0, "b": 50.0}
    # Media at 1.25 are a scale of 12.5.
    assert dict(found["dear"].split) == {"a": 81.25, "b": 18.75}
    assert found["dear"].outcome == pytest.approx(3 * np.log1p(6.5) + np.log1p(1.5))
    # 1.5/(10 + a) = 1/(10 + b).
    assert dict(found["weak a"].split) == {"a": 62.0, "b": 38.0}
    assert found["no b"].outcome == pytest.approx(3 * np.log1p(10))
    frame = found.to_frame()
    assert list(frame["change"]) == ["as planned", "cut", "capped", "dear", "weak a", "no b"]
    assert frame["more outcome"][0] == 0.0
    assert np.all(frame["more outcome"][1:] < 0)
    assert frame["profit"][0] == pytest.approx(50 * found["as planned"].outcome - 100)
    assert "cut: 80 CNY should return 6.961 outcome, -9.5% for -20 CNY." in found.summary()


def test_limits_and_the_last_week_are_kept():
    grouped = Plan(
        budget=100, currency="CNY", channels=PLAN.channels,
        limits=[Limit.group("a", ["a"], at_most="50%")],
    )  # fmt: skip
    found = what_if(grouped, LOGS, {"cut": Change(budget="-20%")}, last={"a": 40, "b": 40})
    assert dict(found["cut"].split) == {"a": 40.0, "b": 40.0}
    week = allocate(grouped, LOGS, last={"a": 40, "b": 40})
    assert found["as planned"].outcome == pytest.approx(week.outcome)


def test_where_no_split_keeps_the_limits_it_says_why():
    tight = Plan(budget=100, currency="CNY", channels=[Channel("a", floor=90), Channel("b")])
    found = what_if(tight, LOGS, {"cut": Change(budget="-20%"), "cap": Change(cap={"a": 80})})
    assert np.isnan(found["cut"].outcome)
    assert "floor of 90 on 'a'" in found["cut"].problem
    assert np.isnan(found["cap"].outcome)
    assert "no split meets the limits" in found.summary()
    broken = Plan(budget=80, currency="CNY", channels=tight.channels)
    with pytest.raises(InfeasibleError):
        what_if(broken, LOGS)


def test_the_tornado_is_in_the_order_of_what_inputs_move():
    capped = Plan(
        budget=100, currency="CNY",
        channels=[Channel("a", cap=50), Channel("b", curve=None)],
    )  # fmt: skip
    found = sensitivity(capped, LOGS, by=0.1)
    sizes = [swing.size for swing in found.swings]
    assert sizes == sorted(sizes, reverse=True)
    by_name = {swing.name: swing for swing in found.swings}
    assert set(by_name) == {
        "budget", "price of a", "price of b", "rate of a", "rate of b", "cap of a",
    }  # fmt: skip
    # At its cap a gets 50 whatever its rate: the outcome moves by a tenth of 3 ln 6.
    rate = by_name["rate of a"]
    assert rate.high - rate.low == pytest.approx(0.2 * 3 * np.log(6))
    assert by_name["price of a"].high < found.outcome < by_name["price of a"].low
    assert len(found.to_frame()) == 6
    assert "As planned" in found.summary()


def test_sobol_indices_of_a_known_function():
    # Ishigami and Homma (1990) on ±pi, a = 7, b = 0.1: variance and indices in closed form.
    def ishigami(x):
        return np.sin(x[0]) + 7 * np.sin(x[1]) ** 2 + 0.1 * x[2] ** 4 * np.sin(x[0])

    first, total = sobol_indices(ishigami, 3, np.pi, 4096, seed=1)
    np.testing.assert_allclose(first, [0.3139, 0.4424, 0.0], atol=0.02)
    np.testing.assert_allclose(total, [0.5576, 0.4424, 0.2437], atol=0.02)


def test_sobol_of_a_plan_agrees_with_the_tornado_where_all_is_nearly_linear():
    found = sobol(PLAN, LOGS, by=0.02, inputs=["budget", "rate of a", "rate of b"], draws=32)
    swings = sensitivity(PLAN, LOGS, by=0.02, inputs=["budget", "rate of a", "rate of b"]).swings
    squares = np.array([swing.size**2 for swing in swings])
    assert [index.name for index in found.indices] == [swing.name for swing in swings]
    np.testing.assert_allclose([i.total for i in found.indices], squares / squares.sum(), atol=0.08)
    assert found == sobol(
        PLAN, LOGS, by=0.02, inputs=["budget", "rate of a", "rate of b"], draws=32
    )


@pytest.mark.slow  # The slow tests run with the dev extra, which brings SALib.
def test_indices_agree_with_salib():
    salib = pytest.importorskip("SALib.analyze.sobol")
    from SALib.sample import sobol as points

    def bent(x):
        return np.exp(x[0]) + x[0] * x[1] + 0.5 * x[1]

    asked = {"num_vars": 2, "names": ["x", "y"], "bounds": [[-1, 1], [-1, 1]]}
    drawn = points.sample(asked, 2048, calc_second_order=False, seed=1)
    theirs = salib.analyze(
        asked, np.array([bent(x) for x in drawn]), calc_second_order=False, seed=1
    )
    first, total = sobol_indices(bent, 2, 1.0, 2048, seed=2)
    np.testing.assert_allclose(first, theirs["S1"], atol=0.02)
    np.testing.assert_allclose(total, theirs["ST"], atol=0.02)


@pytest.mark.parametrize("curve", [Exponential(30, 20), Log(3, 10)])
def test_a_price_is_less_money(curve):
    one = Plan(budget=100, currency="CNY", channels=[Channel("a", curve=curve)])
    found = what_if(one, None, {"dear": Change(price={"a": "+60%"}), "dull": Change(rate="-100%")})
    assert found["dear"].outcome == pytest.approx(curve.value(100 / 1.6))
    assert found["dull"].outcome == 0.0


@pytest.mark.parametrize(
    ("ask", "code"),
    [
        (lambda: Change(budget="-150%"), "bad-argument"),
        (lambda: Change(price="-100%"), "bad-argument"),
        (lambda: Change(rate={"a": float("nan")}), "bad-argument"),
        (lambda: what_if(PLAN, LOGS, {"x": Change(without="c")}), "unknown-name"),
        (lambda: what_if(PLAN, LOGS, {"x": {"bugdet": 1}}), "unknown-name"),
        (lambda: what_if(PLAN, LOGS)["x"], "unknown-name"),
        (lambda: sensitivity(PLAN, LOGS, by=1.0), "bad-argument"),
        (lambda: sensitivity(PLAN, LOGS, inputs=["rate of c"]), "unknown-name"),
        (lambda: sensitivity(PLAN, LOGS, inputs=[]), "bad-argument"),
        (lambda: sobol(PLAN, LOGS, draws=100), "bad-argument"),
    ],
)
def test_bad_input_is_refused_with_a_code(ask, code):
    with pytest.raises(BudgetoptError) as caught:
        ask()
    assert caught.value.code == code


def test_a_tornado_is_said_in_both_languages():
    found = sensitivity(PLAN, LOGS, inputs=["budget", "price of a", "rate"])
    assert re.search(r"^price of a 10% down or up: \S+ to \S+\.$", found.summary(), re.MULTILINE)
    chinese = found.summary("zh")
    assert re.search(r"^a 价格上下变动 10%：\S+ 至 \S+。$", chinese, re.MULTILINE)
    assert set(re.findall("[A-Za-z]+", chinese)) == {"a"}
    numbers = [re.findall(r"\d[\d,.]*\d", text) for text in (found.summary(), chinese)]
    assert numbers[0] == numbers[1]


RATES = {"a": 0, "b": 9}
GOALS = {
    "profit": ({"goal": Goal.most_profit()}, lambda a, b, spend: 50 * (a + b) - spend, "profit"),
    "weights": (
        {"goal": Goal.most_outcome({"sales": 2}), "outcome": "leads"},
        lambda a, b, spend: 18 * b,
        "outcome by the goal's weights",
    ),
}


@pytest.mark.parametrize("name", GOALS)
def test_what_moves_a_plan_is_measured_by_its_goal(name):
    fields, worth, words = GOALS[name]
    channels = [Channel(n, rates={"sales": rate}) for n, rate in RATES.items()]
    plan = Plan(budget=100, currency="CNY", channels=channels, value=50, **fields)
    found = sensitivity(plan, LOGS, inputs=["budget", "rate of a"])

    def by_hand(budget, a=1.0):
        week = allocate(replace(plan, budget=budget), LOGS | {"a": Log(3 * a, 10)})
        return worth(*week.outcomes.values(), float(week.total))

    assert found.outcome == pytest.approx(by_hand(100))
    swings = {swing.name: swing[1:] for swing in found.swings}
    assert swings["budget"] == pytest.approx((by_hand(90), by_hand(110)))
    assert swings["rate of a"] == pytest.approx((by_hand(100, 0.9), by_hand(100, 1.1)))
    assert f"As planned: {show_figure(found.outcome)} {words}." in found.summary()
    if name == "weights":
        # All the money is in b: what a brings is nothing to this goal.
        assert swings["rate of a"] == (found.outcome, found.outcome)
        shares = sobol(plan, LOGS, inputs=["budget", "rate of a"], draws=8)
        assert {index.name: round(index.total, 9) for index in shares.indices}["rate of a"] == 0


@pytest.mark.parametrize("language", ["en", "zh"])
def test_a_goal_of_its_own_is_what_cases_are_compared_by(language):
    plan = replace(PLAN, goal=Goal.most_profit())
    found = what_if(plan, LOGS, {"dear": Change(price="x2"), "cut": Change(budget="-90%")})
    dear, base = found["dear"].allocation, found["as planned"].allocation
    # 150/(10 + a) = 1 is above the budget: all is spent, and half as much media for it.
    assert base.worth == pytest.approx(50 * base.outcome - 100)
    share = f"{dear.worth / base.worth - 1:+.1%}"
    assert share != f"{dear.outcome / base.outcome - 1:+.1%}"
    sentence = found.summary(language).splitlines()[1]
    assert share in sentence
    assert show_figure(dear.worth) in sentence
    head = {"en": "change by the goal", "zh": "按目标的变化"}[language]
    table = what_if_table(found, language)
    assert head in table
    assert share in table
    row = found.to_frame().iloc[1]
    assert row["more worth"] == pytest.approx(dear.worth - base.worth)
    assert row["more outcome"] == pytest.approx(dear.outcome - base.outcome)


def test_weighted_outcomes_are_named_and_compared_by_their_worth():
    rates = [{"leads": "0.5", "sales": "0.1"}, {"leads": "0.1", "sales": "0.4"}]
    channels = [Channel(name, rates=each) for name, each in zip("ab", rates, strict=True)]
    plan = replace(
        PLAN, channels=channels, value=None, goal=Goal.most_outcome({"leads": 1, "sales": 9})
    )
    found = what_if(plan, LOGS, {"no b": Change(without="b")})
    base, without = (answer.allocation for answer in found.answers)
    sentence = found.summary().splitlines()[1]
    assert f"{without.worth / base.worth - 1:+.1%}" in sentence
    assert f"{show_figure(without.kinds['sales'])} sales" in sentence
    assert "more worth" not in what_if(PLAN, LOGS, {}).to_frame()


HELD = replace(
    PLAN, max_change="10%", channels=[Channel("a"), Channel("b"), Channel("c", locked=0)]
)
CURVES = LOGS | {"c": Log(1, 10)}
LAST = {"a": 50, "b": 50, "c": 0}


@pytest.mark.parametrize("language", ["en", "zh"])
def test_amounts_at_a_limit_are_marked_and_a_split_that_stays_says_why(language):
    cases = {"dear": Change(price={"b": "+30%"}), "cut": Change(budget="-5%")}
    text = what_if_table(what_if(HELD, CURVES, cases, last=LAST), language)
    # a is worth three times what b is, so that it would have more than its 10 % in any case.
    assert re.search(r"^a +55\* +55\* +50$", text, re.MULTILINE)
    assert re.search(r"^b +45\* +45\* +45\*$", text, re.MULTILINE)
    joined = "".join(text.split()) if language == "zh" else " ".join(text.split())
    said = {
        "en": "B: same split as A, since max change holds 'a', 'b'",
        "zh": "B：分配与A相同，因为",
    }[language]
    assert said in joined
    assert {"en": "*: at a limit of the plan (", "zh": "*：触及计划的限制（"}[language] in joined
    assert {"en": "weekly decision goes by its policy", "zh": "每周决策按策略"}[language] in joined
    free = what_if_table(what_if(PLAN, LOGS, cases), language)
    assert {"en": "same split", "zh": "分配与"}[language] not in free
    assert "*" not in free
