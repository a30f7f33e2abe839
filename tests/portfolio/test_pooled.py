"""Priors that like accounts lend each other: by hand, as declared, by any executor and order."""

import math
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from shutil import copytree

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import budgetopt as bo
from budgetopt.belief import learn
from budgetopt.plan import ChannelPrior
from budgetopt.portfolio import Account, Portfolio
from budgetopt.portfolio.pooled import LEARNED, ChannelLesson, Lesson, lent, lesson_of, with_lent

from .test_portfolio import NAMES, Poisoned, history, nightly, plan
from .test_portfolio import accounts as accounts
from .test_portfolio import folder as folder


def known(account, name="search", roas=(0.0, 0.04), weeks=40, **more):
    about = {"labels": frozenset(), "saturation": (0.5, 0.3), "declared": False}
    brings = math.exp(roas[0] + roas[1] / 2)
    return ChannelLesson(account, name, weeks=weeks, roas=roas, brings=brings, **about | more)


def lesson(account, *channels, like="", share=1000.0):
    return Lesson(account, (like, "CNY", ""), share, channels)


def others(count, **more):
    return [lesson(f"a{n}", known(f"a{n}", **more)) for n in range(count)]


def test_the_formula_by_hand():
    levels = (0.1, 0.3, 0.5, 0.2, 0.4)
    given = [lesson(f"a{n}", known(f"a{n}", roas=(y, 0.04))) for n, y in enumerate(levels)]
    found = lent([*given, lesson("new", known("new", roas=(2.0, 0.5), weeks=4), share=200.0)])
    # Mean 0.3; 0.04 and the variance 0.02 of the five make 0.06, and (1 + 5 · 0.06) / 6 = 0.2167.
    prior = found["new"]["search"]
    assert prior.roas == pytest.approx(math.exp(0.3))
    assert prior.roas_sd == pytest.approx(math.sqrt(1.3 / 6))
    # Saturation is in shares of 200; (1 + 5 · 0.3) / 6.
    assert prior.saturation == pytest.approx(200 * math.exp(0.5))
    assert prior.saturation_sd == pytest.approx(math.sqrt(2.5 / 6))


def test_a_few_accounts_or_unlike_ones_lend_nothing_to_a_channel_with_weeks():
    new = lesson("new", known("new", weeks=4))
    assert lent([*others(6), new])["new"]
    assert "new" not in lent([*others(2), new])
    unlike = [lesson(f"a{n}", known(f"a{n}", roas=(1.5 * (-1) ** n, 0.04))) for n in range(6)]
    assert "new" not in lent([*unlike, new])
    assert "new" not in lent([*(replace_like(one, "bars") for one in others(6)), new])
    assert "new" not in lent([*others(6), lesson("new", known("new", weeks=LEARNED))])
    assert "new" not in lent([*others(6), lesson("new", known("new", weeks=4, declared=True))])


def replace_like(one, like):
    return one._replace(like=(like, *one.like[1:]))


def test_siblings_go_by_name_and_then_by_labels():
    video, text = frozenset({("kind", "video")}), frozenset({("kind", "text")})
    given = [
        lesson(f"a{n}", known(f"a{n}", "feed", (1.0, 0.04), labels=video),
               known(f"a{n}", "mail", (-1.0, 0.04), labels=text)) for n in range(6)
    ]  # fmt: skip
    new = [known("new", name, labels=video, weeks=4) for name in ("mail", "shorts")]
    bare = known("new", "radio", weeks=4)
    found = lent([*given, lesson("new", *new, bare)])["new"]
    assert found["mail"].roas == pytest.approx(math.exp(-1))
    assert found["shorts"].roas == pytest.approx(math.exp(1))
    assert "radio" not in found


@settings(max_examples=40)
@given(st.lists(st.tuples(st.floats(-2, 2), st.floats(0.01, 1)), min_size=1, max_size=6),
       st.randoms())  # fmt: skip
def test_what_is_new_is_never_above_the_best_known_and_order_decides_nothing(levels, random):
    given = [lesson(f"a{n}", known(f"a{n}", roas=each)) for n, each in enumerate(levels)]
    given.append(lesson("new", known("new", weeks=0)))
    found = lent(given)
    prior = found["new"]["search"]
    expected = prior.roas * math.exp(prior.roas_sd**2 / 2)
    assert expected <= max(one.channels[0].brings for one in given[:-1]) * (1 + 1e-12)
    random.shuffle(given)
    assert lent(given) == found


@pytest.fixture(scope="module")
def family():
    past = history(20, 30)
    few = bo.History(past.channels, past.weeks[-3:], past.spend[-3:], outcome=past.outcome[-3:])
    young = Account("new", plan(budget=3300), few)
    return [*(Account(f"old {n}", plan(budget=3000 + 50 * n), history(n, 30)) for n in range(6)),
            young]  # fmt: skip


@pytest.fixture(scope="module")
def pooled(family):
    return Portfolio(family).reallocate(seed=3, pool=True)


def test_it_is_what_reallocate_answers_on_a_plan_that_declares_the_priors(family, pooled):
    new = family[-1]
    told = with_lent(new.plan, pooled.lent["new"])
    assert [c.prior for c in told.channels] == [pooled.lent["new"][n] for n in NAMES]
    decision = bo.reallocate(told, new.history, seed=3)
    rows = {r["channel"]: r["spend"] for r in pooled.channels if r["account"] == "new"}
    assert rows == {name: str(a) for name, a in decision.allocation.spend.items()}
    assert "like accounts" in pooled.accounts[-1]["notes"]
    assert Portfolio(family).reallocate(seed=3).lent is None


def test_the_same_bits_by_any_executor_order_and_store(family, pooled, tmp_path):
    with ProcessPoolExecutor(2) as hands:
        assert Portfolio(family).reallocate(seed=3, pool=True, executor=hands, chunk=2) == pooled
    turned = Portfolio(family[::-1]).reallocate(seed=3, pool=True, store=tmp_path)
    assert turned.accounts[::-1] == pooled.accounts
    for _ in range(2):
        assert Portfolio(family).reallocate(seed=3, pool=True, store=tmp_path) == pooled
    # A night without the pool finds what each learned alone, and no trace of what was lent.
    alone = Portfolio(family).reallocate(seed=3)
    assert Portfolio(family).reallocate(seed=3, store=tmp_path) == alone
    assert Portfolio(family).reallocate(seed=3, pool=True, store=tmp_path) == pooled


def test_a_poisoned_account_is_only_missing_from_the_pool(family, pooled):
    sick = Poisoned("sick", None, None)
    found = Portfolio([sick, *family]).reallocate(seed=3, pool=True)
    assert found.failed[0]["message"] == "ZeroDivisionError: poison"
    assert found.accounts[1:] == pooled.accounts
    assert found.channels == pooled.channels


def test_accounts_of_another_kind_lend_nothing(family):
    kinds = [replace(one, like="grocers" if one.key == "new" else "bars") for one in family]
    assert "new" not in Portfolio(kinds).reallocate(seed=3, pool=True).lent


def test_a_shared_budget_is_split_by_what_was_lent_too(family):
    found = Portfolio(family).reallocate(seed=3, pool=True, shared=20_000)
    assert found.lent["new"]
    assert not found.failed
    assert found.shares.total <= 20_000


def test_what_a_lesson_says(family):
    one = family[0]
    belief = learn(one.history, one.plan)
    said = lesson_of(one.key, None, one.plan, belief).channels
    bands = belief.response(belief.reference)
    for at, channel in enumerate(said):
        assert channel.weeks == 30
        assert channel.brings == pytest.approx(float(bands.mean[at]) / belief.reference)
        assert bands.low[at] < math.exp(channel.roas[0]) * belief.reference < bands.high[at]


def test_a_prior_of_its_own_stays():
    own = plan(channels=[bo.Channel(n, prior=ChannelPrior(noise=0.3)) for n in NAMES])
    told = with_lent(own, {"feed": ChannelPrior(roas=2.0, saturation=300.0, noise=0.1)})
    assert [c.prior.noise for c in told.channels] == [0.3] * 3
    assert told.channels[1].prior.roas == 2.0


def test_the_command_pools(folder, tmp_path):
    for n in range(4):
        copytree(folder / f"shop {n}", folder / f"sister {n}")
    assert nightly(folder, tmp_path / "alone") == 0
    assert nightly(folder, tmp_path / "pooled", "--pool") == 0
    texts = [(tmp_path / n / "accounts.csv").read_text("utf-8") for n in ("alone", "pooled")]
    assert ["like accounts" in text for text in texts] == [False, True]
    assert nightly(folder, tmp_path / "pooled", "--pool") == 0
    assert (tmp_path / "pooled" / "accounts.csv").read_text("utf-8") == texts[1]


def test_a_channel_never_tried_is_believed_nearer_to_what_it_brings():
    missed = []
    for seed in range(4):
        rng = np.random.default_rng(seed)
        top = np.array([1500.0, 2000.0, 9000.0]) * rng.lognormal(0, 0.1, 3)

        def past(weeks, top=top, rng=rng, tried=3):
            spend = np.round(rng.uniform(700, 1300, (weeks, 3)), 2)
            spend[:, tried:] = 0
            brought = top * -np.expm1(-spend / 1000) * rng.lognormal(0, 0.2, (weeks, 3))
            days = np.datetime64("2026-01-05") - 7 * np.arange(weeks, 0, -1)
            return bo.History(NAMES, days, spend, outcome=np.round(brought, 2))

        few = past(4, tried=2)
        each = [(f"a{n}", past(30)) for n in range(3)] + [("new", few)]
        lessons = [
            lesson_of(key, None, plan(), learn(given, plan(), carryovers=False))
            for key, given in each
        ]
        told = with_lent(plan(), lent(lessons)["new"])
        truth = top[2] * -math.expm1(-1)
        found = [learn(few, p, carryovers=False).mean().value([1000.0] * 3)[2] for p in
                 (plan(), told)]  # fmt: skip
        missed.append([abs(math.log(one / truth)) for one in found])
    alone, pooled = np.mean(missed, axis=0)
    assert pooled < 0.15 < 0.5 < alone


def test_a_year_of_weeks_is_not_moved():
    accounts = [Account(f"a{n}", plan(), history(n, 60 if n == 0 else 20)) for n in range(6)]
    alone, pooled = (Portfolio(accounts).reallocate(seed=3, pool=pool) for pool in (False, True))
    assert "a0" not in pooled.lent
    assert alone.accounts[0] == pooled.accounts[0]
    assert alone.accounts[1] != pooled.accounts[1]
