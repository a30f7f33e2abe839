"""Policies by name and as plain data: there and back."""

import json

import pytest

from budgetopt.errors import InputError
from budgetopt.i18n import in_language
from budgetopt.policies import (
    DEFAULT,
    NAMES,
    Cautious,
    EqualSplit,
    ExplorationBudget,
    Greedy,
    Guarded,
    HoldSteady,
    Optimistic,
    Phased,
    Policy,
    PosteriorMean,
    Proportional,
    Thompson,
    UpperQuantile,
    policy_from_dict,
    policy_named,
    policy_to_dict,
)

from .helpers import Fixed

NAMED = [
    ("hold", HoldSteady()),
    ("equal", EqualSplit()),
    ("posterior-mean", PosteriorMean()),
    ("proportional", Proportional()),
    (" Thompson ", Thompson()),
    ("thompson(10)", Thompson(10)),
    ("proportional(4)", Proportional(4)),
    ("proportional(4, 0.5)", Proportional(4, 0.5)),
    ("greedy", Greedy()),
    ("greedy(.1)", Greedy(0.1)),
    ("greedy(1e-3)", Greedy(0.001)),
    ("upper-quantile(0.9)", UpperQuantile(0.9)),
    ("optimistic", Optimistic()),
    ("optimistic(0.5)", Optimistic(0.5)),
    ("cautious", Cautious()),
    ("cautious(posterior-mean, 1)", Cautious()),
    ("cautious(thompson(3),0.5)", Cautious(Thompson(3), 0.5)),
    ("guarded(greedy(0.2), 0.1, 0.9)", Guarded(Greedy(0.2), 0.1, 0.9)),
    ("test-budget(posterior-mean, 0.05)", ExplorationBudget()),
    (
        "test-budget(cautious(proportional(4, 0.5), 2), 0.02)",
        ExplorationBudget(Cautious(Proportional(4, 0.5), 2), 0.02),
    ),
    ("phased(optimistic, 0.1, 26)", Phased()),
    ("phased(greedy, 0.2)", Phased(Greedy(), 0.2)),
]


@pytest.mark.parametrize(("name", "policy"), NAMED)
def test_policies_have_names(name, policy):
    assert policy_named(name) == policy
    assert policy_named(policy.name) == policy
    assert isinstance(policy, Policy)


@pytest.mark.parametrize("name", NAMES)
def test_every_name_on_the_menu_makes_a_policy_of_that_name(name):
    assert policy_named(name).name.startswith(name)


def test_the_first_name_is_the_default():
    assert policy_named(NAMES[0]) == DEFAULT


@pytest.mark.parametrize(
    ("name", "remedy"),
    [
        ("tompson", "did you mean 'thompson'?"),
        ("hold(3)", "did you mean 'hold'?"),
        ("thompson(x)", "did you mean 'thompson'?"),
        ("thompson(1.5)", "did you mean 'thompson'?"),
        ("thompson()", "did you mean 'thompson'?"),
        ("thompson(1, 2)", "did you mean 'thompson'?"),
        ("gredy(0.05)", "did you mean 'greedy'?"),
        ("cautious(tompson(3), 1)", "did you mean 'thompson'?"),
        ("cautious(posterior-mean, 1", "did you mean 'cautious'?"),
        ("", "choose one of"),
    ],
)
def test_an_unknown_name_is_answered_with_the_nearest(name, remedy):
    with pytest.raises(InputError) as error:
        policy_named(name)
    assert error.value.code == "unknown-name"
    assert remedy in error.value.remedy


@pytest.mark.parametrize(
    "name",
    ["thompson(0)", "proportional(0)", "greedy(0)", "greedy(nan)", "upper-quantile(1)",
     "cautious(hold, 0)", "test-budget(hold, 2)", "guarded(hold, 0.05, 1)"],
)  # fmt: skip
def test_a_name_with_a_number_out_of_range_is_refused(name):
    with pytest.raises(InputError) as error:
        policy_named(name)
    assert error.value.code == "bad-argument"
    kind = name.partition("(")[0]
    assert in_language(error.value.problem, "zh").startswith(f"{kind}.{error.value.field} ")


@pytest.mark.parametrize("policy", [policy for _, policy in NAMED])
def test_policies_survive_json(policy):
    data = json.loads(json.dumps(policy_to_dict(policy)))
    assert policy_from_dict(data) == policy


def test_what_is_done_otherwise_is_kept():
    policy = Cautious(Thompson(3, fallback=Greedy(0.1)), fallback=EqualSplit())
    again = policy_from_dict(json.loads(json.dumps(policy_to_dict(policy))))
    assert again == policy
    assert again.fallback == EqualSplit()
    assert again.policy.fallback == Greedy(0.1)
    assert policy_named(policy.name) != policy


@pytest.mark.parametrize(
    "change",
    [{"schema_version": 2}, {"draw": 3}, {"draws": 0}, {"draws": "3"}, {"otherwise": "hold"},
     {"otherwise": {"kind": "hold", "x": 1}}, {"kind": 3}],
)  # fmt: skip
def test_wrong_data_are_refused(change):
    with pytest.raises(InputError) as error:
        policy_from_dict(policy_to_dict(Thompson(3)) | change)
    assert error.value.code == "bad-argument"


def test_data_that_lack_a_setting_are_refused():
    data = policy_to_dict(Thompson(3))
    del data["draws"]
    with pytest.raises(InputError, match="'draws'"):
        policy_from_dict(data)


def test_data_of_an_unknown_policy_are_answered_with_the_nearest():
    with pytest.raises(InputError, match="did you mean 'hold'"):
        policy_from_dict({"schema_version": 1, "kind": "holt"})


def test_a_policy_of_ones_own_is_not_written_down():
    with pytest.raises(InputError, match="'fixed' is not a built-in policy"):
        policy_to_dict(Fixed(1, 2))


@pytest.mark.parametrize("kind", [Cautious, Guarded, ExplorationBudget, Phased])
@pytest.mark.parametrize("policy", ["hold", HoldSteady, None])
def test_what_is_no_policy_is_refused(kind, policy):
    with pytest.raises(InputError, match="policy is") as error:
        kind(policy)
    assert error.value.code == "bad-argument"
