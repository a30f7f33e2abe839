"""A count, a count with a value, revenue and a weighted goal go through every command.

No page speaks of what is not known, and every comparison of two budgets has both parts, whose
numbers are those of the records.
"""

import json
import re

import openpyxl
import pytest

from budgetopt.i18n.messages import show_figure

from . import friday as at
from .helpers import run
from .test_cli_refused import commands

RATES = {"百度 Baidu": 0.3, "feed": 0.1, "kol": 0.02}
CASES = {
    "count": 'outcome = "转化"',
    "count with a value": 'outcome = "转化"\nvalue = 2.5',
    "revenue": 'outcome = "revenue"',
    "weighted": 'outcome = "leads"\ngoal = { weights = { leads = 1, sales = 9 } }',
    "undeclared": 'outcome = "points"',
}
MONEY = re.compile(r"ROAS|[Pp]rofit|[Ll]oss\b|hurdle|利润|亏损|投产比|回报率")
COST = re.compile(r"CPA")
CURVES = {"百度 Baidu": 9000, "feed": 5000, "kol": 3000}
HISTORY = ("plan.toml", "--history", "history.csv", "--as-of", at.TODAY)
WHERE = ("--ledger", "friday.db", "--week", at.WEEK)
COMMANDS = {
    "check": ("check", *HISTORY),
    "learn": ("learn", *HISTORY, "--settings", "fast"),
    "allocate": ("allocate", "curves.toml", "--explain"),
    "allocate zh": ("allocate", "curves.toml", "--explain", "--lang", "zh"),
    "reallocate": ("reallocate", *HISTORY),
    "reallocate explained": ("reallocate", *HISTORY, "--explain"),
    "reallocate zh": ("reallocate", *HISTORY, "--explain", "--lang", "zh"),
    "frontier": ("frontier", *HISTORY),
    "simulate": ("simulate", *HISTORY, "--runs", "4", "--weeks", "3", "--policy", "hold",
                 "--policy", "proportional"),
    "week": ("week", *at.FILES, "--as-of", at.TODAY, "--who", "cron", "--explain"),
    "week zh": ("week", *at.FILES, "--as-of", at.TODAY, "--explain", "--lang", "zh"),
    "show": ("show", *WHERE),
    "show zh": ("show", *WHERE, "--lang", "zh"),
    "what-if": ("what-if", *HISTORY, "--budget", "-20%", "--without", "kol"),
    "what-if zh": ("what-if", *HISTORY, "--budget", "-20%", "--lang", "zh"),
    "ramp": ("ramp", *HISTORY, "--weeks", "3"),
    "ramp zh": ("ramp", *HISTORY, "--weeks", "3", "--lang", "zh"),
    "pace": ("pace", *at.FILES, "--as-of", at.TODAY),
    "release": ("release", *at.ON, "--amount", "50", "--why", "a rival", "--who", "李雷 Li Lei",
                "--as-of", at.TODAY),
    "reject": ("reject", *at.ON, "--why", "too bold", "--who", "李雷 Li Lei"),
    "edit": ("edit", *at.FILES, "--week", at.WEEK, "--who", "ann", "--why", "x",
             "--set", "feed=1000", "--set", "kol=900"),
    "diff": ("diff", *WHERE),
    "approve": ("approve", *at.ON, "--who", "李雷 Li Lei"),
    "apply": ("apply", *at.ON, "--who", "李雷 Li Lei"),
    "upload": ("upload", *at.ON, "--platform", "google", "--channel", "feed", "--as-of", at.TODAY,
               "--out", "up.csv"),
    "history": ("history", "--ledger", "friday.db"),
    "ledger verify": ("ledger", "verify", "--ledger", "friday.db"),
    "report": ("report", "plan.toml", *at.LEDGER, "--out", "memo.html"),
    "backtest": ("backtest", *HISTORY, "--weeks", "1"),
    "year": ("year", *HISTORY, "--weeks", "2"),
    "year zh": ("year", *HISTORY, "--weeks", "2", "--lang", "zh"),
    "nightly": ("nightly", "accounts", "--out", "out", "--as-of", at.TODAY),
    "tests": ("tests", *HISTORY, "--channel", "feed", "--design", "regions,-100%,4,20%"),
    "template": ("template", "plan.toml", "sheet.xlsx", "--as-of", at.TODAY),
    "template zh": ("template", "plan.toml", "zh.xlsx", "--as-of", at.TODAY, "--lang", "zh"),
    "export": ("export", *HISTORY, "--out", "long.csv"),
    "init": ("init", "history.csv", "--currency", "CNY", "--as-of", at.TODAY, "--out", "new.toml"),
    "attribute": ("attribute", "paths.csv"),
}  # fmt: skip
FILES = {
    "report": "memo.html",
    "nightly": "out/accounts.csv",
    "template": "sheet.xlsx",
    "template zh": "zh.xlsx",
    "export": "long.csv",
    "init": "new.toml",
    "upload": "up.csv",
}
"""What commands write whose answer is a file."""
IN_CHINESE = ("check", "learn", "frontier", "simulate", "pace", "diff", "history", "backtest",
              "tests", "nightly", "attribute")  # fmt: skip
"""Commands that are run once more in Chinese, beside those that have a line of their own."""
OF_NO_PLAN = {"demo", "schema"}
"""One writes its own example, the other what any plan may hold."""
OF_ARMS = {"experiment next", "experiment pilot", "experiment verdict"}
"""Tests of creatives have a plan, and outcomes, of their own."""


def plan_text(case):
    """Return the plan of a case, with rates where its goal weighs another outcome."""
    text = at.PLAN.replace('outcome = "revenue"', CASES[case])
    for name, rate in RATES.items() if case == "weighted" else ():
        text = text.replace(f'name = "{name}"', f'name = "{name}"\nrates = {{ sales = {rate} }}')
    return text


def with_curves(text):
    for name, top in CURVES.items():
        curve = f'curve = {{ kind = "exponential", top = {top}, scale = 1200 }}'
        text = text.replace(f'name = "{name}"', f'name = "{name}"\n{curve}')
    return text


def written(file):
    """Return the words of a file; nothing where there is none."""
    if file.suffix == ".xlsx":
        sheets = openpyxl.load_workbook(file).worksheets
        return " ".join(
            str(c) for s in sheets for row in s.iter_rows(values_only=True) for c in row
        )
    text = file.read_text("utf-8-sig") if file.exists() else ""
    return re.sub(r"<style.*?</style>|<script.*?</script>|<[^>]+>", " ", text)


@pytest.mark.parametrize(
    "case",
    ["count", "revenue", "weighted"]
    + [pytest.param(case, marks=pytest.mark.slow) for case in ("count with a value", "undeclared")],
)
def test_no_page_speaks_of_what_is_not_known(folder, capsys, case):
    at.write(folder, plan=plan_text(case))
    (folder / "curves.toml").write_text(with_curves(plan_text(case)), encoding="utf-8")
    account = folder / "accounts" / "shop"
    account.mkdir(parents=True)
    at.write(account, plan=plan_text(case))
    (folder / "paths.csv").write_text("path,conversions\nfeed > kol,12\nkol,3\n")
    pages = {}
    for name, command in COMMANDS.items():
        for tongue in ("", " zh") if name in IN_CHINESE else ("",):
            more = ("--lang", "zh") if tongue else ()
            code, out, err = run(capsys, *command, *more)
            assert code in (0, 5, 7), (name, err)
            pages[name + tongue] = at.squeezed(out + written(folder / FILES.get(name, "none")))
    money = case in ("count with a value", "revenue")
    for name, page in pages.items():
        assert money or not MONEY.search(page), (name, MONEY.search(page))
        assert case in ("count", "weighted") or not COST.search(page), name
        assert "nan" not in page.lower().replace("finance", ""), name
    for name in ("learn", "frontier"):
        words = {"count": "CPA", "weighted": "", "undeclared": "next CNY"}.get(case, "mROAS")
        assert words in pages[name], name
    if case == "weighted":
        assert "by the goal's weights" in pages["reallocate"]
        assert "by the goal's weights" in pages["frontier"]
        assert "outcome by the goal's weights" in pages["edit"] + pages["show"]
        assert "按目标权重" in pages["reallocate zh"]
        assert "by weights" in pages["simulate"]
        assert "by weights" in pages["what-if"]
        for name in ("report", "year"):
            assert re.search(r"leads, [\d,.]+ sales, worth [\d,.]+ by the goal", pages[name]), name
        assert "按目标权重" in pages["year zh"]
        assert "in weighted outcome" in pages["tests"]
        assert "按权重" in pages["what-if zh"]
        assert not COST.search(pages["what-if"] + pages["frontier"])


def test_every_command_that_speaks_of_outcomes_is_among_them():
    every = {" ".join(words) for words, _ in commands()}
    run_here = {
        name for name in every if any(" ".join(c).startswith(name) for c in COMMANDS.values())
    }
    assert run_here | OF_NO_PLAN | OF_ARMS == every
    assert not run_here & (OF_NO_PLAN | OF_ARMS)


def test_what_ifs_of_a_weighted_goal_say_what_its_kinds_and_their_sum_are(folder, capsys):
    """Sales are the leads of a channel at its rate; the goal counts a sale as nine leads."""
    at.write(folder, plan=plan_text("weighted"))
    command = ("what-if", *HISTORY, "--budget", "-20%", "--without", "kol")
    found = json.loads(run(capsys, *command, "--json")[1])["cases"]
    page = run(capsys, *command)[1]
    assert len(found) == 3
    for case in found:
        assert not {"CPA", "ROAS", "profit"} & case.keys()
        assert case["by weights"] == pytest.approx(case["leads"] + 9 * case["sales"])
        assert case["by weights"] == pytest.approx(case["worth"])
        assert 0.02 * case["leads"] < case["sales"] < 0.3 * case["leads"]
        for name in ("leads", "sales", "by weights"):
            assert show_figure(case[name], 4)[:4] in page
    assert found[1]["by weights"] < found[0]["by weights"]


@pytest.mark.parametrize("case", CASES)
def test_two_budgets_are_compared_in_two_parts_which_are_those_of_the_record(folder, capsys, case):
    at.write(folder, plan=plan_text(case))
    record = json.loads(run(capsys, "reallocate", *HISTORY, "--json")[1])
    total = record["gain"], record["gain_of_money"], record["gain_of_split"]
    assert total[0] == pytest.approx(total[1] + total[2])
    gain, money, split = (show_figure(part, 3, sign=True) for part in total)
    for page in ("reallocate", "reallocate explained", "week"):
        text = at.squeezed(run(capsys, *COMMANDS[page])[1])
        assert re.search(
            rf"Compared with last week's split of [\d,.]+: {re.escape(gain)} expected outcome"
            rf".*, {re.escape(money)} of it from spending [\d,.]+ more in last week's proportions "
            rf"and {re.escape(split)} from splitting that money differently",
            text,
        ), page
    chinese = run(capsys, *COMMANDS["reallocate zh"])[1].replace("\n", "")
    assert f"其中 {money} 来自按上周比例多投" in chinese
    assert f"{split} 来自改变分配比例" in chinese


def test_simulated_policies_of_other_money_are_compared_in_two_parts(folder, capsys):
    code, out, _ = run(capsys, *COMMANDS["simulate"], "--json")
    assert code == 0
    for found in json.loads(out)["differences"]:
        assert found["mean"] == pytest.approx(found["by_money"]["mean"] + found["by_split"]["mean"])
    page = at.squeezed(run(capsys, *COMMANDS["simulate"])[1])
    assert page.count("where spend differs") == 1
