"""Daily budgets of an approved week: exact, within a platform's rules, safe in a spreadsheet."""

import csv
import datetime as dt
import io
import json
from dataclasses import replace
from decimal import Decimal

import numpy as np
import openpyxl
import pandas as pd
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import budgetopt as bo
from budgetopt.exchange import PLATFORMS, Platform, UploadSheet
from budgetopt.exchange.upload import keeps

WEEK = dt.date(2026, 3, 30)
NAMES = ("search", "=feed", "kol")
LABELS = ({"platform": "google"}, {"platform": "Google Ads"}, {"platform": "抖音"})
CHANNELS = [bo.Channel(name, labels=labels) for name, labels in zip(NAMES, LABELS, strict=True)]
PLAN = bo.Plan(budget=3000, currency="CNY", channels=CHANNELS, step=1)
FREE = Platform("any", "c", "b", "s", "on", "off")
"""A platform without rules of its own."""


def past(last=(1000, 900, 700)):
    spend = np.tile(np.array(last, dtype=float), (12, 1))
    spend[:-1] += np.arange(11)[:, None] * 10
    weeks = np.datetime64(WEEK) - 7 * np.arange(12, 0, -1)
    return bo.History(NAMES, weeks, spend=spend, outcome=spend * 3)


def proposed(path, plan=PLAN, history=None):
    ledger = bo.Ledger.open(path / "l.db")
    bo.run_week(plan, history or past(), ledger, who="job", today=WEEK, week=WEEK)
    return ledger


class Applied:
    """A ledger with an applied week, whose spends tests put in without writing every one."""

    def __init__(self, ledger):
        bo.approve(ledger, PLAN, WEEK, who="ann")
        bo.apply(ledger, PLAN, WEEK, who="ann")
        self.plan, self.read = ledger.latest("plan"), ledger.entries(week=WEEK)

    def put(self, *spends):
        at = next(at for at, entry in enumerate(self.read) if entry.kind == "applied")
        entry = self.read[at]
        given = {name: f"{Decimal(money):.2f}" for name, money in zip(NAMES, spends, strict=True)}
        body = json.dumps(entry.data | {"spend": given})
        self.read = (*self.read[:at], replace(entry, body=body), *self.read[at + 1 :])

    def latest(self, kind):
        assert kind == "plan"
        return self.plan

    def entries(self, kinds, week):
        return tuple(entry for entry in self.read if entry.kind in kinds and entry.week == week)


@pytest.fixture(scope="module")
def ledger(tmp_path_factory):
    with proposed(tmp_path_factory.mktemp("upload")) as made:
        return Applied(made)


def applied(ledger, *spends, plan=PLAN):
    if isinstance(ledger, Applied):
        ledger.put(*spends)
    else:
        given = dict(zip(NAMES, spends, strict=True))
        bo.apply(ledger, plan, WEEK, who="ann", why="test", spends=given)


def sheet_of(ledger, platform=FREE, plan=PLAN, **options):
    asked = {"channels": NAMES, "today": WEEK} | options
    return bo.upload_sheet(plan, ledger, WEEK, platform, **asked)


def daily(sheet):
    return [[float(money) for money in line.daily] for line in sheet.lines]


def test_by_hand(ledger):
    applied(ledger, "700", "100.01", 0)
    sheet = sheet_of(ledger, today="2026-03-01")
    assert daily(sheet) == [[100] * 7, [14.28] * 6 + [14.33], [0] * 7]
    assert sheet.total == Decimal("800.01")
    assert [line.campaign for line in sheet.lines] == list(NAMES)
    assert (sheet.state, sheet.revision, sheet.days[0]) == ("applied", 1, WEEK)
    assert sheet.stretches == ((WEEK, dt.date(2026, 4, 4)), (dt.date(2026, 4, 5),) * 2)
    assert sheet.rows() == [
        ("search", Decimal("100.00"), ""), ("=feed", Decimal("14.28"), ""), ("kol", None, "off")
    ]  # fmt: skip
    assert sheet.rows("2026-04-05")[1] == ("=feed", Decimal("14.33"), "")


def test_what_is_spent_is_taken_off(ledger):
    applied(ledger, 700, 140, 70)
    spent = {"search": "200.02", "=feed": 200, "kol": 0}
    sheet = sheet_of(ledger, today="2026-04-02", spent=spent)
    # Four days are left: 499.98, nothing, since more was spent, and 70.
    assert daily(sheet) == [[124.99] * 3 + [125.01], [0] * 4, [17.5] * 4]
    assert sheet.notes[0] == ("more spent than approved, paused for the rest of the week: =feed 60")
    assert sheet.rows()[1] == ("=feed", None, "off")


def test_a_history_says_what_was_spent(ledger):
    applied(ledger, 700, 140, 70)
    days = ["2026-03-30", "2026-03-31"]
    rows = [
        (day, name, money, 1)
        for day in days
        for name, money in zip(NAMES, (50, 20, 5.5), strict=True)
    ]
    frame = pd.DataFrame(rows, columns=["week", "channel", "spend", "outcome"])
    columns = bo.Columns(rows="daily")
    for more, today in ((), "2026-04-01"), (rows, "2026-04-01"):
        read = bo.History.from_frame(frame, columns, channels=NAMES, as_of=today)
        sheet = sheet_of(ledger, today=today, spent=read)
        assert daily(sheet) == [[120] * 5, [20] * 5, [11.8] * 4 + [11.8]]
        assert more in ((), rows)
    with pytest.raises(bo.InputError, match="no spend of 'search' on 2026-04-01") as raised:
        sheet_of(ledger, today="2026-04-02", spent=read)
    assert raised.value.code == "no-data"


def test_phases_lie_on_the_days_as_the_plan_budgets_them(tmp_path):
    phase = {"name": "burst", "first": "2026-04-03", "last": "2026-04-05", "budget": 3000}
    plan = replace(PLAN, operation=bo.Operation(phases=[phase]))
    with proposed(tmp_path, plan) as ledger:
        bo.approve(ledger, plan, WEEK, who="ann")
        applied(ledger, 470, 0, 0, plan=plan)
        # A usual day has 3,000/7, a day of the burst 1,000: 3 to 7.
        (line, *_) = sheet_of(ledger, plan=plan).lines
        assert [float(money) for money in line.daily] == [42.72] * 4 + [99.69, 99.69, 99.74]
        # 42.72 is below the minimum: the days share alike.
        sheet = sheet_of(ledger, plan=plan, minimum=60)
        assert daily(sheet)[0] == [67.14] * 6 + [67.16]
        assert sheet.notes[0] == (
            "spread evenly over the days, since the platform takes it no other way: 'search'"
        )


def test_a_least_change_puts_the_last_day_apart(ledger):
    applied(ledger, 2100.01, 700, 0)
    sheet = sheet_of(ledger, change=50)
    # (2,100.01 - 50) / 7 is 292.85; the last day has what is left, 50.06 more.
    assert daily(sheet) == [[292.85] * 6 + [342.91], [100] * 7, [0] * 7]
    with pytest.raises(bo.InputError, match="stay or change by at least 100") as raised:
        sheet_of(ledger, minimum=300, change=100, channels=["search"])
    assert (raised.value.code, raised.value.field) == ("broken-limit", "change")


def test_campaigns_share_the_money_of_their_channel(ledger):
    applied(ledger, 70, 21, "0.07")
    campaigns = {"search": {"a": 2, "b": "1"}, "=feed": ["c", "d"], "kol": "e"}
    sheet = sheet_of(ledger, campaigns=campaigns, channels=None)
    assert [(line.campaign, float(line.total)) for line in sheet.lines] == [
        ("a", 46.67), ("b", 23.33), ("c", 10.5), ("d", 10.5), ("e", 0.07)
    ]  # fmt: skip


def test_whole_steps_keep_the_total(ledger):
    applied(ledger, "100.50", "200.25", "99.25")
    sheet = sheet_of(ledger, step=1)
    assert [line.total for line in sheet.lines] == [101, 200, 99]
    assert sheet.notes[0] == (
        "rounded to whole steps of 1 with the same total: search 101, =feed 200, kol 99"
    )
    with pytest.raises(bo.InputError, match="400 is left, no multiple of the step 30") as raised:
        sheet_of(ledger, step=30)
    assert (raised.value.code, raised.value.field) == ("broken-limit", "step")


def test_platform_rules_hold_in_the_currency_of_their_source(ledger):
    applied(ledger, 2100, 0, 0)
    assert daily(sheet_of(ledger, "ocean-engine"))[0] == [300] * 7
    applied(ledger, 2093, 0, 0)
    with pytest.raises(bo.InputError, match="below the platform's minimum of 300 a day") as raised:
        sheet_of(ledger, "ocean-engine")
    assert (raised.value.code, raised.value.field) == ("broken-limit", "minimum")
    assert "at least 2,100 for it, or nothing" in raised.value.remedy
    assert daily(sheet_of(ledger, "ocean-engine", minimum=0))[0] == [299] * 7
    sheet = sheet_of(ledger, "tiktok")
    assert sheet.notes[0] == ("least daily budget not checked: it is not known in CNY, only 50 USD")
    assert "copy 'Campaign name', 'Campaign budget', 'Campaign status'" in sheet.notes[-1]
    assert not [n for n in sheet_of(ledger, "meta").notes if n.code == "upload-columns"]
    for platform in PLATFORMS.values():
        assert platform.source
        assert len(set(platform.header)) == 3


def test_channels_are_those_that_the_plan_labels(ledger):
    applied(ledger, 700, 700, 7000)
    assert [line.channel for line in sheet_of(ledger, "google", channels=None).lines] == [
        "search", "=feed"
    ]  # fmt: skip
    assert [x.channel for x in sheet_of(ledger, "ocean-engine", channels=None).lines] == ["kol"]
    with pytest.raises(bo.InputError, match="labelled platform = 'baidu'") as raised:
        sheet_of(ledger, "baidu", channels=None)
    assert raised.value.code == "bad-argument"


def test_what_was_off_is_switched_on(tmp_path):
    with proposed(tmp_path, history=past((1000, 900, 0))) as ledger:
        bo.approve(ledger, PLAN, WEEK, who="ann")
        applied(ledger, 700, 700, 700)
        assert [row[2] for row in sheet_of(ledger).rows()] == ["", "", "on"]


@pytest.mark.parametrize(
    ("step", "state", "remedy"),
    [
        ("none", "has no proposal", "run budgetopt week first"),
        ("proposed", "is proposed", "approve it first: budgetopt approve"),
        ("edited", "is edited", "approve it first"),
        ("rejected", "is rejected", "then approve it"),
    ],
)
def test_only_an_approved_week_is_exported(tmp_path, step, state, remedy):
    with proposed(tmp_path) as ledger:
        if step == "rejected":
            bo.reject(ledger, PLAN, WEEK, who="ann", why="no")
        if step == "edited":
            bo.edit(ledger, PLAN, past(), WEEK, {"kol": 720}, who="ann", why="more")
        week = WEEK + dt.timedelta(weeks=step == "none")
        with pytest.raises(bo.InputError, match=state) as raised:
            bo.upload_sheet(PLAN, ledger, week, FREE, channels=NAMES, today=WEEK)
        assert raised.value.code == "wrong-state"
        assert remedy in raised.value.remedy
        if step == "proposed":
            bo.approve(ledger, PLAN, WEEK, who="ann")
            assert sheet_of(ledger).state == "approved"


def test_a_measured_week_is_over(tmp_path):
    with proposed(tmp_path) as ledger:
        bo.approve(ledger, PLAN, WEEK, who="ann")
        bo.apply(ledger, PLAN, WEEK, who="ann")
        before = past()
        one = np.array([[900.0, 900, 900]])
        after = bo.History(
            NAMES,
            np.append(before.weeks, np.datetime64(WEEK)),
            spend=np.vstack([before.spend, one]),
            outcome=np.vstack([before.outcome, 3 * one]),
        )
        bo.workflow.measure(ledger, PLAN, after, who="job")
        with pytest.raises(bo.InputError, match="is measured") as raised:
            sheet_of(ledger)
    assert (raised.value.code, raised.value.remedy) == (
        "wrong-state",
        "choose a week that is not over",
    )


@pytest.mark.parametrize(
    ("options", "code", "said"),
    [
        ({"platform": "gogle"}, "unknown-name", "did you mean 'google'"),
        ({"channels": ["tv"]}, "unknown-name", "channel 'tv' is not in the week"),
        ({"campaigns": {"tv": "a"}}, "unknown-name", "channel 'tv' is not in the week"),
        (
            {"channels": ["search"], "campaigns": {"kol": "a"}},
            "unknown-name",
            "channel 'kol' is not among the channels of the sheet",
        ),
        ({"campaigns": {"search": "a", "kol": "a"}}, "bad-name", "named twice"),
        ({"campaigns": {"search": ["a", "a"]}}, "bad-name", "named twice"),
        ({"campaigns": {"search": "a\x1b"}}, "bad-name", "not a name that can be shown"),
        ({"campaigns": {"search": " "}}, "bad-name", "not a name that can be shown"),
        ({"campaigns": {"search": {"a": 0}}}, "bad-argument", "no share"),
        ({"campaigns": {"search": {"a": -1}}}, "bad-money", "negative"),
        ({"today": "2026-04-01"}, "bad-argument", "has begun"),
        ({"today": "2026-04-06"}, "bad-argument", "is over"),
        ({"today": "2026-04-01", "spent": {"search": 1}}, "unknown-name", "nothing of '=feed'"),
        ({"spent": dict.fromkeys((*NAMES, "tv"), 1)}, "unknown-name", "'tv' is not on the sheet"),
        ({"spent": dict.fromkeys(NAMES, -1)}, "bad-money", "negative"),
        ({"step": 0}, "bad-argument", "step is 0"),
        ({"minimum": "0.001"}, "bad-money", "finer than the minor unit"),
        ({"change": "x"}, "bad-money", "not a plain number"),
    ],
)
def test_what_is_wrong_is_refused(ledger, options, code, said):
    applied(ledger, 700, 70, 7)
    with pytest.raises(bo.InputError, match=said) as raised:
        sheet_of(ledger, **options)
    assert raised.value.code == code


def test_another_plan_is_refused(ledger):
    with pytest.raises(bo.InputError, match="belongs to another plan"):
        sheet_of(ledger, plan=replace(PLAN, currency="EUR"))


HOSTILE = [
    "=1+1",
    "+SUM(A1)",
    "-brand",
    "@cmd",
    "＝1",
    "'=x",
    'a"b',
    "a,b",
    "小红书 👩‍👩‍👧",
    "https://a.b",
]


def test_no_cell_is_a_formula(ledger):
    applied(ledger, 700, 0, 0)
    sheet = sheet_of(ledger, "google", channels=None, campaigns={"search": HOSTILE})
    text = sheet.to_csv()
    assert text.startswith("\ufeffCampaign,Campaign daily budget,Campaign status\r\n")
    rows = list(csv.reader(io.StringIO(text.removeprefix("\ufeff"))))[1:]
    marked = [f"'{name}" if name[0] in "=+-@＝'" else name for name in HOSTILE]
    assert rows == [[name, "10.00", ""] for name in marked]
    assert "in CSV these names have an apostrophe in front" in sheet.notes[-1]
    book = openpyxl.load_workbook(io.BytesIO(sheet.to_xlsx()))
    assert book.sheetnames == ["2026-03-30 - 2026-04-05", "Days"]
    upload, days = book.worksheets
    # The names are whole, and text: what begins like a formula says so of itself.
    assert [(row[0].value, row[0].data_type, row[1].value) for row in upload.iter_rows(2)] == [
        (name, "s", 10) for name in HOSTILE
    ]
    quoted = [row[0].quotePrefix for row in upload.iter_rows(2)]
    assert quoted == [name != shown for name, shown in zip(HOSTILE, marked, strict=True)]
    assert days["J2"].value == "=SUM(C2:I2)"
    assert days["J12"].value == "=SUM(J2:J11)"
    stored = openpyxl.load_workbook(io.BytesIO(sheet.to_xlsx()), data_only=True)["Days"]
    assert (stored["C12"].value, stored["J12"].value) == (100, 700)


def test_a_workbook_has_a_sheet_for_every_upload(ledger):
    applied(ledger, "100.01", 0, 70)
    book = openpyxl.load_workbook(io.BytesIO(sheet_of(ledger, "baidu", minimum=0).to_xlsx("zh")))
    assert book.sheetnames == ["2026-03-30 - 2026-04-04", "2026-04-05", "每日预算"]
    values = [[cell.value for cell in row] for row in book.worksheets[1].iter_rows()]
    assert values == [
        ["推广计划名称", "每日预算", "启用/暂停"],
        ["search", 14.33, None],
        ["=feed", None, "暂停"],
        ["kol", 10, None],
    ]
    assert sheet_of(ledger).to_xlsx() == sheet_of(ledger).to_xlsx()


def test_json_for_a_service(ledger):
    applied(ledger, "100.01", 0, 70)
    said = json.loads(sheet_of(ledger, "tencent", minimum=0, change=0).to_json())
    assert said["schema_version"] == 1
    assert (said["platform"], said["week"], said["state"]) == ("tencent", "2026-03-30", "applied")
    assert said["budgets"][0] == {
        "channel": "search",
        "campaign": "search",
        "daily": [*["14.28"] * 6, "14.33"],
        "total": "100.01",
    }
    assert said["channels"][2] == {"channel": "kol", "approved": "70.00", "spent": "0.00"}
    assert said["total"] == "170.01"
    assert said["rules"]["step"] == "0.01"


def test_currencies_without_cents_have_none(tmp_path):
    plan = replace(PLAN, currency="JPY")
    with proposed(tmp_path, plan) as ledger:
        bo.approve(ledger, plan, WEEK, who="ann")
        applied(ledger, 1000, 0, 0, plan=plan)
        sheet = sheet_of(ledger, plan=plan)
    assert "search,142,\r\n" in sheet.to_csv()
    assert daily(sheet)[0] == [142] * 6 + [148]


MONEY = st.integers(0, 10**7).map(lambda cents: Decimal(cents) / 100)
WHOLE = st.integers(0, 5000).map(Decimal)


@settings(max_examples=60)
@given(
    spends=st.lists(st.one_of(MONEY, WHOLE), min_size=3, max_size=3),
    paid=st.lists(st.one_of(st.just(Decimal(0)), MONEY), min_size=3, max_size=3),
    parts=st.lists(st.integers(0, 5), min_size=1, max_size=4),
    day=st.integers(0, 6),
    step=st.sampled_from(["0.01", "0.05", "1", "10"]),
    minimum=st.sampled_from([0, 1, 50, 300]),
    change=st.sampled_from([0, 5, 100]),
)
def test_the_days_add_up_to_the_week_within_the_rules_or_are_refused(
    ledger, spends, paid, parts, day, step, minimum, change
):
    assume(sum(parts))
    applied(ledger, *spends)
    paid = paid if day else [0, 0, 0]
    left = sum(max(a - s, 0) for a, s in zip(spends, paid, strict=True))
    asked = {
        "campaigns": {"search": {f"c{n}": part for n, part in enumerate(parts)}},
        "today": WEEK + dt.timedelta(days=day),
        "spent": dict(zip(NAMES, paid, strict=True)),
        "step": step,
    }
    if left % Decimal(step):
        with pytest.raises(bo.InputError, match="no multiple of the step"):
            sheet_of(ledger, minimum=minimum, change=change, **asked)
        return
    try:
        sheet = sheet_of(ledger, minimum=minimum, change=change, **asked)
    except bo.InputError as error:
        refused = error.code, bool(minimum or change)
        # Without a minimum and a least change the same week has a sheet.
        sheet, minimum, change = sheet_of(ledger, minimum=0, change=0, **asked), 0, 0
    else:
        refused = "broken-limit", True
    assert refused == ("broken-limit", True)
    assert isinstance(sheet, UploadSheet)
    assert sum(money for line in sheet.lines for money in line.daily) == left == sheet.total
    for line in sheet.lines:
        assert len(line.daily) == 7 - day
        assert all(money == 0 or money >= minimum for money in line.daily)
        assert all(money % Decimal(step) == 0 for money in line.daily)
        pairs = zip(line.daily, line.daily[1:], strict=False)
        assert all(a == b or abs(a - b) >= change for a, b in pairs if a and b)
    for name, a, s in zip(NAMES, spends, paid, strict=True):
        whole = sum(line.total for line in sheet.lines if line.channel == name)
        assert abs(whole - max(a - s, 0)) < Decimal(step)


def test_what_keeps_rules():
    assert keeps([5, 5, 9], 5, 4)
    assert not keeps([5, 5, 8], 5, 4)
    assert not keeps([4, 4], 5, 0)
    assert keeps([0, 5, 0], 5, 9)
