"""The path to a far optimum: by hand, against its theory, and where theory ends."""

import datetime as dt
import json
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from budgetopt.curves import Exponential, Hill, Log
from budgetopt.curves.base import stack
from budgetopt.errors import InputError
from budgetopt.i18n.messages import show_figure
from budgetopt.optimize.allocate import allocate
from budgetopt.plan import Channel, MaxChange, Plan
from budgetopt.weekly.guardrails import with_change
from budgetopt.workflow.ramp import ramp

TWO = (Channel("a", curve=Log(3, 10)), Channel("b", curve=Log(1, 10)))


def plan_of(*channels, budget=100, **more):
    return Plan(budget=budget, currency="CNY", channels=channels, **more)


def spends(path):
    return [[float(money) for money in step.spend.values()] for step in path.steps]


def test_the_way_by_hand():
    # The optimum is 80 and 20; what moves is 30 % of the smaller one's last minor units, rounded
    # down: a can grow by no more at first, b give up no more in the end.
    found = ramp(plan_of(*TWO), None, {"a": 20, "b": 80})
    a = [2000]
    while len(a) < 7:
        a.append(a[-1] + min(a[-1], 10_000 - a[-1]) * 3 // 10)
    assert spends(found.path) == [[at / 100, (10_000 - at) / 100] for at in a[1:]]
    # At 78.98 and 21.02, the sixth step, 0.01 % of the best is missing.
    assert found.path.reached == 6
    assert dict(found.far.spend) == {"a": Decimal(80), "b": Decimal(20)}


def test_totals_are_recomputed_from_the_curves():
    found = ramp(plan_of(*TWO), None, {"a": 20, "b": 80}, weeks=10)
    best = 3 * np.log(9) + np.log(3)

    def outcome(a, b):
        return 3 * np.log(1 + a / 10) + np.log(1 + b / 10)

    for path in (found.path, found.grow_first, found.faster):
        worth = [outcome(*split) for split in spends(path)]
        worth += [worth[-1]] * (10 - len(worth))
        assert path.total == pytest.approx(sum(worth), rel=1e-12)
        assert path.lost == pytest.approx(10 * best - sum(worth), rel=1e-9)
    assert found.worth_of_none == found.path.lost
    assert found.worth_of_faster == found.faster.total - found.path.total > 0
    assert found.faster.reached == 3  # 20 → 32 → 51.20 → 80, as b may fall from 48.80 to 19.52


def test_sentences_say_the_fields():
    found = ramp(plan_of(*TWO), None, {"a": 20, "b": 80})
    arrival, cost, twice = found.sentences()
    assert arrival.values == {"far": show_figure(found.far.outcome), "week": 6}
    assert cost.values == {"weeks": 6, "lost": show_figure(found.path.lost, 4)}
    assert twice.values == {"worth": show_figure(found.worth_of_faster, 4, sign=True)}


def test_at_the_optimum_there_is_no_way():
    found = ramp(plan_of(*TWO), None, {"a": 80, "b": 20})
    assert (found.path.steps, found.path.reached, found.path.lost) == ((), 0, 0.0)
    assert "already" in found.sentences()[0]


def test_weeks_are_counted_to_the_end():
    found = ramp(plan_of(*TWO), None, {"a": 20, "b": 80}, weeks=2)
    assert (len(found.path.steps), found.path.reached, found.path.stopped) == (2, None, False)
    assert "after 2 weeks" in found.sentences()[0]


@pytest.mark.parametrize("weeks", [0, 1001, 2.5, True, "4"])
def test_weeks_out_of_range(weeks):
    with pytest.raises(InputError, match="weeks"):
        ramp(plan_of(*TWO), None, {"a": 20, "b": 80}, weeks)


def test_from_zero_a_channel_starts_only_where_the_limit_lets_it():
    found = ramp(plan_of(*TWO), None, {"a": 0, "b": 100})
    assert spends(found.path)[0] == [15, 85]  # 30 % of the equal share of 50
    assert found.path.reached is not None
    tiny = ramp(plan_of(*TWO, max_change=MaxChange(0.3, from_zero=1)), None, {"a": 0, "b": 100})
    assert spends(tiny.path)[0] == [1, 99]
    stuck = ramp(plan_of(*TWO, max_change=MaxChange(0.3, from_zero=0)), None, {"a": 0, "b": 100})
    assert stuck.path.stopped
    assert stuck.path.steps == ()
    assert "no further step" in stuck.sentences()[0]


def test_a_coarse_step_stops_the_way_and_that_is_said():
    # From 30 a change of 30 % is 9, less than one step of 10.
    found = ramp(plan_of(*TWO, step=10), None, {"a": 30, "b": 30})
    assert found.path.stopped
    assert found.path.reached is None
    assert dict(found.far.spend) == {"a": Decimal(80), "b": Decimal(20)}


def test_the_best_week_may_pass_over_what_is_to_be_large():
    # All that "old" frees goes to "steep" at first, whose next unit brings more today; "large" is
    # even shrunk, and as it grows by a share of itself it misses these weeks for good.
    channels = (
        Channel("old", curve=Log(1000, 20000), max_change=0.01),
        Channel("steep", curve=Exponential(8000, 20000), max_change="none"),
        Channel("large", curve=Exponential(60000, 300000)),
    )
    last = {"old": 98900, "steep": 1000, "large": 100}
    found = ramp(plan_of(*channels, budget=100_000), None, last, weeks=30)
    assert found.far.spend["large"] > found.far.spend["steep"]
    assert found.path.steps[0].spend["large"] < 100 < found.grow_first.steps[0].spend["large"]
    assert found.worth_of_growing > 0
    assert "growing channels first" in found.sentences()[-1]


def test_an_s_curve_ends_the_best_week_but_not_growing_first():
    channels = (Channel("a", curve=Log(300, 3000)), Channel("s", curve=Hill(3000, 5000, 3)))
    found = ramp(plan_of(*channels, budget=10_000), None, {"a": 9500, "s": 500})
    assert found.path.stopped
    assert "the outcome stops at" in found.sentences()[0]
    assert found.grow_first.reached is not None
    assert found.far.spend["s"] > 9000


def test_other_limits_are_kept_all_the_way():
    channels = (Channel("a", curve=Log(3, 10), cap=60), Channel("b", curve=Log(1, 10), floor=15))
    found = ramp(plan_of(*channels), None, {"a": 20, "b": 80})
    assert found.far.spend["a"] == 60
    for path in (found.path, found.grow_first, found.faster):
        assert path.reached is not None
        assert all(a <= 60 and b >= 15 and a + b <= 100 for a, b in spends(path))


def test_with_change_changes_every_rule():
    plan = plan_of(Channel("a", curve=Log(3, 10), max_change=0.1), *TWO[1:], max_change=0.2)
    free = with_change(plan, lambda rule: MaxChange())
    assert (free.max_change, free.channels[0].max_change) == (MaxChange(), MaxChange())
    assert free.channels[1].max_change is None
    assert allocate(free, last={"a": 1, "b": 99}).spend == allocate(free).spend


def test_it_is_plain_data():
    found = ramp(plan_of(*TWO), None, {"a": 20, "b": 80})
    data = json.loads(json.dumps(found.to_dict(), allow_nan=False))
    assert data["path"]["steps"][0]["spend"] == {"a": "26.00", "b": "74.00"}
    assert data["path"]["steps"][0]["limits"] == {"a": "max change"}
    assert data["worth_of_none"] == data["path"]["lost"]


@settings(max_examples=10)
@given(
    tops=st.lists(st.floats(1, 10), min_size=3, max_size=3),
    scales=st.lists(st.floats(100, 2000), min_size=3, max_size=3),
    last=st.lists(st.integers(50, 800), min_size=3, max_size=3),
    share=st.sampled_from([0.2, 0.3, 0.5]),
)
def test_every_week_gains_its_part_of_what_is_missing(tops, scales, last, share):
    """The inequality of the module: a week gains the part of the way that its limits let in."""
    curves = [Log(top, scale) for top, scale in zip(tops, scales, strict=True)]
    names = "abc"
    scale = 1000 / sum(last)
    start = {name: round(money * scale, 2) for name, money in zip(names, last, strict=True)}
    channels = (Channel(name, curve=curve) for name, curve in zip(names, curves, strict=True))
    plan = plan_of(*channels, budget=1001, max_change=share)
    found = ramp(plan, None, start, weeks=60)
    far = np.array([float(money) for money in found.far.spend.values()])
    value = stack(curves).value
    x = np.array(list(start.values()))
    for step in found.path.steps:
        following = np.array([float(money) for money in step.spend.values()])
        # One minor unit is what rounding may take from a change, and from the optimum's worth.
        assert np.all(np.abs(following - x) <= share * x + 0.011)
        away = np.abs(far - x)
        part = min(1.0, float(np.min((share * x - 0.01) / np.maximum(away, 1e-9))))
        missing, left = value(far).sum() - value(x).sum(), value(far).sum() - value(following).sum()
        assert left <= (1 - max(part, 0)) * missing + 0.05 * max(tops) / min(scales)
        x = following
    assert found.path.reached is not None
    assert found.path.total <= found.faster.total + 1e-6 * abs(found.path.total)


# Dated weeks

START = dt.date(2026, 11, 2)


def span(first, last, **more):
    """Return the days of some weeks by number, from 0 on."""
    days = [START + dt.timedelta(days=n) for n in (7 * first, 7 * last + 6)]
    return {"name": "n", "first": days[0], "last": days[1]} | more


def test_dated_weeks_have_the_money_the_change_limit_and_the_demand_of_the_plan():
    phase = span(1, 1, budget=150, max_change="none")
    made = plan_of(*TWO, operation={"phases": [phase]}, demand={START + dt.timedelta(days=8): 2})
    found = ramp(made, None, {"a": 20, "b": 80}, week=START + dt.timedelta(days=3))
    usual = ramp(plan_of(*TWO), None, {"a": 20, "b": 80})
    first, burst, *_ = found.path.steps
    assert first.spend == usual.path.steps[0].spend
    # In the burst no change limit holds: 3/(10 + a) = 1/(10 + b) with a + b = 150.
    assert burst.spend == {"a": Decimal("117.5"), "b": Decimal("32.5")}
    best = 2 * (3 * np.log(12.75) + np.log(4.25))
    assert burst.outcome == pytest.approx(best, rel=1e-9)
    assert found.path.best[1] == pytest.approx(best, rel=1e-9)
    assert found.far.objective == usual.far.objective
    # What is lost is counted week by week, each against the best of its own money and demand.
    worth = sum(step.objective for step in found.path.steps)
    rest = found.path.weeks - len(found.path.steps)
    worth += rest * found.path.steps[-1].objective
    assert found.path.lost == pytest.approx(sum(found.path.best) - worth, abs=1e-9)
    assert found.path.reached == len(found.path.steps) > 2
    assert "demand in the week of 2026-11-09 is x2" in found.notes[0]


def test_frozen_channels_stay_and_the_way_goes_on_after():
    made = plan_of(*TWO, operation={"freezes": [span(0, 1)]})
    found = ramp(made, None, {"a": 20, "b": 80}, week=START)
    usual = ramp(plan_of(*TWO), None, {"a": 20, "b": 80})
    assert spends(found.path)[:2] == [[20.0, 80.0]] * 2
    assert spends(found.path)[2:] == spends(usual.path)
    assert found.path.reached == usual.path.reached + 2
    assert not found.path.stopped


def test_change_limits_give_after_a_burst_as_in_the_weekly_run():
    made = plan_of(*TWO, operation={"phases": [span(0, 0, budget=400, max_change="none")]})
    found = ramp(made, None, {"a": 20, "b": 80}, week=START)
    assert float(found.path.steps[1].total) <= 100
    [note] = [note for note in found.notes if "the week of 2026-11-09" in note]
    assert "limits require at least" in note
    # Without a date it is a usual week all along, and the phases are named.
    [note] = ramp(made, None, {"a": 20, "b": 80}).notes
    assert note.values["fields"] == ("operation.phases",)


def test_twice_the_change_doubles_the_rule_of_a_phase_too():
    phase = span(0, 0, budget=100, max_change="10%")
    made = plan_of(*TWO, operation={"phases": [phase]})
    found = ramp(made, None, {"a": 20, "b": 80}, week=START)
    assert spends(found.path)[0] == [22.0, 78.0]
    assert spends(found.faster)[0] == [24.0, 76.0]


def test_a_plan_without_dated_parts_is_the_same_from_any_week_on():
    made = plan_of(*TWO)
    assert (
        ramp(made, None, {"a": 20, "b": 80}, week=START).to_dict()
        == ramp(made, None, {"a": 20, "b": 80}).to_dict()
    )
