"""What a verdict says, in sentences."""

from __future__ import annotations

from budgetopt.experiments.verdict import NO_DIFFERENCE, WINNER, Verdict
from budgetopt.figures import show_figure

TITLES = {
    "ctr": "CTR",
    "cvr": "CVR",
    "cpa": "CPA",
    "revenue-per-click": "revenue per click",
    "revenue-per-conversion": "revenue per conversion",
}


def sentences(verdict: Verdict) -> list[str]:
    """Return what a verdict says, in sentences."""
    error, region = f"{verdict.error_rate:.3g}", f"{verdict.region:.3g}"
    sure = f"wrong in at most {_percent(error)} of tests, however often one looks"
    if verdict.decision == WINNER:
        said = [f"{verdict.leader} is better than every other arm ({sure})."]
    elif verdict.decision == NO_DIFFERENCE:
        said = [
            f"Take {verdict.leader}: every other arm is worse or within {_percent(region)} of it "
            f"({sure})."
        ]
    elif verdict.leader is None:
        said = ["Nothing was seen yet: keep going."]
    else:
        said = [f"Keep going: {verdict.leader} leads, which is not sure yet."]
    settled = verdict.decision in (WINNER, NO_DIFFERENCE)
    if verdict.value_remaining is not None:
        left = verdict.value_remaining
        said.append(
            f"Another arm may still be up to {left:.1%} better than {verdict.leader} (95% sure)."
            if left
            else f"{verdict.leader} is the best arm with a probability of 95% or more"
            + ("." if settled else ", which is not enough where one looks every day.")
        )
    if verdict.waiting:
        said.append(f"Minimum cells not complete: {', '.join(verdict.waiting)}.")
    said += [
        f"{p.arm} is paused since {p.day}: its {p.reason.upper()} is beyond the line with a "
        f"probability of {_chance(p.probability)}."
        for p in verdict.paused
    ]
    return said


def _rate(value: float) -> str:
    return f"{show_figure(100 * value, 3)}%"


def _figure(value: float) -> str:
    return show_figure(value, 4)


def _percent(share: str) -> str:
    return f"{100 * float(share):g}%"


def _chance(share: float) -> str:
    return "over 99.9%" if share > 0.999 else f"{share:.1%}"
