"""Tables and sentences of notebook 90: one stock's errors, strategies and model."""

from typing import Any

import numpy as np
import pandas as pd

from nse_lstm.evaluation.strategies import HOLD
from nse_lstm.pages.phrases import NAIVE, price_errors_phrase, scaler_phrase
from nse_lstm.pages.stock_page import StockPage
from nse_lstm.reporting.canvas import name_of
from nse_lstm.reporting.display import Html, bullets, picture, sentence
from nse_lstm.reporting.fan_figure import draw_fan
from nse_lstm.reporting.format import format_number

ROLLING = 20
"""Sessions of the rolling error: about a month."""
AROUND = 50
"""Sessions of the fan's figure."""

STRATEGY_METRICS = [
    "net_return",
    "sharpe_ratio",
    "win_rate",
    "max_drawdown",
    "turnover",
    "exposure",
]


def show_fan(page: StockPage) -> Html:
    """Draw the bands of the test year's last origin, with the price around it.

    Parameters
    ----------
    page : StockPage
    """
    if page.fan.empty:
        return sentence("The stock LSTM gives no distribution here.")
    origin, end = page.fan["origin"].iloc[0], page.fan["target_date"].max()
    stock = page.prices[page.prices["session"] <= end].tail(AROUND)
    shares = stock.loc[stock["session"] == origin, "shares"].iloc[0]
    prices = stock[["session"]].assign(price=stock["adjusted"] / shares)
    return picture(
        draw_fan(page.fan, prices, ticker=page.ticker),
        alt="Bands of the price over ten sessions, with the price before and after.",
    )


def stock_headline(page: StockPage) -> str:
    """Name the stock, its sector and the model that Phase 4 chose.

    This page is made before Phase 5, whose gate may still refuse that model.
    """
    chosen, about = str(page.selection["champion"]), page.statistics
    gate = " The promotion gate of Phase 5 decides whether it is used."
    return (
        f"{page.ticker}, {about['name']} ({about['sector']}). Chosen by its errors in "
        f"the walk-forward years: {name_of(chosen)}.{gate if chosen != NAIVE else ''}"
    )


def rolling_errors(page: StockPage, *, n_sessions: int = ROLLING) -> pd.DataFrame:
    """Return each model's rolling root mean squared error over persistence's.

    Parameters
    ----------
    page : StockPage
    n_sessions : int
        Length of the rolling span.

    Returns
    -------
    DataFrame
        ``target_date``, ``model``, ``ratio``. Spans in which no price changed, where
        persistence has no error, are left out.
    """
    known = page.forecasts.dropna(subset=["level", "price_hat"])
    squares = known.assign(square=(known["price_hat"] - known["level"]) ** 2)
    wide = squares.pivot_table(index="target_date", columns="model", values="square")
    # Sums of each span on its own: a running one would keep a rounding of large errors.
    spans = wide.dropna().rolling(n_sessions)
    mean = spans.apply(np.mean, raw=True).dropna()
    mean = mean[mean[NAIVE] > 0]
    ratio = mean.drop(columns=NAIVE).div(mean[NAIVE], axis=0) ** 0.5
    long = ratio.reset_index().melt(id_vars="target_date", value_name="ratio")
    return long.sort_values(["model", "target_date"], ignore_index=True)


def traded_returns(page: StockPage) -> pd.DataFrame:
    """Return the daily returns of the shown strategies that trade."""
    rows = _shown(page, page.returns)
    return rows[rows["model"] != NAIVE]


def strategy_table(page: StockPage) -> pd.DataFrame:
    """Return the scores of the shown strategies at the headline cost, one row each."""
    rows = _shown(page, page.scores)
    rows = rows[rows["cost_bps"] == page.headline_cost_bps]
    wide = rows.pivot(index=["model", "rule"], columns="metric", values="value")
    return wide[STRATEGY_METRICS].reset_index().rename_axis(columns=None)


def cost_table(page: StockPage) -> pd.DataFrame:
    """Return the net return of the shown strategies by cost level, as text."""
    rows = _shown(page, page.scores)
    rows = rows[rows["metric"] == "net_return"]
    wide = rows.pivot(index=["model", "rule"], columns="cost_bps", values="value")
    text = wide.map(lambda value: format_number(value, "+.1%"))
    return text.rename(columns=lambda cost: f"{cost} bps").reset_index()


def monthly_liquidity(page: StockPage) -> pd.DataFrame:
    """Return each month's median turnover and its fraction of sessions traded."""
    prices = page.prices[~page.prices["stale"]]
    turnover = (prices["price"] * prices["volume"]).fillna(0.0)
    months = prices["session"].dt.to_period("M").dt.to_timestamp()
    return pd.DataFrame(
        {
            "turnover": turnover.groupby(months).median(),
            "traded_share": prices["volume"].notna().groupby(months).mean(),
        }
    ).reset_index(names="month")


def liquidity_table(page: StockPage) -> pd.DataFrame:
    """Return the statistics that ranked the stock before the test year, as text."""
    about = page.statistics
    return _items(
        {
            "rank by turnover": str(about["rank"]),
            "median turnover per session": f"KES {about['median_turnover']:,.0f}",
            "sessions traded, recent span": f"{about['recent_traded_share']:.0%}",
            "sessions traded, all": f"{about['traded_share']:.0%}",
            "sessions with an unchanged price": f"{about['unchanged_share']:.0%}",
            "daily volatility": f"{about['volatility']:.2%}",
            "why recommended": str(about["reason"]),
        }
    )


def model_card(page: StockPage) -> pd.DataFrame:
    """Return the model card: training data, size, losses and times."""
    about, safety = page.model.about, page.model.safety
    train, validation = about["train"], about["validation"]
    out = sum(train["dropped"].values()) + sum(validation["dropped"].values())
    return _items(
        {
            "model": f"{about['architecture']}, one network and one scaler per stock",
            "version": about["version"][:16],
            "forecasts": (
                f"the adjusted price {about['horizon']} session ahead, from the last "
                f"{about['lookback']} sessions"
            ),
            "training data": _span(train),
            "validation data": f"{_span(validation)}, used only to stop the training",
            "windows left out": f"{out}: {_reasons(train, validation)}",
            "training": (
                f"{about['epochs']} epochs, weights of epoch {about['best_epoch']} kept"
            ),
            "validation over training loss": (
                f"{safety['loss_ratio']:.2g} ({safety['validation_loss']:.5f} over "
                f"{safety['train_loss']:.5f}, the latter under dropout)"
            ),
            "scaler range": scaler_phrase(safety),
            "negative predictions": (
                f"{page.model.n_negative} of {page.model.n_forecasts}, the lowest is "
                f"{page.model.lowest:.2f} KES, nothing is clipped"
            ),
            "parameters": f"{safety['n_parameters']:,}",
            "size": f"{safety['n_bytes'] / 1e6:.2f} MB",
            "time to train": f"{safety['seconds']:.0f} s, when it was trained",
            "time to forecast": (
                f"{safety['next_ms']:.0f} ms loaded, {safety['first_ms']:.0f} ms from "
                "the files"
            ),
            "seed": str(about["seed"]),
            "data": page.data_digest[:16],
        }
    )


def limits(page: StockPage) -> Html:
    """List when not to use the model, with this stock's numbers."""
    last = page.prices.dropna(subset="adjusted").iloc[-1]
    low, high = (page.model.safety[f"scaler_{end}"] for end in ("minimum", "maximum"))
    inside = "inside" if low <= last["adjusted"] <= high else "outside"
    chosen = page.selection
    items = [
        f"When the price leaves the range it was trained on, {low:.2f} to {high:.2f} "
        f"KES adjusted: a network does not extrapolate. The last price, "
        f"{last['adjusted']:.2f} on {last['session']:%Y-%m-%d}, lies {inside}.",
        "For orders at the forecast price: it is the next session's price, known "
        "only after the close.",
        "After a suspension, on a session that repeats the one before, or across a "
        "break in the calendar: no forecast is made then.",
        "For returns with dividends: prices leave them out.",
    ]
    if chosen["champion"] != page.model.about["architecture"]:
        items.insert(
            0, f"At present at all: Phase 4 chose {name_of(chosen['champion'])}."
        )
    return bullets(*items)


def stock_findings(page: StockPage) -> Html:
    """Summarise the page: error against persistence, net returns, liquidity."""
    model = page.model.about["architecture"]
    chosen = str(page.selection["champion"])
    names = [name for name in dict.fromkeys([chosen, model]) if name != NAIVE]
    errors = rolling_errors(page)
    held = _net(page, HOLD, "hold")
    earned = ", ".join(
        f"{_net(page, model, rule):+.1%} by the {rule} rule"
        for rule in ("sign", "gate")
    )
    about = page.statistics
    return bullets(
        *(_error_phrase(page, errors, name) for name in names),
        f"At {page.headline_cost_bps} basis points per side the backtest returned "
        f"{earned}, buy and hold {held:+.1%}, cash {page.cash_return:+.1%}.",
        f"Before {page.year} the stock traded on {about['recent_traded_share']:.0%} of "
        f"recent sessions, KES {about['median_turnover']:,.0f} in the median session.",
    )


def _error_phrase(page: StockPage, errors: pd.DataFrame, model: str) -> str:
    """Word a model's errors of the year, and how often persistence's were smaller."""
    mae = {name: _value(page, name, "mae") for name in (model, NAIVE)}
    ratio = errors.loc[errors["model"] == model, "ratio"]
    said = (
        f"In {page.year} the mean absolute error of {model} was "
        f"{price_errors_phrase(mae, model=model)}."
    )
    if ratio.empty:
        return f"{said} The year has too few sessions for a rolling error."
    worse = (ratio > 1).mean()
    return (
        f"{said} Over {ROLLING} sessions its "
        f"root mean squared error was larger than {NAIVE}'s {worse:.0%} of the time."
    )


def _shown(page: StockPage, table: pd.DataFrame) -> pd.DataFrame:
    """Keep the forecasting models of the page, and buy and hold."""
    return table[table["model"].isin([*page.forecasts["model"].unique(), HOLD])]


def _value(page: StockPage, model: str, metric: str) -> float:
    rows = page.scores[
        (page.scores["model"] == model) & (page.scores["metric"] == metric)
    ]
    return float(rows["value"].iloc[0])


def _net(page: StockPage, model: str, rule: str) -> float:
    rows = page.scores[
        (page.scores["model"] == model)
        & (page.scores["rule"] == rule)
        & (page.scores["metric"] == "net_return")
        & (page.scores["cost_bps"] == page.headline_cost_bps)
    ]
    return float(rows["value"].iloc[0])


def _span(part: dict[str, Any]) -> str:
    return (
        f"{part['n_windows']:,} windows, origins {part['first_origin']} to "
        f"{part['last_origin']}"
    )


def _reasons(*parts: dict[str, Any]) -> str:
    counts: dict[str, int] = {}
    for part in parts:
        for reason, n in part["dropped"].items():
            counts[reason] = counts.get(reason, 0) + n
    return ", ".join(f"{n} {reason}" for reason, n in sorted(counts.items())) or "none"


def _items(items: dict[str, str]) -> pd.DataFrame:
    return pd.DataFrame(items.items(), columns=["item", "value"])
