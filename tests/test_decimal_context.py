"""The calling program's decimal context, its precision, rounding and traps, decides nothing."""

from __future__ import annotations

import decimal
import json
import re
import shutil
import subprocess
import sys
from decimal import Decimal
from pathlib import Path

import pytest

import budgetopt as bo
from budgetopt.plan import LearningMinimum, Limit, Reserve
from budgetopt.report.decision import allocation_table, decision_table, frontier_table
from budgetopt.report.ledger import diff_json, diff_table, history_json, history_table, stages
from budgetopt.report.week import pace_table, ramp_table, week_json, week_page
from budgetopt.workflow import state_of
from budgetopt.workflow.approval import apply, approve, edit, name_needed
from budgetopt.workflow.ramp import ramp

from .workflow.helpers import FIRST, NAMES, WEEK, after, history, ledger, run

TOPS = {"search": 9e6, "feed": 5e6, "kol": 3e6}
SIGNALS = [decimal.Inexact, decimal.Rounded, decimal.FloatOperation, decimal.Subnormal]
CONTEXTS = {
    "three digits": decimal.Context(prec=3),
    "six digits, down": decimal.Context(prec=6, rounding=decimal.ROUND_DOWN),
    "four digits, up": decimal.Context(prec=4, rounding=decimal.ROUND_UP),
    "one digit, ceiling, small exponents": decimal.Context(
        prec=1, rounding=decimal.ROUND_CEILING, Emin=-3, Emax=3
    ),
    "no traps": decimal.Context(prec=5, traps=[]),
    "traps on rounding": decimal.Context(prec=5, traps=SIGNALS),
    "every trap, one digit": decimal.Context(prec=1, traps=[*SIGNALS, decimal.Clamped]),
}


def declared():
    """Return a plan in whose numbers a short precision would show."""
    channels = [
        bo.Channel("search", learning=LearningMinimum("50.5", "30.57"),
                   labels={"k": "x"}),
        bo.Channel("feed", cap="987654.32",
                   max_change={"share": "33.333333%", "money": "99999.99"}),
        bo.Channel("kol", off_or_at_least="12345.67", labels={"k": "x"}),
    ]  # fmt: skip
    return bo.Plan(
        budget="1234567.89", currency="CNY", channels=channels, step="0.01", spend="all",
        reserve=Reserve("5.4321%", test="1234.56"),
        limits=[Limit.group("x", {"k": "x"}, at_most="77.777777%"), Limit.turnover("345678.91")],
        budget_lines=bo.BudgetLines("1334567.89", {"media": "1234567.89", "tools": "100000.00"}),
        operation={
            "approval": {"move": "20000.50", "move_share": "1.2345%", "channel": "523456.78",
                         "total": "1111111.11", "approvers": ["Ann"]},
            "pacing": {"overspend": "reserve"},
            "releases": [{"when": "mroas", "share": "12.345%", "hurdle": 0.0001}],
        },
    )  # fmt: skip


def edited_of(split):
    """Return a split with a cent moved from one channel to another."""
    minor = {
        name: int(Decimal(money).scaleb(2, decimal.Context())) for name, money in split.items()
    }
    minor["search"], minor["kol"] = minor["search"] - 1, minor["kol"] + 1
    return {name: f"{money // 100}.{money % 100:02d}" for name, money in minor.items()}


def grown(past):
    """Return a history in money of six digits."""
    return bo.History(
        past.channels, past.weeks, spend=past.spend * 400.01, outcome=past.outcome * 400.0
    )


def lived(folder):
    """Return all that a program shows and keeps of two weeks, as text."""
    folder.mkdir()
    texts = {"plan": declared().to_json()}
    plan = bo.Plan.from_json(texts["plan"])
    assert plan == declared()
    texts["plan fields"] = repr((plan.spendable, plan.held, plan.channels[0].least_on))
    given = {name: bo.Exponential(top, 480_000) for name, top in TOPS.items()}
    last = dict(zip(NAMES, ("400000.01", "345678.90", "300000.03"), strict=True))
    week = bo.allocate(plan, given, last=last)
    texts |= {
        "allocation": week.to_json(),
        "words": week.explain() + week.explain("zh"),
        "table": allocation_table(week, explain=True),
        "sums": f"{week.total} {week.unspent} {week.budget} {week.worth_of('12.34')}",
        "again": bo.Allocation.from_dict(json.loads(week.to_json())).to_json(),
    }
    line = bo.frontier(plan, given, budgets=["1000000.01", "1234567.89", "1500000"], last=last)
    texts["frontier"] = frontier_table(line) + line.summary() + json.dumps(line.to_dict())
    way = ramp(plan, given, last=last)
    texts["ramp"] = ramp_table(way, {k: Decimal(v) for k, v in last.items()})
    past = grown(history())
    decision = bo.reallocate(plan, past, week=FIRST)
    texts["decision"] = decision.to_json() + decision.explain() + decision_table(decision)
    book = ledger(folder)
    found = run(book, plan, past)
    needs = name_needed(plan, found.decision)
    assert needs
    texts["needs"] = "\n".join(needs)
    texts["page"] = week_page(found, state_of(book, FIRST), plan, "x", explain=True)
    split = {n: str(m) for n, m in found.decision.allocation.spend.items()}
    texts["first"] = week_json(found, "x")
    edited = edit(book, plan, past, FIRST, edited_of(split), who="Ann", why="a little less")
    texts["edited"] = edited.decision.to_json()
    approve(book, plan, FIRST, who="Ann")
    spent = {n: Decimal(m) for n, m in split.items()}
    apply(book, plan, FIRST, who="Ann")
    over = {n: float(m) * (1.03 if n == "feed" else 1.0) for n, m in spent.items()}
    second = run(book, plan, after(past, over), today=FIRST + WEEK)
    texts["second"] = week_json(second, "x")
    texts["pace"] = pace_table(second.pace) if second.pace else ""
    splits = stages(state_of(book, FIRST))
    texts["diff"] = diff_table(splits) + diff_json(splits)
    states = [state_of(book, day) for day in (FIRST, FIRST + WEEK)]
    texts["history"] = history_table(states, book.head) + history_json(states, book.head)
    texts["head"] = repr(book.head)
    assert not book.verify().problems
    return texts


@pytest.fixture(scope="module")
def usual(tmp_path_factory):
    return lived(tmp_path_factory.mktemp("usual") / "x")


SHORT = ("three digits", "one digit, ceiling, small exponents", "traps on rounding")
"""One that only rounds, one that also lacks exponents, one that raises; the others are slow."""


@pytest.mark.parametrize(
    "name",
    [name if name in SHORT else pytest.param(name, marks=pytest.mark.slow) for name in CONTEXTS],
)
def test_two_weeks_are_the_same_bytes_under_any_context(name, usual, tmp_path):
    with decimal.localcontext(CONTEXTS[name]):
        found = lived(tmp_path / "x")
    for part, text in usual.items():
        assert found[part] == text, part


ARITHMETIC = (
    "add radd sub rsub mul rmul truediv rtruediv floordiv rfloordiv mod rmod divmod rdivmod"
)
ROUNDING = "quantize normalize scaleb sqrt fma to_integral_value to_integral_exact to_integral"


def without_arithmetic(stub):
    """Return the types of `decimal` without all that reads the caller's context."""
    start, end = stub.index("class Decimal"), stub.index("class Context")
    body = stub[start:end].replace("_ComparableNum", "_OnlyExact")
    names = [f"__{name}__" for name in ARITHMETIC.split()]
    for name in [*names, *ROUNDING.split()]:
        body, found = re.subn(rf"    def {name}\(.*?\) -> .*?: \.\.\.\n", "", body, flags=re.S)
        assert found, name
    return f"{stub[:start]}_OnlyExact: TypeAlias = Decimal | int\n\n{body}{stub[end:]}"


@pytest.mark.slow
def test_decimals_are_computed_with_in_money_alone(tmp_path):
    """The type checker finds every operator on a Decimal, and comparisons with floats."""
    mypy = pytest.importorskip("mypy")
    typeshed = tmp_path / "typeshed"
    shutil.copytree(Path(mypy.__file__).parent / "typeshed", typeshed)
    stub = typeshed / "stdlib" / "decimal.pyi"
    stub.write_text(without_arithmetic(stub.read_text(encoding="utf-8")), encoding="utf-8")
    probe = tmp_path / "probe.py"
    probe.write_text("from decimal import Decimal\nDecimal(1) + Decimal(2)\n", encoding="utf-8")
    root = Path(bo.__file__).parent
    command = [sys.executable, "-m", "mypy", "--custom-typeshed-dir", typeshed, "--cache-dir",
               tmp_path / "cache", "--no-error-summary", root, probe]  # fmt: skip
    done = subprocess.run(command, cwd=root.parents[1], capture_output=True, text=True, check=False)
    errors = [line for line in done.stdout.splitlines() if ": error:" in line]
    assert len(errors) == 1, done.stdout
    assert "probe.py:2: error: Unsupported left operand type for +" in errors[0]
