"""The examples lived on the command line, and every number of every page recomputed."""

import datetime as dt

import pytest

from .pages import WEEK, Page
from .shop import Shop

EVENTS = ("collapsed", "nothing", "overspent", "released", "skipped", "revised")
"""What happens to a shop; what is spent beyond the plan turns out to be more besides."""
WHEN = {
    "friday": dict(zip((*EVENTS, "corrected"), (1, 2, 0, 1, 3, 1, 1), strict=True)),
    "weekly": dict(zip((*EVENTS, "corrected"), (2, 4, 1, 3, 6, 4, 5), strict=True)),
}
LIVES = {"friday": (dt.date(2025, 11, 3), 5), "weekly": (dt.date(2025, 11, 24), 13)}


def live(name, events, folder, capsys=None):
    """Live an example with the events of a name, and return the shop; every page is held."""
    first, weeks = LIVES[name]
    shop = Shop(name, folder, capsys, first, {event: WHEN[name][event] for event in events})
    for at in range(weeks):
        shop.friday(first + at * WEEK)
    assert len(shop.applied) == weeks - ("skipped" in events)
    return shop


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LOGNAME", "ops")
    return tmp_path


@pytest.mark.slow
@pytest.mark.parametrize("name", LIVES)
def test_an_example_is_lived_as_it_is(name, folder, capsys):
    text = live(name, (), folder, capsys).text
    assert "Beyond the plan's change limits" not in text
    assert "Critical" not in text


@pytest.mark.slow
def test_an_example_is_lived_with_a_process_for_each_command(folder):
    live("friday", (), folder)


SIGNS = {
    "collapsed": "has returned far less since",
    "nothing": "nothing has been spent on",
    "overspent": "not covered",
    "released": "Released for this week by",
    "skipped": "no plan",
    "revised": " revised",
    "corrected": "more overspend",
}


@pytest.mark.parametrize("name", ["friday", pytest.param("weekly", marks=pytest.mark.slow)])
def test_an_example_is_lived_with_all_that_can_happen(name, folder, capsys):
    text = live(name, WHEN[name], folder, capsys).text
    # The shorter life has skipped the week in which a third one without delivery would be known.
    signs = {event: sign for event, sign in SIGNS.items() if (name, event) != ("friday", "nothing")}
    assert not [event for event, sign in signs.items() if sign not in text]


@pytest.mark.slow
@pytest.mark.parametrize("event", EVENTS)
def test_an_example_is_lived_with_one_thing_that_happens(event, folder, capsys):
    # The shorter life, except where its weeks are too few for the event to be known.
    name = "weekly" if event == "nothing" else "friday"
    events = (event, "corrected") if event == "overspent" else (event,)
    assert SIGNS[event] in live(name, events, folder, capsys).text


def test_a_number_that_nobody_recomputes_is_found():
    page = Page("360: up to 5, and 7 more.\nWeek of 2025-11-03: lost, revision 2.", ("360",))
    page.flatten()
    assert page.claim(r"Week of ([\d-]+): lost, revision (\d)\.") == [("2025-11-03", "2")]
    assert page.unclaimed() == ["\ue000: up to 5, and 7 more. "]
