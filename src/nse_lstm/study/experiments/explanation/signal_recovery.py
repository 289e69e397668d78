"""How much of what a simulated market plants each model finds, and why not all of it.

A market has one planted part only, so what a model recovers is recovered of that part.
Beside the models stand two readers that the simulator's formula is told to, but none of
its weights: a ridge on the three memories that it plants by, read from the prints as
anybody could, and one on those and all features. What the first lacks to the oracle is
the price of finite data; what the second lacks to the first, that of reading much else
besides; and what the plain ridge lacks to the second, that of features that say the
same less well.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from nse_lstm.config import CrossSection, Simulation, Study
from nse_lstm.data.simulate import SimulatedMarket
from nse_lstm.data.simulation.signals import Memory, remember
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
    """A kind of market: how much is planted, and of which part."""

    signal: float
    """``Simulation.signal``."""
    parts: tuple[float, float, float]
    """``Simulation.signal_parts``."""

    def simulation(self, *, last_year: int, n_ordinary: int) -> Simulation:
        """Return the dials of one such market."""
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
"""One planted part each, the simulated market's own mixture, and none."""

MEMORIES = ("price_memory", "busy_memory", "restless_memory")
READERS = {
    "ridge_memories": MEMORIES,
    "ridge_memories_and_features": (*MEMORIES, *RANKED_FEATURES),
}
"""What each reader is a ridge on."""
USUAL = (0.02, 1e6)
"""Volatility and turnover that a reader supposes of a share it has seen nothing of."""


def measure_market(
    market: SimulatedMarket, *, study: Study, year: int, models: tuple[str, ...]
) -> pd.DataFrame:
    """Return rank IC and share recovered of every model and reader in one year.

    Parameters
    ----------
    market : SimulatedMarket
    study : Study
        Settings of the models; fitted on all years before ``year``.
    year : int
        The year that is judged, by the monthly universe, dealt a session later.
    models : tuple of str
        As ``ranking_task.forecast_all`` takes them.

    Returns
    -------
    DataFrame
        ``evaluation.oracle.recovered_table`` of the models and the readers.
    """
    fold = make_folds(year + 1, 1)[0]
    ground = make_ranking_task(market.panel, study=study, folds=[fold])
    forecasts = pd.concat(
        [forecast_all(ground, models, fold), _forecast_readers(ground, fold)],
        ignore_index=True,
    )
    return recovered_table(forecasts, market, verdict=study.verdict, seed=study.seed)


def read_memories(panel: pd.DataFrame, *, cross_section: CrossSection) -> pd.DataFrame:
    """Read the simulator's three memories from the prints, as anybody could.

    Each is in units of the share's own volatility as seen so far, and placed among the
    session's universe. A session's row is known in its evening.

    Parameters
    ----------
    panel : DataFrame
        ``PANEL`` of the whole market, as far as it may be seen.
    cross_section : CrossSection
        The universe that places are taken in.

    Returns
    -------
    DataFrame
        ``ticker session`` and ``MEMORIES``, one row for each the panel has.
    """
    board = make_market_panel(panel, cross_section)
    log_return = np.nan_to_num(board.log_return.to_numpy())
    turnover = board.turnover.where(board.turnover > 0).to_numpy()
    volatility, usual = (np.full(log_return.shape[1], value) for value in USUAL)
    memory = Memory.blank(volatility=volatility, turnover=usual)
    rows = np.empty((len(MEMORIES), *log_return.shape))
    for place, (move, dealt) in enumerate(zip(log_return, turnover, strict=True)):
        memory = remember(memory, move, dealt)
        rows[:, place] = memory.recent * np.sqrt(memory.variance[0])
    index, columns = board.log_return.index, board.log_return.columns
    places = {
        name: cross_sectional_rank(
            pd.DataFrame(values, index, columns).where(board.listed), board.member
        )
        for name, values in zip(MEMORIES, rows, strict=True)
    }
    return to_rows(places, board.listed, time="session")


def _forecast_readers(ground: RankingTask, fold: Fold) -> pd.DataFrame:
    """Fit and forecast both readers at every horizon; ``FORECASTS``."""
    section = ground.study.cross_section
    memories = read_memories(ground.panel, cross_section=section)
    told = ground.features.merge(memories, on=["ticker", "session"])
    blocks = []
    for targets in ground.targets:
        rows = split_rows(told, targets, fold, purge=section.purge)
        unit = return_per_rank(
            rows.train["y_rank"].to_numpy(), rows.train["y_excess"].to_numpy()
        )
        for model, columns in READERS.items():
            X, ahead = (
                np.nan_to_num(part[list(columns)].to_numpy())
                for part in (rows.train, rows.forecast)
            )
            weights, constant = fit_ridge(
                X,
                rows.train["y_rank"].to_numpy(),
                alpha=ground.study.tabular.stock_ridge_alpha,
            )
            place = np.einsum("ij,j->i", ahead, weights) + constant
            blocks.append(rows.forecast.assign(model=model, y_hat=unit * place))
    table = pd.concat(blocks, ignore_index=True).assign(
        seed=0, fold=fold.year, price_hat=np.nan, lower=np.nan, upper=np.nan
    )
    return conform(table, FORECASTS)
