"""Ledgers to test on: SQLite files, and PostgreSQL on a server that is started for the tests."""

import datetime as dt
import itertools
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest

from budgetopt.ledger import Ledger

# A disk in memory, where there is one: what is tested waits for the disk at every transaction.
MEMORY = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
BINARIES = ("initdb", "postgres", "pg_ctl")


class Clock:
    """A clock that is set by hand."""

    def __init__(self):
        self.now = dt.datetime(2026, 11, 20, 15, 0, tzinfo=dt.UTC)

    def __call__(self):
        return self.now

    def forward(self, **by):
        self.now += dt.timedelta(**by)


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture(scope="session")
def server():
    """Start PostgreSQL on a socket in a folder of its own; return how to reach it."""
    pytest.importorskip("sqlalchemy")
    pytest.importorskip("psycopg")
    missing = [name for name in BINARIES if not shutil.which(name)]
    if missing:
        pytest.skip(f"PostgreSQL is not installed: {', '.join(missing)}")
    # PostgreSQL refuses to run as root.
    other = {"user": "nobody", "group": "nogroup", "extra_groups": []} if not os.geteuid() else {}
    with tempfile.TemporaryDirectory(dir=MEMORY, ignore_cleanup_errors=True) as folder:
        if other:
            shutil.chown(folder, "nobody", "nogroup")
        data = f"{folder}/data"

        def run(*words):
            subprocess.run(words, check=True, cwd=folder, stdout=subprocess.DEVNULL, timeout=60,
                           **other)  # fmt: skip

        run("initdb", "-D", data, "-U", "ledger", "-A", "trust", "-E", "UTF8", "--locale=C", "-N")
        settings = f"-k {folder} -c listen_addresses='' -c fsync=off -c max_connections=40"
        run("pg_ctl", "-D", data, "-w", "-l", f"{folder}/log", "-o", settings, "start")
        try:
            yield f"postgresql://ledger@/postgres?host={folder}"
        finally:
            run("pg_ctl", "-D", data, "-m", "immediate", "stop")


NUMBER = itertools.count()


@pytest.fixture
def empty_schema(server):
    """Return the URL of an empty schema, and a way to run SQL in it."""
    import sqlalchemy

    schema = f"ledger_{next(NUMBER)}"
    url = f"{server}&options=-csearch_path%3D{schema}"
    engine = sqlalchemy.create_engine(
        url.replace("postgresql:", "postgresql+psycopg:"), poolclass=sqlalchemy.NullPool
    )

    def run(sql):
        with engine.begin() as connection:
            found = connection.exec_driver_sql(sql)
            return found.fetchall() if found.returns_rows else None

    run(f"CREATE SCHEMA {schema}")
    return url, run


@pytest.fixture
def folder():
    with tempfile.TemporaryDirectory(dir=MEMORY) as name:
        yield Path(name)


@pytest.fixture
def file(folder):
    return folder / "budget.ledger"


@pytest.fixture(params=["sqlite", "postgresql"])
def where(request):
    """Return what `Ledger.open` takes, of either database."""
    if request.param == "sqlite":
        return request.getfixturevalue("file")
    return request.getfixturevalue("empty_schema")[0]


@pytest.fixture
def ledger(where, clock):
    return Ledger.open(where, clock=clock)


@pytest.fixture
def here():
    return Path(__file__).parent
