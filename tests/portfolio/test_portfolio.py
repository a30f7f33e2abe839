"""Many accounts in one call: each as if it were alone, whatever happens to the others."""

import os
import signal
import subprocess
import sys
import time
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from shutil import copytree

import numpy as np
import pandas as pd
import pytest

import budgetopt as bo
from budgetopt.belief import Restart, learn
from budgetopt.cli import main
from budgetopt.portfolio import Account, Folder, Portfolio
from budgetopt.portfolio import portfolio as room

NAMES = ("search", "feed", "kol")
FIRST = np.datetime64("2026-01-05")


def plan(**changes):
    return bo.Plan(**{
        "budget": 3000, "currency": "CNY", "channels": [bo.Channel(name) for name in NAMES],
        "name": "shop",
    } | changes)  # fmt: skip


def history(seed, weeks=9):
    rng = np.random.default_rng(seed)
    spend = np.round(rng.uniform(300, 1500, (weeks, 3)), 2)
    outcome = np.round(np.array([2.0, 1.5, 3.0]) * spend**0.7 * rng.lognormal(0, 0.1, (weeks, 3)))
    days = FIRST + 7 * np.arange(weeks)
    return bo.History(NAMES, days, spend, outcome=outcome)


def before(past, weeks=1):
    return bo.History(
        past.channels, past.weeks[:-weeks], past.spend[:-weeks], outcome=past.outcome[:-weeks]
    )


@pytest.fixture(scope="module")
def accounts():
    return [Account(f"shop {n}", plan(budget=3000 + 100 * n), history(n)) for n in range(4)]


@pytest.fixture(scope="module")
def night(accounts):
    return Portfolio(accounts).reallocate(seed=3)


def test_each_account_is_what_reallocate_answers(accounts, night):
    rows = iter(night.channels)
    for account, row in zip(accounts, night.accounts, strict=True):
        one = bo.reallocate(account.plan, account.history, seed=3)
        split = one.allocation
        assert (row["account"], row["status"], row["code"]) == (account.key, "decided", "")
        assert row["week"] == str(one.week.start)
        assert (row["outcome"], row["objective"], row["bound"], row["gap"]) == (
            split.outcome, split.objective, split.bound, split.gap
        )  # fmt: skip
        assert (row["low"], row["high"]) == (split.spread.low, split.spread.high)
        assert Decimal(row["budget"]) == split.budget
        for move in one.moves:
            told = next(rows)
            assert told["account"] == account.key
            assert (told["channel"], Decimal(told["spend"]), Decimal(told["last"])) == (
                move.channel, move.after, move.before
            )  # fmt: skip
            assert (Decimal(told["change"]), told["reason"]) == (move.change, move.reason)
    assert next(rows, None) is None
    assert night.status()["account"].tolist() == [one.key for one in accounts]
    spends = night.spends().groupby("account")["spend"].sum()
    assert spends["shop 2"] == Decimal("3200.00")


def test_a_night_after_another_goes_on_to_the_bit(tmp_path, accounts, night):
    earlier = [replace(one, history=before(one.history)) for one in accounts]
    learned = []
    Portfolio(earlier).reallocate(store=tmp_path, seed=3)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            room, "learn", lambda *a, **kw: learned.append(kw["earlier"]) or learn(*a, **kw)
        )
        assert Portfolio(accounts).reallocate(store=tmp_path, seed=3) == night
        assert [one.inputs.days.size for one in learned] == [8] * 4
        # Once more is nothing new, in any order, and needs nothing to be learned.
        learned.clear()
        again = Portfolio(accounts[::-1]).reallocate(store=Folder(tmp_path), seed=3, chunk=3)
        assert again.accounts == night.accounts[::-1]
        assert learned == []
        # Another seed is another decision from the same belief.
        Portfolio(accounts[:1]).reallocate(store=tmp_path, seed=4)
        assert [one.inputs.days.size for one in learned] == [9]


@pytest.mark.parametrize("change", ["revised", "budget", "channel", "version", "cut", "flipped"])
def test_what_is_kept_is_used_for_nothing_else(tmp_path, accounts, change, monkeypatch):
    """Other weeks, another plan, another version or a damaged file: learned anew, as alone."""
    account = accounts[0]
    Portfolio([replace(account, history=before(account.history))]).reallocate(store=tmp_path)
    (file,) = (path for path in tmp_path.rglob("*") if path.is_file())
    raw = bytearray(file.read_bytes())
    if change == "revised":
        spend = np.array(account.history.spend)
        spend[0, 0] += 100
        past = bo.History(NAMES, account.history.weeks, spend, outcome=account.history.outcome)
        account = replace(account, history=past)
    elif change == "budget":
        account = replace(account, plan=plan(budget=6000))
    elif change == "channel":
        account = replace(account, plan=plan(channels=[bo.Channel(name) for name in NAMES[::-1]]))
    elif change == "version":
        monkeypatch.setattr("budgetopt.belief.saved.VERSION", "0")
    elif change == "cut":
        file.write_bytes(raw[: len(raw) // 2])
    else:
        raw[-5000] ^= 1
        file.write_bytes(raw)
    found = Portfolio([account]).reallocate(store=tmp_path)
    one = bo.reallocate(account.plan, account.history)
    assert found.accounts[0]["outcome"] == one.allocation.outcome
    assert [Decimal(row["spend"]) for row in found.channels] == list(one.allocation.spend.values())


def test_a_restart_is_the_state_to_the_bit(accounts):
    belief = learn(before(accounts[0].history, 2), accounts[0].plan)
    data = Restart.to_bytes(belief)
    restart = Restart.from_bytes(data)
    assert restart.inputs.goes_on(belief.walked.inputs)
    assert belief.walked.inputs.goes_on(restart.inputs)
    whole = learn(accounts[0].history, accounts[0].plan)
    for earlier in (belief, restart):
        gone_on = learn(accounts[0].history, accounts[0].plan, earlier=earlier)
        assert Restart.to_bytes(gone_on) == Restart.to_bytes(whole)
        assert np.array_equal(gone_on.posterior.chance, whole.posterior.chance)


class Poisoned(Account):
    """An account that fails as none should."""

    def load(self):
        raise ZeroDivisionError("poison")


def test_an_account_that_fails_is_a_row(accounts, night, tmp_path):
    alone = accounts[0]
    wrong = {
        "infeasible": (
            replace(alone, key="a", plan=plan(channels=[bo.Channel(n, floor=2000) for n in NAMES])),
            "floors-above-budget",
        ),
        "poison": (Poisoned("b", None, None), "internal"),
        "file": (Account("c", tmp_path / "none.toml", tmp_path / "none.csv"), "bad-file"),
        "plan": (Account("d", None, alone.history), "no-data"),
        "history": (Account("e", alone.plan, None), "no-data"),
        "twice": (alone, "bad-name"),
    }
    mixed = [*accounts, *(account for account, _ in wrong.values())]
    found = Portfolio(iter(mixed)).reallocate(seed=3, store=tmp_path / "store")
    assert found.accounts[:4] == night.accounts
    assert found.channels == night.channels
    assert [row["code"] for row in found.failed] == [code for _, code in wrong.values()]
    assert all(row["message"] for row in found.failed)
    assert found.failed[1]["message"] == "ZeroDivisionError: poison"
    assert found.share_failed == 0.6
    assert found.status()["outcome"].isna().sum() == 6
    chinese = Portfolio([wrong["plan"][0]]).reallocate(language="zh")
    assert "该账户没有计划" in chinese.failed[0]["message"]


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({"chunk": 0}, "bad-argument"),
        ({"chunk": None}, "bad-argument"),
        ({"policy": "thomson"}, "unknown-name"),
        ({"language": "fr"}, "bad-argument"),
        ({"store": 3}, "bad-argument"),
    ],
)
def test_what_no_account_could_use_is_refused(accounts, given, code):
    with pytest.raises(bo.BudgetoptError) as caught:
        Portfolio(accounts).reallocate(**given)
    assert caught.value.code == code


class Losing(ThreadPoolExecutor):
    """Loses every second piece of work, as if its worker had died."""

    lost = 0

    def submit(self, call, *args):
        self.lost += 1
        if self.lost % 2:
            future = Future()
            future.set_exception(BrokenProcessPool("gone"))
            return future
        return super().submit(call, *args)


@pytest.mark.parametrize("chunk", [1, 3])
def test_any_executor_gives_the_same(accounts, night, chunk):
    with Losing(2) as pool:
        assert Portfolio(accounts).reallocate(seed=3, executor=pool, chunk=chunk) == night
        assert pool.lost >= 2


def test_a_long_frame(accounts, night):
    frame = pd.concat([one.history.to_frame().assign(account=one.key) for one in accounts])
    columns = bo.Columns(outcome="outcome")
    plans = {one.key: plan(budget=one.plan.budget, columns=columns) for one in accounts}
    found = Portfolio.from_frame(frame.sample(frac=1, random_state=1), plans).reallocate(seed=3)
    assert found == night
    del plans["shop 1"]
    plans["new"] = plan()
    some = Portfolio.from_frame(frame, plans).reallocate(seed=3)
    assert {row["account"]: row["code"] for row in some.failed} == {
        "shop 1": "no-data", "new": "no-data"
    }  # fmt: skip
    with pytest.raises(bo.InputError, match="no column 'shop'"):
        Portfolio.from_frame(frame, plans, account="shop")


@pytest.fixture
def folder(tmp_path, accounts):
    for account in accounts:
        part = tmp_path / "accounts" / account.key
        part.mkdir(parents=True)
        (part / "plan.toml").write_text(
            f'name = "shop"\ncurrency = "CNY"\nbudget = {account.plan.budget}\n'
            + "".join(f'[[channels]]\nname = "{name}"\n' for name in NAMES),
            "utf-8",
        )
        account.history.to_frame().to_csv(part / "history.csv", index=False)
    return tmp_path / "accounts"


def nightly(folder, out, *more):
    with pytest.raises(SystemExit) as ended:
        main(["nightly", str(folder), "--out", str(out), "--as-of", "2026-03-10", *more])
    return ended.value.code or 0


def test_the_command_and_its_exit_codes(folder, tmp_path, accounts, capsys):
    out = tmp_path / "out"
    assert nightly(folder, out) == 0
    assert "4 accounts, 0 of them failed" in capsys.readouterr().out
    files = {name: (out / name).read_bytes() for name in ("accounts.csv", "channels.csv")}
    table = pd.read_csv(out / "accounts.csv", dtype={"budget": str})
    assert table["account"].tolist() == [one.key for one in accounts]
    assert table["budget"].tolist() == [f"{3000 + 100 * n}.00" for n in range(4)]
    assert nightly(folder, out) == 0
    assert {name: (out / name).read_bytes() for name in files} == files
    (folder / "shop 1" / "plan.toml").write_text("budget = 1", "utf-8")
    capsys.readouterr()
    assert nightly(folder, out) == 7
    assert "shop 1: " in capsys.readouterr().out
    assert nightly(folder, out, "--accept-failed", "0.25") == 0
    for account in accounts:
        (folder / account.key / "plan.toml").unlink()
    assert nightly(folder, out) == 2
    assert nightly(tmp_path / "none", out) == 2


def test_a_history_that_ended_long_ago_is_not_decided_in_silence(folder, tmp_path, capsys):
    out = tmp_path / "out"
    for _ in range(2):
        # The second night finds everything in the store.
        with pytest.raises(SystemExit) as ended:
            main(["nightly", str(folder), "--out", str(out), "--as-of", "2026-12-01"])
        assert ended.value.code == 7
        assert "4 accounts were decided by a history that ended long ago" in capsys.readouterr().out
        table = pd.read_csv(out / "accounts.csv")
        assert set(table["status"]) == {"decided"}
        assert set(table["code"]) == {"data-stale"}
        assert set(table["data_through"]) == {"2026-03-08"}
        assert table["message"].str.contains("2026-03-08").all()
    assert nightly(folder, out) == 0
    assert pd.read_csv(out / "accounts.csv")["code"].isna().all()


def test_what_a_decision_notes_is_in_its_row(accounts, night):
    row = night.accounts[0]
    notes = bo.reallocate(accounts[0].plan, accounts[0].history, seed=3).notes
    assert row["notes"].splitlines() == list(notes)


@pytest.mark.slow
@pytest.mark.parametrize("more", [[], ["--pool"]])
def test_killed_at_any_moment_it_resumes_to_the_same_bytes(folder, tmp_path, more):
    calm, out = tmp_path / "calm", tmp_path / "out"
    for n in range(4 if more else 0):
        copytree(folder / f"shop {n}", folder / f"sister {n}")
    words = [sys.executable, "-m", "budgetopt", "nightly", str(folder), *more]
    words += ["--as-of", "2026-03-10"]
    subprocess.run([*words, "--out", str(calm)], check=True)
    expected = {name: (calm / name).read_bytes() for name in ("accounts.csv", "channels.csv")}
    kept, wait, killed = 0, 0.1, 0
    while kept < len(list(folder.iterdir())):
        run = subprocess.Popen(
            [*words, "--out", str(out), "--workers", "2"], start_new_session=True
        )
        deadline = time.monotonic() + wait
        while run.poll() is None and time.monotonic() < deadline:
            time.sleep(0.01)
        if run.poll() is None:
            os.killpg(run.pid, signal.SIGKILL)
            killed += 1
        run.wait()
        wait += 0.3
        store = out / "store"
        kept = sum(path.is_file() for path in store.rglob("*")) if store.exists() else 0
    assert killed
    subprocess.run([*words, "--out", str(out), "--workers", "2"], check=True)
    assert {name: (out / name).read_bytes() for name in expected} == expected
    assert not list(Path(out).rglob("*.csv.*"))
