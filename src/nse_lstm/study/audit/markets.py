"""The small markets that the audit walks: the simulated one, and one of coin flips."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from nse_lstm.config import Simulation, Study
from nse_lstm.data.simulate import write_market
from nse_lstm.data.simulation.exchange import sessions_between
from nse_lstm.paths import Paths
from nse_lstm.study.core.workspace import Workspace

FIRST_YEAR, LAST_YEAR = 2022, 2024
N_ORDINARY = 6
NEAR_LIMIT = 0.015
COINS = ("ABSA", "COOP", "EQTY", "KCB")
MOVES = (0.008, 0.03)
"""Size of a coin-flip return: far above a tick, far below the daily limit."""
HEADER = (
    "Date,Code,Name,12m Low,12m High,Day Low,Day High,Day Price,Previous,Change,"
    "Change%,Volume,Adjust"
)


def audit_study(study: Study) -> Study:
    """Return the study at the audit's scale: its own rules, few and small networks.

    Dealing, verdict and the shape of the networks stay; the numbers of stocks, windows,
    epochs, cost levels and draws shrink. The daily limit is so near that orders lapse
    often, since a rule that never acts is not tested.
    """
    headline = study.backtest.headline_cost_bps
    return replace(
        study,
        market=replace(study.market, name="audit", simulated=False),
        test_year=LAST_YEAR,
        universe=replace(study.universe, n_recommended=2, min_sessions=150),
        folds=replace(study.folds, n_walk_forward=1),
        v1=replace(study.v1, max_windows=300, max_epochs=1),
        v2=replace(study.v2, lookback=8, units=4, dense_units=3),
        # The stages know one network a stock and year.
        v2_delay1=replace(study.v2_delay1, trained=False),
        training=replace(study.training, max_epochs=2),
        backtest=replace(
            study.backtest, cost_bps=tuple(sorted({0, headline})), limit=NEAR_LIMIT
        ),
        verdict=replace(study.verdict, bootstrap_reps=50, random_draws=3),
        cross_section=replace(
            study.cross_section,
            size=3,
            liquidity_sessions=20,
            min_traded_share=0.2,
            horizons=(1,),
        ),
        tabular=replace(
            study.tabular, min_stock_rows=50, boosting_rounds=5, min_leaf_rows=20
        ),
    )


def write_small(folder: Path, seed: int) -> None:
    """Write a simulated market of six shares and three years, file faults and all."""
    simulation = Simulation(
        first_year=FIRST_YEAR, last_year=LAST_YEAR, n_ordinary=N_ORDINARY, seed=seed
    )
    write_market(folder, simulation)


def write_coins(folder: Path, seed: int) -> None:
    """Write a market whose every return is up or down by the flip of a fair coin.

    A return's size is drawn apart from its sign, and the sign is independent of all
    that came before. So whatever knows the past only calls the direction right half
    the time, which makes its hits binomial, exactly.
    """
    sessions = sessions_between(FIRST_YEAR, LAST_YEAR)
    generator = np.random.default_rng([seed, 0xC011])
    n = len(sessions), len(COINS)
    size = generator.uniform(*MOVES, n)
    sign = np.where(generator.random(n) < 0.5, -1.0, 1.0)
    price = np.round(1000 * np.exp(np.cumsum(np.log1p(size * sign), axis=0)), 2)
    volume = 100 * generator.integers(1000, 9000, n)
    folder.mkdir(parents=True, exist_ok=True)
    for year in range(FIRST_YEAR, LAST_YEAR + 1):
        days = np.flatnonzero(sessions.year == year).tolist()
        rows = [_row(sessions, price, volume, day, j) for day in days for j in range(4)]
        path = folder / f"NSE_data_all_stocks_{year}.csv"
        path.write_text("\n".join([HEADER, *rows, ""]), encoding="ascii", newline="\n")


def open_audit(study: Study, root: Path, raw: Path) -> Workspace:
    """Return a workspace of its own for one walk."""
    return Workspace(study, Paths(root, study.market.name, raw))


def _row(
    sessions: pd.DatetimeIndex,
    price: np.ndarray,
    volume: np.ndarray,
    day: int,
    j: int,
) -> str:
    now = price[day, j]
    before = f"{price[day - 1, j]:.2f}" if day else "-"
    fields: Sequence[object] = (
        sessions[day].strftime("%d-%b-%Y"),
        COINS[j],
        "Coin",
        1,
        9999,
        *(f"{now:.2f}",) * 3,
        before,
        "-",
        "-",
        volume[day, j],
        "-",
    )
    return ",".join(map(str, fields))
