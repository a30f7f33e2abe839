"""The text of an entry, its hash by hand, and that no two entries hash the same text."""

import datetime as dt
import hashlib
import json
import os
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from budgetopt.errors import InputError
from budgetopt.ledger import KINDS, Ledger
from budgetopt.ledger.entry import COLUMNS, ORIGIN, body_text, hash_of

ROW = {
    "number": 7,
    "at": "2026-11-20T15:00:00.000000+00:00",
    "who": "Änn",
    "kind": "note",
    "week": "2026-11-23",
    "revision": 2,
    "key": "k",
    "body": '{"预算":1}',
    "previous": ORIGIN,
    "hash": "",
}


def test_the_hash_by_hand():
    text = (
        b"number 1\n7\n"
        b"at 32\n2026-11-20T15:00:00.000000+00:00\n"
        b"who 4\n\xc3\x84nn\n"
        b"kind 4\nnote\n"
        b"week 10\n2026-11-23\n"
        b"revision 1\n2\n"
        b"key 1\nk\n"
        b'body 12\n{"\xe9\xa2\x84\xe7\xae\x97":1}\n' + b"previous 64\n" + b"0" * 64 + b"\n"
    )
    assert hash_of(ROW) == hashlib.sha256(text).hexdigest()


def test_a_column_left_empty_is_left_out():
    text = b"number 1\n7\nbody 2\n{}\n"
    row = dict.fromkeys(COLUMNS, "") | {"number": 7, "revision": 0, "body": "{}", "hash": "any"}
    assert hash_of(row) == hashlib.sha256(text).hexdigest()


rows = st.fixed_dictionaries(
    {
        name: st.integers(0, 12) if kind is int else st.text("12 \nkey", max_size=4)
        for name, kind in COLUMNS.items()
        if name != "hash"
    }
)


@given(rows, rows)
def test_other_rows_have_other_hashes(one, other):
    same = hash_of(one | {"hash": ""}) == hash_of(other | {"hash": ""})
    assert same == (one == other)


def test_a_text_is_not_the_number_it_shows():
    """Types are held apart before hashes are: see `well_typed`."""
    assert hash_of(ROW) == hash_of(ROW | {"revision": "2"})


json_data = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(codec="utf-8"), max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("ab预\0"), inner),
    max_leaves=8,
)  # fmt: skip


@given(st.dictionaries(st.text("abé", max_size=3), json_data))
def test_data_come_back_and_their_order_does_not_count(data):
    text = body_text(data)
    assert json.loads(text) == data
    assert body_text(dict(reversed(data.items()))) == text
    assert "\0" not in text


@pytest.mark.parametrize(
    "data", [{"x": float("nan")}, {"x": float("inf")}, {"x": dt.date(2026, 1, 1)}, {"x": "\ud800"},
             {1: 2, "a": 3}, [1], None, "text"],
)  # fmt: skip
def test_data_that_json_cannot_hold(data):
    with pytest.raises(InputError, match="cannot be recorded"):
        body_text(data)


def test_an_entry_as_plain_data(ledger):
    with ledger.transaction("Ann") as t:
        entry = t.add("note", {"x": [1]}, week=dt.date(2026, 11, 23))
    plain = json.loads(json.dumps(entry.to_dict()))
    assert plain["data"] == {"x": [1]}
    assert plain["week"] == "2026-11-23"
    assert plain["at"] == "2026-11-20T15:00:00.000000+00:00"
    assert list(plain) == [*list(COLUMNS)[:8], "data", "previous", "hash"]


def test_a_time_zone_does_not_count(file):
    """A process elsewhere records at the same moment, and reads the same."""
    zone = dt.timezone(dt.timedelta(hours=8))
    moment = dt.datetime(2026, 11, 20, 23, 0, tzinfo=zone)
    with Ledger.open(file, clock=lambda: moment).transaction("Ann") as t:
        made = t.add("note", {})
    assert made.at == dt.datetime(2026, 11, 20, 15, 0, tzinfo=dt.UTC)
    code = (
        "import sys; from budgetopt.ledger import Ledger\n"
        "e = Ledger.open(sys.argv[1]).entries()[0]; print(e.at.isoformat(), e.hash)"
    )
    env = os.environ | {"TZ": "America/Los_Angeles", "LC_ALL": "C"}
    run = subprocess.run(
        [sys.executable, "-c", code, file], capture_output=True, check=True, env=env, text=True
    )
    assert run.stdout.split() == ["2026-11-20T15:00:00+00:00", made.hash]


def test_every_kind_is_a_word():
    assert len(set(KINDS)) == len(KINDS)
    assert all(kind.isalpha() for kind in KINDS)
