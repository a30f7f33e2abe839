"""Several files as one history: compared where they overlap, never added."""

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from budgetopt.errors import BudgetoptError
from budgetopt.history import Columns, History

HEAD = "week,channel,spend,outcome\n"


def refused(call, *args, **more):
    with pytest.raises(BudgetoptError) as caught:
        call(*args, **more)
    assert caught.value.remedy
    return caught.value


def weeks(first, count, channel="a", spend=100):
    start = dt.date(2026, 1, 5) + dt.timedelta(weeks=first)
    every = [start + dt.timedelta(weeks=n) for n in range(count)]
    return "".join(f"{day},{channel},{spend + day.day},{2 * day.day}\n" for day in every)


def test_two_files_are_one_history_in_any_order_and_by_a_pattern(write, tmp_path):
    whole = History.read(write(HEAD + weeks(0, 9)))
    one = write(HEAD + weeks(0, 5), "x1.csv")
    two = write(HEAD + weeks(3, 6), "x2.csv")
    history = History.read([one, two])
    assert history == whole == History.read([two, one]) == History.read(tmp_path / "x*.csv")
    assert [note.code for note in history.notes] == ["rows-in-two-files"]
    assert "counted once: 2" in history.notes[0]
    assert "given twice" in str(refused(History.read, [one, one]))
    assert "no file fits" in str(refused(History.read, tmp_path / "y*.csv"))


def test_rows_that_differ_are_refused_with_both_lines(write):
    one = write(HEAD + weeks(0, 3), "x1.csv")
    two = write(HEAD + weeks(2, 2, spend=90), "x2.csv")
    error = refused(History.read, [one, two])
    assert error.code == "bad-history"
    assert "x1.csv, line 4 (2026-01-19, channel 'a')" in str(error)
    assert "x2.csv, line 2 (2026-01-19, channel 'a') differ: spend 119 and 109" in str(error)


def test_errors_and_notes_name_the_file(write):
    one = write(HEAD + weeks(0, 3), "x1.csv")
    assert "x2.csv, line 2" in str(
        refused(History.read, [one, write(HEAD + "2026-01-26,a,x,1\n", "x2.csv")])
    )
    total = write("report\n" + HEAD + weeks(3, 1), "x3.csv")
    assert History.read([one, total]).notes == ("x3.csv: skipped above the header: 1 line",)
    gap = write(HEAD + weeks(5, 1), "x4.csv")
    assert "no row for the week of 2026-01-26" in str(refused(History.read, [one, gap]))


def daily(channel, days, first=dt.date(2026, 1, 5)):
    every = [first + dt.timedelta(days=n) for n in range(days)]
    return "日期,计划,消耗,转化数\n" + "".join(f"{d},{channel},10,1\n" for d in every)


SOURCES = Columns.from_dict(
    {
        "sources": [
            {
                "file": "feed*.csv",
                "week": "日期",
                "channel": "计划",
                "spend": "消耗",
                "outcome": "转化数",
                "rows": "daily",
                "encoding": "gbk",
            },
            {"file": "week*.csv"},
        ]
    }
)


def test_sources_have_columns_of_their_own(write):
    feed = write(daily("b", 28), "feed1.csv", "gbk")
    plain = write(HEAD + weeks(0, 3), "week.csv")
    history = History.read([feed, plain], SOURCES, as_of=dt.date(2026, 2, 2))
    assert history.channels == ("b", "a")
    assert history.spend[:3].tolist() == [[70, 105], [70, 112], [70, 119]]
    assert history.partial.tolist() == [False, False, False, True]
    assert history.through == dt.date(2026, 1, 25)
    assert [n.code for n in history.notes] == ["weeks-of-other-files", "files-end-apart"]
    assert history.daily[0, :, 0].tolist() == [10] * 7
    assert Columns.from_dict(SOURCES.to_dict()) == SOURCES


def test_a_file_is_of_one_source_and_a_channel_of_one_kind(write):
    feed = write(daily("a", 14), "feed1.csv", "gbk")
    other = write(HEAD + weeks(0, 2), "other.csv")
    assert "of no source" in str(refused(History.read, [feed, other], SOURCES))
    plain = write(HEAD + weeks(0, 2), "week.csv")
    error = refused(History.read, [feed, plain], SOURCES)
    assert "channel 'a' is in files that are read in different ways" in str(error)
    assert "without a file" in str(refused(Columns, sources=[{"rows": "daily"}]))


def test_files_of_a_daily_week_meet_within_it(write):
    one = write(daily("b", 10), "feed1.csv", "gbk")
    two = write(daily("b", 4, dt.date(2026, 1, 15)), "feed2.csv", "gbk")
    history = History.read([one, two], SOURCES.sources[0])
    assert history.spend.tolist() == [[70], [70]]
    assert not history.partial.any()


@given(st.data())
def test_a_history_cut_in_two_with_any_overlap_reads_as_it_was(tmp_path_factory, data):
    rows = (HEAD + weeks(0, 8) + weeks(0, 8, "b", 40)).splitlines()[1:]
    which = [data.draw(st.sampled_from("123")) for _ in rows]
    folder = tmp_path_factory.mktemp("cut")
    paths = []
    for name in "12":
        kept = [r for r, w in zip(rows, which, strict=True) if w in (name, "3")]
        paths.append(folder / f"{name}.csv")
        paths[-1].write_text(HEAD + "\n".join(kept) + "\n")
    (folder / "whole.csv").write_text(HEAD + "\n".join(rows) + "\n")
    filled = [path for path in paths if len(path.read_text()) > len(HEAD) + 1]
    columns = Columns()
    if all(len({w for w in which if w in (n, "3")}) for n in "12"):
        # Each file alone may lack rows: what is absent is judged of both together.
        assert History.read(filled, columns) == History.read(folder / "whole.csv")


@pytest.mark.parametrize("kind", ["weekly", "daily"])
def test_files_in_two_currencies_are_refused_whatever_their_kinds(write, kind):
    head = "week,channel,spend,outcome\n"
    one = write(head + "2026-02-02,a,$1,2\n2026-02-09,a,$1,2\n", "a.csv")
    daily = "".join(f"2026-02-{day:02},b,{{0}}1,2\n" for day in range(2, 16))
    rows = daily if kind == "daily" else "2026-02-02,b,{0}1,2\n2026-02-09,b,{0}1,2\n"
    sources = [{"file": "a.csv"}, {"file": "b.csv", "rows": kind}]
    columns = Columns.from_dict({"sources": sources})
    other = write(head + rows.format("€"), "b.csv")
    with pytest.raises(BudgetoptError, match="different currencies: '\\$', '€'"):
        History.read([one, other], columns)
    other = write(head + rows.format("USD "), "b.csv")
    assert History.read([one, other], columns).currency_sign == "USD"
