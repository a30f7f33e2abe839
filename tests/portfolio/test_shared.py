"""One budget for many accounts: against every split of it, under limits, and whoever fails."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest
from tests.portfolio.test_portfolio import accounts, folder, history, nightly, plan  # noqa: F401

import budgetopt as bo
from budgetopt.belief import learn
from budgetopt.portfolio import Account, Portfolio
from budgetopt.portfolio import portfolio as room


def shop(n, **changes):
    return Account(f"shop {n}", plan(max_change="none", value=1, **changes), history(n))


@pytest.fixture(scope="module")
def shops():
    return [shop(n, budget=3000 + 100 * n) for n in range(3)]


@pytest.fixture(scope="module")
def night(shops):
    return Portfolio(shops).reallocate(shared=9000, policy="posterior-mean")


def best(account, budgets):
    """What the best split of an account brings, by another way than its frontier."""
    belief = learn(account.history, account.plan)
    splits = [bo.allocate(replace(account.plan, budget=int(b)), belief) for b in budgets]
    return np.array([split.outcome for split in splits])


def test_no_split_of_the_budget_brings_more():
    pair = [shop(0, budget=2000), shop(5, budget=5000)]
    night = Portfolio(pair).reallocate(shared=6000, policy="posterior-mean")
    first = np.arange(0, 6001, 60)
    total = best(pair[0], first) + best(pair[1], 6000 - first)
    shares = night.shares.spend
    assert sum(shares.values()) == 6000
    found = sum(row["outcome"] for row in night.accounts)
    assert found >= (1 - 5e-4) * total.max()
    assert float(shares["shop 0"]) == pytest.approx(first[total.argmax()], rel=0.15)


def test_each_account_is_decided_at_its_share(shops, night):
    shares = night.shares.spend
    assert sum(shares.values()) == 9000
    for account, row in zip(shops, night.accounts, strict=True):
        share = shares[account.key]
        alone = bo.reallocate(
            account.plan,
            account.history,
            policy="posterior-mean",
            change=bo.Change(budget=str(share)),
        )
        assert Decimal(row["budget"]) == share
        assert row["outcome"] == alone.allocation.outcome


def test_limits_of_accounts_are_those_of_channels(shops):
    limits = [bo.Limit.group("north", {"region": "north"}, at_most=4000)]
    names = [one.key for one in shops]
    channels = [
        bo.Channel(names[0], labels={"region": "north"}, floor=1500),
        bo.Channel(names[1], labels={"region": "north"}),
        bo.Channel(names[2], cap=3500),
    ]
    total = bo.Plan(
        budget=8000, currency="CNY", channels=channels, limits=limits, max_change="none", step=100
    )
    spend = Portfolio(shops).reallocate(shared=total).shares.spend
    assert spend[names[0]] >= 1500
    assert spend[names[2]] <= 3500
    assert spend[names[0]] + spend[names[1]] <= 4000
    assert all(money % 100 == 0 for money in spend.values())
    moved = replace(
        total, budget=9700, max_change="10%", limits=(), channels=[bo.Channel(n) for n in names]
    )
    spend = Portfolio(shops).reallocate(shared=moved).shares.spend
    for account in shops:
        last = float(account.history.spend[-1].sum())
        assert abs(float(spend[account.key]) - last) <= 0.1 * last + 0.01


def test_floors_of_an_account_are_paid_by_its_share(shops):
    dear = shop(7, channels=[bo.Channel("search", floor=4000), *plan().channels[1:]], budget=4500)
    spend = Portfolio([*shops, dear]).reallocate(shared=7000).shares.spend
    assert spend["shop 7"] >= 4000
    with pytest.raises(bo.InfeasibleError):
        Portfolio([*shops, dear]).reallocate(shared=3000)


def test_who_fails_keeps_its_own_budget(shops):
    poisoned = Account("poisoned", plan(budget=2500), None)
    unread = Account("unread", "nowhere.toml", "nowhere.csv")
    some = Portfolio([poisoned, *shops, unread]).reallocate(shared=10_000)
    assert [row["status"] for row in some.accounts] == ["failed", *["decided"] * 3, "failed"]
    spend = some.shares.spend
    assert (spend["poisoned"], spend["unread"]) == (2500, 0)
    assert sum(Decimal(row["budget"]) for row in some.accounts[1:4]) == 7500
    twins = Portfolio([*shops, shops[0]]).reallocate(shared=10_000)
    assert [row["status"] for row in twins.accounts] == [*["decided"] * 3, "failed"]
    assert twins.accounts[3]["code"] == "bad-name"
    assert sum(Decimal(row["budget"]) for row in twins.accounts[:3]) == 10_000
    assert Portfolio([poisoned]).reallocate(shared=10_000).shares is None
    assert Portfolio([]).reallocate(shared=10_000).accounts == ()


@pytest.mark.parametrize(
    ("changes", "shared", "code", "field"),
    [
        ({"currency": "EUR"}, 9000, "bad-plan", "currency"),
        ({"outcome": "leads", "value": None, "outcome_unit": 1}, 9000, "bad-plan", "outcome"),
        ({"weeks": 8}, 9000, "bad-argument", "week"),
        ({}, "nothing", "bad-money", "budget"),
        ({}, bo.Plan(budget=9, currency="CNY", channels=[bo.Channel("a")]), "unknown-name",
         "shared"),
        ({}, bo.Plan(budget=9000, currency="CNY", max_change="none", channels=[
            bo.Channel("other", cap=100), *(bo.Channel(f"shop {n}") for n in range(3))
        ]), "bounds-clash", "channels.other.cap"),
    ],
)  # fmt: skip
def test_what_cannot_be_shared_is_refused(shops, changes, shared, code, field):
    weeks = changes.pop("weeks", 9)
    floor = [bo.Channel("search", floor=200), *plan().channels[1:]]
    other = replace(shops[0].plan, channels=floor, **changes)
    other = Account("other", other, history(9, weeks))
    with pytest.raises(bo.BudgetoptError) as caught:
        Portfolio([*shops, other]).reallocate(shared=shared)
    assert (caught.value.code, caught.value.field) == (code, field)
    caught.value.explain("zh")


def test_any_executor_and_a_store_give_the_same(shops, night, tmp_path):
    with ThreadPoolExecutor(2) as pool:
        for _ in range(2):
            again = Portfolio(iter(shops)).reallocate(
                shared=9000, policy="posterior-mean", executor=pool, chunk=1, store=tmp_path
            )
            assert again == night
    # What was decided with one share is not taken for another.
    more = Portfolio(shops).reallocate(shared=9900, policy="posterior-mean", store=tmp_path)
    assert sum(Decimal(row["budget"]) for row in more.accounts) == 9900


def test_the_command_shares_a_budget(folder, tmp_path, capsys):  # noqa: F811
    out = tmp_path / "out"
    assert nightly(folder, out, "--shared", "12000") == 0
    assert "12,000 CNY shared by 4 accounts: 12,000 given out, 0 left over" in (
        capsys.readouterr().out.replace(".00", "")
    )
    table = pd.read_csv(out / "accounts.csv", dtype=str)
    assert table["budget"].map(Decimal).sum() == 12000
    total = tmp_path / "total.toml"
    names = "".join(f'[[channels]]\nname = "shop {n}"\n' for n in range(4))
    total.write_text(f'currency = "CNY"\nbudget = 12000\nmax_change = "none"\n{names}', "utf-8")
    assert nightly(folder, tmp_path / "two", "--shared", str(total)) == 0
    files = (tmp_path / "two" / "accounts.csv", out / "accounts.csv")
    assert files[0].read_bytes() == files[1].read_bytes()
    assert nightly(folder, tmp_path / "three", "--shared", "much") == 2


def test_who_fails_once_is_not_decided_with_what_was_set_aside(shops, monkeypatch):
    def broken(account, *rest):
        if account == "shop 1":
            raise RuntimeError("once")
        return line_of(account, *rest)

    line_of = room.line_of
    monkeypatch.setattr(room, "line_of", broken)
    some = Portfolio(shops).reallocate(shared=10_000)
    row = some.accounts[1]
    assert (row["status"], row["code"], row["message"]) == (
        "failed",
        "internal",
        "RuntimeError: once",
    )
    assert some.shares.spend["shop 1"] == shops[1].plan.budget
