"""The state of a week: the table, and that nothing leads out of it."""

import datetime as dt
import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from budgetopt.errors import InputError, LedgerError
from budgetopt.ledger import KINDS as ALL_KINDS
from budgetopt.ledger import Entry
from budgetopt.workflow.week_state import KINDS, NEXT, WeekState, fold

WEEK = dt.date(2026, 11, 23)
NOW = dt.datetime(2026, 11, 20, 15, tzinfo=dt.UTC)

# What may follow what, written down a second time: whoever changes the table changes the promise.
PROMISED = """
none      proposal->proposed
proposed  proposal->proposed approval->approved rejection->rejected edit->edited
approved  proposal->proposed rejection->rejected edit->edited applied->applied
rejected  proposal->proposed edit->edited
edited    proposal->proposed approval->approved rejection->rejected edit->edited
applied   applied->applied measured->measured
measured  measured->measured
"""


def entry(number, kind, revision, week=WEEK):
    return Entry(number, NOW, "ann", kind, week, revision, "", "{}", "", "")


def revision_after(state, kind):
    return state.revision + (kind in ("proposal", "edit"))


def walked(kinds):
    """Return all states on the way of commands, where those that are refused write nothing."""
    states, entries = [WeekState(WEEK)], []
    for kind in kinds:
        state = states[-1]
        if kind in NEXT[state.state]:
            state.require(kind)
            made = entry(len(entries) + 1, kind, revision_after(state, kind))
            entries.append(made)
            state = state.after(made)
        else:
            with pytest.raises(InputError) as caught:
                state.require(kind)
            assert caught.value.code == "wrong-state"
        states.append(state)
    return states, entries


def test_the_table_is_what_was_promised():
    lines = [line.split() for line in PROMISED.strip().splitlines()]
    promised = {name: dict(step.split("->") for step in steps) for name, *steps in lines}
    assert promised == NEXT
    assert {kind for steps in NEXT.values() for kind in steps} == set(KINDS)
    assert set(KINDS) <= set(ALL_KINDS)


@given(st.lists(st.sampled_from(KINDS), max_size=30))
def test_no_sequence_of_commands_leads_out_of_the_table(kinds):
    states, entries = walked(kinds)
    for before, kind, after in zip(states, kinds, states[1:], strict=False):
        assert after.state == NEXT[before.state].get(kind, before.state)
        assert after.state in NEXT
    assert fold(WEEK, entries) == states[-1]


@given(st.lists(st.sampled_from(KINDS), max_size=30))
def test_what_is_applied_was_approved_and_stays_applied(kinds):
    states, _ = walked(kinds)
    for before, after in itertools.pairwise(states):
        assert after.revision - before.revision in (0, 1)
        if before.over:
            assert after.over
            assert after.revision == before.revision
        elif after.over:
            # The revision that is applied is the one that was approved, not one before it.
            assert before.verdict.kind == "approval"
            assert before.verdict.revision == before.current.revision == after.revision
        if after.state in ("proposed", "edited"):
            assert after.verdict is None
        assert (after.state == "none") == (after.revision == 0)


@given(st.lists(st.sampled_from([k for k in ALL_KINDS if k not in KINDS]), max_size=9))
def test_other_entries_change_no_state(kinds):
    entries = [entry(at, kind, 0) for at, kind in enumerate(kinds, 1)]
    assert fold(WEEK, entries) == WeekState(WEEK)


def test_a_refusal_names_the_state_and_what_is_possible():
    state = fold(WEEK, [entry(1, "proposal", 1), entry(2, "rejection", 1)])
    with pytest.raises(InputError) as caught:
        state.require("applied")
    assert caught.value.code == "wrong-state"
    assert str(caught.value) == (
        "the week of 2026-11-23 is rejected, revision 1: it cannot be applied now; "
        "possible are: week, edit"
    )
    for state, kind, said in (
        ("none", "approval", "has no proposal: it cannot be approved now; possible is: week"),
        ("proposed", "applied", "applied now; possible are: week, approve, reject, edit"),
        ("applied", "edit", "it cannot be edited now; possible is: apply"),
        ("measured", "rejection", "it cannot be rejected now; no further step is possible"),
    ):
        with pytest.raises(InputError, match=said):
            WeekState(WEEK, state).require(kind)


@pytest.mark.parametrize(
    "entries",
    [
        [entry(1, "approval", 0)],
        [entry(1, "proposal", 2)],
        [entry(1, "proposal", 1), entry(2, "approval", 2)],
        [entry(1, "proposal", 1), entry(2, "applied", 1)],
        [entry(1, "proposal", 1, dt.date(2026, 11, 30))],
    ],
)
def test_entries_that_cannot_be_are_found(entries):
    with pytest.raises(LedgerError) as caught:
        fold(WEEK, entries)
    assert caught.value.code == "ledger-broken"
    assert f"entry {entries[-1].number}" in str(caught.value)
