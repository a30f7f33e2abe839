"""The plan: what may be spent in a week, on what, under which limits.

`Channel`, `MaxChange`, `Reserve`, `BudgetLines`, `Limit` and `Goal` are what is declared; `Plan`
holds them and checks that they do not contradict each other; `bounds_of` turns what concerns one
channel into a week's exact bounds; `files` reads and writes them.

What is known before a history is read is declared here too: `ChannelPrior`, `LiftTest`, events and
demand; `Plan.beforehand` gathers it as `Beforehand` for learning.

How weeks are run is `Plan.operation`; `Plan.on` gives the plan as it is for one dated week.
"""

from __future__ import annotations

from budgetopt.calendar import Fiscal
from budgetopt.plan.beforehand import Beforehand
from budgetopt.plan.bounds import MARGIN, RULES, Bounds, bounds_of
from budgetopt.plan.change import MaxChange
from budgetopt.plan.channel import Channel, one_curve
from budgetopt.plan.goal import Goal
from budgetopt.plan.learning import LearningMinimum
from budgetopt.plan.lift_test import LiftTest
from budgetopt.plan.limits import Caps, Limit, Row, Rule
from budgetopt.plan.lines import BudgetLines
from budgetopt.plan.operation import (
    AlertRules,
    Approval,
    Freeze,
    Operation,
    Pacing,
    Phase,
    Release,
)
from budgetopt.plan.plan import Plan
from budgetopt.plan.prior import ChannelPrior
from budgetopt.plan.reserve import Reserve

__all__ = [
    "MARGIN",
    "RULES",
    "AlertRules",
    "Approval",
    "Beforehand",
    "Bounds",
    "BudgetLines",
    "Caps",
    "Channel",
    "ChannelPrior",
    "Fiscal",
    "Freeze",
    "Goal",
    "LearningMinimum",
    "LiftTest",
    "Limit",
    "MaxChange",
    "Operation",
    "Pacing",
    "Phase",
    "Plan",
    "Release",
    "Reserve",
    "Row",
    "Rule",
    "bounds_of",
    "one_curve",
]
