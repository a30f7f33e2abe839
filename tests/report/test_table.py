"""Tables fit 80 columns, whatever the names and the numbers are."""

import csv
import io
import json
import math
from itertools import pairwise, product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

import budgetopt as bo
from budgetopt import report
from budgetopt.exchange import book_of, render
from budgetopt.i18n.messages import show_figure
from budgetopt.money import show_amount


def csv_of(result):
    return render(book_of(result), "csv")


def decision(names, currency="CNY", scale=100.0, weeks=6, **changes):
    rng = np.random.default_rng(1)
    spend = np.round(scale * rng.uniform(0.5, 1.5, (weeks, len(names))), 2)
    starts = np.datetime64("2025-01-06") + 7 * np.arange(weeks)
    past = bo.History(tuple(names), starts, spend, outcome=2 * spend)
    budget = round(1.05 * scale * len(names), 2)
    plan = bo.Plan(
        budget=budget, currency=currency, channels=[bo.Channel(n) for n in names], **changes
    )
    return bo.reallocate(plan, past)


NAMES = {
    "Chinese": ["百度 Baidu", "微信朋友圈 WeChat Moments", "抖音", "小红书" * 20],
    "long": ["x" * 300, "a " * 150, "b"],
    "many": [f"超长名称的渠道 number {n}" for n in range(40)],
    "odd": ["=SUM(A1)", "[red]x[/red]", "a/b", "a b", "a_b", "😀 smile", "é"],
    "one": ["only"],
}


@pytest.mark.parametrize("scale", [1e-1, 1e2, 1e6, 1e11], ids=str)
@pytest.mark.parametrize("kind", NAMES)
def test_no_line_is_wider_than_the_terminal(kind, scale):
    week = decision(NAMES[kind], scale=scale)
    for explain, language in product((False, True), ("en", "zh")):
        options = {"explain": explain, "language": language}
        for text in (
            report.decision_table(week, **options),
            report.allocation_table(week.allocation, **options),
        ):
            assert max(map(cell_len, text.splitlines())) <= report.WIDTH
            assert not any(line != line.rstrip() for line in text.splitlines())


@pytest.mark.parametrize("kind", NAMES)
def test_every_name_and_amount_is_there_in_full(kind):
    week = decision(NAMES[kind], scale=1e6)
    text = report.decision_table(week)
    squeezed = "".join(text.split())
    for move in week.moves:
        assert f"{move.after:,.2f}" in text or show_amount(move.after) in text
        if len(move.channel) < 12:
            assert "".join(move.channel.split()) in squeezed
    assert "…" not in text


@pytest.mark.parametrize(("language", "title"), [("en", "outcome"), ("zh", "转化")])
def test_columns_stand_under_their_headings(language, title):
    lines = report.decision_table(decision(NAMES["Chinese"]), language=language).splitlines()
    heading = lines[1]
    end = cell_len(heading[: heading.index(title) + len(title)])
    for line in (lines[2], lines[3], lines[4]):
        cells = 0
        for at, letter in enumerate(line):
            cells += cell_len(letter)
            if cells == end:
                assert letter.isdigit()
                assert line[at + 1 : at + 2] in ("", " ")
                break
        else:
            pytest.fail(line)


def test_chinese_lines_are_full_and_do_not_begin_with_what_closes_a_clause():
    text = report.decision_table(decision(NAMES["Chinese"]), explain=True, language="zh")
    sentences = text.split("\n\n")[1]
    for line, after in pairwise(sentences.splitlines()):
        assert after[0] not in "，。；：、）”％"
        # A sentence ends here, or the next piece has no room.
        assert line.endswith("。") or cell_len(line) > report.WIDTH - 12


def test_chinese_is_wrapped_without_losing_a_character():
    week = decision(NAMES["Chinese"])
    page = report.decision_table(week, explain=True, language="zh").split("\n\n")[1]
    assert "".join(page.split()) == "".join(week.explain("zh").split())


def test_numbers_get_a_line_of_their_own_where_names_have_no_room():
    lines = report.decision_table(decision(["百度搜索 Baidu", "b"], "KWD", 2e11)).splitlines()
    assert "百度搜索 Baidu" in lines
    assert "b" in lines


def test_a_new_channel_reads_new():
    past = bo.History(("a",), [np.datetime64("2025-01-06")], [[50.0]], outcome=[[90.0]])
    plan = bo.Plan(budget=100, currency="CNY", channels=[bo.Channel("a"), bo.Channel("b")])
    week = bo.reallocate(plan, past)
    text = report.decision_table(week)
    assert " new " in text
    rows = list(csv.DictReader(io.StringIO(csv_of(week))))
    assert rows[1]["last"] == ""
    assert rows[0]["last"] == "50.00"


def test_csv_and_json_hold_the_decision():
    week = decision([*NAMES["Chinese"], 'quote " comma , line'])
    rows = list(csv.DictReader(io.StringIO(csv_of(week))))
    assert [r["channel"] for r in rows] == [m.channel for m in week.moves]
    assert [r["spend"] for r in rows] == [str(m.after) for m in week.moves]
    assert [r["reason"] for r in rows] == [m.reason for m in week.moves]
    assert [float(r["outcome"]) for r in rows] == list(week.allocation.outcomes.values())
    assert {r["week"] for r in rows} == {str(week.week.start)}
    assert bo.Decision.from_dict(json.loads(week.to_json())) == week


def test_an_allocation_has_tables_too():
    channels = [bo.Channel(n, curve=bo.Log(3, 10)) for n in ("a", "b")]
    week = bo.allocate(bo.Plan(budget=100, currency="CNY", channels=channels))
    text = report.allocation_table(week)
    assert "100 of 100 CNY spent" in text
    rows = list(csv.DictReader(io.StringIO(csv_of(week))))
    assert [r["spend"] for r in rows] == ["50.00", "50.00"]


def test_files_are_whole_or_absent(tmp_path, monkeypatch):
    path = tmp_path / "a b.csv"
    report.write_whole(path, "old\n")
    report.write_whole(path, "新\n")
    assert path.read_bytes() == "新\n".encode()
    with pytest.raises(bo.InputError, match="cannot be written"):
        report.write_whole(path, "half \ud800")
    with pytest.raises(bo.InputError, match="not a plain file"):
        report.write_whole(tmp_path, "text")
    with pytest.raises(bo.InputError, match="No such file"):
        report.write_whole(tmp_path / "missing" / "x.csv", "text")

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("pathlib.Path.replace", full)
    with pytest.raises(bo.InputError, match="No space left") as error:
        report.write_whole(path, "newer\n")
    assert error.value.code == "bad-file"
    assert path.read_bytes() == "新\n".encode()
    assert [p.name for p in tmp_path.iterdir()] == ["a b.csv"]


def test_a_link_is_kept(tmp_path):
    real, link = tmp_path / "real.csv", tmp_path / "link.csv"
    real.write_text("old")
    link.symlink_to(real)
    report.write_whole(link, "new")
    assert link.is_symlink()
    assert real.read_text() == "new"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0"),
        (-0.0, "0"),
        (48757.12, "48,757.1"),
        (619341234567.0, "619,341,000,000"),
        (0.00012, "0.00012"),
        (0.00001, "1e-05"),
        (1e15, "1e+15"),
        (999999.9, "1,000,000"),
        (-12.5, "-12.5"),
        (math.inf, "inf"),
    ],
)
def test_figures_read_without_exponents(value, text):
    assert show_figure(value) == text


@given(st.floats(-1e14, 1e14).filter(lambda v: abs(v) > 1e-3))
def test_figures_are_right_to_their_digits(value):
    assert float(show_figure(value).replace(",", "")) == pytest.approx(value, rel=5.1e-6)
    assert show_figure(value, sign=True)[0] in "+-"
