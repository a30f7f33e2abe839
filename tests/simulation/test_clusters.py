"""Dask and Ray clusters on this machine: the same numbers to the bit."""

from concurrent.futures import Executor, Future
from functools import partial

import numpy as np
import pytest

from budgetopt.market import Competitor
from budgetopt.simulation import simulate

from .helpers import START, market, plan

pytestmark = pytest.mark.filterwarnings("default")
ask = partial(
    simulate, plan(), market(), ["optimistic", "thompson(1)"], weeks=2, runs=600, seed=3,
    scenarios=Competitor(chance=0.5), last=START, chunk=256,
)  # fmt: skip


def same(one, other):
    for policy, record in one.records.items():
        for mine, theirs in zip(record, other.records[policy], strict=True):
            np.testing.assert_array_equal(mine, theirs)


@pytest.mark.slow
def test_dask_gives_the_same_bits():
    distributed = pytest.importorskip("distributed")
    with (
        distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, dashboard_address=None
        ) as cluster,
        distributed.Client(cluster) as client,
        client.get_executor() as executor,
    ):
        same(ask(), ask(executor=executor))


class RayExecutor(Executor):
    """The few lines that make an executor of Ray."""

    def __init__(self, ray):
        self.remote = ray.remote(lambda work, *given: work(*given))

    def submit(self, fn, /, *args, **kwargs) -> Future:
        return self.remote.remote(partial(fn, **kwargs), *args).future()


@pytest.mark.slow
def test_ray_gives_the_same_bits():
    ray = pytest.importorskip("ray")
    ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False)
    try:
        same(ask(), ask(executor=RayExecutor(ray)))
    finally:
        ray.shutdown()
