"""Sentences hold the numbers of fields and no others, the same ones in every language."""

import json
import re
from collections import Counter
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import budgetopt as bo
from budgetopt import report
from budgetopt.i18n import in_language, messages_of, restored, say
from budgetopt.i18n.messages import round_known, show_bound, show_figure
from budgetopt.money import show_amount
from budgetopt.optimize import METHODS, round_amount
from budgetopt.plan import RULES
from budgetopt.policies import NAMES as POLICIES
from budgetopt.weekly import Guardrails, Move

from .weeks import ALLOCATIONS, DECISIONS, NAMES, UNTIL, WEEK, Fixed, history, plan

NUMBER = re.compile(
    r"\d{4}-\d\d-\d\d|\d{4}-W\d\d|(?<![\w)])[+-]?\d[\d,]*(?:\.\d+)?(?:e[+-]?\d+)?%?"
)
_SAID = {}


def numbers(text):
    """Return the numbers in a text, dates whole, as often as they are there."""
    return Counter(found.rstrip(",") for found in NUMBER.findall(text))


def expected(week):
    """Return the outcome, to the digits that its range leaves known."""
    return show_figure(round_known(week.outcome, week.spread.width if week.spread else 0.0))


def decided(name):
    if name not in _SAID:
        _SAID[name] = DECISIONS[name]()
    return _SAID[name]


def moved(move):
    """Return every number that may be said of a move, from its fields."""
    money = [move.after, abs(move.change), *([] if move.before is None else [move.before])]
    known = {show_amount(amount) for amount in money}
    figures = (move.worth, move.elsewhere, move.low, move.high)
    known |= {show_figure(figure, 4) for figure in figures if figure is not None}
    if move.before:
        known.add(f"{move.change / move.before:+.1%}")
    return known | set(numbers(move.held))


def whole(decision):
    """Return every number that may be said of the week as a whole."""
    week = decision.allocation
    known = {str(decision.week.start), decision.week.iso}
    known |= {show_amount(m) for m in (week.total, week.budget, week.unspent, week.held)}
    known |= {show_amount(decision.before), expected(week), show_bound(100 * week.gap)}
    known |= set(numbers(f"{decision.policy} {decision.decided_by}"))
    if decision.gain is not None:
        parts = (decision.gain, decision.gains.split, decision.money_gain)
        least = decision.gains.outcome if week.goal == "least-spend" else decision.gain
        parts += (decision.gains.prior, least - decision.gains.prior)
        known |= {show_figure(part, 3, sign=True) for part in parts}
        known.add(show_amount(abs(week.total - decision.before)))
    if not decision.moved:
        known.add(show_bound(max(0.0, week.bound - week.objective), 3))
    # Draws of which a range holds so many.
    return known | ranged(week) | {"90%"}


def ranged(week):
    """Return the numbers of an allocation's range, to the digits that it leaves known."""
    if week.spread is None:
        return set()
    ends = (week.spread.low, week.spread.median, week.spread.high)
    known = {show_figure(round_known(end, week.spread.width)) for end in ends} | {"90%"}
    return known | {f"{100 * (week.spread.better or 0):.0f}%"}


def stepped_in(fired, decision, rails):
    """Return every number that may be said of a guard that stepped in."""
    known = {str(day) for pair in rails.freezes for day in pair}
    known |= {str(decision.week.shift(-1).start), *numbers(decision.decided_by)}
    if fired.guard == "freeze":
        known |= {str(WEEK), str(UNTIL)}
    known |= {show_amount(m.before) for m in decision.moves if m.channel in fired.channels}
    for name, figure in fired.figures:
        known |= {show_figure(figure, digits) for digits in (2, 3, 15)} | {f"{figure:.0%}"}
        known |= {show_bound(figure)}
        known |= {f"{figure:.2g}"} if name == "widened" else set()
    figures = dict(fired.figures)
    if "covered" in figures:
        known |= {str(rails.calibration_weeks), "80%"}
        known |= {f"{share:.0%}" for share in (rails.least_covered, rails.most_covered)}
        known.add(f"{figures['covered'] * figures['outcomes']:.0f}")
    if "part" in figures:
        known |= {f"{rails.confidence:.0%}", f"{rails.most_loss:.1%}"}
    return known


RAILS = {
    "frozen": Guardrails(freezes=[("2025-05-26", "2025-05-28")]),
    "might lose too much": Guardrails(most_loss=0.03, confidence=0.9),
}


def checked(decision, rails):
    """Hold every sentence of a decision to its fields, in both languages."""
    pages = [decision.explain(language).splitlines() for language in ("en", "zh")]
    known = [whole(decision)] * (len(pages[0]) - len(decision.moves) - len(decision.notes))
    known += [moved(move) for move in decision.moves]
    fired = {one.sentence: stepped_in(one, decision, rails) for one in decision.fired}
    known += [fired.get(note) for note in decision.notes]
    for english, chinese, may in zip(*pages, known, strict=True):
        assert numbers(english) == numbers(chinese)
        assert may is None or set(numbers(english)) <= may


@pytest.mark.parametrize("name", DECISIONS)
def test_a_decision_says_the_numbers_of_its_fields_in_both_languages(name):
    checked(decided(name), RAILS.get(name, Guardrails()))


MOVED = {
    "en": re.compile(r"(up|down) from ([\d,.]+) to ([\d,.]+?)(?: \(|[,;]|$)"),
    "zh": re.compile(r"由 ([\d,.]+) (上|下)调至 ([\d,.]+)"),
}


BRINGS = {
    "en": re.compile(
        r"(?:extra (\S+) should return|cutting (\S+) loses) "
        r"(\S+?)(?: \((\S+) to (\S+)\))?"
        r"(?:, while as much money earns (\S+) elsewhere|[,;](?: |$)|$)"
    ),
    "zh": re.compile(
        r"(?:多投的 (\S+) 预计带来|减掉 (\S+) 预计少得) ([^，；（]+)(?:（(\S+) 至 (\S+)）)?"
        r"(?:，而?同样的钱投到别处预计带来 ([^；]+))?"
    ),
}


@pytest.mark.parametrize("name", DECISIONS)
def test_every_move_goes_from_what_it_had_to_what_it_gets(name):
    for move in decided(name).moves:
        english, chinese = (MOVED[lang].match(in_language(move.reason, lang)) for lang in MOVED)
        if move.change and move.before is not None:
            way, before, after = english.groups()
            assert (before, after) == (show_amount(move.before), show_amount(move.after))
            assert (way == "up") == (move.change > 0)
            assert chinese.groups() == (before, {"up": "上", "down": "下"}[way], after)
        else:
            assert english is chinese is None
            assert numbers(move.reason)[show_amount(move.after)] == 1


@pytest.mark.parametrize("name", ["usual", "against the margin", "below the least"])
def test_what_lies_beyond_is_said_with_the_spends_of_the_history(name):
    decision, past = decided(name), history()
    (note,) = (n for n in decision.notes if n.code == "extrapolated")
    known = Counter()
    for at, channel in enumerate(NAMES):
        spend, seen = decision.allocation.spend[channel], past.spend[:, at]
        if spend > seen.max() or spend < seen.min():
            end = seen.max() if spend > seen.max() else seen.min()
            known += Counter([show_amount(spend), show_figure(end)])
    assert known
    assert numbers(note) == numbers(in_language(note, "zh")) == known


amounts = st.integers(0, 10**9).map(lambda minor: Decimal(minor).scaleb(-2))
outcomes = st.floats(0, 1e9)


@given(
    before=st.none() | amounts,
    after=amounts,
    worth=outcomes,
    elsewhere=st.just(0.0) | outcomes,
    limit=st.sampled_from(RULES),
    held=st.sampled_from(["", say("held-report-missing")]),
    spare=st.booleans(),
    ends=st.just((None, None)) | st.tuples(outcomes, outcomes).map(sorted),
)
def test_the_reason_of_any_move_is_made_of_its_fields(ends, **fields):
    move = Move("a channel", **fields, low=ends[0], high=ends[1])
    said = numbers(move.reason)
    assert set(said) <= moved(move)
    assert numbers(in_language(move.reason, "zh")) == said
    known = [
        show_amount(abs(move.change)),
        *(show_figure(v, 4) for v in (move.worth, *ends, move.elsewhere) if v is not None),
    ]
    for language, brings in BRINGS.items():
        found = brings.search(in_language(move.reason, language))
        assert bool(found) == (" should return " in move.reason or " loses " in move.reason)
        assert not found or list(filter(None, found.groups())) in (known, known[:-1])
    words = messages_of([move.limit, move.held])
    again = Move.from_dict(*json.loads(json.dumps([move.to_dict(), words])))
    assert again == move
    assert in_language(again.reason, "zh") == in_language(move.reason, "zh")


@st.composite
def weeks(draw):
    """Return arguments of `reallocate` for a week of three channels with all sorts of limits."""
    channels = []
    for name in (*NAMES, *draw(st.sampled_from([(), ("new",)]))):
        kind = draw(st.sampled_from(["free", "floor", "cap", "locked"]))
        limit = {} if kind == "free" else {kind: draw(st.integers(20, 120))}
        channels.append(bo.Channel(name, **limit))
    declared = plan(
        channels=channels,
        budget=draw(st.sampled_from([250, "330.50", 420, 2000])),
        max_change=draw(st.sampled_from(["none", "10%", "40%", "300%"])),
        step=draw(st.sampled_from(["0.01", 1, 5])),
        reserve=bo.Reserve(contingency=draw(st.sampled_from([0, "5%"]))),
    )
    past = history(
        weeks=draw(st.integers(3, 14)),
        seed=draw(st.integers(0, 50)),
        gone=draw(st.lists(st.sampled_from(NAMES), max_size=2)),
        zero=draw(st.lists(st.sampled_from(NAMES), max_size=1)),
    )
    return declared, past, draw(st.sampled_from([None, bo.PosteriorMean(), bo.EqualSplit()]))


@given(weeks())
@settings(max_examples=40)
def test_any_week_says_the_numbers_of_its_fields(week):
    declared, past, policy = week
    try:
        decision = bo.reallocate(declared, past, policy=policy)
    except bo.InfeasibleError:
        assume(False)
    checked(decision, Guardrails())


# Allocations.


def split(week):
    """Return every number that may be said of an allocation, by recomputation."""
    unit = round_amount(week.budget)
    money = [week.total, week.budget, week.unspent, week.held, week.step, unit]
    money += [*week.spend.values(), *week.last.values()]
    known = {show_amount(amount) for amount in money}
    known |= {expected(week), show_bound(100 * week.gap)}
    for price in (*week.prices.values(), *week.marginal.values()):
        known |= {show_figure(price), *(show_figure(price * float(unit), n) for n in (4, 6))}
    for name, before in week.last.items():
        if before:
            known.add(f"{(week.spend[name] - before) / before:+.1%}")
    known |= ranged(week)
    for row in week.rules.rows:
        known |= set(numbers(row.sentence))
    return known


SPLITS = ALLOCATIONS | {
    f"of {name}": lambda name=name: decided(name).allocation for name in ("usual", "new channel")
}


@pytest.mark.parametrize("name", SPLITS)
def test_an_allocation_says_the_numbers_of_its_fields_in_both_languages(name):
    week = SPLITS[name]()
    pages = [week.explain(language) for language in ("en", "zh")]
    for channel in week.spend:
        pages = [page.replace(channel, "") for page in pages]
    for english, chinese in zip(*(page.splitlines() for page in pages), strict=True):
        assert numbers(english) == numbers(chinese)
    policies = numbers(week.method)
    assert set(numbers(pages[0])) <= split(week) | set(policies)


@pytest.mark.parametrize("name", ALLOCATIONS)
def test_the_rule_of_a_limit_says_its_numbers_in_both_languages(name):
    for row in ALLOCATIONS[name]().rules.rows:
        assert numbers(in_language(row.sentence, "zh")) == numbers(row.sentence)


# Pages.


@pytest.mark.parametrize("name", DECISIONS)
def test_what_json_keeps_says_the_same_in_both_languages(name):
    decision = decided(name)
    again = bo.Decision.from_json(decision.to_json())
    assert again == decision
    for language in ("en", "zh"):
        assert again.explain(language) == decision.explain(language)
        assert again.allocation.explain(language) == decision.allocation.explain(language)
        said = [in_language(one.sentence, language) for one in again.fired]
        assert said == [in_language(one.sentence, language) for one in decision.fired]
        for explain in (False, True):
            options = {"explain": explain, "language": language}
            page = report.decision_table(decision, **options)
            assert report.decision_table(again, **options) == page


def latin(page, names):
    """Return the words of Latin letters in a page, without names that stay as they are."""
    for name in sorted(names, key=len, reverse=True):
        page = page.replace(name, "")
    return set(re.findall(r"(?<!\d)[A-Za-z]{2,}", page))


KEPT = {"ROAS", "CPA", "CNY", "JPY"}


@pytest.mark.parametrize("name", DECISIONS)
@pytest.mark.parametrize("explain", [False, True])
def test_a_chinese_page_of_a_decision_has_no_english(name, explain):
    decision = decided(name)
    page = report.decision_table(decision, explain=explain, language="zh").replace("\n", "")
    names = [*decision.allocation.spend, decision.policy, decision.decided_by]
    # Names of the file's own, and what an error says.
    names += [
        "old",
        "older",
        "Feed",
        "spend",
        "audit",
        "burst",
        "the search did not end",
        "the time ran out",
    ]
    assert latin(page, names) <= KEPT


@pytest.mark.parametrize("name", SPLITS)
def test_a_chinese_page_of_an_allocation_has_no_english(name):
    week = SPLITS[name]()
    page = report.allocation_table(week, explain=True, language="zh").replace("\n", "")
    names = [*week.spend, *(row.limit for row in week.rules.rows), *METHODS, *POLICIES, week.method]
    assert latin(page, [*names, "people", "kind", "far", "yes", "kg", "outcome"]) <= KEPT


@pytest.mark.parametrize("name", DECISIONS)
def test_english_is_what_it_is_without_a_language(name):
    decision = decided(name)
    assert decision.explain() == decision.explain("en")
    assert report.decision_table(decision) == report.decision_table(decision, language="en")
    texts = [*decision.notes, *(move.reason for move in decision.moves)]
    made = json.loads(json.dumps(messages_of(texts)))
    assert set(made) == set(texts)
    assert all(restored(text, made) == text for text in texts)


def test_a_language_that_is_not_known_is_refused():
    for said in (decided("usual").explain, decided("usual").allocation.explain):
        with pytest.raises(bo.InputError, match="did you mean 'zh'") as caught:
            said("zhh")
        assert caught.value.field == "lang"


def test_a_move_that_its_limit_contradicts_is_refused():
    data = decided("usual").to_dict()
    met = [move for move in data["moves"] if move["limit"]]
    assert met
    met[0]["limit"] = ""
    with pytest.raises(bo.InputError, match="moves of the decision differ"):
        bo.Decision.from_dict(data)


def test_a_reason_cannot_be_written_by_hand():
    data = decided("usual").to_dict()
    data["moves"][0]["reason"] = "because"
    assert bo.Decision.from_dict(data) == decided("usual")
    with pytest.raises(TypeError):
        Move("a", Decimal(1), Decimal(2), reason="because")


def test_what_one_said_of_a_stuck_policy_stays_english_only_in_the_error():
    decision = bo.reallocate(plan(), history(), policy=Fixed())
    (fired,) = decision.fired
    assert "the search did not end" in in_language(fired.sentence, "zh")
    assert np.isfinite(decision.allocation.outcome)
