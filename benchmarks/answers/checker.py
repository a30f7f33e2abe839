r"""The exact checker: what a split is worth, which rules it breaks, and what a proof proves.

It shares nothing with any solver: standard library only, fractions throughout. A curve that is not
rational is enclosed to 40 digits from `decimal`, so every number here is an interval that holds the
true one. The form of problems and proofs is in the README of this folder.

Proofs are trees. A node cuts one channel's range in two, so the leaves cover it without a gap; a
leaf bounds its box by Lagrange's duality, which needs no convexity: with prices
:math:`\lambda \ge 0`

.. math::
    \max_x \sum_i f_i(x_i) \le \sum_r \lambda_r b_r
        + \sum_i \max_{x_i} \bigl[f_i(x_i) - \textstyle\sum_r \lambda_r g_{ri}(x_i)\bigr].

Source: Everett (1963), "Generalized Lagrange multiplier method"; Geoffrion (1974), "Lagrangean
relaxation for integer programming". What is left is a maximum in one variable, taken exactly over
corners, or over a tangent where a curve bends downwards.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Context, Decimal, localcontext
from fractions import Fraction
from pathlib import Path
from typing import Any, NamedTuple

DIGITS = 60
NEAR = Fraction(1, 10**40)
"""Share of a value by which 60 digits of arithmetic may be off, with twenty digits to spare."""
PI = Decimal("3.14159265358979323846264338327950288419716939937510582097494459230781640628620899")
CORNERS = 100_000
"""Most steps of a channel that are tried one by one."""


class Interval(NamedTuple):
    """Two fractions that hold the true number between them."""

    low: Fraction
    high: Fraction

    @classmethod
    def around(cls, number: Decimal) -> Interval:
        exact = Fraction(number)
        return cls(exact - abs(exact) * NEAR, exact + abs(exact) * NEAR)

    def times(self, factor: Fraction) -> Interval:
        ends = self.low * factor, self.high * factor
        return Interval(min(ends), max(ends))

    def plus(self, other: Interval) -> Interval:
        return Interval(self.low + other.low, self.high + other.high)


NOTHING = Interval(Fraction(0), Fraction(0))


def exact(number: Any) -> Fraction:
    """Return a number of a problem: an integer, a decimal as written, or text like ``8/3``."""
    return number if isinstance(number, Fraction) else Fraction(str(number))


def load(path: Path) -> list[dict[str, Any]]:
    """Read problems with every number as the fraction that is written."""
    return json.loads(path.read_text("utf-8"), parse_float=Fraction, parse_int=Fraction)


# Curves


def value(curve: Mapping[str, Any], spend: Fraction) -> Interval:
    """Return what a curve gives at an amount."""
    kind = curve["kind"]
    if kind == "linear":
        return _same(exact(curve["slope"]) * spend)
    if kind == "points":
        return _same(_between(curve, spend))
    if spend == 0:
        return NOTHING
    if kind == "hill" and exact(curve["shape"]).denominator == 1:
        shape = int(exact(curve["shape"]))
        power = (spend / exact(curve["half"])) ** shape
        return _same(exact(curve["top"]) * power / (1 + power))
    return Interval.around(_decimal_value(curve, spend))


def slope(curve: Mapping[str, Any], spend: Fraction) -> Interval:
    """Return the derivative of a smooth curve above zero."""
    with localcontext(Context(prec=DIGITS)):
        top, z, scale = _parts(curve, spend)
        kind = curve["kind"]
        if kind == "exponential":
            steep = top / scale * (-z).exp()
        elif kind == "log":
            steep = top / (scale + _decimal(spend))
        elif kind == "power":
            steep = top * _number(curve, "exponent") * _power(z, curve, "exponent") / z / scale
        else:
            power = _power(z, curve, "shape")
            steep = top * _number(curve, "shape") * power / (1 + power) ** 2 / z / scale
        return Interval.around(steep)


def bend(curve: Mapping[str, Any]) -> Interval:
    """Return where a curve stops bending upwards: 0 for concave ones."""
    shape = exact(curve.get("shape", 1))
    if curve["kind"] != "hill" or shape <= 1:
        return NOTHING
    with localcontext(Context(prec=DIGITS)):
        ratio = _decimal((shape - 1) / (shape + 1)) ** _decimal(1 / shape)
        return Interval.around(_number(curve, "half") * ratio)


def _same(number: Fraction) -> Interval:
    return Interval(number, number)


def _between(curve: Mapping[str, Any], spend: Fraction) -> Fraction:
    """Return the height on straight lines between points, level beyond the last one."""
    at, heights = curve["at"], curve["value"]
    for k in range(1, len(at)):
        left, right = exact(at[k - 1]), exact(at[k])
        if spend <= right:
            low, high = exact(heights[k - 1]), exact(heights[k])
            return low + (high - low) * (spend - left) / (right - left)
    return exact(heights[-1])


def _decimal(number: Fraction) -> Decimal:
    return Decimal(number.numerator) / Decimal(number.denominator)


def _number(curve: Mapping[str, Any], name: str) -> Decimal:
    return _decimal(exact(curve[name]))


def _power(z: Decimal, curve: Mapping[str, Any], name: str) -> Decimal:
    return z ** _number(curve, name)


def _parts(curve: Mapping[str, Any], spend: Fraction) -> tuple[Decimal, Decimal, Decimal]:
    scale = exact(curve["half" if curve["kind"] == "hill" else "scale"])
    return _number(curve, "top"), _decimal(spend / scale), _decimal(scale)


def _decimal_value(curve: Mapping[str, Any], spend: Fraction) -> Decimal:
    with localcontext(Context(prec=DIGITS)):
        top, z, _ = _parts(curve, spend)
        kind = curve["kind"]
        if kind == "exponential":
            return top * (1 - (-z).exp())
        if kind == "log":
            return top * (1 + z).ln()
        if kind == "power":
            return top * _power(z, curve, "exponent")
        power = _power(z, curve, "shape")
        return top * power / (1 + power)


# Problems


class Row(NamedTuple):
    """``sum of amounts + sum of outcomes <= room``, or equal."""

    name: str
    amounts: Mapping[str, Fraction]
    outcomes: Mapping[str, Fraction]
    room: Fraction
    equal: bool


def rows(problem: Mapping[str, Any]) -> Iterator[Row]:
    """Yield the limits as they are checked: at least becomes at most with signs turned."""
    for limit in problem["limits"]:
        word = next(word for word in ("at_most", "at_least", "equal") if word in limit)
        sign = -1 if word == "at_least" else 1
        parts = (
            {name: sign * exact(number) for name, number in limit.get(part, {}).items()}
            for part in ("amounts", "outcomes")
        )
        yield Row(limit["name"], *parts, sign * exact(limit[word]), word == "equal")


def goal(problem: Mapping[str, Any]) -> tuple[dict[str, Fraction], dict[str, Fraction]]:
    """Return the weights of amounts and of outcomes in what is maximised."""
    sign = -1 if problem["goal"]["sense"] == "minimise" else 1
    names = [channel["name"] for channel in problem["channels"]]
    found = []
    for part in ("amounts", "outcomes"):
        given = problem["goal"].get(part, 0)
        every = given if isinstance(given, Mapping) else dict.fromkeys(names, given)
        found.append({name: sign * exact(every.get(name, 0)) for name in names})
    return found[0], found[1]


def reached(problem: Mapping[str, Any], split: Mapping[str, Fraction]) -> Interval:
    """Return what a split reaches, in the problem's own sense: large for maximise."""
    if "test_and_roll" in problem["goal"]:
        return _rolled(problem["goal"]["test_and_roll"], *split.values())
    amounts, weights = goal(problem)
    money = sum((amounts[name] * split[name] for name in split), Fraction(0))
    each = {c["name"]: value(_curve(c), split[c["name"]]) for c in problem["channels"]}
    if "scenarios" not in problem:
        total = _same(money)
        for name, got in each.items():
            total = total.plus(got.times(weights[name]))
    else:
        total = _risky(problem, each, weights).plus(_same(money))
    return total.times(Fraction(-1)) if problem["goal"]["sense"] == "minimise" else total


def _risky(
    problem: Mapping[str, Any], each: Mapping[str, Interval], weights: Mapping[str, Fraction]
) -> Interval:
    """Return ``(1 - w) mean + w CVaR``: the mean of the worst share `tail` of the scenarios."""
    risk = problem["risk"]
    weight, tail = exact(risk["weight"]), exact(risk["tail"])
    ends = []
    for end in (0, 1):
        outcomes = []
        for scenario in problem["scenarios"]:
            parts = (
                got.times(weights[name] * exact(scenario["factor"].get(name, 1)))[end]
                for name, got in each.items()
            )
            outcomes.append((sum(parts, Fraction(0)), exact(scenario["chance"])))
        mean = sum((out * chance for out, chance in outcomes), Fraction(0))
        left, worst = tail, Fraction(0)
        for out, chance in sorted(outcomes):
            taken = min(left, chance)
            worst, left = worst + out * taken, left - taken
        ends.append((1 - weight) * mean + weight * worst / tail)
    return Interval(*ends)


def _rolled(asked: Mapping[str, Any], one: Fraction, other: Fraction) -> Interval:
    r"""Return the expected outcome of testing two treatments before the better gets the rest.

    With :math:`v^2 = \sum_j \sigma_j^4/(\sigma_j^2 + s_j^2/n_j)`, :math:`e = \mu_1 - \mu_2` it is
    :math:`\sum_j n_j\mu_j + (N - \sum_j n_j)\,[\mu_2 + e\,\Phi(e/v) + v\,\varphi(e/v)]` (Feit and
    Berman 2019, equation 8).
    """
    first, second = (exact(mean) for mean in asked["prior_mean"])
    spread = Fraction(0)
    for cell, noise, sd in zip((one, other), asked["variance"], asked["prior_sd"], strict=True):
        if cell > 0:
            spread += exact(sd) ** 4 / (exact(sd) ** 2 + exact(noise) / cell)
    left = exact(asked["population"]) - one - other
    tested = one * first + other * second
    with localcontext(Context(prec=DIGITS)):
        if spread == 0:
            return Interval.around(_decimal(tested + left * max(first, second)))
        v = _decimal(spread).sqrt()
        z = _decimal(first - second) / v
        density = (-z * z / 2).exp() / (2 * PI).sqrt()
        # The normal distribution by its series z + z^3/3 + z^5/(3 5) + ..., times the density.
        term, below, k = z, Decimal("0.5"), 1
        while abs(term) > Decimal(10) ** -DIGITS:
            below, k = below + density * term, k + 2
            term = term * z * z / k
        rolled = _decimal(second) + _decimal(first - second) * below + v * density
        return Interval.around(_decimal(tested) + _decimal(left) * rolled)


def _no_better_neighbour(problem: Mapping[str, Any], split: Mapping[str, Fraction]) -> bool:
    """Return whether no whole sizes beside an answer, nor on a coarse grid, reach more."""
    best, names = reached(problem, split), [*split]
    most = exact(problem["goal"]["test_and_roll"]["population"])
    beside = [[split[name] + step for step in (-1, 0, 1)] for name in names]
    coarse = [most * k * k / 2500 for k in range(1, 50)]
    tries = [(a, b) for grid in (beside, (coarse, coarse)) for a in grid[0] for b in grid[1]]
    return all(
        reached(problem, dict(zip(names, sizes, strict=True))).high <= best.high
        for sizes in tries
        if min(sizes) >= 0 and sum(sizes) <= most
    )


def _curve(channel: Mapping[str, Any]) -> Mapping[str, Any]:
    return channel.get("curve", {"kind": "linear", "slope": 0})


class Broken(NamedTuple):
    """A rule, and by how much a split breaks it, as a share of the rule's size."""

    rule: str
    share: float


def broken(problem: Mapping[str, Any], split: Mapping[str, Fraction]) -> list[Broken]:
    """Return every rule that a split breaks, however little."""
    found = []
    paid = {name: max(amount, Fraction(0)) for name, amount in split.items()}

    def note(rule: str, over: Fraction, size: Fraction) -> None:
        if over > 0:
            found.append(Broken(rule, float(over / max(abs(size), Fraction(1, 10**9)))))

    for channel in problem["channels"]:
        name, most = channel["name"], exact(channel["most"])
        amount = split[name]
        note(f"most of {name}", amount - most, most)
        note(f"least of {name}", exact(channel.get("least", 0)) - amount, most)
        minimum = exact(channel.get("off_or_at_least", 0))
        note(f"off or at least of {name}", min(amount, minimum - amount), most)
        if "step" in channel:
            steps = amount / exact(channel["step"])
            note(f"step of {name}", abs(steps - round(steps)), Fraction(1))
    curves = {channel["name"]: _curve(channel) for channel in problem["channels"]}
    for row in rows(problem):
        left = _same(sum((a * split[n] for n, a in row.amounts.items()), Fraction(0)))
        for name, factor in row.outcomes.items():
            left = left.plus(value(curves[name], paid[name]).times(factor))
        size = max(abs(row.room), *(abs(a * split[n]) for n, a in row.amounts.items()), Fraction(0))
        note(row.name, left.low - row.room, size)
        if row.equal:
            note(row.name, row.room - left.high, size)
    return found


# Proofs


class Box(NamedTuple):
    """Ranges of the channels within which a leaf speaks."""

    low: Mapping[str, Fraction]
    high: Mapping[str, Fraction]

    def cut(self, name: str, at: Fraction) -> tuple[Box, Box]:
        return Box(self.low, {**self.high, name: at}), Box({**self.low, name: at}, self.high)


def whole(problem: Mapping[str, Any]) -> Box:
    """Return the box of all channels' bounds."""
    channels = problem["channels"]
    low = {c["name"]: exact(c.get("least", 0)) for c in channels}
    return Box(low, {c["name"]: exact(c["most"]) for c in channels})


def proven(
    problem: Mapping[str, Any], tree: Mapping[str, Any], box: Box | None = None
) -> Fraction | None:
    """Return the bound that a proof proves on what is maximised; None where no split is possible.

    For a problem that minimises it is minus a least amount.
    """
    box = whole(problem) if box is None else box
    if "split" in tree:
        sides = box.cut(tree["split"], exact(tree["at"]))
        parts = zip((tree["below"], tree["above"]), sides, strict=True)
        found = [proven(problem, part, side) for part, side in parts]
        return max((bound for bound in found if bound is not None), default=None)
    if "impossible" in tree:
        bound = lagrangian(problem, tree["impossible"], box, nothing=True)
        if bound is not None and bound >= 0:
            raise ValueError(f"the proof that a box has no split bounds it by {float(bound):g}")
        return None
    return lagrangian(problem, tree["prices"], box, tree.get("weights"))


def lagrangian(
    problem: Mapping[str, Any],
    prices: Mapping[str, Any],
    box: Box,
    chances: list[Any] | None = None,
    *,
    nothing: bool = False,
) -> Fraction | None:
    """Return the bound of a leaf; with `nothing` maximised, one below 0 leaves no split."""
    amounts, weights = goal(problem)
    if nothing:
        amounts = dict.fromkeys(amounts, Fraction(0))
        weights = dict.fromkeys(weights, Fraction(0))
    elif "scenarios" in problem:
        weights = _weighed(problem, weights, chances)
    bound = Fraction(0)
    straight, curved = dict(amounts), dict(weights)
    for row in rows(problem):
        price = exact(prices.get(row.name, 0))
        if price < 0 and not row.equal:
            raise ValueError(f"the price of {row.name!r} is {float(price):g}, below 0")
        bound += price * row.room
        for name, number in row.amounts.items():
            straight[name] -= price * number
        for name, number in row.outcomes.items():
            curved[name] -= price * number
    for channel in problem["channels"]:
        name = channel["name"]
        best = _best(channel, curved[name], straight[name], box.low[name], box.high[name])
        if best is None:
            return None
        bound += best
    return bound


def _weighed(
    problem: Mapping[str, Any], weights: Mapping[str, Fraction], chances: list[Any] | None
) -> dict[str, Fraction]:
    r"""Return the weight of each outcome under the leaf's tail chances ``q``.

    The mean of the worst share is :math:`\min_q \sum_s q_s v_s` over :math:`0 \le q_s \le p_s/\tau`
    with sum 1 (Rockafellar and Uryasev 2000), so any such q gives an upper bound.
    """
    risk, scenarios = problem["risk"], problem["scenarios"]
    weight, tail = exact(risk["weight"]), exact(risk["tail"])
    q = [exact(chance) for chance in chances or []]
    most = [exact(scenario["chance"]) / tail for scenario in scenarios]
    fits = len(q) == len(most) and all(0 <= a <= b for a, b in zip(q, most, strict=True))
    if not fits or sum(q) != 1:
        raise ValueError("the weights of the scenarios are no tail")
    found = dict.fromkeys(weights, Fraction(0))
    for scenario, tilted in zip(scenarios, q, strict=True):
        chance = (1 - weight) * exact(scenario["chance"]) + weight * tilted
        for name in found:
            factor = exact(scenario["factor"].get(name, 1))
            found[name] += weights[name] * chance * factor
    return found


def _best(
    channel: Mapping[str, Any], factor: Fraction, line: Fraction, low: Fraction, high: Fraction
) -> Fraction | None:
    """Return a bound on ``factor f(x) + line x`` in a range; None where no amount is allowed."""
    curve = _curve(channel)

    def at(x: Fraction) -> Fraction:
        return value(curve, x).times(factor).high + line * x

    found = []
    minimum = exact(channel.get("off_or_at_least", 0))
    if minimum and low <= 0:
        found.append(at(Fraction(0)))
    low = max(low, minimum)
    if "step" in channel:
        found += [at(x) for x in _steps(exact(channel["step"]), low, high)]
    elif low <= high:
        found.append(_best_between(curve, factor, line, low, high))
    return max(found, default=None)


def _steps(step: Fraction, low: Fraction, high: Fraction) -> list[Fraction]:
    first, last = math.ceil(low / step), math.floor(high / step)
    if last - first > CORNERS:
        raise ValueError(f"more than {CORNERS} steps between {float(low):g} and {float(high):g}")
    return [k * step for k in range(first, last + 1)]


def _best_between(
    curve: Mapping[str, Any], factor: Fraction, line: Fraction, low: Fraction, high: Fraction
) -> Fraction:
    def at(x: Fraction) -> Fraction:
        return value(curve, x).times(factor).high + line * x

    corners = [low, high]
    if curve["kind"] == "points":
        corners += [x for x in map(exact, curve["at"]) if low < x < high]
    best = max(map(at, corners))
    if curve["kind"] in ("linear", "points") or factor == 0 or low == high:
        return best
    inflection = bend(curve)
    if factor < 0 and inflection.high > 0:
        raise ValueError("an S-curve counts against the goal: cut its range")
    if factor < 0:
        return best
    # Convex up to the inflection: corners. Across the sliver that 40 digits leave it only rises.
    left, right = max(low, inflection.low), min(high, inflection.high)
    if low < inflection.low < high:
        best = max(best, at(inflection.low))
    if left < right:
        best = max(best, value(curve, right).times(factor).high + max(line * left, line * right))
    low = max(low, inflection.high)
    return best if low >= high else max(best, _tangent(curve, factor, line, low, high))


def _tangent(
    curve: Mapping[str, Any], factor: Fraction, line: Fraction, low: Fraction, high: Fraction
) -> Fraction:
    """Return a bound on a concave piece: the highest end of its tangent at the best amount."""
    left, right = float(low), float(high)
    for _ in range(100):
        middle = (left + right) / 2
        if middle <= 0 or float(factor) * _nearly(curve, middle) + float(line) > 0:
            left = middle
        else:
            right = middle
    x = min(max(Fraction((left + right) / 2), low), high)
    if x == 0:
        # An infinite slope at zero is overtaken at once; a finite one is bounded a little above.
        x = min(high, Fraction(1, 10**30))
    height = value(curve, x).times(factor).high + line * x
    steep = slope(curve, x).times(factor)
    rise = [(end + line) * (to - x) for end in steep for to in (low, high)]
    return height + max(0, *rise)


def _nearly(curve: Mapping[str, Any], spend: float) -> float:
    """Return the slope in floating point, which only chooses where the tangent lies."""
    top, kind = float(curve["top"]), curve["kind"]
    scale = float(curve["half" if kind == "hill" else "scale"])
    z = spend / scale
    if kind == "exponential":
        return top / scale * math.exp(-z)
    if kind == "log":
        return top / (scale + spend)
    if kind == "power":
        exponent = float(curve["exponent"])
        return top * exponent * z ** (exponent - 1) / scale
    shape = float(curve["shape"])
    power = z**shape
    return top * shape * power / (1 + power) ** 2 / spend


# Verdicts


@dataclass(frozen=True)
class Verdict:
    """What is true of one answer.

    Parameters
    ----------
    reached
        What it reaches, in the problem's sense.
    short
        By what share it falls short of the best known; below 0 it is better than proven possible,
        which only broken rules buy.
    broken
        The rules it breaks.
    """

    reached: float
    short: float
    broken: tuple[Broken, ...]


def judge(problem: Mapping[str, Any], split: Mapping[str, Any]) -> Verdict:
    """Return what is true of a split, exact until the last line."""
    given = {c["name"]: exact(split[c["name"]]) for c in problem["channels"]}
    got = reached(problem, {name: max(amount, Fraction(0)) for name, amount in given.items()})
    best = exact(problem["answer"]["value"])
    short = (best - got.low) / (abs(best) or 1)
    if problem["goal"]["sense"] == "minimise":
        short = -short
    return Verdict(float(got.low), float(short), tuple(broken(problem, given)))


def verified(problem: Mapping[str, Any]) -> str:
    """Return what is wrong with a problem's own answer, empty where its proof holds.

    The split must keep every rule and reach the value; the proof must leave nothing above the value
    but the declared `within`, a share, 0 for an exact answer.
    """
    answer = problem["answer"]
    if "neighbours" in problem["proof"]:
        split = {name: exact(amount) for name, amount in answer["split"].items()}
        if not _no_better_neighbour(problem, split):
            return "sizes beside the answer reach more"
        best, got = exact(answer["value"]), reached(problem, split)
        off = abs(best - got.low) > exact(answer["within"]) * best
        return f"the answer reaches {float(got.low):.12g}" if off else ""
    bound = proven(problem, problem["proof"])
    if answer["value"] is None:
        return "" if bound is None else f"a bound of {float(bound):g} where no split is possible"
    if bound is None or answer["split"] is None:
        return "the proof says that no split is possible, or there is none"
    split = {name: exact(amount) for name, amount in answer["split"].items()}
    worst = broken(problem, split)
    if worst:
        return f"the answer breaks {worst[0].rule}"
    best, within = exact(answer["value"]), exact(answer.get("within", 0))
    got = reached(problem, split)
    room = abs(best) * within
    if got.low < best - room or got.high > best + room:
        return f"the answer reaches {float(got.low):.12g}, not {float(best):.12g}"
    least = -bound if problem["goal"]["sense"] == "minimise" else bound
    if abs(least - best) > room:
        return f"the proof bounds it by {float(least):.12g}, not {float(best):.12g}"
    return ""
