import datetime as dt

import numpy as np
import pytest

from budgetopt.errors import BudgetoptError, CalendarError, HistoryError
from budgetopt.history import Columns, History

HEAD = "week,channel,spend,outcome\n"
WIDE = Columns(layout="wide", spend={"a": "a", "b": "b"}, outcome="y")
MONDAY = dt.date(2026, 11, 2)


def long_rows(*rows):
    return HEAD + "".join(f"{','.join(map(str, row))}\n" for row in rows)


def days(first, count, channel="a", spend=1, outcome=2):
    return [(first + dt.timedelta(days=n), channel, spend, outcome) for n in range(count)]


def error_of(call, *args, **more):
    with pytest.raises(BudgetoptError) as caught:
        call(*args, **more)
    assert isinstance(caught.value, (HistoryError, CalendarError))
    return caught.value


def test_a_repeated_row_is_refused_or_summed_where_declared(write):
    path = write(long_rows((MONDAY, "a", 1, 2), (MONDAY, "b", 5, 5), (MONDAY, "a", 0.5, 1)))
    error = error_of(History.read, path)
    assert error.code == "bad-history"
    assert "line 4 (2026-11-02, channel 'a') repeats line 2" in str(error)
    history = History.read(path, Columns(repeats="sum"))
    assert history.spend.tolist() == [[1.5, 5]]
    assert history.outcome.tolist() == [[3, 5]]
    assert history.notes == (
        "several rows of one date and channel, such as hours or campaigns, are added up: 1",
    )


def test_a_repeated_week_of_a_wide_file_is_refused(write):
    path = write("week,a,b,y\n2026-11-02,1,2,3\n2026-11-02,1,2,3\n")
    assert "repeats line 2" in str(error_of(History.read, path, WIDE))


@pytest.mark.parametrize("cell", ["", "--", "-", "NaN"])
def test_a_missing_cell_is_refused_zero_or_unknown(write, cell):
    path = write(long_rows((MONDAY, "a", cell, 2), (MONDAY, "b", 5, cell)))
    error = error_of(History.read, path)
    assert error.code == "bad-number"
    assert "line 2 (2026-11-02, channel 'a'): 'spend' is missing" in str(error)
    zero = History.read(path, Columns(missing="zero"))
    assert zero.spend.tolist() == [[0, 5]]
    assert zero.outcome.tolist() == [[2, 0]]
    unknown = History.read(path, Columns(missing="unknown"))
    assert np.isnan(unknown.spend).tolist() == [[True, False]]
    assert np.isnan(unknown.outcome).tolist() == [[False, True]]
    assert unknown.notes[0] == "empty cells of 'spend' treated as unknown: 1"
    assert unknown.last_spend == {"b": 5}


def test_an_absent_row_is_a_missing_amount(write):
    week = MONDAY + dt.timedelta(7)
    path = write(long_rows((MONDAY, "a", 1, 2), (MONDAY, "b", 5, 5), (week, "b", 5, 5)))
    error = error_of(History.read, path)
    assert error.code == "bad-history"
    assert "channel 'a' has no row on 2026-11-09" in str(error)
    assert History.read(path, Columns(missing="zero")).spend.tolist() == [[1, 5], [0, 5]]
    unknown = History.read(path, Columns(missing="unknown"))
    assert np.isnan(unknown.spend).tolist() == [[False, False], [True, False]]
    assert np.isnan(unknown.outcome).tolist() == [[False, False], [True, False]]


def test_a_gap_is_refused_or_unknown(write):
    last = MONDAY + dt.timedelta(14)
    path = write(long_rows((MONDAY, "a", 1, 2), (last, "a", 1, 2)))
    error = error_of(History.read, path)
    assert error.code == "bad-history"
    assert "no row for the week of 2026-11-09" in str(error)
    # What a missing amount means says nothing of weeks that nobody recorded.
    assert error_of(History.read, path, Columns(missing="zero")).code == "bad-history"
    history = History.read(path, Columns(gaps="unknown"))
    assert np.isnan(history.spend[:, 0]).tolist() == [False, True, False]
    assert history.notes == ("weeks without rows, treated as unknown: 2026-11-09",)
    wide = write("week,a,b,y\n2026-11-02,1,2,3\n2026-11-16,1,2,3\n")
    assert error_of(History.read, wide, WIDE).code == "bad-history"
    columns = Columns.from_dict(WIDE.to_dict() | {"gaps": "unknown"})
    assert np.isnan(History.read(wide, columns).total).tolist() == [False, True, False]


def test_weeks_start_on_the_declared_day(write):
    saturday = dt.date(2026, 11, 7)
    path = write(long_rows((saturday, "a", 1, 2), (saturday + dt.timedelta(7), "a", 1, 2)))
    error = error_of(History.read, path)
    assert isinstance(error, CalendarError)
    assert error.code == "bad-date"
    assert "line 2" in str(error)
    assert "week_start = 'saturday'" in error.remedy
    mixed = write(long_rows((MONDAY, "a", 1, 2), (dt.date(2026, 11, 11), "a", 1, 2)), "mixed.csv")
    error = error_of(History.read, mixed)
    assert "line 3" in str(error)
    assert error.remedy == "correct the date: others start on a monday"
    history = History.read(path, week_start=" Saturday")
    assert history.week_start == "saturday"
    assert error_of(History.read, path, week_start="caturday").remedy == (
        "did you mean 'saturday'?"
    )


def test_daily_rows_are_summed_only_where_declared(write):
    path = write(long_rows(*days(MONDAY, 14)))
    error = error_of(History.read, path)
    assert error.code == "bad-history"
    assert "declare rows = 'daily'" in error.remedy
    history = History.read(path, Columns(rows="daily"))
    assert history.spend.tolist() == [[7], [7]]
    assert history.outcome.tolist() == [[14], [14]]
    assert not history.partial.any()


@pytest.mark.parametrize(
    ("first", "count", "partial"),
    [(0, 21, []), (1, 20, [0]), (0, 20, [2]), (6, 9, [0, 2]), (0, 1, [0])],
)
def test_weeks_that_lack_days_at_the_ends_are_marked(write, first, count, partial):
    rows = days(MONDAY + dt.timedelta(first), count)
    history = History.read(write(long_rows(*rows)), Columns(rows="daily"))
    assert np.flatnonzero(history.partial).tolist() == partial
    assert history.spend.sum() == count
    assert bool(history.notes) == bool(partial)


def test_a_missing_day_inside_marks_its_week(write):
    rows = days(MONDAY, 21)
    del rows[10]
    history = History.read(write(long_rows(*rows)), Columns(rows="daily"))
    assert history.partial.tolist() == [False, True, False]
    assert history.spend.tolist() == [[7], [6], [7]]
    assert history.notes == ("weeks with fewer than 7 days: 2026-11-09",)
    complete = history.complete()
    assert np.isnan(complete.spend[:, 0]).tolist() == [False, True, False]
    assert not complete.partial.any()
    assert history.last_spend == {"a": 7}


def test_daily_wide_rows_are_marked_the_same_way(write):
    text = "week,a,b,y\n" + "".join(f"{day},1,2,3\n" for day, *_ in days(MONDAY, 10))
    columns = Columns.from_dict(WIDE.to_dict() | {"rows": "daily"})
    history = History.read(write(text), columns)
    assert history.spend.tolist() == [[7, 14], [3, 6]]
    assert history.total.tolist() == [21, 9]
    assert history.partial.tolist() == [False, True]


def test_one_unknown_day_makes_its_week_unknown(write):
    rows = days(MONDAY, 14)
    rows[3] = (rows[3][0], "a", "", 2)
    columns = Columns(rows="daily", missing="unknown")
    history = History.read(write(long_rows(*rows)), columns)
    assert np.isnan(history.spend[:, 0]).tolist() == [True, False]
    assert history.outcome[0, 0] == 14


@pytest.mark.parametrize(
    ("as_of", "partial"),
    [
        (dt.date(2026, 11, 16), [False, False]),
        (dt.date(2026, 11, 15), [False, True]),
        (dt.date(2026, 11, 9), [False, True]),
        (dt.date(2026, 11, 8), [True, True]),
        (dt.date(2026, 1, 1), [True, True]),
        (None, [False, False]),
    ],
)
def test_a_week_that_is_not_over_is_marked(write, as_of, partial):
    path = write(long_rows((MONDAY, "a", 1, 2), (MONDAY + dt.timedelta(7), "a", 3, 2)))
    history = History.read(path, as_of=as_of)
    assert history.partial.tolist() == partial
    whole = [spend for spend, p in zip([1, 3], partial, strict=True) if not p]
    assert history.complete().spend[:, 0].tolist() == whole
    assert history.last_spend == ({"a": whole[-1]} if whole else {})


@pytest.mark.parametrize(
    "cell",
    [
        "",
        "02-11-2026",
        "2026/13/02",
        "20261131",
        "2026-11-31",
        "2026-W54",
        "2026-11-02 13:00",
        "2026-11-02T00:00:00Z",
        "46328",
        "Monday",
    ],
)
def test_cells_that_are_no_day_are_refused(write, cell):
    error = error_of(History.read, write(long_rows((cell, "a", 1, 2))))
    assert isinstance(error, CalendarError)
    assert error.code == "bad-date"
    assert "line 2: 'week'" in str(error)
    assert error.remedy


@pytest.mark.parametrize("cell", ["2026-11-02", "2026-11-02 00:00:00", "2026-11-02T00:00"])
def test_iso_days_pass(write, cell):
    assert History.read(write(long_rows((cell, "a", 1, 2)))).weeks.tolist() == [MONDAY]


def test_a_declared_format_decides_between_day_and_month(write):
    path = write(long_rows(("02-11-2026", "a", 1, 2)))
    assert History.read(path, Columns(date_format="%d-%m-%Y")).weeks.tolist() == [MONDAY]
    error = error_of(History.read, path, Columns(date_format="%d/%m/%Y"))
    assert "'%d/%m/%Y'" in str(error)
    error = error_of(History.read, path, Columns(date_format="%m-%d-%Y"))
    assert "wednesday" in str(error)


NAMES = ["抖音", "a b", "a_b", "a/b", "=SUM(A1)", "🚀 rocket", "x" * 300, "-", "na", 'a"b', "a,b"]


def test_any_name_is_a_channel(tmp_path, write):
    history = History.read(
        write(HEAD + "".join(f'{MONDAY},"{n.replace(chr(34), chr(34) * 2)}",1,2\n' for n in NAMES)),
        channels=NAMES,
    )
    assert history.channels == tuple(NAMES)
    assert History.from_frame(history.to_frame(), channels=NAMES) == history
    frame = history.to_frame()
    for suffix in ("csv", "parquet"):
        path = tmp_path / f"names.{suffix}"
        (frame.to_csv if suffix == "csv" else frame.to_parquet)(path, index=False)
        assert History.read(path, channels=NAMES) == history


def test_channels_are_those_of_the_plan_in_its_order(write):
    path = write(long_rows((MONDAY, "baidu", 1, 2), (MONDAY, "douyin", 3, 4)))
    history = History.read(path, channels=["douyin", "new", "baidu"])
    assert history.channels == ("douyin", "new", "baidu")
    assert history.spend[0, [0, 2]].tolist() == [3, 1]
    assert np.isnan(history.spend[0, 1])
    assert np.isnan(history.outcome[0, 1])
    assert history.last_spend == {"douyin": 3, "baidu": 1}
    assert history.notes == ("channel without history: 'new'",)


def test_an_unknown_channel_is_refused_with_a_suggestion(write):
    path = write(long_rows((MONDAY, "baidu", 1, 2), (MONDAY, "douyn", 3, 4)))
    error = error_of(History.read, path, channels=["baidu", "douyin"])
    assert error.code == "unknown-name"
    assert error.value == "douyn"
    assert "line 3" in str(error)
    assert "did you mean 'douyin'?" in error.remedy
    error = error_of(History.read, path, channels=["baidu", "Douyn"])
    assert "did you mean 'Douyn'?" in error.remedy
    wide = Columns(layout="wide", spend={"baidu": "a", "douyn": "b"}, outcome="y")
    text = "week,a,b,y\n2026-11-02,1,2,3\n"
    error = error_of(History.read, write(text, "wide.csv"), wide, channels=["baidu", "douyin"])
    assert error.code == "unknown-name"
    assert error_of(History.read, path, channels="baidu").code == "bad-name"
    assert error_of(History.read, path, channels=["a", "a"]).code == "bad-name"


def test_channels_are_ignored_on_purpose(write):
    path = write(long_rows((MONDAY, "baidu", 1, 2), (MONDAY, "old", "broken", 4)))
    history = History.read(path, Columns(ignore=("old", "older")), channels=["baidu"])
    assert history.spend.tolist() == [[1]]
    assert history.notes == (
        "ignored: 1 row of 'old'",
        "nothing to ignore: 'older' is not in the file",
    )
    assert error_of(History.read, path, Columns(ignore=("old", "baidu"))).code == "no-data"


def test_an_outcome_may_be_a_product(write):
    text = "week,channel,spend,conversions,each\n2026-11-02,a,1,4,2.5\n2026-11-02,b,1,,2.5\n"
    columns = {"outcome": ("conversions", "each")}
    assert error_of(History.read, write(text), Columns(**columns)).code == "bad-number"
    zero = History.read(write(text), Columns(**columns, missing="zero"))
    assert zero.outcome.tolist() == [[10, 0]]
    unknown = History.read(write(text), Columns(**columns, missing="unknown"))
    assert np.isnan(unknown.outcome).tolist() == [[False, True]]
    huge = text.replace(",4,2.5", ",1e300,1e300").replace(",,", ",1,")
    assert error_of(History.read, write(huge), Columns(**columns)).code == "bad-number"


def test_sums_that_overflow_are_refused(write):
    rows = days(MONDAY, 7, spend="1e308")
    error = error_of(History.read, write(long_rows(*rows)), Columns(rows="daily"))
    assert error.code == "bad-number"
    assert "'a' in the week of 2026-11-02" in str(error)


# The day that the amounts are known through


@pytest.mark.parametrize(
    ("as_of", "through", "partial"),
    [
        # An old file stays old; a running week is known until yesterday.
        (dt.date(2027, 1, 1), dt.date(2026, 11, 15), [False, False]),
        (dt.date(2026, 11, 16), dt.date(2026, 11, 15), [False, False]),
        (dt.date(2026, 11, 13), dt.date(2026, 11, 12), [False, True]),
        (None, dt.date(2026, 11, 15), [False, False]),
    ],
)
def test_weekly_rows_are_known_through_yesterday_or_their_last_week(write, as_of, through, partial):
    path = write(long_rows((MONDAY, "a", 1, 2), (MONDAY + dt.timedelta(7), "a", 3, 4)))
    history = History.read(path, as_of=as_of)
    assert history.through == through
    assert history.partial.tolist() == partial
    assert History.read(path, as_of=as_of, data_through=through) == history


def test_daily_rows_are_known_through_their_last_day(write):
    path = write(long_rows(*days(MONDAY, 10)))
    columns = Columns(rows="daily")
    assert History.read(path, columns).through == MONDAY + dt.timedelta(9)
    assert History.read(path, columns).ages == pytest.approx([3 / 7, -4 / 7])
    early = History.read(path, columns, as_of=MONDAY + dt.timedelta(9))
    assert early.through == MONDAY + dt.timedelta(8)
    later = History.read(path, columns, data_through=MONDAY + dt.timedelta(30))
    assert later.ages[0] == pytest.approx(24 / 7)
    assert later.partial.tolist() == [False, True]


def test_weeks_that_end_after_the_last_day_of_data_are_partial_and_noted(write):
    path = write(long_rows((MONDAY, "a", 1, 2), (MONDAY + dt.timedelta(7), "a", 3, 4)))
    history = History.read(path, data_through=dt.date(2026, 11, 12))
    assert history.partial.tolist() == [False, True]
    assert history.ages == pytest.approx([4 / 7, -3 / 7])
    assert "weeks that end after 2026-11-12, the last day of data: 2026-11-09" in history.notes
    assert error_of(History.read, path, data_through="soon").field == "data_through"


# A past day


def cut(rows, last):
    return [row for row in rows if row[0] <= last]


@pytest.mark.parametrize("length", [1, 7, 11, 13, 14])
def test_daily_rows_are_read_as_on_that_day(write, length):
    rows = [(day, name, n + 1, 2 * n) for n, (day, name, *_) in enumerate(days(MONDAY, 14))]
    # Channel b begins late, and a cell that is not known yet may be bad.
    rows += [*days(MONDAY + dt.timedelta(12), 2, "b"), (MONDAY + dt.timedelta(14), "a", "", 1)]
    last = MONDAY + dt.timedelta(length - 1)
    columns, today = Columns(rows="daily", missing="zero"), last + dt.timedelta(1)
    whole = History.read(write(long_rows(*rows)), columns, as_of=today)
    ended = History.read(write(long_rows(*cut(rows, last))), columns, as_of=today)
    assert (whole, whole.fingerprint, whole.through) == (ended, ended.fingerprint, last)
    assert whole.spend.sum() == sum(row[2] for row in cut(rows, last))
    left_out = len(rows) - len(cut(rows, last))
    assert f"rows from {today} onwards left out: {left_out}" in whole.notes
    assert set(whole.notes) - set(ended.notes) == {
        f"rows from {today} onwards left out: {left_out}"
    }


def test_a_bad_cell_of_a_day_to_come_is_not_read(write):
    rows = [*days(MONDAY, 7), (MONDAY + dt.timedelta(7), "a", "n/a", 1)]
    path, columns = write(long_rows(*rows)), Columns(rows="daily")
    assert History.read(path, columns, as_of=rows[-1][0]).spend.tolist() == [[7]]
    assert error_of(History.read, path, columns).code == "bad-number"


def test_wide_rows_and_frames_are_cut_too(write):
    import pandas as pd

    lines = [(MONDAY + dt.timedelta(n), 1, 10, 2) for n in range(10)]
    columns = Columns(layout="wide", spend={"a": "a", "b": "b"}, outcome="y", rows="daily")
    today = MONDAY + dt.timedelta(8)
    text = "week,a,b,y\n" + "".join(f"{','.join(map(str, line))}\n" for line in lines)
    read = History.read(write(text), columns, as_of=today)
    assert read.spend.tolist() == [[7, 70], [1, 10]]
    assert read.total.tolist() == [14, 2]
    frame = pd.DataFrame(lines, columns=["week", "a", "b", "y"])
    assert History.from_frame(frame, columns, as_of=today) == read
    assert History.from_frame(frame.iloc[:8], columns, as_of=today) == read


def test_a_day_before_all_daily_rows_has_no_data(write):
    path, columns = write(long_rows(*days(MONDAY, 7))), Columns(rows="daily")
    error = error_of(History.read, path, columns, as_of=MONDAY)
    assert error.code == "no-data"
    assert "begins on 2026-11-02" in str(error)


def test_daily_rows_are_never_known_beyond_yesterday(write):
    # Else the four days that are there would count as seven.
    path, columns = write(long_rows(*days(MONDAY, 14))), Columns(rows="daily")
    today = MONDAY + dt.timedelta(11)
    late = History.read(path, columns, as_of=today, data_through=MONDAY + dt.timedelta(13))
    assert late == History.read(path, columns, as_of=today)
    early = History.read(path, columns, as_of=today, data_through=MONDAY + dt.timedelta(6))
    assert early.through == MONDAY + dt.timedelta(6)
