"""``budgetopt allocate``: one week by the plan's own curves."""

from __future__ import annotations

from collections.abc import Callable
from typing import cast

from budgetopt import report
from budgetopt.cli.files import answer, keep
from budgetopt.cli.options import (
    Explain,
    Format,
    FormatOption,
    Language,
    LanguageOption,
    MethodOption,
    OutPath,
    PlanPath,
    TimeLimit,
)
from budgetopt.optimize import METHODS, TIME_LIMIT, Method
from budgetopt.optimize import allocate as allocate_week
from budgetopt.plan import Plan


def allocate(
    plan: PlanPath,
    method: MethodOption = METHODS[0],
    time_limit: TimeLimit = TIME_LIMIT,
    format: FormatOption = Format.table,
    out: OutPath = None,
    explain: Explain = False,
    lang: LanguageOption = Language.en,
) -> None:
    """Split a week's budget by the curves that the plan's channels carry."""
    keep(out, plan)
    week = allocate_week(Plan.load(plan), method=cast(Method, method), time_limit=time_limit)
    texts: dict[Format, Callable[[], str]] = {
        Format.table: lambda: report.allocation_table(week, explain=explain, language=lang),
        Format.json: week.to_json,
        Format.csv: lambda: report.allocation_csv(week),
    }
    answer(texts[format](), out)
