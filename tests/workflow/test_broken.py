"""A split that breaks a limit is told which one, whatever the limits are called."""

from decimal import Decimal

import numpy as np

from budgetopt.curves import Log
from budgetopt.optimize import problem_of
from budgetopt.plan import Channel, Plan
from budgetopt.plan.limits import Limit
from budgetopt.workflow.validation import broken_limits


def test_the_limit_that_is_broken_is_named_where_another_sentence_ends_alike():
    channels = [Channel(name, curve=Log(3, 10)) for name in ("video", "brand video")]
    limits = [
        Limit.group(f"limit on {name}", (name,), at_most=500) for name in ("video", "brand video")
    ]
    plan = Plan(budget=1000, currency="CNY", channels=channels, limits=limits)
    split = np.array([100_00, 600_00])
    (error,) = broken_limits(plan.names, split, problem_of(plan).rules)
    assert error.field == "limit on brand video"
    assert Decimal(error.value.split()[0]) == 100
