"""Possible years of a plan on a Ray cluster: `python ray_years.py [ADDRESS]`.

ADDRESS is what `ray.init` takes, such as auto or ray://10.0.0.5:10001; without one, two processes
of this machine are the cluster. Workers need budgetopt installed.
"""

import sys
from pathlib import Path

import ray

import budgetopt as bo
from budgetopt.workers import RayExecutor

WEEKLY = Path(__file__).parents[1] / "weekly"


def years(executor: RayExecutor | None, runs: int = 512, weeks: int = 13) -> bo.Simulation:
    """Return possible quarters of the weekly plan; a worker that dies loses nothing."""
    plan = bo.Plan.load(WEEKLY / "plan.toml")
    history = bo.History.read(WEEKLY / "history.csv", plan.columns, channels=plan.names)
    market = bo.market.believed_market(plan, bo.learn(history, plan))
    return bo.simulate(plan, market, ["hold", "posterior-mean"], weeks=weeks, runs=runs,
                       history=history, executor=executor)  # fmt: skip


if __name__ == "__main__":
    ray.init(*sys.argv[1:2], **({} if sys.argv[1:] else {"num_cpus": 2}))
    print(years(RayExecutor()).difference("posterior-mean", "hold"))
    ray.shutdown()
