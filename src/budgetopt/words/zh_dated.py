"""Chinese for what a plan says of a dated week: phases, freezes, and spends applied last."""

from __future__ import annotations

ZH_DATED: dict[str, str] = {
    "nothing moves": "预算不调整",
    "{held}, as the platform learns from {first} to {last} ({freeze})": (
        "{first} 至 {last} 为平台学习期（{freeze}），{held}"
    ),
    "{held}, as {freeze} is frozen from {first} to {last}": (
        "{first} 至 {last} 为冻结期（{freeze}），{held}"
    ),
    "the platform learns from {first} to {last} ({freeze})": (
        "{first} 至 {last} 为平台学习期（{freeze}）"
    ),
    "{freeze} is frozen from {first} to {last}": "{first} 至 {last} 为冻结期（{freeze}）",
    "held, as the platform learns until {last}": "平台学习期至 {last}，维持不变",
    "held, as {freeze} is frozen until {last}": "冻结期（{freeze}）至 {last}，维持不变",
    "{channels} cannot stay frozen within this week's limits and budget, so all of last "
    "week's split is drawn in": (
        "受当期限制与预算约束，{channels}无法维持冻结，因此将上期的整体分配调整到限制以内"
    ),
    "{channel} cannot stay frozen at {last}, as {limit} is {bound}": (
        "{channel}无法冻结在 {last}，因为{limit}为 {bound}"
    ),
    "its {limit}": "其{limit}",
    "the budget": "预算",
    "the week lies in the phase {phases}: its budget is {budget}, that of a usual week {usual}": (
        "该周处于阶段{phases}：当期预算为 {budget}，平常每周为 {usual}"
    ),
    "changes count from the spends last applied, which are not the history's last: {channels}": (
        "调整幅度以最近实际执行的花费为基准，与历史数据的最近一周不同：{channels}"
    ),
    "{channel} ({applied}, reported {reported})": "{channel}（执行 {applied}，报表 {reported}）",
    "the last whole week known is {week}": "已知的最后一个完整周始于 {week}",
}
