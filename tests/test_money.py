"""Exact money: what is an amount, and rounding to a step with an exact sum."""

import decimal
import itertools
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from budgetopt.errors import InfeasibleError, MoneyError
from budgetopt.money import (
    DIGITS,
    INFORMAL,
    MOST,
    Currency,
    as_decimal,
    currencies_of,
    round_to_step,
    sum_minor,
)


@pytest.mark.parametrize(("code", "digits"), [("JPY", 0), ("CNY", 2), ("KWD", 3), ("XXX", 6)])
def test_both_sides_of_the_minor_unit(code, digits):
    currency = Currency(code)
    assert (currency.digits, currency.units) == (digits, 10**digits)
    assert currency.minor(Decimal(1).scaleb(-digits), "x") == 1
    with pytest.raises(MoneyError, match=f"x is .*finer than the minor unit of {code}: give at "):
        currency.minor(Decimal(1).scaleb(-digits - 1), "x")


@pytest.mark.parametrize("code", DIGITS)
def test_every_currency_counts_both_ways(code):
    currency = Currency(code)
    assert currency.minor(currency.amount(123_456_789), "x") == 123_456_789
    assert currency.amount(7).as_tuple().exponent == -currency.digits


@pytest.mark.parametrize("code", ["cny", "CNYY", "", "¥", None, 156, ["CNY"]])
def test_unknown_currencies(code):
    with pytest.raises(MoneyError, match="is not an ISO 4217 code: ") as caught:
        Currency(code)
    assert caught.value.code == "bad-currency"
    assert caught.value.value == code


def test_a_lower_case_currency_is_recognised_in_the_remedy():
    with pytest.raises(MoneyError, match="did you mean 'CNY'"):
        Currency("cny")


@pytest.mark.parametrize(
    ("amount", "minor"),
    [
        (0, 0),
        (-0.0, 0),
        ("-0", 0),
        (12, 1200),
        (0.1, 10),
        (1e3, 100_000),
        ("1250.50", 125_050),
        (" 7 ", 700),
        (Decimal("0.30"), 30),
        (Decimal("1E+2"), 10_000),
        (np.int64(5), 500),
        (np.float64(0.07), 7),
        (np.float32(0.1), 10),
        (Fraction(5, 2), 250),
        ("5/2", 250),
        ("1." + "0" * 90 + "1", 100),
        (Decimal(MOST - 1).scaleb(-2), MOST - 1),
    ],
)
def test_amounts(amount, minor):
    found = Currency("CNY").minor(amount, "budget")
    assert type(found) is int
    assert found == minor


@pytest.mark.parametrize(
    ("amount", "words"),
    [
        (True, "a yes or no"),
        (np.True_, "yes or no"),
        (float("nan"), "not finite"),
        (float("inf"), "not finite"),
        ("NaN", "not finite"),
        ("sNaN", "not finite"),
        ("Infinity", "not finite"),
        (-0.01, "negative"),
        ("-1", "negative"),
        ("1,234", "not a plain number"),
        ("1.234,56", "not a plain number"),
        ("1 234", "not a plain number"),
        ("", "not a plain number"),
        ("¥5", "not a plain number"),
        ("1_000", "not an amount"),
        (None, "not an amount"),
        ([1], "not an amount"),
        (1j, "not an amount"),
        (0.001, "finer than the minor unit"),
        (Fraction(1, 3), "finer than the minor unit"),
        ("1." + "0" * 200 + "1", "too large or too small"),
        ("1e-60", "too large or too small"),
        ("1e-99999999", "too large or too small"),
        (Decimal(MOST).scaleb(-2), "too large to count exactly"),
        ("1e999999", "too large or too small"),
        (10**400, "too large or too small"),
    ],
)
def test_what_is_not_an_amount(amount, words):
    with pytest.raises(MoneyError, match=f"budget is .*{words}.*: ") as caught:
        Currency("CNY").minor(amount, "budget")
    assert (caught.value.code, caught.value.field) == ("bad-money", "budget")


def test_a_programs_own_decimal_context_changes_nothing():
    with decimal.localcontext(decimal.Context(prec=3)):
        cny = Currency("CNY")
        assert cny.minor("1234567.89", "x") == 123_456_789
        assert str(cny.amount(123_456_789)) == "1234567.89"
        assert cny.nearest(1234567.891) == 123_456_789


@pytest.mark.parametrize(
    ("amount", "minor"),
    [
        (1.1 * 100000, 11_000_000),
        (0.3 - 0.1, 20),
        (100000.1 - 99999.7, 40),
        (0.7 * 1000.3 / 7, 10_003),
        (1.1 * 1e13, 1_100_000_000_000_000),
        (sum([0.1] * 10), 100),
        (Decimal(1) / 3 * 3, 100),
        (Fraction(1, 3) * 3, 100),
    ],
)
def test_the_noise_of_arithmetic_is_rounded_off(amount, minor):
    for rounding in ("exact", "up", "down", "nearest"):
        assert Currency("CNY").minor(amount, "budget", rounding) == minor


@given(
    st.integers(1, MOST - 2),
    st.fractions(Fraction(1, 1000), Fraction(999, 1000)),
    st.sampled_from(["JPY", "CNY", "KWD", "XXX"]),
)
def test_exact_numbers_of_any_size_are_rounded_inwards(whole, part, code):
    money = Currency(code)
    amount = (whole + part) / money.units
    # What a float would print is read as one: a number of sixteen or seventeen digits.
    assume(Fraction(repr(float(amount))) != amount)
    ways = ("down", "up")
    assert [money.minor(amount, "floor", way) for way in ways] == [whole, whole + 1]
    assert money.inwards(amount, most=True) == Fraction(whole, money.units)


@given(
    st.integers(0, 10**15), st.integers(0, 10**15), st.sampled_from(["JPY", "CNY", "KWD", "XXX"])
)
def test_differences_of_floats_are_whole_minor_units(first, second, code):
    money = Currency(code)
    first, second = max(first, second), min(first, second)
    difference = first / money.units - second / money.units
    # Below a tenth of a trillion minor units floats keep a difference to far less than one.
    assume(first < 10**11)
    assert money.minor(difference, "x") == first - second


@pytest.mark.parametrize(
    ("amount", "down", "up", "nearest"),
    [
        ("0.0001", 0, 1, 0),
        (33.333, 3333, 3334, 3333),
        (Fraction(1, 3), 33, 34, 33),
        ("33.33002", 3333, 3334, 3333),
        ("33.33998", 3333, 3334, 3334),
        ("33.3300005", 3333, 3333, 3333),
        ("33.3299995", 3333, 3333, 3333),
        ("0.005", 0, 1, 0),
        ("0.015", 1, 2, 2),
        # Floats of this size are a hundredth apart, but these numbers are no floats.
        (Fraction(2825039198735917, 300), 9416797329119_72, 9416797329119_73, 9416797329119_72),
        ("9416797329119.72666667", 9416797329119_72, 9416797329119_73, 9416797329119_73),
    ],
)
def test_what_is_finer_than_a_minor_unit_is_rounded_as_asked(amount, down, up, nearest):
    minor = Currency("CNY").minor
    rounded = {"down": down, "up": up, "nearest": nearest}
    assert {way: minor(amount, "floor", way) for way in rounded} == rounded


def test_sums_of_minor_units_do_not_overflow():
    many = np.full(2_048, MOST - 1, dtype=np.int64)
    assert int(many.sum()) != sum(many.tolist())
    assert sum_minor(many) == sum(many.tolist()) == 2_048 * (MOST - 1)
    mixed = np.array([-5, 7, -MOST, 3], dtype=np.int64)
    assert sum_minor(mixed) == sum(mixed.tolist())
    assert sum_minor(mixed[:0]) == 0


def test_measured_amounts_go_to_the_nearest_minor_unit():
    cny = Currency("CNY")
    assert [cny.nearest(x) for x in (0.004, 0.005, 0.015, 2.675, 1e9)] == [0, 0, 2, 268, 10**11]


def test_show():
    assert Currency("CNY").show(123_456_700) == "1,234,567"
    assert Currency("CNY").show(123_456_750) == "1,234,567.50"
    assert Currency("JPY").show(1234) == "1,234"


@given(st.integers(0, MOST - 1), st.sampled_from(["JPY", "CNY", "KWD", "XXX"]))
def test_money_goes_there_and_back(minor, code):
    currency = Currency(code)
    amount = currency.amount(minor)
    assert currency.minor(amount, "x") == currency.minor(str(amount), "x") == minor
    assert currency.minor(as_decimal(amount, "x"), "x") == minor


# Rounding to a step.


def rounded(spend, total, step=1, lower=None, upper=None, rank=None):
    spend = np.asarray(spend, dtype=float)
    lower = np.zeros(spend.size, np.int64) if lower is None else np.asarray(lower, np.int64)
    upper = np.full(spend.size, MOST) if upper is None else np.asarray(upper, np.int64)
    return round_to_step(spend, total, step, lower, upper, rank)


def test_three_equal_channels_share_a_hundred():
    third = [10_000 / 3] * 3
    assert rounded(third, 10_000).tolist() == [3334, 3333, 3333]
    assert rounded(third, 10_000, rank=np.array([2, 0, 1])).tolist() == [3333, 3334, 3333]


def test_noise_of_the_last_bits_does_not_decide_who_gets_the_cent():
    noisy = [10_000 / 3, 10_000 / 3 * (1 + 1e-13), 10_000 / 3]
    assert rounded(noisy, 10_000).tolist() == [3334, 3333, 3333]


def test_locked_channels_keep_what_is_off_the_step():
    found = rounded([15, 42.5, 42.5], 100, 10, [15, 0, 0], [15, 99, 99])
    assert found.tolist() == [15, 40, 40]


def test_bounds_are_drawn_in_to_steps():
    assert rounded([11, 89], 100, 10, [11, 0], [99, 99]).tolist() == [20, 80]
    with pytest.raises(InfeasibleError, match="no multiple of the step 10 lies between 11 and 19"):
        rounded([50, 15], 65, 10, [0, 11], [99, 19])


def test_floors_that_do_not_fit_in_steps_are_an_error():
    assert rounded([15, 15], 40, 10, [15, 15], [90, 90]).tolist() == [20, 20]
    with pytest.raises(InfeasibleError, match="sum to 40 in steps of 10, above the total 39") as e:
        rounded([15, 15], 39, 10, [15, 15], [90, 90])
    assert e.value.code == "floors-above-budget"


def test_a_total_off_the_step_stays_below():
    assert rounded([50, 55], 105, 10).sum() == 100


def test_no_channel():
    assert rounded([], 0).size == 0
    assert rounded([], 100).size == 0


def test_a_total_far_from_the_spends_is_not_reached_step_by_step():
    # A step at a time would take years.
    assert rounded([0.0, 0.0, 0.0], MOST - 1).sum() == MOST - 1
    assert rounded([1e12, 2e12], 7, upper=[10**13, 10**13]).sum() == 7
    assert rounded([0.0, 0.0], 100, upper=[30, 40]).tolist() == [30, 40]


def test_a_million_channels_are_rounded_at_once():
    spend = np.random.default_rng(1).exponential(1e4, 1_000_000)
    total = round(spend.sum())
    found = rounded(spend, total)
    assert found.sum() == total
    assert np.abs(found - spend).max() < 1


@st.composite
def tasks(draw, most=12, free=False):
    count = draw(st.integers(1, most))
    step = draw(st.sampled_from([1, 2, 5, 10, 100]))
    lower, upper, spend = [], [], []
    for _ in range(count):
        a, b = sorted(draw(st.tuples(st.integers(0, 40), st.integers(0, 40))))
        low, high = (0, 10_000) if free else (a * step, b * step)
        if not free and draw(st.booleans()):  # bounds off the step, and locks
            low, high = low + draw(st.integers(0, step - 1)), high + step
        if draw(st.integers(0, 4)) == 0:
            high = low
        lower.append(low)
        upper.append(high)
        spend.append(draw(st.floats(low, high)))
    return np.array(spend), step, np.array(lower), np.array(upper)


@given(tasks(), st.integers(-50, 50))
@settings(max_examples=300)
def test_bounds_and_total_are_kept(task, more):
    spend, step, lower, upper = task
    total = max(round(spend.sum()) + more, 0)
    locked = lower == upper
    low = np.where(locked, lower, -(-lower // step) * step)
    high = np.where(locked, upper, upper // step * step)
    if np.any(low > high) or low.sum() > total:
        with pytest.raises(InfeasibleError):
            rounded(spend, total, step, lower, upper)
        return
    found = rounded(spend, total, step, lower, upper)
    assert found.dtype == np.int64
    assert np.all((found >= low) & (found <= high))
    assert np.all(locked | (found % step == 0))
    # The sum is the total, or below it by less than a step, or everybody is at the cap.
    assert found.sum() <= total
    assert total - found.sum() < step or np.all(found == high)


@given(tasks(free=True))
@settings(max_examples=200)
def test_nobody_moves_a_whole_step_when_bounds_do_not_bind(task):
    spend, step, lower, upper = task
    free = lower < upper
    total = int(np.floor(spend[free].sum() / step) * step + lower[~free].sum())
    found = rounded(spend, total, step, lower, upper)
    assert np.all(np.abs(found - spend) < step * (1 + 1e-9))
    assert found.sum() == total


@given(tasks(most=5), st.data())
@settings(max_examples=150)
def test_the_largest_move_is_the_least_possible(task, data):
    """Against brute force over every rounding within three steps that keeps bounds and total."""
    spend, step, lower, upper = task
    locked = lower == upper
    low = np.where(locked, lower, -(-lower // step) * step)
    high = np.where(locked, upper, upper // step * step)
    choices = []
    for s, a, b, lock in zip(spend, low, high, locked, strict=True):
        near = [a] if lock else (np.floor(s / step) + np.arange(-2, 4)) * step
        choices.append([int(v) for v in near if a <= v <= b])
    every = np.array(list(itertools.product(*choices)))
    if every.size == 0:
        return
    total = int(spend[locked].sum()) + round(spend[~locked].sum() / step) * step
    kept = every[every.sum(axis=1) == total]
    if kept.size == 0:
        return
    best = np.abs(kept - spend).max(axis=1).min()
    found = rounded(spend, total, step, lower, upper)
    assert found.sum() == total
    assert np.abs(found - spend).max() <= best + 2e-6 * step


@given(tasks(), st.randoms(use_true_random=False))
def test_the_order_of_channels_does_not_matter(task, random):
    spend, step, lower, upper = task
    rank = np.arange(spend.size)
    total = round(spend.sum())
    order = list(range(spend.size))
    random.shuffle(order)
    try:
        found = rounded(spend, total, step, lower, upper, rank)
    except InfeasibleError:
        return
    again = rounded(spend[order], total, step, lower[order], upper[order], rank[order])
    assert again.tolist() == found[order].tolist()


@pytest.mark.parametrize(
    ("name", "code"),
    [("RMB", "CNY"), ("rmb", "CNY"), ("CNH", "CNY"), ("人民币", "CNY"), ("NTD", "TWD"),
     ("STG", "GBP"), ("US$", "USD"), ("NT$", "TWD"), ("欧元", "EUR"), ("€", "EUR"),
     ("cny", "CNY"), ("EURR", "EUR")],
)  # fmt: skip
def test_informal_names_lead_to_the_code_that_is_meant(name, code):
    with pytest.raises(MoneyError) as caught:
        Currency(name)
    assert caught.value.remedy == f"did you mean '{code}'?"


@pytest.mark.parametrize(
    ("name", "codes"),
    [("￥", ("CNY", "JPY")), ("$", ("USD", "AUD")), ("kr", ("SEK", "NOK", "DKK"))],
)
def test_a_sign_of_several_currencies_names_them(name, codes):
    with pytest.raises(MoneyError) as caught:
        Currency(name)
    assert caught.value.remedy.startswith("it may stand for several: write ")
    assert all(f"'{code}'" in caught.value.remedy for code in codes)


def test_informal_names_stand_for_known_codes_and_are_none_themselves():
    assert {code for codes in INFORMAL.values() for code in codes.split()} <= set(DIGITS)
    assert not set(INFORMAL) & set(DIGITS)
    assert all(name == name.upper() for name in INFORMAL)
    assert currencies_of("ZZ$") == currencies_of("abc") == ()
