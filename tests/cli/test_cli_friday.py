"""The weekly rhythm from a shell: the page, its states and exit codes."""

import csv
import datetime as dt
import importlib
import io
import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from rich.cells import cell_len

import budgetopt as bo
from budgetopt.i18n.messages import show_figure
from budgetopt.ledger import Ledger
from budgetopt.workflow import run_week, state_of
from budgetopt.workflow.alerts import Alert
from budgetopt.workflow.proposal import decision_of

from . import friday as at
from .helpers import change, run

WEEKLY = Path(__file__).parents[2] / "examples" / "weekly"


def test_a_week_is_proposed_on_one_page(folder, capsys):
    code, out, err = at.week(capsys)
    assert (code, err) == (0, "")
    assert out.startswith("Week of 2025-11-03: proposed, revision 1.\n")
    command = next(line for line in out.splitlines() if line.startswith("  budgetopt approve"))
    assert shlex.split(command) == [
        "budgetopt", "approve", *at.ON, "--revision", "1", "--who", "李雷 Li Lei",
    ]  # fmt: skip
    decision = decision_of(at.entries("proposal")[0].data)
    for move in decision.moves:
        assert f"{move.channel}: {move.reason}." in at.squeezed(out)
    assert "Reserves of 2025-11: contingency 300 of 300" in out
    assert "Info: the week of 2025-10-27 is not over" in at.squeezed(out)
    ledger = Ledger.open("friday.db")
    number, digest = ledger.head
    assert out.endswith(f"\n  {number}:{digest}\n")
    assert max(cell_len(line) for line in out.splitlines() if line != command) <= 80
    assert len(out.splitlines()) <= 60


def test_the_command_on_the_page_is_the_one_that_is_next(folder, capsys):
    said = at.week(capsys)[1]
    seen = []
    while found := re.search(r"^  budgetopt (.*)$", said, re.MULTILINE):
        words = shlex.split(found[1])
        seen.append(words[0])
        code, said, _ = run(capsys, *words)
        assert code == 0
    assert seen == ["approve", "apply"]
    assert "applied" in said


def test_a_rerun_prints_the_same_bytes_and_records_nothing(folder, capsys):
    for more in ((), ("--explain",), ("--lang", "zh")):
        one = at.week(capsys, *more)
        count = len(at.entries())
        assert at.week(capsys, *more) == one
        assert len(at.entries()) == count
    assert len(at.entries("proposal")) == 1


def test_two_runs_at_once_end_in_one_proposal_and_one_page(folder):
    words = [sys.executable, "-m", "budgetopt", "week", *at.FILES, "--as-of", at.TODAY]
    runs = [subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
            for _ in range(2)]  # fmt: skip
    answers = {(*one.communicate(), one.returncode) for one in runs}
    assert len(answers) == 1
    ((_, err, code),) = answers
    assert (err, code) == (b"", 0)
    assert len(at.entries("proposal")) == 1
    assert Ledger.open("friday.db").verify().good


def test_the_page_is_that_of_the_python_call(folder, capsys):
    code, out, _ = at.week(capsys, "--format", "json", "--seed", 3, "--policy", "thompson(5)")
    plan = bo.Plan.load("plan.toml")
    today = dt.date.fromisoformat(at.TODAY)
    past = bo.History.read("history.csv", plan.columns, channels=plan.names, as_of=today)
    again = run_week(plan, past, Ledger.open("other.db"), who="x", today=today, seed=3,
                     policy=bo.Thompson(5))  # fmt: skip
    data = json.loads(out)
    assert code == 0
    assert data["decision"] == json.loads(json.dumps(again.decision.to_dict()))
    assert data["next"].startswith("budgetopt approve")
    for part in ("pace", "balances", "alerts"):
        assert data[part] == json.loads(json.dumps(again.to_dict()[part]))


def rows(page):
    """Return the cells of the tables of a page by what stands first."""
    lines = (re.split(r"\s{2,}", line) for line in page.splitlines())
    return {name: cells for name, *cells in lines if name and cells}


def as_number(cell):
    return float(cell.replace(",", "").rstrip("%"))


def test_every_number_of_the_tables_is_one_of_the_run(proposed, capsys):
    page = rows(at.week(capsys)[1])
    run_ = json.loads(at.week(capsys, "--json")[1])
    spread = run_["decision"]["allocation"]["spread"]
    width = spread["high"] - spread["low"]
    for move in run_["decision"]["moves"]:
        last, after, share, outcome, *_ = page[move["channel"]]
        before = float(move["before"])
        assert (as_number(last), as_number(after)) == (before, float(move["after"]))
        assert as_number(share) == pytest.approx(100 * (as_number(after) / before - 1), abs=0.05)
        expected = run_["decision"]["allocation"]["outcomes"][move["channel"]]
        assert as_number(outcome) == pytest.approx(expected, abs=0.05 * width + 1e-9)
    spans = {span["label"]: span["total"] for span in run_["pace"].values() if "total" in span}
    assert len(spans) == 2
    for label, total in spans.items():
        name = next(name for name in page if name.endswith(label))
        if total["status"] == "unplanned":  # the week under way, before the first that was decided
            spent, projected, status = page[name]
            assert status == "no plan"
            assert as_number(spent) == float(total["actual"])
            assert as_number(projected) == float(total["projection"])
            continue
        planned, spent, projected, pace, _ = page[name]
        shown = [as_number(cell) for cell in (planned, spent, projected)]
        assert shown == [float(total[part]) for part in ("planned", "actual", "projection")]
        assert as_number(pace) == pytest.approx(100 * shown[2] / shown[0], abs=0.05)


def test_pace_is_the_runs_own(proposed, capsys):
    """What is spent is held against the same plan by both commands."""
    at.approve(capsys)
    at.apply(capsys)
    by_run = json.loads(at.week(capsys, "--json")[1])["pace"]
    given = ("pace", *at.FILES, "--as-of", at.TODAY, "--json")
    by_itself = json.loads(run(capsys, *given)[1])
    assert {part: by_itself[part] for part in by_run} == by_run


def test_out_writes_the_page_to_a_file_and_spares_its_inputs(folder, capsys):
    printed = at.week(capsys)[1]
    assert at.week(capsys, "--out", "week.txt") == (0, "", "")
    assert (folder / "week.txt").read_text(encoding="utf-8") == printed
    before = {p.name: p.read_bytes() for p in folder.iterdir()}
    for name in ("plan.toml", "history.csv", "friday.db"):
        code, out, _ = at.week(capsys, "--out", name)
        assert (code, out) == (2, "")
    assert {p.name: p.read_bytes() for p in folder.iterdir()} == before


def test_a_changed_history_is_a_revision_that_says_what_changed(folder, capsys):
    at.week(capsys)
    at.write(folder, change=50)
    code, out, _ = at.week(capsys)
    assert code == 0
    assert out.startswith("Week of 2025-11-03: proposed, revision 2.\n")
    assert "What changed since revision 1: the history was revised" in at.squeezed(out)


def test_nothing_moves_exits_with_5_and_says_why(folder, capsys):
    code, out, err = at.week(capsys, "--policy", "hold")
    assert (code, err) == (5, "")
    assert "No changes:" in at.squeezed(out)
    assert "\nfeed: " not in out
    assert "\nfeed: stays at" in at.week(capsys, "--policy", "hold", "--explain")[1]


def test_a_critical_alert_exits_with_7_and_the_week_is_recorded(folder, capsys, monkeypatch):
    found = Alert("pause", "critical", "feed should be paused", (), ("feed",), "pause:feed")
    # The package hands on a function of the module's own name.
    module = importlib.import_module("budgetopt.workflow.run_week")
    monkeypatch.setattr(module, "alerts", lambda *_, **__: (found,))
    code, out, err = at.week(capsys, "--policy", "hold")
    assert (code, err) == (7, "")
    assert "Critical: feed should be paused.\n" in out
    assert len(at.entries("proposal")) == len(at.entries("alert")) == 1
    # It stands until it is gone, though it is no news.
    assert at.week(capsys, "--policy", "hold") == (7, out, "")
    assert len(at.entries("alert")) == 1


def test_a_scenario_of_the_plan_releases_the_reserve(folder, capsys):
    code, out, _ = at.week(capsys, "--scenario", "rival")
    assert code == 0
    assert "Released for this week by rule: 150 of 300 contingency released" in at.squeezed(out)
    assert "contingency 150 of 300" in out
    assert "3,150 of 3,150 CNY spent" in at.squeezed(out)


def test_the_way_of_a_week_through_its_states(folder, capsys):
    at.week(capsys)
    code, out, _ = at.edit(capsys, "feed=1100", "kol=800", why="it is asked for")
    assert code == 0
    cost = at.entries("edit")[0].data["cost"]
    assert f"This edit costs {show_figure(cost, 4)} of expected revenue" in at.squeezed(out)
    assert "edited, revision 2" in out
    code, out, _ = at.approve(capsys, "--why", "all right")
    assert (code, out.splitlines()[0]) == (
        0, "Week of 2025-11-03: approved by 李雷 Li Lei, revision 2 (all right).",
    )  # fmt: skip
    code, _, err = run(capsys, "apply", *at.ON)
    assert (code, "'ann' is not among the approvers" in at.squeezed(err)) == (2, True)
    code, out, _ = at.apply(capsys, "--set", "kol=650", "--why", "one post less")
    assert code == 0
    assert "applied, revision 2" in out
    spends = at.entries("applied")[0].data["spend"]
    assert (float(spends["feed"]), float(spends["kol"])) == (1100, 650)
    assert at.entries("override")[0].data["why"] == "one post less"
    assert {e.who for e in at.entries("edit", "approval", "applied")} == {
        "ann",
        "李雷 Li Lei",
    }


def test_a_rejected_week_may_be_edited(folder, capsys):
    at.week(capsys)
    code, out, _ = run(capsys, "reject", *at.ON, "--why", "too dear")
    assert code == 0
    assert out.splitlines()[0] == "Week of 2025-11-03: rejected by ann, revision 1 (too dear)."
    assert at.edit(capsys, "feed=1000")[0] == 0


@pytest.mark.parametrize(("budget", "alike"), [(3300, False), (3260, True)])
def test_the_outcome_of_another_budget_is_compared_in_two_parts(folder, capsys, budget, alike):
    # 2,960 were spent in the last week, and 300 of every budget are held back.
    at.write(folder, plan=at.PLAN.replace("3300", str(budget)))
    page = at.squeezed(at.week(capsys)[1])
    assert "300 held back from this week; expected outcome" in page
    assert "in reserve" not in page
    assert page.count("(mean)") == page.count("Outcome: median") == 1
    assert "better than last week's split of the same money in" in page
    assert "Compared with last week's split of 2,960:" in page
    assert ("from spending 40 more in last week's proportions" in page) == (not alike)
    assert ("from splitting that money differently" in page) == (not alike)
    chinese = at.week(capsys, "--lang", "zh")[1].replace("\n", "")
    assert "下周预留 300；预期转化（均值）" in chinese
    assert ("来自改变分配比例" in chinese, "转化：中位数" in chinese) == (not alike, True)


@pytest.mark.parametrize("why", ["frozen", "learning"])
@pytest.mark.parametrize(("language", "word"), [("en", "frozen"), ("zh", "冻结")])
def test_what_a_freeze_holds_is_frozen_and_no_lock(folder, capsys, why, language, word):
    freeze = f"""
[[operation.freezes]]
name = "audit"
first = 2025-11-01
last = 2025-11-20
channels = ["feed"]
why = "{why}"
"""
    at.write(folder, plan=at.PLAN + freeze)
    given = ("reallocate", "plan.toml", "--history", "history.csv", "--as-of", at.TODAY)
    for page in (at.week(capsys, "--lang", language), run(capsys, *given, "--lang", language)):
        feed = next(line for line in page[1].splitlines() if line.startswith("feed"))
        assert feed.split()[-1] == word


def test_the_page_of_an_edited_week_says_who_edited_why_and_at_what_price(folder, capsys):
    at.week(capsys)
    assert "Edited" not in at.week(capsys)[1]
    price = at.edit(capsys, "feed=1000", why="fewer posts")[1].splitlines()[0].removesuffix(".")
    page = at.squeezed(at.week(capsys)[1])
    said = f"Edited by ann: fewer posts; {price[0].lower()}{price[1:]}."
    assert page.index(said) < page.index("channel last next")
    assert "由 ann 修改，原因：fewer posts；本次修改" in at.week(capsys, "--lang", "zh")[1]


def test_the_page_of_an_applied_week_says_what_was_applied_otherwise(folder, capsys):
    at.week(capsys)
    at.approve(capsys)
    assert "Applied differently" not in at.week(capsys)[1]
    at.apply(capsys, "--set", "kol=650", "--why", "one post less")
    code, out, _ = at.week(capsys, "--seed", 9)
    assert code == 0
    assert out.startswith("Week of 2025-11-03: applied, revision 1.\n")
    assert "Applied differently: kol 650." in out
    assert "so nothing new is proposed" in at.squeezed(out)
    assert "实际执行与方案不同：kol 650。" in at.week(capsys, "--seed", 9, "--lang", "zh")[1]


def test_answers_are_json_where_asked_for(folder, capsys):
    at.week(capsys)
    edited = json.loads(at.edit_json(capsys, "feed=1100")[1])
    assert set(edited) == {"week", "state", "revision", "spend", "next", "cost", "instead"}
    assert (edited["state"], edited["revision"]) == ("edited", 2)
    approved = json.loads(at.approve(capsys, "--json")[1])
    assert approved["state"] == "approved"
    assert approved["next"].startswith("budgetopt apply")
    applied = json.loads(at.apply(capsys, "--json")[1])
    assert (applied["state"], applied["next"]) == ("applied", None)
    assert float(applied["spend"]["feed"]) == 1100


def test_spends_may_come_from_a_table(folder, capsys):
    at.week(capsys)
    rows = "week,channel,spend\n2025-11-03,feed,1100\n2025-11-03,kol,800.00\n"
    (folder / "mine.csv").write_text("\ufeff" + rows, encoding="utf-8")
    code, _, _ = run(capsys, "edit", *at.FILES, "--week", at.WEEK, "--why", "x",
                     "--spends", "mine.csv", "--set", "kol=790")  # fmt: skip
    assert code == 0
    spends = {name: float(money) for name, money in at.entries("edit")[0].data["spend"].items()}
    assert (spends["feed"], spends["kol"]) == (1100, 790)


def test_a_split_goes_through_a_spreadsheet_and_back(proposed, capsys):
    code, out, _ = run(capsys, "show", *at.LEDGER, "--week", at.WEEK, "--format", "csv")
    assert code == 0
    rows = list(csv.DictReader(io.StringIO(out)))
    assert [row["channel"] for row in rows] == list(at.NAMES)
    (proposed / "mine.csv").write_text(out, encoding="utf-8")
    change(proposed, "mine.csv", f",{rows[1]['spend']},", ",1100,")
    given = ("edit", *at.FILES, "--week", at.WEEK, "--why", "x", "--spends", "mine.csv")
    assert run(capsys, *given)[0] == 0
    spends = {name: float(money) for name, money in at.entries("edit")[0].data["spend"].items()}
    expected = {row["channel"]: float(row["spend"]) for row in rows}
    assert spends == expected | {"feed": 1100}


def test_an_edit_counts_the_weeks_that_the_proposal_did(folder, capsys):
    # On the day of this test all weeks are over, also the one that was under way.
    at.week(capsys)
    assert at.edit(capsys, "feed=1100")[0] == 0
    at.write(folder, change=20)
    code, _, err = at.edit(capsys, "feed=1120")
    assert code == 2
    assert "the history is not the one that the week was proposed from" in at.squeezed(err)


def test_money_is_released_by_hand_for_a_week(folder, capsys):
    at.week(capsys)
    given = ("release", "plan.toml", *at.LEDGER, "--week", at.WEEK, "--as-of", at.TODAY)
    # Released by who may approve, and by nobody else: the login name is no approver.
    code, out, err = run(capsys, *given, "--amount", "120.50", "--why", "a good week")
    assert (code, out) == (2, "")
    assert "'ann' is not among the approvers of the plan" in at.squeezed(err)
    given += ("--who", "李雷 Li Lei")
    code, out, _ = run(capsys, *given, "--amount", "120.50", "--why", "a good week")
    assert code == 0
    assert "contingency 179.50 of 300" in out
    assert at.entries("release")[0].who == "李雷 Li Lei"
    code, out, _ = at.week(capsys)
    assert "revision 2" in out.splitlines()[0]
    assert "Released for this week by 李雷 Li Lei: 120.50, a good week." in at.squeezed(out)
    shown = run(capsys, "show", *at.LEDGER, "--week", at.WEEK)[1]
    assert "120.50 released: a good week." in at.squeezed(shown)
    code, out, _ = run(capsys, *given, "--amount", "10", "--why", "more", "--json")
    assert json.loads(out)["contingency"]["balance"] == "169.50"


def test_what_was_overspent_is_taken_from_the_reserve(folder, capsys):
    at.week(capsys)
    at.approve(capsys)
    at.apply(capsys)
    at.write(folder, weeks=13)
    applied = {name: float(money) for name, money in at.entries("applied")[0].data["spend"].items()}
    text = (folder / "history.csv").read_text(encoding="utf-8")
    for name, money in applied.items():
        over = money + 100 * (name == "feed")
        text = re.sub(rf"{at.WEEK},{name},\d+,", f"{at.WEEK},{name},{over:.0f},", text)
    (folder / "history.csv").write_text(text, encoding="utf-8")
    code, out, _ = at.week(capsys, as_of="2025-11-10")
    assert code == 0
    assert "reserve: overspend of 100 in the week of 2025-11-03 (100 in feed)" in at.squeezed(out)
    assert "contingency 500 of 600" in at.squeezed(out)


def test_pace_holds_spending_against_what_was_applied(folder, capsys):
    at.week(capsys)
    at.approve(capsys)
    at.apply(capsys)
    at.write(folder, weeks=13)
    given = ("pace", *at.FILES, "--as-of", "2025-11-10")
    code, out, err = run(capsys, *given)
    assert (code, err) == (0, "")
    assert out.startswith("Pace on 2025-11-10, CNY\n")
    assert max(map(cell_len, out.splitlines())) <= 80
    data = json.loads(run(capsys, *given, "--json")[1])
    assert data["period"]["label"] == "2025-11"
    assert sum(float(line["planned"]) for line in data["week"]["lines"]) == float(
        data["week"]["total"]["planned"]
    )


def test_the_ramp_starts_from_what_was_applied(folder, capsys):
    given = ("ramp", "plan.toml", "--history", "history.csv", "--as-of", at.TODAY)
    code, out, err = run(capsys, *given)
    assert (code, err) == (0, "")
    assert max(map(cell_len, out.splitlines())) <= 80
    at.week(capsys)
    at.edit(capsys, "feed=1130", "kol=770")
    at.approve(capsys)
    at.apply(capsys)
    later = (*given[:-1], "2025-11-07", *at.LEDGER)
    code, out, _ = run(capsys, *later)
    kol = next(line for line in out.splitlines() if line.startswith("kol"))
    assert kol.split()[1] == "770"
    data = json.loads(run(capsys, *later, "--weeks", 5, "--json")[1])
    assert data["path"]["weeks"] == 5


def test_a_page_of_twelve_channels_is_one_page(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(at.copied(WEEKLY, tmp_path))
    code, out, _ = run(capsys, "week", *at.FILES, "--as-of", "2025-11-17")
    assert code == 0
    assert len(out.splitlines()) <= 60


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("count", [1, 12])
def test_pages_fit_the_terminal_with_one_channel_and_with_many(folder, capsys, language, count):
    names = [f"渠道 {number}, 微信朋友圈 WeChat Moments" for number in range(count)]
    channels = "".join(f'[[channels]]\nname = "{name}"\n' for name in names)
    head = at.PLAN.partition("[[channels]]")[0].replace("3300", str(1100 * count))
    (folder / "plan.toml").write_text(head + channels, encoding="utf-8")
    rows = [
        f'{at.MONDAY + dt.timedelta(weeks=week)},"{name}",{900 + 10 * week + place},{2000 + week}'
        for week in range(12)
        for place, name in enumerate(names)
    ]
    text = "\n".join(["week,channel,spend,outcome", *rows])
    (folder / "history.csv").write_text(text, encoding="utf-8")
    for words in (
        ("week", *at.FILES, "--explain"), ("week", *at.FILES), ("pace", *at.FILES),
        ("ramp", *at.FILES[:3]), ("history", *at.LEDGER),
        ("show", *at.LEDGER, "--week", at.WEEK), ("diff", *at.LEDGER, "--week", at.WEEK),
    ):  # fmt: skip
        dated = ("--as-of", at.TODAY) if words[0] in ("week", "pace", "ramp") else ()
        code, out, err = run(capsys, *words, *dated, "--lang", language)
        assert (code in (0, 5), err) == (True, "")
        wide = [line for line in out.splitlines() if cell_len(line) > 80]
        assert all(line.startswith("  budgetopt ") for line in wide)
        assert not any(line != line.rstrip() for line in out.splitlines())
    assert os.path.exists("friday.db")
    assert state_of(Ledger.open("friday.db"), dt.date.fromisoformat(at.WEEK)).revision == 1


@pytest.mark.parametrize("language", ["en", "zh"])
def test_an_approved_week_that_nobody_recorded_stands_first_and_is_planned_everywhere(
    folder, capsys, language
):
    assert at.week(capsys)[0] == 0
    assert at.approve(capsys)[0] == 0
    # A week on, its data is there; it was never recorded as applied.
    Path("history.csv").write_text(at.history(weeks=13), "utf-8")
    code, out, err = at.week(capsys, "--lang", language, as_of="2025-11-07")
    assert (code, err) == (0, "")
    first = {"en": "The week of 2025-11-03 is approved, but not", "zh": "2025-11-03 这一周已批准"}
    assert out.startswith(first[language])
    command = next(line for line in out.splitlines() if line.startswith("  budgetopt apply"))
    assert shlex.split(command)[1:] == ["apply", *at.ON, "--who", "李雷 Li Lei"]
    words = ("--as-of", "2025-11-07", "--json")
    run_of = json.loads(run(capsys, "week", *at.FILES, "--who", "cron", *words)[1])
    assert run_of["not_recorded"] == ["2025-11-03"]
    # The page of the week, the pace and the memo hold the same money to be planned.
    spans = {kind: run_of["pace"][kind]["total"] for kind in ("week", "period")}
    assert spans["week"]["planned"] == "3000.00"

    def paced():
        every = json.loads(run(capsys, "pace", *at.FILES, "--as-of", "2025-11-07", "--json")[1])
        return {kind: every[kind]["total"] for kind in spans}

    assert paced() == spans
    with Ledger.open("friday.db") as ledger:
        plan = bo.Plan.load("plan.toml")
        page = bo.report.page(plan, ledger=ledger, language=language)
        record = bo.report.record.LedgerRecord.read(plan, ledger)
    read = {span.kind: span.total.to_dict() for span in record.pace().spans}
    assert {kind: read[kind] for kind in spans} == spans
    assert first[language] in page
    assert run(capsys, *shlex.split(command)[1:])[0] == 0
    out = at.week(capsys, "--lang", language, as_of="2025-11-07")[1]
    assert first[language] not in out
    # The next week's split counts from the applied one now; the money planned is the same.
    assert paced()["period"]["planned"] == spans["period"]["planned"]
