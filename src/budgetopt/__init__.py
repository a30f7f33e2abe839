"""budgetopt decides how a marketing budget is split, week after week, and proves its answer."""
