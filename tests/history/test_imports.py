"""What was decided in reading a file is kept with the history, in the words that `init` writes."""

import json

import pandas as pd
import pytest

from budgetopt.history import Columns, History, recognise
from budgetopt.i18n import restored

TEXT = """Report,2026
日期;推广计划;消费;转化;展现
2026-02-02;品牌 A;100,50;3;9
2026-02-02;通用 B;50,25;2;9
2026-02-09;品牌 A;110;4;9
2026-02-09;奇怪;20;1;9
总计;;280,75;10;36
"""
RULES = [{"channel": "search", "prefix": "品牌"}, {"channel": "search", "prefix": "通用"}]


@pytest.fixture
def read(write):
    path = write(TEXT, encoding="gbk")
    columns = Columns(week="日期", channel="推广计划", spend="消费", outcome="转化", encoding="gbk",
                      decimal=",", map=RULES, unmapped="leave-out", gaps="unknown")  # fmt: skip
    return History.read(path, columns, channels=["search"])


def test_every_decision_is_said(read):
    (one,) = read.imports
    said = dict(one.decisions)
    assert {what: text.code for what, text in one.decisions} == {
        "encoding": "import-encoding-declared",
        "delimiter": "import-delimiter",
        "file": "draft-platform",
        "week": "import-columns",
        "channel": "import-columns",
        "spend": "import-columns",
        "outcome": "import-columns",
        "rows": "draft-weekly",
        "dates": "import-dates",
        "currency": "import-no-currency",
        "map": "import-mapped",
        "header": "header-skipped-line",
        "totals": "totals-dropped",
        "unmapped": "unmapped-left-out",
        "decimal": "import-declared",
        "gaps": "import-declared",
    }
    assert said["map"] == "campaigns: 2, mapped to channels: 1"
    assert said["unmapped"] == "spend not mapped to any channel left out: 20, 7.1% ('奇怪' 20)"
    assert said["totals"] == "total rows left out: line 7"
    assert (one.rows, one.spend, one.left_out) == (3, 260.75, 20)


def test_they_are_plain_data_and_stay_with_the_history(read):
    (one,) = json.loads(json.dumps([each.to_dict() for each in read.imports]))
    for decision in one["decisions"]:
        assert restored(decision["text"], one["words"]).code
    assert read.complete().imports == read.imports


@pytest.mark.parametrize(
    ("encoding", "said"),
    [
        ("utf-8", "read as utf-8"),
        ("utf-8-sig", "read as utf-8-sig, by its byte-order mark"),
        ("utf-16", "read as utf-16, by its byte-order mark"),
    ],
)
def test_a_byte_order_mark_decides(write, encoding, said):
    path = write("week\tchannel\tspend\toutcome\n2026-02-02\ta\t$1\t2\n", "a.tsv", encoding)
    decided = dict(History.read(path).imports[0].decisions)
    assert decided["encoding"] == said
    assert decided["delimiter"] == "cells are separated by '\\t'"
    assert decided["currency"] == "$"
    assert decided["totals"] == "no total rows"
    assert decided["unmapped"] == "all spend is of channels of the plan: 1"


def test_a_frame_and_several_files_have_theirs(write):
    frame = pd.DataFrame({"week": ["2026-02-02"], "a": [1.0], "b": [2.0], "outcome": [3.0]})
    wide = Columns(layout="wide", spend={"a": "a", "b": "b"})
    (one,) = History.from_frame(frame, wide).imports
    assert (one.file, one.rows, one.spend) == ("", 1, 3)
    assert "unmapped" not in dict(one.decisions)
    text = "week,channel,spend,outcome\n2026-02-{},a,1,2\n"
    files = [write(text.format("02"), "a.csv"), write(text.format("09"), "b.csv")]
    assert [each.file for each in History.read(files).imports] == ["a.csv", "b.csv"]


def test_init_says_the_same_of_the_same_file(write):
    path = write(TEXT, encoding="gbk")
    found = recognise(path)
    said = dict(History.read(path, found.columns).imports[0].decisions)
    same = [what for what, text in found.reasons.items() if said.get(what) == text]
    assert {"file", "rows"} <= set(same)
