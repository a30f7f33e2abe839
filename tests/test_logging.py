"""What is logged under ``budgetopt``: methods, gaps and times, and nothing else is written."""

import logging

import numpy as np

import budgetopt as bo

PLAN = bo.Plan(currency="CNY", budget=1000, channels=[bo.Channel("a"), bo.Channel("b")])
WEEKS = np.arange("2026-01-05", "2026-03-30", 7, dtype="datetime64[D]")
SPEND = np.random.default_rng(0).uniform(300, 700, (WEEKS.size, 2))
HISTORY = bo.History(("a", "b"), WEEKS, SPEND, outcome=2 * SPEND)


def test_learning_and_solving_say_what_they_did(caplog, capfd):
    with caplog.at_level(logging.DEBUG, "budgetopt"):
        bo.reallocate(PLAN, HISTORY)
    said = {record.name: record.getMessage() for record in caplog.records}
    assert said["budgetopt.belief"].startswith("learned 12 weeks of 2 channels in ")
    assert "2 channels, objective" in said["budgetopt.optimize"]
    assert capfd.readouterr() == ("", "")


def test_a_night_says_what_the_store_had(caplog, tmp_path):
    night = bo.Portfolio([bo.Account("shop", PLAN, HISTORY)])
    with caplog.at_level(logging.INFO, "budgetopt"):
        night.reallocate(store=tmp_path)
        night.reallocate(store=tmp_path)
    assert [r.getMessage() for r in caplog.records if r.name == "budgetopt.portfolio"] == [
        "shop: decided",
        "shop: taken from the store",
    ]


def test_a_week_says_that_it_was_recorded(caplog, tmp_path):
    with caplog.at_level(logging.INFO, "budgetopt"):
        for _ in range(2):
            bo.run_week(
                PLAN, HISTORY, bo.Ledger.open(tmp_path / "l.db"), who="ops", today="2026-03-30"
            )
    said = [r.getMessage() for r in caplog.records if r.getMessage().startswith("week of")]
    assert said == ["week of 2026-03-30: recorded by ops", "week of 2026-03-30: nothing new"]
