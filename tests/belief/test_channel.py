"""One channel of a belief: its curve and band at any spends, against the posterior itself."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.special import ndtr

from budgetopt.belief import Settings, learn
from budgetopt.curves import Log
from budgetopt.errors import InputError
from budgetopt.plan.priors import Priors

from .helpers import simulated

PLAN, PAST, _ = simulated(np.random.default_rng(1), weeks=12, channels=3)
QUICK = Settings(points=7, noise=(0.1, 0.2, 0.4), drift=(0.01, 0.05))
OWN = learn(PAST, PLAN, settings=QUICK)
SPENDS = np.concatenate([[0.0], np.geomspace(1.0, 20_000.0, 299)])


@pytest.mark.parametrize("name", OWN.channels)
def test_any_grid_agrees_with_the_posterior_of_all_channels(name):
    row, one = OWN.channels.index(name), OWN[name]
    held, marginal = one.band(SPENDS), one.marginal(SPENDS)
    assert held.mean.tobytes() == one.response(SPENDS).tobytes()
    for at in (1, 7, 150, 256, 299):
        spend = SPENDS[at]
        whole = OWN.response(spend)
        assert held.mean[at] == pytest.approx(whole.mean[row], rel=1e-12)
        # Components of a chance below 1e-9 are left out of quantiles, by all rows asked together.
        ends = (held.low[at], held.high[at])
        assert ends == pytest.approx((whole.low[row], whole.high[row]), rel=1e-6)
        assert marginal[at] == pytest.approx(OWN.marginal(spend).mean[row], rel=1e-12)
    assert np.all(np.diff(held.mean) > 0)
    assert np.all((held.low[1:] < held.mean[1:]) & (held.mean[1:] < held.high[1:]))


def test_the_ends_of_a_band_are_quantiles_of_the_mixture():
    posterior, held = OWN.posterior, OWN[OWN.channels[1]].band([750.0, 3000.0], level=0.5)
    for spend, low, high in zip([750.0, 3000.0], held.low, held.high, strict=True):
        mean = posterior.log_mean[1] + posterior.grid.log_value(np.array([spend]))[0]
        sd = np.sqrt(np.broadcast_to(posterior.log_variance, posterior.chance.shape)[1])
        for end, chance in ((low, 0.25), (high, 0.75)):
            below = np.sum(posterior.chance[1] * ndtr((np.log(end) - mean) / sd))
            assert below == pytest.approx(chance, abs=1e-7)


def test_no_money_brings_nothing_and_its_first_unit_the_most():
    one = OWN[OWN.channels[0]]
    held = one.band(0)
    assert (held.mean, held.low, held.high) == (0, 0, 0)
    assert one.marginal(0) > one.marginal(1e-6) > one.marginal(100.0)


@pytest.mark.parametrize("spends", [500.0, [], [[1.0, 0.0, 3.0], [4.0, 5.0, 6.0]]])
def test_answers_have_the_shape_of_the_spends(spends):
    one, shape = OWN[OWN.channels[0]], np.shape(spends)
    held = one.band(spends)
    for answer in (one.response(spends), one.marginal(spends), held.mean, held.low, held.high):
        assert np.shape(answer) == shape


@pytest.mark.parametrize("spends", [-1.0, [1.0, np.nan], np.inf])
def test_what_is_no_money_is_refused(spends):
    for ask in (OWN[OWN.channels[0]].response, OWN[OWN.channels[0]].band):
        with pytest.raises(InputError, match="at least 0") as caught:
            ask(spends)
        assert (caught.value.code, caught.value.field) == ("bad-argument", "spends")


def test_an_unknown_channel_is_refused_with_the_nearest():
    with pytest.raises(InputError, match="did you mean") as caught:
        OWN[OWN.channels[0] + "x"]
    assert caught.value.code == "unknown-name"


def test_a_pinned_curve_has_no_band():
    name = PLAN.names[0]
    pinned = replace(PLAN, priors=Priors(pinned=((name, Log(300, 100)),)))
    one = learn(PAST, pinned, settings=QUICK)[name]
    held = one.band([0.0, 100.0])
    assert held.mean == pytest.approx([0.0, 300 * np.log(2)])
    assert held.low.tolist() == held.high.tolist() == held.mean.tolist()
    assert one.marginal(0.0) == pytest.approx(3.0)


def test_the_frame_is_the_summary_and_the_curve():
    frame = OWN.to_frame()
    assert frame["response"].tolist() == [row.at_usual.response.mean for row in OWN.summary()]
    assert frame["s_shaped"].tolist() == [row.s_shaped for row in OWN.summary()]
    curve = OWN[OWN.channels[0]].to_frame()
    steps = [reading.response.mean for reading in OWN.summary()[0].curve]
    assert curve["response"].tolist() == pytest.approx([0.0, *steps], rel=1e-12)
