"""The year under six risks: its page says what the simulated years say, number by number."""

import importlib.util
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from budgetopt.cli import main
from budgetopt.market import RISKS

FOLDER = Path(__file__).parents[1] / "examples" / "what_if"


def loaded():
    spec = importlib.util.spec_from_file_location("what_if", FOLDER / "what_if.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


EXAMPLE = loaded()
HOLD, SHARES, BEST = EXAMPLE.WAYS


@pytest.fixture(scope="module")
def found():
    return EXAMPLE.simulated(runs=6, weeks=9)


@pytest.fixture(scope="module")
def page(found):
    return EXAMPLE.page(found)


def section(page, title):
    return page.partition(f"## {title}\n")[2].partition("\n## ")[0]


def rows(page, title):
    """Return the cells of a table below its headings, by the first cell."""
    lines = [line for line in section(page, title).splitlines() if line.startswith("|")]
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]
    return {name.strip("`"): rest for name, *rest in cells}


def by_year(world, way, measure="outcome"):
    """Return a measure of every year, from the books alone."""
    record = world.records[way]
    outcome, spend = record.outcome.sum(axis=1), record.spend.sum(axis=1)
    return {"outcome": outcome, "spend": spend, "profit": 0.7 * outcome - spend}[measure]


def mean_half(values):
    half = stats.t.ppf(0.975, len(values) - 1) * values.std(ddof=1) / np.sqrt(len(values))
    return values.mean(), half


def money(amount):
    return f"{round(round(float(amount), 3)):,}"


def shown(values):
    return " ± ".join(map(money, mean_half(values)))


def test_the_usual_year_is_that_of_the_books(found, page):
    table = rows(page, "The year as usual")
    assert list(table) == [HOLD, SHARES, BEST]
    for way, cells in table.items():
        outcome, spend = by_year(found.usual, way), by_year(found.usual, way, "spend")
        low, high = np.quantile(outcome, [0.05, 0.95])
        assert cells == [
            shown(outcome),
            f"{money(low)} to {money(high)}",
            money(spend.mean()),
            f"{outcome.sum() / spend.sum():.2f}",
            shown(by_year(found.usual, way, "profit")),
        ]


def test_what_risks_change_is_paired_year_by_year(found, page):
    table = rows(page, "What each risk changes")
    assert list(table) == list(RISKS)
    for risk, cells in table.items():
        for way, cell in zip((HOLD, SHARES, BEST), cells, strict=True):
            usual = by_year(found.usual, way)
            change = by_year(found.kept[risk], way) - usual
            assert cell == f"{shown(change)} ({change.mean() / usual.mean():+.1%})"


def test_what_the_reserve_brings_is_paired_year_by_year(found, page):
    table = rows(page, "What the reserve brings")
    assert list(table) == list(RISKS)
    for risk, cells in table.items():

        def gain(measure, way=BEST, risk=risk):
            kept, released = found.kept[risk], found.released[risk]
            return by_year(released, way, measure) - by_year(kept, way, measure)

        each = [
            f"{gain('outcome', way).mean() / gain('spend', way).mean():.2f}"
            if gain("spend", way).any()
            else ""
            for way in (SHARES, BEST)
        ]
        mean, half = mean_half(gain("profit"))
        verdict = "release" if mean > half else "keep" if mean < -half else "no clear difference"
        if not gain("spend").any():
            verdict = "too late"
        assert cells == [
            money(gain("spend").mean()),
            shown(gain("outcome")),
            shown(gain("profit")),
            *each,
            verdict,
        ]


def numbers(text):
    """Return what a text says in digits, names of policies apart."""
    text = re.sub(r"`[^`]*`|^\d\. ", "", text, flags=re.MULTILINE)
    return re.findall(r"-?\d[\d,]*(?:\.\d+)?%?", text)


def test_every_number_of_the_advice_is_that_of_the_books(found, page):
    advice = section(page, "What to do")

    def lead(world, over=SHARES):
        return by_year(world, BEST) - by_year(world, over)

    def part(risk, way):
        usual = by_year(found.usual, way)
        return 1 - by_year(found.kept[risk], way).mean() / usual.mean()

    same = found.usual.same_money[f"{HOLD} with the money of {BEST}"].outcome.sum(axis=1)
    leads = {risk: lead(world).mean() for risk, world in found.kept.items()}
    costs = {r: (by_year(found.usual, BEST) - by_year(found.kept[r], BEST)).mean() for r in RISKS}
    worst, second = sorted(costs, key=costs.get)[:-3:-1]
    apart = max(abs(part(risk, SHARES) - part(risk, BEST)) for risk in RISKS)
    early = [
        by_year(found.spent, BEST, measure) - by_year(found.usual, BEST, measure)
        for measure in ("outcome", "profit")
    ]
    over = by_year(found.kept["overspend"], BEST, "spend") - 9 * 18750
    wanted = [
        shown(lead(found.usual)), shown(lead(found.usual, HOLD)),
        shown(same - by_year(found.usual, HOLD)),
        money((by_year(found.usual, BEST, "spend") - by_year(found.usual, HOLD, "spend")).mean()),
        shown(by_year(found.usual, BEST) - same),
        money(min(leads.values())), money(max(leads.values())),
        money(costs[worst]), f"{part(worst, BEST):.1%}",
        money(costs[second]), f"{part(second, BEST):.1%}", f"{100 * apart:.1f}",
        "70%", f"{1 / 0.7:.2f}", *map(shown, early),
        f"{np.mean(over > 1e-6):.0%}", money(np.maximum(over, 0).mean()),
    ]  # fmt: skip
    assert numbers(advice) == [number for text in wanted for number in numbers(text)]
    assert worst.capitalize() in advice
    assert f"({min(leads, key=leads.get)})" in " ".join(advice.split())


def test_the_advice_on_the_reserve_is_that_of_the_table(page):
    advice = " ".join(section(page, "What to do").split())
    bold, rest = re.search(r"3\. \*\*(.*?)\*\*(.*?) 4\. ", advice).groups()
    verdicts = {risk: cells[-1] for risk, cells in rows(page, "What the reserve brings").items()}
    for verdict in ("release", "keep"):
        part = "".join(p for p in bold.lower().split("; ") if p.startswith(verdict))
        assert [r for r in RISKS if r in part] == [r for r in RISKS if verdicts[r] == verdict]
    for risk, verdict in verdicts.items():
        assert (risk in rest.lower()) == (verdict in ("too late", "no clear difference"))


def test_the_command_of_the_page_runs(page, tmp_path, monkeypatch, capsys):
    (line,) = [line.split() for line in page.splitlines() if line.startswith("    budgetopt")]
    shutil.copytree(FOLDER.parent, tmp_path / "examples")
    monkeypatch.chdir(tmp_path / "examples" / "what_if")
    with pytest.raises(SystemExit) as exit_:
        main([*line[1 : line.index("--runs")], "--weeks", "9", "--runs", "2"])
    assert exit_.value.code == 0
    assert "100% of the contingency reserve is released" in " ".join(
        capsys.readouterr().out.split()
    )


def in_parts(text):
    """Return the words of a page, and its numbers."""
    number = r"-?\d[\d,]*(?:\.\d+)?"
    numbers = [float(found.replace(",", "")) for found in re.findall(number, text)]
    return re.sub(number, "#", text), numbers


@pytest.mark.slow
def test_the_page_is_what_the_script_writes():
    """Word for word, and its numbers to what processors differ in single precision."""
    found, said = in_parts(EXAMPLE.page(EXAMPLE.simulated()))
    words, numbers = in_parts((FOLDER / "README.md").read_text(encoding="utf-8"))
    assert found == words
    # In units of the last digit, at most one of them or a share of a thousandth.
    np.testing.assert_allclose(said, numbers, rtol=1e-3, atol=1.0)
