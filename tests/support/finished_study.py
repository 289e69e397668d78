"""A study whose tables are all there, without a network: v2 is persistence plus 5 %."""

import hashlib
import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import norm

from nse_lstm.evaluation.cash import compound_cash
from nse_lstm.evaluation.forecast_evidence import EvidenceRow
from nse_lstm.evaluation.forecast_faults import measure_faults
from nse_lstm.evaluation.report_card import report_card
from nse_lstm.evaluation.scoring import realised, score_accuracy, score_strategies
from nse_lstm.evaluation.selection import select
from nse_lstm.evaluation.strategies import strategy_returns
from nse_lstm.evaluation.total_return import ReturnBasis
from nse_lstm.features.returns import market_sessions, with_returns
from nse_lstm.json_files import read_json, write_json
from nse_lstm.models.baselines import persistence
from nse_lstm.models.bundles import DIGESTED
from nse_lstm.models.stock_distribution import quantile_rows
from nse_lstm.paths import write_text
from nse_lstm.study.core.phase_tables import read_recommended, study_folds
from nse_lstm.study.core.sealed_year import YearEvaluation
from nse_lstm.study.core.workspace import Workspace
from nse_lstm.study.data_analysis.analyse import analyse_data
from nse_lstm.study.data_analysis.raw_files import prepare_raw
from nse_lstm.study.training.train import split_stock
from nse_lstm.tables import (
    EVIDENCE,
    FORECAST_FAULTS,
    FORECASTS,
    PANEL,
    QUANTILE_LEVELS,
    QUANTILES,
    SAFETY,
    SCORES,
    STORED_FORECASTS,
    STRATEGY_RETURNS,
    conform,
    read_table,
    write_table,
)
from support.tiny_study import tiny_workspace

OFF = 1.05
"""v2's forecast over persistence's."""
INTERVAL = {"mean": -0.1, "lower": -0.2, "upper": 0.0}


def finished_study(root: Path) -> Workspace:
    """Run Phase 1 and leave what Phases 2 to 5 would."""
    workspace = tiny_workspace(root)
    prepare_raw(workspace)
    analyse_data(workspace)
    forecasts = pd.concat(_forecasts(workspace), ignore_index=True)
    _leave_evaluation(workspace, forecasts)
    _leave_models(workspace)
    folder = workspace.paths.registry
    latest = forecasts.tail(1).assign(
        stage="challenger", version="v", data_digest="d" * 64, flags=""
    )
    latest = latest[list(STORED_FORECASTS.columns)]
    write_table(latest, STORED_FORECASTS, folder / "latest_forecasts.parquet")
    write_text(folder / "latest_refused.csv", "ticker,stage,model,reason\n")
    return workspace


def _forecasts(workspace: Workspace) -> list[pd.DataFrame]:
    panel = with_returns(_panel(workspace))
    blocks = []
    for fold in study_folds(workspace):
        for ticker in read_recommended(workspace)[fold.year]:
            windows = split_stock(workspace.study, panel, ticker, fold).forecast
            naive = persistence(windows, ticker=ticker, year=fold.year, horizon=1)
            hat = naive["price_hat"] * OFF
            v2 = naive.assign(model="v2", seed=1, price_hat=hat, y_hat=0.0487902)
            blocks += [naive, v2]
    return blocks


def _leave_evaluation(workspace: Workspace, forecasts: pd.DataFrame) -> None:
    panel, backtest = _panel(workspace), workspace.study.backtest
    folder, year = workspace.paths.evaluation, study_folds(workspace)[-1].year
    returns = strategy_returns(forecasts, panel, backtest=backtest)
    scores = pd.concat(
        [
            score_accuracy(forecasts, panel),
            score_strategies(returns, backtest=backtest),
        ],
        ignore_index=True,
    )
    write_table(forecasts, FORECASTS, folder / "forecasts.parquet")
    write_table(returns, STRATEGY_RETURNS, folder / "returns.parquet")
    write_table(scores, SCORES, folder / "scores.parquet")
    faults = measure_faults(realised(forecasts, panel), limit=0.1)
    write_table(faults, FORECAST_FAULTS, folder / "forecast_faults.parquet")
    quantiles = _quantiles(workspace)
    write_table(quantiles, QUANTILES, folder / "distribution_quantiles.parquet")
    names = read_recommended(workspace)[year]
    before = forecasts[forecasts["fold"] < year]
    selection = select(before, panel, tickers=names)
    write_json(
        folder / "selection.json", json.loads(selection.to_json(orient="records"))
    )
    card = report_card(
        scores,
        model="v2",
        rule="gate",
        year=year,
        backtest=backtest,
        basis=ReturnBasis(1.0, 0.05),
        cash=compound_cash(returns[returns["fold"] == year]),
    )
    card.to_csv(folder / "report_card.csv", index=False)
    write_json(folder / "verdict.json", _verdict(year))
    tested = EvidenceRow(
        *("out-of-sample R²", "v2"),
        statistic=-4.0,
        lower=-5.0,
        upper=-3.0,
        n=250,
        says="less accurate than persistence",
        method="a test",
    )
    evidence = conform(pd.DataFrame([asdict(tested)]), EVIDENCE)
    write_table(evidence, EVIDENCE, folder / "evidence.parquet")


def _quantiles(workspace: Workspace) -> pd.DataFrame:
    """Forecast each stock from one origin of the test year: normal, root of time."""
    year = study_folds(workspace)[-1].year
    sessions = market_sessions(_panel(workspace))
    own = sessions[sessions >= pd.Timestamp(year, 1, 1)]
    return pd.concat(
        [
            quantile_rows(
                0.01 * np.sqrt(horizon) * norm.ppf([QUANTILE_LEVELS]),
                ticker=ticker,
                model="stock_lstm",
                year=year,
                origins=own[[20]].to_numpy(),
                targets=own[[20 + horizon]].to_numpy(),
                horizon=horizon,
                unchanged=0.2,
            )
            for ticker in read_recommended(workspace)[year]
            for horizon in (1, 5, 10)
        ],
        ignore_index=True,
    )


def _verdict(year: int) -> dict[str, Any]:
    evaluation = YearEvaluation(year, "confirmatory", 1)
    return {
        "verdict": {
            "answer": "undecided",
            "sentence": "No evidence of profit: a test.",
            "excess_over_cash": INTERVAL,
            "excess_over_holding": INTERVAL,
            "sharpe_over_cash": None,
            "smallest_detectable_sharpe": 1.2,
        },
        "basis": "The basis.",
        "evidence": ["Excess over cash: from -20.0% to +0.0% a year."],
        "test_year": year,
        "evaluation": asdict(evaluation) | {"meaning": evaluation.meaning},
        "n_trials": 3,
        "cautions": ["One seed."],
    }


def _leave_models(workspace: Workspace) -> None:
    names = read_recommended(workspace)[study_folds(workspace)[-1].year]
    for ticker in names:
        leave_bundle(workspace.paths.v2 / ticker, ticker)
    safety = pd.DataFrame(
        {
            "ticker": names,
            "n_parameters": 123,
            "n_bytes": 2_000_000,
            "train_loss": 0.02,
            "validation_loss": 0.03,
            "loss_ratio": 1.5,
            "scaler_minimum": 10.0,
            "scaler_maximum": 50.0,
        }
    )
    write_table(safety, SAFETY, workspace.paths.v2 / "safety.csv")
    times = {"seconds": 20.0, "first_ms": 300.0, "next_ms": 2.0}
    write_json(workspace.paths.v2 / "run.json", dict.fromkeys(names, times))
    summary = pd.DataFrame({"ticker": names, "model": "v2", "year": 2024})
    summary.to_csv(workspace.paths.v2 / "training_summary.csv", index=False)


def leave_bundle(folder: Path, ticker: str, history: str = "epoch\n1\n") -> None:
    """Leave a folder that proves itself, with a network that nothing can load."""
    files = dict.fromkeys(DIGESTED, "") | {
        "model.keras": "no network",
        "scaler.json": '{"maximum": 50.0, "minimum": 10.0}',
        "history.csv": history,
    }
    span = {
        "dropped": {"gap": 2},
        "n_windows": 9,
        "first_origin": "2021-01-04",
        "last_origin": "2023-01-04",
    }
    metadata = {
        "architecture": "v2",
        "ticker": ticker,
        "year": 2024,
        "version": "0123456789abcdef" * 4,
        "seed": 1,
        "horizon": 1,
        "lookback": 8,
        "epochs": 2,
        "best_epoch": 1,
        "n_parameters": 123,
        "train": span,
        "validation": span,
        "train_loss": 0.02,
        "validation_loss": 0.03,
        "digests": {
            name: hashlib.sha256(text.encode()).hexdigest()
            for name, text in files.items()
        },
    }
    for name, text in files.items():
        write_text(folder / name, text)
    write_json(folder / "metadata.json", metadata)
    write_json(folder / "run.json", {"seconds": 20.0})


def _panel(workspace: Workspace) -> pd.DataFrame:
    return read_table(PANEL, workspace.paths.processed / "panel.parquet")


def stocks(workspace: Workspace) -> list[str]:
    path = workspace.paths.analysis / "training_recommendations.json"
    return list(read_json(path)["recommended"])
