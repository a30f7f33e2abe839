"""Chinese for the states of a week: what changed, who has to say yes, edits and revisions."""

from __future__ import annotations

ZH_STATES: dict[str, str] = {
    # States.
    "proposed": "待审批",
    "approved": "已批准",
    "rejected": "已驳回",
    "edited": "已修改",
    "applied": "已执行",
    "measured": "已复盘",
    "the week is {state}, revision {number}, so that nothing new is proposed": (
        "当周方案{state}（第 {number} 版），不再提出新方案"
    ),
    "nothing changed since it was rejected: edit it, or change the plan": (
        "驳回后输入没有变化：请修改方案，或调整计划"
    ),
    "changes count from the week of {week}, the last that was applied": (
        "调整幅度以最近一次执行的 {week} 当周为基准"
    ),
    "the ledger has no applied week, so changes count from the history": (
        "台账中没有已执行的周，调整幅度以历史数据为基准"
    ),
    "no week before this one was applied, so changes count from the history": (
        "此前各周均未执行，调整幅度以历史数据为基准"
    ),
    "the week ended on {day}, so that nothing new is proposed": (
        "当周已于 {day} 结束，不再提出新方案"
    ),
    "what earlier weeks overspent cannot be taken off this one by its limits": (
        "受当周各项限制，前几周的超支无法从本周预算中扣除"
    ),
    # What changed between two revisions.
    "the history has {weeks} anew": "历史数据新增：{weeks}",
    "the history lacks {weeks} now": "历史数据缺少：{weeks}",
    "the history has {weeks} whole now": "历史数据已补全：{weeks}",
    "the history was revised: {weeks}": "历史数据有修订：{weeks}",
    "{week} in {channels}": "{week}（{channels}）",
    "the channels of the history changed: {names}": "历史数据中的渠道有变化：{names}",
    "the history is known through another day, or has other partial weeks": (
        "历史数据的截止日期或不完整的周有变化"
    ),
    "total": "合计",
    "none": "无",
    "nothing": "无",
    "the plan has {names} now": "计划新增 {names}",
    "the plan has {names} no more": "计划不再包含 {names}",
    "the plan's {field} is {new}, was {old}": "计划中的 {field} 由 {old} 改为 {new}",
    "{count} more fields of the plan changed": "计划中另有 {count} 处改动",
    "the seed is {new}, was {old}": "随机种子由 {old} 改为 {new}",
    "the policy is {new}, was {old}": "策略由 {old} 改为 {new}",
    "the guardrails changed": "护栏设置有变化",
    "what was learned before changed": "此前学到的结果有变化",
    "the spends applied last changed: {names}": "最近一次执行的花费有变化：{names}",
    "{new} is released from the reserve, was {old}": "从储备金释放的金额由 {old} 改为 {new}",
    "the scenarios declared are {names}": "已声明的情景：{names}",
    "the version is {new}, was {old}": "软件版本由 {old} 改为 {new}",
    # Who has to say yes.
    "the plan has no approval rules, so every proposal needs a name": (
        "计划没有设定审批规则，每个方案都须由专人批准"
    ),
    "no rule of the plan asks for a name": "未触发计划中的审批规则",
    "{channel} moves by {money}, above {limit}": "{channel} 调整 {money}，超过 {limit}",
    "{channel} moves by {moved} of what it had, above {share}": (
        "{channel} 的调整幅度为原花费的 {moved}，超过 {share}"
    ),
    "{channel} had nothing and gets {money}, above {share} of what it had": (
        "{channel} 原先没有花费，现获得 {money}，超过原花费的 {share}"
    ),
    "{channel} gets {money}, above {limit}": "{channel} 获得 {money}，超过 {limit}",
    "the week is {money}, above {limit}": "当周合计 {money}，超过 {limit}",
    # What was applied.
    "what was applied breaks a limit: {limit}": "实际执行突破限制：{limit}",
    # Edits.
    "this edit costs {cost} of expected {outcome} in this week": (
        "本次修改预计使当周{outcome}减少 {cost}"
    ),
    "this edit brings {cost} more of expected {outcome} in this week": (
        "本次修改预计使当周{outcome}增加 {cost}"
    ),
    "{edit}, and costs {cost} against the proposal": "{edit}；与系统方案相比减少 {cost}",
    "{edit}, and brings {cost} more than the proposal": "{edit}；与系统方案相比增加 {cost}",
    "{edit}, and costs nothing against the proposal": "{edit}；与系统方案相比持平",
    "this edit changes no expected {outcome}": "本次修改不影响当周预期{outcome}",
}
