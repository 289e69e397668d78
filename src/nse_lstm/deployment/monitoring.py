"""What is watched every evening, what rings, and what to do about it.

``ALARMS`` is the one list: the operations page, the notebook and the messages take
names and advice from it. The signals of a model are its loss beyond persistence's,
misses of its bands, wrong signs and money lost against cash; those of the data are
moves, unchanged prices and faults. Each is a number a session and stock of which more
is worse; ``evaluation.cusum`` says how many in a row are no luck.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from nse_lstm.config import Backtest, Deployment
from nse_lstm.deployment.staleness import weekdays
from nse_lstm.evaluation.cusum import Baseline as Moments
from nse_lstm.evaluation.cusum import (
    calibrate,
    cumulate,
    fit_baseline,
    standardise,
)
from nse_lstm.evaluation.scoring import POOL, realised
from nse_lstm.evaluation.strategies import strategy_returns
from nse_lstm.features.returns import market_sessions, with_returns
from nse_lstm.tables import ALERTS, conform

DATA = "data"
"""In place of a model where the alarm is of the data."""

FALSE_ALARMS = 1.0
"""Allowed a stock-year, all calibrated alarms together."""

BLOCK = 20
"""Mean length of the blocks that history is drawn in: a month of sessions."""

REPS = 100
"""Years drawn to calibrate a threshold."""

KEY = ["ticker", "model"]


@dataclass(frozen=True)
class Alarm:
    """One thing that can ring."""

    name: str
    watches: str
    advice: str
    """What to do first, in a sentence."""
    calibrated: bool = True
    """Whether its threshold comes from history; else it is a fixed rule."""


ALARMS = (
    Alarm(
        "loss",
        "absolute error beyond persistence's",
        "Leave persistence to serve the stock, compare the model's last inputs with "
        "its training range, and retrain into the shadow.",
    ),
    Alarm(
        "misses",
        "returns outside the forecast's bands",
        "Do not rely on the bands; they widen by themselves within weeks, so look for "
        "a jump or an unlisted corporate action first.",
    ),
    Alarm(
        "signs",
        "forecasts of the wrong direction",
        "Stop acting on the sign of this model's forecasts, and wait for its shadow "
        "test before believing in it again.",
    ),
    Alarm(
        "money",
        "net return below cash",
        "Close what the rule holds in the stock at the next session that deals, and "
        "check costs and fills against the account's own.",
    ),
    Alarm(
        "moves",
        "size of the stock's moves",
        "Look for news and corporate actions; put a missing one on the sourced list "
        "and rebuild the panel before forecasting again.",
    ),
    Alarm(
        "unchanged",
        "prices that do not move",
        "Check whether the stock still trades; a suspended or drying-up one is to "
        "leave the list at the next choice of stocks.",
    ),
    Alarm(
        "faults",
        "missing, copied or suspended rows",
        "Compare the last source file with the exchange's own list, fetch it again, "
        "and rebuild the panel.",
    ),
    Alarm(
        "stale_panel",
        "weekdays since the last session",
        "Fetch the newest source file and score again; forecasts made meanwhile are of "
        "sessions that have passed.",
        calibrated=False,
    ),
    Alarm(
        "stale_model",
        "weekdays since the model was fitted",
        "Refit through the last session (nse-lstm refit): the new model begins in "
        "the shadow, never as champion.",
        calibrated=False,
    ),
)
"""Every alarm by name, in the order in which to look at them."""

MODEL_ALARMS = ("loss", "misses", "signs", "money")
DATA_ALARMS = ("moves", "unchanged", "faults")


@dataclass(frozen=True)
class Watch:
    """What was learnt from history: what is usual, and what rings.

    Of one group of series, those of a model or those of the data.
    """

    model: str
    tickers: tuple[str, ...]
    names: tuple[str, ...]
    usual: Moments
    threshold: NDArray[np.float64]


def alarm_table() -> pd.DataFrame:
    """Return what each alarm watches and what to do when it rings."""
    return pd.DataFrame(
        [
            {
                "alarm": alarm.name,
                "watches": alarm.watches,
                "threshold": "from history" if alarm.calibrated else "fixed",
                "when_it_rings": alarm.advice,
            }
            for alarm in ALARMS
        ]
    )


def model_signals(
    forecasts: pd.DataFrame, panel: pd.DataFrame, *, backtest: Backtest, rule: str
) -> pd.DataFrame:
    """Measure how the forecasts of each model did, session by session.

    Parameters
    ----------
    forecasts : DataFrame
        ``FORECASTS`` with bands, one seed a model. Those whose target has not come
        measure nothing.
    panel : DataFrame
        ``PANEL`` as far as it is known.
    dealing : Dealing
        Its headline cost is paid.
    rule : str
        The declared position rule.

    Returns
    -------
    DataFrame
        ``ticker model session`` and ``MODEL_ALARMS``, more being worse: error less
        persistence's (log return), miss of the band (0 or 1; missing of an open band),
        wrong sign (0 or 1; missing where either does not move), cash less net return.
        ``session`` is the target's, of ``money`` the session itself.
    """
    came = realised(forecasts, panel).dropna(subset=["y", "y_hat"])
    y, y_hat = came["y"], came["y_hat"]
    closed = came["lower"].gt(-np.inf) & came["upper"].lt(np.inf)
    missed = (y < came["lower"]) | (y > came["upper"])
    accuracy = pd.DataFrame(
        {
            "ticker": came["ticker"],
            "model": came["model"],
            "session": came["target_date"],
            "loss": (y - y_hat).abs() - y.abs(),
            "misses": missed.astype(float).where(closed),
            "signs": (y * y_hat < 0).astype(float).where(y * y_hat != 0),
        }
    )
    earned = _earned(forecasts, panel, backtest=backtest, rule=rule)
    table = accuracy.merge(earned, on=[*KEY, "session"], how="outer")
    return table.sort_values([*KEY, "session"], ignore_index=True)


def data_signals(panel: pd.DataFrame, *, tickers: Sequence[str]) -> pd.DataFrame:
    """Measure each stock's inputs, session by session of the market.

    Returns
    -------
    DataFrame
        ``ticker model session`` and ``DATA_ALARMS``: size of the log return, whether it
        is 0, and whether the row is missing, without a price, a stale copy or
        suspended. A stock is looked at from its first row on.
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


def learn_watch(
    signals: pd.DataFrame, *, model: str, sessions_per_year: int, seed: int
) -> Watch:
    """Learn what is usual of a model's or the data's signals, and when to ring.

    Parameters
    ----------
    signals : DataFrame
        Rows of history of ``model_signals`` or ``data_signals``.
    model : str
        Whose rows; ``DATA`` for the data's.
    sessions_per_year : int
        Of the year in which one false alarm a stock is allowed.
    seed : int
        Of the drawing.
    """
    names = DATA_ALARMS if model == DATA else MODEL_ALARMS
    rows = signals[signals["model"] == model]
    tickers = tuple(sorted(rows["ticker"].unique()))
    history = _array(rows, tickers, names)
    threshold = calibrate(
        history,
        rate=FALSE_ALARMS / len(MODEL_ALARMS + DATA_ALARMS),
        sessions_per_year=sessions_per_year,
        block=BLOCK,
        reps=REPS,
        seed=seed,
    )
    return Watch(model, tickers, names, fit_baseline(history), threshold)


def ring(watch: Watch, signals: pd.DataFrame) -> pd.DataFrame:
    """Return the alarms that rang, on whatever session of the signals.

    Parameters
    ----------
    watch : Watch
        From ``learn_watch``. A stock that it has not met is not watched.
    signals : DataFrame
        Of the sessions since watching began, in any order; other models' rows are left
        alone.

    Returns
    -------
    DataFrame
        ``ALERTS``.
    """
    rows = signals[signals["model"] == watch.model]
    sessions = np.sort(rows["session"].unique())
    scaled = standardise(_array(rows, watch.tickers, watch.names), watch.usual)
    level, rings = cumulate(scaled, watch.threshold)
    found = [
        {
            "session": sessions[session],
            "ticker": watch.tickers[stock],
            "model": watch.model,
            "alarm": watch.names[signal],
            "value": level[session, stock, signal],
            "threshold": watch.threshold[signal],
        }
        for session, stock, signal in np.argwhere(rings)
    ]
    return _alerts(found)


def age_alerts(
    as_of: pd.Timestamp,
    *,
    last_session: pd.Timestamp,
    trained: Mapping[str, pd.Timestamp],
    limits: Deployment,
) -> pd.DataFrame:
    """Return the alarms of age: a panel or a model left alone for too long.

    Parameters
    ----------
    as_of : Timestamp
        Day of watching.
    last_session : Timestamp
        Of the panel.
    trained : mapping
        By ticker, the last session that its champion was fitted on, if it was.
    limits : Deployment
        The ages at which scoring doubts them too.
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
    """Lay out alarms as ``ALERTS``, each with its sentence."""
    known = {alarm.name: alarm for alarm in ALARMS}
    for row in found:
        alarm = known[str(row["alarm"])]
        row["says"] = f"{alarm.watches.capitalize()}. {alarm.advice}"
    table = pd.DataFrame(found, columns=list(ALERTS.columns))
    key = ["session", "ticker", "model", "alarm"]
    return conform(table, ALERTS).sort_values(key, ignore_index=True)


def _earned(
    forecasts: pd.DataFrame, panel: pd.DataFrame, *, backtest: Backtest, rule: str
) -> pd.DataFrame:
    returns = strategy_returns(forecasts, panel, backtest=backtest)
    declared = (returns["rule"] == rule) & returns["model"].isin(forecasts["model"])
    declared &= returns["cost_bps"] == backtest.headline_cost_bps
    own = returns[declared]
    lacking = own["cash_return"] - own["net_return"]
    return own[[*KEY, "session"]].assign(money=lacking)


def _array(
    rows: pd.DataFrame, tickers: Sequence[str], names: Sequence[str]
) -> NDArray[np.float64]:
    """Return signals as (sessions, tickers, signals); no row is a missing value."""
    wide = rows.pivot(index="session", columns="ticker", values=list(names))
    columns = pd.MultiIndex.from_product([names, tickers])
    values = wide.reindex(columns=columns).sort_index().to_numpy(float)
    shape = (len(wide), len(names), len(tickers))
    return np.ascontiguousarray(values.reshape(shape).transpose(0, 2, 1))
