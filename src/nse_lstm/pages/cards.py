"""Write the further pages: leak audit, data card, glossary."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from nse_lstm.evaluation.cash import describe_cash, last_sourced_session
from nse_lstm.evaluation.total_return import COVERED
from nse_lstm.pages.audit import audit_card
from nse_lstm.pages.data_analysis import untouched_lines
from nse_lstm.paths import write_text
from nse_lstm.reporting.banner import make_banner
from nse_lstm.reporting.cards import render_card
from nse_lstm.reporting.glossary import render_glossary
from nse_lstm.study.core.phase_tables import (
    read_facts,
    read_instruments,
    read_sealed_panel,
)
from nse_lstm.study.core.verdict import read_verdict
from nse_lstm.study.core.workspace import Workspace, sourced_path
from nse_lstm.study.tools.execute_notebook import page_metadata
from nse_lstm.tables import PLACED_DIVIDENDS, REPAIRS, ROW_COUNTS, read_table

PRICES = {
    "average": "the average of a session's trades",
    "close": "a session's last one",
}
"""What a printed price is, by the market's setting."""


def write_cards(workspace: Workspace, folder: Path) -> None:
    """Write ``audit.html``, ``data_card.html`` and ``glossary.html`` into a folder.

    Parameters
    ----------
    workspace : Workspace
    folder : Path
        Of the reports.

    Raises
    ------
    ArtefactError
        If Phase 1 has not run.
    """
    metadata = page_metadata(workspace)
    banner = make_banner(read_verdict(workspace))
    for name, values in (
        ("audit", audit_card(workspace)),
        ("data_card", data_card(workspace)),
    ):
        page = render_card(name, values, metadata=metadata, banner=banner)
        write_text(folder / f"{name}.html", page)
    write_text(folder / "glossary.html", render_glossary(metadata, banner=banner))


def data_card(workspace: Workspace) -> dict[str, Any]:
    """Gather the values of the data card, from sessions before the test year.

    The row counts are of all files, with the test year's.
    """
    folder = workspace.paths.processed
    ledger = read_table(ROW_COUNTS, folder / "row_counts.parquet")
    repairs = read_table(REPAIRS, folder / "repairs.parquet")
    return {
        "about": _about(workspace),
        "kinds": _kinds(read_instruments(workspace)),
        "files": _files(ledger),
        "reasons": _reasons(ledger, repairs),
        "dividends": dividend_coverage(read_sealed_panel(workspace)),
        "dividend_words": _dividend_words(workspace),
        "cash_words": _cash_words(workspace),
        "known": _known(workspace),
        "witness": _witness(workspace),
    }


def dividend_coverage(panel: pd.DataFrame) -> pd.DataFrame | None:
    """Count the sourced dividends by stock and year, one column per year.

    Parameters
    ----------
    panel : DataFrame
        ``PANEL``, sealed.

    Returns
    -------
    DataFrame
        Ordinary shares with a sourced dividend or a complete year. A cell is the number
        of dividends, with "all" behind it where a source says that there is no other,
        and a dash where nothing is known. None where nothing is sourced.
    """
    own = panel[panel["kind"] == "ordinary"]
    year = own["session"].dt.year.rename("year")
    by_year = own.groupby([own["ticker"], year])
    counts = by_year["dividend"].agg(lambda paid: int((paid > 0).sum()))
    whole = by_year["dividends_known"].all()
    known = counts[(counts > 0) | whole]
    if known.empty:
        return None
    cells = known.reset_index(name="n")
    ends = np.where(whole[known.index], " all", "")
    cells["shown"] = cells["n"].astype(str) + ends
    wide = cells.pivot(index="ticker", columns="year", values="shown")
    wide.columns = [str(name) for name in wide.columns]
    return wide.fillna("–").rename_axis("ticker").reset_index()


def _dividend_words(workspace: Workspace) -> str:
    placed = read_table(
        PLACED_DIVIDENDS, workspace.paths.processed / "dividends.parquet"
    )
    panel = read_sealed_panel(workspace)
    own = panel[panel["kind"] == "ordinary"]
    years = own.groupby([own["ticker"], own["session"].dt.year])["dividends_known"]
    n_covered, n_all = int(years.all().sum()), years.ngroups
    outside = int(placed["session"].isna().sum())
    return (
        f"{len(placed)} dividends are sourced, {outside} of them outside the stock's "
        f"rows in the files. {n_covered} of {n_all} years of an ordinary share before "
        "the test year are complete. Amounts are per share of that day and follow "
        "later splits."
    )


def _cash_words(workspace: Workspace) -> str:
    facts, backtest = read_facts(workspace), workspace.study.backtest
    first, last = pd.Timestamp(facts.first_session), pd.Timestamp(facts.last_session)
    end = last_sourced_session(backtest)
    words = f"Cash earns {describe_cash(first, last, backtest)}."
    if end is None:
        return words
    return f"{words} Claims against cash end on {end:%Y-%m-%d}, with its sources."


def _about(workspace: Workspace) -> list[tuple[str, str]]:
    facts, market = read_facts(workspace), workspace.study.market
    source = "made on this machine" if market.simulated else market.citation
    return [
        ("market", market.label),
        ("source and licence", source or "not stated in the study file"),
        ("sessions", f"{facts.n_sessions:,}"),
        ("span", f"{facts.first_session} to {facts.last_session}"),
        ("rows of the panel", f"{facts.n_rows:,}"),
        ("codes", str(facts.n_tickers)),
        ("test year, sealed", str(facts.test_year)),
        ("SHA-256 of the files", facts.digest),
    ]


def _kinds(instruments: pd.DataFrame) -> pd.DataFrame:
    grouped = instruments.groupby("kind")
    table = pd.DataFrame(
        {
            "codes": grouped.size(),
            "first session": grouped["first_session"].min(),
            "last session": grouped["last_session"].max(),
        }
    )
    return table.sort_values("codes", ascending=False).reset_index()


def _files(ledger: pd.DataFrame) -> pd.DataFrame:
    wide = ledger.pivot_table(
        index="source_file", columns="action", values="n_rows", aggfunc="sum"
    )
    actions = ["kept", "mended", "dropped"]
    counts = wide.reindex(columns=actions).fillna(0).astype(int)
    return counts.assign(n_rows=counts.sum(axis=1)).reset_index()


def _reasons(ledger: pd.DataFrame, repairs: pd.DataFrame) -> pd.DataFrame:
    """Count rows by action and reason, those to review last."""
    done = ledger[ledger["action"] != "kept"]
    counts = done.groupby(["action", "reason"])["n_rows"].sum().reset_index()
    review = repairs[repairs["action"] == "review"]
    listed = review.groupby(["action", "reason"]).size().rename("n_rows").reset_index()
    both = pd.concat([counts, listed], ignore_index=True)
    return both[both["n_rows"] > 0].reset_index(drop=True)


def _witness(workspace: Workspace) -> pd.DataFrame | None:
    """Return how far an independent collection of boards agrees, None without one.

    The counts are committed. The collection itself is no part of the project.
    """
    path = sourced_path(workspace, "witness")
    if not path.is_file():
        return None
    table = pd.read_csv(path).drop(columns="unexplained")
    names = {
        "compared": "in both",
        "equal": "equal prices",
        "whole_ticks": "whole ticks here",
        "split_date": "split dated otherwise",
        "left_out": "left out here",
        "only_ours": "here only",
        "only_witness": "there only",
    }
    return table.astype({"year": "str"}).rename(columns=names)


def _known(workspace: Workspace) -> list[str]:
    panel = read_sealed_panel(workspace)
    ordinary = panel[panel["kind"] == "ordinary"]
    broken = ordinary.groupby("session")["gap"].mean() > 0.5
    gaps = [f"{session:%Y-%m-%d}" for session in broken.index[broken]]
    n_stale = ordinary.loc[ordinary["stale"], "session"].nunique()
    stopped = f"{ordinary['limit'].mean():.1%} stopped at the daily limit"
    if not workspace.study.backtest.limit:
        stopped = "none stopped at a daily limit, because the exchange has none"
    after = f" (sessions after one: {', '.join(gaps)})" if gaps else ""
    return [
        f"A price is {PRICES[workspace.study.market.prices]}, known only after the "
        "close.",
        f"{ordinary['volume'].isna().mean():.1%} of the ordinary shares' rows had no "
        f"trade, {ordinary['suspended'].mean():.1%} lie in a suspension, "
        f"{stopped}.",
        f"{n_stale} sessions show the prices of another session: they give no signal "
        "and no trade.",
        f"{int((ordinary['factor'] != 1).sum())} splits and bonus issues are adjusted "
        "forward, so that no later event rewrites an earlier value.",
        f"No return is taken across a break in the market's calendar{after}.",
        "Prices leave out dividends. They count where they are sourced for "
        f"{COVERED:.0%} of the compared stocks, on both sides alike.",
        "Delisted stocks stay in the data until their last session.",
        *untouched_lines(workspace.study.market.untouched),
    ]
