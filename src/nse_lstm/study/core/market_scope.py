"""Limits of a market's data, by phase, year and stock, told before training.

One stock can be forecast but not ranked, and a short history has fewer years to judge.
What can be done is done. Phase 1 and the import of prices say what cannot.
"""

from collections.abc import Iterator, Mapping, Sequence

import pandas as pd

from nse_lstm.config import Study
from nse_lstm.errors import DataError
from nse_lstm.features.cross_sectional_rank import MIN_STOCKS
from nse_lstm.features.market_panel import make_market_panel
from nse_lstm.json_files import read_json
from nse_lstm.study.core.scored_years import missing_years, scored_years
from nse_lstm.study.core.workspace import Workspace

COLUMNS = ("phase", "year", "ticker", "cannot", "why")
RECOMMENDATIONS = "training_recommendations.json"
HISTORY_YEARS = 2
"""Years of data before the first ranked year; the longest feature needs one."""
MIN_MEMBERS = 2
"""Fewest stocks that have a ranking."""
RANK, RANK_IC = "rank the stocks", "score a ranking by rank IC"
NETWORK, GONE = "train a network", "forecast and trade"
NO_FILE = "No file holds a session of it."
FULL_YEAR = 200
"""Sessions of a year that is nearly whole."""

Row = tuple[str, int, str, str, str]


def market_scope(
    study: Study,
    panel: pd.DataFrame,
    statistics: Mapping[int, pd.DataFrame],
    *,
    recommended: Mapping[int, Sequence[str]],
    test_year: int,
) -> pd.DataFrame:
    """List what the study cannot do with a market.

    Parameters
    ----------
    study : Study
        Its universe, folds and years.
    panel : DataFrame
        ``PANEL`` of all files. Of the test year only sessions and rows are counted.
    statistics : mapping of int to DataFrame
        ``STATISTICS`` by fold, as of that fold's start.
    recommended : mapping of int to sequence of str
        Tickers by fold.
    test_year : int
        Of the study.

    Returns
    -------
    DataFrame
        ``phase``, ``year`` (0: all), ``ticker`` (empty: all), ``cannot`` and ``why``:
        text. No row where everything can be done.
    """
    rows = [
        *_missing(panel, test_year),
        *_untrained(study, statistics),
        *_unranked(study, panel, test_year),
        *_gone(panel, recommended),
        *_short_years(panel, sorted(statistics)),
    ]
    return pd.DataFrame(rows, columns=list(COLUMNS))


def check_trainable(
    study: Study,
    statistics: Mapping[int, pd.DataFrame],
    *,
    missing: Sequence[int] = (),
) -> None:
    """Refuse a market in which some year has no stock to train on.

    Parameters
    ----------
    study : Study
        Its universe and folds.
    statistics : mapping of int to DataFrame
        ``STATISTICS`` by fold.
    missing : sequence of int
        Years of which no file holds a session.

    Raises
    ------
    DataError
        Naming years and stocks, and the settings that would allow them.
    """
    empty = {
        year: table
        for year, table in statistics.items()
        if not (table["rank"] > 0).any()
    }
    if not empty:
        return
    year = max(empty)
    table = empty[year][empty[year]["kind"] == "ordinary"]
    table = table.sort_values("n_sessions", ascending=False)
    reasons = [
        f"{ticker}: {why}"
        for ticker, why in zip(table["ticker"], table["reason"], strict=True)
    ]
    name, n_whole = study.market.name, max(statistics) - year - 1
    fewer = (
        f"In the study file, [markets.{name}.folds] with n_walk_forward = {n_whole} "
        "leaves these years out"
        if n_whole > 0
        else "No year before the test year has such a stock"
    )
    absent = "".join(f" No file holds a session of {gap}." for gap in missing)
    raise DataError(
        "Expected at least one stock worth training on before every year. Received: "
        f"none before {', '.join(map(str, sorted(empty)))}. Before {year}: "
        f"{' '.join(reasons[:5]) or 'no ordinary share.'}{absent} {fewer}. "
        f"[markets.{name}.universe] in the study file changes the rule"
    )


def first_ranking_year(study: Study, first_session: pd.Timestamp) -> int:
    """Return the first year that the ranking models forecast.

    Parameters
    ----------
    study : Study
        Its ``tabular.first_year``.
    first_session : Timestamp
        Of the market's files.
    """
    return max(study.tabular.first_year, first_session.year + HISTORY_YEARS)


def can_rank(workspace: Workspace) -> bool:
    """Return whether Phase 1 found stocks and years enough to rank.

    Parameters
    ----------
    workspace : Workspace
        After Phase 1.
    """
    document = read_json(workspace.paths.analysis / RECOMMENDATIONS)
    return RANK not in [row["cannot"] for row in document.get("scope", [])]


def scope_sentences(scope: pd.DataFrame) -> list[str]:
    """Return the rows of ``market_scope`` as sentences, stocks of a reason together.

    Parameters
    ----------
    scope : DataFrame
        ``market_scope``.
    """
    if scope.empty:
        return ["Every phase of the study can be done with these data."]
    key = ["phase", "year", "cannot", "why"]
    sentences = []
    for (phase, year, cannot, why), rows in scope.groupby(key, sort=False):
        stocks = ", ".join(ticker for ticker in rows["ticker"] if ticker)
        when = f" {year}" if year else ""
        whose = f" for {stocks}" if stocks else ""
        sentences.append(f"{phase}{when}: cannot {cannot}{whose}. {why}")
    return sentences


def _missing(panel: pd.DataFrame, test_year: int) -> Iterator[Row]:
    for year in missing_years(panel, test_year):
        yield ("Phases 2 to 5", year, "", "forecast or judge the year", NO_FILE)


def _untrained(study: Study, statistics: Mapping[int, pd.DataFrame]) -> Iterator[Row]:
    """Yield the stocks without a network in years with fewer than wanted."""
    for year, table in sorted(statistics.items()):
        ordinary = table[table["kind"] == "ordinary"]
        tradable = int((ordinary["rank"] > 0).sum())
        if tradable >= min(study.universe.n_recommended, MIN_STOCKS):
            continue
        for ticker, rank, why in zip(
            ordinary["ticker"], ordinary["rank"], ordinary["reason"], strict=True
        ):
            if not rank:
                yield ("Phase 3", year, str(ticker), NETWORK, str(why))


def _unranked(study: Study, panel: pd.DataFrame, test_year: int) -> Iterator[Row]:
    sealed = panel[panel["session"] < pd.Timestamp(test_year, 1, 1)]
    first = first_ranking_year(study, panel["session"].min())
    lost = missing_years(panel, test_year)
    if not set(scored_years(study, first, test_year)) - set(lost):
        why = (
            f"It needs {HISTORY_YEARS} years of data and a year to rank from {first} "
            f"on, before the test year {test_year}."
        )
        yield ("Phase 2", 0, "", RANK, why)
        return
    if sealed.empty or not (sealed["kind"] == "ordinary").any():
        return
    members = make_market_panel(sealed, study.cross_section).member.sum(axis=1)
    early = members[members.index < pd.Timestamp(first, 1, 1)]
    most = int(members.max())
    found = f"{most} stock{'s' * (most != 1)}"
    if early.max() < MIN_MEMBERS:
        why = f"Before {first} a ranking needs {MIN_MEMBERS} liquid stocks. {found}."
        yield ("Phase 2", 0, "", RANK, why)
    elif most < MIN_STOCKS:
        why = (
            f"The rank correlation of {MIN_MEMBERS} is always 1 or -1, so {MIN_STOCKS} "
            "liquid stocks are needed."
        )
        yield ("Phases 2 and 4", 0, "", RANK_IC, why)


def _gone(
    panel: pd.DataFrame, recommended: Mapping[int, Sequence[str]]
) -> Iterator[Row]:
    """Yield the recommended stocks that the year's files do not hold."""
    there = panel.groupby(panel["session"].dt.year)["ticker"].unique()
    for year, names in sorted(recommended.items()):
        for ticker in sorted(set(names) - set(there[year])):
            yield ("Phase 4", year, ticker, GONE, "The year's files do not hold it.")


def _short_years(panel: pd.DataFrame, years: list[int]) -> Iterator[Row]:
    sessions = panel["session"].drop_duplicates()
    for year in years:
        n = int((sessions.dt.year == year).sum())
        if n < FULL_YEAR:
            why = f"The files hold {n} sessions of it."
            yield ("Phase 4", year, "", "judge a whole year", why)
