"""A plan with some weeks behind it in a ledger, for the pages that are made of one."""

from decimal import Decimal

import pytest

import budgetopt as bo
from budgetopt.workflow import state_of

from ..workflow.helpers import FIRST, WEEK, after, history, ledger, plan, run

REVENUE = {"outcome": "revenue", "name": "shop", "max_change": "30%"}


@pytest.fixture(scope="session")
def lived(tmp_path_factory):
    """Three weeks decided, two applied, one of them edited; and the history by then."""
    declared, past = plan(**REVENUE), history()
    book = ledger(tmp_path_factory.mktemp("memo"))
    for week in (FIRST, FIRST + WEEK):
        run(book, declared, past, today=week)
        if week > FIRST:
            proposed = Decimal(state_of(book, week).current.data["spend"]["feed"])
            less, why = {"feed": proposed - 1}, "brand <b>terms</b> are dear"
            bo.edit(book, declared, past, week, less, who="ann", why=why)
        bo.approve(book, declared, week, who="ann")
        spent = bo.apply(book, declared, week, who="ann").applied.data["spend"]
        past = after(past, {name: float(money) + 1.25 for name, money in spent.items()})
    run(book, declared, past, today=FIRST + 2 * WEEK)
    return declared, book, past
