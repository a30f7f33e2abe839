"""Chinese for an allocation, the limits of a plan, and the tables of both."""

from __future__ import annotations

ZH_OPTIMIZE: dict[str, str] = {
    # The allocation as a whole.
    "{total} of {budget} {currency} is spent for an expected outcome of {outcome}, "
    "{how_good} ({method}).": (
        "预算 {budget} {currency}，安排 {total}，预期成效 {outcome}，{how_good}（{method}）。"
    ),
    "which no split within the limits exceeds": "在各项限制之内已是最优",
    "and no split within the limits brings more than {share} % more": (
        "在各项限制之内最多还可提高 {share} %"
    ),
    "Outcome: {range}.": "成效：{range}。",
    "{median} expected in the middle, {low} to {high} in 90 of 100 draws": (
        "预期中位数为 {median}，100 次抽样中有 90 次落在 {low} 至 {high} 之间"
    ),
    "{range}; better than last week's split in {better} of 100": (
        "{range}；100 次中有 {better} 次优于上期的分配"
    ),
    "{money} {currency} is held in reserve.": "{money} {currency} 留作储备金。",
    "{money} {currency} stays unspent: {why}.": "{money} {currency} 未安排：{why}。",
    "it is less than one step of {step}": "不足一个最小调整单位 {step}",
    "every channel is at a limit": "各渠道均已触及限制",
    "more money brings nothing, or is held by a limit": "追加投放不再带来成效，或受限制约束",
    "{unit} {currency} more budget would bring about {more}.": (
        "预算每增加 {unit} {currency}，约可多带来 {more}。"
    ),
    "{limit} ({rule}): {unit} more room is worth {worth}.": (
        "{limit}（{rule}）：放宽 {unit} 的价值为 {worth}。"
    ),
    "{limit} ({rule}): one more is worth {worth}.": "{limit}（{rule}）：放宽一个的价值为 {worth}。",
    "{limit} ({rule}): asking for one less is worth {worth}.": (
        "{limit}（{rule}）：要求降低一个单位的价值为 {worth}。"
    ),
    # Channels.
    "{before} → {after}": "{before} → {after}",
    "{before} → {after} ({share})": "{before} → {after}（{share}）",
    "{move}, at its {limit}": "{move}，触及{limit}",
    "{move}, held by {limits}": "{move}，受 {limits} 约束",
    "{move}, as its money brings what it would bring elsewhere": (
        "{move}，因为这笔预算投在别处也只能带来同样的成效"
    ),
    "{channel}: {move}; {unit} more would bring {more}.": (
        "{channel}：{move}；每增加 {unit} 可多带来 {more}。"
    ),
    "{channel}: {move}; no price is too high for its first money.": (
        "{channel}：{move}；首笔投放无论边际要求多高都值得。"
    ),
    "Note: {note}.": "说明：{note}。",
    "no last applied week was given, so no change limit binds": (
        "未提供上次执行的周，因此调整幅度上限不起作用"
    ),
    # Limits.
    "floor": "下限",
    "cap": "上限",
    "lock": "锁定金额",
    "max change": "调整幅度上限",
    "mROAS floor": "边际 ROAS 下限",
    "{label} {value}": "{label} 为 {value}",
    "all channels": "全部渠道",
    "what is spent": "总花费",
    "{amount} {currency}": "{amount} {currency}",
    "{share} % of {group}": "{share} %（基数：{group}）",
    "{group}: at most {most}": "{group}：最多 {most}",
    "{group}: at least {least}": "{group}：至少 {least}",
    "at most {most} {unit}": "最多 {most} {unit}",
    "at most {most}": "最多 {most}",
    "at most {money} {currency} moves in total": "调整总额最多 {money} {currency}",
    "at most {most} channels change": "最多调整 {most} 个渠道",
    "at most one of {channels} is on": "{channels}：最多投放一个",
    "at least {least} of {group} are on": "{group}：至少投放 {least} 个",
    "ROAS of {group} at least {least}": "{group}：ROAS 至少为 {least}",
    "CPA of {group} at most {most}": "{group}：CPA 最多为 {most}",
    "{outcome} of {group} at least {least}": "{group}：{outcome} 至少为 {least}",
    # Tables.
    "Week of {week}, {currency}, policy {policy}": "{week} 当周，{currency}，策略 {policy}",
    "channel": "渠道",
    "last": "上期",
    "next": "本期",
    "change": "变动",
    "outcome": "成效",
    "limit": "限制",
    "new": "新增",
    "from 0": "由 0 起",
    "frozen": "冻结",
    "{total} of {budget} {currency} spent": "预算 {budget} {currency}，安排 {total}",
    "{money} unspent": "未安排 {money}",
    "{money} in reserve": "储备金 {money}",
    "{parts}; expected outcome {outcome}, {how_good}.": "{parts}；预期成效 {outcome}，{how_good}。",
}
