"""Small plans for every engine, solved in any order and context; a script for processes of its own.

As a script it answers the TASKS of the environment and writes JSON to the file ANSWERS, so that
whatever appears on stdout or stderr came from somewhere else.
"""

import json
import multiprocessing
import os
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from threading import Thread

import numpy as np

import budgetopt as bo
from budgetopt import Channel, Exponential, Hill, Limit, Plan

ENGINES = ("waterfill", "dual", "branch", "linear", "lots", "integer")
FOREIGN = "foreign"
"""In an order of engines: a run of the user's own HiGHS."""


def plan_of(seed):
    """Return a plan and the week before; every fifth is of a kind."""
    rng = np.random.default_rng(seed)
    size, kind = int(rng.integers(2, 4)), seed % 5
    channels = []
    for at in range(size):
        top, scale = float(rng.uniform(500, 2000)), float(rng.uniform(200, 900))
        shape = 2.5 if kind == 2 and at == 0 else 0.8
        curve = (
            Hill(top, scale, shape) if rng.random() < 0.5 or at == 0 else Exponential(top, scale)
        )
        lot = {3: (None, "100", None), 4: ("60", "100", "35")}.get(kind, (None,) * 3)[at]
        channels.append(Channel(f"c{at}", curve=curve, labels={"g": f"g{at}"}, lot=lot))
    limits = []
    if kind:
        limits.append(Limit.group("half", {"g": "g0"}, at_most="50%"))
    if kind == 3:
        limits.append(Limit.few_moves(size - 1))
    plan = Plan(budget=1000, currency="CNY", channels=channels, limits=limits, max_change="none")
    return plan, {f"c{at}": str(100 + 50 * at) for at in range(size)}


def answer(seed, engine):
    """Return the answer as text, errors included; the text of a foreign run is empty."""
    if engine.startswith(FOREIGN):
        foreign(int(engine.removeprefix(FOREIGN) or 0))
        return ""
    plan, last = plan_of(seed)
    try:
        return bo.allocate(plan, last=last, method=engine).to_json()
    except bo.SolverError as error:
        return json.dumps(error.to_dict())


def foreign(threads):
    """Solve a program as a user would, with so many threads (0: as HiGHS likes)."""
    from highspy import Highs, HighsVarType

    model = Highs()
    model.setOptionValue("output_flag", False)
    model.setOptionValue("threads", threads)
    columns, none = np.arange(4, dtype=np.int32), np.zeros(0, dtype=np.int32)
    model.addCols(4, -np.array([5.0, 4, 3, 7]), np.zeros(4), np.ones(4), 0, none, none, np.zeros(0))
    uses = np.array([2.0, 3, 1, 4])
    model.addRows(
        1, np.array([-np.inf]), np.array([5.0]), 4, np.zeros(1, dtype=np.int32), columns, uses
    )
    model.changeColsIntegrality(4, columns, np.full(4, HighsVarType.kInteger))
    model.run()
    return model.getModelStatus().name, model.getObjectiveValue()


def apart(work, *given):
    """Return what work returns in a thread of its own, where HiGHS has not run yet."""
    found = []
    thread = Thread(target=lambda: found.append(work(*given)))
    thread.start()
    thread.join()
    return found[0]


def in_order(seed, order):
    """Return the answers of engines one after the other in this thread, by engine."""
    return {engine: answer(seed, engine) for engine in order}


def job(task):
    return in_order(*task)


def forked(tasks):
    """Return the answers of tasks in one child that is forked from here."""
    read, write = os.pipe()
    child = os.fork()
    if not child:
        with open(write, "w") as pipe:
            json.dump([job(task) for task in tasks], pipe)
        os._exit(0)
    os.close(write)
    with open(read) as pipe:
        text = pipe.read()
    os.waitpid(child, 0)
    return json.loads(text)


def spawned(tasks):
    with ProcessPoolExecutor(2, mp_context=multiprocessing.get_context("spawn")) as pool:
        return list(pool.map(job, tasks))


def threaded(tasks):
    with ThreadPoolExecutor(4) as pool:
        return list(pool.map(job, tasks))


CONTEXTS = {
    "forked": forked,
    "spawned": spawned,
    "threaded": threaded,
    "here": lambda t: [*map(job, t)],
}


def main():
    """Answer tasks in a context, after everything ran in this process before."""
    context, tasks, before = json.loads(os.environ["TASKS"])
    for task in before:
        job(task)
    with open(os.environ["ANSWERS"], "w") as file:
        json.dump(CONTEXTS[context](tasks), file)


if __name__ == "__main__":
    main()
