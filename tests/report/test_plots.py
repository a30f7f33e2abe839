"""Pictures: the numbers in the artists are those of the records, and every letter has a font."""

import datetime as dt
import sys
import warnings
from dataclasses import replace
from types import SimpleNamespace

import matplotlib as mpl
import numpy as np
import pytest
from fontTools.fontBuilder import FontBuilder
from fontTools.pens.ttGlyphPen import TTGlyphPen
from matplotlib import font_manager, pyplot
from matplotlib.container import BarContainer, ErrorbarContainer
from matplotlib.text import Text

import budgetopt as bo
from budgetopt import report
from budgetopt.market import Funnel
from budgetopt.report import plots

NAMES = ("search", "feed", "$shop$ <b>", "tv")


@pytest.fixture(autouse=True, scope="module")
def _no_window():
    before = mpl.get_backend()
    pyplot.switch_backend("agg")
    yield
    pyplot.switch_backend(before)


@pytest.fixture(autouse=True)
def _closed():
    yield
    pyplot.close("all")


@pytest.fixture(scope="module")
def shop():
    rng = np.random.default_rng(3)
    weeks = np.datetime64("2026-01-05") + 7 * np.arange(12)
    spend = rng.uniform(500, 1500, (12, 4)).round(2)
    outcome = np.array([60.0, 40, 80, 30]) * np.sqrt(spend) * np.exp(rng.normal(0, 0.2, (12, 4)))
    past = bo.History(NAMES, weeks, spend, outcome=outcome)
    plan = bo.Plan(
        budget=4200,
        currency="CNY",
        outcome="revenue",
        channels=[
            bo.Channel("search", locked=900),
            bo.Channel("feed", cap=2000),
            *(bo.Channel(name) for name in NAMES[2:]),
        ],
        limits=[bo.Limit.group("screens", ["feed", "tv"], at_most="45%")],
    )
    belief = bo.learn(past, plan, settings=bo.Settings.fast())
    decision = bo.reallocate(plan, past, belief=belief)
    rates = Funnel(cpm=20, ctr=0.02, order_rate=0.5, aov=200, new_share=0.4)
    noise = bo.market.Noise.both(0.2)
    world = bo.Market(NAMES, bo.market.Prior(4, 1000.0), noise=noise, funnel=rates)
    return SimpleNamespace(
        plan=plan,
        past=past,
        total=bo.learn(_one_total(), plan, settings=bo.Settings.fast()),
        belief=belief,
        decision=decision,
        line=bo.frontier(plan, belief, [3500, 4000, 4500, 5000], last=past.last_spend),
        years=bo.simulate(plan, world, ["hold", "equal", "proportional"], weeks=4, runs=16, seed=2,
                          last=past.last_spend),
        tornado=bo.simulation.sensitivity(plan, belief, inputs=["budget", "price of tv", "rate"]),
        states=_ledger(plan),
        pace=_pace(plan),
    )  # fmt: skip


def _one_total():
    """Return weeks of four channels' money and one total."""
    rng = np.random.default_rng(7)
    weeks = np.datetime64("2025-01-06") + 7 * np.arange(60)
    spend = 1000 * rng.lognormal(0, 0.4, (60, 4))
    total = 9000 + np.sqrt(spend) @ [60.0, 40, 80, 30] + rng.normal(0, 100, 60)
    return bo.History(NAMES, weeks, spend, total=total)


def _ledger(plan):
    """Return three weeks: one measured, one applied, one proposed."""
    weeks = [dt.date(2026, 3, 2) + 7 * dt.timedelta(days=n) for n in range(3)]

    def entry(total):
        return SimpleNamespace(data={"spend": {"search": str(total)}})

    measured = SimpleNamespace(
        data={"spend": {"search": 95.5}, "outcome": {"search": 300.0}, "total": None}
    )
    make = bo.workflow.WeekState
    return (
        make(weeks[0], "measured", 1, current=entry(100), applied=entry(90), measured=measured),
        make(weeks[1], "applied", 1, current=entry(110), applied=entry(110)),
        make(weeks[2], "proposed", 1, current=entry(120)),
    )


def _pace(plan):
    spends = dict.fromkeys(NAMES, 1000)
    week = bo.Week(dt.date(2026, 3, 30), 3)
    actual = {week: dict.fromkeys(NAMES, 500)}
    return bo.workflow.pace(plan, {week.start: spends}, actual, dt.date(2026, 4, 1))


def bars(ax, at=0):
    """Return what the bars of a container reach from and to."""
    drawn = [one for one in ax.containers if isinstance(one, BarContainer)][at]
    return [(bar.get_x(), bar.get_x() + bar.get_width()) for bar in drawn]


def line(ax, at):
    x, y = ax.lines[at].get_data()
    return np.asarray(x), np.asarray(y)


def names(ax):
    return [label.get_text() for label in ax.get_yticklabels()]


DRAWN = {
    "response": lambda s, **k: report.plot_response(s.belief, "feed", decision=s.decision, **k),
    "split": lambda s, **k: report.plot_split(s.decision, **k),
    "next_money": lambda s, **k: report.plot_next_money(s.line, **k),
    "limit_prices": lambda s, **k: report.plot_limit_prices(s.decision.allocation, **k),
    "frontier": lambda s, **k: report.plot_frontier(s.line, **k),
    "forecast": lambda s, **k: report.plot_forecast(s.belief, **k),
    "decomposition": lambda s, **k: report.plot_decomposition(s.total, **k),
    "pacing": lambda s, **k: report.plot_pacing(s.pace, **k),
    "ledger": lambda s, **k: report.plot_ledger(s.states, **k),
    "fan": lambda s, **k: report.plot_fan(s.years, **k),
    "differences": lambda s, **k: report.plot_differences(s.years, **k),
    "tornado": lambda s, **k: report.plot_tornado(s.tornado, **k),
    "funnel": lambda s, **k: report.plot_funnel(s.years, **k),
}


def test_every_picture_is_tried_here():
    public = {name.removeprefix("plot_") for name in dir(report) if name.startswith("plot_")}
    assert public == DRAWN.keys()


@pytest.mark.parametrize("kind", DRAWN)
def test_the_callers_axes_are_drawn_on_and_nothing_global_changes(shop, kind):
    before, fonts = dict(mpl.rcParams), list(font_manager.fontManager.ttflist)
    figure, mine = pyplot.subplots()
    assert DRAWN[kind](shop, ax=mine) is mine
    assert pyplot.get_fignums() == [figure.number]
    new = DRAWN[kind](shop)
    assert new.figure.number != figure.number
    for each in (figure, new.figure):
        each.draw_without_rendering()
    assert dict(mpl.rcParams) == before
    assert font_manager.fontManager.ttflist == fonts


@pytest.mark.parametrize("kind", DRAWN)
def test_colours_are_told_apart_with_any_colour_vision(shop, kind):
    ax = DRAWN[kind](shop)
    own = (plots.BLUE, plots.ORANGE, plots.GREEN, plots.RED, plots.GREY)
    safe = {mpl.colors.to_hex(c).upper() for c in (*own, "black", "white", "#cccccc")}
    drawn = {mpl.colors.to_hex(one.get_color()).upper() for one in ax.lines}
    drawn |= {mpl.colors.to_hex(one.get_facecolor()).upper() for one in ax.patches}
    drawn |= {mpl.colors.to_hex(c).upper() for one in ax.collections for c in one.get_facecolor()}
    assert drawn
    assert drawn <= safe


def test_a_response_has_the_curve_the_band_the_weeks_and_the_spends(shop):
    ax, one, row = DRAWN["response"](shop), shop.belief["feed"], 1
    x, y = line(ax, 0)
    assert x[0] == 0
    assert y.tolist() == one.response(x).tolist()
    band = one.band(x)
    corners = ax.collections[0].get_paths()[0].vertices
    assert {tuple(c) for c in zip(x, band.low, strict=True)} <= set(map(tuple, corners))
    assert {tuple(c) for c in zip(x, band.high, strict=True)} <= set(map(tuple, corners))
    points = ax.collections[1].get_offsets()
    weeks = np.stack([shop.past.spend[:, row], shop.past.outcome[:, row]], axis=1)
    assert points.tolist() == weeks.tolist()
    today, following = (float(line(ax, at)[0][0]) for at in (2, 3))
    assert today == shop.past.spend[-1, row]
    assert following == float(shop.decision.allocation.spend["feed"])
    assert line(ax, 3)[1][0] == one.response(following)
    (left, right), (low, high) = line(ax, 1)
    slope = (high - low) / (right - left)
    assert slope == pytest.approx(float(one.marginal(following)))
    assert low + (following - left) * slope == pytest.approx(line(ax, 3)[1][0])


def test_a_channel_without_a_decision_has_todays_spend_alone(shop):
    ax = report.plot_response(shop.belief, "feed")
    assert [label for label in ax.get_legend_handles_labels()[1] if label.startswith("next:")] == []
    assert float(line(ax, 2)[0][0]) == shop.past.spend[-1, 1]


def test_a_split_has_the_money_before_and_after(shop):
    ax, moves = DRAWN["split"](shop), shop.decision.moves
    assert [end for _, end in bars(ax, 0)] == [float(m.before) for m in moves]
    assert [end for _, end in bars(ax, 1)] == [float(m.after) for m in moves]
    assert names(ax) == list(NAMES)
    assert [t.get_text() for t in ax.texts] == [
        f"{m.share:+.1%}" if m.change else "=" for m in moves
    ]


def test_the_next_money_is_the_difference_of_two_budgets(shop):
    ax = DRAWN["next_money"](shop)
    low, high = (shop.line.points[at].allocation for at in (1, 2))
    moved = [float(high.spend[name] - low.spend[name]) for name in NAMES]
    assert [end - start for start, end in bars(ax)] == pytest.approx(moved, abs=1e-9)
    assert sum(moved) == pytest.approx(float(high.total - low.total))
    assert "Where the next 500 CNY goes, above 4,000" in ax.get_title(loc="left")
    first = report.plot_next_money(shop.line, budget=3500)
    assert "Where the next 500 CNY goes, above 3,500" in first.get_title(loc="left")
    with pytest.raises(bo.InputError, match="feasible budgets"):
        report.plot_next_money(bo.frontier(shop.plan, shop.belief, [4000]))


def test_limits_have_their_prices(shop):
    ax, prices = DRAWN["limit_prices"](shop), shop.decision.allocation.prices
    assert [end for _, end in bars(ax)] == sorted(prices.values(), reverse=True)
    assert len(names(ax)) == len(prices) >= 2
    free = bo.Plan(budget=10, currency="CNY", channels=[bo.Channel("a", curve=bo.Log(3, 9), cap=5)])
    assert names(report.plot_limit_prices(bo.allocate(free))) == ["cap of a"]


def test_a_frontier_has_its_points_band_and_knee(shop):
    ax = DRAWN["frontier"](shop)
    points = [p for p in shop.line.points if p.feasible]
    x, y = line(ax, 0)
    assert x.tolist() == [float(p.budget) for p in points]
    assert y.tolist() == [p.outcome for p in points]
    corners = set(map(tuple, ax.collections[0].get_paths()[0].vertices))
    for point in points:
        spread = point.allocation.spread
        assert (float(point.budget), spread.low) in corners
        assert (float(point.budget), spread.high) in corners
    marks = [float(line(ax, at)[0][0]) for at in (1, 2)]
    assert marks == [float(shop.line.knee), 4200.0]
    assert ax.get_ylabel() == "revenue"


def test_forecasts_are_those_made_one_week_ahead(shop):
    ax, belief = DRAWN["forecast"](shop), shop.belief
    frame = belief.forecasts()
    assert len(frame) == 48
    drawn = np.concatenate([one.get_offsets() for one in ax.collections])
    wanted = frame[["forecast", "actual"]].to_numpy()
    assert sorted(map(tuple, drawn.tolist())) == sorted(map(tuple, wanted.tolist()))
    held = belief.calibration(weeks=12)
    assert [len(one.get_offsets()) for one in ax.collections] == [held.inside, 48 - held.inside]
    assert f"{held.inside} of 48 outcomes" in ax.get_title(loc="left")
    # The forecast of the last week is made of the weeks before it alone.
    before = bo.learn(shop.past.until(dt.date(2026, 3, 23)), shop.plan, settings=belief.settings)
    middle = before.predict(shop.past.spend[-1], level=1e-6)
    last = frame[frame["week"] == "2026-03-23"]
    assert last["forecast"].to_numpy() == pytest.approx((middle.low + middle.high) / 2, rel=0.1)
    assert last["actual"].to_numpy() == pytest.approx(shop.past.outcome[-1])


def test_pace_has_what_is_spent_and_projected(shop):
    ax = DRAWN["pacing"](shop)
    totals = [span.total for span in shop.pace.spans if span.total.planned]
    spent = [float(line.actual / line.planned) for line in totals]
    ends = [float(line.projection / line.planned) for line in totals]
    assert [end for _, end in bars(ax, 0)] == pytest.approx(spent)
    assert [start for start, _ in bars(ax, 1)] == pytest.approx(spent)
    assert [end for _, end in bars(ax, 1)] == pytest.approx(ends)
    assert totals[0].actual == 2000


def test_a_ledger_has_its_weeks(shop):
    ax = DRAWN["ledger"](shop)
    drawn = {one.get_label(): one.get_ydata().tolist() for one in ax.lines}
    assert drawn == {
        "planned": [100, 110, 120],
        "applied": pytest.approx([90, 110, np.nan], nan_ok=True),
        "actual": pytest.approx([95.5, np.nan, np.nan], nan_ok=True),
    }
    outcome = report.plot_ledger(shop.states, outcome=True)
    assert outcome.lines[0].get_ydata()[0] == 300.0
    assert report.plot_ledger(()).get_title(loc="left") == "Weeks of the ledger"


def test_a_fan_has_the_quantiles_of_the_weeks(shop):
    ax, years = DRAWN["fan"](shop), shop.years
    chances = (0.05, 0.25, 0.5, 0.75, 0.95)
    low, q1, middle, q3, high = years.quantiles(chances=chances, weekly=True)
    assert line(ax, 0)[1].tolist() == middle.tolist()
    for band, ends in zip(ax.collections, ((low, high), (q1, q3)), strict=True):
        corners = set(map(tuple, band.get_paths()[0].vertices))
        for end in ends:
            assert set(zip((1.0, 2.0, 3.0, 4.0), end.tolist(), strict=True)) <= corners
    other = report.plot_fan(years, "equal", measure="roas")
    middle = years.quantiles("roas", "equal", chances=(0.5,), weekly=True)[0]
    assert line(other, 0)[1].tolist() == middle.tolist()


def test_differences_are_paired(shop):
    ax, years = DRAWN["differences"](shop), shop.years
    found = [years.difference(name, "hold", measure="goal") for name in years.policies[1:]]
    drawn = next(one for one in ax.containers if isinstance(one, ErrorbarContainer))
    assert drawn[0].get_xdata().tolist() == [gap.mean for gap in found]
    ends = [segment[:, 0].tolist() for segment in drawn[2][0].get_segments()]
    assert ends == [pytest.approx([gap.low, gap.high]) for gap in found]
    assert [t.get_text() for t in ax.texts] == [
        f"better in {gap.share_better:.0%} of the runs" for gap in found
    ]
    alone = bo.simulate(shop.plan, bo.Market(NAMES, bo.market.Prior(4, 1000.0)), "equal",
                        weeks=1, runs=2)  # fmt: skip
    with pytest.raises(bo.InputError, match="nothing to be compared"):
        report.plot_differences(alone)


def test_a_tornado_has_the_ends_of_each_swing(shop):
    ax, found = DRAWN["tornado"](shop), shop.tornado
    for at, part in enumerate(("low", "high")):
        ends = [end for _, end in bars(ax, at)]
        assert ends == pytest.approx([getattr(swing, part) for swing in found.swings])
    assert sorted(names(ax)) == ["all responses", "budget", "price of tv"]


def test_a_funnel_has_the_steps(shop):
    ax = DRAWN["funnel"](shop)
    row = shop.years.metrics("hold", "total").iloc[0]
    steps = ("impressions", "clicks", "conversions", "orders", "new_customers")
    assert line(ax, 0)[0].tolist() == [row[step] for step in steps]
    assert ax.texts[1].get_text().endswith(f"({100 * row['clicks'] / row['impressions']:.3g}%)")


def test_a_funnel_leaves_out_what_nobody_declared(shop):
    years = replace(shop.years, funnel=Funnel(outcome="orders"))
    row = years.metrics("hold", "total").iloc[0]
    assert line(report.plot_funnel(years), 0)[0].tolist() == [row["orders"]]
    with pytest.raises(bo.InputError, match="funnel"):
        report.plot_funnel(replace(shop.years, funnel=Funnel(outcome="revenue")))


@pytest.fixture
def chinese_font(tmp_path):
    """A font with a box for every Chinese letter, as a system may have it."""
    pen = TTGlyphPen(None)
    pen.moveTo((0, 0))
    for corner in ((0, 900), (900, 900), (900, 0)):
        pen.lineTo(corner)
    pen.closePath()
    made = FontBuilder(1000)
    made.setupGlyphOrder([".notdef", "box"])
    wide = (*range(0x4E00, 0xA000), *range(0x3000, 0x3040), *range(0xFF00, 0xFFEF))
    made.setupCharacterMap(dict.fromkeys(wide, "box"))
    made.setupGlyf({name: pen.glyph() for name in (".notdef", "box")})
    made.setupHorizontalMetrics({".notdef": (1000, 0), "box": (1000, 0)})
    made.setupHorizontalHeader(ascent=900, descent=-100)
    made.setupNameTable({"familyName": "SimHei", "styleName": "Regular"})
    made.setupOS2()
    made.setupPost()
    made.save(tmp_path / "simhei.ttf")
    before = list(font_manager.fontManager.ttflist)
    font_manager.fontManager.addfont(tmp_path / "simhei.ttf")
    yield
    font_manager.fontManager.ttflist = before


@pytest.mark.parametrize("kind", DRAWN)
def test_every_letter_of_a_chinese_picture_has_a_font(shop, chinese_font, kind):
    ax = DRAWN[kind](shop, language="zh")
    ax.figure.draw_without_rendering()  # A missing glyph would be an error here.
    said = "".join(text.get_text() for text in ax.findobj(Text))
    assert any("\u4e00" <= letter <= "\u9fff" for letter in said)
    english = DRAWN[kind](shop)
    assert ax.get_title(loc="left") != english.get_title(loc="left")


def test_a_missing_font_is_a_clear_hint(shop, monkeypatch):
    known = [f for f in font_manager.fontManager.ttflist if f.name.startswith("DejaVu")]
    monkeypatch.setattr(font_manager.fontManager, "ttflist", known)
    with pytest.warns(report.MissingFontWarning, match="install a Chinese font") as caught:
        ax = DRAWN["frontier"](shop, language="zh")
    assert len(caught) == 1
    assert caught[0].filename == __file__
    assert ax.get_title(loc="left") == "各预算下的最优转化"


def test_names_are_text_and_no_formulas(shop):
    ax = DRAWN["split"](shop)
    ax.figure.draw_without_rendering()
    assert names(ax)[2] == "$shop$ <b>"
    assert not ax.get_yticklabels()[2].get_parse_math()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        report.plot_response(shop.belief, "$shop$ <b>").figure.draw_without_rendering()


def test_without_matplotlib_the_extra_is_named(shop, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    monkeypatch.delitem(sys.modules, "matplotlib.pyplot", raising=False)
    with pytest.raises(bo.InputError, match=r"pip install 'budgetopt\[plot\]'") as caught:
        DRAWN["fan"](shop)
    assert caught.value.code == "missing-extra"


def test_the_areas_are_the_parts_and_end_at_what_is_expected(shop):
    ax, found = DRAWN["decomposition"](shop), shop.total.decomposition()
    expected = np.array(found.actual) - found.parts[-1].outcome
    assert len(ax.collections) == 1 + len(NAMES)
    top = ax.collections[-1].get_paths()[0].vertices[:, 1]
    # An area's outline runs back and forth, so that each height is in it somewhere.
    assert np.abs(top[:, None] - expected).min(axis=0).max() <= 1e-9 * expected.max()
    assert line(ax, 0)[1].tolist() == list(found.actual)
    with pytest.raises(bo.InputError, match="one total"):
        report.plot_decomposition(shop.belief)
