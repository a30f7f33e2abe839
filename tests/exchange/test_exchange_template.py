"""The template that channel owners fill in: what is in it, and that a history reads it back."""

import datetime as dt
import io

import numpy as np
import openpyxl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import budgetopt as bo
from budgetopt.exchange import template
from budgetopt.history import TEMPLATE_WORDS

LAST = dt.date(2026, 11, 16)
TWO = [bo.Channel("search"), bo.Channel("feed")]
PLAN = bo.Plan(name="shop", budget=1000, currency="CNY", channels=TWO, outcome="orders")
TOTAL = bo.Plan(
    budget=1000,
    currency="CNY",
    channels=TWO,
    columns=bo.Columns(layout="wide", spend={"search": "s", "feed": "f"}, outcome="revenue"),
)


def opened(data):
    return openpyxl.load_workbook(io.BytesIO(data))


def fill(plan, path, cells, **options):
    """Write a template with some cells filled in, by address."""
    book = opened(template(plan, week=LAST, **options))
    for address, value in cells.items():
        book.worksheets[0][address] = value
    book.save(path)
    return path


def read(plan, path, **options):
    return bo.History.read(path, plan.columns, channels=plan.names, **options)


def test_the_cells_to_fill_in_are_open_and_take_numbers_of_at_least_zero():
    book = opened(template(PLAN, weeks=2, week=LAST))
    sheet = book.worksheets[0]
    assert sheet.title == "Weekly numbers"
    assert sheet["A1"].value == "shop: spend and outcome by week"
    assert [cell.value for cell in sheet[4]] == ["Week from", "Channel", "Spend (CNY)", "Outcome"]
    rows = [[cell.value for cell in row[:2]] for row in sheet.iter_rows(min_row=5)]
    days = [dt.datetime(2026, 11, 9), dt.datetime(2026, 11, 16)]
    assert rows == [[day, name] for day in days for name in ("search", "feed")]
    assert sheet.protection.sheet
    free = {c.coordinate for row in sheet.iter_rows() for c in row if not c.protection.locked}
    assert free == {f"{letter}{row}" for letter in "CD" for row in range(5, 9)}
    rules = {str(rule.sqref): (rule.type, rule.operator, rule.formula1)
             for rule in sheet.data_validations.dataValidation}  # fmt: skip
    rule = ("decimal", "greaterThanOrEqual", "0")
    assert rules == {"C5:C8": rule, "D5:D8": rule}


def test_sums_are_live():
    book = opened(template(PLAN, weeks=2, week=LAST))
    sheet, weeks = book.worksheets
    assert (sheet["C3"].value, sheet["D3"].value) == ("=SUM(C5:C8)", "=SUM(D5:D8)")
    name = "'Weekly numbers'!"
    assert weeks["B2"].value == f"=SUMIF({name}$A$5:$A$8,A2,{name}$C$5:$C$8)"
    assert weeks["D1"].value == "Filled in, of 4"
    wide = opened(template(TOTAL, weeks=2, week=LAST)).worksheets[0]
    assert [cell.value for cell in wide[4]] == [
        "Week from", "search", "feed", "All channels", "Total outcome"]  # fmt: skip
    assert wide["D5"].value == "=SUM(B5:C5)"
    assert wide["D5"].protection.locked
    assert not wide["E5"].protection.locked


def test_chinese_headers():
    sheet = opened(template(PLAN, weeks=1, week=LAST, language="zh")).worksheets[0]
    assert sheet.title == "每周数据"
    assert [cell.value for cell in sheet[4]] == ["周起始日", "渠道", "花费 (CNY)", "成果"]


def test_the_same_plan_gives_the_same_bytes():
    assert template(PLAN, week=LAST) == template(PLAN, week=LAST)


def test_the_last_week_that_is_over_is_the_last_one():
    for today, last in (("2026-11-22", 9), ("2026-11-23", 16)):
        sheet = opened(template(PLAN, weeks=1, today=today)).worksheets[0]
        assert sheet["A5"].value == dt.datetime(2026, 11, last)


FILLED = {"C5": 100.5, "D5": 3, "C6": 200, "D6": 4, "C7": 110, "D7": 0, "C8": 0, "D8": 5.25}


def test_what_is_typed_in_is_what_is_read(tmp_path):
    path = fill(PLAN, tmp_path / "a.xlsx", FILLED, weeks=2)
    history = read(PLAN, path)
    assert history.channels == ("search", "feed")
    assert history.weeks.astype(str).tolist() == ["2026-11-09", "2026-11-16"]
    assert history.spend.tolist() == [[100.5, 200], [110, 0]]
    assert history.outcome.tolist() == [[3, 4], [0, 5.25]]
    assert history.currency_sign == "CNY"
    assert history.notes == ()


def test_a_plan_may_read_its_other_files_in_any_other_way(tmp_path):
    columns = bo.Columns(
        week="日期", channel="计划", spend="消耗", outcome="转化数", rows="daily", encoding="gbk",
        spend_unit="fen", where={"状态": "启用"}, sources=[{"file": "baidu*.csv"}],
    )  # fmt: skip
    plan = bo.Plan(budget=1000, currency="CNY", channels=TWO, columns=columns)
    path = fill(plan, tmp_path / "a.xlsx", FILLED, weeks=2)
    assert read(plan, path).spend.tolist() == [[100.5, 200], [110, 0]]


def test_weeks_that_nobody_has_filled_in_are_left_out(tmp_path):
    cells = {"C7": 1, "D7": 2, "C8": 3, "D8": 4}
    history = read(PLAN, fill(PLAN, tmp_path / "a.xlsx", cells, weeks=4))
    assert history.weeks.astype(str).tolist() == ["2026-11-02"]
    (note,) = history.notes
    assert note == ("weeks that nobody has filled in left out: 2026-10-26, 2026-11-09, 2026-11-16")
    empty = fill(PLAN, tmp_path / "b.xlsx", {})
    with pytest.raises(bo.HistoryError, match="nobody has filled in: fill in sheet") as raised:
        read(PLAN, empty)
    assert raised.value.code == "no-data"


@pytest.mark.parametrize(
    ("address", "value", "code", "said"),
    [
        ("C7", "abc", "bad-number", "'abc', not a number"),
        ("D8", -1, "bad-number", "negative"),
        ("C8", None, "bad-number", "is missing"),
        ("D5", "12%", "bad-number", "a percentage"),
        ("C6", True, "bad-number", "yes or no"),
        ("C6", "$20", "bad-number", "with currency '$'"),
        ("A6", "soon", "bad-date", "'soon'"),
        ("A8", dt.datetime(2026, 11, 17), "bad-history", "lie in one week"),
        ("A6", dt.datetime(2026, 11, 9, 12), "bad-date", "2026-11-09 12:00:00"),
        ("B7", "tv", "unknown-name", "channel 'tv' is not in the plan"),
        ("B7", None, "bad-name", "not a channel name"),
        ("C5", "=1+1", "bad-file", "a formula without a stored value"),
    ],
)
def test_what_is_wrong_is_named_by_its_cell(tmp_path, address, value, code, said):
    path = fill(PLAN, tmp_path / "a.xlsx", {**FILLED, address: value}, weeks=2)
    with pytest.raises(bo.InputError, match=said.replace("$", r"\$")) as raised:
        read(PLAN, path)
    assert raised.value.code == code
    if code != "bad-history":
        assert address in str(raised.value)
        assert "Weekly numbers" in str(raised.value) or code == "bad-file"


def test_a_row_that_is_there_twice_names_both_cells(tmp_path):
    path = fill(PLAN, tmp_path / "a.xlsx", {**FILLED, "B8": "search"}, weeks=2)
    with pytest.raises(bo.HistoryError, match=r"cell A8 .* repeats .*cell A7"):
        read(PLAN, path)


def test_a_week_of_formulas_without_values_is_not_taken_for_open(tmp_path):
    cells = dict.fromkeys(("C7", "D7", "C8", "D8"), "=1+1")
    path = fill(PLAN, tmp_path / "a.xlsx", {**FILLED, **cells}, weeks=2)
    with pytest.raises(bo.HistoryError, match="cell C7 is a formula"):
        read(PLAN, path)


def test_a_template_in_another_currency_is_refused(tmp_path):
    path = fill(PLAN, tmp_path / "a.xlsx", FILLED, weeks=2)
    with pytest.raises(bo.HistoryError, match="in 'CNY', and the plan is in EUR"):
        read(PLAN, path).check_currency("EUR")


def test_two_templates_are_one_history(tmp_path):
    halves = [{k: v for k, v in FILLED.items() if k[1] in rows} for rows in ("56", "78")]
    paths = [fill(PLAN, tmp_path / f"{n}.xlsx", c, weeks=2) for n, c in enumerate(halves)]
    assert read(PLAN, paths).spend.tolist() == [[100.5, 200], [110, 0]]


def test_declared_columns_count_before_the_words_of_a_template(tmp_path):
    path = fill(PLAN, tmp_path / "a.xlsx", FILLED, weeks=2)
    swapped = bo.Columns(
        week="Week from", channel="Channel", spend="Outcome", outcome="Spend (CNY)"
    )
    assert bo.History.read(path, swapped, channels=PLAN.names).spend.tolist() == [[3, 4], [0, 5.25]]


@pytest.mark.parametrize(
    ("plan", "options", "code", "said"),
    [
        (PLAN, {"weeks": 0}, "bad-argument", "weeks is 0: give 1 to 50,000"),
        (PLAN, {"weeks": 50_001}, "bad-argument", "give 1 to 50,000"),
        (PLAN, {"language": "fr"}, "bad-argument", "language is 'fr'"),
        (PLAN, {"week": "2026-13-01"}, "bad-date", "2026-13-01"),
    ],
)
def test_what_cannot_be_written_is_refused(plan, options, code, said):
    with pytest.raises(bo.InputError, match=said) as raised:
        template(plan, **options)
    assert raised.value.code == code


def test_a_channel_called_as_a_column_is_refused_where_channels_are_columns():
    for language, words in TEMPLATE_WORDS.items():
        columns = bo.Columns(layout="wide", spend={words.total: "t"}, outcome="y")
        plan = bo.Plan(
            budget=1, currency="CNY", channels=[bo.Channel(words.total)], columns=columns
        )
        with pytest.raises(bo.InputError, match="called as a column") as raised:
            template(plan, week=LAST, language=language)
        assert raised.value.code == "bad-name"


HOSTILE = ("=1+1", "-2", "'=x", "+SUM(A1)", "@cmd", "合计", "Total", "Sum", "https://a.b", "1e3",
           "＝1", "a,b", '"q"', "小红书 👩‍👩‍👧", "Week", "x" * 300)  # fmt: skip
AMOUNTS = st.one_of(
    st.just(float("nan")),
    st.integers(0, 10**9).map(lambda cents: cents / 100),
    # As many digits as a spreadsheet keeps of what is typed in.
    st.floats(0, 1e12, allow_nan=False).map(lambda amount: float(f"{amount:.15g}")),
)


@settings(max_examples=25)
@given(
    names=st.lists(st.sampled_from(HOSTILE), min_size=1, max_size=4, unique=True),
    weeks=st.integers(1, 6),
    language=st.sampled_from(["en", "zh"]),
    one_total=st.booleans(),
    data=st.data(),
)
def test_any_history_comes_back_as_it_was_typed_in(
    tmp_path_factory, names, weeks, language, one_total, data
):
    size = len(names)
    spend = np.array(data.draw(st.lists(AMOUNTS, min_size=weeks * size, max_size=weeks * size)))
    count = weeks if one_total else weeks * size
    outcome = np.array(data.draw(st.lists(AMOUNTS, min_size=count, max_size=count)))
    spend, outcome = spend.reshape(weeks, size), outcome.reshape(weeks, -1)
    columns = bo.Columns(missing="unknown")
    if one_total:
        columns = bo.Columns(
            layout="wide", spend={n: f"c{i}" for i, n in enumerate(names)}, outcome="y",
            missing="unknown",
        )  # fmt: skip
    plan = bo.Plan(
        budget=1, currency="CNY", channels=[bo.Channel(n) for n in names], columns=columns
    )
    book = opened(template(plan, weeks=weeks, week=LAST, language=language))
    sheet = book.worksheets[0]
    for week in range(weeks):
        for at in range(size):
            row, column = (5 + week, 2 + at) if one_total else (5 + week * size + at, 3)
            put(sheet, row, column, spend[week, at])
            if not one_total:
                put(sheet, row, 4, outcome[week, at])
        if one_total:
            put(sheet, 5 + week, size + 3, outcome[week, 0])
    path = tmp_path_factory.mktemp("t") / "a.xlsx"
    book.save(path)
    known = np.flatnonzero(~np.isnan(np.hstack([spend, outcome])).all(axis=1))
    if not known.size:
        with pytest.raises(bo.HistoryError, match="nobody has filled in"):
            read(plan, path)
        return
    inside = slice(known[0], known[-1] + 1)
    history = read(plan, path)
    first = LAST - dt.timedelta(weeks=int(weeks - 1 - known[0]))
    assert (history.channels, history.weeks[0]) == (plan.names, np.datetime64(first))
    np.testing.assert_array_equal(history.spend, spend[inside])
    found = history.total[:, None] if one_total else history.outcome
    np.testing.assert_array_equal(found, outcome[inside])


def put(sheet, row, column, value):
    if not np.isnan(value):
        sheet.cell(row, column).value = float(value)
