"""Alerts: what a person should know, found in plain records, raised once.

`alert` is one of them with its severity and its way to JSON and to the log; `of_data` finds what is
wrong with the data, `found` all the rest.
"""

from __future__ import annotations

from budgetopt.operation.alerts.alert import (
    CODES,
    SEVERITIES,
    Alert,
    Severity,
    from_json,
    news,
    to_json,
    to_log,
    worst,
)
from budgetopt.operation.alerts.found import STAYS, alerts, undecided

__all__ = [
    "CODES",
    "SEVERITIES",
    "STAYS",
    "Alert",
    "Severity",
    "alerts",
    "from_json",
    "news",
    "to_json",
    "to_log",
    "undecided",
    "worst",
]
