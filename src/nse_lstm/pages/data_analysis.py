"""Tables and sentences of notebook 01: the market, its stocks and the cleaned data."""

from collections.abc import Sequence

import pandas as pd

from nse_lstm.data.row_accounting import EX_JUMP, JUMP
from nse_lstm.pages.phrases import tradable_phrase
from nse_lstm.reporting.display import Html, bullets, sentence
from nse_lstm.reporting.format import format_number
from nse_lstm.study.core.market_scope import scope_sentences
from nse_lstm.study.data_analysis.analyse import DataAnalysis
from nse_lstm.study.data_analysis.market_statistics import PAGE_STOCKS, MarketStatistics

LEVEL = 0.05
ADJUSTMENTS = {
    "p_value": "no correction",
    "p_holm": "Holm",
    "p_fdr": "Benjamini–Hochberg",
}
TOO_SHORT = "No stock has enough returns for a test."
GROUPS = {"liquid": "liquid, averaged price", "thin": "thin"}
MARKET_HEADINGS = {
    "year": "calendar_year",
    "n_sessions": "sessions",
    "n_absent": "weekdays_absent",
    "n_listed": "codes_listed",
    "n_traded": "stocks_traded",
    "n_entering": "entering",
    "n_ending": "ending",
    "turnover": "KES_million",
    "top_1": "top_1",
    "top_5": "top_5",
    "top_25": "top_25",
    "herfindahl": "herfindahl",
}
SURVIVORSHIP_HEADINGS = {
    "universe": "universe",
    "year": "calendar_year",
    "n_stocks": "stocks",
    "n_gone": "gone later",
    "all_return": "return of all",
    "survivor_return": "return of survivors",
    "gap": "survivorship bias",
}
ACTIVITY = [
    "ticker",
    "traded_share",
    "zero_return_share",
    "longest_unchanged",
    "median_turnover",
    "tick_share",
    "n_limit",
]
MOVEMENT = [
    "ticker",
    "volatility",
    "excess_kurtosis",
    "beyond_three_share",
    "spread_roll",
    "spread_high_low",
    "beta",
]


def calendar_sentence(market: MarketStatistics) -> Html:
    """Summarise the calendar and how many stocks trade."""
    years = market.market_years
    in_gap = market.absent_days["in_gap"]
    gap = f"a further {in_gap.sum()} in longer breaks" if in_gap.any() else "no break"
    first, last = years.iloc[0], years.iloc[-1]
    return sentence(
        f"{(~in_gap).sum()} weekdays have no session, nearly all public holidays, and "
        f"{gap}. In the median session of {first['year']:.0f} "
        f"{first['n_traded']:.0f} ordinary shares traded, in that of "
        f"{last['year']:.0f} {last['n_traded']:.0f} of {last['n_listed']:.0f} listed."
    )


def concentration_sentence(market: MarketStatistics) -> Html:
    """Summarise the concentration of turnover, first and last year."""
    years = market.market_years
    first, last = years.iloc[0], years.iloc[-1]
    ranks = market.concentration
    name = ranks.loc[(ranks["year"] == last["year"]) & (ranks["rank"] == 1), "ticker"]
    return sentence(
        f"In {last['year']:.0f} {name.iloc[0]} alone had {last['top_1']:.0%} of the "
        f"turnover and five stocks {last['top_5']:.0%}, against {first['top_1']:.0%} "
        f"and {first['top_5']:.0%} in {first['year']:.0f}. The market of "
        f"{last['n_listed']:.0f} codes is as concentrated as one of "
        f"{1 / last['herfindahl']:.1f} equal stocks."
    )


def survival_sentence(market: MarketStatistics) -> Html:
    """Summarise listings, delistings and stocks that only stopped trading."""
    own = market.lifespans[market.lifespans["kind"] == "ordinary"]
    fates = own["fate"].value_counts()
    names = ", ".join(own.loc[own["fate"] != "trading", "ticker"])
    if not names:
        return sentence(
            f"Of {len(own)} ordinary shares {own['entered'].sum()} entered after the "
            "first session, and all of them trade until the end of the files. If the "
            "files were chosen today, the stocks that failed before are missing from "
            "them (survivorship bias)."
        )
    return sentence(
        f"Of {len(own)} ordinary shares {own['entered'].sum()} entered after the first "
        f"session, {fates.get('left', 0)} left and {fates.get('stopped', 0)} are still "
        f"printed without a trade for a year: {names}. A study of today's trading "
        "names alone would have missed these (survivorship bias)."
    )


def market_table(market: MarketStatistics) -> pd.DataFrame:
    """Return one row per year of the market, the year as text."""
    years = market.market_years.assign(turnover=market.market_years["turnover"] / 1e6)
    years["year"] = years["year"].astype(str)
    return years.rename(columns=MARKET_HEADINGS)[list(MARKET_HEADINGS.values())]


def ended_table(market: MarketStatistics) -> pd.DataFrame:
    """Return the codes that left or stopped trading, by their last trade."""
    lives = market.lifespans
    ended = lives[lives["fate"] != "trading"].sort_values(["last_trade", "ticker"])
    columns = ["ticker", "kind", "first_session", "last_trade", "last_session", "fate"]
    return ended[columns]


def survivorship_table(market: MarketStatistics) -> pd.DataFrame:
    """Return the year's returns of all stocks and of the later survivors."""
    table = market.survivorship
    gap = table["survivor_return"] - table["all_return"]
    table = table.assign(gap=gap, year=table["year"].astype(str))
    ordered = table.sort_values(["universe", "year"], kind="stable")
    return ordered.rename(columns=SURVIVORSHIP_HEADINGS)[
        list(SURVIVORSHIP_HEADINGS.values())
    ]


def survivorship_sentence(market: MarketStatistics) -> Html:
    """Summarise what a universe of survivors would have seemed to earn more."""
    words = []
    for universe, rows in market.survivorship.groupby("universe"):
        gap = (rows["survivor_return"] - rows["all_return"]).mean()
        first, last = rows["year"].min(), rows["year"].max()
        words.append(
            f"From {first} to {last} the survivors among {universe} returned "
            f"{100 * gap:+.1f} percentage points per year against all of them"
        )
    if not words:
        return sentence("The files are too short to measure survivorship bias.")
    return sentence(
        f"{'. '.join(words)}. A backtest on today's names alone would gain as much "
        "without any forecast."
    )


def activity_table(market: MarketStatistics) -> pd.DataFrame:
    """Return the trading activity of all ordinary shares, last year."""
    return _last_year(market)[ACTIVITY]


def movement_table(market: MarketStatistics) -> pd.DataFrame:
    """Return volatility, tails, spreads and beta by stock, last year."""
    return _last_year(market)[MOVEMENT]


def cost_sentence(market: MarketStatistics) -> Html:
    """Summarise spreads and ticks of the last year."""
    last = _last_year(market)
    estimates = {"Roll's": "spread_roll", "Corwin and Schultz's": "spread_high_low"}
    words = [
        f"{name} estimate of the spread is {last[column].median():.1%} of the price "
        f"in the median of the {last[column].notna().sum()} stocks it is defined for"
        for name, column in estimates.items()
        if last[column].notna().any()
    ]
    if last["tick_share"].notna().any():
        median = last["tick_share"].median()
        words.insert(0, f"One tick is {median:.2%} of the price in the median")
    if not words:
        return sentence(TOO_SHORT)
    return sentence(f"{'. '.join(words)}. None of these is a quote.")


def group_sentence(market: MarketStatistics) -> Html:
    """Summarise the lag-1 autocorrelation of liquid and of thin stocks."""
    groups = market.autocorrelation_groups
    if groups.empty:
        return sentence(TOO_SHORT)
    first = groups[groups["lag"] == 1]
    columns = (first[name] for name in ("group", "value", "lower", "upper"))
    words = [
        f"{format_number(value, '+.2f')} for {group} stocks"
        + (
            f" ({format_number(lower, '+.2f')} to {format_number(upper, '+.2f')})"
            if lower == lower
            else ""
        )
        for group, value, lower, upper in zip(*columns, strict=True)
    ]
    later = groups.loc[groups["lag"] > 1, "value"].abs().max()
    return sentence(
        f"At lag 1 the mean is {' and '.join(words)}. At lags 2 to 5 every mean is "
        f"within {later:.2f} of 0. Averaging alone gives a random walk up to +0.25 at "
        "lag 1, and the bounce between bid and ask a negative value. Neither can be "
        "traded."
    )


def dependence_table(market: MarketStatistics) -> pd.DataFrame:
    """Count the stocks whose returns are significantly autocorrelated.

    Returns
    -------
    DataFrame
        One row per group: stocks tested, and rejected at 5 % without and with a
        correction for multiple tests.
    """
    tests = market.dependence
    by_group = tests.groupby("group")
    columns = {
        name: (tests[p] < LEVEL).groupby(tests["group"]).sum()
        for p, name in ADJUSTMENTS.items()
    }
    table = pd.DataFrame({"tested": by_group.size(), **columns}).reset_index()
    return table.assign(group=table["group"].map(GROUPS)).rename(
        columns={"group": "stocks"}
    )


def dependence_sentence(market: MarketStatistics) -> Html:
    """Summarise the rejections that survive the correction, and their sign."""
    tests = market.dependence
    if tests.empty:
        return sentence(TOO_SHORT)
    words = []
    for group, rows in tests.groupby("group"):
        kept = rows[rows["p_holm"] < LEVEL]
        words.append(
            f"{(rows['p_value'] < LEVEL).sum()} of {len(rows)} {group} stocks are "
            f"rejected, {len(kept)} of them after Holm, and "
            f"{(kept['autocorrelation'] > 0).sum()} of those with a positive lag 1"
        )
    return sentence(
        f"{'. '.join(words)}. By chance alone 5 % of all would be rejected before the "
        "correction. The rejections show dependence of printed averages, not a gain."
    )


def difference_sentence(market: MarketStatistics) -> Html:
    """Compare our list with the count of the first status page."""
    table = market.differences
    counts = table["here"].value_counts()
    tradable = counts.get("recommended", 0) + counts.get("tradable", 0)
    return sentence(
        f"The first status page calls {PAGE_STOCKS} stocks high-quality and names none "
        f"of them. The files hold {len(table)} ordinary shares. {tradable} of these "
        f"are tradable by our rule, {counts.get('recommended', 0)} of them are "
        f"recommended. The other {len(table) - tradable} are listed with their reason."
    )


def data_findings(analysis: DataAnalysis) -> Html:
    """Summarise Phase 1: rows kept and repaired, and the recommended stocks."""
    facts, ledger = analysis.facts, analysis.row_counts
    rows = ledger.groupby("action")["n_rows"].sum()
    listed = analysis.repairs.loc[analysis.repairs["action"] == "review", "reason"]
    n_jumps = int(listed.isin([JUMP, EX_JUMP]).sum())
    names = analysis.recommended[facts.test_year]
    return bullets(
        f"Of {ledger['n_rows'].sum():,} rows {facts.n_rows:,} are kept, one for each "
        f"of {facts.n_tickers} codes on each of {facts.n_sessions:,} sessions it was "
        f"listed. {rows.get('mended', 0):,} rows were mended and "
        f"{rows.get('dropped', 0):,} dropped, each with its reason.",
        f"{n_jumps:,} price moves beyond the daily limit have no known cause, and "
        f"{len(listed) - n_jumps:,} other findings are odd, such as prices off the "
        "tick. All are listed for review and were not changed.",
        f"Of {len(analysis.statistics)} codes there are "
        f"{tradable_phrase(analysis.statistics, year=facts.test_year)}. The "
        f"{len(names)} with the highest turnover are recommended: {', '.join(names)}.",
        *_contained(ledger),
        *untouched_lines(analysis.untouched),
    )


def untouched_lines(years: Sequence[int]) -> list[str]:
    """Return the sentences on the years that are kept for claims, none without any."""
    if not years:
        return []
    names = ", ".join(str(year) for year in years)
    return [
        f"Nothing of {names} is scored. Models are trained on these years, and counts "
        "and turnover are shown. Forecasts, ranks, accounts and returns are not, until "
        "a claim that was declared beforehand is tested on them."
    ]


def _contained(ledger: pd.DataFrame) -> list[str]:
    """Name the files whose rows another file has too."""
    counts = ledger.pivot_table(
        index="source_file", columns="action", values="n_rows", aggfunc="sum"
    ).fillna(0)
    left = counts.drop(columns="dropped", errors="ignore").sum(axis=1)
    names = counts.index[(left == 0) & (counts.sum(axis=1) > 0)]
    return [
        f"Every row of {name} is in another file too, which is used in its place."
        for name in names
    ]


def scope_findings(analysis: DataAnalysis) -> Html:
    """Tell what the study cannot do with these data, by phase, year and stock."""
    return bullets(*scope_sentences(analysis.scope))


def _last_year(market: MarketStatistics) -> pd.DataFrame:
    years = market.stock_years
    is_shown = (years["year"] == years["year"].max()) & (years["kind"] == "ordinary")
    return years[is_shown].sort_values(
        ["median_turnover", "ticker"], ascending=[False, True]
    )
