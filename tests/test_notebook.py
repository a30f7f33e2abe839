"""What notebooks show: short texts and tables of large objects, and a bar on what takes long."""

import io
import pickle
import re
from collections.abc import Mapping
from dataclasses import fields, is_dataclass, replace
from decimal import Decimal
from html.parser import HTMLParser
from types import SimpleNamespace

import numpy as np
import pytest
import rich.console

import budgetopt as bo
from budgetopt import notebook
from budgetopt.notebook import Card, as_html, as_text, progress_bar
from budgetopt.report import Years

HOSTILE = ("<script>alert(1)</script>", "=cmd|' /C calc'!A0", "a&b\"'", "长" * 300, "👩\u200d👧")
NAMES = (*HOSTILE, *(f"channel {n}" for n in range(25)))


class Tags(HTMLParser):
    """The tags, and the text beside them."""

    def __init__(self, html):
        super().__init__()
        self.tags, self.text = [], []
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)

    def handle_data(self, data):
        self.text.append(data)


@pytest.fixture(scope="module")
def objects():
    plan = bo.Plan(
        budget=30_000,
        currency="CNY",
        name="名" * 300,
        channels=[bo.Channel(name, curve=bo.Log(900, 500)) for name in NAMES],
    )
    weeks = np.array(["2026-02-16", "2026-02-23", "2026-03-02"], dtype="datetime64[D]")
    spend = np.array([[600.0], [900.0], [750.0]]) + np.arange(len(NAMES))
    past = bo.History(NAMES, weeks, spend, outcome=40.0 * np.sqrt(spend))
    belief = bo.learn(past, plan, settings=bo.Settings.fast())
    world, last = bo.Market.of_plan(plan), dict.fromkeys(NAMES, 900)
    decision = bo.reallocate(plan, past, week="2026-03-09", belief=belief)
    return {
        "plan": plan,
        "history": past,
        "belief": belief,
        "channel": belief[NAMES[0]],
        "allocation": decision.allocation,
        "decision": decision,
        "frontier": bo.frontier(plan, budgets=range(20_000, 41_000, 1000)),
        "what-if": bo.what_if(
            plan, changes={"less": {"budget": "-20%"}, "no": {"budget": "-100%"}}
        ),
        "simulation": bo.simulate(plan, world, ["hold", "equal"], weeks=2, runs=8, last=last),
    }


KINDS = ("plan", "history", "belief", "channel", "allocation", "decision", "frontier", "what-if",
         "simulation")  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
def test_a_bare_object_shows_ten_lines_under_two_kilobytes(objects, kind):
    text = repr(objects[kind])
    assert 1 < len(text.splitlines()) <= 10
    assert len(text.encode()) < 2048
    page = Tags(objects[kind]._repr_html_())
    assert set(page.tags) <= {"table", "caption", "thead", "tbody", "tr", "th", "td", "p"}
    assert len("".join(page.text).encode()) < 2048
    # The same words in both.
    words = re.findall(r"[^\s│]+", "".join(text.split()))
    assert "".join("".join(page.text).split()) == "".join(words)


@pytest.mark.parametrize("kind", KINDS)
def test_every_object_has_a_frame(objects, kind):
    frame = objects[kind].to_frame()
    assert len(frame) > 0
    if kind in ("plan", "belief", "allocation", "decision"):
        assert tuple(frame["channel"]) == NAMES


def test_hostile_names_are_text(objects):
    html = objects["plan"]._repr_html_()
    assert "<script>" not in html
    assert "&lt;script&gt;alert(1)&lt;/scr" in html


def test_the_figures_are_those_of_the_object(objects):
    decision = objects["decision"]
    frame = decision.to_frame()
    assert frame["spend"].tolist() == [float(money) for money in decision.allocation.spend.values()]
    assert frame["last"].tolist() == [float(m.before) for m in decision.moves]
    assert frame["reason"].tolist() == [m.reason for m in decision.moves]
    row = repr(decision).splitlines()[3].split("  ")
    assert row[0].strip().startswith("=cmd")
    money = decision.allocation.spend[NAMES[1]]
    assert f"{money:,}".removesuffix(".00") in repr(decision).splitlines()[3]
    plan = objects["plan"].to_frame()
    assert plan["floor"].tolist() == [0.0] * len(NAMES)
    assert plan["max_change"].tolist() == [0.3] * len(NAMES)


# The others are not compared by their fields.
@pytest.mark.parametrize(
    "kind", sorted({*KINDS} - {"simulation", "frontier", "channel", "what-if"})
)
def test_equality_and_pickles_stay(objects, kind):
    again = pickle.loads(pickle.dumps(objects[kind]))
    assert again == objects[kind]
    assert repr(again) == repr(objects[kind])


def test_a_card_in_full_and_cut_short():
    card = Card("Title.", ("channel", "spend"), [("抖音", "1,000"), ("search", "20")])
    assert as_text(card) == "Title.\nchannel  spend\n抖音     1,000\nsearch      20"
    assert as_html(card).startswith('<table><caption>Title.</caption><thead><tr><th scope="col">')
    many = Card("Title.", ("n",), [(str(n),) for n in range(10)])
    assert as_text(many).splitlines()[-1] == "... and 3 more"
    assert as_text(Card("Nothing.", (), ())) == "Nothing."


def test_progress_calls_the_function_or_nothing():
    told = []
    for wanted in (lambda *given: told.append(given), None, False):
        with progress_bar(wanted, "x") as tell:
            tell(1, 2)
    assert told == [(1, 2)]


@pytest.mark.parametrize(("seconds", "shown"), [(0.0, True), (3600.0, False)])
def test_a_bar_appears_on_a_terminal_once_it_takes_long(monkeypatch, seconds, shown):
    out = io.StringIO()
    made = rich.console.Console
    monkeypatch.setattr(
        rich.console, "Console", lambda **_: made(file=out, force_terminal=True, width=60)
    )
    monkeypatch.setattr(notebook, "_PATIENCE", seconds)
    with progress_bar(True, "frontier") as tell:
        tell(1, 2)
        tell(2, 2)
    assert ("frontier" in out.getvalue()) == shown


def test_no_bar_without_a_terminal(capsys, monkeypatch):
    monkeypatch.setattr(notebook, "_PATIENCE", 0.0)
    plan = SimpleNamespace(curve=bo.Log(300, 100))
    one = bo.Plan(budget=100, currency="CNY", channels=[bo.Channel("a", curve=plan.curve)])
    bo.frontier(one, budgets=[50, 100], progress=True)
    assert capsys.readouterr() == ("", "")


def test_what_takes_long_tells_how_far_it_is():
    channels = [bo.Channel(name, curve=bo.Log(300, 100)) for name in "ab"]
    plan = bo.Plan(budget=100, currency="CNY", channels=channels)
    told = []

    def tell(done, total):
        told.append((done, total))

    bo.frontier(plan, budgets=[50, 100], progress=tell)
    assert told == [(1, 2), (2, 2)]
    told.clear()
    bo.what_if(plan, changes={"less": {"budget": "-20%"}}, progress=tell)
    assert told == [(1, 2), (2, 2)]
    told.clear()
    bo.simulation.sobol(plan, inputs=["budget"], draws=8, progress=tell)
    assert told == [(at, 24) for at in range(1, 25)]
    told.clear()
    bo.simulation.sensitivity(plan, inputs=["budget"], progress=tell)
    assert told[-1] == (3, 3)


FEW = NAMES[:8]
FRIDAY = "2026-03-09"


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    """One of every result: of a week and its ledger, of simulations, and of what they are made."""
    plan = bo.Plan(
        budget=30_000, currency="CNY", outcome="revenue", reserve=bo.Reserve(contingency=300),
        channels=[bo.Channel(name, curve=bo.Log(900, 500)) for name in NAMES],
    )  # fmt: skip
    free = replace(plan, channels=[bo.Channel(name) for name in NAMES])
    few = replace(plan, channels=plan.channels[:8], budget=8000, reserve=bo.Reserve())
    weeks = np.array(["2026-02-16", "2026-02-23", "2026-03-02"], dtype="datetime64[D]")
    spend = np.array([[600.0], [900.0], [750.0]]) + np.arange(len(NAMES))
    past = bo.History(NAMES, weeks, spend, outcome=40.0 * np.sqrt(spend))
    book = bo.Ledger.open(tmp_path_factory.mktemp("notebook") / "ledger.db")
    run = bo.run_week(free, past, book, who="cron", today=FRIDAY)
    bo.approve(book, free, FRIDAY, who="ann")
    belief = bo.learn(past, plan, settings=bo.Settings.fast())
    last, market = dict.fromkeys(FEW, 900), bo.Market.of_plan(few)
    world = bo.simulate(few, market, ["hold", "equal"], weeks=2, runs=8, last=last)
    return {
        "run": run,
        "pace": run.pace,
        "state": bo.apply(book, free, FRIDAY, who="ann"),
        "released": bo.release(book, free, 5, who="ann", why="x", today=FRIDAY, week="2026-03-16"),
        "entries": book.entries(),
        "verified": book.verify(),
        "ramp": bo.ramp(few, None, last),
        "schedule": bo.plan_weeks(few, weeks=4, start=FRIDAY),
        "market": market,
        "simulation": world,
        "years": Years(few, "x", world),
        "tornado": bo.simulation.sensitivity(few, inputs=["budget", "price"]),
        "sobol": bo.simulation.sobol(few, inputs=["budget"], draws=8),
        "what-if": bo.what_if(few, changes={"less": {"budget": "-20%"}}),
        "frontier": bo.frontier(few, budgets=[6000, 8000]),
        "belief": belief,
        "channels": belief.summary(),
        "curves": belief.mean(),
        "draws": belief.draw(np.random.default_rng(0), 100),
    }  # fmt: skip


def parts_of(what, seen):
    """Yield an object and all that it is made of, each once."""
    if id(what) in seen or isinstance(what, str):
        return
    seen[id(what)] = what
    if isinstance(what, Mapping):
        inner = what.values()
    elif isinstance(what, tuple | list) and not hasattr(what, "_fields"):
        inner = what
    elif type(what).__module__.startswith("budgetopt."):
        yield what
        names = [f.name for f in fields(what)] if is_dataclass(what) else []
        inner = [getattr(what, name) for name in (*names, *getattr(what, "_fields", ()))]
    else:
        return
    for each in inner:
        yield from parts_of(each, seen)


def public_classes():
    rooms = [bo, *(getattr(bo, room) for room in bo._ROOMS)]
    every = (getattr(room, name) for room in rooms for name in getattr(room, "__all__", ()))
    return {one for one in every if isinstance(one, type)}


def test_whatever_is_public_is_shown_in_short(results):
    public, found, seen = public_classes(), {}, {}
    for result in results.values():
        for one in parts_of(result, seen):
            text = repr(one)
            if type(one) in public and (len(text.encode()) >= 2048 or len(text.splitlines()) > 10):
                found[type(one).__name__] = text[:80]
    assert len({type(one) for one in seen.values()} & public) > 40
    assert found == {}


MANY = re.compile(r"\.\.\.|Mapping|dict\[|Sequence|Floats|NDArray|Integers|Whole|Belief|History")


def answers():
    """Return the records of the menu, and those that public functions and methods return."""
    public = public_classes()
    menu = {getattr(bo, name) for name in bo.__all__} & public
    rooms = [bo, *(getattr(bo, room) for room in bo._ROOMS)]
    calls = [getattr(room, name) for room in rooms for name in getattr(room, "__all__", ())]
    for one in menu:
        members = (m for name, m in vars(one).items() if not name.startswith("_"))
        calls += [m.fget if isinstance(m, property) else getattr(m, "__func__", m) for m in members]
    functions = (call for call in calls if not isinstance(call, type))
    told = " ".join(str(getattr(f, "__annotations__", {}).get("return", "")) for f in functions)
    returned = {one for one in public if re.search(rf"\b{one.__name__}\b", told)}
    kinds = (one for one in menu | returned if not issubclass(one, Exception))
    return {one for one in kinds if is_dataclass(one) or hasattr(one, "_fields")}


def test_whatever_may_hold_many_things_has_a_card():
    every = answers()
    assert len(every) > 80
    large = {
        one.__name__
        for one in every
        for base in one.__mro__
        for text in map(str, getattr(base, "__annotations__", {}).values())
        if MANY.search(text) and not hasattr(one, "_repr_html_")
    }
    assert large == set()


LARGE = {
    "points": lambda: bo.Points(np.arange(3000.0), np.sqrt(np.arange(3000.0))),
    "curves": lambda: bo.Hill(*np.ones((3, 400))),
    "freeze": lambda: bo.Freeze(name="x", first=FRIDAY, last=FRIDAY, channels=NAMES),
    "change": lambda: bo.Change(price=dict.fromkeys(NAMES, "+30%")),
    "lines": lambda: bo.BudgetLines(total=300, lines={f"{n} {'x' * 99}": 10 for n in range(30)}),
    "approval": lambda: bo.Approval(total=0, approvers=NAMES),
    "schedule": lambda: bo.simulation.Schedule(np.ones((52, 30)), "x"),
    "delay": lambda: bo.Delay(tuple(np.linspace(0.001, 1, 400))),
    "columns": lambda: bo.Columns(ignore=tuple(f"{n} {'x' * 99}" for n in range(30))),
    "goal": lambda: bo.Goal.most_outcome({f"{n} {'x' * 99}": 1 for n in range(30)}),
}


@pytest.mark.parametrize("kind", LARGE)
def test_a_large_record_is_shown_in_short(kind):
    text = repr(LARGE[kind]())
    assert len(text.encode()) < 2048
    assert len(text.splitlines()) <= 10
    assert "script" not in Tags(LARGE[kind]()._repr_html_()).tags


def test_a_small_record_keeps_its_own_text():
    assert repr(bo.Log(900, 500)) == "Log(top=900.0, scale=500.0)"
    assert repr(bo.Points([0, 1], [0, 2])).startswith("Points(")
    assert repr(bo.Goal.most_profit()) == "Goal(kind='profit', target=None, weights=())"
    assert repr(bo.Channel("feed")).startswith("Channel(name='feed', ")


def test_what_is_no_record_yet_has_no_text_to_keep():
    # Below what makes a dataclass of it, a class would show its address for good.
    class Plain:
        one: int

    with pytest.raises(TypeError, match="Plain"):
        notebook.short(Plain)


CARDS = ("run", "pace", "state", "ramp", "schedule", "market", "simulation", "years", "tornado",
         "sobol", "what-if", "frontier", "belief", "curves", "draws")  # fmt: skip


@pytest.mark.parametrize("kind", CARDS)
def test_a_large_result_has_a_card_in_html_with_the_same_words(results, kind):
    page = Tags(results[kind]._repr_html_())
    assert set(page.tags) <= {"table", "caption", "thead", "tbody", "tr", "th", "td", "p"}
    assert "".join("".join(page.text).split()) == "".join(repr(results[kind]).split())
    assert "script" not in page.tags


def test_the_card_of_a_run_says_where_the_week_stands_and_what_it_decides(results):
    run = results["run"]
    title, heads, *rows = repr(run).splitlines()
    assert title.startswith(f"{run.state}, revision 1; alerts: ")
    assert heads.split()[:4] == ["channel", "last", "next", "outcome"]
    money = run.decision.allocation.spend[NAMES[1]]
    assert f"{money:,}".removesuffix(".00") in rows[1]


def test_cards_of_weeks_and_paces_have_the_sums_of_the_object(results):
    schedule, pace = results["schedule"], results["pace"]
    row = repr(schedule).splitlines()[3].split()
    assert Decimal(row[-2].replace(",", "")) == sum(week[FEW[1]] for week in schedule.spend)
    spans = repr(pace).splitlines()[2:]
    assert len(spans) == len(pace.spans)
    for line, span in zip(spans, pace.spans, strict=True):
        assert f"{span.total.planned:,}".removesuffix(".00") in line
