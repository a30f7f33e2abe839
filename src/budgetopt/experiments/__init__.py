"""Tests of creatives and audiences before money is scaled, and what tests of channels are worth.

From simple to subtle:

- `settings`: a dated row of an arm, the metrics, and what is asked of a test;
- `posteriors`: what is known of the arms: rates (CTR, CVR), counts (CPA) and averages (revenue);
- `stopping`: probability of being best, expected loss and value remaining, and when to stop, with a
  proven error rate that rests on `evidence`;
- `pause`: which ads are paused, with a proven false-pause rate;
- `experiment`: the `Experiment`, a value whose state is its log, its settings and a seed; its
  verdict, and the next day's money;
- `pilot`: a channel on for 1 to 5 % of users or regions, and the lift test that it leaves behind;
- `files`: a test or a pilot from a file.

And tests of a channel's money, before any is run:

- `designs`: candidate tests, and what each reads with which error;
- `value`: what a test is worth, net of its cost, under the plan's limits;
- `sizes`: how many users, how small an effect, how much money.

A test compares arms over the same days. It knows nothing of seasons, of arms that wear out, or of
conversions that still arrive: leave out the last days where they do.
"""

from __future__ import annotations

from budgetopt.experiments.designs import DESIGNS, Design
from budgetopt.experiments.experiment import (
    DECISIONS,
    TITLES,
    ArmSummary,
    Experiment,
    NextDay,
    Verdict,
    sentences,
)
from budgetopt.experiments.files import read, read_pilot
from budgetopt.experiments.pause import Paused, PauseRule, Promise
from budgetopt.experiments.pilot import Pilot, PilotVerdict, pilot_sentences
from budgetopt.experiments.settings import METRICS, Observation, Settings
from budgetopt.experiments.sizes import (
    CellSizes,
    geo_test_budget,
    minimum_detectable_effect,
    two_cell_sizes,
)
from budgetopt.experiments.value import LimitCost, ValueOfTests, WorthOfTest, value_of_tests

__all__ = [
    "DECISIONS",
    "DESIGNS",
    "METRICS",
    "TITLES",
    "ArmSummary",
    "CellSizes",
    "Design",
    "Experiment",
    "LimitCost",
    "NextDay",
    "Observation",
    "PauseRule",
    "Paused",
    "Pilot",
    "PilotVerdict",
    "Promise",
    "Settings",
    "ValueOfTests",
    "Verdict",
    "WorthOfTest",
    "geo_test_budget",
    "minimum_detectable_effect",
    "pilot_sentences",
    "read",
    "read_pilot",
    "sentences",
    "two_cell_sizes",
    "value_of_tests",
]
