"""Random plans as users write them, held against their words, as in `benchmarks/fuzz_declared.py`.

Any representation of any number, any kind of limit, money from 1e-3 to 1e13, lots, and decimal
contexts of the caller that are hostile.
"""

import collections

import fuzz_declared
import pytest


def judged(seeds, most):
    """Return how often each verdict is passed on plans without a time limit, which none is late."""
    tally = collections.Counter()
    for seed in seeds:
        verdict, text = fuzz_declared.judge(seed, most, None)
        assert verdict.startswith("ok"), f"{verdict} at seed {seed}: {text}"
        tally[verdict] += 1
    return tally


@pytest.mark.parametrize("block", range(4))
def test_an_answer_is_true_or_says_what_it_is_not(block):
    tally = judged(range(25 * block, 25 * block + 25), most=8)
    assert tally["ok: proven"] > 12


@pytest.mark.slow
@pytest.mark.parametrize("block", range(4))
def test_many_answers_are_true_or_say_what_they_are_not(block):
    judged(range(10_000 + 40 * block, 10_040 + 40 * block), most=30)
