"""Readings of figures of strategies, evidence and the anatomy."""

import numpy as np
import pandas as pd

from nse_lstm.reporting.canvas import name_of
from nse_lstm.reporting.format import join_words

NETWORKS = ("v2", "v1", "stock_lstm", "stock_lstm_median")
"""Models of their own marks, the others being baselines."""


def read_errors(ratio: pd.DataFrame) -> str:
    """Summarise each network's error as a multiple of persistence's."""
    parts = []
    for model in [name for name in NETWORKS if name in ratio]:
        own = ratio[model].dropna()
        parts.append(
            f"{name_of(model)} has {own.min():.2f} times ({own.idxmin()}) to "
            f"{own.max():.2f} times ({own.idxmax()}) the error of persistence, "
            f"{own.median():.2f} times in the median"
        )
    others = ratio.drop(columns=[*NETWORKS, "persistence"], errors="ignore")
    if others.size:
        low, high = np.nanmin(others.to_numpy()), np.nanmax(others.to_numpy())
        parts.append(f"the baselines from {low:.2f} to {high:.2f} times")
    return f"{'; '.join(parts)}."


def read_costs(net: pd.DataFrame, *, headline: int) -> str:
    """State each strategy's net return without costs and at the headline cost.

    Parameters
    ----------
    net : DataFrame
        ``SCORES`` of the net return in one year, of the pool.
    headline : int
        Basis points per side.
    """
    wide = net.pivot(index=["model", "rule"], columns="cost_bps", values="value")
    texts = {}
    for row in wide.reset_index().to_dict("records"):
        found = [row.get(cost, np.nan) for cost in (0, headline)]
        values = [f"{value:+.1%}" for value in found if not np.isnan(value)]
        texts[row["model"], row["rule"]] = " then ".join(values)
    terms = f"without costs, then at {headline} bps per side"
    return f"Net return {terms}: {_by_model(texts)}."


def read_net_value(values: dict[str, pd.Series], *, year: int) -> str:
    """State the final value of 1 KES in each strategy.

    Parameters
    ----------
    values : dict
        Value of 1 KES by session, by "model, rule".
    year : int
    """
    texts = {}
    for key, value in values.items():
        model, _, rule = key.partition(", ")
        texts[model, rule] = f"{value.iloc[-1]:.2f}"
    return f"By the end of {year} 1 KES had become: {_by_model(texts)}."


def read_backtest(values: dict[str, pd.Series], *, ticker: str) -> str:
    """State the final value of 1 KES and the largest drawdown.

    Parameters
    ----------
    values : dict
        Value of 1 KES by session, by "model, rule".
    ticker : str
    """
    parts = []
    for name, value in values.items():
        fall = (value / value.cummax().clip(lower=1) - 1).min()
        strategy = name.removesuffix(", hold")
        parts.append(f"{strategy} {value.iloc[-1]:.2f} (largest drawdown {fall:.0%})")
    return f"{ticker}: 1 KES becomes with {join_words(parts)}."


def read_coverage(rows: pd.DataFrame, *, aim: float) -> str:
    """Summarise the coverage by quarter and the quarters within chance.

    Parameters
    ----------
    rows : DataFrame
        ``COVERAGE`` of one model; quarters without a band are not counted.
    aim : float
        Coverage that the intervals promise.
    """
    mean = rows.groupby("quarter")["coverage"].mean()
    banded = rows.dropna(subset=["lower", "upper"])
    inside = banded["coverage"].between(banded["lower"], banded["upper"])
    return (
        f"They aim at {aim:.0%}; the mean of the stocks lies between {mean.min():.0%} "
        f"in {mean.idxmin()} and {mean.max():.0%} in {mean.idxmax()}. {inside.sum()} "
        f"of {len(banded)} quarters of a stock lie in the band of chance."
    )


def read_evidence(tests: pd.DataFrame, *, promote_at: float) -> str:
    """Summarise each test's evidence and whether it reaches a promotion.

    Parameters
    ----------
    tests : DataFrame
        ``SHADOW_TESTS``.
    promote_at : float
        Evidence from which a promotion is due.
    """
    parts = []
    for test, rows in tests.groupby("test"):
        evidence = rows["evidence"]
        reached = "reaches" if evidence.max() >= promote_at else "does not reach"
        parts.append(
            f"{name_of(test)} ends at {evidence.iloc[-1]:.2g}, was at most "
            f"{evidence.max():.2g} and {reached} {promote_at:g}"
        )
    return f"Over {tests['session'].nunique()} sessions {join_words(parts)}."


def read_alarms(alerts: pd.DataFrame, *, n_series: int) -> str:
    """Count the alarms by kind and name the series with most.

    Parameters
    ----------
    alerts : DataFrame
        ``ALERTS``, maybe without rows.
    n_series : int
        Monitored pairs of stock and model.
    """
    if alerts.empty:
        return f"None of {n_series} series rang."
    kinds = alerts["alarm"].value_counts()
    where = alerts.groupby(["ticker", "model"]).size().reset_index(name="n")
    most = where.loc[int(where["n"].argmax())]
    parts = [f"{kind} {n}" for kind, n in kinds.items()]
    return (
        f"{len(alerts)} alarms in {n_series} series: {join_words(parts)}; most, "
        f"{most['n']}, for {most['ticker']}, {name_of(most['model'])}."
    )


def read_next(rows: pd.DataFrame) -> str:
    """State the lowest and the highest forecast of each model and stage."""
    parts = []
    for (model, stage), own in rows.groupby(["model", "stage"]):
        y_hat = own.set_index("ticker")["y_hat"].dropna()
        if y_hat.empty:
            continue
        low, high = f"{y_hat.min():+.1%}", f"{y_hat.max():+.1%}"
        between = (
            f"{low} for all"
            if low == high
            else f"from {low} ({y_hat.idxmin()}) to {high} ({y_hat.idxmax()})"
        )
        parts.append(f"{name_of(model)} as {stage} {between}")
    return f"Forecast log return: {'; '.join(parts)}."


def read_steps(table: pd.DataFrame) -> str:
    """State both Sharpe ratios after every step."""
    parts = [
        f"{n}, {row['title']}: {_ratio(row['network_sharpe'])} and "
        f"{_ratio(row['constant_sharpe'])}"
        for n, row in enumerate(table.to_dict("records"))
    ]
    return f"Network and constant, step {'; '.join(parts)}."


def read_order(rows: pd.DataFrame, *, ticker: str) -> str:
    """Compare the mean price move between rows in both orders.

    Parameters
    ----------
    rows : DataFrame
        ``price`` (KES) and ``order`` ("text" or "time"), each in its own order.
    ticker : str
    """
    moves = {
        order: own["price"].diff().abs().mean()
        for order, own in rows.groupby("order", sort=False)
    }
    return (
        f"{ticker}: from one row to the next the price moves by {moves['text']:.2f} "
        f"KES in the mean in the order of text, by {moves['time']:.2f} in that of time."
    )


def read_step(path: pd.DataFrame, worth: dict[str, float], *, title: str) -> str:
    """Summarise the price, the forecasts and the final value of 1 KES.

    Parameters
    ----------
    path : DataFrame
        ``price``, ``network`` and ``constant``, KES.
    worth : dict of str to float
        Final value of 1 KES by model.
    title : str
        The step in words.
    """
    spans = [f"{name} {_span(path[name])}" for name in ("price", "network", "constant")]
    gains = [f"{value:,.2f} by the {model}" for model, value in worth.items()]
    return f"{title}: {join_words(spans)}; 1 KES becomes {join_words(gains)}."


def read_chance(scores: pd.Series, *, old: float, claim: float) -> str:
    """Summarise the random signals' ratios and those beyond either claim.

    Parameters
    ----------
    scores : Series
        One Sharpe ratio per random signal.
    old, claim : float
        The published ratios of the original and the new model.
    """
    low, high = scores.quantile([0.05, 0.95])
    return (
        f"Nine in ten of {len(scores):,} random signals lie between {low:+.1f} and "
        f"{high:+.1f}; {(scores <= old).mean():.1%} are at {old:+.2f} or below, "
        f"{(scores >= claim).mean():.1%} at {claim:+.2f} or above."
    )


def _by_model(texts: dict[tuple[str, str], str]) -> str:
    """Name each model's rules, or none if all results are the same."""
    parts = []
    for model in dict.fromkeys(model for model, _ in texts):
        own = {rule: text for (name, rule), text in texts.items() if name == model}
        if len(set(own.values())) == 1:
            parts.append(f"{name_of(model)} {next(iter(own.values()))}")
        else:
            rules = [f"{text} by the {rule} rule" for rule, text in own.items()]
            parts.append(f"{name_of(model)} {join_words(rules)}")
    return "; ".join(parts)


def _span(values: "pd.Series[float]") -> str:
    low, high = f"{values.min():,.2f}", f"{values.max():,.2f}"
    return f"at {low} KES" if low == high else f"between {low} and {high} KES"


def _ratio(value: float) -> str:
    return "never bought" if np.isnan(value) else f"{value:+.2f}"
