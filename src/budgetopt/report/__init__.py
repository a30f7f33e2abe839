"""Reports: tables for a terminal, pages for a browser, and results as JSON.

The room itself can be called, as `page` is: ``budgetopt.report(decision, out="page.html")``.
Type checkers, to which a module is no function, know it as ``budgetopt.report.page``.
"""

from __future__ import annotations

import sys
from types import ModuleType
from typing import Any

from budgetopt.report.backtest import backtest_table
from budgetopt.report.belief import belief_facts, belief_json, belief_rows, belief_table
from budgetopt.report.decision import (
    allocation_table,
    decision_table,
    frontier_table,
    score_parts,
    target_parts,
)
from budgetopt.report.experiment import next_table, pilot_table, value_table, verdict_table
from budgetopt.report.ledger import (
    VERBS,
    Spends,
    applied_rows,
    as_json,
    diff_json,
    diff_table,
    entries_json,
    history_json,
    history_rows,
    history_table,
    reasons_of,
    restored_of,
    revision_of,
    show_table,
    stages,
    state_json,
    state_lines,
    verified_json,
    verified_table,
)
from budgetopt.report.page import page
from budgetopt.report.plots import (
    MissingFontWarning,
    plot_decomposition,
    plot_differences,
    plot_fan,
    plot_forecast,
    plot_frontier,
    plot_funnel,
    plot_ledger,
    plot_limit_prices,
    plot_next_money,
    plot_pacing,
    plot_response,
    plot_split,
    plot_tornado,
)
from budgetopt.report.simulation import (
    Years,
    what_if_json,
    what_if_table,
    years_frame,
    years_json,
    years_table,
)
from budgetopt.report.text import (
    WIDTH,
    LaidOut,
    Table,
    as_markdown,
    capital,
    figures,
    import_report,
    laid_out,
    note_lines,
    noted,
    said,
    sentences,
    write_whole,
)
from budgetopt.report.week import (
    pace_table,
    ramp_table,
    released_lines,
    week_json,
    week_page,
)
from budgetopt.report.year import year_table

__all__ = [
    "VERBS",
    "WIDTH",
    "LaidOut",
    "MissingFontWarning",
    "Spends",
    "Table",
    "Years",
    "allocation_table",
    "applied_rows",
    "as_json",
    "as_markdown",
    "backtest_table",
    "belief_facts",
    "belief_json",
    "belief_rows",
    "belief_table",
    "capital",
    "decision_table",
    "diff_json",
    "diff_table",
    "entries_json",
    "figures",
    "frontier_table",
    "history_json",
    "history_rows",
    "history_table",
    "import_report",
    "laid_out",
    "next_table",
    "note_lines",
    "noted",
    "pace_table",
    "page",
    "pilot_table",
    "plot_decomposition",
    "plot_differences",
    "plot_fan",
    "plot_forecast",
    "plot_frontier",
    "plot_funnel",
    "plot_ledger",
    "plot_limit_prices",
    "plot_next_money",
    "plot_pacing",
    "plot_response",
    "plot_split",
    "plot_tornado",
    "ramp_table",
    "reasons_of",
    "released_lines",
    "restored_of",
    "revision_of",
    "said",
    "score_parts",
    "sentences",
    "show_table",
    "stages",
    "state_json",
    "state_lines",
    "target_parts",
    "value_table",
    "verdict_table",
    "verified_json",
    "verified_table",
    "week_json",
    "week_page",
    "what_if_json",
    "what_if_table",
    "write_whole",
    "year_table",
    "years_frame",
    "years_json",
    "years_table",
]


class _Room(ModuleType):
    """The room as a function: one name for what it does and what it holds."""

    def __call__(self, *what: Any, **options: Any) -> str:
        return page(*what, **options)


sys.modules[__name__].__class__ = _Room
