"""What the pages of frontiers, what-ifs, simulated years and beliefs must say, recomputed.

Money and outcomes of optima come from the curves of the belief by a bisection of their own; those
of simulated years from the arrays of each run.
"""

import datetime as dt
import math
from decimal import Decimal

import numpy as np
from scipy.stats import t as student

from budgetopt.money import show_amount

from ..lived.pages import Drawn
from .claims import Cents, Each, Form, Known, Percent, Summed
from .held import COUNTED

ENDS = (0.05, 0.95)


class Curves:
    """The mean curves and the draws of a belief, with caps, and the best splits by price.

    `worth` is what the goal counts an outcome of each channel for, `cost` what a unit of money.
    """

    def __init__(self, belief, caps, worth=1.0, cost=0.0):
        self.mean, self.caps = belief.mean(), np.array(caps, float)
        self.worth, self.cost = np.array(worth), cost
        self.drawn = Drawn(belief, np.random.default_rng(0), 200)

    def brings(self, spend):
        return self.mean.value(np.array([float(money) for money in spend]))

    def range(self, spend):
        """Return the ends between which 90 of 100 draws lie."""
        drawn = self.drawn.value(np.array([float(money) for money in spend])).sum(axis=-1)
        return np.quantile(drawn, ENDS, method="inverted_cdf").tolist()

    def leaves(self, spend):
        """Say whether a channel's money leaves what it ever spent."""
        money = np.array([float(each) for each in spend])
        least, most = self.drawn.least, self.drawn.most
        return bool(np.any((money > most) | ((money > 0) & (money < least))))

    def on_priors(self, spends):
        """Return the shares of outcomes that no week saw, by position, from a hundredth on."""
        shares = {}
        for at, spend in enumerate(spends):
            unseen = self.drawn.unseen(np.array([float(each) for each in spend])).sum()
            share = unseen / self.brings(spend).sum()
            shares |= {at: f"{share:.0%}"} if share >= 0.01 else {}
        return shares

    def at_price(self, price):
        """Return the money of each channel whose next unit earns a price, by bisection."""
        low, high = np.zeros_like(self.caps), self.caps.copy()
        for _ in range(60):
            middle = 0.5 * (low + high)
            more = self.worth * self.mean.slope(middle) >= price + self.cost
            low, high = np.where(more, middle, low), np.where(more, high, middle)
        return low

    def price_of(self, spend):
        """Return how many outcomes the next unit brings at most where there is room."""
        spend = np.array([float(money) for money in spend])
        return float(self.mean.slope(spend)[spend < self.caps].max(initial=0.0))

    def earns(self, spend):
        """Return what the goal counts a split for."""
        money = math.fsum(map(float, spend))
        return float((self.worth * self.brings(spend)).sum()) - self.cost * money


def hold_allocation(claims, week, value, slope, last):
    """Hold a split of its own, by the values and slopes of its true curves."""
    names, spend = list(week.spend), [week.spend[name] for name in week.spend]
    brings, slopes = ([float(each) for each in of(*map(float, spend))] for of in (value, slope))
    total, outcome, before = sum(spend), sum(brings), sum(last)
    claims.bars({name: [a, b] for name, a, b in zip(names, last, spend, strict=True)})
    heads = ["channel", "last", "next", "change", "revenue", "ROAS", "limit"]
    changes = [Percent((b - a) / a) for a, b in zip(last, spend, strict=True)]
    ends = [(Decimal("0.7") * a, Decimal("1.3") * a) for a in last]
    limits = ["max change" if b in both else "" for b, both in zip(spend, ends, strict=True)]
    claims.table(
        "The split", 0, heads, [*names, "total"], [*last, before], [*spend, total],
        [*changes, Percent((total - before) / before)], [*brings, outcome],
        [b / float(s) for b, s in zip([*brings, outcome], [*spend, total], strict=True)],
        [*limits, ""],
    )  # fmt: skip
    good = "the best possible under the limits."
    claims.says(
        f"{{}} of {{}} CNY spent; expected outcome {{}}, {good}", total, week.budget, outcome
    )
    claims.says(f"{{}} CNY for an expected outcome of {{}}, {good}", total, outcome)
    for name, a, b, more, limit in zip(names, last, spend, slopes, limits, strict=True):
        at = f", at its {limit}" if limit else ""
        claims.says(f"{name}: {{}} → {{}} ({{}}){at}; {{}} more would return {{}}.", a, b,
                    Percent((b - a) / a), 10, 10 * more)  # fmt: skip
    at, free = limits.index("max change"), slopes[limits.index("")]
    rooms = {"the budget": 10 * free, f"max change of {names[at]}": 10 * abs(slopes[at] - free)}
    order = sorted(rooms, key=lambda name: -rooms[name])
    claims.table("What the limits cost", 0, ["limit", "more room", "more revenue"], order,
                 [10, 10], [rooms[name] for name in order])  # fmt: skip
    claims.says("from a plan of {} channels, method waterfill.", len(names))


def hold_frontier(claims, line, curves, outcome="revenue"):
    """Hold what each budget brings, its split, the knee, and where the next unit earns itself."""
    points, plan = line.points, line.source.plan
    splits = [[point.allocation.spend[name] for name in plan.names] for point in points]
    outcomes = [float(curves.brings(split).sum()) for split in splits]
    earned = [curves.earns(split) for split in splits]
    low, high = zip(*map(curves.range, splits), strict=True)
    texts = [f"{point.budget:,.2f}" for point in points]
    drawn = [outcome, f"{outcome} ≥", f"{outcome} ≤"], outcomes, low, high
    if plan.goal.weights:
        drawn = [COUNTED["weights"]], earned
    claims.table("Budgets", 0, ["budget", *drawn[0]], texts, *drawn[1:])
    columns = [[*split, sum(split)] for split in splits]
    claims.table("Budgets", 1, ["channel", *texts], [*plan.names, "total"], *columns)
    brings = hold_weighed if plan.goal.weights else hold_returns
    middle = brings(claims, line, curves, outcome, splits)
    spent = [sum(split) for split in splits]
    at_limit = [sum(m == cap for m, cap in zip(s, curves.caps, strict=True)) for s in splits]
    claims.table("Budgets", 2, ["budget", "spent", *middle, "at a limit"], texts, spent,
                 *middle.values(), at_limit)  # fmt: skip
    rise = (earned[-1] - earned[0]) / float(points[-1].budget - points[0].budget)
    claims.says("The knee is at {} CNY.", Cents(curves.at_price(rise).sum()))
    out = [show_amount(p.budget) for p, s in zip(points, splits, strict=True) if curves.leaves(s)]
    if out:
        claims.says("Extrapolated, since channels leave the spends that were ever seen: budgets "
                    f"{', '.join(out)}. Their ranges are wider for it.")  # fmt: skip
    if rests := curves.on_priors(splits):
        named = (f"{show_amount(points[at].budget)} ({share})" for at, share in rests.items())
        claims.says("Share of the outcome that rests on priors alone, at spends no week or lift "
                    f"test was ever at: {', '.join(named)}.")  # fmt: skip
    claims.says("A range (low to high) covers 90% of simulations.")
    claims.says("from {} budgets.", len(points))


def hold_returns(claims, line, curves, outcome, splits):
    """Hold what money brings, or what an outcome costs, at the ends; return the columns of it."""
    budgets, plan = [point.budget for point in line.points], line.source.plan
    spent, value = [float(sum(split)) for split in splits], float(plan.value or 1)
    outcomes = [float(curves.brings(split).sum()) for split in splits]
    low, high = zip(*map(curves.range, splits), strict=True)
    # What would stay unspent brings nothing.
    slopes = [
        value * curves.price_of(split) if money > 0.99 * float(budget) else 0.0
        for split, money, budget in zip(splits, spent, budgets, strict=True)
    ]
    returns = [value * o / s for o, s in zip(outcomes, spent, strict=True)]
    said = f"{{}} to {{}} CNY return {{}} to {{}} {outcome}; "
    values = [budgets[0], budgets[-1], outcomes[0], outcomes[-1]]
    found = {outcome: outcomes, "90% range": ranges(low, high)}
    if plan.value is None and outcome != "revenue":
        slopes, returns = ([1 / each for each in column] for column in (slopes, returns))
        claims.says(f"{said}one more costs {{}} at first and costs {{}} at last (marginal CPA).",
                    *values, slopes[0], slopes[-1])  # fmt: skip
        return found | {"CPA": returns, "marginal CPA": slopes}
    claims.says(f"{said}the next unit of money returns {{}} at first and {{}} at last.",
                *values, slopes[0], slopes[-1])  # fmt: skip
    # With a goal of profit the unit itself is paid for already.
    at = curves.at_price(1.0 - curves.cost)
    claims.says("At {} CNY mROAS falls to 1.", Cents(at.sum()))
    return found | {"ROAS": returns, "mROAS": slopes}


def hold_weighed(claims, line, curves, outcome, splits):
    """Hold the outcomes that a goal weighs, and their sum; return the columns of them."""
    plan, earned = line.source.plan, [curves.earns(split) for split in splits]
    rates = {name: [dict(c.rates).get(name, 1) for c in plan.channels]
             for name, _ in plan.goal.weights}  # fmt: skip
    kinds = {
        name: [float((curves.brings(split) * np.array(each, float)).sum()) for split in splits]
        for name, each in rates.items()
    }
    budgets = [point.budget for point in line.points]
    each = ", ".join(f"{{}} to {{}} {name}" for name in kinds)
    ends = [figure for column in kinds.values() for figure in (column[0], column[-1])]
    claims.says(f"{{}} to {{}} CNY return {{}} to {{}} by the goal's weights: {each}.",
                budgets[0], budgets[-1], earned[0], earned[-1], *ends)  # fmt: skip
    return kinds | {"by weights": earned}


def ranges(low, high):
    """Return cells of ranges."""
    return Each(Form("{}–{}", float(a), float(b)) for a, b in zip(low, high, strict=True))


def hold_what_if(claims, found, curves, prices, outcome="revenue"):
    """Hold cases side by side; `prices` says how much dearer each channel is in each case."""
    plan, letters = found.plan, "ABCDEF"
    splits = [[answer.allocation.spend[name] for name in plan.names] for answer in found.answers]
    # What is dearer brings what as much less money did.
    bought = [np.array(s, float) / dear for s, dear in zip(splits, prices, strict=True)]
    outcomes = [float(curves.brings(money).sum()) for money in bought]
    spent = [sum(split) for split in splits]
    # The money is what is paid, the outcome what as much less money brings.
    goals = [curves.earns(money) + curves.cost * (float(money.sum()) - float(paid))
             for money, paid in zip(bought, spent, strict=True)]  # fmt: skip
    cases = [f"{letters[at]} {answer.name}" for at, answer in enumerate(found.answers)]
    low, high = zip(*map(curves.range, bought), strict=True)
    claims.bars({case: [each] for case, each in zip(cases, outcomes, strict=True)})
    counted = COUNTED.get("weights" if plan.goal.weights else plan.goal.kind)
    inverse, value = plan.value is None and outcome != "revenue", float(plan.value or 1)
    pairs = [(value * o, float(s)) for o, s in zip(outcomes, spent, strict=True)]
    middle = {outcome: outcomes, "90% range": ranges(low, high)}
    change = f"change{' by the goal' * bool(counted)}"
    changes = [None, *(Percent(each / goals[0] - 1) for each in goals[1:])]
    last = {
        change: changes,
        "CPA" if inverse else "ROAS": [s / o if inverse else o / s for o, s in pairs],
    }
    if plan.goal.weights:
        rates = np.array([float(dict(channel.rates)["clicks"]) for channel in plan.channels])
        clicks = [float(rates @ curves.brings(money)) for money in bought]
        middle = {"clicks": clicks, outcome: outcomes}
        last = {"by weights": goals, change: changes}
    claims.table(
        "Cases",
        0,
        ["case", "spend", *middle, *last],
        cases,
        spent,
        *middle.values(),
        *last.values(),
    )
    heads, columns = ["channel", *letters[: len(cases)]], [[*split, sum(split)] for split in splits]
    claims.table("The split of each case", 0, heads, [*plan.names, "total"], *columns)
    claims.says(
        f"{{}}: {{}} CNY should return {{}} {outcome}.", "as planned", spent[0], outcomes[0]
    )
    named = zip(found.answers, bought, strict=True)
    if out := [answer.name for answer, money in named if curves.leaves(money)]:
        claims.says("extrapolated, since channels leave the spends that were ever seen: "
                    f"{', '.join(out)}; their ranges are wider for it.")  # fmt: skip
    if rests := curves.on_priors(bought):
        each = (f"{found.answers[at].name} ({share})" for at, share in rests.items())
        claims.says("share of the outcome that rests on priors alone, at spends no week or lift "
                    f"test was ever at: {', '.join(each)}")  # fmt: skip
    if not plan.goal.weights:
        claims.says("A range (low to high) covers 90% of simulations.")
    claims.says("from {} cases.", len(cases))


# Simulated years, by the arrays of each run.


class World:
    """Sums over the weeks of each run, by policy."""

    def __init__(self, simulation):
        self.policies, self.records = simulation.policies, simulation.records
        self.same, self.together = simulation.same_money, simulation.together
        self.budget, self.target = simulation.budget.sum(axis=1), simulation.target

    def runs(self, policy, of="outcome"):
        record = self.same[policy] if policy in self.same else self.records[policy]
        return getattr(record, of).sum(axis=1)

    def weeks(self, policy, of="outcome"):
        return getattr(self.records[policy], of)

    def half(self, values):
        """Return half the width of the 95% interval of a mean, of means of runs that go together.

        Student (1908).
        """
        means = values.reshape(-1, self.together).mean(axis=1)
        count = len(means)
        return float(student.ppf(0.975, count - 1) * means.std(ddof=1) / np.sqrt(count))

    def interval(self, values):
        mean, half = float(values.mean()), self.half(values)
        return mean, mean - half, mean + half


def worked(path, before, weights):
    """Return what a channel's money works in each week and after, by the sum of its definition.

    Hanssens, Parsons and Schultz (2001): a share of a week's money works in each later week.
    """
    paid = [before] * (len(weights) - 1) + list(path)
    return [
        sum(w * paid[at - lag] for lag, w in enumerate(weights) if 0 <= at - lag < len(paid))
        for at in range(len(weights) - 1, len(paid) + len(weights) - 1)
    ]


def hold_schedule(claims, found, plan, value, last, drawn=None):
    """Hold weeks planned ahead, by the values of the curves at what their money works.

    `drawn` are draws of the curves, whose values have the draws first; None where there are none.
    """
    names, count = list(plan.names), len(found.weeks)
    paid = {n: [found.currency.amount(int(m)) for m in found.minor[:, at]]
            for at, n in enumerate(names)}  # fmt: skip
    kernels = [[1.0] if c.carryover is None else c.carryover.weights.tolist()
               for c in plan.channels]  # fmt: skip
    longest = max(map(len, kernels)) - 1

    def at_work(money):
        paths = [worked(map(float, money[n]), float(last[n]), k)
                 for n, k in zip(names, kernels, strict=True)]  # fmt: skip
        # Where a channel works no more, its curve has nothing.
        return [
            [p[week] if week < len(p) else 0.0 for p in paths] for week in range(count + longest)
        ]

    def brings(money):
        return [float(np.sum(value(*week))) for week in at_work(money)]

    weekly, mix = brings(paid), sum(last.values())
    total = {day: sum(paid[n][at] for n in names) for at, day in enumerate(found.weeks)}
    alike = {n: [last[n] / mix * total[day] for day in found.weeks] for n in names}
    before = math.fsum(brings(alike))
    whole, after = math.fsum(weekly), math.fsum(weekly[count:])
    claims.says("{} weeks from {}, {}", count, found.weeks[0], plan.currency)
    claims.says("Expected outcome {}; the best possible under the limits.", whole)
    claims.says("{} of it comes after the last week, from money spent before.", after)
    claims.says("Compared with last week's mix of the same money: {} ({}).",
                Percent(whole / before - 1), before)  # fmt: skip
    claims.says("from a plan of {} channels.", len(names))
    if drawn is not None:
        runs = sum(drawn.value(np.array(week)).sum(axis=-1) for week in at_work(paid))
        low, middle, high = np.quantile(runs, (0.05, 0.5, 0.95)).tolist()
        claims.says("Outcome: median {}, with 90% of simulations between {} and {}.",
                    middle, low, high)  # fmt: skip
    phases = {day: [p.name for p in plan.operation.phases
                    if p.first < day + dt.timedelta(days=7) and day <= p.last]
              for day in found.weeks}  # fmt: skip
    claims.table(
        "The split", 0, ["week", *names], [" · ".join([str(d), *phases[d]]) for d in found.weeks],
        *([float(m) for m in paid[n]] for n in names),
    )  # fmt: skip
    months = sorted({f"{day:%Y-%m}" for day in found.weeks})
    lies = [[at for at, day in enumerate(found.weeks) if f"{day:%Y-%m}" == m] for m in months]
    lies.append(range(count))
    claims.table(
        "The split", 1, ["month", "spend", "revenue"], [*months, "total"],
        [sum(paid[n][at] for n in names for at in each) for each in lies],
        Summed(*(math.fsum(weekly[at] for at in each) for each in lies)),
    )  # fmt: skip
    claims.table("The split", 2, ["month", *names], [*months, "total"],
                 *([sum(paid[n][at] for at in each) for each in lies] for n in names))  # fmt: skip


def hold_years(claims, years, goal=""):
    """Hold simulated years as usual and with scenarios."""
    plan, usual = years.plan, World(years.usual)
    runs, weeks = years.usual.budget.shape
    claims.says("{} runs of {} weeks, seed {}; {} CNY a week to spend, {} in reserve. ",
                runs, weeks, years.usual.seed, plan.spendable, plan.held)  # fmt: skip
    means = {name: usual.runs(name, "goal").mean() for name in usual.policies}
    best = max(means, key=lambda name: means[name])
    claims.says(f"Policy {best} does best as usual, with {{}} revenue on average.",
                float(usual.runs(best).mean()))  # fmt: skip
    claims.says("from {} simulated runs (seed {}).", runs, years.usual.seed)
    claims.says("5% of runs are below the 5% column, 5% above the 95% column; ± is 95% sure.")
    claims.says("revenue by policy: mean, and the range of 90% of runs")
    claims.says("revenue by week: mean, and the range of 90% of runs")
    what, first = goal or "revenue", usual.policies[0]
    claims.says(f"More {what} than {first} in the same runs (low to high: 95% sure):")
    for name in usual.policies:
        claims.says(name)
    worlds = {"Years as usual": usual}
    if years.struck is not None:
        worlds["Years with scenarios"] = World(years.struck)
    every = [(name, float(w.runs(name).mean())) for w in worlds.values() for name in w.policies]
    claims.bars({name: [mean for other, mean in every if other == name] for name, _ in every})
    for section, world in worlds.items():
        hold_world(claims, section, world, years.target, goal)
    if years.struck is not None:
        hold_costs(claims, usual, worlds["Years with scenarios"])


def hold_world(claims, section, world, target, goal):
    names, first = world.policies, world.policies[0]
    hold_weeks(claims, section, world)
    totals = [world.runs(name) for name in names]
    spends = [world.runs(name, "spend") for name in names]
    low, high = zip(*(np.quantile(each, ENDS).tolist() for each in totals), strict=True)
    heads = ["policy", "revenue", *[goal] * bool(goal), "±", "5%", "95%", "spend", "ROAS"]
    goals = [float(world.runs(name, "goal").mean()) for name in names]
    claims.table(
        section, 1, heads, names, [float(each.mean()) for each in totals],
        *[goals] * bool(goal), Each(world.half(each) for each in totals), low, high,
        [float(each.mean()) for each in spends],
        [float(o.sum() / s.sum()) for o, s in zip(totals, spends, strict=True)],
    )  # fmt: skip
    tables = iter(range(2, 9))
    chances = {
        "overspend": [world.runs(n, "spend") > world.budget * (1 + 1e-9) for n in names],
        "loss": [world.runs(n, "value") < world.runs(n, "spend") for n in names],
    }
    if target is not None:
        chances["target"] = [each >= target for each in totals]
    if any(np.any(each) for each in chances.values()) or target is not None:
        shares = ([Percent(each.mean(), 0) for each in of] for of in chances.values())
        claims.table(section, next(tables), ["chance of", *chances], names, *shares)
    gains = [world.runs(name, "goal") - world.runs(first, "goal") for name in names[1:]]
    more = [world.interval(each) for each in gains]
    claims.table(
        section, next(tables), ["policy", "more", "low", "high", "better"], names[1:],
        *([row[at] for row in more] for at in range(3)),
        [Percent((each > 0).mean(), 0) for each in gains],
    )  # fmt: skip
    hold_parts(claims, section, next(tables), world)


def hold_weeks(claims, section, world):
    weeks = [world.weeks(name) for name in world.policies]
    heads, columns = ["week"], []
    for name, each in zip(world.policies, weeks, strict=True):
        heads += [name, f"{name} ≥", f"{name} ≤"]
        columns += [each.mean(axis=0).tolist(), *np.quantile(each, ENDS, axis=0).tolist()]
    labels = [str(at + 1) for at in range(weeks[0].shape[1])]
    claims.table(section, 0, heads, labels, *columns)


def hold_parts(claims, section, at, world):
    """Hold how much of a difference other money brings, in the first one's proportions."""
    first = world.policies[0]
    spends = {name: world.runs(name, "spend").sum() for name in world.policies}
    other = [
        name
        for name in world.policies[1:]
        if abs(spends[name] - spends[first]) > 1e-3 * max(spends[name], spends[first])
    ]
    if not other:
        return
    money, split, more = [], [], []
    for name in other:
        same = world.runs(f"{first} with the money of {name}", "goal")
        money.append(world.interval(same - world.runs(first, "goal")))
        split.append(world.interval(world.runs(name, "goal") - same))
        more.append(float((spends[name] - spends[first]) / len(world.budget)))
    claims.table(
        section, at, ["policy", "money", "by money", "±", "by split", "±"], other, more,
        [one[0] for one in money], Each(one[2] - one[0] for one in money),
        [one[0] for one in split], Each(one[2] - one[0] for one in split),
    )  # fmt: skip


def hold_costs(claims, usual, struck):
    """Hold what scenarios change for each policy, run by run."""
    gaps = [struck.runs(name) - usual.runs(name) for name in usual.policies]
    found = [struck.interval(each) for each in gaps]
    shares = [Percent(each.mean() / usual.runs(name).mean())
              for name, each in zip(usual.policies, gaps, strict=True)]  # fmt: skip
    columns = [[row[at] for row in found] for at in range(3)]
    claims.table("Years with scenarios", -1, ["policy", "change", "low", "high", "share"],
                 usual.policies, *columns, shares)  # fmt: skip
    claims.says("What the scenarios change, in the same runs (low to high: 95% sure):")


# What is believed.


def hold_belief(claims, belief):
    """Hold every curve with its band, and what it was learned from."""
    rows, log = belief.summary(), belief.log
    claims.says("Learned from {} weeks, {} to {}, an outcome for each channel.",
                len(log.weeks), str(log.weeks[0]), str(log.weeks[-1]))  # fmt: skip
    held = belief.calibration(8, 0.8)
    claims.says("Of {} outcomes of the last {} weeks, {} ({}) were in the 80% range predicted a "
                "week ahead.", held.outcomes, 8, held.inside,
                Percent(held.inside / held.outcomes, 0))  # fmt: skip
    claims.says("the band holds it with 80% chance.")
    claims.says("the mean, with the 80% range from low to high:")
    claims.says("from history {}.", belief.fingerprint[:12])
    usual = [usual_of(log, at) for at in range(len(rows))]
    for at, row in enumerate(rows):
        spends = np.array([usual[at] * share for share in shares_of(row)])
        band = belief[row.channel].band(spends)
        mean = belief.mean().value(spends[:, None] * np.ones(len(rows)))[:, at]
        texts = claims.page.tables[at].rows[1:]
        claims.table(
            "Response curves", at, ["spend", "revenue", "revenue ≥", "revenue ≤"],
            [cells[0] for cells in texts], mean.tolist(), band.low.tolist(), band.high.tolist(),
        )  # fmt: skip
        assert all(Form("{}", float(s)).agrees(c[0]) for s, c in zip(spends, texts, strict=True))
    hold_usual(claims, belief, rows, usual)


def usual_of(log, at):
    """Return the mean spend of a channel in weeks with any."""
    spend = log.spend[:, at]
    return float(spend[spend > 0].mean())


def shares_of(row):
    """Return the shares of the usual spend that the curve is read at."""
    return [reading.spend / row.at_usual.spend for reading in row.curve]


def hold_usual(claims, belief, rows, usual):
    names, section = [row.channel for row in rows], "What is known, and from what"
    now = [belief[name].band(spend) for name, spend in zip(names, usual, strict=True)]
    ends = [[float(getattr(one, end)) for one in now] for end in ("mean", "low", "high")]
    returns = [[o / s for o, s in zip(each, usual, strict=True)] for each in ends]
    heads = ["channel", "spend", "revenue", "low", "high", "ROAS", "low", "high"]
    known = [Known(each, *ends[1:]) for each in ends]
    claims.table(section, 0, heads, names, usual, *known, *returns)
    marginal = [belief.mean().slope(np.full(len(names), spend))[at].item()
                for at, spend in enumerate(usual)]  # fmt: skip
    estimates = [[getattr(row.saturation, end) for row in rows] for end in ("mean", "low", "high")]
    prices = [[getattr(row.at_usual.mroas, end) for row in rows] for end in ("low", "high")]
    claims.table(
        section, 1, ["channel", "mROAS", "low", "high", "half at", "low", "high", "S-shape"],
        names, marginal, *prices, *(Known(each, *estimates[1:]) for each in estimates),
        [Percent(row.s_shaped, 0) for row in rows],
    )  # fmt: skip
    spend = belief.log.spend
    claims.table(
        section, 2, ["channel", "data", "least", "most", "drift", "noise"], names,
        [Percent(row.data_share, 0) for row in rows],
        [float(column[column > 0].min()) for column in spend.T], spend.max(axis=0).tolist(),
        [Percent(row.drift.mean) for row in rows], [Percent(row.noise.mean) for row in rows],
    )  # fmt: skip
