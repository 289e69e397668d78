"""Shadow test of a challenger against the champion, by an e-process.

The state of a test is a function of the stored forecasts and the realised returns.
Nothing else is kept between two sessions, so evaluating a test changes nothing.
"""

import numpy as np
import pandas as pd

from nse_lstm.deployment.registry_entry import CHAMPION
from nse_lstm.errors import TableError
from nse_lstm.evaluation.e_process import (
    PROMOTE_AT,
    betting_e_process,
    confidence_sequence,
    weak_null_e_process,
)

PAIR_COLUMNS = ("difference", "bound", "gain", "n_stocks", "n_known")


def pair_sessions(joined: pd.DataFrame, *, challenger: str) -> pd.DataFrame:
    """Pair the absolute errors of a challenger with the champions' per session.

    A stock counts at an origin if its champion and the challenger both forecast it and
    are different models. Their losses differ by at most the distance of the two
    forecasts, which is known at the origin. The mean distance over the origin's stocks
    is the bound. A stock whose return never became known, such as one with a stale
    copy, is a draw. One origin is one observation.

    Parameters
    ----------
    joined : DataFrame
        ``ticker stage model origin delay horizon y_hat y``: forecasts with realised
        targets; ``y`` is missing where it is not known.
    challenger : str
        The model under test.

    Returns
    -------
    DataFrame
        By origin, increasing: ``difference`` (mean over stocks of the champion's loss
        less the challenger's, log return), ``bound``, ``gain`` (their ratio, in
        [-1, 1]; missing where the forecasts agree), ``n_stocks`` and ``n_known``.

    Raises
    ------
    TableError
        If the rows have several delays or horizons, or a model forecasts one origin
        of a stock twice.
    """
    valid = joined.dropna(subset="y_hat")
    _check_rows(valid)
    place = ["ticker", "origin"]
    serving = valid[valid["stage"] == CHAMPION]
    shadow = valid[(valid["model"] == challenger) & (valid["stage"] != CHAMPION)]
    # A challenger may stand beside the candidate that it was refitted from.
    shadow = shadow.sort_values("stage").drop_duplicates(place, keep="last")
    both = serving.merge(shadow[[*place, "y_hat"]], on=place, suffixes=("", "_other"))
    distance = (both["y_hat"] - both["y_hat_other"]).abs()
    difference = (both["y"] - both["y_hat"]).abs() - (
        both["y"] - both["y_hat_other"]
    ).abs()
    rows = pd.DataFrame(
        {
            "origin": both["origin"],
            "difference": difference.fillna(0.0),
            "bound": distance,
            "known": difference.notna(),
        }
    )
    grouped = rows.groupby("origin")
    pairs = grouped[["difference", "bound"]].mean()
    ratio = pairs["difference"] / pairs["bound"].where(pairs["bound"] > 0)
    # The triangle inequality can fail in the last bit.
    pairs["gain"] = ratio.clip(-1, 1)
    return pairs.assign(n_stocks=grouped.size(), n_known=grouped["known"].sum())


def run_test(
    pairs: pd.DataFrame, *, origins: pd.DatetimeIndex, ahead: int
) -> pd.DataFrame:
    """Return the state of a test after each session, from its first to its last.

    Parameters
    ----------
    pairs : DataFrame
        From ``pair_sessions``.
    origins : DatetimeIndex
        Every session of the market with a realised target. A session without a pair
        adds no evidence.
    ahead : int
        Sessions from origin to target.

    Returns
    -------
    DataFrame
        ``origin``, the columns of ``pairs``, ``evidence`` (e-process; at 20 the
        challenger is promoted), ``weak_evidence`` (against the null that it is no
        better on average), and ``mean lower upper``: the mean gain so far with an
        interval that is valid at every session.

    Raises
    ------
    TableError
        If a pair's origin is not among ``origins``.
    """
    outside = pairs.index.difference(origins)
    if len(outside):
        raise TableError(
            "Expected pairs of the market's sessions. "
            f"Received: one of {outside[0]:%Y-%m-%d}"
        )
    table = pairs.reindex(origins)[list(PAIR_COLUMNS)]
    table[["n_stocks", "n_known"]] = (
        table[["n_stocks", "n_known"]].fillna(0).astype("int64")
    )
    gains = table["gain"].to_numpy(float)
    mean, lower, upper = confidence_sequence(gains, alpha=1 / PROMOTE_AT, ahead=ahead)
    state = table.assign(
        evidence=betting_e_process(gains, ahead=ahead),
        weak_evidence=weak_null_e_process(gains, ahead=ahead),
        mean=mean,
        lower=np.maximum(lower, -1.0),
        upper=np.minimum(upper, 1.0),
    )
    return state.rename_axis("origin").reset_index()


def _check_rows(rows: pd.DataFrame) -> None:
    aims = rows[["delay", "horizon"]].drop_duplicates()
    if len(aims) > 1:
        raise TableError(
            f"Expected one delay and horizon. Received: {aims.to_numpy().tolist()}"
        )
    twice = rows[rows.duplicated(["ticker", "model", "stage", "origin"])]
    if len(twice):
        first = twice.iloc[0]
        raise TableError(
            "Expected one forecast per origin. Received: two of "
            f"{first['model']} (ticker {first['ticker']}, "
            f"origin {first['origin']:%Y-%m-%d})"
        )
