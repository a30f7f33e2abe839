"""Reports: tables for a terminal, and results as JSON and CSV files."""

from __future__ import annotations

from budgetopt.report.belief import belief_csv, belief_facts, belief_json, belief_table
from budgetopt.report.experiment import next_table, verdict_table
from budgetopt.report.files import allocation_csv, decision_csv, write_whole
from budgetopt.report.layout import WIDTH, sentences
from budgetopt.report.simulation import Years, years_frame, years_json, years_table
from budgetopt.report.table import allocation_table, decision_table, frontier_table

__all__ = [
    "WIDTH",
    "Years",
    "allocation_csv",
    "allocation_table",
    "belief_csv",
    "belief_facts",
    "belief_json",
    "belief_table",
    "decision_csv",
    "decision_table",
    "frontier_table",
    "next_table",
    "sentences",
    "verdict_table",
    "write_whole",
    "years_frame",
    "years_json",
    "years_table",
]
