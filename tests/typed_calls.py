"""Calls as the documentation writes them, which mypy reads (see ``.ci/run``): hints allow them."""

import datetime as dt

import budgetopt as bo

HISTORY = bo.History.read("h.csv", as_of="2026-01-05", data_through=dt.date(2026, 1, 4))
THROUGH: dt.date | None = HISTORY.until("2026-01-05").data_through
TEST = bo.LiftTest("a", incremental=9.0, error=3.0, high=3.0, ended="2026-01-05")
ACCOUNT = bo.Account("shop", "plan.toml", "h.csv", as_of="2026-01-05")
NIGHT = bo.Portfolio.read("accounts", as_of="2026-01-05").reallocate(week="2026-01-12")
with bo.Ledger.open("friday.db").reading() as reader:
    ENTRIES = reader.entries(("applied",), "2026-01-05")
