"""Chinese for a week's decision: its heading, its moves, and the guards that stepped in."""

from __future__ import annotations

ZH_WEEKLY: dict[str, str] = {
    # The decision as a whole.
    "Week of {week}: {total} of {budget} {currency} by policy {policy}.": (
        "{week} 当周：预算 {budget} {currency}，安排 {total}，采用策略 {policy}。"
    ),
    "Week of {week}: {total} of {budget} {currency} by policy {policy} in place of {asked}.": (
        "{week} 当周：预算 {budget} {currency}，安排 {total}，采用策略 {policy}，代替 {asked}。"
    ),
    "{money} {currency} stays unspent.": "{money} {currency} 未安排。",
    "Expected outcome {outcome}, {how_good}.": "预期成效 {outcome}，{how_good}。",
    "Against last week's split of {before}: {gain} expected outcome.": (
        "对比上期的分配（共 {before}），预期成效 {gain}。"
    ),
    "Nothing moves, because {why}.": "预算不调整：{why}。",
    "Nothing moves, because nothing was spent and nothing is to be spent.": (
        "预算不调整：此前没有投放，当期也没有可投放的预算。"
    ),
    "Nothing moves, because policy {policy} keeps last week's split; no other within "
    "the limits brings more than {more} more.": (
        "预算不调整：策略 {policy} 沿用上期的分配；在限制之内，其他分配最多只能多带来 {more}。"
    ),
    "Nothing moves, because no other split within the limits brings more than {more} more.": (
        "预算不调整：在限制之内，其他分配最多只能多带来 {more}。"
    ),
    "money is frozen": "处于冻结期",
    "last week's report is missing": "上周报表缺失",
    "last week's report is hardly possible": "上周报表几乎不可能",
    "the last predictions were off": "近期预测偏差过大",
    "another split might lose too much": "换一种分配可能损失过多",
    "what is held leaves no room within the limits": "需维持不变的渠道使限制之内没有调整余地",
    "the policy could not solve the week": "策略未能求解当期",
    "A range (low to high) holds 90 of 100 draws from what is believed.": (
        "区间（低至高）涵盖 100 次抽样中的 90 次。"
    ),
    "{worth} ({low} to {high})": "{worth}（{low} 至 {high}）",
    "{channel}: {reason}.": "{channel}：{reason}。",
    # Moves.
    "stays at {after}": "维持 {after}",
    "{after}, with no week before": "{after}，此前无投放记录",
    "up from {before} to {after}": "由 {before} 上调至 {after}",
    "up from {before} to {after} ({share})": "由 {before} 上调至 {after}（{share}）",
    "down from {before} to {after} ({share})": "由 {before} 下调至 {after}（{share}）",
    "{move}; {held}": "{move}；{held}",
    "{move}; locked": "{move}；已锁定",
    "{move}; at its {limit}": "{move}；触及{limit}",
    "{move}; these {money} bring {here} here": "{move}；这 {money} 在该渠道预计带来 {here}",
    "{move}; these {money} bring {here} here, and there is money to spare": (
        "{move}；这 {money} 在该渠道预计带来 {here}，且预算尚有富余"
    ),
    "{move}; these {money} bring {here} here, about as much as at this week's margin": (
        "{move}；这 {money} 在该渠道预计带来 {here}，与当期边际水平大致相当"
    ),
    "{move}, as these {money} bring {here} here and {there} at this week's margin": (
        "{move}，因为这 {money} 在该渠道预计带来 {here}，若按当期边际水平可带来 {there}"
    ),
    "{move}, though these {money} bring {here} here and {there} at this week's margin": (
        "{move}，尽管这 {money} 在该渠道预计带来 {here}，而若按当期边际水平可带来 {there}"
    ),
    # Guards.
    "nothing moves, as {first} to {last} is frozen": "{first} 至 {last} 为冻结期，预算不调整",
    "{channel} at {money}": "{channel}（{money}）",
    "{channel} is held": "{channel}维持不变",
    "{channels} are held": "{channels}维持不变",
    "held, as last week's report is missing": "上周报表缺失，不予调整",
    "{held}, as the report of the week of {week} is missing": "{week} 当周的报表缺失，{held}",
    "nothing moves, as the outcome of the week of {week} is missing": (
        "{week} 当周的成效缺失，预算不调整"
    ),
    "held, as last week's report of nothing is hardly possible": (
        "上周报表显示毫无成效，几乎不可能，不予调整"
    ),
    "{held}, as no outcome at all in the week of {week} had a chance of {chance} at most": (
        "{week} 当周毫无成效的概率最多只有 {chance}，{held}"
    ),
    "nothing moves, as the week of {week} reports no outcome at all, "
    "and none of {weeks} weeks before it did": (
        "{week} 当周的报表显示毫无成效，而此前 {weeks} 周从未如此，预算不调整"
    ),
    "{inside} of {outcomes} outcomes of the last {weeks} weeks lay in their {level} bands": (
        "最近 {weeks} 周的 {outcomes} 个成效中，有 {inside} 个落在 {level} 预测区间之内"
    ),
    "{found}, under {least}: ranges are drawn {factor} times as wide, and nothing moves": (
        "{found}，低于 {least}：区间放宽至 {factor} 倍，预算不调整"
    ),
    "{found}, over {most}: they are too wide, which errs to the safe side": (
        "{found}，高于 {most}：区间偏宽，偏于稳妥"
    ),
    "what is held does not fit the limits, so all of last week's split is drawn in": (
        "需维持不变的渠道与各项限制冲突，因此将上期的整体分配调整到限制之内"
    ),
    "the split of {policy} might bring {loss} less than last week's split at "
    "{confidence} confidence, more than the {allowed} ({share}) that "
    "may be lost, so it is taken {part} of the way": (
        "在 {confidence} 的置信度下，策略 {policy} 的分配可能比上期的分配少带来 {loss}，"
        "超过允许的损失 {allowed}（{share}），因此只执行调整幅度的 {part}"
    ),
    # Policies that could not answer.
    "policy {policy} could not solve the week ({error})": "策略 {policy} 未能求解当期（{error}）",
    "policy {policy} gave an answer that is not finite": "策略 {policy} 给出的金额不是有限的数",
    "{reason} in {few} of {runs} runs": "{reason}（{runs} 次模拟中有 {few} 次）",
    "{reason}; {other}": "{reason}；{other}",
    "{reason}, so {policy} decides": "{reason}，改由策略 {policy} 决定",
    # Notes.
    "left out, as not whole: {weeks}": "不完整而未采用的周：{weeks}",
    "the last whole week known is {week}, and changes count from it": (
        "已知的最后一个完整周始于 {week}，调整幅度以该周为基准"
    ),
    "beyond what was ever spent in a week, where curves are drawn on: {channels}": (
        "超出历史单周花费范围、按曲线外推的渠道：{channels}"
    ),
    "{channel} ({money}, above the most {most})": "{channel}（{money}，高于历史最高 {most}）",
    "{channel} ({money}, below the least {least})": "{channel}（{money}，低于历史最低 {least}）",
}
