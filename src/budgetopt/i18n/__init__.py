"""Messages: a code and values, whose sentence is made in the language in which it is shown.

`say` makes one, `in_language` says it in another language. The sentences are data: `en.json` and
`zh.json` hold them by room and code, and a new message is a new code in each; a test holds that no
code lacks a language, and none is left over. `before.json` is the English by which messages were
recorded before there were codes, where it reads otherwise today; it does not grow.

Chinese has a glossary, so that every page uses the same words:

- budget 预算, spend 消耗, channel 渠道, outcome 转化, expected outcome 预期转化
- split 分配, move 调整, up 上调, down 下调, stays 维持, held 维持不变, nothing moves 预算不调整
- change 变化 (of money or outcome, in tables), case 情形, lot 投放单位, ledger head 末条标记
- limit 限制, floor 下限, cap 上限, lock 锁定金额, max change 调整幅度上限, frozen 冻结期
- marginal return 边际回报, mROAS 边际 ROAS; ROAS and CPA stay as they are
- reserve 预留预算, contingency 机动预算, unspent 未分配, policy 策略, prior 预设值, band 预测区间
- ledger 台账, proposal 方案, edit 修改, guardrails 保护规则, pacing 进度, alert 预警
- week of a date 当周, report 报表, left out 未采用, reported so far 回传, delay 转化延迟

Numbers, dates, currency codes and the names of channels, policies and limits stay as they are;
punctuation is full-width, and a space stands between Chinese and figures or Latin letters.
"""

from __future__ import annotations

from budgetopt.i18n.messages import (
    begun,
    code_of,
    in_language,
    magnitude,
    messages_of,
    missing_extra,
    restored,
    round_known,
    show_bound,
    show_figure,
)
from budgetopt.messages import LANGUAGES, Message, joined, listed, of_name, quoted, say

__all__ = [
    "LANGUAGES",
    "Message",
    "begun",
    "code_of",
    "in_language",
    "joined",
    "listed",
    "magnitude",
    "messages_of",
    "missing_extra",
    "of_name",
    "quoted",
    "restored",
    "round_known",
    "say",
    "show_bound",
    "show_figure",
]
