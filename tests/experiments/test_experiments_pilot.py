"""Pilots: the arithmetic by hand, the error rates by simulation, and what is handed to learning."""

import datetime as dt
import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy.special import gammainc, stdtr

import budgetopt as bo
from budgetopt.errors import BudgetoptError
from budgetopt.experiments import Observation, Pilot, pilot_sentences, read_pilot
from budgetopt.experiments.evidence import evidence_of_counts
from budgetopt.experiments.stopping import counts_always, counts_once, weeks_always, weeks_once

MONDAY = dt.date(2026, 3, 2)
ERROR = 0.05


def rows(weeks, outcome="conversions", **money):
    """Return a log of outcomes ``(pilot, control)`` by week."""
    spend = {"pilot": 600.0, "control": 0.0} | money
    return [
        Observation(MONDAY + dt.timedelta(7 * at), arm, spend[arm], **{outcome: got})
        for at, pair in enumerate(weeks)
        for arm, got in zip(("pilot", "control"), pair, strict=True)
    ]


def pilot(log=(), outcome="conversions", money=None, **given):
    declared = {"channel": "video", "planned": 30_000, "share": 0.02} | given
    return Pilot(**declared, outcome=outcome, log=tuple(rows(log, outcome, **money or {})))


def test_a_pilot_by_hand():
    found = pilot([(130, 4900), (110, 4900)], weeks=2, most_cost=60).verdict()
    # 240 of 2 % are 6,000 a week; 9,800 of 98 % are 5,000.
    assert found.outcome_high == pytest.approx(6_000)
    assert found.outcome_low == pytest.approx(5_000)
    assert found.incremental == pytest.approx(1_000)
    assert found.error == pytest.approx(math.sqrt(240.5 / 0.04**2 + 9_800.5 / 1.96**2))
    assert (found.spend_high, found.spend_low) == (30_000, 0)
    assert found.needed == pytest.approx(500)  # 30,000 at 60 each
    assert found.cost == pytest.approx(30)
    test = found.lift_test
    assert test == bo.LiftTest("video", found.incremental, found.error, 30_000, 0, "2026-03-15")


def test_a_pilot_of_regions_by_hand():
    weeks = [(130, 4900), (110, 4802), (126, 5096), (114, 4704)]
    found = pilot(weeks, kind="regions").verdict()
    apart = np.array([6_500 - 5_000, 5_500 - 4_900, 6_300 - 5_200, 5_700 - 4_800])
    error = apart.std(ddof=1) / 2
    assert found.incremental == pytest.approx(apart.mean())
    # Student's range with three degrees of freedom, 2.5 % outside at either end.
    assert found.low == pytest.approx(apart.mean() - 3.182446 * error, rel=1e-6)
    assert found.high == pytest.approx(apart.mean() + 3.182446 * error, rel=1e-6)
    assert found.error == pytest.approx(error * 2.353363 / 1.644854, rel=1e-6)
    assert found.decision == "go"
    assert found.decided == 4


def test_what_is_found_beforehand_by_hand():
    error = math.sqrt(5_000 * (1 / 0.02 + 1 / 0.98) / 4)
    assert pilot(usual=5_000).detectable == pytest.approx((1.959964 + 0.841621) * error, rel=1e-6)
    assert pilot(usual=5_000, kind="regions").detectable is None
    noisy = pilot(kind="regions", noise=200)
    assert noisy.detectable == pytest.approx(2.801585 * 200 * math.sqrt((50 + 1 / 0.98) / 4))
    assert str(noisy.money_a_week) == "600.00"


@given(
    st.floats(0.01, 0.05), st.floats(0.01, 0.05), st.integers(1, 6), st.floats(0.01, 3.0),
    st.floats(0.0, 0.5),
)  # fmt: skip
def test_the_same_response_per_user_scales_by_one_over_the_share(p, q, weeks, each, lift):
    """Whatever the share, so long as each user does the same, the market's outcome is one."""

    def found(share):
        users = np.array([share, 1 - share]) * 10_000
        pair = users * each * np.array([1 + lift, 1.0])
        money = {"pilot": share * 30_000.0}
        return pilot([pair] * weeks, share=share, money=money).verdict()

    one, other = found(p), found(q)
    assert one.incremental == pytest.approx(10_000 * each * lift, abs=1e-6)
    assert other.incremental == pytest.approx(one.incremental, rel=1e-9, abs=1e-6)
    assert one.spend_high == pytest.approx(30_000)
    # The larger group is known better.
    assume(abs(p - q) > 1e-6)
    assert (one.error < other.error) == (p > q)


@given(st.floats(0.5, 400), st.floats(50, 9_000), st.floats(0.01, 0.05), st.integers(1, 8))
def test_the_ends_are_where_the_evidence_reaches_its_line(x, y, share, weeks):
    events, exposure = np.array([x, y]), weeks * np.array([share, 1 - share])
    low, high = counts_always(events, exposure, 0.025)
    for end, side in ((low, 0), (high, 1)):
        add = np.array([max(-end, 0.0), max(end, 0.0)]) * exposure
        known = evidence_of_counts((events + add)[None], exposure[None])[side, 1 - side]
        assert known == pytest.approx(math.log(40), abs=1e-5)
    assert low < x / exposure[0] - y / exposure[1] < high


@given(st.floats(1, 300), st.floats(1, 300))
def test_one_look_at_counts_by_the_limits_of_each(x, y):
    """The ends from each rate's own limits, found by bisecting Poisson sums."""
    low, high = counts_once(np.array([x, y]), np.array([1.0, 1.0]), 0.025)

    def solved(f):
        least, most = 0.0, 2_000.0
        for _ in range(80):
            half = (least + most) / 2
            least, most = (half, most) if f(half) else (least, half)
        return half

    limit = [
        (
            solved(lambda m, k=k: gammainc(k, m) < 0.025),
            solved(lambda m, k=k: gammainc(k + 1, m) < 0.975),
        )
        for k in (x, y)
    ]
    assert low == pytest.approx(x - y - math.hypot(x - limit[0][0], limit[1][1] - y))
    assert high == pytest.approx(x - y + math.hypot(limit[0][1] - x, y - limit[1][0]))


@given(st.lists(st.floats(-1e3, 1e3), min_size=6, max_size=12), st.floats(0.01, 0.1))
def test_the_ends_of_weeks_are_where_the_evidence_reaches_its_line(weeks, error):
    d = np.array(weeks)
    assume(np.std(d) > 1e-3)
    low, high = weeks_always(d, error)
    n = d.size
    if np.isfinite(low[-1]):
        t = (d.mean() - low[-1]) * math.sqrt(n) / d.std(ddof=1)
        assert high[-1] - d.mean() == pytest.approx(d.mean() - low[-1])
        ratio = (1 + t * t / (n - 1)) / (1 + t * t / ((n - 1) * (1 + n)))
        assert ratio ** (n / 2) / math.sqrt(1 + n) == pytest.approx(1 / error, rel=1e-5)
    least, _ = weeks_once(d, error)
    t = (d.mean() - least[-1]) * math.sqrt(n) / d.std(ddof=1)
    assert stdtr(n - 1, t) == pytest.approx(1 - error, rel=1e-6)


def test_the_evidence_of_weeks_is_a_ratio_of_likelihoods():
    """By quadrature over the effect and the scale, with Haar's measure for the scale."""
    d = np.array([1.0, 2.5, 0.5, 2.0, 1.8])
    sigma = np.exp(np.linspace(-6, 6, 1201))[:, None]
    effect = np.linspace(-8, 8, 801)[None]
    # Each integrand over log sigma: densities of five weeks.
    squares = lambda mean: sum((x - mean) ** 2 for x in d)  # noqa: E731
    null = (sigma**-5 * np.exp(-squares(0.0) / (2 * sigma**2))).sum()
    normal = np.exp(-(effect**2) / 2) / math.sqrt(2 * math.pi) * (effect[0, 1] - effect[0, 0])
    other = (sigma**-5 * np.exp(-squares(effect * sigma) / (2 * sigma**2)) * normal).sum()
    t2, n = (d.mean() * math.sqrt(5) / d.std(ddof=1)) ** 2, 5
    closed = ((1 + t2 / 4) / (1 + t2 / (4 * 6))) ** (n / 2) / math.sqrt(6)
    assert other / null == pytest.approx(closed, rel=1e-6)


def wrong_by_events(rng, base, lift, share, weeks, runs):
    """Return how often a true outcome per week was ever below or above the range of a pilot."""
    groups = np.array([share, 1 - share])
    drawn = rng.poisson(base * groups * np.array([1 + lift, 1.0]), (runs, weeks, 2)).cumsum(axis=1)
    exposure = np.broadcast_to(np.arange(1.0, weeks + 1)[:, None] * groups, drawn.shape)
    low, high = counts_always(drawn, exposure, ERROR / 2)
    once = counts_once(drawn[:, -1], exposure[:, -1], ERROR / 2)
    true = base * lift
    return (
        np.mean((low > true).any(axis=1) | (once[0] > true)),
        np.mean((high < true).any(axis=1) | (once[1] < true)),
    )


def wrong_by_weeks(rng, weeks, runs):
    apart = rng.normal(0.0, 1.0, (runs, weeks))
    low, high = weeks_always(apart, ERROR / 2)
    once = [end[:, -1] for end in weeks_once(apart, ERROR / 2)]
    return (
        np.mean((low > 0).any(axis=1) | (once[0] > 0)),
        np.mean((high < 0).any(axis=1) | (once[1] < 0)),
    )


CASES = [(5_000, 0.0, 0.02, 4), (5_000, 0.15, 0.02, 8), (500, 0.0, 0.05, 12), (100, 0.3, 0.01, 4)]


def kept(wrong, runs):
    """Return whether a rate of wrong answers is not above the declared, with three errors' room."""
    return max(wrong) <= ERROR + 3 * math.sqrt(ERROR * (1 - ERROR) / runs)


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES)
def test_the_declared_error_rate_holds_for_users(case):
    assert kept(wrong_by_events(np.random.default_rng(1), *case, 4_000), 4_000)


@pytest.mark.slow
@pytest.mark.parametrize("weeks", [3, 4, 8, 16])
def test_the_declared_error_rate_holds_for_regions(weeks):
    assert kept(wrong_by_weeks(np.random.default_rng(2), weeks, 40_000), 40_000)


@pytest.mark.slow
@pytest.mark.parametrize(("usual", "share", "weeks"), [(5_000, 0.02, 4), (20_000, 0.05, 6)])
def test_what_is_said_to_be_found_is_found_in_four_of_five_pilots(usual, share, weeks):
    rng, groups = np.random.default_rng(6), np.array([share, 1 - share])
    least = pilot(usual=usual, share=share, weeks=weeks).detectable
    means = weeks * groups * (usual + np.array([least, 0.0]))
    low, _ = counts_once(rng.poisson(means, (4_000, 2)), weeks * groups, ERROR / 2)
    # More events spread more than `usual` says, so that it is a little less often.
    assert 0.72 < np.mean(low > 0) < 0.82


def test_a_small_run_keeps_the_error_rate():
    assert kept(wrong_by_events(np.random.default_rng(3), *CASES[0], 300), 300)
    assert kept(wrong_by_weeks(np.random.default_rng(3), 6, 3_000), 3_000)


def test_looking_every_week_at_the_usual_range_would_be_wrong_more_often():
    rng, weeks = np.random.default_rng(4), 26
    low, _ = weeks_once(rng.normal(0.0, 1.0, (4_000, weeks)), ERROR)
    assert np.mean((low > 0)[:, 2:].any(axis=1)) > 2 * ERROR


@pytest.mark.parametrize(
    ("weeks", "given", "decision", "reason"),
    [
        ([(200, 4900)], {"most_cost": 60}, "go", "pays"),
        ([(200, 4900)], {}, "go", "pays"),
        ([(101, 4900)] * 2, {"most_cost": 5}, "stop", "does-not-pay"),
        ([(40, 4900)] * 2, {"most_cost": 60}, "stop", "harms"),
        ([(110, 4900)] * 2, {"most_cost": 60}, "go on", ""),
        ([(110, 4900)] * 4, {"most_cost": 60}, "undecided", ""),
        ([(3, 147)] * 4, {"kind": "regions"}, "undecided", ""),
        ([], {}, "go on", ""),
    ],
)
def test_go_stop_and_go_on(weeks, given, decision, reason):
    found = pilot(weeks, **given).verdict()
    assert (found.decision, found.reason) == (decision, reason)
    assert pilot_sentences(found)
    if found.low is not None and found.decision in ("go", "stop"):
        bar = found.needed if reason != "harms" else 0.0
        assert found.low > bar if decision == "go" else found.high < bar


@pytest.mark.parametrize("weeks", [4, 1])
def test_without_a_cost_no_number_is_needed(weeks):
    said = [str(one) for one in pilot_sentences(pilot([(101, 4900)], weeks=weeks).verdict())]
    assert "it is not shown whether video brings anything" in said[0]
    assert not any("its money must bring" in one for one in said)
    priced = pilot([(101, 4900)], weeks=weeks, most_cost=300).verdict()
    assert "brings the 100 a week that its money must bring" in str(pilot_sentences(priced)[0])


def test_what_was_said_once_stays_said():
    strong = [(220, 4900), (215, 4900)]
    weak = strong + [(60, 4900)] * 10
    assert pilot(strong, most_cost=60).verdict().decided == 1
    later = pilot(weak, most_cost=60).verdict()
    assert (later.decision, later.decided, later.weeks) == ("go", 1, 12)
    assert later.incremental < 0


@given(st.lists(st.tuples(st.integers(0, 300), st.integers(1, 9_000)), max_size=7),
       st.sampled_from(["users", "regions"]), st.sampled_from([None, 5.0, 60.0]))  # fmt: skip
def test_any_log_has_an_answer_that_comes_back(weeks, kind, cost):
    made = pilot(weeks, kind=kind, most_cost=cost)
    found = made.verdict()
    assert Pilot.from_json(made.to_json()) == made
    assert Pilot.from_json(made.to_json()).verdict() == found
    for language in ("en", "zh"):
        assert bo.report.pilot_table(found, language)
    if found.low is not None:
        assert found.low < found.high
    if found.lift_test is not None:
        plan = bo.Plan(
            currency="CNY", budget=100, channels=[bo.Channel("video")], lift_tests=[found.lift_test]
        )
        assert plan.lift_tests == (found.lift_test,)


def test_the_lift_test_of_the_text_is_the_one_of_the_answer():
    import tomllib

    found = pilot([(130, 4900), (110, 4900)], channel='短视频 "b"', weeks=2).verdict()
    text = bo.report.pilot_table(found)
    assert "短视频" in text[text.index("[[lift_tests]]") :]
    read = tomllib.loads(text[text.index("[[lift_tests]]") :])["lift_tests"]
    assert [bo.LiftTest.of(each) for each in read] == [found.lift_test]


def daily_rows(days):
    return [
        Observation(MONDAY + dt.timedelta(day), arm, money, conversions=got)
        for day in days
        for arm, money, got in (("pilot", 100, 20), ("control", 0, 700))
    ]


@pytest.mark.parametrize(
    ("log", "day"),
    [
        # One arm without a Thursday had 1/7 less of the week than the other, and was said to harm.
        ([row for row in daily_rows(range(14)) if (row.day.day, row.arm) != (5, "pilot")], 5),
        ([row for row in daily_rows(range(14)) if row.day.day != 12], 12),
        ([row for row in daily_rows(range(8)) if row.day.day < 9] + rows([(9, 9)] * 3)[2:], 10),
        (rows([(130, 4900)] * 3)[:2] + rows([(130, 4900)] * 3)[4:], 9),
        (rows([(130, 4900)] * 3)[:3] + rows([(130, 4900)] * 3)[4:], 9),
    ],
)
def test_a_day_without_a_row_is_named(log, day):
    with pytest.raises(BudgetoptError) as error:
        Pilot("video", 35_000, 0.02, log=log)
    assert (error.value.code, error.value.value) == ("bad-history", f"2026-03-{day:02}")


@pytest.mark.parametrize("money", [{"pilot": 0.0}, {"pilot": 1.0, "control": 600.0}])
@pytest.mark.parametrize("weeks", [3, 8])
def test_without_more_money_nothing_is_said_of_what_money_brings(money, weeks):
    found = pilot([(130, 4900)] * 3, weeks=weeks, money=money, most_cost=60).verdict()
    assert (found.decision, found.reason) == ("undecided" if weeks == 3 else "go on", "")
    assert [said.code for said in pilot_sentences(found)] == ["pilot-no-more-money"]
    assert found.lift_test is None


def test_a_pilot_to_which_nothing_came_ends():
    found = pilot([(0, 0)] * 2, weeks=2).verdict()
    assert (found.decision, found.weeks) == ("undecided", 2)
    assert pilot([(0, 0)] * 2, weeks=3).verdict().decision == "go on"
    assert [said.code for said in pilot_sentences(found)] == ["pilot-nothing-came"]


@pytest.mark.parametrize(("lift", "code"), [(30, "pilot-cost"), (4, "pilot-cost-open")])
def test_what_one_more_costs_has_the_ends_of_the_range(lift, code):
    found = pilot([(100 + lift, 4900)] * 4, weeks=4).verdict()
    said = next(said for said in pilot_sentences(found) if said.code.startswith("pilot-cost"))
    assert said.code == code
    assert float(said.values["low"]) == pytest.approx(30_000 / found.high, rel=1e-3)
    if code == "pilot-cost":
        assert float(said.values["high"]) == pytest.approx(30_000 / found.low, rel=1e-3)
    else:
        assert found.low < 0 < found.incremental


def test_learning_takes_the_result():
    """A new channel's curve, known by its pilot alone, goes through what the pilot found."""
    found = pilot([(132, 4900)] * 4, weeks=4).verdict()
    weeks = [MONDAY + dt.timedelta(7 * at) for at in range(8)]
    feed = np.tile([20_000.0, 0.0], (8, 1))
    past = bo.History(("feed", "video"), weeks, feed, outcome=feed / 4)
    channels = [bo.Channel("feed"), bo.Channel("video")]
    usual = bo.Plan(currency="CNY", budget=60_000, channels=channels)
    told = replace(usual, lift_tests=[found.lift_test])
    at = np.array([0.0, 30_000.0])
    before, after = (bo.learn(past, plan).mean().value(at).sum() for plan in (usual, told))
    assert after == pytest.approx(found.incremental, rel=0.2)
    assert before != pytest.approx(found.incremental, rel=0.2)


def test_days_are_added_up_to_weeks_and_a_week_that_is_not_over_waits():
    found = Pilot("video", 35_000, 0.02, log=daily_rows(range(17))).verdict()
    assert (found.weeks, found.days_left_out) == (2, 3)
    assert found.incremental == pytest.approx(7 * 20 / 0.02 - 7 * 700 / 0.98)
    assert found.ended == dt.date(2026, 3, 15)
    regions = [*rows([(60, 2000)]), *rows([(70, 2900)])]
    assert Pilot("video", 60_000, 0.02, log=regions).verdict().outcome_high == 6_500


@pytest.mark.parametrize(
    ("given", "code", "field"),
    [
        ({"share": 0.2}, "bad-argument", "share"),
        ({"share": 0.001}, "bad-argument", "share"),
        ({"control": 0.99}, "bad-argument", "control"),
        ({"planned": 0}, "bad-argument", "planned"),
        ({"weeks": 2, "kind": "regions"}, "bad-argument", "weeks"),
        ({"weeks": 2, "outcome": "revenue"}, "bad-argument", "weeks"),
        ({"weeks": 2.5}, "bad-argument", "weeks"),
        ({"kind": "user"}, "unknown-name", "kind"),
        ({"outcome": "clicks"}, "unknown-name", "outcome"),
        ({"most_cost": 0}, "bad-argument", "most_cost"),
        ({"error_rate": 0.5}, "bad-argument", "error_rate"),
        ({"channel": " "}, "bad-name", "channel"),
        ({"log": rows([(1, 2)])[:1]}, "bad-history", "log"),
        ({"log": [Observation(MONDAY, "pilots", 1, conversions=1)]}, "unknown-name", "arm"),
        ({"log": rows([(1, 2)], "revenue")}, "bad-number", "conversions"),
    ],
)
def test_what_is_refused(given, code, field):
    with pytest.raises(BudgetoptError) as error:
        Pilot(**{"channel": "video", "planned": 1_000, "share": 0.02} | given)
    assert (error.value.code, error.value.field) == (code, field)
    assert error.value.remedy


def test_the_example_is_read_from_its_file(tmp_path):
    read = read_pilot("examples/pilot/pilot.toml")
    assert read.verdict().decision == "go"
    (tmp_path / "p.json").write_text(read.to_json(), "utf-8")
    assert read_pilot(tmp_path / "p.json") == read
    with pytest.raises(BudgetoptError) as error:
        read_pilot("examples/pilot/log.csv")
    assert error.value.code == "bad-file"
    (tmp_path / "p.toml").write_text('channel = "a"\nplanned = 9\nshares = 0.02\n', "utf-8")
    with pytest.raises(BudgetoptError, match="shares") as error:
        read_pilot(tmp_path / "p.toml")
    assert error.value.code == "bad-plan"
