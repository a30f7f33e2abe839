"""Histories in the ledger, and the fingerprints of what a run is made from."""

import datetime as dt

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import budgetopt as bo
from budgetopt.workflow.inputs import (
    CHAIN,
    Difference,
    Inputs,
    LatestHistory,
    RecordedHistory,
    canonical,
    plan_fingerprint,
    record_history,
    recorded,
    what_changed,
)

from ..helpers import MONDAY, NAMES, WEEK, history, ledger, plan, revised


def weeks_of(count, values, total=False, partial=False, names=NAMES):
    """Return a history of some weeks, made of a few values, some of them unknown."""
    spend = np.resize(np.array(values, dtype=float), (count, len(names)))
    starts = np.datetime64(MONDAY) + np.arange(count) * np.timedelta64(7, "D")
    brought = {"total": spend[:, 0] * 3} if total else {"outcome": spend * 3}
    last = np.arange(count) >= count - partial
    return bo.History(names, starts, spend=spend, partial=last, **brought)


def test_a_difference_names_every_week_that_differs():
    old, new = history(12), revised(history(12), MONDAY + 4 * WEEK, 1.5, "kol")
    week = MONDAY + 4 * WEEK
    found = RecordedHistory.of(new).since(RecordedHistory.of(old))
    (one,) = found.revised
    assert (one.week, one.channels) == (week, ("kol",))
    was, now = old.outcome[4, 2], new.outcome[4, 2]
    assert one.share == pytest.approx(abs(now - was) / was, rel=1e-12)
    assert found == Difference(revised=(one,))
    shorter = RecordedHistory.of(old.until(week))
    assert RecordedHistory.of(old).since(shorter).added == tuple(
        MONDAY + at * WEEK for at in range(4, 12)
    )
    assert shorter.since(RecordedHistory.of(old)).gone == tuple(
        MONDAY + at * WEEK for at in range(4, 12)
    )
    assert RecordedHistory.of(old).since(RecordedHistory.of(old)) == Difference()


def test_a_week_that_is_over_now_is_completed_and_not_revised():
    running, whole = weeks_of(4, [5, 6, 7], partial=True), weeks_of(4, [5, 6, 7])
    found = RecordedHistory.of(whole).since(RecordedHistory.of(running))
    assert found == Difference(completed=(MONDAY + 3 * WEEK,))


def test_a_channel_that_is_new_revises_no_week():
    old = weeks_of(3, [5], names=NAMES[:2])
    spend = np.full((3, 3), 5.0)
    new = bo.History(NAMES, old.weeks, spend=spend, outcome=spend * 3)
    assert RecordedHistory.of(new).since(RecordedHistory.of(old)) == Difference(channels=("kol",))


def test_a_total_is_revised_without_a_channel():
    old, spend = weeks_of(3, [5, 6, 7], total=True), np.resize([5.0, 6, 7], (3, 3))
    new = bo.History(NAMES, old.weeks, spend=spend, total=[15, 16, 15])
    (one,) = RecordedHistory.of(new).since(RecordedHistory.of(old)).revised
    assert (one.week, one.channels) == (MONDAY + WEEK, ())


HISTORIES = st.builds(
    weeks_of,
    st.integers(1, 6),
    st.lists(st.sampled_from([0.0, 1.5, 100.0, float("nan")]), min_size=1, max_size=7),
    st.booleans(),
    st.booleans(),
    st.sampled_from([NAMES, NAMES[::-1], (*NAMES, "shop")]),
)


@settings(max_examples=25, suppress_health_check=list(HealthCheck))
@given(st.lists(HISTORIES, min_size=1, max_size=8))
def test_any_histories_come_back_as_they_were(tmp_path_factory, histories):
    book = ledger(tmp_path_factory.mktemp("histories"))
    kept = {}
    with book.transaction("cron") as t:
        for one in histories:
            known = RecordedHistory.of(one)
            kept[record_history(t, known)] = known
            assert LatestHistory(t).fingerprint == one.fingerprint
    for number, known in kept.items():
        found = recorded(book, number)
        assert found.fingerprint == known.fingerprint
        same = {name: found.channels.index(name) for name in known.channels}
        for week, (spend, outcome, partial) in known.rows.items():
            there, brought, running = found.rows[week]
            assert spend == [there[same[name]] for name in known.channels]
            assert partial == running
            order = [0] if known.total else [same[name] for name in known.channels]
            assert outcome == [brought[at] for at in order]
        assert len(found.rows) == len(known.rows)


def test_only_a_few_entries_are_read_for_the_newest(tmp_path):
    book = ledger(tmp_path)
    with book.transaction("cron") as t:
        for at in range(3 * CHAIN + 2):
            record_history(t, RecordedHistory.of(weeks_of(3, [at + 1.0, 2.0, 3.0])))
    bases = [entry.data["base"] for entry in book.entries(kinds=("history",))]
    wholes = [at for at, base in enumerate(bases, 1) if not base]
    assert wholes == [1, CHAIN + 1, 2 * CHAIN + 1, 3 * CHAIN + 1]


def test_a_plan_has_the_fingerprint_of_what_it_says():
    assert plan_fingerprint(plan()) == plan_fingerprint(bo.Plan.from_json(plan().to_json()))
    assert plan_fingerprint(plan()) != plan_fingerprint(plan(budget=3301))
    assert canonical({"b": 1, "a": "预算"}) == '{"a":"预算","b":1}'


def test_inputs_come_back_from_json():
    inputs = Inputs("2026-01-05", "p", "h", "", {"kind": "hold"}, None, 3, {"a": "1.00"}, "0",
                    ("rival",), "0.1")  # fmt: skip
    again = Inputs.from_dict(inputs.to_dict())
    assert again == inputs
    assert again.fingerprint == inputs.fingerprint


def test_every_field_of_the_inputs_is_told_where_it_changes():
    old = Inputs("w", "p", "h", "b", {"kind": "hold"}, None, 1, {"a": "1.00"}, "0", (), "0.1")
    others = {
        "belief": "c",
        "policy": {"kind": "equal"},
        "guardrails": {"most_loss": 0.1},
        "seed": 2,
        "last": {"a": "2.00"},
        "released": "5.00",
        "scenarios": ("rival",),
        "version": "0.2",
        "history": "i",
    }
    for name, value in others.items():
        new = Inputs.from_dict(old.to_dict() | {name: value})
        assert len(what_changed(old, new, ({}, {}), Difference())) == 1, name
    assert what_changed(old, old, ({}, {}), Difference()) == ()
    many = {f"field{at}": at for at in range(9)}
    told = what_changed(old, old, (many, {}), Difference())
    assert len(told) == 7
    assert told[-1] == "3 more fields of the plan changed"
    assert told[0] == "field0 in the plan changed from 0 to nothing"


def test_dates_in_differences_are_dates():
    found = RecordedHistory.of(history(3)).since(RecordedHistory())
    assert all(isinstance(day, dt.date) for day in found.added)
