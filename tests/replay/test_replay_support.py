"""When the log cannot tell, there is no number; and what clipping does is told."""

import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from budgetopt.errors import InputError
from budgetopt.replay import (
    DoublyRobust,
    InversePropensity,
    Log,
    PolicyValue,
    Rejection,
    SelfNormalised,
    Support,
    Unsupported,
    evaluate,
)
from budgetopt.replay.evaluate import rows_of_error

ESTIMATORS = [InversePropensity(), SelfNormalised(), DoublyRobust(), Rejection()]
NAMES = ("red", "blue", "green")


def uniform_log(rows=3000, *, seed=0, rate=0.3, names=NAMES, taken=3):
    rng = np.random.default_rng(seed)
    action = rng.integers(taken, size=rows)
    return Log(action, rng.random(rows) < rate, np.full(rows, 1 / len(names)), names)


def has_no_number(answer):
    assert isinstance(answer, Unsupported)
    fields = {field.name for field in dataclasses.fields(answer)}
    assert fields == {"method", "reasons", "support"}
    return "; ".join(answer.reasons)


@pytest.mark.parametrize("estimator", ESTIMATORS, ids=lambda estimator: estimator.name)
def test_an_action_that_was_never_logged_is_named(estimator):
    log = uniform_log(taken=2)
    said = has_no_number(evaluate(log, [0.5, 0.3, 0.2], estimator))
    assert "never logged: green" in said
    # A policy that leaves it alone is another matter, but for propensities that are then wrong.
    said = has_no_number(evaluate(log, [0.5, 0.5, 0.0], estimator))
    assert "weights average 1.5" in said
    right = Log(log.actions, log.rewards, np.full(log.rows, 0.5), NAMES)
    if estimator.name != "rejection":
        assert isinstance(evaluate(right, [0.5, 0.5, 0.0], estimator), PolicyValue)


def test_an_action_that_was_never_logged_in_a_context_is_named():
    contexts = [0, 0, 0, 1, 1, 1] * 100
    log = Log([0, 1, 0, 0, 0, 0] * 100, [0, 1, 1] * 200, [0.5] * 600, ("a", "b"), contexts)
    answer = evaluate(log, [0.5, 0.5])
    assert answer.support.never_logged == ("b in context 1",)
    # What the policy does only where it was logged is supported.
    table = np.array([[0.5, 0.5], [0.5, 0.0]])
    assert Support.of(log, table[log.contexts], np.ones(600), 2).never_logged == ()


def test_thin_support_names_the_sample_and_the_action():
    # Blue was taken in 1 of 50 rows and the policy takes nothing else: 40 rows of 2,000.
    action = ([1] + [0] * 49) * 40
    chance = np.where(np.array(action) == 1, 0.02, 0.98)
    log = Log(action, [1, 0] * 1000, chance, ("red", "blue"))
    answer = evaluate(log, [0.0, 1.0])
    said = has_no_number(answer)
    assert said == "effective sample 40 of 2,000 rows, 100 needed; support is thin for blue"
    assert answer.support.effective == pytest.approx(40)
    assert answer.support.thin == ("blue",)
    assert "log cannot tell" in answer.summary()


@pytest.mark.parametrize(("rows", "kind"), [(99, Unsupported), (100, PolicyValue)])
def test_both_sides_of_the_least_effective_sample(rows, kind):
    log = Log([0, 1] * rows, [1, 1, 0, 0] * (rows // 2) + [0, 1] * (rows % 2), [0.5] * 2 * rows,
              ("red", "blue"))  # fmt: skip
    assert isinstance(evaluate(log, [1.0, 0.0]), kind)


@pytest.mark.parametrize("estimator", ESTIMATORS, ids=lambda estimator: estimator.name)
@pytest.mark.parametrize("reward", [0.0, 0.1, 1.0])
def test_rewards_that_do_not_differ_give_no_error_and_no_number(estimator, reward):
    # A model that learned from the other actions must not make up a spread.
    log = uniform_log()
    rewards = np.where(log.actions == 0, reward, log.rewards)
    same = Log(log.actions, rewards, log.propensities, NAMES)
    said = has_no_number(evaluate(same, [1.0, 0.0, 0.0], estimator))
    assert "the same reward" in said


@pytest.mark.parametrize("estimator", ESTIMATORS, ids=lambda estimator: estimator.name)
def test_too_few_clicks_give_no_number(estimator):
    log = uniform_log()
    rewards = np.zeros(log.rows)
    rewards[np.flatnonzero(log.actions == 0)[:2]] = 1.0
    rare = Log(log.actions, rewards, log.propensities, NAMES)
    said = has_no_number(evaluate(rare, [1.0, 0.0, 0.0], estimator))
    assert "the error rests on 2 rows, 4 needed" in said or "rests on 2.0" in said


def test_wrong_propensities_are_found_by_their_mean_weight():
    log = uniform_log()
    wrong = Log(log.actions, log.rewards, np.full(log.rows, 0.5), NAMES)
    answer = evaluate(wrong, [1 / 3] * 3)
    assert "weights average 0.667" in has_no_number(answer)
    # Rounding in a file is not wrong: 0.33 for a third is one part in a hundred.
    rounded = Log(log.actions, log.rewards, np.full(log.rows, 0.333), NAMES)
    assert isinstance(evaluate(rounded, [1 / 3] * 3), PolicyValue)


def test_rows_that_never_count_are_thin_and_not_a_number():
    # The policy wants in each row what the log did not do.
    log = Log([0, 1] * 100, [0, 1] * 100, [0.5] * 200, ("red", "blue"))
    against = np.tile([[0.0, 1.0], [1.0, 0.0]], (100, 1))
    for estimator in ESTIMATORS:
        answer = evaluate(log, against, estimator)
        assert "effective sample 0 of 200 rows" in has_no_number(answer)
        assert set(answer.support.thin) == {"red", "blue"}


@given(
    weights=st.lists(st.floats(0, 1e6), min_size=2, max_size=30),
    seed=st.integers(0, 2**32),
    least=st.floats(2, 40),
)
def test_a_thin_log_always_has_a_thin_action(weights, seed, least):
    rng = np.random.default_rng(seed)
    rows = len(weights)
    log = Log(rng.integers(3, size=rows), np.zeros(rows), np.ones(rows), NAMES)
    even = np.full((rows, 3), 1 / 3)
    support = Support.of(log, even, np.array(weights), least)
    assert 0 <= support.effective <= rows * (1 + 1e-9)
    if support.effective < least:
        assert support.thin


def test_effective_sample_by_hand():
    log = Log([0, 0, 1, 1], [0, 1, 0, 1], [0.5] * 4, ("red", "blue"))
    support = Support.of(log, np.full((4, 2), 0.5), np.array([1.0, 1.0, 0.0, 4.0]), 5)
    assert support.effective == pytest.approx(36 / 18)
    assert support.mean_weight == 1.5
    assert support.mean_weight_error == pytest.approx(np.sqrt(9 / 3) / 2)
    # Red: 2 x 6 / 2 = 6 is enough for 5; blue: 4 x 6 / 16 = 1.5 is not.
    assert support.thin == ("blue",)


@pytest.mark.parametrize(
    ("terms", "rows"),
    [([0, 0, 0, 1], 144 / 84), ([0, 1, 0, 1], 4.0), ([2, 2, 2], 0.0), ([1e-160, 0], 2.0)],
)
def test_rows_of_error_by_hand(terms, rows):
    # For 0, 0, 0, 1: quarters (1, 1, 1, 3), squares (1, 1, 1, 9), 12^2 over 84.
    assert rows_of_error(np.array(terms, dtype=float)) == pytest.approx(rows)


def test_clipping_tells_what_it_cost():
    # Weights 0.5/0.8 and 0.5/0.2 = 2.5; rewards 1 for blue in half of its rows.
    action = [0, 0, 0, 0, 1] * 100
    reward = [0, 1, 0, 0, 1, 0, 0, 1, 0, 0] * 50
    chance = np.where(np.array(action) == 1, 0.2, 0.8)
    log = Log(action, reward, chance, ("red", "blue"))
    plain = evaluate(log, [0.5, 0.5], InversePropensity())
    answer = evaluate(log, [0.5, 0.5], InversePropensity(), clip=1.0)
    # Fifty clicks of blue lose 1.5 of weight each; 100 rows of 500 lose it in all.
    assert plain.clipped is None
    assert answer.clipped.rows == 100
    assert answer.clipped.bias == pytest.approx(-50 * 1.5 / 500)
    assert answer.clipped.weight == pytest.approx(100 * 1.5 / 500)
    assert answer.value - answer.clipped.bias == pytest.approx(plain.value)
    assert answer.standard_error < plain.standard_error
    assert "clipped in 100 rows, 30 % of all weight: a bias of about -0.15" in answer.summary()
    # Support is judged without clipping, since it makes none.
    assert answer.support == plain.support
    loose = evaluate(log, [0.5, 0.5], InversePropensity(), clip=2.5)
    assert (loose.value, loose.clipped.rows, loose.clipped.bias) == (plain.value, 0, 0.0)


@pytest.mark.parametrize("estimator", ESTIMATORS[1:], ids=lambda estimator: estimator.name)
def test_clipping_above_all_weights_changes_nothing(estimator):
    log = uniform_log()
    plain = evaluate(log, [0.5, 0.3, 0.2], estimator)
    clipped = evaluate(log, [0.5, 0.3, 0.2], estimator, clip=3.0)
    assert dataclasses.replace(clipped, clipped=None) == plain
    assert clipped.clipped.bias == 0.0


def test_the_summary_says_value_error_interval_and_sample():
    answer = evaluate(uniform_log(), [0.5, 0.3, 0.2])
    said = answer.summary()
    assert said.startswith("self-normalised: 0.")
    assert "95 % interval" in said
    assert "of 3,000 rows." in said
    assert answer.low < answer.value < answer.high


@pytest.mark.parametrize(
    ("probabilities", "code", "said"),
    [
        ([0.5, 0.5], "bad-argument", "shape"),
        (np.full((2, 3), 1 / 3), "bad-argument", "shape"),
        ([], "bad-argument", "shape"),
        (0.5, "bad-argument", "shape"),
        ([0.5, 0.3, 0.1], "bad-argument", "row 0 of probabilities .* sums to 0.9"),
        ([0.5, 0.3, 0.200002], "bad-argument", "sums to"),
        ([0.5, 0.6, -0.1], "bad-number", "action 'green', is -0.1"),
        ([0.5, np.nan, 0.5], "bad-number", "action 'blue', is nan"),
        ([np.inf, 0.0, 0.0], "bad-number", "action 'red', is inf"),
        (["0.5", "0.5", "0"], "bad-number", "not numbers"),
        (None, "bad-argument", "shape"),
    ],
)
def test_probabilities_that_are_none_are_refused(probabilities, code, said):
    with pytest.raises(InputError, match=said) as refused:
        evaluate(uniform_log(), probabilities)
    assert (refused.value.code, refused.value.field) == (code, "probabilities")


def test_one_bad_row_of_a_policy_is_named():
    table = np.full((3000, 3), 1 / 3)
    table[1234] = [0.5, 0.5, 0.5]
    with pytest.raises(InputError, match="row 1234 of probabilities"):
        evaluate(uniform_log(), table)


def test_probabilities_rounded_in_a_file_are_taken():
    assert isinstance(evaluate(uniform_log(), [0.5, 0.3, 0.2000009]), PolicyValue)


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("clip", 0.99),
        ("clip", np.nan),
        ("clip", "10"),
        ("confidence", 1.0),
        ("confidence", 0.49),
        ("confidence", 95),
        ("least_effective", 1.9),
        ("least_effective", np.inf),
        ("least_error_rows", 0.5),
        ("least_error_rows", None),
    ],
)
def test_settings_out_of_range_are_refused(setting, value):
    with pytest.raises(InputError) as refused:
        evaluate(uniform_log(), [0.5, 0.3, 0.2], **{setting: value})
    assert (refused.value.code, refused.value.field) == ("bad-argument", setting)
    assert refused.value.remedy
