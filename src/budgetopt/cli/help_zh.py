"""Help in Chinese: every text of ``--help`` by its English, and the words that frame them.

A test compares the keys with the texts of all commands.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from rich.cells import cell_len, chop_cells

from budgetopt.cli.common import METHODS, POLICIES, POLICY_DEFAULT
from budgetopt.cli.exchange import PLATFORMS

_POLICIES = ", ".join(POLICIES)
_DEFAULT = f"默认为 {POLICIES[0]}；历史数据只有一个总成效时为 cautious({POLICIES[1]}, 0.5)"

HELP: dict[str, str] = {
    "Decide how a marketing budget is split, week after week.": "逐周决定营销预算如何分配。",
    "Exit codes: 0 done, 2 bad input, 3 the plan cannot be met, 4 solver failed, 5 nothing to do, "
    "6 ledger error, 7 done with a critical alert, 130 interrupted, 143 terminated.": (
        "退出码：0 完成，2 输入有误，3 计划无法满足，4 求解失败，5 无需调整，6 台账错误，"
        "7 完成但有严重预警，130 被中断，143 被终止。"
    ),
    "Print the version.": "显示版本号。",
    "Show the traceback of an error.": "出错时显示调用栈。",
    "Write an example plan and history to try the other commands on.": (
        "写出示例计划和历史数据，供试用其他命令。"
    ),
    "Folder to write into.": "写入的文件夹。",
    "Draft a plan from exported files, with what was decided beside each line.": (
        "根据导出文件起草计划，并在每行旁注明依据。"
    ),
    "Exports of any kind.": "任意格式的导出文件。",
    "Plan file to write.": "要写出的计划文件。",
    "Currency; default: what the files carry.": "币种；默认取文件中的币种。",
    "Treat this date as today; incomplete weeks are ignored.": (
        "把此日期当作今天；未结束的周不采用。"
    ),
    "Language of help, tables and errors; default: BUDGETOPT_LANG, or the locale.": (
        "帮助、表格和报错的语言；默认取 BUDGETOPT_LANG，其次取系统语言。"
    ),
    "Write the workbook that channel owners fill in; --history reads it back.": (
        "写出供各渠道负责人填写的工作簿；可用 --history 读回。"
    ),
    "Plan file, .toml or .json.": "计划文件，.toml 或 .json。",
    "Decide the next week of every account of a folder; one that fails is a row.\n\nWhat was "
    "learned is kept, and the next night goes on from there. Killed, it is run again: what\nis "
    "done is not done twice, and the files are the same to the byte. Exit code 0 where no more\n"
    "accounts failed or were decided by stale data than are accepted, 7 where more were, 2 where "
    "all\nfailed.": (
        "为文件夹中的每个账户决定下一周的分配；出错的账户单独成一行。\n\n学到的结果会保存"
        "下来，下次在此基础上继续。中断后重新运行即可：已完成的不再重算，结果文件逐字节相同。"
        "失败或数据过期的账户不超过允许比例时退出码为 0，超过时为 7，全部失败时为 2。"
    ),
    "Let the accounts lend each other what they know of channels with less than a year of weeks.": (
        "历史不足一年的渠道，由各账户互相借鉴已知的效果。"
    ),
    "Money per week that all accounts share in place of their own budgets, or a plan file whose "
    "channels are the accounts.": (
        "所有账户每周共享的预算，代替各账户自己的预算；也可以是以账户为渠道的计划文件。"
    ),
    "Folder with a subfolder an account, each with plan.toml and history files.": (
        "账户文件夹：每个账户一个子文件夹，内含 plan.toml 和历史数据文件。"
    ),
    "Folder for accounts.csv and channels.csv.": "存放 accounts.csv 和 channels.csv 的文件夹。",
    "Folder that keeps what was learned; default: store in the folder of --out.": (
        "保存学习结果的文件夹；默认是 --out 文件夹中的 store。"
    ),
    "Share of accounts that may fail or be stale before the exit code says so.": (
        "允许失败或数据过期的账户比例，超过时由退出码反映。"
    ),
    "First day of the week to decide; default: the week after each history.": (
        "要决策的一周的第一天；默认为各自历史数据之后的那一周。"
    ),
    "Whose weeks, in a ledger of many plans; default: the plan's id, or its name.": (
        "台账中有多个计划时，要用哪一个计划的记录；默认按计划的 id，没有 id 则按名称。"
    ),
    "The plan, to be compared with the ledger's.": "计划文件，用来与台账中的计划核对。",
    "Workbook to write, .xlsx.": "要写出的工作簿，.xlsx。",
    "Number of weeks.": "周数。",
    "A day of the last week; default: the last one over.": (
        "最后一周中的任意一天；默认为最近结束的一周。"
    ),
    "Check a plan and, if given, a history against it, without deciding anything.": (
        "检查计划，并可连同历史数据一起核对，不做任何决策。"
    ),
    "Last day that the history covers; default: as its rows show.": (
        "历史数据的截止日；默认按数据行判断。"
    ),
    "Add what was decided in reading each history file.": "附上读取每个历史文件时所做的判断。",
    "How to print the answer; --json is short for --format=json.": (
        "输出格式；--json 即 --format=json。"
    ),
    "Learn every channel's response curve from the history, print it, and save the belief.": (
        "从历史数据学习各渠道的响应曲线，显示并保存学习结果。"
    ),
    "History file: .csv, .xlsx or .parquet; may be repeated, or a pattern in quotes. Default: the "
    "files that the plan names, in its folder.": (
        "历史数据文件：.csv、.xlsx 或 .parquet；可重复给出，也可用引号括起的通配符。"
        "默认读取计划所在文件夹中由计划写明的文件。"
    ),
    "Resolution of the learner; default: full, or as in --belief.": (
        "学习的精细程度；默认为 full，或与 --belief 相同。"
    ),
    "Belief saved by budgetopt learn, to continue from.": (
        "budgetopt learn 保存的学习结果，从它继续。"
    ),
    "File to save the belief in; with a name ending in .html, the page of it instead.": (
        "保存学习结果的文件；文件名以 .html 结尾时改为写出网页。"
    ),
    "Decide one week's split from the history, with a reason for every move.": (
        "根据历史数据决定一周的分配，每次调整都附理由。"
    ),
    "History file; default: the weeks of --belief, or else the files that the plan names.": (
        "历史数据文件；默认采用 --belief 中的各周，否则读取计划写明的文件。"
    ),
    "First day of the week to decide; default: next week.": "要决策的一周的第一天；默认为下一周。",
    f"One of {_POLICIES}; with settings in brackets, such as thompson(10) or "
    f"cautious(thompson(10), 0.5). {POLICY_DEFAULT}.": (
        f"策略，可选 {_POLICIES}；参数写在括号里，如 thompson(10) 或 cautious(thompson(10), 0.5)。"
        f"{_DEFAULT}。"
    ),
    "Random seed of the policy.": "策略的随机种子。",
    "Assume another budget, such as -20%, x0.8 or 20000.": "假设另一预算，如 -20%、x0.8 或 20000。",
    "Assume dearer or cheaper media, such as feed=+30%; may be repeated.": (
        "假设媒体涨价或降价，如 feed=+30%；可重复给出。"
    ),
    "File to save the updated belief in.": "保存更新后学习结果的文件。",
    "Say what tests of single channels are worth, net of their cost, and which to run first.\n\n"
    "Also says when none is worth it, what knowing every curve would be worth, and which limit "
    "costs\nmost for lack of knowledge.": (
        "说明单渠道测试扣除成本后值多少，以及先做哪一个。\n\n"
        "也说明何时不值得测试、知道每条曲线值多少，以及哪项限制因不了解曲线而代价最大。"
    ),
    "Share out conversions among the channels on their paths, by six rules side by side.": (
        "按六种归因规则并列，把转化分给路径上的各渠道。"
    ),
    "Table with one row a path and how it ended.": "表格文件，每行一条路径及其结果。",
    "Column of the channels met, first to last.": "路径列：先后接触的各渠道。",
    "Column of the number of conversions.": "转化数列。",
    "Column of their value, shared out in their place.": "转化价值列，给出时改为分配价值。",
    "Column of how often the path ended in none.": "未转化次数列。",
    "Column of a date; each is shared out by itself.": "日期列，每个日期各自分配。",
    "What stands between two channels of a path.": "路径中两个渠道之间的分隔符。",
    "A candidate test, such as regions,-100%,4,20%; kinds: everywhere, switchback, regions, users. "
    "May be repeated. Default: six usual ones.": (
        "候选测试，如 regions,-100%,4,20%；类型：everywhere（全量）、switchback（隔周）、"
        "regions（地区）、users（用户）。可重复给出；默认六种常用测试。"
    ),
    "A channel to test; default: all.": "要测试的渠道；默认全部。",
    "Weeks in which the result is used.": "测试结果使用的周数。",
    "How far reports may lie from what channels cause; default: 0.25.": (
        "上报结果可能偏离实际带来效果的程度；默认 0.25。"
    ),
    "Decide every past week again, with only what was known before it.\n\nShows how well outcomes "
    "were forecast a week ahead, how far the advice lies from what was done,\nand what it would "
    "have been worth, with its range, or that this cannot be known.": (
        "只用当时已知的数据，对过去的每一周重新决策。\n\n"
        "显示提前一周的预测有多准、建议与实际投放相差多少，以及建议值多少（附区间），"
        "无法得知时会说明。"
    ),
    "How many of the last weeks to decide again; default: all from the ninth.": (
        "对最近多少周重新决策；默认从第九周起的全部周。"
    ),
    f"One of {_POLICIES}; may be repeated. {POLICY_DEFAULT}, and hold.": (
        f"策略，可选 {_POLICIES}；可重复给出。{_DEFAULT}，并与 hold 比较。"
    ),
    "Resolution of the learner.": "学习的精细程度。",
    "Write the answer here instead. Unless --format says it, the ending of the name says how: "
    ".txt, .md, .csv, .tsv, .json, .xlsx, .parquet or .html. Programs read .csv, .tsv, .json and "
    ".parquet: their columns have the same English names whatever --lang says.": (
        "把结果写到此文件。未给出 --format 时按文件名结尾决定格式：.txt、.md、.csv、.tsv、"
        ".json、.xlsx、.parquet 或 .html。.csv、.tsv、.json 和 .parquet 供程序读取，"
        "列名固定为英文，不随 --lang 改变。"
    ),
    "Write the history of a plan's channels as other models read it.": (
        "把计划中各渠道的历史数据写成其他模型可读的格式。"
    ),
    "File to write: .csv, .tsv, .xlsx, .parquet or .json.": (
        "要写出的文件：.csv、.tsv、.xlsx、.parquet 或 .json。"
    ),
    "Columns as this tool reads them.": "采用该工具所读的列名。",
    "Add a sentence about every channel to a table.": "在表格后为每个渠道附一句说明。",
    "Split one week's budget using the curves in the plan, or those of another model.": (
        "用计划中的曲线或其他模型的曲线分配一周的预算。"
    ),
    "Curves of another model: Robyn's .json, PyMC-Marketing's .nc, or a .csv of points, draws or "
    "parameters.": (
        "其他模型的曲线：Robyn 的 .json、PyMC-Marketing 的 .nc，或含点、抽样或参数的 .csv。"
    ),
    "Weeks that a .csv of points gives totals of, as Meridian's tables do.": (
        "点的 .csv 给出多少周的合计，如 Meridian 的表格。"
    ),
    "Review a month instead, such as 2026-11.": "改为月度回顾，如 2026-11。",
    "Review a quarter instead, such as 2026-Q4.": "改为季度回顾，如 2026-Q4。",
    "A day of the week, for its phases, freezes and demand; default: a usual week.": (
        "该周的任意一天，用于确定阶段、冻结期和需求；默认为平常的一周。"
    ),
    f"Engine: {', '.join(METHODS)}.": f"求解方法：{'、'.join(METHODS)}。",
    "Return the best answer found by then.": "到时返回已找到的最好结果。",
    "Write the answer here instead; a name ending in .json makes it JSON.": (
        "把结果写到此文件；文件名以 .json 结尾时写成 JSON。"
    ),
    "Show one week as planned and under changes: outcome, range, return and the new split.\n\n"
    "Each change is its own case; without any, the cases in the plan are used.": (
        "比较一周按计划和有变化时的结果：预期转化、区间、回报和新的分配。\n\n"
        "每项变化各为一种情形；未给出时采用计划中的情形。"
    ),
    "History to learn the curves from; default: the curves in the plan, or else the files that it "
    "names.": ("用于学习曲线的历史数据；默认采用计划中的曲线，否则读取计划写明的文件。"),
    "Another budget, such as -20%, x0.8 or 20000.": "另一预算，如 -20%、x0.8 或 20000。",
    "Higher or lower media prices, such as a=+30%.": "媒体价格上涨或下降，如 a=+30%。",
    "Another cap of a channel.": "某渠道的另一上限。",
    "A channel that gets nothing.": "不投放的渠道。",
    "More or less demand, such as +40%.": "需求增减，如 +40%。",
    "Put all changes in one case.": "把所有变化合为一种情形。",
    "Show what smaller and larger budgets would return, and where the last unit breaks even.": (
        "显示预算增减时的回报，以及最后一个单位何处保本。"
    ),
    "Simulate possible years of a plan, with and without scenarios.": (
        "模拟计划可能出现的各种年份，含情景与不含情景。"
    ),
    "History to draw possible curves from; default: the curves in the plan, or else the files that "
    "it names.": ("用于抽取可能曲线的历史数据；默认采用计划中的曲线，否则读取计划写明的文件。"),
    "A scenario of the plan or a standard risk; several happen in the same year, which is compared "
    "with the same year without them.": (
        "计划中的情景或标准风险；多个情景发生在同一年，并与没有情景的同一年比较。"
    ),
    f"One of {_POLICIES}; the others are compared with the first. Default: hold and optimistic; "
    "without a history equal in place of hold.": (
        f"策略，可选 {_POLICIES}；其余策略都与第一个比较。默认为 hold 和 optimistic；"
        "没有历史数据时以 equal 代替 hold。"
    ),
    "Weeks to simulate.": "模拟的周数。",
    "Number of possible years.": "模拟次数。",
    "Random seed.": "随机种子。",
    "First day of week 1, for dated scenarios; default: the day after the history.": (
        "第 1 周的第一天，用于有日期的情景；默认为历史数据截止日的次日。"
    ),
    "Outcome to reach over all weeks; default: the target in the plan's goal.": (
        "全部周合计要达到的转化；默认取计划目标中的数值。"
    ),
    "Standard deviation of a week's log outcome, for curves in the plan.": (
        "计划中曲线的每周对数转化的标准差。"
    ),
    "Number of processes.": "进程数。",
    "Cluster that does the work: dask://HOST:PORT, ray://HOST:PORT or ray://auto; "
    "dask://local and ray://local start one of --workers processes here.": (
        "执行计算的集群：dask://HOST:PORT、ray://HOST:PORT 或 ray://auto；"
        "dask://local 和 ray://local 在本机启动有 --workers 个进程的集群。"
    ),
    "New or empty folder; also writes summary.json, weeks.csv, channels.csv, runs.parquet. A name "
    "ending in .html writes a page instead.": (
        "新建或空的文件夹；同时写出 summary.json、weeks.csv、channels.csv、runs.parquet。"
        "以 .html 结尾时改为写出网页。"
    ),
    "Plan many weeks at once, with what each week's money does in later weeks.\n\nEvery week keeps "
    "the plan's limits, and from week to week the change limits. A year that cannot\nbe kept is "
    "refused now, with the first week that cannot be kept.": (
        "一次规划多周，并计入每周投放在之后各周的效果。\n\n"
        "每周都遵守计划的限制，周与周之间遵守调整幅度上限。无法满足时会立即报错，"
        "并指出第一个无法满足的周。"
    ),
    "How many weeks to plan.": "规划的周数。",
    "Ledger to record the weeks in: the weekly run says how far it moved from them.": (
        "把规划的各周记入此台账；之后每周运行时会说明与规划偏离多少。"
    ),
    "Day of the first week; default: the next.": "第一周中的任意一天；默认为下一周。",
    "Most by which a channel's weeks go up and down to learn from it, where the formula says that "
    "it pays; in simulated markets it did not. Default: none.": (
        "为了学习，渠道各周投放上下变动的最大幅度，只在公式认为值得时才变动；"
        "在模拟市场中并未赚回代价。默认不变动。"
    ),
    "Over which weeks money may be moved.": "预算可以在哪些周之间移动。",
    "What one line of the table is.": "表格中一行代表什么。",
    "Print the JSON Schema of plan files, or of what a command writes as JSON.": (
        "输出计划文件的 JSON Schema，或某个命令所输出 JSON 的 JSON Schema。"
    ),
    "plan; a command whose JSON is described, such as reallocate or error; or results, all of "
    "these.": "plan；要说明其 JSON 的命令，如 reallocate，或 error；或 results，即全部。",
    "Run the whole week: load, check, learn, decide, explain and record, on one page.": (
        "完成一周的全部工作：读取、检查、学习、决策、说明和登记，汇总成一页。"
    ),
    "Every week, on a ledger": "每周流程（使用台账）",
    "Ledger: a file, or the URL of a PostgreSQL database.": (
        "台账：文件，或 PostgreSQL 数据库的地址。"
    ),
    "Any day of the week to decide; default: next week.": (
        "要决策的一周中的任意一天；默认为下一周。"
    ),
    "Who is acting; default: the login name.": "操作人；默认为登录名。",
    "A scenario that is happening now; may be repeated.": "正在发生的情景；可重复给出。",
    "Also print the notes about plan, history and belief.": "同时显示关于计划、历史和推断的说明。",
    "Approve the proposed split of a week, by name.": "以姓名审批一周的分配方案。",
    "Any day of the week.": "该周中的任意一天。",
    "The reason.": "理由。",
    "Revision that was reviewed; fails if a newer one exists.": (
        "审阅过的版本号；已有更新版本时会报错。"
    ),
    "Reject the proposed split of a week, with a reason.": "驳回一周的分配方案，并说明理由。",
    "The reason, in a few words.": "简短的理由。",
    "Change the proposed split of a week; it is checked against every limit, and priced.": (
        "修改一周的分配方案；会逐条核对限制，并算出代价。"
    ),
    "New amount of a channel; may be repeated.": "某渠道的新金额；可重复给出。",
    "Table with the columns channel and spend.": "含 channel 和 spend 两列的表格文件。",
    "Record an approved week as live, with any amounts that differ from the approved ones.": (
        "登记已审批的一周为已执行，可注明与审批不同的金额。"
    ),
    "Write an approved week as daily budgets, in the sheet that an ad platform reads in bulk.": (
        "把已审批的一周写成日预算，格式可供广告平台批量导入。"
    ),
    f"One of {', '.join(PLATFORMS)}.": f"平台，可选 {'、'.join(PLATFORMS)}。",
    "Channel that runs on it; may be repeated. Default: as labelled in the plan.": (
        "在该平台投放的渠道；可重复给出。默认按计划中的标签。"
    ),
    "Table with the columns channel, campaign and, if they differ, share.": (
        "表格文件，含 channel 和 campaign 两列；比例不同时另有 share 列。"
    ),
    "History with what this week has spent so far.": "含本周已消耗金额的历史数据。",
    "The same by channel, in place of a history; may be repeated.": (
        "不用历史数据时，按渠道给出本周已消耗金额；可重复给出。"
    ),
    "Day that a CSV sheet is for; default: the first.": "CSV 表对应的日期；默认为第一天。",
    "Least daily budget of a campaign.": "推广计划的最低日预算。",
    "Step of a daily budget.": "日预算的步长。",
    "Least change of a daily budget.": "日预算的最小调整额。",
    "How to write it; default: as the name of the file says.": "写出格式；默认按文件名判断。",
    "File to write: .csv, .xlsx or .json.": "要写出的文件：.csv、.xlsx 或 .json。",
    "Release contingency reserve for one week, with a reason; run budgetopt week afterwards.": (
        "为某周释放机动预算，并说明理由；之后再运行 budgetopt week。"
    ),
    "Amount to release, at most the balance.": "释放的金额，不超过余额。",
    "Any day of the week that may spend it; default: next week.": (
        "可使用这笔钱的一周中的任意一天；默认为下一周。"
    ),
    "Day of the release; default: today.": "释放日期；默认为今天。",
    "Compare spend with plan: for the week, the fiscal period, the phase and the campaign.": (
        "对比实际消耗与计划：按周、结算周期、阶段和营销活动。"
    ),
    "Show the steps to the optimum, week by week, and what larger steps would return.": (
        "逐周显示走向最优的步骤，以及步子更大时的回报。"
    ),
    "Start from the split that this ledger applied last.": "从该台账最近执行的分配开始。",
    "A day of the first week; default: the next week.": "第一周中的任意一天；默认为下一周。",
    "Number of weeks; default: until the optimum is reached.": "周数；默认直到达到最优。",
    "Write the memo of a week, or the review of a period, as one HTML page from the ledger.": (
        "根据台账把一周的周报或一段时期的回顾写成一个网页文件。"
    ),
    "HTML file to write.": "要写出的网页文件。",
    "A day of the memo's week; default: the newest.": "周报所属周的任意一天；默认为最新一周。",
    "List the weeks of a ledger: planned, applied and actual spend, and the outcome.": (
        "列出台账中的各周：计划、执行和实际消耗，以及转化。"
    ),
    "Show one week of a ledger: who did what and when, and the split of a revision.\n\nAs CSV "
    "it is the split alone, in the form that edit and apply read with --spends: once the week\nis "
    "applied, the applied split next to approved and actual spend; with --revision, the split "
    "of\nthat revision.": (
        "显示台账中的一周：谁在何时做了什么，以及某一版本的分配。\n\n"
        "CSV 格式只含分配，可由 edit 和 apply 用 --spends 读取：执行后为已执行的分配，"
        "并列出审批和实际金额；给出 --revision 时为该版本的分配。"
    ),
    "Revision to show; default: the newest.": "要显示的版本号；默认为最新版本。",
    "Compare proposed, edited, applied and actual spend, or two revisions.": (
        "比较方案、修改、执行和实际金额，或比较两个版本。"
    ),
    "First revision; default: the one before --to.": "第一个版本；默认为 --to 之前的版本。",
    "Second revision; default: the newest.": "第二个版本；默认为最新版本。",
    "Test creatives, audiences and channels before scaling spend.": "放量前测试素材、人群和渠道。",
    "Split the next day's budget between the arms of a test.": "把测试次日的预算分给各测试组。",
    "Test file, .toml or .json, or only a table of its log.": (
        "测试文件，.toml 或 .json；也可以只是日志表格。"
    ),
    "Day to decide, using the data before it; default: the next day.": (
        "要决策的日期，只用此前的数据；默认为次日。"
    ),
    "Budget of that day; default: daily_budget.": "当日预算；默认为 daily_budget。",
    "Show the result so far: a winner, no difference that matters, or keep going.": (
        "显示目前的结论：已有胜者、没有实质差别，或继续测试。"
    ),
    "Say whether a pilot on 1-5% of users or regions goes on to everybody: go, stop or go on.\n\n"
    "Gives what the channel would bring with its range, and the lift test for the plan file.": (
        "判断在 1–5% 用户或地区上的试点能否放量：放量、停止或继续。\n\n"
        "给出该渠道可带来的增量及范围，以及可写入计划文件的增量测试。"
    ),
    "Pilot file, .toml or .json, that names its log.": (
        "试点文件，.toml 或 .json，其中指明日志表格。"
    ),
    "Check a ledger.": "检查台账。",
    "Check every entry of a ledger against its hash and the entry before; exit code 6 if wrong.": (
        "逐条核对台账记录的哈希和前后衔接；有误时退出码为 6。"
    ),
    "An anchor noted earlier, which must still be there.": "此前记下的锚点，台账中必须仍然存在。",
}

SHOW_HELP = "显示此帮助。"
USAGE = ("Usage:", "用法：")
FRAMES: dict[str, str] = {
    "ARGUMENTS_PANEL_TITLE": "参数",
    "OPTIONS_PANEL_TITLE": "选项",
    "COMMANDS_PANEL_TITLE": "命令",
    "DEFAULT_STRING": "[默认：{}]",
    "REQUIRED_LONG_STRING": "[必填]",
    "ENVVAR_STRING": "[环境变量：{}]",
}
"""What stands around the texts, by its name in typer."""


_WIDE = "\u2e80-\u9fff\uff00-\uffef"
_PIECE = re.compile(rf"\s+|(?:[{_WIDE}]|[^\s{_WIDE}]+)[，。；：、）]*\s*")
"""What stays on one line: a word of letters or a wide character, with what closes a clause."""


def line_breaks(text: str, width: int, fold: bool = True) -> list[int]:
    """Return where a line breaks, as rich's ``divide_line`` does, but between any wide characters.

    rich takes a Chinese clause for one long word, and cuts it off where it does not fold.

    Examples
    --------
    >>> line_breaks("要决策的一周，默认为 next week", 12), line_breaks("abcdefgh", 3)
    ([5, 11], [3, 6])
    """
    found, used = list[int](), 0
    for piece in _PIECE.finditer(text):
        # With the blank behind it: rich strips that by characters, not by cells.
        cells = cell_len(piece[0])
        if used and used + cells > width:
            found.append(piece.start())
            used = 0
        if fold and cell_len(piece[0].rstrip()) > width:
            starts = [len(part) for part in chop_cells(piece[0], width)]
            found += [piece.start() + sum(starts[:at]) for at in range(1, len(starts))]
            used = cell_len(piece[0][sum(starts[:-1]) :])
        else:
            used += cell_len(piece[0])
    return found


@contextmanager
def help_in_chinese(root: Any) -> Iterator[None]:
    """Let help be Chinese meanwhile.

    Parameters
    ----------
    root
        The command line, made anew for this call: its texts are replaced for good.
    """
    import rich.text
    from typer import rich_utils

    _translate(root)
    frames: Any = rich_utils
    # A frame that a later typer calls otherwise stays English.
    pairs: list[tuple[Any, str, Any]] = [(frames, name, said) for name, said in FRAMES.items()]
    pairs.append((rich.text, "divide_line", line_breaks))
    before = [(of, name, getattr(of, name)) for of, name, _ in pairs if hasattr(of, name)]
    try:
        for of, name, said in pairs:
            if hasattr(of, name):
                setattr(of, name, said)
        yield
    finally:
        for of, name, said in before:
            setattr(of, name, said)


def _translate(command: Any) -> None:
    """Replace the texts of a command and of its commands, and of its parameters where it is helped.

    The parameters wait for the help that shows them: reading them takes a command longer than its
    name does.
    """
    _replace(command)
    option, usage, page = command.get_help_option, command.get_usage, command.format_help

    def help_option(context: Any) -> Any:
        made = option(context)
        if made is not None:
            made.help = SHOW_HELP
        return made

    def format_help(context: Any, formatter: Any) -> None:
        for parameter in command.params:
            _replace(parameter)
        page(context, formatter)

    command.get_help_option, command.format_help = help_option, format_help
    command.titles = FRAMES["OPTIONS_PANEL_TITLE"], FRAMES["COMMANDS_PANEL_TITLE"]
    command.get_usage = lambda context: usage(context).replace(*USAGE)
    for each in getattr(command, "commands", {}).values():
        _translate(each)


def _replace(holder: Any) -> None:
    """Replace the texts of a command or of a parameter."""
    for part in ("help", "epilog", "rich_help_panel"):
        text = getattr(holder, part, None)
        if isinstance(text, str) and text in HELP:
            setattr(holder, part, HELP[text])
