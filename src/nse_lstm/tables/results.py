"""Schemas of forecasts, strategy returns, scores and test results."""

import pandera.pandas as pa

from nse_lstm.tables.columns import (
    NUMBER,
    TEXT,
    TIME,
    WHOLE,
    column,
    table_schema,
    within,
)

ACCURACY_COST = -1
"""``cost_bps`` of accuracy scores, which have no cost."""

# One row per model of the test year. Machine-dependent values are in run.json.
SAFETY = table_schema(
    "safety",
    ["ticker"],
    {
        "ticker": column(TEXT),
        "n_parameters": column(WHOLE, pa.Check.ge(1)),
        # Of the model's folder, run.json left out.
        "n_bytes": column(WHOLE, pa.Check.ge(1)),
        # Huber loss of the scaled price at the kept epoch.
        "train_loss": column(NUMBER, pa.Check.ge(0)),
        "validation_loss": column(NUMBER, pa.Check.ge(0)),
        # Validation over training loss; the latter is measured with dropout.
        "loss_ratio": column(NUMBER, pa.Check.ge(0)),
        # KES, of adjusted prices.
        "scaler_minimum": column(NUMBER),
        "scaler_maximum": column(NUMBER),
    },
)

FORECASTS = table_schema(
    "forecasts",
    ["ticker", "model", "seed", "fold", "origin", "delay", "horizon"],
    {
        "ticker": column(TEXT),
        "model": column(TEXT),
        "seed": column(WHOLE),
        # The year whose sessions are forecast.
        "fold": column(WHOLE),
        "origin": column(TIME),
        "delay": column(WHOLE, pa.Check.ge(0)),
        "horizon": column(WHOLE, pa.Check.ge(1)),
        "entry_date": column(TIME),
        "target_date": column(TIME),
        # Forecast of the target's price in shares of the origin, KES.
        "price_hat": column(NUMBER, nullable=True),
        # Forecast log return; missing where the price forecast is not positive.
        "y_hat": column(NUMBER, nullable=True),
        "lower": column(NUMBER, nullable=True),
        "upper": column(NUMBER, nullable=True),
    },
)

# `ticker` is "ALL" where one account holds all stocks of the fold.
STRATEGY_RETURNS = table_schema(
    "strategy_returns",
    ["ticker", "model", "seed", "fold", "rule", "cost_bps", "session"],
    {
        "ticker": column(TEXT),
        "model": column(TEXT),
        "seed": column(WHOLE),
        "fold": column(WHOLE),
        "rule": column(TEXT),
        "cost_bps": column(WHOLE, pa.Check.ge(0)),
        "session": column(TIME),
        # Held from the session before into this one, fraction of the account.
        "position": column(NUMBER, pa.Check.in_range(0, 1)),
        # Sum of absolute changes of position traded at this session's price.
        "turnover": column(NUMBER, pa.Check.ge(0)),
        "gross_return": column(NUMBER),
        "net_return": column(NUMBER),
        "cash_return": column(NUMBER),
        # Return of the stock itself, without cost.
        "stock_return": column(NUMBER),
    },
)

# Accounts of portfolio rules and their benchmarks, each continuous over all its years.
PORTFOLIO_RETURNS = table_schema(
    "portfolio_returns",
    ["model", "rule", "start", "cost_bps", "session"],
    {
        # The ranking that feeds the rule, or the benchmark.
        "model": column(TEXT),
        "rule": column(TEXT),
        # Sessions by which every decision is later than the first account's.
        "start": column(WHOLE, pa.Check.ge(0)),
        "cost_bps": column(WHOLE, pa.Check.ge(0)),
        "session": column(TIME),
        # Held from the session before into this one, fraction of the account.
        "position": column(NUMBER, pa.Check.in_range(0, 1)),
        # Bought and sold at this session's price, fraction of the account.
        "turnover": column(NUMBER, pa.Check.ge(0)),
        # Fraction of the account in stocks that no order could trade for some time.
        "untradable": column(NUMBER, pa.Check.in_range(0, 1)),
        "gross_return": column(NUMBER),
        "net_return": column(NUMBER),
        "cash_return": column(NUMBER),
    },
)

# Their scores, the mean over the start days.
PORTFOLIO_SCORES = table_schema(
    "portfolio_scores",
    ["model", "rule", "cost_bps", "metric"],
    {
        "model": column(TEXT),
        "rule": column(TEXT),
        "cost_bps": column(WHOLE, pa.Check.ge(0)),
        "metric": column(TEXT),
        # Missing where not defined, such as the ratio of an excess that never varies.
        "value": column(NUMBER, nullable=True),
        "lower": column(NUMBER, nullable=True),
        "upper": column(NUMBER, nullable=True),
        "n": column(WHOLE, pa.Check.ge(1)),
    },
)

# The same rules with whole lots and a limited share of the volume, headline cost.
PORTFOLIO_CAPACITY = table_schema(
    "portfolio_capacity",
    ["model", "rule", "capital_kes"],
    {
        "model": column(TEXT),
        "rule": column(TEXT),
        "capital_kes": column(NUMBER, pa.Check.gt(0)),
        # Yearly, over cash and over equal weight without limits.
        "over_cash": column(NUMBER),
        "over_equal_weight": column(NUMBER),
        "turnover": column(NUMBER, pa.Check.ge(0)),
        "exposure": column(NUMBER, pa.Check.in_range(0, 1)),
        "n": column(WHOLE, pa.Check.ge(1)),
    },
)

# `ticker` is "ALL" where the scores are of the equally weighted pool.
SCORES = table_schema(
    "scores",
    ["ticker", "model", "fold", "rule", "metric", "cost_bps"],
    {
        "ticker": column(TEXT),
        "model": column(TEXT),
        "fold": column(WHOLE),
        # "none" for accuracy; "sign" or "gate" for forecasts; "hold", "rebalance" or
        # "no_cost" for benchmarks.
        "rule": column(TEXT),
        "metric": column(TEXT),
        "cost_bps": column(WHOLE, pa.Check.ge(ACCURACY_COST)),
        # Missing where a metric is not defined, such as the Sharpe of never trading.
        "value": column(NUMBER, nullable=True),
        "n": column(WHOLE, pa.Check.ge(0)),
        "lower": column(NUMBER, nullable=True),
        "upper": column(NUMBER, nullable=True),
    },
)

# A strategy's results with whole lots and limited shares of the volume.
CAPACITY = table_schema(
    "capacity",
    ["model", "fold", "rule", "cost_bps", "capital_kes"],
    {
        "model": column(TEXT),
        "fold": column(WHOLE),
        "rule": column(TEXT),
        "cost_bps": column(WHOLE, pa.Check.ge(0)),
        "capital_kes": column(NUMBER, pa.Check.gt(0)),
        # Fraction of the ordered money that was filled; missing without orders.
        "fill_share": column(NUMBER, pa.Check.in_range(0, 1), nullable=True),
        # KES.
        "ordered": column(NUMBER, pa.Check.ge(0)),
        "net_return": column(NUMBER),
        # Yearly, over cash.
        "net_excess": column(NUMBER),
        "exposure": column(NUMBER, pa.Check.in_range(0, 1)),
        "n": column(WHOLE, pa.Check.ge(1)),
    },
)

# Results of the statistical tests of forecasts and strategy.
EVIDENCE = table_schema(
    "evidence",
    ["test", "model", "against", "ticker"],
    {
        "test": column(TEXT),
        # "all" for a joint test of all models.
        "model": column(TEXT),
        "against": column(TEXT),
        # "ALL" for all stocks, with one observation per date.
        "ticker": column(TEXT),
        "statistic": column(NUMBER, nullable=True),
        "p_value": column(NUMBER, pa.Check.in_range(0, 1), nullable=True),
        "lower": column(NUMBER, nullable=True),
        "upper": column(NUMBER, nullable=True),
        "n": column(WHOLE, pa.Check.ge(0)),
        # One sentence for the reader.
        "says": column(TEXT),
        # Kernel, bootstrap, side of the test.
        "method": column(TEXT),
    },
)

# Coverage of prediction intervals, with its range under the nominal level.
COVERAGE = table_schema(
    "coverage",
    ["model", "ticker", "quarter"],
    {
        "model": column(TEXT),
        "ticker": column(TEXT),
        "quarter": column(TEXT),
        "coverage": column(NUMBER, pa.Check.in_range(0, 1)),
        "lower": column(NUMBER, pa.Check.in_range(0, 1), nullable=True),
        "upper": column(NUMBER, pa.Check.in_range(0, 1), nullable=True),
        # Log return.
        "width": column(NUMBER, pa.Check.ge(0)),
        "interval_score": column(NUMBER, pa.Check.ge(0)),
        "n": column(WHOLE, pa.Check.ge(1)),
        # Intervals without bounds for lack of past errors; not in the other columns.
        "n_open": column(WHOLE, pa.Check.ge(0)),
    },
)


# Faults of price forecasts by stock and year.
FORECAST_FAULTS = table_schema(
    "forecast_faults",
    ["ticker", "model", "fold"],
    {
        "ticker": column(TEXT),
        "model": column(TEXT),
        "fold": column(WHOLE),
        # Median of forecast over realised price, less 1.
        "offset": column(NUMBER),
        # Correlation of the forecast with the price at its origin, at its target.
        "with_today": within(-1, 1),
        "with_tomorrow": within(-1, 1),
        # Standard deviation of the forecast over that of the price.
        "spread": column(NUMBER, pa.Check.ge(0)),
        # Mean absolute error over that of "tomorrow = today", missing where that is 0.
        "error": column(NUMBER, pa.Check.ge(0), nullable=True),
        # Fraction of forecasts beyond the exchange's daily limit.
        "beyond": within(0, 1),
        "n": column(WHOLE, pa.Check.ge(1)),
    },
)

QUANTILE_LEVELS = (
    *(0.005, 0.01, 0.025, 0.05),
    *(round(0.05 * step, 2) for step in range(2, 19)),
    *(0.95, 0.975, 0.99, 0.995),
)
"""Probabilities of the quantiles of a forecast distribution."""
QUANTILE_COLUMNS = tuple(f"q{1000 * level:03.0f}" for level in QUANTILE_LEVELS)
"""Their columns: q005 has 0.5 % of the distribution below it, q500 is the median."""

# Forecast distributions of the log return over several horizons, at delay 0.
QUANTILES = table_schema(
    "quantiles",
    ["ticker", "model", "fold", "origin", "horizon"],
    {
        "ticker": column(TEXT),
        "model": column(TEXT),
        "fold": column(WHOLE),
        "origin": column(TIME),
        "target_date": column(TIME),
        "horizon": column(WHOLE, pa.Check.ge(1)),
        # Probability that the price does not move; missing where not modelled.
        "unchanged": within(0, 1),
        **dict.fromkeys(QUANTILE_COLUMNS, column(NUMBER)),
    },
)

# Scores of forecast distributions. `ticker` is "ALL" for all stocks, `fold` is 0 for
# all walk-forward years.
DISTRIBUTION_SCORES = table_schema(
    "distribution_scores",
    ["ticker", "model", "fold", "horizon", "metric"],
    {
        "ticker": column(TEXT),
        "model": column(TEXT),
        "fold": column(WHOLE),
        "horizon": column(WHOLE, pa.Check.ge(1)),
        "metric": column(TEXT),
        "value": column(NUMBER, nullable=True),
        "n": column(WHOLE, pa.Check.ge(0)),
    },
)


# One row per session on which a model ranked the universe.
RANK_IC = table_schema(
    "rank_ic",
    ["model", "seed", "fold", "delay", "horizon", "origin"],
    {
        "model": column(TEXT),
        "seed": column(WHOLE),
        "fold": column(WHOLE),
        "delay": column(WHOLE, pa.Check.ge(0)),
        "horizon": column(WHOLE, pa.Check.ge(1)),
        "origin": column(TIME),
        # Spearman's correlation of forecast and realised return over the stocks.
        "rank_ic": column(NUMBER, pa.Check.in_range(-1, 1)),
        # Stocks with both.
        "n": column(WHOLE, pa.Check.ge(1)),
    },
)


# Effect of each change of v2 on the loss, alone and removed from v2.
ABLATION = table_schema(
    "ablation",
    ["change", "form"],
    {
        "change": column(TEXT),
        # "alone": v1's network with the change against without. "removed": v2 against
        # v2 without it. "all": v2 against v1's network.
        "form": column(TEXT, pa.Check.isin(["alone", "removed", "all"])),
        # Geometric mean of the error over persistence's, with and without the change.
        "loss_with": column(NUMBER, pa.Check.ge(0)),
        "loss_without": column(NUMBER, pa.Check.ge(0)),
        # Log of with over without: negative where the change helps.
        "value": column(NUMBER),
        "lower": column(NUMBER),
        "upper": column(NUMBER),
        # Seeds for which every stock's difference is negative.
        "n_seeds_better": column(WHOLE, pa.Check.ge(0)),
        "n_seeds": column(WHOLE, pa.Check.ge(2)),
        "n_stocks": column(WHOLE, pa.Check.ge(1)),
        "fold": column(WHOLE),
    },
)


# Savings of timed orders by session. All signals of a wait have the same orders.
ORDER_TIMING = table_schema(
    "order_timing",
    ["signal", "wait", "side", "session"],
    {
        # A model, or "stale_60" and "stale_120" (its forecasts that many sessions old),
        # "placebo" (the mean of both), "random", or "twap" (equal slices).
        "signal": column(TEXT),
        # Most sessions that an order waits.
        "wait": column(WHOLE, pa.Check.ge(1)),
        "side": column(TEXT, pa.Check.isin(["buy", "sell"])),
        # Origin: the session after whose close the order is decided.
        "session": column(TIME),
        "n_orders": column(WHOLE, pa.Check.ge(1)),
        # Mean over the orders, against sending at once and beyond the market: log
        # return in basis points.
        "saving_bps": column(NUMBER),
    },
)

# Mean savings over sessions with intervals. `against` is "at_once" or a signal, `side`
# may be "both", `part` is "all", a year or a third by turnover.
ORDER_SAVINGS = table_schema(
    "order_savings",
    ["signal", "against", "wait", "side", "part"],
    {
        "signal": column(TEXT),
        "against": column(TEXT),
        "wait": column(WHOLE, pa.Check.ge(1)),
        "side": column(TEXT, pa.Check.isin(["buy", "sell", "both"])),
        "part": column(TEXT),
        # Log return in basis points per side, as are all columns in bps.
        "value_bps": column(NUMBER),
        # Of the stationary bootstrap with a mean block of 10 sessions, and of 20.
        "lower_bps": column(NUMBER),
        "upper_bps": column(NUMBER),
        "lower_20_bps": column(NUMBER),
        "upper_20_bps": column(NUMBER),
        # Standard deviation of one order; missing for a single one.
        "sd_bps": column(NUMBER, pa.Check.ge(0), nullable=True),
        "n_orders": column(WHOLE, pa.Check.ge(1)),
        "n_sessions": column(WHOLE, pa.Check.ge(1)),
    },
)

# The declared claims: one row over all spans ("all"), and one per span of years.
CLAIMS = table_schema(
    "claims",
    ["claim", "span"],
    {
        "claim": column(TEXT),
        # In the declared list, from 1.
        "place": column(WHOLE, pa.Check.ge(1)),
        # "all", "known", "untouched", "chosen_on" or "other".
        "span": column(TEXT),
        # Of the span alone; "" over all spans.
        "label": column(
            TEXT, pa.Check.isin(["", "confirmatory", "replication", "exploratory"])
        ),
        "model": column(TEXT),
        # The better of the declared benchmarks.
        "against": column(TEXT),
        "statistic": column(TEXT),
        "horizon": column(WHOLE, pa.Check.ge(1)),
        "delay": column(WHOLE, pa.Check.ge(0)),
        # Fraction, rank IC or basis points; missing where not measured.
        "effect": column(NUMBER, nullable=True),
        "lower": column(NUMBER, nullable=True),
        "upper": column(NUMBER, nullable=True),
        # With the longer mean block; missing for HAC.
        "lower_long": column(NUMBER, nullable=True),
        "upper_long": column(NUMBER, nullable=True),
        # One-sided, and by Holm over the family; the latter over all spans alone.
        "p_value": within(0, 1),
        "adjusted": within(0, 1),
        "smallest_useful": column(NUMBER, pa.Check.gt(0)),
        "smallest_detectable": column(NUMBER, pa.Check.ge(0), nullable=True),
        # Sessions.
        "n": column(WHOLE, pa.Check.ge(0)),
        # Over all spans; "" for a span alone.
        "answer": column(
            TEXT,
            pa.Check.isin(["", "yes", "no", "undecided", "not yet", "not measured"]),
        ),
    },
)
