"""Files that are too large or absurd are refused quickly, by a limit that is named."""

import io
import os
import time
import zipfile

import numpy as np
import openpyxl
import pandas as pd
import pytest

import budgetopt as bo
from budgetopt.cli.common import spends_of
from budgetopt.errors import HistoryError
from budgetopt.history import files
from budgetopt.history import files as workbook
from budgetopt.history import tables as table
from budgetopt.history import texts as text
from budgetopt.untrusted import read_bounded

HEAD = "week,channel,spend,outcome\n"
ROW = "2026-11-16,a,1,2\n"
SHEET = (
    '<?xml version="1.0"?><worksheet xmlns='
    '"http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>{}</sheetData></worksheet>'
)


def refused(path, *words):
    began = time.process_time()
    with pytest.raises(HistoryError) as caught:
        bo.History.read(path)
    assert time.process_time() - began < 10
    assert caught.value.code == "bad-file"
    assert all(word in str(caught.value) for word in words), str(caught.value)
    assert caught.value.remedy


def sheet_of(path, xml, **more):
    """Write a workbook whose sheet is some XML."""
    whole = io.BytesIO()
    openpyxl.Workbook().save(whole)
    with zipfile.ZipFile(whole) as old, zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            new.writestr(name, xml if name.endswith("sheet1.xml") else old.read(name))
        for name, content in more.items():
            new.writestr(name, content)
    return path


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (HEAD + "\n" * 3_000_000, "line breaks"),
        ("a," * 600_000, "line 1 has more than 1,000,000 characters"),
        (HEAD + "a" * 1_000_001, "line 2 has more than 1,000,000 characters"),
        (HEAD + '2026-11-16,"' + "a\n" * 200_000, "field larger than field limit"),
        (HEAD + '2026-11-16,"' + "a" * 120_000 + '",1,2\n', "100,000 characters in one cell"),
        (('"' * 999_999 + "\n") * 8, "header|broken"),
        (("x" * 999_999 + "\n") * 30, "header"),
    ],
)
def test_absurd_text_is_refused_quickly(tmp_path, content, words):
    path = tmp_path / "h.csv"
    path.write_text(content, encoding="utf-8")
    began = time.process_time()
    with pytest.raises(HistoryError, match=words):
        bo.History.read(path)
    assert time.process_time() - began < 10


def test_rows_and_bytes_have_a_limit_with_both_sides(tmp_path, monkeypatch):
    path = tmp_path / "h.csv"
    path.write_text(HEAD + ROW, encoding="utf-8")
    monkeypatch.setattr(text, "MOST_ROWS", 2)
    assert bo.History.read(path).weeks.size == 1
    monkeypatch.setattr(text, "MOST_ROWS", 1)
    refused(path, "more than 1 lines")
    monkeypatch.setattr(text, "MOST_ROWS", 10)
    monkeypatch.setattr(files, "MOST_BYTES", path.stat().st_size)
    assert bo.History.read(path).weeks.size == 1
    monkeypatch.setattr(files, "MOST_BYTES", path.stat().st_size - 1)
    refused(path, "too large")


def test_a_sheet_that_numbers_a_row_absurdly_is_refused(tmp_path):
    xml = SHEET.format('<row r="99999999999"><c r="A99999999999"><v>1</v></c></row>')
    refused(sheet_of(tmp_path / "h.xlsx", xml), "200,000 rows")


def test_a_sheet_that_numbers_columns_absurdly_is_refused(tmp_path):
    rows = "".join(f'<row r="{i}"><c r="ZZZ{i}"><v>1</v></c></row>' for i in range(1, 200))
    refused(sheet_of(tmp_path / "h.xlsx", SHEET.format(rows)), "2,000,000 cells")


def test_an_endless_text_in_a_sheet_is_refused(tmp_path):
    cell = f'<row r="1"><c r="A1" t="inlineStr"><is><t>{"a" * 100_001}</t></is></c></row>'
    refused(sheet_of(tmp_path / "h.xlsx", SHEET.format(cell)), "characters in one cell")


def test_a_zip_bomb_is_refused_before_it_is_unpacked(tmp_path, monkeypatch):
    path = sheet_of(tmp_path / "h.xlsx", SHEET.format(""), bomb=b"a" * (workbook.MOST_UNPACKED + 1))
    assert path.stat().st_size < 2**20
    monkeypatch.setattr(zipfile.ZipExtFile, "read", lambda *_: pytest.fail("unpacked"))
    refused(path, "bytes unpacked")


def test_entities_that_grow_are_refused(tmp_path):
    grown = "".join(f'<!ENTITY a{i} "{f"&a{i - 1};" * 10}">' for i in range(1, 10))
    xml = SHEET.replace(
        "<worksheet", f'<!DOCTYPE x [<!ENTITY a0 "aaaaaaaaaa">{grown}]><worksheet', 1
    ).format('<row r="1"><c r="A1" t="inlineStr"><is><t>&a9;</t></is></c></row>')
    refused(sheet_of(tmp_path / "h.xlsx", xml))


def test_a_parquet_file_is_measured_before_it_is_read(tmp_path, monkeypatch):
    path = tmp_path / "h.parquet"
    pd.DataFrame({"week": ["2026-11-16"] * 9, "spend": np.ones(9)}).to_parquet(path)
    monkeypatch.setattr(files, "MOST_ROWS", 8)
    refused(path, "more than 8 rows")
    monkeypatch.setattr(files, "MOST_ROWS", 9)
    monkeypatch.setattr(files, "MOST_UNPACKED", 10)
    refused(path, "more than 10 bytes unpacked")


def test_an_endless_device_is_not_read_to_its_end(tmp_path):
    if not os.path.exists("/dev/zero"):
        pytest.skip("no such device")
    (tmp_path / "h.csv").symlink_to("/dev/zero")
    refused(tmp_path / "h.csv", "64 MiB")


def test_spends_are_read_up_to_a_size_and_as_a_table(tmp_path):
    path = tmp_path / "s.csv"
    path.touch()
    os.truncate(path, 64 * 2**20 + 1)
    with pytest.raises(HistoryError, match="64 MiB"):
        spends_of(None, path)
    path.write_text('channel,spend\n"a,1\n')
    with pytest.raises(HistoryError, match="broken at line 2"):
        spends_of(None, path)
    path.write_text("channel,spend,spend\na,1,2\n")
    with pytest.raises(HistoryError, match="'spend' is twice in the header"):
        spends_of(None, path)
    for name in ("s.csv", "s"):
        path = tmp_path / name
        path.write_text("spend,channel,note\n1,a,x\n\n2,b\n")
        assert spends_of(None, path) == {"a": "1", "b": "2"}


def test_read_bounded_takes_what_just_fits(tmp_path):
    path = tmp_path / "x"
    path.write_bytes(b"abc")
    assert read_bounded(path, 3) == b"abc"
    with pytest.raises(OSError, match="more than 2 bytes"):
        read_bounded(path, 2)


def test_the_limits_are_those_that_are_documented():
    assert (workbook.MOST_BYTES, workbook.MOST_UNPACKED) == (64 * 2**20, 256 * 2**20)
    assert (table.MOST_ROWS, workbook.MOST_SHEET_ROWS, workbook.MOST_CELLS) == (
        1_100_000,
        200_000,
        2 * 10**6,
    )
