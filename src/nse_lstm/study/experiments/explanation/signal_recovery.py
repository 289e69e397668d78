"""Measure the share of a simulated market's planted signal that each model recovers.

A market has one planted part, so a model's share is the share of that part. Two
benchmarks know the simulator's formula but not its weights: a ridge on the three
memories behind the signal, and a ridge on these and all features. The gap from the
oracle to the first is the cost of finite data, from the first to the second the cost of
more features, and from the second to the plain ridge the cost of imprecise features.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from nse_lstm.config import CrossSection, Simulation, Study
from nse_lstm.data.simulate import SimulatedMarket
from nse_lstm.data.simulation.signals import SignalState, update_state
from nse_lstm.evaluation.oracle import recovered_table
from nse_lstm.features.cross_sectional_rank import cross_sectional_rank
from nse_lstm.features.folds import Fold, make_folds
from nse_lstm.features.market_panel import make_market_panel, to_rows
from nse_lstm.models.tabular_models import fit_ridge, return_per_rank, split_rows
from nse_lstm.study.experiments.ranking_task import forecast_all, make_ranking_task
from nse_lstm.study.experiments.search_spaces import RankingTask
from nse_lstm.tables import FORECASTS, RANKED_FEATURES, conform


@dataclass(frozen=True)
class Kind:
    """A kind of market: the strength and the part of its planted signal."""

    signal: float
    """``Simulation.signal``."""
    parts: tuple[float, float, float]
    """``Simulation.signal_parts``."""

    def simulation(self, *, last_year: int, n_ordinary: int) -> Simulation:
        """Return the settings of one such market.

        Parameters
        ----------
        last_year : int
        n_ordinary : int
            Number of ordinary stocks.
        """
        return Simulation(
            last_year=last_year,
            n_ordinary=n_ordinary,
            signal=self.signal,
            signal_parts=self.parts,
        )


KINDS = {
    "linear": Kind(0.12, (1.0, 0.0, 0.0)),
    "nonlinear": Kind(0.12, (0.0, 1.0, 0.0)),
    "stock": Kind(0.12, (0.0, 0.0, 1.0)),
    "mixed": Kind(0.12, (0.5, 0.25, 0.25)),
    "none": Kind(0.0, (1.0, 0.0, 0.0)),
}
"""One planted part each, the simulated market's own mixture, and no signal."""

MEMORIES = ("price_memory", "turnover_memory", "volatility_memory")
BENCHMARKS = {
    "ridge_memories": MEMORIES,
    "ridge_memories_and_features": (*MEMORIES, *RANKED_FEATURES),
}
"""Inputs of each benchmark's ridge."""
PRIOR = (0.02, 1e6)
"""Volatility and turnover of a stock before its first row."""


def measure_market(
    market: SimulatedMarket, *, study: Study, year: int, models: tuple[str, ...]
) -> pd.DataFrame:
    """Return rank IC and recovered share of every model and benchmark in one year.

    Parameters
    ----------
    market : SimulatedMarket
    study : Study
        Settings of the models, which are fitted on all years before ``year``.
    year : int
        The scored year, on the monthly universe at the trading delay.
    models : tuple of str
        As for ``ranking_task.forecast_all``.

    Returns
    -------
    DataFrame
        ``evaluation.oracle.recovered_table`` of models and benchmarks.
    """
    fold = make_folds(year + 1, 1)[0]
    task = make_ranking_task(market.panel, study=study, folds=[fold])
    forecasts = pd.concat(
        [forecast_all(task, models, fold), _forecast_benchmarks(task, fold)],
        ignore_index=True,
    )
    return recovered_table(forecasts, market, verdict=study.verdict, seed=study.seed)


def read_memories(panel: pd.DataFrame, *, cross_section: CrossSection) -> pd.DataFrame:
    """Compute the simulator's three memories from printed prices and turnover.

    Each is in units of the stock's volatility so far and ranked within the session's
    universe. A session's row is known after its close.

    Parameters
    ----------
    panel : DataFrame
        ``PANEL`` of the whole market, as far as it may be seen.
    cross_section : CrossSection
        The universe of the ranks.

    Returns
    -------
    DataFrame
        ``ticker session`` and ``MEMORIES``, one row per row of the panel.
    """
    market = make_market_panel(panel, cross_section)
    log_return = np.nan_to_num(market.log_return.to_numpy())
    turnover = market.turnover.where(market.turnover > 0).to_numpy()
    volatility, prior = (np.full(log_return.shape[1], value) for value in PRIOR)
    state = SignalState.initial(volatility=volatility, turnover=prior)
    rows = np.empty((len(MEMORIES), *log_return.shape))
    for number, (move, traded) in enumerate(zip(log_return, turnover, strict=True)):
        state = update_state(state, move, traded)
        rows[:, number] = state.recent * np.sqrt(state.variance[0])
    index, columns = market.log_return.index, market.log_return.columns
    ranks = {
        name: cross_sectional_rank(
            pd.DataFrame(values, index, columns).where(market.listed), market.member
        )
        for name, values in zip(MEMORIES, rows, strict=True)
    }
    return to_rows(ranks, market.listed, time="session")


def _forecast_benchmarks(task: RankingTask, fold: Fold) -> pd.DataFrame:
    """Fit both benchmarks and forecast every horizon; ``FORECASTS``."""
    section = task.study.cross_section
    memories = read_memories(task.panel, cross_section=section)
    features = task.features.merge(memories, on=["ticker", "session"])
    blocks = []
    for targets in task.targets:
        rows = split_rows(features, targets, fold, purge=section.purge)
        unit = return_per_rank(
            rows.train["y_rank"].to_numpy(), rows.train["y_excess"].to_numpy()
        )
        for model, columns in BENCHMARKS.items():
            X, ahead = (
                np.nan_to_num(part[list(columns)].to_numpy())
                for part in (rows.train, rows.forecast)
            )
            weights, constant = fit_ridge(
                X,
                rows.train["y_rank"].to_numpy(),
                alpha=task.study.tabular.stock_ridge_alpha,
            )
            rank = np.einsum("ij,j->i", ahead, weights) + constant
            blocks.append(rows.forecast.assign(model=model, y_hat=unit * rank))
    table = pd.concat(blocks, ignore_index=True).assign(
        seed=0, fold=fold.year, price_hat=np.nan, lower=np.nan, upper=np.nan
    )
    return conform(table, FORECASTS)
