"""Throw spoilt files at the readers of histories and models: only typed errors, and soon.

    python benchmarks/fuzz_readers.py --inputs 100000 --workers 2 [--seed 0] [--what models]

Histories are small exports of every platform in several encodings, workbooks, parquet files, with
bytes, cells and lines spoilt. Each is recognised by its columns or read with those it was made of,
some of them beside a second file. Models are what Robyn exports, saved models of Meridian and
PyMC-Marketing, tables of curves, and paths of customers. Our own files are histories as `write`
lays them out for each tool, templates that are filled in, and plans. Frames are of pandas, polars,
pyarrow and parquet, with odd cells and columns of odd kinds. Ledgers are of every version and of a
lived week, with bytes, pages, tables, rows and hashes changed, or databases of other programs.
"""

from __future__ import annotations

import argparse
import collections
import contextlib
import datetime as dt
import decimal
import functools
import importlib
import io
import json
import multiprocessing
import os
import random
import resource
import sqlite3
import sys
import tempfile
import time
import traceback
import warnings
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

MOST_SECONDS = 5.0
MOST_MEBIBYTES = 1024
MEMORY = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
"""A disk in memory, where there is one: a ledger waits for the disk at every transaction."""
WORKBOOKS = 2000
"""Workbooks that are spoilt in turn: to write one takes longer than to read it."""
ENCODINGS = ("utf-8", "utf-8", "utf-8-sig", "utf-16", "utf-16-le", "gbk", "cp1252", "big5")
TOKENS = (
    "", " ", "--", "NaN", "inf", "-1", "1e999", "1e-320", "1.234,56", "1,23,4", "１２", "¥5",
    "5 EUR", "12%", "3万", "=1+1", '="2025-09-01"', "2025-09-31", "31/12/2025", "12/31/2025",
    "2025-W60", "20250901", "45901",
    "2025-09-01 至 2025-09-07", "2025-09-01 13:00", "Total", "合计: 2个计划",
    "Gesamt", "a\u202eb", "\x00", "\x1b[2J", '"', '""', "'", "\r", "\n", "\t", ";", "|", ",,,,",
    "品牌", "é", "e\u0301", "9" * 400, "x" * 5000,
)  # fmt: skip
CELLS = (
    None, True, False, 0, -1, 1e300, -0.5, 20250901, 45901, "=1/0", "=A1", "#REF!", "Total", "--",
    dt.datetime(2025, 9, 1), dt.datetime(2025, 9, 1, 13), dt.date(1900, 1, 1), dt.time(3),
    dt.timedelta(days=3), "x" * 40_000, "2025-09-01", "1.234,56", "",
)  # fmt: skip


@functools.cache
def exported(platform: str) -> tuple[str, Any]:
    """Return five days of a platform's export, as the tests write it, and its columns."""
    from budgetopt.history import recognise

    module = importlib.import_module("tests.history.test_platform_layouts")
    layout = module.LAYOUTS[platform]
    # All days say what the first ones leave open, such as the order of day and month.
    short, whole = (module.sample(layout, layout.get("mark", ","), module.DAYS[:n])[0]
                    for n in (5, 21))  # fmt: skip
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a.csv"
        path.write_text(whole, "utf-8")
        return short, recognise(path).columns


PLATFORMS = ("Google Ads", "Meta", "TikTok", "巨量引擎", "百度", "腾讯广告", "GA4", "CM360", "")


def spoilt_text(rng: random.Random, text: str) -> str:
    """Return a text with a few things wrong."""
    for _ in range(rng.choice((1, 1, 2, 3, 6))):
        lines, at = text.split("\n"), rng.randrange(len(text) + 1)
        line = rng.randrange(len(lines))
        kind = rng.randrange(7)
        if kind == 0:
            text = text[:at] + rng.choice(TOKENS) * rng.choice((1, 1, 3)) + text[at:]
        elif kind == 1:
            text = text[:at] + text[at + rng.choice((1, 3, 40)) :]
        elif kind == 2:
            text = "\n".join(lines[:line] + lines[line + 1 :])
        elif kind == 3:
            text = "\n".join(lines[: line + 1] * rng.choice((1, 2)) + lines[line:])
        else:
            mark = rng.choice(",,,;\t")
            cells = lines[line].split(mark)
            cells[rng.randrange(len(cells))] = rng.choice(TOKENS)
            lines[line] = mark.join(cells)
            text = "\n".join(lines)
    return text


def spoilt_bytes(rng: random.Random, data: bytes) -> bytes:
    """Return bytes with a few of them changed, left out or doubled."""
    made = bytearray(data)
    for _ in range(rng.choice((1, 2, 8, 40))):
        at = rng.randrange(len(made) or 1)
        kind = rng.randrange(4)
        if kind == 0 and made:
            made[at] = rng.randrange(256)
        elif kind == 1:
            del made[at : at + rng.choice((1, 2, 100))]
        elif kind == 2:
            made[at:at] = made[at : at + rng.choice((1, 50))]
        else:
            made[at:at] = bytes(rng.randrange(256) for _ in range(rng.choice((1, 4))))
    return bytes(made)


def spoilt_zip(rng: random.Random, data: bytes) -> bytes:
    """Return a zip, such as a workbook, with one of its parts spoilt inside."""
    stream = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as whole, zipfile.ZipFile(stream, "w") as made:
        names = whole.namelist()
        sheets = [name for name in names if "sheet" in name or "Strings" in name]
        spoilt = rng.choice(sheets if rng.random() < 0.8 else names)
        for name in names:
            part = whole.read(name)
            if name == spoilt and rng.random() < 0.5:
                part = spoilt_bytes(rng, part)
            elif name == spoilt:
                pieces = part.decode("utf-8").replace(">", ">\n")
                part = spoilt_text(rng, pieces).replace(">\n", ">").encode("utf-8", "replace")
            made.writestr(name, part)
    return stream.getvalue()


@functools.cache
def workbook(seed: int) -> bytes:
    """Return a workbook with some cells that nobody expects."""
    import openpyxl

    rng = random.Random(seed)
    book = openpyxl.Workbook()
    rows = [["Report"], ["week", "channel", "spend", "outcome"]]
    first = dt.date(2025, 9, 1)
    for number in range(6):
        rows.append([first + dt.timedelta(weeks=number), "a", 100.5 + number, 3])
    for _ in range(rng.choice((0, 1, 2, 5))):
        row = rng.choice(rows)
        row[rng.randrange(len(row))] = rng.choice(CELLS)
    for row in rows:
        book.active.append(row)
    if rng.random() < 0.3:
        book.create_sheet("other").append(rng.choice(rows))
    stream = io.BytesIO()
    book.save(stream)
    return stream.getvalue()


@functools.cache
def parquet() -> bytes:
    """Return a parquet file."""
    import pandas as pd

    frame = pd.DataFrame({"week": ["2025-09-01", "2025-09-08"], "channel": ["a", "a"],
                          "spend": [1.5, 2.5], "outcome": [3, 4]})  # fmt: skip
    return frame.to_parquet()


def attempt(seed: int, folder: Path) -> str:
    """Read one spoilt input; return how it ended."""
    from budgetopt.history import Columns, History, recognise

    rng = random.Random(seed)
    kind = rng.random()
    columns = Columns()
    if kind < 0.8:
        text, columns = exported(rng.choice(PLATFORMS))
        text = spoilt_text(rng, text)
        encoding = rng.choice(ENCODINGS)
        data = text.encode(encoding, "replace")
        columns = replace(columns, encoding=encoding) if rng.random() < 0.9 else columns
        data = spoilt_bytes(rng, data) if rng.random() < 0.2 else data
        path = folder / rng.choice(("a.csv", "a.csv", "a.txt", "a.tsv"))
    elif kind < 0.97:
        path, data = folder / "a.xlsx", workbook(rng.randrange(WORKBOOKS))
        spoil = rng.choice((spoilt_bytes, spoilt_zip, lambda _, whole: whole))
        data = spoil(rng, data)
    else:
        path, data = folder / "a.parquet", spoilt_bytes(rng, parquet())
    path.write_bytes(data)
    if rng.random() < 0.4:
        found = recognise(path)
        History.read(path, found.columns, week_start=found.week_start)
        return "read as recognised"
    if kind < 0.1:
        (folder / "b.csv").write_text(text, "utf-8")
        columns = Columns(sources=(replace(columns, file=path.name),
                                   replace(columns, file="b.csv", encoding=None)))  # fmt: skip
        History.read([path, folder / "b.csv"], columns)
        return "read beside another"
    History.read(path, columns)
    return "read as declared"


@functools.cache
def models() -> dict[str, bytes]:
    """Return a whole file of each kind that has curves, as the tests write it."""
    import pandas as pd

    robyn, meridian, pymc = (importlib.import_module(f"tests.exchange.test_exchange_{name}")
                             for name in ("robyn", "meridian", "pymc"))  # fmt: skip
    points = "channel,spend,mean\na,0,0\na,10,5\na,30,9\nb,0,0\nb,5,2\n"
    draws = "channel,draw,spend,outcome\na,0,10,5\na,0,30,9\na,1,10,4\na,1,30,8\n"
    parameters = "channel,kind,top,half,shape\na,hill,20,30,1\nb,hill,10,5,2\n"
    tables = {"points.csv": points, "draws.csv": draws, "parameters.csv": parameters}
    found = {name: text.encode() for name, text in tables.items()}
    paths = {"path": ["a > b", "抖音", "b > a"], "conversions": [3, 4, 5.5], "lost": [9, 0, 1]}
    frame, stream = (
        pd.DataFrame(paths | {"week": ["2025-09-01", "2025-09-01", "2025-09-08"]}),
        io.BytesIO(),
    )
    frame.to_excel(stream, index=False)
    found |= {"paths.csv": frame.to_csv(index=False).encode(), "paths.xlsx": stream.getvalue()}
    for adstock in ("geometric", "weibull_cdf", "weibull_pdf"):
        found[f"{adstock}.json"] = json.dumps(robyn.exported(adstock)).encode()
    with tempfile.TemporaryDirectory() as name:
        found["pymc.nc"] = pymc.saved(Path(name)).read_bytes()
        model, data = meridian.files(Path(name), meridian.layout(None), meridian.model_data(None))
        found |= {"model.nc": model.read_bytes(), "data.csv": data.read_bytes()}
    return found


def attempt_model(seed: int, folder: Path) -> str:
    """Read one spoilt file of curves; return how it ended."""
    from budgetopt.exchange import attribute, read_curves, read_meridian

    rng = random.Random(seed)
    name = rng.choice(sorted(models()))
    data = models()[name]
    if name.endswith(".xlsx") and rng.random() < 0.8:
        data = spoilt_zip(rng, data)
    elif name.endswith((".nc", ".xlsx")) or rng.random() < 0.4:
        data = spoilt_bytes(rng, data)
    else:
        encoding = rng.choice(("utf-8",) * 6 + ENCODINGS) if name == "paths.csv" else "utf-8"
        data = spoilt_text(rng, data.decode()).encode(encoding, "replace")
    pair = ("model.nc", "data.csv")
    for each in pair if name in pair else ():
        (folder / each).write_bytes(models()[each])
    (folder / name).write_bytes(data)
    if name in pair:
        read_meridian(*(folder / each for each in pair), draws=3)
    elif name.startswith("paths"):
        attribute(folder / name, lost="lost", week="week")
    else:
        read_curves(folder / name)
    return f"read {name}"


@functools.cache
def own_files() -> dict[str, bytes]:
    """Return a whole file of each kind that is written here."""
    import numpy as np

    from budgetopt import History, Plan
    from budgetopt.exchange import LAYOUTS, history_sheet, template, write

    root = Path(__file__).resolve().parents[1]
    weeks = np.datetime64("2025-09-01") + 7 * np.arange(3)
    spend = np.array([[1.5, 20], [0, 30.25], [7, np.nan]])
    history = History(("a", "抖音"), weeks, spend, outcome=2 * spend, partial=[False, False, True])
    beside = {"price": np.array([-1.5, 0, 3])}
    total = History(("a", "抖音"), weeks, spend, total=[-5, 7.5, np.nan], controls=beside)
    whole = (root / "tests" / "plan" / "every_field.toml").read_bytes()
    found = {"every.toml": whole}
    with tempfile.TemporaryDirectory() as name:
        for layout in LAYOUTS:
            for suffix in (".csv", ".tsv", ".xlsx", ".parquet", ".json"):
                path = Path(name) / f"{layout}{suffix}"
                write(history_sheet(history, layout), path)
                found[path.name] = path.read_bytes()
                path = path.with_stem(f"{layout} total")
                write(history_sheet(total, layout), path)
                found[path.name] = path.read_bytes()
        plan = Plan.load(root / "examples" / "weekly" / "plan.toml")
        made = template(plan, weeks=2, week=dt.date(2025, 9, 1))
        found["template.xlsx"] = made
        every = Path(name) / "every.toml"
        every.write_bytes(whole)
        found["every.json"] = Plan.load(every).to_json().encode()
    return found


@functools.cache
def filled(seed: int) -> bytes:
    """Return the template with numbers in some of its cells."""
    import openpyxl

    rng = random.Random(seed)
    book = openpyxl.load_workbook(io.BytesIO(own_files()["template.xlsx"]))
    sheet = book.worksheets[0]
    for row in range(5, sheet.max_row + 1):
        for letter in "CD":
            sheet[f"{letter}{row}"] = rng.choice((*CELLS, *[100.5] * 60))
    stream = io.BytesIO()
    book.save(stream)
    return stream.getvalue()


def attempt_own(seed: int, folder: Path) -> str:
    """Read one spoilt file of our own; return how it ended."""
    from budgetopt import History, Plan
    from budgetopt.exchange import read_history

    rng = random.Random(seed)
    name = rng.choice(sorted(own_files()))
    data = filled(seed % 50) if name == "template.xlsx" else own_files()[name]
    if name.endswith(".xlsx") and rng.random() < 0.7:
        data = spoilt_zip(rng, data)
    elif name.endswith((".xlsx", ".parquet")) or rng.random() < 0.2:
        data = spoilt_bytes(rng, data)
    else:
        encoding = rng.choice(("utf-8",) * 9 + ("utf-16",))
        data = spoilt_text(rng, data.decode()).encode(encoding, "replace")
    (folder / name).write_bytes(data)
    if name.startswith("every"):
        Plan.load(folder / name)
    elif name == "template.xlsx":
        History.read(folder / name)
    else:
        read_history(folder / name)
    return f"read {Path(name).suffix}"


def attempt_frame(seed: int, folder: Path) -> str:
    """Read one data frame with cells and kinds of columns that nobody expects."""
    import pandas as pd
    import polars
    import pyarrow

    from budgetopt.exchange import attribute
    from budgetopt.history import Columns, History

    rng = random.Random(seed)
    odd = (*CELLS, *TOKENS, pd.NA, pd.NaT, float("nan"), decimal.Decimal("1.5"), b"x", [1],
           {"a": 1}, 2j, 10**400, pd.Timestamp("2025-09-01 13:00", tz="Asia/Shanghai"))  # fmt: skip
    kinds = ("string", "category", "Int64", "Float32", "boolean", "datetime64[ns, UTC]", "object",
             "timedelta64[s]", "complex128", "string[pyarrow]", "period[D]")  # fmt: skip
    weeks = [dt.date(2025, 9, 1) + dt.timedelta(weeks=n) for n in range(6)]
    frame = pd.DataFrame(
        {"week": weeks, "channel": ["a"] * 6, "spend": [100.5] * 6, "outcome": [3] * 6}
    )
    for _ in range(rng.choice((1, 1, 2, 4))):
        name = rng.choice(list(frame))
        cells = frame[name].tolist()
        if rng.random() < 0.6:
            cells[rng.randrange(6)] = rng.choice(odd)
        made = pd.Series(cells, dtype=object)
        with contextlib.suppress(Exception):
            made = made.astype(rng.choice(kinds))
        frame[name] = made
    if rng.random() < 0.2:
        frame.columns = rng.choices(["week", "channel", "spend", "outcome", 3, None, ""], k=4)
    given, library = frame, rng.choice(("pandas", "pandas", "polars", "pyarrow", "parquet"))
    try:
        if library == "polars":
            given = polars.DataFrame(frame.to_dict("list"), strict=False)
        elif library == "pyarrow":
            given = pyarrow.Table.from_pandas(frame)
        elif library == "parquet":
            frame.to_parquet(folder / "a.parquet")
    except Exception:  # noqa: BLE001 - there is no such frame
        return "no such frame"
    if library == "parquet":
        History.read(folder / "a.parquet")
    elif rng.random() < 0.3:
        attribute(given, path="channel", conversions="spend", week="week")
    else:
        History.from_frame(given, Columns(rows=rng.choice(("weekly", "daily"))))
    return f"read {library}"


FOREIGN = (
    "CREATE TABLE notes (number INTEGER, text TEXT)",
    "INSERT INTO notes VALUES (1, 'milk')",
)
COLUMN = ("number", "at", "who", "kind", "week", "revision", "key", "plan", "previous", "hash",
          "body")  # fmt: skip
VALUES = (
    "NULL", "''", "-1", "0", "7", "1e300", "9223372036854775807", "'x'", "x'ff00fe'",
    "'2026-99-99'", "'plan'", "'{}'", "'[1'", "'NaN'", "'2026-01-05'", "zeroblob(100000)",
    "'2026-01-05T00:00:00'", "hex(zeroblob(40))",
)  # fmt: skip


@functools.cache
def ledgers() -> dict[str, bytes]:
    """Return a ledger of each version, one of a lived week, an empty one, and another database."""
    helpers = importlib.import_module("tests.workflow.helpers")
    from budgetopt.ledger import Ledger
    from budgetopt.workflow import approve, run_week

    root, found = Path(__file__).resolve().parents[1], {}
    scripts = {name: (root / "tests" / "ledger" / f"{name}_sqlite.sql").read_text("utf-8")
               for name in ("version_1", "version_2")}  # fmt: skip
    scripts["other"] = ";".join(FOREIGN)
    with tempfile.TemporaryDirectory() as name:
        for kind in (*scripts, "empty", "lived"):
            path = Path(name) / kind
            if kind in scripts:
                with contextlib.closing(sqlite3.connect(path)) as made:
                    made.executescript(scripts[kind])
            else:
                ledger = Ledger.open(path, clock=helpers.Clock())
            if kind == "lived":
                plan = helpers.plan()
                for _ in range(2):
                    run_week(
                        plan,
                        helpers.history(),
                        ledger,
                        who="Änn",
                        today="2026-03-30",
                        week=helpers.FIRST,
                    )
                approve(ledger, plan, helpers.FIRST, who="Bob")
            found[kind] = path.read_bytes()
    return found


def spoilt_rows(rng: random.Random, path: Path) -> None:
    """Change tables and rows of a database as another program would, hashes beside some of them."""
    from budgetopt.ledger.entry import COLUMNS, hash_of

    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as file:
        triggers = file.execute("SELECT name FROM sqlite_schema WHERE type = 'trigger'").fetchall()
        for (name,) in triggers if rng.random() < 0.9 else ():
            file.execute(f"DROP TRIGGER {name}")
        for _ in range(rng.choice((1, 1, 2, 4))):
            value, column, number = rng.choice(VALUES), rng.choice(COLUMN), rng.randrange(1, 9)
            statement = rng.choice((
                *[f"UPDATE ledger_entries SET {column} = {value} WHERE number = {number}"] * 8,
                f"UPDATE ledger_entries SET {column} = {value}",
                f"UPDATE ledger_head SET {rng.choice(('one', 'number', 'hash'))} = {value}",
                f"DELETE FROM {rng.choice(('ledger_entries', 'ledger_head'))}",
                f"DELETE FROM ledger_entries WHERE number = {number}",
                f"DROP TABLE {rng.choice(('ledger_entries', 'ledger_head'))}",
                f"ALTER TABLE ledger_entries DROP COLUMN {column}",
                f"ALTER TABLE ledger_entries RENAME COLUMN {column} TO other",
                f"PRAGMA user_version = {rng.choice((0, 1, 2, 3, 4, -5, 2**31 - 1))}",
                f"PRAGMA application_id = {rng.choice((0, 7, 1112502388))}",
                "DROP INDEX ledger_by_plan", "CREATE TABLE more (x)", "VACUUM",
                "CREATE VIEW v AS SELECT * FROM ledger_entries",
                "PRAGMA journal_mode = DELETE", "PRAGMA encoding = 'UTF-16'",
            ))  # fmt: skip
            with contextlib.suppress(sqlite3.Error):
                file.execute(statement)
        if rng.random() < 0.5:
            # Somebody who can compute the hashes.
            with contextlib.suppress(sqlite3.Error, TypeError, ValueError):
                rows = file.execute(f"SELECT {', '.join(COLUMNS)} FROM ledger_entries").fetchall()
                for row in rows:
                    stored = dict(zip(COLUMNS, row, strict=True))
                    file.execute("UPDATE ledger_entries SET hash = ? WHERE number = ?",
                                 (hash_of(stored), stored["number"]))  # fmt: skip


def attempt_ledger(seed: int, folder: Path) -> str:
    """Open one spoilt ledger, read all that it says, and record in it; return how it ended."""
    from budgetopt.ledger import Ledger
    from budgetopt.workflow import states_of

    rng = random.Random(seed)
    data = ledgers()[rng.choice((*ledgers(), "lived", "lived", "lived"))]
    path = folder / "budget.ledger"
    for end in ("", "-wal", "-shm", "-journal"):
        Path(f"{path}{end}").unlink(missing_ok=True)
    path.write_bytes(data)
    kind = rng.randrange(8)
    if kind < 3:
        path.write_bytes(spoilt_bytes(rng, data))
    elif kind == 3:
        # The header of the file or of one of its pages.
        at = rng.choice((0, rng.randrange(len(data) // 4096) * 4096)) + rng.randrange(110)
        path.write_bytes(data[:at] + rng.randbytes(rng.choice((1, 2, 8))) + data[at + 2 :])
    elif kind == 4:
        end = rng.choice((rng.randrange(len(data)), rng.randrange(len(data) // 4096) * 4096))
        path.write_bytes(rng.choice((data[:end], data[:end] + bytes(len(data) - end))))
    else:
        spoilt_rows(rng, path)
    if rng.random() < 0.05:
        Path(f"{path}-wal").write_bytes(rng.randbytes(rng.choice((0, 30, 5000))))
    ledger = Ledger.open(path, create=rng.random() < 0.5, timeout=0)
    ledger.verify(rng.choice((None, (1, "0" * 64))))
    if rng.random() < 0.3:
        with ledger.transaction("Änn") as t:
            t.add("note", {"text": "later"}, week="2026-03-30")
    plans = ledger.plans
    mine = ledger.of(plans[-1]) if plans else ledger
    for entry in (*mine.entries(), mine.latest("plan")):
        if entry is not None:
            json.dumps(entry.to_dict())
    states_of(mine)
    return "read ledger"


ATTEMPTS = {
    "histories": attempt,
    "ledgers": attempt_ledger,
    "models": attempt_model,
    "own": attempt_own,
    "frames": attempt_frame,
}


def peak() -> float:
    """Return the most memory that this process has held, in MiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def judge(seed: int, folder: Path, what: str = "histories") -> tuple[str, str]:
    """Return a verdict on one seed's input, and what is to be said of it."""
    from budgetopt.errors import BudgetoptError

    began, before = time.process_time(), peak()
    try:
        with warnings.catch_warnings():
            # What a library warns of today it refuses tomorrow; of workbooks it warns in any case.
            warnings.simplefilter("error")
            warnings.filterwarnings("ignore", module="openpyxl")
            verdict, text = ATTEMPTS[what](seed, folder), ""
    except BudgetoptError as refused:
        json.dumps(refused.to_dict())
        verdict, text = f"ok: {refused.code}", str(refused)
    except Exception as broken:  # noqa: BLE001 - whatever is untyped is the finding
        return "untyped", "".join(traceback.format_exception(broken)[-3:])
    took = time.process_time() - began
    if took > MOST_SECONDS:
        return "late", f"{took:.1f} s: {text}"
    # A peak of what ran in this process before is not this input's.
    if MOST_MEBIBYTES < peak() != before:
        return "large", f"{peak():.0f} MiB"
    return verdict, text


def work(job: tuple[int, int, str]) -> list[tuple[int, str, str]]:
    """Judge a range of seeds."""
    first, end, what = job
    with tempfile.TemporaryDirectory(dir=MEMORY, ignore_cleanup_errors=True) as folder:
        return [(seed, *judge(seed, Path(folder), what)) for seed in range(first, end)]


def main() -> int:
    """Run the fuzz and print its tally; exit 1 where anything is wrong."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--inputs", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--what", choices=sorted(ATTEMPTS), default="histories")
    args = parser.parse_args()
    ends = range(args.seed, args.seed + args.inputs, 100)
    jobs = [(a, min(a + 100, args.seed + args.inputs), args.what) for a in ends]
    tally: collections.Counter[str] = collections.Counter()
    with multiprocessing.get_context("spawn").Pool(args.workers) as pool:
        for results in pool.imap_unordered(work, jobs):
            for seed, verdict, text in results:
                tally[verdict] += 1
                if verdict in ("untyped", "late", "large") and tally[verdict] < 6:
                    print(f"{seed}: {verdict}: {text}", flush=True)
    print(json.dumps(dict(sorted(tally.items())), indent=2, ensure_ascii=False))
    return int(any(verdict in tally for verdict in ("untyped", "late", "large")))


if __name__ == "__main__":
    sys.exit(main())
