"""What each page must say, in the order in which it says it; numbers are recomputed from records.

One function a page, which claims all that stands there; `tests/report/claims.py` finds what is left
over.
"""

import datetime as dt
import json
import math
from decimal import ROUND_CEILING, Context, Decimal
from fractions import Fraction

import numpy as np

from budgetopt.calendar import Week

from ..lived.pages import DAY, WEEK, Drawn, month_of
from .claims import Cents, Each, Form, Percent, Summed

CHARTED, FEW = 26, 4
"""Weeks on charts, and those held against as many before them."""


def first_or(values, last):
    """Return values of channels and that of all of them."""
    return [*values, last]


def change(now, before):
    """Return a change in percent with its sign, ``=`` for none."""
    return "=" if now == before else Percent(Fraction(now - before) / Fraction(before))


def signed(money):
    return money if money else "="


# One week's decision, by its plain data.


def hold_decision_page(claims, raw, history):
    """Hold the page of a decision alone."""
    week, first = raw["allocation"], dt.date.fromisoformat(raw["week"])
    name = f"Week of {first} ({first:%G-W%V})"
    total = hold_counts(claims, raw, name, "")
    claims.says(f"{name}, {week['currency']}, policy {raw['policy']}")
    hold_decision(claims, raw, week["plan"]["outcome"], history)
    hold_gain(claims, raw, total)
    claims.says("from history {}.", raw["history"][:12])


def hold_counts(claims, raw, name, end, *values):
    """Hold the verdict: money, what it brings, and how many channels move; return the money."""
    week, moves = raw["allocation"], [Move(one, raw["allocation"]) for one in raw["moves"]]
    total, signs = sum(m.after for m in moves), [m.sign for m in moves]
    said, brings = expected(week)
    claims.says(
        f"{name}: {{}} {week['currency']} for an expected outcome of {said}; channels: {{}} up, "
        f"{{}} down, {{}} unchanged{end}.",
        total, *brings, *(signs.count(way) for way in (1, -1, 0)), *values,
    )  # fmt: skip
    return total


def hold_decision(claims, raw, outcome, history):
    """Hold the split, the targets, every move with its reason, and what limits cost."""
    week = raw["allocation"]
    spend = {name: Decimal(money) for name, money in week["spend"].items()}
    moves = [Move(one, week) for one in raw["moves"]]
    assert {m.name: m.after for m in moves} == spend
    hold_split(claims, week, moves, outcome, sum(spend.values()))
    if raw.get("targets"):
        hold_targets(claims, raw["targets"])
    hold_moves(claims, moves, outcome)
    hold_limits(claims, week, outcome)
    for note in raw["notes"]:
        hold_note(claims, note, raw, history)


def expected(week):
    """Return what is expected of a split in the words of its goal, with its values."""
    if week["goal"] == "profit":
        profit = float(week["plan"]["value"]) * week["outcome"] - sum(
            map(float, week["spend"].values())
        )
        return "{}, profit {}", [week["outcome"], profit]
    if week["goal"] == "weights":
        weighed = week["plan"]["goal"]["weights"]
        kinds = {name: kind_of(week, name) for name in sorted(weighed)}
        worth = math.fsum(float(weighed[name]) * kind for name, kind in kinds.items())
        each = ", ".join(f"{{}} {name}" for name in kinds)
        return f"{each}, worth {{}} by the goal's weights", [*kinds.values(), worth]
    return "{}", [week["outcome"]]


def kind_of(week, name):
    """Return how much of a named outcome a split brings, by the rates of its channels."""
    if name == week["plan"]["outcome"]:
        return week["outcome"]
    return math.fsum(
        float(one["rates"][name]) * week["outcomes"][one["name"]]
        for one in week["plan"]["channels"]
    )


COUNTED = {"profit": "profit", "weights": "outcome by the goal's weights"}
"""What the prices of limits are in, where that is not the outcome."""


def worth_of(week):
    """Return what the goal counts an outcome of each channel for, and a unit of money."""
    plan = week["plan"]
    if week["goal"] == "profit":
        return [float(plan["value"])] * len(plan["channels"]), 1.0
    weights = dict(plan.get("goal", {}).get("weights", {plan["outcome"]: "1"}))
    own = float(weights.pop(plan["outcome"], 0))
    rates = [one.get("rates", {}) for one in plan["channels"]]
    return [own + sum(float(w) * float(r[n]) for n, w in weights.items()) for r in rates], 0.0


class Move:
    """What a channel had and gets, and what that brings."""

    def __init__(self, raw, week):
        self.name, self.raw = raw["channel"], raw
        self.before = None if raw["before"] is None else Decimal(raw["before"])
        self.after = Decimal(raw["after"])
        self.change = self.after - (self.before or 0)
        self.sign = (self.change > 0) - (self.change < 0)
        # What as much money brings elsewhere: by the price of the budget and of rules on it.
        price = week["prices"].get("budget", 0.0)
        place = list(week["spend"]).index(self.name)
        for rule in week["rules"]["rows"]:
            price += week["prices"].get(rule["limit"], 0.0) * float(rule["money"][place])
        # In outcomes of this channel, whatever the goal counts them for.
        worth, cost = worth_of(week)
        self.elsewhere = (price + cost) / worth[place] * float(abs(self.change))

    def ends(self):
        """Return what the change brings, and the ends of its range, the lower first."""
        if not self.sign or self.before is None:
            return None, None, None
        ends = sorted(self.sign * self.raw[end] for end in ("low", "high"))
        return self.sign * self.raw["worth"], *ends

    def reason(self):
        """Return what its reason must say."""
        if not self.sign:
            return Form("stays at {}", self.after)
        size, raw = abs(self.change), self.raw
        way, gain = (
            ("up", "extra {} should return {} ({} to {})")
            if self.sign > 0
            else ("down", "cutting {} loses {} ({} to {})")
        )
        share = float(100 * self.change / self.before)
        values = [self.before, self.after, share, size, raw["worth"], raw["low"], raw["high"]]
        usual = (self.sign > 0) == (raw["worth"] > self.elsewhere)
        how = ": " if usual else ", although "
        end = ", while as much money earns {} elsewhere"
        if not self.elsewhere:
            how, end = "; ", ", with money to spare" if raw["spare"] else ""
        elif abs(raw["worth"] - self.elsewhere) <= 0.01 * self.elsewhere:
            how, end = "; ", ", about what as much money earns elsewhere"
        else:
            values.append(self.elsewhere)
        at = f"; at {raw['limit'].replace('-', ' ')}" if raw["limit"] else ""
        return Form(f"{way} from {{}} to {{}} ({{}}%){how}{gain}{end}{at}", *values)


def hold_split(claims, week, moves, outcome, total):
    claims.bars({m.name: [m.before, m.after] for m in moves})
    names = [*(m.name for m in moves), "total"]
    before = sum(m.before for m in moves)
    brings = [*(week["outcomes"][m.name] for m in moves), week["outcome"]]
    spent = [float(money) for money in [*(m.after for m in moves), total]]
    value = week["plan"].get("value", "1" if outcome == "revenue" else None)
    if value is None:
        head, returns = "CPA", [money / b for b, money in zip(brings, spent, strict=True)]
    else:
        pairs = zip(brings, spent, strict=True)
        head, returns = "ROAS", [float(value) * b / money for b, money in pairs]
    heads = ["channel", "last", "next", "change", outcome, head]
    limits = [m.raw["limit"].replace("-", " ") for m in moves]
    claims.table(
        "The split", -1, [*heads, *["limit"] * any(limits)], names,
        first_or((m.before for m in moves), before), first_or((m.after for m in moves), total),
        [*(change(m.after, m.before) for m in moves), change(total, before)],
        Summed(*brings),
        returns,
        *[[*limits, ""]] * any(limits),
    )  # fmt: skip
    unspent, held = Decimal(week["unspent"]), Decimal(week["held"])
    said = "{} of {} " + week["currency"] + " spent"
    values = [total, Decimal(week["budget"])]
    for money, words in ((unspent, ", {} unspent"), (held, ", {} in reserve")):
        said, values = said + words * bool(money), [*values, *[money] * bool(money)]
    gap = (week["bound"] - week["objective"]) / week["bound"]
    # A bound is said no tighter than it is.
    loose = Context(prec=2, rounding=ROUND_CEILING).create_decimal(f"{100 * gap:.9g}")
    good = "the best possible"
    if not week["proven"]:
        good = f"within {loose.normalize():f} % of {good}"
    brings, figures = expected(week)
    values += figures
    claims.says(f"{said}; expected outcome {brings}, {good} under the limits.", *values)
    spread = week["spread"]
    ends = [spread[end] for end in ("median", "low", "high")]
    claims.says("Outcome: median {}, with 90% of simulations between {} and {}", *ends)
    claims.says("better than last week's split of the same money in {}% of them.",
                100 * spread["better"])  # fmt: skip


def hold_expected(raw, belief):
    """Hold what a decision expects, by the curves and by draws of what was known by then."""
    week, rng = raw["allocation"], np.random.default_rng(1)
    after, before = (np.array([float(m[k]) for m in raw["moves"]]) for k in ("after", "before"))
    same = before * after.sum() / before.sum()
    mean, drawn = belief.mean(), Drawn(belief, rng, 4000)
    brings, had = mean.value(after), mean.value(before)
    assert np.allclose([week["outcomes"][m["channel"]] for m in raw["moves"]], brings)
    assert np.allclose(list(week["marginal"].values()), mean.slope(after))
    assert math.isclose(week["outcome"], brings.sum())
    worth, cost = worth_of(week)
    earned = [
        float(worth @ mean.value(spend)) - cost * spend.sum() for spend in (before, same, after)
    ]
    gains = {"gain": (0, 2), "gain_of_money": (0, 1), "gain_of_split": (1, 2)}
    for name, (one, other) in gains.items():
        assert math.isclose(raw[name], earned[other] - earned[one], abs_tol=1e-6 * abs(earned[2]))
    unseen = float(np.array(worth) @ (drawn.unseen(after) - drawn.unseen(before)))
    assert math.isclose(raw["gain_on_priors"], unseen, abs_tol=1e-6 * abs(earned[2]))
    totals, each = drawn.value(after).sum(axis=-1), drawn.value(after) - drawn.value(before)
    for chance, end in ((0.05, "low"), (0.5, "median"), (0.95, "high")):
        assert near_quantile(totals, chance, week["spread"][end])
    better = (totals > drawn.value(same).sum(axis=-1)).mean()
    assert abs(better - week["spread"]["better"]) < 0.06
    for at, move in enumerate(m for m in raw["moves"]):
        if move["before"] != move["after"]:
            sign = math.copysign(1.0, after[at] - before[at])
            assert math.isclose(move["worth"], sign * (brings[at] - had[at]))
            assert near_quantile(sign * each[:, at], 0.05, move["low"])
            assert near_quantile(sign * each[:, at], 0.95, move["high"])


def hold_forecasts(raw, records, belief):
    """Hold where targets stand, day by day: what came, and draws of what this split may bring."""
    rng, plan = np.random.default_rng(2), records.plan
    split = np.array([float(raw["allocation"]["spend"][name]) for name in records.names])
    share, drawn = split / float(raw["allocation"]["budget"]), Drawn(belief, rng, 4000)
    late = slice(-13, None)
    apart = np.log(records.outcome.sum(axis=1) / belief.mean().value(records.spend).sum(axis=1))
    noise, ahead = float(apart[late].std(ddof=1)), {}

    def of_day(day):
        """Return spend and outcome of a day, draws of it where its week is to come."""
        monday = day - day.weekday() * DAY
        if monday in records.weeks:
            return float(records.spent([monday])) / 7, records.came([monday]) / 7
        if monday not in ahead:
            on = split if monday == records.week else share * plan.on(Week(monday)).weekly
            varied = np.exp(noise * rng.standard_normal(4000) - 0.5 * noise**2)
            ahead[monday] = on.sum() / 7, drawn.value(on).sum(axis=-1) * varied / 7
        return ahead[monday]

    def measured(days, metric):
        spent, came = (sum(each) for each in zip(*map(of_day, days), strict=True))
        return {"roas": came / spent, "cpa": spent / came}.get(metric, came)

    for target, one in zip(plan.targets, raw["targets"], strict=True):
        first, count = target.start, (target.by - target.start).days + 1
        days = [first + n * DAY for n in range(count)]
        over = [day for day in days if day < records.week]
        assert math.isclose(one["so_far"], measured(over, target.metric))
        if target.change is not None:
            before = measured([first - n * DAY for n in range(1, count + 1)], target.metric)
            assert math.isclose(one["needed"], before * (1 + float(target.change)))
        draws = measured(days, target.metric)
        for chance, end in ((0.1, "low"), (0.5, "forecast"), (0.9, "high")):
            assert near_quantile(draws, chance, one[end])
        reached = draws <= one["needed"] if target.metric == "cpa" else draws >= one["needed"]
        assert abs(reached.mean() - one["chance"]) < 0.08


def near_quantile(draws, chance, value, count=1000):
    """Return whether a value may be the quantile of so many draws, by others of the same kind.

    The share of draws below an order statistic spreads by the square root of p (1 - p) / n.
    """
    apart = 5 * math.sqrt(chance * (1 - chance) * (1 / count + 1 / len(draws)))
    return abs((draws < value).mean() - chance) < apart + 1 / count


def hold_gain(claims, raw, total):
    """Hold what the week brings more than last week's split, in its two parts."""
    before = sum(Decimal(move["before"]) for move in raw["moves"])
    way = "more" if total > before else "less"
    gain = raw["gain_of_money"] + raw["gain_of_split"]
    assert math.isclose(gain, raw["gain"])
    counted = COUNTED.get(raw["allocation"]["goal"], "outcome")
    claims.says(
        f"Compared with last week's split of {{}}: {{}} expected {counted}, {{}} of it from "
        f"spending {{}} {way} in last week's proportions and {{}} from splitting that money "
        "differently.",
        before, gain, raw["gain_of_money"], abs(total - before), raw["gain_of_split"],
    )  # fmt: skip
    prior = raw["gain_on_priors"]
    if abs(prior) >= max(0.1 * abs(gain), 0.001 * abs(raw["allocation"]["objective"])) and prior:
        claims.says("Of this {} rests on priors alone, since no week or lift test was ever at such "
                    "spends, and {} on spends that were seen.", prior, gain - prior)  # fmt: skip


def hold_targets(claims, targets):
    names = [f"{one['name']} by {one['by']}" for one in targets]
    wanted = [
        Form("{} (up {}%)", one["needed"], 30)
        if one["wanted"] == "up 30%"
        else Form(f"at {'most' if one['at_most'] else 'least'} {{}}", one["needed"])
        for one in targets
    ]
    forecasts = [
        "" if one["known"] == 1 else
        Form("{} ({} to {})", *(float(one[k]) for k in ("forecast", "low", "high")))
        for one in targets
    ]  # fmt: skip
    states = [
        Form("{}, {}%", one["state"].replace("-", " "), 100 * one["chance"])
        if one["state"] in ("on-track", "behind")
        else one["state"].replace("-", " ")
        for one in targets
    ]
    heads = ["goal", "wanted", "so far", "forecast", "status"]
    reached = [one["so_far"] for one in targets]
    some = [] if all(v is None for v in reached) else [Each(reached)]
    heads = [head for head in heads if some or head != "so far"]
    claims.table("Goals", 0, heads, names, Each(wanted), *some, Each(forecasts), Each(states))
    claims.says("Forecast for all days of the goal if this split stays, with its 80% range")


def hold_moves(claims, moves, outcome):
    effect, low, high = zip(*(m.ends() for m in moves), strict=True)
    heads = ["channel", "change", f"expected {outcome}", "low", "high", "why"]
    changes = [signed(m.change) for m in moves]
    claims.table("Every move and its reason", 0, heads, [m.name for m in moves],
                 changes, effect, low, high, Each(m.reason() for m in moves))  # fmt: skip
    claims.says("A range (low to high) covers 90% of simulations.")


def hold_limits(claims, week, outcome):
    """Hold what a round amount more of room under each limit brings, the most first."""
    budget = Decimal(week["budget"])
    # The power of ten next below a twentieth of the budget: about a fiftieth of it.
    unit = 10 ** math.floor(math.log10(budget / 20))
    prices = {name: price for name, price in week["prices"].items() if price > 0}
    order = sorted(prices, key=lambda name: -prices[name])
    rules = {rule["limit"]: f"{rule['limit']} ({rule['sentence']})"
             for rule in week["rules"]["rows"]}  # fmt: skip
    names = [rules.get(n, "the budget" if n == "budget" else n.replace("-", " ")) for n in order]
    worth = [prices[name] * unit for name in order]
    more = f"more {COUNTED.get(week['goal'], outcome)}"
    claims.table("What the limits cost", 0, ["limit", "more room", more], names,
                 [Decimal(unit)] * len(order), worth)  # fmt: skip


def hold_note(claims, note, raw, history):
    """Hold a note by what it is of: a phase's budget, what changes count from, what is new."""
    week = raw["allocation"]
    last = {name: Decimal(money) for name, money in week["last"].items()}
    spends = {name: Decimal(money) for name, money in week["spend"].items()}
    if note.startswith("the week is in phase"):
        budget = Decimal(week["budget"]) + Decimal(week["held"]) - history.released
        phase = history.phase
        claims.says("the week is in phase '{}': its budget is {}, against {} in a usual week.",
                    phase, budget, Decimal(history.plan.budget))  # fmt: skip
    elif note.startswith("changes are measured"):
        each = ", ".join(f"'{name}' ({{}}, reported {{}})" for name in last)
        pairs = [m for name in last for m in (last[name], history.last[name])]
        claims.says(f"last week of the history: {each}.", *pairs)
    elif note.startswith("extrapolated"):
        for name in (n for n in spends if spends[n] > history.most[n]):
            claims.says("'{}' ({}, observed maximum {})", name, spends[name], history.most[name])
    elif note.startswith("the extra money of"):
        # What a move is worth is held against the curves with what is expected.
        more = {m["channel"]: float(m["after"]) - float(m["before"] or 0) for m in raw["moves"]}
        short = [m["channel"] for m in raw["moves"] if 0 <= m["worth"] < more[m["channel"]]]
        claims.says(f"the extra money of {', '.join(map(repr, short))} should return less")
    else:
        raise AssertionError(f"nobody recomputes the note {note!r}")


class Past:
    """What a decision's notes are told from: the plan, and the history by then."""

    def __init__(self, records, week):
        past = [day for day in records.weeks if day < week]
        cells = {n: [records.spent([day], n) for day in past] for n in records.names}
        self.plan, self.most = records.plan, {n: max(spent) for n, spent in cells.items()}
        self.last = {n: spent[-1] for n, spent in cells.items()}
        self.released = sum(m for on, kind, m in records.taken() if (on, kind) == (week, "release"))
        days = {
            phase.name: sum(phase.first <= week + n * DAY <= phase.last for n in range(7))
            for phase in records.plan.operation.phases
        }
        self.phase = max(days, key=lambda name: days[name]) if any(days.values()) else ""


# The weekly memo.


def hold_memo(claims, records):
    """Hold the memo of the last week of records."""
    week, raw = records.week, records.decided(records.week)
    entry, state = records.newest(week), state_of(records)
    claims.says(f"{records.plan.name}: weekly memo, week of {week} ({week:%G-W%V})")
    hold_verdict(claims, records, raw, f"{state}, revision {entry.revision}")
    hold_stands(claims, records, entry, state)
    last = records.weeks[-1]
    claims.says("The last complete week is that of {}.", last)
    hold_plan_actual(claims, records, [last])
    promised = records.decided(last)["allocation"]
    came, spread = records.came([last]), promised["spread"]
    place = "inside" if spread["low"] <= came <= spread["high"] else "outside"
    claims.says(f"Outcome {{}}, {{}} expected ({{}} to {{}}): {place} the range.",
                came, promised["outcome"], spread["low"], spread["high"])  # fmt: skip
    hold_pace(claims, records)
    hold_week_on_week(claims, records)
    hold_charts(claims, records, "Week on week and four weeks", 1)
    hold_decision(claims, raw, records.named, Past(records, week))
    hold_gain(claims, raw, sum(Decimal(m) for m in raw["allocation"]["spend"].values()))
    if week == max(e.week for e in records.entries if e.kind == "proposal"):
        hold_scores(claims, records)
    hold_reserves(claims, records)
    hold_alerts(claims, records, [week])
    hold_source(claims, records)


def state_of(records):
    """Return where the week stands, by the last of its entries that says so."""
    said = {"proposal": "proposed", "edit": "edited", "approval": "approved",
            "applied": "applied", "measured": "measured"}  # fmt: skip
    found = [said[e.kind] for e in records.of_week(records.week, *said)]
    return found[-1]


def hold_verdict(claims, records, raw, stands):
    alerts = records.of_week(records.week, "alert")
    counts = [sum(e.data["severity"] == kind for e in alerts)
              for kind in ("critical", "warning", "info")]  # fmt: skip
    warned = "warning" if counts[1] == 1 else "warnings"
    end = f"; {stands}; alerts: {{}} critical, {{}} {warned}, {{}} for information"
    name = f"Week of {records.week} ({records.week:%G-W%V})"
    hold_counts(claims, raw, name, end, *counts)


def hold_stands(claims, records, entry, state):
    """Hold where the week stands, what is next, and what people and rules said."""
    week = records.week
    claims.says("Week of {}: {}, revision {}.", week, state, entry.revision)
    needs = needed(records, entry)
    if state == "proposed":
        claims.says(f"Next: approve it ({'; '.join(n[0] for n in needs)}):",
                    *(v for n in needs for v in n[1:]))  # fmt: skip
        claims.says("budgetopt approve PLAN --ledger LEDGER --week {} --revision {} --who NAME",
                    week, entry.revision)  # fmt: skip
    for one in records.of_week(week, "proposal", "edit"):
        for words, *values in needed(records, one):
            claims.says(f"Entry {{}}: {words}.", one.number, *values)
        if one.kind == "edit":
            claims.says(f"Entry {{}}: this edit costs {{}} of expected {records.named} this week.",
                        one.number, cost_of(one))  # fmt: skip
            claims.says("Entry {}: {}.", one.number, one.data["why"])
    # What the contingency paid is told once, among the reserves.
    for one in records.of_week(week, "override"):
        said, values = entry_sentence(records, one)
        claims.says(f"Entry {{}}: {said}.", one.number, *values)


def cost_of(edit):
    """Return what an edit brings less than the split that it takes the place of."""
    week = json.loads(edit.data["decision"])["allocation"]
    return edit.data["instead"] - week["outcome"]


def needed(records, entry):
    """Return why a revision needs approval: sentences with their values."""
    week = json.loads(entry.data["decision"])["allocation"]
    rules, found = records.plan.operation.approval, []
    for move in (Move(one, week) for one in json.loads(entry.data["decision"])["moves"]):
        if abs(move.change) > rules.move:
            found.append((f"{move.name} changes by {{}}, above {{}}", abs(move.change), rules.move))
    total = sum(map(Decimal, week["spend"].values()))
    if total > rules.total:
        found.append(("the week is {}, above {}", total, rules.total))
    return found


def entry_sentence(records, entry):
    """Return what an entry of a person or a rule says, with its values."""
    if entry.kind == "override":
        (name,) = (n for n, money in entry.data["spend"].items()
                   if money != entry.data["instead"][n])  # fmt: skip
        both = [Decimal(entry.data[part][name]) for part in ("instead", "spend")]
        return f"{name} from {{}} to {{}}: {entry.data['why']}", both
    if entry.kind == "release" and not entry.data["rule"]:
        moved = entry.data["movement"]
        return f"{{}} released: {moved['why']}", [Decimal(moved["amount"])]
    # What was spent beyond the split that was applied, paid by the contingency.
    week = entry.week - WEEK
    gaps = {n: records.spent([week], n) - m for n, m in records.split(week).items()}
    over = sorted((n for n in gaps if gaps[n] > 0), key=records.names.index)
    total, each = sum(gaps[n] for n in over), ", ".join(f"{{}} in {n}" for n in over)
    said = f"overspend of {{}} in the week of {week} ({each}) is covered by {{}} of contingency"
    return said, [total, *(gaps[n] for n in over), total]


def hold_plan_actual(claims, records, weeks):
    """Hold money planned and spent in some weeks, and what came of it."""
    splits = [records.split(week) for week in weeks]
    planned = [sum(split[n] for split in splits) for n in records.names]
    asked = [*planned, sum(planned)]
    spent = [records.spent(weeks, n) for n in records.rows()]
    claims.table(
        "Plan against actual", 0,
        ["channel", "planned", "actual", "difference", records.named, records.measure],
        [*records.names, "total"], asked, spent,
        [signed(s - a) for s, a in zip(spent, asked, strict=True)],
        [records.came(weeks, n) for n in records.rows()],
        [records.returns(weeks, n) for n in records.rows()],
    )  # fmt: skip


def hold_pace(claims, records):
    """Hold spend against plan over the week, phase, period and campaign of the page's day."""
    books, decided = records.books(), records.known_splits()
    today, phases = books.today, records.plan.operation.phases
    monday = today - today.weekday() * DAY
    spans = {f"week of {monday}": (monday, monday + 6 * DAY)}
    spans |= {f"phase {p.name}": (p.first, p.last) for p in phases if p.first <= today <= p.last}
    spans[f"period {today:%Y-%m}"] = month_of(today)
    spans[f"campaign {records.plan.name}"] = phases[0].first, phases[-1].last
    rows = [paced(books, name, *span, decided) for name, span in spans.items()]
    claims.table("Plan against actual", 1,
                 ["span", "planned", "spent", "projected", "pace", "status"], list(spans),
                 *(list(column) for column in zip(*rows, strict=True)))  # fmt: skip


def paced(books, name, first, last, decided):
    """Return planned, spent, projected money, pace and status of a span."""
    lines, _, _ = books.paced(first, last, decided)
    planned, spent, projected, seen = (sum(each) for each in zip(*lines.values(), strict=True))
    monday = first - first.weekday() * DAY
    if name.startswith("week") and monday not in decided:
        return None, Cents(spent) if seen else None, Cents(projected), "", "no plan"
    if not seen:
        return Cents(planned), None, Cents(projected), "", "no data yet"
    pace = projected / planned
    status = "ahead" if pace > 1.05 else "behind" if pace < 0.95 else "on pace"
    return Cents(planned), Cents(spent), Cents(projected), Percent(pace), status


def hold_week_on_week(claims, records):
    weeks = records.weeks
    spans = [(weeks[-1:], weeks[-2:-1], "this week"),
             (weeks[-FEW:], weeks[-2 * FEW : -FEW], "four weeks")]  # fmt: skip
    heads, columns = ["channel"], []
    for now, before, label in spans:
        for what in ("spend", "vs before", records.named, "vs before", records.measure):
            heads.append(f"{what}, {label}")
        names = records.rows()
        rise = [Percent(records.came(now, n) / records.came(before, n) - 1) for n in names]
        moved = [Percent(records.spent(now, n) / records.spent(before, n) - 1) for n in names]
        columns += [
            [records.spent(now, n) for n in names], moved,
            [records.came(now, n) for n in names], rise,
            [records.returns(now, n) for n in names],
        ]  # fmt: skip
    claims.table("Week on week and four weeks", 0, heads, [*records.names, "total"], *columns)
    claims.says(
        "The week of {} beside the one before it, and the last {} weeks beside as many before "
        "them.", weeks[-1], FEW,
    )  # fmt: skip


def hold_charts(claims, records, section, at):
    """Hold outcome and money by week, and what decisions expected of them."""
    weeks = records.weeks[-CHARTED:]
    expected = [records.decided(week) for week in weeks]
    columns = [[records.came([week]) for week in weeks]]
    heads = ["week", "actual"]
    if any(expected):
        each = [one and one["allocation"] for one in expected]
        heads += ["expected", "expected ≥", "expected ≤"]
        columns.append([one and one["outcome"] for one in each])
        columns += [[one and one["spread"][end] for one in each] for end in ("low", "high")]
    labels = list(map(str, weeks))
    claims.table(section, at, heads, labels, *columns)
    money = [[float(records.spent([week], name)) for week in weeks] for name in records.names]
    claims.table(section, at + 1, ["week", *records.names], labels, *money)


def hold_scores(claims, records):
    """Hold what applied weeks promised, at their money as applied, and delivered."""
    weeks = [w for w in records.weeks if records.of_week(w, "applied")]
    promised = {week: promises(records, week) for week in weeks}
    phase = {week: Past(records, week).phase for week in weeks}
    names = dict.fromkeys(filter(None, phase.values()))
    rows = [([n], weeks) for n in records.names]
    rows += [(records.names, [w for w in weeks if phase[w] == name]) for name in names]
    rows.append((records.names, weeks))
    applied = [sum(records.split(w)[n] for n in of for w in some) for of, some in rows]
    spent = [sum(records.spent(some, n) for n in of) for of, some in rows]
    promises_of = [math.fsum(promised[w][n] for n in of for w in some) for of, some in rows]
    came = [math.fsum(records.came(some, n) for n in of) for of, some in rows]
    heads = ["channel", "weeks", "applied", "spent", "promised", "delivered", "of promised"]
    claims.table(
        "Promised and delivered", 0, heads,
        [*records.names, *(f"phase {name}" for name in names), "total"],
        [len(some) for _, some in rows], applied, spent, promises_of, came,
        [Percent(c / p, 0) for c, p in zip(came, promises_of, strict=True)],
    )  # fmt: skip
    claims.says("Promised and delivered, weeks of {} to {}:", weeks[0], weeks[-1])


def promises(records, week):
    """Return what was expected of a week at the money applied, by channel."""
    applied = records.of_week(week, "applied")[-1]
    (decided,) = (e for e in records.of_week(week, "proposal", "edit")
                  if e.revision == applied.revision)  # fmt: skip
    kept = json.loads(decided.data["decision"])["allocation"]
    more = {n: float(m - Decimal(kept["spend"][n])) for n, m in records.split(week).items()}
    return {n: kept["outcomes"][n] + kept["marginal"][n] * more[n] for n in records.names}


def hold_reserves(claims, records):
    books, week = records.books(), records.week
    built, gone = books.built(week, week), books.gone(week)
    none, left = Decimal(0), built - gone
    claims.table("Reserves", 0, ["reserve", "built up", "taken", "left"],
                 ["contingency", "test", "holdout"],
                 [built, none, none], [gone, none, none], [left, none, none])  # fmt: skip
    claims.says("Reserves of {}: contingency {} of {}, test {} of {}, holdout {} of {}.",
                f"{week:%Y-%m}", left, built, none, none, none, none)  # fmt: skip
    for entry in records.entries:
        if entry.kind != "release":
            continue
        moved = entry.data["movement"]
        if moved["kind"] == "release" and moved["on"] == str(week):
            claims.says("Released for this week by {}: {}, {}.", moved["who"],
                        Decimal(moved["amount"]), moved["why"])  # fmt: skip
        if moved["kind"] == "overspend" and entry.week == week:
            said, values = entry_sentence(records, entry)
            claims.says(f"Taken from the reserve: {said}.", *values)


def hold_alerts(claims, records, weeks, leave=""):
    """Hold each alert of some weeks by its code, as of the day of its run."""
    for entry in (e for week in weeks for e in records.of_week(week, "alert")):
        if entry.data["severity"] == leave:
            continue
        severity = entry.data["severity"].capitalize()
        if entry.data["code"] == "budget-line":
            hold_budget_line(claims, records, entry, severity)
        elif entry.data["code"] == "dated-target":
            hold_target_alert(claims, records, entry, severity)
        else:
            raise AssertionError(f"nobody recomputes the alert {entry.data['code']}")


def hold_budget_line(claims, records, entry, severity):
    """Hold that a share of what may be spent in a span is spent."""
    week = entry.week
    books = records.books(week, week)
    decided = {w: s for w, s in records.known_splits().items() if w <= week}
    kind, label, share = entry.data["key"].split(":")[1:4]
    phases = records.plan.operation.phases
    first, last = next(((p.first, p.last) for p in phases if p.name == label),
                       (phases[0].first, phases[-1].last))  # fmt: skip
    lines, _, _ = books.paced(first, last, decided)
    whole = books.lined(first, last, decided)
    claims.says(
        f"{severity.replace('Info', 'Info')}: {{}} is spent, {{}}% ({{}}) or more of the {kind} "
        f"{label} budget of {{}} without reserve.",
        Cents(sum(line[1] for line in lines.values())), round(100 * float(share)),
        Cents(Fraction(share) * whole), Cents(whole),
    )  # fmt: skip


def hold_target_alert(claims, records, entry, severity):
    # It speaks of the week as it was proposed; an edit came after it.
    proposed = json.loads(records.of_week(entry.week, "proposal")[-1].data["decision"])
    raw = next(t for t in proposed["targets"] if t["state"] == "out-of-reach")
    claims.says(
        f"{severity}: target out of reach: {raw['name']}, up 30%, from {raw['first']} to "
        f"{raw['by']}; forecast {{}} (80% range {{}} to {{}}).",
        raw["forecast"], raw["low"], raw["high"],
    )  # fmt: skip


def hold_source(claims, records):
    """Hold the last line: how many entries of the ledger, and which history."""
    head = records.entries[-1]
    known = [e.data["fingerprint"] for e in records.entries if e.kind == "history"][-1]
    claims.says("from {} entries of the ledger ({}:{}), history {}.", len(records.entries),
                str(head.number), head.hash, known[:12])  # fmt: skip


# Reviews of months and quarters.


class Span:
    """The whole weeks of a period, and those of the period before."""

    def __init__(self, records, label, first, last, before, earlier):
        self.records, self.label, self.before = records, label, before
        self.first, self.last = first, last
        self.weeks = [week for week in records.weeks if first <= week <= last]
        self.earlier = [week for week in records.weeks if earlier <= week < first]

    def rise(self, name, of):
        """Return by what share spend or outcome a week differ from the period before."""
        now, then = (float(of(weeks, name)) / len(weeks) for weeks in (self.weeks, self.earlier))
        return Percent(now / then - 1)

    def gap(self, name):
        """Return how much more a channel brings in a week than in the period before."""
        came = self.records.came
        return came(self.weeks, name) / len(self.weeks) - came(self.earlier, name) / len(
            self.earlier
        )


def hold_review(claims, records, span, after):
    """Hold the review of a period; `after` is its label, first and last day of the next one."""
    weeks = span.weeks
    claims.says(f"{records.plan.name}: review of {span.label}")
    claims.says("Complete weeks that begin in {}: {}, {} to {}.",
                span.label, len(weeks), weeks[0], weeks[-1])  # fmt: skip
    hold_review_verdict(claims, records, span)
    hold_targets(claims, records.decided(records.week)["targets"])
    hold_money(claims, records, span)
    hold_channels(claims, records, span)
    decided = [week for week in records.known_splits() if span.first <= week <= span.last]
    told = [week for week in decided if records.of_week(week, "alert")]
    hold_alerts(claims, records, told, leave="info")
    hold_done(claims, records, decided)
    hold_reserves(claims, records)
    hold_next(claims, records, *after)
    hold_source(claims, records)


def hold_review_verdict(claims, records, span):
    said = (
        f"{span.label}: {{}} {records.currency} spent, {{}} {records.named}, {records.measure} {{}}"
    )
    # What came is known, and whole here: it is not rounded to some digits.
    came = round(records.came(span.weeks))
    values = [records.spent(span.weeks), came, records.returns(span.weeks)]
    if span.earlier:
        said += f"; per week {{}} spend and {{}} outcome against {span.before}"
        values += [span.rise("", of) for of in (records.spent, records.came)]
    claims.says(f"{said}.", *values)


def hold_money(claims, records, span):
    """Hold the period's budget, and plan against actual of the weeks that the ledger planned."""
    claims.says(f"Budget of {{}}, reserve included: {{}} {records.currency}.",
                span.label, budget_of(records, span.first, span.last))  # fmt: skip
    planned = [week for week in span.weeks if records.split(week)]
    if not planned:
        claims.says("Planned in the ledger: none of {} weeks.", len(span.weeks))
        return
    if len(planned) < len(span.weeks):
        claims.says("Planned in the ledger: {} of {} weeks, which are shown here.",
                    len(planned), len(span.weeks))  # fmt: skip
    hold_plan_actual(claims, records, planned)
    promised = math.fsum(records.decided(week)["allocation"]["outcome"] for week in planned)
    came = records.came(planned)
    claims.says("The decisions of these weeks expected {}; {} came, {} of it.",
                promised, came, Percent(came / promised, 0))  # fmt: skip


def budget_of(records, first, last):
    """Return the budget of dated days, each day's part in whole steps."""
    books = records.books()
    return sum(books.part(first + n * DAY) for n in range((last - first).days + 1))


def hold_channels(claims, records, span):
    names, weeks = records.rows(), span.weeks
    heads = ["channel", "spend", "vs before", records.named, "vs before", records.measure,
             f"{records.measure} before"]  # fmt: skip
    columns = [
        [records.spent(weeks, n) for n in names],
        [records.came(weeks, n) for n in names],
        [records.returns(weeks, n) for n in names],
    ]
    if span.earlier:
        columns.insert(1, [span.rise(n, records.spent) for n in names])
        columns.insert(3, [span.rise(n, records.came) for n in names])
        columns.append([records.returns(span.earlier, n) for n in names])
        claims.says("Changes are per week, against the complete weeks of {}.", span.before)
        for name in records.names:
            way = "more" if span.gap(name) > 0 else "less"
            claims.says(f"{name}: {{}} {way} outcome a week, spend {{}}.", abs(span.gap(name)),
                        span.rise(name, records.spent))  # fmt: skip
    else:
        heads = ["channel", "spend", records.named, records.measure]
    claims.table("Channels", 0, heads, [*records.names, "total"], *columns)
    long = (span.last - span.first).days > 31
    if long:
        hold_months(claims, records, span)
    hold_charts(claims, records, "Channels", 1 + long)


def hold_months(claims, records, span):
    months = [span.first]
    while (following := month_of(months[-1])[1] + DAY) <= span.last:
        months.append(following)
    each = [[w for w in span.weeks if month_of(w)[0] == month] for month in months]
    rows = [*each, span.weeks]
    # A month of which no week is over has no figures.
    claims.table(
        "Channels", 1, ["month of the period", "spend", records.named, records.measure],
        [*(f"{month:%Y-%m}" for month in months), "total"],
        *([of(some) if some else None for some in rows]
          for of in (records.spent, records.came, records.returns)),
    )  # fmt: skip


def hold_done(claims, records, weeks):
    """Hold what people and rules did, in the order of the ledger."""
    kinds = ("edit", "release", "override", "approval", "applied", "note")
    done = [e for e in records.entries if e.week in weeks and e.kind in kinds]
    why = [why_of(records, entry) for entry in done]
    claims.table(
        "What was done", 0, ["week", "kind", "who", *["why"] * any(why)],
        [str(e.week) for e in done], [e.kind for e in done], [e.who for e in done],
        *[Each(why)] * any(why),
    )  # fmt: skip


def why_of(records, entry):
    """Return why an entry was made, as a form of its values."""
    if entry.kind == "edit":
        needs = needed(records, entry)
        parts = [(f"this edit costs {{}} of expected {records.named} this week", cost_of(entry)),
                 (entry.data["why"],), *needs]  # fmt: skip
        return Form("; ".join(part[0] for part in parts), *(v for p in parts for v in p[1:]))
    if entry.kind in ("note", "release", "override"):
        said, values = entry_sentence(records, entry)
        return Form(said, *values)
    return entry.data["why"] or ""


def hold_next(claims, records, label, first, last):
    """Hold the money, phases and latest split with which the next period begins."""
    claims.says(f"Plan for {label}")
    claims.says(f"Budget of {{}}, reserve included: {{}} {records.currency}.",
                label, budget_of(records, first, last))  # fmt: skip
    for phase in records.plan.operation.phases:
        if phase.first <= last and phase.last >= first:
            claims.says(f"Phase {{}}, {{}} to {{}}: {{}} {records.currency}.",
                        phase.name, phase.first, phase.last, phase.budget)  # fmt: skip
    claims.says("It begins from the latest split, of the week of {}:", records.week)
    split = records.split(records.week)
    whole = sum(split.values())
    names = [name for name in records.plan.names if name in split]
    money = [*(split[n] for n in names), whole]
    claims.table(f"Plan for {label}", 0, ["channel", "spend", "share"], [*names, "total"],
                 money, [Percent(m / whole) for m in money])  # fmt: skip
