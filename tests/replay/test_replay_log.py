"""What a log takes, and what it refuses with the row and the field."""

import numpy as np
import pandas as pd
import pytest

from budgetopt.errors import InputError
from budgetopt.replay import Log

GOOD = {
    "actions": [0, 1, 1],
    "rewards": [1.0, 0.0, 2.5],
    "propensities": [0.5, 0.25, 0.25],
    "names": ("red", "blue"),
}


def log(**changes):
    return Log(**{**GOOD, **changes})


def frame(**changes):
    columns = {
        "ad": ["b", "a", "b"],
        "slot": [3, 1, 3],
        "click": [1, 0, 0],
        "chance": [0.5, 0.2, 0.8],
    }
    return pd.DataFrame({**columns, **changes})


def read(rows, **changes):
    columns = {"action": "ad", "reward": "click", "propensity": "chance", "context": "slot"}
    return Log.from_frame(rows, **{**columns, **changes})


def test_a_log_keeps_read_only_copies():
    rewards = np.array([1.0, 0.0, 2.5])
    made = log(rewards=rewards)
    rewards[0] = 7.0
    assert made.rewards[0] == 1.0
    for column in (made.actions, made.rewards, made.propensities, made.contexts):
        with pytest.raises(ValueError, match="read-only"):
            column[0] = 0
    assert made.rows == 3
    assert made.context_names == ("all",)
    assert made.cell_name(1) == "blue"


def test_contexts_are_numbered_where_they_have_no_names():
    made = log(contexts=[2, 0, 2])
    assert made.context_names == ("0", "1", "2")
    assert made.cells.tolist() == [4, 1, 5]
    assert made.cell_name(5) == "blue in context 2"


@pytest.mark.parametrize(
    ("changes", "code", "field", "said"),
    [
        ({"propensities": [0.5, 0.0, 0.5]}, "bad-number", "propensities", "row 1 of propensities"),
        ({"propensities": [0.5, 0.5, 1.001]}, "bad-number", "propensities", "row 2 .* is 1.001"),
        ({"propensities": [np.nan, 0.5, 0.5]}, "bad-number", "propensities", "row 0 .* is nan"),
        ({"propensities": [0.5, -0.1, 0.5]}, "bad-number", "propensities", "row 1 .* is -0.1"),
        ({"propensities": [0.5, 9.9e-10, 0.5]}, "bad-number", "propensities", "row 1"),
        ({"propensities": ["0.5", "0.5", "1"]}, "bad-number", "propensities", "is not numbers"),
        ({"propensities": [0.5, 0.5]}, "bad-argument", "propensities", "2 rows and actions 3"),
        ({"rewards": [0.0, np.inf, 1.0]}, "bad-number", "rewards", "row 1 of rewards .* is inf"),
        ({"rewards": [0.0, 1.0, np.nan]}, "bad-number", "rewards", "row 2 of rewards"),
        ({"rewards": [0.0, 1.0, None]}, "bad-number", "rewards", "rewards"),
        ({"rewards": [0.0, 1.0, 1.1e15]}, "bad-number", "rewards", "row 2"),
        ({"rewards": [0.0, 1.0, object()]}, "bad-number", "rewards", "is not numbers"),
        ({"rewards": [[0.0, 1.0, 1.0]]}, "bad-argument", "rewards", "shape"),
        ({"rewards": np.array(3.0)}, "bad-argument", "rewards", "shape"),
        ({"actions": [0, 2, 1]}, "bad-argument", "actions", "row 1 of actions .* is 2"),
        ({"actions": [0, -1, 1]}, "bad-argument", "actions", "row 1 of actions .* is -1"),
        ({"actions": [0.0, 1.0, 1.0]}, "bad-argument", "actions", "not whole numbers"),
        ({"actions": ["red", "blue", "red"]}, "bad-argument", "actions", "from_frame"),
        ({"actions": [True, False, True]}, "bad-argument", "actions", "not whole numbers"),
        ({"contexts": [0, 1]}, "bad-argument", "contexts", "2 rows and actions 3"),
        ({"contexts": [0, 1, -1]}, "bad-argument", "contexts", "row 2 of contexts"),
        ({"contexts": [0.5, 1.0, 2.0]}, "bad-argument", "contexts", "not whole numbers"),
        ({"contexts": [0, 1, 2], "context_names": ("a", "b")}, "bad-argument", "contexts", "row 2"),
        ({"context_names": ("a", "b")}, "bad-argument", "contexts", "0 rows and actions 3"),
        ({"names": ("red", "red")}, "bad-name", "names", "twice"),
        ({"names": ("red", " ")}, "bad-name", "names", "not empty"),
        ({"names": ("red", 3)}, "bad-name", "names", "hold 3"),
        ({"names": "ab"}, "bad-name", "names", "one text"),
        ({"names": ()}, "bad-name", "names", "empty"),
    ],
)
def test_bad_input_is_refused_with_row_and_field(changes, code, field, said):
    with pytest.raises(InputError, match=said) as refused:
        log(**changes)
    assert (refused.value.code, refused.value.field) == (code, field)
    assert refused.value.remedy


@pytest.mark.parametrize("rows", [0, 1])
def test_fewer_than_two_rows_are_no_data(rows):
    with pytest.raises(InputError, match=f"has {rows} rows") as refused:
        log(**{name: GOOD[name][:rows] for name in ("actions", "rewards", "propensities")})
    assert refused.value.code == "no-data"


def test_just_inside_every_limit_passes():
    made = log(propensities=[1.0, 1e-9, 0.5], rewards=[-1e15, 1e15, 0])
    assert made.propensities.tolist() == [1.0, 1e-9, 0.5]


def test_a_frame_is_read_by_declared_columns():
    made = read(frame())
    assert made.names == ("a", "b")
    assert made.actions.tolist() == [1, 0, 1]
    assert made.context_names == ("1", "3")
    assert made.contexts.tolist() == [1, 0, 1]
    assert made.rewards.tolist() == [1.0, 0.0, 0.0]
    assert made.propensities.tolist() == [0.5, 0.2, 0.8]
    assert made.cell_name(int(made.cells[0])) == "b in context 3"


def test_declared_names_set_the_order_and_add_what_was_never_taken():
    made = read(frame(ad=[10, 9, 10]), names=[10, 9, 8], context=None)
    assert made.names == ("10", "9", "8")
    assert made.actions.tolist() == [0, 1, 0]
    assert made.context_names == ("all",)
    # Numbers are sorted as numbers, where text would put 10 before 9.
    assert read(frame(ad=[10, 9, 10])).names == ("9", "10")


@pytest.mark.parametrize("kind", ["category", "string", "object"])
def test_labels_of_any_kind_are_read(kind):
    rows = frame().astype({"ad": kind})
    assert read(rows).names == ("a", "b")


def test_nullable_and_true_or_false_columns_are_numbers():
    rows = frame().astype({"click": "boolean", "chance": "Float64"})
    assert read(rows).rewards.tolist() == [1.0, 0.0, 0.0]


@pytest.mark.parametrize(
    ("rows", "changes", "code", "field", "said"),
    [
        (frame(), {"reward": "clicks"}, "bad-columns", "clicks", "did you mean 'click'"),
        (frame().rename(columns={"slot": "ad"}), {}, "bad-columns", "ad", "twice"),
        (frame(chance=[0.5, 0.0, 1.0]), {}, "bad-number", "chance", "row 1 of chance"),
        (frame(chance=["50%", "1", "1"]), {}, "bad-number", "chance", "chance is not numbers"),
        (frame(click=[1.0, np.nan, 0.0]), {}, "bad-number", "click", "row 1 of click .* is nan"),
        (
            frame(click=pd.array([1, None, 0], dtype="Int64")),
            {},
            "bad-number",
            "click",
            "row 1 of click",
        ),
        (frame(ad=["a", None, "b"]), {}, "bad-name", "ad", "row 1 of ad .* is missing"),
        (frame(slot=[1, np.nan, 2]), {}, "bad-name", "slot", "row 1 of slot .* is missing"),
        (frame(), {"names": ["a", "c"]}, "unknown-name", "ad", "row 0 of ad .* 'b'"),
        (frame().iloc[:0], {}, "no-data", "actions", "0 rows"),
        (frame().iloc[:1], {}, "no-data", "actions", "1 rows"),
        ({"ad": [1]}, {}, "bad-argument", "frame", "is a dict"),
    ],
)
def test_a_bad_frame_is_refused_with_row_and_column(rows, changes, code, field, said):
    with pytest.raises(InputError, match=said) as refused:
        read(rows, **changes)
    assert (refused.value.code, refused.value.field) == (code, field)
    assert refused.value.remedy
