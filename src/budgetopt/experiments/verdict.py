"""What a test says so far: every arm, and whether to stop."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Any

from budgetopt.experiments.pause import Paused

WINNER, NO_DIFFERENCE, KEEP_GOING = "winner", "no difference", "keep going"


@dataclass(frozen=True)
class ArmSummary:
    """One arm of a test.

    Parameters
    ----------
    arm
        Name.
    value
        Posterior mean of the metric; for ``cpa`` conversions per unit of money.
    low, high
        Central 95 % credible interval of it.
    probability
        Probability of being the best arm.
    expected_loss
        What choosing it for good is expected to cost, in units of the value.
    events, trials
        Totals of the metric's two fields.
    spend
        Money spent so far.
    complete
        Whether its minimum cell is complete.
    """

    arm: str
    value: float
    low: float
    high: float
    probability: float
    expected_loss: float
    events: float
    trials: float
    spend: float
    complete: bool


@dataclass(frozen=True)
class Verdict:
    """What a test says so far.

    Parameters
    ----------
    decision
        ``"winner"``, ``"no difference"`` (none that matters: take the leader) or ``"keep going"``.
    leader
        The winner, the arm to take, or the arm with the highest value so far; None while nothing
        was seen.
    arms
        One summary an arm, in the order of the test.
    beaten
        Arms that are shown to be worse than the leader.
    value_remaining
        Share by which another arm may still be better than the leader, with 95 % probability; zero
        where the leader is the best with that probability, None while nothing was seen.
    waiting
        Arms whose minimum cell is not complete: until then the test keeps going.
    paused
        Arms that the pause rule stopped.
    metric
        What is compared.
    error_rate, region
        What the stop rule was asked for.
    days
        Days of the log.
    """

    decision: str
    leader: str | None
    arms: tuple[ArmSummary, ...]
    beaten: tuple[str, ...]
    value_remaining: float | None
    waiting: tuple[str, ...]
    paused: tuple[Paused, ...]
    metric: str
    error_rate: float
    region: float
    days: int

    @property
    def stop(self) -> bool:
        """Whether the test is over."""
        return self.decision != KEEP_GOING

    def __getitem__(self, arm: str) -> ArmSummary:
        """Return the summary of one arm."""
        for summary in self.arms:
            if summary.arm == arm:
                return summary
        raise KeyError(arm)

    def to_dict(self) -> dict[str, Any]:
        """Return plain data."""
        return {
            "decision": self.decision,
            "leader": self.leader,
            "metric": self.metric,
            "value_remaining": self.value_remaining,
            "error_rate": self.error_rate,
            "region": self.region,
            "days": self.days,
            "beaten": list(self.beaten),
            "waiting": list(self.waiting),
            "paused": [asdict(paused) for paused in self.paused],
            "arms": [asdict(arm) for arm in self.arms],
        }

    def to_json(self) -> str:
        """Return JSON text."""
        return json.dumps(self.to_dict(), ensure_ascii=False, allow_nan=False)
