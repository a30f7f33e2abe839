"""Make history.csv: 52 weeks of twelve channels, drawn with a fixed seed from known curves.

Run it in this folder: ``python make_history.py`` writes the very file that lies here.
"""

import datetime as dt
import math
import random
from pathlib import Path

SEED = 618
WEEKS = 52
FIRST = dt.date(2024, 11, 18)
ORDER_VALUE = 120  # CNY an order brings
CONTRACT = "企业微信 WeCom"  # paid by the year, so its spend never moves

# Channel: usual weekly spend, orders a week that no spend can exceed, spend at 63 % of them.
CHANNELS = {
    "百度 Baidu": (2900, 62, 2400),
    "360": (900, 14, 1100),
    "Google": (700, 15, 900),
    "抖音 Douyin": (3900, 190, 5200),
    "快手 Kuaishou": (1700, 60, 2300),
    "小红书 Xiaohongshu": (1500, 75, 2600),
    "微信朋友圈 WeChat Moments": (1700, 38, 1500),
    "企业微信 WeCom": (500, 42, 800),
    "淘宝 Taobao": (1800, 82, 2500),
    "京东 JD": (1300, 45, 1900),
    "拼多多 Pinduoduo": (900, 30, 1200),
    "达人 KOL/KOC": (950, 90, 3000),
}


def demand(week: dt.date) -> float:
    """Return the season: the shopping festivals 618 and 双11 lift every channel."""
    day = week.timetuple().tm_yday
    return (
        1.0
        + 0.35 * math.exp(-(((day - 169) / 9) ** 2))
        + 0.45 * math.exp(-(((day - 313) / 8) ** 2))
    )


def rows(random_: random.Random) -> list[str]:
    """Return one line a week and channel: what was spent and the revenue that came back."""
    lines = ["week,channel,spend,revenue"]
    tilt = dict.fromkeys(CHANNELS, 0.0)
    for number in range(WEEKS):
        week = FIRST + dt.timedelta(weeks=number)
        for channel, (usual, most, scale) in CHANNELS.items():
            # Spends wander slowly around the usual plan, as planners make them.
            tilt[channel] = 0.8 * tilt[channel] + random_.gauss(0, 0.18)
            wander = 1.0 if channel == CONTRACT else math.exp(tilt[channel])
            spend = round(usual * wander / 10) * 10
            mean = most * -math.expm1(-spend / scale) * demand(week)
            mean *= random_.lognormvariate(0, 0.15)
            orders = max(0, round(random_.gauss(mean, math.sqrt(mean))))
            lines.append(f"{week},{channel},{spend},{orders * ORDER_VALUE}")
    return lines


def main() -> None:
    """Write history.csv beside this script."""
    text = "\n".join(rows(random.Random(SEED))) + "\n"
    Path(__file__).with_name("history.csv").write_text(text, encoding="utf-8", newline="\n")


if __name__ == "__main__":
    main()
