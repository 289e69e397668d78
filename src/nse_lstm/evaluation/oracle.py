"""Share of the predictable signal that a model recovers on a simulated market.

The oracle is the forecast that knows the simulated market's signals. It is stored apart
from the data. Only this module reads it, to score models; only experiments and
benchmarks use this module.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from arch.bootstrap import StationaryBootstrap
from numpy.typing import NDArray

from nse_lstm.config import Verdict
from nse_lstm.data.simulate import SimulatedMarket
from nse_lstm.errors import TableError
from nse_lstm.evaluation.rank_ic import daily_rank_ic
from nse_lstm.paths import Paths
from nse_lstm.tables import FORECASTS, read_table

AIM = ["ticker", "origin", "delay", "horizon"]


@dataclass(frozen=True)
class Recovered:
    """A model's mean rank IC beside the oracle's, on the same stocks and sessions."""

    share: float
    """Fraction of the oracle's rank IC; missing where that is not above 0."""
    lower: float
    upper: float
    model_ic: float
    oracle_ic: float
    n: int
    """Sessions."""


def read_oracle(paths: Paths) -> pd.DataFrame:
    """Return the oracle's forecasts, ``tables.FORECASTS``.

    Raises
    ------
    ArtefactError
        If there are none, as on every real market.
    """
    return read_table(FORECASTS, paths.oracle)


def forecasts_of_oracle(market: SimulatedMarket, *, horizon: int) -> pd.DataFrame:
    """Return the oracle's forecasts of a simulated market in memory.

    Parameters
    ----------
    market : SimulatedMarket
        With the forecasts of all its horizons.
    horizon : int
        Sessions; one of ``simulation.direct.HORIZONS``.

    Returns
    -------
    DataFrame
        ``tables.FORECASTS`` of that horizon.
    """
    return market.oracle[market.oracle["horizon"] == horizon]


def share_recovered(
    forecasts: pd.DataFrame,
    oracle: pd.DataFrame,
    panel: pd.DataFrame,
    *,
    verdict: Verdict,
    seed: int,
) -> Recovered:
    """Return a model's mean rank IC as a fraction of the oracle's, with an interval.

    Both are measured on the rows that both forecast, and on the sessions in which both
    rank the stocks.

    Parameters
    ----------
    forecasts : DataFrame
        ``FORECASTS`` of one model and one horizon. Several seeds are averaged.
    oracle : DataFrame
        From ``read_oracle`` or ``simulate_market``.
    panel : DataFrame
        ``PANEL``, reaching as far as it is known.
    verdict : config.Verdict
        Confidence, block length and repetitions of the stationary bootstrap of
        sessions, which resamples both ICs of a session together.
    seed : int
        Of the bootstrap.

    Raises
    ------
    TableError
        If the forecasts are of more than one model, delay or horizon, or share no row
        with the oracle's.
    """
    daily = _daily(_one_aim(forecasts), oracle, panel)
    ics = daily.to_numpy()
    bootstrap = StationaryBootstrap(verdict.bootstrap_block, ics, seed=seed)
    means = bootstrap.apply(lambda rows: rows.mean(axis=0), verdict.bootstrap_reps)
    tail = (1 - verdict.confidence) / 2
    lower, upper = np.quantile(_share(means), [tail, 1 - tail])
    model_ic, oracle_ic = ics.mean(axis=0)
    return Recovered(
        share=float(_share(ics.mean(axis=0)[None])[0]),
        lower=float(lower),
        upper=float(upper),
        model_ic=float(model_ic),
        oracle_ic=float(oracle_ic),
        n=len(ics),
    )


def recovered_table(
    forecasts: pd.DataFrame, market: SimulatedMarket, *, verdict: Verdict, seed: int
) -> pd.DataFrame:
    """Return every model's mean rank IC on a market, and its fraction of the oracle's.

    Parameters
    ----------
    forecasts : DataFrame
        ``FORECASTS`` of any models and horizons, with the oracle's delay.
    market : SimulatedMarket
        The market that they forecast.
    verdict, seed
        As for ``share_recovered``.

    Returns
    -------
    DataFrame
        One row per model and horizon: ``rank_ic``, ``oracle_ic`` and ``share``. The
        latter two are missing where the market has no signal.
    """
    daily = daily_rank_ic(forecasts, market.panel)
    table = daily.groupby(["model", "horizon"])[["rank_ic"]].mean()
    table = table.assign(oracle_ic=np.nan, share=np.nan)
    if market.oracle["y_hat"].any():
        for key, rows in forecasts.groupby(["model", "horizon"]):
            found = share_recovered(
                rows, market.oracle, market.panel, verdict=verdict, seed=seed
            )
            table.loc[key, ["oracle_ic", "share"]] = found.oracle_ic, found.share
    return table.reset_index()


def summarise_recovered(table: pd.DataFrame) -> pd.DataFrame:
    """Return mean rank ICs over simulated markets with their standard errors.

    Parameters
    ----------
    table : DataFrame
        From ``recovered_table`` for several markets, with ``kind`` and ``market``.

    Returns
    -------
    DataFrame
        One row per kind, model and horizon: ``rank_ic``, ``oracle_ic``, ``share``, each
        with its ``_error``, and ``n_markets``. Markets are the observations.
    """
    grouped = table.groupby(["kind", "model", "horizon"])
    columns = ["rank_ic", "oracle_ic", "share"]
    n = grouped["market"].nunique().rename("n_markets")
    errors = grouped[columns].std().div(np.sqrt(n), axis=0)
    means = grouped[columns].mean().join(errors.add_suffix("_error"))
    return means.join(n).reset_index()


def _share(ics: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return model IC / oracle IC, missing where the oracle's is not above 0."""
    model_ic, oracle_ic = ics.T
    positive = np.where(oracle_ic > 0, oracle_ic, np.nan)
    return np.asarray(model_ic / positive, float)


def _one_aim(forecasts: pd.DataFrame) -> pd.DataFrame:
    aims = forecasts[["model", "delay", "horizon"]].drop_duplicates()
    if len(aims) != 1:
        raise TableError(
            "Expected forecasts of one model, delay and horizon. "
            f"Received: {len(aims)} of them"
        )
    places = ["entry_date", "target_date"]
    means = forecasts.groupby([*AIM, *places])[["y_hat"]].mean()
    return means.reset_index()


def _daily(
    forecasts: pd.DataFrame, oracle: pd.DataFrame, panel: pd.DataFrame
) -> pd.DataFrame:
    """Return both rank ICs by origin, columns ``model`` and ``oracle``."""
    known = oracle[[*AIM, "y_hat"]].rename(columns={"y_hat": "expected"})
    both = forecasts.merge(known, on=AIM, validate="one_to_one")
    both = both.dropna(subset=["y_hat", "expected"]).assign(seed=0, fold=0)
    contestants = [
        both.assign(model="model"),
        both.assign(model="oracle", y_hat=both["expected"]),
    ]
    ics = daily_rank_ic(pd.concat(contestants, ignore_index=True), panel)
    daily = ics.pivot(index="origin", columns="model", values="rank_ic")
    daily = pd.DataFrame(daily.reindex(columns=["model", "oracle"]).dropna())
    if daily.empty:
        raise TableError(
            "Expected sessions in which model and oracle rank the same stocks. "
            f"Received: none among {len(forecasts)} forecasts and {len(oracle)} of "
            "the oracle"
        )
    return daily
