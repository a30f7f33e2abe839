"""The page of a decision: every number of it from the allocation, and nothing that acts."""

import math
from decimal import Decimal

import numpy as np
import pytest

import budgetopt as bo
from budgetopt import report
from budgetopt.errors import InputError
from budgetopt.optimize import round_amount
from budgetopt.report import html

from .parsed import Parsed, number

HOSTILE = [
    "<script>alert(1)</script>",
    "=cmd|' /C calc'!A0",
    "n" * 300,
    "קמפיין חורף",
    '"quoted" & <b>bold</b>',
    "{{ 7 * 7 }}",
]


@pytest.fixture(scope="module")
def decision():
    names = ("search", "feed", "kol", "video")
    rng = np.random.default_rng(5)
    spend = np.round(rng.uniform(50, 150, (30, 4)), 2)
    starts = np.datetime64("2025-01-06") + 7 * np.arange(30)
    outcome = 400 * (1 - np.exp(-spend / [60, 120, 240, 480])) * rng.lognormal(0, 0.1, (30, 4))
    past = bo.History(names, starts, spend, outcome=outcome)
    plan = bo.Plan(
        budget="440.50",
        currency="CNY",
        outcome="revenue",
        max_change="15%",
        reserve=bo.Reserve(contingency="10"),
        channels=[bo.Channel(n, floor=20) for n in names],
        limits=[bo.Limit.linear("two", {"search": 1, "feed": 1}, 230)],
    )
    return bo.reallocate(plan, past)


@pytest.fixture(scope="module")
def page(decision):
    return Parsed(bo.report(decision))


def test_the_split_on_the_page_is_the_decision_to_the_cent(decision, page):
    table = page.table("The split")
    last, following = table.column("last"), table.column("next")
    for move in decision.moves:
        assert number(last[move.channel]) == move.before
        assert number(following[move.channel]) == move.after
    assert number(following["total"]) == decision.allocation.total
    assert number(following["total"]) == sum(number(following[m.channel]) for m in decision.moves)
    bars = page.bars_by_name()
    assert bars == {m.channel: [m.before, m.after] for m in decision.moves}


def test_every_move_has_its_effect_its_range_and_its_reason(decision, page):
    table = page.table("Every move and its reason")
    heads = dict(zip(("change", "mean", "low", "high", "why"), table.heads[1:], strict=True))
    columns = {key: table.column(head) for key, head in heads.items()}
    moved = [move for move in decision.moves if move.change]
    assert moved
    for move in decision.moves:
        cells = {key: column[move.channel] for key, column in columns.items()}
        assert cells["why"] == move.reason
        assert (number(cells["change"]) or 0) == move.change
        if not move.change:
            assert (cells["mean"], cells["low"], cells["high"]) == ("", "", "")
            continue
        sign = 1 if move.change > 0 else -1
        low, high = sorted((sign * move.low, sign * move.high))
        for key, value in (("mean", sign * move.worth), ("low", low), ("high", high)):
            assert float(number(cells[key])) == pytest.approx(value, rel=2e-3, abs=0.05)


def test_every_limit_that_holds_the_outcome_back_has_its_price(decision, page):
    week = decision.allocation
    table = page.table("What the limits cost")
    prices = {k: v for k, v in week.prices.items() if v > 0 and math.isfinite(v)}
    assert len(table.rows) - 1 == len(prices) > 1
    unit = round_amount(week.budget)
    worth = [float(number(row[2])) for row in table.rows[1:]]
    assert worth == sorted(worth, reverse=True)
    assert worth == pytest.approx(sorted((p * float(unit) for p in prices.values()), reverse=True),
                                  rel=1e-2, abs=0.005)  # fmt: skip
    assert {number(row[1]) for row in table.rows[1:]} == {unit}


def test_the_verdict_stands_first_with_its_numbers(decision, page):
    ups = sum(m.change > 0 for m in decision.moves)
    assert f"{decision.allocation.total:,}".rstrip("0").rstrip(".") in page.verdict
    assert f"{ups} up" in page.verdict
    assert next(iter(page.sections)) != "The split"


@pytest.mark.parametrize("language", ["en", "zh"])
def test_both_languages_show_the_same_numbers(decision, page, language):
    other = Parsed(report.page(decision, language=language))
    assert [len(t.rows) for t in other.tables] == [len(t.rows) for t in page.tables]
    for mine, theirs in zip(page.tables, other.tables, strict=True):
        cells = [[number(c) for c in row[1:3]] for row in mine.rows[1:]]
        assert [[number(c) for c in row[1:3]] for row in theirs.rows[1:]] == cells


def test_names_are_text_whatever_they_are():
    rng = np.random.default_rng(1)
    spend = np.round(rng.uniform(50, 150, (6, len(HOSTILE))), 2)
    starts = np.datetime64("2025-01-06") + 7 * np.arange(6)
    past = bo.History(tuple(HOSTILE), starts, spend, outcome=2 * spend)
    plan = bo.Plan(budget=600, currency="CNY", outcome="<i>sales</i>",
                   channels=[bo.Channel(n) for n in HOSTILE])  # fmt: skip
    decision = bo.reallocate(plan, past)
    page = Parsed(bo.report(decision))
    assert set(page.table("The split").column("next")) == {*HOSTILE, "total"}
    assert "<i>sales</i>" in page.text
    assert [tag for tag, _ in page.tags].count("script") == 1
    assert not {"i", "b", "img", "iframe"} & {tag for tag, _ in page.tags}
    assert not any(name.startswith("on") for _, attrs in page.tags for name in attrs)


def test_what_acts_on_a_terminal_or_turns_text_round_is_written_out():
    made = html.Page("a\x1b[2J", "b\u202e", [html.Section("c\u2066", ["d\x07"])], "e\u200f")
    text = html.to_html(made)
    assert not set("\x1b\x07\u202e\u2066\u200f") & set(text)
    assert all(code in text for code in ("\\u001b[2J", "\\u202e", "\\u2066", "\\u0007", "\\u200f"))


def test_a_page_asks_nothing_of_the_network_and_is_small(decision):
    text = bo.report(decision)
    links = [
        v for tag, attrs in Parsed(text).tags for k, v in attrs.items() if k in ("src", "href")
    ]
    assert all(link.startswith(("#", "data:")) for link in links)
    assert "default-src 'none'" in text
    assert "@import" not in text
    assert "url(" not in text
    assert len(text.encode()) < 1_200_000


def test_the_same_decision_makes_the_same_page_and_a_whole_file(decision, tmp_path):
    out = tmp_path / "page.html"
    text = bo.report(decision, out=out)
    assert out.read_text("utf-8") == text == bo.report.page(decision)


def test_without_jinja_the_error_says_what_to_install(decision, monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "jinja2", None)
    html._environment.cache_clear()
    with pytest.raises(InputError, match=r"budgetopt\[report\]") as caught:
        bo.report(decision)
    assert caught.value.code == "missing-extra"


@pytest.mark.parametrize(("given", "code"), [(3, "bad-argument"), (None, "bad-argument")])
def test_what_has_no_page_is_refused(given, code):
    with pytest.raises(InputError) as caught:
        bo.report(given)
    assert caught.value.code == code


def test_money_is_shown_exactly():
    from budgetopt.report.views import signed

    assert signed([Decimal("1.50"), Decimal("-1234.25"), Decimal(0)]) == [
        "+1.50", "-1,234.25", "="]  # fmt: skip
