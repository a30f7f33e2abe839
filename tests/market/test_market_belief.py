"""True curves drawn from what was learned."""

import numpy as np
import pytest

from budgetopt.belief import learn
from budgetopt.errors import InputError
from budgetopt.history import History
from budgetopt.market import Market
from budgetopt.plan import Channel, Plan


def test_curves_are_drawn_from_a_belief():
    rng = np.random.default_rng(4)
    spend = rng.lognormal(4, 0.4, (30, 2))
    outcome = 100 * -np.expm1(-spend / 80) * rng.lognormal(0, 0.1, spend.shape)
    weeks = np.datetime64("2026-01-05") + 7 * np.arange(30)
    history = History(("a", "b"), weeks, spend, outcome=outcome)
    plan = Plan(budget=120, currency="CNY", channels=[Channel("a"), Channel("b")])
    belief = learn(history, plan)
    market = Market(channels=("a", "b"), curves=belief)
    truth = market.weather(1, 2000, 7).truth
    np.testing.assert_allclose(
        truth.value(60.0).mean(axis=0), belief.mean().value(np.full(2, 60.0)), rtol=0.05
    )
    with pytest.raises(InputError, match="other channels"):
        Market(channels=("a", "c"), curves=belief)
