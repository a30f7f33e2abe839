import pickle
import re

import pytest

from budgetopt.errors import HistoryError
from budgetopt.history import Columns

WIDE = {"layout": "wide", "spend": {"tv": "tv_S", "ooh": "ooh_S"}, "outcome": "revenue"}


def test_defaults_are_a_long_weekly_iso_file():
    columns = Columns()
    assert columns.declared == ("week", "channel", "spend", "outcome")
    assert columns.to_dict() == {}
    assert columns == Columns.from_dict({})


def test_wide_declares_every_column_once():
    pair = ("conversions", "value_each")
    assert Columns(**WIDE).declared == ("week", "tv_S", "ooh_S", "revenue")
    columns = Columns(**WIDE | {"outcome": {"tv": ("a", "each"), "ooh": ["b", "each"]}})
    assert columns.declared == ("week", "tv_S", "ooh_S", "a", "each", "b")
    assert columns.outcomes["ooh"] == ("b", "each")
    assert Columns(**WIDE | {"outcome": pair}).declared[-2:] == pair


def test_columns_are_frozen_hashable_and_comparable():
    spend = {"tv": "tv_S", "ooh": "ooh_S"}
    columns = Columns(**WIDE | {"spend": spend})
    spend["print"] = "print_S"
    assert list(columns.spend) == ["tv", "ooh"]
    assert columns.spend["tv"] == "tv_S"
    with pytest.raises(KeyError):
        columns.spend["print"]
    swapped = Columns(**WIDE | {"spend": {"ooh": "ooh_S", "tv": "tv_S"}})
    assert columns == swapped
    assert hash(columns) == hash(swapped)
    assert pickle.loads(pickle.dumps(columns)) == columns
    assert "tv_S" in repr(columns)


def test_plain_data_round_trips():
    columns = Columns(
        **WIDE | {"outcome": {"tv": ("a", "b"), "ooh": "c"}}, decimal=",", missing="zero"
    )
    table = columns.to_dict()
    assert table["outcome"] == {"tv": ["a", "b"], "ooh": "c"}
    assert table["decimal"] == ","
    assert Columns.from_dict(table) == columns
    assert Columns.from_dict(Columns(ignore=["a"]).to_dict()) == Columns(ignore=("a",))


@pytest.mark.parametrize(
    ("field", "given", "said"),
    [
        ("layout", "broad", "choose one of .long., .wide."),
        ("rows", "dayly", "did you mean 'daily'"),
        ("rows", "Daily", "did you mean 'daily'"),
        ("decimal", ";", "choose one of '.', ','"),
        ("missing", "0", "choose one of"),
        ("gaps", "zero", "choose one of"),
        ("repeats", "add", "choose one of"),
        ("week", "", "give the name"),
        ("week", 7, "give the name"),
        ("channel", None, "give the name"),
        ("spend", {"tv": "tv_S"}, "give the name"),
        ("outcome", {"tv": "tv_S"}, "give one column, or a pair"),
        ("outcome", ("a", "b", "c"), "two to multiply"),
        ("outcome", ("a",), "two to multiply"),
        ("ignore", "tv", "give a list"),
        ("delimiter", ";;", "give one"),
        ("delimiter", '"', "give one"),
        ("encoding", "utf-99", "gbk"),
        ("encoding", "hex", "gbk"),
        ("sheet", 1, "as text"),
        ("date_format", "%d-%m", "%d-%m-%Y"),
        ("date_format", "%Y-%m", "%d-%m-%Y"),
        ("date_format", "%Y-%Q", "%d-%m-%Y"),
        ("date_format", "%m-%m-%Y", "%d-%m-%Y"),
        ("date_format", 5, "%d-%m-%Y"),
    ],
)
def test_a_wrong_setting_names_field_and_remedy(field, given, said):
    with pytest.raises(HistoryError, match=f"^{field} of the history columns") as caught:
        Columns(**{field: given})
    assert caught.value.code == "bad-argument"
    assert caught.value.field == f"history.{field}"
    assert re.search(said, caught.value.remedy)


@pytest.mark.parametrize(
    "good",
    [
        {"date_format": "%d-%m-%Y"},
        {"date_format": "%m/%d/%y"},
        {"date_format": "%G-W%V-%u"},
        {"delimiter": "\t"},
        {"encoding": "gbk"},
        {"rows": "daily"},
    ],
)
def test_a_right_setting_passes(good):
    Columns(**good)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"spend": "spend"}, "bad-argument"),
        ({"spend": {}}, "bad-argument"),
        ({"spend": {"tv": "x", "tv ": "y"}}, "bad-argument"),
        ({"spend": {"tv": "x", "ooh": "x"}}, "bad-argument"),
        ({"spend": {"tv": "revenue", "ooh": "x"}}, "bad-argument"),
        ({"week": "revenue"}, "bad-argument"),
        ({"outcome": {"tv": "a", "ohh": "b"}}, "unknown-name"),
        ({"outcome": {"tv": "a"}}, "bad-argument"),
        ({"outcome": {"tv": "a", "ooh": "a"}}, "bad-argument"),
        ({"ignore": ("tv",)}, "bad-argument"),
    ],
)
def test_a_wide_declaration_must_agree_with_itself(change, code):
    Columns(**WIDE)
    with pytest.raises(HistoryError) as caught:
        Columns(**WIDE | change)
    assert caught.value.code == code
    assert caught.value.remedy


def test_a_misspelt_key_is_refused_with_a_suggestion():
    with pytest.raises(HistoryError, match="did you mean 'date_format'"):
        Columns.from_dict({"dateformat": "%d-%m-%Y"})
