"""The log: order, revisions, growing up, and plain form."""

from __future__ import annotations

import datetime as dt
import json

import numpy as np
import pytest

import budgetopt as bo
from budgetopt.belief import ObservationLog
from budgetopt.curves import Carryover, Hill
from budgetopt.errors import InputError
from budgetopt.history import Delay
from budgetopt.plan.channel import ChannelPrior
from budgetopt.plan.priors import LiftTest, Priors, as_events

from .helpers import Past, names

MONDAY = np.datetime64("2022-01-03")
FULL = Priors(
    channels=(("c0", ChannelPrior(roas=2.0)),),
    carryovers=(("c1", Carryover("geometric", share=0.3)),),
    pinned=(("c1", Hill(10.0, 5.0, 0.8)),),
    delay=Delay([0.5, 1.0], channels={"c0": [0.4, 1.0]}),
    demand=((dt.date(2022, 1, 12), 1.25),),
    events=as_events([dt.date(2022, 1, 20)]),
    lift_tests=(LiftTest("c0", 1.0, 0.5, 10.0, ended=dt.date(2022, 1, 9)),),
)


def past(weeks, *, first=0, factor=1.0, through=None, channels=2, partial=0):
    rng = np.random.default_rng(first)
    spend = rng.uniform(50, 150, (weeks, channels))
    days = MONDAY + 7 * np.arange(first, first + weeks)
    marks = np.arange(weeks) >= weeks - partial
    return Past(names(channels), spend, factor * 3 * spend, weeks=days, through=through,
                partial=marks)  # fmt: skip


def log_of(history, priors=FULL):
    return ObservationLog.of(history, names(2), 100.0, 1.0, priors)


def test_weeks_are_held_in_order_and_cannot_be_changed():
    turned = past(5).rows(np.array([3, 0, 4, 1, 2]))
    one, other = log_of(turned), log_of(past(5))
    np.testing.assert_array_equal(one.weeks, other.weeks)
    np.testing.assert_array_equal(one.spend, other.spend)
    for array in (one.spend, one.outcome, one.weeks, one.through):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = array[1]


def test_partial_weeks_and_other_channels_are_left_out():
    log = ObservationLog.of(past(5, channels=3, partial=1), ("c2", "c0", "new"), 100.0, None, FULL)
    assert log.spend.shape == (4, 3)
    np.testing.assert_array_equal(log.spend[:, 0], past(5, channels=3).spend[:4, 2])
    assert np.isnan(log.spend[:, 2]).all()
    assert [name for name, _ in log.priors.channels] == ["c0"]
    assert log.priors.carryovers == log.priors.pinned == ()


def test_new_weeks_replace_those_of_the_same_day():
    log = log_of(past(6)).extended(past(4, first=4, factor=2.0))
    assert log.weeks.tolist() == (MONDAY + 7 * np.arange(8)).tolist()
    np.testing.assert_array_equal(log.outcome[:4], past(6).outcome[:4])
    np.testing.assert_array_equal(log.outcome[4:], past(4, first=4, factor=2.0).outcome)
    assert log.priors == FULL


def test_only_weeks_that_are_reported_again_grow_up():
    """Week four was young when it was seen, and stays so until it is seen again."""
    first, later = dt.date(2022, 1, 30), dt.date(2022, 2, 6)
    log = log_of(past(4, through=first))
    alone = log.extended(past(1, first=4, through=later))
    assert alone.through.astype(object).tolist() == [first] * 4 + [later]
    again = log.extended(past(5, through=later))
    assert again.through.astype(object).tolist() == [later] * 5


def test_another_kind_of_outcome_is_refused():
    total = Past(names(2), np.ones((2, 2)), None, np.ones(2))
    with pytest.raises(InputError, match="another kind of outcome"):
        log_of(past(3)).extended(total)


@pytest.mark.parametrize("through", [None, dt.date(2022, 2, 1)])
@pytest.mark.parametrize("kind", ["channel", "total"])
def test_plain_form_is_exact(kind, through):
    given = past(5, through=through)
    if kind == "total":
        given = Past(given.channels, given.spend, None, given.spend.sum(axis=1) / 3,
                     through=through)  # fmt: skip
    given.spend[1, 0] = np.nan
    log = log_of(given)
    back = ObservationLog.from_dict(json.loads(json.dumps(log.to_dict(), allow_nan=False)))
    assert back.to_dict() == log.to_dict()
    assert back.priors == FULL
    np.testing.assert_array_equal(back.spend, log.spend)
    np.testing.assert_array_equal(back.through, log.through)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"spend": np.ones((3, 1))}, "spend"),
        ({"outcome": None}, "outcome"),
        ({"total": np.ones(3)}, "outcome"),
        ({"outcome": np.ones((3, 3))}, "outcome"),
        ({"spend": np.ones((2, 2))}, "spend"),
        ({"through": np.full(2, "2022-01-01", dtype="datetime64[D]")}, "through"),
    ],
)
def test_parts_that_do_not_fit_are_refused(change, field):
    good = log_of(past(3))
    parts = {name: getattr(good, name) for name in good.__dataclass_fields__}
    with pytest.raises(InputError) as caught:
        ObservationLog(**(parts | change))
    assert caught.value.field == field


@pytest.mark.parametrize("weeks", [1, 3])
def test_a_belief_is_named_after_all_of_its_weeks_however_they_came(weeks):
    rng = np.random.default_rng(0)
    days = np.datetime64("2026-01-05") + 7 * np.arange(12)
    spend = rng.uniform(100, 900, (12, 2))
    plan = bo.Plan(currency="CNY", budget=1000, channels=[bo.Channel("b"), bo.Channel("a")])

    def part(rows):
        return bo.History(("b", "a"), days[rows], spend[rows], outcome=3 * spend[rows])

    whole = part(slice(None))
    parts = bo.learn(part(slice(0, 12 - weeks)), plan).updated(part(slice(12 - weeks, 12)))
    assert parts.fingerprint == whole.fingerprint == bo.learn(whole, plan).fingerprint
    # A week that is given again changes nothing, and one of other numbers does.
    assert parts.updated(part(slice(11, 12))).fingerprint == whole.fingerprint
    other = bo.History(("b", "a"), days[11:], spend[11:] + 1, outcome=3 * spend[11:])
    assert parts.updated(other).fingerprint != whole.fingerprint
