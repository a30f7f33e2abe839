"""Jumps of the level: against dense linear algebra, enumeration, and series made by hand."""

from __future__ import annotations

import itertools
import json
from dataclasses import replace

import numpy as np
import pytest
from scipy.special import logsumexp, softmax
from scipy.stats import multivariate_normal

from budgetopt.belief import Settings, regression, shifts
from budgetopt.belief.belief import learn
from budgetopt.belief.regression import Design, LiftEvidence, Rows, Scales, baseline
from budgetopt.belief.shifts import Candidates, Shift, jumped, likely_shifts, shifts_of
from budgetopt.report import belief_facts, belief_json, belief_table

from .helpers import Past, Plan, names

QUICK = Settings.fast()
START = np.datetime64("2023-01-02")
USUAL = Scales(0.3, 0.08, 0.0, 0.0)


def weeks(count):
    return START + 7 * np.arange(count)


def design_of(rng, count, noise=0.05, step=0.0, at=0):
    """Return two channels that bring a third of the total, with a step from a week on."""
    features = rng.uniform(0.3, 1.7, (count, 2))
    outcome = 0.7 + 0.3 * features.mean(axis=1) + rng.normal(0, noise, count)
    outcome[at:] += step
    own = np.full(2, np.nan)
    none = LiftEvidence.none(2)
    return Design(outcome, baseline(weeks(count)), features, np.full(2, 0.5), own, own, none)


def laws(design, tried):
    """Return means and covariances without jumps at every point of the grid, by hand."""
    count = len(design.outcome)
    lag = np.abs(np.subtract.outer(np.arange(count), np.arange(count)))
    for trend in shifts.TREND:
        mean, variance = design.moments(USUAL._replace(trend=trend))
        plain = (design.columns * variance) @ design.columns.T
        for serial in shifts._SERIAL:
            for noise in regression.NOISE[:: shifts._COARSER]:
                # What persists is the error alone.
                yield design.columns @ mean, plain + noise**2 * serial**lag


@pytest.mark.parametrize("chosen", [(), (4,), (2, 25)])
def test_evidence_is_that_of_the_multivariate_normal(chosen, monkeypatch):
    """Of every point, with jumps and odd weeks as columns and every other one beside them."""
    monkeypatch.setattr(regression, "NOISE", np.geomspace(0.02, 0.5, 4))
    monkeypatch.setattr(shifts, "NOISE", regression.NOISE)
    design = design_of(np.random.default_rng(0), 30, step=0.2, at=14)
    tried = Candidates(design, Rows.plain(weeks(30)), USUAL)
    assert tried.steps == 30 - 2 * shifts._EDGE + 1
    known = tried.beside(chosen)
    gains = known.log_evidence[..., None] + tried.gains(known)
    each = [i for i in (0, 9, tried.steps + 20) if i not in chosen]
    log_like = []
    for mean, covariance in laws(design, tried):
        rows = []
        for columns in [list(chosen), *([*chosen, one] for one in each)]:
            more = tried.columns[:, columns]
            whole = covariance + (more * tried.variance[columns]) @ more.T
            rows.append(multivariate_normal.logpdf(design.outcome, mean, whole))
        log_like.append(rows)
    direct = np.array(log_like) + 15.0 * np.log(2.0 * np.pi)
    np.testing.assert_allclose(known.log_evidence.ravel(), direct[:, 0], rtol=1e-8, atol=1e-7)
    for at, one in enumerate(each, start=1):
        np.testing.assert_allclose(gains[..., one].ravel(), direct[:, at], rtol=1e-8, atol=1e-7)


@pytest.mark.parametrize(("step", "noise"), [(0.0, 0.05), (0.13, 0.05), (0.2, 0.1), (-0.3, 0.05)])
def test_chances_are_those_of_every_set_of_jumps_and_odd_weeks(step, noise, monkeypatch):
    """Of all sets of up to three, by the evidence of each."""
    monkeypatch.setattr(shifts, "_COARSER", 8)
    monkeypatch.setattr(shifts, "TREND", regression.TREND[1:2])
    monkeypatch.setattr(shifts, "_SERIAL", np.array([0.0, 0.5]))
    for small in ("_SLIGHT", "_HARDLY"):
        monkeypatch.setattr(shifts, small, 0.0)
    design = design_of(np.random.default_rng(3), 24, noise, step, 12)
    tried = Candidates(design, Rows.plain(weeks(24)), USUAL)
    means, covariance = map(np.array, zip(*laws(design, tried), strict=True))
    miss = design.outcome - means
    solved = np.linalg.solve(
        covariance, np.broadcast_to(tried.columns, (len(miss), 24, 24 + tried.steps))
    )
    gram = tried.columns.T @ solved
    score = np.einsum("gt,gtc->gc", miss, solved)
    plain = -0.5 * np.einsum("gt,gts,gs->g", miss, np.linalg.inv(covariance), miss)
    plain -= 0.5 * np.linalg.slogdet(covariance)[1]
    log, held = [np.atleast_1d(logsumexp(plain))], [np.zeros((1, tried.steps), bool)]
    for size in (1, 2, 3):
        every = itertools.combinations(range(tried.columns.shape[1]), size)
        at = np.array([one for one in every if all(
            b - a >= shifts._EDGE for a, b in itertools.pairwise(one) if b < tried.steps
        )])  # fmt: skip
        inner = gram[:, at[:, :, None], at[:, None, :]]
        inner = inner + np.eye(size) / tried.variance[at][:, :, None]
        pull = score[:, at, None]
        gain = 0.5 * np.sum(pull * np.linalg.solve(inner, pull), axis=(2, 3))
        gain -= 0.5 * (np.linalg.slogdet(inner)[1] + np.log(tried.variance[at]).sum(axis=1))
        log.append(logsumexp(plain[:, None] + gain, axis=0) + tried.log_odds[at].sum(axis=1))
        held.append((at[:, :, None] == np.arange(tried.steps)).any(axis=1))
    jumps = softmax(np.concatenate(log)) @ np.concatenate(held)
    most = max(shifts_of(weeks(24), design, USUAL), key=lambda one: one.chance.sum())
    places = (np.searchsorted(weeks(24), most.weeks) - shifts._EDGE).tolist()
    np.testing.assert_allclose(most.chance, jumps[places], atol=0.03)
    assert most.chance.sum() == pytest.approx(jumps[places].sum(), abs=0.05)


@pytest.mark.parametrize("sign", [-1, 1])
@pytest.mark.parametrize("at", [20, 50, 80])
def test_a_jump_is_found_in_its_week(at, sign):
    hits = 0
    for seed in range(10):
        design = design_of(np.random.default_rng(seed), 104, 0.05, 0.25 * sign, at)
        for one in shifts_of(weeks(104), design, USUAL):
            week = int(np.searchsorted(weeks(104), one.weeks[one.chance.argmax()]))
            hits += one.chance.sum() > 0.5 and abs(week - at) <= 1
    assert hits >= 9


def test_where_none_is_hardly_any_is_found():
    """In at most 5 % of series, of which half have promotions, half errors that persist."""
    false = 0
    for seed in range(80):
        rng = np.random.default_rng([1, seed])
        design = design_of(rng, 78, 0.06)
        outcome = design.outcome.copy()
        if seed % 2:
            outcome[rng.choice(78, 2)] += 0.6
        else:
            error = rng.normal(0, 0.04, 78)
            for week in range(1, 78):
                error[week] += 0.6 * error[week - 1]
            outcome += error
        found = shifts_of(weeks(78), design._replace(outcome=outcome), USUAL)
        false += any(one.chance.sum() > 0.5 for one in found)
    assert false <= 4


def test_two_jumps_and_a_promotion_are_three_things():
    design = design_of(np.random.default_rng(5), 130, 0.04)
    outcome = design.outcome.copy()
    outcome[40:] += 0.2
    outcome[90:] -= 0.3
    outcome[60] += 0.9
    found = shifts_of(weeks(130), design._replace(outcome=outcome), USUAL)
    likeliest = [str(one.weeks[one.chance.argmax()]) for one in found if one.chance.sum() > 0.5]
    assert likeliest == [str(week) for week in weeks(130)[[40, 90]]]


def test_columns_are_steps_with_the_chance_in_their_variance():
    base = baseline(weeks(30))
    days = weeks(30)[[10, 11]]
    moved = jumped(base, weeks(30), [Shift(days, np.array([0.25, 0.64]))])
    assert jumped(base, weeks(30), ()) is base
    np.testing.assert_array_equal(moved.columns[:, -2], np.arange(30) >= 10)
    np.testing.assert_array_equal(moved.columns[:, -1], np.arange(30) >= 11)
    np.testing.assert_allclose(moved.sd[-2:], shifts._SIZE * np.array([0.5, 0.8]))
    likely, unlikely = (Shift(days, np.array(chance)) for chance in ([0.2, 0.7], [0.1, 0.3]))
    (one,) = likely_shifts([unlikely, likely], np.array([9.0, 9.0, 0.05, 0.2]))
    assert one == (days[1].item(), pytest.approx(0.25), pytest.approx(0.9))


def market(seed, step, at=60, count=104, launch=False):
    rng = np.random.default_rng(seed)
    spend = 1000 * rng.lognormal(0, 0.5, (count, 3))
    if launch:
        spend[:, 2] = np.where(np.arange(count) < 60, 0.0, 300.0)
    brought = 100 * np.sqrt(spend / 1000)
    total = 1000.0 * (1 + rng.normal(0, 0.03, count)) + brought.sum(axis=1)
    total[at:] += step * total.mean()
    return Past(names(3), spend, None, total), Plan(names(3), 3000.0), brought


@pytest.mark.parametrize("step", [-0.3, 0.3])
def test_a_jump_leaves_the_effects_as_they_are_and_is_told(step):
    past, plan, _ = market(5, step)
    calm = learn(market(5, 0.0)[0], plan, settings=QUICK)
    belief = learn(past, plan, settings=QUICK)
    x = np.full(3, 1000.0)
    np.testing.assert_allclose(belief.mean().value(x), calm.mean().value(x), rtol=0.2)
    assert calm.fit.shifts == ()
    ((week, size, chance),) = belief.fit.shifts
    assert str(week) == str(past.weeks[60])
    mean = past.total.mean()
    assert size == pytest.approx(step * market(5, 0.0)[0].total.mean() / mean, abs=0.06)
    assert chance > 0.9
    (fact,) = belief_facts(belief)["fit"]["shifts"]
    assert fact == {"week": str(week), "size": size, "chance": chance}
    assert json.loads(belief_json(belief))["fit"]["shifts"] == [fact]
    for language in ("en", "zh"):
        text = belief_table(belief, language=language)
        assert str(week) in text
        assert f"{size:+.0%}" in text
    note = f"in the week of {week} by {size:+.0%} of a usual week"
    assert any(note in one for one in belief.notes)
    assert not any("another level" in one for one in calm.notes)


@pytest.mark.parametrize(("seed", "last"), [(0, 4), (1, 5), (2, 3)])
def test_a_month_of_promotions_is_no_new_level(seed, last):
    past, plan, _ = market(seed, 0.0)
    spend, total = past.spend.copy(), past.total.copy()
    month = slice(40, 40 + last)
    spend[month] *= 1.5
    total[month] += np.linspace(0.7, 1.1, last) * total.mean()
    fit = learn(Past(past.channels, spend, None, total), plan, settings=QUICK).fit
    assert fit.shifts == ()
    assert {week for week, _ in fit.odd} == set(past.weeks[month].astype("datetime64[D]").tolist())


def test_the_jump_is_part_of_the_baseline_and_of_what_is_forecast():
    past, plan, _ = market(5, 0.4)
    belief = learn(past, plan, settings=QUICK)
    parts = {(p.kind, p.name): np.array(p.outcome) for p in belief.decomposition().parts}
    level = parts["baseline", ""]
    moved = (level[64:90].mean() - level[30:56].mean()) / past.total.mean()
    assert moved == pytest.approx(belief.fit.shifts[0][1], abs=0.08)
    held = belief.held_out(0.9)
    assert held.inside >= 10
    before = replace(past, weeks=past.weeks - np.timedelta64(7 * 520, "D"))
    again = learn(before, plan, settings=QUICK).fit.shifts
    assert again[0][1:] == pytest.approx(belief.fit.shifts[0][1:], rel=0.05)


def test_what_begins_in_the_week_of_a_jump_is_less_known(monkeypatch):
    """A channel launched then, with a tenth of the money, while sales rise by a third.

    It does not get the jump, as it does where the level has none, and its range is wider than
    where the level jumps half a year before.
    """
    spread, money = [], np.full(3, 300.0)
    for moved in (60, 34):
        past, plan, _ = market(8, 0.33, at=moved, launch=True)
        belief = learn(past, plan, settings=QUICK)
        ((week, _, _),) = belief.fit.shifts
        assert str(week) == str(past.weeks[moved])
        band = belief.response(money, 0.8)
        assert band.low[2] < 100 * np.sqrt(0.3) < band.high[2]
        spread.append(band.high[2] / band.low[2])
    assert spread[0] > 1.5 * spread[1]
    past, plan, _ = market(8, 0.33, launch=True)
    believed = learn(past, plan, settings=QUICK).mean().value(money)[2]
    monkeypatch.setattr(shifts, "_CHANCE", 1e-300)
    assert learn(past, plan, settings=QUICK).mean().value(money)[2] > 5 * believed


def test_demand_moves_the_jump_too_and_short_histories_have_none():
    design = design_of(np.random.default_rng(0), 40, 0.04, 0.3, 20)
    demand = np.exp(0.3 * np.sin(np.arange(40)))
    base = design.base._replace(columns=design.base.columns * demand[:, None])
    scaled = Design(
        design.outcome * demand, base, design.features * demand[:, None], design.share,
        design.own_mean, design.own_sd, design.lift,
    )  # fmt: skip
    (one,) = shifts_of(weeks(40), scaled, USUAL)
    assert str(one.weeks[one.chance.argmax()]) == str(weeks(40)[20])
    assert shifts_of(weeks(9), design_of(np.random.default_rng(0), 9), USUAL) == ()
