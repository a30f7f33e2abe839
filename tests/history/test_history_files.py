import datetime as dt
import sys

import numpy as np
import openpyxl
import pandas as pd
import pyarrow
import pytest

from budgetopt.errors import BudgetoptError, CalendarError, HistoryError
from budgetopt.history import Columns, History

PLAIN = """week,channel,spend,outcome
2026-11-09,search,100,300
2026-11-09,feed,50,200
2026-11-16,search,110,310.5
2026-11-16,feed,0,0
"""
BAIDU = """百度推广报告
日期范围:2026-11-09至2026-11-22

账户,示例

下载时间,2026-11-23
---
日期,渠道,消费,成交金额
2026-11-09,百度,"1,000.50",3000
2026-11-16,百度,900,2000
总计,,"1,900.50",5000
"""
CHINESE = Columns(week="日期", channel="渠道", spend="消费", outcome="成交金额")


@pytest.fixture
def plain(write):
    return History.read(write(PLAIN))


def error_of(call, *args, **more):
    with pytest.raises(BudgetoptError) as caught:
        call(*args, **more)
    error = caught.value
    assert isinstance(error, (HistoryError, CalendarError))
    assert error.field
    assert error.remedy
    return error


def test_a_plain_file(plain):
    assert plain.channels == ("feed", "search")
    assert plain.weeks.astype(str).tolist() == ["2026-11-09", "2026-11-16"]
    assert plain.spend.tolist() == [[50, 100], [0, 110]]
    assert plain.outcome.tolist() == [[200, 300], [0, 310.5]]
    assert plain.total is None
    assert not plain.partial.any()
    assert plain.notes == ()


@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32", "utf-16-be"], ids=lambda e: e
)
def test_encodings_that_say_what_they_are(write, plain, encoding):
    text = "\ufeff" + PLAIN if encoding == "utf-16-be" else PLAIN
    assert History.read(write(text, encoding=encoding)) == plain


@pytest.mark.parametrize("delimiter", [";", "\t", "|"])
@pytest.mark.parametrize("name", ["a.csv", "a.txt", "a.TSV"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_delimiters_are_found_and_line_ends_do_not_matter(write, plain, delimiter, name, end):
    text = PLAIN.replace(",", delimiter).replace("\n", end)
    assert History.read(write(text, name)) == plain


def test_no_newline_at_the_end_quotes_blanks_and_spaces(write, plain):
    text = PLAIN.replace("week,", '"week", ').replace("feed", ' "feed"', 0)
    assert History.read(write(text.strip())) == plain
    assert History.read(write(PLAIN.replace(",feed,", ", feed ,") + "\n,,,\n\n")) == plain
    assert History.read(write(PLAIN.replace("feed", '"feed"'))) == plain


def test_gbk_with_title_rows_and_totals_below_a_declared_encoding(write):
    path = write(BAIDU, encoding="gbk")
    error = error_of(History.read, path, CHINESE)
    assert error.code == "bad-file"
    assert "byte 0xb0 in line 1, position 0" in str(error)
    assert "gbk" in error.remedy
    history = History.read(path, Columns.from_dict(CHINESE.to_dict() | {"encoding": "gbk"}))
    assert history.spend.tolist() == [[1000.5], [900]]
    assert history.notes == ("skipped above the header: 7 lines", "total rows left out: line 11")


def test_utf16_without_a_mark_asks_for_its_name(write, plain):
    path = write(PLAIN, encoding="utf-16-le")
    assert "encoding" in error_of(History.read, path).remedy
    assert History.read(path, Columns(encoding="utf-16-le")) == plain


def test_german_numbers_with_semicolons(write):
    text = "week;channel;spend;outcome\n2026-11-09;feed;1.234,56;2.000\n"
    path = write(text)
    error = error_of(History.read, path)
    assert error.code == "bad-number"
    assert error.remedy == "declare decimal = ','"
    assert "line 2 (2026-11-09, channel 'feed')" in str(error)
    assert History.read(path, Columns(decimal=",")).spend.tolist() == [[1234.56]]


@pytest.mark.parametrize(
    "said", ["Total", "TOTALS", "Grand total", "合计", "总计:", "汇总：", " total "]
)
def test_totals_rows_are_left_out_and_noted(write, plain, said):
    history = History.read(write(PLAIN + f"{said},,260,810.5\n"))
    assert history == plain
    assert history.notes == ("total rows left out: line 6",)
    assert History.read(write(PLAIN + f"{said}\n")) == plain


def test_another_word_in_a_date_cell_is_refused(write):
    error = error_of(History.read, write(PLAIN + "Sunday,,260,810.5\n"))
    assert error.code == "bad-date"
    assert "line 6" in str(error)


def test_a_currency_in_the_header_works(write, plain):
    text = PLAIN.replace("spend", "Amount spent (USD)")
    assert History.read(write(text), Columns(spend="Amount spent (USD)")) == plain


def test_currency_signs_are_left_out_and_noted_or_refused(write, plain):
    signed = PLAIN.replace(",100,", ",$100,").replace(",50,", ",$50,")
    signed = signed.replace(",110,", ",$110,").replace(",0,0", ",$0,0")
    history = History.read(write(signed))
    assert history == plain
    assert history.notes == ("currency sign '$' removed from column 'spend'",)
    assert error_of(History.read, write(signed.replace("$110", "€110"))).code == "bad-number"
    wide = "week,a,b,y\n2026-11-09,$1,€1,5\n"
    columns = Columns(layout="wide", spend={"a": "a", "b": "b"}, outcome="y")
    assert "never converted" in error_of(History.read, write(wide), columns).remedy


def test_words_in_other_columns_are_left_alone(write, plain):
    rows = PLAIN.splitlines()
    text = "\n".join([rows[0] + ",events", *(row + ",na" for row in rows[1:])])
    assert History.read(write(text)) == plain


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("a.csv", b"", "empty"),
        ("a.csv", b" \n\n", "empty"),
        ("a.csv", b"\xff\xfe", "empty"),
        ("a.csv", b"\xff\xfe \0\n\0", "empty"),
        ("a.csv", b"PK\x03\x04abc", "rename it to .xlsx"),
        ("a.xls", b"abc", ".xlsx"),
        ("a", b"abc", ".csv"),
        ("a.xlsx", b"abc", "save it again"),
        ("a.xlsx", b"PK\x03\x04abc", "save it again"),
        ("a.parquet", b"PAR1abc", "write it again"),
        ("a.csv", PLAIN.encode() + b'2026-11-23,feed,"5,6', "export it again"),
        ("a.csv", PLAIN.encode() + b"2026-11-23,feed\n", "whole rows"),
        ("a.csv", PLAIN.encode() + b"2026-11-23,feed,1,234.56,5\n", "quote cells"),
    ],
)
def test_broken_files_are_typed_errors(write, name, content, said):
    error = error_of(History.read, write(content, name))
    assert error.code == "bad-file"
    assert said in str(error)


def test_missing_files_and_folders(tmp_path):
    assert "not there" in str(error_of(History.read, tmp_path / "no.csv"))
    assert "a folder" in str(error_of(History.read, tmp_path))
    assert "a folder" in str(error_of(History.read, str(tmp_path)))
    assert error_of(History.read, "a\0.csv").code == "bad-file"
    assert error_of(History.read, tmp_path, {"week": "week"}).code == "bad-argument"


def test_a_header_without_rows_is_no_data(write):
    assert error_of(History.read, write(PLAIN.splitlines()[0])).code == "no-data"
    assert error_of(History.read, write(PLAIN.splitlines()[0] + "\nTotal,,0,0")).code == "no-data"


@pytest.mark.parametrize(
    ("header", "said"),
    [
        ("week,channel,Spend,outcome", "did you mean 'Spend'?"),
        ("week,channel,SPEND,outcome", "did you mean 'SPEND'?"),
        ("week,channel,spent,outcome", "did you mean 'spent'?"),
        ("week;channel;cost;outcome", "choose one of 'week', 'channel', 'cost', 'outcome'"),
        ("week,channel,spend,spend,outcome", "rename one of them"),
    ],
)
def test_a_missing_or_doubled_column_is_named(write, header, said):
    error = error_of(History.read, write(header + "\n2026-11-09,a,1,2,3\n"))
    assert error.code == "bad-columns"
    assert error.field == "spend"
    assert error.remedy == said


def test_a_file_without_any_declared_column_lists_what_is_there(write):
    error = error_of(History.read, write("My report\nDay,Campaign,Cost\n2026-11-09,a,1\n"))
    assert error.code == "bad-columns"
    assert "'Day', 'Campaign', 'Cost'" in error.remedy


def workbook(path, sheets):
    book = openpyxl.Workbook()
    book.remove(book.active)
    for title, rows in sheets.items():
        sheet = book.create_sheet(title)
        for row in rows:
            sheet.append(row)
    book.save(path)
    return path


ROWS = [
    ["week", "channel", "spend", "outcome"],
    [dt.date(2026, 11, 9), "search", 100, 300],
    [dt.date(2026, 11, 9), "feed", 50, 200],
    [dt.datetime(2026, 11, 16), "search", 110, 310.5],
    ["2026-11-16", "feed", "0", "0"],
]


def test_workbooks(tmp_path, plain):
    path = tmp_path / "a.xlsx"
    assert History.read(workbook(path, {"Sheet": ROWS})) == plain
    titled = [["Report"], [], *ROWS, [None] * 4, ["Total", None, 260, 810.5]]
    history = History.read(workbook(path, {"Sheet": titled}))
    assert history == plain
    assert history.notes == ("skipped above the header: 2 rows", "total rows left out: row 9")


def test_the_sheet_is_found_or_declared(tmp_path, plain):
    path = workbook(tmp_path / "a.xlsx", {"About": [["text"]], "数据": ROWS})
    assert History.read(path) == plain
    assert History.read(path, Columns(sheet="数据")) == plain
    error = error_of(History.read, path, Columns(sheet="数 据"))
    assert error.code == "unknown-name"
    assert error.remedy == "did you mean '数据'?"
    assert error_of(History.read, path, Columns(sheet="About")).code == "bad-columns"
    path = workbook(tmp_path / "a.xlsx", {"May": ROWS, "June": ROWS})
    assert error_of(History.read, path).remedy == "declare which sheet"
    assert History.read(path, Columns(sheet="May")) == plain
    assert error_of(History.read, workbook(path, {"S": []})).code == "bad-file"


def test_a_cut_workbook_is_a_typed_error(tmp_path):
    path = workbook(tmp_path / "a.xlsx", {"Sheet": ROWS})
    whole = path.read_bytes()
    for size in (len(whole) // 2, len(whole) - 10):
        path.write_bytes(whole[:size])
        assert error_of(History.read, path).code == "bad-file"


def test_workbook_cells_are_named_by_sheet_and_address(tmp_path):
    for cell, code in [("12%", "bad-number"), (-1, "bad-number"), (None, "bad-number")]:
        rows = [*ROWS[:-1], [dt.date(2026, 11, 16), "feed", cell, 0]]
        error = error_of(History.read, workbook(tmp_path / "a.xlsx", {"S": rows}))
        assert error.code == code
        assert "sheet 'S', cell C5 (2026-11-16, channel 'feed')" in str(error)


def test_parquet(tmp_path, plain):
    path = tmp_path / "a.parquet"
    plain.to_frame().to_parquet(path)
    assert History.read(path) == plain


@pytest.mark.parametrize(
    ("package", "suffix", "extra"),
    [("openpyxl", "xlsx", "excel"), ("pyarrow", "parquet", "parquet")],
)
def test_a_missing_package_is_named(write, monkeypatch, package, suffix, extra):
    monkeypatch.setitem(sys.modules, package, None)
    error = error_of(History.read, write(b"abc", f"a.{suffix}"))
    assert error.code == "missing-extra"
    assert error.remedy == f"pip install 'budgetopt[{extra}]'"


def test_frames(plain):
    frame = plain.to_frame()
    assert frame.columns.tolist() == ["week", "channel", "spend", "outcome"]
    assert History.from_frame(frame) == plain
    assert History.from_frame(frame.set_index("week")) == plain
    assert History.from_frame(frame.set_index(["week", "channel"])) == plain
    assert History.from_frame(frame.astype({"channel": "category", "spend": "Int64"})) == plain
    assert History.from_frame(frame.astype({"week": str, "spend": str})) == plain
    assert History.from_frame(frame.assign(week=frame["week"].dt.tz_localize("Asia/Shanghai"))) == (
        plain
    )
    assert History.from_frame(frame.assign(week=frame["week"].dt.date)) == plain
    assert History.from_frame(frame.assign(week=[np.datetime64(w) for w in frame["week"]])) == plain
    assert error_of(History.from_frame, [1]).code == "bad-argument"
    assert error_of(History.from_frame, frame, {"week": "week"}).code == "bad-argument"
    assert error_of(History.from_frame, frame.drop(columns="spend")).code == "bad-columns"
    assert error_of(History.from_frame, frame.iloc[:0]).code == "no-data"


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"week": pd.Timestamp("2026-11-09 08:00")}, "bad-date"),
        ({"week": pd.NaT}, "bad-date"),
        ({"week": None}, "bad-date"),
        ({"week": np.nan}, "bad-date"),
        ({"week": 1109}, "bad-date"),
        ({"channel": ""}, "bad-name"),
        ({"channel": None}, "bad-name"),
        ({"channel": 1.5}, "bad-name"),
        ({"channel": True}, "bad-name"),
        ({"spend": True}, "bad-number"),
        ({"spend": np.inf}, "bad-number"),
        ({"spend": -1}, "bad-number"),
        ({"spend": np.nan}, "bad-number"),
        ({"spend": pd.NA}, "bad-number"),
        ({"outcome": pd.Timestamp("2026-11-09")}, "bad-number"),
    ],
)
def test_a_wrong_cell_of_a_frame(plain, change, code):
    frame = plain.to_frame().astype(object)
    for name, value in change.items():
        frame.loc[1, name] = value
    error = error_of(History.from_frame, frame)
    assert error.code == code
    assert "position 1" in str(error)
    frame = plain.to_frame().assign(**change)
    assert error_of(History.from_frame, frame).code == code


@pytest.mark.parametrize("missing", [None, np.nan, pd.NA])
@pytest.mark.parametrize("kind", ["string", "category", "object"])
@pytest.mark.parametrize(
    ("name", "code"), [("week", "bad-date"), ("channel", "bad-name"), ("spend", "bad-number")]
)
def test_what_is_missing_is_so_in_a_column_of_any_kind(plain, missing, kind, name, code):
    frame = plain.to_frame().astype(str)
    frame[name] = pd.array([*frame[name][:1], missing, *frame[name][2:]], dtype=kind)
    error = error_of(History.from_frame, frame)
    assert (error.code, error.field) == (code, name)
    assert "position 1" in str(error)


def test_frames_that_hold_what_no_cell_may_are_refused(plain):
    frame = plain.to_frame().astype(object)
    frame["channel"] = ["Total", "a", "Total", "a"]
    frame["spend"] = pd.Series([1, [1], 1, 1], dtype=object)
    assert error_of(History.from_frame, frame).code in ("bad-number", "bad-history")
    far = pyarrow.table({"week": pyarrow.array([10**7], pyarrow.date32()), "channel": ["a"],
                         "spend": [1.0], "outcome": [1.0]})  # fmt: skip
    assert error_of(History.from_frame, far).code == "bad-columns"


def test_numbers_may_name_channels_and_dates_where_that_is_declared(plain):
    frame = plain.to_frame().assign(channel=[7, 8, 7, 8])
    assert History.from_frame(frame).channels == ("7", "8")
    frame = plain.to_frame().assign(week=[20261109, 20261109, 20261116, 20261116])
    assert History.from_frame(frame, Columns(date_format="%Y%m%d")) == plain
    assert History.from_frame(frame) == plain


def test_reading_text_needs_no_pandas(write):
    import subprocess

    path = write(PLAIN)
    code = (
        "import sys; from budgetopt.history import History;"
        f"History.read({str(path)!r}); sys.exit('pandas' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_text_of_a_parquet_file_that_is_no_utf8_is_refused(tmp_path):
    path = tmp_path / "a.parquet"
    cells = {"week": ["2025-09-01"], "channel": ["aXb"], "spend": [1.0], "outcome": [2.0]}
    frame = pd.DataFrame(cells)
    frame.to_parquet(path, compression=None)
    spoilt = path.read_bytes().replace(b"aXb", b"a\xffb")
    path.write_bytes(spoilt)
    with pytest.raises(HistoryError) as caught:
        History.read(
            path, Columns(week="week", channel="channel", spend="spend", outcome="outcome")
        )
    assert caught.value.code == "bad-file"
