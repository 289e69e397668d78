"""Every table's schema: column names, types and keys, in one place.

Tables are long. Missing stays missing: a nullable column is the only place for it.
``check`` is called on the way to disk and on the way back.
"""

from pathlib import Path

import pandas as pd
import pandera.pandas as pa

from nse_lstm.errors import ArtefactError, TableError
from nse_lstm.paths import write_aside

__all__ = [
    "ABLATION",
    "ABSENT_DAYS",
    "ACCEPTED_JUMPS",
    "ACCURACY_COST",
    "ACTION_KINDS",
    "AUTOCORRELATIONS",
    "AUTOCORRELATION_GROUPS",
    "CAPACITY",
    "CONCENTRATION",
    "CORPORATE_ACTIONS",
    "COVERAGE",
    "DEPENDENCE",
    "EVIDENCE",
    "FEATURES",
    "FILE_LEDGER",
    "FORECASTS",
    "INSTRUMENTS",
    "LIFESPANS",
    "MARKET_FEATURES",
    "MARKET_YEARS",
    "PANEL",
    "PLACED_FEATURES",
    "RANK_IC",
    "RECOMMENDATION_DIFFERENCES",
    "REPAIRS",
    "SAFETY",
    "SCORES",
    "STATISTICS",
    "STOCK_YEARS",
    "STRATEGY_RETURNS",
    "TARGETS",
    "check",
    "read_table",
    "write_table",
]

KINDS = ("ordinary", "preference", "reit", "etf", "rights", "index")

ACCURACY_COST = -1
"""``cost_bps`` of a score that no cost enters: accuracy, not a strategy."""


def _column(dtype: str, *checks: pa.Check, nullable: bool = False) -> pa.Column:
    return pa.Column(dtype, list(checks), nullable=nullable)


def _schema(
    name: str, key: list[str], columns: dict[str, pa.Column]
) -> pa.DataFrameSchema:
    return pa.DataFrameSchema(
        columns, unique=key, strict=True, ordered=True, name=name, metadata={"key": key}
    )


def _within(low: float, high: float) -> pa.Column:
    return _column(NUMBER, pa.Check.in_range(low, high), nullable=True)


TEXT = "str"
TIME = "datetime64[us]"
NUMBER = "float64"
WHOLE = "int64"
FLAG = "bool"

PANEL = _schema(
    "panel",
    ["ticker", "session"],
    {
        "ticker": _column(TEXT),
        "session": _column(TIME),
        # The day's average as printed, KES; of a mended stale session, its true price.
        "price": _column(NUMBER, pa.Check.gt(0), nullable=True),
        "low": _column(NUMBER, pa.Check.gt(0), nullable=True),
        "high": _column(NUMBER, pa.Check.gt(0), nullable=True),
        # Shares dealt; missing where nothing was.
        "volume": _column(NUMBER, pa.Check.gt(0), nullable=True),
        # Price of the session before, as printed.
        "previous": _column(NUMBER, pa.Check.gt(0), nullable=True),
        # Shares after per share before: 2 on the ex-date of a 1:1 bonus, else 1.
        "factor": _column(NUMBER, pa.Check.gt(0)),
        "kind": _column(TEXT, pa.Check.isin(KINDS)),
        "sector": _column(TEXT),
        # The board repeats the session before; known the same evening.
        "stale": _column(FLAG),
        # A stale session's price taken from the next session's `previous`; known then.
        "mended": _column(FLAG),
        # Moved by the daily limit, so the other side of a deal may be missing.
        "limit": _column(FLAG),
        # No volume for so long that nobody could deal; known the same evening.
        "suspended": _column(FLAG),
        # First session after a break in the market's calendar: no return across it.
        "gap": _column(FLAG),
        "source_file": _column(TEXT),
        "source_line": _column(WHOLE, pa.Check.ge(2)),
    },
)

INSTRUMENTS = _schema(
    "instruments",
    ["ticker"],
    {
        "ticker": _column(TEXT),
        "name": _column(TEXT),
        "kind": _column(TEXT, pa.Check.isin(KINDS)),
        "sector": _column(TEXT),
        "first_session": _column(TIME),
        "last_session": _column(TIME),
        "n_sessions": _column(WHOLE, pa.Check.ge(1)),
    },
)

# Rows of a source file by what became of them; the sum over a file is its rows in.
FILE_LEDGER = _schema(
    "file_ledger",
    ["source_file", "action", "reason"],
    {
        "source_file": _column(TEXT),
        "action": _column(TEXT, pa.Check.isin(["kept", "mended", "dropped"])),
        "reason": _column(TEXT),
        "n_rows": _column(WHOLE, pa.Check.ge(0)),
    },
)

# Every single row that was not simply kept, and every row a person should look at.
REPAIRS = _schema(
    "repairs",
    ["source_file", "source_line", "action", "reason"],
    {
        "source_file": _column(TEXT),
        "source_line": _column(WHOLE, pa.Check.ge(2)),
        "ticker": _column(TEXT),
        "session": _column(TIME, nullable=True),
        "action": _column(TEXT, pa.Check.isin(["mended", "dropped", "review"])),
        "reason": _column(TEXT),
        "detail": _column(TEXT),
    },
)

# Unexplained price moves that a person has let pass; kept under version control.
ACCEPTED_JUMPS = _schema(
    "accepted_jumps",
    ["ticker", "session"],
    {
        "ticker": _column(TEXT),
        "session": _column(TIME),
        # Who looked, at what, or that nobody has.
        "note": _column(TEXT),
    },
)

ACTION_KINDS = ("bonus", "split", "consolidation")

# Events that the files do not show, each with where it was read; under version control.
CORPORATE_ACTIONS = _schema(
    "corporate_actions",
    ["ticker", "ex_date"],
    {
        "ticker": _column(TEXT),
        "ex_date": _column(TIME),
        # Shares held after per share held before: 2 for a 1:1 bonus.
        "factor": _column(NUMBER, pa.Check.gt(0)),
        "kind": _column(TEXT, pa.Check.isin(ACTION_KINDS)),
        "source": _column(TEXT),
        "note": _column(TEXT),
    },
)

STATISTICS = _schema(
    "stock_statistics",
    ["ticker"],
    {
        "ticker": _column(TEXT),
        "name": _column(TEXT),
        "kind": _column(TEXT, pa.Check.isin(KINDS)),
        "sector": _column(TEXT),
        "first_session": _column(TIME),
        "last_session": _column(TIME),
        "n_sessions": _column(WHOLE, pa.Check.ge(0)),
        # Shares of all sessions, and of the trailing span that ranks.
        "traded_share": _column(NUMBER, pa.Check.in_range(0, 1)),
        "recent_traded_share": _column(NUMBER, pa.Check.in_range(0, 1)),
        "unchanged_share": _column(NUMBER, pa.Check.in_range(0, 1), nullable=True),
        # KES a session over the trailing span; 0 where the median session had no deal.
        "median_turnover": _column(NUMBER, pa.Check.ge(0)),
        "sessions_since_trade": _column(WHOLE, pa.Check.ge(0), nullable=False),
        "volatility": _column(NUMBER, pa.Check.ge(0), nullable=True),
        "autocorrelation": _column(NUMBER, pa.Check.in_range(-1, 1), nullable=True),
        "last_price": _column(NUMBER, pa.Check.gt(0), nullable=True),
        # 1 recommended, 2 tradable but not among the first, 3 not worth training on.
        "tier": _column(WHOLE, pa.Check.isin([1, 2, 3])),
        "rank": _column(WHOLE, pa.Check.ge(0)),
        "reason": _column(TEXT),
    },
)

SHARE = pa.Check.in_range(0, 1)

# The atlas of Phase 1: description of the sessions before the test year.
STOCK_YEARS = _schema(
    "stock_years",
    ["ticker", "year"],
    {
        "ticker": _column(TEXT),
        "year": _column(WHOLE),
        "kind": _column(TEXT, pa.Check.isin(KINDS)),
        "first_session": _column(TIME),
        "last_session": _column(TIME),
        "n_sessions": _column(WHOLE, pa.Check.ge(1)),
        "traded_share": _column(NUMBER, SHARE),
        "zero_return_share": _column(NUMBER, SHARE, nullable=True),
        # Sessions in a row without a change of price.
        "longest_unchanged": _column(WHOLE, pa.Check.ge(0)),
        # KES a session.
        "median_turnover": _column(NUMBER, pa.Check.ge(0)),
        # Median of the smallest step over the printed price.
        "tick_share": _column(NUMBER, pa.Check.gt(0), nullable=True),
        "n_limit": _column(WHOLE, pa.Check.ge(0)),
        # Of the log return per session.
        "volatility": _column(NUMBER, pa.Check.ge(0), nullable=True),
        "excess_kurtosis": _column(NUMBER, nullable=True),
        "beyond_three_share": _column(NUMBER, SHARE, nullable=True),
        # Shares of the price; missing where not defined.
        "spread_roll": _column(NUMBER, pa.Check.gt(0), nullable=True),
        "spread_high_low": _column(NUMBER, pa.Check.ge(0), nullable=True),
        "beta": _column(NUMBER, nullable=True),
    },
)

AUTOCORRELATIONS = _schema(
    "autocorrelations",
    ["ticker", "year", "lag"],
    {
        "ticker": _column(TEXT),
        "year": _column(WHOLE),
        "lag": _column(WHOLE, pa.Check.ge(1)),
        "value": _column(NUMBER, pa.Check.in_range(-1, 1)),
        "lower": _column(NUMBER),
        "upper": _column(NUMBER),
        "n": _column(WHOLE, pa.Check.ge(1)),
    },
)

AUTOCORRELATION_GROUPS = _schema(
    "autocorrelation_groups",
    ["group", "lag"],
    {
        "group": _column(TEXT, pa.Check.isin(["liquid", "thin"])),
        "lag": _column(WHOLE, pa.Check.ge(1)),
        "value": _column(NUMBER, pa.Check.in_range(-1, 1)),
        # Missing of a single year.
        "lower": _column(NUMBER, nullable=True),
        "upper": _column(NUMBER, nullable=True),
        "n_years": _column(WHOLE, pa.Check.ge(1)),
        "n_stock_years": _column(WHOLE, pa.Check.ge(1)),
    },
)

DEPENDENCE = _schema(
    "dependence",
    ["ticker"],
    {
        "ticker": _column(TEXT),
        "group": _column(TEXT, pa.Check.isin(["liquid", "thin"])),
        "n": _column(WHOLE, pa.Check.ge(1)),
        # At lag 1, with its robust 95 % interval.
        "autocorrelation": _column(NUMBER, pa.Check.in_range(-1, 1)),
        "lower": _column(NUMBER),
        "upper": _column(NUMBER),
        # Of lags 1 to 5 together.
        "statistic": _column(NUMBER, pa.Check.ge(0)),
        "p_value": _column(NUMBER, SHARE),
        "p_holm": _column(NUMBER, SHARE),
        "p_fdr": _column(NUMBER, SHARE),
    },
)

CONCENTRATION = _schema(
    "concentration",
    ["year", "rank"],
    {
        "year": _column(WHOLE),
        "rank": _column(WHOLE, pa.Check.ge(1)),
        "ticker": _column(TEXT),
        "turnover_share": _column(NUMBER, SHARE),
        "cumulative_share": _column(NUMBER, SHARE),
    },
)

LIFESPANS = _schema(
    "lifespans",
    ["ticker"],
    {
        "ticker": _column(TEXT),
        "kind": _column(TEXT, pa.Check.isin(KINDS)),
        "first_session": _column(TIME),
        "last_session": _column(TIME),
        "last_deal": _column(TIME, nullable=True),
        "n_sessions": _column(WHOLE, pa.Check.ge(0)),
        # After the market's first session.
        "entered": _column(FLAG),
        "fate": _column(TEXT, pa.Check.isin(["trading", "stopped", "left"])),
    },
)

ABSENT_DAYS = _schema(
    "absent_days", ["day"], {"day": _column(TIME), "in_gap": _column(FLAG)}
)

MARKET_YEARS = _schema(
    "market_years",
    ["year"],
    {
        "year": _column(WHOLE),
        "n_sessions": _column(WHOLE, pa.Check.ge(1)),
        # Weekdays without a session, outside and inside breaks of over 14 days.
        "n_absent": _column(WHOLE, pa.Check.ge(0)),
        "n_gap": _column(WHOLE, pa.Check.ge(0)),
        "n_listed": _column(WHOLE, pa.Check.ge(0)),
        # Codes with a deal, on the median session.
        "n_traded": _column(NUMBER, pa.Check.ge(0)),
        "n_entering": _column(WHOLE, pa.Check.ge(0)),
        # Codes that dealt for the last time.
        "n_ending": _column(WHOLE, pa.Check.ge(0)),
        # KES, all ordinary shares on the median session.
        "turnover": _column(NUMBER, pa.Check.ge(0)),
        "top_1": _column(NUMBER, SHARE, nullable=True),
        "top_5": _column(NUMBER, SHARE, nullable=True),
        "top_10": _column(NUMBER, SHARE, nullable=True),
        "top_25": _column(NUMBER, SHARE, nullable=True),
        "herfindahl": _column(NUMBER, SHARE, nullable=True),
    },
)

# Each ordinary share of the files beside the claim that all of them are good.
RECOMMENDATION_DIFFERENCES = _schema(
    "recommendation_differences",
    ["ticker"],
    {
        "ticker": _column(TEXT),
        "name": _column(TEXT),
        "here": _column(TEXT),
        "reason": _column(TEXT),
    },
)

# One row a model of the test year; what depends on the machine is in run.json.
SAFETY = _schema(
    "safety",
    ["ticker"],
    {
        "ticker": _column(TEXT),
        "n_parameters": _column(WHOLE, pa.Check.ge(1)),
        # Of the model's folder, run.json left out.
        "n_bytes": _column(WHOLE, pa.Check.ge(1)),
        # Huber terms of the scaled price at the epoch that was kept.
        "train_loss": _column(NUMBER, pa.Check.ge(0)),
        "validation_loss": _column(NUMBER, pa.Check.ge(0)),
        # Validation over training; training is measured under dropout.
        "loss_ratio": _column(NUMBER, pa.Check.ge(0)),
        # KES, of adjusted prices.
        "scaler_minimum": _column(NUMBER),
        "scaler_maximum": _column(NUMBER),
    },
)

PLACED_FEATURES = tuple(
    (
        "reversal_1 reversal_5 reversal_10 reversal_20 momentum_60 momentum_120 "
        "momentum_250 volatility_20 volatility_60 skewness_60 largest_return_20 "
        "autocorrelation_60 range_place_1 range_place_3 range_place_5 range_place_20 "
        "range_width_1 range_width_20 channel_place_20 channel_place_60 "
        "channel_place_250 relative_tick turnover_level_20 turnover_level_60 "
        "volume_surprise_1 volume_surprise_5 volume_surprise_20 illiquidity_20 "
        "illiquidity_60 sessions_since_trade traded_share_20 traded_share_60 "
        "zero_return_share_20 zero_return_share_60 signed_turnover_1 signed_turnover_5 "
        "signed_turnover_20 beta_120 lagged_beta_120 residual_reversal_5 "
        "residual_reversal_20 idiosyncratic_volatility_60"
    ).split()
)
"""A share's indicators, as places among the session's universe."""

MARKET_FEATURES = ("market_return_1", "market_return_5", "market_return_20")
"""The same for every share of a session, in its usual spread."""

FEATURES = _schema(
    "features",
    ["ticker", "session"],
    {
        "ticker": _column(TEXT),
        "session": _column(TIME),
        # In the month's universe.
        "member": _column(FLAG),
        # A signal may be formed: priced, neither stale nor suspended.
        "usable": _column(FLAG),
        **{name: _within(-0.5, 0.5) for name in PLACED_FEATURES},
        **{name: _within(-3, 3) for name in MARKET_FEATURES},
    },
)

# Realised, so never beside a forecast: models are fitted on it, the scorer has its own.
TARGETS = _schema(
    "targets",
    ["ticker", "origin", "delay", "horizon"],
    {
        "ticker": _column(TEXT),
        "origin": _column(TIME),
        "delay": _column(WHOLE, pa.Check.ge(0)),
        "horizon": _column(WHOLE, pa.Check.ge(1)),
        "entry_date": _column(TIME),
        "target_date": _column(TIME),
        # Log return from entry to target.
        "y": _column(NUMBER, nullable=True),
        # Less the mean of the origin's universe.
        "y_excess": _column(NUMBER, nullable=True),
        # Its place among them.
        "y_place": _within(-0.5, 0.5),
    },
)

FORECASTS = _schema(
    "forecasts",
    ["ticker", "model", "seed", "fold", "origin", "delay", "horizon"],
    {
        "ticker": _column(TEXT),
        "model": _column(TEXT),
        "seed": _column(WHOLE),
        # The year whose sessions are forecast.
        "fold": _column(WHOLE),
        "origin": _column(TIME),
        "delay": _column(WHOLE, pa.Check.ge(0)),
        "horizon": _column(WHOLE, pa.Check.ge(1)),
        "entry_date": _column(TIME),
        "target_date": _column(TIME),
        # Forecast of the target's price in shares of the origin, KES.
        "price_hat": _column(NUMBER, nullable=True),
        # Forecast log return; missing where the price forecast is not positive.
        "y_hat": _column(NUMBER, nullable=True),
        "lower": _column(NUMBER, nullable=True),
        "upper": _column(NUMBER, nullable=True),
    },
)

# `ticker` is "ALL" where one account holds all stocks of the fold.
STRATEGY_RETURNS = _schema(
    "strategy_returns",
    ["ticker", "model", "seed", "fold", "rule", "cost_bps", "session"],
    {
        "ticker": _column(TEXT),
        "model": _column(TEXT),
        "seed": _column(WHOLE),
        "fold": _column(WHOLE),
        "rule": _column(TEXT),
        "cost_bps": _column(WHOLE, pa.Check.ge(0)),
        "session": _column(TIME),
        # Held from the session before into this one, share of the account.
        "position": _column(NUMBER, pa.Check.in_range(0, 1)),
        # Sum of absolute changes of position dealt at this session's price.
        "turnover": _column(NUMBER, pa.Check.ge(0)),
        "gross_return": _column(NUMBER),
        "net_return": _column(NUMBER),
        "cash_return": _column(NUMBER),
        # What the stock itself returned, for a holder without cost.
        "stock_return": _column(NUMBER),
    },
)

# `ticker` is "ALL" where the scores are of the equally weighted pool.
SCORES = _schema(
    "scores",
    ["ticker", "model", "fold", "rule", "metric", "cost_bps"],
    {
        "ticker": _column(TEXT),
        "model": _column(TEXT),
        "fold": _column(WHOLE),
        # "none" for accuracy; "sign" or "gate" on a forecast; of a yardstick "hold",
        # "rebalance" or "no_cost".
        "rule": _column(TEXT),
        "metric": _column(TEXT),
        "cost_bps": _column(WHOLE, pa.Check.ge(ACCURACY_COST)),
        # Missing where a metric is not defined, such as the Sharpe of never trading.
        "value": _column(NUMBER, nullable=True),
        "n": _column(WHOLE, pa.Check.ge(0)),
        "lower": _column(NUMBER, nullable=True),
        "upper": _column(NUMBER, nullable=True),
    },
)

# What is left of a strategy in whole lots and small shares of the volume.
CAPACITY = _schema(
    "capacity",
    ["model", "fold", "rule", "cost_bps", "capital_kes"],
    {
        "model": _column(TEXT),
        "fold": _column(WHOLE),
        "rule": _column(TEXT),
        "cost_bps": _column(WHOLE, pa.Check.ge(0)),
        "capital_kes": _column(NUMBER, pa.Check.gt(0)),
        # Of the money of all orders that met a session's volume; missing of none.
        "fill_share": _column(NUMBER, pa.Check.in_range(0, 1), nullable=True),
        # KES.
        "ordered": _column(NUMBER, pa.Check.ge(0)),
        "net_return": _column(NUMBER),
        # Yearly, over cash.
        "net_excess": _column(NUMBER),
        "exposure": _column(NUMBER, pa.Check.in_range(0, 1)),
        "n": _column(WHOLE, pa.Check.ge(1)),
    },
)

# What each test says of the forecasts before the test year, and of the strategy.
EVIDENCE = _schema(
    "evidence",
    ["test", "model", "against", "ticker"],
    {
        "test": _column(TEXT),
        # "all" where the test is of all models together.
        "model": _column(TEXT),
        "against": _column(TEXT),
        # "ALL" where all stocks are in it, a date being one observation.
        "ticker": _column(TEXT),
        "statistic": _column(NUMBER, nullable=True),
        "p_value": _column(NUMBER, pa.Check.in_range(0, 1), nullable=True),
        "lower": _column(NUMBER, nullable=True),
        "upper": _column(NUMBER, nullable=True),
        "n": _column(WHOLE, pa.Check.ge(0)),
        # One sentence for the reader.
        "says": _column(TEXT),
        # Kernel, bootstrap, side of the test.
        "method": _column(TEXT),
    },
)

# How often intervals held what came, beside what luck alone would let them.
COVERAGE = _schema(
    "coverage",
    ["model", "ticker", "quarter"],
    {
        "model": _column(TEXT),
        "ticker": _column(TEXT),
        "quarter": _column(TEXT),
        "coverage": _column(NUMBER, pa.Check.in_range(0, 1)),
        "lower": _column(NUMBER, pa.Check.in_range(0, 1), nullable=True),
        "upper": _column(NUMBER, pa.Check.in_range(0, 1), nullable=True),
        # Log return.
        "width": _column(NUMBER, pa.Check.ge(0)),
        "interval_score": _column(NUMBER, pa.Check.ge(0)),
        "n": _column(WHOLE, pa.Check.ge(1)),
        # Intervals without bounds, for want of errors; not in the rest.
        "n_open": _column(WHOLE, pa.Check.ge(0)),
    },
)


# One row a session on which a model ranked the universe.
RANK_IC = _schema(
    "rank_ic",
    ["model", "seed", "fold", "delay", "horizon", "origin"],
    {
        "model": _column(TEXT),
        "seed": _column(WHOLE),
        "fold": _column(WHOLE),
        "delay": _column(WHOLE, pa.Check.ge(0)),
        "horizon": _column(WHOLE, pa.Check.ge(1)),
        "origin": _column(TIME),
        # Spearman's correlation of forecast and realised return over the stocks.
        "rank_ic": _column(NUMBER, pa.Check.in_range(-1, 1)),
        # Stocks with both.
        "n": _column(WHOLE, pa.Check.ge(1)),
    },
)


# What each change of v2 does to the loss: in it alone, and as all but it are in.
ABLATION = _schema(
    "ablation",
    ["change", "form"],
    {
        "change": _column(TEXT),
        # "alone": v1's network with it less without; "removed": v2 less v2 without it.
        # "all" has one form: v2 less v1's network.
        "form": _column(TEXT, pa.Check.isin(["alone", "removed", "all"])),
        # Geometric mean of the error over persistence's, with the change and without.
        "loss_with": _column(NUMBER, pa.Check.ge(0)),
        "loss_without": _column(NUMBER, pa.Check.ge(0)),
        # Logarithm of with over without: negative where the change helps.
        "value": _column(NUMBER),
        "lower": _column(NUMBER),
        "upper": _column(NUMBER),
        # Seeds where every stock's difference is negative.
        "n_seeds_better": _column(WHOLE, pa.Check.ge(0)),
        "n_seeds": _column(WHOLE, pa.Check.ge(2)),
        "n_stocks": _column(WHOLE, pa.Check.ge(1)),
        "fold": _column(WHOLE),
    },
)


def check(table: pd.DataFrame, schema: pa.DataFrameSchema) -> pd.DataFrame:
    """Return the table if it keeps its schema.

    Raises
    ------
    TableError
        Naming the table, the columns and up to five offending rows.
    """
    try:
        return schema.validate(table.reset_index(drop=True), lazy=True)
    except pa.errors.SchemaErrors as error:
        cases = error.failure_cases[["column", "check", "failure_case", "index"]]
        raise TableError(
            f"The {schema.name} table breaks its schema in {len(cases)} places, "
            f"the first of them:\n{cases.head(5).to_string(index=False)}"
        ) from None


def write_table(table: pd.DataFrame, schema: pa.DataFrameSchema, path: Path) -> None:
    """Check a table, sort it by its key and write it whole as parquet or CSV."""
    key = (schema.metadata or {})["key"]
    ordered = check(table, schema).sort_values(key, ignore_index=True)
    with write_aside(path) as aside:
        if path.suffix == ".csv":
            ordered.to_csv(aside, index=False, lineterminator="\n")
        else:
            ordered.to_parquet(aside, index=False)


def read_table(schema: pa.DataFrameSchema, path: Path) -> pd.DataFrame:
    """Read a table written by ``write_table`` and check it again.

    Raises
    ------
    ArtefactError
        If the file is missing or unreadable.
    TableError
        If what it holds breaks the schema.
    """
    try:
        table = (
            _read_csv(schema, path) if path.suffix == ".csv" else pd.read_parquet(path)
        )
    except FileNotFoundError:
        raise ArtefactError(
            f"No {schema.name} table at {path}: run the phase that makes it first"
        ) from None
    except (OSError, ValueError) as error:
        raise ArtefactError(f"{path} is no readable table: {error}") from None
    return check(table, schema)


def _read_csv(schema: pa.DataFrameSchema, path: Path) -> pd.DataFrame:
    """Read text as text: an empty cell or a code such as NA is no missing value."""
    types = {
        name: TEXT if str(column.dtype).startswith("string") else str(column.dtype)
        for name, column in schema.columns.items()
    }
    times = [name for name, dtype in types.items() if dtype.startswith("datetime")]
    try:
        table = pd.read_csv(
            path,
            dtype={name: kind for name, kind in types.items() if name not in times},
            keep_default_na=False,
            na_values={name: [""] for name, kind in types.items() if kind == NUMBER},
        )
        days = {name: pd.to_datetime(table[name], format="ISO8601") for name in times}
    except (KeyError, ValueError) as error:
        raise TableError(
            f"Expected the columns {list(types)} in {path}. Received: {error}"
        ) from None
    return table.assign(**days).astype(dict.fromkeys(times, TIME))
