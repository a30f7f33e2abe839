"""A history in the layouts of models: any history, in any format, is read back as it was."""

import datetime as dt
import pickle
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import budgetopt as bo
from budgetopt.exchange import LAYOUTS, Book, history_sheet, read_history, write
from budgetopt.untrusted import from_cell

MONEY = st.integers(0, 10**9).map(lambda cents: cents / 100)
AMOUNTS = st.one_of(MONEY, st.just(float("nan")), st.just(0.0))
OUTCOMES = st.one_of(AMOUNTS, st.floats(0, 1e12))
SIGNED = st.one_of(MONEY, MONEY.map(lambda amount: -amount), st.floats(-1e12, 1e12))
NAMES = st.lists(
    st.text("abt抖=+@_'", min_size=1, max_size=4), min_size=1, max_size=3, unique=True
).filter(lambda names: not {"y", "date_week"} & {*names})
SEVENTH = np.timedelta64(7, "D")


@st.composite
def histories(draw):
    """Draw a history of any channels, weekday, gaps, partial weeks, outcomes and controls."""
    channels = draw(NAMES)
    first = draw(st.dates(dt.date(2001, 1, 1), dt.date(2090, 1, 1)))
    count = draw(st.integers(1, 4))
    size = count * len(channels)
    spend = np.array(draw(st.lists(AMOUNTS, min_size=size, max_size=size))).reshape(count, -1)
    total = draw(st.booleans())
    size = count if total else size
    each = st.one_of(SIGNED, st.just(float("nan"))) if total else OUTCOMES
    came = np.array(draw(st.lists(each, min_size=size, max_size=size)))
    lists = st.lists(SIGNED, min_size=count, max_size=count).map(np.array)
    beside = draw(st.dictionaries(st.text("ab价 =_", min_size=1, max_size=3).map(str.strip).filter(
        bool), lists, max_size=2 * total))  # fmt: skip
    weeks = np.datetime64(first, "D") + 7 * np.arange(count)
    partial = np.array(draw(st.lists(st.booleans(), min_size=count, max_size=count)))
    return bo.History(
        tuple(channels),
        weeks,
        spend,
        outcome=None if total else came.reshape(count, -1),
        total=came if total else None,
        partial=partial,
        week_start=f"{first:%A}".lower(),
        data_through=draw(st.sampled_from([None, weeks[0].item() + dt.timedelta(days=3)]))
        if partial.all()
        else None,
        controls=beside,
    )


def same(read, history, rel=0.0):
    """Compare whole histories; a workbook keeps sixteen digits of a number."""
    assert (read.channels, read.week_start) == (history.channels, history.week_start)
    assert read.weeks.tolist() == history.weeks.tolist()
    assert read.partial.tolist() == history.partial.tolist()
    assert read.data_through == history.data_through
    np.testing.assert_array_equal(read.spend, history.spend)
    for name in ("outcome", "total"):
        one, two = getattr(read, name), getattr(history, name)
        assert (one is None) == (two is None)
        if two is not None:
            np.testing.assert_allclose(one, two, rtol=rel, atol=0)
    assert set(read.controls) == set(history.controls)
    for name, values in history.controls.items():
        np.testing.assert_allclose(read.controls[name], values, rtol=rel, atol=0)
    assert rel or read == history


@pytest.mark.parametrize("ending", ["csv", "tsv", "json", "parquet", "xlsx"])
@pytest.mark.parametrize("layout", LAYOUTS)
def test_any_history_is_read_back_as_it_was(tmp_path_factory, layout, ending):
    path = tmp_path_factory.mktemp("out") / f"h.{ending}"

    @settings(max_examples=6 if ending == "xlsx" else 12)
    @given(history=histories(), for_excel=st.booleans())
    def back(history, for_excel):
        write(Book("history", (history_sheet(history, layout),)), path, for_excel=for_excel)
        same(read_history(path), history, rel=1e-15 if ending == "xlsx" else 0.0)

    back()


@settings(max_examples=60)
@given(history=histories())
def test_any_history_comes_back_from_a_record_and_a_frame(history):
    text = history.to_json()
    assert bo.History.from_json(text).to_json() == text
    assert bo.History.from_json(text) == history == pickle.loads(pickle.dumps(history))
    # A name such as '= would be taken for one that was kept from being a formula.
    plain = all(from_cell(name) == name for name in history.channels)
    if history.total is None and not history.partial.any() and plain:
        columns = bo.Columns(missing="unknown", gaps="unknown")
        options = {"channels": history.channels, "week_start": history.week_start}
        assert bo.History.from_frame(history.to_frame(), columns, **options) == history


PAST = bo.History(
    ("tv", "抖音"),
    np.array(["2026-11-02", "2026-11-09"], dtype="datetime64[D]"),
    [[100.5, 20], [0, np.nan]],
    outcome=[[1, 2], [3, 4]],
)
HEADERS = {
    "long": ["week", "channel", "spend", "outcome"],
    "wide": ["week", "tv_spend", "抖音_spend", "outcome", "tv_outcome", "抖音_outcome"],
    "robyn": ["DATE", "tv_S", "抖音_S", "revenue", "tv_revenue", "抖音_revenue"],
    "meridian": ["time", "tv_spend", "抖音_spend", "kpi", "tv_kpi", "抖音_kpi"],
    "meridian-long": ["time", "media_channel", "media_spend", "media_kpi", "kpi"],
    "pymc": ["date_week", "tv", "抖音", "y", "y_tv", "y_抖音"],
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_each_layout_has_the_columns_that_its_tool_reads(layout):
    frame = history_sheet(PAST, layout).to_frame()
    assert list(frame.columns) == HEADERS[layout]
    how = LAYOUTS[layout]
    assert pd.api.types.is_datetime64_any_dtype(frame[how.week])
    if how.total in frame:
        assert frame.groupby(how.week)[how.total].first().tolist() == [3.0, 7.0]


def test_the_public_reader_reads_a_wide_layout_with_declared_columns(tmp_path):
    path = tmp_path / "robyn.csv"
    write(history_sheet(PAST, "robyn"), path)
    columns = bo.Columns(layout="wide", week="DATE", spend={"tv": "tv_S", "抖音": "抖音_S"},
                         outcome="revenue", missing="unknown")  # fmt: skip
    read = bo.History.read(path, columns, channels=PAST.channels)
    assert read.total.tolist() == [3.0, 7.0]
    np.testing.assert_array_equal(read.spend, PAST.spend)


def test_published_files_are_written_as_they_were():
    path = Path(__file__).parents[3] / "shared" / "data" / "robyn_weekly"
    if not path.exists():
        pytest.skip("Robyn's weekly data is not on this machine (../shared/data)")
    raw = pd.read_csv(path / "dt_simulated_weekly.csv")
    spends = {name: f"{name}_S" for name in ("tv", "ooh", "print", "search", "facebook")}
    columns = bo.Columns(layout="wide", week="DATE", spend=spends, outcome="revenue")
    past = bo.History.read(path / "dt_simulated_weekly.csv", columns)
    frame = history_sheet(past, "robyn").to_frame()
    for name in (*spends.values(), "revenue"):
        assert frame[name].tolist() == raw[name].tolist()
    assert frame["DATE"].dt.strftime("%Y-%m-%d").tolist() == raw["DATE"].tolist()


@pytest.mark.parametrize(
    ("names", "layout", "code"),
    [(("tv",), "mystery", "unknown-name"), (("y", "tv"), "pymc", "bad-name")],
)
def test_what_a_layout_cannot_hold_is_refused(names, layout, code):
    past = bo.History(names, PAST.weeks, PAST.spend[:, : len(names)], total=[1, 2])
    with pytest.raises(bo.HistoryError) as caught:
        history_sheet(past, layout)
    assert caught.value.code == code


def test_a_history_without_weeks_is_refused():
    empty = bo.History(("tv",), np.zeros(0, dtype="datetime64[D]"), np.zeros((0, 1)), total=[])
    with pytest.raises(bo.HistoryError, match="has no weeks"):
        history_sheet(empty)


@pytest.mark.parametrize(
    ("name", "text", "code"),
    [
        ("h.csv", "a,b\n1,2\n", "bad-columns"),
        ("h.json", "[", "bad-file"),
        ("h.json", "[1]", "bad-file"),
        ("h.json", '{"sheets": {"history": {"columns": ["a"], "rows": [[1, 2]]}}}', "bad-file"),
        ("h.json", '{"sheets": {"history": {"columns": ["a", "b"], "rows": [[1]]}}}', "bad-file"),
        ("h.csv", "", "bad-file"),
        ("h.csv", "\ufeff", "bad-file"),
        ("h.csv", "week,channel,spend,channel,outcome\n2026-11-02,tv,1,tv,1\n", "bad-columns"),
        ("h.csv", "week,week,channel,spend,outcome\n2026-11-02,2026-11-02,tv,1,1\n", "bad-columns"),
        ("none.csv", None, "bad-file"),
        ("h.pdf", "x", "bad-file"),
        ("h.csv", "week,channel,spend,outcome\n2026-11-02,tv,x,1\n", "bad-number"),
        ("h.csv", "week,channel,spend,outcome\nsoon,tv,1,1\n", "bad-date"),
    ],
)
def test_a_file_that_is_no_such_history_is_refused(tmp_path, name, text, code):
    if text is not None:
        (tmp_path / name).write_text(text, "utf-8")
    with pytest.raises(bo.InputError) as caught:
        read_history(tmp_path / name)
    assert caught.value.code == code
