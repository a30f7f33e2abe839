import datetime as dt

import pytest

from budgetopt.ledger import Ledger


class Clock:
    """A clock that is set by hand."""

    def __init__(self):
        self.now = dt.datetime(2026, 11, 20, 15, 0, tzinfo=dt.UTC)

    def __call__(self):
        return self.now

    def forward(self, **by):
        self.now += dt.timedelta(**by)


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def where(tmp_path):
    return tmp_path / "budget.ledger"


@pytest.fixture
def ledger(where, clock):
    return Ledger.open(where, clock=clock)
