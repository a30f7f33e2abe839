"""The Friday example: its commands, its cron line, its units and its service do what is said."""

import datetime as dt
import importlib.util
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import threading
import urllib.error
import urllib.parse
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from configparser import ConfigParser
from pathlib import Path

import pytest
from rich.cells import cell_len

import budgetopt as bo
from budgetopt.cli import main
from budgetopt.ledger import Ledger
from budgetopt.workflow import state_of

FRIDAY = Path(__file__).parents[1] / "examples" / "friday"
BLOCKS = re.findall(r"```bash\n(.*?)```", (FRIDAY / "README.md").read_text("utf-8"), re.DOTALL)
WEEK = dt.date(2025, 11, 3)
NEXT = dt.date(2025, 11, 10)


@pytest.fixture
def folder(tmp_path):
    """A copy of the example, with the commands on its path."""
    made = shutil.copytree(FRIDAY, tmp_path / "friday", ignore=shutil.ignore_patterns("__*"))
    for name, words in (("budgetopt", " -m budgetopt"), ("python", "")):
        command = tmp_path / "bin" / name
        command.parent.mkdir(exist_ok=True)
        command.write_text(f'#!/bin/sh\nexec "{sys.executable}"{words} "$@"\n')
        command.chmod(0o755)
    return made


def shell(command, folder, check=True):
    path = f"{folder.parent / 'bin'}{os.pathsep}{os.environ['PATH']}"
    return subprocess.run(
        ["bash", "-euc", command],
        cwd=folder,
        env=os.environ | {"PATH": path, "LOGNAME": "ops"},
        check=check,
        capture_output=True,
        encoding="utf-8",
    )


def test_the_script_makes_the_history_and_later_days_leave_it_as_it_is(folder):
    shell("rm history.csv; python make_history.py", folder)
    made = (folder / "history.csv").read_bytes()
    assert made == (FRIDAY / "history.csv").read_bytes()
    shell("python make_history.py 2025-11-06", folder)
    later = (folder / "history.csv").read_bytes()
    assert later.startswith(made)
    assert later.splitlines()[-1].startswith(b"2025-11-06")


def test_the_history_ends_on_a_thursday_before_the_library_was_made():
    last = (FRIDAY / "history.csv").read_text("utf-8").splitlines()[-1].split(",")[0]
    assert last == "2025-10-30"
    assert dt.date.fromisoformat(last).isoweekday() == 4


def run(capsys, line):
    """Return exit code and output of one line of the README, run in this process and folder."""
    program, *words = shlex.split(line)
    if program == "python":
        source = {"__name__": "made", "__file__": str(Path(words[0]).resolve())}
        exec(Path(words[0]).read_text("utf-8"), source)
        source["main"](*map(dt.date.fromisoformat, words[1:]))
        return 0, ""
    with pytest.raises(SystemExit) as done:
        main(words)
    said = capsys.readouterr()
    assert said.err == ""
    return done.value.code, said.out


def test_the_commands_of_the_readme_live_two_fridays(folder, capsys, monkeypatch):
    monkeypatch.chdir(folder)
    monkeypatch.setenv("LOGNAME", "ops")
    first, second = (block.splitlines() for block in BLOCKS)
    assert [line.split()[1] for line in first] == ["week", "approve", "apply", "history", "ledger"]
    codes, pages = zip(*(run(capsys, line) for line in first), strict=True)
    assert set(codes) == {0}
    assert "Week of 2025-11-03: proposed, revision 1." in pages[0]
    assert len(pages[0].splitlines()) <= 60
    assert "approved by 李雷 Li Lei" in pages[1]
    assert "all exactly as recorded" in pages[-1]
    # The script's spends of that week are what is applied, so that the next Friday is on pace.
    state = state_of(Ledger.open("friday.db"), WEEK)
    applied = {name: float(money) for name, money in state.applied.data["spend"].items()}
    source = {"__name__": "made"}
    exec(Path("make_history.py").read_text("utf-8"), source)
    assert applied == {name: row[-1] for name, row in source["CHANNELS"].items()}

    codes, later = zip(*(run(capsys, line) for line in second), strict=True)
    assert set(codes) == {0}
    said = " ".join("\n".join(later).split())
    for words in ("Released for this week by rule", "This edit costs", "rejected by ops",
                  "Why: brand terms are dear"):  # fmt: skip
        assert words in said
    with Ledger.open("friday.db") as ledger:
        assert state_of(ledger, NEXT).state == "rejected"
        assert ledger.verify().good
    # Only what is to be copied is wider than a terminal.
    for line in "\n".join([*pages, *later]).splitlines():
        assert cell_len(line) <= 80 or line.startswith("  ")


@pytest.mark.slow
def test_the_commands_of_the_readme_run_in_a_shell(folder):
    for block in BLOCKS:
        assert shell(block, folder).stderr == ""


def test_a_page_is_the_same_when_it_is_printed_again(folder, capsys, monkeypatch):
    monkeypatch.chdir(folder)
    week, *_ = BLOCKS[0].splitlines()
    one = run(capsys, week)
    before = Path("friday.db").read_bytes()
    assert run(capsys, week) == one
    assert Ledger.open("friday.db").verify().good
    assert Path("friday.db").read_bytes() == before


def cron():
    """Return the command of the one line of the crontab."""
    lines = (FRIDAY / "friday.cron").read_text("utf-8").splitlines()
    (line,) = (one for one in lines if one and one[0] not in "#CM")
    # A percent sign ends the command of a crontab.
    assert "%" not in line
    return line.split(maxsplit=5)[5]


@pytest.mark.parametrize(
    ("code", "left", "printed"), [(0, 0, ""), (5, 0, ""), (7, 0, "page\n"), (6, 1, ""), (2, 1, "")]
)
def test_the_cron_line_mails_what_somebody_has_to_see(folder, code, left, printed):
    fake = folder.parent / "bin" / "budgetopt"
    fake.write_text(f'#!/bin/sh\nshift $(($# - 1))\necho page > "$1"\nexit {code}\n')
    done = shell(cron().replace("/srv/friday", str(folder)), folder, check=False)
    assert (done.returncode, done.stdout) == (left, printed)


def test_the_cron_line_runs_the_week(folder):
    # On the day of the test, long after the history: its age is an alert, and the week is recorded.
    done = shell(cron().replace("/srv/friday", str(folder)), folder, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert ", revision 1." in (folder / "week.txt").read_text("utf-8")


def unit(name):
    parser = ConfigParser(strict=True, interpolation=None)
    parser.optionxform = str
    parser.read(FRIDAY / name, encoding="utf-8")
    return parser


def test_the_units_run_the_same_command_and_know_its_exit_codes(folder):
    service = unit("friday.service")["Service"]
    program, *words = shlex.split(service["ExecStart"])
    assert Path(program).name == "budgetopt"
    by_cron = shlex.split(cron().split("&& ")[1].split(" || ")[0])
    as_whom = words.index("--who") + 1
    assert words[as_whom] == "friday.service"
    assert words[:as_whom] == by_cron[1 : as_whom + 1]
    assert service["SuccessExitStatus"] == "5"
    assert "6" not in service["RestartPreventExitStatus"].split()
    assert unit("friday.timer")["Timer"]["OnCalendar"].startswith("Fri ")
    done = shell(shlex.join(["budgetopt", *words, "--as-of", "2025-10-31"]), folder)
    assert (done.stdout, done.stderr) == ("", "")


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="needs systemd-analyze")
def test_systemd_takes_the_units(folder):
    text = (folder / "friday.service").read_text("utf-8")
    program = str(folder.parent / "bin" / "budgetopt")
    (folder / "friday.service").write_text(text.replace("/usr/local/bin/budgetopt", program))
    done = shell("systemd-analyze verify ./friday.service ./friday.timer", folder, check=False)
    assert done.stderr == ""


@pytest.fixture
def server(folder):
    """The service of the example, in this process."""
    spec = importlib.util.spec_from_file_location("friday_service", folder / "service.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    module.Handler.log_message = lambda *_: None
    with module.Server(folder) as made:
        thread = threading.Thread(target=made.serve_forever)
        thread.start()
        yield made
        made.shutdown()
        thread.join()


def ask(server, method, path, who="", **query):
    url = f"http://127.0.0.1:{server.server_port}{path}?{urllib.parse.urlencode(query)}"
    name = who.encode("utf-8").decode("latin-1")
    request = urllib.request.Request(url, method=method, headers={"X-User": name})
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return answer.status, json.loads(answer.read())
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.loads(error.read())


def test_requests_at_once_propose_a_week_once(server, folder):
    with ThreadPoolExecutor(6) as pool:
        calls = [pool.submit(ask, server, "POST", "/week", as_of="2025-10-31") for _ in range(6)]
        answers = [call.result() for call in calls]
    assert {status for status, _ in answers} == {200}
    assert {body["entry"] for _, body in answers} == {answers[0][1]["entry"]}
    assert sum(body["new"] for _, body in answers) == 1
    ledger = Ledger.open(folder / "friday.db")
    assert len(ledger.entries(kinds=("proposal",))) == 1
    assert ledger.verify().good


def test_the_service_and_the_command_share_a_ledger(server, folder, capsys, monkeypatch):
    monkeypatch.chdir(folder)
    assert run(capsys, BLOCKS[0].splitlines()[0])[0] == 0
    status, body = ask(server, "POST", "/week", as_of="2025-10-31")
    assert (status, body["new"], body["revision"]) == (200, False, 1)
    wrong = ask(server, "POST", "/approve", "bob", week="2025-11-03", revision=1)
    assert (wrong[0], wrong[1]["code"]) == (400, "unknown-name")
    approved = ask(server, "POST", "/approve", "李雷 Li Lei", week="2025-11-03", revision=1)
    assert approved == (200, {"week": "2025-11-03", "state": "approved", "revision": 1})
    assert ask(server, "GET", "/week", week="2025-11-03") == approved
    again = ask(server, "POST", "/approve", "李雷 Li Lei", week="2025-11-03", revision=1)
    assert (again[0], again[1]["code"]) == (409, "wrong-state")


@pytest.mark.parametrize(
    ("method", "path", "query", "status"),
    [
        ("GET", "/nothing", {}, 404),
        ("GET", "/week", {}, 400),
        ("GET", "/week", {"week": "soon"}, 400),
        ("POST", "/week", {"as_of": "soon"}, 400),
        ("POST", "/week", {"budget": "1"}, 400),
        ("POST", "/approve", {"week": "2025-11-03"}, 400),
        ("POST", "/approve", {"week": "2025-11-03", "revision": "1"}, 409),
    ],
)
def test_a_wrong_request_is_told_what_is_wrong(server, method, path, query, status):
    found, body = ask(server, method, path, "李雷 Li Lei", **query)
    assert found == status
    assert body["message"]


def test_a_ledger_that_cannot_be_opened_is_a_service_that_is_not_there(server, folder):
    (folder / "friday.db").mkdir()
    status, body = ask(server, "POST", "/week", as_of="2025-10-31")
    assert (status, body["error"]) == (503, "LedgerError")


def test_the_script_serves_until_it_is_stopped(folder):
    words = [sys.executable, "service.py", "--port", "0"]
    with subprocess.Popen(words, cwd=folder, stdout=subprocess.PIPE, text=True) as process:
        try:
            address = process.stdout.readline().strip()
            with pytest.raises(urllib.error.HTTPError, match="400") as caught:
                urllib.request.urlopen(f"{address}/week", timeout=60)
            caught.value.close()
        finally:
            process.terminate()


def test_the_plan_says_what_the_readme_says_of_it():
    plan = bo.Plan.load(FRIDAY / "plan.toml")
    assert [phase.kind for phase in plan.operation.phases] == ["warm-up", "burst", "wind-down"]
    assert plan.operation.approval.approvers == ("李雷 Li Lei", "韩梅梅 Han Meimei")
    assert [rule.scenario for rule in plan.operation.releases] == ["rival"]
