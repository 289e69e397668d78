"""What recounting needs again and again, worked out by hand once a walk."""

from collections.abc import Iterable
from dataclasses import dataclass

from nse_lstm.study.audit.reference.rows import PlainMarket, read_market
from nse_lstm.study.audit.reference.windows import (
    PlainWindow,
    list_windows,
    split_windows,
)
from nse_lstm.study.core.workspace import Workspace, actions_path

Split = dict[str, list[PlainWindow]]
"""Windows by "train", "validation" and "forecast"."""


@dataclass(frozen=True)
class ReferenceCache:
    """The raw text read by hand, and some stocks' windows cut by hand."""

    market: PlainMarket
    windows: dict[str, list[PlainWindow]]
    splits: dict[tuple[str, int], Split]


def compute_reference(
    workspace: Workspace, wanted: Iterable[tuple[str, int]], *, pooled: bool
) -> ReferenceCache:
    """Read the raw files, and cut the wanted stocks' windows for the wanted years.

    Parameters
    ----------
    wanted : iterable of (str, int)
        Ticker and fold.
    pooled : bool
        Whether every share's windows are needed, for the pooled model.
    """
    study = workspace.study
    market = read_market(workspace.paths.raw, actions_path(workspace))
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
        names_of = ("train", "validation", "forecast")
        splits[ticker, year] = dict(zip(names_of, parts, strict=True))
    return ReferenceCache(market, windows, splits)
