"""``budgetopt simulate``: tables, files, scenarios of the plan, workers, and Ctrl-C."""

import concurrent.futures.process
import contextlib
import csv
import io
import json
import os
import pty
import re
import signal
import subprocess
import sys
import threading
import time
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from rich.cells import cell_len

import budgetopt as bo
from budgetopt.cli import simulate as command
from budgetopt.market import RISKS, Promotion, believed_market, noise_of
from budgetopt.simulation import Contingency, simulate

from .helpers import change, over, plan_and_history, run

CURVES = """
currency = "CNY"
budget = 100
outcome = "sign-ups"
outcome_unit = 1
reserve = { contingency = 10 }
[[channels]]
name = "百度"
curve = { kind = "log", top = 300.0, scale = 10.0 }
prior = { noise = 0.1 }
[[channels]]
name = "b"
curve = { kind = "log", top = 100.0, scale = 10.0 }
[[scenarios]]
name = "双11"
kind = "promotion"
start = 2026-11-02
end = 2026-11-08
chance = 0.5
[[contingencies]]
scenario = "overspend"
release = 0.5
pause = ["b"]
"""
PLAIN = ("simulate", "curves.toml", "--runs", 40, "--weeks", 6, "--seed", 3)


@pytest.fixture
def curves(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "curves.toml").write_text(CURVES, encoding="utf-8")
    return tmp_path


def plain(capsys, *arguments):
    code, out, err = run(capsys, *PLAIN, *arguments, "--format", "json")
    assert (code, err) == (0, "")
    return json.loads(out)


def of_count(world):
    """Return a world without the measures that are not said of a count."""
    for measures in world["policies"].values():
        for name in ("value", "profit", "roas", "chance_of_loss"):
            del measures[name]
    return world


def test_years_drawn_from_a_history_are_those_of_the_python_calls(shop, capsys):
    asked = ("--weeks", 3, "--runs", 20, "--seed", 5, "--format", "json")
    code, out, err = run(capsys, "simulate", "plan.toml", "--history", "history.csv", *asked)
    assert (code, err) == (0, "")
    plan, history = plan_and_history()
    belief = bo.learn(history, plan)
    market = believed_market(plan, belief)
    found = simulate(
        plan, market, ["hold", "optimistic"], history=history, weeks=3, runs=20, seed=5
    )
    worlds = json.loads(out)["worlds"]
    assert list(worlds) == ["as usual"]
    assert worlds["as usual"] == found.to_dict()
    noise = [row.noise.mean for row in belief.summary()]
    assert market.noise.sd == pytest.approx(noise)
    assert market.noise.unit == 120
    assert market.drift.sd == pytest.approx(np.mean([r.drift.mean for r in belief.summary()]))


def test_the_table_is_one_a_planner_can_read(shop, capsys):
    code, out, err = run(
        capsys, "simulate", "plan.toml", "--history", "history.csv", "--weeks", 8, "--runs", 20,
        "--scenario", "overspend", "--scenario", "weak effect", "--target", 1,
    )  # fmt: skip
    assert (code, err) == (0, "")
    assert max(map(cell_len, out.splitlines())) <= 80
    said = " ".join(out.split())
    assert "20 runs of 8 weeks, seed 0; 18,750 CNY a week to spend, 1,250 in reserve." in said
    assert "what 25 weeks of history support" in said
    assert said.count("More revenue than hold in the same runs") == 2
    happens = (
        "overspend (from week 5 to 8: 15% spent beyond plan)",
        "weak effect (from week 1: 25% of the response missing)",
    )
    assert f"With {'; '.join(happens)}:" in said
    assert said.count("5% of runs are below the 5% column, 5% above the 95% column;") == 1
    for heading in ("revenue", "5%", "95%", "spend", "ROAS", "overspend", "loss", "target"):
        assert heading in said


def test_every_figure_of_the_table_is_that_of_the_simulations(curves, capsys):
    asked = ("--scenario", "overspend", "--scenario", "双11", "--start", "2026-10-05")
    _, out, _ = run(capsys, *PLAIN, *asked, "--target", 4000)
    data = plain(capsys, *asked, "--target", 4000)
    rows = [line.split() for line in out.splitlines()]
    equal = [[float(cell.replace(",", "").strip("%")) for cell in row[1:]]
             for row in rows if row[:1] == ["equal"]]  # fmt: skip
    *tables, change = equal
    for row, chances, world in zip(tables[::2], tables[1::2], data["worlds"].values(), strict=True):
        found = world["policies"]["equal"]
        outcome = found["outcome"]
        half = outcome["high"] - outcome["mean"]
        low, high = outcome["quantiles"]["0.05"], outcome["quantiles"]["0.95"]
        wanted = [outcome["mean"], half, low, high, found["spend"]["mean"], found["cpa"]["mean"]]
        assert row == pytest.approx(wanted, rel=0.05)
        shares = [100 * found[f"chance_of_{name}"] for name in ("overspend", "target")]
        assert chances == pytest.approx(shares, abs=0.51)
    cost = data["costs"][0]
    # Shown to the second digit of the interval's width.
    off = 0.051 * (cost["high"] - cost["low"])
    assert change[:3] == pytest.approx([cost[k] for k in ("mean", "low", "high")], abs=off)
    assert data["costs"][0]["policy"] == "equal"


def test_scenarios_and_answers_are_those_of_the_plan_or_the_usual_risks(curves, capsys):
    data = plain(capsys, "--scenario", "overspend", "--scenario", "双11", "--start", "2026-10-05")
    plan = bo.Plan.load("curves.toml")
    market = bo.Market.of_plan(plan, noise=noise_of(plan, (0.1, 0.2)), start="2026-10-05")
    both = [
        RISKS["overspend"],
        Promotion(name="双11", start="2026-11-02", end="2026-11-08", chance=0.5),
    ]
    answer = Contingency("overspend", release=0.5, pause="b")
    found = simulate(plan, market, ["equal", "optimistic"], weeks=6, runs=40, seed=3,
                     scenarios=both, contingencies=[answer])  # fmt: skip
    assert data["worlds"]["with scenarios"] == of_count(found.to_dict())
    assert [s["name"] for s in data["scenarios"]] == ["overspend", "双11"]
    assert data["contingencies"] == [answer.to_dict()]
    usual = simulate(plan, market, ["equal", "optimistic"], weeks=6, runs=40, seed=3)
    cost = found.difference("equal", world=usual)
    assert data["costs"][0]["mean"] == cost.mean


def test_answers_are_told_as_the_plan_says_them(curves, capsys):
    (curves / "curves.toml").write_text(
        CURVES + "spare = { b = 2000 }\nafter = 0\n", encoding="utf-8"
    )
    _, out, _ = run(capsys, *PLAIN, "--scenario", "overspend")
    said = (
        "Against overspend, after 0 weeks, 50% of the contingency reserve is released and b is "
        "paused and b may get 2,000 a week:"
    )
    assert said in " ".join(out.split())


def test_a_plans_own_sizes_take_the_place_of_the_presets(curves, capsys):
    own = '[[scenarios]]\nkind = "overspend"\nsize = 0.5\n[[scenarios]]\nname = "双11"'
    change(curves, "curves.toml", '[[scenarios]]\nname = "双11"', own)
    assert plain(capsys, "--scenario", "overspend")["scenarios"][0]["size"] == 0.5


def test_a_table_for_each_form(curves, capsys):
    _, out, _ = run(capsys, *PLAIN, "--scenario", "overspend", "--format", "csv")
    rows = list(csv.DictReader(io.StringIO(out)))
    assert len(rows) == 2 * 2 * 6
    assert {row["world"] for row in rows} == {"as usual", "with scenarios"}
    assert {(row["runs"], row["asked"]) for row in rows} == {("40", "40")}


def test_files_are_those_of_the_answer(curves, capsys):
    pd = pytest.importorskip("pandas")
    pytest.importorskip("pyarrow")
    code, out, err = run(capsys, *PLAIN, "--out", "new/years", "--scenario", "overspend")
    assert (code, err) == (0, "")
    folder = curves / "new" / "years"
    assert sorted(path.name for path in folder.iterdir()) == sorted(command._FILES)
    assert "As usual:" in out
    again = (*PLAIN, "--scenario", "overspend", "--format")
    _, summary, _ = run(capsys, *again, "json")
    assert (folder / "summary.json").read_text(encoding="utf-8") == summary
    _, weeks, _ = run(capsys, *again, "csv")
    assert (folder / "weeks.csv").read_text(encoding="utf-8") == weeks
    runs = pd.read_parquet(folder / "runs.parquet")
    first = runs[(runs["world"] == "as usual") & (runs["policy"] == "equal")]
    found = json.loads(summary)["worlds"]["as usual"]["policies"]["equal"]["outcome"]["mean"]
    assert first["outcome"].mean() == pytest.approx(found)
    assert len(pd.read_csv(folder / "channels.csv")) == 2 * 2 * 2


@pytest.mark.parametrize("name", command._FILES)
def test_what_was_simulated_before_is_not_written_over(curves, capsys, name):
    (curves / "years").mkdir()
    (curves / "years" / name).write_bytes(b"of other runs")
    code, out, err = run(capsys, *PLAIN, "--out", "years")
    assert (code, out) == (2, "")
    said = " ".join(err.split())
    assert f"it holds '{name}' already" in said
    assert "name an empty folder" in said
    assert (curves / "years" / name).read_bytes() == b"of other runs"


def test_a_file_that_cannot_be_written_does_not_take_the_answer_with_it(
    curves, capsys, monkeypatch
):
    real = bo.simulate

    def beside(*given, **more):
        (curves / "years" / "weeks.csv").mkdir(parents=True)
        return real(*given, **more)

    monkeypatch.setattr(bo, "simulate", beside)
    code, out, err = run(capsys, *PLAIN, "--out", "years")
    assert code == 2
    assert "weeks.csv' cannot be written" in " ".join(err.split())
    assert "More sign-ups than equal" in out


def test_without_the_parquet_extra_there_is_no_table_of_runs(curves, capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    monkeypatch.setitem(sys.modules, "fastparquet", None)
    assert run(capsys, *PLAIN, "--out", "years")[0] == 0
    assert sorted(path.name for path in (curves / "years").iterdir()) == sorted(command._FILES[:3])


def test_workers_change_no_byte(curves, capsys):
    assert plain(capsys, "--workers", 2) == plain(capsys)


WRONG = [
    (("--scenario", "overspent"), "did you mean 'overspend'?"),
    (("--scenario", "双11"), "give --start or --history"),
    (("--scenario", "双11", "--start", "2026-10-06"), "give 2026-10-05"),
    (("--scenario", "overspend", "--weeks", "4"), "after the last of 4 weeks"),
    (("--policy", "hold"), "compare with equal"),
    (("--policy", "eqal"), "did you mean 'equal'?"),
    (("--policy", "equal", "--policy", "equal"), "two policies are named 'equal'"),
    (("--target", "nan"), "target"),
    (("--noise", "-1"), "noise"),
    (("--runs", "0"), "runs is 0"),
    (("--workers", "0"), "--workers"),
    (("--out", "curves.toml"), "is not a folder"),
    (("--out", "curves.toml/x"), "is not a writable folder"),
    (("--history", "no.csv"), "no.csv"),
]


@pytest.mark.parametrize(("arguments", "said"), WRONG)
def test_wrong_input_is_said_before_anything_is_written(curves, capsys, arguments, said):
    code, out, err = run(capsys, *over(map(str, PLAIN), arguments))
    assert (code, out) == (2, "")
    assert said in " ".join(err.split())
    assert [path.name for path in curves.iterdir()] == ["curves.toml"]


def test_inputs_are_not_overwritten(curves, capsys):
    (curves / "summary.json").write_text(json.dumps(bo.Plan.load("curves.toml").to_dict()))
    code, _, err = run(capsys, "simulate", "summary.json", "--out", ".")
    assert (code, "which is an input" in " ".join(err.split())) == (2, True)


def test_a_plan_without_curves_needs_a_history(shop, capsys):
    code, _, err = run(capsys, "simulate", "plan.toml")
    assert (code, "give --history" in err) == (2, True)


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ('[[scenarios]]\nkind = "competitor"\nsise = 1', "did you mean 'size'?"),
        ('[[scenarios]]\nkind = "outage"\nchannels = ["c"]', "not a channel"),
        ('[[contingencies]]\nscenario = "outage"', "not simulated"),
        ('[[contingencies]]\nscenario = "overspend"\nafer = 1', "did you mean 'after'?"),
    ],
)
def test_check_reads_what_the_plan_only_keeps(curves, capsys, table, said):
    assert run(capsys, "check", "curves.toml")[0] == 0
    (curves / "curves.toml").write_text(CURVES + table, encoding="utf-8")
    code, _, err = run(capsys, "check", "curves.toml")
    assert (code, said in " ".join(err.split())) == (2, True)


def test_a_delay_of_single_channels_is_not_made_good_twice(shop, capsys):
    own = '[delay]\nshares = [0.5, 1]\nchannels = { "360" = [0.4, 1] }\n'
    change(
        shop,
        "plan.toml",
        "[reserve]",
        f"{own.replace('[0.4, 1]', '{ shares = [0.4, 1] }')}\n[reserve]",
    )
    asked = ("simulate", "plan.toml", "--history", "history.csv", "--weeks", 2, "--runs", 4)
    code, out, _ = run(capsys, *asked)
    assert code == 0
    assert "reports are taken as complete" in " ".join(out.split())


def test_what_is_wrong_is_said_before_any_year_is_played(curves, capsys, monkeypatch):
    monkeypatch.setattr(bo, "simulate", lambda *_, **__: pytest.fail("played"))
    assert run(capsys, *PLAIN, "--scenario", "overspend", "--weeks", 4)[0] == 2


# Ctrl-C


def test_what_was_finished_is_kept_and_labelled(curves, capsys, monkeypatch):
    real = bo.simulate

    def broken(*given, scenarios=(), progress=None, **more):
        def stop(done, runs):
            if scenarios:
                raise KeyboardInterrupt

        return real(*given, scenarios=scenarios, progress=stop, **more | {"runs": 600})

    monkeypatch.setattr(bo, "simulate", broken)
    code, out, err = run(capsys, *PLAIN, "--scenario", "overspend", "--out", "years")
    assert (code, err) == (130, "")
    assert out.startswith("INTERRUPTED AFTER 256 OF 600 RUNS WITH SCENARIOS\n")
    data = json.loads((curves / "years" / "summary.json").read_text(encoding="utf-8"))
    assert data["status"] == "interrupted after 256 of 600 runs with scenarios"
    worlds = data["worlds"]
    assert [world["runs"] for world in worlds.values()] == [600, 256]
    assert len(data["costs"]) == 2
    with (curves / "years" / "weeks.csv").open(encoding="utf-8") as file:
        assert {(row["runs"], row["asked"]) for row in csv.DictReader(file)} == {
            ("600", "600"),
            ("256", "600"),
        }


def test_the_usual_year_is_kept_where_no_struck_one_was_begun(curves, capsys, monkeypatch):
    real = bo.simulate

    def broken(*given, scenarios=(), **more):
        if scenarios:
            raise KeyboardInterrupt
        return real(*given, **more)

    monkeypatch.setattr(bo, "simulate", broken)
    code, out, _ = run(capsys, *PLAIN, "--scenario", "overspend")
    assert code == 130
    assert out.startswith("INTERRUPTED AFTER 0 OF 40 RUNS WITH SCENARIOS\n")
    assert "What the scenarios change" not in out


def test_where_nothing_was_finished_nothing_is_written(curves, capsys, monkeypatch):
    def broken(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(bo, "simulate", broken)
    code, out, err = run(capsys, *PLAIN, "--out", "years")
    assert (code, out) == (130, "")
    assert err.strip() == "budgetopt: interrupted before any run was finished"
    assert not (curves / "years").exists()


def left_of(group):
    """Whether a group of processes is still there a minute after its leader has ended."""
    for _ in range(600):
        try:
            os.killpg(group, 0)
        except ProcessLookupError:
            return False
        time.sleep(0.1)
    return True


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such signal")
def test_workers_end_with_their_parent_even_where_it_is_killed(curves):
    arguments = ["simulate", "curves.toml", "--runs", "512000", "--workers", "2"]
    process = subprocess.Popen(
        [sys.executable, "-m", "budgetopt", *arguments], start_new_session=True
    )
    try:
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
        if not children.exists():
            pytest.skip("needs /proc")
        for _ in range(600):
            # Two workers, and what looks after their resources.
            if len(children.read_text().split()) >= 3:
                break
            time.sleep(0.1)
        assert len(children.read_text().split()) >= 3
        process.kill()
        process.wait()
        assert not left_of(process.pid)
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


HALF = """
import os, struct, sys, time
frame = sys._getframe()
while "result_queue" not in frame.f_locals:
    frame = frame.f_back
writer = frame.f_locals["result_queue"]._writer
os.write(writer.fileno(), struct.pack("!i", 1000) + b"half of an answer")
open({path!r}, "w").close()
time.sleep(60)
"""
"""What a worker does that has written a part of its answer."""


@pytest.mark.skipif(os.name == "nt", reason="Windows has other pipes")
def test_a_worker_that_is_ended_in_the_middle_of_an_answer_holds_up_nobody(tmp_path):
    known = set(threading.enumerate())
    with command.workers_of(None, 2) as pool:
        pool.submit(exec, HALF.format(path=str(tmp_path / "written")))
        while not (tmp_path / "written").exists():
            time.sleep(0.01)
    for thread in set(threading.enumerate()) - known:
        thread.join(timeout=20)
        assert not thread.is_alive()


def test_a_pool_that_is_slow_to_drop_what_was_cancelled_ends_without_a_word(monkeypatch):
    # What its thread raises is an error of the test, as is every warning.
    thread = concurrent.futures.process._ExecutorManagerThread
    wait = thread.wait_result_broken_or_wakeup

    def late(self):
        time.sleep(0.2)
        return wait(self)

    monkeypatch.setattr(thread, "wait_result_broken_or_wakeup", late)
    known = set(threading.enumerate())
    with command.workers_of(None, 2) as pool:
        first, *waiting = [pool.submit(time.sleep, 30 * (at > 0)) for at in range(20)]
        # The thread has handed on an answer, and is on its way back to look what is new.
        first.result()
        for one in waiting:
            one.cancel()
    for one in set(threading.enumerate()) - known:
        one.join(timeout=20)
        assert not one.is_alive()


@pytest.mark.skipif(os.name == "nt", reason="needs a terminal of its own")
@pytest.mark.parametrize(
    ("workers", "how"),
    [
        (1, signal.SIGINT),
        pytest.param(2, signal.SIGTERM, marks=pytest.mark.slow),
        pytest.param(2, signal.SIGINT, marks=pytest.mark.slow),
        pytest.param(1, signal.SIGTERM, marks=pytest.mark.slow),
    ],
)
def test_ctrl_c_or_a_kill_leaves_the_finished_runs_and_no_process(curves, workers, how):
    ours, theirs = pty.openpty()
    arguments = ["simulate", "curves.toml", "--runs", "5120", "--out", "years"]
    process = subprocess.Popen(
        [sys.executable, "-m", "budgetopt", *arguments, "--workers", str(workers)],
        stdout=subprocess.PIPE,
        stderr=theirs,
        env=os.environ | {"TERM": "xterm"},
        start_new_session=True,
        # Ctrl-C is ignored by what a shell runs in the background, and by all that it starts.
        preexec_fn=partial(signal.signal, signal.SIGINT, signal.SIG_DFL),
    )
    os.close(theirs)
    shown, begun = bytearray(), threading.Event()

    def read():
        # To the end: a terminal that nobody reads holds up who writes to it.
        with contextlib.suppress(OSError):
            while more := os.read(ours, 1024):
                shown.extend(more)
                # The bar tells when the first runs are done; a twentieth is one batch.
                if re.search(rb"\b[1-9]\d?%", shown):
                    begun.set()

    reader = threading.Thread(target=read)
    reader.start()
    try:
        # How long the first runs take is not what is tested; a busy machine may need minutes.
        assert begun.wait(timeout=300)
        if how == signal.SIGINT:
            # A terminal tells the whole group, workers too.
            os.killpg(process.pid, how)
        else:
            process.send_signal(how)
        # Measured 0.8 to 1.5 s with a load of 12 on two cores.
        out, _ = process.communicate(timeout=60)
        assert not left_of(process.pid)
    finally:
        process.kill()
        process.wait()
        process.stdout.close()
        reader.join()
        os.close(ours)
    seen = bytes(shown)
    assert process.returncode == 128 + how
    assert b"Traceback" not in seen
    data = json.loads((curves / "years" / "summary.json").read_text(encoding="utf-8"))
    (found,) = data["worlds"].values()
    assert 0 < found["runs"] < 5120
    assert found["runs"] % 256 == 0
    label = f"interrupted after {found['runs']:,} of 5,120 runs"
    assert data["status"] == label
    assert out.decode("utf-8").startswith(label.upper())
    # What is kept are the first runs, as they are when no more are asked for.
    plan = bo.Plan.load("curves.toml")
    market = bo.Market.of_plan(plan, noise=noise_of(plan, (0.1, 0.2)))
    whole = simulate(plan, market, "equal", runs=found["runs"], weeks=52)
    assert found["policies"]["equal"] == of_count(whole.to_dict())["policies"]["equal"]


def test_a_scenario_says_what_it_assumes_and_takes_no_bare_number(curves, capsys):
    table = '\n[[scenarios]]\nkind = "platform-policy"\nname = "rules"\nprice = {}\n'
    text = (curves / "curves.toml").read_text(encoding="utf-8")
    (curves / "curves.toml").write_text(text + table.format('"x1.1"'), encoding="utf-8")
    code, out, _ = run(capsys, *PLAIN, "--scenario", "rules")
    assert code == 0
    # Nobody gave the reach, and so it is said.
    assert "rules (from week 1: price +10%, reach -20%)" in " ".join(out.split())
    data = json.loads(run(capsys, *PLAIN, "--scenario", "rules", "--json")[1])
    assert [(s["price"], s["reach"]) for s in data["scenarios"]] == [("+10%", "-20%")]
    (curves / "curves.toml").write_text(text + table.format(1.1), encoding="utf-8")
    remedy = "write '+110%' for a change, or 'x1.1' for a factor, which is '+10%'"
    for arguments in (("check", "curves.toml"), (*PLAIN, "--scenario", "rules")):
        code, _, err = run(capsys, *arguments)
        assert (code, remedy in " ".join(err.split())) == (2, True)
