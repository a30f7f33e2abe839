r"""One total learned by PyMC-Marketing, by a ridge regression as Robyn's, and by budgetopt.

    OMP_NUM_THREADS=1 python benchmarks/peers_one_total.py                # 12 designs, 2 seeds
    OMP_NUM_THREADS=1 python benchmarks/peers_one_total.py --only ridge,budgetopt --seeds 10

The markets and the columns are those of `one_total`, with nothing declared. Every learner's curves
go to the same exact allocation, so that what differs is what was learned. It needs the extra
``bench``.

- **PyMC-Marketing**: its `MMM` with geometric adstock of eight weeks, logistic saturation, two
  yearly waves and a linear trend as control, as its example notebook has them; all priors are its
  defaults. Sampled by nutpie, `CHAINS` chains of `TUNED` and `DRAWN` draws; the saved InferenceData
  is read by `budgetopt.exchange.read_pymc`. Decided by the mean of its draws.
- **ridge**: Robyn's recipe (Runge, Patter and Skokan 2023, "Robyn: a new approach", and its R
  code): trend and season taken out of the outcome beforehand as two columns, geometric adstock, a
  Hill curve whose inflection lies between least and most of the carried-over money, coefficients
  of at least zero by ridge regression, and `TRIALS` searches of `STEPS` steps by Nevergrad's
  TwoPointsDE over adstocks, curves and penalty for a small error (NRMSE) and effects shared out as
  the money is (DECOMP.RSSD). Decided by the model on the first Pareto front nearest to no error of
  both kinds; its bands are those of the first fronts with at least a hundred models.
- **budgetopt**: `learn`, decided by the default policy.
"""

from __future__ import annotations

import argparse
import pickle
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import one_total as markets
from scipy.optimize import nnls

import budgetopt as bo
from budgetopt.arrays import Floats
from budgetopt.curves import Hill
from budgetopt.exchange import CurveDraws, read_pymc

CHAINS, TUNED, DRAWN = 2, 500, 500
"""Its default is four chains of 1,000 and 1,000, four times as long."""
TRIALS, STEPS = 2, 2000
LEAST_MODELS = 100
"""Models on the first Pareto fronts together, as Robyn's default asks."""


class Learned(NamedTuple):
    """What a peer says: draws of curves, and the curves by which it decides."""

    draws: CurveDraws
    decides: CurveDraws


def pymc_marketing(case: markets.Case, seed: int) -> Learned:
    """Return what PyMC-Marketing's model with its default priors says."""
    import pandas as pd
    from pymc_marketing.mmm import GeometricAdstock, LogisticSaturation
    from pymc_marketing.mmm.multidimensional import MMM

    names = list(case.history.channels)
    data = pd.DataFrame(np.asarray(case.history.spend), columns=names)
    data.insert(0, "date", pd.to_datetime(np.asarray(case.history.weeks)))
    data["trend"] = np.arange(len(data), dtype=float)
    model = MMM(
        date_column="date",
        channel_columns=names,
        control_columns=["trend"],
        adstock=GeometricAdstock(l_max=8),
        saturation=LogisticSaturation(),
        yearly_seasonality=2,
    )
    model.fit(
        data,
        pd.Series(case.total, name="y"),
        nuts_sampler="nutpie",
        chains=CHAINS,
        tune=TUNED,
        draws=DRAWN,
        cores=1,
        progressbar=False,
        random_seed=seed,
    )
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.nc"
        model.idata.to_netcdf(str(path))
        draws = read_pymc(path)
    return Learned(draws, draws)


class Ridge(NamedTuple):
    """One regression: errors of both kinds, and a Hill curve of a steady week a channel."""

    error: float
    uneven: float
    curve: Hill


def ridge(case: markets.Case, seed: int) -> Learned:
    """Return what a search over ridge regressions as Robyn's says."""
    import nevergrad

    spend = np.asarray(case.history.spend)
    beside = _trend_and_season(case)
    count = spend.shape[1]
    found: list[Ridge] = []
    for trial in range(TRIALS):
        space = nevergrad.p.Array(shape=(3 * count + 1,), lower=0.0, upper=1.0)
        search = nevergrad.optimizers.registry["TwoPointsDE"](space, budget=STEPS)
        search.parametrization.random_state = np.random.RandomState(1000 * seed + trial)
        for _ in range(STEPS):
            asked = search.ask()
            model = _regress(case, spend, beside, np.asarray(asked.value))
            found.append(model)
            search.tell(asked, [model.error, model.uneven])
    fronts = _fronts(np.array([(model.error, model.uneven) for model in found]))
    order = np.argsort(fronts, kind="stable")
    last = fronts[order[LEAST_MODELS - 1]]
    shown = [found[at] for at in np.flatnonzero(fronts <= last)]
    best = [found[at] for at in np.flatnonzero(fronts == 0)]
    size = np.array([(model.error, model.uneven) for model in best])
    size = (size - size.min(axis=0)) / np.maximum(np.ptp(size, axis=0), 1e-12)
    chosen = best[int(np.argmin(np.hypot(*size.T)))]
    return Learned(*(_draws(case, models) for models in (shown, [chosen])))


def _trend_and_season(case: markets.Case) -> Floats:
    """Return a trend with a knot every half year and a yearly season, fitted to the totals."""
    at = np.arange(len(case.total), dtype=float)
    turn = 2 * np.pi * at * 7 / 365.25
    knots = np.maximum(at[:, None] - np.arange(0, len(at) - 13, 26.0), 0.0) / len(at)
    waves = np.stack([wave(n * turn) for n in (1, 2, 3) for wave in (np.cos, np.sin)], axis=1)
    columns = np.column_stack([np.ones_like(at), knots, waves])
    usual = case.total / case.total.mean()
    penalty = np.diag(np.r_[0.0, np.full(columns.shape[1] - 1, 0.05)])
    fitted = np.linalg.solve(columns.T @ columns + penalty, columns.T @ usual)
    parts = 1 + knots.shape[1]
    return np.stack([columns[:, :parts] @ fitted[:parts], waves @ fitted[parts:]], axis=1)


def _regress(case: markets.Case, spend: Floats, beside: Floats, asked: Floats) -> Ridge:
    """Return the regression at one point of the search."""
    count = spend.shape[1]
    theta = 0.8 * asked[:count]
    shape = 0.5 + 2.5 * asked[count : 2 * count]
    gamma = 0.3 + 0.7 * asked[2 * count : 3 * count]
    money = spend.copy()
    for week in range(1, len(money)):
        money[week] += theta * money[week - 1]
    half = money.min(axis=0) + gamma * np.ptp(money, axis=0)
    media = money**shape / (money**shape + half**shape)
    columns = np.column_stack([media, beside])
    away, size = columns - columns.mean(axis=0), columns.std(axis=0)
    scaled = away / np.maximum(size, 1e-12)
    total = case.total - case.total.mean()
    unit = float(total.std())
    # Robyn's largest penalty is a thousand times this correlation, and what it reports is 1e-5 to
    # 1e-4 of that; searched evenly, as Robyn does, such penalties would hardly be tried.
    most = np.abs(scaled.T @ total).max() / unit
    penalty = most * 10.0 ** (4.0 * asked[-1] - 3.0)
    # The two other columns may have either sign: their negatives stand beside them.
    both = np.column_stack([scaled, -scaled[:, count:]])
    rows = np.vstack([both, np.sqrt(penalty) * np.eye(both.shape[1])])
    solved, _ = nnls(rows, np.r_[total / unit, np.zeros(both.shape[1])])
    fit = unit * (both @ solved)
    error = float(np.sqrt(np.mean((total - fit) ** 2)) / np.ptp(case.total))
    top = unit * solved[:count] / np.maximum(size[:count], 1e-12)
    effect = (top * media).sum(axis=0)
    money_share = spend.sum(axis=0) / spend.sum()
    share = effect / effect.sum() if effect.sum() > 0 else np.zeros(count)
    uneven = float(np.sqrt(np.sum((share - money_share) ** 2)))
    # A steady week's money adds up over the weeks that carry it.
    return Ridge(error, uneven, Hill(top, half * (1 - theta), shape))


def _fronts(errors: Floats) -> np.ndarray[Any, np.dtype[np.intp]]:
    """Return each model's Pareto front, the first `LEAST_MODELS` or more; the rest have none."""
    front = np.full(len(errors), np.iinfo(np.intp).max)
    left, number = np.arange(len(errors)), 0
    while np.sum(front < np.iinfo(np.intp).max) < LEAST_MODELS:
        order = left[np.lexsort((errors[left, 1], errors[left, 0]))]
        lowest = np.minimum.accumulate(errors[order, 1])
        on = np.r_[True, errors[order[1:], 1] < lowest[:-1]]
        front[order[on]] = number
        left, number = order[~on], number + 1
    return front


def _draws(case: markets.Case, models: list[Ridge]) -> CurveDraws:
    """Return models as draws; a coefficient of zero is next to none, as curves rise."""
    least = 1e-9 * float(case.total.mean())
    parts = [[getattr(m.curve, part) for m in models] for part in ("top", "half", "shape")]
    top, half, shape = (np.array(part).T for part in parts)
    return CurveDraws(case.history.channels, Hill(np.maximum(top, least), half, shape))


def score(learner: Callable[[markets.Case, int], Learned], case: markets.Case, seed: int) -> Any:
    """Return a peer's figures on one market, as `one_total.score` has ours."""
    began = time.perf_counter()
    said = learner(case, seed)
    seconds = time.perf_counter() - began
    mean = case.spend.mean(axis=0)
    true = np.asarray(case.curve.value(case.spend)).sum(axis=0)
    told = sum(said.decides.value(week).mean(axis=0) for week in case.spend)
    now, gains = float(case.curve.value(mean).sum()), []
    for near in (False, True):
        decided = bo.allocate(markets.plan_of(case, near), said.decides)
        proven = bo.allocate(markets.plan_of(case, near, case.curve))
        chosen, best = (np.array(list(a.spend.values()), dtype=float) for a in (decided, proven))
        gains.append(tuple(float(case.curve.value(s).sum()) / now - 1 for s in (chosen, best)))
    # Where our bands are asked: at the usual spend, that of weeks with any.
    usual = case.spend.sum(axis=0) / (case.spend > 0).sum(axis=0)
    held = []
    for level in (0.8, 0.9):
        ends = 50 - 50 * level, 50 + 50 * level
        for truth, draws in (
            (case.curve.value(usual), said.draws.curves.value(usual[:, None])),
            (case.curve.slope(usual), said.draws.curves.slope(usual[:, None])),
        ):
            low, high = np.percentile(draws, ends, axis=1)
            held.append((low <= truth) & (truth <= high))
    error = np.abs(told - true) / true
    return markets.Score(
        error, float(told.sum() / true.sum()), gains[0], gains[1], np.array(held), seconds
    )


LEARNERS: dict[str, Callable[[markets.Case, int], Any]] = {
    "budgetopt": lambda case, _: markets.score(case, False, None),
    "ridge": lambda case, seed: score(ridge, case, seed),
    "pymc-marketing": lambda case, seed: score(pymc_marketing, case, seed),
}


def scored(name: str, design: str, seed: int, store: Path | None) -> Any:
    """Return the figures of one learner on one market, from the store where they are there."""
    kept = store and store / f"{name}-{design.replace(' ', '_')}-{seed}.pickle"
    if kept and kept.exists():
        return pickle.loads(kept.read_bytes())
    found = LEARNERS[name](markets.case_of(markets.DESIGNS[design], seed), seed)
    if kept:
        kept.write_bytes(pickle.dumps(found))
    return found


def main() -> None:
    """Print the table, a row a learner and design, and one for all designs."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--designs", default=",".join(markets.DESIGNS))
    parser.add_argument("--only", default=",".join(LEARNERS))
    parser.add_argument("--store", type=Path, help="folder that keeps what is done")
    given = parser.parse_args()
    warnings.simplefilter("ignore")
    names, designs = given.only.split(","), given.designs.split(",")
    found = {
        (name, design, seed): scored(name, design, seed, given.store)
        for seed in range(given.seeds)
        for design in designs
        for name in names
    }
    head = ("learner", *markets.HEAD)
    print("| " + " | ".join(head) + " |\n|" + "---|" * len(head))
    for title, some in [*((one, [one]) for one in designs), ("**all**", designs)]:
        for name in names:
            mine = [found[name, one, seed] for one in some for seed in range(given.seeds)]
            print("| " + " | ".join([name, *markets.row_of(title, mine)]) + " |")


if __name__ == "__main__":
    main()
