"""Chinese for pacing, reserves, overspending, the ramp, and alerts."""

from __future__ import annotations

ZH_OPERATION: dict[str, str] = {
    # Reserves.
    "reserves of {period}: contingency {left} of {built}, test {test_left} of {test}, "
    "holdout {holdout} untouched": (
        "{period} 储备金：应急储备 {built}，剩余 {left}；测试储备 {test}，剩余 {test_left}；"
        "对照组储备 {holdout}，未动用"
    ),
    "{amount} of {balance} contingency is released, as {why}": (
        "应急储备 {balance} 中释放 {amount}，原因：{why}"
    ),
    "the scenario {scenario} is declared": "已宣布进入情景 {scenario}",
    "the projection is {share} below the plan": "预计值比计划低 {share}",
    "the projection {projection} is {share} below the planned {planned}": (
        "预计花费 {projection}，比计划的 {planned} 低 {share}"
    ),
    "the next unit of money brings {mroas} in {channel}, at least {hurdle}": (
        "{channel} 每多花一单位资金可带来 {mroas}，不低于门槛 {hurdle}"
    ),
    # Pacing.
    "week of {label}": "{label} 当周",
    "period {label}": "结算周期 {label}",
    "phase {label}": "阶段 {label}",
    "campaign {label}": "营销活动 {label}",
    "ahead of the plan": "花费超进度",
    "on pace": "进度正常",
    "behind the plan": "花费滞后",
    "no data yet": "尚无数据",
    "not begun": "尚未开始",
    "{span}: {planned} is planned, {status}": "{span}：计划 {planned}，{status}",
    "{span}: {actual} of the planned {planned} is spent, {projection} projected, {status}": (
        "{span}：计划 {planned}，已花费 {actual}，预计 {projection}，{status}"
    ),
    "{span}: {actual} of the planned {planned} is spent, {projection} projected ({pace}), "
    "{status}": "{span}：计划 {planned}，已花费 {actual}，预计 {projection}（{pace}），{status}",
    "{span}: {actual} of the planned {planned} is spent, {projection} projected ({pace}), "
    "{status}; {daily} a day over {days} days left ends at the plan": (
        "{span}：计划 {planned}，已花费 {actual}，预计 {projection}（{pace}），{status}；"
        "余下 {days} 天每天花费 {daily}，可按计划收尾"
    ),
    "{span}: {actual} of the planned {planned} is spent, {projection} projected ({pace}), "
    "{status}; {daily} on the day left ends at the plan": (
        "{span}：计划 {planned}，已花费 {actual}，预计 {projection}（{pace}），{status}；"
        "最后一天花费 {daily}，可按计划收尾"
    ),
    # Who pays for an overspend.
    "nothing is spent beyond the plan": "没有超出计划的花费",
    "{amount} in {channel}": "{channel} {amount}",
    "{amount} that {channel} leaves of its plan": "{channel} 计划内未用完的 {amount}",
    "{amount} of contingency": "应急储备 {amount}",
    "{amount} less for {channel} this week": "{channel} 本周减少 {amount}",
    "{amount} less for {channel} next week": "{channel} 下周减少 {amount}",
    "{total} beyond the plan ({over}) is paid by {paid}": (
        "超出计划 {total}（{over}），资金来源：{paid}"
    ),
    "{total} beyond the plan ({over}) is paid by nobody": (
        "超出计划 {total}（{over}），没有资金来源"
    ),
    "{total} beyond the plan ({over}) is paid by {paid}; {uncovered} by nobody": (
        "超出计划 {total}（{over}），资金来源：{paid}；另有 {uncovered} 没有资金来源"
    ),
    # The ramp.
    "the last spends are at the optimum of {outcome} already": (
        "最近一周的花费已处于最优，成效 {outcome}"
    ),
    "under the change limits the optimum of {far} is reached in week {week}": (
        "在调整幅度上限内，第 {week} 周达到最优成效 {far}"
    ),
    "under the change limits the way ends at {end} in week {week}, short of {far}": (
        "在调整幅度上限内，第 {week} 周止于成效 {end}，未达到最优的 {far}"
    ),
    "after {week} weeks under the change limits the way is at {end} of {far}": (
        "在调整幅度上限内，{week} 周后成效为 {end}，最优为 {far}"
    ),
    "no step is left under the change limits, short of the {far} there is": (
        "在调整幅度上限内已无法再调整，未达到最优成效 {far}"
    ),
    "over {weeks} weeks the way costs {lost} against being there at once, "
    "which is what no change limit would bring": (
        "{weeks} 周内，与一步到位相比少得 {lost}，这也是取消调整幅度上限可多得的成效"
    ),
    "twice the change limits would bring {worth} over the way": (
        "调整幅度上限放宽一倍，全程成效 {worth}"
    ),
    "letting what is to grow take its steps first would bring {worth}": (
        "让需要增长的渠道先走一步，全程成效 {worth}"
    ),
    # Alerts on data.
    "the history has no whole week": "历史数据中没有完整的一周",
    "the last whole week ended on {end}, {days} days ago": (
        "最近一个完整周于 {end} 结束，距今 {days} 天"
    ),
    "the week of {week} is over, but lacks days": "{week} 当周已结束，但缺少部分日期的数据",
    "the week of {week} has no report of {channels}": "{week} 当周缺少以下渠道的报表：{channels}",
    "the week of {week} is not over; it is left out": "{week} 当周尚未结束，暂不计入",
    "the week of {week} is not over, {days} of its 7 days are there; it is left out": (
        "{week} 当周尚未结束，7 天中已有 {days} 天的数据，未采用"
    ),
    "{count} weeks from {first} on were revised, most that of {week} ({share}), in {channels}": (
        "自 {first} 起有 {count} 周的数据被修订，其中 {week} 当周变化最大（{share}），"
        "涉及 {channels}"
    ),
    "the week of {week} was revised ({share}), in {channels}": (
        "{week} 当周的数据被修订（{share}），涉及 {channels}"
    ),
    "from nothing": "原为零",
    "the total": "合计",
    "{count} weeks from {first} on are not in the history any more": (
        "自 {first} 起有 {count} 周的数据已不在历史数据中"
    ),
    "the week of {first} is not in the history any more": "{first} 当周的数据已不在历史数据中",
    # Other alerts.
    "{channel} has been at its {limit} for {weeks} weeks, since {first}": (
        "自 {first} 起，{channel} 已连续 {weeks} 周触及{limit}"
    ),
    "the week of {week} cannot be decided: {words}": "{week} 当周无法做出决策：{words}",
    "the target {target} is out of reach: {best} at best, {short} short": (
        "目标 {target} 无法达到：最多 {best}，相差 {short}"
    ),
    "{channel} should pause: an outcome cost {ratio} over {weeks} weeks, above {line}": (
        "{channel} 应暂停：{weeks} 周内单个成效成本为 {ratio}，高于 {line}"
    ),
    "{channel} should pause: a unit of money brought {ratio} over {weeks} weeks, below {line}": (
        "{channel} 应暂停：{weeks} 周内每单位资金带来 {ratio}，低于 {line}"
    ),
    "{channel} should pause: {spend} in {weeks} weeks brought nothing": (
        "{channel} 应暂停：{weeks} 周内花费 {spend}，没有任何成效"
    ),
    "{alert}, with what is still to arrive": "{alert}（已计入尚未回传的成效）",
    "{left} of {built} contingency is left in {period}": ("{period} 应急储备 {built}，仅剩 {left}"),
    "all {built} contingency of {period} is used up": "{period} 的应急储备 {built} 已全部用完",
    "ahead of the week's plan: {channels}": "本周花费超进度：{channels}",
    "behind the week's plan: {channels}": "本周花费滞后：{channels}",
    "{channel} ({projection} projected of {planned})": (
        "{channel}（计划 {planned}，预计 {projection}）"
    ),
    "{spent} is spent, {share} ({amount}) or more of the budget of {budget} without "
    "reserve of the {label}": (
        "{label} 预算 {budget}（不含储备金），已花费 {spent}，达到 {share}（{amount}）预警线"
    ),
    "{share} ({amount}) of the budget of {budget} without reserve of the {label} will be "
    "spent by {day}": "{label} 预算 {budget}（不含储备金），预计 {day} 用到 {share}（{amount}）",
}
