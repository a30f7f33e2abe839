"""Chinese for what reading a history and learning from it noticed."""

from __future__ import annotations

ZH_HISTORY: dict[str, str] = {
    # Reading a file.
    "line {place}": "第 {place} 行",
    "row {place}": "第 {place} 行",
    "position {place}": "位置 {place}",
    "skipped above the header: 1 line": "表头之前跳过 1 行",
    "skipped above the header: {lines} lines": "表头之前跳过 {lines} 行",
    "skipped above the header: 1 row": "表头之前跳过 1 行",
    "skipped above the header: {rows} rows": "表头之前跳过 {rows} 行",
    "totals row left out: {places}": "未采用的合计行：{places}",
    "rows from {day} on left out: {rows}": "{day} 及以后的数据行未采用：{rows} 行",
    "ignored: {rows} rows of {channel}": "已忽略{channel}的 {rows} 行",
    "nothing to ignore: {channel} is not in the file": "无需忽略：文件中没有{channel}",
    "channels that differ only in case or spaces: {channels}": (
        "仅大小写或空格不同的渠道名：{channels}"
    ),
    "currency sign {sign} of column {column} left out": "已去除{column}列的货币符号{sign}",
    "missing cells of {column} read as zero: {cells}": ("{column}列的空单元格按零处理：{cells} 个"),
    "missing cells of {column} read as unknown: {cells}": (
        "{column}列的空单元格按未知处理：{cells} 个"
    ),
    "absent rows read as zero: {rows}": "缺少的行按零处理：{rows} 行",
    "absent rows read as unknown: {rows}": "缺少的行按未知处理：{rows} 行",
    "rows added to another of the same date and channel: {rows}": (
        "并入同一日期、同一渠道的行：{rows} 行"
    ),
    "weeks without rows, read as unknown: {weeks}": "没有数据行、按未知处理的周：{weeks}",
    "weeks with fewer than 7 days: {weeks}": "不足 7 天的周：{weeks}",
    "weeks that are not over on {day}: {weeks}": "截至 {day} 尚未结束的周：{weeks}",
    "weeks that end after {day}, the last day of data: {weeks}": (
        "在数据截止日 {day} 之后才结束的周：{weeks}"
    ),
    "channel without history: {channel}": "没有历史数据的渠道：{channel}",
    # Learning.
    "1 week": "1 周",
    "{count} weeks": "{count} 周",
    "{weeks} left out: not over yet": "{weeks}尚未结束，未采用",
    "{weeks} left out: a spend or the total not reported": (
        "{weeks}缺少某项花费或合计成效，未采用"
    ),
    "{weeks} of {channel}: {found}, {treatment}": "{channel}有 {weeks}{found}，{treatment}",
    "spend or outcome not reported": "未报告花费或成效",
    "outcome without spend": "没有花费却有成效",
    "young": "的数据尚未成熟",
    "too young": "的数据过新",
    "left out": "未采用",
    "left out: no spend can have brought it": "未采用：这些成效不可能由花费带来",
    "left out: too little of it is reported yet": "未采用：已报告的部分太少",
    "learned as a week that brought nothing": "按毫无成效的一周学习",
    "completed by the delay, with what that leaves unknown": (
        "已按转化延迟补全，并计入由此产生的不确定性"
    ),
    "no data for {channels}: the prior is all there is": "{channels}没有数据，只能依据先验",
    "one total outcome for {channels} channels says how it moved with their spend, "
    "not which of them moved it: {share} of what is believed of a channel is data, the "
    "rest is the prior that a unit of money is worth the same everywhere, and whatever "
    "moves spend and outcome alike is read as effect": (
        "{channels} 个渠道只有一个合计成效，只能看出它如何随各渠道的花费变动，"
        "看不出由哪个渠道带来：对各渠道的判断有 {share} 来自数据，"
        "其余来自“每一元花费在各渠道价值相同”的先验；"
        "凡使花费与成效同向变动的因素，都会被当作投放效果"
    ),
    "given beforehand, but not used with one total: {parts}": (
        "已事先给出、但只有合计成效时未采用的内容：{parts}"
    ),
    "priors": "先验",
    "carryovers": "延续效应",
    "delay": "转化延迟",
    "demand": "需求指数",
    "events": "活动日",
    "spends that moved together cannot be told apart: {pairs}": (
        "花费同步变动、效果无法区分的渠道：{pairs}"
    ),
    "{one} with {other}": "{one}与{other}",
}
