"""What is recorded is what is read, in order, once, or not at all."""

import datetime as dt

import pytest

from budgetopt.errors import InputError, LedgerError
from budgetopt.ledger import reader as transaction

WEEK = dt.date(2026, 11, 23)


def test_what_is_recorded_is_read(ledger, clock):
    with ledger.transaction("Ann") as t:
        made = t.add("proposal", {"b": 1.5, "a": ["x", None]}, week=WEEK, revision=2, key="w/2")
    assert ledger.entries() == (made,)
    assert made.data == {"a": ["x", None], "b": 1.5}
    assert (made.number, made.at, made.who, made.kind) == (1, clock.now, "Ann", "proposal")
    assert (made.week, made.revision, made.key) == (WEEK, 2, "w/2")
    assert made.body == '{"a":["x",null],"b":1.5}'
    assert ledger.head == (1, made.hash)


def test_a_block_that_fails_records_nothing(ledger):
    with pytest.raises(ZeroDivisionError), ledger.transaction("Ann") as t:
        t.add("note", {"share": 1 / t.add("note", {}).revision})
    assert ledger.entries() == ()
    assert ledger.head == (0, "0" * 64)


def test_a_key_is_taken_once(ledger):
    with ledger.transaction("Ann") as t:
        t.add("note", {}, key="once")
        t.add("alert", {}, key="once")
    with pytest.raises(LedgerError, match="entry 1") as found, ledger.transaction("Bob") as t:
        t.add("note", {}, key="once")
    assert found.value.code == "ledger-conflict"
    assert len(ledger.entries()) == 2


@pytest.mark.parametrize("text", ["键" * 700, "x" * 2001])
def test_a_key_or_a_name_that_is_too_long_for_an_index(ledger, text):
    with pytest.raises(InputError, match="long"), ledger.transaction("Ann") as t:
        t.add("note", {}, key=text)
    with pytest.raises(InputError, match="long"), ledger.transaction(text):
        pass
    longest = "".join(chr(0x4E00 + at * 7) for at in range(666))
    with ledger.transaction(longest) as t:
        t.add("note", {}, key=longest)
    assert ledger.entries()[0].key == longest


def test_a_block_in_which_recording_failed_does_not_end_well(ledger, monkeypatch):
    """Even if the error was caught: the database may have undone what was recorded before it."""

    def caught():
        with ledger.transaction("Ann") as t:
            t.add("note", {})
            monkeypatch.setattr(transaction, "_INSERT", "INSERT INTO nowhere VALUES (1)")
            for _ in range(2):
                with pytest.raises(LedgerError):
                    t.add("note", {})
                monkeypatch.undo()

    with pytest.raises(LedgerError) as found:
        caught()
    assert found.value.code == "ledger-broken"
    assert ledger.entries() == ()
    assert ledger.verify().good


def test_a_transaction_that_is_over_records_nothing(ledger):
    with ledger.transaction("Ann") as t:
        t.add("note", {})
    with pytest.raises(InputError, match="over"):
        t.add("note", {})
    assert len(ledger.entries()) == 1


def test_a_kind_that_is_none(ledger):
    with pytest.raises(InputError, match="proposal"), ledger.transaction("Ann") as t:
        t.add("proposals", {})
