"""The plan: what may be spent in a week, on what, under which limits.

From the parts to the whole: `Channel`, `MaxChange`, `Reserve`, `BudgetLines` and `Goal` are what is
declared, `Limit` makes the rules across channels, and `Plan` holds them all and refuses those that
contradict each other. `bounds_of` turns what concerns one channel into a week's exact bounds, and
`files` reads and writes plan files.

What is known before a history is read is declared here too: `ChannelPrior`, `LiftTest`, events and
demand; `Plan.priors` gathers it as `Priors` for learning.

How weeks are run is `Plan.operation`; `Plan.on` gives the plan as it is for one dated week.
"""

from __future__ import annotations

from budgetopt.calendar import Fiscal
from budgetopt.plan.amounts import (
    KINDS,
    PATTERN,
    BudgetLines,
    Goal,
    Held,
    MaxChange,
    Relative,
    Reserve,
    shifted,
)
from budgetopt.plan.channel import Channel, ChannelPrior, LearningMinimum, one_curve
from budgetopt.plan.draft import Draft, draft_files
from budgetopt.plan.fields import ReturnWords, is_valued, kind_of, nature_of, return_words, unused
from budgetopt.plan.files import limits_only, load, schema
from budgetopt.plan.governance import (
    AlertRules,
    Approval,
    Freeze,
    Operation,
    Overspend,
    Pacing,
    Phase,
    Release,
    as_count,
    as_part,
)
from budgetopt.plan.limits import Limit
from budgetopt.plan.limits.base import Caps, PlanFacts, Row, Rule, integers
from budgetopt.plan.limits.counts import Apart, AtLeastOn, FewMoves
from budgetopt.plan.limits.money import GroupLimit, LinearLimit, Turnover
from budgetopt.plan.limits.ratios import CpaCeiling, FrequencyCap, OutcomeFloor, RoasFloor
from budgetopt.plan.plan import (
    CAP,
    CHANGE,
    FAR,
    FLOOR,
    FREE,
    LOCKED,
    MARGIN,
    RULES,
    Bounds,
    Plan,
    Source,
    bounds_of,
    sources_of,
)
from budgetopt.plan.priors import LiftTest, Priors, as_events, days_of
from budgetopt.plan.schedule import day_weights, frozen
from budgetopt.plan.targets import Ratio, Target, ratio_of_target

__all__ = [
    "CAP",
    "CHANGE",
    "FAR",
    "FLOOR",
    "FREE",
    "KINDS",
    "LOCKED",
    "MARGIN",
    "PATTERN",
    "RULES",
    "AlertRules",
    "Apart",
    "Approval",
    "AtLeastOn",
    "Bounds",
    "BudgetLines",
    "Caps",
    "Channel",
    "ChannelPrior",
    "CpaCeiling",
    "Draft",
    "FewMoves",
    "Fiscal",
    "Freeze",
    "FrequencyCap",
    "Goal",
    "GroupLimit",
    "Held",
    "LearningMinimum",
    "LiftTest",
    "Limit",
    "LinearLimit",
    "MaxChange",
    "Operation",
    "OutcomeFloor",
    "Overspend",
    "Pacing",
    "Phase",
    "Plan",
    "PlanFacts",
    "Priors",
    "Ratio",
    "Relative",
    "Release",
    "Reserve",
    "ReturnWords",
    "RoasFloor",
    "Row",
    "Rule",
    "Source",
    "Target",
    "Turnover",
    "as_count",
    "as_events",
    "as_part",
    "bounds_of",
    "day_weights",
    "days_of",
    "draft_files",
    "frozen",
    "integers",
    "is_valued",
    "kind_of",
    "limits_only",
    "load",
    "nature_of",
    "one_curve",
    "ratio_of_target",
    "return_words",
    "schema",
    "shifted",
    "sources_of",
    "unused",
]
