import datetime as dt
import pickle
from dataclasses import FrozenInstanceError

import numpy as np
import pytest

from budgetopt.errors import BudgetoptError, CalendarError, HistoryError
from budgetopt.history import Columns, History

WEEKS = np.array(["2026-11-02", "2026-11-09", "2026-11-16"], dtype="datetime64[D]")
SPEND = [[1.0, 2.0], [3.0, 4.0], [5.0, np.nan]]


def make(**change):
    given = {"channels": ("a", "b"), "weeks": WEEKS, "spend": SPEND, "outcome": SPEND}
    return History(**given | change)


def test_arrays_are_read_only_copies():
    spend = np.array(SPEND)
    history = make(spend=spend)
    spend[0, 0] = 99
    assert history.spend[0, 0] == 1
    for array in (history.spend, history.outcome, history.weeks, history.partial):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = array[0]
    with pytest.raises(FrozenInstanceError):
        history.channels = ("c",)


def test_dates_and_lists_serve_too():
    dates = [dt.date(2026, 11, 2), dt.date(2026, 11, 9), dt.date(2026, 11, 16)]
    assert make(weeks=dates) == make()
    assert make(weeks=[str(d) for d in dates]) == make()
    assert make(weeks=WEEKS.astype("datetime64[ns]"), channels=["a", "b"]) == make()
    assert make(channels=np.array(["a", "b"])) == make(channels={"a": 1, "b": 2}) == make()


@pytest.mark.parametrize(
    ("change", "code", "said"),
    [
        ({"channels": ()}, "bad-name", "at least one"),
        ({"channels": "ab"}, "bad-name", "at least one"),
        ({"channels": ("a", "a")}, "bad-name", "'a' is named twice"),
        ({"channels": ("a", " ")}, "bad-name", "as text"),
        ({"channels": ("a", 1)}, "bad-name", "as text"),
        ({"channels": ("a",)}, "bad-history", "shape"),
        ({"weeks": WEEKS[:2]}, "bad-history", "shape"),
        ({"weeks": WEEKS[::-1]}, "bad-history", "in order"),
        ({"weeks": WEEKS[[0, 1, 1]]}, "bad-history", "every week once"),
        (
            {"weeks": [*WEEKS[:2], WEEKS[2] + np.timedelta64(7, "D")]},
            "bad-history",
            "followed by 2026-11-23",
        ),
        ({"weeks": WEEKS + np.timedelta64(1, "D")}, "bad-date", "does not start on a monday"),
        ({"weeks": [1, 2, 3]}, "bad-date", "not dates"),
        ({"weeks": ["x", "y", "z"]}, "bad-date", "not dates"),
        ({"weeks": np.array(["NaT"] * 3, dtype="datetime64[D]")}, "bad-date", "not dates"),
        ({"week_start": "someday"}, "bad-date", "sunday"),
        ({"spend": -np.array(SPEND)}, "bad-number", "'a' in the week of 2026-11-02 is -1.0"),
        ({"spend": np.array(SPEND) + np.inf}, "bad-number", "not finite"),
        ({"spend": [["x", "y"]] * 3}, "bad-number", "not numbers"),
        ({"spend": [[True, False]] * 3}, "bad-number", "not numbers"),
        ({"spend": SPEND[0]}, "bad-history", "(weeks, channels)"),
        ({"outcome": np.full((3, 2), -0.5)}, "bad-number", "outcome of 'a'"),
        ({"outcome": None}, "bad-argument", "one of the two"),
        ({"total": [1, 2, 3]}, "bad-argument", "one of the two"),
        ({"outcome": None, "total": SPEND}, "bad-history", "(weeks,)"),
        ({"outcome": None, "total": [1, -np.inf, 3]}, "bad-number", "week of 2026-11-09"),
        ({"partial": [True]}, "bad-history", "3 times"),
        ({"partial": [0, 1, 0]}, "bad-history", "true or false"),
    ],
)
def test_a_history_made_by_hand_is_checked(change, code, said):
    make()
    with pytest.raises(BudgetoptError) as caught:
        make(**change)
    assert isinstance(caught.value, (HistoryError, CalendarError))
    assert caught.value.code == code
    assert said in str(caught.value)


def test_equality_is_by_content():
    assert make() == make(notes=("read",))
    assert hash(make()) == hash(make(notes=("read",)))
    assert make() != make(partial=[False, False, True])
    assert make() != make(outcome=np.ones((3, 2)))
    assert make() != make(outcome=None, total=[1, 2, 3])
    assert make() != make(channels=("a", "c"))
    assert make() != "history"
    assert make(spend=np.zeros((3, 2))) == make(spend=-np.zeros((3, 2)))


def test_the_fingerprint_does_not_depend_on_the_order_of_channels():
    turned = make().select(["b", "a"])
    assert turned.spend[0].tolist() == [2, 1]
    assert turned.fingerprint == make().fingerprint
    assert turned != make()
    # Pinned: ledgers keep it, so a change of the bytes is a change of format.
    assert make().fingerprint == PINNED


PINNED = "7c3967717b7ad2bfea1faeed14e5282245595b6aa25254d80e03bda1a18be3b3"


def test_pickle_keeps_content_and_protection():
    again = pickle.loads(pickle.dumps(make(notes=("x",))))
    assert again == make()
    assert again.notes == ("x",)
    assert not again.spend.flags.writeable


def test_until_sees_only_the_past():
    assert make().until(dt.date(2026, 11, 16)).weeks.tolist() == WEEKS[:2].tolist()
    assert make().until(dt.date(2026, 11, 17)) == make()
    nothing = make().until(dt.date(2026, 11, 2))
    assert nothing.spend.shape == (0, 2)
    assert nothing.last_spend == {}
    assert nothing.complete() == nothing
    total = make(outcome=None, total=[1, 2, 3]).until(dt.date(2026, 11, 9))
    assert total.total.tolist() == [1]


def test_complete_trims_the_ends():
    assert make().complete() == make()
    history = make(partial=[True, False, True], outcome=None, total=[1, 2, 3])
    complete = history.complete()
    assert complete.weeks.tolist() == WEEKS[1:2].tolist()
    assert complete.total.tolist() == [2]
    assert history.last_spend == {"a": 3, "b": 4}
    assert make(partial=[True] * 3).complete().weeks.size == 0


def test_complete_blanks_a_partial_week_in_between():
    complete = make(partial=[False, True, False]).complete()
    assert np.isnan(complete.spend[1]).all()
    assert complete.spend[0].tolist() == [1, 2]
    assert complete.complete() == complete


def test_select_reorders_widens_and_refuses_to_drop():
    history = make().select(["c", "b", "a"])
    assert history.channels == ("c", "b", "a")
    assert np.isnan(history.spend[:, 0]).all()
    assert np.isnan(history.outcome[:, 0]).all()
    assert history.spend[0, 1:].tolist() == [2, 1]
    assert history.notes == ("channel without history: 'c'",)
    total = make(outcome=None, total=[1, 2, 3]).select(["b", "a"])
    assert total.total.tolist() == [1, 2, 3]
    with pytest.raises(HistoryError, match="'b' of the history") as caught:
        make().select(["a", "B"])
    assert caught.value.code == "unknown-name"
    assert caught.value.remedy == "did you mean 'B'?"


def test_last_spend_leaves_out_what_is_not_reported():
    assert make().last_spend == {"a": 5}
    assert make(partial=[False, False, True]).last_spend == {"a": 3, "b": 4}


def test_frames_round_trip_and_show_a_total_as_one():
    assert History.from_frame(make().to_frame(), Columns(missing="unknown")) == make()
    frame = make(outcome=None, total=[1, 2, 3]).to_frame()
    assert frame.columns.tolist() == ["week", "channel", "spend", "total"]
    assert frame["total"].tolist() == [1, 1, 2, 2, 3, 3]
    assert len(make().until(dt.date(2026, 1, 1)).to_frame()) == 0


# The day that the amounts are known through


def test_data_runs_through_the_last_whole_week_unless_it_is_said():
    assert make().data_through is None
    assert make().through == dt.date(2026, 11, 22)
    assert make().ages.tolist() == [2, 1, 0]
    assert make(partial=[False, False, True]).through == dt.date(2026, 11, 15)
    assert make(partial=[False, False, True]).ages.tolist() == [1, 0, -1]
    assert make(partial=[True] * 3).through is None
    assert np.isnan(make(partial=[True] * 3).ages).all()
    later = make(data_through=dt.date(2026, 11, 26))
    assert later.through == dt.date(2026, 11, 26)
    assert later.ages == pytest.approx([2 + 4 / 7, 1 + 4 / 7, 4 / 7])
    assert make(data_through="2026-11-26") == later
    assert pickle.loads(pickle.dumps(later)) == later


def test_the_day_is_part_of_what_a_history_is():
    later = make(data_through=dt.date(2026, 11, 26))
    assert later != make()
    assert later.fingerprint != make().fingerprint
    assert later != make(data_through=dt.date(2026, 11, 27))
    # Saying what would be assumed changes nothing.
    assert make(data_through=dt.date(2026, 11, 22)) == make()
    assert make(data_through=dt.date(2026, 11, 22)).fingerprint == PINNED
    assert later.select(["b", "a"]).data_through == later.data_through
    assert later.complete() == later


def test_a_part_of_a_history_is_known_as_late_as_the_whole():
    early = make().until(dt.date(2026, 11, 9))
    assert early.through == dt.date(2026, 11, 22)
    assert early.ages.tolist() == [2]
    alone = History(("a", "b"), WEEKS[:1], SPEND[:1], outcome=SPEND[:1])
    assert alone.ages.tolist() == [0]
    assert alone != early
    partial = make(partial=[False, False, True], data_through=dt.date(2026, 11, 18))
    assert partial.ages == pytest.approx([10 / 7, 3 / 7, -4 / 7])
    assert partial.complete().ages == pytest.approx([10 / 7, 3 / 7])
    assert make().until(dt.date(2026, 11, 2)).ages.shape == (0,)


@pytest.mark.parametrize(
    ("day", "code", "said"),
    [
        (dt.date(2026, 11, 21), "bad-history", "the week of 2026-11-16 ends after it"),
        ("soon", "bad-date", "data_through is 'soon'"),
        (5, "bad-date", "not a date"),
    ],
)
def test_a_day_that_cannot_be_is_refused(day, code, said):
    with pytest.raises(BudgetoptError, match=said) as caught:
        make(data_through=day)
    assert (caught.value.code, caught.value.field) == (code, "data_through")


def test_many_channels_are_found_by_their_names_wherever_they_stand():
    names = tuple(f"channel {at}" for at in range(300))
    weeks = np.array(["2026-01-05"], dtype="datetime64[D]")
    spend = np.arange(300.0)[None, :]
    history = History(names, weeks, spend, 2.0 * spend)
    assert history.index == {name: at for at, name in enumerate(names)}
    shuffled = ("new", *reversed(names))
    found = history.select(shuffled)
    assert found.index["new"] == 0
    assert np.isnan(found.spend[0, 0])
    assert found.spend[0, 1:].tolist() == spend[0, ::-1].tolist()
