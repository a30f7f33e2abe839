"""Make history.csv: daily rows of six channels up to a day, drawn with a fixed seed.

``python make_history.py`` writes the very file that lies here, which ends on a Thursday;
``python make_history.py 2025-11-06`` writes what is known a week later: the same days and seven
more, as an export of the next Friday has them.
"""

import datetime as dt
import math
import random
import sys
from pathlib import Path

SEED = 1111
FIRST = dt.date(2025, 3, 3)
LAST = dt.date(2025, 10, 30)
ORDER_VALUE = 120  # CNY an order brings
APPLIED = dt.date(2025, 11, 3)  # the week that README.md decides, with what it applies

# Channel: usual weekly spend, orders a week that no spend can exceed, spend at 63 % of them, and
# the spend of the week applied.
CHANNELS = {
    "百度 Baidu": (4200, 90, 3600, 2720),
    "抖音 Douyin": (5600, 260, 7400, 11310),
    "小红书 Xiaohongshu": (2400, 120, 4100, 2460),
    "微信朋友圈 WeChat Moments": (2600, 60, 2400, 1870),
    "淘宝 Taobao": (3000, 130, 4000, 7110),
    "达人 KOL/KOC": (1400, 120, 4000, 1130),
}


def demand(day: dt.date) -> float:
    """Return the season: the shopping festivals 618 and 双11 lift every channel."""
    at = day.timetuple().tm_yday
    return (
        1.0 + 0.35 * math.exp(-(((at - 169) / 9) ** 2)) + 0.45 * math.exp(-(((at - 315) / 8) ** 2))
    )


def rows(last: dt.date) -> list[str]:
    """Return one line a day and channel: what was spent and the revenue that came back."""
    random_ = random.Random(SEED)
    lines = ["day,channel,spend,revenue"]
    tilt = dict.fromkeys(CHANNELS, 0.0)
    for number in range((last - FIRST).days + 1):
        day = FIRST + dt.timedelta(days=number)
        for channel, (usual, most, scale, applied) in CHANNELS.items():
            if number % 7 == 0:
                # Planners change the week's spend on Mondays, slowly around the usual one.
                tilt[channel] = 0.8 * tilt[channel] + random_.gauss(0, 0.2)
            weekly = applied if day >= APPLIED else usual * math.exp(tilt[channel])
            spend = round(weekly / 7 * random_.uniform(0.9, 1.1) / 10) * 10
            mean = most / 7 * -math.expm1(-7 * spend / scale) * demand(day)
            orders = max(0, round(random_.gauss(mean, math.sqrt(mean))))
            lines.append(f"{day},{channel},{spend},{orders * ORDER_VALUE}")
    return lines


def main(last: dt.date = LAST) -> None:
    """Write history.csv beside this script."""
    text = "\n".join(rows(last)) + "\n"
    Path(__file__).with_name("history.csv").write_text(text, encoding="utf-8", newline="\n")


if __name__ == "__main__":
    main(*map(dt.date.fromisoformat, sys.argv[1:]))
