"""What ad platforms ask of daily budgets, and the columns of the sheets that they read in bulk.

`Platform` holds the rules of one, `PLATFORMS` those that are known, each with its source. Rules
change, and differ by product within a platform: whoever knows better gives other ones. Header names
are those of a platform's own export. Google publishes them, and Meta's stand in public copies of
its template; of the others none are public, and TikTok takes only the account's own export, with
all its columns and ids. Their sheets say so, and `dataclasses.replace` changes them.

A minimum or a least change is declared in the currencies that its source names; in others it is
not known, nothing is converted, and the sheet says so.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from types import MappingProxyType
from typing import Any

from budgetopt.errors import InputError, did_you_mean

ByCurrency = tuple[tuple[str, Decimal], ...]
"""An amount in each of some currencies."""


@dataclass(frozen=True)
class Platform:
    """An ad platform's rules for daily budgets, and its bulk sheet.

    Parameters
    ----------
    name
        Its name in commands.
    campaign, budget, status
        Header of the columns with the name of a campaign, its daily budget and its status.
    on, off
        What the status says of a campaign that runs, and of one that is paused.
    minimum
        Least daily budget of a campaign by currency; none where its source names none.
    change
        Least change of a daily budget by currency, likewise.
    step
        Step of a daily budget by currency; by default the minor unit.
    labels
        Values of a channel's label ``platform`` that mean it.
    source
        Where its rules are written.
    public
        Whether its bulk sheet is known to take these columns alone.
    """

    name: str
    campaign: str
    budget: str
    status: str
    on: str
    off: str
    minimum: ByCurrency = ()
    change: ByCurrency = ()
    step: ByCurrency = ()
    labels: tuple[str, ...] = ()
    source: str = field(default="", compare=False)
    public: bool = False

    @property
    def header(self) -> tuple[str, str, str]:
        """The header of its sheet."""
        return self.campaign, self.budget, self.status

    @classmethod
    def of(cls, given: Any) -> Platform:
        """Return a platform, or the known one of a name.

        Raises
        ------
        InputError
            ``unknown-name``.
        """
        if isinstance(given, cls):
            return given
        if isinstance(given, str) and given in PLATFORMS:
            return PLATFORMS[given]
        raise InputError("unknown-name", field="platform", value=given,
                         remedy=did_you_mean(str(given), PLATFORMS))  # fmt: skip


def _cny(amount: int) -> ByCurrency:
    return (("CNY", Decimal(amount)),)


def _usd(amount: int) -> ByCurrency:
    return (("USD", Decimal(amount)),)


PLATFORMS: Mapping[str, Platform] = MappingProxyType(
    {
        platform.name: platform
        for platform in (
            Platform(
                "google",
                *("Campaign", "Campaign daily budget", "Campaign status", "Enabled", "Paused"),
                labels=("google", "google ads", "youtube"),
                public=True,
                source="Google Ads Editor Help, CSV file columns: above zero, English headers",
            ),
            Platform(
                "meta",
                *("Campaign Name", "Campaign Daily Budget", "Campaign Status", "ACTIVE", "PAUSED"),
                minimum=_usd(1),
                labels=("meta", "facebook", "instagram"),
                public=True,
                source="Meta Business Help, About minimum budgets: 1 USD a day where impressions "
                "are charged, 5 for clicks, 40 for rare events",
            ),
            Platform(
                "tiktok",
                *("Campaign name", "Campaign budget", "Campaign status", "Enable", "Disable"),
                minimum=_usd(50),
                labels=("tiktok",),
                source="TikTok Business Help, Budget: 50 USD a day for a campaign, 20 for an ad "
                "group",
            ),
            Platform(
                "ocean-engine",
                *("项目名称", "预算", "状态", "启用", "暂停"),
                minimum=_cny(300),
                change=_cny(100),
                labels=("ocean-engine", "巨量引擎", "douyin", "抖音", "toutiao", "今日头条"),
                source="巨量引擎 Marketing API, campaign/update: 日预算不少于 300 元, 单次修改幅度"
                "不低于 100 元",
            ),
            Platform(
                "baidu",
                *("推广计划名称", "每日预算", "启用/暂停", "启用", "暂停"),
                minimum=_cny(50),
                labels=("baidu", "百度"),
                source="百度推广帮助, 每日预算: 不低于 50 元",
            ),
            Platform(
                "tencent",
                *("推广计划名称", "日预算", "状态", "启用", "暂停"),
                minimum=_cny(50),
                change=_cny(50),
                labels=("tencent", "腾讯广告", "腾讯", "wechat", "微信", "广点通"),
                source="腾讯广告 Marketing API, campaigns/update_daily_budget: 5,000 分起, 每次修改"
                "幅度不低于 5,000 分",
            ),
        )
    }
)
"""The platforms that are known, by name."""
