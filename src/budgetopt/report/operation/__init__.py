"""Pages of the weekly rhythm: the week, its pace, the way to the optimum, and the ledger."""
