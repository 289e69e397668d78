"""Share of the oracle's rank IC that each model recovers on simulated markets.

    python benchmarks/recovered.py --markets 10 --signal 0.12

Markets are drawn straight into tables, all models are fitted on the years before the
last and judged on it, on the monthly universe, dealt a session later. The mean over
markets is printed with its standard error. At signal 0 there is nothing to recover, and
the rank ICs themselves should be 0.
"""

import argparse
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd

from nse_lstm.config import Market, Simulation, Study
from nse_lstm.data.simulate import SimulatedMarket, simulate_market
from nse_lstm.evaluation.blending import blend_ranks
from nse_lstm.evaluation.oracle import share_recovered
from nse_lstm.evaluation.rank_ic import daily_rank_ic
from nse_lstm.features.folds import make_folds
from nse_lstm.features.indicators import build_features
from nse_lstm.features.targets import build_targets
from nse_lstm.models.bundles import load_bundle
from nse_lstm.models.pooled import forecast_v3, v3_job
from nse_lstm.models.rivals import forecast_rivals
from nse_lstm.models.training import train
from nse_lstm.study.rivals import ENSEMBLE, MEMBERS

STUDY = Study(market=Market(name="simulated", label="Simulated", simulated=True))
FIRST_SEED = 201


def main() -> None:
    """Measure market by market, then print the means."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--markets", type=int, default=10)
    parser.add_argument("--signal", type=float, default=0.12)
    parser.add_argument("--last-year", type=int, default=2016)
    given = parser.parse_args()
    simulation = Simulation(last_year=given.last_year, signal=given.signal)
    tables = []
    for seed in range(FIRST_SEED, FIRST_SEED + given.markets):
        market = simulate_market(simulation, seed=seed)
        tables.append(measure(market, year=given.last_year).assign(market=seed))
        print(tables[-1].to_string(index=False), flush=True)
    print(summarise(pd.concat(tables)).to_string())


def measure(market: SimulatedMarket, *, year: int) -> pd.DataFrame:
    """Return rank IC and share recovered of every model, one row a model and horizon.

    The share is missing where the oracle has nothing to forecast.
    """
    forecasts = all_forecasts(market, year=year)
    ics = daily_rank_ic(forecasts, market.panel)
    means = ics.groupby(["model", "horizon"])["rank_ic"].mean()
    shares = {
        key: share_recovered(
            rows, market.oracle, market.panel, verdict=STUDY.verdict, seed=1
        ).share
        for key, rows in forecasts.groupby(["model", "horizon"])
        if market.oracle["y_hat"].any()
    }
    share = pd.Series(shares, dtype=float).reindex(means.index).rename("share")
    return pd.concat([means, share], axis=1).reset_index()


def all_forecasts(market: SimulatedMarket, *, year: int) -> pd.DataFrame:
    """Fit ridge, trees and v3 on the years before one and forecast it."""
    (fold, _) = make_folds(year + 1, 1)
    cross_section = STUDY.cross_section
    features = build_features(market.panel, cross_section=cross_section)
    targets = [
        build_targets(
            market.panel, cross_section=cross_section, delay=1, horizon=horizon
        )
        for horizon in cross_section.horizons
    ]
    rivals = [
        forecast_rivals(
            features,
            table,
            fold,
            cross_section=cross_section,
            rivals=STUDY.rivals,
            seed=STUDY.seed,
        )
        for table in targets
    ]
    each = pd.concat(rivals)
    each = each[each["model"].isin(MEMBERS)]
    each = pd.concat([each, pooled_forecasts(features, targets, year=year)])
    return pd.concat([each, blend_ranks(each, MEMBERS, name=ENSEMBLE)])


def pooled_forecasts(
    features: pd.DataFrame, targets: list[pd.DataFrame], *, year: int
) -> pd.DataFrame:
    """Fit v3 through the engine, in a folder that does not stay."""
    (fold, _) = make_folds(year + 1, 1)
    job = v3_job(
        features,
        targets,
        fold,
        v3=STUDY.v3,
        cross_section=STUDY.cross_section,
        seed=STUDY.seed,
        version="1",
    )
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "v3"
        train([job], study=STUDY, folder_of=lambda _: path)
        return forecast_v3(load_bundle(path), features, targets, fold)


def summarise(table: pd.DataFrame) -> pd.DataFrame:
    """Return mean and standard error over the markets."""
    grouped = table.groupby(["model", "horizon"])[["rank_ic", "share"]]
    errors = grouped.std() / np.sqrt(table["market"].nunique())
    return grouped.mean().join(errors, rsuffix="_error").round(4)


if __name__ == "__main__":
    main()
