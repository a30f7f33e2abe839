"""Frames of any library, and queries of a database, give the history that a pandas frame gives."""

import datetime as dt
import sqlite3
from decimal import Decimal

import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
import sqlalchemy as sa

from budgetopt.errors import HistoryError
from budgetopt.history import Columns, History

WEEKS = [dt.date(2026, 11, 2), dt.date(2026, 11, 9)]
ROWS = {
    "week": [week for week in WEEKS for _ in range(2)],
    "channel": ["抖音", "tv"] * 2,
    "spend": [1234.56, 20.1, 0.3, 99.99],
    "outcome": [5, 6, 7, 8],
    "note": ["a", None, "b", "c"],
}
PLAIN = History.from_frame(pd.DataFrame(ROWS))


def frames():
    """Return the same rows as frames of other libraries and types."""
    polars, arrow = pl.DataFrame(ROWS), pa.table(ROWS)
    stamps = pl.col("week").cast(pl.Datetime("us"))
    return {
        "polars": polars,
        "lazy": polars.lazy(),
        "zoned": polars.with_columns(stamps.dt.replace_time_zone("Asia/Shanghai")),
        "categories": polars.with_columns(pl.col("channel").cast(pl.Categorical)),
        "texts": polars.with_columns(pl.col("week", "spend").cast(pl.String)),
        "decimals": polars.with_columns(pl.col("spend").cast(pl.Decimal(12, 2))),
        "spaced": polars.rename({"week": " week "}),
        "arrow": arrow,
        "arrow decimals": arrow.set_column(2, "spend", arrow["spend"].cast(pa.decimal128(12, 2))),
        "arrow dictionary": arrow.set_column(1, "channel", arrow["channel"].dictionary_encode()),
    }


@pytest.mark.parametrize("kind", frames())
def test_frames_of_any_library_are_the_same_history(kind):
    assert History.from_frame(frames()[kind]) == PLAIN


@pytest.mark.parametrize("make", [pl.DataFrame, pa.table])
def test_nulls_are_missing_amounts(make):
    rows = ROWS | {"spend": [1234.56, None, 0.3, 99.99]}
    with pytest.raises(HistoryError) as caught:
        History.from_frame(make(rows))
    assert caught.value.code == "bad-number"
    columns = Columns(missing="unknown")
    expected = History.from_frame(pd.DataFrame(rows), columns)
    assert History.from_frame(make(rows), columns) == expected


@pytest.mark.parametrize("wrong", [[1], {"week": [1]}, None, "week,channel", object()])
def test_what_is_no_frame_is_refused(wrong):
    with pytest.raises(HistoryError) as caught:
        History.from_frame(wrong)
    assert (caught.value.code, caught.value.field) == ("bad-argument", "frame")


def test_a_column_that_is_not_there_is_named():
    with pytest.raises(HistoryError) as caught:
        History.from_frame(pl.DataFrame(ROWS).drop("spend"))
    assert (caught.value.code, caught.value.field) == ("bad-columns", "spend")


@pytest.fixture
def shop(tmp_path):
    """Return the path of a real SQLite database with one row a week, campaign and channel."""
    path = tmp_path / "shop.db"
    opened = sqlite3.connect(path)
    opened.execute("create table ads (day text, channel text, spend numeric, sold real)")
    rows = list(zip(*list(ROWS.values())[:4], strict=True))
    opened.executemany("insert into ads values (?, ?, ?, ?)", [(str(w), *r) for w, *r in rows])
    opened.commit()
    opened.close()
    return path


SQL = "select day as week, channel, spend, sold as outcome from ads order by random()"


def test_a_query_is_the_history_of_its_rows(shop):
    url = f"sqlite:///{shop}"
    engine = sa.create_engine(url)
    ads = sa.Table(
        "ads",
        sa.MetaData(),
        *(sa.Column(name) for name in ("day", "channel")),
        sa.Column("spend", sa.Numeric(12, 2)),
        sa.Column("sold"),
    )
    made = sa.select(ads.c.day.label("week"), ads.c.channel, ads.c.spend, ads.c.sold)
    with engine.connect() as connection:
        for query in (SQL, sa.text(SQL)):
            assert History.from_sql(query, connection) == PLAIN
        rows = connection.execute(made).all()
        assert {type(row.spend) for row in rows} == {Decimal}
        assert History.from_sql(made, connection, Columns(outcome="sold")) == PLAIN
    assert History.from_sql(SQL, engine) == History.from_sql(SQL, url) == PLAIN
    engine.dispose()


@pytest.mark.parametrize(
    ("query", "code", "field"),
    [
        ("select * from nothing", "bad-argument", "query"),
        ("selekt", "bad-argument", "query"),
        ("create table more (a text)", "bad-argument", "query"),
        ("select day as week from ads", "bad-columns", "channel"),
        (f"select * from ({SQL}) where week is null", "no-data", "history"),
    ],
)
def test_a_query_that_gives_no_history_is_refused(shop, query, code, field):
    with pytest.raises(HistoryError) as caught:
        History.from_sql(query, f"sqlite:///{shop}")
    assert (caught.value.code, caught.value.field) == (code, field)


@pytest.mark.parametrize("connection", ["no url", "nosuch://x/y", 5, None])
def test_what_is_no_connection_is_refused(connection):
    with pytest.raises(HistoryError) as caught:
        History.from_sql(SQL, connection)
    assert (caught.value.code, caught.value.remedy.split()[0]) == ("bad-argument", "check")


def test_a_password_is_not_in_the_message(shop):
    with pytest.raises(HistoryError) as caught:
        History.from_sql(SQL, "nosuch://ada:secret@localhost/ads")
    assert "secret" not in str(caught.value.to_dict())


@pytest.mark.parametrize("make", [pl.DataFrame, pa.table])
def test_campaigns_may_be_numbers(make):
    rows = ROWS | {"channel": [1201, 1202, 1201, 1202]}
    assert History.from_frame(make(rows)) == History.from_frame(pd.DataFrame(rows))
    assert History.from_frame(make(rows)).channels == ("1201", "1202")


@pytest.mark.parametrize("frame", [pd.DataFrame(), pd.DataFrame([])], ids=["none", "no rows"])
def test_a_frame_of_nothing_has_no_data(frame):
    with pytest.raises(HistoryError) as caught:
        History.from_frame(frame)
    assert caught.value.code == "no-data"
