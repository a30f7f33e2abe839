"""Numbers from Sobol' points: evenly spread over the runs of a block, independent else."""

import numpy as np
import pytest
from scipy import stats

from budgetopt.market.random import BLOCK, Balanced


def stream(runs=BLOCK, first=0, seed=7, purpose="noise"):
    return Balanced(seed, purpose, first, runs)


def test_every_column_has_one_number_in_each_part_of_every_block():
    drawn = stream(3 * BLOCK).uniforms(40).reshape(3, BLOCK, 40)
    places = np.sort(np.floor(drawn * BLOCK), axis=1)
    assert np.all(places == np.arange(BLOCK)[:, None])


def test_pairs_of_leading_columns_are_a_net():
    # Sobol' points in two dimensions: one in each of the 64 boxes of area 1/64, of any shape.
    drawn = stream().uniforms(2)
    for wide in (1, 2, 4, 8, 16, 32, 64):
        box = np.floor(drawn * [wide, BLOCK / wide]) @ [BLOCK / wide, 1]
        assert np.array_equal(np.sort(box), np.arange(BLOCK))


def test_numbers_have_their_distributions():
    whole = stream(200 * BLOCK)
    shape = np.array([0.5, 4.0])
    for drawn, law in (
        (whole.uniforms(2)[:, 0], stats.uniform()),
        (whole.normals(2)[:, 1], stats.norm()),
        (whole.gammas(shape)[:, 0], stats.gamma(0.5)),
        (whole.gammas(shape)[:, 1], stats.gamma(4.0)),
    ):
        assert np.all(np.isfinite(drawn))
        # One of each block, so that they are independent.
        for at in (0, 17, 63):
            assert stats.kstest(drawn[at::BLOCK], law.cdf).pvalue > 1e-3


def test_runs_columns_weeks_and_purposes_go_with_each_other_by_chance():
    whole, other = stream(400 * BLOCK), stream(400 * BLOCK, purpose="luck")
    weeks = [whole.normals(3), whole.normals(3), other.normals(3)]
    together = np.corrcoef(np.concatenate(weeks, axis=1).T)
    assert np.max(np.abs(together - np.eye(9))) < 4.5 / np.sqrt(400 * BLOCK)
    # Two runs of one block are never in one part, and otherwise strangers.
    pairs = weeks[0].reshape(400, BLOCK, 3)
    assert abs(np.corrcoef(pairs[:, 5, 1], pairs[:, 40, 1])[0, 1]) < 0.2


def test_a_run_has_the_same_numbers_in_any_chunk():
    whole = stream(5 * BLOCK)
    parts = [stream(60), stream(100, 60), stream(160, 160)]
    for _ in range(3):
        cut = np.concatenate([part.normals(4) for part in parts])
        np.testing.assert_array_equal(whole.normals(4), cut)


@pytest.mark.parametrize("width", [1, 2, 300])
def test_any_width_is_drawn(width):
    assert stream(70).normals(width).shape == (70, width)
