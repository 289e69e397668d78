"""Multiple comparison of forecasts: SPA test, Romano-Wolf StepM, model confidence set.

All three use one table of losses (``comparison.losses_by_date``: a date is one
observation) and a stationary bootstrap of its dates. Hansen's SPA test asks whether any
model is better than the benchmark, Romano and Wolf's steps ask which, and the model
confidence set asks which could be the best. ``arch`` resamples; three of its limits are
handled here:

- its SPA compares plain mean differences in spite of ``studentize``, so one model with
  volatile losses dominates. Differences are divided by their standard errors first.
- its StepM 8.0 fails once every model has been chosen, so the steps are taken here.
- its confidence set fails on two models with equal losses, so they are tested as one.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
from arch.bootstrap import MCS, SPA, StationaryBootstrap

from nse_lstm.errors import TableError


@dataclass(frozen=True)
class SpaTest:
    """P-values of the null hypothesis that no model is better than the benchmark.

    ``consistent`` is the p-value of the test; ``lower`` and ``upper`` (White's reality
    check) bound it. ``better`` are the models whose own difference exceeds the
    consistent critical value.
    """

    lower: float
    consistent: float
    upper: float
    better: tuple[str, ...]


def spa_test(
    losses: pd.DataFrame,
    *,
    benchmark: str,
    block: int,
    reps: int,
    seed: int,
    size: float = 0.05,
    studentized: bool = True,
) -> SpaTest:
    """Test whether any model is better than the benchmark (Hansen's SPA test).

    Parameters
    ----------
    losses : DataFrame of shape (n_dates, n_models)
        One column per model, the benchmark among them, in order of time, none missing.
    benchmark : str
        Its column.
    block : int
        Mean length of the stationary bootstrap's blocks, sessions.
    reps, seed : int
        Of the bootstrap; p-values are multiples of 1 / ``reps`` and may be 0.
    size : float
        Level of ``better``.
    studentized : bool
        Divide each model's differences by their standard error first, as Hansen does.

    Raises
    ------
    TableError
        If the benchmark is no column, no other model differs from it, or a loss is
        missing.

    References
    ----------
    .. [1] P. Hansen (2005). A test for superior predictive ability. JBES 23(4),
       365-380.
    """
    gains = _gains(losses, benchmark)
    if studentized:
        gains = gains / _errors(gains, block=block, reps=reps, seed=seed)
    test = _spa(gains, block=block, reps=reps, seed=seed)
    better = tuple(gains.columns[test.better_models(size)])
    p_values = test.pvalues
    return SpaTest(
        lower=float(p_values["lower"]),
        consistent=float(p_values["consistent"]),
        upper=float(p_values["upper"]),
        better=better,
    )


def romano_wolf_stepm(
    losses: pd.DataFrame,
    *,
    benchmark: str,
    block: int,
    reps: int,
    seed: int,
    size: float = 0.05,
) -> tuple[str, ...]:
    """Return the models that are better than the benchmark (Romano-Wolf StepM).

    The probability of even one false model is at most ``size``. Models that the test
    finds are removed and the rest is tested again, until no more are found.

    Parameters
    ----------
    losses, benchmark, block, reps, seed, size
        As for ``spa_test``, with studentised differences and consistent critical
        values.

    References
    ----------
    .. [1] J. Romano and M. Wolf (2005). Stepwise multiple testing as formalized data
       snooping. Econometrica 73(4), 1237-1282.
    """
    gains = _gains(losses, benchmark)
    gains = gains / _errors(gains, block=block, reps=reps, seed=seed)
    test = _spa(gains, block=block, reps=reps, seed=seed)
    left = np.ones(gains.shape[1], bool)
    found = test.better_models(size)
    while len(found):
        left[found] = False
        if not left.any():
            break
        test.subset(left)
        test.compute()
        found = test.better_models(size)
    return tuple(gains.columns[~left])


def model_confidence_set(
    losses: pd.DataFrame,
    *,
    size: float,
    block: int,
    reps: int,
    seed: int,
    method: Literal["R", "max"] = "R",
) -> pd.DataFrame:
    """Return the model confidence set: the models that could be the best.

    Parameters
    ----------
    losses : DataFrame of shape (n_dates, n_models)
        One column per model, in order of time, none missing.
    size : float
        The set holds the best model with probability at least 1 - ``size``.
    block, reps, seed : int
        Of the stationary bootstrap.
    method : {"R", "max"}
        Statistic of the equality test and elimination rule: the largest difference of
        any two models (more powerful), or of one from the mean.

    Returns
    -------
    DataFrame
        ``model``, ``p_value``, ``included``, in order of the columns. Models with
        equal losses share one result.

    Raises
    ------
    TableError
        If a loss is missing.

    References
    ----------
    .. [1] P. Hansen, A. Lunde and J. Nason (2011). The model confidence set.
       Econometrica 79(2), 453-497.
    """
    _check(losses)
    first = _first_alike(losses)
    distinct = losses[list(dict.fromkeys(first))]
    p_values = pd.Series(1.0, index=distinct.columns)
    if distinct.shape[1] > 1:
        test = MCS(
            distinct, size, reps=reps, block_size=block, method=method, seed=seed
        )
        test.compute()
        p_values = test.pvalues["Pvalue"]
    own = p_values[first].to_numpy(float)
    return pd.DataFrame(
        {"model": losses.columns, "p_value": own, "included": own > size}
    )


def _gains(losses: pd.DataFrame, benchmark: str) -> pd.DataFrame:
    """Return the benchmark's loss minus each other model's, by date."""
    _check(losses)
    if benchmark not in losses:
        raise TableError(
            f"Expected losses of {benchmark}. Received: {list(losses.columns)}"
        )
    gains = losses.drop(columns=benchmark).rsub(losses[benchmark], axis=0)
    gains = gains.loc[:, (gains != 0).any()]
    if gains.empty:
        raise TableError(
            f"Expected a model that differs from {benchmark}. Received: none"
        )
    return gains


def _check(losses: pd.DataFrame) -> None:
    missing = int(losses.isna().sum().sum())
    if missing or losses.empty:
        raise TableError(
            "Expected losses at some dates, none missing. "
            f"Received: shape {losses.shape}, {missing} missing"
        )


def _errors(gains: pd.DataFrame, *, block: int, reps: int, seed: int) -> pd.Series:
    """Return the bootstrap standard error of each mean gain."""
    bootstrap = StationaryBootstrap(block, gains.to_numpy(), seed=seed)
    means = bootstrap.apply(lambda rows: rows.mean(axis=0), reps)
    return pd.Series(means.std(axis=0), index=gains.columns)


def _spa(gains: pd.DataFrame, *, block: int, reps: int, seed: int) -> SPA:
    values = gains.to_numpy()
    test = SPA(np.zeros(len(values)), -values, block_size=block, reps=reps, seed=seed)
    test.compute()
    return test


def _first_alike(losses: pd.DataFrame) -> list[str]:
    """Return for each model the first one with equal losses."""
    values = losses.to_numpy()
    alike = (values[:, :, None] == values[:, None, :]).all(axis=0)
    return [str(losses.columns[place]) for place in alike.argmax(axis=1)]
