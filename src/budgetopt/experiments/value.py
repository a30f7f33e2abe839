r"""What a test is worth in money: the expected value of sample information, net of its cost.

With curves :math:`\theta`, the split ``x`` within the plan's limits and its weekly worth
:math:`F(x, \theta)` by the plan's goal,

.. math::

    \text{EVPI} &= E_\theta \max_x F(x, \theta) - \max_x E_\theta F(x, \theta) \\
    \text{EVSI} &= E_z \max_x E[F(x, \theta) \mid z] - \max_x E_\theta F(x, \theta)

where ``z`` is what the test reads (Raiffa and Schlaifer 1961, chapter 4). A test of ``n`` weeks is
worth what it adds to ``n`` usual weeks, for as many weeks as what it teaches is used, less what the
changed spend costs while it lasts.

From simple to subtle:

- `value_of_tests` asks for all channels and designs, ranks them, and says which limit costs most
  for lack of knowledge; `ValueOfTests`, `WorthOfTest` and `LimitCost` are the answer;
- `garbling` and `gain` are the mathematics, on draws.

A test is of one channel. The other channels' share of the worth depends on the money alone that it
leaves them, so it is tabulated once, :math:`W_i(x_i) = \max_{x_{-i}}` of what all others bring, by
the optimizer under all limits, and every test is a maximum over one table.

Where this stops: one test at a time; what is learned is taken to stay true as long as it is used;
the split may follow at once, without the change limits from week to week.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from budgetopt.arguments import public
from budgetopt.arrays import Floats
from budgetopt.belief import Belief
from budgetopt.curves import Curve, Mixture, Picked, Stack, stretched
from budgetopt.errors import InfeasibleError, InputError, as_number
from budgetopt.experiments.designs import DESIGNS, Design
from budgetopt.experiments.sizes import difference_error, minimum_detectable_effect
from budgetopt.i18n import Message, quoted, say, show_figure
from budgetopt.notebook import Card, Shown
from budgetopt.optimize import Problem, best_of_runs, goal_of, problem_of, solve
from budgetopt.plan import CHANGE, FREE, RULES, Plan, as_count, unused

if TYPE_CHECKING:
    import pandas as pd

DRAWS = 1024
"""Draws of the curves that a test's result is weighed over."""
_RESULTS = 256
"""Results of a test that are simulated, one for each of the first draws."""
_SPENDS = 65
"""Spends of the tested channel that are compared, closer together near its least."""
_KNOWN, _KNOWN_ONE_BY_ONE = 128, 24
"""Draws for what knowing all curves is worth: at once, and where limits need a solver for each."""
_SOLVED_ONE_BY_ONE = 17
"""Of those spends, where limits need a solver for each; the others lie on a curve between them."""
_ROUNDS = 20
_UNLIKELY = -60.0
"""Logarithm of a likelihood below which a draw is out of the question."""
_TINY = 1e-300


@dataclass(frozen=True)
class WorthOfTest:
    """What one test of one channel is worth, by the plan's goal.

    Parameters
    ----------
    channel, design
        What is tested, and how.
    usual, changed
        Money per week as it would be, and where it is changed, counted as if it were everywhere.
    gain
        Expected gain per week from what the test teaches beyond as many usual weeks.
    information
        That gain, in all weeks in which it is used.
    cost
        What the changed spend is expected to lose while the test lasts; below 0 where it earns.
    net
        Information less cost.
    error
        Standard error of the difference that the test reads, in outcome per week.
    effect
        The difference that is expected.
    problem
        Why the plan does not let it run; empty where it does.
    """

    channel: str
    design: Design
    usual: float
    changed: float
    gain: float = 0.0
    information: float = 0.0
    cost: float = 0.0
    net: float = 0.0
    error: float = 0.0
    effect: float = 0.0
    problem: str = ""

    @property
    def detectable(self) -> float:
        """Smallest difference found with 80 % chance at the 90 % level; see `sizes`."""
        return minimum_detectable_effect(self.error) if self.error > 0 else 0.0

    def to_dict(self) -> dict[str, Any]:
        """Return the fields as plain data."""
        numbers = ("usual", "changed", "gain", "information", "cost", "net", "error", "effect")
        return {
            "channel": self.channel,
            "design": self.design.to_dict(),
            **{name: getattr(self, name) for name in (*numbers, "detectable")},
            "problem": str(self.problem),
        }


class LimitCost(NamedTuple):
    """A limit, and by how much knowing all curves would be worth more without it, per week."""

    limit: str
    channel: str | None
    more: float


@dataclass(frozen=True, repr=False)
class ValueOfTests(Shown):
    """The tests, the best first, and what knowing everything would be worth.

    Parameters
    ----------
    plan
        The plan.
    tests
        By `WorthOfTest.net`; those that the plan does not allow come last.
    weeks
        Weeks in which what a test teaches is used.
    worth
        What the best split by what is known now is expected to bring per week, by the goal.
    perfect
        What knowing all curves would add to it per week, change limits left out.
    of_channel
        What knowing one channel's curve would add, by channel.
    limits
        The limits by what they cost for lack of knowledge, the dearest first.
    notes
        What a reader should know.
    """

    plan: Plan
    tests: tuple[WorthOfTest, ...]
    weeks: int
    worth: float
    perfect: float
    of_channel: Mapping[str, float]
    limits: tuple[LimitCost, ...]
    notes: tuple[str, ...] = ()

    @property
    def best(self) -> WorthOfTest | None:
        """The test that is worth most; None where none is worth its cost."""
        first = next((one for one in self.tests if not one.problem), None)
        return first if first is not None and first.net > 0 else None

    def verdict(self) -> Message:
        """Return in a sentence which test to run, or that none is worth it."""
        weeks, best = self.weeks, self.best
        if best is None:
            return say("tests-none", weeks=weeks)
        said = {"net": show_figure(best.net, 3), "cost": show_figure(best.cost, 3)}
        return say(
            "tests-best", channel=quoted(best.channel), test=best.design.name, weeks=weeks, **said
        )

    def known(self) -> Message:
        """Return in a sentence what knowing all curves would be worth."""
        share = self.perfect / self.worth if self.worth > 0 else 0.0
        return say("tests-perfect", more=show_figure(self.perfect, 3), share=f"{share:.1%}")

    def dearest(self) -> Message | None:
        """Return in a sentence which limit costs most for lack of knowledge; None where none."""
        first = self.limits[0] if self.limits else None
        if first is None or first.more <= 1e-4 * max(self.worth, 0.0):
            return None
        more = show_figure(first.more, 3)
        if first.channel is None:
            return say("tests-limit", limit=first.limit, more=more)
        return say("tests-limit-of", limit=first.limit, channel=quoted(first.channel), more=more)

    def to_frame(self) -> pd.DataFrame:
        """Return one row a test, with the test's name."""
        import pandas as pd

        rows = []
        for one in self.tests:
            row = one.to_dict()
            rows.append({**row, "design": str(one.design.name), "weeks": one.design.weeks})
        return pd.DataFrame(rows)

    def to_dict(self) -> dict[str, Any]:
        """Return plain data for JSON."""
        dearest = self.dearest()
        return {
            "goal": goal_of(self.plan),
            "weeks": self.weeks,
            "worth": self.worth,
            "perfect": self.perfect,
            "of_channel": dict(self.of_channel),
            "verdict": str(self.verdict()),
            "dearest": None if dearest is None else str(dearest),
            "limits": [
                {"limit": str(one.limit), "channel": one.channel, "more": one.more}
                for one in self.limits
            ],
            "tests": [one.to_dict() for one in self.tests],
            "notes": [str(note) for note in self.notes],
        }

    def _card(self) -> Card:
        heads = (say("channel"), say("candidate-test"), say("net-worth"), say("test-costs"))
        rows = [
            (one.channel, one.design.name, show_figure(one.net, 3), show_figure(one.cost, 3))
            for one in self.tests
            if not one.problem
        ]
        return Card(self.verdict(), heads, rows)


@public
def value_of_tests(
    plan: Plan,
    belief: Belief,
    *,
    designs: Sequence[Design | str] | None = None,
    channels: Sequence[str] | None = None,
    weeks: int = 26,
    doubt: float | None = None,
    draws: int = DRAWS,
    seed: int = 0,
) -> ValueOfTests:
    r"""Return what tests of single channels are worth under a plan's limits, the best first.

    Parameters
    ----------
    plan
        Bounds, limits and goal; change limits count for `ValueOfTests.limits` alone.
    belief
        What is known of the curves.
    designs
        `Design` or their text; by default `DESIGNS`.
    channels
        Which are tested; by default all whose curve is in doubt.
    weeks
        In which what is learned is used, 1 to 520.
    doubt
        How far what channels report may lie from what they cause, the standard deviation of its
        logarithm, 0 to 2; by default the belief's `Settings.doubt`. Channels with a lift test, and
        a belief from one total, which has it already, have none. At 0 every report is taken at its
        word, and a test that switches a channel off teaches nothing that its weeks do not.
    draws
        Of the curves, 512 to 20,000.
    seed
        Of the draws; all tests share them.

    Raises
    ------
    InputError
        ``bad-argument``, ``unknown-name``; also for a plan whose goal is the least spend.
    PlanError, InfeasibleError
        As of the plan's week.

    Notes
    -----
    A test is read by the report at the usual and at the changed spend, where channels report, and
    by the difference in the whole outcome; see `designs` for its error. Each of 256 results is
    simulated from one of the draws, and weighs all of them by their likelihood; `garbling` makes
    the weights those of a test exactly, so that 0 <= EVSI <= EVPI whatever the draws.

    References
    ----------
    Raiffa and Schlaifer (1961), Applied statistical decision theory. Brennan, Kharroubi, O'Hagan
    and Chilcott (2007), Calculating partial expected value of perfect information, Medical Decision
    Making 27(4). Menzies (2016), An efficient estimator for the expected value of sample
    information, Medical Decision Making 36(3), for weights of draws.
    """
    used = as_count(weeks, "weeks", 520)
    drawn_count = as_count(draws, "draws", 20_000)
    tried = tuple(Design.of(one) for one in (DESIGNS if designs is None else designs))
    if plan.goal.kind == "least-spend":
        raise InputError(
            "bad-argument",
            say("tests-not-valued"),
            field="goal",
            value="least-spend",
            remedy=say("remedy-value-them-goal"),
        )
    standing = problem_of(plan, belief)
    place = [belief.log.index[name] for name in plan.names]
    doubts = _doubts(plan, belief, doubt)
    rng = np.random.default_rng(int(as_number(seed, "seed", least=0)))
    drawn = belief.draw(rng, max(drawn_count, 512)).take(place)
    caused = np.exp(
        doubts * rng.standard_normal((max(drawn_count, 512), len(place))) - doubts**2 / 2
    )
    luck = rng.standard_normal((3, _RESULTS))
    weighed = best_splits(standing, standing.curves, standing.lower, standing.upper)
    usual = weighed.spend
    pinned = {name for name, _ in belief.log.priors.pinned}
    asked = _asked(plan, channels, pinned)
    shop = _Shop.of(plan, belief, place, usual, standing.curves.value(usual))
    tests, of_channel = [], {}
    for at in asked:
        table = _Table.of(standing, at, drawn, caused[:, at], float(usual[at]))
        of_channel[plan.names[at]] = table.perfect
        for design in tried:
            tests.append(_worth(plan, standing, table, shop, design, luck, used, weighed.worth))
    order = sorted(tests, key=lambda one: (bool(one.problem), -one.net))
    runs = _KNOWN if _at_once(standing) else _KNOWN_ONE_BY_ONE
    truths = _first(drawn, caused, runs)
    perfect = _perfect(standing, truths, runs, usual)
    limits = _limits(plan, belief, standing, truths, runs, perfect, _last(plan, belief))
    return ValueOfTests(
        plan, tuple(order), used, float(weighed.worth), perfect.more, of_channel, limits,
        (*_notes(plan, doubts), *unused(plan, "tests", belief)),
    )  # fmt: skip


def _last(plan: Plan, belief: Belief) -> dict[str, Decimal]:
    """Return the last spend that each channel reported."""
    last = {}
    for name in plan.names:
        spend = belief.log.spend[:, belief.log.index[name]]
        if (reported := spend[np.isfinite(spend)]).size:
            last[name] = plan.money.amount(plan.money.nearest(reported[-1]))
    return last


def _doubts(plan: Plan, belief: Belief, doubt: float | None) -> Floats:
    """Return by channel how far reports may lie from what is caused."""
    each = belief.settings.doubt if doubt is None else as_number(doubt, "doubt", least=0, most=2)
    tested = {test.channel for test in belief.log.priors.lift_tests}
    tested |= {name for name, _ in belief.log.priors.pinned}
    free = np.array([name not in tested for name in plan.names], dtype=np.float64)
    return free * (each if belief.source == "channel" else 0.0)


def _asked(plan: Plan, channels: Sequence[str] | None, pinned: set[str]) -> list[int]:
    """Return positions of the channels that are tested."""
    if channels is None:
        return [at for at, name in enumerate(plan.names) if name not in pinned]
    plan.require_channels(channels, "channels", say("the-tests"))
    return [plan.index[name] for name in dict.fromkeys(channels) if name not in pinned]


def _notes(plan: Plan, doubts: Floats) -> list[Message]:
    notes = [say("tests-doubt", doubt=f"{doubts.max():.0%}")] if doubts.any() else []
    if any(channel.carryover is not None for channel in plan.channels):
        notes.append(say("tests-carryover"))
    return notes


class BestWorth(NamedTuple):
    """Best splits of a problem under other curves or bounds, and their worth by the goal."""

    spend: Floats
    worth: Floats


def _at_once(problem: Problem) -> bool:
    """Whether bounds and a budget are all there is, so that many runs are solved at once."""
    return not (problem.limits or problem.cost.any() or problem.least_on.any())


def best_splits(problem: Problem, curves: Curve, lower: Floats, upper: Floats) -> BestWorth:
    """Return the best split of each run; its worth is -inf where no split keeps the limits.

    Parameters
    ----------
    problem
        Limits and goal.
    curves, lower, upper
        In place of its own, over ``(channels,)`` or ``(runs, channels)``.
    """
    if _at_once(problem):
        tall = stretched(curves, problem.weight, np.ones(len(problem.names)))
        money = np.full(lower.shape[:-1], problem.budget_money)
        found = best_of_runs(tall, lower, upper, money, spend_all=problem.spend_all, gap=1e-5)
        return BestWorth(found.spend, tall.value(found.spend).sum(axis=-1))
    low, high = (np.rint(end * problem.money.units).astype(np.int64) for end in (lower, upper))
    if low.ndim == 1:
        return BestWorth(*_one_split(problem, curves, low, high))
    each = [
        _one_split(problem, _run(curves, run, len(low)), *ends)
        for run, ends in enumerate(zip(low, high, strict=True))
    ]
    return BestWorth(np.array([one[0] for one in each]), np.array([one[1] for one in each]))


def _one_split(problem: Problem, curves: Curve, low: Any, high: Any) -> tuple[Floats, Floats]:
    bounds = replace(problem.bounds, lower=low.copy(), upper=high.copy())
    run = replace(problem, curves=curves, bounds=bounds, declared=None)
    try:
        spend = solve(run).spend
    except InfeasibleError:
        return np.full(len(low), np.nan), np.array(-np.inf)
    return spend, np.array(run.objective(spend))


def _run(curves: Curve, run: int, runs: int) -> Curve:
    """Return one run's curves; those that all runs share as they are."""
    if isinstance(curves, Stack):
        return Stack(tuple((at, _run(part, run, runs)) for at, part in curves.parts))
    if isinstance(curves, Picked) and curves.cell.ndim == 2:
        return Mixture(
            curves.cells, Picked(curves.cells, curves.cell[run], curves.amplitude[run]).weights
        )
    return curves


def _first(drawn: Curve, caused: Floats, runs: int) -> Curve:
    """Return the first draws, times what they cause of what they report."""
    if isinstance(drawn, Stack):
        parts = [(at, _first(part, caused[:, at], runs)) for at, part in drawn.parts]
        return Stack(tuple(parts))
    if isinstance(drawn, Picked):
        return Picked(drawn.cells, drawn.cell[:runs], drawn.amplitude[:runs] * caused[:runs])
    return drawn


class _Perfect(NamedTuple):
    """What knowing the truths adds to a week, and the best split of each, ``(runs, channels)``."""

    more: float
    spend: Floats


def _perfect(problem: Problem, truths: Curve, runs: int, split: Floats) -> _Perfect:
    """Return what the best split of each truth brings beyond one split, on average."""
    wide = (runs, len(problem.names))
    ends = (np.broadcast_to(end, wide) for end in (problem.lower, problem.upper))
    best = best_splits(problem, truths, *ends)
    now = truths.value(np.broadcast_to(split, wide)) @ problem.weight - problem.cost @ split
    return _Perfect(float(np.mean(np.maximum(best.worth - now, 0.0))), best.spend)


def _limits(
    plan: Plan,
    belief: Belief,
    standing: Problem,
    truths: Curve,
    runs: int,
    perfect: _Perfect,
    last: Mapping[str, Any],
) -> tuple[LimitCost, ...]:
    """Return by how much knowing the truths would be worth more without each limit.

    A channel's bounds, where the best split of some truth meets them, and the limits across
    channels are left out one by one; the change limits, which the standing week is without, are put
    in.
    """
    found = []

    def more(limit: str, channel: str | None, problem: Problem) -> None:
        now = best_splits(problem, problem.curves, problem.lower, problem.upper).spend
        without = _perfect(problem, truths, runs, now).more
        found.append(LimitCost(limit, channel, without - perfect.more))

    bounds, near = standing.bounds, standing.step / standing.money.units
    met_low = np.any(perfect.spend <= standing.lower + near, axis=0)
    met_high = np.any(perfect.spend >= standing.upper - near, axis=0)
    for at, name in enumerate(plan.names):
        ends = {int(bounds.lower_rule[at])} if met_low[at] else set()
        ends |= {int(bounds.upper_rule[at])} if met_high[at] else set()
        for rule in sorted(ends - {FREE}):
            lower, upper = bounds.lower.copy(), bounds.upper.copy()
            if rule == bounds.lower_rule[at]:
                lower[at] = 0
            if rule == bounds.upper_rule[at]:
                upper[at] = standing.budget
            free = replace(
                standing, bounds=replace(bounds, lower=lower, upper=upper), declared=None
            )
            more(RULES[rule], name, free)
    for limit in plan.limits:
        others = [one for one in plan.limits if one is not limit]
        more(limit.name, None, problem_of(replace(plan, limits=others), belief))
    if last:
        try:
            week = problem_of(plan, belief, last)
        except InfeasibleError:
            week = None
        if week is not None and np.any(
            (week.bounds.lower != standing.bounds.lower)
            | (week.bounds.upper != standing.bounds.upper)
        ):
            now = best_splits(week, week.curves, week.lower, week.upper).spend
            within = _perfect(week, truths, runs, now).more
            found.append(LimitCost(RULES[CHANGE], None, perfect.more - within))
    return tuple(sorted(found, key=lambda one: -one.more))


class _Shop(NamedTuple):
    """What tests of all channels share.

    Parameters
    ----------
    noise
        Standard deviation of the log of a week's report by channel, NaN where channels report none.
    shared
        Variance of the log of a week that all channels share.
    outcome, total
        Expected outcome per week by channel, and in all.
    spread
        Standard deviation of a week's whole outcome without what is shared.
    event
        Size of one event by channel, NaN where it is not known.
    probe
        Money that stands for the usual spend of a channel that gets none.
    """

    noise: Floats
    shared: float
    outcome: Floats
    total: float
    spread: float
    event: Floats
    probe: float

    @classmethod
    def of(
        cls, plan: Plan, belief: Belief, place: list[int], usual: Floats, outcome: Floats
    ) -> _Shop:
        probe = plan.spendable_minor / plan.money.units / len(plan.names)
        unit = np.nan if plan.outcome_unit is None else float(plan.outcome_unit)
        walked = belief.walked
        if walked is None:
            seen = belief.log.total
            total = float(np.nanmean(seen)) if seen is not None else float(outcome.sum())
            spread = total * (belief.fit.noise if belief.fit is not None else 0.0)
            none = np.full(len(place), np.nan)
            return cls(none, 0.0, outcome, total, spread, np.full(len(place), unit), probe)
        table = walked.state.tables.chance.sum(axis=2)[place]
        noise = np.sqrt(table @ np.square(walked.model.noise))
        known = np.where(walked.inputs.event_known, walked.inputs.event, np.nan)[place]
        event = known if np.isnan(unit) else np.full(len(place), unit)
        counting = np.where(np.isfinite(event), event * outcome, 0.0)
        spread = float(np.sqrt(np.sum(np.square(noise * outcome) + counting)))
        _, shared = walked.effect_ahead()
        return cls(noise, shared, outcome, float(outcome.sum()), spread, event, probe)


class _Table(NamedTuple):
    """What one channel's spends bring with the best of the others, under each draw.

    Parameters
    ----------
    at
        Position of the channel.
    usual
        Its spend now, or where it gets nothing the money of a probe.
    spends, others
        Spends compared, and the worth of the best of all others beside each, shape ``(spends,)``.
    payoff
        Worth of the whole week, shape ``(draws, spends)``.
    reports, caused
        Draws of the channel's curve, and the share of its report that it causes.
    """

    at: int
    usual: float
    spends: Floats
    others: Floats
    payoff: Floats
    reports: Curve
    caused: Floats

    @classmethod
    def of(cls, problem: Problem, at: int, drawn: Curve, caused: Floats, usual: float) -> _Table:
        low, high = problem.lower, problem.upper
        budget = problem.budget_money
        most = max(low[at], min(high[at], budget - (low.sum() - low[at])))
        least = low[at]
        if problem.spend_all:
            least = max(least, min(most, budget - (high.sum() - high[at])))
        spends = least + (most - least) * np.square(np.linspace(0.0, 1.0, _SPENDS))
        # The usual spend is among them, so that doing nothing is one of the choices.
        spends = np.unique(np.append(spends, np.clip(usual, least, most)))
        solved = spends
        if not _at_once(problem) and spends.size > _SOLVED_ONE_BY_ONE:
            few = np.linspace(0, spends.size - 1, _SOLVED_ONE_BY_ONE).astype(np.intp)
            solved = np.rint(spends[few] * problem.money.units) / problem.money.units
        lower, upper = (np.repeat(end[None], solved.size, axis=0) for end in (low, high))
        lower[:, at] = upper[:, at] = solved
        weight, cost = problem.weight[at], problem.cost[at]
        best = best_splits(problem, problem.curves, lower, upper)
        own = problem.curves.value(lower)[:, at]
        others = best.worth - weight * own + cost * solved
        if solved is not spends:
            others = _between(spends, solved, others)
        one = drawn.take([at])
        brought = one.value(spends[:, None, None])[..., 0].T * caused[:, None]
        payoff = weight * brought - cost * spends + others
        return cls(at, usual, spends, others, payoff[:, np.isfinite(others)], one, caused)

    @property
    def perfect(self) -> float:
        """What knowing this channel's curve adds to a week."""
        return gain(self.payoff, self.payoff)


def _between(spends: Floats, solved: Floats, others: Floats) -> Floats:
    """Return the worth of the others at all spends, monotone between those that were solved.

    It is -inf beyond the spends at which a split keeps the limits.

    References
    ----------
    Fritsch and Carlson (1980), Monotone piecewise cubic interpolation.
    """
    known = np.isfinite(others)
    if known.sum() < 2:
        return np.where(np.isin(spends, solved[known]), np.max(others), -np.inf)
    from scipy.interpolate import PchipInterpolator

    smooth = PchipInterpolator(solved[known], others[known], extrapolate=False)
    ends = solved[known][[0, -1]]
    # Solved spends are whole cents, which may lie inside the last of all spends.
    inside = (spends >= ends[0] - 0.01) & (spends <= ends[1] + 0.01)
    return np.where(inside, smooth(np.clip(spends, *ends)), -np.inf)


def gain(expected: Floats, payoff: Floats) -> float:
    r"""Return what choosing after a result brings more than choosing before it.

    .. math:: \frac1S \sum_s \Bigl[\max_x E_{sx} - E_{sx^*}\Bigr], \qquad
              x^* = \arg\max_x \frac1D \sum_d P_{dx}

    Parameters
    ----------
    expected
        Expected payoffs ``E`` after each result, shape ``(results, choices)``; the payoffs
        themselves where the result is the truth.
    payoff
        Payoffs ``P`` under each draw, shape ``(draws, choices)``.
    """
    now = int(np.argmax(payoff.mean(axis=0)))
    return float(np.mean(expected.max(axis=1) - expected[:, now]))


def garbling(log_likely: Floats) -> Floats:
    r"""Return what each result says of each draw: chances whose rows and columns add up.

    Rows are the draws' chances given a result, proportional to :math:`e^{\ell_{sd}}`, and sum to
    one. The results together must say what was believed before them, so columns sum to
    :math:`S/D`: rows and columns are scaled in turn until both hold (Sinkhorn and Knopp 1967). Then
    the choice after the result is a garbling of the choice that knows the draw (Blackwell 1953),
    which puts its worth between nothing and that of knowing.

    Parameters
    ----------
    log_likely
        Logarithm of the likelihood of each result under each draw, shape ``(results, draws)``.
    """
    from_best = log_likely - log_likely.max(axis=1, keepdims=True)
    kernel = np.exp(np.maximum(from_best, _UNLIKELY))
    results, draws = kernel.shape
    row, column = np.ones(results), np.ones(draws)
    for _ in range(_ROUNDS):
        column = results / draws / np.maximum(row @ kernel, _TINY)
        row = 1.0 / np.maximum(kernel @ column, _TINY)
    return np.asarray(row[:, None] * kernel * column)


class _Reading(NamedTuple):
    """What a test reads: a number under each draw, and its error; by it results differ."""

    says: Floats
    error: float


def _log_likely(readings: Sequence[_Reading], luck: Floats) -> Floats:
    r"""Return the log likelihood of results of the first draws under each, ``(results, draws)``.

    It is :math:`-\frac12\sum_r (z_{rs} - m_{rd})^2/s_r^2` up to what all draws share.
    """
    says = np.array([one.says / one.error for one in readings])
    # Far from zero the difference of large squares would be lost.
    says -= says.mean(axis=1, keepdims=True)
    found = says[:, : luck.shape[1]] + luck[: len(says)]
    return np.asarray(found.T @ says - 0.5 * np.square(says).sum(axis=0))


def _learned(table: _Table, readings: Sequence[_Reading], luck: Floats) -> float:
    """Return the expected gain per week of deciding after readings."""
    if not readings or table.payoff.shape[1] < 2:
        return 0.0
    heavy = garbling(_log_likely(readings, luck))
    return gain(heavy @ table.payoff, table.payoff)


def _worth(
    plan: Plan,
    problem: Problem,
    table: _Table,
    shop: _Shop,
    design: Design,
    luck: Floats,
    weeks: int,
    now: Floats,
) -> WorthOfTest:
    """Return what one test of one channel is worth."""
    at, n, g = table.at, design.weeks, design.treated
    name = plan.names[at]
    # A channel that gets nothing has nothing to change: a probe stands for its usual money.
    usual = table.usual
    changed = usual * (1 + design.change) if usual > 0 else shop.probe * max(design.change, 0.0)
    spend = (1 - g) * usual + g * changed
    problem_text = _refused(problem, table, spend, changed)
    blank = WorthOfTest(name, design, usual, changed, problem=problem_text)
    if problem_text:
        return blank
    curve = problem.curves.take([at])
    low, high = sorted((usual, changed))
    effect = float(curve.value(np.array([high]))[0] - curve.value(np.array([low]))[0])
    error = _difference_error(shop, design, at)
    if not error > 0:
        return replace(blank, problem=say("test-no-error"))
    reports = [_report(table, shop, usual, weeks_of) for weeks_of in ((1 - g) * n,)]
    reports.append(_report(table, shop, changed, g * n))
    drawn = (table.reports.value(np.array([[x]]))[:, 0] if x > 0 else 0.0 for x in (high, low))
    caused = (next(drawn) - next(drawn)) * table.caused
    told = [one for one in reports if one is not None]
    with_test = _learned(table, [*told, _Reading(caused, error)], luck)
    as_usual = _report(table, shop, usual, n)
    without = _learned(table, [as_usual], luck) if as_usual is not None else 0.0
    own = problem.weight[at] * float(
        (1 - g) * curve.value(np.array([usual]))[0] + g * curve.value(np.array([changed]))[0]
    )
    beside = float(np.interp(spend, table.spends, table.others))
    cost = n * (float(now) - (own - problem.cost[at] * spend + beside))
    more = with_test - without
    return replace(
        blank,
        gain=more,
        information=more * weeks,
        cost=cost,
        net=more * weeks - cost,
        error=error,
        effect=effect,
    )


def _refused(problem: Problem, table: _Table, spend: float, changed: float) -> str:
    """Return why the plan lets no such week be, or there is nothing to test; else nothing."""
    bounds, at, show = problem.bounds, table.at, problem.money.show
    if changed == table.usual:
        return say("test-no-money")
    near = 0.5 / problem.money.units
    if spend < table.spends[0] - near:
        rule = RULES[bounds.lower_rule[at]] or say("the-budget")
        return say("test-below", limit=rule, least=show(int(bounds.lower[at])))
    if spend > table.spends[-1] + near:
        rule = RULES[bounds.upper_rule[at]] or say("the-budget")
        most = int(np.rint(table.spends[-1] * problem.money.units))
        return say("test-above", limit=rule, most=show(most))
    if not np.isfinite(np.interp(spend, table.spends, table.others)):
        return say("test-against-limits")
    return ""


def _difference_error(shop: _Shop, design: Design, at: int) -> float:
    """Return the error of the difference in the whole outcome; see `designs`. NaN if unknown."""
    n, g = design.weeks, design.share
    if design.kind == "users" and g is not None:
        return float(np.sqrt(shop.total * shop.event[at] * (1 / g + 1 / (1 - g)) / n))
    if design.kind == "regions" and g is not None:
        return difference_error(shop.spread, g, n)
    whole = np.sqrt(np.square(shop.spread) + shop.shared * np.square(shop.total))
    return float(whole * np.sqrt((4.0 if design.kind == "switchback" else 1.0) / n))


def _report(table: _Table, shop: _Shop, spend: float, weeks: float) -> _Reading | None:
    """Return what a channel's reports of so many weeks at a spend say; None where they do not."""
    noise = shop.noise[table.at]
    if not (weeks > 0 and spend > 0 and noise > 0):
        return None
    level = table.reports.value(np.array([[spend]]))[:, 0]
    event = shop.event[table.at]
    counted = event / max(float(level.mean()), _TINY) if np.isfinite(event) else 0.0
    variance = (noise**2 + shop.shared + counted) / weeks
    return _Reading(np.log(np.maximum(level, _TINY)), float(np.sqrt(variance)))
