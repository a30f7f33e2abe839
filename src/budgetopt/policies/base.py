"""What a policy sees, `View`, and what it answers, `Policy`: one verb, money by channel.

- `BeliefView`: the part of a belief that policies may use;
- `View`: the past and the limits of the week; `View.project` is the way into the limits;
- `Policy`: the protocol; any object with a name and `decide` keeps it;
- checks of policies' settings, and numbers as policy names write them;
- the way from one split to another, and how far to go on it: `along`, `best_part`, `last_part`.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Any, Protocol, TypeVar, runtime_checkable

import numpy as np
from numpy.typing import ArrayLike

from budgetopt.arrays import Bools, Floats
from budgetopt.curves import Curve
from budgetopt.errors import InputError
from budgetopt.messages import Message, say
from budgetopt.optimize import best_of_runs, fit_spend


class BeliefView(Protocol):
    """The part of a belief that policies may use; no policy needs all of it.

    Curves are over the channels, or ``(runs, channels)`` where a belief holds many runs.
    """

    def mean(self) -> Curve:
        """Return the expected curve of each channel."""

    def draw(self, rng: np.random.Generator, draws: int = 1) -> Curve:
        """Return posterior draws, curves over ``(draws, channels)``."""

    def average(self, rng: np.random.Generator, draws: int) -> Curve:
        """Return the average of draws, a curve for each channel."""

    def quantile(self, chance: float, spend: ArrayLike | None = None) -> Curve:
        """Return the expected curves scaled to a quantile of the response at a spend above 0."""

    def tilted(self, power: float, spend: ArrayLike) -> Curve:
        """Return the expected curves where steep ones, at a spend above 0, count for more."""

    def gain(self, before: ArrayLike, after: ArrayLike) -> tuple[Floats, Floats]:
        """Return mean and variance of what each channel brings more at another spend."""


@dataclass(frozen=True, eq=False)
class View:
    """What is known before a week is decided: the past and the limits, nothing of the future.

    Parameters
    ----------
    belief
        What the past says about the curves.
    lower, upper
        Least and most money by channel this week, change limits included, shape ``(channels,)``
        or ``(runs, channels)``.
    budget
        Money that may be spent this week, shape ``()`` or ``(runs,)``.
    last
        Money of the last applied week, shape of the bounds.
    spend, outcome
        Past weeks, shape ``(weeks, channels)`` or ``(runs, weeks, channels)``, NaN where not
        reported; `outcome` is None where only one total outcome is known.
    spend_all
        Whether the whole budget is to be spent.
    best
        Returns the best split for given curves under all limits of the plan, shape of the bounds;
        None for budget and bounds alone.
    projection
        Projects a split within bounds and budget onto the plan's limits across channels; None where
        there are none.
    weight, cost
        What an outcome counts for, and what a unit of money costs, by channel, by default 1 and
        0; they are other numbers where the goal is not the outcome.
    test
        Money of the plan's test reserve, shape of `budget`; 0 where it has none.
    total
        Outcome of each past week where one total is all that is known, shape ``(weeks,)``.
    """

    belief: BeliefView
    lower: Floats
    upper: Floats
    budget: Floats
    last: Floats
    spend: Floats
    outcome: Floats | None
    spend_all: bool = False
    best: Callable[[Curve], Floats] | None = None
    projection: Callable[[Floats], Floats] | None = None
    weight: Floats | float = 1.0
    cost: Floats | float = 0.0
    test: Floats | float = 0.0
    total: Floats | None = None

    def optimum(self, curves: Curve) -> Floats:
        """Return the best split for given curves within the limits."""
        if self.best is not None:
            return self.best(curves)
        bounds = (self.lower, self.upper, self.budget)
        return best_of_runs(curves, *bounds, spend_all=self.spend_all).spend

    def project(self, wish: Floats) -> Floats:
        """Return the spends within all limits that are nearest to wished ones."""
        within = fit_spend(wish, self.lower, self.upper, self.budget, all_=self.spend_all)
        return self.project_across(within)

    def project_across(self, spend: Floats) -> Floats:
        """Return spends within bounds and budget projected onto the limits across channels."""
        return spend if self.projection is None else self.projection(spend)

    def held(self) -> Floats:
        """Return last week's split projected onto the limits."""
        return self.project(self.last)

    def fit(self, wish: Floats) -> Floats:
        """Return `project`; deprecated, for policies that were written for earlier releases."""
        warnings.warn("View.fit is now View.project", DeprecationWarning, stacklevel=2)
        return self.project(wish)

    def equal_share(self) -> Floats:
        """Return the budget divided by the number of channels, shape of the bounds."""
        share = np.asarray(self.budget / self.lower.shape[-1])[..., None]
        return np.broadcast_to(share, self.lower.shape)

    def gain(self, before: Floats, after: Floats) -> tuple[Floats, Floats]:
        """Return mean and variance of what each channel adds to the goal at another spend.

        Parameters
        ----------
        before, after
            Money, shape of the bounds.
        """
        mean, variance = self.belief.gain(before, after)
        worth = self.weight * mean - self.cost * (after - before)
        return np.asarray(worth), np.asarray(np.square(self.weight) * variance)


@runtime_checkable
class Policy(Protocol):
    """One verb: the past and the limits in, next week's money by channel out.

    An object of any class plugs in without inheriting. It may carry an attribute ``fallback``,
    the policy that is taken in a week that it cannot solve; without one that is `HoldSteady`.
    """

    @property
    def name(self) -> str:
        """How reports and the command line call it."""

    def decide(self, view: View, rng: np.random.Generator) -> Floats:
        """Return money by channel within the view's bounds and budget, shape of its bounds."""


Kind = TypeVar("Kind", bound=type)


def accepts_otherwise(kind: Kind) -> Kind:
    """Let a class of policies take and give `otherwise`, the deprecated name of its `fallback`."""
    init = kind.__init__  # type: ignore[misc] # of the class, before it has any instance

    @wraps(init)
    def with_otherwise(self: Any, *args: Any, **settings: Any) -> None:
        if "otherwise" in settings:
            _warn_of_otherwise(kind.__name__)
            settings["fallback"] = settings.pop("otherwise")
        init(self, *args, **settings)

    def otherwise(self: Any) -> Policy:
        _warn_of_otherwise(kind.__name__)
        fallback: Policy = self.fallback
        return fallback

    kind.__init__ = with_otherwise  # type: ignore[misc]
    kind.otherwise = property(otherwise)  # type: ignore[attr-defined]
    return kind


def _warn_of_otherwise(kind: str) -> None:
    message = f"otherwise of {kind} is now called fallback"
    warnings.warn(message, DeprecationWarning, stacklevel=3)


def check_count(count: Any, field: str, what: str, most: int) -> None:
    """Refuse what is not a whole number from 1 to the most.

    Raises
    ------
    InputError
        ``bad-argument``.
    """
    whole = isinstance(count, (int, np.integer)) and not isinstance(count, bool)
    if not whole or not 1 <= count <= most:
        raise _wrong(count, field, what, say("remedy-whole-number-1", most=f"{most:,}"))


def check_share(
    share: Any, field: str, what: str, *, above: float = 0.0, most: float = 1.0
) -> None:
    """Refuse what is not a number above the one and at most the other.

    Raises
    ------
    InputError
        ``bad-argument``.
    """
    number = isinstance(share, (int, float, np.number)) and not isinstance(share, bool)
    # Written so that NaN fails.
    if not (number and above < share <= most):
        raise _wrong(share, field, what, say("remedy-number-above-most", above=f"{above:g}",
                     most=f"{most:g}"))  # fmt: skip


def check_chance(chance: Any, field: str, what: str) -> None:
    """Refuse what is not a number between 0 and 1.

    Raises
    ------
    InputError
        ``bad-argument``.
    """
    number = isinstance(chance, (int, float, np.number)) and not isinstance(chance, bool)
    if not (number and 0.0 < chance < 1.0):
        raise _wrong(chance, field, what, say("remedy-number-between-0"))


def checked_policy(policy: Any, field: str = "policy") -> Policy:
    """Return a policy, or say what is needed of one.

    Raises
    ------
    InputError
        ``bad-argument`` for a class, a name or anything else without a name and `decide`.
    """
    if isinstance(policy, type) or not isinstance(policy, Policy):
        raise InputError(
            "bad-argument", field=field, value=policy, remedy=say("remedy-object-name-method")
        )
    return policy


def written(number: float) -> str:
    """Return a number as a name writes it: every digit that tells it apart, and no more.

    Examples
    --------
    >>> written(1.0), written(0.05), written(8)
    ('1', '0.05', '8')
    """
    return str(int(number)) if float(number).is_integer() else repr(float(number))


def _wrong(value: Any, field: str, what: str, remedy: Message) -> InputError:
    problem = say("field-is", field=f"{what}.{field}", value=repr(value))
    return InputError("bad-argument", problem, field=field, value=value, remedy=remedy)


_EVEN = 8
"""Even parts of the way that are tried first."""
_HALVINGS = 4
"""Halvings of the distance after that: the best part is found to 1/128 of the way."""
_ROUNDS = 20
"""Halvings of the way to the last part that is let through: a millionth."""


def along(start: Floats, end: Floats, part: Floats) -> Floats:
    """Return splits part of the way from one to another, the ends to the last digit.

    Parameters
    ----------
    start, end
        Money, shape ``(channels,)`` or ``(runs, channels)``.
    part
        From 0 to 1, shape ``()`` or ``(runs,)``.
    """
    share = np.asarray(part)[..., None]
    return np.asarray(np.where(share == 1.0, end, start + share * (end - start)))


def best_part(worth: Callable[[Floats], Floats], start: Floats) -> Floats:
    """Return the part of the way that is worth most, 0 where none is worth more than nothing.

    Parameters
    ----------
    worth
        What a part of the way is worth, 0 at no part; shapes ``()`` or ``(runs,)``. It rises to
        one peak, as the difference of a concave and a convex function does.
    start
        Any array of the answer's shape.
    """
    part, best = np.zeros(start.shape), np.zeros(start.shape)
    width = 1.0 / _EVEN
    tried = [np.full(start.shape, (at + 1) * width) for at in range(_EVEN)]
    for turn in range(_HALVINGS + 1):
        for one in tried:
            value = worth(one)
            better = value > best
            part, best = np.where(better, one, part), np.where(better, value, best)
        step = width / 2.0 ** (turn + 1)
        tried = [np.clip(part + side, 0.0, 1.0) for side in (-step, step)]
    return part


def last_part(passes: Callable[[Floats], Bools], start: Floats) -> Floats:
    """Return how far to go so that a condition that holds at no part still holds.

    Parameters
    ----------
    passes
        Whether a part of the way keeps the condition; shapes ``()`` or ``(runs,)``.
    start
        Any array of the answer's shape.
    """
    far = np.ones(start.shape)
    whole = passes(far)
    if np.all(whole):
        return far
    near = np.zeros(start.shape)
    for _ in range(_ROUNDS):
        middle = 0.5 * (near + far)
        good = passes(middle)
        near, far = np.where(good, middle, near), np.where(good, far, middle)
    return np.where(whole, 1.0, near)
