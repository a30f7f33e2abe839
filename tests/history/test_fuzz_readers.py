"""Spoilt exports end in typed errors, and soon; `benchmarks/fuzz_readers.py` runs many more."""

import collections
import os
import time

import fuzz_readers
import pytest

from budgetopt.errors import HistoryError
from budgetopt.history import History, recognise


@pytest.mark.parametrize("block", range(4))
def test_spoilt_exports_end_in_typed_errors(tmp_path, block):
    tally = collections.Counter()
    for seed in range(80 * block, 80 * block + 80):
        verdict, text = fuzz_readers.judge(seed, tmp_path)
        assert verdict not in ("untyped", "late", "large"), f"seed {seed}: {text}"
        tally[verdict.split(" as ")[0]] += 1
    # Not all are refused, and not all for one reason.
    assert tally["read"] > 3
    assert len(tally) > 3


def test_spoilt_files_of_our_own_end_in_typed_errors(tmp_path):
    tally = collections.Counter()
    for seed in range(200):
        verdict, text = fuzz_readers.judge(seed, tmp_path, "own")
        assert verdict not in ("untyped", "late", "large"), f"seed {seed}: {text}"
        tally[verdict] += 1
    assert sum(count for verdict, count in tally.items() if verdict.startswith("read")) > 5
    assert len(tally) > 6


def test_odd_frames_end_in_typed_errors(tmp_path):
    tally = collections.Counter()
    for seed in range(300):
        verdict, text = fuzz_readers.judge(seed, tmp_path, "frames")
        assert verdict not in ("untyped", "late", "large"), f"seed {seed}: {text}"
        tally[verdict] += 1
    assert sum(count for verdict, count in tally.items() if verdict.startswith("read")) > 30
    assert len(tally) > 6


def test_spoilt_ledgers_end_in_typed_errors(tmp_path):
    tally = collections.Counter()
    for seed in range(200):
        verdict, text = fuzz_readers.judge(seed, tmp_path, "ledgers")
        assert verdict not in ("untyped", "late", "large"), f"seed {seed}: {text}"
        tally[verdict] += 1
    assert tally["read ledger"] > 10
    assert len(tally) > 2


@pytest.mark.parametrize("name", ["a.csv", "a.tsv", "a.xlsx", "a.parquet"])
@pytest.mark.parametrize("read", [History.read, recognise])
def test_a_sparse_file_of_two_gigabytes_is_refused_without_being_read(tmp_path, name, read):
    path = tmp_path / name
    path.touch()
    os.truncate(path, 2 * 2**30)
    began = time.process_time()
    with pytest.raises(HistoryError, match="too large"):
        read(path)
    assert time.process_time() - began < 5


@pytest.mark.parametrize("name", ["no.csv", "no.xlsx", "no.parquet", "no.pdf"])
def test_what_is_not_there_is_said_before_it_is_recognised(tmp_path, name):
    with pytest.raises(HistoryError, match="not there"):
        recognise(tmp_path / name)
    (tmp_path / name).write_bytes(b"")
    with pytest.raises(HistoryError, match=r"empty|supported"):
        recognise(tmp_path / name)
