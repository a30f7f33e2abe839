"""``python -m budgetopt`` is the command line."""

from __future__ import annotations

from budgetopt.cli import main

main()
