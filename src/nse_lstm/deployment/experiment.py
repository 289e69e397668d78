"""Champion against challenger: the state of a test, from its forecasts and what came.

Nothing is kept between two evenings. A test's state is a function of the rows of the
forecast store and of the realised returns, so whoever has both has the state, and a
look changes nothing.
"""

import numpy as np
import pandas as pd

from nse_lstm.errors import TableError
from nse_lstm.evaluation.e_process import (
    PROMOTE_AT,
    betting_evidence,
    confidence_sequence,
    weak_null_evidence,
)

CHAMPION = "champion"

PAIR_COLUMNS = ("difference", "bound", "gain", "n_stocks", "n_known")


def pair_sessions(joined: pd.DataFrame, *, challenger: str) -> pd.DataFrame:
    """Pair the absolute errors of a challenger with the champions', session by session.

    A stock is in an origin's pair if its champion and the challenger both forecast it,
    and the challenger is not its champion itself. Their losses differ by at most the
    distance of the two forecasts, which is known at the origin; its mean over the
    origin's stocks is the bound. A stock whose return never became known, such as one
    on a stale-copy session, is a draw. One origin is one observation.

    Parameters
    ----------
    joined : DataFrame
        ``ticker stage model origin delay horizon y_hat y``: forecasts whose targets
        have come, with what came; ``y`` is missing where it is not known.
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
        If the rows are of several delays or horizons, or a model forecasts one origin
        of a stock twice.
    """
    aimed = joined.dropna(subset="y_hat")
    _check_rows(aimed)
    place = ["ticker", "origin"]
    serving = aimed[aimed["stage"] == CHAMPION]
    shadow = aimed[(aimed["model"] == challenger) & (aimed["stage"] != CHAMPION)]
    # A challenger may stand beside the candidate that it was refitted from.
    shadow = shadow.sort_values("stage").drop_duplicates(place, keep="last")
    both = serving.merge(shadow[[*place, "y_hat"]], on=place, suffixes=("", "_other"))
    apart = (both["y_hat"] - both["y_hat_other"]).abs()
    less = (both["y"] - both["y_hat"]).abs() - (both["y"] - both["y_hat_other"]).abs()
    rows = pd.DataFrame(
        {
            "origin": both["origin"],
            "difference": less.fillna(0.0),
            "bound": apart,
            "known": less.notna(),
        }
    )
    grouped = rows.groupby("origin")
    pairs = grouped[["difference", "bound"]].mean()
    ratio = pairs["difference"] / pairs["bound"].where(pairs["bound"] > 0)
    # The triangle inequality holds but for the last bit.
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
        Every session of the market on which forecasts could be made and whose target
        has come. One without a pair is a session on which nothing is bet.
    ahead : int
        Sessions from origin to target.

    Returns
    -------
    DataFrame
        ``origin``, the columns of ``pairs``, ``evidence`` (e-process; at 20 the
        challenger is promoted), ``weak_evidence`` (of the null that it is no better on
        average), and ``mean lower upper``: the mean gain so far with an interval that
        may be looked at every session.

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
        evidence=betting_evidence(gains, ahead=ahead),
        weak_evidence=weak_null_evidence(gains, ahead=ahead),
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
            "Expected one forecast an origin. Received: two of "
            f"{first['model']} (ticker {first['ticker']}, "
            f"origin {first['origin']:%Y-%m-%d})"
        )
