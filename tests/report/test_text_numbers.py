"""Numbers of a column: parts add up to their total, and none is lost in rounding."""

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from budgetopt.i18n import round_known
from budgetopt.report.text import adding_up, as_known

AMOUNTS = st.lists(st.floats(1e-2, 1e7), min_size=1, max_size=8)


def read(text):
    return Decimal(text.replace(",", ""))


@given(AMOUNTS, st.floats(1e-3, 1e8))
def test_parts_add_up_to_their_total(parts, width):
    *shown, total = map(read, adding_up([*parts, sum(parts)], width))
    assert sum(shown) == total


@given(AMOUNTS, st.floats(1e-3, 1e8))
def test_no_part_is_shown_as_nothing(values, width):
    # Five digits of the largest are the most that any number has.
    for value, text in zip(values, as_known(values, width), strict=True):
        assert read(text) > 0 or value < 1e-4 * max(values)
        assert round_known(value, width) > 0
