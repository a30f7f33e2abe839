"""The Open Bandit Dataset, men: a uniform and a Thompson log of the same week.

Saito, Aihara, Matsutani and Narita (2020). A row is one of three slots of a display; its propensity
is that of the item at its slot, so the slot is the context.
"""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from budgetopt.errors import InputError
from budgetopt.replay import (
    DoublyRobust,
    InversePropensity,
    Log,
    Rejection,
    SelfNormalised,
    Unsupported,
    evaluate,
)

FOLDER = Path(__file__).parents[2].parent / "shared" / "data" / "obd_men"
pytestmark = pytest.mark.skipif(not FOLDER.is_dir(), reason=f"no data set at {FOLDER}")
WEIGHTED = [InversePropensity(), SelfNormalised(), DoublyRobust()]
UNIFORM = np.full(34, 1 / 34)


def read(name):
    return Log.from_frame(
        pd.read_csv(FOLDER / f"{name}_men.csv"),
        action="item_id",
        reward="click",
        propensity="propensity_score",
        context="position",
        names=range(34),
    )


@pytest.fixture(scope="module")
def uniform():
    return read("random")


@pytest.fixture(scope="module")
def thompson():
    return read("bts")


@pytest.fixture(scope="module")
def thompson_policy():
    """What the Thompson sampler did on average, by slot and item, as shares of its log."""
    rows = pd.read_csv(FOLDER / "bts_men.csv")
    return pd.crosstab(rows["position"], rows["item_id"], normalize="index").to_numpy()


def mean_and_error(log):
    return log.rewards.mean(), log.rewards.std(ddof=1) / np.sqrt(log.rows)


def agree(answer, log, errors=2):
    mean, error = mean_and_error(log)
    return abs(answer.value - mean) < errors * np.hypot(answer.standard_error, error)


def test_the_logs_are_read(uniform, thompson):
    for log, clicks in ((uniform, 46), (thompson, 69)):
        assert log.rows == 10_000
        assert log.rewards.sum() == clicks
        assert log.names == tuple(map(str, range(34)))
        assert log.context_names == ("1", "2", "3")
        assert np.unique(log.cells).size == 102


@pytest.mark.parametrize("estimator", WEIGHTED, ids=lambda estimator: estimator.name)
def test_the_uniform_policy_from_the_thompson_log(uniform, thompson, estimator):
    answer = evaluate(thompson, UNIFORM, estimator)
    assert agree(answer, uniform)
    assert answer.support.effective == pytest.approx(656, abs=1)
    assert answer.standard_error == pytest.approx(0.0008, abs=5e-5)


def test_the_figures_of_the_data_sets_description(thompson):
    inverse = evaluate(thompson, UNIFORM, InversePropensity())
    assert inverse.value == pytest.approx(0.0030, abs=5e-5)
    assert evaluate(thompson, UNIFORM).value == pytest.approx(0.0032, abs=5e-5)
    assert InversePropensity().weights(thompson, np.tile(UNIFORM, (10_000, 1))).max() == (
        pytest.approx(178, abs=1)
    )


@pytest.mark.parametrize("estimator", WEIGHTED, ids=lambda estimator: estimator.name)
def test_the_thompson_policy_from_the_uniform_log(uniform, thompson, thompson_policy, estimator):
    answer = evaluate(uniform, thompson_policy[uniform.contexts], estimator)
    assert agree(answer, thompson)
    assert answer.support.effective == pytest.approx(2869, abs=1)


@pytest.mark.parametrize("estimator", WEIGHTED[:2], ids=lambda estimator: estimator.name)
def test_a_policys_own_log_gives_its_mean(uniform, estimator):
    answer = evaluate(uniform, UNIFORM, estimator)
    assert (answer.value, answer.standard_error) == pytest.approx(mean_and_error(uniform))


def test_propensities_are_those_of_the_item_at_its_slot(thompson):
    # At every slot alone the weights of the uniform policy average one, within 2.5 errors.
    weights = 1 / 34 / thompson.propensities
    for slot in range(3):
        here = weights[thompson.contexts == slot]
        assert abs(here.mean() - 1) < 2.5 * here.std(ddof=1) / np.sqrt(here.size)


def test_propensities_of_all_slots_together_are_found_to_be_wrong(uniform):
    # Read as one draw among 102 pairs of slot and item they would be a third.
    third = Log(uniform.actions, uniform.rewards, uniform.propensities / 3, uniform.names)
    answer = evaluate(third, UNIFORM)
    assert isinstance(answer, Unsupported)
    assert "weights average 3" in answer.summary()


def test_rejection_keeps_too_few_clicks(uniform, thompson, thompson_policy):
    # One row in 34 is kept, with a click or two in all.
    answer = evaluate(uniform, thompson_policy[uniform.contexts], Rejection())
    assert isinstance(answer, Unsupported)
    assert "error rests on" in answer.summary()
    with pytest.raises(InputError, match="chose uniformly"):
        evaluate(thompson, UNIFORM, Rejection())


def test_an_item_that_the_thompson_log_hardly_shows_is_not_supported(thompson):
    rarest = int(np.argmin(np.bincount(thompson.actions)))
    answer = evaluate(thompson, np.eye(34)[rarest])
    assert isinstance(answer, Unsupported)
    assert answer.support.effective < 24
    assert f"{rarest} in context" in answer.summary()
