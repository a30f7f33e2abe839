"""What if: one week's optimum of a plan under changed inputs, side by side, without chance.

From simple to subtle:

- `what_if` solves the plan anew for each `Change`;
- `sensitivity` moves one input at a time, and says which moves the optimum's outcome most;
- `sobol` moves all of them together, and says which the outcome's variance is due to.

Where this stops: curves are taken as known; what is not known of them is the simulator's subject.
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from budgetopt.arguments import public
from budgetopt.arrays import Floats
from budgetopt.belief import learn
from budgetopt.calendar import Week
from budgetopt.errors import InfeasibleError, PlanError, as_number
from budgetopt.history import History
from budgetopt.i18n import Message, in_language, listed, say, show_figure
from budgetopt.market import Change, Relative, cases_of, known, whole, wrong
from budgetopt.notebook import Card, Progress, Shown, brief, progress_bar
from budgetopt.optimize import (
    GOAL_WORDS,
    Allocation,
    Known,
    allocate,
    curves_of,
    expected,
    goal_of,
    last_spend,
    on_week,
    untried,
    untried_note,
)
from budgetopt.plan import Plan, kind_of, return_words, unused

if TYPE_CHECKING:
    import pandas as pd

AS_PLANNED = say("as-planned")
_SAME_MONEY = 1e-3
"""Share up to which two answers spend the same."""


@brief
class Optimum(NamedTuple):
    """One week's optimum under a change.

    Parameters
    ----------
    name
        Of the change.
    budget
        Money that may be spent.
    spend, outcome, value
        Of the optimum: money, expected outcome, and its worth; NaN where there is none.
    split
        Money by channel.
    problem
        Why no split keeps the limits; empty where one does.
    allocation
        The verified split, with the range of its outcome; None where there is none.
    changed
        What is other than planned, in clauses.
    """

    name: str
    budget: float
    spend: float
    outcome: float
    value: float
    split: tuple[tuple[str, float], ...]
    problem: str = ""
    allocation: Allocation | None = None
    changed: tuple[Message, ...] = ()


@dataclass(frozen=True, repr=False)
class WhatIf(Shown):
    """Answers side by side, the plan as it is first.

    Parameters
    ----------
    answers
        One for each change.
    plan
        The plan as it is; it says what the outcome is worth, if that is known.
    notes
        What a reader should know: the demand of its week, and fields of the plan that are not used.
    """

    answers: tuple[Optimum, ...]
    plan: Plan = field(repr=False, compare=False)
    notes: tuple[str, ...] = ()

    def __getitem__(self, name: str) -> Optimum:
        """Return the answer of a change.

        Raises
        ------
        InputError
            ``unknown-name``.
        """
        known([name], tuple(answer.name for answer in self.answers), "what_if")
        return next(answer for answer in self.answers if answer.name == name)

    def to_frame(self) -> pd.DataFrame:
        """Return one row for each change, with its difference from the plan as it is."""
        import pandas as pd

        return pd.DataFrame(self._rows())

    def to_dict(self) -> dict[str, Any]:
        """Return the answers as plain data, what is not known as None."""
        rows = [
            {k: None if isinstance(v, float) and not math.isfinite(v) else v for k, v in r.items()}
            for r in self._rows()
        ]
        changed = [[part.to_dict() for part in a.changed] for a in self.answers]
        cases = [row | {"changed": parts} for row, parts in zip(rows, changed, strict=True)]
        return {"currency": self.plan.currency, "outcome": self.plan.outcome, "cases": cases,
                "notes": list(self.notes)}  # fmt: skip

    def _rows(self) -> list[dict[str, Any]]:
        base, rows = self.answers[0], []
        for a in self.answers:
            spread = None if a.allocation is None else a.allocation.spread
            row: dict[str, Any] = {"change": a.name, "budget": a.budget, "spend": a.spend}
            row |= {"outcome": a.outcome, "more outcome": a.outcome - base.outcome}
            if self.by_worth:
                row |= {"worth": self.worth(a), "more worth": self.worth(a) - self.worth(base)}
            if base.allocation is not None and base.allocation.spread is not None:
                row["low"], row["high"] = (
                    (math.nan, math.nan) if spread is None else (spread.low, spread.high)
                )
            row |= self.kinds(a) or self.returns(a)
            row |= {f"spend on {name}": money for name, money in a.split}
            rows.append(row | {"problem": a.problem})
        return rows

    @property
    def by_worth(self) -> bool:
        """Whether cases are compared by what the goal says that they are worth, not by outcome."""
        return goal_of(self.plan) in _BY_WORTH

    def worth(self, answer: Optimum) -> float:
        """Return what a case is compared by: its profit or weighted outcomes, or its outcome."""
        return _worth(self.plan, answer)

    def returns(self, answer: Optimum) -> dict[str, float]:
        """Return what money brings, and the profit where the outcome's worth is known, by name."""
        if self.plan.goal.weights:
            # What is weighed has no price: neither CPA nor ROAS, nor a profit, is the goal's.
            return {}
        words, spend, value = return_words(self.plan), answer.spend, answer.value
        above, below = (spend, value) if words.inverse else (value, spend)
        found = {words.average: above / below if below else math.nan}
        return found | ({"profit": value - spend} if kind_of(self.plan) == "money" else {})

    def kinds(self, answer: Optimum) -> dict[str, float]:
        """Return the outcomes that the goal weighs, by name, and their sum; none where it does not.

        As in `Frontier`, it takes the place of what money brings.
        """
        names, week = [name for name, _ in self.plan.goal.weights], answer.allocation
        each = {name: math.nan if week is None else week.kinds[name] for name in names}
        return each | ({say("by-weights"): self.worth(answer)} if each else {})

    def _card(self) -> Card:
        rows = []
        for a in self.answers:
            brings = self.kinds(a) or {"": a.outcome, **self.returns(a)}
            brings.pop("profit", None)
            figures = (a.spend, *brings.values())
            shown = [show_figure(v, 5) if math.isfinite(v) else "-" for v in figures]
            rows.append((a.name, *shown))
        words = say("outcome"), return_words(self.plan).average
        heads = (say("case"), say("spend"), *(self.kinds(self.answers[0]) or words))
        return Card(say("what-if-title", currency=self.plan.currency), heads, rows)

    def summary(self, language: str = "en") -> str:
        """Return a sentence for each change, in ``"en"`` or ``"zh"``."""
        lines = [self._sentence(answer) for answer in self.answers]
        lines += [say("note-line", note=note) for note in self.notes]
        return "\n".join(in_language(line, language) for line in lines)

    def _sentence(self, answer: Optimum) -> Message:
        base = self.answers[0]
        if answer.problem:
            return say("case-impossible", case=answer.name, why=answer.problem)
        values = {
            "case": answer.name,
            "spend": show_figure(answer.spend),
            "currency": self.plan.currency,
            "outcome": self._brings(answer),
        }
        if answer is base:
            return say("case-brings", **values)
        before = self.worth(base)
        gap = self.worth(answer) - before
        share = f"{gap / before:+.1%}" if before > 0 else show_figure(gap, 3, sign=True)
        money = answer.spend - base.spend
        if abs(money) <= _SAME_MONEY * base.spend:
            return say("case-brings-more", **values, more=share)
        return say("case-more-for", **values, more=share, money=show_figure(money, sign=True))

    def _brings(self, answer: Optimum) -> str:
        """Return what a case brings, in the words of the goal."""
        goal, week = goal_of(self.plan), answer.allocation
        if goal == "weights" and week is not None:
            return expected(week)
        figure = show_figure(answer.outcome, 5)
        outcome = say("outcome-figure", figure=figure, outcome=self.plan.outcome)
        if goal != "profit":
            return outcome
        return say("outcome-and-profit", outcome=outcome, profit=show_figure(self.worth(answer)))


@public
def what_if(
    plan: Plan,
    curves: Any = None,
    changes: Mapping[str, Change | Mapping[str, Any]] | None = None,
    *,
    history: History | None = None,
    last: Mapping[str, Any] | None = None,
    week: Week | dt.date | str | None = None,
    progress: Progress | bool | None = None,
) -> WhatIf:
    """Solve one week of a plan as it is, and again under each change.

    Parameters
    ----------
    plan
        Budget, channels and limits.
    curves
        As in `allocate`: a belief, a mapping, or None for what the history says, or else for the
        plan's own.
    changes
        By name: a `Change` or its parts; None for the plan's cases.
    history
        Weeks to learn from where no curves are given, and whose last spend counts where no other
        is given.
    last
        Last applied spend, for the change limit.
    week
        A day of the week that is looked at, as in `allocate`.
    progress
        As in `frontier`, of the changes.

    Returns
    -------
    WhatIf
        The split of most expected outcome for each, as `allocate` gives it for a plan that is
        changed by hand. A change under which no split keeps the limits has the reason in place of
        an answer.

    Raises
    ------
    InputError
        ``bad-argument``, ``unknown-name``.
    InfeasibleError
        Where the plan has no split as it is.

    Examples
    --------
    >>> from budgetopt.curves import Log
    >>> from budgetopt.plan import Channel
    >>> plan = Plan(budget=100, currency="CNY", channels=[Channel("a"), Channel("b")])
    >>> found = what_if(plan, {"a": Log(3, 10), "b": Log(1, 10)}, {"less": {"budget": "-20%"}})
    >>> print(found.summary())
    as planned: 100 CNY should return 7.6903 outcome.
    less: 80 CNY should return 6.961 outcome, -9.5% for -20 CNY.
    """
    if history is not None:
        past = history.select(plan.names, plan.currency).complete()
        curves = learn(past, plan) if curves is None else curves
        last = last_spend(plan, past) if last is None else last
    dated = on_week(plan, curves, week, last)
    notes = (*dated.notes, *unused(dated.plan, "what-if", curves))
    plan, curves, rows = dated.plan, dated.curves, []
    given: dict[str, Change] = {AS_PLANNED: Change()}
    for name, change in (cases_of(plan) if changes is None else changes).items():
        given[name] = change if isinstance(change, Change) else Change.from_dict(change)
        given[name].check(plan.names)
    with progress_bar(progress, "what-if") as told:
        for name, change in given.items():
            try:
                rows.append(answer_under(change, plan, curves, name=name, last=last))
            except (InfeasibleError, PlanError) as error:
                clash = isinstance(error, InfeasibleError) or error.code == "bounds-clash"
                if name == AS_PLANNED or not clash:
                    raise
                nothing = tuple((channel, math.nan) for channel in plan.names)
                missing = (math.nan,) * 4
                changed = change.parts(plan.currency)
                rows.append(Optimum(name, *missing, nothing, error.problem, None, changed))
            told(len(rows), len(given))
    weeks = [(row.name, row.allocation) for row in rows if row.allocation is not None]
    out = [name for name, week in weeks if week.extrapolated]
    beyond = [say("extrapolated-cases", cases=listed(out))] if out else []
    rests = [
        say("name-and-share", name=name, share=week.on_priors)
        for name, week in weeks
        if week.on_priors
    ]
    beyond += [say("on-priors-cases", cases=listed(rests))] if rests else []
    alone = [untried(curves, week.spend) for _, week in weeks]
    names = [name for name in plan.names if any(name in each for each in alone)]
    return WhatIf(tuple(rows), plan, (*untried_note(names), *notes, *beyond))


def answer_under(
    change: Change,
    plan: Plan,
    curves: Any,
    *,
    name: str = "",
    last: Mapping[str, Any] | None = None,
) -> Optimum:
    """Return the optimum of a plan under one change.

    Raises
    ------
    InfeasibleError
        Where no split keeps the limits.
    PlanError
        ``bounds-clash`` for a cap below its floor.
    """
    plan, curves = change.of(plan, curves)
    week = allocate(plan, curves, last=last)
    split = tuple((channel, float(money)) for channel, money in week.spend.items())
    outcomes = np.array([week.outcomes[channel] for channel in plan.names])
    value = float(plan.values @ outcomes)  # a plan is no data frame
    return Optimum(
        name,
        float(plan.spendable),
        float(week.total),
        week.outcome,
        value,
        split,
        allocation=week,
        changed=change.parts(plan.currency),
    )


_BY_WORTH = ("profit", "weights")
"""Goals by which outcomes are not compared as they are."""


def _worth(plan: Plan, answer: Optimum) -> float:
    """Return what the goal compares answers by: profit or weighted outcomes, or the outcome."""
    if goal_of(plan) not in _BY_WORTH:
        return answer.outcome
    return math.nan if answer.allocation is None else answer.allocation.worth


class Swing(NamedTuple):
    """What one input does, moved by the same share down and up.

    Parameters
    ----------
    name
        The input, such as ``"budget"`` or ``"price of douyin"``.
    low, high
        Outcome, or what the goal counts it for, with the input moved down and up; NaN where no
        split keeps the limits.
    """

    name: str
    low: float
    high: float

    @property
    def size(self) -> float:
        """How far apart they are."""
        return abs(self.high - self.low)


@dataclass(frozen=True, repr=False)
class Tornado(Shown):
    """Inputs in the order of what they move, the largest first.

    Parameters
    ----------
    outcome
        Of the plan as it is; where the goal is profit or weighs outcomes, what it counts it for.
    by
        The share by which each input is moved.
    swings
        One for each input.
    notes
        What a reader should know: what the week's demand is, and what of the plan is not used.
    goal
        What the figures are: ``"outcome"``, or ``"profit"`` or ``"weights"`` where that is asked.
    """

    outcome: float
    by: float
    swings: tuple[Swing, ...]
    notes: tuple[str, ...] = ()
    goal: str = "outcome"

    def _card(self) -> Card:
        rows = [
            (input_in_words(s.name), show_figure(s.low, 5), show_figure(s.high, 5))
            for s in self.swings
        ]
        title = say("tornado-planned", outcome=self.planned())
        return Card(title, (say("input"), say("low"), say("high")), rows)

    def planned(self, digits: int = 6) -> str:
        """Return the figure of the plan as it is, with what it counts where that is no outcome."""
        figure = show_figure(self.outcome, digits)
        if self.goal == "outcome":
            return figure
        return say("outcome-figure", figure=figure, outcome=GOAL_WORDS[self.goal])

    def to_frame(self) -> pd.DataFrame:
        """Return one row for each input."""
        import pandas as pd

        rows = [(s.name, s.low, s.high, s.low - self.outcome, s.high - self.outcome, s.size)
                for s in self.swings]  # fmt: skip
        columns = ["input", "outcome low", "outcome high", "change low", "change high", "swing"]
        return pd.DataFrame(rows, columns=columns)

    def summary(self, language: str = "en") -> str:
        """Return a sentence for each of the first inputs, in ``"en"`` or ``"zh"``."""
        lines = [say("tornado-planned", outcome=self.planned())]
        for swing in self.swings[:5]:
            ends = {"low": show_figure(swing.low), "high": show_figure(swing.high)}
            by = f"{self.by:.0%}"
            lines.append(say("tornado-swing", input=input_in_words(swing.name), by=by, **ends))
        lines += [say("note-line", note=note) for note in self.notes]
        return "\n".join(in_language(line, language) for line in lines)


_INPUTS = {
    "budget": say("budget"),
    "price": say("all-prices"),
    "rate": say("all-rates"),
}
_INPUTS_OF = {"price": "input-price", "rate": "input-rate", "cap": "input-cap"}


def input_in_words(name: str) -> Message:
    """Return an input such as ``"price of douyin"`` as a message.

    Examples
    --------
    >>> input_in_words("price of douyin").code, input_in_words("budget")
    ('input-price', 'budget')
    """
    kind, _, channel = name.partition(" of ")
    return say(_INPUTS_OF[kind], channel=channel) if channel else _INPUTS[kind]


def sensitivity(
    plan: Plan,
    curves: Any = None,
    *,
    by: float = 0.1,
    inputs: Sequence[str] | None = None,
    last: Mapping[str, Any] | None = None,
    week: Week | dt.date | str | None = None,
    progress: Progress | bool | None = None,
) -> Tornado:
    """Move one input at a time down and up by a share, and solve the plan anew.

    Parameters
    ----------
    plan, curves, last, week, progress
        As in `what_if`.
    by
        The share, above 0 and below 1.
    inputs
        Which: ``"budget"``, ``"price"`` and ``"rate"`` of all channels, ``"price of x"``, ``"rate
        of x"`` or ``"cap of x"``; by default the budget and all that are of single channels.

    Raises
    ------
    InputError
        ``bad-argument``; ``unknown-name`` for an input that is not there.
    """
    by = as_number(by, "by", above=0, below=1)
    plan, known, notes = _in_week(plan, curves, week, last, "sensitivity")
    names = _inputs(plan, inputs)
    changes = {
        f"{name} {side:+d}": change_of(plan, {name: side * by})
        for name in names
        for side in (-1, 1)
    }
    found = what_if(plan, known, changes, last=last, progress=progress)
    swings = [
        Swing(name, *(found.worth(found[f"{name} {side:+d}"]) for side in (-1, 1)))
        for name in names
    ]
    ordered = sorted(swings, key=lambda s: -s.size if math.isfinite(s.size) else -math.inf)
    planned = found.worth(found[AS_PLANNED])
    goal = goal_of(plan) if found.by_worth else "outcome"
    return Tornado(planned, by, tuple(ordered), notes, goal)


def _in_week(
    plan: Plan,
    curves: Any,
    week: Week | dt.date | str | None,
    last: Mapping[str, Any] | None,
    command: str,
) -> tuple[Plan, Known, tuple[str, ...]]:
    """Return the plan and the curves of a week, and what is to be known of them.

    The curves are those expected, without the draws of a belief, which nothing here asks for.
    """
    dated = on_week(plan, curves, week, last)
    notes = (*dated.notes, *unused(dated.plan, command, curves))
    return dated.plan, Known(dated.plan.names, curves_of(dated.plan, dated.curves)), notes


class Index(NamedTuple):
    """Shares of the outcome's variance.

    Parameters
    ----------
    name
        The input.
    first
        Due to this input alone.
    total
        Due to it alone and together with others.
    """

    name: str
    first: float
    total: float


@brief
@dataclass(frozen=True)
class SobolIndices:
    """How much of the variance of the outcome, as the goal counts it, is due to each input.

    Parameters
    ----------
    indices
        One for each input, the largest total first.
    notes
        As those of a `Tornado`.
    """

    indices: tuple[Index, ...]
    notes: tuple[str, ...] = ()

    def to_frame(self) -> pd.DataFrame:
        """Return one row for each input."""
        import pandas as pd

        return pd.DataFrame(self.indices, columns=["input", "first", "total"])


def sobol(
    plan: Plan,
    curves: Any = None,
    *,
    by: float = 0.1,
    inputs: Sequence[str] | None = None,
    draws: int = 128,
    seed: int = 0,
    last: Mapping[str, Any] | None = None,
    week: Week | dt.date | str | None = None,
    progress: Progress | bool | None = None,
) -> SobolIndices:
    """Move all inputs together, evenly within a share down and up, and split the variance.

    Parameters
    ----------
    plan, curves, by, inputs, last, week, progress
        As in `sensitivity`; of the solutions.
    draws
        A power of 2, at least 8; the plan is solved ``draws (inputs + 2)`` times.
    seed
        Of the scrambled Sobol points.

    Returns
    -------
    SobolIndices
        The largest total first.

    Raises
    ------
    InputError
        ``bad-argument``, ``unknown-name``.
    InfeasibleError
        Where no split keeps the limits in some draw: take a smaller share.
    """
    by = as_number(by, "by", above=0, below=1)
    plan, base, notes = _in_week(plan, curves, week, last, "sobol")
    names = _inputs(plan, inputs)

    done = count(1)

    def outcome(shares: Floats) -> float:
        moved = change_of(plan, dict(zip(names, shares.tolist(), strict=True)))
        brings = _worth(plan, answer_under(moved, plan, base, last=last))
        told(next(done), draws * (len(names) + 2))
        return brings

    with progress_bar(progress, "sobol") as told:
        first, total = sobol_indices(outcome, len(names), by, draws, seed)
    found = [Index(*row) for row in zip(names, first.tolist(), total.tolist(), strict=True)]
    return SobolIndices(tuple(sorted(found, key=lambda index: -index.total)), notes)


def sobol_indices(
    outcome: Callable[[Floats], float], inputs: int, by: float, draws: int, seed: int
) -> tuple[Floats, Floats]:
    r"""Return first-order and total indices of a function of inputs spread evenly on ±by.

    With two sets of points A and B, and :math:`AB_i`, A with column i of B, the first index is
    :math:`\overline{f(B)\,(f(AB_i) - f(A))}/V`, the total one
    :math:`\overline{(f(A) - f(AB_i))^2}/2V`.

    Parameters
    ----------
    outcome
        Takes shares, shape ``(inputs,)``.
    inputs, by, draws, seed
        As in `sobol`.

    Returns
    -------
    tuple of ndarray
        Both of shape ``(inputs,)``; 0 where the function does not vary.

    References
    ----------
    Saltelli et al. (2010), Variance based sensitivity analysis of model output, table 2b. Jansen
    (1999), Analysis of variance designs for model output.
    """
    # Loaded late, as it takes longer than the rest of the room.
    from scipy.stats import qmc

    draws = whole(draws, "draws", least=8)
    if draws & (draws - 1):
        raise wrong("draws", draws, say("remedy-power-2-128"))
    points = qmc.Sobol(2 * inputs, scramble=True, seed=np.random.default_rng(seed)).random(draws)
    a, b = by * (2.0 * points[:, :inputs] - 1.0), by * (2.0 * points[:, inputs:] - 1.0)

    def of(rows: Floats) -> Floats:
        return np.array([outcome(row) for row in rows])

    at_a, at_b = of(a), of(b)
    both = np.concatenate([at_a, at_b])
    middle, variance = both.mean(), both.var()
    first, total = np.zeros((2, inputs))
    for at in range(inputs):
        mixed = a.copy()
        mixed[:, at] = b[:, at]
        found = of(mixed)
        if variance > 0:
            first[at] = np.mean((at_b - middle) * (found - at_a)) / variance
            total[at] = np.mean(np.square(at_a - found)) / (2 * variance)
    return first, total


def change_of(plan: Plan, shares: Mapping[str, float]) -> Change:
    """Return the change that moves inputs by shares of what they are."""
    caps: dict[str, Any] = {}
    price: dict[str, Relative] = {}
    rate: dict[str, Relative] = {}
    for name, share in shares.items():
        kind, _, channel = name.partition(" of ")
        if kind == "cap":
            cap = plan.channels[plan.index[channel]].cap
            money = float(cap or 0) * (1 + share)
            caps[channel] = plan.money.amount(plan.money.nearest(money))
        elif kind in ("price", "rate"):
            (price if kind == "price" else rate)[channel or "*"] = Relative(share)
    return Change(Relative(shares.get("budget", 0.0)), caps, price, rate)


def _inputs(plan: Plan, inputs: Sequence[str] | None) -> list[str]:
    capped = [c.name for c in plan.channels if c.cap is not None and c.locked is None]
    of_channels = [f"{kind} of {name}" for kind in ("price", "rate") for name in plan.names]
    usual = ["budget", *of_channels, *(f"cap of {name}" for name in capped)]
    if inputs is None:
        return usual
    known(inputs, (*usual, "price", "rate"), "inputs")
    if not inputs:
        raise wrong("inputs", (), say("remedy-name-least"), say("no-input-named"))
    return list(inputs)
