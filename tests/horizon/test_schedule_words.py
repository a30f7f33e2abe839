"""What is said of a plan of weeks: what is in its outcome, and what its curves hold already."""

import numpy as np

import budgetopt as bo

NAMES = ("a", "b")
DAYS = np.datetime64("2025-01-06") + 7 * np.arange(40)
SPEND = np.round(100 * np.random.default_rng(5).lognormal(0, 0.3, (40, 2)), 2)


def plan(**channel):
    channels = [bo.Channel(n, curve=bo.Log(50, 80), **channel) for n in NAMES]
    return bo.Plan(budget=200, currency="CNY", channels=channels)


def test_a_schedule_in_short_says_what_comes_after_its_last_week():
    carried = bo.Carryover("geometric", share=0.5, length=4)
    found = bo.plan_weeks(plan(carryover=carried), weeks=4, start="2026-01-05")
    whole, after = found.outcome, found.after.sum()
    assert after > 0
    assert np.isclose(found.to_frame().outcome.sum() + after, whole)
    title = repr(found).splitlines()[0]
    assert f"outcome {whole:,.2f}" in title
    assert f"after the last week ({after:,.3f})" in title


def test_one_total_holds_its_carryover_in_the_curves_and_a_plan_of_weeks_says_so():
    total = bo.History(NAMES, DAYS, SPEND, total=300 + 20 * np.sqrt(SPEND).sum(axis=1))
    by_channel = bo.History(NAMES, DAYS, SPEND, outcome=20 * np.sqrt(SPEND))
    free = bo.Plan(budget=200, currency="CNY", channels=[bo.Channel(n) for n in NAMES])
    fast = bo.Settings.fast()

    def codes(past, declared):
        belief = bo.learn(past, declared, settings=fast)
        found = bo.plan_weeks(declared, belief, weeks=3, start="2025-10-13")
        return [note.code for note in found.notes]

    assert "year-carryover-not-used" in codes(total, free)
    assert "year-carryover-not-used" not in codes(by_channel, free)
