"""A week that a policy cannot solve: what is taken, whose it is, and why."""

import numpy as np
import pytest

from budgetopt.errors import InfeasibleError, InputError, SolverError, VerificationError
from budgetopt.policies import EqualSplit, HoldSteady, PosteriorMean, Proportional, decided

from .helpers import Fixed, view

RNG = np.random.default_rng(0)
STUCK = SolverError("not-converged", "the search did not end", field="method")


class Stuck:
    """A policy that never finds an answer."""

    name = "stuck"

    def __init__(self, error=STUCK, **changes):
        self.error = error
        vars(self).update(changes)

    def decide(self, view, rng):
        raise self.error


def test_what_can_be_solved_is_taken_as_it_is():
    found = decided(Fixed(1, 2, 3), view(), RNG)
    assert found.spend.tolist() == [1, 2, 3]
    assert (found.policy, found.reason, bool(found.fell)) == ("fixed", "", False)


@pytest.mark.parametrize(
    "error",
    [
        STUCK,
        InfeasibleError("limits-clash", "no split keeps the limits"),
        ZeroDivisionError("division by zero"),
        np.linalg.LinAlgError("singular"),
    ],
)
def test_a_week_that_cannot_be_solved_is_held(error):
    found = decided(Stuck(error), view(), RNG)
    assert found.spend.tolist() == [20, 30, 50]
    assert found.policy == "hold"
    assert found.reason == f"policy stuck could not solve the week ({error})"
    assert found.fell


def test_another_policy_may_be_declared():
    found = decided(Stuck(fallback=EqualSplit()), view(), RNG)
    assert found.spend.tolist() == pytest.approx([40, 40, 40])
    assert found.policy == "equal"
    assert Proportional().fallback == PosteriorMean().fallback == HoldSteady()
    assert PosteriorMean(fallback=EqualSplit()).fallback == EqualSplit()


def test_a_chain_of_policies_is_followed_to_its_end():
    found = decided(Stuck(fallback=Stuck(fallback=Fixed(np.nan, 1, 2))), view(), RNG)
    assert found.policy == "hold"
    assert found.reason.count("policy stuck could not solve the week") == 2
    assert found.reason.endswith("policy fixed returned spend that is not a finite number")


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_an_answer_that_is_not_finite_is_not_taken(bad):
    found = decided(Fixed(1, bad, 3), view(), RNG)
    assert found.spend.tolist() == [20, 30, 50]
    assert found.reason == "policy fixed returned spend that is not a finite number"


def test_only_the_runs_without_an_answer_fall_back():
    both = view(
        lower=np.zeros((2, 3)),
        upper=np.full((2, 3), 100.0),
        budget=np.full(2, 120.0),
        last=np.array([[20.0, 30.0, 50.0], [1.0, 2.0, 3.0]]),
    )
    found = decided(Fixed([5, 6, 7], [1, np.nan, 2]), both, RNG)
    assert found.spend.tolist() == [[5, 6, 7], [1, 2, 3]]
    assert found.fell.tolist() == [False, True]
    assert found.reason.endswith("not a finite number in 1 of 2 runs")


@pytest.mark.parametrize("answer", [[1, 2], [[1, 2, 3]], []])
def test_an_answer_of_another_shape_is_a_fault_and_no_week_to_hold(answer):
    with pytest.raises(
        VerificationError, match="did not return a finite amount for each of 3 channels"
    ):
        decided(Fixed(*answer), view(), RNG)


def test_an_answer_that_is_no_number_is_a_fault():
    class Text(Fixed):
        def decide(self, view, rng):
            return ["a", "b", "c"]

    with pytest.raises(VerificationError):
        decided(Text(), view(), RNG)


def test_wrong_settings_are_not_hidden():
    with pytest.raises(InputError, match="one total"):
        decided(Proportional(), view(outcome=None), RNG)
    with pytest.raises(KeyError):
        decided(Stuck(KeyError("x")), view(), RNG)


def test_where_holding_fails_there_is_an_error_and_no_number():
    def stuck(spend):
        raise STUCK

    with pytest.raises(SolverError, match="did not end"):
        decided(PosteriorMean(), view(best=stuck, projection=stuck), RNG)
    with pytest.raises(VerificationError, match="did not return a finite amount"):
        decided(HoldSteady(), view(last=np.array([1.0, np.nan, 2.0])), RNG)


def test_the_earlier_names_are_taken_with_a_warning():
    with pytest.warns(DeprecationWarning, match="otherwise of PosteriorMean"):
        policy = PosteriorMean(otherwise=EqualSplit())
    assert policy == PosteriorMean(fallback=EqualSplit())
    with pytest.warns(DeprecationWarning, match="otherwise of PosteriorMean"):
        assert policy.otherwise == EqualSplit()
    with pytest.warns(DeprecationWarning, match=r"View\.project"):
        np.testing.assert_array_equal(view().fit(view().last), view().project(view().last))


def test_a_policy_of_ones_own_may_still_say_otherwise():
    with pytest.warns(DeprecationWarning, match="attribute otherwise"):
        found = decided(Stuck(otherwise=EqualSplit()), view(), RNG)
    assert found.policy == "equal"
