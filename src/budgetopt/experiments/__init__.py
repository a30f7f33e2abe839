"""Tests of creatives and audiences, before money is scaled.

From the log outwards:

- `observation`, `settings`: a dated row of an arm; what is asked of the test.
- `rates` (CTR, CVR), `counts` (CPA), `averages` (revenue): what is known of the arms, each keeping
  the protocol of `posterior`.
- `best`: probability of being best, expected loss and value remaining, by quadrature.
- `stop`: a winner, no difference that matters, or keep going, with a proven error rate.
- `pause`: which ads are paused, with a proven false-pause rate.
- `next_day`: minimum cells first, the rest by Thompson shares, exact to the cent.
- `experiment`: the `Experiment`, a value whose state is its log, its settings and a seed.
- `files`, `words`: from a file, and to a reader.

A test compares arms over the same days. It knows nothing of seasons, of arms that wear out, or of
conversions that still arrive: leave out the last days where they do.
"""

from budgetopt.experiments.experiment import Experiment
from budgetopt.experiments.next_day import NextDay
from budgetopt.experiments.observation import Observation
from budgetopt.experiments.pause import Paused, PauseRule, Promise
from budgetopt.experiments.settings import METRICS, Settings
from budgetopt.experiments.verdict import ArmSummary, Verdict

__all__ = [
    "METRICS",
    "ArmSummary",
    "Experiment",
    "NextDay",
    "Observation",
    "PauseRule",
    "Paused",
    "Promise",
    "Settings",
    "Verdict",
]
