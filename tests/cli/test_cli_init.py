"""From raw exports to a decision, without an editor."""

import datetime as dt
import json
import random
import re
import tomllib
from pathlib import Path

import openpyxl
import pytest

import budgetopt as bo
from budgetopt.history import recognise

from ..report.parsed import Parsed
from .helpers import run

FIRST = dt.date(2025, 9, 1)
AS_OF = ("--as-of", "2025-10-27")


def days(count=56):
    return [FIRST + dt.timedelta(days=n) for n in range(count)]


def titled(header, rows, total):
    """Return an export with seven title rows and a total, as 百度 writes it."""
    titles = ["数据生成时间：2025-10-27 10:00:00", "数据生成条件", "时间范围", "时间单位：分日"]
    lines = [*(t + ",," for t in titles), "推广设备：全部,,", "投放网络：全部,,", "", header, *rows]
    return "\n".join([*lines, total]) + "\n"


@pytest.fixture
def raw(tmp_path, monkeypatch):
    """Write exports of 巨量引擎 and 百度 and a colleague's workbook; return what they spent."""
    monkeypatch.chdir(tmp_path)
    rng = random.Random(3)
    spent, lines = {"巨量引擎": 0, "百度": 0, "KOL": 0}, {"巨量引擎": [], "百度": []}
    for day in days():
        for name, campaigns in (("巨量引擎", ("计划1", "计划2")), ("百度", ("品牌", "通用"))):
            for campaign in campaigns:
                cents = rng.randrange(20_000, 90_000)
                spent[name] += cents
                cost = f'"{cents // 100000},{cents // 100 % 1000:03}.{cents % 100:02}"'
                cost = cost if cents >= 100_000 else f"{cents / 100:.2f}"
                lines[name].append((day, campaign, cost, rng.randrange(3, 40)))
    ocean = [f"{d},{c},{cost},100,{n}" for d, c, cost, n in lines["巨量引擎"]]
    baidu = [f"{d},acc,{c},1000,50,{cost},{n}" for d, c, cost, n in lines["百度"]]
    Path("ocean.csv").write_bytes(
        titled("时间-天,广告计划名称,消耗,点击数,转化数", ocean, "合计: 2个计划,-,9,9,9").encode(
            "gbk"
        )
    )
    Path("baidu.csv").write_bytes(
        titled("日期,账户,推广计划,展现,点击,消费,网页转化", baidu, "总计,,,9,9,9,9").encode("gbk")
    )
    book = openpyxl.Workbook()
    book.active.append(["达人投放", None, None, None])
    book.active.merge_cells("A1:D1")
    book.active.append(["week", "channel", "spend", "conversions"])
    for number in range(8):
        spent["KOL"] += 300_000 + 10_000 * number
        book.active.append([FIRST + dt.timedelta(weeks=number), "KOL", 3000 + 100 * number, 60])
    book.create_sheet("notes").append(["nothing"])
    book.save("kol.xlsx")
    return spent


FILES = ("ocean.csv", "baidu.csv", "kol.xlsx")
GIVEN = [word for name in FILES for word in ("--history", name)]


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_from_three_raw_files_to_a_decision(capsys, raw, lang):
    code, out, err = run(capsys, "init", *FILES, "--out", "plan.toml", "--lang", lang, *AS_OF)
    assert (code, err) == (0, "")
    assert "budgetopt reallocate plan.toml --history ocean.csv" in out.replace("\n", " ") or (
        "reallocate plan.toml --history ocean.csv" in out
    )
    text = Path("plan.toml").read_text("utf-8")
    plan = bo.Plan.load("plan.toml")
    assert plan.currency == "CNY"
    assert set(plan.names) == set(raw)
    assert ("layout of 百度" in text) == (lang == "en")
    assert 'encoding = "gbk"' in text
    history = bo.History.read(FILES, plan.columns, channels=plan.names, as_of=dt.date(2025, 10, 27))
    cents = {n: round(100 * s) for n, s in zip(plan.names, history.spend.sum(axis=0), strict=True)}
    assert cents == raw
    assert run(capsys, "check", "plan.toml", *GIVEN, *AS_OF)[0] == 0
    code, out, err = run(capsys, "reallocate", "plan.toml", *GIVEN, *AS_OF)
    assert (code, err) == (0, "")
    assert "Week of 2025-10-27" in out


@pytest.mark.parametrize(
    ("platform", "currency", "said"),
    [
        ("时间-天,广告计划名称", "CNY", "巨量引擎 accounts"),
        ("日期,渠道", "XXX", "CNY, TWD, HKD, MOP"),
    ],
)
def test_yuan_is_cny_beside_a_mainland_platform_and_open_by_itself(
    capsys, tmp_path, monkeypatch, platform, currency, said
):
    monkeypatch.chdir(tmp_path)
    rows = [f"{day},计划1,{100 + day.day}.50,100,{day.day}" for day in days(28)]
    text = "\n".join([f"{platform},费用(元),点击,转化", *rows]) + "\n"
    Path("a.csv").write_text(text, "utf-8")
    assert run(capsys, "init", "a.csv", "--out", "plan.toml", *AS_OF)[0] == 0
    (line,) = [x for x in Path("plan.toml").read_text("utf-8").splitlines() if x[:8] == "currency"]
    assert line.startswith(f'currency = "{currency}"  #')
    assert said in line
    for command in ("check", "reallocate"):
        assert run(capsys, command, "plan.toml", "--history", "a.csv", *AS_OF)[0] == 0


def test_one_file_keeps_its_campaigns_and_an_ended_one_is_parked(capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    rows = ["Day,Campaign,Cost,Impr.,Conv. value,Currency code"]
    for number in range(20):
        week = FIRST - dt.timedelta(weeks=20 - number)
        rows += [f'{week},Brand,"1,{number:03}.50",9,3000,USD', f"{week},Generic,500,9,900,USD"]
        rows += [f"{week},Old,{70 if number < 9 else 0},9,{80 if number < 9 else 0},USD"]
    Path("google.csv").write_text("\n".join([*rows, "Total: Account,,1,1,1,USD"]))
    code, _, err = run(capsys, "init", "google.csv", "--out", "plan.toml")
    assert (code, err) == (0, "")
    text = Path("plan.toml").read_text()
    assert "# layout of Google Ads" in text
    assert "switched off; delete the line above to switch it on" in text
    plan = bo.Plan.load("plan.toml")
    assert plan.currency == "USD"
    assert [c.name for c in plan.channels if c.locked == 0] == ["Old"]
    code, _, err = run(capsys, "reallocate", "plan.toml", "--history", "google.csv")
    assert (code, err) == (0, "")
    history = bo.History.read("google.csv", plan.columns)
    assert bo.Plan.draft(history, currency="USD").names == plan.names
    assert bo.Plan.draft(history).budget == plan.budget
    suggested = [line[2:] for line in text.splitlines() if line.startswith("# floor = ")]
    assert len(suggested) == 2
    assert run(capsys, "init", "google.csv", "--out", "plan.toml")[0] == 2


def test_a_wide_table_with_decimal_commas(tmp_path):
    path = tmp_path / "a.csv"
    rows = [f"{FIRST + dt.timedelta(weeks=n)};1.000,5{n};2,25;9" for n in range(5)]
    path.write_text("DATE;tv_S;search_S;revenue\n" + "\n".join(rows))
    found = recognise(path)
    assert found.columns.layout == "wide"
    assert found.columns.decimal == ","
    assert found.week_start == "monday"
    assert bo.History.read(path, found.columns).spend[4].tolist() == [2.25, 1000.54]


def test_what_no_name_says_is_refused_with_the_name_that_would(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("Report of Ann\nday,who,cost\n2026-01-05,a,1\n")
    with pytest.raises(bo.BudgetoptError) as caught:
        recognise(path)
    there = "no column that is known as its outcome, only 'day', 'who', 'cost'"
    assert there in str(caught.value)
    assert "rename the one that is to 'outcome'" in caught.value.remedy
    assert "认作转化的列" in caught.value.explain("zh")
    path.write_text("Report\nwhen,who,cost,conversions\n2026-01-05,a,1,2\n")
    with pytest.raises(bo.BudgetoptError, match="date, only 'when'") as caught:
        recognise(path)
    # The name that is proposed is one that is known, in either language.
    for name in ("日期", "date"):
        assert repr(name) in caught.value.remedy + caught.value.explain("zh")
        path.write_text(f"{name},channel,cost,conversions\n2026-01-05,a,1,2\n")
        assert recognise(path).columns.week == name
    # A column a channel, which nothing says hold money.
    path.write_text("week,tv,search,revenue\n2026-01-05,1,2,3\n")
    with pytest.raises(bo.BudgetoptError, match="known as its channel") as caught:
        recognise(path)
    assert "end their names with '_spend'" in caught.value.remedy


def test_weekdays_only_and_a_last_week_far_above_the_others(capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    rows = [f"{d},a,{900 if d.month == 10 else 30},9" for d in days(42) if d.weekday() < 5]
    Path("a.csv").write_text("day,channel,spend,outcome\n" + "\n".join(rows))
    assert run(capsys, "init", "a.csv", "--out", "plan.toml", "--currency", "EUR")[0] == 0
    text = Path("plan.toml").read_text()
    assert 'absent = "zero"' in text
    assert "budget = 4500  # the last complete week; the median of 6 weeks is 150" in text
    assert run(capsys, "check", "plan.toml", "--history", "a.csv")[0] == 0
    assert run(capsys, "reallocate", "plan.toml", "--history", "a.csv")[2] == ""
    declared = text.replace('absent = "zero"', "")
    Path("plan.toml").write_text(declared)
    assert run(capsys, "check", "plan.toml", "--history", "a.csv")[0] in (0, 2)


def test_hostile_names_stay_text(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    names = ['a"]\nx', 'b" # \\', "=c"]
    rows = [f'{day},"{n.replace(chr(34), chr(34) * 2)}",1,2' for day in days(8) for n in names[1:]]
    Path("a[1].csv").write_text("day,channel,spend,outcome\n" + "\n".join(rows), "utf-8")
    code, _, err = run(capsys, "init", "a[1].csv", "--out", "plan.toml", "--currency", "EUR")
    assert (code, err) == (0, "")
    plan = tomllib.loads(Path("plan.toml").read_text("utf-8"))
    assert {c["name"] for c in plan["channels"]} == set(names[1:])


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_check_reports_what_was_decided_of_each_file(capsys, raw, lang):
    assert run(capsys, "init", *FILES, "--out", "plan.toml", *AS_OF)[0] == 0
    words = ("check", "plan.toml", *GIVEN, *AS_OF, "--lang", lang)
    code, out, err = run(capsys, *words, "--report")
    assert (code, err) == (0, "")
    assert ("encoding" if lang == "en" else "编码：按 gbk") in out
    assert ("layout of 巨量引擎" in out) == (lang == "en")
    assert "gbk" not in run(capsys, *words)[1]
    files = json.loads(run(capsys, *words, "--json")[1])["files"]
    assert [one["file"] for one in files] == list(FILES)
    spent = dict(zip(("巨量引擎", "百度", "KOL"), (one["spend"] for one in files), strict=True))
    assert {name: round(100 * spend) for name, spend in spent.items()} == raw
    for name in FILES:
        Path(name).unlink()
    assert "give --history" in run(capsys, "check", "plan.toml", "--report")[2]


@pytest.fixture
def drafted(capsys, raw):
    """Return where `raw` lies, with a plan drafted from all three of its files."""
    assert run(capsys, "init", *FILES, "--out", "plan.toml", *AS_OF)[0] == 0
    return Path.cwd()


LEDGER = ("--ledger", "l.db", "--who", "me")
READING = (
    "check",
    "reallocate",
    "learn",
    "backtest",
    "what-if",
    "year",
    "simulate",
    "week",
    "pace",
)


@pytest.mark.parametrize("command", [*READING, "pace", "frontier", "tests", "ramp", "export"])
def test_files_of_the_plan_that_are_forgotten_are_asked_for(capsys, drafted, command):
    more = {"week": LEDGER, "pace": LEDGER[:2], "export": ("--out", "x.csv")}
    more["what-if"] = ("--budget", "-20%")
    words = (command, "plan.toml", "--history", "ocean.csv", *more.get(command, ()), *AS_OF)
    code, _, err = run(capsys, *words)
    assert code == 2
    assert "the plan names 'baidu.csv', 'kol.xlsx'" in err
    assert "add --history baidu.csv --history kol.xlsx" in " ".join(err.split())
    assert not Path("l.db").exists()


@pytest.mark.parametrize("command", ["check", "reallocate", "what-if", "frontier", "export"])
def test_without_history_the_files_of_the_plan_are_read_beside_it(
    capsys, drafted, tmp_path, monkeypatch, command
):
    more = {"what-if": ("--budget", "-20%"), "export": ("--out", str(tmp_path / "x.csv"))}
    words = (*more.get(command, ()), *AS_OF)
    given = run(capsys, command, "plan.toml", *GIVEN, *words)
    assert given[0] == 0
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    assert run(capsys, command, "../plan.toml", *words) == given
    # None of them beside the plan is no history, some of them are too few.
    Path("plan.toml").write_bytes(Path("../plan.toml").read_bytes())
    if command == "reallocate":
        err = " ".join(run(capsys, command, "plan.toml", *words)[2].split())
        assert "the plan names ocean.csv, baidu.csv, kol.xlsx, and they are not in" in err
    Path("ocean.csv").write_bytes(Path("../ocean.csv").read_bytes())
    assert "add --history baidu.csv" in run(capsys, command, "plan.toml", *words)[2]


def test_an_answer_is_not_written_over_a_file_that_the_plan_names(capsys, drafted):
    words = ("reallocate", "plan.toml", "--out", "ocean.csv", *AS_OF)
    assert "ocean.csv" in run(capsys, *words)[2]
    assert Path("ocean.csv").read_bytes().startswith("数据".encode("gbk"))


def test_a_folder_stands_for_the_files_that_sources_name(drafted):
    plan = bo.Plan.load("plan.toml")
    options = {"channels": plan.names, "as_of": dt.date(2025, 10, 27)}
    whole = bo.History.read(FILES, plan.columns, **options)
    assert bo.History.read(".", plan.columns, **options) == whole
    with pytest.raises(bo.BudgetoptError, match=r"the plan names 'kol\.xlsx'"):
        bo.History.read(FILES[:2], plan.columns, **options)


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_no_number_of_a_memo_has_more_digits_than_its_currency(capsys, drafted, lang):
    words = ("plan.toml", *LEDGER, "--as-of", "2025-10-28")
    assert run(capsys, "week", *words)[0] in (0, 7)
    out = ("--out", "memo.html", "--lang", lang)
    assert run(capsys, "report", "plan.toml", *LEDGER[:2], *out) == (0, "", "")
    page = Parsed(Path("memo.html").read_text("utf-8"))
    cells = [cell for table in page.tables for row in table.rows for cell in row]
    # Daily amounts to the cent add up to floats such as 31697.250000000004.
    numbers = [c.replace(",", "") for c in cells if re.fullmatch(r"[-+]?[\d,]+\.\d+", c)]
    assert [n for n in numbers if re.search(r"\.\d{3,}", n) and abs(float(n)) >= 100] == []
    text = Path("memo.html").read_text("utf-8")
    assert "budgetopt approve plan.toml --ledger l.db --week 2025-11-03" in text
    assert ("环比" in text) == (lang == "zh")


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_a_sheet_without_a_channel_is_one_called_as_its_file(capsys, raw, lang):
    book = openpyxl.Workbook()
    book.active.append(["周", "花费", "转化"])
    for number in range(8):
        book.active.append([FIRST + dt.timedelta(weeks=number), 3000 + 100 * number, 60])
    book.save("达人KOL.xlsx")
    files = ("ocean.csv", "baidu.csv", "达人KOL.xlsx")
    assert run(capsys, "init", *files, "--out", "plan.toml", "--lang", lang, *AS_OF)[0] == 0
    text = Path("plan.toml").read_text("utf-8")
    said = {"en": "the file is one, called 达人KOL", "zh": "整个文件算一个渠道，取名“达人KOL”"}
    assert said[lang] in text
    plan = bo.Plan.load("plan.toml")
    assert set(plan.names) == {"巨量引擎", "百度", "达人KOL"}
    # All three count conversions, under three names; the budget is rounded, with a step.
    assert plan.outcome == "转化"
    assert plan.budget % 100 == 0
    assert plan.step == 10
    assert {"en": "# last 8 weeks: usually", "zh": "# 最近 8 周：平常"}[lang] in text
    for command in ("check", "reallocate"):
        assert run(capsys, command, "plan.toml", *AS_OF)[0] == 0
    past = bo.History.read(".", plan.columns, channels=plan.names, as_of=dt.date(2025, 10, 27))
    assert past.spend[:, past.index["达人KOL"]].tolist() == [3000 + 100 * n for n in range(8)]
    assert bo.plan.Plan.from_dict(plan.to_dict()).columns == plan.columns
    alone = ("init", "达人KOL.xlsx", "--out", "one.toml", *AS_OF)
    assert run(capsys, *alone)[0] == 0
    given = ("--history", "达人KOL.xlsx", *AS_OF)
    assert run(capsys, "check", "one.toml", *given)[0] == 0
    assert run(capsys, "reallocate", "one.toml", *given)[0] in (0, 5)


def test_a_sheet_with_several_rows_a_date_is_not_one_channel(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("day,who,cost,conversions\n2026-01-05,a,1,2\n2026-01-05,b,1,2\n")
    with pytest.raises(bo.BudgetoptError, match="known as its channel"):
        recognise(path)


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_how_files_were_read_stands_at_the_end_of_a_page(capsys, drafted, lang):
    out = ("--out", "page.html", "--lang", lang)
    assert run(capsys, "reallocate", "plan.toml", *AS_OF, *out)[0] == 0
    text = Path("page.html").read_text("utf-8")
    reading, caveats, moves = (
        text.rindex(f">{bo.i18n.in_language(bo.messages.say(code), lang)}<")
        for code in ("page-files", "page-caveats", "page-moves")
    )
    skipped = text.index({"en": "skipped above the header", "zh": "表头之前跳过"}[lang])
    assert caveats < moves < skipped
    assert reading < skipped


def test_a_workbook_under_the_name_of_a_text_is_told_to_be_one(tmp_path):
    path = tmp_path / "a.csv"
    openpyxl.Workbook().save(path)
    for read in (recognise, bo.History.read):
        with pytest.raises(bo.HistoryError, match=r"rename it to .xlsx"):
            read(path)


PASTED = "week,channel,note,spend,outcome\n" + "".join(
    f"2025-09-{day:02d},{name},{note},{spend},30\n"
    for day in (1, 8, 15, 22)
    for name, note, spend in (("a", "x", 100), ("b", "y", 50), ("a", "z", 0))
)
COPY = "2025-09-08,a,x,100,30\n"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (PASTED, "added up"),
        (PASTED.replace(COPY, 2 * COPY), "added up; 1 row equals another in every column"),
        (PASTED.replace(",z,0,30", ",z,0,0"), "added up"),
        # Nothing but the copy repeats a date and channel with an amount.
        (PASTED.replace(",z,0,30", ",z,0,0").replace(COPY, 2 * COPY), ""),
    ],
)
def test_a_row_pasted_twice_is_never_added_in_silence(tmp_path, text, said):
    path = tmp_path / "a.csv"
    path.write_text(text)
    if said:
        found = recognise(path)
        assert found.columns.repeats == "sum"
        assert said in found.reasons["repeats"]
        assert (";" in found.reasons["repeats"]) is (";" in said)
        return
    with pytest.raises(bo.HistoryError, match=r"a.csv, line 6 repeats a.csv, line 5"):
        recognise(path)


def test_what_was_decided_is_called_in_both_languages():
    from budgetopt.history import columns, imports
    from budgetopt.report.text import DECIDED

    others = ["encoding", "delimiter", "sheet", "file", "week", "channel", "spend", "outcome"]
    others += ["dates", "currency", "map"]
    assert {*imports._OF_NOTES.values(), *columns.CHOICES, *others} == set(DECIDED)
