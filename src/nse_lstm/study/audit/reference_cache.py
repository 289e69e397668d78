"""The reference's market and windows, computed once per run."""

from collections.abc import Iterable
from dataclasses import dataclass

from nse_lstm.study.audit.reference.market import ReferenceMarket
from nse_lstm.study.audit.reference.rows import read_market
from nse_lstm.study.audit.reference.windows import (
    ReferenceWindow,
    list_windows,
    split_windows,
)
from nse_lstm.study.core.workspace import Workspace, actions_path, sourced_path

Split = dict[str, list[ReferenceWindow]]
"""Windows by "train", "validation" and "forecast"."""


@dataclass(frozen=True)
class ReferenceCache:
    """The reference's market, and its windows of some stocks."""

    market: ReferenceMarket
    windows: dict[str, list[ReferenceWindow]]
    splits: dict[tuple[str, int], Split]


def compute_reference(
    workspace: Workspace, wanted: Iterable[tuple[str, int]], *, pooled: bool
) -> ReferenceCache:
    """Read the raw files and list the windows of the wanted stocks and folds.

    Parameters
    ----------
    workspace : Workspace
        With the raw files and the sourced corporate actions.
    wanted : iterable of (str, int)
        Ticker and fold.
    pooled : bool
        Whether every stock's windows are needed, for the pooled model.
    """
    study = workspace.study
    market = read_market(
        workspace.paths.raw,
        actions_path(workspace),
        sourced_path(workspace, "renamed_codes"),
        sourced_path(workspace, "dividends"),
    )
    v2 = study.v2
    wanted = list(wanted)
    names = market.stocks if pooled else {ticker for ticker, _ in wanted}
    windows = {
        ticker: list_windows(market, ticker, lookback=v2.lookback, horizon=v2.horizon)
        for ticker in sorted(names)
        if ticker in market.stocks
    }
    splits = {}
    for ticker, year in wanted:
        parts = split_windows(
            windows.get(ticker, []),
            year,
            share=study.folds.validation_share,
            purge=v2.horizon,
        )
        spans = ("train", "validation", "forecast")
        splits[ticker, year] = dict(zip(spans, parts, strict=True))
    return ReferenceCache(market, windows, splits)
