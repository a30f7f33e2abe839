"""A night of many accounts on a Dask cluster: `python dask_night.py [SCHEDULER]`.

SCHEDULER is an address such as tcp://10.0.0.5:8786; without one, two processes of this machine are
the cluster. Workers need budgetopt installed, and have to see the folder of the store.
"""

import sys
from dataclasses import replace
from pathlib import Path

from distributed import Client

import budgetopt as bo

WEEKLY = Path(__file__).parents[1] / "weekly"


def accounts() -> list[bo.Account]:
    """Return one shop under four budgets."""
    plan = bo.Plan.load(WEEKLY / "plan.toml")
    history = bo.History.read(WEEKLY / "history.csv", plan.columns, channels=plan.names)
    budgets = [plan.budget * share / 100 for share in (90, 100, 110, 120)]
    return [bo.Account(f"shop at {budget:,.0f}", replace(plan, budget=budget), history)
            for budget in budgets]  # fmt: skip


def night(client: Client, store: str | None = None) -> bo.portfolio.PortfolioRun:
    """Decide every account on the workers of a client; a worker that dies loses nothing."""
    # Calls that were lost are done again: to Dask a pure call would be its old failure.
    executor = client.get_executor(pure=False)
    return bo.Portfolio(accounts()).reallocate(store=store, executor=executor, chunk=1)


if __name__ == "__main__":
    local = {"n_workers": 2, "threads_per_worker": 1, "dashboard_address": None}
    with Client(sys.argv[1]) if sys.argv[1:] else Client(**local) as cluster:
        print(night(cluster).status()[["account", "status", "spend", "outcome"]].to_string())
