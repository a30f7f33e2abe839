"""The loop: closed forms, the live week's answers, one past for each policy, typed errors."""

import os
from concurrent.futures import BrokenExecutor, Executor, Future, ProcessPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from multiprocessing import get_context

import numpy as np
import pytest

from budgetopt.belief import Settings, learn
from budgetopt.curves import Exponential, Log
from budgetopt.curves.base import stack
from budgetopt.errors import BudgetoptError, InfeasibleError, InputError, VerificationError
from budgetopt.history import History
from budgetopt.market import (
    BudgetChange,
    ChannelClosed,
    Competitor,
    Delivery,
    Demand,
    Drift,
    Market,
    Noise,
    Outage,
    believed_market,
)
from budgetopt.optimize.allocate import allocate
from budgetopt.plan import Channel, Limit, MaxChange, Plan, Reserve
from budgetopt.simulation import Contingency, Precision, Schedule, simulate

from .helpers import NAMES, START, market, plan

CURVES = [Exponential(300, 800), Log(200, 600), Exponential(90, 400), Log(150, 1500)]
RICH = market(drift=Drift(0.04, 0.25), demand=Demand(0.3), delivery=Delivery(1.0, 0.05))
play = partial(simulate, plan(), market(), weeks=4, runs=8, last=START)


def same(one, other):
    for policy, record in one.records.items():
        for name, mine in record._asdict().items():
            theirs = getattr(other.records[policy], name)
            np.testing.assert_array_equal(mine, theirs, err_msg=f"{policy} {name}")
    np.testing.assert_array_equal(one.budget, other.budget)


def test_an_open_loop_sum_has_the_mean_and_variance_of_its_formula():
    # Each week and channel is f(x) times a lognormal of mean 1 and variance exp(sd^2) - 1.
    sd, weeks, runs, spend = 0.3, 6, 20_000, np.array([500.0, 900.0, 100.0, 700.0])
    world = Market(NAMES, CURVES, noise=Noise.lognormal(sd))
    found = simulate(plan(), world, Schedule(spend), weeks=weeks, runs=runs, seed=1)
    values = stack(CURVES).value(spend)
    mean, variance = weeks * values.sum(), weeks * np.square(values).sum() * np.expm1(sd**2)
    totals = found.by_run("outcome")
    assert abs(totals.mean() - mean) < 4 * np.sqrt(variance / runs)
    assert totals.var(ddof=1) == pytest.approx(variance, rel=0.05)
    np.testing.assert_allclose(found.by_run("spend"), weeks * spend.sum())
    np.testing.assert_allclose(found.by_run("expected"), mean)


@dataclass(frozen=True)
class Knows:
    """A policy that is told the true curves."""

    curves: object
    name: str = "knows"

    def decide(self, view, rng):
        return view.optimum(self.curves)


@pytest.mark.parametrize("step", [None, 50])
def test_a_market_without_chance_is_allocate_week_after_week(step):
    given, curves = plan(spend="all", step=step), dict(zip(NAMES, CURVES, strict=True))
    found = simulate(
        given, Market(NAMES, CURVES), Knows(stack(CURVES)), weeks=5, runs=2, last=START,
        regret=True, detail=True,
    )  # fmt: skip
    last = START
    for week in range(5):
        live = allocate(given, curves, last=last)
        spent = [float(live.spend[name]) for name in NAMES]
        np.testing.assert_allclose(found.record().detail[1][0, week], spent, atol=0.03)
        assert found.by_week("expected")[1, week] == pytest.approx(live.outcome, rel=1e-5)
        last = live.spend
    np.testing.assert_allclose(found.by_run("regret"), 0.0, atol=1e-6)


# A process with threads, as the solvers have, is not safe to fork.
SPAWNED = get_context("spawn")
POLICIES = ["optimistic", "thompson(1)", "test-budget", "hold", "proportional(2)"]


def test_chunks_workers_order_and_company_change_nothing_to_the_bit():
    happens = (Competitor(start=2, end=3, chance=0.5), Outage(start=2, days=7, channels=["b"]))
    ask = partial(
        simulate, plan(), RICH, weeks=3, runs=260, seed=5, scenarios=happens, last=START,
        regret=True,
    )  # fmt: skip
    whole = ask(POLICIES)
    for chunk in (1, 7, 1000):
        same(whole, ask(POLICIES, chunk=chunk))
    turned = ask(POLICIES[::-1])
    for name in whole.policies:
        np.testing.assert_array_equal(whole.record(name).outcome, turned.record(name).outcome)
    alone = ask("thompson(1)")
    np.testing.assert_array_equal(whole.record("thompson(1)").spend, alone.record().spend)
    with ProcessPoolExecutor(2, mp_context=SPAWNED) as pool:
        same(whole, ask(POLICIES, chunk=1, executor=pool))


class _Dying(Executor):
    """Breaks once on every chunk, then for good, in the words of its engine."""

    def __init__(self, lives, failure):
        self.lives, self.asked, self.failure = lives, 0, failure

    def submit(self, fn, /, *args, **kwargs):
        self.asked += 1
        future = Future()
        if self.asked > self.lives:
            raise self.failure
        if self.asked % 2:
            future.set_exception(self.failure())
        else:
            future.set_result(fn(*args, **kwargs))
        return future


class KilledWorker(Exception):  # noqa: N818 (as Dask has it)
    """What Dask says of a worker that died; Ray has a word of its own."""


@pytest.mark.parametrize("failure", [BrokenExecutor, KilledWorker])
@pytest.mark.parametrize("lives", [100, 1])
def test_a_chunk_whose_worker_died_is_done_again(lives, failure):
    ask = partial(play, "hold", runs=600, chunk=256)
    dying = _Dying(lives, failure)
    same(ask(), ask(executor=dying))
    assert dying.asked >= 3


@dataclass
class _Failing:
    """A policy with an error of its own."""

    failure: type[Exception]
    name: str = "failing"

    def decide(self, view, rng):
        raise self.failure("bad-argument", "it cannot decide")


class _Handing(Executor):
    """Hands what fails on in the future, as engines do."""

    def submit(self, fn, /, *args, **kwargs):
        future = Future()
        try:
            future.set_result(fn(*args, **kwargs))
        except Exception as failure:  # noqa: BLE001
            future.set_exception(failure)
        return future


@pytest.mark.parametrize("failure", [KeyError, InputError])
@pytest.mark.parametrize("executor", [None, _Handing()])
def test_a_failure_of_the_chunk_itself_is_raised(failure, executor):
    with pytest.raises(failure, match="it cannot decide"):
        play(_Failing(failure), runs=2, executor=executor)


def test_nothing_is_lost_when_a_real_worker_dies():
    with ProcessPoolExecutor(2, mp_context=SPAWNED) as pool:

        def die(done, runs):
            with suppress(BrokenExecutor):
                pool.submit(os._exit, 1)

        ask = partial(play, "optimistic", weeks=2, runs=600, chunk=256)
        same(ask(), ask(executor=pool, progress=die))


def test_progress_tells_the_runs_that_are_done():
    told = []
    play("hold", runs=600, chunk=256, progress=lambda *runs: told.append(runs))
    assert told == [(256, 600), (512, 600), (600, 600)]


def test_broken_off_from_the_keyboard_it_keeps_what_is_done():
    def stop(done, runs):
        raise KeyboardInterrupt

    found = play("hold", runs=600, chunk=256, progress=stop)
    assert found.interrupted
    assert found.runs == 256
    assert "interrupted after 256 of 600 runs" in found.summary()
    assert np.isfinite(found.mean().mean)


class OutOfOrder(Executor):
    """Has every chunk done at once but those of some numbers, at which the keyboard breaks off."""

    def __init__(self, *missing):
        self.missing, self.count = missing, 0

    def submit(self, fn, /, *args, **kwargs):
        future = Future()
        if self.count in self.missing:
            future.result = self.stop
        else:
            future.set_result(fn(*args, **kwargs))
        self.count += 1
        return future

    def stop(self, timeout=None):
        raise KeyboardInterrupt


def test_broken_off_from_the_keyboard_it_keeps_what_workers_have_done_in_order():
    ask = partial(play, "hold", runs=1024, chunk=256)
    broken = ask(executor=OutOfOrder(1))
    assert (broken.runs, broken.interrupted) == (256, True)
    assert any(
        "256 of 1,024 runs; 512 later runs were finished, but not those before them" in note
        for note in broken.notes
    )

    def stop(done, runs):
        raise KeyboardInterrupt

    kept = ask(executor=OutOfOrder(3), progress=stop)
    assert (kept.runs, kept.interrupted) == (768, True)
    assert "interrupted after 768 of 1,024 runs" in kept.notes
    whole = ask()
    np.testing.assert_array_equal(kept.by_run("outcome"), whole.by_run("outcome")[:768])
    with pytest.raises(KeyboardInterrupt):
        ask(executor=OutOfOrder(0))


class Peeks:
    """Keeps whatever it can see, and tries to write into it."""

    name = "peeks"
    seen = ()

    def decide(self, view, rng):
        type(self).seen += (view,)
        with pytest.raises(ValueError, match="read-only"):
            view.outcome[...] = 0
        return view.held()


def test_a_policy_sees_the_past_and_nothing_else():
    Peeks.seen = ()
    found = simulate(plan(), RICH, Peeks(), weeks=4, runs=3, last=START, detail=True)
    outcome, spend = found.record().detail
    for week, view in enumerate(Peeks.seen):
        assert view.spend.shape == view.outcome.shape == (3, week, 4)
        np.testing.assert_array_equal(view.outcome, outcome[:, :week])
        np.testing.assert_array_equal(view.spend, spend[:, :week])
        before = spend[:, week - 1] if week else np.tile(list(map(float, START.values())), (3, 1))
        np.testing.assert_array_equal(view.last, before)
    fields = set(vars(Peeks.seen[0]))
    assert not {"week", "market", "curve", "weather", "truth"} & fields


@dataclass(frozen=True)
class Greedy:
    """A policy that takes more than it is given."""

    factor: float
    name: str = "greedy"

    def decide(self, view, rng):
        return self.factor * view.upper


@pytest.mark.parametrize("limits", [[], [Limit.group("pair", ["a", "b"], at_most=1500)]])
def test_an_answer_that_breaks_a_limit_is_withheld(limits):
    with pytest.raises(VerificationError) as caught:
        simulate(plan(limits=limits), market(), Greedy(1.01), weeks=2, runs=2)
    assert caught.value.code == "broken-limit"
    with pytest.raises(VerificationError, match=r"cap|across"):
        simulate(plan(limits=limits), market(), Greedy(0.0), weeks=2, runs=2)


def test_what_is_to_come_changes_no_decision_before_it():
    shock = Competitor(start=3, size=0.9)
    calm = play(["optimistic", "thompson(1)"], detail=True)
    hit = play(["optimistic", "thompson(1)"], scenarios=shock, detail=True)
    for policy in calm.policies:
        mine, theirs = (world.record(policy).detail[1] for world in (calm, hit))
        np.testing.assert_array_equal(mine[:, :3], theirs[:, :3])
        assert np.any(mine[:, 3] != theirs[:, 3])


def test_revised_reports_take_the_place_of_the_first():
    late = market(delay=(0.5, 0.8), noise=Noise.none())
    Peeks.seen = ()
    found = simulate(plan(), late, Peeks(), weeks=4, runs=2, last=START, detail=True)
    true = found.record().detail[0]
    shares = np.array([1.0, 0.8, 0.5])[:, None]
    np.testing.assert_allclose(Peeks.seen[-1].outcome, shares * true[:, :3])
    assert "reports come late" in " ".join(found.notes)


def test_every_limit_by_channel_holds_in_every_run_and_week():
    found = simulate(
        plan(reserve=Reserve("5%")), market(), ["optimistic", "thompson(1)", "equal"], weeks=6,
        runs=40, last=START, detail=True,
    )  # fmt: skip
    for policy in found.policies:
        spend = found.record(policy).detail[1]
        before = np.concatenate(
            [np.tile(list(map(float, START.values())), (40, 1, 1)), spend[:, :-1]], axis=1
        )
        assert np.all(spend.sum(axis=-1) <= 3800 + 1e-6)
        assert np.all(spend[..., 0] >= 200 - 1e-9)
        assert np.all(spend[..., 1] <= 1500 + 1e-9)
        np.testing.assert_allclose(spend[..., 2], 800)
        for at in (0, 1):
            move = np.abs(spend - before)[..., at]
            assert np.all(move <= 0.3 * before[..., at] + 1e-6)


def test_a_budget_cut_below_the_change_limit_lets_it_give_way_and_says_so():
    cut = BudgetChange(start=2, end=2, size="-60%")
    found = play("optimistic", scenarios=cut)
    assert np.all(found.by_week("spend")[:, 1] <= 1600 + 1e-6)
    assert "limits were relaxed" in found.summary()
    assert "limits were relaxed" not in play("optimistic").summary()


def test_a_closed_channel_gets_nothing_and_the_others_its_money():
    shut = ChannelClosed(channels=["a"], start=3, end=3)
    found = play("equal", scenarios=shut, detail=True, last=None)
    spend = found.record().detail[1]
    np.testing.assert_array_equal(spend[:, 2, 0], 0.0)
    assert np.all(spend[:, 1, 0] > 0)
    assert np.all(spend[:, 2].sum(axis=-1) > 0.8 * spend[:, 1].sum(axis=-1))


def test_the_reserve_is_released_and_channels_pause_where_a_scenario_struck():
    held = plan(reserve=Reserve("10%"), max_change="none")
    risk = Competitor(name="rival", start=2, end=3, chance=0.5)
    answer = Contingency("rival", release=1.0, pause=["d"], after=1)
    found = simulate(held, market(), "equal", weeks=4, runs=64, scenarios=risk,
                     contingencies=[answer], detail=True)  # fmt: skip
    struck = found.happens["rival"]
    assert 0 < struck.sum() < 64
    # It starts in week 2, and is noticed in week 3, the last that it is at work.
    np.testing.assert_allclose(found.budget[struck], np.tile([3600, 3600, 4000, 3600], (
        struck.sum(), 1)))  # fmt: skip
    np.testing.assert_allclose(found.budget[~struck], 3600)
    paused = found.record().detail[1][..., 3] == 0
    np.testing.assert_array_equal(paused[:, 2], struck)
    assert not paused[:, [0, 1, 3]].any()


@pytest.mark.parametrize("limits", [(), [Limit.group("all", ["a", "b"], at_most=3000)]])
def test_a_spare_channel_opens_where_a_scenario_is_at_work_and_closes_again(limits):
    held = plan(
        channels=[Channel("a"), Channel("b"), Channel("c"), Channel("d", cap=0)],
        max_change=MaxChange(10, from_zero=250),
        limits=limits,
    )
    risk = Competitor(name="rival", start=2, end=4, chance=0.5, channels=["a"], size=0.9)
    answer = Contingency("rival", after=1, spare={"d": 300})
    found = simulate(held, market(), "posterior-mean", weeks=6, runs=16, scenarios=risk,
                     contingencies=[answer], detail=True)  # fmt: skip
    struck = found.happens["rival"]
    assert 0 < struck.sum() < 16
    spend = found.record().detail[1][..., 3]
    assert np.all(spend[~struck] == 0)
    assert np.all(spend[struck][:, [0, 1, 4, 5]] == 0)
    # From nothing it moves as far as the change limit lets it, next as far as its own cap.
    assert np.all(spend[:, 2] <= 250 + 1e-9)
    assert np.all(spend[:, 3] <= 300 + 1e-9)
    assert spend[struck, 2].max() == pytest.approx(250)
    assert spend[struck, 3].max() == pytest.approx(300)


def test_fixed_orders_are_scaled_by_a_cut_budget_alone():
    found = simulate(plan(), market(), Schedule(np.full((4, 4), 2000.0)), weeks=4, runs=3,
                     scenarios=BudgetChange(start=2, end=2, size="-20%"))  # fmt: skip
    np.testing.assert_allclose(found.by_week("spend"), [[8000, 6400, 8000, 8000]] * 3)
    assert found.chance_of_overspend().mean == 1.0


def test_no_belief_is_learned_for_those_who_never_ask(monkeypatch):
    from budgetopt.belief.stream import Stream

    def refuse(*args, **kwargs):
        raise AssertionError("a belief was learned")

    monkeypatch.setattr(Stream, "learn", refuse)
    play(["hold", "equal", "proportional(2)", Schedule([1000.0] * 4)])
    with pytest.raises(AssertionError, match="learned"):
        play("posterior-mean")


def test_learning_is_the_same_whenever_it_is_asked_for():
    @dataclass(frozen=True)
    class Late:
        name: str = "late"

        def decide(self, view, rng):
            if view.spend.shape[1] == 3:
                return view.optimum(view.belief.mean())
            view.belief.mean() if self.name == "early" else None
            return view.held()

    found = play([Late(), Late("early")])
    np.testing.assert_array_equal(found.record("late").spend, found.record("early").spend)
    np.testing.assert_array_equal(found.record("late").outcome, found.record("early").outcome)


def test_it_stops_when_it_is_precise_in_the_same_place_for_any_chunk():
    wanted = Precision(150.0, policy="hold", least=300)
    found = play("hold", runs=4000, precision=wanted)
    assert 300 <= found.runs < 4000
    assert found.mean("outcome", "hold").half <= 150.0
    same(found, play("hold", runs=4000, precision=wanted, chunk=2000))
    assert f"precise enough after {found.runs:,} of 4,000 runs" in found.summary()


def test_limits_across_channels_hold_in_every_run():
    grouped = plan(
        limits=[Limit.group("pair", ["a", "b"], at_most=1500)], max_change="none", spend="at-most"
    )
    ask = partial(simulate, grouped, market(), ["optimistic", "thompson(1)", "equal"], weeks=2,
                  runs=18, regret=True, detail=True)  # fmt: skip
    found = ask()
    for record in found.records.values():
        assert np.all(record.detail[1][..., :2].sum(axis=-1) <= 1500 * (1 + 1e-6))
        assert not record.fell.any()
    assert "solved on its own" in found.summary()
    same(found, ask(chunk=1))


def test_a_plan_solved_alone_and_together_agree():
    # A group that cannot bind sends every run to the solver of the live week.
    loose = plan(limits=[Limit.group("pair", ["a", "b"], at_most=4000)])
    ask = partial(simulate, market=market(), policies="optimistic", weeks=3, runs=6, last=START)
    alone, together = ask(loose), ask(plan())
    np.testing.assert_allclose(alone.by_week("expected"), together.by_week("expected"), rtol=1e-3)


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"weeks": 0}, "bad-argument"),
        ({"runs": 0}, "bad-argument"),
        ({"runs": 2.5}, "bad-argument"),
        ({"seed": -1}, "bad-argument"),
        ({"chunk": 0}, "bad-argument"),
        ({"policies": "optimstic"}, "unknown-name"),
        ({"policies": []}, "bad-argument"),
        ({"policies": ["hold", "hold"]}, "bad-name"),
        ({"policies": 7}, "bad-argument"),
        ({"policies": Schedule([1.0, 2.0])}, "bad-argument"),
        ({"policies": Schedule(np.ones((2, 4)))}, "bad-argument"),
        ({"scenarios": "competition"}, "bad-argument"),
        ({"scenarios": Competitor(channels=["e"])}, "unknown-name"),
        ({"contingencies": [Contingency("rival")]}, "unknown-name"),
        ({"last": {"e": 5}}, "unknown-name"),
        ({"market": Market(("a", "b", "c", "e"), CURVES)}, "unknown-name"),
        ({"market": Market(("b", "a", "c", "d"), CURVES)}, "bad-argument"),
        ({"precision": Precision(1.0, policy="hol")}, "unknown-name"),
    ],
)
def test_bad_input_is_refused_with_a_code(changes, code):
    given = {"plan": plan(), "market": market(), "policies": "hold", "weeks": 3, "runs": 2}
    with pytest.raises(BudgetoptError) as caught:
        simulate(**(given | changes))
    assert caught.value.code == code
    assert isinstance(caught.value, InputError)


def test_a_plan_that_no_week_can_keep_is_refused_at_once():
    least = [Channel("a", floor=900), Channel("b", floor=900)]
    broken = Plan(budget=1000, currency="CNY", channels=least)
    with pytest.raises(InfeasibleError):
        simulate(broken, Market(("a", "b"), CURVES[:2]), "hold", weeks=2, runs=2)


def test_a_market_learned_from_one_total_says_that_policies_see_more_than_the_plan_has():
    rng = np.random.default_rng(3)
    spend = 100 * rng.lognormal(0, 0.3, (40, 2))
    days = np.datetime64("2025-01-06") + 7 * np.arange(40)
    total = 500 + 20 * np.sqrt(spend).sum(axis=1)
    plan = Plan(budget=200, currency="CNY", channels=[Channel("a"), Channel("b")])

    def notes(policy, **known):
        history = History(("a", "b"), days, spend, **known)
        belief = learn(history, plan, settings=Settings.fast())
        market = believed_market(plan, belief)
        year = simulate(plan, market, policy, weeks=2, runs=2, last=history.last_spend)
        return [note.code for note in year.notes]

    said = "years-learned-from-one-total"
    assert said in notes("posterior-mean", total=total)
    assert said not in notes("hold", total=total)
    assert said not in notes("posterior-mean", outcome=20 * np.sqrt(spend))
