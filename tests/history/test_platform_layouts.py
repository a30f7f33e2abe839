"""Each platform's export with its quirks, in each encoding: recognised, and read to the cent."""

import datetime as dt
import random
from dataclasses import replace

import numpy as np
import pytest

from budgetopt.errors import HistoryError
from budgetopt.history import History, recognise

DAYS = [dt.date(2025, 9, 1) + dt.timedelta(days=n) for n in range(21)]
NAMES = ("Brand 品牌", "Generic", "再营销, alt")


def grouped(cents):
    return f"{cents / 100:,.2f}"


def comma(cents):
    return grouped(cents).translate(str.maketrans(",.", ".,"))


def plain(cents):
    return f"{cents / 100:.2f}"


def blank(cents):
    return grouped(cents) if cents else "--"


BAIDU_TITLES = ["数据生成时间：2025-09-22 10:00", "数据生成条件", "时间范围：2025-09-01至09-21",
                "时间单位：分日", "推广设备：全部", "投放网络：全部", ""]  # fmt: skip
LAYOUTS = {
    "Google Ads": {
        "titles": ["Campaign report", '"September 1, 2025 - September 21, 2025"'],
        "header": ["Campaign status", "Campaign", "Day", "Currency code", "Cost", "Impr.",
                   "Conv. value"],
        "row": lambda day, name, cents, n: ["Enabled", name, day, "USD", cents, n, n],
        "last": [["Total: Campaigns", " --", " --", "USD", "{all}", "9", "9"],
                 ["Total: Account", " --", " --", "USD", "{all}", "9", "9"]],
        "amount": grouped,
        "currency": "USD",
    },
    "Meta": {
        "header": ["Reporting starts", "Reporting ends", "Campaign name", "Amount spent (EUR)",
                   "Purchases conversion value"],
        "row": lambda day, name, cents, n: [day, day, name, cents, n],
        "first": [["2025-09-01", "2025-09-21", "", "{all}", "9"]],
        "amount": plain,
        "currency": "EUR",
    },
    "TikTok": {
        "header": ["Campaign name", "Date", "Cost", "CPC (destination)", "Complete payment"],
        "row": lambda day, name, cents, n: [name, day, cents, "0.5", n],
        "last": [["Total of 63 results", "-", "{all}", "-", "9"]],
        "amount": blank,
    },
    "巨量引擎": {
        "header": ["时间-天", "广告计划名称", "消耗(元)", "展示数", "点击数", "转化数"],
        "row": lambda day, name, cents, n: [day, name, cents, 9000, 900, n],
        "first": [["合计: 3个计划", "-", "{all}", "9", "9", "9"]],
        "amount": grouped,
        "currency": "元",
    },
    "百度": {
        "titles": BAIDU_TITLES,
        "header": ["日期", "账户", "推广计划", "展现", "点击", "消费", "点击率", "网页转化"],
        "row": lambda day, name, cents, n: [day, "acc", name, 9000, 900, cents, "10.00%", n],
        "last": [["总计", "--", "--", "9", "9", "{all}", "10.00%", "9"]],
        "amount": grouped,
    },
    "腾讯广告": {
        "header": ["日期", "计划名称", "花费(元)", "曝光量", "点击量", "目标转化量"],
        "row": lambda day, name, cents, n: [f"{day:%Y/%m/%d}", name, cents, 9000, 900, n],
        "first": [["汇总", "", "{all}", "9", "9", "9"]],
        "amount": plain,
        "currency": "元",
    },
    "GA4": {
        "titles": ["# ----------------------------------------", "# Traffic acquisition",
                   "# 20250901-20250921", "# ----------------------------------------", ""],
        "header": ["Date", "Session default channel group", "Ads cost", "Key events"],
        "row": lambda day, name, cents, n: [f"{day:%Y%m%d}", name, cents, n],
        "first": [["", "", "{all}", "9", "Grand total"]],
        "amount": plain,
    },
    "CM360": {
        "titles": ["Date/Time Generated,9/22/25 11:13 AM", "Report Time Zone,Asia/Shanghai",
                   "Date Range,9/1/25 - 9/21/25", "", "Report Fields"],
        "header": ["Campaign", "Date", "Media Cost", "Total Revenue"],
        "row": lambda day, name, cents, n: [name, day, cents, n],
        "last": [["Grand Total:", "---", "{all}", "9"]],
        "amount": plain,
    },
    "": {
        "header": ["date", "channel", "spend", "outcome"],
        "row": lambda day, name, cents, n: [f"{day:%d/%m/%Y}", name, cents, n],
        "last": [["Gesamt", "", "{all}", "9"]],
        "amount": comma,
        "mark": ";",
    },
}  # fmt: skip


def quoted(cell, mark):
    cell = str(cell)
    return f'"{cell}"' if mark in cell or '"' in cell else cell


def sample(layout, mark, days=DAYS):
    """Return an export as text, and what every campaign spent by day, in cents."""
    rng, spent, rows = random.Random(7), {name: [] for name in NAMES}, []
    for day in days:
        for name in NAMES:
            cents = 0 if rng.random() < 0.05 else rng.randrange(100, 5_000_000)
            spent[name].append(cents)
            rows.append(layout["row"](day, name, layout["amount"](cents), rng.randrange(1, 90)))
    every = layout["amount"](sum(map(sum, spent.values())))
    totals = {
        where: [[cell.format(all=every) for cell in row] for row in layout.get(where, ())]
        for where in ("first", "last")
    }
    rows = [layout["header"], *totals["first"], *rows, *totals["last"]]
    lines = [mark.join(quoted(cell, mark) for cell in row) for row in rows]
    return "\n".join([*layout.get("titles", ()), *lines]) + "\n", spent


@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "gbk", "gb18030"]
)
@pytest.mark.parametrize("platform", LAYOUTS)
def test_an_export_is_recognised_and_read_to_the_cent(write, platform, encoding):
    layout = LAYOUTS[platform]
    # As platforms do it: what is for a spreadsheet is UTF-16 with tabs.
    mark = layout.get("mark", "\t" if encoding.startswith("utf-16") else ",")
    text, spent = sample(layout, mark)
    path = write(text, encoding=encoding)
    if "".join(layout["header"]).isascii() and encoding in ("gbk", "gb18030"):
        # The header says nothing of the encoding, and names would be read in one way or another.
        with pytest.raises(HistoryError, match="several encodings"):
            recognise(path)
        found = recognise(write(text, "saved.csv"))
        found = replace(found, columns=replace(found.columns, encoding=encoding))
    else:
        found = recognise(path)
    assert (found.platform, found.columns.rows) == (platform, "daily")
    history = History.read(path, found.columns)
    assert history.channels == tuple(sorted(NAMES))
    for at, name in enumerate(history.channels):
        daily = np.rint(100 * history.daily[:, :, at].ravel()).astype(int).tolist()
        assert daily == spent[name]
        weekly = [sum(spent[name][7 * week : 7 * week + 7]) for week in range(3)]
        assert np.rint(100 * history.spend[:, at]).astype(int).tolist() == weekly
    assert history.currency_sign == layout.get("currency", "")
    notes = {note.code for note in history.notes}
    assert "totals-dropped" in notes
    assert ("header-skipped-lines" in notes) == ("titles" in layout)
