"""The benchmark of growth runs, and its exponents are what they are called."""

import growth
import pytest


@pytest.mark.parametrize("name", growth.CASES)
def test_every_case_runs_at_small_sizes(name):
    found = growth.measured(name, 1, (3, 6))
    assert found["sizes"] == [3, 6]
    assert len(found["seconds"]) == 2
    assert found["peak_mb"] > 0


def test_an_exponent_is_the_power_of_the_size():
    assert growth.exponent([10, 20, 40, 80], [1, 4, 16, 64]) == pytest.approx(2.0)
    assert growth.exponent([1, 2, 4, 8], [3, 6, 12, 24]) == pytest.approx(1.0)
