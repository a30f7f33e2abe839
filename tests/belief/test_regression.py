"""The model of weekly totals: against dense linear algebra, quadrature and hand arithmetic."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import minimize_scalar
from scipy.special import logsumexp, softmax
from scipy.stats import halfnorm, multivariate_normal, norm, truncnorm
from scipy.stats import t as student

from budgetopt.belief import regression
from budgetopt.belief.belief import learn
from budgetopt.belief.regression import (
    Baseline,
    Design,
    Gaussian,
    LiftEvidence,
    Rows,
    Scales,
    baseline,
    kept_positive,
    media_scales,
    model_at,
    refitted,
    usual_effects,
    usual_spread,
    weigh,
    weights_of,
)

from .helpers import Past, Plan, names

START = np.datetime64("2024-01-01")


def weeks(count):
    return START + 7 * np.arange(count)


def design_of(rng, count, channels, share=None):
    features = rng.uniform(0.3, 1.7, (count, channels))
    outcome = 0.7 + 0.3 * features.mean(axis=1) + rng.normal(0, 0.05, count)
    own = np.full(channels, np.nan)
    share = np.full(channels, 1 / channels) if share is None else share
    return Design(
        outcome, baseline(weeks(count)), features, share, own, own, LiftEvidence.none(channels)
    )


def dense(design, scales):
    """Return mean and covariance of the outcomes, the noise included."""
    mean, variance = design.moments(scales)
    columns = design.columns
    return columns @ mean, scales.noise * np.eye(len(columns)) + (columns * variance) @ columns.T


def test_information_and_score_are_those_of_the_full_covariance():
    """Each channel against a model without its own column, by inverting the covariance."""
    rng = np.random.default_rng(0)
    columns, tried = rng.uniform(0, 2, (9, 5)), rng.uniform(0, 2, (9, 3, 4))
    mean, sd = rng.normal(0, 1, 5), rng.uniform(0.5, 1, 5)
    outcome = rng.normal(1, 1, 9)
    model = Gaussian(columns, mean, np.square(sd), outcome, 2, 0.3)
    information, score = model.without(slice(0, 3), tried)
    for channel in range(3):
        rest = [j for j in range(5) if j != 2 + channel]
        z = columns[:, rest] * sd[rest]
        inverse = np.linalg.inv(0.3 * np.eye(9) + z @ z.T)
        miss = outcome - columns[:, rest] @ mean[rest]
        features = tried[:, channel]
        direct = np.einsum("tk,ts,sk->k", features, inverse, features)
        np.testing.assert_allclose(information[channel], direct, rtol=1e-8)
        np.testing.assert_allclose(score[channel], features.T @ inverse @ miss, rtol=1e-8)


@pytest.mark.parametrize(("count", "columns"), [(9, 5), (4, 7)])
def test_coefficients_and_their_doubt_are_those_of_bayes(count, columns):
    rng = np.random.default_rng(1)
    rows, mean, variance = rng.normal(0, 1, (count, columns)), rng.normal(0, 1, columns), 0.4
    outcome, new = rng.normal(0, 1, count), rng.normal(0, 1, (3, columns))
    model = Gaussian(rows, mean, np.full(columns, variance), outcome, 2, 0.3)
    covariance = np.linalg.inv(rows.T @ rows / 0.3 + np.eye(columns) / variance)
    middle = covariance @ (rows.T @ outcome / 0.3 + mean / variance)
    np.testing.assert_allclose(model.coefficients, middle, rtol=1e-9)
    expected = np.einsum("tc,cd,td->t", new, covariance, new)
    np.testing.assert_allclose(model.fit_variance(new), expected, rtol=1e-9)


@pytest.mark.parametrize(
    ("count", "channels"), [(40, 3), pytest.param(6, 4, marks=pytest.mark.slow)]
)
def test_evidence_is_that_of_the_multivariate_normal(count, channels, monkeypatch):
    """In columns and in weeks; with the chance of positive effects by its own integral."""
    monkeypatch.setattr(regression, "NOISE", np.geomspace(0.01, 1.0, 7))
    design = design_of(np.random.default_rng(2), count, channels)
    found = weigh(design, Rows.plain(weeks(count)), 0.5)
    media, prior = media_scales(0.5)
    direct = np.empty((media.size, 3, 3, regression.NOISE.size))
    for at in np.ndindex(direct.shape):
        m, season, trend, noise = at
        scales = Scales(
            media[m], regression._SEASON[season], regression.TREND[trend],
            regression.NOISE[noise] ** 2,
        )  # fmt: skip
        direct[at] = multivariate_normal.logpdf(design.outcome, *dense(design, scales))
    positive = np.empty(media.size)
    for m, scales in enumerate(found.given):
        mean, covariance = dense(design, scales)
        before, variance = design.moments(scales)
        first = design.base.columns.shape[1]
        cross = design.columns[:, first:] * variance[first:]
        gain = cross.T @ np.linalg.inv(covariance)
        middle = before[first:] + gain @ (design.outcome - mean)
        left = np.diag(variance[first:]) - gain @ cross
        positive[m] = np.log(multivariate_normal.cdf(middle, np.zeros(channels), left, abseps=1e-8))
    log_chance = logsumexp(direct, axis=(1, 2, 3)) + np.log(prior) + positive
    np.testing.assert_allclose(
        found.chance, np.exp(log_chance - logsumexp(log_chance)), rtol=0.03, atol=1e-6
    )
    for m, scales in enumerate(found.given):
        each = np.exp(direct[m] - logsumexp(direct[m]))
        noise = np.square(regression.NOISE)
        assert scales.noise == pytest.approx(each.sum(axis=(0, 1)) @ noise, rel=1e-6)


def test_where_all_effects_have_priors_no_scale_of_the_media_is_likelier_than_before():
    """Nor are those of season, trend and noise other ones beside it."""
    design = design_of(np.random.default_rng(2), 40, 2).expected(0.4)
    found = weigh(design, Rows.plain(weeks(40)), 0.5)
    np.testing.assert_allclose(found.chance, media_scales(0.5)[1], rtol=1e-9)
    assert len({scales._replace(media=0.0) for scales in found.given}) == 1


@pytest.mark.parametrize("scale", [0.02, 0.4, 7.0])
def test_effects_beforehand_have_half_their_mean_as_sd(scale):
    """The mean of all of them is the same however many channels there are."""
    middle, sd = usual_effects(np.array([scale]))
    law = truncnorm(-middle / sd, np.inf, loc=middle, scale=sd)
    assert law.mean() == pytest.approx(scale * halfnorm.mean())
    assert law.std() / law.mean() == pytest.approx(usual_spread())
    assert usual_spread() == pytest.approx(0.5, abs=0.01)
    parts, _ = usual_effects(np.array([0.1, 0.3, 0.6]) * scale)
    assert parts.sum() == pytest.approx(middle[0])


@pytest.mark.parametrize("together", [0.0, 0.7, 0.95])
@pytest.mark.parametrize("middle", [(0.5, 0.8), (-1.0, 0.3), (-2.0, -3.0)])
def test_kept_positive_is_the_truncated_normal(together, middle):
    """Of two effects that trade off against each other, by quadrature."""
    covariance = np.array([[1.0, -together], [-together, 1.0]])
    precision = np.linalg.inv(covariance)
    sites, log_chance = kept_positive(precision[None], (precision @ middle)[None])
    whole = np.linalg.inv(precision + np.diag(sites.precision[0]))
    mean = whole @ (precision @ middle + sites.shift[0])
    at = (np.arange(1200) + 0.5) * 6.0 / 1200
    x, y = np.meshgrid(at, at, indexing="ij")
    dense = multivariate_normal.pdf(np.stack([x, y], axis=-1), middle, covariance)
    chance = dense.sum() * at[0] ** 2 * 4
    expected = np.array([(dense * x).sum(), (dense * y).sum()]) / dense.sum()
    np.testing.assert_allclose(mean, expected, rtol=0.04)
    assert log_chance[0] == pytest.approx(np.log(chance), abs=0.15)


def test_rows_are_freed_of_weights_and_persistence():
    """The covariance that they stand for becomes that of independent errors."""
    rng = np.random.default_rng(3)
    days = weeks(9)[[0, 1, 2, 3, 5, 6, 7, 8]]
    rows = Rows.plain(days)._replace(weight=rng.uniform(0.1, 1.2, 8), serial=0.6)
    lag = np.abs(np.subtract.outer(np.arange(8), np.arange(8)))
    apart = (np.arange(8) >= 4)[:, None] != (np.arange(8) >= 4)
    correlation = np.where(apart, 0.0, 0.6**lag)
    covariance = correlation / np.sqrt(np.outer(rows.weight, rows.weight))
    turn = rows.freed(np.eye(8))
    np.testing.assert_allclose(turn @ covariance @ turn.T, np.eye(8), atol=1e-12)


def density_of_errors(miss, turn, freedom, scale):
    """Return the density of all errors by adding up over every week of the year's two kinds."""
    usual = student.pdf(miss, freedom, scale=scale)
    odd = norm.pdf(miss, scale=np.hypot(scale, regression.ODD_SD))
    log = 0.0
    for week in np.unique(turn):
        here = turn == week
        kinds = [
            np.prod((1 - chance) * usual[here] + chance * odd[here])
            for chance in (regression.ODD_CHANCE, regression._AGAIN)
        ]
        log += np.log((1 - regression._YEARLY) * kinds[0] + regression._YEARLY * kinds[1])
    return log


def test_weights_are_expected_precisions_at_the_most_likely_scales():
    """At -2 s² times the derivative of the log density by a squared error, by SciPy's own search.

    Averaged over degrees of freedom by their likelihood.
    """
    rng = np.random.default_rng(4)
    miss, turn = student.rvs(4, scale=0.1, size=900, random_state=rng), np.arange(900) % 52
    weight, told = weights_of(np.square(miss), turn)
    freedoms, small = regression._FREEDOM, 1e-5
    best = [
        minimize_scalar(
            lambda s, f=f: -density_of_errors(miss, turn, f, s),
            bounds=(0.05, 0.2),
            method="bounded",
        )
        for f in freedoms
    ]
    chance = softmax([-one.fun for one in best])
    assert told == pytest.approx(chance @ ((freedoms + 1) / (freedoms + 3)), rel=1e-3)
    for at in (0, 17, int(np.abs(miss).argmax())):
        moved = np.where(np.arange(900) == at, np.sqrt(np.square(miss) + small), miss)
        expected = [
            (density_of_errors(miss, turn, f, one.x) - density_of_errors(moved, turn, f, one.x))
            * 2 * one.x**2 / small
            for f, one in zip(freedoms, best, strict=True)
        ]  # fmt: skip
        assert weight[at] == pytest.approx(chance @ expected, rel=0.01)


def test_what_is_usual_keeps_its_weight():
    normal = np.random.default_rng(4).normal(0, 0.1, 900)
    weight, told = weights_of(np.square(normal), np.arange(900) % 52)
    assert told > 0.9
    assert np.median(weight) > 0.9
    assert np.mean(weight < 0.4) < 0.01


def test_the_same_week_of_three_years_is_odd_where_one_alone_is_not():
    """Three errors of three usual ones: of one week of the year, and of three."""
    miss = 0.05 * norm.ppf((np.arange(156) * 61 % 156 + 0.5) / 156)
    yearly, scattered = miss.copy(), miss.copy()
    yearly[[20, 72, 124]] = scattered[[20, 80, 130]] = 0.15
    turn = Rows.plain(weeks(156)).turn
    assert turn[20] == turn[72] == turn[124]
    assert turn[0] == turn[52] == turn[104]
    same, apart = (weights_of(np.square(one), turn)[0] for one in (yearly, scattered))
    assert np.all(same[[20, 72, 124]] < 0.15)
    assert np.all(apart[[20, 80, 130]] > 0.25)


def test_persistence_is_the_correlation_of_neighbours():
    outcome = 1 + 0.1 * np.array([1.0, 1.0, -1.0, -1.0] * 8)
    base = Baseline(np.ones((32, 1)), np.ones(1), np.array([1e-9]), *np.zeros((2, 1), bool))
    own = np.full(1, np.nan)
    none = LiftEvidence.none(1)
    design = Design(outcome - 0.02, base, np.ones((32, 1)), np.ones(1), own, own, none)
    rows = Rows.plain(weeks(32))
    rows = refitted(design, rows, model_at(design, rows, Scales(1e-9, 1.0, 1.0, 0.01)))
    left = np.sqrt(rows.weight) * (design.outcome - 1)
    expected = left[1:] @ left[:-1] / (left @ left)
    assert rows.serial == pytest.approx(max(expected, 0), abs=1e-6)


@pytest.mark.parametrize("count", [1, 2, 30, 52, 78, 156])
def test_baseline_has_its_seasons_at_any_length(count):
    base = baseline(weeks(count))
    assert base.columns.shape == (count, len(base.mean))
    assert base.season.sum() == 6
    assert base.trend.sum() == max(round(7 * (count - 1) / 91), 0)
    assert np.isfinite(base.columns).all()


def history_of(rng, effect, count=104, channels=3):
    spend = 1000 * rng.lognormal(0, 0.5, (count, channels))
    true = effect * np.sqrt(spend).sum(axis=1)
    total = 1000.0 * (1 + rng.normal(0, 0.03, count)) + true
    return Past(names(channels), spend, None, total), Plan(names(channels), 3000.0)


def test_promotions_move_little_and_are_named():
    """Three weeks of twice the total in which spend rises by half; nothing declared."""
    rng = np.random.default_rng(5)
    past, plan = history_of(rng, 5.0)
    calm = learn(past, plan)
    spend, total = past.spend.copy(), past.total.copy()
    for week in (20, 51, 83):
        spend[week] *= 1.5
        total[week] *= 2.0
    belief = learn(Past(past.channels, spend, None, total), plan)
    x = np.full(3, 1000.0)
    np.testing.assert_allclose(belief.mean().value(x), calm.mean().value(x), rtol=0.2)
    named = {str(week) for week, _ in belief.fit.odd}
    assert {str(past.weeks[week]) for week in (20, 51, 83)} <= named
    assert any(str(past.weeks[20]) in note for note in belief.notes)
    assert not calm.fit.odd


def test_holidays_on_which_spends_rise_are_no_effect_of_the_media():
    """Each year the same three weeks, nothing declared; media bring a tenth of the total.

    With weights of Student's law alone more than half was believed.
    """
    rng = np.random.default_rng(12)
    spend = 1000 * rng.lognormal(0, 0.35, (156, 4))
    holiday = np.isin(np.arange(156) % 52, (6, 24, 44))
    spend[holiday] *= 1.5
    brought = 25.0 * np.sqrt(spend / 1000).sum(axis=1)
    total = 900.0 + brought + 350.0 * holiday + rng.normal(0, 90, 156)
    past = Past(names(4), spend, None, total)
    belief = learn(past, Plan(names(4), 4000.0))
    assert belief.fit.media < 0.33
    odd = {str(week) for week, _ in belief.fit.odd}
    assert {str(week) for week in past.weeks[holiday]} <= odd


@pytest.mark.parametrize(("lift", "said"), [(250.0, True), (0.0, False)])
def test_it_is_said_where_few_weeks_carry_the_estimate(lift, said):
    """Spends that hardly vary, and double in the same three weeks a year.

    Where sales rise as well, whatever the reason, media are believed to bring the most of the
    total where they bring a tenth: no regression can know better, but it can tell.
    """
    rng = np.random.default_rng(12)
    spend = 1000 * rng.lognormal(0, 0.2, (156, 4))
    holiday = np.isin(np.arange(156) % 52, (6, 24, 44))
    spend[holiday] *= 2.0
    brought = 25.0 * np.sqrt(spend / 1000).sum(axis=1)
    total = 900.0 + brought + lift * holiday + rng.normal(0, 80, 156)
    belief = learn(Past(names(4), spend, None, total), Plan(names(4), 4000.0))
    assert any("few weeks carry the estimate" in note for note in belief.notes) == said
    assert (belief.fit.media > 1.4 * belief.fit.without_peaks) == said


def test_no_effect_is_seen_and_said():
    past, plan = history_of(np.random.default_rng(6), 0.0)
    belief = learn(past, plan)
    assert belief.mean().value(np.full(3, 1000.0)).sum() < 0.05 * past.total.mean()
    assert belief.fit.no_effect > 0.5
    assert any("no effect" in note for note in belief.notes)
    some, _ = history_of(np.random.default_rng(6), 5.0)
    assert learn(some, plan).fit.no_effect < 0.01


def test_fit_says_how_much_is_explained():
    past, plan = history_of(np.random.default_rng(7), 5.0)
    fit = learn(past, plan).fit
    assert 0.8 < fit.explained < 1
    true = 5 * np.sqrt(past.spend).sum() / past.total.sum()
    assert fit.media == pytest.approx(true, rel=0.3)
    assert abs(fit.serial) < 0.3
    assert fit.noise == pytest.approx(0.03 * 1000 / past.total.mean(), rel=0.3)
