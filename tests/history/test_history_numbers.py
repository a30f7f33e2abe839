import contextlib
import math
import re
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import budgetopt as bo
from budgetopt.errors import HistoryError
from budgetopt.history import cells as cells_of
from budgetopt.history.cells import Cells, Column, Style, read_amounts


def read(*cells, point=".", delimiter=","):
    array = np.empty(len(cells), dtype=object)
    array[:] = cells
    column = Column(Cells.of(array), "cost", lambda row: f"line {row + 2}")
    return read_amounts(column, Style(point, delimiter))


def refused(*cells, **style):
    with pytest.raises(HistoryError) as caught:
        read(*cells, **style)
    assert caught.value.code == "bad-number"
    assert caught.value.field == "cost"
    assert str(caught.value).startswith("line ")
    return caught.value


@pytest.mark.parametrize(
    ("cell", "value"),
    [
        ("0", 0.0),
        ("1250.50", 1250.5),
        (".5", 0.5),
        ("5.", 5.0),
        ("  7 ", 7.0),
        ("+7", 7.0),
        ("1e3", 1000.0),
        ("2.5E-2", 0.025),
        ("1,234", 1234.0),
        ("1,234.56", 1234.56),
        ("1,234,567", 1234567.0),
        ("12,34,567.8", 1234567.8),
        ("1 234.5", 1234.5),
        ("1\u00a0234\u00a0567", 1234567.0),
        ("1'234.5", 1234.5),
        (3, 3.0),
        (2.5, 2.5),
        (Decimal("1.25"), 1.25),
        (np.float32(0.5), 0.5),
        ("-0", 0.0),
    ],
)
def test_plain_and_grouped_numbers(cell, value):
    assert read(cell).values.tolist() == [value]


@pytest.mark.parametrize(
    ("cell", "value"),
    [
        ("1.234,56", 1234.56),
        ("0,5", 0.5),
        ("1.234", 1234.0),
        ("1.234.567", 1234567.0),
        ("1 234,5", 1234.5),
        ("1234", 1234.0),
        ("1,5E+03", 1500.0),
    ],
)
def test_decimal_comma(cell, value):
    assert read(cell, point=",", delimiter=";").values.tolist() == [value]


@pytest.mark.parametrize(
    "cell", ["", " ", "-", "--", "—", "NaN", "na", "N/A", "null", None, math.nan]
)
def test_missing_cells_are_nan(cell):
    assert np.isnan(read("1", cell).values).tolist() == [False, True]


@pytest.mark.parametrize(
    ("cell", "said"),
    [
        ("1.234,56", "declare decimal = ','"),
        ("0,50", "declare decimal = ','"),
        ("1.234.567", "declare decimal = ','"),
        ("0,123", "declare decimal = ','"),
        ("1,23", "declare decimal = ','"),
        ("12%", "percentage"),
        ("12.5 %", "percentage"),
        ("inf", "not finite"),
        ("Infinity", "not finite"),
        ("1e400", "not finite"),
        (math.inf, "not finite"),
        (10**400, "not finite"),
        ("-5", "negative"),
        ("−5", "negative"),
        ("-$5.00", "negative"),
        (-0.01, "negative"),
        ("(5.00)", "not a number"),
        ("1_000", "not a number"),
        ("1.2k", "not a number"),
        ("3万", "not a number"),
        ("1234,567.8", "not a number"),
        ("1,2345", "declare decimal = ','"),
        ("0.5.5", "not a number"),
        (".", "not a number"),
        ("five", "not a number"),
        ("١٢", "not a number"),
        ("5 ABC", "not a number"),
        ("$5 USD", "not a number"),
        (True, "a yes or no"),
        ([5], "not a number"),
    ],
)
def test_everything_else_is_refused(cell, said):
    assert said in str(refused("1", cell))


def test_the_other_convention_is_named_under_a_decimal_comma():
    assert "declare decimal = '.'" in refused("1,234.56", point=",").remedy
    assert "declare decimal = '.'" in refused("0.55", point=",").remedy


def test_a_bare_group_is_ambiguous_only_beside_semicolons():
    assert read("1,234", delimiter=",").values[0] == 1234.0
    assert read("1,234,567", delimiter=";").values[0] == 1234567.0
    assert read("1,234.5", delimiter=";").values[0] == 1234.5
    assert "either" in str(refused("1,234", delimiter=";"))
    assert read("1,234", delimiter=";", point=",").values[0] == 1.234


def test_points_that_may_all_be_thousands_are_ambiguous_beside_semicolons():
    assert "either" in str(refused("950", "1.234", delimiter=";"))
    assert read("950", "1.234", delimiter=",").values[1] == 1.234
    assert read("9.5", "1.234", delimiter=";").values.tolist() == [9.5, 1.234]
    assert read("0.123", delimiter=";").values[0] == 0.123
    assert read("950", "1.234", delimiter=";", point=",").values[1] == 1234.0


@pytest.mark.parametrize(
    ("cells", "sign"),
    [
        (("$1,234.50", "$ 5"), "$"),
        (("1.50 USD", "USD 2"), "USD"),
        (("¥5", "￥6"), "¥"),
        (("5元", "--"), "元"),
        (("US$5", "US$6"), "US$"),
        (("5", "6"), ""),
    ],
)
def test_one_currency_sign_is_left_out(cells, sign):
    assert read(*cells).sign == sign


@pytest.mark.parametrize("cells", [("$1", "€1"), ("$1", "1"), ("1", "$1"), ("1 USD", "1 EUR")])
def test_mixed_currency_signs_are_refused(cells):
    assert "one currency" in refused(*cells).remedy


@given(st.lists(st.floats(0, 1e15, allow_nan=False), min_size=1))
def test_floats_survive_their_own_text(values):
    assert read(*map(repr, values)).values.tolist() == values
    assert read(*map(str, values), "").values[:-1].tolist() == values


@given(st.integers(0, 10**12), st.integers(0, 99))
def test_every_convention_reads_its_own_numbers(whole, cents):
    english = f"{whole:,}.{cents:02d}"
    german = english.translate(str.maketrans(",.", ".,"))
    exact = float(f"{whole}.{cents:02d}")
    assert read(english).values[0] == exact
    assert read(german, point=",", delimiter=";").values[0] == exact
    assert read(english.replace(",", " ")).values[0] == exact


@given(st.text(max_size=12))
def test_no_text_does_anything_but_parse_or_raise(text):
    for style in ({"point": "."}, {"point": ","}, {"delimiter": ";"}):
        with contextlib.suppress(HistoryError):
            value = read(text, **style).values[0]
            assert math.isnan(value) or 0 <= value < math.inf


@pytest.mark.parametrize(
    ("cell", "plan", "other"),
    [("$1", "USD", "EUR"), ("$1", "HKD", "CNY"), ("¥1", "JPY", "USD"), ("￥1", "CNY", "TWD"),
     ("1元", "CNY", "JPY"), ("US$1", "USD", "CAD"), ("1 kr", "SEK", "EUR"), ("EUR 1", "EUR", "USD"),
     ("1人民币", "CNY", "HKD"), ("A$1", "AUD", "USD"), ("£1", "GBP", "EUR")],
)  # fmt: skip
def test_the_sign_of_another_currency_is_refused_wherever_a_plan_meets_the_history(
    tmp_path, cell, plan, other
):
    path = tmp_path / "h.csv"
    path.write_text(f"week,channel,spend,outcome\n2025-09-01,a,{cell},3\n", encoding="utf-8")
    past = bo.History.read(path)
    assert past.select(["a"], plan) == past
    assert past.select(["a"], "XXX") == past
    declared = bo.Plan(budget=10, currency=other, channels=[bo.Channel("a")])
    sign = cell.replace("1", "").strip().replace("￥", "¥")
    for ask in (
        lambda: past.select(["a"], other),
        lambda: bo.learn(past, declared),
        lambda: bo.reallocate(declared, past),
    ):
        with pytest.raises(HistoryError, match=f"in '{re.escape(sign)}', .* in {other}") as told:
            ask()
        assert (told.value.code, told.value.value) == ("bad-money", sign)


@pytest.mark.parametrize(
    ("column", "sign"),
    [("Amount spent (USD)", "USD"), ("消耗(元)", "元"), ("Cost（￥）", "￥"),
     ("spend [EUR]", "EUR"), ("Spend USD", "USD"), ("Clicks (all)", ""), ("CLICKS (ALL)", ""),
     ("Cost (TOP)", ""), ("Conv. value", ""),
     ("转化数(个)", ""), ("Spend US", ""), ("cost ($)", "$")],
)  # fmt: skip
def test_a_currency_in_the_header_is_evidence_too(tmp_path, column, sign):
    path = tmp_path / "h.csv"
    path.write_text(f"week,channel,{column},outcome\n2025-09-01,a,1,3\n", encoding="utf-8")
    past = bo.History.read(path, bo.Columns(spend=column))
    assert past.currency_sign == sign
    if sign:
        with pytest.raises(HistoryError, match=re.escape(repr(sign))):
            past.check_currency("BRL")


def test_header_and_cells_agree_and_the_one_that_says_more_is_kept(tmp_path):
    path = tmp_path / "h.csv"
    columns = bo.Columns(spend="Cost (AUD)")
    path.write_text("week,channel,Cost (AUD),outcome\n2025-09-01,a,$1,3\n", encoding="utf-8")
    assert bo.History.read(path, columns).currency_sign == "AUD"
    path.write_text("week,channel,Cost (AUD),outcome\n2025-09-01,a,€1,3\n", encoding="utf-8")
    with pytest.raises(HistoryError, match="give one currency"):
        bo.History.read(path, columns)


@pytest.mark.parametrize("field", ["spend", "outcome"])
@pytest.mark.parametrize(("value", "fits"), [(1e50, True), (1.01e50, False), (1e100, False)])
def test_amounts_that_no_sum_could_hold_are_refused(field, value, fits):
    week = np.array(["2026-11-16"], dtype="datetime64[D]")
    amounts = {"spend": [[1.0]], "outcome": [[1.0]], field: [[value]]}
    if fits:
        assert bo.History(("a",), week, **amounts).channels == ("a",)
        return
    with pytest.raises(HistoryError) as caught:
        bo.History(("a",), week, **amounts)
    assert caught.value.code == "bad-number"
    assert "more than 1e+50: check the number and its unit" in str(caught.value)


@given(
    cells=st.lists(st.text("0123.,\n", max_size=9), min_size=1, max_size=3),
    point=st.sampled_from(".,"),
    delimiter=st.sampled_from([",", ";", "\t", None]),
)
def test_the_quick_way_reads_as_the_grammar_does(cells, point, delimiter):
    def read():
        column = Column(Cells.of([*cells, "7"]), "spend", str)
        try:
            return str(read_amounts(column, Style(point, delimiter)).values.tolist())
        except HistoryError as error:
            return str(error)

    quick = read()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cells_of, "ONE", dict.fromkeys(".,", re.compile("no")))
        patch.setattr(cells_of, "_usual", lambda *_: None)
        assert read() == quick
