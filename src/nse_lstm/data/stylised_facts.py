"""Stylised facts of a market's panel, to compare a simulated market with the real one.

One function measures both, so that differences are the markets' own.
"""

import numpy as np
import pandas as pd

from nse_lstm.data.adjusted import with_returns

FACTS: dict[str, str] = {
    "volatility": "daily volatility, median ordinary share",
    "volatility_liquid": "daily volatility, median of the ten most traded",
    "kurtosis": "excess kurtosis, median ordinary share",
    "kurtosis_liquid": "excess kurtosis, median of the ten most traded",
    "clustering": "autocorrelation of absolute returns, ten most traded",
    "no_volume": "share of rows without volume",
    "unchanged": "share of rows with an unchanged price",
    "unchanged_liquid": "share of unchanged prices, median of the ten most traded",
    "autocorrelation_liquid": "lag-1 autocorrelation, mean of the three most traded",
    "autocorrelation_thin": "lag-1 autocorrelation, median of thin stocks",
    "pairwise": "mean pairwise correlation of the 25 most traded",
    "market_correlation": "mean correlation with the other stocks' mean",
    "market_correlation_liquid": "the same, five most traded",
    "market_volatility": "standard deviation of the equal-weight market",
    "market_lag_1": "lag-1 autocorrelation of the equal-weight market",
    "market_lag_2": "lag-2 autocorrelation of the equal-weight market",
    "small_after_big": "correlation of small stocks with big ones a session before",
    "big_after_small": "correlation of big stocks with small ones a session before",
    "at_limit": "share of trades that moved by 9.5 to 10.05 %",
    "beyond_limit": "share of trades that moved by more",
    "top_1": "share of turnover of the most traded",
    "top_5": "share of turnover of the five most traded",
    "top_25": "share of turnover of the 25 most traded",
}
"""Name and meaning of every fact, in the order of the table."""

LIQUID, MARKET_LEADERS, SMALL_FROM = 10, 3, 30
WIDE = 25
THIN_FROM, THIN_TRADED = 20, 0.6
EVER_TRADED = 0.02
LIMIT, BEYOND = 0.095, 0.1005


def stylised_facts(panel: pd.DataFrame) -> "pd.Series[float]":
    """Measure a panel's stylised facts over its ordinary shares.

    Stocks are ordered by total turnover. A fact that needs more stocks than there are
    uses all of them. Thin stocks are those from rank 21 on that traded on 60 % of
    sessions.

    Parameters
    ----------
    panel : DataFrame
        ``tables.PANEL``.

    Returns
    -------
    Series
        The names of ``FACTS``; fractions.
    """
    table = with_returns(panel)
    table = table[table["kind"] == "ordinary"]
    returns = table.pivot(index="session", columns="ticker", values="log_return")
    volume = table.pivot(index="session", columns="ticker", values="volume")
    turnover = (table["price"] * table["volume"]).groupby(table["ticker"]).sum()
    order = turnover.sort_values(ascending=False, kind="stable").index
    returns, volume = returns[order], volume[order]
    facts = {
        **_of_shares(returns, volume.notna().sum() / returns.notna().sum()),
        **_of_the_market(returns),
        **_of_rows(table),
        "unchanged": _is_zero(returns).sum().sum() / returns.notna().sum().sum(),
    }
    for n in (1, 5, 25):
        facts[f"top_{n}"] = turnover[order[:n]].sum() / turnover.sum()
    return pd.Series(facts)[list(FACTS)]


def _of_shares(returns: pd.DataFrame, traded: "pd.Series[float]") -> dict[str, float]:
    volatility, kurtosis = returns.std(), returns.kurt()
    lag_1 = _autocorrelation(returns)
    thin = traded[THIN_FROM:].index[traded[THIN_FROM:] > THIN_TRADED]
    unchanged = _is_zero(returns).sum() / returns.notna().sum()
    return {
        "volatility": volatility.median(),
        "volatility_liquid": volatility[:LIQUID].median(),
        "kurtosis": kurtosis[traded > EVER_TRADED].median(),
        "kurtosis_liquid": kurtosis[:LIQUID].median(),
        "clustering": _autocorrelation(returns.iloc[:, :LIQUID].abs()).median(),
        "unchanged_liquid": unchanged[:LIQUID].median(),
        "autocorrelation_liquid": lag_1[:MARKET_LEADERS].mean(),
        "autocorrelation_thin": lag_1[thin].median(),
    }


def _of_the_market(returns: pd.DataFrame) -> dict[str, float]:
    correlation = returns.iloc[:, :WIDE].corr().to_numpy()
    market, n = returns.mean(axis=1), returns.notna().sum(axis=1)
    sums = market * n
    others = returns.apply(lambda own: own.corr((sums - own) / (n - 1)))
    big = returns.iloc[:, :LIQUID].mean(axis=1)
    small = returns.iloc[:, SMALL_FROM:].mean(axis=1)
    return {
        "pairwise": correlation[np.triu_indices_from(correlation, 1)].mean(),
        "market_correlation": others.mean(),
        "market_correlation_liquid": others[:5].mean(),
        "market_volatility": market.std(),
        "market_lag_1": market.autocorr(1),
        "market_lag_2": market.autocorr(2),
        "small_after_big": small.corr(big.shift()),
        "big_after_small": big.corr(small.shift()),
    }


def _of_rows(table: pd.DataFrame) -> dict[str, float]:
    traded = table[table["volume"].notna() & ~table["gap"]]
    move = (traded["price"] * traded["factor"] / traded["previous"] - 1).abs().dropna()
    return {
        "no_volume": table["volume"].isna().sum() / table["price"].notna().sum(),
        "at_limit": ((move >= LIMIT) & (move <= BEYOND)).mean(),
        "beyond_limit": (move > BEYOND).mean(),
    }


def _is_zero(returns: pd.DataFrame) -> pd.DataFrame:
    # Rounding of price * shares / price is no move.
    return returns.abs() <= 1e-12


def _autocorrelation(returns: pd.DataFrame) -> "pd.Series[float]":
    return returns.apply(lambda own: own.autocorr())
