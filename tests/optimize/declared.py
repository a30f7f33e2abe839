"""Random plans in the numbers that users write, and an exact check that reads nothing else.

A `Draft` holds raw values: ints, floats as arithmetic leaves them, Fractions, decimals and texts.
`plan_of` hands them to the library as they are. `violations` and `objective` are written from what
each field is documented to mean, in Fractions of the written numbers; they share no code with the
library. Most drafts are planted: a split is drawn first and the limits around it, so that a refusal
is known to be wrong and the best is known to be at least that split.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction

import budgetopt as bo
from budgetopt.plan import Goal, Limit, MaxChange, Reserve

from .all_limits import DIGITS, FLOAT, MAKE, Line

MOST = 2**53


def exact(raw):
    """Return what a written number is: a float is the shortest decimal that prints it."""
    if isinstance(raw, str) and raw.endswith("%"):
        return Fraction(raw[:-1]) / 100
    return Fraction(repr(raw)) if isinstance(raw, float) else Fraction(raw)


@dataclass
class Draft:
    """A plan as it is written; `planted` is a split in minor units that keeps all of it."""

    currency: str
    budget: object
    channels: list[dict]
    step: object = None
    spend: str = "at-most"
    reserve: tuple = ("0", "0", "0")
    limits: list = field(default_factory=list)
    goal: tuple = ("outcome",)
    last: dict | None = None
    value: object = 1
    planted: list[int] | None = None

    @property
    def units(self):
        return 10 ** DIGITS[self.currency]

    def minor(self, raw):
        """Return a written amount in minor units, with the noise of its arithmetic rounded off."""
        amount = exact(raw) * self.units
        near = round(amount)
        return Fraction(near) if abs(amount - near) <= self.noise(raw) else amount

    def noise(self, raw):
        """Return how far from a whole minor unit a number may be and still mean it."""
        if not isinstance(raw, float):
            return Fraction(1, 10**6)
        return max(Fraction(1, 10**4), 4 * Fraction(math.ulp(raw)) * self.units)


def plan_of(draft):
    """Return the library's plan of a draft, raw values as they are."""
    channels = []
    for c in draft.channels:
        rule = None
        if "share" in c or "change" in c:
            rule = MaxChange(c.get("share"), c.get("change"))
        channels.append(
            bo.Channel(
                c["name"], floor=c.get("floor", 0), cap=c.get("cap"), locked=c.get("locked"),
                max_change=rule, curve=MAKE[c["curve"][0]](*c["curve"][1]), lot=c.get("lot"),
                labels={"group": c["group"]}, off_or_at_least=c.get("off"), value=c.get("value"),
                rates={"leads": "0.2"},
            )
        )  # fmt: skip
    kind, *rest = draft.goal
    goal = {
        "outcome": Goal.most_outcome, "profit": Goal.most_profit, "least-spend": Goal.least_spend,
        "weights": lambda weight: Goal.most_outcome({"outcome": 1, "leads": weight}),
    }[kind](*rest)  # fmt: skip
    make = {
        "group": Limit.group, "linear": Limit.linear, "turnover": Limit.turnover,
        "few moves": Limit.few_moves, "apart": Limit.apart, "at least on": Limit.at_least_on,
        "roas": Limit.roas, "mroas": Limit.mroas, "cpa": Limit.cpa, "outcome": Limit.outcome,
    }  # fmt: skip
    return bo.Plan(
        budget=draft.budget, currency=draft.currency, channels=channels, max_change="none",
        reserve=Reserve(*draft.reserve), step=draft.step, spend=draft.spend, goal=goal,
        limits=[make[kind](**given) for kind, given in draft.limits], value=draft.value,
    )  # fmt: skip


# What the numbers mean


def outcomes(draft, spend):
    """Return the outcome of each channel at minor units, from the formulas."""
    found = []
    for c, x in zip(draft.channels, spend, strict=True):
        kind, parameters = c["curve"]
        found.append(Line("", kind, parameters, "", "").outcome(x / draft.units))
    return found


def values(draft):
    return [float(exact(c.get("value", draft.value))) for c in draft.channels]


def objective(draft, spend):
    """Return what the goal maximises, and the size of the terms that it is made of."""
    y, money = outcomes(draft, spend), sum(spend) / draft.units
    if draft.goal[0] == "profit":
        worth = sum(v * one for v, one in zip(values(draft), y, strict=True))
        return worth - money, worth + money
    if draft.goal[0] == "least-spend":
        return -money, money
    if draft.goal[0] == "weights":
        return (all_ := sum(y) * (1 + 0.2 * float(exact(draft.goal[1])))), all_
    return sum(y), sum(y)


def spendable(draft):
    """Return the budget less the reserve, in minor units; shares of it are rounded up."""
    budget = draft.minor(draft.budget)
    held = 0
    for part in draft.reserve:
        share = isinstance(part, str) and part.endswith("%")
        held += math.ceil(exact(part) * budget) if share else draft.minor(part)
    return budget - held


def last_minor(draft):
    """Return measured spends, rounded half to even; a channel that is not named had none."""
    if draft.last is None:
        return None
    return [round(draft.minor(draft.last.get(c["name"], 0))) for c in draft.channels]


def violations(draft, spend, tolerance=1e-5):
    """Return what a split of minor units breaks, in exact arithmetic of the written numbers.

    Hurdles are read off differences of the formulas, so that they alone have a tolerance.
    """
    before, total, most = last_minor(draft), sum(spend), spendable(draft)
    found = [
        f"{rule} of {at}"
        for at in range(len(spend))
        for rule in _broken_channel(draft, at, spend[at], None if before is None else before[at])
    ]
    if total > most or min(spend) < 0:
        found.append("budget")
    if draft.spend == "all" and total != most:
        found.append("spend all")
    if draft.goal[0] == "least-spend":
        y = sum(outcomes(draft, spend))
        if y < float(exact(draft.goal[1])) - FLOAT * y:
            found.append("target")
    for kind, given in draft.limits:
        if _breaks(draft, kind, given, spend, before, tolerance):
            found.append(given["name"])
    return found


def _broken_channel(draft, at, x, before):
    c, minor = draft.channels[at], draft.minor
    if "locked" in c:
        if x != minor(c["locked"]):
            yield "lock"
        return
    floor = minor(c.get("floor", 0))
    cap = minor(c["cap"]) if "cap" in c else math.inf
    if x < floor:
        yield "floor"
    if x > cap:
        yield "cap"
    if "off" in c and 0 < x < minor(c["off"]):
        yield "off or at least"
    low, high = _reach(draft, c, before)
    if not low <= x <= high:
        yield "max change"
    lot = minor(c.get("lot", draft.step or Fraction(1, draft.units)))
    stuck = max(low, math.ceil(floor)) == min(high, cap if cap == math.inf else math.floor(cap))
    if x % lot and not stuck and x != before:
        yield "step"


def _reach(draft, c, before):
    """Return the least and the most that a channel may move to from last week."""
    if before is None or not ("share" in c or "change" in c):
        return 0, math.inf
    rooms = []
    if "share" in c:
        equal = math.floor(spendable(draft)) // len(draft.channels)
        rooms.append(math.floor(exact(c["share"]) * (before or equal)))
    if "change" in c:
        rooms.append(math.floor(draft.minor(c["change"])))
    return max(0, before - min(rooms)), before + min(rooms)


def _chosen(draft, where):
    if where is None:
        return range(len(draft.channels))
    if isinstance(where, dict):
        return [at for at, c in enumerate(draft.channels) if c["group"] == where["group"]]
    return [at for at, c in enumerate(draft.channels) if c["name"] in where]


def _breaks(draft, kind, given, spend, before, tolerance=1e-5):
    if kind == "group":
        return _group_broken(draft, given, spend)
    if kind == "linear":
        names = [c["name"] for c in draft.channels]
        pairs = [(exact(k), spend[names.index(n)]) for n, k in given["coefficients"].items()]
        return sum(k * x for k, x in pairs) > exact(given["at_most"]) * draft.units
    if kind in ("turnover", "few moves"):
        if before is None:
            return False
        moved = [abs(x - y) for x, y in zip(spend, before, strict=True)]
        if kind == "turnover":
            return sum(moved) > draft.minor(given["at_most"])
        return sum(m > 0 for m in moved) > given["at_most"]
    if kind == "apart":
        return sum(spend[at] > 0 for at in _chosen(draft, given["channels"])) > 1
    chosen = _chosen(draft, given.get("where"))
    if kind == "at least on":
        return sum(spend[at] > 0 for at in chosen) < given["at_least"]
    if kind == "mroas":
        hurdle = float(exact(given["at_least"])) * (1 - tolerance)
        return any(_below_hurdle(draft, at, spend[at], hurdle) for at in chosen)
    y = outcomes(draft, spend)
    money = sum(spend[at] for at in chosen) / draft.units
    brought = sum(y[at] for at in chosen)
    if kind == "outcome":
        brought *= 0.2 if given.get("of") else 1
        return brought < float(exact(given["at_least"])) - FLOAT * brought
    if kind == "cpa":
        return money > float(exact(given["at_most"])) * brought * (1 + FLOAT)
    worth = sum(values(draft)[at] * y[at] for at in chosen)
    return worth * (1 + FLOAT) < float(exact(given["at_least"])) * money


def _group_broken(draft, given, spend):
    inside = sum(spend[at] for at in _chosen(draft, given.get("where")))
    base = sum(spend[at] for at in _chosen(draft, given.get("of")))
    for key, sign in (("at_least", 1), ("at_most", -1)):
        bound = given.get(key)
        if bound is None:
            continue
        share = isinstance(bound, str) and bound.endswith("%")
        least = exact(bound) * base if share else draft.minor(bound)
        if sign * inside < sign * least:
            return True
    return False


def _below_hurdle(draft, at, x, hurdle):
    """Say whether the last bit of money brings less than the hurdle; before a bend it may."""
    c = draft.channels[at]
    if x == 0:
        return False
    line, z = Line("", *c["curve"], "", ""), x / draft.units
    slope = (line.outcome(z) - line.outcome(z * (1 - 1e-6))) / (1e-6 * z)
    if line.bends:
        _, half, s = line.parameters
        bend = half * ((s - 1) / (s + 1)) ** (1 / s)
        if z <= bend:
            slope = (line.outcome(bend) - line.outcome(bend * (1 - 1e-6))) / (1e-6 * bend)
    return values(draft)[at] * slope < hurdle


# How plans come about


def written(rng, amount, *, finer=0):
    """Return a Fraction as somebody writes it; `finer` adds a part of a minor unit to it."""
    amount = Fraction(amount) + finer
    way = rng.random()
    if way < 0.2 and amount.denominator == 1:
        return int(amount)
    if way < 0.35:
        return amount
    plain = Decimal(amount.numerator) / Decimal(amount.denominator)
    if Fraction(plain) != amount:
        return amount
    if way < 0.5:
        return plain
    if way < 0.65:
        return f"{plain:f}"
    number = float(amount)
    if way < 0.8:
        return number
    factor = rng.choice([1.1, 0.7, 3.3, 1e3 + 0.1])
    return rng.choice([number / factor * factor, (number + factor) - factor, (number * 3) / 3])


def random_draft(rng, *, most=30, planted=None):
    """Return a draft over 1 to `most` channels, money from 1e-3 to 1e13."""
    currency = rng.choice(["CNY", "CNY", "JPY", "KWD", "XXX"])
    units = 10 ** DIGITS[currency]
    size = min(most, int(math.exp(rng.uniform(0, math.log(most + 1)))))
    least = max(0.8, math.log10(units) - 3)
    budget = int(10 ** rng.uniform(least, min(15.5, math.log10(units) + 13)))
    budget = max(budget, 4 * size)
    coarse = rng.random()
    step = 1
    if coarse < 0.35 and budget >= 40 * size:
        step = max(1, budget // rng.randint(5, 40) // 10 ** rng.randint(0, 2))
    channels = [_channel(rng, at, budget / units / size) for at in range(size)]
    lots = [step] * size
    if rng.random() < 0.25:
        for at in range(size):
            if rng.random() < 0.6:
                lots[at] = step * rng.randint(2, 5)
                channels[at]["lot"] = _amount(rng, lots[at], units)
    split = _split(rng, budget, lots, channels)
    planted = rng.random() < 0.7 if planted is None else planted
    if rng.random() < 0.25:
        budget = sum(split) or lots[0]
        spend = "all" if planted and sum(split) else "at-most"
    else:
        spend = "all" if not planted and rng.random() < 0.2 else "at-most"
    reserve = ("0", "0", "0")
    if spend != "all" and sum(split) < 0.9 * budget and rng.random() < 0.3:
        reserve = (rng.choice(["5%", "3.3333333333333333%"]), "2.5%", "0")
    draft = Draft(
        currency, _amount(rng, budget, units), channels, spend=spend, reserve=reserve,
        step=None if step == 1 else _amount(rng, step, units), value=rng.choice([1, "3", 0.7]),
    )  # fmt: skip
    if rng.random() < 0.6:
        draft.last = {
            c["name"]: _amount(rng, int(x * rng.choice([1, 1, 0.8, rng.uniform(0, 2)])), units)
            for c, x in zip(channels, split, strict=True)
            if rng.random() < 0.95
        }
    _bounds(rng, draft, split, planted)
    _limits(rng, draft, split, planted)
    _goal(rng, draft, split, planted)
    draft.planted = split if planted and sum(split) <= spendable(draft) else None
    return draft


def _amount(rng, minor, units):
    return written(rng, Fraction(minor, units))


def _channel(rng, at, typical):
    top, scale = 10 ** rng.uniform(-1, 1) * typical, 10 ** rng.uniform(-1, 0.7) * typical
    kind = rng.choice(["exponential", "hill", "hill", "log", "logistic", "power"])
    parameters = (top, scale)
    if kind == "hill":
        parameters = (top, scale, rng.choice([1.0, 0.8, 0.6, 1.0, 0.8, 3.0]))
    elif kind == "power":
        parameters = (top, scale, rng.choice([0.3, 0.5, 0.8]))
    name = rng.choice(["c", "抖音 ", "a b", "=x", "ß/"]) + str(at)
    channel = {"name": name, "curve": (kind, parameters), "group": rng.choice("xyz")}
    if rng.random() < 0.15:
        channel["value"] = rng.choice(["0.5", 2, 1.7])
    return channel


def _split(rng, budget, lots, channels):
    """Return a split on whole lots that sums to no more than the budget."""
    weights = [rng.expovariate(1) * (rng.random() < 0.8) for _ in channels]
    share = rng.uniform(0.2, 1) / (sum(weights) or 1)
    return [int(budget * share * w) // lot * lot for w, lot in zip(weights, lots, strict=True)]


def _bounds(rng, draft, split, planted):
    units, before = draft.units, last_minor(draft)

    def write(minor, finer=0):
        some = Fraction(rng.choice([0, 0, 0, finer]), 3 * units)
        return written(rng, Fraction(int(minor), units), finer=some)

    for at, (c, x) in enumerate(zip(draft.channels, split, strict=True)):
        loose = 1 if planted else rng.uniform(0.7, 1.3)
        kind = rng.random()
        if kind < 0.08:
            c["locked"] = write(x)
            continue
        if kind < 0.25 and x:
            c["floor"] = write(rng.uniform(0, 1) * x * loose, 1 if not planted else 0)
        elif kind < 0.4:
            c["off"] = write(rng.uniform(0.1, 1) * (x or 10) * loose)
            if exact(c["off"]) == 0:
                del c["off"]
        if rng.random() < 0.3:
            c["cap"] = write(max(x, 1) * rng.uniform(1, 2) * loose + 1, 1)
            if "off" in c:
                del c["cap"]
        if before is not None and rng.random() < 0.35:
            base = before[at] or math.floor(spendable(draft)) // len(split)
            need = Fraction(abs(x - before[at]), base or 1)
            if need <= 4 and base:
                share = rng.choice([need + Fraction(1, 1000), max(need, Fraction(3, 10))])
                share = min(share, Fraction(5)) if planted else Fraction(rng.choice([1, 3, 5]), 10)
                c["share"] = rng.choice([share, Decimal(math.ceil(share * 10**6)) / 10**6])
            if rng.random() < 0.3:
                room = abs(x - before[at]) if planted else int(rng.uniform(0, 1) * (base + 1))
                c["change"] = write(room, 1)


def _limits(rng, draft, split, planted):
    size, units = len(split), draft.units
    kinds = ["group", "group", "linear", "linear", "turnover", "few moves", "apart",
             "at least on", "roas", "mroas", "cpa", "outcome"]  # fmt: skip
    for number in range(rng.choice([0, 0, 1, 1, 2, 3, 4])):
        kind = rng.choice(kinds)
        given = _limit(rng, draft, split, kind, size, units, 1 if planted else rng.uniform(0.5, 1))
        if given is None:
            continue
        given["name"] = f"{kind} {number}"
        if planted and _breaks(draft, kind, given, split, last_minor(draft)):
            continue
        draft.limits.append((kind, given))


def _limit(rng, draft, split, kind, size, units, tight):
    names = [c["name"] for c in draft.channels]
    groups = sorted({c["group"] for c in draft.channels})
    where = rng.choice([{"group": rng.choice(groups)}, rng.sample(names, rng.randint(1, size))])
    inside = sum(split[at] for at in _chosen(draft, where))
    if kind == "group":
        if rng.random() < 0.5:
            low, high = int(inside * rng.uniform(0, 1) / tight), inside + rng.randint(0, 9)
            key, amount = rng.choice([("at_least", low), ("at_most", int(high * tight) + 1)])
            if not amount or 0 < Fraction(amount, units) < 1:
                return None
            return {"where": where, key: _amount(rng, amount, units)}
        base = Fraction(inside, sum(split) or 1)
        share = min(Fraction(1), base * Fraction(rng.uniform(1, 1.5)) * Fraction(tight))
        digits = rng.choice([2, 5, 16])
        text = Decimal(math.ceil(share * 10 ** (digits + 2))).scaleb(-digits)
        return {"where": where, "at_most": f"{min(text, Decimal(100)):f}%"}
    if kind == "linear":
        ways = [
            lambda: rng.uniform(-0.2, 1), lambda: 1 / rng.randint(100, 400),
            lambda: Fraction(rng.randint(1, 9), rng.randint(1, 9)),
            lambda: Decimal(str(round(rng.uniform(0, 2), 3))), lambda: f"{rng.uniform(0, 1):.17f}",
            lambda: rng.uniform(0, 1) * 10 ** rng.uniform(-12, 12),
        ]  # fmt: skip
        way = rng.choice(ways)
        given = {n: way() for n in rng.sample(names, rng.randint(1, size))}
        used = sum(exact(given.get(n, 0)) * x for n, x in zip(names, split, strict=True)) / units
        room = used * Fraction(rng.uniform(1, 1.4) * tight) if used > 0 else used / 2
        return {"coefficients": given, "at_most": rng.choice([room, float(room) * (1 + 1e-12)])}
    if kind == "turnover":
        before = last_minor(draft)
        moved = sum(abs(x - y) for x, y in zip(split, before, strict=True)) if before else 10
        moved = int(moved * rng.uniform(1, 2) * tight) + units
        return {"at_most": _amount(rng, moved, units)}
    if kind == "few moves":
        return {"at_most": rng.randint(0, size)}
    if kind == "apart":
        return {"channels": rng.sample(names, 2)} if size > 1 else None
    if kind == "at least on":
        return {"at_least": rng.randint(0, 2), "where": rng.choice([None, where])}
    where = rng.choice([None, where])
    y, chosen = outcomes(draft, split), list(_chosen(draft, where))
    money, brought = sum(split[at] for at in chosen) / units, sum(y[at] for at in chosen)
    if not money or not brought:
        return None
    loose = rng.uniform(0.5, 1) / tight
    if kind == "outcome":
        return {"at_least": f"{brought * loose:.12g}", "where": where}
    if kind == "cpa":
        return {"at_most": Fraction(money / brought / loose), "where": where}
    worth = sum(values(draft)[at] * y[at] for at in chosen)
    if kind == "roas":
        return {"at_least": Fraction(worth / money * loose), "where": where}
    return {"at_least": f"{10 ** rng.uniform(-2, 0.3):.4g}", "where": where}


def _goal(rng, draft, split, planted):
    kind = rng.random()
    if kind < 0.15:
        draft.goal = ("profit",)
    elif kind < 0.25:
        draft.goal = ("weights", rng.choice(["3", 0.1]))
    elif kind < 0.35 and draft.spend != "all":
        y = sum(outcomes(draft, split)) * (rng.uniform(0.5, 1) if planted else rng.uniform(0.5, 2))
        if y:
            draft.goal = ("least-spend", f"{y:.12g}")
    if draft.goal[0] == "least-spend" and "target" in violations(draft, split):
        draft.goal = ("outcome",)


# What an answer is held against


def improved(draft, spend, rng, tries=40):
    """Return the best split found by moving money between two channels, one or none."""
    best, there = list(spend), objective(draft, spend)[0]
    lots = [int(draft.minor(c.get("lot", draft.step or Fraction(1, draft.units))))
            for c in draft.channels]  # fmt: skip
    for _ in range(tries):
        a, b = rng.randrange(len(best)), rng.randrange(len(best))
        amount = int(max(best) * 10 ** rng.uniform(-4, 0)) + lots[a]
        trial = list(best)
        trial[a] = min(MOST, trial[a] + amount // lots[a] * lots[a])
        if a != b:
            trial[b] = max(0, trial[b] - (amount // lots[a] * lots[a]) // lots[b] * lots[b])
        elif rng.random() < 0.5:
            trial[a] = max(0, best[a] - amount // lots[a] * lots[a])
        gained = objective(draft, trial)[0]
        if gained > there and not violations(draft, trial, tolerance=-1e-5):
            best, there = trial, gained
    return best, there
