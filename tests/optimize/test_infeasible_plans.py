"""What an `InfeasibleError` names, held against all splits of small random plans.

Everything here is read from the plan as declared: what is named is left out of the plan, or kept
alone, and remedies are applied to it, by their data only.
"""

import itertools
import json
import pickle
import time
from dataclasses import replace
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest

import budgetopt as bo
from budgetopt.curves import Hill, Log
from budgetopt.optimize import problem_of
from budgetopt.optimize.infeasibility import explain_infeasible
from budgetopt.optimize.infeasibility.declarations import Declarations
from budgetopt.optimize.infeasibility.feasibility import Effort, _search, find_split
from budgetopt.optimize.problem import clock
from budgetopt.plan import Channel, MaxChange, Plan, Reserve
from budgetopt.plan.limits import Limit, Row

MOST = 48
NAMES = ("a", "b", "c")


def random_plan(seed):
    """Return a plan in yen that is rarely feasible, and last week's spends or None."""
    rng = np.random.default_rng(seed)
    step = int(rng.choice([1, 1, 2, 3]))
    channels = [random_channel(rng, name, step) for name in NAMES]
    limits = [random_limit(rng, n) for n in range(rng.integers(0, 4))]
    last = {name: int(rng.integers(0, 12)) for name in NAMES} if rng.random() < 0.5 else None
    plan = Plan(
        budget=int(rng.integers(3, 13)), currency="JPY", channels=channels, step=step,
        spend="all" if rng.random() < 0.5 else "at-most", max_change="none", limits=limits,
    )  # fmt: skip
    return plan, last


def random_channel(rng, name, step):
    given = {"curve": Log(5, 7), "labels": {"k": "x" if name != "c" else "y"}}
    low, high = sorted(rng.integers(0, 10, 2).tolist())
    kind = rng.choice(["free", "floor", "cap", "both", "lock", "on", "lot", "on lot"])
    if kind in ("floor", "both"):
        given["floor"] = low
    if kind in ("cap", "both"):
        given["cap"] = high
    if kind == "lock":
        given["locked"] = high
    if kind in ("on", "on lot"):
        given["off_or_at_least"] = high
    if kind in ("lot", "on lot"):
        given["lot"] = step * int(rng.integers(2, 4))
    if rng.random() < 0.4:
        given["max_change"] = MaxChange(money=int(rng.integers(0, 5)))
    return Channel(name, **given)


def random_limit(rng, n):
    group, amount = {"k": str(rng.choice(["x", "y"]))}, int(rng.integers(0, 12))
    share = f"{rng.integers(4, 7)}0%"
    factors = dict(zip(NAMES, rng.choice([-1.5, -1, 0.5, 1, 2], 3).tolist(), strict=True))
    kinds = [
        lambda name: Limit.group(name, group, at_most=amount),
        lambda name: Limit.group(name, group, at_least=amount),
        lambda name: Limit.group(name, group, at_most=share),
        lambda name: Limit.group(name, group, at_least=share),
        lambda name: Limit.linear(name, factors, int(rng.integers(-6, 8))),
        lambda name: Limit.turnover(amount, name=name),
        lambda name: Limit.few_moves(int(rng.integers(0, 3)), name=name),
        lambda name: Limit.apart(("a", "b"), name=name),
        lambda name: Limit.at_least_on(int(rng.integers(1, 4)), name=name),
    ]
    return kinds[rng.integers(len(kinds))](f"limit {n}")


def stays_of(plan):
    """Return the channels that may stay at their last spend, off the step, in any case."""
    counts = any(type(one).__name__ in ("FewMoves", "Apart", "AtLeastOn") for one in plan.limits)
    return {c.name for c in plan.channels if counts or (c.lot is not None and c.lot > plan.step)}


def feasible(plan, last, stays, *, free_budget=False):
    """Return whether any split keeps a plan, by trying them all."""
    return len(splits_of(plan, last, stays, free_budget=free_budget)) > 0


def splits_of(plan, last, stays, *, free_budget=False):
    """Return every split that keeps a plan, shape ``(splits, channels)``."""
    budget = MOST * 3 if free_budget else int(plan.budget)
    step = 1 if plan.step is None else int(plan.step)
    menus = []
    for channel in plan.channels:
        if channel.locked is not None:
            menus.append([int(channel.locked)])
            continue
        lot = step if channel.lot is None else int(channel.lot)
        before = None if last is None else last[channel.name]
        low, high = int(channel.floor), MOST if channel.cap is None else int(channel.cap)
        room = None if before is None else (channel.max_change or MaxChange()).money
        if room is not None:
            low, high = max(low, before - int(room)), min(high, before + int(room))
        least = int(channel.off_or_at_least or 0)
        whole = [x for x in range(low, high + 1) if x % lot == 0 or low == high]
        if before is not None and low <= before <= high and (channel.name in stays or not whole):
            whole = sorted({*whole, before})
        menus.append([x for x in whole if x == 0 or x >= least])
    table = np.array(list(itertools.product(*menus)), dtype=np.int64).reshape(-1, len(NAMES))
    total = table.sum(axis=1)
    kept = total <= budget
    if plan.spend == "all":
        kept &= total >= int(plan.budget)
    before = np.zeros(3, dtype=np.int64) if last is None else np.array([last[n] for n in NAMES])
    table = table[kept]
    for limit in plan.limits:
        table = table[keeps(plan, limit, table, before, last is not None)]
    return table


def keeps(plan, limit, table, before, has_last):
    """Return which splits keep a limit, from its own fields."""
    kind = type(limit).__name__
    if kind == "GroupLimit":
        inside = np.array([dict(c.labels)["k"] == limit.where["k"] for c in plan.channels])
        part, whole, kept = table[:, inside].sum(axis=1), table.sum(axis=1), True
        for bound, sign in ((limit.at_most, 1), (limit.at_least, -1)):
            if bound is None:
                continue
            if str(bound).endswith("%"):
                share = Decimal(str(bound)[:-1]) * 100
                kept = kept & (sign * (part * 10_000 - whole * int(share)) <= 0)
            else:
                kept = kept & (sign * part <= sign * int(bound))
        return kept
    if kind == "LinearLimit":
        double = np.array([int(2 * limit.coefficients[name]) for name in NAMES])
        return table @ double <= float(2 * Decimal(str(limit.at_most))) + 1e-9
    if kind == "Turnover":
        return (np.abs(table - before).sum(axis=1) <= int(limit.at_most)) | (not has_last)
    if kind == "FewMoves":
        return ((table != before).sum(axis=1) <= limit.at_most) | (not has_last)
    if kind == "Apart":
        return (table[:, :2] > 0).sum(axis=1) <= 1
    if kind in ("OutcomeFloor", "RoasFloor"):
        value = sum(c.curve.value(table[:, at] * 1.0) for at, c in enumerate(plan.channels))
        return value - float(limit.at_least) * (1 if kind[0] == "O" else table.sum(axis=1)) >= -1e-9
    return (table > 0).sum(axis=1) >= limit.at_least


KINDS = {"floor": 0, "cap": None, "lock": None, "lot": None, "max-change": None,
         "off-or-at-least": None}  # fmt: skip
OWN = (("spend-all", "spend all"), ("step", "step"))
SINGLE = (*KINDS, "budget", "spend-all", "step")
PARTS = {"lock": "locked", "max-change": "max_change", "off-or-at-least": "off_or_at_least"}


def with_channel(plan, name, part, value):
    channels = []
    for channel in plan.channels:
        fields = {f: getattr(channel, f) for f in channel.__dataclass_fields__ if f != "name"}
        if channel.name == name:
            fields[part] = value
        channels.append(Channel(name if channel.name == name else channel.name, **fields))
    return replace(plan, channels=channels)


def without(plan, limit):
    """Return a plan without one of the limits that an error names, and whether money is free."""
    kind, name = limit["kind"], limit["name"]
    if kind == "budget":
        return plan, True
    if kind == "spend-all":
        return replace(plan, spend="at-most"), False
    if kind == "step":
        return replace(plan, step=1), False
    if kind in KINDS:
        return with_channel(plan, name, PARTS.get(kind, kind), KINDS[kind]), False
    return replace(plan, limits=[one for one in plan.limits if one.name != name]), False


def changed(plan, change, less=0):
    """Return a plan with a change made, or a little less than it."""
    kind, name = change["kind"], change["name"]
    to, by = Decimal(change["to"]), Decimal(change["by"])
    if kind == "budget":
        return replace(plan, budget=to - less)
    if kind == "spend-all":
        return None if less else replace(plan, budget=plan.budget - by)
    if kind == "step":
        return None if less else replace(plan, step=to)
    if kind == "max-change":
        channel = next(c for c in plan.channels if c.name == name)
        return with_channel(
            plan, name, "max_change", MaxChange(money=channel.max_change.money + by - less)
        )
    if kind == "lot":
        return None if less else with_channel(plan, name, "lot", to)
    if kind == "lock" and less:
        return None
    if kind in KINDS:
        back = less if kind in ("floor", "off-or-at-least") else -less
        return with_channel(plan, name, PARTS.get(kind, kind), to + back)
    limits = []
    for limit in plan.limits:
        if limit.name == name:
            where = {"at-least-on": "at_least", "linear": "at_most", "turnover": "at_most"}
            field = where.get(kind, "at_most")
            if kind == "apart":
                return None
            if kind == "group":
                field = "at_most" if limit.at_most is not None else "at_least"
            small = Decimal("0.01") if change["unit"] == "%" else less
            small = small if less else 0
            value = to + small if field == "at_least" else to - small
            if value < 0 and kind != "linear":
                return None
            if change["unit"] == "%":
                value = f"{value}%"
            elif kind in ("few-moves", "at-least-on"):
                value = int(value)
            limit = replace(limit, **{field: value})
        limits.append(limit)
    return replace(plan, limits=limits)


def smaller(plan, change, step):
    """Return a plan with a change made by a step less; None where it contradicts itself."""
    try:
        return changed(plan, change, step)
    except bo.PlanError:
        return None


def faults(seed):
    """Return what is wrong with the error of a random plan, and its seconds or None."""
    plan, last = random_plan(seed)
    stays = stays_of(plan)
    started, error = time.perf_counter(), None
    try:
        bo.allocate(plan, last=last)
    except bo.InfeasibleError as caught:
        error = caught
    except bo.SolverError as caught:
        # An engine that finds nothing has not said that there is nothing.
        return [] if feasible(plan, last, stays) else [f"not explained: {caught}"], None
    seconds = time.perf_counter() - started
    if any(c.floor == plan.budget for c in plan.channels):
        # A floor that is the whole budget is met as it is, off the step.
        return [], None
    if error is None:
        return ([] if feasible(plan, last, stays) else ["not refused"]), None
    found = ["refused"] if feasible(plan, last, stays) else []
    found += [] if error.irreducible else ["open"]
    alone, free = plan, not any(limit["kind"] == "budget" for limit in error.limits)
    named = {(limit["kind"], limit["name"]) for limit in error.limits if limit["kind"] in SINGLE}
    named |= {("limit", limit["name"]) for limit in error.limits if limit["kind"] not in SINGLE}
    for limit in declared(plan):
        if (limit["kind"], limit["name"]) not in named:
            alone, _ = without(alone, limit)
    found += ["not a clash"] if feasible(alone, last, stays, free_budget=free) else []
    for limit in error.limits:
        rest, more = without(alone, limit)
        if not feasible(rest, last, stays, free_budget=free or more):
            found.append(f"too many: {limit['text']}")
    if not error.remedies:
        found.append("no remedy")
    for way in error.remedies:
        better = plan
        if any(int(float(c["to"])) > MOST and c["unit"] == "JPY" for c in way):
            continue
        for change in way:
            better = better if better is None else changed(better, change)
        if better is not None and not feasible(better, last, stays):
            found.append(f"not enough: {way}")
        step = 1 if way[0]["kind"] in ("few-moves", "at-least-on") else int(plan.step)
        if len(way) == 1 and way[0]["kind"] == "budget":
            between = range(int(plan.budget) + 1, int(way[0]["to"]))
            less = [replace(plan, budget=budget) for budget in between]
        else:
            less = [smaller(plan, way[0], step)] if len(way) == 1 and way[0]["unit"] else []
        if any(one is not None and feasible(one, last, stays) for one in less):
            found.append(f"not the least: {way}")
    return found, seconds


def declared(plan):
    """Return every declaration of a plan by kind and name."""
    yield from ({"kind": kind, "name": n} for kind in KINDS for n in NAMES)
    yield from ({"kind": kind, "name": name} for kind, name in OWN)
    yield from ({"kind": "limit", "name": limit.name} for limit in plan.limits)


@pytest.mark.parametrize("seed", [*range(40), 1195, 1595])
def test_what_is_named_clashes_and_each_of_it_is_needed_and_each_remedy_is_the_least(seed):
    assert faults(seed)[0] == []


@pytest.mark.slow
def test_many_clashes():
    results = {seed: faults(seed) for seed in (*range(40, 140), *range(1000, 1150))}
    assert {seed: found for seed, (found, _) in results.items() if found} == {}


class OwnCpa:
    """A CPA limit of a class of one's own, said in other words."""

    name = "cost"

    def rows(self, plan, last):
        ones = np.ones(len(plan.channels), dtype=np.int64)
        outcome = 0.01 * ones
        return (Row(self.name, ones, Fraction(0), outcome=outcome, sentence="a lead is 0.01",
                    kind="cpa", bound=Fraction(1, 100)),)  # fmt: skip


def refused(**fields):
    channels = [Channel("a", floor=30, curve=Log(10, 30)), Channel("b", curve=Log(20, 50))]
    plan = Plan(budget=100, currency="JPY", channels=channels, **fields)
    with pytest.raises(bo.InfeasibleError) as caught:
        bo.allocate(plan)
    return caught.value


def test_a_cpa_of_ones_own_is_loosened_upwards_whatever_its_sentence_says():
    ((change,), *_) = refused(limits=[OwnCpa()]).remedies
    library = refused(limits=[Limit.cpa("0.01")]).remedies[0][0]
    best = min((30 + x) / (10 * np.log1p(1) + 20 * np.log1p(x / 50)) for x in range(71))
    assert float(change["to"]) == pytest.approx(best, rel=1e-3)
    assert change["to"] == library["to"]
    assert Fraction(change["by"]) == Fraction(change["to"]) - Fraction(1, 100)
    assert change["text"] == f"raise 'cost' to {change['to']}"
    lower = refused(limits=[Limit.roas(50)], outcome="revenue").remedies[0][0]
    assert Fraction(lower["by"]) == 50 - Fraction(lower["to"])
    assert lower["text"] == f"lower 'ROAS' to {lower['to']}"


def test_a_unit_of_ones_own_is_no_money_whatever_it_is_called():
    unit = "kg CO2, 40% of the quota"
    error = refused(limits=[Limit.linear("co2", {"a": 1}, 20, unit=unit)])
    change = next(way[0] for way in error.remedies if way[0]["kind"] == "linear")
    assert (change["by"], change["to"], change["unit"]) == ("10", "30", unit)
    assert change["text"] == f"loosen 'co2' by 10 {unit}"
    assert "JPY" not in change["text"]


def test_the_data_of_a_clash_go_to_json_and_between_processes_whole():
    channels = [Channel(f"c{n}", floor=3, curve=Log(1, 1)) for n in range(30)]
    plan = Plan(budget=50, currency="JPY", channels=channels)
    with pytest.raises(bo.InfeasibleError) as caught:
        bo.allocate(plan)
    error = caught.value
    assert len(error.limits) == 18
    assert "and 9 more" in error.problem
    plain = json.loads(json.dumps(error.to_dict()))
    assert plain["limits"] == error.limits
    again = pickle.loads(pickle.dumps(error))
    assert (again.limits, again.remedies, again.to_dict()) == (
        error.limits, error.remedies, error.to_dict()
    )  # fmt: skip


def test_where_the_time_is_over_what_is_named_still_clashes_and_says_that_it_may_be_too_much():
    problem = problem_of(Plan(budget=10, currency="JPY", channels=[
        Channel(name, curve=Log(1, 1)) for name in NAMES], spend="all", limits=[
        Limit.linear("ab", {"a": 1, "b": -1}, 0), Limit.linear("bc", {"b": 1, "c": -1}, 0),
        Limit.linear("ca", {"c": 1, "a": -1}, 0)]))  # fmt: skip
    error = explain_infeasible(problem, clock(0.0), known=True)
    assert not error.irreducible
    assert {"ab", "bc", "ca"} <= {limit["name"] for limit in error.limits}
    assert "fewer of them may clash already" in error.problem
    assert explain_infeasible(problem, clock(0.0)) is None


@pytest.mark.parametrize("kind", ["bounds", "lots", "steps"])
def test_a_time_limit_binds_what_is_explained_while_a_problem_is_built(kind, monkeypatch):
    fields = {"bounds": {"cap": 3}, "lots": {"lot": 4}, "steps": {"cap": 20}}[kind]
    channels = [Channel(name, curve=Log(1, 1), **fields) for name in NAMES]
    limits = [Limit.linear("ab", {"a": 2, "b": 2}, 9), Limit.linear("c", {"c": 2}, 1)]
    plan = Plan(budget=30, currency="JPY", channels=channels, spend="all",
                limits=limits if kind == "steps" else ())  # fmt: skip
    asked, real = [], Effort.over.fget
    monkeypatch.setattr(Effort, "over", property(lambda one: asked.append(one.left()) or real(one)))
    for limit in (1e6, None):
        asked.clear()
        with pytest.raises(bo.InfeasibleError):
            bo.allocate(plan, time_limit=limit)
        assert asked
        assert all(0 < each <= 1e6 for each in asked) if limit else set(asked) == {None}


@pytest.mark.parametrize("reserve", [Reserve("10%"), Reserve("5%", 2, "12.5%"), Reserve(7),
                                     Reserve("33.3%", "33.3%")])  # fmt: skip
@pytest.mark.parametrize("spend", ["all", "at-most"])
def test_a_budget_to_declare_includes_its_reserve(reserve, spend):
    channels = [Channel(name, floor=13, curve=Log(1, 1), lot=13) for name in NAMES]
    plan = Plan(budget=41, currency="JPY", channels=channels, reserve=reserve, spend=spend)
    with pytest.raises(bo.InfeasibleError) as caught:
        bo.allocate(plan)
    error = caught.value
    ((change,),) = [way for way in error.remedies if way[0]["kind"] == "budget"]
    budget = next(limit for limit in error.limits if limit["kind"] == "budget")
    assert Decimal(budget["amount"]) == 41 == Decimal(change["to"]) - Decimal(change["by"])
    assert f"to {Decimal(change['to']):,}" in change["text"]
    assert bo.allocate(replace(plan, budget=change["to"])).total == 39
    with pytest.raises(bo.InfeasibleError):
        bo.allocate(replace(plan, budget=Decimal(change["to"]) - 1))


def test_where_all_is_reserved_no_budget_is_large_enough():
    channels = [Channel("a", floor=1, curve=Log(1, 1))]
    plan = Plan(budget=41, currency="JPY", channels=channels, reserve=Reserve("100%"))
    with pytest.raises(bo.InfeasibleError) as caught:
        bo.allocate(plan)
    assert [way[0]["kind"] for way in caught.value.remedies] == ["floor"]
    assert "the budget of 41 less its reserve of 41" in caught.value.problem


def test_a_target_that_may_clash_with_fewer_limits_says_so():
    channels = [Channel(name, cap=9, curve=Hill(9, 9, 3)) for name in NAMES]
    limits = [Limit.outcome(20), Limit.linear("ab", {"a": 1, "b": -1}, 0)]
    plan = Plan(budget=20, currency="JPY", channels=channels, limits=limits)
    error = explain_infeasible(problem_of(plan), clock(0.0), known=True)
    assert not error.irreducible
    assert error.problem.endswith("; fewer of them may clash already")


def mixed_plan(rng):
    """Return a plan whose channels have many rules at once, last spends off its lots, and these."""
    step = int(rng.choice([1, 2, 3, 5]))
    limits = [random_limit(rng, n) for n in range(rng.integers(0, 4))]
    targets = [
        Limit.outcome(f"{rng.uniform(0.5, 9):.2f}"),
        Limit.roas(f"{rng.uniform(0.2, 1):.2f}"),
    ]
    limits += [Limit.few_moves(int(rng.integers(0, 3)), name="few")] * (rng.random() < 0.4)
    limits += [targets[rng.integers(2)]] * (rng.random() < 0.4)
    last = {name: int(rng.integers(0, 14)) for name in NAMES} if rng.random() < 0.8 else None
    plan = Plan(
        budget=int(rng.integers(3, 30)), currency="JPY", limits=limits, step=step,
        channels=[mixed_channel(rng, name, step) for name in NAMES], max_change="none",
        spend="all" if rng.random() < 0.5 else "at-most",
    )  # fmt: skip
    return plan, last


def mixed_channel(rng, name, step):
    low, high = sorted(rng.integers(0, 14, 2).tolist())
    given = {"floor": low, "cap": high, "off_or_at_least": int(rng.integers(0, high + 1)),
             "lot": step * int(rng.integers(1, 5)),
             "max_change": MaxChange(money=int(rng.integers(0, 6)))}  # fmt: skip
    given = {key: value for key, value in given.items() if rng.random() < 0.45}
    given = {"locked": int(rng.integers(0, 9))} if rng.random() < 0.15 else given
    curve = Log(5, 7) if rng.random() < 0.5 else Hill(5, 6, 3)
    return Channel(name, curve=curve, labels={"k": "x" if name != "c" else "y"}, **given)


def false_answers(seed):
    """Return what a search says of a mixed plan, whole and near a centre, that all splits deny."""
    rng = np.random.default_rng(seed)
    try:
        plan, last = mixed_plan(rng)
        problem = problem_of(plan, last=last, left=clock(0.0))
    except bo.PlanError:
        return []
    except bo.InfeasibleError:
        return ["refused"] * feasible(plan, last, stays_of(plan))
    every, declared = splits_of(plan, last, stays_of(plan)), Declarations(problem)
    system = declared.system(declared.all)
    answer, wrong = find_split(system), []
    if answer.none and len(every):
        wrong.append(f"none, though there is {every[0]}")
    if answer.spend is not None and not np.any(np.all(every == answer.spend, axis=1)):
        wrong.append(f"no split: {answer.spend}")
    lower, upper = system.ends
    for window in (1, 3):
        centre = (
            rng.integers(0, 15, len(NAMES)) // (loose := system.grid ** rng.integers(2)) * loose
        )
        far = np.abs(every - np.clip(centre, lower, upper))
        near = every[np.all(far <= window * system.grid, axis=1)]
        if _search(system, centre, window, [], Effort())[1] and len(near):
            wrong.append(f"none within {window} of {centre}, though there is {near[0]}")
    return wrong


@pytest.mark.parametrize("start", range(0, 200, 25))
def test_no_search_says_that_there_is_none_where_there_is_a_split(start):
    assert {
        seed: found for seed in range(start, start + 25) if (found := false_answers(seed))
    } == {}


@pytest.mark.slow
def test_no_search_says_none_in_three_thousand_plans():
    assert {seed: found for seed in range(200, 3200) if (found := false_answers(seed))} == {}


def test_steps_of_channels_that_are_unlike_by_twelve_digits_hide_no_split():
    """Entries of a program that it would drop as too small are what the plan is about."""
    step, most = 5_600_889_923_844, 36
    channels = [Channel("lock", locked=100 * step + 1, curve=Log(1, 1)),
                *(Channel(f"c{n}", curve=Log(1, 1)) for n in range(3))]  # fmt: skip
    limits = [Limit.turnover(most * step), Limit.linear("l", {"c0": 1}, most * step // 3)]
    plan = Plan(budget=(100 + most) * step + 1, currency="JPY", step=step, spend="all",
                channels=channels, max_change=MaxChange(), limits=limits)  # fmt: skip
    last = {"lock": 100 * step + 1, "c0": 0, "c1": 0, "c2": 0}
    declarations = Declarations(problem_of(plan, last=last))
    assert find_split(declarations.system(declarations.all)).spend is not None
    assert bo.allocate(plan, last=last).unspent == 0


@pytest.mark.slow
def test_a_clash_of_a_thousand_channels_ends_and_has_a_change():
    channels = [Channel(f"c{n}", floor=2, cap=10, curve=Log(1, 1)) for n in range(1000)]
    plan = Plan(budget=11_000, currency="JPY", channels=channels, spend="all")
    with pytest.raises(bo.InfeasibleError) as caught:
        bo.allocate(plan)
    ((change,), *_) = caught.value.remedies
    assert (change["kind"], change["by"]) == ("spend-all", "1000")
    assert caught.value.code == "cannot-spend-all"
