"""What is believed of one channel before its history is read."""

from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import budgetopt as bo
from budgetopt.plan import ChannelPrior

RANGES = {
    "roas": (1e-100, 1e100),
    "roas_sd": (0.01, 5.0),
    "saturation": (1e-100, 1e100),
    "saturation_sd": (0.05, 5.0),
    "noise": (0.001, 5.0),
}


def prior_with(name, value):
    """Return a prior in which one field is this; a spread goes with its median."""
    median = {name.removesuffix("_sd"): 3.0} if name.endswith("_sd") else {}
    return ChannelPrior(**median | {name: value})


def test_a_prior_says_what_is_given_and_nothing_else():
    assert ChannelPrior().to_dict() == {}
    assert ChannelPrior(noise=Decimal("0.3")).to_dict() == {"noise": 0.3}
    full = ChannelPrior(3, 0.2, 20_000, 0.7, 0.3)
    assert full.to_dict() == {
        "roas": 3.0,
        "roas_sd": 0.2,
        "saturation": 20_000.0,
        "saturation_sd": 0.7,
        "noise": 0.3,
    }
    assert all(type(value) is float for value in full.to_dict().values())


@pytest.mark.parametrize("name", RANGES)
@pytest.mark.parametrize("end", [0, 1])
def test_each_field_holds_the_ends_of_its_range_and_nothing_beyond(name, end):
    edge = RANGES[name][end]
    assert getattr(prior_with(name, edge), name) == edge
    with pytest.raises(bo.InputError) as caught:
        prior_with(name, np.nextafter(edge, (-np.inf, np.inf)[end]))
    error = caught.value
    assert (error.code, error.field) == ("bad-argument", f"prior.{name}")
    assert "give a number from" in error.remedy


@pytest.mark.parametrize("name", RANGES)
@pytest.mark.parametrize("bad", [float("nan"), float("inf"), 0, -1, True, "3", [3]], ids=repr)
def test_a_field_that_is_no_number_of_its_range_is_refused(name, bad):
    with pytest.raises(bo.InputError) as caught:
        prior_with(name, bad)
    assert caught.value.field == f"prior.{name}"


@pytest.mark.parametrize("name", ["roas", "saturation"])
def test_a_spread_without_its_median_would_say_nothing_and_is_refused(name):
    with pytest.raises(bo.InputError, match=f"give {name} too") as caught:
        ChannelPrior(**{f"{name}_sd": 0.2})
    assert caught.value.field == f"prior.{name}_sd"
    assert ChannelPrior(**{f"{name}_sd": 0.5}) == ChannelPrior()
    with pytest.raises(bo.InputError):
        ChannelPrior(**{f"{name}_sd": None})


def test_of_takes_a_prior_its_fields_or_none_and_names_the_place():
    assert ChannelPrior.of(None) is None
    assert ChannelPrior.of({}) == ChannelPrior()
    assert ChannelPrior.of({"roas": 3}) == ChannelPrior(3)
    with pytest.raises(bo.InputError, match=r"channels\.a\.prior has no field 'raos'.*'roas'"):
        ChannelPrior.of({"raos": 3}, "channels.a.prior")
    with pytest.raises(bo.InputError, match=r"^channels\.a\.prior: prior\.noise is 9") as caught:
        ChannelPrior.of({"noise": 9}, "channels.a.prior")
    assert caught.value.field == "channels.a.prior.noise"


within = {name: st.floats(*ends) for name, ends in RANGES.items()}


@given(
    st.fixed_dictionaries({}, optional={"noise": within["noise"]}),
    *(
        st.fixed_dictionaries({}, optional={name: within[name]}).flatmap(
            lambda said, name=name: st.fixed_dictionaries(
                {n: st.just(v) for n, v in said.items()},
                optional={f"{name}_sd": within[f"{name}_sd"]} if said else {},
            )
        )
        for name in ("roas", "saturation")
    ),
)
def test_any_prior_comes_back_as_it_was(noise, roas, saturation):
    prior = ChannelPrior(**noise, **roas, **saturation)
    assert ChannelPrior.of(prior.to_dict()) == prior
