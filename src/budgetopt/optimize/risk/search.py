"""From a problem and its draws to the split that a risk measure likes best.

- `risk_averse` is the entry: it refuses what is not concave and chooses between the exact programs
  of `tails`, for mean and CVaR, and the search here.
- `search` maximises quantiles and chances: a local search from several starts, with honest bounds.
  The problem is NP-hard in general, so its gap need not close.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from budgetopt.arrays import Floats
from budgetopt.curves import Mixture
from budgetopt.optimize.engines import mark_timed_out, solve
from budgetopt.optimize.problem import UNLIMITED, Clock, Problem, Solved, clock, counted
from budgetopt.optimize.risk.draws import DrawProblem, refuse_what_is_not_concave
from budgetopt.optimize.risk.measure import Risk
from budgetopt.optimize.risk.tails import concave
from budgetopt.optimize.waterfill import Filled, lagrangian_bound, waterfill

_ALONE = 3
"""Splits that are best for single draws to start from, which finds corners that the mean avoids."""
_TURNS = 12
"""Turns of one ascent; it ends by itself when the kept draws stay the same, mostly after 3 to 8."""
_WORK, _FEWEST = 5e10, 3
"""Work of a search where the caller gives no time, some minute of a usual processor, and the least
turns that it has: one takes draws times squared channels, to the power of 1.5."""


def search(sample: DrawProblem, risk: Risk, left: Clock = UNLIMITED) -> Solved:
    r"""Return a split that no exchange of kept draws improves, for a quantile or a chance.

    The quantile of rank j is at least v where S - j + 1 draws are. So it is the maximum over sets
    K of so many draws of :math:`\max_x \min_{s \in K} F_s(x)`, and for one K this is concave. The
    search solves it, takes for K the best draws at the new split, and so climbs until K stays. A
    chance is the greatest number of draws whose least excess over the target is not negative: it
    is raised draw by draw, with strides that double and halve.

    Parameters
    ----------
    sample
        Problem and draws, concave.
    risk
        Quantile or chance.
    left
        The caller's time, at whose end the best so far is returned.

    Notes
    -----
    Maximising a quantile is NP-hard in general (Benati and Rizzi 2007), so the split is not
    proven to be the best; its bound is.
    """
    if risk.kind == "quantile":
        return _quantile(sample, risk, left)
    return _chance(sample, risk, left)


def _starts(
    sample: DrawProblem, risk: Risk, tails: tuple[float, ...], alone: Filled
) -> list[Floats]:
    """Return splits to climb from, the best first.

    The best ones for the mean, for some CVaRs and for single draws, and last week's.
    """
    found = [sample.solve(np.full(sample.size, 1.0 / sample.size)).spend]
    for tail in tails:
        if 1 < tail * sample.size < sample.size:
            found.append(concave(sample, Risk.cvar(tail), start=found[0]).spend)
    problem = sample.problem
    others = [problem.last_money] * (problem.last is not None)
    if not problem.limits and not problem.spend_all:
        others += list(alone.spend)
    inside = [
        spend
        for spend in others
        if np.all((spend >= problem.lower) & (spend <= problem.upper))
        and np.all(problem.rows.used(spend, spend, problem.last_money) <= problem.rows.room)
    ]
    worth = [_worth(sample, risk, spend) for spend in inside]
    chosen = [inside[at] for at in np.argsort(-np.array(worth), kind="stable")[:_ALONE]]
    return sorted(found + chosen, key=lambda spend: -_worth(sample, risk, spend))


def _worth(sample: DrawProblem, risk: Risk, spend: Floats) -> float:
    """Return a quantile, or the chance to be above zero, in which ties are broken by the mean."""
    values = sample.value(spend)
    if risk.kind == "quantile":
        return risk.value(values)
    return _reached(values, risk) + 0.5 * float(np.mean(np.tanh(values / (np.std(values) or 1.0))))


def _reached(values: Floats, risk: Risk) -> int:
    """Return how many draws are where a chance wants them, values measured from the target."""
    # What only equals last week's split is not better than it.
    return int(np.sum(values > 0 if risk.target is None else values >= 0))


def _climb(sample: DrawProblem, spend: Floats, keep: int, left: Clock) -> tuple[Solved, float]:
    """Return a split at which the least of the best `keep` draws cannot be raised, and the least.

    The first answer is at least as good as `spend`, and each turn as good as the turn before.
    """
    values = sample.value(spend)
    found, least = Solved(spend, np.zeros(sample.problem.rows.size), np.inf, "search"), -np.inf
    chosen = _best(values, keep)
    for _ in range(_TURNS):
        # A tail of one draw is the worst case.
        kept = sample.kept(chosen)
        if keep > 1:
            solved = concave(kept, Risk.cvar(1.0 / keep), start=found.spend)
        else:
            solved = kept.solve(np.ones(1))
        values = sample.value(solved.spend)
        after = _best(values, keep)
        worth = float(values[after].min())
        if worth > least:
            found, least = solved, worth
        if np.array_equal(after, chosen) or left() == 0:
            break
        chosen = after
    return found, least


def _best(values: Floats, keep: int) -> NDArray[np.bool_]:
    chosen = np.zeros(values.size, dtype=bool)
    chosen[np.argsort(-values, kind="stable")[:keep]] = True
    return chosen


def _quantile(sample: DrawProblem, risk: Risk, left: Clock) -> Solved:
    keep = sample.size - risk.rank(sample.size) + 1
    alone = _alone(sample)
    starts = _starts(sample, risk, (risk.level, 2 * risk.level), alone)
    best, value = _climb(sample, starts[0], keep, left)
    for start in starts[1:]:
        if left() == 0:
            break
        found, worth = _climb(sample, start, keep, left)
        if worth > value:
            best, value = found, worth
    return best._replace(bound=_quantile_bound(sample, keep, alone), method="search")


def _quantile_bound(sample: DrawProblem, keep: int, alone: Filled) -> float:
    """Return the less of two bounds on the least of the best `keep` draws at any split.

    The same rank among what each draw could bring on its own at best; and, where no draw can be
    negative, the best mean of all draws counted as if all of it were in the kept ones (Markov).
    """
    ranked = float(np.sort(_most(sample, alone))[sample.size - keep])
    if sample.problem.cost.any() or sample.offset.any():
        return ranked
    mean = sample.solve(np.full(sample.size, 1.0 / sample.size)).bound
    return min(ranked, mean * sample.size / keep)


def _alone(sample: DrawProblem) -> Filled:
    """Return the best split of each draw on its own, rows and costs left out."""
    problem = sample.problem
    budget = np.full(sample.size, problem.budget_money)
    return waterfill(sample.weighed, problem.lower, problem.upper, budget)


def _most(sample: DrawProblem, alone: Filled) -> Floats:
    """Return at least what each draw could bring at its own best split."""
    problem = sample.problem
    lower, upper = problem.lower, problem.upper
    budget = np.full(sample.size, problem.budget_money)
    bound = lagrangian_bound(sample.weighed, lower, upper, budget, alone.price)
    return np.asarray(bound - problem.cost @ lower - sample.offset)


def _chance(sample: DrawProblem, risk: Risk, left: Clock) -> Solved:
    problem = sample.problem
    apart = sample.value(problem.last_money) if risk.target is None else risk.target
    over = replace(sample, offset=sample.offset + apart)
    alone = _alone(over)
    starts = _starts(over, risk, (0.5, 0.2), alone)
    best, count = starts[0], _reached(over.value(starts[0]), risk)
    for start in starts[: 1 + _ALONE]:
        found, reached = _raised(over, risk, start, left)
        if reached > count:
            best, count = found, reached
    # A draw that can do no better than equal is counted as one that can.
    slack = 1e-9 * (1.0 + np.abs(over.offset))
    bound = float(np.mean(_most(over, alone) >= -slack))
    return Solved(best, np.zeros(problem.rows.size), bound, "search")


def _raised(sample: DrawProblem, risk: Risk, start: Floats, left: Clock) -> tuple[Floats, int]:
    """Return a split at which no stride brings more draws above zero, and how many are."""
    spend, count = start, _reached(sample.value(start), risk)
    stride = max(1, sample.size // 10)
    while stride and count < sample.size and left() != 0:
        aim = min(count + stride, sample.size)
        trial = _climb(sample, spend, aim, left)[0].spend
        now = _reached(sample.value(trial), risk)
        if now > count:
            spend, count = trial, now
        else:
            stride //= 2
    return spend, count


def risk_averse(
    problem: Problem, draws: Mixture, risk: Risk, *, time_limit: float | None = None
) -> Solved:
    r"""Return the split that maximises a risk measure over draws of the curves.

    Mean and CVaR are a maximum over splits of a minimum over weights of the draws,

    .. math::
        \max_x \min_{q \in Q} \sum_s q_s F_s(x) \le \max_x \sum_s q_s F_s(x)
        \quad \text{for every } q \in Q,

    and the right side is a problem without risk on the mixture of the draws, which `waterfill` or
    `dual` solve with proof. An interior point method finds the split and the q together; where
    curves have kinks a linear program over columns closes what is left.

    Parameters
    ----------
    problem
        Budget, bounds and rows; its own curves are not used.
    draws
        Curves with weights of shape ``(draws, channels, cells)``, in the problem's channel order.
    risk
        What is maximised.
    time_limit
        Seconds after which the best split so far is returned with its gap; by default a search
        ends after so much work.

    Returns
    -------
    Solved
        Its bound is of the measure. Mean and mean-CVaR are proven to a relative gap of 1e-6 and
        better; for quantile and chance the split is a local optimum and the bound is what can be
        proven cheaply, so that the gap stays open. Prices are of the measure; for a quantile of
        the draws kept above it, for a chance zero.

    Raises
    ------
    InputError
        ``bad-argument`` where draws and channels do not match.
    SolverError
        ``not-concave`` for S-shaped draws and ``wrong-method`` for limits that risk cannot keep
        (counts, outcomes, lots, off-or-at-least); the mean of the draws takes them all.

    Notes
    -----
    Sources: Rockafellar and Uryasev (2000), "Optimization of conditional value-at-risk"; Artzner,
    Delbaen, Eber and Heath (1999) for the minimum over q.
    """
    left = clock(time_limit)
    sample = DrawProblem.of(problem, draws)
    if risk.neutral:
        return _mean(sample, time_limit)
    refuse_what_is_not_concave(sample)
    if risk.concave:
        solved = concave(sample, risk, left)
    else:
        work = (sample.size * problem.lower.size**2) ** 1.5
        turns = counted(max(_FEWEST, int(_WORK / work)))
        solved = search(sample, risk, turns if left() is None else left)
    worth = risk.value(sample.value(solved.spend), sample.value(problem.last_money))
    return mark_timed_out(solved, worth, left)


def _mean(sample: DrawProblem, time_limit: float | None) -> Solved:
    shares = np.full(sample.size, 1.0 / sample.size)
    mean = Mixture(sample.draws.cells, np.tensordot(shares, sample.draws.weights, 1))
    return solve(replace(sample.problem, curves=mean), time_limit=time_limit)
