"""Delays: shares as given, shares from two snapshots by hand, and what is refused."""

import datetime as dt
import json
import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from budgetopt.errors import HistoryError
from budgetopt.history import Delay, History

FIRST = dt.date(2026, 1, 5)


def snapshot(outcome, later=0, **changes):
    """Return a history of weekly rows, the oldest first, known some days after its last week."""
    outcome = np.array(outcome, dtype=float)
    total = outcome.ndim == 1
    columns = outcome[:, None] if total else outcome
    weeks = len(columns)
    last = FIRST + dt.timedelta(days=7 * weeks - 1 + later)
    names = tuple("abcdefgh"[: columns.shape[1]])
    known = {"total" if total else "outcome": outcome}
    starts = np.datetime64(FIRST) + 7 * np.arange(weeks)
    made = {"channels": names, "weeks": starts, "spend": np.full(columns.shape, 10.0)}
    return History(**made | known | {"data_through": last} | changes)


def refused(call, *args, **more):
    with pytest.raises(HistoryError) as caught:
        call(*args, **more)
    assert caught.value.remedy
    return caught.value


# As given


def test_shares_between_ages_lie_on_lines_and_end_complete():
    delay = Delay([0.5, 0.9, 1.0], [0, 1, 3], [0.2, 0.1, 0])
    assert delay.share([0, 0.5, 1, 2, 3, 400]) == pytest.approx([0.5, 0.7, 0.9, 0.95, 1, 1])
    assert delay.log_sd([0, 0.5, 1, 2, 3, 400]) == pytest.approx([0.2, 0.15, 0.1, 0.05, 0, 0])
    assert float(delay.share(4 / 7)) == pytest.approx(0.5 + 0.4 * 4 / 7)
    assert Delay([1.0]).share([0, 0.1, 9]).tolist() == [1, 1, 1]
    assert Delay([0.5, 1]).ages == (0, 1)


def test_what_is_younger_than_all_that_is_known_is_unknown():
    delay = Delay([0.5, 1.0], [4 / 7, 2])
    assert np.isnan(delay.share([-1, 0, np.nan])).all()
    assert np.isnan(delay.log_sd([0.5])).all()
    # An age from a difference of dates may miss its own value by a rounding.
    assert delay.share(4 / 7 - 1e-15) == pytest.approx(0.5)


def test_channels_have_shares_of_their_own_or_the_common_ones():
    delay = Delay([0.6, 1.0], channels={"kol": {"shares": [0.2, 1.0], "log_sds": [0.3, 0]}})
    ages = np.array([[0.0], [0.5], [1.0]])
    names = ["search", "kol"]
    assert delay.share(ages, names) == pytest.approx(np.array([[0.6, 0.2], [0.8, 0.6], [1, 1]]))
    assert delay.log_sd(ages, names) == pytest.approx(np.array([[0, 0.3], [0, 0.15], [0, 0]]))
    wide = np.repeat(ages, 2, axis=1)
    assert np.array_equal(delay.share(wide, names), delay.share(ages, names))
    runs = np.broadcast_to(ages[:, None], (3, 4, 1))
    assert delay.share(runs, names).shape == (3, 4, 2)
    assert delay.share(wide).tolist() == np.repeat([[0.6], [0.8], [1]], 2, axis=1).tolist()
    assert delay.share(0.0, names).tolist() == [0.6, 0.2]
    assert delay.share(ages, []).shape == (3, 0)
    assert refused(delay.share, np.zeros((3, 3)), names).field == "age"


shares = st.lists(st.floats(0.01, 1), max_size=6).map(lambda s: [*sorted(s), 1.0])


@given(shares, st.lists(st.floats(0, 9), min_size=1, max_size=20))
def test_shares_never_fall_with_age(given_, ages):
    found = Delay(given_).share(sorted(ages))
    assert np.all(np.diff(found) >= -1e-15)
    assert np.all((found > 0) & (found <= 1))


@given(shares, st.booleans())
def test_plain_data_there_and_back(given_, own):
    channels = {"抖音": given_, "a": {"shares": given_, "log_sds": [0.1] * len(given_)}}
    delay = Delay(given_, log_sds=[0.2] * len(given_), channels=channels if own else {})
    data = json.loads(json.dumps(delay.to_dict(), allow_nan=False))
    assert Delay.of(data) == delay
    assert hash(Delay.of(data)) == hash(delay)
    assert pickle.loads(pickle.dumps(delay)) == delay
    assert Delay.of(delay) is delay
    assert Delay.of(None) is None


@pytest.mark.parametrize(
    ("parts", "field", "said"),
    [
        ({"shares": []}, "delay.shares", "list of numbers"),
        ({}, "delay.shares", "list of numbers"),
        ({"shares": 1.0}, "delay.shares", "list of numbers"),
        ({"shares": [True]}, "delay.shares", "list of numbers"),
        ({"shares": ["0.5", 1]}, "delay.shares", "list of numbers"),
        ({"shares": [np.nan, 1]}, "delay.shares", "list of numbers"),
        ({"shares": [0, 1]}, "delay.shares", "holds 0"),
        ({"shares": [0.5, 1.01]}, "delay.shares", "holds 1.01"),
        ({"shares": [0.5, 0.4, 1]}, "delay.shares", "falls from 0.5 to 0.4"),
        ({"shares": [0.5, 0.9]}, "delay.shares", "ends with 0.9"),
        ({"shares": [0.5, 1], "ages": [0]}, "delay.ages", "1 age for 2 shares"),
        ({"shares": [0.5, 1], "ages": [1, 1]}, "delay.ages", "rising"),
        ({"shares": [0.5, 1], "ages": [-0.1, 1]}, "delay.ages", "rising"),
        ({"shares": [0.5, 1], "ages": [0, 521]}, "delay.ages", "to 520"),
        ({"shares": [0.5, 1], "log_sds": [0]}, "delay.log_sds", "2 numbers from 0 to 5"),
        ({"shares": [0.5, 1], "log_sds": [-0.1, 0]}, "delay.log_sds", "from 0 to 5"),
        ({"shares": [0.5, 1], "log_sds": [5.1, 0]}, "delay.log_sds", "from 0 to 5"),
        ({"shares": [1], "shars": [1]}, "delay.shars", "did you mean 'shares'"),
        ({"shares": [1], "channels": [1]}, "delay.channels", "by channel name"),
        ({"shares": [1], "channels": {" ": [1]}}, "delay.channels", "give a name"),
        ({"shares": [1], "channels": {"a": [0.5, 1]}}, "delay.channels.a.shares", "for 1 age"),
        ({"shares": [1], "channels": {"a": {"sd": 1}}}, "delay.channels.a.sd", "no part 'sd'"),
        ("0.5", "delay", "shares by age"),
    ],
)
def test_what_is_no_delay_is_refused(parts, field, said):
    error = refused(Delay.of, parts)
    assert (error.code, error.field) == ("bad-argument", field)
    assert said in str(error)


# Two snapshots, by hand


def test_the_ladder_by_hand():
    # Ages 3, 2, 1, 0 at the earlier snapshot; a week later each is one older.
    earlier = snapshot([1000, 1000, 900, 600])
    later = snapshot([1000, 1000, 1000, 800], later=7)
    delay = Delay.learned(earlier, later, outcome_unit=1)
    assert delay.ages == (0, 1, 2)
    # F(1) = 900/1000, F(0) = 600/800 of F(1).
    assert delay.shares == pytest.approx((0.75 * 0.9, 0.9, 1.0))
    # With one count a week the log of a share has variance (1 - r)/(r n), and they add.
    one, two = (1 - 0.9) / (0.9 * 1000), (1 - 0.75) / (0.75 * 800)
    assert delay.log_sds == pytest.approx((np.sqrt(one + two), np.sqrt(one), 0), rel=0.01)
    assert delay.channels == ()


def test_the_ladder_two_weeks_apart_by_hand():
    earlier = snapshot([500, 500, 475, 400, 240])
    later = snapshot([500, 500, 500, 500, 400], later=14)
    delay = Delay.learned(earlier, later, outcome_unit=1)
    assert delay.ages == (0, 1, 2, 3)
    # F(2) = 475/500, F(1) = 400/500 F(3), F(0) = 240/400 F(2).
    assert delay.shares == pytest.approx((0.6 * 0.95, 0.8, 0.95, 1.0))


def test_the_ladder_between_ages_by_hand():
    # Known three days after the last week, and eleven days later.
    earlier = snapshot([1000, 1000, 1000, 500], later=3)
    later = snapshot([1000, 1000, 1000, 900], later=14)
    delay = Delay.learned(earlier, later, outcome_unit=1)
    assert delay.ages == pytest.approx((3 / 7, 10 / 7))
    assert delay.shares == pytest.approx((500 / 900, 1.0))
    earlier = snapshot([1000, 1000, 800, 500], later=3)
    later = snapshot([1000, 1000, 1000, 900], later=14)
    delay = Delay.learned(earlier, later, outcome_unit=1)
    # At 14/7 weeks the share lies between 0.8 at 10/7 and 1 at 17/7.
    assert delay.shares == pytest.approx((500 / 900 * (0.8 + 0.2 * 4 / 7), 0.8, 1.0))


def test_channels_are_pooled_by_their_volume():
    earlier = snapshot([[1000, 100], [1000, 100], [500, 90]])
    later = snapshot([[1000, 100], [1000, 100], [1000, 100]], later=7)
    delay = Delay.learned(earlier, later, outcome_unit=1)
    assert delay.shares == pytest.approx((590 / 1100, 1))
    a, b = delay.share([[0.0]], ["a", "b"])[0]
    # Each lies between its own share and the common one, the larger nearer to its own.
    assert 0.5 < a < 590 / 1100 < b < 0.9
    assert a - 0.5 < 0.02
    new = float(delay.log_sd([[0.0]], ["new"])[0, 0])
    assert new > float(delay.log_sd([[0.0]], ["b"])[0, 0]) > 0


def test_channels_alike_are_told_to_be_alike():
    share = np.array([0.5, 0.8, 1, 1])[::-1, None]
    full = np.array([[4000.0, 400, 40, 4000, 400, 4]] * 4)
    earlier, later = snapshot(full * share), snapshot(full * [[1], [1], [1], [0.8]], later=7)
    delay = Delay.learned(earlier, later, outcome_unit=1)
    assert delay.share([[0.0], [1.0]], list("abcdef")) == pytest.approx(
        np.array([[0.5], [0.8]]) * np.ones(6), rel=1e-3
    )
    wide = delay.log_sd([[0.0]], list("abcdef"))[0]
    assert wide[0] < wide[1] < wide[2] < wide[5]


def test_a_slow_channel_with_much_data_keeps_its_own_delay():
    share = np.array([[0.3, 0.8, 0.8], [0.75, 0.96, 0.96], [1, 1, 1], [1, 1, 1]])[::-1]
    full = np.full((4, 3), 1e5)
    later = np.vstack([full[:3], full[:1] * share[2]])
    delay = Delay.learned(snapshot(full * share), snapshot(later, later=7), outcome_unit=1)
    slow, quick, _ = delay.share([[0.0]], ["a", "b", "c"])[0]
    assert slow == pytest.approx(0.3, abs=0.05)
    assert quick == pytest.approx(0.8, abs=0.05)


@pytest.mark.parametrize("unit", [1e-6, 7.5, 1e6])
def test_the_unit_of_the_outcome_does_not_matter(unit):
    rng = np.random.default_rng(5)
    full = rng.poisson(300, (9, 4))
    earlier = full.copy()
    earlier[-2:] = rng.binomial(full[-2:], [[0.9], [0.6]])
    later = full.copy()
    later[-1] = earlier[-1] + rng.binomial(full[-1] - earlier[-1], 0.8)
    one = Delay.learned(snapshot(earlier), snapshot(later, later=7), outcome_unit=1)
    other = Delay.learned(
        snapshot(unit * earlier), snapshot(unit * later, later=7), outcome_unit=unit
    )
    assert other.share([[0.0], [1.0]], list("abcd")) == pytest.approx(
        one.share([[0.0], [1.0]], list("abcd")), rel=1e-9
    )
    assert other.log_sds == pytest.approx(one.log_sds, rel=1e-6)
    # The order of the channels does not matter either.
    turned = Delay.learned(
        snapshot(earlier).select(list("dcba")), snapshot(later, later=7), outcome_unit=1
    )
    assert turned.share([[0.0]], list("abcd")) == pytest.approx(
        one.share([[0.0]], list("abcd")), rel=1e-9
    )


def test_uneven_arrivals_are_told_from_the_residuals():
    rng = np.random.default_rng(2)
    full = rng.poisson(400, (9, 8)) * 10.0
    earlier, later = full.copy(), full.copy()
    earlier[-3:] = 10 * rng.binomial((full[-3:] / 10).astype(int), [[0.95], [0.8], [0.5]])
    later[-2:] = earlier[-2:] + 10 * rng.binomial(
        ((full - earlier)[-2:] / 10).astype(int), [[0.7], [0.6]]
    )
    told = Delay.learned(snapshot(earlier), snapshot(later, later=7))
    counts = Delay.learned(snapshot(earlier / 10), snapshot(later / 10, later=7))
    # Money, ten for each event, spreads as its events do: nothing of the unit is left.
    assert told.log_sds == pytest.approx(counts.log_sds, rel=1e-6)
    as_counts = Delay.learned(snapshot(earlier), snapshot(later, later=7), outcome_unit=1)
    assert as_counts.log_sds[0] > 0.02


def test_nothing_arrives_late():
    full = np.full(6, 100.0)
    assert Delay.learned(snapshot(full), snapshot(full, later=7), outcome_unit=1) == Delay([1.0])


def test_an_age_at_which_nothing_was_reported_is_unknown():
    delay = Delay.learned(
        snapshot([500, 500, 400, 0]), snapshot([500, 500, 500, 350], later=7), outcome_unit=1
    )
    assert delay.ages == (1, 2)
    assert np.isnan(delay.share(0.0))
    assert delay.share(1.0) == pytest.approx(0.8)


def test_unknown_and_partial_cells_say_nothing():
    earlier = [[500, 500.0], [500, 500], [400, np.nan], [300, 300]]
    later = [[500, 500.0], [500, 500], [500, 500], [400, 400]]
    delay = Delay.learned(snapshot(earlier), snapshot(later, later=7), outcome_unit=1)
    assert delay.shares == pytest.approx((0.75 * 0.8, 0.8, 1))
    partial = [False, False, True, False]
    error = refused(
        Delay.learned, snapshot(earlier, partial=partial), snapshot(later, later=7), outcome_unit=1
    )
    assert (error.code, error.field) == ("no-data", "later")
    # A week under way at the earlier snapshot has no age yet.
    more = snapshot([*later, [5, 5]], later=0)
    under_way = snapshot(
        [*earlier, [1, 1]],
        partial=[False] * 4 + [True],
        data_through=FIRST + dt.timedelta(days=27),
    )
    assert Delay.learned(under_way, more, outcome_unit=1).shares == pytest.approx(delay.shares)


def test_outcomes_withdrawn_within_a_hundredth_have_not_fallen():
    earlier, later = snapshot([1000, 1000, 600]), snapshot([1000, 995, 800], later=7)
    delay = Delay.learned(earlier, later, outcome_unit=1)
    assert delay.shares == pytest.approx((0.75, 1))


# What two snapshots do not say


@pytest.mark.parametrize(
    ("earlier", "later", "more", "code", "said"),
    [
        (snapshot([9, 9]), snapshot([9, 9], later=6), {}, "bad-history", "less than a week"),
        (snapshot([9, 9], later=7), snapshot([9, 9]), {}, "bad-history", "less than a week"),
        (snapshot([[9], [9]]), snapshot([9, 9], later=7), {}, "bad-history", "one total"),
        (
            snapshot([[9, 9]] * 2),
            snapshot([[9], [9]], later=7),
            {},
            "bad-history",
            "'b' is not in the later",
        ),
        (
            snapshot([[9], [9]]),
            snapshot([[9, 9]] * 2, later=7),
            {},
            "bad-history",
            "'b' is not in the earlier",
        ),
        (
            snapshot([[9], [9]]),
            snapshot([[9], [9]], later=7, spend=[[10], [11]]),
            {},
            "bad-history",
            "spend of 'a' in the week of 2026-01-12 is 10 in the earlier snapshot and 11",
        ),
        (
            snapshot([[9], [900]]),
            snapshot([[9], [890]], later=7),
            {},
            "bad-history",
            "outcome of 'a' in the week of 2026-01-12 falls from 900 to 890",
        ),
        (
            snapshot([900, 9]),
            snapshot([9, 9], later=7),
            {},
            "bad-history",
            "outcome in the week of 2026-01-05 falls",
        ),
        (snapshot([0, 0]), snapshot([0, 0], later=7), {}, "no-data", "share no outcome"),
        (
            snapshot([np.nan] * 2),
            snapshot([9, 9], later=7),
            {},
            "no-data",
            "share no outcome",
        ),
        (
            snapshot([900, 500]),
            snapshot([990, 900], later=7),
            {},
            "no-data",
            "the 0 oldest weeks with an outcome of 0 do not show",
        ),
        (
            snapshot([9, 9, 5]),
            snapshot([9, 9, 9], later=7),
            {"outcome_unit": 1},
            "no-data",
            "the 2 oldest weeks with an outcome of 18",
        ),
        (
            snapshot([900, 500]),
            snapshot([990, 900], later=7),
            {"complete_after": 2.5},
            "no-data",
            "1 week old, and weeks are complete after 2.5",
        ),
        (
            snapshot([900, 800, 500]),
            snapshot([900, 990, 900], later=7),
            {"complete_after": 1},
            "no-data",
            "10.1% arrived later than 1 week",
        ),
        (
            snapshot([900, 900, 500]),
            snapshot([900, 900, 900], later=7),
            {},
            "no-data",
            "do not tell how unevenly",
        ),
        (snapshot([9]), snapshot([9], later=7), {"outcome_unit": 0}, "bad-argument", "above 0"),
        (snapshot([9]), snapshot([9], later=7), {"complete_after": -1}, "bad-argument", "above"),
        (snapshot([9]), snapshot([9], later=7), {"outcome_unit": True}, "bad-argument", "above"),
        (
            snapshot([9], partial=[True], data_through=None),
            snapshot([9], later=7),
            {},
            "no-data",
            "the earlier snapshot has no complete week",
        ),
    ],
)
def test_snapshots_that_do_not_tell_are_refused(earlier, later, more, code, said):
    error = refused(Delay.learned, earlier, later, **more)
    assert error.code == code
    assert said in str(error)


def test_snapshots_without_a_week_in_common_are_refused():
    later = snapshot([9.0] * 9, later=7)
    early = later.until(FIRST + dt.timedelta(days=14))
    other = History(
        later.channels, later.weeks[3:], later.spend[3:], total=later.total[3:],
        data_through=later.through + dt.timedelta(days=7),
    )  # fmt: skip
    assert "share no week" in str(refused(Delay.learned, early, other))


def test_the_oldest_ages_may_be_given_as_complete():
    earlier, later = snapshot([950, 500]), snapshot([1000, 900], later=7)
    delay = Delay.learned(earlier, later, complete_after=2, outcome_unit=1)
    assert delay.ages == (0, 1, 2)
    assert delay.shares == pytest.approx((5 / 9 * 0.95, 0.95, 1))


# Simulated delays

SLOW = (0.55, 0.80, 0.92, 0.97, 1.0)


def arrivals(rng, channels, size, clump, apart):
    """Return two snapshots of true counts, the true shares by age, and the mean counts."""
    weeks, base = 20, np.array(SLOW)
    theta = np.exp(0.3 * rng.normal(size=channels))
    mean = size * np.exp(0.7 * rng.normal(size=channels))
    full = rng.poisson(mean / clump, (weeks, channels))
    ages = np.arange(weeks)[::-1]

    def share(age):
        return base[np.minimum(age, len(base) - 1)][:, None] ** theta

    first, second = share(ages), share(ages + apart)
    seen = rng.binomial(full, first)
    chance = np.where(first < 1, (second - first) / np.maximum(1 - first, 1e-12), 0)
    more = seen + rng.binomial(full - seen, np.minimum(chance, 1))
    pair = snapshot(seen * clump), snapshot(more * clump, later=7 * apart)
    return *pair, share(np.arange(4)), mean


@pytest.mark.slow
@pytest.mark.parametrize(
    ("channels", "size", "clump", "apart"),
    [(8, 200, 1, 1), (8, 40, 1, 1), (8, 200, 1, 2), (8, 1000, 5, 1), (2, 1000, 1, 1)],
)
def test_completed_weeks_are_calibrated(channels, size, clump, apart):
    scores = []
    for seed in range(150):
        rng = np.random.default_rng(seed)
        earlier, later, share, mean = arrivals(rng, channels, size, clump, apart)
        delay = Delay.learned(earlier, later, complete_after=6, outcome_unit=1)
        ages = np.arange(4.0)[:, None]
        found, sd = (f(ages, earlier.channels) for f in (delay.share, delay.log_sd))
        # New weeks of the same delays, seen young and in the end.
        full = rng.poisson(mean / clump, (4, channels))
        seen = rng.binomial(full, share)
        thinned = (1 - found) / np.maximum(found * full * clump, 1e-9)
        with np.errstate(divide="ignore", invalid="ignore"):
            error = np.log(seen / found / full) / np.sqrt(sd**2 + thinned)
        scores.append(error[(seen >= 5)])
    scores = np.abs(np.concatenate(scores))
    assert 0.75 <= np.mean(scores < 1.2816) <= 0.88
    assert 0.91 <= np.mean(scores < 1.96) <= 0.98
