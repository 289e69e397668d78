"""The rank LSTM: one LSTM of all stocks and horizons.

Its targets are the ranks of a stock's returns among the session's universe, half of
them as trees fitted on other times forecast them (``models.distillation``). It is
fitted on every tradable ordinary stock whose return is known ``purge`` sessions before
the fold, and on nothing later. It runs its few epochs without validation: targets that
are 99.5 % noise make every epoch's loss alike.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from nse_lstm.config import CrossSection, RankLstm, Tabular, Training
from nse_lstm.features.folds import Fold
from nse_lstm.features.sequences import CHANNELS, SPREAD, Sequences, lay_out
from nse_lstm.models.architectures import describe_rank_lstm
from nse_lstm.models.bundles import Bundle
from nse_lstm.models.distillation import distil
from nse_lstm.models.forecasting import predict
from nse_lstm.models.jobs import SampleJob
from nse_lstm.models.samples import Samples
from nse_lstm.models.tabular_models import return_per_rank, split_rows
from nse_lstm.tables import FORECASTS, conform

POOL = "ALL"
"""In place of a ticker."""

Numbers = NDArray[np.float64]


def rank_lstm_job(
    features: pd.DataFrame,
    targets: Sequence[pd.DataFrame],
    fold: Fold,
    *,
    rank_lstm: RankLstm,
    cross_section: CrossSection,
    tabular: Tabular,
    seed: int,
    version: str,
) -> SampleJob:
    """Describe the training job of one rank LSTM.

    Parameters
    ----------
    features : DataFrame
        ``FEATURES``, as far as they may be seen; none from the fold on is used.
    targets : sequence of DataFrame
        ``TARGETS`` of one delay, one per horizon: the network's outputs.
    fold : Fold
    rank_lstm : RankLstm
    cross_section : CrossSection
        Its ``purge`` counts beside delay and horizon.
    tabular : Tabular
        Settings of the trees that are distilled.
    seed : int
        Of the network, and of the trees.
    version : str

    Returns
    -------
    SampleJob
        Its ``about`` holds the unit that turns ranks into returns, so that the bundle
        forecasts by itself.

    Raises
    ------
    DataError
        If nothing is left to train on.
    """
    known = features[features["session"] < fold.start]
    rows = [
        split_rows(known, table, fold, purge=cross_section.purge).train
        for table in targets
    ]
    aims = [
        distil(own, rank_lstm=rank_lstm, tabular=tabular, seed=seed) for own in rows
    ]
    sequences = lay_out(known, lookback=rank_lstm.lookback)
    samples = _samples(sequences, rows, aims, every=rank_lstm.every)
    return SampleJob(
        ticker=POOL,
        year=fold.year,
        seed=seed,
        network=describe_rank_lstm(
            rank_lstm,
            channels=len(CHANNELS),
            n_outputs=len(targets),
            n_windows=len(samples),
        ),
        training=Training(
            batch_size=rank_lstm.batch_size,
            max_epochs=rank_lstm.max_epochs,
            learning_rate=rank_lstm.learning_rate,
            decays=True,
        ),
        train=samples,
        validation=None,
        version=version,
        about=_about(rows, targets),
    )


def forecast_rank_lstm(
    bundle: Bundle, features: pd.DataFrame, targets: Sequence[pd.DataFrame], fold: Fold
) -> pd.DataFrame:
    """Forecast a fold's members from a bundle of ``rank_lstm_job``.

    Parameters
    ----------
    bundle : Bundle
        From ``bundles.load_bundle``.
    features : DataFrame
        ``FEATURES``, as far as they may be seen.
    targets : sequence of DataFrame
        As the job was given them; only their dates are used.
    fold : Fold

    Returns
    -------
    DataFrame
        ``FORECASTS`` of "rank_lstm" under the bundle's seed. ``y_hat`` is the log
        return beyond the universe's mean; no price, no interval.
    """
    about = bundle.metadata
    inside = (features["session"] >= fold.start) & (features["session"] < fold.end)
    ahead = features[inside & features["usable"] & features["member"]]
    seen = features[features["session"] < fold.end]
    sequences = lay_out(seen, lookback=about["lookback"])
    last = sequences.last(ahead["ticker"], ahead["session"])
    nothing = np.empty((len(last), len(targets)))
    ranks = predict(bundle.model, Samples(sequences.table, last, nothing)) / SPREAD
    blocks = [
        _rows(ahead, table, unit * own)
        for table, unit, own in zip(targets, about["units"], ranks.T, strict=True)
    ]
    table = pd.concat(blocks, ignore_index=True).assign(
        model=about["architecture"], seed=about["seed"], fold=fold.year
    )
    table = table.assign(price_hat=np.nan, lower=np.nan, upper=np.nan)
    return conform(table, FORECASTS)


def _samples(
    sequences: Sequences, rows: list[pd.DataFrame], aims: list[Numbers], *, every: int
) -> Samples:
    """Put the horizons' targets side by side, of every ``every``-th window only."""
    columns = [
        pd.Series(SPREAD * aim, index=sequences.last(own["ticker"], own["origin"]))
        for own, aim in zip(rows, aims, strict=True)
    ]
    table = pd.concat(columns, axis=1).sort_index().iloc[::every]
    last = table.index.to_numpy(np.intp)
    return Samples(sequences.table, last, table.to_numpy(np.float32))


def _about(rows: list[pd.DataFrame], targets: Sequence[pd.DataFrame]) -> dict[str, Any]:
    return {
        "delay": int(targets[0]["delay"].iloc[0]),
        "horizons": [int(table["horizon"].iloc[0]) for table in targets],
        "units": [
            return_per_rank(own["y_rank"].to_numpy(), own["y_excess"].to_numpy())
            for own in rows
        ],
        "train": _dates(rows),
    }


def _dates(rows: list[pd.DataFrame]) -> dict[str, Any]:
    return {
        "first_origin": str(min(own["origin"].min() for own in rows).date()),
        "last_origin": str(max(own["origin"].max() for own in rows).date()),
        "last_target": str(max(own["target_date"].max() for own in rows).date()),
        "n_targets": [len(own) for own in rows],
    }


def _rows(ahead: pd.DataFrame, table: pd.DataFrame, y_hat: Numbers) -> pd.DataFrame:
    """Put forecasts beside the dates of one horizon, where the target has one."""
    dates = ["ticker", "origin", "delay", "horizon", "entry_date", "target_date"]
    own = pd.DataFrame(
        {"ticker": ahead["ticker"], "origin": ahead["session"], "y_hat": y_hat}
    )
    return own.merge(table[dates], on=["ticker", "origin"], validate="one_to_one")
