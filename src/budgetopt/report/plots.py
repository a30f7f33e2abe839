"""Pictures of records for notebooks and slides, by matplotlib (extra ``plot``).

Each function takes a record, draws on an `Axes` of the caller's or on a new one, and returns it.
Nothing global is changed: no style, no rcParams. Colours are those of Okabe and Ito (2008), told
apart with any colour vision, and what they tell marks tell too.

- one channel and one week: `plot_response`, `plot_split`, `plot_limit_prices`;
- more money: `plot_frontier`, `plot_next_money`;
- the past: `plot_forecast`, `plot_decomposition`, `plot_pacing`, `plot_ledger`;
- possible years: `plot_fan`, `plot_differences`, `plot_funnel`; and inputs: `plot_tornado`.

Text is drawn in the caller's font and, where that lacks letters of a name or of a language, in a
Chinese font of the system; where none has them, `MissingFontWarning` says what to install. Names
are text: what matplotlib reads as a formula elsewhere is shown as it was written.
"""

from __future__ import annotations

import math
import re
import warnings
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from budgetopt.arguments import public
from budgetopt.belief import LEVEL, Belief
from budgetopt.errors import InputError
from budgetopt.i18n import in_language, missing_extra, say, show_figure
from budgetopt.money import difference_of, ratio_of
from budgetopt.money import show_amount as show
from budgetopt.notebook import clipped
from budgetopt.optimize import GOAL_WORDS, Allocation, Frontier
from budgetopt.report.ledger import outcome_of, sums_of
from budgetopt.report.views import limit_names
from budgetopt.report.week import span_name
from budgetopt.simulation import Simulation, Tornado, input_in_words
from budgetopt.weekly import Decision
from budgetopt.workflow import Pace, WeekState

if TYPE_CHECKING:
    from matplotlib.axes import Axes

BLUE, ORANGE, GREEN, RED, GREY = "#0072B2", "#E69F00", "#009E73", "#D55E00", "#777777"
"""Of Okabe and Ito (2008), Color universal design, and a grey."""
_WIDTH, _ROW = 7.0, 0.42
"""Inches: the width of a new figure, and the height of a row of bars."""
_GRID = 200
_NAME = 28
"""Letters of a name that are shown."""


class MissingFontWarning(UserWarning):
    """No font of the system has some letters of a picture, which shows boxes in their place."""


def _pyplot() -> Any:
    """Return matplotlib's pyplot, loaded on first use."""
    try:
        from matplotlib import pyplot
    except ImportError:
        raise missing_extra(say("a-plot"), "matplotlib", "plot", "ax") from None
    return pyplot


def _axes(ax: Axes | None, rows: int = 0) -> Axes:
    """Return the caller's axes, or new ones, as high as so many rows of bars."""
    pyplot = _pyplot()
    if ax is not None:
        return ax
    size = (_WIDTH, max(2.6, 1.5 + _ROW * rows) if rows else 4.2)
    return cast("Axes", pyplot.subplots(figsize=size, layout="constrained")[1])


@public
def plot_response(
    belief: Belief,
    channel: str,
    *,
    decision: Decision | None = None,
    level: float = LEVEL,
    ax: Axes | None = None,
    language: str = "en",
) -> Axes:
    """Draw a channel's curve with its band, the weeks observed, and where its money stands.

    Today's spend is that of the last week reported; the next is the decision's, and the marginal
    line is the slope of the curve there, or at today's spend without a decision.

    Parameters
    ----------
    belief, channel
        What is believed, and the name.
    decision
        For the next spend.
    level
        Chance inside the band, between 0 and 1.
    ax
        Where to draw; a new figure by default.
    language
        ``"en"`` or ``"zh"``.

    Raises
    ------
    InputError
        ``unknown-name``; ``missing-extra`` without matplotlib.
    """
    one, ax, log = belief[channel], _axes(ax), belief.log
    row = belief.channels.index(channel)
    seen = np.isfinite(log.spend[:, row])
    spends = log.spend[seen, row]
    points = {"plot-today": float(spends[-1])} if spends.size else {}
    if decision is not None:
        points["plot-next"] = float(decision.allocation.spend[channel])
    most = max([*spends.tolist(), *points.values(), belief.reference])
    grid = np.linspace(0.0, 1.1 * most, _GRID + 1)
    band = one.band(grid, level)
    share = say("plot-band", level=f"{level:.0%}")
    ax.fill_between(
        grid, band.low, band.high, color=BLUE, alpha=0.18, lw=0, label=_in(share, language)
    )
    ax.plot(grid, band.mean, color=BLUE, lw=2, label=_in(say("expected"), language))
    if log.outcome is not None:
        ax.scatter(
            spends,
            log.outcome[seen, row],
            s=14,
            color=GREY,
            label=_in(say("plot-weeks"), language),
        )
    if points:
        at = list(points.values())[-1]
        slope = float(one.marginal(at))
        if math.isfinite(slope):
            # A steep one stays as high as the curve, which it would squash.
            wide = min(0.3 * most, 0.3 * float(band.high.max()) / max(abs(slope), 1e-12))
            ends = np.clip(at + np.array([-wide, wide]), 0.0, None)
            tangent = float(one.response(at)) + slope * (ends - at)
            label = say("plot-marginal", marginal=show_figure(slope, 3))
            ax.plot(ends, tangent, color=RED, ls="--", label=_in(label, language))
    for (code, spend), mark, colour in zip(points.items(), "oD", (ORANGE, RED), strict=False):
        label = say(code, spend=show_figure(spend, 5))
        _mark(ax, spend, float(one.response(spend)), mark, colour, _in(label, language))
    title = say("plot-response-title", channel=clipped(channel, _NAME))
    return _finished(ax, language, title, say("plot-weekly-spend"), say("outcome"))


@public
def plot_split(decision: Decision, *, ax: Axes | None = None, language: str = "en") -> Axes:
    """Draw every channel's money before and after, side by side, with the change.

    Parameters
    ----------
    decision
        The week.
    ax, language
        As in `plot_response`.
    """
    moves = decision.moves
    ax, place = _axes(ax, len(moves) + 1), np.arange(len(moves))[::-1]
    before = [math.nan if m.before is None else float(m.before) for m in moves]
    after = [float(m.after) for m in moves]
    ax.barh(place + 0.2, before, 0.38, color=GREY, label=_in(say("last"), language))
    ax.barh(
        place - 0.2, after, 0.38, color=BLUE, hatch="//", ec="w", label=_in(say("next"), language)
    )
    for at, move in zip(place, moves, strict=True):
        share = "" if move.share is None else ("=" if not move.change else f"{move.share:+.1%}")
        ends = [float(money) for money in (move.before, move.after) if money is not None]
        _beside(ax, max(ends), float(at), share)
    _names(ax, [m.channel for m in moves], place)
    week, money = decision.allocation, say("plot-money", currency=decision.allocation.currency)
    title = say("plot-split-title", week=str(decision.week), total=show(week.total))
    return _finished(ax, language, title, money, "", grid="x")


@public
def plot_next_money(
    line: Frontier, *, budget: Any = None, ax: Axes | None = None, language: str = "en"
) -> Axes:
    """Draw where more money goes: each channel's spend at one budget less that at the one before.

    ``bo.frontier(plan, belief, [20000, 21000])`` is asked where the next 1,000 goes. Money may
    leave a channel on the way, where limits or S-shaped curves make it.

    Parameters
    ----------
    line
        At least two feasible budgets.
    budget
        Where the next money is looked at: the last budget that is not above it, by default the
        plan's own.
    ax, language
        As in `plot_response`.

    Raises
    ------
    InputError
        ``bad-argument`` where no two feasible budgets follow each other there.
    """
    plan = line.source.plan
    weeks = [(p.budget, p.allocation) for p in line.points if p.allocation is not None]
    if len(weeks) < 2:
        raise InputError(
            "bad-argument",
            say("frontier-feasible-budgets", count=len(weeks)),
            field="line",
            value=len(weeks),
            remedy=say("remedy-make-frontier-two-feasible"),
        )
    wanted = plan.budget if budget is None else plan.money.exact(budget, "budget")
    first = max([at for at, (money, _) in enumerate(weeks[:-1]) if money <= wanted], default=0)
    (low, before), (high, after) = weeks[first], weeks[first + 1]
    names = list(after.spend)
    moved = [float(difference_of(after.spend[name], before.spend[name])) for name in names]
    ax, place = _axes(ax, len(names)), np.arange(len(names))[::-1]
    ax.barh(place, moved, 0.6, color=[BLUE if money >= 0 else ORANGE for money in moved])
    for at, name, money in zip(place, names, moved, strict=True):
        brings = show_figure(after.outcomes[name] - before.outcomes[name], 3, sign=True)
        _beside(ax, max(money, 0.0), float(at), brings if money else "")
    ax.axvline(0.0, color="black", lw=0.8)
    _names(ax, names, place)
    title = say("plot-next-money-title", money=show(difference_of(high, low)),
                currency=plan.currency, budget=show(low))  # fmt: skip
    axis = say("plot-more-money", currency=plan.currency)
    return _finished(ax, language, title, axis, "", grid="x")


@public
def plot_limit_prices(week: Allocation, *, ax: Axes | None = None, language: str = "en") -> Axes:
    """Draw what one more unit of room under each binding limit is worth, the dearest first.

    Room is money; for a limit that counts or asks for outcome it is one channel or one outcome, and
    these bars are hatched. An infinite price, that of money where nothing may be spent, is left
    out.

    Parameters
    ----------
    week
        The split.
    ax, language
        As in `plot_response`.
    """
    counts = {row.limit for row in week.rules.rows if row.by_one or row.outcome is not None}
    found = sorted(
        ((p, name) for name, p in week.prices.items() if math.isfinite(p)),
        key=lambda pair: -pair[0],
    )
    prices, names = [p for p, _ in found], [name for _, name in found]
    ax, place = _axes(ax, max(2, len(names))), np.arange(len(names))[::-1]
    bars = ax.barh(place, prices, 0.6, color=BLUE)
    for bar, name, at, price in zip(bars, names, place, prices, strict=True):
        if name in counts:
            bar.set(hatch="//", edgecolor="w")
        _beside(ax, price, float(at), show_figure(price, 3))
    called = limit_names(week)
    _names(ax, [_in(called.get(name, name), language) for name in names], place)
    if not names:
        ax.text(0.5, 0.5, _in(say("plot-no-limits"), language), ha="center", va="center",
                transform=ax.transAxes)  # fmt: skip
    about = say("plot-price-axis", counted=GOAL_WORDS[week.goal])
    return _finished(ax, language, say("plot-limit-prices-title"), about, "", grid="x")


@public
def plot_frontier(line: Frontier, *, ax: Axes | None = None, language: str = "en") -> Axes:
    """Draw the best outcome by budget with its 90 % range, the knee, and the plan's own budget.

    Parameters
    ----------
    line
        The frontier; infeasible budgets are left out.
    ax, language
        As in `plot_response`.
    """
    ax, plan = _axes(ax), line.source.plan
    points = [(float(p.budget), p.outcome, p.allocation.spread)
              for p in line.points if p.allocation is not None]  # fmt: skip
    budgets = [money for money, _, _ in points]
    spreads = [spread for _, _, spread in points if spread is not None]
    if spreads and len(spreads) == len(points):
        low, high = ([getattr(s, end) for s in spreads] for end in ("low", "high"))
        label = _in(say("plot-band", level="90%"), language)
        ax.fill_between(budgets, low, high, color=BLUE, alpha=0.18, lw=0, label=label)
    outcomes = [outcome for _, outcome, _ in points]
    label = _in(say("plot-best"), language)
    ax.plot(budgets, outcomes, color=BLUE, marker=".", label=label)
    for money, code, colour, style in (
        (line.knee, "plot-knee", RED, "--"),
        (plan.budget, "plot-budget", GREEN, ":"),
    ):
        if money is not None:
            label = _in(say(code, budget=show(money)), language)
            ax.axvline(float(money), color=colour, ls=style, label=label)
    axis = say("plot-weekly-budget", currency=plan.currency)
    return _finished(ax, language, say("plot-frontier-title"), axis, _outcome(plan.outcome))


@public
def plot_forecast(
    belief: Belief, *, level: float = LEVEL, ax: Axes | None = None, language: str = "en"
) -> Axes:
    """Draw what was expected of each week against what came, and how often its band held.

    Forecasts are those made one week ahead.

    A week outside its prediction's band is a cross; the title counts those inside, as
    `Belief.calibration` does.

    Parameters
    ----------
    belief
        Learned from outcomes by channel.
    level
        Chance inside the band.
    ax, language
        As in `plot_response`.

    Raises
    ------
    InputError
        ``bad-argument`` where one total was all.
    """
    ax, frame = _axes(ax), belief.forecasts()
    inside = np.abs(frame["rank"].to_numpy() - 0.5) <= 0.5 * level
    x, y = frame["forecast"].to_numpy(), frame["actual"].to_numpy()
    for some, mark, colour, code in (
        (inside, "o", BLUE, "plot-inside"),
        (~inside, "x", RED, "plot-outside"),
    ):
        label = _in(say(code, level=f"{level:.0%}"), language)
        ax.scatter(x[some], y[some], s=18, marker=mark, color=colour, lw=1, label=label)
    ends = [0.0, float(max(x.max(initial=0.0), y.max(initial=0.0)))]
    ax.plot(ends, ends, color="black", lw=0.8, label=_in(say("plot-as-forecast"), language))
    share = f"{inside.mean():.0%}" if len(frame) else "-"
    title = say("plot-forecast-title", inside=int(inside.sum()), count=len(frame), share=share,
                level=f"{level:.0%}")  # fmt: skip
    return _finished(ax, language, title, say("plot-forecast-axis"), say("plot-actual-axis"))


@public
def plot_decomposition(belief: Belief, *, ax: Axes | None = None, language: str = "en") -> Axes:
    """Draw what each week's total is made of: baseline, the greatest channels and all others.

    The baseline has season, events and controls in it. What the model leaves over is between the
    top of the areas and the line of the totals.

    Parameters
    ----------
    belief
        Learned from one total.
    ax, language
        As in `plot_response`.

    Raises
    ------
    InputError
        ``bad-argument`` where channels have outcomes of their own.
    """
    found = belief.decomposition()
    if found is None:
        raise InputError("bad-argument", say("parts-need-one-total"), field="belief",
                         remedy=say("remedy-one-total-belief"))  # fmt: skip
    ax, days = _axes(ax), np.array(found.weeks, dtype="datetime64[D]")
    channels = [part for part in found.parts if part.kind == "channel"]
    channels.sort(key=lambda part: -sum(part.outcome))
    rest = [part for part in found.parts if part.kind not in ("channel", "left-over")]
    below = np.sum([part.outcome for part in rest], axis=0)
    areas = [(_in(say("plot-baseline"), language), below, "#cccccc")]
    for part, colour in zip(channels, (BLUE, ORANGE, GREEN, RED), strict=False):
        areas.append((clipped(part.name, _NAME), np.array(part.outcome), colour))
    if others := channels[4:]:
        label = _in(say("other-channels", count=len(others)), language)
        areas.append((label, np.sum([part.outcome for part in others], axis=0), GREY))
    bottom: Any = np.zeros(len(days))
    for label, values, colour in areas:
        ax.fill_between(days, bottom, bottom + values, color=colour, lw=0, label=label)
        bottom = bottom + values
    ax.plot(days, found.actual, color="black", lw=1.0, label=_in(say("actual"), language))
    title = say("plot-decomposition-title")
    _finished(ax, language, title, say("week"), say("outcome"), numbers=False)
    ax.tick_params(axis="x", rotation=30)
    return ax


@public
def plot_pacing(pace: Pace, *, ax: Axes | None = None, language: str = "en") -> Axes:
    """Draw what is spent and projected of what may be spent in each span, with the warning lines.

    Bars are shares of the plan: what is spent, and hatched what is projected to come. What nothing
    is planned for is left out.

    Parameters
    ----------
    pace
        The pace on a day.
    ax, language
        As in `plot_response`.
    """
    spans = [span for span in pace.spans if span.total.planned]
    ax, place = _axes(ax, max(2, len(spans))), np.arange(len(spans))[::-1]
    totals = [(span.total.actual, span.total.projection, span.total.planned) for span in spans]
    spent = np.array([float(ratio_of(actual, plan)) for actual, _, plan in totals])
    ends = np.array([float(ratio_of(projection, plan)) for _, projection, plan in totals])
    ax.barh(place, spent, 0.5, color=BLUE, label=_in(say("spent"), language))
    label = _in(say("projected"), language)
    ax.barh(place, ends - spent, 0.5, left=spent, fc="w", ec=BLUE, hatch="//", label=label)
    for at, (actual, projection, plan) in zip(place, totals, strict=True):
        amounts = {"actual": show(actual), "projection": show(projection), "planned": show(plan)}
        text = _in(say("plot-pace-label", **amounts), language)
        ax.text(0.01, at + 0.33, text, fontsize="small", va="bottom")
    label = _in(say("planned"), language)
    ax.axvline(1.0, color="black", lw=1.2, label=label)
    # Room for the legend beside the bars.
    ax.set_xlim(0.0, 1.45 * max([1.0, *ends.tolist()]))
    _names(ax, [in_language(span_name(span), language) for span in spans], place)
    ax.set_ylim(-0.6, len(spans) - 0.1)
    title = say("plot-pacing-title", day=str(pace.today), currency=pace.currency)
    _finished(ax, language, title, say("plot-share-of-plan"), "", grid="x")
    ax.xaxis.set_major_formatter(lambda value, _: f"{value:.0%}")
    return ax


@public
def plot_ledger(
    states: Iterable[WeekState],
    *,
    outcome: bool = False,
    ax: Axes | None = None,
    language: str = "en",
) -> Axes:
    """Draw the weeks of a ledger: money planned, applied and spent, or what came of it.

    Parameters
    ----------
    states
        Of its weeks, as ``budgetopt.workflow.states_of(ledger)`` gives them.
    outcome
        Whether the measured outcome is drawn in place of the money.
    ax, language
        As in `plot_response`.
    """
    ax, weeks = _axes(ax), list(states)
    days: Any = np.array([state.week for state in weeks], dtype="datetime64[D]")
    if outcome:
        series: dict[str, Sequence[float]] = {say("outcome"): [outcome_of(s) for s in weeks]}
    else:
        sums = [[math.nan if m is None else float(m) for m in sums_of(s)] for s in weeks]
        columns = np.array(sums, dtype=np.float64).reshape(-1, 3).T.tolist()
        heads = (say("planned"), say("applied"), say("actual"))
        series = dict(zip(heads, columns, strict=True))
    looks = ((GREY, "s", ":", 10), (ORANGE, "D", "--", 7), (BLUE, "o", "-", 4))[-len(series) :]
    for (name, values), (colour, mark, style, size) in zip(series.items(), looks, strict=True):
        ax.plot(days, values, color=colour, marker=mark, ls=style, ms=size, mfc="none",
                label=_in(name, language))  # fmt: skip
    axis = say("outcome") if outcome else say("spend")
    _finished(ax, language, say("plot-ledger-title"), say("week"), axis, numbers=False)
    most = [v for values in series.values() for v in values if math.isfinite(v)]
    ax.set_ylim(0.0, 1.1 * max(most, default=1.0))
    if weeks:
        ax.set_xticks(days[:: -(-len(weeks) // 8)], [str(d) for d in days[:: -(-len(weeks) // 8)]])
        ax.tick_params(axis="x", rotation=30)
    return ax


_SHADES = ((0.05, 0.95, 0.15), (0.25, 0.75, 0.3))
"""Bands of a fan, with how dark they are."""
_MEASURES = {
    "outcome": say("outcome"),
    "expected": say("expected-outcome"),
    "spend": say("spend"),
    "profit": say("profit"),
    "value": say("plot-value"),
    "goal": say("goal"),
    "regret": say("plot-regret"),
    "roas": say("roas"),
    "cpa": say("cpa"),
}
"""How measures of a simulation are called."""


@public
def plot_fan(
    simulation: Simulation,
    policy: str | None = None,
    *,
    measure: str = "outcome",
    ax: Axes | None = None,
    language: str = "en",
) -> Axes:
    """Draw the weeks of possible years: the middle, and bands that hold 50 and 90 % of the runs.

    Parameters
    ----------
    simulation
        What was simulated.
    policy
        Name; by default the first.
    measure
        One of `budgetopt.simulation.MEASURES`.
    ax, language
        As in `plot_response`.

    Raises
    ------
    InputError
        ``unknown-name``.
    """
    name = simulation.policies[0] if policy is None else policy
    ax, weeks = _axes(ax), np.arange(1, simulation.weeks + 1)
    for low, high, dark in _SHADES:
        ends = simulation.quantiles(measure, name, chances=(low, high), weekly=True)
        label = _in(say("plot-of-runs", share=f"{high - low:.0%}"), language)
        ax.fill_between(weeks, *ends, color=BLUE, alpha=dark, lw=0, label=label)
    middle = simulation.quantiles(measure, name, chances=(0.5,), weekly=True)[0]
    ax.plot(weeks, middle, color=BLUE, lw=2, label=_in(say("plot-median"), language))
    title = say("plot-fan-title", policy=clipped(name, _NAME), runs=f"{simulation.runs:,}")
    return _finished(ax, language, title, say("week"), _MEASURES[measure])


@public
def plot_differences(
    simulation: Simulation,
    *,
    measure: str = "goal",
    ax: Axes | None = None,
    language: str = "en",
) -> Axes:
    """Draw what each policy brings more than the first in the same runs, with 95 % intervals.

    Parameters
    ----------
    simulation
        Of two policies or more.
    measure
        One of `budgetopt.simulation.MEASURES`.
    ax, language
        As in `plot_response`.

    Raises
    ------
    InputError
        ``bad-argument`` for a single policy; ``unknown-name``.
    """
    first, *others = simulation.policies
    if not others:
        raise InputError(
            "bad-argument",
            say("policy-alone-nothing-compared"),
            field="simulation",
            value=first,
            remedy=say("remedy-simulate-second-policy-hold"),
        )
    found = [simulation.difference(name, first, measure=measure) for name in others]
    ax, place = _axes(ax, len(others) + 1), np.arange(len(others))[::-1]
    means = [gap.mean for gap in found]
    ends = [[gap.mean - gap.low for gap in found], [gap.high - gap.mean for gap in found]]
    ax.errorbar(means, place, xerr=ends, fmt="o", color=BLUE, capsize=4)
    for at, gap in zip(place, found, strict=True):
        text = say("plot-better-in", share=f"{gap.share_better:.0%}")
        ax.annotate(_in(text, language), (gap.mean, float(at)), (0, 8),
                    textcoords="offset points", ha="center", fontsize="small")  # fmt: skip
    ax.axvline(0.0, color="black", lw=0.8)
    ax.set_ylim(-0.6, len(others) - 0.3)
    _names(ax, others, place)
    title = say("plot-differences-title", policy=clipped(first, _NAME))
    what = GOAL_WORDS[simulation.goal] if measure == "goal" else _MEASURES[measure]
    axis = say("plot-difference-axis", measure=what, level=f"{found[0].level:.0%}")
    return _finished(ax, language, title, axis, "", grid="x")


@public
def plot_tornado(
    tornado: Tornado, *, most: int = 12, ax: Axes | None = None, language: str = "en"
) -> Axes:
    """Draw which inputs move the outcome most, each moved down and up by the same share.

    Parameters
    ----------
    tornado
        From `budgetopt.simulation.sensitivity`.
    most
        Inputs that are shown, the largest first.
    ax, language
        As in `plot_response`.
    """
    swings = [s for s in tornado.swings if math.isfinite(s.size)][:most]
    ax, place = _axes(ax, len(swings)), np.arange(len(swings))[::-1]
    for end, code, colour, hatch in (
        ([s.low for s in swings], "plot-down", ORANGE, ""),
        ([s.high for s in swings], "plot-up", BLUE, "//"),
    ):
        label = _in(say(code, by=f"{tornado.by:.0%}"), language)
        width = np.array(end) - tornado.outcome
        ax.barh(place, width, 0.6, left=tornado.outcome, color=colour, hatch=hatch, ec="w",
                label=label)  # fmt: skip
    ax.axvline(tornado.outcome, color="black", lw=0.8)
    _names(ax, [in_language(input_in_words(s.name), language) for s in swings], place)
    title = say("plot-tornado-title", outcome=tornado.planned(5))
    what = say("expected-outcome") if tornado.goal == "outcome" else GOAL_WORDS[tornado.goal]
    return _finished(ax, language, title, what, "", grid="x")


_STEPS = ("impressions", "clicks", "conversions", "orders", "new_customers")


@public
def plot_funnel(
    simulation: Simulation,
    policy: str | None = None,
    *,
    ax: Axes | None = None,
    language: str = "en",
) -> Axes:
    """Draw the steps from impressions to new customers of a mean run, on a logarithmic scale.

    Beside each step is its number, and its share of the step before. Steps that hang on a rate that
    the market's funnel does not declare are left out.

    Parameters
    ----------
    simulation
        Its market has the funnel's rates.
    policy
        Name; by default the first.
    ax, language
        As in `plot_response`.

    Raises
    ------
    InputError
        ``unknown-name``; ``bad-argument`` where nothing was bought.
    """
    row = simulation.metrics(policy, "total").iloc[0]
    steps = {step: float(row[step]) for step in _STEPS if not math.isnan(row[step])}
    amounts = list(steps.values())
    if not min(amounts, default=0.0) > 0:
        raise InputError(
            "bad-argument",
            say("funnel-empty-step"),
            field="simulation",
            value=min(steps, key=steps.__getitem__, default="funnel"),
            remedy=say("remedy-simulate-plan-spends-money"),
        )
    ax, place = _axes(ax, len(steps)), np.arange(len(steps))[::-1]
    ax.hlines(place, min(amounts) / 2, amounts, color="#cccccc", lw=1)
    ax.plot(amounts, place, color=BLUE, marker="o", ms=8, ls="")
    for at, (before, amount) in enumerate(zip([math.nan, *amounts], amounts, strict=False)):
        share = "" if math.isnan(before) else f" ({amount / before:.3g})"
        if share and amount <= before:
            share = f" ({100 * amount / before:.3g}%)"
        _beside(ax, amount, float(place[at]), show_figure(amount, 4) + share, far=9)
    ax.set_xscale("log")
    ax.set_xlim(min(amounts) / 2, max(amounts) * 12)
    names = {"impressions": say("impressions"), "clicks": say("clicks"),
             "conversions": say("conversions"), "orders": say("orders"),
             "new_customers": say("new-customers")}  # fmt: skip
    _names(ax, [in_language(names[step], language) for step in steps], place)
    name = simulation.policies[0] if policy is None else policy
    title = say("plot-funnel-title", policy=clipped(name, _NAME))
    return _finished(ax, language, title, say("plot-log-axis"), "", grid="x", numbers=False)


def _in(text: str, language: str) -> str:
    return in_language(text, language)


def _outcome(name: str) -> str:
    """Return the outcome's own name, or the word."""
    return say("outcome") if name == "outcome" else clipped(name, _NAME)


def _mark(ax: Axes, x: float, y: float, mark: str, colour: str, label: str) -> None:
    ax.plot([x], [y], ls="", marker=mark, ms=9, color=colour, mec="w", label=label, zorder=5)


def _beside(ax: Axes, x: float, y: float, text: str, far: float = 3) -> None:
    """Write a number to the right of what it is of."""
    ax.annotate(text, (x, y), (far, 0), textcoords="offset points", va="center", fontsize="small")


def _names(ax: Axes, names: Sequence[str], place: Any) -> None:
    """Write names along the vertical axis, as text and no formulas."""
    ax.set_yticks(place, [clipped(name, _NAME) for name in names])
    for label in ax.get_yticklabels():
        label.set_parse_math(False)


def _finished(
    ax: Axes,
    language: str,
    title: str,
    x: str,
    y: str,
    *,
    grid: Any = "both",
    numbers: bool = True,
) -> Axes:
    """Say what is shown, in a language and in letters that a font has."""
    ax.set_title(_in(title, language), loc="left", parse_math=False)
    ax.set_xlabel(_in(x, language), parse_math=False)
    ax.set_ylabel(_in(y, language), parse_math=False)
    if numbers:
        ax.locator_params(axis="x", nbins=6)
        ax.xaxis.set_major_formatter(lambda value, _: show_figure(value))
    if grid == "both":
        ax.yaxis.set_major_formatter(lambda value, _: show_figure(value))
    ax.grid(visible=True, axis=grid, color="#dddddd", lw=0.6)
    ax.set_axisbelow(True)
    for side in ("top", "right"):
        ax.spines[side].set_visible(False)
    if grid == "x" and ax.get_autoscalex_on():
        # Room for the numbers beside the bars.
        ax.margins(x=0.14)
    if ax.get_legend_handles_labels()[1]:
        legend = ax.legend(frameon=False, fontsize="small")
        for text in legend.get_texts():
            text.set_parse_math(False)
    _in_letters(ax)
    return ax


_CHINESE = (
    "Noto Sans CJK SC",
    "Noto Sans SC",
    "Source Han Sans SC",
    "Source Han Sans CN",
    "PingFang SC",
    "Microsoft YaHei",
    "Hiragino Sans GB",
    "WenQuanYi Micro Hei",
    "WenQuanYi Zen Hei",
    "SimHei",
    "Heiti SC",
    "Noto Sans CJK JP",
    "Droid Sans Fallback",
    "Arial Unicode MS",
    "SimSun",
)
"""Families that have Chinese letters, the plainest first; others are found by their names."""
_LIKELY = re.compile(r"CJK|Han|Hei|Song|Ming|Kai|Unicode|Fallback|Gothic", re.IGNORECASE)


def _in_letters(ax: Axes) -> None:
    """Give texts a font that has their letters, or say that there is none."""
    import matplotlib
    from matplotlib import font_manager
    from matplotlib.text import Text

    texts = cast("list[Text]", ax.findobj(Text))
    usual = font_manager.get_font(font_manager.findfont(font_manager.FontProperties()))
    lacking = _lacking(usual, "".join(text.get_text() for text in texts))
    if not lacking:
        return
    files = {font.name: font.fname for font in font_manager.fontManager.ttflist}
    likely = [name for name in files if _LIKELY.search(name) and name not in _CHINESE]
    fonts = [name for name in (*_CHINESE, *sorted(likely)) if name in files]
    left = {name: _lacking(font_manager.get_font(files[name]), lacking) for name in fonts}
    best = min(fonts, key=lambda name: len(left[name]), default="")
    if best and len(left[best]) < len(lacking):
        families = [*matplotlib.rcParams["font.family"], best]
        for text in texts:
            text.set_fontfamily(families)
        ax.tick_params(labelfontfamily=families)
        lacking = left[best]
    if lacking:
        shown = "".join(sorted(lacking))[:12]
        warnings.warn(
            f"no font has the letters {shown!r}, which are shown as boxes: install a Chinese font, "
            "such as Noto Sans CJK (fonts-noto-cjk), and restart Python, or add its file by "
            "matplotlib.font_manager.fontManager.addfont",
            MissingFontWarning,
            stacklevel=5,
        )


def _lacking(font: Any, letters: Iterable[str]) -> str:
    """Return the letters that a font does not have."""
    return "".join(c for c in dict.fromkeys(letters) if c.isprintable() and not c.isspace()
                   and not font.get_char_index(ord(c)))  # fmt: skip
