"""Work that is handed to an executor of `concurrent.futures`, and done again where it is lost.

`Handed` is one such piece of work. `executor_at` reaches a cluster of Dask or Ray by its address:
Dask has an executor of its own, and `RayExecutor` makes one of Ray.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future
from contextlib import contextmanager, suppress
from functools import partial
from importlib import import_module
from typing import Any, Generic, TypeVar

from budgetopt.errors import BudgetoptError, InputError
from budgetopt.messages import Message, say

T = TypeVar("T")

_ENGINES = ("dask://", "ray://")
_LOCAL = "local"


class Handed(Generic[T]):
    """A call that was handed to a worker; if the worker dies, it is done again.

    Parameters
    ----------
    executor
        Who does it: processes, threads, Dask or Ray.
    call, args
        What is done; its answer is the same wherever it is.
    """

    def __init__(self, executor: Executor, call: Callable[..., T], *args: Any) -> None:
        self._executor, self._call, self.args = executor, call, args
        self._future = self._submit()

    def result(self) -> T:
        """Return the answer, from wherever it can be had.

        Raises
        ------
        BudgetoptError
            What the call raises.
        """
        for more in (1, 0):
            if self._future is None:
                break
            try:
                answer = self._future.result()
            except Exception:  # noqa: BLE001 (each engine says in its own words that a worker died)
                self._future = self._submit() if more else None
                continue
            if isinstance(answer, BudgetoptError):
                raise answer
            return answer
        # The executor is gone for good, or the failure is the call's own and arises here too.
        return self._call(*self.args)

    @property
    def done(self) -> bool:
        """Whether its answer is there."""
        future = self._future
        if future is None or not future.done() or future.cancelled():
            return False
        return future.exception() is None and not isinstance(future.result(), BudgetoptError)

    def cancel(self) -> None:
        """Drop it where nobody has begun with it."""
        if self._future is not None:
            self._future.cancel()

    def _submit(self) -> Future[T | BudgetoptError] | None:
        try:
            return self._executor.submit(_attempt, self._call, *self.args)
        except Exception:  # noqa: BLE001 (an engine that takes no more work)
            return None


def _attempt(call: Callable[..., T], *args: Any) -> T | BudgetoptError:
    """Return what a call answers, or our error: engines wrap what is raised in their own."""
    try:
        return call(*args)
    except BudgetoptError as error:
        return error


class RayExecutor(Executor):
    """An executor of the Ray cluster that this process is connected to; ``ray.init`` comes first.

    Examples
    --------
    >>> import ray                                                          # doctest: +SKIP
    >>> ray.init()                                                          # doctest: +SKIP
    >>> bo.simulate(plan, market, executor=RayExecutor())                   # doctest: +SKIP
    """

    def __init__(self) -> None:
        ray: Any = import_module("ray")
        self._run = ray.remote(_called)

    def submit(self, fn: Callable[..., T], /, *args: Any, **kwargs: Any) -> Future[T]:
        """Hand a call to a worker of the cluster."""
        future: Future[T] = self._run.remote(partial(fn, **kwargs), *args).future()
        return future


def _called(call: Callable[..., T], *args: Any) -> T:
    return call(*args)


@contextmanager
def executor_at(address: str, workers: int = 1) -> Iterator[Executor]:
    """Yield the executor of a cluster, and leave the cluster at the end.

    Parameters
    ----------
    address
        ``dask://HOST:PORT`` of a scheduler, ``ray://HOST:PORT`` of a Ray client server, or
        ``ray://auto`` on a machine of a Ray cluster; ``dask://local`` and ``ray://local`` start one
        on this machine and end it.
    workers
        Number of processes of a cluster that is started.

    Raises
    ------
    InputError
        ``bad-argument`` for another address, or one where no cluster answers; ``missing-extra``.
    """
    engine = next((one for one in _ENGINES if address.startswith(one)), None)
    place = address.removeprefix(engine or "")
    if engine is None or not place:
        raise _refused(address, say("field-is", field="executor", value=repr(address)))
    opened = _dask if engine == _ENGINES[0] else _ray
    with opened(address, place, workers) as executor:
        yield executor


@contextmanager
def _dask(address: str, place: str, workers: int) -> Iterator[Executor]:
    distributed = _engine("distributed")
    local = {"n_workers": workers, "threads_per_worker": 1, "dashboard_address": None}
    given = local if place == _LOCAL else {"address": f"tcp://{place}"}
    try:
        client = distributed.Client(**given)
    except (OSError, ValueError) as error:
        raise _refused(address, _unreached(address, error)) from error
    with client:
        # An impure call that was lost is really done again, where a pure one is its old failure.
        executor = client.get_executor(pure=False)
        try:
            yield executor
        finally:
            # A client that lost its cluster for good has nothing to call off.
            with suppress(Exception):
                executor.shutdown(wait=False)


@contextmanager
def _ray(address: str, place: str, workers: int) -> Iterator[Executor]:
    ray = _engine("ray")
    quiet: dict[str, Any] = {"log_to_driver": False, "logging_level": "WARNING"}
    if place == _LOCAL:
        given = {"num_cpus": workers, "include_dashboard": False} | quiet
    else:
        given = quiet | {"address": place if place == "auto" else address}
    try:
        ray.init(**given)
    except (OSError, ValueError, RuntimeError, ImportError) as error:
        # Half a connection would stand in the way of the next.
        ray.shutdown()
        raise _refused(address, _unreached(address, error)) from error
    try:
        yield RayExecutor()
    finally:
        ray.shutdown()


def _engine(package: str) -> Any:
    """Return the package of an engine, which types know nothing of where it is not installed."""
    try:
        return import_module(package)
    except ImportError:
        # Help lists the engines, and loads no catalogue for it.
        from budgetopt.i18n import missing_extra

        raise missing_extra(say("running-on-cluster"), package, "cluster", "executor") from None


def _unreached(address: str, error: Exception) -> Message:
    # Engines tell at length; the first line says what happened.
    why = (str(error).splitlines() or [type(error).__name__])[0]
    return say("executor-not-reached", executor=repr(address), why=why)


def _refused(address: str, problem: Message) -> InputError:
    return InputError("bad-argument", problem, field="executor", value=address,
                      remedy=say("remedy-executor"))  # fmt: skip
