"""Alerts: both sides of every rule, once each, and their numbers."""

import datetime as dt
import inspect
import json
import logging
import sys
from decimal import Decimal

import numpy as np
import pytest

from budgetopt.calendar import Week
from budgetopt.errors import InputError
from budgetopt.history import Delay, History
from budgetopt.i18n import in_language, say
from budgetopt.i18n.messages import show_figure
from budgetopt.ledger import Ledger
from budgetopt.money import show_amount
from budgetopt.plan import Channel, Goal, Plan, Reserve
from budgetopt.weekly import Intervention
from budgetopt.workflow import alerts as of_data
from budgetopt.workflow.alerts import CODES, Alert, alerts, from_json, news, to_json, to_log, worst
from budgetopt.workflow.inputs import RecordedHistory
from budgetopt.workflow.pacing import pace
from budgetopt.workflow.reserves import Movement, answer_overspend, balances

MONDAY = dt.date(2026, 11, 16)
FRIDAY = dt.date(2026, 11, 20)
DAY = dt.timedelta(days=1)
WEEK = 7 * DAY


def plan_of(rules=(), **more):
    settings = {"budget": 1400, "currency": "CNY", "channels": [Channel("a"), Channel("b")]}
    return Plan(**(settings | {"operation": {"alerts": dict(rules)}} | more))


def history_of(spend, outcome=None, *, last=MONDAY - WEEK, **more):
    weeks = np.array([last - n * WEEK for n in range(len(spend))][::-1], dtype="datetime64[D]")
    outcome = np.ones_like(np.array(spend, dtype=float)) if outcome is None else outcome
    return History(("a", "b"), weeks, np.array(spend, dtype=float), outcome=outcome, **more)


def codes(found):
    return [(alert.code, alert.severity) for alert in found]


STEADY = [[700, 700]] * 4


def test_a_quiet_week_raises_nothing():
    assert alerts(plan_of(), FRIDAY, history=history_of(STEADY)) == ()
    assert worst(()) is None


@pytest.mark.parametrize(
    ("days", "expected"),
    [(9, []), (10, ["warning"]), (19, ["warning"]), (20, ["critical"])],
)
def test_stale_from_the_day_of_the_rule_on(days, expected):
    # The last whole week ended on the 15th.
    found = alerts(plan_of(), MONDAY - DAY + days * DAY, history=history_of(STEADY))
    assert [alert.severity for alert in found] == expected
    if found:
        assert dict(found[0].figures)["days"] == found[0].sentence.values["days"] == days


def test_no_whole_week_is_critical():
    running = history_of([[1, 1]], partial=[True], last=MONDAY)
    assert ("data-stale", "critical") in codes(alerts(plan_of(), FRIDAY, history=running))


def test_a_report_that_is_missing():
    spend = [[700, 700], [700, 700], [700, np.nan]]
    (found,) = alerts(plan_of(), FRIDAY, history=history_of(spend, outcome=spend))
    assert (found.code, found.channels) == ("data-incomplete", ("b",))
    # A channel that was never reported is not waited for.
    never = [[700, np.nan]] * 3
    assert alerts(plan_of(), FRIDAY, history=history_of(never, outcome=never)) == ()


def test_a_week_that_lacks_days():
    through = MONDAY - DAY
    gap = history_of(STEADY, partial=[False, False, True, False], data_through=through)
    (found,) = alerts(plan_of(), FRIDAY, history=gap)
    assert found.code == "data-incomplete"
    assert found.key == f"data-incomplete:{MONDAY - 2 * WEEK}"


def test_a_week_that_is_not_over():
    partial = [False, False, False, True]
    running = history_of(STEADY, last=MONDAY, partial=partial, data_through=FRIDAY - DAY)
    (found,) = alerts(plan_of(), FRIDAY, history=running)
    assert (found.code, found.severity, dict(found.figures)) == (
        "week-not-over", "info", {"days": 4},
    )  # fmt: skip


def test_a_week_that_is_not_over_through_nobody_knows_which_day():
    running = history_of(STEADY, last=MONDAY, partial=[False, False, False, True])
    (found,) = alerts(plan_of(), FRIDAY, history=running)
    assert found.sentence == f"the week of {MONDAY} is not over and is left out"
    assert found.figures == ()


def difference(earlier, now):
    return {
        "history": now,
        "difference": RecordedHistory.of(now).since(RecordedHistory.of(earlier)),
    }


@pytest.mark.parametrize(("amount", "count"), [(714, 0), (714.01, 1), (685, 1)])
def test_revised_beyond_the_share(amount, count):
    now = history_of([[700, 700], [amount, 700], [700, 700]])
    found = alerts(plan_of(), FRIDAY, **difference(history_of(STEADY[:3]), now))
    assert [alert.code for alert in found] == ["history-revised"] * count
    if found:
        assert found[0].channels == ("a",)
        share = abs(amount - 700) / 700
        assert dict(found[0].figures) == {"weeks": 1.0, "share": pytest.approx(share)}
        assert found[0].sentence.values["share"] == f"{share:.1%}"


def test_revised_from_nothing_and_weeks_gone():
    before = history_of([[700, 0], [700, 700], [700, 700]])
    now = history_of([[700, 700]] * 3)
    (found,) = alerts(plan_of(), FRIDAY, **difference(before, now))
    assert "from no spend" in found.sentence
    assert dict(found.figures) == {"weeks": 1.0}
    shorter = alerts(plan_of(), FRIDAY, **difference(now, history_of(STEADY[:2])))
    assert codes(shorter) == [("history-revised", "critical")]
    assert shorter[0].sentence == "the week of 2026-10-26 is no longer in the history"
    assert in_language(shorter[0].sentence, "zh") == "2026-10-26 当周的数据已不在历史数据中"
    (shortest,) = alerts(plan_of(), FRIDAY, **difference(now, history_of(STEADY[:1])))
    assert shortest.sentence == "2 weeks from 2026-10-26 onwards are no longer in the history"


def test_one_week_is_revised_and_several_are():
    before = history_of(STEADY[:3])
    one = history_of([[700, 700], [770, 700], [700, 700]])
    (found,) = alerts(plan_of(), FRIDAY, **difference(before, one))
    assert found.sentence == "the week of 2026-11-02 was revised (10.0%), in a"
    assert in_language(found.sentence, "zh") == "2026-11-02 当周的数据被修订（10.0%），涉及 a"
    two = history_of([[700, 700], [770, 700], [700, 1400]])
    (found,) = alerts(plan_of(), FRIDAY, **difference(before, two))
    assert found.sentence == (
        "2 weeks from 2026-11-02 onwards were revised, "
        "most of all that of 2026-11-09 (100.0%), in a, b"
    )
    assert in_language(found.sentence, "zh").startswith("自 2026-11-02 起有 2 周的数据被修订")


def test_outcomes_that_a_delay_expects_are_no_revision():
    plan = plan_of(delay=Delay([0.5, 0.9, 1.0]))
    before = history_of(STEADY[:3], [[1.0, 1.0]] * 3)
    late = history_of(STEADY[:3], [[1.0, 1.0], [1.0, 1.0], [2.0, 1.0]])
    early = history_of(STEADY[:3], [[2.0, 1.0], [1.0, 1.0], [1.0, 1.0]])
    assert alerts(plan_of(), FRIDAY, **difference(before, late))
    assert alerts(plan, FRIDAY, **difference(before, late)) == ()
    # Two weeks old now, one week old when it was last seen: still arriving, or complete by then.
    assert alerts(plan, FRIDAY, **difference(before, early)) == ()
    assert alerts(plan_of(delay=Delay([0.5, 1.0])), FRIDAY, **difference(before, early))


def at_limit(*names, last=MONDAY):
    weeks = [last - n * WEEK for n in range(len(names))]
    return {week: {} if not name else {"a": name} for week, name in zip(weeks, names, strict=True)}


@pytest.mark.parametrize(
    ("limits", "weeks"),
    [
        (["cap"] * 4, 4),
        (["cap"] * 5, 5),
        (["cap"] * 3, 0),
        (["cap", "cap", "", "cap", "cap"], 0),
        (["cap", "cap", "cap", "floor", "cap"], 0),
        (["", "cap", "cap", "cap", "cap"], 0),
        (["lock"] * 9, 0),
        (["group {x}"] * 4, 4),
        ([], 0),
    ],
)
def test_stuck_for_as_many_weeks_as_the_rule_says(limits, weeks):
    found = alerts(plan_of(), FRIDAY, limits=at_limit(*limits))
    assert [dict(alert.figures)["weeks"] for alert in found] == [weeks] * bool(weeks)


def test_an_episode_is_raised_once():
    first = alerts(plan_of(), FRIDAY, limits=at_limit(*["cap"] * 4))
    known = [alert.key for alert in first]
    longer = at_limit(*["cap"] * 5, last=MONDAY + WEEK)
    assert alerts(plan_of(), FRIDAY, limits=longer, known=known) == ()
    again = at_limit(*["cap"] * 4, "", last=MONDAY + WEEK)
    assert len(alerts(plan_of(), FRIDAY, limits=again, known=known)) == 1


def test_a_collapse_and_missing_delivery_are_raised_once():
    """The week that it began in is the key, whatever the week that it is found in."""
    for guard, code in (("collapse", "response-collapsed"), ("not-delivered", "not-delivered")):
        values = {"channel": "a", "share": "1 %", "money": "1"}
        fired = Intervention(
            guard, say(code, week="2026-03-02", **values), (("share", 0.1),), ("a",)
        )
        (found,) = alerts(plan_of(), MONDAY, fired=[fired])
        assert (found.code, found.severity, found.channels) == (guard, "warning", ("a",))
        assert alerts(plan_of(), FRIDAY, fired=[fired], known=[found.key]) == ()


def test_calibration_is_as_bad_as_what_the_guard_did():
    narrow = Intervention("calibration", "2 of 20 lay inside", (("covered", 0.1), ("widened", 5.0)))
    wide = Intervention("calibration", "20 of 20 lay inside", (("covered", 1.0),))
    other = Intervention("freeze", "nothing moves")
    found = alerts(plan_of(), FRIDAY, fired=(other, wide, narrow))
    assert codes(found) == [("calibration", "critical"), ("calibration", "info")]
    assert found[0].sentence == narrow.sentence


def test_a_target_out_of_reach():
    plan = plan_of(goal=Goal.least_spend(1000))
    assert alerts(plan, FRIDAY, best=1000.0) == ()
    assert alerts(plan_of(), FRIDAY, best=1.0) == ()
    (found,) = alerts(plan, FRIDAY, best=999.5)
    assert (found.severity, dict(found.figures)["short"]) == ("critical", 0.5)
    assert found.sentence.values["best"] == show_figure(999.5)


def test_pause_by_cpa_needs_each_of_the_last_weeks():
    plan = plan_of({"pause_cpa": 36})  # 20 % above a target of 30
    spend = [[700, 700]] * 3
    for outcome, paused in (
        ([[1, 99], [19.4, 99], [19.4, 99]], ("a",)),
        ([[1, 99], [19.5, 99], [19.4, 99]], ()),  # 700 / 19.5 is 35.9
        ([[1, 99], [0, 99], [0, 99]], ("a",)),
        ([[1, 99], [np.nan, 99], [1, 99]], ()),
    ):
        found = alerts(plan, FRIDAY, history=history_of(spend, np.array(outcome, dtype=float)))
        found = [alert for alert in found if alert.code == "pause"]
        assert tuple(name for alert in found for name in alert.channels) == paused
    nothing = history_of(spend, np.array([[1, 99], [0, 99], [0, 99]], dtype=float))
    (found,) = alerts(plan, FRIDAY, history=nothing)
    assert dict(found.figures) == {"spend": 1400, "outcome": 0, "line": 36}
    assert "returned nothing" in found.sentence


@pytest.mark.parametrize(("brought", "count"), [(74.9, 1), (75.0, 0)])
def test_pause_by_roas_counts_what_an_outcome_is_worth(brought, count):
    plan = plan_of({"pause_roas": 1.5}, channels=[Channel("a", value=2), Channel("b")])
    history = history_of([[100, 100]] * 2, np.array([[70.0, 160.0], [brought, 160.0]]))
    found = alerts(plan, FRIDAY, history=history)
    assert [alert.channels for alert in found] == [("a",)] * count
    for alert in found:
        assert dict(alert.figures)["ratio"] == pytest.approx(2 * (70 + brought) / 200)


@pytest.mark.parametrize("planned", [None, {"b": Decimal(0)}, {"b": Decimal(3)}])
def test_a_pause_that_the_week_does_not_keep_is_said(planned):
    past = history_of([[100, 100]] * 2, np.array([[200.0, 100.0]] * 2))
    (found,) = alerts(plan_of({"pause_roas": 1.5}), FRIDAY, history=past, spend=planned)
    assert found.channels == ("b",)
    kept = planned is None or not planned["b"]
    assert kept == ("this week still gives it 3" not in found.sentence)


def test_no_pause_for_outcomes_that_are_still_to_arrive():
    """The last week has 40 % of its outcomes yet, the one before 80 %: both bring 20 in the end."""
    plan = plan_of({"pause_cpa": 36, "pause_roas": 0.02}, delay=Delay([0.4, 0.8, 1.0]))
    spend = [[700, 700]] * 3
    reported = np.array([[20, 99], [16, 99], [8, 99]], dtype=float)
    assert alerts(plan, FRIDAY, history=history_of(spend, reported)) == ()
    (found,) = alerts(plan, FRIDAY, history=history_of(spend, 0.9 * reported))
    assert found.channels == ("a",)
    assert dict(found.figures)["outcome"] == pytest.approx(36)
    assert dict(found.figures)["ratio"] == pytest.approx(1400 / 36)
    assert found.sentence.endswith(", including outcomes still to be reported")
    # Of a week that is younger than the delay tells, nothing is known.
    young = plan_of({"pause_cpa": 36}, delay=Delay([0.4, 1.0], ages=[0.5, 1]))
    assert alerts(young, FRIDAY, history=history_of(spend, 0.9 * reported)) == ()


def test_one_pause_a_channel_whatever_the_rules():
    plan = plan_of({"pause_roas": 1.5, "pause_cpa": 36})
    history = history_of([[700, 0]] * 2, np.zeros((2, 2)))
    assert len(alerts(plan, FRIDAY, history=history)) == 1


@pytest.mark.parametrize(
    ("taken", "severity"),
    [("112", None), ("112.01", "warning"), ("140", "critical")],
)
def test_reserve_nearly_gone(taken, severity):
    plan = plan_of(reserve=Reserve(contingency="5%"))
    weeks = [dt.date(2026, 11, 2), dt.date(2026, 11, 9)]
    there = balances(plan, weeks, [Movement(dt.date(2026, 11, 9), "release", taken)])
    found = alerts(plan, FRIDAY, balances=there)
    assert worst(found) == severity
    for alert in found:
        assert dict(alert.figures)["left"] == float(there.contingency.balance)
    assert alerts(plan_of(), FRIDAY, balances=balances(plan_of(), weeks)) == ()


def test_the_reserve_is_not_below_a_line_that_it_stands_at():
    """A tenth of 3 is 0.3, though 0.1 * 3.0 is more."""
    plan = plan_of({"reserve_low": 0.1}, reserve=Reserve(contingency=3))
    for taken, count in (("2.70", 0), ("2.71", 1)):
        there = balances(plan, [MONDAY], [Movement(MONDAY, "release", taken)])
        assert len(alerts(plan, FRIDAY, balances=there)) == count


@pytest.mark.parametrize(("line", "shown"), [(0.825, "82.5%"), (0.995, "99.5%"), (0.07, "7%")])
def test_a_share_of_a_budget_is_shown_as_it_is(line, shown):
    phases = [{"name": "burst", "first": MONDAY, "last": MONDAY + 6 * DAY, "budget": 1000}]
    plan = plan_of(operation={"phases": phases, "pacing": {"lines": [line]}})
    found = pace(plan, {MONDAY: {"a": 1000}}, {Week(MONDAY, 5): {"a": 996, "b": 0}}, FRIDAY)
    raised = [alert for alert in alerts(plan, FRIDAY, pace=found) if ":phase:" in alert.key]
    assert [alert.sentence.values["share"] for alert in raised] == [shown]


def test_budget_lines_and_channels_off_pace():
    # A phase of one week, 1,400: 200 a day are planned, 300 come.
    phases = [{"name": "burst", "first": MONDAY, "last": MONDAY + 6 * DAY, "budget": 1400}]
    plan = plan_of(operation={"phases": phases})
    planned = {MONDAY: {"a": 700, "b": 700}}
    found = pace(plan, planned, {Week(MONDAY, 4): {"a": 900, "b": 300}}, FRIDAY)
    raised = alerts(plan, FRIDAY, pace=found)
    by_code = {}
    for alert in raised:
        by_code.setdefault(alert.code, []).append(alert)
    assert dict(by_code["overspend"][0].figures) == {"a": 1575.0}
    assert by_code["underspend"][0].channels == ("b",)
    lines = {alert.key: alert for alert in by_code["budget-line"]}
    assert lines["budget-line:phase:burst:0.8:warning"].sentence.values["spent"] == "1,200"
    assert lines["budget-line:phase:burst:1:ahead"].sentence.values["day"] == MONDAY + 4 * DAY
    assert not any("0.9" in key for key in lines)
    gone = pace(plan, planned, {Week(MONDAY, 4): {"a": 1101, "b": 300}}, FRIDAY)
    assert any(
        a.severity == "critical" and a.code == "budget-line"
        for a in alerts(plan, FRIDAY, pace=gone)
    )


def test_a_line_reached_on_its_day_is_no_warning():
    phases = [{"name": "burst", "first": MONDAY, "last": MONDAY + 6 * DAY, "budget": 1400}]
    plan = plan_of(operation={"phases": phases})
    planned = {MONDAY: {"a": 700, "b": 700}}
    seen = {Week(MONDAY): {"a": 700, "b": 700}}
    raised = alerts(plan, FRIDAY, pace=pace(plan, planned, seen, MONDAY + 6 * DAY))
    assert {a.severity for a in raised if "phase" in a.key} == {"info"}
    # Of three lines the highest says it all.
    assert [a.figures[0] for a in raised if "phase" in a.key] == [("share", 1.0)]


def test_what_nobody_pays_for():
    plan = plan_of()
    over = pace(plan, {MONDAY: {"a": 700}}, {Week(MONDAY, 4): {"a": 500, "b": 0}}, FRIDAY).week
    answered = answer_overspend(plan, over, "reserve", balance=100)
    (found,) = alerts(plan, FRIDAY, answered=answered)
    assert (found.code, found.severity) == ("uncovered", "critical")
    assert dict(found.figures) == {"uncovered": 75.0, "total": 175.0}
    assert alerts(plan, FRIDAY, answered=answer_overspend(plan, over, balance=175)) == ()


# What each sentence says, from the figures of its alert.
SAID = {
    "data-stale": {"days": lambda f: f["days"]},
    "week-not-over": {"days": lambda f: f["days"]},
    "history-revised": {
        "count": lambda f: f["weeks"],
        "share": lambda f: f"{f['share']:.1%}",
    },
    "stuck": {"weeks": lambda f: f["weeks"]},
    "target-out-of-reach": {
        "target": lambda f: show_amount(Decimal(f["target"])),
        "best": lambda f: show_figure(f["best"]),
        "short": lambda f: show_figure(f["short"]),
    },
    "pause": {
        "ratio": lambda f: show_figure(f["spend"] / f["outcome"], 4),
        "line": lambda f: show_figure(f["line"], 4),
        "spend": lambda f: show_figure(f["spend"]),
    },
    "reserve-low": {
        "left": lambda f: show_amount(Decimal(f["left"])),
        "built": lambda f: show_amount(Decimal(f["built"])),
    },
    "budget-line": {
        "share": lambda f: f"{f['share']:.0%}",
        "amount": lambda f: show_amount(Decimal(f["amount"])),
        "spent": lambda f: show_amount(Decimal(f["spent"])),
    },
    "uncovered": {
        "total": lambda f: show_amount(Decimal(f["total"])),
        "uncovered": lambda f: show_amount(Decimal(f["uncovered"])),
    },
}


def test_sentences_say_the_figures():
    phases = [{"name": "burst", "first": MONDAY, "last": MONDAY + 6 * DAY, "budget": 1400}]
    rules = {"pause_cpa": 36, "stale_days": 5}
    plan = plan_of(
        goal=Goal.least_spend(1000),
        reserve=Reserve(contingency="5%"),
        operation={"phases": phases, "alerts": rules},
    )
    before = history_of(STEADY, np.full((4, 2), 12.0))
    now = history_of(
        [*STEADY[:3], [770, 700], [300, 300]],
        np.full((5, 2), 12.0),
        last=MONDAY,
        partial=[False] * 4 + [True],
        data_through=FRIDAY - DAY,
    )
    planned = {MONDAY: {"a": 700, "b": 700}}
    found = pace(plan, planned, {Week(MONDAY, 4): {"a": 900, "b": 300}}, FRIDAY)
    first = dt.date(2026, 11, 2)
    raised = alerts(
        plan,
        FRIDAY,
        **difference(before, now),
        limits=at_limit(*["cap"] * 4),
        best=10.5,
        balances=balances(plan, [first], [Movement(first, "release", 63)]),
        pace=found,
        answered=answer_overspend(plan, found.week, balance=17),
    )
    assert set(SAID) <= {alert.code for alert in raised}
    for alert in raised:
        figures = dict(alert.figures)
        for name, value in SAID.get(alert.code, {}).items():
            if name in alert.sentence.values:
                assert alert.sentence.values[name] == value(figures)
                assert str(alert.sentence.values[name]) in alert.sentence


MILD = Alert("week-not-over", "info", "not over", (("days", 3.0),), (), "week-not-over:1")
BAD = Alert("stuck", "critical", "stuck", (), ("a",), "stuck:a")


ODD = ("飞书\u3000广告", "家\u200d庭 👨\u200d👩\u200d👧", "two\nlines", "x" * 3000, "KOL ")


def test_any_name_of_a_channel_has_a_key_that_a_ledger_takes(tmp_path):
    """A ledger's keys are one line of 2,000 bytes; names of channels may be anything."""
    ledger = Ledger.open(tmp_path / "ledger")
    keys = [Alert("stuck", "info", "x", key=f"stuck:{name}").key for name in (*ODD, "a", "b")]
    assert len(set(keys)) == 7
    assert keys[-1] == "stuck:b"
    assert all(key.startswith("stuck:") for key in keys)
    with ledger.transaction("Ann") as t:
        for key in keys:
            again = Alert.from_dict(Alert("stuck", "info", "x", key=key).to_dict())
            assert t.add("alert", again.to_dict(), key=again.key).key == key


def test_the_worst_comes_first_and_each_key_once():
    assert news([MILD, BAD, MILD]) == (BAD, MILD)
    assert news([MILD, BAD], known=["stuck:a"]) == (MILD,)
    assert (worst([MILD]), worst([MILD, BAD])) == ("info", "critical")


def test_alerts_come_back_from_json_with_their_words():
    plan = plan_of(goal=Goal.least_spend(1000))
    found = alerts(plan, FRIDAY, best=1.0, limits=at_limit(*["cap"] * 4))
    back = from_json(to_json(found))
    assert back == found
    assert [a.sentence.values for a in back] == [
        {k: v if isinstance(v, str) else str(v) for k, v in a.sentence.values.items()}
        for a in found
    ]
    for text in ("{", "{}", "[1]", '[{"code": "stuck"}]'):
        with pytest.raises(InputError):
            from_json(text)
    assert json.loads(to_json([MILD]))[0]["figures"] == {"days": 3.0}


def test_alerts_go_to_a_log_at_their_severity(caplog):
    with caplog.at_level(logging.INFO, logger="budgetopt.workflow"):
        to_log([MILD, BAD])
    assert [(r.levelname, r.message) for r in caplog.records] == [
        ("INFO", "week-not-over: not over"),
        ("CRITICAL", "stuck: stuck"),
    ]


@pytest.mark.parametrize(
    "wrong",
    [
        ("stale", "info", "x", (), (), "stale"),
        ("stuck", "bad", "x", (), (), "stuck"),
        ("stuck", "info", "x", (), (), "other"),
        ("stuck", "info", "x", (("n", float("inf")),), (), "stuck"),
    ],
)
def test_alerts_that_are_refused(wrong):
    with pytest.raises(InputError):
        Alert(*wrong)


def test_every_code_is_raised_somewhere():
    source = "".join(map(inspect.getsource, (sys.modules[alerts.__module__], of_data)))
    assert {code for code in CODES if f'"{code}"' in source} == set(CODES)
