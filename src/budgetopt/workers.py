"""Work that is handed to an executor of `concurrent.futures`, and done again where it is lost."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Executor, Future
from typing import Any, Generic, TypeVar

from budgetopt.errors import BudgetoptError

T = TypeVar("T")


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
        for _ in range(2):
            if self._future is None:
                break
            try:
                return self._future.result()
            except BudgetoptError:
                raise
            except Exception:  # noqa: BLE001 (each engine says in its own words that a worker died)
                self._future = self._submit()
        # The executor is gone for good, or the failure is the call's own and arises here too.
        return self._call(*self.args)

    @property
    def done(self) -> bool:
        """Whether its answer is there."""
        future = self._future
        there = future is not None and future.done() and not future.cancelled()
        return there and future is not None and future.exception() is None

    def cancel(self) -> None:
        """Drop it where nobody has begun with it."""
        if self._future is not None:
            self._future.cancel()

    def _submit(self) -> Future[T] | None:
        try:
            return self._executor.submit(self._call, *self.args)
        except Exception:  # noqa: BLE001 (an engine that takes no more work)
            return None
