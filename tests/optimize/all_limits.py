"""Random weeks that mix every limit, and what their limits say in plain words of exact numbers.

A `Week` is what a user would write, as plain data; `plan_of` hands it to the library. `broken`
reads the limits a second time, from what each is documented to mean, and `splits` lists all there
are on a small week.
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass, field, replace
from decimal import Decimal
from fractions import Fraction

import numpy as np

import budgetopt as bo
from budgetopt.curves import Exponential, Hill, Log, Logistic, Points, Power
from budgetopt.plan import Goal, Limit, MaxChange, Reserve

DIGITS = {"JPY": 0, "CNY": 2, "KWD": 3, "XXX": 6}
MAKE = {
    "exponential": Exponential, "hill": Hill, "log": Log, "logistic": Logistic,
    "points": Points, "power": Power,
}  # fmt: skip
FLOAT = 1e-9
"""Share by which what comes from curves may miss, as documented."""


@dataclass(frozen=True)
class Line:
    """A channel; amounts are whole minor units."""

    name: str
    kind: str
    parameters: tuple
    group: str
    value: str
    floor: int = 0
    cap: int | None = None
    lock: int | None = None
    share: str | None = None
    change: int | None = None
    off: int | None = None
    lot: int | None = None

    def outcome(self, x):
        """Return the outcome at money, from the formulas."""
        p = self.parameters
        if self.kind == "points":
            return float(np.interp(x, *p))
        if self.kind == "hill":
            return p[0] * x ** p[2] / (p[1] ** p[2] + x ** p[2])
        if self.kind == "power":
            return p[0] * (x / p[1]) ** p[2]
        if self.kind == "log":
            return p[0] * math.log1p(x / p[1])
        z = x / p[1]
        return p[0] * (math.tanh(z / 2) if self.kind == "logistic" else -math.expm1(-z))

    @property
    def bends(self):
        """Whether the curve is S-shaped."""
        return self.kind == "hill" and self.parameters[2] > 1


@dataclass(frozen=True)
class Week:
    """A plan with its last week; amounts are whole minor units, limits are (kind, ...) tuples."""

    currency: str
    budget: int
    lines: tuple[Line, ...]
    step: int = 1
    limits: tuple = ()
    goal: tuple = ("outcome",)
    spend_all: bool = False
    held: tuple[str, str, str] = ("0", "0", "0")
    last: tuple[int, ...] | None = None
    value: str = "1"
    factor: float = 1.0
    known: dict = field(default_factory=dict, compare=False)

    @property
    def units(self):
        return 10 ** DIGITS[self.currency]

    @property
    def names(self):
        return tuple(line.name for line in self.lines)

    @property
    def spendable(self):
        held = 0
        for part in self.held:
            if part.endswith("%"):
                held += math.ceil(Fraction(part[:-1]) / 100 * self.budget)
            else:
                held += int(Fraction(part) * self.units)
        return self.budget - held

    def money(self, minor):
        return Decimal(minor).scaleb(-DIGITS[self.currency])

    def outcomes(self, spend):
        """Return the outcome by channel at minor units, each computed once."""
        found = []
        for at, x in enumerate(spend):
            if (at, x) not in self.known:
                self.known[at, x] = self.lines[at].outcome(x / self.units)
            found.append(self.known[at, x])
        return found

    def values(self):
        return [float(line.value or self.value) for line in self.lines]

    def objective(self, spend):
        outcome, money = self.outcomes(spend), sum(spend) / self.units
        if self.goal[0] == "profit":
            return sum(v * y for v, y in zip(self.values(), outcome, strict=True)) - money
        if self.goal[0] == "least-spend":
            return -money
        if self.goal[0] == "weights":
            # Every channel brings a fifth of a lead with an outcome.
            return sum(outcome) * (1 + 0.2 * float(self.goal[1]))
        return sum(outcome)

    def chosen(self, where):
        """Return positions of a group: None, the letter of a group, or a tuple of positions."""
        if where is None:
            return range(len(self.lines))
        if isinstance(where, str):
            return [at for at, line in enumerate(self.lines) if line.group == where]
        return where


def _where(week, where):
    if where is None:
        return None
    return {"group": where} if isinstance(where, str) else [week.names[at] for at in where]


def _limit(week, limit):
    kind, *rest = limit
    name, money = f"{kind} {week.limits.index(limit)}", week.money
    if kind == "group":
        where, of, low, high = rest
        low, high = (b if b is None or isinstance(b, str) else money(b) for b in (low, high))
        return Limit.group(name, _where(week, where), low, high, _where(week, of))
    if kind == "linear":
        given = {week.names[at]: Decimal(c) for at, c in rest[0]}
        return Limit.linear(name, given, Decimal(rest[1]))
    if kind == "turnover":
        return Limit.turnover(money(rest[0]), name)
    if kind == "few moves":
        return Limit.few_moves(rest[0], name)
    if kind == "apart":
        return Limit.apart([week.names[at] for at in rest[0]], name)
    if kind == "at least on":
        return Limit.at_least_on(rest[0], _where(week, rest[1]), name)
    make = {"roas": Limit.roas, "mroas": Limit.mroas, "cpa": Limit.cpa, "outcome": Limit.outcome}
    if kind == "outcome" and rest[2]:
        return Limit.outcome(rest[0], _where(week, rest[1]), of="leads", name=name)
    return make[kind](rest[0], _where(week, rest[1]), name=name)


def plan_of(week):
    """Return the plan of a week."""

    def amount(minor):
        return None if minor is None else week.money(minor)

    channels = []
    for line in week.lines:
        rule = None
        if line.share is not None or line.change is not None:
            rule = MaxChange(line.share, amount(line.change))
        curve = MAKE[line.kind](*line.parameters)
        channels.append(
            bo.Channel(
                line.name, floor=amount(line.floor), cap=amount(line.cap),
                locked=amount(line.lock), max_change=rule, curve=curve,
                labels={"group": line.group}, off_or_at_least=amount(line.off),
                lot=amount(line.lot), value=line.value or None, rates={"leads": "0.2"},
            )
        )  # fmt: skip
    kind, *rest = week.goal
    goals = {
        "profit": Goal.most_profit, "outcome": Goal.most_outcome, "least-spend": Goal.least_spend,
        "weights": lambda weight: Goal.most_outcome({"outcome": 1, "leads": weight}),
    }  # fmt: skip
    return bo.Plan(
        budget=week.money(week.budget), currency=week.currency, channels=channels,
        max_change="none", reserve=Reserve(*week.held), step=week.money(week.step),
        spend="all" if week.spend_all else "at-most",
        limits=[_limit(week, limit) for limit in week.limits], goal=goals[kind](*rest),
        value=week.value,
    )  # fmt: skip


def allocated(week, **more):
    """Return the library's answer to a week."""
    last = None
    if week.last is not None:
        last = {n: week.money(x) for n, x in zip(week.names, week.last, strict=True)}
    return bo.allocate(plan_of(week), last=last, **more)


def minors(week, answer):
    """Return the spends of an answer in minor units; they are exact."""
    exact = [Fraction(answer.spend[name]) * week.units for name in week.names]
    assert all(x.denominator == 1 for x in exact)
    return tuple(int(x) for x in exact)


def broken(week, spend):
    """Return what a split of minor units breaks; each limit as it is documented, exactly."""
    found = [
        f"{rule} of {at}" for at in range(len(spend)) for rule in _broken_line(week, at, spend)
    ]
    total = sum(spend)
    if total > week.spendable:
        found.append("budget")
    if week.spend_all and total != week.spendable:
        found.append("spend all")
    if week.goal[0] == "least-spend":
        y = sum(week.outcomes(spend))
        if y < float(week.goal[1]) - FLOAT * y:
            found.append("target")
    return found + [limit[0] for limit in week.limits if _is_broken(week, limit, spend)]


def _broken_line(week, at, spend):
    line, x = week.lines[at], spend[at]
    if line.lock is not None:
        if x != line.lock:
            yield "lock"
        return
    if x < line.floor:
        yield "floor"
    if line.cap is not None and x > line.cap:
        yield "cap"
    if line.off is not None and 0 < x < line.off:
        yield "off or at least"
    before = None if week.last is None else week.last[at]
    low, high = _reach(week, at)
    if not low <= x <= high:
        yield "max change"
    # A spend that cannot move, or does not, need not be on the step.
    stuck = max(low, line.floor) == min(high, math.inf if line.cap is None else line.cap)
    if x % (line.lot or week.step) and not stuck and x != before:
        yield "step"


def _reach(week, at):
    """Return the least and the most that a channel may move to."""
    line, rooms = week.lines[at], []
    if week.last is None:
        return 0, math.inf
    before = week.last[at]
    if line.share is not None:
        equal = week.spendable // len(week.lines)
        rooms.append(math.floor(Fraction(line.share) * (before or equal)))
    rooms += [] if line.change is None else [line.change]
    return max(0, before - min(rooms, default=before)), before + min(rooms, default=math.inf)


def _is_broken(week, limit, spend):
    kind, *rest = limit
    if kind == "group":
        return _group_broken(week, spend, *rest)
    if kind == "linear":
        used = sum(Fraction(c) * Fraction(spend[at], week.units) for at, c in rest[0])
        return used > Fraction(rest[1])
    if kind in ("turnover", "few moves"):
        if week.last is None:
            return False
        moved = [abs(x - y) for x, y in zip(spend, week.last, strict=True)]
        return (sum(moved) if kind == "turnover" else sum(m > 0 for m in moved)) > rest[0]
    if kind == "apart":
        return sum(spend[at] > 0 for at in rest[0]) > 1
    chosen = week.chosen(rest[1])
    if kind == "at least on":
        return sum(spend[at] > 0 for at in chosen) < rest[0]
    if kind == "mroas":
        return any(_below_hurdle(week, at, spend[at], float(rest[0])) for at in chosen)
    outcome = week.outcomes(spend)
    y, ratio = [outcome[at] for at in chosen], float(rest[0])
    money = sum(spend[at] for at in chosen) / week.units
    if kind == "outcome":
        y = [0.2 * one for one in y] if rest[2] else y
        return sum(y) < ratio - FLOAT * sum(y)
    if kind == "cpa":
        return money > ratio * sum(y) * (1 + FLOAT)
    worth = sum(week.values()[at] * outcome[at] for at in chosen)
    return worth * (1 + FLOAT) < ratio * money


def _group_broken(week, spend, where, of, low, high):
    inside = sum(spend[at] for at in week.chosen(where))
    base = sum(spend[at] for at in week.chosen(of))
    for bound, sign in ((low, 1), (high, -1)):
        if bound is None:
            continue
        least = Fraction(bound[:-1]) / 100 * base if isinstance(bound, str) else bound
        if sign * inside < sign * least:
            return True
    return False


def _below_hurdle(week, at, minor, hurdle):
    """Say whether the last bit of money brings less than the hurdle; before a bend it may."""
    line = week.lines[at]
    if minor == 0:
        return False
    x = minor / week.units
    slope = (line.outcome(x) - line.outcome(x * (1 - 1e-6))) / (1e-6 * x)
    if line.bends:
        _, half, s = line.parameters
        bend = half * ((s - 1) / (s + 1)) ** (1 / s)
        # The hurdle is met on the falling branch, or nowhere.
        if x <= bend:
            slope = (line.outcome(bend) - line.outcome(bend * (1 - 1e-6))) / (1e-6 * bend)
    return week.values()[at] * slope < hurdle * (1 - 1e-5)


def splits(week):
    """Return all splits on whole steps that a small week allows, by trying each."""
    return [s for s in within_budget(menus(week), week.spendable) if not broken(week, s)]


def best_split(week, than=-math.inf):
    """Return the objective of the best split on whole steps, None where none beats another."""
    tried = within_budget(menus(week), week.spendable)
    worth = {s: week.objective(s) for s in tried}
    better = (s for s in sorted(worth, key=worth.get, reverse=True) if worth[s] > than)
    return next((worth[s] for s in better if not broken(week, s)), None)


def menus(week):
    """Return what each channel alone may spend, in minor units."""
    found, alone = [], [0] * len(week.lines)
    for at, line in enumerate(week.lines):
        lot = line.lot or week.step
        menu = set(range(0, week.spendable + 1, lot))
        menu |= {line.lock} if line.lock is not None else set()
        menu |= {line.floor, _reach(week, at)[0]}
        if line.lot is not None or any(limit[0] == "few moves" for limit in week.limits):
            menu |= {week.last[at]} if week.last is not None else set()
        keep = []
        for x in sorted(menu):
            alone[at] = x
            if not list(_broken_line(week, at, alone)):
                keep.append(x)
        alone[at] = 0
        found.append(keep)
    return found


def within_budget(choices, budget):
    """Yield every way to take one of each channel's amounts that a budget covers."""
    if not choices:
        yield ()
        return
    for x in choices[0]:
        if x <= budget:
            for rest in within_budget(choices[1:], budget - x):
                yield (x, *rest)


def random_line(rng, at, budget, units, size, s_curves, step):
    typical = budget / units / size
    top, scale = 10 ** rng.uniform(-1, 1) * typical, 10 ** rng.uniform(-1, 0.7) * typical
    kind = rng.choice(["exponential", "hill", "hill", "log", "logistic", "points", "power"])
    if kind == "hill":
        shape = rng.choice([2.0, 3.0, 1.5]) if s_curves else rng.choice([1.0, 0.8, 0.6])
        parameters = (top, scale, shape)
    elif kind == "power":
        parameters = (top, scale, rng.choice([0.3, 0.5, 0.8]))
    elif kind == "points":
        knots, slopes = [0.0], sorted((rng.uniform(0.05, 1) for _ in range(3)), reverse=True)
        for _ in slopes:
            knots.append(knots[-1] + scale * rng.uniform(0.2, 1))
        rises = [
            s * top / scale * (b - a) for s, a, b in zip(slopes, knots, knots[1:], strict=False)
        ]
        parameters = (tuple(knots), (0.0, *itertools.accumulate(rises)))
    else:
        parameters = (top, scale)
    more = {}

    def part(low, high):
        return int(rng.uniform(low, high) * budget / size)

    if rng.random() < 0.12:
        more["lock"] = part(0, 0.8)
    else:
        if rng.random() < 0.2:
            more["floor"] = part(0, 0.7)
        elif rng.random() < 0.2:
            more["off"] = part(0.2, 1.2)
        if rng.random() < 0.3:
            more["cap"] = max(more.get("floor", 0), more.get("off", 0)) + part(0.1, 1.5)
        if rng.random() < 0.12:
            more["lot"] = step * rng.randint(2, 4)
        if rng.random() < 0.25:
            more["share"] = rng.choice(["0.3", "0.1", "0.5"])
        if rng.random() < 0.1:
            more["change"] = part(0.1, 0.6)
    value = rng.choice(["", "", "0.5", "2"])
    return Line(f"c{at}", kind, parameters, rng.choice("xy"), value, **more)


def random_limit(rng, kind, week):
    size, budget = len(week.lines), week.budget
    groups = sorted({line.group for line in week.lines})
    group = rng.choice([*groups, tuple(sorted(rng.sample(range(size), rng.randint(1, size))))])
    if kind == "group":
        low, high, of = None, None, None
        if rng.random() < 0.5:
            low = int(rng.uniform(0.05, 0.45) * budget)
            high = low + int(rng.uniform(0.05, 0.4) * budget) if rng.random() < 0.3 else None
        else:
            high = int(rng.uniform(0.2, 0.8) * budget)
        if rng.random() < 0.5:
            low, high = (None if b is None else f"{100 * b // budget}%" for b in (low, high))
            of = rng.choice([None, groups[0], groups[-1]])
        return (kind, group, of, low, high)
    if kind == "linear":
        pairs = tuple((at, f"{rng.uniform(-0.2, 1):.2f}") for at in range(size))
        return (kind, pairs, f"{rng.uniform(0.1, 0.6) * budget / week.units:.3f}")
    if kind == "turnover":
        return (kind, int(rng.uniform(0.05, 0.6) * budget))
    if kind == "few moves":
        return (kind, rng.randint(1, size))
    if kind == "apart":
        return (kind, tuple(rng.sample(range(size), 2)))
    if kind == "at least on":
        return (kind, rng.randint(1, 2), rng.choice([None, group]))
    if kind == "outcome":
        y = sum(week.outcomes([budget // size] * size))
        return (
            kind,
            f"{rng.uniform(0.1, 0.8) * y:.6g}",
            rng.choice([None, group]),
            rng.random() < 0.3,
        )
    ratio = f"{10 ** rng.uniform(-1, 0.3):.4g}"
    return (kind, ratio, rng.choice([None, group]))


KINDS = (
    "group", "group", "linear", "turnover", "few moves", "apart", "at least on", "roas", "mroas",
    "cpa", "outcome",
)  # fmt: skip


def random_week(
    rng, *, small=False, kinds=KINDS, s_curves=None, limits=None, currency=None, sizes=None,
    steps=(8, 14),
):  # fmt: skip
    """Return a week that may or may not have a split; a small one has few steps."""
    currency = currency or ("JPY" if small else rng.choice(["JPY", "CNY", "CNY", "KWD"]))
    units = 10 ** DIGITS[currency]
    size = rng.randint(*(sizes or ((1, 3) if small else (2, 5))))
    steps = rng.randint(*steps)
    step = rng.choice([1, 1, 7, 100]) if small else rng.choice([1, 1, 5, units, 10 * units])
    budget = step * steps if small else int(10 ** rng.uniform(2, 5)) * units
    budget += rng.choice([0, 0, step // 2])
    bends = rng.random() < 0.3 if s_curves is None else s_curves
    lines = tuple(
        random_line(rng, at, budget, units, size, bends and rng.random() < 0.7, step)
        for at in range(size)
    )
    last = None
    if rng.random() < 0.6:
        last = tuple(int(rng.uniform(0, 1.6) * budget / size) // step * step for _ in lines)
        if rng.random() < 0.1:
            last = tuple(x + rng.randint(0, step) for x in last)
    held = ("0", "0", "0")
    if rng.random() < 0.2:
        held = (rng.choice(["5%", "0"]), rng.choice(["2.5%", "1"]), "0")
    week = Week(currency, budget, lines, step, last=last, held=held, value=rng.choice(["1", "3"]))
    goal = ("outcome",)
    if rng.random() < 0.35:
        goal = rng.choice([("profit",), ("weights", "3"), ("least-spend",)])
    if goal == ("least-spend",):
        y = sum(week.outcomes([budget // size] * size))
        goal = ("least-spend", f"{rng.uniform(0.2, 0.9) * y:.6g}")
    week = replace(week, goal=goal, spend_all=rng.random() < 0.2)
    count = rng.choice([0, 1, 1, 2, 2, 3, 4]) if limits is None else limits
    for _ in range(count):
        kind = rng.choice(kinds)
        extra = None if kind == "apart" and size < 2 else random_limit(rng, kind, week)
        if extra is not None and extra not in week.limits:
            week = replace(week, limits=(*week.limits, extra))
    return week
