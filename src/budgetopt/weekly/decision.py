"""One week's decision: the split, and for every channel why its money moves or stays.

A `Move` is one channel's change with what the moved money brings, here and at this week's margin,
and the limit or guard that stops it; its reason is made of these fields alone. `moves_of` and
`gains_of` work them out from an allocation, its problem and its prices. A `Decision` is the dated
record of all of it, which JSON keeps and reads back, records of the version before too.

What money brings at the margin holds for small moves; for large ones the moved money's own worth,
with its range over draws, is the figure to read.
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any, NamedTuple, Self

import numpy as np

from budgetopt.arguments import public
from budgetopt.arrays import Floats
from budgetopt.calendar import Week
from budgetopt.curves import Curve
from budgetopt.errors import InputError
from budgetopt.i18n import (
    Message,
    in_language,
    listed,
    messages_of,
    quoted,
    restored,
    say,
    show_bound,
    show_figure,
)
from budgetopt.money import difference_of, ratio_of, total_of
from budgetopt.money import show_amount as show
from budgetopt.notebook import Card, Shown
from budgetopt.optimize import (
    Allocation,
    Problem,
    expected,
    held_back,
    how_good,
    last_split,
    on_priors,
    split_rows,
)
from budgetopt.plan import Plan, nature_of
from budgetopt.records import JsonRecord
from budgetopt.weekly.guardrails import Beyond, Intervention
from budgetopt.weekly.targets import TargetStatus

if TYPE_CHECKING:
    import pandas as pd

_ALIKE = 0.005
"""Two figures that differ by a smaller share read as the same."""


@dataclass(frozen=True)
class Move:
    """What happens to one channel's money.

    Parameters
    ----------
    channel
        Name.
    before, after
        Money of the last applied week (None where there was none) and of this one.
    worth
        Expected outcome, in this channel, of the money that moves.
    low, high
        5 and 95 % quantiles of it over draws of what is believed; None where there are none.
    elsewhere
        What as much money brings at this week's margin, the price of the budget.
    limit
        Name of the limit that the money meets; empty where it meets none.
    held
        Why a guard holds the money where it was, or what its outcome rests on where no week has
        any data; empty where there is nothing to say.
    spare
        Whether the week's budget has money to spare.
    """

    channel: str
    before: Decimal | None
    after: Decimal
    worth: float = 0.0
    elsewhere: float = 0.0
    limit: str = ""
    held: str = ""
    spare: bool = False
    low: float | None = None
    high: float | None = None

    @property
    def change(self) -> Decimal:
        """Money that moves, negative for less; the whole where there was none before."""
        return difference_of(self.after, self.before or Decimal(0))

    @property
    def share(self) -> float | None:
        """The change as a share of the money before, None where that was nothing."""
        return ratio_of(self.change, self.before) if self.before else None

    @property
    def ranged(self) -> bool:
        """Whether its reason says a range."""
        return None not in (self.low, self.before) and bool(self.change)

    @property
    def reason(self) -> str:
        """What happens, what that money brings, and what stops it: one clause of the fields."""
        said = self._what()
        if self.held:
            return say("move-and-held", move=said, held=self.held)
        if self.limit == "lock":
            return say("move-locked", move=said)
        if self.before is not None and self.change:
            said = self._because(said)
        return say("move-and-limit", move=said, limit=self.limit) if self.limit else said

    def _what(self) -> str:
        after = show(self.after)
        if self.before is None:
            return say("move-first-week", after=after)
        if not self.change:
            return say("stays", after=after)
        before, up = show(self.before), self.change > 0
        if not self.before:
            return say("move-up-from-zero", before=before, after=after)
        share = f"{ratio_of(self.change, self.before):+.1%}"
        if up:
            return say("move-up", before=before, after=after, share=share)
        return say("move-down", before=before, after=after, share=share)

    def _because(self, move: str) -> str:
        """Say what the money that moves brings here, beside what it brings at the margin."""
        here, there = self.worth, self.elsewhere
        code = "extra-returns" if self.change > 0 else "cut-returns"
        gain = say(code, money=show(self.change.copy_abs()), here=self._here())
        said = {"move": move, "gain": gain}
        if not there:
            return say("move-gain-money-to-spare" if self.spare else "move-gain", **said)
        if abs(here - there) <= _ALIKE * there:
            return say("move-gain-at-margin", **said)
        # A policy that does not go by the margin may move against it.
        usual = (self.change > 0) == (here > there)
        code = "move-because-gain" if usual else "move-despite-gain"
        return say(code, **said, there=show_figure(there, 4))

    def _here(self) -> str:
        worth = show_figure(self.worth, 4)
        if self.low is None or self.high is None:
            return worth
        low, high = show_figure(self.low, 4), show_figure(self.high, 4)
        return say("worth-range", worth=worth, low=low, high=high)

    def to_dict(self) -> dict[str, Any]:
        """Return the fields as plain data, and the reason for those who read no further."""
        before = None if self.before is None else str(self.before)
        plain = asdict(self) | {"before": before, "after": str(self.after)}
        return {**plain, "reason": str(self.reason)}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any], words: Mapping[str, Any]) -> Self:
        """Return the move of `to_dict`.

        Parameters
        ----------
        data
            What `to_dict` returned.
        words
            How `limit` and `held` were made, as `messages_of` says.
        """
        return cls(
            data["channel"],
            None if data["before"] is None else Decimal(data["before"]),
            Decimal(data["after"]),
            float(data["worth"]),
            float(data["elsewhere"]),
            restored(data["limit"], words),
            restored(data["held"], words),
            bool(data["spare"]),
            *(None if data[end] is None else float(data[end]) for end in ("low", "high")),
        )


def below_cost(plan: Plan, moves: Sequence[Move]) -> tuple[Message, ...]:
    """Say which channels' extra money returns less than it costs, where the outcome is money.

    More outcome is what the plan asks for, whatever it costs; who wants profit has to say so.
    """
    if nature_of(plan) != "money" or plan.goal.kind != "outcome" or plan.goal.weights:
        return ()
    short = [m for m in moves if m.before is not None and 0 <= m.worth < float(m.change)]
    names = [quoted(move.channel) for move in short]
    return (say("returns-below-cost", channels=listed(names, _NAMED)),) if names else ()


_NAMED = 6
"""Channels that one note names."""
ENDS = (0.05, 0.95)
"""Quantiles between which the range of an outcome lies, as in `Spread`."""


def moves_of(
    allocation: Allocation,
    last: Mapping[str, Decimal],
    problem: Problem,
    prices: Floats,
    held: Mapping[str, str] | None = None,
    drawn: Curve | None = None,
    silent: Mapping[str, str] | None = None,
) -> tuple[Move, ...]:
    """Return one move a channel, with what its reason is made of.

    Parameters
    ----------
    allocation
        The split.
    last
        Last applied money by channel; a channel without is new.
    problem
        The week, with the expected curves over the allocation's channels.
    prices
        Prices of the problem's rows at its best split, the budget first.
    held
        Why a guard holds the channels that it holds, by name.
    drawn
        Curves drawn from the belief, draws before the channels, for the range of what moves bring.
    silent
        What is said of channels on which nothing was spent, of late or ever, by name.
    """
    held, silent = held or {}, silent or {}
    names = list(allocation.spend)
    before = np.array([float(last.get(n, 0)) for n in names])
    after = np.array([float(allocation.spend[n]) for n in names])
    worth = np.abs(problem.curves.value(after) - problem.curves.value(before))
    low, high = _range(drawn, before, after)
    # Where nothing may be spent the price can be infinite, and says nothing of money that moves.
    price = _outcome_price(problem, np.where(np.isfinite(prices), prices, 0.0))
    elsewhere = price * np.abs(after - before)
    limits, spare = dict(allocation.limits()), not prices[0]
    moves = []
    for at, name in enumerate(names):
        was, now = last.get(name), allocation.spend[name]
        here, there = float(worth[at]), float(elsewhere[at])
        why = silent.get(name, "") or (held.get(name, "") if now == was else "")
        limit, ends = limits.get(name, ""), (low[at], high[at])
        moves.append(Move(name, was, now, here, there, limit, why, spare, *ends))
    return tuple(moves)


class Gains(NamedTuple):
    """What a decision brings more than last week's split, None where there was none.

    Parameters
    ----------
    total
        By the goal, whatever the two splits cost.
    split
        The part of it that is due to the split: what it brings more than last week's proportions
        at the same money. The rest is due to more or less money.
    outcome
        The total in expected outcome, whatever the goal.
    prior
        The part of the total that rests on priors alone (see `budgetopt.optimize.on_priors`); for
        the least spend the part of the outcome.
    """

    total: float | None = None
    split: float | None = None
    outcome: float | None = None
    prior: float | None = None


def gains_of(problem: Problem, allocation: Allocation, belief: Any) -> Gains:
    """Return what an allocation brings more than last week's split, and what that rests on."""
    last = problem.last_money
    spend = np.array([float(money) for money in allocation.spend.values()])
    now, then = (problem.objective(money) for money in (spend, last))
    same = problem.objective(last_split(problem, spend))
    outcome = float(problem.curves.value(last).sum())
    weight = problem.weight if allocation.goal != "least-spend" else np.ones(last.size)
    after, before = (on_priors(belief, problem.curves, money) for money in (spend, last))
    prior = float(weight @ (after - before))
    return Gains(now - then, now - same, allocation.outcome - outcome, prior)


def _range(drawn: Curve | None, before: Floats, after: Floats) -> list[list[float | None]]:
    """Return quantiles of what the money that moves brings, None where nothing is known."""
    if drawn is None:
        return [[None] * len(before)] * 2
    # Where every curve is pinned there is one draw, without an axis of its own.
    worth = np.atleast_2d(np.abs(drawn.value(after) - drawn.value(before)))
    ends: list[list[float | None]] = np.quantile(worth, ENDS, axis=0).tolist()
    return ends


def _outcome_price(problem: Problem, prices: Floats) -> Floats:
    """Return what a unit of money costs at the margin, in outcome of each channel.

    It is what the unit uses of all rows at their prices, shape ``(channels,)``.
    """
    if problem.plain:
        return np.full(len(problem.names), prices[0])
    money = problem.cost + problem.rows.money.T @ prices
    outcome = problem.weight + np.maximum(problem.rows.outcome.T @ prices, 0.0)
    return np.asarray(np.maximum(money, 0.0) / np.where(outcome > 0, outcome, np.inf))


SCHEMA_VERSION = 3
_AS_GOOD = 1e-3
"""Gap up to which a split is as good as the best."""
_GAIN_DIGITS = 3
"""Digits of a difference between two expected outcomes: more are not known."""
_LITTLE_GAIN, _LITTLE_BROUGHT = 0.1, 1e-3
"""Shares of the gain, and of what is brought, below which what rests on priors is not said."""
_SAME_MONEY = 1e-3
"""Share up to which two weeks have the same money."""
_GOALS = {
    "outcome": say("expected-outcome"),
    "weights": say("expected-weighted-outcome"),
    "profit": say("expected-profit"),
}
"""What is gained, by the goal."""
_GUARDS = {
    "freeze": say("cause-frozen"),
    "missing-report": say("cause-report-missing"),
    "impossible-report": say("cause-report-impossible"),
    "calibration": say("cause-predictions-off"),
    "most-loss": say("cause-might-lose"),
    "limits": say("cause-no-room"),
    "otherwise": say("cause-policy-failed"),
}
"""Why nothing moves, by the guard that stepped in."""


@public
@dataclass(frozen=True, repr=False)
class Decision(Shown, JsonRecord):
    """An allocation for a dated week, with its reasons and where it came from.

    Parameters
    ----------
    week
        The week decided.
    allocation
        The verified split.
    moves
        One `Move` a channel, in the plan's order.
    policy
        Name of the policy that was asked.
    seed
        Seed of the policy's random numbers.
    gains
        What it brings more than last week's split under the same curves, by the plan's goal, and
        how much of that is due to the split and not to more or less money.
    history
        Fingerprint of the history that was used.
    notes
        What a reader should know of plan, history and belief, and the sentences of `fired`.
    decided_by
        Name of the policy whose split it is: another one where a guard held the week, or where
        the policy could not solve it. By default `policy`.
    fired
        Every guard that stepped in, with its numbers.
    beyond
        A notably better split that the change limits keep out of reach, where curves are S-shaped;
        None where there is none.
    targets
        Where the plan's dated targets stand and where this split takes them.

    Raises
    ------
    InputError
        ``bad-argument`` where the moves do not say what the allocation does.
    """

    _VERSIONS = (SCHEMA_VERSION,)

    week: Week
    allocation: Allocation
    moves: tuple[Move, ...]
    policy: str
    seed: int
    gains: Gains
    history: str
    notes: tuple[str, ...] = ()
    decided_by: str = ""
    fired: tuple[Intervention, ...] = ()
    beyond: Beyond | None = None
    targets: tuple[TargetStatus, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "decided_by", self.decided_by or self.policy)
        spend = {m.channel: m.after for m in self.moves}
        limits = [(m.channel, m.limit) for m in self.moves if m.limit]
        if spend != self.allocation.spend or limits != self.allocation.limits():
            raise InputError(
                "bad-argument",
                say("moves-decision-differ-spends"),
                field="moves",
                remedy=say("remedy-move-channel-money-limit"),
            )

    @property
    def moved(self) -> bool:
        """Whether any channel's money changes."""
        return any(move.change for move in self.moves)

    @property
    def before(self) -> Decimal:
        """Money of the last applied week, all channels together."""
        return total_of(move.before or Decimal(0) for move in self.moves)

    @property
    def gain(self) -> float | None:
        """What it brings more than last week's split by the goal; None without a last week."""
        return self.gains.total

    @property
    def money_gain(self) -> float | None:
        """The part of the gain that is due to more or less money, in last week's proportions."""
        total, split = self.gains.total, self.gains.split
        return None if total is None or split is None else total - split

    def explain(self, language: str = "en") -> str:
        """Return the decision in sentences.

        Parameters
        ----------
        language
            ``"en"`` or ``"zh"``, with the same numbers.
        """
        return "\n".join(in_language(line, language) for line in self._lines())

    def to_frame(self) -> pd.DataFrame:
        """Return one row a channel as `Allocation.to_frame`, with the week and the reason.

        The last spend is NaN where no week reported it.
        """
        frame, moves = self.allocation.to_frame(), self.moves
        frame["last"] = [math.nan if m.before is None else float(m.before) for m in moves]
        frame.insert(0, "week", str(self.week.start))
        frame["reason"] = [m.reason for m in moves]
        return frame

    def _card(self) -> Card:
        heads, rows = split_rows(self.allocation)
        last = ["" if m.before is None else show(m.before) for m in self.moves]
        rows = [(row[0], was, *row[2:]) for row, was in zip(rows, last, strict=True)]
        good = how_good(self.allocation)
        brings = say("expected-outcome-line", outcome=expected(self.allocation), how_good=good)
        if self.allocation.spread is not None:
            known = say("outcome-range", range=self.allocation.spread.summary())
            brings = say("two-sentences", one=brings, other=known)
        return Card(say("two-sentences", one=self._heading(), other=brings), heads, rows)

    def _lines(self) -> list[str]:
        week = self.allocation
        notes, first = [say("note-line", note=note) for note in self.notes], week.timed_out
        lines = [*notes[:first], self._heading()]
        if week.unspent:
            money = show(week.unspent)
            lines.append(say("unspent-amount", money=money, currency=week.currency))
        lines += held_back(week)
        outcome, good = expected(week), how_good(week)
        lines.append(say("expected-outcome-line", outcome=outcome, how_good=good))
        if week.spread is not None:
            lines.append(say("outcome-range", range=week.spread.summary()))
        if self.gain is not None:
            lines += filter(None, [self.against_last(), self.on_priors()])
        if not self.moved:
            lines.append(self.why_nothing_moves())
        if self.beyond is not None:
            lines.append(self.beyond.sentence())
        if any(move.ranged for move in self.moves):
            lines.append(say("range-meaning"))
        for move in self.moves:
            lines.append(say("channel-reason", channel=move.channel, reason=move.reason))
        return [*lines, *notes[first:]]

    def _heading(self) -> str:
        what = {
            "week": str(self.week),
            "total": show(self.allocation.total),
            "budget": show(self.allocation.budget),
            "currency": self.allocation.currency,
            "policy": self.decided_by,
        }
        if self.decided_by == self.policy:
            return say("decision-headline", **what)
        return say("decision-headline-fallback", asked=self.policy, **what)

    def why_nothing_moves(self) -> str:
        """Return in one sentence why no money moves; empty where some does."""
        if self.moved:
            return ""
        # An alarm that ranges are too wide holds nothing.
        guards = [
            one
            for one in self.fired
            if one.guard in _GUARDS
            and (one.guard != "calibration" or "widened" in dict(one.figures))
        ]
        held = {name for one in guards for name in one.channels}
        if any(not one.channels for one in guards) or held.issuperset(self.allocation.spend):
            why = tuple(_GUARDS[guard] for guard in dict.fromkeys(one.guard for one in guards))
            return say("hold-because", why=why)
        if not any(move.before for move in self.moves):
            return say("hold-no-money")
        more = show_bound(max(0.0, self.allocation.bound - self.allocation.objective), 3)
        if self.allocation.gap > _AS_GOOD:
            return say("hold-by-policy", policy=self.decided_by, more=more)
        return say("hold-optimal", more=more)

    def against_last(self) -> str:
        """Return the gain in one sentence; empty where there is none.

        Where the two weeks have other money, both parts of the gain are said.
        """
        if self.gain is None:
            return ""
        week = self.allocation
        said = {
            "before": show(self.before),
            "gain": show_figure(self.gain, _GAIN_DIGITS, sign=True),
        }
        if week.goal == "least-spend":
            return self._against_least(said["before"])
        said["what"] = _GOALS[week.goal]
        more = difference_of(week.total, self.before)
        same = abs(float(more)) <= _SAME_MONEY * float(self.before)
        if self.money_gain is None or same or not self.before:
            return say("gain-against-last", **said)
        said |= {
            "change": show(more.copy_abs()),
            "money": show_figure(self.money_gain, _GAIN_DIGITS, sign=True),
            "split": show_figure(self.gain - self.money_gain, _GAIN_DIGITS, sign=True),
        }
        if more > 0:
            return say("gain-against-last-more-money", **said)
        return say("gain-against-last-less-money", **said)

    def on_priors(self) -> str:
        """Return in one sentence how much of the gain rests on priors alone; empty for little.

        It is said from a tenth of the gain and a thousandth of what the split brings.
        """
        week, part = self.allocation, self.gains.prior
        least = week.goal == "least-spend"
        gain = self.gains.outcome if least else self.gain
        if part is None or gain is None:
            return ""
        brings = abs(week.outcome if least else week.objective)
        if abs(part) < max(_LITTLE_GAIN * abs(gain), _LITTLE_BROUGHT * brings) or not part:
            return ""
        parts = {"part": part, "rest": gain - part}
        said = {name: show_figure(one, _GAIN_DIGITS, sign=True) for name, one in parts.items()}
        return say("gain-on-priors", **said)

    def _against_least(self, before: str) -> str:
        """Return how much less money it takes than last week, and what that does to the outcome."""
        more = difference_of(self.allocation.total, self.before)
        said = {
            "before": before,
            "change": show(more.copy_abs()),
            "gain": show_figure(self.gains.outcome or 0.0, _GAIN_DIGITS, sign=True),
        }
        if more > 0:
            return say("more-money-against-last", **said)
        return say("less-money-against-last", **said)

    def to_dict(self) -> dict[str, Any]:
        """Return plain data that `from_dict` takes and JSON keeps."""
        parts = [part for m in self.moves for part in (m.limit, m.held)]
        parts += [part for one in self.targets for part in (one.name, one.wanted)]
        return {
            "schema_version": SCHEMA_VERSION,
            "week": self.week.start.isoformat(),
            "iso_week": self.week.iso,
            "policy": self.policy,
            "decided_by": self.decided_by,
            "seed": self.seed,
            "gain": self.gain,
            "gain_of_split": self.gains.split,
            "gain_of_money": self.money_gain,
            "gain_in_outcome": self.gains.outcome,
            "gain_on_priors": self.gains.prior,
            "history": self.history,
            "notes": list(self.notes),
            "fired": [one.to_dict() for one in self.fired],
            "beyond": None if self.beyond is None else self.beyond.to_dict(),
            "moves": [move.to_dict() for move in self.moves],
            # Written only where there are some, as records of the version before have none.
            **({"targets": [one.to_dict() for one in self.targets]} if self.targets else {}),
            "words": messages_of([*self.notes, *parts]),
            "allocation": self.allocation.to_dict(),
        }

    @classmethod
    def _of_data(cls, data: Mapping[str, Any]) -> Self:
        words = data["words"]
        return cls(
            week=Week(dt.date.fromisoformat(data["week"])),
            allocation=Allocation.from_dict(data["allocation"]),
            moves=tuple(Move.from_dict(move, words) for move in data["moves"]),
            policy=data["policy"],
            seed=int(data["seed"]),
            # Older records have the whole alone.
            gains=Gains(
                data["gain"],
                *map(data.get, ("gain_of_split", "gain_in_outcome", "gain_on_priors")),
            ),
            history=data["history"],
            notes=tuple(restored(note, words) for note in data["notes"]),
            decided_by=data["decided_by"],
            fired=tuple(Intervention.from_dict(one) for one in data["fired"]),
            beyond=Beyond.from_dict(data.get("beyond")),
            targets=tuple(TargetStatus.from_dict(one, words) for one in data.get("targets", ())),
        )
