"""Chinese of what the ledger says when it is verified."""

from __future__ import annotations

ZH_LEDGER: dict[str, str] = {
    "the ledger lacks {what}": "台账缺少 {what}",
    "{protection} is missing: {what}": "缺少{protection}：{what}",
    "protection against changed or deleted entries": "防止记录被修改或删除的保护",
    "protection against changed entries": "防止记录被修改的保护",
    "protection against deleted entries": "防止记录被删除的保护",
    "protection against entries that do not follow one another": "防止记录不连续的保护",
    "protection against entries that are recorded twice": "防止记录重复登记的保护",
    "protection against a changed head": "防止末条标记被修改的保护",
    "protection against a deleted head": "防止末条标记被删除的保护",
    "the ledger has {what} too": "台账中多出 {what}",
    "the file is damaged: {what}": "文件已损坏：{what}",
    "the ledger cannot be read on: {why}": "台账无法继续读取：{why}",
    "entry {number}: {columns} of another type": "第 {number} 条记录：{columns} 的类型不符",
    "entry {missing} is not there, {number} follows": (
        "缺少第 {missing} 条记录，其后为第 {number} 条"
    ),
    "entry {number}: its content is not what was recorded": (
        "第 {number} 条记录：内容与当初登记的不一致"
    ),
    "entry {number} does not follow the entry before it": "第 {number} 条记录与前一条不衔接",
    "entry {number} is older than the entry before it": "第 {number} 条记录的时间早于前一条",
    "the head of the ledger is missing or doubled": "台账的末条标记缺失或重复",
    "the head says entry {head} is the last, and {number} is": (
        "末条标记为第 {head} 条，实际末条为第 {number} 条"
    ),
    "the head has another hash than entry {number}": "末条标记的哈希与第 {number} 条记录不一致",
    "no entry {number} has the hash {hash}": "没有哈希为 {hash} 的第 {number} 条记录",
}
