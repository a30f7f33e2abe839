"""``python -m budgetopt`` is the command line."""

from budgetopt.cli import main

main()
