"""What is asked for is what is read, and no more than that."""

import datetime as dt
import sqlite3
from contextlib import closing

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from budgetopt.errors import InputError
from budgetopt.ledger import KINDS, Ledger

FIRST = dt.date(2026, 11, 2)
SECOND = FIRST + dt.timedelta(weeks=1)


@pytest.fixture
def full(ledger):
    with ledger.transaction("Ann") as t:
        t.add("plan", {})
        for week in (FIRST, SECOND):
            for kind in ("proposal", "approval", "applied"):
                t.add(kind, {}, week=week)
        t.add("proposal", {"late": True}, week=FIRST, revision=1)
    return ledger


def numbers(entries):
    return [entry.number for entry in entries]


def test_by_kind_week_and_number(full):
    assert numbers(full.entries()) == list(range(1, 9))
    assert numbers(full.entries(kinds=("proposal",))) == [2, 5, 8]
    assert numbers(full.entries(kinds=("applied", "plan"))) == [1, 4, 7]
    assert numbers(full.entries(kinds="plan")) == [1]
    assert numbers(full.entries(kinds=())) == []
    assert numbers(full.entries(week=FIRST)) == [2, 3, 4, 8]
    assert numbers(full.entries(("proposal",), FIRST)) == [2, 8]
    assert numbers(full.entries(after=6)) == [7, 8]
    assert numbers(full.entries(last=2)) == [7, 8]
    assert numbers(full.entries(last=0)) == []
    assert numbers(full.entries(last=100)) == list(range(1, 9))
    assert numbers(full.entries(week=FIRST, after=2, last=2)) == [4, 8]
    assert numbers(full.entries(week=dt.date(2020, 1, 6))) == []


def test_the_latest(full):
    assert full.latest("proposal").number == 8
    assert full.latest("proposal", SECOND).number == 5
    assert full.latest("measured") is None
    assert full.latest("plan", FIRST) is None


def test_a_transaction_reads_what_it_added(full):
    with full.transaction("Bob") as t:
        added = t.add("applied", {}, week=FIRST)
        assert t.latest("applied") == added
        assert t.head == (9, added.hash)
        assert numbers(t.entries(week=FIRST)) == [2, 3, 4, 8, 9]
    assert full.head == (9, added.hash)


@pytest.mark.parametrize(
    "asked", [{"after": -1}, {"after": 1.5}, {"last": -1}, {"last": True}, {"kinds": ("x",)},
              {"week": "soon"}],
)  # fmt: skip
def test_what_cannot_be_asked_for(full, asked):
    with pytest.raises(InputError):
        full.entries(**asked)


@pytest.mark.parametrize("who", ["", " Ann", "Ann\n", "a\0b", None, "\ud800"])
def test_a_name_that_is_none(ledger, who):
    with pytest.raises(InputError) as found:
        ledger.transaction(who).__enter__()
    assert found.value.field == "who"


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"kind": "x"}, "kind"),
        ({"revision": -1}, "revision"),
        ({"revision": True}, "revision"),
        ({"revision": 2**31}, "revision"),
        ({"key": "a\tb"}, "key"),
        ({"week": 5}, "week"),
        ({"data": {"x": object()}}, "data"),
    ],
)
def test_an_entry_that_is_none(ledger, given, field):
    with pytest.raises(InputError) as found, ledger.transaction("Ann") as t:
        t.add(**{"kind": "note", "data": {}} | given)
    assert found.value.field == field
    assert ledger.entries() == ()


def test_the_largest_revision(ledger):
    with ledger.transaction("Ann") as t:
        t.add("note", {}, revision=2**31 - 1)
    assert ledger.verify().good


facts = st.lists(
    st.tuples(st.sampled_from(KINDS), st.none() | st.sampled_from([FIRST, SECOND]),
              st.integers(0, 3), st.dictionaries(st.text("a预'\"\\", max_size=3), st.text())),
    max_size=6,
)  # fmt: skip


@settings(
    max_examples=30,
    suppress_health_check=list(HealthCheck),
)
@given(st.lists(facts, max_size=4))
def test_any_facts_come_back_in_order(folder, transactions):
    ledger = Ledger.open(folder / f"{len(list(folder.iterdir()))}.ledger")
    added = []
    for transaction in transactions:
        with ledger.transaction("Ann") as t:
            for kind, week, revision, data in transaction:
                clean = {
                    name: text.encode("utf-8", "ignore").decode() for name, text in data.items()
                }
                added.append(t.add(kind, clean, week=week, revision=revision))
                assert added[-1].data == clean
    assert ledger.entries() == tuple(added)
    for kind in KINDS:
        of_kind = [entry for entry in added if entry.kind == kind and entry.week == FIRST]
        assert ledger.latest(kind, FIRST) == (of_kind[-1] if of_kind else None)
    assert ledger.verify().good
    assert ledger.verify().entries == len(added)


def test_a_week_is_found_by_its_index(file):
    """A question about one week searches an index, and does not scan the ledger."""
    full, asked = Ledger.open(file), []
    with full.transaction("Ann") as t:
        t.add("note", {})
    original = sqlite3.connect

    def watched(*words, **how):
        connection = original(*words, **how)
        connection.set_trace_callback(asked.append)
        return connection

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sqlite3, "connect", watched)
        full.entries(week=FIRST)
        full.entries(("proposal", "edit"), FIRST)
        full.latest("proposal", FIRST)
        full.latest("proposal")
        full.entries(last=3)
        full.entries(after=3)
        with full.transaction("Ann") as t:
            t.add("note", {}, key="k")
    queries = [
        sql
        for sql in asked
        if sql.startswith("SELECT")
        and "ledger_entries" in sql
        and not sql.startswith("SELECT plan")
    ]  # the ends of an index
    assert len(queries) == 8
    with closing(original(file)) as connection:
        for sql in queries:
            plan = " ".join(row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {sql}"))
            if "LIMIT 3" in sql:
                continue  # The last three by number, which is the order the rows are kept in.
            assert "SEARCH" in plan, (sql, plan)
            assert "SCAN" not in plan, (sql, plan)
