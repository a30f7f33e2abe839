"""Work on executors: what is lost is done again, and clusters of Dask and Ray, really run.

Clusters run among the slow tests where the extra `cluster` is installed; CI installs it. Their
workers are killed, once or whenever they touch one account, and whole engines in mid-work.
"""

import importlib.util
import os
import signal
import socket
import subprocess
import sys
from concurrent.futures import Future, ProcessPoolExecutor, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

import budgetopt as bo
from budgetopt.cli import main
from budgetopt.workers import Handed, RayExecutor, executor_at

ROOT = Path(__file__).parents[1]
WEEKLY = ROOT / "examples" / "weekly"
engines = pytest.mark.parametrize("engine", ["dask", "ray"])
# Engines warn of ports, tokens and sockets, each release of others.
pytestmark = pytest.mark.filterwarnings("default")


def refusing(what):
    raise bo.InputError("bad-argument", what, field="what", value=what, remedy="none")


class Losing(ThreadPoolExecutor):
    """Loses the first pieces of work, as if their workers had died."""

    def __init__(self, losses):
        super().__init__(1)
        self.losses = losses

    def submit(self, call, *args):
        self.losses -= 1
        if self.losses >= 0:
            future = Future()
            future.set_exception(BrokenProcessPool("gone"))
            return future
        return super().submit(call, *args)


@pytest.mark.parametrize("losses", [0, 1, 2, 9])
def test_lost_work_is_done_again_at_last_here(losses):
    with Losing(losses) as pool:
        work = Handed(pool, pow, 2, 10)
        assert work.result() == 1024
        # Handed out once, once more, and then not again.
        assert pool.losses == max(losses - 2, -1)


@pytest.mark.parametrize("losses", [0, 9])
def test_our_errors_are_raised_as_they_are(losses):
    with Losing(losses) as pool:
        work = Handed(pool, refusing, "no")
        with pytest.raises(bo.InputError, match="no") as caught:
            work.result()
        assert (caught.value.code, caught.value.field) == ("bad-argument", "what")
        assert not work.done


def test_an_engine_that_takes_nothing_is_done_without():
    pool = ThreadPoolExecutor(1)
    pool.shutdown()
    work = Handed(pool, pow, 2, 3)
    assert not work.done
    work.cancel()
    assert work.result() == 8


@pytest.mark.parametrize(
    "address", ["", "dask", "dask://", "tcp://host:1", "ray://", "Dask://local"]
)
def test_other_addresses_are_refused(address):
    with pytest.raises(bo.InputError, match="HOST:PORT") as caught, executor_at(address):
        pass
    assert (caught.value.code, caught.value.field) == ("bad-argument", "executor")


@pytest.mark.parametrize(("engine", "package"), [("dask", "distributed"), ("ray", "ray")])
def test_a_missing_package_is_named(engine, package, monkeypatch):
    monkeypatch.setitem(sys.modules, package, None)
    with (
        pytest.raises(bo.InputError, match=r"budgetopt\[cluster\]") as caught,
        executor_at(f"{engine}://a:1"),
    ):
        pass
    assert caught.value.code == "missing-extra"


@pytest.fixture(scope="module", autouse=True)
def seen_by_workers():
    """Let workers import these tests, whose classes are what they are handed."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(ROOT), prepend=os.pathsep)
        patch.syspath_prepend(str(ROOT))
        patch.setitem(sys.modules, __name__, sys.modules[__name__])
        yield


@contextmanager
def cluster(engine):
    pytest.importorskip({"dask": "distributed", "ray": "ray"}[engine])
    with executor_at(f"{engine}://local", workers=2) as executor:
        yield executor


def example(name):
    spec = importlib.util.spec_from_file_location(name, ROOT / f"examples/cluster/{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class Killing(bo.HoldSteady):
    """Holds, and kills the first worker that asks it."""

    def __init__(self, mark):
        self.mark, self.home = mark, os.getpid()

    @property
    def name(self):
        return "killing"

    def decide(self, view, rng):
        if os.getpid() != self.home:
            try:
                os.close(os.open(self.mark, os.O_CREAT | os.O_EXCL))
            except FileExistsError:
                pass
            else:
                os.kill(os.getpid(), signal.SIGKILL)
        return super().decide(view, rng)


@dataclass(frozen=True)
class Deadly(bo.Account):
    """Kills every worker that loads it, and notes who else did."""

    trap: tuple = ()

    def load(self):
        home, notes, deadly = self.trap
        with open(notes, "a", encoding="utf-8") as file:
            file.write(f"{self.key} {os.getpid() == home}\n")
        if deadly and os.getpid() != home:
            os.kill(os.getpid(), signal.SIGKILL)
        return self.plan, self.history


def weekly():
    plan = bo.Plan.load(WEEKLY / "plan.toml")
    return plan, bo.History.read(WEEKLY / "history.csv", plan.columns, channels=plan.names)


NAMES = ("search", "feed", "kol")


def years(executor, policies, **changes):
    plan = bo.Plan(budget=3000, currency="CNY", channels=[bo.Channel(name) for name in NAMES])
    world = bo.Market(NAMES, bo.market.Prior(3, 1000.0), noise=bo.market.Noise.both(0.2))
    asked = {"weeks": 2, "runs": 600, "seed": 3, "last": dict.fromkeys(NAMES, 1000)} | changes
    return bo.simulate(plan, world, policies, executor=executor, **asked)


def same(one, other):
    for policy, record in one.records.items():
        for mine, theirs in zip(record, other.records[policy], strict=True):
            np.testing.assert_array_equal(mine, theirs)


def test_processes_give_the_same_years_though_one_is_killed(tmp_path):
    policies = ["thompson(1)", Killing(tmp_path / "mark")]
    with ProcessPoolExecutor(2) as pool:
        found = years(pool, policies, runs=300)
    assert (tmp_path / "mark").exists()
    same(found, years(None, policies, runs=300))


@pytest.mark.slow
@engines
def test_years_are_the_same_bits_though_a_worker_is_killed(engine, tmp_path):
    policies = ["optimistic", "thompson(1)", Killing(tmp_path / "mark")]
    with cluster(engine) as executor:
        found = years(executor, policies)
    assert (tmp_path / "mark").exists()
    same(found, years(None, policies))


@pytest.mark.slow
@engines
def test_what_kills_every_worker_is_done_here_and_all_else_is_kept(engine, tmp_path):
    plan, history = weekly()
    notes = tmp_path / "notes"
    traps = [(os.getpid(), notes, n == 3) for n in range(6)]
    accounts = [Deadly(f"shop-{n}", plan, history, trap=one) for n, one in enumerate(traps)]
    with cluster(engine) as executor:
        found = bo.Portfolio(accounts).reallocate(
            executor=executor, chunk=1, store=tmp_path / "store"
        )
    lines = [line.split() for line in notes.read_text("utf-8").splitlines()]
    assert [key for key, home in lines if home == "True"] == ["shop-3"]
    assert sum(key == "shop-3" for key, _ in lines) >= 3
    plain = [bo.Account(one.key, plan, history) for one in accounts]
    assert found == bo.Portfolio(plain).reallocate()
    # What the workers kept is what this process keeps, to the byte.
    bo.Portfolio(plain).reallocate(store=tmp_path / "again")
    files = [sorted((tmp_path / name).rglob("*")) for name in ("store", "again")]
    kept = [[path.read_bytes() for path in some if path.is_file()] for some in files]
    assert len(kept[0]) == 6
    assert kept[0] == kept[1]


@pytest.mark.slow
@engines
def test_an_error_of_ours_crosses_as_it_is(engine):
    with cluster(engine) as executor, pytest.raises(bo.InputError, match="no") as caught:
        Handed(executor, refusing, "no").result()
    assert (type(caught.value), caught.value.code) == (bo.InputError, "bad-argument")


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


@contextmanager
def programs(*commands):
    """Run programs of Dask as on machines of their own; yields them."""
    started = [
        subprocess.Popen([sys.executable, "-m", *command], start_new_session=True)
        for command in commands
    ]
    try:
        yield started
    finally:
        for one in started:
            if one.poll() is None:
                os.killpg(one.pid, signal.SIGKILL)
            one.wait()


@pytest.mark.slow
def test_a_scheduler_of_dask_that_is_killed_loses_nothing(monkeypatch):
    distributed = pytest.importorskip("distributed")
    place = f"127.0.0.1:{free_port()}"
    worker = ["distributed.cli.dask_worker", f"tcp://{place}", "--no-dashboard", "--nthreads", "1"]
    scheduler = ["distributed.cli.dask_scheduler", "--host", "127.0.0.1", "--no-dashboard"]
    done = []

    def told(runs, _):
        if not done:
            os.killpg(started[0].pid, signal.SIGKILL)
        done.append(runs)

    monkeypatch.setitem(distributed.config["distributed"]["comm"]["timeouts"], "connect", "20s")
    with (
        programs([*scheduler, "--port", place.split(":")[1]], worker) as started,
        executor_at(f"dask://{place}") as executor,
    ):
        found = years(executor, ["optimistic"], progress=told)
    assert done[0] < 600
    assert started[0].poll() is not None
    same(found, years(None, ["optimistic"]))


@pytest.mark.slow
def test_a_machine_of_ray_that_is_killed_loses_nothing():
    psutil = pytest.importorskip("psutil")
    done = []

    def told(runs, _):
        if not done:
            (raylet,) = (one for one in psutil.Process().children(True) if one.name() == "raylet")
            raylet.kill()
        done.append(runs)

    with cluster("ray") as executor:
        assert isinstance(executor, RayExecutor)
        found = years(executor, ["optimistic"], progress=told)
    assert done[0] < 600
    same(found, years(None, ["optimistic"]))


@pytest.mark.slow
@engines
def test_where_no_cluster_answers_it_is_said(engine, monkeypatch):
    package = pytest.importorskip({"dask": "distributed", "ray": "ray"}[engine])
    address = f"{engine}://127.0.0.1:{free_port()}"
    if engine == "dask":
        limits = package.config["distributed"]["comm"]["timeouts"]
        monkeypatch.setitem(limits, "connect", 1)
    with (
        pytest.raises(bo.InputError, match="no cluster answers") as caught,
        executor_at(address),
    ):
        pass
    assert caught.value.value == address


@pytest.mark.slow
@engines
def test_the_commands_write_the_same_bytes(engine, tmp_path, capsys):
    for n in range(2):
        part = tmp_path / "accounts" / f"shop {n}"
        part.mkdir(parents=True)
        for name in ("plan.toml", "history.csv"):
            (part / name).write_bytes((WEEKLY / name).read_bytes())
    years = ["simulate", str(WEEKLY / "plan.toml"), "--history", str(WEEKLY / "history.csv")]
    years += ["--weeks", "1", "--runs", "8", "--policy", "hold", "--format", "json"]
    pytest.importorskip({"dask": "distributed", "ray": "ray"}[engine])
    answers = []
    for out, where in (("one", []), ("two", ["--executor", f"{engine}://local", "--workers", "2"])):
        night = ["nightly", str(tmp_path / "accounts"), "--out", str(tmp_path / out)]
        night += ["--as-of", "2025-11-17"]
        for words in (night, years):
            with pytest.raises(SystemExit) as ended:
                main([*words, *where])
            assert not ended.value.code
        said = capsys.readouterr().out.replace(str(tmp_path / out), "")
        files = [path.relative_to(tmp_path / out) for path in (tmp_path / out).rglob("*")]
        files = sorted(path for path in files if (tmp_path / out / path).is_file())
        answers.append((said, files, [(tmp_path / out / path).read_bytes() for path in files]))
    assert len(answers[0][1]) == 4
    assert answers[0] == answers[1]


@pytest.mark.slow
def test_the_example_of_dask():
    pytest.importorskip("distributed")
    from distributed import Client

    night = example("dask_night")
    with Client(n_workers=2, threads_per_worker=1, dashboard_address=None) as client:
        found = night.night(client)
    assert not found.failed
    assert found == bo.Portfolio(night.accounts()).reallocate()
    assert len(found.accounts) == 4


@pytest.mark.slow
def test_the_example_of_ray():
    pytest.importorskip("ray")
    ask = example("ray_years")
    with cluster("ray") as executor:
        same(ask.years(executor, runs=16, weeks=1), ask.years(None, runs=16, weeks=1))
