"""How platforms name their columns: recognised by name, so that a file can say what it holds.

`ROLES` lists names by role, `PLATFORMS` what marks the layout of each platform. `beside` finds the
columns that are evidence although nobody declares them; `recognise` proposes the columns of a whole
file, and refuses what two columns could be.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from budgetopt.history.columns import Columns

ROLES: dict[str, tuple[str, ...]] = {
    role: tuple(name.strip() for name in names.split("|"))
    for role, names in {
        "week": "day | date | week | week ending | week_ending"
        " | reporting starts | by day | dates | start date | date start"
        " | date_start | week_start | week of | datum | 时间-天 | 日期 | 时间 | 统计日期 | 数据日期"
        " | 周 | 周起始 | 周起始日 | 周开始日期 | 开始日期 | 起始日期 | 投放日期 | stat_datetime"
        " | week from | week start | week starting | week beginning | week commencing",
        "week_end": "reporting ends | end date | date end | date_stop | week_end | 结束日期",
        "channel": "channel | campaign | campaign name | 推广计划 | 广告计划 | 广告计划名称"
        " | 计划名称 | 项目名称 | campaign_name | 渠道 | 推广计划名称 | 广告名称 | session campaign"
        " | session default channel group | session source / medium | kampagne | 计划"
        " | ad set name | 单元名称 | 推广单元 | ad group | ad group name | platform | 平台 | 媒体",
        "spend": "cost | spend | amount spent | 消耗 | 消费 | 总花费 | 花费 | stat_cost | fee"
        " | media cost | total cost | ads cost | kosten | 现金消耗 | 总消耗 | 投放金额"
        " | session manual ad cost | media spend | 费用 | 投放费用 | 投放花费 | 消耗金额"
        " | 花费金额",
        "outcome": "conv. value | conversion value | total conv. value"
        " | purchases conversion value | website purchases conversion value"
        " | total purchase value | 成交金额 | gmv | revenue | total revenue | purchase revenue"
        " | 支付金额 | 销售额 | 成交额 | 收入 | outcome | 成果 | conversions | results | purchases"
        " | leads"
        " | complete payment | 转化数 | 转化 | 网页转化 | convert | key events"
        " | total conversions | 转化量 | 目标转化量 | 深度转化数 | 注册数 | 线索数 | 订单数"
        " | 订单量 | orders",
        "clicks": "clicks | link clicks | clicks (all) | 点击数 | 点击 | 点击量 | click",
        "currency": "currency | currency code | account currency | 币种 | 货币 | 币别",
    }.items()
}
"""Names by role, in lower case and without a currency in brackets; what says most comes first."""

CONVERSIONS = frozenset(ROLES["outcome"][ROLES["outcome"].index("conversions") :])
"""Names of outcomes that are counted, not money; plain names."""

PLATFORMS: dict[str, tuple[frozenset[str], ...]] = {
    "Google Ads": (frozenset({"cost", "conv. value"}), frozenset({"cost", "impr."})),
    "Meta": (frozenset({"amount spent", "reporting starts"}), frozenset({"amount spent"})),
    "TikTok": (frozenset({"cost", "complete payment"}), frozenset({"cost", "cpc (destination)"})),
    "巨量引擎": (frozenset({"消耗", "转化数"}), frozenset({"stat_cost"}), frozenset({"时间-天"})),
    "百度": (frozenset({"推广计划", "消费"}), frozenset({"消费", "展现"})),
    "腾讯广告": (frozenset({"花费", "曝光量"}), frozenset({"花费", "曝光次数"})),
    "GA4": (frozenset({"session default channel group"}), frozenset({"ads cost"})),
    "CM360": (frozenset({"media cost"}), frozenset({"placement", "cost"})),
}
"""Columns that mark a platform's layout, one set of which is enough; the first that fits counts."""

_BRACKETS = re.compile(r"\s*[(\[（【]([^)\]）】]*)[)\]）】]\s*$")
_IN_BRACKETS_KEPT = ("all", "destination")


def plain_name(header: str) -> str:
    """Return a column's name in lower case, without a currency or unit in brackets at its end.

    Examples
    --------
    >>> plain_name("Amount spent (USD)"), plain_name("消耗(元)"), plain_name("Clicks (all)")
    ('amount spent', '消耗', 'clicks (all)')
    """
    name = " ".join(header.strip().casefold().split())
    match = _BRACKETS.search(name)
    return name if match is None or match[1] in _IN_BRACKETS_KEPT else name[: match.start()]


def named(header: Sequence[str], role: str) -> list[str]:
    """Return the columns of a header that have a name of a role, what says most first."""
    plain = [(plain_name(column), column) for column in header if column]
    return [column for name in ROLES[role] for key, column in plain if key == name]


def roles_of(header: Iterable[str]) -> set[str]:
    """Return the roles that some column of a header has a name of."""
    return {role for column in header if (role := _ROLE_OF.get(plain_name(column)))}


_ROLE_OF = {name: role for role, names in ROLES.items() for name in names}


def first_named(header: Iterable[str], role: str) -> str | None:
    """Return the column whose name says most of a role, None where none has one."""
    return next(iter(named(tuple(header), role)), None)


def platform_of(header: Sequence[str]) -> str:
    """Return the platform whose layout a header has, empty where none is known."""
    names = {plain_name(column) for column in header}
    return next((p for p, marks in PLATFORMS.items() if any(m <= names for m in marks)), "")


_END_OF = {
    "reporting starts": "reporting ends",
    "date_start": "date_stop",
    "week_start": "week_end",
    "start date": "end date",
    "date start": "date end",
    "开始日期": "结束日期",
}


def end_column(header: Sequence[str], columns: Columns) -> str | None:
    """Return the column of the last day: declared, or the twin of the declared first day."""
    if columns.week_end is not None:
        return columns.week_end
    twin = _END_OF.get(plain_name(columns.week))
    found = [c for c in header if twin is not None and plain_name(c) == twin]
    return found[0] if len(found) == 1 and columns.week_is == "start" else None


def beside(header: Sequence[str], columns: Columns) -> tuple[str, ...]:
    """Return the columns of a header that are evidence beside the declared ones."""
    end = end_column(header, columns)
    wanted = [end, first_named(header, "currency"), first_named(header, "clicks")]
    wanted += [rule.column for rule in columns.map if rule.column in header]
    return tuple(
        name
        for name in dict.fromkeys(wanted)
        if name is not None and name not in columns.declared and list(header).count(name) == 1
    )
