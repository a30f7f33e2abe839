"""Coverage in simulated markets, and of curves shaped like published models."""

import calibration
import numpy as np
import pytest

from budgetopt.belief import Settings

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("cell", ["drift with shock", "3 % tracking outages", "common demand wave"])
def test_predictions_are_calibrated(cell):
    """The script has all cells, at both resolutions."""
    rank = calibration.ranks(cell, Settings.fast())
    assert rank.size >= 300 * 40
    assert 0.75 <= calibration.held(rank, 0.8) <= 0.88
    assert 0.92 <= calibration.held(rank, 0.95) <= 0.98


def test_a_handful_of_conversions_is_calibrated_as_far_as_whole_numbers_go():
    """Some three a week: an 80 % band that ends between two counts holds a little more."""
    rank = calibration.ranks("three conversions", Settings.fast())
    assert 0.75 <= calibration.held(rank, 0.8) <= 0.90
    assert 0.92 <= calibration.held(rank, 0.95) <= 0.99


@pytest.mark.skipif(not calibration.MODELS.is_dir(), reason=f"no data at {calibration.MODELS}")
def test_responses_of_published_models_are_recovered():
    """90 % bands at 0.5, 1 and 1.5 times the mean spend hold 90 % together.

    Half of the mean spend lies below every week of a channel that runs now and then, where an
    S-shape cannot be told: there it is less.
    """
    chosen = Settings(
        carryover=(0.0, 0.2, 0.4, 0.6, 0.8),
        points=13,
        noise=(0.1, 0.2, 0.4),
        drift=(0.003, 0.03),
    )
    inside = calibration.recovered(90, chosen)
    assert np.mean(inside) > 0.87
    assert np.all(inside.mean(axis=0) > [0.75, 0.9, 0.85])
