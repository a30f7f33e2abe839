import datetime as dt
import time
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from budgetopt.errors import HistoryError
from budgetopt.history import Cells, Columns, History, load, texts
from budgetopt.history.tables import labelled_rows

MONDAY = dt.date(2026, 11, 2)
AMOUNTS = st.one_of(
    st.integers(0, 10**7).map(lambda cents: cents / 100), st.floats(0, 1e12), st.just(0.0)
)
QUICK = settings(max_examples=40)


@st.composite
def tables(draw, daily=False):
    """Draw channels, dates, and amounts shaped (dates, channels, 2)."""
    channels = draw(
        st.lists(
            st.text("ab 抖/=_", min_size=1, max_size=4).map(str.strip).filter(bool),
            min_size=1,
            max_size=3,
            unique=True,
        )
    )
    count = draw(st.integers(1, 20 if daily else 5))
    step = 1 if daily else 7
    dates = [MONDAY + dt.timedelta(days=step * n) for n in range(count)]
    cells = draw(
        st.lists(AMOUNTS, min_size=2 * count * len(channels), max_size=2 * count * len(channels))
    )
    return channels, dates, np.array(cells).reshape(count, len(channels), 2)


def long_text(channels, dates, cells, order=None):
    rows = [
        f'{date},"{name}",{cells[i, j, 0]!r},{cells[i, j, 1]!r}'.replace("np.float64(", "").replace(
            ")", ""
        )
        for i, date in enumerate(dates)
        for j, name in enumerate(channels)
    ]
    return "\n".join(["week,channel,spend,outcome", *(rows[k] for k in order or range(len(rows)))])


def read(tmp, text, columns):
    path = tmp.mktemp("h") / "history.csv"
    path.write_text(text, encoding="utf-8")
    return History.read(path, columns)


@QUICK
@given(data=st.data(), table=tables(), daily=st.booleans())
def test_shuffled_rows_give_the_same_history(tmp_path_factory, data, table, daily):
    channels, dates, cells = table
    if daily:
        channels, dates, cells = data.draw(tables(daily=True))
    columns = Columns(rows="daily" if daily else "weekly")
    order = data.draw(st.permutations(range(len(channels) * len(dates))))
    plain = read(tmp_path_factory, long_text(channels, dates, cells), columns)
    shuffled = read(tmp_path_factory, long_text(channels, dates, cells, order), columns)
    assert plain == shuffled
    assert plain.fingerprint == shuffled.fingerprint
    assert plain.spend.tobytes() == shuffled.spend.tobytes()


@QUICK
@given(table=tables(daily=True), daily=st.booleans())
def test_long_and_wide_agree(tmp_path_factory, table, daily):
    channels, dates, cells = table
    if not daily:
        dates = [MONDAY + dt.timedelta(weeks=n) for n in range(len(dates))]
    rows = "daily" if daily else "weekly"
    header = ["week", *(f"s{j}" for j in range(len(channels)))]
    header += [f"o{j}" for j in range(len(channels))]
    lines = [
        ",".join([str(date), *map(repr, cells[i, :, 0].tolist() + cells[i, :, 1].tolist())])
        for i, date in enumerate(dates)
    ]
    columns = Columns(
        layout="wide",
        rows=rows,
        spend={name: f"s{j}" for j, name in enumerate(channels)},
        outcome={name: f"o{j}" for j, name in enumerate(channels)},
    )
    wide = read(tmp_path_factory, "\n".join([",".join(header), *lines]), columns)
    long = read(tmp_path_factory, long_text(channels, dates, cells), Columns(rows=rows))
    assert wide == long


@QUICK
@given(table=tables(daily=True))
def test_weekly_sums_of_daily_rows_are_exactly_rounded(tmp_path_factory, table):
    channels, dates, cells = table
    columns = Columns(rows="daily")
    history = read(tmp_path_factory, long_text(channels, dates, cells), columns)
    week = np.array([(date - MONDAY).days // 7 for date in dates])
    for j, name in enumerate(channels):
        at = history.channels.index(name)
        for w in range(history.weeks.size):
            exact = [sum(map(Fraction, cells[week == w, j, k].tolist())) for k in (0, 1)]
            assert history.spend[w, at] == float(exact[0])
            assert history.outcome[w, at] == float(exact[1])
    assert history.partial.tolist() == [bool(np.sum(week == w) < 7) for w in np.unique(week)]


@QUICK
@given(table=tables())
def test_frames_round_trip(tmp_path_factory, table):
    history = read(tmp_path_factory, long_text(*table), Columns())
    assert History.from_frame(history.to_frame().sample(frac=1, random_state=0)) == history


CELL = st.one_of(
    st.text("ab1. 合计总é", max_size=4),
    st.text('a1,合"', max_size=4).map(lambda cell: '"' + cell.replace('"', '""') + '"'),
)
ODD = st.sampled_from(
    ["", " ", ",", ",,,,", "1,2", "1,2,3,4,5", '"a",1,2,3', "合计,,,7", "a\r,,,", '"a\nb",1,2,3',
     'a"b,1,2,3', 'a,"b"c,2,3', 'a, "b",2,3', 'a,"b" ,2,3', '"a', '"a","b\r\n",2,3', '""', 'a""']
)  # fmt: skip


@settings(max_examples=300)
@given(
    above=st.lists(CELL, max_size=2),
    rows=st.lists(st.lists(CELL, min_size=4, max_size=4), max_size=6),
    odd=st.dictionaries(st.integers(0, 6), ODD, max_size=2),
    end=st.sampled_from(["\n", "\r\n", "\r"]),
    last=st.integers(0, 2),
)
def test_a_large_even_text_is_read_as_any_other(tmp_path_factory, above, rows, odd, end, last):
    lines = [",".join(row) for row in rows]
    for at, line in odd.items():
        lines.insert(at, line)
    path = tmp_path_factory.mktemp("h") / "a.csv"
    text = end.join([*above, "week,channel,spend,outcome", *lines]) + last * end
    path.write_bytes(text.encode())

    def read(large):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(texts, "_LARGE", large)
            try:
                table = load(path, Columns())
            except HistoryError as error:
                return error.to_dict()
        cells = {n: (c.spellings.tolist(), c.at.tolist()) for n, c in table.cells.items()}
        return cells, table.places.tolist(), table.labels.tolist(), table.notes, table.delimiter

    assert read(0) == read(10**9)


def test_many_labels_are_told_at_once():
    words = [f"Total: {number}" for number in range(200_000)]
    began = time.process_time()
    assert labelled_rows([Cells.of([*words, "a"])], 200_001).tolist() == [True] * 200_000 + [False]
    assert time.process_time() - began < 10


def test_what_is_even_is_read_by_columns():
    text = "x\nweek,channel,spend,outcome\n2026-11-02,a,1,2\n合计,a,3,合计\n\n"
    for even, name in ((text, "a"), (text.replace(",a", ',"a,""b"""'), 'a,"b"')):
        cells, places = texts._even(even, ",", 1, 4)
        assert [cells[1].spellings.tolist(), cells[1].at.tolist()] == [[name], [0, 0]]
        assert places.tolist() == [3, 4]
    for odd in (text + "a,b\n", text.replace("1,2", "1,2,3"), text.replace(",a", ',"a"b')):
        assert texts._even(odd, ",", 1, 4) is None
    # As many cells as in two whole rows.
    assert texts._even("a,b,c,d\n1,2,3,4,5\n1,2,3\n", ",", 0, 4) is None
