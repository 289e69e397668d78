"""The audit's two small markets: a simulated one, and one with random directions."""

import csv
import itertools
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from nse_lstm.config import Backtest, Claim, Simulation, Study
from nse_lstm.data.simulate import write_market
from nse_lstm.data.simulation.exchange import sessions_between
from nse_lstm.paths import Paths
from nse_lstm.study.core.workspace import Workspace

FIRST_YEAR, LAST_YEAR = 2020, 2024
"""The longest feature needs a year, and the blend's weights a forecast year before."""
N_ORDINARY = 6
NEAR_LIMIT = 0.015
HEADLINE_BPS = 2
FIRST_RANKED = 2022
"""First year that the ranking models forecast; the walk-forward year is the next."""
FOLD_YEARS = (2023, 2024)
STALE_MONTH, BREAK_MONTH = "May", "Nov"
"""The simulated faults and bonus issues lie in other months."""
BREAK_SESSIONS = 12
"""More than two weeks."""
IDLE_SESSIONS = 3
LOW, HIGH, PRICE, PREVIOUS, CHANGE, PER_CENT, VOLUME, ADJUST = range(5, 13)
"""Columns of a price file."""
NONE = ("", "-")
TICKERS = ("ABSA", "COOP", "EQTY", "KCB")
MOVES = (0.008, 0.03)
"""Size of a random return: far above a tick, far below the daily limit."""
HEADER = (
    "Date,Code,Name,12m Low,12m High,Day Low,Day High,Day Price,Previous,Change,"
    "Change%,Volume,Adjust"
)


def shrink_study(study: Study) -> Study:
    """Return the study at the audit's scale: the same rules, few and small networks.

    Backtest, verdict and the networks' layers stay. The numbers of stocks, windows,
    epochs, cost levels and draws shrink. The daily limit is tight so that orders often
    lapse, and the headline cost is low so that the cost gate trades: a rule that never
    acts is not tested. There are several rank LSTMs per year. Bills pay another rate
    every month, to a few months before the end, and tax is withheld in the last year.
    """
    headline = HEADLINE_BPS
    return replace(
        study,
        market=replace(study.market, name="audit", simulated=False),
        test_year=LAST_YEAR,
        universe=replace(study.universe, n_recommended=3, min_sessions=150),
        folds=replace(study.folds, n_walk_forward=1),
        v1=replace(study.v1, max_windows=300, max_epochs=1),
        v2=replace(study.v2, lookback=8, units=4, dense_units=3),
        # Networks; ``shrink_for_networks`` trains them.
        stock_lstm=replace(study.stock_lstm, trained=False),
        training=replace(study.training, max_epochs=2),
        backtest=replace(
            study.backtest,
            cost_bps=tuple(sorted({0, headline})),
            headline_cost_bps=headline,
            limit=NEAR_LIMIT,
            # The small market has the exchange's index, whatever the study's has.
            indices=Backtest().indices,
            capacity_kes=(study.backtest.capital_kes,),
            n_starts=3,
            bill_rates=_bill_rates(),
            withholding_tax={LAST_YEAR: {"bill": 0.15, "dividend": 0.05}},
        ),
        verdict=replace(study.verdict, bootstrap_reps=50, random_draws=3),
        cross_section=replace(
            study.cross_section,
            # One of six stocks stays out, so that the universe changes.
            size=5,
            liquidity_sessions=20,
            min_traded_share=0.2,
            horizons=(1,),
        ),
        tabular=replace(
            study.tabular,
            first_year=FIRST_RANKED,
            min_stock_rows=50,
            boosting_rounds=5,
            min_leaf_rows=20,
        ),
        rank_lstm=replace(
            study.rank_lstm,
            first_year=FIRST_RANKED,
            n_seeds=2,
            lookback=5,
            units=2,
            deep_units=2,
            distillation_folds=2,
            every=5,
            max_epochs=1,
        ),
        portfolio=replace(study.portfolio, n_names=1, horizon=1, n_starts=2),
        claims=replace(
            study.claims,
            bootstrap_reps=50,
            family=tuple(_small_claim(claim, study) for claim in study.claims.family),
        ),
    )


def _small_claim(claim: Claim, study: Study) -> Claim:
    """Return a claim on models and a horizon that the small market has."""
    if claim.statistic in ("skill", "direction"):
        return replace(claim, model=study.verdict.model)
    return replace(claim, horizon=1) if claim.statistic == "rank_ic" else claim


def shrink_for_networks(study: Study) -> Study:
    """Return the small study with the stock LSTM, and else as few networks as it needs.

    Parameters
    ----------
    study : Study
        From ``shrink_study``.
    """
    return replace(
        study,
        universe=replace(study.universe, n_recommended=2),
        stock_lstm=replace(
            study.stock_lstm,
            trained=True,
            lookback=5,
            units=2,
            n_members=2,
            n_pool=3,
            pool_epochs=1,
            pool_warm_up_steps=2,
            max_epochs=1,
            warm_up_steps=2,
        ),
    )


def write_small_market(folder: Path, seed: int) -> None:
    """Write a simulated market of six stocks and five years, with file faults.

    Each fold gets a session that copies the one before, and a break of the calendar, so
    that every kind of origin is there.

    Parameters
    ----------
    folder : Path
        Of the raw files.
    seed : int
    """
    simulation = Simulation(
        first_year=FIRST_YEAR, last_year=LAST_YEAR, n_ordinary=N_ORDINARY, seed=seed
    )
    write_market(folder, simulation)
    for year in FOLD_YEARS:
        path = folder / f"NSE_data_all_stocks_{year}.csv"
        _plant_conditions(path, year, seed + year)


def write_random_market(folder: Path, seed: int) -> None:
    """Write a market in which the sign of every return is drawn with probability 1/2.

    The sign is independent of the return's size and of the past. So a forecast from
    the past alone hits the direction with probability one half, and its number of hits
    is exactly binomial.

    Parameters
    ----------
    folder : Path
        Of the raw files, made where it is missing.
    seed : int
    """
    sessions = sessions_between(FIRST_YEAR, LAST_YEAR)
    generator = np.random.default_rng([seed, 0xC011])
    n = len(sessions), len(TICKERS)
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


def _plant_conditions(path: Path, year: int, seed: int) -> None:
    """Let one session repeat the one before, and leave two weeks out.

    In the first fold's year a stock does not trade on its ex-date either.
    """
    header, *rows = list(csv.reader(path.read_text("utf-8").splitlines()))
    boards: dict[str, list[list[str]]] = {}
    for row in rows:
        boards.setdefault(row[0], []).append(row)
    names = list(boards)
    stale = [n for n in names if f"-{STALE_MONTH}-" in n]
    place = names.index(stale[1 + seed % (len(stale) - 2)])
    copied = {row[1]: row for row in boards[names[place - 1]]}
    boards[names[place]] = [
        [row[0], *copied.get(row[1], row)[1:]] for row in boards[names[place]]
    ]
    late = [n for n in names if f"-{BREAK_MONTH}-" in n]
    start = seed % (len(late) - BREAK_SESSIONS)
    for name in late[start : start + BREAK_SESSIONS]:
        del boards[name]
    if year == FOLD_YEARS[0]:
        _stop_trading_at_ex_date(boards)
    with path.open("w", encoding="utf-8", newline="") as lines:
        writer = csv.writer(lines, lineterminator="\n")
        writer.writerows([header, *(row for board in boards.values() for row in board)])


def _stop_trading_at_ex_date(boards: dict[str, list[list[str]]]) -> None:
    """Leave the first stock with an ex-date at its old price, without volume, for days.

    The price follows when the stock trades again.
    """
    for day, after in itertools.pairwise(boards.values()):
        before = {row[1]: row for row in day}
        for row in after:
            old = before.get(row[1])
            if old is not None and old[ADJUST] not in NONE and row[ADJUST] in NONE:
                _repeat(boards, row[1], row[0], old[PRICE])
                return


def _repeat(
    boards: dict[str, list[list[str]]], ticker: str, start: str, price: str
) -> None:
    names = list(boards)
    first = names.index(start)
    for number, name in enumerate(names[first : first + IDLE_SESSIONS + 1]):
        for row in boards[name]:
            if row[1] != ticker:
                continue
            row[CHANGE] = row[PER_CENT] = "-"
            if number:
                row[PREVIOUS] = price
            if number < IDLE_SESSIONS:
                row[LOW] = row[HIGH] = row[PRICE] = price
                row[VOLUME] = "-"


def open_audit(study: Study, root: Path, raw: Path) -> Workspace:
    """Return a workspace for one run.

    Parameters
    ----------
    study : Study
        Of ``shrink_study``.
    root, raw : Path
        Folder of the run's artefacts, and of its raw files.
    """
    return Workspace(study, Paths(root, study.market.name, raw))


def _bill_rates() -> dict[str, float]:
    """Return invented rates by month, each far from its neighbours'."""
    months = pd.period_range(f"{FIRST_YEAR - 1}-12", f"{LAST_YEAR}-09", freq="M")
    return {str(m): 0.04 + 0.01 * (5 * place % 7) for place, m in enumerate(months)}


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
        TICKERS[j],
        "Random",
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
