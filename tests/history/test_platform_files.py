"""Files as platforms really write them: totals, dates, spans, money, days, workbooks.

The small files of ``shared/files`` are rebuilt here, each as the kind that it stands for.
"""

import datetime as dt

import numpy as np
import openpyxl
import pytest

from budgetopt.errors import BudgetoptError
from budgetopt.history import Columns, History

GOOGLE = Columns(week="Day", channel="Campaign", spend="Cost", outcome="Conv. value")
META = Columns(
    week="Reporting starts",
    channel="Campaign name",
    spend="Amount spent (EUR)",
    outcome="Purchases conversion value",
)
ROWS = """2025-09-01,Brand,"1,001.50",3000
2025-09-01,Generic,501.25,900
2025-09-08,Brand,"1,008.50",3000
2025-09-08,Generic,508.25,900
"""
SPENDS = [[1001.5, 501.25], [1008.5, 508.25]]


def refused(call, *args, **more):
    with pytest.raises(BudgetoptError) as caught:
        call(*args, **more)
    assert caught.value.field
    assert caught.value.remedy
    return caught.value


@pytest.mark.parametrize(
    "total",
    [
        'Total: Account,,"3,019.50",7800',
        "--,Total: Campaigns,3019.50,7800",
        " --, Grand total ,1,1",
        "-,Gesamt,3019.50,7800",
        ",Итого:,3019.50,7800",
        ",合計,3019.50,7800",
        "合计: 2个计划,-,3019.50,7800",
        "小计,,3019.50,7800",
        "总计,--,3019.50,7800",
        ",,3019.50,7800",
        "2025-09-01 - 2025-09-14,,9999,1",
        "2025-09-01 至 2025-09-14,--,9999,1",
        "2025-09-01,Total,1502.75,3900",
    ],
)
@pytest.mark.parametrize("first", [True, False])
def test_totals_are_dropped_by_evidence_first_or_last_and_said(write, total, first):
    header = "Day,Campaign,Cost,Conv. value\n"
    text = f"{header}{total}\n{ROWS}" if first else f"{header}{ROWS}{total}\n"
    history = History.read(write(text), GOOGLE)
    assert history.channels == ("Brand", "Generic")
    assert history.spend.tolist() == SPENDS
    assert history.notes == (f"total rows left out: line {2 if first else 6}",)


def test_a_total_in_a_column_that_nobody_declared(write):
    rows = "".join(f"Enabled,{line}\n" for line in ROWS.splitlines())
    text = f"Status,Day,Campaign,Cost,Conv. value\n{rows}Total: Account, --, --,3019.5,7800\n"
    assert History.read(write(text), GOOGLE).spend.tolist() == SPENDS


def test_what_is_called_a_total_and_is_none_is_refused_or_known_to_the_plan(write):
    path = write("Day,Campaign,Cost,Conv. value\n" + ROWS + "2025-09-01,Total,77,5\n"
                 "2025-09-08,Total,78,5\n")  # fmt: skip
    error = refused(History.read, path, GOOGLE)
    assert str(error).startswith("line 6 is called a total, and is not the sum")
    known = History.read(path, GOOGLE, channels=["Brand", "Generic", "Total"])
    assert known.spend[:, 2].tolist() == [77, 78]
    only = write("Day,Campaign,Cost,Conv. value\n2025-09-01,Total Energies,5,6\n")
    assert History.read(only, GOOGLE).channels == ("Total Energies",)


def test_two_rows_without_a_date_are_no_total_by_their_amounts(write):
    path = write("Day,Campaign,Cost,Conv. value\n" + ROWS + ",,3019.4,7800\n")
    assert "line 6: 'Day' is '', missing" in str(refused(History.read, path, GOOGLE))


META_HEAD = (
    "Reporting starts,Reporting ends,Campaign name,Amount spent (EUR),Purchases conversion value\n"
)


def test_meta_writes_a_total_with_a_range_first(write):
    rows = "2025-09-01,2025-09-7,A,401.1,1201\n2025-09-08,2025-09-14,A,408.1,1208\n"
    path = write(f"{META_HEAD}2025-09-01,2025-09-14,,2400,9000\n{rows}")
    history = History.read(path, META)
    assert history.spend.tolist() == [[401.1], [408.1]]
    assert history.notes == ("total rows left out: line 2",)
    assert history.currency_sign == "EUR"


def test_a_span_of_another_length_is_no_week_and_no_day(write):
    path = write(f"{META_HEAD}2025-09-01,2025-09-28,A,4000,12000\n")
    assert "2025-09-01 to 2025-09-28 are 28 days, no week" in str(refused(History.read, path, META))
    text = META_HEAD + "2025-09-01,2025-09-07,A,1,2\n2025-09-08,2025-09-14,A,1,2\n"
    daily = Columns.from_dict(META.to_dict() | {"rows": "daily"})
    assert "are 7 days, no day" in str(refused(History.read, write(text), daily))
    renamed = write(text.replace("Reporting ends", "through"))
    declared = Columns.from_dict(META.to_dict() | {"week_end": "through"})
    assert History.read(renamed, declared).weeks.size == 2


SAME = dt.date(2026, 2, 2)


@pytest.mark.parametrize(
    "cell",
    ["2026/2/2", "2026-2-02", "2026.02.02", "2026年2月2日", "20260202", '="2026-02-02"', "2026-W06",
     "2026W06", "Mon, 2 Feb 2026", "2 February 2026", "Feb 2, 2026", '"February 2, 2026"',
     "2026-02-02 星期一", "2026-02-02（周一）", "2026/2/2 0:00", "2026-02-02 至 2026-02-08",
     "2026/2/2~2026/2/8", "2026-02-02 - 2026-02-08", "20260202-20260208", "2-Feb-2026",
     "２０２６-０２-０２"],
)  # fmt: skip
def test_dates_that_can_be_read_in_one_way_only(write, cell):
    cell = f'"{cell}"' if "," in cell and not cell.startswith('"') else cell
    history = History.read(write(f"week,channel,spend,outcome\n{cell},a,1,2\n"))
    assert history.weeks.tolist() == [SAME]


@pytest.mark.parametrize(
    ("order", "code"), [("day", "dates-day-first"), ("month", "dates-month-first")]
)
def test_day_first_or_month_first_is_settled_by_the_whole_file(write, order, code):
    form = "{0.day:02}/{0.month:02}/{0.year}" if order == "day" else "{0.month}/{0.day}/{0.year}"
    days = [SAME + dt.timedelta(weeks=n) for n in range(3)]
    text = "week,channel,spend,outcome\n" + "".join(f"{form.format(d)},a,1,2\n" for d in days)
    history = History.read(write(text))
    assert history.weeks.tolist() == days
    assert [note.code for note in history.notes] == [code]


@pytest.mark.parametrize(
    ("dates", "said"),
    [
        (["02/02/2026", "09/02/2026"], "day-first or month-first"),
        (["16/02/2026", "02/23/2026"], "line 2: 'week' is '16/02/2026', day-first, where line 3"),
        (["2026-02-02", "16/02/2026"], "line 3: 'week' is '16/02/2026', written in another way"),
        (["2/2/26"], "declare date_format = '%m/%d/%y' or '%d/%m/%y'"),
        (["46055"], "declare date_format = 'excel'"),
        (["2026-02-30"], "in one way only"),
        (["2026-02-02 13:00"], "not a whole day"),
        (["2026-02-08 至 2026-02-02"], "ends before it begins"),
        (["2026-W54"], "in one way only"),
        (["31/31/2026"], "in one way only"),
    ],
)
def test_dates_that_can_be_read_in_two_ways_are_refused_with_what_settles_them(write, dates, said):
    text = "week,channel,spend,outcome\n" + "".join(f"{d},a,1,2\n" for d in dates)
    error = refused(History.read, write(text))
    assert error.code == "bad-date"
    assert said in str(error)


def test_serial_days_where_the_column_says_so(write):
    text = "week,channel,spend,outcome\n46055,a,1,2\n46062,a,1,2\n"
    history = History.read(write(text), Columns(date_format="excel"))
    assert history.weeks[0].item() == SAME


def test_a_week_may_be_dated_by_its_last_day(write):
    days = ["2025-09-06", "2025-09-13", "2025-09-20", "2025-09-27"]
    path = write("week,channel,spend,outcome\n" + "".join(f"{d},a,5,9\n" for d in days))
    columns = Columns(week_is="end")
    error = refused(History.read, path, columns, week_start="saturday")
    assert "declare week_start = 'sunday'" in error.remedy
    history = History.read(path, columns, week_start="sunday", as_of=dt.date(2025, 9, 28))
    assert history.weeks[-1].item() == dt.date(2025, 9, 21)
    assert not history.partial.any()


def weekdays(spend=lambda day: day.day, days=range(26), free=(5, 6)):
    every = [dt.date(2025, 9, 1) + dt.timedelta(days=n) for n in days]
    rows = [f"{d},a,{spend(d)},200\n" for d in every if d.weekday() not in free]
    return "week,channel,spend,outcome\n" + "".join(rows)


def test_days_without_a_row_spent_nothing_where_that_is_declared(write):
    columns = Columns(rows="daily", absent="zero")
    history = History.read(write(weekdays(lambda d: d.day + 49)), columns)
    assert history.spend[:, 0].tolist() == [260, 295, 330, 365]
    assert not history.partial.any()
    assert history.through == dt.date(2025, 9, 28)
    assert history.daily[0, :, 0].tolist() == [50, 51, 52, 53, 54, 0, 0]
    short = History.read(write(weekdays(days=range(24))), columns)
    assert short.partial.tolist() == [False, False, False, True]
    holes = History.read(write(weekdays(days=[*range(5), *range(14, 19)])), columns)
    assert holes.spend[:, 0].tolist() == [15, 0, 85]


def test_days_are_covered_by_channels_that_are_left_out(write):
    text = weekdays(free=()) + weekdays(free=()).replace(",a,", ",b,").partition("\n")[2]
    lines = [line for line in text.splitlines() if ",b," not in line or "-05," not in line]
    path = write("\n".join(line for line in lines if ",a," not in line or "-12," not in line))
    columns = Columns(rows="daily", ignore=("b",), missing="zero")
    history = History.read(path, columns)
    assert history.partial.tolist() == [False, False, False, True]


@pytest.mark.parametrize(("unit", "factor"), [("micros", 1e6), ("fen", 100), ("one", 1)])
def test_units_of_spend_are_declared_and_suspected(write, unit, factor):
    text = f"week,channel,spend,outcome,clicks\n2026-02-02,a,{2.5 * 10**8},2,100\n"
    error = refused(History.read, write(text))
    assert error.code == "bad-money"
    assert "spend_unit" in error.remedy
    assert History.read(write(text), Columns(spend_unit=unit)).spend[0, 0] == 2.5 * 10**8 / factor


def test_a_currency_column_is_evidence(write):
    head = "week,channel,spend,outcome,Currency code\n"
    path = write(head + "2026-02-02,a,1,2,USD\n2026-02-09,a,1,2,EUR\n")
    error = refused(History.read, path)
    assert error.code == "bad-money"
    assert str(error).startswith("line 3: 'Currency code' is 'EUR', where line 2 has 'USD'")
    one = History.read(path, Columns(where={"Currency code": "usd"}))
    assert one.currency_sign == "USD"
    assert [note.code for note in one.notes] == ["rows-filtered"]
    assert "is in EUR" in str(refused(one.check_currency, "EUR"))


def test_filters_name_what_there_is(write):
    path = write("week,channel,spend,outcome,status\n2026-02-02,a,1,2,on\n")
    error = refused(History.read, path, Columns(where={"status": "enabled"}))
    assert "column 'status' holds on" in str(error)


CAMPAIGNS = """week,channel,spend,outcome
2026-02-02,Brand search,100,300
2026-02-02,Generic search,50,80
2026-02-02,feed-a,30,20
2026-02-02,odd,20,1
"""


def test_campaigns_are_mapped_to_channels_and_the_rest_is_shown(write):
    path = write(CAMPAIGNS)
    rules = [{"channel": "search", "contains": "SEARCH"}, {"channel": "feed", "prefix": "feed"}]
    error = refused(History.read, path, Columns(map=rules), channels=["search", "feed"])
    assert error.code == "unknown-name"
    assert "1 name is no channel of the plan, 20 of spend, 10.0%: 'odd' 20" in str(error)
    columns = Columns(map=rules, unmapped="leave-out")
    history = History.read(path, columns, channels=["search", "feed"])
    assert history.spend.tolist() == [[150, 30]]
    assert "20, 10.0% ('odd' 20)" in history.notes[0]
    assert Columns.from_dict(columns.to_dict()) == columns


@pytest.mark.parametrize(
    ("rule", "fits"),
    [
        ({"exact": ["odd", "feed-a"]}, 50),
        ({"regex": "^[BG].*search$"}, 150),
        ({"column": "kind", "exact": "x"}, 130),
        ({"file": "history*.csv"}, 200),
    ],
)
def test_the_tests_of_a_rule(write, rule, fits):
    lines = CAMPAIGNS.splitlines()
    kinds = ["kind", "x", "y", "x", "y"]
    path = write("\n".join(f"{line},{kind}" for line, kind in zip(lines, kinds, strict=True)))
    columns = Columns(map=[{"channel": "one"} | rule], unmapped="leave-out")
    assert History.read(path, columns, channels=["one"]).spend.tolist() == [[fits]]


def test_only_rows_of_one_campaign_repeat_each_other(write):
    path = write(CAMPAIGNS + "2026-02-02,odd,20,1\n")
    columns = Columns(map=[{"channel": "all", "regex": "."}])
    error = refused(History.read, path, columns)
    assert "line 6" in str(error)
    assert "repeats line 5" in str(error)


@pytest.mark.parametrize(
    "rule",
    [
        {"exact": "a"},
        {"channel": "x"},
        {"channel": "x", "regex": "("},
        {"channel": "x", "regex": "(a+)+$"},
        {"channel": "x", "prefx": "a"},
        {"channel": " ", "prefix": "a"},
    ],
)
def test_rules_that_cannot_be_meant(rule):
    assert refused(Columns, map=[rule]).field.startswith("map")


def book(tmp_path, rows, *, merged=""):
    path = tmp_path / "a.xlsx"
    made = openpyxl.Workbook()
    for row in rows:
        made.active.append(row)
    if merged:
        made.active.merge_cells(merged)
    made.save(path)
    return path


def test_a_formula_without_a_stored_value_is_refused_by_its_cell(tmp_path):
    rows = [
        ["Report", None, None, None],
        ["week", "channel", "spend", "outcome"],
        [SAME, "a", "=1000*1", 3000],
        ["Total", None, "=SUM(C3:C3)", "=SUM(D3:D3)"],
    ]
    path = book(tmp_path, rows, merged="A1:D1")
    error = refused(History.read, path)
    assert "cell C3 is a formula without a stored value" in str(error)
    rows[2][2] = 1000
    assert History.read(book(tmp_path, rows, merged="A1:D1")).spend.tolist() == [[1000]]


def test_old_and_linked_workbooks_say_what_to_do(tmp_path, write):
    assert "save it as .xlsx" in refused(History.read, write(b"\xd0\xcf", "a.xls")).remedy
    import zipfile

    path = book(tmp_path, [["week", "channel", "spend", "outcome"], [SAME, "a", 1, 2]])
    with zipfile.ZipFile(path, "a") as packed:
        packed.writestr("xl/externalLinks/externalLink1.xml", "<x/>")
    assert "linked to another workbook" in str(refused(History.read, path))


def test_what_was_declared_reads_back():
    columns = Columns(
        week_is="end", where={"a": ["x", "y"]}, map=[{"channel": "c", "exact": "d"}], absent="zero"
    )
    assert Columns.from_dict(columns.to_dict()) == columns
    assert np.array(columns.where["a"]).tolist() == ["x", "y"]
