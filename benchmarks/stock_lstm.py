"""Measure the stock LSTM's accuracy beside its benchmarks, and its cost beside v2's.

Trains every fold of a folder of price files through the study's own functions, and
scores the next session's price at delay 0 on the origins of v2. Benchmarks are a pooled
ridge and boosted trees on the same channels (five sessions of them), fitted on all
windows of the pool before the year. Intervals are of means over sessions, each session
the mean of its stocks. ``--permuted`` trains on targets whose order is drawn at random,
which must leave no skill. ``--cost YEAR`` measures the processor's seconds of that
year's ten networks, v2's and these, in one process. Writes JSON and prints tables. The
accuracy is no profit: nobody can trade at the price that is forecast.
``--distribution`` scores the forecast quantiles instead, beside their benchmarks.
"""

import argparse
import json
import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from sklearn.ensemble import HistGradientBoostingRegressor
from threadpoolctl import threadpool_limits

from nse_lstm.config import override_study
from nse_lstm.deployment.gate import loss_interval
from nse_lstm.evaluation.comparison import diebold_mariano, losses_by_date
from nse_lstm.evaluation.distribution_scores import ALL_YEARS
from nse_lstm.evaluation.scoring import realised
from nse_lstm.features.folds import Fold
from nse_lstm.features.returns import with_returns
from nse_lstm.features.stock_channels import StockChannels, build_stock_channels
from nse_lstm.features.windows import FoldSplit, Windows
from nse_lstm.models.baselines import forecast_rows
from nse_lstm.models.bundles import read_metadata
from nse_lstm.models.fitting import fit_bundle
from nse_lstm.models.jobs import Job, SampleJob
from nse_lstm.models.stock_lstm import POOL, STOCK_LSTM, stock_samples
from nse_lstm.models.tabular_models import fit_ridge
from nse_lstm.pages.distribution import distribution_table
from nse_lstm.paths import write_text
from nse_lstm.study.core import stock_lstm_jobs
from nse_lstm.study.core.jobs import bundle_folder, split_stock, v2_job
from nse_lstm.study.core.study_data import StudyData, open_study_data
from nse_lstm.study.core.workspace import Workspace, open_workspace
from nse_lstm.study.data_analysis.prepare import prepare_data
from nse_lstm.study.training.stock_lstm import train_stock_lstm
from nse_lstm.study.validation.distribution import judge_distribution
from nse_lstm.study.validation.validate import forecast_stocks
from nse_lstm.tables import PANEL, read_table

OUT = Path("build/bench/stock_lstm.json")
LAGS, ALPHA = 5, 100.0
RIVALS = ("channels_ridge", "channels_trees")
LEVEL = 0.95

Numbers = np.ndarray[Any, np.dtype[np.float64]]


def main() -> int:
    """Train, score, and write what was found."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--raw", default="../shared/nse", help="folder of price files")
    parser.add_argument("--market", default="nse")
    parser.add_argument("--first", type=int, default=2017)
    parser.add_argument("--last", type=int, default=2023)
    parser.add_argument("--settings", default="{}", help="JSON for [stock_lstm]")
    parser.add_argument("--permuted", action="store_true")
    parser.add_argument("--distribution", action="store_true")
    parser.add_argument("--cost", type=int, default=0)
    parser.add_argument("--out", default=str(OUT))
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="nse-bench-") as scratch:
        workspace = open_bench(options, Path(scratch))
        prepare_data(workspace)
        data = open_study_data(workspace)
        document: dict[str, Any] = {"settings": vars(options)}
        if options.cost:
            document["cost"] = measure_cost(data, options.cost, Path(scratch))
            print(document["cost"], flush=True)
        elif options.distribution:
            document |= measure_distribution(data)
        else:
            document |= measure_accuracy(data, permuted=options.permuted)
    write_text(Path(options.out), json.dumps(document, indent=1) + "\n")
    return 0


def open_bench(options: argparse.Namespace, root: Path) -> Workspace:
    """Open the study on a folder of its own; the last year is its test year."""
    workspace = open_workspace(
        str(root), market=options.market, raw=options.raw, test_year=options.last
    )
    # Before 2017 the exchange's files hold 997 sessions.
    overrides = {
        "folds": {"n_walk_forward": max(options.last - options.first, 1)},
        "universe": {"min_sessions": 900},
        "stock_lstm": json.loads(options.settings),
    }
    return replace(workspace, study=override_study(workspace.study, overrides))


def measure_accuracy(data: StudyData, *, permuted: bool) -> dict[str, Any]:
    """Train every fold and score the next session's price."""
    if permuted:
        stock_lstm_jobs.pool_job = partial(permute, stock_lstm_jobs.pool_job)
        stock_lstm_jobs.fine_tuning_job = partial(
            permute, stock_lstm_jobs.fine_tuning_job
        )
    train_stock_lstm(data, data.folds, progress=lambda line: print(line, flush=True))
    panel = read_table(PANEL, data.paths.processed / "panel.parquet")
    blocks = []
    for fold in data.folds:
        blocks.append(forecast_stocks(data, panel, fold))
        if not permuted:
            blocks.append(forecast_rivals(data, panel, fold))
    forecasts = pd.concat(blocks, ignore_index=True)
    joined = realised(forecasts, panel).dropna(subset="y")
    found = {
        "years": by_year(joined),
        "pooled": pooled(joined),
        "kept_pool": share_of_start(data),
    }
    for name, table in found.items():
        print(name, table if isinstance(table, float) else "", flush=True)
        if not isinstance(table, float):
            print(pd.DataFrame(table).to_string(float_format="{:.4g}".format))
    return found


def measure_distribution(data: StudyData) -> dict[str, Any]:
    """Train every fold and score its quantiles, all folds together too."""
    train_stock_lstm(data, data.folds, progress=lambda line: print(line, flush=True))
    panel = read_table(PANEL, data.paths.processed / "panel.parquet")
    found = judge_distribution(data, panel, data.folds, pooled=True)
    pooled_rows = found.scores[found.scores["fold"] == ALL_YEARS]
    print(distribution_table(pooled_rows).to_string(), flush=True)
    return {
        "scores": found.scores.to_dict("records"),
        "coverage": found.coverage.to_dict("records"),
    }


def permute(describe: Any, *given: Any, **how: Any) -> SampleJob:
    """Describe a job and draw the order of its targets at random."""
    job = describe(*given, **how)
    generator = np.random.default_rng([job.year, len(job.train)])
    spans = {
        name: replace(span, y=generator.permutation(span.y))
        for name in ("train", "validation")
        if (span := getattr(job, name)) is not None
    }
    return replace(job, **spans)


def forecast_rivals(data: StudyData, panel: pd.DataFrame, fold: Fold) -> pd.DataFrame:
    """Forecast a fold by ridge and trees on the channels of the last sessions."""
    study = data.study
    opened = stock_lstm_jobs.open_stock_fold(data, panel, fold)
    channels = build_stock_channels(
        panel[panel["session"] < fold.end],
        cross_section=study.cross_section,
        lookback=study.stock_lstm.lookback,
    )
    spans = [
        (ticker, windows)
        for ticker, split in opened.splits.items()
        for windows in (split.train, split.validation)
    ]
    X = np.concatenate([lagged(channels, *span) for span in spans])
    y = np.concatenate(
        [stock_samples(channels, *span).y[:, 0].astype(float) for span in spans]
    )
    slope, constant = fit_ridge(X, y, alpha=ALPHA)
    trees = HistGradientBoostingRegressor(
        learning_rate=0.03,
        max_iter=200,
        max_leaf_nodes=8,
        min_samples_leaf=200,
        max_features=0.2,
        l2_regularization=10.0,
        early_stopping=False,
        random_state=study.seed,
    )
    with threadpool_limits(1, user_api="openmp"):
        trees.fit(X, y)
    blocks = []
    for ticker, split in _splits(data, panel, fold, opened.names):
        own = lagged(channels, ticker, split.forecast)
        moves = (own @ slope + constant, trees.predict(own))
        sigma = channels.sigma_at(ticker, split.forecast.origin)
        for model, move in zip(RIVALS, moves, strict=True):
            price = split.forecast.last_price * np.exp(sigma * move)
            blocks.append(
                forecast_rows(
                    split.forecast,
                    price,
                    ticker=ticker,
                    model=model,
                    seed=study.seed,
                    year=fold.year,
                    horizon=study.v2.horizon,
                )
            )
    return pd.concat(blocks, ignore_index=True)


def _splits(
    data: StudyData, panel: pd.DataFrame, fold: Fold, names: tuple[str, ...]
) -> Iterator[tuple[str, FoldSplit]]:
    prices = with_returns(panel)
    for ticker in names:
        yield ticker, split_stock(data.study, prices, ticker, fold)


def lagged(channels: StockChannels, ticker: str, windows: Windows) -> Numbers:
    """Return the channels of the last five sessions of each window, side by side."""
    samples = stock_samples(channels, ticker, replace(windows, y=windows.last_price))
    table = channels.sequences.table
    parts = [table[samples.last - lag] for lag in range(LAGS)]
    return np.concatenate(parts, axis=1).astype(float)


def by_year(joined: pd.DataFrame) -> list[dict[str, Any]]:
    """Return each year's accuracy: see ``describe``."""
    return [
        {"year": int(str(year)), "model": model, **describe(rows, model)}
        for year, rows in joined.groupby("fold")
        for model in sorted(set(rows["model"]))
    ]


def pooled(joined: pd.DataFrame) -> list[dict[str, Any]]:
    """Return the accuracy over all years, and the differences from the benchmarks."""
    rows = []
    for model in sorted(set(joined["model"])):
        row = {"model": model, **describe(joined, model)}
        row["stocks_squared"], row["stocks_absolute"] = _mean_counts(joined, model)
        rows.append(row)
    return rows


def describe(joined: pd.DataFrame, model: str) -> dict[str, Any]:
    """Return skill, errors over persistence's, direction and tests of one model."""
    own = joined[joined["model"] == model]
    error = own["y"] - own["y_hat"]
    moving = own["y"].abs() > 1e-12
    squared, absolute = (
        losses_by_date(joined[joined["model"].isin([model, *RIVALS])], loss=loss)
        for loss in ("squared", "absolute")
    )
    tests = {
        "dm_squared": diebold_mariano(squared[model], squared["persistence"]),
        "dm_absolute": diebold_mariano(absolute[model], absolute["persistence"]),
    }
    gaps = {
        f"over_{rival}": loss_interval(
            squared[model] - squared[rival], ahead=1, confidence=LEVEL
        )
        for rival in RIVALS
        if rival in squared and rival != model
    }
    return {
        "n": len(own),
        "skill": 1 - float((error**2).sum() / (own["y"] ** 2).sum()),
        "absolute_ratio": float(error.abs().sum() / own["y"].abs().sum()),
        "direction": float(
            (np.sign(own["y_hat"]) == np.sign(own["y"]))[
                moving & own["y_hat"].ne(0)
            ].mean()
        ),
        "slope": float((own["y"] * own["y_hat"]).sum() / (own["y_hat"] ** 2).sum()),
        **{
            f"{name}_{part}": getattr(test, part)
            for name, test in tests.items()
            for part in ("statistic", "p_value")
        },
        # In ten-thousandths of a squared log return.
        **{
            f"{name}_{part}": 1e4 * getattr(gap, part)
            for name, gap in gaps.items()
            if gap is not None
            for part in ("mean", "lower", "upper")
        },
    }


def _mean_counts(joined: pd.DataFrame, model: str) -> tuple[float, float]:
    """Return how many stocks are at or below persistence, mean over the years."""
    own = joined[joined["model"] == model]
    key = ["fold", "ticker"]
    counts = []
    for power in (2, 1):
        error = ((own["y"] - own["y_hat"]).abs() ** power).groupby(
            [own[name] for name in key]
        )
        naive = (own["y"].abs() ** power).groupby([own[name] for name in key])
        below = error.sum() <= naive.sum()
        counts.append(float(below.groupby("fold").sum().mean()))
    return counts[0], counts[1]


def share_of_start(data: StudyData) -> float:
    """Return the share of stocks whose pretrained network stayed as it was."""
    best = [
        read_metadata(bundle_folder(data, ticker, fold.year, STOCK_LSTM))["best_epoch"]
        for fold in data.folds
        for ticker in data.recommended[fold.year]
    ]
    return float(np.mean([epoch == 0 for epoch in best]))


def measure_cost(data: StudyData, year: int, scratch: Path) -> dict[str, Any]:
    """Measure the processor's seconds of one year's networks, v2's and these."""
    fold = next(fold for fold in data.folds if fold.year == year)
    opened = stock_lstm_jobs.open_stock_fold(data, data.panel, fold)
    names = data.recommended[year]
    seconds = {}
    pool = scratch / "cost" / POOL
    seconds["pool"] = _fit_all(
        data, [stock_lstm_jobs.stock_pool_job(data, opened)], pool
    )
    tuned = stock_lstm_jobs.fine_tuning_jobs(data, opened, pool)
    seconds["fine_tuning"] = _fit_all(data, list(tuned), scratch / "cost" / "tuned")
    jobs = [v2_job(data, data.prices, ticker, fold) for ticker in names]
    seconds["v2"] = _fit_all(data, list(jobs), scratch / "cost" / "v2")
    ratio = (seconds["pool"] + seconds["fine_tuning"]) / seconds["v2"]
    members = data.study.stock_lstm.n_members
    return {"year": year, "n_members": members, **seconds, "ratio": ratio}


def _fit_all(data: StudyData, jobs: list[Job], folder: Path) -> float:
    clock = time.process_time()
    for job in jobs:
        fit_bundle(job, study=data.study, folder=folder)
    return time.process_time() - clock


if __name__ == "__main__":
    raise SystemExit(main())
