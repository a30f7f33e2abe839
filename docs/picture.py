"""Draws ``picture.png``, the picture of a decision in the README: ``python docs/picture.py``."""

from pathlib import Path

from matplotlib import pyplot

import budgetopt as bo

HERE = Path(__file__).parent
SHOP = HERE.parent / "examples" / "weekly"

plan = bo.Plan.load(SHOP / "plan.toml")
history = bo.History.read(SHOP / "history.csv", plan.columns, channels=plan.names)
belief = bo.learn(history, plan)
decision = bo.reallocate(plan, history, belief=belief)
pyplot.rcParams["axes.titlesize"] = 10
figure, (left, right) = pyplot.subplots(
    1, 2, figsize=(10.5, 4.2), width_ratios=(1.1, 1), layout="constrained"
)
bo.report.plot_split(decision, ax=left)
bo.report.plot_response(belief, "抖音 Douyin", decision=decision, ax=right)
figure.savefig(HERE / "picture.png", dpi=100, metadata={"Software": None})
