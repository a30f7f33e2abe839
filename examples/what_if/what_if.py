"""A year of the weekly plan under the six usual risks; writes the page README.md beside it.

    python what_if.py             # as README.md is, in a minute or two
    python what_if.py --runs 64   # quicker and rougher

Every sentence with a number takes it from the simulated years.
"""

import argparse
import textwrap
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import budgetopt as bo
from budgetopt.market import RISKS, believed_market
from budgetopt.simulation import Difference, Interval, Simulation, contingencies_of, simulate

HERE = Path(__file__).parent
RUNS, WEEKS, SEED = 200, 52, 2026
HOLD, SHARES, BEST = "hold", "proportional(8)", "optimistic(1)"
WAYS = {
    HOLD: "keeps last week's split",
    SHARES: "shares the money by the ROAS of the last eight weeks",
    BEST: "learns the curves and solves the split anew, budgetopt's default",
}


class Found(NamedTuple):
    """The same years in several worlds: as usual, with each risk, and with an answer to it."""

    plan: bo.Plan
    usual: Simulation
    spent: Simulation
    """As usual, with the reserve spent from the first week on."""
    kept: dict[str, Simulation]
    released: dict[str, Simulation]


def simulated(runs: int = RUNS, weeks: int = WEEKS, seed: int = SEED) -> Found:
    """Return the years of the plan in all worlds."""
    plan = bo.Plan.load(HERE / "plan.toml")
    history = bo.History.read(
        HERE.parent / "weekly" / "history.csv", plan.columns, channels=plan.names
    )
    market = believed_market(plan, bo.learn(history, plan))
    asked = {"weeks": weeks, "runs": runs, "seed": seed, "history": history}
    ways, answers = list(WAYS), contingencies_of(plan)
    kept, released = {}, {}
    for name, risk in RISKS.items():
        mine = [answer for answer in answers if answer.scenario == name]
        kept[name] = simulate(plan, market, ways, scenarios=risk, **asked)
        released[name] = simulate(plan, market, ways, scenarios=risk, contingencies=mine, **asked)
    return Found(
        plan,
        simulate(plan, market, ways, **asked),
        simulate(replace(plan, reserve=bo.Reserve()), market, ways, **asked),
        kept,
        released,
    )


def page(found: Found) -> str:
    """Return the page as Markdown."""
    plan, usual = found.plan, found.usual
    intro = f"""\
This page is written by `what_if.py` from {usual.runs} simulated years of {usual.weeks} weeks of
`plan.toml`: {len(plan.names)} channels, {plan.spendable:,.0f} {plan.currency} a week to spend, and
{plan.held:,.0f} a week of contingency reserve. Every year draws its true curves from what the
history of `../weekly` says, so that years differ as far as it leaves them in doubt, with noise and
drift as they were learned. Every year is run again with each risk, with and without the reserve,
and by three ways to decide:"""
    method = f"""\
All differences are between the same years, ± is half of a 95 % interval. Profit is
{plan.value:.0%} of the revenue, the plan's margin, less the money spent. Left out: seasons, and
what the history does not show; {"; ".join(usual.notes)}."""
    parts = [
        "# What if? A year of the weekly plan under six risks",
        _filled(intro),
        "\n".join(f"- `{name}` {does}" for name, does in WAYS.items()),
        _filled(method),
        "## What to do",
        _advice(found),
        "## The year as usual",
        _usual(usual),
        "## What each risk changes",
        _risks(found),
        "## What the reserve brings",
        _reserve(found),
        "## Try it",
        "    python what_if.py\n"
        "    budgetopt simulate plan.toml --history ../weekly/history.csv "
        f"--scenario competition --runs {RUNS}",
    ]
    return "\n\n".join(parts) + "\n"


def _advice(found: Found) -> str:
    """Return what follows, in plain words."""
    usual = found.usual
    lead, more = usual.difference(BEST, SHARES), usual.difference(BEST, HOLD)
    leads = {name: world.difference(BEST, SHARES) for name, world in found.kept.items()}
    least, most = (f(leads, key=lambda n: leads[n].mean) for f in (min, max))
    sure = all(one.low > 0 for one in leads.values())
    costs = {name: _cost(found, name, BEST) for name in found.kept}
    worst, second, *_ = sorted(costs, key=lambda name: costs[name].mean)
    apart = max(
        max(shares) - min(shares)
        for shares in ([_share(found, name, way) for way in (SHARES, BEST)] for name in found.kept)
    )
    over = _mean_over(found.kept["overspend"])
    verdicts = {name: _verdict(_gain(found, name)) for name in found.kept}
    items = [
        f"**Decide every week by `{BEST}`.** In a usual year it brings {_plain(lead)} more "
        f"revenue than shares by ROAS for the same money, and {_plain(more)} more than keeping "
        f"last week's split{_two_parts(usual)}. Under the risks its lead over shares by ROAS is "
        f"between {_money(leads[least].mean)} ({least}) and {_money(leads[most].mean)} ({most}), "
        f"{'sure under every one of them' if sure else 'not sure under all of them'}.",
        f"**Find out early what lasts.** {worst.capitalize()} takes {_money(-costs[worst].mean)} "
        f"of a year's revenue ({-_share(found, worst, BEST):.1%}), {second} "
        f"{_money(-costs[second].mean)} ({-_share(found, second, BEST):.1%}). No way to decide "
        f"makes up for that: shares by ROAS and `{BEST}` lose the same part of theirs, within "
        f"{100 * apart:.1f} percentage points. What helps is another creative, format or audience: "
        "test them beforehand, and look every week whether the predictions held.",
        _reserve_advice(found, verdicts),
        f"**Watch what platforms really spend.** Under overspend `{BEST}` goes over the year's "
        f"budget in {found.kept['overspend'].chance_of_overspend(BEST).mean:.0%} of the years, by "
        f"{_money(over)} on average: next week's split cannot take back what is spent. Only lower "
        "orders keep the budget, in the very week in which it is seen.",
    ]
    return "\n".join(_filled(f"{at}. {item}", "   ") for at, item in enumerate(items, 1))


def _two_parts(usual: Simulation) -> str:
    """Say how much of the lead over last week's split is due to more money, if it has any."""
    parts = usual.parts(BEST, measure="outcome")
    if parts is None:
        return ""
    by_money, by_split = parts
    left = usual.mean("spend", BEST).mean - usual.mean("spend", HOLD).mean
    return (
        f": {_plain(by_money)} of it from the {_money(left)} that `{HOLD}` leaves unspent, "
        f"{_plain(by_split)} from the better split of the same money"
    )


def _reserve_advice(found: Found, verdicts: dict[str, str]) -> str:
    """Say when to release the reserve."""
    margin = float(found.plan.value)

    def those(verdict: str) -> str:
        names = [name for name, said in verdicts.items() if said == verdict]
        return f"{', '.join(names[:-1])} and {names[-1]}" if len(names) > 1 else "".join(names)

    pays, not_pays = those("release"), those("keep")
    head = [f"Release the reserve under {pays}"] * bool(pays)
    head += [f"keep it under {not_pays}"] * bool(not_pays)
    said = "; ".join(head) or "The reserve makes no sure difference under any risk"
    lines = [
        f"**{said[0].upper()}{said[1:]}.** At a margin of {margin:.0%} a unit of money has to "
        f"bring {1 / margin:.2f} of revenue to earn itself back; what it brings when it is "
        "released is in the last table."
    ]
    if those("no clear difference"):
        lines.append(f"Under {those('no clear difference')} it makes no clear difference.")
    if those("too late"):
        lines.append(f"{those('too late').capitalize()} is over before the plan can answer.")
    early = [found.spent.difference(BEST, world=found.usual, measure=measure)
             for measure in ("outcome", "profit")]  # fmt: skip
    lines.append(
        f"Spent as usual money all year, the reserve would bring {_plain(early[0])} of revenue and "
        f"{_plain(early[1])} of profit: that is what being prepared costs."
    )
    return " ".join(lines)


def _usual(usual: Simulation) -> str:
    rows = []
    for way in usual.policies:
        low, high = usual.quantiles("outcome", way, chances=(0.05, 0.95))
        spend = usual.mean("spend", way).mean
        revenue, profit = usual.mean("outcome", way), usual.mean("profit", way)
        # The simulation's own roas is of what the plan's margin leaves of the revenue.
        roas = revenue.mean / spend
        rows.append([f"`{way}`", _plain(revenue), f"{_money(low)} to {_money(high)}", _money(spend),
                     f"{roas:.2f}", _plain(profit)])  # fmt: skip
    return _table(["", "revenue", "nine years in ten", "spend", "ROAS", "profit"], rows)


def _risks(found: Found) -> str:
    rows = []
    for name in found.kept:
        costs = [_cost(found, name, way) for way in WAYS]
        cells = [
            f"{_plain(cost)} ({_share(found, name, way):+.1%})"
            for way, cost in zip(WAYS, costs, strict=True)
        ]
        rows.append([name, *cells])
    said = (
        "Change of the year's revenue, reserve kept. Whoever keeps last week's split also keeps "
        "last week's overspend, and goes on spending more."
    )
    return f"{_table(['', *(f'`{way}`' for way in WAYS)], rows)}\n\n{_filled(said)}"


def _reserve(found: Found) -> str:
    rows = []
    for name in found.kept:
        revenue, profit = _gain(found, name, "outcome"), _gain(found, name)
        spend = _gain(found, name, "spend").mean
        each = [_each(found, name, way) for way in (SHARES, BEST)]
        rows.append([name, _money(spend), _plain(revenue), _plain(profit), *each, _verdict(profit)])
    heads = ["", "more spend", "more revenue", "more profit", "revenue per money, shares",
             "the same, default", "so"]  # fmt: skip
    said = f"""\
What releasing all of the reserve changes in a year by `{BEST}`, from one week after the risk has
begun until it is over, and what one unit of the money brings by `{SHARES}` and by `{BEST}`.
`{HOLD}` moves no money and cannot use it."""
    return f"{_table(heads, rows)}\n\n{_filled(said)}"


def _each(found: Found, risk: str, way: str) -> str:
    """Return what a unit of the released money brings; nothing where none is spent."""
    revenue, spend = (_gain(found, risk, measure, way).mean for measure in ("outcome", "spend"))
    return f"{revenue / spend:.2f}" if spend else ""


def _cost(found: Found, risk: str, way: str) -> Difference:
    """Return what a risk changes in the year's revenue."""
    return found.kept[risk].difference(way, world=found.usual)


def _share(found: Found, risk: str, way: str) -> float:
    return _cost(found, risk, way).mean / found.usual.mean("outcome", way).mean


def _gain(found: Found, risk: str, measure: str = "profit", way: str = BEST) -> Difference:
    """Return what releasing the reserve changes."""
    kept = found.kept[risk]
    return found.released[risk].difference(way, world=kept, measure=measure)


def _verdict(profit: Difference) -> str:
    if profit.low == profit.high == 0:
        return "too late"
    if profit.low <= 0 <= profit.high:
        return "no clear difference"
    return "release" if profit.low > 0 else "keep"


def _mean_over(world: Simulation) -> float:
    """Return the money by which a year goes over its budget, on average."""
    spend, budget = world.by_run("spend", BEST), world.budget.sum(axis=1)
    return float((spend - budget).clip(min=0).mean())


def _plain(found: Interval | Difference) -> str:
    return f"{_money(found.mean)} ± {_money(found.half)}"


def _money(amount: float) -> str:
    # What is half a unit but for the arithmetic is rounded alike everywhere.
    return f"{round(round(amount, 3)):,}"


def _filled(text: str, indent: str = "") -> str:
    words = " ".join(text.split())
    return textwrap.fill(words, 100, subsequent_indent=indent, break_on_hyphens=False)


def _table(heads: list[str], rows: list[list[str]]) -> str:
    lines = [heads, ["---", *["---:"] * (len(heads) - 1)], *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--runs", type=int, default=RUNS)
    parser.add_argument("--out", type=Path, default=HERE / "README.md")
    given = parser.parse_args()
    given.out.write_text(page(simulated(given.runs)), encoding="utf-8")
