"""Checks of a model besides its accuracy, with the original plan's targets.

Negative prices, validation loss over training loss, file size, latency, training time.
Phase 3 measures the models; Phase 4's forecasts are counted once they are there.
"""

from dataclasses import asdict

import pandas as pd

from nse_lstm.deployment.latency import measure_latency
from nse_lstm.json_files import read_json, write_json
from nse_lstm.models.bundles import read_metadata, read_run
from nse_lstm.study.core.study_data import open_study_data
from nse_lstm.study.core.workspace import Workspace
from nse_lstm.tables import FORECASTS, SAFETY, read_table, write_table

MAX_MEGABYTES = 50
MAX_MILLISECONDS = 100
MODEL = "v2"
SCALER = ("scaler_minimum", "scaler_maximum")
TIMES = ["seconds", "first_ms", "next_ms"]


def measure_safety(workspace: Workspace) -> pd.DataFrame:
    """Measure every model of the test year; a time is this machine's.

    Writes ``model_checks.csv`` beside the models, and the times into ``run.json``
    beside it, which is outside every digest.

    Returns
    -------
    DataFrame
        ``SAFETY`` with ``seconds`` of training, ``first_ms`` and ``next_ms``.
    """
    data = open_study_data(workspace)
    names = data.recommended[data.facts.test_year]
    rows = [_measure(workspace, ticker) for ticker in names]
    times = {ticker: _time(workspace, ticker) for ticker in names}
    write_table(pd.DataFrame(rows), SAFETY, workspace.paths.v2 / "safety.csv")
    write_json(workspace.paths.v2 / "run.json", times)
    return read_safety(workspace).join(read_times(workspace), on="ticker")


def read_safety(workspace: Workspace) -> pd.DataFrame:
    """Return Phase 3's measurements of the models: ``SAFETY``.

    Raises
    ------
    ArtefactError
        If Phase 3 has not run.
    """
    return read_table(SAFETY, workspace.paths.v2 / "safety.csv")


def read_times(workspace: Workspace) -> pd.DataFrame:
    """Return each ticker's training seconds and latencies in milliseconds."""
    times = read_json(workspace.paths.v2 / "run.json")
    return pd.DataFrame.from_dict(times, orient="index", columns=TIMES)


def count_negatives(workspace: Workspace) -> pd.DataFrame:
    """Count v2's price forecasts at or below zero, over all its out-of-sample years.

    Returns
    -------
    DataFrame
        One row per ticker: ``n_forecasts``, ``n_negative``, ``lowest`` (KES).
    """
    table = read_table(FORECASTS, workspace.paths.evaluation / "forecasts.parquet")
    rows = table[table["model"] == MODEL].dropna(subset="price_hat")
    grouped = rows.assign(negative=rows["price_hat"] <= 0).groupby("ticker")
    return pd.DataFrame(
        {
            "n_forecasts": grouped.size(),
            "n_negative": grouped["negative"].sum(),
            "lowest": grouped["price_hat"].min(),
        }
    ).reset_index()


def safety_card(workspace: Workspace) -> pd.DataFrame:
    """Compare the models with the original plan's targets.

    Returns
    -------
    DataFrame
        One row per target: ``target``, ``found``, ``met`` (missing where there is no
        limit to meet) and ``comment``.

    Raises
    ------
    ArtefactError
        If Phase 3 or 4 has not run.
    """
    models, times = read_safety(workspace), read_times(workspace)
    rows = [
        _negatives(count_negatives(workspace)),
        _ratio(models),
        _size(models),
        _latency(times),
        _training(times),
    ]
    table = pd.DataFrame(rows, columns=["target", "found", "met", "comment"])
    return table.astype({"met": "boolean"})


Row = tuple[str, str, bool | None, str]


def _measure(workspace: Workspace, ticker: str) -> dict[str, object]:
    folder = workspace.paths.v2 / ticker
    about = read_metadata(folder)
    scaler = read_json(folder / "scaler.json")
    files = [path for path in folder.iterdir() if path.name != "run.json"]
    return {
        "ticker": ticker,
        "n_parameters": about["n_parameters"],
        "n_bytes": sum(path.stat().st_size for path in files),
        "train_loss": about["train_loss"],
        "validation_loss": about["validation_loss"],
        "loss_ratio": about["validation_loss"] / about["train_loss"],
        "scaler_minimum": scaler["minimum"],
        "scaler_maximum": scaler["maximum"],
    }


def _time(workspace: Workspace, ticker: str) -> dict[str, float]:
    folder = workspace.paths.v2 / ticker
    seconds = float(read_run(folder).get("seconds", float("nan")))
    latency = {k: round(v, 2) for k, v in asdict(measure_latency(folder)).items()}
    return {"seconds": round(seconds, 1), **latency}


def _negatives(counts: pd.DataFrame) -> Row:
    n, negative = int(counts["n_forecasts"].sum()), int(counts["n_negative"].sum())
    how = "Forecasts are not clipped: the last layer is linear. "
    if negative:
        names = ", ".join(counts.loc[counts["n_negative"] > 0, "ticker"])
        why = f"A stock whose forecast is not positive is not bought. Stocks: {names}."
    else:
        lowest = counts.sort_values("lowest").iloc[0]
        why = (
            "No forecast came near zero. The lowest is "
            f"{lowest['lowest']:.2f} KES ({lowest['ticker']})."
        )
    target = "No negative predictions"
    return target, f"{negative:,} of {n:,}", negative == 0, how + why


def _ratio(models: pd.DataFrame) -> Row:
    worst = models.sort_values("loss_ratio").iloc[-1]
    return (
        "Validation loss near the training loss",
        f"{models['loss_ratio'].median():.2g} times in the median",
        None,
        f"Largest {worst['loss_ratio']:.2g} ({worst['ticker']}). Far above 1 is "
        "overfitting, or prices outside the range trained on; training loss is "
        "measured under dropout, which makes the ratio look smaller.",
    )


def _size(models: pd.DataFrame) -> Row:
    largest = models["n_bytes"].max() / 1e6
    return (
        f"Model below {MAX_MEGABYTES} MB",
        f"{largest:.2f} MB",
        bool(largest < MAX_MEGABYTES),
        f"The largest folder; {models['n_parameters'].max():,} parameters.",
    )


def _latency(times: pd.DataFrame) -> Row:
    slowest = times["next_ms"].max()
    return (
        f"Prediction in less than {MAX_MILLISECONDS} ms",
        f"{slowest:.0f} ms",
        bool(slowest < MAX_MILLISECONDS),
        "The slowest stock's model once it is loaded, on one thread of the machine "
        "that made this page. Its first forecast, with reading and checking the "
        f"model, took {times['first_ms'].median():.0f} ms in the median.",
    )


def _training(times: pd.DataFrame) -> Row:
    longest = times.sort_values("seconds").iloc[-1]
    return (
        "Training time per stock",
        f"{times['seconds'].median():.0f} s in the median",
        None,
        f"Longest {longest['seconds']:.0f} s ({longest.name}); all "
        f"{len(times)} models of the test year {times['seconds'].sum() / 60:.1f} "
        "minutes of one thread, when they were trained.",
    )
