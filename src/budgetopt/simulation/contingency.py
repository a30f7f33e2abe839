"""What the plan does when a scenario happens: reserve released, channels paused, others opened."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any, NamedTuple

import numpy as np

from budgetopt.curves.base import Floats
from budgetopt.errors import InputError, did_you_mean
from budgetopt.market import Weather
from budgetopt.market.checks import known, number, whole, wrong
from budgetopt.simulation.limits import Marks

_AT_WORK = 0.1
"""Strength from which a scenario is at work; one that fades is over below it."""


@dataclass(frozen=True)
class Contingency:
    """An answer to a scenario, in the runs and weeks in which it is at work.

    Parameters
    ----------
    scenario
        Name of the scenario.
    release
        Share of the contingency reserve that may be spent then, 0 to 1.
    pause
        Channels that get nothing then.
    spare
        Channels that may get more then, by name the money a week that takes the place of a lower
        cap: a channel with a cap of 0 in the plan is closed until then, and again afterwards. The
        change limit holds for it as for any other.
    after
        Weeks from the first at work until the plan answers, at least 0: what it takes to notice.

    Raises
    ------
    InputError
        ``bad-argument``.
    """

    scenario: str
    release: float = 0.0
    pause: tuple[str, ...] = ()
    after: int = 1
    spare: tuple[tuple[str, float], ...] = ()

    def __post_init__(self) -> None:
        put = object.__setattr__
        put(self, "release", number(self.release, "contingency.release", least=0, most=1))
        put(self, "after", whole(self.after, "contingency.after"))
        names = (self.pause,) if isinstance(self.pause, str) else self.pause
        put(self, "pause", tuple(names))
        put(self, "spare", _amounts(self.spare))

    def to_dict(self) -> dict[str, Any]:
        """Return the contingency as it is written in a plan file; what is default is left out."""
        own = {f.name: getattr(self, f.name) for f in fields(self)}
        said = {f.name: own[f.name] for f in fields(self) if own[f.name] != f.default}
        plain = {k: list(v) if isinstance(v, tuple) else v for k, v in said.items()}
        return plain | ({"spare": dict(self.spare)} if self.spare else {})

    def check(self, scenarios: Sequence[str], channels: tuple[str, ...]) -> None:
        """Raise ``unknown-name`` for a scenario or a channel that is not there."""
        known(self.pause, channels, "contingency.pause")
        known(dict(self.spare), channels, "contingency.spare")
        if self.scenario not in scenarios:
            raise InputError(
                "unknown-name",
                f"a contingency answers the scenario {self.scenario!r}, which is not simulated",
                field="contingencies",
                value=self.scenario,
                remedy=did_you_mean(self.scenario, scenarios),
            )


def _amounts(given: Any) -> tuple[tuple[str, float], ...]:
    try:
        pairs = dict(given).items()
    except (TypeError, ValueError):
        raise wrong("contingency.spare", given, "give money by channel, {name: 2000}") from None
    return tuple((name, number(v, f"contingency.spare.{name}", least=0)) for name, v in pairs)


class Answer(NamedTuple):
    """What the contingencies do in a week.

    Parameters
    ----------
    released
        Share of the contingency reserve, shape ``(runs,)``.
    paused
        Channels that get nothing, shape ``(runs, channels)``.
    spare
        Money that takes the place of a lower cap, likewise.
    """

    released: Floats
    paused: Marks
    spare: Floats


def answer(contingencies: Sequence[Contingency], weather: Weather, week: int) -> Answer:
    """Return what the contingencies do in a week of a chunk of runs.

    Where several release or open, the most counts.
    """
    names = weather.market.channels
    released = np.zeros(weather.runs)
    paused = np.zeros((weather.runs, len(names)), dtype=bool)
    spare = np.zeros((weather.runs, len(names)))
    for one in contingencies:
        scenario = next(s for s in weather.scenarios if s.name == one.scenario)
        window = scenario.window(weather.market.start)
        strong = [scenario.strength(at, window) >= _AT_WORK for at in range(1, week + 1)]
        if not strong[-1] or not any(strong[: max(week - one.after, 0)]):
            continue
        happens = weather.happens[one.scenario]
        released = np.maximum(released, np.where(happens, one.release, 0.0))
        paused |= happens[:, None] & np.isin(names, one.pause)
        caps = [dict(one.spare).get(name, 0.0) for name in names]
        spare = np.maximum(spare, np.where(happens[:, None], caps, 0.0))
    return Answer(released, paused, spare)
