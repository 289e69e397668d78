"""Rank IC: Spearman correlation of forecast and return over the stocks of a session.

A session of 25 stocks is one observation, not 25. Returns over several sessions
overlap, so the coefficients are autocorrelated and the mean has a Newey-West error.

References
----------
.. [1] R. Grinold and R. Kahn (2000). Active portfolio management, 2nd edition, ch. 6.
.. [2] W. Newey and K. West (1987). A simple, positive semi-definite,
   heteroskedasticity and autocorrelation consistent covariance matrix. Econometrica
   55(3), 703-708.
"""

import pandas as pd
from scipy.stats import norm

from nse_lstm.evaluation.hac import newey_west
from nse_lstm.evaluation.scoring import POOL, realised
from nse_lstm.features.cross_sectional_rank import MIN_STOCKS
from nse_lstm.numerics import CONSTANT
from nse_lstm.tables import ACCURACY_COST, RANK_IC, SCORES, conform

ALL_YEARS = 0
"""The ``fold`` of a score over the sessions of all years."""
CONFIDENCE = 0.95

SESSION = ["model", "seed", "fold", "delay", "horizon", "origin"]
SUMMARY = ["value", "t_statistic", "lower", "upper", "n"]


def daily_rank_ic(forecasts: pd.DataFrame, panel: pd.DataFrame) -> pd.DataFrame:
    """Compute the rank IC of every session: rank correlation of forecast and return.

    Parameters
    ----------
    forecasts : DataFrame
        ``FORECASTS`` of the universe, of any delays and horizons. The rows of one model
        and origin are the cross-section.
    panel : DataFrame
        ``PANEL``, as far as it is known.

    Returns
    -------
    DataFrame
        ``RANK_IC``. Rows without a forecast or a realised return are left out; so are
        sessions with fewer than ``MIN_STOCKS`` of them, or where all forecasts or all
        returns are equal. Ties share the mean rank.
    """
    rows = realised(forecasts, panel).dropna(subset=["y", "y_hat"])
    rows = rows[_varies(rows, "y_hat")]
    y, y_hat = _centred_rank(rows, "y"), _centred_rank(rows, "y_hat")
    parts = rows[SESSION].assign(xy=y * y_hat, xx=y**2, yy=y_hat**2, n=1)
    sums = parts.groupby(SESSION, as_index=False).sum()
    enough = (sums["n"] >= MIN_STOCKS) & (sums["xx"] > 0) & (sums["yy"] > 0)
    sums = sums[enough]
    spread = (sums["xx"] * sums["yy"]) ** 0.5
    # Spearman: sum(xy) / sqrt(sum(x²) sum(y²)) of centred ranks
    table = sums.assign(rank_ic=(sums["xy"] / spread).clip(-1, 1))
    return conform(table, RANK_IC)


def summarise_rank_ic(daily: pd.DataFrame) -> pd.DataFrame:
    """Return the mean rank IC by year and over all years, with Newey-West errors.

    Parameters
    ----------
    daily : DataFrame
        ``RANK_IC``.

    Returns
    -------
    DataFrame
        One row per model, delay, horizon and fold (``ALL_YEARS`` is 0): ``value``,
        ``t_statistic``, ``lower``, ``upper`` (95 %, normal) and ``n`` sessions. The
        seeds of a model are averaged by session.
    """
    single = _over_seeds(daily)
    both = pd.concat([single, single.assign(fold=ALL_YEARS)])
    return mean_scores(both, ["model", "delay", "horizon", "fold"], "rank_ic")


def score_rank_ic(daily: pd.DataFrame) -> pd.DataFrame:
    """Return the mean rank ICs as rows of ``SCORES``.

    Returns
    -------
    DataFrame
        ``SCORES`` of ticker "ALL", rule "none" and cost ``ACCURACY_COST``; ``n`` counts
        sessions and the metric is ``metric_name``'s.
    """
    summary = summarise_rank_ic(daily)
    names = [
        metric_name(delay, horizon)
        for delay, horizon in zip(summary["delay"], summary["horizon"], strict=True)
    ]
    table = summary.assign(
        ticker=POOL, rule="none", metric=names, cost_bps=ACCURACY_COST
    )
    return conform(table, SCORES)


def compare_rank_ic(daily: pd.DataFrame, first: str, second: str) -> pd.DataFrame:
    """Compare the rank ICs of two models on the sessions that both rank.

    Parameters
    ----------
    daily : DataFrame
        ``RANK_IC``.
    first, second : str
        Models.

    Returns
    -------
    DataFrame
        One row per delay and horizon over all years: ``value`` (first minus second),
        ``t_statistic``, ``lower``, ``upper``, ``n``; none where they share no session.
    """
    key = ["fold", "delay", "horizon", "origin"]
    single = _over_seeds(daily)
    one, other = (
        single[single["model"] == name].set_index(key)["rank_ic"]
        for name in (first, second)
    )
    gap = (one - other).dropna().rename("difference").reset_index()
    return mean_scores(gap, ["delay", "horizon"], "difference")


def metric_name(delay: int, horizon: int) -> str:
    """Return the metric's name of the rank IC at one delay and horizon.

    Parameters
    ----------
    delay, horizon : int
        Sessions from origin to entry, and from entry to target.

    Examples
    --------
    >>> metric_name(1, 5), metric_name(0, 1)
    ('rank_ic_5', 'rank_ic_1_delay_0')
    """
    return f"rank_ic_{horizon}" + ("" if delay == 1 else f"_delay_{delay}")


def _centred_rank(rows: pd.DataFrame, column: str) -> "pd.Series[float]":
    """Return the rank within the session minus the mean rank."""
    key = [rows[name] for name in SESSION]
    rank = rows[column].groupby(key).rank()
    return rank - rank.groupby(key).transform("mean")


def _varies(rows: pd.DataFrame, column: str) -> "pd.Series[bool]":
    """Return whether the values of a row's session differ by more than rounding."""
    groups = rows[column].groupby([rows[name] for name in SESSION])
    largest = rows[column].abs().groupby([rows[name] for name in SESSION])
    spread = groups.transform("max") - groups.transform("min")
    return spread > CONSTANT * largest.transform("max")


def _over_seeds(daily: pd.DataFrame) -> pd.DataFrame:
    key = [name for name in SESSION if name != "seed"]
    return pd.DataFrame(daily.groupby(key, as_index=False)["rank_ic"].mean())


def mean_scores(table: pd.DataFrame, key: list[str], column: str) -> pd.DataFrame:
    """Return means over sessions, with Newey-West errors for overlapping returns.

    Parameters
    ----------
    table : DataFrame
        ``origin``, ``horizon``, the columns of ``key`` and ``column``, one row per
        origin.
    key : list of str
        Columns that the rows are grouped by.
    column : str
        Averaged.

    Returns
    -------
    DataFrame
        ``key``, ``value``, ``t_statistic``, ``lower``, ``upper`` (95 %) and ``n``.
    """
    rows = [(*group, *_mean(block, column)) for group, block in table.groupby(key)]
    return pd.DataFrame(rows, columns=[*key, *SUMMARY])


def _mean(block: pd.DataFrame, column: str) -> tuple[float, float, float, float, int]:
    """Return mean, t, bounds and n; lags of twice the horizon cover the overlap."""
    ordered = block.sort_values("origin")
    lags = 2 * int(ordered["horizon"].iloc[0])
    mean, error = newey_west(ordered[column], lags=lags)
    reach = float(norm.ppf(0.5 + CONFIDENCE / 2)) * error
    t_statistic = mean / error if error > 0 else float("nan")
    return mean, t_statistic, mean - reach, mean + reach, len(ordered)
