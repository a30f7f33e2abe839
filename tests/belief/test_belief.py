"""The belief itself: what it hands on, its plain form and replay, its settings and its grid."""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import FrozenInstanceError, fields, replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import budgetopt as bo
from budgetopt.belief import Belief, Calibration, Settings
from budgetopt.belief.belief import learn
from budgetopt.curves import Carryover, Hill
from budgetopt.errors import InputError
from budgetopt.history import Delay
from budgetopt.plan.channel import ChannelPrior
from budgetopt.plan.priors import LiftTest, Priors, as_events

from .helpers import Past, Plan, simulated

PLAN, PAST, _ = simulated(np.random.default_rng(1), weeks=12, channels=3)
WIDER = Plan((*PLAN.names, "new"), 4000.0)
QUICK = Settings(points=7, noise=(0.1, 0.3), drift=(0.01, 0.05))
KNOWN = Priors(
    channels=(("c1", ChannelPrior(roas=2.0, saturation=900.0)),),
    carryovers=(("c2", Carryover("geometric", share=0.3)),),
    delay=Delay([0.5, 1.0]),
    demand=((dt.date(2022, 2, 1), 1.3),),
    events=as_events([dt.date(2022, 3, 2)]),
    lift_tests=(LiftTest("c0", 2000.0, 300.0, 1000.0, ended=dt.date(2022, 3, 9)),),
)
OWN = learn(replace(PAST, through=dt.date(2022, 3, 29)), replace(WIDER, priors=KNOWN),
            settings=QUICK)  # fmt: skip
TOTAL = learn(
    Past(PAST.channels, PAST.spend, None, 5e3 + PAST.outcome.sum(axis=1)),
    WIDER,
    settings=Settings(total_points=5, sweeps=3),
)
BOTH = pytest.mark.parametrize("belief", [OWN, TOTAL], ids=["channel", "total"])


def copied(belief):
    return Belief.from_dict(json.loads(json.dumps(belief.to_dict(), allow_nan=False)))


@BOTH
def test_a_saved_belief_is_learned_again_to_the_bit(belief):
    back = copied(belief)
    assert back == belief
    assert hash(back) == hash(belief)
    np.testing.assert_array_equal(back.mean().weights, belief.mean().weights)
    drawn = (b.draw(np.random.default_rng(3), 5).weights for b in (back, belief))
    np.testing.assert_array_equal(*drawn)
    assert back.summary() == belief.summary()
    assert (back.notes, back.treated, back.week_effect) == (
        belief.notes, belief.treated, belief.week_effect
    )  # fmt: skip
    np.testing.assert_array_equal(back.spend_range, belief.spend_range)


def test_a_saved_belief_gives_the_identical_plan():
    names = ("search", "feeds", "kol")
    channels = [bo.Channel(name) for name in names]
    plan = bo.Plan(budget=3000, currency="CNY", channels=channels)
    history = bo.History(names, PAST.weeks, PAST.spend, outcome=PAST.outcome)
    belief = bo.learn(history, plan, settings=QUICK)
    one, other = (bo.allocate(plan, b) for b in (belief, copied(belief)))
    assert one.spend == other.spend
    assert one.to_dict() == other.to_dict()
    later = history.until(PAST.weeks[9].astype(object))
    again = copied(bo.learn(later, plan, settings=QUICK)).updated(history)
    assert again == belief
    assert bo.allocate(plan, again).spend == one.spend


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"schema": 1}, "schema"),
        ({"extra": 1}, "fields"),
        ({"settings": {"points": 2}}, "points"),
        ({"settings": {"pionts": 9}}, "pionts"),
        ({"log": {}}, "fields"),
        ({"log": None}, "fields"),
        ({"log": OWN.log.to_dict() | {"spend": "x"}}, "fields"),
        ({"log": OWN.log.to_dict() | {"outcome": None}}, "outcome"),
    ],
)
def test_wrong_plain_form(change, field):
    with pytest.raises(InputError) as caught:
        Belief.from_dict(OWN.to_dict() | change)
    assert caught.value.field == field


@pytest.mark.parametrize("data", [None, [], "x", {}])
def test_what_is_no_belief(data):
    with pytest.raises(InputError, match="schema"):
        Belief.from_dict(data)


def test_belief_cannot_be_changed():
    with pytest.raises(FrozenInstanceError):
        OWN.log = None
    with pytest.raises(ValueError, match="read-only"):
        OWN.log.spend[0] = 0


def test_beliefs_differ_by_log_and_settings():
    assert copied(OWN) != TOTAL
    assert learn(PAST, WIDER, settings=QUICK) != OWN
    assert learn(PAST, WIDER, settings=QUICK) != learn(PAST, WIDER, settings=Settings.fast())
    assert OWN != "belief"


def test_same_seed_same_draw():
    one, two = (OWN.draw(np.random.default_rng(6), 3) for _ in range(2))
    assert one == two
    assert one != OWN.draw(np.random.default_rng(7), 3)


def test_pinned_channels_have_their_curve_in_everything_that_plans():
    curve = Hill(5000.0, 800.0, 0.9)
    pinned = replace(WIDER, priors=Priors(pinned=(("c1", curve), ("new", curve))))
    belief, free = (learn(PAST, plan, settings=QUICK) for plan in (pinned, WIDER))
    x = np.array([500.0, 700.0, 900.0, 1100.0])
    rng = np.random.default_rng
    pairs = [
        (belief.mean(), free.mean()),
        (belief.draw(rng(1), 3), free.draw(rng(1), 3)),
        (belief.average(rng(1), 3), free.average(rng(1), 3)),
        (belief.quantile(0.2), free.quantile(0.2)),
    ]
    for mine, theirs in pairs:
        np.testing.assert_allclose(mine.value(x)[..., [0, 2]], theirs.value(x)[..., [0, 2]])
        np.testing.assert_allclose(
            mine.value(x)[..., [1, 3]],
            np.broadcast_to(curve.value(x[[1, 3]]), mine.value(x)[..., [1, 3]].shape),
        )
    everything = Priors(pinned=tuple((name, curve) for name in PLAN.names))
    alone = learn(PAST, replace(PLAN, priors=everything), settings=QUICK)
    np.testing.assert_allclose(alone.mean().value(x[:3]), curve.value(x[:3]))


def test_spends_beyond_what_was_seen_are_named():
    low, high = OWN.spend_range[0]
    assert OWN.beyond({"c0": low, "c1": OWN.usual_spend[1]}) == ()
    assert OWN.beyond({"c0": low * 0.99}) == ("c0",)
    assert OWN.beyond({"c0": high * 1.01, "new": 5.0}) == ("c0", "new")
    # No money at all is not a spend.
    assert OWN.beyond({"c0": 0.0, "new": 0.0}) == ()


def test_the_record_of_calibration():
    assert OWN.calibration(weeks=4).outcomes == np.isfinite(OWN.walked.ranks[-4:]).sum()
    assert isinstance(OWN.calibration(), Calibration)
    assert OWN.calibration(level=0.999).inside >= OWN.calibration(level=0.5).inside


def test_source_and_fingerprint():
    assert (OWN.source, TOTAL.source) == ("channel", "total")
    assert OWN.fingerprint == replace(PAST, through=dt.date(2022, 3, 29)).fingerprint
    assert TOTAL.treated == ()
    assert OWN.grid.reference == OWN.reference == 1000.0


@given(st.integers(0, 2**32 - 1))
@settings(max_examples=12)
def test_evidence_can_only_add(seed):
    """`data_share` rises from 0, on average: the same channel's first weeks and all of them."""
    plan, past, _ = simulated(np.random.default_rng(seed), weeks=40, channels=2)
    chosen = Settings(points=5, noise=(0.1, 0.3), drift=(0.0,), outlier_chance=0.0)
    few, many = (learn(past.rows(slice(n)), plan, settings=chosen).data_share for n in (2, 40))
    assert np.all((few > 0) & (many > few))


@pytest.mark.parametrize("lead", [(), (3,)])
def test_mixture_of_two_families(lead):
    """Value, slope, its inverse and a column agree for one week and for runs."""
    belief = learn(PAST, WIDER, settings=replace(QUICK, steep_shapes=()))
    curve = belief.mean() if not lead else belief.draw(np.random.default_rng(8), 3)
    x = np.geomspace(50, 5000, 4) * np.ones((*lead, 4))
    slope = curve.slope(x)
    np.testing.assert_allclose(curve.spend_at_slope(slope), x, rtol=1e-9)
    step = 1e-5 * x
    np.testing.assert_allclose(
        (curve.value(x + step) - curve.value(x - step)) / 2 / step, slope, 1e-5
    )
    one = curve.take([2, 0])
    np.testing.assert_array_equal(one.value(x[..., [2, 0]]), curve.value(x)[..., [2, 0]])
    assert np.all(curve.spend_at_slope(np.full(4, 1e12)) < 1e-6)


def test_grid_brings_one_at_the_reference_and_half_at_its_point():
    grid = OWN.grid
    np.testing.assert_allclose(grid.cells.value(np.full(grid.size, 1000.0)), 1.0, rtol=1e-13)
    half = grid.reference * np.exp(grid.log_half)
    top = grid.cells.value(np.full(grid.size, 1e300))
    np.testing.assert_allclose(grid.cells.value(half), top / 2, rtol=1e-12)
    steep = grid.prior(np.zeros(1), 1.0)[0] @ grid.steep
    assert steep == pytest.approx(Settings().steep_share)


NEAR = {
    "points": ((3, 200), (2, 201, 3.5, True, "3")),
    "span": ((2, 1e4), (1.9, 10_001, np.nan)),
    "hill_shapes": (((0.1,), (1.0, 0.5), ()), ((0.09,), (1.1,), (1.0, 1.0), 1.0)),
    "steep_shapes": (((1.01,), (6.0, 2.0), ()), ((1.0,), (6.1,), (2.0, 2.0), 2.0)),
    "steep_span": ((1, 1e4), (0.9, 10_001)),
    "steep_share": ((0, 0.9), (-0.1, 0.91)),
    "saturation": ((1e-3, 1e3), (0, 1001)),
    "saturation_sd": ((0.05, 5), (0.04, 5.1)),
    "centre_sd": ((0, 5), (-0.1, 5.1)),
    "amplitude_sd": ((0.05, 5), (0.04, 5.1)),
    "noise": (((0.001,), (0.1, 5.0)), ((), (0.0,), (5.1,))),
    "usual_noise": ((0.001, 5), (0, 5.1)),
    "drift": (((0.0,), (0.1, 1.0)), ((), (-0.1,), (1.1,))),
    "usual_drift": ((0.001, 1), (0, 1.1)),
    "jump_chance": ((0, 0.2), (-0.1, 0.21)),
    "jump_sd": ((0.05, 5), (0.04, 5.1)),
    "outlier_chance": ((0, 0.2), (-0.1, 0.21)),
    "break_chance": ((0, 0.2), (-0.1, 0.21)),
    "outlier_sd": ((0.05, 5), (0.04, 5.1)),
    "week_effect": (((0.0,), (0.1, 2.0), ()), ((-0.1,), (2.1,))),
    "week_persistence": (((0.0,), (0.999, 0.5)), ((), (-0.1,), (1.0,))),
    "event_sd": ((0, 5), (-0.1, 5.1)),
    "total_points": ((3, 200), (2, 201)),
    "effect_share": ((0.01, 2), (0, 2.1)),
    "doubt": ((0, 2), (-0.1, 2.1)),
    "carryover": (((0.0,), (0.95,)), ((-0.1,), (0.96,), ())),
    "total_carryover": (((0.0,), (0.95,)), ((-0.1,), (0.96,), ())),
    "sweeps": ((1, 50), (0, 51)),
}


def test_every_setting_is_checked():
    assert set(NEAR) == {f.name for f in fields(Settings)}


@pytest.mark.parametrize(("name", "value"), [(n, v) for n, (good, _) in NEAR.items() for v in good])
def test_settings_just_inside(name, value):
    assert getattr(Settings(**{name: value}), name) == value


@pytest.mark.parametrize(("name", "value"), [(n, v) for n, (good, _) in NEAR.items() for v in good])
def test_settings_at_their_ends_learn(name, value):
    if name.startswith("total") or name in ("points", "sweeps", "effect_share", "doubt"):
        return
    belief = learn(PAST, PLAN, settings=replace(Settings.fast(), **{name: value}))
    held = belief.response(1000.0)
    assert np.all((held.low > 0) & (held.low < held.high) & np.isfinite(held.mean))
    assert np.isfinite(belief.walked.ranks).all()


@pytest.mark.parametrize(("name", "value"), [(n, v) for n, (_, bad) in NEAR.items() for v in bad])
def test_settings_just_outside(name, value):
    with pytest.raises(InputError, match=name) as caught:
        Settings(**{name: value})
    assert caught.value.field == name
