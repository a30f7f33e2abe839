"""Results as files: exact money, live sums, no formula, and the same columns everywhere."""

import csv
import io
import json
import re
from decimal import Decimal

import numpy as np
import openpyxl
import pandas as pd
import pytest

import budgetopt as bo
from budgetopt.exchange import Sheet, book_of, render, write
from budgetopt.exchange.formats import _as_kept
from budgetopt.report import Years, as_markdown, decision_table
from budgetopt.untrusted import as_cell

NAMES = ("抖音", "=cmd|'/c'!A0", "a|b*c_d<script>", "tv")
WEEKS = np.datetime64("2025-01-06") + 7 * np.arange(10)
RNG = np.random.default_rng(3)
SPEND = np.round(RNG.uniform(100, 900, (10, 4)), 2)
PAST = bo.History(NAMES, WEEKS, SPEND, outcome=np.round(40 * np.sqrt(SPEND), 2))
PLAN = bo.Plan(
    budget="2345.67",
    currency="CNY",
    step="0.01",
    value=1,
    reserve={"contingency": 100},
    channels=[bo.Channel(name) for name in NAMES],
)
BELIEF = bo.learn(PAST, PLAN, settings=bo.Settings.fast())
DECISION = bo.reallocate(PLAN, PAST, belief=BELIEF)
CURVES = PLAN.__class__(
    budget=1000,
    currency="JPY",
    channels=[bo.Channel(n, curve=bo.Log(100 * (i + 1), 50)) for i, n in enumerate(NAMES)],
)
RESULTS = {
    "decision": DECISION,
    "allocation": bo.allocate(CURVES),
    "frontier": bo.frontier(CURVES),
    "what-if": bo.what_if(CURVES, None, {"less": bo.Change.from_dict({"budget": "-20%"})}),
    "belief": BELIEF,
    "simulation": bo.simulate(CURVES, bo.Market.of_plan(CURVES), weeks=3, runs=4),
}
FORMATS = ("csv", "tsv", "json", "md", "xlsx", "parquet")


def workbook(result, language="en", **options):
    content = render(book_of(result), "xlsx", language)
    return openpyxl.load_workbook(io.BytesIO(content), **options)


def shown(cell):
    """Return a number as the format of its cell shows it, without thousands."""
    places = len(re.sub(r"^[^.]*\.?", "", cell.number_format))
    return Decimal(repr(cell.value)).quantize(Decimal(1).scaleb(-places))


def recomputed(page, formula):
    """Return the sum that a formula asks for, of the cells as they are shown."""
    first, last = re.fullmatch(r"=SUM\(([A-Z]+\d+):([A-Z]+\d+)\)", formula).groups()
    return sum(shown(cell) for (cell,) in page[f"{first}:{last}"] if cell.value is not None)


def column(page, head):
    (at,) = (cell.column for cell in page[1] if cell.value == head)
    return [page.cell(row, at) for row in range(2, page.max_row + 1)]


def test_sums_of_a_decision_are_alive_and_add_up_to_the_cent():
    week, book = DECISION.allocation, workbook(DECISION)
    stored = workbook(DECISION, data_only=True)
    *cells, total = column(book["split"], "spend")
    assert [shown(cell) for cell in cells] == list(week.spend.values())
    assert recomputed(book["split"], total.value) == week.total
    assert Decimal(repr(column(stored["split"], "spend")[-1].value)) == week.total
    *_, before = column(book["split"], "last")
    assert recomputed(book["split"], before.value) == sum(m.before for m in DECISION.moves)
    *parts, whole = column(book["money"], "amount")
    assert [shown(cell) for cell in parts] == [week.total, week.unspent, week.held]
    assert recomputed(book["money"], whole.value) == Decimal("2345.67")
    assert len(book["split"]._charts) == 1


@pytest.mark.parametrize("name", RESULTS)
def test_every_formula_of_a_workbook_is_the_sum_that_is_stored_beside_it(name):
    book, stored = (workbook(RESULTS[name], data_only=only) for only in (False, True))
    formulas = 0
    for page in book:
        for cell in (cell for row in page.iter_rows() for cell in row):
            if cell.data_type == "f":
                formulas += 1
                kept = stored[page.title][cell.coordinate].value
                assert float(recomputed(page, cell.value)) == pytest.approx(kept, abs=0.05)
    assert bool(formulas) == (name in ("decision", "allocation", "what-if"))


def test_splits_of_cases_add_up_to_their_spends():
    found = RESULTS["what-if"]
    page = workbook(found)["splits"]
    for answer in found.answers:
        *_, total = column(page, answer.name)
        assert recomputed(page, total.value) == answer.allocation.total


@pytest.mark.parametrize("name", RESULTS)
def test_every_format_has_the_columns_of_the_frame_and_its_values(name):
    result = RESULTS[name]
    book = book_of(result)
    (sheet, *_), first = book.sheets, list(csv.reader(io.StringIO(render(book, "csv"))))
    assert [tuple(row) for row in csv.reader(io.StringIO(render(book, "tsv")), delimiter="\t")] == [
        tuple(row) for row in first
    ]
    heads = [as_cell(head) for head in sheet.columns]
    assert first[0] == heads
    assert len(first) - 1 == len(sheet.rows)
    data = json.loads(render(book, "json"))
    assert data["kind"] == name
    assert [data["sheets"][s.name]["columns"] for s in book.sheets] == [
        list(s.columns) for s in book.sheets
    ]
    frame = pd.read_parquet(io.BytesIO(render(book, "parquet")))
    pd.testing.assert_frame_equal(frame, sheet.to_frame(), check_dtype=False)
    page = workbook(result).worksheets[0]
    for at, values in enumerate(sheet.columns.values(), start=1):
        for row, value in enumerate(values, start=2):
            cell = page.cell(row, at).value
            if isinstance(value, (float, Decimal)) and not isinstance(value, bool):
                assert cell == pytest.approx(float(value), rel=1e-14)
            elif isinstance(value, str):
                assert (cell or "") == _as_kept(value)


@pytest.mark.parametrize("name", RESULTS)
def test_a_sheet_holds_what_the_frame_holds(name):
    result = RESULTS[name]
    sheet = book_of(result).sheets[0]
    if name in ("decision", "belief"):
        return
    frame = result.to_frame("week") if name == "simulation" else result.to_frame()
    assert list(sheet.columns) == list(frame.columns)
    for head in frame.select_dtypes("number").columns:
        assert sheet.to_frame()[head].astype(float).tolist() == pytest.approx(
            frame[head].astype(float).tolist(), rel=1e-12, nan_ok=True
        )


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize("name", RESULTS)
def test_the_same_result_is_the_same_file_in_both_languages(tmp_path, name, format):
    for language in ("en", "zh"):
        files = [tmp_path / f"{n}.{format}" for n in (1, 2)]
        for path in files:
            write(RESULTS[name], path, language=language)
        one, two = (path.read_bytes() for path in files)
        assert one == two
        assert one


def test_people_read_their_language_and_programs_always_the_same():
    assert [cell.value for cell in workbook(DECISION, "zh").worksheets[0][1]][:4] == [
        "周", "渠道", "上周", "消耗"]  # fmt: skip
    assert "合计" in render(book_of(DECISION), "md", "zh")
    for format in ("csv", "json", "parquet"):
        assert render(book_of(DECISION), format, "zh") == render(book_of(DECISION), format)


def test_no_cell_is_a_formula_but_ours():
    for page in workbook(DECISION):
        for cell in (cell for row in page.iter_rows() for cell in row):
            if cell.data_type == "f":
                assert re.fullmatch(r"=SUM\([A-Z]+\d+:[A-Z]+\d+\)", cell.value)
            elif isinstance(cell.value, str):
                assert cell.quotePrefix or cell.font.b
    texts = [
        cell for row in csv.reader(io.StringIO(render(book_of(DECISION), "csv"))) for cell in row
    ]
    assert not [text for text in texts if text[:1] in tuple("=+@")]
    assert "'=cmd|'/c'!A0" in texts


def test_markdown_is_the_page_with_hostile_names_as_text():
    text = render(book_of(DECISION), "md")
    assert text == as_markdown(decision_table(DECISION))
    rows = [line for line in text.splitlines() if line.startswith("|")]
    assert len({len(re.findall(r"(?<!\\)\|", row)) for row in rows}) == 1
    assert "a\\|b\\*c\\_d\\<script\\>" in text
    assert "<script>" not in text
    assert as_markdown("plain ``` text").count("```") == 2


def test_money_is_exact_in_json_and_csv():
    rows = list(csv.DictReader(io.StringIO(render(book_of(DECISION), "csv"))))
    assert [Decimal(row["spend"]) for row in rows] == list(DECISION.allocation.spend.values())
    assert sum(Decimal(row["spend"]) for row in rows) == DECISION.allocation.total
    yen = json.loads(render(book_of(RESULTS["allocation"]), "json"))["sheets"]["split"]["rows"]
    assert all(re.fullmatch(r"[0-9]+", row[2]) for row in yen)


def test_a_file_for_excel_begins_with_its_mark(tmp_path):
    path = tmp_path / "d.csv"
    write(DECISION, path, for_excel=True)
    assert path.read_bytes().startswith(b"\xef\xbb\xbfweek,channel")
    write(DECISION, path)
    assert path.read_bytes().startswith(b"week,channel")
    write(DECISION, tmp_path / "d.json")
    assert bo.Decision.from_json((tmp_path / "d.json").read_text("utf-8")) == DECISION


@pytest.mark.parametrize(
    ("result", "name"), [(DECISION, "d.pdf"), (DECISION, "d"), (5, "d.csv"), ([1], "d.xlsx")]
)
def test_what_cannot_be_written_is_refused_and_leaves_no_file(tmp_path, result, name):
    with pytest.raises(bo.InputError) as caught:
        write(result, tmp_path / name)
    assert caught.value.code == "bad-argument"
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(("format", "package"), [("xlsx", "xlsxwriter"), ("parquet", "pyarrow")])
def test_a_missing_package_is_named_with_its_extra(monkeypatch, tmp_path, format, package):
    monkeypatch.setattr("budgetopt.exchange.formats.find_spec", lambda name: None)
    with pytest.raises(bo.InputError, match=r"pip install 'budgetopt\[") as caught:
        write(DECISION, tmp_path / f"d.{format}")
    assert (caught.value.code, caught.value.value) == ("missing-extra", package)


def test_a_frame_and_a_sheet_are_results_too(tmp_path):
    frame = pd.DataFrame({"day": pd.to_datetime(["2025-01-06"]), "n": [3], "x": [np.nan]})
    assert render(book_of(frame), "csv") == "day,n,x\n2025-01-06,3,\n"
    sheet = Sheet.of_rows("a/b: very long name of a sheet that Excel would not take", [])
    assert workbook(sheet).sheetnames == ["a b  very long name of a sheet"]


def test_simulated_years_have_a_sheet_for_each_table():
    years = Years(CURVES, "", RESULTS["simulation"])
    book = book_of(years)
    assert [sheet.name for sheet in book.sheets] == ["weeks", "channels", "runs"]
    assert "| " in render(book, "md")


def test_more_rows_than_a_sheet_holds_are_refused(monkeypatch):
    monkeypatch.setattr("budgetopt.exchange.formats._MOST_ROWS", 2)
    with pytest.raises(bo.InputError, match=r"as \.csv or \.parquet"):
        render(book_of(DECISION), "xlsx")
