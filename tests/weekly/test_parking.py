"""Channels that have been idle for a declared time are locked at 0, and said so."""

import numpy as np
import pytest

import budgetopt as bo
from budgetopt.i18n import in_language

from .helpers import NAMES, history, plan

IDLE = 6


def past(idle=IDLE, value=0.0):
    """Return twelve weeks in the last of which the first channel had no money."""
    whole = history(12)
    spend, outcome = whole.spend.copy(), whole.outcome.copy()
    spend[12 - idle :, 0], outcome[12 - idle :, 0] = value, value
    return history(12, spend=spend, outcome=outcome)


def channels(**first):
    return [bo.Channel(NAMES[0], **first), *map(bo.Channel, NAMES[1:])]


def notes(decision):
    return [note for note in decision.notes if getattr(note, "code", "") == "channels-parked"]


@pytest.mark.parametrize("value", [0.0, np.nan])
def test_a_channel_that_was_idle_for_long_enough_is_parked_and_said(value):
    found = bo.reallocate(plan(park_after=IDLE, max_change="none"), past(value=value))
    assert found.allocation.spend[NAMES[0]] == 0
    (note,) = notes(found)
    assert "without spend for 6 weeks or more: '百度 Baidu'" in note
    assert "awake = true" in in_language(note, "zh")
    assert found.allocation.spend[NAMES[1]] > 0


@pytest.mark.parametrize(
    ("declared", "first", "idle"),
    [
        ({"park_after": IDLE + 1}, {}, IDLE),
        ({}, {}, IDLE),
        ({"park_after": IDLE}, {"awake": True}, IDLE),
        ({"park_after": IDLE}, {"floor": 5}, IDLE),
        ({"park_after": IDLE}, {"locked": 20}, IDLE),
        ({"park_after": IDLE}, {}, 12),
    ],
)
def test_who_was_idle_for_less_or_is_woken_or_new_is_not_parked(declared, first, idle):
    made = plan(channels=channels(**first), max_change="none", **declared)
    found = bo.reallocate(made, past(idle))
    assert not notes(found)
    assert found.allocation.spend[NAMES[0]] > 0


def test_limits_of_a_channel_that_is_on_do_not_hold_of_a_parked_one():
    made = plan(channels=channels(off_or_at_least=40, cap=200), park_after=1, max_change="none")
    assert bo.reallocate(made, past()).allocation.spend[NAMES[0]] == 0


def test_commands_that_do_not_park_say_so():
    made = plan(park_after=IDLE)
    (note,) = bo.plan.unused(made, "allocate")
    assert "park_after (only weekly decisions park idle channels)" in note
    assert not bo.plan.unused(made, "reallocate")
