"""Every estimator by hand arithmetic, by identities and as a random variable."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from budgetopt.errors import InputError
from budgetopt.replay import (
    CellMeans,
    DoublyRobust,
    Estimator,
    InversePropensity,
    Log,
    PolicyValue,
    Rejection,
    RewardModel,
    SelfNormalised,
    evaluate,
)

ANY = {"least_effective": 2, "least_error_rows": 1}
"""Limits under which a handful of rows gets a number."""
WEIGHTED = [InversePropensity(), SelfNormalised(), DoublyRobust()]
HAND = Log([0, 1, 0, 1], [3.0, 1.0, 1.0, 0.0], [0.5, 0.5, 0.25, 0.75], names=("red", "blue"))
"""Under the policy (0.5, 0.5) its weights are 1, 1, 2, 2/3."""


class Known:
    """A model that knows what to expect, by action or by row and action."""

    def __init__(self, expected):
        self.expected = np.asarray(expected)

    def predict(self, log, train, rows):
        if self.expected.ndim == 2:
            return self.expected[rows]
        return np.tile(self.expected, (rows.size, 1))


def simulate(rng, rows, *, actions=4, contexts=3, noise=1.0):
    """Return a log with its policy by row, and the policy's true value on these contexts."""
    chance = rng.dirichlet(np.full(actions, 3.0), contexts)
    expected = rng.uniform(0, 2, (contexts, actions))
    table = rng.dirichlet(np.full(actions, 2.0), contexts)
    context = rng.integers(contexts, size=rows)
    action = (rng.random((rows, 1)) > chance[context].cumsum(axis=1)).sum(axis=1)
    action = np.minimum(action, actions - 1)
    reward = expected[context, action] + noise * rng.normal(size=rows)
    names = tuple("abcdefgh"[:actions])
    log = Log(action, reward, chance[context, action], names, context)
    return log, table[context], (table * expected).sum(axis=1), expected


def test_inverse_propensity_by_hand():
    answer = evaluate(HAND, [0.5, 0.5], InversePropensity(), **ANY)
    # Terms 3, 1, 2, 0 about 1.5: squares 2.25, 0.25, 0.25, 2.25 sum to 5.
    assert answer.value == pytest.approx(1.5)
    assert answer.standard_error == pytest.approx(np.sqrt(5 / 3) / 2)
    assert answer.error_rows <= 25 / (2 * 2.25**2 + 2 * 0.25**2) + 1e-12


def test_self_normalised_by_hand():
    answer = evaluate(HAND, [0.5, 0.5], **ANY)
    # 6 over the weights 14/3 is 9/7; w (r - v) is 12/7, -2/7, -4/7, -6/7, over the mean weight 7/6.
    assert answer.value == pytest.approx(9 / 7)
    parts = np.array([12, -2, -4, -6]) / 7 / (7 / 6)
    assert answer.standard_error == pytest.approx(np.sqrt((parts**2).sum() / 3) / 2)
    assert answer.support.effective == pytest.approx((14 / 3) ** 2 / (6 + 4 / 9))
    squares = parts**2
    assert answer.error_rows == pytest.approx(squares.sum() ** 2 / (squares**2).sum())


def test_doubly_robust_by_hand():
    answer = evaluate(HAND, [0.5, 0.5], DoublyRobust(Known([2.0, 1.0]), folds=2), **ANY)
    # 1.5 expected of the policy; w (r - q) is 1, 0, -2, -2/3.
    terms = np.array([2.5, 1.5, -0.5, 5 / 6])
    assert answer.value == pytest.approx(13 / 12)
    assert answer.standard_error == pytest.approx(terms.std(ddof=1) / 2)


def test_rejection_by_hand():
    log = Log([0, 1, 0, 1, 0], [3.0, 9.0, 1.0, 9.0, 2.0], [0.5] * 5, names=("red", "blue"))
    answer = evaluate(log, [1.0, 0.0], Rejection(), **ANY)
    # The policy is certain: rows 0, 2, 4 are kept, with rewards 3, 1, 2.
    assert answer.value == pytest.approx(2.0)
    assert answer.standard_error == pytest.approx(1 / np.sqrt(3))
    assert answer.support.effective == pytest.approx(3.0)
    assert answer.value == pytest.approx(evaluate(log, [1.0, 0.0], SelfNormalised(), **ANY).value)


def test_the_interval_by_hand():
    # Rewards of two equal halves: the error rests on every row, and Student's t is the normal.
    log = Log([0, 1] * 50, [0.0, 1.0] * 50, [0.5] * 100, names=("red", "blue"))
    answer = evaluate(log, [0.5, 0.5], InversePropensity(), confidence=0.9)
    assert answer.error_rows == pytest.approx(100)
    assert answer.high - answer.value == pytest.approx(1.6448536 * np.sqrt(25 / 99) / 10)
    assert answer.value - answer.low == pytest.approx(answer.high - answer.value)


def test_few_clicks_widen_the_interval():
    # 10 clicks in 1,000 rows: d is 0.99 ten times and 0.01 else, with squares that sum to 9.9.
    log = Log([0, 1] * 500, [1.0] * 10 + [0.0] * 990, [0.5] * 1000, names=("red", "blue"))
    answer = evaluate(log, [0.5, 0.5], InversePropensity())
    assert answer.error_rows == pytest.approx(9.9**2 / (10 * 0.99**4 + 990 * 1e-8))
    # Hall's transformation of both ends is Student's t with 2 / (1/10.2 - 1/1000) = 20.6 degrees.
    skew = (10 * 0.99**3 - 990 * 1e-6) / 9.9**1.5
    quantiles = []
    for end in (answer.low, answer.high):
        t = (answer.value - end) / answer.standard_error
        quantiles.append(t + skew * (t**2 / 3 + 1 / 6) + skew**2 * t**3 / 27)
    assert quantiles == pytest.approx([2.082, -2.082], abs=1e-3)
    assert answer.high - answer.value > 1.5 * (answer.value - answer.low)


def test_cell_means_by_hand():
    log = Log([0, 0, 1, 1], [2.0, 4.0, 0.0, 7.0], [0.5] * 4, names=("red", "blue"))
    answer = CellMeans(prior_rows=1).predict(log, np.array([0, 1, 2]), np.array([3]))
    # Mean 2; red (6 + 2) / 3 twice drawn: (6 + 8/3) / 3; blue (0 + 2) / 2 = 1: (0 + 1) / 2.
    assert answer == pytest.approx(np.array([[26 / 9, 0.5]]))


def test_a_model_never_sees_the_rows_it_is_asked_for():
    seen = []

    class Spy:
        def predict(self, log, train, rows):
            seen.append((set(train.tolist()), set(rows.tolist())))
            return np.zeros((rows.size, 2))

    evaluate(HAND, [0.5, 0.5], DoublyRobust(Spy(), folds=3), **ANY)
    assert [rows for _, rows in seen] == [{0, 3}, {1}, {2}]
    assert all(train | rows == {0, 1, 2, 3} and not train & rows for train, rows in seen)


def test_doubly_robust_with_an_exact_model_has_no_noise_of_the_weights():
    log, policy, truth, expected = simulate(np.random.default_rng(1), 500, noise=0.0)
    by_row = expected[log.contexts]
    answer = evaluate(log, policy, DoublyRobust(Known(by_row)))
    under_policy = (policy * by_row).sum(axis=1)
    assert answer.value == pytest.approx(under_policy.mean(), rel=1e-12)
    assert answer.standard_error == pytest.approx(under_policy.std(ddof=1) / np.sqrt(500))
    assert answer.value == pytest.approx(truth[log.contexts].mean(), rel=1e-12)


def test_doubly_robust_with_a_model_of_nothing_is_inverse_propensity():
    log, policy, _, _ = simulate(np.random.default_rng(2), 300)
    nothing = evaluate(log, policy, DoublyRobust(Known(np.zeros(4))))
    plain = evaluate(log, policy, InversePropensity())
    assert nothing.value == pytest.approx(plain.value)
    assert nothing.standard_error == pytest.approx(plain.standard_error)


@pytest.mark.parametrize("estimator", WEIGHTED, ids=lambda e: e.name)
def test_the_logging_policy_itself_is_worth_the_mean_of_the_log(estimator):
    log, _, _, _ = simulate(np.random.default_rng(3), 200, contexts=1)
    chance = np.array([log.propensities[log.actions == a][0] for a in range(4)])
    answer = evaluate(log, chance, estimator)
    assert answer.support.effective == pytest.approx(200)
    if estimator.name != "doubly-robust":
        assert answer.value == pytest.approx(log.rewards.mean())
        assert answer.standard_error == pytest.approx(log.rewards.std(ddof=1) / np.sqrt(200))


def test_rejection_keeps_a_row_as_often_as_the_policy_takes_its_action():
    log = Log([0, 1] * 5000, [1.0, 0.0] * 5000, [0.5] * 10_000, names=("red", "blue"))
    weights = Rejection(seed=5).weights(log, np.tile([0.3, 0.7], (10_000, 1)))
    assert set(weights.tolist()) == {0.0, 2.0}
    kept = [np.mean(weights[log.actions == a] > 0) for a in (0, 1)]
    # Four standard errors of 5,000 coins.
    assert kept == pytest.approx([0.3, 0.7], abs=4 * np.sqrt(0.21 / 5000))
    again = Rejection(seed=5).weights(log, np.tile([0.3, 0.7], (10_000, 1)))
    assert np.array_equal(weights, again)


def test_rejection_refuses_a_log_that_did_not_choose_uniformly():
    with pytest.raises(InputError, match=r"row 2 of the log has propensity 0\.25") as refused:
        evaluate(HAND, [0.5, 0.5], Rejection(), **ANY)
    assert (refused.value.code, refused.value.field) == ("bad-argument", "propensities")
    rounded = Log([0, 1, 2], [0.0, 1.0, 2.0], [0.333] * 3, names=("a", "b", "c"))
    assert Rejection().weights(rounded, np.ones((3, 3))).tolist() == [3.0] * 3


@pytest.mark.parametrize(
    ("make", "field"),
    [
        (lambda: DoublyRobust(folds=1), "folds"),
        (lambda: DoublyRobust(folds=2.5), "folds"),
        (lambda: evaluate(HAND, [0.5, 0.5], DoublyRobust(folds=5), **ANY), "folds"),
        (lambda: Rejection(seed=-1), "seed"),
        (lambda: Rejection(seed=0.5), "seed"),
        (lambda: CellMeans(prior_rows=0.0), "prior_rows"),
        (lambda: CellMeans(prior_rows=np.nan), "prior_rows"),
        (lambda: CellMeans(prior_rows=True), "prior_rows"),
        (
            lambda: evaluate(HAND, [0.5, 0.5], DoublyRobust(Known([np.nan, 1.0]), folds=2), **ANY),
            "model",
        ),
        (lambda: evaluate(HAND, [0.5, 0.5], DoublyRobust(Known([1.0]), folds=2), **ANY), "model"),
    ],
)
def test_settings_out_of_range_are_refused(make, field):
    with pytest.raises(InputError) as refused:
        make()
    assert (refused.value.code, refused.value.field) == ("bad-argument", field)
    assert refused.value.remedy


def test_the_roles():
    assert all(isinstance(e, Estimator) for e in [*WEIGHTED, Rejection()])
    assert isinstance(CellMeans(), RewardModel)


@pytest.mark.parametrize("estimator", [*WEIGHTED[:2], DoublyRobust(folds=60)], ids=lambda e: e.name)
@given(seed=st.integers(0, 2**32))
def test_neither_the_order_of_rows_nor_the_names_of_actions_count(estimator, seed):
    rng = np.random.default_rng(seed)
    log, policy, _, _ = simulate(rng, 60, actions=3, contexts=2)
    rows, relabel, contexts = rng.permutation(60), rng.permutation(3), rng.permutation(2)
    other = Log(
        relabel[log.actions][rows],
        log.rewards[rows],
        log.propensities[rows],
        tuple("xyz"),
        contexts[log.contexts][rows],
    )
    moved = np.empty_like(policy)
    moved[:, relabel] = policy
    first = evaluate(log, policy, estimator, **ANY)
    second = evaluate(other, moved[rows], estimator, **ANY)
    assert type(first) is type(second)
    assert second.support.effective == pytest.approx(first.support.effective)
    if isinstance(first, PolicyValue):
        for name in ("value", "standard_error", "low", "high", "error_rows"):
            assert getattr(second, name) == pytest.approx(getattr(first, name), rel=1e-6, abs=1e-9)


@given(seed=st.integers(0, 2**32), factor=st.floats(0.01, 100), shift=st.floats(-50, 50))
def test_self_normalised_moves_with_the_rewards_and_stays_among_them(seed, factor, shift):
    log, policy, _, _ = simulate(np.random.default_rng(seed), 40, actions=3, contexts=1)
    moved = Log(log.actions, factor * log.rewards + shift, log.propensities, log.names)
    first, second = evaluate(log, policy, **ANY), evaluate(moved, policy, **ANY)
    assert type(first) is type(second)
    if isinstance(first, PolicyValue):
        assert log.rewards.min() <= first.value <= log.rewards.max()
        assert second.value == pytest.approx(factor * first.value + shift, rel=1e-6, abs=1e-6)
        assert second.standard_error == pytest.approx(factor * first.standard_error, rel=1e-6)


@given(seed=st.integers(0, 2**32), share=st.floats(0.0, 1.0))
def test_inverse_propensity_is_linear_in_the_policy(seed, share):
    log, policy, _, _ = simulate(np.random.default_rng(seed), 40, actions=3, contexts=1)
    estimator, even = InversePropensity(), np.full_like(policy, 1 / 3)
    mix = share * policy + (1 - share) * even

    def value(probabilities):
        weights = estimator.weights(log, probabilities)
        return estimator.terms(log, probabilities, weights).mean()

    assert value(mix) == pytest.approx(share * value(policy) + (1 - share) * value(even))


@pytest.mark.parametrize(
    "estimator", [*WEIGHTED, Rejection(seed=1)], ids=lambda estimator: estimator.name
)
def test_no_bias_over_simulated_logs(estimator):
    """The mean over 400 logs of 400 rows is the truth within four of its standard errors."""
    rng = np.random.default_rng(11)
    expected, policy = np.array([0.2, 0.5, 1.4]), np.array([0.6, 0.3, 0.1])
    uniform = np.full(3, 1 / 3)
    chance = uniform if estimator.name == "rejection" else np.array([0.2, 0.3, 0.5])
    values, errors = [], []
    for _ in range(400):
        action = rng.choice(3, 400, p=chance)
        reward = rng.exponential(expected[action])
        log = Log(action, reward, chance[action], names=("a", "b", "c"))
        answer = evaluate(log, policy, estimator, **ANY)
        values.append(answer.value)
        errors.append(answer.standard_error)
    off = np.mean(values) - policy @ expected
    # The bias of order 1/n of the self-normalised one is a hundredth of its error here.
    assert abs(off) < 4 * np.std(values) / np.sqrt(400)
    assert np.sqrt(np.mean(np.square(errors))) == pytest.approx(np.std(values), rel=0.15)


@pytest.mark.slow
@pytest.mark.parametrize("rate", [0.03, 0.3, None], ids=["rare", "clicks", "revenue"])
@pytest.mark.parametrize("estimator", WEIGHTED, ids=lambda estimator: estimator.name)
def test_intervals_hold_the_truth_as_often_as_the_docstring_says(estimator, rate):
    rng = np.random.default_rng(17)
    held = []
    for _ in range(2000):
        chance = 0.9 * rng.dirichlet(np.ones(10)) + 0.01
        chance /= chance.sum()
        policy = rng.dirichlet(np.ones(10))
        expected = (rate or 1.0) * rng.uniform(0.3, 1.7, 10)
        action = rng.choice(10, 1000, p=chance)
        mean = expected[action]
        reward = mean * rng.lognormal(-0.5, 1.0, 1000) if rate is None else rng.random(1000) < mean
        log = Log(action, reward, chance[action], names=tuple("abcdefghij"))
        answer = evaluate(log, policy, estimator)
        if isinstance(answer, PolicyValue):
            held.append(answer.low <= policy @ expected <= answer.high)
    assert len(held) > 1000
    # The docstring's range, and more on each side than three errors of the share.
    assert 0.915 < np.mean(held) < 0.98
