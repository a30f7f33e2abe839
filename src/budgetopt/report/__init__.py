"""Reports: tables for a terminal, and results as JSON and CSV files."""

from __future__ import annotations

from budgetopt.report.files import allocation_csv, decision_csv, write_whole
from budgetopt.report.table import (
    WIDTH,
    allocation_table,
    decision_table,
    frontier_table,
    sentences,
)

__all__ = [
    "WIDTH",
    "allocation_csv",
    "allocation_table",
    "decision_csv",
    "decision_table",
    "frontier_table",
    "sentences",
    "write_whole",
]
