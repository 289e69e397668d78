"""Monitoring of models and data after every session: signals, alarms and advice.

``ALARMS`` is the one list: the operations page, the notebook and the messages take
names and advice from it. The signals of a model are its loss beyond persistence's,
misses of its bands, wrong signs and money lost against cash. The signals of the data
are moves, unchanged prices and faults. Each signal is one number per session and
stock, and more is worse; ``evaluation.cusum`` turns their runs into alarms.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from nse_lstm.config import Backtest, Deployment
from nse_lstm.deployment.staleness import weekdays
from nse_lstm.evaluation.cusum import (
    Baseline,
    calibrate_thresholds,
    fit_baseline,
    run_cusum,
    to_z_scores,
)
from nse_lstm.evaluation.scoring import POOL, realised
from nse_lstm.evaluation.strategies import strategy_returns
from nse_lstm.features.returns import market_sessions, with_returns
from nse_lstm.tables import ALERTS, conform

DATA = "data"
"""Stands in place of a model where the alarm concerns the data."""

FALSE_ALARMS = 1.0
"""Allowed per stock and year, all calibrated alarms together."""

BLOCK = 20
"""Mean block length of the bootstrap of history: a month of sessions."""

REPS = 100
"""Bootstrap years per calibrated threshold."""

KEY = ["ticker", "model"]


@dataclass(frozen=True)
class AlarmRule:
    """One alarm: its name, the signal it watches, and the first thing to do."""

    name: str
    watches: str
    advice: str
    """The first thing to do, in one sentence."""
    calibrated: bool = True
    """Whether its threshold comes from history; otherwise it is a fixed rule."""


ALARMS = (
    AlarmRule(
        "loss",
        "absolute error beyond persistence's",
        "Leave persistence to serve the stock, compare the model's last inputs with "
        "its training range, and retrain in shadow mode.",
    ),
    AlarmRule(
        "misses",
        "returns outside the forecast's bands",
        "Do not rely on the bands. They widen by themselves within weeks, so look for "
        "a jump or an unlisted corporate action first.",
    ),
    AlarmRule(
        "signs",
        "forecasts of the wrong direction",
        "Stop acting on the sign of this model's forecasts, and wait for its shadow "
        "test before using it again.",
    ),
    AlarmRule(
        "money",
        "net return below cash",
        "Close the rule's position in the stock at the next session with trades, and "
        "check costs and fills against the account's own.",
    ),
    AlarmRule(
        "moves",
        "size of the stock's moves",
        "Look for news and corporate actions. Put a missing one on the sourced list "
        "and rebuild the panel before forecasting again.",
    ),
    AlarmRule(
        "unchanged",
        "prices that do not move",
        "Check whether the stock still trades. Leave a suspended or rarely traded "
        "one out at the next choice of stocks.",
    ),
    AlarmRule(
        "faults",
        "missing, copied or suspended rows",
        "Compare the last source file with the exchange's own list, fetch it again, "
        "and rebuild the panel.",
    ),
    AlarmRule(
        "stale_panel",
        "weekdays since the last session",
        "Fetch the newest source file and score again. Forecasts made meanwhile are "
        "for past sessions.",
        calibrated=False,
    ),
    AlarmRule(
        "stale_model",
        "weekdays since the model was fitted",
        "Refit through the last session (nse-lstm refit): the new model begins in "
        "shadow mode, never as champion.",
        calibrated=False,
    ),
)
"""Every alarm, in the order in which to check them."""

MODEL_ALARMS = ("loss", "misses", "signs", "money")
DATA_ALARMS = ("moves", "unchanged", "faults")


@dataclass(frozen=True)
class Detector:
    """A change detector for the signals of one model or of the data.

    Its baseline and thresholds come from history.
    """

    model: str
    tickers: tuple[str, ...]
    names: tuple[str, ...]
    """Alarms, in the order of the signals."""
    baseline: Baseline
    threshold: NDArray[np.float64]
    """One per signal."""


def alarm_table() -> pd.DataFrame:
    """Return one row per alarm: its signal, its kind of threshold, and the advice."""
    return pd.DataFrame(
        [
            {
                "alarm": alarm.name,
                "watches": alarm.watches,
                "threshold": "from history" if alarm.calibrated else "fixed",
                "advice": alarm.advice,
            }
            for alarm in ALARMS
        ]
    )


def model_signals(
    forecasts: pd.DataFrame, panel: pd.DataFrame, *, backtest: Backtest, rule: str
) -> pd.DataFrame:
    """Measure the errors and losses of each model's forecasts per session.

    Parameters
    ----------
    forecasts : DataFrame
        ``FORECASTS`` with bands, one seed per model. Those without a realised target
        measure nothing.
    panel : DataFrame
        ``PANEL`` as far as it is known.
    backtest : Backtest
        Its headline cost is paid.
    rule : str
        The declared position rule.

    Returns
    -------
    DataFrame
        ``ticker model session`` and ``MODEL_ALARMS``, more being worse: error less
        persistence's (log return), miss of the band (0 or 1; missing for an open
        band), wrong sign (0 or 1; missing where either return is 0), cash less net
        return. ``session`` is the target's; for ``money`` it is the session itself.
    """
    joined = realised(forecasts, panel).dropna(subset=["y", "y_hat"])
    y, y_hat = joined["y"], joined["y_hat"]
    closed = joined["lower"].gt(-np.inf) & joined["upper"].lt(np.inf)
    missed = (y < joined["lower"]) | (y > joined["upper"])
    accuracy = pd.DataFrame(
        {
            "ticker": joined["ticker"],
            "model": joined["model"],
            "session": joined["target_date"],
            "loss": (y - y_hat).abs() - y.abs(),
            "misses": missed.astype(float).where(closed),
            "signs": (y * y_hat < 0).astype(float).where(y * y_hat != 0),
        }
    )
    shortfall = _cash_shortfall(forecasts, panel, backtest=backtest, rule=rule)
    table = accuracy.merge(shortfall, on=[*KEY, "session"], how="outer")
    return table.sort_values([*KEY, "session"], ignore_index=True)


def data_signals(panel: pd.DataFrame, *, tickers: Sequence[str]) -> pd.DataFrame:
    """Measure each stock's moves and data faults per session of the market.

    Parameters
    ----------
    panel : DataFrame
        ``PANEL`` of the whole market as far as it is known.
    tickers : sequence of str
        Stocks.

    Returns
    -------
    DataFrame
        ``ticker model session`` and ``DATA_ALARMS``: size of the log return, whether it
        is 0, and whether the row is missing, without a price, a stale copy or
        suspended. A stock's rows begin with its first session.
    """
    rows = with_returns(panel)
    sessions = market_sessions(panel)
    blocks = []
    for ticker in tickers:
        own = rows[rows["ticker"] == ticker].set_index("session")
        own = own.reindex(sessions[sessions >= own.index.min()])
        flags = own[["stale", "suspended"]].eq(True).any(axis=1)
        moves = own["log_return"].abs()
        blocks.append(
            pd.DataFrame(
                {
                    "ticker": ticker,
                    "model": DATA,
                    "session": own.index,
                    "moves": moves.to_numpy(),
                    "unchanged": moves.eq(0).astype(float).where(moves.notna()),
                    "faults": (flags | own["price"].isna()).astype(float),
                }
            )
        )
    return pd.concat(blocks, ignore_index=True)


def fit_detector(
    signals: pd.DataFrame, *, model: str, sessions_per_year: int, seed: int
) -> Detector:
    """Calibrate a detector on the history of a model's or the data's signals.

    Parameters
    ----------
    signals : DataFrame
        Rows of history of ``model_signals`` or ``data_signals``.
    model : str
        The model; ``DATA`` for the data.
    sessions_per_year : int
        Length of the year in which one false alarm per stock is allowed.
    seed : int
        Seed of the bootstrap.
    """
    names = DATA_ALARMS if model == DATA else MODEL_ALARMS
    rows = signals[signals["model"] == model]
    tickers = tuple(sorted(rows["ticker"].unique()))
    history = _array(rows, tickers, names)
    threshold = calibrate_thresholds(
        history,
        rate=FALSE_ALARMS / len(MODEL_ALARMS + DATA_ALARMS),
        sessions_per_year=sessions_per_year,
        block=BLOCK,
        reps=REPS,
        seed=seed,
    )
    return Detector(model, tickers, names, fit_baseline(history), threshold)


def detect_alerts(detector: Detector, signals: pd.DataFrame) -> pd.DataFrame:
    """Return every alarm that the signals raise.

    Parameters
    ----------
    detector : Detector
        From ``fit_detector``. Stocks outside its history are not monitored.
    signals : DataFrame
        Rows since monitoring began, in any order; other models' rows are ignored.

    Returns
    -------
    DataFrame
        ``ALERTS``.
    """
    rows = signals[signals["model"] == detector.model]
    sessions = np.sort(rows["session"].unique())
    values = _array(rows, detector.tickers, detector.names)
    scaled = to_z_scores(values, detector.baseline)
    level, raised = run_cusum(scaled, detector.threshold)
    found = [
        {
            "session": sessions[session],
            "ticker": detector.tickers[stock],
            "model": detector.model,
            "alarm": detector.names[signal],
            "value": level[session, stock, signal],
            "threshold": detector.threshold[signal],
        }
        for session, stock, signal in np.argwhere(raised)
    ]
    return _alerts(found)


def age_alerts(
    as_of: pd.Timestamp,
    *,
    last_session: pd.Timestamp,
    trained: Mapping[str, pd.Timestamp],
    limits: Deployment,
) -> pd.DataFrame:
    """Return the alarms for a panel or a champion older than its limit.

    Parameters
    ----------
    as_of : Timestamp
        Day of monitoring.
    last_session : Timestamp
        Last session of the panel.
    trained : mapping
        By ticker, the last session that a fitted champion was fitted on.
    limits : Deployment
        The same limits of age as for scoring.
    """
    ages = [
        (POOL, DATA, "stale_panel", last_session, limits.max_panel_age),
        *(
            (ticker, "v2", "stale_model", through, limits.max_model_age)
            for ticker, through in trained.items()
        ),
    ]
    found = [
        {
            "session": as_of,
            "ticker": ticker,
            "model": model,
            "alarm": name,
            "value": float(weekdays(since, as_of)),
            "threshold": float(limit),
        }
        for ticker, model, name, since, limit in ages
        if weekdays(since, as_of) > limit
    ]
    return _alerts(found)


def _alerts(found: list[dict[str, object]]) -> pd.DataFrame:
    """Return alarms as ``ALERTS``, each with its sentence of advice."""
    rules = {alarm.name: alarm for alarm in ALARMS}
    for row in found:
        alarm = rules[str(row["alarm"])]
        row["says"] = f"{alarm.watches.capitalize()}. {alarm.advice}"
    table = pd.DataFrame(found, columns=list(ALERTS.columns))
    key = ["session", "ticker", "model", "alarm"]
    return conform(table, ALERTS).sort_values(key, ignore_index=True)


def _cash_shortfall(
    forecasts: pd.DataFrame, panel: pd.DataFrame, *, backtest: Backtest, rule: str
) -> pd.DataFrame:
    returns = strategy_returns(forecasts, panel, backtest=backtest)
    declared = (returns["rule"] == rule) & returns["model"].isin(forecasts["model"])
    declared &= returns["cost_bps"] == backtest.headline_cost_bps
    own = returns[declared]
    shortfall = own["cash_return"] - own["net_return"]
    return own[[*KEY, "session"]].assign(money=shortfall)


def _array(
    rows: pd.DataFrame, tickers: Sequence[str], names: Sequence[str]
) -> NDArray[np.float64]:
    """Return signals as (sessions, tickers, signals), NaN where there is no row."""
    wide = rows.pivot(index="session", columns="ticker", values=list(names))
    columns = pd.MultiIndex.from_product([names, tickers])
    values = wide.reindex(columns=columns).sort_index().to_numpy(float)
    shape = (len(wide), len(names), len(tickers))
    return np.ascontiguousarray(values.reshape(shape).transpose(0, 2, 1))
