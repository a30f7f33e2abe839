"""Chinese for the pages of the weekly rhythm: the week, pace, ramp, and what the ledger holds."""

from __future__ import annotations

ZH_REPORT: dict[str, str] = {
    "{sentence}.": "{sentence}。",
    "{problem}.": "{problem}。",
    "{one}; {other}": "{one}；{other}",
    "Why: {why}.": "原因：{why}。",
    # Headings.
    "week": "周",
    "state": "状态",
    "revision": "版本",
    "spend": "花费",
    "by": "审批人",
    "entry": "记录",
    "moment, {zone}": "时间（{zone}）",
    "kind": "类型",
    "who": "操作人",
    "span": "期间",
    "planned": "计划",
    "spent": "已花费",
    "projected": "预计",
    "pace": "进度",
    "a day left": "每日可用",
    "status": "状态",
    "ahead": "花费超进度",
    "behind": "花费滞后",
    "moved": "调整金额",
    "of the optimum": "占最优",
    "at a limit": "触及限制",
    "optimum": "最优",
    "as proposed": "原方案",
    "as edited": "修改后",
    "as approved": "批准",
    "as applied": "执行",
    "actual": "实际",
    "revision {revision}": "第 {revision} 版",
    # What entries are.
    "proposal": "方案",
    "approval": "批准",
    "rejection": "驳回",
    "edit": "修改",
    "alert": "提醒",
    "release": "释放储备金",
    "override": "变更执行",
    "note": "备注",
    "rule": "自动通过（按规则）",
    # Where a week stands, and what is next.
    "Week of {week}: {state}, revision {revision}.": "{week} 当周：{state}，第 {revision} 版。",
    "Week of {week}: {state}, revision {revision}": "{week} 当周：{state}，第 {revision} 版",
    "Week of {week}: {state} by rule, revision {revision}.": (
        "{week} 当周：{state}（按规则），第 {revision} 版。"
    ),
    "Week of {week}: {state} by {who}, revision {revision}.": (
        "{week} 当周：{state}（{who}），第 {revision} 版。"
    ),
    "Week of {week}: {state} by {who}, revision {revision} ({why}).": (
        "{week} 当周：{state}（{who}），第 {revision} 版（{why}）。"
    ),
    "Next: run the week.": "下一步：运行该周决策。",
    "Next: put it into effect, then say so:": "下一步：执行该分配，然后登记：",
    "Next: edit it, or run the week again with other inputs.": (
        "下一步：修改该分配，或更改输入后重新运行。"
    ),
    "Next: nothing until the week is over; the run after it measures it.": (
        "下一步：该周结束前无需操作，之后的运行会复盘该周。"
    ),
    "The week is over and measured.": "该周已结束，已复盘。",
    "Next: {approvers} may approve it, as {why}:": "下一步：由 {approvers} 审批（{why}）：",
    "Next: {approvers} may approve it:": "下一步：由 {approvers} 审批：",
    "Next: approve it, as {why}:": "下一步：审批（{why}）：",
    "Next: approve it:": "下一步：审批：",
    "Next: run the week, or run it again: the money is in its budget then.": (
        "下一步：运行（或重新运行）该周，所释放的资金届时计入其预算。"
    ),
    # The week.
    "What changed since revision {revision}: {changed}.": (
        "自第 {revision} 版以来的变化：{changed}。"
    ),
    "Edited by {who}: {why}; {price}.": "由 {who} 修改，原因：{why}；{price}。",
    "{amount} is released: {why}": "释放 {amount}：{why}",
    "{channel} {money}": "{channel} {money}",
    "{money} held back from this week": "本期留存 {money}",
    "{parts}; expected outcome {outcome} (mean), {how_good}.": (
        "{parts}；预期成效（均值）{outcome}，{how_good}。"
    ),
    "median {median}, {low} to {high} in 90 of 100 draws": (
        "中位数 {median}，100 次抽样中有 90 次落在 {low} 至 {high} 之间"
    ),
    "Against last week's split of {before}, for another budget: {gain} expected outcome.": (
        "对比上期的分配（共 {before}，预算不同），预期成效 {gain}。"
    ),
    "Applied otherwise: {channels}.": "实际执行有所不同：{channels}。",
    "Taken from the reserve: {why}.": "动用储备金：{why}。",
    "Released for this week by rule: {why}.": "按规则为该周释放储备金：{why}。",
    "Released for this week by {who}: {amount}, {why}.": (
        "由 {who} 为该周释放储备金 {amount}：{why}。"
    ),
    "Critical": "严重",
    "Warning": "警告",
    "For information": "提示",
    "{severity}: {alert}.": "{severity}：{alert}。",
    "Recorded as entry {entry} of {count}. The ledger's anchor, to be kept elsewhere:": (
        "已登记为第 {entry} 条记录（共 {count} 条）。台账锚点，请另行保存："
    ),
    # Pace and reserves.
    "Pace on {day}, {currency}": "{day} 花费进度，{currency}",
    "{span}, by channel": "{span}，按渠道",
    "{span}: {share} of the budget of {budget} without reserve ({amount}) is spent by {day}; "
    "by the plan on {planned}.": (
        "{span}：到 {day} 用到预算 {budget}（不含储备金）的 {share}（{amount}），"
        "按计划应为 {planned}。"
    ),
    "{span}: {share} of the budget of {budget} without reserve ({amount}) is spent by "
    "{day}; the plan does not reach it.": (
        "{span}：到 {day} 用到预算 {budget}（不含储备金）的 {share}（{amount}），按计划不会达到。"
    ),
    "Reserves of {period}: contingency {contingency} of {contingency_built}, test {test} of "
    "{test_built}, holdout {holdout} of {holdout_built}.": (
        "{period} 储备金：应急储备剩余 {contingency}（共 {contingency_built}），"
        "测试储备剩余 {test}（共 {test_built}），对照组储备剩余 {holdout}（共 {holdout_built}）。"
    ),
    # The ramp.
    "The way to the optimum under the change limits, {currency}": (
        "在调整幅度上限内走向最优的路径，{currency}"
    ),
    "and {weeks} weeks more.": "以及此后 {weeks} 周。",
    # The ledger.
    "No week is in the ledger yet.": "台账中尚无任何一周。",
    "Revision {revision}:": "第 {revision} 版：",
    "What became of revision {revision}:": "第 {revision} 版的执行情况：",
    "{changes}: {why}": "{changes}：{why}",
    "{channel} from {before} to {after}": "{channel} 由 {before} 改为 {after}",
    "Entry {number}: {reason}.": "第 {number} 条记录：{reason}。",
    "The change is from {first} to {last}.": "变动指从“{first}”到“{last}”的差额。",
    "Not in {split}: {channels}.": "“{split}”中没有：{channels}。",
    "Nothing differs: {splits}.": "没有差异：{splits}。",
    "{count} entries. The anchor, to be kept elsewhere:": (
        "共 {count} 条记录。台账锚点，请另行保存："
    ),
    "{count} entries, all as they were recorded. The anchor, to be kept elsewhere:": (
        "共 {count} 条记录，均与登记时一致。台账锚点，请另行保存："
    ),
    "{count} entries. What is wrong ({problems}):": "共 {count} 条记录，发现 {problems} 处问题：",
}
