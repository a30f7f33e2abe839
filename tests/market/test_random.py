"""Random numbers of a run are its own, in whatever chunk it is drawn."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from budgetopt.market.random import BLOCK, PURPOSES, Stream

DRAWS = {
    "normals": lambda stream: stream.normals(3),
    "uniforms": lambda stream: stream.uniforms(3),
    "gammas": lambda stream: stream.gammas(np.array([0.3, 2.0, 50.0])),
}


@pytest.mark.parametrize("kind", DRAWS)
@given(first=st.integers(0, 300), runs=st.integers(1, 200))
def test_a_chunk_is_cut_out_of_the_whole(kind, first, runs):
    whole, chunk = Stream(7, "noise", 0, 500), Stream(7, "noise", first, runs)
    for _ in range(2):
        wanted = DRAWS[kind](whole)[first : first + runs]
        np.testing.assert_array_equal(DRAWS[kind](chunk), wanted)


def test_streams_differ_by_seed_purpose_name_and_run():
    keys = [(7, p, 0, "") for p in PURPOSES] + [(8, "noise", 0, ""), (7, "noise", BLOCK, "")]
    keys += [(7, "scenario", 0, "a"), (7, "scenario", 0, "b")]
    drawn = [Stream(s, p, first, BLOCK, name=n).normals(4).ravel() for s, p, first, n in keys]
    together = np.corrcoef(drawn) - np.eye(len(drawn))
    assert np.abs(together).max() < 5 / np.sqrt(BLOCK * 4)


def test_runs_of_neighbouring_blocks_are_independent():
    numbers = np.concatenate([Stream(1, "luck", b * BLOCK, BLOCK).uniforms(8) for b in range(200)])
    assert stats.kstest(numbers.ravel(), "uniform").pvalue > 1e-4
    flat = numbers.reshape(200, -1)
    assert abs(np.corrcoef(flat[:-1].ravel(), flat[1:].ravel())[0, 1]) < 5 / np.sqrt(flat.size)
