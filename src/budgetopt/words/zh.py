"""Chinese, by English template: one dict a room, gathered here.

Glossary, so that every page uses the same words:

- budget 预算, spend 花费, channel 渠道, outcome 成效, expected outcome 预期成效
- split 分配, move 调整, up 上调, down 下调, stays 维持, held 维持不变, nothing moves 预算不调整
- limit 限制, floor 下限, cap 上限, lock 锁定金额, max change 调整幅度上限, frozen 冻结期
- margin 边际水平, mROAS 边际 ROAS; ROAS and CPA stay as they are
- reserve 储备金, unspent 未安排, policy 策略, confidence 置信度, prior 先验, band 预测区间
- ledger 台账, proposal 方案, edit 修改, guardrails 护栏, pacing 进度, alert 预警
- week of a date 当周, report 报表, left out 未采用, young data 尚未成熟的数据, delay 转化延迟

Numbers, dates, currency codes and the names of channels, policies and limits stay as they are;
punctuation is full-width, and a space stands between Chinese and figures or Latin letters.
"""

from __future__ import annotations

from budgetopt.words.zh_dated import ZH_DATED
from budgetopt.words.zh_history import ZH_HISTORY
from budgetopt.words.zh_ledger import ZH_LEDGER
from budgetopt.words.zh_operation import ZH_OPERATION
from budgetopt.words.zh_optimize import ZH_OPTIMIZE
from budgetopt.words.zh_report import ZH_REPORT
from budgetopt.words.zh_states import ZH_STATES
from budgetopt.words.zh_weekly import ZH_WEEKLY

_LISTS = {
    "{name!r}": "“{name}”",
    "{listed}": "{listed}",
    "{listed} and {more} more": "{listed}及另外 {more} 个",
    "{one} and {other}": "{one}、{other}",
}
ROOMS: tuple[dict[str, str], ...] = (
    _LISTS,
    ZH_DATED,
    ZH_HISTORY,
    ZH_LEDGER,
    ZH_OPERATION,
    ZH_OPTIMIZE,
    ZH_REPORT,
    ZH_STATES,
    ZH_WEEKLY,
)
ZH: dict[str, str] = {template: said for room in ROOMS for template, said in room.items()}
